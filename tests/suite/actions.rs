//! Actions: setting, showing and removing them.

mod setting;

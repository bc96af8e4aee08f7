//! Actions: setting, showing and removing them.

mod doctor;
mod setting;
mod testing;

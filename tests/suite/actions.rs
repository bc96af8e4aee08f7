//! Actions: setting, showing and removing them.

mod doctor;
mod file;
mod setting;
mod testing;

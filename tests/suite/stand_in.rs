//! A running stand-in for MicroSIP, and what is shown with it.
//!
//! What it does and the lines of its log are described in `tests/stand_in/main.rs`.

mod behaviour;
mod closing;
mod driving;
mod finding;
mod hooks;
mod passwords;
mod phone;
mod races;
mod test_hook;

pub use phone::{Dumper, Installed, Phone, Start, log_file, put_stand_in, wait_until, whole_log};

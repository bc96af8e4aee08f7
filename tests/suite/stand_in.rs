//! Tests with a running stand-in for MicroSIP. See `tests/stand_in/main.rs` for what it does and logs.

mod behaviour;
mod closing;
mod control;
mod finding;
mod hooks;
mod passwords;
mod phone;
mod races;
mod runner;
mod test_hook;

pub use phone::{Dumper, Installed, Phone, Start, log_file, put_stand_in, wait_until, whole_log};

//! What users see, through the program itself, and what only a whole transaction shows.
//!
//! One test program, so that it is linked once for Linux and once for Windows.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests use the environment and the disk, and should say where they cannot go on"
)]

#[path = "../crowd.rs"]
mod crowd_of_users;
mod sandbox;

mod background;
mod bad_input;
mod completions;
mod concurrency;
mod crowd;
mod detect;
mod docs;
mod doctor;
mod documents;
mod dsc;
mod explain;
mod hooks;
mod inis;
mod instances;
#[cfg(target_os = "linux")]
mod layers;
mod links;
mod output;
mod profile_api;
mod profiles;
mod provision;
#[cfg(target_os = "linux")]
mod repository;
mod safety;
mod secrets;
mod settings;
#[cfg(windows)]
mod stand_in;
mod status;
#[cfg(target_os = "linux")]
mod terminal;
mod test_hook;
mod transaction;
#[cfg(target_os = "linux")]
mod wizard;

//! Tests of what users see, through the program itself, and of what only a whole transaction shows.
//!
//! All in one test program, so that it is linked only once for each system.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests use the environment and the disk, and stop where something is wrong"
)]

#[path = "../many_users.rs"]
mod many_users;
mod sandbox;

mod actions;
mod alone;
mod background;
mod bad_input;
mod calls;
mod calls_db;
mod completions;
mod concurrency;
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
mod perform;
mod profile_api;
mod profiles;
#[cfg(target_os = "linux")]
mod prompts;
mod provision;
#[cfg(target_os = "linux")]
mod repository;
mod runner;
mod safety;
mod secrets;
mod sessions;
mod settings;
#[cfg(windows)]
mod stand_in;
mod status;
#[cfg(target_os = "linux")]
mod terminal;
mod test_hook;
mod transaction;
mod uninstall;
#[cfg(target_os = "linux")]
mod wizard;

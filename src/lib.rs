//! Sets hooks and settings in MicroSIP.ini, losslessly and safely.
//!
//! Data moves one way: the words of the command line ([`cli::args`]) become a [`request`]; a command
//! ([`commands`]) reads the ini ([`ini`]) and works out a plan ([`edit::plan`]), which is a value and writes
//! nothing; the transaction ([`edit::transaction`]) brings it to the disk; the report ([`cli::report`]) says
//! what was done. What is known of MicroSIP is in [`microsip`], of its hooks in [`hook`], of the system in
//! [`platform`]. `docs/architecture.md` has the whole picture.

#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests prepare files on the disk")
)]

pub mod cli;
pub mod commands;
pub mod desired;
pub mod diagnostic;
pub mod edit;
pub mod guess;
pub mod hook;
pub mod ini;
pub mod microsip;
pub mod platform;
pub mod request;

//! Sets hooks and settings in MicroSIP.ini, losslessly and safely.
//!
//! This library isn't a public API: it exists so that the program, its tests and its fuzz targets can share the code,
//! and it changes without notice.
//!
//! Data moves one way. The arguments ([`cli::args`]) become a [`request`]; a command ([`commands`]) reads the ini
//! ([`ini`]) and makes a plan ([`edit::plan`]), which is a value and writes nothing; the transaction
//! ([`edit::transaction`]) applies the plan to the file; the command's outcome is printed as text or JSON. What msipcfg
//! knows about MicroSIP is in [`microsip`], about hook commands in [`hook`], about the operating system in
//! [`platform`]. `docs/internals/architecture.md` has the whole picture.

#![doc(hidden)]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests prepare files on the disk")
)]

pub mod actions;
pub mod app;
pub mod budget;
pub mod cli;
pub mod commands;
pub mod desired;
pub mod diagnostic;
pub mod edit;
pub mod guess;
pub mod hook;
pub mod ini;
pub mod microsip;
pub mod page;
pub mod platform;
pub mod quote;
pub mod request;
pub mod wildcard;

//! A stand-in for MicroSIP. It treats its ini, window, command line, hooks and other running copies like MicroSIP does,
//! but makes no calls. Copied into a folder as `MicroSIP.exe`, it is a portable MicroSIP.
//!
//! The command line is MicroSIP's own, so tests control the stand-in with environment variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `STAND_IN_VERSION` | the version that it imitates, by default 3.22.3 |
//! | `STAND_IN_LOG` | the file to which it appends what it does and receives |
//! | `STAND_IN_EVENTS` | events right after the start, such as `cmdIncomingCall=100;cmdCallEnd=200` |
//! | `STAND_IN_HOLDS_INI` | keeps the ini open while it runs; with `exclusive`, nobody else can open it |
//! | `STAND_IN_BLOCKS` | never returns to the sender of a text that is handled at once (dwData 1) |
//! | `STAND_IN_EXIT_AFTER_MS` | exits by itself after this time |
//! | `STAND_IN_SLOW_EXIT_MS` | waits this long between closing its window and saving |
//! | `STAND_IN_NEVER_EXITS` | ignores WM_CLOSE |
//! | `STAND_IN_ENDS_WITH_INPUT` | is killed, so without saving, when its standard input ends, which must be a pipe |
//!
//! A line of the log is the process number, a space, and one of these, with control characters escaped:
//!
//! | line | meaning |
//! |---|---|
//! | `start args="…"` | the command line after the exe, as a JSON string |
//! | `passed on` / `told to exit` / `left alone` | what a second start did |
//! | `ready` | the ini is read and the window exists; also printed if standard output is a pipe |
//! | `window visible` / `window hidden` | |
//! | `copydata 2 …` | a text received by WM_COPYDATA, with its dwData |
//! | `command …` | such as `msip:answer` or `/hangupall` |
//! | `dial 100` / `message 100 …` | |
//! | `hook cmdCallEnd "file" "parameters" started 12` | both texts as JSON; or `failed`; milliseconds |
//! | `saved` / `not saved` | the ini |
//! | `close` | WM_CLOSE was received |
//! | `exit` | the last line, unless it was killed |
//!
//! It also understands three texts of its own: `stand-in:event KEY USER`, `stand-in:save` and `stand-in:call NUMBER`,
//! which adds a record to `[Calls]`.
//!
//! Two keys count across all starts, so that tests see whether saves are lost: `volumeInput` its starts and
//! `volumeOutput` its saves. Like all settings, they are in memory until the next save.
//!
//! When it starts, it encrypts the plain passwords of the accounts that it loads, with its own cipher.
//!
//! Not implemented: installations that only Windows Installer knows, the masks of cmdOutgoingCall, `/reset`.

// like MicroSIP, and so that no console has to be created
#![cfg_attr(windows, windows_subsystem = "windows")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "part of the tests, controlled by environment variables"
)]

#[cfg(windows)]
mod commands;
#[cfg(windows)]
mod hooks;
#[cfg(windows)]
mod ini;
#[cfg(windows)]
mod instance;
#[cfg(windows)]
mod log;
#[cfg(windows)]
mod passwords;
#[cfg(windows)]
mod phone;
#[cfg(windows)]
mod place;
#[cfg(windows)]
mod settings;
#[cfg(windows)]
mod start;
#[cfg(windows)]
mod version;
#[cfg(windows)]
mod wide;
#[cfg(windows)]
mod window;

#[cfg(windows)]
fn main() {
    start::start();
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    eprintln!("this program only runs on Windows");
    std::process::ExitCode::FAILURE
}

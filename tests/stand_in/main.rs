//! A stand-in for MicroSIP: it treats its ini, its window, its command line, other copies of itself and its hooks
//! as MicroSIP does, and makes no calls. Copied into a folder as `MicroSIP.exe` it is a portable one.
//!
//! The command line is MicroSIP's own, so what a test wants of it stands in variables:
//!
//! | variable | meaning |
//! |---|---|
//! | `STAND_IN_VERSION` | whom it stands in for, 3.22.3 if not set |
//! | `STAND_IN_LOG` | the file to which it appends what it does and is told |
//! | `STAND_IN_EVENTS` | events right after the start, such as `cmdIncomingCall=100;cmdCallEnd=200` |
//! | `STAND_IN_HOLDS_INI` | keeps the ini open as long as it runs; `exclusive` shares it with nobody |
//! | `STAND_IN_BLOCKS` | a text that is to be handled at once (dwData 1) never returns to its sender |
//! | `STAND_IN_EXIT_AFTER_MS` | exits by itself after that time |
//! | `STAND_IN_SLOW_EXIT_MS` | takes that time between losing its window and saving |
//! | `STAND_IN_NEVER_EXITS` | does not heed WM_CLOSE |
//! | `STAND_IN_ENDS_WITH_INPUT` | is killed, so without saving, when its standard input ends; that must be a pipe |
//!
//! A line of the log is the process id, a blank, and one of these; control characters are escaped:
//!
//! | line | meaning |
//! |---|---|
//! | `start args="…"` | the command line behind the exe, as a JSON string |
//! | `passed on` / `told to exit` / `left alone` | what became of a second start |
//! | `ready` | ini read, window made; also printed if standard output is a pipe |
//! | `window visible` / `window hidden` | |
//! | `copydata 2 …` | a text that came by WM_COPYDATA, with its dwData |
//! | `command …` | such as `msip:answer` or `/hangupall` |
//! | `dial 100` / `message 100 …` | |
//! | `hook cmdCallEnd "file" "parameters" started 12` | both texts as JSON, or `failed`; milliseconds |
//! | `saved` / `not saved` | the ini |
//! | `close` | WM_CLOSE came |
//! | `exit` | the last line of one that was not killed |
//!
//! Three texts of its own are handled like those that come by WM_COPYDATA: `stand-in:event KEY USER`,
//! `stand-in:save` and `stand-in:call NUMBER`, which adds a record to `[Calls]`.
//!
//! So that tests see that its saves are kept, two keys count across all starts: `volumeInput` how often it
//! started and `volumeOutput` how often it saved. Both are in memory until the next save, as everything is.
//!
//! It encrypts plain passwords of the accounts that it loads at a start, with a cipher of its own.
//!
//! What it leaves out: installations known to MSI only, the masks of cmdOutgoingCall, /reset.

// as MicroSIP, and so that no console has to be made for it
#![cfg_attr(windows, windows_subsystem = "windows")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a part of the tests, which is told by its environment what to be"
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
    eprintln!("this is a program for Windows");
    std::process::ExitCode::FAILURE
}

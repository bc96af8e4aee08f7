//! A program for hooks that writes down what it received, and ends as it is told.
//!
//! Each start appends one line, its arguments as a JSON list, to the file that the variable `ARGUMENT_DUMP` names,
//! which a hook inherits from its MicroSIP, or else to a file beside itself, named as itself with `.args` behind.
//! Its whole command line goes, as a JSON string, to a file with `.line` behind that name, on Windows.
//!
//! | variable | meaning |
//! |---|---|
//! | `ARGUMENT_DUMP_TAKES_MS` | it goes on for that time |
//! | `ARGUMENT_DUMP_SAYS` | it prints this on standard output, and on standard error with a `!` behind |
//! | `ARGUMENT_DUMP_STATUS` | its exit status |

// it is started hidden: a console would only have to be made for it
#![cfg_attr(windows, windows_subsystem = "windows")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a part of the tests"
)]

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let dump = dump();
    #[cfg(windows)]
    append(&with_ending(dump.clone(), ".line"), &serde_json::to_string(&command_line()).unwrap());
    append(&dump, &serde_json::to_string(&arguments).unwrap());
    if let Some(text) = variable("ARGUMENT_DUMP_SAYS") {
        println!("{text}");
        eprintln!("{text}!");
    }
    if let Some(time) = variable("ARGUMENT_DUMP_TAKES_MS") {
        std::thread::sleep(Duration::from_millis(time.parse().unwrap()));
    }
    variable("ARGUMENT_DUMP_STATUS").map_or(0, |status| status.parse().unwrap()).into()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Adds a line in one go, for several may run at once.
fn append(file: &PathBuf, line: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn dump() -> PathBuf {
    // it may have been started by its 8.3 name
    let beside = || with_ending(std::env::current_exe().unwrap().canonicalize().unwrap(), ".args").into();
    std::env::var_os("ARGUMENT_DUMP").unwrap_or_else(beside).into()
}

fn with_ending(path: PathBuf, ending: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(ending);
    name.into()
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "std gives the command line in parts only")]
fn command_line() -> String {
    // SAFETY: the text is this process's own, ends with NUL and is never freed
    let line = unsafe {
        let line = windows_sys::Win32::System::Environment::GetCommandLineW();
        let length = (0..).take_while(|&at| *line.add(at) != 0).count();
        std::slice::from_raw_parts(line, length)
    };
    String::from_utf16_lossy(line)
}

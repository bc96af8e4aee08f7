//! A hook for tests: logs the arguments that it received, and exits as requested.
//!
//! Each run appends one line with its arguments, as a JSON list, to the file in the variable `ARGUMENT_DUMP`, which
//! hooks inherit from MicroSIP, or else to a file next to the program with the same name and `.args` appended. On
//! Windows, it also appends its whole command line, as a JSON string, to a file of that name with `.line` appended.
//!
//! Variables whose names start with `MICROSIP_` are logged as a JSON object in a file with `.variables` appended.
//!
//! | variable | meaning |
//! |---|---|
//! | `ARGUMENT_DUMP_TAKES_MS` | runs for this time |
//! | `ARGUMENT_DUMP_SAYS` | prints this on standard output, and on standard error with a `!` appended |
//! | `ARGUMENT_DUMP_STATUS` | exits with this status |

// It is started hidden, so it needs no console.
#![cfg_attr(windows, windows_subsystem = "windows")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program"
)]

use std::collections::BTreeMap;
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
    append(&with_suffix(dump.clone(), ".line"), &serde_json::to_string(&command_line()).unwrap());
    append(&dump, &serde_json::to_string(&arguments).unwrap());
    let variables: BTreeMap<String, String> =
        std::env::vars().filter(|(name, _)| name.starts_with("MICROSIP_")).collect();
    if !variables.is_empty() {
        append(&with_suffix(dump.clone(), ".variables"), &serde_json::to_string(&variables).unwrap());
    }
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

/// Appends a line with one write, because several processes may do so at once.
fn append(file: &PathBuf, line: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn dump() -> PathBuf {
    // canonical, because it may have been started by its 8.3 name
    let next_to_program =
        || with_suffix(std::env::current_exe().unwrap().canonicalize().unwrap(), ".args").into();
    std::env::var_os("ARGUMENT_DUMP").unwrap_or_else(next_to_program).into()
}

fn with_suffix(path: PathBuf, suffix: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(suffix);
    name.into()
}

#[cfg(windows)]
#[allow(unsafe_code, reason = "std returns the command line only in parts")]
fn command_line() -> String {
    // SAFETY: the text belongs to this process, ends with NUL and is never freed
    let line = unsafe {
        let line = windows_sys::Win32::System::Environment::GetCommandLineW();
        let length = (0..).take_while(|&at| *line.add(at) != 0).count();
        std::slice::from_raw_parts(line, length)
    };
    String::from_utf16_lossy(line)
}

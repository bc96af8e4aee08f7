//! A program for hooks that writes down what it received.
//!
//! Each start appends one line, its arguments as a JSON list, to the file that the variable `ARGUMENT_DUMP` names,
//! which a hook inherits from its MicroSIP, or else to a file beside itself, named as itself with `.args` behind.

// it is started hidden: a console would only have to be made for it
#![cfg_attr(windows, windows_subsystem = "windows")]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a part of the tests")]

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

fn main() {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let line = serde_json::to_string(&arguments).unwrap() + "\n";
    let mut file = OpenOptions::new().append(true).create(true).open(dump()).unwrap();
    // in one go, for several may run at once
    file.write_all(line.as_bytes()).unwrap();
}

fn dump() -> PathBuf {
    let beside = || {
        // it may have been started by its 8.3 name
        let exe = std::env::current_exe().unwrap().canonicalize().unwrap();
        let mut name: OsString = exe.into_os_string();
        name.push(".args");
        name
    };
    std::env::var_os("ARGUMENT_DUMP").unwrap_or_else(beside).into()
}

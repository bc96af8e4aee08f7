//! Files that aren't inis, don't exist or can't be read or written, and wrong arguments: the right exit status, one
//! clear message, and no leftovers.

#[cfg(unix)]
mod access;
mod arguments;
mod closed_output;
#[cfg(unix)]
mod links;
mod missing;
mod not_an_ini;
mod write_errors;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::inis::snapshot;
use crate::sandbox::{PROGRAM, Ran, Sandbox};

#[cfg(unix)]
pub use access::ordinary_user;

const INI: &str = "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n";

/// Commands that read an ini.
const READING: &[&[&str]] = &[&["get", "VAD"], &["hooks"]];

/// Commands that write an ini.
const WRITING: &[&[&str]] =
    &[&["set", "VAD=0"], &["set-hook", "--allow-missing", "ring", r"C:\hooks\ring.exe"]];

/// Fails the test if the output contains text that only programmers understand.
#[track_caller]
pub fn assert_plain(ran: &Ran) {
    const FOR_PROGRAMMERS: &[&str] = &[
        "panicked",
        "RUST_BACKTRACE",
        "stack backtrace",
        "unwrap",
        "Os {",
        "Custom {",
        "Error(",
        "Error {",
        "Err(",
        "Ok(",
        "Some(",
        "None)",
        "kind:",
        "::",
        "PathBuf",
        "Utf8Error",
        "\u{FFFD}\u{FFFD}\u{FFFD}",
    ];
    for word in FOR_PROGRAMMERS {
        assert!(!ran.stdout.contains(word) && !ran.stderr.contains(word), "{word:?} in: {}", ran.transcript);
    }
}

fn with_args<S: AsRef<OsStr>>(mut command: Command, args: impl IntoIterator<Item = S>) -> Command {
    command.args(args);
    command
}

/// Returns the arguments with `--ini` and the path after the command.
fn on_ini(ini: &Path, args: &[&str]) -> Vec<OsString> {
    let mut all: Vec<OsString> = args.iter().map(OsString::from).collect();
    all.splice(1..1, ["--ini".into(), ini.into()]);
    all
}

/// Runs a command with and without `--json`. The exit status and the code must be these, there must be one clear
/// message that contains the path of the file, and no file may change.
#[track_caller]
fn refused(
    sandbox: &Sandbox,
    program: &dyn Fn() -> Command,
    args: &[OsString],
    status: i32,
    code: &str,
    file: Option<&Path>,
) {
    let before = snapshot(sandbox);
    let text = sandbox.finish(with_args(program(), args));
    let json_args = vec![args[0].clone(), "--json".into()].into_iter().chain(args[1..].iter().cloned());
    let json_run = sandbox.finish(with_args(program(), json_args));
    for ran in [&text, &json_run] {
        assert_eq!(ran.status, status, "{}", ran.transcript);
        assert_plain(ran);
    }
    assert_eq!(text.stdout, "", "standard output isn't empty: {}", text.transcript);
    let errors = text.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "not exactly one message: {}", text.transcript);
    let json_run = json_run.fails(status, code);
    assert_eq!(json_run.stderr, "", "{}", json_run.transcript);
    let json = json_run.json();
    let message = json["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains('\n') && !message.ends_with(':'), "{message:?}");
    assert!(text.stderr.contains(message), "different messages: {} {}", text.transcript, json_run.transcript);
    if let Some(file) = file {
        let name = file.to_str().unwrap();
        assert!(message.contains(name), "{name} is missing in {message:?}");
    }
    let after = snapshot(sandbox);
    let [before, after] = [before, after].map(|all| {
        // the outputs were in this folder, so its time changes
        let home = sandbox.path("home");
        all.into_iter().filter(|(path, _)| *path != home).collect::<Vec<_>>()
    });
    assert!(before == after, "a file changed: {}", json_run.transcript);
}

#[track_caller]
fn refused_all(sandbox: &Sandbox, commands: &[&[&str]], ini: &Path, status: i32, code: &str) {
    let program = || sandbox.command(PROGRAM);
    for args in commands {
        refused(sandbox, &program, &on_ini(ini, args), status, code, Some(ini));
    }
}

fn all_commands() -> Vec<&'static [&'static str]> {
    [READING, WRITING].concat()
}

//! Snapshots of whole sessions: command lines with everything that the program prints, returns and writes.
//!
//! `tests/cases/README.md` describes the files. `SNAPSHOTS=overwrite` writes what the program does now.

mod files;
mod printed;
mod redact;
mod session;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Command, CommandFactory};
use msipcfg::cli::args::Cli;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

use session::Session;

/// The variable that makes the test write what it would otherwise compare.
const VARIABLE: &str = "SNAPSHOTS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("cases")
}

/// Returns the sessions at or below a folder, without the files that they start with.
fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().unwrap() != session::START {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
}

/// Returns the sessions of this system, or those that the test was asked for: `cargo test --test suite -- sessions::
/// settings/`. On Windows, every sixth one, unless PROPTEST_CASES asks for more.
fn sessions() -> Vec<Session> {
    let mut paths = Vec::new();
    find(&folder(), &mut paths);
    paths.sort();
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| argument.contains('/')).collect();
    let is_wanted = |session: &Session| {
        filters.is_empty() || filters.iter().any(|filter| session.name.contains(filter.as_str()))
    };
    let sessions = paths.iter().map(|path| Session::read(path, &folder()));
    let all: Vec<Session> = sessions.filter(Session::is_for_this_system).filter(is_wanted).collect();
    // They start hundreds of programs, which takes long under Wine, and print the same on each system.
    let step = if cfg!(windows) && filters.is_empty() && !crate::sandbox::wants_many_cases() { 6 } else { 1 };
    let total = all.len();
    let sample: Vec<Session> = all.into_iter().step_by(step).collect();
    println!("{} of {total} sessions", sample.len());
    sample
}

/// Runs a session and compares it, or writes it anew.
fn check(session: &Session) -> Result<(), String> {
    let expected = Data::read_from(&session.path, Some(DataFormat::Text)).raw();
    let assert = Assert::new().action_env(VARIABLE).normalize_paths(false);
    let compared = assert.try_eq(Some(&"this run"), Data::text(session.run()).raw(), expected);
    compared.map_err(|error| error.to_string())
}

#[test]
fn sessions_are_as_recorded_and_complete() {
    let sessions = sessions();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(session) = sessions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = std::panic::catch_unwind(|| check(session));
                    let result = result.unwrap_or_else(|_| Err(format!("{} panicked", session.name)));
                    failures.lock().unwrap().extend(result.err());
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let count = failures.len();
    assert!(count == 0, "{count} of {} sessions differ\n{}", sessions.len(), failures.join("\n"));
    assert_complete();
}

#[test]
fn printed_commands_are_accepted() {
    let mut paths = Vec::new();
    find(&folder(), &mut paths);
    let accepted = |path: &PathBuf| {
        let output = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        printed::assert_accepted(&output, &path.display().to_string())
    };
    let count: usize = paths.iter().map(accepted).sum();
    assert!(count > 100, "only {count} commands were found");
}

/// Fails unless every command and every exit status occurs in a session.
fn assert_complete() {
    /// `completions` and `schema` print long texts with tests of their own; the wizard asks questions.
    const WITHOUT: &[&str] = &["wizard", "completions", "schema"];
    let mut paths = Vec::new();
    find(&folder(), &mut paths);
    let text: String = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .map(|line| line.split(' ').skip_while(|word| *word != "msipcfg").collect())
        .collect();
    for command in
        Cli::command().get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name)
    {
        for is_json in [false, true].into_iter().filter(|_| !WITHOUT.contains(&command)) {
            let is_shown =
                lines.iter().any(|line| line.get(1) == Some(&command) && line.contains(&"--json") == is_json);
            assert!(
                is_shown,
                "no session runs {command} {}",
                if is_json { "with --json" } else { "for people" }
            );
        }
    }
    // 5 and 130 need a running MicroSIP and a signal
    for status in [0, 1, 2, 3, 4, 6, 7, 8] {
        assert!(text.contains(&format!("\n==> status {status}\n")), "no session exits with {status}");
    }
}

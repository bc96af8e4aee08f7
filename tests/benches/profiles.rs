//! How long the inis of many users take, and how much memory: 100, 1,000 and 10,000 of them.
//!
//! Run it by hand: `cargo bench --bench profiles`. Each run's results are checked; nothing is asserted about speed.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and should say where it cannot go on"
)]

#[path = "../many_users.rs"]
mod many_users;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_msipcfg");
/// In the target folder, which is on a disk as users' folders are; in memory a sync costs nothing.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    println!("{:>8}  {:>26}  {:>26}  {:>26}", "users", "apply", "apply again", "check");
    for count in [100, 1_000, 10_000] {
        let folder = tempfile::tempdir_in(FOLDER).unwrap();
        let users = many_users::make(folder.path(), count);
        std::fs::write(folder.path().join("wanted.toml"), many_users::WANTED).unwrap();
        let first = run(folder.path(), &["apply", "--allow-missing"]);
        let report = std::fs::read_to_string(folder.path().join("done.jsonl")).unwrap();
        let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        users.assert_done(&lines);
        let again = run(folder.path(), &["apply", "--allow-missing"]);
        let check = run(folder.path(), &["check"]);
        let shown = |(time, peak): (Duration, u64)| {
            let each = time.as_secs_f64() * 1000.0 / count as f64;
            format!("{:7.2} s {each:5.2} ms {:3} MB", time.as_secs_f64(), peak / 1_000_000)
        };
        println!("{count:>8}  {:>26}  {:>26}  {:>26}", shown(first), shown(again), shown(check));
    }
}

/// How long it took, and the most memory that it had, in bytes.
fn run(folder: &Path, words: &[&str]) -> (Duration, u64) {
    let mut command = Command::new(PROGRAM);
    command.arg(words[0]).args([
        "wanted.toml",
        "--profiles",
        "profiles",
        "--quiet",
        "--report",
        "done.jsonl",
    ]);
    command.args(&words[1..]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        // the highest value so far; other systems have no such file, so the memory isn't shown there
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = kilobytes.map_or(peak, |kilobytes: u64| kilobytes * 1024);
        std::thread::sleep(Duration::from_millis(1));
    }
    (begin.elapsed(), peak)
}

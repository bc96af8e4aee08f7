//! Measures how long the most common commands take, as ratios to the least that any program needs for the same work.
//!
//! Run it by hand: `cargo bench --bench road`. Each floor is measured in turns with its command, so that a busy
//! machine slows both. If the command is a process, the floor is one too: this program, started again in a [`Role`].
//! The table shows medians, and the ratio of the fastest runs: if the two ratios differ a lot, the machine was busy.
//! Nothing is asserted about speed.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and should say where it can't go on"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use msipcfg::microsip::instances::Processes;

const PROGRAM: &str = env!("CARGO_BIN_EXE_msipcfg");
/// In the target folder, which is on a disk like inis are; in memory, a sync costs nothing.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");
const MODERN: &[u8] = include_bytes!("../../fixtures/inis/modern-3.22.3.ini");

const LARGE_INI: usize = 2_000_000;

/// The process scans of one edit.
const SCANS: usize = 3;
/// The processes of the last row.
const MANY_PROCESSES: usize = 3_000;

/// The width of the first column.
const WIDTH: usize = 58;

/// The first argument of this program when it starts itself again.
const AS: &str = "--as";

/// What this program does when it was started again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Does nothing: the cost of starting a process.
    Nothing,
    /// Reads a file.
    Read,
    /// Replaces a file safely.
    Replace,
    /// Scans for MicroSIP as often as one edit does.
    Scan,
    /// Opens, reads and closes a file of each process as often as one edit scans.
    ReadProcesses,
}

const ROLES: [(&str, Role); 5] = [
    ("nothing", Role::Nothing),
    ("read", Role::Read),
    ("replace", Role::Replace),
    ("scan", Role::Scan),
    ("read-processes", Role::ReadProcesses),
];

fn main() {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.first().is_none_or(|arg| arg != AS) {
        return measure();
    }
    match ROLES.iter().find(|(name, _)| args[1] == **name).unwrap().1 {
        Role::Nothing => {}
        Role::Read => {
            black_box(std::fs::read(&args[2]).unwrap());
        }
        Role::Replace => replace(Path::new(&args[2])),
        Role::Scan => scan(),
        Role::ReadProcesses => read_processes(),
    }
}

// ---- the rows ----

fn measure() {
    if cfg!(debug_assertions) {
        println!("not measured: this is a debug build; use 'cargo bench --bench road'");
        return;
    }
    let folder = tempfile::tempdir_in(FOLDER).unwrap();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{} processes on this machine, {cores} cores", process_files().len());
    println!();
    println!(
        "{:WIDTH$} {:>10} {:>10} {:>7} {:>8} {:>8}",
        "", "median", "floor", "ratio", "fastest", "target"
    );
    start_up();
    get(folder.path());
    set_hook(folder.path(), "a modern ini", MODERN, 200, 3.0);
    set_hook(folder.path(), "2 MB, call log after [Settings]", &with_log(LogPlace::After), 60, 2.5);
    set_hook(folder.path(), "2 MB, call log before [Settings]", &with_log(LogPlace::Before), 60, 2.5);
    if cfg!(target_os = "linux") {
        scans_of_many_processes();
    }
}

/// Commands that read no ini.
fn start_up() {
    for arg in ["--version", "events"] {
        let times = in_turns(300, || timed(&mut again(Role::Nothing, &[])), || timed(&mut msipcfg(&[arg])));
        times.print(&format!("msipcfg {arg} / a program that does nothing"), None);
    }
}

fn get(folder: &Path) {
    let ini = folder.join("get.ini");
    std::fs::write(&ini, MODERN).unwrap();
    let args = [OsStr::new("get"), OsStr::new("--ini"), ini.as_os_str(), OsStr::new("cmdIncomingCall")];
    let times =
        in_turns(300, || timed(&mut again(Role::Read, &[ini.as_os_str()])), || timed(&mut msipcfg(&args)));
    times.print("msipcfg get / a program that reads the file", Some(2.0));
}

/// Sets a hook in an ini, each time a different one, so that each run writes.
fn set_hook(folder: &Path, what: &str, bytes: &[u8], rounds: usize, target: f64) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let [ini, bare] = ["MicroSIP.ini", "bare.ini"].map(|name| folder.path().join(name));
    std::fs::write(&ini, bytes).unwrap();
    std::fs::write(&bare, bytes).unwrap();
    let mut number = 0;
    let mut run = || {
        number += 1;
        let hook = format!(r"C:\hooks\number-{}.exe", number % 2);
        let mut command = msipcfg(&["set-hook", "--allow-missing", "--ini"]);
        command.arg(&ini).args(["ring", &hook]);
        settle(folder.path());
        let time = timed(&mut command);
        let written = std::fs::read(&ini).unwrap();
        assert!(contains(&written, &utf16(&hook)), "the hook was not set");
        time
    };
    // after these, each run also removes a backup
    for _ in 0..12 {
        run();
    }
    let mut scans = Times::default();
    let mut in_process = Times::default();
    let times = in_turns(
        rounds,
        || {
            scans.0.push(reported(&mut again(Role::Scan, &[])));
            settle(folder.path());
            in_process.add(|| replace(&bare));
            settle(folder.path());
            timed(&mut again(Role::Replace, &[bare.as_os_str()]))
        },
        &mut run,
    );
    times.print(&format!("set-hook, {what} / replacing the file"), Some(target));
    let without = Compared { less: Some(scans.clone()), ..times };
    without.print("    without its process scans", None);
    println!("{:WIDTH$} {:>10}", "    the process scans alone", show(scans.median()));
    println!("{:WIDTH$} {:>10}", "    the floor without starting a process", show(in_process.median()));
}

/// The scans of one edit while thousands of processes run.
fn scans_of_many_processes() {
    let sleepers = Sleepers::start(MANY_PROCESSES.saturating_sub(process_files().len()));
    let count = process_files().len();
    let times = in_turns(
        50,
        || reported(&mut again(Role::ReadProcesses, &[])),
        || reported(&mut again(Role::Scan, &[])),
    );
    drop(sleepers);
    times.print(&format!("the scans of an edit, {count} processes / reading one file each"), Some(1.5));
}

// ---- the roles ----

/// Does the least that a safe write takes: writes the new text next to the old, syncs it, renames it, and syncs the
/// folder.
fn replace(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let temp = path.with_extension("temp");
    let mut file = File::options().write(true).create_new(true).open(&temp).unwrap();
    file.write_all(&bytes).unwrap();
    file.sync_all().unwrap();
    std::fs::rename(&temp, path).unwrap();
    // Windows can't sync folders
    #[cfg(unix)]
    File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
}

/// Reports how long the scans of one edit take. They run in their own process, because in one that has made many scans
/// each takes a tenth less.
fn scan() {
    let start = Instant::now();
    let processes = Processes::default();
    for _ in 0..SCANS {
        black_box(processes.instances(&["microsip"]).unwrap());
    }
    println!("{}", start.elapsed().as_nanos());
}

/// Reports how long it takes to open, read and close one file of each process, as often as one edit scans.
fn read_processes() {
    let files = process_files();
    let mut buffer = [0; 4096];
    let start = Instant::now();
    for _ in 0..SCANS {
        for path in &files {
            // the process may have exited
            if let Ok(mut file) = File::open(path) {
                let _ = black_box(file.read(&mut buffer));
            }
        }
    }
    println!("{}", start.elapsed().as_nanos());
}

/// Runs a command that reports how long its work took.
fn reported(command: &mut Command) -> Duration {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?} exited with {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    Duration::from_nanos(text.trim().parse().unwrap())
}

// ---- inis ----

/// The place of the call log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LogPlace {
    /// After the other sections.
    After,
    /// Before the other sections.
    Before,
}

/// A modern ini with so many calls that it has 2 MB.
fn with_log(place: LogPlace) -> Vec<u8> {
    let settings = &MODERN[2..];
    let mut calls = utf16("[Calls]\r\n");
    for number in 0.. {
        if calls.len() + MODERN.len() >= LARGE_INI {
            break;
        }
        let call =
            format!("{number}=555{number:07};Reception;1;{};37;Call Ended\r\n", 1_600_000_000 + number);
        calls.extend(utf16(&call));
    }
    let bom: &[u8] = &[0xFF, 0xFE];
    match place {
        LogPlace::After => [bom, settings, &calls].concat(),
        LogPlace::Before => [bom, &calls, settings].concat(),
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}

// ---- times ----

#[derive(Clone, Default)]
struct Times(Vec<Duration>);

impl Times {
    fn add(&mut self, work: impl FnOnce()) {
        let start = Instant::now();
        work();
        self.0.push(start.elapsed());
    }

    fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted[sorted.len() / 2]
    }

    fn fastest(&self) -> Duration {
        *self.0.iter().min().unwrap()
    }
}

struct Compared {
    run: Times,
    floor: Times,
    /// A part of the run that is subtracted.
    less: Option<Times>,
}

impl Compared {
    fn print(&self, what: &str, target: Option<f64>) {
        let by = |pick: fn(&Times) -> Duration| {
            let run = pick(&self.run).saturating_sub(self.less.as_ref().map_or(Duration::ZERO, pick));
            (run, pick(&self.floor), run.as_secs_f64() / pick(&self.floor).as_secs_f64())
        };
        let (run, floor, ratio) = by(Times::median);
        let (_, _, fastest) = by(Times::fastest);
        let (run, floor) = (show(run), show(floor));
        let target = target.map_or(String::new(), |target| format!("<= {target}"));
        println!("{what:WIDTH$} {run:>10} {floor:>10} {ratio:>7.2} {fastest:>8.2} {target:>8}");
    }
}

/// Measures both in turns, after a first run of each that doesn't count.
fn in_turns(
    rounds: usize,
    mut floor: impl FnMut() -> Duration,
    mut run: impl FnMut() -> Duration,
) -> Compared {
    floor();
    run();
    let mut times = Compared { run: Times::default(), floor: Times::default(), less: None };
    for _ in 0..rounds {
        times.floor.0.push(floor());
        times.run.0.push(run());
    }
    times
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

// ---- processes ----

/// Returns the command that starts this program again in a role.
fn again(role: Role, args: &[&OsStr]) -> Command {
    let name = ROLES.iter().find(|(_, other)| *other == role).unwrap().0;
    let mut command = quiet(&std::env::current_exe().unwrap());
    command.args([AS, name]).args(args);
    command
}

fn msipcfg(args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = quiet(Path::new(PROGRAM));
    command.args(args);
    command
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env_remove("MSIPCFG_INI");
    command
}

fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().unwrap();
    let time = start.elapsed();
    assert!(status.success(), "{command:?} exited with {status}");
    time
}

/// Writes to the disk what earlier runs left in memory, so that no sync pays for the work of another run.
fn settle(folder: &Path) {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(folder).unwrap()).unwrap();
    #[cfg(not(target_os = "linux"))]
    let _ = folder;
}

/// Returns the `cmdline` file of each process; none except on Linux.
fn process_files() -> Vec<PathBuf> {
    let is_process =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_process).map(|path| path.join("cmdline")).collect()
}

/// Processes that only sleep. They exit when this is dropped.
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start(count: usize) -> Sleepers {
        let mut sleepers = Sleepers(Vec::new());
        for _ in 0..count {
            let child = quiet(Path::new("sleep")).arg("600").spawn();
            sleepers.0.push(child.expect("sleepers start; is the number of processes limited?"));
        }
        sleepers
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

//! The time of the most common commands, as ratios to a floor: the least time that any program needs for the same work.
//!
//! Run it by hand: `cargo bench --bench edit`. Each floor is measured in turns with its figure, so that other load slows
//! both. Where msipcfg runs as a process, so does the floor: this program, started again in a [`Role`]. It prints medians
//! and the ratio of the fastest runs. If the two ratios differ much, the machine was busy. Speed isn't asserted.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and should show where it fails"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use msipcfg::microsip::instances::Processes;

const PROGRAM: &str = env!("CARGO_BIN_EXE_msipcfg");
/// The target folder, because it's on a disk, like an ini. In memory, a sync costs nothing.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");
const MODERN: &[u8] = include_bytes!("../../fixtures/inis/modern-3.22.3.ini");

const LOG_SIZE: usize = 2_000_000;

/// The width of the first column.
const WIDTH: usize = 50;

/// The argument that starts this program in a [`Role`].
const AS: &str = "--as";

/// What this program does when it is started again.
#[derive(Clone, Copy)]
enum Role {
    /// Does nothing.
    Nothing,
    /// Reads a file.
    Read,
    /// Replaces a file safely.
    Replace,
    /// Looks for running MicroSIPs as often as a write.
    Scan,
}

const ROLES: [(&str, Role); 4] =
    [("nothing", Role::Nothing), ("read", Role::Read), ("replace", Role::Replace), ("scan", Role::Scan)];

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
    }
}

// --- measurements

fn measure() {
    if cfg!(debug_assertions) {
        println!("not measured: this is a debug build; use 'cargo bench --bench edit'");
        return;
    }
    let folder = tempfile::tempdir_in(FOLDER).unwrap();
    println!("{} processes on this computer, {} cores", process_count(), cores());
    println!();
    println!(
        "{:WIDTH$} {:>10} {:>10} {:>7} {:>8} {:>8}",
        "", "median", "floor", "ratio", "fastest", "target"
    );
    start_up();
    get(folder.path());
    set_hook(folder.path(), "a modern ini", MODERN, 200, 3.0);
    let [after, before] = [true, false].map(|is_last| with_log(LOG_SIZE, is_last));
    set_hook(folder.path(), "2 MB, call log after [Settings]", &after, 60, 2.5);
    set_hook(folder.path(), "2 MB, call log before [Settings]", &before, 60, 2.5);
}

/// Measures commands that don't read an ini.
fn start_up() {
    for command in ["--version", "events"] {
        let times =
            in_turns(300, || timed(&mut again(Role::Nothing, &[])), || timed(&mut msipcfg(&[command])));
        times.print(&format!("msipcfg {command} / a program that does nothing"), None);
    }
}

fn get(folder: &Path) {
    let ini = folder.join("get.ini");
    std::fs::write(&ini, MODERN).unwrap();
    let args = [OsStr::new("get"), OsStr::new("--ini"), ini.as_os_str(), OsStr::new("cmdIncomingCall")];
    let times =
        in_turns(300, || timed(&mut again(Role::Read, &[ini.as_os_str()])), || timed(&mut msipcfg(&args)));
    times.print("msipcfg get / a program that reads the file", Some(1.5));
}

/// Measures setting a hook, a different one each time, so that every run writes.
fn set_hook(folder: &Path, what: &str, bytes: &[u8], rounds: usize, target: f64) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let [ini, bare] = ["MicroSIP.ini", "bare.ini"].map(|name| folder.path().join(name));
    std::fs::write(&ini, bytes).unwrap();
    std::fs::write(&bare, bytes).unwrap();
    let mut count = 0;
    let mut run = || {
        count += 1;
        let hook = format!(r"C:\hooks\number-{}.exe", count % 2);
        let mut command = msipcfg(&["set-hook", "--allow-missing", "--ini"]);
        command.arg(&ini).args(["ring", &hook]);
        settle(folder.path());
        let time = timed(&mut command);
        let written = std::fs::read(&ini).unwrap();
        assert!(contains(&written, &utf16(&hook)), "the hook was not set");
        time
    };
    // after these, every run also removes a backup
    for _ in 0..12 {
        run();
    }
    let mut scans = Times::default();
    let mut in_process = Times::default();
    let times = in_turns(
        rounds,
        || {
            scans.0.push(reported_time(&mut again(Role::Scan, &[])));
            settle(folder.path());
            in_process.add(|| replace(&bare));
            settle(folder.path());
            timed(&mut again(Role::Replace, &[bare.as_os_str()]))
        },
        &mut run,
    );
    times.print(&format!("set-hook, {what} / replacing it"), None);
    let without = Compared { less: Some(scans.clone()), ..times };
    without.print("    without its process scans", Some(target));
    println!("{:WIDTH$} {:>10}", "    the three process scans alone", show(scans.median()));
    println!("{:WIDTH$} {:>10}", "    the floor without starting a process", show(in_process.median()));
}

// --- roles

/// Replaces a file safely with the fewest operations: writes a new file, syncs it, renames it and syncs the folder.
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

/// Prints the time of as many scans as one write makes. This needs a process of its own, because in one that has made many
/// scans, each takes a tenth less.
fn scan() {
    let start = Instant::now();
    let processes = Processes::default();
    for _ in 0..3 {
        black_box(processes.instances(&["microsip"]));
    }
    println!("{}", start.elapsed().as_nanos());
}

/// Runs a process that prints a time.
fn reported_time(command: &mut Command) -> Duration {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?} exited with {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    Duration::from_nanos(text.trim().parse().unwrap())
}

// --- inis

/// Returns a modern ini of this size, with its call log at the end or at the start.
fn with_log(length: usize, is_last: bool) -> Vec<u8> {
    let rest = &MODERN[2..];
    let mut log = utf16("[Calls]\r\n");
    for number in 0.. {
        if 2 + rest.len() + log.len() >= length {
            break;
        }
        log.extend(utf16(&format!(
            "{number}=555{number:07};Reception;1;{};37;Call Ended\r\n",
            1_600_000_000 + number
        )));
    }
    let (first, second) = if is_last { (rest, &log[..]) } else { (&log[..], rest) };
    [&[0xFF, 0xFE], first, second].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

// --- times

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

/// Measures both in turns, after one run of each that isn't counted.
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

// --- processes

/// Returns a command that starts this program in a role.
fn again(role: Role, args: &[&OsStr]) -> Command {
    let name = ROLES.iter().find(|(_, other)| *other as u8 == role as u8).unwrap().0;
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

/// Writes cached data to the disk, so that no run pays for the writes of an earlier one.
fn settle(folder: &Path) {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(folder).unwrap()).unwrap();
    #[cfg(not(target_os = "linux"))]
    let _ = folder;
}

fn process_count() -> usize {
    let is_process =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(is_process)
        .count()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

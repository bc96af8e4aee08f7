//! How long the main road takes, as ratios to the least that any program needs for the same work.
//!
//! Run it by hand: `cargo bench --bench road`. Each floor is measured beside the figure that it belongs to,
//! in turns with it, so that a busy machine slows both. Where msipcfg runs as a process the floor is a process
//! too: this program started again in a [`Part`]. Medians are told, and the ratio of the fastest runs beside
//! them: where the two ratios are far apart the machine was busy. Nothing is asserted about speed.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and should say where it cannot go on"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use msipcfg::cli::args::Cli;
use msipcfg::commands::{self, Context};
use msipcfg::edit::plan::{self, Edit};
use msipcfg::edit::verify;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding;
use msipcfg::ini::name::{KeyPath, ValueText};
use msipcfg::ini::write;
use msipcfg::microsip::instances::Processes;
use msipcfg::platform::{Env, FileSystem, SystemFs};

const PROGRAM: &str = env!("CARGO_BIN_EXE_msipcfg");
/// In the target folder, which is on a disk as inis are; in memory a sync costs nothing.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");
const MODERN: &[u8] = include_bytes!("../../fixtures/inis/modern-3.22.3.ini");

const LOG_OF_2_MB: usize = 2_000_000;
const LOG_OF_100_MB: usize = 100_000_000;

/// Of the first column.
const WIDTH: usize = 50;

/// The first word by which this program knows itself started again.
const AS: &str = "--as";

/// What this program does where it was started again.
#[derive(Clone, Copy)]
enum Part {
    /// What starting a process costs.
    Nothing,
    /// A program that only reads a file.
    Read,
    /// A program that only replaces a file, safely.
    Replace,
    /// As many looks for a MicroSIP as one write takes.
    Scan,
    /// One copy of a text in memory.
    Copy,
    /// Parse, set a key, render, in memory.
    Edit,
    /// What a command does in memory: decode, plan, verify, render.
    Plan,
    /// A whole command in this process, for its peak memory.
    Whole,
}

const PARTS: [(&str, Part); 8] = [
    ("nothing", Part::Nothing),
    ("read", Part::Read),
    ("replace", Part::Replace),
    ("scan", Part::Scan),
    ("copy", Part::Copy),
    ("edit", Part::Edit),
    ("plan", Part::Plan),
    ("whole", Part::Whole),
];

fn main() {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_none_or(|word| word != AS) {
        return measure();
    }
    let part = PARTS.iter().find(|(name, _)| words[1] == **name).unwrap().1;
    match part {
        Part::Nothing => {}
        Part::Read => {
            black_box(std::fs::read(&words[2]).unwrap());
        }
        Part::Replace => replace(Path::new(&words[2])),
        Part::Scan => three_scans(),
        Part::Copy | Part::Edit | Part::Plan => in_memory(part, Path::new(&words[2])),
        Part::Whole => whole(&words[2..]),
    }
}

// ---- what is measured ----

fn measure() {
    if cfg!(debug_assertions) {
        println!("not measured: this is a debug build; use 'cargo bench --bench road'");
        return;
    }
    let folder = tempfile::tempdir_in(FOLDER).unwrap();
    println!("{} processes on this machine, {} cores", process_count(), cores());
    println!();
    println!(
        "{:WIDTH$} {:>10} {:>10} {:>7} {:>8} {:>8}",
        "", "median", "floor", "ratio", "fastest", "target"
    );
    start_up();
    get(folder.path());
    set_hook(folder.path(), "a modern ini", MODERN, 200, 3.0);
    set_hook(folder.path(), "2 MB, call log behind", &with_log(LOG_OF_2_MB, Log::Behind), 60, 2.0);
    set_hook(folder.path(), "2 MB, call log before", &with_log(LOG_OF_2_MB, Log::Before), 60, 2.0);
    println!();
    println!(
        "{:WIDTH$} {:>10} {:>10} {:>7} {:>8} {:>8}",
        "100 MB in memory", "median", "one copy", "ratio", "GB/s", "memory"
    );
    for (what, log, key) in [
        ("[Settings] first, key there", Log::Behind, "userAgent"),
        ("[Settings] first, new key", Log::Behind, "newKey"),
        ("[Settings] last, key there", Log::Before, "userAgent"),
        ("[Settings] last, new key", Log::Before, "newKey"),
        ("[Settings] missing", Log::Alone, "userAgent"),
    ] {
        let ini = folder.path().join("large.ini");
        std::fs::write(&ini, with_log(LOG_OF_100_MB, log)).unwrap();
        large(what, &ini, key);
    }
}

/// Commands that read no ini.
fn start_up() {
    for word in ["--version", "events"] {
        let times = in_turns(300, || timed(&mut again(Part::Nothing, &[])), || timed(&mut msipcfg(&[word])));
        times.print(&format!("msipcfg {word} / a program that does nothing"), None);
    }
}

fn get(folder: &Path) {
    let ini = folder.join("get.ini");
    std::fs::write(&ini, MODERN).unwrap();
    let words = [OsStr::new("get"), OsStr::new("--ini"), ini.as_os_str(), OsStr::new("cmdIncomingCall")];
    let times =
        in_turns(300, || timed(&mut again(Part::Read, &[ini.as_os_str()])), || timed(&mut msipcfg(&words)));
    times.print("msipcfg get / a program that reads the file", Some(1.5));
}

/// Setting a hook on an ini, each time another one, so that each run writes.
fn set_hook(folder: &Path, what: &str, bytes: &[u8], rounds: usize, target: f64) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let [ini, bare] = ["MicroSIP.ini", "bare.ini"].map(|name| folder.path().join(name));
    std::fs::write(&ini, bytes).unwrap();
    std::fs::write(&bare, bytes).unwrap();
    let mut go = 0;
    let mut run = || {
        go += 1;
        let hook = format!(r"C:\hooks\number-{}.exe", go % 2);
        let mut command = msipcfg(&["set-hook", "--allow-missing", "--ini"]);
        command.arg(&ini).args(["ring", &hook]);
        settle(folder.path());
        let time = timed(&mut command);
        let written = std::fs::read(&ini).unwrap();
        assert!(contains(&written, &utf16(&hook)), "the hook was not set");
        time
    };
    // from here on each run removes a backup too
    for _ in 0..12 {
        run();
    }
    let mut scans = Times::default();
    let mut in_process = Times::default();
    let times = in_turns(
        rounds,
        || {
            scans.0.push(told(&mut again(Part::Scan, &[])).0);
            settle(folder.path());
            in_process.add(|| replace(&bare));
            settle(folder.path());
            timed(&mut again(Part::Replace, &[bare.as_os_str()]))
        },
        &mut run,
    );
    times.print(&format!("set-hook, {what} / replacing it"), None);
    let without = Compared { less: Some(scans.clone()), ..times };
    without.print("    without its process scans", Some(target));
    println!("{:WIDTH$} {:>10}", "    the three process scans alone", show(scans.median()));
    println!("{:WIDTH$} {:>10}", "    the floor without starting a process", show(in_process.median()));
}

/// A large text in a process of its own each time, so that its peak memory is told.
fn large(what: &str, ini: &Path, key: &str) {
    const ROUNDS: usize = 7;
    let length = std::fs::metadata(ini).unwrap().len();
    let mut rows = [Part::Copy, Part::Edit, Part::Plan].map(|part| (part, Times::default(), 0));
    for _ in 0..ROUNDS {
        for (part, times, peak) in &mut rows {
            let (time, memory) = told(&mut again(*part, &[ini.as_os_str(), OsStr::new(key)]));
            times.0.push(time);
            *peak = memory.max(*peak);
        }
    }
    let mut floor = Duration::ZERO;
    for (part, times, peak) in &rows {
        let name = match part {
            Part::Copy => {
                floor = times.median();
                continue;
            }
            Part::Edit => format!("parse, set, render: {what}"),
            _ => "    decode, plan, verify, render".to_string(),
        };
        print_large(&name, times.median(), floor, *peak, length);
    }
    let mut command = again(Part::Whole, &["set", "--no-backup", "--ini"].map(OsStr::new));
    let (time, memory) = told(command.arg(ini).arg(format!("{key}=1")));
    print_large("    the whole command, with the disk", time, floor, memory, length);
}

fn print_large(name: &str, time: Duration, floor: Duration, peak: u64, length: u64) {
    let speed = length as f64 / time.as_secs_f64() / 1e9;
    let memory = if peak == 0 { "-".to_string() } else { format!("{:.2} x", peak as f64 / length as f64) };
    let ratio = time.as_secs_f64() / floor.as_secs_f64();
    println!("{name:WIDTH$} {:>10} {:>10} {ratio:>7.2} {speed:>8.2} {memory:>8}", show(time), show(floor));
}

// ---- the parts ----

/// The least that a safe write takes: the new text beside the old, on the disk, in its place, and that on the
/// disk too.
fn replace(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let temp = path.with_extension("temp");
    let mut file = File::options().write(true).create_new(true).open(&temp).unwrap();
    file.write_all(&bytes).unwrap();
    file.sync_all().unwrap();
    std::fs::rename(&temp, path).unwrap();
    // Windows has no such thing for folders
    #[cfg(unix)]
    File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
}

/// Tells the time of as many looks for a MicroSIP as one write takes, as it takes them. In a process of their own, as
/// there: in one that has made many, each takes a tenth less.
fn three_scans() {
    let start = Instant::now();
    let processes = Processes::default();
    for _ in 0..3 {
        black_box(processes.instances(&["microsip"]));
    }
    tell(start.elapsed());
}

/// Tells the time that the work on a file's text takes, without reading it, and the peak memory with that.
fn in_memory(part: Part, path: &Path) {
    let key = std::env::args().nth(4).unwrap();
    let path_of_key = KeyPath::in_settings(&key).unwrap();
    let value = "another value";
    let text = ValueText::new(value).unwrap();
    let bytes = SystemFs.read(path).unwrap();
    let start = Instant::now();
    let made = match part {
        Part::Copy => bytes.clone(),
        Part::Edit => {
            let mut document = IniDocument::from_utf16le(bytes);
            write::set(&mut document, &path_of_key, &text);
            document.into_bytes()
        }
        _ => {
            let decoded = encoding::decode(bytes, None).unwrap();
            let edits = [Edit::Set { path: path_of_key, value: value.into(), text }];
            let plan = plan::make(&decoded, &edits);
            verify::check(&decoded.document, &plan.document, &edits).unwrap();
            plan.document.into_bytes()
        }
    };
    let time = start.elapsed();
    black_box(&made);
    tell(time);
}

/// Runs a command line as `main` does and tells its time and peak memory.
fn whole(words: &[OsString]) {
    let start = Instant::now();
    let words: Vec<OsString> = [OsString::from("msipcfg")].into_iter().chain(words.iter().cloned()).collect();
    let request = Cli::read(&words).unwrap().into_request(&words).unwrap();
    let mut context = Context {
        env: &Env::default(),
        fs: &SystemFs,
        now: &SystemTime::now,
        stop: &|| false,
        secret: &|_| Ok(String::new()),
        report: &mut |_| {},
    };
    black_box(commands::run(request, &mut context).unwrap());
    tell(start.elapsed());
}

/// For [`told`] in the process that started this one.
fn tell(time: Duration) {
    // other systems have no such file, and are told without memory
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{} {}", time.as_nanos(), kilobytes * 1024);
}

fn told(command: &mut Command) -> (Duration, u64) {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?} ended with {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let (nanos, bytes) = text.trim().split_once(' ').unwrap();
    (Duration::from_nanos(nanos.parse().unwrap()), bytes.parse().unwrap())
}

// ---- inis ----

/// Where the call log stands.
#[derive(Clone, Copy)]
enum Log {
    /// Behind all others.
    Behind,
    /// Before all others.
    Before,
    /// There are no others.
    Alone,
}

/// A modern ini with calls up to this many bytes.
fn with_log(length: usize, place: Log) -> Vec<u8> {
    let rest = match place {
        Log::Alone => &[],
        _ => &MODERN[2..],
    };
    let mut bytes = Vec::with_capacity(length + 4096);
    bytes.extend([0xFF, 0xFE]);
    if matches!(place, Log::Behind) {
        bytes.extend(rest);
    }
    bytes.extend(utf16("[Calls]\r\n"));
    let behind = if matches!(place, Log::Before) { rest.len() } else { 0 };
    for number in 0.. {
        if bytes.len() + behind >= length {
            break;
        }
        let call =
            format!("{number}=555{number:07};Reception;1;{};37;Call Ended\r\n", 1_600_000_000 + number);
        bytes.extend(call.bytes().flat_map(|byte| [byte, 0]));
    }
    if matches!(place, Log::Before) {
        bytes.extend(rest);
    }
    bytes
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
    /// A part of the run that is told apart.
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

/// Both in turns, after a first go of each that does not count.
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

/// This program again, in a part of it.
fn again(part: Part, words: &[&OsStr]) -> Command {
    let name = PARTS.iter().find(|(_, other)| *other as u8 == part as u8).unwrap().0;
    let mut command = quiet(&std::env::current_exe().unwrap());
    command.args([AS, name]).args(words);
    command
}

fn msipcfg(words: &[impl AsRef<OsStr>]) -> Command {
    let mut command = quiet(Path::new(PROGRAM));
    command.args(words);
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
    assert!(status.success(), "{command:?} ended with {status}");
    time
}

/// Brings to the disk what earlier runs left to it, so that nobody's sync pays for another's work.
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

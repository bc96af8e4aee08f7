//! How msipcfg sees running MicroSIPs.
//!
//! The stand-in for MicroSIP is this test program under another name: it does nothing until its input ends. Except on
//! Windows, it looks like a program under Wine: its first argument is a Windows path, and its environment names a
//! prefix.

#[cfg(target_os = "linux")]
mod chosen_once;
#[cfg(target_os = "linux")]
mod under_wine;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alone::Among;
use crate::background::{BackgroundRun, WAITS};
use crate::sandbox::{Sandbox, copy_program, utf16};

const OLD: &str = "[Settings]\r\nVAD=0\r\nvolumeRing=80\r\n";
const NEW: &str = "[Settings]\r\nVAD=1\r\nvolumeRing=80\r\n";
/// Long enough for the slowest machine.
const LONG: Duration = Duration::from_secs(120);

/// The code of the stand-in.
#[test]
#[ignore = "started by other tests as a stand-in for MicroSIP"]
fn waits_until_its_input_ends() {
    println!("{HERE}");
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

const HERE: &str = "here I am";

/// A running stand-in. It exits with the test at the latest.
pub struct Phone {
    child: Child,
    /// Kept open, because the test program writes to it when it exits.
    _stdout: BufReader<ChildStdout>,
    _among: Among,
}

/// How a stand-in is started.
struct Start<'a> {
    exe: PathBuf,
    /// Its first argument, except on Windows.
    calls_itself: Option<&'a str>,
    variables: Vec<(&'a str, OsString)>,
    arguments: Vec<String>,
    /// The user who runs it, if that is another one.
    #[cfg(unix)]
    user: Option<u32>,
}

impl Start<'_> {
    fn of(exe: PathBuf) -> Self {
        Start {
            exe,
            calls_itself: None,
            variables: Vec::new(),
            arguments: Vec::new(),
            #[cfg(unix)]
            user: None,
        }
    }

    fn start(self, sandbox: &Sandbox) -> Phone {
        let among = Among::others();
        put_stand_in(&self.exe);
        let until = Instant::now() + LONG;
        let mut child = loop {
            let mut command = sandbox.command(&self.exe);
            command
                .args(["--exact", "instances::waits_until_its_input_ends", "--ignored", "--nocapture"])
                .args(&self.arguments)
                .envs(self.variables.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped());
            #[cfg(unix)]
            {
                use std::os::unix::process::CommandExt;
                if let Some(name) = self.calls_itself {
                    command.arg0(name);
                }
                if let Some(user) = self.user {
                    command.uid(user).gid(user);
                }
            }
            #[cfg(windows)]
            let _ = self.calls_itself;
            match command.spawn() {
                Ok(child) => break child,
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < until => {
                    std::thread::yield_now();
                }
                Err(error) => panic!("{}: {error}", self.exe.display()),
            }
        };
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let is_here = stdout.by_ref().lines().any(|line| line.unwrap().contains(HERE));
        assert!(is_here, "the stand-in did not start");
        Phone { child, _stdout: stdout, _among: among }
    }
}

impl Phone {
    /// Has it exit, as its user would.
    pub fn exit(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts this program there, as a hard link where possible. Wine needs a copy, because it names a process after the
/// first name of its file.
fn put_stand_in(exe: &Path) {
    if !exe.exists() {
        let own = std::env::current_exe().unwrap();
        std::fs::create_dir_all(exe.parent().unwrap()).unwrap();
        if cfg!(windows) || std::fs::hard_link(&own, exe).is_err() {
            copy_program(&own, exe);
        }
    }
}

fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_string()
}

/// The arguments that set `VAD` in an ini.
fn set_vad<'a>(ini: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["set", "--ini", ini];
    args.extend(more);
    args.push("VAD=1");
    args
}

/// The names of the files in the folder of an ini.
fn names_beside(ini: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(ini.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Asserts that this phone blocks the ini: nothing is written, and the error is `microsip-running`.
#[track_caller]
fn assert_blocked(sandbox: &Sandbox, ini: &Path, by: &Phone) {
    let before = (std::fs::read(ini).unwrap(), names_beside(ini));
    let ran = sandbox.run(&set_vad(&text_of(ini), &["--timeout", "0", "--json"]));
    let ran = ran.fails(5, "microsip-running");
    let error = &ran.json()["error"];
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert!(error["message"].as_str().unwrap().contains(&format!("pid {}", by.pid())), "{}", ran.transcript);
    assert!(error["hint"].as_str().is_some(), "{}", ran.transcript);
    assert_eq!((std::fs::read(ini).unwrap(), names_beside(ini)), before);
}

/// Asserts that the ini can be written at once.
#[track_caller]
fn assert_free(sandbox: &Sandbox, ini: &Path) {
    let ran = sandbox.run(&set_vad(&text_of(ini), &["--timeout", "0", "--json"])).exits(0);
    assert_eq!(ran.json()["changed"], true, "{}", ran.transcript);
    assert_eq!(ran.warnings(), Vec::<String>::new(), "{}", ran.transcript);
    assert_eq!(std::fs::read(ini).unwrap(), utf16(NEW));
}

/// A folder with a Windows disk, and portable phones on it.
pub struct WindowsDisk {
    pub sandbox: Sandbox,
}

impl WindowsDisk {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.path("prefix/drive_c")).unwrap();
        WindowsDisk { sandbox }
    }

    /// The path of a file on the disk, from its path with `/` below `C:`.
    fn path(&self, path: &str) -> PathBuf {
        self.sandbox.path("prefix/drive_c").join(path)
    }

    /// The path of such a file in the form that the phone sees.
    fn windows_path(&self, path: &str) -> String {
        if cfg!(windows) {
            text_of(&self.path(path)).replace('/', "\\")
        } else {
            format!("C:\\{}", path.replace('/', "\\"))
        }
    }

    /// Creates an ini.
    pub fn ini(&self, path: &str) -> PathBuf {
        self.sandbox.write(&format!("prefix/drive_c/{path}"), utf16(OLD))
    }

    /// Returns how a phone on the disk is started.
    fn phone<'a>(&self, path: &str, calls_itself: &'a str) -> Start<'a> {
        let mut start = Start::of(self.path(path));
        if !cfg!(windows) {
            start.calls_itself = Some(calls_itself);
            start.variables.push(("WINEPREFIX", self.sandbox.path("prefix").into()));
        }
        start
    }

    /// Starts the phone `C:\MicroSIP\MicroSIP.exe`.
    pub fn start_phone(&self) -> Phone {
        self.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe").start(&self.sandbox)
    }
}

#[test]
fn without_time_to_wait_nothing_is_written_while_microsip_runs() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    assert_blocked(&disk.sandbox, &ini, &phone);

    let ran = disk.sandbox.run(&set_vad(&text_of(&ini), &["--timeout", "0"])).exits(5);
    let ran = ran.says("MicroSIP is still running").says("[microsip-running]").says("hint");
    assert_eq!(ran.stdout, "", "{}", ran.transcript);

    phone.exit();
    assert_free(&disk.sandbox, &ini);
}

#[test]
fn an_edit_waits_until_microsip_exits() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ini_text = text_of(&ini);
    let mut background = BackgroundRun::start(&disk.sandbox, &set_vad(&ini_text, &[]));
    background.wait_for(WAITS);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"], "while msipcfg waits");
    // what MicroSIP saves as it exits is not lost
    std::fs::write(&ini, utf16(&OLD.replace("80", "55"))).unwrap();
    let pid = phone.pid();
    phone.exit();
    let ran = background.wait().exits(0).says(&format!("pid {pid}"));
    assert!(ran.stderr.contains("hint"), "{}", ran.transcript);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(&NEW.replace("80", "55")));
}

#[test]
fn dsc_reports_which_microsip_must_restart() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let dsc = |args: &[&str], exist: bool, vad: u32| {
        let input = serde_json::json!({"ini": ini, "_exist": exist, "settings": {"VAD": vad}});
        let input = disk.sandbox.write("home/input", input.to_string());
        let mut command = disk.sandbox.command(crate::sandbox::PROGRAM);
        command.arg("dsc").args(args).stdin(std::fs::File::open(input).unwrap());
        command.env("DSC_TRACE_LEVEL", "warn");
        disk.sandbox.finish(command)
    };
    let ran = dsc(&["set"], true, 0).exits(0).says("[microsip-running]");
    let state: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    let process = &state["_restartRequired"][0]["process"];
    assert_eq!(
        (&process["name"], &process["id"]),
        (&"MicroSIP.exe".into(), &phone.pid().into()),
        "{}",
        ran.transcript
    );
    assert_eq!(ran.stdout.lines().nth(1), Some("[]"), "{}", ran.transcript);

    // writing and removing wait like every edit
    let before = (std::fs::read(&ini).unwrap(), names_beside(&ini));
    for exist in [true, false] {
        let ran = dsc(&["set", "--timeout", "0"], exist, 1)
            .exits(5)
            .says("{\"error\":\"")
            .says("MicroSIP is still running");
        assert_eq!(ran.stdout, "", "{}", ran.transcript);
    }
    assert_eq!((std::fs::read(&ini).unwrap(), names_beside(&ini)), before);
    phone.exit();
    let ran = dsc(&["set"], true, 1).exits(0);
    assert!(!ran.stdout.contains("_restartRequired") && ran.stderr.is_empty(), "{}", ran.transcript);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(NEW));
}

#[test]
fn an_edit_that_changes_nothing_warns_of_a_running_microsip() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ran = disk.sandbox.run(&["set", "--ini", &text_of(&ini), "--json", "VAD=0"]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert_eq!(ran.warnings(), ["microsip-running"], "{}", ran.transcript);
    let ran = disk.sandbox.run(&["set", "--ini", &text_of(&ini), "VAD=0"]).exits(0);
    assert!(ran.stderr.contains(&format!("pid {}", phone.pid())), "{}", ran.transcript);
    assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"]);

    phone.exit();
    let ran = disk.sandbox.run(&["set", "--ini", &text_of(&ini), "--json", "VAD=0"]).exits(0);
    assert_eq!(ran.warnings(), Vec::<String>::new(), "{}", ran.transcript);
}

#[test]
fn a_dry_run_warns_and_doesnt_wait() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ran = disk.sandbox.run(&set_vad(&text_of(&ini), &["--dry-run", "--json"])).exits(0);
    assert_eq!((&ran.json()["changed"], &ran.json()["dry_run"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(ran.warnings(), ["microsip-running"], "{}", ran.transcript);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    phone.exit();
}

#[test]
fn an_edit_of_the_actions_alone_waits_for_nobody() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let ini_text = text_of(&ini);
    disk.sandbox.run(&["set-hook", "--ini", &ini_text, "ring", "--notify", "a"]).exits(0);
    let before = std::fs::read(&ini).unwrap();
    let phone = disk.start_phone();
    let set = ["set-hook", "--ini", &ini_text, "ring", "--notify", "b", "--timeout", "0"];
    disk.sandbox.run(&set).exits(0).says("works from the next call");
    let state = disk.sandbox.write("home/state.toml", "[hooks]\nring = { notify = 'c' }\n");
    let apply = ["apply", &text_of(&state), "--ini", &ini_text, "--timeout", "0"];
    disk.sandbox.run(&apply).exits(0).says("works from the next call");
    let actions = std::fs::read_to_string(ini.with_extension("hooks.toml")).unwrap();
    assert_eq!(actions, "[[ring]]\nnotify = \"c\"\n");
    assert_eq!(std::fs::read(&ini).unwrap(), before);

    // another event needs a key in the ini
    let set = ["set-hook", "--ini", &ini_text, "--json", "start", "--notify", "d", "--timeout", "0"];
    disk.sandbox.run(&set).fails(5, "microsip-running");
    assert_eq!(std::fs::read_to_string(ini.with_extension("hooks.toml")).unwrap(), actions);
    phone.exit();
}

#[test]
fn commands_that_only_read_dont_wait() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ran = disk.sandbox.run(&["get", "--ini", &text_of(&ini), "VAD"]).exits(0);
    assert_eq!(ran.stdout, "0\n");
    disk.sandbox.run(&["list", "--ini", &text_of(&ini)]).exits(0);
    phone.exit();
}

#[test]
fn a_command_that_fails_anyway_doesnt_wait() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    disk.sandbox.run(&["set", "--ini", &text_of(&ini), "--json", "VAD=maybe"]).fails(3, "value-refused");
    phone.exit();
}

#[test]
#[cfg(unix)]
fn a_phone_under_wine_cant_be_closed_from_outside_but_is_waited_for() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let args = ["set", "--ini", &text_of(&ini), "--json", "--restart", "--timeout", "1s", "VAD=1"];
    let ran = disk.sandbox.run(&args).fails(5, "microsip-running");
    assert_eq!(ran.warnings(), ["close-impossible"], "{}", ran.transcript);
    phone.exit();
}

#[test]
fn a_copy_with_its_own_ini_blocks_no_other() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let others = disk.ini("Other/MicroSIP.ini");
    let phone = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe").start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &others, &phone);
    assert_free(&disk.sandbox, &ini);
    phone.exit();
}

#[test]
fn a_renamed_phone_blocks_the_ini_of_its_name_in_any_letter_case() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("Phone/companyphone.ini");
    let usual = disk.ini("Phone/MicroSIP.ini");
    let phone = disk.phone("Phone/CompanyPhone.exe", r"C:\Phone\CompanyPhone.exe").start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &ini, &phone);
    assert_free(&disk.sandbox, &usual);
    phone.exit();
}

#[test]
fn an_ini_on_the_command_line_is_blocked_too() {
    let disk = WindowsDisk::new();
    let own = disk.ini("Other/MicroSIP.ini");
    let named = disk.ini("MicroSIP/MicroSIP.ini");
    let third = disk.ini("Third/MicroSIP.ini");
    let mut start = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe");
    start.arguments = vec![format!("/i:{}", disk.windows_path("MicroSIP/MicroSIP.ini"))];
    let phone = start.start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &named, &phone);
    assert_blocked(&disk.sandbox, &own, &phone);
    assert_free(&disk.sandbox, &third);
    phone.exit();
}

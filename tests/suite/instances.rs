//! Running MicroSIPs, as msipcfg sees them.
//!
//! The stand-in for MicroSIP is this test program itself under another name: it does nothing until its input
//! ends. Elsewhere than on Windows it looks as a program under Wine does: its first argument is a Windows path
//! and a prefix stands in its environment.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::background::{BackgroundRun, WAITS};
use crate::crowd::Among;
use crate::sandbox::{Sandbox, copy_program, utf16};

const OLD: &str = "[Settings]\r\nVAD=0\r\nvolumeRing=80\r\n";
const NEW: &str = "[Settings]\r\nVAD=1\r\nvolumeRing=80\r\n";
/// Long enough for the slowest machine, for things that happen at once otherwise.
const LONG: Duration = Duration::from_secs(120);

/// What the stand-in does.
#[test]
#[ignore = "is started by other tests, in the part of MicroSIP"]
fn waits_until_its_input_ends() {
    println!("{HERE}");
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

const HERE: &str = "here I am";

/// A running MicroSIP. It ends with the test at the latest.
pub struct Phone {
    child: Child,
    /// Kept open, for it goes on to say how the stand-in ended.
    _stdout: BufReader<ChildStdout>,
    _among: Among,
}

/// How a MicroSIP is started.
struct Start<'a> {
    exe: PathBuf,
    /// What it calls itself, on Linux.
    calls_itself: Option<&'a str>,
    variables: Vec<(&'a str, OsString)>,
    arguments: Vec<String>,
}

impl Start<'_> {
    fn of(exe: PathBuf) -> Self {
        Start { exe, calls_itself: None, variables: Vec::new(), arguments: Vec::new() }
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
            if let Some(name) = self.calls_itself {
                std::os::unix::process::CommandExt::arg0(&mut command, name);
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
    /// Ends it as its user would.
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

/// Puts this program there. Wine names a process after the first name of its file, so a link isn't enough there.
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

fn set_vad<'a>(ini: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["set", "--ini", ini];
    words.extend(more);
    words.push("VAD=1");
    words
}

/// The names in the folder of an ini.
fn names_beside(ini: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(ini.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Fails the test unless this ini is held up: nothing is written and the answer is `microsip-running`.
#[track_caller]
fn assert_held_up(sandbox: &Sandbox, ini: &Path, by: &Phone) {
    let before = (std::fs::read(ini).unwrap(), names_beside(ini));
    let ran = sandbox.run(&set_vad(&text_of(ini), &["--timeout", "0", "--json"]));
    let ran = ran.fails(5, "microsip-running");
    let error = &ran.json()["error"];
    assert_eq!(ran.json()["changed"], false, "{}", ran.told);
    assert!(error["message"].as_str().unwrap().contains(&format!("pid {}", by.pid())), "{}", ran.told);
    assert!(error["hint"].as_str().is_some(), "{}", ran.told);
    assert_eq!((std::fs::read(ini).unwrap(), names_beside(ini)), before);
}

/// Fails the test unless this ini can be written at once.
#[track_caller]
fn assert_free(sandbox: &Sandbox, ini: &Path) {
    let ran = sandbox.run(&set_vad(&text_of(ini), &["--timeout", "0", "--json"])).exits(0);
    assert_eq!(ran.json()["changed"], true, "{}", ran.told);
    assert_eq!(ran.warnings(), Vec::<String>::new(), "{}", ran.told);
    assert_eq!(std::fs::read(ini).unwrap(), utf16(NEW));
}

// ---------------------------------------------------------------------------------------------------------
// a portable MicroSIP, on every system

/// A folder with a Windows disk in it, and portable phones on that.
pub struct FileSystem {
    pub sandbox: Sandbox,
}

impl FileSystem {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.path("prefix/drive_c")).unwrap();
        FileSystem { sandbox }
    }

    /// A file of the disk `C:` by its path with `/`.
    fn path(&self, path: &str) -> PathBuf {
        self.sandbox.path("prefix/drive_c").join(path)
    }

    /// The path of such a file as a phone sees it.
    fn windows_path(&self, path: &str) -> String {
        if cfg!(windows) {
            text_of(&self.path(path)).replace('/', "\\")
        } else {
            format!("C:\\{}", path.replace('/', "\\"))
        }
    }

    /// An ini there.
    pub fn ini(&self, path: &str) -> PathBuf {
        self.sandbox.write(&format!("prefix/drive_c/{path}"), utf16(OLD))
    }

    /// How a phone there is started.
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
fn with_no_time_to_wait_a_running_microsip_means_that_nothing_is_written() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    assert_held_up(&disk.sandbox, &ini, &phone);

    let ran = disk.sandbox.run(&set_vad(&text_of(&ini), &["--timeout", "0"])).exits(5);
    let ran = ran.says("MicroSIP is still running").says("[microsip-running]").says("hint");
    assert_eq!(ran.stdout, "", "{}", ran.told);

    phone.exit();
    assert_free(&disk.sandbox, &ini);
}

#[test]
fn a_microsip_that_exits_is_waited_for() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ini_text = text_of(&ini);
    let mut background = BackgroundRun::start(&disk.sandbox, &set_vad(&ini_text, &[]));
    background.wait_for(WAITS);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"], "while it is waited for");
    // what MicroSIP saves as it exits is not lost
    std::fs::write(&ini, utf16(&OLD.replace("80", "55"))).unwrap();
    let pid = phone.pid();
    phone.exit();
    let ran = background.wait().exits(0).says(&format!("pid {pid}"));
    assert!(ran.stderr.contains("hint"), "{}", ran.told);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(&NEW.replace("80", "55")));
}

#[test]
fn dsc_is_told_which_microsip_has_to_read_its_ini_again() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let dsc = |words: &[&str], exist: bool, vad: u32| {
        let input = serde_json::json!({"ini": ini, "_exist": exist, "settings": {"VAD": vad}});
        let input = disk.sandbox.write("home/input", input.to_string());
        let mut command = disk.sandbox.command(crate::sandbox::PROGRAM);
        command.arg("dsc").args(words).stdin(std::fs::File::open(input).unwrap());
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
        ran.told
    );
    assert_eq!(ran.stdout.lines().nth(1), Some("[]"), "{}", ran.told);

    // what writes, or removes, waits as every edit does
    let before = (std::fs::read(&ini).unwrap(), names_beside(&ini));
    for exist in [true, false] {
        let ran =
            dsc(&["set", "--timeout", "0"], exist, 1).exits(5).says("{\"error\":\"MicroSIP is still running");
        assert_eq!(ran.stdout, "", "{}", ran.told);
    }
    assert_eq!((std::fs::read(&ini).unwrap(), names_beside(&ini)), before);
    phone.exit();
    let ran = dsc(&["set"], true, 1).exits(0);
    assert!(!ran.stdout.contains("_restartRequired") && ran.stderr.is_empty(), "{}", ran.told);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(NEW));
}

#[test]
fn where_nothing_is_to_change_a_running_microsip_is_worth_a_warning() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ran = disk.sandbox.run(&["set", "--ini", &text_of(&ini), "--json", "VAD=0"]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.told);
    assert_eq!(ran.warnings(), ["microsip-running"], "{}", ran.told);
    let ran = disk.sandbox.run(&["set", "--ini", &text_of(&ini), "VAD=0"]).exits(0);
    assert!(ran.stderr.contains(&format!("pid {}", phone.pid())), "{}", ran.told);
    assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"]);

    phone.exit();
    let ran = disk.sandbox.run(&["set", "--ini", &text_of(&ini), "--json", "VAD=0"]).exits(0);
    assert_eq!(ran.warnings(), Vec::<String>::new(), "{}", ran.told);
}

#[test]
fn a_dry_run_does_not_wait_but_warns() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ran = disk.sandbox.run(&set_vad(&text_of(&ini), &["--dry-run", "--json"])).exits(0);
    assert_eq!((&ran.json()["changed"], &ran.json()["dry_run"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(ran.warnings(), ["microsip-running"], "{}", ran.told);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    phone.exit();
}

#[test]
fn commands_that_only_read_do_not_wait() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ran = disk.sandbox.run(&["get", "--ini", &text_of(&ini), "VAD"]).exits(0);
    assert_eq!(ran.stdout, "0\n");
    disk.sandbox.run(&["list", "--ini", &text_of(&ini)]).exits(0);
    phone.exit();
}

#[test]
fn a_command_that_would_fail_does_not_wait_first() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    disk.sandbox.run(&["set", "--ini", &text_of(&ini), "--json", "VAD=maybe"]).fails(3, "value-refused");
    phone.exit();
}

#[test]
#[cfg(unix)]
fn one_under_wine_cannot_be_closed_from_outside_and_is_still_waited_for() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let words = ["set", "--ini", &text_of(&ini), "--json", "--restart", "--timeout", "1s", "VAD=1"];
    let ran = disk.sandbox.run(&words).fails(5, "microsip-running");
    assert_eq!(ran.warnings(), ["close-impossible"], "{}", ran.told);
    phone.exit();
}

#[test]
fn another_copy_with_an_ini_of_its_own_holds_nothing_up() {
    let disk = FileSystem::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let others = disk.ini("Other/MicroSIP.ini");
    let phone = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe").start(&disk.sandbox);
    assert_held_up(&disk.sandbox, &others, &phone);
    assert_free(&disk.sandbox, &ini);
    phone.exit();
}

#[test]
fn a_phone_of_another_name_uses_the_ini_of_that_name_in_whatever_letters() {
    let disk = FileSystem::new();
    let ini = disk.ini("Phone/companyphone.ini");
    let usual = disk.ini("Phone/MicroSIP.ini");
    let phone = disk.phone("Phone/CompanyPhone.exe", r"C:\Phone\CompanyPhone.exe").start(&disk.sandbox);
    assert_held_up(&disk.sandbox, &ini, &phone);
    assert_free(&disk.sandbox, &usual);
    phone.exit();
}

#[test]
fn an_ini_on_the_command_line_is_held_up_as_well() {
    let disk = FileSystem::new();
    let own = disk.ini("Other/MicroSIP.ini");
    let named = disk.ini("MicroSIP/MicroSIP.ini");
    let third = disk.ini("Third/MicroSIP.ini");
    let mut start = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe");
    start.arguments = vec![format!("/i:{}", disk.windows_path("MicroSIP/MicroSIP.ini"))];
    let phone = start.start(&disk.sandbox);
    assert_held_up(&disk.sandbox, &named, &phone);
    assert_held_up(&disk.sandbox, &own, &phone);
    assert_free(&disk.sandbox, &third);
    phone.exit();
}

// ---------------------------------------------------------------------------------------------------------
// a MicroSIP under Wine, without Wine

#[cfg(target_os = "linux")]
mod under_wine {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use msipcfg::microsip::instances::{Instance, Processes};

    use super::*;
    use crate::background::wait_until;

    #[test]
    fn a_phone_that_names_itself_in_other_letters_or_by_its_bare_name_is_found() {
        for name in [r"c:\microsip\MICROSIP.EXE", "MicroSIP.exe", "microsip", r"C:/MicroSIP/MicroSIP.exe"] {
            let disk = FileSystem::new();
            let ini = disk.ini("MicroSIP/MicroSIP.ini");
            let others = disk.ini("Other/MicroSIP.ini");
            let phone = disk.phone("MicroSIP/MicroSIP.exe", name).start(&disk.sandbox);
            assert_held_up(&disk.sandbox, &ini, &phone);
            assert_free(&disk.sandbox, &others);
            phone.exit();
        }
    }

    #[test]
    fn a_phone_that_names_itself_by_its_path_here_is_found() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let path = text_of(&disk.path("MicroSIP/MicroSIP.exe"));
        let phone = disk.phone("MicroSIP/MicroSIP.exe", &path).start(&disk.sandbox);
        assert_held_up(&disk.sandbox, &ini, &phone);
        phone.exit();
    }

    #[test]
    fn an_ini_that_is_reached_by_a_link_is_held_up() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let link = disk.sandbox.path("link.ini");
        std::os::unix::fs::symlink(&ini, &link).unwrap();
        let phone = disk.start_phone();
        assert_held_up(&disk.sandbox, &link, &phone);
        phone.exit();
    }

    #[test]
    fn without_a_prefix_in_its_environment_it_runs_in_the_one_at_home() {
        let disk = FileSystem::new();
        let home = disk.sandbox.path("someone");
        let ini = disk.sandbox.write("someone/.wine/drive_c/MicroSIP/MicroSIP.ini", utf16(OLD));
        let same_path_elsewhere = disk.ini("MicroSIP/MicroSIP.ini");
        let start = Start {
            calls_itself: Some(r"C:\MicroSIP\MicroSIP.exe"),
            variables: vec![("HOME", home.clone().into_os_string())],
            ..Start::of(home.join(".wine/drive_c/MicroSIP/MicroSIP.exe"))
        };
        let phone = start.start(&disk.sandbox);
        assert_held_up(&disk.sandbox, &ini, &phone);
        assert_free(&disk.sandbox, &same_path_elsewhere);
        phone.exit();
    }

    /// Says in the registry of the prefix that MicroSIP is installed in `C:\MicroSIP`.
    fn install(disk: &FileSystem, file: &str) {
        let text = "WINE REGISTRY Version 2\n;; All keys relative to \\\\User\\\\S-1-5-21-0-0-0-1000\n\n\
                    #arch=win64\n\n[Software\\\\Microsoft] 1700000000\n@=\"other\"\n\n\
                    [Software\\\\MicroSIP] 1\n#time=1da0000000000000\n@=\"C:\\\\MicroSIP\"\n";
        disk.sandbox.write(&format!("prefix/{file}"), text);
    }

    #[test]
    fn an_installed_phone_uses_the_ini_of_its_user() {
        for registry in ["user.reg", "system.reg"] {
            let disk = FileSystem::new();
            install(&disk, registry);
            let ini = disk.ini("users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini");
            let another_users = disk.ini("users/bob/AppData/Roaming/MicroSIP/MicroSIP.ini");
            let beside = disk.ini("MicroSIP/MicroSIP.ini");
            let mut start = disk.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe");
            start.variables.push(("USER", "ann".into()));
            let phone = start.start(&disk.sandbox);
            assert_held_up(&disk.sandbox, &ini, &phone);
            assert_free(&disk.sandbox, &another_users);
            assert_free(&disk.sandbox, &beside);
            phone.exit();
        }
    }

    /// Two users, the first of whom has a phone running, and the words that bring the inis of both into a state.
    fn two_users_and_a_phone(disk: &FileSystem) -> ([PathBuf; 2], Phone, Vec<String>) {
        install(disk, "user.reg");
        let inis = ["ann", "bob"]
            .map(|user| disk.ini(&format!("users/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini")));
        let mut start = disk.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe");
        start.variables.push(("USER", "ann".into()));
        let phone = start.start(&disk.sandbox);
        let wanted = disk.sandbox.write("wanted.toml", "[settings]\nVAD = 1\n");
        let users = text_of(&disk.path("users"));
        (inis, phone, ["apply", &text_of(&wanted), "--profiles", &users].map(String::from).into())
    }

    fn outcomes(ran: &crate::sandbox::Ran) -> Vec<String> {
        let outcome = |profile: &Value| {
            let why = profile["reason"].as_str().or(profile["error"]["code"].as_str()).unwrap_or_default();
            format!("{} {why}", profile["status"].as_str().unwrap())
        };
        ran.json()["profiles"].as_array().unwrap().iter().map(outcome).collect()
    }

    #[test]
    fn of_many_users_those_whose_phone_runs_are_waited_for_when_the_others_are_done() {
        let disk = FileSystem::new();
        let (inis, phone, words) = two_users_and_a_phone(&disk);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let with = |more: &[&'static str]| disk.sandbox.run(&[&words, more].concat());

        let ran = with(&["--json", "-n"]).exits(0);
        assert_eq!(outcomes(&ran), ["changed ", "changed "], "{}", ran.told);

        let ran = with(&["--json", "--skip-running"]).exits(0);
        assert_eq!(outcomes(&ran), ["skipped microsip-running", "changed "], "{}", ran.told);

        std::fs::write(&inis[1], utf16(OLD)).unwrap();
        let ran = with(&["--json", "--timeout", "0"]).fails(5, "microsip-running");
        assert_eq!(outcomes(&ran), ["failed microsip-running", "changed "], "{}", ran.told);
        assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(OLD));

        std::fs::write(&inis[1], utf16(OLD)).unwrap();
        let mut background = BackgroundRun::start(&disk.sandbox, &words);
        background.wait_for(WAITS);
        assert_eq!(std::fs::read(&inis[1]).unwrap(), utf16(NEW));
        assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(OLD));
        // what MicroSIP saves as it exits is not lost
        std::fs::write(&inis[0], utf16(&OLD.replace("80", "55"))).unwrap();
        phone.exit();
        background.wait().exits(0).says("2 users: 2 changed");
        assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(&NEW.replace("80", "55")));
    }

    #[test]
    fn control_c_while_many_users_are_looked_after_leaves_the_rest_for_the_next_run() {
        let disk = FileSystem::new();
        let (inis, phone, words) = two_users_and_a_phone(&disk);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut background = BackgroundRun::start(&disk.sandbox, &words);
        background.wait_for(WAITS);
        background.interrupt();
        background
            .wait()
            .exits(130)
            .says("interrupted after 1 of 2 users")
            .says("2 users: 1 changed, 1 skipped");
        assert_eq!(std::fs::read(&inis[1]).unwrap(), utf16(NEW));
        assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(OLD));
        phone.exit();
        disk.sandbox.run(&words).exits(0).says("2 users: 1 changed, 1 in state");
    }

    #[test]
    fn an_installed_phone_whose_user_is_not_known_may_use_the_ini_of_any() {
        let disk = FileSystem::new();
        install(&disk, "user.reg");
        let inis = ["ann", "bob"]
            .map(|user| disk.ini(&format!("users/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini")));
        let beside = disk.ini("MicroSIP/MicroSIP.ini");
        let phone = disk.start_phone();
        for ini in &inis {
            assert_held_up(&disk.sandbox, ini, &phone);
        }
        assert_free(&disk.sandbox, &beside);
        phone.exit();
    }

    #[test]
    fn a_phone_in_another_folder_than_the_installed_one_is_portable() {
        let disk = FileSystem::new();
        install(&disk, "user.reg");
        let installed = disk.ini("users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini");
        let portable = disk.ini("Other/MicroSIP.ini");
        let mut start = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe");
        start.variables.push(("USER", "ann".into()));
        let phone = start.start(&disk.sandbox);
        assert_held_up(&disk.sandbox, &portable, &phone);
        assert_free(&disk.sandbox, &installed);
        phone.exit();
    }

    #[test]
    fn a_phone_whose_ini_cannot_be_told_holds_up_every_ini_of_its_name() {
        let disk = FileSystem::new();
        // a name that no other test uses, for they run at the same time
        let ini = disk.ini("Phone/unknownphone.ini");
        let usual = disk.ini("Phone/MicroSIP.ini");
        let start = Start {
            calls_itself: Some(r"C:\Nowhere\UnknownPhone.exe"),
            ..Start::of(disk.sandbox.path("bin/loader"))
        };
        let phone = start.start(&disk.sandbox);
        assert_held_up(&disk.sandbox, &ini, &phone);
        assert_free(&disk.sandbox, &usual);
        phone.exit();
    }

    #[test]
    fn a_phone_that_comes_or_goes_while_it_is_looked_at_holds_up_no_other_ini() {
        const LOOKS: usize = 100;
        let disk = FileSystem::new();
        let own = disk.path("Phone/fleetingphone.ini");
        let other = disk.path("Other/fleetingphone.ini");
        let is_over = AtomicBool::new(false);
        let looks = AtomicUsize::new(0);
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| {
                let path = r"C:\Phone\FleetingPhone.exe";
                while !is_over.load(Ordering::SeqCst) {
                    let phone = disk.phone("Phone/FleetingPhone.exe", path).start(&disk.sandbox);
                    let before = looks.load(Ordering::SeqCst);
                    // it comes in the middle of a look, is there for a whole one, and goes in the middle of the next
                    while looks.load(Ordering::SeqCst) < before + 2 && !is_over.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                    phone.exit();
                }
            });
            let processes = Processes::default();
            let mut seen = Vec::new();
            let until = Instant::now() + LONG;
            while seen.len() < LOOKS && Instant::now() < until {
                let mut instances = processes.instances(&["fleetingphone"]);
                looks.fetch_add(1, Ordering::SeqCst);
                // other tests have phones of other names, and another run of this one has them elsewhere
                let is_here = |exe: &PathBuf| exe.starts_with(disk.sandbox.path(""));
                instances.retain(|instance| {
                    instance.exe.to_lowercase().contains("fleetingphone")
                        && instance.exe_on_disk.as_ref().is_none_or(is_here)
                });
                seen.extend(instances);
            }
            is_over.store(true, Ordering::SeqCst);
            seen
        });
        assert!(seen.len() >= LOOKS, "seen only {} times", seen.len());
        let is_right = |instance: &&Instance| instance.blocks(&own) && !instance.blocks(&other);
        let wrong: Vec<_> = seen.iter().filter(|instance| !is_right(instance)).collect();
        assert!(wrong.is_empty(), "{} of {}, such as {:?}", wrong.len(), seen.len(), wrong[0]);
    }

    #[test]
    fn a_program_that_only_has_a_similar_name_holds_nothing_up() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let path = r"C:\MicroSIP\MicroSIP-helper.exe";
        let phone = disk.phone("MicroSIP/MicroSIP-helper.exe", path).start(&disk.sandbox);
        assert_free(&disk.sandbox, &ini);
        phone.exit();
    }

    #[test]
    fn a_phone_that_has_ended_but_was_not_buried_holds_nothing_up() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let mut phone = disk.start_phone();
        assert_held_up(&disk.sandbox, &ini, &phone);
        phone.child.kill().unwrap();
        let stat = format!("/proc/{}/stat", phone.pid());
        wait_until(|| {
            let stat = std::fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(") ").unwrap().1.starts_with('Z')
        });
        assert_free(&disk.sandbox, &ini);
    }

    #[test]
    fn control_c_while_it_waits_leaves_everything_as_it_was() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let phone = disk.start_phone();
        let ini_text = text_of(&ini);
        let mut background = BackgroundRun::start(&disk.sandbox, &set_vad(&ini_text, &[]));
        background.wait_for(WAITS);
        background.interrupt();
        let ran = background.wait().exits(130).says("interrupted");
        assert_eq!(ran.stdout, "", "{}", ran.told);
        assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
        assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"]);
        phone.exit();
    }

    #[test]
    fn a_second_control_c_ends_what_does_not_hear_the_first() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let wanted = disk.sandbox.path("wanted.toml");
        rustix::fs::mknodat(rustix::fs::CWD, &wanted, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let mut background =
            BackgroundRun::start(&disk.sandbox, &["apply", &text_of(&wanted), "--ini", &text_of(&ini)]);
        // returns when the other end is opened: it reads, and nothing comes
        let pipe = std::fs::OpenOptions::new().write(true).open(&wanted).unwrap();
        wait_until(|| {
            background.interrupt();
            background.has_exited()
        });
        drop(pipe);
        background.wait().exits(130);
    }

    #[test]
    fn control_c_is_answered_in_json_where_that_was_asked_for() {
        let disk = FileSystem::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let phone = disk.start_phone();
        let ini_text = text_of(&ini);
        let background = BackgroundRun::start(&disk.sandbox, &set_vad(&ini_text, &["--json"]));
        // it says nothing while it waits: from when on it listens stands in its status
        let status = format!("/proc/{}/status", background.pid());
        wait_until(|| {
            let status = std::fs::read_to_string(&status).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            let interrupt = 1 << (rustix::process::Signal::INT.as_raw() - 1);
            u64::from_str_radix(caught.trim(), 16).unwrap() & interrupt != 0
        });
        background.interrupt();
        let ran = background.wait().fails(130, "interrupted");
        assert_eq!(ran.json()["changed"], false, "{}", ran.told);
        assert_eq!(ran.stderr, "", "{}", ran.told);
        assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
        assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"]);
        phone.exit();
    }
}

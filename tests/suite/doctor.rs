//! doctor: files next to the ini, access, and places. Sessions show what it finds in an ini.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use msipcfg::hook::event::Event;
use serde_json::{Value, json};

use crate::alone::Alone;
use crate::calls_db::{self, Action};
use crate::sandbox::{Ran, Sandbox, image, text_of_ini, utf16};

/// An ini with problems that can be fixed and others that can't.
const UNHEALTHY: &str = "[Settings]\r\n\
    ; mine\r\n\
    version=3.22.3\r\n\
    accountId=2\r\n\
    denyIncoming=rdomain\r\n\
    updateInterval=never\r\n\
    cmdIncomingCall=C:\\Program Files\\CRM\\ring.exe %1\r\n\
    cmdCallStart=\" \"\r\n\
    cmdCallEnd=https://crm.example.org/end\r\n\
    [Account1]\r\n\
    domain=example.org\r\n\
    username=5550101\r\n\
    password=c0ffee-secret\r\n\
    keepAlive=0\r\n\
    theme=dark\r\n\
    [Notes]\r\n\
    VAD = 7\r\n";

const HEALTHY: &str = "[Settings]\r\nversion=3.22.3\r\naccountId=1\r\ncmdCallEnd=\"\"\r\n[Account1]\r\n\
    domain=example.org\r\nusername=5550101\r\npassword=0123456789abcdef\r\n";

fn codes(json: &Value, list: &str) -> Vec<String> {
    let problems = json[list].as_array().unwrap_or_else(|| panic!("no {list}: {json}"));
    problems.iter().map(|problem| problem["code"].as_str().unwrap().to_string()).collect()
}

#[track_caller]
fn problem<'a>(json: &'a Value, code: &str) -> &'a Value {
    let problems = json["problems"].as_array().unwrap();
    let found = problems.iter().find(|problem| problem["code"] == code);
    found.unwrap_or_else(|| panic!("no {code}: {json:#}"))
}

fn doctor(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.run_on_ini(&[&["doctor"], args].concat())
}

#[test]
#[cfg_attr(windows, ignore = "the programs would have to exist")]
fn proposed_fix_for_busy_is_accepted() {
    for command in [r"C:\hooks\log.exe", r"C:\hooks\log.bat"] {
        let ini = format!("[Settings]\r\nversion=3.22.3\r\ncmdCallEnd={command}\r\n");
        let sandbox = Sandbox::with_ini(utf16(&ini));
        let json = doctor(&sandbox, &["--json"]).json();
        sandbox.run(&fix_args(problem(&json, "hook-busy-missing"))).exits(0);
        let busy = sandbox.run_on_ini(&["get", "cmdCallBusy"]).exits(0).stdout;
        assert_eq!(busy.trim_end().trim_matches('"'), command);
    }
}

fn fix_args(problem: &Value) -> Vec<&str> {
    problem["fix_args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect()
}

#[test]
fn proposed_fix_changes_only_the_line_that_it_is_about() {
    for key in
        ["cmd CallStart", "\"cmdCallEnd\"", "$cmdCallEnd", "cmdCallEnd'", "-cmdCallEnd", "%cmdCallEnd%"]
    {
        let wanted = "[Settings]\r\ncmdCallStart=C:\\hooks\\a.exe\r\ncmdCallEnd=C:\\hooks\\b.exe\r\n";
        let ini = format!("{wanted}{key}=C:\\hooks\\old.exe\r\n");
        let sandbox = Sandbox::with_ini(utf16(&ini));
        let json = doctor(&sandbox, &["--json"]).json();
        let problem = problem(&json, "key-unknown");
        sandbox.run(&fix_args(problem)).exits(0);
        assert_eq!(text_of_ini(&sandbox.ini()), wanted, "{key}");

        #[cfg(unix)]
        {
            sandbox.write("MicroSIP.ini", utf16(&ini));
            let fix = problem["fix"].as_str().unwrap();
            let printed = doctor(&sandbox, &[]).exits(0).stdout;
            let line = fix.lines().find(|line| line.starts_with("msipcfg ")).unwrap();
            assert!(printed.lines().any(|other| other.ends_with(line)), "{line}: {printed}");
            sandbox.finish(sandbox.shell(line)).exits(0);
            assert_eq!(text_of_ini(&sandbox.ini()), wanted, "{line}");
        }
    }
}

// --- files next to the ini

#[test]
fn leftovers_of_killed_runs_are_reported_and_removed() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    // similar names of other programs' files
    let nearly = [".MicroSIP.ini.old.x.msipcfg-tmp", "MicroSIP.ini.msipcfg-tmp"];
    nearly.iter().for_each(|name| drop(sandbox.write(name, "x")));
    doctor(&sandbox, &["--strict"]).exits(0).says("no problems");
    for name in [".MicroSIP.ini.abc123.msipcfg-tmp", ".MicroSIP.ini.msipcfg-lock"] {
        sandbox.write(name, "x");
    }
    std::fs::hard_link(sandbox.ini(), sandbox.path("MicroSIP.ini.20260131T235959.123Z.bak")).unwrap();
    let json = doctor(&sandbox, &["--json", "--strict"]).exits(0).json();
    assert_eq!(codes(&json, "problems"), ["leftover"; 3], "{json:#}");
    assert!(json["problems"][0]["file"].as_str().unwrap().contains(".MicroSIP.ini.abc123"), "{json:#}");
    let ran = doctor(&sandbox, &["--fix", "-n"]).exits(0);
    assert_eq!(ran.stdout.matches("Would remove ").count(), 3, "{}", ran.transcript);
    let json = doctor(&sandbox, &["--fix", "--json"]).exits(0).json();
    assert_eq!((&json["changed"], &json["problems"]), (&json!(true), &json!([])), "{json:#}");
    assert_eq!(sandbox.names(), [nearly[0], "MicroSIP.ini", nearly[1]]);
}

#[test]
fn held_lock_is_not_a_leftover() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let path = sandbox.write(".MicroSIP.ini.msipcfg-lock", "x");
    let lock = std::fs::File::options().read(true).write(true).open(path).unwrap();
    lock.lock().unwrap();
    let json = doctor(&sandbox, &["--json"]).exits(0).json();
    assert_eq!(json["problems"], json!([]), "{json:#}");
}

#[cfg(unix)]
#[test]
fn exposed_backup_gets_the_access_of_the_ini() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set_mode = |path: &PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let exposed = sandbox.write("MicroSIP.ini.20260131T235959.123Z.bak", "x");
    let nearly = sandbox.write("MicroSIP.ini.20260131T235959.124Z.bak", "x");
    set_mode(&sandbox.ini(), 0o600);
    set_mode(&exposed, 0o644);
    set_mode(&nearly, 0o400);
    let json = doctor(&sandbox, &["--json"]).exits(0).json();
    assert_eq!(codes(&json, "problems"), ["backup-exposed"]);
    assert_eq!(json["problems"][0]["file"], exposed.to_str().unwrap());
    doctor(&sandbox, &["--fix"]).exits(0).says("the access rights of the ini").says("no problems");
    assert_eq!((mode(&exposed), mode(&nearly)), (0o600, 0o400));
    assert_eq!(std::fs::read(&exposed).unwrap(), b"x");
}

#[test]
fn read_only_ini_is_reported() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let before = std::fs::metadata(sandbox.ini()).unwrap().permissions();
    let mut permissions = before.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(sandbox.ini(), permissions).unwrap();
    let json = doctor(&sandbox, &["--json"]).exits(0).json();
    std::fs::set_permissions(sandbox.ini(), before).unwrap();
    assert_eq!(codes(&json, "problems"), ["file-read-only"]);
    doctor(&sandbox, &["--strict"]).exits(0);
}

#[cfg(windows)]
#[test]
fn exclusively_opened_ini_is_reported() {
    use std::os::windows::fs::OpenOptionsExt;
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let held = std::fs::File::options().read(true).share_mode(0).open(sandbox.ini()).unwrap();
    let json = doctor(&sandbox, &["--json"]).exits(1).json();
    assert_eq!(codes(&json, "problems"), ["file-read"]);
    drop(held);
    doctor(&sandbox, &[]).exits(0);
}

#[cfg(unix)]
#[test]
fn unreadable_ini_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    std::fs::set_permissions(sandbox.ini(), std::fs::Permissions::from_mode(0o200)).unwrap();
    // root may read everything
    let may_read = std::fs::read(sandbox.ini()).is_ok();
    let json = doctor(&sandbox, &["--json"]).exits(i32::from(!may_read)).json();
    assert_eq!(codes(&json, "problems"), if may_read { vec![] } else { vec!["file-read"] });
}

// --- places

/// Returns a file in a user's settings folder on this system.
fn in_app_data(folder: &str, name: &str) -> String {
    if cfg!(windows) {
        format!(r"{}\MicroSIP\{name}", folder.to_ascii_lowercase())
    } else {
        format!("home/.wine/drive_c/users/ann/AppData/{folder}/MicroSIP/{name}")
    }
}

#[test]
fn ini_that_microsip_no_longer_reads_is_reported() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let roaming = sandbox.write(&in_app_data("Roaming", "MicroSIP.ini"), utf16(HEALTHY));
    // an ini of another program
    sandbox.write(&in_app_data("Local", "phone.ini"), utf16(HEALTHY));
    sandbox.run(&["doctor", "--strict", "--ini", roaming.to_str().unwrap()]).exits(0).says("no problems");
    let local = sandbox.write(&in_app_data("Local", "MicroSIP.ini"), utf16(HEALTHY));
    let json = sandbox.run(&["doctor", "--json"]).exits(0).json();
    assert_eq!(codes(&json, "problems"), ["ini-stale-copy"], "{json:#}");
    assert_eq!(json["ini"], roaming.to_str().unwrap());
    assert_eq!(json["problems"][0]["file"], local.to_str().unwrap());
    let json = sandbox.run(&["doctor", "--json", "--ini", local.to_str().unwrap()]).exits(1).json();
    assert_eq!(codes(&json, "problems"), ["ini-not-read"], "{json:#}");
}

#[test]
#[cfg_attr(windows, ignore = "the computer's registry says whether MicroSIP is installed")]
fn portable_copy_next_to_an_installed_microsip_is_reported() {
    const INSTALLED: &str =
        "WINE REGISTRY Version 2\n\n[Software\\\\MicroSIP] 1700000000\n@=\"C:\\\\MicroSIP\"\n";
    let sandbox = Sandbox::new();
    let used = sandbox.write(&in_app_data("Roaming", "MicroSIP.ini"), utf16(HEALTHY));
    let copy = |folder: &str| {
        sandbox.write(&format!("home/.wine/drive_c/{folder}/MicroSIP.exe"), image());
        sandbox.write(&format!("home/.wine/drive_c/{folder}/MicroSIP.ini"), utf16(HEALTHY))
    };
    let (portable, installed) = (copy("Phone"), copy("MicroSIP"));
    let problems = |ini: &PathBuf| {
        let ran = sandbox.run(&["doctor", "--json", "--ini", ini.to_str().unwrap()]);
        codes(&ran.json(), "problems")
    };
    // not installed yet
    assert_eq!(problems(&portable), Vec::<String>::new());
    sandbox.write("home/.wine/user.reg", INSTALLED);
    assert_eq!(problems(&portable), ["ini-two-places"]);
    assert_eq!(problems(&installed), ["ini-not-read"]);
    assert_eq!(problems(&used), Vec::<String>::new());
}

#[test]
fn all_inis_are_checked_but_only_a_named_one_is_fixed() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let healthy = sandbox.write(&in_app_data("Roaming", "MicroSIP.ini"), utf16(HEALTHY));
    // a portable copy in the current folder
    sandbox.write("MicroSIP.exe", image());
    let unhealthy = sandbox.write("MicroSIP.ini", utf16(UNHEALTHY));
    let ran = sandbox.run(&["doctor"]).exits(1);
    assert!(ran.stdout.contains(&format!("{}: no problems\n", healthy.display())), "{}", ran.transcript);
    let json = sandbox.run(&["doctor", "--json"]).exits(1).json();
    assert_eq!(json["inis"].as_array().unwrap().len(), 2, "{json:#}");
    assert!(json.get("ini").is_none(), "{json:#}");
    let fix = problem(&json, "value-old-word")["fix"].as_str().unwrap();
    assert!(fix.starts_with("msipcfg --ini ") && fix.ends_with("MicroSIP.ini doctor --fix"), "{fix}");
    sandbox.run(&["doctor", "--fix", "--json"]).fails(4, "ini-ambiguous");
    assert_eq!(text_of_ini(&unhealthy), UNHEALTHY);
}

// --- actions

/// A sandbox whose ini starts the runner for an action on ring.
fn with_actions() -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    sandbox.run_on_ini(&["set-hook", "ring", "--get", "https://crm.example/ring"]).exits(0);
    sandbox.run_on_ini(&["set-hook", "ring", "--add", "--notify", "{number}"]).exits(0);
    sandbox
}

/// Adds an event that happened so many hours ago.
fn add_event(sandbox: &Sandbox, hours: u64, event: Event, actions: &[&str]) {
    let time = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
    let actions: Vec<Action> = actions.iter().map(|line| Action::parse(line)).collect();
    let store = calls_db::open(sandbox);
    calls_db::add_event(sandbox, &store, calls_db::milliseconds(time), event, "100", &actions);
}

fn found(sandbox: &Sandbox, code: &str) -> Option<Value> {
    let json = doctor(sandbox, &["--json"]).json();
    json["problems"].as_array().unwrap().iter().find(|problem| problem["code"] == code).cloned()
}

const FAILED: &str = "get failed 5 https://crm.example/ring | the server answered 404";
const DONE: &str = "get done 5 https://crm.example/ring";

#[test]
fn actions_that_failed_recently_are_reported() {
    let sandbox = with_actions();
    assert_eq!(found(&sandbox, "action-failed"), None);
    add_event(&sandbox, 8 * 24, Event::Ring, &[FAILED]);
    // it isn't this ini's action any more
    add_event(&sandbox, 3, Event::Busy, &[FAILED]);
    add_event(&sandbox, 3, Event::Ring, &[DONE, "notify skipped 0 100"]);
    assert_eq!(found(&sandbox, "action-failed"), None);

    add_event(&sandbox, 2, Event::Ring, &[FAILED]);
    add_event(&sandbox, 1, Event::Ring, &[DONE, "notify interrupted 5 100"]);
    let problem = found(&sandbox, "action-failed").unwrap();
    assert_eq!(problem["severity"], "warning", "{problem}");
    let message = problem["message"].as_str().unwrap();
    assert!(message.starts_with("2 actions failed") && message.contains("notify on ring"), "{message}");
    let log = sandbox.run(&fix_args(&problem)).exits(0);
    assert_eq!(log.stdout.matches("404").count(), 3, "{}", log.transcript);

    add_event(&sandbox, 0, Event::Ring, &[DONE, "notify done 5 100"]);
    let problem = found(&sandbox, "action-failed").unwrap();
    assert_eq!(problem["severity"], "info", "{problem}");
    sandbox.run_on_ini(&["unset-hook", "ring"]).exits(0);
    assert_eq!(found(&sandbox, "action-failed"), None);
}

#[test]
fn a_calls_database_that_cannot_be_read_is_a_problem() {
    let sandbox = with_actions();
    doctor(&sandbox, &["--strict"]);
    assert!(!calls_db::path(&sandbox).exists());
    let path = calls_db::path(&sandbox);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "this isn't a database, ".repeat(100)).unwrap();
    let problem = found(&sandbox, "file-read").unwrap();
    assert_eq!(problem["severity"], "warning", "{problem}");
    assert!(problem["message"].as_str().unwrap().contains("calls.db"), "{problem}");
    sandbox.run_on_ini(&["status"]).exits(0);
    assert_eq!(std::fs::read(&path).unwrap(), "this isn't a database, ".repeat(100).as_bytes());
}

#[test]
fn a_calls_database_in_use_does_not_stop_doctor() {
    let sandbox = with_actions();
    add_event(&sandbox, 1, Event::Ring, &[FAILED]);
    let connection = rusqlite::Connection::open(calls_db::path(&sandbox)).unwrap();
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE; UPDATE meta SET id = 'x';").unwrap();
    let problem = found(&sandbox, "file-read").unwrap();
    assert_eq!(problem["severity"], "info", "{problem}");
}

#[cfg(unix)]
#[test]
fn files_that_others_can_change_are_reported() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = with_actions();
    let set_mode = |path: &PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let actions = sandbox.path("MicroSIP.hooks.toml");
    set_mode(&sandbox.ini(), 0o600);
    set_mode(&actions, 0o602);
    let problem = found(&sandbox, "hooks-file-writable").unwrap();
    assert_eq!(
        (&problem["severity"], &problem["file"]),
        (&json!("error"), &json!(actions.to_str().unwrap()))
    );
    assert!(problem["message"].as_str().unwrap().starts_with("everybody can change "), "{problem}");
    assert_eq!(found(&sandbox, "ini-writable"), None);

    set_mode(&sandbox.ini(), 0o602);
    assert_eq!(found(&sandbox, "hooks-file-writable"), None);
    let problem = found(&sandbox, "ini-writable").unwrap();
    assert_eq!(problem["severity"], "warning", "{problem}");
    set_mode(&sandbox.ini(), 0o600);
    set_mode(&actions, 0o600);
    assert_eq!((found(&sandbox, "ini-writable"), found(&sandbox, "hooks-file-writable")), (None, None));
}

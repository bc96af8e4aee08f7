//! `uninstall`: removes what msipcfg made, and nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::instances::WindowsDisk;
use crate::many_users::outcomes;
use crate::runner::{Workplace, wait_until};
use crate::sandbox::{Ran, Sandbox, text_of_ini, utf16};

const RUNNER: &str = r"C:\Program Files\msipcfg\msipcfg-run.exe";
const PROGRAM: &str = r"cmdCallEnd=C:\hooks\end.exe";
const ACTIONS: &str = "[[ring]]\nopen = 'https://crm.example/'\n";

/// Returns an ini with a hook that starts the runner, and one that starts a program of the user.
fn ini() -> String {
    format!("[Settings]\r\nVAD=0\r\ncmdIncomingCall=\"{RUNNER}\" ring\r\n{PROGRAM}\r\n")
}

const STAMP: &str = "20260131T235959.123Z";

/// Writes what msipcfg makes next to an ini, and what others made.
fn add_made_files(sandbox: &Sandbox, folder: &str) {
    sandbox.write(&format!("{folder}MicroSIP.ini"), utf16(&ini()));
    for name in [
        "MicroSIP.hooks.toml",
        &format!("MicroSIP.ini.{STAMP}.bak"),
        &format!("MicroSIP.ini.{STAMP}-1.restore.bak"),
        &format!("MicroSIP.hooks.toml.{STAMP}.bak"),
        "MicroSIP.ini.msipcfg-passwords.json",
        ".MicroSIP.ini.a1b2c3.msipcfg-tmp",
        ".MicroSIP.ini.msipcfg-lock",
        "Contacts.xml",
        "MicroSIP.ini.bak",
    ] {
        sandbox.write(&format!("{folder}{name}"), if name.ends_with("toml") { ACTIONS } else { "{}" });
    }
}

/// Writes what msipcfg makes in its own folder.
fn add_data(sandbox: &Sandbox, folder: &str) {
    for name in [
        "calls.db",
        "calls.db-wal",
        "calls-1700000000000.db",
        "error.log",
        "error.old.log",
        "worker-1.lock",
        "spool/0000001700000000-a1b2.event",
    ] {
        sandbox.write(&format!("{folder}/{name}"), "");
    }
}

/// The folder of the user who runs msipcfg.
fn own_data() -> &'static str {
    if cfg!(windows) { "local/msipcfg" } else { "home/.local/state/msipcfg" }
}

/// Returns every file below a folder with its bytes; links aren't followed.
fn all_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let name = name.into_string().unwrap();
        if entry.symlink_metadata().unwrap().is_dir() {
            let below = all_files(&entry).into_iter();
            files.extend(below.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
            files.insert(format!("{name}/"), Vec::new());
        } else {
            files.insert(name, std::fs::read(&entry).unwrap_or_default());
        }
    }
    files
}

fn uninstall(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run_on_ini(&[&["uninstall"], more].concat())
}

/// Returns what an answer lists under a name, as short texts.
fn listed(json: &Value, name: &str) -> Vec<String> {
    let text = |item: &Value| {
        let what = item["what"].as_str().unwrap();
        let detail = item["event"].as_str().or(item["path"].as_str()).unwrap_or_default();
        format!("{what} {}", detail.rsplit(['/', '\\']).next().unwrap())
    };
    json[name].as_array().unwrap().iter().map(text).collect()
}

#[test]
fn everything_that_msipcfg_made_is_removed_and_nothing_else() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, "");
    add_data(&sandbox, own_data());
    let ran = uninstall(&sandbox, &["--yes", "--json"]).exits(0);
    let json = ran.json();
    assert_eq!((&json["changed"], &json["dry_run"]), (&true.into(), &false.into()), "{}", ran.transcript);
    assert_eq!(
        listed(&json, "removed"),
        [
            "hook ring",
            "file MicroSIP.hooks.toml",
            "file .MicroSIP.ini.a1b2c3.msipcfg-tmp",
            "file .MicroSIP.ini.msipcfg-lock",
            &format!("file MicroSIP.ini.{STAMP}-1.restore.bak"),
            &format!("file MicroSIP.ini.{STAMP}.bak"),
            &format!("file MicroSIP.hooks.toml.{STAMP}.bak"),
            "file MicroSIP.ini.msipcfg-passwords.json",
            "file calls-1700000000000.db",
            "file calls.db",
            "file calls.db-wal",
            "file error.log",
            "file error.old.log",
            "file worker-1.lock",
            "file 0000001700000000-a1b2.event",
            "folder spool",
            "folder msipcfg",
        ],
        "{}",
        ran.transcript
    );
    assert_eq!(listed(&json, "kept"), ["hook end"], "{}", ran.transcript);
    assert_eq!(sandbox.names(), ["Contacts.xml", "MicroSIP.ini", "MicroSIP.ini.bak"]);
    assert_eq!(sandbox.ini_text(), format!("[Settings]\r\nVAD=0\r\n{PROGRAM}\r\n"));
    assert!(!sandbox.path(own_data()).exists());

    let files = all_files(&sandbox.path(""));
    let ran = uninstall(&sandbox, &["--yes"]).exits(0).says("Nothing to remove.").says("--all-hooks");
    assert_eq!(all_files(&sandbox.path("")), files, "{}", ran.transcript);
    assert_eq!(uninstall(&sandbox, &["--yes", "--json"]).exits(0).json()["changed"], false);
}

#[test]
fn all_hooks_includes_the_users_own_programs() {
    let sandbox = Sandbox::with_ini(utf16(&ini()));
    let ran = uninstall(&sandbox, &["--yes", "--all-hooks", "--json"]).exits(0);
    assert_eq!(listed(&ran.json(), "removed"), ["hook ring", "hook end"]);
    assert_eq!(listed(&ran.json(), "kept"), [] as [&str; 0]);
    assert_eq!(sandbox.ini_text(), "[Settings]\r\nVAD=0\r\n");
    assert_eq!(sandbox.names(), ["MicroSIP.ini"], "no backup is made");
}

#[test]
fn a_dry_run_lists_the_same_and_changes_nothing() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, "");
    add_data(&sandbox, own_data());
    let before = all_files(&sandbox.path(""));
    let ran = uninstall(&sandbox, &["-n"]).exits(0);
    ran.says("Would remove the hook of ring").says("Kept the hook of end").says("calls.db");
    let planned = uninstall(&sandbox, &["-n", "--json"]).exits(0).json();
    assert_eq!((&planned["changed"], &planned["dry_run"]), (&true.into(), &true.into()));
    assert_eq!(all_files(&sandbox.path("")), before);
    let done = uninstall(&sandbox, &["--yes", "--json"]).exits(0).json();
    let sorted = |json: &Value| {
        let mut removed = listed(json, "removed");
        removed.sort();
        removed
    };
    assert_eq!(sorted(&planned), sorted(&done));
}

#[test]
fn without_a_question_or_yes_nothing_is_removed() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, "");
    let before = all_files(&sandbox.path(""));
    uninstall(&sandbox, &[]).exits(2).says("--yes").says("[usage]");
    uninstall(&sandbox, &["--json"]).fails(2, "usage");
    assert_eq!(all_files(&sandbox.path("")), before);
}

#[test]
fn foreign_files_in_the_data_folder_stay_and_are_named() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    add_data(&sandbox, own_data());
    for name in ["calls.csv", "spool/notes.txt", "more/calls.db"] {
        sandbox.write(&format!("{}/{name}", own_data()), "mine");
    }
    let ran = uninstall(&sandbox, &["--yes", "--json"]).exits(0);
    assert_eq!(listed(&ran.json(), "kept"), ["file calls.csv", "file more", "file notes.txt"]);
    let left: Vec<String> = all_files(&sandbox.path(own_data())).into_keys().collect();
    assert_eq!(
        left,
        ["calls.csv", "more/", "more/calls.db", "spool/", "spool/notes.txt"],
        "{}",
        ran.transcript
    );
    uninstall(&sandbox, &["--yes"]).exits(0).says("Nothing to remove.").says("calls.csv");
}

#[test]
fn data_is_removed_without_an_ini() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("prefix/drive_c")).unwrap();
    add_data(&sandbox, own_data());
    if cfg!(windows) {
        return;
    }
    let mut command = sandbox.command(crate::sandbox::PROGRAM);
    command.env("WINEPREFIX", sandbox.path("prefix")).args(["uninstall", "--yes"]);
    sandbox.finish(command).exits(0).says("calls.db");
    assert!(!sandbox.path(own_data()).exists());
    sandbox.run(&["uninstall", "--yes", "--ini", "none.ini", "--json"]).fails(4, "ini-not-found");
}

#[test]
fn the_worker_exits_before_its_files_are_removed() {
    let place = Workplace::new("");
    place.report("ring", "1");
    wait_until(|| place.is_worker_running().then_some(()));
    uninstall(&place.sandbox, &["--yes"]).exits(0).says("calls.db");
    assert!(!place.data().path().exists());
    assert_eq!(place.sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn it_waits_for_microsip_and_removes_no_data_before() {
    let disk = WindowsDisk::new();
    let path = disk.ini("MicroSIP/MicroSIP.ini");
    std::fs::write(&path, utf16(&ini())).unwrap();
    add_data(&disk.sandbox, own_data());
    let phone = disk.start_phone();
    let before = all_files(&disk.sandbox.path(""));
    let args = ["uninstall", "--yes", "--timeout", "0", "--json", "--ini", path.to_str().unwrap()];
    let ran = disk.sandbox.run(&args).fails(5, "microsip-running");
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert_eq!(all_files(&disk.sandbox.path("")), before);
    phone.exit();
    disk.sandbox.run(&args).exits(0);
    assert!(!text_of_ini(&path).contains("msipcfg-run"));
}

#[test]
fn an_ini_without_hooks_needs_no_waiting_and_stays_as_it_is() {
    let disk = WindowsDisk::new();
    let path = disk.ini("MicroSIP/MicroSIP.ini");
    add_data(&disk.sandbox, own_data());
    let bytes = std::fs::read(&path).unwrap();
    let _phone = disk.start_phone();
    let args = ["uninstall", "--yes", "--timeout", "0", "--json", "--ini", path.to_str().unwrap()];
    let ran = disk.sandbox.run(&args).exits(0);
    assert_eq!((&ran.json()["changed"], ran.warnings().len()), (&true.into(), 0), "{}", ran.transcript);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

const USERS: [&str; 3] = ["ann", "bob", "zoe"];

fn with_users() -> Sandbox {
    let sandbox = Sandbox::new();
    for user in USERS {
        add_made_files(&sandbox, &format!("profiles/{user}/AppData/Roaming/MicroSIP/"));
        add_data(&sandbox, &format!("profiles/{user}/AppData/Local/msipcfg"));
    }
    sandbox
}

const MANY: [&str; 4] = ["uninstall", "--yes", "--profiles", "profiles"];

#[track_caller]
fn assert_outcomes(ran: &Ran, wanted: [&str; 3]) {
    let found = outcomes(ran.json()["profiles"].as_array().unwrap());
    let wanted = USERS.iter().zip(wanted).map(|(user, outcome)| (user.to_string(), outcome.to_string()));
    assert_eq!(found, wanted.collect(), "{}", ran.transcript);
}

#[test]
fn every_user_is_cleaned_and_one_failure_does_not_stop_the_others() {
    let sandbox = with_users();
    sandbox.write("profiles/bob/AppData/Roaming/MicroSIP/MicroSIP.ini", "not an ini");
    let before = all_files(&sandbox.path(""));
    let dry_run = sandbox.run(&[&MANY[..], &["-n", "--json"]].concat()).fails(8, "some-failed");
    assert_outcomes(&dry_run, ["changed", "failed not-an-ini", "changed"]);
    assert_eq!(all_files(&sandbox.path("")), before);

    let ran = sandbox.run(&[&MANY[..], &["--json"]].concat()).fails(8, "some-failed");
    assert_outcomes(&ran, ["changed", "failed not-an-ini", "changed"]);
    assert_eq!(ran.json()["counts"]["changed"], 2);
    let ann = ran.json()["profiles"][0].clone();
    assert!(ann["ini"].as_str().unwrap().ends_with("MicroSIP.ini"), "{ann}");
    assert_eq!(listed(&ann, "removed").len(), 17, "{ann}");
    assert!(!ann.to_string().contains("/proc/"), "{ann}");
    let left: Vec<String> = all_files(&sandbox.path("profiles/ann/AppData")).into_keys().collect();
    let kept =
        ["Contacts.xml", "MicroSIP.ini", "MicroSIP.ini.bak"].map(|name| format!("Roaming/MicroSIP/{name}"));
    assert_eq!(left, [&["Local/".into(), "Roaming/".into(), "Roaming/MicroSIP/".into()], &kept[..]].concat());

    sandbox.write("profiles/bob/AppData/Roaming/MicroSIP/MicroSIP.ini", utf16(&ini()));
    let ran = sandbox.run(&MANY).exits(0).says("3 users: 1 cleaned, 2 without anything to remove");
    ran.says("the hook of ring");
    assert_outcomes(&sandbox.run(&[&MANY[..], &["--json"]].concat()).exits(0), ["in-state"; 3]);
}

#[test]
fn a_user_without_an_ini_loses_the_data() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("profiles/ann/AppData/Roaming")).unwrap();
    std::fs::create_dir_all(sandbox.path("profiles/none")).unwrap();
    add_data(&sandbox, "profiles/ann/AppData/Local/msipcfg");
    sandbox.run(&MANY).exits(0).says("2 users: 1 cleaned, 1 skipped");
    assert!(!sandbox.path("profiles/ann/AppData/Local/msipcfg").exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_data_folder_is_not_followed() {
    use std::os::unix::fs::symlink;

    let sandbox = with_users();
    add_data(&sandbox, "outside");
    let outside = all_files(&sandbox.path("outside"));
    for user in ["ann", "zoe"] {
        let data = sandbox.path(&format!("profiles/{user}/AppData/Local/msipcfg"));
        std::fs::remove_dir_all(&data).unwrap();
        symlink(sandbox.path("outside"), &data).unwrap();
    }
    // a link to a folder, and links to files
    let bob = sandbox.path("profiles/bob/AppData/Local/msipcfg");
    std::fs::remove_dir_all(bob.join("spool")).unwrap();
    symlink(sandbox.path("outside"), bob.join("spool")).unwrap();
    std::fs::remove_file(bob.join("calls.db")).unwrap();
    symlink(sandbox.path("outside/calls.db"), bob.join("calls.db")).unwrap();
    let ran = sandbox.run(&[&MANY[..], &["--json"]].concat()).fails(8, "some-failed");
    assert_outcomes(&ran, ["failed profile-link", "changed", "failed profile-link"]);
    assert_eq!(all_files(&sandbox.path("outside")), outside);
    assert_eq!(
        ran.json()["profiles"][0]["changed"],
        true,
        "the hooks were removed before: {}",
        ran.transcript
    );

    let own = Sandbox::with_ini(utf16(&ini()));
    add_data(&own, "outside");
    std::fs::create_dir_all(own.path("home/.local/state")).unwrap();
    symlink(own.path("outside"), own.path(own_data())).unwrap();
    uninstall(&own, &["--yes"]).exits(0).says("follows no links");
    assert_eq!(all_files(&own.path("outside")), outside);
}

#[test]
fn options_for_many_users_need_many_users() {
    let sandbox = Sandbox::with_ini(utf16(&ini()));
    uninstall(&sandbox, &["--skip-running", "--json"]).fails(2, "usage");
    uninstall(&sandbox, &["--yes", "--profiles", "profiles", "--json"]).fails(2, "usage");
}

#[cfg(target_os = "linux")]
#[test]
fn it_lists_and_asks_in_a_terminal() {
    use crate::terminal::{CTRL_C, ENTER, ESC, Terminal};

    const QUESTION: &str = "Remove all of this?";
    let sandbox = Sandbox::with_ini(utf16(&ini()));
    let ini_path = sandbox.ini();
    let start = || Terminal::start(&sandbox, &["uninstall", "--ini", ini_path.to_str().unwrap()]);
    for (keys, status) in [(ENTER, 0), (ESC, 0), (CTRL_C, 130)] {
        start().sees("Would remove the hook of ring").sees(QUESTION).press(&[keys]).ends_with(status);
        assert_eq!(sandbox.ini_text(), ini(), "{keys:?}");
    }
    start().sees(QUESTION).press(&["y"]).sees("Removed the hook of ring").ends_with(0);
    start().sees("Nothing to remove.").ends_with(0);
}

//! The user who runs msipcfg. Not on Windows: there, these tests would change the registry, which other tests share.

use serde_json::Value;

use super::{PROGRAM, STAMP, add_data, add_made_files, all_files, ini, listed};
use crate::instances::WindowsDisk;
use crate::runner::{Workplace, wait_until};
use crate::sandbox::{self, Ran, Sandbox, text_of_ini, utf16};
use crate::terminal::{CTRL_C, ENTER, ESC, Terminal};

/// The folder of the user who runs msipcfg.
pub const OWN_DATA: &str = "home/.local/state/msipcfg";

fn uninstall(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run_on_ini(&[&["uninstall"], more].concat())
}

#[test]
fn everything_that_msipcfg_made_is_removed_and_nothing_else() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, "");
    add_data(&sandbox, OWN_DATA);
    let ran = uninstall(&sandbox, &["--yes", "--json"]).exits(0);
    let json = ran.json();
    assert_eq!((&json["changed"], &json["dry_run"]), (&true.into(), &false.into()), "{}", ran.transcript);
    assert_eq!(
        listed(&json, "removed"),
        [
            "hook ring",
            "file .MicroSIP.ini.a1b2c3.msipcfg-tmp",
            "file .MicroSIP.ini.msipcfg-lock",
            "file MicroSIP.hooks.toml",
            &format!("file MicroSIP.ini.{STAMP}-1.restore.bak"),
            &format!("file MicroSIP.ini.{STAMP}.bak"),
            &format!("file MicroSIP.hooks.toml.{STAMP}.bak"),
            "file MicroSIP.ini.msipcfg-state.json",
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
    assert!(!sandbox.path(OWN_DATA).exists());

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
    add_data(&sandbox, OWN_DATA);
    sandbox.write(&format!("{OWN_DATA}/stop"), "");
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
fn what_was_removed_before_a_failure_is_listed() {
    let sandbox = Sandbox::with_ini(utf16(&ini()));
    add_data(&sandbox, OWN_DATA);
    std::fs::create_dir(sandbox.path(OWN_DATA).join("stop")).unwrap();
    let ran = uninstall(&sandbox, &["--yes", "--json"]).fails(6, "file-write");
    let json = ran.json();
    assert_eq!(json["changed"], true, "{}", ran.transcript);
    assert_eq!(
        (listed(&json, "removed"), listed(&json, "kept")),
        (vec!["hook ring".into()], vec!["hook end".into(), "file stop".into()])
    );
    uninstall(&sandbox, &["--yes"]).exits(6).says("Kept the hook of end").says("[file-write]");
}

#[test]
fn every_error_is_reported_and_the_rest_is_removed() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, "");
    add_data(&sandbox, OWN_DATA);
    sandbox.write("MicroSIP.ini", "not an ini");
    std::fs::create_dir(sandbox.path(OWN_DATA).join("stop")).unwrap();
    uninstall(&sandbox, &["-n"]).exits(7).says("[not-an-ini]").says("Would remove");
    let ran = uninstall(&sandbox, &["--yes", "--json"]).fails(7, "not-an-ini");
    let json = ran.json();
    let codes: Vec<&str> =
        json["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["not-an-ini", "file-write"], "{}", ran.transcript);
    assert_eq!(sandbox.names(), ["Contacts.xml", "MicroSIP.ini", "MicroSIP.ini.bak"]);
    uninstall(&sandbox, &["--yes"]).exits(7).says("[not-an-ini]").says("[file-write]");
    std::fs::remove_dir(sandbox.path(OWN_DATA).join("stop")).unwrap();
    uninstall(&sandbox, &["--yes"]).exits(7).says("calls.db");
    assert!(!sandbox.path(OWN_DATA).exists());
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
    add_data(&sandbox, OWN_DATA);
    for name in ["calls.csv", "spool/notes.txt", "more/calls.db"] {
        sandbox.write(&format!("{}/{name}", OWN_DATA), "mine");
    }
    let ran = uninstall(&sandbox, &["--yes", "--json"]).exits(0);
    assert_eq!(listed(&ran.json(), "kept"), ["file calls.csv", "file more", "file notes.txt"]);
    let left: Vec<String> = all_files(&sandbox.path(OWN_DATA)).into_keys().collect();
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
    add_data(&sandbox, OWN_DATA);
    let mut command = sandbox.command(sandbox::PROGRAM);
    command.env("WINEPREFIX", sandbox.path("prefix")).args(["uninstall", "--yes"]);
    sandbox.finish(command).exits(0).says("calls.db");
    assert!(!sandbox.path(OWN_DATA).exists());
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
    add_data(&disk.sandbox, OWN_DATA);
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
    add_data(&disk.sandbox, OWN_DATA);
    let bytes = std::fs::read(&path).unwrap();
    let _phone = disk.start_phone();
    let args = ["uninstall", "--yes", "--timeout", "0", "--json", "--ini", path.to_str().unwrap()];
    let ran = disk.sandbox.run(&args).exits(0);
    assert_eq!((&ran.json()["changed"], ran.warnings().len()), (&true.into(), 0), "{}", ran.transcript);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn options_for_many_users_need_many_users() {
    let sandbox = Sandbox::with_ini(utf16(&ini()));
    uninstall(&sandbox, &["--skip-running", "--json"]).fails(2, "usage");
    uninstall(&sandbox, &["--yes", "--profiles", "profiles", "--json"]).fails(2, "usage");
}

#[test]
fn it_lists_and_asks_in_a_terminal() {
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

#[test]
fn a_link_in_place_of_the_own_data_folder_is_not_followed() {
    let own = Sandbox::with_ini(utf16(&ini()));
    add_data(&own, "outside");
    let outside = all_files(&own.path("outside"));
    std::fs::create_dir_all(own.path("home/.local/state")).unwrap();
    std::os::unix::fs::symlink(own.path("outside"), own.path(OWN_DATA)).unwrap();
    uninstall(&own, &["--yes"]).exits(0).says("which msipcfg doesn't follow");
    assert_eq!(all_files(&own.path("outside")), outside);
}

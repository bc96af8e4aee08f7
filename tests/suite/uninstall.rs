//! `uninstall`: removes what msipcfg made, and nothing else.

#[cfg(target_os = "linux")]
mod obstacles;
#[cfg(target_os = "linux")]
mod own;
mod without_ini;
#[cfg(unix)]
mod worker;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::many_users::outcomes;
use crate::sandbox::{Ran, Sandbox, utf16};

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
        "MicroSIP.ini.msipcfg-state.json",
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

/// Returns every file below a folder with its bytes; links aren't followed.
fn all_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let name = name.into_string().unwrap();
        let kind = entry.symlink_metadata().unwrap();
        if kind.is_dir() {
            let below = all_files(&entry).into_iter();
            files.extend(below.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
            files.insert(format!("{name}/"), Vec::new());
        } else {
            // reading a pipe would wait for a writer
            files.insert(name, if kind.is_file() { std::fs::read(&entry).unwrap() } else { Vec::new() });
        }
    }
    files
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
    let json = ran.json();
    let ann = &json["profiles"][0];
    assert_eq!((&json["changed"], &ann["changed"]), (&true.into(), &true.into()), "{}", ran.transcript);
    assert_eq!(listed(ann, "removed")[0], "hook ring", "what was removed before: {}", ran.transcript);
    assert_eq!(listed(ann, "kept"), ["hook end"]);
    assert_eq!(ann["errors"], Value::from(vec![ann["error"].clone()]));
}

#[test]
fn what_was_removed_before_a_failure_is_reported() {
    let sandbox = with_users();
    std::fs::create_dir(sandbox.path("profiles/ann/AppData/Local/msipcfg/stop")).unwrap();
    let ran = sandbox.run(&[&MANY[..], &["--report", "report.jsonl"]].concat()).exits(8);
    ran.says("Removed the hook of ring").says("[file-write]").says("3 users: 2 cleaned, 1 failed");
    let report = std::fs::read_to_string(sandbox.path("report.jsonl")).unwrap();
    let lines = report.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ann = lines.filter(|line| line["user"] == "ann").collect::<Vec<_>>().remove(0);
    assert_eq!((&ann["status"], &ann["changed"]), (&"failed".into(), &true.into()), "{ann}");
    assert_eq!(listed(&ann, "removed")[0], "hook ring", "{ann}");
}

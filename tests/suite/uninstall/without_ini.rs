//! What msipcfg made next to an ini that doesn't exist any more, or that isn't where MicroSIP looks first.

use super::{MANY, STAMP, add_made_files, all_files, listed};
use crate::sandbox::{Sandbox, text_of_ini};

const ROAMING: &str = "profiles/ann/AppData/Roaming/MicroSIP/";
const LOCAL: &str = "profiles/ann/AppData/Local/MicroSIP/";
const STAYS: [&str; 2] = ["Contacts.xml", "MicroSIP.ini.bak"];

/// Writes what msipcfg makes next to an ini, but not the ini.
fn add_without_ini(sandbox: &Sandbox, folder: &str) {
    add_made_files(sandbox, folder);
    std::fs::remove_file(sandbox.path(&format!("{folder}MicroSIP.ini"))).unwrap();
}

fn names(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    all_files(&sandbox.path(folder)).into_keys().collect()
}

#[test]
fn backups_of_an_ini_that_was_deleted_are_removed() {
    let sandbox = Sandbox::new();
    add_without_ini(&sandbox, ROAMING);
    let planned = sandbox.run(&[&MANY[..], &["-n", "--json"]].concat()).exits(0).json();
    let done = sandbox.run(&[&MANY[..], &["--json"]].concat()).exits(0).json();
    let removed = [&planned, &done].map(|json| listed(&json["profiles"][0], "removed"));
    assert_eq!(removed[0], removed[1]);
    assert!(removed[0].contains(&format!("file MicroSIP.ini.{STAMP}.bak")), "{removed:?}");
    assert_eq!(names(&sandbox, ROAMING), STAYS);
    sandbox.run(&MANY).exits(0).says("1 user: 1 without anything to remove");
}

#[test]
fn files_where_an_older_microsip_kept_its_ini_are_removed() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, ROAMING);
    add_without_ini(&sandbox, LOCAL);
    sandbox.run(&MANY).exits(0);
    assert_eq!(names(&sandbox, ROAMING), ["Contacts.xml", "MicroSIP.ini", "MicroSIP.ini.bak"]);
    assert_eq!(names(&sandbox, LOCAL), STAYS);
}

#[test]
fn the_ini_of_an_older_microsip_loses_its_hook_too() {
    for folders in [&[ROAMING, LOCAL][..], &[LOCAL]] {
        let sandbox = Sandbox::new();
        folders.iter().for_each(|folder| add_made_files(&sandbox, folder));
        let ran = sandbox.run(&MANY).exits(0);
        for folder in folders {
            let text = text_of_ini(&sandbox.path(&format!("{folder}MicroSIP.ini")));
            assert!(!text.contains("msipcfg-run"), "{}", ran.transcript);
        }
    }
}

#[cfg(unix)]
#[test]
fn files_next_to_something_else_than_an_ini_are_removed() {
    let sandbox = Sandbox::new();
    let outside = sandbox.write("outside/MicroSIP.ini", "theirs");
    for kind in ["link", "folder"] {
        add_without_ini(&sandbox, ROAMING);
        let ini = sandbox.path(&format!("{ROAMING}MicroSIP.ini"));
        match kind {
            "link" => std::os::unix::fs::symlink(&outside, &ini).unwrap(),
            _ => std::fs::create_dir(&ini).unwrap(),
        }
        let ran = sandbox.run(&MANY).exits(8).says("[profile-link]").says("MicroSIP.hooks.toml");
        assert_eq!(names(&sandbox, ROAMING).len(), 3, "{}", ran.transcript);
        let _ = std::fs::remove_file(&ini);
    }
    assert_eq!(names(&sandbox, "outside"), ["MicroSIP.ini"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_named_ini_may_be_missing() {
    let sandbox = Sandbox::new();
    add_without_ini(&sandbox, "");
    super::add_data(&sandbox, super::own::OWN_DATA);
    let ran = sandbox.run_on_ini(&["uninstall", "--yes", "--json"]).exits(0);
    assert_eq!(ran.warnings(), ["ini-not-found"]);
    assert_eq!(ran.json()["inis"], serde_json::json!([]));
    assert_eq!(sandbox.names(), STAYS);
    assert!(!sandbox.path(super::own::OWN_DATA).exists());
    sandbox.run(&["uninstall", "--yes", "--ini", "none/none.ini"]).exits(0).says("Nothing to remove.");
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_the_user_who_runs_it_are_removed_without_an_ini() {
    let sandbox = Sandbox::new();
    let [roaming, local] =
        ["Roaming", "Local"].map(|name| format!("home/.wine/drive_c/users/ann/AppData/{name}/MicroSIP/"));
    add_without_ini(&sandbox, &roaming);
    add_without_ini(&sandbox, &local);
    sandbox.run(&["uninstall", "--yes"]).exits(0).says("MicroSIP.hooks.toml");
    assert_eq!([names(&sandbox, &roaming), names(&sandbox, &local)], [STAYS; 2]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_ini_with_two_paths_is_cleaned_once() {
    let sandbox = Sandbox::new();
    add_made_files(&sandbox, "home/.wine/drive_c/users/ann/AppData/Roaming/MicroSIP/");
    std::os::unix::fs::symlink("ann", sandbox.path("home/.wine/drive_c/users/bob")).unwrap();
    let json = sandbox.run(&["uninstall", "-n", "--json"]).exits(0).json();
    assert_eq!(json["inis"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(listed(&json, "removed").len(), 8, "{json}");
}

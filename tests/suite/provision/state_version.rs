//! The version of a desired state: it makes a changed file a difference, even if no value differs.

use serde_json::json;

use crate::many_users::outcomes;
use crate::sandbox::{Sandbox, utf16};

const RECORD: &str = "MicroSIP.ini.msipcfg-state.json";

fn with_version(version: &str) -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=1\r\n"));
    sandbox.write("state.toml", format!("state-version = {version}\n[settings]\nVAD = 1\n"));
    sandbox
}

#[test]
fn another_version_is_a_difference_until_it_is_applied() {
    let sandbox = with_version("7");
    let ini = std::fs::read(sandbox.ini()).unwrap();
    let ran = sandbox.run_on_ini(&["check", "state.toml", "--json"]).exits(1);
    let difference = json!({"section": "", "key": "state-version", "wanted": "7", "found": null});
    assert_eq!(ran.json()["differences"], json!([difference]), "{}", ran.transcript);
    sandbox
        .run_on_ini(&["detect", "state.toml", "--style", "intune-remediation"])
        .exits(1)
        .says("state-version differs");

    let ran = sandbox.run_on_ini(&["apply", "state.toml", "-n", "--json"]).exits(0);
    assert_eq!(ran.json()["changed"], true, "{}", ran.transcript);
    assert!(!sandbox.path(RECORD).exists());
    let ran = sandbox.run_on_ini(&["apply", "state.toml", "--json"]).exits(0);
    let change = json!({"section": "", "key": "state-version", "before": null, "after": "7"});
    assert_eq!(ran.json()["changes"], json!([change]), "{}", ran.transcript);
    assert_eq!((&ran.json()["changed"], &ran.json()["backup"]), (&json!(true), &json!(null)));
    // the ini itself is as it was, and no backup was made
    assert_eq!(std::fs::read(sandbox.ini()).unwrap(), ini);
    assert_eq!(sandbox.names(), ["MicroSIP.ini", RECORD, "state.toml"]);

    sandbox.run_on_ini(&["check", "state.toml"]).exits(0);
    let ran = sandbox.run_on_ini(&["apply", "state.toml", "--json"]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    // the same version as text
    sandbox.write("state.toml", "state-version = '7'\n[settings]\nVAD = 1\n");
    sandbox.run_on_ini(&["check", "state.toml"]).exits(0);
    sandbox.write("state.toml", "state-version = '7b'\n[settings]\nVAD = 1\n");
    sandbox.run_on_ini(&["check", "state.toml"]).exits(1).says("state-version: expected '7b', found '7'");
    sandbox.run_on_ini(&["apply", "state.toml"]).exits(0).says("Recorded state-version 7b for ");
}

#[test]
fn version_is_kept_by_other_edits_and_removed_by_false() {
    let sandbox = with_version("7");
    sandbox.run_on_ini(&["apply", "state.toml"]).exits(0);
    sandbox.write("other.toml", "[settings]\nEC = 1\n");
    sandbox.run_on_ini(&["apply", "other.toml"]).exits(0);
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
    let ran = sandbox.run_on_ini(&["check", "state.toml"]).exits(1).says("VAD");
    assert!(!ran.stdout.contains("state-version"), "{}", ran.transcript);
    sandbox.write("state.toml", "state-version = false\n[settings]\nVAD = false\n");
    sandbox.run_on_ini(&["apply", "state.toml"]).exits(0).says("Recorded no state-version for ");
    assert!(!sandbox.path(RECORD).exists());
}

#[test]
fn invalid_versions_are_reported_with_their_place() {
    for version in ["true", "''", "{ env = 'A' }", &format!("'{}'", "7".repeat(65))] {
        let sandbox = with_version(version);
        let ran = sandbox.run_on_ini(&["check", "state.toml", "--json"]).fails(3, "desired-invalid");
        assert_eq!(ran.json()["error"]["line"], 1, "{}", ran.transcript);
        let message = ran.json()["error"]["message"].to_string();
        assert!(message.contains("at most 64 characters"), "{message}");
    }
    // a version alone describes no state
    let sandbox = with_version("7");
    sandbox.write("state.toml", "state-version = 7\n");
    sandbox.run_on_ini(&["check", "state.toml", "--json"]).fails(3, "desired-empty");
}

#[test]
fn each_user_has_a_version_of_their_own() {
    let sandbox = Sandbox::new();
    let ini_of = |user: &str| format!("profiles/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini");
    for user in ["ann", "bob"] {
        sandbox.write(&ini_of(user), utf16("[Settings]\r\nVAD=1\r\n"));
    }
    sandbox.write("state.toml", "state-version = '${v}'\n[settings]\nVAD = 1\n");
    sandbox.write("users.csv", "user,v\nann,1\nbob,2\n");
    let run = |command: &str| {
        let words = [command, "state.toml", "--profiles", "profiles", "--users", "users.csv", "--json"];
        sandbox.run(&words)
    };
    let ran = run("apply").exits(0);
    assert_eq!(ran.json()["counts"]["changed"], 2, "{}", ran.transcript);
    run("check").exits(0);
    sandbox.write("users.csv", "user,v\nann,1\nbob,3\n");
    let ran = run("check").exits(1);
    let found = outcomes(ran.json()["profiles"].as_array().unwrap());
    assert_eq!((&*found["ann"], &*found["bob"]), ("in-state", "differs"), "{}", ran.transcript);
}

#[cfg(target_os = "linux")]
#[test]
fn version_that_cannot_be_recorded_is_reported() {
    let sandbox = with_version("7");
    // a folder with the record's name can't be replaced by a file
    std::fs::create_dir(sandbox.path(RECORD)).unwrap();
    let ran = sandbox.run_on_ini(&["apply", "state.toml", "--json"]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert_eq!(ran.json()["warnings"][0]["code"], "state-version-unnoted", "{}", ran.transcript);
}

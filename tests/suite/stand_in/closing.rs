//! Waiting for MicroSIP, closing it and starting it again.

use std::process::Command;

use crate::background::{BackgroundRun, WAITS};
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

use super::{Phone, Start};

const INI: &str = "[Settings]\r\naccountId=1\r\nVAD=0\r\nvolumeRing=80\r\n";

fn sandbox() -> Sandbox {
    Sandbox::with_ini(utf16(INI))
}

/// Whether the ini contains this line.
fn contains(sandbox: &Sandbox, line: &str) -> bool {
    sandbox.ini_text().lines().any(|other| other == line)
}

/// Sets a value in the ini. A phone that is started again uses the same log.
fn set(sandbox: &Sandbox, options: &[&str]) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    command.args(["set", "--json", "--ini"]).arg(sandbox.ini()).args(options).arg("VAD=1");
    sandbox.finish(with_log(command, sandbox))
}

fn with_log(mut command: Command, sandbox: &Sandbox) -> Command {
    command.env("STAND_IN_LOG", super::log_file(sandbox));
    command
}

#[test]
fn an_edit_waits_until_the_phone_has_saved_and_exited() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    let mut run = BackgroundRun::start(&sandbox, &["set", "--ini", sandbox.ini().to_str().unwrap(), "VAD=1"]);
    run.wait_for(WAITS);
    assert!(contains(&sandbox, "VAD=0"));
    phone.close();
    run.wait().exits(0);
    assert!(contains(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
    assert!(contains(&sandbox, "volumeOutput=1"), "its own save is lost: {}", sandbox.ini_text());
}

#[test]
fn after_the_timeout_nothing_is_written() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    let before = sandbox.ini_bytes();
    set(&sandbox, &["--timeout", "0"]).fails(5, "microsip-running");
    // deployment software reads this status as: try again later
    set(&sandbox, &["--timeout", "0", "--exit-codes", "windows"]).fails(1618, "microsip-running");
    set(&sandbox, &["--dry-run", "--exit-codes", "windows"]).exits(0);
    assert_eq!(sandbox.ini_bytes(), before);
    phone.close();
}

#[test]
fn with_close_the_phone_saves_before_the_edit() {
    let sandbox = sandbox();
    let mut phone = Start::portable(&sandbox).start();
    let ran = set(&sandbox, &["--close"]).exits(0);
    assert_eq!(ran.json()["closed"][0]["pid"], phone.pid(), "{}", ran.transcript);
    assert_eq!(ran.json()["restarted"], serde_json::Value::Null, "{}", ran.transcript);
    phone.wait_for_exit();
    assert_eq!(phone.count("close"), 1, "{:?}", phone.log());
    assert_eq!(phone.count("copydata"), 0, "{:?}", phone.log());
    assert!(contains(&sandbox, "VAD=1") && contains(&sandbox, "volumeOutput=1"), "{}", sandbox.ini_text());
    assert_eq!(Phone::pids(&sandbox), [phone.pid()], "another was started");
}

#[test]
fn an_edit_waits_for_a_slow_exit() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).variable("STAND_IN_SLOW_EXIT_MS", "1500").start();
    let ran = set(&sandbox, &["--close"]).exits(0);
    assert!(phone.log().iter().any(|line| line == "exit"), "{}", ran.transcript);
    assert!(contains(&sandbox, "VAD=1") && contains(&sandbox, "volumeOutput=1"), "{}", sandbox.ini_text());
}

#[test]
fn a_phone_that_doesnt_close_isnt_killed() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).variable("STAND_IN_NEVER_EXITS", "1").start();
    let before = sandbox.ini_bytes();
    set(&sandbox, &["--close", "--timeout", "2s"]).fails(5, "microsip-running");
    phone.waits_for("close");
    assert_eq!(sandbox.ini_bytes(), before);
    phone.send("stand-in:save");
    phone.waits_for("saved");
}

#[test]
fn with_close_the_edit_also_applies_to_what_the_phone_saves_last() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    // the ini is as wanted, but MicroSIP has another value in memory that it will save
    sandbox.write("MicroSIP.ini", utf16(&INI.replace("VAD=0", "VAD=1")));
    let ran = set(&sandbox, &["--close"]).exits(0);
    assert_eq!(ran.json()["changed"], true, "{}", ran.transcript);
    assert!(contains(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
    drop(phone);
}

#[test]
fn a_restart_drops_the_old_command_line() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).line("tel:100").start();
    let ran = set(&sandbox, &["--restart"]).exits(0);
    let again = Phone::started_by_another(&sandbox, &[phone.pid()]);
    assert_eq!(ran.json()["restarted"][0]["pid"], again.pid(), "{}", ran.transcript);
    assert_eq!(again.log()[0], r#"start args="""#);
    assert!(again.is_visible());
    assert!(!again.log().iter().any(|line| line.starts_with("dial")), "{:?}", again.log());
    again.close();
    assert!(contains(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
}

#[test]
fn a_phone_with_a_hidden_window_is_restarted_hidden() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    phone.hide();
    set(&sandbox, &["--restart"]).exits(0);
    let again = Phone::started_by_another(&sandbox, &[phone.pid()]);
    assert_eq!(again.log()[0], r#"start args="/minimized""#);
    assert!(!again.is_visible());
    again.close();
}

#[test]
fn a_phone_is_restarted_even_if_the_edit_fails() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    // with a folder in the place of the lock, nothing can be written
    std::fs::create_dir(sandbox.path(".MicroSIP.ini.msipcfg-lock")).unwrap();
    let ran = set(&sandbox, &["--restart"]).fails(6, "file-write");
    let again = Phone::started_by_another(&sandbox, &[phone.pid()]);
    assert_eq!(ran.json()["closed"][0]["pid"], phone.pid(), "{}", ran.transcript);
    assert_eq!(ran.json()["restarted"][0]["pid"], again.pid(), "{}", ran.transcript);
    again.close();
    assert!(contains(&sandbox, "VAD=0"), "{}", sandbox.ini_text());
}

#[test]
fn a_phone_that_is_still_running_after_the_timeout_isnt_restarted() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).variable("STAND_IN_NEVER_EXITS", "1").start();
    let ran = set(&sandbox, &["--restart", "--timeout", "1s"]).fails(5, "microsip-running");
    assert_eq!(ran.json()["restarted"], serde_json::Value::Null, "{}", ran.transcript);
    assert_eq!(ran.warnings(), ["restart-failed"], "{}", ran.transcript);
    assert_eq!(Phone::pids(&sandbox), [phone.pid()]);
}

#[test]
fn a_phone_that_wasnt_running_isnt_started() {
    let sandbox = sandbox();
    super::put_stand_in(&sandbox.path("MicroSIP.exe"));
    let ran = set(&sandbox, &["--restart"]).exits(0);
    assert_eq!(ran.json()["restarted"], serde_json::Value::Null, "{}", ran.transcript);
    assert_eq!(Phone::pids(&sandbox), [0_u32; 0]);
}

#[test]
fn a_dry_run_closes_nothing() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    let ran = set(&sandbox, &["--close", "--dry-run"]).exits(0);
    assert_eq!(ran.warnings(), ["microsip-running"], "{}", ran.transcript);
    assert_eq!(phone.count("close"), 0);
    phone.close();
}

#[test]
fn each_copy_has_its_own_ini() {
    let sandbox = sandbox();
    let other_ini = sandbox.write("Other/phone.ini", utf16(INI));
    let phone = Start::portable(&sandbox).start();
    let other = Start::at(&sandbox, "Other/phone.exe").start();
    // the edit concerns only the phone that uses this ini
    set(&sandbox, &["--timeout", "0"]).fails(5, "microsip-running");
    set(&sandbox, &["--close"]).exits(0);
    assert_eq!(other.count("close"), 0);
    let args = ["set", "--json", "--timeout", "0", "--ini", other_ini.to_str().unwrap(), "VAD=1"];
    sandbox.run(&args).fails(5, "microsip-running");
    let log = other.close();
    assert_eq!(log.iter().filter(|line| *line == "close").count(), 1);
    sandbox.run(&args).exits(0);
    drop(phone);
}

#[test]
fn an_edit_also_waits_for_a_phone_that_starts_meanwhile() {
    let sandbox = sandbox();
    let first = Start::portable(&sandbox).start();
    let mut run = BackgroundRun::start(&sandbox, &["set", "--ini", sandbox.ini().to_str().unwrap(), "VAD=1"]);
    run.wait_for(WAITS);
    first.close();
    let second = Start::portable(&sandbox).start();
    second.close();
    run.wait().exits(0);
    assert!(contains(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
}

//! Waiting for it, closing it, starting it again.

use std::process::Command;

use crate::background::{BackgroundRun, WAITS};
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

use super::{Phone, Start};

const INI: &str = "[Settings]\r\naccountId=1\r\nVAD=0\r\nvolumeRing=80\r\n";

fn sandbox() -> Sandbox {
    Sandbox::with_ini(utf16(INI))
}

/// Whether the ini holds this line.
fn holds(sandbox: &Sandbox, line: &str) -> bool {
    sandbox.ini_text().lines().any(|other| other == line)
}

/// Sets a value of the ini. A phone that is started again logs as the first did.
fn set(sandbox: &Sandbox, options: &[&str]) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    command.args(["set", "--json", "--ini"]).arg(sandbox.ini()).args(options).arg("VAD=1");
    sandbox.finish(log_of(command, sandbox))
}

fn log_of(mut command: Command, sandbox: &Sandbox) -> Command {
    command.env("STAND_IN_LOG", super::log_file(sandbox));
    command
}

#[test]
fn an_edit_waits_until_it_exits_and_comes_after_its_save() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    let mut run = BackgroundRun::start(&sandbox, &["set", "--ini", sandbox.ini().to_str().unwrap(), "VAD=1"]);
    run.wait_for(WAITS);
    assert!(holds(&sandbox, "VAD=0"));
    phone.close();
    run.wait().exits(0);
    assert!(holds(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
    assert!(holds(&sandbox, "volumeOutput=1"), "its own save is lost: {}", sandbox.ini_text());
}

#[test]
fn time_runs_out_and_nothing_is_written() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    let before = sandbox.ini_bytes();
    set(&sandbox, &["--timeout", "0"]).fails(5, "microsip-running");
    // to programs that deploy software: try again later
    set(&sandbox, &["--timeout", "0", "--exit-codes", "windows"]).fails(1618, "microsip-running");
    set(&sandbox, &["--dry-run", "--exit-codes", "windows"]).exits(0);
    assert_eq!(sandbox.ini_bytes(), before);
    phone.close();
}

#[test]
fn it_is_closed_on_request_and_saves_before_the_edit() {
    let sandbox = sandbox();
    let mut phone = Start::portable(&sandbox).start();
    let ran = set(&sandbox, &["--close"]).exits(0);
    assert_eq!(ran.json()["closed"][0]["pid"], phone.pid(), "{}", ran.told);
    assert_eq!(ran.json()["restarted"], serde_json::Value::Null, "{}", ran.told);
    phone.wait_for_end();
    assert_eq!(phone.count("close"), 1, "{:?}", phone.log());
    assert_eq!(phone.count("copydata"), 0, "{:?}", phone.log());
    assert!(holds(&sandbox, "VAD=1") && holds(&sandbox, "volumeOutput=1"), "{}", sandbox.ini_text());
    assert_eq!(Phone::pids(&sandbox), [phone.pid()], "another was started");
}

#[test]
fn a_slow_exit_is_waited_for() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).variable("STAND_IN_SLOW_EXIT_MS", "1500").start();
    let ran = set(&sandbox, &["--close"]).exits(0);
    assert!(phone.log().iter().any(|line| line == "exit"), "{}", ran.told);
    assert!(holds(&sandbox, "VAD=1") && holds(&sandbox, "volumeOutput=1"), "{}", sandbox.ini_text());
}

#[test]
fn one_that_does_not_close_is_not_killed() {
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
fn nothing_to_change_is_told_of_what_it_saved_last() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    // the ini is right, but MicroSIP has another value in memory and will save that
    sandbox.write("MicroSIP.ini", utf16(&INI.replace("VAD=0", "VAD=1")));
    let ran = set(&sandbox, &["--close"]).exits(0);
    assert_eq!(ran.json()["changed"], true, "{}", ran.told);
    assert!(holds(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
    drop(phone);
}

#[test]
fn it_is_started_again_with_nothing_of_its_old_command_line() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).line("tel:100").start();
    let ran = set(&sandbox, &["--restart"]).exits(0);
    let again = Phone::started_by_another(&sandbox, &[phone.pid()]);
    assert_eq!(ran.json()["restarted"][0]["pid"], again.pid(), "{}", ran.told);
    assert_eq!(again.log()[0], r#"start args="""#);
    assert!(again.is_visible());
    assert!(!again.log().iter().any(|line| line.starts_with("dial")), "{:?}", again.log());
    again.close();
    assert!(holds(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
}

#[test]
fn one_whose_window_was_hidden_is_started_hidden() {
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
fn it_is_started_again_although_the_edit_failed() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    // nothing can be written where a folder has the place of the lock
    std::fs::create_dir(sandbox.path(".MicroSIP.ini.msipcfg-lock")).unwrap();
    let ran = set(&sandbox, &["--restart"]).fails(6, "file-write");
    let again = Phone::started_by_another(&sandbox, &[phone.pid()]);
    assert_eq!(ran.json()["closed"][0]["pid"], phone.pid(), "{}", ran.told);
    assert_eq!(ran.json()["restarted"][0]["pid"], again.pid(), "{}", ran.told);
    again.close();
    assert!(holds(&sandbox, "VAD=0"), "{}", sandbox.ini_text());
}

#[test]
fn one_that_has_not_ended_when_the_time_is_up_is_not_started_beside_itself() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).variable("STAND_IN_NEVER_EXITS", "1").start();
    let ran = set(&sandbox, &["--restart", "--timeout", "1s"]).fails(5, "microsip-running");
    assert_eq!(ran.json()["restarted"], serde_json::Value::Null, "{}", ran.told);
    assert_eq!(ran.warnings(), ["restart-failed"], "{}", ran.told);
    assert_eq!(Phone::pids(&sandbox), [phone.pid()]);
}

#[test]
fn what_was_not_running_is_not_started() {
    let sandbox = sandbox();
    super::put_stand_in(&sandbox.path("MicroSIP.exe"));
    let ran = set(&sandbox, &["--restart"]).exits(0);
    assert_eq!(ran.json()["restarted"], serde_json::Value::Null, "{}", ran.told);
    assert_eq!(Phone::pids(&sandbox), [0_u32; 0]);
}

#[test]
fn a_dry_run_closes_nothing() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    let ran = set(&sandbox, &["--close", "--dry-run"]).exits(0);
    assert_eq!(ran.warnings(), ["microsip-running"], "{}", ran.told);
    assert_eq!(phone.count("close"), 0);
    phone.close();
}

#[test]
fn each_copy_has_its_own_ini() {
    let sandbox = sandbox();
    let other_ini = sandbox.write("Other/phone.ini", utf16(INI));
    let phone = Start::portable(&sandbox).start();
    let other = Start::at(&sandbox, "Other/phone.exe").start();
    // the one that uses this ini is waited for, the other is not, and is not closed either
    set(&sandbox, &["--timeout", "0"]).fails(5, "microsip-running");
    set(&sandbox, &["--close"]).exits(0);
    assert_eq!(other.count("close"), 0);
    let words = ["set", "--json", "--timeout", "0", "--ini", other_ini.to_str().unwrap(), "VAD=1"];
    sandbox.run(&words).fails(5, "microsip-running");
    let log = other.close();
    assert_eq!(log.iter().filter(|line| *line == "close").count(), 1);
    sandbox.run(&words).exits(0);
    drop(phone);
}

#[test]
fn one_that_comes_up_and_exits_while_an_edit_waits_is_waited_for_too() {
    let sandbox = sandbox();
    let first = Start::portable(&sandbox).start();
    let mut run = BackgroundRun::start(&sandbox, &["set", "--ini", sandbox.ini().to_str().unwrap(), "VAD=1"]);
    run.wait_for(WAITS);
    first.close();
    let second = Start::portable(&sandbox).start();
    second.close();
    run.wait().exits(0);
    assert!(holds(&sandbox, "VAD=1"), "{}", sandbox.ini_text());
}

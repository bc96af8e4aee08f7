//! A worker that carries out actions, or another msipcfg, while its files are to be removed. The tests hold the locks
//! themselves.

use std::time::{Duration, Instant};

use msipcfg::platform::{FileSystem as _, LockFile, SystemFs};
use serde_json::Value;

use super::{MANY, with_users};
use crate::background::BackgroundRun;
use crate::runner::wait_until;
use crate::sandbox::{PROGRAM, Sandbox};

const DATA: &str = "profiles/ann/AppData/Local/msipcfg";

/// Locks a file as the worker of ann does, until the lock is dropped.
fn busy_worker(sandbox: &Sandbox) -> LockFile {
    let lock = SystemFs.open_to_lock(&sandbox.path(&format!("{DATA}/worker-1.lock"))).unwrap();
    assert!(lock.try_lock().unwrap());
    lock
}

#[test]
fn cancelling_the_wait_is_an_interruption_although_hooks_were_removed() {
    let sandbox = with_users();
    let busy = busy_worker(&sandbox);
    let mut command = sandbox.command(PROGRAM);
    command.args(MANY).arg("--json");
    let run = BackgroundRun::spawn(command);
    wait_until(|| sandbox.path(&format!("{DATA}/stop")).exists().then_some(()));
    run.interrupt();
    let ran = run.wait().fails(130, "interrupted");
    let json = ran.json();
    let ann = &json["profiles"][0];
    assert_eq!((&ann["status"], &ann["error"]["code"]), (&"failed".into(), &"interrupted".into()), "{ann}");
    assert_eq!((&json["changed"], &ann["changed"]), (&true.into(), &true.into()), "{ann}");
    assert!(!sandbox.path(&format!("{DATA}/stop")).exists());

    drop(busy);
    sandbox.run(&MANY).exits(0);
    assert!(!sandbox.path(DATA).exists());
}

#[test]
fn the_timeout_limits_the_wait_and_a_dry_run_warns_about_it() {
    let sandbox = with_users();
    let busy = busy_worker(&sandbox);
    let ran = sandbox.run(&[&MANY[..], &["-n", "--json"]].concat()).exits(0);
    let json = ran.json();
    assert_eq!(json["profiles"][0]["warnings"][0]["code"], "worker-running", "{}", ran.transcript);
    assert_eq!(json["profiles"][1]["warnings"], Value::from(Vec::<Value>::new()), "{}", ran.transcript);

    let start = Instant::now();
    let ran = sandbox.run(&[&MANY[..], &["--timeout", "0", "--json"]].concat()).fails(8, "some-failed");
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    let json = ran.json();
    let ann = &json["profiles"][0];
    assert_eq!(ann["error"]["code"], "worker-running", "{ann}");
    assert!(ann["removed"].to_string().contains("hooks.toml"), "{ann}");
    assert!(sandbox.path(&format!("{DATA}/calls.db")).exists());
    drop(busy);
    sandbox.run(&MANY).exits(0).says("1 cleaned");
}

#[test]
fn cancelling_the_wait_for_another_msipcfg_does_not_say_that_nothing_was_changed() {
    let sandbox = with_users();
    let local = "profiles/ann/AppData/Local/MicroSIP";
    sandbox.write(&format!("{local}/MicroSIP.hooks.toml"), "");
    sandbox.write(&format!("{local}/.MicroSIP.ini.msipcfg-lock"), "");
    let lock = SystemFs.open_to_lock(&sandbox.path(&format!("{local}/.MicroSIP.ini.msipcfg-lock"))).unwrap();
    assert!(lock.try_lock().unwrap());
    let mut command = sandbox.command(PROGRAM);
    command.args(MANY).arg("--json");
    let run = BackgroundRun::spawn(command);
    let roaming = sandbox.path("profiles/ann/AppData/Roaming/MicroSIP/MicroSIP.hooks.toml");
    wait_until(|| (!roaming.exists()).then_some(()));
    run.interrupt();
    let ran = run.wait().fails(130, "interrupted");
    let error = ran.json()["profiles"][0]["error"].clone();
    assert_eq!(error["code"], "interrupted", "{}", ran.transcript);
    assert!(!error["message"].as_str().unwrap().contains("Nothing was changed"), "{error}");
    assert!(sandbox.path(&format!("{local}/MicroSIP.hooks.toml")).exists());
}

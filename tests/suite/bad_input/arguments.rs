//! Wrong arguments.

use std::ffi::OsString;

#[cfg(target_os = "linux")]
use super::on_ini;
use super::{INI, assert_plain, with_args};
use crate::inis::snapshot;
use crate::sandbox::{PROGRAM, Sandbox, utf16};

#[test]
fn an_unknown_command_or_option_is_a_usage_error() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let program = || sandbox.command(PROGRAM);
    for (args, named) in [
        (&["set-hok", "ring", "x.exe"][..], "set-hok"),
        (&["get", "--bogus", "VAD"], "--bogus"),
        (&["set", "-x", "VAD=1"], "-x"),
        (&["set", "--timeout", "soon", "VAD=1"], "soon"),
        (&["set", "--timeout", "-5", "VAD=1"], "'-5' for '--timeout <DURATION>'"),
        (&["exit", "--timeout", "-5"], "'-5' for '--timeout <DURATION>'"),
        (&["set", "--keep-backups", "many", "VAD=1"], "'many' for '--keep-backups <N>': expected a number"),
        (&["set", "--keep-backups", "-1", "VAD=1"], "'-1' for '--keep-backups <N>'"),
        (&["set-hook", "--dryrun", "ring", "x.exe"], "'--dry-run'"),
        (&["set-hook", "-x", "ring", "x.exe"], "'-x'"),
        (&["set-hook", "ring", "--"], "no action or program"),
        (&["set-hook", "--raw", "ring", "--"], "no action or program"),
        (&["get", "--color", "pink", "VAD"], "pink"),
        (&["get", "--codepage", "none", "VAD"], "none"),
        (&["get", "-q", "-v", "VAD"], "--verbose"),
        (&["get", "--dry-run", "VAD"], "--dry-run"),
        (&["events", "surplus"], "surplus"),
        (&["hooks", "ring", "answer"], "answer"),
        (&["list", "Settings", "Account1"], "Account1"),
        (&["restore", "1", "2"], "2"),
        (&["set"], "KEY=VALUE"),
        (&["unset"], "KEY"),
        (&["get"], "KEY"),
        (&["unset-hook"], "EVENT"),
        (&["set-hook", "ring"], "PROGRAM"),
    ] {
        let before = snapshot(&sandbox);
        let text = sandbox.finish(with_args(program(), args)).exits(2);
        assert_eq!(text.stdout, "", "{}", text.transcript);
        assert!(text.stderr.contains(named), "{named} is missing: {}", text.transcript);
        assert_plain(&text);
        let json = sandbox.finish(with_args(program(), [&args[..1], &["--json"], &args[1..]].concat()));
        let json = json.fails(2, "usage");
        let error = json.json()["error"].to_string();
        assert!(error.contains(named), "{named} is missing: {}", json.transcript);
        assert_plain(&json);
        assert_eq!(snapshot(&sandbox).len(), before.len());
    }
}

#[test]
fn the_error_for_a_mistyped_option_shows_the_usage() {
    let ran = Sandbox::new().run(&["set-hook", "--dryrun", "ring", "x.exe"]).exits(2);
    assert!(
        ran.stderr.contains("Usage: msipcfg set-hook [OPTIONS] EVENT[,EVENT] <ACTION | PROGRAM"),
        "{}",
        ran.transcript
    );
}

#[test]
fn the_error_for_a_missing_event_mentions_all() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    for command in ["unset-hook", "test-hook"] {
        let ran = sandbox.run(&[command]).exits(2);
        assert!(ran.stderr.contains("|--all>"), "{}", ran.transcript);
    }
}

#[test]
fn a_typo_gets_a_suggestion() {
    let sandbox = Sandbox::new();
    for (args, meant) in [
        (&["set-hok", "ring", "x.exe"][..], "set-hook"),
        (&["backup"], "backups"),
        (&["set", "--dryrun", "VAD=1"], "--dry-run"),
    ] {
        let ran = sandbox.run(args).exits(2);
        assert!(ran.stderr.contains(meant), "{}", ran.transcript);
        let ran = sandbox.run(&[&args[..1], &["--json"], &args[1..]].concat()).fails(2, "usage");
        assert!(ran.json()["error"].to_string().contains(meant), "{}", ran.transcript);
    }
}

/// Returns an argument that isn't valid Unicode.
fn invalid_unicode() -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(b"VAD=\xFF\xFE".to_vec());
    #[cfg(windows)]
    return std::os::windows::ffi::OsStringExt::from_wide(&[0x56, 0x41, 0x44, 0x3D, 0xD800]);
}

#[test]
fn invalid_unicode_is_a_usage_error() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let program = || sandbox.command(PROGRAM);
    let arg = |text: &str| OsString::from(text);
    for args in [
        vec![arg("set"), invalid_unicode()],
        vec![arg("get"), invalid_unicode()],
        vec![arg("unset"), invalid_unicode()],
        vec![arg("list"), invalid_unicode()],
        vec![arg("keys"), invalid_unicode()],
        vec![arg("unset-hook"), invalid_unicode()],
        vec![arg("restore"), invalid_unicode()],
        vec![arg("set-hook"), invalid_unicode(), arg(r"C:\x.exe")],
        vec![arg("set-hook"), arg("ring"), invalid_unicode()],
        vec![arg("set-hook"), arg("ring"), arg(r"C:\x.exe"), invalid_unicode()],
        vec![arg("set"), arg("--codepage"), invalid_unicode(), arg("VAD=0")],
        vec![arg("set"), arg("--timeout"), invalid_unicode(), arg("VAD=0")],
    ] {
        let before = snapshot(&sandbox);
        for json in [&[][..], &[arg("--json")]] {
            let all = [&args[..1], json, &args[1..]].concat();
            let ran = sandbox.finish(with_args(program(), all)).exits(2);
            assert_plain(&ran);
            if json.is_empty() {
                assert!(ran.stderr.starts_with("error: "), "{}", ran.transcript);
            } else {
                ran.fails(2, "usage");
            }
        }
        assert_eq!(snapshot(&sandbox).len(), before.len());
    }
    let ran = sandbox.finish(with_args(program(), [invalid_unicode()])).exits(2);
    assert_plain(&ran);
}

#[test]
#[cfg(target_os = "linux")] // file systems of other systems reject such names
fn an_ini_whose_name_is_invalid_unicode_is_edited() {
    let sandbox = Sandbox::new();
    let ini = sandbox.path("").join(invalid_unicode());
    let name_of = |args: &[&str]| on_ini(&ini, args);
    let run = |args: &[&str]| sandbox.finish(with_args(sandbox.command(PROGRAM), name_of(args)));
    let ran = run(&["set", "--json", "VAD=0"]).fails(4, "ini-not-found");
    assert_plain(&ran);
    std::fs::write(&ini, utf16(INI)).unwrap();
    run(&["set", "VAD=0"]).exits(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(&INI.replace("VAD=1", "VAD=0")));
    let json = run(&["backups", "--json"]).exits(0).json();
    assert_eq!(json["backups"].as_array().unwrap().len(), 1, "{json}");
    run(&["restore"]).exits(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(INI));
    std::fs::remove_file(&ini).unwrap();
}

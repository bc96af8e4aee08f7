//! The program of a hook that msipcfg sets receives exactly its arguments, also after MicroSIP has saved the hook.

use super::{Dumper, Phone, Start, wait_until};
use crate::sandbox::{Sandbox, utf16};

/// The events and their keys, in all versions that support arguments.
const EVENTS: &[(&str, &str)] = &[
    ("ring", "cmdIncomingCall"),
    ("ringing", "cmdCallRing"),
    ("answer", "cmdCallAnswer"),
    ("start", "cmdCallStart"),
    ("end", "cmdCallEnd"),
    ("busy", "cmdCallBusy"),
];

/// Arguments of hooks, each of them difficult in its own way.
const ARGUMENTS: &[&[&str]] = &[
    &["-"],
    &["plain"],
    &["two words"],
    &["a", "b c", "d"],
    &["say \"hi\""],
    &["\"quoted\""],
    &["C:\\ends with\\"],
    &["\\\\server\\a share\\", "x"],
    &[""],
    &["", "x", ""],
    &["two  spaces", " around "],
    &["a\tb"],
    &["Grüße", "日本 語", "😀"],
    &["100%", "a&b", "c|d", "^", "'single'"],
    &["{x}", "a=b;c", "[x]"],
    &["\\\"", "a\\\\\"b c\\\\"],
    &["--to", "crm", "--note=x y"],
    &[],
];

/// A hook that was set.
struct Hook<'a> {
    key: &'static str,
    dumper: &'a Dumper,
    arguments: &'static [&'static str],
}

/// Sets a hook for each event with the next arguments that msipcfg accepts, and records the others.
fn set_hooks<'a>(
    sandbox: &Sandbox,
    version: &str,
    dumper: &'a Dumper,
    arguments: &mut std::slice::Iter<'static, &'static [&'static str]>,
    refused: &mut Vec<String>,
) -> Vec<Hook<'a>> {
    let mut hooks = Vec::new();
    for &(event, key) in EVENTS {
        for &arguments in arguments.by_ref() {
            let mut args = vec!["set-hook", "--json", "--microsip-version", version, event];
            args.push(dumper.exe.to_str().unwrap());
            args.extend(arguments);
            let ran = sandbox.run_on_ini(&args);
            if ran.status == 0 {
                hooks.push(Hook { key, dumper, arguments });
                break;
            }
            let code = ran.json()["error"]["code"].as_str().unwrap().to_string();
            assert!(
                ["hook-unstable", "hook-argument-refused"].contains(&code.as_str()),
                "{}",
                ran.transcript
            );
            refused.push(format!("{code} {arguments:?}"));
        }
    }
    hooks
}

/// Asserts that the program of each hook receives its arguments and the number.
#[track_caller]
fn assert_all_arrive(start: Start<'_>, hooks: &[Hook<'_>], when: &str) -> Phone {
    let phone = start.line("/minimized").start();
    for (index, hook) in hooks.iter().enumerate() {
        let user = format!("10{index}");
        let before = hook.dumper.received().len();
        let line = phone.event(hook.key, &user);
        let received = hook.dumper.received();
        let expected: Vec<&str> = hook.arguments.iter().copied().chain([user.as_str()]).collect();
        assert_eq!(received.len(), before + 1, "{when}: {:?} did not run: {line}", hook.arguments);
        assert_eq!(received[before], expected, "{when}: {line}");
    }
    phone
}

/// Sets all hooks, then runs them at first, after one save, and after three saves.
fn assert_all_survive_saves(version: &str, program: &str, may_be_refused: &[&str]) {
    let mut arguments = ARGUMENTS.iter();
    let mut refused = Vec::new();
    while arguments.len() > 0 {
        let sandbox =
            Sandbox::with_ini(utf16(&format!("[Settings]\r\naccountId=1\r\nversion={version}\r\n")));
        let dumper = Dumper::at(sandbox.path(program));
        let hooks = set_hooks(&sandbox, version, &dumper, &mut arguments, &mut refused);
        let start = || Start::portable(&sandbox).version(version);
        assert_all_arrive(start(), &hooks, "as it was set").close();
        assert_all_arrive(start(), &hooks, "saved once").close();
        start().start().close();
        assert_all_arrive(start(), &hooks, "saved three times").close();
    }
    refused.retain(|refusal| !may_be_refused.contains(&refusal.as_str()));
    assert_eq!(refused, [""; 0], "{version} {program}");
}

#[test]
fn arguments_arrive_before_and_after_quoted_saves() {
    assert_all_survive_saves("3.22.3", "hooks/dumper.exe", &[]);
}

#[test]
fn arguments_of_a_path_with_spaces_arrive_before_and_after_quoted_saves() {
    assert_all_survive_saves("3.22.3", "My Hooks/argument dumper.exe", &[]);
}

#[test]
fn arguments_arrive_before_and_after_bare_saves() {
    assert_all_survive_saves("3.21.3", "hooks/dumper.exe", &[]);
}

#[test]
fn arguments_of_a_path_with_spaces_arrive_before_and_after_bare_saves() {
    // saving would remove the quotes; on a disk with 8.3 names, msipcfg sets one of those instead
    let need_quotes = [
        "hook-unstable []",
        "hook-unstable [\"\"]",
        "hook-unstable [\"\", \"x\", \"\"]",
        "hook-unstable [\"two  spaces\", \" around \"]",
    ];
    assert_all_survive_saves("3.21.3", "My Hooks/argument dumper.exe", &need_quotes);
}

#[test]
fn before_3_19_the_number_is_the_only_argument() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\n"));
    let dumper = Dumper::at(sandbox.path("My Hooks/argument dumper.exe"));
    let args = ["set-hook", "--microsip-version", "3.14.0", "ring", dumper.exe.to_str().unwrap()];
    sandbox.run_on_ini(&args).exits(0);
    let start = || Start::portable(&sandbox).version("3.14.0");
    for _ in 0..2 {
        let phone = start().start();
        phone.event("cmdIncomingCall", "100");
        // these versions don't wait for their hooks
        wait_until(|| (!dumper.received().is_empty()).then_some(())).unwrap();
        phone.close();
    }
    assert!(dumper.received().iter().all(|arguments| arguments == &["100"]), "{:?}", dumper.received());
}

#[test]
fn a_caller_without_a_number_adds_no_argument() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\n"));
    let dumper = Dumper::at(sandbox.path("dumper.exe"));
    sandbox.run_on_ini(&["set-hook", "end", dumper.exe.to_str().unwrap(), "x"]).exits(0);
    let phone = Start::portable(&sandbox).variable("STAND_IN_EVENTS", "cmdCallEnd=100").start();
    phone.waits_for("hook cmdCallEnd");
    phone.event("cmdCallEnd", "");
    assert_eq!(dumper.received(), [vec!["x", "100"], vec!["x"]]);
    phone.close();
}

//! The command test-hook. `stand_in/test_hook.rs` compares it with MicroSIP.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, utf16};

/// Returns an ini with these commands, as 3.22.3 saves them.
fn ini(commands: &[(&str, &str)]) -> Vec<u8> {
    let lines: String = commands.iter().map(|(key, value)| format!("{key}=\"{value}\"\r\n")).collect();
    utf16(&format!("[Settings]\r\nversion=3.22.3\r\n{lines}"))
}

#[test]
fn event_without_a_hook_exits_with_1() {
    let sandbox = Sandbox::with_ini(ini(&[("cmdCallEnd", "")]));
    for argv in [["test-hook", "--json", "end"], ["test-hook", "--json", "cmdIncomingCall"]] {
        sandbox.run_on_ini(&argv).fails(1, "hook-not-set");
    }
    sandbox.run_on_ini(&["test-hook", "--json", "--all"]).fails(1, "hook-not-set");
    sandbox.run_on_ini(&["test-hook", "end"]).exits(1).says("no hook is set for 'end'");
}

#[test]
fn needs_an_event_or_all() {
    let sandbox = Sandbox::with_ini(ini(&[]));
    sandbox.run_on_ini(&["test-hook"]).exits(2);
    sandbox.run_on_ini(&["test-hook", "end", "--all"]).exits(2);
    sandbox.run_on_ini(&["test-hook", "--json", "ned"]).fails(2, "event-unknown");
}

#[test]
fn hooks_that_microsip_would_not_run_are_not_run() {
    // only a space, so MicroSIP would start itself; and an event that an old version doesn't have
    let sandbox = Sandbox::with_ini(ini(&[("cmdCallEnd", " "), ("cmdCallRing", r"C:\x.exe")]));
    let argv = ["test-hook", "--json", "--microsip-version", "3.14.0", "ringing"];
    for (argv, code) in [(&["test-hook", "--json", "end"][..], "hook-blank"), (&argv, "event-unsupported")] {
        let ran = sandbox.run_on_ini(argv).exits(1);
        let json = ran.json();
        let test = &json["tests"][0];
        assert_eq!((&json["ok"], &json["failed"], &json["ran"]), (&json!(true), &json!(true), &json!(false)));
        assert_eq!(
            (&test["program"], &test["started"], &test["failed"]),
            (&Value::Null, &json!(false), &json!(true))
        );
        let problems = test["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem["code"] == code), "{}", ran.transcript);
    }
}

/// Through Wine, which here is a script that logs its arguments.
#[cfg(unix)]
mod through_wine {
    use std::process::Command;

    use super::*;
    use crate::background::{BackgroundRun, wait_until};
    use crate::sandbox::{PROGRAM, Ran};

    const INI: &str = "prefix/drive_c/MicroSIP.ini";

    fn in_a_prefix(commands: &[(&str, &str)], wine: &str) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write(INI, ini(commands));
        sandbox.write_script("bin/wine", format!("#!/bin/sh\n{wine}"));
        sandbox
    }

    fn command(sandbox: &Sandbox, argv: &[&str]) -> Command {
        let mut command = sandbox.command(PROGRAM);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", sandbox.path("bin").display()));
        command.args(["test-hook", "--ini", sandbox.path(INI).to_str().unwrap()]).args(argv);
        command
    }

    fn run(sandbox: &Sandbox, argv: &[&str]) -> Ran {
        sandbox.finish(command(sandbox, argv))
    }

    /// Logs the prefix and each argument, in brackets.
    const LOGS: &str =
        r#"printf '%s' "$WINEPREFIX" >> "$HOME/log"; printf '[%s]' "$@" >> "$HOME/log"; echo >> "$HOME/log""#;

    fn log(sandbox: &Sandbox) -> Vec<String> {
        let prefix = sandbox.path("prefix");
        let text = std::fs::read_to_string(sandbox.path("home/log")).unwrap_or_default();
        text.lines().map(|line| line.strip_prefix(prefix.to_str().unwrap()).unwrap().to_string()).collect()
    }

    #[test]
    fn program_receives_its_arguments_and_the_caller() {
        let value = r#"C:\hooks\x.exe \"two words\" "one two" Grüße"#;
        let sandbox = in_a_prefix(&[("cmdCallEnd", value)], LOGS);
        let ran = run(&sandbox, &["--json", "end"]).exits(0);
        assert_eq!(log(&sandbox), [r"[C:\hooks\x.exe][two words][one][two][Grüße][100]"]);
        assert_eq!(ran.warnings(), ["hook-started-otherwise"]);
        let json = ran.json();
        let test = &json["tests"][0];
        assert_eq!((&json["ok"], &json["failed"], &json["ran"]), (&json!(true), &json!(false), &json!(true)));
        let line = r#""C:\hooks\x.exe" "two words" one two Grüße 100"#;
        for (name, value) in [
            ("event", json!("end")),
            ("key", json!("cmdCallEnd")),
            ("caller", json!("100")),
            ("program", json!(r"C:\hooks\x.exe")),
            ("args", json!(["two words", "one", "two", "Grüße", "100"])),
            ("command_line", json!(line)),
            ("started", json!(true)),
            ("exit_status", json!(0)),
            ("timed_out", json!(false)),
            ("failed", json!(false)),
            ("stdout", json!(null)),
            ("stderr", json!(null)),
        ] {
            assert_eq!(test[name], value, "{name}: {}", ran.transcript);
        }
        assert!(test["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{}", ran.transcript);
    }

    #[test]
    fn any_caller_is_passed_on() {
        let sandbox = in_a_prefix(&[("cmdCallEnd", r"C:\x.exe a"), ("cmdCallStart", r"C:\y.exe")], LOGS);
        run(&sandbox, &["end", "--caller", ""]).exits(0).says("no number");
        run(&sandbox, &["end", "--caller", "-1 2"]).exits(0).says("caller '-1 2'");
        run(&sandbox, &["--all"]).exits(0);
        let expected = [
            r"[C:\x.exe][a]",
            r"[C:\x.exe][a][-1][2]",
            r"[C:\y.exe][100]",
            r"[C:\y.exe][+4930123456]",
            r"[C:\y.exe][anonymous]",
            r"[C:\y.exe]",
            r"[C:\y.exe][one][two][three]",
            r#"[C:\y.exe][-x]["][&][echo]["]"#,
            r"[C:\y.exe][//nologo][/x]",
            r"[C:\y.exe][no-at <sip:100]",
            r"[C:\x.exe][a][100]",
            r"[C:\x.exe][a][+4930123456]",
            r"[C:\x.exe][a][anonymous]",
            r"[C:\x.exe][a]",
            r"[C:\x.exe][a][one][two][three]",
            r#"[C:\x.exe][a][-x]["][&][echo]["]"#,
            r"[C:\x.exe][a][//nologo][/x]",
            r"[C:\x.exe][a][no-at <sip:100]",
        ];
        assert_eq!(log(&sandbox), expected);
    }

    #[test]
    fn failing_hook_exits_with_1_and_capture_shows_its_output() {
        let sandbox = in_a_prefix(&[("cmdCallEnd", r"C:\x.exe")], "echo a\necho b >&2\nexit 3\n");
        let ran =
            run(&sandbox, &["end"]).exits(1).says("exit status 3").says("[hook-failed]").says("--capture");
        assert!(!ran.stdout.contains("stdout"), "{}", ran.transcript);
        run(&sandbox, &["end", "--capture"]).exits(1).says("stdout  a\n").says("stderr  b\n");
        let ran = run(&sandbox, &["end", "--capture", "--json"]).exits(1);
        let json = ran.json();
        let test = &json["tests"][0];
        assert_eq!((&json["ok"], &test["exit_status"]), (&json!(true), &json!(3)), "{}", ran.transcript);
        assert_eq!((&test["stdout"], &test["stderr"]), (&json!("a\n"), &json!("b\n")), "{}", ran.transcript);
    }

    #[test]
    fn masks_of_an_outgoing_call_are_replaced_except_passwords() {
        let value = r"C:\x.exe {number} {server} p={password}";
        let sandbox = in_a_prefix(&[("cmdOutgoingCall", value)], LOGS);
        let ran = run(&sandbox, &["--json", "outgoing", "--caller", "+49 30"]).exits(0);
        assert_eq!(log(&sandbox), [r"[C:\x.exe][%2B49%2030][{server}][p=][+49][30]"]);
        let json = ran.json();
        let problems = json["tests"][0]["problems"].as_array().unwrap();
        let untested = problems.iter().filter(|problem| problem["code"] == "hook-mask-untested");
        let messages: Vec<&str> = untested.map(|problem| problem["message"].as_str().unwrap()).collect();
        assert!(messages.len() == 2 && messages[0].contains("{server}"), "{messages:?}");
        assert!(messages[1].starts_with("{password} was removed"), "{messages:?}");
    }

    #[test]
    fn ctrl_c_stops_the_test_but_not_the_hook() {
        let wine = "cd \"$HOME\"\necho $$ > pid.new; mv pid.new pid\n\
                    while [ ! -e go ]; do sleep 0.01; done\n: > done\n";
        let sandbox = in_a_prefix(&[("cmdCallEnd", r"C:\x.exe")], wine);
        let background = BackgroundRun::spawn(command(&sandbox, &["end"]));
        let pid = sandbox.path("home/pid");
        wait_until(|| pid.exists());
        background.interrupt();
        background.wait().exits(130).says("The hook keeps running");
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        assert_eq!(rustix::process::getpgid(Some(pid)).unwrap(), pid, "a terminal would interrupt it too");
        sandbox.write("home/go", "");
        wait_until(|| sandbox.path("home/done").exists());
    }

    #[test]
    fn without_a_prefix_it_only_shows_what_would_run() {
        let sandbox = Sandbox::with_ini(ini(&[("cmdCallEnd", r#"C:\x.exe \"a b\""#)]));
        let ran = sandbox.run_on_ini(&["test-hook", "--json", "end"]).exits(1);
        let json = ran.json();
        let test = &json["tests"][0];
        assert_eq!(
            (&json["ok"], &json["ran"], &test["started"]),
            (&json!(true), &json!(false), &json!(false))
        );
        assert_eq!((&test["program"], &test["args"]), (&json!(r"C:\x.exe"), &json!(["a b", "100"])));
        let codes: Vec<&str> = test["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| problem["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes, ["hook-target-unchecked", "windows-only"], "{}", ran.transcript);
        assert!(ran.warnings().is_empty(), "{}", ran.transcript);
    }
}

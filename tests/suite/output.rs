//! Color in terminals, help texts and durations. Sessions show the rest of the output.

use crate::bad_input::assert_plain;
use crate::sandbox::{PROGRAM, Sandbox, utf16};

const INI: &str = "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n[Account1]\r\nlabel=x\r\n";

const COMMANDS: &[&str] = &[
    "set-hook",
    "unset-hook",
    "hooks",
    "explain",
    "get",
    "set",
    "unset",
    "list",
    "keys",
    "events",
    "backups",
    "restore",
];

fn sandbox() -> Sandbox {
    Sandbox::with_ini(utf16(INI))
}

// --- color

#[cfg(target_os = "linux")]
fn is_colored(text: &str) -> bool {
    text.contains('\u{1B}')
}

/// Runs msipcfg in a terminal, if there is a script(1).
#[cfg(target_os = "linux")]
fn in_a_terminal(sandbox: &Sandbox, args: &str, variables: &[(&str, &str)]) -> Option<String> {
    let mut command = sandbox.command("script");
    let line = format!("{PROGRAM} {args}");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm").envs(variables.iter().copied());
    let output = command.output().ok()?;
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn terminals_get_color_unless_no_color_is_set() {
    let sandbox = sandbox();
    for args in ["hooks --ini MicroSIP.ini", "get --ini MicroSIP.ini none"] {
        let Some(shown) = in_a_terminal(&sandbox, args, &[]) else {
            return;
        };
        assert!(is_colored(&shown), "{shown}");
        let shown = in_a_terminal(&sandbox, args, &[("NO_COLOR", "1")]).unwrap();
        assert!(shown.len() > 10 && !is_colored(&shown), "{shown}");
        let shown = in_a_terminal(&sandbox, &format!("{args} --color never"), &[]).unwrap();
        assert!(shown.len() > 10 && !is_colored(&shown), "{shown}");
    }
    let shown = in_a_terminal(&sandbox, "hooks --json --ini MicroSIP.ini", &[]).unwrap();
    assert!(shown.starts_with('{') && !is_colored(&shown), "{shown}");
    // no questions with --no-input
    let shown = in_a_terminal(&Sandbox::new(), "get --no-input VAD", &[]).unwrap();
    assert!(shown.contains("error"), "{shown}");
}

// --- help

#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::new();
    let all = sandbox.run(&["--help"]).exits(0).stdout;
    assert_eq!(sandbox.run(&["help"]).exits(0).stdout, all);
    for command in COMMANDS {
        assert!(all.contains(command), "no {command} in {all}");
        let ran = sandbox.run(&[command, "--help"]).exits(0);
        assert_eq!(ran.stderr, "", "{}", ran.transcript);
        let usage = ran.stdout.lines().find_map(|line| line.strip_prefix("Usage: msipcfg")).unwrap();
        assert!(usage.trim_start_matches(".exe").starts_with(&format!(" {command}")), "{}", ran.transcript);
        for option in [
            "--ini <PATH>",
            "--codepage <NAME>",
            "--json",
            "--no-input",
            "-q, --quiet",
            "-v, --verbose",
            "--color <WHEN>",
            "--help",
        ] {
            assert!(ran.stdout.contains(option), "no {option} in {}", ran.transcript);
        }
        let (examples, options) = (ran.stdout.find("Examples:"), ran.stdout.find("Options:"));
        assert!(examples.unwrap() < options.unwrap(), "{}", ran.transcript);
        let first = ran.stdout.lines().next().unwrap();
        assert!(first.len() > 10 && !first.starts_with("Usage"), "no description: {}", ran.transcript);
        assert_eq!(sandbox.run(&[command, "-h"]).exits(0).stderr, "");
        assert_eq!(sandbox.run(&["help", command]).exits(0).stdout, ran.stdout);
    }
}

#[test]
fn only_commands_that_write_have_options_for_writing() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let is_writing = ["set-hook", "unset-hook", "set", "unset", "restore"].contains(command);
        let help = sandbox.run(&[command, "--help"]).exits(0).stdout;
        let can_create = ["set-hook", "set"].contains(command);
        assert_eq!(help.contains("--create"), can_create, "--create of {command}: {help}");
        for option in ["--close", "--timeout <DURATION>", "--no-backup", "--keep-backups <N>"] {
            assert_eq!(help.contains(option), is_writing, "{option} of {command}: {help}");
        }
    }
    let help = sandbox.run(&["set-hook", "--help"]).exits(0).stdout;
    for option in [
        "--microsip-version <V>",
        "--raw",
        "--allow-missing",
        "--allow-unsafe",
        "EVENT[,EVENT] <ACTION | PROGRAM [ARGS]...>",
    ] {
        assert!(help.contains(option), "no {option} in {help}");
    }
    assert!(sandbox.run(&["backups", "--help"]).exits(0).stdout.contains("--purge"));
}

#[test]
fn every_command_prints_the_version() {
    let sandbox = Sandbox::new();
    let version = format!("msipcfg {}\n", env!("CARGO_PKG_VERSION"));
    for option in ["--version", "-V"] {
        assert_eq!(sandbox.run(&[option]).exits(0).stdout, version);
    }
    for command in COMMANDS {
        let ran = sandbox.run(&[command, "--version"]).exits(0);
        assert!(ran.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", ran.transcript);
    }
}

// --- durations

#[test]
fn timeouts_have_units() {
    for duration in ["0", "90s", "5m", "1h", "1m 30s"] {
        let sandbox = sandbox();
        sandbox.run_on_ini(&["set", "--timeout", duration, "VAD=0"]).exits(0);
    }
    for duration in ["soon", "", "-1s", "1x"] {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&["set", "--json", "--timeout", duration, "VAD=0"]).fails(2, "usage");
        assert_plain(&ran);
    }
}

#[test]
fn json_for_programs_is_ascii() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nuserAgent=Müller 😀\r\n"));
    let ran = sandbox.run_on_ini(&["get", "--json", "userAgent"]).exits(0);
    assert!(ran.stdout.is_ascii() && ran.stdout.contains(r"M\u00fcller \ud83d\ude00"), "{}", ran.stdout);
    assert_eq!(ran.json()["values"][0]["value"], "Müller 😀");
    let ran = sandbox.run_on_ini(&["get", "--json", "Ünbekannt"]);
    assert!(ran.stdout.is_ascii() && ran.json().to_string().contains("Ünbekannt"), "{}", ran.stdout);
    assert_eq!(sandbox.run_on_ini(&["get", "userAgent"]).stdout, "Müller 😀\n");
}

#[test]
fn a_question_mark_from_windows_powershell_is_a_warning() {
    for (input, is_warned) in [("p?ssword", cfg!(windows)), ("password", false)] {
        let sandbox = Sandbox::with_ini(utf16("[Account1]\r\nlabel=a\r\n"));
        let ini = sandbox.ini();
        let mut command = sandbox.command(PROGRAM);
        command.args(["set", "--json", "--ini"]).arg(&ini).arg("Account1/password=@-");
        command.stdin(std::fs::File::open(sandbox.write("input", input)).unwrap());
        let warnings = sandbox.finish(command).exits(0).warnings();
        let is_in = warnings.iter().any(|code| code == "input-lost-characters");
        assert_eq!(is_in, is_warned, "{input}: {warnings:?}");
    }
}

#[test]
fn output_replaces_no_ini_and_no_actions() {
    let sandbox = Sandbox::with_ini("[Settings]\n");
    sandbox.write("MicroSIP.hooks.toml", "history = '1d'\n");
    let commands: [&[&str]; 4] = [&["calls", "--csv"], &["export"], &["schema"], &["completions", "bash"]];
    for (file, text) in [("MicroSIP.ini", "[Settings]\n"), ("MicroSIP.hooks.toml", "history = '1d'\n")] {
        for command in commands {
            let ran = sandbox.run_on_ini(&[command, &["-o", file]].concat()).exits(2);
            ran.says(file).says("hint: use another file with --output");
            assert_eq!(std::fs::read_to_string(sandbox.path(file)).unwrap(), text);
        }
    }
}

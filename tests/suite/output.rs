//! The forms of what is said: JSON, quiet, verbose, colour, help, and the exit statuses.

use serde_json::Value;

use crate::bad_input::assert_plain;
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

const INI: &str = "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n[Account1]\r\nlabel=x\r\n";
const RING: &str = r"C:\hooks\ring.exe";

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

/// A sandbox with an ini and a backup of it.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16(INI));
    sandbox.write("MicroSIP.ini.20260131T235959.123Z.bak", utf16(&INI.replace("VAD=1", "VAD=0")));
    sandbox
}

/// The command with these options behind its name: behind the event of set-hook they would be the hook's.
fn with_options(sandbox: &Sandbox, words: &[&str], options: &[&str]) -> Ran {
    sandbox.run_on_ini(&[&words[..1], options, &words[1..]].concat())
}

const WRITING: &[&[&str]] = &[
    &["set-hook", "--allow-missing", "ring", RING],
    &["unset-hook", "ring"],
    &["unset-hook", "--all"],
    &["set", "VAD=0", "EC=1"],
    &["set", "VAD=1"],
    &["unset", "VAD"],
    &["restore"],
    &["restore", "1"],
    &["set", "--create", "VAD=0"],
    &["set", "--no-backup", "--timeout", "0", "VAD=0"],
];

/// With the plural word that the answer is under.
const READING: &[(&[&str], &str)] = &[
    (&["get", "VAD", "Account1/label"], "values"),
    (&["list"], "values"),
    (&["list", "Account1"], "values"),
    (&["hooks"], "hooks"),
    (&["backups"], "backups"),
    (&["backups", "--purge"], "backups"),
];

const WITHOUT_INI: &[(&[&str], &str)] = &[
    (&["events"], "events"),
    (&["explain", RING], "problems"),
    (&["keys"], "keys"),
    (&["keys", "volume"], "keys"),
];

/// Everything that can go wrong without another program, with its exit status and code.
const FAILING: &[(&[&str], i32, &str)] = &[
    (&["get", "none"], 1, "key-not-found"),
    (&["list", "None"], 1, "key-not-found"),
    (&["keys", "zzzz"], 1, "key-not-found"),
    (&["restore", "7"], 1, "no-backup"),
    (&["get"], 2, "usage"),
    (&["explain"], 2, "usage"),
    (&["explain", "a\nb"], 2, "usage"),
    (&["get", "--bogus"], 2, "usage"),
    (&["set", "VAD"], 2, "usage"),
    (&["set", "--timeout", "soon", "VAD=1"], 2, "usage"),
    (&["set", "Account1/password=x"], 2, "secret-inline"),
    (&["set-hook", "rign", RING], 2, "event-unknown"),
    (&["set-hook", "ring", RING, "--dry-run"], 2, "usage"),
    (&["set-hook", "ring"], 2, "usage"),
    (&["unset-hook"], 2, "usage"),
    (&["set-hook", "ring", "relative.txt"], 3, "hook-target-relative"),
    (&["set-hook", "--allow-missing", "ring", r"C:\hooks\ring.bat"], 3, "hook-target-batch"),
    (&["set-hook", "--allow-missing", "ring", r"C:\hooks\note.txt"], 3, "hook-target-not-program"),
    (&["set", "VAD=yes"], 3, "value-refused"),
    (&["set", "userAgent= x"], 3, "value-unstable"),
    (&["set", "userAgent=a\nb"], 3, "name-refused"),
    (&["get", "--ini", "none.ini", "VAD"], 2, "usage"),
    (&["set", "Account1/password=@no-such-file"], 6, "secret-unreadable"),
];

// --- JSON

#[test]
fn a_write_answers_with_one_object_of_the_documented_shape() {
    for words in WRITING {
        for more in [&[][..], &["-n"]] {
            let sandbox = sandbox();
            let ran = with_options(&sandbox, words, &[&["--json"], more].concat()).exits(0);
            assert_eq!(ran.stderr, "", "{}", ran.told);
            let json = ran.json();
            assert_eq!(json["ok"], true);
            assert_eq!(json["dry_run"], more == ["-n"], "{json}");
            assert!(json["changed"].is_boolean(), "{json}");
            assert_eq!(json["ini"], sandbox.ini().to_str().unwrap());
            for change in json["changes"].as_array().unwrap() {
                assert!(change["section"].is_string() && change["key"].is_string(), "{json}");
                for value in [&change["before"], &change["after"]] {
                    assert!(value.is_string() || value.is_null(), "{json}");
                }
                let keys: Vec<&String> = change.as_object().unwrap().keys().collect();
                assert_eq!(keys, ["section", "key", "before", "after"], "{json}");
            }
            let is_backup = json["backup"].as_str().map(|path| std::path::Path::new(path).exists());
            assert!(json["backup"].is_null() || is_backup == Some(true), "{json}");
            assert!(json["warnings"].is_array() && json.get("error").is_none(), "{json}");
            for warning in json["warnings"].as_array().unwrap() {
                notice(warning);
            }
        }
    }
}

#[track_caller]
fn notice(notice: &Value) {
    let code = notice["code"].as_str().unwrap();
    assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{notice}");
    assert!(!notice["message"].as_str().unwrap().is_empty(), "{notice}");
    assert!(notice["hint"].is_null() || notice["hint"].is_string(), "{notice}");
}

#[test]
fn a_reading_command_answers_with_one_object_under_a_plural_word() {
    for (words, plural) in READING {
        let sandbox = sandbox();
        let ran = with_options(&sandbox, words, &["--json"]).exits(0);
        assert_eq!(ran.stderr, "", "{}", ran.told);
        let json = ran.json();
        assert_eq!((&json["ok"], &json["ini"]), (&true.into(), &sandbox.ini().to_str().unwrap().into()));
        assert!(json[plural].is_array(), "{json}");
    }
    for (words, plural) in WITHOUT_INI {
        let sandbox = Sandbox::new();
        let ran = sandbox.run(&[&words[..], &["--json"]].concat()).exits(0);
        assert_eq!(ran.stderr, "", "{}", ran.told);
        assert_eq!(ran.json()["ok"], true);
        assert!(ran.json()[plural].is_array(), "{}", ran.told);
    }
}

#[test]
fn a_failure_answers_with_one_object_too() {
    for (words, status, code) in FAILING {
        let sandbox = sandbox();
        let before = sandbox.ini_bytes();
        let ran = with_options(&sandbox, words, &["--json"]).fails(*status, code);
        assert_eq!(ran.stderr, "", "{}", ran.told);
        let json = ran.json();
        assert_eq!(json["changed"], false, "{json}");
        notice(&json["error"]);
        let message = json["error"]["message"].as_str().unwrap();
        assert!(!message.ends_with(':'), "it stops short: {message}");
        assert_plain(&ran);
        assert_eq!(sandbox.ini_bytes(), before, "{json}");
    }
}

#[test]
fn json_is_answered_wherever_it_stands_and_whatever_else_is_wrong() {
    let sandbox = Sandbox::new();
    for (words, status) in [
        (&["--json", "get", "VAD"][..], 4),
        (&["get", "VAD", "--json"], 4),
        (&["get", "--json", "VAD"], 4),
        (&["--json"], 2),
        (&["--json", "--bogus"], 2),
        (&["--json", "no-such-command"], 2),
        (&["no-such-command", "--json"], 2),
        (&["get", "--json", "--ini"], 2),
        (&["get", "--json", "--color", "pink", "VAD"], 2),
        (&["get", "--json", "-q", "-v", "VAD"], 2),
        (&["get", "--json", "--color", "always", "VAD"], 4),
        (&["get", "--json", "-v", "VAD"], 4),
        (&["get", "--json", "-q", "VAD"], 4),
        (&["get", "--json", "--no-input", "VAD"], 4),
    ] {
        let ran = sandbox.run(words).exits(status);
        let json = ran.json();
        assert_eq!(json["ok"], false, "{}", ran.told);
        notice(&json["error"]);
    }
}

#[test]
fn json_can_be_an_argument_of_a_hook() {
    // --json is an argument of the hook here
    let sandbox = sandbox();
    let ran = sandbox.run_on_ini(&["set-hook", "--allow-missing", "ring", "--", RING, "--json"]).exits(0);
    assert!(!ran.stdout.starts_with('{'), "{}", ran.told);
    let ran = sandbox.run_on_ini(&["set-hook", "--bogus", "ring", "--", RING, "--json"]).exits(2);
    assert!(!ran.stdout.starts_with('{'), "{}", ran.told);
}

// --- for people

#[test]
fn a_failure_is_one_line_on_standard_error_with_a_way_out() {
    for (words, status, _) in FAILING {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(words).exits(*status);
        assert_eq!(ran.stdout, "", "{}", ran.told);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.told);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.told);
        assert_plain(&ran);
    }
}

#[test]
fn without_a_command_help_goes_to_standard_error() {
    let ran = Sandbox::new().run(&[]).exits(2);
    assert_eq!(ran.stdout, "");
    for command in COMMANDS {
        assert!(ran.stderr.contains(command), "no {command}: {}", ran.told);
    }
}

#[test]
fn answers_stand_on_standard_output_and_warnings_beside() {
    let sandbox = sandbox();
    let ran = sandbox.run_on_ini(&["set", "volumeRign=1"]).exits(0);
    assert!(ran.stdout.contains("volumeRign") && !ran.stdout.contains("key-unknown"), "{}", ran.told);
    assert!(ran.stderr.contains("key-unknown") && ran.stderr.contains("volumeRing"), "{}", ran.told);
    assert!(ran.stdout.contains(sandbox.ini().to_str().unwrap()), "which ini? {}", ran.told);
}

#[test]
fn nothing_to_change_is_said() {
    let sandbox = sandbox();
    let ran = sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert!(ran.stdout.to_lowercase().contains("nothing"), "{}", ran.told);
    assert_eq!(ran.stderr, "", "{}", ran.told);
}

#[test]
fn quiet_leaves_answers_and_errors() {
    let sandbox = sandbox();
    for option in ["-q", "--quiet"] {
        let ran = sandbox.run_on_ini(&["set", option, "volumeRign=1", "VAD=0"]).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{}", ran.told);
        let ran = sandbox.run_on_ini(&["restore", option]).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{}", ran.told);
        assert_eq!(sandbox.run_on_ini(&["get", option, "VAD"]).exits(0).stdout, "1\n");
        assert!(sandbox.run_on_ini(&["list", option]).exits(0).stdout.contains("VAD=1"));
        let ran = sandbox.run_on_ini(&["get", option, "none"]).exits(1);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.told);
        // whoever asks what would be wants to see it
        assert!(sandbox.run_on_ini(&["set", option, "-n", "VAD=0"]).exits(0).stdout.contains("+VAD=0"));
    }
}

#[test]
fn verbose_tells_each_step_on_standard_error() {
    let sandbox = sandbox();
    let plain_run = sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
    let ran = sandbox.run_on_ini(&["set", "-v", "VAD=1"]).exits(0);
    let steps = ["wait", "lock", "read", "plan", "temp", "backup", "look-again", "replace", "read-back"];
    let mut rest = ran.stderr.as_str();
    for step in steps {
        let at = rest.find(step).unwrap_or_else(|| panic!("no {step}, or not in order: {}", ran.told));
        rest = &rest[at + step.len()..];
    }
    assert_eq!(plain_run.stderr, "", "{}", plain_run.told);
    assert_eq!(ran.stdout.lines().count(), plain_run.stdout.lines().count(), "{}", ran.told);
    let ran = sandbox.run_on_ini(&["set", "-v", "--json", "VAD=0"]).exits(0);
    assert_eq!(ran.json()["changed"], true);
    // a reader says which ini it took and what that is
    let ran =
        sandbox.run_on_ini(&["get", "-v", "VAD"]).exits(0).says("named by --ini").says("bytes, UTF-16LE");
    assert_eq!(ran.stdout, "0\n");
    assert!(ran.stderr.lines().all(|line| line.contains(" ms  ")), "{}", ran.told);
}

// --- colour

fn is_coloured(text: &str) -> bool {
    text.contains('\u{1B}')
}

/// Runs in every form that has something to colour: an error, a warning, a diff, a table.
fn coloured(options: &[&str], variables: &[(&str, &str)]) -> Vec<bool> {
    let sandbox = sandbox();
    [&["get", "none"][..], &["set", "-n", "volumeRign=1", "VAD=0"], &["hooks"], &["list"]]
        .map(|words| {
            let mut command = sandbox.command(PROGRAM);
            command.args(words).args(options).arg("--ini").arg(sandbox.ini()).envs(variables.iter().copied());
            let ran = sandbox.finish(command);
            is_coloured(&ran.stdout) || is_coloured(&ran.stderr)
        })
        .into()
}

#[test]
fn colour_is_for_terminals_or_whoever_asks_for_it() {
    assert_eq!(coloured(&[], &[]), [false; 4]);
    assert_eq!(coloured(&["--color", "auto"], &[]), [false; 4]);
    assert_eq!(coloured(&["--color", "never"], &[]), [false; 4]);
    assert_eq!(coloured(&["--color", "always"], &[]), [true; 4]);
    assert_eq!(coloured(&[], &[("NO_COLOR", "1")]), [false; 4]);
    assert_eq!(coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]), [false; 4]);
}

#[test]
fn help_and_usage_errors_follow_the_color_option() {
    let sandbox = Sandbox::new();
    for words in [&["--help"][..], &["get", "-h"], &["help", "get"], &["get"], &[], &["nonsense"]] {
        for (color, coloured) in [("--color=always", true), ("--color=never", false)] {
            let ran = sandbox.run(&[&[color], words].concat());
            assert_eq!(is_coloured(&ran.stdout) || is_coloured(&ran.stderr), coloured, "{}", ran.told);
        }
    }
}

#[test]
fn typos_get_suggestions() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nvolumeRing=1\r\n[Account1]\r\ndomain=d\r\n"));
    for (words, guess) in [
        (&["set_hook"][..], "'set-hook'"),
        (&["remove"], "'unset-hook', 'unset'"),
        (&["get", "volumeRign"], "did you mean volumeRing?"),
        (&["get", "Account1"], "did you mean Account1/KEY?"),
        (&["get", "domain"], "did you mean Account1/domain?"),
        (&["unset", "volumRing"], "did you mean volumeRing?"),
        (&["unset", "Account1"], "did you mean Account1/KEY?"),
        (&["set", "Account1=x"], "did you mean Account1/KEY?"),
        (&["keys", "volumeRign"], "did you mean volumeRing?"),
        (&["keys", "zzz"], "to list all settings, run 'msipcfg keys'"),
        (&["unset-hook", "rign"], "did you mean 'ring'?"),
        (&["explain", "--event", "rign", "x.exe"], "did you mean 'ring'?"),
    ] {
        sandbox.run_on_ini(words).says(guess);
    }
    // a key that MicroSIP knows may be missing
    let ran = sandbox.run_on_ini(&["unset", "VAD"]).exits(0);
    assert_eq!(ran.stderr, "", "{}", ran.told);
}

#[test]
#[cfg_attr(windows, ignore = "there the program can be looked for, and is refused")]
fn the_same_is_not_said_twice() {
    let sandbox = sandbox();
    let ran = sandbox.run_on_ini(&["set", "cmdCallStart=C:\\x.exe", "cmdCallEnd=C:\\x.exe", "-n"]).exits(0);
    assert_eq!(ran.stderr.matches("C:\\x.exe").count(), 1, "{}", ran.told);
}

#[test]
fn json_has_no_colour() {
    let sandbox = sandbox();
    for words in [&["set", "-n", "VAD=0"][..], &["get", "none"], &["hooks"], &["no-such-command"]] {
        let ran = with_options(&sandbox, words, &["--json", "--color", "always"]);
        assert!(!is_coloured(&ran.stdout) && !is_coloured(&ran.stderr), "{}", ran.told);
        assert!(ran.json().is_object());
    }
}

/// Runs in a terminal; `None` where there is no tool for that.
#[cfg(target_os = "linux")]
fn in_a_terminal(sandbox: &Sandbox, words: &str, variables: &[(&str, &str)]) -> Option<String> {
    let mut command = sandbox.command("script");
    let line = format!("{PROGRAM} {words}");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm").envs(variables.iter().copied());
    let output = command.output().ok()?;
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_colour_unless_no_color_is_set() {
    let sandbox = sandbox();
    for words in ["hooks --ini MicroSIP.ini", "get --ini MicroSIP.ini none"] {
        let Some(shown) = in_a_terminal(&sandbox, words, &[]) else {
            return; // no script(1) here
        };
        assert!(is_coloured(&shown), "{shown}");
        let shown = in_a_terminal(&sandbox, words, &[("NO_COLOR", "1")]).unwrap();
        assert!(shown.len() > 10 && !is_coloured(&shown), "{shown}");
        let shown = in_a_terminal(&sandbox, &format!("{words} --color never"), &[]).unwrap();
        assert!(shown.len() > 10 && !is_coloured(&shown), "{shown}");
    }
    let shown = in_a_terminal(&sandbox, "hooks --json --ini MicroSIP.ini", &[]).unwrap();
    assert!(shown.starts_with('{') && !is_coloured(&shown), "{shown}");
    // --no-input never prompts
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
        assert_eq!(ran.stderr, "", "{}", ran.told);
        let usage = ran.stdout.lines().find_map(|line| line.strip_prefix("Usage: msipcfg")).unwrap();
        assert!(usage.trim_start_matches(".exe").starts_with(&format!(" {command}")), "{}", ran.told);
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
            assert!(ran.stdout.contains(option), "no {option} in {}", ran.told);
        }
        let first = ran.stdout.lines().next().unwrap();
        assert!(first.len() > 10 && !first.starts_with("Usage"), "no description: {}", ran.told);
        assert_eq!(sandbox.run(&[command, "-h"]).exits(0).stderr, "");
        assert_eq!(sandbox.run(&["help", command]).exits(0).stdout, ran.stdout);
    }
}

#[test]
fn only_commands_that_write_have_write_options() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let is_writing = ["set-hook", "unset-hook", "set", "unset", "restore"].contains(command);
        let help = sandbox.run(&[command, "--help"]).exits(0).stdout;
        for option in ["--dry-run", "--create", "--timeout <DURATION>", "--no-backup", "--keep-backups <N>"] {
            assert_eq!(help.contains(option), is_writing, "{option} of {command}: {help}");
        }
    }
    let help = sandbox.run(&["set-hook", "--help"]).exits(0).stdout;
    for option in
        ["--microsip-version <V>", "--raw", "--allow-missing", "--allow-unsafe", "EVENT PROGRAM [ARGS]"]
    {
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
        assert!(ran.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", ran.told);
    }
}

#[test]
fn help_never_shows_the_value_of_a_variable() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(PROGRAM);
    command.env("MSIPCFG_INI", "somebodys.ini").args(["get", "--help"]);
    let ran = sandbox.finish(command).exits(0);
    assert!(ran.stdout.contains("MSIPCFG_INI") && !ran.stdout.contains("somebodys.ini"), "{}", ran.told);
}

// --- durations

#[test]
fn durations_have_units() {
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

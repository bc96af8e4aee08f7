//! The program of a hook: whether it exists and can be started, and its risks.

use super::*;
use crate::sandbox::{PROGRAM, image};

#[test]
fn programs_are_accepted_in_any_letter_case() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    for name in ["ring.exe", "RING.EXE", "Ring.Exe"] {
        let ran = programs.set(&["ring", &programs.path(name)]).exits(0);
        let serious = ran.warnings().into_iter().filter(|code| code != "hook-target-temporary");
        assert_eq!(serious.collect::<Vec<_>>(), [""; 0], "{}", ran.transcript);
        let hook = programs.hook("ring");
        assert_eq!(
            (&hook["program"], &hook["works"]),
            (&Value::from(programs.path(name)), &Value::from(true))
        );
    }
    let turned = programs.path("ring.exe").replace('\\', "/");
    programs.set(&["ring", &turned]).exits(0);
    assert_eq!(programs.hook("ring")["program"], programs.path("ring.exe"));
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn programs_that_microsip_could_not_start_are_refused() {
    let programs = Programs::new(&[
        ("ring.exe", &image()),
        ("text.exe", b"MZ is how this text begins, and more of it so that a header would fit in here."),
        ("short.exe", b"MZ"),
        ("empty.exe", b""),
        ("note.txt", b"x"),
        ("noextension", b"x"),
        ("folder.exe/x", b"x"),
    ]);
    let here = |name: &str| programs.path(name);
    for (program, code) in [
        (here("none.exe"), "hook-target-missing"),
        (here("ring.exe\\none.exe"), "hook-target-missing"),
        (here("folder.exe"), "hook-target-folder"),
        (here("text.exe"), "hook-target-not-program"),
        (here("short.exe"), "hook-target-not-program"),
        (here("empty.exe"), "hook-target-empty"),
        (here("note.txt"), "hook-target-not-program"),
        (here("noextension"), "hook-target-not-program"),
        (here("*.exe"), "hook-target-bad-path"),
        (here("rin?.exe"), "hook-target-bad-path"),
        (here("nul.exe"), "hook-target-bad-path"),
        (here("COM1"), "hook-target-bad-path"),
        (r"\\.\pipe\x".into(), "hook-target-bad-path"),
        (r"hooks\ring.exe".into(), "hook-target-relative"),
        (r"\hooks\ring.exe".into(), "hook-target-relative"),
        (r"C:ring.exe".into(), "hook-target-relative"),
        (r"%APPDATA%\ring.exe".into(), "hook-placeholder"),
        ("no-program-has-this-name".into(), "hook-target-relative"),
    ] {
        let ini = programs.sandbox.path(&programs.ini);
        let before = std::fs::read(&ini).unwrap();
        let ran = programs.set(&["ring", &program]).fails(3, code);
        assert!(!ran.json()["error"]["hint"].is_null(), "no hint: {}", ran.transcript);
        assert_eq!(std::fs::read(&ini).unwrap(), before, "{}", ran.transcript);
        if code != "hook-target-missing" {
            programs.set(&["--allow-missing", "ring", &program]).fails(3, code);
        }
    }
}

/// The user gives the interpreter and its script, instead of only the script.
#[test]
fn script_after_its_interpreter_is_checked() {
    let files = [
        ("pyw.exe", image()),
        ("wscript.exe", image()),
        ("powershell.exe", image()),
        ("script.py", vec![b'x']),
    ];
    let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let programs = Programs::new(&files);
    let here = |name: &str| programs.path(name);
    for argv in [
        &[here("pyw.exe"), here("none.py")][..],
        &[here("wscript.exe"), "//B".into(), here("none.vbs")],
        &[here("powershell.exe"), "-NoProfile".into(), "-File".into(), here("none.ps1")],
    ] {
        let argv: Vec<&str> = ["ring"].into_iter().chain(argv.iter().map(String::as_str)).collect();
        programs.set(&argv).fails(3, "hook-target-missing");
        programs.set(&[&["--allow-missing"], &argv[..]].concat()).exits(0);
    }
    programs.set(&["end", &here("pyw.exe"), &here("script.py")]).exits(0);
}

#[test]
fn name_that_cannot_be_looked_up_causes_a_warning() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    if cfg!(windows) {
        let argv = ["set-hook", "--json", "--raw", "ring", "no-program-has-this-name.exe"];
        sandbox.run_on_ini(&argv).fails(3, "hook-target-missing");
        return;
    }
    let ran =
        sandbox.run_on_ini(&["set-hook", "--json", "--raw", "ring", "pwsh.exe -File C:\\x.ps1"]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-relative".to_string()), "{}", ran.transcript);
    let hook = hook(&sandbox, "ring");
    assert!(codes(&hook["problems"]).contains(&"hook-target-relative"), "{hook}");
}

#[test]
fn allow_missing_accepts_a_missing_program() {
    let programs = Programs::new(&[]);
    let ran = programs.set(&["--allow-missing", "ring", &programs.path("later.exe")]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-missing".to_string()), "{}", ran.transcript);
    let hook = programs.hook("ring");
    assert_eq!(hook["works"], false);
    assert!(codes(&hook["problems"]).contains(&"hook-target-missing"), "{hook}");
}

#[test]
fn warnings_do_not_suggest_options_that_were_used() {
    let programs = Programs::new(&[("log.bat", b"x")]);
    for (option, name) in [("--allow-missing", "later.exe"), ("--direct", "log.bat")] {
        let json = programs.set(&[option, "ring", &programs.path(name)]).exits(0).json();
        assert!(!json["warnings"].to_string().contains(option), "{json}");
    }
}

#[test]
fn missing_program_suggests_the_nearest_name() {
    let programs = Programs::new(&[("ring.exe", &image()), ("other.exe", &image())]);
    let ran = programs.set(&["ring", &programs.path("rign.exe")]).fails(3, "hook-target-missing");
    let hint = hint(&ran);
    assert!(hint.contains(&programs.path("ring.exe")), "{hint}");
    assert!(hint.contains("--allow-missing"), "{hint}");
}

#[test]
fn messages_show_paths_as_typed() {
    let programs = Programs::new(&[]);
    for name in ["none.exe", "*.exe", "nul.exe"] {
        let path = programs.path(name);
        let ran = programs.set(&["ring", &path]).exits(3);
        let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
        assert!(message.contains(&path), "{path} is not in {message}");
    }
    let ran = programs.set(&["ring", r"hooks\ring.exe"]).exits(3);
    let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
    assert!(message.contains(r"hooks\ring.exe"), "{message}");
}

#[test]
fn program_on_a_share_causes_a_warning() {
    let programs = Programs::new(&[]);
    let ran = programs.set(&["--allow-missing", "ring", r"\\127.0.0.1\no-such-share\ring.exe"]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-network".to_string()), "{}", ran.transcript);
}

#[test]
fn names_are_written_with_their_full_path() {
    let programs = Programs::new(&[("my-tool.exe", &image())]);
    if cfg!(not(windows)) {
        programs.sandbox.write("home/.wine/drive_c/windows/system32/my-tool.exe", image());
    }
    for name in ["my-tool", "my-tool.exe", "MY-TOOL.EXE"] {
        let mut command = programs.sandbox.command(PROGRAM);
        command.env("PATH", programs.sandbox.path("hooks")).env("PATHEXT", ".COM;.EXE;.BAT");
        let ini = programs.sandbox.path(&programs.ini);
        command.arg("set-hook").arg("--json").arg("--ini").arg(ini).args(["ring", name, "x"]);
        let ran = programs.sandbox.finish(command).exits(0);
        let expected = if cfg!(windows) {
            programs.path("my-tool.exe")
        } else {
            r"C:\windows\system32\my-tool.exe".to_string()
        };
        let hook = programs.hook("ring");
        let program = hook["program"].as_str().unwrap();
        assert!(program.eq_ignore_ascii_case(&expected), "{program}, not {expected}: {}", ran.transcript);
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs folders of other users on the real disk; the Wine prefix has its own")]
fn risky_locations_cause_warnings() {
    for (place, code) in [
        ("users/bob/x.exe", Some("hook-target-other-user")),
        ("users/ann/x.exe", None),
        ("users/Public/x.exe", None),
        ("users/ann/Downloads/x.exe", Some("hook-target-temporary")),
        ("users/ann/AppData/Local/Temp/x.exe", Some("hook-target-temporary")),
        ("windows/temp/x.exe", Some("hook-target-temporary")),
        ("temp/x.exe", Some("hook-target-temporary")),
        ("Tools/x.exe", None),
    ] {
        let programs = Programs::new(&[]);
        programs.sandbox.write(&format!("home/.wine/drive_c/{place}"), image());
        let ran = programs.set(&["ring", &format!("C:\\{}", place.replace('/', "\\"))]).exits(0);
        let expected: Vec<&str> = code.into_iter().collect();
        assert_eq!(ran.warnings(), expected, "{place}");
    }
}

#[test]
#[cfg(unix)]
fn unreadable_program_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let programs = Programs::new(&[("ring.exe", &image())]);
    let target = programs.sandbox.path(&format!("{}ring.exe", programs.folder));
    let mut command = crate::bad_input::ordinary_user(&programs.sandbox);
    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o000)).unwrap();
    let ini = programs.sandbox.path(&programs.ini);
    command.args([
        "set-hook",
        "--json",
        "-n",
        "--ini",
        ini.to_str().unwrap(),
        "ring",
        &programs.path("ring.exe"),
    ]);
    programs.sandbox.finish(command).fails(3, "hook-target-unreadable");
}

#[test]
#[cfg_attr(windows, ignore = "on Windows every program can be checked")]
fn unchecked_program_is_not_reported_as_working() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let ran = sandbox.run_on_ini(&["set-hook", "--json", "ring", RING]).exits(0);
    assert_eq!(ran.warnings(), ["hook-target-unchecked"]);
    let hook = hook(&sandbox, "ring");
    assert!(codes(&hook["problems"]).contains(&"hook-target-unchecked"), "{hook}");
    assert_ne!(hook["works"], true, "unchecked: {hook}");
    let text = sandbox.run_on_ini(&["hooks"]).exits(0).stdout;
    let line = text.lines().find(|line| line.contains(RING)).unwrap();
    assert!(!line.ends_with("ok"), "unchecked: {line}");
}

#[test]
fn unblock_does_nothing_without_a_mark() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    let ran = programs.set(&["--unblock", "ring", &programs.path("ring.exe")]).exits(0);
    assert!(
        !ran.warnings().iter().any(|code| code.starts_with("hook-target-unblocked")),
        "{}",
        ran.transcript
    );
    assert_eq!(ran.json()["changed"], true);
}

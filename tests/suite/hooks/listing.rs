//! The command hooks: what it shows about the hooks in an ini.

use super::*;
use crate::sandbox::image;

#[test]
fn every_event_is_shown() {
    for ini in [MODERN, RAW, "[Account1]\r\nlabel=x\r\n", "[Settings]\r\n"] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let json = sandbox.run_on_ini(&["hooks", "--json"]).exits(0).json();
        let hooks = json["hooks"].as_array().unwrap();
        let names: Vec<_> = hooks.iter().map(|hook| hook["event"].as_str().unwrap()).collect();
        assert_eq!(names, EVENTS.iter().map(|(event, _, _)| *event).collect::<Vec<_>>());
        for hook in hooks {
            assert_eq!((&hook["program"], &hook["works"]), (&Value::Null, &Value::Null), "{hook}");
        }
        let text = sandbox.run_on_ini(&["hooks"]).exits(0).stdout;
        for (event, _, _) in EVENTS {
            assert!(
                text.lines().any(|line| line.split_whitespace().next() == Some(event)),
                "{event}: {text}"
            );
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn problems_of_hand_written_values_are_shown() {
    for (event, key, text, code) in [
        ("ring", "cmdIncomingCall", r"C:\Program Files\Ring\ring.exe".to_string(), "hook-path-unquoted"),
        ("ring", "cmdIncomingCall", r#""C:\Program Files\Ring\ring.exe""#.into(), "hook-path-unquoted"),
        ("ring", "cmdIncomingCall", r#""C:\Program Files\ring.exe" "a b""#.into(), "hook-quotes-lost"),
        ("end", "cmdCallEnd", r#"C:\hooks\ring.exe "a b" c"#.into(), "hook-argument-split"),
        ("end", "cmdCallEnd", r#"" ""#.into(), "hook-blank"),
        ("start", "cmdCallStart", "https://crm.example.org/call?n=".into(), "hook-url"),
        ("start", "cmdCallStart", r"C:\hooks\ring.exe %1".into(), "hook-placeholder"),
        ("start", "cmdCallStart", r"C:\hooks\ring.exe %callerid%".into(), "hook-placeholder"),
        ("busy", "cmdCallBusy", r"C:\hooks\ring.exe {callerid}".into(), "hook-mask-ignored"),
        ("busy", "cmdCallBusy", r"C:\hooks\ring.exe --number=".into(), "hook-number-detached"),
        ("outgoing", "cmdOutgoingCall", r"C:\hooks\ring.exe {password}".into(), "hook-mask-secret"),
        ("outgoing", "cmdOutgoingCall", r"hooks\ring.exe".into(), "hook-target-relative"),
        ("answer", "cmdCallAnswer", r"C:\hooks\note.txt".into(), "hook-target-not-program"),
        ("answer", "cmdCallAnswer", r"C:\hooks\log.bat".into(), "hook-target-batch"),
        ("answer", "cmdCallAnswer", format!("C:\\hooks\\ring.exe {}", "x".repeat(300)), "hook-cut"),
    ] {
        let sandbox = Sandbox::with_ini(utf16(&format!("[Settings]\r\n{key}={text}\r\nversion=3.22.3\r\n")));
        let hook = hook(&sandbox, event);
        assert!(codes(&hook["problems"]).contains(&code), "{text}: {hook}");
        let ran = sandbox.run_on_ini(&["hooks"]).exits(0);
        assert!(ran.stdout.contains(code), "{text}: {}", ran.transcript);
    }
}

#[test]
#[cfg_attr(windows, ignore = "there the program is in a temporary folder, which causes a warning")]
fn command_with_a_warning_is_not_shown_as_ok() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    let ini = programs.sandbox.path(&programs.ini);
    let line = |argv: &[&str]| {
        programs.set(argv).exits(0);
        let text = programs.sandbox.run(&["hooks", "--ini", ini.to_str().unwrap()]).exits(0).stdout;
        text.lines().find(|line| line.starts_with("  ring ")).unwrap().to_string()
    };
    let path = programs.path("ring.exe");
    assert!(line(&["ring", &path]).ends_with("  ok"));
    assert!(line(&["--raw", "ring", &format!("{path} %callerid%")]).ends_with("  fails"));
    assert!(line(&["--raw", "ring", &format!("{path} ; on call")]).ends_with("  runs, but see below"));
}

#[test]
fn unstable_value_is_reported_in_the_bare_dialect() {
    let text =
        format!("[Settings]\r\ncmdIncomingCall=\"\"{WITH_SPACES}\"\"\r\ncmdCallEnd=\r\ncmdCallRing=\r\n");
    let sandbox = Sandbox::with_ini(utf16(&text));
    let hook = hook(&sandbox, "ring");
    assert_eq!(hook["program"], WITH_SPACES);
    assert!(codes(&hook["problems"]).contains(&"hook-unstable"), "{hook}");
    assert_eq!(hook["works"], false);
}

#[test]
fn hook_of_an_unsupported_event_is_reported() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\ncmdCallEnd=\r\ncmdCallBusy=C:\\x.exe\r\n"));
    let hook = hook(&sandbox, "busy");
    assert!(codes(&hook["problems"]).contains(&"event-unsupported"), "{hook}");
    assert_eq!(hook["works"], false);
}

#[test]
fn only_the_first_section_and_the_first_key_count() {
    let text = "[settings]\r\nCMDCALLEND=C:\\first.exe\r\ncmdCallEnd=C:\\second.exe\r\n\
                [Settings]\r\ncmdCallStart=C:\\third.exe\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    assert_eq!(hook(&sandbox, "end")["program"], r"C:\first.exe");
    assert_eq!(hook(&sandbox, "start")["program"], Value::Null);
    set_hook(&sandbox, &["start", RING]).exits(0);
    assert_eq!(hook(&sandbox, "start")["program"], RING);
    assert!(sandbox.ini_text().contains("cmdCallStart=C:\\third.exe"), "the second section was touched");
}

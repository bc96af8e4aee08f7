//! The dialect of the MicroSIP that will save the hook.

use super::*;

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn plain_command_is_written_in_the_dialect_of_the_ini() {
    let bare = RING.to_string();
    let quoted = format!("\"{RING}\"");
    let none: &[&str] = &[];
    for (options, ini, expected) in [
        (none, "[Settings]\r\nversion=3.22.3\r\n", &quoted),
        (none, "[Global]\r\nversion=3.22.16\r\n[Settings]\r\nVAD=1\r\n", &quoted),
        (none, "[Settings]\r\ncmdCallEnd=\"\"\r\ncmdCallRing=\"\"\r\n", &quoted),
        (none, RAW, &bare),
        (none, "[Settings]\r\ncmdCallEnd=\r\ncmdOutgoingCall=\r\n", &bare),
        (none, OLD, &bare),
        // a command that a person may have written proves nothing
        (none, "[Settings]\r\ncmdCallEnd=C:\\x.exe\r\ncmdCallRing=C:\\x.exe\r\n", &quoted),
        (none, UNKNOWN, &quoted),
        (&["--microsip-version", "3.20.5"], MODERN, &bare),
        (&["--microsip-version", "3.14.0"], MODERN, &bare),
        (&["--microsip-version", "3.22.3"], RAW, &quoted),
        (&["--microsip-version=3.21.6"], OLD, &quoted),
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let argv = [options, &["ring", RING]].concat();
        let ran = set_hook(&sandbox, &argv).exits(0);
        assert_eq!(&text_of(&sandbox, "cmdIncomingCall"), expected, "{ini:?} {}", ran.transcript);
        // this form is stable in every dialect
        let warnings = ran.warnings();
        assert!(!warnings.iter().any(|code| code == "dialect-uncertain"), "{ini:?}: {warnings:?}");
        let again = set_hook(&sandbox, &argv).exits(0).json();
        assert_eq!(again["changed"], false, "{ini:?}: {again}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn unstable_form_causes_a_warning_only_if_the_version_is_uncertain() {
    let lone: &[&str] = &["ring", WITH_SPACES];
    let with_argument: &[&str] = &["ring", WITH_SPACES, "-"];
    for ini in [
        UNKNOWN,
        "[Settings]\r\ncmdCallEnd=C:\\x.exe\r\n",
        "[Settings]\r\nversion=3.22.3\r\ncmdCallEnd=\r\ncmdCallRing=\r\n",
        "[Settings]\r\ncmdCallEnd=\"\"\r\ncmdCallRing=\r\n",
        "[Settings]\r\nversion=3.21.5\r\n",
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let ran = set_hook(&sandbox, lone).exits(0);
        assert!(ran.warnings().contains(&"dialect-uncertain".to_string()), "{ini:?}: {}", ran.transcript);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), format!("\"\"{WITH_SPACES}\"\""));
        let json = ran.json();
        let all = json["warnings"].as_array().unwrap();
        let warning = all.iter().find(|warning| warning["code"] == "dialect-uncertain").unwrap();
        assert!(warning["hint"].as_str().unwrap().contains("--microsip-version"), "{warning}");

        let ran = set_hook(&sandbox, with_argument).exits(0);
        assert!(!ran.warnings().contains(&"dialect-uncertain".to_string()), "{ini:?}: {}", ran.transcript);
    }
    for (options, ini) in [
        (&[][..], MODERN),
        (&[], "[Settings]\r\ncmdCallEnd=\"\"\r\ncmdCallRing=\"\"\r\n"),
        (&["--microsip-version", "3.22.3"], UNKNOWN),
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let ran = set_hook(&sandbox, &[options, lone].concat()).exits(0);
        assert!(!ran.warnings().contains(&"dialect-uncertain".to_string()), "{ini:?}: {}", ran.transcript);
    }
}

#[test]
fn lone_path_with_spaces_is_refused_in_the_bare_dialect() {
    for (options, ini) in [
        (&["--microsip-version", "3.21.4"][..], MODERN),
        (&["--microsip-version", "3.19.27"], MODERN),
        (&[], RAW),
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let argv = [&["set-hook", "--json", "--allow-missing"][..], options, &["ring", WITH_SPACES]].concat();
        let hint = hint(&refused(&sandbox, &argv, 3, "hook-unstable"));
        // the alternatives: another path, another argument, another MicroSIP
        assert!(hint.contains("spaces") && hint.contains("argument"), "{hint}");
        assert!(hint.contains("--microsip-version"), "{hint}");
        let argv = [&argv[..], &["-"]].concat();
        sandbox.run_on_ini(&argv).exits(0);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), format!("\"{WITH_SPACES}\" -"));
    }
}

#[test]
fn before_3_19_the_whole_value_is_one_file() {
    for (options, ini) in [(&["--microsip-version", "3.14.0"][..], MODERN), (&[], OLD)] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let with =
            |more: &[&'static str]| [&["set-hook", "--json", "--allow-missing"][..], options, more].concat();
        refused(&sandbox, &with(&["ring", RING, "x"]), 3, "hook-argument-refused");
        for event in ["ringing", "busy", "outgoing", "answer-video"] {
            refused(&sandbox, &with(&[event, RING]), 3, "event-unsupported");
        }
        // scripts and the runner need an argument
        refused(&sandbox, &with(&["ring", r"C:\hooks\ring.ps1"]), 3, "actions-unsupported");
        refused(&sandbox, &with(&["--direct", "ring", r"C:\hooks\ring.ps1"]), 3, "hook-argument-refused");
        sandbox.run_on_ini(&with(&["ring", WITH_SPACES])).exits(0);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), WITH_SPACES);
    }
}

#[test]
fn unsupported_event_is_refused() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let argv = ["set-hook", "--json", "--allow-missing", "--microsip-version"];
    for version in ["3.19.27", "3.20.5"] {
        let argv = [&argv[..], &[version, "answer-video", RING]].concat();
        refused(&sandbox, &argv, 3, "event-unsupported");
    }
    for version in ["3.21.3", "3.22"] {
        sandbox.run_on_ini(&[&argv[..], &[version, "answer-video", RING]].concat()).exits(0);
    }
    for version in ["three", "3", "3.x", ""] {
        let ran = sandbox.run_on_ini(&[&argv[..], &[version, "ring", RING]].concat());
        ran.fails(2, "usage");
    }
}

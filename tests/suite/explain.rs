//! The command explain.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// Commands like those in guides and installers, each with its verdict and the reason.
const TEXTS: &str = include_str!("../../fixtures/hook-texts.tsv");

#[track_caller]
fn explained(argv: &[&str]) -> Value {
    let ran = Sandbox::new().run(&[&["explain", "--json"], argv].concat());
    let json = ran.json();
    let status = if json["verdict"] == "fails" { 1 } else { 0 };
    ran.exits(status);
    json
}

fn codes(json: &Value) -> Vec<&str> {
    let problems = json["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn common_commands_have_the_expected_verdict() {
    let mut lines = TEXTS.lines();
    assert_eq!(lines.next(), Some("event\ttext\tverdict\treason"));
    let mut rows = 0;
    for line in lines {
        let [event, text, verdict, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not four columns: {line}")
        };
        let json = explained(&["--event", event, "--", text]);
        assert_eq!(json["verdict"], verdict, "{line}: {json}");
        // every other verdict has a reason
        let has_reason = matches!(verdict, "works" | "empty") || !codes(&json).is_empty();
        assert!(has_reason && !reason.is_empty(), "{line}: {json}");
        rows += 1;
    }
    assert_eq!(rows, 52);
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn suggestions_work() {
    let mut suggestions = 0;
    let more = [
        r"C:\Program Files\x.exe",
        r#""C:\Program Files\x.exe" "y z""#,
        r#"C:\x.exe "y z" a"#,
        r"C:\My Scripts\ring.ps1 -a",
    ];
    let rows = TEXTS.lines().skip(1).filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?))
    });
    for (event, text) in rows.chain(more.iter().map(|text| ("ring", *text))) {
        let json = explained(&["--event", event, "--", text]);
        let Some(suggestion) = json["suggestion"].as_str() else { continue };
        assert_ne!(json["verdict"], "works", "{text}: {json}");
        let better = explained(&["--event", event, "--", suggestion]);
        assert_eq!(better["verdict"], "works", "{text}: {json}: {better}");
        suggestions += 1;
    }
    assert!(suggestions > more.len(), "{suggestions}");
}

#[test]
fn json_has_all_fields() {
    let json = explained(&["--event", "cmdincomingcall", "--", r"C:\Program Files\x.exe %1"]);
    assert_eq!(json["ok"], true);
    assert_eq!(json["event"], "ring");
    assert_eq!(json["value"], r"C:\Program Files\x.exe %1");
    assert_eq!(json["verdict"], "fails");
    assert_eq!(json["program"], r"C:\Program");
    assert_eq!(json["args"], json!([r"Files\x.exe", "%1"]));
    assert_eq!(codes(&json), ["hook-path-unquoted", "hook-placeholder"]);
    assert_eq!(json["suggestion"], r#"""C:\Program Files\x.exe"""#);
}

#[test]
fn unknown_key_runs_nothing() {
    let json = explained(&["--event", "cmdCallIncoming", "--", r"C:\hooks\ring.exe"]);
    assert_eq!((&json["verdict"], &json["program"]), (&json!("fails"), &Value::Null));
    assert_eq!(codes(&json), ["event-unknown"]);
    // a key that isn't a command
    assert_eq!(explained(&["--event", "VAD", "--", "1"])["verdict"], "fails");
}

#[test]
fn nothing_is_suggested_if_the_text_is_not_the_cause() {
    for argv in [
        &["--", r"\\server\share\x.exe"][..],
        &["--event", "cmdNoSuch", "--", r"C:\x.exe"],
        &["--event", "outgoing", "--", r"C:\x.exe {password}"],
    ] {
        let json = explained(argv);
        assert!(json["verdict"] != "works" && json["suggestion"].is_null(), "{json}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn problems_have_their_code() {
    for (text, verdict, code) in [
        (r#"C:\x.exe \"a"#, "fails", "hook-number-joined"),
        (r#"C:\x.exe "" a"#, "fails", "hook-argument-split"),
        (r"C:\Users\NAME\x.exe", "depends", "hook-user-stand-in"),
        (r"hooks\x.exe", "fails", "hook-target-relative"),
        ("https://crm.example.org/call", "fails", "hook-url"),
        (r"start C:\hooks\x.exe", "fails", "hook-shell-words"),
        (r"C:\hooks\x.exe 2>nul", "fails", "hook-shell-words"),
        (r"C:\hooks\x.exe ; on call", "depends", "hook-comment"),
        (r"C:\Users\%USERNAME%\x.exe", "fails", "hook-placeholder"),
        (r"%APPDATA%\x.exe", "fails", "hook-placeholder"),
        (r"C:\hooks\x.exe %APPDATA%\x.txt", "fails", "hook-placeholder"),
        (
            r"rundll32.exe url.dll,FileProtocolHandler https://crm.example/?n=",
            "fails",
            "hook-number-detached",
        ),
        ("\" \"", "fails", "hook-blank"),
        (r"C:\hooks\note.txt", "fails", "hook-target-not-program"),
        (r"C:\Temp\x.exe", "depends", "hook-target-temporary"),
        (r#"""C:\a b\x.exe"""#, "works", "dialect-uncertain"),
    ] {
        let json = explained(&["--", text]);
        assert_eq!(json["verdict"], verdict, "{text}: {json}");
        assert!(codes(&json).contains(&code), "{text}: {json}");
    }
}

#[test]
fn text_shows_where_the_callers_text_appears() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["explain", r#""C:\hooks\log.exe --to crm""#]).exits(0);
    assert_eq!(
        ran.stdout,
        "works: MicroSIP runs it as written\n  file         C:\\hooks\\log.exe\n  argument 1   '--to'\n  \
         argument 2   'crm'\n  argument 3+  the caller's text: one argument, several, or none\n"
    );
    sandbox.run(&["explain", ""]).exits(0).says("empty: no command is run");
    sandbox.run(&["explain", "--", "-x"]).says("file         -x");
    let ran = sandbox.run(&["explain", r"C:\hooks\ring.exe %1"]).exits(1);
    ran.says("[hook-placeholder]").says("\n\"C:\\hooks\\ring.exe\"\n");
}

#[test]
fn invalid_arguments_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.run(&["explain", "--json", "a\nb"]).fails(2, "usage");
    sandbox.run(&["explain", "--json"]).fails(2, "usage");
    sandbox.run(&["explain", "--json", "--event", "rign", "x.exe"]).fails(2, "event-unknown");
    sandbox.run(&["explain", "--json", "--microsip-version", "new", "x"]).fails(2, "usage");
}

//! explain: what becomes of a text behind `=`.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, some};

/// Commands of the shapes that guides and installers give, with what becomes of them.
const TEXTS: &str = include_str!("../../fixtures/hook-texts.tsv");

#[track_caller]
fn explained(words: &[&str]) -> Value {
    Sandbox::new().run(&[&["explain", "--json"], words].concat()).exits(0).json()
}

fn codes(json: &Value) -> Vec<&str> {
    let problems = json["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn texts_that_people_use_get_their_verdict() {
    let mut lines = TEXTS.lines();
    assert_eq!(lines.next(), Some("event\ttext\tverdict\treason"));
    let mut rows = 0;
    for line in some(lines) {
        let [event, text, verdict, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not four columns: {line}")
        };
        let json = explained(&["--event", event, "--", text]);
        assert_eq!(json["verdict"], verdict, "{line}: {json}");
        // what is not simply right says why
        let is_told = matches!(verdict, "works" | "empty") || !codes(&json).is_empty();
        assert!(is_told && !reason.is_empty(), "{line}: {json}");
        rows += 1;
    }
    assert_eq!(rows, some(0..52).count());
}

#[test]
fn a_suggestion_works() {
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
    for (event, text) in some(rows).chain(more.iter().map(|text| ("ring", *text))) {
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
fn the_answer_names_everything() {
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
fn a_key_that_microsip_does_not_know_runs_nothing() {
    let json = explained(&["--event", "cmdCallIncoming", "--", r"C:\hooks\ring.exe"]);
    assert_eq!((&json["verdict"], &json["program"]), (&json!("fails"), &Value::Null));
    assert_eq!(codes(&json), ["event-unknown"]);
    // a setting is no command either
    assert_eq!(explained(&["--event", "VAD", "--", "1"])["verdict"], "fails");
}

#[test]
fn nothing_is_suggested_where_the_text_is_not_at_fault() {
    for words in [
        &["--", r"\\server\share\x.exe"][..],
        &["--event", "nosuch", "--", r"C:\x.exe"],
        &["--event", "outgoing", "--", r"C:\x.exe {password}"],
    ] {
        let json = explained(words);
        assert!(json["verdict"] != "works" && json["suggestion"].is_null(), "{json}");
    }
}

#[test]
fn problems_have_their_code() {
    for (text, verdict, code) in [
        (r#"C:\x.exe \"a"#, "fails", "hook-number-joined"),
        (r#"C:\x.exe "" a"#, "fails", "hook-argument-split"),
        (r"C:\Users\NAME\x.exe", "depends", "hook-user-stand-in"),
        (r"hooks\x.exe", "fails", "hook-target-relative"),
        ("https://crm.example.org/call", "fails", "hook-url"),
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
fn people_see_where_the_number_comes() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["explain", r#""C:\hooks\log.exe --to crm""#]).exits(0);
    assert_eq!(
        ran.stdout,
        "works: MicroSIP runs it as written\n  file         C:\\hooks\\log.exe\n  argument 1   '--to'\n  \
         argument 2   'crm'\n  argument 3   the caller's number; nothing if there is none\n"
    );
    sandbox.run(&["explain", ""]).exits(0).says("empty: no command is run");
    sandbox.run(&["explain", "--", "-x"]).exits(0).says("file         -x");
    let told = sandbox.run(&["explain", r"C:\hooks\ring.exe %1"]).exits(0);
    told.says("[hook-placeholder]").says("\n\"C:\\hooks\\ring.exe\"\n");
}

#[test]
fn what_is_no_text_behind_an_equals_sign_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.run(&["explain", "--json", "a\nb"]).fails(2, "usage");
    sandbox.run(&["explain", "--json"]).fails(2, "usage");
    sandbox.run(&["explain", "--json", "--microsip-version", "new", "x"]).fails(2, "usage");
}

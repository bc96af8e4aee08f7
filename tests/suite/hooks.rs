//! set-hook, unset-hook, hooks and events.

use serde_json::Value;

use crate::sandbox::{PROGRAM, Ran, Sandbox, image, refused, some, utf16};

const MODERN: &str = "[Settings]\r\nVAD=1\r\ncmdIncomingCall=\"\"\r\ncmdCallRing=\"\"\r\nversion=3.22.3\r\n";
const RAW: &str = "[Settings]\r\nVAD=1\r\ncmdCallEnd=\r\ncmdCallRing=\r\n";
const OLD: &str = "[Settings]\r\nVAD=1\r\ncmdCallEnd=\r\ncmdCallStart=\r\n";
const UNTOLD: &str = "[Settings]\r\nVAD=1\r\n";

const RING: &str = r"C:\hooks\ring.exe";
const WITH_BLANKS: &str = r"C:\Program Files\Ring\ring.exe";

/// Every event with its other names and its key.
const EVENTS: &[(&str, &[&str], &str)] = &[
    ("ring", &["incoming"], "cmdIncomingCall"),
    ("ringing", &["alerting"], "cmdCallRing"),
    ("answer", &[], "cmdCallAnswer"),
    ("answer-video", &[], "cmdCallAnswerVideo"),
    ("start", &[], "cmdCallStart"),
    ("end", &[], "cmdCallEnd"),
    ("busy", &[], "cmdCallBusy"),
    ("outgoing", &[], "cmdOutgoingCall"),
];

/// Sets a hook whose program need not be there.
fn set_hook(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let mut all = vec!["set-hook", "--json", "--allow-missing"];
    all.extend(words);
    sandbox.run_on_ini(&all)
}

/// What stands behind `=` in the first line of this key.
fn text_of(sandbox: &Sandbox, key: &str) -> String {
    let ini = sandbox.ini_text();
    let found = ini.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {key} in {ini}")).to_string()
}

/// What `hooks --json` says of one event.
fn hook(sandbox: &Sandbox, event: &str) -> Value {
    hook_in(sandbox.run_on_ini(&["hooks", "--json"]), event)
}

fn hook_in(ran: Ran, event: &str) -> Value {
    let json = ran.exits(0).json();
    let hooks = json["hooks"].as_array().unwrap();
    hooks.iter().find(|hook| hook["event"] == event).unwrap_or_else(|| panic!("no {event} in {json}")).clone()
}

fn codes(problems: &Value) -> Vec<&str> {
    problems.as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

fn hint(ran: &Ran) -> String {
    ran.json()["error"]["hint"].as_str().unwrap_or_default().to_string()
}

// --- events

#[test]
fn a_hook_is_set_as_microsip_would_save_it() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    sandbox.run_on_ini(&["set-hook", "--allow-missing", "ring", RING]).exits(0);
    let expected = MODERN.replace("cmdIncomingCall=\"\"", "cmdIncomingCall=\"C:\\hooks\\ring.exe\"");
    assert_eq!(sandbox.ini_text(), expected);
}

#[test]
fn an_event_is_known_by_its_name_its_alias_and_its_key_in_any_letter_case() {
    for (_, aliases, key) in EVENTS {
        let names = EVENTS.iter().filter(|event| event.2 == *key).map(|event| &event.0);
        let names = aliases.iter().chain(names).chain([key]);
        let mut words: Vec<String> =
            names.flat_map(|word| [word.to_string(), word.to_lowercase(), word.to_uppercase()]).collect();
        words.sort();
        words.dedup();
        for word in some(&words) {
            let sandbox = Sandbox::with_ini(utf16(MODERN));
            let json = set_hook(&sandbox, &[word, RING]).exits(0).json();
            assert_eq!(json["changes"][0]["section"], "Settings", "{word}: {json}");
            assert_eq!(json["changes"][0]["key"], **key, "{word}: {json}");
            assert_eq!(json["changes"][0]["after"], RING, "{word}: {json}");
            assert_eq!(text_of(&sandbox, key), format!("\"{RING}\""));
        }
        let sandbox = Sandbox::with_ini(utf16(&format!("[Settings]\r\n{key}={RING}\r\nVAD=1\r\n")));
        let words: Vec<&str> = ["unset-hook"].into_iter().chain(words.iter().map(String::as_str)).collect();
        sandbox.run_on_ini(&words).exits(0);
        assert_eq!(sandbox.ini_text(), UNTOLD, "{words:?}");
    }
}

#[test]
fn events_lists_each_with_its_aliases_its_key_and_when_it_happens() {
    let sandbox = Sandbox::new();
    let json = sandbox.run(&["events", "--json"]).exits(0).json();
    let listed = json["events"].as_array().unwrap();
    assert_eq!(listed.len(), EVENTS.len());
    let text = sandbox.run(&["events"]).exits(0).stdout;
    for ((event, aliases, key), listed) in EVENTS.iter().zip(listed) {
        assert_eq!((&listed["event"], &listed["key"]), (&Value::from(*event), &Value::from(*key)));
        assert_eq!(listed["aliases"], Value::from(aliases.to_vec()));
        let when = listed["when"].as_str().unwrap();
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(event)).unwrap();
        for word in aliases.iter().chain([key, &when]) {
            assert!(line.contains(word), "no {word:?} in {line:?}");
        }
    }
}

#[test]
fn an_unknown_event_names_the_nearest_and_lists_all() {
    for (typed, nearest) in
        [("rign", "ring"), ("anwser", "answer"), ("CMDCALLRIGN", "cmdCallRing"), ("incomming", "incoming")]
    {
        for command in [&["set-hook", "--json", typed, RING][..], &["unset-hook", "--json", typed]] {
            let sandbox = Sandbox::with_ini(utf16(MODERN));
            let ran = refused(&sandbox, command, 2, "event-unknown");
            let hint = hint(&ran);
            assert!(hint.contains(&format!("'{nearest}'")), "no {nearest} in {hint}");
            for (event, _, _) in EVENTS {
                assert!(hint.contains(event), "no {event} in {hint}");
            }
        }
    }
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let hint = hint(&refused(&sandbox, &["set-hook", "--json", "xyzzy", RING], 2, "event-unknown"));
    assert!(!hint.contains("did you mean") && hint.contains("outgoing"), "{hint}");
}

// --- the dialect of the MicroSIP that will save it

#[test]
fn a_plain_command_stands_as_the_microsip_of_the_ini_would_save_it() {
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
        // a command that anybody may have written proves nothing
        (none, "[Settings]\r\ncmdCallEnd=C:\\x.exe\r\ncmdCallRing=C:\\x.exe\r\n", &quoted),
        (none, UNTOLD, &quoted),
        (&["--microsip-version", "3.20.5"], MODERN, &bare),
        (&["--microsip-version", "3.14.0"], MODERN, &bare),
        (&["--microsip-version", "3.22.3"], RAW, &quoted),
        (&["--microsip-version=3.21.6"], OLD, &quoted),
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let words = [options, &["ring", RING]].concat();
        let ran = set_hook(&sandbox, &words).exits(0);
        assert_eq!(&text_of(&sandbox, "cmdIncomingCall"), expected, "{ini:?} {}", ran.told);
        // this form lives through any MicroSIP, so nobody need be warned
        let warnings = ran.warnings();
        assert!(!warnings.iter().any(|code| code == "dialect-uncertain"), "{ini:?}: {warnings:?}");
        let again = set_hook(&sandbox, &words).exits(0).json();
        assert_eq!(again["changed"], false, "{ini:?}: {again}");
    }
}

#[test]
fn a_form_that_may_not_last_is_warned_of_only_where_the_version_is_not_sure() {
    let lone: &[&str] = &["ring", WITH_BLANKS];
    let with_argument: &[&str] = &["ring", WITH_BLANKS, "-"];
    for ini in [
        UNTOLD,
        "[Settings]\r\ncmdCallEnd=C:\\x.exe\r\n",
        "[Settings]\r\nversion=3.22.3\r\ncmdCallEnd=\r\ncmdCallRing=\r\n",
        "[Settings]\r\ncmdCallEnd=\"\"\r\ncmdCallRing=\r\n",
        "[Settings]\r\nversion=3.21.5\r\n",
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let ran = set_hook(&sandbox, lone).exits(0);
        assert!(ran.warnings().contains(&"dialect-uncertain".to_string()), "{ini:?}: {}", ran.told);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), format!("\"\"{WITH_BLANKS}\"\""));
        let json = ran.json();
        let all = json["warnings"].as_array().unwrap();
        let warning = all.iter().find(|warning| warning["code"] == "dialect-uncertain").unwrap();
        assert!(warning["hint"].as_str().unwrap().contains("--microsip-version"), "{warning}");

        let ran = set_hook(&sandbox, with_argument).exits(0);
        assert!(!ran.warnings().contains(&"dialect-uncertain".to_string()), "{ini:?}: {}", ran.told);
    }
    for (options, ini) in [
        (&[][..], MODERN),
        (&[], "[Settings]\r\ncmdCallEnd=\"\"\r\ncmdCallRing=\"\"\r\n"),
        (&["--microsip-version", "3.22.3"], UNTOLD),
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let ran = set_hook(&sandbox, &[options, lone].concat()).exits(0);
        assert!(!ran.warnings().contains(&"dialect-uncertain".to_string()), "{ini:?}: {}", ran.told);
    }
}

#[test]
fn a_lone_path_with_blanks_is_refused_where_its_quotes_would_not_last() {
    for (options, ini) in [
        (&["--microsip-version", "3.21.4"][..], MODERN),
        (&["--microsip-version", "3.19.27"], MODERN),
        (&[], RAW),
    ] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let words =
            [&["set-hook", "--json", "--allow-missing"][..], options, &["ring", WITH_BLANKS]].concat();
        let hint = hint(&refused(&sandbox, &words, 3, "hook-unstable"));
        // the ways out: another place, another argument, another MicroSIP
        assert!(hint.contains("spaces") && hint.contains("argument"), "{hint}");
        assert!(hint.contains("--microsip-version"), "{hint}");
        let words = [&words[..], &["-"]].concat();
        sandbox.run_on_ini(&words).exits(0);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), format!("\"{WITH_BLANKS}\" -"));
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
        // scripts need an argument, and so cannot be set
        refused(&sandbox, &with(&["ring", r"C:\hooks\ring.ps1"]), 3, "hook-argument-refused");
        sandbox.run_on_ini(&with(&["ring", WITH_BLANKS])).exits(0);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), WITH_BLANKS);
    }
}

#[test]
fn an_event_that_the_version_does_not_have_is_refused() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let words = ["set-hook", "--json", "--allow-missing", "--microsip-version"];
    for version in ["3.19.27", "3.20.5"] {
        let words = [&words[..], &[version, "answer-video", RING]].concat();
        refused(&sandbox, &words, 3, "event-unsupported");
    }
    for version in ["3.21.3", "3.22"] {
        sandbox.run_on_ini(&[&words[..], &[version, "answer-video", RING]].concat()).exits(0);
    }
    for version in ["three", "3", "3.x", ""] {
        let ran = sandbox.run_on_ini(&[&words[..], &[version, "ring", RING]].concat());
        ran.fails(2, "usage");
    }
}

// --- the words behind the event

#[test]
fn our_options_behind_the_event_need_a_double_dash() {
    let ours = [
        "--dry-run",
        "-n",
        "--json",
        "-q",
        "--quiet",
        "-v",
        "--verbose",
        "--ini",
        "--ini=x",
        "--codepage",
        "--codepage=1252",
        "--no-input",
        "--color",
        "--color=never",
        "--create",
        "--timeout",
        "--timeout=5m",
        "--no-backup",
        "--keep-backups",
        "--keep-backups=3",
        "--microsip-version",
        "--raw",
        "--allow-missing",
        "--allow-unsafe",
        "--help",
        "-h",
    ];
    for (at, option) in some(ours.iter().enumerate()) {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        // behind the event, wherever that is
        let words = [&["ring", RING, option][..], &["ring", option, RING], &["ring", RING, "a", option, "b"]];
        let words = [&["set-hook", "--json", "--allow-missing"][..], words[at % 3]].concat();
        let hint = hint(&refused(&sandbox, &words, 2, "usage"));
        assert!(hint.contains("'--'") && hint.contains("before"), "{option}: {hint}");
        let words = [&["ring", "--", RING, option][..], &["--", "ring", RING, option]];
        let json = set_hook(&sandbox, words[at % 2]).exits(0).json();
        assert_eq!(json["changes"][0]["after"], format!("{RING} {option}"), "{json}");
    }
}

#[test]
fn options_that_are_not_ours_belong_to_the_hook() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["ring", RING, "--to", "crm", "-x", "--inix", "-", "--"]).exits(0);
    assert_eq!(hook(&sandbox, "ring")["args"], serde_json::json!(["--to", "crm", "-x", "--inix", "-", "--"]));
}

#[test]
fn an_event_without_a_program_is_a_wrong_command_line() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    for words in [&["set-hook", "--json"][..], &["set-hook", "--json", "ring"]] {
        refused(&sandbox, words, 2, "usage");
    }
    let ran = sandbox.run_on_ini(&["set-hook", "--json", "ring", ""]);
    assert!([2, 3].contains(&ran.status), "{}", ran.told);
    assert_eq!(ran.json()["ok"], false);
}

// --- what arrives

/// What is made of a value by the profile functions, CommandLineToArgvW and MicroSIP, after some saves:
/// the program that is started and the arguments that it finds.
fn received(text: &str, saves: usize, quoted: bool, caller: &str) -> (String, Vec<String>) {
    let mut text = text.to_string();
    for _ in 0..saves {
        let value = read(&text);
        text = if quoted { format!("\"{value}\"") } else { value };
    }
    let mut parts = split(read(&text).trim());
    let program = parts.remove(0);
    let parameters = format!("{} {caller}", parts.join(" "));
    (program, split(&format!("x {parameters}")).split_off(1))
}

/// A value as the profile functions read it: one pair of equal quotes goes, 255 units stay.
fn read(text: &str) -> String {
    let text = text.trim_matches([' ', '\t']);
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    let inner = if is_quoted('"') || is_quoted('\'') { &text[1..text.len() - 1] } else { text };
    let units: Vec<u16> = inner.encode_utf16().take(255).collect();
    String::from_utf16_lossy(&units)
}

/// A command line as programs for Windows find it.
fn split(line: &str) -> Vec<String> {
    let (program, mut rest) = match line.strip_prefix('"') {
        Some(inner) => inner.split_once('"').unwrap_or((inner, "")),
        None => line.split_at(line.find([' ', '\t']).unwrap_or(line.len())),
    };
    let mut parts = vec![program.to_string()];
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return parts;
        }
        let (mut part, mut is_open) = (String::new(), false);
        while let Some(c) = rest.chars().next().filter(|c| is_open || ![' ', '\t'].contains(c)) {
            let behind = rest.trim_start_matches('\\');
            let backslashes = rest.len() - behind.len();
            if !behind.starts_with('"') {
                let taken = backslashes.max(c.len_utf8());
                part.push_str(&rest[..taken]);
                rest = &rest[taken..];
                continue;
            }
            part.push_str(&"\\".repeat(backslashes / 2));
            rest = &behind[1..];
            if backslashes % 2 == 1 {
                part.push('"');
            } else if is_open && rest.starts_with('"') {
                part.push('"');
                rest = &rest[1..];
            } else {
                is_open = !is_open;
            }
        }
        parts.push(part);
    }
}

const ARGUMENTS: &[&[&str]] = &[
    &[],
    &["-"],
    &["a b"],
    &["--to=crm", "-x", "100"],
    &["say \"hi\""],
    &["\"all of it\""],
    &["\""],
    &["'single quotes'"],
    &[r"C:\folder\"],
    &[r"C:\a folder\"],
    &[r"\\server\a share\\"],
    &["x\\\"y", "\\\\\" \\"],
    &[""],
    &["", "x", ""],
    &["x", "  two  blanks  "],
    &["a\tb"],
    &["grüße Ж 日本 😀 e\u{301}"],
    &["a&b|c^d%e;(f)"],
    &["[Settings]", ";x", "k=v"],
];

#[test]
fn programs_receive_exactly_the_arguments_that_were_set_however_often_microsip_saves() {
    for (ini, quoted) in [(MODERN, true), (RAW, false)] {
        let mut written = Vec::new();
        for program in [RING, r"C:\grüße an\Ж 日本.exe"] {
            for args in some(ARGUMENTS) {
                let sandbox = Sandbox::with_ini(utf16(ini));
                let words = [&["end", "--", program][..], args].concat();
                let ran = set_hook(&sandbox, &words);
                // the value begins with the quote of the path, and cannot but end with one
                let quoted_end = |last: &&str| last.is_empty() || last.ends_with(['"', ' ', '\t']);
                let ends_with_quote = args.last().is_none_or(quoted_end);
                if !quoted && program.contains(' ') && ends_with_quote {
                    ran.fails(3, "hook-unstable");
                    continue;
                }
                let ran = ran.exits(0);
                let text = text_of(&sandbox, "cmdCallEnd");
                for saves in [0, 1, 3] {
                    let (started, found) = received(&text, saves, quoted, "5550101");
                    let wanted: Vec<&str> = args.iter().copied().chain(["5550101"]).collect();
                    assert_eq!(
                        (started.as_str(), found),
                        (program, wanted.iter().map(ToString::to_string).collect()),
                        "after {saves} saves of {text}: {}",
                        ran.told
                    );
                }
                written.push((program, args, text));
            }
        }
        // and they are read back, as many at once as there are events, with one left to tell the dialect
        let left = if quoted { "cmdCallEnd=\"\"" } else { "cmdCallEnd=" };
        let events: Vec<_> = EVENTS.iter().filter(|(event, _, _)| *event != "end").collect();
        for written in written.chunks(events.len()) {
            let lines = events.iter().zip(written).map(|((_, _, key), (_, _, text))| format!("{key}={text}"));
            let ini = ["[Settings]".to_string(), left.into()].into_iter().chain(lines).collect::<Vec<_>>();
            let sandbox = Sandbox::with_ini(utf16(&ini.join("\r\n")));
            let json = sandbox.run_on_ini(&["hooks", "--json"]).exits(0).json();
            for ((event, _, _), (program, args, text)) in events.iter().zip(written) {
                let hooks = json["hooks"].as_array().unwrap();
                let hook = hooks.iter().find(|hook| hook["event"] == **event).unwrap();
                let found = (&hook["program"], &hook["args"]);
                assert_eq!(found, (&Value::from(*program), &Value::from(args.to_vec())), "{text}: {ini:#?}");
            }
        }
    }
}

#[test]
fn an_argument_with_blanks_stands_in_the_form_that_survives() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["end", RING, "a b"]).exits(0);
    assert_eq!(text_of(&sandbox, "cmdCallEnd"), format!(r#""{RING} \"a b\"""#));
    set_hook(&sandbox, &["end", WITH_BLANKS]).exits(0);
    assert_eq!(text_of(&sandbox, "cmdCallEnd"), format!(r#"""{WITH_BLANKS}"""#));
}

#[test]
fn nothing_that_would_plant_another_line_is_written() {
    for word in ["a\r\ncmdCallEnd=C:\\x.exe", "a\nb", "a\rb"] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        for words in [&["ring", RING, word][..], &["--raw", "ring", word], &["ring", word]] {
            let words = [&["set-hook", "--json", "--allow-missing"][..], words].concat();
            let before = sandbox.ini_bytes();
            let ran = sandbox.run_on_ini(&words).exits(3);
            assert_eq!(ran.json()["ok"], false);
            assert_eq!(sandbox.ini_bytes(), before, "{}", ran.told);
        }
    }
}

#[test]
fn the_limit_of_254_counts_utf16_units() {
    let plain = |length: usize| format!("C:\\{}.exe", "x".repeat(length - 7));
    let astral =
        |length: usize| format!("C:\\{}{}.exe", "😀".repeat((length - 8) / 2), "x".repeat(1 + length % 2));
    for program in [plain(254), astral(254)] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        assert_eq!(program.encode_utf16().count(), 254);
        set_hook(&sandbox, &["ring", &program]).exits(0);
        assert_eq!(hook(&sandbox, "ring")["program"], program);
    }
    for program in [plain(255), astral(255), plain(300)] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        let words = ["set-hook", "--json", "--allow-missing", "ring", &program];
        let ran = refused(&sandbox, &words, 3, "hook-too-long");
        let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
        let length = program.encode_utf16().count().to_string();
        assert!(message.contains(&length) && message.contains("254"), "{message}");
    }
    // arguments count too, in the form that they take in the file
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let argument = "x".repeat(254 - RING.len() - 1);
    set_hook(&sandbox, &["ring", RING, &argument]).exits(0);
    let words = ["set-hook", "--json", "--allow-missing", "end", RING, &format!("{argument}x")];
    sandbox.run_on_ini(&words).fails(3, "hook-too-long");
}

// --- masks

#[test]
fn a_mask_that_gives_the_password_away_is_refused_in_the_outgoing_event() {
    for words in [
        &["outgoing", RING, "{password}"][..],
        &["cmdOutgoingCall", RING, "--auth={password}", "x"],
        &["--raw", "outgoing", "\"C:\\hooks\\ring.exe {password}\""],
    ] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        let all = [&["set-hook", "--json", "--allow-missing"][..], words].concat();
        let hint = hint(&refused(&sandbox, &all, 3, "hook-mask-secret"));
        assert!(hint.contains("--allow-unsafe"), "{hint}");
        set_hook(&sandbox, &[&["--allow-unsafe"], words].concat()).exits(0);
        let hook = hook(&sandbox, "outgoing");
        assert!(codes(&hook["problems"]).contains(&"hook-mask-secret"), "{hook}");
    }
}

#[test]
fn other_masks_are_for_the_outgoing_event_only() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let masks =
        ["{server}", "{extension}", "{time}", "{number}", "{user}", "{domain}", "{name}", "{callerid}"];
    for mask in some(masks) {
        let ran = set_hook(&sandbox, &["outgoing", RING, mask]).exits(0);
        assert!(!ran.warnings().contains(&"hook-mask-ignored".to_string()), "{}", ran.told);
        assert_eq!(hook(&sandbox, "outgoing")["args"][0], mask);
        let ran = set_hook(&sandbox, &["ring", RING, mask]).exits(0);
        assert!(ran.warnings().contains(&"hook-mask-ignored".to_string()), "{}", ran.told);
    }
    // nothing expands it there, so nothing is given away
    let ran = set_hook(&sandbox, &["ring", RING, "{password}"]).exits(0);
    assert!(ran.warnings().contains(&"hook-mask-ignored".to_string()), "{}", ran.told);
}

// --- raw texts

#[test]
fn a_raw_text_stands_exactly_as_given() {
    for text in [
        r"C:\hooks\ring.exe",
        r#""C:\hooks\ring.exe""#,
        r#"""C:\Program Files\ring.exe"""#,
        r#""C:\Program Files\ring.exe" -x"#,
        r#"'C:\hooks\ring.exe'"#,
    ] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        set_hook(&sandbox, &["--raw", "ring", text]).exits(0);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), text);
        assert_eq!(set_hook(&sandbox, &["--raw", "ring", text]).json()["changed"], false, "{text}");
    }
}

#[test]
fn a_raw_text_that_would_not_do_what_was_meant_is_refused() {
    for (text, code) in [
        (r"C:\Program Files\ring.exe -x", "hook-path-unquoted"),
        (r#""C:\Program Files\ring.exe""#, "hook-path-unquoted"),
        (r#""C:\Program Files\ring.exe" "a b""#, "hook-quotes-lost"),
        (r#"" ""#, "hook-blank"),
        ("https://crm.example.org/call", "hook-url"),
        (r#""C:\hooks\ring.exe "a b" c""#, "hook-argument-split"),
        (r"ring\ring.exe", "hook-target-relative"),
        (r#""C:\hooks\note.txt""#, "hook-target-not-program"),
        (r#""C:\hooks\ring.bat""#, "hook-target-batch"),
    ] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        refused(&sandbox, &["set-hook", "--json", "--allow-missing", "--raw", "ring", text], 3, code);
    }
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let words = ["set-hook", "--json", "--allow-missing", "--raw", "ring", RING, "argument"];
    refused(&sandbox, &words, 2, "usage");
    let long = format!("\"C:\\{}.exe\"", "x".repeat(250));
    let ran = sandbox.run_on_ini(&["set-hook", "--json", "--allow-missing", "--raw", "ring", &long]);
    ran.fails(3, "hook-too-long");
}

// --- programs

/// Programs on a disk that MicroSIP would see: in a Wine prefix, on Windows anywhere.
struct Programs {
    sandbox: Sandbox,
    ini: String,
    /// Their folder, in front of a name.
    folder: String,
    /// The same for MicroSIP.
    windows_folder: String,
}

impl Programs {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let sandbox = Sandbox::new();
        let programs = if cfg!(windows) {
            let windows_folder = format!("{}\\", sandbox.path("hooks").to_str().unwrap());
            Programs { sandbox, ini: "MicroSIP.ini".into(), folder: "hooks/".into(), windows_folder }
        } else {
            let ini = "home/.wine/drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini".into();
            let folder = "home/.wine/drive_c/Hooks/".into();
            Programs { sandbox, ini, folder, windows_folder: "C:\\Hooks\\".into() }
        };
        programs.sandbox.write(&programs.ini, utf16(MODERN));
        for (name, bytes) in files {
            programs.sandbox.write(&format!("{}{name}", programs.folder), bytes);
        }
        programs
    }

    /// The path of a file as MicroSIP sees it.
    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.windows_folder)
    }

    fn set(&self, words: &[&str]) -> Ran {
        let ini = self.sandbox.path(&self.ini);
        let start = ["set-hook", "--json", "--ini", ini.to_str().unwrap()];
        self.sandbox.run(&[&start[..], words].concat())
    }

    fn hook(&self, event: &str) -> Value {
        let ini = self.sandbox.path(&self.ini);
        hook_in(self.sandbox.run(&["hooks", "--json", "--ini", ini.to_str().unwrap()]), event)
    }
}

#[test]
fn a_program_that_is_one_is_accepted_in_any_letter_case() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    for name in ["ring.exe", "RING.EXE", "Ring.Exe"] {
        let ran = programs.set(&["ring", &programs.path(name)]).exits(0);
        let serious = ran.warnings().into_iter().filter(|code| code != "hook-target-temporary");
        assert_eq!(serious.collect::<Vec<_>>(), [""; 0], "{}", ran.told);
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
fn a_program_that_microsip_could_not_start_is_refused() {
    let programs = Programs::new(&[
        ("ring.exe", &image()),
        ("text.exe", b"MZ is how this text begins, and more of it so that a header would fit in here."),
        ("short.exe", b"MZ"),
        ("empty.exe", b""),
        ("note.txt", b"x"),
        ("noending", b"x"),
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
        (here("noending"), "hook-target-not-program"),
        (here("*.exe"), "hook-target-bad-path"),
        (here("rin?.exe"), "hook-target-bad-path"),
        (here("nul.exe"), "hook-target-bad-path"),
        (here("COM1"), "hook-target-bad-path"),
        (r"\\.\pipe\x".into(), "hook-target-bad-path"),
        (r"hooks\ring.exe".into(), "hook-target-relative"),
        (r"\hooks\ring.exe".into(), "hook-target-relative"),
        (r"C:ring.exe".into(), "hook-target-relative"),
        (r"%APPDATA%\ring.exe".into(), "hook-target-relative"),
        ("no-program-has-this-name".into(), "hook-target-relative"),
    ] {
        let ini = programs.sandbox.path(&programs.ini);
        let before = std::fs::read(&ini).unwrap();
        let ran = programs.set(&["ring", &program]).fails(3, code);
        assert!(!ran.json()["error"]["hint"].is_null(), "no way out: {}", ran.told);
        assert_eq!(std::fs::read(&ini).unwrap(), before, "{}", ran.told);
        if code != "hook-target-missing" {
            programs.set(&["--allow-missing", "ring", &program]).fails(3, code);
        }
    }
}

/// An interpreter that stands before its script in the words, rather than being found for it.
#[test]
fn a_script_behind_its_interpreter_is_looked_at() {
    let files = [
        ("pyw.exe", image()),
        ("wscript.exe", image()),
        ("powershell.exe", image()),
        ("there.py", vec![b'x']),
    ];
    let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let programs = Programs::new(&files);
    let here = |name: &str| programs.path(name);
    for words in [
        &[here("pyw.exe"), here("none.py")][..],
        &[here("wscript.exe"), "//B".into(), here("none.vbs")],
        &[here("powershell.exe"), "-NoProfile".into(), "-File".into(), here("none.ps1")],
    ] {
        let words: Vec<&str> = ["ring"].into_iter().chain(words.iter().map(String::as_str)).collect();
        programs.set(&words).fails(3, "hook-target-missing");
        programs.set(&[&["--allow-missing"], &words[..]].concat()).exits(0);
    }
    programs.set(&["end", &here("pyw.exe"), &here("there.py")]).exits(0);
}

#[test]
fn a_bare_name_that_cannot_be_looked_for_is_warned_of() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    if cfg!(windows) {
        let words = ["set-hook", "--json", "--raw", "ring", "no-program-has-this-name.exe"];
        sandbox.run_on_ini(&words).fails(3, "hook-target-missing");
        return;
    }
    let ran =
        sandbox.run_on_ini(&["set-hook", "--json", "--raw", "ring", "pwsh.exe -File C:\\x.ps1"]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-relative".to_string()), "{}", ran.told);
    let hook = hook(&sandbox, "ring");
    assert!(codes(&hook["problems"]).contains(&"hook-target-relative"), "{hook}");
}

#[test]
fn the_password_is_not_given_to_a_version_that_learns_it_later() {
    for version in ["3.20.5", "3.21.4", "3.22.3"] {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
        let words = ["--allow-missing", "--microsip-version", version, "outgoing", "C:\\a.exe", "{password}"];
        let set = |more: &[&str]| sandbox.run_on_ini(&[&["set-hook", "--json"], more, &words[..]].concat());
        set(&[]).fails(3, "hook-mask-secret");
        set(&["--allow-unsafe"]).exits(0);
    }
    let told = Sandbox::new()
        .run(&["explain", "--microsip-version", "3.21.4", "--event", "outgoing", "C:\\a.exe {md5_password}"])
        .exits(0);
    assert!(told.stdout.contains("only the outgoing event of 3.21.6 and newer"), "{}", told.told);
}

#[test]
fn a_command_that_is_too_long_is_told_how_long_it_is() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let text = format!("C:\\hooks\\ring.exe {}", "a".repeat(500));
    let ran = set_hook(&sandbox, &["--raw", "ring", &text]).fails(3, "hook-too-long");
    assert!(ran.stdout.contains(&text.len().to_string()), "{}", ran.told);
}

#[test]
fn a_program_that_is_not_there_is_accepted_when_that_is_said() {
    let programs = Programs::new(&[]);
    let ran = programs.set(&["--allow-missing", "ring", &programs.path("later.exe")]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-missing".to_string()), "{}", ran.told);
    let hook = programs.hook("ring");
    assert_eq!(hook["works"], false);
    assert!(codes(&hook["problems"]).contains(&"hook-target-missing"), "{hook}");
}

#[test]
fn a_warning_does_not_advise_what_was_done() {
    let programs = Programs::new(&[("log.bat", b"x")]);
    for (option, name) in [("--allow-missing", "later.exe"), ("--allow-unsafe", "log.bat")] {
        let json = programs.set(&[option, "ring", &programs.path(name)]).exits(0).json();
        assert!(!json["warnings"].to_string().contains(option), "{json}");
    }
}

#[test]
fn a_program_that_is_not_there_is_answered_with_the_nearest_that_is() {
    let programs = Programs::new(&[("ring.exe", &image()), ("other.exe", &image())]);
    let ran = programs.set(&["ring", &programs.path("rign.exe")]).fails(3, "hook-target-missing");
    let hint = hint(&ran);
    assert!(hint.contains(&programs.path("ring.exe")), "{hint}");
    assert!(hint.contains("--allow-missing"), "{hint}");
}

#[test]
fn messages_show_paths_as_they_are_typed() {
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
fn a_batch_file_is_refused_unless_the_risk_is_taken() {
    let programs = Programs::new(&[("a.bat", b"x"), ("b.cmd", b"x")]);
    for name in ["a.bat", "b.cmd", "A.BAT", "b.Cmd"] {
        let ran = programs.set(&["ring", &programs.path(name)]).fails(3, "hook-target-batch");
        let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
        assert!(message.contains("caller"), "it does not say why: {message}");
        assert!(hint(&ran).contains("--allow-unsafe"), "{}", ran.told);
        programs.set(&["--allow-missing", "ring", &programs.path(name)]).fails(3, "hook-target-batch");
        let ran = programs.set(&["--allow-unsafe", "ring", &programs.path(name)]).exits(0);
        assert!(ran.warnings().contains(&"hook-target-batch".to_string()), "{}", ran.told);
    }
}

#[test]
fn a_program_on_a_share_is_warned_of() {
    let programs = Programs::new(&[]);
    let ran = programs.set(&["--allow-missing", "ring", r"\\127.0.0.1\no-such-share\ring.exe"]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-network".to_string()), "{}", ran.told);
}

#[test]
fn a_script_is_run_by_the_interpreter_that_is_there() {
    let programs = Programs::new(&[("log.vbs", b"x")]);
    if cfg!(not(windows)) {
        programs.sandbox.write("home/.wine/drive_c/windows/system32/wscript.exe", image());
    }
    let script = programs.path("log.vbs");
    programs.set(&["ring", &script, "a b"]).exits(0);
    let hook = programs.hook("ring");
    let program = hook["program"].as_str().unwrap().to_lowercase();
    assert!(program.starts_with("c:\\windows\\") && program.ends_with("\\wscript.exe"), "{hook}");
    assert_eq!(hook["args"], serde_json::json!(["//B", script, "a b"]));
    assert_eq!(hook["works"], true, "{hook}");
}

#[test]
#[cfg_attr(
    windows,
    ignore = "which interpreters there are is up to the machine; the Wine prefix has its own"
)]
fn each_kind_of_script_gets_its_interpreter_with_its_full_path() {
    let powershell = r"C:\windows\system32\WindowsPowerShell\v1.0\powershell.exe";
    let kinds: &[(&str, &str, &[&str])] = &[
        ("ps1", powershell, &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]),
        ("vbs", r"C:\windows\system32\wscript.exe", &["//B"]),
        ("js", r"C:\windows\system32\wscript.exe", &["//B"]),
        ("wsf", r"C:\windows\system32\wscript.exe", &["//B"]),
        ("py", r"C:\windows\pyw.exe", &[]),
        ("pyw", r"C:\windows\pyw.exe", &[]),
        ("jar", r"C:\windows\system32\javaw.exe", &["-jar"]),
        ("PS1", powershell, &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]),
    ];
    for (ending, interpreter, leading) in kinds {
        let name = format!("log.{ending}");
        let programs = Programs::new(&[(&name, b"x")]);
        let script = programs.path(&name);
        let on_disk = interpreter.replace('\\', "/").replace("C:", "home/.wine/drive_c");
        // nothing runs it yet
        programs.set(&["ring", &script]).fails(3, "hook-interpreter-missing");
        programs.sandbox.write(&on_disk, image());
        let ran = programs.set(&["ring", &script, "x"]).exits(0);
        let hook = programs.hook("ring");
        let program = hook["program"].as_str().unwrap();
        assert!(program.eq_ignore_ascii_case(interpreter), "{program} for {}", ran.told);
        let args: Vec<&str> = leading.iter().copied().chain([script.as_str(), "x"]).collect();
        assert_eq!(hook["args"], Value::from(args));
        // what really runs is shown
        let after = ran.json()["changes"][0]["after"].as_str().unwrap().to_string();
        assert!(after.contains(program) && after.contains(&script), "{after}");
    }
}

#[test]
fn a_program_without_a_path_is_written_with_the_one_where_it_is_found() {
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
        assert!(program.eq_ignore_ascii_case(&expected), "{program}, not {expected}: {}", ran.told);
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs folders of other users on the real disk; the Wine prefix has its own")]
fn places_that_deserve_a_word_get_one() {
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
fn a_program_that_this_user_may_not_read_is_refused() {
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
#[cfg_attr(windows, ignore = "on Windows every program can be looked at")]
fn what_could_not_be_looked_at_is_said_and_not_called_good() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let ran = sandbox.run_on_ini(&["set-hook", "--json", "ring", RING]).exits(0);
    assert_eq!(ran.warnings(), ["hook-target-unchecked"]);
    let hook = hook(&sandbox, "ring");
    assert!(codes(&hook["problems"]).contains(&"hook-target-unchecked"), "{hook}");
    assert_ne!(hook["works"], true, "nobody looked at it: {hook}");
    let text = sandbox.run_on_ini(&["hooks"]).exits(0).stdout;
    let line = text.lines().find(|line| line.contains(RING)).unwrap();
    assert!(!line.ends_with("ok"), "nobody looked at it: {line}");
}

// --- what stands in an ini

#[test]
fn hand_written_values_that_do_not_do_what_they_say_are_explained() {
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
        assert!(ran.stdout.contains(code), "{text}: {}", ran.told);
    }
}

#[test]
#[cfg_attr(windows, ignore = "there they lie in a temporary folder, which is warned of")]
fn a_program_that_runs_otherwise_than_was_meant_is_not_just_called_good() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    let ini = programs.sandbox.path(&programs.ini);
    let line = |words: &[&str]| {
        programs.set(words).exits(0);
        let text = programs.sandbox.run(&["hooks", "--ini", ini.to_str().unwrap()]).exits(0).stdout;
        text.lines().find(|line| line.starts_with("  ring ")).unwrap().to_string()
    };
    let path = programs.path("ring.exe");
    assert!(line(&["ring", &path]).ends_with("  ok"));
    assert!(line(&["--raw", "ring", &format!("{path} %callerid%")]).ends_with("  runs, but see below"));
}

#[test]
fn a_value_that_will_decay_is_told_where_commands_are_saved_bare() {
    let text =
        format!("[Settings]\r\ncmdIncomingCall=\"\"{WITH_BLANKS}\"\"\r\ncmdCallEnd=\r\ncmdCallRing=\r\n");
    let sandbox = Sandbox::with_ini(utf16(&text));
    let hook = hook(&sandbox, "ring");
    assert_eq!(hook["program"], WITH_BLANKS);
    assert!(codes(&hook["problems"]).contains(&"hook-unstable"), "{hook}");
    assert_eq!(hook["works"], false);
}

#[test]
fn a_hook_of_an_event_that_the_version_does_not_have_is_told() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\ncmdCallEnd=\r\ncmdCallBusy=C:\\x.exe\r\n"));
    let hook = hook(&sandbox, "busy");
    assert!(codes(&hook["problems"]).contains(&"event-unsupported"), "{hook}");
    assert_eq!(hook["works"], false);
}

#[test]
fn hooks_shows_every_event_set_or_not() {
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
fn only_the_first_settings_section_and_the_first_line_of_a_key_count() {
    let text = "[settings]\r\nCMDCALLEND=C:\\first.exe\r\ncmdCallEnd=C:\\second.exe\r\n\
                [Settings]\r\ncmdCallStart=C:\\third.exe\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    assert_eq!(hook(&sandbox, "end")["program"], r"C:\first.exe");
    assert_eq!(hook(&sandbox, "start")["program"], Value::Null);
    set_hook(&sandbox, &["start", RING]).exits(0);
    assert_eq!(hook(&sandbox, "start")["program"], RING);
    assert!(sandbox.ini_text().contains("cmdCallStart=C:\\third.exe"), "the second section was touched");
}

// --- unset-hook

#[test]
fn unset_hook_gives_back_what_was_there_before_a_new_hook() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["end", RING]).exits(0);
    let json = sandbox.run_on_ini(&["unset-hook", "--json", "end"]).exits(0).json();
    assert_eq!(json["changed"], true);
    assert_eq!(
        json["changes"],
        serde_json::json!([{"section": "Settings", "key": "cmdCallEnd", "before": RING, "after": null}])
    );
    assert_eq!(sandbox.ini_text(), MODERN);
}

#[test]
fn unset_hook_removes_the_named_ones_and_no_others() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n"));
    for (event, _, _) in EVENTS {
        set_hook(&sandbox, &[event, RING]).exits(0);
    }
    sandbox.run_on_ini(&["unset-hook", "ring", "CMDCALLEND", "alerting"]).exits(0);
    for (event, _, _) in EVENTS {
        let expected = if ["ring", "end", "ringing"].contains(event) { Value::Null } else { RING.into() };
        assert_eq!(hook(&sandbox, event)["program"], expected, "{event}");
    }
    sandbox.run_on_ini(&["unset-hook", "--all"]).exits(0);
    assert_eq!(sandbox.ini_text(), "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n");
}

#[test]
fn unset_hook_of_what_is_not_set_changes_nothing() {
    let sandbox = Sandbox::with_ini(utf16(UNTOLD));
    for words in [&["unset-hook", "--json", "end"][..], &["unset-hook", "--json", "--all"]] {
        let json = sandbox.run_on_ini(words).exits(0).json();
        assert_eq!((&json["changed"], &json["changes"]), (&Value::from(false), &serde_json::json!([])));
    }
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn an_event_without_a_command_has_no_hook_to_unset() {
    for ini in [MODERN, RAW, OLD] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let json = sandbox.run_on_ini(&["unset-hook", "--json", "--all"]).exits(0).json();
        assert_eq!(json["changed"], false, "{json}");
        assert_eq!(sandbox.ini_text(), ini);
    }
    // how the empty ones stand may be all that tells which MicroSIP saves this ini
    let sandbox = Sandbox::with_ini(utf16(RAW));
    set_hook(&sandbox, &["ring", RING]).exits(0);
    sandbox.run_on_ini(&["unset-hook", "--all"]).exits(0);
    set_hook(&sandbox, &["ring", WITH_BLANKS]).fails(3, "hook-unstable");
}

#[test]
fn an_event_that_is_named_twice_is_unset_once() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["ring", RING]).exits(0);
    let json = sandbox.run_on_ini(&["unset-hook", "--json", "ring", "incoming", "ring"]).exits(0).json();
    assert_eq!(json["changes"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(hook(&sandbox, "ring")["program"], Value::Null);
}

#[test]
fn unset_hook_needs_events_or_all() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    refused(&sandbox, &["unset-hook", "--json"], 2, "usage");
    refused(&sandbox, &["unset-hook", "--json", "--all", "ring"], 2, "usage");
}

// --- where a program came from, and who could replace it

#[test]
fn unblock_asks_for_nothing_where_there_is_no_mark() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    let ran = programs.set(&["--unblock", "ring", &programs.path("ring.exe")]).exits(0);
    assert!(!ran.warnings().iter().any(|code| code.starts_with("hook-target-unblocked")), "{}", ran.told);
    assert_eq!(ran.json()["changed"], true);
}

#[cfg(windows)]
mod on_windows {
    use std::os::windows::process::CommandExt;

    use super::*;
    use crate::profile_api::windows::is_wine;

    const MARK: &str = "[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://example.com/ring.exe\r\n";

    impl Programs {
        fn mark_of(&self, name: &str) -> String {
            format!("{}:Zone.Identifier", self.path(name))
        }

        /// Marks a file as Windows does, or says that this disk cannot keep that.
        fn mark(&self, name: &str) -> bool {
            let stream = self.mark_of(name);
            let is_kept = std::fs::write(&stream, MARK).is_ok()
                && std::fs::read(&stream).is_ok_and(|read| read == MARK.as_bytes());
            if !is_kept {
                println!("not tried: this disk keeps no streams beside a file");
            }
            is_kept
        }

        fn is_marked(&self, name: &str) -> bool {
            std::fs::read(self.mark_of(name)).is_ok()
        }

        fn ini_bytes(&self) -> Vec<u8> {
            std::fs::read(self.sandbox.path(&self.ini)).unwrap()
        }
    }

    #[test]
    fn a_marked_program_is_refused_until_the_mark_is_taken_off() {
        let programs = Programs::new(&[("ring.exe", &image())]);
        if !programs.mark("ring.exe") {
            return;
        }
        let before = programs.ini_bytes();
        let path = programs.path("ring.exe");
        for words in [&[][..], &["--allow-unsafe", "--allow-missing"], &["--dry-run"]] {
            let ran = programs.set(&[words, &["ring", &path]].concat()).fails(3, "hook-target-blocked");
            assert!(hint(&ran).contains("--unblock"), "{}", ran.told);
        }
        // what is refused for another reason, or only shown, leaves the mark
        programs.set(&["--unblock", "outgoing", &path, "{password}"]).fails(3, "hook-mask-secret");
        let ran = programs.set(&["--unblock", "--dry-run", "ring", &path]).exits(0);
        assert!(ran.warnings().contains(&"hook-target-unblocked".to_string()), "{}", ran.told);
        assert!(ran.stdout.contains("would be taken off"), "{}", ran.told);
        assert!(programs.is_marked("ring.exe"), "{}", ran.told);
        assert_eq!(programs.ini_bytes(), before);

        let ran = programs.set(&["--unblock", "ring", &path]).exits(0).says("the mark was taken off");
        assert!(ran.warnings().contains(&"hook-target-unblocked".to_string()), "{}", ran.told);
        assert!(!programs.is_marked("ring.exe"), "{}", ran.told);
        assert_eq!(std::fs::read(&path).unwrap(), image(), "the program itself stays");
        assert_eq!(programs.hook("ring")["works"], true);
    }

    #[test]
    fn a_mark_on_the_program_of_a_hook_that_is_set_is_shown_and_can_be_taken_off() {
        let programs = Programs::new(&[("ring.exe", &image())]);
        let path = programs.path("ring.exe");
        programs.set(&["ring", &path]).exits(0);
        if !programs.mark("ring.exe") {
            return;
        }
        let hook = programs.hook("ring");
        assert_eq!(hook["works"], false, "{hook}");
        assert!(codes(&hook["problems"]).contains(&"hook-target-blocked"), "{hook}");
        let ran = programs.set(&["--unblock", "ring", &path]).exits(0);
        assert_eq!(ran.json()["changed"], false, "{}", ran.told);
        assert!(!programs.is_marked("ring.exe"), "{}", ran.told);
        assert_eq!(programs.hook("ring")["works"], true);
    }

    #[test]
    fn a_marked_script_is_warned_of() {
        let programs = Programs::new(&[("log.vbs", b"x")]);
        let path = programs.path("log.vbs");
        if !programs.mark("log.vbs") {
            return;
        }
        let ran = programs.set(&["ring", &path]).exits(0);
        assert!(ran.warnings().contains(&"hook-target-blocked".to_string()), "{}", ran.told);
        assert_eq!(programs.hook("ring")["works"], true);
        programs.set(&["--unblock", "ring", &path]).exits(0);
        assert!(!programs.is_marked("log.vbs"));
        assert!(!codes(&programs.hook("ring")["problems"]).contains(&"hook-target-blocked"));
    }

    #[test]
    fn a_mark_that_cannot_be_taken_off_refuses_the_hook_before_anything_is_written() {
        let programs = Programs::new(&[("ring.exe", &image())]);
        if !programs.mark("ring.exe") {
            return;
        }
        let path = programs.path("ring.exe");
        let set_read_only = |is: bool| {
            let mut permissions = std::fs::metadata(&path).unwrap().permissions();
            permissions.set_readonly(is);
            std::fs::set_permissions(&path, permissions).unwrap();
        };
        set_read_only(true);
        let before = programs.ini_bytes();
        let ran = programs.set(&["--unblock", "ring", &path]).fails(3, "hook-target-blocked");
        assert!(ran.stdout.contains("read-only"), "{}", ran.told);
        assert_eq!(programs.ini_bytes(), before);
        assert!(programs.is_marked("ring.exe"));
        set_read_only(false);
    }

    /// A program's name in the user's part of the registry, which goes when the test ends.
    struct Registered {
        key: String,
    }

    impl Registered {
        fn new(exe: &str) -> (Self, windows_registry::Key) {
            let key = format!(r"Software\Microsoft\Windows\CurrentVersion\App Paths\{exe}");
            let open = windows_registry::CURRENT_USER.create(&key).unwrap();
            (Registered { key }, open)
        }
    }

    impl Drop for Registered {
        fn drop(&mut self) {
            let _ = windows_registry::CURRENT_USER.remove_tree(&self.key);
        }
    }

    #[test]
    fn a_name_that_is_only_registered_is_written_with_its_path() {
        let programs = Programs::new(&[("my tool.exe", &image())]);
        let path = programs.path("my tool.exe");
        let exe = format!("msipcfg-test-{}.exe", std::process::id());
        let (_registered, key) = Registered::new(&exe);
        // the variable is set for msipcfg alone
        let set = |name: &str| {
            let mut command = programs.sandbox.command(PROGRAM);
            command.env("MSIPCFG_TEST_HOOKS", programs.sandbox.path("hooks"));
            let ini = programs.sandbox.path(&programs.ini);
            command.arg("set-hook").arg("--json").arg("--ini").arg(ini).args(["ring", name, "-"]);
            programs.sandbox.finish(command)
        };
        let by_variable = r#""%MSIPCFG_TEST_HOOKS%\my tool.exe""#;
        key.set_string("", by_variable).unwrap();
        set(&exe).fails(3, "hook-target-relative");
        key.set_expand_string("", by_variable).unwrap();
        set(&exe).exits(0);
        assert_eq!(programs.hook("ring")["program"], path);
        key.set_string("", &path).unwrap();
        set(exe.trim_end_matches(".exe")).exits(0);
        assert_eq!(programs.hook("ring")["program"], path);
        key.set_string("", programs.path("gone.exe")).unwrap();
        set(&exe).fails(3, "hook-target-relative");
    }

    #[test]
    fn a_program_in_a_folder_of_everybodys_is_told_with_the_line_that_mends_it() {
        if is_wine() {
            println!("not tried: Wine makes access lists up");
            return;
        }
        let code = "hook-target-writable".to_string();
        let programs = Programs::new(&[("ring.exe", &image())]);
        let path = programs.path("ring.exe");
        assert!(!programs.set(&["--dry-run", "ring", &path]).exits(0).warnings().contains(&code));
        let folder = programs.sandbox.path("hooks");
        let icacls = |line: &str| {
            let done = std::process::Command::new("cmd").raw_arg(format!("/c {line}")).output().unwrap();
            assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        };
        icacls(&format!("icacls \"{}\" /grant *S-1-1-0:(OI)(CI)F", folder.display()));
        let ran = programs.set(&["ring", &path]);
        // elevated, as the tests may run, it is refused
        let said = match ran.status {
            0 => ran.json()["warnings"].clone(),
            _ => Value::from(vec![ran.fails(3, &code).json()["error"].clone()]),
        };
        let problem = said.as_array().unwrap().iter().find(|problem| problem["code"] == code).unwrap();
        assert!(problem["message"].as_str().unwrap().contains(folder.to_str().unwrap()), "{problem}");
        let ran = programs.set(&["--allow-unsafe", "ring", &path]).exits(0);
        assert_eq!(programs.hook("ring")["works"], true, "{}", ran.told);
        assert!(codes(&programs.hook("ring")["problems"]).contains(&code.as_str()));

        let hint = problem["hint"].as_str().unwrap();
        let line = hint.split("fix it: ").nth(1).unwrap();
        icacls(line);
        assert!(!codes(&programs.hook("ring")["problems"]).contains(&code.as_str()), "{line}");
    }
}

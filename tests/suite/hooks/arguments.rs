//! The arguments after the event, and what the program receives.

use super::*;

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn own_options_after_the_program_need_a_double_dash() {
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
    for (at, option) in ours.iter().enumerate() {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        let argv = [&["ring", RING, option][..], &["ring", RING, "a", option, "b"]];
        let argv = [&["set-hook", "--json", "--allow-missing"][..], argv[at % 2]].concat();
        let hint = hint(&refused(&sandbox, &argv, 2, "usage"));
        assert!(hint.contains("'--'") && hint.contains("before"), "{option}: {hint}");
        let argv = [&["ring", "--", RING, option][..], &["--", "ring", RING, option]];
        let json = set_hook(&sandbox, argv[at % 2]).exits(0).json();
        assert_eq!(json["changes"][0]["after"], format!("{RING} {option}"), "{json}");
    }
}

#[test]
fn own_options_before_the_program_are_not_passed_to_it() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let run =
        sandbox.run_on_ini(&["set-hook", "--json", "ring", "--allow-missing", "-n", RING, "-x"]).exits(0);
    assert_eq!(run.json()["dry_run"], true, "{}", run.transcript);
    assert_eq!(run.json()["changes"][0]["after"], format!("{RING} -x"), "{}", run.transcript);
    refused(&sandbox, &["set-hook", "--json", "ring", "--alow-missing", RING], 2, "usage");
}

#[test]
fn unknown_options_are_passed_to_the_hook() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["ring", RING, "--to", "crm", "-x", "--inix", "-", "--"]).exits(0);
    assert_eq!(hook(&sandbox, "ring")["args"], serde_json::json!(["--to", "crm", "-x", "--inix", "-", "--"]));
}

#[test]
fn missing_program_is_a_usage_error() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    for argv in [&["set-hook", "--json"][..], &["set-hook", "--json", "ring"]] {
        refused(&sandbox, argv, 2, "usage");
    }
    let ran = sandbox.run_on_ini(&["set-hook", "--json", "ring", ""]);
    assert!([2, 3].contains(&ran.status), "{}", ran.transcript);
    assert_eq!(ran.json()["ok"], false);
}

/// Returns the program and the arguments that it receives after the profile functions, CommandLineToArgvW and MicroSIP
/// processed a text, and after some saves. It is independent of the model in `src/hook/command`.
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

/// Reads a value as the profile functions do: without one pair of equal quotes, and cut at 255 units.
fn read(text: &str) -> String {
    let text = text.trim_matches([' ', '\t']);
    let is_quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    let inner = if is_quoted('"') || is_quoted('\'') { &text[1..text.len() - 1] } else { text };
    let units: Vec<u16> = inner.encode_utf16().take(255).collect();
    String::from_utf16_lossy(&units)
}

/// Splits a command line as programs for Windows do.
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
            let after = rest.trim_start_matches('\\');
            let backslashes = rest.len() - after.len();
            if !after.starts_with('"') {
                let taken = backslashes.max(c.len_utf8());
                part.push_str(&rest[..taken]);
                rest = &rest[taken..];
                continue;
            }
            part.push_str(&"\\".repeat(backslashes / 2));
            rest = &after[1..];
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
    &["x", "  two  spaces  "],
    &["a\tb"],
    &["grüße Ж 日本 😀 e\u{301}"],
    &["a&b|c^d%e;(f)"],
    &["[Settings]", ";x", "k=v"],
];

#[test]
fn programs_receive_exactly_the_arguments_after_any_number_of_saves() {
    for (ini, quoted) in [(MODERN, true), (RAW, false)] {
        let mut written = Vec::new();
        for program in [RING, r"C:\grüße an\Ж 日本.exe"] {
            for args in ARGUMENTS {
                let sandbox = Sandbox::with_ini(utf16(ini));
                let argv = [&["end", "--", program][..], args].concat();
                let ran = set_hook(&sandbox, &argv);
                // the value begins with the quote of the path and has to end with one
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
                        ran.transcript
                    );
                }
                written.push((program, args, text));
            }
        }
        // Read them back, several at once. The event that is left shows the dialect.
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
fn arguments_with_spaces_are_written_in_a_stable_form() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["end", RING, "a b"]).exits(0);
    assert_eq!(text_of(&sandbox, "cmdCallEnd"), format!(r#""{RING} \"a b\"""#));
    set_hook(&sandbox, &["end", WITH_SPACES]).exits(0);
    assert_eq!(text_of(&sandbox, "cmdCallEnd"), format!(r#"""{WITH_SPACES}"""#));
}

#[test]
fn line_breaks_are_refused() {
    for text in ["a\r\ncmdCallEnd=C:\\x.exe", "a\nb", "a\rb"] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        for argv in [&["ring", RING, text][..], &["--raw", "ring", text], &["ring", text]] {
            let argv = [&["set-hook", "--json", "--allow-missing"][..], argv].concat();
            let before = sandbox.ini_bytes();
            let ran = sandbox.run_on_ini(&argv).exits(3);
            assert_eq!(ran.json()["ok"], false);
            assert_eq!(sandbox.ini_bytes(), before, "{}", ran.transcript);
        }
    }
}

#[test]
fn limit_of_254_counts_utf16_units() {
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
        let argv = ["set-hook", "--json", "--allow-missing", "ring", &program];
        let ran = refused(&sandbox, &argv, 3, "hook-too-long");
        let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
        let length = program.encode_utf16().count().to_string();
        assert!(message.contains(&length) && message.contains("254"), "{message}");
    }
    // arguments count, too, in the form that they have in the file
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let argument = "x".repeat(254 - RING.len() - 1);
    set_hook(&sandbox, &["ring", RING, &argument]).exits(0);
    let argv = ["set-hook", "--json", "--allow-missing", "end", RING, &format!("{argument}x")];
    sandbox.run_on_ini(&argv).fails(3, "hook-too-long");
}

#[test]
fn error_for_a_long_command_shows_its_length() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let text = format!("C:\\hooks\\ring.exe {}", "a".repeat(500));
    let ran = set_hook(&sandbox, &["--raw", "ring", &text]).fails(3, "hook-too-long");
    assert!(ran.stdout.contains(&text.len().to_string()), "{}", ran.transcript);
}

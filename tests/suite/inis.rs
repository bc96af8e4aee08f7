//! Whole inis, edited by the commands: what changes, what stays, and what can be undone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, utf16};

const RING: &str = r"C:\hooks\ring.exe";
const KEY: &str = "cmdIncomingCall";

/// Reads the inis in `fixtures/inis`, with their names.
pub fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join("inis");
    let mut fixtures: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    fixtures.sort();
    assert!(fixtures.len() > 20, "fixtures are missing: {}", fixtures.len());
    fixtures
}

/// Reads every third ini, where all would take long without testing more.
fn every_third() -> impl Iterator<Item = (String, Vec<u8>)> {
    fixtures().into_iter().step_by(3)
}

fn fixture(name: &str) -> Vec<u8> {
    fixtures().into_iter().find(|(found, _)| found == name).unwrap().1
}

/// Returns the code page of a fixture that is 8-bit text. For other fixtures it doesn't matter.
pub fn code_page_of(name: &str) -> &'static str {
    if name == "ansi-1251.ini" { "1251" } else { "1252" }
}

/// Returns everything in the sandbox: bytes and times of files, targets of links, and folders.
pub fn snapshot(sandbox: &Sandbox) -> BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![sandbox.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_dir() {
                folders.push(path.clone());
                None
            } else if metadata.is_symlink() {
                Some(std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
            } else {
                // of a large file, only the time is compared
                let is_small = metadata.is_file() && metadata.len() < 1 << 20;
                is_small.then(|| std::fs::read(&path).unwrap_or_default())
            };
            found.insert(path, (metadata.modified().unwrap(), content));
        }
    }
    found
}

/// Decodes an ini into UTF-16 units and an odd last byte.
fn decode(name: &str, bytes: &[u8]) -> (Vec<u16>, Option<u8>) {
    let pairs = |bytes: &[u8], read: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect()
    };
    let text = |text: &str| (text.encode_utf16().collect(), None);
    match bytes {
        [0xFF, 0xFE, rest @ ..] => {
            (pairs(rest, u16::from_le_bytes), rest.chunks_exact(2).remainder().first().copied())
        }
        [0xFE, 0xFF, rest @ ..] => (pairs(rest, u16::from_be_bytes), None),
        [0xEF, 0xBB, 0xBF, rest @ ..] => text(std::str::from_utf8(rest).unwrap()),
        _ if bytes.contains(&0) => (pairs(bytes, u16::from_le_bytes), None),
        _ => match std::str::from_utf8(bytes) {
            Ok(utf8) => text(utf8),
            Err(_) if code_page_of(name) == "1251" => text(&encoding_rs::WINDOWS_1251.decode(bytes).0),
            Err(_) => text(&encoding_rs::WINDOWS_1252.decode(bytes).0),
        },
    }
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE])
}

/// Splits a text into lines with their ends: CR LF, LF or CR.
fn lines(units: &[u16]) -> Vec<&[u16]> {
    let (mut lines, mut start) = (Vec::new(), 0);
    for (at, unit) in units.iter().enumerate() {
        let is_end = *unit == 10 || *unit == 13 && units.get(at + 1) != Some(&10);
        if is_end {
            lines.push(&units[start..=at]);
            start = at + 1;
        }
    }
    if start < units.len() {
        lines.push(&units[start..]);
    }
    lines
}

fn text_of(line: &[u16]) -> String {
    String::from_utf16_lossy(line)
}

fn without_end(line: &[u16]) -> &[u16] {
    let end = line.iter().rposition(|unit| ![10, 13].contains(unit)).map_or(0, |last| last + 1);
    &line[..end]
}

fn is_of_key(line: &[u16]) -> bool {
    text_of(line).split_once('=').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(KEY))
}

fn is_settings(line: &[u16]) -> bool {
    text_of(line).trim().to_ascii_lowercase().starts_with("[settings]")
}

/// Fails the test unless an edit changed or added the line of the hook, and nothing else.
#[track_caller]
fn one_line_changed(name: &str, before: &[u8], after: &[u8]) {
    assert!(is_utf16(after), "{name}: not UTF-16LE with BOM");
    let ((old_units, old_tail), (new_units, new_tail)) = (decode(name, before), decode(name, after));
    assert_eq!(old_tail, new_tail, "{name}: the odd byte at the end");
    let (old, mut new) = (lines(&old_units), lines(&new_units));
    let at = (0..new.len())
        .find(|at| old.get(*at) != Some(&new[*at]))
        .unwrap_or_else(|| panic!("{name}: nothing changed"));
    if old.len() == new.len() {
        // a line was changed
        assert!(is_of_key(old[at]) && is_of_key(new[at]), "{name}: {:?}", text_of(new[at]));
        let end = |line: &[u16]| line[without_end(line).len()..].to_vec();
        assert_eq!(end(old[at]), end(new[at]), "{name}: another line end");
        new[at] = old[at];
    } else if old.iter().any(|line| is_settings(line)) {
        // a line was added; after a last line without a line end, it gives that one its line end
        let is_after_last = at + 1 == old.len() && without_end(old[at]) == old[at];
        let added = new.remove(if is_after_last { at + 1 } else { at });
        assert!(is_of_key(added), "{name}: {:?}", text_of(added));
        if is_after_last {
            assert_eq!(without_end(added), added, "{name}: a line end where there was none");
            assert_eq!(without_end(new[at]), old[at], "{name}");
            new[at] = old[at];
        } else {
            assert_ne!(without_end(added), added, "{name}: no line end");
        }
    } else {
        // the section was added too, at the end
        let added = new.split_off(old.len());
        assert_eq!(added.len(), 2, "{name}: {added:?}");
        assert!(is_settings(added[0]) && is_of_key(added[1]), "{name}");
    }
    let shown: Vec<_> = new.iter().map(|line| text_of(line)).collect();
    assert_eq!(new, old, "{name}: another line changed: {shown:#?}");
}

/// Returns the passwords in an ini that are long enough to be searched for.
fn passwords(name: &str, bytes: &[u8]) -> Vec<String> {
    let (units, _) = decode(name, bytes);
    let mut found = Vec::new();
    for line in lines(&units) {
        let line = text_of(line);
        if let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("password")
            && value.trim().len() >= 4
        {
            found.push(value.trim().trim_matches('"').to_string());
        }
    }
    found
}

#[track_caller]
fn assert_no_passwords(ran: &Ran, passwords: &[String]) {
    for password in passwords {
        assert!(
            !ran.stdout.contains(password) && !ran.stderr.contains(password),
            "a password: {}",
            ran.transcript
        );
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> impl PartialEq + std::fmt::Debug + use<> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).unwrap();
    (metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(windows)]
fn identity(path: &Path) -> impl PartialEq + std::fmt::Debug + use<> {
    let metadata = std::fs::metadata(path).unwrap();
    (metadata.created().unwrap(), metadata.modified().unwrap())
}

// --- every fixture

/// Runs a command with the ini of the sandbox and its code page.
fn run(sandbox: &Sandbox, name: &str, args: &[&str]) -> Ran {
    sandbox.run_on_ini(&[&args[..1], &["--codepage", code_page_of(name)], &args[1..]].concat())
}

#[test]
fn set_hook_changes_one_line_of_any_ini() {
    for (name, before) in fixtures() {
        let sandbox = Sandbox::with_ini(&before);
        let json =
            run(&sandbox, &name, &["set-hook", "--json", "--allow-missing", "ring", RING]).exits(0).json();
        assert_eq!((&json["changed"], &json["dry_run"]), (&true.into(), &false.into()), "{name}: {json}");
        if before.len() > 2 {
            one_line_changed(&name, &before, &sandbox.ini_bytes());
        }
        let ran = run(&sandbox, &name, &["get", KEY]).exits(0);
        assert_eq!(ran.stdout, format!("{RING}\n"), "{name}");
        let json = run(&sandbox, &name, &["hooks", "--json"]).exits(0).json();
        assert_eq!(json["hooks"][0]["program"], RING, "{name}");
    }
}

#[test]
fn the_same_edit_again_writes_nothing() {
    for (name, before) in fixtures() {
        let sandbox = Sandbox::with_ini(&before);
        let edit = ["set-hook", "--json", "--allow-missing", "ring", RING];
        run(&sandbox, &name, &edit).exits(0);
        let (bytes, was, names) = (sandbox.ini_bytes(), identity(&sandbox.ini()), sandbox.names());
        let json = run(&sandbox, &name, &edit).exits(0).json();
        assert_eq!((&json["changed"], &json["backup"]), (&false.into(), &Value::Null), "{name}: {json}");
        assert_eq!(sandbox.ini_bytes(), bytes, "{name}");
        assert_eq!(identity(&sandbox.ini()), was, "{name}: it was written again");
        assert_eq!(sandbox.names(), names, "{name}");
    }
}

#[test]
fn restore_undoes_set_hook() {
    for (name, before) in fixtures() {
        let sandbox = Sandbox::with_ini(&before);
        run(&sandbox, &name, &["set-hook", "--allow-missing", "ring", RING]).exits(0);
        assert_ne!(sandbox.ini_bytes(), before, "{name}");
        run(&sandbox, &name, &["restore"]).exits(0);
        assert_eq!(sandbox.ini_bytes(), before, "{name}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn unset_undoes_set_of_a_new_key() {
    for (name, before) in fixtures().into_iter().filter(|(_, bytes)| is_utf16(bytes)) {
        let sandbox = Sandbox::with_ini(&before);
        let json = run(&sandbox, &name, &["list", "--json"]).exits(0).json();
        let mut sections: Vec<&str> = json["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value["section"].as_str().unwrap())
            .collect();
        sections.dedup();
        // these sections can't be named on the command line
        sections.retain(|section| !section.is_empty() && !section.contains(['/', ']']));
        for section in sections {
            let key = format!("{section}/zzNewKey");
            run(&sandbox, &name, &["set", &format!("{key}=1")]).exits(0);
            assert_eq!(run(&sandbox, &name, &["get", &key]).exits(0).stdout, "1\n", "{name}");
            assert_ne!(sandbox.ini_bytes(), before, "{name} [{section}]");
            run(&sandbox, &name, &["unset", &key]).exits(0);
            assert_eq!(sandbox.ini_bytes(), before, "{name} [{section}]");
        }
        let (units, _) = decode(&name, &before);
        let has = |what: fn(&[u16]) -> bool| lines(&units).into_iter().any(what);
        if has(is_settings) && !has(is_of_key) {
            run(&sandbox, &name, &["set-hook", "--allow-missing", "ring", RING]).exits(0);
            run(&sandbox, &name, &["unset-hook", "ring"]).exits(0);
            assert_eq!(sandbox.ini_bytes(), before, "{name}");
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn no_output_contains_a_password() {
    let mut seen = 0;
    let with_passwords = fixtures().into_iter().filter(|(name, bytes)| !passwords(name, bytes).is_empty());
    for (name, bytes) in with_passwords {
        let passwords = passwords(&name, &bytes);
        seen += passwords.len();
        let sandbox = Sandbox::with_ini(&bytes);
        for args in [
            &["list"][..],
            &["list", "Account1"],
            &["hooks"],
            &["get", "Account1/password"],
            &["set-hook", "--allow-missing", "-n", "ring", RING],
            &["unset", "-n", "Account1/password", "Account1/username"],
            &["set-hook", "--allow-missing", "ring", RING],
            &["unset", "Account1/password"],
            &["restore", "-n"],
            &["restore", "2"],
            &["backups"],
        ] {
            // after the event of set-hook, an option would be passed to the hook
            let (command, rest) = args.split_first().unwrap();
            for option in ["-v", "--json"] {
                let args = [&[*command, option], rest].concat();
                assert_no_passwords(&run(&sandbox, &name, &args), &passwords);
            }
        }
    }
    assert!(seen > 3, "passwords are missing in the fixtures: {seen}");
}

#[test]
fn a_dry_run_writes_nothing() {
    for (name, bytes) in every_third() {
        let sandbox = Sandbox::with_ini(&bytes);
        run(&sandbox, &name, &["set", "volumeRing=41"]).exits(0);
        let before = snapshot(&sandbox);
        for args in [
            &["set-hook", "-n", "--allow-missing", "ring", RING][..],
            &["unset-hook", "--dry-run", "--all"],
            &["set", "--dry-run", "VAD=1", "volumeRing=42", "Mine/key=1"],
            &["unset", "-n", "volumeRing"],
            &["restore", "-n"],
        ] {
            let (command, rest) = args.split_first().unwrap();
            let json = run(&sandbox, &name, &[&[*command, "--json"], rest].concat()).exits(0).json();
            assert_eq!((&json["ok"], &json["dry_run"]), (&true.into(), &true.into()), "{name}: {json}");
            assert_eq!(json["backup"], Value::Null, "{name}: {json}");
            run(&sandbox, &name, args).exits(0);
            assert_eq!(snapshot(&sandbox), before, "{name}: {args:?}");
        }
    }
}

#[test]
fn a_dry_run_shows_only_the_changed_lines() {
    let sandbox = Sandbox::with_ini(fixture("modern-3.22.3.ini"));
    let ran = sandbox.run_on_ini(&["set", "-n", "VAD=1", "volumeRing=42", "Mine/key=1"]).exits(0);
    let changed: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with(['-', '+']) && !line.starts_with("---") && !line.starts_with("+++"))
        .collect();
    for line in ["-VAD=0", "+VAD=1", "-volumeRing=80", "+volumeRing=42", "+key=1"] {
        assert!(changed.contains(&line), "no {line} in {}", ran.transcript);
    }
    assert!(changed.len() <= 6, "{}", ran.transcript);
    assert!(ran.stdout.contains(sandbox.ini().to_str().unwrap()), "{}", ran.transcript);
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn a_dry_run_reports_the_same_as_a_run() {
    for (name, bytes) in every_third() {
        let sandbox = Sandbox::with_ini(&bytes);
        for args in [
            &["set-hook", "--json", "--allow-missing", "ring", RING][..],
            &["set", "--json", "VAD=1", "volumeRing=42", "Mine/key=1"],
            &["unset", "--json", "VAD", "volumeRing"],
        ] {
            let (command, rest) = args.split_first().unwrap();
            let dry = run(&sandbox, &name, &[&[*command, "-n"], rest].concat()).exits(0).json();
            let wet = run(&sandbox, &name, args).exits(0).json();
            for part in ["changed", "changes", "warnings", "ini"] {
                assert_eq!(dry[part], wet[part], "{name}: {part} of {args:?}");
            }
        }
    }
}

// --- encodings

#[test]
fn an_8_bit_ini_needs_a_code_page_outside_windows() {
    for (name, code_page, other_name, letter) in
        [("ansi-1252.ini", "1252", "windows-1252", "é"), ("ansi-1251.ini", "1251", "windows-1251", "и")]
    {
        let bytes = fixture(name);
        let sandbox = Sandbox::with_ini(&bytes);
        if cfg!(not(windows)) {
            for args in [
                &["set-hook", "--json", "--allow-missing", "ring", RING][..],
                &["set", "--json", "VAD=1"],
                &["unset", "--json", "VAD"],
                &["list", "--json"],
                &["hooks", "--json"],
                &["get", "--json", "VAD"],
            ] {
                let ran = sandbox.run_on_ini(args).fails(7, "encoding-unknown");
                let hint = ran.json()["error"]["hint"].as_str().unwrap().to_string();
                assert!(hint.contains("--codepage"), "{hint}");
                assert_eq!(sandbox.ini_bytes(), bytes, "{name}");
                assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
            }
        }
        for code_page in [code_page, other_name] {
            let sandbox = Sandbox::with_ini(&bytes);
            let ran = sandbox.run_on_ini(&["set", "--json", "--codepage", code_page, "zzNew=1"]).exits(0);
            assert!(ran.warnings().contains(&"ini-encoding".to_string()), "{}", ran.transcript);
            let (old, _) = decode(name, &bytes);
            let text = String::from_utf16(&old).unwrap();
            assert!(text.contains(letter), "{text}");
            let new = sandbox.ini_text();
            let kept: Vec<&str> = new.lines().filter(|line| !line.starts_with("zzNew=")).collect();
            assert_eq!(kept, text.lines().collect::<Vec<_>>(), "{name}");
        }
    }
}

#[test]
fn an_unknown_code_page_is_a_usage_error() {
    let sandbox = Sandbox::with_ini(fixture("ansi-1252.ini"));
    for name in ["1", "none", "", "99999999"] {
        sandbox.run_on_ini(&["set", "--json", "--codepage", name, "VAD=1"]).fails(2, "usage");
    }
}

#[test]
fn an_ini_that_microsip_would_damage_is_converted_even_if_the_value_is_right() {
    for (name, is_converted) in [
        ("utf8-bom.ini", true),
        ("utf8-no-bom.ini", true),
        ("utf16be-bom.ini", true),
        ("utf16le-no-bom.ini", true),
        // MicroSIP reads these correctly
        ("old-3.14.0.ini", false),
        ("account-only.ini", false),
        ("modern-3.22.3.ini", false),
    ] {
        let bytes = fixture(name);
        let sandbox = Sandbox::with_ini(&bytes);
        let json = sandbox.run_on_ini(&["list", "--json"]).exits(0).json();
        let mut values = json["values"].as_array().unwrap().iter();
        // any key that is listed and accepts every text
        let same = values
            .find(|value| {
                ["label", "portKnockerHost", "updatesInterval"].iter().any(|key| value["key"] == *key)
            })
            .unwrap();
        let text = |part: &str| same[part].as_str().unwrap();
        let given = format!("{}/{}={}", text("section"), text("key"), text("value"));
        let dry = sandbox.run_on_ini(&["set", "--json", "-n", &given]).exits(0).json();
        assert_eq!(dry["changed"], is_converted, "{name}: {dry}");
        let ran = sandbox.run_on_ini(&["set", "--json", &given]).exits(0);
        assert_eq!(ran.json()["changed"], is_converted, "{name}: {}", ran.transcript);
        assert_eq!(
            ran.warnings().contains(&"ini-encoding".to_string()),
            is_converted,
            "{name}: {}",
            ran.transcript
        );
        assert_eq!(sandbox.ini_bytes() != bytes, is_converted, "{name}");
        if is_converted {
            assert_eq!(sandbox.ini_text(), String::from_utf16(&decode(name, &bytes).0).unwrap(), "{name}");
        }
    }
}

#[test]
fn the_old_value_of_a_converted_ini_is_decoded() {
    let sandbox = Sandbox::with_ini("[Settings]\r\nuserAgent=grüße Ж\r\n");
    let json = sandbox.run_on_ini(&["set", "--json", "userAgent=x"]).exits(0).json();
    assert_eq!(json["changes"][0]["before"], "grüße Ж", "{json}");
}

// --- small and large

#[test]
fn an_empty_ini_becomes_one_of_a_first_start() {
    for empty in [&b""[..], &[0xFF, 0xFE]] {
        let sandbox = Sandbox::with_ini(empty);
        sandbox.run_on_ini(&["set-hook", "--allow-missing", "ring", RING]).exits(0);
        assert_eq!(sandbox.ini_text(), format!("[Settings]\r\n{KEY}=\"{RING}\""));
        let sandbox = Sandbox::with_ini(empty);
        let json = sandbox.run_on_ini(&["unset", "--json", "VAD"]).exits(0).json();
        assert_eq!((&json["changed"], sandbox.ini_bytes().as_slice()), (&false.into(), empty));
        sandbox.run_on_ini(&["list"]).exits(0);
        sandbox.run_on_ini(&["hooks"]).exits(0);
        sandbox.run_on_ini(&["get", "--json", "VAD"]).fails(1, "key-not-found");
    }
}

#[test]
fn create_makes_the_same_ini_as_microsip() {
    let sandbox = Sandbox::new();
    let args = ["set-hook", "--json", "--create", "--allow-missing", "ring", RING];
    let json = sandbox.run_on_ini(&args).exits(0).json();
    assert_eq!((&json["changed"], &json["backup"]), (&true.into(), &Value::Null));
    assert_eq!(
        json["changes"][0],
        serde_json::json!({"section": "Settings", "key": KEY, "before": null, "after": RING})
    );
    assert_eq!(sandbox.ini_bytes(), utf16(&format!("[Settings]\r\n{KEY}=\"{RING}\"")));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    // now the ini exists
    assert_eq!(sandbox.run_on_ini(&args).exits(0).json()["changed"], false);

    let sandbox = Sandbox::new();
    sandbox.run_on_ini(&["set", "--create", "VAD=1", "Account1/label=x"]).exits(0);
    assert_eq!(sandbox.ini_text(), "[Settings]\r\nVAD=1\r\n[Account1]\r\nlabel=x");
}

#[test]
fn create_makes_the_folders() {
    let sandbox = Sandbox::new();
    let ini = sandbox.path("new").join("and deeper").join("MicroSIP.ini");
    let name = ini.to_str().unwrap();
    let args = ["set", "--json", "--ini", name, "VAD=1"];
    sandbox.run(&args).fails(4, "ini-not-found");
    let before = snapshot(&sandbox);
    let dry = sandbox.run(&[&args[..], &["--create", "-n"]].concat()).exits(0).json();
    assert_eq!((&dry["changed"], &dry["dry_run"]), (&true.into(), &true.into()));
    assert_eq!(snapshot(&sandbox), before, "the dry run wrote something");
    sandbox.run(&[&args[..], &["--create"]].concat()).exits(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16("[Settings]\r\nVAD=1"));
}

#[test]
fn create_edits_an_ini_that_exists() {
    let bytes = fixture("modern-3.22.3.ini");
    let sandbox = Sandbox::with_ini(&bytes);
    sandbox.run_on_ini(&["set-hook", "--create", "--allow-missing", "ring", RING]).exits(0);
    one_line_changed("modern-3.22.3.ini", &bytes, &sandbox.ini_bytes());
}

#[test]
fn a_large_ini_with_a_call_log_is_edited() {
    let mut text = String::from(
        "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n[Account1]\r\npassword=0123abcdef\r\n[Calls]\r\n",
    );
    for number in 0..21_000_u32 {
        let time = 1_600_000_000 + number * 60;
        text.push_str(&format!("{number}=55501{number:05};Caller Ж {number};1;{time};60;\r\n"));
    }
    text.push_str("[Dialed]\r\n0=5550100\r\n");
    let before = utf16(&text);
    assert!(before.len() > 2_000_000, "{}", before.len());
    let sandbox = Sandbox::with_ini(&before);
    sandbox.run_on_ini(&["set-hook", "--allow-missing", "ring", RING]).exits(0);
    let expected = text.replace("version=3.22.3\r\n", &format!("version=3.22.3\r\n{KEY}=\"{RING}\"\r\n"));
    assert!(sandbox.ini_text() == expected, "more than one line changed");
    assert_eq!(
        sandbox.run_on_ini(&["get", "Calls/19999"]).exits(0).stdout,
        "5550119999;Caller Ж 19999;1;1601199940;60;\n"
    );
    let listed = sandbox.run_on_ini(&["list"]).exits(0);
    assert!(!listed.stdout.contains("Caller") && !listed.stdout.contains("0123abcdef"));
    sandbox.run_on_ini(&["unset-hook", "ring"]).exits(0);
    assert!(sandbox.ini_bytes() == before, "unset-hook didn't restore the bytes");
    sandbox.run_on_ini(&["restore"]).exits(0);
    sandbox.run_on_ini(&["restore", "3"]).exits(0);
    assert!(sandbox.ini_bytes() == before, "restore didn't restore the bytes");
}

#[test]
fn an_edit_preserves_invalid_text() {
    // a lone surrogate, NULs, and an odd byte
    let mut bytes = utf16("[Settings]\r\nlabel=");
    bytes.extend([0x00, 0xD8, 0x78, 0x00]);
    bytes.extend(&utf16("\r\nnul=a\0b\r\n\0\0\0\r\nVAD=1\r\n")[2..]);
    bytes.push(0x78);
    let sandbox = Sandbox::with_ini(&bytes);
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
    let at = bytes.windows(4).position(|four| four == [b'=', 0, b'1', 0]).unwrap();
    let mut expected = bytes.clone();
    expected[at + 2] = b'0';
    assert_eq!(sandbox.ini_bytes(), expected);
}

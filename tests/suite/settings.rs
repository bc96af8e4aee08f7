//! get, set, unset, list and keys.

use std::fs::File;

use serde_json::{Value, json};

use crate::sandbox::{PROGRAM, Ran, Sandbox, image, refused, utf16};

const SECRET: &str = "c0ffee-Secret";

const INI: &str = "[Settings]\r\n\
    VAD=1\r\n\
    volumeRing=100\r\n\
    userAgent=My Phone\r\n\
    autoAnswer=button\r\n\
    audioInputDevice=\"Mic (USB)\"\r\n\
    usersDirectory=https://example.org/{username}\r\n\
    lastCallNumber=5550199\r\n\
    cmdIncomingCall=\"\"\r\n\
    cmdCallRing=\"\"\r\n\
    version=3.22.3\r\n\
    [Account1]\r\n\
    label=Office\r\n\
    username=5550101\r\n\
    password=c0ffee-Secret\r\n\
    keepAlive=15\r\n\
    [Calls]\r\n\
    0=5550102;Ann Example;2;1600000000;60;\r\n\
    1=5550103;Bob Example;1;1600000060;60;\r\n\
    [Dialed]\r\n\
    0=5550104\r\n";

fn sandbox() -> Sandbox {
    Sandbox::with_ini(utf16(INI))
}

/// Returns `INI` with one line changed, added or removed.
#[track_caller]
fn with(old: &str, new: &str) -> String {
    assert_eq!(INI.matches(old).count(), 1, "{old:?}");
    INI.replace(old, new)
}

fn get(sandbox: &Sandbox, key: &str) -> String {
    let ran = sandbox.run_on_ini(&["get", key]).exits(0);
    ran.stdout.strip_suffix('\n').unwrap().to_string()
}

#[track_caller]
fn hides_secrets(ran: &Ran) {
    for secret in [SECRET, "other-Secret"] {
        assert!(
            !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
            "a secret is shown: {}",
            ran.transcript
        );
    }
}

fn error(ran: &Ran, part: &str) -> String {
    ran.json()["error"][part].as_str().unwrap_or_default().to_string()
}

// --- get

#[test]
fn get_reads_as_windows_does() {
    let long = "x".repeat(300);
    let text = format!(
        "VAD=9\r\n[settings]\r\n; VAD=8\r\n VAD = 'yes' \r\nvad=7\r\nempty=\r\nquotes=\"\"q\"\"\r\nuserAgent={long}\r\n\
         comment=1 ; no comment\r\n[Settings]\r\nEC=1\r\n[ Account1 ] x\r\nserver=\"s\r\n"
    );
    let sandbox = Sandbox::with_ini(utf16(&text));
    for (key, value) in [
        ("VAD", "yes"),
        ("empty", ""),
        ("quotes", "\"q\""),
        ("comment", "1 ; no comment"),
        ("Account1/server", "\"s"),
        ("userAgent", &long[..255]),
    ] {
        assert_eq!(get(&sandbox, key), value, "{key}");
    }
    // only the first section of a name is read
    sandbox.run_on_ini(&["get", "--json", "EC"]).fails(1, "key-not-found");
}

// --- set

#[test]
fn set_changes_only_the_named_keys() {
    for (given, old, new) in [
        ("VAD=0", "VAD=1\r\n", "VAD=0\r\n"),
        ("vad=0", "VAD=1\r\n", "VAD=0\r\n"),
        ("settings/Vad=0", "VAD=1\r\n", "VAD=0\r\n"),
        ("userAgent=", "userAgent=My Phone\r\n", "userAgent=\r\n"),
        ("userAgent=a=b", "userAgent=My Phone\r\n", "userAgent=a=b\r\n"),
        ("userAgent=@FILE", "userAgent=My Phone\r\n", "userAgent=@FILE\r\n"),
        ("userAgent=grüße Ж 日本 😀", "userAgent=My Phone\r\n", "userAgent=grüße Ж 日本 😀\r\n"),
        ("Account1/label=Desk", "label=Office\r\n", "label=Desk\r\n"),
        ("EC=1", "version=3.22.3\r\n", "version=3.22.3\r\nEC=1\r\n"),
        ("Account1/server=sip.example.org", "keepAlive=15\r\n", "keepAlive=15\r\nserver=sip.example.org\r\n"),
        ("audioInputDevice=Headset", "\"Mic (USB)\"", "\"Headset\""),
        ("audioInputDevice=", "\"Mic (USB)\"", "\"\""),
    ] {
        let sandbox = sandbox();
        let json = sandbox.run_on_ini(&["set", "--json", given]).exits(0).json();
        assert_eq!(json["changed"], true, "{given}");
        assert_eq!(json["changes"].as_array().unwrap().len(), 1, "{given}: {json}");
        // an existing line keeps its spelling
        assert_eq!(sandbox.ini_text(), with(old, new), "{given}");
        let json = sandbox.run_on_ini(&["set", "--json", given]).exits(0).json();
        assert_eq!((&json["changed"], &json["changes"]), (&Value::from(false), &json!([])), "{given}");
    }
}

#[test]
fn invalid_values_are_refused_with_the_valid_ones() {
    for (given, allowed) in [
        ("VAD=yes", &["0", "1"][..]),
        ("VAD=2", &["0", "1"]),
        ("VAD=", &["0", "1"]),
        ("volumeRing=101", &["0", "100"]),
        ("volumeRing=-1", &["0", "100"]),
        ("volumeRing=loud", &["0", "100"]),
        ("volumeRing=1.5", &["0", "100"]),
        ("sourcePort=65536", &["65535"]),
        ("autoAnswer=maybe", &["button", "header", "all"]),
        ("denyIncoming=nobody", &["button", "user", "domain", "all"]),
        ("DTMFMethod=4", &["0", "1", "2", "3"]),
        ("mainX=99999999999", &[]),
    ] {
        let sandbox = sandbox();
        let ran = refused(&sandbox, &["set", "--json", given], 3, "value-refused");
        let message = error(&ran, "message");
        let key = given.split('=').next().unwrap();
        for part in allowed.iter().chain([&key]) {
            assert!(message.contains(part), "{given}: no {part} in {message}");
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn valid_values_are_accepted_without_warnings() {
    for given in [
        "VAD=0",
        "VAD=1",
        "volumeRing=0",
        "volumeRing=100",
        "mainX=-1200",
        "sourcePort=65535",
        "autoAnswer=all",
        "autoAnswer=",
        "DTMFMethod=3",
        "audioCodecs=opus/48000/2 PCMA/8000/1",
        "STUN=stun.example.org:3478",
        "Account1/registerRefresh=300",
    ] {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&["set", "--json", given]).exits(0);
        assert_eq!(ran.warnings(), [""; 0], "{given}: {}", ran.transcript);
        let (key, value) = given.split_once('=').unwrap();
        assert_eq!(get(&sandbox, key), value);
    }
}

#[test]
fn values_are_written_as_microsip_saves_them() {
    for (given, key, saved) in [
        ("Account1/keepAlive=0", "Account1/keepAlive", "15"),
        ("Account1/keepAlive=-3", "Account1/keepAlive", "15"),
        ("Account1/keepAlive=1", "Account1/keepAlive", "2"),
        ("Account1/registerRefresh=0", "Account1/registerRefresh", "300"),
        ("Account1/registerRefresh=9", "Account1/registerRefresh", "10"),
        ("volumeRing=007", "volumeRing", "7"),
        ("volumeRing=+7", "volumeRing", "7"),
        ("autoAnswer=ALL", "autoAnswer", "all"),
    ] {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&["set", "--json", given]).exits(0);
        assert_eq!(ran.warnings(), ["value-normalised"], "{given}");
        assert_eq!(get(&sandbox, key), saved, "{given}");
        // a second run changes nothing
        let json = sandbox.run_on_ini(&["set", "--json", given]).exits(0).json();
        assert_eq!(json["changed"], false, "{given}: {json}");
    }
    let sandbox = sandbox();
    let json = sandbox.run_on_ini(&["set", "--json", "Account1/keepAlive=0"]).exits(0).json();
    assert_eq!(json["changed"], false, "keepAlive is 15 already: {json}");
}

#[test]
fn unstable_values_are_refused_with_a_stable_form() {
    for (given, stable) in [
        ("userAgent= My Phone", "My Phone"),
        ("userAgent=My Phone ", "My Phone"),
        ("userAgent=\"My Phone\"", "My Phone"),
        ("userAgent='My Phone'", "My Phone"),
        ("Account1/label=\tDesk", "Desk"),
    ] {
        let sandbox = sandbox();
        let ran = refused(&sandbox, &["set", "--json", given], 3, "value-unstable");
        assert!(error(&ran, "hint").contains(stable), "{}", ran.transcript);
    }
    // quotes inside the value are kept
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set", "userAgent=My \"Phone\" 's"]).exits(0);
    assert_eq!(get(&sandbox, "userAgent"), "My \"Phone\" 's");
    // so are those of keys that MicroSIP quotes
    sandbox.run_on_ini(&["set", "audioInputDevice= \"Mic\" 2 "]).exits(0);
    assert_eq!(get(&sandbox, "audioInputDevice"), " \"Mic\" 2 ");
}

#[test]
fn values_that_microsip_would_cut_are_refused() {
    for (key, limit) in [
        ("userAgent", 255),
        ("audioInputDevice", 254),
        ("Account1/displayName", 1040),
        ("Account1/server", 1040),
        ("Account1/label", 255),
    ] {
        let sandbox = sandbox();
        let fits = format!("{key}={}", "é".repeat(limit));
        let ran = refused(&sandbox, &["set", "--json", &format!("{fits}x")], 3, "value-too-long");
        let message = error(&ran, "message");
        assert!(message.contains(&(limit + 1).to_string()), "{message}");
        sandbox.run_on_ini(&["set", &fits]).exits(0);
        assert_eq!(get(&sandbox, key), "é".repeat(limit), "{key}");
    }
    // two UTF-16 units each
    let sandbox = sandbox();
    let emoji = format!("userAgent={}", "😀".repeat(128));
    refused(&sandbox, &["set", "--json", &emoji], 3, "value-too-long");
}

#[test]
fn set_is_all_or_nothing() {
    for bad in ["VAD=yes", "userAgent= x", "Account1/password=inline", "cmdCallEnd=https://example.org"] {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&["set", "--json", "volumeRing=5", bad, "EC=1"]);
        assert!([2, 3].contains(&ran.status) && ran.json()["ok"] == false, "{}", ran.transcript);
        assert_eq!(sandbox.ini_text(), INI, "{}", ran.transcript);
    }
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set", "volumeRing=5", "EC=1", "Account1/label=Desk"]).exits(0);
    assert_eq!(
        sandbox.ini_text(),
        with("volumeRing=100", "volumeRing=5")
            .replace("version=3.22.3\r\n", "version=3.22.3\r\nEC=1\r\n")
            .replace("label=Office", "label=Desk")
    );
    let backups = sandbox.names().into_iter().filter(|name| name.ends_with(".bak")).count();
    assert_eq!(backups, 1, "one write, one backup: {:?}", sandbox.names());
}

#[test]
fn last_value_of_a_repeated_key_wins() {
    for (values, last) in [(["EC=1", "ec=0"], "0"), (["EC=0", "EC=0"], "0"), (["EC=0", "Settings/EC=1"], "1")]
    {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&[&["set"], &values[..]].concat());
        if ran.status == 2 {
            assert_eq!(sandbox.ini_text(), INI, "{}", ran.transcript);
            continue;
        }
        let ran = ran.exits(0);
        assert_eq!(get(&sandbox, "EC"), last, "{}", ran.transcript);
        assert_eq!(sandbox.ini_text().to_lowercase().matches("\r\nec=").count(), 1, "{}", ran.transcript);
    }
    let sandbox = sandbox();
    sandbox.run_on_ini(&["unset", "VAD", "vad"]).exits(0);
    assert_eq!(sandbox.ini_text(), with("VAD=1\r\n", ""));
    let keys = sandbox.run_on_ini(&["get", "EC", "EC"]);
    assert_eq!(keys.exits(1).stdout, "");
    assert_eq!(
        sandbox.run_on_ini(&["get", "userAgent", "userAgent"]).exits(0).stdout,
        "My Phone\nMy Phone\n"
    );
}

#[test]
fn names_and_values_cannot_add_lines() {
    for given in [
        "userAgent=a\r\ncmdCallEnd=C:\\x.exe",
        "userAgent=a\nb",
        "userAgent=a\rb",
        "[VAD=1",
        ";VAD=1",
        "V\nAD=1",
        "Set]tings/VAD=1",
        "Set\ntings/VAD=1",
        "/VAD=1",
        "=1",
    ] {
        let sandbox = sandbox();
        refused(&sandbox, &["set", "--json", given], 3, "name-refused");
    }
}

// --- sections

#[test]
fn new_section_is_added_at_the_end() {
    let text = "[Account1]\r\nlabel=x\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert_eq!(sandbox.ini_text(), format!("{text}[Settings]\r\nVAD=1\r\n"));
    sandbox.run_on_ini(&["set", "Account2/label=y"]).exits(0);
    assert_eq!(sandbox.ini_text(), format!("{text}[Settings]\r\nVAD=1\r\n[Account2]\r\nlabel=y\r\n"));
}

#[test]
fn first_of_two_sections_is_edited() {
    let text = "[Settings]\r\nEC=1\r\n[Account1]\r\nlabel=x\r\n[Settings]\r\nVAD=1\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=0"]).exits(0);
    assert!(ran.warnings().contains(&"section-duplicate".to_string()), "{}", ran.transcript);
    assert_eq!(sandbox.ini_text(), text.replace("EC=1\r\n", "EC=1\r\nVAD=0\r\n"));
}

#[test]
fn section_names_ignore_case() {
    let text = "[SETTINGS]\r\nvad=1\r\n[account1]\r\nLabel=x\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    sandbox.run_on_ini(&["set", "VAD=0", "Account1/label=y"]).exits(0);
    assert_eq!(sandbox.ini_text(), text.replace("vad=1", "vad=0").replace("Label=x", "Label=y"));
}

#[test]
fn new_lines_use_the_line_ends_of_the_file() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["[Settings]", "VAD=1", "[Account1]", "label=x", ""].join(end);
        let sandbox = Sandbox::with_ini(utf16(&text));
        sandbox.run_on_ini(&["set", "EC=1"]).exits(0);
        assert_eq!(sandbox.ini_text(), text.replace("VAD=1", &format!("VAD=1{end}EC=1")));
    }
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=1"));
    sandbox.run_on_ini(&["set", "EC=1"]).exits(0);
    assert_eq!(sandbox.ini_text(), "[Settings]\r\nVAD=1\r\nEC=1", "no line end where there was none");
}

// --- duplicates

// --- unset

// --- secrets

#[test]
fn password_on_the_command_line_is_refused() {
    for given in [
        "Account1/password=other-Secret",
        "account1/PASSWORD=other-Secret",
        "Account12/password=other-Secret",
        "password=other-Secret",
        "Settings/Password=other-Secret",
        "Account1/password= other-Secret",
    ] {
        let sandbox = sandbox();
        let ran = refused(&sandbox, &["set", "--json", "VAD=0", given], 2, "secret-inline");
        hides_secrets(&ran);
        let hint = error(&ran, "hint");
        for way in ["@env:", "@-", "@FILE"] {
            assert!(hint.contains(way), "no {way} in {hint}");
        }
        hides_secrets(&sandbox.run_on_ini(&["set", given]).exits(2));
    }
}

/// Sets the password of the first account from one of the `SOURCES`.
fn set_password(sandbox: &Sandbox, source: &str, text: &str, options: &[&str]) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    let file = sandbox.write("home/password.txt", text);
    command.args(["set", "--ini"]).arg(sandbox.ini()).args(options);
    command.arg(format!("Account1/password={}", source.replace("FILE", file.to_str().unwrap())));
    command.env("SIP_PASSWORD", text).stdin(File::open(&file).unwrap());
    sandbox.finish(command)
}

const SOURCES: &[&str] = &["@env:SIP_PASSWORD", "@FILE", "@-"];

#[test]
fn password_comes_from_a_variable_a_file_or_standard_input() {
    for source in SOURCES {
        for text in ["other-Secret", "other-Secret Ж 😀", "@other-Secret", "other=Secret;x"] {
            let sandbox = sandbox();
            let ran = set_password(&sandbox, source, text, &[]).exits(0);
            hides_secrets(&ran);
            assert_eq!(sandbox.ini_text(), with(SECRET, text), "{source} {}", ran.transcript);
            let ran = set_password(&sandbox, source, text, &["--json"]).exits(0);
            assert_eq!(ran.json()["changed"], false, "{source}");
        }
    }
}

#[test]
fn empty_source_keeps_the_password() {
    for source in SOURCES {
        let sandbox = sandbox();
        let ran = set_password(&sandbox, source, "", &["--json"]).fails(6, "secret-unreadable");
        assert_eq!(sandbox.ini_text(), INI, "{source} {}", ran.transcript);
    }
}

#[test]
fn line_end_after_a_password_is_dropped() {
    for source in ["@FILE", "@-"] {
        for end in ["\n", "\r\n"] {
            let sandbox = sandbox();
            set_password(&sandbox, source, &format!("other-Secret{end}"), &[]).exits(0);
            assert_eq!(sandbox.ini_text(), with(SECRET, "other-Secret"), "{source} {end:?}");
        }
        let sandbox = sandbox();
        let ran = set_password(&sandbox, source, "other-Secret\nEC=1\n", &["--json"]).exits(3);
        hides_secrets(&ran);
        assert_eq!(sandbox.ini_text(), INI, "{}", ran.transcript);
    }
}

#[test]
fn quotes_and_spaces_around_a_password_are_kept() {
    for text in [" other-Secret ", "\"other-Secret\"", "'other-Secret'"] {
        let sandbox = sandbox();
        hides_secrets(&set_password(&sandbox, "@env:SIP_PASSWORD", text, &[]).exits(0));
        assert_eq!(sandbox.ini_text(), with(SECRET, &format!("\"{text}\"")));
    }
}

#[test]
fn unreadable_password_source_does_not_show_a_password() {
    let sandbox = sandbox();
    for (given, is_named) in [
        ("Account1/password=@env:NO_SUCH_VARIABLE", true),
        // may be a password that starts with an @
        ("Account1/password=@no-such-file.txt", false),
    ] {
        let ran = refused(&sandbox, &["set", "--json", given], 6, "secret-unreadable");
        assert!(!error(&ran, "hint").is_empty(), "{}", ran.transcript);
        let name = given.split(['@', ':']).next_back().unwrap();
        assert_eq!(ran.stdout.contains(name), is_named, "{name}: {}", ran.transcript);
    }
    refused(&sandbox, &["set", "--json", "Account1/password=@env:"], 2, "usage");
    let not_text = sandbox.path("home/not-text");
    std::fs::write(&not_text, b"other-Secret\xFF\xFE\x00").unwrap();
    let given = format!("Account1/password=@{}", not_text.display());
    hides_secrets(&refused(&sandbox, &["set", "--json", &given], 6, "secret-unreadable"));
}

#[test]
fn password_as_long_as_an_encrypted_one_causes_a_warning() {
    for (length, is_warned) in [(14, false), (15, true), (16, true), (17, false), (31, true), (32, true)] {
        let sandbox = sandbox();
        let ran = set_password(&sandbox, "@-", &"x".repeat(length), &["--json"]).exits(0);
        assert_eq!(ran.warnings().contains(&"password-length".to_string()), is_warned, "{length}");
    }
}

#[test]
fn no_output_shows_a_password() {
    let sandbox = sandbox();
    for options in [&["-n"][..], &["-n", "--json"], &["-v"]] {
        hides_secrets(&set_password(&sandbox, "@-", "other-Secret", options).exits(0));
    }
    for args in [
        &["list"][..],
        &["list", "--json", "Account1"],
        &["get", "-v", "Account1/password", "VAD"],
        &["get", "--json", "Account1/password"],
        &["hooks", "-v"],
        &["backups", "-v"],
        &["unset", "-n", "Account1/password"],
        &["unset", "-n", "--json", "Account1/password"],
        &["set", "-n", "--allow-unknown", "Account1/passwordx=1", "Account1/label=x"],
        &["restore", "-n"],
        &["restore", "-n", "--json"],
        &["restore", "-v"],
        &["restore", "--json", "1"],
        &["unset", "--json", "Account1/password"],
        &["restore"],
        &["unset", "-v", "Account1/password"],
    ] {
        hides_secrets(&sandbox.run_on_ini(args).exits(0));
    }
    assert!(!sandbox.ini_text().contains("ecret"));
}

#[test]
fn passwords_outside_of_accounts_are_hidden() {
    for text in ["[Settings]\r\npassword=c0ffee-Secret\r\n", "[Mine]\r\nPassword=c0ffee-Secret\r\n"] {
        let sandbox = Sandbox::with_ini(utf16(text));
        for args in [&["list"][..], &["list", "--json"]] {
            hides_secrets(&sandbox.run_on_ini(args).exits(0));
        }
        let section = &text[1..text.find(']').unwrap()];
        hides_secrets(&sandbox.run_on_ini(&["get", &format!("{section}/password")]).exits(0));
    }
}

// --- commands among the settings

/// Returns the Windows path of a file, which exists on Windows.
fn target(sandbox: &Sandbox, name: &str) -> String {
    if cfg!(windows) {
        sandbox.write(&format!(r"home\{name}"), image()).to_str().unwrap().to_string()
    } else {
        format!(r"C:\hooks\{name}")
    }
}

#[test]
fn command_set_by_its_key_is_checked_as_a_hook() {
    let sandbox = sandbox();
    for (value, code) in [
        ("https://crm.example.org".to_string(), "hook-url"),
        (target(&sandbox, "log.bat"), "hook-target-batch"),
        (r"C:\Program Files\log.exe".into(), "hook-path-unquoted"),
        (r"hooks\log.exe".into(), "hook-target-relative"),
        (target(&sandbox, "note.txt"), "hook-target-not-program"),
        (r"C:\hooks\*.exe".into(), "hook-target-bad-path"),
        (" ".into(), "hook-blank"),
    ] {
        refused(&sandbox, &["set", "--json", &format!("cmdCallEnd={value}")], 3, code);
    }
    for key in ["CMDCALLEND", "Settings/cmdCallEnd", "settings/CmdCallEnd"] {
        refused(&sandbox, &["set", "--json", &format!("{key}=https://example.org")], 3, "hook-url");
    }
    let given = format!("cmdOutgoingCall={} {{password}}", target(&sandbox, "log.exe"));
    refused(&sandbox, &["set", "--json", &given], 3, "hook-mask-secret");
}

#[test]
fn hints_do_not_offer_options_that_set_lacks() {
    let sandbox = sandbox();
    let mut values =
        vec![target(&sandbox, "log.bat"), format!("{} {{password}}", target(&sandbox, "log.exe"))];
    if cfg!(windows) {
        values.push(r"C:\hooks\none.exe".into());
    }
    for value in values {
        let ran = sandbox.run_on_ini(&["set", "--json", &format!("cmdOutgoingCall={value}")]).exits(3);
        let hint = error(&ran, "hint");
        assert!(!hint.contains("--allow") || hint.contains("set-hook"), "set has no such option: {hint}");
    }
}

#[test]
fn command_set_by_its_key_is_written_as_microsip_saves_it() {
    let sandbox = sandbox();
    let path = target(&sandbox, "log.exe");
    sandbox.run_on_ini(&["set", &format!("cmdIncomingCall={path} --to crm"), "VAD=0"]).exits(0);
    let expected = with("cmdIncomingCall=\"\"", &format!("cmdIncomingCall=\"{path} --to crm\""));
    assert_eq!(sandbox.ini_text(), expected.replace("VAD=1", "VAD=0"));
    let json = sandbox.run_on_ini(&["hooks", "--json"]).exits(0).json();
    assert_eq!(
        (&json["hooks"][0]["program"], &json["hooks"][0]["args"]),
        (&path.into(), &json!(["--to", "crm"]))
    );
    sandbox.run_on_ini(&["set", "cmdIncomingCall="]).exits(0);
    let json = sandbox.run_on_ini(&["hooks", "--json"]).exits(0).json();
    assert_eq!(json["hooks"][0]["program"], Value::Null);
    sandbox.run_on_ini(&["unset", "cmdIncomingCall", "cmdCallRing"]).exits(0);
    assert!(!sandbox.ini_text().contains("cmdCallRing"));
}

// --- list

// --- keys

#[test]
fn keys_searches_names_sections_and_meanings() {
    let sandbox = Sandbox::new();
    let names = |args: &[&str]| -> Vec<String> {
        let json = sandbox.run(&[&["keys", "--json"], args].concat()).exits(0).json();
        json["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap().to_string()).collect()
    };
    let all = names(&[]);
    for key in ["VAD", "cmdIncomingCall", "password", "keepAlive", "audioCodecs", "version"] {
        assert!(all.iter().any(|name| name == key), "no {key}");
    }
    assert!(all.len() > 100, "{}", all.len());
    assert!(names(&["echo"]).contains(&"EC".to_string()), "not found by its meaning");
    let found = names(&["Account1/keepAlive"]);
    assert!(
        !found.is_empty() && found.iter().all(|name| name == "keepAlive"),
        "not found by section and key"
    );
    let found = names(&["CMD*call"]);
    assert!(found.contains(&"cmdIncomingCall".to_string()), "{found:?}");
    assert!(found.iter().all(|name| name.starts_with("cmd") && name.ends_with("Call")), "{found:?}");
    assert_eq!(names(&["*"]), all);
    assert_eq!(
        names(&["*Ring"]),
        all.iter().filter(|name| name.ends_with("Ring")).cloned().collect::<Vec<_>>()
    );
    sandbox.run(&["keys", "--json", "ring*nothing"]).fails(1, "key-not-found");
    sandbox.run(&["keys", "--json", "no setting is called like this"]).fails(1, "key-not-found");
}

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

/// The INI with one line changed, added or removed.
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
fn silent(ran: &Ran) {
    for secret in [SECRET, "other-Secret"] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "it tells: {}", ran.told);
    }
}

fn error(ran: &Ran, part: &str) -> String {
    ran.json()["error"][part].as_str().unwrap_or_default().to_string()
}

// --- get

#[test]
fn get_prints_values_as_microsip_reads_them_one_a_line() {
    let sandbox = sandbox();
    let ran = sandbox.run_on_ini(&["get", "audioInputDevice", "VAD", "Account1/label", "Settings/userAgent"]);
    assert_eq!(ran.exits(0).stdout, "Mic (USB)\n1\nOffice\nMy Phone\n");
    let ran = sandbox.run_on_ini(&["get", "--json", "AUDIOINPUTDEVICE", "account1/LABEL"]).exits(0);
    let json = ran.json();
    let values: Vec<&Value> =
        json["values"].as_array().unwrap().iter().map(|value| &value["value"]).collect();
    assert_eq!(values, ["Mic (USB)", "Office"]);
    assert_eq!(json["ini"], sandbox.ini().to_str().unwrap());
}

#[test]
fn get_reads_by_the_rules_of_windows() {
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
    // the second section of a name is invisible
    sandbox.run_on_ini(&["get", "--json", "EC"]).fails(1, "key-not-found");
}

#[test]
fn get_of_a_missing_key_prints_none() {
    let sandbox = sandbox();
    for keys in [&["none"][..], &["VAD", "none", "userAgent"], &["Nowhere/VAD"], &["Account2/label"]] {
        let ran = sandbox.run_on_ini(&[&["get"], keys].concat()).exits(1);
        assert_eq!(ran.stdout, "", "{}", ran.told);
        assert!(ran.stderr.contains(keys.iter().find(|key| **key != "VAD").unwrap()), "{}", ran.told);
        sandbox.run_on_ini(&[&["get", "--json"], keys].concat()).fails(1, "key-not-found");
    }
    let ran = sandbox.run_on_ini(&["get", "--json", "volumeRign"]).fails(1, "key-not-found");
    assert!(error(&ran, "hint").contains("volumeRing"), "{}", ran.told);
}

#[test]
fn get_without_keys_is_a_wrong_command_line() {
    sandbox().run_on_ini(&["get", "--json"]).fails(2, "usage");
}

// --- set

#[test]
fn set_changes_the_lines_it_should_and_no_others() {
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
        // the name of a line that is there stays as it is written
        assert_eq!(sandbox.ini_text(), with(old, new), "{given}");
        let json = sandbox.run_on_ini(&["set", "--json", given]).exits(0).json();
        assert_eq!((&json["changed"], &json["changes"]), (&Value::from(false), &json!([])), "{given}");
    }
}

#[test]
fn set_tells_what_was_and_what_is() {
    let sandbox = sandbox();
    let json = sandbox.run_on_ini(&["set", "--json", "audioInputDevice=Headset", "EC=1"]).exits(0).json();
    assert_eq!(
        json["changes"],
        json!([
            {"section": "Settings", "key": "audioInputDevice", "before": "Mic (USB)", "after": "Headset"},
            {"section": "Settings", "key": "EC", "before": null, "after": "1"},
        ])
    );
}

#[test]
fn values_that_a_setting_cannot_have_are_refused_with_what_it_can() {
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
        for word in allowed.iter().chain([&key]) {
            assert!(message.contains(word), "{given}: no {word} in {message}");
        }
    }
}

#[test]
fn values_that_a_setting_can_have_are_accepted_without_a_word() {
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
        assert_eq!(ran.warnings(), [""; 0], "{given}: {}", ran.told);
        let (key, value) = given.split_once('=').unwrap();
        assert_eq!(get(&sandbox, key), value);
    }
}

#[test]
fn values_are_written_as_microsip_would_save_them() {
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
        // and that is already so
        let json = sandbox.run_on_ini(&["set", "--json", given]).exits(0).json();
        assert_eq!(json["changed"], false, "{given}: {json}");
    }
    let sandbox = sandbox();
    let json = sandbox.run_on_ini(&["set", "--json", "Account1/keepAlive=0"]).exits(0).json();
    assert_eq!(json["changed"], false, "keepAlive is 15 already: {json}");
}

#[test]
fn a_value_that_would_not_stay_is_refused_with_the_form_that_would() {
    for (given, would_hold) in [
        ("userAgent= My Phone", "My Phone"),
        ("userAgent=My Phone ", "My Phone"),
        ("userAgent=\"My Phone\"", "My Phone"),
        ("userAgent='My Phone'", "My Phone"),
        ("Account1/label=\tDesk", "Desk"),
    ] {
        let sandbox = sandbox();
        let ran = refused(&sandbox, &["set", "--json", given], 3, "value-unstable");
        assert!(error(&ran, "hint").contains(would_hold), "{}", ran.told);
    }
    // inner ones stay
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set", "userAgent=My \"Phone\" 's"]).exits(0);
    assert_eq!(get(&sandbox, "userAgent"), "My \"Phone\" 's");
    // those between quotes in the file stay too
    sandbox.run_on_ini(&["set", "audioInputDevice= \"Mic\" "]).exits(0);
    assert_eq!(get(&sandbox, "audioInputDevice"), " \"Mic\" ");
}

#[test]
fn a_value_that_microsip_would_cut_is_refused() {
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
    // two units each
    let sandbox = sandbox();
    let emoji = format!("userAgent={}", "😀".repeat(128));
    refused(&sandbox, &["set", "--json", &emoji], 3, "value-too-long");
}

#[test]
fn a_key_that_microsip_does_not_know_is_set_with_a_warning() {
    let sandbox = sandbox();
    let ran = sandbox.run_on_ini(&["set", "--json", "volumeRign=5"]).exits(0);
    assert_eq!(ran.warnings(), ["key-unknown"]);
    let warning = &ran.json()["warnings"][0];
    assert!(warning["hint"].as_str().unwrap().contains("volumeRing"), "{warning}");
    assert_eq!(get(&sandbox, "volumeRign"), "5");
    // forks have keys of their own
    let ran = sandbox.run_on_ini(&["set", "--json", "Mine/zzz= x "]).exits(0);
    assert_eq!(ran.warnings(), ["key-unknown"]);
    assert_eq!(get(&sandbox, "Mine/zzz"), " x ");
    assert_eq!(
        sandbox.ini_text(),
        with("version=3.22.3\r\n", "version=3.22.3\r\nvolumeRign=5\r\n") + "[Mine]\r\nzzz=\" x \"\r\n"
    );
}

#[test]
fn several_values_are_set_all_or_none() {
    for bad in ["VAD=yes", "userAgent= x", "Account1/password=inline", "cmdCallEnd=https://example.org"] {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&["set", "--json", "volumeRing=5", bad, "EC=1"]);
        assert!([2, 3].contains(&ran.status) && ran.json()["ok"] == false, "{}", ran.told);
        assert_eq!(sandbox.ini_text(), INI, "{}", ran.told);
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
fn a_key_that_is_named_twice_has_its_last_value_or_is_refused() {
    for (values, last) in [(["EC=1", "ec=0"], "0"), (["EC=0", "EC=0"], "0"), (["EC=0", "Settings/EC=1"], "1")]
    {
        let sandbox = sandbox();
        let ran = sandbox.run_on_ini(&[&["set"], &values[..]].concat());
        if ran.status == 2 {
            assert_eq!(sandbox.ini_text(), INI, "{}", ran.told);
            continue;
        }
        let ran = ran.exits(0);
        assert_eq!(get(&sandbox, "EC"), last, "{}", ran.told);
        assert_eq!(sandbox.ini_text().to_lowercase().matches("\r\nec=").count(), 1, "{}", ran.told);
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
fn what_could_plant_another_line_is_refused() {
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

#[test]
fn a_word_without_a_value_is_a_wrong_command_line() {
    let sandbox = sandbox();
    refused(&sandbox, &["set", "--json"], 2, "usage");
    let ran = refused(&sandbox, &["set", "--json", "VAD=0", "EC"], 2, "usage");
    assert!(error(&ran, "message").contains("EC"), "{}", ran.told);
}

// --- sections

#[test]
fn a_section_that_is_not_there_comes_to_the_end() {
    let text = "[Account1]\r\nlabel=x\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert_eq!(sandbox.ini_text(), format!("{text}[Settings]\r\nVAD=1\r\n"));
    sandbox.run_on_ini(&["set", "Account2/label=y"]).exits(0);
    assert_eq!(sandbox.ini_text(), format!("{text}[Settings]\r\nVAD=1\r\n[Account2]\r\nlabel=y\r\n"));
}

#[test]
fn the_first_of_two_sections_is_edited() {
    let text = "[Settings]\r\nEC=1\r\n[Account1]\r\nlabel=x\r\n[Settings]\r\nVAD=1\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=0"]).exits(0);
    assert!(ran.warnings().contains(&"section-duplicate".to_string()), "{}", ran.told);
    assert_eq!(sandbox.ini_text(), text.replace("EC=1\r\n", "EC=1\r\nVAD=0\r\n"));
}

#[test]
fn a_section_in_other_letters_is_the_section() {
    let text = "[SETTINGS]\r\nvad=1\r\n[account1]\r\nLabel=x\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    sandbox.run_on_ini(&["set", "VAD=0", "Account1/label=y"]).exits(0);
    assert_eq!(sandbox.ini_text(), text.replace("vad=1", "vad=0").replace("Label=x", "Label=y"));
}

#[test]
fn new_lines_have_the_line_ends_of_the_file() {
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

#[test]
fn set_takes_the_first_of_several_lines_and_warns_of_the_others() {
    let text = "[Settings]\r\nVAD=1\r\nEC=1\r\nvad=0\r\nVAD=0\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=0"]).exits(0);
    assert!(ran.warnings().contains(&"key-duplicate".to_string()), "{}", ran.told);
    assert_eq!(sandbox.ini_text(), text.replacen("VAD=1", "VAD=0", 1));
}

#[test]
fn unset_removes_every_line_of_a_key_and_says_how_many() {
    let text = "[Settings]\r\nVAD=1\r\nEC=1\r\nvad=0\r\nVAD=0\r\n[Account1]\r\nVAD=1\r\n";
    let sandbox = Sandbox::with_ini(utf16(text));
    let ran = sandbox.run_on_ini(&["unset", "VAD"]).exits(0);
    assert!(ran.stdout.contains('3') || ran.stderr.contains('3'), "it does not say how many: {}", ran.told);
    assert_eq!(sandbox.ini_text(), "[Settings]\r\nEC=1\r\n[Account1]\r\nVAD=1\r\n");
    let sandbox = Sandbox::with_ini(utf16(text));
    let json = sandbox.run_on_ini(&["unset", "--json", "VAD"]).exits(0).json();
    let said = json["warnings"].to_string();
    assert!(said.contains('3'), "it does not say how many: {json}");
}

// --- unset

#[test]
fn unset_removes_lines_and_nothing_else() {
    let sandbox = sandbox();
    let json = sandbox.run_on_ini(&["unset", "--json", "VAD", "Account1/label"]).exits(0).json();
    assert_eq!(
        json["changes"],
        json!([
            {"section": "Settings", "key": "VAD", "before": "1", "after": null},
            {"section": "Account1", "key": "label", "before": "Office", "after": null},
        ])
    );
    assert_eq!(sandbox.ini_text(), with("VAD=1\r\n", "").replace("label=Office\r\n", ""));
}

#[test]
fn unset_of_what_is_not_there_changes_nothing() {
    let sandbox = sandbox();
    for key in ["none", "Nowhere/VAD", "Account2/label"] {
        let json = sandbox.run_on_ini(&["unset", "--json", key]).exits(0).json();
        assert_eq!((&json["changed"], &json["changes"]), (&Value::from(false), &json!([])), "{key}");
    }
    assert_eq!((sandbox.ini_text().as_str(), sandbox.names().len()), (INI, 1));
}

// --- secrets

#[test]
fn a_password_on_the_command_line_is_refused() {
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
        silent(&ran);
        let hint = error(&ran, "hint");
        for way in ["@env:", "@-", "@FILE"] {
            assert!(hint.contains(way), "no {way} in {hint}");
        }
        silent(&sandbox.run_on_ini(&["set", given]).exits(2));
    }
}

/// Sets the password of the first account from one of the places it may come from.
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
fn a_password_comes_from_a_variable_a_file_or_standard_input() {
    for source in SOURCES {
        for text in ["other-Secret", "other-Secret Ж 😀", "@other-Secret", "other=Secret;x"] {
            let sandbox = sandbox();
            let ran = set_password(&sandbox, source, text, &[]).exits(0);
            silent(&ran);
            assert_eq!(sandbox.ini_text(), with(SECRET, text), "{source} {}", ran.told);
            let ran = set_password(&sandbox, source, text, &["--json"]).exits(0);
            assert_eq!(ran.json()["changed"], false, "{source}");
        }
    }
}

#[test]
fn a_source_that_is_empty_takes_no_password_away() {
    for source in SOURCES {
        let sandbox = sandbox();
        let ran = set_password(&sandbox, source, "", &["--json"]).fails(6, "secret-unreadable");
        assert_eq!(sandbox.ini_text(), INI, "{source} {}", ran.told);
    }
}

#[test]
fn the_line_end_behind_a_password_is_none_of_it() {
    for source in ["@FILE", "@-"] {
        for end in ["\n", "\r\n"] {
            let sandbox = sandbox();
            set_password(&sandbox, source, &format!("other-Secret{end}"), &[]).exits(0);
            assert_eq!(sandbox.ini_text(), with(SECRET, "other-Secret"), "{source} {end:?}");
        }
        let sandbox = sandbox();
        let ran = set_password(&sandbox, source, "other-Secret\nEC=1\n", &["--json"]).exits(3);
        silent(&ran);
        assert_eq!(sandbox.ini_text(), INI, "{}", ran.told);
    }
}

#[test]
fn a_password_with_quotes_or_blanks_at_its_ends_is_read_back_whole() {
    for text in [" other-Secret ", "\"other-Secret\"", "'other-Secret'"] {
        let sandbox = sandbox();
        silent(&set_password(&sandbox, "@env:SIP_PASSWORD", text, &[]).exits(0));
        assert_eq!(sandbox.ini_text(), with(SECRET, &format!("\"{text}\"")));
    }
}

#[test]
fn a_password_that_cannot_be_read_is_told_without_it() {
    let sandbox = sandbox();
    for (given, is_named) in [
        ("Account1/password=@env:NO_SUCH_VARIABLE", true),
        // no file: that may be a password which begins with an @
        ("Account1/password=@no-such-file.txt", false),
    ] {
        let ran = refused(&sandbox, &["set", "--json", given], 6, "secret-unreadable");
        assert!(!error(&ran, "hint").is_empty(), "{}", ran.told);
        let name = given.split(['@', ':']).next_back().unwrap();
        assert_eq!(ran.stdout.contains(name), is_named, "{name}: {}", ran.told);
    }
    refused(&sandbox, &["set", "--json", "Account1/password=@env:"], 2, "usage");
    let not_text = sandbox.path("home/not-text");
    std::fs::write(&not_text, b"other-Secret\xFF\xFE\x00").unwrap();
    let given = format!("Account1/password=@{}", not_text.display());
    silent(&refused(&sandbox, &["set", "--json", &given], 6, "secret-unreadable"));
}

#[test]
fn a_password_of_a_length_that_may_be_taken_for_an_encrypted_one_is_warned_of() {
    for (length, is_warned) in [(14, false), (15, true), (16, true), (17, false), (31, true), (32, true)] {
        let sandbox = sandbox();
        let ran = set_password(&sandbox, "@-", &"x".repeat(length), &["--json"]).exits(0);
        assert_eq!(ran.warnings().contains(&"password-length".to_string()), is_warned, "{length}");
    }
}

#[test]
fn no_output_tells_a_password() {
    let sandbox = sandbox();
    for options in [&["-n"][..], &["-n", "--json"], &["-v"]] {
        silent(&set_password(&sandbox, "@-", "other-Secret", options).exits(0));
    }
    for words in [
        &["list"][..],
        &["list", "--json", "Account1"],
        &["get", "-v", "Account1/password", "VAD"],
        &["get", "--json", "Account1/password"],
        &["hooks", "-v"],
        &["backups", "-v"],
        &["unset", "-n", "Account1/password"],
        &["unset", "-n", "--json", "Account1/password"],
        &["set", "-n", "Account1/passwordx=1", "Account1/label=x"],
        &["restore", "-n"],
        &["restore", "-n", "--json"],
        &["restore", "-v"],
        &["restore", "--json", "1"],
        &["unset", "--json", "Account1/password"],
        &["restore"],
        &["unset", "-v", "Account1/password"],
    ] {
        silent(&sandbox.run_on_ini(words).exits(0));
    }
    assert!(!sandbox.ini_text().contains("ecret"));
}

#[test]
fn a_password_is_shown_as_three_stars() {
    let sandbox = sandbox();
    assert_eq!(get(&sandbox, "Account1/password"), "***");
    let json = sandbox.run_on_ini(&["get", "--json", "account1/Password"]).exits(0).json();
    assert_eq!(json["values"][0]["value"], "***");
    let ran = set_password(&sandbox, "@-", "other-Secret", &["--json"]).exits(0);
    let change = &ran.json()["changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&Value::from("***"), &Value::from("***")));
    let json = sandbox.run_on_ini(&["unset", "--json", "Account1/password"]).exits(0).json();
    let change = &json["changes"][0];
    assert_eq!((&change["before"], &change["after"]), (&Value::from("***"), &Value::Null));
}

#[test]
fn a_password_outside_of_the_accounts_is_one_too() {
    for text in ["[Settings]\r\npassword=c0ffee-Secret\r\n", "[Mine]\r\nPassword=c0ffee-Secret\r\n"] {
        let sandbox = Sandbox::with_ini(utf16(text));
        for words in [&["list"][..], &["list", "--json"]] {
            silent(&sandbox.run_on_ini(words).exits(0));
        }
        let section = &text[1..text.find(']').unwrap()];
        silent(&sandbox.run_on_ini(&["get", &format!("{section}/password")]).exits(0));
    }
}

// --- commands among the settings

/// The path of a file as MicroSIP sees it; where that can be looked at, the file is there.
fn target(sandbox: &Sandbox, name: &str) -> String {
    if cfg!(windows) {
        sandbox.write(&format!(r"home\{name}"), image()).to_str().unwrap().to_string()
    } else {
        format!(r"C:\hooks\{name}")
    }
}

#[test]
fn a_command_that_is_set_by_its_key_is_checked_as_a_hook() {
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
fn what_only_set_hook_can_allow_is_told_to_be_for_it() {
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
fn a_command_that_is_set_by_its_key_stands_as_microsip_would_save_it() {
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

#[test]
fn list_prints_sections_keys_and_values() {
    let sandbox = sandbox();
    let text = sandbox.run_on_ini(&["list"]).exits(0).stdout;
    for line in [
        "[Settings]",
        "VAD=1",
        "userAgent=My Phone",
        "audioInputDevice=Mic (USB)",
        "[Account1]",
        "label=Office",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in {text}");
    }
    let text = sandbox.run_on_ini(&["list", "ACCOUNT1"]).exits(0).stdout;
    assert!(text.contains("label=Office") && !text.contains("VAD"), "{text}");
    let json = sandbox.run_on_ini(&["list", "--json", "Account1"]).exits(0).json();
    assert!(
        json["values"]
            .as_array()
            .unwrap()
            .contains(&json!({"section": "Account1", "key": "label", "value": "Office"})),
        "{json}"
    );
    let ran = sandbox.run_on_ini(&["list", "--json", "Acount1"]).fails(1, "key-not-found");
    assert!(error(&ran, "message").contains("Acount1"), "{}", ran.told);
}

#[test]
fn list_masks_what_tells_of_calls_and_people() {
    let sandbox = sandbox();
    for words in [&["list"][..], &["list", "--json"], &["list", "Calls"], &["list", "--json", "Dialed"]] {
        let ran = sandbox.run_on_ini(words).exits(0);
        silent(&ran);
        for private in ["5550199", "5550102", "5550103", "5550104", "Ann Example", "Bob Example"] {
            assert!(!ran.stdout.contains(private), "it tells {private}: {}", ran.told);
        }
        assert!(ran.stdout.contains("***"), "{}", ran.told);
    }
    // who asks for one gets it
    assert_eq!(get(&sandbox, "lastCallNumber"), "5550199");
}

// --- keys

#[test]
fn keys_tells_type_default_limits_versions_and_meaning() {
    let sandbox = Sandbox::new();
    let text = sandbox.run(&["keys", "volumeRing"]).exits(0).stdout;
    for part in ["volumeRing", "0 to 100", "100", "255", "3.19.27", "Ring volume"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let json = sandbox.run(&["keys", "--json", "VOLUMERING"]).exits(0).json();
    let keys = json["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1, "{json}");
    assert_eq!((&keys[0]["section"], &keys[0]["key"]), (&"Settings".into(), &"volumeRing".into()));
    for part in ["allowed", "default", "max_length", "since", "meaning"] {
        assert!(!keys[0][part].is_null(), "no {part} in {json}");
    }
}

#[test]
fn keys_finds_by_name_section_or_meaning() {
    let sandbox = Sandbox::new();
    let names = |words: &[&str]| -> Vec<String> {
        let json = sandbox.run(&[&["keys", "--json"], words].concat()).exits(0).json();
        json["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap().to_string()).collect()
    };
    let all = names(&[]);
    for key in ["VAD", "cmdIncomingCall", "password", "keepAlive", "audioCodecs", "version"] {
        assert!(all.iter().any(|name| name == key), "no {key}");
    }
    assert!(all.len() > 100, "{}", all.len());
    assert!(names(&["echo"]).contains(&"EC".to_string()), "by its meaning");
    let found = names(&["Account1/keepAlive"]);
    assert!(!found.is_empty() && found.iter().all(|name| name == "keepAlive"), "as other commands name it");
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

//! Desired state: apply, check, export, schema.

mod actions;
mod state_version;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use msipcfg::desired::redact::Redaction;
use msipcfg::desired::resolve::{self, Desired};
use msipcfg::desired::source::{Format, Source};
use msipcfg::desired::variables::Variables;
use msipcfg::diagnostic::ToDiagnostic;
use msipcfg::microsip::privacy::Guarded;
use msipcfg::request::ValueSource;

use crate::docs::{assert_generated_file, is_updating, path};
use crate::sandbox::{Ran, Sandbox, utf16};

const SECRET: &str = "T0p-S3cret";

fn read_secret(place: &ValueSource) -> io::Result<Guarded> {
    match place {
        ValueSource::Variable(name) if name == "PW" => Ok(Guarded::password(SECRET)),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Resolves a file with two variables: one from the command line, and a password.
fn resolve(name: &str, text: String) -> Result<Desired, String> {
    let message = |error: msipcfg::desired::error::DesiredError| {
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("{} [{}]{hint}\n", error, error.code().name())
    };
    let mut variables = Variables::new(&[("extension".into(), "201".into())], &read_secret);
    let more = "pw = { env = \"PW\" }".to_string();
    let more =
        Source::parse("vars.toml".into(), more, Format::Toml, Redaction::Everything).map_err(message)?;
    variables.add_file(&more, Path::new("")).map_err(message)?;
    let source = Source::parse(name.into(), text, Format::of(Path::new(name)), Redaction::Passwords);
    resolve::resolve(&source.map_err(message)?, &variables, Path::new("")).map_err(message)
}

#[test]
fn mistakes_are_reported_with_their_place_and_without_passwords() {
    let folder = "fixtures/desired/wrong";
    let mut expected = BTreeSet::new();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(path(folder)).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_string();
        if let Some(name) = name.strip_suffix(".txt") {
            expected.insert(name.to_string());
            continue;
        }
        let error = resolve(&name, std::fs::read_to_string(&file).unwrap()).err();
        let error = error.unwrap_or_else(|| panic!("{name} is accepted"));
        assert!(!error.contains(SECRET), "{name}: {error}");
        assert_generated_file(&format!("{folder}/{name}.txt"), &error);
        found.insert(name);
    }
    assert!(found.len() > 40);
    assert!(expected.is_subset(&found) && (is_updating() || found == expected));
}

fn export_of(sandbox: &Sandbox, ini: &Path) -> Ran {
    sandbox.run(&["export", "--codepage", "1251", "--ini", ini.to_str().unwrap()]).exits(0)
}

/// Runs msipcfg with the variables for the passwords in an exported file.
fn run_with_passwords(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let mut command = sandbox.command(crate::sandbox::PROGRAM);
    command.args(words);
    for number in 1..=3 {
        command.env(format!("MICROSIP_PASSWORD_{number}"), format!("{SECRET}-{number}"));
    }
    sandbox.finish(command)
}

fn fixture_inis() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path("fixtures/inis")).unwrap();
    let mut inis: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    inis.retain(|ini| ini.extension().is_some_and(|ending| ending == "ini"));
    inis.sort();
    assert!(inis.len() > 20);
    inis
}

#[test]
#[cfg_attr(windows, ignore = "slow: over a hundred starts, for rules that are the same on each system")]
fn exported_state_can_be_applied_to_an_empty_ini() {
    for ini in fixture_inis() {
        let sandbox = Sandbox::new();
        let exported = export_of(&sandbox, &ini);
        assert!(!exported.stdout.contains("T0p"), "{}", exported.transcript);
        let file = sandbox.write("state.toml", &exported.stdout);
        let file = file.to_str().unwrap();
        let same = ["check", file, "--json", "--codepage", "1251", "--ini", ini.to_str().unwrap()];
        let differences = run_with_passwords(&sandbox, &same).json()["differences"].clone();
        // The passwords of the inis are encrypted, so they can't be given.
        let is_password = |difference: &serde_json::Value| difference["key"] == "password";
        assert!(differences.as_array().is_none_or(|all| all.iter().all(is_password)), "{differences}");
        let new = sandbox.ini();
        let new = new.to_str().unwrap();
        let apply = ["apply", file, "--create", "--ini", new];
        if without_comments(&exported.stdout).is_empty() {
            // An ini without settings, hooks, accounts and shortcuts: its state would do nothing.
            run_with_passwords(&sandbox, &apply).exits(3).says("desired-empty");
            continue;
        }
        run_with_passwords(&sandbox, &apply).exits(0);
        let checked = run_with_passwords(&sandbox, &["check", file, "--json", "--ini", new]).exits(0);
        assert_eq!(
            (&checked.json()["in_state"], checked.json()["differences"].as_array().map(Vec::len)),
            (&true.into(), Some(0)),
            "{}",
            checked.transcript
        );
        // except for passwords, the export is the same again
        assert_eq!(
            without_comments(&export_of(&sandbox, Path::new(new)).stdout),
            without_comments(&exported.stdout),
            "{}",
            ini.display()
        );
    }
}

fn without_comments(text: &str) -> String {
    let is_comment = |line: &str| line.starts_with('#') || ["", "[settings]", "[hooks]"].contains(&line);
    text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")
}

/// Returns the example in the documentation.
fn example() -> String {
    let text = std::fs::read_to_string(path("docs/admin/provisioning.md")).unwrap().replace("\r\n", "\n");
    let (_, after) = text.split_once("```toml\n# every-part.toml\n").unwrap();
    after.split_once("```").unwrap().0.to_string()
}

fn run_example(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let mut command = sandbox.command(crate::sandbox::PROGRAM);
    let ini = sandbox.ini();
    command.args([words[0], "phone.toml", "--var", "extension=201", "--ini", ini.to_str().unwrap()]);
    command.args(&words[1..]).env("SIP_PASSWORD", SECRET);
    let ran = sandbox.finish(command);
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}", ran.transcript);
    ran
}

#[test]
fn documented_example_is_applied_once() {
    let sandbox = Sandbox::with_ini(utf16(
        "[Settings]\r\nEC=0\r\nrecordingPath=C:\\Old\r\nfirst=1\r\ncmdCallEnd=\"C:\\\\old.exe\"\r\n\
         [Account1]\r\ndomain=old.example.org\r\nusername=7\r\nproxy=old\r\npassword=0011\r\n\
         [Account2]\r\ndomain=two.example.org\r\nmine=1\r\n",
    ));
    sandbox.write("phone.toml", example());
    let before = sandbox.ini_bytes();
    let shown = run_example(&sandbox, &["apply", "--dry-run", "--allow-missing"]).exits(0);
    shown.says("+accountId=1").says("password=***").says("-proxy=old");
    assert_eq!(sandbox.ini_bytes(), before);
    let checked = run_example(&sandbox, &["check", "--json"]).exits(1);
    assert_eq!(checked.json()["in_state"], false);
    let differences = checked.json()["differences"].as_array().unwrap().clone();
    let of = |key: &str| {
        differences
            .iter()
            .find(|one| one["key"] == key)
            .unwrap_or_else(|| panic!("{key}: {}", checked.transcript))
    };
    assert_eq!((&of("username")["wanted"], &of("username")["found"]), (&"201".into(), &"7".into()));
    assert_eq!((&of("password")["wanted"], &of("password")["found"]), (&"***".into(), &"***".into()));
    run_example(&sandbox, &["check"]).exits(1).says("Account1/username: expected '201', found '7'");

    let first = run_example(&sandbox, &["apply", "--json", "--allow-missing"]).exits(0);
    assert_eq!(first.json()["changed"], true, "{}", first.transcript);
    let text = sandbox.ini_text();
    for line in ["accountId=1", "username=201", "first=1", &format!("password={SECRET}")] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
    for gone in ["proxy", "two.example.org", "mine", "old"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    let second = run_example(&sandbox, &["apply", "--json", "--allow-missing"]).exits(0);
    assert_eq!(
        (&second.json()["changed"], second.json()["changes"].as_array().map(Vec::len)),
        (&false.into(), Some(0))
    );
    assert_eq!(sandbox.ini_text(), text);
    run_example(&sandbox, &["check"]).exits(0).says("in state");
    sandbox.run_on_ini(&["export"]).exits(0).says("password = { env = ");
    run_example(&sandbox, &["apply", "-v", "--allow-missing"]).exits(0);
}

const STORE: &str = "MicroSIP.ini.msipcfg-state.json";

fn store(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path(STORE)).unwrap_or_default()
}

/// Replaces a password in the ini.
fn replace_password(sandbox: &Sandbox, from: &str, to: &str) {
    let line = |password: &str| format!("password={password}\r\n");
    let text = sandbox.ini_text();
    assert!(text.contains(&line(from)), "{text}");
    sandbox.write("MicroSIP.ini", utf16(text.replace(&line(from), &line(to)).trim_start_matches('\u{FEFF}')));
}

/// Returns a text as long as MicroSIP's encrypted form of a password: MFC's form of a string, padded to blocks of 8
/// bytes. 10 characters are 4 + 20 bytes, padded to 32.
fn encrypted(password: &str) -> String {
    let blocks = (4 + 2 * password.len()) / 8 + 1;
    password.bytes().cycle().take(8 * blocks).map(|byte| format!("{:02X}", byte ^ 0xA5)).collect()
}

/// Returns whether `check` finds the ini in state, and whether it is certain about the password.
fn checked(sandbox: &Sandbox) -> (bool, bool) {
    let before = (sandbox.ini_bytes(), store(sandbox));
    let ran = run_example(sandbox, &["check", "--json"]);
    assert_eq!((sandbox.ini_bytes(), store(sandbox)), before, "check writes: {}", ran.transcript);
    assert_eq!(ran.json()["in_state"], ran.status == 0, "{}", ran.transcript);
    (ran.status == 0, !ran.warnings().contains(&"password-unconfirmed".to_string()))
}

#[test]
fn password_stays_in_state_when_microsip_encrypts_it() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    sandbox.write("phone.toml", example());
    run_example(&sandbox, &["apply", "--allow-missing"]).exits(0);
    assert!(!store(&sandbox).contains(SECRET));
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    assert_eq!(checked(&sandbox), (true, false));
    let before = (sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap());
    let applied = run_example(&sandbox, &["apply", "--json", "--allow-missing"]).exits(0);
    assert_eq!(applied.json()["changed"], false, "{}", applied.transcript);
    assert_eq!((sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap()), before);
    assert_eq!(checked(&sandbox), (true, true));
    // a password set by the user is a difference, and apply replaces it
    replace_password(&sandbox, &encrypted(SECRET), &encrypted("T0p-S3creT"));
    let ran = run_example(&sandbox, &["check", "--json"]).exits(1);
    assert_eq!(ran.json()["differences"][0]["key"], "password", "{}", ran.transcript);
    run_example(&sandbox, &["apply", "--allow-missing"]).exits(0);
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    assert_eq!(checked(&sandbox), (true, false));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| sandbox.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode(STORE), mode("MicroSIP.ini"));
    }
}

#[test]
fn every_write_records_the_encrypted_password() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    // only passwords are to be remembered
    sandbox.write("phone.toml", example().replace("state-version = 3\n", ""));
    let apply = || run_example(&sandbox, &["apply", "--allow-missing"]).exits(0);
    apply();
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    // a dry run records nothing
    sandbox.run_on_ini(&["set", "-n", "VAD=1"]).exits(0);
    assert_eq!(checked(&sandbox), (true, false));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert_eq!(checked(&sandbox), (true, true));
    replace_password(&sandbox, &encrypted(SECRET), &encrypted("T0p-S3creT"));
    assert!(!checked(&sandbox).0);
    // recorded even if there is nothing to change
    apply();
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert_eq!(checked(&sandbox), (true, true));
    // restoring a backup with the same password
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
    sandbox.run_on_ini(&["restore"]).exits(0);
    assert_eq!(checked(&sandbox), (true, true));

    // another password in clear text can have an encrypted form of the same length
    apply();
    sandbox.write("another", "T0p-S3creT");
    sandbox.run_on_ini(&["set", "Account1/password=@another"]).exits(0);
    replace_password(&sandbox, "T0p-S3creT", &encrypted("T0p-S3creT"));
    assert!(!checked(&sandbox).0);
    // a removed password is forgotten
    apply();
    assert!(store(&sandbox).contains("Account1"));
    sandbox.run_on_ini(&["unset", "Account1/password"]).exits(0);
    assert!(!sandbox.path(STORE).exists());
    // a store that can't be written causes a warning
    std::fs::create_dir(sandbox.path(STORE)).unwrap();
    run_example(&sandbox, &["apply", "--allow-missing"]).exits(0).says("[password-unnoted]");
}

#[test]
fn ensure_mode_leaves_other_accounts_alone() {
    let sandbox = Sandbox::with_ini(utf16(
        "[Settings]\r\naccountId=1\r\n[Account1]\r\ndomain=a.example.org\r\nusername=1\r\nproxy=p\r\n",
    ));
    let file = "accounts-mode = \"ensure\"\n[[accounts]]\ndomain = \"b.example.org\"\nusername = \"2\"\n\
                [[accounts]]\ndomain = \"A.example.org\"\nusername = \"1\"\nlabel = \"Desk\"\n";
    sandbox.write("a.toml", file);
    sandbox.run_on_ini(&["apply", "a.toml"]).exits(0);
    assert_eq!(
        sandbox.ini_text(),
        "[Settings]\r\naccountId=1\r\n[Account1]\r\ndomain=A.example.org\r\nusername=1\r\nproxy=p\r\n\
         label=Desk\r\n[Account2]\r\ndomain=b.example.org\r\nusername=2\r\n"
    );
    sandbox.run_on_ini(&["check", "a.toml"]).exits(0);
}

#[test]
fn json_and_ini_files_are_equivalent_to_toml() {
    let toml = "[settings]\nVAD = 1\nEC = 0\nuserAgent = \"Desk 201 ${x\"\n[hooks]\nring = 'C:\\hooks\\a b.exe'\n\
                [[accounts]]\ndomain = \"example.org\"\nusername = \"ann\"\npassword = \"T0p-S3cret\"\n[shortcuts]\n0 = \"a;1;call\"\n"
        .replace("${x", "$${x");
    let json = r#"{"$schema": "desired-state.schema.json", "settings": {"VAD": 1, "EC": "0", "userAgent": "Desk ${extension} $${x"},
        "hooks": {"cmdIncomingCall": {"program": "C:\\hooks\\a b.exe"}}, "accounts": [{"Domain": "example.org",
        "username": "ann", "password": "${pw}"}], "shortcuts": {"0": "a;1;call"}}"#;
    let ini = "[Settings]\r\nvad=1\r\nEC=0\r\nuserAgent=Desk 201 $${x\r\ncmdIncomingCall=\"\"C:\\hooks\\a b.exe\"\"\r\n\
               [Shortcuts]\r\n0=a;1;call\r\n[Account1]\r\ndomain=example.org\r\nusername=ann\r\npassword=T0p-S3cret\r\n";
    let mut texts = Vec::new();
    for (name, bytes) in [("a.toml", toml.into_bytes()), ("a.json", utf16(json)), ("a.ini", utf16(ini))] {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
        sandbox.write(name, bytes);
        sandbox.write("vars.toml", "pw = { env = \"SIP_PASSWORD\" }\nextension = 200\n");
        let run = |words: &[&str]| {
            let mut command = sandbox.command(crate::sandbox::PROGRAM);
            let ini = sandbox.ini();
            command
                .args(words)
                .args([name, "--vars", "vars.toml", "--var", "extension=201", "--ini"])
                .arg(ini);
            command.env("SIP_PASSWORD", SECRET);
            let ran = sandbox.finish(command);
            assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}", ran.transcript);
            ran
        };
        run(&["apply", "-v", "--allow-missing"]).exits(0);
        run(&["check", "-v"]).exits(0);
        texts.push(sandbox.ini_text());
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
    assert!(texts[0].contains("Desk 201 ${x\r\n"), "{}", texts[0]);
}

#[test]
fn mistakes_in_a_variables_file_show_no_value() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    sandbox.write("a.toml", "[settings]\nVAD = 1\n");
    for text in ["pw = [\"T0p-S3cret\"]\n", "pw = \"T0p-S3cret\n", "pw \"T0p-S3cret\"\n", "[T0p-S3cret\n"] {
        sandbox.write("vars.toml", text);
        let ran = sandbox
            .run_on_ini(&["apply", "a.toml", "--vars", "vars.toml", "--json"])
            .fails(3, "desired-invalid");
        assert!(!ran.stdout.contains(SECRET), "{}", ran.transcript);
    }
}

#[test]
fn mistakes_leave_the_ini_unchanged() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=0\r\nversion=3.20.5\r\n"));
    sandbox.write("wrong.toml", "[settings]\nVAD = 1\nEC = 2\n");
    sandbox.write("new.toml", "[microsip]\nmin-version = \"3.21.6\"\n[settings]\nVAD = 0\n");
    sandbox.write("hook.toml", "[settings]\nVAD = 1\n[hooks]\nring = 'hooks\\a.exe'\n");
    let before = sandbox.ini_bytes();
    let ran = sandbox.run_on_ini(&["apply", "wrong.toml", "--json"]).fails(3, "value-refused");
    let error = &ran.json()["error"];
    assert_eq!(
        (&error["file"], &error["line"], &error["column"]),
        (&"wrong.toml".into(), &3.into(), &6.into())
    );
    let ran = sandbox.run_on_ini(&["apply", "wrong.toml"]).exits(3);
    assert!(ran.stderr.contains("[value-refused]\n  3 | EC = 2\n    |      ^\n"), "{}", ran.transcript);
    sandbox.run_on_ini(&["apply", "new.toml", "--json"]).fails(3, "microsip-too-old");
    sandbox
        .run_on_ini(&["check", "new.toml"])
        .exits(1)
        .says("microsip/min-version: expected '3.21.6', found '3.20.5'");
    sandbox.run_on_ini(&["apply", "hook.toml", "--json"]).exits(3);
    sandbox.run_on_ini(&["apply", "none.toml", "--json"]).fails(6, "file-read");
    assert_eq!(sandbox.ini_bytes(), before);
}

#[test]
fn schema_is_published() {
    assert_generated_file(
        "docs/reference/desired-state.schema.json",
        &msipcfg::desired::json_schema::of_file(),
    );
    let ran = Sandbox::new().run(&["schema", "--json"]).exits(0);
    assert_eq!(ran.json()["title"], "MicroSIP desired state");
}

#[cfg(unix)]
#[test]
fn schema_says_what_is_wrong_with_a_value() {
    let schema = serde_json::from_str(&msipcfg::desired::json_schema::of_file()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let account = |part: &str| format!(r#"{{"accounts": [{{"domain": "a", {part}}}]}}"#);
    for (text, wanted) in [
        (r#"{"settings": {"volumeRing": 101}}"#.to_string(), "101 is greater than the maximum of 100"),
        (r#"{"settings": {"volumeRing": "loud"}}"#.into(), r#""loud" is not of types "boolean", "integer""#),
        (r#"{"settings": {"VAD": true}}"#.into(), "true is not one of 0, 1 or false"),
        (r#"{"settings": {"userAgent": 5}}"#.into(), r#"5 is not of types "boolean", "string""#),
        (r#"{"settings": {"VDA": 1}}"#.into(), "'VDA' was unexpected"),
        (
            r#"{"hooks": {"ring": {"program": "a.exe", "arguments": []}}}"#.into(),
            "'arguments' was unexpected",
        ),
        (r#"{"hooks": {"ring": {}}}"#.into(), "{} has less than 1 property"),
        (r#"{"hooks": {"ring": [{"opne": "h"}]}}"#.into(), "'opne' was unexpected"),
        (r#"{"hooks": {"ring": {"post": "h", "headers": {"a": 1}}}}"#.into(), r#"1 is not of type "string""#),
        (r#"{"numbers": {"country": 49}}"#.into(), r#"49 is not of type "string""#),
        (account(r#""password": {"var": "PW"}"#), "'var' was unexpected"),
        (account(r#""password": 471147"#), "471147 is not of types"),
        (account(r#""transport": "pigeon""#), r#""pigeon" is not one of "", "udp""#),
        (r#"{"accounts": [{"username": "a"}]}"#.into(), r#""domain" is a required property"#),
    ] {
        let errors: Vec<String> = validator
            .iter_errors(&serde_json::from_str(&text).unwrap())
            .map(|error| error.to_string())
            .collect();
        assert!(errors.len() == 1 && errors[0].contains(wanted), "{text}: {errors:?}");
    }
    for text in [
        r#"{"settings": {"volumeRing": 100, "VAD": false, "autoAnswer": "", "userAgent": "${x}"}}"#.into(),
        r#"{"hooks": {"ring": "a.exe", "end": false, "cmdCallStart": {"program": "a.exe", "args": ["b"]}}}"#.into(),
        r#"{"hooks": {"ring": {"open": "h", "only": "external"}, "end": [{"post": "h", "json": [1], "headers": {"a": "b"}}]}}"#.into(),
        r#"{"numbers": {"country": "49", "internal": 3}, "history": "off", "runner": "C:\\msipcfg-run.exe"}"#.into(),
        r#"{"numbers": false, "history": false}"#.into(),
        account(r#""password": {"env": "PW"}, "transport": "tcp", "keepAlive": 0"#),
        r#"{"$schema": "a.json", "accounts-mode": "ensure", "accounts": [], "shortcuts": {"0": "a;1;call", "1": false}}"#.into(),
    ] {
        let state = serde_json::from_str(&text).unwrap();
        assert_eq!(validator.iter_errors(&state).count(), 0, "{text}");
    }
}

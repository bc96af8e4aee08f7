//! A wanted state: apply, check, export, schema.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use msipcfg::desired::source::{Format, Hidden, Source};
use msipcfg::desired::state::{self, Desired};
use msipcfg::desired::vars::Variables;
use msipcfg::diagnostic::ToDiagnostic;
use msipcfg::request::ValueSource;

use crate::docs::{assert_generated_file, is_updating, path};
use crate::sandbox::{Ran, Sandbox, utf16};

const SECRET: &str = "T0p-S3cret";

fn read_secret(place: &ValueSource) -> io::Result<String> {
    match place {
        ValueSource::Variable(name) if name == "PW" => Ok(SECRET.into()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Reads a file with two variables: one of the command line, and a password.
fn resolve(name: &str, text: String) -> Result<Desired, String> {
    let told = |error: msipcfg::desired::DesiredError| {
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("{} [{}]{hint}\n", error, error.code().name())
    };
    let mut variables = Variables::new(&[("extension".into(), "201".into())], &read_secret);
    let more = "pw = { env = \"PW\" }".to_string();
    let more = Source::parse("vars.toml".into(), more, Format::Toml, Hidden::Values).map_err(told)?;
    variables.add_file(&more, Path::new("")).map_err(told)?;
    let source = Source::parse(name.into(), text, Format::of(Path::new(name)), Hidden::Passwords);
    state::resolve(&source.map_err(told)?, &variables, Path::new("")).map_err(told)
}

#[test]
fn every_mistake_is_told_with_its_place_and_no_password() {
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
        let error = error.unwrap_or_else(|| panic!("{name} is taken"));
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

/// A run with passwords for what `export` wrote.
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
fn what_is_exported_brings_an_empty_ini_into_the_same_state() {
    for ini in crate::sandbox::some(fixture_inis()) {
        let sandbox = Sandbox::new();
        let exported = export_of(&sandbox, &ini);
        assert!(!exported.stdout.contains("T0p"), "{}", exported.told);
        let file = sandbox.write("state.toml", &exported.stdout);
        let file = file.to_str().unwrap();
        let new = sandbox.ini();
        let new = new.to_str().unwrap();
        run_with_passwords(&sandbox, &["apply", file, "--create", "--ini", new]).exits(0);
        let checked = run_with_passwords(&sandbox, &["check", file, "--json", "--ini", new]).exits(0);
        assert_eq!(
            (&checked.json()["in_state"], checked.json()["differences"].as_array().map(Vec::len)),
            (&true.into(), Some(0)),
            "{}",
            checked.told
        );
        // passwords aside, the same is written down again
        assert_eq!(
            without_remarks(&export_of(&sandbox, Path::new(new)).stdout),
            without_remarks(&exported.stdout),
            "{}",
            ini.display()
        );
    }
}

fn without_remarks(text: &str) -> String {
    // an account is selected that was not before
    let is_remark = |line: &str| line.starts_with('#') || ["", "[settings]", "[hooks]"].contains(&line);
    let is_kept = |line: &&str| !is_remark(line) && !line.starts_with("accountId");
    text.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

/// The example in the documentation.
fn example() -> String {
    let text = std::fs::read_to_string(path("docs/provisioning.md")).unwrap().replace("\r\n", "\n");
    let (_, behind) = text.split_once("```toml\n").unwrap();
    behind.split_once("```").unwrap().0.to_string()
}

fn run_example(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let mut command = sandbox.command(crate::sandbox::PROGRAM);
    let ini = sandbox.ini();
    command.args([words[0], "phone.toml", "--var", "extension=201", "--ini", ini.to_str().unwrap()]);
    command.args(&words[1..]).env("SIP_PASSWORD", SECRET);
    let ran = sandbox.finish(command);
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}", ran.told);
    ran
}

#[test]
fn the_example_of_the_documentation_is_applied_once() {
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
        differences.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("{key}: {}", checked.told))
    };
    assert_eq!((&of("username")["wanted"], &of("username")["found"]), (&"201".into(), &"7".into()));
    assert_eq!((&of("password")["wanted"], &of("password")["found"]), (&"***".into(), &"***".into()));
    run_example(&sandbox, &["check"]).exits(1).says("Account1/username: expected '201', found '7'");

    let first = run_example(&sandbox, &["apply", "--json", "--allow-missing"]).exits(0);
    assert_eq!(first.json()["changed"], true, "{}", first.told);
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

const KEPT: &str = "MicroSIP.ini.msipcfg-passwords.json";

fn kept(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path(KEPT)).unwrap_or_default()
}

/// Puts another text in the place of a password.
fn replace_password(sandbox: &Sandbox, from: &str, to: &str) {
    let line = |password: &str| format!("password={password}\r\n");
    let text = sandbox.ini_text();
    assert!(text.contains(&line(from)), "{text}");
    sandbox.write("MicroSIP.ini", utf16(text.replace(&line(from), &line(to)).trim_start_matches('\u{FEFF}')));
}

/// What MicroSIP makes of a password at its start, in its length: MFC's form of a string is filled up to 8 bytes, here
/// 10 characters make 4 + 20 bytes and so 32.
fn encrypted(password: &str) -> String {
    let blocks = (4 + 2 * password.len()) / 8 + 1;
    password.bytes().cycle().take(8 * blocks).map(|byte| format!("{:02X}", byte ^ 0xA5)).collect()
}

/// Whether `check` says that it is in state, and whether it is sure of the password.
fn checked(sandbox: &Sandbox) -> (bool, bool) {
    let before = (sandbox.ini_bytes(), kept(sandbox));
    let ran = run_example(sandbox, &["check", "--json"]);
    assert_eq!((sandbox.ini_bytes(), kept(sandbox)), before, "check writes: {}", ran.told);
    assert_eq!(ran.json()["in_state"], ran.status == 0, "{}", ran.told);
    (ran.status == 0, !ran.warnings().contains(&"password-unconfirmed".to_string()))
}

#[test]
fn a_password_that_microsip_encrypted_is_still_the_one_that_was_set() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    sandbox.write("phone.toml", example());
    run_example(&sandbox, &["apply", "--allow-missing"]).exits(0);
    assert!(!kept(&sandbox).contains(SECRET));
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    assert_eq!(checked(&sandbox), (true, false));
    let before = (sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap());
    let applied = run_example(&sandbox, &["apply", "--json", "--allow-missing"]).exits(0);
    assert_eq!(applied.json()["changed"], false, "{}", applied.told);
    assert_eq!((sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap()), before);
    assert_eq!(checked(&sandbox), (true, true));
    // the user sets another: drift, and mended
    replace_password(&sandbox, &encrypted(SECRET), &encrypted("T0p-S3creT"));
    let ran = run_example(&sandbox, &["check", "--json"]).exits(1);
    assert_eq!(ran.json()["differences"][0]["key"], "password", "{}", ran.told);
    run_example(&sandbox, &["apply", "--allow-missing"]).exits(0);
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    assert_eq!(checked(&sandbox), (true, false));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| sandbox.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode(KEPT), mode("MicroSIP.ini"));
    }
}

#[test]
fn every_command_that_writes_notes_what_microsip_made_of_a_password() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    sandbox.write("phone.toml", example());
    let apply = || run_example(&sandbox, &["apply", "--allow-missing"]).exits(0);
    apply();
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    // a dry run is no write
    sandbox.run_on_ini(&["set", "-n", "VAD=1"]).exits(0);
    assert_eq!(checked(&sandbox), (true, false));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert_eq!(checked(&sandbox), (true, true));
    replace_password(&sandbox, &encrypted(SECRET), &encrypted("T0p-S3creT"));
    assert!(!checked(&sandbox).0);
    // also one that finds nothing to change
    apply();
    replace_password(&sandbox, SECRET, &encrypted(SECRET));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert_eq!(checked(&sandbox), (true, true));
    // going back to a text with the same password; that of the backup is the one before the last apply
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
    sandbox.run_on_ini(&["restore"]).exits(0);
    assert_eq!(checked(&sandbox), (true, true));

    // another one that was set in clear has an encryption of the same length
    apply();
    sandbox.write("another", "T0p-S3creT");
    sandbox.run_on_ini(&["set", "Account1/password=@another"]).exits(0);
    replace_password(&sandbox, "T0p-S3creT", &encrypted("T0p-S3creT"));
    assert!(!checked(&sandbox).0);
    // nothing is kept of one that has gone
    apply();
    assert!(kept(&sandbox).contains("Account1"));
    sandbox.run_on_ini(&["unset", "Account1/password"]).exits(0);
    assert!(!sandbox.path(KEPT).exists());
    // what cannot be noted is told
    std::fs::create_dir(sandbox.path(KEPT)).unwrap();
    run_example(&sandbox, &["apply", "--allow-missing"]).exits(0).says("[password-unnoted]");
}

#[test]
fn accounts_that_are_ensured_leave_the_others_alone() {
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
fn json_and_an_ini_say_the_same_as_toml() {
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
            assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}", ran.told);
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
fn a_file_of_variables_shows_no_value_of_its_own() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    sandbox.write("a.toml", "[settings]\nVAD = 1\n");
    for text in ["pw = [\"T0p-S3cret\"]\n", "pw = \"T0p-S3cret\n", "pw \"T0p-S3cret\"\n", "[T0p-S3cret\n"] {
        sandbox.write("vars.toml", text);
        let ran = sandbox
            .run_on_ini(&["apply", "a.toml", "--vars", "vars.toml", "--json"])
            .fails(3, "desired-invalid");
        assert!(!ran.stdout.contains(SECRET), "{}", ran.told);
    }
}

#[test]
fn the_ini_is_not_touched_if_anything_is_wrong() {
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
    assert!(ran.stderr.contains("[value-refused]\n  3 | EC = 2\n    |      ^\n"), "{}", ran.told);
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
fn the_schema_is_published() {
    assert_generated_file("docs/desired-state.schema.json", &msipcfg::desired::file::schema());
    let ran = Sandbox::new().run(&["schema", "--json"]).exits(0);
    assert_eq!(ran.json()["title"], "MicroSIP desired state");
}

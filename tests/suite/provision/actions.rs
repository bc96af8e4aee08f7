//! Desired states with actions.

use std::path::Path;

use msipcfg::desired::export::ExportedState;
use msipcfg::desired::hooks::{ActionSettings, Hook};
use msipcfg::desired::redact::Redaction;
use msipcfg::desired::resolve;
use msipcfg::desired::source::{Format, Source};
use msipcfg::desired::variables::Variables;
use msipcfg::hook::action::numbers::Numbers;
use msipcfg::hook::action::{Actions, History};
use msipcfg::hook::event::Event;
use msipcfg::ini::document::IniDocument;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::docs::path;
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

const SECRET: &str = "T0p-S3cret";
const INI: &str = "[Settings]\r\nversion=3.22.3\r\ncmdCallEnd=\"\"\r\n";
const STATE: &str = r#"
history = "30d"

[numbers]
country = "49"

[hooks]
ring = { open = "https://crm.example/${extension}?phone={number:e164}", only = "external" }

[[hooks.end]]
post = "https://crm.example/calls"
headers = { Authorization = "Bearer ${token}", "X-From" = "{env:COMPUTERNAME}" }
retry = "24h"

[[hooks.end]]
log = 'calls.csv'
"#;

fn sandbox(state: &str) -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16(INI));
    sandbox.write("state.toml", state);
    sandbox.write("vars.toml", format!("token = '{SECRET}{{x}}'\nextension = '20{{1}}'\n"));
    sandbox
}

/// Runs a command on the ini and the state, whose secret must not be in its output.
#[track_caller]
fn run(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    command
        .arg(words[0])
        .arg("state.toml")
        .args(["--vars", "vars.toml", "--ini"])
        .arg(sandbox.ini())
        .env("CRM_TOKEN", SECRET);
    let ran = sandbox.finish({
        command.args(&words[1..]);
        command
    });
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!output.contains("S3cret"), "{}", ran.transcript);
    ran
}

fn hooks_file(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("MicroSIP.hooks.toml")).unwrap_or_default()
}

#[test]
fn actions_are_applied_once_and_comments_stay() {
    let sandbox = sandbox(STATE);
    let ran = run(&sandbox, &["check", "--json"]).exits(1);
    let keys: Vec<String> = ran.json()["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{}/{}", one["section"].as_str().unwrap(), one["key"].as_str().unwrap()))
        .collect();
    for key in ["hooks/ring", "hooks/end", "/history", "numbers/country", "Settings/cmdCallStart"] {
        assert!(keys.contains(&key.to_string()), "{keys:?}");
    }
    let ran = run(&sandbox, &["apply", "-n"]).exits(0);
    assert!(ran.stdout.contains("+end: log calls.csv"), "{}", ran.transcript);
    assert_eq!((hooks_file(&sandbox).as_str(), sandbox.ini_text()), ("", INI.to_string()));

    run(&sandbox, &["apply"]).exits(0).says("Added end: post https://crm.example/calls");
    let file = hooks_file(&sandbox);
    for part in [
        "history = \"30d\"\n",
        "open = \"https://crm.example/20{{1}?phone={number:e164}\"\nonly = \"external\"\n",
        "Authorization = \"Bearer T0p-S3cret{{x}\", X-From = \"{env:COMPUTERNAME}\"",
    ] {
        assert!(file.contains(part), "{file}");
    }
    for key in ["cmdIncomingCall", "cmdCallStart", "cmdCallEnd", "cmdCallBusy", "cmdOutgoingCall"] {
        assert!(sandbox.ini_text().contains(&format!("{key}=")), "{}", sandbox.ini_text());
    }
    run(&sandbox, &["check"]).exits(0).says("in state");

    let commented = format!("# mine\n{file}");
    sandbox.write("MicroSIP.hooks.toml", &commented);
    let ini = sandbox.ini_bytes();
    let ran = run(&sandbox, &["apply", "--json"]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert_eq!((hooks_file(&sandbox), sandbox.ini_bytes()), (commented, ini));
}

#[test]
fn documented_example_is_applied_once() {
    let text = std::fs::read_to_string(path("docs/admin/provisioning.md")).unwrap().replace("\r\n", "\n");
    let block = |name: &str| {
        let (_, after) = text.split_once(&format!("```toml\n# {name}\n")).unwrap();
        after.split_once("```").unwrap().0.to_string()
    };
    let sandbox = sandbox(&block("actions.toml"));
    sandbox.write("vars.toml", block("secrets.toml"));
    for changed in [true, false] {
        let ran = run(&sandbox, &["apply", "--json"]).exits(0);
        assert_eq!(ran.json()["changed"], changed, "{}", ran.transcript);
    }
    assert!(hooks_file(&sandbox).contains("Bearer T0p-S3cret\""), "{}", hooks_file(&sandbox));
    run(&sandbox, &["check"]).exits(0);
}

#[test]
fn drift_of_an_action_is_a_difference_and_only_the_actions_are_written() {
    let sandbox = sandbox(STATE);
    run(&sandbox, &["apply"]).exits(0);
    let file = hooks_file(&sandbox);
    for (from, to, wanted) in [
        (
            "Bearer T0p",
            "Bearer other",
            "found 'post https://crm.example/calls; log calls.csv (with other details)'",
        ),
        ("calls.csv", "other.csv", "found 'post https://crm.example/calls; log other.csv'"),
        ("\"49\"", "\"43\"", "numbers/country: expected '49', found '43'"),
        ("30d", "31d", "history: expected '30d', found '31d'"),
        (
            "[[ring]]",
            "[[answer]]",
            "hooks/ring: expected 'open https://crm.example/20{{1}?phone={number:e164} (only external)', found no value",
        ),
    ] {
        sandbox.write("MicroSIP.hooks.toml", file.replace(from, to));
        let ran = run(&sandbox, &["check"]).exits(1);
        assert!(ran.stdout.contains(wanted), "{}", ran.transcript);
        let ini = sandbox.ini_bytes();
        let ran = run(&sandbox, &["apply"]).exits(0);
        if !to.contains("answer") {
            assert!(ran.stdout.contains("works from the next call"), "{}", ran.transcript);
            assert_eq!((hooks_file(&sandbox), sandbox.ini_bytes()), (file.clone(), ini));
        }
        run(&sandbox, &["check"]).exits(0);
    }
    sandbox.write("MicroSIP.ini", utf16(INI));
    let ran = run(&sandbox, &["check"]).exits(1);
    assert!(ran.stdout.contains("cmdIncomingCall: expected"), "{}", ran.transcript);
}

#[test]
fn programs_and_actions_replace_each_other() {
    let sandbox = sandbox("[hooks]\nring = { notify = 'a' }\nstart = 'C:\\start.exe'\n");
    run(&sandbox, &["apply", "--allow-missing"]).exits(0);
    let apply = |state: &str| {
        sandbox.write("state.toml", state);
        let ran = run(&sandbox, &["apply", "--allow-missing", "--json"]).exits(0);
        run(&sandbox, &["check"]).exits(0);
        let again = run(&sandbox, &["apply", "--allow-missing", "--json"]).exits(0);
        assert_eq!(again.json()["changed"], false, "{}", again.transcript);
        (ran, sandbox.ini_text())
    };
    let (_, ini) =
        apply("[hooks]\nring = 'C:\\ring.exe'\nstart = [{ notify = 'a' }, { run = 'C:\\start.exe' }]\n");
    assert!(ini.contains("cmdIncomingCall=\"C:\\ring.exe\""), "{ini}");
    assert!(ini.contains("cmdCallStart=\"") && !ini.contains("start.exe"), "{ini}");
    assert_eq!(hooks_file(&sandbox), "[[start]]\nnotify = \"a\"\n\n[[start]]\nrun = 'C:\\start.exe'\n");

    // a program stays where only other events need the runner
    let (ran, ini) = apply("[hooks]\nend = { log = 'a.csv' }\nring = 'C:\\ring.exe'\nstart = false\n");
    assert!(ran.warnings().contains(&"event-has-program".into()), "{}", ran.transcript);
    // the path of the runner is in quotes of its own only if it contains a space
    assert!(
        ini.contains("C:\\ring.exe") && ini.contains("msipcfg-run.exe") && ini.contains("--ini"),
        "{ini}"
    );
    assert!(ini.contains("start\""), "the runner is needed on start: {ini}");

    let (_, ini) = apply("[hooks]\nend = false\nring = false\n");
    assert!(!ini.contains("msipcfg-run") && !ini.contains("ring.exe"), "{ini}");
    assert!(!sandbox.path("MicroSIP.hooks.toml").exists());
}

#[test]
fn an_exported_ini_with_the_runner_keeps_the_actions() {
    let sandbox = sandbox("[hooks]\nring = { notify = 'a' }\n");
    run(&sandbox, &["apply"]).exits(0);
    let (ini, file) = (sandbox.ini_bytes(), hooks_file(&sandbox));
    sandbox.write("state.ini", &ini);
    sandbox.run_on_ini(&["apply", "state.ini", "--any-ini"]).exits(0);
    assert_eq!((sandbox.ini_bytes(), hooks_file(&sandbox)), (ini, file));
}

#[test]
fn a_mistake_is_reported_with_its_place_and_nothing_is_written() {
    for (state, wanted) in [
        ("[hooks]\nring = { opne = 'h' }", "2:10: unknown key 'opne'"),
        ("[hooks]\nring = { open = 'h/{numbr}' }", "2:17: unknown placeholder '{numbr}'"),
        (
            "[[hooks.end]]\npost = 'h'\nheaders = { A = '${token} {numbr}' }",
            "3:17: unknown placeholder '{numbr}'",
        ),
        ("[[hooks.end]]\npost = 'h'\nheaders = { A = '***' }", "3:17: *** is what msipcfg shows"),
        ("[hooks]\nring = []", "2:8: hooks.ring: expected a program, an action"),
        ("[hooks]\nring = ['a.exe']", "2:9: hooks.ring[0]: expected a table, found text"),
        ("[hooks]\nring = { program = 'a.exe', open = 'h' }", "2:29: unknown key 'open'"),
        ("[hooks]\nring = { open = 'https://${extension}{number}/' }", "2:17: "),
        ("[hooks]\nring = { notify = 'a' }\nincoming = { notify = 'b' }", "3:1: 'incoming' appears twice"),
        ("history = 'soon'", "1:11: history: expected a time"),
        ("numbers = { countries = '49' }", "1:13: unknown key 'countries'"),
        ("runner = 'C:\\other.exe'", "1:10: runner: expected a path that ends with msipcfg-run.exe"),
    ] {
        let sandbox = sandbox(state);
        let ran = run(&sandbox, &["apply"]).exits(3);
        assert!(ran.stderr.contains(&format!("state.toml:{wanted}")), "{state}\n{}", ran.transcript);
        assert!(ran.stderr.contains('^') || ran.stderr.contains("hidden"), "{}", ran.transcript);
        assert_eq!((hooks_file(&sandbox).as_str(), sandbox.ini_text()), ("", INI.to_string()));
    }
}

#[test]
fn private_values_come_from_elsewhere_than_the_command_line() {
    let sandbox = sandbox("[hooks]\nend = { post = 'h', headers = { A = 'Bearer ${t}' } }\n");
    let var = format!("t={SECRET}");
    let ran = sandbox.run_on_ini(&["apply", "state.toml", "--var", &var]).exits(2);
    assert!(ran.stderr.contains("secret-inline"), "{}", ran.transcript);
    sandbox.write("secret", SECRET);
    sandbox.write("vars.toml", "t = { file = 'secret' }\n");
    run(&sandbox, &["apply"]).exits(0);
    assert!(hooks_file(&sandbox).contains("Bearer T0p-S3cret\""), "{}", hooks_file(&sandbox));
    sandbox.write("state.toml", "[hooks]\nend = { post = 'h?${t}' }\n");
    run(&sandbox, &["apply"]).exits(3).says("so it can't be used where it would be visible");
}

#[test]
fn an_old_microsip_has_no_actions() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nversion=3.14.0\r\n"));
    sandbox.write("vars.toml", "");
    sandbox.write("state.toml", "[hooks]\nend = { notify = 'a' }\n");
    run(&sandbox, &["apply", "--json"]).fails(3, "actions-unsupported");
    run(&sandbox, &["check", "--json"]).fails(3, "actions-unsupported");
    sandbox.write("state.toml", "[microsip]\nmin-version = '3.19.0'\n[hooks]\nend = { notify = 'a' }\n");
    run(&sandbox, &["apply", "--json"]).fails(3, "microsip-too-old");
    assert!(!sandbox.path("MicroSIP.hooks.toml").exists());
}

#[test]
fn json_has_actions_too() {
    let sandbox = sandbox("");
    sandbox.write(
        "state.json",
        r#"{"hooks": {"end": [{"post": "https://h/", "headers": {"B": "{env:B}", "A": "{env:A}"},
            "json": {"z": [1.5, true], "a": "{number}"}}]}, "numbers": {"internal": 3}}"#,
    );
    for changed in [true, false] {
        let ran = sandbox.run_on_ini(&["apply", "state.json", "--json"]).exits(0);
        assert_eq!(ran.json()["changed"], changed, "{}", ran.transcript);
    }
    assert!(hooks_file(&sandbox).contains("json = { z = [1.5, true], a = \"{number}\" }"));
    sandbox.write("state.json", r#"{"hooks": {"end": {"post": "https://h/", "json": {"a": null}}}}"#);
    sandbox.run_on_ini(&["apply", "state.json"]).exits(3).says("found null");
}

#[cfg(not(windows))]
#[test]
fn the_runner_can_be_somewhere_else() {
    let sandbox = sandbox("runner = 'D:\\apps\\msipcfg-run.exe'\n[hooks]\nend = { log = 'a.csv' }\n");
    run(&sandbox, &["apply"]).exits(0);
    assert_eq!(sandbox.ini_text().matches("D:\\apps\\msipcfg-run.exe").count(), 5, "{}", sandbox.ini_text());
    let ran = run(&sandbox, &["apply", "--json"]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    sandbox.run_on_ini(&["export"]).exits(0).says("runner = 'D:\\apps\\msipcfg-run.exe'");
    sandbox.write("state.toml", "runner = 'E:\\apps\\msipcfg-run.exe'\n");
    run(&sandbox, &["check"]).exits(1);
    run(&sandbox, &["apply"]).exits(0);
    assert_eq!(sandbox.ini_text().matches("E:\\apps\\msipcfg-run.exe").count(), 5, "{}", sandbox.ini_text());
}

#[test]
fn an_export_has_the_actions_and_names_variables_for_private_values() {
    let sandbox = sandbox(STATE);
    run(&sandbox, &["apply"]).exits(0);
    let ran = sandbox.run_on_ini(&["export"]).exits(0);
    assert!(!ran.transcript.contains("S3cret"), "{}", ran.transcript);
    assert!(ran.stdout.contains("Authorization = \"{env:MSIPCFG_SECRET_1}\""), "{}", ran.transcript);
    assert!(ran.stderr.contains("the header Authorization of end: post"), "{}", ran.transcript);
    assert!(!ran.stdout.contains("msipcfg-run"), "{}", ran.transcript);

    let other = Sandbox::new();
    let file = other.write("state.toml", &ran.stdout);
    let new = other.ini();
    let (file, new) = (file.to_str().unwrap(), new.to_str().unwrap());
    other.run(&["apply", file, "--create", "--ini", new]).exits(0);
    other.run(&["check", file, "--ini", new]).exits(0);
    let secret = "Bearer T0p-S3cret{{x}";
    assert_eq!(
        std::fs::read_to_string(other.path("MicroSIP.hooks.toml")).unwrap(),
        hooks_file(&sandbox).replace(secret, "{env:MSIPCFG_SECRET_1}")
    );
    let again = other.run(&["export", "--ini", new]).exits(0);
    assert_eq!(again.stdout, ran.stdout);
}

#[test]
fn actions_for_all_users_are_in_each_folder_and_secrets_not_in_the_default_one() {
    let sandbox = Sandbox::new();
    let ini_of = |user: &str| format!("profiles/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini");
    let file_of = |user: &str| {
        let file = format!("profiles/{user}/AppData/Roaming/MicroSIP/MicroSIP.hooks.toml");
        std::fs::read_to_string(sandbox.path(&file)).unwrap_or_default()
    };
    for user in ["ann", "Default"] {
        sandbox.write(&ini_of(user), utf16(INI));
    }
    sandbox.write("state.toml", STATE.replace("${extension}", "x"));
    sandbox.write("site.toml", format!("token = '{SECRET}'\n"));
    let words = ["state.toml", "--profiles", "profiles", "--vars", "site.toml", "--json"];
    let ran = sandbox.run(&[&["apply"], &words[..]].concat()).exits(0);
    assert!(!ran.transcript.contains(SECRET), "{}", ran.transcript);
    assert!(ran.stdout.contains("action-private"), "{}", ran.transcript);
    assert!(file_of("ann").contains(SECRET));
    assert!(
        !file_of("Default").contains("post") && file_of("Default").contains("log"),
        "{}",
        file_of("Default")
    );
    for user in ["ann", "Default"] {
        let text = crate::sandbox::text_of_ini(&sandbox.path(&ini_of(user)));
        // the user's own ini, wherever its folder is
        assert!(text.contains("Program Files\\msipcfg\\msipcfg-run.exe\" ring"), "{text}");
    }
    let ran = sandbox.run(&[&["apply"], &words[..]].concat()).exits(0);
    assert_eq!(ran.json()["counts"]["in_state"], 2, "{}", ran.transcript);
    sandbox.run(&[&["check"], &words[..]].concat()).exits(0);

    // nothing is left for the default folder
    sandbox.write("state.toml", "[hooks]\nend = { post = 'h', headers = { A = '${token}' } }\n");
    let ran = sandbox.run(&[&["apply"], &words[..]].concat()).exits(0);
    assert!(ran.stdout.contains("needs-user"), "{}", ran.transcript);
}

/// Texts of actions in TOML, whatever they contain.
fn actions() -> impl Strategy<Value = String> {
    const URLS: &[&str] =
        &["https://h/{number}", "http://h:8/a?b={name|number:e164}", "https://h/?a=${number}{{"];
    const TEXTS: &[&str] =
        &["", "{number}", "${number} ${{x}", "{{\"a\":{{}}}}}}}}", "a}b", "\"'\\", "ü\u{1F600}"];
    const EXTRAS: &[&str] = &["only = 'external'", "except = ['0800*', 'anonymous']"];
    let main = prop_oneof![
        select(URLS).prop_map(|url| format!("open = '{url}'\nagain-after = '36h'")),
        (select(TEXTS), select(URLS))
            .prop_map(|(text, url)| format!("notify = '''{text}'''\nlink = '{url}'")),
        select(URLS)
            .prop_map(|url| format!("get = '{url}'\nretry = '1s 500ms'\nheaders = {{ A = '{{env:X}}' }}")),
        (select(URLS), select(TEXTS)).prop_map(|(url, text)| format!("post = '{url}'\nbody = '''{text}'''")),
        (select(URLS), select(TEXTS)).prop_map(|(url, text)| {
            format!("post = '{url}'\njson = {{ b = [1, 1.5, true, '''{text}'''], a = {{ c = -1 }} }}")
        }),
        (select(URLS), select(TEXTS)).prop_map(|(url, text)| format!(
            "post = '{url}'\nform = {{ 'a b' = '''{text}''' }}\nsecret = '{{env:S}}'"
        )),
        Just("log = 'C:\\a b.csv'\nseparator = ';'".to_string()),
        vec(select(TEXTS), 0..3).prop_map(|texts| {
            let args: String = texts.iter().map(|text| format!("'''{text}''', ")).collect();
            format!("run = 'C:\\x ${{y}}.exe'\nargs = [{args}]\ntimeout = '90s'")
        }),
    ];
    (main, subsequence(EXTRAS, 0..=2)).prop_map(|(main, extras)| format!("{main}\n{}\n", extras.join("\n")))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_action_survives_an_export(
        hooks in vec((select(Event::ALL), actions()), 1..4),
        country in prop_oneof![Just(None), Just(Some(49))],
        internal in 5..9_usize,
        seconds in any::<u32>(),
    ) {
        let text: String = hooks.iter().map(|(event, action)| format!("[[{event}]]\n{action}")).collect();
        let actions: Actions = msipcfg::actions::file::read("hooks.toml".into(), text).unwrap();
        let settings = ActionSettings {
            runner: None,
            numbers: Some(Numbers { country, internal, outside_line: None }),
            history: Some(History::For(std::time::Duration::from_secs(seconds.into()))),
        };
        let hooks: Vec<(Event, Hook)> =
            actions.hooks.into_iter().map(|(event, actions)| (event, Hook::Actions(actions))).collect();
        let document = IniDocument::from_utf16le(utf16(INI));
        let exported = hooks.iter().cloned().map(|(event, hook)| (event, Ok(hook))).collect();
        let text = ExportedState::of(&document, exported, settings.clone()).toml();

        let source = Source::parse("a.toml".into(), text.clone(), Format::Toml, Redaction::Passwords).unwrap();
        let variables = Variables::new(&[], &super::read_secret);
        let desired = resolve::resolve(&source, &variables, Path::new("")).map_err(|error| error.to_string());
        let mut desired = desired.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let order = |hooks: &mut Vec<(Event, Hook)>| hooks.sort_by_key(|(event, _)| event.name());
        let mut hooks = hooks;
        order(&mut hooks);
        order(&mut desired.hooks);
        prop_assert_eq!(desired.hooks, hooks, "{}", text);
        prop_assert_eq!(desired.actions, settings, "{}", text);
    }
}

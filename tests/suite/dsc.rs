//! The operations of Microsoft's DSC, with the input and output of its engine.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::docs::path;
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

const SECRET: &str = "T0p-S3cret";

/// The output of an operation.
struct Answer {
    ran: Ran,
    states: Vec<Value>,
    names: Option<Vec<String>>,
}

/// Returns a command with this input, from a file, so that the command may exit without reading it.
fn command_with(sandbox: &Sandbox, words: &[&str], input: &[u8]) -> Command {
    let file = sandbox.write("home/input", input);
    let mut command = sandbox.command(PROGRAM);
    command.arg("dsc").args(words).stdin(File::open(file).unwrap()).env("SIP_PASSWORD", SECRET);
    command
}

fn run(sandbox: &Sandbox, words: &[&str], input: &Value) -> Ran {
    let ran = sandbox.finish(command_with(sandbox, words, input.to_string().as_bytes()));
    shows_no_secret(&ran);
    ran
}

#[track_caller]
fn shows_no_secret(ran: &Ran) {
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}", ran.transcript);
}

/// Runs an operation that succeeds. Checks that its output has the form that the engine expects, and prints no
/// messages.
#[track_caller]
fn done(sandbox: &Sandbox, words: &[&str], input: &Value) -> Answer {
    let ran = run(sandbox, words, input).exits(0);
    assert_eq!(ran.stderr, "", "{}", ran.transcript);
    answer_of(words[0], ran)
}

#[track_caller]
fn answer_of(operation: &str, ran: Ran) -> Answer {
    let mut lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names = ["test", "set"].contains(&operation).then(|| {
        assert_eq!(lines.len(), 2, "{}", ran.transcript);
        let names = lines.pop().unwrap();
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect::<Vec<_>>()
    });
    assert!(lines.len() == 1 || operation == "export", "{}", ran.transcript);
    for state in &lines {
        assert_fits_schema(state, &ran.transcript);
    }
    if let Some(names) = &names {
        assert!(names.iter().all(|name| schema()["properties"].get(name).is_some()), "{}", ran.transcript);
    }
    Answer { ran, states: lines, names }
}

fn schema() -> Value {
    msipcfg::desired::json_schema::of_instance()
}

/// The output is the same on Windows, where the validator isn't built because that takes too long.
#[cfg(not(unix))]
fn assert_fits_schema(_instance: &Value, _told: &str) {}

#[cfg(unix)]
#[track_caller]
fn assert_fits_schema(instance: &Value, transcript: &str) {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}\n{transcript}");
}

/// DSC prints what the schema says about a document before it starts msipcfg.
#[cfg(unix)]
#[test]
fn mistakes_around_a_password_are_left_to_msipcfg() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    let secure = json!({"secureString": SECRET});
    let account = |key: &str, value: &Value| json!({"accounts": [{"domain": "a", key: value}]});
    for (parts, wanted) in [
        (account("password", &json!(471_147)), "accounts[0].password: expected text"),
        (account("password", &json!([SECRET])), "accounts[0].password: expected text"),
        (account("password", &json!({"secure": SECRET})), "accounts[0].password: expected text"),
        (account("username", &secure), "accounts[0].username: expected text in quotes"),
        (account("passwort", &json!(SECRET)), "did you mean password?"),
        (json!({"accounts": [{"password": SECRET}]}), "'domain' is missing"),
        (json!({"accounts": {"domain": "a", "password": SECRET}}), "start each account with a dash"),
        (json!({"accounts": SECRET}), "accounts: expected a list"),
        (json!({"accounts": [SECRET]}), "accounts[0]: expected a table"),
        (json!({"settings": {"userAgent": secure}}), "settings.userAgent: expected text in quotes"),
        (json!({"settings": {"VAD": secure}}), "settings.VAD: expected 0, 1"),
        (
            json!({"hooks": {"ring": {"program": "a.exe", "args": [secure]}}}),
            "hooks.ring.args: expected a list",
        ),
        (json!({"hooks": {"end": {"open": secure}}}), "hooks.end.open: expected text"),
        (json!({"hooks": {"end": {"post": "h", "headres": {"A": SECRET}}}}), "did you mean headers?"),
        (
            json!({"hooks": {"end": {"post": "h", "secret": {"env": SECRET}}}}),
            "hooks.end.secret: expected text",
        ),
        (json!({"hooks": {"end": [{"post": "h", "headers": {"A": "***"}}]}}), "hooks.end[0].headers.A: ***"),
        (json!({"runner": secure}), "runner: expected a path"),
        (json!({"numbers": {"country": secure}}), "numbers.country: expected text"),
        (json!({"shortcuts": {"0": secure}}), "shortcuts.0: expected text in quotes"),
    ] {
        assert_fits_schema(&parts, "");
        for operation in ["get", "test", "set", "export"] {
            let error = refused(run(&sandbox, &[operation], &of(&sandbox, &parts)), 2);
            assert!(error.contains(wanted) && !error.contains("471147"), "{parts}: {error}");
            assert!(!error.contains("stdin") && !error.contains("--"), "{parts}: {error}");
        }
    }
    let parts = account("keepAlive", &json!(SECRET));
    assert_fits_schema(&parts, "");
    let error = refused(run(&sandbox, &["set"], &of(&sandbox, &parts)), 3);
    assert!(error.contains("accounts[0].keepAlive") && error.contains("***"), "{error}");
    // A mistake in a place where DSC prints only names.
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for parts in [json!({"password": SECRET}), json!({"settings": {"password": secure}})] {
        let errors: Vec<String> = validator.iter_errors(&parts).map(|error| error.to_string()).collect();
        assert!(errors.len() == 1 && !errors[0].contains(SECRET), "{errors:?}");
    }
}

/// Checks that an operation failed with one line of `error` and nothing else, and returns its message.
#[track_caller]
fn refused(ran: Ran, status: i32) -> String {
    let ran = ran.exits(status);
    assert_eq!(ran.stdout, "", "{}", ran.transcript);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", ran.transcript);
    let line: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(line.as_object().unwrap().len(), 1, "{}", ran.transcript);
    line["error"].as_str().unwrap().to_string()
}

/// Returns an instance of the ini in the sandbox.
fn of(sandbox: &Sandbox, parts: &Value) -> Value {
    let mut instance = json!({"ini": sandbox.ini()});
    for (name, part) in parts.as_object().unwrap() {
        instance[name] = part.clone();
    }
    instance
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.names.iter().flatten().map(String::as_str).collect()
}

/// Returns the bytes of the ini and the time when they were written.
fn written(sandbox: &Sandbox) -> (Vec<u8>, std::time::SystemTime) {
    (sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap())
}

#[test]
#[expect(clippy::too_many_lines, reason = "follows one instance through its life")]
fn instance_is_created_kept_and_reported() {
    let sandbox = Sandbox::new();
    let with_password = |password: Value| {
        of(
            &sandbox,
            &json!({
                "settings": {"EC": 0, "volumeRing": "80", "VAD": false, "userAgent": "Bär ${x} \"1\""},
                "hooks": {"end": false, "ring": {"program": "C:\\hooks\\a b.exe", "args": ["--to", "crm"]}},
                "accounts": [{"label": "Ü", "domain": "pbx.example.org", "username": "ann", "password": password}],
                "shortcuts": {"0": "Empfang;100;call"},
            }),
        )
    };
    let wanted = with_password(json!({"secureString": SECRET}));

    let state = &done(&sandbox, &["get"], &wanted).states[0];
    assert_eq!(*state, json!({"ini": sandbox.ini(), "_exist": false}));
    let all = ["_exist", "settings", "hooks", "accounts", "shortcuts"];
    let tested = done(&sandbox, &["test"], &wanted);
    assert_eq!((&tested.states[0]["_inDesiredState"], names(&tested)), (&json!(false), all.to_vec()));

    let foreseen = done(&sandbox, &["set", "--what-if", "--allow-missing"], &wanted);
    assert_eq!(names(&foreseen), all);
    let texts = foreseen.states[0]["_metadata"]["whatIf"].as_array().unwrap();
    assert!(texts.contains(&json!("EC: now nothing, would become '0'")), "{}", foreseen.ran.transcript);
    assert!(
        texts.contains(&json!("Account1/password: now nothing, would become '***'")),
        "{}",
        foreseen.ran.transcript
    );
    assert_eq!(sandbox.names(), Vec::<String>::new());

    let set = done(&sandbox, &["set", "--allow-missing"], &wanted);
    assert_eq!(names(&set), all);
    let expected = of(
        &sandbox,
        &json!({
            "_exist": true,
            "settings": {"EC": 0, "volumeRing": 80, "VAD": false, "userAgent": "Bär ${x} \"1\""},
            "hooks": {"end": false, "ring": {"program": "C:\\hooks\\a b.exe", "args": ["--to", "crm"]}},
            "accounts-mode": "exact",
            "accounts": [{"label": "Ü", "domain": "pbx.example.org", "username": "ann", "passwordSet": true}],
            "shortcuts": {"0": "Empfang;100;call"},
        }),
    );
    assert_eq!(set.states[0], expected);
    let mut predicted = foreseen.states[0].clone();
    predicted.as_object_mut().unwrap().shift_remove("_metadata");
    assert_eq!(predicted, expected);
    assert!(sandbox.ini_text().contains(&format!("password={SECRET}\r\n")));

    // every form of the password, and output that is passed back as input
    let before = written(&sandbox);
    let file = sandbox.write("home/pw", format!("{SECRET}\r\n"));
    let passwords = [
        json!(SECRET),
        json!({"secureString": SECRET}),
        json!({"env": "SIP_PASSWORD"}),
        json!({"file": file}),
    ];
    for password in passwords {
        let again = done(&sandbox, &["set", "--allow-missing"], &with_password(password));
        assert_eq!(names(&again), [""; 0], "{}", again.ran.transcript);
        assert_eq!(again.states[0], expected);
    }
    let tested = done(&sandbox, &["test"], &set.states[0]);
    assert_eq!((&tested.states[0]["_inDesiredState"], names(&tested)), (&json!(true), Vec::new()));
    let foreseen = done(&sandbox, &["set", "--what-if", "--allow-missing"], &wanted);
    assert_eq!((&foreseen.states[0]["_metadata"]["whatIf"], names(&foreseen)), (&json!([]), Vec::new()));
    assert_eq!(written(&sandbox), before);

    // only named parts are compared; another password is a difference of the accounts
    let tested = done(&sandbox, &["test"], &with_password(json!("another")));
    assert_eq!((&tested.states[0]["_inDesiredState"], names(&tested)), (&json!(false), vec!["accounts"]));
    let got = done(&sandbox, &["get"], &of(&sandbox, &json!({"settings": {"EC": 1, "DND": 1}})));
    assert_eq!(got.states[0]["settings"], json!({"EC": 0, "DND": false}));
    assert_eq!(got.states[0].get("hooks"), None);
    let set =
        done(&sandbox, &["set"], &of(&sandbox, &json!({"settings": {"EC": 1}, "hooks": {"ring": false}})));
    assert_eq!(names(&set), ["settings", "hooks"]);
}

#[test]
fn actions_are_set_and_reported_without_private_values() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nversion=3.22.3\r\n"));
    let post = |secret: Value| json!({"post": "https://h/", "headers": {"A": secret, "B": "Bearer {env:B}"}});
    let wanted = of(
        &sandbox,
        &json!({
            "hooks": {"ring": {"notify": "{number}"}, "end": [post(json!({"secureString": format!("{SECRET}{{}}}}")})), {"log": "a.csv"}]},
            "numbers": {"country": "49"},
            "history": "30d",
        }),
    );
    let changed = ["hooks", "numbers", "history"];
    let tested = done(&sandbox, &["test"], &wanted);
    assert_eq!(
        (&tested.states[0]["hooks"], names(&tested)),
        (&json!({"ring": false, "end": false}), changed.to_vec())
    );
    let foreseen = done(&sandbox, &["set", "--what-if"], &wanted);
    assert_eq!(names(&foreseen), changed);
    let texts = foreseen.states[0]["_metadata"]["whatIf"].as_array().unwrap();
    let text = "hooks/end: now nothing, would become 'post https://h/; log a.csv'";
    assert!(texts.contains(&json!(text)), "{}", foreseen.ran.transcript);

    let set = done(&sandbox, &["set"], &wanted);
    assert_eq!(names(&set), changed);
    let state = &set.states[0];
    assert_eq!(
        (&state["hooks"], &state["numbers"], &state["history"]),
        (
            &json!({"ring": {"notify": "{number}"}, "end": [post(json!("***")), {"log": "a.csv"}]}),
            &json!({"country": "49"}),
            &json!("30d"),
        )
    );
    assert_eq!(foreseen.states[0]["hooks"], state["hooks"]);
    let file = std::fs::read_to_string(sandbox.path("MicroSIP.hooks.toml")).unwrap();
    assert!(file.contains(&format!("A = \"{SECRET}{{{{}}}}}}}}\"")), "{file}");
    let again = done(&sandbox, &["set"], &wanted);
    assert_eq!(names(&again), [""; 0], "{}", again.ran.transcript);
    let tested = done(&sandbox, &["test"], &wanted);
    assert_eq!(tested.states[0]["_inDesiredState"], json!(true));

    // what is shown instead of a private value doesn't replace it
    assert!(refused(run(&sandbox, &["set"], state), 2).contains("***"));
    let wanted = of(&sandbox, &json!({"hooks": {"busy": {"open": format!("https://ann:{SECRET}@h/")}}}));
    let set = done(&sandbox, &["set"], &wanted);
    assert_eq!(set.states[0]["hooks"], json!({"busy": {"open": "https://***@h/"}}));
    assert!(refused(run(&sandbox, &["set"], &set.states[0]), 2).contains("***"));
    done(&sandbox, &["set"], &of(&sandbox, &json!({"hooks": {"busy": false}})));
    let exported = run(&sandbox, &["export"], &of(&sandbox, &json!({}))).exits(0);
    let line: Value = serde_json::from_str(exported.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(line["hooks"]["end"][0], post(json!("{env:MSIPCFG_SECRET_1}")));

    // a removed ini takes its actions with it
    let gone = done(&sandbox, &["set"], &of(&sandbox, &json!({"_exist": false})));
    assert_eq!(names(&gone), ["_exist"]);
    assert!(!sandbox.path("MicroSIP.hooks.toml").exists());
    sandbox.run_on_ini(&["restore"]).exits(0);
    assert_eq!(std::fs::read_to_string(sandbox.path("MicroSIP.hooks.toml")).unwrap(), file);
}

#[test]
fn unwanted_ini_is_removed_and_its_backup_stays() {
    let bytes = utf16("[Settings]\r\nVAD=0\r\n");
    let sandbox = Sandbox::with_ini(&bytes);
    let gone = of(&sandbox, &json!({"_exist": false}));
    let absent = json!({"ini": sandbox.ini(), "_exist": false});
    let tested = done(&sandbox, &["test"], &gone);
    assert_eq!((&tested.states[0]["_inDesiredState"], names(&tested)), (&json!(false), vec!["_exist"]));
    let foreseen = done(&sandbox, &["set", "--what-if"], &gone);
    assert_eq!((&foreseen.states[0]["_exist"], names(&foreseen)), (&json!(false), vec!["_exist"]));
    assert!(foreseen.ran.stdout.contains("would be deleted"), "{}", foreseen.ran.transcript);
    assert_eq!(sandbox.ini_bytes(), bytes);

    let set = done(&sandbox, &["set"], &gone);
    assert_eq!((&set.states[0], names(&set)), (&absent, vec!["_exist"]));
    let left = sandbox.names();
    assert!(left.len() == 1 && left[0].ends_with(".bak"), "{left:?}");
    assert_eq!(std::fs::read(sandbox.path(&left[0])).unwrap(), bytes);
    let again = done(&sandbox, &["set"], &gone);
    assert_eq!((&again.states[0], names(&again)), (&absent, Vec::new()));
    let tested = done(&sandbox, &["test"], &gone);
    assert_eq!((&tested.states[0]["_inDesiredState"], names(&tested)), (&json!(true), Vec::new()));
    assert_eq!(sandbox.names(), left);
    sandbox.run_on_ini(&["restore"]).exits(0);
    assert_eq!(sandbox.ini_bytes(), bytes);
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn exported_instance_is_in_desired_state() {
    for entry in std::fs::read_dir(path("fixtures/inis")).unwrap() {
        let ini = entry.unwrap().path();
        let bytes = std::fs::read(&ini).unwrap();
        // msipcfg would rewrite an ini that MicroSIP would damage, and 8-bit text needs a code page
        if ini.extension().is_none_or(|ending| ending != "ini") || !bytes.starts_with(&[0xFF, 0xFE]) {
            continue;
        }
        let sandbox = Sandbox::with_ini(&bytes);
        let exported = done(&sandbox, &["export"], &of(&sandbox, &json!({})));
        assert_eq!(exported.states.len(), 1, "{}", exported.ran.transcript);
        assert_eq!(exported.states[0]["_name"], json!(sandbox.ini()));
        // dsc config can't read a document with an empty text before 3.3
        let empty = exported.ran.stdout.replace(r#""denyIncoming":"""#, "");
        assert!(!empty.contains(r#":"""#), "{}", exported.ran.transcript);
        let tested = done(&sandbox, &["test"], &exported.states[0]);
        let state = &tested.states[0];
        assert_eq!(
            (&state["_inDesiredState"], names(&tested)),
            (&json!(true), Vec::new()),
            "{}",
            ini.display()
        );
        let set = done(&sandbox, &["set"], &exported.states[0]);
        assert_eq!((names(&set), sandbox.ini_bytes()), (Vec::new(), bytes), "{}", ini.display());
    }
}

#[test]
fn export_finds_every_ini_and_get_rejects_several() {
    let sandbox = Sandbox::new();
    let none = done(&sandbox, &["export"], &json!({}));
    assert_eq!(none.ran.stdout, "");
    let got = sandbox.finish(command_with(&sandbox, &["get"], b"")).exits(0);
    assert_eq!(answer_of("get", got).states[0]["_exist"], json!(false));
    let one = sandbox
        .write(&crate::sandbox::place("ann", "MicroSIP.ini"), utf16("[Settings]\r\nEC=7\r\nVAD=1\r\n"));
    // a value that MicroSIP wouldn't write is returned as text
    let got = sandbox.finish(command_with(
        &sandbox,
        &["get"],
        b"\xEF\xBB\xBF{\"settings\":{\"EC\":0,\"VAD\":0}}\r\n",
    ));
    let got = answer_of("get", got.exits(0));
    assert_eq!(got.states[0]["settings"], json!({"EC": "7", "VAD": 1}));
    assert_eq!(done(&sandbox, &["export"], &json!(null)).states[0]["ini"], json!(one));
    #[cfg(unix)]
    {
        sandbox.write(&crate::sandbox::place("bob", "MicroSIP.ini"), utf16("[Settings]\r\n"));
        assert_eq!(done(&sandbox, &["export"], &json!({})).states.len(), 2);
        let error = refused(run(&sandbox, &["get"], &json!({})), 4);
        assert!(error.contains("ini-ambiguous") && error.contains("property 'ini'"), "{error}");
        assert!(!error.contains("--ini"), "{error}");
    }
}

#[test]
fn invalid_input_is_rejected_in_one_line() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    let before = sandbox.ini_bytes();
    let too_large = format!("{{\"settings\":{{\"userAgent\":\"{}\"}}}}", "x".repeat(17 * 1024 * 1024));
    let large = format!("{{\"wrong\":\"{SECRET}{}\"}}", "x".repeat(2 * 1024 * 1024));
    let deep = "[".repeat(1024 * 1024);
    let inputs: [(&str, &[u8], i32, &str); 12] = [
        ("get", b"[]", 2, "input-invalid"),
        ("get", b"{", 2, "input-invalid"),
        ("get", b"\xFF\xFE{\0}", 2, "input-invalid"),
        ("get", b"{\"settings\":{\"EC\":[1]}}", 2, "settings.EC"),
        ("test", b"{\"setings\":{}}", 2, "did you mean settings?"),
        ("test", b"{\"ini\":\"MicroSIP.ini\"}", 2, "absolute"),
        (
            "set",
            b"{\"accounts\":[{\"domain\":\"a\",\"password\":{\"secureString\":[\"T0p-S3cret\"]}}]}",
            2,
            "accounts[0].password",
        ),
        ("set", b"{\"settings\":{\"EC\":7}}", 3, "settings.EC"),
        ("set", b"{\"accounts\":[{\"domain\":\"a\",\"password\":{\"env\":\"NOT_SET\"}}]}", 6, "NOT_SET"),
        ("export", too_large.as_bytes(), 2, "16 MiB"),
        ("test", large.as_bytes(), 2, "wrong"),
        ("get", deep.as_bytes(), 2, "input-invalid"),
    ];
    for (operation, input, status, wanted) in inputs {
        let ran = sandbox.finish(command_with(
            &sandbox,
            &[operation, "--ini", sandbox.ini().to_str().unwrap()],
            input,
        ));
        shows_no_secret(&ran);
        let transcript = ran.transcript.clone();
        let error = refused(ran, status);
        assert!(error.contains(wanted), "{wanted}: {transcript}");
    }
    let error = refused(run(&sandbox, &["set", "--bogus"], &json!({})), 2);
    assert!(error.contains("--bogus"), "{error}");
    // only set rejects a missing program
    let hook = of(&sandbox, &json!({"hooks": {"ring": "hooks\\a.exe"}}));
    refused(run(&sandbox, &["set"], &hook), 3);
    assert_eq!(sandbox.ini_bytes(), before);
}

#[cfg(unix)]
#[test]
fn input_is_read_to_its_end_before_an_error() {
    use std::io::Write;
    use std::process::Stdio;
    let sandbox = Sandbox::new();
    for words in [&["get"][..], &["get", "--bogus"]] {
        let mut command = command_with(&sandbox, words, b"");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // fails if the other end of the pipe is closed early
        let text = format!("{{\"wrong\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(2));
    }
}

#[test]
fn trace_level_selects_the_messages() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nEC=0\r\n"));
    // EC = false causes a warning
    let input = of(&sandbox, &json!({"settings": {"EC": false}}));
    for (level, kinds) in [
        ("", &[][..]),
        ("error", &[]),
        ("WARN", &["warn"]),
        ("info", &["warn"]),
        ("trace", &["warn", "debug"]),
    ] {
        let mut command = command_with(&sandbox, &["test"], input.to_string().as_bytes());
        let ran = sandbox.finish({
            command.env("DSC_TRACE_LEVEL", level);
            command
        });
        let mut found: Vec<String> = Vec::new();
        for line in ran.stderr.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            found.extend(line.as_object().unwrap().keys().cloned());
        }
        let is_wanted = |kind: &String| kinds.contains(&kind.as_str());
        assert!(found.iter().all(is_wanted), "{level}: {}", ran.transcript);
        assert!(
            kinds.iter().all(|kind| found.iter().any(|found| found == kind)),
            "{level}: {}",
            ran.transcript
        );
    }
}

#[test]
fn manifest_matches_the_program() {
    let sandbox = Sandbox::new();
    let printed_schema = sandbox.run(&["dsc", "schema"]).exits(0).json();
    assert_eq!(printed_schema, schema());
    #[cfg(unix)]
    assert!(jsonschema::meta::is_valid(&printed_schema));
    let manifest = sandbox.run(&["dsc", "manifest"]).exits(0).json();
    assert_eq!(manifest["schema"]["embedded"], printed_schema);
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["set"]["args"], json!(["dsc", "set", {"whatIfArg": "--what-if"}]));
    assert_eq!(manifest["get"]["executable"], "msipcfg");
    for status in msipcfg::diagnostic::ExitStatus::ALL {
        assert!(manifest["exitCodes"][(*status as u8).to_string()].is_string(), "{status:?}");
    }
    // the engine must be able to run every operation
    for (operation, what) in manifest.as_object().unwrap() {
        let Some(args) = what.get("args").and_then(Value::as_array) else { continue };
        assert_eq!((&args[0], &args[1]), (&json!("dsc"), &json!(operation)), "{manifest}");
    }

    let folder = sandbox.path("");
    let words = ["dsc", "manifest", "--compat", "3.1", "--absolute", "-o", folder.to_str().unwrap()];
    let ran = sandbox.run(&words).exits(0);
    let file = sandbox.path("msipcfg.dsc.resource.json");
    assert_eq!(Path::new(ran.stdout.trim_end()), file);
    let compat: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(compat["set"]["args"], json!(["dsc", "set"]));
    assert_eq!(compat["whatIf"]["args"], json!(["dsc", "set", "--what-if"]));
    assert!(Path::new(compat["get"]["executable"].as_str().unwrap()).is_absolute());
    assert_eq!(compat["schema"], manifest["schema"]);
    sandbox.run(&words).exits(0);
    assert_eq!(sandbox.names(), ["msipcfg.dsc.resource.json"]);
    sandbox
        .run(&["dsc", "manifest", "-o", sandbox.path("none").to_str().unwrap()])
        .exits(6)
        .says("file-write");
}

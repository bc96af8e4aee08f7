//! Programs that actions start, with what they receive from callers, and secure connections.

#[path = "../../web_server.rs"]
#[allow(dead_code, reason = "unit tests use the rest")]
pub mod server;
#[cfg(unix)]
mod tls;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use msipcfg::actions::file;
use msipcfg::actions::perform::{Job, Limits, Perform, Performed, Preview, SystemPerformer, preview};
use msipcfg::hook::action::numbers::Numbers;
use msipcfg::hook::action::template::{CallFacts, Direction};
use msipcfg::hook::event::Event;
use msipcfg::platform::Env;
use serde_json::{Value, json};

use crate::sandbox::{PROGRAM, Sandbox, copy_program};

fn texts() -> Vec<String> {
    serde_json::from_str(include_str!("../../../fixtures/hostile-callers.json")).unwrap()
}

fn call(number: &str) -> CallFacts {
    CallFacts {
        event: Event::Ring,
        time: SystemTime::UNIX_EPOCH,
        number: number.into(),
        name: String::new(),
        direction: Some(Direction::Incoming),
        answered: false,
        duration: None,
        call: "c1".into(),
        user: "ann".into(),
        computer: "PC1".into(),
        numbers: Numbers::default(),
    }
}

fn env() -> Env {
    Env::from_variables(|name| std::env::var_os(name))
}

/// Carries out the only action of a text.
fn perform(sandbox: &Sandbox, text: &str, call: &CallFacts) -> Performed {
    let actions = file::read("MicroSIP.hooks.toml".into(), text.into()).unwrap();
    let performer =
        SystemPerformer::new(&env(), |name| std::env::var(name).ok(), SystemTime::now, Limits::default());
    performer.perform(Job {
        action: &actions.of(Event::Ring)[0],
        facts: call,
        ini: &sandbox.ini(),
        webhook_id: "msg_1",
        is_test: false,
    })
}

/// A program that records what it receives.
struct Dumper {
    exe: PathBuf,
}

impl Dumper {
    fn new(sandbox: &Sandbox) -> Dumper {
        let name = if cfg!(windows) { "argument-dumper.exe" } else { "argument-dumper" };
        let exe = sandbox.path(if cfg!(windows) { "dumper.exe" } else { "dumper" });
        copy_program(Path::new(PROGRAM).with_file_name("examples").join(name), &exe);
        Dumper { exe }
    }

    fn file(&self, suffix: &str) -> PathBuf {
        // the program names it after its canonical path
        let mut name = self.exe.canonicalize().unwrap().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn args(&self) -> Vec<Vec<String>> {
        lines(&self.file(".args"))
    }

    fn variables(&self) -> Vec<BTreeMap<String, String>> {
        lines(&self.file(".args.variables"))
    }
}

fn lines<T: serde::de::DeserializeOwned>(file: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// No text made a shell write this file.
fn assert_nothing_injected(sandbox: &Sandbox, text: &str) {
    assert!(!sandbox.path("injected.txt").exists(), "{text:?} was executed");
}

#[test]
fn each_value_is_one_argument_and_a_variable() {
    let sandbox = Sandbox::new();
    let dumper = Dumper::new(&sandbox);
    let name = dumper.exe.file_name().unwrap().to_str().unwrap();
    let text = format!(
        "[[ring]]\nrun = '{name}'\nargs = ['--caller', '{{number}}', '<{{number}}>', '']\ntimeout = '10m'"
    );
    let texts = texts();
    for caller in &texts {
        let done = perform(&sandbox, &text, &call(caller));
        assert!(matches!(done, Performed::Done(_)), "{caller:?}: {done:?}");
        assert_nothing_injected(&sandbox, caller);
    }
    let expected: Vec<Vec<String>> = texts
        .iter()
        .map(|caller| without_controls(caller))
        .map(|caller| vec!["--caller".into(), caller.clone(), format!("<{caller}>"), String::new()])
        .collect();
    assert_eq!(dumper.args(), expected);
    let variables = dumper.variables();
    assert_eq!(variables.len(), texts.len());
    for (variables, caller) in variables.iter().zip(&texts) {
        assert_eq!(variables["MICROSIP_NUMBER"], without_controls(caller));
        assert_eq!(variables["MICROSIP_EVENT"], "ring");
        assert_eq!(variables.get("MICROSIP_NAME").map_or("", String::as_str), "");
    }
}

#[test]
fn a_program_without_a_limit_is_not_waited_for() {
    let sandbox = Sandbox::new();
    let dumper = Dumper::new(&sandbox);
    let text = format!("[[ring]]\nrun = '{}'\nargs = ['{{number}}']", dumper.exe.display());
    let done = perform(&sandbox, &text, &call("100"));
    assert_eq!(done, Performed::Done(format!("started {}", dumper.exe.display())));
    let begun = Instant::now();
    while dumper.variables().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(600), "it didn't start");
        std::thread::yield_now();
    }
    assert_eq!(dumper.args(), [["100"]]);
}

#[test]
fn programs_that_cannot_be_started_or_fail_are_reported() {
    let sandbox = Sandbox::new();
    let missing = perform(&sandbox, "[[ring]]\nrun = 'folder/missing.exe'", &call("1"));
    assert!(matches!(&missing, Performed::Failed(why) if why.contains("missing.exe")), "{missing:?}");
    let text = if cfg!(windows) {
        "[[ring]]\nrun = 'cmd.exe'\nargs = ['/c', 'exit 3']\ntimeout = '10m'"
    } else {
        "[[ring]]\nrun = '/bin/sh'\nargs = ['-c', 'exit 3']\ntimeout = '10m'"
    };
    let failed = perform(&sandbox, text, &call("1"));
    assert!(matches!(&failed, Performed::Failed(why) if why.contains("status 3")), "{failed:?}");
}

#[test]
fn a_limit_ends_the_program_and_its_children() {
    let sandbox = Sandbox::new();
    // the child holds a lock as long as it runs
    let text = if cfg!(windows) {
        let script = "@echo off\r\ncmd /c \"ping -n 600 127.0.0.1 >held.txt\"\r\n";
        sandbox.write("slow.bat", script);
        "[[ring]]\nrun = 'slow.bat'\ntimeout = '2s'"
    } else {
        "[[ring]]\nrun = '/bin/sh'\nargs = ['-c', 'sh -c \"echo $$ >pid; sleep 600\"; true']\ntimeout = '2s'"
    };
    let failed = perform(&sandbox, text, &call("1"));
    assert!(matches!(&failed, Performed::Failed(why) if why.contains("was ended")), "{failed:?}");
    let begun = Instant::now();
    let is_running = || {
        if cfg!(windows) {
            // Windows doesn't remove a file that a program has open
            std::fs::remove_file(sandbox.path("held.txt")).is_err() && sandbox.path("held.txt").exists()
        } else {
            let pid = std::fs::read_to_string(sandbox.path("pid")).unwrap();
            let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        }
    };
    while is_running() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the child is still running");
        std::thread::yield_now();
    }
}

#[test]
fn a_description_is_what_happens() {
    let sandbox = Sandbox::new();
    let dumper = Dumper::new(&sandbox);
    let text =
        format!("[[ring]]\nrun = '{}'\nargs = ['a b', '{{number}}']\ntimeout = '10m'", dumper.exe.display());
    let actions = file::read("MicroSIP.hooks.toml".into(), text.clone()).unwrap();
    let facts = call("1 2\"");
    let job = Job {
        action: &actions.of(Event::Ring)[0],
        facts: &facts,
        ini: &sandbox.ini(),
        webhook_id: "",
        is_test: false,
    };
    let Preview::Run { program, args } = preview(job, &env()) else { panic!("no program") };
    perform(&sandbox, &text, &facts);
    assert_eq!((program, vec![args]), (dumper.exe.clone(), dumper.args()));
}

#[cfg(windows)]
mod scripts {
    use super::*;

    /// The texts that a batch file may see.
    fn is_safe(text: &str) -> bool {
        without_controls(text).chars().all(|c| c.is_ascii_alphanumeric() || " +*#.@_-".contains(c))
    }

    fn check_batch(name: &str, run: &str) {
        let sandbox = Sandbox::new();
        sandbox.write(
            name,
            "@echo off\r\n>>out.txt echo [%MICROSIP_NUMBER%] [%~1]\r\necho %MICROSIP_NUMBER% %1 >nul\r\n",
        );
        let mut expected = String::new();
        for caller in texts() {
            let performed = perform(&sandbox, &format!("[[ring]]\n{run}\ntimeout = '10m'"), &call(&caller));
            assert_nothing_injected(&sandbox, &caller);
            if is_safe(&caller) {
                assert!(matches!(performed, Performed::Done(_)), "{caller:?}: {performed:?}");
                let number = without_controls(&caller);
                let argument = if number.starts_with('-') { "" } else { &number };
                expected += &format!("[{number}] [{argument}]\r\n");
            } else {
                let is_refused =
                    matches!(&performed, Performed::Failed(why) if why.starts_with("unsafe-for-batch"));
                assert!(is_refused, "{caller:?}: {performed:?}");
            }
        }
        assert_eq!(std::fs::read_to_string(sandbox.path("out.txt")).unwrap(), expected);
    }

    #[test]
    fn batch_files_get_only_harmless_values() {
        check_batch("x.bat", "run = 'x.bat'\nargs = ['{number}']");
        check_batch("X y.CMD", "run = 'X y.CMD'\nargs = ['{number}']");
        check_batch("x.bat", "run = 'cmd.exe'\nargs = ['/c', 'x.bat', '{number}']");
    }

    #[test]
    fn a_script_gets_each_value_but_no_option() {
        let sandbox = Sandbox::new();
        sandbox.write(
            "log it.vbs",
            "Dim shell, file, text\r\n\
             Set shell = CreateObject(\"WScript.Shell\")\r\n\
             Set file = CreateObject(\"Scripting.FileSystemObject\").OpenTextFile(\"out.txt\", 8, True, -1)\r\n\
             text = WScript.Arguments.Count\r\n\
             If WScript.Arguments.Count > 0 Then text = text & \"|\" & WScript.Arguments(0)\r\n\
             file.Write text & \"|\" & shell.ExpandEnvironmentStrings(\"%MICROSIP_NUMBER%\") & vbLf\r\n\
             file.Close\r\n",
        );
        let texts: Vec<String> = texts().into_iter().filter(|text| !text.is_empty()).collect();
        for caller in &texts {
            let text = "[[ring]]\nrun = 'log it.vbs'\nargs = ['{number}']\ntimeout = '10m'";
            let performed = perform(&sandbox, text, &call(caller));
            assert!(matches!(performed, Performed::Done(_)), "{caller:?}: {performed:?}");
            assert_nothing_injected(&sandbox, caller);
        }
        let bytes = std::fs::read(sandbox.path("out.txt")).unwrap();
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let text = String::from_utf16(&units).unwrap();
        let expected: Vec<String> = texts
            .iter()
            .map(|caller| without_controls(caller))
            .map(|number| {
                let is_option = number.starts_with(['-', '/', '\u{2013}']);
                format!("1|{}|{number}", if is_option { "" } else { &number })
            })
            .collect();
        // Wine's ExpandEnvironmentStrings also returns the NUL at the end of a value
        let lines = text.trim_start_matches('\u{FEFF}').lines().map(|line| line.trim_end_matches('\0'));
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_log_and_the_request_of_an_action_are_described_without_private_values() {
    let sandbox = Sandbox::new();
    let text = "[[ring]]\npost = 'https://ann:s3cr3t@crm.example/calls'\n\
                headers = { Authorization = 'Bearer s3cr3t' }\nsecret = '{env:SECRET}'\n\
                json = { token = '{env:TOKEN}', number = '{number}' }";
    let actions = file::read("MicroSIP.hooks.toml".into(), text.into()).unwrap();
    let facts = call("100");
    let job = Job {
        action: &actions.of(Event::Ring)[0],
        facts: &facts,
        ini: &sandbox.ini(),
        webhook_id: "",
        is_test: true,
    };
    let Preview::Send { method, url, headers, body } = preview(job, &env()) else { panic!("no request") };
    assert_eq!((method, url.as_str()), ("POST", "https://crm.example/calls"));
    assert_eq!(headers, ["authorization", "content-type"]);
    let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
    assert_eq!(body, json!({ "token": "{env:TOKEN}", "number": "100" }));
}

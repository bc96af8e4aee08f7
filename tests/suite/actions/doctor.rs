//! `doctor` with actions.

use serde_json::Value;

use crate::sandbox::{Sandbox, utf16};
#[cfg(unix)]
use crate::sandbox::{image, text_of_ini};

const URL: &str = "https://crm.example/find?phone={number}";

/// Returns the problems of actions: code, severity, key, and whether doctor fixes it.
fn problems(json: &Value) -> Vec<(String, String, Option<String>, bool)> {
    const OWN: [&str; 5] =
        ["hooks-file-invalid", "runner-unset", "runner-unneeded", "event-has-program", "hook-target-missing"];
    let text = |value: &Value| value.as_str().map(str::to_string);
    let problem = |problem: &Value| {
        let code = text(&problem["code"]).unwrap();
        let is_fixable = problem["fix_command"].to_string().contains("--fix")
            || problem["fix"].as_str().is_some_and(|fix| fix.contains("doctor --fix"));
        (code, text(&problem["severity"]).unwrap(), text(&problem["key"]), is_fixable)
    };
    let all = json["problems"].as_array().unwrap().iter().map(problem);
    all.filter(|(code, ..)| OWN.contains(&code.as_str())).collect()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nversion=3.22.3\r\ncmdCallEnd=\"\"\r\n"));
    sandbox.run_on_ini(&["set-hook", "end", "--post", "https://h/"]).exits(0);
    sandbox
}

#[test]
fn actions_in_order_are_no_problem() {
    let doctor = sandbox().run_on_ini(&["doctor", "--json"]);
    assert_eq!(problems(&doctor.json()), [], "{}", doctor.transcript);
}

#[test]
fn an_event_without_the_runner_that_actions_need_is_fixed() {
    let sandbox = sandbox();
    sandbox.run_on_ini(&["unset", "cmdCallStart", "cmdCallEnd"]).exits(0);
    let doctor = sandbox.run_on_ini(&["doctor", "--json"]);
    let found = problems(&doctor.json());
    let expected = ["cmdCallStart", "cmdCallEnd"]
        .map(|key| ("runner-unset".to_string(), "error".to_string(), Some(key.to_string()), true));
    assert_eq!(found, expected, "{}", doctor.transcript);
    sandbox.run_on_ini(&["doctor", "--fix"]);
    assert_eq!(problems(&sandbox.run_on_ini(&["doctor", "--json"]).json()), []);
}

#[test]
fn a_runner_that_nothing_needs_is_removed() {
    let sandbox = sandbox();
    sandbox.write("MicroSIP.hooks.toml", "[[end]]\nopen = 'https://h/'\n");
    let doctor = sandbox.run_on_ini(&["doctor", "--json"]);
    let found = problems(&doctor.json());
    assert_eq!(found.len(), 4, "{}", doctor.transcript);
    assert!(
        found
            .iter()
            .all(|(code, severity, _, fixable)| code == "runner-unneeded" && severity == "info" && *fixable)
    );
    sandbox.run_on_ini(&["doctor", "--fix"]);
    assert_eq!(sandbox.ini_text().matches("msipcfg-run").count(), 1, "{}", sandbox.ini_text());
}

#[test]
fn a_program_where_actions_need_the_runner_is_reported() {
    let sandbox = sandbox();
    let program = if cfg!(windows) { r"C:\windows\system32\hostname.exe" } else { r"C:\hooks\x.exe" };
    sandbox.run_on_ini(&["set-hook", "ring", "--allow-missing", program]).exits(0);
    sandbox.write("MicroSIP.hooks.toml", format!("[[ring]]\nopen = '{URL}'\n"));
    let doctor = sandbox.run_on_ini(&["doctor", "--json"]);
    let found = problems(&doctor.json());
    assert_eq!(found[0].0, "event-has-program", "{}", doctor.transcript);
    assert!(doctor.stdout.contains("its actions don't happen"), "{}", doctor.transcript);
}

#[test]
fn a_mistake_in_the_file_is_reported_with_its_place() {
    let sandbox = sandbox();
    sandbox.write("MicroSIP.hooks.toml", "[[end]]\npost = 'https://h/'\nretyr = '1h'\n");
    let doctor = sandbox.run_on_ini(&["doctor", "--json"]).exits(1);
    assert_eq!(problems(&doctor.json())[0].0, "hooks-file-invalid", "{}", doctor.transcript);
    assert!(doctor.stdout.contains("MicroSIP.hooks.toml:3:1"), "{}", doctor.transcript);
}

// On Windows, the runner is next to the program of the tests.
#[cfg(unix)]
#[test]
fn a_runner_that_moved_is_found_again() {
    const OLD: &str = r"C:\old\msipcfg-run.exe";
    const NEW: &str = r"C:\Program Files\msipcfg\msipcfg-run.exe";
    let sandbox = Sandbox::new();
    let ini = sandbox.write("prefix/drive_c/MicroSIP/MicroSIP.ini", utf16("[Settings]\r\nVAD=0\r\n"));
    let old = sandbox.write("prefix/drive_c/old/msipcfg-run.exe", image());
    let run = |args: &[&str]| sandbox.run(&[args, &["--ini", ini.to_str().unwrap()]].concat());
    run(&["set-hook", "ring", "--open", "https://h/", "--runner", OLD]).exits(0);
    std::fs::remove_file(old).unwrap();
    // nobody knows where it is
    let expected = ("hook-target-missing".into(), "error".into(), Some("cmdIncomingCall".into()), false);
    assert_eq!(problems(&run(&["doctor", "--json"]).json()), [expected]);
    sandbox.write("prefix/drive_c/Program Files/msipcfg/msipcfg-run.exe", image());
    run(&["doctor"]).exits(1).says(&format!("msipcfg-run is {NEW} now"));
    run(&["doctor", "--fix"]).exits(0);
    assert_eq!(problems(&run(&["doctor", "--json"]).json()), []);
    assert!(text_of_ini(&ini).contains(NEW), "{}", text_of_ini(&ini));
}

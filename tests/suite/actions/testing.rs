//! `test-hook` with actions.

use serde_json::json;

use crate::sandbox::{Sandbox, utf16};

fn sandbox(actions: &str) -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nversion=3.22.3\r\ncmdCallEnd=\"\"\r\n"));
    sandbox.write("MicroSIP.hooks.toml", actions);
    sandbox.run_on_ini(&["doctor", "--fix"]);
    sandbox
}

#[test]
fn a_dry_run_shows_what_each_action_would_do() {
    let sandbox = sandbox(
        r#"
[numbers]
country = "49"
[[ring]]
open = "https://crm.example/find?phone={number:e164}"
[[ring]]
notify = "{name|number} is calling"
only = "internal"
[[ring]]
post = "https://crm.example/ring"
headers = { Authorization = "s3cr3t" }
json = { phone = "{number}" }
[[ring]]
log = "calls.csv"
[[ring]]
run = 'C:\Tools\note.exe'
args = ["--caller", "{number}"]
"#,
    );
    let ran =
        sandbox.run_on_ini(&["test-hook", "ring", "-n", "--json", "--caller", "030 1234567\n"]).exits(0);
    let json = ran.json();
    let tests = json["actions"].as_array().unwrap();
    assert_eq!(tests.len(), 5, "{}", ran.transcript);
    assert_eq!(tests[0]["preview"]["open"], "https://crm.example/find?phone=%2B49301234567");
    assert_eq!(tests[1]["result"], "skipped");
    assert_eq!(tests[2]["preview"]["body"], r#"{"phone":"030 1234567"}"#, "{}", ran.transcript);
    let headers = tests[2]["preview"]["headers"].as_array().unwrap();
    assert!(
        headers.iter().any(|name| name == "authorization" || name == "Authorization"),
        "{}",
        ran.transcript
    );
    assert!(tests[3]["preview"]["line"].as_str().unwrap().contains("030 1234567"), "{}", ran.transcript);
    assert_eq!(tests[4]["preview"]["args"], json!(["--caller", "030 1234567"]));
    assert!(!ran.stdout.contains("s3cr3t"), "{}", ran.transcript);
    assert!(!sandbox.path("calls.csv").exists());
}

#[test]
fn a_test_carries_the_actions_out_and_fails_if_one_fails() {
    let sandbox = sandbox("[[end]]\nlog = 'calls.csv'\n[[end]]\nlog = 'missing/calls.csv'\n");
    let ran = sandbox.run_on_ini(&["test-hook", "end", "--json", "--caller", "=1+1"]).exits(1);
    let json = ran.json();
    let results: Vec<_> =
        json["actions"].as_array().unwrap().iter().map(|test| test["failed"].clone()).collect();
    assert_eq!(results, [false, true], "{}", ran.transcript);
    let log = std::fs::read_to_string(sandbox.path("calls.csv")).unwrap();
    assert!(log.starts_with("\u{FEFF}time,direction,number,name,answered,duration,id\r\n"), "{log:?}");
    assert!(log.contains(",incoming,'=1+1,,true,60,"), "{log:?}");
    // a test isn't a call
    let calls = sandbox.run_on_ini(&["calls", "--json"]).exits(0);
    assert_eq!(calls.json()["calls"], json!([]), "{}", calls.transcript);
}

#[test]
fn a_caller_of_100_kilobytes_is_no_problem() {
    let sandbox = sandbox("[[ring]]\nopen = 'https://h/?q={number}'\n[[ring]]\nlog = 'calls.jsonl'\n");
    let caller = "&|<>\"%PATH%^$(x)`".repeat(6000);
    let ran = sandbox.run_on_ini(&["test-hook", "ring", "-n", "--json", "--caller", &caller]).exits(0);
    let json = ran.json();
    let url = json["actions"][0]["preview"]["open"].as_str().unwrap();
    let shown = url.strip_prefix("https://h/?q=").unwrap_or_else(|| panic!("{}", &url[..100]));
    assert!(!shown.contains(['&', '|', '<', '"', '#', '/', ' ']), "{}", &shown[..200]);
}

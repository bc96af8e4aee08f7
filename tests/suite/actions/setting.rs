//! `set-hook` and `unset-hook` with actions.

use crate::sandbox::{PROGRAM, Sandbox, utf16};

const INI: &str = "[Settings]\r\nversion=3.22.3\r\ncmdCallEnd=\"\"\r\n";
const URL: &str = "https://crm.example/find?phone={number}";
#[cfg(not(windows))]
const RUNNER: &str = r"C:\Program Files\msipcfg\msipcfg-run.exe";

fn sandbox() -> Sandbox {
    Sandbox::with_ini(utf16(INI))
}

fn actions(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("MicroSIP.hooks.toml")).unwrap_or_default()
}

#[test]
fn an_action_is_written_with_the_runner_that_starts_it() {
    let sandbox = sandbox();
    let run = sandbox.run_on_ini(&["set-hook", "ring", "--open", URL]).exits(0);
    assert_eq!(actions(&sandbox), format!("[[ring]]\nopen = \"{URL}\"\n"));
    let text = sandbox.ini_text();
    assert!(text.contains("msipcfg-run.exe") && text.contains("MicroSIP.ini ring\""), "{text}");
    assert!(run.stdout.contains(&format!("Added ring: open {URL}")), "{}", run.transcript);

    let again = sandbox.run_on_ini(&["set-hook", "--json", "ring", "--open", URL]).exits(0);
    assert_eq!(again.json()["changed"], false, "{}", again.transcript);
}

#[test]
fn an_action_replaces_what_the_event_did_unless_it_is_added() {
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set-hook", "ring", "--open", URL]).exits(0);
    sandbox.run_on_ini(&["set-hook", "ring", "--add", "--notify", "{name|number} is calling"]).exits(0);
    assert_eq!(actions(&sandbox).matches("[[ring]]").count(), 2, "{}", actions(&sandbox));
    sandbox
        .run_on_ini(&["set-hook", "ring", "--add", "--notify", "x"])
        .exits(0)
        .says("works from the next call");
    let shown = sandbox.run_on_ini(&["hooks"]).exits(0);
    assert!(shown.stdout.contains("                3. notify \"x\""), "{}", shown.transcript);
    let run = sandbox.run_on_ini(&["set-hook", "--json", "ring", "--get", "crm.example/ring"]).exits(0);
    assert_eq!(actions(&sandbox), "[[ring]]\nget = \"https://crm.example/ring\"\n");
    let summary = &run.json()["actions"];
    assert_eq!(summary["removed"].as_array().map(Vec::len), Some(3), "{}", run.transcript);
    assert_eq!(summary["added"][0], "ring: get https://crm.example/ring", "{}", run.transcript);
}

#[test]
fn a_country_is_set_for_all_actions_and_its_absence_is_a_warning() {
    let sandbox = sandbox();
    let open = ["set-hook", "--json", "ring", "--open", "https://crm.example/?{number:e164}"];
    let ran = sandbox.run_on_ini(&open).exits(0);
    assert!(ran.warnings().contains(&"country-unset".into()), "{}", ran.transcript);
    let opened = || sandbox.run_on_ini(&["test-hook", "ring", "-n", "--caller", "0301234567"]).exits(0);
    assert!(opened().stdout.contains("opens https://crm.example/?0301234567"), "{}", opened().transcript);

    let before = "# for all\n[numbers]\ninternal = 3 # digits\n\n";
    sandbox.write("MicroSIP.hooks.toml", format!("{before}{}", actions(&sandbox)));
    let ran = sandbox.run_on_ini(&[&open[..], &["--country", "+49"]].concat()).exits(0);
    assert!(!ran.warnings().contains(&"country-unset".into()), "{}", ran.transcript);
    assert!(actions(&sandbox).starts_with(&format!("{}\ncountry = \"49\"\n", before.trim_end_matches("\n"))));
    assert!(opened().stdout.contains("opens https://crm.example/?%2B49301234567"), "{}", opened().transcript);

    // it's set now
    let notify = ["set-hook", "--json", "ring", "--add", "--notify", "{number:national}"];
    let ran = sandbox.run_on_ini(&notify).exits(0);
    assert!(!ran.warnings().contains(&"country-unset".into()), "{}", ran.transcript);
    sandbox.run_on_ini(&["set-hook", "ring", "--country", "999", "--notify", "a"]).exits(2);
    sandbox
        .run_on_ini(&["set-hook", "ring", "--country", "49", "C:\\x.exe"])
        .exits(2)
        .says("--country needs");
}

#[test]
fn an_action_that_needs_the_whole_call_sets_the_runner_for_its_events() {
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set-hook", "end", "--post", "https://crm.example/calls"]).exits(0);
    let text = sandbox.ini_text();
    for key in ["cmdIncomingCall", "cmdCallStart", "cmdCallEnd", "cmdCallBusy", "cmdOutgoingCall"] {
        assert!(text.contains(&format!("{key}=")), "{text}");
    }
    sandbox.run_on_ini(&["unset-hook", "end"]).exits(0);
    assert_eq!(actions(&sandbox), "");
    assert!(!sandbox.path("MicroSIP.hooks.toml").exists());
    assert!(!sandbox.ini_text().contains("msipcfg-run"), "{}", sandbox.ini_text());
}

#[test]
fn a_program_stays_where_only_other_events_need_the_runner() {
    let sandbox = sandbox();
    let program = if cfg!(windows) { r"C:\windows\system32\hostname.exe" } else { r"C:\hooks\start.exe" };
    sandbox.run_on_ini(&["set-hook", "--allow-missing", "start", program]).exits(0);
    let run = sandbox.run_on_ini(&["set-hook", "--json", "end", "--post", "https://crm.example/"]).exits(0);
    assert!(run.warnings().contains(&"event-has-program".into()), "{}", run.transcript);
    assert!(sandbox.ini_text().contains(&format!("cmdCallStart=\"{program}\"")), "{}", sandbox.ini_text());

    sandbox.run_on_ini(&["set-hook", "start", "--add", "--open", URL]).exits(0);
    assert!(
        actions(&sandbox).contains(&format!("run = '{program}'\nargs = [\"{{number}}\"]")),
        "{}",
        actions(&sandbox)
    );
    assert!(!sandbox.ini_text().contains(&format!("cmdCallStart=\"{program}\"")), "{}", sandbox.ini_text());
}

#[test]
fn one_action_is_removed_by_its_number() {
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set-hook", "ring", "--open", URL]).exits(0);
    sandbox.run_on_ini(&["set-hook", "ring", "--add", "--notify", "x"]).exits(0);
    sandbox.run_on_ini(&["unset-hook", "--json", "ring", "--action", "3"]).fails(1, "action-not-found");
    sandbox.run_on_ini(&["unset-hook", "ring", "--action", "1"]).exits(0);
    assert_eq!(actions(&sandbox).trim_start(), "[[ring]]\nnotify = \"x\"\n");
    assert!(sandbox.ini_text().contains("msipcfg-run.exe"));
    sandbox.run_on_ini(&["unset-hook", "ring", "--action", "1"]).exits(0);
    assert!(!sandbox.path("MicroSIP.hooks.toml").exists());
    assert!(!sandbox.ini_text().contains("msipcfg-run.exe"));
}

#[test]
fn a_dry_run_shows_both_files_and_writes_neither() {
    let sandbox = sandbox();
    let run = sandbox.run_on_ini(&["set-hook", "-n", "ring", "--open", URL]).exits(0);
    assert!(run.stdout.contains("+cmdIncomingCall=") && run.stdout.contains(&format!("+ring: open {URL}")));
    assert_eq!((actions(&sandbox).as_str(), sandbox.ini_text()), ("", INI.to_string()));
}

#[test]
fn restore_brings_both_files_back() {
    let sandbox = sandbox();
    sandbox.run_on_ini(&["set-hook", "ring", "--open", URL]).exits(0);
    sandbox.run_on_ini(&["set-hook", "ring", "--notify", "x"]).exits(0);
    sandbox.run_on_ini(&["restore"]).exits(0);
    assert_eq!(actions(&sandbox), format!("[[ring]]\nopen = \"{URL}\"\n"));
    sandbox.run_on_ini(&["restore", "3"]).exits(0);
    assert_eq!((actions(&sandbox).as_str(), sandbox.ini_text()), ("", INI.to_string()));
    sandbox.run_on_ini(&["restore", "1"]).exits(0);
    assert_eq!(actions(&sandbox), format!("[[ring]]\nopen = \"{URL}\"\n"));
    assert!(sandbox.ini_text().contains("msipcfg-run.exe"));
}

#[test]
fn a_file_with_a_mistake_is_reported_and_left_alone() {
    let sandbox = sandbox();
    let broken = "[[ring]]\nopne = 'https://h/'\nheaders = { Authorization = 's3cr3t' }\n";
    sandbox.write("MicroSIP.hooks.toml", broken);
    let run =
        sandbox.run_on_ini(&["set-hook", "--json", "end", "--open", URL]).fails(7, "hooks-file-invalid");
    assert!(run.json()["error"]["line"] == 2 && !run.transcript.contains("s3cr3t"), "{}", run.transcript);
    assert_eq!((actions(&sandbox).as_str(), sandbox.ini_text()), (broken, INI.to_string()));
}

#[test]
fn the_value_of_a_header_comes_from_a_variable_and_is_never_shown() {
    let sandbox = sandbox();
    let args = ["set-hook", "end", "--post", "https://h/", "--header", "Authorization=@env:TOKEN"];
    for json in [&["--json"][..], &[]] {
        let mut args = args.to_vec();
        args.splice(1..1, json.iter().copied());
        let mut command = sandbox.command(PROGRAM);
        command.args(&args).arg("--ini").arg(sandbox.ini()).env("TOKEN", "Bearer s3cr3t{x}");
        let run = sandbox.finish(command).exits(0);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("s3cr3t"), "{}", run.transcript);
    }
    assert!(actions(&sandbox).contains(r#"Authorization = "Bearer s3cr3t{{x}""#), "{}", actions(&sandbox));
    sandbox.run_on_ini(&["set-hook", "end", "--post", "https://h/", "--header", "X-Key=s3cr3t"]).exits(2);
}

#[test]
fn actions_that_cannot_work_are_refused() {
    let sandbox = sandbox();
    for (args, status, words) in [
        (&["ring", "--open", "https://{number}/"][..], 3, "host"),
        (&["ring", "--open", "https://h/{numbr}"], 3, "{number}"),
        (&["ring", "--notify", "{env:TOKEN}"], 3, "headers and bodies"),
        (&["ring", "--log", "calls.xls"], 3, ".csv"),
        (&["ring", "--log", r"C:\calls?.csv"], 3, "character"),
        (&["ring", "--log", r"C:\logs\nul.csv"], 3, "device"),
        (&["ring", "--open", "https://h/", "--only", "extern"], 3, "external"),
        (&["ring", "--open", "https://h/", "--link", "https://h/"], 2, "--notify"),
        (&["ring", "--open", "https://h/", "--notify", "x"], 2, "cannot be used with"),
        (&["ring", "--open", "https://h/", r"C:\x.exe"], 2, "not both"),
        (&["ring", "--only", "external", r"C:\x.exe"], 2, "--open"),
        (&["ring", "--get", "h", "--header", "Host=@env:X"], 2, "msipcfg itself sets"),
        (&["ring", "--get", "h", "--header", "content-LENGTH=@env:X"], 2, "msipcfg itself sets"),
        (&["ring", "--get", "h", "--header", "Webhook-Id=@env:X"], 2, "msipcfg itself sets"),
        (&["ring", "--get", "h", "--header", "X y=@env:X"], 2, "NAME=@env:VARIABLE"),
        (&["ring", "--get", "h", "--header", "A=@env:X", "--header", "a=@env:Y"], 2, "twice"),
        (&["ring"], 2, "--open URL"),
        (&["ring", "https://crm.example/"], 3, "--open"),
    ] {
        let run = sandbox.run_on_ini(&[&["set-hook"], args].concat()).exits(status);
        assert!(run.transcript.contains(words), "{}", run.transcript);
    }
    assert_eq!(sandbox.ini_text(), INI);
}

#[cfg(not(windows))]
#[test]
fn a_runner_that_cannot_be_seen_is_assumed_where_the_installer_puts_it() {
    let sandbox = sandbox();
    let run = sandbox.run_on_ini(&["set-hook", "--json", "ring", "--open", URL]).exits(0);
    assert!(run.warnings().contains(&"hook-target-unchecked".into()), "{}", run.transcript);
    assert!(sandbox.ini_text().contains(RUNNER), "{}", sandbox.ini_text());
    let other = r"D:\msipcfg\msipcfg-run.exe";
    sandbox.run_on_ini(&["set-hook", "ring", "--runner", other, "--notify", "x"]).exits(0);
    sandbox.run_on_ini(&["set-hook", "end", "--notify", "x"]).exits(0);
    assert_eq!(sandbox.ini_text().matches(other).count(), 2, "{}", sandbox.ini_text());
}

#[test]
fn an_old_microsip_has_no_actions() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nversion=3.14.0\r\n"));
    sandbox.run_on_ini(&["set-hook", "--json", "end", "--notify", "x"]).fails(3, "actions-unsupported");
}

//! Scripts: msipcfg runs them, or MicroSIP with --direct.

use super::*;
use crate::sandbox::{PROGRAM, image};

const RUNNER: &str = "msipcfg-run.exe";

impl Programs {
    fn actions(&self) -> String {
        let ini = self.sandbox.path(&self.ini);
        std::fs::read_to_string(ini.with_file_name("MicroSIP.hooks.toml")).unwrap_or_default()
    }
}

fn message(ran: &Ran) -> String {
    ran.json()["error"]["message"].as_str().unwrap().to_string()
}

#[test]
fn a_script_becomes_an_action_with_the_number_as_its_last_argument() {
    let programs = Programs::new(&[("log it.bat", b"x")]);
    let script = programs.path("log it.bat");
    let ini = programs.sandbox.path(&programs.ini);
    let argv = ["set-hook", "--ini", ini.to_str().unwrap(), "ring,end", &script, "a b", "-c"];
    let ran = programs.sandbox.run(&argv).exits(0).says("use --direct");
    assert!(ran.stdout.contains(&format!("msipcfg runs {script}")), "{}", ran.transcript);
    let action = format!("run = '{script}'\nargs = [\"a b\", \"-c\", \"{{number}}\"]");
    assert_eq!(programs.actions().matches(&action).count(), 2, "{}", programs.actions());
    for event in ["ring", "end"] {
        assert!(programs.hook(event)["program"].as_str().unwrap().ends_with(RUNNER));
    }
    let ran = programs.sandbox.run(&argv).exits(0);
    assert!(ran.stdout.contains("Nothing to change"), "{}", ran.transcript);
    let dry_run = ["set-hook", "-n", "--ini", ini.to_str().unwrap(), "busy", &script];
    programs.sandbox.run(&dry_run).exits(0).says("use --direct");
}

#[test]
fn microsip_starts_a_script_itself_if_the_user_asks_for_that() {
    let programs = Programs::new(&[("a.bat", b"x"), ("b.cmd", b"x")]);
    for name in ["a.bat", "b.cmd", "A.BAT", "b.Cmd"] {
        programs.set(&["ring", &programs.path(name)]).exits(0);
        let ran = programs.set(&["--direct", "ring", &programs.path(name)]).exits(0);
        assert!(ran.warnings().contains(&"hook-target-batch".to_string()), "{}", ran.transcript);
        assert_eq!(programs.hook("ring")["program"], Value::from(programs.path(name)));
        assert_eq!(programs.actions(), "");
    }
}

/// A name is looked up before it's known what it names.
#[test]
fn a_name_can_be_that_of_a_script() {
    let programs = Programs::new(&[("my-tool.cmd", b"x")]);
    if cfg!(not(windows)) {
        programs.sandbox.write("home/.wine/drive_c/windows/system32/my-tool.cmd", b"x");
    }
    let mut command = programs.sandbox.command(PROGRAM);
    command.env("PATH", programs.sandbox.path("hooks")).env("PATHEXT", ".COM;.EXE;.CMD");
    let ini = programs.sandbox.path(&programs.ini);
    command.arg("set-hook").arg("--json").arg("--ini").arg(ini).args(["ring", "my-tool"]);
    programs.sandbox.finish(command).exits(0);
    assert!(programs.actions().to_lowercase().contains("my-tool.cmd'"), "{}", programs.actions());
}

#[test]
fn interpreters_and_executables_stay_programs() {
    let files = [("powershell.exe", image()), ("ring.exe", image()), ("x.ps1", vec![b'x'])];
    let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let programs = Programs::new(&files);
    let (powershell, script) = (programs.path("powershell.exe"), programs.path("x.ps1"));
    programs.set(&["ring", &powershell, "-File", &script]).exits(0);
    programs.set(&["end", &programs.path("ring.exe")]).exits(0);
    assert_eq!(programs.hook("ring")["program"], Value::from(powershell));
    assert_eq!(programs.actions(), "");
}

#[test]
fn what_a_script_would_get_literally_is_refused() {
    let programs = Programs::new(&[("x.bat", b"x")]);
    let script = programs.path("x.bat");
    for (event, argument, code, hinted) in [
        ("ring", "%1", "hook-placeholder", "remove it"),
        ("ring", "{number}", "hook-mask-ignored", "remove it"),
        ("ring", "--number=", "hook-number-detached", "read the number"),
        ("outgoing", "{server}", "hook-mask-ignored", "--direct"),
    ] {
        let ran = programs.set(&[event, &script, argument]).fails(3, code);
        assert!(hint(&ran).contains(hinted), "{}", ran.transcript);
    }
    assert_eq!(programs.actions(), "");
    programs.set(&["--direct", "outgoing", &script, "{server}"]).exits(0);
}

#[test]
fn where_a_script_cannot_be_an_action_the_error_says_what_to_do() {
    let programs = Programs::new(&[("x.bat", b"x"), ("x.py", b"x")]);
    if cfg!(not(windows)) {
        programs.sandbox.write("home/.wine/drive_c/windows/py.exe", image());
    }
    let old = ["--microsip-version", "3.18.5", "--allow-missing", "ring"];
    let set = |script: &str| programs.set(&[&old[..], &[&programs.path(script)]].concat());
    let ran = set("x.bat").fails(3, "actions-unsupported");
    assert!(hint(&ran).contains("update") && hint(&ran).contains("--direct"), "{}", ran.transcript);
    // MicroSIP couldn't start it with its interpreter either
    let ran = set("x.py").fails(3, "actions-unsupported");
    assert!(hint(&ran).contains("update") && !hint(&ran).contains("--direct"), "{}", ran.transcript);

    let runner = programs.path(&format!("{}\\{RUNNER}", "long".repeat(60)));
    let argv = ["--allow-missing", "--runner", &runner, "ring", &programs.path("x.bat")];
    if cfg!(not(windows)) {
        let ran = programs.set(&argv).fails(3, "hook-too-long");
        assert!(hint(&ran).contains("--direct"), "{}", ran.transcript);
    }
}

#[test]
fn no_option_is_ignored() {
    let programs = Programs::new(&[("x.bat", b"x"), ("x.exe", &image())]);
    let (script, program) = (programs.path("x.bat"), programs.path("x.exe"));
    let runner = programs.path(RUNNER);
    for argv in [
        &["--direct", "--add", "ring", &script][..],
        &["--direct", "--runner", &runner, "ring", &script],
        &["--direct", "--raw", "ring", &script],
        &["--raw", "--add", "ring", &program],
        &["--raw", "--runner", &runner, "ring", &program],
        &["--runner", &runner, "ring", &program],
        &["--direct", "ring", "--open", "https://crm.example/"],
        &["--allow-unsafe", "ring", "--open", "https://crm.example/"],
        &["--allow-missing", "ring", "--notify", "x"],
        &["--unblock", "ring", "--notify", "x"],
    ] {
        let ran = programs.set(argv).fails(2, "usage");
        assert!(message(&ran).contains("--"), "{}", ran.transcript);
    }
    assert_eq!(programs.actions(), "");
}

/// In a desired-state file, a path means a program.
#[test]
fn desired_states_still_mean_programs() {
    let programs = Programs::new(&[("x.bat", b"x")]);
    let path = programs.path("x.bat");
    let state = programs.sandbox.write("state.toml", format!("[hooks]\nring = '{path}'\n"));
    let ini = programs.sandbox.path(&programs.ini);
    let argv = ["apply", "--json", "--ini", ini.to_str().unwrap(), "--allow-unsafe", state.to_str().unwrap()];
    programs.sandbox.run(&argv).exits(0);
    assert_eq!((programs.hook("ring")["program"].clone(), programs.actions()), (path.into(), String::new()));
}

#[test]
fn scripts_are_run_by_an_existing_interpreter() {
    let programs = Programs::new(&[("log.vbs", b"x")]);
    if cfg!(not(windows)) {
        programs.sandbox.write("home/.wine/drive_c/windows/system32/wscript.exe", image());
    }
    let script = programs.path("log.vbs");
    programs.set(&["--direct", "ring", &script, "a b"]).exits(0);
    let hook = programs.hook("ring");
    let program = hook["program"].as_str().unwrap().to_lowercase();
    assert!(program.starts_with("c:\\windows\\") && program.ends_with("\\wscript.exe"), "{hook}");
    assert_eq!(hook["args"], serde_json::json!(["//B", script, "a b"]));
    assert_eq!(hook["works"], true, "{hook}");
}

#[test]
#[cfg_attr(windows, ignore = "the interpreters depend on the computer; the Wine prefix has its own")]
fn each_kind_of_script_has_its_interpreter() {
    let powershell = r"C:\windows\system32\WindowsPowerShell\v1.0\powershell.exe";
    let kinds: &[(&str, &str, &[&str])] = &[
        ("ps1", powershell, &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]),
        ("vbs", r"C:\windows\system32\wscript.exe", &["//B"]),
        ("js", r"C:\windows\system32\wscript.exe", &["//B"]),
        ("wsf", r"C:\windows\system32\wscript.exe", &["//B"]),
        ("py", r"C:\windows\pyw.exe", &[]),
        ("pyw", r"C:\windows\pyw.exe", &[]),
        ("jar", r"C:\windows\system32\javaw.exe", &["-jar"]),
        ("PS1", powershell, &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"]),
    ];
    for (ending, interpreter, leading) in kinds {
        let name = format!("log.{ending}");
        let programs = Programs::new(&[(&name, b"x")]);
        let script = programs.path(&name);
        let on_disk = interpreter.replace('\\', "/").replace("C:", "home/.wine/drive_c");
        // no interpreter yet
        programs.set(&["ring", &script]).fails(3, "hook-interpreter-missing");
        programs.set(&["--direct", "ring", &script]).fails(3, "hook-interpreter-missing");
        programs.sandbox.write(&on_disk, image());
        programs.set(&["end", &script]).exits(0);
        let ran = programs.set(&["--direct", "ring", &script, "x"]).exits(0);
        let hook = programs.hook("ring");
        let program = hook["program"].as_str().unwrap();
        assert!(program.eq_ignore_ascii_case(interpreter), "{program} for {}", ran.transcript);
        let args: Vec<&str> = leading.iter().copied().chain([script.as_str(), "x"]).collect();
        assert_eq!(hook["args"], Value::from(args));
        // the change shows what really runs
        let after = ran.json()["changes"][0]["after"].as_str().unwrap().to_string();
        assert!(after.contains(program) && after.contains(&script), "{after}");
    }
}

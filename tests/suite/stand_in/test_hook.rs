//! `test-hook` runs the same file as MicroSIP with the same command line, and waits as long.

use serde_json::{Value, json};

use super::{Dumper, Start};
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

/// Runs `test-hook` on the ini of the sandbox. The hooks get these variables.
#[track_caller]
fn test_hook(sandbox: &Sandbox, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    command.args(["test-hook", "--json", "--ini", sandbox.ini().to_str().unwrap()]).args(args);
    command.envs(variables.iter().copied());
    sandbox.finish(command)
}

/// Splits the line that the stand-in logs for a hook: file, parameters, whether it was started, and milliseconds.
fn parse_hook_line(line: &str, key: &str) -> (String, String, bool, u64) {
    let rest = line.strip_prefix(&format!("hook {key} ")).unwrap();
    let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let [file, parameters] = [(); 2].map(|()| texts.next().unwrap().unwrap());
    let (outcome, took) = rest[texts.byte_offset()..].trim().split_once(' ').unwrap();
    (file, parameters, outcome == "started", took.parse().unwrap())
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario whose steps build on each other")]
fn test_hook_runs_what_microsip_runs() {
    let sandbox = Sandbox::new();
    let plain = Dumper::at(sandbox.path("hooks/dumper.exe"));
    let with_spaces = Dumper::at(sandbox.path("My Hooks/argument dumper.exe"));
    let batch = sandbox.write("hooks/run.cmd", format!("@\"{}\" batch %*\r\n", plain.exe.display()));
    let [plain, with_spaces, batch] =
        [&plain.exe, &with_spaces.exe, &batch].map(|path| path.to_str().unwrap());
    let hooks = [
        ("ring", "cmdIncomingCall", plain.to_string()),
        ("ringing", "cmdCallRing", format!("\"{with_spaces}\"")),
        ("answer", "cmdCallAnswer", format!("{plain} \"two  words\" C:\\ends\\with\\")),
        ("answer-video", "cmdCallAnswerVideo", format!("{plain} \\\"two  words\\\" a\\\\\"b\"")),
        ("start", "cmdCallStart", format!("\"{with_spaces}\" Grüße 日本 %PATH% & ^ 'q'  \"\"")),
        ("end", "cmdCallEnd", format!("{batch} x")),
        ("busy", "cmdCallBusy", r"C:\missing\x.exe y".to_string()),
        // without quotes around its path
        ("outgoing", "cmdOutgoingCall", format!("{with_spaces} z")),
    ];
    let lines: String = hooks.iter().map(|(_, key, value)| format!("{key}=\"{value}\"\r\n")).collect();
    let ini = format!("[Settings]\r\naccountId=1\r\nversion=3.22.3\r\n{lines}");
    sandbox.write("MicroSIP.ini", utf16(&ini));
    let dump = sandbox.path("home/dump");
    let lines_in = |ending: &str| {
        let text = std::fs::read_to_string(sandbox.path(&format!("home/dump{ending}"))).unwrap();
        text.lines().map(String::from).collect::<Vec<_>>()
    };

    let phone = Start::portable(&sandbox).line("/minimized").variable("ARGUMENT_DUMP", &dump).start();
    for caller in ["+49 30", ""] {
        let before = std::fs::read_to_string(&dump).map_or(0, |text| text.lines().count());
        let by_microsip: Vec<_> =
            hooks.iter().map(|(_, key, _)| parse_hook_line(&phone.event(key, caller), key)).collect();
        let args = ["--all", "--caller", caller];
        let ran = test_hook(&sandbox, &args, &[("ARGUMENT_DUMP", dump.to_str().unwrap())]).exits(1);
        let json = ran.json();
        let tests = json["tests"].as_array().unwrap();
        assert_eq!(tests.len(), hooks.len(), "{}", ran.transcript);
        for ((test, (event, ..)), (file, parameters, is_started, _)) in
            tests.iter().zip(&hooks).zip(&by_microsip)
        {
            let line = if parameters.is_empty() {
                format!("\"{file}\"")
            } else {
                format!("\"{file}\" {parameters}")
            };
            let expected = json!([event, file, line, is_started]);
            let found = json!([test["event"], test["program"], test["command_line"], test["started"]]);
            assert_eq!(found, expected, "{caller:?} {}", ran.transcript);
            assert_eq!(
                test["exit_status"],
                if *is_started { json!(0) } else { Value::Null },
                "{}",
                ran.transcript
            );
            assert_eq!(test["failed"], !is_started, "{}", ran.transcript);
        }
        // both received the same arguments and command lines
        for ending in ["", ".line"] {
            let lines = lines_in(ending);
            let (by_microsip, by_us) = lines[before..].split_at((lines.len() - before) / 2);
            assert_eq!(by_microsip.len(), 6, "{lines:?}");
            assert_eq!(by_microsip, by_us, "{caller:?}");
        }
        // the reported arguments are the received ones
        let own = ["ring", "ringing", "answer", "answer-video", "start"];
        let arrived = lines_in("");
        for (test, line) in tests
            .iter()
            .filter(|test| own.contains(&test["event"].as_str().unwrap()))
            .zip(&arrived[before + 6..])
        {
            assert_eq!(test["args"], serde_json::from_str::<Value>(line).unwrap(), "{}", ran.transcript);
        }
    }
    phone.kill();
}

#[test]
fn test_hook_waits_like_microsip_and_shows_the_result() {
    const TAKES: [(&str, &str); 3] =
        [("ARGUMENT_DUMP_TAKES_MS", "1100"), ("ARGUMENT_DUMP_STATUS", "3"), ("ARGUMENT_DUMP_SAYS", "hi")];
    let sandbox = Sandbox::new();
    // ShellExecuteEx may replace a `/` before it starts the program
    let dumper = Dumper::at(sandbox.path(r"My Hooks\dumper.exe"));
    let value = format!("\"{}\" \\\"a b\\\"", dumper.exe.display());
    let ini = format!("[Settings]\r\naccountId=1\r\nversion=3.22.3\r\ncmdCallEnd=\"{value}\"\r\n");
    sandbox.write("MicroSIP.ini", utf16(&ini));
    let phone = TAKES
        .iter()
        .fold(Start::portable(&sandbox).line("/minimized"), |start, (name, value)| {
            start.variable(name, *value)
        })
        .start();
    let (.., took) = parse_hook_line(&phone.event("cmdCallEnd", "100"), "cmdCallEnd");
    phone.kill();
    assert!((1100..10_000).contains(&took), "{took} ms");

    let ran = test_hook(&sandbox, &["end"], &TAKES).exits(1);
    let json = ran.json();
    let test = &json["tests"][0];
    let seconds = test["seconds"].as_f64().unwrap();
    assert!((1.1..10.0).contains(&seconds), "{}", ran.transcript);
    assert_eq!((&test["exit_status"], &test["timed_out"]), (&json!(3), &json!(false)), "{}", ran.transcript);
    assert_eq!((&test["stdout"], &test["stderr"]), (&Value::Null, &Value::Null), "{}", ran.transcript);
    let codes: Vec<&Value> =
        test["problems"].as_array().unwrap().iter().map(|problem| &problem["code"]).collect();
    assert!(codes.ends_with(&[&json!("hook-slow"), &json!("hook-failed")]), "{}", ran.transcript);
    assert!(ran.warnings().is_empty(), "{}", ran.transcript);

    // to capture the output, the hook is started in another way, with the same command line
    let ran = test_hook(&sandbox, &["end", "--capture"], &TAKES[1..]).exits(1);
    assert_eq!(ran.warnings(), ["hook-started-otherwise"]);
    let json = ran.json();
    let test = &json["tests"][0];
    assert_eq!((&test["stdout"], &test["stderr"]), (&json!("hi\n"), &json!("hi!\n")), "{}", ran.transcript);
    assert_eq!(dumper.received(), vec![vec!["a b", "100"]; 3]);
    let lines = std::fs::read_to_string(sandbox.path("My Hooks/dumper.exe.args.line")).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| *line == lines[0]), "{lines:?}");
}

#[test]
fn before_3_19_the_whole_value_is_the_file() {
    let sandbox = Sandbox::new();
    let dumper = Dumper::at(sandbox.path("My Hooks/dumper.exe"));
    sandbox.write("MicroSIP.ini", utf16(&format!("[Settings]\r\ncmdCallEnd={}\r\n", dumper.exe.display())));
    let args = ["end", "--caller", "200", "--microsip-version"];
    let ran = test_hook(&sandbox, &[&args[..], &["3.22.3"]].concat(), &[]).exits(1);
    assert_eq!(ran.json()["tests"][0]["started"], false, "{}", ran.transcript);
    test_hook(&sandbox, &[&args[..], &["3.14.0"]].concat(), &[]).exits(0);
    assert_eq!(dumper.received(), [["200"]]);
}

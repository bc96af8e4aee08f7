//! Commands that control MicroSIP.

use crate::alone::Among;
use crate::sandbox::{PROGRAM, Ran, Sandbox, utf16};

use super::{Phone, Start};

const INI: &str = "[Settings]\r\naccountId=1\r\n";

fn sandbox() -> Sandbox {
    Sandbox::with_ini(utf16(INI))
}

/// Runs a command for the phone of this sandbox, because phones of other tests may be running.
fn drive(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.run_on_ini(&[args, &["--json"]].concat())
}

#[test]
fn each_command_reaches_the_phone_without_blocking_the_sender() {
    let sandbox = sandbox();
    // this one never returns a text that it handles at once
    let phone = Start::portable(&sandbox).variable("STAND_IN_BLOCKS", "1").start();
    for (args, sent, done) in [
        (&["answer"][..], "/answer", "command /answer"),
        (&["hangup"], "/hangupall", "command /hangupall"),
        (&["hangup", "--all"], "/hangupall", "command /hangupall"),
        (&["hangup", "--incoming"], "/hangupincoming", "command /hangupincoming"),
        (&["hangup", "--calling"], "/hangupcalling", "command /hangupcalling"),
        (&["dtmf", "12*#,d"], "/dtmf:12*#,D", "command /dtmf:12*#,D"),
        (&["transfer", "200"], "/transfer:200", "command /transfer:200"),
        (&["hold"], "msip:hold", "command msip:hold"),
        (&["mute"], "msip:micmute", "command msip:micmute"),
        (&["unmute"], "msip:micunmute", "command msip:micunmute"),
        (&["call", "+49 30 123456"], "+4930123456", "dial +4930123456"),
        (&["call", "ann@example.com"], "ann@example.com", "dial ann@example.com"),
    ] {
        let before = phone.count(done);
        let ran = drive(&sandbox, args).exits(0);
        let json = ran.json();
        assert_eq!(
            (&json["sent"], &json["instances"][0]["pid"]),
            (&sent.into(), &phone.pid().into()),
            "{}",
            ran.transcript
        );
        phone.waits_for_nth(before + 1, done);
        assert_eq!(
            phone.log().iter().rfind(|line| line.starts_with("copydata")).unwrap(),
            &format!("copydata 2 {sent}")
        );
    }
    assert_eq!(phone.count("message"), 0, "{:?}", phone.log());
}

#[test]
fn text_that_microsip_would_misread_isnt_sent() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).start();
    for number in ["ann lee", "%2B49", "tel:100", "SIP:100", "100/1", "\"100\"", "", "msip:hold"] {
        drive(&sandbox, &["call", number]).fails(3, "number-refused");
        drive(&sandbox, &["transfer", number]).fails(3, "number-refused");
    }
    drive(&sandbox, &["dtmf", "1E"]).fails(3, "number-refused");
    assert_eq!(phone.count("copydata"), 0);
    phone.close();
}

#[test]
fn an_older_version_gets_only_what_it_supports() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).version("3.21.3").start();
    // it writes no version, but the way in which it saves commands shows it
    phone.save();
    drive(&sandbox, &["mute"]).fails(3, "order-unsupported");
    drive(&sandbox, &["hangup", "--incoming"]).fails(3, "order-unsupported");
    drive(&sandbox, &["answer"]).exits(0);
    phone.waits_for("command /answer");
    phone.close();
}

#[test]
fn without_a_running_phone_commands_fail() {
    let sandbox = sandbox();
    for args in [&["answer"][..], &["call", "100"], &["exit"]] {
        drive(&sandbox, args).fails(1, "microsip-not-running");
    }
    drive(&sandbox, &["start"]).fails(4, "microsip-not-found");
}

#[test]
fn start_starts_one_phone_and_exit_closes_it() {
    let _among = Among::others();
    let sandbox = sandbox();
    super::put_stand_in(&sandbox.path("MicroSIP.exe"));
    let mut start = sandbox.command(PROGRAM);
    start.args(["start", "--minimized", "--json", "--ini"]).arg(sandbox.ini());
    start.env("STAND_IN_LOG", super::log_file(&sandbox));
    let ran = sandbox.finish(start).exits(0);
    let phone = Phone::started_by_another(&sandbox, &[]);
    assert_eq!(
        (ran.json()["changed"].as_bool(), phone.log()[0].as_str()),
        (Some(true), r#"start args="/minimized""#)
    );
    assert!(!phone.is_visible());
    let again = drive(&sandbox, &["start"]).exits(0);
    assert_eq!(again.json()["changed"], false, "{}", again.transcript);
    drive(&sandbox, &["exit"]).exits(0);
    assert_eq!(phone.log().last().unwrap(), "exit");
    assert_eq!(phone.count("copydata"), 0, "{:?}", phone.log());
    assert_eq!(Phone::pids(&sandbox), [phone.pid()]);
}

#[test]
fn exit_reports_a_phone_that_doesnt_exit() {
    let sandbox = sandbox();
    let phone = Start::portable(&sandbox).variable("STAND_IN_NEVER_EXITS", "1").start();
    drive(&sandbox, &["exit", "--timeout", "1s"]).fails(5, "microsip-running");
    phone.waits_for("close");
}

#[test]
fn of_two_phones_the_one_with_the_named_ini_gets_the_command() {
    let sandbox = sandbox();
    let first = Start::portable(&sandbox).start();
    let second = Start::at(&sandbox, "Other/MicroSIP.exe").start();
    let ran = sandbox.run(&["answer", "--json"]).fails(4, "instance-ambiguous");
    assert!(ran.stdout.contains(&first.pid().to_string()), "{}", ran.transcript);
    drive(&sandbox, &["answer"]).exits(0);
    first.waits_for("command /answer");
    assert_eq!(second.count("copydata"), 0);
    first.close();
    second.close();
}

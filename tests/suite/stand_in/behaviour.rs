//! The stand-in behaves like MicroSIP. Otherwise tests with it would prove nothing.

use super::{Dumper, Installed, Phone, Start, whole_log};
use crate::sandbox::{Sandbox, utf16};

/// The value of the first line with this key.
#[track_caller]
fn text_of(sandbox: &Sandbox, key: &str) -> String {
    let ini = sandbox.ini_text();
    let found = ini.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {key} in {ini}")).to_string()
}

#[test]
fn the_first_run_creates_an_ini_with_a_header_and_shows_the_window() {
    let sandbox = Sandbox::new();
    let phone = Start::portable(&sandbox).version("3.21.4").line("/minimized").start();
    assert_eq!(sandbox.ini_bytes(), utf16("[Settings]"));
    assert!(phone.is_visible());
    assert_eq!(phone.log(), [r#"start args="/minimized""#, "window visible", "ready"]);
}

#[test]
fn a_start_writes_the_version_and_nothing_else() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\nversion=3.21.6\r\nVAD=1\r\n"));
    let phone = Start::portable(&sandbox).line("/minimized").start();
    assert_eq!(sandbox.ini_text(), "[Settings]\r\naccountId=1\r\nversion=3.22.3\r\nVAD=1\r\n");
    assert!(!phone.is_visible());
    phone.kill();
    assert_eq!(sandbox.ini_text(), "[Settings]\r\naccountId=1\r\nversion=3.22.3\r\nVAD=1\r\n");
}

#[test]
fn an_8_bit_ini_becomes_utf_16() {
    let sandbox = Sandbox::with_ini("[Settings]\r\naccountId=1\r\nversion=3.22.3\r\n");
    Start::portable(&sandbox).start().kill();
    assert_eq!(sandbox.ini_text(), "[Settings]\r\naccountId=1\r\nversion=3.22.3\r\n");
}

#[test]
fn exiting_saves_from_memory_in_the_dialect_of_the_version() {
    for (version, quote) in [("3.22.3", "\""), ("3.21.6", "\""), ("3.21.4", ""), ("3.19.27", "")] {
        let old = "[Settings]\r\naccountId=1\r\nVAD=7\r\nunknown='x'\r\ncmdCallEnd=\"C:\\a.exe\" -\r\n";
        let sandbox = Sandbox::with_ini(utf16(old));
        let phone = Start::portable(&sandbox).version(version).start();
        // an edit in the meantime is lost
        sandbox.write("MicroSIP.ini", utf16(&old.replace("VAD=7", "VAD=0")));
        let log = phone.close();
        assert_eq!(log[log.len() - 3..], ["close", "saved", "exit"]);
        assert_eq!(text_of(&sandbox, "VAD"), "1");
        assert_eq!(text_of(&sandbox, "unknown"), "'x'");
        assert_eq!(text_of(&sandbox, "cmdCallEnd"), format!("{quote}\"C:\\a.exe\" -{quote}"));
        assert_eq!(text_of(&sandbox, "cmdCallStart"), format!("{quote}{quote}"));
        assert_eq!(text_of(&sandbox, "audioRingDevice"), "\"\"");
        assert_eq!(sandbox.ini_text().contains("cmdCallAnswerVideo"), version != "3.19.27");
    }
}

#[test]
fn its_counters_continue_across_starts() {
    let sandbox = Sandbox::new();
    for start in 1..=3 {
        let phone = Start::portable(&sandbox).start();
        phone.save();
        phone.close();
        assert_eq!(text_of(&sandbox, "volumeInput"), start.to_string());
        assert_eq!(text_of(&sandbox, "volumeOutput"), (2 * start).to_string());
    }
    // a killed phone doesn't save
    Start::portable(&sandbox).start().kill();
    assert_eq!(text_of(&sandbox, "volumeInput"), "3");
}

#[test]
fn the_x_in_the_title_bar_only_hides_the_window() {
    let sandbox = Sandbox::new();
    let phone = Start::portable(&sandbox).start();
    phone.hide();
    assert!(!phone.is_visible());
    phone.send("100");
    phone.waits_for("dial 100");
    phone.waits_for_nth(2, "window visible");
    phone.close();
}

#[test]
fn a_second_start_passes_everything_to_the_first() {
    let sandbox = Sandbox::new();
    let mut phone = Start::portable(&sandbox).start();
    let second = |line: &str| Start::portable(&sandbox).line(line).run();
    assert_eq!(second("+1 555 1234"), [r#"start args="+1 555 1234""#, "passed on"]);
    assert_eq!(phone.waits_for("copydata"), "copydata 1 +1 555 1234");
    phone.waits_for("message +1 555 1234");
    second(r#""tel:%2B49""#);
    assert_eq!(phone.waits_for("dial"), "dial +49");
    assert_eq!(second("/minimized").last().unwrap(), "left alone");
    assert_eq!(phone.count("copydata"), 2);
    assert_eq!(second("/exit").last().unwrap(), "told to exit");
    phone.wait_for_exit();
    assert_eq!(phone.log().last().unwrap(), "exit");
    assert_eq!(second("/exit").last().unwrap(), "left alone");
}

#[test]
fn even_a_second_start_writes_to_the_ini() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\n"));
    let mut phone = Start::portable(&sandbox).version("3.21.6").start();
    Start::portable(&sandbox).version("3.22.3").line("/exit").run();
    // it saves when it exits
    phone.wait_for_exit();
    assert!(sandbox.ini_text().contains("version=3.22.3"));
    let log = whole_log(&sandbox);
    assert_eq!(log.iter().filter(|line| line.contains(" start ")).count(), 2, "{log:?}");
}

#[test]
fn copies_with_other_paths_are_other_phones() {
    let sandbox = Sandbox::new();
    let first = Start::at(&sandbox, "One/MicroSIP.exe").start();
    let second = Start::at(&sandbox, "Two/Phone.exe").start();
    assert!(sandbox.path("Two/Phone.ini").exists());
    second.close();
    first.close();
}

#[test]
fn a_phone_in_the_registered_folder_is_installed() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("Program Files/MicroSIP");
    let in_other_letters = folder.to_str().unwrap().replace('/', "\\").to_uppercase();
    let installed = Installed::at(in_other_letters.as_ref());
    // the ini of older versions moves
    sandbox.write("local/MicroSIP/MicroSIP.ini", utf16("[Settings]\r\naccountId=1\r\n"));
    Start::at(&sandbox, "Program Files/MicroSIP/MicroSIP.exe").version("3.21.4").start().kill();
    assert!(sandbox.path("roaming/MicroSIP/MicroSIP.ini").exists());
    assert!(!sandbox.path("local/MicroSIP/MicroSIP.ini").exists());
    // a copy in any other folder is portable
    Start::portable(&sandbox).start().kill();
    assert!(sandbox.ini().exists());
    drop(installed);
    Start::at(&sandbox, "Program Files/MicroSIP/MicroSIP.exe").start().kill();
    assert!(folder.join("MicroSIP.ini").exists());
}

#[test]
fn a_phone_that_another_program_started_is_found_and_closed() {
    let sandbox = Sandbox::new();
    Start::at(&sandbox, "Other/MicroSIP.exe").start().close();
    let other = sandbox.path("Other").join("MicroSIP.exe");
    sandbox.write("MicroSIP.ini", utf16(&format!("[Settings]\r\ncmdCallEnd={}\r\n", other.display())));
    let first = Start::portable(&sandbox).start();
    let known = Phone::pids(&sandbox);
    first.send("stand-in:event cmdCallEnd 100");
    let second = Phone::started_by_another(&sandbox, &known);
    assert_eq!(second.waits_for("dial"), "dial 100");
    second.close();
    first.waits_for("hook cmdCallEnd");
    first.close();
}

#[test]
fn the_sender_of_an_immediate_text_may_wait_forever() {
    let sandbox = Sandbox::new();
    let phone = Start::portable(&sandbox).variable("STAND_IN_BLOCKS", "1").start();
    phone.send("100");
    phone.waits_for("dial 100");
    let mut second = Start::portable(&sandbox).line("200").spawn();
    phone.waits_for("dial 200");
    assert_eq!(second.count("passed on"), 0);
    phone.kill();
    second.wait_for_exit();
    assert_eq!(second.log().last().unwrap(), "passed on");
}

#[test]
fn a_selected_account_is_saved_at_once() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\n"));
    let phone = Start::portable(&sandbox).line("/account:2").start();
    phone.waits_for("saved");
    assert_eq!(text_of(&sandbox, "accountId"), "2");
    phone.kill();
}

#[test]
fn a_start_without_an_account_deletes_the_keys_of_the_old_single_account() {
    let old = "[Settings]\r\nSTUN=stun.example.org\r\nserver=sip.example.org\r\n";
    let sandbox = Sandbox::with_ini(utf16(old));
    let phone = Start::portable(&sandbox).version("3.21.6").start();
    assert_eq!(sandbox.ini_text(), "[Settings]\r\n");
    phone.close();
    // the value is still in memory
    assert_eq!(text_of(&sandbox, "STUN"), "stun.example.org");
    assert!(!sandbox.ini_text().contains("server="));
}

#[test]
fn a_command_that_looks_right_in_the_ini_gets_lost() {
    let run = |version: &str, value: &str| {
        let sandbox = Sandbox::new();
        let dumper = Dumper::at(sandbox.path("My Hooks/dumper.exe"));
        let value = value.replace("DUMPER", dumper.exe.to_str().unwrap());
        let ini = format!("[Settings]\r\naccountId=1\r\nversion={version}\r\ncmdCallEnd={value}\r\n");
        sandbox.write("MicroSIP.ini", utf16(&ini));
        let outcomes = ["as it was set", "saved once"].map(|_| {
            let phone = Start::portable(&sandbox).version(version).start();
            let line = phone.event("cmdCallEnd", "100");
            phone.close();
            line.contains(" started ")
        });
        (outcomes, dumper.received())
    };
    let number = || vec!["100".to_string()];
    // a path with spaces needs quotes, but reading the ini removes one pair
    for version in ["3.22.3", "3.21.3"] {
        assert_eq!(run(version, "DUMPER"), ([false, false], vec![]));
        assert_eq!(run(version, "\"DUMPER\""), ([false, false], vec![]));
    }
    // two pairs are right until a version that writes commands bare has saved them
    assert_eq!(run("3.22.3", "\"\"DUMPER\"\""), ([true, true], vec![number(), number()]));
    assert_eq!(run("3.21.3", "\"\"DUMPER\"\""), ([true, false], vec![number()]));
    // an argument in quotes arrives without them, and therefore in parts
    let parts = vec!["-".to_string(), "a".to_string(), "b".to_string(), "100".to_string()];
    let value = "\"\"DUMPER\" - \"a b\"\"";
    assert_eq!(run("3.22.3", value), ([true, true], vec![parts.clone(), parts]));
}

#[test]
fn the_meaning_of_a_text_depends_on_the_version() {
    let logged = |version: &str, text: &str| {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\n"));
        let phone = Start::portable(&sandbox).version(version).start();
        phone.send(text);
        let log = phone.close();
        let received = log.iter().position(|line| line.starts_with("copydata 2 ")).unwrap();
        log[received + 1].clone()
    };
    for (text, meaning) in [
        ("msip:micunmute", "command msip:micunmute"),
        ("msip:transfer_200", "command msip:transfer_200"),
        ("MSIP:answer", "dial MSIP:answer"),
        ("/hangupincoming", "command /hangupincoming"),
        ("/dtmf:12#", "command /dtmf:12#"),
        ("callto://a%20b/", "dial a b"),
        ("DIAL:100", "dial 100"),
        ("/account:2", "command /account:2"),
    ] {
        assert_eq!(logged("3.22.3", text), meaning, "{text}");
    }
    assert_eq!(logged("3.21.3", "msip:micunmute"), "dial micunmute");
    assert_eq!(logged("3.20.5", "/hangupincoming"), "dial /hangupincoming");
    // these versions ignore a queued text
    assert_eq!(logged("3.19.27", "100"), "close");
}

#[test]
fn a_phone_that_never_exits_logs_that_it_was_asked() {
    let sandbox = Sandbox::new();
    let phone = Start::portable(&sandbox).variable("STAND_IN_NEVER_EXITS", "1").start();
    phone.ask_to_exit();
    phone.waits_for("close");
    // it still handles messages
    phone.save();
    phone.kill();
}

#[test]
fn a_phone_that_exits_by_itself_saves() {
    let sandbox = Sandbox::new();
    let start = Start::portable(&sandbox).variable("STAND_IN_EXIT_AFTER_MS", "1");
    let mut phone = start.variable("STAND_IN_SLOW_EXIT_MS", "20").start();
    phone.wait_for_exit();
    let log = phone.log();
    assert_eq!(log[log.len() - 2..], ["saved", "exit"]);
}

#[test]
fn a_phone_that_keeps_its_ini_open_saves_too() {
    for how in ["1", "exclusive"] {
        let sandbox = Sandbox::new();
        let phone = Start::portable(&sandbox).variable("STAND_IN_HOLDS_INI", how).start();
        assert_eq!(std::fs::read(sandbox.ini()).is_err(), how == "exclusive");
        phone.save();
        assert_eq!(std::fs::read(sandbox.ini()).is_err(), how == "exclusive");
        phone.close();
        assert_eq!(text_of(&sandbox, "volumeOutput"), "2");
    }
}

#[test]
fn a_call_is_recorded_after_the_last_one() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\ncallsLastKey=999\r\n"));
    let phone = Start::portable(&sandbox).start();
    phone.send("stand-in:call 100");
    phone.send("stand-in:call 200");
    phone.waits_for("call 1 200");
    assert_eq!(text_of(&sandbox, "callsLastKey"), "1");
    assert!(text_of(&sandbox, "0").starts_with("100;100;"));
    assert!(text_of(&sandbox, "1").starts_with("200;200;"));
    phone.close();
}

#[test]
fn the_stand_in_exits_with_its_input() {
    let sandbox = Sandbox::new();
    let mut phone = Start::portable(&sandbox).start();
    phone.close_input();
    phone.wait_for_exit();
    assert_eq!(phone.count("saved"), 0);
}

//! Questions that commands ask in a terminal.

use std::path::PathBuf;

use crate::calls_db;
use crate::instances::WindowsDisk;
use crate::sandbox::{Sandbox, image, text_of_ini, utf16};
use crate::terminal::{CTRL_C, DOWN, ENTER, ESC, Terminal};
use crate::wizard::{INI, MENU, files, prefix};

const WHICH_INI: &str = "Found more than one MicroSIP.ini. Which one?";
const CHANGE: &str = "Make these changes?";

// ---------------------------------------------------------------------------------------------------------
// which ini

/// Creates two inis. A stand-in MicroSIP uses the portable one.
fn two_inis(disk: &WindowsDisk) -> [PathBuf; 2] {
    [disk.ini("users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini"), disk.ini("MicroSIP/MicroSIP.ini")]
}

#[test]
fn every_command_asks_which_ini_to_use() {
    let disk = WindowsDisk::new();
    let [installed, portable] = two_inis(&disk);
    let bob = disk.ini("users/bob/AppData/Roaming/MicroSIP/MicroSIP.ini");

    let mut terminal = Terminal::start(&disk.sandbox, &["set", "VAD=1"]);
    terminal.sees(WHICH_INI).sees("ann").sees("bob").press(&[DOWN, ENTER]).sees("Wrote").ends_with(0);
    assert_eq!(
        (text_of_ini(&installed).contains("VAD=0"), text_of_ini(&bob).contains("VAD=1")),
        (true, true)
    );

    let mut terminal = Terminal::start(&disk.sandbox, &["get", "VAD"]);
    terminal.sees(WHICH_INI).press(&[ENTER]).ends_with(0);
    assert!(terminal.text().ends_with("0\r\n"), "{}", terminal.text());

    // Esc fails as without a terminal
    let mut terminal = Terminal::start(&disk.sandbox, &["list"]);
    terminal.sees(WHICH_INI).press(&[ESC]).sees("[ini-ambiguous]").ends_with(4);
    for args in [&["set", "VAD=9"][..], &["hooks"]] {
        Terminal::start(&disk.sandbox, args)
            .sees(WHICH_INI)
            .press(&[CTRL_C])
            .sees("Cancelled. Nothing was changed.")
            .ends_with(130);
    }

    // the ini of a running MicroSIP is preselected
    let _phone = disk.start_phone();
    let mut terminal = Terminal::start(&disk.sandbox, &["wizard"]);
    terminal.sees(WHICH_INI).press(&[ENTER]).sees(portable.to_str().unwrap()).sees(MENU);
    terminal.press(&[ESC]).ends_with(0);
}

#[test]
fn no_input_and_json_never_prompt() {
    let disk = WindowsDisk::new();
    two_inis(&disk);
    disk.ini("users/bob/AppData/Roaming/MicroSIP/MicroSIP.ini");
    for args in [&["hooks", "--no-input"][..], &["get", "VAD", "--json"], &["set", "VAD=1", "--no-input"]] {
        let mut terminal = Terminal::start(&disk.sandbox, args);
        terminal.sees("ini-ambiguous").ends_with(4);
        assert!(!terminal.text().contains("Which one"), "{}", terminal.text());
    }
    Terminal::start(&disk.sandbox, &["--no-input"]).sees("Usage: msipcfg").ends_with(2);
    Terminal::start(&disk.sandbox, &["wizard", "--no-input"]).sees("[usage]").ends_with(2);
    Terminal::start(&disk.sandbox, &["wizard", "--json"]).sees("\"code\":\"usage\"").ends_with(2);
    // without a terminal
    disk.sandbox.run(&["wizard"]).exits(2).says("it needs a terminal").says("set-hook");
    disk.sandbox.run(&[]).exits(2).says("Usage: msipcfg");
}

// ---------------------------------------------------------------------------------------------------------
// doctor --fix

#[test]
fn doctor_shows_its_fixes_and_asks() {
    const SPOILED: &str = "[Settings]\r\nVAD=0\r\ncmdCallEnd=C:\\My Hooks\\ring.exe\r\n";
    let sandbox = prefix();
    sandbox.write("prefix/drive_c/My Hooks/ring.exe", image());
    let ini = sandbox.write(INI, utf16(SPOILED));
    let other =
        sandbox.write("prefix/drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini", utf16(SPOILED));
    let doctor = || {
        Terminal::start(&sandbox, &["doctor", "--fix", "--ini", ini.to_str().unwrap(), "--color", "never"])
    };
    let before = files(&sandbox.path("prefix"));
    for (keys, status) in [("n", 1), (ESC, 1), (CTRL_C, 130)] {
        let mut terminal = doctor();
        terminal.sees("-cmdCallEnd=C:\\My").sees("+cmdCallEnd=").sees(CHANGE).press(&[keys]);
        let said = if keys == CTRL_C { "MicroSIP.ini was not changed." } else { "Nothing was changed." };
        terminal.sees(said).ends_with(status);
        assert_eq!(files(&sandbox.path("prefix")), before, "{keys:?}");
    }
    doctor().sees(CHANGE).press(&["y"]).sees("Wrote ").ends_with(0);
    assert!(text_of_ini(&ini).contains("cmdCallEnd=\"\"C:\\My Hooks\\ring.exe\"\""), "{}", text_of_ini(&ini));
    // nothing is left to fix
    assert!(!doctor().ends_with(0).text().contains(CHANGE));

    // with several inis, asks which one first
    let again = sandbox.write("MicroSIP.ini", utf16(SPOILED));
    sandbox.write("MicroSIP.exe", image());
    let mut terminal = Terminal::start(&sandbox, &["doctor", "--fix", "--color", "never"]);
    terminal.sees(WHICH_INI).press(&[DOWN, ENTER]).sees(CHANGE).press(&[ENTER]).ends_with(0);
    let fixed = [&again, &other].map(|ini| text_of_ini(ini) != SPOILED);
    assert_eq!(fixed.iter().filter(|is_fixed| **is_fixed).count(), 1, "{fixed:?}");
}

#[test]
fn backups_are_deleted_after_a_question() {
    const QUESTION: &str = "Delete these backups? They can't be restored.";
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=0\r\n"));
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    let names = sandbox.names();
    let ini = sandbox.ini();
    let purge = |yes: &[&str]| {
        Terminal::start(&sandbox, &[&["backups", "--purge", "--ini", ini.to_str().unwrap()], yes].concat())
    };
    for (keys, status) in [(ENTER, 0), (ESC, 0), (CTRL_C, 130)] {
        purge(&[]).sees("Would delete 1 backup").sees(QUESTION).press(&[keys]).ends_with(status);
        assert_eq!(sandbox.names(), names, "{keys:?}");
    }
    purge(&[]).sees(QUESTION).press(&["y"]).sees("Deleted 1 backup").ends_with(0);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    assert!(!purge(&["--yes"]).ends_with(0).text().contains(QUESTION));
}

#[test]
fn calls_are_deleted_after_a_question() {
    const QUESTION: &str = "Delete these calls? They can't be restored.";
    let sandbox = Sandbox::new();
    calls_db::add(&sandbox, "2026-01-31T09:00:00Z ring 030123456");
    let purge = |yes: &[&str]| Terminal::start(&sandbox, &[&["calls", "--purge"], yes].concat());
    for (keys, status) in [(ENTER, 0), (ESC, 0), (CTRL_C, 130)] {
        purge(&[])
            .sees("030123456")
            .sees("Would delete 1 call")
            .sees(QUESTION)
            .press(&[keys])
            .ends_with(status);
        sandbox.run(&["calls"]).exits(0).says("030123456");
    }
    purge(&[]).sees(QUESTION).press(&["y"]).sees("Deleted 1 call").ends_with(0);
    sandbox.run(&["calls"]).exits(0).says("No calls");
    assert!(!purge(&["--yes"]).ends_with(0).text().contains(QUESTION));
}

//! The wizard and other prompts, in a terminal. MicroSIP's inis are in a Wine prefix here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::calls_db;
use crate::instances::WindowsDisk;
use crate::sandbox::{Sandbox, image, text_of_ini, utf16};
use crate::terminal::{CTRL_C, DOWN, ENTER, ESC, SPACE, TAB, Terminal, UP};

const INI: &str = "prefix/drive_c/MicroSIP/MicroSIP.ini";
const OLD: &str = "[Settings]\r\nVAD=0\r\ncmdCallEnd=\"C:\\hooks\\ring.exe\"\r\n";

const MENU: &str = "What do you want to do?";
const EVENTS: &str = "When should it run?";
const PROGRAMS: &str = "What should it run?";
const PROGRAM: &str = "Program (Tab completes, empty to go back):";
const ARGUMENTS: &str = "Arguments before the number (Enter for none):";
const SAVE: &str = "Save this change?";
const REMOVE: &str = "Which hook do you want to remove?";
const PATH: &str = "Path (Tab completes, empty to quit):";
const WHICH_INI: &str = "Found more than one MicroSIP.ini. Which one?";
const CHANGE: &str = "Make these changes?";
const TEST: &str = "Test it now";

/// Creates a Wine prefix with programs for hooks and PowerShell.
fn prefix() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["hooks/ring.exe", "hooks/räng.exe", "windows/system32/WindowsPowerShell/v1.0/powershell.exe"]
    {
        sandbox.write(&format!("prefix/drive_c/{name}"), image());
    }
    sandbox
}

/// Creates the same with an ini that has a hook.
fn with_ini() -> (Sandbox, PathBuf) {
    let sandbox = prefix();
    let ini = sandbox.write(INI, utf16(OLD));
    (sandbox, ini)
}

fn start(sandbox: &Sandbox) -> Terminal {
    Terminal::start(sandbox, &["wizard", "--ini", sandbox.path(INI).to_str().unwrap(), "--color", "never"])
}

/// Returns every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
            found.insert(path, Vec::new());
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

#[test]
fn creates_an_ini_with_its_first_hook() {
    let sandbox = prefix();
    std::fs::create_dir_all(sandbox.path("prefix/drive_c/Ünï")).unwrap();
    let script = format!("#!/bin/sh\necho \"$@\" >>'{}'\n", sandbox.path("started").display());
    sandbox.write_script("bin/wine", script);
    let mut terminal = Terminal::start(&sandbox, &[]);
    terminal.sees("No MicroSIP.ini was found in").sees(PATH);
    terminal.press(&["pre", TAB]).sees("prefix/").press(&["dr", TAB]).sees("drive_c/");
    terminal.press(&["ü", TAB]).sees("Ünï/").press(&["MicroSIP.ini", ENTER]);
    terminal.sees("doesn't exist").sees("Create it?").press(&["y"]).sees(MENU).press(&[ENTER]);
    // Enter without a selection asks again
    terminal.sees(EVENTS).press(&[ENTER]).sees("Nothing is selected").sees(EVENTS);
    terminal.press(&[SPACE, DOWN, DOWN, DOWN, DOWN, DOWN, SPACE, ENTER]).sees("Runs on: ring, end");
    terminal.sees(PROGRAMS).press(&[ENTER]).sees(PROGRAM);
    terminal.press(&[r"C:\hooks\rong.exe", ENTER]).sees("[hook-target-missing]").sees(", Up: previous text:");
    assert!(!sandbox.path("prefix/drive_c/Ünï/MicroSIP.ini").exists());
    // Up brings the previous text back
    terminal
        .press(&[UP])
        .sees("rong.exe")
        .press(&["\x7f"; 7])
        .press(&["ä", TAB])
        .sees("räng.exe")
        .press(&[ENTER]);
    terminal.sees(ARGUMENTS).press(&["--to \"a b\"", ENTER]);
    terminal.sees("+cmdIncomingCall=").sees("+cmdCallEnd=").sees(SAVE).press(&[ENTER]);
    // the hooks of both events are tested
    terminal.sees("Wrote ").sees(TEST).press(&[ENTER]).sees("frozen").sees("frozen");
    let started = std::fs::read_to_string(sandbox.path("started")).unwrap();
    assert!(started.lines().all(|line| line.ends_with("--to a b 100")), "{started}");
    terminal.sees("To do this from a script:");
    terminal.sees("msipcfg set-hook --ini").sees("--create ring -- 'C:\\hooks\\räng.exe' --to 'a b'");
    terminal.sees("--create end -- 'C:\\hooks\\räng.exe' --to 'a b'");
    // Quit is preselected now
    terminal.sees(MENU).press(&[ENTER]).ends_with(0);
    let text = text_of_ini(&sandbox.path("prefix/drive_c/Ünï/MicroSIP.ini"));
    let command = r#""C:\hooks\räng.exe --to \"a b\"""#;
    assert_eq!(text, format!("[Settings]\r\ncmdIncomingCall={command}\r\ncmdCallEnd={command}"));
    assert_ne!(terminal.raw().windows(5).filter(|bytes| bytes == b"\x1b[36m").count(), 0, "no color");
}

#[test]
fn a_ready_made_script_is_created_with_its_hook() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees("end           C:\\hooks\\ring.exe  ok").sees(MENU).press(&[ENTER]);
    terminal.sees(EVENTS).sees("(has a hook)").press(&[SPACE, ENTER]).sees(PROGRAMS).press(&[DOWN, ENTER]);
    let script = sandbox.path("prefix/drive_c/MicroSIP/hooks/log.ps1");
    terminal.sees("+cmdIncomingCall=").sees("Also creates the script: ").sees(SAVE);
    assert!(!script.exists());
    terminal
        .press(&["y"])
        .sees(TEST)
        .press(&["n"])
        .sees("ring 'C:\\MicroSIP\\hooks\\log.ps1' ring")
        .sees(MENU);
    let text = std::fs::read_to_string(&script).unwrap();
    assert!(text.starts_with("# A hook of MicroSIP"), "{text}");
    assert!(text_of_ini(&ini).contains(r"-File C:\MicroSIP\hooks\log.ps1 ring"));

    // an existing script belongs to the user and is kept
    std::fs::write(&script, "# mine").unwrap();
    terminal.press(&[UP, ENTER]).sees("-cmdIncomingCall").sees(SAVE).press(&[ENTER]).sees("Restored from");
    terminal.sees("msipcfg restore --ini").sees(MENU);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    terminal
        .press(&[UP, UP, UP, ENTER])
        .sees(EVENTS)
        .press(&[SPACE, ENTER])
        .sees(PROGRAMS)
        .press(&[DOWN, ENTER]);
    terminal.sees("Uses the existing script").sees(SAVE).press(&[ENTER]).sees("Wrote");
    terminal.sees(TEST).press(&["n"]).sees(MENU);
    assert_eq!(std::fs::read(&script).unwrap(), b"# mine");
    terminal.press(&[ESC]).ends_with(0);
}

#[test]
fn a_web_page_needs_a_complete_host_name() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(EVENTS).press(&[SPACE, ENTER]);
    terminal.sees(PROGRAMS).press(&[DOWN, DOWN, DOWN, ENTER]).sees("Address (empty to go back): https://");
    terminal.press(&["crm", ENTER]).sees("Not a valid address").sees("https://");
    terminal.press(&[UP]).sees("https://crm");
    let long = "x".repeat(200);
    terminal.press(&["/", &long, ENTER]).sees("[hook-too-long]").sees("Address").sees("https://");
    terminal.press(&[UP]).sees("xxx");
    terminal.press(&["\x7f"; 200]).press(&["?q=", ENTER]).sees(SAVE).press(&["y"]);
    terminal.sees(TEST).press(&["n"]);
    terminal.sees("'C:\\MicroSIP\\hooks\\webpage.ps1' ring 'https://crm/?q='").sees(MENU).press(&[CTRL_C]);
    terminal.ends_with(130);
    assert!(text_of_ini(&ini).contains(r"webpage.ps1 ring https://crm/?q="));
}

#[test]
fn a_hook_is_changed_and_removed() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(EVENTS).press(&[DOWN, DOWN, DOWN, DOWN, DOWN, SPACE, ENTER]);
    // the current program is offered for editing
    terminal.sees(PROGRAMS).press(&[ENTER]).sees(PROGRAM).sees("C:\\hooks\\ring.exe").press(&[ENTER]);
    terminal.sees(ARGUMENTS).press(&["-v", ENTER]).sees(SAVE).press(&["y"]).sees("Wrote");
    terminal.sees(TEST).press(&["n"]).sees(MENU);
    assert!(text_of_ini(&ini).contains("cmdCallEnd=\"C:\\hooks\\ring.exe -v\""));
    terminal.press(&[DOWN, DOWN, ENTER]).sees(REMOVE).sees("end          C:\\hooks\\ring.exe -v");
    terminal.press(&[ENTER]).sees("-cmdCallEnd=").sees(SAVE).press(&["y"]).sees("Removed cmdCallEnd");
    terminal.sees("msipcfg unset-hook --ini").sees("MicroSIP.ini end").sees(MENU);
    assert_eq!(text_of_ini(&ini), "[Settings]\r\nVAD=0\r\n");
    terminal.press(&[UP, UP, ENTER]).sees("No hooks are set").sees(MENU).press(&["q"]).ends_with(0);
}

/// Groups of keys, and the prompt that each leads to.
type Steps<'a> = &'a [(&'a [&'a str], &'a str)];

#[test]
fn leaving_any_prompt_changes_nothing() {
    let (sandbox, _) = with_ini();
    // makes a backup, so there is something to undo
    sandbox.run(&["unset", "--ini", sandbox.path(INI).to_str().unwrap(), "VAD"]).exits(0);
    let before = files(&sandbox.path("prefix"));
    let set: Steps<'_> = &[
        (&[ENTER], EVENTS),
        (&[SPACE, ENTER], PROGRAMS),
        (&[ENTER], PROGRAM),
        (&[r"C:\hooks\ring.exe", ENTER], ARGUMENTS),
        (&[ENTER], SAVE),
    ];
    let sample: Steps<'_> = &[(&[ENTER], EVENTS), (&[SPACE, ENTER], PROGRAMS), (&[DOWN, ENTER], SAVE)];
    let page: Steps<'_> = &[
        (&[ENTER], EVENTS),
        (&[SPACE, ENTER], PROGRAMS),
        (&[UP, ENTER], "Address (empty to go back): https://"),
    ];
    let remove: Steps<'_> = &[(&[DOWN, ENTER], REMOVE), (&[ENTER], SAVE)];
    let undo: Steps<'_> = &[(&[DOWN, DOWN, ENTER], SAVE)];
    let none: Steps<'_> = &[];
    for steps in [none, set, sample, page, remove, undo] {
        for length in steps.len().min(1)..=steps.len() {
            let go = || {
                let mut terminal = start(&sandbox);
                terminal.sees(MENU);
                for (keys, question) in &steps[..length] {
                    terminal.press(keys).sees(question);
                }
                terminal
            };
            go().press(&[CTRL_C]).sees("MicroSIP.ini was not changed.").ends_with(130);
            assert_eq!(files(&sandbox.path("prefix")), before, "{steps:?} {length}");

            let mut terminal = go();
            let question = steps[..length].last().map_or(MENU, |(_, question)| *question);
            match question {
                MENU => terminal.press(&[ESC]),
                // an empty line goes back; after the arguments, answering no does
                PROGRAM => terminal.press(&[ENTER]).sees(MENU).press(&[ESC]),
                ARGUMENTS => terminal
                    .press(&[ENTER])
                    .sees(SAVE)
                    .press(&["n"])
                    .sees("Nothing was changed")
                    .sees(MENU)
                    .press(&[ESC]),
                _ if question.starts_with("Address") => {
                    terminal.press(&["\x7f"; 8]).press(&[ENTER]).sees(MENU).press(&[ESC])
                }
                _ => terminal.press(&[ESC]).sees(MENU).press(&[ESC]),
            };
            terminal.ends_with(0);
            assert_eq!(files(&sandbox.path("prefix")), before, "{steps:?} {length}");
        }
    }
}

#[test]
fn leaving_the_prompts_for_the_ini_changes_nothing() {
    let sandbox = prefix();
    let before = files(&sandbox.path("prefix"));
    for (last, status) in [(CTRL_C, 130), (ENTER, 0)] {
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees(PATH).press(&[last]);
        if last == CTRL_C {
            terminal.sees("Cancelled. Nothing was changed.");
        }
        terminal.ends_with(status);
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees(PATH).press(&[INI, ENTER]).sees("Create it?");
        if last == ENTER {
            terminal.press(&["n"]).sees("empty to quit), Up: previous text:").press(&[ENTER]);
        } else {
            terminal.press(&[last]);
        }
        terminal.ends_with(status);
        // a new ini isn't created before its first hook
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees(PATH).press(&[INI, ENTER]).sees("Create it?").press(&["y"]).sees(MENU);
        terminal.press(&[if last == ENTER { ESC } else { CTRL_C }]).ends_with(status);
    }
    assert_eq!(files(&sandbox.path("prefix")), before);
}

#[test]
fn never_color_prints_no_styles_and_lists_fit_the_terminal() {
    let (sandbox, _) = with_ini();
    for columns in [80, 40] {
        let ini = sandbox.path(INI);
        let args = ["wizard", "--color", "never", "--ini", ini.to_str().unwrap()];
        let mut terminal = Terminal::of_size(&sandbox, &args, 24, columns);
        terminal.sees(MENU).press(&[ENTER]).sees(EVENTS).sees("] outgoing");
        // each move redraws the list in place
        for _ in 0..8 {
            terminal.press(&[DOWN]).sees("] outgoing");
        }
        let lines = terminal.lines();
        let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
        assert_eq!((count("] ring "), count("] outgoing"), count("> [ ]")), (1, 1, 1), "{lines:#?}");
        terminal.press(&[ESC]).sees(MENU).press(&[ESC]).ends_with(0);
        let raw = String::from_utf8_lossy(terminal.raw()).into_owned();
        let styles = raw.split("\x1b[").skip(1).filter(|rest| {
            rest.find(|c: char| c.is_ascii_alphabetic()).is_some_and(|at| rest[at..].starts_with('m'))
        });
        assert_eq!(styles.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}

#[test]
fn asks_what_to_do_about_a_running_microsip() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    for name in ["hooks/ring.exe", "windows/system32/WindowsPowerShell/v1.0/powershell.exe"] {
        disk.sandbox.write(&format!("prefix/drive_c/{name}"), image());
    }
    let phone = disk.start_phone();
    let before = files(&disk.sandbox.path("prefix"));
    let go = || {
        let mut terminal = start(&disk.sandbox);
        terminal
            .sees(MENU)
            .press(&[ENTER])
            .sees(EVENTS)
            .press(&[SPACE, ENTER])
            .sees(PROGRAMS)
            .press(&[ENTER]);
        terminal.sees(PROGRAM).press(&[r"C:\hooks\ring.exe", ENTER]).sees(ARGUMENTS).press(&[ENTER]);
        terminal.sees("MicroSIP is running").sees(SAVE).sees("No, change nothing");
        terminal
    };
    for (keys, status) in [(&[DOWN, ENTER][..], 0), (&[ESC], 0), (&[CTRL_C], 130)] {
        let mut terminal = go();
        // MicroSIP can't be closed from Linux
        assert!(!terminal.text().contains("close MicroSIP"));
        terminal.press(keys);
        if status == 0 {
            terminal.sees("Nothing was changed").sees(MENU).press(&[ESC]);
        }
        terminal.ends_with(status);
    }
    go().press(&[ENTER])
        .sees("waiting for MicroSIP to exit")
        .press(&[CTRL_C])
        .sees("Cancelled. ")
        .ends_with(130);
    assert_eq!(files(&disk.sandbox.path("prefix")), before);

    // a script that was just created is removed if the edit is cancelled
    let script = disk.sandbox.path("prefix/drive_c/MicroSIP/hooks/log.ps1");
    let mut terminal = start(&disk.sandbox);
    terminal
        .sees(MENU)
        .press(&[ENTER])
        .sees(EVENTS)
        .press(&[SPACE, ENTER])
        .sees(PROGRAMS)
        .press(&[DOWN, ENTER]);
    terminal.sees(SAVE).press(&[ENTER]).sees("waiting for MicroSIP to exit");
    assert!(script.exists());
    terminal.press(&[CTRL_C]).sees("Cancelled. ").ends_with(130);
    assert_eq!(files(&disk.sandbox.path("prefix")), before);

    let mut terminal = go();
    terminal.press(&[ENTER]).sees("waiting for MicroSIP to exit");
    phone.exit();
    terminal.sees("Wrote").sees(TEST).press(&["n"]).sees(MENU).press(&[ENTER]).ends_with(0);
    assert!(text_of_ini(&ini).contains("cmdIncomingCall=\"C:\\hooks\\ring.exe\""));
}

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

//! The wizard, and the question which ini is meant, in a terminal. MicroSIP is one under Wine here.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::instances::WindowsDisk;
use crate::sandbox::{Sandbox, image, text_of_ini, utf16};
use crate::terminal::{CTRL_C, DOWN, ENTER, ESC, SPACE, TAB, Terminal, UP};

const INI: &str = "prefix/drive_c/MicroSIP/MicroSIP.ini";
const OLD: &str = "[Settings]\r\nVAD=0\r\ncmdCallEnd=\"C:\\hooks\\ring.exe\"\r\n";

const MENU: &str = "What to do:";
const EVENTS: &str = "When should it run";
const PROGRAMS: &str = "What should it run:";
const PROGRAM: &str = "Program (Tab completes, empty goes back):";
const ARGUMENTS: &str = "Its arguments before the number (Enter: none):";
const WRITE: &str = "Write this?";
const TEST: &str = "Test it now";

/// A folder with a Wine prefix in which programs for hooks lie, and PowerShell.
fn prefix() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["hooks/ring.exe", "hooks/räng.exe", "windows/system32/WindowsPowerShell/v1.0/powershell.exe"]
    {
        sandbox.write(&format!("prefix/drive_c/{name}"), image());
    }
    sandbox
}

/// The same with an ini, which has a hook.
fn with_ini() -> (Sandbox, PathBuf) {
    let sandbox = prefix();
    let ini = sandbox.write(INI, utf16(OLD));
    (sandbox, ini)
}

fn start(sandbox: &Sandbox) -> Terminal {
    Terminal::start(sandbox, &["wizard", "--ini", sandbox.path(INI).to_str().unwrap(), "--color", "never"])
}

/// Every file below a folder, with its bytes.
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
fn a_new_ini_gets_a_hook_from_nothing() {
    let sandbox = prefix();
    std::fs::create_dir_all(sandbox.path("prefix/drive_c/Ünï")).unwrap();
    let wine = sandbox
        .write("bin/wine", format!("#!/bin/sh\necho \"$@\" >>'{}'\n", sandbox.path("started").display()));
    std::fs::set_permissions(wine, PermissionsExt::from_mode(0o755)).unwrap();
    let mut terminal = Terminal::start(&sandbox, &[]);
    terminal.sees("No MicroSIP ini was found in").sees("Path (Tab completes, empty ends):");
    terminal.press(&["pre", TAB]).sees("prefix/").press(&["dr", TAB]).sees("drive_c/");
    terminal.press(&["ü", TAB]).sees("Ünï/").press(&["MicroSIP.ini", ENTER]);
    terminal.sees("is not there").sees("Make it?").press(&["y"]).sees(MENU).press(&[ENTER]);
    // nothing is marked at first, as happens
    terminal.sees(EVENTS).press(&[ENTER]).sees("Nothing is marked").sees(EVENTS);
    terminal.press(&[SPACE, DOWN, DOWN, DOWN, DOWN, DOWN, SPACE, ENTER]).sees("It runs on: ring, end");
    terminal.sees(PROGRAMS).press(&[ENTER]).sees(PROGRAM);
    terminal.press(&[r"C:\hooks\rong.exe", ENTER]).sees("[hook-target-missing]").sees(", Up: as before:");
    assert!(!sandbox.path("prefix/drive_c/Ünï/MicroSIP.ini").exists());
    // what was typed comes again: back to the folder
    terminal
        .press(&[UP])
        .sees("rong.exe")
        .press(&["\x7f"; 7])
        .press(&["ä", TAB])
        .sees("räng.exe")
        .press(&[ENTER]);
    terminal.sees(ARGUMENTS).press(&["--to \"a b\"", ENTER]);
    terminal.sees("+cmdIncomingCall=").sees("+cmdCallEnd=").sees(WRITE).press(&[ENTER]);
    // for both events
    terminal.sees("Wrote ").sees(TEST).press(&[ENTER]).sees("frozen").sees("frozen");
    let started = std::fs::read_to_string(sandbox.path("started")).unwrap();
    assert!(started.lines().all(|line| line.ends_with("--to a b 100")), "{started}");
    terminal.sees("The same by a command:");
    terminal.sees("msipcfg set-hook --ini").sees("--create ring -- 'C:\\hooks\\räng.exe' --to 'a b'");
    terminal.sees("--create end -- 'C:\\hooks\\räng.exe' --to 'a b'");
    // the way out is proposed now
    terminal.sees(MENU).press(&[ENTER]).ends_with(0);
    let text = text_of_ini(&sandbox.path("prefix/drive_c/Ünï/MicroSIP.ini"));
    let command = r#""C:\hooks\räng.exe --to \"a b\"""#;
    assert_eq!(text, format!("[Settings]\r\ncmdIncomingCall={command}\r\ncmdCallEnd={command}"));
    assert_ne!(terminal.raw().windows(5).filter(|bytes| bytes == b"\x1b[36m").count(), 0, "no colour");
}

#[test]
fn a_sample_is_written_with_its_hook_and_undone_with_it() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees("end           C:\\hooks\\ring.exe  ok").sees(MENU).press(&[ENTER]);
    terminal.sees(EVENTS).sees("(has a hook)").press(&[SPACE, ENTER]).sees(PROGRAMS).press(&[DOWN, ENTER]);
    let script = sandbox.path("prefix/drive_c/MicroSIP/hooks/log.ps1");
    terminal.sees("+cmdIncomingCall=").sees("And a new file: ").sees(WRITE);
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

    // a script that is there is its user's, whatever happens to the ini
    std::fs::write(&script, "# mine").unwrap();
    terminal.press(&[UP, ENTER]).sees("-cmdIncomingCall").sees(WRITE).press(&[ENTER]).sees("Restored from");
    terminal.sees("msipcfg restore --ini").sees(MENU);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    terminal
        .press(&[UP, UP, UP, ENTER])
        .sees(EVENTS)
        .press(&[SPACE, ENTER])
        .sees(PROGRAMS)
        .press(&[DOWN, ENTER]);
    terminal.sees("is there already and stays as it is").sees(WRITE).press(&[ENTER]).sees("Wrote");
    terminal.sees(TEST).press(&["n"]).sees(MENU);
    assert_eq!(std::fs::read(&script).unwrap(), b"# mine");
    terminal.press(&[ESC]).ends_with(0);
}

#[test]
fn a_web_page_needs_an_address_whose_host_has_ended() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(EVENTS).press(&[SPACE, ENTER]);
    terminal.sees(PROGRAMS).press(&[DOWN, DOWN, DOWN, ENTER]).sees("Address (empty goes back): https://");
    terminal.press(&["crm", ENTER]).sees("That is no web address").sees("https://");
    terminal.press(&[UP]).sees("https://crm");
    let long = "x".repeat(200);
    terminal.press(&["/", &long, ENTER]).sees("[hook-too-long]").sees("Address").sees("https://");
    terminal.press(&[UP]).sees("xxx");
    terminal.press(&["\x7f"; 200]).press(&["?q=", ENTER]).sees(WRITE).press(&["y"]);
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
    // what is set stands there to be changed
    terminal.sees(PROGRAMS).press(&[ENTER]).sees(PROGRAM).sees("C:\\hooks\\ring.exe").press(&[ENTER]);
    terminal.sees(ARGUMENTS).press(&["-v", ENTER]).sees(WRITE).press(&["y"]).sees("Wrote");
    terminal.sees(TEST).press(&["n"]).sees(MENU);
    assert!(text_of_ini(&ini).contains("cmdCallEnd=\"C:\\hooks\\ring.exe -v\""));
    terminal
        .press(&[DOWN, DOWN, ENTER])
        .sees("Which one is to go:")
        .sees("end          C:\\hooks\\ring.exe -v");
    terminal.press(&[ENTER]).sees("-cmdCallEnd=").sees(WRITE).press(&["y"]).sees("Removed cmdCallEnd");
    terminal.sees("msipcfg unset-hook --ini").sees("MicroSIP.ini end").sees(MENU);
    assert_eq!(text_of_ini(&ini), "[Settings]\r\nVAD=0\r\n");
    terminal.press(&[UP, UP, ENTER]).sees("No hook is set").sees(MENU).press(&["q"]).ends_with(0);
}

/// Keys, and the question that they lead to.
type Way<'a> = &'a [(&'a [&'a str], &'a str)];

#[test]
fn every_question_can_be_left_without_a_trace() {
    let (sandbox, _) = with_ini();
    // a backup, so that there is something to undo
    sandbox.run(&["unset", "--ini", sandbox.path(INI).to_str().unwrap(), "VAD"]).exits(0);
    let before = files(&sandbox.path("prefix"));
    let set: Way<'_> = &[
        (&[ENTER], EVENTS),
        (&[SPACE, ENTER], PROGRAMS),
        (&[ENTER], PROGRAM),
        (&[r"C:\hooks\ring.exe", ENTER], ARGUMENTS),
        (&[ENTER], WRITE),
    ];
    let sample: Way<'_> = &[(&[ENTER], EVENTS), (&[SPACE, ENTER], PROGRAMS), (&[DOWN, ENTER], WRITE)];
    let page: Way<'_> = &[
        (&[ENTER], EVENTS),
        (&[SPACE, ENTER], PROGRAMS),
        (&[UP, ENTER], "Address (empty goes back): https://"),
    ];
    let remove: Way<'_> = &[(&[DOWN, ENTER], "Which one is to go:"), (&[ENTER], WRITE)];
    let undo: Way<'_> = &[(&[DOWN, DOWN, ENTER], WRITE)];
    let none: Way<'_> = &[];
    for way in [none, set, sample, page, remove, undo] {
        for length in way.len().min(1)..=way.len() {
            let go = || {
                let mut terminal = start(&sandbox);
                terminal.sees(MENU);
                for (keys, question) in &way[..length] {
                    terminal.press(keys).sees(question);
                }
                terminal
            };
            go().press(&[CTRL_C]).ends_with(130);
            assert_eq!(files(&sandbox.path("prefix")), before, "{way:?} {length}");

            let mut terminal = go();
            let question = way[..length].last().map_or(MENU, |(_, question)| *question);
            match question {
                MENU => terminal.press(&[ESC]),
                // a line is left by nothing, or by an answer that is not used
                PROGRAM => terminal.press(&[ENTER]).sees(MENU).press(&[ESC]),
                ARGUMENTS => terminal
                    .press(&[ENTER])
                    .sees(WRITE)
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
            assert_eq!(files(&sandbox.path("prefix")), before, "{way:?} {length}");
        }
    }
}

#[test]
fn the_questions_for_the_ini_can_be_left_without_a_trace() {
    let sandbox = prefix();
    let before = files(&sandbox.path("prefix"));
    let path = "Path (Tab completes, empty ends):";
    for (last, status) in [(CTRL_C, 130), (ENTER, 0)] {
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees(path).press(&[last]).ends_with(status);
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees(path).press(&[INI, ENTER]).sees("Make it?");
        if last == ENTER {
            terminal.press(&["n"]).sees("empty ends), Up: as before:").press(&[ENTER]);
        } else {
            terminal.press(&[last]);
        }
        terminal.ends_with(status);
        // one that is to be made is not made before its first hook
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees(path).press(&[INI, ENTER]).sees("Make it?").press(&["y"]).sees(MENU);
        terminal.press(&[if last == ENTER { ESC } else { CTRL_C }]).ends_with(status);
    }
    assert_eq!(files(&sandbox.path("prefix")), before);
}

#[test]
fn without_colour_there_is_none_and_every_line_fits() {
    let (sandbox, _) = with_ini();
    for (columns, words) in [(80, &["--color", "never"][..]), (40, &["--color", "never"])] {
        let ini = sandbox.path(INI);
        let mut all = vec!["wizard", "--ini", ini.to_str().unwrap()];
        all.extend(words);
        let mut terminal = Terminal::of_size(&sandbox, &all, 24, columns);
        terminal.sees(MENU).press(&[ENTER]).sees(EVENTS).sees("outgoing");
        // each move draws the list again, in the place of the old one
        for _ in 0..8 {
            terminal.press(&[DOWN]).sees("outgoing");
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
fn a_running_microsip_is_waited_for_or_not() {
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
        terminal.sees("MicroSIP is running").sees("Write this:").sees("Not now");
        terminal
    };
    for (keys, status) in [(&[DOWN, ENTER][..], 0), (&[ESC], 0), (&[CTRL_C], 130)] {
        let mut terminal = go();
        // from Linux it cannot be closed
        assert!(!terminal.text().contains("Close it for me"));
        terminal.press(keys);
        if status == 0 {
            terminal.sees("Nothing was changed").sees(MENU).press(&[ESC]);
        }
        terminal.ends_with(status);
    }
    go().press(&[ENTER])
        .sees("waiting for MicroSIP to exit")
        .press(&[CTRL_C])
        .sees("[interrupted]")
        .ends_with(130);
    assert_eq!(files(&disk.sandbox.path("prefix")), before);

    // a script that was put there goes when the edit comes to nothing
    let script = disk.sandbox.path("prefix/drive_c/MicroSIP/hooks/log.ps1");
    let mut terminal = start(&disk.sandbox);
    terminal
        .sees(MENU)
        .press(&[ENTER])
        .sees(EVENTS)
        .press(&[SPACE, ENTER])
        .sees(PROGRAMS)
        .press(&[DOWN, ENTER]);
    terminal.sees("Write this:").press(&[ENTER]).sees("waiting for MicroSIP to exit");
    assert!(script.exists());
    terminal.press(&[CTRL_C]).sees("[interrupted]").ends_with(130);
    assert_eq!(files(&disk.sandbox.path("prefix")), before);

    let mut terminal = go();
    terminal.press(&[ENTER]).sees("waiting for MicroSIP to exit");
    phone.exit();
    terminal.sees("Wrote").sees(TEST).press(&["n"]).sees(MENU).press(&[ENTER]).ends_with(0);
    assert!(text_of_ini(&ini).contains("cmdIncomingCall=\"C:\\hooks\\ring.exe\""));
}

// ---------------------------------------------------------------------------------------------------------
// which ini

/// Two inis; a phone may use the portable one.
fn two_inis(disk: &WindowsDisk) -> [PathBuf; 2] {
    [disk.ini("users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini"), disk.ini("MicroSIP/MicroSIP.ini")]
}

#[test]
fn every_command_asks_which_ini_is_meant() {
    let disk = WindowsDisk::new();
    let [installed, portable] = two_inis(&disk);
    let bob = disk.ini("users/bob/AppData/Roaming/MicroSIP/MicroSIP.ini");
    let question = "There are several inis of MicroSIP; which one:";

    let mut terminal = Terminal::start(&disk.sandbox, &["set", "VAD=1"]);
    terminal.sees(question).sees("ann").sees("bob").press(&[DOWN, ENTER]).sees("Wrote").ends_with(0);
    assert_eq!(
        (text_of_ini(&installed).contains("VAD=0"), text_of_ini(&bob).contains("VAD=1")),
        (true, true)
    );

    let mut terminal = Terminal::start(&disk.sandbox, &["get", "VAD"]);
    terminal.sees(question).press(&[ENTER]).ends_with(0);
    assert!(terminal.text().ends_with("0\r\n"), "{}", terminal.text());

    // with Esc it is as if nobody had been asked
    let mut terminal = Terminal::start(&disk.sandbox, &["list"]);
    terminal.sees(question).press(&[ESC]).sees("[ini-ambiguous]").ends_with(4);
    for words in [&["set", "VAD=9"][..], &["hooks"]] {
        Terminal::start(&disk.sandbox, words).sees(question).press(&[CTRL_C]).ends_with(130);
    }

    // one that is used is proposed, wherever it stands
    let _phone = disk.start_phone();
    let mut terminal = Terminal::start(&disk.sandbox, &["wizard"]);
    terminal.sees(question).press(&[ENTER]).sees(portable.to_str().unwrap()).sees(MENU);
    terminal.press(&[ESC]).ends_with(0);
}

#[test]
fn who_wants_no_questions_is_asked_none() {
    let disk = WindowsDisk::new();
    two_inis(&disk);
    disk.ini("users/bob/AppData/Roaming/MicroSIP/MicroSIP.ini");
    for words in [&["hooks", "--no-input"][..], &["get", "VAD", "--json"], &["set", "VAD=1", "--no-input"]] {
        let mut terminal = Terminal::start(&disk.sandbox, words);
        terminal.sees("ini-ambiguous").ends_with(4);
        assert!(!terminal.text().contains("which one"), "{}", terminal.text());
    }
    Terminal::start(&disk.sandbox, &["--no-input"]).sees("Usage: msipcfg").ends_with(2);
    Terminal::start(&disk.sandbox, &["wizard", "--no-input"]).sees("[usage]").ends_with(2);
    Terminal::start(&disk.sandbox, &["wizard", "--json"]).sees("\"code\":\"usage\"").ends_with(2);
    // and where nobody sits
    disk.sandbox.run(&["wizard"]).exits(2).says("nobody can be asked").says("set-hook");
    disk.sandbox.run(&[]).exits(2).says("Usage: msipcfg");
}

// ---------------------------------------------------------------------------------------------------------
// a mend

#[test]
fn doctor_shows_what_it_would_mend_and_asks() {
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
        terminal.sees("-cmdCallEnd=C:\\My").sees("+cmdCallEnd=").sees("Do this?").press(&[keys]);
        terminal.ends_with(status);
        assert_eq!(files(&sandbox.path("prefix")), before, "{keys:?}");
    }
    doctor().sees("Do this?").press(&["y"]).sees("Wrote ").ends_with(0);
    assert!(text_of_ini(&ini).contains("cmdCallEnd=\"\"C:\\My Hooks\\ring.exe\"\""), "{}", text_of_ini(&ini));
    // nothing is left to ask about
    assert!(!doctor().ends_with(0).text().contains("Do this?"));

    // which of several is asked before
    let again = sandbox.write("MicroSIP.ini", utf16(SPOILED));
    sandbox.write("MicroSIP.exe", image());
    let mut terminal = Terminal::start(&sandbox, &["doctor", "--fix", "--color", "never"]);
    terminal
        .sees("There are several inis")
        .press(&[DOWN, ENTER])
        .sees("Do this?")
        .press(&[ENTER])
        .ends_with(0);
    let mended = [&again, &other].map(|ini| text_of_ini(ini) != SPOILED);
    assert_eq!(mended.iter().filter(|is| **is).count(), 1, "{mended:?}");
}

//! The wizard, in a terminal. MicroSIP's ini is in a Wine prefix here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::instances::WindowsDisk;
use crate::sandbox::{Sandbox, image, text_of_ini, utf16};
use crate::terminal::{CTRL_C, CTRL_U, DOWN, ENTER, ESC, SPACE, TAB, Terminal, UP};

pub const INI: &str = "prefix/drive_c/MicroSIP/MicroSIP.ini";
const OLD: &str = "[Settings]\r\nVAD=0\r\ncmdCallEnd=\"C:\\hooks\\ring.exe\"\r\n";

pub const MENU: &str = "What should happen on a call?";
const WHEN: &str = "When should it happen?";
const EVENTS: &str = "When? (Space selects, Enter continues)";
const TEXT: &str = "Message (empty for this one):";
const LINK: &str = "Page that a click opens (empty for none):";
const PAGE: &str = "Address of the page:";
const PLACE: &str = "Where in the address does the caller's number belong?";
const COUNTRY: &str = "Calling code (without one, numbers stay as they are):";
const FILE: &str = "File:";
const SERVICE: &str = "Address of the web service:";
const PROGRAM: &str = "Program or script (Tab completes):";
const ARGUMENTS: &str = "Arguments before the number (empty for none):";
const KEEP: &str = "Keep that?";
const SAVE: &str = "Save it?";
const TRY: &str = "Try it now: type a caller's number (Enter skips this):";
const REMOVE: &str = "What should no longer happen?";
const NO_INI: &str = "What do you want to do?";
const PATH: &str = "Path of MicroSIP.ini or of its folder (Tab completes):";

/// Creates a Wine prefix with programs for hooks and PowerShell.
pub fn prefix() -> Sandbox {
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

/// Starts the wizard in a terminal so wide that no sentence is wrapped.
fn start(sandbox: &Sandbox) -> Terminal {
    start_in(sandbox, 200)
}

fn start_in(sandbox: &Sandbox, columns: u16) -> Terminal {
    let ini = sandbox.path(INI);
    let args = ["wizard", "--ini", ini.to_str().unwrap(), "--color", "never"];
    Terminal::of_size(sandbox, &args, 40, columns)
}

/// Returns the actions that were set.
fn actions(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path(INI).with_extension("hooks.toml")).unwrap()
}

/// Returns the command line that a script can use. On a narrow screen it has several lines.
fn script_line(terminal: &Terminal) -> String {
    let text = terminal.text();
    let start = text.rfind("msipcfg set-hook").unwrap();
    text[start..].split("\r\n\r\n").next().unwrap().replace("\r\n", "")
}

/// Returns every file below a folder with its bytes.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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

// ---------------------------------------------------------------------------------------------------------
// each goal

#[test]
fn a_page_opens_on_a_call() {
    for columns in [60, 80, 120] {
        let (sandbox, ini) = with_ini();
        let mut terminal = start_in(&sandbox, columns);
        terminal.sees("- When a call has ended or was missed: starts").sees(MENU).press(&[DOWN, ENTER]);
        terminal.sees(WHEN).sees("(recommended)").press(&[ENTER]).sees(PAGE);
        terminal.press(&["https://crm.example/contact/0301234567/view", ENTER]);
        terminal.sees(PLACE).sees("Instead of 0301234567").press(&[ENTER]).sees("in the form 0301234");
        terminal.sees(COUNTRY).press(&["999", ENTER]).sees("No country has").sees(COUNTRY);
        terminal.press(&[CTRL_U, "+49", ENTER]);
        terminal.sees("A call from +49301234 opens").sees("/contact/0301234/view");
        terminal.sees("When the phone is ringing, MicroSIP opens").sees(SAVE);
        assert!(!ini.with_extension("hooks.toml").exists());
        terminal.press(&[ENTER]).sees("Saved.").sees("It works from the next call.").sees(TRY);
        terminal.press(&["+49 30 1234567", ENTER]).sees("/contact/0301234567/view").sees("isn't Windows");
        terminal.sees("Another number (Enter continues):").press(&[ENTER]).sees("Undo the last change");
        terminal.sees(MENU).press(&[ENTER]).ends_with(0);
        assert!(actions(&sandbox).contains("open = \"https://crm.example/contact/{number:national}/view\""));
        assert!(actions(&sandbox).contains("country = \"49\""), "{}", actions(&sandbox));
        let line = script_line(&terminal);
        let expected = "--country 49 ring --open 'https://crm.example/contact/{number:national}/view'";
        assert!(line.ends_with(expected), "{line}");

        // it's asked once, and it is known from an international number
        let mut terminal = start_in(&sandbox, columns);
        terminal.sees(MENU).press(&[DOWN, ENTER]).sees(WHEN).press(&[DOWN, ENTER]).sees(PAGE);
        terminal.press(&["crm.example/?q=%2B49%2030%201234567", ENTER]).sees(PLACE).press(&[ENTER]);
        terminal.sees("A call from").sees(SAVE).press(&[CTRL_C]).ends_with(130);
        assert!(!terminal.text().contains(COUNTRY));
    }
}

#[test]
fn the_example_number_is_found_or_the_place_is_asked_for() {
    let (sandbox, _) = with_ini();
    for (typed, keys, expected) in [
        ("crm.example/find?phone=", &[ENTER][..], "https://crm.example/find?phone={number}"),
        ("crm.example/?q=0301234567", &[DOWN, ENTER], "https://crm.example/?q=0301234567{number}"),
        ("crm.example/?q=00493012345", &[ENTER], "https://crm.example/?q={number}"),
        ("crm.example/open", &[UP, ENTER], "https://crm.example/open"),
        ("crm.example", &[UP, UP, ENTER], "https://crm.example/{number}"),
    ] {
        let mut terminal = start(&sandbox);
        terminal.sees(MENU).press(&[DOWN, ENTER]).sees(WHEN).press(&[ENTER]).sees(PAGE);
        terminal.press(&[typed, ENTER]).sees(PLACE).press(keys).sees("A call from");
        terminal.press(&[ENTER]).sees("Saved.").sees(TRY).press(&[ENTER]).sees(MENU);
        // what was set before is replaced, which needs an answer the second time
        terminal.press(&[UP, ENTER]).sees("- no longer: ring: open").sees("Undo the last change?");
        terminal.press(&[ENTER]).sees("Restored").sees(MENU);
        terminal.press(&[ESC]).ends_with(0);
        let line = script_line(&terminal);
        assert!(line.contains(&format!("ring --open '{expected}'")) || line.ends_with(expected), "{line}");
    }
    // an address that says where the number belongs is taken as it is
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[DOWN, ENTER]).sees(WHEN).press(&[ENTER]).sees(PAGE);
    terminal.press(&["https://{number}.example/", ENTER]).sees("can't be part of the host").sees(PAGE);
    terminal.press(&[CTRL_U, ENTER]).sees("An address is needed").sees(PAGE);
    terminal.press(&["crm", ENTER]).sees("\"crm\" isn't a web address").sees(PAGE).press(&[CTRL_U]);
    terminal.press(&["https://crm.example/{number:e164}", ENTER]).sees(COUNTRY).press(&[ENTER]);
    terminal.sees("A call from").sees("no country is set").sees(SAVE);
    assert!(!terminal.text().contains(PLACE));
    terminal.press(&[ESC]).sees(COUNTRY).press(&[ESC]).sees(PAGE).press(&[CTRL_U]);
    terminal.press(&["https://crm.example/?q=%2B43-1-123456", ENTER]).sees(PLACE).press(&[ENTER]);
    // the country of that number is suggested
    terminal
        .sees(COUNTRY)
        .sees("43")
        .press(&[CTRL_U, ENTER])
        .sees("opens https://crm.example/?q=%2B49301234");
    terminal.sees("MicroSIP opens https://crm.example/?q={number}");
    terminal.sees(SAVE).press(&[ESC]).sees(COUNTRY);
    // the code of an area isn't one of a country
    terminal.press(&[CTRL_U, "030", ENTER]).sees("No country has the calling code 030").sees(COUNTRY);
    terminal.press(&[CTRL_U, "49", ENTER]).sees("A call from 0301234567 counts as one from +49301234567");
    terminal.sees(SAVE).press(&[ESC]).sees(COUNTRY);
    terminal.press(&[ESC]).sees(PLACE).press(&[ESC]).sees(PAGE).press(&[CTRL_U, "crm.example/open", ENTER]);
    // without a place for the number, another address is suggested
    terminal.sees("> Paste another address").press(&[ENTER]).sees(PAGE);
    terminal.press(&[CTRL_C]).ends_with(130);
}

#[test]
fn a_message_shows_who_is_calling() {
    let (sandbox, _) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(WHEN).press(&[DOWN, ENTER]);
    // without a text, the usual one for this moment
    terminal.sees("You are talking to {name|number}").sees(TEXT).press(&["{numbr} is here", ENTER]);
    terminal.sees("did you mean '{number}'?").sees(TEXT).sees("{numbr} is here").press(&[CTRL_U, ENTER]);
    terminal.sees(LINK).press(&["\"crm.example/?q=\"", ENTER]).sees(PLACE).press(&[ESC]).sees(LINK);
    terminal.press(&[CTRL_U, "crm.example/030123456", ENTER]).sees(PLACE).press(&[ENTER]);
    terminal.sees(COUNTRY).press(&[ENTER]);
    terminal.sees("You are talking to +49301234");
    terminal.sees("a click opens https://crm.example/%2B49301234").sees(SAVE);
    terminal.press(&[DOWN, ENTER]).sees("+cmdCallAnswer=").sees("+answer: notify").sees(SAVE);
    terminal.press(&[ENTER]).sees("Saved.").sees(TRY).press(&[ENTER]);
    terminal.sees("answer --notify 'You are talking to {name|number}' --link").sees(MENU);
    terminal.press(&[ESC]).ends_with(0);
    assert!(actions(&sandbox).contains("link = \"https://crm.example/{number}\""));
}

#[test]
fn calls_are_logged_and_a_program_can_stay() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    terminal
        .sees(MENU)
        .press(&[DOWN, DOWN, ENTER])
        .sees(WHEN)
        .sees("> A call has ended or was missed (recommended)");
    terminal.press(&[ENTER]).sees("C:\\MicroSIP\\calls.csv").sees(FILE);
    terminal.press(&["C:\\none\\calls.csv", ENTER]).sees("The folder C:\\none doesn't exist").sees(FILE);
    terminal.press(&[CTRL_U, "C:\\MicroSIP\\calls.xlsx", ENTER]).sees("doesn't end with .csv").sees(FILE);
    // a name without an ending or folder, and a path as Explorer copies it
    terminal.press(&[CTRL_U, "list", ENTER]).sees("MicroSIP/list.csv:").sees(KEEP).press(&[ESC]).sees(FILE);
    terminal.press(&[CTRL_U, "\"C:\\hooks\"", ENTER]).sees("hooks/calls.csv:").sees("incoming,+49301234");
    terminal.sees("MicroSIP already starts C:\\hooks\\ring.exe.").sees(KEEP).press(&[ENTER]);
    terminal.sees("starts C:\\hooks\\ring.exe as now, and also adds a line to").sees(SAVE).press(&[ENTER]);
    terminal.sees("Saved.").sees(TRY).press(&["0301", ENTER]).sees("added a line to").sees("Another number");
    terminal.press(&[ENTER]).sees(MENU);
    let log = std::fs::read_to_string(sandbox.path("prefix/drive_c/hooks/calls.csv")).unwrap();
    assert!(log.contains(",incoming,0301,"), "{log}");
    let text = actions(&sandbox);
    assert!(text.contains("run = 'C:\\hooks\\ring.exe'") && text.contains("[[busy]]"), "{text}");
    assert!(!text_of_ini(&ini).contains("ring.exe"));
    terminal.sees("Quit").press(&[ESC]).ends_with(0);

    // the other answer replaces what is there
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(WHEN).press(&[DOWN, DOWN, ENTER]).sees(TEXT).press(&[ENTER]);
    terminal
        .sees(LINK)
        .press(&[ENTER])
        .sees(KEEP)
        .press(&[DOWN, ENTER])
        .sees("and no longer starts")
        .sees(SAVE);
    terminal.press(&[ENTER]).sees("Saved.").press(&[CTRL_C]).ends_with(130);
    assert!(!actions(&sandbox).contains("run =") && !actions(&sandbox).contains("log ="));

    // the same again changes nothing, and both events are one item of the list
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(WHEN).press(&[DOWN, DOWN, ENTER]).sees(TEXT).press(&[ENTER]);
    terminal.sees(LINK).press(&[ENTER]).sees("This is already set").sees(MENU);
    terminal.press(&[UP, UP, UP, ENTER]).sees("busy or declined: shows").press(&[ENTER]).sees("Remove it?");
    terminal.press(&[ENTER]).sees("Saved.").sees(MENU).press(&[UP, ENTER]).sees("- again: end: notify");
    terminal.press(&[ENTER]).sees("Restored").sees(MENU).press(&[UP, ENTER]).sees("You can go back further.");
    // the oldest state is the ini of the beginning
    terminal.sees("To which state?").press(&[UP, ENTER]).sees("- again: end C:\\hooks\\ring.exe");
    terminal.sees("Go back to this state?").press(&[ESC]).sees("To which state?").press(&[ENTER]);
    terminal
        .sees("Go back to this state?")
        .press(&[ENTER])
        .sees("Restored")
        .sees("ended or was missed: starts C:\\hooks");
    terminal.sees(MENU).press(&[ESC]).sees("Your changes are saved.").ends_with(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
}

#[test]
fn a_web_service_gets_the_call() {
    let (sandbox, _) = with_ini();
    let mut terminal = start(&sandbox);
    terminal.sees(MENU).press(&[DOWN, DOWN, DOWN, ENTER]).sees(WHEN).press(&[ENTER]).sees(SERVICE);
    terminal.press(&["ftp://crm.example/", ENTER]).sees("must start with https://").sees(SERVICE);
    terminal.press(&[CTRL_U, "crm.example/calls", ENTER]);
    terminal.sees("sends POST https://crm.example/calls").sees("\"number\":\"+49301234\"").sees(SAVE);
    terminal.press(&[ENTER]).sees("Saved.").sees(TRY).press(&[ENTER]);
    terminal.sees("ring --post https://crm.example/calls").sees(MENU).press(&[ENTER]).ends_with(0);
}

#[test]
fn a_new_ini_gets_its_first_program() {
    let sandbox = prefix();
    std::fs::create_dir_all(sandbox.path("prefix/drive_c/Ünï")).unwrap();
    let script = format!("#!/bin/sh\necho \"$@\" >>'{}'\n", sandbox.path("started").display());
    sandbox.write_script("bin/wine", script);
    let mut terminal = Terminal::start(&sandbox, &[]);
    terminal.sees("No MicroSIP.ini was found in").sees("Windows+R").sees(NO_INI).press(&[ENTER]).sees(PATH);
    terminal.press(&["pre", TAB]).sees("prefix/").press(&["dr", TAB]).sees("drive_c/");
    terminal.press(&["ü", TAB]).sees("Ünï/").press(&["MicroSIP.ini", ENTER]);
    terminal.sees("doesn't exist").sees("Create it?").press(&["y"]).sees(MENU);
    terminal.press(&[DOWN, DOWN, DOWN, DOWN, ENTER]).sees(WHEN).press(&[UP, ENTER]);
    // Enter without a selection asks again
    terminal.sees(EVENTS).press(&[ENTER]).sees("Nothing is selected").sees(EVENTS);
    terminal.press(&[SPACE, DOWN, DOWN, DOWN, DOWN, DOWN, SPACE, ENTER]);
    terminal.sees("When the phone is ringing, or when a call has ended or was missed.").sees(PROGRAM);
    terminal
        .press(&[r"C:\hooks\rong.exe", ENTER])
        .sees("[hook-target-missing]")
        .sees(PROGRAM)
        .sees("rong.exe");
    assert!(!sandbox.path("prefix/drive_c/Ünï/MicroSIP.ini").exists());
    terminal.press(&["\x7f"; 7]).press(&["ä", TAB]).sees("räng.exe").press(&[ENTER]);
    terminal.sees(ARGUMENTS).press(&["--to \"a b\"", ENTER]);
    terminal.sees("A call from +49301234 starts C:\\hooks\\räng.exe --to \"a b\" +49301234").sees(SAVE);
    terminal.press(&[DOWN, ENTER]).sees("+cmdIncomingCall=").sees("+cmdCallEnd=").sees(SAVE).press(&[ENTER]);
    // once, although it is set for two events
    terminal.sees("Saved.").sees(TRY).press(&["100", ENTER]).sees("frozen").press(&[ENTER]);
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
fn what_is_set_is_removed_and_brought_back() {
    let (sandbox, ini) = with_ini();
    let mut terminal = start(&sandbox);
    let remove = [UP, UP, UP, ENTER];
    terminal
        .sees(MENU)
        .press(&remove)
        .sees(REMOVE)
        .sees("When a call has ended or was missed: starts C:\\hooks\\ring.exe");
    terminal.press(&[ENTER]).sees("MicroSIP no longer starts").sees("Remove it?");
    terminal.press(&[ENTER]).sees("Saved.").sees("msipcfg unset-hook --ini").sees("end").sees(MENU);
    assert_eq!(text_of_ini(&ini), "[Settings]\r\nVAD=0\r\n");
    terminal.press(&[UP, UP, ENTER]).sees("there is nothing to remove").sees(MENU);
    terminal.press(&[DOWN, ENTER]).sees("- again: end C:\\hooks\\ring.exe").sees("Undo the last change?");
    terminal.press(&[ENTER]);
    terminal.sees("Restored MicroSIP.ini.").sees("msipcfg restore --ini").sees(MENU).press(&["q", ESC]);
    terminal.ends_with(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
}

// ---------------------------------------------------------------------------------------------------------
// going back, and leaving

/// Groups of keys, and the question that each leads to.
type Steps<'a> = &'a [(&'a [&'a str], &'a str)];

const PATHS: [(&str, Steps<'static>); 6] = [
    (
        "message",
        &[
            (&[ENTER], WHEN),
            (&[ENTER], TEXT),
            (&["x {number}", ENTER], LINK),
            (&["crm.example/{number}", ENTER], SAVE),
        ],
    ),
    (
        "page",
        &[(&[DOWN, ENTER], WHEN), (&[ENTER], PAGE), (&["crm.example/?q=", ENTER], PLACE), (&[ENTER], SAVE)],
    ),
    (
        "log",
        &[
            (&[DOWN, DOWN, ENTER], WHEN),
            (&[ENTER], FILE),
            (&["C:\\hooks\\c.csv", ENTER], KEEP),
            (&[ENTER], SAVE),
        ],
    ),
    ("service", &[(&[DOWN, DOWN, DOWN, ENTER], WHEN), (&[ENTER], SERVICE), (&["crm.example", ENTER], SAVE)]),
    (
        "program",
        &[
            (&[DOWN, DOWN, DOWN, DOWN, ENTER], WHEN),
            (&[UP, ENTER], EVENTS),
            (&[SPACE, ENTER], PROGRAM),
            (&[r"C:\hooks\ring.exe", ENTER], ARGUMENTS),
            (&["-v", ENTER], SAVE),
        ],
    ),
    ("remove", &[(&[UP, UP, UP, ENTER], REMOVE), (&[ENTER], "Remove it?")]),
];

#[test]
fn every_question_goes_one_back_and_keeps_its_answer() {
    let (sandbox, _) = with_ini();
    let before = files(&sandbox.path("prefix"));
    for (columns, (name, steps)) in
        [60, 80, 120].into_iter().flat_map(|columns| PATHS.map(|path| (columns, path)))
    {
        let mut terminal = start_in(&sandbox, columns);
        terminal.sees(MENU);
        for (keys, question) in steps {
            terminal.press(keys).sees(question);
        }
        for index in (0..steps.len()).rev() {
            let previous = if index == 0 { MENU } else { steps[index - 1].1 };
            terminal.press(&[ESC]).sees(previous);
            // a text is in its line again
            if let Some(typed) = steps[index].0.first().filter(|key| key.len() > 3) {
                terminal.sees(typed);
            }
        }
        // the same way again needs only Enter
        for (keys, question) in steps {
            let keys: Vec<&str> = keys.iter().filter(|key| **key == ENTER).copied().collect();
            terminal.press(&keys).sees(question);
        }
        assert_eq!(files(&sandbox.path("prefix")), before, "{name}, {columns} columns");
        terminal.press(&[CTRL_C]).sees("MicroSIP.ini was not changed.").ends_with(130);
    }
}

#[test]
fn leaving_any_question_changes_nothing() {
    let (sandbox, _) = with_ini();
    let before = files(&sandbox.path("prefix"));
    for (name, steps) in PATHS {
        for length in 0..=steps.len() {
            let mut terminal = start(&sandbox);
            terminal.sees(MENU);
            for (keys, question) in &steps[..length] {
                terminal.press(keys).sees(question);
            }
            terminal.press(&[CTRL_C]).sees("MicroSIP.ini was not changed.").ends_with(130);
            assert_eq!(files(&sandbox.path("prefix")), before, "{name} {length}");
        }
        let mut terminal = start(&sandbox);
        terminal.sees(MENU);
        for (keys, question) in steps {
            terminal.press(keys).sees(question);
        }
        // the last answer
        terminal.press(&[UP, ENTER]).sees("Nothing was changed.").sees(MENU).press(&[ESC]);
        terminal.sees("Nothing was changed.").ends_with(0);
        assert_eq!(files(&sandbox.path("prefix")), before, "{name}");
    }
}

#[test]
fn leaving_the_questions_about_the_ini_changes_nothing() {
    let sandbox = prefix();
    let before = files(&sandbox.path("prefix"));
    let go = || {
        let mut terminal = Terminal::start(&sandbox, &["wizard"]);
        terminal.sees("If it was only unpacked").sees(NO_INI);
        terminal
    };
    go().press(&[ESC]).sees("Nothing was changed.").ends_with(0);
    go().press(&[UP, ENTER]).sees("Nothing was changed.").ends_with(0);
    go().press(&[CTRL_C]).sees("Cancelled. Nothing was changed.").ends_with(130);
    // searching again finds it
    let mut terminal = go();
    sandbox.write("MicroSIP.ini", utf16(OLD));
    sandbox.write("MicroSIP.exe", image());
    terminal.press(&[DOWN, ENTER]).sees("C:\\hooks\\ring.exe").sees(MENU).press(&[ESC]).ends_with(0);
    std::fs::remove_file(sandbox.path("MicroSIP.ini")).unwrap();
    std::fs::remove_file(sandbox.path("MicroSIP.exe")).unwrap();
    // an empty path and Esc go back
    go().press(&[ENTER])
        .sees(PATH)
        .press(&[ENTER])
        .sees(NO_INI)
        .press(&[ENTER])
        .sees(PATH)
        .press(&[ESC])
        .sees(NO_INI);
    // a new ini isn't created before something is set in it
    for (last, status) in [(ESC, 0), (CTRL_C, 130)] {
        let mut terminal = go();
        terminal.press(&[ENTER]).sees(PATH).press(&[INI, ENTER]).sees("Create it?").press(&["n"]).sees(PATH);
        terminal.press(&[ENTER]).sees("Create it?").press(&["y"]).sees(MENU).press(&[last]).ends_with(status);
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
        terminal.sees(MENU).press(&[ENTER]).sees(WHEN).press(&[UP, ENTER]).sees(EVENTS).sees("] outgoing");
        // each move redraws the list in place
        for _ in 0..8 {
            terminal.press(&[DOWN]).sees("] outgoing");
        }
        let lines = terminal.lines();
        let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
        assert_eq!((count("] ring "), count("] outgoing"), count("> [ ]")), (1, 1, 1), "{lines:#?}");
        terminal.press(&[ESC]).sees(WHEN).press(&[ESC]).sees(MENU).press(&[ESC]).ends_with(0);
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
    disk.sandbox.write("prefix/drive_c/hooks/ring.exe", image());
    let phone = disk.start_phone();
    let before = files(&disk.sandbox.path("prefix"));
    let go = || {
        let mut terminal = start(&disk.sandbox);
        terminal.sees(MENU).press(&[DOWN, DOWN, DOWN, DOWN, ENTER]).sees(WHEN).press(&[ENTER]);
        terminal.sees(PROGRAM).press(&[r"C:\hooks\ring.exe", ENTER]).sees(ARGUMENTS).press(&[ENTER]);
        terminal.sees("MicroSIP is running").sees(SAVE).sees("No, change nothing");
        terminal
    };
    for (keys, status) in [(&[UP, ENTER][..], 0), (&[CTRL_C], 130)] {
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

    let mut terminal = go();
    terminal.press(&[ENTER]).sees("waiting for MicroSIP to exit");
    phone.exit();
    terminal.sees("Saved.").sees("It works when MicroSIP runs again.").sees(TRY).press(&[ENTER]).sees(MENU);
    terminal.press(&[ENTER]).ends_with(0);
    assert!(text_of_ini(&ini).contains("cmdIncomingCall=\"C:\\hooks\\ring.exe\""));
}

#[test]
fn a_change_of_actions_alone_waits_for_nobody() {
    let disk = WindowsDisk::new();
    disk.ini("MicroSIP/MicroSIP.ini");
    let ini = disk.sandbox.path(INI);
    let set = ["set-hook", "--ini", ini.to_str().unwrap(), "ring", "--open", "https://a.example/"];
    disk.sandbox.run(&set).exits(0);
    let _phone = disk.start_phone();
    let mut terminal = start(&disk.sandbox);
    terminal.sees(MENU).press(&[ENTER]).sees(WHEN).press(&[ENTER]).sees(TEXT).press(&[ENTER]).sees(LINK);
    terminal.press(&[ENTER]).sees("MicroSIP already opens https://a.example/.").sees(KEEP).press(&[ENTER]);
    terminal.sees(SAVE).press(&[ENTER]).sees("Saved.").sees("from the next call").sees(TRY).press(&[ENTER]);
    terminal.sees("--add ring --notify").sees(MENU).press(&[ENTER]).ends_with(0);
    assert!(!terminal.text().contains("MicroSIP is running"), "{}", terminal.text());
    assert_eq!(actions(&disk.sandbox).matches("[[ring]]").count(), 2);
}

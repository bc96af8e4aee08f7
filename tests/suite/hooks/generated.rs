//! Properties of generated inis: what one command writes, the others confirm.

use msipcfg::hook::dialect::SaveDialect;
use msipcfg::ini::document::IniDocument;
use msipcfg::microsip::keys::{self, Key};
use msipcfg::microsip::version::Dialect;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{EVENTS, Programs, hook_in};
use crate::sandbox::{Ran, image, text_of_ini, utf16, wants_many_cases};

const FILES: &[&str] = &["ring.exe", "My Tools/ring it.exe", "log.bat", "pop up.vbs", "R & D/x.exe", "ü.exe"];
const ARGS: &[&str] =
    &["", "-", "a b", "/x", "--number=1", "{number}", "ä", "50%", "a\"b", "c:\\d e\\", "&", ";x"];

/// An ini as people and programs leave it: settings of any version, commands of any form, other sections.
fn inis() -> impl Strategy<Value = String> {
    let settings = vec((any::<Index>(), any::<Index>(), any::<bool>()), 0..12);
    let commands = vec((select(EVENTS), select(COMMANDS)), 0..6);
    let version = select(&["", "", "version=3.22.3\r\n", "version=3.21.4\r\n", "version=3.18.5\r\n"][..]);
    let start =
        select(&["", "", "[Global]\r\nversion=3.22.16\r\n", "[Global]\r\ninstance=abc\r\n", ";\r\n"][..]);
    (start, settings, commands, version, vec(select(LINES), 0..4)).prop_map(
        |(start, settings, commands, version, lines)| {
            let mut text = format!("{start}[Settings]\r\n{version}");
            let known: Vec<Key> = keys::of_section("Settings").all().collect();
            for (key, value, lower) in settings {
                let key = key.get(&known);
                let name = if lower { key.name.to_ascii_lowercase() } else { key.name.to_string() };
                let values = ["0", "1", "2", "", "x", "-1", key.default];
                let value = value.get(&values);
                text += &format!("{name}={value}\r\n");
            }
            for ((_, _, key), value) in commands {
                text += &format!("{key}={value}\r\n");
            }
            text + &lines.concat()
        },
    )
}

const COMMANDS: &[&str] = &[
    "",
    "",
    "",
    "\"\"",
    "\"\"",
    "C:\\x.exe",
    "\"\"C:\\a b\\x.exe\" -\"",
    "C:\\a b\\x.exe",
    "\"\\",
    "start x",
];

const LINES: &[&str] = &[
    "[Account1]\r\nusername=201\r\ndomain=pbx.example\r\n",
    "[Account2]\r\nusername=\r\npassword=abc\r\n",
    "[Dialed]\r\n0=100;Ann\r\n",
    "[Shortcuts]\r\n0=a;b;call;;\r\n",
    "[Other]\r\nk=v\r\n",
    "[Settings]\r\nVAD=1\r\n",
    "accountId=0\r\n",
    "accountId=1\r\n",
    "; text\r\n",
    "word\r\n",
];

/// A hook that a user could set: its event, the program's name, and arguments.
fn hooks() -> impl Strategy<Value = (usize, &'static str, Vec<&'static str>)> {
    (0..EVENTS.len(), select(FILES), vec(select(ARGS), 0..3))
}

/// Starting programs takes long, especially under Wine. PROPTEST_CASES asks for more.
fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases = if wants_many_cases() { config.cases } else { 40 };
    ProptestConfig { cases: if cfg!(windows) { cases.div_ceil(5) } else { cases }, ..config }
}

impl Programs {
    fn run_on_ini(&self, args: &[&str]) -> Ran {
        let ini = self.sandbox.path(&self.ini);
        self.sandbox.run(&[&args[..1], &["--json", "--ini", ini.to_str().unwrap()], &args[1..]].concat())
    }

    /// Asserts that 'hooks' and 'explain' find the command of an event good.
    fn confirms(&self, event: &str) {
        let listed = self.run_on_ini(&["hooks"]);
        let transcript = listed.transcript.clone();
        let hook = hook_in(listed, event);
        assert_eq!(hook["works"], true, "{hook}\n{transcript}");
        let text = text_of_ini(&self.sandbox.path(&self.ini));
        let key = hook["key"].as_str().unwrap().to_ascii_lowercase();
        let is_key = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{key}="));
        let (_, command) = text.lines().find(is_key).unwrap().split_once('=').unwrap();
        let ini = IniDocument::from_utf16le(utf16(&text));
        let version = match SaveDialect::determine(None, None, Some(&ini)).dialect {
            Dialect::WholeValue => "3.18.5",
            Dialect::Raw => "3.21.4",
            Dialect::Quoted => "3.22.3",
        };
        let explain = ["explain", "--event", event, "--microsip-version", version, "--", command];
        self.sandbox.run(&explain).exits(0);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn commands_agree_about_what_was_written(ini in inis(), (event, file, args) in hooks(), applied in any::<bool>()) {
        let image = image();
        let contents: Vec<(&str, &[u8])> = FILES.iter().map(|file| (*file, &image[..])).collect();
        let programs = Programs::new(&contents);
        programs.sandbox.write(&programs.ini, utf16(&ini));
        let (event, _, _) = EVENTS[event];
        let program = programs.path(&file.replace('/', "\\"));
        let ran = if applied {
            let hook = serde_json::json!({ "program": program, "args": args });
            let state = serde_json::json!({ "hooks": { event: hook } }).to_string();
            let state = programs.sandbox.write("state.json", state);
            programs.run_on_ini(&["apply", state.to_str().unwrap()])
        } else {
            programs.run_on_ini(&[&["set-hook", "--direct", event, &program], &args[..]].concat())
        };
        if ran.status == 0 {
            programs.confirms(event);
        } else {
            let error = ran.json()["error"].clone();
            prop_assert_eq!(ran.status, 3, "{}", ran.transcript);
            prop_assert!(error["code"].as_str().is_some_and(|code| code != "internal"), "{}", error);
        }
        let ini = programs.sandbox.path(&programs.ini);
        let state = programs.sandbox.run(&["export", "--ini", ini.to_str().unwrap()]).exits(0).stdout;
        let state = programs.sandbox.write("exported.toml", state);
        let checked = programs.run_on_ini(&["check", state.to_str().unwrap()]);
        if checked.status != 0 {
            prop_assert_eq!(&checked.json()["error"]["code"], "desired-empty", "{}", checked.transcript);
        }
    }
}

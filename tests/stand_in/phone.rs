//! The state of the phone, and how it handles texts.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::Storage::FileSystem::{FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE};

use crate::commands::{Meaning, When, meaning};
use crate::ini::Ini;
use crate::log::{Log, quoted};
use crate::settings::Settings;
use crate::version::Version;
use crate::wide::text_of;
use crate::{hooks, passwords, place, window};

/// The number of call records, which form a ring.
const CALLS: i64 = 1000;

/// The phone. Its cells are borrowed only for moments, because messages may arrive while it waits for a hook.
pub struct Phone {
    pub log: Log,
    version: Version,
    ini: Ini,
    settings: RefCell<Settings>,
    held: RefCell<Option<File>>,
    /// Received texts that are handled later.
    pub queue: RefCell<VecDeque<String>>,
}

impl Phone {
    /// Reads the ini, and changes it like a start of MicroSIP. Also returns whether this is the first run.
    pub fn new(log: Log, version: Version) -> (Self, bool) {
        let ini = Ini::at(place::ini(&std::env::current_exe().unwrap(), version));
        let is_first_run = ini.prepare(version);
        let settings = Settings::read(&ini, version);
        // like MicroSIP, ignore that the ini can't be written
        let _ = passwords::encrypt_at_start(&ini, version, settings.account());
        let settings = RefCell::new(settings);
        let phone =
            Phone { log, version, ini, settings, held: RefCell::default(), queue: RefCell::default() };
        (phone, is_first_run)
    }

    /// Opens the ini, if it should be kept open.
    pub fn hold_ini(&self) {
        let Some(how) = std::env::var_os("STAND_IN_HOLDS_INI") else { return };
        let all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        let share = if how == "exclusive" { 0 } else { all };
        let file = OpenOptions::new().read(true).share_mode(share).open(&self.ini.path).unwrap();
        self.held.replace(Some(file));
    }

    /// Saves everything from memory to the ini.
    pub fn save(&self) {
        // while it is open exclusively, the stand-in itself can't write it
        let was_held = self.held.take().is_some();
        match self.settings.borrow_mut().save(&self.ini) {
            Ok(()) => self.log.say("saved"),
            Err(error) => self.log.say(&format!("not saved {error}")),
        }
        if was_held {
            self.hold_ini();
        }
    }

    /// Returns whether this version handles queued texts. Texts of tests are always handled.
    pub fn handles_queued(&self, text: &str) -> bool {
        self.version >= Version(3, 20, 5) || text.starts_with("stand-in:")
    }

    /// Does what a text asks for.
    pub fn handle(&self, window: HWND, text: &str, when: When) {
        if let Some(own) = text.strip_prefix("stand-in:") {
            return self.handle_own(own);
        }
        match meaning(text, self.version, when) {
            Meaning::Nothing => {}
            Meaning::Command(command) => self.log.say(&format!("command {command}")),
            Meaning::Account(number) => {
                self.log.say(&format!("command /account:{number}"));
                self.settings.borrow_mut().set("accountId", &number);
                self.save();
            }
            Meaning::Dial(number) => {
                self.log.say(&format!("dial {number}"));
                self.settings.borrow_mut().set("lastCallNumber", &number);
                window::show(window, true);
            }
            Meaning::Message { to, text } => {
                self.log.say(&format!("message {to} {text}"));
                window::show(window, true);
            }
        }
    }

    /// Handles a text that only the stand-in understands.
    fn handle_own(&self, text: &str) {
        let mut words = text.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        match (word(), word(), word()) {
            ("save", ..) => self.save(),
            ("event", key, user) => self.run_event(key, user),
            ("call", number, _) => self.add_call(number),
            _ => panic!("no such text: {text}"),
        }
    }

    /// Runs the command that an event had when the stand-in started.
    pub fn run_event(&self, key: &str, user: &str) {
        let command = self.settings.borrow().get(key).to_vec();
        if let Some(ran) = hooks::run(&command, user, self.version) {
            let [file, parameters] = [&ran.file, &ran.parameters].map(|text| quoted(&text_of(text)));
            let outcome = if ran.is_started { "started" } else { "failed" };
            self.log.say(&format!("hook {key} {file} {parameters} {outcome} {}", ran.took.as_millis()));
        }
    }

    /// Adds a record of a call after the last one, whose number is read from the ini.
    fn add_call(&self, number: &str) {
        let last = text_of(&self.ini.get("Settings", "callsLastKey", "-1", 256));
        let key = ((last.parse().unwrap_or(-1) + 1) % CALLS).to_string();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let record: Vec<u16> = format!("{number};{number};0;{time};10;").encode_utf16().collect();
        let key_units: Vec<u16> = key.encode_utf16().collect();
        let written = self
            .ini
            .set("Calls", &key, &record)
            .and_then(|()| self.ini.set("Settings", "callsLastKey", &key_units));
        match written {
            Ok(()) => self.log.say(&format!("call {key} {number}")),
            Err(error) => self.log.say(&format!("no call {error}")),
        }
    }
}

//! What it knows, and what it does when it is told something.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::Storage::FileSystem::{FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE};

use crate::commands::{Told, When, meaning};
use crate::ini::Ini;
use crate::log::{Log, quoted};
use crate::settings::Settings;
use crate::version::Version;
use crate::wide::text_of;
use crate::{hooks, passwords, place, window};

/// Records of calls are a ring of that many.
const CALLS: i64 = 1000;

/// Lent for moments only: while it waits for a hook, other messages may come.
pub struct Phone {
    pub log: Log,
    version: Version,
    ini: Ini,
    settings: RefCell<Settings>,
    held: RefCell<Option<File>>,
    /// Texts that came to be handled later.
    pub queue: RefCell<VecDeque<String>>,
}

impl Phone {
    /// Reads the ini and changes in it what a start changes. Also says whether this is the first run.
    pub fn new(log: Log, version: Version) -> (Self, bool) {
        let ini = Ini::at(place::ini(&std::env::current_exe().unwrap(), version));
        let is_first_run = ini.prepare(version);
        let settings = Settings::read(&ini, version);
        // a start that cannot write goes on and says nothing
        let _ = passwords::encrypt_at_start(&ini, version, settings.account());
        let settings = RefCell::new(settings);
        let phone =
            Phone { log, version, ini, settings, held: RefCell::default(), queue: RefCell::default() };
        (phone, is_first_run)
    }

    /// Opens the ini, if it is to be kept open.
    pub fn hold_ini(&self) {
        let Some(how) = std::env::var_os("STAND_IN_HOLDS_INI") else { return };
        let all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        let share = if how == "exclusive" { 0 } else { all };
        let file = OpenOptions::new().read(true).share_mode(share).open(&self.ini.path).unwrap();
        self.held.replace(Some(file));
    }

    /// Brings everything from memory into the ini.
    pub fn save(&self) {
        // held exclusively it could not be written by itself either
        let was_held = self.held.take().is_some();
        match self.settings.borrow_mut().save(&self.ini) {
            Ok(()) => self.log.say("saved"),
            Err(error) => self.log.say(&format!("not saved {error}")),
        }
        if was_held {
            self.hold_ini();
        }
    }

    /// Whether a text that is to be handled later will be. Tests can always tell it something.
    pub fn hears_later(&self, text: &str) -> bool {
        self.version >= Version(3, 20, 5) || text.starts_with("stand-in:")
    }

    /// Does what the text says.
    pub fn hear(&self, window: HWND, text: &str, when: When) {
        if let Some(own) = text.strip_prefix("stand-in:") {
            return self.obey(own);
        }
        match meaning(text, self.version, when) {
            Told::Nothing => {}
            Told::Command(command) => self.log.say(&format!("command {command}")),
            Told::Account(number) => {
                self.log.say(&format!("command /account:{number}"));
                self.settings.borrow_mut().set("accountId", &number);
                self.save();
            }
            Told::Dial(number) => {
                self.log.say(&format!("dial {number}"));
                self.settings.borrow_mut().set("lastCallNumber", &number);
                window::show(window, true);
            }
            Told::Message { to, text } => {
                self.log.say(&format!("message {to} {text}"));
                window::show(window, true);
            }
        }
    }

    /// What only a stand-in can be told.
    fn obey(&self, text: &str) {
        let mut words = text.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        match (word(), word(), word()) {
            ("save", ..) => self.save(),
            ("event", key, user) => self.run_event(key, user),
            ("call", number, _) => self.add_call(number),
            _ => panic!("no such text: {text}"),
        }
    }

    /// Runs the command of an event as it was read at the start.
    pub fn run_event(&self, key: &str, user: &str) {
        let command = self.settings.borrow().get(key).to_vec();
        if let Some(ran) = hooks::run(&command, user, self.version) {
            let [file, parameters] = [&ran.file, &ran.parameters].map(|text| quoted(&text_of(text)));
            let outcome = if ran.is_started { "started" } else { "failed" };
            self.log.say(&format!("hook {key} {file} {parameters} {outcome} {}", ran.took.as_millis()));
        }
    }

    /// A record of a call; where the last one stands is read anew.
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

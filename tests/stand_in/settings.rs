//! The settings. They are read at the start, and stay in memory until they are saved.

use std::io;

use crate::ini::Ini;
use crate::version::Version;
use crate::wide::text_of;

/// The key that counts starts.
const STARTS: &str = "volumeInput";

/// The key that counts saves.
const SAVES: &str = "volumeOutput";

/// How a value is read and written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// The leading digits; other text is 0.
    Number,
    /// Every number except 0 means yes.
    NonZero,
    /// Only `1` means yes.
    One,
    /// Everything except `0` means yes.
    Zero,
    /// Always written in quotes.
    Device,
    /// Written in quotes by some versions.
    Command,
}

struct Setting {
    key: &'static str,
    kind: Kind,
    default: &'static str,
    /// The UTF-16 units that are read, plus one for the NUL.
    buffer: usize,
    since: Version,
}

const fn setting(key: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { key, kind, default, buffer: 256, since: Version(3, 14, 0) }
}

const fn command(key: &'static str, since: Version) -> Setting {
    Setting { since, ..setting(key, Kind::Command, "") }
}

/// Some of MicroSIP's settings, in the order in which it saves them.
const SETTINGS: &[Setting] = &[
    setting("singleMode", Kind::NonZero, "1"),
    setting("ringingSound", Kind::Text, ""),
    setting("volumeRing", Kind::Number, "100"),
    setting("audioRingDevice", Kind::Device, ""),
    setting("audioOutputDevice", Kind::Device, ""),
    setting("audioInputDevice", Kind::Device, ""),
    Setting { buffer: 512, ..setting("audioCodecs", Kind::Text, "PCMA/8000/1 PCMU/8000/1") },
    setting("VAD", Kind::NonZero, "0"),
    setting("EC", Kind::NonZero, "1"),
    setting("rport", Kind::Zero, "1"),
    setting("STUN", Kind::Text, ""),
    setting("enableSTUN", Kind::One, "0"),
    setting("autoAnswer", Kind::Text, "button"),
    setting("denyIncoming", Kind::Text, "button"),
    setting("usersDirectory", Kind::Text, ""),
    setting("enableLog", Kind::NonZero, "0"),
    setting("updatesInterval", Kind::Text, ""),
    setting("userAgent", Kind::Text, ""),
    command("cmdOutgoingCall", Version(3, 19, 0)),
    command("cmdIncomingCall", Version(3, 14, 0)),
    command("cmdCallRing", Version(3, 19, 0)),
    command("cmdCallAnswer", Version(3, 14, 0)),
    command("cmdCallAnswerVideo", Version(3, 21, 3)),
    command("cmdCallBusy", Version(3, 19, 0)),
    command("cmdCallStart", Version(3, 14, 0)),
    command("cmdCallEnd", Version(3, 14, 0)),
    setting("mainX", Kind::Number, "0"),
    setting("mainY", Kind::Number, "0"),
    setting(SAVES, Kind::Number, "0"),
    setting(STARTS, Kind::Number, "0"),
    setting("DND", Kind::NonZero, "0"),
    setting("lastCallNumber", Kind::Text, ""),
    setting("accountId", Kind::Number, ""),
];

/// The keys of the single account of old versions. They are deleted if no account is selected.
const OLD_ACCOUNT: &[&str] = &["server", "proxy", "STUN", "domain", "username", "password", "displayName"];

/// The values in memory, in the order of the table.
pub struct Settings {
    version: Version,
    values: Vec<Vec<u16>>,
}

impl Settings {
    /// Reads the settings, and changes the ini like a start of MicroSIP.
    pub fn read(ini: &Ini, version: Version) -> Self {
        let read = |setting: &Setting| {
            let value = ini.get("Settings", setting.key, setting.default, setting.buffer);
            normalized(setting.kind, value)
        };
        let mut settings = Settings { version, values: SETTINGS.iter().map(read).collect() };
        settings.count(STARTS);
        // like MicroSIP, ignore that the ini can't be written
        let _ = settings.write_at_start(ini);
        settings
    }

    fn write_at_start(&self, ini: &Ini) -> io::Result<()> {
        if let Some(section) = self.version.section() {
            let version = self.version.to_string();
            if text_of(&ini.get(section, "version", "", 256)) != version {
                ini.set(section, "version", &units(&version))?;
            }
            if section != "Settings" {
                ini.delete("Settings", "version")?;
            }
        }
        if ini.get("Settings", "accountId", "", 256).is_empty() {
            for key in OLD_ACCOUNT {
                ini.delete("Settings", key)?;
            }
        }
        Ok(())
    }

    /// Writes all settings, key by key.
    pub fn save(&mut self, ini: &Ini) -> io::Result<()> {
        self.count(SAVES);
        for (setting, value) in SETTINGS.iter().zip(&self.values) {
            let is_quoted = match setting.kind {
                Kind::Device => true,
                Kind::Command => self.version.quotes_commands(),
                _ => false,
            };
            if self.version >= setting.since {
                let quote: &[u16] = if is_quoted { &[0x22] } else { &[] };
                ini.set("Settings", setting.key, &[quote, value, quote].concat())?;
            }
        }
        Ok(())
    }

    /// Returns a value from memory; empty if this version doesn't know the key.
    pub fn get(&self, key: &str) -> &[u16] {
        let at = index(key);
        if self.version >= SETTINGS[at].since { &self.values[at] } else { &[] }
    }

    /// Returns the selected account, by default the first.
    pub fn account(&self) -> u32 {
        match text_of(self.get("accountId")).parse() {
            Ok(0) | Err(_) => 1,
            Ok(number) => number,
        }
    }

    /// Changes a value in memory.
    pub fn set(&mut self, key: &str, value: &str) {
        let at = index(key);
        self.values[at] = normalized(SETTINGS[at].kind, units(value));
    }

    fn count(&mut self, key: &str) {
        let count = number(&text_of(self.get(key))) + 1;
        self.set(key, &count.to_string());
    }
}

fn index(key: &str) -> usize {
    SETTINGS
        .iter()
        .position(|setting| setting.key == key)
        .unwrap_or_else(|| panic!("{key} is not in the table"))
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Returns the form of a value after it was read, in which it is also saved.
fn normalized(kind: Kind, value: Vec<u16>) -> Vec<u16> {
    let text = text_of(&value);
    let flag = |is_on: bool| units(if is_on { "1" } else { "0" });
    match kind {
        Kind::Text | Kind::Device | Kind::Command => value,
        Kind::Number => units(&number(&text).to_string()),
        Kind::NonZero => flag(number(&text) != 0),
        Kind::One => flag(text == "1"),
        Kind::Zero => flag(text != "0"),
    }
}

/// Parses a number like C's atoi.
fn number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    sign * digits[..end].parse::<i64>().unwrap_or(0)
}

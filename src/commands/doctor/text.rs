//! Problems that the text of an ini shows by itself: how it is encoded, where its sections and keys stand, and
//! what MicroSIP makes of the values. Pure.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::plan::Edit;
use crate::guess;
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::ini::document::{IniDocument, KeyLine, Line, Section};
use crate::ini::encoding::{BOM, Decoded, Encoding};
use crate::ini::lookup;
use crate::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use crate::ini::{Wide, wide};
use crate::microsip::accounts::number_of;
use crate::microsip::keys::{self, BoolRule, Key, Kind, Privacy, Word, setting_path};
use crate::microsip::values::{self, ValueError, ValueWarning};
use crate::microsip::version::{Dialect, Version};

use super::finding::{Finding, Fix, Severity};

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Fault {
    #[error("the ini is {encoding}: at its next start MicroSIP takes it for something else and spoils it")]
    Encoding { encoding: Encoding },
    #[error(
        "characters stand before the first header, so MicroSIP reads nothing of that section and takes its defaults"
    )]
    Unreadable,
    #[error("{count} lines hold a NUL character; MicroSIP reads nothing of what follows it in its line")]
    Nul { count: usize },
    #[error("[{section}] is there once more; MicroSIP reads only the first one, so nothing here counts")]
    SectionAgain { section: String },
    #[error("MicroSIP does not read [{section}]")]
    SectionUnknown { section: String, nearest: String },
    #[error("{path} is there once more with another value; MicroSIP reads only the first one")]
    KeyAgain { path: String },
    #[error("{path} is there once more with the same value; a tool that changes this line changes nothing")]
    KeyAgainSame { path: String },
    #[error("this line has no '=', and hides the value of {path} that follows")]
    NoValue { path: String },
    #[error("{key} stands {place}, where MicroSIP does not look for it, so it does nothing")]
    Misplaced { key: String, place: String, home: Home },
    #[error("MicroSIP knows no {path}, so the command never runs")]
    UnknownCommand { path: String, nearest: String },
    #[error("MicroSIP knows no {path}, so it does nothing")]
    UnknownKey { path: String, nearest: String },
    #[error("MicroSIP does not know, and does not read, in [{section}]: {}", .keys.join(", "))]
    Strangers { section: String, keys: Vec<String> },
    #[error("{path} has {length} characters; MicroSIP reads {limit}, and the rest is lost when it saves")]
    TooLong { path: String, length: usize, limit: usize },
    #[error("{path} is '{value}', which MicroSIP takes for {taken_for}")]
    Refused { path: String, value: String, taken_for: String },
    #[error("{path} is '{value}', which MicroSIP reads as {read} and does not check; it can be {allowed}")]
    OutOfRange { path: String, value: String, read: i64, allowed: String },
    #[error("{path} is '{value}', which MicroSIP takes for '{saved}' and saves so")]
    Resaved { path: String, value: String, saved: String },
    #[error("{path} is read as '{value}', but without its quotes or blanks once MicroSIP has saved it")]
    Unstable { path: String, value: String },
    #[error("{path}: MicroSIP does not know '{word}' and ignores it")]
    UnknownWord { path: String, word: String },
    #[error("{path} is '{word}', which only MicroSIP {versions} knows, so here it does nothing")]
    OtherVersion { path: String, word: String, versions: String },
    #[error(
        "{path} is '{word}', a word of MicroSIP 3.20 and older, so it refuses no call here; it is '{now}' now"
    )]
    OldWord { path: String, word: String, now: &'static str },
    #[error("there is no shortcut {missing}, so this one and those behind it are not shown")]
    ShortcutGap { missing: u32 },
    #[error(
        "the shortcut has {length} characters; MicroSIP {version} overruns its memory with more than 255"
    )]
    ShortcutOverrun { length: usize, version: Version },
}

/// Where a key belongs.
#[derive(Clone, Debug, PartialEq)]
enum Home {
    /// It is the command of an event.
    Event(Event),
    /// It is this key.
    Key(String),
}

impl ToDiagnostic for Fault {
    fn code(&self) -> Code {
        match self {
            Fault::Encoding { .. } => Code::IniEncoding,
            Fault::Unreadable => Code::SectionUnreadable,
            Fault::Nul { .. } => Code::TextNul,
            Fault::SectionAgain { .. } => Code::SectionDuplicate,
            Fault::SectionUnknown { .. } => Code::SectionUnknown,
            Fault::KeyAgain { .. } | Fault::KeyAgainSame { .. } => Code::KeyDuplicate,
            Fault::NoValue { .. } => Code::KeyWithoutValue,
            Fault::Misplaced { home: Home::Event(_), .. } => Code::HookMisplaced,
            Fault::Misplaced { home: Home::Key(_), .. } => Code::KeyMisplaced,
            Fault::UnknownCommand { .. } | Fault::UnknownKey { .. } | Fault::Strangers { .. } => {
                Code::KeyUnknown
            }
            Fault::TooLong { .. } => Code::ValueTooLong,
            Fault::Refused { .. } | Fault::OutOfRange { .. } => Code::ValueRefused,
            Fault::Resaved { .. } | Fault::Unstable { .. } => Code::ValueUnstable,
            Fault::UnknownWord { .. } | Fault::OtherVersion { .. } => Code::ValueUnknownWord,
            Fault::OldWord { .. } => Code::ValueOldWord,
            Fault::ShortcutGap { .. } => Code::ShortcutGap,
            Fault::ShortcutOverrun { .. } => Code::ShortcutOverrun,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Fault::Unreadable => {
                "delete what stands before the first [ in an editor, and save as UTF-16 LE".into()
            }
            Fault::Nul { .. } => "delete those characters in an editor, and save as UTF-16 LE".into(),
            Fault::SectionAgain { section } => format!(
                "move what is needed into the first [{section}], and delete this one in an editor that saves UTF-16 LE"
            ),
            Fault::SectionUnknown { nearest, .. } => format!("rename it if [{nearest}] was meant"),
            Fault::KeyAgain { path } | Fault::NoValue { path } => {
                format!("msipcfg unset {path} (removes all of them; then set it again)")
            }
            Fault::Misplaced { home: Home::Event(event), .. } => {
                format!("msipcfg set-hook {event} PROGRAM, then delete this line")
            }
            Fault::Misplaced { home: Home::Key(path), .. } => {
                format!("msipcfg set {path}=VALUE, then delete this line")
            }
            Fault::UnknownCommand { path, nearest } => {
                format!("msipcfg set-hook {nearest} PROGRAM, then msipcfg unset {path}")
            }
            Fault::UnknownKey { path, nearest } => {
                format!("msipcfg unset {path}, and msipcfg set {nearest}=VALUE if that was meant")
            }
            Fault::TooLong { path, limit, .. } => {
                format!("msipcfg set {path}=VALUE, with {limit} characters at most")
            }
            Fault::Refused { path, .. } | Fault::OutOfRange { path, .. } => {
                format!("msipcfg set {path}=VALUE; msipcfg keys {path} says what it can be")
            }
            Fault::UnknownWord { path, .. } => format!("msipcfg keys {path} says which words there are"),
            Fault::OtherVersion { path, .. } => {
                format!("msipcfg set {path}=VALUE, or use a MicroSIP that knows the word")
            }
            Fault::ShortcutGap { missing } => format!("msipcfg set Shortcuts/{missing}=SHORTCUT"),
            Fault::ShortcutOverrun { .. } => "shorten it, or use MicroSIP 3.21.3 or newer".into(),
            Fault::Encoding { .. }
            | Fault::KeyAgainSame { .. }
            | Fault::Strangers { .. }
            | Fault::Resaved { .. }
            | Fault::Unstable { .. }
            | Fault::OldWord { .. } => return None,
        })
    }
}

/// Every problem of a text.
pub fn check(decoded: &Decoded, save_dialect: &SaveDialect) -> Vec<Finding> {
    let document = &decoded.document;
    let mut findings = Vec::new();
    if decoded.spoiled_by_microsip {
        let fault = Fault::Encoding { encoding: decoded.encoding };
        findings.push(Finding::new(Severity::Error, &fault).fixed_by(Fix::Encoding));
    }
    findings.extend(before_first_header(document));
    findings.extend(nul_characters(document));
    // how often each name was there
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut misplaced: HashSet<Event> = HashSet::new();
    for section in document.sections() {
        let name = section.name.to_string();
        let count = seen.entry(name.to_ascii_lowercase()).or_default();
        *count += 1;
        let is_first = *count == 1;
        findings.extend(misplaced_commands(document, &section, is_first, &mut misplaced));
        if !is_first {
            if *count == 2 && is_known(&name) {
                let fault = Fault::SectionAgain { section: name };
                findings.push(Finding::new(Severity::Warning, &fault).at(document, &section.header));
            }
        } else if is_known(&name) {
            findings.extend(keys_of(document, &section, &name, save_dialect));
        } else if let Some(nearest) = guess::nearest(&name, SECTIONS.iter().copied()) {
            let fault = Fault::SectionUnknown { section: name, nearest: nearest.into() };
            findings.push(Finding::new(Severity::Warning, &fault).at(document, &section.header));
        }
    }
    findings.extend(shortcuts(document, save_dialect));
    findings
}

/// The sections that MicroSIP reads; of accounts there may be any number.
const SECTIONS: &[&str] = &["Settings", "Global", "Account1", "Shortcuts", "Dialed", "Calls", "Contacts"];

fn is_known(section: &str) -> bool {
    SECTIONS.iter().any(|known| known.eq_ignore_ascii_case(section)) || number_of(section).is_some()
}

/// Rubbish before the first header, such as the mark of UTF-8 that a conversion made letters of, and keys that
/// belong to no section.
fn before_first_header(document: &IniDocument) -> Vec<Finding> {
    let start = document.headers().next().map_or(document.end(), |header| header.text.start);
    let mut findings = Vec::new();
    for (index, line) in document.lines(BOM.len()..start).enumerate() {
        let text = document.units(line.text.clone()).to_string();
        let behind_mark = ["\u{FEFF}", "\u{EF}\u{BB}\u{BF}"].iter().find_map(|mark| text.strip_prefix(mark));
        if index == 0 && behind_mark.is_some_and(|text| text.trim_start().starts_with('[')) {
            findings.push(Finding::new(Severity::Error, &Fault::Unreadable).at(document, &line));
            // what follows would stand in its section
            return findings;
        }
        let Some((key, value)) = text.split_once('=') else { continue };
        let key = key.trim();
        if key.starts_with(';') || value.trim().is_empty() {
            continue;
        }
        if let Some(known) = keys::find("Settings", key) {
            let place = "before the first section".to_string();
            findings.push(misplaced(&known, "", key, place).at(document, &line));
        }
    }
    findings
}

fn nul_characters(document: &IniDocument) -> Option<Finding> {
    let has_nul = |line: &Line| document.units(line.text.clone()).iter().any(|unit| unit == 0);
    // most files have none, and looking at bytes costs next to nothing
    memchr::memmem::find(&document.as_bytes()[..document.end()], &[0, 0])?;
    let mut lines = document.all_lines().filter(has_nul);
    let first = lines.next()?;
    let fault = Fault::Nul { count: 1 + lines.count() };
    Some(Finding::new(Severity::Warning, &fault).at(document, &first))
}

/// A known key where MicroSIP does not look for it.
fn misplaced(known: &Key, section: &str, key: &str, place: String) -> Finding {
    let event = Event::from_key(key).filter(|_| known.kind == Kind::Command);
    let home = match (event, known.section) {
        (Some(event), _) => Home::Event(event),
        (None, "AccountN") => Home::Key(setting_path("Account1", known.name)),
        (None, section) => Home::Key(setting_path(section, known.name)),
    };
    let severity = if event.is_some() { Severity::Error } else { Severity::Warning };
    let fault = Fault::Misplaced { key: key.to_string(), place, home };
    let finding = Finding::new(severity, &fault);
    if section.is_empty() {
        Finding { key: Some(key.to_string()), ..finding }
    } else {
        finding.of(section, key)
    }
}

/// Commands outside the [Settings] that counts, the first of each event.
fn misplaced_commands(
    document: &IniDocument,
    section: &Section<'_>,
    is_first: bool,
    told: &mut HashSet<Event>,
) -> Vec<Finding> {
    let is_settings = section.name.is_named("Settings");
    if is_settings && is_first {
        return Vec::new();
    }
    let name = section.name.to_string();
    let place = if is_settings { "in a second [Settings]".to_string() } else { format!("in [{name}]") };
    let mut findings = Vec::new();
    for line in document.keys(section) {
        let key = line.name.to_string();
        let is_empty =
            lookup::value_of(document, &line, lookup::NO_LIMIT).is_none_or(|value| value.is_empty());
        let Some(event) = Event::from_key(&key).filter(|event| !is_empty && !told.contains(event)) else {
            continue;
        };
        told.insert(event);
        if let Some(known) = keys::find("Settings", event.key()) {
            findings.push(misplaced(&known, &name, &key, place.clone()).at(document, &line.line));
        }
    }
    findings
}

/// More keys than these are not compared with all that MicroSIP knows.
const MOST_UNKNOWN: usize = 200;

/// The keys of a section that counts.
fn keys_of(
    document: &IniDocument,
    section: &Section<'_>,
    name: &str,
    save_dialect: &SaveDialect,
) -> Vec<Finding> {
    let known = keys::of_section(name);
    let lists_names = keys::all().all(|key| key.name != "#" || !key.section.eq_ignore_ascii_case(name));
    let mut findings = Vec::new();
    // the value that counts, and whether it was told that there is another
    let mut seen: HashMap<String, (Option<Wide>, bool)> = HashMap::new();
    let mut strangers: Vec<(String, Line)> = Vec::new();
    let (mut unknown_keys, mut is_list_told) = (0_usize, false);
    for line in document.keys(section) {
        let key = line.name.to_string();
        let path = setting_path(name, &key);
        let value = lookup::value_of(document, &line, lookup::NO_LIMIT);
        let found = known.find(&key);
        if let Some((first, is_told)) = seen.get_mut(&key.to_ascii_lowercase()) {
            if found.is_some() && first.is_some() && !std::mem::replace(is_told, true) {
                let is_same = *first == value;
                let (severity, fault) = if is_same {
                    (Severity::Info, Fault::KeyAgainSame { path })
                } else {
                    (Severity::Warning, Fault::KeyAgain { path })
                };
                findings.push(Finding::new(severity, &fault).at(document, &line.line).of(name, &key));
            }
            continue;
        }
        match (&found, &value) {
            (Some(_), None) if lists_names && is_hiding(document, section, &line) => {
                let finding = Finding::new(Severity::Warning, &Fault::NoValue { path });
                findings.push(finding.at(document, &line.line).of(name, &key));
            }
            (Some(known), Some(value)) if lists_names || !is_list_told => {
                let finding = value_of_key(name, &key, known, value, save_dialect);
                is_list_told = finding.is_some();
                findings.extend(finding.map(|finding| finding.at(document, &line.line).of(name, &key)));
            }
            // commands in a wrong place are told of by themselves
            (None, Some(value)) if lists_names && !is_remark(&key) && Event::from_key(&key).is_none() => {
                unknown_keys += 1;
                if unknown_keys > MOST_UNKNOWN {
                    continue;
                }
                let is_old = save_dialect.dialect == Dialect::WholeValue;
                let finding = unknown(document, name, &key, value);
                match finding.filter(|finding| !is_old || finding.severity == Severity::Error) {
                    Some(finding) => findings.push(finding.at(document, &line.line).of(name, &key)),
                    None => strangers.push((key.clone(), line.line.clone())),
                }
            }
            _ => {}
        }
        seen.insert(key.to_ascii_lowercase(), (value, false));
    }
    // older versions had keys that the catalogue does not know
    let first = strangers.first().filter(|_| save_dialect.dialect != Dialect::WholeValue);
    if let Some((key, line)) = first {
        const SHOWN: usize = 12;
        let mut keys: Vec<String> = strangers.iter().take(SHOWN).map(|(key, _)| key.clone()).collect();
        if strangers.len() > SHOWN {
            keys.push("and more".into());
        }
        let fault = Fault::Strangers { section: name.to_string(), keys };
        findings.push(Finding::new(Severity::Info, &fault).at(document, line).of(name, key));
    }
    findings
}

/// Whether a line without `=` has another of its key behind it.
fn is_hiding(document: &IniDocument, section: &Section<'_>, line: &KeyLine<'_>) -> bool {
    let name = line.name.to_string();
    lookup::key_lines(document, section, &name).any(|other| other.value.is_some())
}

/// What people write for a comment, which it is not.
fn is_remark(key: &str) -> bool {
    key.is_empty() || key.starts_with(['#', '/', '\''])
}

/// A key that MicroSIP does not know, if it is like one that it knows, or one of another section.
fn unknown(document: &IniDocument, section: &str, key: &str, value: &[u16]) -> Option<Finding> {
    let path = setting_path(section, key);
    if let Some(home) = keys::all().find(|known| known.name.eq_ignore_ascii_case(key)) {
        return Some(misplaced(&home, section, key, format!("in [{section}]")));
    }
    let names = keys::of_section(section);
    let known = keys::all().map(|key| key.name).filter(|name| names.find(name).is_some());
    let nearest = guess::nearest(key, known)?;
    let is_command = |name: &str| section.eq_ignore_ascii_case("Settings") && Event::from_key(name).is_some();
    let nearest_is_set =
        lookup::value(document, section, nearest, lookup::NO_LIMIT).is_some_and(|value| !value.is_empty());
    Some(
        match Event::from_key(nearest).filter(|_| is_command(nearest) && !nearest_is_set && !value.is_empty())
        {
            Some(event) => {
                let fault = Fault::UnknownCommand { path, nearest: event.name().into() };
                Finding::new(Severity::Error, &fault)
            }
            None => {
                let fault = Fault::UnknownKey { path, nearest: setting_path(section, nearest) };
                Finding::new(Severity::Warning, &fault)
            }
        },
    )
}

/// What is wrong with the value of a known key. Commands and passwords are looked at elsewhere, and what
/// MicroSIP writes by itself is its own business.
fn value_of_key(
    section: &str,
    name: &str,
    key: &Key,
    value: &[u16],
    save_dialect: &SaveDialect,
) -> Option<Finding> {
    let path = setting_path(section, name);
    let length = value.len();
    if matches!(key.kind, Kind::Command | Kind::Secret) {
        return None;
    }
    let limit = limit_of(key, save_dialect);
    if length > limit {
        let fault = Fault::TooLong { path, length, limit };
        return Some(Finding::new(Severity::Warning, &fault));
    }
    if value.is_empty() || key.privacy != Privacy::Open {
        return None;
    }
    let value = String::from_utf16_lossy(value);
    let set = |new: &str| set_to(section, name, new);
    match &key.kind {
        Kind::Bool(rule) => {
            let taken_for = read_as_bool(*rule, &value)?;
            let taken_for = if taken_for { "on" } else { "off" }.to_string();
            let fault = Fault::Refused { path, value, taken_for };
            return Some(Finding::new(Severity::Warning, &fault));
        }
        Kind::Enum(words) => return enumerated(&path, &value, words, save_dialect, &set),
        _ => {}
    }
    match values::as_saved(&key_path(section, name)?, &value) {
        Ok(saved) => {
            let is_same_number =
                || value.trim().parse::<i64>().is_ok_and(|number| number.to_string() == saved.value);
            saved.remarks.into_iter().find_map(|remark| match remark {
                ValueWarning::Normalised { saved, .. } if !is_same_number() => {
                    let fix = set(&saved);
                    let fault = Fault::Resaved { path: path.clone(), value: value.clone(), saved };
                    Some(Finding::new(Severity::Warning, &fault).fixed_by(fix))
                }
                ValueWarning::UnknownWord { word, .. } => {
                    Some(Finding::new(Severity::Info, &Fault::UnknownWord { path: path.clone(), word }))
                }
                _ => None,
            })
        }
        Err(ValueError::Unstable { suggestion, .. }) => {
            let fix = set(&suggestion);
            Some(Finding::new(Severity::Warning, &Fault::Unstable { path, value }).fixed_by(fix))
        }
        Err(ValueError::Impossible { .. }) => {
            let read = leading_number(&value);
            let fault = Fault::OutOfRange { path, value, read, allowed: key.kind.to_string() };
            Some(Finding::new(Severity::Warning, &fault))
        }
        Err(_) => None,
    }
}

/// What MicroSIP reads of a value: older versions read less of some.
fn limit_of(key: &Key, save_dialect: &SaveDialect) -> usize {
    const LESS: usize = 255;
    let until = match (key.section, key.name) {
        ("Settings", "audioCodecs") => Version(3, 20, 5),
        ("AccountN", "server" | "proxy" | "domain" | "username" | "authID" | "displayName") => {
            Version(3, 21, 3)
        }
        ("Shortcuts", _) => Version(3, 19, 27),
        _ => return key.limit,
    };
    let is_older = save_dialect.version.is_some_and(|version| version <= until);
    if is_older { LESS } else { key.limit }
}

/// What MicroSIP makes of a text for a yes or no, where it is neither of the words for it and where that is not
/// plainly what it says.
fn read_as_bool(rule: BoolRule, value: &str) -> Option<bool> {
    if matches!(value, "0" | "1") {
        return None;
    }
    match rule {
        // any other number is on, as it says
        BoolRule::NonZero => (leading_number(value) == 0).then_some(false),
        BoolRule::One => Some(false),
        BoolRule::AllButZero => Some(true).filter(|_| leading_number(value) == 0),
    }
}

/// What MicroSIP reads of a number: its leading digits, 0 without any.
fn leading_number(value: &str) -> i64 {
    let value = value.trim_start();
    let sign = value.starts_with(['-', '+']).into();
    let end = value[sign..].find(|c: char| !c.is_ascii_digit()).map_or(value.len(), |end| sign + end);
    value[..end].trim_start_matches('+').parse().unwrap_or(0)
}

/// The words of denyIncoming before 3.21.3, and those that stand for them now.
const OLD_WORDS: &[(&str, &str)] = &[("rdomain", "remotedomain"), ("address", "userdomain")];

fn enumerated(
    path: &str,
    value: &str,
    words: &[Word],
    save_dialect: &SaveDialect,
    set: &dyn Fn(&str) -> Option<Fix>,
) -> Option<Finding> {
    let (path, value) = (path.to_string(), value.to_string());
    let warning = |fault: &Fault| Finding::new(Severity::Warning, fault);
    // what the words meant before 3.19 is another matter
    if save_dialect.dialect == Dialect::WholeValue {
        return None;
    }
    let Some(word) = words.iter().find(|word| word.text == value) else {
        let better = words.iter().find(|word| word.text.eq_ignore_ascii_case(&value)).map(|word| word.text);
        if path.eq_ignore_ascii_case("DTMFMethod") {
            let fault = Fault::Resaved { path, value, saved: "0".into() };
            return Some(warning(&fault).fixed_by(set("0")));
        }
        // the word as it is now, if it is an old one too
        let now = OLD_WORDS.iter().find(|(old, _)| Some(*old) == better).map(|(_, now)| *now);
        let now = now.filter(|_| !is_older_than_3_21_3(save_dialect));
        let fix = now.or(better).and_then(set);
        let taken_for = "off or its default, for it is no word that it knows".to_string();
        let fault = Fault::Refused { path, value, taken_for };
        return Some(warning(&fault).fixed_by(fix));
    };
    if let Some((_, now)) = OLD_WORDS.iter().find(|(old, _)| *old == word.text && word.until.is_some()) {
        let fault = Fault::OldWord { path, word: value, now };
        return (!is_older_than_3_21_3(save_dialect)).then(|| warning(&fault).fixed_by(set(now)));
    }
    let version = save_dialect.version?;
    let versions = match (word.since, word.until) {
        (Some(since), _) if version < since => format!("{since} and newer"),
        (_, Some(until)) if version > until => format!("{until} and older"),
        _ => return None,
    };
    Some(warning(&Fault::OtherVersion { path, word: value, versions }))
}

/// Whether the words of denyIncoming are still the old ones.
fn is_older_than_3_21_3(save_dialect: &SaveDialect) -> bool {
    match save_dialect.version {
        Some(version) => version < Version(3, 21, 3),
        // 3.21.3 and 3.21.4 cannot be told from older ones, and there the old words may be right
        None => save_dialect.dialect != Dialect::Quoted,
    }
}

fn key_path(section: &str, key: &str) -> Option<KeyPath> {
    Some(KeyPath { section: SectionName::new(section).ok()?, key: KeyName::new(key).ok()? })
}

/// The edit that gives a key this value, in a form that reads so.
fn set_to(section: &str, key: &str, value: &str) -> Option<Fix> {
    // MicroSIP takes off one pair of quotes at each save, so the one that is left is what would hold in the end
    let mut value = value.to_string();
    loop {
        let read = String::from_utf16_lossy(&lookup::read_text(&wide(&value), lookup::NO_LIMIT));
        if read == value {
            break;
        }
        value = read;
    }
    let text = ValueText::new(&value).ok()?;
    Some(Fix::Edit(Edit::Set { path: key_path(section, key)?, value, text }))
}

/// Shortcuts behind a missing number, and those too long for this MicroSIP.
fn shortcuts(document: &IniDocument, save_dialect: &SaveDialect) -> Vec<Finding> {
    const OVERRUN: std::ops::Range<Version> = Version(3, 20, 0)..Version(3, 21, 3);
    const MOST: u32 = 8;
    let Some(section) = lookup::section(document, "Shortcuts") else { return Vec::new() };
    let mut findings = Vec::new();
    let mut missing = None;
    for number in 0..MOST {
        let key = number.to_string();
        let line = lookup::key_lines(document, &section, &key).next();
        let value = line.as_ref().and_then(|line| lookup::value_of(document, line, lookup::NO_LIMIT));
        let Some((line, value)) = line.zip(value).filter(|(_, value)| !value.is_empty()) else {
            missing = missing.or(Some(number));
            continue;
        };
        if let Some(missing) = missing.filter(|_| findings.is_empty()) {
            let finding = Finding::new(Severity::Warning, &Fault::ShortcutGap { missing });
            findings.push(finding.at(document, &line.line).of("Shortcuts", &key));
        }
        if let Some(version) =
            save_dialect.version.filter(|version| OVERRUN.contains(version) && value.len() > 255)
        {
            let fault = Fault::ShortcutOverrun { length: value.len(), version };
            let finding = Finding::new(Severity::Error, &fault);
            findings.push(finding.at(document, &line.line).of("Shortcuts", &key));
        }
    }
    findings
}

//! Problems that the text of an ini shows by itself: its encoding, the places of its sections and keys, and how
//! MicroSIP reads the values. Pure.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::Code;
use crate::edit::plan::Edit;
use crate::guess;
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::ini::document::{IniDocument, KeyLine, Line, Section};
use crate::ini::encoding::{BOM, Decoded};
use crate::ini::lookup;
use crate::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use crate::ini::{Wide, wide};
use crate::microsip::accounts::number_of;
use crate::microsip::keys::{self, BoolRule, Key, Kind, Privacy, Word, setting_path};
use crate::microsip::values::{self, ValueError, ValueWarning};
use crate::microsip::version::{Dialect, Version};

use super::finding::{Finding, Fix, Severity};

/// Returns every problem of a text.
pub fn check(decoded: &Decoded, save_dialect: &SaveDialect) -> Vec<Finding> {
    let document = &decoded.document;
    let mut findings = Vec::new();
    if decoded.damaged_by_microsip {
        let encoding = decoded.encoding;
        let message = format!("the ini is {encoding}, which MicroSIP misreads and damages at its next start");
        findings.push(Finding::error(Code::IniEncoding, message).fixed_by(Fix::Encoding));
    }
    findings.extend(before_first_header(document));
    findings.extend(nul_characters(document));
    // How often each name has appeared.
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
                findings.push(second_section(&name).at(document, &section.header));
            }
        } else if is_known(&name) {
            findings.extend(keys_of(document, &section, &name, save_dialect));
        } else if let Some(nearest) = guess::nearest(&name, SECTIONS.iter().copied()) {
            let finding = Finding::warning(Code::SectionUnknown, format!("MicroSIP doesn't read [{name}]"))
                .with_hint(format!("if you meant [{nearest}], rename it"));
            findings.push(finding.at(document, &section.header));
        }
    }
    findings.extend(shortcuts(document, save_dialect));
    findings
}

/// The sections that MicroSIP reads. There can be any number of accounts.
const SECTIONS: &[&str] = &["Settings", "Global", "Account1", "Shortcuts", "Dialed", "Calls", "Contacts"];

fn is_known(section: &str) -> bool {
    SECTIONS.iter().any(|known| known.eq_ignore_ascii_case(section)) || number_of(section).is_some()
}

fn second_section(section: &str) -> Finding {
    let message = format!(
        "[{section}] appears twice; MicroSIP reads only the first one, so nothing here has an effect"
    );
    Finding::warning(Code::SectionDuplicate, message).with_hint(format!(
        "move what you need into the first [{section}], delete this one, and save as UTF-16 LE"
    ))
}

/// Finds junk before the first header, such as a byte order mark that a conversion turned into letters, and keys
/// without a section.
fn before_first_header(document: &IniDocument) -> Vec<Finding> {
    let start = document.headers().next().map_or(document.end(), |header| header.text.start);
    let mut findings = Vec::new();
    for (index, line) in document.lines(BOM.len()..start).enumerate() {
        let text = document.units(line.text.clone()).to_string();
        let after_mark = ["\u{FEFF}", "\u{EF}\u{BB}\u{BF}"].iter().find_map(|mark| text.strip_prefix(mark));
        if index == 0 && after_mark.is_some_and(|text| text.trim_start().starts_with('[')) {
            let message = "there are characters before the first header, so MicroSIP ignores that section and uses its defaults";
            let finding = Finding::error(Code::SectionUnreadable, message)
                .with_hint("delete everything before the first [ in an editor, and save as UTF-16 LE");
            findings.push(finding.at(document, &line));
            // Everything that follows belongs to the same broken section.
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
    // Most files have none, and searching bytes is cheap.
    memchr::memmem::find(&document.as_bytes()[..document.end()], &[0, 0])?;
    let mut lines = document.all_lines().filter(has_nul);
    let first = lines.next()?;
    let count = 1 + lines.count();
    let message = format!("{count} lines contain a NUL character; MicroSIP ignores the rest of these lines");
    let finding = Finding::warning(Code::TextNul, message)
        .with_hint("delete those characters in an editor, and save as UTF-16 LE");
    Some(finding.at(document, &first))
}

/// Returns the problem that a known key is where MicroSIP doesn't look for it.
fn misplaced(known: &Key, section: &str, key: &str, place: String) -> Finding {
    let event = Event::from_key(key).filter(|_| known.kind == Kind::Command);
    let message = format!("{key} is {place}, where MicroSIP doesn't look for it, so it has no effect");
    let finding = if let Some(event) = event {
        Finding::error(Code::HookMisplaced, message)
            .with_template(["set-hook", event.name(), "PROGRAM"])
            .with_hint("then delete this line")
    } else {
        let home = if known.section == "AccountN" { "Account1" } else { known.section };
        let path = setting_path(home, known.name);
        Finding::warning(Code::KeyMisplaced, message)
            .with_template(["set", &format!("{path}=VALUE")])
            .with_hint("then delete this line")
    };
    if section.is_empty() {
        Finding { key: Some(key.to_string()), ..finding }
    } else {
        finding.of(section, key)
    }
}

/// Finds commands outside of the first `[Settings]`, the first of each event.
fn misplaced_commands(
    document: &IniDocument,
    section: &Section<'_>,
    is_first: bool,
    reported: &mut HashSet<Event>,
) -> Vec<Finding> {
    let is_settings = section.name.eq_ignore_ascii_case("Settings");
    if is_settings && is_first {
        return Vec::new();
    }
    let name = section.name.to_string();
    let place = if is_settings { "in a second [Settings]".to_string() } else { format!("in [{name}]") };
    let mut findings = Vec::new();
    for line in document.keys(section) {
        let key = line.name.to_string();
        let is_empty =
            lookup::line_value(document, &line, lookup::NO_LIMIT).is_none_or(|value| value.is_empty());
        let Some(event) = Event::from_key(&key).filter(|event| !is_empty && !reported.contains(event)) else {
            continue;
        };
        reported.insert(event);
        if let Some(known) = keys::find("Settings", event.key()) {
            findings.push(misplaced(&known, &name, &key, place.clone()).at(document, &line.line));
        }
    }
    findings
}

/// At most this many unknown keys are compared with all known ones.
const MAX_COMPARED: usize = 200;

/// Finds problems of the keys of a section that MicroSIP reads.
fn keys_of(
    document: &IniDocument,
    section: &Section<'_>,
    name: &str,
    save_dialect: &SaveDialect,
) -> Vec<Finding> {
    let known = keys::of_section(name);
    let lists_names = keys::all().all(|key| key.name != "#" || !key.section.eq_ignore_ascii_case(name));
    let mut findings = Vec::new();
    // The value that MicroSIP reads, and whether a second one was reported.
    let mut seen: HashMap<String, (Option<Wide>, bool)> = HashMap::new();
    let mut unknown_keys: Vec<(String, Line)> = Vec::new();
    let (mut unknown_count, mut is_list_reported) = (0_usize, false);
    for line in document.keys(section) {
        let key = line.name.to_string();
        let path = setting_path(name, &key);
        let value = lookup::line_value(document, &line, lookup::NO_LIMIT);
        let found = known.find(&key);
        if let Some((first, is_reported)) = seen.get_mut(&key.to_ascii_lowercase()) {
            if found.is_some() && first.is_some() && !std::mem::replace(is_reported, true) {
                let finding = second_key(&path, *first == value);
                findings.push(finding.at(document, &line.line).of(name, &key));
            }
            continue;
        }
        match (&found, &value) {
            (Some(_), None) if lists_names && is_hiding(document, section, &line) => {
                findings.push(without_value(&path).at(document, &line.line).of(name, &key));
            }
            (Some(known), Some(value)) if lists_names || !is_list_reported => {
                let finding = value_of_key(name, &key, known, value, save_dialect);
                is_list_reported = finding.is_some();
                findings.extend(finding.map(|finding| finding.at(document, &line.line).of(name, &key)));
            }
            // Misplaced commands are reported separately.
            (None, Some(value)) if lists_names && !is_comment(&key) && Event::from_key(&key).is_none() => {
                unknown_count += 1;
                if unknown_count > MAX_COMPARED {
                    continue;
                }
                let is_old = save_dialect.dialect == Dialect::WholeValue;
                let finding = unknown(document, name, &key, value);
                match finding.filter(|finding| !is_old || finding.severity == Severity::Error) {
                    Some(finding) => findings.push(finding.at(document, &line.line).of(name, &key)),
                    None => unknown_keys.push((key.clone(), line.line.clone())),
                }
            }
            _ => {}
        }
        seen.insert(key.to_ascii_lowercase(), (value, false));
    }
    // Older versions had keys that the catalogue doesn't list.
    let first = unknown_keys.first().filter(|_| save_dialect.dialect != Dialect::WholeValue);
    if let Some((key, line)) = first {
        const SHOWN: usize = 12;
        let mut keys: Vec<String> = unknown_keys.iter().take(SHOWN).map(|(key, _)| key.clone()).collect();
        if unknown_keys.len() > SHOWN {
            keys.push("and more".into());
        }
        let keys = keys.join(", ");
        let message =
            format!("these keys of [{name}] aren't MicroSIP settings, so they have no effect: {keys}");
        findings.push(Finding::info(Code::KeyUnknown, message).at(document, line).of(name, key));
    }
    findings
}

fn second_key(path: &str, is_same: bool) -> Finding {
    if is_same {
        let message =
            format!("{path} appears twice with the same value; a change of this line has no effect");
        return Finding::info(Code::KeyDuplicate, message);
    }
    let message = format!("{path} appears twice with different values; MicroSIP reads only the first one");
    unset_all(Finding::warning(Code::KeyDuplicate, message), path)
}

fn without_value(path: &str) -> Finding {
    let message = format!("this line has no '=', so MicroSIP doesn't read the value of {path} that follows");
    unset_all(Finding::warning(Code::KeyWithoutValue, message), path)
}

fn unset_all(finding: Finding, path: &str) -> Finding {
    finding.with_command(unset(path)).with_hint("this removes all of them; then set it again")
}

/// Returns the command that removes a key. A name that looks like an option needs a `--`.
fn unset(path: &str) -> Vec<&str> {
    if path.starts_with('-') { vec!["unset", "--", path] } else { vec!["unset", path] }
}

/// Returns whether a line without `=` is followed by one that has a value for the same key.
fn is_hiding(document: &IniDocument, section: &Section<'_>, line: &KeyLine<'_>) -> bool {
    let name = line.name.to_string();
    lookup::key_lines(document, section, &name).any(|other| other.value.is_some())
}

/// Returns whether a key is what people write as a comment, although it isn't one.
fn is_comment(key: &str) -> bool {
    key.is_empty() || key.starts_with(['#', '/', '\''])
}

/// Returns the problem of an unknown key, if it resembles a known one or belongs to another section.
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
    let event =
        Event::from_key(nearest).filter(|_| is_command(nearest) && !nearest_is_set && !value.is_empty());
    Some(if let Some(event) = event {
        let message = format!("{path} isn't a MicroSIP setting, so the command never runs");
        Finding::error(Code::KeyUnknown, message)
            .with_template(["set-hook", event.name(), "PROGRAM"])
            .with_command(unset(&path))
    } else {
        let nearest = setting_path(section, nearest);
        let message = format!("{path} isn't a MicroSIP setting, so it has no effect");
        Finding::warning(Code::KeyUnknown, message)
            .with_command(unset(&path))
            .with_hint(format!("if you meant {nearest}, set that instead"))
    })
}

/// Returns the problem of a known key's value. Commands and passwords are checked elsewhere; values that MicroSIP
/// writes by itself aren't checked.
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
        let message = format!(
            "{path} has {length} characters; MicroSIP reads only {limit} and drops the rest when it saves"
        );
        let finding = Finding::warning(Code::ValueTooLong, message);
        return Some(
            finding
                .with_template(["set", &format!("{path}=VALUE")])
                .with_hint(format!("with at most {limit} characters")),
        );
    }
    if value.is_empty() || key.privacy != Privacy::Open {
        return None;
    }
    let value = String::from_utf16_lossy(value);
    let set = |new: &str| set_to(section, name, new);
    match &key.kind {
        Kind::Bool(rule) => {
            let read_as = if read_as_bool(*rule, &value)? { "on" } else { "off" };
            return Some(misread(&path, &value, read_as));
        }
        Kind::Enum(words) => return enumerated(&path, &value, words, save_dialect, &set),
        _ => {}
    }
    match values::as_saved(&key_path(section, name)?, &value) {
        Ok(saved) => {
            let is_same_number =
                || value.trim().parse::<i64>().is_ok_and(|number| number.to_string() == saved.value);
            saved.warnings.into_iter().find_map(|warning| match warning {
                ValueWarning::Normalised { saved, .. } if !is_same_number() => {
                    Some(resaved(&path, &value, &saved).fixed_by(set(&saved)))
                }
                ValueWarning::UnknownWord { word, .. } => {
                    let message = format!("{path}: MicroSIP doesn't know '{word}' and ignores it");
                    let hint = format!("'msipcfg keys {path}' shows the allowed words");
                    Some(Finding::info(Code::ValueUnknownWord, message).with_hint(hint))
                }
                _ => None,
            })
        }
        Err(ValueError::Unstable { suggestion, .. }) => {
            let message =
                format!("{path} is '{value}', but loses its quotes or spaces when MicroSIP saves it");
            Some(Finding::warning(Code::ValueUnstable, message).fixed_by(set(&suggestion)))
        }
        Err(ValueError::QuotedName { suggestion, .. }) => {
            Some(misread(&path, &value, "the default device").fixed_by(set(&suggestion)))
        }
        Err(ValueError::Impossible { .. }) => {
            let (read, allowed) = (leading_number(&value), &key.kind);
            Some(misread(&path, &value, &format!("{read} without a check; allowed are {allowed}")))
        }
        Err(_) => None,
    }
}

/// Returns the problem of a value that MicroSIP reads as something else.
fn misread(path: &str, value: &str, read_as: &str) -> Finding {
    let message = format!("{path} is '{value}', which MicroSIP reads as {read_as}");
    Finding::warning(Code::ValueRefused, message)
        .with_template(["set", &format!("{path}=VALUE")])
        .with_hint(format!("run 'msipcfg keys {path}' for the allowed values"))
}

/// Returns the problem of a value that MicroSIP saves as another one.
fn resaved(path: &str, value: &str, saved: &str) -> Finding {
    let message = format!("{path} is '{value}', which MicroSIP reads and saves as '{saved}'");
    Finding::warning(Code::ValueUnstable, message)
}

/// Returns how many characters of a value MicroSIP reads; older versions read fewer of some.
fn limit_of(key: &Key, save_dialect: &SaveDialect) -> usize {
    const OLD_LIMIT: usize = 255;
    let until = match (key.section, key.name) {
        ("Settings", "audioCodecs") => Version(3, 20, 5),
        ("AccountN", "server" | "proxy" | "domain" | "username" | "authID" | "displayName") => {
            Version(3, 21, 3)
        }
        ("Shortcuts", _) => Version(3, 19, 27),
        _ => return key.limit,
    };
    let is_older = save_dialect.version.is_some_and(|version| version <= until);
    if is_older { OLD_LIMIT } else { key.limit }
}

/// Returns how MicroSIP reads a text as a switch, if it isn't `0` or `1` and the result may surprise.
fn read_as_bool(rule: BoolRule, value: &str) -> Option<bool> {
    if matches!(value, "0" | "1") {
        return None;
    }
    match rule {
        // Any other number means on, as expected.
        BoolRule::NonZero => (leading_number(value) == 0).then_some(false),
        BoolRule::One => Some(false),
        BoolRule::AllButZero => Some(true).filter(|_| leading_number(value) == 0),
    }
}

/// Returns the number that MicroSIP reads: the leading digits, or 0 without any.
fn leading_number(value: &str) -> i64 {
    let value = value.trim_start();
    let sign = value.starts_with(['-', '+']).into();
    let end = value[sign..].find(|c: char| !c.is_ascii_digit()).map_or(value.len(), |end| sign + end);
    value[..end].trim_start_matches('+').parse().unwrap_or(0)
}

/// The words of denyIncoming before 3.21.3, and what replaced them.
const OLD_WORDS: &[(&str, &str)] = &[("rdomain", "remotedomain"), ("address", "userdomain")];

fn enumerated(
    path: &str,
    value: &str,
    words: &[Word],
    save_dialect: &SaveDialect,
    set: &dyn Fn(&str) -> Option<Fix>,
) -> Option<Finding> {
    // Before 3.19, the words had other meanings.
    if save_dialect.dialect == Dialect::WholeValue {
        return None;
    }
    let Some(word) = words.iter().find(|word| word.text == value) else {
        let better = words.iter().find(|word| word.text.eq_ignore_ascii_case(value)).map(|word| word.text);
        if path.eq_ignore_ascii_case("DTMFMethod") {
            return Some(resaved(path, value, "0").fixed_by(set("0")));
        }
        // The current word, if this is an old one.
        let now = OLD_WORDS.iter().find(|(old, _)| Some(*old) == better).map(|(_, now)| *now);
        let now = now.filter(|_| !is_older_than_3_21_3(save_dialect));
        let fix = now.or(better).and_then(set);
        let finding = misread(path, value, "off or its default, because it doesn't know the word");
        return Some(finding.fixed_by(fix));
    };
    if let Some((_, now)) = OLD_WORDS.iter().find(|(old, _)| *old == word.text && word.until.is_some()) {
        if is_older_than_3_21_3(save_dialect) {
            return None;
        }
        let message = format!(
            "{path} is '{value}', which only MicroSIP 3.20 and older know, so no call is refused; use '{now}'"
        );
        return Some(Finding::warning(Code::ValueOldWord, message).fixed_by(set(now)));
    }
    let version = save_dialect.version?;
    let versions = match (word.since, word.until) {
        (Some(since), _) if version < since => format!("{since} and newer"),
        (_, Some(until)) if version > until => format!("{until} and older"),
        _ => return None,
    };
    let message =
        format!("{path} is '{value}', which only MicroSIP {versions} knows, so it has no effect here");
    Some(
        Finding::warning(Code::ValueUnknownWord, message)
            .with_template(["set", &format!("{path}=VALUE")])
            .with_hint("or use a MicroSIP that knows the word"),
    )
}

/// Returns whether denyIncoming still uses the old words.
fn is_older_than_3_21_3(save_dialect: &SaveDialect) -> bool {
    match save_dialect.version {
        Some(version) => version < Version(3, 21, 3),
        // 3.21.3 and 3.21.4 can't be distinguished from older versions, where the old words are right.
        None => save_dialect.dialect != Dialect::Quoted,
    }
}

fn key_path(section: &str, key: &str) -> Option<KeyPath> {
    Some(KeyPath { section: SectionName::new(section).ok()?, key: KeyName::new(key).ok()? })
}

/// Returns the fix that sets a key to this value.
fn set_to(section: &str, key: &str, value: &str) -> Option<Fix> {
    // MicroSIP removes one pair of quotes at each save, so only the value without them is stable.
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

/// Finds shortcuts after a missing number, and those that are too long for this MicroSIP.
fn shortcuts(document: &IniDocument, save_dialect: &SaveDialect) -> Vec<Finding> {
    const OVERRUN: std::ops::Range<Version> = Version(3, 20, 0)..Version(3, 21, 3);
    const COUNT: u32 = 8;
    let Some(section) = lookup::section(document, "Shortcuts") else { return Vec::new() };
    let mut findings = Vec::new();
    let mut missing = None;
    for number in 0..COUNT {
        let key = number.to_string();
        let line = lookup::key_lines(document, &section, &key).next();
        let value = line.as_ref().and_then(|line| lookup::line_value(document, line, lookup::NO_LIMIT));
        let Some((line, value)) = line.zip(value).filter(|(_, value)| !value.is_empty()) else {
            missing = missing.or(Some(number));
            continue;
        };
        if let Some(missing) = missing.filter(|_| findings.is_empty()) {
            let message = format!("shortcut {missing} is missing, so this one and all after it aren't shown");
            let finding = Finding::warning(Code::ShortcutGap, message)
                .with_template(["set", &format!("Shortcuts/{missing}=SHORTCUT")]);
            findings.push(finding.at(document, &line.line).of("Shortcuts", &key));
        }
        if let Some(version) =
            save_dialect.version.filter(|version| OVERRUN.contains(version) && value.len() > 255)
        {
            let length = value.len();
            let message = format!(
                "the shortcut has {length} characters; with more than 255, MicroSIP {version} overwrites its own memory"
            );
            let finding = Finding::error(Code::ShortcutOverrun, message)
                .with_hint("shorten it, or use MicroSIP 3.21.3 or newer");
            findings.push(finding.at(document, &line.line).of("Shortcuts", &key));
        }
    }
    findings
}

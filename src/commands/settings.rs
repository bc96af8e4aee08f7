//! Settings by name: get, set, unset, list, and the catalogue.

use std::io;

use crate::diagnostic::Diagnostic;
use crate::edit::backup::MadeBy;
use crate::edit::plan::{self, Edit};
use crate::guess;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::{KeyPath, SectionName};
use crate::microsip::keys::{self, Key, Privacy};
use crate::microsip::values;
use crate::request::{HookText, IniChoice, SetHook, ValueSource, WriteOptions};

use super::hooks;
use super::ini_file::{Ini, encoding_notice};
use super::write::{draft_of, write};
use super::{Context, Error, Report, Value};

/// The settings of the catalogue whose name or meaning holds the pattern, in any letter case; one with a `*` is held
/// against the whole name.
///
/// # Errors
/// When there is none.
pub fn catalogue(pattern: Option<&str>) -> Result<Vec<Key>, Error> {
    let typed = pattern.unwrap_or_default();
    // SECTION/KEY as in the other commands
    let name = typed.rsplit('/').next().unwrap_or_default();
    let pattern = name.to_lowercase();
    let is_meant = |key: &Key| {
        let (name, meaning) = (key.name.to_lowercase(), key.meaning.to_lowercase());
        match pattern.split_once('*') {
            Some((start, rest)) => name.strip_prefix(start).is_some_and(|behind| ends_like(behind, rest)),
            None => name.contains(&pattern) || meaning.contains(&pattern),
        }
    };
    let found: Vec<Key> = keys::all().filter(is_meant).collect();
    if found.is_empty() {
        let nearest = guess::nearest(name, keys::all().map(|key| key.name)).map(str::to_string);
        return Err(Error::NoSuchSetting { pattern: typed.to_string(), nearest });
    }
    Ok(found)
}

/// Whether a text ends as a pattern says, in which a `*` stands for any text. What is before that may be anything.
fn ends_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((part, rest)) => text.find(part).is_some_and(|at| ends_like(&text[at + part.len()..], rest)),
        None => text.ends_with(pattern),
    }
}

/// The values of keys, all or none.
pub fn get(choice: &IniChoice, paths: &[KeyPath], context: &mut Context<'_>) -> Result<Report, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    let read = |path: &KeyPath| {
        let (section, key) = (path.section.as_str(), path.key.as_str());
        let known = keys::of_section(section);
        let value = lookup::value(&decoded.document, section, key, known.limit(key))?;
        let value = Some(String::from_utf16_lossy(&value));
        let privacy = known.privacy(key);
        Some(Value { section: section.to_string(), key: key.to_string(), value, privacy })
    };
    let found: Vec<Option<Value>> = paths.iter().map(read).collect();
    let missing: Vec<KeyPath> =
        paths.iter().zip(&found).filter(|(_, value)| value.is_none()).map(|(path, _)| path.clone()).collect();
    if let Some(first) = missing.first() {
        let nearest = nearest_there(&decoded.document, first);
        return Err(Error::NoSuchKey { ini: ini.path, missing, nearest });
    }
    let warnings = encoding_notice(&decoded);
    Ok(Report::Values { ini: ini.path, values: found.into_iter().flatten().collect(), warnings })
}

/// What may have been meant by a key that the ini does not have.
fn nearest_there(document: &IniDocument, path: &KeyPath) -> Option<String> {
    let all = plan::values(document, None);
    let there = || all.iter().filter(|(_, _, value)| value.is_some());
    let is_same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    if there().any(|(section, ..)| is_same(section, path.key.as_str())) {
        return Some(values::key_of_section(path.key.as_str()));
    }
    let beside = there().filter(|(section, ..)| is_same(section, path.section.as_str()));
    let nearest = guess::nearest(path.key.as_str(), beside.map(|(_, key, _)| key.as_str()));
    let elsewhere = || there().find(|(_, key, _)| is_same(key, path.key.as_str()));
    nearest.map(str::to_string).or_else(|| elsewhere().map(|(section, key, _)| format!("{section}/{key}")))
}

/// Every key of the ini, or of one section.
pub fn list(
    choice: &IniChoice,
    only: Option<&SectionName>,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    if let Some(section) = only.filter(|name| lookup::section(&decoded.document, name.as_str()).is_none()) {
        return Err(Error::NoSuchSection { ini: ini.path, section: section.clone() });
    }
    let mut known = (String::new(), keys::of_section(""));
    let values = plan::values(&decoded.document, only)
        .into_iter()
        .map(|(section, key, value)| {
            if known.0 != section {
                known = (section.clone(), keys::of_section(&section));
            }
            Value { privacy: known.1.privacy(&key), section, key, value }
        })
        .collect();
    Ok(Report::Sections { ini: ini.path, values, warnings: encoding_notice(&decoded) })
}

/// Sets values, all or none. Commands go the way of hooks.
pub fn set(
    choice: &IniChoice,
    values: Vec<(KeyPath, ValueSource)>,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for (path, value) in values {
        wanted.push(wanted_value(path, value, context)?);
    }
    let env = context.env;
    write(choice, options, MadeBy::Edit, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let mut edits = Vec::new();
        let mut warnings = Vec::new();
        for wanted in &wanted {
            match wanted {
                Wanted::Value(path, value) => {
                    let saved = values::as_saved(path, value)?;
                    warnings.extend(saved.remarks.iter().map(Diagnostic::from));
                    edits.push(Edit::Set { path: path.clone(), value: saved.value, text: saved.text });
                }
                Wanted::Hook(set) => {
                    let hook = hooks::edit_for(set, ini, &decoded.document, env)?;
                    warnings.extend(hook.warnings);
                    edits.push(hook.edit);
                }
                Wanted::NoHook(path) => edits.push(Edit::Unset { path: path.clone() }),
            }
        }
        draft_of(decoded, &edits, warnings)
    })
}

/// Removes keys.
pub fn unset(
    choice: &IniChoice,
    paths: Vec<KeyPath>,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    let edits: Vec<Edit> = paths.into_iter().map(|path| Edit::Unset { path }).collect();
    write(choice, options, MadeBy::Edit, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let is_unknown = |path: &&KeyPath| {
            let (section, key) = (path.section.as_str(), path.key.as_str());
            keys::find(section, key).is_none()
                && lookup::value(&decoded.document, section, key, lookup::NO_LIMIT).is_none()
        };
        let unknown = edits.iter().map(Edit::path).filter(is_unknown);
        let warnings = unknown.map(|path| Diagnostic::from(&values::unknown_key(path))).collect();
        draft_of(decoded, &edits, warnings)
    })
}

enum Wanted {
    Value(KeyPath, String),
    Hook(SetHook),
    NoHook(KeyPath),
}

fn wanted_value(path: KeyPath, value: ValueSource, context: &Context<'_>) -> Result<Wanted, Error> {
    let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
    let value = match value {
        ValueSource::Inline(value) if is_secret && !value.is_empty() => {
            return Err(Error::SecretInline { path });
        }
        ValueSource::Inline(value) => value,
        source => {
            let read = (context.secret)(&source);
            let unreadable =
                |error| Error::SecretUnreadable { path: path.clone(), place: source.clone(), source: error };
            let value = read.map_err(unreadable)?;
            if value.is_empty() {
                // nobody can make the encrypted one again that would go
                return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "nothing is there")));
            }
            value
        }
    };
    let is_settings = path.section.as_str().eq_ignore_ascii_case("Settings");
    Ok(match Event::from_key(path.key.as_str()).filter(|_| is_settings) {
        Some(_) if value.is_empty() => Wanted::NoHook(path),
        Some(event) => Wanted::Hook(SetHook {
            event,
            what: HookText::Value(value),
            version: None,
            allow: Allow::default(),
        }),
        None => Wanted::Value(path, value),
    })
}

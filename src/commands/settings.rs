//! `get`, `list`, `set` and `unset`: settings by name.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::slice;

use serde_json::{Value as Json, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::edit::plan::{self, Edit};
use crate::guess;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::{KeyPath, SectionName};
use crate::microsip::keys::{self, Key, Privacy};
use crate::microsip::privacy::{Guarded, Viewer};
use crate::microsip::values;
use crate::page::{Page, Styles, path_text};
use crate::request::{HookText, IniChoice, SetHook, ValueSource, WriteOptions};

use super::context::Context;
use super::error::Error;
use super::hook_edit::{dialect_after, edit_for};
use super::ini::{Ini, reading_warnings};
use super::outcome::Outcome;
use super::suggestion;
use super::write::{Draft, write};
use super::written::WriteOutcome;

/// A value of the ini as MicroSIP reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    section: String,
    key: String,
    /// `None` for a line without `=`.
    value: Option<Guarded>,
}

/// Values of an ini.
#[derive(Debug)]
pub struct ValueList {
    ini: PathBuf,
    values: Vec<Value>,
    /// Who sees the values.
    viewer: Viewer,
    /// Whether the text has section headers and keys, not only values.
    is_listing: bool,
    warnings: Vec<Diagnostic>,
}

impl Outcome for ValueList {
    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn ini(&self) -> Option<&Path> {
        Some(&self.ini)
    }

    fn text(&self, page: &Page) -> String {
        if self.is_listing {
            return self.listing(page.styles);
        }
        self.values.iter().map(|value| format!("{}\n", self.shown(value).unwrap_or_default())).collect()
    }

    fn json(&self) -> Json {
        let value =
            |value: &Value| json!({"section": value.section, "key": value.key, "value": self.shown(value)});
        let values: Vec<Json> = self.values.iter().map(value).collect();
        json!({"ok": true, "ini": path_text(&self.ini), "values": values, "warnings": self.warnings})
    }
}

impl ValueList {
    fn listing(&self, Styles { heading, .. }: Styles) -> String {
        let mut text = String::new();
        let mut section = None;
        for value in &self.values {
            if section != Some(&value.section) {
                let separator = if section.is_some() { "\n" } else { "" };
                let _ = writeln!(text, "{separator}{heading}[{}]{heading:#}", value.section);
                section = Some(&value.section);
            }
            let _ = match self.shown(value) {
                Some(shown) => writeln!(text, "{}={shown}", value.key),
                None => writeln!(text, "{}", value.key),
            };
        }
        text
    }

    fn shown<'a>(&self, value: &'a Value) -> Option<&'a str> {
        value.value.as_ref().map(|value| value.reveal(self.viewer))
    }
}

const SEE_LIST: &str = "to see what the ini contains, run 'msipcfg list'";

/// Returns the error that a password can't be read from its source.
fn unreadable_secret(path: &KeyPath, source: &ValueSource, error: &io::Error) -> Diagnostic {
    use io::ErrorKind::{InvalidData, IsADirectory, PermissionDenied};
    let is_there = [InvalidData, IsADirectory, PermissionDenied].contains(&error.kind());
    let source = match source {
        // A password can begin with an `@`. Its text is shown only if there is a file of that name.
        ValueSource::File(_) if !is_there => "the file named after the @".to_string(),
        source => source.to_string(),
    };
    let message = format!("{path}: the password couldn't be read from {source}: {error}");
    Diagnostic::new(Code::SecretUnreadable, message)
        .with_hint("check that the file or variable exists and contains UTF-8 text; after the @, give its name, not the password")
}

/// Reads the values of keys; all succeed or none do.
///
/// # Errors
/// No ini was found, it can't be read, or a key doesn't exist.
pub fn get(choice: &IniChoice, paths: &[KeyPath], context: &mut Context<'_>) -> Result<ValueList, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for path in paths {
        let (section, key) = (path.section.as_str(), path.key.as_str());
        let known = keys::of_section(section);
        match lookup::value(&decoded.document, section, key, known.limit(key)) {
            Some(value) => values.push(Value {
                section: section.to_string(),
                key: key.to_string(),
                value: Some(Guarded::new(String::from_utf16_lossy(&value), known.privacy(key))),
            }),
            None => missing.push(path.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(not_found(&ini, &decoded.document, &missing).into());
    }
    let warnings = reading_warnings(&decoded);
    Ok(ValueList { ini: ini.path, values, viewer: Viewer::Requester, is_listing: false, warnings })
}

/// Returns the error that the ini doesn't have these keys. If MicroSIP knows them, it uses their defaults.
fn not_found(ini: &Ini, document: &IniDocument, missing: &[KeyPath]) -> Diagnostic {
    let is_known = |path: &&KeyPath| {
        let (section, key) = (path.section.as_str(), path.key.as_str());
        // without its section there is no [Account2]; before 3.19, the settings of the only account were in [Settings]
        let is_used = if section.eq_ignore_ascii_case("Settings") {
            keys::find("Account1", key).is_none() || elsewhere(document, path).is_none()
        } else {
            lookup::section(document, section).is_some()
        };
        is_used && keys::find(section, key).is_some_and(|key| key.until.is_none())
    };
    let (unset, unknown): (Vec<&KeyPath>, Vec<&KeyPath>) = missing.iter().partition(is_known);
    let mut sentences: Vec<String> = unset.into_iter().map(not_set).collect();
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        sentences.push(format!("no such key: {}", names.join(", ")));
    }
    let message = format!("{}: {}", ini.path.display(), sentences.join("; "));
    let diagnostic = Diagnostic::new(Code::KeyNotFound, message);
    match unknown.first().map(|first| nearest_key(document, first)) {
        Some(Some(nearest)) => diagnostic.with_hint(format!("did you mean {nearest}?")),
        Some(None) => diagnostic.with_hint(SEE_LIST),
        None => diagnostic,
    }
}

/// Returns what MicroSIP uses for a known key that isn't set.
fn not_set(path: &KeyPath) -> String {
    match keys::find(path.section.as_str(), path.key.as_str()) {
        Some(Key { default, .. }) if !default.is_empty() => {
            format!("{path} isn't set, so MicroSIP uses {default}")
        }
        _ => format!("{path} isn't set"),
    }
}

/// Returns the key that was probably meant by one that the ini doesn't have.
fn nearest_key(document: &IniDocument, path: &KeyPath) -> Option<String> {
    let all = plan::values(document, None);
    let existing = || all.iter().filter(|(_, _, value)| value.is_some());
    let is_same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    if existing().any(|(section, ..)| is_same(section, path.key.as_str())) {
        return Some(values::key_of_section(path.key.as_str()));
    }
    let in_section = existing().filter(|(section, ..)| is_same(section, path.section.as_str()));
    let nearest = guess::nearest(path.key.as_str(), in_section.map(|(_, key, _)| key.as_str()));
    nearest.map(str::to_string).or_else(|| elsewhere(document, path))
}

/// Returns the path of the same key in another section.
fn elsewhere(document: &IniDocument, path: &KeyPath) -> Option<String> {
    let is_it =
        |(_, key, value): &plan::Entry| value.is_some() && key.eq_ignore_ascii_case(path.key.as_str());
    let (section, key, _) = plan::values(document, None).into_iter().find(is_it)?;
    Some(format!("{section}/{key}"))
}

/// Lists every key of the ini, or of one section.
///
/// # Errors
/// No ini was found, it can't be read, or it doesn't have the section.
pub fn list(
    choice: &IniChoice,
    only: Option<&SectionName>,
    context: &mut Context<'_>,
) -> Result<ValueList, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    if let Some(section) = only.filter(|name| lookup::section(&decoded.document, name.as_str()).is_none()) {
        let message = format!("{}: no section [{}]", ini.path.display(), section.as_str());
        return Err(Diagnostic::new(Code::KeyNotFound, message).with_hint(SEE_LIST).into());
    }
    let mut known = (String::new(), keys::of_section(""));
    let values = plan::values(&decoded.document, only)
        .into_iter()
        .map(|(section, key, value)| {
            if known.0 != section {
                known = (section.clone(), keys::of_section(&section));
            }
            let value = value.map(|value| Guarded::new(value, known.1.privacy(&key)));
            Value { section, key, value }
        })
        .collect();
    let warnings = reading_warnings(&decoded);
    Ok(ValueList { ini: ini.path, values, viewer: Viewer::Anyone, is_listing: true, warnings })
}

/// Sets values; all succeed or none do. The commands of events are checked as hooks.
///
/// # Errors
/// As [`write`], or a value was refused.
pub fn set(
    choice: &IniChoice,
    values: Vec<(KeyPath, ValueSource)>,
    allow_unknown: bool,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    if !allow_unknown {
        values.iter().try_for_each(|(path, _)| values::refuse_misspelled(path))?;
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for (path, value) in values {
        wanted.push(wanted_value(path, value, context)?);
    }
    let ini = Ini::choose_or_create(choice, options.create, context)?;
    let env = context.env;
    write(&ini, options, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let mut edits = Vec::new();
        let mut hooks = Vec::new();
        let mut warnings = Vec::new();
        for wanted in &wanted {
            match wanted {
                Wanted::Value(path, value) => {
                    let saved = values::as_saved(path, value)?;
                    warnings.extend(saved.warnings.iter().map(Diagnostic::from));
                    edits.push(Edit::Set { path: path.clone(), value: saved.value, text: saved.text });
                }
                Wanted::Hook(set) => hooks.push(set),
                Wanted::NoHook(path) => edits.push(Edit::Unset { path: path.clone() }),
            }
        }
        let dialect = dialect_after(None, hooks.iter().map(|set| set.event), &edits, ini, &decoded, env)?;
        for set in hooks {
            suggestion::refuse_unquoted_path(slice::from_ref(set), options, &dialect, ini, env)?;
            let hook = edit_for(set, &dialect, ini, env)?;
            warnings.extend(hook.warnings);
            edits.push(hook.edit);
        }
        Draft::of_edits(decoded, &edits, warnings)
    })
}

/// Removes keys.
///
/// # Errors
/// As [`write`].
pub fn unset(
    choice: &IniChoice,
    paths: Vec<KeyPath>,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    let edits: Vec<Edit> = paths.into_iter().map(|path| Edit::Unset { path }).collect();
    let ini = Ini::choose(choice, context)?;
    write(&ini, options, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let is_unknown = |path: &&KeyPath| {
            let (section, key) = (path.section.as_str(), path.key.as_str());
            keys::find(section, key).is_none()
                && lookup::value(&decoded.document, section, key, lookup::NO_LIMIT).is_none()
        };
        let unknown = edits.iter().map(Edit::path).filter(is_unknown);
        let warnings = unknown.map(|path| Diagnostic::from(&values::unknown_key(path))).collect();
        Draft::of_edits(decoded, &edits, warnings)
    })
}

/// What a key is set to.
enum Wanted {
    Value(KeyPath, String),
    Hook(SetHook),
    NoHook(KeyPath),
}

fn wanted_value(path: KeyPath, value: ValueSource, context: &Context<'_>) -> Result<Wanted, Error> {
    let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
    let value = match value {
        ValueSource::Inline(value) if is_secret && !value.is_empty() => {
            let message = format!("{path}: other programs can read a password on the command line");
            let hint = format!("use {path}=@env:NAME, {path}=@FILE, or {path}=@- for standard input");
            return Err(Diagnostic::new(Code::SecretInline, message).with_hint(hint).into());
        }
        ValueSource::Inline(value) => value,
        source => {
            let unreadable = |error: io::Error| unreadable_secret(&path, &source, &error);
            let value = (context.secret)(&source).map_err(unreadable)?;
            if value.is_empty() {
                // It would replace an encrypted password that nobody can restore.
                return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is empty")).into());
            }
            value
        }
    };
    let is_settings = path.section.as_str().eq_ignore_ascii_case("Settings");
    Ok(match Event::from_key(path.key.as_str()).filter(|_| is_settings) {
        Some(_) if value.is_empty() => Wanted::NoHook(path),
        Some(event) => Wanted::Hook(SetHook::new(event, HookText::Value(value))),
        None => Wanted::Value(path, value),
    })
}

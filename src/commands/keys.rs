//! `keys`: the settings that MicroSIP knows.

use serde_json::{Value as Json, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::guess;
use crate::microsip::keys::{self, Key, Save, setting_path};
use crate::page::{Page, Styles};

use super::error::Error;
use super::outcome::Outcome;

/// Settings of the catalogue.
#[derive(Debug)]
pub struct KeyList(Vec<Key>);

impl Outcome for KeyList {
    fn text(&self, page: &Page) -> String {
        self.0.iter().map(|key| key_text(key, page.styles)).collect()
    }

    fn json(&self) -> Json {
        json!({"ok": true, "keys": self.0.iter().map(key_json).collect::<Vec<_>>()})
    }
}

/// Lists the settings whose name or meaning contains the pattern, in any letter case. A pattern with a `*` must
/// match the whole name.
///
/// # Errors
/// No setting matches.
pub fn list(pattern: Option<&str>) -> Result<KeyList, Error> {
    let typed = pattern.unwrap_or_default();
    // SECTION/KEY as in the other commands
    let name = typed.rsplit('/').next().unwrap_or_default();
    let pattern = name.to_lowercase();
    let matches = |key: &Key| {
        let (name, meaning) = (key.name.to_lowercase(), key.meaning.to_lowercase());
        match pattern.split_once('*') {
            Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| matches_end(tail, rest)),
            None => name.contains(&pattern) || meaning.contains(&pattern),
        }
    };
    let found: Vec<Key> = keys::all().filter(matches).collect();
    if found.is_empty() {
        let message = format!("no MicroSIP setting has '{typed}' in its name or meaning");
        let hint = match guess::nearest(name, keys::all().map(|key| key.name)) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => "to list all settings, run 'msipcfg keys'".into(),
        };
        return Err(Diagnostic::new(Code::KeyNotFound, message).with_hint(hint).into());
    }
    Ok(KeyList(found))
}

/// Returns whether the end of a text matches a pattern, in which a `*` stands for any text.
fn matches_end(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((part, rest)) => text.find(part).is_some_and(|at| matches_end(&text[at + part.len()..], rest)),
        None => text.ends_with(pattern),
    }
}

fn key_text(key: &Key, styles: Styles) -> String {
    let default = if key.default.is_empty() { String::new() } else { format!(", default {}", key.default) };
    let versions = match (key.since, key.until) {
        (Some(since), Some(until)) => format!(", {since} to {until}"),
        (Some(since), None) => format!(", since {since}"),
        (None, Some(until)) => format!(", until {until}"),
        (None, None) => String::new(),
    };
    let path = setting_path(key.section, key.name);
    let facts = format!("{}{default}, at most {} characters{versions}", key.kind, key.limit);
    let facts = styles.wrap(&facts, path.len() + 2, 4);
    let (heading, meaning) = (styles.heading, styles.wrap(key.meaning, 4, 4));
    format!("{heading}{path}{heading:#}: {facts}\n    {meaning}\n")
}

fn key_json(key: &Key) -> Json {
    json!({
        "section": key.section,
        "key": key.name,
        "allowed": key.kind.to_string(),
        "default": key.default,
        "max_length": key.limit,
        "quoted": key.save == Save::Quoted,
        "since": key.since.map(|version| version.to_string()),
        "until": key.until.map(|version| version.to_string()),
        "rewritten": key.rewritten,
        "meaning": key.meaning,
    })
}

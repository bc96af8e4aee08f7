//! Documents as bytes: reading preserves them, an edit changes only its own line, and the check accepts nothing else.
//! Tested with hostile generated texts and with every fixture.

mod cases;
mod fixtures;
mod generated;
mod model;
mod second_reader;

use msipcfg::edit::plan::Edit;
use msipcfg::edit::verify;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding::BOM;
use msipcfg::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use msipcfg::ini::{Wide, lookup, wide, write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Units that have a meaning in an ini, units that look like them, and a few others.
const ALPHABET: [u16; 36] = [
    0x5B, 0x5D, 0x3D, 0x3B, 0x22, 0x27, 0x20, 0x09, 0x0B, 0x0C, 0x1A, 0x00, 0x0D, 0x0A, 0x61, 0x41, 0x62,
    0x6B, 0x53, 0x73, 0xE9, 0xC9, 0xD800, 0xDE00, 0x23, 0x3A, 0x2F, 0x5C, 0xA0, 0x85, 0x2028, 0xFEFF, 0x0D0A,
    0x0A0D, 0x5B00, 0x3B5B,
];

/// Names for files and for lookups, so that they often match.
const SECTIONS: [&str; 9] = ["S", "s", "T", "Settings", "Account1", "a b", "é", "a/b", "[x"];
const KEYS: [&str; 10] = ["k", "K", "a", "b", "a b", "é", "\"k\"", "VAD", "cmdCallEnd", "a/b"];

/// Generates a text.
pub fn texts() -> impl Strategy<Value = Wide> {
    let line_end = prop_oneof![5 => Just("\r\n"), 3 => Just("\n"), 2 => Just("\r")];
    let line_and_end = (line(), line_end).prop_map(|(line, end)| [line, wide(end)].concat());
    let last = prop_oneof![Just(Wide::new()), line()];
    (vec(line_and_end, 0..12), last).prop_map(|(lines, last)| [lines.concat(), last].concat())
}

fn line() -> impl Strategy<Value = Wide> {
    let header =
        (spaces(), select(&SECTIONS[..]), spaces(), prop_oneof![3 => Just(Wide::new()), 1 => junk()])
            .prop_map(|(a, name, b, c)| [a, wide("["), b.clone(), wide(name), b, wide("]"), c].concat());
    let mark = prop_oneof![9 => Just(""), 1 => Just(";")];
    let key = (spaces(), mark, select(&KEYS[..]), spaces(), value_in_a_file(), spaces()).prop_map(
        |(a, mark, name, b, value, c)| {
            [a, wide(mark), wide(name), b.clone(), wide("="), b, value, c].concat()
        },
    );
    prop_oneof![4 => header, 8 => key, 3 => junk(), 1 => spaces()]
}

fn value_in_a_file() -> impl Strategy<Value = Wide> {
    let quote = prop_oneof![3 => Just(""), 1 => Just("\""), 1 => Just("'")];
    (quote, junk()).prop_map(|(quote, junk)| [wide(quote), junk, wide(quote)].concat())
}

fn junk() -> impl Strategy<Value = Wide> {
    vec(select(&ALPHABET[..]), 0..8)
}

fn spaces() -> impl Strategy<Value = Wide> {
    let space = prop_oneof![3 => Just(0x20_u16), 1 => Just(0x09), 1 => Just(0x0B)];
    prop_oneof![3 => Just(Wide::new()), 1 => vec(space, 0..3)]
}

/// Generates a document, sometimes with an odd last byte.
fn documents() -> impl Strategy<Value = IniDocument> {
    let odd_byte = prop_oneof![4 => Just(None), 1 => any::<u8>().prop_map(Some)];
    (texts(), odd_byte).prop_map(|(text, odd_byte)| {
        let mut bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        bytes.splice(0..0, BOM);
        bytes.extend(odd_byte);
        IniDocument::from_utf16le(bytes)
    })
}

/// Generates a key that can be set.
pub fn paths() -> impl Strategy<Value = KeyPath> {
    let any_text = || vec(any::<char>(), 1..4).prop_map(String::from_iter);
    let section = prop_oneof![
        12 => select(&SECTIONS[..]).prop_map(str::to_string),
        1 => any_text(),
    ];
    let key = prop_oneof![12 => select(&KEYS[..]).prop_map(str::to_string), 1 => any_text()];
    (section, key).prop_filter_map("not a name", |(section, key)| {
        Some(KeyPath { section: SectionName::new(&section).ok()?, key: KeyName::new(&key).ok()? })
    })
}

/// Generates a value, up to the longest that every setting can have.
pub fn values() -> impl Strategy<Value = String> {
    let is_allowed = |c: &char| !['\r', '\n', '\0'].contains(c);
    let unit = prop_oneof![
        6 => select(&ALPHABET[..]).prop_map(|unit| char::from_u32(unit.into()).unwrap_or('x')),
        1 => any::<char>(),
    ];
    prop_oneof![
        3 => select(&["", "v", " v ", "\"v\"", "'", "a=b", "\\", "[S]", "k=1"][..]).prop_map(str::to_string),
        6 => vec(unit.prop_filter("line break", is_allowed), 0..8).prop_map(String::from_iter),
        1 => Just("x".repeat(254)),
    ]
}

/// Returns the text for a value: quoted if its ends would be lost otherwise.
pub fn text_for(value: &str) -> ValueText {
    let is_kept = lookup::read_text(&wide(value), lookup::NO_LIMIT) == wide(value);
    ValueText::new(&if is_kept { value.to_string() } else { format!("\"{value}\"") }).unwrap()
}

fn edit_for(path: &KeyPath, value: &str) -> Edit {
    Edit::Set { path: path.clone(), value: value.to_string(), text: text_for(value) }
}

fn set(document: &IniDocument, path: &KeyPath, value: &str) -> IniDocument {
    let mut document = document.clone();
    write::set(&mut document, path, &text_for(value));
    document
}

fn unset(document: &IniDocument, path: &KeyPath) -> IniDocument {
    let mut document = document.clone();
    write::unset(&mut document, path);
    document
}

fn value(document: &IniDocument, path: &KeyPath) -> Option<Wide> {
    lookup::value(document, path.section.as_str(), path.key.as_str(), lookup::NO_LIMIT)
}

/// Returns whether the check accepts an edit.
fn is_accepted(old: &IniDocument, new: &IniDocument, edit: &Edit) -> bool {
    verify::check(old, new, std::slice::from_ref(edit)).is_ok()
}

/// Returns the text of a document, for a failed assertion.
fn text_of(document: &IniDocument) -> String {
    document.units(2..document.end()).to_string()
}

fn document(text: &str) -> IniDocument {
    IniDocument::from_utf16le(wide(text).into_iter().flat_map(u16::to_le_bytes).collect())
}

fn path(section: &str, key: &str) -> KeyPath {
    KeyPath { section: SectionName::new(section).unwrap(), key: KeyName::new(key).unwrap() }
}

/// Saves no failures to files: a failed case becomes a named test.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: 2 * config.cases, failure_persistence: None, ..config }
}

//! The changes that an edit makes to an ini, as a value. Making a plan writes nothing: a dry run prints it, a
//! transaction carries it out.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::ini::document::{IniDocument, KeyLine, Line};
use crate::ini::encoding::{Decoded, Encoding};
use crate::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use crate::ini::utf16::Units;
use crate::ini::{Wide, lookup, wide, write};
use crate::microsip::keys::{self, SectionKeys};
use crate::microsip::privacy::{Guarded, Viewer};
use crate::page::Count;

/// A change to one key.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Gives the key this value, written as this text.
    Set { path: KeyPath, value: String, text: ValueText },
    /// Removes the key.
    Unset { path: KeyPath },
}

impl Edit {
    /// Returns the key to change.
    pub fn path(&self) -> &KeyPath {
        match self {
            Edit::Set { path, .. } | Edit::Unset { path } => path,
        }
    }

    /// Returns the value that MicroSIP must read after the edit.
    pub fn wanted(&self) -> Option<Wide> {
        match self {
            Edit::Set { value, .. } => Some(wide(value)),
            Edit::Unset { .. } => None,
        }
    }
}

/// A value before and after the edit, as MicroSIP reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The section, as it was given.
    pub section: String,
    /// The key, as it was given.
    pub key: String,
    /// The value before the edit.
    pub before: Option<Guarded>,
    /// The value after the edit.
    pub after: Option<Guarded>,
}

impl Change {
    fn new(section: &str, key: &str, before: Option<String>, after: Option<String>) -> Change {
        let guarded = |value: Option<String>| value.map(|value| Guarded::of_key(section, key, value));
        Change {
            section: section.to_string(),
            key: key.to_string(),
            before: guarded(before),
            after: guarded(after),
        }
    }
}

/// Lines of the file before and after the edit, for a diff.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChange {
    /// The key in these lines.
    pub path: KeyPath,
    /// The number of the first line, from 1.
    pub number: usize,
    /// The old lines.
    pub removed: Vec<String>,
    /// The new lines.
    pub added: Vec<String>,
}

/// Everything that an edit changes in an ini.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// Warnings about the ini.
    pub warnings: Vec<Diagnostic>,
    /// The new text.
    pub document: IniDocument,
    /// Whether the file has to be written.
    pub is_change: bool,
}

/// A warning about an ini that is edited or read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanWarning {
    #[error("the ini is {encoding}; it is converted to UTF-16LE with BOM, the encoding that MicroSIP uses")]
    Encoding { encoding: Encoding },
    #[error(
        "the ini is {encoding}; MicroSIP will damage it at its next start, so the values shown here are not the ones \
         that it will use"
    )]
    EncodingRead { encoding: Encoding },
    #[error("[{section}] appears {count} times; MicroSIP reads only the first, so that one was used")]
    SectionDuplicate { section: String, count: usize },
    #[error("{path} appears {count} times; MicroSIP reads only the first, so that one was used")]
    KeyDuplicate { path: KeyPath, count: usize },
    #[error("{path} appears {count} times; all {count} lines are removed")]
    SeveralRemoved { path: KeyPath, count: usize },
    #[error("the ini ends with {}, as after a power failure; msipcfg keeps them", Count(*.count, "NUL character"))]
    NulTail { count: usize },
}

impl PlanWarning {
    /// Returns the warning about the NULs at the end of a text, if it has some.
    pub fn of_nul_tail(document: &IniDocument) -> Option<PlanWarning> {
        let count = document.nul_tail();
        (count > 0).then_some(PlanWarning::NulTail { count })
    }
}

impl ToDiagnostic for PlanWarning {
    fn code(&self) -> Code {
        match self {
            PlanWarning::Encoding { .. } | PlanWarning::EncodingRead { .. } => Code::IniEncoding,
            PlanWarning::SectionDuplicate { .. } => Code::SectionDuplicate,
            PlanWarning::KeyDuplicate { .. } | PlanWarning::SeveralRemoved { .. } => Code::KeyDuplicate,
            PlanWarning::NulTail { .. } => Code::TextNul,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            PlanWarning::SectionDuplicate { .. } => {
                Some("move the keys that you need into the first one, then delete the others".into())
            }
            PlanWarning::KeyDuplicate { .. } => Some("'unset' removes all of them; then set it again".into()),
            PlanWarning::EncodingRead { .. } => {
                Some("any edit with msipcfg converts it to the encoding that MicroSIP uses".into())
            }
            PlanWarning::NulTail { .. } => {
                Some("check that no settings are missing at the end; a backup may have them".into())
            }
            _ => None,
        }
    }
}

/// Plans the edits. Values are compared as MicroSIP reads them, never as text.
pub fn make(decoded: &Decoded, edits: &[Edit]) -> Plan {
    let mut plan = Plan {
        changes: Vec::new(),
        lines: Vec::new(),
        warnings: Vec::new(),
        document: decoded.document.clone(),
        is_change: false,
    };
    // Lines are removed last: removing one can take the line end from the new last line, and a key added after that
    // would give it a different one.
    let (sets, unsets): (Vec<_>, Vec<_>) = edits.iter().partition(|edit| matches!(edit, Edit::Set { .. }));
    for edit in sets.into_iter().chain(unsets) {
        apply(&mut plan, edit);
    }
    plan.is_change = decoded.damaged_by_microsip || plan.document != decoded.document;
    if plan.is_change && decoded.encoding != (Encoding::Utf16Le { bom: true }) && !decoded.document.is_empty()
    {
        plan.warnings.insert(0, Diagnostic::from(&PlanWarning::Encoding { encoding: decoded.encoding }));
    }
    plan.warnings
        .extend(PlanWarning::of_nul_tail(&decoded.document).map(|warning| Diagnostic::from(&warning)));
    plan
}

impl Plan {
    /// Adds a warning, unless an earlier edit has already caused the same one.
    fn warn(&mut self, warning: &PlanWarning) {
        let diagnostic = Diagnostic::from(warning);
        if !self.warnings.contains(&diagnostic) {
            self.warnings.push(diagnostic);
        }
    }
}

fn apply(plan: &mut Plan, edit: &Edit) {
    let path = edit.path();
    let (section, key) = (path.section.as_str(), path.key.as_str());
    let limit = keys::limit(section, key);
    let before = lookup::value(&plan.document, section, key, limit);
    let old = lines_of(&plan.document, path);
    let text_of = |document: &IniDocument, line: &Line| document.units(line.text.clone()).to_string();
    let mut removed: Vec<String> = old.iter().map(|line| text_of(&plan.document, line)).collect();

    let sections = plan.document.sections().filter(|found| found.name.eq_ignore_ascii_case(section)).count();
    if sections > 1 {
        plan.warn(&PlanWarning::SectionDuplicate { section: section.to_string(), count: sections });
    }
    match edit {
        Edit::Set { text, .. } => {
            if old.len() > 1 {
                plan.warn(&PlanWarning::KeyDuplicate { path: path.clone(), count: old.len() });
            }
            if before == edit.wanted() {
                return;
            }
            write::set(&mut plan.document, path, text);
            let Some(line) = lines_of(&plan.document, path).into_iter().next() else { return };
            let mut added = vec![text_of(&plan.document, &line)];
            if sections == 0 {
                added.insert(0, format!("[{section}]"));
            }
            removed.truncate(1);
            let number = line_number(&plan.document, &line);
            plan.lines.push(LineChange { path: path.clone(), number, removed, added });
        }
        Edit::Unset { .. } => {
            let Some(first) = old.first() else { return };
            let number = line_number(&plan.document, first);
            if old.len() > 1 {
                plan.warn(&PlanWarning::SeveralRemoved { path: path.clone(), count: old.len() });
            }
            write::unset(&mut plan.document, path);
            plan.lines.push(LineChange { path: path.clone(), number, removed, added: Vec::new() });
        }
    }
    let after = lookup::value(&plan.document, section, key, limit);
    let text = |value: Option<Wide>| value.map(|value| String::from_utf16_lossy(&value));
    plan.changes.push(Change::new(section, key, text(before), text(after)));
}

/// Returns the lines of a key in the first section of its name.
fn lines_of(document: &IniDocument, path: &KeyPath) -> Vec<Line> {
    let Some(section) = lookup::section(document, path.section.as_str()) else { return Vec::new() };
    lookup::key_lines(document, &section, path.key.as_str()).map(|key| key.line).collect()
}

/// Returns the number of a line, starting at 1.
pub fn line_number(document: &IniDocument, line: &Line) -> usize {
    1 + document.all_lines().take_while(|other| other.text.start < line.text.start).count()
}

/// Returns every value that differs between two inis, for a restore.
pub fn differences(old: &IniDocument, new: &IniDocument) -> Vec<Change> {
    changes_between(&values(old, None), &values(new, None))
}

/// Applies the changes that MicroSIP made from `old` to `saved` to `current`, which is another edit of `old`.
pub fn merge(old: &IniDocument, saved: &IniDocument, mut current: IniDocument) -> IniDocument {
    let raw = |document: &IniDocument| {
        entries(document, None, exact, |_, line| Some(exact(document.units(line.value.clone()?))))
    };
    for Change { section, key, after, .. } in changes_between(&raw(old), &raw(saved)) {
        let (Ok(section), Ok(key)) = (SectionName::new(&section), KeyName::new(&key)) else {
            return saved.clone();
        };
        let path = KeyPath { section, key };
        match after.map(|text| ValueText::new(text.reveal(Viewer::Program))) {
            Some(Ok(text)) => write::set(&mut current, &path, &text),
            Some(Err(_)) => return saved.clone(),
            None => {
                write::unset(&mut current, &path);
            }
        }
    }
    current
}

/// Converts units into a text that is different for different units. A lone surrogate, which can't be written, becomes
/// a text that no name and no value can have.
fn exact(units: Units<'_>) -> String {
    let wide = units.to_wide();
    String::from_utf16(&wide).unwrap_or_else(|_| format!("\0{wide:04X?}"))
}

/// Lists the values that MicroSIP reads, in the order of the file, of one section or of all.
pub fn values(document: &IniDocument, only: Option<&SectionName>) -> Vec<Entry> {
    entries(
        document,
        only,
        |name| name.to_string(),
        |known, line| {
            let limit = known.limit(&line.name.to_string());
            lookup::line_value(document, line, limit).map(|value| String::from_utf16_lossy(&value))
        },
    )
}

/// A section, a key and a value.
pub type Entry = (String, String, Option<String>);

fn entries(
    document: &IniDocument,
    only: Option<&SectionName>,
    name_of: impl Fn(Units<'_>) -> String,
    value_of: impl Fn(&SectionKeys, &KeyLine<'_>) -> Option<String>,
) -> Vec<Entry> {
    let mut seen_sections = HashSet::new();
    let mut entries = Vec::new();
    for section in document.sections() {
        let name = name_of(section.name);
        let is_wanted = only.is_none_or(|only| only.as_str().eq_ignore_ascii_case(&name));
        if !is_wanted || !seen_sections.insert(name.to_ascii_lowercase()) {
            continue;
        }
        let known = keys::of_section(&name);
        let mut seen_keys = HashSet::new();
        for line in document.keys(&section) {
            let key = name_of(line.name);
            if seen_keys.insert(key.to_ascii_lowercase()) {
                let value = value_of(&known, &line);
                entries.push((name.clone(), key, value));
            }
        }
    }
    entries
}

fn changes_between(before: &[Entry], after: &[Entry]) -> Vec<Change> {
    let identity = |section: &str, key: &str| (section.to_ascii_lowercase(), key.to_ascii_lowercase());
    let index = |entries: &[Entry]| -> HashMap<(String, String), Option<String>> {
        entries.iter().map(|(section, key, value)| (identity(section, key), value.clone())).collect()
    };
    let (old, new) = (index(before), index(after));
    let mut changes = Vec::new();
    for (section, key, value) in before {
        let after = new.get(&identity(section, key));
        if after != Some(value) {
            changes.push(Change::new(section, key, value.clone(), after.cloned().flatten()));
        }
    }
    for (section, key, value) in after {
        if !old.contains_key(&identity(section, key)) {
            changes.push(Change::new(section, key, None, value.clone()));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::{decode, encode};

    fn set(path: &str, value: &str) -> Edit {
        Edit::Set { path: path.parse().unwrap(), value: value.into(), text: ValueText::new(value).unwrap() }
    }

    fn plan(bytes: Vec<u8>, edits: &[Edit]) -> Plan {
        make(&decode(bytes, None).unwrap(), edits)
    }

    #[test]
    fn a_value_that_reads_the_same_is_not_a_change() {
        let plan = plan(encode("[Settings]\r\nk='v'\r\n"), &[set("k", "v")]);
        assert!(!plan.is_change && plan.changes.is_empty() && plan.lines.is_empty());
    }

    #[test]
    fn a_change_shows_the_value_before_and_after() {
        let plan = plan(encode("[Settings]\r\na=1\r\n k = \"v\"\r\n"), &[set("K", "w")]);
        assert!(plan.is_change);
        let change = Change::new("Settings", "K", Some("v".into()), Some("w".into()));
        assert_eq!(plan.changes, [change]);
        assert_eq!(plan.lines[0].number, 3);
        assert_eq!(plan.lines[0].removed, [" k = \"v\""]);
        assert_eq!(plan.lines[0].added, [" k = w"]);
    }

    #[test]
    fn lines_are_counted_by_their_line_ends() {
        for text in ["[S]\nk=1", "[S]\rk=1", "[S]\r\nk=1", ";\n\r[S]\r\r\nk=1\n", "\u{0A0A}\r\n[S]\n\nk=1"] {
            let document = IniDocument::from_utf16le(encode(text));
            let line = lines_of(&document, &"S/k".parse().unwrap()).remove(0);
            let number = 1 + document.all_lines().position(|other| other == line).unwrap();
            assert_eq!(line_number(&document, &line), number, "{text:?}");
        }
    }

    #[test]
    fn converting_an_ini_that_microsip_would_damage_is_a_change() {
        let utf8 = plan("\u{FEFF}[Settings]\r\nk=v\r\n".into(), &[set("k", "v")]);
        assert!(utf8.is_change && utf8.changes.is_empty());
        assert_eq!(utf8.warnings[0].code, Code::IniEncoding);
        let ascii = plan(b"[Settings]\r\nk=v\r\n".to_vec(), &[set("k", "v")]);
        assert!(!ascii.is_change && ascii.warnings.is_empty());
    }

    #[test]
    fn duplicates_are_reported() {
        let plan = plan(encode("[Settings]\nk=1\nk=2\n[settings]\nk=3\n"), &[set("k", "9")]);
        let codes: Vec<_> = plan.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, [Code::SectionDuplicate, Code::KeyDuplicate]);
    }

    #[test]
    fn differences_list_each_value_once() {
        let old = IniDocument::from_utf16le(encode("[S]\na=1\nb=2\nB=3\n[s]\nc=9\n"));
        let new = IniDocument::from_utf16le(encode("[s]\nA=1\nb=4\n[T]\nd=5\n"));
        let changes: Vec<_> = differences(&old, &new)
            .into_iter()
            .map(|c| (c.section + "/" + &c.key, c.before, c.after))
            .collect();
        let text = |text: &str| Some(Guarded::new(text, keys::Privacy::Open));
        assert_eq!(changes, [("S/b".into(), text("2"), text("4")), ("T/d".into(), None, text("5"))]);
    }

    #[test]
    fn merge_adds_what_microsip_saved_to_the_edit() {
        let document = |text: &str| IniDocument::from_utf16le(encode(text));
        let old = document("[S]\na=1\nb=\"2\"\nc=3\n");
        let saved = document("[S]\na=5\nb=\"2\"\n[New]\nx= \" y\"\n");
        let current = document("[S]\na=1\nb=9\nc=3\n");
        let merged = merge(&old, &saved, current);
        assert_eq!(merged, document("[S]\na=5\nb=9\n[New]\nx=\" y\"\n"));
    }

    #[test]
    fn merge_adds_to_an_edit_of_an_ini_that_ends_with_nuls() {
        let document = |text: &str| IniDocument::from_utf16le(encode(text));
        let old = document("[S]\r\n\0");
        let saved = document("[S]\r\n[T]\r\nk=1\r\n\0");
        let merged = merge(&old, &saved, document("[S]\r\nk=2\r\n\0"));
        assert_eq!(merged, document("[S]\r\nk=2\r\n[T]\r\nk=1\r\n\0"));
    }

    #[test]
    fn merge_does_not_confuse_a_lone_surrogate_with_the_replacement_character() {
        let with = |units: &[u16]| {
            let start = encode("[S]\n");
            let units = units.iter().flat_map(|unit| unit.to_le_bytes());
            IniDocument::from_utf16le(start.into_iter().chain(units).collect())
        };
        let old = with(&[0xD800, 0x0A]);
        let saved = with(&[0xD800, 0x0A, 0xFFFD, 0x3D, 0x31, 0x0A]);
        assert_eq!(merge(&old, &saved, old.clone()), saved);
    }
}

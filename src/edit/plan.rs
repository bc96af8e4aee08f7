//! What would change in an ini, as a value. Making one writes nothing: a dry run prints it, a transaction
//! carries it out.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::ini::document::{IniDocument, KeyLine, Line, Units};
use crate::ini::encoding::{BOM, Decoded, Encoding};
use crate::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use crate::ini::{Wide, lookup, wide, write};
use crate::microsip::keys::{self, SectionKeys};
use crate::microsip::privacy::{Guarded, Viewer};

/// One thing to change.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A key is to have this value, written as this text.
    Set { path: KeyPath, value: String, text: ValueText },
    /// A key is not to be there.
    Unset { path: KeyPath },
}

impl Edit {
    /// The key it is about.
    pub fn path(&self) -> &KeyPath {
        match self {
            Edit::Set { path, .. } | Edit::Unset { path } => path,
        }
    }

    /// The value that is to be read afterwards.
    pub fn wanted(&self) -> Option<Wide> {
        match self {
            Edit::Set { value, .. } => Some(wide(value)),
            Edit::Unset { .. } => None,
        }
    }
}

/// A value before and after, as MicroSIP reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The section as it was named.
    pub section: String,
    /// The key as it was named.
    pub key: String,
    /// What MicroSIP read.
    pub before: Option<Guarded>,
    /// What it will read.
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

/// Lines of the file before and after, for a diff.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChange {
    /// The key whose lines these are.
    pub path: KeyPath,
    /// The number of the first line, from 1.
    pub number: usize,
    /// The lines that go.
    pub removed: Vec<String>,
    /// The lines that come.
    pub added: Vec<String>,
}

/// What an edit would do to an ini.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
    /// The text afterwards.
    pub document: IniDocument,
    /// Whether the file is to be written.
    pub is_change: bool,
}

/// What deserves saying of an ini that is edited.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanWarning {
    #[error("the ini is {encoding}; it is written as UTF-16LE with BOM, as MicroSIP keeps it")]
    Encoding { encoding: Encoding },
    #[error(
        "the ini is {encoding}; MicroSIP will spoil it at its next start, and what is shown is how it was meant"
    )]
    EncodingRead { encoding: Encoding },
    #[error("[{section}] is there {count} times; MicroSIP reads only the first, which was used")]
    SectionDuplicate { section: String, count: usize },
    #[error("{path} is there {count} times; MicroSIP reads only the first, which was used")]
    KeyDuplicate { path: KeyPath, count: usize },
    #[error("{count} lines of {path} were removed")]
    SeveralRemoved { path: KeyPath, count: usize },
}

impl ToDiagnostic for PlanWarning {
    fn code(&self) -> Code {
        match self {
            PlanWarning::Encoding { .. } | PlanWarning::EncodingRead { .. } => Code::IniEncoding,
            PlanWarning::SectionDuplicate { .. } => Code::SectionDuplicate,
            PlanWarning::KeyDuplicate { .. } | PlanWarning::SeveralRemoved { .. } => Code::KeyDuplicate,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            PlanWarning::SectionDuplicate { .. } => {
                Some("move what you need from the later one into the first, then delete the later one".into())
            }
            PlanWarning::KeyDuplicate { path, .. } => {
                Some(format!("'msipcfg unset {path}' removes all of them; then set it again"))
            }
            PlanWarning::EncodingRead { .. } => {
                Some("any edit by msipcfg writes it as MicroSIP keeps it".into())
            }
            _ => None,
        }
    }
}

/// Works out what the edits would do. Values are compared as MicroSIP reads them, never as text.
pub fn make(decoded: &Decoded, edits: &[Edit]) -> Plan {
    let mut plan = Plan {
        changes: Vec::new(),
        lines: Vec::new(),
        warnings: Vec::new(),
        document: decoded.document.clone(),
        is_change: false,
    };
    // what goes goes last: a line that becomes the last one would lose its line end, and get another's again
    let (sets, unsets): (Vec<_>, Vec<_>) = edits.iter().partition(|edit| matches!(edit, Edit::Set { .. }));
    for edit in sets.into_iter().chain(unsets) {
        apply(&mut plan, edit);
    }
    plan.is_change = decoded.spoiled_by_microsip || plan.document != decoded.document;
    if plan.is_change && decoded.encoding != (Encoding::Utf16Le { bom: true }) && !decoded.document.is_empty()
    {
        plan.warnings.insert(0, Diagnostic::from(&PlanWarning::Encoding { encoding: decoded.encoding }));
    }
    plan
}

fn apply(plan: &mut Plan, edit: &Edit) {
    let path = edit.path();
    let (section, key) = (path.section.as_str(), path.key.as_str());
    let limit = keys::limit(section, key);
    let before = lookup::value(&plan.document, section, key, limit);
    let old = lines_of(&plan.document, path);
    let text_of = |document: &IniDocument, line: &Line| document.units(line.text.clone()).to_string();
    let mut removed: Vec<String> = old.iter().map(|line| text_of(&plan.document, line)).collect();

    let sections = plan.document.sections().filter(|found| found.name.is_named(section)).count();
    if sections > 1 {
        let remark = PlanWarning::SectionDuplicate { section: section.to_string(), count: sections };
        let notice = Diagnostic::from(&remark);
        if !plan.warnings.contains(&notice) {
            plan.warnings.push(notice);
        }
    }
    match edit {
        Edit::Set { text, .. } => {
            if old.len() > 1 {
                let remark = PlanWarning::KeyDuplicate { path: path.clone(), count: old.len() };
                plan.warnings.push(Diagnostic::from(&remark));
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
            let number = number_of(&plan.document, &line);
            plan.lines.push(LineChange { path: path.clone(), number, removed, added });
        }
        Edit::Unset { .. } => {
            let Some(first) = old.first() else { return };
            let number = number_of(&plan.document, first);
            if old.len() > 1 {
                let remark = PlanWarning::SeveralRemoved { path: path.clone(), count: old.len() };
                plan.warnings.push(Diagnostic::from(&remark));
            }
            write::unset(&mut plan.document, path);
            plan.lines.push(LineChange { path: path.clone(), number, removed, added: Vec::new() });
        }
    }
    let after = lookup::value(&plan.document, section, key, limit);
    let text = |value: Option<Wide>| value.map(|value| String::from_utf16_lossy(&value));
    plan.changes.push(Change::new(section, key, text(before), text(after)));
}

/// The lines of a key in the section that counts.
fn lines_of(document: &IniDocument, path: &KeyPath) -> Vec<Line> {
    let Some(section) = lookup::section(document, path.section.as_str()) else { return Vec::new() };
    lookup::key_lines(document, &section, path.key.as_str()).map(|key| key.line).collect()
}

/// The number of a line, from 1: one more than the line ends before it, CR LF being one.
pub fn number_of(document: &IniDocument, line: &Line) -> usize {
    // parts whose counts fit 16 bits are counted eight units at once
    const PART: usize = 0x4000;
    let before = document.units(BOM.len()..line.text.start);
    let parts = (0..before.len()).step_by(PART).map(|start| {
        let part = before.slice(start..before.len().min(start + PART));
        let behind = before.slice(start + 1..before.len().min(start + 1 + PART));
        let ends: u16 = part.iter().map(|unit| u16::from((unit == 0x0D) | (unit == 0x0A))).sum();
        let pairs = part.iter().zip(behind.iter()).map(|(a, b)| u16::from((a == 0x0D) & (b == 0x0A)));
        usize::from(ends - pairs.sum::<u16>())
    });
    1 + parts.sum::<usize>()
}

/// Every value that differs between two inis, for a restore.
pub fn differences(old: &IniDocument, new: &IniDocument) -> Vec<Change> {
    changes_between(&values(old, None), &values(new, None))
}

/// What MicroSIP changed from `old` to `saved`, put on top of `current`, which was made from `old`.
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

/// A text that is another for each other one. Half a surrogate pair cannot be written: it is shown as a text that
/// no name and no value can have.
fn exact(units: Units<'_>) -> String {
    let wide = units.to_wide();
    String::from_utf16(&wide).unwrap_or_else(|_| format!("\0{wide:04X?}"))
}

/// The values that count, each once, in the order of the file; those of one section where it is named.
pub fn values(document: &IniDocument, only: Option<&SectionName>) -> Vec<Entry> {
    entries(
        document,
        only,
        |name| name.to_string(),
        |known, line| {
            let limit = known.limit(&line.name.to_string());
            lookup::value_of(document, line, limit).map(|value| String::from_utf16_lossy(&value))
        },
    )
}

/// Section, key and what is said of it.
pub type Entry = (String, String, Option<String>);

fn entries(
    document: &IniDocument,
    only: Option<&SectionName>,
    name_of: impl Fn(Units<'_>) -> String,
    say: impl Fn(&SectionKeys, &KeyLine<'_>) -> Option<String>,
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
                let said = say(&known, &line);
                entries.push((name.clone(), key, said));
            }
        }
    }
    entries
}

fn changes_between(before: &[Entry], after: &[Entry]) -> Vec<Change> {
    let identity = |section: &str, key: &str| (section.to_ascii_lowercase(), key.to_ascii_lowercase());
    let index = |entries: &[Entry]| -> HashMap<(String, String), Option<String>> {
        entries.iter().map(|(section, key, said)| (identity(section, key), said.clone())).collect()
    };
    let (old, new) = (index(before), index(after));
    let gone_or_changed = before.iter().filter_map(|(section, key, said)| {
        let after = new.get(&identity(section, key));
        let change = || Change::new(section, key, said.clone(), after.cloned().flatten());
        (after != Some(said)).then(change)
    });
    let added = after
        .iter()
        .filter(|(section, key, _)| !old.contains_key(&identity(section, key)))
        .map(|(section, key, said)| Change::new(section, key, None, said.clone()));
    gone_or_changed.chain(added).collect()
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
    fn a_value_that_is_read_the_same_is_no_change() {
        let plan = plan(encode("[Settings]\r\nk='v'\r\n"), &[set("k", "v")]);
        assert!(!plan.is_change && plan.changes.is_empty() && plan.lines.is_empty());
    }

    #[test]
    fn a_change_says_what_was_and_what_will_be() {
        let plan = plan(encode("[Settings]\r\na=1\r\n k = \"v\"\r\n"), &[set("K", "w")]);
        assert!(plan.is_change);
        let change = Change::new("Settings", "K", Some("v".into()), Some("w".into()));
        assert_eq!(plan.changes, [change]);
        assert_eq!(plan.lines[0].number, 3);
        assert_eq!(plan.lines[0].removed, [" k = \"v\""]);
        assert_eq!(plan.lines[0].added, [" k = w"]);
    }

    #[test]
    fn lines_are_counted_by_their_ends() {
        for text in ["[S]\nk=1", "[S]\rk=1", "[S]\r\nk=1", ";\n\r[S]\r\r\nk=1\n", "\u{0A0A}\r\n[S]\n\nk=1"] {
            let document = IniDocument::from_utf16le(encode(text));
            let line = lines_of(&document, &"S/k".parse().unwrap()).remove(0);
            let number = 1 + document.all_lines().position(|other| other == line).unwrap();
            assert_eq!(number_of(&document, &line), number, "{text:?}");
        }
    }

    #[test]
    fn an_encoding_that_microsip_would_spoil_is_a_change_of_its_own() {
        let utf8 = plan("\u{FEFF}[Settings]\r\nk=v\r\n".into(), &[set("k", "v")]);
        assert!(utf8.is_change && utf8.changes.is_empty());
        assert_eq!(utf8.warnings[0].code, Code::IniEncoding);
        let ascii = plan(b"[Settings]\r\nk=v\r\n".to_vec(), &[set("k", "v")]);
        assert!(!ascii.is_change && ascii.warnings.is_empty());
    }

    #[test]
    fn duplicates_are_told_of() {
        let plan = plan(encode("[Settings]\nk=1\nk=2\n[settings]\nk=3\n"), &[set("k", "9")]);
        let codes: Vec<_> = plan.warnings.iter().map(|notice| notice.code).collect();
        assert_eq!(codes, [Code::SectionDuplicate, Code::KeyDuplicate]);
    }

    #[test]
    fn differences_name_each_value_once() {
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
    fn what_microsip_saved_meanwhile_is_put_on_top_of_the_edit() {
        let document = |text: &str| IniDocument::from_utf16le(encode(text));
        let old = document("[S]\na=1\nb=\"2\"\nc=3\n");
        let saved = document("[S]\na=5\nb=\"2\"\n[New]\nx= \" y\"\n");
        let current = document("[S]\na=1\nb=9\nc=3\n");
        let merged = merge(&old, &saved, current);
        assert_eq!(merged, document("[S]\na=5\nb=9\n[New]\nx=\" y\"\n"));
    }

    #[test]
    fn half_a_surrogate_pair_is_no_replacement_character() {
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

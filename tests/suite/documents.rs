//! Documents as bytes: what was read comes back, an edit changes its own line and no other byte, and the
//! check behind it lets nothing else pass. On generated texts, made to be hostile, and on every fixture.

use std::ops::Range;
use std::path::PathBuf;

use msipcfg::edit::plan::{self, Edit};
use msipcfg::edit::verify;
use msipcfg::ini::document::{IniDocument, is_blank};
use msipcfg::ini::encoding::{BOM, CodePage, Encoding, decode, decode_as};
use msipcfg::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use msipcfg::ini::{Wide, lookup, wide, write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;

/// Units that mean something to a reader of inis, that look like such, and a few that mean nothing.
const ALPHABET: [u16; 36] = [
    0x5B, 0x5D, 0x3D, 0x3B, 0x22, 0x27, 0x20, 0x09, 0x0B, 0x0C, 0x1A, 0x00, 0x0D, 0x0A, 0x61, 0x41, 0x62,
    0x6B, 0x53, 0x73, 0xE9, 0xC9, 0xD800, 0xDE00, 0x23, 0x3A, 0x2F, 0x5C, 0xA0, 0x85, 0x2028, 0xFEFF, 0x0D0A,
    0x0A0D, 0x5B00, 0x3B5B,
];

/// Names that files have and that are asked for, so that both often meet.
const SECTIONS: [&str; 9] = ["S", "s", "T", "Settings", "Account1", "a b", "é", "a/b", "[x"];
const KEYS: [&str; 10] = ["k", "K", "a", "b", "a b", "é", "\"k\"", "VAD", "cmdCallEnd", "a/b"];

const LINE_ENDS: [&str; 3] = ["\r\n", "\n", "\r"];

/// A whole text.
pub fn texts() -> impl Strategy<Value = Wide> {
    let line_end = prop_oneof![5 => Just("\r\n"), 3 => Just("\n"), 2 => Just("\r")];
    let line_and_end = (line(), line_end).prop_map(|(line, end)| [line, wide(end)].concat());
    let last = prop_oneof![Just(Wide::new()), line()];
    (vec(line_and_end, 0..12), last).prop_map(|(lines, last)| [lines.concat(), last].concat())
}

fn line() -> impl Strategy<Value = Wide> {
    let header =
        (blanks(), select(&SECTIONS[..]), blanks(), prop_oneof![3 => Just(Wide::new()), 1 => junk()])
            .prop_map(|(a, name, b, c)| [a, wide("["), b.clone(), wide(name), b, wide("]"), c].concat());
    let mark = prop_oneof![9 => Just(""), 1 => Just(";")];
    let key = (blanks(), mark, select(&KEYS[..]), blanks(), value_in_a_file(), blanks()).prop_map(
        |(a, mark, name, b, value, c)| {
            [a, wide(mark), wide(name), b.clone(), wide("="), b, value, c].concat()
        },
    );
    prop_oneof![4 => header, 8 => key, 3 => junk(), 1 => blanks()]
}

fn value_in_a_file() -> impl Strategy<Value = Wide> {
    let quote = prop_oneof![3 => Just(""), 1 => Just("\""), 1 => Just("'")];
    (quote, junk()).prop_map(|(quote, junk)| [wide(quote), junk, wide(quote)].concat())
}

fn junk() -> impl Strategy<Value = Wide> {
    vec(select(&ALPHABET[..]), 0..8)
}

fn blanks() -> impl Strategy<Value = Wide> {
    let blank = prop_oneof![3 => Just(0x20_u16), 1 => Just(0x09), 1 => Just(0x0B)];
    prop_oneof![3 => Just(Wide::new()), 1 => vec(blank, 0..3)]
}

/// The text behind a byte order mark, at times with an odd byte behind it.
fn documents() -> impl Strategy<Value = IniDocument> {
    let odd_byte = prop_oneof![4 => Just(None), 1 => any::<u8>().prop_map(Some)];
    (texts(), odd_byte).prop_map(|(text, odd_byte)| {
        let mut bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        bytes.splice(0..0, BOM);
        bytes.extend(odd_byte);
        IniDocument::from_utf16le(bytes)
    })
}

/// Any key that can be set.
pub fn paths() -> impl Strategy<Value = KeyPath> {
    let any_text = || vec(any::<char>(), 1..4).prop_map(String::from_iter);
    let section = prop_oneof![
        12 => select(&SECTIONS[..]).prop_map(str::to_string),
        1 => any_text(),
    ];
    let key = prop_oneof![12 => select(&KEYS[..]).prop_map(str::to_string), 1 => any_text()];
    (section, key).prop_filter_map("no name", |(section, key)| {
        Some(KeyPath { section: SectionName::new(&section).ok()?, key: KeyName::new(&key).ok()? })
    })
}

/// Any value that a text can give, up to the longest that every setting can have.
pub fn values() -> impl Strategy<Value = String> {
    let is_allowed = |c: &char| !['\r', '\n', '\0'].contains(c);
    let unit = prop_oneof![
        6 => select(&ALPHABET[..]).prop_map(|unit| char::from_u32(unit.into()).unwrap_or('x')),
        1 => any::<char>(),
    ];
    prop_oneof![
        3 => select(&["", "v", " v ", "\"v\"", "'", "a=b", "\\", "[S]", "k=1"][..]).prop_map(str::to_string),
        6 => vec(unit.prop_filter("no line", is_allowed), 0..8).prop_map(String::from_iter),
        1 => Just("x".repeat(254)),
    ]
}

/// The text that a value is read from: as it is, or quoted where the ends would be lost.
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

/// Text and line end.
type Split = Vec<(Wide, Wide)>;

/// The lines of a document, found without its help.
fn split(document: &IniDocument) -> Split {
    let units: Wide =
        document.as_bytes()[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut lines = Split::new();
    let mut rest = &units[..];
    while !rest.is_empty() {
        let text = rest.iter().position(|unit| [0x0D, 0x0A].contains(unit)).unwrap_or(rest.len());
        let end = match rest[text..] {
            [] => 0,
            [0x0D, 0x0A, ..] => 2,
            _ => 1,
        };
        lines.push((rest[..text].to_vec(), rest[text..text + end].to_vec()));
        rest = &rest[text + end..];
    }
    lines
}

/// How many whole lines stand before a byte.
fn lines_before(document: &IniDocument, byte: usize) -> usize {
    document.all_lines().take_while(|line| line.text.start < byte).count()
}

/// Where a value goes.
enum Place {
    /// Into the line with this number.
    In(usize),
    /// In front of the line with this number, with this many lines of its own.
    Before(usize, usize),
}

fn place_of(document: &IniDocument, path: &KeyPath) -> Place {
    let Some(section) = lookup::section(document, path.section.as_str()) else {
        return Place::Before(split(document).len(), 2);
    };
    match lookup::key_lines(document, &section, path.key.as_str()).next() {
        Some(key) => Place::In(lines_before(document, key.line.text.start)),
        None => {
            let header = lines_before(document, section.header.text.start);
            let end = lines_before(document, section.body.end);
            let lines = split(document);
            let last = (header..end).rev().find(|&index| !lines[index].0.iter().all(|&unit| is_blank(unit)));
            Place::Before(last.unwrap() + 1, 1)
        }
    }
}

/// The lines that a document must have when a value was set in it. The line end of a new line is one that most
/// lines before it have.
fn lines_after_set(
    old: &IniDocument,
    new: &IniDocument,
    path: &KeyPath,
    text: &ValueText,
) -> Result<Split, TestCaseError> {
    let mut lines = split(old);
    match place_of(old, path) {
        Place::In(index) => lines[index].0 = with_value(&lines[index].0, &wide(text.as_str())),
        Place::Before(index, added) => {
            let header = wide(&format!("[{}]", path.section.as_str()));
            let key = wide(&format!("{}={}", path.key.as_str(), text.as_str()));
            let texts = vec![header, key].split_off(2 - added);
            let is_unended = index == lines.len() && lines.last().is_none_or(|line| line.1.is_empty());
            // where the file ends without a line end, it still does
            let shown = if is_unended { index.max(1) - 1 } else { index };
            let line_end = split(new)[shown].1.clone();
            let is_before_lf = lines.get(index).is_some_and(|next| next.0.is_empty() && next.1 == [0x0A]);
            let is_usual = usual_line_ends(&lines[..index], is_before_lf).contains(&line_end);
            prop_assert!(is_usual, "a line ends with {:?} in {:?}", line_end, told(new));
            if is_unended && index > 0 {
                lines[index - 1].1.clone_from(&line_end);
            }
            lines.splice(index..index, texts.into_iter().map(|text| (text, line_end.clone())));
            if is_unended {
                lines.last_mut().unwrap().1.clear();
            }
        }
    }
    Ok(lines)
}

/// The line ends that most lines have. Before a LF it cannot be a CR, which would be one line end with it.
fn usual_line_ends(lines: &[(Wide, Wide)], is_before_lf: bool) -> Vec<Wide> {
    let count = |end: &Wide| lines.iter().filter(|line| line.1 == *end).count();
    let all = LINE_ENDS.map(wide);
    let most = all.iter().map(count).max().unwrap();
    match (most, is_before_lf && count(&wide("\r")) == most) {
        (0, _) => vec![wide("\r\n")],
        (_, true) => vec![wide("\r\n"), wide("\n")],
        (_, false) => all.into_iter().filter(|end| count(end) == most).collect(),
    }
}

/// A line with another text behind its first `=`, or behind its name if it has none. All else stays.
fn with_value(line: &[u16], text: &[u16]) -> Wide {
    let first = |units: &[u16]| units.iter().position(|&unit| !is_blank(unit));
    let behind_last = |units: &[u16]| units.iter().rposition(|&unit| !is_blank(unit)).map(|last| last + 1);
    let Some(equals) = line.iter().position(|&unit| unit == 0x3D) else {
        let end = behind_last(line).unwrap();
        return [&line[..end], &[0x3D], text, &line[end..]].concat();
    };
    let behind = &line[equals + 1..];
    let start = first(behind).unwrap_or(0);
    let end = behind_last(behind).unwrap_or(0);
    [&line[..=equals], &behind[..start], text, &behind[end..]].concat()
}

/// The bytes that an edit is free to make: the line of the key, or the lines that are new.
fn own_bytes(old: &IniDocument, new: &IniDocument, path: &KeyPath) -> Range<usize> {
    let offset = |document, lines: usize| {
        let before = split(document).into_iter().take(lines);
        2 + 2 * before.map(|(text, end)| text.len() + end.len()).sum::<usize>()
    };
    match place_of(old, path) {
        Place::In(index) => offset(new, index)..offset(new, index + 1),
        Place::Before(index, _) => {
            let start = offset(old, index);
            start..start + new.as_bytes().len() - old.as_bytes().len()
        }
    }
}

/// The document with another unit at a byte, or `None` if it is the unit that is there.
fn with_unit(document: &IniDocument, byte: usize, unit: u16) -> Option<IniDocument> {
    let mut bytes = document.as_bytes().to_vec();
    let there = &mut bytes[byte..byte + 2];
    if there == unit.to_le_bytes() {
        return None;
    }
    there.copy_from_slice(&unit.to_le_bytes());
    Some(IniDocument::from_utf16le(bytes))
}

fn is_accepted(old: &IniDocument, new: &IniDocument, edit: &Edit) -> bool {
    verify::check(old, new, std::slice::from_ref(edit)).is_ok()
}

/// The text of a document for a failed assertion.
fn told(document: &IniDocument) -> String {
    document.units(2..document.end()).to_string()
}

fn odd_byte(document: &IniDocument) -> &[u8] {
    &document.as_bytes()[document.end()..]
}

fn set_changes_its_own_line(document: &IniDocument, path: &KeyPath, new_value: &str) -> TestCaseResult {
    let new = set(document, path, new_value);
    let expected = lines_after_set(document, &new, path, &text_for(new_value))?;
    prop_assert_eq!(
        split(&new),
        expected,
        "{}={:?} in {:?} made {:?}",
        path,
        new_value,
        told(document),
        told(&new)
    );
    prop_assert_eq!(odd_byte(&new), odd_byte(document));
    prop_assert_eq!(value(&new, path), Some(wide(new_value)), "{} in {:?}", path, told(&new));
    prop_assert_eq!(set(&new, path, new_value), new, "set a second time");
    Ok(())
}

fn new_key_goes_without_a_trace(document: &IniDocument, path: &KeyPath, new_value: &str) -> TestCaseResult {
    let new = set(document, path, new_value);
    let back = unset(&new, path);
    prop_assert_eq!(told(&back), told(document), "{} in {:?}", path, told(&new));
    prop_assert_eq!(back.into_bytes(), document.as_bytes());
    Ok(())
}

fn unset_takes_its_own_lines(document: &IniDocument, path: &KeyPath) -> TestCaseResult {
    let gone: Vec<usize> = lookup::section(document, path.section.as_str())
        .iter()
        .flat_map(|section| lookup::key_lines(document, section, path.key.as_str()))
        .map(|key| lines_before(document, key.line.text.start))
        .collect();
    let mut lines = split(document);
    let is_unended = lines.last().is_some_and(|line| line.1.is_empty());
    let is_last_gone = gone.last().is_some_and(|&last| last + 1 == lines.len());
    let mut index = 0..;
    lines.retain(|_| !gone.contains(&index.next().unwrap()));
    let last = lines.last_mut().filter(|last| is_unended && is_last_gone && !last.0.is_empty());
    if let Some(last) = last {
        // the file still ends without a line end
        last.1.clear();
    }
    let new = unset(document, path);
    // compared as one text: where a bare CR and a LF meet that were apart, they are one line end now
    let expected: Wide = lines.into_iter().flat_map(|(text, end)| [text, end]).flatten().collect();
    prop_assert_eq!(
        told(&new),
        String::from_utf16_lossy(&expected),
        "{} out of {:?} made {:?}",
        path,
        told(document),
        told(&new)
    );
    prop_assert_eq!(new.units(2..new.end()).to_wide(), expected);
    prop_assert_eq!(odd_byte(&new), odd_byte(document));
    prop_assert_eq!(value(&new, path), None, "{} in {:?}", path, told(&new));
    Ok(())
}

fn check_accepts(document: &IniDocument, path: &KeyPath, new_value: &str) -> TestCaseResult {
    let new = set(document, path, new_value);
    let verdict = verify::check(document, &new, &[edit_for(path, new_value)]);
    prop_assert!(verdict.is_ok(), "{verdict:?}: {path}={new_value:?} in {:?}", told(document));
    let verdict = verify::check(document, &unset(document, path), &[Edit::Unset { path: path.clone() }]);
    prop_assert!(verdict.is_ok(), "{verdict:?}: {path} out of {:?}", told(document));
    Ok(())
}

fn check_rejects(
    old: &IniDocument,
    new: &IniDocument,
    edit: &Edit,
    byte: usize,
    unit: u16,
) -> TestCaseResult {
    let Some(spoilt) = with_unit(new, byte, unit) else { return Ok(()) };
    prop_assert!(
        !is_accepted(old, &spoilt, edit),
        "{edit:?} in {:?} was let pass as {:?}, with {unit:#06X} at byte {byte}",
        told(old),
        told(&spoilt)
    );
    Ok(())
}

fn planting_text_is_refused(text: &str) {
    assert!(SectionName::new(text).is_err());
    assert!(KeyName::new(text).is_err());
    assert!(ValueText::new(text).is_err());
    assert!(format!("S/{text}").parse::<KeyPath>().is_err());
    assert!(format!("{text}/k").parse::<KeyPath>().is_err());
}

fn misleading_names_are_refused(before: &str, after: &str, blank: &str) {
    assert!(KeyName::new(&format!("{before}={after}")).is_err());
    assert!(SectionName::new(&format!("{before}]{after}")).is_err());
    assert!(KeyName::new(&format!("{blank}[{after}")).is_err());
    assert!(KeyName::new(&format!("{blank};{after}")).is_err());
    assert!(KeyName::new(blank).is_err());
    assert!(SectionName::new(blank).is_err());
}

/// A failure is kept as a named test, not as a file.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: 2 * config.cases, failure_persistence: None, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_come_back(bytes in vec(any::<u8>(), 0..120), names in (any::<String>(), any::<String>())) {
        let with_bom = [&BOM, &bytes[..]].concat();
        let document = IniDocument::from_utf16le(with_bom.clone());
        for section in document.sections() {
            prop_assert!(document.keys(&section).all(|key| key.name_end <= key.line.text.end));
        }
        let _ = lookup::value(&document, &names.0, &names.1, 255);
        prop_assert_eq!(&document.clone().into_bytes(), &with_bom);
        let same = decode_as(with_bom.clone(), Encoding::Utf16Le { bom: true }).unwrap();
        prop_assert_eq!(&same, &document);
        if let Ok(decoded) = decode(with_bom, None) {
            prop_assert_eq!(decoded.encoding, Encoding::Utf16Le { bom: true });
            prop_assert_eq!(&decoded.document, &document);
        }
        // bytes of any other encoding do no harm either
        let _ = decode(bytes, CodePage::from_number(1252));
    }

    #[test]
    fn a_hostile_text_comes_back(document in documents()) {
        let bytes = document.as_bytes().to_vec();
        let again = decode_as(bytes.clone(), Encoding::Utf16Le { bom: true }).unwrap();
        prop_assert_eq!(again.into_bytes(), bytes);
    }

    #[test]
    fn lines_cover_the_text_without_gaps(document in documents()) {
        let mut at = BOM.len();
        let mut lines = Split::new();
        for line in document.all_lines() {
            prop_assert_eq!(line.text.start, at);
            at = line.next;
            let end = document.units(line.text.end..line.next).to_wide();
            lines.push((document.units(line.text).to_wide(), end));
        }
        prop_assert_eq!(at, document.end());
        prop_assert_eq!(lines, split(&document));
    }

    #[test]
    fn sections_cover_the_text_from_the_first_header(document in documents()) {
        let is_header = |line: &Wide| line.iter().find(|&&unit| !is_blank(unit)) == Some(&0x5B);
        let wanted: Vec<Wide> = split(&document).into_iter().map(|line| line.0).filter(is_header).collect();
        let found: Vec<Wide> =
            document.headers().map(|header| document.units(header.text).to_wide()).collect();
        prop_assert_eq!(found, wanted);
        let mut at = None;
        for section in document.sections() {
            prop_assert!(at.is_none_or(|at| at == section.header.text.start));
            prop_assert_eq!(section.header.next, section.body.start);
            for key in document.keys(&section) {
                let text = document.units(key.line.text.clone());
                prop_assert_eq!(key.value.is_some(), text.iter().any(|unit| unit == 0x3D));
                for byte in [Some(key.name_end), key.value.map(|value| value.start)].into_iter().flatten() {
                    prop_assert!(key.line.text.start <= byte && byte <= key.line.text.end);
                }
            }
            at = Some(section.body.end);
        }
        prop_assert!(at.is_none_or(|at| at == document.end()));
    }

    #[test]
    fn a_set_is_read_back_and_changes_its_own_line(
        document in documents(), path in paths(), new_value in values(),
    ) {
        set_changes_its_own_line(&document, &path, &new_value)?;
    }

    #[test]
    fn a_new_key_in_a_section_goes_without_a_trace(
        document in documents(), path in paths(), new_value in values(),
    ) {
        if matches!(place_of(&document, &path), Place::Before(_, 1)) {
            new_key_goes_without_a_trace(&document, &path, &new_value)?;
        }
    }

    #[test]
    fn an_unset_takes_its_own_lines(document in documents(), path in paths()) {
        unset_takes_its_own_lines(&document, &path)?;
    }

    #[test]
    fn the_check_accepts_every_edit(document in documents(), path in paths(), new_value in values()) {
        check_accepts(&document, &path, &new_value)?;
    }

    #[test]
    fn the_check_rejects_a_change_to_any_other_unit(
        old in documents(),
        path in paths(),
        new_value in values(),
        changes in vec((any::<Index>(), select(&ALPHABET[..])), 10),
    ) {
        let new = set(&old, &path, &new_value);
        let own = own_bytes(&old, &new, &path);
        let edit = edit_for(&path, &new_value);
        for (index, unit) in &changes {
            let byte = 2 * (1 + index.index(new.end() / 2 - 1));
            if !own.contains(&byte) {
                check_rejects(&old, &new, &edit, byte, *unit)?;
            }
        }
        let without = unset(&old, &path);
        for (index, unit) in changes {
            if !without.is_empty() {
                let byte = 2 * (1 + index.index(without.end() / 2 - 1));
                check_rejects(&old, &without, &Edit::Unset { path: path.clone() }, byte, unit)?;
            }
        }
    }

    #[test]
    fn the_check_rejects_a_change_within_the_edited_line(
        old in documents(),
        path in paths(),
        new_value in values(),
        changes in vec((any::<Index>(), select(&ALPHABET[..])), 10),
    ) {
        let new = set(&old, &path, &new_value);
        let own = own_bytes(&old, &new, &path);
        let is_new = matches!(place_of(&old, &path), Place::Before(..));
        for (index, unit) in changes {
            let byte = own.start + 2 * index.index(own.len() / 2);
            if is_new && [b"\r\0", b"\n\0"].iter().any(|end| new.as_bytes()[byte..].starts_with(*end)) {
                // what a new line ends with is the edit's choice
                continue;
            }
            check_rejects(&old, &new, &edit_for(&path, &new_value), byte, unit)?;
        }
    }

    #[test]
    fn the_check_rejects_another_odd_byte(old in documents(), path in paths(), byte in any::<u8>()) {
        let new = set(&old, &path, "v");
        let mut bytes = new.clone().into_bytes();
        let had = (bytes.len() % 2 == 1).then(|| bytes.pop().unwrap());
        bytes.extend(if had == Some(byte) { None } else { Some(byte) });
        prop_assert!(!is_accepted(&old, &IniDocument::from_utf16le(bytes), &edit_for(&path, "v")));
    }

    #[test]
    fn a_name_or_value_that_could_plant_a_line_cannot_be_made(
        before in any::<String>(), breaks in select(&["\r", "\n", "\r\n", "\0"][..]), after in any::<String>(),
    ) {
        planting_text_is_refused(&format!("x{before}{breaks}{after}x"));
    }

    #[test]
    fn a_name_that_would_be_another_cannot_be_made(
        before in any::<String>(), after in any::<String>(), blank in select(&["", " ", "\t", "\u{B}\u{1A} "][..]),
    ) {
        misleading_names_are_refused(&before, &after, blank);
    }

    #[test]
    fn a_merge_keeps_what_both_sides_changed(
        old in documents(),
        by_microsip in vec((paths(), prop::option::weighted(0.8, values())), 0..5),
        by_us in vec((paths(), values()), 1..3),
    ) {
        let mut saved = old.clone();
        for (path, new_value) in &by_microsip {
            saved = match new_value {
                Some(new_value) => set(&saved, path, new_value),
                None => unset(&saved, path),
            };
        }
        let current = by_us.iter().fold(old.clone(), |current, (path, value)| set(&current, path, value));
        let merged = plan::merge(&old, &saved, current.clone());
        let touched = by_microsip.iter().map(|(path, _)| path).chain(by_us.iter().map(|(path, _)| path));
        for path in touched {
            let is_microsips = value(&saved, path) != value(&old, path);
            let wanted = if is_microsips { &saved } else { &current };
            prop_assert_eq!(
                value(&merged, path),
                value(wanted, path),
                "{} in {:?}, made of {:?}, saved as {:?}, edited as {:?}",
                path, told(&merged), told(&old), told(&saved), told(&current)
            );
        }
    }
}

/// Every fixture with its name, decoded as whoever wrote it meant it.
fn fixtures() -> Vec<(String, Vec<u8>, IniDocument)> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "inis"].iter().collect();
    let mut fixtures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let page = if name.contains("1251") { 1251 } else { 1252 };
            let bytes = std::fs::read(entry.path()).unwrap();
            let decoded = decode(bytes.clone(), CodePage::from_number(page));
            let document = decoded.unwrap_or_else(|error| panic!("{name}: {error}")).document;
            (name, bytes, document)
        })
        .collect();
    assert!(fixtures.len() >= 23, "fixtures are missing: {}", fixtures.len());
    fixtures.sort_by(|a, b| a.0.cmp(&b.0));
    fixtures
}

/// The keys of an ini that can be named, one that each of its sections lacks, and one in a new section.
fn paths_in(document: &IniDocument) -> Vec<KeyPath> {
    let mut paths: Vec<KeyPath> = vec!["A new section/with a key".parse().unwrap()];
    for section in document.sections() {
        let Ok(name) = SectionName::new(&section.name.to_string()) else { continue };
        let names = document.keys(&section).map(|key| key.name.to_string()).chain(["aNewKey".to_string()]);
        paths.extend(
            names.filter_map(|key| Some(KeyPath { section: name.clone(), key: KeyName::new(&key).ok()? })),
        );
    }
    paths
}

/// The edits to make in an ini: each path with a value, the values in turn.
fn edits_in(document: &IniDocument) -> Vec<(KeyPath, &'static str)> {
    let values = ["1", "", " with blanks ", "C:\\Example\\ring.exe", "\"quoted\"", "Zoë; Ж = 😀"];
    paths_in(document).into_iter().zip(values.into_iter().cycle()).collect()
}

fn document(text: &str) -> IniDocument {
    IniDocument::from_utf16le(wide(text).into_iter().flat_map(u16::to_le_bytes).collect())
}

fn path(section: &str, key: &str) -> KeyPath {
    KeyPath { section: SectionName::new(section).unwrap(), key: KeyName::new(key).unwrap() }
}

#[test]
fn edits_that_are_right_in_odd_texts_pass_the_check() {
    for (text, section, key, new_value) in [
        // a second reader of another dialect parts names and values at other places, and trims more
        ("[S]\r\na=1\r\n", "S", "a:b", "1"),
        ("[S]\r\na=1\r\n", "S", "#c", "1"),
        ("[S]\r\na=1\r\n", "S", "k", "\u{A0}v"),
        ("[S]\na=1\n", "S", "k", "C:\\rec\\"),
        ("", "\\", "k", "v"),
        // and a comment goes on behind a bare CR
        ("[S]\r\na=1\r\n;c\r", "S", "k", "1"),
        // a blank line in front of the last one, which has no line end
        ("[S]\r\n\r\nk=1", "S", "k", "2"),
        // a LF that a CR must not come to stand before
        ("[S]\ra=1\rk=1\n\nb=2\n", "S", "k", "2"),
        ("[S]\ra=1\n\n[T]\n", "S", "k", "1"),
    ] {
        let (document, path) = (document(text), path(section, key));
        set_changes_its_own_line(&document, &path, new_value).unwrap();
        unset_takes_its_own_lines(&document, &path).unwrap();
        check_accepts(&document, &path, new_value).unwrap();
    }
}

#[test]
fn changes_that_read_the_same_do_not_pass_the_check() {
    let edit = edit_for(&path("S", "k"), "9");
    for (old, right, wrong) in [
        // a later line of the same key
        ("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=2\n", "[S]\nk=9\nk=3\n"),
        ("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=2\n", "[S]\nk=9\n"),
        // the line end of the last line
        ("[S]\nk=1\na=2\n", "[S]\nk=9\na=2\n", "[S]\nk=9\na=2\r"),
        ("[S]\nk=1\na=2\n", "[S]\nk=9\na=2\n", "[S]\nk=9\na=2"),
        // the edited line beside its value
        ("[S]\n k = 1\n", "[S]\n k = 9\n", "[S]\nk=9\n"),
        ("[S]\nk=1\n", "[S]\nk=9\n", "[S]\nK=9\n"),
        ("[S]\nk=1\n[T]\n", "[S]\nk=9\n[T]\n", "[S]\nk=9\r\n[T]\n"),
        // the text of new lines
        ("[S]\na=1\n", "[S]\na=1\nk=9\n", "[S]\na=1\nk= 9\n"),
        ("[T]\n", "[T]\n[S]\nk=9\n", "[T]\n[S] x\nk=9\n"),
    ] {
        let (old, right, wrong) = (document(old), document(right), document(wrong));
        assert_eq!(set(&old, edit.path(), "9"), right);
        assert!(is_accepted(&old, &right, &edit), "{:?}", told(&right));
        assert!(!is_accepted(&old, &wrong, &edit), "{:?}", told(&wrong));
    }
}

#[test]
fn a_merge_finds_a_section_with_a_slash_in_its_name() {
    let (old, saved) = (document("[a/b]\nk=1\n[S]\nk=1\n"), document("[a/b]\nk=2\n[S]\nk=1\n"));
    let merged = plan::merge(&old, &saved, set(&old, &path("S", "k"), "9"));
    assert_eq!(told(&merged), "[a/b]\nk=2\n[S]\nk=9\n");
}

#[test]
fn a_merge_keeps_half_of_a_surrogate_pair_that_microsip_saved() {
    let with_name = |unit: u16| {
        let text = [wide("[S]\r\nname="), vec![unit], wide("\r\nk=1\r\n")].concat();
        IniDocument::from_utf16le(text.into_iter().flat_map(u16::to_le_bytes).collect())
    };
    let (old, saved) = (with_name(0xD83D), with_name(0xD83E));
    let merged = plan::merge(&old, &saved, set(&old, &path("S", "k"), "2"));
    assert_eq!(value(&merged, &path("S", "name")), Some(vec![0xD83E]));
}

#[test]
fn every_fixture_comes_back() {
    let mut with_bom = 0;
    for (name, bytes, document) in fixtures() {
        let lines = split(&document);
        let units: usize = lines.iter().map(|(text, end)| text.len() + end.len()).sum();
        assert_eq!(2 + 2 * units, document.end(), "{name}");
        if bytes.starts_with(&BOM) {
            with_bom += 1;
            assert_eq!(document.into_bytes(), bytes, "{name}");
        } else if bytes.is_ascii() && !bytes.contains(&0) {
            let text: Vec<u8> = document.units(2..document.end()).to_string().into_bytes();
            assert_eq!(text, bytes, "{name}");
        }
    }
    assert!(with_bom >= 13, "fixtures are missing: {with_bom}");
}

#[test]
fn edits_of_every_fixture_change_their_own_lines() {
    for (name, _, document) in fixtures() {
        println!("{name}");
        for (path, new_value) in edits_in(&document) {
            set_changes_its_own_line(&document, &path, new_value).unwrap();
            unset_takes_its_own_lines(&document, &path).unwrap();
            if matches!(place_of(&document, &path), Place::Before(_, 1)) {
                new_key_goes_without_a_trace(&document, &path, new_value).unwrap();
            }
        }
    }
}

#[test]
fn the_check_accepts_every_edit_of_every_fixture() {
    for (name, _, document) in fixtures() {
        println!("{name}");
        for (path, new_value) in edits_in(&document) {
            check_accepts(&document, &path, new_value).unwrap();
        }
    }
}

#[test]
fn the_check_rejects_other_changes_to_every_fixture() {
    /// So many of the units of a file are changed, one at a time.
    const PROBES: usize = 60;
    for (name, _, old) in fixtures() {
        println!("{name}");
        let edits = edits_in(&old);
        // another edit for each unit that is changed: all of one with all of the other would take minutes
        let mut edits = edits.iter().cycle();
        let step = (old.end() / 2).div_ceil(PROBES).max(1);
        for at in (0..old.end() / 2).step_by(step) {
            let (path, new_value) = edits.next().unwrap();
            let new = set(&old, path, new_value);
            let own = own_bytes(&old, &new, path);
            let byte = 2 + 2 * (at % (new.end() / 2 - 1));
            if !own.contains(&byte) {
                for unit in [0x78, 0x0A, 0x0D, 0x20, 0x3D, 0x00] {
                    check_rejects(&old, &new, &edit_for(path, new_value), byte, unit).unwrap();
                }
            }
        }
    }
}

//! A second, simple implementation of edits, and properties that compare it with the real one.

use std::ops::Range;

use msipcfg::edit::plan::Edit;
use msipcfg::edit::verify;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::name::{KeyPath, ValueText};
use msipcfg::ini::utf16::is_whitespace;
use msipcfg::ini::{Wide, lookup, wide};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::{edit_for, is_accepted, set, text_for, text_of, unset, value};

const LINE_ENDS: [&str; 3] = ["\r\n", "\n", "\r"];

/// Lines: each with its text and line end.
pub(super) type Split = Vec<(Wide, Wide)>;

/// Splits a document into lines, independently of its own code.
pub(super) fn split(document: &IniDocument) -> Split {
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

/// Counts the lines before a position.
pub(super) fn lines_before(document: &IniDocument, byte: usize) -> usize {
    document.all_lines().take_while(|line| line.text.start < byte).count()
}

/// The place of a value.
pub(super) enum Place {
    /// In the line with this index.
    In(usize),
    /// Before the line with this index, in this many new lines.
    Before(usize, usize),
}

/// Returns whether a line contains only NULs, as after a power failure. They stay at the end.
fn is_nuls((text, _): &(Wide, Wide)) -> bool {
    !text.is_empty() && text.iter().all(|&unit| unit == 0)
}

pub(super) fn place_of(document: &IniDocument, path: &KeyPath) -> Place {
    let Some(section) = lookup::section(document, path.section.as_str()) else {
        let last = split(document).iter().rposition(|line| !is_nuls(line));
        return Place::Before(last.map_or(0, |last| last + 1), 2);
    };
    match lookup::key_lines(document, &section, path.key.as_str()).next() {
        Some(key) => Place::In(lines_before(document, key.line.text.start)),
        None => {
            let header = lines_before(document, section.header.text.start);
            let end = lines_before(document, section.body.end);
            let lines = split(document);
            let is_blank =
                |line: &(Wide, Wide)| line.0.iter().all(|&unit| is_whitespace(unit)) || is_nuls(line);
            let last = (header..end).rev().find(|&index| !is_blank(&lines[index]));
            Place::Before(last.unwrap() + 1, 1)
        }
    }
}

/// Returns the lines that a document must have after a value was set. The line end of a new line must be the most
/// frequent one before it.
pub(super) fn lines_after_set(
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
            let is_unterminated = index == lines.len() && lines.last().is_none_or(|line| line.1.is_empty());
            // a file without a final line end doesn't get one
            let shown = if is_unterminated { index.max(1) - 1 } else { index };
            let line_end = split(new)[shown].1.clone();
            let is_before_lf = lines.get(index).is_some_and(|next| next.0.is_empty() && next.1 == [0x0A]);
            let is_usual = usual_line_ends(&lines[..index], is_before_lf).contains(&line_end);
            prop_assert!(is_usual, "a line ends with {:?} in {:?}", line_end, text_of(new));
            if is_unterminated && index > 0 {
                lines[index - 1].1.clone_from(&line_end);
            }
            lines.splice(index..index, texts.into_iter().map(|text| (text, line_end.clone())));
            if is_unterminated {
                lines.last_mut().unwrap().1.clear();
            }
        }
    }
    Ok(lines)
}

/// Returns the most frequent line ends. A CR can't be used before a LF, because they would form one line end.
pub(super) fn usual_line_ends(lines: &[(Wide, Wide)], is_before_lf: bool) -> Vec<Wide> {
    let count = |end: &Wide| lines.iter().filter(|line| line.1 == *end).count();
    let all = LINE_ENDS.map(wide);
    let most = all.iter().map(count).max().unwrap();
    match (most, is_before_lf && count(&wide("\r")) == most) {
        (0, _) => vec![wide("\r\n")],
        (_, true) => vec![wide("\r\n"), wide("\n")],
        (_, false) => all.into_iter().filter(|end| count(end) == most).collect(),
    }
}

/// Replaces the text after the first `=`, or adds it after the name if there is none. Everything else stays.
pub(super) fn with_value(line: &[u16], text: &[u16]) -> Wide {
    let first = |units: &[u16]| units.iter().position(|&unit| !is_whitespace(unit));
    let after_last =
        |units: &[u16]| units.iter().rposition(|&unit| !is_whitespace(unit)).map(|last| last + 1);
    let Some(equals) = line.iter().position(|&unit| unit == 0x3D) else {
        let end = after_last(line).unwrap();
        return [&line[..end], &[0x3D], text, &line[end..]].concat();
    };
    let after = &line[equals + 1..];
    let start = first(after).unwrap_or(0);
    let end = after_last(after).unwrap_or(0);
    [&line[..=equals], &after[..start], text, &after[end..]].concat()
}

/// Returns the bytes that an edit may change: the line of the key, or the new lines.
pub(super) fn own_bytes(old: &IniDocument, new: &IniDocument, path: &KeyPath) -> Range<usize> {
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

/// Replaces the unit at a position. Returns `None` if it is the same unit.
pub(super) fn with_unit(document: &IniDocument, byte: usize, unit: u16) -> Option<IniDocument> {
    let mut bytes = document.as_bytes().to_vec();
    let pair = &mut bytes[byte..byte + 2];
    if pair == unit.to_le_bytes() {
        return None;
    }
    pair.copy_from_slice(&unit.to_le_bytes());
    Some(IniDocument::from_utf16le(bytes))
}

pub(super) fn odd_byte(document: &IniDocument) -> &[u8] {
    &document.as_bytes()[document.end()..]
}

pub(super) fn set_changes_its_own_line(
    document: &IniDocument,
    path: &KeyPath,
    new_value: &str,
) -> TestCaseResult {
    let new = set(document, path, new_value);
    let expected = lines_after_set(document, &new, path, &text_for(new_value))?;
    prop_assert_eq!(
        split(&new),
        expected,
        "{}={:?} in {:?} made {:?}",
        path,
        new_value,
        text_of(document),
        text_of(&new)
    );
    prop_assert_eq!(odd_byte(&new), odd_byte(document));
    prop_assert_eq!(value(&new, path), Some(wide(new_value)), "{} in {:?}", path, text_of(&new));
    prop_assert_eq!(set(&new, path, new_value), new, "set a second time");
    Ok(())
}

pub(super) fn unset_reverts_a_new_key(
    document: &IniDocument,
    path: &KeyPath,
    new_value: &str,
) -> TestCaseResult {
    let new = set(document, path, new_value);
    let back = unset(&new, path);
    prop_assert_eq!(text_of(&back), text_of(document), "{} in {:?}", path, text_of(&new));
    prop_assert_eq!(back.into_bytes(), document.as_bytes());
    Ok(())
}

pub(super) fn unset_removes_its_own_lines(document: &IniDocument, path: &KeyPath) -> TestCaseResult {
    let removed: Vec<usize> = lookup::section(document, path.section.as_str())
        .iter()
        .flat_map(|section| lookup::key_lines(document, section, path.key.as_str()))
        .map(|key| lines_before(document, key.line.text.start))
        .collect();
    let mut lines = split(document);
    let is_unterminated = lines.last().is_some_and(|line| line.1.is_empty());
    let is_last_removed = removed.last().is_some_and(|&last| last + 1 == lines.len());
    let mut index = 0..;
    lines.retain(|_| !removed.contains(&index.next().unwrap()));
    let last = lines.last_mut().filter(|last| is_unterminated && is_last_removed && !last.0.is_empty());
    if let Some(last) = last {
        // the file still has no final line end
        last.1.clear();
    }
    let new = unset(document, path);
    // compared as one text, because a bare CR and a LF that meet now are one line end
    let expected: Wide = lines.into_iter().flat_map(|(text, end)| [text, end]).flatten().collect();
    prop_assert_eq!(
        text_of(&new),
        String::from_utf16_lossy(&expected),
        "{} out of {:?} made {:?}",
        path,
        text_of(document),
        text_of(&new)
    );
    prop_assert_eq!(new.units(2..new.end()).to_wide(), expected);
    prop_assert_eq!(odd_byte(&new), odd_byte(document));
    prop_assert_eq!(value(&new, path), None, "{} in {:?}", path, text_of(&new));
    Ok(())
}

pub(super) fn check_accepts(document: &IniDocument, path: &KeyPath, new_value: &str) -> TestCaseResult {
    let new = set(document, path, new_value);
    let verdict = verify::check(document, &new, &[edit_for(path, new_value)]);
    prop_assert!(verdict.is_ok(), "{verdict:?}: {path}={new_value:?} in {:?}", text_of(document));
    let verdict = verify::check(document, &unset(document, path), &[Edit::Unset { path: path.clone() }]);
    prop_assert!(verdict.is_ok(), "{verdict:?}: {path} out of {:?}", text_of(document));
    Ok(())
}

pub(super) fn check_rejects(
    old: &IniDocument,
    new: &IniDocument,
    edit: &Edit,
    byte: usize,
    unit: u16,
) -> TestCaseResult {
    let Some(changed) = with_unit(new, byte, unit) else { return Ok(()) };
    prop_assert!(
        !is_accepted(old, &changed, edit),
        "{edit:?} in {:?} was accepted as {:?}, with {unit:#06X} at byte {byte}",
        text_of(old),
        text_of(&changed)
    );
    Ok(())
}

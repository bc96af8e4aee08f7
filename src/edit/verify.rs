//! Checks an edit before it is written: the old and the new text must differ by the plan and by nothing else.
//!
//! This reads both texts again, line by line, and doesn't use the code that made the edit.

use std::ops::Range;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::ini::document::{IniDocument, KeyLine};
use crate::ini::utf16::BOM;
use crate::ini::{lookup, wide};
use crate::microsip::keys;

use super::plan::Edit;

/// The edit changed something that wasn't planned, which is a bug in msipcfg.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("the check of the new ini failed: {0} doesn't have the planned value")]
    Value(String),
    #[error("the check of the new ini failed: the section [{0}] wasn't added as planned")]
    Header(String),
    #[error("the check of the new ini failed: a line changed that isn't part of the edit")]
    OtherLines,
}

impl ToDiagnostic for VerifyError {
    fn code(&self) -> Code {
        Code::EditUnverified
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was written; please report this as a bug, with the ini if you can share it".into())
    }
}

/// Compares the old and the new text.
///
/// # Errors
/// If they differ by anything other than the edits.
pub fn check(old: &IniDocument, new: &IniDocument, edits: &[Edit]) -> Result<(), VerifyError> {
    for edit in edits {
        let path = edit.path();
        let (section, key) = (path.section.as_str(), path.key.as_str());
        let value = lookup::value(new, section, key, keys::limit(section, key));
        let is_left = matches!(edit, Edit::Unset { .. }) && !edited_lines(new, edit).is_empty();
        if is_left || value != edit.wanted() || !is_line_as_planned(old, new, edit) {
            return Err(VerifyError::Value(path.to_string()));
        }
    }
    let added_headers = added_headers(old, new, edits)?;
    let (before, after) = (other_lines(old, edits, &[]), other_lines(new, edits, &added_headers));
    // in a file without a final line end, a new last line gives one to the line before it or takes it away again
    let may_end_differently = before.are_last_of_file != after.are_last_of_file
        && (before.line_end.is_empty() || after.line_end.is_empty());
    // where removing lines lets a bare CR and a LF meet, they have become one line end
    let is_same = are_equal(before.whole(), after.whole())
        || may_end_differently && are_equal(before.text.iter().copied(), after.text.iter().copied());
    if !is_same || old.as_bytes()[old.end()..] != new.as_bytes()[new.end()..] {
        return Err(VerifyError::OtherLines);
    }
    Ok(())
}

/// Returns the names of the sections that the edits have added.
fn added_headers<'a>(
    old: &IniDocument,
    new: &IniDocument,
    edits: &'a [Edit],
) -> Result<Vec<&'a str>, VerifyError> {
    let mut added: Vec<&str> = Vec::new();
    for edit in edits {
        let name = edit.path().section.as_str();
        let is_known = added.iter().any(|added| added.eq_ignore_ascii_case(name));
        if is_known || lookup::section(old, name).is_some() {
            continue;
        }
        if let Some(section) = lookup::section(new, name) {
            if new.units(section.header.text).to_string() != format!("[{name}]") {
                return Err(VerifyError::Header(name.to_string()));
            }
            added.push(name);
        }
    }
    Ok(added)
}

/// Returns whether the line of an edit has the new text and otherwise didn't change.
fn is_line_as_planned(old: &IniDocument, new: &IniDocument, edit: &Edit) -> bool {
    let Edit::Set { path, text, .. } = edit else { return true };
    let first = |document| edited_lines(document, edit).into_iter().next();
    let text_of = |document: &IniDocument, range: Range<usize>| document.units(range).to_wide();
    let Some(line) = first(new).map(|key| key.line) else { return false };
    let old_line = first(old);
    if let Some(KeyLine { line: old_line, .. }) = &old_line {
        // in a file without a final line end, the edited line may have become the last one, or no longer be it
        let may_end_differently =
            old_line.is_unterminated() || line.is_unterminated() && !old.has_final_line_end();
        if !may_end_differently && old.line_end(old_line) != new.line_end(&line) {
            return false;
        }
    }
    let written = text_of(new, line.text);
    let planned = match old_line {
        Some(KeyLine { line, value: Some(value), .. }) => {
            let unchanged = text_of(old, line.text.clone());
            if written == unchanged {
                // the value was right before the edit
                return true;
            }
            let after = text_of(old, value.end..line.text.end);
            [text_of(old, line.text.start..value.start), wide(text.as_str()), after].concat()
        }
        Some(KeyLine { line, name_end, .. }) => {
            let after = text_of(old, name_end..line.text.end);
            let added = wide(&format!("={}", text.as_str()));
            [text_of(old, line.text.start..name_end), added, after].concat()
        }
        None => wide(&format!("{}={}", path.key.as_str(), text.as_str())),
    };
    written == planned
}

/// Returns the lines that an edit may change: the one that is read, or all that it removes.
fn edited_lines<'a>(document: &'a IniDocument, edit: &'a Edit) -> Vec<KeyLine<'a>> {
    let path = edit.path();
    let Some(section) = lookup::section(document, path.section.as_str()) else { return Vec::new() };
    let lines = lookup::key_lines(document, &section, path.key.as_str());
    match edit {
        Edit::Set { .. } => lines.take(1).collect(),
        Edit::Unset { .. } => lines.collect(),
    }
}

/// The text that no edit may change: everything but the edited lines.
struct OtherLines<'a> {
    /// The text in pieces, without the last line end.
    text: Vec<&'a [u8]>,
    /// The last line end.
    line_end: &'a [u8],
    /// Whether no edited line comes after them.
    are_last_of_file: bool,
}

impl<'a> OtherLines<'a> {
    fn whole(&self) -> impl Iterator<Item = &'a [u8]> {
        self.text.iter().copied().chain([self.line_end])
    }
}

fn other_lines<'a>(document: &'a IniDocument, edits: &[Edit], added_headers: &[&str]) -> OtherLines<'a> {
    let mut edited: Vec<Range<usize>> = Vec::new();
    for edit in edits {
        edited.extend(edited_lines(document, edit).iter().map(|key| key.line.range()));
    }
    for name in added_headers {
        edited.extend(lookup::section(document, name).map(|section| section.header.range()));
    }
    edited.sort_unstable_by_key(|line| line.start);
    edited.dedup();
    let mut text: Vec<&[u8]> = Vec::new();
    let mut start = BOM.len();
    for line in edited {
        text.push(&document.as_bytes()[start..line.start]);
        start = line.end;
    }
    text.push(&document.as_bytes()[start..document.end()]);
    text.retain(|piece| !piece.is_empty());
    let line_end = split_line_end(&mut text);
    OtherLines { text, line_end, are_last_of_file: start < document.end() }
}

/// Removes the line end from the last piece of a text, and returns it.
fn split_line_end<'a>(text: &mut [&'a [u8]]) -> &'a [u8] {
    const LINE_ENDS: [&[u8]; 3] = [b"\r\0\n\0", b"\n\0", b"\r\0"];
    let Some(last) = text.last_mut() else { return &[] };
    let length = LINE_ENDS.iter().find(|end| last.ends_with(end)).map_or(0, |end| end.len());
    let (rest, line_end) = last.split_at(last.len() - length);
    *last = rest;
    line_end
}

/// Returns whether two texts in pieces are the same.
fn are_equal<'a>(a: impl IntoIterator<Item = &'a [u8]>, b: impl IntoIterator<Item = &'a [u8]>) -> bool {
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    let (mut piece_a, mut piece_b): (&[u8], &[u8]) = (&[], &[]);
    loop {
        while piece_a.is_empty() {
            let Some(next) = a.next() else { return piece_b.is_empty() && b.all(<[u8]>::is_empty) };
            piece_a = next;
        }
        while piece_b.is_empty() {
            let Some(next) = b.next() else { return false };
            piece_b = next;
        }
        let length = piece_a.len().min(piece_b.len());
        if piece_a[..length] != piece_b[..length] {
            return false;
        }
        (piece_a, piece_b) = (&piece_a[length..], &piece_b[length..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::{decode, encode};
    use crate::ini::name::ValueText;
    use crate::ini::write;

    fn document(text: &str) -> IniDocument {
        IniDocument::from_utf16le(encode(text))
    }

    fn set(path: &str, value: &str) -> Edit {
        Edit::Set { path: path.parse().unwrap(), value: value.into(), text: ValueText::new(value).unwrap() }
    }

    fn verdict(old: &str, new: &str, edits: &[Edit]) -> Result<(), VerifyError> {
        check(&document(old), &document(new), edits)
    }

    #[test]
    fn the_planned_edit_passes() {
        let edit = [set("S/k", "9")];
        assert_eq!(verdict("[S]\r\nk=1\r\na=2\r\n", "[S]\r\nk=9\r\na=2\r\n", &edit), Ok(()));
        assert_eq!(verdict("[S]\r\na=2", "[S]\r\na=2\r\nk=9", &edit), Ok(()));
        assert_eq!(verdict("[T]\r\na=2", "[T]\r\na=2\r\n[S]\r\nk=9", &edit), Ok(()));
        let unset = [Edit::Unset { path: "S/k".parse().unwrap() }];
        assert_eq!(verdict("[S]\na=1\nk=2", "[S]\na=1", &unset), Ok(()));
        // the changed line becomes the last one, because the line after it is removed
        let both = [set("S/a", "9"), unset[0].clone()];
        assert_eq!(verdict("[S]\na=1\nk=2", "[S]\na=9", &both), Ok(()));
        assert!(verdict("[S]\na=1\nk=2\n", "[S]\na=9", &both).is_err());
    }

    #[test]
    fn any_other_difference_fails() {
        let edit = [set("S/k", "9")];
        for new in [
            "[S]\r\nk=1\r\na=2\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\na=3\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\na=2\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\na=2\r\nb=3\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\na=2\r\n[T]\r\nx=2\r\n",
            "[S]\r\nk=9\r\na=2\r\n\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\na=2\r\n[U]\r\n[T]\r\nx=1\r\n",
            "[S]\r\nK=9\r\na=2\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk= 9\r\na=2\r\n[T]\r\nx=1\r\n",
            "[S]\r\nk=9\r\na=2\r\n[T]\r\nx=1\n",
        ] {
            assert!(verdict("[S]\r\nk=1\r\na=2\r\n[T]\r\nx=1\r\n", new, &edit).is_err(), "{new:?}");
        }
    }

    #[test]
    fn edits_of_unusual_texts_pass() {
        for (old, new, path, value) in [
            ("[S]\n=v\nk=1\n", "[S]\n=v\nk=9\n", "S/k", "9"),
            ("[S]\na:b=v\nk=1\n", "[S]\na:b=v\nk=9\n", "S/k", "9"),
            ("[S]\n a\n[S]\n", "[S]\n a\nb=\n[S]\n", "S/b", ""),
            ("[S]\n ;\n", "[S]\n ;\nb=\n", "S/b", ""),
            ("[S]\na=1\n", "[S]\na=1\nk=\u{A0}\n", "S/k", "\u{A0}"),
            ("[S]\na=1\n", "[S]\na=1\n#k=9\n", "S/#k", "9"),
            ("[S]\na=1\n", "[S]\na=1\na:b=9\n", "S/a:b", "9"),
        ] {
            assert_eq!(verdict(old, new, &[set(path, value)]), Ok(()), "{new:?}");
        }
    }

    #[test]
    fn a_removed_key_must_not_be_left_without_a_value() {
        let unset = [Edit::Unset { path: "S/a".parse().unwrap() }];
        assert!(verdict("[S]\na=1\n\n", "[S]\n\n", &unset).is_ok());
        assert!(verdict("[S]\na=1\n\n", "[S]\na\n", &unset).is_err());
    }

    #[test]
    fn later_lines_of_a_set_key_must_not_change() {
        let edit = [set("S/k", "9")];
        assert!(verdict("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=2\n", &edit).is_ok());
        assert!(verdict("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=3\n", &edit).is_err());
        assert!(verdict("[S]\nk=1\nk=2\n", "[S]\nk=9\n", &edit).is_err());
    }

    #[test]
    fn edits_in_several_sections_pass_together() {
        let old = document("[A]\na=1\nb=2\n[B]\nc=3\n[C]\nd=4\n");
        let mut new = old.clone();
        let edits = [set("A/a", "5"), set("C/d", "6"), set("B/x", "7"), set("N/n", "8")];
        for edit in &edits {
            if let Edit::Set { path, text, .. } = edit {
                write::set(&mut new, path, text);
            }
        }
        assert_eq!(check(&old, &new, &edits), Ok(()));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_plan_passes(
            lines in proptest::collection::vec(("[abcd]|;x", "[12]", "\r\n|\n|\r"), 0..8),
            header in 0..8_usize,
            has_final_end: bool,
            wanted in proptest::collection::btree_map("[ST]/[abcd]", proptest::option::of("[123]"), 1..5),
        ) {
            let mut text = String::from("[S]\r\n");
            for (place, (name, value, end)) in lines.iter().enumerate() {
                if place == header {
                    text += "[T]\r\n";
                }
                let is_key = name.len() == 1;
                text += &if is_key { format!("{name}={value}{end}") } else { format!("{name}{end}") };
            }
            if !has_final_end {
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
            }
            let edits: Vec<Edit> = wanted
                .iter()
                .map(|(path, value)| match value {
                    Some(value) => set(path, value),
                    None => Edit::Unset { path: path.parse().unwrap() },
                })
                .collect();
            let decoded = decode(encode(&text), None).unwrap();
            let plan = crate::edit::plan::make(&decoded, &edits);
            let verdict = check(&decoded.document, &plan.document, &edits);
            proptest::prop_assert!(verdict.is_ok(), "{:?} {:?}: {:?}", text, edits, verdict);
        }
    }
}

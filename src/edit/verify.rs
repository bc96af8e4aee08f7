//! Whether an edit did what was planned and nothing else, told by a second reading of old and new text.
//!
//! Two readers look: ours, line by line, which must agree or nothing is written; and rust-ini, an independent
//! one, on the sections that were edited. rust-ini knows another dialect (it fails on a line such as `=v` and
//! parts at `:` too), so it has a say where it read the old text as we do.

use std::ops::Range;

use ini::{Ini, ParseOption};

use crate::ini::document::{IniDocument, Line};
use crate::ini::encoding::BOM;
use crate::ini::lookup;
use crate::microsip::keys;
use crate::problem::{Code, Problem};

use super::plan::Edit;

/// The edit did something else than was planned. It would be a fault of msipcfg.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the edit could not be verified: {0}")]
pub struct Unverified(String);

impl Problem for Unverified {
    fn code(&self) -> Code {
        Code::EditUnverified
    }

    fn hint(&self) -> Option<String> {
        Some("nothing was written; please report this as a bug, with the ini if you can share it".into())
    }
}

/// Whether the independent reader had a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondOpinion {
    /// It read the old text as we do, and agrees on the new one.
    Agrees,
    /// It reads the old text differently.
    None,
}

/// Compares old and new text with what was wanted.
///
/// # Errors
/// When they differ by anything else.
pub fn check(old: &IniDocument, new: &IniDocument, edits: &[Edit]) -> Result<SecondOpinion, Unverified> {
    for edit in edits {
        let path = edit.path();
        let (section, key) = (path.section.as_str(), path.key.as_str());
        let found = lookup::value(new, section, key, keys::limit(section, key));
        if found != edit.wanted() {
            return Err(Unverified(format!("{path} does not read as wanted")));
        }
    }
    let (old_range, new_range) = differing(old, new);
    let mut added_headers: Vec<&str> = Vec::new();
    for edit in edits {
        let name = edit.path().section.as_str();
        let is_new = lookup::section(old, name).is_none() && lookup::section(new, name).is_some();
        if is_new && !added_headers.iter().any(|added| added.eq_ignore_ascii_case(name)) {
            added_headers.push(name);
        }
    }
    let old_lines = other_lines(old, old_range, edits, &[]);
    let new_lines = other_lines(new, new_range, edits, &added_headers);
    if old_lines != new_lines || old.as_bytes()[old.end()..] != new.as_bytes()[new.end()..] {
        return Err(Unverified("a line changed that should not".into()));
    }
    second_opinion(old, new, edits)
}

/// The lines that no edit is about, with their line ends. The last line of a file may gain or lose its own.
fn other_lines<'a>(
    document: &'a IniDocument,
    range: Range<usize>,
    edits: &[Edit],
    added_headers: &[&str],
) -> Vec<(&'a [u8], &'a [u8])> {
    let mut edited: Vec<Line> = Vec::new();
    for edit in edits {
        let path = edit.path();
        if let Some(section) = lookup::section(document, path.section.as_str()) {
            edited.extend(lookup::key_lines(document, &section, path.key.as_str()).map(|key| key.line));
        }
    }
    for name in added_headers {
        edited.extend(lookup::section(document, name).map(|section| section.header));
    }
    edited.sort_by_key(|line| line.text.start);
    let is_edited =
        |line: &Line| edited.binary_search_by_key(&line.text.start, |line| line.text.start).is_ok();
    let bytes = document.as_bytes();
    let mut lines: Vec<(&[u8], &[u8])> = document
        .lines(range.clone())
        .filter(|line| !is_edited(line))
        .map(|line| (&bytes[line.text.clone()], document.line_end(&line)))
        .collect();
    if range.end == document.end()
        && let Some(last) = lines.last_mut()
    {
        last.1 = &[];
    }
    lines
}

/// Where two documents differ, in whole lines: what stands before and behind is the same bytes.
fn differing(old: &IniDocument, new: &IniDocument) -> (Range<usize>, Range<usize>) {
    let (a, b) = (&old.as_bytes()[..old.end()], &new.as_bytes()[..new.end()]);
    let is_line_feed = |at: &usize| at.is_multiple_of(2) && a[*at..].starts_with(&[b'\n', 0]);
    // a line feed always ends a line, whatever stands before it
    let prefix = common(a.iter(), b.iter());
    let start =
        memchr::memrchr_iter(b'\n', &a[..prefix & !1]).find(is_line_feed).map_or(BOM.len(), |at| at + 2);
    let most = a.len().min(b.len()) - start;
    let suffix = common(a[a.len() - most..].iter().rev(), b[b.len() - most..].iter().rev()) & !1;
    let suffix_start = a.len() - suffix;
    let kept = memchr::memchr_iter(b'\n', &a[suffix_start..])
        .map(|at| suffix_start + at)
        .find(is_line_feed)
        .map_or(0, |at| a.len() - (at + 2));
    (start..a.len() - kept, start..b.len() - kept)
}

/// How many bytes are the same from the start.
fn common<'a>(a: impl Iterator<Item = &'a u8>, b: impl Iterator<Item = &'a u8>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

fn second_opinion(old: &IniDocument, new: &IniDocument, edits: &[Edit]) -> Result<SecondOpinion, Unverified> {
    let mut opinion = SecondOpinion::Agrees;
    let mut names: Vec<&str> = edits.iter().map(|edit| edit.path().section.as_str()).collect();
    names.dedup();
    for name in names {
        if read_by_rust_ini(old, name) != Some(read_by_us(old, name)) {
            opinion = SecondOpinion::None;
        } else if read_by_rust_ini(new, name) != Some(read_by_us(new, name)) {
            return Err(Unverified(format!("a second reader sees another [{name}]")));
        }
    }
    Ok(opinion)
}

type Pairs = Vec<(String, String)>;

fn read_by_us(document: &IniDocument, name: &str) -> Pairs {
    let Some(section) = lookup::section(document, name) else { return Pairs::new() };
    let value = |range| document.units(range).to_string();
    document.keys(&section).filter_map(|key| Some((key.name.to_string(), value(key.value?)))).collect()
}

fn read_by_rust_ini(document: &IniDocument, name: &str) -> Option<Pairs> {
    let Some(section) = lookup::section(document, name) else { return Some(Pairs::new()) };
    let text = document.units(section.header.text.start..section.body.end).to_string();
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    let ini = Ini::load_from_str_opt(&text, options).ok()?;
    let (_, properties) = ini.iter().find(|(name, _)| name.is_some())?;
    Some(properties.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;
    use crate::ini::name::ValueText;
    use crate::ini::write;

    fn document(text: &str) -> IniDocument {
        IniDocument::from_utf16le(encode(text))
    }

    fn set(path: &str, value: &str) -> Edit {
        Edit::Set { path: path.parse().unwrap(), value: value.into(), text: ValueText::new(value).unwrap() }
    }

    fn verdict(old: &str, new: &str, edits: &[Edit]) -> Result<SecondOpinion, Unverified> {
        check(&document(old), &document(new), edits)
    }

    #[test]
    fn the_planned_edit_passes() {
        let agrees = Ok(SecondOpinion::Agrees);
        let edit = [set("S/k", "9")];
        assert_eq!(verdict("[S]\r\nk=1\r\na=2\r\n", "[S]\r\nk=9\r\na=2\r\n", &edit), agrees);
        assert_eq!(verdict("[S]\r\na=2", "[S]\r\na=2\r\nk=9", &edit), agrees);
        assert_eq!(verdict("[T]\r\na=2", "[T]\r\na=2\r\n[S]\r\nk=9", &edit), agrees);
        let unset = [Edit::Unset { path: "S/k".parse().unwrap() }];
        assert_eq!(verdict("[S]\na=1\nk=2", "[S]\na=1", &unset), agrees);
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
        ] {
            assert!(verdict("[S]\r\nk=1\r\na=2\r\n[T]\r\nx=1\r\n", new, &edit).is_err(), "{new:?}");
        }
    }

    #[test]
    fn a_text_that_the_second_reader_knows_otherwise_goes_without_it() {
        let edit = [set("S/k", "9")];
        assert_eq!(verdict("[S]\n=v\nk=1\n", "[S]\n=v\nk=9\n", &edit), Ok(SecondOpinion::None));
        assert_eq!(verdict("[S]\na:b=v\nk=1\n", "[S]\na:b=v\nk=9\n", &edit), Ok(SecondOpinion::None));
    }

    #[test]
    fn edits_in_several_places_of_a_file_pass_together() {
        let old = document("[A]\na=1\nb=2\n[B]\nc=3\n[C]\nd=4\n");
        let mut new = old.clone();
        let edits = [set("A/a", "5"), set("C/d", "6"), set("B/x", "7"), set("N/n", "8")];
        for edit in &edits {
            if let Edit::Set { path, text, .. } = edit {
                write::set(&mut new, path, text);
            }
        }
        assert_eq!(check(&old, &new, &edits), Ok(SecondOpinion::Agrees));
    }
}

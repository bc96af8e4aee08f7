//! Whether an edit did what was planned and nothing else, told by a second reading of old and new text.
//!
//! Two readers look: ours, line by line, which must agree or nothing is written; and rust-ini, an independent
//! one, on the sections that were edited. rust-ini knows another dialect (it fails on a line such as `=v` and
//! parts at `:` too), so it has a say where it read the old text as we do.

use std::ops::Range;

use ini::{Ini, ParseOption};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::ini::document::{IniDocument, KeyLine, Line};
use crate::ini::encoding::{self, BOM};
use crate::ini::{lookup, wide};
use crate::microsip::keys;

use super::plan::Edit;

/// The edit did something else than was planned. It would be a fault of msipcfg.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the edit could not be verified: {0}")]
pub struct Unverified(String);

impl ToDiagnostic for Unverified {
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
        let is_left = matches!(edit, Edit::Unset { .. }) && !edited_lines(new, edit).is_empty();
        if is_left || found != edit.wanted() || !is_line_as_planned(old, new, edit) {
            return Err(Unverified(format!("{path} does not stand as wanted")));
        }
    }
    let mut added_headers: Vec<&str> = Vec::new();
    for edit in edits {
        let name = edit.path().section.as_str();
        let header = lookup::section(new, name).filter(|_| lookup::section(old, name).is_none());
        if let Some(header) =
            header.filter(|_| !added_headers.iter().any(|added| added.eq_ignore_ascii_case(name)))
        {
            if new.units(header.header.text).to_string() != format!("[{name}]") {
                return Err(Unverified(format!("[{name}] does not stand as wanted")));
            }
            added_headers.push(name);
        }
    }
    let keep_others = |(old_range, new_range)| {
        let (before, after) =
            (others(old, old_range, edits, &[]), others(new, new_range, edits, &added_headers));
        // a file without a final line end: a new last line gives one to the line before it, or takes it away again
        let may_end_differently = before.are_last_of_file != after.are_last_of_file
            && (before.line_end.is_empty() || after.line_end.is_empty());
        [&before.text, before.line_end].concat() == [&after.text, after.line_end].concat()
            || before.text == after.text && may_end_differently
    };
    // an edited line may look like another in the same place; in the whole text they are told apart
    let whole = || (BOM.len()..old.end(), BOM.len()..new.end());
    let are_kept = keep_others(differing(old, new)) || keep_others(whole());
    if !are_kept || old.as_bytes()[old.end()..] != new.as_bytes()[new.end()..] {
        return Err(Unverified("a line changed that should not".into()));
    }
    second_opinion(old, new, edits)
}

/// Whether the line that an edit is about holds the new text and else what it held.
fn is_line_as_planned(old: &IniDocument, new: &IniDocument, edit: &Edit) -> bool {
    let Edit::Set { path, text, .. } = edit else { return true };
    let first = |document| edited_lines(document, edit).into_iter().next();
    let text_of = |document: &IniDocument, range: Range<usize>| document.units(range).to_wide();
    let Some(line) = first(new).map(|key| key.line) else { return false };
    // in a file without a final line end another line may become the last, or no longer be it
    let has_no_final_end = old.last_line().is_some_and(|last| last.is_unended());
    let may_end_so = |key: KeyLine<'_>| {
        let was_or_is_last = key.line.is_unended() || line.is_unended() && has_no_final_end;
        was_or_is_last || old.line_end(&key.line) == new.line_end(&line)
    };
    if !first(old).is_none_or(may_end_so) {
        return false;
    }
    let written = text_of(new, line.text);
    let wanted = match first(old) {
        Some(KeyLine { line, value: Some(value), .. }) => {
            let unchanged = text_of(old, line.text.clone());
            if written == unchanged {
                // the value was right already
                return true;
            }
            let behind = text_of(old, value.end..line.text.end);
            [text_of(old, line.text.start..value.start), wide(text.as_str()), behind].concat()
        }
        Some(KeyLine { line, name_end, .. }) => {
            let behind = text_of(old, name_end..line.text.end);
            let set = wide(&format!("={}", text.as_str()));
            [text_of(old, line.text.start..name_end), set, behind].concat()
        }
        None => wide(&format!("{}={}", path.key.as_str(), text.as_str())),
    };
    written == wanted
}

/// The lines that an edit is about: the one that counts, or all where they go.
fn edited_lines<'a>(document: &'a IniDocument, edit: &'a Edit) -> Vec<KeyLine<'a>> {
    let path = edit.path();
    let Some(section) = lookup::section(document, path.section.as_str()) else { return Vec::new() };
    let lines = lookup::key_lines(document, &section, path.key.as_str());
    match edit {
        Edit::Set { .. } => lines.take(1).collect(),
        Edit::Unset { .. } => lines.collect(),
    }
}

/// The lines that no edit is about, as one text: where an unset lets a bare CR and a LF meet, they are one line
/// end now.
struct Others<'a> {
    /// All of it but the last line end.
    text: Vec<u8>,
    /// The last line end.
    line_end: &'a [u8],
    /// Whether no edited line stands behind them.
    are_last_of_file: bool,
}

fn others<'a>(
    document: &'a IniDocument,
    range: Range<usize>,
    edits: &[Edit],
    added_headers: &[&str],
) -> Others<'a> {
    let mut edited: Vec<usize> = Vec::new();
    for edit in edits {
        edited.extend(edited_lines(document, edit).iter().map(|key| key.line.text.start));
    }
    for name in added_headers {
        edited.extend(lookup::section(document, name).map(|section| section.header.text.start));
    }
    edited.sort_unstable();
    let mut others = Others { text: Vec::new(), line_end: &[], are_last_of_file: false };
    for line in document.lines(range).filter(|line| edited.binary_search(&line.text.start).is_err()) {
        others.text.extend(others.line_end);
        others.text.extend(&document.as_bytes()[line.text.clone()]);
        others.line_end = document.line_end(&line);
        others.are_last_of_file = line.next == document.end();
    }
    others
}

/// Where two documents differ, in whole lines: what stands before and behind is the same bytes.
fn differing(old: &IniDocument, new: &IniDocument) -> (Range<usize>, Range<usize>) {
    let (a, b) = (&old.as_bytes()[..old.end()], &new.as_bytes()[..new.end()]);
    let is_line_feed = |at: &usize| at.is_multiple_of(2) && a[*at..].starts_with(&[b'\n', 0]);
    // a line feed always ends a line, whatever stands before it
    let prefix = common_prefix(a, b);
    let start =
        memchr::memrchr_iter(b'\n', &a[..prefix & !1]).find(is_line_feed).map_or(BOM.len(), |at| at + 2);
    let suffix = common_suffix(&a[start..], &b[start..]) & !1;
    let suffix_start = a.len() - suffix;
    let kept = memchr::memchr_iter(b'\n', &a[suffix_start..])
        .map(|at| suffix_start + at)
        .find(is_line_feed)
        .map_or(0, |at| a.len() - (at + 2));
    (start..a.len() - kept, start..b.len() - kept)
}

/// Blocks are compared at once, which is many times faster than byte by byte.
const BLOCK: usize = 4096;

/// How many bytes are the same from the start.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    blocks + a[blocks..].iter().zip(&b[blocks..]).take_while(|(a, b)| a == b).count()
}

/// How many bytes are the same from the end.
fn common_suffix(a: &[u8], b: &[u8]) -> usize {
    let blocks =
        a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK)).take_while(|(a, b)| a == b).count() * BLOCK;
    let (a, b) = (&a[..a.len() - blocks], &b[..b.len() - blocks]);
    blocks + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

fn second_opinion(old: &IniDocument, new: &IniDocument, edits: &[Edit]) -> Result<SecondOpinion, Unverified> {
    if !edits.iter().all(is_read_alike) {
        return Ok(SecondOpinion::None);
    }
    let mut opinion = SecondOpinion::Agrees;
    let mut names: Vec<&str> = edits.iter().map(|edit| edit.path().section.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let goes_on = |document| has_bare_cr(document, name) || has_odd_line(document, name);
        if goes_on(old) || goes_on(new) || read_by_rust_ini(old, name) != Some(read_by_us(old, name)) {
            opinion = SecondOpinion::None;
        } else if read_by_rust_ini(new, name) != Some(read_by_us(new, name)) {
            return Err(Unverified(format!("a second reader sees another [{name}]")));
        }
    }
    Ok(opinion)
}

/// Whether rust-ini knows the line of an edit, standing alone, as we do.
fn is_read_alike(edit: &Edit) -> bool {
    let Edit::Set { path, text, .. } = edit else { return true };
    // with a line behind it, for it may take a backslash at the end to go on there
    let alone = format!("[{}]\n{}={}\nz=1\n", path.section.as_str(), path.key.as_str(), text.as_str());
    let alone = IniDocument::from_utf16le(encoding::encode(&alone));
    read_by_rust_ini(&alone, path.section.as_str()) == Some(read_by_us(&alone, path.section.as_str()))
}

/// To rust-ini a comment goes on behind a bare CR.
fn has_bare_cr(document: &IniDocument, name: &str) -> bool {
    lookup::section(document, name).is_some_and(|section| {
        document
            .lines(section.header.text.start..section.body.end)
            .any(|line| document.line_end(&line) == b"\r\0")
    })
}

/// To rust-ini a name goes on in the next line until there is a `=`, and a comment behind blanks is a name.
fn has_odd_line(document: &IniDocument, name: &str) -> bool {
    let is_odd = |line: Line| {
        let text = document.units(line.text);
        let first = text.get(0);
        let is_plain = first.is_none() || first == Some(u16::from(b';')) || text.trim().is_empty();
        !is_plain
            && (text.trim().get(0) == Some(u16::from(b';'))
                || text.iter().all(|unit| unit != u16::from(b'=')))
    };
    lookup::section(document, name).is_some_and(|section| document.lines(section.body).any(is_odd))
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
    use crate::ini::encoding::{decode, encode};
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
        // what is set becomes the last line, because the one behind it goes
        let both = [set("S/a", "9"), unset[0].clone()];
        assert_eq!(verdict("[S]\na=1\nk=2", "[S]\na=9", &both), agrees);
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
    fn a_text_that_the_second_reader_knows_otherwise_goes_without_it() {
        let edit = [set("S/k", "9")];
        assert_eq!(verdict("[S]\n=v\nk=1\n", "[S]\n=v\nk=9\n", &edit), Ok(SecondOpinion::None));
        assert_eq!(verdict("[S]\na:b=v\nk=1\n", "[S]\na:b=v\nk=9\n", &edit), Ok(SecondOpinion::None));
        // to it the name of a key goes on until the next =
        let edit_of_b = [set("S/b", "")];
        assert_eq!(verdict("[S]\n a\n[S]\n", "[S]\n a\nb=\n[S]\n", &edit_of_b), Ok(SecondOpinion::None));
        assert_eq!(verdict("[S]\n ;\n", "[S]\n ;\nb=\n", &edit_of_b), Ok(SecondOpinion::None));
        for (path, value) in [("S/k", "\u{A0}"), ("S/#k", "9"), ("S/a:b", "9")] {
            let key = path.split_once('/').unwrap().1;
            let new = format!("[S]\na=1\n{key}={value}\n");
            assert_eq!(verdict("[S]\na=1\n", &new, &[set(path, value)]), Ok(SecondOpinion::None), "{path}");
        }
    }

    #[test]
    fn a_key_that_was_to_go_is_not_there_without_a_value_either() {
        let unset = [Edit::Unset { path: "S/a".parse().unwrap() }];
        assert!(verdict("[S]\na=1\n\n", "[S]\n\n", &unset).is_ok());
        assert!(verdict("[S]\na=1\n\n", "[S]\na\n", &unset).is_err());
    }

    #[test]
    fn later_lines_of_an_edited_key_are_others() {
        let edit = [set("S/k", "9")];
        assert!(verdict("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=2\n", &edit).is_ok());
        assert!(verdict("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=3\n", &edit).is_err());
        assert!(verdict("[S]\nk=1\nk=2\n", "[S]\nk=9\n", &edit).is_err());
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

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_planned_passes(
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

//! rust-ini as an independent second reader: wherever it reads a text like us, it must read the edited text like us.
//!
//! rust-ini reads another dialect: it rejects lines such as `=v`, also splits at `:`, trims more, and a name or a
//! comment can continue in the next line. Texts in which the dialects differ are skipped.

use ini::{Ini, ParseOption};
use msipcfg::edit::plan::Edit;
use msipcfg::ini::document::{IniDocument, Line};
use msipcfg::ini::lookup;
use msipcfg::ini::name::KeyPath;
use proptest::prelude::*;

use super::fixtures::{edits_in, fixtures};
use super::{config, document, documents, edit_for, path, paths, set, text_of, unset, values};

/// What rust-ini says about an edit.
#[derive(Debug, PartialEq, Eq)]
enum Opinion {
    Agrees,
    Disagrees,
    /// It already reads the old text or the edit alone differently.
    Skipped,
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
    let is_wanted = |found: &str| found.trim().eq_ignore_ascii_case(name);
    let (_, properties) = ini.iter().find(|(found, _)| found.is_some_and(is_wanted))?;
    Some(properties.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

fn is_read_alike(document: &IniDocument, name: &str) -> bool {
    read_by_rust_ini(document, name) == Some(read_by_us(document, name))
}

/// Returns whether rust-ini reads the line of an edit like us. The next line is there because a backslash at the end of
/// a value continues it in rust-ini.
fn is_edit_read_alike(edit: &Edit) -> bool {
    let Edit::Set { path, text, .. } = edit else { return true };
    let (section, key) = (path.section.as_str(), path.key.as_str());
    is_read_alike(&document(&format!("[{section}]\n{key}={}\nz=1\n", text.as_str())), section)
}

/// Returns whether a section has a line end after which rust-ini continues a comment or a value, a line that it
/// continues as a name or doesn't see as a comment, or behind its header, in the same line, what rust-ini sees as
/// another header.
fn is_in_other_dialect(document: &IniDocument, name: &str) -> bool {
    let is_odd = |line: Line| {
        let text = document.units(line.text);
        let is_comment = text.get(0) == Some(u16::from(b';'));
        let has_key =
            text.iter().any(|unit| unit == u16::from(b'=')) && text.trim().get(0) != Some(u16::from(b';'));
        let is_continued = text.iter().last() == Some(u16::from(b'\\'));
        is_continued || (!text.trim().is_empty() && !is_comment && !has_key)
    };
    lookup::section(document, name).is_some_and(|section| {
        let mut lines = document.lines(section.header.text.start..section.body.end);
        let has_bare_cr = lines.any(|line| document.line_end(&line) == b"\r\0");
        let header = document.units(section.header.text).to_string();
        let has_second_header = header.split_once(']').is_some_and(|(_, rest)| rest.contains('['));
        has_bare_cr || has_second_header || document.lines(section.body).any(is_odd)
    })
}

fn opinion(old: &IniDocument, new: &IniDocument, edit: &Edit) -> Opinion {
    let name = edit.path().section.as_str();
    let is_skipped = !is_edit_read_alike(edit)
        || is_in_other_dialect(old, name)
        || is_in_other_dialect(new, name)
        || !is_read_alike(old, name);
    if is_skipped {
        Opinion::Skipped
    } else if is_read_alike(new, name) {
        Opinion::Agrees
    } else {
        Opinion::Disagrees
    }
}

fn opinions(old: &IniDocument, path: &KeyPath, new_value: &str) -> [Opinion; 2] {
    [
        opinion(old, &set(old, path, new_value), &edit_for(path, new_value)),
        opinion(old, &unset(old, path), &Edit::Unset { path: path.clone() }),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn rust_ini_reads_edits_of_generated_texts_like_us(
        old in documents(), path in paths(), new_value in values(),
    ) {
        let opinions = opinions(&old, &path, &new_value);
        prop_assert!(
            !opinions.contains(&Opinion::Disagrees),
            "{:?}: {}={:?} in {:?}", opinions, path, new_value, text_of(&old)
        );
    }

    #[test]
    fn rust_ini_reads_edits_of_plain_texts_like_us(
        lines in proptest::collection::vec("(\\[[ST]\\]|;c|[abk]=[a-z0-9]{0,3})\r?\n", 0..12),
        key in "[abkn]",
        new_value in "[a-z0-9]{0,3}",
    ) {
        let old = document(&format!("[S]\n{}", lines.concat()));
        prop_assert_eq!(
            opinions(&old, &path("S", &key), &new_value),
            [Opinion::Agrees, Opinion::Agrees],
            "{}={:?} in {:?}", key, new_value, text_of(&old)
        );
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow, for rules that are the same on each system")]
fn rust_ini_reads_edits_of_every_fixture_like_us() {
    let mut count = 0;
    for (name, _, old) in fixtures() {
        for (path, new_value) in edits_in(&old) {
            for opinion in opinions(&old, &path, new_value) {
                assert_ne!(opinion, Opinion::Disagrees, "{name}: {path}={new_value:?}");
                count += usize::from(opinion == Opinion::Agrees);
            }
        }
    }
    assert!(count > 1000, "rust-ini read only {count} edits like us");
}

//! Every fixture.

use std::path::PathBuf;

use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding::{BOM, CodePage, decode};
use msipcfg::ini::name::{KeyName, KeyPath, SectionName};

use super::model::{
    Place, check_accepts, check_rejects, own_bytes, place_of, set_changes_its_own_line, split,
    unset_removes_its_own_lines, unset_reverts_a_new_key,
};
use super::{edit_for, set};

/// Reads every fixture, decoded in the code page that it was written in.
pub(super) fn fixtures() -> Vec<(String, Vec<u8>, IniDocument)> {
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

/// Lists the keys of an ini, a new key in each section, and one in a new section.
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

/// Lists edits of an ini: every path, with one of several values.
pub(super) fn edits_in(document: &IniDocument) -> Vec<(KeyPath, &'static str)> {
    let values = ["1", "", " with spaces ", "C:\\Example\\ring.exe", "\"quoted\"", "Zoë; Ж = 😀"];
    paths_in(document).into_iter().zip(values.into_iter().cycle()).collect()
}

#[test]
fn every_fixture_is_preserved() {
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
#[cfg_attr(windows, ignore = "slow, for rules that are the same on each system")]
fn edits_of_every_fixture_change_only_their_own_lines() {
    for (name, _, document) in fixtures() {
        println!("{name}");
        for (path, new_value) in edits_in(&document) {
            set_changes_its_own_line(&document, &path, new_value).unwrap();
            unset_removes_its_own_lines(&document, &path).unwrap();
            if matches!(place_of(&document, &path), Place::Before(_, 1)) {
                unset_reverts_a_new_key(&document, &path, new_value).unwrap();
            }
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow, for rules that are the same on each system")]
fn the_check_accepts_every_edit_of_every_fixture() {
    for (name, _, document) in fixtures() {
        println!("{name}");
        for (path, new_value) in edits_in(&document) {
            check_accepts(&document, &path, new_value).unwrap();
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow, for rules that are the same on each system")]
fn the_check_rejects_other_changes_to_every_fixture() {
    /// The number of units of a file that are changed, one at a time.
    const PROBES: usize = 60;
    for (name, _, old) in fixtures() {
        println!("{name}");
        let edits = edits_in(&old);
        // a different edit for each changed unit, because all combinations would take minutes
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

//! Properties of generated texts.

use msipcfg::edit::plan::{self, Edit};
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding::{BOM, CodePage, Encoding, decode, decode_as};
use msipcfg::ini::name::{KeyName, KeyPath, SectionName, ValueText};
use msipcfg::ini::utf16::is_whitespace;
use msipcfg::ini::{Wide, lookup};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::model::{
    Place, Split, check_accepts, check_rejects, own_bytes, place_of, set_changes_its_own_line, split,
    unset_removes_its_own_lines, unset_reverts_a_new_key,
};
use super::{ALPHABET, config, documents, edit_for, is_accepted, paths, set, text_of, unset, value, values};

fn assert_text_is_refused(text: &str) {
    assert!(SectionName::new(text).is_err());
    assert!(KeyName::new(text).is_err());
    assert!(ValueText::new(text).is_err());
    assert!(format!("S/{text}").parse::<KeyPath>().is_err());
    assert!(format!("{text}/k").parse::<KeyPath>().is_err());
}

fn assert_names_are_refused(before: &str, after: &str, space: &str) {
    assert!(KeyName::new(&format!("{before}={after}")).is_err());
    assert!(SectionName::new(&format!("{before}]{after}")).is_err());
    assert!(KeyName::new(&format!("{space}[{after}")).is_err());
    assert!(KeyName::new(&format!("{space};{after}")).is_err());
    assert!(KeyName::new(space).is_err());
    assert!(SectionName::new(space).is_err());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_preserved(bytes in vec(any::<u8>(), 0..120), names in (any::<String>(), any::<String>())) {
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
        // bytes of any other encoding must not panic
        let _ = decode(bytes, CodePage::from_number(1252));
    }

    #[test]
    fn a_hostile_text_is_preserved(document in documents()) {
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
        let is_header = |line: &Wide| line.iter().find(|&&unit| !is_whitespace(unit)) == Some(&0x5B);
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
    fn set_changes_only_its_own_line(
        document in documents(), path in paths(), new_value in values(),
    ) {
        set_changes_its_own_line(&document, &path, &new_value)?;
    }

    #[test]
    fn unset_reverts_a_new_key_in_a_section(
        document in documents(), path in paths(), new_value in values(),
    ) {
        if matches!(place_of(&document, &path), Place::Before(_, 1)) {
            unset_reverts_a_new_key(&document, &path, &new_value)?;
        }
    }

    #[test]
    fn unset_removes_only_its_own_lines(document in documents(), path in paths()) {
        unset_removes_its_own_lines(&document, &path)?;
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
                // the edit may choose the line end of a new line
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
    fn names_and_values_cannot_inject_a_line(
        before in any::<String>(), breaks in select(&["\r", "\n", "\r\n", "\0"][..]), after in any::<String>(),
    ) {
        assert_text_is_refused(&format!("x{before}{breaks}{after}x"));
    }

    #[test]
    fn names_cannot_be_misread(
        before in any::<String>(), after in any::<String>(), space in select(&["", " ", "\t", "\u{B}\u{1A} "][..]),
    ) {
        assert_names_are_refused(&before, &after, space);
    }

    #[test]
    fn merge_keeps_the_changes_of_both_sides(
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
        let changed = by_microsip.iter().map(|(path, _)| path).chain(by_us.iter().map(|(path, _)| path));
        for path in changed {
            let is_microsips = value(&saved, path) != value(&old, path);
            let wanted = if is_microsips { &saved } else { &current };
            prop_assert_eq!(
                value(&merged, path),
                value(wanted, path),
                "{} in {:?}, made of {:?}, saved as {:?}, edited as {:?}",
                path, text_of(&merged), text_of(&old), text_of(&saved), text_of(&current)
            );
        }
    }
}

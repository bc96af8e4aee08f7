//! Single cases: unusual texts, changes that the check must reject, and merges.

use msipcfg::edit::plan;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::wide;

use super::model::{check_accepts, set_changes_its_own_line, unset_removes_its_own_lines};
use super::{document, edit_for, is_accepted, path, set, text_of, value};

#[test]
fn the_check_accepts_edits_of_unusual_texts() {
    for (text, section, key, new_value) in [
        // readers of other dialects split names and values at other characters, and trim more
        ("[S]\r\na=1\r\n", "S", "a:b", "1"),
        ("[S]\r\na=1\r\n", "S", "#c", "1"),
        ("[S]\r\na=1\r\n", "S", "k", "\u{A0}v"),
        ("[S]\na=1\n", "S", "k", "C:\\rec\\"),
        ("", "\\", "k", "v"),
        // and to them a comment continues after a bare CR
        ("[S]\r\na=1\r\n;c\r", "S", "k", "1"),
        // a blank line before the last one, which has no line end
        ("[S]\r\n\r\nk=1", "S", "k", "2"),
        // a CR must not be inserted before a LF
        ("[S]\ra=1\rk=1\n\nb=2\n", "S", "k", "2"),
        ("[S]\ra=1\n\n[T]\n", "S", "k", "1"),
    ] {
        let (document, path) = (document(text), path(section, key));
        set_changes_its_own_line(&document, &path, new_value).unwrap();
        unset_removes_its_own_lines(&document, &path).unwrap();
        check_accepts(&document, &path, new_value).unwrap();
    }
}

#[test]
fn the_check_rejects_changes_that_read_the_same() {
    let edit = edit_for(&path("S", "k"), "9");
    for (old, right, wrong) in [
        // a later line of the same key
        ("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=2\n", "[S]\nk=9\nk=3\n"),
        ("[S]\nk=1\nk=2\n", "[S]\nk=9\nk=2\n", "[S]\nk=9\n"),
        // the line end of the last line
        ("[S]\nk=1\na=2\n", "[S]\nk=9\na=2\n", "[S]\nk=9\na=2\r"),
        ("[S]\nk=1\na=2\n", "[S]\nk=9\na=2\n", "[S]\nk=9\na=2"),
        // the edited line around its value
        ("[S]\n k = 1\n", "[S]\n k = 9\n", "[S]\nk=9\n"),
        ("[S]\nk=1\n", "[S]\nk=9\n", "[S]\nK=9\n"),
        ("[S]\nk=1\n[T]\n", "[S]\nk=9\n[T]\n", "[S]\nk=9\r\n[T]\n"),
        // the text of new lines
        ("[S]\na=1\n", "[S]\na=1\nk=9\n", "[S]\na=1\nk= 9\n"),
        ("[T]\n", "[T]\n[S]\nk=9\n", "[T]\n[S] x\nk=9\n"),
    ] {
        let (old, right, wrong) = (document(old), document(right), document(wrong));
        assert_eq!(set(&old, edit.path(), "9"), right);
        assert!(is_accepted(&old, &right, &edit), "{:?}", text_of(&right));
        assert!(!is_accepted(&old, &wrong, &edit), "{:?}", text_of(&wrong));
    }
}

#[test]
fn merge_finds_a_section_with_a_slash_in_its_name() {
    let (old, saved) = (document("[a/b]\nk=1\n[S]\nk=1\n"), document("[a/b]\nk=2\n[S]\nk=1\n"));
    let merged = plan::merge(&old, &saved, set(&old, &path("S", "k"), "9"));
    assert_eq!(text_of(&merged), "[a/b]\nk=2\n[S]\nk=9\n");
}

#[test]
fn merge_keeps_a_lone_surrogate_that_microsip_saved() {
    let with_name = |unit: u16| {
        let text = [wide("[S]\r\nname="), vec![unit], wide("\r\nk=1\r\n")].concat();
        IniDocument::from_utf16le(text.into_iter().flat_map(u16::to_le_bytes).collect())
    };
    let (old, saved) = (with_name(0xD83D), with_name(0xD83E));
    let merged = plan::merge(&old, &saved, set(&old, &path("S", "k"), "2"));
    assert_eq!(value(&merged, &path("S", "name")), Some(vec![0xD83E]));
}

//! The files of a session's sandbox: how they get there, and what became of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use similar::{ChangeTag, TextDiff};

use crate::calls_db;
use crate::sandbox::{Sandbox, utf16};

/// The ending of a file that is UTF-8 with plain line ends here, and becomes what MicroSIP writes.
const UTF16: &str = ".utf16";

/// A file with events, which becomes the calls database ([`calls_db::add`]).
const EVENTS: &str = "calls.events";

/// The bytes of files by their path in the sandbox, with slashes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Copies the files that a session starts with.
pub fn copy(from: &Path, sandbox: &Sandbox) {
    for (name, bytes) in read_folder(from) {
        if name == EVENTS {
            calls_db::add(sandbox, &String::from_utf8(bytes).unwrap().replace("\r\n", "\n"));
            continue;
        }
        match name.strip_suffix(UTF16) {
            Some(name) => {
                let text = String::from_utf8(bytes).unwrap();
                sandbox.write(name, utf16(&text.replace("\r\n", "\n").replace('\n', "\r\n")));
            }
            None => drop(sandbox.write(&name, bytes)),
        }
    }
}

/// Reads all files of a sandbox, without the calls database, whose bytes differ from run to run.
pub fn read(sandbox: &Sandbox) -> Files {
    let mut files = read_folder(&sandbox.path(""));
    files.retain(|name, _| !name.contains("/calls.db"));
    files
}

fn read_folder(folder: &Path) -> Files {
    fn add(folder: &Path, prefix: &str, files: &mut Files) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                add(&entry.path(), &format!("{name}/"), files);
            } else {
                files.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut files = Files::new();
    add(folder, "", &mut files);
    files
}

/// Describes each file that was created, changed or removed.
pub fn changes(before: &Files, after: &Files) -> String {
    let mut shown = String::new();
    for (name, bytes) in after {
        match before.get(name) {
            Some(old) if old == bytes => {}
            Some(old) => write!(shown, "==> {name} changed{}", diff(old, bytes)).unwrap(),
            None => match before.iter().find(|(_, old)| *old == bytes) {
                Some((same, _)) => writeln!(shown, "==> {name} created, equal to {same} before").unwrap(),
                None => write!(shown, "==> {name} created{}", diff(b"", bytes)).unwrap(),
            },
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        writeln!(shown, "==> {name} removed").unwrap();
    }
    shown
}

/// Describes a file's new bytes: its form, and all lines with those that changed marked.
fn diff(old: &[u8], new: &[u8]) -> String {
    let ((old_form, old), (form, new)) = (decode(old), decode(new));
    let mut shown = match &old_form[..] {
        _ if old.is_empty() || old_form == form => format!(", {form}\n"),
        _ => format!(" from {old_form} to {form}\n"),
    };
    for change in TextDiff::from_lines(&old, &new).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Insert => '+',
            ChangeTag::Delete => '-',
        };
        let line = change.value();
        write!(shown, "{sign}{line}").unwrap();
        if !line.ends_with('\n') {
            shown += "\n\\ no line end\n";
        }
    }
    shown
}

/// Returns a file's encoding and line ends, and its text. What these don't restore exactly becomes visible in the text.
fn decode(bytes: &[u8]) -> (String, String) {
    let (encoding, text) = match bytes {
        [0xFF, 0xFE, rest @ ..] => {
            let units: Vec<u16> =
                rest.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            ("UTF-16LE with BOM", String::from_utf16(&units).ok().filter(|text| utf16(text) == bytes))
        }
        _ => ("UTF-8", String::from_utf8(bytes.to_vec()).ok()),
    };
    let Some(text) = text else { return ("bytes".into(), format!("{}\n", bytes.escape_ascii())) };
    if text.contains(|c: char| c.is_control() && !['\r', '\n', '\t'].contains(&c)) {
        return ("bytes".into(), format!("{}\n", bytes.escape_ascii()));
    }
    let with_lf = text.replace("\r\n", "\n");
    if with_lf.replace('\n', "\r\n") == text && text.contains('\n') {
        return (format!("{encoding}, CRLF"), with_lf);
    }
    (encoding.into(), text.replace('\r', "\\r"))
}

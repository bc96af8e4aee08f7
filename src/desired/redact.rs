//! Decides which lines of a file a message may show.
//!
//! A line is shown as a whole or not at all: in a file with a mistake, nobody can tell where a password ends.

use std::ops::Range;

use super::schema::{MIN_VERSION, PARTS};
use super::tree::{Node, Tree};
use crate::hook::event::Event;
use crate::microsip::keys::{self, Privacy};

/// Which lines of a file are hidden in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// Those that may contain a password.
    Passwords,
    /// All of them, because any value may be a password.
    Everything,
}

impl Redaction {
    /// Returns whether a message may show a line. `root` is `None` for a text that can't be parsed.
    pub(super) fn shows(self, text: &str, line: &Range<usize>, root: Option<&Node>) -> bool {
        match (self, root) {
            (Redaction::Everything, _) => false,
            (Redaction::Passwords, Some(root)) => !may_contain_secret(root, "", line),
            (Redaction::Passwords, None) => is_harmless(&text[line.clone()]),
        }
    }
}

/// Returns whether a value of this name is a password.
pub fn is_secret(name: &str) -> bool {
    name.eq_ignore_ascii_case("password")
}

/// Returns whether values of this name may be shown. An unknown name may be a misspelled `password`.
pub(super) fn is_public(name: &str) -> bool {
    const NAMES: [&str; 6] = ["$schema", "program", "args", "env", "file", "stdin"];
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_open = |section: &str| keys::find(section, name).is_some_and(|key| key.privacy == Privacy::Open);
    is_number
        || NAMES.contains(&name)
        || PARTS.contains(&name)
        || name == MIN_VERSION
        || name.parse::<Event>().is_ok()
        || is_open("Settings")
        || is_open("Account1")
}

/// Returns whether a value that may be a password reaches into a line.
fn may_contain_secret(node: &Node, name: &str, line: &Range<usize>) -> bool {
    match &node.tree {
        Tree::Leaf(_) => !is_public(name) && node.span.start <= line.end && line.start <= node.span.end,
        Tree::List(items) => items.iter().any(|item| may_contain_secret(item, name, line)),
        Tree::Table(entries) => entries.iter().any(|(name, part)| may_contain_secret(part, name, line)),
    }
}

/// Returns whether a line certainly contains no password, in a text that can't be parsed: an empty line, the header of
/// a table, or a single public key with a simple value.
fn is_harmless(line: &str) -> bool {
    let line = line.trim().trim_end_matches(',');
    if let Some(header) = line.strip_prefix('[') {
        let name = header.trim_matches(['[', ']']);
        let is_ini_header = header.ends_with(']') && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return is_ini_header || PARTS.contains(&name);
    }
    let Some((name, value)) = line.split_once(['=', ':']) else { return line.is_empty() };
    let [name, value] = [name, value].map(|part| part.trim().trim_matches(['"', '\'']));
    is_public(name) && !value.contains(['"', '\'', '=', ':', ',', '{', '}', '[', ']', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_line_is_shown_only_if_it_is_harmless() {
        for line in [
            "",
            "[settings",
            "[[accounts]]",
            "[Account3]",
            "VAD = yes",
            "userAgent = \"Phone",
            "  \"EC\": 1,",
            "ring: x",
        ] {
            assert!(is_harmless(line), "{line}");
        }
        for line in [
            "password = x",
            "passwrod = x",
            "x",
            "[x",
            "[\"x\"]",
            "= x",
            "domain = \"a\", password \"x\"",
            "{\"domain\": \"a\"",
            "domain = \"a\" # x",
            "accounts = [{ password = x",
            "label = a\"x",
        ] {
            assert!(!is_harmless(line), "{line}");
        }
    }
}

//! Decides which parts of a line a message may show.
//!
//! In a file that can be parsed, passwords are known by their keys. In a text with a mistake, nobody can tell where a
//! password ends, so a line is shown only up to the first thing that isn't certainly harmless.

use std::ops::Range;

use super::schema::{MIN_VERSION, PARTS, STATE_VERSION};
use super::tree::{Node, Tree};
use crate::hook::event::Event;
use crate::microsip::keys::{self, Privacy};

/// What is hidden in the lines that messages show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// What may be a password.
    Passwords,
    /// Everything, because any value may be a password.
    Everything,
}

impl Redaction {
    /// Returns the parts of a line that a message about a mistake must not show. `root` is `None` for a text that can't
    /// be parsed.
    pub(super) fn hidden(
        self,
        text: &str,
        line: &Range<usize>,
        root: Option<&Node>,
        span: &Range<usize>,
    ) -> Vec<Range<usize>> {
        match (self, root) {
            (Redaction::Everything, _) => vec![line.clone()],
            (Redaction::Passwords, Some(root)) => hidden_values(text, line, root, span),
            (Redaction::Passwords, None) if is_in_table_of_action(&text[..line.start]) => vec![line.clone()],
            (Redaction::Passwords, None) => {
                let shown = line.start + harmless_length(&text[line.clone()]);
                Vec::from_iter((shown < line.end).then_some(shown..line.end))
            }
        }
    }
}

/// Returns whether a value of this name is a password.
pub fn is_secret(name: &str) -> bool {
    name.eq_ignore_ascii_case("password")
}

/// The tables of an action in which every value may be a password, whatever its name.
const PRIVATE_TABLES: [&str; 3] = ["headers", "json", "form"];

/// Returns whether values of this name may be shown. An unknown name may be a misspelled `password`.
pub(super) fn is_public(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "$schema",
        "program",
        "args",
        "env",
        "file",
        "stdin",
        // actions; the values of headers and of what a request sends may be passwords
        "open",
        "again-after",
        "notify",
        "link",
        "get",
        "post",
        "retry",
        "log",
        "separator",
        "run",
        "timeout",
        "only",
        "except",
        "country",
        "internal",
        "outside-line",
    ];
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_open = |section: &str| keys::find(section, name).is_some_and(|key| key.privacy == Privacy::Open);
    is_number
        || NAMES.contains(&name)
        || PARTS.contains(&name)
        || [MIN_VERSION, STATE_VERSION].contains(&name)
        || name.parse::<Event>().is_ok()
        || is_open("Settings")
        || is_open("Account1")
}

/// Characters that are between keys and values.
const STRUCTURE: [char; 11] = [' ', '\t', '=', ':', ',', '{', '}', '[', ']', '"', '\''];

/// Returns the parts of a line that may be passwords. A comment after one is hidden too: it can be the end of a
/// password with a quote in it.
fn hidden_values(text: &str, line: &Range<usize>, root: &Node, named: &Range<usize>) -> Vec<Range<usize>> {
    let mut parts = LineParts { line, named, shown: Vec::new(), secret: Vec::new() };
    parts.add(root, "", true);
    let mut hidden: Vec<Range<usize>> = Vec::new();
    if parts.secret.is_empty() {
        return hidden;
    }
    let is_in = |parts: &[Range<usize>], at: usize| parts.iter().any(|part| part.contains(&at));
    for (at, c) in text[line.clone()].char_indices().map(|(at, c)| (line.start + at, c)) {
        let is_secret = is_in(&parts.secret, at);
        let is_known = is_in(&parts.shown, at) || STRUCTURE.contains(&c);
        match hidden.last_mut() {
            _ if !is_secret && !is_known => {
                hidden.push(at..line.end);
                break;
            }
            Some(last) if is_secret && last.end == at => last.end = at + c.len_utf8(),
            _ if is_secret => hidden.push(at..at + c.len_utf8()),
            _ => {}
        }
    }
    hidden
}

/// The keys and values that reach into a line.
struct LineParts<'a> {
    line: &'a Range<usize>,
    /// The position of the mistake. If that is a key, the message names it.
    named: &'a Range<usize>,
    shown: Vec<Range<usize>>,
    secret: Vec<Range<usize>>,
}

impl LineParts<'_> {
    /// Adds the parts below a node, which has this name. `is_open` is whether it is outside of every value that may be
    /// a password.
    fn add(&mut self, node: &Node, own_name: &str, is_open: bool) {
        match &node.tree {
            Tree::Leaf(value) => {
                let is_private = value.as_str().is_some_and(has_user);
                self.add_part(&node.span, is_public(own_name) && !is_private);
            }
            Tree::List(items) => items.iter().for_each(|item| self.add(item, own_name, is_open)),
            Tree::Table(entries) => {
                // an unknown table may be a misspelled one of these
                let is_known = own_name.is_empty() || is_public(own_name) || is_secret(own_name);
                for (name, part) in entries {
                    let name = if is_known { name } else { own_name };
                    if part.key != part.span {
                        let is_known = is_public(name) || is_secret(name);
                        self.add_part(&part.key, is_known || is_open && part.key == *self.named);
                    }
                    let is_open = is_open && (is_public(name) || PRIVATE_TABLES.contains(&name));
                    // an unknown table in an action may be a misspelled `headers`
                    let is_in_action = own_name.parse::<Event>().is_ok();
                    let is_unknown = !matches!(part.tree, Tree::Leaf(_)) && !is_public(name);
                    let name = if is_in_action && is_unknown { PRIVATE_TABLES[0] } else { name };
                    self.add(part, name, is_open);
                }
            }
        }
    }

    fn add_part(&mut self, span: &Range<usize>, is_shown: bool) {
        if span.start <= self.line.end && self.line.start <= span.end {
            if is_shown { self.shown.push(span.clone()) } else { self.secret.push(span.clone()) }
        }
    }
}

/// Returns whether a text is an address with a user, and so perhaps a password, before the host.
fn has_user(text: &str) -> bool {
    let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    after_scheme.split(['/', '?', '#', '\\']).next().is_some_and(|host| host.contains('@'))
}

/// Returns whether what follows a text is in a table such as `[end.headers]`, in which the names of passwords can be
/// anything.
fn is_in_table_of_action(before: &str) -> bool {
    let Some(table) = before.lines().rev().map(str::trim).find(|line| line.starts_with('[')) else {
        return false;
    };
    let name = table.trim_start_matches(['[', ' ', '\t']);
    let first = name.split_once('.').map(|(first, _)| first.trim().trim_matches(['"', '\'']));
    first.is_some_and(|first| first.parse::<Event>().is_ok())
}

/// Returns the length of the start of a line that certainly contains no password, in a text that can't be parsed:
/// public keys, each with a value that ends where another token can follow.
fn harmless_length(line: &str) -> usize {
    if is_harmless(line) {
        return line.len();
    }
    let mut lists: Vec<bool> = Vec::new();
    let (mut length, mut expected) = (0, Expected::Name);
    while let Some((token, next)) = token(&line[length..], &expected, lists.last() == Some(&true)) {
        match token {
            '{' | '[' => lists.push(token == '['),
            '}' | ']' => {
                lists.pop();
            }
            _ => {}
        }
        length += line[length..].len() - next.len();
        expected = match token {
            '{' => Expected::Name,
            '[' | '=' => Expected::Value,
            ',' if lists.last() == Some(&true) => Expected::Value,
            ',' => Expected::Name,
            _ => Expected::End,
        };
    }
    length + line[length..].len() - line[length..].trim_start().len()
}

/// What can follow in a line.
#[derive(PartialEq)]
enum Expected {
    Name,
    Value,
    End,
}

/// Returns the next harmless token and the text after it: a bracket, a comma, `=` for a key, or `v` for a value.
fn token<'a>(text: &'a str, expected: &Expected, is_in_list: bool) -> Option<(char, &'a str)> {
    let text = text.trim_start();
    let first = text.chars().next()?;
    let after_first = &text[first.len_utf8()..];
    let is_bracket = match expected {
        Expected::Name => ['{', '}', ']'].contains(&first),
        Expected::Value => ['{', '['].contains(&first) || first == ']' && is_in_list,
        Expected::End => ['}', ']', ','].contains(&first),
    };
    if is_bracket {
        return Some((first, after_first));
    }
    let (word, rest) = match first {
        '"' | '\'' => {
            let (word, rest) = after_first.split_once(first)?;
            (word, rest.trim_start())
        }
        _ => {
            let is_end = |c: char| !c.is_ascii_alphanumeric() && !['_', '-', '+', '.', '$'].contains(&c);
            let end = text.find(is_end).unwrap_or(text.len());
            (&text[..end], text[end..].trim_start())
        }
    };
    match expected {
        Expected::Name if is_public(word) => rest.strip_prefix(['=', ':']).map(|rest| ('=', rest)),
        // A value with a quote in it may include keys and other values.
        Expected::Value
            if !word.contains(['"', '\''])
                && !has_user(word)
                && (rest.is_empty() || rest.starts_with([',', '}', ']', '#'])) =>
        {
            Some(('v', rest))
        }
        _ => None,
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
    let value = value
        .strip_prefix(|c: char| c.is_ascii_alphabetic())
        .and_then(|rest| rest.strip_prefix(":\\"))
        .unwrap_or(value);
    is_public(name) && !value.contains(['"', '\'', '=', ':', ',', '{', '}', '[', ']', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_line_is_shown_up_to_what_may_be_a_password() {
        for line in [
            "",
            "[settings",
            "[[accounts]]",
            "[Account3]",
            "VAD = yes",
            "userAgent = \"Phone",
            "  \"EC\": 1,",
            "ring: x",
            r"cmdIncomingCall=C:\Program Files\a.exe",
            r#"ring = "C:\hooks\ring.exe"#,
            r#"ring = "C:\hooks\ring.exe""#,
            r#"ring = { program = "C:\hooks\ring.exe", args = ["--to", "crm"] }"#,
            r#""settings": {"VAD": 1,}"#,
            "}, {",
        ] {
            assert_eq!(harmless_length(line), line.len(), "{line}");
        }
        for (shown, hidden) in [
            ("", "password = x"),
            ("", "passwrod = x"),
            ("", "x"),
            ("", "[x"),
            ("", "[\"x\"]"),
            ("", "= x"),
            ("", "T0p, S3cret"),
            ("domain = \"a\",", " password \"x\""),
            ("{\"domain\": ", "\"a\" \"password\": \"x\""),
            ("{\"domain\": \"a\",", " \"password\" \"x\""),
            ("{\"domain\": ", "\"a, \"password\": \"x\"}"),
            ("{\"domain\": ", "'\"a\", \"password\": \"x',\"}"),
            ("{\"domain\": ", "a\", \"password\": \"x\"}"),
            ("{\"domain\": \"a\",", " \"password: x\"=#x\"}"),
            ("domain = \"a\"", " # x"),
            ("accounts = [{", " password = x"),
            ("label = ", "a\"x"),
            ("label = ", "\"a\"x"),
        ] {
            let line = format!("{shown}{hidden}");
            let length = harmless_length(&line);
            assert_eq!(line[..length].trim_end(), shown.trim_end(), "{line}");
        }
    }
}

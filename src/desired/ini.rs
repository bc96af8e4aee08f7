//! A MicroSIP.ini whose keys are set on top of those in the ini, as a tree.

use std::ops::Range;

use ini::{Ini, ParseOption};
use serde_json::Value as Json;

use super::error::{DesiredErrorKind, SpannedError};
use super::tree::{Node, Tree, add};
use crate::guess;
use crate::hook::command::{self, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::ini::{lookup, wide};
use crate::microsip::accounts;

/// Parses an ini with rust-ini, which returns values unchanged.
pub(super) fn parse(text: &str) -> Result<Node, SpannedError> {
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    let ini = Ini::load_from_str_opt(text, options).map_err(|error| {
        let start = start_of_line(text, error.line) + error.col;
        not_an_ini_line(&(start..start))
    })?;
    let mut parts = Parts::default();
    let mut lines = Lines { text, at: 0 };
    for (section, properties) in &ini {
        if let Some(name) = section.filter(|name| name.contains('\n')) {
            return Err(lines.unfinished(name));
        }
        let header = section.map_or(0..0, |name| lines.header(name));
        let name = section.unwrap_or_default();
        let mut account = Vec::new();
        for (key, value) in properties {
            if key.contains('\n') {
                return Err(lines.unfinished(key));
            }
            let (key_span, span) = lines.key(key, value);
            let node = |tree: Tree| Node { span: span.clone(), key: key_span.clone(), tree };
            let read = String::from_utf16_lossy(&lookup::read_text(&wide(value), lookup::NO_LIMIT));
            let leaf = || node(Tree::Leaf(Json::from(read.as_str())));
            if name.eq_ignore_ascii_case("Settings") {
                match Event::from_key(key) {
                    Some(event) => {
                        add(&mut parts.hooks, event.name().into(), node(hook(value, event, &span)?))?;
                    }
                    None => add(&mut parts.settings, key.to_string(), leaf())?,
                }
            } else if name.eq_ignore_ascii_case("Shortcuts") {
                add(&mut parts.shortcuts, key.to_string(), leaf())?;
            } else if accounts::number_of(name).is_some_and(|number| number != accounts::LOCAL) {
                add(&mut account, key.to_string(), leaf())?;
            } else {
                return Err(unknown_section(name).at(&header));
            }
        }
        if let Some(number) = accounts::number_of(name).filter(|_| !account.is_empty()) {
            parts.accounts.push((number, Node::new(&header, Tree::Table(account))));
        }
    }
    parts.into_node(&(0..text.len()))
}

/// The parts of a desired state.
#[derive(Default)]
struct Parts {
    settings: Vec<(String, Node)>,
    hooks: Vec<(String, Node)>,
    shortcuts: Vec<(String, Node)>,
    accounts: Vec<(u32, Node)>,
}

impl Parts {
    fn into_node(mut self, whole: &Range<usize>) -> Result<Node, SpannedError> {
        self.accounts.sort_by_key(|(number, _)| *number);
        if let Some(((_, node), _)) =
            self.accounts.iter().zip(1..).find(|((number, _), place)| number != place)
        {
            let message = "accounts must be numbered 1, 2, 3 and so on, each number once";
            return Err(DesiredErrorKind::Numbering(message).at(&node.span));
        }
        let table = |entries| Node::new(whole, Tree::Table(entries));
        let mut entries = vec![
            ("settings".to_string(), table(self.settings)),
            ("hooks".to_string(), table(self.hooks)),
            ("shortcuts".to_string(), table(self.shortcuts)),
        ];
        if !self.accounts.is_empty() {
            let accounts = self.accounts.into_iter().map(|(_, node)| node).collect();
            entries.push(("accounts-mode".into(), Node::new(whole, Tree::Leaf(Json::from("ensure")))));
            entries.push(("accounts".into(), Node::new(whole, Tree::List(accounts))));
        }
        Ok(table(entries))
    }
}

fn unknown_section(name: &str) -> DesiredErrorKind {
    let hint = match guess::nearest(name, ["Settings", "Account1", "Shortcuts"]) {
        Some(nearest) => format!("did you mean [{nearest}]?"),
        None => "use [Settings], [Shortcuts], [Account1], [Account2] and so on".into(),
    };
    DesiredErrorKind::UnknownSection { name: name.into(), hint }
}

fn not_an_ini_line(span: &Range<usize>) -> SpannedError {
    DesiredErrorKind::Syntax("this line is neither [SECTION] nor KEY=VALUE".into()).at(span)
}

/// Returns what MicroSIP would run for the text of a command.
fn hook(text: &str, event: Event, span: &Range<usize>) -> Result<Tree, SpannedError> {
    let decoded = command::decode(&wide(text), event, &SaveDialect::determine(None, None, None));
    let command = decoded.command();
    if let Some(error) = decoded.errors.into_iter().find(HookTextError::is_fatal) {
        return Err(DesiredErrorKind::Command(error).at(span));
    }
    let Some(command) = command else { return Ok(Tree::Leaf(Json::from(false))) };
    let leaf = |text: String| Node::new(span, Tree::Leaf(Json::from(text)));
    let args = Node::new(span, Tree::List(command.args.into_iter().map(leaf).collect()));
    Ok(Tree::Table(vec![("program".into(), leaf(command.program)), ("args".into(), args)]))
}

/// Finds the lines of what rust-ini returns, in that order, because rust-ini reports no positions.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl Lines<'_> {
    fn header(&mut self, name: &str) -> Range<usize> {
        let is_header = |line: &str| {
            let inner = line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
            inner.is_some_and(|inner| inner.trim() == name)
        };
        self.next(is_header).unwrap_or(0..0)
    }

    /// Returns the positions of a key and its value.
    fn key(&mut self, key: &str, value: &str) -> (Range<usize>, Range<usize>) {
        let separator = |line: &str| line.find(['=', ':']);
        let is_key = |line: &str| separator(line).is_some_and(|at| line[..at].trim() == key);
        let Some(line) = self.next(is_key) else { return (0..0, 0..0) };
        let text = &self.text[line.clone()];
        let after = line.start + separator(text).map_or(0, |at| at + 1);
        let key_start = line.start + text.find(key).unwrap_or_default();
        let value_start = after + self.text[after..line.end].find(value).unwrap_or_default();
        (key_start..key_start + key.len(), value_start..line.end)
    }

    /// Returns the error for a name that includes a line break: rust-ini joins a line without `=` or `]` with the next
    /// lines, and those may contain a password.
    fn unfinished(&mut self, name: &str) -> SpannedError {
        let first = name.lines().next().unwrap_or_default().trim();
        let is_first = |line: &str| line.trim().trim_start_matches('[').trim() == first;
        not_an_ini_line(&self.next(is_first).unwrap_or(0..0))
    }

    /// Returns the next line that matches, or else the first one of the file.
    fn next(&mut self, is_match: impl Fn(&str) -> bool) -> Option<Range<usize>> {
        let found = [self.at, 0].into_iter().find_map(|from| {
            let mut start = from;
            self.text[from..].split_inclusive('\n').find_map(|line| {
                let span = start..start + line.trim_end().len();
                start += line.len();
                is_match(line).then_some(span)
            })
        })?;
        self.at =
            (found.end..=self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or_default();
        Some(found)
    }
}

fn start_of_line(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum()
}

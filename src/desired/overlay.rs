//! A MicroSIP.ini whose keys are laid over those that are there, as the same tree that TOML and JSON give.

use std::ops::Range;

use ini::{Ini, ParseOption};
use serde_json::Value as Json;

use super::source::{Node, Tree, add};
use super::{Fault, What};
use crate::guess;
use crate::hook::command;
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::ini::{lookup, wide};
use crate::microsip::accounts;

/// Reads it with rust-ini, which takes texts as they stand.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    let ini = Ini::load_from_str_opt(text, options).map_err(|error| {
        let start = start_of_line(text, error.line) + error.col;
        What::Syntax(NO_LINE.into()).at(&(start..start))
    })?;
    let (mut settings, mut hooks, mut shortcuts) = (Vec::new(), Vec::new(), Vec::new());
    let mut accounts: Vec<(u32, Node)> = Vec::new();
    let mut lines = Lines { text, at: 0 };
    for (section, properties) in &ini {
        if let Some(name) = section.filter(|name| name.contains('\n')) {
            return Err(lines.no_line(name));
        }
        let header = section.map_or(0..0, |name| lines.header(name));
        let name = section.unwrap_or_default();
        let mut account = Vec::new();
        for (key, value) in properties {
            if key.contains('\n') {
                return Err(lines.no_line(key));
            }
            let (key_span, span) = lines.key(key, value);
            let read = String::from_utf16_lossy(&lookup::read_text(&wide(value), lookup::NO_LIMIT));
            let leaf = |tree: Tree| Node { span: span.clone(), key: key_span.clone(), tree };
            let text = || leaf(Tree::Leaf(Json::from(read.as_str())));
            if name.eq_ignore_ascii_case("Settings") {
                match Event::from_key(key) {
                    Some(event) => add(&mut hooks, event.name().into(), leaf(hook(value, event, &span)?))?,
                    None => add(&mut settings, key.to_string(), text())?,
                }
            } else if name.eq_ignore_ascii_case("Shortcuts") {
                add(&mut shortcuts, key.to_string(), text())?;
            } else if accounts::number_of(name).is_some_and(|number| number != accounts::LOCAL) {
                add(&mut account, key.to_string(), text())?;
            } else {
                let sections = ["Settings", "Account1", "Shortcuts"];
                let hint = guess::nearest(name, sections).map(|nearest| format!("did you mean [{nearest}]?"));
                let hint = hint
                    .or_else(|| Some("there can be [Settings], [Account1] and so on, [Shortcuts]".into()));
                return Err(What::UnknownKey { key: format!("[{name}]"), hint }.at(&header));
            }
        }
        if let Some(number) = accounts::number_of(name).filter(|_| !account.is_empty()) {
            let tree = Tree::Table(account);
            accounts.push((number, Node { span: header.clone(), key: header, tree }));
        }
    }
    accounts.sort_by_key(|(number, _)| *number);
    let misplaced = accounts.iter().zip(1..).find(|((number, _), place)| number != place);
    if let Some(((_, node), _)) = misplaced {
        return Err(
            What::Number("the account", "the first is 1, and none is left out or there twice").at(&node.span)
        );
    }
    let whole = 0..text.len();
    let node = |tree: Tree| Node { span: whole.clone(), key: whole.clone(), tree };
    let mut parts = vec![
        ("settings".to_string(), node(Tree::Table(settings))),
        ("hooks".to_string(), node(Tree::Table(hooks))),
        ("shortcuts".to_string(), node(Tree::Table(shortcuts))),
    ];
    if !accounts.is_empty() {
        parts.push(("accounts-mode".into(), node(Tree::Leaf(Json::from("ensure")))));
        parts.push((
            "accounts".into(),
            node(Tree::List(accounts.into_iter().map(|(_, node)| node).collect())),
        ));
    }
    Ok(node(Tree::Table(parts)))
}

const NO_LINE: &str = "this is neither [SECTION] nor KEY=VALUE";

/// What MicroSIP would run for the text of a command.
fn hook(text: &str, event: Event, span: &Range<usize>) -> Result<Tree, Fault> {
    let decoded = command::decode(&wide(text), event, &SaveDialect::determine(None, None, None));
    let command = decoded.command();
    if let Some(fault) = decoded.errors.into_iter().find(command::HookTextError::is_fatal) {
        return Err(What::Command(fault).at(span));
    }
    let Some(command) = command else { return Ok(Tree::Leaf(Json::from(false))) };
    let leaf =
        |text: String| Node { span: span.clone(), key: span.clone(), tree: Tree::Leaf(Json::from(text)) };
    let args = command.args.into_iter().map(leaf).collect();
    let args = Node { span: span.clone(), key: span.clone(), tree: Tree::List(args) };
    Ok(Tree::Table(vec![("program".into(), leaf(command.program)), ("args".into(), args)]))
}

/// rust-ini does not say where it found something, so it is looked for, in the order in which it gives it.
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

    fn key(&mut self, key: &str, value: &str) -> (Range<usize>, Range<usize>) {
        let parted = |line: &str| line.find(['=', ':']);
        let is_key = |line: &str| parted(line).is_some_and(|at| line[..at].trim() == key);
        let Some(line) = self.next(is_key) else { return (0..0, 0..0) };
        let text = &self.text[line.clone()];
        let behind = line.start + parted(text).map_or(0, |at| at + 1);
        let key_start = line.start + text.find(key).unwrap_or_default();
        let value_start = behind + self.text[behind..line.end].find(value).unwrap_or_default();
        (key_start..key_start + key.len(), value_start..line.end)
    }

    /// rust-ini takes lines without an end of their own for one name, and a password may stand in those.
    fn no_line(&mut self, name: &str) -> Fault {
        let first = name.lines().next().unwrap_or_default().trim();
        let span = self.next(|line| line.trim().trim_start_matches('[').trim() == first).unwrap_or(0..0);
        What::Syntax(NO_LINE.into()).at(&span)
    }

    /// The next line like this; if there is none, the first.
    fn next(&mut self, is_meant: impl Fn(&str) -> bool) -> Option<Range<usize>> {
        let found = [self.at, 0].into_iter().find_map(|from| {
            let mut start = from;
            self.text[from..].split_inclusive('\n').find_map(|line| {
                let span = start..start + line.trim_end().len();
                start += line.len();
                is_meant(line).then_some(span)
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

//! A parsed file as a tree that knows the position of each part, whatever the format of the file.

use std::ops::Range;

use serde_json::{Map, Value as Json};

use super::error::{DesiredErrorKind, SpannedError};

/// A part of a file. It has no `Debug` form, because it may contain a password.
#[derive(Clone)]
pub struct Node {
    /// The position of the part, in bytes.
    pub span: Range<usize>,
    /// The position of its key, or of the part itself if it has no key.
    pub key: Range<usize>,
    /// The content of the part.
    pub tree: Tree,
}

/// The content of a part.
#[derive(Clone)]
pub enum Tree {
    /// A text, a number, a boolean or null.
    Leaf(Json),
    /// The items of a list.
    List(Vec<Node>),
    /// The entries of a table, in the order of the file.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// Creates a part that has no key.
    pub(super) fn new(span: &Range<usize>, tree: Tree) -> Node {
        Node { span: span.clone(), key: span.clone(), tree }
    }

    /// Returns the type of the part for messages, or the value of a boolean.
    pub fn type_name(&self) -> &'static str {
        match &self.tree {
            Tree::Leaf(Json::String(_)) => "text",
            Tree::Leaf(Json::Bool(true)) => "true",
            Tree::Leaf(Json::Bool(false)) => "false",
            Tree::Leaf(Json::Number(number)) if number.is_f64() => "a fraction",
            Tree::Leaf(Json::Number(_)) => "a number",
            Tree::Leaf(_) => "null",
            Tree::List(_) => "a list",
            Tree::Table(_) => "a table",
        }
    }

    /// Returns the error that this part isn't what was expected.
    pub fn not(&self, expected: impl Into<String>) -> SpannedError {
        DesiredErrorKind::Shape { found: self.type_name(), expected: expected.into() }.at(&self.span)
    }

    /// Returns the part at a path; list items are named by their index. If the path leads nowhere, returns the last
    /// part on it that exists.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> &Node {
        let mut node = self;
        for step in path {
            let next = match &node.tree {
                Tree::Table(entries) => entries.iter().find(|(name, _)| name == step).map(|(_, part)| part),
                Tree::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                Tree::Leaf(_) => None,
            };
            let Some(next) = next else { break };
            node = next;
        }
        node
    }

    /// Returns the part without positions.
    pub fn to_json(&self) -> Json {
        match &self.tree {
            Tree::Leaf(leaf) => leaf.clone(),
            Tree::List(items) => items.iter().map(Node::to_json).collect(),
            Tree::Table(entries) => {
                let entries = entries.iter().map(|(name, part)| (name.clone(), part.to_json()));
                Json::Object(entries.collect::<Map<String, Json>>())
            }
        }
    }

    /// Returns the path of the part whose value or key includes a position, as in `accounts[0].password`.
    pub(super) fn path_to(&self, position: &Range<usize>) -> String {
        let path = self.path_below(position).unwrap_or_default();
        path.strip_prefix('.').map(str::to_string).unwrap_or(path)
    }

    fn path_below(&self, position: &Range<usize>) -> Option<String> {
        let parts: Vec<(String, &Node)> = match &self.tree {
            Tree::Leaf(_) => Vec::new(),
            Tree::List(items) => {
                items.iter().enumerate().map(|(index, item)| (format!("[{index}]"), item)).collect()
            }
            Tree::Table(entries) => entries.iter().map(|(name, part)| (format!(".{name}"), part)).collect(),
        };
        // The position of a table in TOML doesn't include its entries.
        let below =
            |(step, part): &(String, &Node)| part.path_below(position).map(|below| format!("{step}{below}"));
        let is_in = |span: &Range<usize>| span.start <= position.start && position.end <= span.end;
        parts.iter().find_map(below).or_else(|| {
            let found = parts.iter().find(|(_, part)| is_in(&part.span) || is_in(&part.key));
            found.map(|(step, _)| step.clone())
        })
    }
}

/// Returns a text in quotes. A Windows path in which `\t` or `\n` became a control character is refused with a hint.
pub(super) fn quoted_text(text: &str, span: &Range<usize>, hint: &'static str) -> Result<Tree, SpannedError> {
    let has_drive = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text[1..].starts_with(':');
    match has_drive && text.contains(char::is_control) {
        true => Err(DesiredErrorKind::Escape { hint }.at(span)),
        false => Ok(Tree::Leaf(Json::from(text))),
    }
}

/// Adds an entry to a table, which can contain each name only once.
pub(super) fn add(table: &mut Vec<(String, Node)>, name: String, node: Node) -> Result<(), SpannedError> {
    if table.iter().any(|(other, _)| *other == name) {
        return Err(DesiredErrorKind::Twice { key: name }.at(&node.key));
    }
    table.push((name, node));
    Ok(())
}

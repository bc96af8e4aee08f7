//! The text of a desired-state file, as a tree that knows where each part of it stands.

use std::ops::Range;
use std::path::Path;

use jsonc_parser::ast::{ObjectPropName, Value as JsonValue};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{MIN_VERSION, PARTS};
use super::{DesiredError, Fault, What, overlay, users};
use crate::guess;
use crate::hook::event::Event;
use crate::microsip::keys::{self, Privacy, SectionKeys};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML, which a file is by default.
    Toml,
    /// JSON.
    Json,
    /// A MicroSIP.ini whose keys are laid over those that are there.
    Ini,
    /// A table of users, as spreadsheets write one: a line for each, the first names the columns.
    Csv,
}

impl Format {
    /// By the ending of its name.
    pub fn of(path: &Path) -> Format {
        match path.extension().map(std::ffi::OsStr::to_ascii_lowercase) {
            Some(ending) if ending == "json" => Format::Json,
            Some(ending) if ending == "ini" => Format::Ini,
            _ => Format::Toml,
        }
    }

    /// That of a table of users, by the ending of its name.
    pub fn of_users(path: &Path) -> Format {
        match path.extension().map(std::ffi::OsStr::to_ascii_lowercase) {
            Some(ending) if ending == "toml" => Format::Toml,
            Some(ending) if ending == "json" => Format::Json,
            _ => Format::Csv,
        }
    }
}

/// A part of the text.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// Where its key stands; the part itself where it has none.
    pub key: Range<usize>,
    /// What it is.
    pub tree: Tree,
}

/// What a part of the text is.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Text, a number, yes or no.
    Leaf(Json),
    /// Parts in their order.
    List(Vec<Node>),
    /// Parts by name, in their order.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match &self.tree {
            Tree::Leaf(Json::String(_)) => "text",
            Tree::Leaf(Json::Bool(_)) => "true or false",
            Tree::Leaf(Json::Number(number)) if number.is_f64() => "a fraction",
            Tree::Leaf(Json::Number(_)) => "a number",
            Tree::Leaf(_) => "null",
            Tree::List(_) => "a list",
            Tree::Table(_) => "a table",
        }
    }

    /// The part behind these names; those of a list are numbers. As far as it goes.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> &Node {
        let mut node = self;
        for step in path {
            let next = match &node.tree {
                Tree::Table(parts) => parts.iter().find(|(name, _)| name == step).map(|(_, part)| part),
                Tree::List(parts) => step.parse().ok().and_then(|place: usize| parts.get(place)),
                Tree::Leaf(_) => None,
            };
            let Some(next) = next else { break };
            node = next;
        }
        node
    }

    /// The same without places.
    pub fn to_json(&self) -> Json {
        match &self.tree {
            Tree::Leaf(leaf) => leaf.clone(),
            Tree::List(parts) => parts.iter().map(Node::to_json).collect(),
            Tree::Table(parts) => {
                let parts = parts.iter().map(|(name, part)| (name.clone(), part.to_json()));
                Json::Object(parts.collect::<Map<String, Json>>())
            }
        }
    }

    /// The names that lead to the part that stands, or whose key stands, at a place.
    fn path_to(&self, place: &Range<usize>) -> String {
        let is_there = |span: &Range<usize>| span.start <= place.start && place.end <= span.end;
        match &self.tree {
            Tree::Leaf(_) => String::new(),
            Tree::List(parts) => {
                let found = parts.iter().enumerate().find(|(_, part)| is_there(&part.span));
                found.map(|(number, part)| format!("[{number}]{}", part.path_to(place))).unwrap_or_default()
            }
            Tree::Table(parts) => {
                let found = parts.iter().find(|(_, part)| is_there(&part.span) || is_there(&part.key));
                found.map(|(name, part)| format!(".{name}{}", part.path_to(place))).unwrap_or_default()
            }
        }
    }

    fn secrets(&self, name: &str, hidden: Hidden, found: &mut Vec<Range<usize>>) {
        match &self.tree {
            Tree::Leaf(_) if hidden == Hidden::Passwords && is_shown(name) => {}
            Tree::Leaf(_) => found.push(self.span.clone()),
            Tree::List(parts) => parts.iter().for_each(|part| part.secrets(name, hidden, found)),
            Tree::Table(parts) => parts.iter().for_each(|(name, part)| part.secrets(name, hidden, found)),
        }
    }
}

/// Whether what has this name is a password.
pub fn is_secret(name: &str) -> bool {
    name.eq_ignore_ascii_case("password")
}

/// Whether what has this name may be seen. Any other may be a password whose name is misspelt.
pub(super) fn is_shown(name: &str) -> bool {
    const NAMES: [&str; 7] = ["$schema", "program", "args", "env", "file", "stdin", ""];
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_open =
        |section: &str| keys::find(section, name).is_some() && keys::privacy(section, name) == Privacy::Open;
    is_number
        || NAMES.contains(&name)
        || PARTS.contains(&name)
        || name == MIN_VERSION
        || name.parse::<Event>().is_ok()
        || is_open("Settings")
        || is_open("Account1")
}

/// What of a text is not shown in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Passwords.
    Passwords,
    /// Every value: any of them may be a password.
    Values,
    /// Whole lines, in which nothing tells what is a value.
    Lines,
}

/// A text and its parts.
#[derive(Clone, Debug)]
pub struct Source {
    file: String,
    text: String,
    hidden: Hidden,
    /// All of it.
    pub root: Node,
}

impl Source {
    /// Reads a text. `file` is its name in messages.
    ///
    /// # Errors
    /// When it is not what its format says.
    pub fn parse(file: String, text: String, format: Format, hidden: Hidden) -> Result<Source, DesiredError> {
        let text = text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n");
        let root = match format {
            Format::Toml => from_toml(&text),
            Format::Json => from_json(&text),
            Format::Ini => overlay::parse(&text),
            Format::Csv => users::parse(&text),
        };
        match root {
            Ok(root) => Ok(Source { file, text, hidden, root }),
            Err(fault) => Err(error_of(&file, &text, hidden, None, fault)),
        }
    }

    /// The same without one of its parts.
    pub fn without(mut self, name: &str) -> Source {
        if let Tree::Table(parts) = &mut self.root.tree {
            parts.retain(|(other, _)| other != name);
        }
        self
    }

    /// The error that a fault of this text is.
    pub fn error(&self, fault: Fault) -> DesiredError {
        error_of(&self.file, &self.text, self.hidden, Some(&self.root), fault)
    }
}

fn error_of(
    file: &str,
    text: &str,
    hidden: Hidden,
    root: Option<&Node>,
    Fault { span, what }: Fault,
) -> DesiredError {
    let path = root.map(|root| root.path_to(&span)).unwrap_or_default();
    let path = path.strip_prefix('.').map(str::to_string).unwrap_or(path);
    let start = floor(text, span.start.min(text.len()));
    let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    let line = text[..line_start].matches('\n').count() + 1;
    let column = text[line_start..start].chars().count() + 1;
    let end = floor(text, span.end.clamp(start, line_end));
    let secrets = match (hidden, root) {
        (Hidden::Lines, _) => Vec::from_iter(Some(line_start..line_end)),
        (_, Some(root)) => {
            let mut found = Vec::new();
            root.secrets("", hidden, &mut found);
            // a quote in a password that is not escaped ends it; what looks like a comment may be its rest
            let is_here = |end: &usize| (line_start..line_end).contains(end);
            let ends = found.iter().map(|span| span.end).filter(is_here);
            let comment = ends.filter_map(|end| Some(end + text[end..line_end].find('#')?)).min();
            found.extend(comment.map(|start| start..line_end));
            found
        }
        (Hidden::Values, None) => Vec::from_iter(Some(line_start..line_end)),
        (Hidden::Passwords, None) => {
            let line = &text[line_start..line_end];
            Vec::from_iter(perhaps_secret(line).map(|at| line_start + at..line_end))
        }
    };
    // each character keeps its place
    let shown: String = text[line_start..line_end]
        .char_indices()
        .map(|(at, c)| if secrets.iter().any(|span| span.contains(&(line_start + at))) { '*' } else { c })
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let margin = " ".repeat(line.to_string().len());
    let before = " ".repeat(column - 1);
    let marks = "^".repeat(text[start..end].chars().count().max(1));
    let excerpt = format!("  {line} | {shown}\n  {margin} | {before}{marks}");
    DesiredError { file: file.to_string(), line, column, path, excerpt, what: Box::new(what) }
}

/// Where in a line something may be a password, in a text that has no parts because it is broken: what stands behind a
/// name that may be a misspelt `password`, and what is neither a name that is known nor the value of one.
fn perhaps_secret(line: &str) -> Option<usize> {
    let is_header = line.starts_with('[') && line.trim_end().ends_with(']') && !line.contains(['"', '\'']);
    if is_header {
        return None;
    }
    let mut at = 0;
    loop {
        at = behind(line, at, |c| c.is_whitespace() || ",{}[]".contains(c));
        if at == line.len() {
            return None;
        }
        let word = word_at(line, at);
        let name = line[word.clone()].trim_matches(['"', '\'']);
        let sign = behind(line, word.end, char::is_whitespace);
        let has_value = line[sign..].starts_with(['=', ':']);
        match (is_shown(name), has_value) {
            _ if word.is_empty() => return Some(at),
            (true, true) => {
                at = behind(line, sign + 1, char::is_whitespace);
                // a table or a list has names and values of its own
                if !line[at..].starts_with(['{', '[']) {
                    let value = word_at(line, at);
                    // one whose end is missing, or has another quote, has taken others into it
                    if line[value.clone()].trim_matches(['"', '\'']).contains(['"', '\'', '=', '{', '}']) {
                        return Some(at);
                    }
                    at = value.end;
                }
            }
            (true, false) => at = word.end,
            (false, true) if is_like_a_name(name) => return Some(sign + 1),
            (false, _) => return Some(at),
        }
    }
}

/// A word, or what stands between quotes with them, as far as the line goes.
fn word_at(line: &str, at: usize) -> Range<usize> {
    let text = &line[at..];
    let length = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut is_escaped = false;
            let end = text.char_indices().skip(1).find(|(_, c)| {
                let is_end = *c == quote && !is_escaped;
                is_escaped = *c == '\\' && !is_escaped;
                is_end
            });
            end.map_or(text.len(), |(end, _)| end + 1)
        }
        _ => text.find(|c: char| c.is_whitespace() || "=:,{}[]\"'".contains(c)).unwrap_or(text.len()),
    };
    at..at + length
}

/// The place behind these characters.
fn behind(line: &str, at: usize, is_one: impl Fn(char) -> bool) -> usize {
    line[at..].find(|c: char| !is_one(c)).map_or(line.len(), |length| at + length)
}

/// Whether that can be a misspelt name, and no part of a password in which there is a sign.
fn is_like_a_name(name: &str) -> bool {
    // a name that has lost a quote has taken its value into it
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let known = ["Settings", "Account1"].map(keys::of_section);
    let names: Vec<&str> = known.iter().flat_map(SectionKeys::all).map(|key| key.name).collect();
    guess::nearest(name, names).is_some()
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Adds a part to a table; a name stands in it once.
pub(super) fn add(table: &mut Vec<(String, Node)>, name: String, node: Node) -> Result<(), Fault> {
    if table.iter().any(|(other, _)| *other == name) {
        return Err(What::Twice { key: name }.at(&node.key));
    }
    table.push((name, node));
    Ok(())
}

fn from_toml(text: &str) -> Result<Node, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        // its longer messages have lines of their own
        What::Syntax(error.message().replace('\n', ", ")).at(&span)
    })?;
    let span = table.span();
    toml_table(table.get_ref(), &span, &(0..0))
}

fn toml_table(table: &DeTable<'_>, span: &Range<usize>, key: &Range<usize>) -> Result<Node, Fault> {
    let mut parts = Vec::new();
    for (name, value) in table {
        let node = toml_value(value, &name.span())?;
        add(&mut parts, name.get_ref().to_string(), node)?;
    }
    Ok(Node { span: span.clone(), key: key.clone(), tree: Tree::Table(parts) })
}

fn toml_value(value: &Spanned<DeValue<'_>>, key: &Range<usize>) -> Result<Node, Fault> {
    let span = value.span();
    let tree = match value.get_ref() {
        DeValue::String(text) => Tree::Leaf(Json::from(text.as_ref())),
        DeValue::Boolean(yes) => Tree::Leaf(Json::from(*yes)),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Tree::Leaf(Json::from(
                parsed.map_err(|_| What::Syntax("the number is too large".into()).at(&span))?,
            ))
        }
        DeValue::Float(_) => Tree::Leaf(Json::from(0.5)),
        DeValue::Datetime(_) => {
            return Err(What::Syntax("a date has no place here; write text between quotes".into()).at(&span));
        }
        DeValue::Array(parts) => {
            Tree::List(parts.iter().map(|part| toml_value(part, &part.span())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => return toml_table(table, &span, key),
    };
    Ok(Node { span, key: key.clone(), tree })
}

fn from_json(text: &str) -> Result<Node, Fault> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict).map_err(|error| {
        let range = error.range();
        What::Syntax(error.kind().to_string()).at(&(range.start..range.end))
    })?;
    match parsed.value {
        Some(value) => json_value(value, None),
        None => Err(What::Syntax("there is nothing in it".into()).at(&(0..0))),
    }
}

fn json_value(value: JsonValue<'_>, key: Option<Range<usize>>) -> Result<Node, Fault> {
    let range = value.range();
    let span = range.start..range.end;
    let tree = match value {
        JsonValue::StringLit(text) => Tree::Leaf(Json::from(text.value.as_ref())),
        JsonValue::NumberLit(number) => Tree::Leaf(match number.value.parse::<i64>() {
            Ok(number) => Json::from(number),
            Err(_) => Json::from(0.5),
        }),
        JsonValue::BooleanLit(yes) => Tree::Leaf(Json::from(yes.value)),
        JsonValue::NullKeyword(_) => Tree::Leaf(Json::Null),
        JsonValue::Array(parts) => Tree::List(
            parts.elements.into_iter().map(|part| json_value(part, None)).collect::<Result<_, _>>()?,
        ),
        JsonValue::Object(object) => {
            let mut parts = Vec::new();
            for property in object.properties {
                let name = match &property.name {
                    ObjectPropName::String(name) => name.range,
                    ObjectPropName::Word(name) => name.range,
                };
                let node = json_value(property.value, Some(name.start..name.end))?;
                add(&mut parts, property.name.into_string(), node)?;
            }
            Tree::Table(parts)
        }
    };
    Ok(Node { key: key.unwrap_or_else(|| span.clone()), span, tree })
}

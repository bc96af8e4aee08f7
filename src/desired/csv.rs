//! A table of users as spreadsheets export it, as a tree: a table of variables by user.

use std::collections::HashSet;
use std::ops::Range;

use csv::{ErrorKind, Position, ReaderBuilder};
use serde_json::Value as Json;

use super::error::{DesiredErrorKind, SpannedError};
use super::redact::is_secret;
use super::tree::{Node, Tree};

/// The column that names the user.
const USER: &str = "user";

/// Parses a table. Columns are separated by commas, semicolons or tabs, whichever the first line uses.
pub(super) fn parse(text: &str) -> Result<Node, SpannedError> {
    let (separator, start) = separator_of(text);
    if let Some(quote) = unclosed_quote(&text[start..], separator) {
        let message = "a quote is opened here and never closed";
        return Err(DesiredErrorKind::Syntax(message.into()).at(&(start + quote..start + quote + 1)));
    }
    let header_span = start..start + text[start..].lines().next().unwrap_or_default().len();
    let mut reader = ReaderBuilder::new().delimiter(separator).from_reader(&text.as_bytes()[start..]);
    let columns: Vec<String> = match reader.headers() {
        Ok(columns) => columns.iter().map(|name| name.trim().to_string()).collect(),
        Err(error) => return Err(syntax_error(&error, text, start)),
    };
    let is_user = |name: &String| name.eq_ignore_ascii_case(USER);
    let Some(user) = columns.iter().position(is_user) else {
        return Err(DesiredErrorKind::Missing { key: USER }.at(&header_span));
    };
    let mut seen = HashSet::new();
    let named = columns.iter().filter(|name| !name.is_empty());
    if let Some(twice) = named.into_iter().find(|name| !seen.insert(name.as_str())) {
        return Err(DesiredErrorKind::Twice { key: twice.clone() }.at(&header_span));
    }
    let mut users = Vec::new();
    let mut names = HashSet::new();
    for record in reader.records() {
        let record = record.map_err(|error| syntax_error(&error, text, start))?;
        // Spreadsheets also write rows whose cells were cleared.
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let span = line_at(text, start, record.position());
        let name = record.get(user).unwrap_or_default().trim();
        if name.is_empty() {
            return Err(DesiredErrorKind::Missing { key: USER }.at(&span));
        }
        if !names.insert(name.to_lowercase()) {
            return Err(DesiredErrorKind::Twice { key: name.to_string() }.at(&span));
        }
        let mut row = Vec::new();
        for (column, value) in columns.iter().zip(&record).filter(|(column, _)| !is_user(column)) {
            // spaces next to a separator are layout, but a password may begin or end with one
            let value = if is_secret(column) { value } else { value.trim() };
            let leaf = if value.is_empty() { Json::Null } else { Json::from(value) };
            match (column.is_empty(), leaf.is_null()) {
                (false, _) => row.push((column.clone(), Node::new(&span, Tree::Leaf(leaf)))),
                // Spreadsheets also write columns that were cleared.
                (true, true) => {}
                (true, false) => return Err(DesiredErrorKind::NamelessColumn.at(&span)),
            }
        }
        users.push((name.to_string(), Node::new(&span, Tree::Table(row))));
    }
    Ok(Node { span: 0..text.len(), key: 0..0, tree: Tree::Table(users) })
}

/// Returns the separator of the columns, and where the first line of the table begins.
fn separator_of(text: &str) -> (u8, usize) {
    let first = text.lines().next().unwrap_or_default();
    // a line that tells spreadsheets which separator to use
    if let Some(&[separator]) = first.to_ascii_lowercase().strip_prefix("sep=").map(str::as_bytes) {
        return (separator, text.len().min(first.len() + 1));
    }
    let is_used = |separator: &&u8| first.as_bytes().contains(separator);
    ([b';', b'\t', b','].iter().find(is_used).copied().unwrap_or(b','), 0)
}

/// Returns the position of a quote that opens a cell and isn't closed. The crate reads all lines after it as one cell.
fn unclosed_quote(table: &str, separator: u8) -> Option<usize> {
    let (mut is_start, mut opened, mut inside) = (true, None, false);
    for (at, byte) in table.bytes().enumerate() {
        match byte {
            b'"' if is_start => (opened, inside) = (Some(at), true),
            // a doubled quote closes and opens again
            b'"' if opened.is_some() => inside = !inside,
            _ => {}
        }
        is_start = !inside && (byte == separator || byte == b'\n');
        if is_start {
            opened = None;
        }
    }
    opened.filter(|_| inside)
}

/// Returns the line of a record. The crate counts empty lines before it as part of it.
fn line_at(text: &str, table: usize, position: Option<&Position>) -> Range<usize> {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0) + table;
    let rest = text.get(start..).unwrap_or_default();
    let start = text.len() - rest.trim_start_matches('\n').len();
    let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    start..end
}

fn syntax_error(error: &csv::Error, text: &str, table: usize) -> SpannedError {
    // the crate's own messages count records and speak of its types
    let message = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("this line has {len} columns, but the first line has {expected_len}")
        }
        _ => "this line isn't valid CSV".into(),
    };
    DesiredErrorKind::Syntax(message).at(&line_at(text, table, error.position()))
}

//! A table of users: what variables stand for, for each.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::source::{Node, Source, Tree, is_secret};
use super::{DesiredError, Fault, What};

/// The column that names the user.
const USER: &str = "user";

/// Reads a table as spreadsheets write it: parted by commas, semicolons or tabs, whichever the first line has.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let (separator, start) = separator_of(text);
    let header_span = start..start + text[start..].lines().next().unwrap_or_default().len();
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(&text.as_bytes()[start..]);
    let columns: Vec<String> = match reader.headers() {
        Ok(columns) => columns.iter().map(|name| name.trim().to_string()).collect(),
        Err(error) => return Err(fault_of(&error, text, start)),
    };
    let is_user = |name: &String| name.eq_ignore_ascii_case(USER);
    let Some(user) = columns.iter().position(is_user) else {
        return Err(What::Missing { key: USER }.at(&header_span));
    };
    let mut seen = HashSet::new();
    if let Some(twice) = columns.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(What::Twice { key: twice.clone() }.at(&header_span));
    }
    let mut users = Vec::new();
    let mut names = HashSet::new();
    for record in reader.records() {
        let record = record.map_err(|error| fault_of(&error, text, start))?;
        let span = line_at(text, start, record.position());
        let name = record.get(user).unwrap_or_default().trim();
        if name.is_empty() {
            return Err(What::Missing { key: USER }.at(&span));
        }
        if !names.insert(name.to_lowercase()) {
            return Err(What::Twice { key: name.to_string() }.at(&span));
        }
        let leaf =
            |value: &str| Node { span: span.clone(), key: span.clone(), tree: Tree::Leaf(Json::from(value)) };
        let columns = columns.iter().zip(&record).filter(|(column, _)| !is_user(column));
        // blanks beside a comma are for the eye, but a password may begin with one
        let row = columns.map(|(column, value)| {
            (column.clone(), leaf(if is_secret(column) { value } else { value.trim() }))
        });
        let row = row.collect();
        let row = Node { span: span.clone(), key: span.clone(), tree: Tree::Table(row) };
        users.push((name.to_string(), row));
    }
    Ok(Node { span: 0..text.len(), key: 0..0, tree: Tree::Table(users) })
}

/// What parts the columns, and where the first line of the table begins.
fn separator_of(text: &str) -> (u8, usize) {
    let first = text.lines().next().unwrap_or_default();
    // a line by which spreadsheets are told
    if let Some(&[separator]) = first.to_ascii_lowercase().strip_prefix("sep=").map(str::as_bytes) {
        return (separator, text.len().min(first.len() + 1));
    }
    let is_there = |separator: &&u8| first.as_bytes().contains(separator);
    ([b';', b'\t', b','].iter().find(is_there).copied().unwrap_or(b','), 0)
}

/// Where the line of a record stands; blank lines before it count as its own to the crate.
fn line_at(text: &str, table: usize, position: Option<&csv::Position>) -> std::ops::Range<usize> {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0) + table;
    let rest = text.get(start..).unwrap_or_default();
    let start = text.len() - rest.trim_start_matches('\n').len();
    let end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    start..end
}

fn fault_of(error: &csv::Error, text: &str, table: usize) -> Fault {
    // the crate's own words count records, and speak of its types
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("this line has {len} columns, the first has {expected_len}")
        }
        _ => "this line is no line of a table".into(),
    };
    What::Syntax(what).at(&line_at(text, table, error.position()))
}

/// A table of users, to look them up in.
#[derive(Debug)]
pub struct Users {
    source: Source,
    /// The rows by name in small letters.
    rows: HashMap<String, Node>,
}

impl Users {
    /// From a table of tables.
    ///
    /// # Errors
    /// When it is something else.
    pub fn new(mut source: Source) -> Result<Users, DesiredError> {
        let expected = |node: &Node, expected: &str| {
            What::Shape { found: node.kind(), expected: expected.into() }.at(&node.span)
        };
        let tree = std::mem::replace(&mut source.root.tree, Tree::Leaf(Json::Null));
        let Tree::Table(parts) = tree else {
            source.root.tree = tree;
            let fault = expected(&source.root, "a table of users");
            return Err(source.error(fault));
        };
        let mut rows = HashMap::new();
        for (name, row) in parts {
            if !matches!(row.tree, Tree::Table(_)) {
                return Err(source.error(expected(&row, "a table of variables")));
            }
            let key = row.key.clone();
            if rows.insert(name.to_lowercase(), row).is_some() {
                return Err(source.error(What::Twice { key: name }.at(&key)));
            }
        }
        Ok(Users { source, rows })
    }

    /// The row of a user, who may have several names.
    pub fn row<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        names.into_iter().find_map(|name| self.rows.get(&name.to_lowercase()))
    }

    /// Any row: all of a table name the same variables.
    pub fn any_row(&self) -> Option<&Node> {
        self.rows.values().next()
    }

    /// Those that none of these names is of, in small letters and in order.
    pub fn others<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&str> {
        let known: HashSet<String> = names.into_iter().map(str::to_lowercase).collect();
        let mut others: Vec<&str> =
            self.rows.keys().filter(|name| !known.contains(*name)).map(String::as_str).collect();
        others.sort_unstable();
        others
    }

    /// The text that it is from.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::source::{Format, Hidden};

    fn users(text: &str) -> Result<Users, String> {
        let source = Source::parse("users.csv".into(), text.into(), Format::Csv, Hidden::Lines);
        source.and_then(Users::new).map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_is_parted_as_its_first_line_is() {
        for text in [
            "user,extension,password\nAnn,201,\"a,b\"\nzoe , 202 ,\n",
            "extension;user;password\r\n201;Ann;a,b\r\n\r\n202;zoe;\r\n",
            "\u{FEFF}User\textension\tpassword\nAnn\t201\ta,b\nzoe\t202\t\n",
            "sep=|\nuser| extension|password\nAnn| 201|a,b\nzoe|202|\n",
        ] {
            let users = users(text).unwrap();
            let row = |names: &[&str]| users.row(names.iter().copied()).map(|row| row.to_json().to_string());
            assert_eq!(row(&["ann"]).unwrap(), r#"{"extension":"201","password":"a,b"}"#, "{text}");
            assert_eq!(row(&["FIRM\\\\zoe", "ZOE"]).unwrap(), r#"{"extension":"202","password":""}"#);
            assert_eq!(row(&["user"]), None);
        }
    }

    #[test]
    fn a_password_keeps_its_blanks_and_no_other_does() {
        let users = users("user,extension,password\nann,\" 1 \",\"  x \"\n").unwrap();
        let row = users.row(["ann"]).unwrap().to_json().to_string();
        assert_eq!(row, r#"{"extension":"1","password":"  x "}"#);
        assert_eq!(users.others(["Bob"]), ["ann"]);
    }

    #[test]
    fn a_broken_table_is_told_with_its_line_which_is_not_shown() {
        for (text, message) in [
            ("extension\n201\n", "users.csv:1:1: 'user' is missing"),
            ("", "users.csv:1:1: 'user' is missing"),
            ("user,a,a\n", "users.csv:1:1: 'a' is there twice"),
            ("user,a\nann,S3cret\nANN,S3cret\n", "users.csv:3:1: 'ANN' is there twice"),
            ("user,a\nann,1\n,S3cret\n", "users.csv:3:1: 'user' is missing"),
            ("sep=,\nuser,a\nann,1\nann,S3cret\n", "users.csv:4:1: 'ann' is there twice"),
            ("user,a\n\n\nann,1,S3cret=2\n", "users.csv:4:1: this line has 3 columns, the first has 2"),
        ] {
            let error = users(text).unwrap_err();
            assert!(error.starts_with(message) && !error.contains("S3c"), "{error}");
        }
    }
}

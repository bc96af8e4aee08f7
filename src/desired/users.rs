//! A table of users: the values of variables for each of them.

use std::collections::{HashMap, HashSet};

use super::error::{DesiredError, DesiredErrorKind};
use super::source::Source;
use super::tree::{Node, Tree};

/// A table of users, for lookup by name.
#[derive(Debug)]
pub struct Users {
    source: Source,
    /// The index of each row by the lowercase name of the user.
    rows: HashMap<String, usize>,
}

impl Users {
    /// Creates the lookup from a table of tables.
    ///
    /// # Errors
    /// If the source has another shape, or a user appears twice.
    pub fn new(source: Source) -> Result<Users, DesiredError> {
        let Tree::Table(users) = &source.root.tree else {
            return Err(source.error(source.root.not("a table of users")));
        };
        let mut rows = HashMap::new();
        for (index, (name, row)) in users.iter().enumerate() {
            if !matches!(row.tree, Tree::Table(_)) {
                return Err(source.error(row.not("a table of variables")));
            }
            if rows.insert(name.to_lowercase(), index).is_some() {
                return Err(source.error(DesiredErrorKind::Twice { key: name.clone() }.at(&row.key)));
            }
        }
        Ok(Users { source, rows })
    }

    /// Returns the row of a user, who may have several names.
    pub fn row<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        let index = names.into_iter().find_map(|name| self.rows.get(&name.to_lowercase()))?;
        self.row_at(*index)
    }

    /// Returns the first row, to check what every row has in common.
    pub fn first_row(&self) -> Option<&Node> {
        self.row_at(0)
    }

    fn row_at(&self, index: usize) -> Option<&Node> {
        match &self.source.root.tree {
            Tree::Table(users) => users.get(index).map(|(_, row)| row),
            _ => None,
        }
    }

    /// Returns the users who have none of these names, sorted and in lowercase.
    pub fn others<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&str> {
        let known: HashSet<String> = names.into_iter().map(str::to_lowercase).collect();
        let mut others: Vec<&str> =
            self.rows.keys().filter(|name| !known.contains(*name)).map(String::as_str).collect();
        others.sort_unstable();
        others
    }

    /// Returns the text of the table.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::redact::Redaction;
    use crate::desired::source::Format;

    fn users(text: &str) -> Result<Users, String> {
        let source = Source::parse("users.csv".into(), text.into(), Format::Csv, Redaction::Everything);
        source.and_then(Users::new).map_err(|error| error.to_string())
    }

    #[test]
    fn first_line_determines_the_separator() {
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
    fn only_passwords_keep_their_outer_spaces() {
        let users = users("user,extension,password\nann,\" 1 \",\"  x \"\n").unwrap();
        let row = users.row(["ann"]).unwrap().to_json().to_string();
        assert_eq!(row, r#"{"extension":"1","password":"  x "}"#);
        assert_eq!(users.others(["Bob"]), ["ann"]);
    }

    #[test]
    fn broken_table_is_reported_with_its_line_number_only() {
        for (text, message) in [
            ("extension\n201\n", "users.csv:1:1: 'user' is missing"),
            ("", "users.csv:1:1: 'user' is missing"),
            ("user,a,a\n", "users.csv:1:1: 'a' appears twice"),
            ("user,a\nann,S3cret\nANN,S3cret\n", "users.csv:3:1: 'ANN' appears twice"),
            ("user,a\nann,1\n,S3cret\n", "users.csv:3:1: 'user' is missing"),
            ("sep=,\nuser,a\nann,1\nann,S3cret\n", "users.csv:4:1: 'ann' appears twice"),
            (
                "user,a\n\n\nann,1,S3cret=2\n",
                "users.csv:4:1: this line has 3 columns, but the first line has 2",
            ),
        ] {
            let error = users(text).unwrap_err();
            assert!(error.starts_with(message) && !error.contains("S3c"), "{error}");
        }
    }
}

//! Finds likely mistakes in a table of users before it's used: users and rows without each other, empty cells, and
//! numbers that a spreadsheet has altered.

use std::fmt;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::tree::{Node, Tree};
use super::users::{Row, Users};
use crate::diagnostic::{Code, ToDiagnostic};
use crate::microsip::profiles::Profile;

/// What may be a mistake in a table of users. No message contains a value, because it could be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableWarning {
    #[error("the table of users has no row for {0}")]
    UserWithoutRow(Names),
    #[error("the table of users has rows for users without a folder here: {0}")]
    RowWithoutUser(Names),
    #[error("in the table of users, '{column}' is empty for {users}")]
    EmptyCell { column: String, users: Names },
    #[error("in the table of users, '{column}' has fewer digits than in most rows for {users}")]
    ShortNumber { column: String, users: Names },
    #[error("in the table of users, '{column}' is a rounded number such as 4.91E+12 for {users}")]
    RoundedNumber { column: String, users: Names },
}

/// The names of users. Messages show the first ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Names> {
        let names: Vec<String> = names.into_iter().map(str::to_string).collect();
        (!names.is_empty()).then_some(Names(names))
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let shown = self.0.len().min(SHOWN);
        f.write_str(&self.0[..shown].join(", "))?;
        match self.0.len() - shown {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl ToDiagnostic for TableWarning {
    fn code(&self) -> Code {
        match self {
            TableWarning::UserWithoutRow(_) => Code::UserNotListed,
            TableWarning::RowWithoutUser(_) => Code::UserWithoutFolder,
            TableWarning::EmptyCell { .. } => Code::CellEmpty,
            TableWarning::ShortNumber { .. } | TableWarning::RoundedNumber { .. } => Code::NumberAltered,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                TableWarning::UserWithoutRow(_) => "these users are skipped; add a row for each of them who needs one",
                TableWarning::RowWithoutUser(_) => {
                    "compare the names with those of the folders; users who haven't logged on here yet have no folder"
                }
                TableWarning::EmptyCell { .. } => {
                    "fill in the cells; an empty one leaves the variable without a value"
                }
                TableWarning::ShortNumber { .. } => {
                    "a spreadsheet may have removed zeros at the start: format the column as text and enter them again"
                }
                TableWarning::RoundedNumber { .. } => {
                    "a spreadsheet has replaced the number: format the column as text and enter it again"
                }
            }
            .into(),
        )
    }
}

/// Compares a table with the profiles to which its rows were assigned, and looks at its cells.
pub fn check(users: &Users, profiles: &[Profile]) -> Vec<TableWarning> {
    let (rows, without_user) = users.assign(profiles);
    let lacks_row = |(profile, row): &(&Profile, Row<'_>)| !profile.is_default && matches!(row, Ok(None));
    let without_row = profiles.iter().zip(rows).filter(lacks_row);
    let without_row = Names::of(without_row.map(|(profile, _)| profile.user.as_str()));
    let mut warnings: Vec<TableWarning> = without_row.map(TableWarning::UserWithoutRow).into_iter().collect();
    warnings.extend(Names::of(without_user).map(TableWarning::RowWithoutUser));
    for (column, cells) in columns(users) {
        let column = || column.to_string();
        let users_with = |is_wanted: &dyn Fn(&Json) -> bool| {
            Names::of(cells.iter().filter(|(_, cell)| is_wanted(cell)).map(|(user, _)| *user))
        };
        let empty = users_with(&Json::is_null);
        warnings.extend(empty.map(|users| TableWarning::EmptyCell { column: column(), users }));
        if let Some(length) = usual_length(cells.iter().map(|(_, cell)| *cell)) {
            let short = users_with(&|cell| digits_of(cell).is_some_and(|digits| digits.len() < length));
            warnings.extend(short.map(|users| TableWarning::ShortNumber { column: column(), users }));
        }
        let rounded = users_with(&|cell| cell.as_str().is_some_and(is_rounded));
        warnings.extend(rounded.map(|users| TableWarning::RoundedNumber { column: column(), users }));
    }
    warnings
}

/// Returns the cells of each column, each with its user.
fn columns(users: &Users) -> IndexMap<&str, Vec<(&str, &Json)>> {
    let mut columns: IndexMap<&str, Vec<(&str, &Json)>> = IndexMap::new();
    for (user, row) in users.rows() {
        let Node { tree: Tree::Table(cells), .. } = row else { continue };
        for (column, cell) in cells {
            if let Tree::Leaf(value) = &cell.tree {
                columns.entry(column).or_default().push((user, value));
            }
        }
    }
    columns
}

/// Returns the text of a cell that contains only digits.
fn digits_of(cell: &Json) -> Option<&str> {
    cell.as_str().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns the length of the numbers in a column, if more than half of them have this length, some are shorter and none
/// is longer: then those may have lost zeros at the start.
fn usual_length<'a>(cells: impl Iterator<Item = &'a Json>) -> Option<usize> {
    let lengths: Vec<usize> = cells.filter_map(digits_of).map(str::len).collect();
    let longest = *lengths.iter().max()?;
    let usual = lengths.iter().filter(|length| **length == longest).count();
    (usual < lengths.len() && 2 * usual > lengths.len()).then_some(longest)
}

/// Returns whether a text is a long number as spreadsheets shorten it: `4.91E+12`, with a comma in many countries.
fn is_rounded(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['E', 'e']) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mantissa = match number.split_once([',', '.']) {
        Some((before, after)) => is_number(before) && is_number(after),
        None => is_number(number),
    };
    is_mantissa && exponent.strip_prefix('+').is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::redact::Redaction;
    use crate::desired::source::{Format, Source};

    fn warnings(table: &str, folders: &[&str]) -> Vec<String> {
        let source =
            Source::parse("users.csv".into(), table.into(), Format::Csv, Redaction::Everything).unwrap();
        let profile = |folder: &&str| {
            let ini = format!("/users/{folder}/AppData/Roaming/MicroSIP/MicroSIP.ini");
            Profile::around(std::path::Path::new(&ini)).unwrap()
        };
        let profiles: Vec<Profile> = folders.iter().map(profile).collect();
        let found = check(&Users::new(source).unwrap(), &profiles);
        found.iter().map(|warning| format!("{}: {warning}", warning.code().name())).collect()
    }

    #[test]
    fn complete_tables_have_no_warnings() {
        let table = "user,extension,phone,note\nann,0201,+49 30 1,a\nbob,0202,+49 30 22,1E5\n";
        assert_eq!(warnings(table, &["ann", "bob"]), [""; 0]);
        // as many short numbers as long ones, so it's a plan with different lengths
        assert_eq!(warnings("user,extension\nann,20\nbob,2001\n", &["ann", "bob"]), [""; 0]);
        // one long number among short ones
        assert_eq!(warnings("user,e\na,1\nb,2\nc,100\n", &["a", "b", "c"]), [""; 0]);
    }

    #[test]
    fn users_and_rows_without_each_other_are_named() {
        assert_eq!(
            warnings("user,e\nann,1\nbobb,2\n", &["ann", "bob"]),
            [
                "user-not-listed: the table of users has no row for bob",
                "user-without-folder: the table of users has rows for users without a folder here: bobb"
            ]
        );
        let rows: String = (0..12).map(|number| format!("u{number:02},1\n")).collect();
        let [warning] = &warnings(&format!("user,e\nann,1\n{rows}"), &["ann"])[..] else { panic!("not one") };
        assert!(
            warning.ends_with(": u00, u01, u02, u03, u04, u05, u06, u07, u08, u09 and 2 more"),
            "{warning}"
        );
    }

    #[test]
    fn cells_that_a_spreadsheet_emptied_or_altered_are_found_and_never_shown() {
        let table = "user;extension;password;phone\nann;0201;S3cret;4,91E+12\nbob;202;;491701\ncy;0203;S3cret;4.91e+12\n";
        assert_eq!(
            warnings(table, &["ann", "bob", "cy"]),
            [
                "number-altered: in the table of users, 'extension' has fewer digits than in most rows for bob",
                "cell-empty: in the table of users, 'password' is empty for bob",
                "number-altered: in the table of users, 'phone' is a rounded number such as 4.91E+12 for ann, cy",
            ]
        );
    }
}

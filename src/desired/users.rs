//! A table of users: the values of variables for each of them.

use std::collections::{HashMap, HashSet};

use super::error::{DesiredError, DesiredErrorKind};
use super::source::Source;
use super::tree::{Node, Tree};
use crate::diagnostic::{Code, ToDiagnostic};
use crate::microsip::profiles::Profile;

/// A table of users, for lookup by name.
#[derive(Debug)]
pub struct Users {
    source: Source,
    /// The index of each row by the lowercase name of the user.
    rows: HashMap<String, usize>,
}

/// A user of whom it isn't certain which row is meant.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AmbiguousUser {
    #[error("the table of users has two rows for {user}: '{first}' and '{second}'")]
    Rows { user: String, first: String, second: String },
    #[error("the row '{row}' of the table of users could be for {first} or for {second}")]
    Folders { row: String, first: String, second: String },
}

impl ToDiagnostic for AmbiguousUser {
    fn code(&self) -> Code {
        Code::UserAmbiguous
    }

    fn hint(&self) -> Option<String> {
        Some("write the name of the user's folder in the column 'user'".into())
    }
}

/// The row of a user, if the table has one.
pub type Row<'a> = Result<Option<&'a Node>, AmbiguousUser>;

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

    /// Returns the row of each profile, and the names of the users whose row belongs to no profile.
    ///
    /// A row belongs to the profile that has exactly its name. The other rows belong to a profile with a similar name,
    /// if there is only one.
    pub fn assign(&self, profiles: &[Profile]) -> (Vec<Row<'_>>, Vec<&str>) {
        let Tree::Table(table) = &self.source.root.tree else { return (Vec::new(), Vec::new()) };
        let exact = |profile: &Profile| {
            let mut names = profile.names().map(str::to_lowercase);
            names.find_map(|name| self.rows.get(&name).copied())
        };
        let exact: Vec<Option<usize>> = profiles.iter().map(exact).collect();
        let taken: HashSet<usize> = exact.iter().copied().flatten().collect();
        let mut by_user: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, (name, _)) in table.iter().enumerate().filter(|(index, _)| !taken.contains(index)) {
            by_user.entry(UserName::of(name).user.to_lowercase()).or_default().push(index);
        }
        // The profiles that each row could be for.
        let mut candidates: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut rows_of: Vec<Vec<usize>> = exact.iter().map(|row| row.iter().copied().collect()).collect();
        for (at, profile) in profiles.iter().enumerate().filter(|(at, _)| exact[*at].is_none()) {
            for user in users_of(profile) {
                for row in by_user.get(&user).into_iter().flatten() {
                    if !rows_of[at].contains(row) && UserName::of(&table[*row].0).may_be(profile) {
                        rows_of[at].push(*row);
                        candidates.entry(*row).or_default().push(at);
                    }
                }
            }
        }
        let row_of = |(at, rows): (usize, &Vec<usize>)| match &rows[..] {
            [] => Ok(None),
            [row] => match candidates.get(row).map(Vec::as_slice) {
                Some([first, second, ..]) => Err(AmbiguousUser::Folders {
                    row: table[*row].0.clone(),
                    first: profiles[*first].folder.display().to_string(),
                    second: profiles[*second].folder.display().to_string(),
                }),
                _ => Ok(Some(&table[*row].1)),
            },
            [first, second, ..] => Err(AmbiguousUser::Rows {
                user: profiles[at].folder.display().to_string(),
                first: table[*first].0.clone(),
                second: table[*second].0.clone(),
            }),
        };
        let rows = rows_of.iter().enumerate().map(row_of).collect();
        let is_assigned = |row: &usize| taken.contains(row) || candidates.contains_key(row);
        let others = table.iter().enumerate().filter(|(index, _)| !is_assigned(index));
        (rows, others.map(|(_, (name, _))| name.as_str()).collect())
    }

    /// Returns the names in the table and their rows.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Node)> {
        let rows = match &self.source.root.tree {
            Tree::Table(rows) => &rows[..],
            Tree::Leaf(_) | Tree::List(_) => &[],
        };
        rows.iter().map(|(name, row)| (name.as_str(), row))
    }

    /// Returns the text of the table.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// A user's name as people write it: `ann`, `FIRM\ann` or `ann@firm.example`.
struct UserName<'a> {
    user: &'a str,
    domain: Domain<'a>,
}

enum Domain<'a> {
    None,
    /// The short name of a Windows domain or a computer.
    Short(&'a str),
    /// A DNS name, which doesn't have to be that of the Windows domain.
    Dns(&'a str),
}

impl UserName<'_> {
    fn of(name: &str) -> UserName<'_> {
        match (name.split_once('\\'), name.split_once('@')) {
            (Some((domain, user)), _) => UserName { user, domain: Domain::Short(domain) },
            (None, Some((user, domain))) => UserName { user, domain: Domain::Dns(domain) },
            (None, None) => UserName { user: name, domain: Domain::None },
        }
    }

    /// Returns whether this can be the user of a profile: one of the profile's names is the same, and its domain isn't
    /// known to be another one. A name without a domain can also be the first part of a user principal name. Windows
    /// names the folder of a second user `ann.FIRM` or `ann.000`.
    fn may_be(&self, profile: &Profile) -> bool {
        let is_same = |domain: &str| match self.domain {
            Domain::None => false,
            Domain::Short(own) => own.eq_ignore_ascii_case(domain),
            Domain::Dns(own) => own.split('.').next().is_some_and(|own| own.eq_ignore_ascii_case(domain)),
        };
        let accounts = profile.names().filter_map(|name| name.split_once('\\'));
        let is_other = accounts.map(|(domain, _)| domain).any(|domain| match self.domain {
            Domain::Short(_) => !is_same(domain),
            Domain::None | Domain::Dns(_) => false,
        });
        let is_user = |user: &str| user.to_lowercase() == self.user.to_lowercase();
        let is_name = |name: &str| match name.rsplit_once('.') {
            _ if name.contains('@') => {
                let user = name.split('@').next().unwrap_or_default();
                matches!(self.domain, Domain::None) && is_user(user)
            }
            Some((user, suffix)) if is_user(user) => is_number(suffix) || is_same(suffix),
            _ => is_user(name.rsplit('\\').next().unwrap_or(name)),
        };
        !is_other && profile.names().any(is_name)
    }
}

/// Returns the users, in lowercase, whose rows can be for a profile.
fn users_of(profile: &Profile) -> HashSet<String> {
    let mut users = HashSet::new();
    for name in profile.names() {
        let user = name.rsplit('\\').next().unwrap_or(name);
        let user = user.split('@').next().unwrap_or(user);
        users.insert(user.to_lowercase());
        users.extend(user.rsplit_once('.').map(|(user, _)| user.to_lowercase()));
    }
    users
}

/// Returns whether this is the number that Windows adds to a folder whose name is taken.
fn is_number(suffix: &str) -> bool {
    suffix.len() == 3 && suffix.bytes().all(|byte| byte.is_ascii_digit())
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

    fn profile(folder: &str) -> Profile {
        let ini = std::path::Path::new("/users").join(folder).join("AppData/Roaming/MicroSIP/MicroSIP.ini");
        Profile::around(&ini).unwrap()
    }

    fn row(users: &Users, folder: &str) -> String {
        match &users.assign(&[profile(folder)]).0[0] {
            Ok(row) => row.map_or("none".into(), |row| row.to_json().to_string()),
            Err(error) => error.to_string(),
        }
    }

    /// Returns the extension of each of these folders.
    fn assigned(table: &[&str], folders: &[&str]) -> Vec<String> {
        let rows = table.iter().enumerate().map(|(number, name)| format!("{name},{number}\n"));
        let users = users(&format!("user,e\n{}", rows.collect::<String>())).unwrap();
        let profiles: Vec<Profile> = folders.iter().map(|folder| profile(folder)).collect();
        let text = |row: Row<'_>| match row {
            Ok(Some(row)) => row.to_json()["e"].as_str().unwrap().to_string(),
            Ok(None) => "none".into(),
            Err(error) => error.to_string().replace(['/', '\\'], "/").replace("/users/", ""),
        };
        users.assign(&profiles).0.into_iter().map(text).collect()
    }

    #[test]
    fn users_are_found_by_their_name_with_any_domain() {
        for name in ["ann", "ANN", "FIRM\\ann", "ann@firm.example"] {
            for folder in ["ann", "Ann.000", "ann.V6"] {
                assert_eq!(assigned(&[name], &[folder]), ["0"], "{name} {folder}");
            }
        }
        for name in ["firm\\ann", "ann@firm.example"] {
            assert_eq!(assigned(&[name], &["ann.FIRM"]), ["0"]);
        }
        // a user whose name contains a dot
        assert_eq!(assigned(&["ann", "FIRM\\ann"], &["ann.smith"]), ["none"]);
        assert_eq!(assigned(&["FIRM\\ann.smith"], &["ann.smith"]), ["0"]);
        // the domain of an account is known
        let mut account = profile("ann");
        account.aliases.push("FIRM\\ann".into());
        let users = users("user,e\nOTHER\\ann,1\n").unwrap();
        assert!(users.assign(&[account]).0[0].as_ref().unwrap().is_none());
    }

    #[test]
    fn users_of_entra_id_are_found_by_their_account_or_user_principal_name() {
        let mut entra = profile("AnnMiller");
        entra.aliases.extend(["AzureAD\\AnnMiller".into(), "ann.miller@example.com".into()]);
        for (name, is_found) in [
            ("AnnMiller", true),
            ("AzureAD\\AnnMiller", true),
            ("Ann.Miller@Example.com", true),
            ("ann.miller", true),
            ("ann.miller@other.example", false),
            ("OTHER\\ann.miller", false),
            ("miller", false),
        ] {
            let users = users(&format!("user,e\n{name},1\n")).unwrap();
            let (rows, others) = users.assign(std::slice::from_ref(&entra));
            assert_eq!(
                (rows[0].as_ref().unwrap().is_some(), others.is_empty()),
                (is_found, is_found),
                "{name}"
            );
        }
    }

    #[test]
    fn ambiguous_users_are_reported() {
        let two = "the table of users has two rows for ann: 'FIRM/ann' and 'OTHER/ann'";
        assert_eq!(assigned(&["FIRM\\ann", "OTHER\\ann"], &["ann"]), [two]);
        let one = "the row 'FIRM/ann' of the table of users could be for ann or for ann.FIRM";
        assert_eq!(assigned(&["FIRM\\ann"], &["ann", "ann.FIRM"]), [one, one]);
        // an exact name isn't ambiguous
        assert_eq!(assigned(&["ann", "FIRM\\ann"], &["ann", "ann.FIRM"]), ["0", "1"]);
        assert_eq!(assigned(&["ann"], &["ann", "ann.000"]), ["0", "none"]);
    }

    #[test]
    fn what_spreadsheets_leave_behind_is_ignored() {
        let users = users("user;extension;;\nann;201;;\n;;;\n;;;\n").unwrap();
        assert_eq!(row(&users, "ann"), r#"{"extension":"201"}"#);
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
            assert_eq!(row(&users, "ann"), r#"{"extension":"201","password":"a,b"}"#, "{text}");
            assert_eq!(row(&users, "ZOE"), r#"{"extension":"202","password":null}"#);
            assert_eq!(row(&users, "user"), "none");
        }
    }

    #[test]
    fn only_passwords_keep_their_outer_spaces() {
        let users = users("user,extension,password\nann,\" 1 \",\"  x \"\n").unwrap();
        assert_eq!(row(&users, "ann"), r#"{"extension":"1","password":"  x "}"#);
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
            ("user,a,\nann,1,S3cret\n", "users.csv:2:1: this row has a value in a column without a name"),
            ("user,a\nann,\"S3cret\nbob,1\n", "users.csv:2:5: a quote is opened here and never closed"),
            ("user,a\nann,\"1\"\"2\"\nbob,\"", "users.csv:3:5: a quote is opened here and never closed"),
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

//! A desired-state file and the values of its variables: read once, for one ini or for the inis of many users.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::desired::error::{DesiredError, DesiredErrorKind};
use crate::desired::preflight;
use crate::desired::redact::Redaction;
use crate::desired::resolve::{self, Desired};
use crate::desired::source::{Format, Source};
use crate::desired::tree::Node;
use crate::desired::users::{Row, Users};
use crate::desired::variables::Variables;
use crate::diagnostic::{Code, Diagnostic};
use crate::microsip::privacy::Guarded;
use crate::microsip::profiles::Profile;
use crate::platform;
use crate::request::{DesiredChoice, UsersChoice, ValueSource};

/// Returns the error that a file with the desired state or with variables can't be read.
fn unreadable(name: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::new(Code::FileRead, format!("{name} couldn't be read: {error}"))
        .with_hint("check the path, and that you may read it")
}

/// A desired state whose variables have no values yet.
pub struct Template {
    source: Source,
    folder: PathBuf,
    given: Vec<(String, String)>,
    files: Vec<InFolder<Source>>,
    users: Option<InFolder<Users>>,
    /// Whether the table of users came from standard input.
    used_stdin: bool,
}

/// The content of a file, and its folder.
struct InFolder<T> {
    content: T,
    folder: PathBuf,
}

/// The rows of users in a table.
#[derive(Default)]
pub struct Rows<'a> {
    by_folder: HashMap<PathBuf, Row<'a>>,
    /// The users in the table who have none of these folders.
    pub without_folder: Vec<&'a str>,
}

impl<'a> Rows<'a> {
    /// Returns the row of a profile.
    ///
    /// # Errors
    /// It isn't certain which row is meant.
    fn of(&self, profile: &Profile) -> Result<Option<&'a Node>, Diagnostic> {
        match self.by_folder.get(&profile.folder) {
            Some(Ok(row)) => Ok(*row),
            Some(Err(error)) => Err(Diagnostic::from(error)),
            None => Ok(None),
        }
    }

    /// Returns whether there is a table, and none of its users has one of these folders.
    pub fn match_nobody(&self) -> bool {
        !self.without_folder.is_empty() && self.by_folder.values().all(|row| matches!(row, Ok(None)))
    }
}

/// Reads passwords, each source once: standard input can't be read twice.
pub struct Secrets<'a> {
    read: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync),
    known: Mutex<HashMap<ValueSource, Guarded>>,
}

impl<'a> Secrets<'a> {
    /// Returns a reader that has read nothing yet.
    pub fn new(read: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync)) -> Self {
        Secrets { read, known: Mutex::default() }
    }

    fn get(&self, source: &ValueSource) -> io::Result<Guarded> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(source) {
            return Ok(text.clone());
        }
        let text = Guarded::password((self.read)(source)?);
        known.insert(source.clone(), text.clone());
        Ok(text)
    }
}

impl Template {
    /// Reads the file and the files with variables.
    ///
    /// # Errors
    /// A file can't be read or is wrong.
    pub fn load(choice: &DesiredChoice, context: &Context<'_>) -> Result<Template, Error> {
        let read =
            |path: &Path, format: Format, redaction: Redaction| source(path, format, redaction, context);
        let files = choice.variable_files.iter().map(|path| {
            Ok(InFolder {
                content: read(path, Format::of(path), Redaction::Everything)?,
                folder: folder_of(path),
            })
        });
        let files = files.collect::<Result<_, Error>>()?;
        let users = choice.users.as_ref().map(|users| {
            let (source, folder) = match users {
                UsersChoice::File(path) => {
                    let format = Format::of_users(path);
                    (read(path, format, Redaction::Everything)?, folder_of(path))
                }
                UsersChoice::StandardInput => {
                    let name = ValueSource::StandardInput.to_string();
                    let text = (context.secret)(&ValueSource::StandardInput)
                        .map_err(|error| unreadable(&name, &error))?;
                    let format = Format::of_users_text(&text);
                    (Source::parse(name, text, format, Redaction::Everything)?, PathBuf::new())
                }
            };
            Ok::<_, Error>(InFolder { content: Users::new(source)?, folder })
        });
        Ok(Template {
            source: read(&choice.file, Format::of(&choice.file), Redaction::Passwords)?,
            folder: folder_of(&choice.file),
            given: choice.variables.clone(),
            files,
            users: users.transpose()?,
            used_stdin: choice.users == Some(UsersChoice::StandardInput),
        })
    }

    /// Reads passwords. Standard input has none if the table of users came from there.
    fn reader<'a>(&self, secrets: &'a Secrets<'_>) -> impl Fn(&ValueSource) -> io::Result<Guarded> + use<'a> {
        let used_stdin = self.used_stdin;
        move |place| match place {
            ValueSource::StandardInput if used_stdin => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "standard input contains the table of users"))
            }
            place => secrets.get(place),
        }
    }

    /// Returns the desired state of an ini, for the user who runs msipcfg.
    ///
    /// # Errors
    /// The file is wrong, or the table of users doesn't list the ini's user.
    pub fn desired_for(&self, ini: &Path, secrets: &Secrets<'_>) -> Result<Desired, Error> {
        let read = self.reader(secrets);
        let profile = Profile::around(ini);
        let not_listed =
            |message: String, hint: &str| Diagnostic::new(Code::UserNotListed, message).with_hint(hint);
        let row = match (&self.users, &profile) {
            (Some(_), Some(profile)) => {
                let rows = self.rows_of(std::slice::from_ref(profile));
                Some(rows.of(profile)?.ok_or_else(|| {
                    let message = format!("the table of users has no row for {}", profile.user);
                    not_listed(message, "add a row for this user, or run the command without --users")
                })?)
            }
            (Some(_), None) => {
                let ini = ini.display();
                let message =
                    format!("{ini} isn't in a user's folder, so no row of the table of users applies to it");
                return Err(not_listed(message, "set the variables with --var or --vars").into());
            }
            (None, _) => None,
        };
        Ok(self.resolved(profile.as_ref(), row, Variables::new(&self.given, &read), &self.source)?)
    }

    /// Returns the desired state for one of many users; `None` if the table of users doesn't list the user.
    ///
    /// # Errors
    /// The file is wrong for this user.
    pub fn desired_for_user(
        &self,
        profile: &Profile,
        rows: &Rows<'_>,
        secrets: &Secrets<'_>,
    ) -> Result<Option<Desired>, Error> {
        let read = self.reader(secrets);
        let variables = Variables::new(&self.given, &read).without_environment();
        if profile.is_default {
            // Every user can read the default profile, and it belongs to nobody.
            let source = self.source.clone().without("accounts");
            let desired = self.resolved(None, None, variables, &source)?.without_private_parts();
            if desired.is_empty() {
                return Err(self.source.error(DesiredErrorKind::Empty.at(&(0..0))).into());
            }
            return Ok(Some(desired));
        }
        let row = rows.of(profile)?;
        if row.is_none() && self.users.is_some() {
            return Ok(None);
        }
        Ok(Some(self.resolved(Some(profile), row, variables, &self.source)?))
    }

    /// Returns the row of each profile in the table of users, if there is a table.
    pub fn rows_of(&self, profiles: &[Profile]) -> Rows<'_> {
        let Some(users) = &self.users else { return Rows::default() };
        let (rows, without_folder) = users.content.assign(profiles);
        let folders = profiles.iter().map(|profile| profile.folder.clone());
        Rows { by_folder: folders.zip(rows).collect(), without_folder }
    }

    /// Returns likely mistakes in the table of users, if there is one.
    pub fn preflight(&self, profiles: &[Profile]) -> Vec<Diagnostic> {
        let warnings = self.users.iter().flat_map(|users| preflight::check(&users.content, profiles));
        warnings.map(|warning| Diagnostic::from(&warning)).collect()
    }

    /// Checks whether the file can be used for any of these users, before anything is written.
    ///
    /// # Errors
    /// The file is wrong for all of them.
    pub fn check_for(
        &self,
        profiles: &[Profile],
        rows: &Rows<'_>,
        secrets: &Secrets<'_>,
    ) -> Result<(), Error> {
        let mut first = None;
        for profile in profiles.iter().filter(|profile| !profile.is_default) {
            match self.desired_for_user(profile, rows, secrets) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        match (first, profiles.first()) {
            (Some(error), _) => Err(error),
            // Nobody is listed, but the file can still be wrong.
            (None, Some(profile)) => {
                let read = self.reader(secrets);
                let variables = Variables::new(&self.given, &read).without_environment();
                let first = self.users.as_ref().and_then(|users| users.content.rows().next());
                let row = first.map(|(_, row)| row);
                self.resolved(Some(profile), row, variables, &self.source)?;
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn resolved(
        &self,
        profile: Option<&Profile>,
        row: Option<&Node>,
        mut variables: Variables<'_>,
        source: &Source,
    ) -> Result<Desired, DesiredError> {
        if let Some(profile) = profile {
            let windows_path = |path: &Path| profile.windows_path(path);
            variables.define("user", profile.user.clone());
            variables.define("profile", windows_path(&profile.folder));
            variables.define("appdata", windows_path(&profile.app_data()));
        }
        // Variables of one user override those of all.
        if let (Some(users), Some(row)) = (&self.users, row) {
            variables.add_table(users.content.source(), row, &users.folder)?;
        }
        for InFolder { content, folder } in &self.files {
            variables.add_file(content, folder)?;
        }
        resolve::resolve(source, &variables, &self.folder)
    }
}

fn source(path: &Path, format: Format, redaction: Redaction, context: &Context<'_>) -> Result<Source, Error> {
    let name = path.display().to_string();
    let bytes = context.fs.read(path).map_err(|error| unreadable(&name, &error))?;
    let text = platform::decode_text(bytes).map_err(|error| {
        Diagnostic::new(Code::DesiredInvalid, format!("{name} isn't text: {error}"))
            .with_hint("save it as UTF-8")
    })?;
    Ok(Source::parse(name, text, format, redaction)?)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_path_buf()
}

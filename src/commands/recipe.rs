//! A desired-state file with what its variables stand for: read once, for one ini or for those of many users.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::desired::error::DesiredError;
use crate::desired::redact::Redaction;
use crate::desired::resolve::{self, Desired};
use crate::desired::source::{Format, Source};
use crate::desired::tree::Node;
use crate::desired::users::Users;
use crate::desired::variables::Variables;
use crate::microsip::privacy::Guarded;
use crate::microsip::profiles::Profile;
use crate::request::{DesiredChoice, UsersChoice, ValueSource};

use super::{Context, Error};

/// A wanted state before its variables stand for anything.
pub(super) struct Recipe {
    source: Source,
    folder: PathBuf,
    given: Vec<(String, String)>,
    files: Vec<Part<Source>>,
    users: Option<Part<Users>>,
    /// Whether the table of users was read from standard input.
    took_input: bool,
}

/// Something from a file, and the folder of that.
struct Part<T> {
    what: T,
    folder: PathBuf,
}

/// Reads passwords, each place once: standard input has nothing for a second reader.
pub(super) struct Secrets<'a> {
    read: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync),
    kept: Mutex<HashMap<ValueSource, Guarded>>,
}

impl<'a> Secrets<'a> {
    /// None read yet.
    pub fn new(read: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync)) -> Self {
        Secrets { read, kept: Mutex::default() }
    }

    fn get(&self, place: &ValueSource) -> io::Result<Guarded> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = kept.get(place) {
            return Ok(text.clone());
        }
        let text = Guarded::password((self.read)(place)?);
        kept.insert(place.clone(), text.clone());
        Ok(text)
    }
}

impl Recipe {
    /// Reads the file, and those with variables.
    pub fn load(choice: &DesiredChoice, context: &Context<'_>) -> Result<Recipe, Error> {
        let read =
            |path: &Path, format: Format, redaction: Redaction| source(path, format, redaction, context);
        let files = choice.variable_files.iter().map(|path| {
            Ok(Part { what: read(path, Format::of(path), Redaction::Everything)?, folder: folder_of(path) })
        });
        let files = files.collect::<Result<_, Error>>()?;
        let users = choice.users.as_ref().map(|users| {
            let (source, folder) = match users {
                UsersChoice::File(path) => {
                    let format = Format::of_users(path);
                    (read(path, format, Redaction::Everything)?, folder_of(path))
                }
                UsersChoice::StandardInput => {
                    let place = ValueSource::StandardInput;
                    let text = (context.secret)(&place).map_err(|source| Error::DesiredUnreadable {
                        path: place.to_string().into(),
                        source,
                    })?;
                    (
                        Source::parse(place.to_string(), text, Format::Csv, Redaction::Everything)?,
                        PathBuf::new(),
                    )
                }
            };
            Ok::<_, Error>(Part { what: Users::new(source)?, folder })
        });
        Ok(Recipe {
            source: read(&choice.file, Format::of(&choice.file), Redaction::Passwords)?,
            folder: folder_of(&choice.file),
            given: choice.variables.clone(),
            files,
            users: users.transpose()?,
            took_input: choice.users == Some(UsersChoice::StandardInput),
        })
    }

    /// Reads passwords. Where the table of users came from standard input, none is left there.
    fn reader<'a>(&self, secrets: &'a Secrets<'_>) -> impl Fn(&ValueSource) -> io::Result<Guarded> + use<'a> {
        let took_input = self.took_input;
        move |place| match place {
            ValueSource::StandardInput if took_input => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "the table of users was read from there"))
            }
            place => secrets.get(place),
        }
    }

    /// What is wanted of the ini under a path, where this user runs it.
    pub fn desired_for(&self, ini: &Path, secrets: &Secrets<'_>) -> Result<Desired, Error> {
        let read = self.reader(secrets);
        let profile = Profile::around(ini);
        let row = match (&self.users, &profile) {
            (Some(users), Some(profile)) => {
                let names = profile.names();
                Some(
                    users
                        .what
                        .row(names)
                        .ok_or_else(|| Error::UserNotListed { user: profile.user.clone() })?,
                )
            }
            (Some(_), None) => return Err(Error::UserUnknown { ini: ini.to_path_buf() }),
            (None, _) => None,
        };
        Ok(self.resolved(profile.as_ref(), row, Variables::new(&self.given, &read), &self.source)?)
    }

    /// What is wanted for a user among many; nothing for one whom the table of users does not list.
    pub fn desired_for_user(
        &self,
        profile: &Profile,
        secrets: &Secrets<'_>,
    ) -> Result<Option<Desired>, DesiredError> {
        let read = self.reader(secrets);
        let variables = Variables::new(&self.given, &read).without_environment();
        if profile.is_default {
            // every user can read what is in it, and it is nobody's
            let source = self.source.clone().without("accounts");
            let desired = self.resolved(None, None, variables, &source)?;
            return Ok(Some(desired.without_selection()));
        }
        let row = match &self.users {
            Some(users) => match users.what.row(profile.names()) {
                Some(row) => Some(row),
                None => return Ok(None),
            },
            None => None,
        };
        self.resolved(Some(profile), row, variables, &self.source).map(Some)
    }

    /// Those whom the table of users lists and who are none of these.
    pub fn listed_others(&self, profiles: &[Profile]) -> Vec<&str> {
        let names = profiles.iter().flat_map(Profile::names);
        self.users.as_ref().map(|users| users.what.others(names)).unwrap_or_default()
    }

    /// Whether something is wrong with the file for whoever is among these, so that nothing needs to be begun.
    pub fn check_for(&self, profiles: &[Profile], secrets: &Secrets<'_>) -> Result<(), DesiredError> {
        let mut first = None;
        for profile in profiles.iter().filter(|profile| !profile.is_default) {
            match self.desired_for_user(profile, secrets) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        match (first, profiles.first()) {
            (Some(error), _) => Err(error),
            // nobody is listed: the file can still be wrong
            (None, Some(profile)) => {
                let read = self.reader(secrets);
                let variables = Variables::new(&self.given, &read).without_environment();
                let row = self.users.as_ref().and_then(|users| users.what.first_row());
                self.resolved(Some(profile), row, variables, &self.source).map(drop)
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
        // what is said of one user counts more than what is said of all
        if let (Some(users), Some(row)) = (&self.users, row) {
            variables.add_table(users.what.source(), row, &users.folder)?;
        }
        for Part { what, folder } in &self.files {
            variables.add_file(what, folder)?;
        }
        resolve::resolve(source, &variables, &self.folder)
    }
}

fn source(path: &Path, format: Format, redaction: Redaction, context: &Context<'_>) -> Result<Source, Error> {
    let unreadable = |source| Error::DesiredUnreadable { path: path.to_path_buf(), source };
    let bytes = context.fs.read(path).map_err(unreadable)?;
    let text = match bytes.strip_prefix(&[0xFF, 0xFE]) {
        // as Windows PowerShell writes text
        Some(bytes) => {
            let units: Vec<u16> = bytes
                .chunks(2)
                .map(|unit| u16::from_le_bytes([unit[0], *unit.get(1).unwrap_or(&0)]))
                .collect();
            String::from_utf16(&units).ok()
        }
        None => String::from_utf8(bytes).ok(),
    };
    let text = text.ok_or_else(|| Error::DesiredNotText { path: path.to_path_buf() })?;
    Ok(Source::parse(path.display().to_string(), text, format, redaction)?)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_path_buf()
}

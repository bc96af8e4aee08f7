//! Mistakes in a desired state, with their place.

use std::io;
use std::ops::Range;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::guess;
use crate::hook::action::audience::UnknownWho;
use crate::hook::action::template::TemplateError;
use crate::hook::action::url_template::UrlError;
use crate::hook::command::HookTextError;
use crate::hook::event::UnknownEvent;
use crate::microsip::values::ValueError;
use crate::request::ValueSource;

/// A mistake in a desired-state file, with its place. It never contains a password.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {}\n{excerpt}", message(.kind, .path))]
pub struct DesiredError {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The keys that lead there, as in `accounts[0].password`. Empty for the whole file, or if it can't be parsed.
    pub path: String,
    /// The line without passwords, with a mark below the place.
    pub excerpt: String,
    /// What is wrong there.
    pub kind: Box<DesiredErrorKind>,
}

/// What is wrong with a part of a desired-state file.
#[derive(Debug, thiserror::Error)]
pub enum DesiredErrorKind {
    #[error("the file names no setting, hook, account or shortcut")]
    Empty,
    #[error("{0}")]
    Syntax(String),
    #[error("in double quotes, a backslash starts an escape, such as \\n for a line break")]
    Escape { hint: &'static str },
    #[error("this is YAML; write TOML or JSON")]
    Yaml,
    #[error("expected {expected}, found {found}")]
    Shape { found: &'static str, expected: String },
    #[error("unknown key '{key}'")]
    UnknownKey { key: String, hint: Option<String> },
    #[error("unknown section [{name}]")]
    UnknownSection { name: String, hint: String },
    #[error("'{key}' is missing")]
    Missing { key: &'static str },
    #[error("'{key}' appears twice")]
    Twice { key: String },
    #[error("{0}")]
    Numbering(&'static str),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Command(#[from] HookTextError),
    #[error("{0}")]
    Action(&'static str),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Who(#[from] UnknownWho),
    #[error("this row has a value in a column without a name")]
    NamelessColumn,
    #[error("the variable '{name}' has no value: in {row}, the column '{name}' is empty")]
    EmptyCell { name: String, row: String },
    #[error("the variable '{name}' isn't defined")]
    UndefinedVariable { name: String, nearest: Option<String> },
    #[error("'${{{name}}}' would be read from your environment, not from each user's")]
    EnvironmentOfCaller { name: String },
    #[error("the variable '{name}' is a password, so it can't be used where it would be visible")]
    SecretShown { name: String },
    #[error(
        "the variable '{name}' was given on the command line, where others can see it, so it can't be a password or a header"
    )]
    SecretInline { name: String },
    #[error("can't read the password from {place}: {}", reason(place, .source))]
    SecretUnreadable { place: ValueSource, source: io::Error },
}

/// Returns what is wrong with the value of a property.
fn message(kind: &DesiredErrorKind, property: &str) -> String {
    match kind {
        _ if property.is_empty() => kind.to_string(),
        DesiredErrorKind::Shape { .. } => format!("{property}: {kind}"),
        DesiredErrorKind::Value(error) => error.clone().named(property).to_string(),
        _ => kind.to_string(),
    }
}

fn reason(place: &ValueSource, error: &io::Error) -> String {
    // the system's own message for NotFound speaks of files
    match (error.kind(), place) {
        (io::ErrorKind::NotFound, ValueSource::Variable(_)) => "it isn't set".into(),
        (io::ErrorKind::NotFound, _) => "not found".into(),
        _ => error.to_string(),
    }
}

/// What is wrong, and in which part of the text.
#[derive(Debug)]
pub struct SpannedError {
    /// The part, in bytes.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub kind: DesiredErrorKind,
}

impl DesiredErrorKind {
    /// Returns the error for a key that isn't one of those that are known.
    pub fn unknown_key(key: &str, known: &[&str]) -> DesiredErrorKind {
        let hint = match guess::nearest(key, known.iter().copied()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => format!("the known keys are {}", known.join(", ")),
        };
        DesiredErrorKind::UnknownKey { key: key.into(), hint: Some(hint) }
    }

    /// Returns this error for a part of the text.
    pub fn at(self, span: &Range<usize>) -> SpannedError {
        SpannedError { span: span.clone(), kind: self }
    }
}

impl ToDiagnostic for DesiredError {
    fn code(&self) -> Code {
        match &*self.kind {
            DesiredErrorKind::Empty => Code::DesiredEmpty,
            DesiredErrorKind::Value(error) => error.code(),
            DesiredErrorKind::Command(error) => error.code(),
            DesiredErrorKind::UndefinedVariable { .. } | DesiredErrorKind::EmptyCell { .. } => {
                Code::VariableUndefined
            }
            DesiredErrorKind::SecretInline { .. } => Code::SecretInline,
            DesiredErrorKind::SecretUnreadable { .. } => Code::SecretUnreadable,
            _ => Code::DesiredInvalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match &*self.kind {
            DesiredErrorKind::Empty => {
                Some("a failed download or export can leave an empty file; create it again".into())
            }
            DesiredErrorKind::Escape { hint } => Some((*hint).into()),
            DesiredErrorKind::Yaml => Some("the name of a JSON file must end with .json".into()),
            DesiredErrorKind::UnknownKey { hint, .. } => hint.clone(),
            DesiredErrorKind::UnknownSection { hint, .. } => Some(hint.clone()),
            DesiredErrorKind::Value(error) => error.hint(),
            DesiredErrorKind::Event(error) => error.hint(),
            DesiredErrorKind::Command(error) => error.hint(),
            DesiredErrorKind::Template(error) => error.hint(),
            DesiredErrorKind::Url(error) => error.hint(),
            DesiredErrorKind::NamelessColumn => {
                Some("write a name for this column in the first line, or clear the column".into())
            }
            DesiredErrorKind::EmptyCell { .. } => {
                Some("fill in the cell; to remove a key, set it to false in the desired-state file".into())
            }
            DesiredErrorKind::UndefinedVariable { nearest: Some(nearest), .. } => {
                Some(format!("did you mean {nearest}?"))
            }
            DesiredErrorKind::UndefinedVariable { name, .. } if name.starts_with("env:") => {
                let name = name.trim_start_matches("env:");
                Some(format!("set the environment variable {name}"))
            }
            DesiredErrorKind::UndefinedVariable { .. } => {
                Some("define it with --var NAME=VALUE or --vars FILE".into())
            }
            DesiredErrorKind::EnvironmentOfCaller { .. } => {
                Some("use ${user}, ${profile}, ${appdata} or a column of the table of users".into())
            }
            DesiredErrorKind::SecretShown { .. } => {
                Some("use it only as a password, or in the headers or the secret of an action".into())
            }
            DesiredErrorKind::SecretUnreadable { place: ValueSource::Variable(name), source }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Some(format!("set the variable {name}"))
            }
            DesiredErrorKind::SecretInline { name } => Some(format!(
                "define it in a --vars file: {name} = {{ env = \"NAME\" }}, {{ file = \"PATH\" }} or {{ stdin = true }}"
            )),
            DesiredErrorKind::SecretUnreadable { .. } => {
                Some("use password = { env = \"NAME\" }, { file = \"PATH\" } or { stdin = true }".into())
            }
            DesiredErrorKind::Missing { key: "domain" } => {
                Some("MicroSIP ignores an account without a domain".into())
            }
            _ => None,
        }
    }
}

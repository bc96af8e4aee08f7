//! The state that somebody wants a MicroSIP to be in, as a file: [`file`](mod@file) knows its form, [`source`] and
//! [`overlay`] how it is written, [`passwords`] whether a password is still the one that was set, [`vars`] what stands for something else in it, [`users`] for which user what, [`state`] what is to be done about an
//! ini, [`export`] how an ini is written as such a file, [`instance`] how
//! Microsoft's DSC is told all of this.
//!
//! A mistake is told with its file, line and column before any ini is touched. Passwords never come into a message.

pub mod export;
pub mod file;
pub mod instance;
pub mod overlay;
pub mod passwords;
pub mod source;
pub mod state;
pub mod users;
pub mod vars;

use std::io;
use std::ops::Range;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::command::HookTextError;
use crate::hook::event::UnknownEvent;
use crate::microsip::values::ValueError;
use crate::request::ValueSource;

/// What is wrong with a desired-state file, and where.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}\n{excerpt}")]
pub struct DesiredError {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The names that lead there, as in `accounts[0].password`; empty for the whole, or where it has no parts.
    pub path: String,
    /// The line itself, passwords masked, and a mark below the place.
    pub excerpt: String,
    /// What is wrong there.
    pub what: Box<What>,
}

/// What is wrong with a place in a desired-state file.
#[derive(Debug, thiserror::Error)]
pub enum What {
    #[error("{0}")]
    Syntax(String),
    #[error("this is {found}; it has to be {expected}")]
    Shape { found: &'static str, expected: String },
    #[error("there is no '{key}' here")]
    UnknownKey { key: String, hint: Option<String> },
    #[error("'{key}' is missing")]
    Missing { key: &'static str },
    #[error("'{key}' is there twice")]
    Twice { key: String },
    #[error("{0} is not numbered as MicroSIP does it: {1}")]
    Number(&'static str, &'static str),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Command(#[from] HookTextError),
    #[error("there is no variable '{name}'")]
    Undefined { name: String, nearest: Option<String> },
    #[error("'${{{name}}}' is a variable of whoever runs this, not of each user")]
    EnvironmentOfAnother { name: String },
    #[error("the variable '{name}' is a password, and here it would be shown")]
    SecretShown { name: String },
    #[error("the variable '{name}' was given on the command line, where others can read a password")]
    SecretInline { name: String },
    #[error("the password could not be read from {place}: {}", why(.source))]
    SecretUnreadable { place: ValueSource, source: io::Error },
}

fn why(error: &io::Error) -> String {
    // the system's own words for it speak of files
    if error.kind() == io::ErrorKind::NotFound { "it is not there".into() } else { error.to_string() }
}

/// What is wrong, and which part of the text it is about.
#[derive(Debug)]
pub struct Fault {
    /// The part, in bytes.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub what: What,
}

impl What {
    /// The same, of this part of the text.
    pub fn at(self, span: &Range<usize>) -> Fault {
        Fault { span: span.clone(), what: self }
    }
}

impl ToDiagnostic for DesiredError {
    fn code(&self) -> Code {
        match &*self.what {
            What::Value(error) => error.code(),
            What::Command(fault) => fault.code(),
            What::Undefined { .. } => Code::VariableUndefined,
            What::SecretInline { .. } => Code::SecretInline,
            What::SecretUnreadable { .. } => Code::SecretUnreadable,
            _ => Code::DesiredInvalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match &*self.what {
            What::UnknownKey { hint, .. } => hint.clone(),
            What::Value(error) => error.hint(),
            What::Event(error) => error.hint(),
            What::Command(fault) => fault.hint(),
            What::Undefined { nearest: Some(nearest), .. } => Some(format!("did you mean {nearest}?")),
            What::Undefined { .. } => Some("give it by --var NAME=VALUE or --vars FILE".into()),
            What::EnvironmentOfAnother { .. } => {
                Some("write ${user}, ${profile} or ${appdata}, or a column of the table of users".into())
            }
            What::SecretShown { .. } => Some("only 'password' can have it".into()),
            What::SecretInline { .. } | What::SecretUnreadable { .. } => {
                Some("write password = { env = \"NAME\" }, { file = \"PATH\" } or { stdin = true }".into())
            }
            What::Missing { key: "domain" } => {
                Some("MicroSIP takes an account without a domain for none".into())
            }
            What::Number("the shortcut", _) => Some("the first is 0, and none is left out".into()),
            _ => None,
        }
    }
}

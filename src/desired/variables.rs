//! Variables: `${name}` in any text of a desired-state file is replaced by a value, and `$${` by `${`. In the text of
//! an action, which has placeholders such as `{number}`, a value is text: a brace in it is doubled.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::Value as Json;

use super::error::{DesiredError, DesiredErrorKind, SpannedError};
use super::hooks;
use super::redact::{is_public, is_secret};
use super::schema::{Given, SecretSource};
use super::source::Source;
use super::tree::{Node, Tree};
use crate::guess;
use crate::hook::action::template;
use crate::microsip::keys::MASK;
use crate::microsip::privacy::{Guarded, Viewer};
use crate::request::ValueSource;

/// Reads a text, which may be a password, from a place.
pub type ReadText<'a> = dyn Fn(&ValueSource) -> io::Result<Guarded> + 'a;

/// The values of variables.
pub struct Variables<'a> {
    values: BTreeMap<String, Variable>,
    /// The rows in which a variable's cell is empty.
    empty_cells: BTreeMap<String, String>,
    read: &'a ReadText<'a>,
    /// Whether the environment is that of the user whose ini is edited.
    has_environment: bool,
}

/// What braces mean in a text.
#[derive(Clone, Copy, PartialEq)]
enum Text {
    /// Nothing.
    Plain,
    /// Nothing, but below it they can be placeholders.
    OfAction,
    /// They are placeholders.
    Template,
    /// The same, and nobody sees the text.
    PrivateTemplate,
}

enum Variable {
    /// Given on the command line, where others can see it.
    Argument(String),
    /// Given in a file, or defined by the program.
    Text(String),
    /// A password that is in a file.
    Password(Guarded),
    /// A password that is somewhere else.
    PasswordAt(ValueSource),
}

impl<'a> Variables<'a> {
    /// Creates the variables of the command line. Environment variables are read when they are used.
    pub fn new(arguments: &[(String, String)], read: &'a ReadText<'a>) -> Self {
        let values =
            arguments.iter().map(|(name, value)| (name.clone(), Variable::Argument(value.clone()))).collect();
        Variables { values, empty_cells: BTreeMap::new(), read, has_environment: true }
    }

    /// Returns what reads passwords.
    pub(super) fn reader(&self) -> &'a ReadText<'a> {
        self.read
    }

    /// Excludes the environment, for the ini of a different user.
    pub fn without_environment(mut self) -> Self {
        self.has_environment = false;
        self
    }

    /// Defines a variable, whatever was given for it.
    pub fn define(&mut self, name: &str, value: String) {
        self.values.insert(name.to_string(), Variable::Text(value));
    }

    /// Adds the variables of a file, except those that are already defined.
    ///
    /// # Errors
    /// If the file isn't a table of texts, numbers and places of passwords.
    pub fn add_file(&mut self, source: &Source, folder: &Path) -> Result<(), DesiredError> {
        self.add_table(source, &source.root, folder)
    }

    /// Adds the variables of a table in a file, except those that are already defined.
    ///
    /// # Errors
    /// If it isn't a table of texts, numbers and places of passwords.
    pub fn add_table(&mut self, source: &Source, table: &Node, folder: &Path) -> Result<(), DesiredError> {
        let Tree::Table(entries) = &table.tree else {
            return Err(source.error(table.not("a table of variables")));
        };
        for (name, part) in entries {
            if matches!(part.tree, Tree::Leaf(Json::Null)) {
                self.empty_cells.entry(name.clone()).or_insert_with(|| source.line(&part.span));
                continue;
            }
            let variable = match serde_json::from_value(part.to_json()) {
                Ok(Given::Text(text)) if is_secret(name) => Variable::Password(Guarded::password(text)),
                Ok(Given::Text(text)) => Variable::Text(text),
                Ok(Given::Number(number)) => Variable::Text(number.to_string()),
                Ok(Given::Secret(secret)) => Variable::PasswordAt(secret.place(folder)),
                Ok(Given::Absent(_)) | Err(_) => {
                    return Err(source.error(part.not("text, a number, or a reference to a password")));
                }
            };
            self.values.entry(name.clone()).or_insert(variable);
        }
        Ok(())
    }

    /// Replaces the variables in every text.
    ///
    /// # Errors
    /// If a variable isn't defined, or a password would be visible.
    pub fn fill_in(&self, node: &mut Node) -> Result<(), SpannedError> {
        let Tree::Table(parts) = &mut node.tree else { return self.fill_in_below("", node, Text::Plain) };
        for (name, part) in parts {
            match (name.as_str(), &mut part.tree) {
                ("hooks", Tree::Table(hooks)) => {
                    for (event, hook) in hooks {
                        let text = if hooks::is_actions(hook) { Text::OfAction } else { Text::Plain };
                        self.fill_in_below(event, hook, text)?;
                    }
                }
                _ => self.fill_in_below(name, part, Text::Plain)?,
            }
        }
        Ok(())
    }

    fn fill_in_below(&self, name: &str, node: &mut Node, kind: Text) -> Result<(), SpannedError> {
        match &mut node.tree {
            Tree::Leaf(Json::String(text)) => {
                if text.contains("${") {
                    *text = self.filled_in(name, text, kind).map_err(|kind| kind.at(&node.span))?;
                }
                Ok(())
            }
            Tree::Leaf(_) => Ok(()),
            Tree::List(items) => items.iter_mut().try_for_each(|item| self.fill_in_below(name, item, kind)),
            Tree::Table(entries) => entries.iter_mut().try_for_each(|(name, part)| {
                let kind = match kind {
                    Text::OfAction if hooks::is_private(name) => Text::PrivateTemplate,
                    Text::OfAction if hooks::is_template(name) => Text::Template,
                    // a misspelled name of a private value
                    Text::OfAction if !is_public(name) => Text::PrivateTemplate,
                    kind => kind,
                };
                self.fill_in_below(name, part, kind)
            }),
        }
    }

    fn filled_in(&self, key: &str, text: &str, kind: Text) -> Result<String, DesiredErrorKind> {
        let (mut result, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                result.push_str(before);
                result.push_str("${");
                rest = &from[2..];
                continue;
            }
            let Some((name, after)) = from[2..].split_once('}') else {
                let message = "'}' is missing after '${'; for a literal ${ write $${";
                return Err(DesiredErrorKind::Syntax(message.into()));
            };
            result.push_str(before);
            let is_private = is_secret(key) || kind == Text::PrivateTemplate;
            let value = self.value(key, name, is_private)?;
            let value = value.reveal(Viewer::Program);
            match kind {
                Text::Template | Text::PrivateTemplate => result.push_str(&template::escaped(value)),
                Text::Plain | Text::OfAction => result.push_str(value),
            }
            rest = after;
        }
        Ok(result + rest)
    }

    fn value(&self, key: &str, name: &str, is_private: bool) -> Result<Guarded, DesiredErrorKind> {
        if let Some(variable) = name.strip_prefix("env:") {
            if !self.has_environment {
                return Err(DesiredErrorKind::EnvironmentOfCaller { name: name.into() });
            }
            let place = ValueSource::Variable(variable.to_string());
            return (self.read)(&place).map_err(|_| undefined(key, name, is_private, None));
        }
        match self.values.get(name) {
            Some(Variable::Argument(_)) if is_private => {
                Err(DesiredErrorKind::SecretInline { name: name.into() })
            }
            Some(Variable::Argument(value) | Variable::Text(value)) => {
                Ok(Guarded::of_key("Account1", key, value.as_str()))
            }
            Some(Variable::Password(_) | Variable::PasswordAt(_)) if !is_private => {
                Err(DesiredErrorKind::SecretShown { name: name.into() })
            }
            Some(Variable::Password(password)) => Ok(password.clone()),
            Some(Variable::PasswordAt(place)) => read_secret(self.read, place),
            None => {
                if let Some(row) = self.empty_cells.get(name) {
                    return Err(DesiredErrorKind::EmptyCell { name: name.to_string(), row: row.clone() });
                }
                let nearest = guess::nearest(name, self.values.keys().map(String::as_str));
                Err(undefined(key, name, is_private, nearest))
            }
        }
    }
}

/// Returns the error for a variable without a value. In a private value, its name may be a part of the value.
fn undefined(key: &str, name: &str, is_private: bool, nearest: Option<&str>) -> DesiredErrorKind {
    let name = if is_public(key) && !is_private { name } else { MASK };
    DesiredErrorKind::UndefinedVariable { name: name.to_string(), nearest: nearest.map(str::to_string) }
}

impl SecretSource {
    /// Returns the place of the password. A relative path starts in the folder of the file that names it.
    pub fn place(&self, folder: &Path) -> ValueSource {
        match self {
            SecretSource::Env { env } => ValueSource::Variable(env.clone()),
            SecretSource::File { file } => ValueSource::File(folder.join(file)),
            SecretSource::Stdin { .. } => ValueSource::StandardInput,
        }
    }
}

/// Reads a password.
pub(super) fn read_secret(read: &ReadText<'_>, place: &ValueSource) -> Result<Guarded, DesiredErrorKind> {
    read(place).map_err(|source| DesiredErrorKind::SecretUnreadable { place: place.clone(), source })
}

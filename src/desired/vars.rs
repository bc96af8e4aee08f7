//! Variables: `${name}` in any text of a desired-state file stands for something else, `$${` for `${`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::Value as Json;

use super::file::{Given, SecretSource};
use super::source::{Node, Source, Tree, is_secret, is_shown};
use super::{DesiredError, Fault, What};
use crate::guess;
use crate::microsip::keys::MASK;
use crate::request::ValueSource;

/// Reads a text, a password perhaps, from where it was said to be.
pub type ReadText<'a> = dyn Fn(&ValueSource) -> io::Result<String> + 'a;

/// What variables stand for.
pub struct Variables<'a> {
    named: BTreeMap<String, Variable>,
    read: &'a ReadText<'a>,
    /// Whether the environment is that of the user whose ini it is.
    has_environment: bool,
}

#[derive(Clone)]
enum Variable {
    /// Given on the command line, where others can read it.
    Seen(String),
    /// Given in a file.
    InFile(String),
    /// A password.
    Secret(ValueSource),
}

impl<'a> Variables<'a> {
    /// Those of the command line; the environment's are asked for when they are named.
    pub fn new(given: &[(String, String)], read: &'a ReadText<'a>) -> Self {
        let named = given.iter().map(|(name, value)| (name.clone(), Variable::Seen(value.clone()))).collect();
        Variables { named, read, has_environment: true }
    }

    /// Who reads passwords.
    pub(super) fn reader(&self) -> &'a ReadText<'a> {
        self.read
    }

    /// Those of another user, whose environment nobody knows.
    pub fn without_environment(mut self) -> Self {
        self.has_environment = false;
        self
    }

    /// Adds what stands for something else whatever was given.
    pub fn define(&mut self, name: &str, value: String) {
        self.named.insert(name.to_string(), Variable::InFile(value));
    }

    /// Adds those of a file; what is there already wins.
    ///
    /// # Errors
    /// When the file is no table of texts, numbers and places of passwords.
    pub fn add_file(&mut self, source: &Source, folder: &Path) -> Result<(), DesiredError> {
        self.add_table(source, &source.root, folder)
    }

    /// Adds those of a table in a file; what is there already wins.
    ///
    /// # Errors
    /// When it is no table of texts, numbers and places of passwords.
    pub fn add_table(&mut self, source: &Source, table: &Node, folder: &Path) -> Result<(), DesiredError> {
        let Tree::Table(parts) = &table.tree else {
            let what = What::Shape { found: table.kind(), expected: "a table of variables".into() };
            return Err(source.error(what.at(&table.span)));
        };
        for (name, part) in parts {
            let variable = match serde_json::from_value(part.to_json()) {
                // one of that name is for nothing else
                Ok(Given::Text(text)) if is_secret(name) => Variable::Secret(ValueSource::Inline(text)),
                Ok(Given::Text(text)) => Variable::InFile(text),
                Ok(Given::Number(number)) => Variable::InFile(number.to_string()),
                Ok(Given::Secret(secret)) => Variable::Secret(secret.place(folder)),
                Ok(Given::Absent(_)) | Err(_) => {
                    let expected = "text, a number, or where a password is".into();
                    return Err(source.error(What::Shape { found: part.kind(), expected }.at(&part.span)));
                }
            };
            self.named.entry(name.clone()).or_insert(variable);
        }
        Ok(())
    }

    /// Puts them in, wherever they are named.
    ///
    /// # Errors
    /// When one is not defined, or a password would be shown.
    pub fn put_in(&self, node: &mut Node) -> Result<(), Fault> {
        self.put_in_named("", node)
    }

    fn put_in_named(&self, name: &str, node: &mut Node) -> Result<(), Fault> {
        match &mut node.tree {
            Tree::Leaf(Json::String(text)) => {
                if text.contains("${") {
                    *text = self.filled(name, text).map_err(|what| what.at(&node.span))?;
                }
                Ok(())
            }
            Tree::Leaf(_) => Ok(()),
            Tree::List(parts) => parts.iter_mut().try_for_each(|part| self.put_in_named(name, part)),
            Tree::Table(parts) => parts.iter_mut().try_for_each(|(name, part)| self.put_in_named(name, part)),
        }
    }

    fn filled(&self, key: &str, text: &str) -> Result<String, What> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &from[2..];
                continue;
            }
            let Some((name, behind)) = from[2..].split_once('}') else {
                return Err(What::Syntax("a variable ends with }; $${ stands for ${".into()));
            };
            filled.push_str(before);
            filled.push_str(&self.value(key, name)?);
            rest = behind;
        }
        Ok(filled + rest)
    }

    fn value(&self, key: &str, name: &str) -> Result<String, What> {
        if let Some(variable) = name.strip_prefix("env:") {
            if !self.has_environment {
                return Err(What::EnvironmentOfAnother { name: name.into() });
            }
            let place = ValueSource::Variable(variable.to_string());
            return (self.read)(&place).map_err(|_| undefined(key, name, None));
        }
        match self.named.get(name) {
            Some(Variable::Seen(_)) if is_secret(key) => Err(What::SecretInline { name: name.into() }),
            Some(Variable::Seen(value) | Variable::InFile(value)) => Ok(value.clone()),
            Some(Variable::Secret(_)) if !is_secret(key) => Err(What::SecretShown { name: name.into() }),
            Some(Variable::Secret(place)) => read_secret(self.read, place),
            None => {
                let nearest = guess::nearest(name, self.named.keys().map(String::as_str));
                Err(undefined(key, name, nearest))
            }
        }
    }
}

/// In a password it may be no variable that is meant, but the password.
fn undefined(key: &str, name: &str, nearest: Option<&str>) -> What {
    let name = if is_shown(key) { name } else { MASK };
    What::Undefined { name: name.to_string(), nearest: nearest.map(str::to_string) }
}

impl SecretSource {
    /// The place of the password; a file is looked for from the folder of the file that names it.
    pub fn place(&self, folder: &Path) -> ValueSource {
        match self {
            SecretSource::Env { env } => ValueSource::Variable(env.clone()),
            SecretSource::File { file } => ValueSource::File(folder.join(file)),
            SecretSource::Stdin { .. } => ValueSource::StandardInput,
        }
    }
}

/// Reads a password.
pub(super) fn read_secret(read: &ReadText<'_>, place: &ValueSource) -> Result<String, What> {
    read(place).map_err(|source| What::SecretUnreadable { place: place.clone(), source })
}

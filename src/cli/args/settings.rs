//! The commands about single settings.

use std::path::PathBuf;

use clap::Subcommand;

use super::UsageError;
use super::write::WriteArgs;
use crate::ini::name::{KeyPath, NameError, SectionName};
use crate::microsip::keys::{self, Privacy};
use crate::request::{EditRequest, IniChoice, Query, Request, ValueSource};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print values as MicroSIP reads them, one a line
    #[command(after_help = examples!(
        r"msipcfg get VAD"
        r"msipcfg get cmdIncomingCall Account1/domain"
    ))]
    Get {
        /// The keys; without a section those of [Settings]
        #[arg(required = true, value_name = "[SECTION/]KEY")]
        keys: Vec<String>,
    },

    /// Set values, all or none
    ///
    /// Passwords are not given on the command line: KEY=@env:NAME takes one from a variable, KEY=@FILE from a
    /// file, KEY=@- from standard input.
    #[command(after_help = examples!(
        r"msipcfg set VAD=1 volumeRing=80"
        r"msipcfg set --dry-run Account1/domain=sip.example.com"
        r"msipcfg set Account1/password=@env:SIP_PASSWORD"
    ))]
    Set {
        /// The keys and their values; without a section those of [Settings]
        #[arg(required = true, value_name = "[SECTION/]KEY=VALUE")]
        values: Vec<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Remove keys
    #[command(after_help = examples!(
        r"msipcfg unset volumeRing"
        r"msipcfg unset --dry-run Account1/proxy"
    ))]
    Unset {
        /// The keys; without a section those of [Settings]
        #[arg(required = true, value_name = "[SECTION/]KEY")]
        keys: Vec<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Print all sections, keys and values; passwords and private data are masked
    #[command(after_help = examples!(
        r"msipcfg list"
        r"msipcfg list Account1"
    ))]
    List {
        /// Only this section
        section: Option<String>,
    },

    /// Explain the settings that MicroSIP knows
    #[command(after_help = examples!(
        r"msipcfg keys"
        r"msipcfg keys volume"
        r"msipcfg keys Account1/password"
    ))]
    Keys {
        /// Only those with this in their name or meaning
        pattern: Option<String>,
    },
}

impl Command {
    pub fn write_args(&self) -> Option<&WriteArgs> {
        match self {
            Command::Set { write, .. } | Command::Unset { write, .. } => Some(write),
            _ => None,
        }
    }

    pub fn into_request(self, ini: IniChoice) -> Result<Request, UsageError> {
        let query = match self {
            Command::Set { write, values } => {
                return Ok(write.request(ini, EditRequest::Set(keys_and_values(&values)?)));
            }
            Command::Unset { write, keys } => {
                return Ok(write.request(ini, EditRequest::Unset(paths(&keys)?)));
            }
            Command::Keys { pattern } => return Ok(Request::Keys { pattern }),
            Command::Get { keys } => Query::Get(paths(&keys)?),
            Command::List { section } => Query::List(section.as_deref().map(SectionName::new).transpose()?),
        };
        Ok(Request::Read { ini, query })
    }
}

fn paths(keys: &[String]) -> Result<Vec<KeyPath>, NameError> {
    keys.iter().map(|key| key.parse()).collect()
}

fn keys_and_values(given: &[String]) -> Result<Vec<(KeyPath, ValueSource)>, UsageError> {
    let mut values: Vec<(KeyPath, ValueSource)> = Vec::new();
    for given in given {
        let (path, value) = key_and_value(given)?;
        if values.iter().any(|(other, _)| *other == path) {
            return Err(UsageError::Twice { path });
        }
        if value == ValueSource::StandardInput && values.iter().any(|(_, other)| *other == value) {
            return Err(UsageError::StandardInputTwice);
        }
        values.push((path, value));
    }
    Ok(values)
}

fn key_and_value(given: &str) -> Result<(KeyPath, ValueSource), UsageError> {
    let (key, value) =
        given.split_once('=').ok_or_else(|| UsageError::NoValue { given: given.to_string() })?;
    let path: KeyPath = key.parse()?;
    // only a password may come from elsewhere; any other value may begin with an @
    let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
    let value = match value.strip_prefix('@').filter(|_| is_secret) {
        None => ValueSource::Inline(value.to_string()),
        Some("-") => ValueSource::StandardInput,
        Some(source) => match source.strip_prefix("env:") {
            Some("") => return Err(UsageError::NoVariable { given: given.to_string() }),
            Some(name) => ValueSource::Variable(name.to_string()),
            None => ValueSource::File(PathBuf::from(source)),
        },
    };
    Ok((path, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passwords_come_from_elsewhere() {
        let value = |given| key_and_value(given).unwrap().1;
        assert_eq!(value("Account1/password=@-"), ValueSource::StandardInput);
        assert_eq!(value("Account1/password=@env:PW"), ValueSource::Variable("PW".into()));
        assert_eq!(value("Account1/password=@pw.txt"), ValueSource::File("pw.txt".into()));
        assert_eq!(value("userAgent=@-"), ValueSource::Inline("@-".into()));
        assert_eq!(value("userAgent=a=b"), ValueSource::Inline("a=b".into()));
        assert!(key_and_value("userAgent").is_err());
        assert!(keys_and_values(&["VAD=1".into(), "Settings/vad=0".into()]).is_err());
    }
}

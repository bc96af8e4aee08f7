//! The commands for single settings.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Subcommand;

use super::common::joined;
use super::error::UsageError;
use super::write::{CreateArgs, WriteArgs};
use crate::commands::suggestion::set_hook_args;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::target::{self, TargetContext};
use crate::ini::name::{KeyPath, NameError, SectionName};
use crate::microsip::keys::{self, Privacy};
use crate::quote::command_line;
use crate::request::{EditRequest, HookText, IniChoice, Query, Request, SetHook, ValueSource};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print values as MicroSIP reads them, one per line
    #[command(after_help = examples!(
        r"msipcfg get VAD"
        r"msipcfg get cmdIncomingCall Account1/domain"
    ))]
    Get {
        /// Keys to print; SECTION is Settings by default
        #[arg(required = true, value_name = "[SECTION/]KEY")]
        keys: Vec<String>,
    },

    /// Set one or more values (all succeed or none do)
    ///
    /// Passwords can't be given on the command line. KEY=@env:NAME reads one from an environment variable, KEY=@FILE
    /// from a file, and KEY=@- from standard input.
    #[command(after_help = examples!(
        r"msipcfg set VAD=1 volumeRing=80"
        r"msipcfg set --dry-run Account1/domain=sip.example.com"
        r"msipcfg set Account1/password=@env:SIP_PASSWORD"
    ))]
    Set {
        /// Keys and their new values; SECTION is Settings by default
        #[arg(required = true, value_name = "[SECTION/]KEY=VALUE")]
        values: Vec<String>,

        /// Write keys that MicroSIP doesn't know, even if they look misspelled
        #[arg(long)]
        allow_unknown: bool,

        #[command(flatten)]
        write: CreateArgs,
    },

    /// Remove keys
    #[command(after_help = examples!(
        r"msipcfg unset volumeRing"
        r"msipcfg unset --dry-run Account1/proxy"
    ))]
    Unset {
        /// Keys to remove; SECTION is Settings by default
        #[arg(required = true, value_name = "[SECTION/]KEY")]
        keys: Vec<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// List all keys and values; passwords and private data are masked
    #[command(after_help = examples!(
        r"msipcfg list"
        r"msipcfg list Account1"
    ))]
    List {
        /// List only this section
        section: Option<String>,
    },

    /// Describe the settings that MicroSIP knows
    #[command(after_help = examples!(
        r"msipcfg keys"
        r"msipcfg keys volume"
        r"msipcfg keys Account1/password"
    ))]
    Keys {
        /// Show only settings whose name or description contains PATTERN
        pattern: Option<String>,
    },
}

impl Command {
    pub fn write_args(&self) -> Option<&WriteArgs> {
        match self {
            Command::Set { write, .. } => Some(&write.write),
            Command::Unset { write, .. } => Some(write),
            _ => None,
        }
    }

    /// Returns the request. `argv` is the whole command line.
    pub fn into_request(self, ini: IniChoice, argv: &[OsString]) -> Result<Request, UsageError> {
        let query = match self {
            Command::Set { write, values, allow_unknown } => {
                if let Some(error) = unquoted_value(&values, &ini, write.write.dry_run, argv) {
                    return Err(error);
                }
                let values = keys_and_values(&values)?;
                return Ok(write.request(ini, EditRequest::Set { values, allow_unknown }));
            }
            Command::Unset { write, keys } => {
                return Ok(write.request(ini, EditRequest::Unset(key_paths(&keys)?)));
            }
            Command::Keys { pattern } => return Ok(Request::Keys { pattern }),
            Command::Get { keys } => Query::Get(key_paths(&keys)?),
            Command::List { section } => Query::List(section.as_deref().map(SectionName::new).transpose()?),
        };
        Ok(Request::Read { ini, query })
    }
}

fn key_paths(keys: &[String]) -> Result<Vec<KeyPath>, NameError> {
    keys.iter().map(|key| key.parse()).collect()
}

/// Returns an error if a value was split at its spaces, because it wasn't quoted. A key without a value is another
/// mistake, and passwords aren't shown.
fn unquoted_value(
    values: &[String],
    ini: &IniChoice,
    dry_run: bool,
    argv: &[OsString],
) -> Option<UsageError> {
    let at = values.iter().skip(1).position(|value| !value.contains('='))?;
    let (path, start_of_value) = values[at].split_once('=')?;
    let path: KeyPath = path.parse().ok()?;
    let more = values[at + 1..].iter().take_while(|value| !value.contains('=')).count();
    let pieces = &values[at..=at + more];
    let start = argv
        .windows(pieces.len())
        .position(|arguments| arguments.iter().zip(pieces).all(|(one, piece)| one == piece.as_str()))?;
    let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
    let is_key = |piece: &String| {
        piece
            .parse::<KeyPath>()
            .is_ok_and(|path| keys::find(path.section.as_str(), path.key.as_str()).is_some())
    };
    if is_secret || pieces.iter().any(is_key) {
        return None;
    }
    let typed = HookCommand { program: start_of_value.to_string(), args: pieces[1..].to_vec() };
    let hook = target::rejoined(&typed, &TargetContext::path_only());
    let is_settings = path.section.as_str().eq_ignore_ascii_case("Settings");
    let event = Event::from_key(path.key.as_str()).filter(|_| is_settings);
    let command = match (event, hook) {
        (Some(event), Some((hook, _))) if pieces.len() == values.len() => {
            let mut args = ["msipcfg", "set-hook"].map(String::from).to_vec();
            if let Some(path) = &ini.path {
                args.extend(["--ini".into(), path.to_string_lossy().into_owned()]);
            }
            args.extend(dry_run.then(|| "--dry-run".into()));
            let set = SetHook::new(event, HookText::Command(hook.clone()));
            args.extend(set_hook_args(&set, event.name(), &hook));
            command_line(&args)
        }
        _ => joined(argv, start, pieces.len()),
    };
    Some(UsageError::ValueUnquoted { given: values[at + 1].clone(), command })
}

fn keys_and_values(assignments: &[String]) -> Result<Vec<(KeyPath, ValueSource)>, UsageError> {
    let mut values: Vec<(KeyPath, ValueSource)> = Vec::new();
    for assignment in assignments {
        let (path, value) = key_and_value(assignment)?;
        if values.iter().any(|(other, _)| *other == path) {
            return Err(UsageError::DuplicateKey { path });
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
        given.split_once('=').ok_or_else(|| UsageError::MissingValue { given: given.to_string() })?;
    let path: KeyPath = key.parse()?;
    // only passwords can be read from elsewhere: other values may start with an @
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
    fn only_passwords_are_read_from_elsewhere() {
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

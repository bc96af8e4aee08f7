//! Why msipcfg refuses a command line that clap accepts.

use super::action::ActionError;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::event::{Event, UnknownEvent};
use crate::ini::name::{KeyPath, NameError};
use crate::microsip::control::NumberError;
use crate::platform;

/// The advice to users of Git Bash, whose terminal is none for Windows programs.
pub const MSYS_HINT: &str =
    "no key can be read in this terminal; run 'winpty msipcfg wizard', or use Windows Terminal or cmd";

/// A command line that clap accepts and that still isn't a request.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("no command given")]
    NoCommand,
    #[error("the wizard asks questions, so it needs a terminal")]
    WizardCannotPrompt,
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("'{option}' comes after the event, so it would be passed to the hook")]
    OptionAfterEvent { option: String },
    #[error("'{event}' is an event, so it can't be the program")]
    EventAsProgram { events: Vec<Event>, event: String },
    #[error("unexpected argument '{typed}' found")]
    UnknownOption { typed: String, nearest: Option<String> },
    #[error("no action or program given after the event")]
    NoProgram { event: Option<Event> },
    #[error("--action removes the action of one event")]
    ActionOfSeveralEvents,
    #[error(transparent)]
    Action(#[from] ActionError),
    #[error("--raw takes one argument after the event: the whole text after the '=' in the ini")]
    RawWithArguments { command: String },
    #[error("TEXT must be a single line without NUL characters")]
    TextNotOneLine,
    #[error("'{given}' isn't in the form KEY=VALUE")]
    MissingValue { given: String },
    #[error("'{given}' isn't in the form KEY=VALUE; it seems to belong to the value before it")]
    ValueUnquoted { given: String, command: String },
    #[error("only one password can be read from standard input")]
    StandardInputTwice,
    #[error("{path} is given twice")]
    DuplicateKey { path: KeyPath },
    #[error("'{given}' doesn't name an environment variable")]
    NoVariable { given: String },
    #[error("doctor writes nothing without --fix, so options for writing have no effect")]
    WriteOptionWithoutFix,
    #[error("{option} needs --all-users or --profiles")]
    OnlyWithManyUsers { option: &'static str },
    #[error("--ini can't be used with --all-users or --profiles")]
    IniWithManyUsers,
}

impl ToDiagnostic for UsageError {
    fn code(&self) -> Code {
        match self {
            UsageError::Event(error) => error.code(),
            UsageError::Name(error) => error.code(),
            UsageError::Number(error) => error.code(),
            UsageError::Action(error) => error.code(),
            _ => Code::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            UsageError::Event(error) => return error.hint(),
            UsageError::Name(error) => return error.hint(),
            UsageError::Number(error) => return error.hint(),
            UsageError::OptionAfterEvent { option } => {
                return Some(format!(
                    "put '{option}' before the event if it's for msipcfg, or '--' before the program if it's for \
                     the hook"
                ));
            }
            UsageError::EventAsProgram { events, event } => {
                let events: Vec<&str> = events.iter().map(|event| event.name()).collect();
                return Some(format!(
                    "to set several hooks, put the events in quotes: \"{},{event}\"; for a program named '{event}', \
                     put '--' before it",
                    events.join(",")
                ));
            }
            UsageError::OnlyWithManyUsers { option } => {
                return Some(format!("add --all-users or --profiles DIR, or remove {option}"));
            }
            UsageError::RawWithArguments { command } => {
                return Some(format!("put the whole text in quotes:\n{command}"));
            }
            UsageError::ValueUnquoted { command, .. } => {
                return Some(format!("put the value in quotes:\n{command}"));
            }
            UsageError::NoCommand => "run 'msipcfg help' for a list of commands",
            UsageError::WizardCannotPrompt if platform::input_is_msys_pipe() => MSYS_HINT,
            UsageError::WizardCannotPrompt => {
                "run it in a terminal, without --json and --no-input, or use 'msipcfg set-hook'"
            }
            UsageError::NoProgram { event } => {
                let event = event.map_or("EVENT", Event::name);
                return Some(format!(
                    "use 'msipcfg set-hook {event} --open URL', --notify, --post, --get or --log, or 'msipcfg set-hook \
                     {event} PROGRAM'"
                ));
            }
            UsageError::UnknownOption { nearest: Some(nearest), .. } => {
                return Some(format!("a similar argument exists: '--{nearest}'"));
            }
            UsageError::UnknownOption { nearest: None, .. } => {
                "if it's the program, put '--' before it; 'msipcfg help set-hook' lists the options"
            }
            UsageError::Action(error) => return error.hint(),
            UsageError::ActionOfSeveralEvents => "name one event",
            UsageError::TextNotOneLine => "explain one line at a time",
            UsageError::StandardInputTwice => "read the other one with KEY=@env:NAME or KEY=@FILE",
            UsageError::DuplicateKey { .. } => "remove one of them",
            UsageError::MissingValue { .. } => "to remove a key, use 'msipcfg unset KEY'",
            UsageError::NoVariable { .. } => "give the name of a variable, for example KEY=@env:SIP_PASSWORD",
            UsageError::WriteOptionWithoutFix => "add --fix, or remove the options for writing",
            UsageError::IniWithManyUsers => {
                "remove --ini (the variable MSIPCFG_INI also sets it), or the option for many users"
            }
        };
        Some(hint.to_string())
    }
}

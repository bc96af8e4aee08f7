//! Requests about hooks.

use std::path::PathBuf;

use crate::hook::action::Action;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::name::ValueText;
use crate::microsip::version::Version;

/// The hook to set for an event.
#[derive(Clone, Debug)]
pub struct SetHook {
    /// The event.
    pub event: Event,
    /// The command.
    pub what: HookText,
    /// The version in whose dialect the value must survive.
    pub version: Option<Version>,
    /// What is accepted although it would be refused by default.
    pub allow: Allow,
    /// Whether what the event does now stays; otherwise it is replaced.
    pub add: bool,
    /// Whether MicroSIP starts a script itself. Otherwise a script (`.ps1`, `.bat` …) becomes an action, because as a
    /// program it would take the caller's text for options or commands. An executable is always a program.
    pub direct: bool,
    /// The runner for actions; without one, the one next to msipcfg.
    pub runner: Option<String>,
    /// The headers of a web request, and where their values come from.
    pub headers: Vec<(String, ValueSource)>,
    /// The calling code of the country whose numbers are dialled without it, for all actions of the ini; without one,
    /// it stays as it is.
    pub country: Option<u16>,
}

impl SetHook {
    /// Returns the request to replace what an event does, with nothing else specified.
    pub fn new(event: Event, what: HookText) -> SetHook {
        SetHook {
            event,
            what,
            version: None,
            allow: Allow::default(),
            add: false,
            direct: false,
            runner: None,
            headers: Vec::new(),
            country: None,
        }
    }
}

/// A command text to explain.
#[derive(Clone, Debug)]
pub struct Explain {
    /// The event, or any key, as it was typed.
    pub event: Option<String>,
    /// The version that would run it.
    pub version: Option<Version>,
    /// The text after `=`.
    pub text: ValueText,
}

/// The command of a hook, as it was given.
#[derive(Clone, Debug)]
pub enum HookText {
    /// A program and its arguments. A script becomes an action unless [`SetHook::direct`] is set.
    Command(HookCommand),
    /// An action, which msipcfg carries out.
    Action(Box<Action>),
    /// The text after `=`, verbatim.
    Raw(String),
    /// The value that MicroSIP should read.
    Value(String),
}

/// Where the value of a key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueSource {
    /// The command line.
    Inline(String),
    /// Standard input.
    StandardInput,
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl std::fmt::Display for ValueSource {
    /// Shows where the value comes from, never the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ValueSource::Inline(_) => f.write_str("the command line"),
            ValueSource::StandardInput => f.write_str("standard input"),
            ValueSource::File(path) => write!(f, "{}", path.display()),
            ValueSource::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}

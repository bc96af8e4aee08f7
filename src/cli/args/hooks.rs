//! The commands about hooks.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Subcommand};

use super::write::WriteArgs;
use super::{Cli, UsageError};
use crate::guess;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::name::ValueText;
use crate::microsip::version::Version;
use crate::request::{EditRequest, Explain, HookText, IniChoice, Query, Request, SetHook, TestHook};

// WriteArgs comes last in each command: its heading goes for whatever stands behind it
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set the hook of an event
    ///
    /// Everything behind EVENT belongs to the hook. Scripts get the program that runs them; a program without
    /// a path is looked up. MicroSIP puts the other party's number behind the arguments.
    #[command(
        override_usage = "msipcfg set-hook [OPTIONS] EVENT PROGRAM [ARGS]...",
        after_help = examples!(
            r"msipcfg set-hook ring C:\hooks\ring.exe"
            r#"msipcfg set-hook --dry-run start "C:\My Scripts\log.ps1" --to crm"#
            r"msipcfg set-hook end -- C:\hooks\log.exe --json"
            r"msipcfg set-hook --restart --unblock ring C:\hooks\ring.exe"
        )
    )]
    SetHook {
        /// The version of MicroSIP that will use the ini, such as 3.21.4
        #[arg(long, value_name = "V")]
        microsip_version: Option<Version>,

        /// Take PROGRAM for the text behind the `=`, exactly as it is to stand
        #[arg(long)]
        raw: bool,

        /// Accept a program that is not there yet
        #[arg(long)]
        allow_missing: bool,

        /// Accept what is unsafe: a batch file, a password on a command line, a program that others may replace
        #[arg(long)]
        allow_unsafe: bool,

        /// Take the mark of the web off the program, by which Windows asks before it starts a download
        #[arg(long)]
        unblock: bool,

        /// When it runs ('msipcfg events' lists them), the program, and its arguments
        #[arg(
            required = true,
            num_args = 2..,
            value_names = ["EVENT", "PROGRAM", "ARGS"],
            trailing_var_arg = true,
            allow_hyphen_values = true
        )]
        words: Vec<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Remove the hooks of events
    #[command(
        override_usage = "msipcfg unset-hook [OPTIONS] <EVENT...|--all>",
        after_help = examples!(
            r"msipcfg unset-hook ring"
            r"msipcfg unset-hook cmdCallStart cmdCallEnd"
            r"msipcfg unset-hook --all --dry-run"
        )
    )]
    UnsetHook {
        /// Every event
        #[arg(long, conflicts_with = "events")]
        all: bool,

        /// Their names, or the names of their keys
        #[arg(required_unless_present = "all", value_name = "EVENT")]
        events: Vec<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Show every event: what runs, whether it would, and why not
    #[command(after_help = examples!(
        r"msipcfg hooks"
        r"msipcfg hooks --json"
        r"msipcfg hooks --ini D:\Phone\MicroSIP.ini"
    ))]
    Hooks,

    /// Run a hook as MicroSIP would, and show what it got, how it ended and how long MicroSIP would be frozen
    ///
    /// It is waited for 10 seconds at most and then left to itself, as MicroSIP does. The exit status is 1 if it
    /// could not be started, ran longer, or ended with a status that is not 0.
    #[command(
        override_usage = "msipcfg test-hook [OPTIONS] <EVENT|--all>",
        after_help = examples!(
            r"msipcfg test-hook ring"
            r"msipcfg test-hook end --caller anonymous --capture"
            r"msipcfg test-hook --all --json"
        )
    )]
    TestHook {
        /// When it runs ('msipcfg events' lists them)
        #[arg(required_unless_present = "all")]
        event: Option<String>,

        /// Every hook that is set, for the callers 100, +4930123456, anonymous, and one without a number
        #[arg(long, conflicts_with = "event")]
        all: bool,

        /// The other party's number, which comes behind the arguments; 100 if none is named, --caller= for none
        #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
        caller: Option<String>,

        /// Show what it prints; for that it is not started quite as MicroSIP does
        #[arg(long)]
        capture: bool,

        /// The version of MicroSIP that would run it, such as 3.21.4
        #[arg(long, value_name = "V")]
        microsip_version: Option<Version>,
    },

    /// Explain what MicroSIP would run for a text behind the `=` of a command, and what is wrong with it
    ///
    /// No ini is needed, and it is not looked whether the program is there.
    #[command(
        override_usage = "msipcfg explain [OPTIONS] [--] TEXT",
        after_help = examples!(
            r#"msipcfg explain "C:\Program Files\CRM\ring.exe""#
            r#"msipcfg explain --event cmdOutgoingCall -- "C:\hooks\log.exe {number}""#
        )
    )]
    Explain {
        /// The event or the ini key that it is for; otherwise that of a call that comes in
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,

        /// The version of MicroSIP that would run it, such as 3.21.4
        #[arg(long, value_name = "V")]
        microsip_version: Option<Version>,

        /// The text, with its own quotes
        #[arg(allow_hyphen_values = true)]
        text: String,
    },

    /// List the events of a call at which MicroSIP runs a command
    #[command(after_help = examples!(
        r"msipcfg events"
        r"msipcfg events --json"
    ))]
    Events,
}

impl Command {
    pub fn write_args(&self) -> Option<&WriteArgs> {
        match self {
            Command::SetHook { write, .. } | Command::UnsetHook { write, .. } => Some(write),
            _ => None,
        }
    }

    /// The error where an option that is none has taken the place of the event: behind that anything goes.
    pub fn mistyped_option(&self) -> Option<clap::Error> {
        let Command::SetHook { words, .. } = self else { return None };
        let typed = words.first().filter(|word| word.len() > 1 && word.starts_with('-'))?;
        let told = format!("unexpected argument '{typed}' found");
        let mut command = set_hook_command()?;
        let names: Vec<String> =
            command.get_arguments().filter_map(|option| Some(format!("--{}", option.get_long()?))).collect();
        let message = match guess::nearest(typed, names.iter().map(String::as_str)) {
            Some(nearest) => format!("{told}\n\n  tip: a similar argument exists: '{nearest}'"),
            None => told,
        };
        Some(command.error(ErrorKind::UnknownArgument, message))
    }

    /// What is asked for. `raw` is the command line as it was typed.
    pub fn into_request(self, ini: IniChoice, raw: &[OsString]) -> Result<Request, UsageError> {
        Ok(match self {
            Command::SetHook {
                write,
                microsip_version,
                raw: is_raw,
                allow_missing,
                allow_unsafe,
                unblock,
                words,
            } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: unblock };
                let set = set_hook(words, raw, is_raw, microsip_version, allow)?;
                write.request(ini, EditRequest::SetHooks(vec![set]))
            }
            Command::UnsetHook { write, all: true, .. } => {
                write.request(ini, EditRequest::UnsetHooks(Event::ALL.to_vec()))
            }
            Command::UnsetHook { write, events, .. } => {
                let events = events.iter().map(|event| event.parse()).collect::<Result<_, _>>()?;
                write.request(ini, EditRequest::UnsetHooks(events))
            }
            Command::Hooks => Request::Read { ini, query: Query::Hooks },
            Command::TestHook { event, all: _, caller, capture, microsip_version: version } => {
                let callers = match (&event, caller) {
                    (_, Some(caller)) => vec![caller],
                    (Some(_), None) => vec![A_CALLER.to_string()],
                    (None, None) => CALLERS_OF_ALL_KINDS.map(String::from).into(),
                };
                let events = match event {
                    Some(event) => vec![event.parse()?],
                    None => Event::ALL.to_vec(),
                };
                Request::TestHook(TestHook { ini, events, callers, version, capture })
            }
            Command::Explain { event, microsip_version: version, text } => {
                let text = ValueText::new(&text).map_err(|_| UsageError::TextOfLines)?;
                Request::Explain(Explain { event, version, text })
            }
            Command::Events => Request::Events,
        })
    }
}

/// The caller in a test where none is named.
pub(in crate::cli) const A_CALLER: &str = "100";

/// Who may call: somebody in the house, somebody abroad, a word instead of a number, and nobody that is said.
const CALLERS_OF_ALL_KINDS: [&str; 4] = [A_CALLER, "+4930123456", "anonymous", ""];

/// Everything behind EVENT belongs to the hook. So that a forgotten order does not set a hook with an argument
/// `--dry-run`, a word that is spelled like one of our options needs a `--` before PROGRAM.
fn set_hook(
    words: Vec<String>,
    raw: &[OsString],
    is_raw: bool,
    version: Option<Version>,
    allow: Allow,
) -> Result<SetHook, UsageError> {
    let mut words = words.into_iter();
    let event = words.next().unwrap_or_default().parse()?;
    let mut hook: Vec<String> = words.collect();
    let mut is_marked = raw[..raw.len() - hook.len()].iter().any(|word| word == "--");
    if hook.first().is_some_and(|word| word == "--") {
        hook.remove(0);
        is_marked = true;
    }
    if !is_marked && let Some(option) = hook.iter().find(|word| is_spelled_like_an_option(word)) {
        return Err(UsageError::OptionBehindEvent { option: option.clone() });
    }
    let mut hook = hook.into_iter();
    let program = hook.next().ok_or(UsageError::NoProgram)?;
    let args: Vec<String> = hook.collect();
    let what = match (is_raw, args.is_empty()) {
        (false, _) => HookText::Command(HookCommand { program, args }),
        (true, true) => HookText::Raw(program),
        (true, false) => return Err(UsageError::RawWithArguments),
    };
    Ok(SetHook { event, what, version, allow })
}

/// With the options of every command.
fn set_hook_command() -> Option<clap::Command> {
    let mut command = Cli::command();
    command.build();
    command.find_subcommand("set-hook").cloned()
}

fn is_spelled_like_an_option(word: &str) -> bool {
    // most words show it at once, and our options take time to make
    if !word.starts_with('-') {
        return false;
    }
    let Some(set_hook) = set_hook_command() else { return false };
    let name = word.split('=').next().unwrap_or(word);
    let options = || set_hook.get_arguments();
    let is_short = |letter: char| options().any(|option| option.get_short() == Some(letter));
    match name.strip_prefix("--") {
        Some(name) => options().any(|option| option.get_long() == Some(name)),
        // several letters are as many options
        None => name.len() > 1 && name.chars().skip(1).all(is_short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: &[&str]) -> Result<Request, String> {
        let raw: Vec<OsString> = words.iter().map(OsString::from).collect();
        let cli = Cli::read(&raw).map_err(|error| error.to_string())?;
        cli.into_request(&raw).map_err(|error| error.to_string())
    }

    fn hook(words: &[&str]) -> Result<HookCommand, String> {
        match request(words)? {
            Request::Write { edit: EditRequest::SetHooks(sets), .. } => match &sets[..] {
                [SetHook { what: HookText::Command(command), .. }] => Ok(command.clone()),
                other => Err(format!("{other:?}")),
            },
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn everything_behind_the_event_belongs_to_the_hook() {
        let command = hook(&["msipcfg", "set-hook", "-n", "ring", "x.exe", "--mine", "a b", "-x"]).unwrap();
        assert_eq!((command.program.as_str(), command.args.len()), ("x.exe", 3));
    }

    #[test]
    fn our_options_behind_the_event_need_a_double_dash() {
        for word in ["--dry-run", "-n", "-qn", "--json", "--timeout=5", "-v", "--help"] {
            assert!(hook(&["msipcfg", "set-hook", "ring", "x.exe", word]).is_err(), "{word}");
            assert!(hook(&["msipcfg", "set-hook", "ring", word, "x.exe"]).is_err(), "{word}");
            for words in [
                ["msipcfg", "set-hook", "ring", "--", "x.exe", word],
                ["msipcfg", "set-hook", "--", "ring", "x.exe", word],
            ] {
                assert_eq!(hook(&words).unwrap().args, [word], "{words:?}");
            }
        }
    }

    #[test]
    fn a_hook_may_have_a_double_dash_of_its_own() {
        let command = hook(&["msipcfg", "set-hook", "ring", "x.exe", "--", "a"]).unwrap();
        assert_eq!(command.args, ["--", "a"]);
        let command = hook(&["msipcfg", "set-hook", "ring", "--", "x.exe", "--", "a"]).unwrap();
        assert_eq!(command.args, ["--", "a"]);
    }
}

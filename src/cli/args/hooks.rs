//! The commands for hooks.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::action::{ActionArgs, ActionError};
use super::common::{Common, joined};
use super::error::UsageError;
use super::write::{CreateArgs, WriteArgs};
use crate::guess;
use crate::hook::command::HookCommand;
use crate::hook::event::{Event, UnknownEvent};
use crate::hook::target::Allow;
use crate::ini::name::ValueText;
use crate::microsip::keys;
use crate::microsip::version::Version;
use crate::request::{EditRequest, Explain, HookText, IniChoice, Query, Request, SetHook, TestHook};

/// The caller's text in a test unless another is given.
pub const DEFAULT_CALLER: &str = "100";

/// The callers of `test-hook --all`: an internal number, an international one, a word instead of a number, and none.
/// Then hostile ones, as MicroSIP takes them from SIP headers: several arguments with a space after them; an option,
/// quotes and an `&` (where `echo` harms nobody); options with slashes; and an unclosed quote.
const ALL_CALLERS: [&str; 8] = [
    DEFAULT_CALLER,
    "+4930123456",
    "anonymous",
    "",
    "one two three ",
    r#"-x \" & echo \" "#,
    "//nologo /x",
    r#"no-at" <sip:100"#,
];

// WriteArgs is the last field wherever it is used: its heading applies to all options after it
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set what happens on a call event
    ///
    /// With an option such as --open, msipcfg opens a page, shows a message, sends a request or logs the call itself:
    /// MicroSIP starts the small program msipcfg-run, and no script is needed. {number} and other placeholders are
    /// replaced for each call.
    ///
    /// With a PROGRAM, MicroSIP starts it with the arguments after PROGRAM. Options of msipcfg come before the event;
    /// to pass such an option to the program, write -- before PROGRAM. A program given without a folder is looked up as
    /// Windows would. MicroSIP adds the caller's text after the arguments: usually the other party's number, but it can
    /// be several arguments, or none.
    ///
    /// If PROGRAM is a script, such as a .ps1, .vbs, .py or .bat file, msipcfg runs it with the number as its last
    /// argument, so that a caller can't give it options or commands. With --direct, MicroSIP starts it.
    SetHook(Box<SetHookArgs>),

    /// Remove hooks
    #[command(
        override_usage = "msipcfg unset-hook [OPTIONS] <EVENT...|--all>",
        after_help = examples!(
            r"msipcfg unset-hook ring"
            r"msipcfg unset-hook ring --action 2"
            r"msipcfg unset-hook cmdCallStart cmdCallEnd"
            r"msipcfg unset-hook --all --dry-run"
        )
    )]
    UnsetHook {
        /// Remove the hooks of all events
        #[arg(long, conflicts_with = "events")]
        all: bool,

        /// Remove only the action with this number; 'msipcfg hooks' shows the numbers
        #[arg(long, value_name = "N", conflicts_with = "all")]
        action: Option<usize>,

        /// Events, or their ini keys
        #[arg(required_unless_present = "all", value_name = "EVENT")]
        events: Vec<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Show what runs on each event, whether it would work, and why not
    #[command(after_help = examples!(
        r"msipcfg hooks"
        r"msipcfg hooks ring"
        r"msipcfg hooks --ini D:\Phone\MicroSIP.ini --json"
    ))]
    Hooks {
        /// Event, or several separated by commas [default: all]
        event: Option<String>,
    },

    /// Run a hook as MicroSIP would, or carry out its actions, and show the result
    ///
    /// Actions are carried out at once, for a caller of your choice, and aren't entered in the calls. With --dry-run,
    /// nothing happens, and the page, the message or the request is shown.
    ///
    /// For a program, shows the arguments that it received, how it exited, and how long MicroSIP would be frozen. Like
    /// MicroSIP, waits at most 10 seconds and then leaves the program running. Exits with 1 if the program couldn't be
    /// started, ran longer than that, or exited with a nonzero status.
    #[command(
        override_usage = "msipcfg test-hook [OPTIONS] <EVENT|--all>",
        after_help = examples!(
            r"msipcfg test-hook ring"
            r"msipcfg test-hook ring --caller +49301234 -n"
            r"msipcfg test-hook end --caller anonymous --capture"
            r"msipcfg test-hook --all --json"
        )
    )]
    TestHook {
        /// Event of the hook; 'msipcfg events' lists them
        #[arg(required_unless_present = "all")]
        event: Option<String>,

        /// Run every hook with eight callers: usual ones, one without a number, and hostile ones
        #[arg(long, conflicts_with = "event")]
        all: bool,

        /// The caller's text, which is added after the arguments [default: 100]; --caller= for none
        #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
        caller: Option<String>,

        /// Show what would happen without doing it: the page, the message, the request, the line or the arguments
        #[arg(short = 'n', long)]
        dry_run: bool,

        /// Show what the program prints (it's then not started exactly as by MicroSIP)
        #[arg(long)]
        capture: bool,

        /// MicroSIP version that would run the hook, for example 3.21.4
        #[arg(long, value_name = "V")]
        microsip_version: Option<Version>,
    },

    /// Explain what MicroSIP would run for a value in the ini
    ///
    /// Shows the program, its arguments, and what is wrong with the value. Needs no ini, and doesn't check whether the
    /// program exists.
    #[command(
        override_usage = "msipcfg explain [OPTIONS] [--] TEXT",
        after_help = examples!(
            r#"msipcfg explain "C:\Program Files\CRM\ring.exe""#
            r#"msipcfg explain --event cmdOutgoingCall -- "C:\hooks\log.exe {number}""#
        )
    )]
    Explain {
        /// Event or ini key that TEXT is for [default: ring]
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,

        /// MicroSIP version that would run it, for example 3.21.4
        #[arg(long, value_name = "V")]
        microsip_version: Option<Version>,

        /// Text after the '=' in the ini, including its quotes
        #[arg(allow_hyphen_values = true)]
        text: String,
    },

    /// List the call events on which MicroSIP can run a program
    #[command(after_help = examples!(
        r"msipcfg events"
        r"msipcfg events --json"
    ))]
    Events,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "msipcfg set-hook [OPTIONS] EVENT[,EVENT] <ACTION | PROGRAM [ARGS]...>",
    after_help = examples!(
        r#"msipcfg set-hook ring --open "https://crm.example/find?phone={number}""#
        r#"msipcfg set-hook ring --notify "{name|number} is calling""#
        r"msipcfg set-hook end --add --log C:\Users\ann\Documents\calls.csv"
        r"msipcfg set-hook ring C:\hooks\ring.exe"
        r#"msipcfg set-hook "ring,outgoing" C:\hooks\log.exe"#
        r#"msipcfg set-hook --dry-run start "C:\My Scripts\log.ps1" --to crm"#
        r"msipcfg set-hook end -- C:\hooks\log.exe --json"
        r"msipcfg set-hook --restart --unblock ring C:\hooks\ring.exe"
    )
)]
pub(super) struct SetHookArgs {
    /// MicroSIP version that will use the ini, for example 3.21.4
    #[arg(long, value_name = "V")]
    microsip_version: Option<Version>,

    /// Use PROGRAM verbatim as the value in the ini
    #[arg(long, conflicts_with_all = ["add", "runner"])]
    raw: bool,

    /// Accept a program that doesn't exist yet
    #[arg(long)]
    allow_missing: bool,

    /// Accept an unsafe hook: a shell, a password in its arguments, a program that other users can replace
    #[arg(long)]
    allow_unsafe: bool,

    /// Let MicroSIP start a script itself, even a batch file, although a caller can give it options or commands
    #[arg(long, conflicts_with_all = ["raw", "add", "runner"])]
    direct: bool,

    /// Remove the "downloaded from the internet" mark so that Windows doesn't prompt
    #[arg(long)]
    unblock: bool,

    /// Event ('msipcfg events' lists them) or several separated by commas
    #[arg(value_name = "EVENT")]
    event: String,

    /// Program, and its arguments
    #[arg(value_names = ["PROGRAM", "ARGS"], num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    hook: Vec<String>,

    #[command(flatten)]
    action: ActionArgs,

    #[command(flatten)]
    write: CreateArgs,
}

impl Command {
    pub fn write_args(&self) -> Option<&WriteArgs> {
        match self {
            Command::SetHook(args) => Some(&args.write.write),
            Command::UnsetHook { write, .. } => Some(write),
            _ => None,
        }
    }

    /// Returns the request. `argv` is the whole command line.
    pub fn into_request(self, ini: IniChoice, argv: &[OsString]) -> Result<Request, UsageError> {
        Ok(match self {
            Command::SetHook(args) => {
                let (hooks, write) = args.into_hooks(argv)?;
                write.request(ini, EditRequest::SetHooks(hooks))
            }
            Command::UnsetHook { action: Some(_), events, .. } if events.len() != 1 => {
                return Err(UsageError::ActionOfSeveralEvents);
            }
            Command::UnsetHook { write, all: true, .. } => {
                write.request(ini, EditRequest::UnsetHooks { events: Event::ALL.to_vec(), action: None })
            }
            Command::UnsetHook { write, events, action, .. } => {
                write.request(ini, EditRequest::UnsetHooks { events: parsed_events(&events)?, action })
            }
            Command::Hooks { event: None } => Request::Read { ini, query: Query::Hooks(Event::ALL.to_vec()) },
            Command::Hooks { event: Some(event) } => {
                Request::Read { ini, query: Query::Hooks(parsed_events(&[event])?) }
            }
            Command::TestHook { event, all: _, caller, dry_run, capture, microsip_version: version } => {
                let callers = match (&event, caller) {
                    (_, Some(caller)) => vec![caller],
                    (Some(_), None) => vec![DEFAULT_CALLER.to_string()],
                    (None, None) => ALL_CALLERS.map(String::from).into(),
                };
                let events = match event {
                    Some(event) => vec![event.parse()?],
                    None => Event::ALL.to_vec(),
                };
                Request::TestHook(TestHook { ini, events, callers, version, capture, dry_run })
            }
            Command::Explain { event, microsip_version: version, text } => {
                let text = ValueText::new(&text).map_err(|_| UsageError::TextNotOneLine)?;
                if let Some(name) = event.as_ref().filter(|name| !is_ini_key(name)) {
                    name.parse::<Event>()?;
                }
                Request::Explain(Explain { event, version, text })
            }
            Command::Events => Request::Events,
        })
    }
}

impl SetHookArgs {
    /// Splits the arguments into the hook of each event and the options for writing them.
    ///
    /// Everything after EVENT belongs to the hook. So that a misplaced `--dry-run` doesn't become an argument of the
    /// hook, an argument that is spelled like an option of msipcfg needs a `--` before PROGRAM.
    fn into_hooks(self, argv: &[OsString]) -> Result<(Vec<SetHook>, CreateArgs), UsageError> {
        let program_option = self.program_option();
        let events = parsed_events(&[self.event])?;
        let mut hook = self.hook;
        // clap removes a `--` before EVENT and keeps one after it
        let mut is_escaped = argv[..argv.len() - hook.len()].iter().any(|argument| argument == "--");
        if hook.first().is_some_and(|argument| argument == "--") {
            hook.remove(0);
            is_escaped = true;
        }
        if !is_escaped && let Some(option) = hook.iter().find(|argument| is_own_option(argument)) {
            return Err(UsageError::OptionAfterEvent { option: option.clone() });
        }
        if !is_escaped && let Some(event) = hook.first().filter(|program| program.parse::<Event>().is_ok()) {
            return Err(UsageError::EventAsProgram { events, event: event.clone() });
        }
        if let Some(typed) = hook.first().filter(|program| !is_escaped && program.starts_with("--")) {
            return Err(unknown_option(typed));
        }
        let headers = self.action.headers()?;
        let action = self.action.action()?;
        if action.is_some() && (!hook.is_empty() || self.raw) {
            return Err(ActionError::WithProgram.into());
        }
        if action.is_some()
            && let Some(option) = program_option
        {
            return Err(ActionError::OptionAlone { option, needed: "a PROGRAM" }.into());
        }
        let mut hook = hook.into_iter();
        let what = match (action, hook.next()) {
            (Some(action), _) => HookText::Action(Box::new(action)),
            (None, None) => return Err(UsageError::NoProgram { event: events.first().copied() }),
            (None, Some(program)) => program_text(program, hook.collect(), self.raw, argv)?,
        };
        let allow =
            Allow { missing: self.allow_missing, unsafe_target: self.allow_unsafe, mark: self.unblock };
        let set = |event| SetHook {
            version: self.microsip_version,
            allow,
            add: self.action.add,
            direct: self.direct,
            runner: self.action.runner.clone(),
            headers: headers.clone(),
            country: self.action.country,
            ..SetHook::new(event, what.clone())
        };
        Ok((events.into_iter().map(set).collect(), self.write))
    }

    /// Returns an option that was given and means something only for a program.
    fn program_option(&self) -> Option<&'static str> {
        let options = [
            (self.direct, "--direct"),
            (self.allow_missing, "--allow-missing"),
            (self.allow_unsafe, "--allow-unsafe"),
            (self.unblock, "--unblock"),
        ];
        options.into_iter().find(|(is_given, _)| *is_given).map(|(_, option)| option)
    }
}

/// Returns the error for a mistyped option. clap takes it for the program, which may start with a hyphen.
fn unknown_option(typed: &str) -> UsageError {
    let command = set_hook_command();
    let names = command.get_arguments().filter_map(clap::Arg::get_long);
    let nearest = guess::nearest(typed.trim_matches('-'), names).map(str::to_string);
    UsageError::UnknownOption { typed: typed.to_string(), nearest }
}

/// Returns the command of a program.
fn program_text(
    program: String,
    args: Vec<String>,
    is_raw: bool,
    argv: &[OsString],
) -> Result<HookText, UsageError> {
    Ok(match (is_raw, args.is_empty()) {
        (false, _) => HookText::Command(HookCommand { program, args }),
        (true, true) => HookText::Raw(program),
        (true, false) => {
            let start = argv.len() - args.len() - 1;
            return Err(UsageError::RawWithArguments { command: joined(argv, start, args.len() + 1) });
        }
    })
}

/// Parses events, of which each argument can have several, separated by commas. Two names of the same event count
/// once.
fn parsed_events(arguments: &[String]) -> Result<Vec<Event>, UnknownEvent> {
    let mut events = Vec::new();
    for name in arguments.iter().flat_map(|argument| argument.split(',')) {
        let event = name.trim().parse()?;
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok(events)
}

/// Returns whether a name is a key of an ini, perhaps one that MicroSIP doesn't know.
fn is_ini_key(name: &str) -> bool {
    let starts_like_events = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("cmd"));
    starts_like_events || keys::find("Settings", name).is_some()
}

/// Returns `set-hook` as clap knows it, with the global options.
fn set_hook_command() -> clap::Command {
    let mut command = Common::augment_args(SetHookArgs::augment_args(clap::Command::new("set-hook")));
    command.build();
    command
}

/// Returns whether a hook's argument is spelled like an option that `set-hook` accepts.
fn is_own_option(argument: &str) -> bool {
    if !argument.starts_with('-') {
        return false;
    }
    let command = set_hook_command();
    let name = argument.split('=').next().unwrap_or(argument);
    match name.strip_prefix("--") {
        Some(name) => command.get_arguments().any(|option| option.get_long() == Some(name)),
        // several letters may be several options
        None => {
            let is_short = |letter| command.get_arguments().any(|option| option.get_short() == Some(letter));
            name.len() > 1 && name.chars().skip(1).all(is_short)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;

    fn hook(argv: &[&str]) -> Result<HookCommand, String> {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let cli = Cli::try_from_argv(&argv).map_err(|error| error.to_string())?;
        match cli.into_request(&argv).map_err(|error| error.to_string())? {
            Request::Write { edit: EditRequest::SetHooks(hooks), .. } => match &hooks[..] {
                [SetHook { what: HookText::Command(command), .. }] => Ok(command.clone()),
                other => Err(format!("{other:?}")),
            },
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn everything_after_the_event_belongs_to_the_hook() {
        let command = hook(&["msipcfg", "set-hook", "-n", "ring", "x.exe", "--mine", "a b", "-x"]).unwrap();
        assert_eq!((command.program.as_str(), command.args.len()), ("x.exe", 3));
    }

    #[test]
    fn own_options_after_the_program_need_a_double_dash() {
        for option in ["--dry-run", "-n", "-qn", "--json", "--timeout=5", "-v", "--help"] {
            assert!(hook(&["msipcfg", "set-hook", "ring", "x.exe", option]).is_err(), "{option}");
            for argv in [
                ["msipcfg", "set-hook", "ring", "--", "x.exe", option],
                ["msipcfg", "set-hook", "--", "ring", "x.exe", option],
            ] {
                assert_eq!(hook(&argv).unwrap().args, [option], "{argv:?}");
            }
        }
    }

    #[test]
    fn a_hook_can_have_a_double_dash_of_its_own() {
        let command = hook(&["msipcfg", "set-hook", "ring", "x.exe", "--", "a"]).unwrap();
        assert_eq!(command.args, ["--", "a"]);
        let command = hook(&["msipcfg", "set-hook", "ring", "--", "x.exe", "--", "a"]).unwrap();
        assert_eq!(command.args, ["--", "a"]);
    }
}

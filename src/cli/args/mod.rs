//! The command line, parsed by clap. Doc comments on options and commands are their help texts.
//!
//! Each group of commands has a module with its options and the requests that it makes.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::{PossibleValue, StyledStr};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::request::{IniChoice, Request, Shell};

/// The examples in a command's help. Each line is a complete command line.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("\u{1B}[1m\u{1B}[4mExamples:\u{1B}[0m", $("\n  ", $line),+)
    };
}

mod action;
mod calls;
mod common;
mod control;
mod desired;
mod dsc;
mod error;
mod hooks;
mod links;
mod maintenance;
mod settings;
mod uninstall;
mod write;

pub use common::{Common, joined};
pub use error::{MSYS_HINT, UsageError};
pub use hooks::DEFAULT_CALLER;
pub use write::ExitCodes;
use write::WriteArgs;

/// Run programs on MicroSIP's call events and change its settings safely
// bin_name: help texts show the same name, whatever the file is called
#[derive(Debug, Parser)]
#[command(max_term_width = 100, bin_name = "msipcfg")]
#[command(after_help = examples!(
    r"msipcfg hooks"
    r"msipcfg set-hook --dry-run ring C:\hooks\ring.exe"
    r"msipcfg help set-hook"
))]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up hooks by answering questions
    ///
    /// In a terminal, msipcfg without a command does the same. Nothing is written before you confirm it.
    #[command(after_help = examples!(
        r"msipcfg wizard"
        r"msipcfg wizard --ini D:\Phone\MicroSIP.ini"
    ))]
    Wizard,

    #[command(flatten)]
    Hooks(hooks::Command),

    #[command(flatten)]
    Settings(settings::Command),

    #[command(flatten)]
    Maintenance(maintenance::Command),

    #[command(flatten)]
    Calls(calls::Command),

    #[command(flatten)]
    Desired(desired::Command),

    /// Manage MicroSIP.ini as a resource of Microsoft DSC v3
    ///
    /// get, test, set and export read a JSON object from standard input and print JSON. See docs/admin/dsc.md.
    #[command(disable_help_subcommand = true, after_help = examples!(
        r"msipcfg dsc manifest -o C:\Tools\msipcfg"
        r"msipcfg dsc export"
        r"msipcfg dsc set --what-if"
    ))]
    Dsc {
        #[command(subcommand)]
        command: dsc::Command,
    },

    #[command(flatten)]
    Control(control::Command),

    /// Show or set the program that opens tel:, callto: and sip: links
    ///
    /// Affects only the current user.
    Links(links::LinksArgs),

    /// Remove what msipcfg made: hooks, actions, backups, data and links
    ///
    /// Lists it and asks first. Hooks that start your own programs stay, because they work without msipcfg. Without
    /// --ini, all of your inis are cleaned; data and links don't belong to one ini and are removed in any case. Files
    /// next to an ini are removed even if the ini is gone. For many users, links stay, because they are in each user's
    /// registry: each user can run 'msipcfg links --unset'.
    Uninstall(uninstall::UninstallArgs),

    /// Carry out the actions of the events that msipcfg-run stored
    ///
    /// msipcfg-run starts it.
    #[command(hide = true)]
    Worker {
        /// An event that couldn't be stored
        #[arg(long, value_name = "TEXT")]
        event: Option<String>,
    },

    /// Print a shell completion script
    ///
    /// It completes commands, options, events and keys. It runs msipcfg at each Tab, so msipcfg must be on the PATH.
    #[command(after_help = concat!(
        "Add the line for your shell to the file that it reads at startup:\n",
        "  PowerShell  msipcfg completions powershell | Out-String | Invoke-Expression\n",
        "  bash        source <(msipcfg completions bash)\n",
        "  zsh         source <(msipcfg completions zsh), after compinit\n",
        "  fish        msipcfg completions fish | source\n",
        "  elvish      eval (msipcfg completions elvish | slurp)\n\n",
        examples!(r"msipcfg completions powershell" r"msipcfg completions bash")
    ))]
    Completions {
        /// Shell to complete in
        shell: Shell,

        #[command(flatten)]
        args: common::OutputArgs,
    },
}

impl ValueEnum for Shell {
    fn value_variants<'a>() -> &'a [Self] {
        &[Shell::Powershell, Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Shell::Powershell => "powershell",
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Elvish => "elvish",
        }))
    }
}

/// Returns the command line as clap knows it. All help texts show the examples first.
pub fn command() -> clap::Command {
    fn with_examples_first(command: clap::Command) -> clap::Command {
        const TEMPLATE: &str =
            "{before-help}{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";
        command.help_template(TEMPLATE).mut_subcommands(with_examples_first)
    }
    with_examples_first(Cli::command())
}

/// Returns the help of msipcfg itself.
pub fn help() -> StyledStr {
    command().render_help()
}

/// Returns whether DSC reads the output, judged by arguments that clap may not accept.
pub fn is_run_by_dsc(argv: &[OsString]) -> bool {
    let is_one_of = |index: usize, names: &[&str]| {
        argv.get(index).is_some_and(|argument| names.iter().any(|name| argument == *name))
    };
    is_one_of(1, &["dsc"]) && is_one_of(2, &["get", "test", "set", "export"])
}

impl Cli {
    /// Parses a command line, which starts with the program's name.
    ///
    /// # Errors
    /// If clap doesn't accept it, or if it asks for help.
    pub fn try_from_argv(argv: &[OsString]) -> Result<Cli, clap::Error> {
        let mut command = command();
        let matches = command.try_get_matches_from_mut(argv)?;
        let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        // an empty variable counts as not set; an empty option is a mistake
        if matches.value_source("ini") == Some(ValueSource::CommandLine) && !cli.common.names_ini() {
            return Err(command.error(ErrorKind::InvalidValue, "the path given with --ini is empty"));
        }
        Ok(cli)
    }

    /// Returns whether to start the wizard, if the terminal allows it.
    pub fn is_for_wizard(&self) -> bool {
        matches!(self.command, None | Some(Command::Wizard))
    }

    /// Returns the convention for exit codes.
    pub fn exit_codes(&self) -> ExitCodes {
        let write = match &self.command {
            Some(Command::Hooks(command)) => command.write_args(),
            Some(Command::Settings(command)) => command.write_args(),
            Some(Command::Maintenance(command)) => command.write_args(),
            Some(Command::Desired(command)) => command.write_args(),
            Some(Command::Uninstall(args)) => return args.exit_codes(),
            _ => None,
        };
        write.map(WriteArgs::exit_codes).unwrap_or_default()
    }

    /// Returns whether DSC reads the output. People read a schema or a manifest first.
    pub fn is_run_by_dsc(&self) -> bool {
        let Some(Command::Dsc { command }) = &self.command else { return false };
        !matches!(command, dsc::Command::Schema | dsc::Command::Manifest { .. })
    }

    /// Returns which ini was given, and its code page.
    pub fn ini_choice(&self) -> IniChoice {
        self.common.ini_choice()
    }

    /// Returns the file for `--report`, and the files that are read.
    pub fn report_file(&self) -> Option<(&Path, Vec<&Path>)> {
        match &self.command {
            Some(Command::Desired(command)) => command.report_file(),
            Some(Command::Uninstall(args)) => Some((args.report_file()?, Vec::new())),
            _ => None,
        }
    }

    /// Returns the request. `argv` is the command line that was parsed.
    ///
    /// # Errors
    /// If the arguments contradict each other, or a value is invalid.
    pub fn into_request(self, argv: &[OsString]) -> Result<Request, UsageError> {
        let ini = self.ini_choice();
        match self.command.ok_or(UsageError::NoCommand)? {
            Command::Wizard => Err(UsageError::WizardCannotPrompt),
            Command::Hooks(command) => command.into_request(ini, argv),
            Command::Settings(command) => command.into_request(ini, argv),
            Command::Maintenance(command) => command.into_request(ini),
            Command::Calls(command) => Ok(command.into_request(ini)),
            Command::Desired(command) => command.into_request(ini),
            Command::Dsc { command } => Ok(command.into_request(ini)),
            Command::Control(command) => Ok(Request::Control { ini, control: command.into_control()? }),
            Command::Links(args) => Ok(args.into_request()),
            Command::Uninstall(args) => args.into_request(ini),
            Command::Worker { event } => Ok(Request::Worker { event }),
            Command::Completions { shell, args } => Ok(Request::Completions { shell, output: args.output }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        let argv: Vec<_> = ["msipcfg"].into_iter().chain(line.split(' ')).map(OsString::from).collect();
        Cli::try_from_argv(&argv)
    }

    #[test]
    fn definitions_are_consistent() {
        command().debug_assert();
    }

    #[test]
    fn values_spelled_like_commands_and_options_are_told_apart() {
        for line in [
            "--ini get get VAD",
            "--ini get",
            "--ini=get get VAD",
            "get --ini list VAD",
            "get -- --version",
            "-q get VAD --no-input",
            "set-hook -n get --json",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for (line, kind) in [
            ("--ini get nonsense", ErrorKind::InvalidSubcommand),
            ("-qv get VAD", ErrorKind::ArgumentConflict),
            ("-- get VAD", ErrorKind::UnknownArgument),
            ("--ini= get VAD", ErrorKind::InvalidValue),
            ("help get", ErrorKind::DisplayHelp),
            ("get --version", ErrorKind::DisplayVersion),
            ("set-hook --version ring x.exe", ErrorKind::DisplayVersion),
            ("set-hook --help ring x.exe", ErrorKind::DisplayHelp),
            ("set-hook --dry-rnu ring x.exe", ErrorKind::UnknownArgument),
            ("explain -h", ErrorKind::DisplayHelp),
        ] {
            assert_eq!(parse(line).unwrap_err().kind(), kind, "{line}");
        }
    }
}

//! The words of the command line and what they ask for. Their doc comments are the help.
//!
//! Each group of commands has a module of its own: its words, and the request that they are.

use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::builder::{StyledStr, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::event::UnknownEvent;
use crate::ini::encoding::CodePage;
use crate::ini::name::{KeyPath, NameError};
use crate::microsip::control::NumberError;
use crate::request::{IniChoice, LinksOrder, LinksRequest, Request, Shell};

/// The examples at the foot of a command's help. Each line is a command line that can be typed as it stands.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("\u{1B}[1m\u{1B}[4mExamples:\u{1B}[0m", $("\n  ", $line),+)
    };
}

mod desired;
mod drive;
mod dsc;
mod hooks;
mod settings;
mod upkeep;
mod write;

pub(super) use hooks::A_CALLER;
pub use write::ExitCodes;

/// Sets hooks and settings in MicroSIP.ini, losslessly and safely
// the same name in every help text, whatever the file is called
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

// what has a say in how words are read belongs here and not to Cli: `with_only` makes the root of this alone
#[derive(Debug, Args)]
#[command(version, propagate_version = true, next_help_heading = "Options of every command")]
pub struct Common {
    /// The ini to work on; otherwise the one that MicroSIP uses
    #[arg(long, global = true, value_name = "PATH", env = "MSIPCFG_INI", hide_env_values = true)]
    #[arg(value_parser = clap::builder::OsStringValueParser::new().map(PathBuf::from))]
    ini: Option<PathBuf>,

    /// The code page of an 8-bit ini, such as 1252 or windows-1251
    #[arg(long, global = true, value_name = "NAME")]
    codepage: Option<CodePage>,

    /// Answer with one JSON object
    #[arg(long, global = true)]
    pub json: bool,

    /// Never ask anything
    #[arg(long, global = true)]
    no_input: bool,

    /// Print answers and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print each step
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up hooks by answering questions
    ///
    /// That is what msipcfg does on a terminal if no command is given, too. Nothing is written before the last
    /// question.
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
    Upkeep(upkeep::Command),

    #[command(flatten)]
    Desired(desired::Command),

    /// Answer Microsoft's DSC v3: the state of an ini as a resource, on standard input and output
    ///
    /// get, test, set and export read one JSON object and print JSON; docs/dsc.md tells its form.
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
    Drive(drive::Command),

    /// Show which program opens tel:, callto: and sip: links, or make it MicroSIP, for this user
    #[command(after_help = examples!(
        r"msipcfg links"
        r"msipcfg links --set"
        r"msipcfg links --set --exe D:\Phone\microsip.exe"
        r"msipcfg links --unset --dry-run"
    ))]
    Links {
        /// Register MicroSIP for them
        #[arg(long)]
        set: bool,

        /// Give back what was there before --set
        #[arg(long, conflicts_with = "set")]
        unset: bool,

        /// MicroSIP's exe; otherwise that of the installed one
        #[arg(long, value_name = "PATH")]
        exe: Option<PathBuf>,

        /// Show what would change and write nothing
        #[arg(short = 'n', long)]
        dry_run: bool,
    },

    /// Print a script that has a shell complete commands, options, events and keys
    ///
    /// The script asks msipcfg at each Tab, so msipcfg has to be on the path.
    #[command(after_help = concat!(
        "Into the file that the shell reads when it starts belongs:\n",
        "  PowerShell  msipcfg completions powershell | Out-String | Invoke-Expression\n",
        "  bash        source <(msipcfg completions bash)\n",
        "  zsh         source <(msipcfg completions zsh), behind compinit\n",
        "  fish        msipcfg completions fish | source\n",
        "  elvish      eval (msipcfg completions elvish | slurp)\n\n",
        examples!(r"msipcfg completions powershell" r"msipcfg completions bash")
    ))]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// A command line that does not say what is wanted.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("no command was given")]
    NoCommand,
    #[error("the wizard asks questions, and here nobody can be asked")]
    NobodyToAsk,
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("'{option}' stands behind the event and so would become an argument of the hook")]
    OptionBehindEvent { option: String },
    #[error("no program is named behind the event")]
    NoProgram,
    #[error("--raw takes one text, exactly as it is to stand behind the '='")]
    RawWithArguments,
    #[error("what stands behind a '=' is one line, without a zero byte")]
    TextOfLines,
    #[error("'{given}' is not of the form KEY=VALUE")]
    NoValue { given: String },
    #[error("standard input can hold one password only")]
    StandardInputTwice,
    #[error("{path} is given twice")]
    Twice { path: KeyPath },
    #[error("no variable is named in '{given}'")]
    NoVariable { given: String },
    #[error("without --fix nothing is written")]
    NothingToWrite,
    #[error("{option} is for the inis of many users")]
    OnlyForMany { option: &'static str },
    #[error("one ini was named, and those of many users")]
    OneAndMany,
}

impl ToDiagnostic for UsageError {
    fn code(&self) -> Code {
        match self {
            UsageError::Event(error) => error.code(),
            UsageError::Name(error) => error.code(),
            UsageError::Number(error) => error.code(),
            _ => Code::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            UsageError::Event(error) => error.hint(),
            UsageError::Name(error) => error.hint(),
            UsageError::Number(error) => error.hint(),
            UsageError::NoCommand => Some("'msipcfg help' shows the commands".into()),
            UsageError::NobodyToAsk => Some(
                "start it on a terminal, without --json and --no-input; 'msipcfg set-hook' asks nothing"
                    .into(),
            ),
            UsageError::OptionBehindEvent { option } => Some(format!(
                "put '{option}' before the event if it is meant for msipcfg, or '--' before the program if it is \
                 meant for the hook"
            )),
            UsageError::NoProgram => Some("write it like 'msipcfg set-hook EVENT PROGRAM'".into()),
            UsageError::RawWithArguments => Some("put the whole text between quotes".into()),
            UsageError::TextOfLines => Some("explain one line at a time".into()),
            UsageError::StandardInputTwice => Some("give the other by KEY=@env:NAME or KEY=@FILE".into()),
            UsageError::Twice { .. } => Some("leave one of them out".into()),
            UsageError::NoValue { .. } => Some("'msipcfg unset KEY' removes a key".into()),
            UsageError::OnlyForMany { .. } => {
                Some("add --all-users or --profiles DIR, or leave it out".into())
            }
            UsageError::OneAndMany => {
                Some("leave out --ini (it may be set by the variable MSIPCFG_INI), or the other".into())
            }
            UsageError::NothingToWrite => {
                Some("add --fix, or leave out the option that is about writing".into())
            }
            UsageError::NoVariable { .. } => Some("name it like KEY=@env:SIP_PASSWORD".into()),
        }
    }
}

/// A variable that is set to nothing names no ini.
fn is_named(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

impl Common {
    /// Whether an ini was named.
    pub fn names_ini(&self) -> bool {
        self.ini.as_deref().is_some_and(is_named)
    }

    /// Whether nothing on the command line forbids questions.
    pub fn allows_questions(&self) -> bool {
        !self.no_input && !self.json
    }
}

/// Whether words that are no command line were meant for DSC to read the answer.
pub fn are_for_dsc(words: &[OsString]) -> bool {
    let is_one_of = |place: usize, names: &[&str]| {
        words.get(place).is_some_and(|word| names.iter().any(|name| word == *name))
    };
    is_one_of(1, &["dsc"]) && is_one_of(2, &["get", "test", "set", "export"])
}

/// The tree with this one command of a group, which is much sooner ready: the others are not made, and clap copies the
/// options of every command into each.
fn with_only(name: &OsStr) -> Option<clap::Command> {
    let name = name.to_str()?;
    let mut group = group_with::<hooks::Command>(name)
        .or_else(|| group_with::<settings::Command>(name))
        .or_else(|| group_with::<upkeep::Command>(name))
        .or_else(|| group_with::<desired::Command>(name))
        .or_else(|| group_with::<drive::Command>(name))?;
    let command = std::mem::take(group.find_subcommand_mut(name)?);
    Some(Common::augment_args(clap::Command::new("msipcfg")).subcommand(command))
}

/// A group of commands, if this is the name of one of them.
fn group_with<G: Subcommand>(name: &str) -> Option<ManuallyDrop<clap::Command>> {
    G::has_subcommand(name).then(|| ManuallyDrop::new(G::augment_subcommands(clap::Command::new("group"))))
}

/// The help, for whoever called without a word.
pub fn help() -> StyledStr {
    Cli::command().render_help()
}

impl Cli {
    /// The words of a command line, the program's name first.
    ///
    /// # Errors
    /// When clap can make no sense of them, or they ask for help.
    pub fn read(words: &[OsString]) -> Result<Cli, clap::Error> {
        // to take a tree apart would be a tenth of a short run
        let named = words.iter().skip(1).find_map(|word| with_only(word)).map(ManuallyDrop::new);
        // most command lines are right. Whatever this tree makes no sense of, which may be that the word was the
        // value of an option, is for the whole one, so that all messages and the help are its
        match named.and_then(|mut named| Cli::read_by(&mut named, words).ok()) {
            Some(cli) => Ok(cli),
            None => Cli::read_by(&mut ManuallyDrop::new(Cli::command()), words),
        }
    }

    fn read_by(command: &mut clap::Command, words: &[OsString]) -> Result<Cli, clap::Error> {
        let matches = command.try_get_matches_from_mut(words)?;
        let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(command))?;
        // a variable that is set to nothing names no ini; whoever typed the option meant one
        if matches.value_source("ini") == Some(ValueSource::CommandLine) && !cli.common.names_ini() {
            return Err(command.error(ErrorKind::InvalidValue, "--ini names no ini: its value is empty"));
        }
        if let Some(Command::Hooks(hooks)) = &cli.command
            && let Some(error) = hooks.mistyped_option()
        {
            return Err(error);
        }
        Ok(cli)
    }

    /// Whether questions are to tell what is wanted: the wizard was asked for, or nothing was.
    pub fn is_for_wizard(&self) -> bool {
        matches!(self.command, None | Some(Command::Wizard))
    }

    /// Whose exit statuses to end with.
    pub fn exit_codes(&self) -> ExitCodes {
        let write = match &self.command {
            Some(Command::Hooks(command)) => command.write_args(),
            Some(Command::Settings(command)) => command.write_args(),
            Some(Command::Upkeep(command)) => command.write_args(),
            Some(Command::Desired(command)) => command.write_args(),
            _ => None,
        };
        write.map(|write| write.exit_codes).unwrap_or_default()
    }

    /// Whether DSC reads what is printed. A schema and a manifest are for people first.
    pub fn is_for_dsc(&self) -> bool {
        let Some(Command::Dsc { command }) = &self.command else { return false };
        !matches!(command, dsc::Command::Schema | dsc::Command::Manifest { .. })
    }

    /// The ini that was named, and how it is read.
    pub fn ini_choice(&self) -> IniChoice {
        IniChoice {
            path: self.common.ini.clone().filter(|path| is_named(path)),
            code_page: self.common.codepage,
        }
    }

    /// The file that is to say what became of each user's ini, and those that are read.
    pub fn report_file(&self) -> Option<(&Path, Vec<&Path>)> {
        match &self.command {
            Some(Command::Desired(command)) => command.report_file(),
            _ => None,
        }
    }

    /// What is asked for. `raw` is the command line as it was typed.
    ///
    /// # Errors
    /// When the words are not what they should be.
    pub fn into_request(self, raw: &[OsString]) -> Result<Request, UsageError> {
        let ini = self.ini_choice();
        match self.command.ok_or(UsageError::NoCommand)? {
            Command::Wizard => Err(UsageError::NobodyToAsk),
            Command::Hooks(command) => command.into_request(ini, raw),
            Command::Settings(command) => command.into_request(ini),
            Command::Upkeep(command) => command.into_request(ini),
            Command::Desired(command) => command.into_request(ini),
            Command::Dsc { command } => Ok(command.into_request(ini)),
            Command::Drive(command) => Ok(Request::Drive { ini, drive: command.into_drive()? }),
            Command::Links { set, unset, exe, dry_run } => {
                let order = match (set, unset) {
                    (true, _) => LinksOrder::Set,
                    (false, true) => LinksOrder::Unset,
                    (false, false) => LinksOrder::Show,
                };
                Ok(Request::Links(LinksRequest { order, exe, dry_run }))
            }
            Command::Completions { shell } => Ok(Request::Completions(shell)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_well_formed() {
        Cli::command().debug_assert();
    }

    fn read_by(mut command: clap::Command, words: &[OsString]) -> Result<String, String> {
        let read = Cli::read_by(&mut command, words);
        read.map(|cli| format!("{cli:?}")).map_err(|error| error.render().ansi().to_string())
    }

    /// What the tree with only this command makes of the words is what the whole one does, or nothing.
    fn is_read_alike(name: &str, words: &[OsString]) -> bool {
        let alone = read_by(with_only(OsStr::new(name)).unwrap(), words);
        assert!(alone.is_err() || alone == read_by(Cli::command(), words), "{words:?}");
        alone.is_ok()
    }

    #[test]
    fn each_command_is_read_without_the_others() {
        // no example has a quote within a word
        let words_of = |line: &str| -> Vec<OsString> {
            let parts = line.split('"').enumerate().flat_map(|(number, part)| match number % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            });
            parts.map(OsString::from).collect()
        };
        // those that stand in no group
        let others = ["wizard", "dsc", "links", "completions"];
        for command in Cli::command().get_subcommands() {
            if others.contains(&command.get_name()) {
                continue;
            }
            let help = command.get_after_help().unwrap().to_string();
            let lines: Vec<&str> = help.lines().filter(|line| line.starts_with("  msipcfg ")).collect();
            assert!(!lines.is_empty(), "{}", command.get_name());
            for line in lines {
                assert!(is_read_alike(command.get_name(), &words_of(line)), "{line}");
            }
        }
    }

    #[test]
    fn options_that_are_spelled_like_commands_and_words_like_options_are_told_apart() {
        for (line, is_read) in [
            ("--ini get get VAD", true),
            ("--ini get", true),
            ("--ini=get get VAD", true),
            ("get --ini list VAD", true),
            ("get -- --version", true),
            ("-q get VAD --no-input", true),
            ("set-hook -n get --json", true),
            ("--ini get list", false),
            ("-qv get VAD", false),
            ("-- get VAD", false),
            ("help get", false),
            ("get --version", false),
            ("set-hook --version ring x.exe", false),
            ("set-hook -V ring x.exe", false),
            ("set-hook --help ring x.exe", false),
            ("explain --version", false),
            ("explain -h", false),
        ] {
            let words: Vec<OsString> =
                ["msipcfg"].into_iter().chain(line.split(' ')).map(Into::into).collect();
            let name = line.split(' ').find(|word| ["get", "set-hook", "explain"].contains(word)).unwrap();
            assert_eq!(is_read_alike(name, &words), is_read, "{line}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 1000,
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn no_other_words_are_read_otherwise(
            name in proptest::sample::select(vec!["get", "explain", "set-hook", "test-hook", "hangup"]),
            mut words in proptest::collection::vec(proptest::sample::select(vec![
                "list", "help", "ring", "VAD", "--ini", "--ini=", "--color", "never", "--json", "--js", "-q", "-v", "-V",
                "-h", "-n", "-nq", "--", "-", "-x", "--version", "--all", "--caller", "--event", "--raw",
            ]), 1..5),
            place in 0_usize..3,
        ) {
            words.insert(place.min(words.len()), name);
            let words: Vec<OsString> = ["msipcfg"].into_iter().chain(words).map(Into::into).collect();
            is_read_alike(name, &words);
        }
    }
}

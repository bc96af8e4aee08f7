//! The words of the command line and what they ask for. Their doc comments are the help.

use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{StyledStr, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::hook::command::HookCommand;
use crate::hook::event::{Event, UnknownEvent};
use crate::hook::target::Allow;
use crate::ini::encoding::CodePage;
use crate::ini::name::{KeyPath, NameError, SectionName, ValueText};
use crate::microsip::control::{Calls, NumberError, Order};
use crate::microsip::keys::{self, Privacy};
use crate::microsip::version::Version;
use crate::platform;
use crate::problem::{Code, ExitStatus, Problem};
use crate::request::{
    BackupChoice, DesiredChoice, DetectStyle, Doctor, Drive, DscOperation, EditRequest, Executable, Explain,
    HookText, IniChoice, LinksOrder, LinksRequest, Manifest, Many, ManyOrder, Meanwhile, NewValue, Profiles,
    Query, Request, SetHook, Shell, TestHook, UsersChoice, WhatIf, WriteOptions,
};

/// The examples at the foot of a command's help. Each line is a command line that can be typed as it stands.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("\u{1B}[1m\u{1B}[4mExamples:\u{1B}[0m", $("\n  ", $line),+)
    };
}

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

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command that writes")]
struct WriteArgs {
    /// Show what would change and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// Make the ini if it is not there, as MicroSIP does on its first run
    #[arg(long)]
    create: bool,

    /// How long to wait for a running MicroSIP to exit: 90s, 5m, 0
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,

    /// Ask a running MicroSIP to close; that may end a call
    #[arg(long)]
    close: bool,

    /// Ask it to close, and start it again at the end, also when the edit failed
    #[arg(long)]
    restart: bool,

    /// Keep no backup of the old file
    #[arg(long)]
    no_backup: bool,

    /// How many backups to keep: the oldest and the newest others; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = WriteOptions::USUAL_BACKUPS)]
    keep_backups: usize,

    /// Whose exit statuses to end with: with windows 1618 (try again later) stands for 5; on Windows only
    #[arg(long, value_name = "WHOSE", default_value = "own", value_parser = exit_codes())]
    exit_codes: ExitCodes,
}

/// Whose exit statuses a command ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ExitCodes {
    /// Our own.
    #[default]
    Own,
    /// Those of Windows Installer, which programs that deploy software know.
    Windows,
}

impl ExitCodes {
    /// What Windows Installer calls ERROR_INSTALL_ALREADY_RUNNING: another try later may do.
    const TRY_AGAIN_LATER: i32 = 1618;

    /// The number for a status. Only one has another: MicroSIP may be let alone the next time.
    pub fn number(self, status: ExitStatus) -> i32 {
        match (self, status) {
            (ExitCodes::Windows, ExitStatus::StillRunning) => ExitCodes::TRY_AGAIN_LATER,
            (_, status) => status as i32,
        }
    }
}

/// Other systems would cut 1618 to 82, which says nothing to anybody.
fn exit_codes() -> impl TypedValueParser<Value = ExitCodes> {
    clap::builder::EnumValueParser::<ExitCodes>::new().try_map(|codes| {
        let fits = codes == ExitCodes::Own || platform::EXIT_STATUSES_OVER_255;
        if fits { Ok(codes) } else { Err("there are exit statuses over 255 on Windows only") }
    })
}

// WriteArgs comes last in each command: its heading goes for whatever stands behind it
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
    #[command(after_help = examples!(
        r"msipcfg unset-hook ring"
        r"msipcfg unset-hook cmdCallStart cmdCallEnd"
        r"msipcfg unset-hook --all --dry-run"
    ))]
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

    /// Show MicroSIPs, their inis, hooks, accounts and backups on one page
    #[command(after_help = examples!(
        r"msipcfg status"
        r"msipcfg status --json"
    ))]
    Status,
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

    /// Look for problems: what each means, where it is, and what mends it
    ///
    /// Exits with 1 if there are errors. Without --ini every ini that is found is looked at.
    #[command(after_help = examples!(
        r"msipcfg doctor --strict"
        r"msipcfg doctor --fix --dry-run"
        r"msipcfg doctor --fix --close"
    ))]
    Doctor {
        /// Count warnings as errors
        #[arg(long)]
        strict: bool,

        /// Mend what takes no decision, in one edit; on a terminal it is shown before and asked about
        #[arg(long)]
        fix: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

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

    /// List the events of a call at which MicroSIP runs a command
    #[command(after_help = examples!(
        r"msipcfg events"
        r"msipcfg events --json"
    ))]
    Events,

    /// List the backups of the ini, newest first
    #[command(after_help = examples!(
        r"msipcfg backups"
        r"msipcfg backups --purge"
    ))]
    Backups {
        /// Remove them all
        #[arg(long, action = ArgAction::SetTrue)]
        purge: bool,
    },

    /// Make the ini as it was in a backup; that can be undone too
    #[command(after_help = examples!(
        r"msipcfg restore"
        r"msipcfg restore --dry-run 2"
    ))]
    Restore {
        /// Its name, or its number in the list; the newest if none is given
        backup: Option<String>,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Bring the ini into the state that a file describes
    ///
    /// Everything in the file is checked before the ini is touched. A second run changes nothing. The form of the file
    /// is told in docs/provisioning.md and by 'msipcfg schema'.
    #[command(after_help = examples!(
        r"msipcfg apply --dry-run phone.toml"
        r"msipcfg apply phone.toml --create --var extension=201"
        r"msipcfg apply phone.json --vars site.toml --restart"
        r"msipcfg apply phone.toml --all-users --users users.csv --create --report done.jsonl"
    ))]
    Apply {
        #[command(flatten)]
        desired: DesiredArgs,

        /// Accept hooks whose program is not there yet
        #[arg(long)]
        allow_missing: bool,

        /// Accept hooks that are unsafe: a batch file, a password on a command line
        #[arg(long)]
        allow_unsafe: bool,

        #[command(flatten)]
        many: ManyArgs,

        #[command(flatten)]
        told: ReportArgs,

        /// Of many users: leave alone whose MicroSIP runs, rather than wait
        #[arg(long)]
        skip_running: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Tell whether the ini is in the state that a file describes, and what differs
    ///
    /// Exits with 1 if it is not.
    #[command(after_help = examples!(
        r"msipcfg check phone.toml"
        r"msipcfg check phone.toml --var extension=201 --json"
        r"msipcfg check phone.toml --profiles \\server\profiles$ --users users.csv"
    ))]
    Check {
        #[command(flatten)]
        desired: DesiredArgs,

        #[command(flatten)]
        many: ManyArgs,

        #[command(flatten)]
        told: ReportArgs,
    },

    /// Tell Intune or ConfigMgr whether the ini is in the state that a file describes
    ///
    /// What is printed, and the exit status, are what that program wants; --json changes nothing about it. See
    /// docs/detection.md.
    #[command(after_help = examples!(
        r"msipcfg detect phone.toml --style intune-app"
        r"msipcfg detect phone.toml --style configmgr --all-users --users users.csv"
    ))]
    Detect {
        #[command(flatten)]
        desired: DesiredArgs,

        #[command(flatten)]
        many: ManyArgs,

        /// Who asks
        #[arg(long)]
        style: DetectStyle,
    },

    /// Print the state of the ini as a file for 'apply'
    ///
    /// Passwords are left out: a reference to a variable of the environment stands in their place.
    #[command(after_help = examples!(
        r"msipcfg export"
        r"msipcfg export --ini D:\Phone\MicroSIP.ini"
    ))]
    Export,

    /// Print the JSON Schema of the files for 'apply', for editors
    #[command(after_help = examples!(
        r"msipcfg schema"
    ))]
    Schema,

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
        command: DscCommand,
    },

    #[command(flatten)]
    Drive(DriveCommand),

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

#[derive(Debug, Args)]
struct DesiredArgs {
    /// What is wanted: TOML, or by its ending .json or .ini
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What ${NAME} stands for in FILE; not for passwords
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,

    /// A file of such variables, TOML or JSON
    #[arg(long = "vars", value_name = "FILE")]
    variable_files: Vec<PathBuf>,

    /// A table of such variables for each user: CSV with a column 'user', or by its ending .toml or .json; - for CSV on
    /// standard input
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ManyArgs {
    /// The ini of each user of this Windows, and of the users to come
    #[arg(long, conflicts_with = "profiles")]
    all_users: bool,

    /// The ini of each user whose folder is in this one
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ReportArgs {
    /// Of many users: write what became of each to a file, a line of JSON for each
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ReportArgs {
    /// The option, if it was given.
    fn given(&self) -> Option<&'static str> {
        self.report.as_ref().map(|_| "--report")
    }
}

impl ManyArgs {
    /// Where the users' folders are, if it is about many; other options that are only for those were `given`.
    fn profiles(&self, names_ini: bool, given: Option<&'static str>) -> Result<Option<Profiles>, UsageError> {
        let profiles = match (&self.profiles, self.all_users) {
            (Some(folder), _) => Profiles::In(folder.clone()),
            (None, true) => Profiles::OfThisMachine,
            (None, false) => {
                return match given {
                    Some(option) => Err(UsageError::OnlyForMany { option }),
                    None => Ok(None),
                };
            }
        };
        if names_ini { Err(UsageError::OneAndMany) } else { Ok(Some(profiles)) }
    }
}

impl From<DesiredArgs> for DesiredChoice {
    fn from(args: DesiredArgs) -> Self {
        let DesiredArgs { file, variables, variable_files, users } = args;
        let users = users.map(|path| match path.as_os_str() == "-" {
            true => UsersChoice::StandardInput,
            false => UsersChoice::File(path),
        });
        DesiredChoice { file, variables, variable_files, users }
    }
}

#[derive(Debug, Subcommand)]
enum DscCommand {
    /// Print the state of an ini
    #[command(after_help = examples!(r"msipcfg dsc get"))]
    Get,

    /// Print whether an ini is in the state that standard input asks for, and what differs
    #[command(after_help = examples!(r"msipcfg dsc test"))]
    Test,

    /// Bring an ini into the state that standard input asks for, and print that
    #[command(after_help = examples!(
        r"msipcfg dsc set"
        r"msipcfg dsc set --what-if"
        r"msipcfg dsc set --restart --timeout 1m"
    ))]
    Set {
        /// Print what would be and write nothing
        #[arg(long)]
        what_if: bool,

        /// Accept hooks whose program is not there yet
        #[arg(long)]
        allow_missing: bool,

        /// Accept hooks that are unsafe: a batch file, a password on a command line
        #[arg(long)]
        allow_unsafe: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Print the state of every ini, one a line
    #[command(after_help = examples!(r"msipcfg dsc export"))]
    Export,

    /// Print the JSON Schema of what these commands read and print
    #[command(after_help = examples!(r"msipcfg dsc schema"))]
    Schema,

    /// Print the resource manifest by which DSC finds these commands
    #[command(after_help = examples!(
        r"msipcfg dsc manifest"
        r"msipcfg dsc manifest --absolute -o C:\Tools\msipcfg"
    ))]
    Manifest {
        /// For this version of DSC and newer ones; otherwise for 3.2
        #[arg(long, value_name = "VERSION")]
        compat: Option<Compat>,

        /// Write it to this folder, as msipcfg.dsc.resource.json
        #[arg(short, long, value_name = "FOLDER")]
        output: Option<PathBuf>,

        /// Name this program by its path
        #[arg(long)]
        absolute: bool,
    },
}

/// An older version of DSC.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Compat {
    #[value(name = "3.1")]
    V3_1,
}

impl DscCommand {
    fn into_request(self, ini: IniChoice) -> Request {
        let operation = match self {
            DscCommand::Get => DscOperation::Get,
            DscCommand::Test => DscOperation::Test,
            DscCommand::Set { what_if, allow_missing, allow_unsafe, write } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: false };
                let options = WriteOptions::from(write);
                let options = WriteOptions { dry_run: what_if || options.dry_run, ..options };
                DscOperation::Set { allow, options }
            }
            DscCommand::Export => DscOperation::Export,
            DscCommand::Schema => return Request::DscSchema,
            DscCommand::Manifest { compat, output, absolute } => {
                return Request::DscManifest(Manifest {
                    what_if: compat.map_or(WhatIf::Argument, |Compat::V3_1| WhatIf::Operation),
                    executable: if absolute { Executable::Absolute } else { Executable::ByName },
                    folder: output,
                });
            }
        };
        Request::Dsc { ini, operation }
    }
}

#[derive(Debug, Subcommand)]
enum DriveCommand {
    /// Start MicroSIP, if it does not run
    #[command(after_help = examples!(
        r"msipcfg start"
        r"msipcfg start --minimized"
    ))]
    Start {
        /// With its window hidden
        #[arg(long)]
        minimized: bool,
    },

    /// Ask MicroSIP to exit, and wait until it has; that may end a call
    #[command(after_help = examples!(
        r"msipcfg exit"
        r"msipcfg exit --timeout 2m"
    ))]
    Exit {
        /// How long to wait: 90s, 5m, 0
        #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
        timeout: Duration,
    },

    /// Have MicroSIP dial a number
    #[command(after_help = examples!(
        r"msipcfg call 0123456789"
        r"msipcfg call ann@sip.example.com"
    ))]
    Call {
        /// A number, or a name at a server; no blanks, no scheme
        number: String,
    },

    /// Have MicroSIP answer the call that rings
    #[command(after_help = examples!(
        r"msipcfg answer"
    ))]
    Answer,

    /// Have MicroSIP hang up; calls that ring here go on ringing unless --incoming is given
    #[command(after_help = examples!(
        r"msipcfg hangup"
        r"msipcfg hangup --incoming"
    ))]
    Hangup {
        /// Only calls that ring here
        #[arg(long, conflicts_with_all = ["calling", "all"])]
        incoming: bool,

        /// Only calls that ring at the other end
        #[arg(long, conflicts_with = "all")]
        calling: bool,

        /// All but those that ring here, as without an option
        #[arg(long)]
        all: bool,
    },

    /// Key in digits during a call
    #[command(after_help = examples!(
        r"msipcfg dtmf 1234#"
        r"msipcfg dtmf 1,,2"
    ))]
    Dtmf {
        /// 0 to 9, A to D, *, #, and a comma for a pause
        digits: String,
    },

    /// Hand the call over to a number
    #[command(after_help = examples!(
        r"msipcfg transfer 201"
    ))]
    Transfer {
        /// A number, or a name at a server; no blanks, no scheme
        number: String,
    },

    /// Put the call on hold
    #[command(after_help = examples!(
        r"msipcfg hold"
    ))]
    Hold,

    /// Turn the microphone off
    #[command(after_help = examples!(
        r"msipcfg mute"
    ))]
    Mute,

    /// Turn the microphone on again
    #[command(after_help = examples!(
        r"msipcfg unmute"
    ))]
    Unmute,
}

impl DriveCommand {
    fn into_drive(self) -> Result<Drive, UsageError> {
        Ok(match self {
            DriveCommand::Start { minimized } => Drive::Start { minimized },
            DriveCommand::Exit { timeout } => Drive::Exit { timeout },
            DriveCommand::Call { number } => Drive::Order(Order::Call(number.parse()?)),
            DriveCommand::Answer => Drive::Order(Order::Answer),
            DriveCommand::Hangup { incoming, calling, .. } => {
                Drive::Order(Order::Hangup(match (incoming, calling) {
                    (true, _) => Calls::Incoming,
                    (_, true) => Calls::Calling,
                    _ => Calls::All,
                }))
            }
            DriveCommand::Dtmf { digits } => Drive::Order(Order::Dtmf(digits.parse()?)),
            DriveCommand::Transfer { number } => Drive::Order(Order::Transfer(number.parse()?)),
            DriveCommand::Hold => Drive::Order(Order::Hold),
            DriveCommand::Mute => Drive::Order(Order::Mute),
            DriveCommand::Unmute => Drive::Order(Order::Unmute),
        })
    }
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

impl Problem for UsageError {
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

/// The tree with this one of its commands, which is much sooner ready: clap copies the options of every command into
/// each.
fn with_only(whole: &clap::Command, name: &OsStr) -> Option<clap::Command> {
    let command = whole.find_subcommand(name)?.clone();
    Some(Common::augment_args(clap::Command::new("msipcfg")).subcommand(command))
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
        let mut whole = ManuallyDrop::new(Cli::command());
        let named = words.iter().skip(1).find_map(|word| with_only(&whole, word)).map(ManuallyDrop::new);
        // most command lines are right. Whatever this tree makes no sense of, which may be that the word was the
        // value of an option, is for the whole one, so that all messages and the help are its
        match named.and_then(|mut named| Cli::read_by(&mut named, words).ok()) {
            Some(cli) => Ok(cli),
            None => Cli::read_by(&mut whole, words),
        }
    }

    fn read_by(command: &mut clap::Command, words: &[OsString]) -> Result<Cli, clap::Error> {
        let matches = command.try_get_matches_from_mut(words)?;
        let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(command))?;
        // a variable that is set to nothing names no ini; whoever typed the option meant one
        if matches.value_source("ini") == Some(ValueSource::CommandLine) && !cli.common.names_ini() {
            return Err(command.error(ErrorKind::InvalidValue, "--ini names no ini: its value is empty"));
        }
        Ok(cli)
    }

    /// Whether questions are to tell what is wanted: the wizard was asked for, or nothing was.
    pub fn is_for_wizard(&self) -> bool {
        matches!(self.command, None | Some(Command::Wizard))
    }

    /// Whose exit statuses to end with.
    pub fn exit_codes(&self) -> ExitCodes {
        match &self.command {
            Some(
                Command::SetHook { write, .. }
                | Command::UnsetHook { write, .. }
                | Command::Doctor { write, .. }
                | Command::Set { write, .. }
                | Command::Unset { write, .. }
                | Command::Restore { write, .. }
                | Command::Apply { write, .. },
            ) => write.exit_codes,
            _ => ExitCodes::Own,
        }
    }

    /// Whether DSC reads what is printed. A schema and a manifest are for people first.
    pub fn is_for_dsc(&self) -> bool {
        let Some(Command::Dsc { command }) = &self.command else { return false };
        !matches!(command, DscCommand::Schema | DscCommand::Manifest { .. })
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
        let (Command::Apply { told, desired, .. } | Command::Check { told, desired, .. }) =
            self.command.as_ref()?
        else {
            return None;
        };
        let inputs = [&desired.file].into_iter().chain(&desired.variable_files).chain(&desired.users);
        Some((told.report.as_deref()?, inputs.map(PathBuf::as_path).collect()))
    }

    /// What is asked for. `raw` is the command line as it was typed.
    ///
    /// # Errors
    /// When the words are not what they should be.
    pub fn into_request(self, raw: &[OsString]) -> Result<Request, UsageError> {
        let ini = self.ini_choice();
        let write = |edit: EditRequest, args: WriteArgs| Request::Write {
            ini: ini.clone(),
            edit,
            options: args.into(),
        };
        let read = |query: Query| Request::Read { ini: ini.clone(), query };
        let many_of = |profiles: Profiles, desired: DesiredArgs, order: ManyOrder| {
            Request::Many(Many { profiles, code_page: ini.code_page, desired: desired.into(), order })
        };
        Ok(match self.command.ok_or(UsageError::NoCommand)? {
            Command::Wizard => return Err(UsageError::NobodyToAsk),
            Command::SetHook {
                write: options,
                microsip_version,
                raw: is_raw,
                allow_missing,
                allow_unsafe,
                unblock,
                words,
            } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: unblock };
                let set = set_hook(words, raw, is_raw, microsip_version, allow)?;
                write(EditRequest::SetHooks(vec![set]), options)
            }
            Command::UnsetHook { write: options, all: true, .. } => {
                write(EditRequest::UnsetHooks(Event::ALL.to_vec()), options)
            }
            Command::UnsetHook { write: options, events, .. } => {
                let events = events.iter().map(|event| event.parse()).collect::<Result<_, _>>()?;
                write(EditRequest::UnsetHooks(events), options)
            }
            Command::Set { write: options, values } => {
                write(EditRequest::Set(keys_and_values(&values)?), options)
            }
            Command::Unset { write: options, keys } => write(EditRequest::Unset(paths(&keys)?), options),
            Command::Restore { write: options, backup } => {
                write(EditRequest::Restore(backup.map_or(BackupChoice::Newest, backup_choice)), options)
            }
            Command::Doctor { strict, fix: true, write } => {
                Request::Doctor { ini, doctor: Doctor { strict, fix: Some(write.into()) } }
            }
            Command::Doctor { write, .. } if write.asks_for_a_write() => {
                return Err(UsageError::NothingToWrite);
            }
            Command::Doctor { strict, .. } => Request::Doctor { ini, doctor: Doctor { strict, fix: None } },
            Command::Hooks => read(Query::Hooks),
            Command::Status => Request::Status { ini },
            Command::Get { keys } => read(Query::Get(paths(&keys)?)),
            Command::List { section } => {
                read(Query::List(section.as_deref().map(SectionName::new).transpose()?))
            }
            Command::Backups { purge } => read(Query::Backups { purge }),
            Command::Apply {
                desired,
                allow_missing,
                allow_unsafe,
                many,
                told,
                skip_running,
                write: options,
            } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: false };
                let given = skip_running.then_some("--skip-running").or(told.given());
                match many.profiles(ini.path.is_some(), given)? {
                    Some(profiles) => {
                        let order = ManyOrder::Apply { allow, options: options.into(), skip_running };
                        many_of(profiles, desired, order)
                    }
                    None => write(EditRequest::Apply { desired: desired.into(), allow }, options),
                }
            }
            Command::Check { desired, many, told } => {
                match many.profiles(ini.path.is_some(), told.given())? {
                    Some(profiles) => many_of(profiles, desired, ManyOrder::Check),
                    None => read(Query::Check(desired.into())),
                }
            }
            Command::Detect { desired, many, style } => match many.profiles(ini.path.is_some(), None)? {
                Some(profiles) => many_of(profiles, desired, ManyOrder::Detect(style)),
                None => read(Query::Detect { desired: desired.into(), style }),
            },
            Command::Export => read(Query::Export),
            Command::Schema => Request::Schema,
            Command::Dsc { command } => command.into_request(ini),
            Command::Keys { pattern } => Request::Keys { pattern },
            Command::Drive(command) => Request::Drive { ini, drive: command.into_drive()? },
            Command::Links { set, unset, exe, dry_run } => {
                let order = match (set, unset) {
                    (true, _) => LinksOrder::Set,
                    (false, true) => LinksOrder::Unset,
                    (false, false) => LinksOrder::Show,
                };
                Request::Links(LinksRequest { order, exe, dry_run })
            }
            Command::Explain { event, microsip_version: version, text } => {
                let text = ValueText::new(&text).map_err(|_| UsageError::TextOfLines)?;
                Request::Explain(Explain { event, version, text })
            }
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
            Command::Events => Request::Events,
            Command::Completions { shell } => Request::Completions(shell),
        })
    }
}

impl WriteArgs {
    /// Whether an option was given that only makes sense where something is written.
    fn asks_for_a_write(&self) -> bool {
        self.dry_run || self.create || self.close || self.restart || self.no_backup
    }
}

impl From<WriteArgs> for WriteOptions {
    fn from(args: WriteArgs) -> Self {
        WriteOptions {
            dry_run: args.dry_run,
            create: args.create,
            timeout: args.timeout,
            meanwhile: match (args.close, args.restart) {
                (_, true) => Meanwhile::CloseAndRestart,
                (true, false) => Meanwhile::Close,
                (false, false) => Meanwhile::Wait,
            },
            backup: !args.no_backup,
            keep_backups: args.keep_backups,
        }
    }
}

/// The caller in a test where none is named.
pub(super) const A_CALLER: &str = "100";

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
    let program = hook.next().unwrap_or_default();
    let args: Vec<String> = hook.collect();
    let what = match (is_raw, args.is_empty()) {
        (false, _) => HookText::Command(HookCommand { program, args }),
        (true, true) => HookText::Raw(program),
        (true, false) => return Err(UsageError::RawWithArguments),
    };
    Ok(SetHook { event, what, version, allow })
}

fn is_spelled_like_an_option(word: &str) -> bool {
    // most words show it at once, and our options take time to make
    if !word.starts_with('-') {
        return false;
    }
    let mut command = Cli::command();
    command.build();
    let Some(set_hook) = command.find_subcommand("set-hook") else { return false };
    let name = word.split('=').next().unwrap_or(word);
    set_hook.get_arguments().any(|arg| {
        arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
            || arg
                .get_short()
                .is_some_and(|short| name.strip_prefix('-') == Some(short.encode_utf8(&mut [0; 4])))
    })
}

fn paths(keys: &[String]) -> Result<Vec<KeyPath>, NameError> {
    keys.iter().map(|key| key.parse()).collect()
}

fn keys_and_values(given: &[String]) -> Result<Vec<(KeyPath, NewValue)>, UsageError> {
    let mut values: Vec<(KeyPath, NewValue)> = Vec::new();
    for given in given {
        let (path, value) = key_and_value(given)?;
        if values.iter().any(|(other, _)| *other == path) {
            return Err(UsageError::Twice { path });
        }
        if value == NewValue::StandardInput && values.iter().any(|(_, other)| *other == value) {
            return Err(UsageError::StandardInputTwice);
        }
        values.push((path, value));
    }
    Ok(values)
}

fn key_and_value(given: &str) -> Result<(KeyPath, NewValue), UsageError> {
    let (key, value) =
        given.split_once('=').ok_or_else(|| UsageError::NoValue { given: given.to_string() })?;
    let path: KeyPath = key.parse()?;
    // only a password may come from elsewhere; any other value may begin with an @
    let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
    let value = match value.strip_prefix('@').filter(|_| is_secret) {
        None => NewValue::Inline(value.to_string()),
        Some("-") => NewValue::StandardInput,
        Some(source) => match source.strip_prefix("env:") {
            Some("") => return Err(UsageError::NoVariable { given: given.to_string() }),
            Some(name) => NewValue::Variable(name.to_string()),
            None => NewValue::File(PathBuf::from(source)),
        },
    };
    Ok((path, value))
}

fn variable(text: &str) -> Result<(String, String), String> {
    let parted = text.split_once('=').filter(|(name, _)| !name.is_empty() && !name.starts_with("env:"));
    let (name, value) = parted.ok_or("write it like extension=201")?;
    Ok((name.to_string(), value.to_string()))
}

fn backup_choice(text: String) -> BackupChoice {
    match text.parse() {
        Ok(number) => BackupChoice::Number(number),
        Err(_) => BackupChoice::Name(text),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    // longer than anybody waits, and short enough for every clock
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let duration = humantime::parse_duration(text);
    duration
        .map(|duration| duration.min(LONGEST))
        .map_err(|_| "it is no duration; write it like 90s, 5m or 0".to_string())
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
    fn the_words_are_well_formed() {
        Cli::command().debug_assert();
    }

    fn read_by(mut command: clap::Command, words: &[OsString]) -> Result<String, String> {
        let read = Cli::read_by(&mut command, words);
        read.map(|cli| format!("{cli:?}")).map_err(|error| error.render().ansi().to_string())
    }

    /// What the tree with only this command makes of the words is what the whole one does, or nothing.
    fn is_read_alike(name: &str, words: &[OsString]) -> bool {
        let whole = Cli::command();
        let alone = with_only(&whole, OsStr::new(name)).unwrap();
        let alone = read_by(alone, words);
        assert!(alone.is_err() || alone == read_by(whole, words), "{words:?}");
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
        for command in Cli::command().get_subcommands() {
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

    #[test]
    fn everything_behind_the_event_belongs_to_the_hook() {
        let command = hook(&["msipcfg", "set-hook", "-n", "ring", "x.exe", "--mine", "a b", "-x"]).unwrap();
        assert_eq!((command.program.as_str(), command.args.len()), ("x.exe", 3));
    }

    #[test]
    fn our_options_behind_the_event_need_a_double_dash() {
        for word in ["--dry-run", "-n", "--json", "--timeout=5", "-v", "--help"] {
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

    #[test]
    fn only_passwords_come_from_elsewhere() {
        let value = |given| key_and_value(given).unwrap().1;
        assert_eq!(value("Account1/password=@-"), NewValue::StandardInput);
        assert_eq!(value("Account1/password=@env:PW"), NewValue::Variable("PW".into()));
        assert_eq!(value("Account1/password=@pw.txt"), NewValue::File("pw.txt".into()));
        assert_eq!(value("userAgent=@-"), NewValue::Inline("@-".into()));
        assert_eq!(value("userAgent=a=b"), NewValue::Inline("a=b".into()));
        assert!(key_and_value("userAgent").is_err());
        assert!(keys_and_values(&["VAD=1".into(), "Settings/vad=0".into()]).is_err());
    }

    #[test]
    fn only_a_microsip_that_runs_is_another_number() {
        use ExitStatus::{Done, File, Interrupted, No, NoIni, NotAnIni, Refused, StillRunning, Usage};
        for status in [Done, No, Usage, Refused, NoIni, File, NotAnIni, Interrupted] {
            assert_eq!(ExitCodes::Windows.number(status), status as i32);
        }
        assert_eq!(ExitCodes::Windows.number(StillRunning), 1618);
        assert_eq!(ExitCodes::Own.number(StillRunning), 5);
    }

    #[test]
    fn durations_are_written_as_people_do() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("soon").is_err());
    }
}

//! What the user asked for, as a type. The command line, the wizard and DSC make requests; `commands` carries them out.

mod hooks;
mod manifest;

use std::path::PathBuf;
use std::time::Duration;

use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::encoding::CodePage;
use crate::ini::name::{KeyPath, SectionName};
use crate::microsip::control::PhoneCommand;
use crate::microsip::version::Version;

pub use hooks::{Explain, HookText, SetHook, ValueSource};
pub use manifest::{Executable, Manifest, WhatIf};

/// The ini that a request is about.
#[derive(Clone, Debug, Default)]
pub struct IniChoice {
    /// The path that the user named; without one, the ini is searched.
    pub path: Option<PathBuf>,
    /// The code page of 8-bit text, if the user named one.
    pub code_page: Option<CodePage>,
}

/// A request about an ini, or about none.
#[derive(Clone, Debug)]
pub enum Request {
    /// Edit an ini.
    Write { ini: IniChoice, edit: EditRequest, options: WriteOptions },
    /// Show something about an ini.
    Read { ini: IniChoice, query: Query },
    /// Show installed and running MicroSIPs and their inis.
    Status { ini: IniChoice },
    /// Find problems, and fix them if requested.
    Doctor { ini: IniChoice, doctor: Doctor },
    /// Show or change the program that opens links.
    Links(LinksRequest),
    /// Start, exit or control MicroSIP.
    Control { ini: IniChoice, control: ControlRequest },
    /// Explain a command text without an ini.
    Explain(Explain),
    /// Run hooks as MicroSIP would.
    TestHook(TestHook),
    /// Carry out the actions of the events that the runner stored. The event is one that it couldn't store.
    Worker { event: Option<String> },
    /// Show, repeat or delete what is known about calls; without a named ini, those of all inis.
    Calls { ini: IniChoice, calls: CallsRequest },
    /// Show what was done for calls; without a named ini, those of all inis.
    Log { ini: IniChoice, log: LogRequest },
    /// List the events.
    Events,
    /// List the settings that match a pattern.
    Keys { pattern: Option<String> },
    /// Print the completion script of a shell, or write it to a file.
    Completions { shell: Shell, output: Option<PathBuf> },
    /// Print the JSON Schema of desired-state files, or write it to a file.
    Schema { output: Option<PathBuf> },
    /// Carry out an operation of Microsoft's DSC. The instance comes from standard input; if it names no ini, `ini` is
    /// used.
    Dsc { ini: IniChoice, operation: DscOperation },
    /// Print the JSON Schema of DSC instances.
    DscSchema,
    /// Print or write DSC's resource manifest.
    DscManifest(Manifest),
    /// Apply a desired state to the inis of many users, or compare them with it.
    ManyUsers(ManyUsers),
    /// Remove what msipcfg made.
    Uninstall(UninstallRequest),
}

/// Work on the inis of many users.
#[derive(Clone, Debug)]
pub struct ManyUsers {
    /// Where the users' folders are.
    pub profiles: Profiles,
    /// The code page of 8-bit text, if the user named one.
    pub code_page: Option<CodePage>,
    /// The desired state.
    pub desired: DesiredChoice,
    /// Whether skipping a user is a failure.
    pub fail_on_skipped: bool,
    /// What to do.
    pub action: ManyUsersAction,
}

/// What `uninstall` removes, and how.
#[derive(Clone, Debug)]
pub struct UninstallRequest {
    /// For whom.
    pub users: UninstallUsers,
    /// Whether hooks that start other programs than the runner are removed, too.
    pub all_hooks: bool,
    /// How files are deleted.
    pub purge: Purge,
    /// How inis are written. The timeout applies to all of them together.
    pub options: WriteOptions,
}

/// The users for whom `uninstall` removes what msipcfg made.
#[derive(Clone, Debug)]
pub enum UninstallUsers {
    /// The user who runs it. Without a named ini, all of this user's inis are cleaned.
    Own(IniChoice),
    /// Many users.
    Many(UninstallMany),
}

/// The many users for whom `uninstall` removes what msipcfg made.
#[derive(Clone, Debug)]
pub struct UninstallMany {
    /// Where the users' folders are.
    pub profiles: Profiles,
    /// The code page of 8-bit text, if the user named one.
    pub code_page: Option<CodePage>,
    /// Whether skipping a user is a failure.
    pub fail_on_skipped: bool,
    /// Whether inis in use are skipped rather than waited for.
    pub skip_running: bool,
}

/// Where the users' folders are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// Where this Windows has them (`--all-users`).
    OfThisMachine,
    /// In this folder (`--profiles`).
    In(PathBuf),
}

/// What to do with the inis of many users.
#[derive(Clone, Copy, Debug)]
pub enum ManyUsersAction {
    /// Apply the desired state.
    Apply {
        /// What is accepted although it would be refused by default.
        allow: Allow,
        /// How the inis are written. The timeout applies to all of them together.
        options: WriteOptions,
        /// Whether inis in use are skipped rather than waited for.
        skip_running: bool,
    },
    /// Compare the inis with the desired state.
    Check,
    /// Compare them for a deployment tool.
    Detect(DetectStyle),
}

impl Request {
    /// Returns the same request for this ini, if it is about one.
    pub fn about(mut self, path: PathBuf) -> Request {
        let ini = match &mut self {
            Request::Write { ini, .. }
            | Request::Read { ini, .. }
            | Request::Status { ini }
            | Request::Doctor { ini, .. }
            | Request::Control { ini, .. }
            | Request::Dsc { ini, .. }
            | Request::Calls { ini, .. }
            | Request::Log { ini, .. }
            | Request::TestHook(TestHook { ini, .. }) => ini,
            Request::Links(_)
            | Request::Explain(_)
            | Request::Events
            | Request::Keys { .. }
            | Request::Completions { .. }
            | Request::Schema { .. }
            | Request::DscSchema
            | Request::DscManifest(_)
            | Request::Worker { .. }
            | Request::ManyUsers(_)
            | Request::Uninstall(_) => return self,
        };
        ini.path = Some(path);
        self
    }

    /// Returns whether the request may write an ini.
    pub fn may_write(&self) -> bool {
        matches!(
            self,
            Request::Write { .. }
                | Request::Doctor { doctor: Doctor { fix: Some(_), .. }, .. }
                | Request::Dsc { operation: DscOperation::Set { .. }, .. }
                | Request::ManyUsers(ManyUsers { action: ManyUsersAction::Apply { .. }, .. })
                | Request::Uninstall(_)
        )
    }

    /// Returns whether the request takes until the user stops it, or until another program has done its work.
    pub fn takes_long(&self) -> bool {
        matches!(
            self,
            Request::Calls {
                calls: CallsRequest::List { follow: true, .. } | CallsRequest::Retry { .. },
                ..
            } | Request::Log { log: LogRequest { follow: true, .. }, .. }
        )
    }

    /// Returns the same request as a dry run; `None` if it already is one, or never writes.
    pub fn as_dry_run(&self) -> Option<Request> {
        let mut shown = self.clone();
        let options = match &mut shown {
            Request::Read { query: Query::Backups { purge: Some(purge) }, .. } if *purge != Purge::DryRun => {
                *purge = Purge::DryRun;
                return Some(shown);
            }
            Request::Calls { calls: CallsRequest::Purge(purge), .. } if *purge != Purge::DryRun => {
                *purge = Purge::DryRun;
                return Some(shown);
            }
            Request::Uninstall(request) => {
                request.purge = Purge::DryRun;
                &mut request.options
            }
            Request::Write { options, .. } => options,
            Request::Doctor { doctor: Doctor { fix: Some(options), .. }, .. } => options,
            _ => return None,
        };
        let is_dry_run = std::mem::replace(&mut options.dry_run, true);
        (!is_dry_run).then_some(shown)
    }
}

impl UninstallRequest {
    /// Returns the same request after the user has agreed to it.
    pub fn confirmed(self) -> UninstallRequest {
        UninstallRequest { purge: Purge::Now, ..self }
    }
}

/// What doctor does.
#[derive(Clone, Copy, Debug)]
pub struct Doctor {
    /// Whether warnings count as errors for the exit status.
    pub strict: bool,
    /// How fixes are written, if problems are to be fixed.
    pub fix: Option<WriteOptions>,
}

/// How an ini is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Whether to show the change without writing it.
    pub dry_run: bool,
    /// Whether to create the ini if it doesn't exist.
    pub create: bool,
    /// How long to wait in all for instances that use the ini.
    pub timeout: Duration,
    /// What to do about such an instance.
    pub while_running: WhileRunning,
    /// Whether to keep the old file as a backup.
    pub backup: bool,
    /// How many backups to keep.
    pub keep_backups: usize,
    /// Whether another program's ini may be edited too.
    pub any_ini: bool,
}

impl WriteOptions {
    /// The default number of backups to keep.
    pub const DEFAULT_BACKUPS: usize = 10;

    /// Returns the options for one of many users, after all their instances were waited for together.
    #[must_use]
    pub fn after_waiting(self) -> WriteOptions {
        WriteOptions { timeout: Duration::ZERO, while_running: WhileRunning::Wait, ..self }
    }
}

/// What to do about an instance that uses the ini.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileRunning {
    /// Wait until its user exits it.
    Wait,
    /// Ask it to close.
    Close,
    /// Ask it to close, and start it again at the end.
    CloseAndRestart,
}

/// How to edit an ini.
#[derive(Clone, Debug)]
pub enum EditRequest {
    /// Set the hooks of events; all succeed or none do.
    SetHooks(Vec<SetHook>),
    /// Remove the hooks of these events.
    UnsetHooks {
        /// The events.
        events: Vec<Event>,
        /// The number of the action to remove, from 1; without one, everything that the events do.
        action: Option<usize>,
    },
    /// Set these keys to these values; all succeed or none do.
    Set {
        values: Vec<(KeyPath, ValueSource)>,
        /// Whether keys are accepted that look like misspelled ones.
        allow_unknown: bool,
    },
    /// Remove these keys.
    Unset(Vec<KeyPath>),
    /// Restore this backup.
    Restore(BackupChoice),
    /// Apply a desired-state file.
    Apply {
        desired: DesiredChoice,
        /// What is accepted although it would be refused by default.
        allow: Allow,
    },
}

/// A desired-state file, and the values of its variables.
#[derive(Clone, Debug)]
pub struct DesiredChoice {
    /// The file.
    pub file: PathBuf,
    /// Variables by name; they override all others.
    pub variables: Vec<(String, String)>,
    /// Files with further variables; earlier files override later ones.
    pub variable_files: Vec<PathBuf>,
    /// A table with further variables for each user.
    pub users: Option<UsersChoice>,
}

/// Where the table of users comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersChoice {
    /// A file.
    File(PathBuf),
    /// Standard input, as CSV.
    StandardInput,
}

/// Hooks to run as a test.
#[derive(Clone, Debug)]
pub struct TestHook {
    /// The ini with the hooks.
    pub ini: IniChoice,
    /// The events. Events without a hook are skipped.
    pub events: Vec<Event>,
    /// The texts of the callers; each hook runs once per caller. An empty one is a caller without a number.
    pub callers: Vec<String>,
    /// The version that would run them.
    pub version: Option<Version>,
    /// Whether to capture their output, for which they are started differently than by MicroSIP.
    pub capture: bool,
    /// Whether to show what would happen without doing it.
    pub dry_run: bool,
}

/// The backup to restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupChoice {
    /// The newest that wasn't made by a restore.
    Newest,
    /// The one with this number in the list; 1 is the newest.
    Number(usize),
    /// The one with this name.
    Name(String),
}

/// What to do about the program that opens links.
#[derive(Clone, Debug)]
pub struct LinksRequest {
    /// What to do.
    pub action: LinksAction,
    /// MicroSIP's exe; without one, the installed MicroSIP's.
    pub exe: Option<PathBuf>,
    /// Whether to show the change without writing it.
    pub dry_run: bool,
}

/// What to do about links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinksAction {
    /// Show which program opens them.
    Show,
    /// Register MicroSIP.
    Set,
    /// Restore the previous program.
    Unset,
}

/// What MicroSIP should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlRequest {
    /// Start, with or without a hidden window.
    Start { minimized: bool },
    /// Exit, within this time.
    Exit { timeout: Duration },
    /// Carry out a command that needs a running MicroSIP.
    Command(PhoneCommand),
}

/// What to show about an ini.
#[derive(Clone, Debug)]
pub enum Query {
    /// The hooks of these events.
    Hooks(Vec<Event>),
    /// The values of these keys.
    Get(Vec<KeyPath>),
    /// All keys, or those of one section.
    List(Option<SectionName>),
    /// The backups, or their removal.
    Backups { purge: Option<Purge> },
    /// Whether it is in a desired state.
    Check(DesiredChoice),
    /// Whether it is in a desired state, for a deployment tool.
    Detect { desired: DesiredChoice, style: DetectStyle },
    /// Its state as a desired-state file.
    Export { output: Option<PathBuf> },
}

/// How files are deleted that can't be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Shows them without deleting them.
    DryRun,
    /// On a terminal, shows them and asks.
    Ask,
    /// Deletes them without asking.
    Now,
}

impl Purge {
    /// Returns how files are deleted with these options.
    pub fn chosen(dry_run: bool, yes: bool) -> Purge {
        match (dry_run, yes) {
            (true, _) => Purge::DryRun,
            (_, true) => Purge::Now,
            _ => Purge::Ask,
        }
    }
}

/// What to do about the calls in the calls database.
#[derive(Clone, Debug)]
pub enum CallsRequest {
    /// List them.
    List {
        /// Only those that began at most so long ago.
        since: Option<Duration>,
        /// Only those that were missed.
        missed: bool,
        /// Whether to print CSV.
        csv: bool,
        /// The file to write the CSV to; without one, it is printed.
        output: Option<PathBuf>,
        /// Whether to go on until the user stops.
        follow: bool,
    },
    /// Send web requests again that failed.
    Retry {
        /// Only those of events at most so long ago.
        since: Option<Duration>,
    },
    /// Delete them.
    Purge(Purge),
}

/// Which events and actions to show.
#[derive(Clone, Copy, Debug)]
pub struct LogRequest {
    /// Only events at most so long ago.
    pub since: Option<Duration>,
    /// Only actions that failed.
    pub failed: bool,
    /// Whether to go on until the user stops.
    pub follow: bool,
}

/// The deployment tool that reads the answer of `detect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectStyle {
    /// A detection rule of an Intune Win32 app or a ConfigMgr application.
    IntuneApp,
    /// A detection script of an Intune remediation.
    IntuneRemediation,
    /// A compliance script of a ConfigMgr configuration item.
    Configmgr,
    /// Any other tool, by exit status.
    Plain,
}

/// An operation of Microsoft's DSC.
#[derive(Clone, Copy, Debug)]
pub enum DscOperation {
    /// Show the state.
    Get,
    /// Show whether it is in the desired state.
    Test,
    /// Apply the desired state.
    Set {
        /// What is accepted although it would be refused by default.
        allow: Allow,
        /// How the ini is written; it is created if it doesn't exist.
        options: WriteOptions,
    },
    /// Show the state of every ini.
    Export,
}

/// A shell with completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Powershell,
    Bash,
    Zsh,
    Fish,
    Elvish,
}

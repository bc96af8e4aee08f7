//! What is asked for, as a type. The command line makes requests and `commands` carries them out; whatever
//! else will ask for something does it in the same words.

use std::path::PathBuf;
use std::time::Duration;

use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::sample::Sample;
use crate::hook::target::Allow;
use crate::ini::encoding::CodePage;
use crate::ini::name::{KeyPath, SectionName, ValueText};
use crate::microsip::control::PhoneCommand;
use crate::microsip::version::Version;

/// Which ini a request is about.
#[derive(Clone, Debug, Default)]
pub struct IniChoice {
    /// The one that was named; otherwise the one there is.
    pub path: Option<PathBuf>,
    /// The code page of 8-bit text, where it was named.
    pub code_page: Option<CodePage>,
}

/// A request about an ini, or about none.
#[derive(Clone, Debug)]
pub enum Request {
    /// Something about an ini changes.
    Write { ini: IniChoice, edit: EditRequest, options: WriteOptions },
    /// Something of an ini is shown.
    Read { ini: IniChoice, query: Query },
    /// What there is: MicroSIPs, their inis, and what runs.
    Status { ini: IniChoice },
    /// Problems are looked for, and mended where that is asked for.
    Doctor { ini: IniChoice, doctor: Doctor },
    /// The programs that open links.
    Links(LinksRequest),
    /// MicroSIP itself is to do something.
    Drive { ini: IniChoice, drive: Drive },
    /// What MicroSIP would make of a command, without an ini.
    Explain(Explain),
    /// Hooks are run as MicroSIP would run them.
    TestHook(TestHook),
    /// The events that MicroSIP knows.
    Events,
    /// The settings that MicroSIP knows, with names like this.
    Keys { pattern: Option<String> },
    /// What has a shell complete our words.
    Completions(Shell),
    /// The JSON Schema of a desired-state file.
    Schema,
    /// An operation of Microsoft's DSC, whose instance stands on standard input. `ini` is for one that names none.
    Dsc { ini: IniChoice, operation: DscOperation },
    /// The JSON Schema of such an instance.
    DscSchema,
    /// What tells DSC of these operations.
    DscManifest(Manifest),
    /// The inis of many users are brought into a state, or compared with it.
    Many(Many),
}

/// The inis of many users, and what is to be done about them.
#[derive(Clone, Debug)]
pub struct Many {
    /// Where their folders are.
    pub profiles: Profiles,
    /// The code page of 8-bit text, where it was named.
    pub code_page: Option<CodePage>,
    /// The state that they are to be in.
    pub desired: DesiredChoice,
    /// What is to be done.
    pub order: ManyOrder,
}

/// Where the folders of users are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// Wherever this Windows has them.
    OfThisMachine,
    /// In this folder.
    In(PathBuf),
}

/// What is to be done about the inis of many users.
#[derive(Clone, Copy, Debug)]
pub enum ManyOrder {
    /// They are brought into the state.
    Apply {
        /// What is accepted of its hooks although it would be refused.
        allow: Allow,
        /// How they are written; the time is for all of them.
        options: WriteOptions,
        /// Whether those that a MicroSIP uses are left alone rather than waited for.
        skip_running: bool,
    },
    /// They are compared with it.
    Check,
    /// The same, for a program that deploys software.
    Detect(DetectStyle),
}

impl Request {
    /// The same about this ini, where it is about one.
    pub fn about(mut self, path: PathBuf) -> Request {
        let ini = match &mut self {
            Request::Write { ini, .. }
            | Request::Read { ini, .. }
            | Request::Status { ini }
            | Request::Doctor { ini, .. }
            | Request::Drive { ini, .. }
            | Request::Dsc { ini, .. }
            | Request::TestHook(TestHook { ini, .. }) => ini,
            Request::Links(_)
            | Request::Explain(_)
            | Request::Events
            | Request::Keys { .. }
            | Request::Completions(_)
            | Request::Schema
            | Request::DscSchema
            | Request::DscManifest(_)
            | Request::Many(_) => return self,
        };
        ini.path = Some(path);
        self
    }

    /// Whether it may write.
    pub fn may_write(&self) -> bool {
        matches!(
            self,
            Request::Write { .. }
                | Request::Doctor { doctor: Doctor { fix: Some(_), .. }, .. }
                | Request::Dsc { operation: DscOperation::Set { .. }, .. }
                | Request::Many(Many { order: ManyOrder::Apply { .. }, .. })
        )
    }

    /// The same, only shown. `None` if it only shows anyway.
    pub fn as_dry_run(&self) -> Option<Request> {
        let mut shown = self.clone();
        let options = match &mut shown {
            Request::Write { options, .. } => options,
            Request::Doctor { doctor: Doctor { fix: Some(options), .. }, .. } => options,
            _ => return None,
        };
        let is_dry_run = std::mem::replace(&mut options.dry_run, true);
        (!is_dry_run).then_some(shown)
    }
}

/// What doctor is to do.
#[derive(Clone, Copy, Debug)]
pub struct Doctor {
    /// Whether warnings make the answer no, as errors do.
    pub strict: bool,
    /// How what takes no decision is mended, if it is to be.
    pub fix: Option<WriteOptions>,
}

/// How an ini is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Show what would change and write nothing.
    pub dry_run: bool,
    /// Make the ini if it is not there.
    pub create: bool,
    /// How long a MicroSIP that uses the ini is waited for, in all.
    pub timeout: Duration,
    /// What is done about it meanwhile.
    pub while_running: WhileRunning,
    /// Whether the old file is kept.
    pub backup: bool,
    /// How many backups are kept.
    pub keep_backups: usize,
}

impl WriteOptions {
    /// How many backups are kept unless something else is said.
    pub const USUAL_BACKUPS: usize = 10;
}

/// What is done about a MicroSIP that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileRunning {
    /// Nothing: its user exits it.
    Wait,
    /// It is asked to close.
    Close,
    /// It is asked to close, and started again at the end.
    CloseAndRestart,
}

/// What is to change.
#[derive(Clone, Debug)]
pub enum EditRequest {
    /// The hooks of events, all or none.
    SetHooks(Vec<SetHook>),
    /// The hooks of these events go.
    UnsetHooks(Vec<Event>),
    /// These keys get these values, all or none.
    Set(Vec<(KeyPath, ValueSource)>),
    /// These keys go.
    Unset(Vec<KeyPath>),
    /// The ini is as this backup again.
    Restore(BackupChoice),
    /// The ini is in the state that a file describes.
    Apply {
        desired: DesiredChoice,
        /// What is accepted of its hooks although it would be refused.
        allow: Allow,
    },
}

/// A file that describes a wanted state, and what its variables stand for.
#[derive(Clone, Debug)]
pub struct DesiredChoice {
    /// The file.
    pub file: PathBuf,
    /// Variables by name, which win.
    pub variables: Vec<(String, String)>,
    /// Files with more of them; the earlier win.
    pub variable_files: Vec<PathBuf>,
    /// A table with more of them for each user.
    pub users: Option<UsersChoice>,
}

/// Where a table of users is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersChoice {
    /// In a file.
    File(PathBuf),
    /// On standard input, as CSV.
    StandardInput,
}

/// The hook of an event.
#[derive(Clone, Debug)]
pub struct SetHook {
    /// When it runs.
    pub event: Event,
    /// What runs.
    pub what: HookText,
    /// The version in whose dialect it must live on.
    pub version: Option<Version>,
    /// What is accepted although it would be refused.
    pub allow: Allow,
}

/// A command that is to be explained.
#[derive(Clone, Debug)]
pub struct Explain {
    /// The event, or any key, that it is for, as it was typed.
    pub event: Option<String>,
    /// The version that would run it.
    pub version: Option<Version>,
    /// What stands behind `=`.
    pub text: ValueText,
}

/// Hooks that are to be run, so that it shows whether they work.
#[derive(Clone, Debug)]
pub struct TestHook {
    /// The ini that says what runs.
    pub ini: IniChoice,
    /// Their events; where no hook is set there is nothing to run.
    pub events: Vec<Event>,
    /// The numbers of the other party, for each of which they run; an empty one is a caller without a number.
    pub callers: Vec<String>,
    /// The version that would run them.
    pub version: Option<Version>,
    /// Whether what they print is wanted, for which they are started otherwise than by MicroSIP.
    pub capture: bool,
}

/// How the command of a hook was given.
#[derive(Clone, Debug)]
pub enum HookText {
    /// A program and what it is to receive.
    Command(HookCommand),
    /// A script of ours, which is put in a folder beside the ini.
    Sample(Sample),
    /// The text behind `=`, as it is.
    Raw(String),
    /// The value as MicroSIP is to read it.
    Value(String),
}

/// A value that was given for a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueSource {
    /// On the command line.
    Inline(String),
    /// On standard input.
    StandardInput,
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

impl std::fmt::Display for ValueSource {
    /// Where the value comes from, never the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ValueSource::Inline(_) => f.write_str("the command line"),
            ValueSource::StandardInput => f.write_str("standard input"),
            ValueSource::File(path) => write!(f, "{}", path.display()),
            ValueSource::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}

/// A backup to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupChoice {
    /// The newest that no restore made.
    Newest,
    /// The one with this number in the list, 1 being the newest.
    Number(usize),
    /// The one of this name.
    Name(String),
}

/// Something about the programs that open links.
#[derive(Clone, Debug)]
pub struct LinksRequest {
    /// What is to be done.
    pub order: LinksOrder,
    /// MicroSIP's exe; otherwise that of the installed one.
    pub exe: Option<PathBuf>,
    /// Show what would change and write nothing.
    pub dry_run: bool,
}

/// What is to be done about the programs that open links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinksOrder {
    /// They are shown.
    Show,
    /// MicroSIP is registered.
    Set,
    /// What was there before is given back.
    Unset,
}

/// What MicroSIP itself is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Start, with its window hidden or not.
    Start { minimized: bool },
    /// Exit, within this time.
    Exit { timeout: Duration },
    /// Something that only a running one can do.
    Order(PhoneCommand),
}

/// What is to be shown.
#[derive(Clone, Debug)]
pub enum Query {
    /// Every event and what runs.
    Hooks,
    /// The values of these keys.
    Get(Vec<KeyPath>),
    /// All keys, or those of one section.
    List(Option<SectionName>),
    /// The backups; with `purge` they go.
    Backups { purge: bool },
    /// Whether it is in the state that a file describes.
    Check(DesiredChoice),
    /// The same, for a program that deploys software.
    Detect { desired: DesiredChoice, style: DetectStyle },
    /// The state it is in, as such a file.
    Export,
}

/// Who asks whether an ini is in a wanted state, and so in which form the answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DetectStyle {
    /// Intune as the detection of a Win32 app, and ConfigMgr as the detection of an application: there if the exit
    /// status is 0 and something was printed.
    IntuneApp,
    /// Intune as the detection of a remediation: the exit status 1, and no other, has the remediation run.
    IntuneRemediation,
    /// ConfigMgr as a compliance script: what is printed is compared.
    Configmgr,
    /// Anybody who asks for an exit status.
    Plain,
}

/// An operation of Microsoft's DSC.
#[derive(Clone, Copy, Debug)]
pub enum DscOperation {
    /// The state is told.
    Get,
    /// It is told whether the state is the wanted one.
    Test,
    /// The wanted state is brought about.
    Set {
        /// What is accepted of its hooks although it would be refused.
        allow: Allow,
        /// How; an ini that is not there is made in any case.
        options: WriteOptions,
    },
    /// The state of every ini is told.
    Export,
}

/// A resource manifest of DSC.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// How it has a set say what it would do.
    pub what_if: WhatIf,
    /// How it names this program.
    pub executable: Executable,
    /// The folder to write it to; otherwise it is printed.
    pub folder: Option<PathBuf>,
}

/// How DSC has a set say what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhatIf {
    /// By an argument more, as from DSC 3.2 on.
    Argument,
    /// By an operation of its own, as in DSC 3.1.
    Operation,
}

/// How a manifest names this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// By its name: DSC looks for it on the path and beside the manifest.
    ByName,
    /// By its path.
    Absolute,
}

/// A shell that can complete words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    Powershell,
    Bash,
    Zsh,
    Fish,
    Elvish,
}

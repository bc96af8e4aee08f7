//! Carries out requests: [`hooks`], [`test_hook`], [`explain`], [`doctor`], [`settings`], [`safety`], [`status`],
//! [`provision`], [`profiles`], [`detect`], [`dsc`], [`drive`] and [`links`] each know a family of them. What they have in common:
//! finding and reading the ini is in `ini_file`, writing it in `write`, what a desired-state file wants in `recipe`, what is
//! kept of passwords in `passwords`, why it failed in [`error`].

pub mod completions;
pub mod detect;
pub mod doctor;
pub mod drive;
pub mod dsc;
pub mod error;
pub mod explain;
pub mod hooks;
mod ini_file;
pub mod links;
mod parallel;
mod passwords;
pub mod profiles;
pub mod provision;
mod recipe;
pub mod safety;
mod samples;
pub mod settings;
pub mod status;
mod suggestion;
pub mod test_hook;
mod write;

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::desired::{file, instance};
use crate::diagnostic::{Diagnostic, ExitStatus};
use crate::edit::plan::{Change, LineChange};
use crate::edit::transaction::Progress;
use crate::hook::event::Event;
use crate::ini::encoding::Encoding;
use crate::microsip::closing::Restarted;
use crate::microsip::instances::Instance;
use crate::microsip::keys::{Key, Privacy};
use crate::microsip::links::{Link, ValueChange};
use crate::microsip::locate::Candidate;
use crate::platform::{Env, FileSystem};
use crate::request::{EditRequest, LinksOrder, ManyOrder, Query, Request, ValueSource};

pub use error::Error;

/// The outside, as the commands see it.
pub struct Context<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The disk.
    pub fs: &'a (dyn FileSystem + Sync),
    /// The clock.
    pub now: &'a (dyn Fn() -> SystemTime + Sync),
    /// Whether the user wants it to stop.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Reads a secret from where it was said to be.
    pub secret: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync),
    /// Who is told how a write goes.
    pub report: &'a mut dyn FnMut(RunEvent<'_>),
}

/// What is told while a command works.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// This ini was chosen.
    Chosen(&'a Candidate),
    /// It was read: its size in bytes, and how it is encoded.
    Read { size: usize, encoding: Encoding },
    /// How the transaction goes.
    Progress(Progress<'a>),
    /// This MicroSIP was asked to close and has ended.
    Closed(Instance),
    /// This MicroSIP was started again.
    Restarted(Restarted),
    /// The hook of this event is run for this caller; an empty one has no number.
    Testing { event: Event, caller: &'a str },
    /// The inis of so many users are looked after.
    Profiles { total: usize },
    /// That of one is done with.
    Handled(&'a profiles::Handled),
    /// Something deserves saying at once.
    Warning(Diagnostic),
}

/// What a command has to say.
#[derive(Debug)]
pub enum Report {
    /// A write, or what one would do.
    Written(Written),
    /// Values of keys.
    Values { ini: PathBuf, values: Vec<Value>, warnings: Vec<Diagnostic> },
    /// Every section with its keys.
    Sections { ini: PathBuf, values: Vec<Value>, warnings: Vec<Diagnostic> },
    /// Hooks.
    Hooks { ini: PathBuf, hooks: Vec<hooks::Hook>, warnings: Vec<Diagnostic> },
    /// Problems.
    Examined(doctor::Examined),
    /// What MicroSIP makes of a command.
    Explained(explain::Explanation),
    /// Hooks that were run.
    Tested(test_hook::Tested),
    /// Backups, newest first.
    Backups { ini: PathBuf, backups: Vec<safety::Listed>, purged: bool },
    /// MicroSIPs, their inis, and what runs.
    Status(status::Status),
    /// Whether an ini is in a wanted state.
    Checked(provision::Checked),
    /// What DSC asked for.
    Dsc(Box<dsc::Answer>),
    /// What became of the inis of many users, each of which was told of.
    Profiles(profiles::Summary),
    /// The same, for a program that deploys software.
    Detected(detect::Detected),
    /// Programs that open links.
    Linked(Linked),
    /// MicroSIP itself.
    Driven(Driven),
    /// Events.
    Events(&'static [Event]),
    /// Settings of the catalogue.
    Keys(Vec<Key>),
    /// A text for another program, which is to get it as it is.
    Script(String),
}

impl Report {
    /// How the program ends with it: an answer may be no although the command did its work.
    pub fn status(&self) -> ExitStatus {
        match self {
            Report::Tested(tested) if tested.has_failed() => ExitStatus::No,
            Report::Examined(examined) if !examined.is_well() => ExitStatus::No,
            Report::Checked(checked) if !checked.is_in_state => ExitStatus::No,
            Report::Profiles(summary) => summary.status(),
            Report::Detected(detected) => detected.status(),
            _ => ExitStatus::Done,
        }
    }

    /// Whether it tells of something that changed, or would.
    pub fn tells_of_a_change(&self) -> bool {
        match self {
            Report::Written(written) => written.changed,
            Report::Profiles(summary) => summary.changed > 0,
            Report::Examined(examined) => examined.mended.as_ref().is_some_and(|mended| mended.changed),
            _ => false,
        }
    }
}

/// What a write did, or would do.
#[derive(Debug)]
pub struct Written {
    /// The ini as it was named.
    pub ini: PathBuf,
    /// Whether it was written, or would be.
    pub changed: bool,
    /// Whether this only says what would be.
    pub dry_run: bool,
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// The backup that was made.
    pub backup: Option<PathBuf>,
    /// The backup that was gone back to.
    pub restored: Option<String>,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
}

/// Who opens links, and what was done about it.
#[derive(Debug)]
pub struct Linked {
    /// What was asked for.
    pub order: LinksOrder,
    /// Whether the registry was written, or would be.
    pub changed: bool,
    /// Whether this only says what would be.
    pub dry_run: bool,
    /// The registry's values that change.
    pub changes: Vec<ValueChange>,
    /// Who opens them now.
    pub links: Vec<Link>,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
}

/// What MicroSIP was told.
#[derive(Debug)]
pub struct Driven {
    /// What it is called on the command line.
    pub order: &'static str,
    /// What it was sent, if it was sent a text.
    pub sent: Option<String>,
    /// Whether anything was done: one that runs already is not started.
    pub changed: bool,
    /// Which one.
    pub instance: Instance,
}

/// A value of the ini as MicroSIP reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its section.
    pub section: String,
    /// Its key.
    pub key: String,
    /// What is read; `None` where a line without `=` stands.
    pub value: Option<String>,
    /// Who may see it.
    pub privacy: Privacy,
}

/// Carries out a request.
///
/// # Errors
/// See [`Error`].
pub fn run(request: Request, context: &mut Context<'_>) -> Result<Report, Error> {
    match request {
        Request::Links(request) => links::run(&request, context),
        Request::Doctor { ini, doctor } => doctor::run(&ini, &doctor, context),
        Request::Drive { ini, drive } => drive::run(&ini, &drive, context),
        Request::Status { ini } => Ok(Report::Status(status::status(&ini, context))),
        Request::Explain(asked) => Ok(Report::Explained(explain::explain(&asked))),
        Request::TestHook(asked) => test_hook::run(&asked, context),
        Request::Events => Ok(Report::Events(Event::ALL)),
        Request::Keys { pattern } => settings::catalogue(pattern.as_deref()).map(Report::Keys),
        Request::Completions(shell) => Ok(Report::Script(completions::script(shell))),
        Request::Many(many) => match many.order {
            ManyOrder::Detect(style) => Ok(Report::Detected(detect::detect_many(&many, style, context))),
            _ => profiles::run(&many, context).map(Report::Profiles),
        },
        Request::Schema => Ok(Report::Script(file::schema())),
        Request::Dsc { ini, operation } => dsc::run(&ini, &operation, context),
        Request::DscSchema => Ok(Report::Script(format!("{:#}\n", instance::schema()))),
        Request::DscManifest(manifest) => dsc::manifest(&manifest, context),
        Request::Read { ini, query } => match query {
            Query::Hooks => hooks::show(&ini, context),
            Query::Get(paths) => settings::get(&ini, &paths, context),
            Query::List(section) => settings::list(&ini, section.as_ref(), context),
            Query::Backups { purge } => safety::backups(&ini, purge, context),
            Query::Check(desired) => provision::check(&ini, &desired, context).map(Report::Checked),
            Query::Detect { desired, style } => {
                Ok(Report::Detected(detect::detect(&ini, &desired, style, context)))
            }
            Query::Export => provision::export(&ini, context),
        },
        Request::Write { ini, edit, options } => match edit {
            EditRequest::Restore(choice) => safety::restore(&ini, &choice, options, context),
            EditRequest::SetHooks(sets) => hooks::set(&ini, &sets, options, context),
            EditRequest::UnsetHooks(events) => hooks::unset(&ini, &events, options, context),
            EditRequest::Set(values) => settings::set(&ini, values, options, context),
            EditRequest::Unset(paths) => settings::unset(&ini, paths, options, context),
            EditRequest::Apply { desired, allow } => {
                provision::apply(&ini, &desired, allow, options, context)
            }
        },
    }
}

//! Carries out requests: [`hooks`], [`settings`] and [`safety`] each know a family of them. What they have in
//! common is here: finding and reading the ini, and writing it.

pub mod hooks;
pub mod safety;
pub mod settings;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::edit::backup::{MadeBy, Policy};
use crate::edit::plan::{self, Change, LineChange};
use crate::edit::transaction::{self, Content, Options, Progress, Transaction, TransactionError};
use crate::edit::verify::{SecondOpinion, Unverified};
use crate::hook::command::CommandError;
use crate::hook::event::Event;
use crate::hook::target::TargetFault;
use crate::ini::encoding::{self, CodePage, Decoded, EncodingError};
use crate::ini::name::{KeyPath, NameError, SectionName};
use crate::ini::write;
use crate::microsip::instances::{Gate, Instance, InstanceGate, Processes};
use crate::microsip::keys::Key;
use crate::microsip::locate::{self, LocateError};
use crate::microsip::values::ValueError;
use crate::platform::{self, Disk, Surroundings};
use crate::problem::{Code, Notice, Problem};
use crate::request::{EditRequest, IniChoice, NewValue, Query, Request, WriteOptions};

/// A larger file is no ini of MicroSIP's.
pub const LARGEST_INI: u64 = 256 * 1024 * 1024;

/// The outside, as the commands see it.
pub struct Outside<'a> {
    /// The environment.
    pub surroundings: &'a Surroundings,
    /// The disk.
    pub disk: &'a dyn Disk,
    /// The clock.
    pub now: &'a dyn Fn() -> SystemTime,
    /// Whether the user wants it to stop.
    pub stop: &'a dyn Fn() -> bool,
    /// Reads a secret from where it was said to be.
    pub secret: &'a dyn Fn(&NewValue) -> io::Result<String>,
    /// Who is told how a write goes.
    pub tell: &'a mut dyn FnMut(Tale<'_>),
}

/// What is told while a command works.
#[derive(Debug)]
pub enum Tale<'a> {
    /// How the transaction goes.
    Progress(Progress<'a>),
    /// Whether the second reader had a say in verifying the edit.
    SecondOpinion(SecondOpinion),
}

/// What a command has to say.
#[derive(Debug)]
pub enum Report {
    /// A write, or what one would do.
    Written(Written),
    /// Values of keys.
    Values { ini: PathBuf, values: Vec<Value>, notices: Vec<Notice> },
    /// Every section with its keys.
    Sections { ini: PathBuf, values: Vec<Value>, notices: Vec<Notice> },
    /// Hooks.
    Hooks { ini: PathBuf, hooks: Vec<hooks::Hook>, notices: Vec<Notice> },
    /// Backups, newest first.
    Backups { ini: PathBuf, backups: Vec<safety::Listed>, purged: bool },
    /// Events.
    Events(&'static [Event]),
    /// Settings of the catalogue.
    Keys(Vec<Key>),
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
    pub notices: Vec<Notice>,
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
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("{ini} is not there")]
    NotThere { ini: PathBuf },
    #[error("{ini} leads nowhere: the link points to {target}, which is not there")]
    BrokenLink { ini: PathBuf, target: PathBuf },
    #[error("{ini} is a {what}, not a file")]
    NotRegular { ini: PathBuf, what: &'static str },
    #[error("{ini} could not be read: {source}")]
    Unreadable { ini: PathBuf, source: io::Error },
    #[error("{ini} is larger than {} MiB, so it is no ini of MicroSIP's", LARGEST_INI / 1024 / 1024)]
    TooLarge { ini: PathBuf },
    #[error("{ini}: {source}")]
    Encoding { ini: PathBuf, source: EncodingError },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Target(#[from] TargetFault),
    #[error("{0}")]
    Fault(#[from] crate::hook::command::CommandFault),
    #[error("{path}: a password on the command line can be read by other programs")]
    SecretInline { path: KeyPath },
    #[error("{path}: the password could not be read: {source}")]
    SecretUnreadable { path: KeyPath, source: io::Error },
    #[error("{}: no such key: {}", .ini.display(), .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NoSuchKey { ini: PathBuf, missing: Vec<KeyPath>, nearest: Option<String> },
    #[error("{}: no section [{}]", .ini.display(), .section.as_str())]
    NoSuchSection { ini: PathBuf, section: SectionName },
    #[error("{ini} has no backup{which}")]
    NoBackup { ini: PathBuf, which: String },
    #[error("the backups of {ini} could not be listed or removed: {source}")]
    Backups { ini: PathBuf, source: io::Error },
    #[error("{0}")]
    Unverified(#[from] Unverified),
    #[error("{0}")]
    Transaction(Box<TransactionError<Error>>),
}

impl Error {
    /// Whether the ini was written before it went wrong.
    pub fn changed(&self) -> bool {
        matches!(self, Error::Transaction(error) if error.changed())
    }

    fn inner(&self) -> Option<&dyn Problem> {
        Some(match self {
            Error::Locate(error) => error,
            Error::Encoding { source, .. } => source,
            Error::Name(error) => error,
            Error::Value(error) => error,
            Error::Command(error) => error,
            Error::Target(error) => error,
            Error::Fault(error) => error,
            Error::Unverified(error) => error,
            Error::Transaction(error) => &**error,
            _ => return None,
        })
    }
}

impl Problem for Error {
    fn code(&self) -> Code {
        match self {
            Error::NotThere { .. } | Error::BrokenLink { .. } => Code::IniNotFound,
            Error::NotRegular { .. } => Code::FileNotRegular,
            Error::Unreadable { .. } => Code::FileRead,
            Error::TooLarge { .. } => Code::NotAnIni,
            Error::SecretInline { .. } => Code::SecretInline,
            Error::SecretUnreadable { .. } => Code::SecretUnreadable,
            Error::NoSuchKey { .. } | Error::NoSuchSection { .. } => Code::KeyNotFound,
            Error::NoBackup { .. } => Code::NoBackup,
            Error::Backups { .. } => Code::BackupFailed,
            // the rest are somebody else's
            _ => self.inner().map_or(Code::Usage, Problem::code),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::NotThere { .. } => "check the path, or make it with --create".into(),
            Error::BrokenLink { .. } => "mend the link, or name the ini itself".into(),
            Error::NotRegular { .. } => {
                "name MicroSIP's ini, usually …\\AppData\\Roaming\\MicroSIP\\MicroSIP.ini".into()
            }
            Error::Unreadable { .. } => "check who may read it".into(),
            Error::TooLarge { .. } => "check the path".into(),
            Error::SecretInline { path } => {
                format!("give it by {path}=@env:NAME, {path}=@FILE, or on standard input by {path}=@-")
            }
            Error::SecretUnreadable { .. } => "check the name, and that it is UTF-8 text".into(),
            Error::NoSuchKey { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Error::NoSuchKey { .. } | Error::NoSuchSection { .. } => {
                "'msipcfg list' shows what is there".into()
            }
            Error::NoBackup { .. } => "'msipcfg backups' lists them".into(),
            Error::Backups { .. } => "check the folder".into(),
            _ => return self.inner().and_then(Problem::hint),
        })
    }
}

impl From<TransactionError<Error>> for Error {
    fn from(error: TransactionError<Error>) -> Self {
        match error {
            TransactionError::Make(error) => error,
            error => Error::Transaction(Box::new(error)),
        }
    }
}

/// Carries out a request.
///
/// # Errors
/// See [`Error`].
pub fn run(request: Request, outside: &mut Outside<'_>) -> Result<Report, Error> {
    match request {
        Request::Events => Ok(Report::Events(Event::ALL)),
        Request::Keys { pattern } => Ok(Report::Keys(settings::catalogue(pattern.as_deref()))),
        Request::Read { ini, query } => match query {
            Query::Hooks => hooks::show(&ini, outside),
            Query::Get(paths) => settings::get(&ini, &paths, outside),
            Query::List(section) => settings::list(&ini, section.as_ref(), outside),
            Query::Backups { purge } => safety::backups(&ini, purge, outside),
        },
        Request::Write { ini, edit, options } => match edit {
            EditRequest::Restore(choice) => safety::restore(&ini, &choice, options, outside),
            EditRequest::SetHook(set) => hooks::set(&ini, set, options, outside),
            EditRequest::UnsetHooks(events) => hooks::unset(&ini, &events, options, outside),
            EditRequest::Set(values) => settings::set(&ini, values, options, outside),
            EditRequest::Unset(paths) => settings::unset(&ini, paths, options, outside),
        },
    }
}

/// An ini that is there.
pub(crate) struct Ini {
    /// As it was named or found.
    pub path: PathBuf,
    /// The file itself, links followed.
    pub target: PathBuf,
    /// The code page of 8-bit text.
    pub code_page: Option<CodePage>,
}

impl Ini {
    /// The ini that a request is about; it is there.
    pub fn find(choice: &IniChoice, outside: &Outside<'_>) -> Result<Ini, Error> {
        let path = match &choice.path {
            Some(path) => path.clone(),
            None => locate::the_one(outside.surroundings)?,
        };
        Ini::at(path, choice)
    }

    /// The ini that a request is about; with `create` it need not be there.
    pub fn find_or_place(
        choice: &IniChoice,
        create: bool,
        outside: &Outside<'_>,
    ) -> Result<(Ini, bool), Error> {
        let path = match (&choice.path, create) {
            (Some(path), _) => path.clone(),
            (None, false) => locate::the_one(outside.surroundings)?,
            (None, true) => match locate::the_one(outside.surroundings) {
                Err(LocateError::NotFound { .. }) => locate::place_to_create(outside.surroundings)?,
                found => found?,
            },
        };
        match Ini::at(path.clone(), choice) {
            Err(Error::NotThere { .. }) if create => {
                let code_page = choice.code_page;
                let path = std::path::absolute(&path).unwrap_or(path);
                Ok((Ini { target: path.clone(), path, code_page }, false))
            }
            found => Ok((found?, true)),
        }
    }

    fn at(path: PathBuf, choice: &IniChoice) -> Result<Ini, Error> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let unreadable = |source| Error::Unreadable { ini: path.clone(), source };
        let own = match std::fs::symlink_metadata(&path) {
            Err(error) if is_nothing_there(&error) => return Err(Error::NotThere { ini: path }),
            own => own.map_err(unreadable)?,
        };
        let target = if own.is_symlink() {
            match std::fs::canonicalize(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let target = std::fs::read_link(&path).unwrap_or_default();
                    return Err(Error::BrokenLink { ini: path, target });
                }
                target => target.map_err(unreadable)?,
            }
        } else {
            path.clone()
        };
        let metadata = std::fs::metadata(&target).map_err(unreadable)?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "folder" } else { "device or a pipe" };
            return Err(Error::NotRegular { ini: path, what });
        }
        if metadata.len() > LARGEST_INI {
            return Err(Error::TooLarge { ini: path });
        }
        let code_page = choice.code_page.or_else(|| CodePage::from_number(platform::ansi_code_page()?));
        Ok(Ini { path, target, code_page })
    }

    /// Reads and decodes it.
    pub fn read(&self, outside: &Outside<'_>) -> Result<Decoded, Error> {
        let bytes = outside.disk.read(&self.target);
        self.decode(bytes.map_err(|source| Error::Unreadable { ini: self.path.clone(), source })?)
    }

    /// Decodes what is there; where there is nothing, what MicroSIP makes at its first run.
    pub fn decode_or_first_run(&self, current: Option<&[u8]>) -> Result<Decoded, Error> {
        match current {
            Some(bytes) => self.decode(bytes.to_vec()),
            None => self.decode(write::first_run(&SectionName::new("Settings")?).into_bytes()),
        }
    }

    /// Decodes bytes of it.
    pub fn decode(&self, bytes: Vec<u8>) -> Result<Decoded, Error> {
        encoding::decode(bytes, self.code_page)
            .map_err(|source| Error::Encoding { ini: self.path.clone(), source })
    }
}

fn is_nothing_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// An edit as it is worked out for a text.
pub(crate) struct Draft {
    /// The whole file afterwards.
    pub bytes: Vec<u8>,
    /// Whether that is to be written.
    pub is_change: bool,
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// What deserves saying.
    pub notices: Vec<Notice>,
    /// Whether the second reader had a say.
    pub second_opinion: Option<SecondOpinion>,
    /// The backup that this goes back to.
    pub restored: Option<String>,
}

/// Works out an edit for the bytes that are there, if any.
pub(crate) type Drafter<'a> = dyn FnMut(&Ini, Option<&[u8]>) -> Result<Draft, Error> + 'a;

/// Writes an ini: checks everything first, waits, and says what was done. `draft` works out the edit for the
/// bytes that are there, if any; it is asked again whenever they changed.
pub(crate) fn write(
    choice: &IniChoice,
    options: WriteOptions,
    made_by: MadeBy,
    outside: &mut Outside<'_>,
    draft: &mut Drafter<'_>,
) -> Result<Report, Error> {
    let (ini, is_there) = Ini::find_or_place(choice, options.create, outside)?;
    let mut content = Drafting { ini: &ini, draft, last: None };
    let first = if is_there {
        let bytes = outside.disk.read(&ini.target);
        let bytes = bytes.map_err(|source| Error::Unreadable { ini: ini.path.clone(), source })?;
        content.make(Some(&bytes))?
    } else {
        content.make(None)?
    };
    let report = |content: Drafting<'_>, changed: bool, backup: Option<PathBuf>, more: Vec<Notice>| {
        let Draft { changes, lines, mut notices, restored, .. } = content.last.unwrap_or_else(Draft::nothing);
        notices.extend(more);
        let ini = ini.path.clone();
        let dry_run = options.dry_run;
        Ok(Report::Written(Written { ini, changed, dry_run, changes, lines, backup, restored, notices }))
    };
    let mut processes = Processes::default();
    let mut gate = InstanceGate { ini: &ini.target, processes: &mut processes };
    if first.is_none() || options.dry_run {
        let changed = first.is_some();
        let remark = if changed { RunningRemark::DryRun } else { RunningRemark::NothingToChange };
        let more = gate.holders().into_iter().take(1).map(|holder| Notice::from(&remark(holder))).collect();
        return report(content, changed, None, more);
    }
    transaction::check_writable::<Error>(&ini.target)?;
    if !is_there {
        let folder = ini.target.parent().unwrap_or(Path::new("."));
        outside
            .disk
            .create_folders(folder)
            .map_err(|source| Error::Unreadable { ini: folder.into(), source })?;
    }
    let first = content.last.take();
    let stay = outside.now;
    let transaction = Transaction {
        ini: &ini.target,
        disk: outside.disk,
        gate: &mut gate,
        now: stay,
        stop: outside.stop,
        tell: &mut |progress| (outside.tell)(Tale::Progress(progress)),
        options: Options {
            until: Instant::now() + options.timeout,
            backups: Policy { made_by: options.backup.then_some(made_by), keep: options.keep_backups },
        },
    };
    let outcome = transaction.run(&mut content)?;
    if let Some(opinion) = content.last.as_ref().and_then(|draft| draft.second_opinion) {
        (outside.tell)(Tale::SecondOpinion(opinion));
    }
    // what the first reading showed is what this run changed, also where it was made a second time
    if outcome.changed {
        content.last = first.or(content.last);
    }
    report(content, outcome.changed, outcome.backup, Vec::new())
}

impl Draft {
    fn nothing() -> Draft {
        Draft {
            bytes: Vec::new(),
            is_change: false,
            changes: Vec::new(),
            lines: Vec::new(),
            notices: Vec::new(),
            second_opinion: None,
            restored: None,
        }
    }
}

/// The text of an ini for the transaction, with the last draft kept for the report.
struct Drafting<'a> {
    ini: &'a Ini,
    draft: &'a mut Drafter<'a>,
    last: Option<Draft>,
}

impl Content for Drafting<'_> {
    type Error = Error;

    fn make(&mut self, current: Option<&[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let mut draft = (self.draft)(self.ini, current)?;
        let bytes = std::mem::take(&mut draft.bytes);
        let is_change = draft.is_change || current.is_none();
        self.last = Some(draft);
        Ok(is_change.then_some(bytes))
    }

    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8> {
        let texts = [old, saved, current].map(|bytes| self.ini.decode(bytes.to_vec()));
        match texts {
            [Ok(old), Ok(saved), Ok(current)] => {
                plan::merge(&old.document, &saved.document, current.document).into_bytes()
            }
            // what MicroSIP saved is whole in itself
            _ => saved.to_vec(),
        }
    }
}

/// The warning that a MicroSIP uses an ini that did not have to be changed.
#[derive(Debug, thiserror::Error)]
enum RunningRemark {
    #[error("MicroSIP is running ({0}) and may save other values over this when it exits")]
    NothingToChange(Instance),
    #[error("MicroSIP is running ({0}); without --dry-run this would wait until it exits")]
    DryRun(Instance),
}

impl Problem for RunningRemark {
    fn code(&self) -> Code {
        Code::MicrosipRunning
    }

    fn hint(&self) -> Option<String> {
        match self {
            RunningRemark::NothingToChange(_) => {
                Some("exit it by its menu and run this again to be certain".into())
            }
            RunningRemark::DryRun(_) => None,
        }
    }
}

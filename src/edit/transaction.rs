//! Brings an edit to the disk so that at no moment the ini is half there, and no edit and no save of
//! MicroSIP's is lost.
//!
//! The steps and their order are [`Step`]; `docs/safety.md` says what is on the disk if it stops at each. The
//! transaction knows paths and bytes only: what to write comes from a function of what was read, and whether
//! a MicroSIP is there from a [`Gate`].

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use tempfile::TempPath;

use crate::microsip::instances::{Gate, Instance};
use crate::platform::{self, Disk};
use crate::problem::{Code, Problem};

use super::backup::{self, Policy};
use super::lock::{Lock, LockError};

/// The steps of a transaction. Their names stand in errors and in docs/safety.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting until no MicroSIP uses the ini.
    Wait,
    /// Taking the lock, and removing what a killed run left.
    Lock,
    /// Reading the ini.
    Read,
    /// Working out and verifying the new text.
    Plan,
    /// Writing the new text beside the ini, with its owner and access.
    Temp,
    /// Giving the old file a second name.
    Backup,
    /// Looking once more whether a MicroSIP came up or the ini changed.
    LookAgain,
    /// Putting the new file in the place of the old one.
    Replace,
    /// Bringing the change of names to the disk.
    SyncFolder,
    /// Comparing the old file with what was read.
    CompareOld,
    /// Reading the ini again.
    ReadBack,
    /// Looking for a MicroSIP that came up meanwhile.
    LookLast,
    /// Removing surplus backups.
    Prune,
}

impl Step {
    /// Every step in order.
    pub const ALL: &[Step] = &[
        Step::Wait,
        Step::Lock,
        Step::Read,
        Step::Plan,
        Step::Temp,
        Step::Backup,
        Step::LookAgain,
        Step::Replace,
        Step::SyncFolder,
        Step::CompareOld,
        Step::ReadBack,
        Step::LookLast,
        Step::Prune,
    ];

    /// The name in errors and docs.
    pub fn name(self) -> &'static str {
        match self {
            Step::Wait => "wait",
            Step::Lock => "lock",
            Step::Read => "read",
            Step::Plan => "plan",
            Step::Temp => "temp",
            Step::Backup => "backup",
            Step::LookAgain => "look-again",
            Step::Replace => "replace",
            Step::SyncFolder => "sync-folder",
            Step::CompareOld => "compare-old",
            Step::ReadBack => "read-back",
            Step::LookLast => "look-last",
            Step::Prune => "prune",
        }
    }
}

/// What a transaction tells while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins.
    Step(Step),
    /// These instances hold up the ini, until this moment at the latest.
    Waiting { holders: &'a [Instance], until: Instant },
    /// Something wrote to the ini meanwhile; the edit is made again on top of that.
    Redo,
}

/// How a transaction goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// When waiting for MicroSIP ends.
    pub until: Instant,
    /// What to do with backups.
    pub backups: Policy,
}

/// What a transaction did.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the ini was written.
    pub changed: bool,
    /// The backup that was made and kept.
    pub backup: Option<PathBuf>,
}

/// Why a transaction did not end well. `changed` says whether the ini was written before that.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError<E> {
    #[error("MicroSIP is still running ({}) and uses {ini}", list(.holders))]
    Running { ini: PathBuf, holders: Vec<Instance> },
    #[error(
        "{ini} was written, but MicroSIP came up meanwhile ({}) and may save its old settings over it",
        list(.holders)
    )]
    MayBeUndone { ini: PathBuf, holders: Vec<Instance> },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("{}: {path} {what}: {source}", .step.name())]
    Io { step: Step, path: PathBuf, what: &'static str, changed: bool, source: io::Error },
    #[error("{ini} is marked read-only")]
    ReadOnly { ini: PathBuf },
    #[error("{ini} keeps changing: something writes to it all the time")]
    KeepsChanging { ini: PathBuf, changed: bool },
    #[error("interrupted; the ini is whole")]
    Stopped { changed: bool },
    #[error("{0}")]
    Make(E),
}

impl<E: Problem> TransactionError<E> {
    /// Whether the ini was written before it went wrong.
    pub fn changed(&self) -> bool {
        match self {
            TransactionError::MayBeUndone { .. } => true,
            TransactionError::Io { changed, .. }
            | TransactionError::KeepsChanging { changed, .. }
            | TransactionError::Stopped { changed } => *changed,
            _ => false,
        }
    }
}

impl<E: Problem> Problem for TransactionError<E> {
    fn code(&self) -> Code {
        match self {
            TransactionError::Running { .. } => Code::MicrosipRunning,
            TransactionError::MayBeUndone { .. } => Code::EditMayBeUndone,
            TransactionError::Lock(error) => error.code(),
            TransactionError::Io { step: Step::Read, .. } => Code::FileRead,
            TransactionError::Io { step: Step::Backup | Step::Prune, .. } => Code::BackupFailed,
            TransactionError::Io { .. } | TransactionError::KeepsChanging { .. } => Code::FileWrite,
            TransactionError::ReadOnly { .. } => Code::FileReadOnly,
            TransactionError::Stopped { .. } => Code::Interrupted,
            TransactionError::Make(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            TransactionError::Running { .. } => Some(
                "exit MicroSIP by its menu (the X only hides it), or give it longer with --timeout".into(),
            ),
            TransactionError::MayBeUndone { .. } => {
                Some("exit MicroSIP by its menu, then run the same command again".into())
            }
            TransactionError::Lock(error) => error.hint(),
            TransactionError::Io { source, changed, .. } => Some(io_hint(source, *changed)),
            TransactionError::KeepsChanging { .. } => {
                Some("end the program that does so, then run this again".into())
            }
            TransactionError::ReadOnly { .. } => {
                Some("take the read-only mark off, then run this again".into())
            }
            TransactionError::Stopped { .. } => None,
            TransactionError::Make(error) => error.hint(),
        }
    }
}

fn io_hint(error: &io::Error, changed: bool) -> String {
    let whole = if changed { "the ini was written and is whole" } else { "the ini was not touched" };
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on the disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "check that you may write to this folder, that nothing else has the file open, or run this as its owner"
        }
        _ => "check the disk and the folder",
    };
    format!("{whole}; {advice}, then run this again")
}

fn list(holders: &[Instance]) -> String {
    let shown: Vec<_> = holders.iter().map(Instance::to_string).collect();
    shown.join(", ")
}

/// One edit of one ini.
pub struct Transaction<'a> {
    /// The ini itself, links followed.
    pub ini: &'a Path,
    /// The disk.
    pub disk: &'a dyn Disk,
    /// Who uses the ini.
    pub gate: &'a mut dyn Gate,
    /// The clock, for the names of backups.
    pub now: &'a dyn Fn() -> SystemTime,
    /// Whether the user wants it to stop.
    pub stop: &'a dyn Fn() -> bool,
    /// Who is told how it goes.
    pub tell: &'a mut dyn FnMut(Progress<'_>),
    /// How to go about it.
    pub options: Options,
}

/// What a transaction asks about the text it moves.
pub trait Content {
    /// Why it cannot answer.
    type Error: Problem;

    /// The new bytes for an ini with these (`None`: there is no file), or `None` where nothing is to change.
    /// Asked again whenever the ini changed meanwhile.
    fn make(&mut self, current: Option<&[u8]>) -> Result<Option<Vec<u8>>, Self::Error>;

    /// What MicroSIP changed from `old` to `saved`, put on top of `current`.
    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8>;
}

/// Whether this user may replace the ini, as far as it shows before trying.
///
/// # Errors
/// When the ini or its folder is read-only for this user.
pub fn check_writable<E>(ini: &Path) -> Result<(), TransactionError<E>> {
    if std::fs::metadata(ini).is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(TransactionError::ReadOnly { ini: ini.to_path_buf() });
    }
    for path in [ini, folder_of(ini)] {
        if path.exists() && platform::is_access_denied_by_mode(path) {
            return Err(TransactionError::Io {
                step: Step::Temp,
                path: path.to_path_buf(),
                what: "may not be written to by this user",
                changed: false,
                source: io::ErrorKind::PermissionDenied.into(),
            });
        }
    }
    Ok(())
}

impl Transaction<'_> {
    /// Carries out the edit.
    ///
    /// # Errors
    /// See [`TransactionError`]. The ini then holds the old bytes or the new ones, whole.
    pub fn run<C: Content>(self, content: &mut C) -> Result<Outcome, TransactionError<C::Error>> {
        check_writable(self.ini)?;
        let mut run = Run { it: self, done: Outcome { changed: false, backup: None }, must_finish: false };
        loop {
            run.wait()?;
            match run.replace(content)? {
                Go::Again => continue,
                Go::NothingToChange => return run.prune(),
                Go::Replaced => {}
            }
            run.tell_step(Step::LookLast);
            if run.it.gate.holders().is_empty() {
                return run.prune();
            }
            // it may have read the old ini: when it exits, that shows, and the edit is made again if need be
        }
    }
}

/// How one stay under the lock ended.
enum Go {
    /// The ini is new.
    Replaced,
    /// The ini is as it should be.
    NothingToChange,
    /// A MicroSIP came up: it is to be waited for, without the lock.
    Again,
}

/// A file that something else writes to faster than it can be edited is given up after so many goes.
const MOST_GOES: usize = 50;

struct Run<'b> {
    it: Transaction<'b>,
    done: Outcome,
    /// Something that MicroSIP saved is not on the disk: a wish to stop is not heard now.
    must_finish: bool,
}

impl<'b> Run<'b> {
    /// Waits until nobody uses the ini.
    fn wait<E>(&mut self) -> Result<(), TransactionError<E>> {
        self.step(Step::Wait)?;
        loop {
            let holders = self.it.gate.holders();
            if holders.is_empty() {
                return Ok(());
            }
            let left = self.it.options.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let ini = self.it.ini.to_path_buf();
                return Err(match self.done.changed {
                    true => TransactionError::MayBeUndone { ini, holders },
                    false => TransactionError::Running { ini, holders },
                });
            }
            (self.it.tell)(Progress::Waiting { holders: &holders, until: self.it.options.until });
            self.it.gate.pause(&holders, left);
            self.check_stop()?;
        }
    }

    /// One stay under the lock.
    fn replace<C: Content>(&mut self, content: &mut C) -> Result<Go, TransactionError<C::Error>> {
        self.step(Step::Lock)?;
        let folder = folder_of(self.it.ini);
        self.it
            .disk
            .create_folders(folder)
            .map_err(|source| self.io(Step::Lock, folder, "could not be made", source))?;
        let _lock = Lock::acquire(self.it.ini, self.it.disk, self.it.stop)?;
        self.remove_leftovers();
        let mut is_replaced = false;
        // what was read, and what MicroSIP had made of it when it was replaced
        let mut missed: Option<(Vec<u8>, Vec<u8>)> = None;
        for _ in 0..MOST_GOES {
            self.step(Step::Read)?;
            let current = self.read()?;
            self.step(Step::Plan)?;
            let merged = match (&missed, &current) {
                (Some((old, saved)), Some(current)) => Some(content.merge(old, saved, current)),
                _ => None,
            };
            let base = merged.as_ref().or(current.as_ref());
            let made = content.make(base.map(Vec::as_slice)).map_err(TransactionError::Make)?;
            let Some(new) = made.or(merged).filter(|new| Some(new) != current.as_ref()) else {
                return Ok(if is_replaced { Go::Replaced } else { Go::NothingToChange });
            };
            self.step(Step::Temp)?;
            let temp = self.write_temp(&new)?;
            self.step(Step::Backup)?;
            let old = self.keep_old(current.as_deref())?;
            self.step(Step::LookAgain)?;
            if self.read()? != current {
                (self.it.tell)(Progress::Redo);
                continue;
            }
            // what was missed is only on the disk again once this go has ended
            if missed.is_none() && !self.it.gate.holders().is_empty() {
                (self.it.tell)(Progress::Redo);
                return Ok(Go::Again);
            }
            self.step(Step::Replace)?;
            match self.put_in_place(temp, current.is_none()) {
                Ok(()) => {}
                Err(error) if current.is_none() && error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => {
                    return Err(self.io(Step::Replace, self.it.ini, "could not be replaced", source));
                }
            }
            // from here on the ini is new, and a wish to stop waits until it is certain to stay so
            self.done.changed = true;
            is_replaced = true;
            self.tell_step(Step::SyncFolder);
            let synced = self.it.disk.sync_folder(folder_of(self.it.ini));
            self.tell_step(Step::CompareOld);
            let saved = old.read();
            self.done.backup = old.keep().or(self.done.backup.take());
            synced.map_err(|source| {
                self.io(Step::SyncFolder, folder_of(self.it.ini), "could not be synced", source)
            })?;
            let saved = saved.map_err(|source| {
                self.io(Step::CompareOld, self.it.ini, "was replaced, its old file is unreadable", source)
            })?;
            missed = match (current, saved) {
                (Some(read), Some(saved)) if read != saved => Some((read, saved)),
                _ => None,
            };
            self.must_finish = missed.is_some();
            self.tell_step(Step::ReadBack);
            if missed.is_none() && self.read()?.as_ref() == Some(&new) {
                return Ok(Go::Replaced);
            }
            (self.it.tell)(Progress::Redo);
        }
        Err(TransactionError::KeepsChanging { ini: self.it.ini.to_path_buf(), changed: self.done.changed })
    }

    fn write_temp<E>(&mut self, bytes: &[u8]) -> Result<TempPath, TransactionError<E>> {
        let (ini, disk) = (self.it.ini, self.it.disk);
        let (prefix, suffix) = temp_name(ini);
        let write = || -> io::Result<TempPath> {
            let mut temp = disk.create_temp(folder_of(ini), &prefix, suffix)?;
            disk.write(temp.as_file_mut(), bytes)?;
            let model = ini.exists().then_some(ini);
            disk.adopt(model, temp.as_file(), temp.path())?;
            disk.sync(temp.as_file())?;
            Ok(temp.into_temp_path())
        };
        write().map_err(|source| self.io(Step::Temp, folder_of(ini), "could not take the new file", source))
    }

    /// Gives the old file a second name: the backup's, or one that goes again where no backup is wanted. It
    /// also shows later whether MicroSIP wrote to the old file until it was replaced.
    fn keep_old<E>(&mut self, bytes: Option<&[u8]>) -> Result<OldFile<'b>, TransactionError<E>> {
        let disk = self.it.disk;
        let old = |path: Option<PathBuf>, is_linked, is_backup| OldFile { disk, path, is_linked, is_backup };
        let Some(bytes) = bytes else { return Ok(old(None, false, false)) };
        let policy = self.it.options.backups;
        let Some(made_by) = policy.made_by.filter(|_| policy.keep > 0 && self.done.backup.is_none()) else {
            let (prefix, suffix) = temp_name(self.it.ini);
            let path = self.it.ini.with_file_name(format!("{prefix}old{suffix}"));
            // without hard links the old file cannot be looked at later
            let is_linked = disk.link(self.it.ini, &path).is_ok();
            return Ok(old(is_linked.then_some(path), is_linked, false));
        };
        let path = backup::free_name(self.it.ini, made_by, (self.it.now)());
        let is_linked = disk.link(self.it.ini, &path).is_ok();
        if !is_linked {
            // a disk without hard links
            self.copy_old(&path, bytes)
                .map_err(|source| self.io(Step::Backup, &path, "could not be written", source))?;
        }
        Ok(old(Some(path), is_linked, true))
    }

    fn copy_old(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let disk = self.it.disk;
        let mut file = disk.create_new(path)?;
        let copied = disk
            .adopt(Some(self.it.ini), &file, path)
            .and_then(|()| disk.write(&mut file, bytes))
            .and_then(|()| disk.sync(&file));
        copied.inspect_err(|_| {
            let _ = disk.remove(path);
        })
    }

    fn put_in_place(&self, mut temp: TempPath, is_new: bool) -> io::Result<()> {
        if is_new {
            match self.it.disk.link(&temp, self.it.ini) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                // a disk without hard links
                Err(_) => {}
            }
        }
        self.it.disk.replace(&temp, self.it.ini)?;
        // the name is gone
        temp.disable_cleanup(true);
        Ok(())
    }

    /// Temporary files and unfinished backups of a run that was killed. Only done while the lock is held, so
    /// they are nobody else's; one that cannot be removed harms nobody.
    fn remove_leftovers(&self) {
        let (prefix, suffix) = temp_name(self.it.ini);
        for name in platform::names_in(folder_of(self.it.ini), &prefix).unwrap_or_default() {
            if name.ends_with(suffix) {
                let _ = self.it.disk.remove(&self.it.ini.with_file_name(name));
            }
        }
        let _ = backup::remove_unfinished(self.it.ini, self.it.disk);
    }

    fn prune<E>(mut self) -> Result<Outcome, TransactionError<E>> {
        if self.done.changed && self.done.backup.is_some() {
            self.tell_step(Step::Prune);
            let gone =
                backup::prune(self.it.ini, self.it.options.backups.keep, self.it.disk).map_err(|source| {
                    self.io(Step::Prune, self.it.ini, "has surplus backups that could not be removed", source)
                })?;
            if gone.iter().any(|backup| Some(&backup.path) == self.done.backup.as_ref()) {
                self.done.backup = None;
            }
        }
        Ok(self.done)
    }

    fn read<E>(&self) -> Result<Option<Vec<u8>>, TransactionError<E>> {
        match self.it.disk.read(self.it.ini) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.io(Step::Read, self.it.ini, "could not be read", source)),
        }
    }

    /// A step before which a wish to stop is heard.
    fn step<E>(&mut self, step: Step) -> Result<(), TransactionError<E>> {
        self.check_stop()?;
        self.tell_step(step);
        Ok(())
    }

    fn tell_step(&mut self, step: Step) {
        (self.it.tell)(Progress::Step(step));
    }

    fn check_stop<E>(&self) -> Result<(), TransactionError<E>> {
        if (self.it.stop)() && !self.must_finish {
            Err(TransactionError::Stopped { changed: self.done.changed })
        } else {
            Ok(())
        }
    }

    fn io<E>(&self, step: Step, path: &Path, what: &'static str, source: io::Error) -> TransactionError<E> {
        TransactionError::Io { step, path: path.to_path_buf(), what, changed: self.done.changed, source }
    }
}

/// The old file after it was given a second name, which goes again when this is dropped.
struct OldFile<'a> {
    disk: &'a dyn Disk,
    /// The second name; none where there was no file, or it could not be given one.
    path: Option<PathBuf>,
    /// Whether it is the same file, and not a copy.
    is_linked: bool,
    /// Whether the name is a backup's.
    is_backup: bool,
}

impl OldFile<'_> {
    /// What the old file held when it was replaced, as far as it can be seen.
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        self.path.as_ref().filter(|_| self.is_linked).map(|path| self.disk.read(path)).transpose()
    }

    /// The ini was replaced: a backup stays, any other name goes.
    fn keep(mut self) -> Option<PathBuf> {
        self.path.take_if(|_| self.is_backup)
    }
}

impl Drop for OldFile<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = self.disk.remove(path);
        }
    }
}

fn temp_name(ini: &Path) -> (String, &'static str) {
    (format!(".{}.", ini.file_name().unwrap_or_default().to_string_lossy()), ".msipcfg-tmp")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

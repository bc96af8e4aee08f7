//! Brings an edit to the disk so that at no moment the ini is half there, and no edit and no save of
//! MicroSIP's is lost.
//!
//! The steps and their order are [`Step`]; `docs/safety.md` says what is on the disk if it stops at each. The
//! transaction knows paths and bytes only: what to write comes from a function of what was read, and whether
//! a MicroSIP is there from a [`InstanceGuard`].

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use tempfile::TempPath;

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::microsip::guard::InstanceGuard;
use crate::microsip::instances::Instance;
use crate::platform::{self, FileSystem};

use super::backup::{self, MadeBy, Policy};
use super::lock::{Lock, LockError, folder_of, lock_path, temp_name};

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
    /// Removing surplus backups.
    Prune,
    /// Looking for a MicroSIP that came up meanwhile.
    LookLast,
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
        Step::Prune,
        Step::LookLast,
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
    Waiting { blockers: &'a [Instance], until: Instant },
    /// Something deserves saying at once.
    Warning(Diagnostic),
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

/// A transaction that did not end well. The ini holds the old bytes or the new ones, whole.
#[derive(Debug)]
pub struct Failure<E> {
    /// The ini.
    pub ini: PathBuf,
    /// Whether it was written before it went wrong.
    pub changed: bool,
    /// What went wrong.
    pub cause: Cause<E>,
}

/// What stops a transaction.
#[derive(Debug)]
pub enum Cause<E> {
    /// A MicroSIP uses the ini.
    Running(Vec<Instance>),
    /// There is no lock.
    Lock(LockError),
    /// The disk refuses.
    Io { step: Step, path: PathBuf, what: &'static str, source: io::Error },
    /// The ini is marked read-only.
    ReadOnly,
    /// Something writes to the ini all the time.
    KeepsChanging,
    /// The user wants it to stop.
    Stopped,
    /// The edit could not be worked out.
    Make(E),
}

impl<E> Failure<E> {
    /// The same with other paths: the ini may be opened by another than people know.
    pub fn with_paths(mut self, known_as: impl Fn(&Path) -> PathBuf) -> Self {
        self.ini = known_as(&self.ini);
        match &mut self.cause {
            Cause::Io { path, .. }
            | Cause::Lock(LockError::Io { path, .. } | LockError::Pinned { ini: path }) => {
                *path = known_as(path);
            }
            _ => {}
        }
        self
    }
}

impl<E: ToDiagnostic> std::fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ini = self.ini.display();
        let was = if self.changed { "was written, but" } else { "was not changed:" };
        match &self.cause {
            Cause::Running(blockers) if self.changed => write!(
                f,
                "{ini} was written, but MicroSIP came up meanwhile ({}) and may save its old settings over it",
                list(blockers)
            ),
            Cause::Running(blockers) => {
                write!(f, "MicroSIP is still running ({}) and uses {ini}", list(blockers))
            }
            Cause::Lock(error) if self.changed => write!(f, "{ini} {was} {error}"),
            Cause::Lock(error) => write!(f, "{error}"),
            Cause::Io { step, path, what, source } => {
                write!(f, "{ini} {was} {} {what}: {source} (step {})", path.display(), step.name())
            }
            Cause::ReadOnly => write!(f, "{ini} is marked read-only"),
            Cause::KeepsChanging => write!(f, "{ini} {was} something else writes to it all the time"),
            Cause::Stopped => write!(f, "interrupted; {ini} is whole"),
            Cause::Make(error) if self.changed => write!(f, "{ini} {was} {error}"),
            Cause::Make(error) => write!(f, "{error}"),
        }
    }
}

impl<E: ToDiagnostic> ToDiagnostic for Failure<E> {
    fn code(&self) -> Code {
        match &self.cause {
            Cause::Running(_) if self.changed => Code::EditMayBeUndone,
            Cause::Running(_) => Code::MicrosipRunning,
            Cause::Lock(error) => error.code(),
            Cause::Io { step: Step::Read, .. } => Code::FileRead,
            Cause::Io { step: Step::Backup | Step::Prune, .. } => Code::BackupFailed,
            Cause::Io { .. } | Cause::KeepsChanging => Code::FileWrite,
            Cause::ReadOnly => Code::FileReadOnly,
            Cause::Stopped => Code::Interrupted,
            Cause::Make(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.cause {
            Cause::Running(_) if self.changed => {
                "exit MicroSIP by its menu, then run the same command again".into()
            }
            Cause::Running(_) => {
                let ask = if platform::CAN_REACH_WINDOWS { "have it asked with --close, " } else { "" };
                format!(
                    "exit MicroSIP by its menu (the X only hides it), {ask}or give it longer with --timeout"
                )
            }
            Cause::Lock(error) => return error.hint(),
            Cause::Io { source, .. } => io_hint(source, self.changed),
            Cause::KeepsChanging => "end the program that does so, then run this again".into(),
            Cause::ReadOnly => "take the read-only mark off, then run this again".into(),
            Cause::Stopped => return None,
            Cause::Make(error) => return error.hint(),
        })
    }
}

fn io_hint(error: &io::Error, changed: bool) -> String {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on the disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "check that you may write to this folder, that nothing else has the file open, or run this as its owner"
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "name another path: a file is where a folder is to be"
        }
        _ => "check the disk and the folder",
    };
    if changed { format!("the ini is whole; {advice}") } else { format!("{advice}, then run this again") }
}

fn list(blockers: &[Instance]) -> String {
    let shown: Vec<_> = blockers.iter().map(Instance::to_string).collect();
    shown.join(", ")
}

/// One edit of one ini.
pub struct Transaction<'a> {
    /// The ini itself, links followed.
    pub ini: &'a Path,
    /// The disk.
    pub fs: &'a dyn FileSystem,
    /// Who uses the ini.
    pub gate: &'a mut dyn InstanceGuard,
    /// The clock, for the names of backups.
    pub now: &'a dyn Fn() -> SystemTime,
    /// Whether the user wants it to stop.
    pub stop: &'a dyn Fn() -> bool,
    /// Who is told how it goes.
    pub report: &'a mut dyn FnMut(Progress<'_>),
    /// How to go about it.
    pub options: Options,
    /// What the caller read and made of it already. The first go begins with that; if the ini is another by
    /// then, it is read anew.
    pub prepared: Option<Prepared>,
}

/// An ini that was read, and what is to become of it.
pub struct Prepared {
    /// What was read.
    pub current: Vec<u8>,
    /// What is to become of it.
    pub new: New,
}

/// What is to become of an ini.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum New {
    /// A file with these bytes.
    Text(Vec<u8>),
    /// No file. What was in it stays in its backup.
    Gone,
}

impl New {
    /// The bytes of the file, if there is to be one.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            New::Text(bytes) => Some(bytes),
            New::Gone => None,
        }
    }
}

/// What a transaction asks about the text it moves.
pub trait Content {
    /// Why it cannot answer.
    type Error: ToDiagnostic;

    /// What is to become of an ini with these bytes (`None`: there is no file), or `None` where nothing is to change.
    /// Asked again whenever the ini changed meanwhile.
    fn make(&mut self, current: Option<&[u8]>) -> Result<Option<New>, Self::Error>;

    /// What MicroSIP changed from `old` to `saved`, put on top of `current`.
    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8>;
}

impl Transaction<'_> {
    /// Carries out the edit.
    ///
    /// # Errors
    /// See [`Cause`].
    pub fn run<C: Content>(self, content: &mut C) -> Result<Outcome, Failure<C::Error>> {
        let ini = self.ini;
        let mut run = Run {
            it: self,
            done: Outcome { changed: false, backup: None },
            must_finish: false,
            rescued: None,
        };
        match run.until_it_stays(content) {
            Ok(()) => Ok(run.done),
            Err(cause) => Err(Failure { ini: ini.to_path_buf(), changed: run.done.changed, cause }),
        }
    }
}

/// Removes what a killed run left, if anything: an edit that finds nothing to change does not come by it.
pub fn remove_leftovers(ini: &Path, fs: &dyn FileSystem) {
    let has_unfinished = || backup::unfinished(ini, fs).is_ok_and(|backups| !backups.is_empty());
    if !leftovers(ini, fs).is_empty() || Lock::is_there(ini, fs) || has_unfinished() {
        // whoever holds the lock sees to it
        if let Some(_lock) = Lock::try_now(ini, fs) {
            remove_leftovers_under_lock(ini, fs);
        }
    }
}

/// What a killed run left; nothing while another run works on the ini.
pub fn left_behind(ini: &Path, fs: &dyn FileSystem) -> Vec<PathBuf> {
    if Lock::is_held(ini, fs) {
        return Vec::new();
    }
    let mut left = leftovers(ini, fs);
    left.extend(backup::unfinished(ini, fs).unwrap_or_default());
    left.extend(Lock::is_there(ini, fs).then(|| lock_path(ini)));
    left
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
    /// Where that is meanwhile, if it is in no backup that was wanted. It stays if the run fails.
    rescued: Option<PathBuf>,
}

impl<'b> Run<'b> {
    fn until_it_stays<C: Content>(&mut self, content: &mut C) -> Result<(), Cause<C::Error>> {
        self.check_writable()?;
        loop {
            self.wait()?;
            match self.replace(content)? {
                Go::Again => continue,
                Go::NothingToChange => return Ok(()),
                Go::Replaced => {}
            }
            self.tell_step(Step::LookLast);
            if self.it.gate.blockers().is_empty() {
                return Ok(());
            }
            // it may have read the old ini: when it exits, that shows, and the edit is made again if need be
        }
    }

    /// What shows before trying: nobody should wait for an edit that cannot be.
    fn check_writable<E>(&self) -> Result<(), Cause<E>> {
        let ini = self.it.ini;
        if self.it.fs.metadata(ini).is_ok_and(|metadata| metadata.is_readonly) {
            return Err(Cause::ReadOnly);
        }
        let denied = [ini, folder_of(ini)].into_iter().find(|path| platform::is_access_denied_by_mode(path));
        match denied {
            Some(path) => {
                let source = io::ErrorKind::PermissionDenied.into();
                Err(io_cause(Step::Temp, path, "may not be written to by this user", source))
            }
            None => Ok(()),
        }
    }

    /// Waits until nobody uses the ini.
    fn wait<E>(&mut self) -> Result<(), Cause<E>> {
        self.step(Step::Wait)?;
        loop {
            let blockers = self.it.gate.blockers();
            if blockers.is_empty() {
                return Ok(());
            }
            self.wait_for(blockers)?;
        }
    }

    /// Waits until it is time to look again who uses the ini.
    fn wait_for<E>(&mut self, blockers: Vec<Instance>) -> Result<(), Cause<E>> {
        let until = self.it.options.until;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Cause::Running(blockers));
            }
            for remark in self.it.gate.close(&blockers) {
                (self.it.report)(Progress::Warning(remark));
            }
            (self.it.report)(Progress::Waiting { blockers: &blockers, until });
            let is_time_to_look = self.it.gate.pause(&blockers, left);
            self.check_stop()?;
            if is_time_to_look {
                return Ok(());
            }
        }
    }

    /// One stay under the lock.
    fn replace<C: Content>(&mut self, content: &mut C) -> Result<Go, Cause<C::Error>> {
        self.step(Step::Lock)?;
        let (ini, fs) = (self.it.ini, self.it.fs);
        let folder = folder_of(ini);
        fs.create_folders(folder)
            .map_err(|source| io_cause(Step::Lock, folder, "could not be made", source))?;
        let _lock = Lock::acquire(ini, fs, self.it.stop).map_err(Cause::Lock)?;
        remove_leftovers_under_lock(ini, fs);
        let go = self.replace_under_lock(content)?;
        self.must_finish = false;
        if let Some(rescued) = self.rescued.take() {
            // all of it is on the disk again
            let _ = fs.remove(&rescued);
        }
        if matches!(go, Go::Replaced) {
            self.prune()?;
        }
        Ok(go)
    }

    fn replace_under_lock<C: Content>(&mut self, content: &mut C) -> Result<Go, Cause<C::Error>> {
        let (ini, fs) = (self.it.ini, self.it.fs);
        let mut is_replaced = false;
        // what was read, and what MicroSIP had made of it when it was replaced
        let mut missed: Option<(Vec<u8>, Vec<u8>)> = None;
        for _ in 0..MOST_GOES {
            self.step(Step::Read)?;
            let prepared = self.it.prepared.take();
            let (current, prepared) = match prepared {
                Some(Prepared { current, new }) => (Some(current), Some(new)),
                None => (self.read()?, None),
            };
            self.step(Step::Plan)?;
            let merged = match (&missed, &current) {
                (Some((old, saved)), Some(current)) => Some(content.merge(old, saved, current)),
                _ => None,
            };
            let base = merged.as_ref().or(current.as_ref());
            let made = match prepared {
                Some(new) => Some(new),
                None => content.make(base.map(Vec::as_slice)).map_err(Cause::Make)?,
            };
            let new = made.or(merged.map(New::Text)).filter(|new| new.bytes() != current.as_deref());
            let Some(new) = new else {
                return Ok(if is_replaced { Go::Replaced } else { Go::NothingToChange });
            };
            self.step(Step::Temp)?;
            let temp = new.bytes().map(|bytes| self.write_temp(bytes, current.is_some())).transpose();
            let Some(temp) = self.unless_moved_on(temp, &current)? else { continue };
            self.step(Step::Backup)?;
            let old = self.keep_old(current.as_deref());
            let Some(old) = self.unless_moved_on(old, &current)? else { continue };
            self.step(Step::LookAgain)?;
            if !self.is_still(current.as_deref())? {
                (self.it.report)(Progress::Redo);
                continue;
            }
            // what was missed is only on the disk again once this go has ended
            if missed.is_none() && !self.it.gate.blockers().is_empty() {
                (self.it.report)(Progress::Redo);
                return Ok(Go::Again);
            }
            self.step(Step::Replace)?;
            let (replaced, refusal) = match temp {
                Some(temp) => (self.put_in_place(temp, current.is_none()), "could not be replaced"),
                None => (fs.remove(ini), "could not be removed"),
            };
            match replaced {
                Ok(()) => {}
                Err(error) if current.is_none() && error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => return Err(io_cause(Step::Replace, ini, refusal, source)),
            }
            // from here on the ini is new, and a wish to stop waits until it is certain to stay so
            self.done.changed = true;
            is_replaced = true;
            self.tell_step(Step::SyncFolder);
            let synced = fs.sync_folder(folder_of(ini));
            self.tell_step(Step::CompareOld);
            let saved = current.as_deref().map_or(Ok(None), |read| old.read_if_not(read));
            missed = match (current, &saved) {
                // what it wrote to a file that goes is in the backup
                (Some(read), Ok(Some(saved))) if new != New::Gone => Some((read, saved.clone())),
                _ => None,
            };
            self.must_finish = missed.is_some();
            self.put_aside(old, missed.is_some());
            synced.map_err(|source| {
                io_cause(Step::SyncFolder, folder_of(ini), "could not be synced", source)
            })?;
            saved.map_err(|source| {
                io_cause(Step::CompareOld, ini, "could not be compared with its old file", source)
            })?;
            self.tell_step(Step::ReadBack);
            if missed.is_none() && self.is_still(new.bytes())? {
                return Ok(Go::Replaced);
            }
            (self.it.report)(Progress::Redo);
        }
        Err(Cause::KeepsChanging)
    }

    /// What a step on the old file gave, or nothing if that is because the file is no longer there.
    fn unless_moved_on<T, E>(
        &mut self,
        result: Result<T, Cause<E>>,
        current: &Option<Vec<u8>>,
    ) -> Result<Option<T>, Cause<E>> {
        match result {
            Err(Cause::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound
                    && current.is_some()
                    && !self.it.fs.exists(self.it.ini) =>
            {
                (self.it.report)(Progress::Redo);
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// The new text in a file beside the ini, with the ini's owner and access.
    fn write_temp<E>(&mut self, bytes: &[u8], is_there: bool) -> Result<TempPath, Cause<E>> {
        self.write_beside(bytes, is_there).map_err(|source| {
            io_cause(Step::Temp, folder_of(self.it.ini), "could not take the new file", source)
        })
    }

    /// A temporary file, readable for nobody else until it has the ini's owner and access.
    fn write_beside(&self, bytes: &[u8], is_there: bool) -> io::Result<TempPath> {
        let (ini, fs) = (self.it.ini, self.it.fs);
        let (prefix, suffix) = temp_name(ini);
        let mut temp = fs.create_temp(folder_of(ini), &prefix, suffix)?;
        fs.write(temp.as_file_mut(), bytes)?;
        fs.adopt(is_there.then_some(ini), temp.as_file(), temp.path())?;
        fs.sync(temp.as_file())?;
        Ok(temp.into_temp_path())
    }

    /// Gives the old file a second name: the backup's, or one that goes again where no backup is wanted. It
    /// also shows later whether MicroSIP wrote to the old file until it was replaced.
    fn keep_old<E>(&mut self, bytes: Option<&[u8]>) -> Result<OldFile<'b>, Cause<E>> {
        let (ini, fs) = (self.it.ini, self.it.fs);
        let old = |path: Option<PathBuf>, is_linked, is_backup| OldFile { fs, path, is_linked, is_backup };
        let Some(bytes) = bytes else { return Ok(old(None, false, false)) };
        let policy = self.it.options.backups;
        let Some(made_by) = policy.made_by.filter(|_| policy.keep > 0 && self.done.backup.is_none()) else {
            let (mut name, suffix) = temp_name(ini);
            name.push("old");
            name.push(suffix);
            let path = ini.with_file_name(name);
            // without hard links the old file cannot be looked at later
            let is_linked = fs.link(ini, &path).is_ok();
            return Ok(old(is_linked.then_some(path), is_linked, false));
        };
        let path = backup::free_name(ini, made_by, (self.it.now)(), fs);
        let is_linked = fs.link(ini, &path).is_ok();
        if !is_linked {
            // a disk without hard links: a copy, which has the backup's name only when it is whole
            self.write_beside(bytes, true)
                .and_then(|temp| platform::move_to(fs, temp, &path))
                .map_err(|source| io_cause(Step::Backup, &path, "could not be written", source))?;
        }
        Ok(old(Some(path), is_linked, true))
    }

    /// The ini was replaced: a backup stays, any other name goes, unless the old file holds what is missed.
    fn put_aside(&mut self, mut old: OldFile<'b>, is_missed: bool) {
        if old.is_backup {
            self.done.backup = old.path.take();
        } else if let Some(scratch) = old.path.as_ref().filter(|_| is_missed) {
            let path = backup::free_name(self.it.ini, MadeBy::Edit, (self.it.now)(), self.it.fs);
            if self.it.fs.link(scratch, &path).is_ok() {
                self.rescued.get_or_insert(path);
            }
        }
    }

    fn put_in_place(&self, temp: TempPath, is_new: bool) -> io::Result<()> {
        if is_new {
            match self.it.fs.link(&temp, self.it.ini) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                // a disk without hard links
                Err(_) => {}
            }
        }
        platform::move_to(self.it.fs, temp, self.it.ini)
    }

    /// Removes surplus backups, under the lock: nobody else does so at the same time.
    fn prune<E>(&mut self) -> Result<(), Cause<E>> {
        let policy = self.it.options.backups;
        if policy.made_by.is_none() {
            return Ok(());
        }
        (self.it.report)(Progress::Step(Step::Prune));
        let made = self.done.backup.as_deref();
        let gone = backup::prune(self.it.ini, policy.keep, made, self.it.fs);
        let gone = gone.map_err(|source| {
            io_cause(
                Step::Prune,
                folder_of(self.it.ini),
                "has surplus backups that could not be removed",
                source,
            )
        })?;
        self.done.backup.take_if(|made| gone.contains(made));
        Ok(())
    }

    fn read<E>(&self) -> Result<Option<Vec<u8>>, Cause<E>> {
        match self.it.fs.read(self.it.ini) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_cause(Step::Read, self.it.ini, "could not be read", source)),
        }
    }

    /// Whether the ini holds these bytes, or is not there either.
    fn is_still<E>(&self, bytes: Option<&[u8]>) -> Result<bool, Cause<E>> {
        let held = match bytes {
            Some(bytes) => self.it.fs.content_equals(self.it.ini, bytes),
            None => Ok(self.it.fs.link_metadata(self.it.ini).is_err()),
        };
        match held {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            held => held.map_err(|source| io_cause(Step::Read, self.it.ini, "could not be read", source)),
        }
    }

    /// A step before which a wish to stop is heard.
    fn step<E>(&mut self, step: Step) -> Result<(), Cause<E>> {
        self.check_stop()?;
        self.tell_step(step);
        Ok(())
    }

    fn tell_step(&mut self, step: Step) {
        (self.it.report)(Progress::Step(step));
    }

    fn check_stop<E>(&self) -> Result<(), Cause<E>> {
        if (self.it.stop)() && !self.must_finish { Err(Cause::Stopped) } else { Ok(()) }
    }
}

/// The old file after it was given a second name, which goes again when this is dropped.
struct OldFile<'a> {
    fs: &'a dyn FileSystem,
    /// The second name; none where there was no file, or it could not be given one.
    path: Option<PathBuf>,
    /// Whether it is the same file, and not a copy.
    is_linked: bool,
    /// Whether the name is a backup's.
    is_backup: bool,
}

impl OldFile<'_> {
    /// What the old file held when it was replaced, if it can be seen and is not what was read.
    fn read_if_not(&self, read: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match self.path.as_ref().filter(|_| self.is_linked) {
            Some(path) if !self.fs.content_equals(path, read)? => self.fs.read(path).map(Some),
            _ => Ok(None),
        }
    }
}

impl Drop for OldFile<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = self.fs.remove(path);
        }
    }
}

fn io_cause<E>(step: Step, path: &Path, what: &'static str, source: io::Error) -> Cause<E> {
    Cause::Io { step, path: path.to_path_buf(), what, source }
}

/// Temporary files and unfinished backups of a run that was killed. The lock is held, so they are nobody
/// else's; one that cannot be removed harms nobody.
fn remove_leftovers_under_lock(ini: &Path, fs: &dyn FileSystem) {
    for path in leftovers(ini, fs).into_iter().chain(backup::unfinished(ini, fs).unwrap_or_default()) {
        let _ = fs.remove(&path);
    }
}

/// The temporary files of this ini, and of none whose name only begins like it.
fn leftovers(ini: &Path, fs: &dyn FileSystem) -> Vec<PathBuf> {
    let (prefix, suffix) = temp_name(ini);
    let names = platform::names_with_prefix(fs, folder_of(ini), &prefix).unwrap_or_default();
    let is_ours = |name: &OsString| {
        let middle = name.as_encoded_bytes()[prefix.len()..].strip_suffix(suffix.as_bytes());
        middle.is_some_and(|middle| !middle.contains(&b'.'))
    };
    names.into_iter().filter(is_ours).map(|name| ini.with_file_name(name)).collect()
}

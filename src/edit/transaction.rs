//! Writes an edit so that the ini is complete at every moment and neither an edit nor a save of MicroSIP is lost.
//!
//! [`Step`] lists the steps in order; `docs/internals/safety.md` says what is on the disk if the program stops at each
//! one. A transaction works with paths and bytes only: an [`Editor`] makes the new bytes from the old ones, and an
//! [`InstanceGuard`] says whether a MicroSIP is running.

mod companions;
mod error;
mod leftovers;
mod old_file;
mod step;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::microsip::guard::InstanceGuard;
use crate::microsip::instances::Instance;
use crate::platform::{self, FileSystem, FileSystemExt, NotCopied, TempFile};

use super::backup::{self, BackupPolicy, MadeBy};
use super::companion::{self, CompanionEdit, Staged};
use super::lock::{Lock, folder_of, temp_name};

pub use super::content::NewContent;
pub use error::{TransactionError, TransactionErrorKind};
pub use leftovers::{leftovers, other_names, remove_leftovers};
pub use step::Step;

use leftovers::remove_leftovers_under_lock;
use old_file::OldFile;

/// An event that a transaction reports.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins.
    Step(Step),
    /// The transaction waits for these instances, at most until this time.
    Waiting { blockers: &'a [Instance], until: Instant },
    /// A warning that shouldn't wait until the end.
    Warning(Diagnostic),
    /// The ini has changed in the meantime, so the edit is made again.
    Redo,
    /// The new ini belongs to this user, who may not give it to the owner of the old one.
    OwnerChanged,
}

/// The options of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct TransactionOptions {
    /// When to stop waiting for MicroSIP.
    pub until: Instant,
    /// Whether to make a backup, and how many to keep.
    pub backups: BackupPolicy,
}

/// What a transaction did.
#[derive(Debug, PartialEq, Eq)]
pub struct TransactionOutcome {
    /// Whether the ini or its companion was changed.
    pub changed: bool,
    /// The backup, if one was made and kept.
    pub backup: Option<PathBuf>,
}

/// An edit of an ini.
pub struct Transaction<'a> {
    /// The ini, after following links.
    pub ini: &'a Path,
    /// The file system.
    pub fs: &'a dyn FileSystem,
    /// Finds the instances that use the ini.
    pub guard: &'a mut dyn InstanceGuard,
    /// The clock, for the names of backups.
    pub now: &'a dyn Fn() -> SystemTime,
    /// Returns whether the user has cancelled.
    pub stop: &'a dyn Fn() -> bool,
    /// Receives the progress.
    pub report: &'a mut dyn FnMut(Progress<'_>),
    /// The options.
    pub options: TransactionOptions,
    /// The edit that the caller has already planned. It is used for the first attempt, unless the ini has changed.
    pub prepared: Option<Prepared>,
    /// Whether the caller has seen that only the companion changes. Nobody waits for MicroSIP then, unless the ini has
    /// to change too by the time when it is locked.
    pub only_companion: bool,
}

/// A planned edit.
pub struct Prepared {
    /// The bytes of the ini.
    pub current: Vec<u8>,
    /// What to do with it.
    pub new: NewContent,
}

/// Makes the new content of an ini.
pub trait Editor {
    /// The reason why an edit is impossible.
    type Error: ToDiagnostic;

    /// Edits the bytes of the ini, or creates it if there is none. Returns `None` if nothing has to change. This is
    /// called again whenever the ini has changed in the meantime.
    fn edit(&mut self, current: Option<&[u8]>) -> std::result::Result<Option<NewContent>, Self::Error>;

    /// Returns the change of the companion that belongs to the latest edit, if there is one.
    fn companion(&self) -> Option<CompanionEdit> {
        None
    }

    /// Applies the changes that MicroSIP made from `old` to `saved` to `current`.
    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8>;
}

impl Transaction<'_> {
    /// Makes the edit.
    ///
    /// # Errors
    /// See [`TransactionErrorKind`].
    pub fn run<E: Editor>(
        self,
        editor: &mut E,
    ) -> std::result::Result<TransactionOutcome, TransactionError<E::Error>> {
        let ini = self.ini;
        let mut run = Run {
            tx: self,
            outcome: TransactionOutcome { changed: false, backup: None },
            must_finish: false,
            rescued: None,
        };
        match run.edit_until_stable(editor) {
            Ok(()) => Ok(run.outcome),
            Err(kind) => Err(TransactionError { ini: ini.to_path_buf(), changed: run.outcome.changed, kind }),
        }
    }
}

/// How an attempt to edit the ini under the lock ended.
enum Attempt {
    /// The ini was replaced.
    Replaced,
    /// The ini already was as it should be.
    IniIsRight,
    /// A MicroSIP has started, or none was looked for yet. The lock is released while waiting for it.
    MustWait,
}

/// The number of attempts before giving up on an ini that another program keeps writing to.
const MAX_ATTEMPTS: usize = 50;

/// The bytes of the ini, if it exists, and what to do with it and with its companion, if anything.
struct Planned {
    current: Option<Vec<u8>>,
    new: Option<NewContent>,
    companion: Option<CompanionEdit>,
}

/// The bytes that were read before the ini was replaced, and those that MicroSIP had written by then.
struct MissedSave {
    read: Vec<u8>,
    saved: Vec<u8>,
}

/// Fails if it can be seen without writing that the ini, or its folder, can't be written, so that nobody waits for an
/// edit that is impossible.
///
/// # Errors
/// The ini is read-only, this user may not write, only the ini itself is mounted, or it would lose its encryption.
pub fn check_writable<E>(ini: &Path, fs: &dyn FileSystem) -> Result<(), E> {
    if fs.metadata(ini).is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(TransactionErrorKind::ReadOnly);
    }
    let folder = folder_of(ini).ancestors().find(|folder| fs.exists(folder));
    for path in [Some(ini), folder].into_iter().flatten() {
        if let Some(source) = platform::why_not_writable(path) {
            let (step, what) = match source.kind() {
                // a mount, or on Windows an encrypted ini
                io::ErrorKind::ResourceBusy | io::ErrorKind::Unsupported => {
                    (Step::Replace, "can't be replaced")
                }
                _ => (Step::Temp, "isn't writable by this user"),
            };
            return Err(TransactionErrorKind::io(step, path, what, source));
        }
    }
    Ok(())
}

fn streams_not_copied(ini: &Path, streams: &[String]) -> Diagnostic {
    let (ini, names) = (ini.display(), streams.join(", "));
    let message = format!("the new {ini} lacks alternate data streams that couldn't be copied: {names}");
    Diagnostic::new(Code::StreamNotCopied, message)
        .with_hint("MicroSIP doesn't need them; if another program does, copy them from a backup")
}

type Result<T, E> = std::result::Result<T, TransactionErrorKind<E>>;

struct Run<'a> {
    tx: Transaction<'a>,
    outcome: TransactionOutcome,
    /// Whether the ini lacks something that MicroSIP has saved. The user can't cancel then.
    must_finish: bool,
    /// A file with that content if it is in no other backup. It stays if the run fails.
    rescued: Option<PathBuf>,
}

impl<'a> Run<'a> {
    fn edit_until_stable<E: Editor>(&mut self, editor: &mut E) -> Result<(), E::Error> {
        check_writable(self.tx.ini, self.tx.fs)?;
        loop {
            if !self.tx.only_companion {
                self.wait()?;
            }
            match self.replace(editor)? {
                Attempt::MustWait => {
                    self.tx.only_companion = false;
                    continue;
                }
                Attempt::IniIsRight => return Ok(()),
                Attempt::Replaced => {}
            }
            self.report_step(Step::LookLast);
            if self.tx.guard.blockers()?.is_empty() {
                return Ok(());
            }
            // that MicroSIP may have read the old ini; if its exit undoes the edit, the edit is made again
        }
    }

    /// Waits until no MicroSIP uses the ini.
    fn wait<E>(&mut self) -> Result<(), E> {
        self.step(Step::Wait)?;
        loop {
            let blockers = self.tx.guard.blockers()?;
            if blockers.is_empty() {
                return Ok(());
            }
            self.wait_for(blockers)?;
        }
    }

    /// Waits until it's time to look for blockers again.
    fn wait_for<E>(&mut self, blockers: Vec<Instance>) -> Result<(), E> {
        let until = self.tx.options.until;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TransactionErrorKind::Running(blockers));
            }
            for warning in self.tx.guard.close(&blockers) {
                (self.tx.report)(Progress::Warning(warning));
            }
            (self.tx.report)(Progress::Waiting { blockers: &blockers, until });
            let may_have_changed = self.tx.guard.pause(&blockers, left);
            self.check_stop()?;
            if may_have_changed {
                return Ok(());
            }
        }
    }

    /// Edits the ini under the lock.
    fn replace<E: Editor>(&mut self, editor: &mut E) -> Result<Attempt, E::Error> {
        self.step(Step::Lock)?;
        let (ini, fs) = (self.tx.ini, self.tx.fs);
        let folder = folder_of(ini);
        fs.create_folders(folder)
            .map_err(|source| TransactionErrorKind::io(Step::Lock, folder, "couldn't be created", source))?;
        let _lock = Lock::acquire(ini, fs, self.tx.stop)?;
        remove_leftovers_under_lock(ini, fs);
        let attempt = self.replace_under_lock(editor)?;
        self.must_finish = false;
        if let Some(rescued) = self.rescued.take() {
            // its content is in the ini again
            let _ = fs.remove(&rescued);
        }
        if self.outcome.changed {
            self.prune()?;
        }
        Ok(attempt)
    }

    fn replace_under_lock<E: Editor>(&mut self, editor: &mut E) -> Result<Attempt, E::Error> {
        let mut is_replaced = false;
        let mut missed: Option<MissedSave> = None;
        for _ in 0..MAX_ATTEMPTS {
            let Planned { current, new, companion } = self.read_and_plan(editor, missed.as_ref())?;
            let Some(new) = new else {
                if !self.change_companion(companion, current.as_deref())? {
                    continue;
                }
                return Ok(if is_replaced { Attempt::Replaced } else { Attempt::IniIsRight });
            };
            if self.tx.only_companion {
                return Ok(Attempt::MustWait);
            }
            let staged = self.stage(&new, companion, current.as_deref());
            let Some((temp, mut companion, old)) = self.unless_deleted(staged, current.is_some())? else {
                continue;
            };
            self.step(Step::LookAgain)?;
            // a missed save isn't in the ini yet, so this attempt must be finished
            if missed.is_none() && !self.tx.guard.blockers()?.is_empty() {
                (self.tx.report)(Progress::Redo);
                return Ok(Attempt::MustWait);
            }
            // Last, because listing the processes takes so long that a MicroSIP can start, save and exit. Its save
            // would be missing until it is merged, and a MicroSIP that starts before that would undo it.
            if !self.is_still(current.as_deref())? {
                (self.tx.report)(Progress::Redo);
                continue;
            }
            if !self.replace_both(temp, current.is_none(), &mut companion)? {
                continue;
            }
            // the ini is new now; from here on, cancelling waits until the edit is sure to stay
            self.outcome.changed = true;
            is_replaced = true;
            missed = self.sync_and_compare(&new, current, old)?;
            self.report_step(Step::ReadBack);
            if missed.is_none() && self.is_still(new.bytes())? {
                if let Some(companion) = companion {
                    self.commit_companion(companion)?;
                }
                return Ok(Attempt::Replaced);
            }
            (self.tx.report)(Progress::Redo);
        }
        Err(TransactionErrorKind::KeepsChanging)
    }

    /// Reads the ini and plans the edit, on top of a missed save.
    fn read_and_plan<E: Editor>(
        &mut self,
        editor: &mut E,
        missed: Option<&MissedSave>,
    ) -> Result<Planned, E::Error> {
        self.step(Step::Read)?;
        let is_companion_known = |run: &Self| run.is_companion_still(editor.companion().as_ref());
        let (current, prepared) = match self.tx.prepared.take() {
            Some(Prepared { current, new }) if is_companion_known(self)? => (Some(current), Some(new)),
            _ => (self.read()?, None),
        };
        self.step(Step::Plan)?;
        let merged = match (missed, &current) {
            (Some(MissedSave { read, saved }), Some(current)) => Some(editor.merge(read, saved, current)),
            _ => None,
        };
        let base = merged.as_ref().or(current.as_ref());
        let edited = match prepared {
            Some(new) => Some(new),
            None => editor.edit(base.map(Vec::as_slice)).map_err(TransactionErrorKind::Edit)?,
        };
        let new = edited.or(merged.map(NewContent::Write));
        let new = new.filter(|new| new.bytes() != current.as_deref());
        Ok(Planned { current, new, companion: editor.companion() })
    }

    /// Writes the new files, if there are any, and gives the old ini a second name.
    fn stage<E>(
        &mut self,
        new: &NewContent,
        companion: Option<CompanionEdit>,
        current: Option<&[u8]>,
    ) -> Result<(Option<TempFile>, Option<Staged>, OldFile<'a>), E> {
        self.step(Step::Temp)?;
        let temp = new.bytes().map(|bytes| self.write_temp(bytes, current.is_some())).transpose()?;
        let companion = self.stage_companion(companion)?;
        self.step(Step::Backup)?;
        Ok((temp, companion, self.keep_old(current)?))
    }

    /// Turns an error into `None` if its cause is that another program has deleted the ini.
    fn unless_deleted<T, E>(&mut self, result: Result<T, E>, did_exist: bool) -> Result<Option<T>, E> {
        match result {
            Err(TransactionErrorKind::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound
                    && did_exist
                    && !self.tx.fs.exists(self.tx.ini) =>
            {
                (self.tx.report)(Progress::Redo);
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Writes the new text to a file next to the ini, with the ini's owner and access.
    fn write_temp<E>(&mut self, bytes: &[u8], exists: bool) -> Result<TempFile, E> {
        let temp = self.write_beside(bytes, exists).map_err(|source| {
            TransactionErrorKind::io(Step::Temp, folder_of(self.tx.ini), "couldn't be written to", source)
        })?;
        let NotCopied { owner, streams } = &temp.not_copied;
        if *owner {
            (self.tx.report)(Progress::OwnerChanged);
        }
        if !streams.is_empty() {
            (self.tx.report)(Progress::Warning(streams_not_copied(self.tx.ini, streams)));
        }
        Ok(temp)
    }

    /// Writes a temporary file, which nobody else can read until it has the ini's owner and access.
    fn write_beside(&self, bytes: &[u8], exists: bool) -> io::Result<TempFile> {
        let ini = self.tx.ini;
        let (prefix, suffix) = temp_name(ini);
        let model = exists.then_some(ini);
        platform::write_temp(self.tx.fs, folder_of(ini), bytes, model, (&prefix, suffix))
    }

    /// Gives the old file a second name: that of the backup, or a temporary one if no backup is wanted. It also shows
    /// later whether MicroSIP wrote to the old file before it was replaced.
    fn keep_old<E>(&mut self, bytes: Option<&[u8]>) -> Result<OldFile<'a>, E> {
        let (ini, fs) = (self.tx.ini, self.tx.fs);
        let old = |path: Option<PathBuf>, is_linked, is_backup| OldFile {
            fs,
            path,
            is_linked,
            is_backup,
            companion: None,
        };
        let Some(bytes) = bytes else { return Ok(old(None, false, false)) };
        let policy = self.tx.options.backups;
        let Some(made_by) = policy.made_by.filter(|_| policy.keep > 0 && self.outcome.backup.is_none())
        else {
            let (mut name, suffix) = temp_name(ini);
            name.push("old");
            name.push(suffix);
            let path = ini.with_file_name(name);
            // without hard links, the old file can't be compared later
            let is_linked = fs.link(ini, &path).is_ok();
            return Ok(old(is_linked.then_some(path), is_linked, false));
        };
        let path = backup::unused_path(ini, made_by, (self.tx.now)(), fs);
        let is_linked = fs.link(ini, &path).is_ok();
        if !is_linked {
            // a file system without hard links: a copy, which gets the name of the backup when it is complete
            self.write_beside(bytes, true).and_then(|temp| fs.replace(temp, &path)).map_err(|source| {
                TransactionErrorKind::io(Step::Backup, &path, "couldn't be written", source)
            })?;
        }
        let companion = companion::back_up(ini, &path, fs);
        let mut old = old(Some(path), is_linked, true);
        old.companion = companion.map_err(|source| {
            let what = "couldn't be backed up";
            TransactionErrorKind::io(Step::Backup, &companion::path_for(ini), what, source)
        })?;
        Ok(old)
    }

    /// Replaces or deletes the ini. Returns false if another program has created it in the meantime.
    fn replace_ini<E>(&mut self, temp: Option<TempFile>, is_new: bool) -> Result<bool, E> {
        let (result, what) = match temp {
            Some(temp) if is_new => (self.tx.fs.persist_new(temp, self.tx.ini), "couldn't be created"),
            Some(temp) => (self.tx.fs.replace(temp, self.tx.ini), "couldn't be replaced"),
            None => (self.tx.fs.remove(self.tx.ini), "couldn't be deleted"),
        };
        match result {
            Ok(()) => Ok(true),
            Err(error) if is_new && error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(TransactionErrorKind::io(Step::Replace, self.tx.ini, what, source)),
        }
    }

    /// Syncs the folder, and finds out whether MicroSIP saved to the old file before it was replaced.
    fn sync_and_compare<E>(
        &mut self,
        new: &NewContent,
        current: Option<Vec<u8>>,
        old: OldFile<'a>,
    ) -> Result<Option<MissedSave>, E> {
        let folder = folder_of(self.tx.ini);
        self.report_step(Step::SyncFolder);
        let synced = self.tx.fs.sync_folder(folder);
        self.report_step(Step::CompareOld);
        let saved = current.as_deref().map_or(Ok(None), |read| old.read_if_not(read));
        let missed = match (current, &saved) {
            // if the ini was deleted, its backup has what was saved
            (Some(read), Ok(Some(saved))) if *new != NewContent::Delete => {
                Some(MissedSave { read, saved: saved.clone() })
            }
            _ => None,
        };
        self.must_finish = missed.is_some();
        self.keep_or_remove_old(old, missed.is_some());
        synced.map_err(|source| {
            TransactionErrorKind::io(Step::SyncFolder, folder, "couldn't be synced", source)
        })?;
        saved.map_err(|source| {
            let what = "couldn't be compared with the old file";
            TransactionErrorKind::io(Step::CompareOld, self.tx.ini, what, source)
        })?;
        Ok(missed)
    }

    /// Keeps the second name of the old file if it's a backup. Otherwise removes it, after linking a missed save to the
    /// name of a backup.
    fn keep_or_remove_old(&mut self, mut old: OldFile<'a>, is_missed: bool) {
        if old.is_backup {
            self.outcome.backup = old.path.take();
            old.companion = None;
        } else if let Some(scratch) = old.path.as_ref().filter(|_| is_missed) {
            let path = backup::unused_path(self.tx.ini, MadeBy::Edit, (self.tx.now)(), self.tx.fs);
            if self.tx.fs.link(scratch, &path).is_ok() {
                self.rescued.get_or_insert(path);
            }
        }
    }

    /// Removes surplus backups, under the lock so that no other run does so at the same time.
    fn prune<E>(&mut self) -> Result<(), E> {
        let policy = self.tx.options.backups;
        if policy.made_by.is_none() {
            return Ok(());
        }
        self.report_step(Step::Prune);
        let ini = self.tx.ini;
        let pruned = backup::prune(ini, policy.keep, self.outcome.backup.as_deref(), self.tx.fs);
        let pruned = pruned.map_err(|source| {
            let what = "contains old backups that couldn't be removed";
            TransactionErrorKind::io(Step::Prune, folder_of(ini), what, source)
        })?;
        self.outcome.backup.take_if(|made| pruned.contains(made));
        Ok(())
    }

    fn read<E>(&self) -> Result<Option<Vec<u8>>, E> {
        match self.tx.fs.read(self.tx.ini) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(TransactionErrorKind::io(Step::Read, self.tx.ini, "couldn't be read", source)),
        }
    }

    /// Returns whether the ini has these bytes, or doesn't exist if there are none.
    fn is_still<E>(&self, bytes: Option<&[u8]>) -> Result<bool, E> {
        let is_same = match bytes {
            Some(bytes) => self.tx.fs.read(self.tx.ini).map(|content| content == bytes),
            None => Ok(self.tx.fs.link_metadata(self.tx.ini).is_err()),
        };
        match is_same {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            is_same => is_same.map_err(|source| {
                TransactionErrorKind::io(Step::Read, self.tx.ini, "couldn't be read", source)
            }),
        }
    }

    /// Begins a step before which the user can cancel.
    fn step<E>(&mut self, step: Step) -> Result<(), E> {
        self.check_stop()?;
        self.report_step(step);
        Ok(())
    }

    fn report_step(&mut self, step: Step) {
        (self.tx.report)(Progress::Step(step));
    }

    fn check_stop<E>(&self) -> Result<(), E> {
        if (self.tx.stop)() && !self.must_finish { Err(TransactionErrorKind::Stopped) } else { Ok(()) }
    }
}

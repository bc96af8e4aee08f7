//! Removes the folder with the calls database, after the workers have exited. Only files that msipcfg made are removed.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::actions::{data_folder, spool, start_worker};
use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::diagnostic::{Code, Diagnostic};
use crate::page::duration_text;
use crate::platform::{self, FilePath, FileSystem, FileSystemExt, Owner, PinnedDir, ScopedFs};

use super::removal::{Item, Kept, Removal, not_removed};

/// How long a worker that was told to exit needs, unless the computer is very slow.
const WORKER_EXIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A user's folder with the calls database.
pub struct Data<'a> {
    /// Opens the folder; `None` if it doesn't exist.
    pub open: &'a dyn Fn() -> Result<Option<PinnedDir>, Error>,
    /// The owner of new files in it.
    pub owner: Option<&'a Owner>,
    /// How long to wait for its workers.
    pub patience: Duration,
}

/// Returns how long to wait for workers. A user can hold their locks, which mustn't delay a run for many users.
pub fn patience(timeout: Duration) -> Duration {
    timeout.clamp(WORKER_EXIT, LONGEST_WAIT)
}

impl Data<'_> {
    /// Removes what msipcfg made in the folder, and the folder if nothing else is in it.
    pub fn clean(&self, removal: &mut Removal, context: &Context<'_>) -> ControlFlow<()> {
        let step = self.try_to_clean(removal, context);
        removal.note(step)
    }

    fn try_to_clean(&self, removal: &mut Removal, context: &Context<'_>) -> Result<(), Error> {
        let Some(folder) = (self.open)()? else { return Ok(()) };
        let spool = self.open_spool()?;
        let planned = plan(&folder, spool.as_ref(), removal, context.fs)?;
        if removal.dry_run && is_worker_running(&folder, context.fs)? {
            removal.warnings.push(self.worker_warning(&folder));
        }
        if removal.dry_run || planned.is_empty() {
            removal.removed.extend(planned);
            return Ok(());
        }
        let stop = stop_file(&folder);
        let had_stop = planned.contains(&Contents::item(&stop));
        self.write_stop_file(&folder, context)?;
        let result = self.remove_files(&folder, spool, removal, context);
        // also after an error, because it would end new workers for a minute
        match self.remove(&stop, &folder, context) {
            // a worker removes one that seems forgotten
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let _ = removal.note(Err(not_removed(stop.shown(), &error)));
            }
            _ => removal.removed.extend(had_stop.then(|| Contents::item(&stop))),
        }
        result?;
        remove_if_empty(folder, removal, context.fs);
        Ok(())
    }

    /// Opens the folder for events that couldn't be stored, unless something else has its name.
    fn open_spool(&self) -> Result<Option<PinnedDir>, Error> {
        Ok((self.open)()?.and_then(|folder| folder.enter(data_folder::SPOOL).ok()))
    }

    /// Tells the workers to exit. The file must be new, because an old one counts as forgotten.
    fn write_stop_file(&self, folder: &PinnedDir, context: &Context<'_>) -> Result<(), Error> {
        let file = stop_file(folder);
        // confined only for this file, because that keeps the folder from being empty
        let fs = ScopedFs::new(context.fs, folder, self.owner, 0);
        let (prefix, suffix) = data_folder::STOP_TEMP;
        let temp_name = (prefix.as_ref(), suffix);
        let written = platform::write_atomically(&fs, file.to_open(), b"", None, temp_name);
        written.map_err(|error| {
            let message = format!("{} couldn't be written: {error}", file.shown().display());
            Diagnostic::new(Code::FileWrite, message)
                .with_hint("check that you may write to its folder and that the disk has free space")
                .into()
        })
    }

    fn remove_files(
        &self,
        folder: &PinnedDir,
        spool: Option<PinnedDir>,
        removal: &mut Removal,
        context: &Context<'_>,
    ) -> Result<(), Error> {
        self.wait_for_workers(folder, context)?;
        // listed again, because the workers may have added something before they exited
        let own = Contents::of(folder, data_folder::is_own_name, context.fs)?.own;
        for file in own.iter().filter(|file| **file != stop_file(folder)) {
            removal.note_file(file.shown(), self.remove(file, folder, context));
        }
        let Some(spool) = spool else { return Ok(()) };
        for file in Contents::of(&spool, spool::is_own_name, context.fs)?.own {
            removal.note_file(file.shown(), self.remove(&file, &spool, context));
        }
        remove_if_empty(spool, removal, context.fs);
        Ok(())
    }

    /// Waits until no worker uses the database.
    fn wait_for_workers(&self, folder: &PinnedDir, context: &Context<'_>) -> Result<(), Error> {
        let end = Instant::now() + self.patience;
        while is_worker_running(folder, context.fs)? {
            if (context.stop)() {
                let message = "Cancelled while an action of msipcfg was being finished";
                return Err(Diagnostic::new(Code::Interrupted, message)
                    .with_hint("run the command again to remove the rest")
                    .into());
            }
            if Instant::now() >= end {
                let message = format!(
                    "msipcfg is still carrying out an action, so the files in {} can't be removed yet",
                    folder.path().display()
                );
                return Err(Diagnostic::new(Code::WorkerRunning, message)
                    .with_hint(
                        "wait until it has ended, or end msipcfg in the Task Manager, then run the command again",
                    )
                    .into());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn worker_warning(&self, folder: &PinnedDir) -> Diagnostic {
        let message = format!(
            "msipcfg is still carrying out actions and uses the files in {}; without --dry-run, uninstall would tell \
             it to exit and wait for at most {}",
            folder.path().display(),
            duration_text(self.patience)
        );
        Diagnostic::new(Code::WorkerRunning, message)
    }

    fn remove(&self, file: &FilePath, folder: &PinnedDir, context: &Context<'_>) -> io::Result<()> {
        ScopedFs::new(context.fs, folder, self.owner, 0).remove(file.to_open())
    }
}

/// Returns what is to be removed, and adds to `removal` what stays.
fn plan(
    folder: &PinnedDir,
    spool: Option<&PinnedDir>,
    removal: &mut Removal,
    fs: &dyn FileSystem,
) -> Result<Vec<Item>, Error> {
    let Contents { own, mut others } = Contents::of(folder, data_folder::is_own_name, fs)?;
    let mut planned: Vec<Item> = own.iter().map(Contents::item).collect();
    if let Some(spool) = spool {
        others.retain(|file| file.shown() != spool.path());
        let spooled = Contents::of(spool, spool::is_own_name, fs)?;
        planned.extend(spooled.own.iter().map(Contents::item));
        planned.extend(spooled.others.is_empty().then(|| Item::Folder(spool.path().to_path_buf())));
        others.extend(spooled.others);
    }
    planned.extend(others.is_empty().then(|| Item::Folder(folder.path().to_path_buf())));
    let kept = |file: &FilePath| Kept { item: Contents::item(file), why: "not made by msipcfg" };
    removal.kept.extend(others.iter().map(kept));
    Ok(planned)
}

/// What is in a folder, sorted by name.
struct Contents {
    /// The files that msipcfg made.
    own: Vec<FilePath>,
    /// Everything else.
    others: Vec<FilePath>,
}

impl Contents {
    fn of(folder: &PinnedDir, is_own_name: fn(&str) -> bool, fs: &dyn FileSystem) -> Result<Contents, Error> {
        let folder_path = folder.file("".as_ref());
        let entries = fs.list(folder_path.to_open()).map_err(|error| {
            let message = format!("{} couldn't be listed: {error}", folder.path().display());
            Diagnostic::new(Code::FileRead, message).with_hint("check that you may read it")
        })?;
        let mut names: Vec<_> = entries.iter().map(std::fs::DirEntry::file_name).collect();
        names.sort();
        let is_own = |file: &FilePath| {
            let is_file = || fs.link_metadata(file.to_open()).is_ok_and(|metadata| metadata.is_file());
            let name = file.shown().file_name().and_then(|name| name.to_str());
            name.is_some_and(is_own_name) && is_file()
        };
        let (own, others) = names.iter().map(|name| folder.file(name)).partition(is_own);
        Ok(Contents { own, others })
    }

    fn item(file: &FilePath) -> Item {
        Item::File(file.shown().to_path_buf())
    }
}

fn stop_file(folder: &PinnedDir) -> FilePath {
    folder.file(data_folder::STOP.as_ref())
}

fn remove_if_empty(folder: PinnedDir, removal: &mut Removal, fs: &dyn FileSystem) {
    let path = folder.path().to_path_buf();
    folder.remove_if_empty();
    if !fs.exists(&path) {
        removal.removed.push(Item::Folder(path));
    }
}

fn is_worker_running(folder: &PinnedDir, fs: &dyn FileSystem) -> Result<bool, Error> {
    let locks = Contents::of(folder, data_folder::is_worker_lock, fs)?.own;
    Ok(locks.iter().any(|lock| start_worker::is_held(fs, lock.to_open())))
}

//! The part of a transaction that changes the companion of the ini.

use std::path::PathBuf;

use super::{Result, Run, Step, TransactionErrorKind};
use crate::edit::backup;
use crate::edit::companion::{self, Committed, CompanionEdit, Order, Staged};
use crate::edit::lock::{folder_of, temp_name};
use crate::platform::{self, TempFile};

impl Run<'_> {
    /// Returns whether the companion is as it was when its change was planned.
    pub(super) fn is_companion_still<E>(&self, edit: Option<&CompanionEdit>) -> Result<bool, E> {
        let Some(edit) = edit else { return Ok(true) };
        let ini = self.tx.ini;
        companion::read(ini, self.tx.fs).map(|bytes| bytes == edit.current).map_err(|source| {
            TransactionErrorKind::io(Step::Read, &companion::path_for(ini), "couldn't be read", source)
        })
    }

    pub(super) fn stage_companion<E>(&self, edit: Option<CompanionEdit>) -> Result<Option<Staged>, E> {
        let ini = self.tx.ini;
        let staged = edit.map(|edit| Staged::write(ini, edit, self.tx.fs)).transpose();
        staged.map_err(|source| {
            TransactionErrorKind::io(Step::Temp, folder_of(ini), "couldn't be written to", source)
        })
    }

    /// Changes the companion if its turn is before the ini, then the ini. Returns false if another program has created
    /// or changed one of them in the meantime.
    pub(super) fn replace_both<E>(
        &mut self,
        temp: Option<TempFile>,
        is_new: bool,
        companion: &mut Option<Staged>,
    ) -> Result<bool, E> {
        let mut committed = None;
        if let Some(first) = companion.take_if(|staged| staged.order() == Order::BeforeIni) {
            self.step(Step::Actions)?;
            if !first.is_current(self.tx.ini, self.tx.fs) {
                return Ok(false);
            }
            committed = Some(self.commit(first)?);
        }
        let replaced = self.step(Step::Replace).and_then(|()| self.replace_ini(temp, is_new));
        if let (Err(_), Some(committed)) = (&replaced, committed) {
            committed.undo(self.tx.ini, self.tx.fs);
        }
        replaced
    }

    /// Changes the companion after the ini.
    pub(super) fn commit_companion<E>(&mut self, companion: Staged) -> Result<(), E> {
        self.report_step(Step::Actions);
        self.commit(companion)?;
        self.sync_folder_after_companion()
    }

    /// Changes the companion of an ini that is already as it should be, after backing up both. Returns false if another
    /// program has changed the companion in the meantime.
    pub(super) fn change_companion<E>(
        &mut self,
        edit: Option<CompanionEdit>,
        ini_bytes: Option<&[u8]>,
    ) -> Result<bool, E> {
        let Some(edit) = edit else { return Ok(true) };
        self.step(Step::Temp)?;
        let Some(staged) = self.stage_companion(Some(edit))? else { return Ok(true) };
        self.step(Step::Backup)?;
        let backup = self.back_up_both(ini_bytes)?;
        self.step(Step::Actions)?;
        let is_current = staged.is_current(self.tx.ini, self.tx.fs);
        let committed = if is_current { self.commit(staged).map(|_| ()) } else { Ok(()) };
        if !is_current || committed.is_err() {
            for path in backup.into_iter().flat_map(|path| [companion::backup_path(self.tx.ini, &path), path])
            {
                let _ = self.tx.fs.remove(&path);
            }
            return committed.map(|()| false);
        }
        self.outcome.changed = true;
        if backup.is_some() {
            self.outcome.backup = backup;
        }
        self.sync_folder_after_companion()?;
        Ok(true)
    }

    /// Copies the ini and its companion to backups. The ini is copied, because a hard link to an ini that isn't
    /// replaced isn't a backup.
    fn back_up_both<E>(&self, ini_bytes: Option<&[u8]>) -> Result<Option<PathBuf>, E> {
        let (ini, fs, policy) = (self.tx.ini, self.tx.fs, self.tx.options.backups);
        let made_by = policy.made_by.filter(|_| policy.keep > 0 && self.outcome.backup.is_none());
        let (Some(made_by), Some(bytes)) = (made_by, ini_bytes) else { return Ok(None) };
        let path = backup::unused_path(ini, made_by, (self.tx.now)(), fs);
        let (prefix, suffix) = temp_name(ini);
        let failed = |source| TransactionErrorKind::io(Step::Backup, &path, "couldn't be written", source);
        let temp = platform::write_temp(fs, folder_of(ini), bytes, Some(ini), (&prefix, suffix));
        temp.and_then(|temp| fs.persist_new(temp, &path)).map_err(failed)?;
        companion::back_up(ini, &path, fs).map_err(failed)?;
        Ok(Some(path))
    }

    fn commit<E>(&self, companion: Staged) -> Result<Committed, E> {
        companion.commit(self.tx.fs).map_err(|source| {
            let what = "couldn't be replaced";
            TransactionErrorKind::io(Step::Actions, &companion::path_for(self.tx.ini), what, source)
        })
    }

    fn sync_folder_after_companion<E>(&mut self) -> Result<(), E> {
        let folder = folder_of(self.tx.ini);
        self.report_step(Step::SyncFolder);
        self.tx.fs.sync_folder(folder).map_err(|source| {
            TransactionErrorKind::io(Step::SyncFolder, folder, "couldn't be synced", source)
        })
    }
}

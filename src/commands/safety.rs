//! Backups: list, purge, restore.

use crate::edit::backup::{self, Backup, MadeBy};
use crate::edit::lock::Lock;
use crate::edit::plan;
use crate::edit::transaction::New;
use crate::ini::document::IniDocument;
use crate::ini::encoding::EncodingError;
use crate::platform::FileSystem;
use crate::request::{BackupChoice, IniChoice, WriteOptions};

use super::ini_file::Ini;
use super::write::{Draft, write};
use super::{Context, Error, Report};

/// A backup in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// 1 is the newest.
    pub number: usize,
    /// The backup.
    pub backup: Backup,
    /// Its size in bytes, where it can be told.
    pub size: Option<u64>,
}

/// The backups of an ini, newest first; with `purge` they are removed.
pub fn backups(choice: &IniChoice, purge: bool, context: &mut Context<'_>) -> Result<Report, Error> {
    let ini = Ini::find(choice, context)?;
    let failed = |source| Error::Backups { ini: ini.path.clone(), source };
    let list = || backup::list(&ini.target, context.fs).map_err(failed);
    let found = if purge {
        let _lock = Lock::acquire(&ini.target, context.fs, context.stop)?;
        let found = list()?;
        for backup in &found {
            context.fs.remove(&backup.path).map_err(failed)?;
        }
        found
    } else {
        list()?
    };
    Ok(Report::Backups { ini: ini.path, backups: listed(found, context.fs), purged: purge })
}

/// Backups with their numbers and sizes.
pub(super) fn listed(backups: Vec<Backup>, fs: &dyn FileSystem) -> Vec<Listed> {
    let numbered = backups.into_iter().enumerate();
    let listed = numbered.map(|(index, backup)| {
        let size = fs.metadata(&backup.path).ok().map(|metadata| metadata.len);
        Listed { number: index + 1, backup, size }
    });
    listed.collect()
}

/// Makes the ini as it was in a backup. What it was before is backed up too.
pub fn restore(
    choice: &IniChoice,
    which: &BackupChoice,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    // one that was deleted can be had back
    let options = WriteOptions { create: true, ..options };
    let (ini, _) = Ini::find_or_place(choice, options.create, context)?;
    let backups = backup::list(&ini.target, context.fs)
        .map_err(|source| Error::Backups { ini: ini.path.clone(), source })?;
    let chosen = choose(&backups, which).ok_or_else(|| {
        let which = match which {
            BackupChoice::Newest => String::new(),
            BackupChoice::Number(number) => format!(" with the number {number}"),
            BackupChoice::Name(name) => format!(" called {name}"),
        };
        Error::NoBackup { ini: ini.path.clone(), which }
    })?;
    // a backup is an ini, or it is not gone back to
    let backup = Ini::plain(chosen.path.clone(), ini.code_page);
    let bytes = backup.bytes(context)?;
    let wanted = match backup.decode(bytes.clone()) {
        Ok(decoded) => Some(decoded.document),
        // its bytes are given back as they are
        Err(Error::Encoding { source: EncodingError::Unknown, .. }) => None,
        Err(error) => return Err(error),
    };
    write(choice, options, MadeBy::Restore, context, &mut |ini, current| {
        // an ini that is broken beyond reading is what a restore is for
        let before = match &current {
            Some(current) => ini.decode(current.clone()).ok().map(|decoded| decoded.document),
            None => Some(IniDocument::from_utf16le(Vec::new())),
        };
        let both = before.as_ref().zip(wanted.as_ref());
        let changes = both.map(|(before, wanted)| plan::differences(before, wanted)).unwrap_or_default();
        let is_change = current.as_ref() != Some(&bytes);
        let restored = Some(chosen.name.clone());
        Ok(Draft {
            original: current,
            new: New::Text(bytes.clone()),
            is_change,
            changes,
            restored,
            ..Draft::nothing()
        })
    })
}

fn choose<'a>(backups: &'a [Backup], which: &BackupChoice) -> Option<&'a Backup> {
    match which {
        BackupChoice::Newest => backups.iter().find(|backup| backup.made_by == MadeBy::Edit),
        BackupChoice::Number(number) => backups.get(number.checked_sub(1)?),
        BackupChoice::Name(name) => backups.iter().find(|backup| backup.name == *name),
    }
}

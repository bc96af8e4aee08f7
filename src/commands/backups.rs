//! `backups` and `restore`.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::edit::backup::{self, Backup, MadeBy};
use crate::edit::lock::Lock;
use crate::edit::plan;
use crate::edit::transaction::NewContent;
use crate::ini::document::IniDocument;
use crate::ini::encoding::EncodingError;
use crate::microsip::instances::Processes;
use crate::microsip::recognize;
use crate::page::{Count, Page, local_time, path_text};
use crate::platform::FileSystem;
use crate::request::{BackupChoice, IniChoice, Purge, WriteOptions};

use super::context::Context;
use super::error::Error;
use super::hook_actions;
use super::ini::Ini;
use super::outcome::Outcome;
use super::write::{Draft, Write};
use super::written::WriteOutcome;

/// A backup in the list.
#[derive(Clone, Debug, Serialize)]
pub struct ListedBackup {
    /// Its number; 1 is the newest.
    pub number: usize,
    /// The name of the file.
    pub name: String,
    /// The path of the file.
    pub path: String,
    /// When it was made: UTC, as RFC 3339.
    pub time: String,
    /// Its size in bytes, if it is known.
    pub bytes: Option<u64>,
    /// The kind of command that made it.
    pub made_by: MadeBy,
}

impl ListedBackup {
    /// Returns when it was made, as local time.
    pub fn local_time(&self) -> String {
        humantime::parse_rfc3339(&self.time).map_or_else(|_| self.time.clone(), local_time)
    }
}

/// Returns the time in the name of a backup, `20260131T235959.123Z`, as RFC 3339.
fn time(stamp: &str) -> String {
    let part = |range| stamp.get(range);
    match (part(0..4), part(4..6), part(6..8), part(9..11), part(11..13), stamp.get(13..)) {
        (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(rest)) => {
            format!("{year}-{month}-{day}T{hour}:{minute}:{rest}")
        }
        _ => stamp.to_string(),
    }
}

/// The backups of an ini.
#[derive(Debug)]
pub struct BackupList {
    ini: PathBuf,
    /// The backups, newest first.
    pub backups: Vec<ListedBackup>,
    purge: Option<Purge>,
}

impl Outcome for BackupList {
    fn ini(&self) -> Option<&Path> {
        Some(&self.ini)
    }

    fn changed(&self) -> bool {
        self.purge.is_some() && !self.backups.is_empty()
    }

    fn text(&self, _: &Page) -> String {
        if self.backups.is_empty() {
            return format!("{} has no backups\n", self.ini.display());
        }
        let count = Count(self.backups.len(), "backup");
        if matches!(self.purge, Some(Purge::Ask | Purge::Now)) {
            return format!("Deleted {count} of {}\n", self.ini.display());
        }
        let mut text = String::new();
        for listed in &self.backups {
            let ListedBackup { number, name, bytes, made_by, .. } = listed;
            let time = listed.local_time();
            let size = bytes.map_or(String::new(), |bytes| format!("{bytes:>9} bytes"));
            let by = if *made_by == MadeBy::Restore { "  (made by a restore)" } else { "" };
            let _ = writeln!(text, "{number:>3}  {time}{size}  {name}{by}");
        }
        if self.purge.is_some() {
            let _ = writeln!(text, "Would delete {count}");
        }
        text
    }

    fn json(&self) -> Json {
        json!({
            "ok": true,
            "ini": path_text(&self.ini),
            "purged": self.purge.is_some_and(|purge| purge != Purge::DryRun),
            "backups": self.backups,
        })
    }
}

/// Returns the error that the folder of the backups can't be read or written.
pub fn folder_error(ini: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("the backups of {} couldn't be listed or removed: {error}", ini.display());
    Diagnostic::new(Code::BackupFailed, message)
        .with_hint("check that the folder exists and that you may change it")
}

/// Lists the backups of an ini, newest first, or deletes them.
///
/// # Errors
/// No ini was found, or the folder can't be read or written.
pub fn list(
    choice: &IniChoice,
    purge: Option<Purge>,
    context: &mut Context<'_>,
) -> Result<BackupList, Error> {
    let ini = Ini::choose(choice, context)?;
    let failed = |error| folder_error(&ini.path, &error);
    let found = || backup::list(ini.file.to_open(), context.fs).map_err(failed);
    let backups = if matches!(purge, Some(Purge::Ask | Purge::Now)) {
        let _lock = Lock::acquire(ini.file.to_open(), context.fs, context.stop)?;
        let backups = found()?;
        for backup in &backups {
            backup::remove(ini.file.to_open(), backup, context.fs).map_err(failed)?;
        }
        backups
    } else {
        found()?
    };
    Ok(BackupList { backups: listed(backups, context.fs), ini: ini.path, purge })
}

/// Numbers backups, and adds their sizes.
pub fn listed(backups: Vec<Backup>, fs: &dyn FileSystem) -> Vec<ListedBackup> {
    let listed = |(number, backup): (usize, Backup)| ListedBackup {
        number,
        path: path_text(&backup.path),
        time: time(&backup.stamp),
        bytes: fs.metadata(&backup.path).ok().map(|metadata| metadata.len()),
        name: backup.name,
        made_by: backup.made_by,
    };
    (1..).zip(backups).map(listed).collect()
}

/// Restores an ini from a backup. The ini that it replaces is backed up too.
///
/// # Errors
/// As [`Write::run`], or there is no such backup.
pub fn restore(
    choice: &IniChoice,
    which: &BackupChoice,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    // A deleted ini can be restored.
    let options = WriteOptions { create: true, ..options };
    let ini = Ini::choose_or_create(choice, options.create, context)?;
    let failed = |error| folder_error(&ini.path, &error);
    let backups = backup::list(ini.file.to_open(), context.fs).map_err(failed)?;
    let chosen = choose(&backups, which).ok_or_else(|| no_backup(&ini, which))?;
    // Only an ini is restored.
    let backup = Ini::plain(chosen.path.clone(), ini.code_page, true);
    let bytes = backup.bytes(context)?;
    let wanted = match backup.decode(bytes.clone()) {
        Ok(decoded) => Some(decoded.document),
        // The bytes are restored as they are.
        Err(Error::Encoding { source: EncodingError::Unknown, .. }) => None,
        Err(error) => return Err(error),
    };
    let wanted_actions =
        backup::companion_of(ini.file.to_open(), &chosen.path, context.fs).map_err(failed)?;
    let fs = context.fs;
    let processes = Processes::default();
    let write = Write { ini: &ini, options, made_by: MadeBy::Restore, processes: &processes };
    write.run(context, &mut |ini, current| {
        // A restore must also work on an ini that can't be decoded any more.
        let before = match &current {
            Some(current) => ini.decode(current.clone()).ok().map(|decoded| decoded.document),
            None => Some(IniDocument::from_utf16le(Vec::new())),
        };
        let both = before.as_ref().zip(wanted.as_ref());
        let changes = both.map(|(before, wanted)| plan::differences(before, wanted)).unwrap_or_default();
        Ok(Draft {
            is_change: current.as_ref() != Some(&bytes),
            new: NewContent::Write(bytes.clone()),
            changes,
            restored: Some(chosen.name.clone()),
            is_microsip: wanted.as_ref().is_none_or(recognize::is_microsip),
            actions: hook_actions::replaced(ini, wanted_actions.as_deref(), fs)?,
            ..Draft::nothing()
        })
    })
}

fn no_backup(ini: &Ini, which: &BackupChoice) -> Diagnostic {
    let which = match which {
        BackupChoice::Newest => String::new(),
        BackupChoice::Number(number) => format!(" with the number {number}"),
        BackupChoice::Name(name) => format!(" named {name}"),
    };
    Diagnostic::new(Code::NoBackup, format!("{} has no backup{which}", ini.path.display()))
        .with_hint("to list the backups, run 'msipcfg backups'")
}

fn choose<'a>(backups: &'a [Backup], which: &BackupChoice) -> Option<&'a Backup> {
    match which {
        BackupChoice::Newest => backups.iter().find(|backup| backup.made_by == MadeBy::Edit),
        BackupChoice::Number(number) => backups.get(number.checked_sub(1)?),
        BackupChoice::Name(name) => backups.iter().find(|backup| backup.name == *name),
    }
}

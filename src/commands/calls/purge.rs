//! Deleting calls, and the calls databases that were renamed because they were damaged or of another version.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::actions::call::CallResult;
use crate::actions::data_folder::{self, DataFolder};
use crate::actions::store::{Delivery, Filter, State, Store, Use};
use crate::commands::call_history::{self, PATIENCE};
use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::diagnostic::{Code, Diagnostic};
use crate::platform::FileSystem;
use crate::request::{IniChoice, Purge};

use super::list::{CallList, Form, ListedCall, Purged};
use super::wanted::Wanted;

/// Deletes calls, or shows which ones would be deleted. A call stays if it isn't over or something has to be done for
/// it. Nobody can read which inis a renamed database is about, so those are deleted only with the calls of all inis.
///
/// # Errors
/// The database can't be read or written, or a renamed one can't be deleted.
pub fn purge(ini: &IniChoice, purge: Purge, context: &Context<'_>) -> Result<CallList, Error> {
    let (calls, kept) = delete_calls(ini, purge, context)?;
    let renamed = renamed_databases(context)?;
    let paths = renamed.keys().cloned().collect();
    let (databases, kept_databases) =
        if ini.path.is_some() { (Vec::new(), paths) } else { (paths, Vec::new()) };
    if purge != Purge::DryRun && !databases.is_empty() {
        renamed.values().flatten().try_for_each(|file| delete(file, context.fs))?;
    }
    let purged = Purged { purge, kept, databases, kept_databases };
    Ok(CallList { calls, form: Form::Table, is_continued: false, purged: Some(purged) })
}

/// Returns the calls that were or would be deleted, and how many were kept.
fn delete_calls(
    ini: &IniChoice,
    purge: Purge,
    context: &Context<'_>,
) -> Result<(Vec<ListedCall>, usize), Error> {
    let wanted = Wanted { ini, since: None, missed: false };
    let Some(store) = call_history::open(context)? else { return Ok((Vec::new(), 0)) };
    let all = wanted.calls(&store, context)?;
    let total = all.len();
    let unfinished = unfinished(&store)?;
    let is_over = |listed: &ListedCall| {
        listed.call.result != CallResult::Open && !listed.call.rows.iter().any(|row| unfinished.contains(row))
    };
    let mut calls: Vec<ListedCall> = all.into_iter().filter(is_over).collect();
    drop(store);
    if let Some(folder) = DataFolder::of(context.env).filter(|_| purge != Purge::DryRun) {
        // Opened like this, what is deleted is overwritten.
        let store = Store::open(&folder.database(), PATIENCE, Use::Other)?;
        let mut deleted = Vec::new();
        for listed in calls {
            if store.delete_together(&listed.call.rows)? {
                deleted.push(listed);
            }
        }
        calls = deleted;
        // What was deleted is also in the log.
        store.empty_log()?;
    }
    let kept = total - calls.len();
    Ok((calls, kept))
}

/// Returns the events with actions that aren't done.
fn unfinished(store: &Store) -> Result<HashSet<i64>, Error> {
    let is_unfinished = |delivery: &Delivery| matches!(delivery.state, State::Pending | State::Started);
    let all = store.deliveries(Filter { since: i64::MIN, ..Filter::default() })?.into_iter();
    Ok(all.filter(|(_, delivery)| is_unfinished(delivery)).map(|(event, _)| event.row).collect())
}

/// Returns the renamed databases, and the files of each that exist. A link isn't one of them.
fn renamed_databases(context: &Context<'_>) -> Result<BTreeMap<PathBuf, Vec<PathBuf>>, Error> {
    let mut renamed: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let Some(folder) = DataFolder::of(context.env) else { return Ok(renamed) };
    let entries = match context.fs.list(folder.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(renamed),
        entries => entries.map_err(|error| {
            let message = format!("{} couldn't be listed: {error}", folder.path().display());
            Diagnostic::new(Code::FileRead, message).with_hint("check that you may read it")
        })?,
    };
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let Some(database) = name.to_str().and_then(data_folder::renamed_database_of) else { continue };
        if context.fs.link_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            renamed.entry(path.with_file_name(database)).or_default().push(path);
        }
    }
    Ok(renamed)
}

fn delete(file: &Path, fs: &dyn FileSystem) -> Result<(), Error> {
    match fs.remove(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let message = format!("{} couldn't be deleted: {error}", file.display());
            Err(Diagnostic::new(Code::FileWrite, message)
                .with_hint("check that you may write to its folder and that no other program has it open")
                .into())
        }
        _ => Ok(()),
    }
}

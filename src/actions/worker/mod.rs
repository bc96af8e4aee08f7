//! The worker: carries out the actions of the events that the runner stored.
//!
//! Each Windows session has at most one, because pages and messages belong to a session.

pub mod actions_cache;
pub mod context;
mod facts;
mod housekeeping;
mod intake;
mod lock;
mod plan;
mod schedule;
mod service;
mod stop;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::actions::data_folder::DATABASE_SUFFIXES;
use crate::actions::spool;
use crate::actions::store::{NewEvent, Store, StoreError, Use};
use crate::platform;

use context::Context;
use service::{Finished, Service, Storage};

/// How long the worker waits for other programs that use the database.
const PATIENCE: Duration = Duration::from_secs(10);

/// What went wrong in the worker.
#[derive(Debug, thiserror::Error)]
enum WorkerError {
    #[error("the folder {path} couldn't be used: {source}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("the calls database couldn't be renamed to {path}: {source}")]
    Rename { path: PathBuf, source: io::Error },
    #[error("{0}; it was renamed to {renamed}", renamed = .1.display())]
    Renamed(StoreError, PathBuf),
}

/// Serves the events of a session until there is nothing to do, unless another worker does that. `given` is an event
/// that the runner couldn't store.
pub fn run(context: &Context<'_>, given: Option<NewEvent>) {
    let folder = context.data.path();
    if let Err(source) = platform::create_private_folder(folder) {
        context.log(&WorkerError::Folder { path: folder.to_path_buf(), source });
        return serve_in_memory(context, given);
    }
    if stop::is_wanted(context) {
        // the next worker takes it
        if let Some(Err(error)) = given.map(|event| store_for_others(context, &event)) {
            context.log(&error);
        }
        return;
    }
    let mut given = given;
    let mut is_first = true;
    loop {
        let lock = match lock::acquire(context.fs, &context.data.worker_locks(context.session)) {
            Ok(Some(lock)) => lock,
            Ok(None) => return hand_over(context, given),
            Err(source) => {
                context.log(&WorkerError::Folder { path: folder.to_path_buf(), source });
                return serve_in_memory(context, given);
            }
        };
        let served = serve(context, &mut given);
        drop(lock);
        match served {
            // an event may have been stored after the last look and before the lock was released
            Ok((Finished::Idle, taken)) if has_events(context) && (is_first || taken > 0) => is_first = false,
            Ok(_) => return,
            Err(error) => {
                context.log(&error);
                return serve_in_memory(context, given);
            }
        }
    }
}

/// Serves what is in the database, and returns how many events were taken.
fn serve(context: &Context<'_>, given: &mut Option<NewEvent>) -> Result<(Finished, usize), StoreError> {
    let store = open_store(context)?;
    if let Some(event) = given {
        store.add(event)?;
        *given = None;
    }
    let mut service = Service::new(context, &store, Storage::OnDisk);
    let finished = service.run()?;
    // other programs may prevent it, and then the next worker does it
    let _ = store.empty_log();
    Ok((finished, service.taken))
}

/// Serves one event without a database. It holds no lock, so that a worker can start when the database can be used
/// again.
fn serve_in_memory(context: &Context<'_>, given: Option<NewEvent>) {
    let serve = || -> Result<(), StoreError> {
        let store = Store::in_memory()?;
        given.iter().try_for_each(|event| store.add(event).map(drop))?;
        let patient = Context {
            idle: Duration::ZERO,
            perform: context.perform.clone(),
            user: context.user.clone(),
            computer: context.computer.clone(),
            ..*context
        };
        Service::new(&patient, &store, Storage::InMemory).run().map(drop)
    };
    if let Err(error) = serve() {
        context.log(&error);
    }
}

/// Gives an event to the worker that is running.
fn hand_over(context: &Context<'_>, given: Option<NewEvent>) {
    let Some(event) = given else { return };
    if let Err(error) = store_for_others(context, &event) {
        context.log(&error);
        serve_in_memory(context, Some(event));
    }
}

fn store_for_others(context: &Context<'_>, event: &NewEvent) -> Result<(), StoreError> {
    Store::open(&context.data.database(), PATIENCE, Use::Other)?.add(event).map(drop)
}

/// Opens the database. One that isn't ours or is damaged is renamed.
fn open_store(context: &Context<'_>) -> Result<Store, StoreError> {
    let path = context.data.database();
    let open = || Store::open(&path, PATIENCE, Use::Other);
    match open() {
        Err(error) if error.needs_new_database() => {
            let to = context.data.renamed_database((context.now)().wall_ms);
            match set_aside(&path, &to) {
                Ok(()) => context.log(&WorkerError::Renamed(error, to)),
                Err(source) => {
                    context.log(&WorkerError::Rename { path: to, source });
                    return Err(error);
                }
            }
            open()
        }
        opened => opened,
    }
}

/// Renames a database and the files that belong to it.
fn set_aside(from: &Path, to: &Path) -> io::Result<()> {
    platform::rename(from, to)?;
    for suffix in DATABASE_SUFFIXES {
        let with_suffix = |path: &Path| {
            let mut name = OsString::from(path);
            name.push(suffix);
            PathBuf::from(name)
        };
        // most of them don't exist
        let _ = platform::rename(&with_suffix(from), &with_suffix(to));
    }
    Ok(())
}

/// Returns whether there are events that no worker has taken.
fn has_events(context: &Context<'_>) -> bool {
    let files = spool::files(context.fs, &context.data.spool());
    let in_files = files.is_ok_and(|files| files.iter().any(|(_, event)| event.is_ok()));
    let store = Store::open_existing(&context.data.database(), PATIENCE);
    let is_left = |store: Store| store.unplanned(context.session).is_ok_and(|events| !events.is_empty());
    in_files || store.is_ok_and(|store| store.is_some_and(is_left))
}

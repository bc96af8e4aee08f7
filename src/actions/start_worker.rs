//! Makes sure that a worker runs.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::data_folder::DataFolder;
use super::event_text;
use super::store::NewEvent;
use crate::platform::{self, FileSystem};

/// The hidden command of msipcfg that is the worker.
pub const COMMAND: &str = "worker";

/// The option of that command with an event that couldn't be stored.
pub const EVENT_OPTION: &str = "--event";

/// Why no worker could be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the folder of this program isn't known, so the worker can't be started")]
    NoFolder,
    #[error("the worker {program} couldn't be started: {source}")]
    Start { program: PathBuf, source: io::Error },
}

/// Starts a worker for a session if none is running. An event that couldn't be stored is passed on to it.
///
/// # Errors
/// See [`StartError`].
pub fn start_worker(
    fs: &dyn FileSystem,
    data: &DataFolder,
    session: u32,
    own_folder: Option<&Path>,
    event: Option<&NewEvent>,
) -> Result<(), StartError> {
    if event.is_none() && is_running(fs, data, session) {
        return Ok(());
    }
    // by its full path: what is on the PATH or in the current folder may be somebody else's
    let folder = own_folder.ok_or(StartError::NoFolder)?;
    let program = folder.join(format!("msipcfg{}", std::env::consts::EXE_SUFFIX));
    let mut args = vec![OsString::from(COMMAND)];
    if let Some(event) = event {
        args.extend([EVENT_OPTION.into(), event_text::to_argument(event).into()]);
    }
    platform::start_in_background(&program, &args).map_err(|source| StartError::Start { program, source })
}

/// Returns whether a session has a worker. Creates nothing.
pub fn is_running(fs: &dyn FileSystem, data: &DataFolder, session: u32) -> bool {
    is_held(fs, &data.worker_lock(session))
}

/// Returns whether a worker holds a lock. Creates nothing.
pub fn is_held(fs: &dyn FileSystem, lock: &Path) -> bool {
    match fs.open_to_lock(lock) {
        Ok(lock) => matches!(lock.try_lock(), Ok(false)),
        // on Windows, the worker doesn't share the file
        Err(error) => platform::is_file_in_use(&error),
    }
}

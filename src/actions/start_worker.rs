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
    data.worker_locks(session).iter().any(|lock| is_held(fs, lock))
}

/// Returns whether a worker holds a lock. Creates nothing.
pub fn is_held(fs: &dyn FileSystem, lock: &Path) -> bool {
    match fs.open_shared_lock(lock) {
        // shared, so that nobody who looks at the same time takes this program for a worker
        Ok(lock) => matches!(lock.try_lock_shared(), Ok(false)),
        // A worker holds only a file that others can open. On Windows, a virus scanner may not share it.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemFs;

    #[test]
    fn only_who_holds_the_lock_is_a_worker_and_not_who_looks_at_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().to_path_buf());
        let start = || start_worker(&SystemFs, &data, 1, None, None);
        assert!(matches!(start(), Err(StartError::NoFolder)), "it tries to start a worker");
        for path in data.worker_locks(1) {
            platform::create_private_file(&path).unwrap();
            let lock = || SystemFs.open_shared_lock(&path).unwrap();
            let looking = lock();
            assert!(looking.try_lock_shared().unwrap());
            assert!(matches!(start(), Err(StartError::NoFolder)));
            drop(looking);
            let holding = lock();
            assert!(holding.try_lock().unwrap());
            assert!(start().is_ok());
            drop(holding);
        }
    }
}

//! The lock of the only worker of a session.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::platform::{self, FileSystem, LockFile};

/// How long to try. Runners lock the file for a moment to see whether there is a worker.
const PATIENCE: Duration = Duration::from_millis(500);

/// Acquires the lock, which is released when it is dropped; `None` if another worker holds it. The file stays, so that
/// nobody can lock a file that is about to disappear.
///
/// # Errors
/// The file can't be created or locked.
pub fn acquire(fs: &dyn FileSystem, path: &Path) -> io::Result<Option<LockFile>> {
    platform::create_private_file(path).or_else(|error| {
        // on Windows, whoever holds the lock doesn't share the file
        if platform::is_file_in_use(&error) { Ok(()) } else { Err(error) }
    })?;
    let end = Instant::now() + PATIENCE;
    loop {
        match fs.open_to_lock(path) {
            Ok(lock) => {
                if lock.try_lock()? {
                    return Ok(Some(lock));
                }
            }
            Err(error) if platform::is_file_in_use(&error) => {}
            Err(error) => return Err(error),
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::data_folder::DataFolder;
    use crate::actions::start_worker::is_running;
    use crate::platform::SystemFs;

    #[test]
    fn a_session_has_one_worker_and_others_see_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().to_path_buf());
        let acquire = |session| acquire(&SystemFs, &data.worker_lock(session)).unwrap();
        let is_running = |session| is_running(&SystemFs, &data, session);
        assert!(!is_running(1));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "asking creates nothing");
        let first = acquire(1);
        assert!(first.is_some() && is_running(1) && !is_running(2));
        assert!(acquire(1).is_none());
        assert!(acquire(2).is_some());
        drop(first);
        assert!(!is_running(1));
        assert!(acquire(1).is_some());
    }

    #[test]
    fn a_runner_that_asks_does_not_keep_a_worker_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        platform::create_private_file(&path).unwrap();
        let asking = SystemFs.open_to_lock(&path).unwrap();
        assert!(asking.try_lock().unwrap());
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| acquire(&SystemFs, &path).unwrap().is_some());
            std::thread::sleep(Duration::from_millis(60));
            drop(asking);
            assert!(worker.join().unwrap());
        });
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(acquire(&SystemFs, &folder.path().join("missing").join("lock")).is_err());
    }
}

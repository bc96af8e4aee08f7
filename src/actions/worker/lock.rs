//! The lock of the only worker of a session.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::platform::{self, FileSystem, LockFile};

/// How long to try. Runners lock the files for a moment to see whether there is a worker.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(20);

/// Acquires the locks of a worker, which are released when they are dropped; `None` if another worker holds one. The
/// files stay, so that nobody can lock a file that is about to disappear.
///
/// A worker locks every file that can be locked, not only one. So there is no second worker even if the files that can
/// be locked change while the first is running.
///
/// # Errors
/// None of the files can be created or locked.
pub fn acquire(fs: &dyn FileSystem, paths: &[PathBuf]) -> io::Result<Option<Vec<LockFile>>> {
    let mut locks = Vec::new();
    let mut failure = None;
    for path in paths {
        match lock(fs, path) {
            Ok(Some(lock)) => locks.push(lock),
            Ok(None) => return Ok(None),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if locks.is_empty() => Err(error),
        _ => Ok(Some(locks)),
    }
}

/// Locks a file; `None` if another worker holds it.
fn lock(fs: &dyn FileSystem, path: &Path) -> io::Result<Option<LockFile>> {
    let try_once = || {
        platform::create_private_file(path)?;
        let lock = fs.open_shared_lock(path)?;
        Ok(lock.try_lock()?.then_some(lock))
    };
    let end = Instant::now() + PATIENCE;
    loop {
        let locked = try_once();
        let may_pass = match &locked {
            Ok(lock) => lock.is_none(),
            // on Windows, a virus scanner may not share it
            Err(error) => platform::is_file_in_use(error),
        };
        if !may_pass || Instant::now() >= end {
            return locked;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::data_folder::DataFolder;
    use crate::actions::start_worker::is_running;
    use crate::platform::SystemFs;

    struct Place(tempfile::TempDir, DataFolder);

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().unwrap();
            let data = DataFolder::at(folder.path().to_path_buf());
            Place(folder, data)
        }

        fn acquire(&self, session: u32) -> Option<Vec<LockFile>> {
            acquire(&SystemFs, &self.1.worker_locks(session)).unwrap()
        }

        fn is_running(&self, session: u32) -> bool {
            is_running(&SystemFs, &self.1, session)
        }
    }

    #[test]
    fn a_session_has_one_worker_and_others_see_it() {
        let place = Place::new();
        assert!(!place.is_running(1));
        assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 0, "asking creates nothing");
        let first = place.acquire(1);
        assert!(first.is_some() && place.is_running(1) && !place.is_running(2));
        assert!(place.acquire(1).is_none());
        assert!(place.acquire(2).is_some());
        drop(first);
        assert!(!place.is_running(1));
        assert!(place.acquire(1).is_some());
    }

    #[test]
    fn a_runner_that_asks_is_not_a_worker_and_keeps_none_away() {
        let place = Place::new();
        let path = &place.1.worker_locks(1)[0];
        platform::create_private_file(path).unwrap();
        let asking = SystemFs.open_shared_lock(path).unwrap();
        assert!(asking.try_lock_shared().unwrap());
        assert!(!place.is_running(1));
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| place.acquire(1).is_some());
            std::thread::sleep(Duration::from_millis(60));
            drop(asking);
            assert!(worker.join().unwrap());
        });
    }

    #[test]
    fn a_file_that_cannot_be_locked_keeps_no_worker_away() {
        for unusable in 0..2 {
            let place = Place::new();
            std::fs::create_dir(&place.1.worker_locks(1)[unusable]).unwrap();
            assert!(!place.is_running(1));
            let first = place.acquire(1);
            assert!(first.is_some() && place.is_running(1));
            assert!(place.acquire(1).is_none());
        }
    }

    #[test]
    fn there_is_no_second_worker_when_a_file_becomes_unusable_or_usable() {
        let place = Place::new();
        let path = &place.1.worker_locks(1)[0];
        let first = place.acquire(1);
        // Windows doesn't allow that
        if std::fs::remove_file(path).is_ok() {
            std::fs::create_dir(path).unwrap();
        }
        assert!(place.is_running(1) && place.acquire(1).is_none());
        drop(first);
        let first = place.acquire(1);
        let _ = std::fs::remove_dir(path);
        assert!(place.is_running(1) && place.acquire(1).is_none());
        drop(first);
        assert!(!place.is_running(1));
    }

    #[test]
    fn without_any_file_there_is_an_error() {
        let place = Place::new();
        place.1.worker_locks(1).iter().for_each(|path| std::fs::create_dir(path).unwrap());
        assert!(acquire(&SystemFs, &place.1.worker_locks(1)).is_err());
        let missing = DataFolder::at(place.0.path().join("missing"));
        assert!(acquire(&SystemFs, &missing.worker_locks(1)).is_err());
    }
}

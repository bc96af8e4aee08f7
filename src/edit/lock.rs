//! One msipcfg at a time for one ini. The lock is a file beside the ini, never the ini itself: a MicroSIP
//! that cannot read its ini starts with defaults and saves them over the user's.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use same_file::Handle;

use crate::platform::{self, Disk};
use crate::problem::{Code, Problem};

/// How long another msipcfg is waited for.
pub const LOCK_LIMIT: Duration = Duration::from_secs(30);

/// A held lock. It is released, and its file removed, when it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: Option<File>,
    path: PathBuf,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another msipcfg has been working on {ini} for {} seconds", LOCK_LIMIT.as_secs())]
    Held { ini: PathBuf },
    #[error("the lock {path} could not be made: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("interrupted")]
    Stopped,
}

impl Problem for LockError {
    fn code(&self) -> Code {
        match self {
            LockError::Held { .. } => Code::FileLocked,
            LockError::Io { .. } => Code::FileWrite,
            LockError::Stopped => Code::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LockError::Held { .. } => "wait for it to end, or end it, and try again",
                LockError::Io { .. } => "check that you may write to this folder",
                LockError::Stopped => return None,
            }
            .into(),
        )
    }
}

impl Lock {
    /// Takes the lock of an ini, waiting for at most [`LOCK_LIMIT`].
    pub fn acquire(ini: &Path, disk: &dyn Disk, stop: &dyn Fn() -> bool) -> Result<Lock, LockError> {
        let path = lock_path(ini);
        let until = Instant::now() + LOCK_LIMIT;
        let mut pause = Duration::from_millis(1);
        loop {
            match try_once(ini, &path, disk) {
                Ok(Some(file)) => return Ok(Lock { file: Some(file), path }),
                Ok(None) => {}
                // somebody else's file may be on its way out (Windows says so by refusing access)
                Err(error) if is_passing(&error) && Instant::now() < until => {}
                Err(source) => return Err(LockError::Io { path, source }),
            }
            if stop() {
                return Err(LockError::Stopped);
            }
            if Instant::now() >= until {
                return Err(LockError::Held { ini: ini.to_path_buf() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(30));
        }
    }
}

impl Lock {
    /// Whether there is a lock file, held or left behind.
    pub fn is_there(ini: &Path) -> bool {
        lock_path(ini).symlink_metadata().is_ok()
    }

    /// Takes the lock if nobody holds it.
    pub fn try_now(ini: &Path, disk: &dyn Disk) -> Option<Lock> {
        let path = lock_path(ini);
        let file = try_once(ini, &path, disk).ok().flatten()?;
        Some(Lock { file: Some(file), path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // removed while it is held, so that nobody can take a file that is about to go
        let _ = std::fs::remove_file(&self.path);
        self.file.take();
    }
}

/// The locked file, or nothing if somebody else holds it, or removed it between our opening and locking it.
fn try_once(ini: &Path, path: &Path, disk: &dyn Disk) -> std::io::Result<Option<File>> {
    let Some((file, is_new)) = platform::open_lock(path)? else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
        Err(std::fs::TryLockError::Error(error)) => return Err(error),
    }
    let ours = Handle::from_file(file.try_clone()?)?;
    match Handle::from_path(path) {
        Ok(named) if named == ours => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    if is_new && ini.exists() {
        // the ini's owner must be able to take it too
        disk.adopt(Some(ini), &file, path).inspect_err(|_| {
            let _ = std::fs::remove_file(path);
        })?;
    }
    Ok(Some(file))
}

fn lock_path(ini: &Path) -> PathBuf {
    let name = ini.file_name().unwrap_or_default().to_string_lossy();
    ini.with_file_name(format!(".{name}.msipcfg-lock"))
}

fn is_passing(error: &std::io::Error) -> bool {
    cfg!(windows) && error.kind() == std::io::ErrorKind::PermissionDenied
}

//! One msipcfg at a time for one ini. The lock is a file beside the ini, never the ini itself: a MicroSIP
//! that cannot read its ini starts with defaults and saves them over the user's.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::{FileSystem, LockFile, SystemFs};

/// How long another msipcfg is waited for.
pub const LOCK_LIMIT: Duration = Duration::from_secs(30);

/// How long a file that somebody removed can be on its way out.
const PASSING_LIMIT: Duration = Duration::from_secs(2);

/// A held lock. It is released, and its file removed, when it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: Option<LockFile>,
    path: PathBuf,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another msipcfg has been working on {ini} for {} seconds", LOCK_LIMIT.as_secs())]
    Pinned { ini: PathBuf },
    #[error("the lock {path} could not be made: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("interrupted")]
    Stopped,
}

impl ToDiagnostic for LockError {
    fn code(&self) -> Code {
        match self {
            LockError::Pinned { .. } => Code::FileLocked,
            LockError::Io { .. } => Code::FileWrite,
            LockError::Stopped => Code::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LockError::Pinned { .. } => "wait for it to end, or end it, and try again",
                LockError::Io { .. } => "check the folder: that you may write to it, and that there is room",
                LockError::Stopped => return None,
            }
            .into(),
        )
    }
}

impl Lock {
    /// Takes the lock of an ini, waiting for at most [`LOCK_LIMIT`].
    pub fn acquire(ini: &Path, fs: &dyn FileSystem, stop: &dyn Fn() -> bool) -> Result<Lock, LockError> {
        let path = lock_path(ini);
        let begin = Instant::now();
        let mut refused_since = None;
        let mut pause = Duration::from_millis(1);
        loop {
            match try_once(ini, &path, fs) {
                Ok(Some(file)) => return Ok(Lock { file: Some(file), path }),
                Ok(None) => refused_since = None,
                // somebody else's file may be on its way out (Windows says so by refusing access)
                Err(error)
                    if is_passing(&error)
                        && refused_since.get_or_insert_with(Instant::now).elapsed() < PASSING_LIMIT => {}
                Err(source) => return Err(LockError::Io { path, source }),
            }
            if stop() {
                return Err(LockError::Stopped);
            }
            if begin.elapsed() >= LOCK_LIMIT {
                return Err(LockError::Pinned { ini: ini.to_path_buf() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(30));
        }
    }
}

impl Lock {
    /// Whether there is a lock file, held or left behind.
    pub fn is_there(ini: &Path, fs: &dyn FileSystem) -> bool {
        fs.link_metadata(&lock_path(ini)).is_ok()
    }

    /// Whether somebody holds it, or may. Nothing is made for that.
    pub fn is_held(ini: &Path, fs: &dyn FileSystem) -> bool {
        match fs.open_to_lock(&lock_path(ini)) {
            Ok(file) => !matches!(file.try_lock(), Ok(true)),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Takes the lock if nobody holds it.
    pub fn try_now(ini: &Path, fs: &dyn FileSystem) -> Option<Lock> {
        let path = lock_path(ini);
        let file = try_once(ini, &path, fs).ok().flatten()?;
        Some(Lock { file: Some(file), path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // removed while it is held, so that nobody can take a file that is about to go
        let _ = SystemFs.remove(&self.path);
        self.file.take();
    }
}

/// The locked file, or nothing if somebody else holds it, or removed it between our opening and locking it.
fn try_once(ini: &Path, path: &Path, fs: &dyn FileSystem) -> io::Result<Option<LockFile>> {
    let opened = fs.open_to_lock(path).or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        make(ini, path, fs)?;
        fs.open_to_lock(path)
    });
    let file = match opened {
        // whoever holds the lock by now has cleared away what was made
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs.is_dir(folder_of(path)) => {
            return Ok(None);
        }
        opened => opened?,
    };
    if !file.try_lock()? {
        return Ok(None);
    }
    match file.has_path(path) {
        Ok(true) => Ok(Some(file)),
        Ok(false) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the lock file. It has the ini's owner and access before it has its name: a run with more rights that
/// is killed here must not shut the user out.
fn make(ini: &Path, path: &Path, fs: &dyn FileSystem) -> io::Result<()> {
    let (prefix, suffix) = temp_name(ini);
    let temp = fs.create_temp(folder_of(ini), &prefix, suffix)?;
    fs.adopt(fs.exists(ini).then_some(ini), temp.as_file(), temp.path())?;
    match fs.link(temp.path(), path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // a disk without hard links
            match fs.persist_new(temp.into_temp_path(), path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                result => result,
            }
        }
        _ => Ok(()),
    }
}

/// How temporary files beside an ini begin and end.
pub fn temp_name(ini: &Path) -> (OsString, &'static str) {
    let mut prefix = OsString::from(".");
    prefix.push(ini.file_name().unwrap_or_default());
    prefix.push(".");
    (prefix, ".msipcfg-tmp")
}

/// The folder of an ini.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The lock of an ini.
pub(super) fn lock_path(ini: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(ini.file_name().unwrap_or_default());
    name.push(".msipcfg-lock");
    ini.with_file_name(name)
}

fn is_passing(error: &io::Error) -> bool {
    cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied
}

//! A lock that lets only one msipcfg at a time edit an ini. It is a file next to the ini, never the ini itself: a
//! MicroSIP that can't read its ini starts with defaults and saves them over the user's settings.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::page::duration_text;
use crate::platform::{self, FileSystem, FileSystemExt, LockFile};

/// How long to wait for another msipcfg.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// How long Windows can refuse access to a lock file that is being deleted.
const DELETION_TIMEOUT: Duration = Duration::from_secs(2);

/// The advice if a new file couldn't be created because something doesn't exist: the folder, or so Windows says when it
/// protects the folder.
pub(super) const BLOCKED_HINT: &str = "check that the folder still exists; if it does, Windows' ransomware protection \
    (Controlled folder access) may block msipcfg, and an administrator can allow it in Windows Security";

/// A lock that is held. Dropping it removes the file and releases the lock.
#[derive(Debug)]
pub struct Lock {
    file: Option<LockFile>,
    path: PathBuf,
}

/// The reason why the lock wasn't acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another msipcfg has been editing {ini} for {}", duration_text(LOCK_TIMEOUT))]
    Busy { ini: PathBuf },
    #[error("the lock file {path} couldn't be created: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("Cancelled while another msipcfg was editing the ini. Nothing was changed.")]
    Stopped,
}

impl ToDiagnostic for LockError {
    fn code(&self) -> Code {
        match self {
            LockError::Busy { .. } => Code::FileLocked,
            LockError::Io { .. } => Code::FileWrite,
            LockError::Stopped => Code::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LockError::Busy { .. } => "wait until it has finished, or stop it, then try again",
                LockError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => BLOCKED_HINT,
                LockError::Io { .. } => {
                    "check that you may write to the folder and that the disk has free space"
                }
                LockError::Stopped => return None,
            }
            .into(),
        )
    }
}

impl Lock {
    /// Acquires the lock of an ini, waiting at most [`LOCK_TIMEOUT`].
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn acquire(ini: &Path, fs: &dyn FileSystem, stop: &dyn Fn() -> bool) -> Result<Lock, LockError> {
        let path = lock_path(ini);
        let start = Instant::now();
        let mut denied_since = None;
        let mut pause = Duration::from_millis(1);
        loop {
            match try_once(ini, &path, fs) {
                Ok(Some(file)) => return Ok(Lock { file: Some(file), path }),
                Ok(None) => denied_since = None,
                Err(error)
                    if platform::may_be_deletion(&error)
                        && denied_since.get_or_insert_with(Instant::now).elapsed() < DELETION_TIMEOUT => {}
                Err(source) => return Err(LockError::Io { path, source }),
            }
            if stop() {
                return Err(LockError::Stopped);
            }
            if start.elapsed() >= LOCK_TIMEOUT {
                return Err(LockError::Busy { ini: ini.to_path_buf() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(30));
        }
    }

    /// Returns the path of its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether a lock file exists, held or left behind.
    pub fn exists(ini: &Path, fs: &dyn FileSystem) -> bool {
        fs.link_metadata(&lock_path(ini)).is_ok()
    }

    /// Returns whether another process holds the lock, or might hold it. Creates nothing.
    pub fn is_held(ini: &Path, fs: &dyn FileSystem) -> bool {
        match fs.open_to_lock(&lock_path(ini)) {
            Ok(file) => !matches!(file.try_lock(), Ok(true)),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Acquires the lock if no other process holds it.
    pub fn try_acquire(ini: &Path, fs: &dyn FileSystem) -> Option<Lock> {
        let path = lock_path(ini);
        let file = try_once(ini, &path, fs).ok().flatten()?;
        Some(Lock { file: Some(file), path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            file.remove(&self.path);
        }
    }
}

/// Opens and locks the file. Returns `None` if another process holds the lock, or removed the file before it was
/// locked here.
fn try_once(ini: &Path, path: &Path, fs: &dyn FileSystem) -> io::Result<Option<LockFile>> {
    let opened = match fs.open_to_lock(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(ini, path, fs)?;
            match fs.open_to_lock(path) {
                // another process has locked, used and removed the file that was just created
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened,
            }
        }
        opened => opened,
    };
    let file = match opened {
        // on Windows, another process that has it open doesn't share it
        Err(error) if platform::is_file_in_use(&error) => return Ok(None),
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

/// Creates the lock file. It gets the ini's owner and access before its name: a run with higher privileges that is
/// killed here must not lock the user out.
fn create(ini: &Path, path: &Path, fs: &dyn FileSystem) -> io::Result<()> {
    let (prefix, suffix) = temp_name(ini);
    let mut temp = fs.create_temp(folder_of(ini), &prefix, suffix)?;
    match fs.copy_access(fs.exists(ini).then_some(ini), &mut temp) {
        // another program has just deleted the ini
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        copied => copied?,
    }
    match fs.persist_new(temp, path) {
        // another msipcfg was faster, or took the temporary file for one that a killed run left behind
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            Ok(())
        }
        result => result,
    }
}

/// Returns the prefix and suffix of temporary files next to an ini.
pub fn temp_name(ini: &Path) -> (OsString, &'static str) {
    let mut prefix = OsString::from(".");
    prefix.push(ini.file_name().unwrap_or_default());
    prefix.push(".");
    (prefix, ".msipcfg-tmp")
}

/// Returns the folder of an ini.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the path of the lock file of an ini.
pub(super) fn lock_path(ini: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(ini.file_name().unwrap_or_default());
    name.push(".msipcfg-lock");
    ini.with_file_name(name)
}

//! The companion of an ini: the file `<stem>.hooks.toml` next to it, with the actions of its hooks. It changes in the
//! same transaction as the ini, and is backed up with it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::platform::{self, FileSystem, FileSystemExt, TempFile};

use super::content::NewContent;
use super::lock::{folder_of, temp_name};

const SUFFIX: &str = ".hooks.toml";

/// The largest companion that is read or written, in bytes.
pub const MAX_LEN: u64 = 1024 * 1024;

/// Returns the path of the companion of an ini, which may not exist.
pub fn path_for(ini: &Path) -> PathBuf {
    named_like(ini, SUFFIX)
}

/// Returns the path of the companion's backup that belongs to a backup of the ini.
pub(super) fn backup_path(ini: &Path, ini_backup: &Path) -> PathBuf {
    let name = ini_backup.file_name().unwrap_or_default().to_string_lossy();
    let ini_name = ini.file_name().unwrap_or_default().to_string_lossy();
    let stamp = name.strip_prefix(&*ini_name).unwrap_or(&name);
    named_like(ini, &format!("{SUFFIX}{stamp}"))
}

fn named_like(ini: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(ini.file_stem().unwrap_or_default());
    name.push(suffix);
    ini.with_file_name(name)
}

/// A change of the companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionEdit {
    /// What the file contained when the change was planned; `None` if it didn't exist.
    pub current: Option<Vec<u8>>,
    /// What becomes of it.
    pub new: NewContent,
    /// When it changes.
    pub order: Order,
}

/// When the companion changes. Whatever stops a transaction halfway, the ini never starts actions that don't exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before the ini, which will start the actions.
    BeforeIni,
    /// After the ini, which started the actions so far.
    AfterIni,
}

/// A change of the companion that is ready to be made by one rename.
pub(super) struct Staged {
    path: PathBuf,
    edit: CompanionEdit,
    temp: Option<TempFile>,
}

impl Staged {
    /// Writes the new companion to a temporary file with the owner and access of the ini, so that whoever can't read
    /// the ini can't read the actions.
    pub fn write(ini: &Path, edit: CompanionEdit, fs: &dyn FileSystem) -> io::Result<Staged> {
        let temp = edit.new.bytes().map(|bytes| write_temp(ini, bytes, fs)).transpose()?;
        Ok(Staged { path: path_for(ini), edit, temp })
    }

    /// Returns when the change is made.
    pub fn order(&self) -> Order {
        self.edit.order
    }

    /// Returns whether the companion is still as it was when its change was planned.
    pub fn is_current(&self, ini: &Path, fs: &dyn FileSystem) -> bool {
        matches!(read(ini, fs), Ok(bytes) if bytes == self.edit.current)
    }

    /// Makes the change.
    pub fn commit(self, fs: &dyn FileSystem) -> io::Result<Committed> {
        match self.temp {
            Some(temp) if self.edit.current.is_none() => fs.persist_new(temp, &self.path)?,
            Some(temp) => fs.replace(temp, &self.path)?,
            None => fs.remove(&self.path)?,
        }
        Ok(Committed { path: self.path, old: self.edit.current })
    }
}

/// A change of the companion that was made, and can be undone as long as the ini hasn't been changed.
pub(super) struct Committed {
    path: PathBuf,
    old: Option<Vec<u8>>,
}

impl Committed {
    /// Undoes the change as far as possible. What stays is harmless: nothing starts the actions.
    pub fn undo(self, ini: &Path, fs: &dyn FileSystem) {
        let _ = match self.old {
            Some(bytes) => write_temp(ini, &bytes, fs).and_then(|temp| fs.replace(temp, &self.path)),
            None => fs.remove(&self.path),
        };
    }
}

/// Reads the companion; `None` if there is none.
///
/// # Errors
/// It can't be read.
pub fn read(ini: &Path, fs: &dyn FileSystem) -> io::Result<Option<Vec<u8>>> {
    read_file(&path_for(ini), fs)
}

/// Reads a companion or its backup; `None` if it doesn't exist. The worker refuses a link too, and a pipe would never
/// end.
pub(super) fn read_file(path: &Path, fs: &dyn FileSystem) -> io::Result<Option<Vec<u8>>> {
    let read = || {
        let metadata = fs.link_metadata(path)?;
        if !metadata.is_file() {
            return Err(platform::not_regular());
        }
        if metadata.len() > MAX_LEN {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
        }
        fs.read(path)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Copies the companion, if there is one, to the backup that belongs to a backup of the ini. A copy, because a hard
/// link would change together with the file when it is edited by hand. What can't be used as a companion isn't copied.
pub(super) fn back_up(ini: &Path, ini_backup: &Path, fs: &dyn FileSystem) -> io::Result<Option<PathBuf>> {
    let bytes = match read(ini, fs) {
        Err(error) if is_unusable(&error) => None,
        bytes => bytes?,
    };
    let Some(bytes) = bytes else { return Ok(None) };
    let path = backup_path(ini, ini_backup);
    let temp = write_temp(ini, &bytes, fs)?;
    fs.replace(temp, &path)?;
    Ok(Some(path))
}

/// Returns whether a companion can't be used, whoever reads it.
fn is_unusable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge)
}

fn write_temp(ini: &Path, bytes: &[u8], fs: &dyn FileSystem) -> io::Result<TempFile> {
    let (prefix, suffix) = temp_name(ini);
    let model = fs.exists(ini).then_some(ini);
    platform::write_temp(fs, folder_of(ini), bytes, model, (&prefix, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_ini() {
        for (ini, companion, backup) in [
            ("a/MicroSIP.ini", "a/MicroSIP.hooks.toml", "a/MicroSIP.hooks.toml.20260131T235959.123Z-1.bak"),
            ("x.y.INI", "x.y.hooks.toml", "x.y.hooks.toml.20260131T235959.123Z-1.bak"),
            ("z", "z.hooks.toml", "z.hooks.toml.20260131T235959.123Z-1.bak"),
        ] {
            let ini = Path::new(ini);
            let ini_backup = PathBuf::from(format!("{}.20260131T235959.123Z-1.bak", ini.display()));
            assert_eq!(path_for(ini), Path::new(companion));
            assert_eq!(backup_path(ini, &ini_backup), Path::new(backup));
        }
    }
}

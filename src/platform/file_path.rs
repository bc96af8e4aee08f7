//! Paths of files that may be in a pinned folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The path of a file: one to show, and one to open it.
///
/// On Linux they differ for a file in a pinned folder, which is opened as `/proc/self/fd/N/NAME`. That path means
/// nothing to users and nothing to another process, so it is never shown or stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath {
    shown: PathBuf,
    opened: PathBuf,
}

impl FilePath {
    /// Returns the path of a file that is opened by the path that is shown.
    pub fn new(path: PathBuf) -> FilePath {
        FilePath { opened: path.clone(), shown: path }
    }

    pub(super) fn pinned(shown: PathBuf, opened: PathBuf) -> FilePath {
        FilePath { shown, opened }
    }

    /// Returns the path to show and to store.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// Returns the path to open.
    pub fn to_open(&self) -> &Path {
        &self.opened
    }

    /// Returns the path of another file in the same folder.
    pub fn with_file_name(&self, name: &OsStr) -> FilePath {
        FilePath { shown: self.shown.with_file_name(name), opened: self.opened.with_file_name(name) }
    }

    /// Returns the path to show for a path to open, if that is the folder of this file or in it. Other paths are
    /// returned unchanged.
    pub fn shown_for(&self, opened: &Path) -> PathBuf {
        let (Some(shown_folder), Some(opened_folder)) = (self.shown.parent(), self.opened.parent()) else {
            return opened.to_path_buf();
        };
        if opened == opened_folder {
            return shown_folder.to_path_buf();
        }
        match opened.file_name() {
            Some(name) if opened.parent() == Some(opened_folder) => shown_folder.join(name),
            _ => opened.to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_pinned_folder_are_shown_as_users_know_them() {
        let ini = FilePath::pinned("/home/ann/MicroSIP.ini".into(), "/proc/self/fd/7/MicroSIP.ini".into());
        let shown = |opened: &str| ini.shown_for(Path::new(opened));
        assert_eq!(shown("/proc/self/fd/7/MicroSIP.ini.bak"), Path::new("/home/ann/MicroSIP.ini.bak"));
        assert_eq!(shown("/proc/self/fd/7"), Path::new("/home/ann"));
        assert_eq!(shown("/proc/self/fd/8/MicroSIP.ini"), Path::new("/proc/self/fd/8/MicroSIP.ini"));
        assert_eq!(shown("/elsewhere/a"), Path::new("/elsewhere/a"));
        let backup = ini.with_file_name("a.bak".as_ref());
        assert_eq!(backup.shown(), Path::new("/home/ann/a.bak"));
        assert_eq!(backup.to_open(), Path::new("/proc/self/fd/7/a.bak"));
    }
}

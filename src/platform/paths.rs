//! Windows paths and the paths of this machine that they correspond to.

use std::path::{Path, PathBuf};

use super::system;
use super::wine::WinePrefix;

/// The name of the folder in which msipcfg keeps its own files, among the user's local settings.
pub const DATA_FOLDER: &str = "msipcfg";

/// How Windows paths correspond to paths of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowsPaths {
    /// They are the same: this machine runs Windows.
    Native,
    /// They lead into a Wine prefix.
    Prefix(WinePrefix),
    /// It isn't known.
    Unknown,
}

impl WindowsPaths {
    /// Converts a full Windows path to a path of this machine, whether or not it exists.
    pub fn to_host(&self, windows_path: &str) -> Option<PathBuf> {
        match self {
            WindowsPaths::Native => Some(PathBuf::from(windows_path)),
            WindowsPaths::Prefix(prefix) => prefix.to_host(windows_path),
            WindowsPaths::Unknown => None,
        }
    }

    /// Converts a full path of this machine to the path that Windows programs use, whether or not it exists.
    pub fn to_windows(&self, path: &Path) -> Option<String> {
        match self {
            WindowsPaths::Native => path.to_str().map(str::to_string),
            WindowsPaths::Prefix(prefix) => prefix.to_windows(path),
            WindowsPaths::Unknown => None,
        }
    }

    /// Returns the full paths that `App Paths` of the registry has for a program name with its extension: this user's,
    /// then that of the machine.
    pub fn app_paths(&self, exe: &str) -> Vec<String> {
        const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\App Paths";
        let key = format!(r"{KEY}\{exe}");
        let found = match self {
            WindowsPaths::Native => system::app_paths(&key),
            WindowsPaths::Prefix(prefix) => prefix.app_paths(&key),
            WindowsPaths::Unknown => Vec::new(),
        };
        found.iter().map(|path| path.trim().trim_matches('"').to_string()).collect()
    }
}

/// Where the drive of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveKind {
    /// In this machine.
    Local,
    /// On a network share, with or without a drive letter.
    Network,
}

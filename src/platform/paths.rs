//! Windows paths and where they lead to on this machine.

use std::path::{Path, PathBuf};

use super::installs::AppPaths;
use super::system;
use super::wine::WinePrefix;

/// Where Windows paths lead to on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowsPaths {
    /// This is Windows.
    Native,
    /// Into a Wine prefix.
    Prefix(WinePrefix),
    /// Nowhere that could be told.
    Unknown,
}

impl WindowsPaths {
    /// Where a full Windows path lies on this machine, whether or not something is there.
    pub fn to_host(&self, windows_path: &str) -> Option<PathBuf> {
        match self {
            WindowsPaths::Native => Some(PathBuf::from(windows_path)),
            WindowsPaths::Prefix(prefix) => prefix.to_host(windows_path),
            WindowsPaths::Unknown => None,
        }
    }

    /// A full path of this machine as Windows' programs see it, whether or not something is there.
    pub fn to_windows(&self, path: &Path) -> Option<String> {
        match self {
            WindowsPaths::Native => path.to_str().map(str::to_string),
            WindowsPaths::Prefix(prefix) => prefix.to_windows(path),
            WindowsPaths::Unknown => None,
        }
    }

    /// What is registered for a program's name, which has its ending.
    pub fn app_paths(&self, exe: &str) -> AppPaths {
        const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\App Paths";
        let key = format!(r"{KEY}\{exe}");
        let found = match self {
            WindowsPaths::Native => system::app_paths(&key),
            WindowsPaths::Prefix(prefix) => prefix.app_paths(&key),
            WindowsPaths::Unknown => AppPaths::default(),
        };
        let unquoted = |path: String| path.trim().trim_matches('"').to_string();
        AppPaths { user: found.user.map(unquoted), machine: found.machine.map(unquoted) }
    }
}

/// What a path leads to on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveKind {
    /// A disk of this machine.
    Local,
    /// A share, by name or by drive letter.
    Network,
}

//! The folders of Windows users.

use std::path::PathBuf;

use super::access::Sid;

/// The folders in which a Windows user's programs keep their settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppData {
    /// `%APPDATA%`.
    pub roaming: PathBuf,
    /// `%LOCALAPPDATA%`.
    pub local: Option<PathBuf>,
}

/// The users' folders that Windows knows of (`ProfileList` in its registry).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileList {
    /// Those of users, and of Windows' own services.
    pub profiles: Vec<ListedProfile>,
    /// The one that a new user's is made from.
    pub default: Option<PathBuf>,
}

/// A user's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProfile {
    /// The name of its entry: the user's SID; Windows lets `.bak` follow that of one that it could not load.
    pub sid: Sid,
    /// The folder.
    pub folder: PathBuf,
    /// `%APPDATA%` of the user, where that is known. It may be on another machine.
    pub app_data: Option<PathBuf>,
}

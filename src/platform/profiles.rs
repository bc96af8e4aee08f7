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

/// The user profiles that Windows knows (`ProfileList` in its registry).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileList {
    /// The profiles of users and of Windows' own services.
    pub profiles: Vec<ListedProfile>,
    /// The folder from which Windows copies the profile of a new user.
    pub default: Option<PathBuf>,
}

/// A user profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProfile {
    /// The name of its registry entry: the user's SID, followed by `.bak` if Windows couldn't load the profile.
    pub sid: Sid,
    /// The profile's folder.
    pub folder: PathBuf,
    /// The user principal name, such as `ann.miller@example.com`, if Windows remembers it, as for users of Entra ID.
    pub principal: Option<String>,
    /// `%APPDATA%` of the user, if that is known. It may be on another computer.
    pub app_data: Option<PathBuf>,
    /// Whether the user's part of the registry is loaded, where a redirection of `%APPDATA%` would be.
    pub is_loaded: bool,
}

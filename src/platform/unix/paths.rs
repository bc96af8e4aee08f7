//! Windows paths in Wine prefixes.

use std::path::{Path, PathBuf};

use crate::platform::env::Env;
use crate::platform::paths::{DriveKind, WindowsPaths};
use crate::platform::profiles::AppData;
use crate::platform::wine::WinePrefix;

/// Through the Wine prefix that the ini lies in.
pub fn windows_paths(ini: &Path) -> WindowsPaths {
    WinePrefix::around(ini).map_or(WindowsPaths::Unknown, WindowsPaths::Prefix)
}

/// Through the Wine prefix in use.
pub fn paths_in_use(env: &Env) -> WindowsPaths {
    prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref())
        .map_or(WindowsPaths::Unknown, WindowsPaths::Prefix)
}

/// Whether a file lies in the Wine prefix in use: other prefixes are other Windows machines.
pub fn is_in_reach(path: &Path, env: &Env) -> bool {
    let prefix = prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref());
    prefix.is_some_and(|prefix| prefix.holds(path))
}

/// Where Windows under Wine looks for a program by name: Wine's own folders, before any other.
pub fn search_folders(_surroundings: &Env) -> Vec<String> {
    [r"C:\windows\system32", r"C:\windows", r"C:\windows\system32\WindowsPowerShell\v1.0"]
        .map(String::from)
        .into()
}

/// Those of the users of the Wine prefix in use.
pub fn app_data_folders(env: &Env) -> Vec<AppData> {
    prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref())
        .map(|prefix| prefix.app_data_folders())
        .unwrap_or_default()
}

/// Where such folders would be looked for: the Wine prefix that is named, else the usual one.
pub fn settings_roots(env: &Env) -> Vec<PathBuf> {
    let usual = env.home.as_ref().map(|home| home.join(".wine"));
    env.wine_prefix.clone().or(usual).into_iter().collect()
}

/// Short names are a matter of Windows' disks.
pub fn short_path(_path: &Path) -> Option<String> {
    None
}

/// Only shares named as such can be told here.
pub fn drive_kind(windows_path: &str) -> DriveKind {
    if windows_path.starts_with(r"\\") { DriveKind::Network } else { DriveKind::Local }
}

/// The prefix that Wine uses: the one that is named, else `~/.wine`.
pub(super) fn prefix_in_use(named: Option<&Path>, home: Option<&Path>) -> Option<WinePrefix> {
    let usual = home.map(|home| home.join(".wine"));
    WinePrefix::at(named.or(usual.as_deref())?)
}

//! Windows paths in Wine prefixes.

use std::path::{Path, PathBuf};

use crate::platform::env::Env;
use crate::platform::paths::{DATA_FOLDER, DriveKind, WindowsPaths};
use crate::platform::profiles::AppData;
use crate::platform::wine::WinePrefix;

/// Returns the paths of the Wine prefix that contains an ini.
pub fn windows_paths(ini: &Path) -> WindowsPaths {
    WinePrefix::around(ini).map_or(WindowsPaths::Unknown, WindowsPaths::Prefix)
}

/// Returns the paths of the active Wine prefix.
pub fn default_windows_paths(env: &Env) -> WindowsPaths {
    active_prefix(env).map_or(WindowsPaths::Unknown, WindowsPaths::Prefix)
}

/// Returns whether the active Wine prefix contains a file. Other prefixes are other Windows machines.
pub fn is_on_this_windows(path: &Path, env: &Env) -> bool {
    active_prefix(env).is_some_and(|prefix| prefix.contains(path))
}

/// Returns Windows' own folder, which is the same in every Wine prefix.
pub fn windows_folder(_env: &Env) -> String {
    r"C:\windows".into()
}

/// Returns the folders in which a program is searched by its name. Wine searches its own folders before others.
pub fn search_folders(_env: &Env) -> Vec<String> {
    [r"C:\windows\system32", r"C:\windows", r"C:\windows\system32\WindowsPowerShell\v1.0"]
        .map(String::from)
        .into()
}

/// Returns the settings folders of the users of the active Wine prefix.
pub fn app_data_folders(env: &Env) -> Vec<AppData> {
    active_prefix(env).map(|prefix| prefix.app_data_folders()).unwrap_or_default()
}

/// Returns where such folders were searched: the Wine prefix of `WINEPREFIX`, or the default one.
pub fn settings_roots(env: &Env) -> Vec<PathBuf> {
    let usual = env.home.as_ref().map(|home| home.join(".wine"));
    env.wine_prefix.clone().or(usual).into_iter().collect()
}

/// Returns `None`: only Windows' file systems have short names.
pub fn short_path(_path: &Path) -> Option<String> {
    None
}

/// Returns the drive kind of a full path. Only UNC paths are recognized as shares here.
pub fn drive_kind(windows_path: &str) -> DriveKind {
    if windows_path.starts_with(r"\\") { DriveKind::Network } else { DriveKind::Local }
}

/// Returns the folder in which msipcfg keeps its own files.
pub fn data_folder(env: &Env) -> Option<PathBuf> {
    let usual = || Some(env.home.as_ref()?.join(".local/state"));
    Some(env.state_home.clone().or_else(usual)?.join(DATA_FOLDER))
}

/// Returns nothing: the documents of MicroSIP's user are in its Wine prefix, or on another computer.
pub fn documents_folder() -> Option<PathBuf> {
    None
}

/// Returns the active Wine prefix: the one of `WINEPREFIX`, or `~/.wine`.
pub(super) fn active_prefix(env: &Env) -> Option<WinePrefix> {
    WinePrefix::at(settings_roots(env).first()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_data_folder() {
        let folder = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(other, _)| *other == name);
            data_folder(&Env::from_variables(|name| find(name).map(|(_, value)| value.into())))
        };
        let state = Some(PathBuf::from("/h/.local/state/msipcfg"));
        assert_eq!(folder(&[("HOME", "/h")]), state);
        assert_eq!(folder(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Some("/s/msipcfg".into()));
        assert_eq!(folder(&[("HOME", "/h"), ("XDG_STATE_HOME", "relative")]), state);
        assert_eq!(folder(&[]), None);
    }
}

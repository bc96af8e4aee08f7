//! Finds the stand-in's ini.

use std::path::{Path, PathBuf};

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

use crate::version::Version;

/// Returns the ini, which is named like the exe. It is in %APPDATA% if the registry says that MicroSIP is installed in
/// the exe's folder, otherwise next to the exe.
pub fn ini(exe: &Path, version: Version) -> PathBuf {
    let folder = exe.parent().unwrap();
    if version.has_no_arguments() {
        return folder.join("MicroSIP.ini");
    }
    let mut name = exe.file_stem().unwrap().to_os_string();
    name.push(".ini");
    let installed = default_of(CURRENT_USER).or_else(|| default_of(LOCAL_MACHINE));
    let is_here = |installed: String| installed.to_lowercase() == folder.to_str().unwrap().to_lowercase();
    if !installed.is_some_and(is_here) {
        return folder.join(name);
    }
    let roaming = settings_folder("APPDATA").join(&name);
    let local = settings_folder("LOCALAPPDATA").join(&name);
    if version >= Version(3, 21, 4) && !roaming.exists() && local.exists() {
        std::fs::create_dir_all(roaming.parent().unwrap()).unwrap();
        std::fs::rename(local, &roaming).unwrap();
    }
    roaming
}

fn default_of(root: &Key) -> Option<String> {
    root.open(r"Software\MicroSIP").ok()?.get_string("").ok().filter(|folder| !folder.is_empty())
}

fn settings_folder(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(variable).unwrap()).join("MicroSIP")
}

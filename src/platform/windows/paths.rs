//! Windows' paths and folders.

use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::MAX_PATH;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetShortPathNameW};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::WindowsProgramming::DRIVE_REMOTE;
use windows_sys::Win32::UI::Shell::{
    FOLDERID_Documents, FOLDERID_LocalAppData, FOLDERID_RoamingAppData, SHGetKnownFolderPath,
};
use windows_sys::core::{GUID, PWSTR};

use super::files::is_same_file;
use super::win32::{text_at, wide};
use crate::platform::env::Env;
use crate::platform::paths::{DATA_FOLDER, DriveKind, WindowsPaths};
use crate::platform::profiles::AppData;

/// Returns the paths of this Windows.
pub fn windows_paths(_ini: &Path) -> WindowsPaths {
    WindowsPaths::Native
}

/// Returns the paths of this Windows.
pub fn default_windows_paths(_env: &Env) -> WindowsPaths {
    WindowsPaths::Native
}

/// Returns `true`: there is only one Windows on this machine.
pub fn is_on_this_windows(_path: &Path, _env: &Env) -> bool {
    true
}

/// Returns Windows' own folder.
pub fn windows_folder(env: &Env) -> String {
    let root = env.system_root.as_ref().and_then(|root| root.to_str());
    root.unwrap_or(r"C:\Windows").to_string()
}

/// Returns the folders in which a program is searched by its name: Windows' own first, which only administrators can
/// write to, then those of the PATH.
pub fn search_folders(env: &Env) -> Vec<String> {
    let root = PathBuf::from(windows_folder(env));
    let system = root.join("System32");
    let own = [system.clone(), root, system.join(r"WindowsPowerShell\v1.0")];
    let path = env.search_path.iter().flat_map(std::env::split_paths);
    own.into_iter().chain(path).filter_map(|folder| folder.into_os_string().into_string().ok()).collect()
}

/// Returns this user's settings folders as Windows knows them, and those of the environment variables if they differ.
pub fn app_data_folders(env: &Env) -> Vec<AppData> {
    let known = known_folder(&FOLDERID_RoamingAppData)
        .map(|roaming| AppData { roaming, local: known_folder(&FOLDERID_LocalAppData) });
    let local = env.local_app_data.clone();
    let named = env.app_data.clone().map(|roaming| AppData { roaming, local });
    let is_other =
        |named: &AppData| known.as_ref().is_none_or(|known| !is_same(&known.roaming, &named.roaming));
    known.iter().cloned().chain(named.filter(is_other)).collect()
}

/// Returns this user's settings folders, roaming and local, also in the form that opening a file in them shows: they
/// may be on a share.
pub fn own_app_data() -> Vec<PathBuf> {
    let known = [&FOLDERID_RoamingAppData, &FOLDERID_LocalAppData].into_iter().filter_map(known_folder);
    known.flat_map(|folder| std::fs::canonicalize(&folder).ok().into_iter().chain([folder])).collect()
}

/// Returns the folder in which msipcfg keeps its own files, which isn't copied to other computers.
pub fn data_folder(env: &Env) -> Option<PathBuf> {
    let local = env.local_app_data.clone().or_else(|| known_folder(&FOLDERID_LocalAppData))?;
    Some(local.join(DATA_FOLDER))
}

/// Returns the folder of this user's documents, which may be on a share or in OneDrive.
pub fn documents_folder() -> Option<PathBuf> {
    known_folder(&FOLDERID_Documents)
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.as_os_str().eq_ignore_ascii_case(b) || is_same_file(a, b).unwrap_or(false)
}

fn known_folder(id: &GUID) -> Option<PathBuf> {
    let mut path: PWSTR = ptr::null_mut();
    // SAFETY: `path` can be written to
    let status = unsafe { SHGetKnownFolderPath(id, 0, ptr::null_mut(), &mut path) };
    let folder = (status >= 0 && !path.is_null()).then(|| {
        // SAFETY: the function returned a text that ends with NUL
        PathBuf::from(unsafe { text_at(path) })
    });
    // SAFETY: the documentation demands this, even after a failure
    unsafe { CoTaskMemFree(path.cast_const().cast()) };
    folder
}

/// Returns nothing: Windows names these folders, so they aren't searched.
pub fn settings_roots(_env: &Env) -> Vec<PathBuf> {
    Vec::new()
}

/// Returns the 8.3 form of a path, without spaces, if the file system has such names.
pub fn short_path(path: &Path) -> Option<String> {
    let long = wide(path);
    let mut short = vec![0_u16; MAX_PATH as usize];
    // SAFETY: `long` ends with NUL, and `short` has the given length
    let length = unsafe { GetShortPathNameW(long.as_ptr(), short.as_mut_ptr(), MAX_PATH) } as usize;
    short.truncate(length);
    let short = OsString::from_wide(&short).into_string().ok()?;
    (length > 0 && length < MAX_PATH as usize && !short.contains([' ', '\t'])).then_some(short)
}

/// Returns the drive kind of a full path.
pub fn drive_kind(windows_path: &str) -> DriveKind {
    if windows_path.starts_with(r"\\") {
        return DriveKind::Network;
    }
    let root: Vec<u16> = windows_path.chars().take(2).chain("\\\0".chars()).map(|c| c as u16).collect();
    // SAFETY: `root` ends with NUL
    if unsafe { GetDriveTypeW(root.as_ptr()) } == DRIVE_REMOTE {
        DriveKind::Network
    } else {
        DriveKind::Local
    }
}

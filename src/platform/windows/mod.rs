//! The system's answers on Windows.

#![allow(unsafe_code, reason = "Win32 functions that no crate wraps")]

mod app_paths;
mod files;
mod security;

use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::MAX_PATH;
use windows_sys::Win32::Globalization::GetACP;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetShortPathNameW};
use windows_sys::Win32::System::WindowsProgramming::DRIVE_REMOTE;

pub use files::{can_remove_mark, mark_of, remove_mark};
pub use security::{access_of, account_name, privileges};

pub(super) use app_paths::app_paths;
pub(super) use files::{adopt, never_follow_links, replace, sync_folder};

use super::{AppData, DriveKind, ProcessPlace, RegistryDefaults, Surroundings, WindowsPaths};

/// The system's ANSI code page, in which MicroSIP reads 8-bit inis.
pub fn ansi_code_page() -> Option<u16> {
    // SAFETY: takes nothing and cannot fail
    u16::try_from(unsafe { GetACP() }).ok()
}

/// The name of a process is that of its exe.
pub const PROCESSES_ARE_NAMED_BY_EXE: bool = true;

/// There is nothing to be done on Windows.
pub fn survive_signals() {}

/// None: sysinfo's list reads from a null pointer under Wine 8.
pub fn user_names() -> Option<sysinfo::Users> {
    None
}

/// Every program is one for Windows.
pub fn may_be_windows_program(_exe: Option<&Path>, _first_argument: Option<&str>) -> bool {
    true
}

/// This is Windows.
pub fn windows_paths(_ini: &Path) -> WindowsPaths {
    WindowsPaths::Native
}

/// Where Windows looks for a program by name: its own folders first, for those nobody else can write to.
pub fn search_folders(surroundings: &Surroundings) -> Vec<String> {
    let root = surroundings.system_root.clone().unwrap_or_else(|| PathBuf::from(r"C:\Windows"));
    let system = root.join("System32");
    let own = [system.clone(), root, system.join(r"WindowsPowerShell\v1.0")];
    let path = surroundings.search_path.iter().flat_map(std::env::split_paths);
    own.into_iter().chain(path).filter_map(|folder| folder.into_os_string().into_string().ok()).collect()
}

/// Those of this user.
pub fn app_data_folders(surroundings: &Surroundings) -> Vec<AppData> {
    let local = surroundings.local_app_data.clone();
    surroundings.app_data.clone().map(|roaming| AppData { roaming, local }).into_iter().collect()
}

/// Where such folders would be looked for: Windows names them, or there are none.
pub fn settings_roots(_surroundings: &Surroundings) -> Vec<PathBuf> {
    Vec::new()
}

/// Those of this user and this machine.
pub fn registry_defaults(_surroundings: &Surroundings, key: &str) -> Option<RegistryDefaults> {
    let default_of = |root: &windows_registry::Key| root.open(key).ok()?.get_string("").ok();
    Some(RegistryDefaults {
        user: default_of(windows_registry::CURRENT_USER),
        machine: default_of(windows_registry::LOCAL_MACHINE),
    })
}

/// A process of this user; another user's environment cannot be read, and so not told where its ini is.
pub fn place_of_process(
    key: &str,
    _pid: u32,
    exe: Option<&Path>,
    _first_argument: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<ProcessPlace> {
    let exe_on_disk = exe?.to_path_buf();
    Some(ProcessPlace {
        exe: exe_on_disk.to_str()?.to_string(),
        exe_on_disk,
        app_data: vec![PathBuf::from(variable("APPDATA")?)],
        registry: registry_defaults(&Surroundings::default(), key)?,
        paths: WindowsPaths::Native,
    })
}

/// The 8.3 form of a path without blanks, where the disk keeps such names.
pub fn short_path(path: &Path) -> Option<String> {
    let long = wide(path);
    let mut short = vec![0_u16; MAX_PATH as usize];
    // SAFETY: `long` ends with NUL, and `short` is as long as is said
    let length = unsafe { GetShortPathNameW(long.as_ptr(), short.as_mut_ptr(), MAX_PATH) } as usize;
    short.truncate(length);
    let short = std::ffi::OsString::from_wide(&short).into_string().ok()?;
    (length > 0 && length < MAX_PATH as usize && !short.contains([' ', '\t'])).then_some(short)
}

/// Whether a full path is on a share, by name or by drive letter.
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

/// Windows says so when the file is replaced.
pub fn is_access_denied_by_mode(_path: &Path) -> bool {
    false
}

fn wide(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

//! The system's answers on Windows.

#![allow(unsafe_code, reason = "Win32 functions that no crate wraps")]

mod app_paths;
mod files;
mod installs;
mod processes;
mod profiles;
mod registry;
mod run;
mod security;

use std::ffi::OsString;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::MAX_PATH;
use windows_sys::Win32::Globalization::GetACP;
use windows_sys::Win32::Storage::FileSystem::{GetDriveTypeW, GetShortPathNameW};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::WindowsProgramming::DRIVE_REMOTE;
use windows_sys::Win32::UI::Shell::{FOLDERID_LocalAppData, FOLDERID_RoamingAppData, SHGetKnownFolderPath};
use windows_sys::core::{GUID, PWSTR};

pub use processes::{ProgramWindow, Rights, Watched, start, wait_for_one, windows_of_class};

pub(super) use profiles::path_of_open;
pub use profiles::{Pinned, is_named, is_same_file, profile_list};

pub use registry::class_registry;

pub use run::{Runner, Started};

pub use files::{can_remove_mark, mark_of, remove_mark};
pub use security::{Account, access_of, account_name, copy_access, has_wider_access, privileges};
pub(super) use security::{account_of, give_to, owner_of};

pub(super) use app_paths::app_paths;
pub use files::is_held_by_another;
pub(super) use files::{adopt, never_follow_links, open_file, open_to_read, remove, replace, sync_folder};

use super::{AppData, DriveKind, Env, InstallFacts, ProcessPlace, Sid, WindowsPaths};

/// The system's ANSI code page, in which MicroSIP reads 8-bit inis.
pub fn ansi_code_page() -> Option<u16> {
    // SAFETY: takes nothing and cannot fail
    u16::try_from(unsafe { GetACP() }).ok()
}

/// The name of a process is that of its exe.
pub const PROCESSES_ARE_NAMED_BY_EXE: bool = true;

/// There is nothing to be done on Windows.
pub fn survive_signals() {}

/// The name of a user, with the domain. sysinfo's list of them reads from a null pointer under Wine 8.
pub fn user_name(user: &sysinfo::Uid) -> Option<String> {
    account_name(&Sid(user.to_string()))
}

/// The Windows session that a process runs in.
pub fn session_of(process: &sysinfo::Process) -> Option<u32> {
    process.session_id().map(sysinfo::Pid::as_u32)
}

/// The windows of other programs can be found and asked.
pub const CAN_REACH_WINDOWS: bool = true;

/// Whether a program can end with an exit status over 255.
pub const EXIT_STATUSES_OVER_255: bool = true;

/// Every program is one for Windows.
pub fn may_be_windows_program(_exe: Option<&Path>, _first_argument: Option<&str>) -> bool {
    true
}

/// This is Windows.
pub fn windows_paths(_ini: &Path) -> WindowsPaths {
    WindowsPaths::Native
}

/// Whether that is the user of this program.
pub fn is_own_user(user: &sysinfo::Uid) -> bool {
    privileges().user.is_some_and(|own| own.0 == user.to_string())
}

/// All of Windows is one machine.
pub fn is_in_reach(_path: &Path, _surroundings: &Env) -> bool {
    true
}

/// This is Windows.
pub fn paths_in_use(_surroundings: &Env) -> WindowsPaths {
    WindowsPaths::Native
}

/// Where Windows looks for a program by name: its own folders first, for those nobody else can write to.
pub fn search_folders(env: &Env) -> Vec<String> {
    let root = env.system_root.clone().unwrap_or_else(|| PathBuf::from(r"C:\Windows"));
    let system = root.join("System32");
    let own = [system.clone(), root, system.join(r"WindowsPowerShell\v1.0")];
    let path = env.search_path.iter().flat_map(std::env::split_paths);
    own.into_iter().chain(path).filter_map(|folder| folder.into_os_string().into_string().ok()).collect()
}

/// Those of this user, as Windows knows them; those of the environment too, where they are others.
pub fn app_data_folders(env: &Env) -> Vec<AppData> {
    let known = known_folder(&FOLDERID_RoamingAppData)
        .map(|roaming| AppData { roaming, local: known_folder(&FOLDERID_LocalAppData) });
    let local = env.local_app_data.clone();
    let named = env.app_data.clone().map(|roaming| AppData { roaming, local });
    let is_other =
        |named: &AppData| known.as_ref().is_none_or(|known| !is_same(&known.roaming, &named.roaming));
    known.iter().cloned().chain(named.filter(is_other)).collect()
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.as_os_str().eq_ignore_ascii_case(b) || same_file::is_same_file(a, b).unwrap_or(false)
}

fn known_folder(id: &GUID) -> Option<PathBuf> {
    let mut path: PWSTR = ptr::null_mut();
    // SAFETY: `path` may be written to
    let status = unsafe { SHGetKnownFolderPath(id, 0, ptr::null_mut(), &mut path) };
    let folder = (status >= 0 && !path.is_null()).then(|| {
        // SAFETY: the function gave a text that ends with NUL
        PathBuf::from(unsafe { text_at(path) })
    });
    // SAFETY: the function says to free what it gave, also if it failed
    unsafe { CoTaskMemFree(path.cast_const().cast()) };
    folder
}

/// A text that a function gave.
///
/// # Safety
/// A NUL ends it.
unsafe fn text_at(text: PWSTR) -> OsString {
    // SAFETY: up to the NUL all of it may be read
    let length = (0..).take_while(|&index| unsafe { *text.add(index) } != 0).count();
    // SAFETY: as much was read just now
    OsString::from_wide(unsafe { std::slice::from_raw_parts(text, length) })
}

/// Where such folders would be looked for: Windows names them, or there are none.
pub fn settings_roots(_surroundings: &Env) -> Vec<PathBuf> {
    Vec::new()
}

/// What is known of an install, for this user.
pub fn install_facts(_surroundings: &Env, key: &str, _ini: Option<&Path>) -> InstallFacts {
    installs::install_facts(key, None)
}

/// The command lines by which this user's Windows starts MicroSIP: at logon, and for links of these schemes.
pub fn start_commands(schemes: &[&str]) -> Vec<String> {
    installs::start_commands(schemes)
}

/// A process: by the environment that it has, where that may be read; else by its user's registry.
pub fn place_of_process(
    key: &str,
    _pid: u32,
    exe: Option<&Path>,
    _first_argument: Option<&str>,
    user: Option<&sysinfo::Uid>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<ProcessPlace> {
    let exe_on_disk = exe?.to_path_buf();
    let sid = user.map(|user| user.to_string());
    let by_environment = variable("APPDATA").map(PathBuf::from);
    let by_registry = || sid.as_deref().and_then(installs::app_data_of);
    Some(ProcessPlace {
        exe: exe_on_disk.to_str()?.to_string(),
        exe_on_disk,
        app_data: by_environment.or_else(by_registry).into_iter().collect(),
        facts: installs::install_facts(key, sid.as_deref()),
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
    let short = OsString::from_wide(&short).into_string().ok()?;
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

/// A path as Win32 wants it. A long one gets the mark by which Windows takes it whole, as std's own functions do.
fn wide(path: &Path) -> Vec<u16> {
    /// MAX_PATH less the room that folders leave for a short name.
    const LONGEST_WITHOUT_A_MARK: usize = 247;
    let plain: Vec<u16> = path.as_os_str().encode_wide().collect();
    if plain.len() <= LONGEST_WITHOUT_A_MARK {
        return plain.into_iter().chain([0]).collect();
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let text = whole.as_os_str().to_os_string();
    let marked = match text.to_str() {
        Some(text) if text.starts_with(r"\\?\") => OsString::from(text),
        Some(text) => match text.strip_prefix(r"\\") {
            Some(share) => OsString::from(format!(r"\\?\UNC\{share}")),
            None => OsString::from(format!(r"\\?\{text}")),
        },
        None => text,
    };
    marked.encode_wide().chain([0]).collect()
}

/// How the terminal treats what is typed: waiting for a key changes nothing of it here.
#[derive(Debug)]
pub struct TerminalMode;

impl TerminalMode {
    /// As it is now.
    pub fn now() -> TerminalMode {
        TerminalMode
    }

    /// A console gives out each key as it is read.
    pub fn key_by_key(&self) {}

    /// Makes it so again.
    pub fn restore(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> String {
        let wide = wide(Path::new(path));
        assert_eq!(wide.last(), Some(&0));
        String::from_utf16(&wide[..wide.len() - 1]).unwrap()
    }

    #[test]
    fn long_paths_are_marked() {
        let long = "x".repeat(300);
        assert_eq!(told(r"C:\a\b"), r"C:\a\b");
        assert_eq!(told(&format!(r"C:\a/{long}")), format!(r"\\?\C:\a\{long}"));
        assert_eq!(told(&format!(r"\\server\share\{long}")), format!(r"\\?\UNC\server\share\{long}"));
        assert_eq!(told(&format!(r"\\?\C:\{long}")), format!(r"\\?\C:\{long}"));
    }
}

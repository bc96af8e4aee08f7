//! The system's answers on Windows.

#![allow(unsafe_code, reason = "Win32 functions that no crate wraps")]

use std::fs::{File, FileTimes, OpenOptions};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::{FileTimesExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, ERROR_SUCCESS, INVALID_HANDLE_VALUE,
    LocalFree, MAX_PATH,
};
use windows_sys::Win32::Globalization::GetACP;
use windows_sys::Win32::Security::Authorization::{
    GetNamedSecurityInfoW, SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, EqualSid, GetSecurityDescriptorControl, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SE_DACL_PROTECTED,
    UNPROTECTED_DACL_SECURITY_INFORMATION,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_NOT_CONTENT_INDEXED,
    FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, FILE_FLAG_OPEN_REPARSE_POINT, FindClose,
    FindFirstStreamW, FindNextStreamW, FindStreamInfoStandard, GetDriveTypeW, GetShortPathNameW,
    MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW, SetFileAttributesW,
    WIN32_FIND_STREAM_DATA,
};
use windows_sys::Win32::System::WindowsProgramming::DRIVE_REMOTE;

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

pub(super) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
}

pub(super) fn adopt(model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
    let Some(model) = model else { return set_attributes(path, FILE_ATTRIBUTE_ARCHIVE) };
    let metadata = std::fs::metadata(model)?;
    copy_security(model, path)?;
    copy_streams(model, path)?;
    file.set_times(FileTimes::new().set_created(metadata.created()?))?;
    // those that can be set; others, such as compression, come from the folder
    const KEPT: u32 = FILE_ATTRIBUTE_ARCHIVE
        | FILE_ATTRIBUTE_HIDDEN
        | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
        | FILE_ATTRIBUTE_READONLY
        | FILE_ATTRIBUTE_SYSTEM;
    match metadata.file_attributes() & KEPT {
        0 => set_attributes(path, FILE_ATTRIBUTE_NORMAL),
        attributes => set_attributes(path, attributes),
    }
}

fn set_attributes(path: &Path, attributes: u32) -> io::Result<()> {
    // SAFETY: the path ends with NUL
    match unsafe { SetFileAttributesW(wide(path).as_ptr(), attributes) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Gives a file the access list of another, and its owner if that is somebody else.
fn copy_security(model: &Path, path: &Path) -> io::Result<()> {
    let (wanted, own) = (Security::of(model)?, Security::of(path)?);
    // a share may let nobody change lists, and then they are the folder's on both files
    if !wanted.has_same_access_as(&own) {
        wanted.apply_access(path)?;
    }
    // SAFETY: both point into descriptors that live until the end of this function
    if unsafe { EqualSid(wanted.owner, own.owner) } == 0 {
        wanted.apply(path, OWNER_SECURITY_INFORMATION)?;
    }
    Ok(())
}

/// The security descriptor of a file, with pointers into it.
struct Security {
    descriptor: PSECURITY_DESCRIPTOR,
    owner: PSID,
    access: *mut ACL,
}

impl Security {
    fn of(path: &Path) -> io::Result<Security> {
        let mut security =
            Security { descriptor: ptr::null_mut(), owner: ptr::null_mut(), access: ptr::null_mut() };
        // SAFETY: the path ends with NUL, and the pointers may be written to
        let status = unsafe {
            GetNamedSecurityInfoW(
                wide(path).as_ptr(),
                SE_FILE_OBJECT,
                OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                &mut security.owner,
                ptr::null_mut(),
                &mut security.access,
                ptr::null_mut(),
                &mut security.descriptor,
            )
        };
        win32_result(status).map(|()| security)
    }

    fn is_protected(&self) -> io::Result<bool> {
        let (mut control, mut revision) = (0, 0);
        // SAFETY: the descriptor is valid, and both numbers may be written to
        match unsafe { GetSecurityDescriptorControl(self.descriptor, &mut control, &mut revision) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(control & SE_DACL_PROTECTED != 0),
        }
    }

    fn has_same_access_as(&self, other: &Security) -> bool {
        let bytes = |security: &Security| {
            let list = security.access;
            // SAFETY: a list that is there says how long it is
            (!list.is_null())
                .then(|| unsafe { std::slice::from_raw_parts(list.cast::<u8>(), (*list).AclSize.into()) })
        };
        bytes(self) == bytes(other)
    }

    fn apply_access(&self, path: &Path) -> io::Result<()> {
        // inherited entries are made anew from the folder, unless the list is cut off from it
        let inheritance = match self.is_protected()? {
            true => PROTECTED_DACL_SECURITY_INFORMATION,
            false => UNPROTECTED_DACL_SECURITY_INFORMATION,
        };
        match self.apply(path, DACL_SECURITY_INFORMATION | inheritance) {
            // a disk without access lists has none to keep
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            applied => applied,
        }
    }

    fn apply(&self, path: &Path, what: u32) -> io::Result<()> {
        // SAFETY: the path ends with NUL, and the pointers are into a valid descriptor
        win32_result(unsafe {
            SetNamedSecurityInfoW(
                wide(path).as_ptr(),
                SE_FILE_OBJECT,
                what,
                self.owner,
                ptr::null_mut(),
                self.access,
                ptr::null(),
            )
        })
    }
}

impl Drop for Security {
    fn drop(&mut self) {
        // SAFETY: GetNamedSecurityInfoW allocated it, and says to free it so
        unsafe { LocalFree(self.descriptor) };
    }
}

fn win32_result(status: u32) -> io::Result<()> {
    if status == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(status.cast_signed())) }
}

/// Copies what a file holds beside its contents, such as the mark of where it came from.
fn copy_streams(model: &Path, path: &Path) -> io::Result<()> {
    const CONTENTS: &str = "::$DATA";
    let named = |path: &Path, stream: &str| {
        let mut name = path.as_os_str().to_os_string();
        name.push(stream);
        name
    };
    for stream in streams(model).iter().filter(|stream| *stream != CONTENTS) {
        std::fs::write(named(path, stream), std::fs::read(named(model, stream))?)?;
    }
    Ok(())
}

/// The names of a file's streams; none where the disk does not have them.
fn streams(path: &Path) -> Vec<String> {
    // SAFETY: all zeros is a valid value of this plain structure
    let mut found: WIN32_FIND_STREAM_DATA = unsafe { std::mem::zeroed() };
    let mut names = Vec::new();
    // SAFETY: the path ends with NUL, and `found` is what the information level writes to
    let search =
        unsafe { FindFirstStreamW(wide(path).as_ptr(), FindStreamInfoStandard, (&raw mut found).cast(), 0) };
    if search == INVALID_HANDLE_VALUE {
        return names;
    }
    loop {
        let length = found.cStreamName.iter().position(|&unit| unit == 0).unwrap_or(found.cStreamName.len());
        names.push(String::from_utf16_lossy(&found.cStreamName[..length]));
        // SAFETY: the search is open, and `found` is what it writes to
        if unsafe { FindNextStreamW(search, (&raw mut found).cast()) } == 0 {
            // SAFETY: the search is open
            unsafe { FindClose(search) };
            return names;
        }
    }
}

/// One MoveFileExW. A virus scanner or a sync client may hold either file for a moment.
pub(super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    const LONGEST_PAUSE: Duration = Duration::from_secs(4);
    let (from, to) = (wide(from), wide(to));
    let mut pause = Duration::from_millis(10);
    loop {
        // SAFETY: both paths end with NUL
        let done = unsafe {
            MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)
        };
        if done != 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        let is_held = matches!(
            error.raw_os_error().map(i32::cast_unsigned),
            Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION | ERROR_ACCESS_DENIED)
        );
        if !is_held || pause > LONGEST_PAUSE {
            return Err(error);
        }
        std::thread::sleep(pause);
        pause *= 2;
    }
}

/// MoveFileExW with MOVEFILE_WRITE_THROUGH has done it.
pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn wide(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

//! The folders of Windows' users.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use same_file::Handle;
use windows_registry::LOCAL_MACHINE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_SHARE_READ,
    FILE_SHARE_WRITE,
};
use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;

use crate::platform::{ListedProfile, ProfileList, Sid};

use super::installs::{PROFILES, app_data_of};
use super::security::{Account, give};
use super::wide;

/// The users' folders that the registry lists.
pub fn profile_list() -> Option<ProfileList> {
    let list = LOCAL_MACHINE.open(PROFILES).ok()?;
    let listed = |sid: String| {
        let folder = list.open(&sid).ok()?.get_string("ProfileImagePath").ok()?;
        let app_data = app_data_of(&sid);
        Some(ListedProfile { sid: Sid(sid), folder: expanded(&folder), app_data })
    };
    Some(ProfileList {
        profiles: list.keys().ok()?.filter_map(listed).collect(),
        default: list.get_string("Default").ok().map(|folder| expanded(&folder)),
    })
}

/// A path with the variables of the machine in it, such as %SystemDrive%.
fn expanded(path: &str) -> PathBuf {
    const LONGEST: u32 = 32 * 1024;
    let mut room = vec![0_u16; LONGEST as usize];
    // SAFETY: the text ends with NUL, and the room is as large as is said
    let length =
        unsafe { ExpandEnvironmentStringsW(wide(Path::new(path)).as_ptr(), room.as_mut_ptr(), LONGEST) };
    match usize::try_from(length) {
        Ok(length) if (1..=room.len()).contains(&length) => {
            String::from_utf16_lossy(&room[..length - 1]).into()
        }
        _ => path.into(),
    }
}

/// A folder that is held open, so that nobody can rename or remove it.
#[derive(Debug)]
pub struct Pinned {
    _folder: File,
}

impl Pinned {
    pub(in crate::platform) fn open(path: &Path) -> io::Result<Pinned> {
        Ok(Pinned { _folder: open(path, 0)? })
    }

    pub(in crate::platform) fn enter(&self, path: &Path, name: &OsStr) -> io::Result<Pinned> {
        Ok(Pinned { _folder: open(&path.join(name), FILE_FLAG_OPEN_REPARSE_POINT)? })
    }

    /// The path by which it was come to: it leads there as long as this is held.
    pub(in crate::platform) fn path(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    pub(in crate::platform) fn give_to(&self, path: &Path, account: &Account) -> io::Result<()> {
        give(path, account)
    }
}

/// The path of an open file.
pub(in crate::platform) fn path_of_open(_file: &File, path: &Path) -> PathBuf {
    path.to_path_buf()
}

/// Whether two paths lead to the same file.
///
/// # Errors
/// One of them cannot be opened.
pub fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    same_file::is_same_file(a, b)
}

/// Whether this is the name of an open file.
///
/// # Errors
/// What has that name cannot be opened.
pub fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    Ok(Handle::from_file(file.try_clone()?)? == Handle::from_path(path)?)
}

/// Opens a folder, which nobody can delete or rename meanwhile.
fn open(path: &Path, flags: u32) -> io::Result<File> {
    let folder = OpenOptions::new()
        .access_mode(FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | flags)
        .open(path)?;
    let attributes = folder.metadata()?.file_attributes();
    let is_folder = attributes & FILE_ATTRIBUTE_DIRECTORY != 0;
    if is_folder && attributes & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        Ok(folder)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

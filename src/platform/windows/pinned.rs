//! Folders that are kept open.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::ERROR_UNTRUSTED_MOUNT_POINT;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY, FILE_NAME_NORMALIZED, FILE_READ_ATTRIBUTES,
    FILE_SHARE_READ, FILE_SHARE_WRITE, GetFinalPathNameByHandleW, READ_CONTROL, VOLUME_NAME_NT, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::{
    PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY, PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY_0,
};
use windows_sys::Win32::System::Threading::{ProcessRedirectionTrustPolicy, SetProcessMitigationPolicy};

use super::files::{open_to_remove, remove_open};
use super::security::Owner;

/// A folder that is kept open, so that nobody can rename or remove it.
#[derive(Debug)]
pub struct Pinned(File);

impl Pinned {
    pub(in crate::platform) fn open(path: &Path) -> io::Result<Pinned> {
        open(path, 0).map(Pinned)
    }

    pub(in crate::platform) fn enter(&self, path: &Path, name: &OsStr) -> io::Result<Pinned> {
        let folder = open(&path.join(name), FILE_FLAG_OPEN_REPARSE_POINT)?;
        self.check_contains(&folder)?;
        Ok(Pinned(folder))
    }

    /// Returns an error unless an open file or folder is in this folder. It isn't if this folder was turned into a
    /// junction after it was opened.
    pub(in crate::platform) fn check_contains(&self, file: &File) -> io::Result<()> {
        if is_in_folder(&final_path(file)?, &final_path(&self.0)?) { Ok(()) } else { Err(redirected()) }
    }

    /// Removes a file, unless its path leads to another place.
    pub(in crate::platform) fn remove(&self, path: &Path) -> io::Result<()> {
        let file = open_to_remove(path)?;
        self.check_contains(&file)?;
        remove_open(&file, path)
    }

    /// Returns the path by which it was opened, which leads to it as long as this value exists.
    pub(in crate::platform) fn path(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    pub(in crate::platform) fn give_to(&self, path: &Path, owner: &Owner) -> io::Result<()> {
        // the pinned handle lacks these rights; while it is open, nothing else gets its path
        let mut options = OpenOptions::new();
        let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
        let folder = options.access_mode(READ_CONTROL | WRITE_OWNER).custom_flags(flags).open(path)?;
        if final_path(&folder)? == final_path(&self.0)? { owner.take(&folder) } else { Err(redirected()) }
    }
}

fn redirected() -> io::Error {
    io::Error::new(io::ErrorKind::NotADirectory, "the folder was replaced by a link")
}

/// Returns the path of an open file without links, as the system calls it (GetFinalPathNameByHandleW).
fn final_path(file: &File) -> io::Result<Vec<u16>> {
    // the limit of Windows
    const MAX_LEN: u32 = 32 * 1024;
    let mut path = vec![0_u16; MAX_LEN as usize];
    // SAFETY: the file is open, and the buffer has the given length
    let length = unsafe {
        GetFinalPathNameByHandleW(
            file.as_raw_handle(),
            path.as_mut_ptr(),
            MAX_LEN,
            FILE_NAME_NORMALIZED | VOLUME_NAME_NT,
        )
    };
    match length {
        0 => Err(io::Error::last_os_error()),
        1..MAX_LEN => {
            path.truncate(length as usize);
            Ok(path)
        }
        _ => Err(io::ErrorKind::InvalidFilename.into()),
    }
}

/// Returns whether a path is that of something directly in this folder.
fn is_in_folder(path: &[u16], folder: &[u16]) -> bool {
    const SEPARATOR: u16 = b'\\' as u16;
    let Some(rest) = path.strip_prefix(folder.strip_suffix(&[SEPARATOR]).unwrap_or(folder)) else {
        return false;
    };
    matches!(rest, [SEPARATOR, name @ ..] if !name.is_empty() && !name.contains(&SEPARATOR))
}

/// Makes Windows refuse junctions that somebody other than an administrator created, for the rest of this process
/// (SetProcessMitigationPolicy, ProcessRedirectionTrustPolicy). Windows 10 before 21H2 doesn't know it, and the other
/// checks of this module hold without it.
pub fn refuse_junctions_of_users() {
    const ENFORCE: u32 = 1;
    let policy = PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY {
        Anonymous: PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY_0 { Flags: ENFORCE },
    };
    // SAFETY: this is the structure for this policy
    unsafe {
        SetProcessMitigationPolicy(
            ProcessRedirectionTrustPolicy,
            (&raw const policy).cast(),
            size_of_val(&policy),
        )
    };
}

/// Opens a folder in a way that prevents others from deleting or renaming it.
fn open(path: &Path, flags: u32) -> io::Result<File> {
    let folder = OpenOptions::new()
        .access_mode(FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | flags)
        .open(path)
        .map_err(|error| match error.raw_os_error().map(i32::cast_unsigned) {
            // what `refuse_junctions_of_users` refuses
            Some(ERROR_UNTRUSTED_MOUNT_POINT) => io::ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
    let attributes = folder.metadata()?.file_attributes();
    let is_folder = attributes & FILE_ATTRIBUTE_DIRECTORY != 0;
    if is_folder && attributes & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        Ok(folder)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

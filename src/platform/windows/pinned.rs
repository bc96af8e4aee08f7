//! Folders that are kept open.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_SHARE_READ,
    FILE_SHARE_WRITE,
};

use super::security::Owner;

/// A folder that is kept open, so that nobody can rename or remove it.
#[derive(Debug)]
pub struct Pinned(File);

impl Pinned {
    pub(in crate::platform) fn open(path: &Path) -> io::Result<Pinned> {
        open(path, 0).map(Pinned)
    }

    pub(in crate::platform) fn enter(&self, path: &Path, name: &OsStr) -> io::Result<Pinned> {
        open(&path.join(name), FILE_FLAG_OPEN_REPARSE_POINT).map(Pinned)
    }

    /// Returns the path by which it was opened, which leads to it as long as this value exists.
    pub(in crate::platform) fn path(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    pub(in crate::platform) fn give_to(&self, path: &Path, owner: &Owner) -> io::Result<()> {
        owner.take(&self.0, path)
    }
}

/// Returns a path to an open file.
pub(in crate::platform) fn path_of_open(_file: &File, path: &Path) -> PathBuf {
    path.to_path_buf()
}

/// Opens a folder in a way that prevents others from deleting or renaming it.
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

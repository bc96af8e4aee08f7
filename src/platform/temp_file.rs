//! Temporary files, which get their name when they are complete.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempPath;

use super::fs::FileSystem;
use super::{NotCopied, system};

/// A temporary file that is open. It is removed when it is dropped.
///
/// On Windows no other program can open, rename or remove it before it has its name. So nobody can read it before it
/// has its access list, and its folder isn't empty, which is what turning it into a junction would need.
#[derive(Debug)]
pub struct TempFile {
    // dropped in this order, because Windows doesn't remove a file that isn't shared
    file: File,
    path: TempPath,
    /// What it couldn't get from the file that it will replace.
    pub not_copied: NotCopied,
}

impl TempFile {
    pub(super) fn create(folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<TempFile> {
        let mut builder = tempfile::Builder::new();
        let created = builder.prefix(prefix).suffix(suffix).make_in(folder, system::create_unshared)?;
        let (file, path) = created.into_parts();
        Ok(TempFile { file, path, not_copied: NotCopied::default() })
    }

    /// Returns its temporary path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    pub(super) fn file_ref(&self) -> &File {
        &self.file
    }

    pub(super) fn into_parts(self) -> (File, TempPath) {
        (self.file, self.path)
    }
}

/// Writes a temporary file with the owner, access and attributes of `model`. Nobody else can read the file before it
/// has them. `temp_name` is the prefix and the suffix of its name.
///
/// # Errors
/// The file can't be written; it is removed.
pub fn write_temp(
    fs: &dyn FileSystem,
    folder: &Path,
    bytes: &[u8],
    model: Option<&Path>,
    (prefix, suffix): (&OsStr, &str),
) -> io::Result<TempFile> {
    let mut temp = fs.create_temp(folder, prefix, suffix)?;
    fs.copy_access(model, &mut temp)?;
    fs.write(&mut temp, bytes)?;
    fs.copy_attributes(model, &mut temp)?;
    fs.sync(&temp)?;
    Ok(temp)
}

/// Writes a file in a single step, like [`write_temp`].
///
/// # Errors
/// The file can't be written; what it contained stays.
pub fn write_atomically(
    fs: &dyn FileSystem,
    path: &Path,
    bytes: &[u8],
    model: Option<&Path>,
    temp_name: (&OsStr, &str),
) -> io::Result<()> {
    let temp = write_temp(fs, path.parent().unwrap_or(Path::new("")), bytes, model, temp_name)?;
    fs.replace(temp, path)
}

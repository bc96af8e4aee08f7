//! Temporary files, which get their name when they are complete.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::TempPath;

use super::{NotCopied, system};

/// A temporary file that is open. It is removed when it is dropped.
///
/// On Windows no other program can open, rename or remove it until it gets its name, so nobody can read it before it
/// has its access list.
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

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn into_parts(self) -> (File, TempPath) {
        (self.file, self.path)
    }
}

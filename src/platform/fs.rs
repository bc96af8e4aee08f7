//! The file system. Everything that other modules do on the disk goes through this trait or through a function of
//! `platform`, so that a run with more rights can be confined to a user's folder ([`ScopedFs`](super::ScopedFs)).

use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::file_id::FileId;
use super::system;
use super::temp_file::TempFile;

/// The file system. [`SystemFs`] is the real one; tests use others that fail, [`ScopedFs`](super::ScopedFs) confines
/// it to a folder.
pub trait FileSystem {
    /// Reads a whole file. It is opened for one read and closed at once, because MicroSIP may start at any time.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        read_all(system::open_to_read(path)?, u64::MAX)
    }

    /// Describes what a path leads to.
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        std::fs::metadata(path)
    }

    /// Describes what has this path; a link isn't followed.
    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        std::fs::symlink_metadata(path)
    }

    /// Returns whether two paths lead to the same file.
    fn is_same_file(&self, a: &Path, b: &Path) -> io::Result<bool> {
        system::is_same_file(a, b)
    }

    /// Returns what identifies a file; a link isn't followed.
    fn file_id(&self, path: &Path) -> io::Result<FileId> {
        system::file_id(path)
    }

    /// Returns the path with all its links followed.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    /// Returns the path that a link contains.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }

    /// Lists a folder, in no particular order.
    fn list(&self, folder: &Path) -> io::Result<Vec<DirEntry>> {
        std::fs::read_dir(folder)?.collect()
    }

    /// Creates a new file that nobody else can read, never through a link. It is removed when it is dropped.
    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<TempFile> {
        TempFile::create(folder, prefix, suffix)
    }

    /// Creates a folder and its parents, as far as they don't exist.
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    /// Writes all bytes.
    fn write(&self, temp: &mut TempFile, bytes: &[u8]) -> io::Result<()> {
        temp.file().write_all(bytes)
    }

    /// Flushes a file to the disk.
    fn sync(&self, temp: &TempFile) -> io::Result<()> {
        temp.file().sync_all()
    }

    /// Gives a temporary file the owner and access of another file, or without one those of a new file.
    fn copy_access(&self, model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
        let model = model.map(system::open_to_read).transpose()?;
        system::copy_access_to_temp(model.as_ref(), temp)
    }

    /// Gives a temporary file the attributes of another file, or without one those of a new file.
    fn copy_attributes(&self, model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
        system::copy_attributes(model, temp)
    }

    /// Gives a file a second name, which must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    /// Gives a temporary file its name, replacing what has it, in a single step.
    fn replace(&self, temp: TempFile, to: &Path) -> io::Result<()> {
        system::replace(temp, to)
    }

    /// Gives a temporary file its name, which must be free; otherwise the temporary file is removed.
    fn persist_new(&self, temp: TempFile, to: &Path) -> io::Result<()> {
        system::persist_new(temp, to)
    }

    /// Gives a file another name, which must be free. Of several programs that rename or remove it at the same time,
    /// only one succeeds.
    fn rename_exclusively(&self, from: &Path, to: &Path) -> io::Result<()> {
        system::rename_exclusively(from, to)
    }

    /// Flushes the names in a folder to the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        system::sync_folder(folder)
    }

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        system::remove(path)
    }

    /// Opens an existing file to lock it, never through a link.
    fn open_to_lock(&self, path: &Path) -> io::Result<LockFile> {
        system::open_to_lock(path).map(LockFile)
    }

    /// Opens an existing file to lock it or to see whether it is locked, never through a link. Other programs can do
    /// that at the same time.
    fn open_shared_lock(&self, path: &Path) -> io::Result<LockFile> {
        system::open_shared_lock(path).map(LockFile)
    }
}

/// What every file system can say about a path.
pub trait FileSystemExt: FileSystem {
    /// Returns whether a path leads to anything.
    fn exists(&self, path: &Path) -> bool {
        self.metadata(path).is_ok()
    }

    /// Returns whether a path leads to a regular file.
    fn is_file(&self, path: &Path) -> bool {
        self.metadata(path).is_ok_and(|metadata| metadata.is_file())
    }

    /// Returns whether a path leads to a folder.
    fn is_dir(&self, path: &Path) -> bool {
        self.metadata(path).is_ok_and(|metadata| metadata.is_dir())
    }
}

impl<F: FileSystem + ?Sized> FileSystemExt for F {}

/// A file that is open to be locked. The lock is released when it is dropped.
#[derive(Debug)]
pub struct LockFile(pub(super) File);

impl LockFile {
    /// Removes the file while it is still locked, so that nobody can lock a file that is about to disappear.
    pub fn remove(self, path: &Path) {
        // a lock file that stays does no harm
        let _ = system::remove_open(&self.0, path);
    }

    /// Locks the file, and returns whether that succeeded: `false` if another program has locked it.
    ///
    /// # Errors
    /// The file system doesn't support locks.
    pub fn try_lock(&self) -> io::Result<bool> {
        is_acquired(self.0.try_lock())
    }

    /// Locks the file together with others that do so, and returns whether that succeeded: `false` if another program
    /// has locked it for itself.
    ///
    /// # Errors
    /// The file system doesn't support locks.
    pub fn try_lock_shared(&self) -> io::Result<bool> {
        is_acquired(self.0.try_lock_shared())
    }

    /// Returns whether the file still has this path; a link isn't followed.
    ///
    /// # Errors
    /// Nothing has this path, or it can't be examined.
    pub fn has_path(&self, path: &Path) -> io::Result<bool> {
        Ok(system::id_of_open(&self.0)?.has_number_of(&system::file_id(path)?))
    }
}

fn is_acquired(result: Result<(), TryLockError>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A file, a terminal or a pipe that is open for output.
#[derive(Debug)]
pub struct OutputFile(File);

impl OutputFile {
    /// Opens a file for output, and creates it if it doesn't exist. What it contains stays.
    ///
    /// # Errors
    /// It can't be opened or created.
    pub fn open(path: &Path) -> io::Result<OutputFile> {
        OpenOptions::new().create(true).write(true).truncate(false).open(path).map(OutputFile)
    }

    /// Removes what the file contains. A terminal or a pipe stays as it is.
    ///
    /// # Errors
    /// The file can't be truncated.
    pub fn clear(&self) -> io::Result<()> {
        match self.0.metadata() {
            Ok(metadata) if metadata.is_file() => self.0.set_len(0),
            _ => Ok(()),
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The file system of this machine.
pub struct SystemFs;

impl FileSystem for SystemFs {}

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

/// Gives a file another name, replacing what has it.
///
/// # Errors
/// Another program has it open, or this user may not rename it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Decodes UTF-8, or UTF-16LE with BOM, which Windows PowerShell writes. The text has no BOM.
///
/// # Errors
/// It is neither ([`io::ErrorKind::InvalidData`]). The error doesn't contain the bytes, which may be a password.
pub fn decode_text(bytes: Vec<u8>) -> io::Result<String> {
    let text = match bytes.strip_prefix(&[0xFF, 0xFE]) {
        Some(bytes) if bytes.len() % 2 == 0 => {
            let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
            String::from_utf16(&units.collect::<Vec<u16>>()).ok()
        }
        Some(_) => None,
        None => String::from_utf8(bytes).ok(),
    };
    let text = text.map(|text| text.trim_start_matches('\u{FEFF}').to_string());
    text.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "it is neither UTF-8 nor UTF-16LE with BOM")
    })
}

/// Returns the names in a folder that begin with `prefix`.
///
/// # Errors
/// The folder can't be listed.
pub fn names_with_prefix(fs: &dyn FileSystem, folder: &Path, prefix: &OsStr) -> io::Result<Vec<OsString>> {
    let has_prefix = |name: &OsString| name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
    Ok(fs.list(folder)?.iter().map(DirEntry::file_name).filter(has_prefix).collect())
}

/// Returns the names of the files in a folder, links followed; none if it can't be listed.
pub fn file_names(folder: &Path) -> Vec<String> {
    let entries = SystemFs.list(folder).unwrap_or_default();
    let files = entries.iter().filter(|entry| SystemFs.is_file(&entry.path()));
    files.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Returns the error that a path doesn't lead directly to a regular file.
pub fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link or not a regular file")
}

/// Reads a file of any kind, which may contain at most `limit` bytes.
///
/// # Errors
/// It can't be read, or it is larger.
pub fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = read_all(system::open_to_read(path)?, limit.saturating_add(1))?;
    if bytes.len() as u64 > limit {
        bytes.clear();
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Reads an open file, which may contain at most `limit` bytes.
pub(super) fn read_all(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    if len > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    let capacity = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.try_reserve_exact(capacity.saturating_add(1)).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // the file may have grown since
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

//! The disk as the transaction uses it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::{NamedTempFile, TempPath};

use super::system;

/// What a transaction does to the disk. The real one is [`SystemFs`]; tests put one before it that fails.
pub trait FileSystem {
    /// Reads a whole file: opened for one read and closed at once, for MicroSIP may start meanwhile.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        bytes_of(system::open_to_read(path)?, u64::MAX)
    }

    /// Whether a file holds just these bytes.
    fn holds(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        is_held_in(system::open_to_read(path)?, bytes)
    }

    /// Makes a new file that nobody else can read, never through a link; it goes when it is dropped.
    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder)
    }

    /// Makes a folder and those above it.
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    /// Writes all of it.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Brings a file's bytes to the disk.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Gives a file the owner, access and attributes of another; without one, those that a new file has.
    fn adopt(&self, model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
        system::adopt(model, file, path)
    }

    /// Gives a file a second name that was free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    /// Puts a file in the place of another in one step.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        system::replace(from, to)
    }

    /// Brings a folder's names to the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        system::sync_folder(folder)
    }

    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()> {
        system::remove(path)
    }
}

/// The disk of this machine.
pub struct SystemFs;

impl FileSystem for SystemFs {}

/// Gives a temporary file its name, in the place of whatever has it.
///
/// # Errors
/// The disk refuses; the temporary file goes.
pub fn move_to(fs: &dyn FileSystem, mut temp: TempPath, path: &Path) -> io::Result<()> {
    fs.replace(&temp, path)?;
    // the name is gone
    temp.disable_cleanup(true);
    Ok(())
}

/// Writes a file in one step, with the owner and access of `model`. `temp_name` is how its temporary one begins and ends.
///
/// # Errors
/// The disk refuses; what was there is there still.
pub fn put(
    fs: &dyn FileSystem,
    path: &Path,
    bytes: &[u8],
    model: Option<&Path>,
    (prefix, suffix): (&OsStr, &str),
) -> io::Result<()> {
    let mut file = fs.create_temp(path.parent().unwrap_or(Path::new("")), prefix, suffix)?;
    fs.write(file.as_file_mut(), bytes)?;
    fs.adopt(model, file.as_file(), file.path())?;
    fs.sync(file.as_file())?;
    move_to(fs, file.into_temp_path(), path)
}

/// The names in a folder with this start.
pub fn names_in(folder: &Path, start: &OsStr) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.as_encoded_bytes().starts_with(start.as_encoded_bytes()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The names of files in a folder, as text; none if it cannot be read.
pub fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Opens a file that is there, never through a link, to lock it.
pub fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    system::never_follow_links(&mut options);
    options.open(path)
}

/// All that a file holds.
pub(super) fn bytes_of(file: File, most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    if length > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.try_reserve_exact(room.saturating_add(1)).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // it may grow meanwhile
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file holds just these bytes.
pub(super) fn is_held_in(mut file: File, bytes: &[u8]) -> io::Result<bool> {
    const PART: usize = 64 * 1024;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut part = vec![0; PART];
    let mut rest = bytes;
    loop {
        let length = file.read(&mut part)?;
        match rest.split_at_checked(length) {
            Some((same, others)) if *same == part[..length] => rest = others,
            _ => return Ok(false),
        }
        if length == 0 {
            return Ok(rest.is_empty());
        }
    }
}

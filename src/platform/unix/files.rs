//! Files on Unix.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat};
use rustix::io::Errno;

use crate::platform::FileId;
use crate::platform::fs::not_regular;
use crate::platform::temp_file::TempFile;

pub(super) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
}

/// Creates a file that only this user can open.
pub(in crate::platform) fn create_unshared(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Opens an existing file to lock it, never through a link.
pub(in crate::platform) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    never_follow_links(&mut options);
    options.open(path)
}

/// Opens an existing file to lock it or to see whether it is locked, never through a link.
pub(in crate::platform) fn open_shared_lock(path: &Path) -> io::Result<File> {
    open_to_lock(path)
}

/// Returns `None`: Wine doesn't distinguish downloaded files.
pub fn download_mark(_path: &Path) -> Option<Vec<u8>> {
    None
}

/// Succeeds, because there is no mark.
pub fn can_remove_download_mark(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Does nothing, because there is no mark.
pub fn remove_download_mark(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(in crate::platform) fn replace(temp: TempFile, to: &Path) -> io::Result<()> {
    let (_file, path) = temp.into_parts();
    Ok(path.persist(to)?)
}

pub(in crate::platform) fn persist_new(temp: TempFile, to: &Path) -> io::Result<()> {
    let (_file, path) = temp.into_parts();
    Ok(path.persist_noclobber(to)?)
}

/// Renames a file, which only one of several programs can do.
pub(in crate::platform) fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes an open file.
pub(in crate::platform) fn remove_open(_file: &File, path: &Path) -> io::Result<()> {
    remove(path)
}

pub(in crate::platform) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a regular file to read it; a link, a pipe or a device is an error.
pub(in crate::platform) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::NXIO) => not_regular(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

/// Opens or creates a regular file to add to it, while no other writer does.
pub(in crate::platform) fn open_to_append(path: &Path) -> io::Result<File> {
    const ATTEMPTS: u32 = 50;
    const PAUSE: Duration = Duration::from_millis(10);
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(not_regular());
    }
    for _ in 0..ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another program is using it"))
}

/// Opens a file as a program that lets nobody else write to it.
#[cfg(test)]
pub fn open_exclusively(path: &Path) -> File {
    let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.lock().unwrap();
    file
}

pub(in crate::platform) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Returns `false`: a file that another program has open can still be used.
pub fn is_file_in_use(_error: &io::Error) -> bool {
    false
}

/// Returns whether an error may mean that the file is being deleted, which only Windows reports so.
pub fn may_be_deletion(_error: &io::Error) -> bool {
    false
}

pub(in crate::platform) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Returns whether two paths lead to the same file. Neither is opened, because it could be a pipe.
pub(in crate::platform) fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let (a, b) = (std::fs::metadata(a)?, std::fs::metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// Returns why this user can't replace the file, or create files in the folder, as far as that can be seen without
/// writing.
pub fn why_not_writable(path: &Path) -> Option<io::Error> {
    let access = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS);
    let denied = access.err().filter(|error| matches!(*error, Errno::ACCESS | Errno::ROFS));
    denied.or_else(|| is_mounted_file(path).then_some(Errno::BUSY)).map(io::Error::from)
}

/// Returns whether a file itself is a mount point, as in a container. It can't be replaced then.
#[cfg(target_os = "linux")]
fn is_mounted_file(path: &Path) -> bool {
    use rustix::fs::{FileType, StatxAttributes, StatxFlags, statx};
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).is_ok_and(|stat| {
        let is_folder = FileType::from_raw_mode(stat.stx_mode.into()).is_dir();
        !is_folder && stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
    })
}

/// Returns `false`: this isn't known here.
#[cfg(not(target_os = "linux"))]
fn is_mounted_file(_path: &Path) -> bool {
    false
}

/// Returns what identifies a file; a link isn't followed.
pub(in crate::platform) fn file_id(path: &Path) -> io::Result<FileId> {
    path.symlink_metadata().map(|metadata| id_of(&metadata))
}

/// Returns what identifies an open file.
pub(in crate::platform) fn id_of_open(file: &File) -> io::Result<FileId> {
    file.metadata().map(|metadata| id_of(&metadata))
}

fn id_of(metadata: &Metadata) -> FileId {
    FileId { volume: metadata.dev(), index: metadata.ino().into(), links: metadata.nlink() }
}

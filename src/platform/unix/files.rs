//! Files on Unix.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

pub(in crate::platform) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
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

pub(in crate::platform) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
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

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link or not a regular file")
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

/// Returns whether an open file has this path; a link isn't followed.
pub(in crate::platform) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let (open, named) = (file.metadata()?, path.symlink_metadata()?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

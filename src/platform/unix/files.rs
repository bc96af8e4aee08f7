//! Files on Unix: what a replaced ini keeps, and opening without following links.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

pub(in crate::platform) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
}

pub(in crate::platform) fn adopt(model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
    const NEW_FILE: u32 = 0o666;
    let Some(model) = model else {
        return file.set_permissions(std::fs::Permissions::from_mode(NEW_FILE & !umask().bits()));
    };
    let (wanted, own) = (std::fs::metadata(model)?, file.metadata()?);
    if (wanted.uid(), wanted.gid()) != (own.uid(), own.gid()) {
        fchown(file, Some(wanted.uid()), Some(wanted.gid()))?;
    }
    // access lists and labels; a disk without them has none to keep
    for name in xattr::list(model).into_iter().flatten() {
        if let Ok(Some(value)) = xattr::get(model, &name) {
            match xattr::set(path, &name, &value) {
                // labels that the system gives by itself
                Err(error) if name.to_string_lossy().starts_with("system.") => return Err(error),
                _ => {}
            }
        }
    }
    // a folder may give every new file a list that the model does not have
    let kept: Vec<_> = xattr::list(model).into_iter().flatten().collect();
    for name in xattr::list(path).into_iter().flatten().filter(|name| !kept.contains(name)) {
        xattr::remove(path, name)?;
    }
    // behind the access list, so that nobody has more access for a moment
    file.set_permissions(std::fs::Permissions::from_mode(wanted.mode() & 0o7777))
}

/// The rights that new files do not get.
fn umask() -> Mode {
    static UMASK: OnceLock<Mode> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let told = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        let told = told.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
        told.map_or_else(
            || {
                // elsewhere it can only be read by setting it, for all threads
                let umask = rustix::process::umask(Mode::empty());
                rustix::process::umask(umask);
                umask
            },
            Mode::from_bits_truncate,
        )
    })
}

/// Wine starts whatever it is told to, wherever that came from.
pub fn mark_of(_path: &Path) -> Option<Vec<u8>> {
    None
}

/// There is none to be removed.
pub fn can_remove_mark(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// There is none to be removed.
pub fn remove_mark(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(in crate::platform) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

pub(in crate::platform) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a file, and nothing else: no link, no pipe, no device.
pub(in crate::platform) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::NXIO) => not_a_file(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or no file")
}

pub(in crate::platform) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Nobody keeps others from a file by having it open.
pub fn is_held_by_another(_error: &io::Error) -> bool {
    false
}

pub(in crate::platform) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether two paths lead to the same file. Neither is opened, for one may be a pipe.
///
/// # Errors
/// One of them is not there, or cannot be looked at.
pub(in crate::platform) fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let (a, b) = (std::fs::metadata(a)?, std::fs::metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// Whether this is the name of an open file, no link followed.
///
/// # Errors
/// There is nothing of that name, or it cannot be looked at.
pub(in crate::platform) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let (open, named) = (file.metadata()?, path.symlink_metadata()?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

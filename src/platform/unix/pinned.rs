//! Folders that are kept open.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use super::security::Owner;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// A folder that is kept open.
#[derive(Debug)]
pub struct Pinned(OwnedFd);

/// What keeps a folder from being empty, which makes no difference here.
#[derive(Debug)]
pub struct Occupied;

impl Pinned {
    pub(in crate::platform) fn open(path: &Path) -> io::Result<Pinned> {
        Ok(Pinned(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    pub(in crate::platform) fn enter(&self, _path: &Path, name: &OsStr) -> io::Result<Pinned> {
        match openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(folder) => Ok(Pinned(folder)),
            // which error Linux returns for a link depends on the other flags
            Err(Errno::LOOP) => Err(io::ErrorKind::NotADirectory.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a path that leads to the folder even if the folders above it are replaced.
    pub(in crate::platform) fn path(&self, path: &Path) -> PathBuf {
        path_to(&self.0, path)
    }

    /// Does nothing: a folder that is open by its descriptor stays the same.
    pub(in crate::platform) fn occupy(&self, _path: &Path) -> io::Result<Occupied> {
        Ok(Occupied)
    }

    /// Succeeds: a file that was opened through the descriptor is in the folder.
    pub(in crate::platform) fn check_contains(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    /// Removes a file by its path through the descriptor.
    pub(in crate::platform) fn remove(&self, path: &Path) -> io::Result<()> {
        super::files::remove(path)
    }

    /// Changes the owner of a folder that was just created: it must be ours and empty.
    pub(in crate::platform) fn give_to(&self, path: &Path, owner: &Owner) -> io::Result<()> {
        let metadata = rustix::fs::fstat(&self.0)?;
        let is_empty = std::fs::read_dir(self.path(path))?.next().is_none();
        if is_empty && metadata.st_uid == rustix::process::geteuid().as_raw() {
            owner.take(&self.0)
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    }
}

/// Does nothing: files are opened through the descriptor of their folder.
pub fn refuse_junctions_of_users() {}

/// Returns a path to something open; `path` itself if the system has no such paths.
fn path_to(open: &impl AsRawFd, path: &Path) -> PathBuf {
    let by_descriptor = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
    // other Unixes don't have /proc, and a container may hide it
    if cfg!(target_os = "linux") && by_descriptor.exists() { by_descriptor } else { path.to_path_buf() }
}

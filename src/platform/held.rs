//! Folders that are held open, so that whoever owns what is in them cannot lead a run with more rights elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Disk, Sid, system};

/// A folder that was come to without following a link, and that stays the same while this is held.
///
/// On Linux its files are reached through its descriptor, on Windows nobody can rename it or replace it by a junction
/// meanwhile. Elsewhere it is only looked at once.
#[derive(Debug)]
pub struct HeldFolder {
    path: PathBuf,
    held: system::Held,
}

impl HeldFolder {
    /// Holds a folder. Its own path may hold links.
    ///
    /// # Errors
    /// It is not there, is no folder, or may not be opened.
    pub fn open(path: &Path) -> io::Result<HeldFolder> {
        Ok(HeldFolder { path: path.to_path_buf(), held: system::Held::open(path)? })
    }

    /// Goes into a folder in it. Off Windows the letter case of its name need not be the same.
    ///
    /// # Errors
    /// It is not there, may not be opened, or is no folder; a link is none ([`io::ErrorKind::NotADirectory`]).
    pub fn enter(self, name: &str) -> io::Result<HeldFolder> {
        let name = self.find(name)?.ok_or(io::ErrorKind::NotFound)?;
        let held = self.held.enter(&self.path, &name)?;
        Ok(HeldFolder { path: self.path.join(name), held })
    }

    /// Goes into a folder in it that is made if it is not there, as somebody's.
    ///
    /// # Errors
    /// As for [`HeldFolder::enter`], or it cannot be made or given to them.
    pub fn enter_or_make(self, name: &str, owner: Option<&Owner>) -> io::Result<HeldFolder> {
        if self.find(name)?.is_none() {
            let path = self.inside(name.as_ref());
            std::fs::create_dir(&path)?;
            if let Some(owner) = owner {
                owner.take(&path).inspect_err(|_| {
                    // it is empty, and an own one that its user cannot write to would be worse than none
                    let _ = std::fs::remove_dir(&path);
                })?;
            }
        }
        self.enter(name)
    }

    /// The name of a file or folder in it, if it is there.
    ///
    /// # Errors
    /// It may not be listed.
    pub fn find(&self, name: &str) -> io::Result<Option<OsString>> {
        if self.inside(name.as_ref()).symlink_metadata().is_ok() {
            return Ok(Some(name.into()));
        }
        if cfg!(windows) {
            return Ok(None);
        }
        for entry in std::fs::read_dir(self.inside(".".as_ref()))? {
            let found = entry?.file_name();
            if found.eq_ignore_ascii_case(name) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The path by which it was come to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path to something in it that leads there whatever becomes of the folders above.
    pub fn inside(&self, name: &OsStr) -> PathBuf {
        self.held.inside(&self.path, name)
    }
}

/// To whom a file belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(pub(super) system::Account);

impl Owner {
    /// The owner of a file or a folder. `None`: it belongs to the machine rather than to a user, or cannot be told.
    pub fn of(path: &Path) -> Option<Owner> {
        system::owner_of(path).map(Owner)
    }

    /// A user of Windows. `None`: this is another system, which does not know its users by such numbers.
    pub fn of_sid(sid: Sid) -> Option<Owner> {
        system::account_of(sid).map(Owner)
    }

    /// Gives them a file or folder of ours, if it is not theirs already. No link is followed.
    ///
    /// # Errors
    /// This user may not give it away.
    pub fn take(&self, path: &Path) -> io::Result<()> {
        system::give_to(path, &self.0)
    }
}

/// A disk on which a folder is reached by what is held of it, and what is made in it belongs to somebody.
pub struct HeldDisk<'a> {
    /// The disk.
    pub disk: &'a (dyn Disk + Sync),
    /// The folder.
    pub folder: &'a HeldFolder,
    /// To whom new files belong.
    pub owner: Option<&'a Owner>,
}

impl HeldDisk<'_> {
    fn held(&self, path: &Path) -> PathBuf {
        match path.file_name() {
            Some(name) if path.parent() == Some(self.folder.path()) => self.folder.inside(name),
            _ if path == self.folder.path() => self.folder.inside(".".as_ref()),
            _ => path.to_path_buf(),
        }
    }
}

impl Disk for HeldDisk<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(&self.held(path))
    }

    fn holds(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        self.disk.holds(&self.held(path), bytes)
    }

    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
        self.disk.create_temp(&self.held(folder), prefix, suffix)
    }

    fn create_folders(&self, path: &Path) -> io::Result<()> {
        // what is held is there
        if path == self.folder.path() { Ok(()) } else { self.disk.create_folders(path) }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.disk.write(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.disk.sync(file)
    }

    fn adopt(&self, model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
        let path = self.held(path);
        self.disk.adopt(model.map(|model| self.held(model)).as_deref(), file, &path)?;
        match (model, self.owner) {
            (None, Some(owner)) => owner.take(&path),
            _ => Ok(()),
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(&self.held(from), &self.held(to))
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.replace(&self.held(from), &self.held(to))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(&self.held(folder))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(&self.held(path))
    }
}

//! Folders that are held open, so that whoever owns what is in them cannot lead a run with more rights elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Disk, Sid, bytes_of, is_held_in, system};

/// A folder that was come to without following a link, and that stays the same while this is held.
///
/// On Linux its files are reached through its descriptor, on Windows nobody can rename it or replace it by a junction
/// meanwhile. Elsewhere it is only looked at once.
#[derive(Debug)]
pub struct HeldFolder {
    path: PathBuf,
    held: system::Held,
    /// The folder that it is in, if it was come to from there.
    above: Option<Box<HeldFolder>>,
}

impl HeldFolder {
    /// Holds a folder. Its own path may hold links.
    ///
    /// # Errors
    /// It is not there, is no folder, or may not be opened.
    pub fn open(path: &Path) -> io::Result<HeldFolder> {
        Ok(HeldFolder { path: path.to_path_buf(), held: system::Held::open(path)?, above: None })
    }

    /// Goes into a folder in it. Off Windows the letter case of its name need not be the same.
    ///
    /// # Errors
    /// It is not there, may not be opened, or is no folder; a link is none ([`io::ErrorKind::NotADirectory`]).
    pub fn enter(self, name: &str) -> io::Result<HeldFolder> {
        let name = self.find(name)?.ok_or(io::ErrorKind::NotFound)?;
        let held = self.held.enter(&self.path, &name)?;
        Ok(HeldFolder { path: self.path.join(name), held, above: Some(Box::new(self)) })
    }

    /// Goes into a folder in it that is made if it is not there, as somebody's.
    ///
    /// # Errors
    /// As for [`HeldFolder::enter`], or it cannot be made or given to them.
    pub fn enter_or_make(self, name: &str, owner: Option<&Owner>) -> io::Result<HeldFolder> {
        let is_there = self.find(name)?.is_some();
        if !is_there {
            std::fs::create_dir(self.inside(name.as_ref()))?;
        }
        let folder = self.enter(name)?;
        match owner.filter(|_| !is_there).map(|owner| folder.held.give_to(&folder.path, &owner.0)) {
            // an own one that its user cannot write to would be worse than none
            Some(Err(error)) => {
                folder.remove_if_empty();
                Err(error)
            }
            _ => Ok(folder),
        }
    }

    /// Removes it, if nothing is in it.
    pub fn remove_if_empty(self) {
        let HeldFolder { path, held, above } = self;
        // what is held cannot be removed on Windows
        drop(held);
        if let (Some(above), Some(name)) = (above, path.file_name()) {
            let _ = std::fs::remove_dir(above.inside(name));
        }
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
        for entry in std::fs::read_dir(self.reached())? {
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

    /// A path to it that leads there whatever becomes of the folders above.
    pub fn reached(&self) -> PathBuf {
        self.held.path(&self.path)
    }

    /// The same for something in it.
    pub fn inside(&self, name: &OsStr) -> PathBuf {
        self.reached().join(name)
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

    /// Gives them a file of ours, if it is not theirs already.
    ///
    /// # Errors
    /// This user may not give it away.
    pub fn take(&self, file: &File, path: &Path) -> io::Result<()> {
        system::give_to(file, path, &self.0)
    }
}

/// A disk on which in a folder that is held nothing but files are read, and what is made in it belongs to somebody.
pub struct HeldDisk<'a> {
    /// The disk.
    pub disk: &'a (dyn Disk + Sync),
    /// The folder, whose files are named by [`HeldFolder::inside`].
    pub folder: &'a HeldFolder,
    /// To whom new files belong.
    pub owner: Option<&'a Owner>,
    /// The most that a file in it can hold, in bytes.
    pub largest: u64,
}

impl HeldDisk<'_> {
    fn holds_folder(&self, path: &Path) -> bool {
        path == self.folder.reached()
    }

    fn is_inside(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.holds_folder(parent))
    }
}

impl Disk for HeldDisk<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.is_inside(path) {
            bytes_of(system::open_file(path)?, self.largest)
        } else {
            self.disk.read(path)
        }
    }

    fn holds(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        if self.is_inside(path) {
            is_held_in(system::open_file(path)?, bytes)
        } else {
            self.disk.holds(path, bytes)
        }
    }

    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
        self.disk.create_temp(folder, prefix, suffix)
    }

    fn create_folders(&self, path: &Path) -> io::Result<()> {
        // what is held is there
        if self.holds_folder(path) { Ok(()) } else { self.disk.create_folders(path) }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.disk.write(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.disk.sync(file)
    }

    fn adopt(&self, model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
        match model {
            Some(model) if self.is_inside(model) => {
                let open = system::open_file(model)?;
                self.disk.adopt(Some(&system::path_of_open(&open, model)), file, path)
            }
            Some(model) => self.disk.adopt(Some(model), file, path),
            None => {
                self.disk.adopt(None, file, path)?;
                self.owner.map_or(Ok(()), |owner| owner.take(file, path))
            }
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.replace(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
}

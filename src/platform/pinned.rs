//! Folders that are held open, so that whoever owns what is in them cannot lead a run with more rights elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::access::Sid;
use super::fs::{FileSystem, bytes_of, is_held_in};
use super::system;

/// A folder that was come to without following a link, and that stays the same while this is held.
///
/// On Linux its files are reached through its descriptor, on Windows nobody can rename it or replace it by a junction
/// meanwhile. Elsewhere it is only looked at once.
#[derive(Debug)]
pub struct PinnedDir {
    path: PathBuf,
    held: system::Pinned,
    /// The folder that it is in, if it was come to from there.
    above: Option<Box<PinnedDir>>,
}

impl PinnedDir {
    /// Holds a folder. Its own path may hold links.
    ///
    /// # Errors
    /// It is not there, is no folder, or may not be opened.
    pub fn open(path: &Path) -> io::Result<PinnedDir> {
        Ok(PinnedDir { path: path.to_path_buf(), held: system::Pinned::open(path)?, above: None })
    }

    /// Goes into a folder in it. Off Windows the letter case of its name need not be the same.
    ///
    /// # Errors
    /// It is not there, may not be opened, or is no folder; a link is none ([`io::ErrorKind::NotADirectory`]).
    pub fn enter(self, name: &str) -> io::Result<PinnedDir> {
        let name = self.find(name)?.ok_or(io::ErrorKind::NotFound)?;
        let held = self.held.enter(&self.path, &name)?;
        Ok(PinnedDir { path: self.path.join(name), held, above: Some(Box::new(self)) })
    }

    /// Goes into a folder in it that is made if it is not there, as somebody's.
    ///
    /// # Errors
    /// As for [`PinnedDir::enter`], or it cannot be made or given to them.
    pub fn enter_or_make(self, name: &str, owner: Option<&Owner>) -> io::Result<PinnedDir> {
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
        let PinnedDir { path, held, above } = self;
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
pub struct ScopedFs<'a> {
    /// The disk.
    pub fs: &'a (dyn FileSystem + Sync),
    /// The folder, whose files are named by [`PinnedDir::inside`].
    pub folder: &'a PinnedDir,
    /// To whom new files belong.
    pub owner: Option<&'a Owner>,
    /// The most that a file in it can hold, in bytes.
    pub largest: u64,
}

impl ScopedFs<'_> {
    fn holds_folder(&self, path: &Path) -> bool {
        path == self.folder.reached()
    }

    fn is_inside(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.holds_folder(parent))
    }
}

impl FileSystem for ScopedFs<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.is_inside(path) {
            bytes_of(system::open_file(path)?, self.largest)
        } else {
            self.fs.read(path)
        }
    }

    fn holds(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        if self.is_inside(path) {
            is_held_in(system::open_file(path)?, bytes)
        } else {
            self.fs.holds(path, bytes)
        }
    }

    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
        self.fs.create_temp(folder, prefix, suffix)
    }

    fn create_folders(&self, path: &Path) -> io::Result<()> {
        // what is held is there
        if self.holds_folder(path) { Ok(()) } else { self.fs.create_folders(path) }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.fs.write(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.fs.sync(file)
    }

    fn adopt(&self, model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
        match model {
            Some(model) if self.is_inside(model) => {
                let open = system::open_file(model)?;
                self.fs.adopt(Some(&system::path_of_open(&open, model)), file, path)
            }
            Some(model) => self.fs.adopt(Some(model), file, path),
            None => {
                self.fs.adopt(None, file, path)?;
                self.owner.map_or(Ok(()), |owner| owner.take(file, path))
            }
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.link(from, to)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.replace(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.fs.sync_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.fs.remove(path)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::platform::SystemFs;

    fn fs(folder: &PinnedDir) -> ScopedFs<'_> {
        ScopedFs { fs: &SystemFs, folder, owner: None, largest: 100 }
    }

    #[test]
    fn a_folder_that_is_held_is_reached_whatever_takes_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::create_dir_all(path("user/settings")).unwrap();
        std::fs::create_dir(path("outside")).unwrap();
        std::fs::write(path("outside/a"), "theirs").unwrap();
        let held = PinnedDir::open(&path("user")).unwrap().enter("Settings").unwrap();
        std::fs::write(held.inside("a".as_ref()), "own").unwrap();
        std::fs::rename(path("user/settings"), path("user/moved")).unwrap();
        symlink(path("outside"), path("user/settings")).unwrap();
        let fs = fs(&held);
        assert_eq!(fs.read(&held.inside("a".as_ref())).unwrap(), b"own");
        let temp_file = fs.create_temp(&held.reached(), "t".as_ref(), "").unwrap();
        fs.replace(&temp_file.into_temp_path(), &held.inside("a".as_ref())).unwrap();
        assert_eq!(std::fs::read(path("user/moved/a")).unwrap(), b"");
        assert_eq!(std::fs::read(path("outside/a")).unwrap(), b"theirs");
        let again = PinnedDir::open(&path("user")).unwrap().enter("settings").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn nothing_but_a_file_is_read_and_no_more_than_it_may_hold() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::write(path("file"), [b'x'; 100]).unwrap();
        symlink(path("file"), path("link")).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        File::create(path("large")).unwrap().set_len(1 << 43).unwrap();
        let held = PinnedDir::open(temp.path()).unwrap();
        let fs = fs(&held);
        let inside = |name: &str| held.inside(name.as_ref());
        assert_eq!(fs.read(&inside("file")).unwrap().len(), 100);
        for name in ["link", "folder", "pipe", "large", "gone"] {
            assert!(fs.read(&inside(name)).is_err(), "{name}");
            assert!(!fs.holds(&inside(name), &[b'x'; 100]).unwrap_or(false), "{name}");
        }
        let file = fs.create_temp(&held.reached(), "t".as_ref(), "").unwrap();
        assert!(fs.adopt(Some(&inside("link")), file.as_file(), file.path()).is_err());
        fs.adopt(Some(&inside("file")), file.as_file(), file.path()).unwrap();
    }

    #[test]
    fn a_folder_is_made_once_and_goes_only_if_nothing_is_in_it() {
        let temp = tempfile::tempdir().unwrap();
        let made = || PinnedDir::open(temp.path()).unwrap().enter_or_make("MicroSIP", None).unwrap();
        made().remove_if_empty();
        assert!(!temp.path().join("MicroSIP").exists());
        std::fs::write(made().inside("a".as_ref()), "").unwrap();
        made().remove_if_empty();
        assert!(temp.path().join("MicroSIP").join("a").exists());
    }
}

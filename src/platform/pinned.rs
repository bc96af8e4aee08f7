//! Folders that are held open, so that their owner can't redirect a run with more rights to another place.

use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::file_id::FileId;
use super::file_path::FilePath;
use super::fs::{FileSystem, LockFile, read_all};
use super::system::{self, Occupied, Owner};
use super::temp_file::TempFile;

/// A folder that was reached without following a link, and that stays the same while this value exists.
///
/// On Linux its files are opened through its descriptor. On Windows nobody can rename or remove the folder while it is
/// open, but its owner can turn it into a junction while it is empty. Therefore the real path of each file is compared
/// with the folder's after the file was opened, and before anything is created, the folder is occupied: by a file that
/// nobody else can remove. Other systems check the folder only once.
#[derive(Debug)]
pub struct PinnedDir {
    path: PathBuf,
    /// A path that leads to this folder whatever happens to the folders above it.
    reached: PathBuf,
    handle: system::Pinned,
    /// The folder that contains it, if it was reached from there.
    parent: Option<Box<PinnedDir>>,
}

impl PinnedDir {
    /// Opens a folder. Its path may contain links.
    ///
    /// # Errors
    /// It doesn't exist, isn't a folder, or can't be opened.
    pub fn open(path: &Path) -> io::Result<PinnedDir> {
        let handle = system::Pinned::open(path)?;
        Ok(PinnedDir { path: path.to_path_buf(), reached: handle.path(path), handle, parent: None })
    }

    /// Opens a subfolder. Except on Windows, where it makes no difference, the case of its name is ignored.
    ///
    /// # Errors
    /// It doesn't exist, can't be opened, or isn't a folder ([`io::ErrorKind::NotADirectory`], also for a link).
    pub fn enter(self, name: &str) -> io::Result<PinnedDir> {
        let name = self.find(name)?.ok_or(io::ErrorKind::NotFound)?;
        let handle = self.handle.enter(&self.path, &name)?;
        let path = self.path.join(name);
        Ok(PinnedDir { reached: handle.path(&path), path, handle, parent: Some(Box::new(self)) })
    }

    /// Opens a subfolder, and creates it for `owner` if it doesn't exist.
    ///
    /// # Errors
    /// As for [`PinnedDir::enter`], or it can't be created or given to the owner.
    pub fn enter_or_create(self, name: &str, owner: Option<&Owner>) -> io::Result<PinnedDir> {
        let exists = self.find(name)?.is_some();
        let _occupied = if exists { None } else { Some(self.handle.occupy(&self.path)?) };
        if !exists {
            std::fs::create_dir(self.inside(name.as_ref()))?;
        }
        let folder = self.enter(name)?;
        let Some(owner) = owner.filter(|_| !exists) else { return Ok(folder) };
        match folder.handle.give_to(&folder.path, owner) {
            Ok(()) => Ok(folder),
            Err(error) => {
                // a folder that its user can't write to would be worse than none
                folder.remove_if_empty();
                Err(error)
            }
        }
    }

    /// Removes the folder if it is empty.
    pub fn remove_if_empty(self) {
        let PinnedDir { path, handle, parent, .. } = self;
        let (Some(parent), Some(name)) = (parent, path.file_name()) else { return };
        let Ok(_occupied) = parent.handle.occupy(&parent.path) else { return };
        // Windows doesn't remove a folder that is open
        drop(handle);
        let _ = std::fs::remove_dir(parent.inside(name));
    }

    /// Returns the exact name of a file or subfolder, or `None` if it doesn't exist.
    ///
    /// # Errors
    /// The folder can't be listed.
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

    /// Returns the path by which the folder was reached.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a path that leads to this folder even if the folders above it are replaced.
    pub(super) fn reached(&self) -> &Path {
        &self.reached
    }

    /// Returns the path of a file in the folder.
    pub fn file(&self, name: &OsStr) -> FilePath {
        FilePath::pinned(self.path.join(name), self.inside(name))
    }

    /// Returns the same kind of path for something in the folder.
    fn inside(&self, name: &OsStr) -> PathBuf {
        self.reached().join(name)
    }
}

/// A file system that is confined in one pinned folder: it opens only regular files there and follows no links, and new
/// files get the right owner.
pub struct ScopedFs<'a> {
    /// The file system.
    pub fs: &'a (dyn FileSystem + Sync),
    /// The folder, whose files are opened by the paths of [`PinnedDir::file`].
    pub folder: &'a PinnedDir,
    /// The owner of new files.
    pub owner: Option<&'a Owner>,
    /// The maximum size of a file that is read, in bytes.
    pub max_len: u64,
    /// Keeps the folder from being empty, from the first new file on.
    occupied: Mutex<Option<Occupied>>,
}

impl<'a> ScopedFs<'a> {
    /// Confines a file system.
    pub fn new(
        fs: &'a (dyn FileSystem + Sync),
        folder: &'a PinnedDir,
        owner: Option<&'a Owner>,
        max_len: u64,
    ) -> ScopedFs<'a> {
        ScopedFs { fs, folder, owner, max_len, occupied: Mutex::default() }
    }

    /// Keeps the folder from becoming a link until this value is dropped.
    fn occupy(&self) -> io::Result<()> {
        let mut occupied = self.occupied.lock().unwrap_or_else(PoisonError::into_inner);
        if occupied.is_none() {
            *occupied = Some(self.folder.handle.occupy(&self.folder.path)?);
        }
        Ok(())
    }

    fn is_pinned(&self, path: &Path) -> bool {
        path == self.folder.reached()
    }

    fn is_inside(&self, path: &Path) -> bool {
        path.parent().is_some_and(|parent| self.is_pinned(parent))
    }

    /// Opens a regular file in the folder to read it.
    fn open(&self, path: &Path) -> io::Result<File> {
        let file = system::open_file(path)?;
        self.folder.handle.check_contains(&file)?;
        self.check_is_users(&file)?;
        Ok(file)
    }

    /// Returns a lock that was opened by this path, if its file is really in the folder.
    fn check_lock(&self, path: &Path, lock: LockFile) -> io::Result<LockFile> {
        if self.is_inside(path) {
            self.folder.handle.check_contains(&lock.0)?;
        }
        Ok(lock)
    }

    /// Returns an error if a file may be somebody else's, to which the user of this folder made a hard link: an edit
    /// would show its contents to that user.
    fn check_is_users(&self, file: &File) -> io::Result<()> {
        let refuse = |reason| Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        if let Some(owner) = self.owner
            && !owner.may_own(file)?
        {
            return refuse("it belongs to neither this user nor an administrator");
        }
        let id = system::id_of_open(file)?;
        // A backup is another name of the ini for a moment. Names that appear while they are counted don't count.
        let are_all_inside = || -> io::Result<bool> {
            Ok(self.names_inside(&id)? == id.links && system::id_of_open(file)?.links == id.links)
        };
        if id.links > 1 && !are_all_inside()? {
            return refuse("it is a hard link to a file outside this folder");
        }
        Ok(())
    }

    /// Returns how many names in the folder a file has that has several names.
    fn names_inside(&self, id: &FileId) -> io::Result<u64> {
        let entries = self.fs.list(self.folder.reached())?;
        let is_name = |entry: &&DirEntry| {
            let other = self.fs.file_id(&self.folder.inside(&entry.file_name()));
            other.is_ok_and(|other| other.is_second_name_of(id) && other.links == id.links)
        };
        Ok(entries.iter().filter(is_name).count() as u64)
    }
}

// a method that is missing here would follow links
#[warn(clippy::missing_trait_methods)]
impl FileSystem for ScopedFs<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.is_inside(path) { read_all(self.open(path)?, self.max_len) } else { self.fs.read(path) }
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        if self.is_inside(path) { self.fs.link_metadata(path) } else { self.fs.metadata(path) }
    }

    fn link_metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.fs.link_metadata(path)
    }

    fn is_same_file(&self, a: &Path, b: &Path) -> io::Result<bool> {
        self.fs.is_same_file(a, b)
    }

    fn file_id(&self, path: &Path) -> io::Result<FileId> {
        self.fs.file_id(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        // links in the folder aren't followed
        if self.is_inside(path) { Ok(path.to_path_buf()) } else { self.fs.canonicalize(path) }
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.fs.read_link(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<DirEntry>> {
        self.fs.list(folder)
    }

    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<TempFile> {
        if self.is_pinned(folder) {
            self.occupy()?;
        }
        self.fs.create_temp(folder, prefix, suffix)
    }

    fn create_folders(&self, path: &Path) -> io::Result<()> {
        // a pinned folder exists
        if self.is_pinned(path) { Ok(()) } else { self.fs.create_folders(path) }
    }

    fn write(&self, temp: &mut TempFile, bytes: &[u8]) -> io::Result<()> {
        self.fs.write(temp, bytes)
    }

    fn sync(&self, temp: &TempFile) -> io::Result<()> {
        self.fs.sync(temp)
    }

    fn copy_access(&self, model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
        match model {
            Some(model) if self.is_inside(model) => {
                system::copy_access_to_temp(Some(&self.open(model)?), temp)
            }
            Some(model) => self.fs.copy_access(Some(model), temp),
            None => {
                self.fs.copy_access(None, temp)?;
                self.owner.map_or(Ok(()), |owner| owner.take(temp.file()))
            }
        }
    }

    fn copy_attributes(&self, model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
        self.fs.copy_attributes(model, temp)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.link(from, to)
    }

    fn replace(&self, temp: TempFile, to: &Path) -> io::Result<()> {
        self.fs.replace(temp, to)
    }

    fn persist_new(&self, temp: TempFile, to: &Path) -> io::Result<()> {
        self.fs.persist_new(temp, to)
    }

    fn rename_exclusively(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.rename_exclusively(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.fs.sync_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.is_inside(path) { self.folder.handle.remove(path) } else { self.fs.remove(path) }
    }

    fn open_to_lock(&self, path: &Path) -> io::Result<LockFile> {
        self.check_lock(path, self.fs.open_to_lock(path)?)
    }

    fn open_shared_lock(&self, path: &Path) -> io::Result<LockFile> {
        self.check_lock(path, self.fs.open_shared_lock(path)?)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::platform::SystemFs;

    fn fs(folder: &PinnedDir) -> ScopedFs<'_> {
        ScopedFs::new(&SystemFs, folder, None, 100)
    }

    #[test]
    fn a_pinned_folder_is_used_even_if_another_takes_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::create_dir_all(path("user/settings")).unwrap();
        std::fs::create_dir(path("outside")).unwrap();
        std::fs::write(path("outside/a"), "theirs").unwrap();
        let pinned = PinnedDir::open(&path("user")).unwrap().enter("Settings").unwrap();
        std::fs::write(pinned.inside("a".as_ref()), "own").unwrap();
        std::fs::rename(path("user/settings"), path("user/moved")).unwrap();
        symlink(path("outside"), path("user/settings")).unwrap();
        let fs = fs(&pinned);
        assert_eq!(fs.read(&pinned.inside("a".as_ref())).unwrap(), b"own");
        let temp_file = fs.create_temp(pinned.reached(), "t".as_ref(), "").unwrap();
        fs.replace(temp_file, &pinned.inside("a".as_ref())).unwrap();
        assert_eq!(std::fs::read(path("user/moved/a")).unwrap(), b"");
        assert_eq!(std::fs::read(path("outside/a")).unwrap(), b"theirs");
        let again = PinnedDir::open(&path("user")).unwrap().enter("settings").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn only_regular_files_up_to_the_maximum_size_are_read() {
        let temp = tempfile::tempdir().unwrap();
        let path = |name: &str| temp.path().join(name);
        std::fs::write(path("file"), [b'x'; 100]).unwrap();
        symlink(path("file"), path("link")).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        File::create(path("large")).unwrap().set_len(1 << 43).unwrap();
        let pinned = PinnedDir::open(temp.path()).unwrap();
        let fs = fs(&pinned);
        let inside = |name: &str| pinned.inside(name.as_ref());
        assert_eq!(fs.read(&inside("file")).unwrap().len(), 100);
        for name in ["link", "folder", "pipe", "large", "gone"] {
            assert!(fs.read(&inside(name)).is_err(), "{name}");
        }
        let mut file = fs.create_temp(pinned.reached(), "t".as_ref(), "").unwrap();
        assert!(fs.copy_access(Some(&inside("link")), &mut file).is_err());
        fs.copy_access(Some(&inside("file")), &mut file).unwrap();
    }

    #[test]
    fn a_folder_is_created_once_and_removed_only_if_it_is_empty() {
        let temp = tempfile::tempdir().unwrap();
        let create = || PinnedDir::open(temp.path()).unwrap().enter_or_create("MicroSIP", None).unwrap();
        create().remove_if_empty();
        assert!(!temp.path().join("MicroSIP").exists());
        std::fs::write(create().inside("a".as_ref()), "").unwrap();
        create().remove_if_empty();
        assert!(temp.path().join("MicroSIP").join("a").exists());
    }
}

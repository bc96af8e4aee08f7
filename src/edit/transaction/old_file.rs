//! The old ini, which keeps a second name while it is replaced.

use std::io;
use std::path::PathBuf;

use crate::platform::FileSystem;

/// The second name of the old ini. It is removed on drop unless `path` was taken.
pub(super) struct OldFile<'a> {
    pub fs: &'a dyn FileSystem,
    /// The second name. `None` if there was no ini, or if it couldn't be linked.
    pub path: Option<PathBuf>,
    /// Whether this is the same file, not a copy.
    pub is_linked: bool,
    /// Whether the name is that of a backup.
    pub is_backup: bool,
    /// The backup of the companion that belongs to it, if there is one.
    pub companion: Option<PathBuf>,
}

impl OldFile<'_> {
    /// Reads the old file if it can be seen and differs from what was read before it was replaced.
    pub fn read_if_not(&self, read: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let Some(path) = self.path.as_ref().filter(|_| self.is_linked) else { return Ok(None) };
        Ok(Some(self.fs.read(path)?).filter(|bytes| bytes != read))
    }
}

impl Drop for OldFile<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            for path in [Some(path), self.companion.as_ref()].into_iter().flatten() {
                let _ = self.fs.remove(path);
            }
        }
    }
}

//! Owners and modes of files.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::Mode;

use super::files::never_follow_links;
use crate::platform::access::{Access, Privileges, Sid};

/// Returns `None`: files in a Wine prefix have a mode instead of an access list.
pub fn access_of(_path: &Path) -> Option<Access> {
    None
}

/// Returns whether more users may read `file` than `model`, by their modes.
pub fn has_wider_access(file: &Path, model: &Path) -> bool {
    const OTHERS_READ: u32 = 0o044;
    let readers = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.mode() & OTHERS_READ);
    matches!((readers(file), readers(model)), (Ok(here), Ok(there)) if here & !there != 0)
}

pub(in crate::platform) fn adopt(model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
    const NEW_FILE: u32 = 0o666;
    let Some(model) = model else {
        return file.set_permissions(std::fs::Permissions::from_mode(NEW_FILE & !umask().bits()));
    };
    let wanted = std::fs::metadata(model)?;
    Owner::of_metadata(&wanted).take(file, path)?;
    // access lists and labels, where the file system has them
    for name in xattr::list(model).into_iter().flatten() {
        if let Ok(Some(value)) = xattr::get(model, &name) {
            match xattr::set(path, &name, &value) {
                // other attributes, such as labels, are set by the system itself
                Err(error) if name.to_string_lossy().starts_with("system.") => return Err(error),
                _ => {}
            }
        }
    }
    // a folder may give each new file an access list that the model doesn't have
    let kept: Vec<_> = xattr::list(model).into_iter().flatten().collect();
    for name in xattr::list(path).into_iter().flatten().filter(|name| !kept.contains(name)) {
        xattr::remove(path, name)?;
    }
    // after the access list, so that access is at no moment wider
    file.set_permissions(std::fs::Permissions::from_mode(wanted.mode() & 0o7777))
}

/// Returns the permissions that new files don't get.
fn umask() -> Mode {
    static UMASK: OnceLock<Mode> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        let umask = umask.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
        umask.map_or_else(
            || {
                // other systems can only return it by setting it, for all threads
                let umask = rustix::process::umask(Mode::empty());
                rustix::process::umask(umask);
                umask
            },
            Mode::from_bits_truncate,
        )
    })
}

/// Gives an existing file the owner, mode and access list of another one.
pub fn copy_access(model: &Path, path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    never_follow_links(&mut options);
    adopt(Some(model), &options.open(path)?, path)
}

/// Returns nothing, because access lists aren't checked here.
pub fn privileges() -> Privileges {
    Privileges::default()
}

/// Returns `None`: Windows' accounts aren't known here.
pub fn account_name(_sid: &Sid) -> Option<String> {
    None
}

/// The owner of a file: a user and a group of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Returns the owner of a file or a folder; `None` if it can't be examined.
    pub fn of(path: &Path) -> Option<Owner> {
        std::fs::metadata(path).ok().as_ref().map(Owner::of_metadata)
    }

    pub(super) fn of_metadata(metadata: &Metadata) -> Owner {
        Owner { user: metadata.uid(), group: metadata.gid() }
    }

    /// Returns `None`: this system doesn't know users by their SID.
    pub fn of_sid(_sid: Sid) -> Option<Owner> {
        None
    }

    /// Gives a file or a folder to this owner, unless it is theirs already.
    ///
    /// # Errors
    /// The user of this program may not give files away.
    pub fn take(&self, file: &impl AsFd, _path: &Path) -> io::Result<()> {
        let present = rustix::fs::fstat(file)?;
        if (present.st_uid, present.st_gid) == (self.user, self.group) {
            return Ok(());
        }
        fchown(file, Some(self.user), Some(self.group))
    }
}

//! Owners and modes of files.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::Mode;
use xattr::FileExt;

use super::files::never_follow_links;
use crate::platform::access::{Access, Privileges, Sid};
use crate::platform::temp_file::TempFile;

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

/// Gives a temporary file the owner, mode and extended attributes of another file, or without one those of a new file.
pub(in crate::platform) fn copy_access_to_temp(model: Option<&File>, temp: &mut TempFile) -> io::Result<()> {
    const NEW_FILE: u32 = 0o666;
    match model {
        Some(model) => copy_access_to(model, temp.file()),
        None => temp.file().set_permissions(Permissions::from_mode(NEW_FILE & !umask().bits())),
    }
}

fn copy_access_to(model: &File, file: &File) -> io::Result<()> {
    let wanted = model.metadata()?;
    Owner::of_metadata(&wanted).take(file)?;
    // access lists and labels, where the file system has them
    for name in model.list_xattr().into_iter().flatten() {
        if let Ok(Some(value)) = model.get_xattr(&name) {
            match file.set_xattr(&name, &value) {
                // other attributes, such as labels, are set by the system itself
                Err(error) if name.to_string_lossy().starts_with("system.") => return Err(error),
                _ => {}
            }
        }
    }
    // a folder may give each new file an access list that the model doesn't have
    let kept: Vec<_> = model.list_xattr().into_iter().flatten().collect();
    for name in file.list_xattr().into_iter().flatten().filter(|name| !kept.contains(name)) {
        file.remove_xattr(name)?;
    }
    // after the access list, so that access is at no moment wider
    file.set_permissions(Permissions::from_mode(wanted.mode() & 0o7777))
}

/// Succeeds, because Unix has no more attributes.
pub(in crate::platform) fn copy_attributes(_model: Option<&Path>, _temp: &mut TempFile) -> io::Result<()> {
    Ok(())
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
    copy_access_to(&File::open(model)?, &options.open(path)?)
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

    /// Returns whether an open file belongs to this user, to root or to the user of this program. If the owner is root,
    /// it isn't known who the user is, so the file may be anybody's.
    ///
    /// # Errors
    /// Its owner can't be read.
    pub fn may_own(&self, file: &File) -> io::Result<bool> {
        let owner = file.metadata()?.uid();
        Ok(self.user == 0 || [self.user, 0, rustix::process::geteuid().as_raw()].contains(&owner))
    }

    /// Gives a file or a folder to this owner, unless it is theirs already.
    ///
    /// # Errors
    /// The user of this program may not give files away.
    pub fn take(&self, file: &impl AsFd) -> io::Result<()> {
        let present = rustix::fs::fstat(file)?;
        if (present.st_uid, present.st_gid) == (self.user, self.group) {
            return Ok(());
        }
        fchown(file, Some(self.user), Some(self.group))
    }
}

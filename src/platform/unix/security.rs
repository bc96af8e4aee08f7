//! Owners and modes of files.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use super::files::{adopt, never_follow_links};
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

/// Returns the name of a user of this machine.
pub fn user_name(user: &sysinfo::Uid) -> Option<String> {
    let users = sysinfo::Users::new_with_refreshed_list().ok()?;
    users.get_user_by_id(user).map(|user| user.name().to_string())
}

/// Returns whether this program runs as that user.
pub fn is_own_user(user: &sysinfo::Uid) -> bool {
    **user == rustix::process::geteuid().as_raw()
}

/// Returns `None`: Windows' accounts aren't known here.
pub fn account_name(_sid: &Sid) -> Option<String> {
    None
}

/// A user and a group of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    user: u32,
    group: u32,
}

pub(in crate::platform) fn owner_of(path: &Path) -> Option<Account> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Account { user: metadata.uid(), group: metadata.gid() })
}

pub(in crate::platform) fn account_of(_sid: Sid) -> Option<Account> {
    None
}

pub(in crate::platform) fn give_to(file: &File, _path: &Path, account: &Account) -> io::Result<()> {
    give(file, account)
}

pub(super) fn give(file: &impl AsFd, account: &Account) -> io::Result<()> {
    let present = rustix::fs::fstat(file)?;
    if (present.st_uid, present.st_gid) == (account.user, account.group) {
        return Ok(());
    }
    fchown(file, Some(account.user), Some(account.group))
}

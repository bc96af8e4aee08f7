//! Files that a killed run left behind.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::edit::backup;
use crate::edit::companion;
use crate::edit::lock::{Lock, folder_of, lock_path, temp_name};
use crate::platform::{self, FileSystem};

/// Removes the files that a killed run left behind, for an edit that changes nothing and so doesn't acquire the lock.
pub fn remove_leftovers(ini: &Path, fs: &dyn FileSystem) {
    let has_unfinished = || backup::unfinished(ini, fs).is_ok_and(|backups| !backups.is_empty());
    if !temp_files(ini, fs).is_empty() || Lock::exists(ini, fs) || has_unfinished() {
        // if another run holds the lock, it removes them
        if let Some(_lock) = Lock::try_acquire(ini, fs) {
            remove_leftovers_under_lock(ini, fs);
        }
    }
}

/// Lists the files that a killed run left behind. Returns nothing while another run holds the lock.
pub fn leftovers(ini: &Path, fs: &dyn FileSystem) -> Vec<PathBuf> {
    if Lock::is_held(ini, fs) {
        return Vec::new();
    }
    let mut leftovers = temp_files(ini, fs);
    leftovers.extend(backup::unfinished(ini, fs).unwrap_or_default());
    leftovers.extend(Lock::exists(ini, fs).then(|| lock_path(ini)));
    leftovers
}

/// Returns how many names the ini has in addition to its own and to those that msipcfg gave it.
pub fn other_names(ini: &Path, fs: &dyn FileSystem) -> u64 {
    let count = || fs.file_id(ini).map_or(1, |id| id.links);
    let before = count();
    if before < 2 {
        return 0;
    }
    let names = temp_files(ini, fs).into_iter().chain(backup::unfinished(ini, fs).unwrap_or_default());
    let own = names.filter(|path| backup::is_second_name(path, ini, fs)).count() as u64;
    // another run may have replaced the ini in the meantime
    if count() == before { (before - 1).saturating_sub(own) } else { 0 }
}

/// Removes temporary files and unfinished backups. No running msipcfg uses them, because this one holds the lock.
pub(super) fn remove_leftovers_under_lock(ini: &Path, fs: &dyn FileSystem) {
    let backups = backup::unfinished(ini, fs).unwrap_or_default();
    let companions: Vec<PathBuf> = backups.iter().map(|backup| companion::backup_path(ini, backup)).collect();
    for path in temp_files(ini, fs).into_iter().chain(companions).chain(backups) {
        // a leftover that stays does no harm
        let _ = fs.remove(&path);
    }
}

/// Lists the temporary files of this ini, without those of an ini whose name starts with the name of this one.
fn temp_files(ini: &Path, fs: &dyn FileSystem) -> Vec<PathBuf> {
    let (prefix, suffix) = temp_name(ini);
    let names = platform::names_with_prefix(fs, folder_of(ini), &prefix).unwrap_or_default();
    let is_ours = |name: &OsString| {
        let middle = name.as_encoded_bytes()[prefix.len()..].strip_suffix(suffix.as_bytes());
        middle.is_some_and(|middle| !middle.contains(&b'.'))
    };
    names.into_iter().filter(is_ours).map(|name| ini.with_file_name(name)).collect()
}

//! Backups of an ini: files next to it, named by UTC time. They contain the passwords of the ini, so they have its
//! owner and access.
//!
//! A name is `MicroSIP.ini.20260131T235959.123Z.bak`, with `-1`, `-2` … after the time if it is taken. Backups made
//! by `restore` end in `.restore.bak`.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::companion;
use crate::platform::{self, FileSystem};

const SUFFIX: &str = ".bak";
const RESTORE_SUFFIX: &str = ".restore.bak";

/// The kind of command that made a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MadeBy {
    /// An edit.
    Edit,
    /// `restore`, which backs up the ini that it replaces.
    Restore,
}

/// A backup file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The path of the file.
    pub path: PathBuf,
    /// The name of the file.
    pub name: String,
    /// The time when it was made, as in its name.
    pub stamp: String,
    /// The kind of command that made it.
    pub made_by: MadeBy,
    counter: u32,
}

/// Whether to make a backup, and how many to keep.
#[derive(Clone, Copy, Debug)]
pub struct BackupPolicy {
    /// What the backup is made by. `None` makes no backup.
    pub made_by: Option<MadeBy>,
    /// The number of backups to keep: the oldest, plus the newest. 0 keeps none.
    pub keep: usize,
}

/// Lists the backups of an ini, newest first. Links, pipes, folders and the ini itself aren't backups, even if they
/// have the name of one.
///
/// # Errors
/// If the folder can't be listed.
pub fn list(ini: &Path, fs: &dyn FileSystem) -> io::Result<Vec<Backup>> {
    let mut backups = files_named_like_backups(ini, fs)?;
    backups.retain(|backup| !is_unfinished(backup, ini, fs));
    Ok(backups)
}

/// Lists the backups that are still the ini itself under another name, because a run was killed after linking the
/// backup and before replacing the ini.
///
/// # Errors
/// If the folder can't be listed.
pub fn unfinished(ini: &Path, fs: &dyn FileSystem) -> io::Result<Vec<PathBuf>> {
    let backups = files_named_like_backups(ini, fs)?.into_iter();
    Ok(backups.filter(|backup| is_unfinished(backup, ini, fs)).map(|backup| backup.path).collect())
}

/// Returns an unused path for a backup that is made at this time.
pub fn unused_path(ini: &Path, made_by: MadeBy, now: SystemTime, fs: &dyn FileSystem) -> PathBuf {
    let stamp: String = humantime::format_rfc3339_millis(now)
        .to_string()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    let suffix = match made_by {
        MadeBy::Edit => SUFFIX,
        MadeBy::Restore => RESTORE_SUFFIX,
    };
    let path = |counter: String| {
        let mut name = ini.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{stamp}{counter}{suffix}"));
        ini.with_file_name(name)
    };
    let mut paths = std::iter::once(String::new()).chain((1_u32..).map(|n| format!("-{n}"))).map(path);
    let is_unused = |path: &PathBuf| fs.link_metadata(path).is_err();
    // the counter is unlimited, so an unused path is always found
    paths.find(is_unused).unwrap_or_else(|| path("-0".into()))
}

/// Removes backups until `keep` of them are left. The oldest is removed last, and the new one before that, even if the
/// clock was set back and it looks older than it is. Returns the removed ones.
///
/// # Errors
/// If the folder can't be listed or a backup can't be removed.
pub fn prune(ini: &Path, keep: usize, made: Option<&Path>, fs: &dyn FileSystem) -> io::Result<Vec<PathBuf>> {
    let mut backups = list(ini, fs)?;
    let just_made =
        backups.iter().position(|backup| Some(&*backup.path) == made).map(|index| backups.remove(index));
    let oldest = if just_made.is_some() && backups.is_empty() { None } else { backups.pop() };
    let mut by_priority: Vec<Backup> = oldest.into_iter().chain(just_made).chain(backups).collect();
    let surplus = by_priority.split_off(keep.min(by_priority.len()));
    for backup in &surplus {
        remove(ini, backup, fs)?;
    }
    Ok(surplus.into_iter().map(|backup| backup.path).collect())
}

/// Removes a backup, and that of the companion with it.
///
/// # Errors
/// One of them can't be removed.
pub fn remove(ini: &Path, backup: &Backup, fs: &dyn FileSystem) -> io::Result<()> {
    match fs.remove(&companion::backup_path(ini, &backup.path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => removed?,
    }
    fs.remove(&backup.path)
}

/// Reads the companion that was backed up with an ini; `None` if there was none.
///
/// # Errors
/// It can't be read.
pub fn companion_of(ini: &Path, backup: &Path, fs: &dyn FileSystem) -> io::Result<Option<Vec<u8>>> {
    companion::read_file(&companion::backup_path(ini, backup), fs)
}

fn files_named_like_backups(ini: &Path, fs: &dyn FileSystem) -> io::Result<Vec<Backup>> {
    let mut prefix = ini.file_name().unwrap_or_default().to_os_string();
    prefix.push(".");
    let folder = ini.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names = match platform::names_with_prefix(fs, folder, &prefix) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut backups: Vec<Backup> =
        names.into_iter().filter_map(|name| parse(folder, &prefix, &name, fs)).collect();
    backups.sort_by(|a, b| (&b.stamp, b.counter).cmp(&(&a.stamp, a.counter)));
    Ok(backups)
}

/// Returns whether a backup is still the ini. As it will be deleted then, its content is compared too: the numbers of
/// files can't always be trusted.
fn is_unfinished(backup: &Backup, ini: &Path, fs: &dyn FileSystem) -> bool {
    is_second_name(&backup.path, ini, fs)
        && matches!((fs.read(&backup.path), fs.read(ini)), (Ok(backup), Ok(ini)) if backup == ini)
}

/// Returns whether a path is a second name of the ini.
pub(super) fn is_second_name(path: &Path, ini: &Path, fs: &dyn FileSystem) -> bool {
    matches!((fs.file_id(path), fs.file_id(ini)), (Ok(path), Ok(ini)) if path.is_second_name_of(&ini))
}

fn parse(folder: &Path, prefix: &OsStr, name: &OsStr, fs: &dyn FileSystem) -> Option<Backup> {
    let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes())?;
    let middle = std::str::from_utf8(middle).ok()?;
    let (middle, made_by) = match middle.strip_suffix(RESTORE_SUFFIX) {
        Some(middle) => (middle, MadeBy::Restore),
        None => (middle.strip_suffix(SUFFIX)?, MadeBy::Edit),
    };
    let (stamp, counter) = match middle.split_once('-') {
        Some((stamp, counter)) => (stamp, counter.parse().ok()?),
        None => (middle, 0),
    };
    let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let path = folder.join(name);
    let is_file = || fs.link_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    if shape != "00000000T000000.000Z" || !is_file() {
        return None;
    }
    let name = name.to_string_lossy().into_owned();
    Some(Backup { stamp: stamp.to_string(), made_by, counter, name, path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemFs;
    use std::time::Duration;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_769_903_999_123 + millis)
    }

    fn make(ini: &Path, made_by: MadeBy, millis: u64) -> String {
        let path = unused_path(ini, made_by, at(millis), &SystemFs);
        std::fs::write(&path, b"x").unwrap();
        path.file_name().unwrap().to_str().unwrap().to_string()
    }

    #[test]
    fn names_contain_utc_time_milliseconds_and_a_counter() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        assert_eq!(make(&ini, MadeBy::Edit, 0), "MicroSIP.ini.20260131T235959.123Z.bak");
        assert_eq!(make(&ini, MadeBy::Edit, 0), "MicroSIP.ini.20260131T235959.123Z-1.bak");
        assert_eq!(make(&ini, MadeBy::Restore, 1), "MicroSIP.ini.20260131T235959.124Z.restore.bak");
    }

    #[test]
    fn the_list_is_newest_first_and_contains_only_backups() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let names: Vec<_> = [0, 0, 5].into_iter().map(|millis| make(&ini, MadeBy::Edit, millis)).collect();
        for other in
            ["MicroSIP.ini", "MicroSIP.ini.bak", "MicroSIP.ini.old.bak", "Other.ini.20260131T235959.123Z.bak"]
        {
            std::fs::write(folder.path().join(other), b"x").unwrap();
        }
        let listed: Vec<_> = list(&ini, &SystemFs).unwrap().into_iter().map(|backup| backup.name).collect();
        assert_eq!(listed, [names[2].clone(), names[1].clone(), names[0].clone()]);
    }

    #[test]
    fn pruning_keeps_the_oldest_and_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let names: Vec<_> = (0..5).map(|millis| make(&ini, MadeBy::Edit, millis)).collect();
        let left = |keep| {
            prune(&ini, keep, Some(&ini.with_file_name(&names[4])), &SystemFs).unwrap();
            list(&ini, &SystemFs).unwrap().into_iter().map(|backup| backup.name).collect::<Vec<_>>()
        };
        assert_eq!(left(5).len(), 5);
        assert_eq!(left(3), [names[4].clone(), names[3].clone(), names[0].clone()]);
        assert_eq!(left(1), [names[0].clone()]);
        assert_eq!(left(0), Vec::<String>::new());
    }

    #[test]
    fn pruning_keeps_the_new_backup_after_the_clock_was_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let later: Vec<_> = (10..13).map(|millis| make(&ini, MadeBy::Edit, millis)).collect();
        let made = make(&ini, MadeBy::Edit, 0);
        prune(&ini, 3, Some(&ini.with_file_name(&made)), &SystemFs).unwrap();
        let left: Vec<_> = list(&ini, &SystemFs).unwrap().into_iter().map(|backup| backup.name).collect();
        assert_eq!(left, [later[2].clone(), later[0].clone(), made]);
    }

    #[test]
    fn folders_and_the_ini_itself_are_not_backups() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        std::fs::write(&ini, b"x").unwrap();
        std::fs::create_dir(unused_path(&ini, MadeBy::Edit, at(0), &SystemFs)).unwrap();
        std::fs::hard_link(&ini, unused_path(&ini, MadeBy::Edit, at(0), &SystemFs)).unwrap();
        assert_eq!(list(&ini, &SystemFs).unwrap(), []);
        assert_eq!(unfinished(&ini, &SystemFs).unwrap().len(), 1);
    }
}

//! Backups of an ini: files beside it, named by UTC time, that hold passwords as the ini does and so have its
//! owner and access.
//!
//! `MicroSIP.ini.20260131T235959.123Z.bak`, with `-1`, `-2` … behind the time where one was taken already;
//! those that `restore` makes end in `.restore.bak`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::platform::{self, Disk};

const ENDING: &str = ".bak";
const RESTORE_ENDING: &str = ".restore.bak";

/// What made a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBy {
    /// An edit: what was there before it.
    Edit,
    /// A restore: what it put aside.
    Restore,
}

/// A backup on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its file name.
    pub name: String,
    /// When it was made, as in its name.
    pub stamp: String,
    /// What made it.
    pub made_by: MadeBy,
    counter: u32,
}

/// What to do with backups in one run.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether one is made.
    pub made_by: Option<MadeBy>,
    /// How many are kept: the oldest and the newest others. 0 keeps none.
    pub keep: usize,
}

/// The backups of an ini, newest first.
pub fn list(ini: &Path) -> io::Result<Vec<Backup>> {
    let Some((folder, ini_name)) = folder_and_name(ini) else { return Ok(Vec::new()) };
    let start = format!("{ini_name}.");
    let names = match platform::names_in(&folder, &start) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut backups: Vec<Backup> =
        names.into_iter().filter_map(|name| parse(&folder, &start, name)).collect();
    backups.sort_by(|a, b| (&b.stamp, b.counter).cmp(&(&a.stamp, a.counter)));
    Ok(backups)
}

/// A free name for a backup that is made now.
pub fn free_name(ini: &Path, made_by: MadeBy, now: SystemTime) -> PathBuf {
    let stamp: String = humantime::format_rfc3339_millis(now)
        .to_string()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    let ending = match made_by {
        MadeBy::Edit => ENDING,
        MadeBy::Restore => RESTORE_ENDING,
    };
    let name = ini.file_name().unwrap_or_default().to_string_lossy();
    let path = |counter: String| ini.with_file_name(format!("{name}.{stamp}{counter}{ending}"));
    let mut names = std::iter::once(String::new()).chain((1_u32..).map(|n| format!("-{n}"))).map(path);
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    // the counter has no end, so there is a free one
    names.find(is_free).unwrap_or_else(|| path("-0".into()))
}

/// Removes what is more than `keep` backups, never the oldest. Says which went.
pub fn prune(ini: &Path, keep: usize, disk: &dyn Disk) -> io::Result<Vec<Backup>> {
    let mut backups = list(ini)?;
    let oldest = if keep > 0 { backups.pop() } else { None };
    let newest = keep - usize::from(oldest.is_some());
    let surplus = backups.split_off(newest.min(backups.len()));
    for backup in &surplus {
        disk.remove(&backup.path)?;
    }
    Ok(surplus)
}

/// Backups that are still the ini itself under another name: a run was killed between linking it and replacing
/// the ini.
pub fn unfinished(ini: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = list(ini)?.into_iter().map(|backup| backup.path);
    Ok(paths.filter(|path| same_file::is_same_file(ini, path).unwrap_or(false)).collect())
}

fn parse(folder: &Path, start: &str, name: String) -> Option<Backup> {
    let middle = name.strip_prefix(start)?;
    let (middle, made_by) = match middle.strip_suffix(RESTORE_ENDING) {
        Some(middle) => (middle, MadeBy::Restore),
        None => (middle.strip_suffix(ENDING)?, MadeBy::Edit),
    };
    let (stamp, counter) = match middle.split_once('-') {
        Some((stamp, counter)) => (stamp, counter.parse().ok()?),
        None => (middle, 0),
    };
    let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape != "00000000T000000.000Z" {
        return None;
    }
    Some(Backup { path: folder.join(&name), stamp: stamp.to_string(), made_by, counter, name })
}

fn folder_and_name(ini: &Path) -> Option<(PathBuf, String)> {
    let folder = ini.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((folder.to_path_buf(), ini.file_name()?.to_str()?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemDisk;
    use std::time::Duration;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_769_903_999_123 + millis)
    }

    fn make(ini: &Path, made_by: MadeBy, millis: u64) -> String {
        let path = free_name(ini, made_by, at(millis));
        std::fs::write(&path, b"x").unwrap();
        path.file_name().unwrap().to_str().unwrap().to_string()
    }

    #[test]
    fn names_hold_utc_time_milliseconds_and_a_counter() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        assert_eq!(make(&ini, MadeBy::Edit, 0), "MicroSIP.ini.20260131T235959.123Z.bak");
        assert_eq!(make(&ini, MadeBy::Edit, 0), "MicroSIP.ini.20260131T235959.123Z-1.bak");
        assert_eq!(make(&ini, MadeBy::Restore, 1), "MicroSIP.ini.20260131T235959.124Z.restore.bak");
    }

    #[test]
    fn the_list_is_newest_first_and_holds_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let names: Vec<_> = [0, 0, 5].into_iter().map(|millis| make(&ini, MadeBy::Edit, millis)).collect();
        for other in
            ["MicroSIP.ini", "MicroSIP.ini.bak", "MicroSIP.ini.old.bak", "Other.ini.20260131T235959.123Z.bak"]
        {
            std::fs::write(folder.path().join(other), b"x").unwrap();
        }
        let listed: Vec<_> = list(&ini).unwrap().into_iter().map(|backup| backup.name).collect();
        assert_eq!(listed, [names[2].clone(), names[1].clone(), names[0].clone()]);
    }

    #[test]
    fn pruning_keeps_the_oldest_and_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let names: Vec<_> = (0..5).map(|millis| make(&ini, MadeBy::Edit, millis)).collect();
        let left = |keep| {
            prune(&ini, keep, &SystemDisk).unwrap();
            list(&ini).unwrap().into_iter().map(|backup| backup.name).collect::<Vec<_>>()
        };
        assert_eq!(left(5).len(), 5);
        assert_eq!(left(3), [names[4].clone(), names[3].clone(), names[0].clone()]);
        assert_eq!(left(1), [names[0].clone()]);
        assert_eq!(left(0), Vec::<String>::new());
    }
}

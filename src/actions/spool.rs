//! The folder with the events that couldn't be stored in the database: one file for each.
//!
//! Each event in it is done once, although workers of several sessions take the files at the same time, also some that
//! can't use the database, although each of them can be killed at any moment, and although another program, such as a
//! virus scanner, can keep them from removing a file. They do it in these steps:
//!
//! 1. The event is added to the database, where it waits.
//! 2. The file is renamed, which only one worker can do. If nobody can, the event waits.
//! 3. The event is released: it doesn't wait any more.
//! 4. The file is removed. If that fails, it is tried again; no worker reads a file with that name.
//!
//! If a worker is killed, the next one continues with the next step. If an event waits but its file isn't there under
//! either name, a worker without the database has taken it.

use std::io;
use std::path::{Path, PathBuf};

use super::event_text;
use super::store::NewEvent;
use crate::platform::{self, FileSystem};

const EXTENSION: &str = "event";
const TEMP_EXTENSION: &str = "tmp";
const TAKEN_EXTENSION: &str = "taken";

/// How many digits the time at the start of a name has, at least.
const TIME_DIGITS: usize = 16;

/// The largest file that is read, in bytes.
const MAX_LEN: u64 = 1024 * 1024;

/// Returns whether a file in the folder has a name that msipcfg gives, complete or not.
pub fn is_own_name(name: &str) -> bool {
    let Some((time, rest)) = name.split_once('-') else { return false };
    time.len() >= TIME_DIGITS
        && time.bytes().all(|byte| byte.is_ascii_digit())
        && [EXTENSION, TEMP_EXTENSION, TAKEN_EXTENSION]
            .iter()
            .any(|extension| Path::new(rest).extension() == Some(extension.as_ref()))
}

/// Why an event couldn't be taken from the folder.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the folder {folder} couldn't be listed: {source}")]
    Folder { folder: PathBuf, source: io::Error },
    #[error("{path} isn't a file, so it is ignored")]
    NotAFile { path: PathBuf },
    #[error("{path} couldn't be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} isn't an event of msipcfg-run, so it is removed")]
    NotAnEvent { path: PathBuf },
    #[error("{path} couldn't be renamed, so its event waits: {source}")]
    Take { path: PathBuf, source: io::Error },
}

/// A file in the folder.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    /// Its name, which no other event has.
    pub name: String,
}

/// An event that was read from a file, or why there is none.
type Read = Result<NewEvent, SpoolError>;

/// Writes an event to a new file, which has its name only when it is complete.
///
/// # Errors
/// The file can't be written.
pub fn write(fs: &dyn FileSystem, folder: &Path, event: &NewEvent) -> io::Result<()> {
    platform::create_private_folder(folder)?;
    // in the order of the events
    let prefix = format!("{:0TIME_DIGITS$}-", event.time.max(0));
    let mut temp = fs.create_temp(folder, prefix.as_ref(), &format!(".{TEMP_EXTENSION}"))?;
    fs.write(&mut temp, event_text::to_lines(event).as_bytes())?;
    let path = temp.path().with_extension(EXTENSION);
    fs.persist_new(temp, &path)
}

/// Returns the files in the folder, the oldest first, with their events, or why they have none. If the folder doesn't
/// exist, there are no files.
///
/// # Errors
/// The folder can't be listed.
pub fn files(fs: &dyn FileSystem, folder: &Path) -> Result<Vec<(SpoolFile, Read)>, SpoolError> {
    let files = paths(fs, folder, EXTENSION)?.into_iter().filter_map(|path| {
        let event = match read(fs, &path) {
            // another worker has just taken it
            Err(SpoolError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => return None,
            event => event,
        };
        let name = name_of(&path);
        Some((SpoolFile { path, name }, event))
    });
    Ok(files.collect())
}

/// Returns the paths of the entries of a folder that have an extension, in order.
fn paths(fs: &dyn FileSystem, folder: &Path, extension: &str) -> Result<Vec<PathBuf>, SpoolError> {
    let entries = match fs.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SpoolError::Folder { folder: folder.to_path_buf(), source }),
        Ok(entries) => entries,
    };
    let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(fs: &dyn FileSystem, path: &Path) -> Read {
    let unreadable = |source| SpoolError::Read { path: path.to_path_buf(), source };
    let metadata = fs.link_metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        // also because opening a pipe would block
        return Err(SpoolError::NotAFile { path: path.to_path_buf() });
    }
    let bytes = if metadata.len() > MAX_LEN { Vec::new() } else { fs.read(path).map_err(unreadable)? };
    let event = String::from_utf8(bytes).ok().and_then(|text| event_text::from_lines(&text));
    event.ok_or_else(|| SpoolError::NotAnEvent { path: path.to_path_buf() })
}

impl SpoolFile {
    /// Returns whether the file is still there.
    pub fn is_there(&self, fs: &dyn FileSystem) -> bool {
        fs.link_metadata(&self.path).is_ok()
    }

    /// Removes the file so that nobody else has its event.
    ///
    /// # Errors
    /// Another worker has taken it, or it can't be renamed.
    pub fn remove(&self, fs: &dyn FileSystem) -> io::Result<()> {
        // renamed first, because two programs can remove the same file at the same time
        let removed = self.path.with_extension(TEMP_EXTENSION);
        fs.rename_exclusively(&self.path, &removed)?;
        // nobody reads it, even if it stays
        let _ = fs.remove(&removed);
        Ok(())
    }
}

/// Takes the file with this name, unless a worker has already done that, and returns whether a worker has it; `false`
/// if the file is nowhere.
///
/// # Errors
/// It can't be renamed.
pub fn take(fs: &dyn FileSystem, folder: &Path, name: &str) -> Result<bool, SpoolError> {
    let path = folder.join(name);
    let taken = path.with_extension(TAKEN_EXTENSION);
    let is_taken = match fs.rename_exclusively(&path, &taken) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs.link_metadata(&taken) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => found.map(|_| true),
        },
        renamed => renamed.map(|()| true),
    };
    is_taken.map_err(|source| SpoolError::Take { path, source })
}

/// Returns the names that the taken files had before.
///
/// # Errors
/// The folder can't be listed.
pub fn taken(fs: &dyn FileSystem, folder: &Path) -> Result<Vec<String>, SpoolError> {
    let taken = paths(fs, folder, TAKEN_EXTENSION)?;
    Ok(taken.into_iter().map(|path| name_of(&path.with_extension(EXTENSION))).collect())
}

/// Removes a taken file.
pub fn remove_taken(fs: &dyn FileSystem, folder: &Path, name: &str) {
    // nobody reads it, even if it stays
    let _ = fs.remove(&folder.join(name).with_extension(TAKEN_EXTENSION));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::event::Event;
    use crate::platform::{BootTime, SystemFs};

    fn event(time: i64) -> NewEvent {
        NewEvent {
            time,
            boot: BootTime::default(),
            event: Event::Ring,
            caller: "100".into(),
            ini: "/x.ini".into(),
            session: 1,
        }
    }

    #[test]
    fn events_come_back_in_their_order_until_they_are_removed() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("data/spool");
        assert!(files(&SystemFs, &folder).unwrap().is_empty());
        assert!(is_own_name("0000000000000005-a1b2.tmp"));
        assert!(
            ["5-a.event", "notes-2026.tmp", "0000000000000005.event"].iter().all(|name| !is_own_name(name))
        );
        for time in [9_999_999_999_999, 5, 1_800_000_000_000] {
            write(&SystemFs, &folder, &event(time)).unwrap();
        }
        let times = || -> Vec<i64> {
            let found = files(&SystemFs, &folder).unwrap();
            assert!(found.iter().all(|(file, _)| is_own_name(&file.name)));
            found.into_iter().map(|(_, event)| event.unwrap().time).collect()
        };
        assert_eq!(times(), [5, 1_800_000_000_000, 9_999_999_999_999]);
        files(&SystemFs, &folder).unwrap()[0].0.remove(&SystemFs).unwrap();
        assert_eq!(times(), [1_800_000_000_000, 9_999_999_999_999]);
    }

    #[test]
    fn only_complete_files_are_events() {
        let folder = tempfile::tempdir().unwrap();
        write(&SystemFs, folder.path(), &event(2)).unwrap();
        std::fs::write(folder.path().join("1.tmp"), "msipcfg event 1\n").unwrap();
        std::fs::write(folder.path().join("0.event"), "msipcfg event 1\n").unwrap();
        let huge = std::fs::File::create(folder.path().join("3.event")).unwrap();
        huge.set_len(MAX_LEN + 1).unwrap();
        let found = files(&SystemFs, folder.path()).unwrap();
        let events: Vec<_> = found.into_iter().map(|(_, event)| event.map(|event| event.time)).collect();
        use SpoolError::NotAnEvent;
        assert!(matches!(events[..], [Err(NotAnEvent { .. }), Ok(2), Err(NotAnEvent { .. })]), "{events:?}");
    }

    #[test]
    fn what_is_not_a_file_hides_no_event() {
        let folder = tempfile::tempdir().unwrap();
        write(&SystemFs, folder.path(), &event(2)).unwrap();
        std::fs::create_dir(folder.path().join("0.event")).unwrap();
        let found = files(&SystemFs, folder.path()).unwrap();
        assert!(matches!(found[..], [(_, Err(SpoolError::NotAFile { .. })), (_, Ok(_))]), "{found:?}");
    }
}

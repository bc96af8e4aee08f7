//! The folder with the events that couldn't be stored in the database: one file for each.

use std::io;
use std::path::{Path, PathBuf};

use super::event_text;
use super::store::NewEvent;
use crate::platform::{self, FileSystem};

const EXTENSION: &str = "event";
const TEMP_EXTENSION: &str = "tmp";

/// How many digits the time at the start of a name has, at least.
const TIME_DIGITS: usize = 16;

/// The largest file that is read, in bytes.
const MAX_LEN: u64 = 1024 * 1024;

/// Returns whether a file in the folder has a name that msipcfg gives, complete or not.
pub fn is_own_name(name: &str) -> bool {
    let Some((time, rest)) = name.split_once('-') else { return false };
    time.len() >= TIME_DIGITS
        && time.bytes().all(|byte| byte.is_ascii_digit())
        && [EXTENSION, TEMP_EXTENSION]
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
}

/// A file in the folder.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    /// Its name, which no other event has.
    pub name: String,
    /// The event, or why there is none.
    pub event: Result<NewEvent, SpoolError>,
}

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

/// Returns the files in the folder, the oldest first; none if the folder doesn't exist. A file that can't be used
/// doesn't hide the others.
///
/// # Errors
/// The folder can't be listed.
pub fn files(fs: &dyn FileSystem, folder: &Path) -> Result<Vec<SpoolFile>, SpoolError> {
    let entries = match fs.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SpoolError::Folder { folder: folder.to_path_buf(), source }),
        Ok(entries) => entries,
    };
    let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    let files = paths.into_iter().filter_map(|path| {
        let event = match read(fs, &path) {
            // another worker has just taken it
            Err(SpoolError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => return None,
            event => event,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Some(SpoolFile { path, name, event })
    });
    Ok(files.collect())
}

fn read(fs: &dyn FileSystem, path: &Path) -> Result<NewEvent, SpoolError> {
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
    /// Removes the file.
    ///
    /// # Errors
    /// It can't be removed.
    pub fn remove(&self, fs: &dyn FileSystem) -> io::Result<()> {
        fs.remove(&self.path)
    }
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
            assert!(found.iter().all(|file| is_own_name(&file.name)));
            found.iter().map(|file| file.event.as_ref().unwrap().time).collect()
        };
        assert_eq!(times(), [5, 1_800_000_000_000, 9_999_999_999_999]);
        files(&SystemFs, &folder).unwrap()[0].remove(&SystemFs).unwrap();
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
        let events: Vec<_> = found.iter().map(|file| file.event.as_ref().map(|event| event.time)).collect();
        use SpoolError::NotAnEvent;
        assert!(matches!(events[..], [Err(NotAnEvent { .. }), Ok(2), Err(NotAnEvent { .. })]), "{events:?}");
    }

    #[test]
    fn what_is_not_a_file_hides_no_event() {
        let folder = tempfile::tempdir().unwrap();
        write(&SystemFs, folder.path(), &event(2)).unwrap();
        std::fs::create_dir(folder.path().join("0.event")).unwrap();
        let found = files(&SystemFs, folder.path()).unwrap();
        assert!(matches!(found[0].event, Err(SpoolError::NotAFile { .. })), "{found:?}");
        assert!(found.len() == 2 && found[1].event.is_ok(), "{found:?}");
    }
}

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

/// A file in the folder.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    /// Its name, which no other event has.
    pub name: String,
    /// The event; `None` if the file contains something else.
    pub event: Option<NewEvent>,
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

/// Returns the files in the folder, the oldest first; none if the folder doesn't exist.
///
/// # Errors
/// The folder or a file can't be read.
pub fn files(fs: &dyn FileSystem, folder: &Path) -> io::Result<Vec<SpoolFile>> {
    let entries = match fs.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    paths.into_iter().map(|path| read(fs, path)).collect()
}

fn read(fs: &dyn FileSystem, path: PathBuf) -> io::Result<SpoolFile> {
    let is_too_long = fs.link_metadata(&path)?.len() > MAX_LEN;
    let bytes = if is_too_long { Vec::new() } else { fs.read(&path)? };
    let event = String::from_utf8(bytes).ok().and_then(|text| event_text::from_lines(&text));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(SpoolFile { path, name, event })
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
        assert_eq!(found.iter().map(|file| file.event.is_some()).collect::<Vec<_>>(), [false, true, false]);
    }
}

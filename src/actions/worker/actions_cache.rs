//! The actions of an ini, read anew for each event.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::actions::file::{self, HooksFileError};
use crate::edit::companion;
use crate::hook::action::Actions;
use crate::hook::writers::{Writer, writer_without_ini};
use crate::platform::{self, Writers};

/// How long a file isn't read again for the attempts of the same event.
const FRESH: Duration = Duration::from_secs(2);

/// Why the actions of an ini can't be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ActionsError {
    #[error("{file} couldn't be read: {source}")]
    Unreadable { file: PathBuf, source: io::Error },
    #[error(
        "{file} isn't used, because {writer} can change it but not the ini; give it the access rights of the ini"
    )]
    Untrusted { file: PathBuf, writer: Writer },
    #[error(transparent)]
    Invalid(#[from] HooksFileError),
}

/// The files that were read.
#[derive(Default)]
pub struct ActionsCache {
    read: HashMap<String, (Instant, Result<Actions, String>)>,
}

impl ActionsCache {
    /// Reads the actions of an ini for a new event.
    pub fn read(&mut self, ini: &str) -> &Result<Actions, String> {
        self.read.remove(ini);
        self.of(ini)
    }

    /// Returns the actions of an ini that were read a moment ago, or else reads them.
    pub fn of(&mut self, ini: &str) -> &Result<Actions, String> {
        self.read.retain(|_, (at, _)| at.elapsed() < FRESH);
        let read = || (Instant::now(), read(Path::new(ini)).map_err(|error| error.to_string()));
        &self.read.entry(ini.to_string()).or_insert_with(read).1
    }
}

/// Reads the actions of an ini.
///
/// # Errors
/// See [`ActionsError`].
pub fn read(ini: &Path) -> Result<Actions, ActionsError> {
    let path = companion::path_for(ini);
    let unreadable = |source| ActionsError::Unreadable { file: path.clone(), source };
    let (bytes, writers) = platform::read_with_writers(&path, companion::MAX_LEN).map_err(unreadable)?;
    if let Some(writer) = untrusted_writer(&writers, ini) {
        return Err(ActionsError::Untrusted { file: path, writer });
    }
    let text = platform::decode_text(bytes).map_err(unreadable)?;
    Ok(file::read(path.display().to_string(), text)?)
}

/// Returns somebody who can change the file with the actions, but not the ini. Its actions aren't carried out then.
fn untrusted_writer(file: &Writers, ini: &Path) -> Option<Writer> {
    let folder = platform::writers_of(ini.parent().unwrap_or(Path::new("")));
    writer_without_ini(file, &platform::writers_of(ini), &folder, platform::privileges().user)
}

/// Returns why the actions of an ini aren't carried out, if that's because of who can change their file.
pub fn trust_error(ini: &Path) -> Option<ActionsError> {
    let file = companion::path_for(ini);
    let (_, writers) = platform::read_with_writers(&file, companion::MAX_LEN).ok()?;
    let writer = untrusted_writer(&writers, ini)?;
    Some(ActionsError::Untrusted { file, writer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::event::Event;

    #[test]
    fn a_file_that_cannot_be_used_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let (ini, file) = (folder.path().join("MicroSIP.ini"), folder.path().join("MicroSIP.hooks.toml"));
        std::fs::write(&ini, "").unwrap();
        let error = || read(&ini).unwrap_err().to_string();
        let path = file.display().to_string();
        assert!(error().starts_with(&format!("{path} couldn't be read: ")), "{}", error());
        std::fs::write(&file, b"\xFF\xFF").unwrap();
        assert!(error().contains("UTF-8"), "{}", error());
        std::fs::write(&file, "[[rign]]\nopen = 'h'").unwrap();
        assert!(error().starts_with(&format!("{path}:1:3: unknown event 'rign'")), "{}", error());
        std::fs::write(&file, "[[ring]]\nopen = 'h'").unwrap();
        assert_eq!(read(&ini).unwrap().of(Event::Ring).len(), 1);
    }

    #[test]
    fn a_file_is_read_again_for_the_next_event_and_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let mut cache = ActionsCache::default();
        assert!(cache.of(ini.to_str().unwrap()).is_err());
        std::fs::write(folder.path().join("MicroSIP.hooks.toml"), "").unwrap();
        assert!(cache.of(ini.to_str().unwrap()).is_err());
        assert!(cache.read(ini.to_str().unwrap()).is_ok());
        std::fs::write(folder.path().join("MicroSIP.hooks.toml"), "broken").unwrap();
        assert!(cache.of(ini.to_str().unwrap()).is_ok());
        let (at, _) = cache.read.values_mut().next().unwrap();
        *at = at.checked_sub(FRESH).unwrap();
        assert!(cache.of(ini.to_str().unwrap()).is_err());
    }
}

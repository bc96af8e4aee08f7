//! Puts the scripts of samples beside an ini.

use std::io;
use std::path::{Path, PathBuf};

use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::sample::Sample;
use crate::platform::{self, FileSystem};
use crate::request::{HookText, SetHook};

use super::Error;
use super::ini_file::Ini;

/// The hook of an event that runs a sample, wherever its script will lie.
pub(super) fn command(sample: &Sample, event: Event, ini: &Ini) -> Result<HookCommand, Error> {
    let script = sample.script_path(&ini.path);
    match platform::windows_paths(&ini.path).to_windows(&script) {
        Some(path) => Ok(sample.command(&path, event)),
        None => Err(Error::Sample { path: script, source: io::ErrorKind::Unsupported.into() }),
    }
}

/// What was put there for an edit, to be taken away again if that comes to nothing.
#[derive(Default)]
pub(super) struct Placed {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Placed {
    /// Puts the scripts of these hooks beside the ini. One that is there is its user's, and stays as it is.
    pub fn beside(ini: &Ini, sets: &[SetHook], fs: &dyn FileSystem) -> Result<Placed, Error> {
        let mut placed = Placed::default();
        for set in sets {
            let HookText::Sample(sample) = &set.what else { continue };
            let script = sample.script_path(&ini.path);
            if fs.exists(&script) {
                continue;
            }
            if let Err(source) = placed.put(&script, sample.script(), &ini.target, fs) {
                placed.take_away(fs);
                return Err(Error::Sample { path: script, source });
            }
        }
        Ok(placed)
    }

    fn put(&mut self, script: &Path, text: &str, ini: &Path, fs: &dyn FileSystem) -> io::Result<()> {
        let folder = script.parent().unwrap_or(script);
        let new = folder.ancestors().take_while(|folder| !fs.exists(folder));
        self.folders.extend(new.map(Path::to_path_buf));
        fs.create_folders(folder)?;
        let mut file = fs.create_temp(folder, "msipcfg-".as_ref(), ".tmp")?;
        fs.write(file.as_file_mut(), text.as_bytes())?;
        fs.adopt(Some(ini).filter(|ini| fs.exists(ini)), file.as_file(), file.path())?;
        if platform::download_mark(file.path()).is_some() {
            // an ini may have come from the internet; the script did not
            platform::remove_download_mark(file.path())?;
        }
        fs.sync(file.as_file())?;
        fs.persist_new(file.into_temp_path(), script)?;
        self.files.push(script.to_path_buf());
        Ok(())
    }

    /// Takes away what was put there.
    pub fn take_away(self, fs: &dyn FileSystem) {
        for file in self.files {
            let _ = fs.remove(&file);
        }
        // the innermost comes first; one that holds something else stays
        for folder in self.folders {
            let _ = fs.remove_folder(&folder);
        }
    }
}

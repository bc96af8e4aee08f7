//! Creates the scripts of the ready-made hooks next to an ini.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::sample::Sample;
use crate::platform::{self, FileSystem, FileSystemExt};
use crate::request::{HookText, SetHook};

use super::error::Error;
use super::ini::Ini;

/// Returns the error that the script of a ready-made hook couldn't be created.
fn not_created(script: &Path, error: &io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::Unsupported => "use an ini in a Wine prefix",
        _ => "check that you may write there, or use your own script",
    };
    let message = format!("{} couldn't be created: {error}", script.display());
    Diagnostic::new(Code::FileWrite, message).with_hint(hint).into()
}

/// Returns the hook that runs a sample. Its script needn't exist yet.
///
/// # Errors
/// MicroSIP can't see the folder of the ini.
pub fn command(sample: &Sample, event: Event, ini: &Ini) -> Result<HookCommand, Error> {
    let script = sample.script_path(&ini.path);
    match platform::windows_paths(&ini.path).to_windows(&script) {
        Some(path) => Ok(sample.command(&path, event)),
        None => Err(not_created(&script, &io::ErrorKind::Unsupported.into())),
    }
}

/// The files that were created for an edit; they are removed again if the edit fails.
#[derive(Default)]
pub struct Placed {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Placed {
    /// Creates the scripts of these hooks next to the ini. A script that exists is the user's and stays as it is.
    ///
    /// # Errors
    /// A script can't be created.
    pub fn next_to(ini: &Ini, sets: &[SetHook], fs: &dyn FileSystem) -> Result<Placed, Error> {
        let mut placed = Placed::default();
        for set in sets {
            let HookText::Sample(sample) = &set.what else { continue };
            let script = sample.script_path(&ini.path);
            if fs.exists(&script) {
                continue;
            }
            if let Err(error) = placed.put(&script, sample.script(), ini.file.to_open(), fs) {
                placed.remove(fs);
                return Err(not_created(&script, &error));
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
        let model = Some(ini).filter(|ini| fs.exists(ini));
        fs.copy_access(model, &mut file)?;
        fs.write(&mut file, text.as_bytes())?;
        fs.copy_attributes(None, &mut file)?;
        fs.sync(&file)?;
        fs.persist_new(file, script)?;
        self.files.push(script.to_path_buf());
        Ok(())
    }

    /// Removes what was created.
    pub fn remove(self, fs: &dyn FileSystem) {
        for file in self.files {
            let _ = fs.remove(&file);
        }
        // The innermost folder comes first; one that contains anything else stays.
        for folder in self.folders {
            let _ = fs.remove_folder(&folder);
        }
    }
}

//! The file next to an ini that remembers what was applied to it: the version of the desired state, and which passwords
//! were set. [`desired::passwords`](crate::desired::passwords) explains why passwords are remembered.

use serde::{Deserialize, Serialize};

use crate::desired::passwords::{PasswordHasher, PasswordMatch, PasswordStore};
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::lock::temp_name;
use crate::edit::transaction::NewContent;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::microsip::keys;
use crate::microsip::privacy::Guarded;
use crate::platform::{self, FilePath, FileSystem};

use super::ini::Ini;

/// What is remembered about an ini.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The version of the desired state that was applied last; empty if it had none.
    #[serde(rename = "state-version", skip_serializing_if = "String::is_empty")]
    pub state_version: String,
    /// The passwords that were set.
    pub passwords: PasswordStore,
}

/// A password in an ini.
pub struct Stored {
    /// The section.
    pub section: String,
    /// The desired password.
    pub wanted: Guarded,
    /// What the ini has.
    pub stored: Guarded,
    /// How the two compare.
    pub found: PasswordMatch,
}

/// Returns the password that MicroSIP reads in a section; empty if there is none.
pub fn text_of(document: &IniDocument, section: &str) -> Guarded {
    const KEY: &str = "password";
    let stored = lookup::value(document, section, KEY, keys::limit(section, KEY));
    Guarded::password(String::from_utf16_lossy(&stored.unwrap_or_default()))
}

/// Returns the path of the file.
pub fn path_for(ini: &Ini) -> FilePath {
    let mut name = ini.file.shown().file_name().unwrap_or_default().to_os_string();
    name.push(".msipcfg-state.json");
    ini.file.with_file_name(&name)
}

/// Returns what is remembered; nothing if that can't be read or is invalid, so that passwords are set again.
pub fn of(ini: &Ini, fs: &dyn FileSystem) -> Record {
    const MAX_LEN: u64 = 1024 * 1024;
    let path = path_for(ini);
    // A link or a pipe was put there by somebody else.
    match fs.link_metadata(path.to_open()) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_LEN => {
            let bytes = fs.read(path.to_open()).unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or_default()
        }
        _ => Record::default(),
    }
}

/// Remembers what was applied; returns warnings if that failed. Without a `state_version`, the old one stays.
pub fn note(
    passwords: &[Stored],
    state_version: Option<&str>,
    ini: &Ini,
    hashes: &PasswordHasher<'_>,
    fs: &dyn FileSystem,
) -> Vec<Diagnostic> {
    let before = of(ini, fs);
    let mut kept = before.clone();
    for Stored { section, wanted, stored, found } in passwords {
        kept.passwords.record(section, wanted, stored, *found, hashes);
    }
    if let Some(version) = state_version {
        kept.state_version = version.to_string();
    }
    store(&before, &kept, ini, fs)
}

/// What is remembered about an ini, updated during a write.
pub struct RecordTracker {
    before: Record,
    /// Updated by what the ini had.
    found: Record,
    /// Also updated by what the ini will have.
    left: Record,
}

impl RecordTracker {
    /// Returns `None` if nothing is remembered.
    pub fn of(ini: &Ini, fs: &dyn FileSystem) -> Option<RecordTracker> {
        let before = of(ini, fs);
        let is_any = before != Record::default();
        is_any.then(|| RecordTracker { found: before.clone(), left: before.clone(), before })
    }

    /// Observes which passwords the ini has, and what it will have if that changes. Each call starts anew.
    pub fn observe(
        &mut self,
        ini: &Ini,
        current: Option<&[u8]>,
        new: Option<&NewContent>,
        hashes: &PasswordHasher<'_>,
    ) {
        // What can't be decoded says nothing about passwords.
        let decoded = |bytes: Option<&[u8]>| ini.decode(bytes?.to_vec()).ok();
        if let Some(current) = decoded(current) {
            self.found.passwords.observe(|section| text_of(&current.document, section), hashes);
        }
        self.left.clone_from(&self.found);
        match new {
            // Nothing is left that was applied.
            Some(NewContent::Delete) => self.left = Record::default(),
            Some(NewContent::Write(bytes)) => {
                if let Some(new) = decoded(Some(bytes)) {
                    self.left.passwords.observe(|section| text_of(&new.document, section), hashes);
                }
            }
            None => {}
        }
    }

    /// Saves what is remembered; returns warnings if that failed.
    pub fn note(self, ini: &Ini, fs: &dyn FileSystem) -> Vec<Diagnostic> {
        // Another run has written in the meantime and knows better.
        if of(ini, fs) != self.before {
            return Vec::new();
        }
        store(&self.before, &self.left, ini, fs)
    }
}

fn store(before: &Record, kept: &Record, ini: &Ini, fs: &dyn FileSystem) -> Vec<Diagnostic> {
    if before == kept {
        return Vec::new();
    }
    let path = path_for(ini);
    let (prefix, suffix) = temp_name(ini.file.to_open());
    let result = if *kept == Record::default() {
        fs.remove(path.to_open())
    } else {
        let json = serde_json::to_string(kept).unwrap_or_default();
        // The record gets the owner and access rights of the ini.
        platform::write_atomically(
            fs,
            path.to_open(),
            json.as_bytes(),
            Some(ini.file.to_open()),
            (&prefix, suffix),
        )
    };
    let Err(error) = result else { return Vec::new() };
    let file = path.shown().display();
    let passwords = (before.passwords != kept.passwords).then(|| {
        let message = format!(
            "{file} couldn't be written: {error}; 'check' may not notice changed passwords, and 'apply' may set them \
             again"
        );
        Diagnostic::new(Code::PasswordUnnoted, message)
    });
    let version = (before.state_version != kept.state_version).then(|| {
        let message = format!(
            "{file} couldn't be written: {error}; 'check' and 'detect' will report another state-version"
        );
        Diagnostic::new(Code::StateVersionUnnoted, message)
            .with_hint("check that you may write to that folder, then run the command again")
    });
    passwords.into_iter().chain(version).collect()
}

/// Returns sixteen random bytes.
pub fn new_salt() -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok()?;
    Some(salt)
}

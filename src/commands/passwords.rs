//! The file next to an ini that remembers which passwords were set; [`desired::passwords`](crate::desired::passwords)
//! explains why.

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
pub fn store_path(ini: &Ini) -> FilePath {
    let mut name = ini.file.shown().file_name().unwrap_or_default().to_os_string();
    name.push(".msipcfg-passwords.json");
    ini.file.with_file_name(&name)
}

/// Returns what is remembered; nothing if that can't be read, so that passwords are set again.
pub fn stored_of(ini: &Ini, fs: &dyn FileSystem) -> PasswordStore {
    const MAX_LEN: u64 = 1024 * 1024;
    let path = store_path(ini);
    // A link or a pipe was put there by somebody else.
    match fs.link_metadata(path.to_open()) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_LEN => {
            PasswordStore::parse(&fs.read(path.to_open()).unwrap_or_default())
        }
        _ => PasswordStore::default(),
    }
}

/// Remembers what was set; returns a warning if that failed.
pub fn note(
    passwords: &[Stored],
    ini: &Ini,
    hashes: &PasswordHasher<'_>,
    fs: &dyn FileSystem,
) -> Option<Diagnostic> {
    let before = stored_of(ini, fs);
    let mut kept = before.clone();
    for Stored { section, wanted, stored, found } in passwords {
        kept.record(section, wanted, stored, *found, hashes);
    }
    store(&before, &kept, ini, fs)
}

/// What is remembered about the passwords of an ini, updated during a write.
pub struct PasswordTracker {
    before: PasswordStore,
    /// Updated by what the ini had.
    found: PasswordStore,
    /// Also updated by what the ini will have.
    left: PasswordStore,
}

impl PasswordTracker {
    /// Returns `None` if nothing is remembered.
    pub fn of(ini: &Ini, fs: &dyn FileSystem) -> Option<PasswordTracker> {
        let before = stored_of(ini, fs);
        let is_any = before != PasswordStore::default();
        is_any.then(|| PasswordTracker { found: before.clone(), left: before.clone(), before })
    }

    /// Observes what the ini has, and what it will have if that changes. Each call starts anew.
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
            self.found.observe(|section| text_of(&current.document, section), hashes);
        }
        self.left.clone_from(&self.found);
        match new {
            // No password is left.
            Some(NewContent::Delete) => self.left = PasswordStore::default(),
            Some(NewContent::Write(bytes)) => {
                if let Some(new) = decoded(Some(bytes)) {
                    self.left.observe(|section| text_of(&new.document, section), hashes);
                }
            }
            None => {}
        }
    }

    /// Saves what is remembered; returns a warning if that failed.
    pub fn note(self, ini: &Ini, fs: &dyn FileSystem) -> Option<Diagnostic> {
        // Another run has written in the meantime and knows better.
        if stored_of(ini, fs) != self.before {
            return None;
        }
        store(&self.before, &self.left, ini, fs)
    }
}

fn store(before: &PasswordStore, kept: &PasswordStore, ini: &Ini, fs: &dyn FileSystem) -> Option<Diagnostic> {
    if before == kept {
        return None;
    }
    let path = store_path(ini);
    let (prefix, suffix) = temp_name(ini.file.to_open());
    let result = if *kept == PasswordStore::default() {
        fs.remove(path.to_open())
    } else {
        // The store gets the owner and access rights of the ini.
        platform::write_atomically(
            fs,
            path.to_open(),
            kept.to_json().as_bytes(),
            Some(ini.file.to_open()),
            (&prefix, suffix),
        )
    };
    result.err().map(|error| {
        let message = format!(
            "{} couldn't be written: {error}; 'check' may not notice changed passwords, and 'apply' may set them again",
            path.shown().display()
        );
        Diagnostic::new(Code::PasswordUnnoted, message)
    })
}

/// Returns sixteen random bytes.
pub fn new_salt() -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok()?;
    Some(salt)
}

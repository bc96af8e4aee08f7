//! The file beside an ini in which it is kept what was set as passwords; `desired::passwords` knows what that means.

use std::io;
use std::path::{Path, PathBuf};

use crate::desired::passwords::{PasswordHasher, PasswordMatch, PasswordStore};
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::lock::temp_name;
use crate::edit::transaction::New;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::microsip::keys;
use crate::microsip::privacy::Guarded;
use crate::platform::{self, FileSystem};

use super::ini_file::Ini;

/// A password in an ini.
pub(super) struct Stored {
    /// Its section.
    pub section: String,
    /// What it is to be.
    pub wanted: Guarded,
    /// What is there.
    pub stored: Guarded,
    /// How the two compare.
    pub found: PasswordMatch,
}

/// What MicroSIP reads as the password of a section; an empty one is none.
pub(super) fn text_of(document: &IniDocument, section: &str) -> Guarded {
    const KEY: &str = "password";
    let stored = lookup::value(document, section, KEY, keys::limit(section, KEY));
    Guarded::password(String::from_utf16_lossy(&stored.unwrap_or_default()))
}

fn kept_path(ini: &Path) -> PathBuf {
    let mut name = ini.file_name().unwrap_or_default().to_os_string();
    name.push(".msipcfg-passwords.json");
    ini.with_file_name(name)
}

/// What was kept; nothing where that cannot be read, and passwords are then set again.
pub(super) fn kept_of(ini: &Ini, fs: &dyn FileSystem) -> PasswordStore {
    const LARGEST: u64 = 1024 * 1024;
    let path = kept_path(&ini.reached);
    // a link or a pipe was put there by somebody else
    match fs.link_metadata(&path) {
        Ok(metadata) if metadata.is_file() && metadata.len <= LARGEST => {
            PasswordStore::parse(&fs.read(&path).unwrap_or_default())
        }
        _ => PasswordStore::default(),
    }
}

/// Notes what was set. A remark says that it could not be noted.
pub(super) fn note(
    passwords: &[Stored],
    ini: &Ini,
    hashes: &PasswordHasher<'_>,
    fs: &dyn FileSystem,
) -> Option<Diagnostic> {
    let before = kept_of(ini, fs);
    let mut kept = before.clone();
    for Stored { section, wanted, stored, found } in passwords {
        kept.record(section, wanted, stored, *found, hashes);
    }
    keep(&before, &kept, ini, fs)
}

/// What is kept of the passwords of an ini, followed through a write.
pub(super) struct Followed {
    before: PasswordStore,
    /// After what was found in the ini.
    found: PasswordStore,
    /// After what is left there too.
    left: PasswordStore,
}

impl Followed {
    /// `None` if nothing is kept, which takes one look at the disk.
    pub fn of(ini: &Ini, fs: &dyn FileSystem) -> Option<Followed> {
        let before = kept_of(ini, fs);
        let is_any = before != PasswordStore::default();
        is_any.then(|| Followed { found: before.clone(), left: before.clone(), before })
    }

    /// Sees what stands in the ini, and what is to stand there if that is another text. Each time it is worked out anew.
    pub fn see(&mut self, ini: &Ini, current: Option<&[u8]>, new: Option<&New>) {
        let hashes = PasswordHasher::new(&new_salt);
        // what cannot be read says nothing of passwords
        let decoded = |bytes: Option<&[u8]>| ini.decode(bytes?.to_vec()).ok();
        if let Some(current) = decoded(current) {
            self.found.observe(|section| text_of(&current.document, section), &hashes);
        }
        self.left.clone_from(&self.found);
        match new {
            // nobody's password is left
            Some(New::Gone) => self.left = PasswordStore::default(),
            Some(New::Text(bytes)) => {
                if let Some(new) = decoded(Some(bytes)) {
                    self.left.observe(|section| text_of(&new.document, section), &hashes);
                }
            }
            None => {}
        }
    }

    /// Notes it. A remark says that it could not be noted.
    pub fn note(self, ini: &Ini, fs: &dyn FileSystem) -> Option<Diagnostic> {
        // another run that wrote while this one waited knows better
        if kept_of(ini, fs) != self.before {
            return None;
        }
        keep(&self.before, &self.left, ini, fs)
    }
}

fn keep(before: &PasswordStore, kept: &PasswordStore, ini: &Ini, fs: &dyn FileSystem) -> Option<Diagnostic> {
    if before == kept {
        return None;
    }
    let path = kept_path(&ini.reached);
    let (prefix, suffix) = temp_name(&ini.reached);
    let result = match *kept == PasswordStore::default() {
        true => fs.remove(&path),
        // with the owner and access of the ini
        false => platform::write_atomically(
            fs,
            &path,
            kept.to_json().as_bytes(),
            Some(&ini.reached),
            (&prefix, suffix),
        ),
    };
    result.err().map(|source| Diagnostic::from(&NoteWarning { path: ini.known_as(&path), source }))
}

/// Sixteen random bytes.
pub(super) fn new_salt() -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).ok()?;
    Some(salt)
}

/// The remark that what is known of passwords is not up to date.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path} could not be written: {source}; 'check' may not tell who changed a password since, and 'apply' may set it again"
)]
struct NoteWarning {
    path: PathBuf,
    source: io::Error,
}

impl ToDiagnostic for NoteWarning {
    fn code(&self) -> Code {
        Code::PasswordUnnoted
    }
}

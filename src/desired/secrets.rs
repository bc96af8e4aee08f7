//! Whether a password is still the one that was set. MicroSIP encrypts it at its next start, and nobody else can make or
//! read that form: so a slow hash of what was set is kept beside the ini, and a fingerprint of what MicroSIP made of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use argon2::Argon2;
use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Serialize};

use crate::ini::wide;
use crate::microsip::values;

type Salt = [u8; 16];
type Hash = [u8; 32];

/// What is kept of the passwords of an ini.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// By section.
    passwords: BTreeMap<String, Password>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Password {
    salt: Salt,
    /// Of what was set.
    hash: Hash,
    /// Of the text that MicroSIP made of it, once a command that writes has seen that.
    stored: Option<String>,
}

/// How a stored password stands to the wanted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the wanted one, in clear.
    Plain,
    /// It is what MicroSIP made of the wanted one.
    Confirmed,
    /// It was changed once since the wanted one was set, to what may be its encryption.
    Unconfirmed,
    /// It is another, or nobody knows.
    Other,
}

/// A hash that is made by the first who asks.
type SharedHash = Arc<OnceLock<Option<Hash>>>;

/// Makes slow hashes, each once in a run.
pub struct Hashes<'a> {
    made: Mutex<HashMap<(Salt, String), SharedHash>>,
    /// One salt for each password that is set in this run.
    salts: Mutex<HashMap<String, Salt>>,
    new_salt: &'a (dyn Fn() -> Option<Salt> + Sync),
}

impl<'a> Hashes<'a> {
    /// None made yet.
    pub fn new(new_salt: &'a (dyn Fn() -> Option<Salt> + Sync)) -> Self {
        Hashes { made: Mutex::default(), salts: Mutex::default(), new_salt }
    }

    fn of(&self, salt: Salt, password: &str) -> Option<Hash> {
        let hash = Arc::clone(locked(&self.made).entry((salt, password.to_string())).or_default());
        // others may make other hashes meanwhile, and wait for this one
        *hash.get_or_init(|| {
            let mut hash = [0; 32];
            Argon2::default().hash_password_into(password.as_bytes(), &salt, &mut hash).ok()?;
            Some(hash)
        })
    }

    fn of_new(&self, password: &str) -> Option<(Salt, Hash)> {
        let salt = {
            let mut salts = locked(&self.salts);
            let salt = salts.get(password).copied().or_else(self.new_salt)?;
            salts.insert(password.to_string(), salt);
            salt
        };
        Some((salt, self.of(salt, password)?))
    }
}

/// What a lock holds is whole also where somebody panicked who held it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    /// What stands in a file. Rubbish is nothing: passwords are then set again.
    pub fn parse(bytes: &[u8]) -> Kept {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// How what is stored in a section stands to the wanted password.
    pub fn standing(&self, section: &str, wanted: &str, stored: &str, hashes: &Hashes<'_>) -> Standing {
        if stored == wanted {
            return Standing::Plain;
        }
        let kept = self.passwords.get(section);
        let is_set = |kept: &&Password| hashes.of(kept.salt, wanted) == Some(kept.hash);
        // the slow question comes last
        match kept {
            Some(Password { stored: Some(known), .. }) if *known != fingerprint(stored) => Standing::Other,
            Some(Password { stored: None, .. }) if !may_be_encryption(wanted, stored) => Standing::Other,
            Some(_) => match kept.filter(is_set) {
                Some(Password { stored: Some(_), .. }) => Standing::Confirmed,
                Some(Password { stored: None, .. }) => Standing::Unconfirmed,
                None => Standing::Other,
            },
            None => Standing::Other,
        }
    }

    /// Notes what is stored once a run that writes is through: the wanted password was set, or what MicroSIP made of it
    /// was seen.
    pub fn note(
        &mut self,
        section: &str,
        wanted: &str,
        stored: &str,
        standing: Standing,
        hashes: &Hashes<'_>,
    ) {
        let kept = self.passwords.get_mut(section);
        match (standing, kept) {
            (Standing::Confirmed, _) => {}
            (Standing::Unconfirmed, Some(kept)) => kept.stored = Some(fingerprint(stored)),
            (Standing::Plain, Some(kept))
                if kept.stored.is_none() && hashes.of(kept.salt, wanted) == Some(kept.hash) => {}
            _ => match hashes.of_new(wanted) {
                Some((salt, hash)) => {
                    self.passwords.insert(section.to_string(), Password { salt, hash, stored: None });
                }
                None => {
                    self.passwords.remove(section);
                }
            },
        }
    }
}

fn may_be_encryption(wanted: &str, stored: &str) -> bool {
    let stored = wide(stored);
    values::is_encrypted(&stored) && stored.len() == values::encrypted_length(wide(wanted).len())
}

fn fingerprint(stored: &str) -> String {
    let digest = Blake2b512::digest(stored.as_bytes());
    digest.iter().take(32).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &(dyn Fn() -> Option<Salt> + Sync) = &|| Some([7; 16]);

    #[test]
    fn a_password_is_followed_through_its_encryption() {
        let hashes = Hashes::new(SALT);
        let (section, wanted) = ("Account1", "secret");
        let encrypted = "0123456789abcdef".repeat(3);
        let mut kept = Kept::default();
        let standing = |kept: &Kept, stored: &str| kept.standing(section, wanted, stored, &hashes);
        // what nobody has set is another
        assert_eq!(standing(&kept, &encrypted), Standing::Other);
        kept.note(section, wanted, "old", Standing::Other, &hashes);
        assert_eq!(standing(&kept, wanted), Standing::Plain);
        assert_eq!(standing(&kept, &encrypted), Standing::Unconfirmed);
        // of another length, or no hex digits
        assert_eq!(standing(&kept, &encrypted[16..]), Standing::Other);
        assert_eq!(standing(&kept, &encrypted.replace('0', "x")), Standing::Other);
        // the hash of another
        assert_eq!(kept.standing(section, "Secret", &encrypted, &hashes), Standing::Other);
        kept.note(section, wanted, &encrypted, Standing::Unconfirmed, &hashes);
        let kept = Kept::parse(kept.text().as_bytes());
        assert_eq!(standing(&kept, &encrypted), Standing::Confirmed);
        // another of that length: the user has set it
        assert_eq!(standing(&kept, &encrypted.replace('0', "1")), Standing::Other);
        assert!(!kept.text().contains(wanted) && !kept.text().contains(&encrypted));
    }

    #[test]
    fn a_password_that_is_set_again_is_followed_anew() {
        let hashes = Hashes::new(SALT);
        let encrypted = "0123456789abcdef".repeat(3);
        let mut kept = Kept::default();
        kept.note("Account1", "secret", "", Standing::Other, &hashes);
        kept.note("Account1", "secret", &encrypted, Standing::Unconfirmed, &hashes);
        kept.note("Account1", "secret", "users", Standing::Other, &hashes);
        let other = encrypted.replace('0', "1");
        assert_eq!(kept.standing("Account1", "secret", &other, &hashes), Standing::Unconfirmed);
    }

    #[test]
    fn accounts_with_the_same_password_share_a_hash() {
        let next = std::sync::atomic::AtomicU8::new(0);
        let another = || Some([next.fetch_add(1, std::sync::atomic::Ordering::Relaxed); 16]);
        let hashes = Hashes::new(&another);
        let (mut one, mut other) = (Kept::default(), Kept::default());
        for section in ["Account1", "Account2"] {
            one.note(section, "secret", "", Standing::Other, &hashes);
            other.note(section, "secret", "", Standing::Other, &hashes);
        }
        assert_eq!(one, other);
        assert_eq!(locked(&hashes.made).len(), 1);
    }

    #[test]
    fn rubbish_is_nothing() {
        for text in ["", "[]", "{\"passwords\":{\"Account1\":{\"salt\":[1]}}}"] {
            assert_eq!(Kept::parse(text.as_bytes()), Kept::default());
        }
    }
}

//! Shows whether a password was changed after it was set.
//!
//! MicroSIP encrypts a password at its next start, in a form that only MicroSIP can make and read. So a slow hash of
//! what was set is kept next to the ini, together with a fingerprint of what MicroSIP made of it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use argon2::{Argon2, Block, Params};
use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::ini::{Wide, wide};
use crate::microsip::privacy::{Guarded, Viewer};
use crate::microsip::values;

type Salt = [u8; 16];
type Hash = [u8; 32];

/// What is remembered about the passwords of an ini.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordStore {
    /// By section.
    passwords: BTreeMap<String, Remembered>,
}

/// One password that was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    salt: Salt,
    /// The hash of the password as it was set.
    hash: Hash,
    /// The number of hex digits in its encrypted form. The ini shows the same number once MicroSIP has encrypted it.
    encrypted_length: usize,
    /// The fingerprint of the encrypted form, once a command that writes has seen it.
    stored: Option<String>,
}

/// How the stored password compares with the wanted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordMatch {
    /// The wanted password, not yet encrypted.
    Plain,
    /// What MicroSIP made of the wanted password.
    Confirmed,
    /// Changed once since the wanted password was set, to something that can be its encrypted form.
    Unconfirmed,
    /// A different password, or one that can't be compared.
    Other,
}

/// A hash that is computed by the first thread that needs it.
type SharedHash = Arc<OnceLock<Option<Hash>>>;

/// Computes slow hashes, each of them once per run.
pub struct PasswordHasher<'a> {
    computed: Mutex<HashMap<(Salt, Guarded), SharedHash>>,
    /// One salt for each password that is set in this run.
    salts: Mutex<HashMap<Guarded, Salt>>,
    new_salt: &'a (dyn Fn() -> Option<Salt> + Sync),
    /// How many hashes may be computed at once. Counting the cores opens files, so it waits until a hash is needed.
    slots: OnceLock<Budget>,
    /// The memory of finished hashes, for the next ones: allocators keep several blocks of this size per thread.
    memory: Mutex<Vec<Vec<Block>>>,
}

impl<'a> PasswordHasher<'a> {
    /// Creates a hasher that has computed nothing yet.
    pub fn new(new_salt: &'a (dyn Fn() -> Option<Salt> + Sync)) -> Self {
        let (computed, salts, slots, memory) = Default::default();
        PasswordHasher { computed, salts, new_salt, slots, memory }
    }

    fn hash(&self, salt: Salt, password: &Guarded) -> Option<Hash> {
        // the lock is released before the slow part, so that other threads can compute other hashes
        let shared = Arc::clone(locked(&self.computed).entry((salt, password.clone())).or_default());
        *shared.get_or_init(|| {
            let _permit = self.slots.get_or_init(slots).acquire(1);
            let mut hash = [0; 32];
            let bytes = password.reveal(Viewer::Program).as_bytes();
            let finished = locked(&self.memory).pop();
            let mut memory =
                finished.unwrap_or_else(|| vec![Block::default(); Params::DEFAULT.block_count()]);
            let result =
                Argon2::default().hash_password_into_with_memory(bytes, &salt, &mut hash, &mut memory[..]);
            locked(&self.memory).push(memory);
            result.ok().map(|()| hash)
        })
    }

    /// Takes the remembered hash for that of a password, without computing it.
    fn assume(&self, remembered: &Remembered, password: &Guarded) {
        let shared =
            Arc::clone(locked(&self.computed).entry((remembered.salt, password.clone())).or_default());
        shared.get_or_init(|| Some(remembered.hash));
    }

    fn hash_with_new_salt(&self, password: &Guarded) -> Option<(Salt, Hash)> {
        let salt = {
            let mut salts = locked(&self.salts);
            let salt = salts.get(password).copied().or_else(self.new_salt)?;
            salts.insert(password.clone(), salt);
            salt
        };
        Some((salt, self.hash(salt, password)?))
    }
}

/// Returns how many hashes may be computed at once: each takes 19 MiB and a core.
fn slots() -> Budget {
    const MAX_HASHES: usize = 4;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Budget::new(cores.min(MAX_HASHES) as u64)
}

/// Locks a mutex whose content is valid even if a thread panicked while it held the lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PasswordStore {
    /// Compares the password that is stored in a section with the wanted one.
    pub fn compare(
        &self,
        section: &str,
        wanted: &Guarded,
        stored: &Guarded,
        hasher: &PasswordHasher<'_>,
    ) -> PasswordMatch {
        let remembered = self.passwords.get(section);
        if stored == wanted {
            // Not hashed: that would take minutes for thousands of users. Only a password that was set without
            // msipcfg could differ from the remembered one, and would then be set again.
            if let Some(remembered) = remembered {
                hasher.assume(remembered, wanted);
            }
            return PasswordMatch::Plain;
        }
        let Some(remembered) = remembered else { return PasswordMatch::Other };
        let (is_possible, result) = match &remembered.stored {
            Some(known) => (*known == fingerprint(stored), PasswordMatch::Confirmed),
            None => (remembered.can_become(stored), PasswordMatch::Unconfirmed),
        };
        // hashing is slow, so it comes last
        if is_possible && remembered.was_set_to(wanted, hasher) { result } else { PasswordMatch::Other }
    }

    /// Updates the store with the passwords that are now in the ini, in a run that writes. `stored` returns the
    /// password of a section. The encrypted form of a password is recorded, so that every later change is noticed; a
    /// password that somebody set in clear text is forgotten.
    pub fn observe(&mut self, stored: impl Fn(&str) -> Guarded, hasher: &PasswordHasher<'_>) {
        self.passwords.retain(|section, remembered| remembered.observe(&stored(section), hasher));
    }

    /// Records a password after a run that writes: either the wanted password was set, or its encrypted form was seen.
    pub fn record(
        &mut self,
        section: &str,
        wanted: &Guarded,
        stored: &Guarded,
        found: PasswordMatch,
        hasher: &PasswordHasher<'_>,
    ) {
        let remembered = self.passwords.get_mut(section);
        match (found, remembered) {
            (PasswordMatch::Confirmed, _) => return,
            (PasswordMatch::Unconfirmed, Some(remembered)) => {
                remembered.stored = Some(fingerprint(stored));
                return;
            }
            (PasswordMatch::Plain, Some(remembered)) if remembered.stored.is_none() => return,
            _ => {}
        }
        let Some((salt, hash)) = hasher.hash_with_new_salt(wanted) else {
            self.passwords.remove(section);
            return;
        };
        let encrypted_length = values::encrypted_length(to_wide(wanted).len());
        self.passwords.insert(section.to_string(), Remembered { salt, hash, encrypted_length, stored: None });
    }
}

impl Remembered {
    fn was_set_to(&self, password: &Guarded, hasher: &PasswordHasher<'_>) -> bool {
        hasher.hash(self.salt, password) == Some(self.hash)
    }

    /// Returns whether this can be the encrypted form of the password.
    fn can_become(&self, stored: &Guarded) -> bool {
        let stored = to_wide(stored);
        values::is_encrypted(&stored) && stored.len() == self.encrypted_length
    }

    /// Updates this with the password that is now in the ini. Returns whether it is still worth remembering.
    fn observe(&mut self, stored: &Guarded, hasher: &PasswordHasher<'_>) -> bool {
        if stored.is_empty() {
            // the account or its password was removed
            return false;
        }
        match &self.stored {
            None if self.can_become(stored) => {
                self.stored = Some(fingerprint(stored));
                true
            }
            // the encrypted form of a different password can have the same length, so that one isn't followed
            None => self.was_set_to(stored, hasher),
            Some(known) => {
                let has_changed = *known != fingerprint(stored);
                if has_changed && !values::is_encrypted(&to_wide(stored)) && self.was_set_to(stored, hasher) {
                    self.stored = None;
                }
                true
            }
        }
    }
}

fn to_wide(password: &Guarded) -> Wide {
    wide(password.reveal(Viewer::Program))
}

fn fingerprint(stored: &Guarded) -> String {
    let digest = Blake2b512::digest(stored.reveal(Viewer::Program).as_bytes());
    digest.iter().take(32).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &(dyn Fn() -> Option<Salt> + Sync) = &|| Some([7; 16]);
    const SECTION: &str = "Account1";

    fn secret() -> Guarded {
        Guarded::password("secret")
    }

    fn encrypted() -> String {
        "0123456789abcdef".repeat(3)
    }

    fn compare(store: &PasswordStore, stored: &str) -> PasswordMatch {
        store.compare(SECTION, &secret(), &Guarded::password(stored), &PasswordHasher::new(SALT))
    }

    fn record(store: &mut PasswordStore, stored: &str, found: PasswordMatch) {
        store.record(SECTION, &secret(), &Guarded::password(stored), found, &PasswordHasher::new(SALT));
    }

    #[test]
    fn password_is_followed_through_its_encryption() {
        let encrypted = encrypted();
        let mut store = PasswordStore::default();
        assert_eq!(compare(&store, &encrypted), PasswordMatch::Other, "nobody set it");
        record(&mut store, "old", PasswordMatch::Other);
        assert_eq!(compare(&store, "secret"), PasswordMatch::Plain);
        assert_eq!(compare(&store, &encrypted), PasswordMatch::Unconfirmed);
        assert_eq!(compare(&store, &encrypted[16..]), PasswordMatch::Other, "different length");
        assert_eq!(compare(&store, &encrypted.replace('0', "x")), PasswordMatch::Other, "not hex digits");
        let stored = Guarded::password(encrypted.as_str());
        let other = store.compare(SECTION, &Guarded::password("Secret"), &stored, &PasswordHasher::new(SALT));
        assert_eq!(other, PasswordMatch::Other, "hash of a different password");
        record(&mut store, &encrypted, PasswordMatch::Unconfirmed);
        let json = serde_json::to_string(&store).unwrap();
        let store: PasswordStore = serde_json::from_str(&json).unwrap();
        assert_eq!(compare(&store, &encrypted), PasswordMatch::Confirmed);
        assert_eq!(
            compare(&store, &encrypted.replace('0', "1")),
            PasswordMatch::Other,
            "the user changed it"
        );
        assert!(!json.contains("secret") && !json.contains(&encrypted));
    }

    #[test]
    fn password_that_is_set_again_is_followed_again() {
        let encrypted = encrypted();
        let mut store = PasswordStore::default();
        record(&mut store, "", PasswordMatch::Other);
        record(&mut store, &encrypted, PasswordMatch::Unconfirmed);
        record(&mut store, "users", PasswordMatch::Other);
        assert_eq!(compare(&store, &encrypted.replace('0', "1")), PasswordMatch::Unconfirmed);
    }

    #[test]
    fn every_write_updates_the_store() {
        let encrypted = encrypted();
        let other = encrypted.replace('0', "1");
        let after = |seen: &[&str]| {
            let mut store = PasswordStore::default();
            record(&mut store, "", PasswordMatch::Other);
            for stored in seen {
                store.observe(|_| Guarded::password(*stored), &PasswordHasher::new(SALT));
            }
            store
        };
        // still in clear text
        assert_eq!(compare(&after(&["secret"]), &encrypted), PasswordMatch::Unconfirmed);
        // encrypted, so that any further text is a different password
        assert_eq!(compare(&after(&["secret", &encrypted]), &encrypted), PasswordMatch::Confirmed);
        assert_eq!(compare(&after(&["secret", &encrypted]), &other), PasswordMatch::Other);
        assert_eq!(compare(&after(&[&encrypted, &other]), &encrypted), PasswordMatch::Confirmed);
        // a different password of the same encrypted length, or none, was set in clear text
        for another in ["Secret", "", &encrypted[16..]] {
            assert_eq!(compare(&after(&[another]), &encrypted), PasswordMatch::Other, "{another}");
        }
        assert_eq!(after(&[""]), PasswordStore::default());
        assert_eq!(compare(&after(&[&encrypted, "Secret"]), &other), PasswordMatch::Other);
        // a backup was restored that contains the password in clear text
        assert_eq!(compare(&after(&[&encrypted, "secret"]), &other), PasswordMatch::Unconfirmed);
    }

    #[test]
    fn accounts_with_the_same_password_share_a_hash() {
        let next = std::sync::atomic::AtomicU8::new(0);
        let another = || Some([next.fetch_add(1, std::sync::atomic::Ordering::Relaxed); 16]);
        let hasher = PasswordHasher::new(&another);
        let (mut one, mut other) = (PasswordStore::default(), PasswordStore::default());
        for section in ["Account1", "Account2"] {
            for store in [&mut one, &mut other] {
                store.record(section, &secret(), &Guarded::password(""), PasswordMatch::Other, &hasher);
            }
        }
        assert_eq!(one, other);
        assert_eq!(locked(&hasher.computed).len(), 1);
    }

    #[test]
    fn password_that_already_matches_in_clear_text_is_not_hashed() {
        let mut store = PasswordStore::default();
        record(&mut store, "", PasswordMatch::Other);
        let hasher = PasswordHasher::new(SALT);
        let found = store.compare(SECTION, &secret(), &secret(), &hasher);
        store.observe(|_| secret(), &hasher);
        store.record(SECTION, &secret(), &secret(), found, &hasher);
        assert!(locked(&hasher.memory).is_empty(), "a hash was computed");
        assert_eq!(compare(&store, &encrypted()), PasswordMatch::Unconfirmed);
        store.observe(|_| Guarded::password("Secret"), &hasher);
        assert_eq!(locked(&hasher.memory).len(), 1);
    }
}

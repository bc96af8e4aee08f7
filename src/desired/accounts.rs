//! The accounts of a desired state, and the edits that bring them into an ini.

use super::schema::{AccountsMode, account_keys};
use crate::edit::plan::Edit;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::{KeyName, KeyPath, NameError, SectionName, ValueText};
use crate::microsip::accounts::{self, LOCAL};
use crate::microsip::keys::Kind;
use crate::microsip::values::Saved;

/// The wanted accounts.
pub(super) struct WantedAccounts {
    pub mode: AccountsMode,
    /// The accounts in their order.
    pub wanted: Vec<WantedAccount>,
}

/// A wanted account: its keys with their values; `None` to remove a key.
#[derive(Default)]
pub(super) struct WantedAccount(Vec<(KeyName, Option<Saved>)>);

impl WantedAccount {
    pub fn set(&mut self, key: KeyName, saved: Option<Saved>) {
        self.0.push((key, saved));
    }

    /// Returns the value of a key that the account names; a key to remove is empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        let (_, saved) = self.0.iter().find(|(key, _)| key.as_str().eq_ignore_ascii_case(name))?;
        Some(saved.as_ref().map_or("", |saved| &saved.value))
    }

    pub fn names(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Returns whether both are the same user at the same server. An account without a user name matches any user.
    fn is_same(&self, other: &accounts::Account) -> bool {
        let is_equal =
            |name: &str, there: &str| self.value(name).is_none_or(|value| value.eq_ignore_ascii_case(there));
        is_equal("domain", &other.domain) && is_equal("username", &other.username)
    }
}

impl WantedAccounts {
    /// Returns the edits of the accounts of an ini, and of the selected account unless `is_selected` says that the
    /// state selects one itself.
    pub fn edits(&self, document: &IniDocument, is_selected: bool) -> Result<Vec<Edit>, NameError> {
        let present = accounts::all(document);
        let numbers = match self.mode {
            AccountsMode::Exact => (1..).take(self.wanted.len()).collect(),
            AccountsMode::Ensure => self.numbers_among(&present),
        };
        let mut edits = Vec::new();
        for (account, number) in self.wanted.iter().zip(&numbers) {
            let is_same = present.iter().any(|other| other.number == *number && account.is_same(other));
            let section = SectionName::new(&format!("Account{number}"))?;
            edits.extend(account.0.iter().map(|(key, saved)| {
                edit(KeyPath { section: section.clone(), key: key.clone() }, saved.as_ref())
            }));
            if self.mode == AccountsMode::Exact || !is_same {
                edits.extend(reset_others(account, section.as_str(), is_same, document)?);
            }
        }
        if self.mode == AccountsMode::Exact {
            let is_wanted = |number: u32| number == LOCAL || numbers.contains(&number);
            for other in present.iter().filter(|other| !is_wanted(other.number)) {
                edits.extend(remove_all(&format!("Account{}", other.number), document)?);
            }
        }
        if !is_selected {
            edits.extend(self.selection(document, &present, &numbers)?);
        }
        Ok(edits)
    }

    /// Returns the numbers that the wanted accounts have, or get: new accounts get the first free ones.
    pub fn numbers_among(&self, present: &[accounts::Account]) -> Vec<u32> {
        let mut taken: Vec<u32> = Vec::new();
        for account in &self.wanted {
            let is_free = |number: u32| number != LOCAL && !taken.contains(&number);
            let same = present.iter().find(|other| is_free(other.number) && account.is_same(other));
            let number = match same {
                Some(other) => Some(other.number),
                None => (1..).find(|number| is_free(*number) && !is_account(*number, present)),
            };
            taken.extend(number);
        }
        taken
    }

    /// Returns the edit that selects an account. The selected account stays if it is wanted or may stay.
    fn selection(
        &self,
        document: &IniDocument,
        present: &[accounts::Account],
        numbers: &[u32],
    ) -> Result<Option<Edit>, NameError> {
        let may_stay = |number: u32| match self.mode {
            AccountsMode::Exact => numbers.contains(&number),
            AccountsMode::Ensure => {
                number != LOCAL && (numbers.contains(&number) || is_account(number, present))
            }
        };
        if accounts::selected(document).is_some_and(may_stay) {
            return Ok(None);
        }
        // MicroSIP saves 0 for no account; with an empty value it would delete settings
        select_account(numbers.first().copied().unwrap_or(LOCAL)).map(Some)
    }
}

/// Returns whether this number is an account. MicroSIP ignores one without a domain.
fn is_account(number: u32, present: &[accounts::Account]) -> bool {
    present.iter().any(|other| other.number == number && !other.domain.is_empty())
}

pub(super) fn edit(path: KeyPath, saved: Option<&Saved>) -> Edit {
    match saved {
        Some(saved) => Edit::Set { path, value: saved.value.clone(), text: saved.text.clone() },
        None => Edit::Unset { path },
    }
}

pub(super) fn selects_account(edit: &Edit) -> bool {
    edit.path().key.as_str().eq_ignore_ascii_case("accountId")
}

pub(super) fn select_account(number: u32) -> Result<Edit, NameError> {
    let value = number.to_string();
    let text = ValueText::new(&value)?;
    Ok(Edit::Set { path: KeyPath::in_settings("accountId")?, value, text })
}

/// Returns the edits that reset the keys that an account doesn't name. The password of the same user stays, because the
/// user may have typed it.
fn reset_others(
    account: &WantedAccount,
    section: &str,
    is_same: bool,
    document: &IniDocument,
) -> Result<Vec<Edit>, NameError> {
    let mut edits = Vec::new();
    for key in account_keys().filter(|key| !account.names(key.name)) {
        let is_kept = is_same && (key.kind == Kind::Secret || key.name == "passwordSize");
        let value = lookup::value(document, section, key.name, key.limit);
        let is_default = value.is_none_or(|value| String::from_utf16_lossy(&value) == key.default);
        if !is_default && !is_kept {
            edits.push(Edit::Unset { path: KeyPath::new(section, key.name)? });
        }
    }
    Ok(edits)
}

/// Returns the edits that remove every key of a section. MicroSIP ignores an empty section.
fn remove_all(section: &str, document: &IniDocument) -> Result<Vec<Edit>, NameError> {
    let Some(found) = lookup::section(document, section) else { return Ok(Vec::new()) };
    let mut edits: Vec<Edit> = Vec::new();
    for line in document.keys(&found) {
        // a key without a valid name is out of MicroSIP's reach too
        let Ok(path) = KeyPath::new(section, &line.name.to_string()) else { continue };
        if !edits.iter().any(|edit| *edit.path() == path) {
            edits.push(Edit::Unset { path });
        }
    }
    Ok(edits)
}

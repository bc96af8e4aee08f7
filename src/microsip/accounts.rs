//! Reads the accounts of an ini (settings.cpp AccountLoad, 3.14.0 to 3.22.3). Pure. Passwords never leave this
//! module.

use serde::Serialize;

use crate::ini::document::IniDocument;
use crate::ini::lookup;

use super::keys;

/// The number of the account that MicroSIP always has, for calls without a server.
pub const LOCAL: u32 = 0;

/// An account, from a section `[AccountN]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The number of the account.
    pub number: u32,
    /// The name that MicroSIP shows.
    pub label: String,
    /// The user name at the server.
    pub username: String,
    /// The domain of the server. MicroSIP ignores accounts without a domain.
    pub domain: String,
    /// Whether a password is set.
    pub has_password: bool,
}

/// Returns the accounts sorted by number, each once, including those that MicroSIP wouldn't reach.
pub fn all(document: &IniDocument) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::new();
    for section in document.sections() {
        let name = section.name.to_string();
        let Some(number) = number_of(&name) else { continue };
        if accounts.iter().any(|account| account.number == number) {
            continue;
        }
        let value = |key: &str| {
            let value = lookup::value(document, &name, key, keys::limit(&name, key));
            value.map(|value| String::from_utf16_lossy(&value)).unwrap_or_default()
        };
        accounts.push(Account {
            number,
            label: value("label"),
            username: value("username"),
            domain: value("domain"),
            has_password: !value("password").is_empty(),
        });
    }
    accounts.sort_by_key(|account| account.number);
    accounts
}

/// Returns the number of the account that is selected in the ini.
pub fn selected(document: &IniDocument) -> Option<u32> {
    let value = lookup::value(document, "Settings", "accountId", keys::limit("Settings", "accountId"))?;
    String::from_utf16_lossy(&value).trim().parse().ok()
}

/// Returns whether the ini has the account of the old layout, without a section of its own.
pub fn is_old_layout(document: &IniDocument) -> bool {
    let domain = lookup::value(document, "Settings", "domain", keys::limit("Account1", "domain"));
    selected(document).is_none() && domain.is_some_and(|domain| !domain.is_empty())
}

/// Returns whether MicroSIP deletes the keys of the old layout at its next start, and STUN with them: `accountId` is
/// empty, and the old layout has no account that MicroSIP keeps (3.22.3, settings.cpp).
pub fn are_old_keys_deleted(document: &IniDocument) -> bool {
    selected(document).is_none() && !is_old_layout(document)
}

/// Returns the account number in the name of a section, if it has one.
pub fn number_of(section: &str) -> Option<u32> {
    const START: &str = "Account";
    let is_account = section.get(..START.len()).is_some_and(|start| start.eq_ignore_ascii_case(START));
    let digits = section.get(START.len()..).filter(|_| is_account)?;
    // only the form that MicroSIP writes
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    #[test]
    fn accounts_are_sorted_by_number_and_listed_once() {
        let text = "[Settings]\naccountId=2\n[account2]\nlabel=Desk\nusername=ann\ndomain=pbx.example.org\n\
                    password=00\n[Account10]\n[Account1]\ndomain=b.example.org\n[ACCOUNT2]\nlabel=Other\n[Accounts]\n";
        let document = IniDocument::from_utf16le(encode(text));
        let accounts = all(&document);
        assert_eq!(accounts.iter().map(|account| account.number).collect::<Vec<_>>(), [1, 2, 10]);
        assert_eq!((accounts[1].label.as_str(), accounts[1].has_password), ("Desk", true));
        assert_eq!((accounts[0].domain.as_str(), accounts[0].has_password), ("b.example.org", false));
        assert_eq!(selected(&document), Some(2));
    }

    #[test]
    fn account_numbers_are_plain() {
        assert_eq!(number_of("ACCOUNT0"), Some(LOCAL));
        assert_eq!(number_of("Account12"), Some(12));
        for name in ["Account", "Account01", "Account-1", "Account+1", "Account1x", "Accountant", "Acc"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}

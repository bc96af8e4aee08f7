//! What is wanted of an ini, and what is to be done about it.

use std::path::Path;

use super::file::{self, AccountsMode, DesiredFile, Given, Hook, account_keys, settings_keys};
use super::source::{Node, Source};
use super::vars::{ReadText, Variables, read_secret};
use super::{DesiredError, Fault, What};
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::plan::Edit;
use crate::guess;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::{KeyName, KeyPath, NameError, SectionName, ValueText};
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind};
use crate::microsip::values::{self, Saved};
use crate::microsip::version::Version;

/// A wanted state, its variables and passwords put in, checked as far as that takes no ini.
pub struct Desired {
    /// The oldest MicroSIP that it is for.
    pub min_version: Option<Version>,
    /// What is to run at events; `None`: nothing.
    pub hooks: Vec<(Event, Option<HookCommand>)>,
    /// What deserves saying of the values.
    pub remarks: Vec<Diagnostic>,
    pub(super) settings: Vec<Edit>,
    pub(super) accounts: Option<Accounts>,
    pub(super) shortcuts: Vec<Edit>,
}

pub(super) struct Accounts {
    pub mode: AccountsMode,
    /// In their order.
    pub wanted: Vec<Account>,
}

/// The keys that are wanted of an account; `None`: not there.
pub(super) struct Account(Vec<(KeyName, Option<Saved>)>);

impl Account {
    fn value(&self, name: &str) -> Option<&str> {
        let is_named = |key: &KeyName| key.as_str().eq_ignore_ascii_case(name);
        self.0
            .iter()
            .find(|(key, _)| is_named(key))
            .map(|(_, saved)| saved.as_ref().map_or("", |saved| &saved.value))
    }

    pub fn names(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Whether that one has the same user at the same server. Who names no user means any.
    fn is(&self, other: &accounts::Account) -> bool {
        let is_same =
            |name: &str, there: &str| self.value(name).is_none_or(|value| value.eq_ignore_ascii_case(there));
        is_same("domain", &other.domain) && is_same("username", &other.username)
    }
}

/// The remark that `false` is not the same as 0.
#[derive(Debug, thiserror::Error)]
#[error("{path} = false removes the key, and without it MicroSIP takes {default}")]
struct FalseWarning {
    path: KeyPath,
    default: &'static str,
}

impl ToDiagnostic for FalseWarning {
    fn code(&self) -> Code {
        Code::FalseIsAbsent
    }

    fn hint(&self) -> Option<String> {
        Some("write 0 to turn it off".into())
    }
}

/// What a text wants, with these variables. Files that it names are looked for from `folder`.
///
/// # Errors
/// When something in it is wrong, with its place.
pub fn resolve(source: &Source, variables: &Variables<'_>, folder: &Path) -> Result<Desired, DesiredError> {
    let mut source = source.clone();
    if let Err(fault) = variables.put_in(&mut source.root) {
        return Err(source.error(fault));
    }
    literal(&source, variables.reader(), folder)
}

/// What a text wants that has no variables in it.
///
/// # Errors
/// When something in it is wrong, with its place.
pub fn literal(source: &Source, read: &ReadText<'_>, folder: &Path) -> Result<Desired, DesiredError> {
    let file = file::read(source)?;
    let mut reading = Reading { root: &source.root, read, folder, remarks: Vec::new() };
    reading.desired(file).map_err(|fault| source.error(fault))
}

struct Reading<'a> {
    root: &'a Node,
    read: &'a ReadText<'a>,
    folder: &'a Path,
    remarks: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn desired(&mut self, file: DesiredFile) -> Result<Desired, Fault> {
        let min_version = file.microsip.min_version.map(|text| {
            let expected = || "a version such as 3.22.3".into();
            let wrong = |_| What::Shape { found: "text", expected: expected() };
            text.parse()
                .map_err(|error: String| wrong(error).at(&self.root.at(["microsip", "min-version"]).span))
        });
        let min_version = min_version.transpose()?;
        let settings = self.settings(&file.settings)?;
        let hooks = self.hooks(file.hooks)?;
        let wanted = file.accounts.map(|accounts| self.accounts(&accounts)).transpose()?;
        let accounts = wanted.map(|wanted| Accounts { mode: file.accounts_mode, wanted });
        let shortcuts = self.shortcuts(&file.shortcuts)?;
        let remarks = std::mem::take(&mut self.remarks);
        Ok(Desired { min_version, hooks, remarks, settings, accounts, shortcuts })
    }

    fn settings(&mut self, given: &indexmap::IndexMap<String, Given>) -> Result<Vec<Edit>, Fault> {
        let all: Vec<Key> = settings_keys().collect();
        let mut edits: Vec<Edit> = Vec::new();
        for (name, given) in given {
            let node = self.root.at(["settings", name]);
            let key = known(name, &all, || hint_for_setting(name)).map_err(|what| what.at(&node.key))?;
            let path =
                KeyPath::in_settings(key.name).map_err(|error| What::Value(error.into()).at(&node.key))?;
            if edits.iter().any(|edit| *edit.path() == path) {
                return Err(What::Twice { key: name.clone() }.at(&node.key));
            }
            let saved = self.saved(&path, key, given, node)?;
            edits.push(edit(path, saved.as_ref()));
        }
        Ok(edits)
    }

    fn hooks(
        &self,
        given: indexmap::IndexMap<String, Hook>,
    ) -> Result<Vec<(Event, Option<HookCommand>)>, Fault> {
        let mut hooks: Vec<(Event, Option<HookCommand>)> = Vec::new();
        for (name, hook) in given {
            let node = self.root.at(["hooks", &name]);
            let event: Event = name.parse().map_err(|error| What::Event(error).at(&node.key))?;
            if hooks.iter().any(|(other, _)| *other == event) {
                return Err(What::Twice { key: name }.at(&node.key));
            }
            let command = match hook {
                Hook::None(_) => None,
                Hook::Program(program) => Some(HookCommand { program, args: Vec::new() }),
                Hook::Command(table) => Some(HookCommand { program: table.program, args: table.args }),
            };
            hooks.push((event, command));
        }
        Ok(hooks)
    }

    fn accounts(&mut self, given: &[indexmap::IndexMap<String, Given>]) -> Result<Vec<Account>, Fault> {
        let all: Vec<Key> = account_keys().collect();
        let mut accounts: Vec<Account> = Vec::new();
        for (place, given) in given.iter().enumerate() {
            let place_name = place.to_string();
            let section = format!("Account{}", place + 1);
            let mut account = Account(Vec::new());
            for (name, given) in given {
                let node = self.root.at(["accounts", &place_name, name]);
                let nearest = || nearest_of(name, &all);
                let key = known(name, &all, nearest).map_err(|what| what.at(&node.key))?;
                if account.names(key.name) {
                    return Err(What::Twice { key: name.clone() }.at(&node.key));
                }
                let path =
                    path_in(&section, key.name).map_err(|error| What::Value(error.into()).at(&node.key))?;
                let saved = self.saved(&path, key, given, node)?;
                account.0.push((path.key, saved));
            }
            let node = self.root.at(["accounts", &place_name]);
            if account.value("domain").is_none_or(str::is_empty) {
                return Err(What::Missing { key: "domain" }.at(&node.span));
            }
            accounts.push(account);
        }
        Ok(accounts)
    }

    fn shortcuts(&mut self, given: &indexmap::IndexMap<String, Given>) -> Result<Vec<Edit>, Fault> {
        let mut edits = Vec::new();
        let mut numbers: Vec<usize> = Vec::new();
        for (name, given) in given {
            let node = self.root.at(["shortcuts", name]);
            let number = name.parse().ok().filter(|number: &usize| number.to_string() == *name);
            let number =
                number.ok_or_else(|| What::Number("the shortcut", "0, 1, 2 and so on").at(&node.key))?;
            let wrong = |error: NameError| What::Value(error.into()).at(&node.key);
            let path = path_in("Shortcuts", name).map_err(wrong)?;
            let key = keys::find("Shortcuts", name);
            let key = key.ok_or_else(|| What::UnknownKey { key: name.clone(), hint: None }.at(&node.key))?;
            let saved = self.saved(&path, &key, given, node)?;
            if saved.is_some() {
                numbers.push(number);
            }
            edits.push(edit(path, saved.as_ref()));
        }
        numbers.sort_unstable();
        if let Some((gap, _)) = numbers.iter().enumerate().find(|(place, number)| place != *number) {
            let node = self.root.at(["shortcuts", &numbers[gap].to_string()]);
            return Err(What::Number("the shortcut", "one in front of it is missing").at(&node.key));
        }
        Ok(edits)
    }

    /// The value as MicroSIP would save it; `None`: not there.
    fn saved(
        &mut self,
        path: &KeyPath,
        key: &Key,
        given: &Given,
        node: &Node,
    ) -> Result<Option<Saved>, Fault> {
        let shape =
            |expected: &str| What::Shape { found: node.kind(), expected: expected.into() }.at(&node.span);
        let is_number = matches!(key.kind, Kind::Bool(_) | Kind::Int { .. } | Kind::Enum(_));
        let text = match given {
            Given::Absent(true) => return Err(shape("1, or false if the key is not to be there")),
            Given::Absent(false) => {
                if matches!(key.kind, Kind::Bool(_)) && key.default == "1" {
                    let remark = FalseWarning { path: path.clone(), default: key.default };
                    self.remarks.push(Diagnostic::from(&remark));
                }
                return Ok(None);
            }
            Given::Number(number) if is_number => number.to_string(),
            Given::Number(_) => return Err(shape("text, between quotes")),
            Given::Text(text) => text.clone(),
            Given::Secret(place) if key.kind == Kind::Secret => {
                let place = place.place(self.folder);
                read_secret(self.read, &place).map_err(|what| what.at(&node.span))?
            }
            Given::Secret(_) => {
                return Err(shape("text, a number, or false; only a password can be elsewhere"));
            }
        };
        let saved = values::as_saved(path, &text).map_err(|error| What::Value(error).at(&node.span))?;
        self.remarks.extend(saved.remarks.iter().map(Diagnostic::from));
        Ok(Some(saved))
    }
}

fn known<'k>(name: &str, all: &'k [Key], hint: impl Fn() -> Option<String>) -> Result<&'k Key, What> {
    let key = all.iter().find(|key| key.name.eq_ignore_ascii_case(name));
    key.ok_or_else(|| What::UnknownKey { key: name.to_string(), hint: hint() })
}

fn nearest_of(name: &str, all: &[Key]) -> Option<String> {
    let nearest = guess::nearest(name, all.iter().map(|key| key.name))?;
    Some(format!("did you mean {nearest}?"))
}

fn hint_for_setting(name: &str) -> Option<String> {
    if let Some(event) = Event::from_key(name) {
        return Some(format!("it is the hook of '{0}': write {0} = ... below [hooks]", event.name()));
    }
    if account_keys().any(|key| key.name.eq_ignore_ascii_case(name)) {
        return Some("it belongs to an account: write it below [[accounts]]".into());
    }
    nearest_of(name, &settings_keys().collect::<Vec<_>>())
}

fn path_in(section: &str, key: &str) -> Result<KeyPath, NameError> {
    Ok(KeyPath { section: SectionName::new(section)?, key: KeyName::new(key)? })
}

fn edit(path: KeyPath, saved: Option<&Saved>) -> Edit {
    match saved {
        Some(saved) => Edit::Set { path, value: saved.value.clone(), text: saved.text.clone() },
        None => Edit::Unset { path },
    }
}

impl Desired {
    /// What is to be done about an ini, hooks aside: those take more than its text.
    ///
    /// # Errors
    /// When the ini has a name that cannot be written.
    pub fn edits(&self, document: &IniDocument) -> Result<Vec<Edit>, NameError> {
        let mut edits = self.settings.clone();
        if let Some(accounts) = &self.accounts {
            let is_selected = edits.iter().any(selects);
            edits.extend(accounts.edits(document, is_selected)?);
        } else if self.would_be_deleted(document) {
            edits.push(select(accounts::LOCAL)?);
        }
        edits.extend(self.shortcuts.iter().cloned());
        Ok(edits)
    }
}

impl Desired {
    /// The same without saying which account is used.
    pub fn without_selection(mut self) -> Desired {
        self.settings.retain(|edit| !selects(edit));
        self
    }

    /// Whether MicroSIP's next start would delete one of the settings: without `accountId` it deletes those that an
    /// account had of old, and STUN with them (3.22.3, settings.cpp). An account of old is left for it to take over.
    fn would_be_deleted(&self, document: &IniDocument) -> bool {
        let is_set = |name: &str| {
            let sets = |edit: &Edit| {
                matches!(edit, Edit::Set { path, value, .. }
                    if path.key.as_str().eq_ignore_ascii_case(name) && !value.is_empty())
            };
            self.settings.iter().any(sets)
        };
        let has_account_of_old = || {
            let domain = lookup::value(document, "Settings", "domain", keys::limit("Account1", "domain"));
            domain.is_some_and(|domain| !domain.is_empty())
        };
        is_set("STUN")
            && !is_set("accountId")
            && accounts::selected(document).is_none()
            && !has_account_of_old()
    }
}

impl Accounts {
    fn edits(&self, document: &IniDocument, is_selected: bool) -> Result<Vec<Edit>, NameError> {
        let there = accounts::all(document);
        let numbers = match self.mode {
            AccountsMode::Exact => (1..).take(self.wanted.len()).collect(),
            AccountsMode::Ensure => self.numbers_among(&there),
        };
        let mut edits = Vec::new();
        for (account, number) in self.wanted.iter().zip(&numbers) {
            let is_same = there.iter().any(|other| other.number == *number && account.is(other));
            let section = format!("Account{number}");
            for (key, saved) in &account.0 {
                edits.push(edit(
                    KeyPath { section: SectionName::new(&section)?, key: key.clone() },
                    saved.as_ref(),
                ));
            }
            if self.mode == AccountsMode::Exact || !is_same {
                edits.extend(defaults(account, &section, is_same, document)?);
            }
        }
        if self.mode == AccountsMode::Exact {
            let is_wanted = |number: u32| number == accounts::LOCAL || numbers.contains(&number);
            for other in there.iter().filter(|other| !is_wanted(other.number)) {
                edits.extend(emptied(&format!("Account{}", other.number), document)?);
            }
        }
        if !is_selected {
            edits.extend(self.selection(document, &there, &numbers)?);
        }
        Ok(edits)
    }

    /// The numbers under which the wanted accounts are there, or are to be: behind the others.
    pub fn numbers_among(&self, there: &[accounts::Account]) -> Vec<u32> {
        let mut taken: Vec<u32> = Vec::new();
        // an account without a domain is none
        let is_there =
            |number: u32| there.iter().any(|other| other.number == number && !other.domain.is_empty());
        for account in &self.wanted {
            let is_free = |number: u32| number != accounts::LOCAL && !taken.contains(&number);
            let same = there.iter().find(|other| is_free(other.number) && account.is(other));
            let number = match same {
                Some(other) => Some(other.number),
                None => (1..).find(|number| is_free(*number) && !is_there(*number)),
            };
            taken.extend(number);
        }
        taken
    }

    /// The account that MicroSIP uses: the one that it uses now, if that is one of those that are wanted, or may stay.
    fn selection(
        &self,
        document: &IniDocument,
        there: &[accounts::Account],
        numbers: &[u32],
    ) -> Result<Option<Edit>, NameError> {
        let present = accounts::selected(document);
        let may_stay = |number: u32| match self.mode {
            AccountsMode::Exact => numbers.contains(&number),
            AccountsMode::Ensure => {
                let is_there = |other: &accounts::Account| other.number == number && !other.domain.is_empty();
                number != accounts::LOCAL && (numbers.contains(&number) || there.iter().any(is_there))
            }
        };
        if present.is_some_and(may_stay) {
            return Ok(None);
        }
        // 0 is none, as MicroSIP saves it; an empty one would make it delete settings
        select(numbers.first().copied().unwrap_or(accounts::LOCAL)).map(Some)
    }
}

fn selects(edit: &Edit) -> bool {
    edit.path().key.as_str().eq_ignore_ascii_case("accountId")
}

fn select(number: u32) -> Result<Edit, NameError> {
    let value = number.to_string();
    let text = ValueText::new(&value)?;
    Ok(Edit::Set { path: KeyPath::in_settings("accountId")?, value, text })
}

/// What is not named of an account has its default: a key that has another goes. The password of the same user stays,
/// who may have typed it.
fn defaults(
    account: &Account,
    section: &str,
    is_same: bool,
    document: &IniDocument,
) -> Result<Vec<Edit>, NameError> {
    let mut edits = Vec::new();
    for key in account_keys().filter(|key| !account.names(key.name)) {
        let is_of_password = key.kind == Kind::Secret || key.name == "passwordSize";
        let value = lookup::value(document, section, key.name, key.limit);
        let has_another = value.is_some_and(|value| String::from_utf16_lossy(&value) != key.default);
        if has_another && !(is_same && is_of_password) {
            edits.push(Edit::Unset { path: path_in(section, key.name)? });
        }
    }
    Ok(edits)
}

/// Every key of a section goes: MicroSIP takes an empty one for no account.
fn emptied(section: &str, document: &IniDocument) -> Result<Vec<Edit>, NameError> {
    let Some(found) = lookup::section(document, section) else { return Ok(Vec::new()) };
    let mut edits: Vec<Edit> = Vec::new();
    for line in document.keys(&found) {
        // what can have no name cannot be named by MicroSIP either
        let Ok(path) = path_in(section, &line.name.to_string()) else { continue };
        if !edits.iter().any(|edit| *edit.path() == path) {
            edits.push(Edit::Unset { path });
        }
    }
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::source::{Format, Hidden};
    use crate::edit::plan;
    use crate::ini::encoding::{decode, encode};
    use std::io;

    /// The ini after a state was applied; a second time changes nothing.
    #[track_caller]
    fn applied(ini: &str, state: &str) -> String {
        let read = |_: &crate::request::ValueSource| Err(io::ErrorKind::NotFound.into());
        let source = Source::parse("a.toml".into(), state.into(), Format::Toml, Hidden::Passwords).unwrap();
        let desired =
            resolve(&source, &Variables::new(&[], &read), Path::new("")).map_err(|e| e.to_string()).unwrap();
        let apply = |bytes: Vec<u8>| {
            let decoded = decode(bytes, None).unwrap();
            plan::make(&decoded, &desired.edits(&decoded.document).unwrap())
        };
        let first = apply(encode(ini)).document;
        assert!(!apply(first.clone().into_bytes()).is_change, "a second time changes something");
        let text = first.units(2..first.clone().into_bytes().len()).to_string();
        text.replace('\n', " ").replace('\r', "")
    }

    const A: &str = "[[accounts]]\ndomain = 'a'\nusername = '1'\n";
    const B: &str = "[[accounts]]\ndomain = 'b'\nusername = '2'\n";
    const ENSURE: &str = "accounts-mode = 'ensure'\n";

    #[test]
    fn false_removes_a_key_and_0_is_0() {
        assert_eq!(
            applied("[Settings]\nVAD=1\nEC=1\n", "[settings]\nVAD = false\nec = 0\n"),
            "[Settings] EC=0 "
        );
        assert_eq!(applied("[Settings]\n", "[settings]\nVAD = false\nEC = 0\n"), "[Settings] EC=0 ");
    }

    #[test]
    fn a_setting_that_microsip_would_delete_at_its_start_is_kept() {
        let stun = "[settings]\nSTUN = 's'\n";
        assert_eq!(applied("[Settings]\n", stun), "[Settings] STUN=s accountId=0 ");
        assert_eq!(applied("[Settings]\naccountId=2\n", stun), "[Settings] accountId=2 STUN=s ");
        // the account of old becomes the first, and nobody is in its way
        assert_eq!(applied("[Settings]\ndomain=a\n", stun), "[Settings] domain=a STUN=s ");
        assert_eq!(applied("[Settings]\n", "[settings]\nEC = 1\n"), "[Settings] EC=1 ");
    }

    #[test]
    fn exact_accounts_are_those_and_no_others() {
        let ini = "[Settings]\naccountId=2\n[Account1]\ndomain=x\nproxy=p\npassword=00\npublish=0\n[Account3]\ndomain=c\nmine=1\n";
        assert_eq!(
            applied(ini, A),
            "[Settings] accountId=1 [Account1] domain=a publish=0 username=1 [Account3] "
        );
        assert_eq!(applied(ini, "accounts = []"), "[Settings] accountId=0 [Account1] [Account3] ");
    }

    #[test]
    fn the_password_of_the_same_user_stays() {
        let ini = "[Settings]\naccountId=1\n[Account1]\ndomain=a\nusername=1\npassword=00\nlabel=x\n[Account0]\npublicAddr=y\n";
        assert_eq!(
            applied(ini, A),
            "[Settings] accountId=1 [Account1] domain=a username=1 password=00 [Account0] publicAddr=y "
        );
    }

    #[test]
    fn the_account_that_is_selected_stays_so_if_it_is_wanted() {
        let ini = |selected: &str| {
            format!(
                "[Settings]\n{selected}[Account1]\ndomain=a\nusername=1\n[Account2]\ndomain=b\nusername=2\n"
            )
        };
        let selected = |ini: &str, state: &str| {
            let text = applied(ini, state);
            text.split(' ').find(|line| line.starts_with("accountId")).unwrap_or("none").to_string()
        };
        let both = format!("{A}{B}");
        let ensure = format!("{ENSURE}{B}");
        for (before, state, after) in [
            ("accountId=2\n", &both, "accountId=2"),
            ("accountId=3\n", &both, "accountId=1"),
            ("accountId=\n", &both, "accountId=1"),
            ("", &both, "accountId=1"),
            ("accountId=1\n", &ensure, "accountId=1"),
            ("accountId=0\n", &ensure, "accountId=2"),
            ("", &ensure, "accountId=2"),
            ("accountId=1\n", &format!("[settings]\naccountId = 2\n{both}"), "accountId=2"),
        ] {
            assert_eq!(selected(&ini(before), state), after, "{before} {state}");
        }
    }

    #[test]
    fn ensured_accounts_take_the_first_free_number() {
        let ini = "[Settings]\naccountId=1\n[Account1]\ndomain=a\nusername=1\n[Account2]\nproxy=old\n[Account4]\ndomain=d\n";
        assert_eq!(
            applied(ini, &format!("{ENSURE}{B}{A}")),
            "[Settings] accountId=1 [Account1] domain=a username=1 [Account2] domain=b username=2 [Account4] domain=d "
        );
    }
}

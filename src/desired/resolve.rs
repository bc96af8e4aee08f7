//! Turns a desired-state file into edits: variables and passwords are filled in, and names and values are checked.

use std::path::Path;

use indexmap::IndexMap;

use super::accounts::{WantedAccount, WantedAccounts, edit, select_account, selects_account};
use super::error::{DesiredError, DesiredErrorKind, SpannedError};
use super::hooks::{self, ActionSettings, Hook};
use super::schema::{self, DesiredFile, Given, account_keys, settings_keys};
use super::source::Source;
use super::tree::Node;
use super::variables::{ReadText, Variables, read_secret};
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::plan::Edit;
use crate::guess;
use crate::hook::action::Action;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::{KeyPath, NameError};
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind};
use crate::microsip::privacy::Viewer;
use crate::microsip::values::{self, Saved};
use crate::microsip::version::Version;

/// A desired state with its variables and passwords filled in, checked as far as possible without an ini.
#[derive(Default)]
pub struct Desired {
    /// The version of the state, which is recorded when it's applied; empty to record that there is none.
    pub state_version: Option<String>,
    /// The oldest MicroSIP that it may be applied to.
    pub min_version: Option<Version>,
    /// What runs on events.
    pub hooks: Vec<(Event, Hook)>,
    /// The settings for all actions.
    pub actions: ActionSettings,
    /// Warnings about the values.
    pub warnings: Vec<Diagnostic>,
    pub(super) settings: Vec<Edit>,
    pub(super) accounts: Option<WantedAccounts>,
    pub(super) shortcuts: Vec<Edit>,
}

/// Resolves a file with these variables. Paths of files with passwords are relative to `folder`.
///
/// # Errors
/// At the first mistake, with its place, or if the file names nothing.
pub fn resolve(source: &Source, variables: &Variables<'_>, folder: &Path) -> Result<Desired, DesiredError> {
    let mut source = source.clone();
    if let Err(error) = variables.fill_in(&mut source.root) {
        return Err(source.error(error));
    }
    let desired = resolve_literal(&source, variables.reader(), folder)?;
    if desired.is_empty() {
        return Err(source.error(DesiredErrorKind::Empty.at(&(0..0))));
    }
    Ok(desired)
}

/// Resolves a file in which `${` has no special meaning.
///
/// # Errors
/// At the first mistake, with its place.
pub fn resolve_literal(source: &Source, read: &ReadText<'_>, folder: &Path) -> Result<Desired, DesiredError> {
    let mut resolver = Resolver { root: &source.root, read, folder, warnings: Vec::new() };
    let file = schema::read(&source.root).map_err(|error| source.error(error))?;
    resolver.desired(file).map_err(|error| source.error(error))
}

struct Resolver<'a> {
    root: &'a Node,
    read: &'a ReadText<'a>,
    folder: &'a Path,
    warnings: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn desired(&mut self, file: DesiredFile) -> Result<Desired, SpannedError> {
        let state_version = file.state_version.as_ref().map(|given| self.state_version(given)).transpose()?;
        let min_version = match file.microsip.min_version {
            Some(text) => Some(text.parse().map_err(|_: String| {
                self.root.at(["microsip", schema::MIN_VERSION]).not("a version such as 3.22.3")
            })?),
            None => None,
        };
        let settings = self.settings(&file.settings)?;
        let hooks = hooks::read(self.root)?;
        let actions = hooks::read_settings(self.root)?;
        let accounts = match file.accounts {
            Some(accounts) => {
                Some(WantedAccounts { mode: file.accounts_mode, wanted: self.accounts(&accounts)? })
            }
            None => None,
        };
        let shortcuts = self.shortcuts(&file.shortcuts)?;
        let warnings = std::mem::take(&mut self.warnings);
        Ok(Desired { state_version, min_version, hooks, actions, warnings, settings, accounts, shortcuts })
    }

    fn state_version(&self, given: &Given) -> Result<String, SpannedError> {
        const MAX_LEN: usize = 64;
        let is_valid = |text: &&String| {
            let length = text.chars().count();
            (1..=MAX_LEN).contains(&length) && !text.chars().any(char::is_control)
        };
        let version = match given {
            Given::Absent(false) => Some(String::new()),
            Given::Number(number) => Some(number.to_string()),
            Given::Text(text) => Some(text).filter(is_valid).cloned(),
            Given::Absent(true) | Given::Secret(_) => None,
        };
        let wrong = || self.root.at([schema::STATE_VERSION]).not(schema::EXPECTED_STATE_VERSION);
        version.ok_or_else(wrong)
    }

    fn settings(&mut self, given: &IndexMap<String, Given>) -> Result<Vec<Edit>, SpannedError> {
        let known: Vec<Key> = settings_keys().collect();
        let mut edits: Vec<Edit> = Vec::new();
        for (name, given) in given {
            let node = self.root.at(["settings", name]);
            let key = find_key(name, &known, || hint_for_setting(name)).map_err(|kind| kind.at(&node.key))?;
            let path = KeyPath::in_settings(key.name).map_err(|error| wrong_name(error, node))?;
            if edits.iter().any(|edit| *edit.path() == path) {
                return Err(twice(name, node));
            }
            let saved = self.saved(&path, key, given, node)?;
            edits.push(edit(path, saved.as_ref()));
        }
        Ok(edits)
    }

    fn accounts(&mut self, given: &[IndexMap<String, Given>]) -> Result<Vec<WantedAccount>, SpannedError> {
        let known: Vec<Key> = account_keys().collect();
        let mut accounts: Vec<WantedAccount> = Vec::new();
        for (index, given) in given.iter().enumerate() {
            let index_name = index.to_string();
            let section = format!("Account{}", index + 1);
            let mut account = WantedAccount::default();
            for (name, given) in given {
                let node = self.root.at(["accounts", &index_name, name]);
                let key = find_key(name, &known, || did_you_mean(name, &known))
                    .map_err(|kind| kind.at(&node.key))?;
                if account.names(key.name) {
                    return Err(twice(name, node));
                }
                let path = KeyPath::new(&section, key.name).map_err(|error| wrong_name(error, node))?;
                let saved = self.saved(&path, key, given, node)?;
                account.set(path.key, saved);
            }
            let node = self.root.at(["accounts", &index_name]);
            if account.value("domain").is_none_or(str::is_empty) {
                return Err(DesiredErrorKind::Missing { key: "domain" }.at(&node.span));
            }
            accounts.push(account);
        }
        Ok(accounts)
    }

    fn shortcuts(&mut self, given: &IndexMap<String, Given>) -> Result<Vec<Edit>, SpannedError> {
        let mut edits = Vec::new();
        let mut numbers: Vec<usize> = Vec::new();
        for (name, given) in given {
            let node = self.root.at(["shortcuts", name]);
            let number = name.parse().ok().filter(|number: &usize| number.to_string() == *name);
            let message = "the name of a shortcut must be its number: 0, 1, 2 and so on";
            let number = number.ok_or_else(|| DesiredErrorKind::Numbering(message).at(&node.key))?;
            let path = KeyPath::new("Shortcuts", name).map_err(|error| wrong_name(error, node))?;
            let unknown = || DesiredErrorKind::UnknownKey { key: name.clone(), hint: None };
            let key = keys::find("Shortcuts", name).ok_or_else(|| unknown().at(&node.key))?;
            let saved = self.saved(&path, &key, given, node)?;
            if saved.is_some() {
                numbers.push(number);
            }
            edits.push(edit(path, saved.as_ref()));
        }
        numbers.sort_unstable();
        if let Some((_, number)) = numbers.iter().enumerate().find(|(index, number)| index != *number) {
            let node = self.root.at(["shortcuts", &number.to_string()]);
            let message = "a number is missing before this shortcut: number them 0, 1, 2 and so on";
            return Err(DesiredErrorKind::Numbering(message).at(&node.key));
        }
        Ok(edits)
    }

    /// Returns the value as MicroSIP would save it; `None` to remove the key.
    fn saved(
        &mut self,
        path: &KeyPath,
        key: &Key,
        given: &Given,
        node: &Node,
    ) -> Result<Option<Saved>, SpannedError> {
        let is_number = matches!(key.kind, Kind::Bool(_) | Kind::Int { .. } | Kind::Enum(_));
        let text = match given {
            Given::Absent(true) => return Err(node.not(schema::expected(key))),
            Given::Absent(false) => {
                if matches!(key.kind, Kind::Bool(_)) && key.default == "1" {
                    let message =
                        format!("{path} = false removes the key, and MicroSIP then uses the default, 1");
                    let warning = Diagnostic::new(Code::FalseIsAbsent, message);
                    self.warnings.push(warning.with_hint("use 0 to turn it off"));
                }
                return Ok(None);
            }
            Given::Number(number) if is_number => number.to_string(),
            Given::Number(_) => return Err(node.not(schema::expected(key))),
            Given::Text(text) => text.clone(),
            Given::Secret(place) if key.kind == Kind::Secret => {
                let place = place.place(self.folder);
                let password = read_secret(self.read, &place).map_err(|kind| kind.at(&node.span))?;
                password.reveal(Viewer::Program).to_string()
            }
            Given::Secret(_) => return Err(node.not(schema::expected(key))),
        };
        let saved =
            values::as_saved(path, &text).map_err(|error| DesiredErrorKind::Value(error).at(&node.span))?;
        self.warnings.extend(saved.warnings.iter().map(Diagnostic::from));
        Ok(Some(saved))
    }
}

fn twice(name: &str, node: &Node) -> SpannedError {
    DesiredErrorKind::Twice { key: name.to_string() }.at(&node.key)
}

fn wrong_name(error: NameError, node: &Node) -> SpannedError {
    DesiredErrorKind::Value(error.into()).at(&node.key)
}

fn find_key<'k>(
    name: &str,
    known: &'k [Key],
    hint: impl Fn() -> Option<String>,
) -> Result<&'k Key, DesiredErrorKind> {
    let key = known.iter().find(|key| key.name.eq_ignore_ascii_case(name));
    key.ok_or_else(|| DesiredErrorKind::UnknownKey { key: name.to_string(), hint: hint() })
}

fn did_you_mean(name: &str, known: &[Key]) -> Option<String> {
    let nearest = guess::nearest(name, known.iter().map(|key| key.name))?;
    Some(format!("did you mean {nearest}?"))
}

fn hint_for_setting(name: &str) -> Option<String> {
    if let Some(event) = Event::from_key(name) {
        let event = event.name();
        return Some(format!("this is the hook of the event '{event}': write {event} = ... under [hooks]"));
    }
    if account_keys().any(|key| key.name.eq_ignore_ascii_case(name)) {
        return Some("this key belongs to an account: write it under [[accounts]]".into());
    }
    did_you_mean(name, &settings_keys().collect::<Vec<_>>())
}

impl Desired {
    /// Returns the edits of an ini, without hooks: those depend on more than its text.
    ///
    /// # Errors
    /// If the ini contains a name that can't be written.
    pub fn edits(&self, document: &IniDocument) -> Result<Vec<Edit>, NameError> {
        let mut edits = self.settings.clone();
        if let Some(accounts) = &self.accounts {
            let is_selected = edits.iter().any(selects_account);
            edits.extend(accounts.edits(document, is_selected)?);
        } else if self.microsip_would_delete(document) {
            edits.push(select_account(accounts::LOCAL)?);
        }
        edits.extend(self.shortcuts.iter().cloned());
        edits.retain(|edit| !is_empty_anyway(edit, document));
        Ok(edits)
    }

    /// Returns whether the state names this key of [Settings] as a setting.
    pub fn names_setting(&self, name: &str) -> bool {
        self.settings.iter().any(|edit| edit.path().key.as_str().eq_ignore_ascii_case(name))
    }

    /// Returns whether the state names nothing. A version alone describes no state.
    pub fn is_empty(&self) -> bool {
        self.min_version.is_none()
            && self.hooks.is_empty()
            && self.actions.is_empty()
            && self.settings.is_empty()
            && self.accounts.is_none()
            && self.shortcuts.is_empty()
    }

    /// Returns whether the state says anything about actions. A program replaces them.
    pub fn concerns_actions(&self) -> bool {
        !self.hooks.is_empty() || !self.actions.is_empty()
    }

    /// Returns the state for everybody who may read it, and not for a user: without the setting that selects an
    /// account, and without actions that contain private values. A warning names each of them.
    pub fn without_private_parts(mut self) -> Desired {
        self.settings.retain(|edit| !selects_account(edit));
        for (event, hook) in &mut self.hooks {
            let Hook::Actions(actions) = hook else { continue };
            actions.retain_mut(|action| {
                let is_public = action.secrets_mut().next().is_none() && action.private_url_mut().is_none();
                if !is_public {
                    self.warnings.push(private_action(*event, action));
                }
                is_public
            });
        }
        self.hooks.retain(|(_, hook)| !matches!(hook, Hook::Actions(actions) if actions.is_empty()));
        self
    }

    /// Returns whether MicroSIP would delete one of the settings at its next start: without `accountId` it deletes
    /// those of the old single account, and STUN with them (3.22.3, settings.cpp). If there is such an account, it is
    /// left for MicroSIP to migrate.
    fn microsip_would_delete(&self, document: &IniDocument) -> bool {
        let is_set = |name: &str| {
            let sets = |edit: &Edit| {
                matches!(edit, Edit::Set { path, value, .. }
                    if path.key.as_str().eq_ignore_ascii_case(name) && !value.is_empty())
            };
            self.settings.iter().any(sets)
        };
        is_set("STUN") && !is_set("accountId") && accounts::are_old_keys_deleted(document)
    }
}

fn private_action(event: Event, action: &Action) -> Diagnostic {
    let message = format!(
        "everyone can read this folder, and an action contains a private value, so it isn't set: {event}: {action}"
    );
    Diagnostic::new(Code::ActionPrivate, message).with_hint(
        "in the desired-state file, write the value as {env:NAME}, and set that variable for each user",
    )
}

/// Returns whether an edit would remove an empty key that is empty by default: MicroSIP would write it again.
fn is_empty_anyway(edit: &Edit, document: &IniDocument) -> bool {
    let Edit::Unset { path } = edit else { return false };
    let (section, key) = (path.section.as_str(), path.key.as_str());
    let is_default = keys::find(section, key).is_some_and(|key| key.default.is_empty());
    is_default
        && lookup::value(document, section, key, lookup::NO_LIMIT).is_some_and(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::redact::Redaction;
    use crate::desired::source::Format;
    use crate::edit::plan;
    use crate::ini::encoding::{decode, encode};
    use std::io;

    /// Returns the ini after a state was applied. Applying it again must change nothing.
    #[track_caller]
    fn applied(ini: &str, state: &str) -> String {
        let read = |_: &crate::request::ValueSource| Err(io::ErrorKind::NotFound.into());
        let source =
            Source::parse("a.toml".into(), state.into(), Format::Toml, Redaction::Passwords).unwrap();
        let desired =
            resolve(&source, &Variables::new(&[], &read), Path::new("")).map_err(|e| e.to_string()).unwrap();
        let apply = |bytes: Vec<u8>| {
            let decoded = decode(bytes, None).unwrap();
            plan::make(&decoded, &desired.edits(&decoded.document).unwrap())
        };
        let first = apply(encode(ini)).document;
        assert!(!apply(first.clone().into_bytes()).is_change, "applying it again changes something");
        let text = first.units(2..first.clone().into_bytes().len()).to_string();
        text.replace('\n', " ").replace('\r', "")
    }

    const A: &str = "[[accounts]]\ndomain = 'a'\nusername = '1'\n";
    const B: &str = "[[accounts]]\ndomain = 'b'\nusername = '2'\n";
    const ENSURE: &str = "accounts-mode = 'ensure'\n";

    #[test]
    fn false_removes_a_key_and_zero_does_not() {
        assert_eq!(
            applied("[Settings]\nVAD=1\nEC=1\n", "[settings]\nVAD = false\nec = 0\n"),
            "[Settings] EC=0 "
        );
        assert_eq!(applied("[Settings]\n", "[settings]\nVAD = false\nEC = 0\n"), "[Settings] EC=0 ");
    }

    #[test]
    fn stun_is_protected_from_deletion_at_the_next_start() {
        let stun = "[settings]\nSTUN = 's'\n";
        assert_eq!(applied("[Settings]\n", stun), "[Settings] STUN=s accountId=0 ");
        assert_eq!(applied("[Settings]\naccountId=2\n", stun), "[Settings] accountId=2 STUN=s ");
        // the old account is left for MicroSIP to migrate
        assert_eq!(applied("[Settings]\ndomain=a\n", stun), "[Settings] domain=a STUN=s ");
        assert_eq!(applied("[Settings]\n", "[settings]\nEC = 1\n"), "[Settings] EC=1 ");
    }

    #[test]
    fn exact_mode_removes_other_accounts() {
        let ini = "[Settings]\naccountId=2\n[Account1]\ndomain=x\nproxy=p\npassword=00\npublish=0\n[Account3]\ndomain=c\nmine=1\n";
        assert_eq!(
            applied(ini, A),
            "[Settings] accountId=1 [Account1] domain=a publish=0 username=1 [Account3] "
        );
        assert_eq!(applied(ini, "accounts = []"), "[Settings] accountId=0 [Account1] [Account3] ");
    }

    #[test]
    fn exact_mode_keeps_the_password_of_the_same_user() {
        let ini = "[Settings]\naccountId=1\n[Account1]\ndomain=a\nusername=1\npassword=00\nlabel=x\n[Account0]\npublicAddr=y\n";
        assert_eq!(
            applied(ini, A),
            "[Settings] accountId=1 [Account1] domain=a username=1 password=00 [Account0] publicAddr=y "
        );
    }

    #[test]
    fn selected_account_stays_selected_if_it_is_wanted() {
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
    fn ensure_mode_adds_accounts_under_the_first_free_number() {
        let ini = "[Settings]\naccountId=1\n[Account1]\ndomain=a\nusername=1\n[Account2]\nproxy=old\n[Account4]\ndomain=d\n";
        assert_eq!(
            applied(ini, &format!("{ENSURE}{B}{A}")),
            "[Settings] accountId=1 [Account1] domain=a username=1 [Account2] domain=b username=2 [Account4] domain=d "
        );
    }
}

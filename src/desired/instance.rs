//! A MicroSIP.ini as an instance of a resource of Microsoft's DSC: a desired-state file in JSON with a few more
//! properties.

use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value as Json;

use super::accounts::WantedAccounts;
use super::error::{DesiredError, DesiredErrorKind, SpannedError};
use super::export::{self, Entry, ExportedAccount, ExportedState, PASSWORD_SIZE};
use super::hooks::{ActionSettings, Hook};
use super::redact::{Redaction, is_secret};
use super::resolve::{self, Desired};
use super::schema::{AccountsMode, Given, MicroSip, PARTS, account_keys};
use super::source::{Format, Source};
use super::tree::{Node, Tree};
use super::variables::ReadText;
use crate::edit::plan::Edit;
use crate::hook::action::Action;
use crate::hook::action::template::{self, Template};
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind, MASK, Privacy};
use crate::microsip::privacy::Guarded;
use crate::microsip::values;
use crate::microsip::version::Version;
use crate::request::ValueSource;

/// The property that names the ini.
pub const INI: &str = "ini";
/// The property that shows whether the ini exists.
pub const EXIST: &str = "_exist";
/// The property that shows whether an account has a password.
pub const PASSWORD_SET: &str = "passwordSet";
/// The properties that only appear in output. In input they are ignored.
pub(super) const READ_ONLY: [&str; 4] = ["_inDesiredState", "_restartRequired", "_metadata", "_name"];
/// The key under which DSC passes secret text.
const SECURE_STRING: &str = "secureString";

/// The input of one operation.
pub struct Instance {
    /// The ini as an absolute path; `None` for the only one there is.
    pub ini: Option<PathBuf>,
    /// The wanted state.
    pub wanted: Presence,
    /// Whether the input names nothing that can be tested or set.
    pub is_empty: bool,
}

/// Whether an ini should exist.
pub enum Presence {
    /// It shouldn't.
    Absent,
    /// It should, in this state.
    Present(Box<Desired>),
}

/// Whether passwords are read.
#[derive(Clone, Copy)]
pub enum Passwords<'a> {
    /// They aren't, because the operation doesn't need them.
    Unread,
    /// They are read with this function.
    Read(&'a ReadText<'a>),
}

/// Reads an instance from JSON. Empty input and `null` are an instance that names nothing.
///
/// # Errors
/// At the first mistake. The message contains no value.
pub fn read(text: String, passwords: Passwords<'_>) -> Result<Instance, DesiredError> {
    let text = if text.trim_start_matches('\u{FEFF}').trim().is_empty() { "{}".into() } else { text };
    let mut source = Source::parse("the input".into(), text, Format::Json, Redaction::Everything)?;
    let own = take_own_properties(&mut source.root).map_err(|error| source.error(error))?;
    let should_exist = own.exist.unwrap_or(true);
    let read: &ReadText<'_> = match passwords {
        Passwords::Read(read) if should_exist => read,
        _ => &unread,
    };
    let desired = resolve::resolve_literal(&source, read, Path::new(""))?;
    let is_empty = own.exist.is_none() && desired.is_empty();
    let wanted = if should_exist { Presence::Present(Box::new(desired)) } else { Presence::Absent };
    Ok(Instance { ini: own.ini, wanted, is_empty })
}

fn unread(_: &ValueSource) -> io::Result<Guarded> {
    Ok(Guarded::password(""))
}

/// The properties that a desired-state file doesn't have.
struct OwnProperties {
    ini: Option<PathBuf>,
    exist: Option<bool>,
}

/// Takes the own properties out of an instance, which leaves a desired state.
fn take_own_properties(root: &mut Node) -> Result<OwnProperties, SpannedError> {
    if matches!(root.tree, Tree::Leaf(Json::Null)) {
        root.tree = Tree::Table(Vec::new());
    }
    let mut own = OwnProperties { ini: None, exist: None };
    let not_an_object = root.not("an object");
    let Tree::Table(parts) = &mut root.tree else { return Err(not_an_object) };
    for (name, part) in parts.iter_mut() {
        match (name.as_str(), &part.tree) {
            (INI, Tree::Leaf(Json::String(path))) if Path::new(path).is_absolute() => {
                own.ini = Some(PathBuf::from(path));
            }
            (INI, _) => return Err(part.not("an absolute path")),
            (EXIST, Tree::Leaf(Json::Bool(exist))) => own.exist = Some(*exist),
            (EXIST, _) => return Err(part.not("true or false")),
            ("accounts", _) => take_passwords(part)?,
            ("hooks", _) => take_hook_secrets(part),
            (name, _) if PARTS.contains(&name) || READ_ONLY.contains(&name) => {}
            (name, _) => {
                let known: Vec<&str> = PARTS.into_iter().chain([INI, EXIST]).collect();
                return Err(DesiredErrorKind::unknown_key(name, &known).at(&part.key));
            }
        }
    }
    parts.retain(|(name, _)| PARTS.contains(&name.as_str()));
    Ok(own)
}

/// Gives the passwords of accounts the form that they have in a file.
fn take_passwords(accounts: &mut Node) -> Result<(), SpannedError> {
    if matches!(accounts.tree, Tree::Table(_)) {
        return Err(accounts.not("a list (in YAML, start each account with a dash)"));
    }
    let Tree::List(accounts) = &mut accounts.tree else { return Ok(()) };
    for account in accounts {
        let Tree::Table(keys) = &mut account.tree else { continue };
        keys.retain(|(name, _)| name != PASSWORD_SET);
        for (_, password) in keys.iter_mut().filter(|(name, _)| is_secret(name)) {
            take_secure_string(password)?;
        }
    }
    Ok(())
}

fn take_hook_secrets(hooks: &mut Node) {
    if let Tree::Table(hooks) = &mut hooks.tree {
        hooks.iter_mut().for_each(|(_, hook)| take_action_secrets(hook));
    }
}

/// Replaces the secure strings in the actions of a hook by their text, in which a brace is a brace.
fn take_action_secrets(hook: &mut Node) {
    match &mut hook.tree {
        Tree::List(actions) => actions.iter_mut().for_each(take_action_secrets),
        Tree::Table(entries) => {
            for (name, part) in entries {
                match (name.as_str(), &mut part.tree) {
                    ("headers", Tree::Table(headers)) => {
                        headers.iter_mut().for_each(|(_, value)| take_secret_text(value));
                    }
                    ("secret", _) => take_secret_text(part),
                    _ => {}
                }
            }
        }
        Tree::Leaf(_) => {}
    }
}

fn take_secret_text(node: &mut Node) {
    let Tree::Table(parts) = &node.tree else { return };
    if let [(name, Node { tree: Tree::Leaf(Json::String(text)), .. })] = &parts[..]
        && name == SECURE_STRING
    {
        node.tree = Tree::Leaf(Json::from(template::escaped(text)));
    }
}

fn take_secure_string(password: &mut Node) -> Result<(), SpannedError> {
    let expected = "text, or an object with a secureString, with the name of a variable as env, or with an absolute path as file";
    let absolute = |file: &Json| file.as_str().is_some_and(|file| Path::new(file).is_absolute());
    let text = match &password.tree {
        Tree::Leaf(Json::String(_) | Json::Bool(false)) => return Ok(()),
        Tree::Table(parts) => match &parts[..] {
            [(name, Node { tree: Tree::Leaf(Json::String(text)), .. })] if name == SECURE_STRING => {
                text.clone()
            }
            [(name, Node { tree: Tree::Leaf(Json::String(_)), .. })] if name == "env" => return Ok(()),
            // a relative path would start in the folder of the DSC engine
            [(name, Node { tree: Tree::Leaf(file), .. })] if name == "file" && absolute(file) => {
                return Ok(());
            }
            _ => return Err(password.not(expected)),
        },
        _ => return Err(password.not(expected)),
    };
    password.tree = Tree::Leaf(Json::from(text));
    Ok(())
}

/// The state of an ini in output. It contains no passwords.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InstanceState {
    #[serde(skip_serializing_if = "Option::is_none")]
    microsip: Option<MicroSip>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    settings: IndexMap<String, Given>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    hooks: IndexMap<&'static str, Json>,
    #[serde(flatten)]
    actions: IndexMap<&'static str, Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts_mode: Option<AccountsMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<InstanceAccount>>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    shortcuts: IndexMap<String, Given>,
}

#[derive(Debug, Serialize)]
struct InstanceAccount {
    #[serde(flatten)]
    keys: IndexMap<String, Given>,
    #[serde(rename = "passwordSet")]
    password_set: bool,
}

impl InstanceState {
    /// Returns the present state of everything that is wanted. `hooks` is what runs on the wanted events, `actions` are
    /// the wanted settings for actions, and `version` is that of MicroSIP.
    pub fn named(
        desired: &Desired,
        hooks: Vec<(Event, Hook)>,
        actions: &ActionSettings,
        version: Option<Version>,
        document: &IniDocument,
    ) -> InstanceState {
        let found = |edit: &Edit| {
            let path = edit.path();
            let (section, name) = (path.section.as_str(), path.key.as_str());
            let key = keys::find(section, name)?;
            // in the catalogue, the name of a shortcut is `#` for any number
            let name = if key.name == "#" { name } else { key.name };
            Some((name.to_string(), shown(document, section, name, &key)))
        };
        InstanceState {
            microsip: desired
                .min_version
                .map(|_| MicroSip { min_version: version.as_ref().map(ToString::to_string) }),
            settings: desired.settings.iter().filter_map(found).collect(),
            hooks: hooks.into_iter().map(|(event, hook)| (event.name(), masked(hook).to_json())).collect(),
            actions: actions.to_json().into_iter().collect(),
            accounts_mode: desired.accounts.as_ref().map(|accounts| accounts.mode),
            accounts: desired.accounts.as_ref().map(|accounts| accounts_named(accounts, document)),
            shortcuts: desired.shortcuts.iter().filter_map(found).collect(),
        }
    }

    /// Returns the complete state of an ini, which gives another ini the same state.
    pub fn all(state: ExportedState) -> InstanceState {
        let accounts: Vec<InstanceAccount> = state.accounts.iter().map(account).collect();
        let hooks = state.hooks.iter();
        let hooks = hooks.filter_map(|(event, hook)| Some((event.name(), hook.as_ref().ok()?.to_json())));
        let shortcuts = state.shortcuts.into_iter().enumerate();
        InstanceState {
            microsip: None,
            settings: given(&state.settings).into_iter().map(without_empty_default).collect(),
            hooks: hooks.collect(),
            actions: state.actions.to_json().into_iter().collect(),
            accounts_mode: (!accounts.is_empty() && state.mode == AccountsMode::Ensure).then_some(state.mode),
            accounts: (!accounts.is_empty()).then_some(accounts),
            shortcuts: shortcuts.map(|(number, text)| (number.to_string(), Given::Text(text))).collect(),
        }
    }
}

/// Returns a hook without the private values of its actions.
fn masked(mut hook: Hook) -> Hook {
    if let Hook::Actions(actions) = &mut hook {
        for (_, value) in actions.iter_mut().flat_map(Action::secrets_mut) {
            *value = Template::literal(MASK);
        }
        for url in actions.iter_mut().filter_map(Action::private_url_mut) {
            *url = url.masked();
        }
    }
    hook
}

fn given(entries: &[(&'static str, Entry)]) -> IndexMap<String, Given> {
    let given = |(name, entry): &(&'static str, Entry)| match entry {
        Entry::Given(Given::Secret(_)) | Entry::LeftOut(_) => None,
        Entry::Given(given) => Some((name.to_string(), given.clone())),
    };
    entries.iter().filter_map(given).collect()
}

/// Removes a setting that is empty by default instead of making it empty, which is the same for MicroSIP: `dsc config`
/// can't read a document with an empty text before 3.3.
fn without_empty_default((name, given): (String, Given)) -> (String, Given) {
    let is_empty = matches!(&given, Given::Text(text) if text.is_empty());
    let is_default = keys::find("Settings", &name).is_some_and(|key| key.default.is_empty());
    (name, if is_empty && is_default { Given::Absent(false) } else { given })
}

fn account(account: &ExportedAccount) -> InstanceAccount {
    let is_set = |(_, entry): &(&str, Entry)| matches!(entry, Entry::Given(Given::Secret(_)));
    InstanceAccount { keys: given(&account.keys), password_set: account.keys.iter().any(is_set) }
}

/// Returns the accounts that are compared with the wanted ones: their keys that are named or don't have their default.
fn accounts_named(wanted: &WantedAccounts, document: &IniDocument) -> Vec<InstanceAccount> {
    let present = accounts::all(document);
    let numbers = match wanted.mode {
        AccountsMode::Exact => export::account_numbers(document),
        AccountsMode::Ensure => wanted.numbers_among(&present),
    };
    let account = |(index, number): (usize, &u32)| {
        let found = present.iter().find(|one| one.number == *number && !one.domain.is_empty())?;
        let named = wanted.wanted.get(index);
        let section = format!("Account{number}");
        let entry = |key: Key| {
            let is_named = named.is_some_and(|account| account.names(key.name));
            let value = export::value(document, &section, &key);
            let is_default = value.is_none_or(|value| value == key.default);
            let is_open = key.privacy == Privacy::Open && key.name != PASSWORD_SIZE;
            let is_included = is_named || (is_open && !is_default);
            (is_included && key.kind != Kind::Secret)
                .then(|| (key.name.to_string(), shown(document, &section, key.name, &key)))
        };
        Some(InstanceAccount {
            keys: account_keys().filter_map(entry).collect(),
            password_set: found.has_password,
        })
    };
    numbers.iter().enumerate().filter_map(account).collect()
}

/// Returns what MicroSIP reads for a key, even if the value isn't valid for it.
fn shown(document: &IniDocument, section: &str, name: &str, key: &Key) -> Given {
    let value = crate::ini::lookup::value(document, section, name, key.limit);
    let Some(value) = value.map(|value| String::from_utf16_lossy(&value)) else {
        return Given::Absent(false);
    };
    let saved =
        format!("{section}/{name}").parse().ok().and_then(|path| values::as_saved(&path, &value).ok());
    match saved {
        Some(saved) if saved.value == value => export::given(key, value),
        _ => Given::Text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, ToDiagnostic};

    const SECRET: &str = "T0p-S3cret";

    fn read_text(text: &str) -> Result<Instance, String> {
        let read = |place: &ValueSource| match place {
            ValueSource::Variable(name) if name == "PW" => Ok(Guarded::password(SECRET)),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        read_with(text, &read)
    }

    fn read_with(text: &str, passwords: &ReadText<'_>) -> Result<Instance, String> {
        read(text.into(), Passwords::Read(passwords)).map_err(|error| {
            assert!(!error.to_string().contains(SECRET), "{error}");
            assert_ne!(error.code(), Code::Usage);
            format!("{}: {}", error.path, error.kind)
        })
    }

    fn absolute(name: &str) -> String {
        std::env::temp_dir().join(name).to_str().unwrap().replace('\\', "\\\\")
    }

    #[test]
    fn empty_input_names_nothing() {
        for text in ["", " \r\n", "\u{FEFF}", "null", "{}", "\u{FEFF}{}"] {
            let instance = read_text(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let Presence::Present(desired) = instance.wanted else { panic!("{text:?}") };
            assert!(instance.ini.is_none() && desired.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn mistakes_are_reported_with_their_path_and_without_values() {
        for (text, wanted) in [
            ("[]", ": expected an object, found a list"),
            ("7", ": expected an object, found a number"),
            (r#"{"setings":{}}"#, "setings: unknown key 'setings'"),
            (r#"{"$schema":"x"}"#, "$schema: unknown key '$schema'"),
            (r#"{"ini":"MicroSIP.ini"}"#, "ini: expected an absolute path, found text"),
            (r#"{"_exist":"yes"}"#, "_exist: expected true or false, found text"),
            (
                r#"{"settings":{"EC":[1]}}"#,
                "settings.EC: expected 0, 1, or false to remove the key, found a list",
            ),
            (r#"{"settings":{"ECC":1}}"#, "settings.ECC: unknown key 'ECC'"),
            (
                r#"{"accounts":[{"domain":"a"},{"domain":1}]}"#,
                "accounts[1].domain: expected text in quotes, or false to remove the key, found a number",
            ),
            (r#"{"accounts":[{"username":"a"}]}"#, "accounts[0]: 'domain' is missing"),
            (
                r#"{"accounts":[{"domain":"a","password":["T0p-S3cret"]}]}"#,
                "accounts[0].password: expected text, or an object",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"secureString":7}}]}"#,
                "accounts[0].password: expected text, or an object",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"file":"pw.txt"}}]}"#,
                "accounts[0].password: expected text, or an object",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"stdin":true}}]}"#,
                "accounts[0].password: expected text, or an object",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"env":"NO"}}]}"#,
                "accounts[0].password: can't read the password",
            ),
            (r#"{"accounts":[{"domain":"a","passwort":"T0p-S3cret"}]}"#, "accounts[0].passwort: unknown key"),
        ] {
            let error = read_text(text).err().unwrap_or_else(|| panic!("{text} is accepted"));
            assert!(error.starts_with(wanted), "{text}\n{error}\n{wanted}");
        }
    }

    #[test]
    fn every_form_of_a_password_is_read() {
        let file = absolute("pw.txt");
        for password in [
            format!("\"{SECRET}\""),
            format!("{{\"secureString\":\"{SECRET}\"}}"),
            "{\"env\":\"PW\"}".into(),
            format!("{{\"file\":\"{file}\"}}"),
        ] {
            let read = |_: &ValueSource| Ok(Guarded::password(SECRET));
            let account = format!("{{\"domain\":\"a\",\"password\":{password},\"passwordSet\":true}}");
            let text = format!("{{\"accounts\":[{account}]}}");
            let Presence::Present(desired) = read_with(&text, &read).unwrap().wanted else { panic!() };
            let document = IniDocument::from_utf16le(crate::ini::encoding::encode("[Settings]\n"));
            let edits = desired.edits(&document).unwrap();
            let is_set = |edit: &Edit| matches!(edit, Edit::Set { value, .. } if value == SECRET);
            assert!(edits.iter().any(is_set), "{password}");
        }
    }

    #[test]
    fn output_properties_are_ignored_in_input() {
        let text = r#"{"_inDesiredState":null,"_restartRequired":[{}],"_metadata":{"a":1},"_name":"a","_exist":true}"#;
        let Presence::Present(desired) = read_text(text).unwrap().wanted else { panic!() };
        assert!(desired.is_empty());
        assert!(matches!(read_text(r#"{"_exist":false}"#).unwrap().wanted, Presence::Absent));
    }

    #[test]
    fn dollar_and_brace_are_literal() {
        let Presence::Present(desired) =
            read_text(r#"{"settings":{"userAgent":"a${b}$${c"}}"#).unwrap().wanted
        else {
            panic!()
        };
        let [Edit::Set { value, .. }] = &desired.settings[..] else { panic!() };
        assert_eq!(value, "a${b}$${c");
    }
}

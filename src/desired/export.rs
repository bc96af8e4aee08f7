//! The state of an ini, and a desired-state file that gives another ini the same state.

use std::fmt::Write as _;

use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind, Privacy};
use crate::microsip::values;

use super::schema::{Given, SecretSource, account_keys, settings_keys};

/// What MicroSIP saves for its own use, such as dates and positions of windows. A state doesn't include it.
const OWN_KEYS: &[&str] =
    &["version", "checkUpdatesTime", "callsLastKey", "activeTab", "lastCallNumber", "lastCallHasVideo"];
const OWN_KEY_PREFIXES: &[&str] = &["main", "messages", "ringin", "callsWidth", "contactsWidth"];

/// The state of an ini, without what MicroSIP saves for its own use.
#[derive(Debug)]
pub struct ExportedState {
    /// The settings, without the number of the selected account.
    pub settings: Vec<(&'static str, Entry)>,
    /// What runs on events, or why that can't be set.
    pub hooks: Vec<(Event, Result<HookCommand, String>)>,
    /// The accounts that MicroSIP reads, in their order.
    pub accounts: Vec<ExportedAccount>,
    /// The shortcuts from 0.
    pub shortcuts: Vec<String>,
    /// The number of the selected account, if it is one of these.
    pub selected: Option<u32>,
}

/// What is written for a key.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Its value.
    Given(Given),
    /// Nothing, with the reason.
    LeftOut(String),
}

/// An account.
#[derive(Debug)]
pub struct ExportedAccount {
    /// Its number.
    pub number: u32,
    /// Its keys that don't have their default. A password is an environment variable that the user has to set.
    pub keys: Vec<(&'static str, Entry)>,
}

impl ExportedState {
    /// Reads the state of an ini with these hooks.
    pub fn of(document: &IniDocument, hooks: Vec<(Event, Result<HookCommand, String>)>) -> ExportedState {
        let setting = |key: Key| {
            let value = value(document, "Settings", &key)?;
            Some((key.name, entry(&key, "Settings", &value)?))
        };
        let settings =
            settings_keys().filter(|key| key.name != ACCOUNT_ID && !is_own_key(key.name)).filter_map(setting);
        let numbers = account_numbers(document);
        let selected = accounts::selected(document).filter(|number| numbers.contains(number));
        let account = |number: u32| {
            let section = format!("Account{number}");
            let entries = account_keys().filter(|key| key.name != PASSWORD_SIZE).filter_map(|key| {
                let value = value(document, &section, &key)?;
                // a key that the file doesn't name gets its default
                if value == key.default {
                    return None;
                }
                Some((key.name, account_entry(&key, number, &section, &value)?))
            });
            ExportedAccount { number, keys: entries.collect() }
        };
        ExportedState {
            settings: settings.collect(),
            hooks,
            accounts: numbers.into_iter().map(account).collect(),
            shortcuts: shortcuts(document),
            selected,
        }
    }

    /// Returns the state as TOML. A comment names what is left out, and why.
    pub fn toml(&self) -> String {
        let mut text = String::from(
            "# The state of a MicroSIP, for 'msipcfg apply'. What MicroSIP saves for its own use is left out.\n",
        );
        let selected = self.selected.map(|number| format!("{ACCOUNT_ID} = {number}\n")).unwrap_or_default();
        push_section(&mut text, "[settings]", &(lines(&self.settings) + &selected));
        let hooks: String = self.hooks.iter().map(|(event, command)| hook(*event, command)).collect();
        push_section(&mut text, "[hooks]", &hooks);
        let shortcut = |(number, text): (usize, &String)| format!("{number} = {}\n", quoted(text));
        push_section(
            &mut text,
            "[shortcuts]",
            &self.shortcuts.iter().enumerate().map(shortcut).collect::<String>(),
        );
        for account in &self.accounts {
            push_section(&mut text, "[[accounts]]", &lines(&account.keys));
        }
        text
    }
}

/// The key that selects an account.
pub(super) const ACCOUNT_ID: &str = "accountId";

/// The key that MicroSIP writes next to a password.
pub(super) const PASSWORD_SIZE: &str = "passwordSize";

fn push_section(text: &mut String, header: &str, lines: &str) {
    if !lines.is_empty() {
        let _ = write!(text, "\n{header}\n{lines}");
    }
}

fn is_own_key(name: &str) -> bool {
    OWN_KEYS.contains(&name)
        || OWN_KEY_PREFIXES.iter().any(|start| name.starts_with(start) && name.len() > start.len())
}

/// Returns what MicroSIP reads for a key.
pub(super) fn value(document: &IniDocument, section: &str, key: &Key) -> Option<String> {
    lookup::value(document, section, key.name, key.limit).map(|value| String::from_utf16_lossy(&value))
}

/// Returns the numbers of the accounts that MicroSIP reads: it stops at the first that is missing or has no domain.
pub(super) fn account_numbers(document: &IniDocument) -> Vec<u32> {
    let all = accounts::all(document);
    let is_account = |number: &u32| all.iter().any(|one| one.number == *number && !one.domain.is_empty());
    (1..).take_while(is_account).collect()
}

fn account_entry(key: &Key, number: u32, section: &str, value: &str) -> Option<Entry> {
    match key.kind {
        Kind::Secret if value.is_empty() => None,
        Kind::Secret => {
            let env = format!("MICROSIP_PASSWORD_{number}");
            Some(Entry::Given(Given::Secret(SecretSource::Env { env })))
        }
        _ => entry(key, section, value),
    }
}

fn entry(key: &Key, section: &str, value: &str) -> Option<Entry> {
    if key.privacy > Privacy::Open {
        return (!value.is_empty()).then(|| Entry::LeftOut("private".into()));
    }
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Some(Entry::LeftOut("not valid text".into()));
    }
    let path: KeyPath = format!("{section}/{}", key.name).parse().ok()?;
    Some(match values::as_saved(&path, value) {
        Ok(saved) => Entry::Given(given(key, saved.value)),
        Err(error) => Entry::LeftOut(error.to_string()),
    })
}

/// Returns a value in the form that the file has for it.
pub(super) fn given(key: &Key, value: String) -> Given {
    let is_number = matches!(key.kind, Kind::Bool(_) | Kind::Int { .. });
    match value.parse() {
        Ok(number) if is_number => Given::Number(number),
        _ => Given::Text(value),
    }
}

fn lines(entries: &[(&'static str, Entry)]) -> String {
    let line = |(name, entry): &(&str, Entry)| match entry {
        Entry::Given(given) => format!("{name} = {}\n", toml_value(given)),
        Entry::LeftOut(why) => format!("# {name} is left out: {}\n", on_one_line(why)),
    };
    entries.iter().map(line).collect()
}

fn toml_value(given: &Given) -> String {
    match given {
        Given::Absent(boolean) => boolean.to_string(),
        Given::Number(number) => number.to_string(),
        Given::Text(text) => quoted(text),
        Given::Secret(SecretSource::Env { env }) => format!("{{ env = {} }}", quoted(env)),
        Given::Secret(SecretSource::File { file }) => format!("{{ file = {} }}", quoted(file)),
        Given::Secret(SecretSource::Stdin { .. }) => "{ stdin = true }".into(),
    }
}

/// Returns text in quotes, without variables.
fn quoted(text: &str) -> String {
    toml::Value::from(text.replace("${", "$${")).to_string()
}

fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn hook(event: Event, command: &Result<HookCommand, String>) -> String {
    let HookCommand { program, args } = match command {
        Ok(command) => command,
        Err(why) => return format!("# {} is left out: {}\n", event.name(), on_one_line(why)),
    };
    let args: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
    match &args[..] {
        [] => format!("{} = {}\n", event.name(), quoted(program)),
        args => {
            format!("{} = {{ program = {}, args = [{}] }}\n", event.name(), quoted(program), args.join(", "))
        }
    }
}

fn shortcuts(document: &IniDocument) -> Vec<String> {
    let shortcut = |number: usize| {
        let key = keys::find("Shortcuts", &number.to_string())?;
        let value = lookup::value(document, "Shortcuts", &number.to_string(), key.limit)?;
        let value = String::from_utf16_lossy(&value);
        (!value.is_empty()).then_some(value)
    };
    (0..).map_while(shortcut).collect()
}

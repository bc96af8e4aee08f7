//! The state that an ini is in, as far as it can be written down, and as a file that brings another into it.

use std::fmt::Write as _;

use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind, Privacy};
use crate::microsip::values;

use super::file::{Given, SecretSource, account_keys, settings_keys};

/// What MicroSIP notes for itself: a machine that is set up like another has its own windows and dates.
const OWN_NOTES: &[&str] =
    &["version", "checkUpdatesTime", "callsLastKey", "activeTab", "lastCallNumber", "lastCallHasVideo"];
const OWN_PLACES: &[&str] = &["main", "messages", "ringin", "callsWidth", "contactsWidth"];

/// The state of an ini: what MicroSIP notes for itself is not in it.
#[derive(Debug)]
pub struct State {
    /// The settings. The number of the account that is used is not among them.
    pub settings: Vec<(&'static str, Entry)>,
    /// What runs at events, or why that could not be set again.
    pub hooks: Vec<(Event, Result<HookCommand, String>)>,
    /// The accounts from the first, as far as MicroSIP comes to them.
    pub accounts: Vec<Account>,
    /// The shortcuts from 0.
    pub shortcuts: Vec<String>,
    /// The number of the account that is used, if it is one of these.
    pub selected: Option<u32>,
}

/// What stands behind the name of a key.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Its value.
    Given(Given),
    /// Nothing, and why.
    LeftOut(String),
}

/// An account.
#[derive(Debug)]
pub struct Account {
    /// Its number.
    pub number: u32,
    /// What of it has not its default. In the place of a password stands a variable that nobody has set.
    pub keys: Vec<(&'static str, Entry)>,
}

impl State {
    /// That of an ini with these hooks.
    pub fn of(document: &IniDocument, hooks: Vec<(Event, Result<HookCommand, String>)>) -> State {
        let settings =
            settings_keys().filter(|key| key.name != ACCOUNT_ID && !is_own_note(key.name)).filter_map(
                |key| Some((key.name, entry(&key, "Settings", &value(document, "Settings", &key)?)?)),
            );
        let numbers = run_of_accounts(document);
        let selected = accounts::selected(document).filter(|number| numbers.contains(number));
        let account = |number: u32| {
            let section = format!("Account{number}");
            let entries = account_keys().filter(|key| key.name != PASSWORD_SIZE).filter_map(|key| {
                let value = value(document, &section, &key)?;
                // without a name in the file it has its default
                let is_default = value == key.default;
                let entry = || account_entry(&key, number, &section, &value);
                (!is_default).then(entry).flatten().map(|entry| (key.name, entry))
            });
            Account { number, keys: entries.collect() }
        };
        State {
            settings: settings.collect(),
            hooks,
            accounts: numbers.into_iter().map(account).collect(),
            shortcuts: shortcuts(document),
            selected,
        }
    }

    /// In TOML. What is left out, and passwords, have a comment that says so.
    pub fn toml(&self) -> String {
        let mut text = String::from(
            "# The state of a MicroSIP, for 'msipcfg apply'. What it notes for itself is left out.\n",
        );
        let selected = self.selected.map(|number| format!("{ACCOUNT_ID} = {number}\n")).unwrap_or_default();
        put(&mut text, "[settings]", &(lines(&self.settings) + &selected));
        let hooks: String = self.hooks.iter().map(|(event, command)| hook(*event, command)).collect();
        put(&mut text, "[hooks]", &hooks);
        let shortcut = |(number, text): (usize, &String)| format!("{number} = {}\n", quoted(text));
        put(&mut text, "[shortcuts]", &self.shortcuts.iter().enumerate().map(shortcut).collect::<String>());
        for account in &self.accounts {
            put(&mut text, "[[accounts]]", &lines(&account.keys));
        }
        text
    }
}

/// The key that says which account is used.
pub(super) const ACCOUNT_ID: &str = "accountId";

/// The key that MicroSIP writes beside a password.
pub(super) const PASSWORD_SIZE: &str = "passwordSize";

fn put(text: &mut String, header: &str, lines: &str) {
    if !lines.is_empty() {
        let _ = write!(text, "\n{header}\n{lines}");
    }
}

fn is_own_note(name: &str) -> bool {
    OWN_NOTES.contains(&name)
        || OWN_PLACES.iter().any(|start| name.starts_with(start) && name.len() > start.len())
}

/// What MicroSIP reads for a key.
pub(super) fn value(document: &IniDocument, section: &str, key: &Key) -> Option<String> {
    lookup::value(document, section, key.name, key.limit).map(|value| String::from_utf16_lossy(&value))
}

/// The accounts to the first that is missing, or has no domain: MicroSIP comes to no others.
pub(super) fn run_of_accounts(document: &IniDocument) -> Vec<u32> {
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
        return (!value.is_empty()).then(|| Entry::LeftOut("it is private".into()));
    }
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Some(Entry::LeftOut("it is no whole text".into()));
    }
    let path: KeyPath = format!("{section}/{}", key.name).parse().ok()?;
    Some(match values::as_saved(&path, value) {
        Ok(saved) => Entry::Given(given(key, saved.value)),
        Err(error) => Entry::LeftOut(error.to_string()),
    })
}

/// A value that a key can have.
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
        Entry::LeftOut(why) => format!("# {name} is left out: {}\n", in_one_line(why)),
    };
    entries.iter().map(line).collect()
}

fn toml_value(given: &Given) -> String {
    match given {
        Given::Absent(there) => there.to_string(),
        Given::Number(number) => number.to_string(),
        Given::Text(text) => quoted(text),
        Given::Secret(SecretSource::Env { env }) => format!("{{ env = {} }}", quoted(env)),
        Given::Secret(SecretSource::File { file }) => format!("{{ file = {} }}", quoted(file)),
        Given::Secret(SecretSource::Stdin { .. }) => "{ stdin = true }".into(),
    }
}

/// Text between quotes, with no variables in it.
fn quoted(text: &str) -> String {
    toml::Value::from(text.replace("${", "$${")).to_string()
}

fn in_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn hook(event: Event, command: &Result<HookCommand, String>) -> String {
    let HookCommand { program, args } = match command {
        Ok(command) => command,
        Err(why) => return format!("# {} is left out: {}\n", event.name(), in_one_line(why)),
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

//! The state of an ini, and a desired-state file that gives another ini the same state.

use std::fmt::Write as _;

use crate::actions::edit;
use crate::diagnostic::{Code, Diagnostic};
use crate::hook::action::template::Template;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::microsip::accounts::{self, LOCAL};
use crate::microsip::keys::{self, Key, Kind, Privacy, setting_path};
use crate::microsip::values;

use super::hooks::{ActionSettings, Hook};
use super::schema::{AccountsMode, Given, SecretSource, account_keys, settings_keys};

/// What MicroSIP saves for its own use, such as dates and positions of windows. A state doesn't include it.
const OWN_KEYS: &[&str] =
    &["version", "checkUpdatesTime", "callsLastKey", "activeTab", "lastCallNumber", "lastCallHasVideo"];
const OWN_KEY_PREFIXES: &[&str] = &["main", "messages", "ringin", "callsWidth", "contactsWidth"];

/// The state of an ini, without what MicroSIP saves for its own use.
#[derive(Debug)]
pub struct ExportedState {
    /// The settings.
    pub settings: Vec<(&'static str, Entry)>,
    /// What runs on events, or why that can't be set. Private values of actions are environment variables that the
    /// user has to set.
    pub hooks: Vec<(Event, Result<Hook, String>)>,
    /// The settings for all actions.
    pub actions: ActionSettings,
    /// The environment variables for private values of actions, each with what it's for.
    secrets: Vec<(String, String)>,
    /// Whether the accounts are all that the ini has, with all their keys.
    pub mode: AccountsMode,
    /// The accounts that MicroSIP reads, in their order.
    pub accounts: Vec<ExportedAccount>,
    /// The shortcuts from 0.
    pub shortcuts: Vec<String>,
    /// Keys and sections that a state can't name, each with the reason.
    pub unnamed: Vec<(String, &'static str)>,
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
    pub fn of(
        document: &IniDocument,
        mut hooks: Vec<(Event, Result<Hook, String>)>,
        actions: ActionSettings,
    ) -> ExportedState {
        let secrets = take_secrets(&mut hooks);
        let setting = |key: Key| Some((key.name, setting(&key, document)?));
        let mut settings: Vec<_> =
            settings_keys().filter(|key| !is_own_key(key.name)).filter_map(setting).collect();
        let selection = settings.iter().find(|(name, _)| *name == ACCOUNT_ID).map(|(_, entry)| entry);
        let numbers = match selection {
            // Another ini would use another account.
            Some(Entry::LeftOut(_)) => Vec::new(),
            _ => account_numbers(document),
        };
        if selection.is_none() && !numbers.is_empty() {
            settings.push((ACCOUNT_ID, Entry::Given(Given::Absent(false))));
        }
        let accounts: Vec<_> = numbers.iter().map(|number| account(*number, document)).collect();
        let is_whole = |account: &ExportedAccount| {
            account.keys.iter().all(|(_, entry)| matches!(entry, Entry::Given(_)))
        };
        // In exact mode, keys that aren't named get their defaults, and other accounts are removed.
        let all = accounts::all(document);
        let is_exact = accounts.iter().all(is_whole)
            && all.iter().all(|account| account.number == LOCAL || numbers.contains(&account.number));
        let shortcuts = shortcuts(document);
        ExportedState {
            unnamed: unnamed(document, &numbers, shortcuts.len()),
            mode: if is_exact { AccountsMode::Exact } else { AccountsMode::Ensure },
            settings,
            hooks,
            actions,
            secrets,
            accounts,
            shortcuts,
        }
    }

    /// Returns a warning for each part of the ini that isn't exported.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        let left_out = |path: String, why: &str| {
            Diagnostic::new(Code::ExportIncomplete, format!("{path} isn't exported: {why}"))
        };
        let of_keys = |section: &str, keys: &[(&str, Entry)]| -> Vec<Diagnostic> {
            let of_key = |(name, entry): &(&str, Entry)| match entry {
                Entry::Given(_) => None,
                Entry::LeftOut(why) => Some(left_out(setting_path(section, name), why)),
            };
            keys.iter().filter_map(of_key).collect()
        };
        let mut warnings = of_keys("Settings", &self.settings);
        for (event, command) in &self.hooks {
            warnings.extend(command.as_ref().err().map(|why| left_out(event.key().into(), why)));
        }
        for account in &self.accounts {
            warnings.extend(of_keys(&format!("Account{}", account.number), &account.keys));
        }
        warnings.extend(self.secret_warnings());
        warnings.extend(self.unnamed.iter().map(|(path, why)| left_out(path.clone(), why)));
        warnings
    }

    /// Returns a warning for each private value of an action.
    pub fn secret_warnings(&self) -> Vec<Diagnostic> {
        let warning = |(variable, what): &(String, String)| {
            let message = format!("{what} is private, so it isn't exported");
            Diagnostic::new(Code::ExportIncomplete, message).with_hint(format!(
                "where the actions run, set the environment variable {variable} to this value"
            ))
        };
        self.secrets.iter().map(warning).collect()
    }

    /// Returns the state as TOML. A comment names what is left out, and why.
    pub fn toml(&self) -> String {
        let mut text = String::from(
            "# The state of a MicroSIP, for 'msipcfg apply'. What MicroSIP saves for its own use is left out.\n",
        );
        if self.mode == AccountsMode::Ensure && !self.accounts.is_empty() {
            text.push_str("accounts-mode = \"ensure\"\n");
        }
        for (name, value) in [
            ("runner", self.actions.runner.clone()),
            ("history", self.actions.history.map(edit::history_text)),
        ] {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} = {}", quoted(&value));
            }
        }
        push_section(&mut text, "[settings]", &lines(&self.settings));
        if let Some(numbers) = &self.actions.numbers {
            push_section(&mut text, "[numbers]", &edit::numbers(numbers).to_string());
        }
        let hooks: String = self.hooks.iter().map(|(event, one)| hook(*event, one)).collect();
        push_section(&mut text, "[hooks]", &hooks);
        for (event, one) in &self.hooks {
            let Ok(Hook::Actions(actions)) = one else { continue };
            for action in actions {
                let lines = without_variables(&edit::table(action).to_string());
                push_section(&mut text, &format!("[[hooks.{event}]]"), &lines);
            }
        }
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

/// Returns the account of this number.
fn account(number: u32, document: &IniDocument) -> ExportedAccount {
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
}

/// Returns what is in an ini, but can't be in a state.
fn unnamed(document: &IniDocument, accounts: &[u32], shortcuts: usize) -> Vec<(String, &'static str)> {
    let mut unnamed = Vec::new();
    for section in document.sections() {
        let name = section.name.to_string();
        let number = accounts::number_of(&name);
        let known = keys::of_section(&name);
        let is_settings = name.eq_ignore_ascii_case("Settings");
        if let Some(number) = number.filter(|number| !accounts.contains(number)) {
            let why = match number {
                LOCAL => "a desired state can't contain the local account",
                _ => "MicroSIP doesn't use this account",
            };
            unnamed.push((format!("[{name}]"), why));
        } else if is_settings || number.is_some() {
            for key in document.keys(&section).filter(|key| known.find(&key.name.to_string()).is_none()) {
                unnamed.push((setting_path(&name, &key.name.to_string()), "msipcfg doesn't know this key"));
            }
        }
        if is_settings && accounts::is_old_layout(document) {
            unnamed.push((
                "the account in [Settings]".into(),
                "start MicroSIP once, so that it moves it to [Account1]",
            ));
        }
        if name.eq_ignore_ascii_case("Shortcuts") {
            let is_number = |name: &str| name.parse::<usize>().is_ok_and(|number| number < shortcuts);
            let others =
                document.keys(&section).map(|key| key.name.to_string()).filter(|name| !is_number(name));
            unnamed
                .extend(others.map(|key| (setting_path(&name, &key), "MicroSIP doesn't show this shortcut")));
        }
    }
    unnamed
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

/// Returns the entry of a setting.
fn setting(key: &Key, document: &IniDocument) -> Option<Entry> {
    let value = value(document, "Settings", key)?;
    match key.name {
        ACCOUNT_ID if value.is_empty() => None,
        "STUN" if !value.is_empty() && accounts::are_old_keys_deleted(document) => {
            Some(Entry::LeftOut("MicroSIP deletes it at its next start, because accountId isn't set".into()))
        }
        _ => entry(key, "Settings", &value),
    }
}

fn entry(key: &Key, section: &str, value: &str) -> Option<Entry> {
    if key.privacy > Privacy::Open {
        return (!value.is_empty()).then(|| Entry::LeftOut("it's private".into()));
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
    without_variables(&toml::Value::from(text).to_string())
}

fn without_variables(text: &str) -> String {
    text.replace("${", "$${")
}

/// Replaces the private values of actions by environment variables, and returns these, each with what it's for.
fn take_secrets(hooks: &mut [(Event, Result<Hook, String>)]) -> Vec<(String, String)> {
    let mut secrets = Vec::new();
    for (event, hook) in hooks {
        let Ok(Hook::Actions(actions)) = hook else { continue };
        for action in actions {
            let shown = action.to_string();
            for (place, value) in action.secrets_mut() {
                let variable = format!("MSIPCFG_SECRET_{}", secrets.len() + 1);
                *value = Template::of_variable(variable.clone());
                secrets.push((variable, format!("{place} of {event}: {shown}")));
            }
        }
    }
    secrets
}

fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn hook(event: Event, hook: &Result<Hook, String>) -> String {
    let HookCommand { program, args } = match hook {
        Ok(Hook::Program(command)) => command,
        Ok(Hook::Nothing | Hook::Actions(_)) => return String::new(),
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
        let path = KeyPath::new("Shortcuts", &number.to_string()).ok()?;
        let limit = keys::limit("Shortcuts", path.key.as_str());
        let value = lookup::value(document, "Shortcuts", path.key.as_str(), limit)?;
        let value = String::from_utf16(&value).ok().filter(|value| !value.is_empty())?;
        values::as_saved(&path, &value).is_ok_and(|saved| saved.value == value).then_some(value)
    };
    (0..).map_while(shortcut).collect()
}

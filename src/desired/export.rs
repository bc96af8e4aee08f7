//! The state that an ini is in, as a file that brings another into it.

use std::fmt::Write as _;

use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind, Privacy};
use crate::microsip::values;

use super::file::{account_keys, settings_keys};

/// What MicroSIP notes for itself: a machine that is set up like another has its own windows and dates.
const OWN_NOTES: &[&str] =
    &["version", "checkUpdatesTime", "callsLastKey", "activeTab", "lastCallNumber", "lastCallHasVideo"];
const OWN_PLACES: &[&str] = &["main", "messages", "ringin", "callsWidth", "contactsWidth"];

/// The state of an ini in TOML, with its hooks, or why one could not be applied. That, and passwords, are left out, which
/// a comment says.
pub fn text(document: &IniDocument, hooks: &[(Event, Result<HookCommand, String>)]) -> String {
    let mut text = String::from(
        "# The state of a MicroSIP, for 'msipcfg apply'. What it notes for itself is left out.\n",
    );
    let settings: String = settings_keys()
        .filter(|key| key.name != "accountId" && !is_own_note(key.name))
        .filter_map(|key| Some(setting(&key, "Settings", &value(document, "Settings", &key)?)))
        .collect();
    let accounts = run_of_accounts(document);
    let selected = accounts::selected(document).filter(|number| accounts.contains(number));
    let selected = selected.map(|number| format!("accountId = {number}\n")).unwrap_or_default();
    put(&mut text, "[settings]", &(settings + &selected));
    let hooks: String = hooks.iter().map(|(event, command)| hook(*event, command)).collect();
    put(&mut text, "[hooks]", &hooks);
    put(&mut text, "[shortcuts]", &shortcuts(document));
    for number in accounts {
        let section = format!("Account{number}");
        let keys: String = account_keys()
            .filter(|key| key.name != "passwordSize")
            .filter_map(|key| {
                let value = value(document, &section, &key)?;
                // without a name in the file it has its default
                (value != key.default).then(|| account_key(&key, number, &section, &value))
            })
            .collect();
        put(&mut text, "[[accounts]]", &keys);
    }
    text
}

fn put(text: &mut String, header: &str, lines: &str) {
    if !lines.is_empty() {
        let _ = write!(text, "\n{header}\n{lines}");
    }
}

fn is_own_note(name: &str) -> bool {
    OWN_NOTES.contains(&name)
        || OWN_PLACES.iter().any(|start| name.starts_with(start) && name.len() > start.len())
}

fn value(document: &IniDocument, section: &str, key: &Key) -> Option<String> {
    lookup::value(document, section, key.name, key.limit).map(|value| String::from_utf16_lossy(&value))
}

/// The accounts to the first that is missing, or has no domain: MicroSIP comes to no others.
fn run_of_accounts(document: &IniDocument) -> Vec<u32> {
    let all = accounts::all(document);
    let is_account = |number: &u32| all.iter().any(|one| one.number == *number && !one.domain.is_empty());
    (1..).take_while(is_account).collect()
}

fn account_key(key: &Key, number: u32, section: &str, value: &str) -> String {
    match key.kind {
        Kind::Secret if value.is_empty() => String::new(),
        Kind::Secret => format!("password = {{ env = \"MICROSIP_PASSWORD_{number}\" }}\n"),
        _ => setting(key, section, value),
    }
}

/// A line for a key, or a comment that says why there is none.
fn setting(key: &Key, section: &str, value: &str) -> String {
    if key.privacy > Privacy::Open {
        if value.is_empty() {
            return String::new();
        }
        return format!("# {} is left out: it is private\n", key.name);
    }
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return format!("# {} is left out: it is no whole text\n", key.name);
    }
    let path: Result<KeyPath, _> = format!("{section}/{}", key.name).parse();
    let Ok(path) = path else { return String::new() };
    match values::as_saved(&path, value) {
        Ok(saved) => format!("{} = {}\n", key.name, toml_value(key, &saved.value)),
        Err(error) => format!("# {} is left out: {}\n", key.name, in_one_line(&error.to_string())),
    }
}

fn toml_value(key: &Key, value: &str) -> String {
    let is_number = matches!(key.kind, Kind::Bool(_) | Kind::Int { .. }) && value.parse::<i64>().is_ok();
    if is_number { value.to_string() } else { quoted(value) }
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

fn shortcuts(document: &IniDocument) -> String {
    let shortcut = |number: usize| {
        let name = number.to_string();
        let key = keys::find("Shortcuts", &name)?;
        let value = lookup::value(document, "Shortcuts", &name, key.limit)?;
        let value = String::from_utf16_lossy(&value);
        (!value.is_empty()).then(|| format!("{number} = {}\n", quoted(&value)))
    };
    (0..).map_while(shortcut).collect()
}

//! One MicroSIP.ini as an instance of Microsoft's DSC: the form of a desired-state file with a few properties more, read
//! from JSON and answered in JSON.

use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::export::{self, Entry, PASSWORD_SIZE};
use super::file::{AccountsMode, DesiredFile, Given, Hook, HookTable, MicroSip, PARTS, account_keys};
use super::source::{Format, Hidden, Node, Source, Tree, is_secret};
use super::state::{self, Accounts, Desired};
use super::vars::ReadText;
use super::{DesiredError, Fault, What};
use crate::edit::plan::Edit;
use crate::guess;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::microsip::accounts;
use crate::microsip::keys::{self, Key, Kind};
use crate::microsip::values;
use crate::microsip::version::Version;
use crate::request::ValueSource;

/// The property that names the ini.
pub const INI: &str = "ini";
/// The property that says whether the ini is to be there.
pub const EXIST: &str = "_exist";
/// The property that says whether an account has a password.
pub const PASSWORD_SET: &str = "passwordSet";
/// The properties that are only answered; given back as input they mean nothing.
const READ_ONLY: [&str; 4] = ["_inDesiredState", "_restartRequired", "_metadata", "_name"];
/// Text that is to be kept secret, as DSC passes it on.
const SECURE_STRING: &str = "secureString";

/// What is asked for of one ini.
pub struct Instance {
    /// The ini, an absolute path; otherwise the one there is.
    pub ini: Option<PathBuf>,
    /// What it is to be.
    pub wanted: Presence,
}

/// Whether an ini is to be there.
pub enum Presence {
    /// It is not.
    Absent,
    /// It is, in this state.
    Present(Desired),
}

/// Where passwords are read.
#[derive(Clone, Copy)]
pub enum Passwords<'a> {
    /// Nowhere: nobody needs them.
    Unread,
    /// Where they are said to be.
    Read(&'a ReadText<'a>),
}

/// Reads an instance from JSON. Nothing, and `null`, is one that names nothing.
///
/// # Errors
/// When something in it is wrong. No value is in the message.
pub fn read(text: String, passwords: Passwords<'_>) -> Result<Instance, DesiredError> {
    let text = if text.trim_start_matches('\u{FEFF}').trim().is_empty() { "{}".into() } else { text };
    let mut source = Source::parse("the input".into(), text, Format::Json, Hidden::Values)?;
    let own = take_own(&mut source.root).map_err(|fault| source.error(fault))?;
    let read: &ReadText<'_> = match passwords {
        Passwords::Read(read) if own.is_to_exist => read,
        _ => &unread,
    };
    let desired = state::literal(&source, read, Path::new(""))?;
    let wanted = if own.is_to_exist { Presence::Present(desired) } else { Presence::Absent };
    Ok(Instance { ini: own.ini, wanted })
}

fn unread(_: &ValueSource) -> io::Result<String> {
    Ok(String::new())
}

/// The properties that a desired-state file does not have.
struct Own {
    ini: Option<PathBuf>,
    is_to_exist: bool,
}

/// Takes them out of an instance, so that a desired state is left.
fn take_own(root: &mut Node) -> Result<Own, Fault> {
    if matches!(root.tree, Tree::Leaf(Json::Null)) {
        root.tree = Tree::Table(Vec::new());
    }
    let mut own = Own { ini: None, is_to_exist: true };
    let span = root.span.clone();
    let Tree::Table(parts) = &mut root.tree else {
        return Err(What::Shape { found: root.kind(), expected: "an object".into() }.at(&span));
    };
    for (name, part) in parts.iter_mut() {
        let wrong = |expected: &str| What::Shape { found: part.kind(), expected: expected.into() };
        match (name.as_str(), &part.tree) {
            (INI, Tree::Leaf(Json::String(path))) if Path::new(path).is_absolute() => {
                own.ini = Some(PathBuf::from(path));
            }
            (INI, _) => return Err(wrong("an absolute path").at(&part.span)),
            (EXIST, Tree::Leaf(Json::Bool(is_to_exist))) => own.is_to_exist = *is_to_exist,
            (EXIST, _) => return Err(wrong("true or false").at(&part.span)),
            ("accounts", _) => take_passwords(part)?,
            (name, _) if PARTS.contains(&name) || READ_ONLY.contains(&name) => {}
            (name, _) => return Err(unknown(name).at(&part.key)),
        }
    }
    parts.retain(|(name, _)| PARTS.contains(&name.as_str()));
    Ok(own)
}

fn unknown(name: &str) -> What {
    let known = || PARTS.into_iter().chain([INI, EXIST]);
    let hint = match guess::nearest(name, known()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("there can be {}", known().collect::<Vec<_>>().join(", ")),
    };
    What::UnknownKey { key: name.into(), hint: Some(hint) }
}

/// Makes the passwords of accounts what they are in a file.
fn take_passwords(accounts: &mut Node) -> Result<(), Fault> {
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

fn take_secure_string(password: &mut Node) -> Result<(), Fault> {
    let absolute = |file: &Json| file.as_str().is_some_and(|file| Path::new(file).is_absolute());
    let text = match &password.tree {
        Tree::Leaf(Json::String(_) | Json::Bool(false)) => return Ok(()),
        Tree::Table(parts) => match &parts[..] {
            [(name, Node { tree: Tree::Leaf(Json::String(text)), .. })] if name == SECURE_STRING => {
                text.clone()
            }
            [(name, Node { tree: Tree::Leaf(Json::String(_)), .. })] if name == "env" => return Ok(()),
            // who starts this has the folder of a manifest for its current one
            [(name, Node { tree: Tree::Leaf(file), .. })] if name == "file" && absolute(file) => {
                return Ok(());
            }
            _ => return Err(no_password(password)),
        },
        _ => return Err(no_password(password)),
    };
    password.tree = Tree::Leaf(Json::from(text));
    Ok(())
}

fn no_password(found: &Node) -> Fault {
    let expected =
        "text, or an object of a secureString, the name of a variable in env, or an absolute path in file";
    What::Shape { found: found.kind(), expected: expected.into() }.at(&found.span)
}

/// The state of an ini as it is answered. Without passwords.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    microsip: Option<MicroSip>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    settings: IndexMap<String, Given>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    hooks: IndexMap<String, Hook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts_mode: Option<AccountsMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<Account>>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    shortcuts: IndexMap<String, Given>,
}

#[derive(Debug, Serialize)]
struct Account {
    #[serde(flatten)]
    keys: IndexMap<String, Given>,
    #[serde(rename = "passwordSet")]
    password_set: bool,
}

impl Desired {
    /// Whether it names this key of [Settings] as a setting.
    pub fn names_setting(&self, name: &str) -> bool {
        self.settings.iter().any(|edit| edit.path().key.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.min_version.is_none()
            && self.hooks.is_empty()
            && self.settings.is_empty()
            && self.accounts.is_none()
            && self.shortcuts.is_empty()
    }
}

impl State {
    /// What an ini has for all that is wanted. `hooks` is what runs at the wanted events; `version` that of its MicroSIP.
    pub fn named(
        desired: &Desired,
        hooks: Vec<(Event, Option<HookCommand>)>,
        version: Option<Version>,
        document: &IniDocument,
    ) -> State {
        let found = |edit: &Edit| {
            let path = edit.path();
            let (section, name) = (path.section.as_str(), path.key.as_str());
            let key = keys::find(section, name)?;
            // a shortcut's name in the catalogue stands for any number
            let name = if key.name == "#" { name } else { key.name };
            Some((name.to_string(), shown(document, section, name, &key)))
        };
        State {
            microsip: desired
                .min_version
                .map(|_| MicroSip { min_version: version.as_ref().map(ToString::to_string) }),
            settings: desired.settings.iter().filter_map(found).collect(),
            hooks: hooks.into_iter().map(|(event, command)| (event.name().into(), hook(command))).collect(),
            accounts_mode: desired.accounts.as_ref().map(|accounts| accounts.mode),
            accounts: desired.accounts.as_ref().map(|accounts| accounts_named(accounts, document)),
            shortcuts: desired.shortcuts.iter().filter_map(found).collect(),
        }
    }

    /// All that could be wanted of another ini to make it like this one.
    pub fn all(document: &IniDocument, state: export::State) -> State {
        let is_whole = |account: &export::Account| {
            account.keys.iter().all(|(_, entry)| matches!(entry, Entry::Given(_)))
        };
        // what is not named of an account in this mode has its default, and what is not there goes
        let is_exact = state.accounts.iter().all(is_whole)
            && accounts::all(document)
                .iter()
                .filter(|account| account.number != accounts::LOCAL)
                .all(|account| state.accounts.iter().any(|one| one.number == account.number));
        let mut settings = given(&state.settings);
        if let Some(key) = keys::find("Settings", export::ACCOUNT_ID).filter(|_| !state.accounts.is_empty()) {
            settings.insert(key.name.into(), shown(document, "Settings", key.name, &key));
        }
        let accounts: Vec<Account> = state.accounts.iter().map(account).collect();
        let hooks = state.hooks.into_iter();
        let hooks =
            hooks.filter_map(|(event, command)| Some((event.name().into(), hook(Some(command.ok()?)))));
        let shortcuts = state.shortcuts.into_iter().enumerate();
        State {
            microsip: None,
            settings,
            hooks: hooks.collect(),
            accounts_mode: (!accounts.is_empty() && !is_exact).then_some(AccountsMode::Ensure),
            accounts: (!accounts.is_empty()).then_some(accounts),
            shortcuts: shortcuts.map(|(number, text)| (number.to_string(), Given::Text(text))).collect(),
        }
    }
}

fn given(entries: &[(&'static str, Entry)]) -> IndexMap<String, Given> {
    let given = |(name, entry): &(&'static str, Entry)| match entry {
        Entry::Given(Given::Secret(_)) | Entry::LeftOut(_) => None,
        Entry::Given(given) => Some((name.to_string(), given.clone())),
    };
    entries.iter().filter_map(given).collect()
}

fn account(account: &export::Account) -> Account {
    let is_set = |(_, entry): &(&str, Entry)| matches!(entry, Entry::Given(Given::Secret(_)));
    Account { keys: given(&account.keys), password_set: account.keys.iter().any(is_set) }
}

/// The accounts that there are beside the wanted ones, or among them: what of them is no default, and what is named.
fn accounts_named(wanted: &Accounts, document: &IniDocument) -> Vec<Account> {
    let there = accounts::all(document);
    let numbers = match wanted.mode {
        AccountsMode::Exact => export::run_of_accounts(document),
        AccountsMode::Ensure => wanted.numbers_among(&there),
    };
    let account = |(place, number): (usize, &u32)| {
        let found = there.iter().find(|one| one.number == *number && !one.domain.is_empty())?;
        let named = wanted.wanted.get(place);
        let section = format!("Account{number}");
        let entry = |key: Key| {
            let is_named = named.is_some_and(|account| account.names(key.name));
            let value = export::value(document, &section, &key);
            let is_default = value.is_none_or(|value| value == key.default);
            let is_open = key.privacy == keys::Privacy::Open && key.name != PASSWORD_SIZE;
            let is_told = is_named || (is_open && !is_default);
            (is_told && key.kind != Kind::Secret)
                .then(|| (key.name.to_string(), shown(document, &section, key.name, &key)))
        };
        Some(Account { keys: account_keys().filter_map(entry).collect(), password_set: found.has_password })
    };
    numbers.iter().enumerate().filter_map(account).collect()
}

/// What MicroSIP reads for a key, whether or not the key can have it.
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

fn hook(command: Option<HookCommand>) -> Hook {
    match command {
        None => Hook::None(false),
        Some(HookCommand { program, args }) if args.is_empty() => Hook::Program(program),
        Some(HookCommand { program, args }) => Hook::Command(HookTable { program, args }),
    }
}

/// The JSON Schema of an instance. Nothing in it refers to another place, and it takes any text for a value: what DSC
/// refuses by a schema it shows in its message.
pub fn schema() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let file = settings.into_generator().into_root_schema_for::<DesiredFile>().to_value();
    let mut properties = Map::new();
    let path = "The MicroSIP.ini, an absolute path. Without it the one there is.";
    properties.insert(INI.into(), json!({"type": "string", "description": path}));
    let exist = "Whether the ini is there. Where it is not to be, it is removed, and its backup stays.";
    properties.insert(EXIST.into(), json!({"type": "boolean", "default": true, "description": exist}));
    for part in PARTS {
        let mut property = file["properties"][part].clone();
        loosen(&mut property);
        properties.insert(part.into(), property);
    }
    put_password_in(&mut properties["accounts"]["items"]);
    let read_only = [
        json!({"type": "boolean", "description": "Whether the ini is in this state."}),
        json!({"type": "array", "items": {"type": "object"}, "description": "The MicroSIPs that have to read the ini again."}),
        json!({"type": "object", "description": "What a set would do."}),
        json!({"type": "string", "description": "A name for the instance."}),
    ];
    for (name, mut property) in READ_ONLY.into_iter().zip(read_only) {
        property["readOnly"] = json!(true);
        properties.insert(name.into(), property);
    }
    json!({
        "$schema": file["$schema"],
        "title": "A MicroSIP.ini and its state",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// Text with a variable in it has a form of its own in a file; here it is any text.
fn loosen(schema: &mut Json) {
    match schema {
        Json::Object(parts) => {
            parts.retain(|name, part| name != "default" || !part.is_null());
            for (name, part) in parts.iter_mut() {
                loosen(part);
                if let ("anyOf", Json::Array(forms)) = (name.as_str(), part) {
                    let any_text = json!({"type": "string"});
                    let is_text = |form: &Json| form["type"] == "string";
                    if forms.iter().any(is_text) {
                        let at = forms.iter().position(is_text).unwrap_or_default();
                        forms.retain(|form| !is_text(form));
                        forms.insert(at, any_text);
                    }
                }
            }
        }
        Json::Array(parts) => parts.iter_mut().for_each(loosen),
        _ => {}
    }
}

/// No form of it can be refused by the schema but another type, and a missing key cannot have it shown either.
fn put_password_in(account: &mut Json) {
    if let Json::Object(account) = &mut *account {
        account.shift_remove("required");
    }
    let password =
        "Text, {\"secureString\": TEXT}, {\"env\": NAME}, or {\"file\": ABSOLUTE PATH}. Never answered.";
    account["properties"]["password"] =
        json!({"type": ["string", "object"], "writeOnly": true, "description": password});
    let is_set = "Whether there is a password.";
    account["properties"][PASSWORD_SET] = json!({"type": "boolean", "readOnly": true, "description": is_set});
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, ToDiagnostic};

    const SECRET: &str = "T0p-S3cret";

    fn told(text: &str) -> Result<Instance, String> {
        let read = |place: &ValueSource| match place {
            ValueSource::Variable(name) if name == "PW" => Ok(SECRET.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        read_with(text, &read)
    }

    fn read_with(text: &str, passwords: &ReadText<'_>) -> Result<Instance, String> {
        read(text.into(), Passwords::Read(passwords)).map_err(|error| {
            assert!(!error.to_string().contains(SECRET), "{error}");
            assert_ne!(error.code(), Code::Usage);
            format!("{}: {}", error.path, error.what)
        })
    }

    fn absolute(name: &str) -> String {
        std::env::temp_dir().join(name).to_str().unwrap().replace('\\', "\\\\")
    }

    #[test]
    fn nothing_names_nothing() {
        for text in ["", " \r\n", "\u{FEFF}", "null", "{}", "\u{FEFF}{}"] {
            let instance = told(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let Presence::Present(desired) = instance.wanted else { panic!("{text:?}") };
            assert!(instance.ini.is_none() && desired.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn mistakes_have_their_path_and_no_value() {
        for (text, wanted) in [
            ("[]", ": this is a list; it has to be an object"),
            ("7", ": this is a number; it has to be an object"),
            (r#"{"setings":{}}"#, "setings: there is no 'setings' here"),
            (r#"{"$schema":"x"}"#, "$schema: there is no '$schema' here"),
            (r#"{"ini":"MicroSIP.ini"}"#, "ini: this is text; it has to be an absolute path"),
            (r#"{"_exist":"yes"}"#, "_exist: this is text; it has to be true or false"),
            (r#"{"settings":{"EC":[1]}}"#, "settings.EC: this is a list"),
            (r#"{"settings":{"ECC":1}}"#, "settings.ECC: there is no 'ECC' here"),
            (r#"{"accounts":[{"domain":"a"},{"domain":1}]}"#, "accounts[1].domain: this is a number"),
            (r#"{"accounts":[{"username":"a"}]}"#, "accounts[0]: 'domain' is missing"),
            (
                r#"{"accounts":[{"domain":"a","password":["T0p-S3cret"]}]}"#,
                "accounts[0].password: this is a list",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"secureString":7}}]}"#,
                "accounts[0].password: this is a table",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"file":"pw.txt"}}]}"#,
                "accounts[0].password: this is a table",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"stdin":true}}]}"#,
                "accounts[0].password: this is a table",
            ),
            (
                r#"{"accounts":[{"domain":"a","password":{"env":"NO"}}]}"#,
                "accounts[0].password: the password could not",
            ),
            (r#"{"accounts":[{"domain":"a","passwort":"T0p-S3cret"}]}"#, "accounts[0].passwort: there is no"),
        ] {
            let error = told(text).err().unwrap_or_else(|| panic!("{text} is taken"));
            assert!(error.starts_with(wanted), "{text}\n{error}\n{wanted}");
        }
    }

    #[test]
    fn a_password_comes_in_each_of_its_forms() {
        let file = absolute("pw.txt");
        for password in [
            format!("\"{SECRET}\""),
            format!("{{\"secureString\":\"{SECRET}\"}}"),
            "{\"env\":\"PW\"}".into(),
            format!("{{\"file\":\"{file}\"}}"),
        ] {
            let read = |_: &ValueSource| Ok(SECRET.to_string());
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
    fn what_is_only_answered_means_nothing_as_input() {
        let text = r#"{"_inDesiredState":null,"_restartRequired":[{}],"_metadata":{"a":1},"_name":"a","_exist":true}"#;
        let Presence::Present(desired) = told(text).unwrap().wanted else { panic!() };
        assert!(desired.is_empty());
        assert!(matches!(told(r#"{"_exist":false}"#).unwrap().wanted, Presence::Absent));
    }

    #[test]
    fn a_dollar_and_a_brace_are_text() {
        let Presence::Present(desired) = told(r#"{"settings":{"userAgent":"a${b}$${c"}}"#).unwrap().wanted
        else {
            panic!()
        };
        let [Edit::Set { value, .. }] = &desired.settings[..] else { panic!() };
        assert_eq!(value, "a${b}$${c");
    }

    #[test]
    fn the_schema_refuses_no_password_and_refers_to_nothing() {
        let schema = schema();
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("$defs") && schema.get("required").is_none());
        let account = &schema["properties"]["accounts"]["items"];
        assert_eq!(account["properties"]["password"]["type"], json!(["string", "object"]));
        assert!(account.get("required").is_none());
        for name in PARTS.into_iter().chain(READ_ONLY).chain([INI, EXIST]) {
            assert!(schema["properties"][name].is_object(), "{name}");
        }
    }
}

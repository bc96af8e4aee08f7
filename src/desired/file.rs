//! The form of a desired-state file. Its JSON Schema is made from these types and the catalogue.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use serde_path_to_error::Segment;

use super::source::{Node, Source, Tree};
use super::{DesiredError, What};
use crate::guess;
use crate::hook::event::Event;
use crate::microsip::keys::{self, Key, Kind};

/// The wanted state of one MicroSIP. What is not named is left as it is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table")]
#[schemars(title = "MicroSIP desired state")]
pub struct DesiredFile {
    /// Where this schema is, for editors.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The MicroSIP that this is for.
    pub microsip: MicroSip,
    /// Settings by MicroSIP's names. false: the key is not to be there, which is not the same as 0.
    #[schemars(schema_with = "settings_schema")]
    pub settings: IndexMap<String, Given>,
    /// What runs at the events of a call.
    #[schemars(schema_with = "hooks_schema")]
    pub hooks: IndexMap<String, Hook>,
    /// Whether there are to be accounts beside those of this file.
    pub accounts_mode: AccountsMode,
    /// The accounts in their order. Without it accounts are left alone.
    #[schemars(schema_with = "accounts_schema")]
    pub accounts: Option<Vec<IndexMap<String, Given>>>,
    /// Shortcuts by their numbers from 0, as MicroSIP writes them: label;number;type. false: not there.
    #[schemars(schema_with = "shortcuts_schema")]
    pub shortcuts: IndexMap<String, Given>,
}

/// The MicroSIP that a desired state is for.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table")]
pub struct MicroSip {
    /// An older one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+$"))]
    pub min_version: Option<String>,
}

/// Whether there are to be accounts beside those of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountsMode {
    /// These and no others, in this order; what is not named of them has its default.
    #[default]
    Exact,
    /// These are among them; others, and what is not named, are left alone.
    Ensure,
}

/// A value as it is given.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "text, a whole number, or false; a password may be { env = \"NAME\" }, { file = \"PATH\" } or { stdin = true }"
)]
pub enum Given {
    /// false: the key is not to be there. true is nothing.
    Absent(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// The place of a password.
    Secret(SecretSource),
}

/// Where a password is.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum SecretSource {
    /// In an environment variable.
    Env {
        /// Its name.
        env: String,
    },
    /// In a file.
    File {
        /// Its path, from the folder of the file that names it.
        file: String,
    },
    /// On standard input.
    Stdin {
        /// true.
        #[serde(deserialize_with = "yes")]
        #[schemars(extend("const" = true))]
        stdin: bool,
    },
}

/// What runs at an event.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "a program, a table of program and args, or false, which stands for none")]
pub enum Hook {
    /// false: nothing.
    None(
        #[serde(deserialize_with = "no")]
        #[schemars(extend("const" = false))]
        bool,
    ),
    /// A program without arguments.
    Program(String),
    /// A program and its arguments.
    Command(HookTable),
}

/// A program and its arguments.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HookTable {
    /// Its path, or its name where it can be found by that.
    pub program: String,
    /// What it receives in front of the number.
    #[serde(default)]
    pub args: Vec<String>,
}

fn yes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    exactly(deserializer, true)
}

fn no<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    exactly(deserializer, false)
}

fn exactly<'de, D: serde::Deserializer<'de>>(deserializer: D, wanted: bool) -> Result<bool, D::Error> {
    let given = bool::deserialize(deserializer)?;
    if given == wanted { Ok(given) } else { Err(serde::de::Error::custom("the other")) }
}

/// The tables and lists of a file.
pub const PARTS: [&str; 6] = ["microsip", "settings", "hooks", "accounts-mode", "accounts", "shortcuts"];

/// The key of `[microsip]`.
pub const MIN_VERSION: &str = "min-version";

/// Reads the parts of a text as this form.
///
/// # Errors
/// When it has another.
pub fn read(source: &Source) -> Result<DesiredFile, DesiredError> {
    if !matches!(source.root.tree, Tree::Table(_)) {
        let what = What::Shape { found: source.root.kind(), expected: "a table".into() };
        return Err(source.error(what.at(&source.root.span)));
    }
    if let Some(list) = misplaced_list(&source.root) {
        let expected = "text, a number, false or a table".into();
        return Err(source.error(What::Shape { found: list.kind(), expected }.at(&list.span)));
    }
    serde_path_to_error::deserialize(source.root.to_json()).map_err(|error| {
        let path: Vec<String> = error.path().iter().map(step).collect();
        let node = source.root.at(path.iter().map(String::as_str));
        let message = error.inner().to_string();
        let fault = if message.starts_with("unknown field") {
            let key = path.last().cloned().unwrap_or_default();
            let known: &[&str] = if path.len() > 1 { &[MIN_VERSION] } else { &PARTS };
            let hint = match guess::nearest(&key, known.iter().copied()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => format!("there can be {}", known.join(", ")),
            };
            What::UnknownKey { key, hint: Some(hint) }.at(&node.key)
        } else {
            // serde's message shows what was found, which may be a password
            let expected =
                message.split_once(", expected ").map_or(message.as_str(), |(_, expected)| expected);
            What::Shape { found: node.kind(), expected: in_plain_words(expected) }.at(&node.span)
        };
        source.error(fault)
    })
}

/// serde would take a list for a table whose names are left out.
fn misplaced_list(node: &Node) -> Option<&Node> {
    let Tree::Table(parts) = &node.tree else { return None };
    parts.iter().find_map(|(name, part)| match &part.tree {
        Tree::List(parts) if name == "accounts" => parts.iter().find_map(|part| match part.tree {
            Tree::List(_) => Some(part),
            _ => misplaced_list(part),
        }),
        Tree::List(_) if name != "args" => Some(part),
        _ => misplaced_list(part),
    })
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => index.to_string(),
        Segment::Map { key } => key.clone(),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => String::new(),
    }
}

fn in_plain_words(expected: &str) -> String {
    match expected {
        "a map" => "a table".into(),
        "a sequence" => "a list".into(),
        "a string" | "string only" => "text".into(),
        other => other.replace('`', "'"),
    }
}

/// The JSON Schema of a desired-state file.
pub fn schema() -> String {
    let schema = schemars::schema_for!(DesiredFile);
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}

fn table_schema(properties: Map<String, Json>) -> Schema {
    json_schema!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn settings_schema(generator: &mut SchemaGenerator) -> Schema {
    let keys = settings_keys().map(|key| (key.name.to_string(), key_schema(&key, generator)));
    table_schema(keys.collect())
}

fn accounts_schema(generator: &mut SchemaGenerator) -> Schema {
    let keys = account_keys().map(|key| (key.name.to_string(), key_schema(&key, generator)));
    let mut account = table_schema(keys.collect());
    account.insert("required".into(), json!(["domain"]));
    json_schema!({"type": "array", "items": account})
}

fn hooks_schema(generator: &mut SchemaGenerator) -> Schema {
    let hook = generator.subschema_for::<Hook>();
    let property = |event: &Event| {
        let mut property = hook.clone();
        property.insert("description".into(), json!(event.when()));
        (event.name().to_string(), property.to_value())
    };
    let mut schema = table_schema(Event::ALL.iter().map(property).collect());
    // aliases and the names of the keys
    let others = Event::ALL.iter().flat_map(|event| event.aliases().iter().copied().chain([event.key()]));
    let others: Vec<&str> = others.collect();
    schema.insert("patternProperties".into(), json!({format!("^({})$", others.join("|")): hook}));
    schema
}

fn shortcuts_schema(_: &mut SchemaGenerator) -> Schema {
    let shortcut = json!({"anyOf": [{"type": "string"}, {"const": false}]});
    json_schema!({"type": "object", "patternProperties": {"^(0|[1-9][0-9]?)$": shortcut}, "additionalProperties": false})
}

/// What a key can be: text with a variable in it always, as that may become anything.
fn key_schema(key: &Key, generator: &mut SchemaGenerator) -> Json {
    let variable = json!({"type": "string", "pattern": r"\$\{"});
    let number = json!({"type": "string", "pattern": "^-?[0-9]+$"});
    let mut forms = match &key.kind {
        Kind::Bool(_) => vec![json!({"enum": [0, 1, "0", "1"]}), variable],
        Kind::Int { min, max, read_as } => {
            let mut form = json!({"type": "integer"});
            // smaller ones are taken for another number
            if let Some(min) = min.filter(|_| read_as.is_empty()) {
                form["minimum"] = json!(min);
            }
            if let Some(max) = max {
                form["maximum"] = json!(max);
            }
            vec![form, number, variable]
        }
        Kind::Enum(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.text).collect();
            let numbers = words.iter().filter_map(|word| word.parse::<i64>().ok());
            let all: Vec<Json> =
                words.iter().map(|word| json!(word)).chain(numbers.map(Json::from)).collect();
            vec![json!({"enum": all}), variable]
        }
        Kind::Secret => {
            vec![json!({"type": "string"}), generator.subschema_for::<SecretSource>().to_value()]
        }
        _ => vec![json!({"type": "string"})],
    };
    forms.push(json!({"const": false}));
    let mut schema = json!({"description": key.meaning, "anyOf": forms});
    if !key.default.is_empty() {
        schema["default"] = json!(key.default);
    }
    schema
}

/// The keys that `[settings]` can have: not the commands, which are hooks, nor those of the one account of old.
pub fn settings_keys() -> impl Iterator<Item = Key> {
    let section = keys::of_section("Settings");
    let keys: Vec<Key> = section.all().filter(is_setting).collect();
    keys.into_iter()
}

/// The keys that an account can have.
pub fn account_keys() -> impl Iterator<Item = Key> {
    let section = keys::of_section("Account1");
    let keys: Vec<Key> = section.all().collect();
    keys.into_iter()
}

/// MicroSIP moves the keys of the one account of old into [Account1], or deletes them.
fn is_setting(key: &Key) -> bool {
    let is_of_an_account = keys::find("Account1", key.name).is_some() && key.name != "STUN";
    key.kind != Kind::Command && !is_of_an_account && !["password", "passwordSize", "id"].contains(&key.name)
}

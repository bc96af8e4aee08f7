//! The shape of a desired-state file. Its JSON Schema is generated from these types and the key catalogue.

use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use serde_path_to_error::Segment;

use super::error::{DesiredErrorKind, SpannedError};
use super::tree::{Node, Tree};
use crate::guess;
use crate::hook::event::Event;
use crate::microsip::keys::{self, Key, Kind};

/// The desired state of a MicroSIP. What isn't named stays as it is.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table")]
#[schemars(title = "MicroSIP desired state")]
pub struct DesiredFile {
    /// The location of this schema, for editors.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Which MicroSIP this is for.
    pub microsip: MicroSip,
    /// Settings by MicroSIP's names. false removes the key, which isn't the same as 0.
    #[schemars(schema_with = "settings_schema")]
    pub settings: IndexMap<String, Given>,
    /// The programs that run on call events.
    #[schemars(schema_with = "hooks_schema")]
    pub hooks: IndexMap<String, Hook>,
    /// Whether accounts that aren't in this file are removed.
    pub accounts_mode: AccountsMode,
    /// The accounts in their order. Without this key, accounts stay as they are.
    #[schemars(schema_with = "accounts_schema")]
    pub accounts: Option<Vec<IndexMap<String, Given>>>,
    /// Shortcuts by their numbers from 0, in MicroSIP's form: label;number;type. false removes a shortcut.
    #[schemars(schema_with = "shortcuts_schema")]
    pub shortcuts: IndexMap<String, Given>,
}

/// Which MicroSIP a desired state is for.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table")]
pub struct MicroSip {
    /// The oldest version that this may be applied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+$"))]
    pub min_version: Option<String>,
}

/// Whether accounts that aren't in the file are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountsMode {
    /// Exactly these accounts, in this order. Keys that an account doesn't name get their defaults.
    #[default]
    Exact,
    /// At least these accounts. Other accounts, and keys that aren't named, stay as they are.
    Ensure,
}

/// A value in the file.
#[derive(Clone, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "text, a whole number or false (a password can also be { env = \"NAME\" }, { file = \"PATH\" } or { stdin = true })"
)]
pub enum Given {
    /// `false` removes the key. `true` isn't valid.
    Absent(bool),
    /// A whole number.
    Number(i64),
    /// Text, which may be a password.
    Text(String),
    /// A reference to a password.
    Secret(SecretSource),
}

impl fmt::Debug for Given {
    /// Hides text, because it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Given::Absent(boolean) => write!(f, "{boolean}"),
            Given::Number(number) => write!(f, "{number}"),
            Given::Text(_) => f.write_str("text"),
            Given::Secret(place) => write!(f, "{place:?}"),
        }
    }
}

/// A reference to a password.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum SecretSource {
    /// An environment variable.
    Env {
        /// The name of the variable.
        env: String,
    },
    /// A file.
    File {
        /// The path of the file, relative to the folder of the file that names it.
        file: String,
    },
    /// Standard input.
    Stdin {
        /// Always true.
        #[serde(deserialize_with = "only_true")]
        #[schemars(extend("const" = true))]
        stdin: bool,
    },
}

/// What runs on an event.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "a program, a table with program and args, or false to run nothing")]
pub enum Hook {
    /// false: run nothing.
    None(
        #[serde(deserialize_with = "only_false")]
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
    /// The path of the program, or its name if Windows can find it by name.
    pub program: String,
    /// The arguments that come before the caller's text.
    #[serde(default)]
    pub args: Vec<String>,
}

fn only_true<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    only(true, deserializer)
}

fn only_false<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    only(false, deserializer)
}

fn only<'de, D: serde::Deserializer<'de>>(allowed: bool, deserializer: D) -> Result<bool, D::Error> {
    let given = bool::deserialize(deserializer)?;
    if given == allowed { Ok(given) } else { Err(serde::de::Error::custom("the other boolean")) }
}

/// The top-level keys of a file.
pub const PARTS: [&str; 6] = ["microsip", "settings", "hooks", "accounts-mode", "accounts", "shortcuts"];

/// The key of `[microsip]`.
pub const MIN_VERSION: &str = "min-version";

/// Reads a tree as a desired-state file.
///
/// # Errors
/// If the tree has another shape.
pub fn read(root: &Node) -> Result<DesiredFile, SpannedError> {
    if !matches!(root.tree, Tree::Table(_)) {
        return Err(root.not("a table"));
    }
    if let Some(list) = misplaced_list(root) {
        return Err(list.not("text, a number, false or a table"));
    }
    serde_path_to_error::deserialize(root.to_json()).map_err(|error| {
        let path: Vec<String> = error.path().iter().map(step).collect();
        let node = root.at(path.iter().map(String::as_str));
        let message = error.inner().to_string();
        if message.starts_with("unknown field") {
            let key = path.last().cloned().unwrap_or_default();
            let known: &[&str] = if path.len() > 1 { &[MIN_VERSION] } else { &PARTS };
            return unknown_key(&key, known).at(&node.key);
        }
        // serde's message also quotes the value, which may be a password
        let expected = message.split_once(", expected ").map_or(message.as_str(), |(_, expected)| expected);
        node.not(plain(expected))
    })
}

/// Returns the error for a key that isn't one of those that are known.
pub(super) fn unknown_key(key: &str, known: &[&str]) -> DesiredErrorKind {
    let hint = match guess::nearest(key, known.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("the known keys are {}", known.join(", ")),
    };
    DesiredErrorKind::UnknownKey { key: key.into(), hint: Some(hint) }
}

/// Finds a list where a table is expected: serde would accept its items as the fields in their order.
fn misplaced_list(node: &Node) -> Option<&Node> {
    let Tree::Table(entries) = &node.tree else { return None };
    entries.iter().find_map(|(name, part)| match &part.tree {
        Tree::List(items) if name == "accounts" => items.iter().find_map(|item| match item.tree {
            Tree::List(_) => Some(item),
            _ => misplaced_list(item),
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

/// Replaces serde's terms by those of the documentation.
fn plain(expected: &str) -> String {
    match expected {
        "a map" => "a table".into(),
        "a sequence" => "a list".into(),
        "a string" | "string only" => "text".into(),
        other => other.replace('`', "'"),
    }
}

/// Returns the JSON Schema of a desired-state file.
pub fn render() -> String {
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
    // events can also be named by an alias or by the key in the ini
    let others = Event::ALL.iter().flat_map(|event| event.aliases().iter().copied().chain([event.key()]));
    let others: Vec<&str> = others.collect();
    schema.insert("patternProperties".into(), json!({format!("^({})$", others.join("|")): hook}));
    schema
}

fn shortcuts_schema(_: &mut SchemaGenerator) -> Schema {
    let shortcut = json!({"anyOf": [{"type": "string"}, {"const": false}]});
    json_schema!({"type": "object", "patternProperties": {"^(0|[1-9][0-9]?)$": shortcut}, "additionalProperties": false})
}

/// Returns what a key can be. Text with a variable is always allowed, because its value isn't known yet.
fn key_schema(key: &Key, generator: &mut SchemaGenerator) -> Json {
    let variable = json!({"type": "string", "pattern": r"\$\{"});
    let number = json!({"type": "string", "pattern": "^-?[0-9]+$"});
    let mut forms = match &key.kind {
        Kind::Bool(_) => vec![json!({"enum": [0, 1, "0", "1"]}), variable],
        Kind::Int { min, max, read_as } => {
            let mut form = json!({"type": "integer"});
            // with `read_as`, MicroSIP reads smaller numbers as another one
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

/// Returns the keys that `[settings]` can have: no commands, which are hooks, and no keys of the single account that
/// old versions kept there.
pub fn settings_keys() -> impl Iterator<Item = Key> {
    let section = keys::of_section("Settings");
    let keys: Vec<Key> = section.all().filter(is_setting).collect();
    keys.into_iter()
}

/// Returns the keys that an account can have.
pub fn account_keys() -> impl Iterator<Item = Key> {
    let section = keys::of_section("Account1");
    let keys: Vec<Key> = section.all().collect();
    keys.into_iter()
}

/// Returns whether a key is a setting. MicroSIP moves the keys of the old single account to [Account1], or deletes
/// them.
fn is_setting(key: &Key) -> bool {
    let belongs_to_account = keys::find("Account1", key.name).is_some() && key.name != "STUN";
    key.kind != Kind::Command
        && !belongs_to_account
        && !["password", "passwordSize", "id"].contains(&key.name)
}

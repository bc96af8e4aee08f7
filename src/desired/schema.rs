//! The shape of a desired-state file. [`json_schema`](super::json_schema) describes the same shape for editors.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;

use super::error::{DesiredErrorKind, SpannedError};
use super::tree::{Node, Tree};
use crate::microsip::keys::{self, Key, Kind};

/// The desired state of a MicroSIP, except for [`hooks`](super::hooks). What isn't named stays as it is.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table")]
pub struct DesiredFile {
    /// The location of this schema, for editors.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// The version of this state. false means that it has none.
    pub state_version: Option<Given>,
    /// Which MicroSIP this is for.
    pub microsip: MicroSip,
    /// Settings by MicroSIP's names. false removes the key, which isn't the same as 0.
    pub settings: IndexMap<String, Given>,
    /// Whether accounts that aren't in this file are removed.
    pub accounts_mode: AccountsMode,
    /// The accounts in their order. Without this key, accounts stay as they are.
    pub accounts: Option<Vec<IndexMap<String, Given>>>,
    /// Shortcuts by their numbers from 0, in MicroSIP's form: label;number;type. false removes a shortcut.
    pub shortcuts: IndexMap<String, Given>,
}

/// Which MicroSIP a desired state is for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table")]
pub struct MicroSip {
    /// The oldest version that this may be applied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<String>,
}

/// Whether accounts that aren't in the file are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
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
#[derive(Clone, Debug, Deserialize, Serialize)]
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
        stdin: bool,
    },
}

fn only_true<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    if bool::deserialize(deserializer)? {
        Ok(true)
    } else {
        Err(serde::de::Error::custom("the other boolean"))
    }
}

/// The key with the version of a state, in a file only: DSC keeps its own record of what was applied.
pub const STATE_VERSION: &str = "state-version";

/// What [`STATE_VERSION`] can be.
pub(super) const EXPECTED_STATE_VERSION: &str =
    "a whole number, or text of at most 64 characters, or false for none";

/// The other top-level keys of a file.
pub const PARTS: [&str; 9] = [
    "microsip",
    "settings",
    "hooks",
    "runner",
    "numbers",
    "history",
    "accounts-mode",
    "accounts",
    "shortcuts",
];

/// The parts that serde doesn't read: [`hooks`](super::hooks) does.
const READ_BY_HAND: [&str; 4] = ["hooks", "runner", "numbers", "history"];

/// The key of `[microsip]`.
pub const MIN_VERSION: &str = "min-version";

/// Reads a tree as a desired-state file, without what [`hooks`](super::hooks) reads.
///
/// # Errors
/// If the tree has another shape.
pub fn read(root: &Node) -> Result<DesiredFile, SpannedError> {
    let Tree::Table(parts) = &root.tree else { return Err(root.not("a table")) };
    let rest = parts.iter().filter(|(name, _)| !READ_BY_HAND.contains(&name.as_str()));
    let root = &Node { tree: Tree::Table(rest.cloned().collect()), ..root.clone() };
    let mut path = Vec::new();
    if let Some(list) = misplaced_list(root, &mut path) {
        let expected = expected_at(&path).unwrap_or_else(|| "text, a number, false or a table".into());
        return Err(list.not(expected));
    }
    serde_path_to_error::deserialize(root.to_json()).map_err(|error| {
        let path: Vec<String> = error.path().iter().map(step).collect();
        let node = root.at(path.iter().map(String::as_str));
        let message = error.inner().to_string();
        if message.starts_with("unknown field") {
            let key = path.last().cloned().unwrap_or_default();
            let known =
                if path.len() > 1 { vec![MIN_VERSION] } else { [&PARTS[..], &[STATE_VERSION]].concat() };
            return DesiredErrorKind::unknown_key(&key, &known).at(&node.key);
        }
        if let Some(expected) = expected_at(&path) {
            return node.not(expected);
        }
        // serde's message also quotes the value, which may be a password
        let expected = message.split_once(", expected ").map_or(message.as_str(), |(_, expected)| expected);
        node.not(plain(expected))
    })
}

/// Finds a list where serde would accept its items as the fields of a table, and its path.
fn misplaced_list<'a>(node: &'a Node, path: &mut Vec<String>) -> Option<&'a Node> {
    let parts: Vec<(String, &Node)> = match &node.tree {
        Tree::Table(entries) => entries.iter().map(|(name, part)| (name.clone(), part)).collect(),
        Tree::List(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Tree::Leaf(_) => return None,
    };
    for (name, part) in parts {
        let is_list = matches!(part.tree, Tree::List(_));
        let is_expected = path.is_empty() && name == "accounts";
        path.push(name);
        let found = if is_list && !is_expected { Some(part) } else { misplaced_list(part, path) };
        if found.is_some() {
            return found;
        }
        path.pop();
    }
    None
}

/// Returns what is expected at a path, if that is a value.
fn expected_at(path: &[String]) -> Option<String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let of = |key: &str, mut known: Box<dyn Iterator<Item = Key>>| {
        known.find(|known| known.name.eq_ignore_ascii_case(key)).map(|key| expected(&key))
    };
    match path[..] {
        ["settings", key] => of(key, Box::new(settings_keys())),
        ["accounts", _, key] => of(key, Box::new(account_keys())),
        [STATE_VERSION] => Some(EXPECTED_STATE_VERSION.into()),
        ["shortcuts", _] => Some("text in quotes, or false to remove the shortcut".into()),
        _ => None,
    }
}

/// Returns what is expected as the value of a key.
pub(super) fn expected(key: &Key) -> String {
    let value = match &key.kind {
        Kind::Bool(_) => return "0, 1, or false to remove the key".into(),
        Kind::Int { min: None, max: None, .. } => key.kind.to_string(),
        Kind::Int { .. } => format!("a whole number ({})", key.kind),
        Kind::Enum(_) => format!("one of {}", key.kind),
        Kind::Secret => "text in quotes, { env = \"NAME\" }, { file = \"PATH\" }, { stdin = true }".into(),
        _ => "text in quotes".into(),
    };
    format!("{value}, or false to remove the key")
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

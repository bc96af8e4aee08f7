//! The hooks of a desired state: programs and actions, and the settings for all actions.

use serde_json::Value as Json;

use super::error::{DesiredErrorKind, SpannedError};
use super::tree::{Node, Tree};
use crate::actions::{edit, parse};
use crate::hook::action::numbers::Numbers;
use crate::hook::action::{Action, History, Kind};
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::runner;

type Result<T> = std::result::Result<T, SpannedError>;

/// What runs on an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Hook {
    /// Nothing.
    Nothing,
    /// A program that MicroSIP starts.
    Program(HookCommand),
    /// Actions that msipcfg carries out, in this order.
    Actions(Vec<Action>),
}

/// The settings for all actions. What isn't named stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActionSettings {
    /// The runner, if it isn't at its usual place.
    pub runner: Option<String>,
    /// How phone numbers are read.
    pub numbers: Option<Numbers>,
    /// How long calls are remembered.
    pub history: Option<History>,
}

impl ActionSettings {
    /// Returns whether nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == ActionSettings::default()
    }

    /// Returns the named settings as JSON has them, each with its key.
    pub(super) fn to_json(&self) -> Vec<(&'static str, Json)> {
        let history = self.history.map(|history| Json::from(edit::history_text(history)));
        let settings = [
            ("runner", self.runner.as_deref().map(Json::from)),
            ("numbers", self.numbers.as_ref().map(|numbers| json(&edit::numbers(numbers)))),
            ("history", history),
        ];
        settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// The keys of a program.
const PROGRAM: [&str; 2] = ["program", "args"];
/// What users write for `args`.
const LIKE_ARGS: [&str; 5] = ["arguments", "arg", "argv", "params", "parameters"];
/// What is expected as a hook.
const EXPECTED: &str =
    "a program, an action such as { open = \"URL\" }, a list of actions, or false to run nothing";

/// Reads `[hooks]` of a state.
///
/// # Errors
/// At the first mistake, with its place.
pub(super) fn read(root: &Node) -> Result<Vec<(Event, Hook)>> {
    let Tree::Table(parts) = &root.tree else { return Ok(Vec::new()) };
    let Some((_, node)) = parts.iter().find(|(name, _)| name == "hooks") else { return Ok(Vec::new()) };
    let Tree::Table(entries) = &node.tree else { return Err(node.not("a table")) };
    let mut hooks: Vec<(Event, Hook)> = Vec::new();
    for (name, node) in entries {
        let event: Event = name.parse().map_err(|error| DesiredErrorKind::Event(error).at(&node.key))?;
        if hooks.iter().any(|(other, _)| *other == event) {
            return Err(DesiredErrorKind::Twice { key: name.clone() }.at(&node.key));
        }
        hooks.push((event, hook(node)?));
    }
    Ok(hooks)
}

/// Reads the settings of a state for all actions; `false` is the default.
///
/// # Errors
/// At the first mistake, with its place.
pub(super) fn read_settings(root: &Node) -> Result<ActionSettings> {
    let mut settings = ActionSettings::default();
    let Tree::Table(entries) = &root.tree else { return Ok(settings) };
    for (name, node) in entries {
        let is_default = matches!(node.tree, Tree::Leaf(Json::Bool(false)));
        match name.as_str() {
            "runner" => settings.runner = Some(runner(node)?),
            "numbers" if is_default => settings.numbers = Some(Numbers::default()),
            "numbers" => settings.numbers = Some(parse::numbers(node)?),
            "history" if is_default => settings.history = Some(History::default()),
            "history" => settings.history = Some(parse::history(node)?),
            _ => {}
        }
    }
    Ok(settings)
}

fn runner(node: &Node) -> Result<String> {
    let is_runner = |path: &str| {
        let name = path.rsplit(['\\', '/']).next().unwrap_or_default();
        name.eq_ignore_ascii_case(runner::NAME)
    };
    match &node.tree {
        Tree::Leaf(Json::String(path)) if is_runner(path) => Ok(path.clone()),
        _ => Err(node.not(format!("a path that ends with {}", runner::NAME))),
    }
}

fn hook(node: &Node) -> Result<Hook> {
    match &node.tree {
        Tree::Leaf(Json::Bool(false)) => Ok(Hook::Nothing),
        Tree::Leaf(Json::String(program)) => {
            Ok(Hook::Program(HookCommand { program: program.clone(), args: Vec::new() }))
        }
        Tree::Leaf(_) => Err(node.not(EXPECTED)),
        Tree::List(items) if items.is_empty() => Err(node.not(EXPECTED)),
        Tree::List(items) => {
            Ok(Hook::Actions(items.iter().map(|item| parse::action(item, node)).collect::<Result<_>>()?))
        }
        Tree::Table(_) if is_actions(node) => Ok(Hook::Actions(vec![parse::action(node, node)?])),
        Tree::Table(entries) => Ok(Hook::Program(command(entries, node)?)),
    }
}

/// Returns whether a hook is actions and not a program.
pub(super) fn is_actions(node: &Node) -> bool {
    match &node.tree {
        Tree::Leaf(_) => false,
        Tree::List(_) => true,
        Tree::Table(entries) => {
            let is_kind = |name: &str| Kind::ALL.iter().any(|kind| kind.name() == name);
            entries.iter().any(|(name, _)| is_kind(name))
                && !entries.iter().any(|(name, _)| name == "program")
        }
    }
}

/// Returns whether the text of this key of an action can contain placeholders.
pub(super) fn is_template(key: &str) -> bool {
    ["open", "notify", "link", "get", "post", "headers", "secret", "json", "form", "body", "args"]
        .contains(&key)
}

/// Returns whether the value of this key of an action is shown to nobody.
pub(super) fn is_private(key: &str) -> bool {
    ["headers", "secret"].contains(&key)
}

/// Reads a program and its arguments.
fn command(entries: &[(String, Node)], hook: &Node) -> Result<HookCommand> {
    let text = |node: &Node| match &node.tree {
        Tree::Leaf(Json::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (mut program, mut args) = (None, Vec::new());
    for (name, part) in entries {
        match (name.as_str(), &part.tree) {
            ("program", _) => program = Some(text(part).ok_or_else(|| part.not("text in quotes"))?),
            ("args", Tree::List(items)) => {
                let items: Option<Vec<String>> = items.iter().map(text).collect();
                args = items.ok_or_else(|| part.not("a list of texts in quotes"))?;
            }
            ("args", _) => return Err(part.not("a list of texts in quotes")),
            (name, _) if LIKE_ARGS.contains(&name) => {
                let hint = Some("did you mean args?".into());
                return Err(DesiredErrorKind::UnknownKey { key: name.into(), hint }.at(&part.key));
            }
            (name, _) => {
                let is_program = entries.iter().any(|(name, _)| PROGRAM.contains(&name.as_str()));
                let kinds = Kind::ALL.iter().map(|kind| kind.name()).filter(|_| !is_program);
                let known: Vec<&str> = PROGRAM.into_iter().chain(kinds).collect();
                return Err(DesiredErrorKind::unknown_key(name, &known).at(&part.key));
            }
        }
    }
    let program = program.ok_or_else(|| DesiredErrorKind::Missing { key: "program" }.at(&hook.key))?;
    Ok(HookCommand { program, args })
}

impl Hook {
    /// Returns the hook as JSON has it. The values of headers and the secret must have been replaced.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Hook::Nothing => Json::from(false),
            Hook::Program(HookCommand { program, args }) if args.is_empty() => Json::from(program.as_str()),
            Hook::Program(HookCommand { program, args }) => {
                serde_json::json!({ "program": program, "args": args })
            }
            Hook::Actions(actions) => {
                let mut actions: Vec<Json> =
                    actions.iter().map(|action| json(&edit::table(action))).collect();
                if actions.len() == 1 { actions.remove(0) } else { Json::from(actions) }
            }
        }
    }
}

fn json(table: &impl ToString) -> Json {
    super::toml::parse(&table.to_string()).map(|node| node.to_json()).unwrap_or_default()
}

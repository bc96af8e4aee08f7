//! Reads actions from the tree of a file: of hooks.toml, or of a desired state.

use std::time::Duration;

use serde_json::Value as Json;

use crate::desired::error::{DesiredErrorKind, SpannedError};
use crate::desired::tree::{Node, Tree};
use crate::hook::action::audience::{Audience, Who};
use crate::hook::action::numbers::Numbers;
use crate::hook::action::template::{Template, TemplateError};
use crate::hook::action::url_template::UrlTemplate;
use crate::hook::action::{
    Action, Actions, Body, History, JsonTemplate, Kind, LogFileError, Method, Separator, WebRequest, Work,
};
use crate::hook::event::Event;
use crate::microsip::keys::MASK;

/// The keys of the file besides the events.
pub const SETTINGS: [&str; 2] = ["history", "numbers"];
/// The keys of `[numbers]`.
const NUMBERS: [&str; 3] = ["country", "internal", "outside-line"];
/// The keys that every action can have.
const AUDIENCE: [&str; 2] = ["only", "except"];

type Result<T> = std::result::Result<T, SpannedError>;
type Entries = [(String, Node)];

/// Reads the whole file.
///
/// # Errors
/// At the first mistake, with its place.
pub fn actions(root: &Node) -> Result<Actions> {
    let mut actions = Actions::default();
    for (name, node) in entries(root)? {
        match name.as_str() {
            "history" => actions.history = history(node)?,
            "numbers" => actions.numbers = numbers(node)?,
            _ => {
                let event: Event =
                    name.parse().map_err(|error| DesiredErrorKind::from(error).at(&node.key))?;
                if actions.hooks.iter().any(|(other, _)| *other == event) {
                    return Err(DesiredErrorKind::Twice { key: event.name().into() }.at(&node.key));
                }
                let Tree::List(items) = &node.tree else { return Err(node.not("a list of tables")) };
                let list = items.iter().map(|item| action(item, node)).collect::<Result<_>>()?;
                actions.hooks.push((event, list));
            }
        }
    }
    Ok(actions)
}

/// Reads how long calls are remembered.
///
/// # Errors
/// It isn't a time or `off`.
pub fn history(node: &Node) -> Result<History> {
    match &node.tree {
        Tree::Leaf(Json::String(text)) if text == "off" => Ok(History::Off),
        _ => Ok(History::For(time(node)?)),
    }
}

/// Reads how numbers are read.
///
/// # Errors
/// At the first mistake, with its place.
pub fn numbers(node: &Node) -> Result<Numbers> {
    let mut numbers = Numbers::default();
    for (name, part) in entries(node)? {
        match name.as_str() {
            "country" => {
                let code = Numbers::calling_code(text(part)?);
                numbers.country =
                    Some(code.ok_or_else(|| part.not("a country's calling code such as \"49\""))?);
            }
            "internal" => {
                let digits = match &part.tree {
                    Tree::Leaf(leaf) => leaf.as_u64().and_then(|digits| usize::try_from(digits).ok()),
                    _ => None,
                };
                numbers.internal = digits.ok_or_else(|| part.not("a number of digits"))?;
            }
            "outside-line" => {
                let prefix = text(part)?;
                if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(part.not("digits in quotes"));
                }
                numbers.outside_line = Some(prefix.to_string()).filter(|prefix| !prefix.is_empty());
            }
            _ => return Err(DesiredErrorKind::unknown_key(name, &NUMBERS).at(&part.key)),
        }
    }
    Ok(numbers)
}

/// Reads one action. `list` is the list that contains it.
///
/// # Errors
/// At the first mistake, with its place.
pub fn action(node: &Node, list: &Node) -> Result<Action> {
    let entries = entries(node)?;
    let mut kinds = Kind::ALL.iter().filter_map(|kind| Some((*kind, part(entries, kind.name())?)));
    let Some((kind, main)) = kinds.next() else { return Err(no_kind(entries, list)) };
    // the first in the file is the one that was meant
    if let Some((_, other)) = kinds.next() {
        let second = if other.key.start > main.key.start { other } else { main };
        return Err(
            DesiredErrorKind::Action("an action does one thing; write a second one below it").at(&second.key)
        );
    }
    let known: &[&str] = match kind {
        Kind::Open => &["open", "again-after"],
        Kind::Notify => &["notify", "link"],
        Kind::Get => &["get", "headers", "retry"],
        Kind::Post => &["post", "headers", "retry", "secret", "json", "form", "body"],
        Kind::Log => &["log", "separator"],
        Kind::Run => &["run", "args", "timeout"],
    };
    let known: Vec<&str> = known.iter().chain(&AUDIENCE).copied().collect();
    if let Some((name, part)) = entries.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(DesiredErrorKind::unknown_key(name, &known).at(&part.key));
    }
    let work = match kind {
        Kind::Open => Work::Open {
            url: url(main)?,
            again_after: part(entries, "again-after").map_or(Ok(Work::AGAIN_AFTER), time)?,
        },
        Kind::Notify => {
            Work::Notify { text: template(main)?, link: part(entries, "link").map(url).transpose()? }
        }
        Kind::Get => Work::Send(request(Method::Get, main, entries)?),
        Kind::Post => Work::Send(request(Method::Post(body(entries)?), main, entries)?),
        Kind::Log => {
            let separator = match part(entries, "separator") {
                None => Separator::default(),
                Some(part) => match text(part)? {
                    "," => Separator::Comma,
                    ";" => Separator::Semicolon,
                    _ => return Err(part.not("\",\" or \";\"")),
                },
            };
            Work::log(path(main)?, separator).map_err(|error| match error {
                LogFileError::Extension => main.not("a path that ends with .csv, .jsonl or .txt"),
                LogFileError::Name(_) => main.not("a path that Windows can have"),
            })?
        }
        Kind::Run => Work::Run {
            program: path(main)?,
            args: part(entries, "args").map_or(Ok(Vec::new()), |args| {
                let Tree::List(items) = &args.tree else { return Err(args.not("a list of texts in quotes")) };
                items.iter().map(template).collect()
            })?,
            timeout: part(entries, "timeout").map(time).transpose()?,
        },
    };
    let audience = Audience {
        only: part(entries, "only").map_or(Ok(Vec::new()), callers)?,
        except: part(entries, "except").map_or(Ok(Vec::new()), callers)?,
    };
    Ok(Action { work, audience })
}

/// Returns the error for a table that does nothing: a misspelled key, or none at all.
fn no_kind(entries: &Entries, list: &Node) -> SpannedError {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    match entries.iter().find(|(name, _)| !AUDIENCE.contains(&name.as_str())) {
        Some((name, part)) => DesiredErrorKind::unknown_key(name, &kinds).at(&part.key),
        None => {
            DesiredErrorKind::Action("this action does nothing; it needs open, notify, post, get, log or run")
                .at(&list.key)
        }
    }
}

fn request(method: Method, main: &Node, entries: &Entries) -> Result<WebRequest> {
    Ok(WebRequest {
        method,
        url: url(main)?,
        headers: part(entries, "headers").map_or(Ok(Vec::new()), headers)?,
        retry: part(entries, "retry").map_or(Ok(WebRequest::RETRY), time)?,
        secret: part(entries, "secret").map(secret).transpose()?,
    })
}

fn body(entries: &Entries) -> Result<Body> {
    let mut bodies = entries.iter().filter(|(name, _)| ["json", "form", "body"].contains(&name.as_str()));
    let Some((name, node)) = bodies.next() else { return Ok(Body::Call) };
    if let Some((_, second)) = bodies.next() {
        return Err(
            DesiredErrorKind::Action("a request has only one body: json, form or body").at(&second.key)
        );
    }
    Ok(match name.as_str() {
        "json" => Body::Json(json(node)?),
        "form" => {
            let fields = self::entries(node)?.iter();
            Body::Form(
                fields.map(|(name, value)| Ok((name.clone(), private(value)?))).collect::<Result<_>>()?,
            )
        }
        _ => Body::Text(private(node)?),
    })
}

fn json(node: &Node) -> Result<JsonTemplate> {
    Ok(match &node.tree {
        Tree::Leaf(Json::String(_)) => JsonTemplate::Text(private(node)?),
        // hooks.toml couldn't contain it
        Tree::Leaf(Json::Null) => return Err(node.not("text, a number, true, false, a list or a table")),
        Tree::Leaf(leaf) => JsonTemplate::Fixed(leaf.clone()),
        Tree::List(items) => JsonTemplate::List(items.iter().map(json).collect::<Result<_>>()?),
        Tree::Table(entries) => JsonTemplate::Object(
            entries.iter().map(|(name, part)| Ok((name.clone(), json(part)?))).collect::<Result<_>>()?,
        ),
    })
}

fn headers(node: &Node) -> Result<Vec<(String, Template)>> {
    let header = |(name, value): &(String, Node)| {
        if !WebRequest::is_header_name(name) || WebRequest::sets_header(name) {
            return Err(
                DesiredErrorKind::Action("this isn't the name of a header that can be set").at(&value.key)
            );
        }
        if text(value)?.contains(|c: char| c.is_control()) {
            return Err(DesiredErrorKind::Action("the value of a header is one line").at(&value.key));
        }
        Ok((name.clone(), unmasked(value)?))
    };
    entries(node)?.iter().map(header).collect()
}

/// Reads a key for signatures. A literal one must have the form of the Standard Webhooks convention.
fn secret(node: &Node) -> Result<Template> {
    let template = unmasked(node)?;
    let is_literal = template.placeholders().next().is_none();
    if is_literal && standardwebhooks::Webhook::new(&template.to_string()).is_err() {
        return Err(node.not("\"whsec_\" and a key in base64, or a placeholder such as \"{env:SECRET}\""));
    }
    Ok(template)
}

/// Reads a group of callers, or a list of them.
fn callers(node: &Node) -> Result<Vec<Who>> {
    let who = |node: &Node| {
        text(node)?.parse::<Who>().map_err(|error| DesiredErrorKind::from(error).at(&node.span))
    };
    match &node.tree {
        Tree::List(items) => items.iter().map(who).collect(),
        _ => Ok(vec![who(node)?]),
    }
}

fn url(node: &Node) -> Result<UrlTemplate> {
    UrlTemplate::parse(text(node)?).map_err(|error| DesiredErrorKind::from(error).at(&node.span))
}

fn template(node: &Node) -> Result<Template> {
    Template::parse(text(node)?).map_err(|error| DesiredErrorKind::from(error).at(&node.span))
}

/// Reads a text in which environment variables may be used. It may be a password with a brace in it, so a message names
/// only what looks like a misspelled placeholder.
fn private(node: &Node) -> Result<Template> {
    let masked = |error| match error {
        TemplateError::Unknown { nearest: None, .. } => {
            TemplateError::Unknown { name: MASK.into(), nearest: None }
        }
        error => error,
    };
    let template = Template::parse_private(text(node)?);
    template.map_err(|error| DesiredErrorKind::from(masked(error)).at(&node.span))
}

/// Reads a private value. What msipcfg shows instead of one must not replace it.
fn unmasked(node: &Node) -> Result<Template> {
    if text(node)? == MASK {
        let message =
            "*** is what msipcfg shows in place of a private value; write the value itself, or {env:NAME}";
        return Err(DesiredErrorKind::Action(message).at(&node.span));
    }
    private(node)
}

fn path(node: &Node) -> Result<String> {
    let path = text(node)?;
    if path.trim().is_empty() || path.contains(|c: char| c.is_control()) {
        return Err(node.not("a path"));
    }
    Ok(path.to_string())
}

fn time(node: &Node) -> Result<Duration> {
    let time = match &node.tree {
        Tree::Leaf(Json::String(text)) => humantime::parse_duration(text).ok(),
        _ => None,
    };
    time.ok_or_else(|| node.not("a time such as \"30s\" or \"24h\""))
}

fn text(node: &Node) -> Result<&str> {
    match &node.tree {
        Tree::Leaf(Json::String(text)) => Ok(text),
        _ => Err(node.not("text in quotes")),
    }
}

fn part<'a>(entries: &'a Entries, name: &str) -> Option<&'a Node> {
    entries.iter().find(|(other, _)| other == name).map(|(_, node)| node)
}

fn entries(node: &Node) -> Result<&Entries> {
    match &node.tree {
        Tree::Table(entries) => Ok(entries),
        _ => Err(node.not("a table")),
    }
}

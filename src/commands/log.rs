//! `log`: each event, and what was done for it.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value as Json, json};

use crate::actions::call::system_time;
use crate::actions::store::{Delivery, Filter, State, Store, StoredEvent};
use crate::hook::action::Kind;
use crate::page::{Page, local_time};
use crate::request::{IniChoice, LogRequest};

use super::call_history::{self, Follow, one_line};
use super::context::Context;
use super::error::Error;
use super::outcome::Outcome;

/// Events in the order in which they were stored, each with what was done for it.
#[derive(Debug)]
pub struct Log {
    entries: Vec<Entry>,
    is_about_failures: bool,
}

#[derive(Debug)]
struct Entry {
    event: StoredEvent,
    deliveries: Vec<Delivery>,
}

/// Shows events and what was done for them.
///
/// # Errors
/// The database can't be read.
pub fn run(
    ini: &IniChoice,
    request: LogRequest,
    context: &mut Context<'_>,
) -> Result<Box<dyn Outcome>, Error> {
    if request.follow {
        let mut news = News { ini, request, events: 0, shown: HashMap::new() };
        return call_history::follow(&mut news, context);
    }
    let entries = match call_history::open(context)? {
        Some(store) => entries(&store, ini, &request, context)?,
        None => Vec::new(),
    };
    Ok(Box::new(Log { entries, is_about_failures: request.failed }))
}

fn entries(
    store: &Store,
    ini: &IniChoice,
    request: &LogRequest,
    context: &Context<'_>,
) -> Result<Vec<Entry>, Error> {
    let since = call_history::oldest(request.since, &call_history::now(context));
    let mut entries = BTreeMap::new();
    for ini in call_history::inis(store, ini, context)? {
        let filter = Filter { ini: Some(&ini), since, ..Filter::default() };
        for event in store.events(filter)? {
            entries.insert(event.row, Entry { event, deliveries: Vec::new() });
        }
        for (event, delivery) in store.deliveries(filter)? {
            let entry = entries.entry(event.row).or_insert(Entry { event, deliveries: Vec::new() });
            entry.deliveries.push(delivery);
        }
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    if request.failed {
        entries.iter_mut().for_each(|entry| entry.deliveries.retain(has_failed));
        entries.retain(|entry| !entry.deliveries.is_empty());
    }
    Ok(entries)
}

/// Returns whether the last attempt of an action failed; another one may follow.
fn has_failed(delivery: &Delivery) -> bool {
    match delivery.state {
        State::Failed | State::Interrupted => true,
        State::Pending => !delivery.message.is_empty(),
        State::Started | State::Done | State::Skipped => false,
    }
}

/// The events that are new, and the actions whose state is.
struct News<'a> {
    ini: &'a IniChoice,
    request: LogRequest,
    /// The last event that was shown.
    events: i64,
    /// The deliveries that were shown, as they were then.
    shown: HashMap<i64, (State, u32)>,
}

impl Follow for News<'_> {
    fn news(&mut self, store: &Store, context: &Context<'_>) -> Result<Option<Box<dyn Outcome>>, Error> {
        let mut entries = entries(store, self.ini, &self.request, context)?;
        for entry in &mut entries {
            entry.deliveries.retain(|delivery| {
                // An action is shown once it has a result.
                let is_running = delivery.state == State::Started
                    || delivery.state == State::Pending && delivery.message.is_empty();
                let state = (delivery.state, delivery.attempts);
                !is_running && self.shown.insert(delivery.id, state) != Some(state)
            });
        }
        entries.retain(|entry| entry.event.row > self.events || !entry.deliveries.is_empty());
        let last = entries.iter().map(|entry| entry.event.row).max();
        self.events = self.events.max(last.unwrap_or_default());
        if entries.is_empty() {
            return Ok(None);
        }
        Ok(Some(Box::new(Log { entries, is_about_failures: self.request.failed })))
    }

    fn changes_with_time(&self) -> bool {
        false
    }
}

impl Outcome for Log {
    fn text(&self, page: &Page) -> String {
        if self.entries.is_empty() {
            let nothing = if self.is_about_failures { "No failed actions" } else { "No events" };
            return format!("{nothing}\n");
        }
        self.entries.iter().map(|entry| entry_text(entry, page)).collect()
    }

    fn json(&self) -> Json {
        json!({"ok": true, "events": self.entries.iter().map(entry_json).collect::<Vec<_>>(), "warnings": []})
    }
}

fn entry_text(entry: &Entry, page: &Page) -> String {
    let event = &entry.event.event;
    let caller = if event.caller.trim().is_empty() { "no number" } else { event.caller.trim() };
    let (time, name) = (local_time(system_time(event.time)), event.event.name());
    let mut text = format!("{time}  {name} {}\n", one_line(caller));
    for delivery in &entry.deliveries {
        text.push_str(&delivery_text(delivery, page));
    }
    text
}

/// Returns the state of an action, how long it took and what it does, and why it wasn't done.
fn delivery_text(delivery: &Delivery, page: &Page) -> String {
    let styles = page.styles;
    let state = delivery.state.name();
    let style = if has_failed(delivery) { styles.error } else { styles.hint };
    let took = delivery.took.map(|took| format!("{took} ms")).unwrap_or_default();
    let kind = delivery.kind.map_or("actions", Kind::name);
    let what = format!("{kind} {}", one_line(&delivery.description));
    let mut text = format!("  {style}{state:<11}{style:#}  {took:>9}  {}\n", what.trim_end());
    let is_reason = has_failed(delivery) || delivery.state == State::Skipped;
    if is_reason && !delivery.message.is_empty() {
        const INDENT: usize = 26;
        let attempts = match delivery.attempts {
            0 | 1 => String::new(),
            attempts => format!(" ({attempts} attempts)"),
        };
        let message = format!("{}{attempts}", one_line(&delivery.message));
        text.push_str(&" ".repeat(INDENT));
        text.push_str(&styles.wrap(&message, INDENT, INDENT));
        text.push('\n');
    }
    text
}

fn entry_json(entry: &Entry) -> Json {
    let StoredEvent { row, event } = &entry.event;
    let rfc3339 = |milliseconds: i64| humantime::format_rfc3339_millis(system_time(milliseconds)).to_string();
    let action = |delivery: &Delivery| {
        json!({
            "kind": delivery.kind.map(Kind::name),
            "action": delivery.description,
            "state": delivery.state.name(),
            "message": delivery.message,
            "attempts": delivery.attempts,
            "started": delivery.started.map(rfc3339),
            "ms": delivery.took,
        })
    };
    json!({
        "row": row,
        "time": rfc3339(event.time),
        "event": event.event.name(),
        "number": event.caller.trim(),
        "ini": event.ini,
        "actions": entry.deliveries.iter().map(action).collect::<Vec<_>>(),
    })
}

//! `events`: the moments of a call at which MicroSIP runs a command.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::hook::event::Event;
use crate::page::Page;

use super::outcome::Outcome;

/// The events that MicroSIP knows.
#[derive(Debug)]
pub struct EventList;

impl Outcome for EventList {
    fn text(&self, page: &Page) -> String {
        let heading = page.styles.heading;
        let mut text = String::new();
        for event in Event::ALL {
            let aliases = event.aliases().join(", ");
            let aliases = if aliases.is_empty() { aliases } else { format!(" (also {aliases})") };
            let (name, key, when) = (event.name(), event.key(), event.when());
            let description = page.styles.wrap(&format!("{when}{aliases}"), 33, 33);
            let _ = writeln!(text, "{heading}{name:<13}{heading:#} {key:<18} {description}");
        }
        text
    }

    fn json(&self) -> Json {
        json!({"ok": true, "events": Event::ALL.iter().map(event_json).collect::<Vec<_>>()})
    }
}

fn event_json(event: &Event) -> Json {
    json!({
        "event": event.name(),
        "aliases": event.aliases(),
        "key": event.key(),
        "when": event.when(),
        "since": event.since().to_string(),
    })
}

//! Edits hooks.toml. Comments and everything that doesn't change stay as they are (toml_edit).

use std::time::Duration;

use serde_json::Value as Json;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use crate::hook::action::numbers::Numbers;
use crate::hook::action::template::Template;
use crate::hook::action::{Action, Body, History, JsonTemplate, Method, Separator, WebRequest, Work};
use crate::hook::event::Event;

/// The text of hooks.toml, for editing. It must have been read without a mistake before.
#[derive(Clone, Debug)]
pub struct HooksFile {
    document: DocumentMut,
    /// The document as toml_edit writes it without a change.
    unchanged: String,
    /// Whether lines end with CRLF, as in most files that were made on Windows. toml_edit writes LF.
    has_crlf: bool,
}

impl HooksFile {
    /// Parses the text of the file; an empty text for a file that doesn't exist.
    ///
    /// # Errors
    /// The text isn't TOML.
    pub fn parse(text: &str) -> Result<HooksFile, toml_edit::TomlError> {
        let document: DocumentMut = text.parse()?;
        let first_line = text.find('\n').map(|end| &text[..end]);
        Ok(HooksFile {
            unchanged: document.to_string(),
            has_crlf: first_line.is_some_and(|line| line.ends_with('\r')),
            document,
        })
    }

    /// Returns whether the file was changed.
    pub fn is_changed(&self) -> bool {
        self.document.to_string() != self.unchanged
    }

    /// Returns whether the file says nothing, so that it isn't needed.
    pub fn is_empty(&self) -> bool {
        self.document.is_empty()
    }

    /// Adds an action to an event.
    pub fn add(&mut self, event: Event, action: &Action) {
        let key = self.key(event).unwrap_or_else(|| event.name().to_string());
        let item = self.document.entry(&key).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match item {
            Item::ArrayOfTables(tables) => tables.push(table(action)),
            Item::Value(Value::Array(tables)) => tables.push(table(action).into_inline_table()),
            other => {
                let mut tables = ArrayOfTables::new();
                tables.push(table(action));
                *other = Item::ArrayOfTables(tables);
            }
        }
    }

    /// Removes one action of an event; the first has the index 0.
    pub fn remove(&mut self, event: Event, index: usize) {
        let Some(key) = self.key(event) else { return };
        let is_empty = match self.document.get_mut(&key) {
            Some(Item::ArrayOfTables(tables)) if index < tables.len() => {
                tables.remove(index);
                tables.is_empty()
            }
            Some(Item::Value(Value::Array(tables))) if index < tables.len() => {
                tables.remove(index);
                tables.is_empty()
            }
            _ => false,
        };
        if is_empty {
            self.document.remove(&key);
        }
    }

    /// Removes all actions of an event.
    pub fn remove_all(&mut self, event: Event) {
        if let Some(key) = self.key(event) {
            self.document.remove(&key);
        }
    }

    /// Replaces the actions of an event. The comment above the first one stays.
    pub fn replace(&mut self, event: Event, actions: &[Action]) {
        let comment = match self.key(event).and_then(|key| self.document.get(&key)) {
            Some(Item::ArrayOfTables(tables)) => {
                tables.get(0).and_then(|first| first.decor().prefix().cloned())
            }
            _ => None,
        };
        self.remove_all(event);
        let mut tables: ArrayOfTables = actions.iter().map(table).collect();
        if let (Some(comment), Some(first)) = (comment, tables.get_mut(0)) {
            first.decor_mut().set_prefix(comment);
        }
        self.document.insert(event.name(), Item::ArrayOfTables(tables));
    }

    /// Sets how long calls are remembered.
    pub fn set_history(&mut self, history: History) {
        self.set_or_remove(
            "history",
            (history != History::default()).then(|| toml_edit::value(history_text(history))),
        );
    }

    /// Sets how numbers are read.
    pub fn set_numbers(&mut self, wanted: &Numbers) {
        let table = numbers(wanted);
        self.set_or_remove("numbers", (!table.is_empty()).then_some(Item::Table(table)));
    }

    /// Sets the calling code of the country whose numbers are dialled without it.
    pub fn set_country(&mut self, country: u16) {
        let numbers = self.document.entry("numbers").or_insert_with(|| Item::Table(Table::new()));
        numbers["country"] = toml_edit::value(country.to_string());
    }

    /// A key with its default isn't needed.
    fn set_or_remove(&mut self, key: &str, item: Option<Item>) {
        match item {
            // the comment above it stays
            Some(item) => self.document[key] = item,
            None => drop(self.document.remove(key)),
        }
    }

    /// Returns the key of an event, which can have several names.
    fn key(&self, event: Event) -> Option<String> {
        let is_event = |key: &&str| key.parse::<Event>().is_ok_and(|other| other == event);
        self.document.iter().map(|(key, _)| key).find(is_event).map(str::to_string)
    }
}

impl std::fmt::Display for HooksFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.document.to_string().replace("\r\n", "\n");
        f.write_str(&if self.has_crlf { text.replace('\n', "\r\n") } else { text })
    }
}

/// Returns an action as the table that hooks.toml has for it, without what has its default value.
pub fn table(action: &Action) -> Table {
    let mut table = Table::new();
    let mut set = |key: &str, value: Value| {
        table.insert(key, Item::Value(value));
    };
    match &action.work {
        Work::Open { url, again_after } => {
            set("open", url.to_string().into());
            if *again_after != Work::AGAIN_AFTER {
                set("again-after", time(*again_after));
            }
        }
        Work::Notify { text, link } => {
            set("notify", text.to_string().into());
            if let Some(link) = link {
                set("link", link.to_string().into());
            }
        }
        Work::Send(request) => send(&mut set, request),
        Work::Log { file, separator } => {
            set("log", file.as_str().into());
            if *separator == Separator::Semicolon {
                set("separator", ";".into());
            }
        }
        Work::Run { program, args, timeout } => {
            set("run", program.as_str().into());
            if !args.is_empty() {
                set("args", args.iter().map(Template::to_string).collect::<Array>().into());
            }
            if let Some(timeout) = timeout {
                set("timeout", time(*timeout));
            }
        }
    }
    for (key, callers) in [("only", &action.audience.only), ("except", &action.audience.except)] {
        match &callers[..] {
            [] => {}
            [one] => set(key, one.to_string().into()),
            several => set(key, several.iter().map(ToString::to_string).collect::<Array>().into()),
        }
    }
    table
}

fn send(set: &mut impl FnMut(&str, Value), request: &WebRequest) {
    let url = request.url.to_string().into();
    let texts = |entries: &[(String, Template)]| {
        let entries = entries.iter().map(|(name, value)| (name.as_str(), value.to_string()));
        Value::InlineTable(entries.collect::<InlineTable>())
    };
    match &request.method {
        Method::Get => set("get", url),
        Method::Post(body) => {
            set("post", url);
            match body {
                Body::Call => {}
                Body::Json(template) => set("json", json(template)),
                Body::Form(fields) => set("form", texts(fields)),
                Body::Text(text) => set("body", text.to_string().into()),
            }
        }
    }
    if !request.headers.is_empty() {
        set("headers", texts(&request.headers));
    }
    if request.retry != WebRequest::RETRY {
        set("retry", time(request.retry));
    }
    if let Some(secret) = &request.secret {
        set("secret", secret.to_string().into());
    }
}

/// Returns how numbers are read as the table that hooks.toml has for it, without what has its default value.
pub fn numbers(numbers: &Numbers) -> Table {
    let mut table = Table::new();
    if let Some(country) = numbers.country {
        table["country"] = toml_edit::value(country.to_string());
    }
    if numbers.internal != Numbers::default().internal {
        table["internal"] = toml_edit::value(i64::try_from(numbers.internal).unwrap_or(i64::MAX));
    }
    if let Some(prefix) = &numbers.outside_line {
        table["outside-line"] = toml_edit::value(prefix);
    }
    table
}

/// Returns how long calls are remembered as hooks.toml says it.
pub fn history_text(history: History) -> String {
    match history {
        History::Off => "off".into(),
        History::For(duration) => time_text(duration),
    }
}

fn time(time: Duration) -> Value {
    time_text(time).into()
}

/// Returns a time in the largest unit that it is a whole number of, as a person writes it.
fn time_text(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];
    // a day is usually meant as a number of hours
    let is_whole = |(name, length): &&(&str, u64)| {
        seconds.is_multiple_of(*length) && (seconds > *length || *name != "d") && seconds >= *length
    };
    match units.iter().find(is_whole) {
        Some((name, length)) if time.subsec_nanos() == 0 => format!("{}{name}", seconds / length),
        _ => humantime::format_duration(time).to_string(),
    }
}

/// TOML has no null; a file can't contain one, so none is lost.
fn json(template: &JsonTemplate) -> Value {
    match template {
        JsonTemplate::Text(text) => text.to_string().into(),
        JsonTemplate::List(items) => items.iter().map(json).collect::<Array>().into(),
        JsonTemplate::Object(entries) => {
            let entries = entries.iter().map(|(name, item)| (name.as_str(), json(item)));
            Value::InlineTable(entries.collect::<InlineTable>())
        }
        JsonTemplate::Fixed(Json::Bool(boolean)) => (*boolean).into(),
        JsonTemplate::Fixed(fixed) => match (fixed.as_i64(), fixed.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => "".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::file;
    use crate::hook::action::Actions;

    const TEXT: &str = r#"# My calls
history = "30d"

# The CRM
[[ring]]
open = "https://crm.example/find?phone={number}" # the page
[[ring]]
notify = "{name|number} is calling"

# Accounting
[[cmdCallEnd]]
post = "https://crm.example/calls"
headers = { Authorization = "Bearer {env:CRM_TOKEN}" }
json = { text = "{number}", list = [1, true, 0.5, { deep = "{{x}" }] }
form-is = "not here"
"#;

    fn text() -> String {
        TEXT.replace("form-is = \"not here\"\n", "")
    }

    fn read(text: &str) -> Actions {
        file::read("hooks.toml".into(), text.into()).unwrap()
    }

    fn edited(edit: impl FnOnce(&mut HooksFile)) -> String {
        let mut file = HooksFile::parse(&text()).unwrap();
        edit(&mut file);
        file.to_string()
    }

    fn action(toml: &str) -> Action {
        read(&format!("[[ring]]\n{toml}")).of(Event::Ring)[0].clone()
    }

    #[test]
    fn an_action_survives_being_written_and_read() {
        for toml in [
            "open = 'https://h/{number}'",
            "open = 'https://h/{number}'\nagain-after = '5m'\nonly = ['external', '+49*']\nexcept = 'anonymous'",
            "notify = '{name|number} {{x}'\nlink = 'https://h/'",
            "get = 'https://h/'\nheaders = { A = '{env:X}' }\nretry = '1day'",
            "post = 'https://h/'\njson = { a = [1, true, 0.5, { b = '{number}' }] }",
            "post = 'https://h/'\nform = { 'a b' = '{number}' }\nsecret = '{env:S}'",
            "post = 'https://h/'\nbody = 'x {{\"a\":{{}}}}}}'",
            "post = 'https://h/'\nheaders = { B = 'b', A = 'a' }\njson = { z = 1, y = 1.5, a = -3 }",
            "log = 'C:\\calls.csv'\nseparator = ';'",
            "run = 'C:\\x.exe'\nargs = ['{number}', 'a b']\ntimeout = '30s'",
        ] {
            let action = action(toml);
            let mut file = HooksFile::parse("").unwrap();
            file.add(Event::End, &action);
            assert_eq!(read(&file.to_string()).of(Event::End), [action], "{file}");
        }
    }

    #[test]
    fn times_are_written_as_people_write_them() {
        for text in ["90d", "24h", "2d", "36h", "1h", "90m", "5m", "30s", "0s", "1s 500ms"] {
            let time = humantime::parse_duration(text).unwrap();
            assert_eq!(time_text(time), text);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let log = action("log = 'C:\\calls.csv'");
        let added = edited(|file| file.add(Event::Ring, &log));
        assert_eq!(added.replacen("\n[[ring]]\nlog = 'C:\\calls.csv'\n", "", 1), text(), "{added}");
        let added = edited(|file| file.add(Event::End, &log));
        assert_eq!(read(&added).of(Event::End).len(), 2, "{added}");
        assert!(added.starts_with(&text()), "{added}");
        let removed = edited(|file| file.remove(Event::Ring, 0));
        assert_eq!(read(&removed).of(Event::Ring).len(), 1);
        assert!(removed.contains("# Accounting\n[[cmdCallEnd]]"), "{removed}");
        let replaced = edited(|file| file.replace(Event::Ring, std::slice::from_ref(&log)));
        assert_eq!(read(&replaced).of(Event::Ring), [log]);
        assert!(
            replaced.contains("# The CRM\n[[ring]]\nlog") && replaced.contains("# My calls"),
            "{replaced}"
        );
    }

    #[test]
    fn a_file_without_content_is_empty() {
        let mut file = HooksFile::parse("# nothing\n[[ring]]\nopen = 'https://h/'\n").unwrap();
        assert!(!file.is_empty());
        file.remove(Event::Ring, 7);
        assert!(!file.is_empty());
        file.remove(Event::Ring, 0);
        assert!(file.is_empty());
    }

    #[test]
    fn inline_lists_are_edited_too() {
        let mut file = HooksFile::parse("ring = [{ open = 'https://h/' }]\n").unwrap();
        file.add(Event::Ring, &action("notify = 'x'"));
        assert_eq!(read(&file.to_string()).of(Event::Ring).len(), 2, "{file}");
        file.remove(Event::Ring, 1);
        assert_eq!(file.to_string(), "ring = [{ open = 'https://h/' }]\n");
    }
}

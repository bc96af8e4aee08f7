//! The file `<stem>.hooks.toml` next to an ini, which contains the actions of its events.

use super::edit::history_text;
use super::parse;
use crate::desired::error::DesiredError;
use crate::desired::redact::Redaction;
use crate::desired::source::{Format, Source};
use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::action::numbers::Numbers;
use crate::hook::action::{Action, Actions};
use crate::hook::event::Event;

/// A mistake in the file. It never contains the value of a header or a secret.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HooksFileError(#[from] pub DesiredError);

impl ToDiagnostic for HooksFileError {
    fn code(&self) -> Code {
        Code::HooksFileInvalid
    }

    fn hint(&self) -> Option<String> {
        self.0.hint()
    }
}

/// Reads the text of the file. `name` is its name in messages.
///
/// # Errors
/// At the first mistake, with its place.
pub fn read(name: String, text: String) -> Result<Actions, HooksFileError> {
    let source = Source::parse(name, text, Format::Toml, Redaction::Passwords)?;
    let actions = parse::actions(&source.root).map_err(|error| source.error(error))?;
    Ok(actions)
}

/// Lists the actions in a file, one line each, without private values. A file with a mistake is one line.
pub fn summary(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    match read(String::new(), text) {
        Ok(actions) => lines(&actions),
        Err(_) => vec!["a file with a mistake".into()],
    }
}

/// Lists actions and the settings that aren't default, one line each, without private values.
pub fn lines(actions: &Actions) -> Vec<String> {
    let line = |(event, list): &(Event, Vec<Action>)| {
        list.iter().map(|action| format!("{event}: {action}")).collect::<Vec<_>>()
    };
    let defaults = settings(&Actions::default());
    let settings = settings(actions).into_iter().zip(defaults).filter(|(one, default)| one != default);
    let setting = |((table, key, text), _): ((&str, &str, Option<String>), _)| {
        let name = if table.is_empty() { key.to_string() } else { format!("{table}.{key}") };
        format!("{name} = {}", text.unwrap_or_default())
    };
    settings.map(setting).chain(actions.hooks.iter().flat_map(line)).collect()
}

/// Returns the settings for all actions, each with its table and its key; the table is empty at the top of the file.
pub fn settings(actions: &Actions) -> [(&'static str, &'static str, Option<String>); 4] {
    let Numbers { country, internal, outside_line } = &actions.numbers;
    [
        ("", "history", Some(history_text(actions.history))),
        ("numbers", "country", country.map(|code| code.to_string())),
        ("numbers", "internal", Some(internal.to_string())),
        ("numbers", "outside-line", outside_line.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::action::{Kind, Separator, Work};

    fn read(text: &str) -> Result<Actions, HooksFileError> {
        super::read("MicroSIP.hooks.toml".into(), text.into())
    }

    #[test]
    fn every_kind_of_action_is_read() {
        let actions = read(
            r#"
history = "off"
[numbers]
country = "49"
internal = 3
outside-line = "0"
[[ring]]
open = "crm.example/find?phone={number:e164}"
only = "external"
again-after = "5m"
[[ring]]
notify = "{name|number} is calling"
link = "https://crm.example/find?phone={number}"
except = ["internal", "+49*"]
[[end]]
post = "https://crm.example/calls"
headers = { Authorization = "Bearer {env:CRM_TOKEN}" }
retry = "24h"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
json = { text = "{number}", list = [1, true, "{name}"] }
[[end]]
log = 'C:\calls.csv'
separator = ";"
[[answer]]
run = 'C:\Tools\note.exe'
args = ["--caller", "{number}"]
timeout = "30s"
[[answer]]
get = "https://crm.example/answered"
"#,
        )
        .unwrap();
        let kinds = |event| actions.of(event).iter().map(|action| action.work.kind()).collect::<Vec<_>>();
        assert_eq!(kinds(Event::Ring), [Kind::Open, Kind::Notify]);
        assert_eq!(kinds(Event::End), [Kind::Post, Kind::Log]);
        assert_eq!(kinds(Event::Answer), [Kind::Run, Kind::Get]);
        assert!(matches!(&actions.of(Event::End)[1].work, Work::Log { separator: Separator::Semicolon, .. }));
        assert_eq!(
            actions.needed_events(),
            [Event::Ring, Event::Answer, Event::Start, Event::End, Event::Busy, Event::Outgoing]
        );
    }

    #[test]
    fn mistakes_show_their_place_and_what_to_write() {
        for (text, at, words) in [
            ("[[rign]]\nopen = 'h'", "1:3", "unknown event 'rign'"),
            ("[[ring]]\nopne = 'h'", "2:1", "unknown key 'opne'"),
            ("[[ring]]\nopen = 'h/{numbr}'", "2:8", "unknown placeholder '{numbr}'"),
            ("[[ring]]\nopen = 'https://{number}'", "2:8", "host"),
            ("[[ring]]\nopen = 'h'\npost = 'h'", "3:1", "one thing"),
            ("[[ring]]\nonly = 'external'", "1:3", "nothing"),
            ("[[ring]]\nopen = 'h'\nargs = ['x']", "3:1", "unknown key 'args'"),
            ("[[ring]]\nopen = 7", "2:8", "expected text"),
            ("[[end]]\npost = 'h'\nretry = 'soon'", "3:9", "expected a time"),
            ("[[end]]\npost = 'h'\nheaders = { 'a b' = 'x' }", "3:13", "header"),
            ("[[end]]\npost = 'h'\njson = {}\nbody = 'x'", "4:1", "one body"),
            ("history = 7", "1:11", "expected a time"),
            ("[numbers]\ncountry = '999'", "2:11", "calling code"),
            ("[[ring]]\nopen = 'h'\nonly = 'extern'", "3:8", "neither external"),
            ("ring = 'x.exe'", "1:8", "expected a list of tables"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(&format!("hooks.toml:{at}:")) && error.contains(words), "{text}\n{error}");
        }
    }

    #[test]
    fn no_message_shows_the_value_of_a_header_or_a_secret() {
        for text in [
            "[[end]]\npost = 'h'\nheaders = { Authorization = 'Bearer s3cr3t {numbr}' }",
            "[[end]]\npost = 'h'\nheaders = { Authorization = 's3cr3t' }, x",
            "[[end]]\npost = 'h'\nheaders = { link = 's3cr3t', 'a b' = 's3cr3t' }",
            "[[end]]\npost = 'h'\nbody = 's3cr3t {numbr}'",
            "[[end]]\npost = 'h'\njson = { file = 's3cr3t {numbr}' }",
            "[[end]]\npost = 'https://ann:s3cr3t@h/{numbr}'",
            "[[end]]\npost = 'https://ann:s3cr3t@h:x/'",
            "[[end]]\npost = 'https://ann:s3cr3t@h/' x",
            "[[end]]\npost = 'https://ann:s3cr3t@h/', retry = x",
            "[[end]]\npost = 'h'\nbody = '{s3cr3t-token}'",
            "[[end]]\npost = 'h'\nheader = { link = 's3cr3t' }",
            "[[end]]\npost = 'h'\nheader = [{ link = 's3cr3t' }]",
            "[[end]]\npost = 'h'\nsecret = 's3cr3t'",
            "[[end]]\npost = 'h'\nsecert = 's3cr3t'",
            "[[end]]\npost = 'h'\n[end.json]\nlink = 's3cr3t",
            "[[end]]\npost = 'h'\nsecret = 's3cr3t\nretry = '1h'",
        ] {
            let error = read(text).unwrap_err();
            let shown = format!("{error}\n{error:?}\n{:?}", error.hint());
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        let url = "'https://ann:s3cr3t@crm.example/'";
        let text =
            format!("[[ring]]\nopen = {url}\n[[end]]\npost = {url}\n[[answer]]\nnotify = 'x'\nlink = {url}");
        let shown = lines(&read(&text).unwrap()).join("\n");
        assert!(!shown.contains("s3cr3t") && shown.matches("crm.example").count() == 3, "{shown}");
    }
}

//! Texts of the wizard.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::commands::hook_state::Hook;
use crate::commands::written::WriteOutcome;
use crate::hook::action::{Action, Method, WebRequest, Work};
use crate::hook::command::{HookCommand, command_line_to_argv};
use crate::hook::event::Event;
use crate::hook::runner;
use crate::microsip::privacy::{Guarded, Viewer};
use crate::page::Count;

/// Printed at the start.
pub const WELCOME: &str = "This sets up what MicroSIP does on calls. Nothing is changed until you confirm it.\n\
                           Esc goes back to the previous question; Ctrl-C exits.\n\n";

/// Printed if no ini was found.
pub const HOW_TO_FIND_THE_INI: &str = "\
MicroSIP keeps its settings in MicroSIP.ini. To find it:\n\
- If MicroSIP never ran on this computer, install it and start it once.\n\
- If it was installed, press Windows+R, type %APPDATA%\\MicroSIP and press Enter. A folder \
  opens; copy the address at its top, choose \"Type where it is\" below, and paste it.\n\
- If it was only unpacked, the file is in the folder of MicroSIP.exe.\n";

/// Returns when an event happens, for the person who takes the call: it follows "when".
pub fn when(event: Event) -> &'static str {
    match event {
        Event::Ring => "the phone is ringing",
        Event::Ringing => "the phone is ringing and Do Not Disturb is off",
        Event::Answer => "you answer a call",
        Event::AnswerVideo => "you answer a video call",
        Event::Start => "a call is connected, including one that you made",
        Event::End => "a call has ended or was missed",
        Event::Busy => "a call was busy or declined",
        Event::Outgoing => "you call someone",
    }
}

/// Returns when any of these events happens.
pub fn when_any(events: &[Event]) -> String {
    match events {
        [Event::End, Event::Busy] => "a call has ended or was missed, busy or declined".into(),
        events => {
            let each: Vec<&str> = events.iter().map(|event| when(*event)).collect();
            each.join(", or when ")
        }
    }
}

/// Returns a list item for each event.
pub fn event_items(hooks: &[Hook]) -> Vec<String> {
    let item = |event: &Event| {
        let is_set = hooks.iter().any(|hook| hook.event == *event && !present(hook).is_empty());
        let mark = if is_set { "  (in use)" } else { "" };
        format!("{:<12} {}{mark}", event.name(), when(*event))
    };
    Event::ALL.iter().map(item).collect()
}

/// Something that happens on an event now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// What MicroSIP does.
    pub does: String,
    /// The number of the action, from 1; `None` for a program.
    pub action: Option<usize>,
}

/// Returns what happens on the event of a hook now.
pub fn present(hook: &Hook) -> Vec<Present> {
    let program = match (&hook.command, &hook.value) {
        _ if hook.is_runner => None,
        (Some(command), _) => Some(starts(command)),
        (None, Some(value)) if !value.is_empty() => Some(format!("has the command {value:?}")),
        _ => None,
    };
    let program = program.map(|does| Present { does, action: None });
    let actions =
        (1..).zip(&hook.actions).map(|(number, action)| Present { does: does(action), action: Some(number) });
    program.into_iter().chain(actions).collect()
}

/// Something that can be removed. On `end` and `busy` it is usually the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    pub events: Vec<Event>,
    pub present: Present,
}

impl Removable {
    /// Returns the list item.
    pub fn item(&self) -> String {
        format!("When {}: {}", when_any(&self.events), self.present.does)
    }
}

/// Returns what happens on calls, a line for each thing.
pub fn overview(hooks: &[Hook]) -> String {
    let mut text: String = removable(hooks).iter().map(|one| format!("- {}\n", one.item())).collect();
    if text.is_empty() {
        text.push_str("- nothing yet\n");
    }
    format!("On calls, this happens now:\n{text}\n")
}

/// Returns each thing that happens on calls.
pub fn removable(hooks: &[Hook]) -> Vec<Removable> {
    let mut found: Vec<Removable> = Vec::new();
    for hook in hooks {
        for present in present(hook) {
            let is_same = |other: &&mut Removable| {
                other.present == present
                    && [Event::End, Event::Busy].contains(&hook.event)
                    && other.events == [Event::End]
            };
            match found.iter_mut().find(is_same) {
                Some(other) => other.events.push(hook.event),
                None => found.push(Removable { events: vec![hook.event], present }),
            }
        }
    }
    found
}

/// Returns what an action does; "MicroSIP" can precede it.
pub fn does(action: &Action) -> String {
    match &action.work {
        Work::Open { url, .. } => format!("opens {url}"),
        Work::Notify { text, link: None } => format!("shows \"{text}\""),
        Work::Notify { text, link: Some(link) } => format!("shows \"{text}\" (a click opens {link})"),
        Work::Send(WebRequest { method: Method::Get, url, .. }) => format!("requests {url}"),
        Work::Send(WebRequest { url, .. }) => format!("sends the call to {url}"),
        Work::Log { file, .. } => format!("adds a line to {file}"),
        Work::Run { program, args, .. } => {
            let args = args.iter().map(ToString::to_string).collect();
            starts(&HookCommand { program: program.clone(), args })
        }
    }
}

/// Returns what MicroSIP does with a program.
pub fn starts(command: &HookCommand) -> String {
    format!("starts {command}")
}

/// Returns the sentence that says what will happen on these events, and what becomes of what happens now.
pub fn sentence_before_saving(events: &[Event], does: &str, present: &[String], is_kept: bool) -> String {
    let when = when_any(events);
    match (present.join(" and "), is_kept) {
        (present, _) if present.is_empty() => ended(&format!("When {when}, MicroSIP {does}")),
        (present, true) => ended(&format!("When {when}, MicroSIP {present} as now, and also {does}")),
        (present, false) => ended(&format!("When {when}, MicroSIP {does} and no longer {present}")),
    }
}

/// Returns what was saved, and where the old settings are.
pub fn saved(written: &WriteOutcome) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let backup = written.backup.as_ref().map(|path| format!(" The old settings are in {}.", name(path)));
    let done = match &written.restored {
        Some(backup) => format!("Restored {backup}."),
        None => "Saved.".into(),
    };
    format!("{done}{}\n", backup.unwrap_or_default())
}

/// Returns the sentence that says what will no longer happen.
pub fn sentence_before_removing(removed: &Removable) -> String {
    ended(&format!("When {}, MicroSIP no longer {}", when_any(&removed.events), removed.present.does))
}

/// Returns a line with a full stop, unless it would seem to belong to a web address.
fn ended(text: &str) -> String {
    let is_address = text.rsplit(' ').next().is_some_and(|word| word.contains("://"));
    format!("{text}{}\n", if is_address { "" } else { "." })
}

/// Returns what changes on calls if an older state is restored, after an introduction.
pub fn sentence_before_undoing(undo: &WriteOutcome, introduction: &str) -> String {
    let mut text = String::new();
    let mut line = |begin: &str, what: &str| {
        let _ = writeln!(text, "- {begin}: {what}");
    };
    let actions = undo.actions.as_ref();
    for (begin, lines) in
        [("no longer", actions.map(|it| &it.removed)), ("again", actions.map(|it| &it.added))]
    {
        lines.into_iter().flatten().for_each(|what| line(begin, what));
    }
    let mut others = 0;
    for change in &undo.changes {
        let event = Event::ALL.iter().find(|event| event.key().eq_ignore_ascii_case(&change.key));
        let command = |value: &Option<Guarded>| {
            let value = value.as_ref().map(|value| value.reveal(Viewer::Requester).to_string());
            // the actions say what the runner does
            let starts_runner = |value: &str| value.to_ascii_lowercase().contains(runner::NAME);
            value.filter(|value| !value.trim_matches('"').is_empty() && !starts_runner(value))
        };
        match event {
            Some(event) => {
                for (begin, value) in
                    [("no longer", command(&change.before)), ("again", command(&change.after))]
                {
                    if let Some(value) = value {
                        line(begin, &format!("{event} {value}"));
                    }
                }
            }
            None => others += 1,
        }
    }
    if others > 0 {
        let _ = writeln!(text, "- changed: {}", Count(others, "other setting"));
    }
    format!("{introduction}\n{text}")
}

/// Splits a text into arguments as Windows does.
pub fn split_arguments(text: &str) -> Vec<String> {
    // Windows parses the first part, the program, by other rules
    let line: Vec<u16> = format!("x {text}").encode_utf16().collect();
    let parts = command_line_to_argv(&line).into_iter().skip(1);
    parts.map(|part| String::from_utf16_lossy(&part)).collect()
}

/// Turns a message into a sentence on its own line.
pub fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.\n", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(event: Event) -> Hook {
        Hook {
            event,
            value: Some("x".into()),
            command: None,
            is_runner: false,
            actions: Vec::new(),
            works: None,
            problems: Vec::new(),
        }
    }

    #[test]
    fn event_items_fit_into_80_columns() {
        let hooks: Vec<Hook> = Event::ALL.iter().map(|event| hook(*event)).collect();
        for line in event_items(&hooks) {
            assert!(line.len() <= 73 && line.ends_with("(in use)"), "{line}");
        }
        assert!(event_items(&[]).iter().all(|line| !line.contains("in use")));
    }

    #[test]
    fn a_sentence_says_what_happens_and_what_no_longer_does() {
        let present = ["starts C:\\x.exe".to_string()];
        for (events, present, is_kept, expected) in [
            (&[Event::Ring][..], &[][..], false, "When the phone is ringing, MicroSIP opens https://a/\n"),
            (
                &[Event::End, Event::Busy],
                &present,
                true,
                "When a call has ended or was missed, busy or declined, MicroSIP starts C:\\x.exe as now, and also \
                 opens https://a/\n",
            ),
            (
                &[Event::Answer, Event::Outgoing],
                &present,
                false,
                "When you answer a call, or when you call someone, MicroSIP opens https://a/ and no longer \
                 starts C:\\x.exe.\n",
            ),
        ] {
            assert_eq!(sentence_before_saving(events, "opens https://a/", present, is_kept), expected);
        }
    }

    #[test]
    fn arguments_are_split_as_windows_does() {
        assert_eq!(split_arguments(""), Vec::<String>::new());
        assert_eq!(split_arguments(r#"--to "the crm" a\b"#), ["--to", "the crm", r"a\b"]);
    }
}

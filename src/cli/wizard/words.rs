//! What the wizard says, apart from the asking.

use std::path::Path;

use crate::commands::hook_state::Hook;
use crate::hook::command::{command_line_to_argv, quote};
use crate::hook::event::Event;
use crate::platform::{FileSystem, SystemFs};

/// When an event happens, for people who see the list for the first time.
pub fn when(event: Event) -> &'static str {
    match event {
        Event::Ring => "someone calls: at once, even on Do Not Disturb",
        Event::Ringing => "someone calls and MicroSIP really rings",
        Event::Answer => "you answer a call",
        Event::AnswerVideo => "you answer a video call",
        Event::Start => "a call is connected, yours or theirs",
        Event::End => "a call is over, a missed one too",
        Event::Busy => "it was busy or declined (comes instead of end)",
        Event::Outgoing => "you call someone",
    }
}

/// The events as a list, those with a hook marked.
pub fn events(hooks: &[Hook]) -> Vec<String> {
    let is_set = |event: Event| hooks.iter().any(|hook| hook.event == event && is_set(hook));
    let line = |event: &Event| {
        let mark = if is_set(*event) { "  (has a hook)" } else { "" };
        format!("{:<12} {}{mark}", event.name(), when(*event))
    };
    Event::ALL.iter().map(line).collect()
}

/// Whether something stands there, be it a command that works or not.
pub fn is_set(hook: &Hook) -> bool {
    hook.value.as_ref().is_some_and(|value| !value.is_empty())
}

/// The hooks that are set, as a list.
pub fn hooks<'a>(hooks: impl Iterator<Item = &'a Hook>) -> Vec<String> {
    let line = |hook: &Hook| {
        let command = hook.command.as_ref().map(ToString::to_string);
        format!("{:<12} {}", hook.event.name(), command.or(hook.value.clone()).unwrap_or_default())
    };
    hooks.map(line).collect()
}

/// What the menu of a hook's program offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// One that the user has.
    Own,
    /// A log, written by a script of ours.
    Log,
    /// A window with the number.
    PopUp,
    /// A web page with the number.
    WebPage,
}

impl Program {
    /// In the order of the menu.
    pub const ALL: [Program; 4] = [Program::Own, Program::Log, Program::PopUp, Program::WebPage];

    /// Its line in the menu.
    pub fn line(self) -> &'static str {
        match self {
            Program::Own => "A program or script of mine",
            Program::Log => "Ready-made: write the call to a text file",
            Program::PopUp => "Ready-made: show the number in a small window",
            Program::WebPage => "Ready-made: open a web page with the number",
        }
    }
}

/// The arguments in a text, parted as Windows does.
pub fn arguments(text: &str) -> Vec<String> {
    // the first part of a command line is the program, which has rules of its own
    let line: Vec<u16> = format!("x {text}").encode_utf16().collect();
    let parts = command_line_to_argv(&line).into_iter().skip(1);
    parts.map(|part| String::from_utf16_lossy(&part)).collect()
}

/// Arguments as a text, which [`arguments`] gives back.
pub fn text_of(args: &[String]) -> String {
    let quoted: Vec<String> = args.iter().map(|arg| quote(arg)).collect();
    quoted.join(" ")
}

/// A message as a sentence on a line of its own.
pub fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.\n", chars.as_str())
}

/// What becomes of the file of a script that is brought along.
pub fn about_script(script: &Path) -> String {
    if SystemFs.exists(script) {
        format!("The script is there already and stays as it is: {}\n", script.display())
    } else {
        format!("And a new file: {}\n", script.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_events_fits_a_common_terminal() {
        let hook = |event: &Event| Hook {
            event: *event,
            value: Some("x".into()),
            command: None,
            works: None,
            problems: Vec::new(),
        };
        let hooks: Vec<Hook> = Event::ALL.iter().map(hook).collect();
        for line in events(&hooks) {
            assert!(line.len() <= 73 && line.ends_with("(has a hook)"), "{line}");
        }
        assert!(events(&[]).iter().all(|line| !line.contains("hook")));
    }

    #[test]
    fn arguments_are_parted_as_windows_does() {
        assert_eq!(arguments(""), Vec::<String>::new());
        assert_eq!(arguments(r#"--to "the crm" a\b"#), ["--to", "the crm", r"a\b"]);
        for args in [&["a b", ""][..], &[r"C:\x\", "\"", "--n=1"], &[]] {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            assert_eq!(arguments(&text_of(&args)), args);
        }
    }
}

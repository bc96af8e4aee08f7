//! Texts of the wizard.

use std::path::Path;

use crate::commands::hook_state::Hook;
use crate::hook::command::command_line_to_argv;
use crate::hook::event::Event;
use crate::platform::{FileSystemExt, SystemFs};
use crate::quote::quote;

/// Printed at the start.
pub const WELCOME: &str = "This sets up programs that MicroSIP runs on call events.\n\
                           Nothing is changed until you confirm it. Esc goes back in lists; Ctrl-C exits.\n\n";

/// Returns when an event happens, shorter than [`Event::when`] and for the person who takes the call.
fn when(event: Event) -> &'static str {
    match event {
        Event::Ring => "a call arrives (even on Do Not Disturb)",
        Event::Ringing => "the phone is ringing (not on Do Not Disturb)",
        Event::Answer => "you answer a call",
        Event::AnswerVideo => "you answer a video call",
        Event::Start => "the call is connected (incoming or outgoing)",
        Event::End => "the call ended or was missed",
        Event::Busy => "the call was busy or declined (instead of end)",
        Event::Outgoing => "you call someone",
    }
}

/// Returns a list item for each event.
pub fn event_items(hooks: &[Hook]) -> Vec<String> {
    let item = |event: &Event| {
        let has_hook = hooks.iter().any(|hook| hook.event == *event && is_set(hook));
        let mark = if has_hook { "  (has a hook)" } else { "" };
        format!("{:<12} {}{mark}", event.name(), when(*event))
    };
    Event::ALL.iter().map(item).collect()
}

/// Returns whether the ini has a value for the hook, even one that doesn't work.
pub fn is_set(hook: &Hook) -> bool {
    hook.value.as_ref().is_some_and(|value| !value.is_empty())
}

/// Returns a list item for each hook.
pub fn hook_items(hooks: &[Hook]) -> Vec<String> {
    let item = |hook: &Hook| {
        let command = hook.command.as_ref().map(ToString::to_string);
        format!("{:<12} {}", hook.event.name(), command.or(hook.value.clone()).unwrap_or_default())
    };
    hooks.iter().map(item).collect()
}

/// What a hook can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramChoice {
    /// The user's own program.
    Own,
    /// A ready-made script that logs calls.
    Log,
    /// A ready-made script that shows the number in a window.
    PopUp,
    /// A ready-made script that opens a web page.
    WebPage,
}

impl ProgramChoice {
    /// Every choice, in the order of the menu.
    pub const ALL: [ProgramChoice; 4] =
        [ProgramChoice::Own, ProgramChoice::Log, ProgramChoice::PopUp, ProgramChoice::WebPage];

    /// Returns the choice's menu item.
    pub fn label(self) -> &'static str {
        match self {
            ProgramChoice::Own => "My own program or script",
            ProgramChoice::Log => "Ready-made: write the call to a text file",
            ProgramChoice::PopUp => "Ready-made: show the number in a small window",
            ProgramChoice::WebPage => "Ready-made: open a web page with the number",
        }
    }
}

/// Splits a text into arguments as Windows does.
pub fn split_arguments(text: &str) -> Vec<String> {
    // Windows parses the first part, the program, by other rules
    let line: Vec<u16> = format!("x {text}").encode_utf16().collect();
    let parts = command_line_to_argv(&line).into_iter().skip(1);
    parts.map(|part| String::from_utf16_lossy(&part)).collect()
}

/// Joins arguments to a text that [`split_arguments`] splits into the same ones.
pub fn join_arguments(args: &[String]) -> String {
    let quoted: Vec<String> = args.iter().map(|arg| quote(arg)).collect();
    quoted.join(" ")
}

/// Turns a message into a sentence on its own line.
pub fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.\n", chars.as_str())
}

/// Returns whether the file of a ready-made script is created or kept.
pub fn about_script(script: &Path) -> String {
    if SystemFs.exists(script) {
        format!("Uses the existing script: {}\n", script.display())
    } else {
        format!("Also creates the script: {}\n", script.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_items_fit_into_80_columns() {
        let hook = |event: &Event| Hook {
            event: *event,
            value: Some("x".into()),
            command: None,
            is_runner: false,
            actions: Vec::new(),
            works: None,
            problems: Vec::new(),
        };
        let hooks: Vec<Hook> = Event::ALL.iter().map(hook).collect();
        for line in event_items(&hooks) {
            assert!(line.len() <= 73 && line.ends_with("(has a hook)"), "{line}");
        }
        assert!(event_items(&[]).iter().all(|line| !line.contains("hook")));
    }

    #[test]
    fn arguments_are_split_as_windows_does() {
        assert_eq!(split_arguments(""), Vec::<String>::new());
        assert_eq!(split_arguments(r#"--to "the crm" a\b"#), ["--to", "the crm", r"a\b"]);
        for args in [&["a b", ""][..], &[r"C:\x\", "\"", "--n=1"], &[]] {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            assert_eq!(split_arguments(&join_arguments(&args)), args);
        }
    }
}

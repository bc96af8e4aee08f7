//! `hooks`: each event, what runs, and whether it would work.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::diagnostic::Diagnostic;
use crate::hook::action::Action;
use crate::hook::event::Event;
use crate::page::{Page, Styles, path_text, problem_list};
use crate::request::IniChoice;

use super::context::Context;
use super::error::Error;
use super::hook_actions;
use super::hook_state::{self, Hook};
use super::ini::{Ini, reading_warnings};
use super::outcome::Outcome;

/// The hooks of an ini.
#[derive(Debug)]
pub struct HookList {
    /// The ini.
    pub ini: PathBuf,
    /// The hooks of the events that were asked for.
    pub hooks: Vec<Hook>,
    /// Warnings about the ini.
    pub warnings: Vec<Diagnostic>,
}

impl Outcome for HookList {
    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn text(&self, page: &Page) -> String {
        let mut text = format!("{0}{1}{0:#}\n", page.styles.heading, self.ini.display());
        let mut of_runner: Vec<&Diagnostic> = Vec::new();
        for hook in &self.hooks {
            text.push_str(&hook_line(hook, page.styles));
            // The runner is the same program on every event.
            let is_new = |problem: &&Diagnostic| !of_runner.contains(problem);
            let shown: Vec<&Diagnostic> = hook.problems.iter().filter(is_new).collect();
            text.push_str(&problem_list(shown.iter().copied(), "                ", page.styles));
            if hook.is_runner {
                of_runner.extend(shown);
            }
        }
        text
    }

    fn json(&self) -> Json {
        json!({
            "ok": true,
            "ini": path_text(&self.ini),
            "hooks": self.hooks.iter().map(hook_json).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

/// Lists the hooks of events.
///
/// # Errors
/// No ini was found, or it can't be read.
pub fn list(choice: &IniChoice, events: &[Event], context: &mut Context<'_>) -> Result<HookList, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    let (actions, mistake) = hook_actions::read_or_warn(&ini, context.fs);
    let mut hooks = hook_state::all(&ini, &decoded.document, &actions, context.env);
    hooks.retain(|hook| events.contains(&hook.event));
    let warnings = reading_warnings(&decoded).into_iter().chain(mistake).collect();
    Ok(HookList { warnings, ini: ini.path, hooks })
}

/// Returns a hook for scripts.
pub fn hook_json(hook: &Hook) -> Json {
    let action = |(number, action): (usize, &Action)| json!({ "number": number, "kind": action.work.kind().name(), "text": action.to_string() });
    json!({
        "event": hook.event.name(),
        "key": hook.event.key(),
        "value": hook.value,
        "program": hook.command.as_ref().map(|command| &command.program),
        "args": hook.command.as_ref().map(|command| &command.args),
        "runner": hook.is_runner,
        "actions": (1..).zip(&hook.actions).map(action).collect::<Vec<_>>(),
        "works": hook.works,
        "problems": hook.problems,
    })
}

/// Returns the event, what happens, and whether it would work.
pub fn hook_line(hook: &Hook, Styles { error, warning, added, .. }: Styles) -> String {
    let runs = match (&hook.command, &hook.value) {
        _ if hook.is_runner && hook.actions.is_empty() => "msipcfg-run".into(),
        _ if hook.is_runner => {
            let lines: Vec<String> =
                (1..).zip(&hook.actions).map(|(number, action)| format!("{number}. {action}")).collect();
            lines.join(&format!("\n{:16}", ""))
        }
        (Some(command), _) => command.to_string(),
        (None, Some(value)) if !value.is_empty() => format!("{value:?}"),
        _ => "-".into(),
    };
    let mut text = format!("  {:<13} {runs}", hook.event.name());
    let _ = match hook.works {
        Some(true) if !hook.problems.is_empty() => write!(text, "  {warning}runs, but see below{warning:#}"),
        Some(true) => write!(text, "  {added}ok{added:#}"),
        Some(false) => write!(text, "  {error}fails{error:#}"),
        None if hook.command.is_some() => write!(text, "  {warning}not checked{warning:#}"),
        None => Ok(()),
    };
    text + "\n"
}

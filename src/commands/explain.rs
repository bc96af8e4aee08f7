//! `explain`: what MicroSIP would run for a command text, without an ini.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::diagnostic::{Code, Diagnostic, ExitStatus};
use crate::hook::command::{self, HookCommand};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::meaning::{self, Verdict};
use crate::hook::runner::RunnerCall;
use crate::hook::target::{self, TargetContext, TargetError};
use crate::ini::wide;
use crate::page::{Page, Styles, command_lines, problem_list};
use crate::request::Explain;

use super::hook_edit::dialect_warning;
use super::hook_state::unsupported;
use super::outcome::Outcome;
use super::suggestion;

/// What MicroSIP does with the text after `=`.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The event; `None` if MicroSIP doesn't know the named one.
    pub event: Option<Event>,
    /// The value as MicroSIP reads it.
    pub value: String,
    /// Whether it works.
    pub verdict: Verdict,
    /// What MicroSIP starts, and the arguments before the caller's text; `None` if it starts nothing.
    pub command: Option<HookCommand>,
    /// What the runner is started for, if MicroSIP starts it.
    pub runner: Option<RunnerCall>,
    /// Whether the caller's text becomes part of the last argument.
    pub number_is_joined: bool,
    /// Errors and warnings.
    pub problems: Vec<Diagnostic>,
    /// A text that does what was intended.
    pub suggestion: Option<String>,
}

impl Outcome for Explanation {
    fn status(&self) -> ExitStatus {
        if self.verdict == Verdict::Fails { ExitStatus::No } else { ExitStatus::Done }
    }

    fn text(&self, page: &Page) -> String {
        let Styles { error, warning, added, heading, .. } = page.styles;
        let (style, meaning) = match self.verdict {
            Verdict::Works => (added, "MicroSIP runs it as written"),
            Verdict::Depends => (warning, "it works under the condition shown below"),
            Verdict::Fails => (error, "it doesn't do what was intended; see the problems below"),
            Verdict::Empty => (heading, "no command is run"),
        };
        let mut text = format!("{style}{}{style:#}: {meaning}\n", self.verdict.name());
        if let Some(HookCommand { program, args }) = &self.command {
            text.push_str(&command_lines(program, args));
            if let Some(RunnerCall { event, ini }) = &self.runner {
                let ini = ini.as_deref().unwrap_or("the user's MicroSIP.ini");
                let _ = writeln!(text, "  msipcfg carries out the actions of {event} for {ini}");
            } else if !self.number_is_joined {
                let first = format!("{}+", args.len() + 1);
                let _ =
                    writeln!(text, "  argument {first:<3} the caller's text: one argument, several, or none");
            }
        }
        text.push_str(&problem_list(&self.problems, "  ", page.styles));
        if let Some(suggestion) = &self.suggestion {
            let _ = writeln!(text, "{heading}Use this value instead{heading:#}:\n{suggestion}");
        }
        text
    }

    fn json(&self) -> Json {
        json!({
            "ok": true,
            "event": self.event.map(Event::name),
            "value": self.value,
            "verdict": self.verdict.name(),
            "program": self.command.as_ref().map(|command| &command.program),
            "args": self.command.as_ref().map_or(&[][..], |command| &command.args),
            "runner": self.runner.is_some(),
            "problems": self.problems,
            "suggestion": self.suggestion,
        })
    }
}

/// Explains a command text.
pub fn explain(asked: &Explain) -> Explanation {
    let save_dialect = SaveDialect::determine(asked.version, None, None);
    let named = asked.event.as_deref().map(str::parse::<Event>).transpose();
    // The text can be explained even if the event is unknown.
    let event = named.as_ref().ok().copied().flatten().unwrap_or(Event::Ring);
    let text = asked.text.as_str();
    let decoded = command::decode(&wide(text), event, &save_dialect);

    let mut weighed: Vec<(Verdict, Diagnostic)> = Vec::new();
    match &named {
        Err(unknown) => weighed.push((Verdict::Fails, Diagnostic::from(unknown))),
        Ok(_) if !save_dialect.supports(event) => {
            weighed.push((Verdict::Fails, Diagnostic::from(&unsupported(event, &save_dialect))));
        }
        Ok(_) => {}
    }
    weighed.extend(decoded.errors.iter().map(|error| {
        let verdict = if error.is_fatal() { Verdict::Fails } else { Verdict::Depends };
        (verdict, Diagnostic::from(error))
    }));
    let has_fatal_fault = decoded.errors.iter().any(command::HookTextError::is_fatal);
    let stand_in = meaning::unquoted_stand_in(&decoded.value).filter(|_| !has_fatal_fault);
    // An error in the text explains more than a first word that isn't a program.
    if let Some(command) = decoded.command().filter(|_| !has_fatal_fault) {
        weighed.extend(target_faults(&command));
        if let Some(name) = stand_in {
            let message = format!(
                "'{name}' is a placeholder for a user's name; the path breaks if the real name contains a space"
            );
            let warning = Diagnostic::new(Code::HookUserStandIn, message)
                .with_hint("put the path in quotes that MicroSIP keeps, or write out the name");
            weighed.push((Verdict::Depends, warning));
        }
        let lasts = command::read(&wide(&decoded.value)) == wide(&decoded.value);
        if !save_dialect.certain && !lasts {
            weighed.push((Verdict::Works, dialect_warning(save_dialect.dialect)));
        }
    }

    let verdict = match weighed.iter().map(|(verdict, _)| *verdict).max() {
        Some(verdict @ (Verdict::Fails | Verdict::Depends)) => verdict,
        _ if decoded.value.is_empty() => Verdict::Empty,
        _ => Verdict::Works,
    };
    let needs_suggestion = matches!(verdict, Verdict::Depends | Verdict::Fails);
    let suggestion = needs_suggestion
        .then(|| {
            suggestion::text_for(text, &decoded, stand_in, event, &save_dialect, &TargetContext::path_only())
        })
        .flatten();
    let is_run = named.is_ok() && save_dialect.supports(event);
    let command = decoded.command().filter(|_| is_run);
    Explanation {
        event: named.ok().map(|_| event),
        runner: command.as_ref().and_then(RunnerCall::of),
        command,
        number_is_joined: decoded
            .errors
            .iter()
            .any(|error| matches!(error, command::HookTextError::NumberJoined { .. })),
        value: decoded.value,
        verdict,
        problems: weighed.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
        suggestion,
    }
}

/// Returns what the path of a program shows without looking at a disk.
fn target_faults(command: &HookCommand) -> Vec<(Verdict, Diagnostic)> {
    let errors = target::check(command, &TargetContext::path_only());
    errors
        .iter()
        .filter(|error| !matches!(error, TargetError::Unchecked { .. }))
        .map(|error| {
            let verdict = match error {
                error if error.is_fatal() => Verdict::Fails,
                TargetError::Network { .. } | TargetError::Temporary { .. } => Verdict::Depends,
                _ => Verdict::Works,
            };
            (verdict, Diagnostic::from(error))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::name::ValueText;

    fn explained(event: Option<&str>, version: Option<&str>, text: &str) -> Explanation {
        explain(&Explain {
            event: event.map(str::to_string),
            version: version.map(|version| version.parse().unwrap()),
            text: ValueText::new(text).unwrap(),
        })
    }

    #[test]
    fn the_version_has_a_say() {
        let quoted = r#"""C:\Program Files\x.exe"""#;
        assert_eq!(explained(None, Some("3.22.3"), quoted).verdict, Verdict::Works);
        assert_eq!(explained(None, Some("3.20.5"), quoted).verdict, Verdict::Fails);
        assert_eq!(explained(Some("ringing"), Some("3.14.0"), r"C:\x.exe").verdict, Verdict::Fails);
        assert_eq!(explained(Some("ring"), Some("3.14.0"), r"C:\x.exe").verdict, Verdict::Works);
    }

    #[test]
    fn the_event_has_a_say() {
        assert_eq!(explained(Some("ring"), None, r"C:\x.exe {number}").verdict, Verdict::Fails);
        assert_eq!(explained(Some("outgoing"), None, r"C:\x.exe {number}").verdict, Verdict::Works);
        assert_eq!(explained(Some("outgoing"), None, r"C:\x.exe {password}").verdict, Verdict::Depends);
        let unknown = explained(Some("cmdCallIncoming"), None, r"C:\x.exe");
        assert_eq!((unknown.verdict, unknown.command), (Verdict::Fails, None));
    }

    #[test]
    fn a_script_that_windows_opens_is_suggested_with_what_runs_it() {
        let explained = explained(None, None, r"C:\hooks\ring.ps1");
        assert_eq!(explained.verdict, Verdict::Fails);
        let suggestion = explained.suggestion.unwrap();
        assert!(suggestion.contains(r"powershell.exe -NoProfile"), "{suggestion}");
        assert!(suggestion.ends_with("-File C:\\hooks\\ring.ps1\""), "{suggestion}");
    }
}

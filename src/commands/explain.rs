//! What MicroSIP would make of a command, told from its text alone.

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::hook::command::{self, HookCommand};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::meaning::{self, Verdict};
use crate::hook::target::{self, TargetContext, TargetError};
use crate::ini::wide;
use crate::request::Explain;

use super::hooks::{DialectWarning, unsupported};
use super::suggestion;

/// What becomes of a text behind `=`.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The event it is for; `None` if MicroSIP does not know the one that was named.
    pub event: Option<Event>,
    /// The value as MicroSIP reads it.
    pub value: String,
    /// Whether it does what it says.
    pub verdict: Verdict,
    /// What MicroSIP starts, and what that receives before the number. `None`: it starts nothing.
    pub command: Option<HookCommand>,
    /// Whether the number comes inside the last argument, not behind it.
    pub takes_number_in: bool,
    /// What is wrong, or deserves saying.
    pub problems: Vec<Diagnostic>,
    /// A text that does what was meant.
    pub suggestion: Option<String>,
}

/// Explains a command.
pub fn explain(asked: &Explain) -> Explanation {
    let save_dialect = SaveDialect::determine(asked.version, None, None);
    let named = asked.event.as_deref().map(str::parse::<Event>).transpose();
    // the text can be told about even if its key cannot
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
    weighed.extend(decoded.errors.iter().map(|fault| (meaning::verdict_of(fault), Diagnostic::from(fault))));
    let has_fatal_fault = decoded.errors.iter().any(command::CommandError::is_fatal);
    let stand_in = meaning::unquoted_stand_in(&decoded.value).filter(|_| !has_fatal_fault);
    // what is wrong with the text says more than that its first word is no program
    if let Some(command) = decoded.command().filter(|_| !has_fatal_fault) {
        weighed.extend(target_faults(&command));
        if let Some(name) = stand_in {
            weighed.push((
                Verdict::Depends,
                Diagnostic::from(&ExplainWarning::StandIn { name: name.to_string() }),
            ));
        }
        let lasts = command::read(&wide(&decoded.value)) == wide(&decoded.value);
        if !save_dialect.certain && !lasts {
            weighed
                .push((Verdict::Works, Diagnostic::from(&DialectWarning { dialect: save_dialect.dialect })));
        }
    }

    let verdict = match weighed.iter().map(|(verdict, _)| *verdict).max() {
        Some(verdict @ (Verdict::Fails | Verdict::Depends)) => verdict,
        _ if decoded.value.is_empty() => Verdict::Empty,
        _ => Verdict::Works,
    };
    let is_to_be_mended = matches!(verdict, Verdict::Depends | Verdict::Fails);
    let suggestion = is_to_be_mended
        .then(|| {
            suggestion::text_for(text, &decoded, stand_in, event, &save_dialect, &TargetContext::path_only())
        })
        .flatten();
    let is_run = named.is_ok() && save_dialect.supports(event);
    Explanation {
        event: named.ok().map(|_| event),
        command: decoded.command().filter(|_| is_run),
        takes_number_in: decoded
            .errors
            .iter()
            .any(|fault| matches!(fault, command::CommandError::NumberJoined { .. })),
        value: decoded.value,
        verdict,
        problems: weighed.into_iter().map(|(_, notice)| notice).collect(),
        suggestion,
    }
}

/// What the path of a program tells without a machine it lies on.
fn target_faults(command: &HookCommand) -> Vec<(Verdict, Diagnostic)> {
    let faults = target::check(command, &TargetContext::path_only());
    let mut weighed: Vec<(Verdict, Diagnostic)> = faults
        .iter()
        .filter(|fault| !matches!(fault, TargetError::Unchecked { .. }))
        .map(|fault| {
            let verdict = match fault {
                fault if fault.is_fatal() => Verdict::Fails,
                TargetError::Network { .. } | TargetError::Temporary { .. } => Verdict::Depends,
                _ => Verdict::Works,
            };
            (verdict, Diagnostic::from(fault))
        })
        .collect();
    if target::is_name(&command.program) {
        let remark = ExplainWarning::ByName { program: command.program.clone() };
        weighed.push((Verdict::Works, Diagnostic::from(&remark)));
    }
    weighed
}

/// What deserves saying of a text only where nothing else is known.
#[derive(Debug, thiserror::Error)]
enum ExplainWarning {
    #[error("'{program}' is looked for by name when MicroSIP starts it: it must be on the PATH")]
    ByName { program: String },
    #[error("'{name}' stands for a user's name: the path breaks where that has a blank")]
    StandIn { name: String },
}

impl ToDiagnostic for ExplainWarning {
    fn code(&self) -> Code {
        match self {
            ExplainWarning::ByName { .. } => Code::HookTargetRelative,
            ExplainWarning::StandIn { .. } => Code::HookUserStandIn,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                ExplainWarning::ByName { .. } => "name it by its full path, such as C:\\hooks\\ring.exe",
                ExplainWarning::StandIn { .. } => {
                    "put the path between quotes that last, or write the name out"
                }
            }
            .into(),
        )
    }
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

//! `detect`: whether an ini is in a desired state, for programs that deploy software. They read an exit status and one
//! line.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::outcome::Outcome;
use crate::diagnostic::{Diagnostic, ExitStatus};
use crate::edit::plan::Change;
use crate::microsip::keys::setting_path;
use crate::microsip::locate::LocateError;
use crate::page::{Count, Page};
use crate::request::{DesiredChoice, DetectStyle, IniChoice, ManyUsers};

use super::apply::{self, CheckOutcome};
use super::profiles::{self, Summary};

/// The answer, and the program that asks.
#[derive(Debug)]
pub struct Detected {
    /// The program that asks.
    pub style: DetectStyle,
    /// The answer.
    pub answer: Answer,
}

/// Whether inis are in a desired state.
#[derive(Debug)]
pub enum Answer {
    /// The ini is.
    InState { ini: PathBuf },
    /// These values differ; none if only the encoding isn't MicroSIP's.
    Drifted { ini: PathBuf, differences: Vec<Change> },
    /// The inis of all users who have one are.
    AllInState { users: usize },
    /// The inis of some users aren't.
    SomeDrifted { users: usize, of: usize },
    /// None of the users' inis could be compared; the reason.
    Nobody { reason: &'static str },
    /// There is no ini yet.
    NoIni(Diagnostic),
    /// It can't be determined; the reason.
    Unknown(Diagnostic),
}

/// Compares an ini with a desired state. It never asks, and a failure is an answer too.
pub fn detect(
    choice: &IniChoice,
    desired: &DesiredChoice,
    style: DetectStyle,
    context: &mut Context<'_>,
) -> Detected {
    let answer = match apply::check(choice, desired, context) {
        Ok(CheckOutcome { ini, is_in_state: true, .. }) => Answer::InState { ini },
        Ok(CheckOutcome { ini, differences, .. }) => Answer::Drifted { ini, differences },
        Err(error) => match &error {
            Error::NotThere { .. } | Error::Locate(LocateError::NotFound { .. }) => {
                Answer::NoIni(Diagnostic::from(&error))
            }
            _ => Answer::Unknown(Diagnostic::from(&error)),
        },
    };
    Detected { style, answer }
}

/// Compares the inis of many users with a desired state.
pub fn detect_many(many: &ManyUsers, style: DetectStyle, context: &mut Context<'_>) -> Detected {
    // The other program reads only one line.
    let mut context = Context { report: &mut |_| {}, ..*context };
    let answer = match profiles::run(many, &mut context) {
        // A known difference counts more than an unknown state.
        Ok(Summary { differing, total, .. }) if differing > 0 => {
            Answer::SomeDrifted { users: differing, of: total }
        }
        Ok(summary) => match summary.error() {
            Some(error) => Answer::Unknown(error),
            None if summary.is_nobody() => Answer::Nobody { reason: summary.nobody_reason() },
            None => Answer::AllInState { users: summary.in_state },
        },
        Err(error) => Answer::Unknown(Diagnostic::from(&error)),
    };
    Detected { style, answer }
}

impl Detected {
    fn exit_status(&self) -> ExitStatus {
        use DetectStyle::{Configmgr, IntuneApp, IntuneRemediation, Plain};
        match (&self.answer, self.style) {
            (Answer::InState { .. } | Answer::AllInState { .. }, _) => ExitStatus::Done,
            // For ConfigMgr, any other status means that the script failed.
            (
                Answer::Drifted { .. }
                | Answer::SomeDrifted { .. }
                | Answer::Nobody { .. }
                | Answer::NoIni(_),
                IntuneApp | Configmgr,
            ) => ExitStatus::Done,
            (
                Answer::Drifted { .. } | Answer::SomeDrifted { .. } | Answer::Nobody { .. },
                IntuneRemediation | Plain,
            ) => ExitStatus::No,
            (Answer::NoIni(_), IntuneRemediation) => ExitStatus::No,
            (Answer::Unknown(_), IntuneApp | Configmgr) => ExitStatus::No,
            (Answer::NoIni(reason) | Answer::Unknown(reason), IntuneRemediation | Plain) => {
                match reason.code.exit_status() {
                    // These would run the remediation, which may end a call.
                    ExitStatus::Done | ExitStatus::No => ExitStatus::File,
                    status => status,
                }
            }
        }
    }
}

impl Outcome for Detected {
    fn status(&self) -> ExitStatus {
        self.exit_status()
    }

    fn failures(&self) -> Vec<Diagnostic> {
        match (&self.answer, self.style) {
            (Answer::Unknown(reason), _) | (Answer::NoIni(reason), DetectStyle::Plain) => {
                vec![reason.clone()]
            }
            _ => Vec::new(),
        }
    }

    fn is_raw(&self) -> bool {
        true
    }

    fn text(&self, _: &Page) -> String {
        self.line()
    }

    fn json(&self) -> Json {
        Json::from(self.line())
    }
}

/// Intune keeps this many characters of the line. They are counted in bytes, of which there are never fewer.
const LONGEST: usize = 2048;

impl Detected {
    /// Returns the line on standard output. It has no values of the ini, because it is kept where others read it.
    fn line(&self) -> String {
        let line = match (&self.answer, self.style) {
            (Answer::InState { .. } | Answer::AllInState { .. }, DetectStyle::Configmgr) => {
                "Compliant".into()
            }
            (
                Answer::Drifted { .. }
                | Answer::SomeDrifted { .. }
                | Answer::Nobody { .. }
                | Answer::NoIni(_),
                DetectStyle::Configmgr,
            ) => "NonCompliant".into(),
            // Any output means "installed".
            (
                Answer::Drifted { .. }
                | Answer::SomeDrifted { .. }
                | Answer::Nobody { .. }
                | Answer::NoIni(_),
                DetectStyle::IntuneApp,
            ) => {
                return String::new();
            }
            (Answer::Unknown(_), _) | (Answer::NoIni(_), DetectStyle::Plain) => return String::new(),
            (Answer::AllInState { users }, _) => format!("in state: {}", Count(*users, "user")),
            (Answer::SomeDrifted { users, of }, _) => {
                format!("not in state: {users} of {}", Count(*of, "user"))
            }
            (Answer::InState { ini }, _) => format!("in state: {}", ini.display()),
            (Answer::Nobody { reason }, _) => format!("not in state: {reason}"),
            (Answer::NoIni(_), _) => "not in state: no ini found".into(),
            (Answer::Drifted { ini, differences }, _) => {
                format!("not in state: {}: {}", ini.display(), what_differs(differences))
            }
        };
        // Names can contain anything, but this is one line.
        let line: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        shortened(line) + "\n"
    }
}

fn what_differs(differences: &[Change]) -> String {
    match differences {
        [] => "its encoding isn't MicroSIP's".into(),
        [one] => format!("{} differs", setting_path(&one.section, &one.key)),
        many => {
            let mut text = format!("{} values differ", many.len());
            for (count, one) in many.iter().enumerate() {
                let _ = write!(
                    text,
                    "{} {}",
                    if count == 0 { ":" } else { "," },
                    setting_path(&one.section, &one.key)
                );
            }
            text
        }
    }
}

fn shortened(mut line: String) -> String {
    const MORE: &str = "...";
    let room = LONGEST - "\n".len();
    if line.len() > room {
        let end = (0..=room - MORE.len()).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(end);
        line.push_str(MORE);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn a_remediation_runs_only_where_something_must_be_fixed() {
        let status = |answer| Detected { style: DetectStyle::IntuneRemediation, answer }.exit_status();
        let reason = |code| Diagnostic { code, message: String::new(), hint: None };
        assert_eq!(status(Answer::NoIni(reason(Code::IniNotFound))), ExitStatus::No);
        for code in Code::ALL {
            let status = status(Answer::Unknown(reason(*code)));
            assert!(![ExitStatus::Done, ExitStatus::No].contains(&status), "{}", code.name());
        }
    }

    fn text_of(differences: Vec<Change>) -> String {
        let answer = Answer::Drifted { ini: "a.ini".into(), differences };
        Detected { style: DetectStyle::IntuneRemediation, answer }.line()
    }

    fn difference(section: &str, key: &str) -> Change {
        Change { section: section.into(), key: key.into(), before: None, after: None }
    }

    #[test]
    fn what_differs_is_one_short_line() {
        assert_eq!(text_of(Vec::new()), "not in state: a.ini: its encoding isn't MicroSIP's\n");
        assert_eq!(text_of(vec![difference("Settings", "EC")]), "not in state: a.ini: EC differs\n");
        let two = vec![difference("Settings", "a\u{B}b"), difference("Account1", "proxy")];
        assert_eq!(text_of(two), "not in state: a.ini: 2 values differ: a?b, Account1/proxy\n");
        let many = text_of((0..1000).map(|_| difference("Settings", "üü")).collect());
        assert!(many.len() <= LONGEST && many.ends_with("...\n"), "{many}");
    }
}

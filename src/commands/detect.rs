//! Whether an ini is in a wanted state, for a program that deploys software: it reads an exit status and a line.

use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, ExitStatus, ToDiagnostic};
use crate::microsip::locate::LocateError;
use crate::request::{DesiredChoice, DetectStyle, IniChoice, Many};

use super::profiles::{self, Summary};
use super::provision::{self, Checked, Difference};
use super::{Context, Error};

/// The answer, and to whom.
#[derive(Debug)]
pub struct Detected {
    /// Who asks.
    pub style: DetectStyle,
    /// What is told.
    pub answer: Answer,
}

/// Whether an ini is in a wanted state.
#[derive(Debug)]
pub enum Answer {
    /// It is.
    InState { ini: PathBuf },
    /// These values differ; none of them if only the encoding is not MicroSIP's.
    Drifted { ini: PathBuf, differences: Vec<Difference> },
    /// Those of all users who have one are.
    AllInState { users: usize },
    /// Those of so many users are not.
    SomeDrifted { users: usize, of: usize },
    /// There is no ini yet, which says so.
    NoIni(Diagnostic),
    /// Why that cannot be told.
    Unknown(Diagnostic),
}

/// Compares an ini with a wanted state. Nothing is asked, and what fails is an answer too.
pub fn detect(
    choice: &IniChoice,
    desired: &DesiredChoice,
    style: DetectStyle,
    context: &mut Context<'_>,
) -> Detected {
    let answer = match provision::check(choice, desired, context) {
        Ok(Checked { ini, is_in_state: true, .. }) => Answer::InState { ini },
        Ok(Checked { ini, differences, .. }) => Answer::Drifted { ini, differences },
        Err(error) => match &error {
            Error::NotThere { .. } | Error::Locate(LocateError::NotFound { .. }) => {
                Answer::NoIni(Diagnostic::from(&error))
            }
            _ => Answer::Unknown(Diagnostic::from(&error)),
        },
    };
    Detected { style, answer }
}

/// Compares the inis of many users with a wanted state.
pub fn detect_many(many: &Many, style: DetectStyle, context: &mut Context<'_>) -> Detected {
    // one line is all that the other program hears
    let mut context = Context { report: &mut |_| {}, ..*context };
    let answer = match profiles::run(many, &mut context) {
        // what is to be mended counts more than what nobody can tell
        Ok(Summary { differing, total, .. }) if differing > 0 => {
            Answer::SomeDrifted { users: differing, of: total }
        }
        Ok(summary) => match summary.fault() {
            Some(fault) => Answer::Unknown(Diagnostic::from(&fault)),
            None if summary.in_state == 0 => Answer::NoIni(Diagnostic::from(&NobodyHasOne)),
            None => Answer::AllInState { users: summary.in_state },
        },
        Err(error) => Answer::Unknown(Diagnostic::from(&error)),
    };
    Detected { style, answer }
}

/// The remark that there is no ini of any user.
#[derive(Debug, thiserror::Error)]
#[error("no user has an ini")]
struct NobodyHasOne;

impl ToDiagnostic for NobodyHasOne {
    fn code(&self) -> Code {
        Code::IniNotFound
    }
}

impl Detected {
    /// How the program ends with it.
    pub fn status(&self) -> ExitStatus {
        use DetectStyle::{Configmgr, IntuneApp, IntuneRemediation, Plain};
        match (&self.answer, self.style) {
            (Answer::InState { .. } | Answer::AllInState { .. }, _) => ExitStatus::Done,
            // to ConfigMgr any other status says that the script failed
            (
                Answer::Drifted { .. } | Answer::SomeDrifted { .. } | Answer::NoIni(_),
                IntuneApp | Configmgr,
            ) => ExitStatus::Done,
            (Answer::Drifted { .. } | Answer::SomeDrifted { .. }, IntuneRemediation | Plain) => {
                ExitStatus::No
            }
            (Answer::NoIni(_), IntuneRemediation) => ExitStatus::No,
            (Answer::Unknown(_), IntuneApp | Configmgr) => ExitStatus::No,
            (Answer::NoIni(reason) | Answer::Unknown(reason), IntuneRemediation | Plain) => {
                match reason.code.exit_status() {
                    // that would have the remediation run, which may end a call
                    ExitStatus::Done | ExitStatus::No => ExitStatus::File,
                    status => status,
                }
            }
        }
    }

    /// Why nothing can be told, where that is so.
    pub fn why_unknown(&self) -> Option<&Diagnostic> {
        match (&self.answer, self.style) {
            (Answer::Unknown(reason), _) | (Answer::NoIni(reason), DetectStyle::Plain) => Some(reason),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remediation_runs_only_where_something_is_to_be_mended() {
        let status = |answer| Detected { style: DetectStyle::IntuneRemediation, answer }.status();
        let notice = |code| Diagnostic { code, message: String::new(), hint: None };
        assert_eq!(status(Answer::NoIni(notice(Code::IniNotFound))), ExitStatus::No);
        for code in Code::ALL {
            let status = status(Answer::Unknown(notice(*code)));
            assert!(![ExitStatus::Done, ExitStatus::No].contains(&status), "{}", code.name());
        }
    }
}

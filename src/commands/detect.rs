//! Whether an ini is in a wanted state, for a program that deploys software: it reads an exit status and a line.

use std::path::PathBuf;

use crate::microsip::locate::LocateError;
use crate::problem::{ExitStatus, Notice};
use crate::request::{DesiredChoice, DetectStyle, IniChoice};

use super::provision::{self, Checked, Difference};
use super::{Error, Outside};

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
    /// There is no ini yet, which says so.
    NoIni(Notice),
    /// Why that cannot be told.
    Unknown(Notice),
}

/// Compares an ini with a wanted state. Nothing is asked, and what fails is an answer too.
pub fn detect(
    choice: &IniChoice,
    desired: &DesiredChoice,
    style: DetectStyle,
    outside: &mut Outside<'_>,
) -> Detected {
    let answer = match provision::check(choice, desired, outside) {
        Ok(Checked { ini, is_in_state: true, .. }) => Answer::InState { ini },
        Ok(Checked { ini, differences, .. }) => Answer::Drifted { ini, differences },
        Err(error) => match &error {
            Error::NotThere { .. } | Error::Locate(LocateError::NotFound { .. }) => {
                Answer::NoIni(Notice::from(&error))
            }
            _ => Answer::Unknown(Notice::from(&error)),
        },
    };
    Detected { style, answer }
}

impl Detected {
    /// How the program ends with it.
    pub fn status(&self) -> ExitStatus {
        use DetectStyle::{Configmgr, IntuneApp, IntuneRemediation, Plain};
        match (&self.answer, self.style) {
            (Answer::InState { .. }, _) => ExitStatus::Done,
            // to ConfigMgr any other status says that the script failed
            (Answer::Drifted { .. } | Answer::NoIni(_), IntuneApp | Configmgr) => ExitStatus::Done,
            (Answer::Drifted { .. }, IntuneRemediation | Plain) => ExitStatus::No,
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
    pub fn why_unknown(&self) -> Option<&Notice> {
        match (&self.answer, self.style) {
            (Answer::Unknown(reason), _) | (Answer::NoIni(reason), DetectStyle::Plain) => Some(reason),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    #[test]
    fn a_remediation_runs_only_where_something_is_to_be_mended() {
        let status = |answer| Detected { style: DetectStyle::IntuneRemediation, answer }.status();
        let notice = |code| Notice { code, message: String::new(), hint: None };
        assert_eq!(status(Answer::NoIni(notice(Code::IniNotFound))), ExitStatus::No);
        for code in Code::ALL {
            let status = status(Answer::Unknown(notice(*code)));
            assert!(![ExitStatus::Done, ExitStatus::No].contains(&status), "{}", code.name());
        }
    }
}

//! Whether an ini is in a wanted state, as programs that deploy software read it.

use std::fmt::Write as _;

use crate::commands::detect::{Answer, Detected};
use crate::commands::profiles::Count;
use crate::commands::provision::Difference;
use crate::request::DetectStyle;

use super::place_of;

/// Intune keeps no more characters of the line that it shows. Counted in bytes, of which there are never fewer.
const LONGEST: usize = 2048;

/// What stands on standard output; no values of the ini, for it is kept where others read it.
pub(super) fn text(detected: &Detected) -> String {
    let line = match (&detected.answer, detected.style) {
        (Answer::InState { .. } | Answer::AllInState { .. }, DetectStyle::Configmgr) => "Compliant".into(),
        (Answer::Drifted { .. } | Answer::SomeDrifted { .. } | Answer::NoIni(_), DetectStyle::Configmgr) => {
            "NonCompliant".into()
        }
        // printing anything says that it is there
        (Answer::Drifted { .. } | Answer::SomeDrifted { .. } | Answer::NoIni(_), DetectStyle::IntuneApp) => {
            return String::new();
        }
        (Answer::Unknown(_), _) | (Answer::NoIni(_), DetectStyle::Plain) => return String::new(),
        (Answer::AllInState { users }, _) => format!("in state: {}", Count(*users)),
        (Answer::SomeDrifted { users, of }, _) => format!("not in state: {users} of {}", Count(*of)),
        (Answer::InState { ini }, _) => format!("in state: {}", ini.display()),
        (Answer::NoIni(_), _) => "not in state: there is no ini".into(),
        (Answer::Drifted { ini, differences }, _) => {
            format!("not in state: {}: {}", ini.display(), what_differs(differences))
        }
    };
    // one line, whatever stands in names
    let line: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    shortened(line) + "\n"
}

fn what_differs(differences: &[Difference]) -> String {
    match differences {
        [] => "its encoding is not MicroSIP's".into(),
        [one] => format!("{} differs", place_of(&one.section, &one.key)),
        many => {
            let mut text = format!("{} values differ", many.len());
            for (count, one) in many.iter().enumerate() {
                let _ = write!(
                    text,
                    "{} {}",
                    if count == 0 { ":" } else { "," },
                    place_of(&one.section, &one.key)
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

    fn text_of(differences: Vec<Difference>) -> String {
        let answer = Answer::Drifted { ini: "a.ini".into(), differences };
        text(&Detected { style: DetectStyle::IntuneRemediation, answer })
    }

    fn difference(section: &str, key: &str) -> Difference {
        Difference { section: section.into(), key: key.into(), wanted: None, found: None }
    }

    #[test]
    fn what_differs_is_one_short_line() {
        assert_eq!(text_of(Vec::new()), "not in state: a.ini: its encoding is not MicroSIP's\n");
        assert_eq!(text_of(vec![difference("Settings", "EC")]), "not in state: a.ini: EC differs\n");
        let two = vec![difference("Settings", "a\u{B}b"), difference("Account1", "proxy")];
        assert_eq!(text_of(two), "not in state: a.ini: 2 values differ: a?b, Account1/proxy\n");
        let many = text_of((0..1000).map(|_| difference("Settings", "üü")).collect());
        assert!(many.len() <= LONGEST && many.ends_with("...\n"), "{many}");
    }
}

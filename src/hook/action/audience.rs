//! For which callers an action happens.

use std::str::FromStr;

use super::numbers::{NumberForm, Numbers, Party};
use crate::wildcard;

/// For which callers an action happens: all, unless it names some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Only these callers, if any is named.
    pub only: Vec<Who>,
    /// Not these callers.
    pub except: Vec<Who>,
}

impl Audience {
    /// Returns whether the action happens for a number as received.
    pub fn includes(&self, received: &str, numbers: &Numbers) -> bool {
        let is_one_of = |list: &[Who]| list.iter().any(|who| who.includes(received, numbers));
        (self.only.is_empty() || is_one_of(&self.only)) && !is_one_of(&self.except)
    }
}

/// A group of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody outside the company who shows a number.
    External,
    /// Colleagues.
    Internal,
    /// Those who withhold their number.
    Anonymous,
    /// The numbers of this form, in which `*` stands for any digits.
    Pattern(String),
}

/// The error for a text that isn't a group of callers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{typed}' is neither external, internal or anonymous nor a number such as +49* or 0800*")]
pub struct UnknownWho {
    typed: String,
}

impl FromStr for Who {
    type Err = UnknownWho;

    fn from_str(typed: &str) -> Result<Who, UnknownWho> {
        let digits = typed.strip_prefix('+').unwrap_or(typed);
        Ok(match typed.to_ascii_lowercase().as_str() {
            "external" => Who::External,
            "internal" => Who::Internal,
            "anonymous" => Who::Anonymous,
            _ if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'*') => {
                Who::Pattern(typed.to_string())
            }
            _ => return Err(UnknownWho { typed: typed.to_string() }),
        })
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Who::External => "external",
            Who::Internal => "internal",
            Who::Anonymous => "anonymous",
            Who::Pattern(pattern) => pattern,
        })
    }
}

impl Who {
    fn includes(&self, received: &str, numbers: &Numbers) -> bool {
        match self {
            Who::External => numbers.party(received) == Party::External,
            Who::Internal => numbers.party(received) == Party::Internal,
            Who::Anonymous => numbers.party(received) == Party::Anonymous,
            // The same number can be received in several forms.
            Who::Pattern(pattern) => {
                wildcard::matches(pattern, &numbers.dialled(received))
                    || [NumberForm::E164, NumberForm::National]
                        .iter()
                        .any(|form| wildcard::matches(pattern, &numbers.form(received, *form)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(only: &[&str], except: &[&str]) -> Audience {
        let parsed = |list: &[&str]| list.iter().map(|who| who.parse().unwrap()).collect();
        Audience { only: parsed(only), except: parsed(except) }
    }

    #[test]
    fn callers_are_selected_by_group_and_by_number() {
        let numbers = Numbers { country: Some(49), outside_line: Some("0".into()), ..Numbers::default() };
        for (only, except, received, included) in [
            (&[][..], &[][..], "", true),
            (&["external"], &[], "0301234567", true),
            (&["external"], &[], "100", false),
            (&["external"], &[], "anonymous", false),
            (&["internal", "anonymous"], &[], "100", true),
            (&[], &["internal"], "100", false),
            (&["+49*"], &[], "00301234567", true),
            (&["+49*"], &[], "00043112345678", false),
            (&["0800*"], &[], "00800123456", true),
            (&["+49*"], &["+4930*"], "+49301234567", false),
            (&["*7"], &[], "+49301234567", true),
            (&["100"], &[], "100", true),
            (&["100"], &[], "1001", false),
        ] {
            let audience = audience(only, except);
            assert_eq!(audience.includes(received, &numbers), included, "{audience:?} {received}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        for typed in ["", "+", "extern", "+49?", "a*", "4 9"] {
            assert!(typed.parse::<Who>().is_err(), "{typed}");
        }
    }
}

//! What stands for the masks in a command, as far as a call that nobody makes can tell.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diagnostic::{Code, ToDiagnostic};

use super::command;
use super::event::Event;
use super::save_dialect::SaveDialect;

/// What stays as it is in a number that MicroSIP puts in for a mask, beside ASCII letters and digits.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A command without the masks that could be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The value.
    pub value: String,
    /// What was done otherwise than by MicroSIP.
    pub remarks: Vec<MaskWarning>,
}

/// A mask for which a test puts in something else than MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskWarning {
    #[error("{mask} was left as it is: only MicroSIP in a call knows what stands for it")]
    Kept { mask: &'static str },
    #[error("{mask} was replaced by nothing: a test puts no password on a command line")]
    Emptied { mask: &'static str },
}

impl ToDiagnostic for MaskWarning {
    fn code(&self) -> Code {
        Code::HookMaskUntested
    }
}

/// What stands for a mask.
enum Stead {
    /// What MicroSIP puts there, too.
    Text(String),
    /// Nothing, so that it stays secret.
    Secret,
    /// That is not known.
    Unknown,
}

/// Replaces the masks of a value, where this MicroSIP does so at the event: before it splits the value, and in one
/// go, so that what the caller is called is not taken for a mask.
pub fn expand(value: &str, event: Event, save_dialect: &SaveDialect, caller: &str) -> Expanded {
    let masks: Vec<&'static str> = command::expanded_masks(value, event, save_dialect.version).collect();
    let lower = value.to_ascii_lowercase();
    let (mut expanded, mut remarks) = (String::new(), Vec::new());
    let mut done = 0;
    for (at, _) in value.match_indices('{') {
        let Some(mask) = masks.iter().find(|mask| lower[at..].starts_with(**mask)) else { continue };
        expanded.push_str(&value[done..at]);
        done = at + mask.len();
        match stead(mask, caller) {
            Stead::Text(text) => expanded.push_str(&text),
            Stead::Secret => remarks.push(MaskWarning::Emptied { mask }),
            Stead::Unknown => {
                expanded.push_str(&value[at..done]);
                remarks.push(MaskWarning::Kept { mask });
            }
        }
    }
    expanded.push_str(&value[done..]);
    remarks.dedup();
    Expanded { value: expanded, remarks }
}

fn stead(mask: &str, caller: &str) -> Stead {
    if let Some((_, text)) = command::CONSTANT_MASKS.iter().find(|(known, _)| *known == mask) {
        return Stead::Text(text.to_string());
    }
    match mask {
        "{number}" | "{user}" | "{callerid}" => Stead::Text(utf8_percent_encode(caller, &PLAIN).to_string()),
        _ if command::SECRET_MASKS.contains(&mask) => Stead::Secret,
        _ => Stead::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::version::Version;

    fn expanded(value: &str, event: Event, version: Version, caller: &str) -> Expanded {
        expand(value, event, &SaveDialect::determine(Some(version), None, None), caller)
    }

    fn outgoing(value: &str, caller: &str) -> Expanded {
        expanded(value, Event::Outgoing, Version(3, 22, 3), caller)
    }

    #[test]
    fn what_the_caller_tells_is_put_in_encoded() {
        let told = outgoing("x.exe {number} a={USER}&{callerid} {{callid}} {duration}{direction}", "+49 ü");
        assert_eq!(told.value, "x.exe %2B49%20%C3%BC a=%2B49%20%C3%BC&%2B49%20%C3%BC {} -1");
        assert_eq!(told.remarks, []);
        assert_eq!(outgoing("{number}", "a-b_c.d~1").value, "a-b_c.d~1");
        assert_eq!(outgoing("x {number}", "").value, "x ");
    }

    #[test]
    fn what_only_a_call_tells_stays_and_passwords_go() {
        let told = outgoing("x {server} {password}/{MD5_PASSWORD} {other} {", "{password}");
        assert_eq!(told.value, "x {server} / {other} {");
        assert_eq!(
            told.remarks,
            [
                MaskWarning::Kept { mask: "{server}" },
                MaskWarning::Emptied { mask: "{password}" },
                MaskWarning::Emptied { mask: "{md5_password}" },
            ]
        );
        assert_eq!(outgoing("x {number}", "{password}").value, "x %7Bpassword%7D");
    }

    #[test]
    fn only_the_outgoing_event_of_versions_that_do_so_replaces_any() {
        for (event, version) in [
            (Event::Ring, Version(3, 22, 3)),
            (Event::Outgoing, Version(3, 20, 5)),
            (Event::Start, Version(3, 14, 0)),
        ] {
            let told = expanded("x {number} {password}", event, version, "1");
            assert_eq!((told.value.as_str(), told.remarks.len()), ("x {number} {password}", 0));
        }
        let older = expanded("x {number} {password}", Event::Outgoing, Version(3, 21, 3), "1");
        assert_eq!(older.value, "x 1 {password}");
    }
}

//! Masks: placeholders such as `{number}` that MicroSIP replaces in the command of an outgoing call.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diagnostic::{Code, Diagnostic};
use crate::microsip::version::Version;

use super::dialect::SaveDialect;
use super::event::Event;

/// All masks and the first version that replaces each (3.22.3, global.cpp).
const MASKS: &[(&str, Version)] = &[
    ("{server}", Version(3, 21, 3)),
    ("{extension}", Version(3, 21, 3)),
    ("{time}", Version(3, 21, 3)),
    ("{duration}", Version(3, 21, 3)),
    ("{user}", Version(3, 21, 3)),
    ("{number}", Version(3, 21, 3)),
    ("{domain}", Version(3, 21, 3)),
    ("{name}", Version(3, 21, 3)),
    ("{callerid}", Version(3, 21, 3)),
    ("{password}", Version(3, 21, 6)),
    ("{md5_password}", Version(3, 21, 6)),
    ("{callid}", Version(3, 21, 6)),
    ("{direction}", Version(3, 21, 6)),
];

/// Masks that always have the same text when an outgoing call starts (3.22.3, global.cpp URLMask).
pub const CONSTANT_MASKS: &[(&str, &str)] = &[("{callid}", ""), ("{direction}", ""), ("{duration}", "-1")];

/// Masks that reveal the account's password.
const SECRET_MASKS: &[&str] = &["{password}", "{md5_password}"];

/// The characters that stay as they are when MicroSIP inserts a number, besides ASCII letters and digits.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns the masks in a text, whether or not MicroSIP would replace them.
pub fn masks_in(text: &str) -> impl Iterator<Item = &'static str> + '_ {
    let text = text.to_ascii_lowercase();
    MASKS.iter().map(|(mask, _)| *mask).filter(move |mask| text.contains(mask))
}

/// Returns the masks in a text that MicroSIP replaces at the event. Without a version, every mask counts.
pub fn expanded_masks<'a>(
    text: &'a str,
    event: Event,
    version: Option<Version>,
) -> impl Iterator<Item = &'static str> + 'a {
    masks_in(text)
        .filter(move |mask| event.expands_masks() && (version.is_none() || version >= introduced(mask)))
}

/// Returns the first version that replaces a mask.
pub fn introduced(mask: &str) -> Option<Version> {
    MASKS.iter().find(|(known, _)| *known == mask).map(|(_, version)| *version)
}

/// Returns the mask in a text that MicroSIP would replace by the account's password.
pub fn secret_mask(text: &str, event: Event, version: Option<Version>) -> Option<&'static str> {
    expanded_masks(text, event, version).find(|mask| SECRET_MASKS.contains(mask))
}

/// A value whose masks were replaced as far as a test can do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// The value.
    pub value: String,
    /// Where MicroSIP would have done something else.
    pub warnings: Vec<Diagnostic>,
}

/// What a test does with a mask.
enum MaskReplacement {
    /// Inserts the text that MicroSIP would insert.
    Text(String),
    /// Removes the mask, because its value is secret.
    Remove,
    /// Keeps the mask, because its value isn't known.
    Keep,
}

/// Replaces the masks of a value that this MicroSIP would replace at the event. As in MicroSIP, that happens before the
/// value is split, and the caller's text isn't searched for masks.
pub fn expand(value: &str, event: Event, save_dialect: &SaveDialect, caller: &str) -> Expanded {
    let masks: Vec<&'static str> = expanded_masks(value, event, save_dialect.version).collect();
    let lower = value.to_ascii_lowercase();
    let (mut expanded, mut warnings) = (String::new(), Vec::new());
    let mut done = 0;
    for (at, _) in value.match_indices('{') {
        let Some(mask) = masks.iter().find(|mask| lower[at..].starts_with(**mask)) else { continue };
        expanded.push_str(&value[done..at]);
        done = at + mask.len();
        match replacement(mask, caller) {
            MaskReplacement::Text(text) => expanded.push_str(&text),
            MaskReplacement::Remove => warnings.push(password_removed(mask)),
            MaskReplacement::Keep => {
                expanded.push_str(&value[at..done]);
                warnings.push(not_replaced(mask));
            }
        }
    }
    expanded.push_str(&value[done..]);
    warnings.dedup();
    Expanded { value: expanded, warnings }
}

fn not_replaced(mask: &str) -> Diagnostic {
    let message = format!("{mask} wasn't replaced: MicroSIP knows its value only during a call");
    Diagnostic::new(Code::HookMaskUntested, message)
}

fn password_removed(mask: &str) -> Diagnostic {
    let message = format!("{mask} was removed: a test doesn't put the password on a command line");
    Diagnostic::new(Code::HookMaskUntested, message)
}

fn replacement(mask: &str, caller: &str) -> MaskReplacement {
    if let Some((_, text)) = CONSTANT_MASKS.iter().find(|(known, _)| *known == mask) {
        return MaskReplacement::Text(text.to_string());
    }
    match mask {
        "{number}" | "{user}" | "{callerid}" => {
            MaskReplacement::Text(utf8_percent_encode(caller, &UNRESERVED).to_string())
        }
        _ if SECRET_MASKS.contains(&mask) => MaskReplacement::Remove,
        _ => MaskReplacement::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(value: &str, event: Event, version: Version, caller: &str) -> Expanded {
        expand(value, event, &SaveDialect::determine(Some(version), None, None), caller)
    }

    fn outgoing(value: &str, caller: &str) -> Expanded {
        expanded(value, Event::Outgoing, Version(3, 22, 3), caller)
    }

    #[test]
    fn secret_masks_count_only_where_they_are_expanded() {
        assert_eq!(secret_mask("-p {password}", Event::Outgoing, None), Some("{password}"));
        assert_eq!(secret_mask("-p {password}", Event::Ring, None), None);
        assert_eq!(secret_mask("-p {password}", Event::Outgoing, Some(Version(3, 21, 3))), None);
    }

    #[test]
    fn number_is_inserted_encoded() {
        let result = outgoing("x.exe {number} a={USER}&{callerid} {{callid}} {duration}{direction}", "+49 ü");
        assert_eq!(result.value, "x.exe %2B49%20%C3%BC a=%2B49%20%C3%BC&%2B49%20%C3%BC {} -1");
        assert_eq!(result.warnings, []);
        assert_eq!(outgoing("{number}", "a-b_c.d~1").value, "a-b_c.d~1");
        assert_eq!(outgoing("x {number}", "").value, "x ");
    }

    #[test]
    fn unknown_masks_stay_and_passwords_are_removed() {
        let result = outgoing("x {server} {password}/{MD5_PASSWORD} {other} {", "{password}");
        assert_eq!(result.value, "x {server} / {other} {");
        assert_eq!(
            result.warnings,
            [not_replaced("{server}"), password_removed("{password}"), password_removed("{md5_password}"),]
        );
        assert_eq!(outgoing("x {number}", "{password}").value, "x %7Bpassword%7D");
    }

    #[test]
    fn other_events_and_older_versions_replace_nothing() {
        for (event, version) in [
            (Event::Ring, Version(3, 22, 3)),
            (Event::Outgoing, Version(3, 20, 5)),
            (Event::Start, Version(3, 14, 0)),
        ] {
            let result = expanded("x {number} {password}", event, version, "1");
            assert_eq!((result.value.as_str(), result.warnings.len()), ("x {number} {password}", 0));
        }
        let older = expanded("x {number} {password}", Event::Outgoing, Version(3, 21, 3), "1");
        assert_eq!(older.value, "x 1 {password}");
    }
}

//! The meaning of a text from the command line or from another program.

use crate::version::Version;

/// What a text asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Such as `msip:answer` or `/hangupall`.
    Command(String),
    /// `/account:N`. The choice is saved at once.
    Account(String),
    Dial(String),
    Message {
        to: String,
        text: String,
    },
    Nothing,
}

/// Whether the text is from the command line of this start or was sent to a running copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    Start,
    Running,
}

/// The commands after `msip:`, with their first versions.
const MSIP: &[(&str, Version)] = &[
    ("minimize", Version(3, 19, 0)),
    ("answer", Version(3, 19, 0)),
    ("hangupall", Version(3, 19, 0)),
    ("hold", Version(3, 19, 0)),
    ("micmute", Version(3, 19, 0)),
    ("speakmute", Version(3, 19, 0)),
    ("micup", Version(3, 19, 0)),
    ("micdown", Version(3, 19, 0)),
    ("speakup", Version(3, 19, 0)),
    ("speakdown", Version(3, 19, 0)),
    ("micunmute", AFTER_3_21_3),
    ("speakunmute", AFTER_3_21_3),
    ("micmuteclick", AFTER_3_21_3),
    ("speakmuteclick", AFTER_3_21_3),
];

const AFTER_3_21_3: Version = Version(3, 21, 4);

/// The switches without a value, with their first versions.
const SWITCHES: &[(&str, Version)] = &[
    ("/answer", Version(3, 19, 0)),
    ("/hangupall", Version(3, 19, 0)),
    ("/hangupincoming", Version(3, 21, 6)),
    ("/hangupcalling", Version(3, 20, 5)),
];

/// The switches with a value, with their first versions.
const SWITCHES_WITH_VALUE: &[(&str, Version)] = &[
    ("/dtmf:", Version(3, 19, 0)),
    ("/transfer:", Version(3, 19, 0)),
    ("/password:", Version(3, 20, 5)),
    ("/account:", Version(3, 20, 5)),
];

/// Returns what the text means to a version.
pub fn meaning(text: &str, version: Version, when: When) -> Meaning {
    let text = text.trim();
    let text = without_quotes(text);
    if version.has_no_arguments() {
        let is_command = when == When::Running && text == "/hangupall";
        return if is_command { Meaning::Command(text.into()) } else { call(text) };
    }
    let text = match text.strip_prefix("msip:") {
        Some(command) if is_msip(command, version) => return Meaning::Command(text.into()),
        Some(rest) => rest,
        None => text,
    };
    let text = without_slashes(without_scheme(text, version), version);
    let knows = |(name, since): &&(&str, Version), matches: fn(&str, &str) -> bool| {
        version >= *since && matches(text, name)
    };
    if SWITCHES.iter().any(|switch| knows(&switch, |text, name| text == name)) {
        return Meaning::Command(text.into());
    }
    if SWITCHES_WITH_VALUE.iter().any(|switch| knows(&switch, |text, name| text.starts_with(name))) {
        return match text.strip_prefix("/account:") {
            Some(rest) => Meaning::Account(rest.split(' ').next().unwrap_or_default().into()),
            None => Meaning::Command(text.into()),
        };
    }
    call(text)
}

fn without_quotes(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

fn is_msip(command: &str, version: Version) -> bool {
    command.starts_with("transfer_") || MSIP.iter().any(|(name, since)| command == *name && version >= *since)
}

fn without_scheme(text: &str, version: Version) -> &str {
    let newer: &[&str] = if version >= Version(3, 21, 6) { &["dial:", "dialpad:"] } else { &[] };
    for scheme in ["tel:", "sip:", "callto:"].iter().chain(newer) {
        if text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
            return &text[scheme.len()..];
        }
    }
    text
}

fn without_slashes(text: &str, version: Version) -> &str {
    match text.strip_prefix("//") {
        Some(text) if version >= Version(3, 20, 5) => text.strip_suffix('/').unwrap_or(text),
        _ => text,
    }
}

/// Splits a text into the number and the message after the first space.
fn call(text: &str) -> Meaning {
    let (number, message) = text.split_once(' ').unwrap_or((text, ""));
    let number = number.replace("%20", " ").replace("%2B", "+").replace("%2b", "+");
    match (number.is_empty(), message.is_empty()) {
        (true, _) => Meaning::Nothing,
        (false, true) => Meaning::Dial(number),
        (false, false) => Meaning::Message { to: number, text: message.into() },
    }
}

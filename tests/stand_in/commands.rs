//! What a text means that came on the command line or from another program.

use crate::version::Version;

/// What it is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// Such as `msip:answer` or `/hangupall`.
    Command(String),
    /// `/account:N`, which is saved at once.
    Account(String),
    Dial(String),
    Message {
        to: String,
        text: String,
    },
    Nothing,
}

/// Whether it comes to one that runs or with the start.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    Start,
    Running,
}

/// Commands behind `msip:`, and since when.
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

/// Switches that stand alone, and since when.
const SWITCHES: &[(&str, Version)] = &[
    ("/answer", Version(3, 19, 0)),
    ("/hangupall", Version(3, 19, 0)),
    ("/hangupincoming", Version(3, 21, 6)),
    ("/hangupcalling", Version(3, 20, 5)),
];

/// Switches with something behind, and since when.
const SWITCHES_WITH_MORE: &[(&str, Version)] = &[
    ("/dtmf:", Version(3, 19, 0)),
    ("/transfer:", Version(3, 19, 0)),
    ("/password:", Version(3, 20, 5)),
    ("/account:", Version(3, 20, 5)),
];

/// What the text means to that version.
pub fn meaning(text: &str, version: Version, when: When) -> Told {
    let text = text.trim();
    let text = without_quotes(text);
    if version.knows_no_arguments() {
        let is_command = when == When::Running && text == "/hangupall";
        return if is_command { Told::Command(text.into()) } else { call(text) };
    }
    let text = match text.strip_prefix("msip:") {
        Some(command) if is_msip(command, version) => return Told::Command(text.into()),
        Some(rest) => rest,
        None => text,
    };
    let text = without_slashes(without_scheme(text, version), version);
    let knows = |(name, since): &&(&str, Version), is_it: fn(&str, &str) -> bool| {
        version >= *since && is_it(text, name)
    };
    if SWITCHES.iter().any(|switch| knows(&switch, |text, name| text == name)) {
        return Told::Command(text.into());
    }
    if SWITCHES_WITH_MORE.iter().any(|switch| knows(&switch, |text, name| text.starts_with(name))) {
        return match text.strip_prefix("/account:") {
            Some(rest) => Told::Account(rest.split(' ').next().unwrap_or_default().into()),
            None => Told::Command(text.into()),
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

/// The number, and behind the first blank a message.
fn call(text: &str) -> Told {
    let (number, message) = text.split_once(' ').unwrap_or((text, ""));
    let number = number.replace("%20", " ").replace("%2B", "+").replace("%2b", "+");
    match (number.is_empty(), message.is_empty()) {
        (true, _) => Told::Nothing,
        (false, true) => Told::Dial(number),
        (false, false) => Told::Message { to: number, text: message.into() },
    }
}

//! The commands of a running MicroSIP: the texts that each version understands, and how they are sent.
//! Pure: this module sends nothing.
//!
//! MicroSIP accepts any text (microsip.cpp, mainDlg.cpp CommandLine and DialNumberFromCommandLine, 3.14.0 to
//! 3.22.3): it removes quotes, strips a scheme and slashes, decodes `%20` and `%2B`, takes what comes after a space
//! for a message, and dials the rest. So [`Number`] and [`Digits`] hold only what passes all of that unchanged.

use std::str::FromStr;

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};

use super::version::Version;

/// The most characters that are sent. Real numbers are much shorter, and the sources name no limit.
const LONGEST: usize = 255;

/// The schemes of links to numbers. MicroSIP strips the first five, takes what comes after `msip:` for a command,
/// and doesn't know the last.
const SCHEMES: [&str; 7] = ["tel", "sip", "callto", "dial", "dialpad", "msip", "sips"];

/// A number, or a name at a server, that MicroSIP dials unchanged: ASCII letters, digits and `+*#@._;:=-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if let Some((start, _)) = text.split_once(':') {
            let scheme = SCHEMES.into_iter().find(|scheme| scheme.eq_ignore_ascii_case(start));
            if let Some(scheme) = scheme {
                return Err(NumberError::Scheme { scheme });
            }
        }
        // People write numbers in groups. In a name, a space is a mistake.
        let is_name = text.contains(char::is_alphabetic);
        let text = if is_name { text.trim_matches(SPACES).to_string() } else { without_spaces(text) };
        // the sources don't say how other letters are encoded on the way to the server
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "+*#@._;:=-".contains(c);
        checked(text, is_allowed, "letters a to z, digits and + * # @ . _ ; : = -").map(Number)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys that are pressed during a call: `0` to `9`, `A` to `D`, `*`, `#`, and `,` for a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(String);

impl FromStr for Digits {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let upper = without_spaces(text).to_ascii_uppercase();
        let is_allowed = |c: char| matches!(c, '0'..='9' | 'A'..='D' | '*' | '#' | ',');
        checked(upper, is_allowed, "digits, A to D, * # and ,").map(Digits)
    }
}

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Spaces in numbers as people write them. Web pages have no-break spaces.
const SPACES: [char; 2] = [' ', '\u{A0}'];

fn without_spaces(text: &str) -> String {
    text.replace(SPACES, "")
}

/// Returns the text if it isn't empty or too long, and has only allowed characters, which must all be ASCII.
fn checked(
    text: String,
    is_allowed: impl Fn(char) -> bool,
    allowed: &'static str,
) -> Result<String, NumberError> {
    if text.is_empty() {
        return Err(NumberError::Empty);
    }
    if let Some(found) = text.chars().find(|&c| !is_allowed(c)) {
        return Err(NumberError::Character { found, allowed });
    }
    if text.len() > LONGEST { Err(NumberError::TooLong { length: text.len() }) } else { Ok(text) }
}

/// The reason why a number or digits aren't sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("the number is empty")]
    Empty,
    #[error("the number has {length} characters; MicroSIP accepts at most {LONGEST}")]
    TooLong { length: usize },
    #[error("{found:?} can't be sent to MicroSIP")]
    Character { found: char, allowed: &'static str },
    #[error("'{scheme}:' isn't part of a number, and MicroSIP wouldn't dial it")]
    Scheme { scheme: &'static str },
}

impl ToDiagnostic for NumberError {
    fn code(&self) -> Code {
        Code::NumberRefused
    }

    fn hint(&self) -> Option<String> {
        match self {
            NumberError::Empty | NumberError::TooLong { .. } => None,
            NumberError::Character { allowed, .. } => Some(format!("use only {allowed}")),
            NumberError::Scheme { scheme } => Some(format!("remove '{scheme}:'")),
        }
    }
}

/// The calls that are hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// All except calls that are ringing here.
    All,
    /// Calls that are ringing here.
    Incoming,
    /// Calls that are ringing at the other end.
    Calling,
}

/// A command for a running MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneCommand {
    /// Answer the ringing call.
    Answer,
    /// Hang up.
    Hangup(Calls),
    /// Dial.
    Call(Number),
    /// Press keys during a call.
    Dtmf(Digits),
    /// Transfer the call.
    Transfer(Number),
    /// Put the call on hold.
    Hold,
    /// Turn the microphone off.
    Mute,
    /// Turn the microphone on again.
    Unmute,
}

/// The way in which a message reaches a running MicroSIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WM_COPYDATA to its window with this number in dwData. With 1, MicroSIP handles the message before it
    /// answers, so the sender waits while MicroSIP shows an error box. With 2, it queues the message.
    CopyData { data: usize },
    /// Its exe, started once more with the message as its whole command line, passes it on. MicroSIP must be
    /// running: otherwise the new one would dial any text.
    StartExe,
}

/// A message to a running MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is sent.
    pub text: String,
    /// How it is sent.
    pub transport: Transport,
}

impl PhoneCommand {
    /// Returns its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            PhoneCommand::Answer => "answer",
            PhoneCommand::Hangup(_) => "hangup",
            PhoneCommand::Call(_) => "call",
            PhoneCommand::Dtmf(_) => "dtmf",
            PhoneCommand::Transfer(_) => "transfer",
            PhoneCommand::Hold => "hold",
            PhoneCommand::Mute => "mute",
            PhoneCommand::Unmute => "unmute",
        }
    }
}

/// In 3.14.0, only MicroSIP's own exe can find its window. 3.19.27, the next version whose source was read, works
/// like today's.
const COPY_DATA: Version = Version(3, 19, 0);
/// The first version that can queue messages.
const QUEUE: Version = Version(3, 20, 5);

/// Returns the message that has MicroSIP carry out a command. An unknown version counts as a current one.
///
/// # Errors
/// The version doesn't support the command: it would dial the text, or do something else.
pub fn message(command: &PhoneCommand, version: Option<Version>) -> Result<Message, Diagnostic> {
    let (what, since) = supported_since(command);
    if let (Some(version), Some(since)) = (version, since)
        && version < since
    {
        let message = format!("msipcfg can't make MicroSIP {version} {what}; that takes {since} or newer");
        return Err(Diagnostic::new(Code::OrderUnsupported, message)
            .with_hint("do it in MicroSIP's window, or update MicroSIP"));
    }
    let is_at_least = |least: Version| version.is_none_or(|version| version >= least);
    let transport = if is_at_least(QUEUE) {
        Transport::CopyData { data: 2 }
    } else if is_at_least(COPY_DATA) {
        Transport::CopyData { data: 1 }
    } else {
        Transport::StartExe
    };
    Ok(Message { text: text(command), transport })
}

fn text(command: &PhoneCommand) -> String {
    match command {
        PhoneCommand::Answer => "/answer".into(),
        PhoneCommand::Hangup(Calls::All) => "/hangupall".into(),
        PhoneCommand::Hangup(Calls::Incoming) => "/hangupincoming".into(),
        PhoneCommand::Hangup(Calls::Calling) => "/hangupcalling".into(),
        PhoneCommand::Call(number) => number.to_string(),
        PhoneCommand::Dtmf(digits) => format!("/dtmf:{digits}"),
        PhoneCommand::Transfer(number) => format!("/transfer:{number}"),
        PhoneCommand::Hold => "msip:hold".into(),
        PhoneCommand::Mute => "msip:micmute".into(),
        PhoneCommand::Unmute => "msip:micunmute".into(),
    }
}

/// Returns what a command does, and the first version that supports it, or `None` if every version does.
///
/// 3.14.0 knows only a number and `/hangupall`. The next version whose source was read, 3.19.27, knows the
/// commands that have no later version here.
fn supported_since(command: &PhoneCommand) -> (&'static str, Option<Version>) {
    // up to 3.21.3, micmute toggles and micunmute is missing; a toggle can promise neither
    const MUTE_BOTH_WAYS: Version = Version(3, 21, 4);
    match command {
        PhoneCommand::Answer => ("answer", Some(COPY_DATA)),
        PhoneCommand::Hangup(Calls::All) => ("hang up", None),
        PhoneCommand::Hangup(Calls::Incoming) => ("hang up only incoming calls", Some(Version(3, 21, 6))),
        PhoneCommand::Hangup(Calls::Calling) => ("hang up only unanswered calls", Some(QUEUE)),
        PhoneCommand::Call(_) => ("dial", None),
        PhoneCommand::Dtmf(_) => ("send digits", Some(COPY_DATA)),
        PhoneCommand::Transfer(_) => ("transfer a call", Some(COPY_DATA)),
        PhoneCommand::Hold => ("hold a call", Some(COPY_DATA)),
        PhoneCommand::Mute => ("mute the microphone", Some(MUTE_BOTH_WAYS)),
        PhoneCommand::Unmute => ("unmute the microphone", Some(MUTE_BOTH_WAYS)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    fn every_command() -> Vec<PhoneCommand> {
        vec![
            PhoneCommand::Answer,
            PhoneCommand::Hangup(Calls::All),
            PhoneCommand::Hangup(Calls::Incoming),
            PhoneCommand::Hangup(Calls::Calling),
            PhoneCommand::Call(number("+15551234")),
            PhoneCommand::Dtmf("12#".parse().unwrap()),
            PhoneCommand::Transfer(number("100")),
            PhoneCommand::Hold,
            PhoneCommand::Mute,
            PhoneCommand::Unmute,
        ]
    }

    /// The texts that are sent to a version, for the commands that it supports.
    fn sent(version: Option<Version>) -> Vec<String> {
        every_command()
            .iter()
            .filter_map(|command| message(command, version).ok())
            .map(|sent| sent.text)
            .collect()
    }

    #[test]
    fn numbers_as_people_dial_them_are_accepted() {
        for text in [
            "100",
            "+15551234",
            "*72#",
            "ann@example.com",
            "user@host:5060",
            "a;b=c",
            "tel",
            "siphon:5060",
            "-",
        ] {
            assert_eq!(text.parse::<Number>().map(|number| number.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn spaces_in_numbers_and_digits_are_removed() {
        assert_eq!(" +49 30 123\u{A0}45".parse::<Number>(), Ok(Number("+493012345".into())));
        assert_eq!("12 34 #".parse::<Digits>(), Ok(Digits("1234#".into())));
        assert!("ann smith@example.com".parse::<Number>().is_err());
    }

    #[test]
    fn text_that_microsip_would_change_is_not_a_number() {
        for text in [
            "", " ", "ann 1", "100%20", "a%2Bb", "\"100\"", "'100'", "//100/", "/exit", r"a\b", "(555) 1",
            "1,2", "é", "１", "1\0", "1\n", "\ta",
        ] {
            assert!(text.parse::<Number>().is_err(), "{text:?}");
        }
        for text in [
            "sip:100",
            "TEL:1",
            "CallTo:1",
            "dial:1",
            "DialPad:1",
            "msip:hold",
            "MSIP:hold",
            "sips:1",
            "tel:",
        ] {
            let error = text.parse::<Number>().unwrap_err();
            assert!(matches!(error, NumberError::Scheme { .. }), "{text}");
            assert_eq!(error.code(), Code::NumberRefused);
            assert!(error.hint().unwrap().starts_with("remove '"));
        }
        assert!("1".repeat(255).parse::<Number>().is_ok());
        assert_eq!("1".repeat(256).parse::<Number>(), Err(NumberError::TooLong { length: 256 }));
    }

    #[test]
    fn digits_are_the_keys_of_a_keypad() {
        assert_eq!("0123456789abcdABCD*#,".parse::<Digits>().unwrap().to_string(), "0123456789ABCDABCD*#,");
        for text in ["", " ", "E", "+1", "1;2", "１"] {
            assert!(text.parse::<Digits>().is_err(), "{text:?}");
        }
        assert!("1".repeat(256).parse::<Digits>().is_err());
    }

    #[test]
    fn a_current_version_gets_every_command_queued() {
        let all = [
            "/answer",
            "/hangupall",
            "/hangupincoming",
            "/hangupcalling",
            "+15551234",
            "/dtmf:12#",
            "/transfer:100",
            "msip:hold",
            "msip:micmute",
            "msip:micunmute",
        ];
        for version in [None, Some(Version(3, 21, 6)), Some(Version(3, 22, 16))] {
            assert_eq!(sent(version), all);
            for command in every_command() {
                assert_eq!(message(&command, version).unwrap().transport, Transport::CopyData { data: 2 });
            }
        }
    }

    #[test]
    fn older_versions_get_only_what_they_support_in_their_way() {
        let before_3_20_5 = ["/answer", "/hangupall", "+15551234", "/dtmf:12#", "/transfer:100", "msip:hold"];
        let before_3_21_4 = [
            "/answer",
            "/hangupall",
            "/hangupcalling",
            "+15551234",
            "/dtmf:12#",
            "/transfer:100",
            "msip:hold",
        ];
        assert_eq!(sent(Some(Version(3, 14, 0))), ["/hangupall", "+15551234"]);
        assert_eq!(sent(Some(Version(3, 19, 27))), before_3_20_5);
        assert_eq!(sent(Some(Version(3, 20, 4))), before_3_20_5);
        assert_eq!(sent(Some(Version(3, 20, 5))), before_3_21_4);
        assert_eq!(sent(Some(Version(3, 21, 3))), before_3_21_4);
        assert_eq!(sent(Some(Version(3, 21, 4))).len(), 9);
        let transport =
            |version| message(&PhoneCommand::Hangup(Calls::All), Some(version)).unwrap().transport;
        assert_eq!(transport(Version(3, 14, 0)), Transport::StartExe);
        assert_eq!(transport(Version(3, 19, 27)), Transport::CopyData { data: 1 });
        assert_eq!(transport(Version(3, 20, 4)), Transport::CopyData { data: 1 });
        assert_eq!(transport(Version(3, 20, 5)), Transport::CopyData { data: 2 });
    }

    #[test]
    fn an_unsupported_command_is_refused_by_name() {
        let error = message(&PhoneCommand::Unmute, Some(Version(3, 21, 3))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "msipcfg can't make MicroSIP 3.21.3 unmute the microphone; that takes 3.21.4 or newer"
        );
        assert_eq!(error.code(), Code::OrderUnsupported);
    }

    /// How MicroSIP understands a text.
    #[derive(Debug, PartialEq)]
    enum Understood {
        /// A switch or a command.
        Command(String),
        /// A number, and the message after it, if there is one.
        Dials(String, Option<String>),
    }

    /// Understands a text as MicroSIP 3.22.3 does.
    fn understood(text: &str) -> Understood {
        let bare = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        let mut text = bare('"').or(bare('\'')).unwrap_or(text);
        if let Some(command) = text.strip_prefix("msip:") {
            if ["hold", "micmute", "micunmute"].contains(&command) {
                return Understood::Command(text.to_string());
            }
            text = command;
        }
        for scheme in ["tel:", "sip:", "callto:", "dial:", "dialpad:"] {
            if text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
                text = &text[scheme.len()..];
                break;
            }
        }
        if let Some(inner) = text.strip_prefix("//") {
            text = inner.strip_suffix('/').unwrap_or(inner);
        }
        if text.starts_with('/') {
            return Understood::Command(text.to_string());
        }
        let (number, message) = match text.split_once(' ') {
            Some((number, message)) => (number, Some(message.to_string())),
            None => (text, None),
        };
        Understood::Dials(number.replace("%20", " ").replace("%2B", "+"), message)
    }

    proptest! {
        #[test]
        fn a_number_is_dialed_unchanged_except_for_spaces(
            text in prop_oneof![
                "(tel:|SIP:|callto:|dial:|Dialpad:|msip:|//|\"|')?[0-9a-c+*#@._;:=%/ -]{0,12}(%20|%2B|/|\"|')?",
                "[0-9A-Za-z+*#@._;:=-]{1,40}",
                ".{0,12}",
            ]
        ) {
            if let Ok(number) = text.parse::<Number>() {
                let text = without_spaces(&text);
                prop_assert_eq!(number.to_string(), text.clone());
                let call = message(&PhoneCommand::Call(number.clone()), None).unwrap();
                prop_assert_eq!(understood(&call.text), Understood::Dials(text.clone(), None));
                let transfer = message(&PhoneCommand::Transfer(number), None).unwrap();
                prop_assert_eq!(understood(&transfer.text), Understood::Command(format!("/transfer:{text}")));
            }
        }

        #[test]
        fn digits_remain_a_switch(text in "[0-9a-eA-E*#, ]{0,12}") {
            if let Ok(digits) = text.parse::<Digits>() {
                let dtmf = message(&PhoneCommand::Dtmf(digits), None).unwrap();
                let keys = without_spaces(&text).to_uppercase();
                prop_assert_eq!(understood(&dtmf.text), Understood::Command(format!("/dtmf:{keys}")));
            }
        }
    }
}

//! What a running MicroSIP is told to do: the words it knows in which version, and how they reach it. Pure: the
//! sending is somebody else's business.
//!
//! MicroSIP makes something of whatever it is sent (microsip.cpp, mainDlg.cpp CommandLine and
//! DialNumberFromCommandLine, 3.14.0 to 3.22.3): it takes quotes off, strips a scheme and slashes, decodes `%20`
//! and `%2B`, takes what stands behind a blank for a message, and dials what is left. So [`Number`] and [`Digits`]
//! can only hold what goes through all of that unchanged.

use std::str::FromStr;

use crate::diagnostic::{Code, ToDiagnostic};

use super::version::Version;

/// The longest number or digits that are sent. Real ones are much shorter; the sources name no limit of their own.
const LONGEST: usize = 255;

/// What opens a link to a number. MicroSIP strips the first five, takes what stands behind `msip:` for a command,
/// and does not know the last.
const SCHEMES: [&str; 7] = ["tel", "sip", "callto", "dial", "dialpad", "msip", "sips"];

/// A number, or a name at a server, that MicroSIP dials as it is: ASCII letters, digits and `+*#@._;:=-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        if let Some(scheme) =
            SCHEMES.into_iter().find(|known| scheme.is_some_and(|it| it.eq_ignore_ascii_case(known)))
        {
            return Err(NumberError::Scheme { scheme });
        }
        // a letter beyond ASCII would have to be encoded on the way to the server, and nobody says how
        let is_known = |c: char| c.is_ascii_alphanumeric() || "+*#@._;:=-".contains(c);
        checked(text, is_known, "letters a to z, digits and + * # @ . _ ; : = -").map(Number)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is keyed in during a call: `0` to `9`, `A` to `D`, `*`, `#`, and `,` for a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(String);

impl FromStr for Digits {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let upper = text.to_ascii_uppercase();
        let is_known = |c: char| matches!(c, '0'..='9' | 'A'..='D' | '*' | '#' | ',');
        checked(&upper, is_known, "digits, A to D, * # and ,").map(Digits)
    }
}

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn checked(text: &str, is_known: impl Fn(char) -> bool, known: &'static str) -> Result<String, NumberError> {
    if text.is_empty() {
        return Err(NumberError::Empty);
    }
    if let Some(found) = text.chars().find(|&c| !is_known(c)) {
        return Err(NumberError::Character { found, known });
    }
    // all of it is ASCII
    if text.len() > LONGEST { Err(NumberError::TooLong { length: text.len() }) } else { Ok(text.to_string()) }
}

/// Why a number, or what is to be keyed in, is not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("nothing is to be dialled")]
    Empty,
    #[error("{length} characters are too many: MicroSIP takes {LONGEST}")]
    TooLong { length: usize },
    #[error("{found:?} cannot be sent to MicroSIP")]
    Character { found: char, known: &'static str },
    #[error("'{scheme}:' is no part of a number: MicroSIP would not dial it")]
    Scheme { scheme: &'static str },
}

impl ToDiagnostic for NumberError {
    fn code(&self) -> Code {
        Code::NumberRefused
    }

    fn hint(&self) -> Option<String> {
        match self {
            NumberError::Empty | NumberError::TooLong { .. } => None,
            NumberError::Character { known, .. } => {
                Some(format!("use {known}; leave blanks and brackets out"))
            }
            NumberError::Scheme { scheme } => Some(format!("leave '{scheme}:' out")),
        }
    }
}

/// Which calls are hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// All but those that ring here.
    All,
    /// Those that ring here.
    Incoming,
    /// Those that ring at the other end.
    Calling,
}

/// What MicroSIP is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Answer the call that rings.
    Answer,
    /// Hang up.
    Hangup(Calls),
    /// Dial.
    Call(Number),
    /// Key in during a call.
    Dtmf(Digits),
    /// Hand the call over.
    Transfer(Number),
    /// Put the call on hold.
    Hold,
    /// Turn the microphone off.
    Mute,
    /// Turn it on again.
    Unmute,
}

/// How a message reaches a running MicroSIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// WM_COPYDATA to its window with this number in dwData. 1 is handled before the sender goes on, and so
    /// blocks it where MicroSIP shows an error box; 2 is queued.
    CopyData { data: usize },
    /// Its exe is started once more with the message as its whole command line, and hands it over. One that does
    /// not run yet would dial any text at all, so it must be running.
    StartExe,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The words.
    pub text: String,
    /// How they get there.
    pub way: Way,
}

impl Order {
    /// What it is called on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Order::Answer => "answer",
            Order::Hangup(_) => "hangup",
            Order::Call(_) => "call",
            Order::Dtmf(_) => "dtmf",
            Order::Transfer(_) => "transfer",
            Order::Hold => "hold",
            Order::Mute => "mute",
            Order::Unmute => "unmute",
        }
    }
}

/// A version that cannot do what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("MicroSIP {version} cannot be told to {what}: only {since} and later can")]
pub struct NotInVersion {
    /// What was asked for.
    pub what: &'static str,
    /// The version that runs.
    pub version: Version,
    /// The first that is known to do it.
    pub since: Version,
}

impl ToDiagnostic for NotInVersion {
    fn code(&self) -> Code {
        Code::OrderUnsupported
    }

    fn hint(&self) -> Option<String> {
        Some("do it in MicroSIP's window, or update MicroSIP".into())
    }
}

/// 3.14.0 keeps its window's handle where only its own exe finds it; 3.19.27, the next version that was read, does
/// as today's.
const COPY_DATA: Version = Version(3, 19, 0);
/// From here on messages can be queued.
const QUEUE: Version = Version(3, 20, 5);

/// What is sent for an order. A version that is not known counts as a present one.
///
/// # Errors
/// When the version does not know the order: it would dial the words, or do something else.
pub fn message(order: &Order, version: Option<Version>) -> Result<Message, NotInVersion> {
    let (what, since) = known_since(order);
    let is_at_least = |least: Version| version.is_none_or(|version| version >= least);
    match (version, since) {
        (Some(version), Some(since)) if version < since => {
            return Err(NotInVersion { what, version, since });
        }
        _ => {}
    }
    let way = match () {
        () if is_at_least(QUEUE) => Way::CopyData { data: 2 },
        () if is_at_least(COPY_DATA) => Way::CopyData { data: 1 },
        () => Way::StartExe,
    };
    Ok(Message { text: text(order), way })
}

fn text(order: &Order) -> String {
    match order {
        Order::Answer => "/answer".into(),
        Order::Hangup(Calls::All) => "/hangupall".into(),
        Order::Hangup(Calls::Incoming) => "/hangupincoming".into(),
        Order::Hangup(Calls::Calling) => "/hangupcalling".into(),
        Order::Call(number) => number.to_string(),
        Order::Dtmf(digits) => format!("/dtmf:{digits}"),
        Order::Transfer(number) => format!("/transfer:{number}"),
        Order::Hold => "msip:hold".into(),
        Order::Mute => "msip:micmute".into(),
        Order::Unmute => "msip:micunmute".into(),
    }
}

/// What an order is called, and since when it is known; `None`: in every version. 3.14.0 knows only a number and
/// `/hangupall`; where the next one that was read, 3.19.27, says nothing else, it knows the rest.
fn known_since(order: &Order) -> (&'static str, Option<Version>) {
    // to 3.21.3 micmute is a toggle and micunmute is missing; a toggle can promise neither
    const MUTE_BOTH_WAYS: Version = Version(3, 21, 4);
    match order {
        Order::Answer => ("answer", Some(COPY_DATA)),
        Order::Hangup(Calls::All) => ("hang up", None),
        Order::Hangup(Calls::Incoming) => ("hang up incoming calls only", Some(Version(3, 21, 6))),
        Order::Hangup(Calls::Calling) => ("hang up calls that are not answered yet only", Some(QUEUE)),
        Order::Call(_) => ("dial", None),
        Order::Dtmf(_) => ("key in digits", Some(COPY_DATA)),
        Order::Transfer(_) => ("transfer a call", Some(COPY_DATA)),
        Order::Hold => ("hold a call", Some(COPY_DATA)),
        Order::Mute => ("mute the microphone", Some(MUTE_BOTH_WAYS)),
        Order::Unmute => ("unmute the microphone", Some(MUTE_BOTH_WAYS)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    fn every_order() -> Vec<Order> {
        vec![
            Order::Answer,
            Order::Hangup(Calls::All),
            Order::Hangup(Calls::Incoming),
            Order::Hangup(Calls::Calling),
            Order::Call(number("+15551234")),
            Order::Dtmf("12#".parse().unwrap()),
            Order::Transfer(number("100")),
            Order::Hold,
            Order::Mute,
            Order::Unmute,
        ]
    }

    /// What is sent to a version, where something is.
    fn sent(version: Option<Version>) -> Vec<String> {
        every_order().iter().filter_map(|order| message(order, version).ok()).map(|sent| sent.text).collect()
    }

    #[test]
    fn numbers_as_people_dial_them_are_taken() {
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
    fn what_microsip_would_change_is_no_number() {
        for text in [
            "", " ", "1 2", "100%20", "a%2Bb", "\"100\"", "'100'", "//100/", "/exit", r"a\b", "(555) 1",
            "1,2", "é", "１", "1\0", "1\n",
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
            assert!(error.hint().unwrap().starts_with("leave '"));
        }
        assert!("1".repeat(255).parse::<Number>().is_ok());
        assert_eq!("1".repeat(256).parse::<Number>(), Err(NumberError::TooLong { length: 256 }));
    }

    #[test]
    fn digits_are_those_of_a_keypad() {
        assert_eq!("0123456789abcdABCD*#,".parse::<Digits>().unwrap().to_string(), "0123456789ABCDABCD*#,");
        for text in ["", "E", "1 2", "+1", "1;2", "１"] {
            assert!(text.parse::<Digits>().is_err(), "{text:?}");
        }
        assert!("1".repeat(256).parse::<Digits>().is_err());
    }

    #[test]
    fn a_present_version_gets_every_order_queued() {
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
            for order in every_order() {
                assert_eq!(message(&order, version).unwrap().way, Way::CopyData { data: 2 });
            }
        }
    }

    #[test]
    fn older_versions_get_what_they_know_in_their_way() {
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
        let way = |version| message(&Order::Hangup(Calls::All), Some(version)).unwrap().way;
        assert_eq!(way(Version(3, 14, 0)), Way::StartExe);
        assert_eq!(way(Version(3, 19, 27)), Way::CopyData { data: 1 });
        assert_eq!(way(Version(3, 20, 4)), Way::CopyData { data: 1 });
        assert_eq!(way(Version(3, 20, 5)), Way::CopyData { data: 2 });
    }

    #[test]
    fn an_order_that_a_version_does_not_know_is_refused_by_name() {
        let error = message(&Order::Unmute, Some(Version(3, 21, 3))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "MicroSIP 3.21.3 cannot be told to unmute the microphone: only 3.21.4 and later can"
        );
        assert_eq!(error.code(), Code::OrderUnsupported);
    }

    /// What MicroSIP makes of a text.
    #[derive(Debug, PartialEq)]
    enum Understood {
        /// A switch or a command of its own.
        Words(String),
        /// A number, and a message where one stands behind it.
        Dials(String, Option<String>),
    }

    /// As MicroSIP 3.22.3 does it.
    fn understood(text: &str) -> Understood {
        let bare = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        let mut text = bare('"').or(bare('\'')).unwrap_or(text);
        if let Some(command) = text.strip_prefix("msip:") {
            if ["hold", "micmute", "micunmute"].contains(&command) {
                return Understood::Words(text.to_string());
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
            return Understood::Words(text.to_string());
        }
        let (number, message) = match text.split_once(' ') {
            Some((number, message)) => (number, Some(message.to_string())),
            None => (text, None),
        };
        Understood::Dials(number.replace("%20", " ").replace("%2B", "+"), message)
    }

    proptest! {
        #[test]
        fn a_number_is_dialled_as_it_is(
            text in prop_oneof![
                "(tel:|SIP:|callto:|dial:|Dialpad:|msip:|//|\"|')?[0-9a-c+*#@._;:=%/ -]{0,12}(%20|%2B|/|\"|')?",
                "[0-9A-Za-z+*#@._;:=-]{1,40}",
                ".{0,12}",
            ]
        ) {
            if let Ok(number) = text.parse::<Number>() {
                prop_assert_eq!(number.to_string(), text.clone());
                let call = message(&Order::Call(number.clone()), None).unwrap();
                prop_assert_eq!(understood(&call.text), Understood::Dials(text.clone(), None));
                let transfer = message(&Order::Transfer(number), None).unwrap();
                prop_assert_eq!(understood(&transfer.text), Understood::Words(format!("/transfer:{text}")));
            }
        }

        #[test]
        fn digits_stay_a_switch(text in "[0-9a-eA-E*#, ]{0,12}") {
            if let Ok(digits) = text.parse::<Digits>() {
                let dtmf = message(&Order::Dtmf(digits), None).unwrap();
                prop_assert_eq!(understood(&dtmf.text), Understood::Words(format!("/dtmf:{}", text.to_uppercase())));
            }
        }
    }
}

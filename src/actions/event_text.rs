//! An event as text, for a file or a command line. Pure.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::store::NewEvent;
use crate::hook::event::Event;
use crate::platform::BootTime;

/// The first line, with the version of the format.
const HEADER: &str = "msipcfg event 1";

/// How many characters of the caller's text fit on a command line: each can need 12 after it is encoded, and Windows
/// allows 32,767 for everything.
const MAX_CALLER_LEN: usize = 2000;

/// Returns an event as lines. Neither its text nor its path contains control characters.
pub fn to_lines(event: &NewEvent) -> String {
    let NewEvent { time, boot, event, caller, ini, session } = event;
    let mut text = format!("{HEADER}\ntime={time}\nevent={event}\nsession={session}\nini={ini}\n");
    if let Some(boot) = &boot.boot {
        text += &format!("boot={boot}\n");
    }
    if let Some(ms) = boot.ms {
        text += &format!("since-boot={ms}\n");
    }
    // last, so that it is certain that a file is complete
    text + &format!("caller={caller}\n")
}

/// Reads an event from lines; `None` if they aren't a complete event of this version.
pub fn from_lines(text: &str) -> Option<NewEvent> {
    let lines = text.strip_prefix(HEADER)?.strip_prefix('\n')?.strip_suffix('\n')?;
    let value = |name: &str| {
        lines
            .split('\n')
            .find_map(|line| line.split_once('=').filter(|(other, _)| *other == name))
            .map(|(_, v)| v)
    };
    Some(NewEvent {
        time: value("time")?.parse().ok()?,
        boot: BootTime {
            boot: value("boot").map(str::to_string),
            ms: value("since-boot").and_then(|ms| ms.parse().ok()),
        },
        event: value("event")?.parse::<Event>().ok()?,
        caller: value("caller")?.to_string(),
        ini: value("ini")?.to_string(),
        session: value("session")?.parse().ok()?,
    })
}

/// Returns an event as one argument of letters, digits and `%`. A very long text of a caller is cut.
pub fn to_argument(event: &NewEvent) -> String {
    let caller = event.caller.chars().take(MAX_CALLER_LEN).collect();
    utf8_percent_encode(&to_lines(&NewEvent { caller, ..event.clone() }), NON_ALPHANUMERIC).to_string()
}

/// Reads an event from such an argument.
pub fn from_argument(argument: &str) -> Option<NewEvent> {
    from_lines(&percent_decode_str(argument).decode_utf8().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> NewEvent {
        NewEvent {
            time: 1_800_000_000_000,
            boot: BootTime { boot: Some("b=1".into()), ms: Some(7) },
            event: Event::AnswerVideo,
            caller: "7 \"& calc' %41 ini=x ü".into(),
            ini: r"C:\Users\Ann B=\MicroSIP.ini".into(),
            session: 3,
        }
    }

    #[test]
    fn an_event_comes_back_as_it_was() {
        for event in [
            event(),
            NewEvent { boot: BootTime::default(), caller: String::new(), ..event() },
            NewEvent { time: -1, ..event() },
        ] {
            assert_eq!(from_lines(&to_lines(&event)), Some(event.clone()));
            assert_eq!(from_argument(&to_argument(&event)), Some(event));
        }
    }

    #[test]
    fn an_argument_contains_nothing_that_windows_would_split() {
        let argument = to_argument(&NewEvent { caller: "\u{1F600}".repeat(100_000), ..event() });
        assert!(argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'));
        assert!(argument.len() < 30_000, "{}", argument.len());
    }

    #[test]
    fn an_incomplete_event_is_refused() {
        let complete = to_lines(&event());
        for end in 0..complete.len() {
            let Some(part) = complete.get(..end) else { continue };
            assert_eq!(from_lines(part), None, "{part}");
        }
        assert_eq!(from_lines(&complete.replace("event 1", "event 2")), None);
        assert_eq!(from_lines(&complete.replace("answer-video", "else")), None);
        assert_eq!(from_argument("%FF"), None);
    }
}

//! The events of a call at which MicroSIP runs a command.

use std::str::FromStr;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::guess;
use crate::microsip::keys;
use crate::microsip::version::Version;

/// An event of a call at which MicroSIP runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    Ring,
    Ringing,
    Answer,
    AnswerVideo,
    Start,
    End,
    Busy,
    Outgoing,
}

struct Facts {
    name: &'static str,
    aliases: &'static [&'static str],
    key: &'static str,
    when: &'static str,
}

impl Event {
    /// Every event, in the order in which they happen during a call.
    pub const ALL: &[Event] = &[
        Event::Ring,
        Event::Ringing,
        Event::Answer,
        Event::AnswerVideo,
        Event::Start,
        Event::End,
        Event::Busy,
        Event::Outgoing,
    ];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns its other names.
    pub fn aliases(self) -> &'static [&'static str] {
        self.facts().aliases
    }

    /// Returns its key in [Settings].
    pub fn key(self) -> &'static str {
        self.facts().key
    }

    /// Returns when it happens, as one clause.
    pub fn when(self) -> &'static str {
        self.facts().when
    }

    /// Returns the first version known to have it; 3.14.0 represents all versions before 3.19.
    pub fn since(self) -> Version {
        keys::find("Settings", self.key()).and_then(|key| key.since).unwrap_or(Version(3, 14, 0))
    }

    /// Returns whether MicroSIP replaces `{…}` masks in its command (from 3.21.3).
    pub fn expands_masks(self) -> bool {
        self == Event::Outgoing
    }

    /// Returns the event whose command is in this key of [Settings].
    pub fn from_key(key: &str) -> Option<Event> {
        Event::ALL.iter().copied().find(|event| event.key().eq_ignore_ascii_case(key))
    }

    fn facts(self) -> Facts {
        let facts = |name, aliases, key, when| Facts { name, aliases, key, when };
        match self {
            Event::Ring => facts(
                "ring",
                &["incoming"],
                "cmdIncomingCall",
                "a call comes in (before Do Not Disturb, filters and auto-answer apply)",
            ),
            Event::Ringing => {
                facts("ringing", &["alerting"], "cmdCallRing", "the phone is ringing (not on Do Not Disturb)")
            }
            Event::Answer => facts("answer", &[], "cmdCallAnswer", "an incoming call is answered"),
            Event::AnswerVideo => facts(
                "answer-video",
                &[],
                "cmdCallAnswerVideo",
                "an incoming call that offers video is answered",
            ),
            Event::Start => {
                facts("start", &[], "cmdCallStart", "the call is connected (incoming or outgoing)")
            }
            Event::End => facts("end", &[], "cmdCallEnd", "the call ended or was missed"),
            Event::Busy => {
                facts("busy", &[], "cmdCallBusy", "the call was busy or declined (instead of end)")
            }
            Event::Outgoing => facts("outgoing", &[], "cmdOutgoingCall", "an outgoing call starts"),
        }
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for a name that isn't an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown event '{typed}'")]
pub struct UnknownEvent {
    typed: String,
}

impl ToDiagnostic for UnknownEvent {
    fn code(&self) -> Code {
        Code::EventUnknown
    }

    fn hint(&self) -> Option<String> {
        let names = Event::ALL
            .iter()
            .flat_map(|event| event.aliases().iter().copied().chain([event.name(), event.key()]));
        let nearest = guess::nearest(&self.typed, names);
        let all: Vec<_> = Event::ALL.iter().map(|event| event.name()).collect();
        let all = all.join(", ");
        Some(match nearest {
            Some(nearest) => format!("did you mean '{nearest}'? The events are: {all}"),
            None => format!("the events are: {all}"),
        })
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    /// Accepts a name, an alias or an ini key in any letter case.
    fn from_str(typed: &str) -> Result<Self, UnknownEvent> {
        Event::ALL
            .iter()
            .copied()
            .find(|event| {
                std::iter::once(&event.name())
                    .chain(event.aliases())
                    .chain([&event.key()])
                    .any(|name| name.eq_ignore_ascii_case(typed))
            })
            .ok_or_else(|| UnknownEvent { typed: typed.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_aliases_and_keys() {
        for (typed, event) in [
            ("ring", Event::Ring),
            ("incoming", Event::Ring),
            ("CMDINCOMINGCALL", Event::Ring),
            ("alerting", Event::Ringing),
            ("answer-video", Event::AnswerVideo),
            ("cmdCallBusy", Event::Busy),
        ] {
            assert_eq!(typed.parse(), Ok(event), "{typed}");
        }
    }

    #[test]
    fn unknown_event_suggests_the_nearest_and_lists_all() {
        let hint = "cmdCallIncoming".parse::<Event>().unwrap_err().hint().unwrap();
        assert!(hint.contains("did you mean 'cmd"), "{hint}");
        assert!(hint.contains("ring, ringing, answer, answer-video, start, end, busy, outgoing"), "{hint}");
    }
}

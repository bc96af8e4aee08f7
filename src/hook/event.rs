//! The moments of a call at which MicroSIP runs a command.

use std::str::FromStr;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::guess;
use crate::microsip::version::Version;

/// A moment of a call at which MicroSIP runs a command.
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
    since: Version,
}

impl Event {
    /// Every event, in the order in which a call meets them.
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

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Other names for it.
    pub fn aliases(self) -> &'static [&'static str] {
        self.facts().aliases
    }

    /// Its key in [Settings].
    pub fn key(self) -> &'static str {
        self.facts().key
    }

    /// When it happens, one sentence.
    pub fn when(self) -> &'static str {
        self.facts().when
    }

    /// The first version seen that has it; 3.14.0 stands for all before 3.19.
    pub fn since(self) -> Version {
        self.facts().since
    }

    /// Whether MicroSIP replaces `{…}` masks in its command (from 3.21.3).
    pub fn expands_masks(self) -> bool {
        self == Event::Outgoing
    }

    /// The event that a key in [Settings] is the command of.
    pub fn of_key(key: &str) -> Option<Event> {
        Event::ALL.iter().copied().find(|event| event.key().eq_ignore_ascii_case(key))
    }

    fn facts(self) -> Facts {
        const OLD: Version = Version(3, 14, 0);
        const SINCE_3_19: Version = Version(3, 19, 0);
        let facts = |name, aliases, key, since, when| Facts { name, aliases, key, when, since };
        match self {
            Event::Ring => facts(
                "ring",
                &["incoming"],
                "cmdIncomingCall",
                OLD,
                "a call comes in: at once, before Do Not Disturb, filters and auto-answer",
            ),
            Event::Ringing => {
                facts("ringing", &["alerting"], "cmdCallRing", SINCE_3_19, "MicroSIP really rings")
            }
            Event::Answer => facts("answer", &[], "cmdCallAnswer", OLD, "an incoming call is answered"),
            Event::AnswerVideo => {
                facts("answer-video", &[], "cmdCallAnswerVideo", Version(3, 21, 3), "the same, with video")
            }
            Event::Start => {
                facts("start", &[], "cmdCallStart", OLD, "the connection stands, either direction")
            }
            Event::End => facts("end", &[], "cmdCallEnd", OLD, "the call is over, a missed one too"),
            Event::Busy => facts(
                "busy",
                &[],
                "cmdCallBusy",
                SINCE_3_19,
                "the call ended because somebody was busy or declined (instead of end)",
            ),
            Event::Outgoing => {
                facts("outgoing", &[], "cmdOutgoingCall", SINCE_3_19, "an outgoing call begins")
            }
        }
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event '{typed}'")]
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
            Some(nearest) => format!("did you mean '{nearest}'? The events are {all}"),
            None => format!("the events are {all}"),
        })
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    /// Its name, an alias, or its ini key in any letter case.
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
    fn events_are_named_by_name_alias_or_key() {
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
    fn an_unknown_event_names_the_nearest_and_lists_all() {
        let hint = "cmdCallIncoming".parse::<Event>().unwrap_err().hint().unwrap();
        assert!(hint.contains("did you mean 'cmd"), "{hint}");
        assert!(hint.contains("ring, ringing, answer, answer-video, start, end, busy, outgoing"), "{hint}");
    }
}

//! Calls, and the events that they consist of. Pure.

use std::time::{Duration, SystemTime};

use super::store::StoredEvent;
use crate::hook::action::template::Direction;
use crate::hook::event::Event;
use crate::platform::BootTime;

/// An event as the runner stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// Its row. Rows are in the order in which the events were stored.
    pub row: i64,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
    /// The other party's number; empty if MicroSIP didn't pass one.
    pub number: String,
}

impl From<StoredEvent> for CallEvent {
    fn from(stored: StoredEvent) -> CallEvent {
        let StoredEvent { row, event } = stored;
        let time = Timestamp { wall_ms: event.time, boot: event.boot };
        CallEvent { row, time, event: event.event, number: event.caller.trim().to_string() }
    }
}

/// A time by two clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Milliseconds since 1970. The user or a time server can set this clock.
    pub wall_ms: i64,
    /// The time since the computer was started, as far as it is known.
    pub boot: BootTime,
}

impl Timestamp {
    /// Returns the time from an earlier time to this one. It is never negative.
    pub fn since(&self, earlier: &Timestamp) -> Duration {
        let between = |now: i64, then: i64| u64::try_from(now.saturating_sub(then)).ok();
        let counters = self.boot.ms.zip(earlier.boot.ms).filter(|_| !self.is_other_boot(earlier));
        let by_counter = counters.and_then(|(now, then)| between(now, then));
        let milliseconds = by_counter.or_else(|| between(self.wall_ms, earlier.wall_ms));
        Duration::from_millis(milliseconds.unwrap_or_default())
    }

    /// Returns the time by the wall clock.
    pub fn system_time(&self) -> SystemTime {
        system_time(self.wall_ms)
    }

    /// Returns whether the computer was restarted since an earlier time.
    pub fn is_after_restart(&self, earlier: &Timestamp) -> bool {
        /// The two clocks aren't read at the same time.
        const TOLERANCE_MS: i64 = 5000;
        let went_back = |(now, then): (i64, i64)| now.saturating_add(TOLERANCE_MS) < then;
        // An event that was stored late is earlier by both clocks.
        let is_later = self.wall_ms >= earlier.wall_ms;
        let has_id = self.boot.boot.is_some() && earlier.boot.boot.is_some();
        match has_id {
            true => is_later && self.is_other_boot(earlier),
            false => is_later && self.boot.ms.zip(earlier.boot.ms).is_some_and(went_back),
        }
    }

    fn is_other_boot(&self, other: &Timestamp) -> bool {
        self.boot.boot.as_ref().zip(other.boot.boot.as_ref()).is_some_and(|(boot, other)| boot != other)
    }
}

/// Returns the time that is so many milliseconds after 1970. A time that RFC 3339 can't express, which only a changed
/// file or database contains, becomes the nearest one that it can.
pub fn system_time(milliseconds: i64) -> SystemTime {
    /// 9999-12-31T23:59:59Z
    const LAST_MS: u64 = 253_402_300_799_000;
    let since_1970 = u64::try_from(milliseconds).unwrap_or_default().min(LAST_MS);
    SystemTime::UNIX_EPOCH + Duration::from_millis(since_1970)
}

/// A call, as far as its events show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The row of its first event.
    pub first_row: i64,
    /// The rows of all its events, in order.
    pub rows: Vec<i64>,
    /// Who called whom, if the events show it.
    pub direction: Option<Direction>,
    /// The other party's number as received with the first event; empty if it isn't known.
    pub number: String,
    /// When the first event happened.
    pub began: Timestamp,
    /// Whether it was answered.
    pub answered: bool,
    /// How long it lasted after it was answered, once its end was seen.
    pub duration: Option<Duration>,
    /// How it ended.
    pub result: CallResult,
}

impl Call {
    /// Returns what identifies the call, in the database with this id.
    pub fn id(&self, database: &str) -> String {
        format!("{}-{}", database.get(..8).unwrap_or(database), self.first_row)
    }

    /// Returns whether a caller didn't reach the user, who didn't decline the call either.
    pub fn is_missed(&self) -> bool {
        self.result == CallResult::Missed
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallResult {
    /// It hasn't ended.
    Open,
    /// It was answered, and ended.
    Finished,
    /// The caller gave up, or MicroSIP rejected the call itself.
    Missed,
    /// The other party of an outgoing call didn't answer.
    NoAnswer,
    /// The user declined it.
    Declined,
    /// The other party of an outgoing call was busy or declined it.
    Busy,
    /// It ended. Only its end was seen.
    Ended,
    /// Its end wasn't seen, but it must be over.
    NoEnd,
}

impl CallResult {
    /// All results.
    pub const ALL: [CallResult; 8] = [
        CallResult::Open,
        CallResult::Finished,
        CallResult::Missed,
        CallResult::NoAnswer,
        CallResult::Declined,
        CallResult::Busy,
        CallResult::Ended,
        CallResult::NoEnd,
    ];

    /// Returns the name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            CallResult::Open => "open",
            CallResult::Finished => "finished",
            CallResult::Missed => "missed",
            CallResult::NoAnswer => "no-answer",
            CallResult::Declined => "declined",
            CallResult::Busy => "busy",
            CallResult::Ended => "ended",
            CallResult::NoEnd => "no-end",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall_ms: i64, ms: Option<i64>, boot: &str) -> Timestamp {
        let boot = Some(boot.to_string()).filter(|boot| !boot.is_empty());
        Timestamp { wall_ms, boot: BootTime { boot, ms } }
    }

    #[test]
    fn a_time_that_rfc_3339_cannot_express_becomes_the_nearest() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_800_000_000_007, "2027-01-15T08:00:00.007Z"),
            (253_402_300_798_999, "9999-12-31T23:59:58.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.000Z"),
            (i64::MAX, "9999-12-31T23:59:59.000Z"),
            (-1, "1970-01-01T00:00:00.000Z"),
            (i64::MIN, "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(humantime::format_rfc3339_millis(system_time(milliseconds)).to_string(), text);
        }
    }

    #[test]
    fn durations_are_never_negative_and_prefer_the_counter() {
        for (later, earlier, milliseconds) in [
            (moment(900, Some(700), ""), moment(1000, Some(500), ""), 200),
            (moment(900, None, ""), moment(1000, Some(500), ""), 0),
            (moment(1500, None, ""), moment(1000, Some(500), ""), 500),
            (moment(1500, Some(1), ""), moment(1000, Some(500), ""), 500),
            (moment(1500, Some(900), "b"), moment(1000, Some(500), "b"), 400),
            (moment(1500, Some(900), "b"), moment(1000, Some(500), "c"), 500),
            (moment(i64::MIN, Some(1), ""), moment(i64::MAX, Some(500), ""), 0),
        ] {
            assert_eq!(later.since(&earlier), Duration::from_millis(milliseconds), "{later:?} {earlier:?}");
        }
    }

    #[test]
    fn a_restart_is_seen_by_its_id_or_by_the_counter() {
        let earlier = |boot| moment(1_000_000, Some(900_000), boot);
        for (later, boot, is_after) in [
            (moment(1_100_000, Some(20_000), ""), "", true),
            (moment(1_000_001, Some(899_000), ""), "", false),
            (moment(900_000, Some(800_000), ""), "", false),
            (moment(1_100_000, None, ""), "", false),
            (moment(1_100_000, Some(950_000), "b"), "c", true),
            (moment(1_100_000, Some(20_000), "b"), "b", false),
            (moment(900_000, Some(800_000), "b"), "c", false),
        ] {
            assert_eq!(later.is_after_restart(&earlier(boot)), is_after, "{later:?} {boot}");
        }
    }

    #[test]
    fn an_id_has_eight_digits_of_the_database() {
        let call = Call {
            first_row: 7,
            rows: vec![7],
            direction: None,
            number: String::new(),
            began: moment(0, None, ""),
            answered: false,
            duration: None,
            result: CallResult::Open,
        };
        assert_eq!(call.id("0badcafe0123456789abcdef01234567"), "0badcafe-7");
    }
}

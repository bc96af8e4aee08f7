//! Joins the events of one ini into calls. Pure.
//!
//! MicroSIP gives a call no id, so events are joined by number and order. An event with the number of an open call
//! belongs to that call. MicroSIP can end a call under another number than it began with (when the user hangs up, and
//! for callers without a number), so an end that fits no number ends the likeliest call. If that call turns out to have
//! gone on, the end is given to another one.

#[cfg(test)]
mod model;

use std::collections::HashMap;
use std::time::Duration;

use super::call::{Call, CallEvent, CallResult, Timestamp};
use crate::hook::action::template::Direction;
use crate::hook::event::Event;

/// An event within this time after an equal one of the same call is taken for a repetition. A call that reaches
/// MicroSIP twice at once, through two accounts, also looks like that.
const REPETITION: Duration = Duration::from_secs(2);

/// A call that wasn't answered is over after this time. MicroSIP reports no end for calls that it rejects itself, such
/// as all calls on Do Not Disturb.
pub const RING_LIMIT: Duration = Duration::from_secs(5 * 60);

/// A call that was answered is over after this time. MicroSIP reports no end for calls that it ends by exiting.
pub const TALK_LIMIT: Duration = Duration::from_secs(12 * 60 * 60);

/// Returns the calls of these events, which are in the order of their rows, as they are at the moment `now`.
pub fn join<'a>(events: impl IntoIterator<Item = &'a CallEvent>, now: &Timestamp) -> Vec<Call> {
    let mut join = Join::default();
    events.into_iter().for_each(|event| join.add(event));
    join.give_up(now);
    let mut calls: Vec<Call> = (0..join.drafts.len()).map(|index| join.call(index)).collect();
    calls.sort_by_key(|call| call.first_row);
    calls
}

/// Returns the call of the event with this row, as it is right after the event. Later events make no difference, so the
/// answer is the same whenever it is asked for.
pub fn call_of<'a>(events: impl IntoIterator<Item = &'a CallEvent>, row: i64) -> Option<Call> {
    let mut join = Join::default();
    events.into_iter().take_while(|event| event.row <= row).for_each(|event| join.add(event));
    join.owners.get(&row).map(|index| join.call(*index))
}

#[derive(Default)]
struct Join {
    drafts: Vec<Draft>,
    /// The calls that haven't ended, as indexes of `drafts`.
    open: Vec<usize>,
    /// The calls that must be over although their ends weren't seen.
    lost: Vec<usize>,
    /// The calls whose last event may still be repeated, or whose end may belong to another call.
    ended: Vec<usize>,
    /// The call of each row.
    owners: HashMap<i64, usize>,
    last: Option<Timestamp>,
}

/// A call whose events are being collected.
struct Draft {
    first_row: i64,
    last_row: i64,
    rows: Vec<i64>,
    direction: Option<Direction>,
    number: String,
    began: Timestamp,
    rang: Option<Timestamp>,
    answer: Option<Timestamp>,
    start: Option<Timestamp>,
    end: Option<End>,
}

struct End {
    event: CallEvent,
    /// Whether it may belong to another call: it has another number, or several calls had its number.
    is_guess: bool,
}

impl Draft {
    fn new(event: &CallEvent) -> Draft {
        let direction = match event.event {
            Event::Ring | Event::Ringing | Event::Answer | Event::AnswerVideo => Some(Direction::Incoming),
            Event::Outgoing => Some(Direction::Outgoing),
            Event::Start | Event::End | Event::Busy => None,
        };
        Draft {
            first_row: event.row,
            last_row: event.row,
            rows: Vec::new(),
            direction,
            number: event.number.clone(),
            began: event.time.clone(),
            rang: None,
            answer: None,
            start: None,
            end: None,
        }
    }

    /// Returns when it was answered. Old versions have only one of the two events, or both in the other order.
    fn answered_at(&self) -> Option<&Timestamp> {
        self.start.as_ref().or(self.answer.as_ref())
    }

    fn is_overdue(&self, now: &Timestamp) -> bool {
        match self.answered_at() {
            Some(answered) => now.since(answered) >= TALK_LIMIT,
            None => now.since(&self.began) >= RING_LIMIT,
        }
    }

    /// Returns whether it came in a moment ago and hasn't rung. If such a call ends, MicroSIP has rejected it.
    fn came_in_just_now(&self, now: &Timestamp) -> bool {
        let is_only_ring = self.rang.is_none() && self.answered_at().is_none();
        is_only_ring && self.direction == Some(Direction::Incoming) && now.since(&self.began) < REPETITION
    }

    /// Returns how well an event with its number fits; `None` if the event must belong to another call.
    fn fit(&self, event: &CallEvent) -> Option<u8> {
        let just_now = |moment: &Timestamp| event.time.since(moment) < REPETITION;
        let is_outgoing = self.direction == Some(Direction::Outgoing);
        match event.event {
            Event::Ring | Event::Outgoing => None,
            Event::Ringing | Event::Answer | Event::AnswerVideo if is_outgoing => None,
            Event::Ringing => match self.rang.as_ref().or(self.answered_at()) {
                Some(known) => just_now(known).then_some(4),
                None => Some(self.progress()),
            },
            Event::Answer | Event::AnswerVideo => match self.answer.as_ref().or(self.start.as_ref()) {
                Some(known) => just_now(known).then_some(4),
                None => Some(self.progress()),
            },
            Event::Start => match &self.start {
                Some(known) => just_now(known).then_some(4),
                None if self.answer.is_some() => Some(4),
                // An incoming call has an answer before its start, unless that isn't recorded.
                None if is_outgoing => Some(3),
                None => Some(self.progress()),
            },
            Event::End | Event::Busy if self.came_in_just_now(&event.time) => Some(4),
            Event::End | Event::Busy => Some(self.end_fit(event.event)),
        }
    }

    /// Returns how well an end or a busy fits, whatever its number.
    fn end_fit(&self, event: Event) -> u8 {
        // An answered call isn't busy.
        if event == Event::Busy && self.answered_at().is_some() { 0 } else { self.progress() }
    }

    /// Returns how far it has come. Calls of which only a ring was seen were mostly rejected by MicroSIP.
    fn progress(&self) -> u8 {
        let is_outgoing = self.direction == Some(Direction::Outgoing);
        match self.answered_at() {
            Some(_) => 3,
            None if self.rang.is_some() || is_outgoing => 2,
            None => 1,
        }
    }
}

impl Join {
    fn add(&mut self, event: &CallEvent) {
        self.give_up(&event.time);
        self.ended.retain(|index| may_change(&self.drafts[*index], &event.time));
        let call = match event.event {
            Event::Ring | Event::Outgoing => self.repeated_beginning(event),
            _ => self.with_number(event).or_else(|| self.of_repetition(event)).or_else(|| {
                let is_known = self.revise(event);
                if is_known { self.with_number(event) } else { self.by_guess(event, &self.open) }
            }),
        };
        let index = call.unwrap_or_else(|| {
            self.drafts.push(Draft::new(event));
            self.open.push(self.drafts.len() - 1);
            self.drafts.len() - 1
        });
        self.attach(index, event);
    }

    /// Closes the calls that must be over.
    fn give_up(&mut self, now: &Timestamp) {
        let is_restarted = self.last.as_ref().is_some_and(|last| now.is_after_restart(last));
        let is_over = |index: &mut usize| is_restarted || self.drafts[*index].is_overdue(now);
        self.lost.extend(self.open.extract_if(.., is_over));
        self.last = Some(now.clone());
    }

    /// Adds an event to a call.
    fn attach(&mut self, index: usize, event: &CallEvent) {
        self.owners.insert(event.row, index);
        let is_other = |other: &usize| *other != index && self.drafts[*other].number == event.number;
        let is_guess = self.drafts[index].number != event.number || self.open.iter().any(is_other);
        let draft = &mut self.drafts[index];
        draft.rows.push(event.row);
        if draft.end.is_some() {
            return;
        }
        draft.last_row = event.row;
        draft.direction = draft.direction.or_else(|| Draft::new(event).direction);
        match event.event {
            Event::Ring | Event::Outgoing => {}
            Event::Ringing => {
                draft.rang.get_or_insert(event.time.clone());
            }
            Event::Answer | Event::AnswerVideo => {
                draft.answer.get_or_insert(event.time.clone());
            }
            Event::Start => {
                draft.start.get_or_insert(event.time.clone());
            }
            Event::End | Event::Busy => {
                draft.end = Some(End { event: event.clone(), is_guess });
                self.open.retain(|other| *other != index);
                self.lost.retain(|other| *other != index);
                self.ended.push(index);
            }
        }
    }

    /// Returns the call that the same event has begun a moment ago.
    fn repeated_beginning(&self, event: &CallEvent) -> Option<usize> {
        let direction = Draft::new(event).direction;
        let is_same = |index: &&usize| {
            let draft = &self.drafts[**index];
            let is_known = draft.direction == direction && draft.number == event.number;
            is_known && event.time.since(&draft.began) < REPETITION
        };
        self.open.iter().chain(&self.ended).rfind(is_same).copied()
    }

    /// Returns the open call with the number of an event that it fits best.
    fn with_number(&self, event: &CallEvent) -> Option<usize> {
        let fitting = self.open.iter().filter_map(|index| {
            let draft = &self.drafts[*index];
            let fit = draft.fit(event).filter(|_| draft.number == event.number)?;
            Some(((fit, draft.last_row), *index))
        });
        fitting.max().map(|(_, index)| index)
    }

    /// Returns the call that ended a moment ago, if the event repeats one of its events.
    fn of_repetition(&self, event: &CallEvent) -> Option<usize> {
        let is_repeated = |index: &&usize| {
            let draft = &self.drafts[**index];
            let is_known = draft.number == event.number
                && match event.event {
                    Event::Ringing => draft.rang.is_some(),
                    Event::Answer | Event::AnswerVideo => draft.answer.is_some(),
                    Event::Start => draft.start.is_some(),
                    Event::Ring | Event::Outgoing | Event::End | Event::Busy => false,
                };
            draft.end.as_ref().is_some_and(|end| {
                let is_end = (end.event.event, &end.event.number) == (event.event, &event.number);
                (is_known || is_end) && event.time.since(&end.event.time) < REPETITION
            })
        };
        self.ended.iter().rfind(is_repeated).copied()
    }

    /// Opens the call of an event again, if it was ended by a guess that the event disproves. The end is given to
    /// another call.
    fn revise(&mut self, event: &CallEvent) -> bool {
        let is_disproved = |index: &&usize| {
            let draft = &self.drafts[**index];
            let is_guess = draft.end.as_ref().is_some_and(|end| end.is_guess);
            is_guess && draft.number == event.number && draft.fit(event).is_some()
        };
        let Some(index) = self.ended.iter().rfind(is_disproved).copied() else { return false };
        let Some(end) = self.drafts[index].end.take() else { return false };
        self.drafts[index].rows.retain(|row| *row != end.event.row);
        self.ended.retain(|other| *other != index);
        // Calls that went on after the end can't have been meant.
        let could_end = |index: &&usize| {
            let draft = &self.drafts[**index];
            draft.last_row < end.event.row && !draft.is_overdue(&end.event.time)
        };
        let candidates: Vec<usize> = self.open.iter().chain(&self.lost).filter(could_end).copied().collect();
        let other = self.by_guess(&end.event, &candidates).unwrap_or_else(|| {
            self.drafts.push(Draft::new(&end.event));
            self.drafts.len() - 1
        });
        self.attach(other, &end.event);
        self.open.push(index);
        true
    }

    /// Returns which of these calls an event belongs to most likely, although its number may be another one.
    fn by_guess(&self, event: &CallEvent, calls: &[usize]) -> Option<usize> {
        let mut calls = calls.iter().copied();
        match event.event {
            Event::End | Event::Busy => calls.max_by_key(|index| {
                let draft = &self.drafts[*index];
                let has_number = draft.number == event.number;
                // Callers without a number are passed by the name of their computer at the end.
                let had_no_number = draft.number.is_empty();
                (has_number, had_no_number, draft.end_fit(event.event), draft.last_row)
            }),
            // The party that answers an outgoing call can have another number than the one that was called.
            Event::Start => {
                let is_called = |index: &usize| {
                    let draft = &self.drafts[*index];
                    draft.direction == Some(Direction::Outgoing) && draft.answered_at().is_none()
                };
                let called = calls.find(is_called);
                called.filter(|_| !calls.any(|index| is_called(&index)))
            }
            _ => None,
        }
    }

    /// Returns a call as it is now.
    fn call(&self, index: usize) -> Call {
        let Draft { first_row, direction, number, began, end, .. } = &self.drafts[index];
        let answered_at = self.drafts[index].answered_at();
        let ended = end.as_ref().map(|end| end.event.event);
        let result = match (ended, direction) {
            (None, _) if self.open.contains(&index) => CallResult::Open,
            (None, Some(Direction::Incoming)) if answered_at.is_none() => CallResult::Missed,
            (None, _) => CallResult::NoEnd,
            (Some(_), _) if answered_at.is_some() => CallResult::Finished,
            (Some(Event::Busy), Some(Direction::Incoming)) => CallResult::Declined,
            (Some(Event::Busy), _) => CallResult::Busy,
            (Some(_), Some(Direction::Incoming)) => CallResult::Missed,
            (Some(_), Some(Direction::Outgoing)) => CallResult::NoAnswer,
            (Some(_), None) => CallResult::Ended,
        };
        let duration = end
            .as_ref()
            .filter(|_| result != CallResult::Ended)
            .map(|end| answered_at.map(|answered| end.event.time.since(answered)).unwrap_or_default());
        let mut rows = self.drafts[index].rows.clone();
        rows.sort_unstable();
        Call {
            first_row: *first_row,
            rows,
            direction: *direction,
            number: number.clone(),
            began: began.clone(),
            answered: answered_at.is_some(),
            duration,
            result,
        }
    }
}

/// Returns whether a later event can belong to a call that has ended, or can show that it hadn't.
fn may_change(draft: &Draft, now: &Timestamp) -> bool {
    let Some(end) = &draft.end else { return false };
    now.since(&end.event.time) < REPETITION || end.is_guess && !draft.is_overdue(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::BootTime;

    /// Returns the events of a text such as `0 I 100, 5 R 100, 9.5 E`: seconds, event, number.
    fn events(text: &str) -> Vec<CallEvent> {
        let event = |(row, text): (i64, &str)| {
            let words: Vec<&str> = text.split_whitespace().collect();
            let seconds: f64 = words[0].parse().unwrap();
            let event = match words[1] {
                "I" => Event::Ring,
                "R" => Event::Ringing,
                "A" => Event::Answer,
                "V" => Event::AnswerVideo,
                "S" => Event::Start,
                "E" => Event::End,
                "B" => Event::Busy,
                "O" => Event::Outgoing,
                other => panic!("{other}"),
            };
            let number = words.get(2).copied().unwrap_or_default().to_string();
            CallEvent { row, time: at(seconds), event, number }
        };
        (1..).zip(text.split(',')).map(event).collect()
    }

    fn at(seconds: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "the times of tests are small")]
        let milliseconds = (seconds * 1000.0) as i64;
        Timestamp { wall_ms: 1_800_000_000_000 + milliseconds, boot: counter(3_600_000 + milliseconds) }
    }

    fn counter(ms: i64) -> BootTime {
        BootTime { boot: None, ms: Some(ms) }
    }

    /// Returns each call as `first row, direction, number, result, duration`, an hour after the last event.
    fn calls(text: &str) -> Vec<String> {
        let events = events(text);
        let last = &events.last().unwrap().time;
        let boot = counter(last.boot.ms.unwrap() + 3_600_000);
        let now = Timestamp { wall_ms: last.wall_ms + 3_600_000, boot };
        join(&events, &now).iter().map(shown).collect()
    }

    fn shown(call: &Call) -> String {
        let direction = call.direction.map_or("?", Direction::name);
        let duration = call.duration.map_or("-".into(), |duration| duration.as_secs_f64().to_string());
        let answered = if call.answered { "answered " } else { "" };
        format!("{} {direction} {} {answered}{} {duration}", call.first_row, call.number, call.result.name())
    }

    #[test]
    fn every_case_of_every_version_is_one_call() {
        for (case, versions, result) in [
            (
                "incoming, answered",
                "I S A E; I R A S E; I R A S E; I R A V S E; I A S E; I A V S E",
                "incoming 1 answered finished",
            ),
            ("incoming, missed", "I E; I R E; I", "incoming 1 missed"),
            ("incoming, declined", "I R B; I B", "incoming 1 declined"),
            ("outgoing, answered", "O S E", "outgoing 1 answered finished"),
            ("outgoing, busy", "O B", "outgoing 1 busy"),
            ("outgoing, cancelled or failed", "O E", "outgoing 1 no-answer"),
            ("3.14.0, outgoing, answered", "S E", "? 1 answered finished"),
            ("3.14.0, outgoing, failed", "E", "? 1 ended"),
        ] {
            for version in versions.split("; ") {
                let mut events: Vec<String> = Vec::new();
                for (index, event) in version.split(' ').enumerate() {
                    // What happens when a call is answered happens at once.
                    let is_connected = |event: &str| ["A", "V", "S"].contains(&event);
                    let before = events.last().and_then(|text| text.split(' ').nth(1));
                    let is_same = is_connected(event) && before.is_some_and(is_connected);
                    let seconds = if is_same { 10 * index - 9 } else { 10 * index };
                    events.push(format!("{seconds} {event} 1"));
                }
                let found = calls(&events.join(", "));
                assert_eq!(found.len(), 1, "{case} {version}: {found:#?}");
                assert!(found[0].starts_with(&format!("1 {result} ")), "{case} {version}: {found:?}");
            }
        }
    }

    #[test]
    fn an_end_with_another_number_ends_the_likeliest_call() {
        for (why, text, expected) in [
            ("the only one", "0 I 1, 5 S 1, 9 E 2", &["1 incoming 1 answered finished 4"][..]),
            (
                "the caller without a number",
                "0 I 1, 1 S 1, 2 I, 9 E pbx, 11 E 1",
                &["1 incoming 1 answered finished 10", "3 incoming  missed 0"],
            ),
            (
                "the answered one",
                "0 I 1, 1 S 1, 2 I 2, 9 E 3",
                &["1 incoming 1 answered finished 8", "3 incoming 2 missed -"],
            ),
            (
                "not one that goes on",
                "0 I 1, 1 S 1, 2 I 2, 3 R 2, 9 E 3, 11 E 1",
                &["1 incoming 1 answered finished 10", "3 incoming 2 missed 0"],
            ),
            (
                "none, if all go on",
                "0 I 1, 3 R 1, 9 E 3, 11 S 1, 13 E 1",
                &["1 incoming 1 answered finished 2", "3 ? 3 ended -"],
            ),
        ] {
            assert_eq!(calls(text), expected, "{why}");
        }
    }

    #[test]
    fn the_number_of_an_outgoing_call_can_change_when_it_is_answered() {
        assert_eq!(calls("0 O 1, 5 S 2, 9 E 2"), ["1 outgoing 1 answered finished 4"]);
        assert_eq!(
            calls("0 O 1, 1 O 3, 5 S 2, 9 E 2, 10 E 1, 11 E 3"),
            ["1 outgoing 1 no-answer 0", "2 outgoing 3 no-answer 0", "3 ? 2 answered finished 4"]
        );
    }

    #[test]
    fn repeated_events_belong_to_the_same_call() {
        let once = ["1 incoming 1 answered finished 4"];
        assert_eq!(calls("0 I 1, 1 I 1, 3 R 1, 4 A 1, 4.1 S 1, 5 S 1, 8.1 E 1, 9 E 1"), once);
        assert_eq!(calls("0 I 1, 4 S 1, 8 E 2, 9 E 2"), once);
        assert_eq!(calls("0 I 1, 3 I 1").len(), 2, "a second call");
    }

    #[test]
    fn rejected_calls_take_nothing_from_the_call_that_goes_on() {
        let expected = ["1 incoming 1 answered finished 58", "3 incoming 1 missed -"];
        assert_eq!(calls("0 I 1, 2 S 1, 30 I 1, 60 E 1"), expected);
        let rejected = ["1 incoming 1 answered finished 58", "3 incoming 1 declined 0"];
        assert_eq!(calls("0 I 1, 2 S 1, 30 I 1, 30.1 B 1, 60 E 1"), rejected);
    }

    #[test]
    fn calls_without_an_end_are_over_after_a_while() {
        let results = |text: &str, seconds: f64| {
            let calls = join(&events(text), &at(seconds));
            calls.iter().map(|call| call.result).collect::<Vec<_>>()
        };
        assert_eq!(results("0 I 1", 299.0), [CallResult::Open]);
        assert_eq!(results("0 I 1", 300.0), [CallResult::Missed]);
        assert_eq!(results("0 O 1", 300.0), [CallResult::NoEnd]);
        assert_eq!(results("0 I 1, 9 S 1", 43_000.0), [CallResult::Open]);
        assert_eq!(results("0 I 1, 9 S 1", 43_209.0), [CallResult::NoEnd]);
        assert_eq!(results("0 I 1, 301 S 1", 302.0), [CallResult::Missed, CallResult::Open]);
    }

    #[test]
    fn a_restart_of_the_computer_ends_all_calls() {
        let after = Timestamp { wall_ms: at(100.0).wall_ms, boot: counter(30_000) };
        assert_eq!(join(&events("0 O 1, 9 S 1"), &after)[0].result, CallResult::NoEnd);
        // A number may call again after that.
        let mut all = events("0 I 1, 9 S 1, 100 I 1, 110 E 1");
        for event in &mut all[2..] {
            event.time.boot = counter(event.time.boot.ms.unwrap() - 3_600_000);
        }
        let calls: Vec<String> = join(&all, &all[3].time).iter().map(shown).collect();
        assert_eq!(calls, ["1 incoming 1 answered no-end -", "3 incoming 1 missed 0"]);
    }

    #[test]
    fn the_call_of_an_event_is_as_it_was_then() {
        let events = events("0 I 1, 5 S 1, 9 E 1, 10 I 2");
        let shown = |row| call_of(&events, row).map(|call| shown(&call));
        assert_eq!(shown(1).unwrap(), "1 incoming 1 open -");
        assert_eq!(shown(2).unwrap(), "1 incoming 1 answered open -");
        assert_eq!(shown(3).unwrap(), "1 incoming 1 answered finished 4");
        assert_eq!(call_of(&events, 4).unwrap().id("0badcafe"), "0badcafe-4");
        assert_eq!(shown(5), None);
    }
}

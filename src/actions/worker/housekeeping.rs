//! Deletes what nobody needs any more.

use crate::actions::call::{Call, CallEvent, CallResult, Timestamp};
use crate::actions::calls;
use crate::actions::store::{Filter, Store, StoreError};
use crate::hook::action::History;

use super::actions_cache::ActionsCache;

/// Deletes the events of each ini that are older than its history, and returns whether there were any. If its actions
/// can't be read, the default counts.
///
/// # Errors
/// The database can't be read or written.
pub fn delete_old(store: &Store, actions: &mut ActionsCache, now: &Timestamp) -> Result<bool, StoreError> {
    let mut has_deleted = false;
    let is_doubtful = store.is_clock_doubtful(now.wall_ms, now.boot.clone())?;
    for ini in store.inis()? {
        let history =
            actions.of(&ini).as_ref().map_or_else(|_| History::default(), |actions| actions.history);
        let before = match history {
            History::Off => i64::MAX,
            History::For(_) if is_doubtful => continue,
            History::For(time) => {
                now.wall_ms.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
            }
        };
        has_deleted |= store.delete_before(&ini, before, first_needed_row(store, &ini, history, now)?)? > 0;
    }
    Ok(has_deleted)
}

/// Returns the first row of the first call that is still needed, or else a higher one than those of all events. As long
/// as one event has something left to do, all events of its call are needed: they show how long it lasted, for example.
fn first_needed_row(store: &Store, ini: &str, history: History, now: &Timestamp) -> Result<i64, StoreError> {
    let is_off = history == History::Off;
    if !is_off && store.unfinished(ini)?.is_empty() {
        return Ok(i64::MAX);
    }
    let events = store.events(Filter { ini: Some(ini), since: i64::MIN, after_row: 0 })?;
    let events: Vec<CallEvent> = events.into_iter().map(CallEvent::from).collect();
    // Asked after the events were read. An event that is added in between isn't among them, so its call is still open.
    let unfinished = store.unfinished(ini)?;
    let is_needed = |call: &Call| {
        // without a history, the events of a call that hasn't ended wait for the others
        is_off && call.result == CallResult::Open || call.rows.iter().any(|row| unfinished.contains(row))
    };
    let needed = calls::join(&events, now).into_iter().filter(is_needed).map(|call| call.first_row).min();
    let after_last = || events.last().map_or(i64::MAX, |last| last.row.saturating_add(1));
    Ok(needed.unwrap_or_else(after_last))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::actions::store::{NewDelivery, NewEvent, State, StoredEvent};
    use crate::hook::action::Kind;
    use crate::hook::event::Event;
    use crate::platform::BootTime;

    const NOW: i64 = 1_800_000_000_000;
    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn at(wall_ms: i64) -> Timestamp {
        Timestamp { wall_ms, boot: BootTime { boot: Some("b".into()), ms: Some(wall_ms - NOW + 1000 * DAY) } }
    }

    /// Adds an event. Those with the event `end` have a delivery in this state.
    fn add(store: &Store, ini: &Path, event: Event, when: Timestamp, state: State) {
        let event = NewEvent {
            time: when.wall_ms,
            boot: when.boot,
            event,
            caller: "100".into(),
            ini: ini.to_str().unwrap().into(),
            session: 1,
        };
        let row = store.add(&event).unwrap();
        let delivery = NewDelivery {
            position: 0,
            kind: Some(Kind::Post),
            lane: None,
            description: String::new(),
            state,
            message: String::new(),
            next_attempt: NOW,
            until: NOW,
        };
        let deliveries = if event.event == Event::End { vec![delivery] } else { Vec::new() };
        store.plan(&StoredEvent { row, event }, &deliveries).unwrap();
    }

    /// Returns the rows that are left when all deliveries are done.
    fn kept(history: &str, events: &[(Event, Timestamp)], now: &Timestamp) -> Vec<i64> {
        kept_while(State::Done, history, events, now)
    }

    /// Returns the rows that are left while the deliveries are in a state.
    fn kept_while(state: State, history: &str, events: &[(Event, Timestamp)], now: &Timestamp) -> Vec<i64> {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        std::fs::write(folder.path().join("MicroSIP.hooks.toml"), history).unwrap();
        let store = Store::in_memory().unwrap();
        for (event, when) in events {
            add(&store, &ini, *event, when.clone(), state);
        }
        delete_old(&store, &mut ActionsCache::default(), now).unwrap();
        store
            .events(Filter { since: i64::MIN, ..Filter::default() })
            .unwrap()
            .iter()
            .map(|one| one.row)
            .collect()
    }

    #[test]
    fn events_are_kept_as_long_as_the_history() {
        let events =
            [(Event::End, at(NOW - 91 * DAY)), (Event::End, at(NOW - 89 * DAY)), (Event::End, at(NOW))];
        assert_eq!(kept("", &events, &at(NOW)), [2, 3]);
        assert_eq!(kept("history = '1d'", &events, &at(NOW)), [3]);
        assert_eq!(kept("broken", &events, &at(NOW)), [2, 3]);
    }

    #[test]
    fn nothing_is_deleted_after_the_clock_jumped() {
        let events = [(Event::End, at(NOW - 91 * DAY)), (Event::End, at(NOW))];
        let jumped = Timestamp { wall_ms: NOW + 1000 * DAY, ..at(NOW) };
        assert_eq!(kept("", &events, &jumped), [1, 2]);
        assert_eq!(kept("", &events, &Timestamp { wall_ms: NOW - 2 * DAY, ..at(NOW) }), [1, 2]);
    }

    #[test]
    fn without_a_history_only_the_events_of_open_calls_are_kept() {
        let call = [(Event::Ring, at(NOW)), (Event::Start, at(NOW + 1)), (Event::End, at(NOW + 2))];
        assert_eq!(kept("history = 'off'", &call, &at(NOW + 3)), [] as [i64; 0]);
        assert_eq!(kept("history = 'off'", &call[..2], &at(NOW + 3)), [1, 2]);
        let two = [call.to_vec(), vec![(Event::Ring, at(NOW + 3_000))]].concat();
        assert_eq!(kept("history = 'off'", &two, &at(NOW + 3_001)), [4]);
    }

    #[test]
    fn a_call_is_kept_as_a_whole_while_something_is_left_to_do() {
        let call =
            |ms| [(Event::Ring, at(ms)), (Event::Start, at(ms + 1)), (Event::End, at(ms + 2))].to_vec();
        let two = [call(NOW - 3 * DAY), call(NOW - 2 * DAY)].concat();
        for history in ["history = 'off'", "history = '1d'"] {
            assert_eq!(kept_while(State::Pending, history, &two, &at(NOW)), [1, 2, 3, 4, 5, 6], "{history}");
            assert_eq!(kept(history, &two, &at(NOW)), [] as [i64; 0], "{history}");
        }
    }
}

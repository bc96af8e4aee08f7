//! Deletes what nobody needs any more.

use crate::actions::call::{CallEvent, CallResult, Moment};
use crate::actions::calls;
use crate::actions::store::{Filter, Store, StoreError};
use crate::hook::action::History;

use super::hooks::Hooks;

/// Deletes the events of each ini that are older than its history. If its actions can't be read, the default counts.
///
/// # Errors
/// The database can't be read or written.
pub fn delete_old(store: &Store, hooks: &mut Hooks, now: &Moment) -> Result<(), StoreError> {
    let is_doubtful = store.is_clock_doubtful(now.wall_ms, now.boot.clone())?;
    for ini in store.inis()? {
        let history = hooks.of(&ini).as_ref().map_or_else(|_| History::default(), |actions| actions.history);
        match history {
            History::Off => {
                if let Some(row) = last_row_of_ended_calls(store, &ini, now)? {
                    store.delete_up_to(&ini, row)?;
                }
            }
            History::For(time) if !is_doubtful => {
                let age = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
                store.delete_before(&ini, now.wall_ms.saturating_sub(age))?;
            }
            History::For(_) => {}
        }
    }
    Ok(())
}

/// Returns the last row before the first call that hasn't ended, whose events are still needed.
fn last_row_of_ended_calls(store: &Store, ini: &str, now: &Moment) -> Result<Option<i64>, StoreError> {
    let events = store.events(Filter { ini: Some(ini), since: i64::MIN, after_row: 0 })?;
    let events: Vec<CallEvent> = events.into_iter().map(CallEvent::from).collect();
    let calls = calls::join(&events, now);
    let first_open =
        calls.iter().filter(|call| call.result == CallResult::Open).map(|call| call.first_row).min();
    let last = events.last().map(|event| event.row);
    Ok(first_open.map(|row| row - 1).or(last))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::actions::store::{NewEvent, StoredEvent};
    use crate::hook::event::Event;
    use crate::platform::BootTime;

    const NOW: i64 = 1_800_000_000_000;
    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn at(wall_ms: i64) -> Moment {
        Moment { wall_ms, boot: BootTime { boot: Some("b".into()), ms: Some(wall_ms - NOW + 1000 * DAY) } }
    }

    fn add(store: &Store, ini: &Path, event: Event, when: Moment) {
        let event = NewEvent {
            time: when.wall_ms,
            boot: when.boot,
            event,
            caller: "100".into(),
            ini: ini.to_str().unwrap().into(),
            session: 1,
        };
        let row = store.add(&event).unwrap();
        store.plan(&StoredEvent { row, event }, &[]).unwrap();
    }

    /// Returns the rows that are left.
    fn kept(history: &str, events: &[(Event, Moment)], now: &Moment) -> Vec<i64> {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        std::fs::write(folder.path().join("MicroSIP.hooks.toml"), history).unwrap();
        let store = Store::in_memory().unwrap();
        for (event, when) in events {
            add(&store, &ini, *event, when.clone());
        }
        delete_old(&store, &mut Hooks::default(), now).unwrap();
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
        let jumped = Moment { wall_ms: NOW + 1000 * DAY, ..at(NOW) };
        assert_eq!(kept("", &events, &jumped), [1, 2]);
        assert_eq!(kept("", &events, &Moment { wall_ms: NOW - 2 * DAY, ..at(NOW) }), [1, 2]);
    }

    #[test]
    fn without_a_history_only_the_events_of_open_calls_are_kept() {
        let call = [(Event::Ring, at(NOW)), (Event::Start, at(NOW + 1)), (Event::End, at(NOW + 2))];
        assert_eq!(kept("history = 'off'", &call, &at(NOW + 3)), [] as [i64; 0]);
        assert_eq!(kept("history = 'off'", &call[..2], &at(NOW + 3)), [1, 2]);
        let two = [call.to_vec(), vec![(Event::Ring, at(NOW + 3_000))]].concat();
        assert_eq!(kept("history = 'off'", &two, &at(NOW + 3_001)), [4]);
    }
}

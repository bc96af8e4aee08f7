//! What the actions of an event can say about the call.

use crate::actions::call::{CallEvent, Timestamp};
use crate::actions::calls;
use crate::actions::store::{Delivery, Filter, State, Store, StoreError, StoredEvent};
use crate::hook::action::numbers::Numbers;
use crate::hook::action::template::CallFacts;
use crate::hook::action::{Action, Kind, Work};
use crate::hook::event::Event;

use super::context::Context;

/// How many events before an event can belong to its call.
const EVENTS_OF_CALL: i64 = 2000;

/// Returns when an event happened.
pub fn moment(event: &StoredEvent) -> Timestamp {
    Timestamp { wall_ms: event.event.time, boot: event.event.boot.clone() }
}

/// Returns the facts as they were right after an event.
///
/// # Errors
/// The database can't be read.
pub fn facts(
    store: &Store,
    event: &StoredEvent,
    numbers: &Numbers,
    context: &Context<'_>,
) -> Result<CallFacts, StoreError> {
    let earlier = store.events(before(event))?.into_iter().map(CallEvent::from).collect::<Vec<_>>();
    let own = CallEvent::from(event.clone());
    let call = calls::call_of(&earlier, event.row);
    let database = store.id()?;
    Ok(CallFacts {
        event: event.event.event,
        time: own.time.system_time(),
        number: number_of(event.event.event, call.as_ref().map(|call| &*call.number), own.number),
        name: String::new(),
        direction: call.as_ref().and_then(|call| call.direction),
        answered: call.as_ref().is_some_and(|call| call.answered),
        duration: call.as_ref().and_then(|call| call.duration).map(|duration| duration.as_secs()),
        call: call.map(|call| call.id(&database)).unwrap_or_default(),
        user: context.user.clone(),
        computer: context.computer.clone(),
        numbers: numbers.clone(),
    })
}

/// Returns the number of the other party. The end of a call can carry another one, such as the domain of a caller who
/// withholds the number.
fn number_of(event: Event, of_call: Option<&str>, own: String) -> String {
    let is_end = matches!(event, Event::End | Event::Busy);
    match of_call {
        Some(number) if is_end || !number.is_empty() => number.to_string(),
        _ => own,
    }
}

/// Returns the filter for the events, and their deliveries, that can have to do with an event.
fn before(event: &StoredEvent) -> Filter<'_> {
    let after_row = event.row.saturating_sub(EVENTS_OF_CALL);
    Filter { ini: Some(&event.event.ini), since: i64::MIN, after_row }
}

/// Returns whether the page of an action was opened before for the same call, or for the same caller a moment ago.
///
/// # Errors
/// The database can't be read.
pub fn was_opened(
    store: &Store,
    event: &StoredEvent,
    delivery: &Delivery,
    action: &Action,
    facts: &CallFacts,
    context: &Context<'_>,
) -> Result<bool, StoreError> {
    let Work::Open { again_after, .. } = &action.work else { return Ok(false) };
    let is_same_page = |other: &Delivery| {
        let was_opened = matches!(other.state, State::Started | State::Done | State::Interrupted);
        was_opened && other.kind == Some(Kind::Open) && other.description == delivery.description
    };
    for (other_event, other) in store.deliveries(before(event))? {
        if other.id == delivery.id || !is_same_page(&other) {
            continue;
        }
        let opened_for = self::facts(store, &other_event, &facts.numbers, context)?;
        let is_same_call = opened_for.call == facts.call && !facts.call.is_empty();
        let is_recent = moment(event).since(&moment(&other_event)) < *again_after;
        if is_same_call || is_recent && opened_for.number == facts.number {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_call_does_not_give_an_anonymous_caller_a_number() {
        for (event, of_call, own, number) in [
            (Event::End, Some(""), "pbx.example", ""),
            (Event::Busy, Some("030"), "pbx.example", "030"),
            (Event::Start, Some(""), "030", "030"),
            (Event::End, None, "030", "030"),
        ] {
            assert_eq!(number_of(event, of_call, own.into()), number, "{event} {own}");
        }
    }
}

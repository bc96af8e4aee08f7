//! The deliveries that an event needs. Pure.

use std::time::Duration;

use crate::actions::store::{Delivery, NewDelivery, State};
use crate::hook::action::template::CallFacts;
use crate::hook::action::{Action, Actions, Kind, WebRequest, Work};
use crate::hook::event::Event;

/// The age of an event, in milliseconds, after which its pages and messages are no longer useful.
pub const TOO_LATE: i64 = 60 * 1000;

/// Returns the deliveries of an event, or the one that says why its actions can't be carried out.
pub fn deliveries(actions: &Result<Actions, String>, facts: &CallFacts, now: i64) -> Vec<NewDelivery> {
    match actions {
        Ok(actions) => {
            (0..).zip(actions.of(facts.event)).map(|(at, one)| plan(at, one, facts, now)).collect()
        }
        Err(reason) => vec![NewDelivery {
            position: 0,
            kind: None,
            lane: None,
            description: String::new(),
            state: State::Failed,
            message: reason.clone(),
            next_attempt: now,
            until: now,
        }],
    }
}

fn plan(position: u32, action: &Action, facts: &CallFacts, now: i64) -> NewDelivery {
    let is_for_caller = action.audience.includes(&facts.number, &facts.numbers);
    let (state, message) = match is_for_caller {
        true => (State::Pending, ""),
        false => (State::Skipped, "not for this caller"),
    };
    NewDelivery {
        position,
        kind: Some(action.work.kind()),
        lane: lane(&action.work),
        description: description(&action.work),
        state,
        message: message.into(),
        next_attempt: now,
        until: now.saturating_add(i64::try_from(retry(&action.work).as_millis()).unwrap_or(i64::MAX)),
    }
}

/// Returns the lane of a delivery. Deliveries in the same lane start one after the other.
fn lane(work: &Work) -> Option<String> {
    match work {
        Work::Send(request) => Some(request.url.origin().to_string()),
        Work::Log { file, .. } => Some(file.clone()),
        // a program for which the worker waits must not delay others
        Work::Run { timeout: Some(_), .. } => None,
        Work::Open { .. } | Work::Notify { .. } | Work::Run { .. } => Some(work.kind().name().to_string()),
    }
}

/// Returns how long an action is attempted again.
fn retry(work: &Work) -> Duration {
    match work {
        Work::Send(request) => request.retry,
        // the file may be open in another program
        Work::Log { .. } => WebRequest::RETRY,
        Work::Open { .. } | Work::Notify { .. } | Work::Run { .. } => Duration::ZERO,
    }
}

/// Returns what an action does as one line, without private values.
fn description(work: &Work) -> String {
    match work {
        Work::Open { url, .. } => url.shown(),
        Work::Notify { text, .. } => text.to_string(),
        Work::Send(request) => request.url.shown(),
        Work::Log { file, .. } => file.clone(),
        Work::Run { program, .. } => program.clone(),
    }
}

/// Returns the action of a delivery. The file may have changed in the meantime, so it may have another position; `None`
/// if it is gone.
pub fn action_of<'a>(actions: &'a Actions, event: Event, delivery: &Delivery) -> Option<&'a Action> {
    let actions = actions.of(event);
    let is_same = |action: &&Action| {
        let is_same_kind = delivery.kind == Some(action.work.kind());
        is_same_kind && description(&action.work) == delivery.description
    };
    let position = usize::try_from(delivery.position).ok();
    let in_place = position.and_then(|position| actions.get(position)).filter(is_same);
    in_place.or_else(|| actions.iter().find(is_same))
}

/// Returns whether an action is of no use so long after its event, in milliseconds.
pub fn is_too_late(kind: Option<Kind>, age: i64) -> bool {
    matches!(kind, Some(Kind::Open | Kind::Notify)) && age > TOO_LATE
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::actions::file;
    use crate::hook::action::numbers::Numbers;

    const NOW: i64 = 1_800_000_000_000;

    fn actions(text: &str) -> Actions {
        file::read("MicroSIP.hooks.toml".into(), text.into()).unwrap()
    }

    fn facts(number: &str) -> CallFacts {
        CallFacts {
            event: Event::End,
            time: SystemTime::UNIX_EPOCH,
            number: number.into(),
            name: String::new(),
            direction: None,
            answered: false,
            duration: None,
            call: String::new(),
            user: String::new(),
            computer: String::new(),
            numbers: Numbers::default(),
        }
    }

    fn planned(text: &str, number: &str) -> Vec<NewDelivery> {
        deliveries(&Ok(actions(text)), &facts(number), NOW)
    }

    const ALL: &str = "
        [[end]]\nopen = 'http://ann:pw@crm.example:81/find?phone={number}'
        [[end]]\nnotify = '{number} called'
        [[end]]\npost = 'https://crm.example/calls'\nretry = '2h'\nheaders = { A = 's3cr3t' }\nsecret = '{env:S}'
        [[end]]\nget = 'https://CRM.example:443/x@y'\nretry = '0s'
        [[end]]\nlog = 'calls.csv'
        [[end]]\nrun = 'a.exe'\nargs = ['{number}']
        [[end]]\nrun = 'b.exe'\ntimeout = '5s'
        [[ring]]\nrun = 'c.exe'";

    #[test]
    fn each_action_of_the_event_is_planned_without_private_values() {
        const HOUR: i64 = 60 * 60 * 1000;
        let planned = planned(ALL, "100");
        let rows: Vec<_> = planned
            .iter()
            .map(|one| (one.position, &*one.description, one.lane.as_deref(), one.until - NOW))
            .collect();
        let crm = Some("https://crm.example");
        assert_eq!(
            rows,
            [
                (0, "http://crm.example:81/find?phone={number}", Some("open"), 0),
                (1, "{number} called", Some("notify"), 0),
                (2, "https://crm.example/calls", crm, 2 * HOUR),
                (3, "https://CRM.example:443/x@y", crm, 0),
                (4, "calls.csv", Some("calls.csv"), HOUR),
                (5, "a.exe", Some("run"), 0),
                (6, "b.exe", None, 0),
            ]
        );
        assert!(planned.iter().all(|one| one.state == State::Pending && one.next_attempt == NOW));
        assert!(!format!("{planned:?}").contains("s3cr3t"));
    }

    #[test]
    fn an_action_for_other_callers_is_skipped() {
        let text = "[[end]]\nget = 'h'\nonly = '+49*'\n[[end]]\nget = 'h'\nexcept = '+49*'";
        let states = |number| planned(text, number).iter().map(|one| one.state).collect::<Vec<_>>();
        assert_eq!(states("+4930"), [State::Pending, State::Skipped]);
        assert_eq!(states("+1"), [State::Skipped, State::Pending]);
    }

    #[test]
    fn a_broken_file_is_one_failure() {
        let planned = deliveries(&Err("why".into()), &facts("100"), NOW);
        assert_eq!((planned.len(), planned[0].state, &*planned[0].message), (1, State::Failed, "why"));
        assert_eq!(planned[0].kind, None);
    }

    #[test]
    fn an_action_is_found_again_unless_it_was_removed() {
        let delivery = |position: u32, kind, description: &str| Delivery {
            id: 1,
            event: 1,
            position,
            session: 1,
            kind: Some(kind),
            lane: None,
            description: description.into(),
            state: State::Pending,
            message: String::new(),
            attempts: 0,
            started: None,
            ended: None,
            took: None,
            next_attempt: 0,
            until: 0,
            webhook_id: None,
        };
        let all = actions(
            "[[end]]\nget = 'http://h/a'\n[[end]]\npost = 'http://h/a'\nretry='1h'\n[[end]]\npost = 'http://h/a'\nretry='2h'",
        );
        let found = |position, kind, description: &str| {
            let action = action_of(&all, Event::End, &delivery(position, kind, description))?;
            all.of(Event::End).iter().position(|other| other == action)
        };
        assert_eq!(found(0, Kind::Get, "http://h/a"), Some(0));
        assert_eq!(found(2, Kind::Post, "http://h/a"), Some(2));
        assert_eq!(found(0, Kind::Post, "http://h/a"), Some(1));
        assert_eq!(found(9, Kind::Post, "http://h/a"), Some(1));
        assert_eq!(found(0, Kind::Get, "http://h/b"), None);
        assert_eq!(action_of(&all, Event::Ring, &delivery(0, Kind::Get, "http://h/a")), None);
    }

    #[test]
    fn only_pages_and_messages_can_be_too_late() {
        for kind in Kind::ALL {
            let can_be = matches!(kind, Kind::Open | Kind::Notify);
            assert_eq!(is_too_late(Some(*kind), TOO_LATE + 1), can_be, "{kind:?}");
            assert!(!is_too_late(Some(*kind), TOO_LATE));
        }
    }
}

//! Calls databases for tests.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use msipcfg::actions::store::{Ended, Filter, NewDelivery, NewEvent, State, Store, StoredEvent, Use};
use msipcfg::hook::action::Kind;
use msipcfg::hook::event::Event;
use msipcfg::platform::BootTime;

use crate::sandbox::Sandbox;

/// Returns the path of the database in a sandbox, as messages show it.
pub fn path(sandbox: &Sandbox) -> PathBuf {
    let folder = if cfg!(windows) { r"local\msipcfg" } else { "home/.local/state/msipcfg" };
    sandbox.path(folder).join("calls.db")
}

/// Opens the database of a sandbox, which may not exist yet. Its id is always the same.
pub fn open(sandbox: &Sandbox) -> Store {
    let path = path(sandbox);
    let is_new = !path.exists();
    let store = Store::open(&path, Duration::from_secs(60), Use::Other).unwrap();
    if is_new {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute("UPDATE meta SET id = '0badcafe0badcafe0badcafe0badcafe'", []).unwrap();
    }
    store
}

/// Adds an event of the ini in the sandbox, and what was done for it.
pub fn add_event(
    sandbox: &Sandbox,
    store: &Store,
    time: i64,
    event: Event,
    caller: &str,
    actions: &[Action],
) {
    let ini = sandbox.ini().to_str().unwrap().to_string();
    let event = NewEvent { time, boot: BootTime::default(), event, caller: caller.into(), ini, session: 1 };
    let row = store.add(&event).unwrap();
    let planned: Vec<NewDelivery> =
        (0..).zip(actions).map(|(position, action)| action.planned(position)).collect();
    store.plan(&StoredEvent { row, event }, &planned).unwrap();
    let deliveries = store.deliveries(Filter { after_row: row - 1, ..Filter::default() }).unwrap();
    for (action, (_, delivery)) in actions.iter().zip(deliveries) {
        if action.state != State::Pending {
            assert!(store.start(delivery.id, 1, time).unwrap());
            let (state, message) = (action.state, action.message.clone());
            store
                .end(delivery.id, &Ended { state, message, at: time, took: action.took, next_attempt: time })
                .unwrap();
        }
    }
}

/// An action and its result.
pub struct Action {
    kind: Kind,
    state: State,
    took: i64,
    description: String,
    message: String,
}

impl Action {
    /// Parses `KIND STATE MILLISECONDS DESCRIPTION[ | MESSAGE]`.
    pub fn parse(line: &str) -> Action {
        let words: Vec<&str> = line.trim().splitn(4, ' ').collect();
        let [kind, state, took, rest] = words[..] else { panic!("{line}") };
        let (description, message) = rest.split_once(" | ").unwrap_or((rest, ""));
        Action {
            kind: *Kind::ALL.iter().find(|one| one.name() == kind).unwrap(),
            state: STATES.into_iter().find(|one| one.name() == state).unwrap(),
            took: took.parse().unwrap(),
            description: description.into(),
            message: message.into(),
        }
    }

    fn planned(&self, position: u32) -> NewDelivery {
        NewDelivery {
            position,
            kind: Some(self.kind),
            lane: None,
            description: self.description.clone(),
            state: State::Pending,
            message: String::new(),
            next_attempt: 0,
            until: 0,
        }
    }
}

const STATES: [State; 5] = [State::Pending, State::Done, State::Failed, State::Interrupted, State::Skipped];

/// Adds events and the results of their actions. The text has one line for each:
///
/// ```text
/// 2026-01-31T09:00:00Z ring 030123456
///   open done 12 https://crm.example
///   post failed 5 https://crm.example/calls | the server answered 404
/// ```
pub fn add(sandbox: &Sandbox, text: &str) {
    let store = open(sandbox);
    let lines: Vec<&str> = text.lines().collect();
    let is_event = |line: &&str| !line.starts_with(' ');
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| is_event(line)) {
        let actions: Vec<Action> = lines[index + 1..]
            .iter()
            .take_while(|line| !is_event(line))
            .map(|line| Action::parse(line))
            .collect();
        let mut words = line.splitn(3, ' ');
        let time = humantime::parse_rfc3339(words.next().unwrap()).unwrap();
        let event = words.next().unwrap().parse().unwrap();
        add_event(sandbox, &store, milliseconds(time), event, words.next().unwrap_or_default(), &actions);
    }
}

/// Returns a time as the database has it.
pub fn milliseconds(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

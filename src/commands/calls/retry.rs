//! Sends failed web requests again.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::actions::data_folder::DataFolder;
use crate::actions::start_worker::{StartError, start_worker};
use crate::actions::store::{Delivery, Filter, State, Store, Use};
use crate::commands::call_history::{self, PATIENCE};
use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::outcome::Outcome;
use crate::diagnostic::{Code, Diagnostic, ExitStatus};
use crate::hook::action::Kind;
use crate::page::{Count, Page};
use crate::platform;
use crate::request::IniChoice;

/// What became of the web requests.
#[derive(Debug)]
pub struct Retried {
    /// How many are sent again.
    total: usize,
    /// Those that are known to have failed again.
    failed: Vec<Delivery>,
    /// How many aren't finished yet.
    pending: usize,
}

impl Outcome for Retried {
    fn status(&self) -> ExitStatus {
        if self.failed.is_empty() { ExitStatus::Done } else { ExitStatus::No }
    }

    fn changed(&self) -> bool {
        self.total > 0
    }

    fn text(&self, _: &Page) -> String {
        if self.total == 0 {
            return "No web request has failed\n".into();
        }
        let mut text = String::new();
        let sent = self.total - self.pending;
        if sent > 0 {
            let _ = writeln!(text, "Sent {} again", Count(sent, "web request"));
        }
        if self.pending > 0 {
            let _ =
                writeln!(text, "{} will be sent again in the background", Count(self.pending, "web request"));
        }
        for Delivery { description, message, .. } in &self.failed {
            let _ = writeln!(text, "  failed: {description}\n    {message}");
        }
        text
    }

    fn json(&self) -> Json {
        let failed = |delivery: &Delivery| json!({"action": delivery.description, "error": delivery.message});
        json!({
            "ok": true,
            "retried": self.total,
            "pending": self.pending,
            "failed": self.failed.iter().map(failed).collect::<Vec<_>>(),
            "warnings": [],
        })
    }
}

/// Marks failed web requests as pending, has the worker send them, and waits for the results.
///
/// # Errors
/// The database can't be read or written.
pub fn retry(ini: &IniChoice, since: Option<Duration>, context: &mut Context<'_>) -> Result<Retried, Error> {
    let nothing = Retried { total: 0, failed: Vec::new(), pending: 0 };
    let Some(folder) = DataFolder::of(context.env) else { return Ok(nothing) };
    if call_history::open(context)?.is_none() {
        return Ok(nothing);
    }
    let store = Store::open(&folder.database(), PATIENCE, Use::Other)?;
    let now = call_history::now(context);
    let mut ids = Vec::new();
    for ini in call_history::inis(&store, ini, context)? {
        let filter =
            Filter { ini: Some(&ini), since: call_history::oldest(since, &now), ..Filter::default() };
        let failed =
            store.deliveries(filter)?.into_iter().map(|(_, delivery)| delivery).filter(is_failed_request);
        ids.extend(failed.map(|delivery| delivery.id));
    }
    let session = platform::own_session().unwrap_or(0);
    // The user waits for the results, so each is sent once.
    let total = store.retry(&ids, session, now.wall_ms, now.wall_ms)?;
    if total > 0 {
        let own_folder = context.env.own_folder.as_deref();
        let start = || start_worker(context.fs, &folder, session, own_folder, None);
        wait(&store, &ids, context.stop, &start)?;
    }
    retried(&store, &ids)
}

/// Waits until the worker has sent all requests, or the user stops. The worker is started again if it exits, because it
/// may have looked for the last time just before.
fn wait(
    store: &Store,
    ids: &[i64],
    stop: &dyn Fn() -> bool,
    start: &dyn Fn() -> Result<(), StartError>,
) -> Result<(), Error> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
    const BETWEEN_STARTS: Duration = Duration::from_secs(5);
    let mut started: Option<Instant> = None;
    while retried(store, ids)?.pending > 0 && !stop() {
        if started.is_none_or(|started| started.elapsed() >= BETWEEN_STARTS) {
            start().map_err(|error| {
                Diagnostic::new(Code::FileRead, error.to_string())
                    .with_hint("the requests will be sent when the next call starts the worker")
            })?;
            started = Some(Instant::now());
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

/// Returns what became of these requests so far.
fn retried(store: &Store, ids: &[i64]) -> Result<Retried, Error> {
    let ids: HashSet<i64> = ids.iter().copied().collect();
    let all = store.deliveries(Filter { since: i64::MIN, ..Filter::default() })?.into_iter();
    let ours: Vec<Delivery> =
        all.map(|(_, delivery)| delivery).filter(|delivery| ids.contains(&delivery.id)).collect();
    let is_pending = |delivery: &&Delivery| matches!(delivery.state, State::Pending | State::Started);
    let pending = ours.iter().filter(is_pending).count();
    let total = ours.len();
    let failed = ours.into_iter().filter(is_failed_request).collect();
    Ok(Retried { total, failed, pending })
}

fn is_failed_request(delivery: &Delivery) -> bool {
    delivery.state == State::Failed && matches!(delivery.kind, Some(Kind::Get | Kind::Post))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::actions::store::{Ended, NewDelivery, NewEvent, StoredEvent};
    use crate::hook::event::Event;
    use crate::platform::BootTime;

    #[test]
    fn the_results_are_waited_for() {
        let store = Store::in_memory().unwrap();
        let event = NewEvent {
            time: 0,
            boot: BootTime::default(),
            event: Event::End,
            caller: "1".into(),
            ini: "MicroSIP.ini".into(),
            session: 1,
        };
        let row = store.add(&event).unwrap();
        let request = |position| NewDelivery {
            position,
            kind: Some(Kind::Post),
            lane: None,
            description: format!("https://crm.example/{position}"),
            state: State::Pending,
            message: String::new(),
            next_attempt: 0,
            until: 0,
        };
        store.plan(&StoredEvent { row, event }, &[request(0), request(1)]).unwrap();
        let ids: Vec<i64> =
            store.deliveries(Filter::default()).unwrap().iter().map(|(_, delivery)| delivery.id).collect();
        // A worker sends one request between two looks.
        let left = Cell::new(&ids[..]);
        let stop = || {
            let [id, rest @ ..] = left.get() else { panic!("all were sent") };
            let state = if rest.is_empty() { State::Failed } else { State::Done };
            store.start(*id, 1, 0).unwrap();
            store.end(*id, &Ended { state, message: "404".into(), at: 0, took: 1, next_attempt: 0 }).unwrap();
            left.set(rest);
            false
        };
        wait(&store, &ids, &stop, &|| Ok(())).unwrap();
        let retried = retried(&store, &ids).unwrap();
        assert_eq!((retried.total, retried.pending, retried.failed.len()), (2, 0, 1));
        assert_eq!(retried.status(), ExitStatus::No);
        let text = retried.text(&Page::default());
        assert_eq!(text, "Sent 2 web requests again\n  failed: https://crm.example/1\n    404\n");
    }
}

//! The loop of the worker: takes events, starts their actions, and records the results.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use crate::actions::perform::{Job, Performed};
use crate::actions::spool::SpoolError;
use crate::actions::store::{Delivery, Ended, State, Store, StoreError, StoredEvent};
use crate::actions::{contacts, start_worker};
use crate::hook::action::Action;
use crate::hook::action::numbers::Numbers;
use crate::hook::action::template::CallFacts;

use super::actions_cache::ActionsCache;
use super::context::Context;
use super::schedule::{self, Waiting};
use super::{facts, housekeeping, intake, plan, stop};

/// How often to look for events soon after the last one, and when nothing has happened for a while.
const POLL: Duration = Duration::from_millis(100);
const SLOW_POLL: Duration = Duration::from_millis(500);
const QUIET_AFTER: Duration = Duration::from_secs(5 * 60);

/// How often to look for files: events that couldn't be stored, and the file that ends workers.
const POLL_FILES: Duration = Duration::from_secs(1);

/// How often to look for what sessions without a worker left behind, and how old that must be. Its pages and messages
/// are too late then, so they don't appear in another session.
const POLL_SESSIONS: Duration = Duration::from_secs(60);
const LEFT_BEHIND_AFTER: i64 = plan::TOO_LATE;

/// How often to delete old events while something is left to do.
const HOUSEKEEPING: Duration = Duration::from_secs(60 * 60);

/// How long to wait for attempts before leaving. A file `stop` must work within 5 seconds.
const GRACE_PERIOD: Duration = Duration::from_secs(2);

/// How long to go on although the database can't be used, with pauses.
const MAX_FAILURES: u32 = 60;
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

const INTERRUPTED: &str = "the worker was ended before it knew the result";

/// Where events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the database of all workers.
    OnDisk,
    /// Only in this process.
    InMemory,
}

/// Why the loop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// There was nothing to do for a while.
    Idle,
    /// The session ends, or another program wants no workers.
    Stopped,
}

/// An attempt that has ended.
struct Attempt {
    id: i64,
    performed: Performed,
    took: Duration,
}

/// An attempt that is being made.
struct Running {
    lane: Option<String>,
    attempts: u32,
    until: i64,
}

/// When something was done last.
struct Timer {
    every: Duration,
    last: Option<Instant>,
}

impl Timer {
    fn new(every: Duration) -> Timer {
        Timer { every, last: None }
    }

    /// Returns whether it is time to do it again.
    fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= self.every);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}

/// The loop and its state.
pub struct Service<'a> {
    context: &'a Context<'a>,
    store: &'a Store,
    storage: Storage,
    actions: ActionsCache,
    pending: Vec<(StoredEvent, Delivery)>,
    running: HashMap<i64, Running>,
    sender: Sender<Attempt>,
    results: Receiver<Attempt>,
    /// Results that aren't in the database yet.
    unrecorded: Vec<Attempt>,
    /// The state of the database that `pending` shows; `None` if something has changed since.
    seen: Option<i64>,
    active: Instant,
    is_clean: bool,
    /// Whether the write-ahead log still contains what was deleted.
    has_deleted: bool,
    files: Timer,
    sessions: Timer,
    housekeeping: Timer,
    /// Errors of files that are in the log already.
    logged: HashSet<String>,
    /// How many events were taken.
    pub taken: usize,
}

impl<'a> Service<'a> {
    /// Returns a service for the events in a database.
    pub fn new(context: &'a Context<'a>, store: &'a Store, storage: Storage) -> Service<'a> {
        let (sender, results) = mpsc::channel();
        Service {
            context,
            store,
            storage,
            actions: ActionsCache::default(),
            pending: Vec::new(),
            running: HashMap::new(),
            sender,
            results,
            unrecorded: Vec::new(),
            seen: None,
            active: Instant::now(),
            is_clean: false,
            has_deleted: false,
            files: Timer::new(POLL_FILES),
            sessions: Timer::new(POLL_SESSIONS),
            housekeeping: Timer::new(HOUSEKEEPING),
            logged: HashSet::new(),
            taken: 0,
        }
    }

    /// Serves until there is nothing to do.
    ///
    /// # Errors
    /// The database can't be used any more.
    pub fn run(&mut self) -> Result<Finished, StoreError> {
        self.store.recover(self.context.session, INTERRUPTED, self.now())?;
        let mut failures = 0;
        loop {
            let looks_at_files = self.files.is_due();
            if (self.context.is_stopped)() || looks_at_files && stop::is_wanted(self.context) {
                self.finish_attempts();
                return Ok(Finished::Stopped);
            }
            match self.turn(looks_at_files) {
                Ok(Some(pause)) => {
                    failures = 0;
                    self.wait(pause);
                }
                Ok(None) => return Ok(Finished::Idle),
                Err(error) if error.needs_new_database() || failures >= MAX_FAILURES => return Err(error),
                Err(error) => {
                    if failures == 0 {
                        self.context.log(&error);
                    }
                    failures += 1;
                    self.seen = None;
                    self.wait(PAUSE_AFTER_FAILURE);
                }
            }
        }
    }

    fn now(&self) -> i64 {
        (self.context.now)().wall_ms
    }

    /// Does what is to be done now, and returns how long to wait; `None` if there was nothing to do for a while.
    fn turn(&mut self, looks_at_files: bool) -> Result<Option<Duration>, StoreError> {
        self.record()?;
        if looks_at_files {
            self.take_files()?;
        }
        if self.sessions.is_due() && self.storage == Storage::OnDisk {
            self.adopt()?;
        }
        self.look()?;
        self.start_due()?;
        // what was just skipped or failed isn't pending any more
        self.look()?;
        let is_done = self.pending.is_empty() && self.running.is_empty() && self.unrecorded.is_empty();
        if is_done && !self.is_clean || self.housekeeping.is_due() {
            let now = (self.context.now)();
            self.has_deleted |= housekeeping::delete_old(self.store, &mut self.actions, &now)?;
            self.is_clean = is_done;
        }
        // what other programs prevent now is tried again in the next turn
        if self.has_deleted && self.store.try_to_empty_log().unwrap_or(false) {
            self.has_deleted = false;
        }
        if is_done && self.active.elapsed() >= self.context.idle && !self.context.perform.is_showing() {
            return Ok(None);
        }
        let poll = if self.active.elapsed() < QUIET_AFTER { POLL } else { SLOW_POLL };
        let next = schedule::time_until_due(&self.waiting(), self.now());
        let next = next.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0).map(Duration::from_millis);
        Ok(Some(next.map_or(poll, |next| next.min(poll))))
    }

    /// Waits for a result, for at most this time.
    fn wait(&mut self, pause: Duration) {
        if let Ok(attempt) = self.results.recv_timeout(pause) {
            self.unrecorded.push(attempt);
        }
    }

    /// Takes events from files.
    fn take_files(&mut self) -> Result<(), StoreError> {
        let Context { fs, data, session, .. } = *self.context;
        let mut log = |error: &SpoolError| {
            if self.logged.insert(error.to_string()) {
                self.context.log(error);
            }
        };
        let has_taken = match self.storage {
            Storage::OnDisk => intake::to_database(self.store, fs, &data.spool(), &mut log)?,
            Storage::InMemory => {
                let mut events = intake::events(fs, &data.spool(), &mut log);
                events.retain(|(file, event)| event.session == session && file.remove(fs).is_ok());
                events.iter().try_for_each(|(_, event)| self.store.add(event).map(drop))?;
                !events.is_empty()
            }
        };
        if has_taken {
            self.seen = None;
        }
        Ok(())
    }

    /// Takes over what sessions without a worker left behind.
    fn adopt(&mut self) -> Result<(), StoreError> {
        let Context { fs, data, session, .. } = *self.context;
        for other in self.store.other_sessions(session)? {
            if !start_worker::is_running(fs, data, other) {
                let now = self.now();
                self.store.adopt(other, session, now - LEFT_BEHIND_AFTER, INTERRUPTED, now)?;
                self.seen = None;
            }
        }
        Ok(())
    }

    /// Plans the deliveries of new events, and reads what is pending, if something has changed.
    fn look(&mut self) -> Result<(), StoreError> {
        let changes = self.store.foreign_changes()?;
        if self.seen == Some(changes) {
            return Ok(());
        }
        for event in self.store.unplanned(self.context.session)? {
            let now = self.now();
            let actions = self.actions.read(&event.event.ini);
            let default = Numbers::default();
            let numbers = actions.as_ref().map_or(&default, |actions| &actions.numbers);
            let facts = facts::facts(self.store, &event, numbers, self.context)?;
            let deliveries = plan::deliveries(actions, &facts, now);
            self.store.plan(&event, &deliveries)?;
            self.taken += 1;
            self.mark_active();
        }
        self.pending = self.store.pending(self.context.session)?;
        self.seen = Some(changes);
        Ok(())
    }

    fn mark_active(&mut self) {
        self.active = Instant::now();
        self.is_clean = false;
    }

    fn waiting(&self) -> Vec<Waiting<'_>> {
        let waiting = self.pending.iter().map(|(_, delivery)| Waiting {
            id: delivery.id,
            lane: delivery.lane.as_deref(),
            attempts: delivery.attempts,
            next_attempt: delivery.next_attempt,
        });
        waiting.collect()
    }

    fn start_due(&mut self) -> Result<(), StoreError> {
        let lanes: Vec<_> = self.running.values().map(|running| running.lane.as_deref()).collect();
        for id in schedule::due(&self.waiting(), &lanes, self.now()) {
            let Some(at) = self.pending.iter().position(|(_, delivery)| delivery.id == id) else { continue };
            let (event, delivery) = self.pending[at].clone();
            self.seen = None;
            match self.prepare(&event, &delivery)? {
                Ok((action, facts)) => self.start(&event, delivery, action, facts)?,
                Err((state, message)) => self.end(id, state, message, Duration::ZERO, 0)?,
            }
        }
        Ok(())
    }

    /// Returns what is needed for an attempt, or why none is made.
    fn prepare(&mut self, event: &StoredEvent, delivery: &Delivery) -> Result<Prepared, StoreError> {
        let age = (self.context.now)().since(&facts::moment(event));
        if plan::is_too_late(delivery.kind, i64::try_from(age.as_millis()).unwrap_or(i64::MAX)) {
            let message = format!("too late, {} seconds after the event", age.as_secs());
            return Ok(Err((State::Skipped, message)));
        }
        let actions = match self.actions.of(&event.event.ini) {
            Ok(actions) => actions,
            Err(reason) => return Ok(Err((State::Failed, reason.clone()))),
        };
        let Some(action) = plan::action_of(actions, event.event.event, delivery) else {
            return Ok(Err((State::Failed, "the action was changed or removed in the meantime".into())));
        };
        let mut facts = facts::facts(self.store, event, &actions.numbers, self.context)?;
        if facts::was_opened(self.store, event, delivery, action, &facts, self.context)? {
            return Ok(Err((State::Skipped, "the page was opened for this caller a moment ago".into())));
        }
        let ini = Path::new(&event.event.ini);
        facts.name = contacts::name_of(&facts.number, &actions.numbers, ini, self.context.fs);
        Ok(Ok((action.clone(), facts)))
    }

    /// Records that an attempt is made, and makes it in another thread.
    fn start(
        &mut self,
        event: &StoredEvent,
        delivery: Delivery,
        action: Action,
        facts: CallFacts,
    ) -> Result<(), StoreError> {
        let Delivery { id, lane, until, webhook_id, attempts, .. } = delivery;
        if !self.store.start(id, self.context.session, self.now())? {
            return Ok(());
        }
        let (perform, sender) = (Arc::clone(&self.context.perform), self.sender.clone());
        let ini = PathBuf::from(&event.event.ini);
        let attempt = move || {
            let start = Instant::now();
            let webhook_id = webhook_id.unwrap_or_default();
            let job =
                Job { action: &action, facts: &facts, ini: &ini, webhook_id: &webhook_id, is_test: false };
            let performed = perform.perform(job);
            // the worker may have left
            let _ = sender.send(Attempt { id, performed, took: start.elapsed() });
        };
        match std::thread::Builder::new().name("action".into()).spawn(attempt) {
            Ok(_) => {
                self.running.insert(id, Running { lane, attempts: attempts.saturating_add(1), until });
                Ok(())
            }
            Err(error) => {
                self.end(id, State::Failed, format!("couldn't start a thread: {error}"), Duration::ZERO, 0)
            }
        }
    }

    /// Records the results of attempts. What can't be recorded now is recorded later.
    fn record(&mut self) -> Result<(), StoreError> {
        self.unrecorded.extend(self.results.try_iter());
        while let Some(Attempt { id, performed, took }) = self.unrecorded.last() {
            let (id, took) = (*id, *took);
            let now = self.now();
            let (mut attempts, mut until) = (1, now);
            if let Some(running) = self.running.get(&id) {
                (attempts, until) = (running.attempts, running.until);
            }
            let (state, message, next) = match performed.clone() {
                Performed::Done(message) => (State::Done, message, now),
                Performed::Skipped(message) => (State::Skipped, message, now),
                Performed::Failed(message) => (State::Failed, message, now),
                Performed::TryAgain(message) => match schedule::next_attempt(attempts, until, now) {
                    Some(next) => (State::Pending, message, next),
                    None => (State::Failed, message, now),
                },
            };
            self.end(id, state, message, took, next)?;
            self.running.remove(&id);
            self.unrecorded.pop();
            self.mark_active();
        }
        Ok(())
    }

    fn end(
        &mut self,
        id: i64,
        state: State,
        message: String,
        took: Duration,
        next_attempt: i64,
    ) -> Result<(), StoreError> {
        let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        self.seen = None;
        self.store.end(id, &Ended { state, message, at: self.now(), took, next_attempt })
    }

    /// Waits a little for the attempts that are being made. Those that are left are interrupted.
    fn finish_attempts(&mut self) {
        let end = Instant::now() + GRACE_PERIOD;
        while !self.running.is_empty() && Instant::now() < end {
            self.wait(POLL);
            if let Err(error) = self.record() {
                return self.context.log(&error);
            }
        }
    }
}

/// An action and what it can say about the call, or the end of its delivery.
type Prepared = Result<(Action, CallFacts), (State, String)>;

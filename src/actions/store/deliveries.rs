//! The deliveries: what becomes of each action of an event.

use rusqlite::{Connection, Row, params};

use super::{
    EVENT_COLUMNS, FILTER, Filter, Result, Store, StoredEvent, conversion_error, event_at_start, random_id,
};
use crate::hook::action::Kind;

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It wasn't attempted yet, or another attempt follows.
    Pending,
    /// An attempt is being made.
    Started,
    /// It is done.
    Done,
    /// It failed, and no other attempt follows.
    Failed,
    /// The worker was ended during an attempt, so it isn't known whether it is done.
    Interrupted,
    /// It wasn't necessary.
    Skipped,
}

impl State {
    const ALL: [State; 6] =
        [State::Pending, State::Started, State::Done, State::Failed, State::Interrupted, State::Skipped];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Started => "started",
            State::Done => "done",
            State::Failed => "failed",
            State::Interrupted => "interrupted",
            State::Skipped => "skipped",
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name '{0}' isn't known")]
struct UnknownName(String);

/// A delivery that is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The position of its action among those of the event, from 0.
    pub position: u32,
    /// What the action does; `None` if that couldn't be read.
    pub kind: Option<Kind>,
    /// What it shares with other deliveries that must not overtake it: the origin of its address, or its file.
    pub lane: Option<String>,
    /// What it does, without private values.
    pub description: String,
    /// `Pending`, or its end if nothing is to be done.
    pub state: State,
    /// Why nothing is to be done.
    pub message: String,
    /// When the first attempt is made, in milliseconds since 1970.
    pub next_attempt: i64,
    /// Until when attempts are repeated.
    pub until: i64,
}

/// A delivery in the database. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: i64,
    /// The row of its event.
    pub event: i64,
    /// The position of its action among those of the event, from 0.
    pub position: u32,
    /// The Windows session whose worker makes it.
    pub session: u32,
    /// What the action does; `None` if that couldn't be read.
    pub kind: Option<Kind>,
    /// What it shares with other deliveries that must not overtake it: the origin of its address, or its file.
    pub lane: Option<String>,
    /// What it does, without private values.
    pub description: String,
    /// How far it is.
    pub state: State,
    /// The result of the last attempt, without private values.
    pub message: String,
    /// How many attempts were started.
    pub attempts: u32,
    /// When the last attempt was started.
    pub started: Option<i64>,
    /// When the last attempt ended.
    pub ended: Option<i64>,
    /// How long the last attempt took, in milliseconds.
    pub took: Option<i64>,
    /// When the next attempt is made.
    pub next_attempt: i64,
    /// Until when attempts are repeated.
    pub until: i64,
    /// What identifies a web request: the same for all its attempts.
    pub webhook_id: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The new state; `Pending` if another attempt follows.
    pub state: State,
    /// The result, without private values.
    pub message: String,
    /// When it ended.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub took: i64,
    /// When the next attempt is made, if one follows.
    pub next_attempt: i64,
}

const COLUMNS: &str = "id, deliveries.event, position, deliveries.session, kind, lane, description, state, message, \
                       attempts, started, ended, took, next_attempt, until, webhook_id";

/// How many columns [`EVENT_COLUMNS`] are.
const EVENT_COLUMN_COUNT: usize = 8;

/// Deliveries that may be repeated although they may be done already: their receivers recognize them by their id.
const REPEATABLE: &str = "webhook_id IS NOT NULL";

impl Store {
    /// Returns the events of a session for which no deliveries were planned yet, in the order of their rows, without
    /// those that wait for their files.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn unplanned(&self, session: u32) -> Result<Vec<StoredEvent>> {
        let select = format!(
            "SELECT {EVENT_COLUMNS} FROM events
             WHERE is_planned = 0 AND session = ?1 AND spool_file IS NULL ORDER BY row"
        );
        self.rows(&select, [session], event_at_start)
    }

    /// Adds the deliveries of an event, unless that was done before.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn plan(&self, event: &StoredEvent, deliveries: &[NewDelivery]) -> Result<()> {
        self.in_transaction(|tx| {
            let changed = tx
                .execute("UPDATE events SET is_planned = 1 WHERE row = ?1 AND is_planned = 0", [event.row])?;
            deliveries.iter().filter(|_| changed > 0).try_for_each(|delivery| insert(tx, event, delivery))
        })
    }

    /// Returns the pending deliveries of a session with their events, in the order in which they start.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn pending(&self, session: u32) -> Result<Vec<(StoredEvent, Delivery)>> {
        let select = format!(
            "SELECT {EVENT_COLUMNS}, {COLUMNS} FROM deliveries JOIN events ON events.row = deliveries.event
             WHERE state = 'pending' AND deliveries.session = ?1 ORDER BY row, position"
        );
        self.rows(&select, [session], event_and_delivery)
    }

    /// Records that an attempt is about to be made, and returns whether this session may make it: `false` if the
    /// delivery was made by another one or deleted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn start(&self, id: i64, session: u32, now: i64) -> Result<bool> {
        let updated = self.connection.execute(
            "UPDATE deliveries SET state = 'started', started = ?3, attempts = attempts + 1
             WHERE id = ?1 AND session = ?2 AND state = 'pending'",
            params![id, session, now],
        );
        self.checked(updated.map(|count| count > 0))
    }

    /// Records how an attempt ended.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn end(&self, id: i64, ended: &Ended) -> Result<()> {
        let updated = self.connection.execute(
            "UPDATE deliveries SET state = ?2, message = ?3, ended = ?4, took = ?5, next_attempt = ?6
             WHERE id = ?1 AND state IN ('started', 'pending')",
            params![id, ended.state.name(), ended.message, ended.at, ended.took, ended.next_attempt],
        );
        self.checked(updated.map(drop))
    }

    /// Records what a worker of this session left behind when it was ended: its requests are repeated, its other
    /// attempts are interrupted. The session must have no worker besides the caller.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn recover(&self, session: u32, message: &str, now: i64) -> Result<()> {
        self.in_transaction(|tx| interrupt(tx, session, message, now))
    }

    /// Returns the other sessions that have something to do, events or deliveries.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn other_sessions(&self, session: u32) -> Result<Vec<u32>> {
        let select = "SELECT session FROM events WHERE is_planned = 0 AND session <> ?1
                      UNION SELECT session FROM deliveries WHERE state IN ('pending', 'started') AND session <> ?1";
        self.rows(select, [session], |row| row.get(0))
    }

    /// Takes over from a session that has no worker what happened there before this time.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn adopt(&self, from: u32, to: u32, before: i64, message: &str, now: i64) -> Result<()> {
        self.in_transaction(|tx| {
            interrupt(tx, from, message, now)?;
            let numbers = params![from, to, before];
            tx.execute(
                "UPDATE deliveries SET session = ?2 WHERE state = 'pending' AND session = ?1
                 AND event IN (SELECT row FROM events WHERE time < ?3)",
                numbers,
            )?;
            tx.execute(
                "UPDATE events SET session = ?2 WHERE is_planned = 0 AND session = ?1 AND time < ?3",
                numbers,
            )?;
            Ok(())
        })
    }

    /// Returns deliveries with their events, in the order in which they were planned.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn deliveries(&self, filter: Filter<'_>) -> Result<Vec<(StoredEvent, Delivery)>> {
        let select = format!(
            "SELECT {EVENT_COLUMNS}, {COLUMNS} FROM deliveries JOIN events ON events.row = deliveries.event
             WHERE {FILTER} ORDER BY row, position"
        );
        self.rows(&select, params![filter.ini, filter.since, filter.after_row], event_and_delivery)
    }

    /// Makes failed and interrupted deliveries pending again, until a given time, and returns how many there were.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn retry(&self, ids: &[i64], session: u32, now: i64, until: i64) -> Result<usize> {
        self.in_transaction(|tx| {
            let mut update = tx.prepare(
                "UPDATE deliveries SET state = 'pending', attempts = 0, session = ?2, next_attempt = ?3, until = ?4
                 WHERE id = ?1 AND state IN ('failed', 'interrupted')",
            )?;
            ids.iter().try_fold(0, |count, id| Ok(count + update.execute(params![id, session, now, until])?))
        })
    }
}

fn insert(tx: &Connection, event: &StoredEvent, delivery: &NewDelivery) -> rusqlite::Result<()> {
    let is_request = matches!(delivery.kind, Some(Kind::Get | Kind::Post));
    tx.execute(
        "INSERT INTO deliveries (event, position, session, kind, lane, description, state, message, next_attempt,
                                 until, webhook_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            event.row,
            delivery.position,
            event.event.session,
            delivery.kind.map(Kind::name),
            delivery.lane,
            delivery.description,
            delivery.state.name(),
            delivery.message,
            delivery.next_attempt,
            delivery.until,
            is_request.then(|| format!("msg_{}", random_id())),
        ],
    )
    .map(drop)
}

fn interrupt(tx: &Connection, session: u32, message: &str, now: i64) -> rusqlite::Result<()> {
    let update = format!(
        "UPDATE deliveries SET ended = ?3, message = ?2,
             state = CASE WHEN {REPEATABLE} THEN 'pending' ELSE 'interrupted' END
         WHERE state = 'started' AND session = ?1"
    );
    tx.execute(&update, params![session, message, now]).map(drop)
}

fn event_and_delivery(row: &Row<'_>) -> rusqlite::Result<(StoredEvent, Delivery)> {
    const AT: usize = EVENT_COLUMN_COUNT;
    let kind: Option<String> = row.get(AT + 4)?;
    let kind = kind.map(|name| {
        let found = Kind::ALL.iter().copied().find(|kind| kind.name() == name);
        found.ok_or_else(|| conversion_error(AT + 4, UnknownName(name)))
    });
    let state: String = row.get(AT + 7)?;
    let found = State::ALL.into_iter().find(|one| one.name() == state);
    let delivery = Delivery {
        id: row.get(AT)?,
        event: row.get(AT + 1)?,
        position: row.get(AT + 2)?,
        session: row.get(AT + 3)?,
        kind: kind.transpose()?,
        lane: row.get(AT + 5)?,
        description: row.get(AT + 6)?,
        state: found.ok_or_else(|| conversion_error(AT + 7, UnknownName(state)))?,
        message: row.get(AT + 8)?,
        attempts: row.get(AT + 9)?,
        started: row.get(AT + 10)?,
        ended: row.get(AT + 11)?,
        took: row.get(AT + 12)?,
        next_attempt: row.get(AT + 13)?,
        until: row.get(AT + 14)?,
        webhook_id: row.get(AT + 15)?,
    };
    Ok((event_at_start(row)?, delivery))
}

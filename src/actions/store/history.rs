//! How long events and deliveries are kept.

use rusqlite::params;

use super::{BootTime, Result, Store};

/// How far the clock and the time since boot may differ.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The longest time without an event that the clock is believed, if the computer was restarted in the meantime.
const LONGEST_PAUSE: i64 = 30 * DAY;

/// How many of the last events show whether the clock can be trusted.
const EVENTS_TO_CHECK: u32 = 50;

/// The condition that an event has something left to do.
const UNFINISHED: &str = "(is_planned = 0 OR EXISTS (SELECT 1 FROM deliveries
                           WHERE deliveries.event = events.row AND state IN ('pending', 'started')))";

/// When something happened, by both clocks.
type Timestamp = (i64, BootTime);

/// Returns whether the clock jumped by more than a day between any two of these moments, which are in order.
pub(super) fn clock_jumped(moments: &[Timestamp]) -> bool {
    moments.windows(2).any(|pair| {
        let [(earlier, boot), (later, later_boot)] = pair else { return false };
        let elapsed = later.saturating_sub(*earlier);
        match (boot.ms, later_boot.ms) {
            (Some(start), Some(end)) if boot.boot.is_some() && boot.boot == later_boot.boot => {
                elapsed.saturating_sub(end.saturating_sub(start)).saturating_abs() > DAY
            }
            _ => !(-DAY..=LONGEST_PAUSE).contains(&elapsed),
        }
    })
}

impl Store {
    /// Returns whether the clock has jumped by more than a day since one of the last events.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn is_clock_doubtful(&self, now: i64, boot: BootTime) -> Result<bool> {
        let select = "SELECT time, boot, since_boot FROM events ORDER BY row DESC LIMIT ?1";
        let mut moments = self.rows(select, [EVENTS_TO_CHECK], |row| {
            Ok((row.get(0)?, BootTime { boot: row.get(1)?, ms: row.get(2)? }))
        })?;
        moments.reverse();
        moments.push((now, boot));
        Ok(clock_jumped(&moments))
    }

    /// Returns the rows of the events of an ini that have something left to do.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn unfinished(&self, ini: &str) -> Result<Vec<i64>> {
        self.rows(&format!("SELECT row FROM events WHERE ini = ?1 AND {UNFINISHED}"), [ini], |row| row.get(0))
    }

    /// Deletes the events of an ini, and their deliveries, that are older than this time, come before this row and have
    /// nothing left to do. Returns how many events were deleted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn delete_before(&self, ini: &str, time: i64, row: i64) -> Result<usize> {
        let chosen =
            format!("SELECT row FROM events WHERE ini = ?1 AND time < ?2 AND row < ?3 AND NOT {UNFINISHED}");
        let limits = params![ini, time, row];
        self.in_transaction(|tx| {
            tx.execute(&format!("DELETE FROM deliveries WHERE event IN ({chosen})"), limits)?;
            tx.execute(&format!("DELETE FROM events WHERE row IN ({chosen})"), limits)
        })
    }

    /// Deletes events and their deliveries together, unless one of them has something left to do. Returns whether they
    /// were deleted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn delete_together(&self, rows: &[i64]) -> Result<bool> {
        self.in_transaction(|tx| {
            let mut unfinished =
                tx.prepare(&format!("SELECT EXISTS (SELECT 1 FROM events WHERE row = ?1 AND {UNFINISHED})"))?;
            for row in rows {
                if unfinished.query_row([row], |answer| answer.get(0))? {
                    return Ok(false);
                }
            }
            for row in rows {
                tx.execute("DELETE FROM deliveries WHERE event = ?1", [row])?;
                tx.execute("DELETE FROM events WHERE row = ?1", [row])?;
            }
            Ok(true)
        })
    }
}

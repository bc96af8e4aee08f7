//! How long events and deliveries are kept.

use rusqlite::params;

use super::{BootTime, Result, Store};

/// How far the clock and the time since boot may differ.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The longest time without an event that the clock is believed, if the computer was restarted in the meantime.
const LONGEST_PAUSE: i64 = 30 * DAY;

/// How many of the last events show whether the clock can be trusted.
const EVENTS_TO_CHECK: u32 = 50;

/// When something happened, by both clocks.
type Moment = (i64, BootTime);

/// Returns whether the clock jumped by more than a day between any two of these moments, which are in order.
pub(super) fn clock_jumped(moments: &[Moment]) -> bool {
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

    /// Deletes the events of an ini, and their deliveries, that are older than this time and have nothing left to do.
    /// Returns how many events were deleted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn delete_before(&self, ini: &str, time: i64) -> Result<usize> {
        self.delete(ini, "time < ?2", time)
    }

    /// Deletes the events of an ini, and their deliveries, up to this row, as far as they have nothing left to do.
    /// Returns how many events were deleted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn delete_up_to(&self, ini: &str, row: i64) -> Result<usize> {
        self.delete(ini, "row <= ?2", row)
    }

    /// Deletes events and their deliveries together, unless one of them has something left to do. Returns whether they
    /// were deleted.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn delete_together(&self, rows: &[i64]) -> Result<bool> {
        self.in_transaction(|tx| {
            let mut unfinished = tx.prepare(
                "SELECT EXISTS (SELECT 1 FROM events WHERE row = ?1 AND is_planned = 0)
                 OR EXISTS (SELECT 1 FROM deliveries WHERE event = ?1 AND state IN ('pending', 'started'))",
            )?;
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

    fn delete(&self, ini: &str, condition: &str, limit: i64) -> Result<usize> {
        let chosen = format!(
            "SELECT row FROM events WHERE ini = ?1 AND {condition} AND is_planned = 1
             AND NOT EXISTS (SELECT 1 FROM deliveries
                             WHERE deliveries.event = events.row AND state IN ('pending', 'started'))"
        );
        self.in_transaction(|tx| {
            tx.execute(&format!("DELETE FROM deliveries WHERE event IN ({chosen})"), params![ini, limit])?;
            tx.execute(&format!("DELETE FROM events WHERE row IN ({chosen})"), params![ini, limit])
        })
    }
}

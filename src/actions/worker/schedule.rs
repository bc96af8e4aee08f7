//! Which deliveries start now. Pure.

use std::collections::HashSet;

/// How many deliveries are made at once.
pub const MAX_AT_ONCE: usize = 8;

/// After so many attempts, later deliveries of the same lane don't wait any longer.
const OVERTAKEN_AFTER: u32 = 5;

const FIRST_PAUSE: i64 = 5_000;
const MAX_PAUSE: i64 = 10 * 60 * 1000;

/// A delivery that isn't made yet.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// Its number.
    pub id: i64,
    /// What it shares with other deliveries that must not overtake it.
    pub lane: Option<&'a str>,
    /// How many attempts have failed.
    pub attempts: u32,
    /// When the next attempt is made, in milliseconds since 1970.
    pub next_attempt: i64,
}

impl Waiting<'_> {
    fn is_due(&self, now: i64) -> bool {
        self.time_left(now) == 0
    }

    /// Returns how long it has to wait. No pause is longer than the longest, so if it seems to be, the clock was set
    /// back.
    fn time_left(&self, now: i64) -> i64 {
        match self.next_attempt.saturating_sub(now) {
            left @ 0..=MAX_PAUSE => left,
            _ => 0,
        }
    }
}

/// Returns the deliveries that start now, in this order. `waiting` is in the order of the events, and `running` are the
/// lanes of those that were started before.
pub fn due(waiting: &[Waiting<'_>], running: &[Option<&str>], now: i64) -> Vec<i64> {
    let mut free = MAX_AT_ONCE.saturating_sub(running.len());
    let mut blocked: HashSet<&str> = running.iter().copied().flatten().collect();
    let mut due = Vec::new();
    for one in waiting {
        if free == 0 {
            break;
        }
        if one.lane.is_some_and(|lane| blocked.contains(lane)) {
            continue;
        }
        let starts = one.is_due(now);
        if starts {
            due.push(one.id);
            free -= 1;
        }
        if starts || one.attempts < OVERTAKEN_AFTER {
            blocked.extend(one.lane);
        }
    }
    due
}

/// Returns how long to wait until another delivery may start, in milliseconds; `None` if none is waiting.
pub fn time_until_due(waiting: &[Waiting<'_>], now: i64) -> Option<i64> {
    waiting.iter().map(|one| one.time_left(now)).min()
}

/// Returns when the next attempt is made after one has failed; `None` if the time is up. There is always one attempt
/// at the end of the time.
pub fn next_attempt(attempts: u32, until: i64, now: i64) -> Option<i64> {
    let pause =
        3_i64.checked_pow(attempts.saturating_sub(1)).and_then(|factor| FIRST_PAUSE.checked_mul(factor));
    let pause = pause.map_or(MAX_PAUSE, |pause| pause.min(MAX_PAUSE));
    (now < until).then(|| now.saturating_add(pause).min(until))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn waiting(id: i64, lane: Option<&str>) -> Waiting<'_> {
        Waiting { id, lane, attempts: 0, next_attempt: NOW }
    }

    fn retry(id: i64, lane: Option<&str>, attempts: u32) -> Waiting<'_> {
        Waiting { attempts, next_attempt: NOW + 1, ..waiting(id, lane) }
    }

    const NONE: [i64; 0] = [];
    const CRM: Option<&str> = Some("https://crm.example");
    const OTHER: Option<&str> = Some("https://other.example");

    #[test]
    fn deliveries_start_in_the_order_of_events() {
        let all = [waiting(7, None), waiting(3, CRM), waiting(9, OTHER), waiting(1, None)];
        assert_eq!(due(&all, &[], NOW), [7, 3, 9, 1]);
        assert_eq!(due(&[], &[], NOW), NONE);
    }

    #[test]
    fn one_lane_makes_one_delivery_at_a_time() {
        assert_eq!(due(&[waiting(1, CRM), waiting(2, CRM), waiting(3, OTHER)], &[], NOW), [1, 3]);
        assert_eq!(due(&[waiting(2, CRM), waiting(3, OTHER), waiting(4, None)], &[CRM], NOW), [3, 4]);
    }

    #[test]
    fn a_retry_blocks_only_its_lane() {
        let all = [retry(1, CRM, 1), waiting(2, CRM), waiting(3, OTHER), retry(4, None, 1), waiting(5, None)];
        assert_eq!(due(&all, &[], NOW), [3, 5]);
        assert_eq!(due(&all, &[], NOW + 1), [1, 3, 4, 5]);
    }

    #[test]
    fn a_retry_is_overtaken_after_five_attempts() {
        assert_eq!(due(&[retry(1, CRM, 4), waiting(2, CRM)], &[], NOW), NONE);
        assert_eq!(due(&[retry(1, CRM, 5), waiting(2, CRM)], &[], NOW), [2]);
        // it doesn't lose its turn
        assert_eq!(due(&[retry(1, CRM, 5), waiting(2, CRM)], &[], NOW + 1), [1]);
        assert_eq!(due(&[retry(1, CRM, 5), waiting(2, CRM)], &[CRM], NOW + 1), NONE);
    }

    #[test]
    fn at_most_eight_are_made_at_once() {
        let all: Vec<_> = (0..20).map(|id| waiting(id, None)).collect();
        assert_eq!(due(&all, &[], NOW).len(), 8);
        assert_eq!(due(&all, &[None, CRM, OTHER, None, None], NOW), [0, 1, 2]);
        assert_eq!(due(&all, &[None; 8], NOW), NONE);
    }

    #[test]
    fn a_clock_that_was_set_back_delays_nothing() {
        const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;
        assert_eq!(due(&[retry(1, CRM, 1)], &[], NOW - YEAR), [1]);
        assert_eq!(time_until_due(&[retry(1, CRM, 1)], NOW - YEAR), Some(0));
    }

    #[test]
    fn pauses_grow_to_ten_minutes_and_end_with_the_time() {
        let (mut now, until) = (NOW, NOW + 3_600_000);
        let mut pauses = Vec::new();
        for attempts in 1.. {
            let Some(next) = next_attempt(attempts, until, now) else { break };
            pauses.push((next - now) / 1000);
            now = next;
        }
        assert_eq!(pauses, [5, 15, 45, 135, 405, 600, 600, 600, 600, 595]);
        assert_eq!(now, until);
        assert_eq!(next_attempt(1, NOW, NOW), None);
        assert_eq!(next_attempt(u32::MAX, i64::MAX, NOW), Some(NOW + MAX_PAUSE));
    }

    #[test]
    fn the_worker_sleeps_until_the_next_attempt() {
        assert_eq!(time_until_due(&[], NOW), None);
        let all = [retry(1, CRM, 1), Waiting { next_attempt: NOW + 5, ..waiting(2, None) }];
        assert_eq!(time_until_due(&all, NOW), Some(1));
        assert_eq!(time_until_due(&[waiting(1, None)], NOW + 9), Some(0));
    }
}

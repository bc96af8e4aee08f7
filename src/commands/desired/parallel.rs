//! Work on many inis at the same time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

use crate::commands::ini::LARGEST_INI;

/// Runs `work` for each item, several at the same time, until all are done or `stop` returns true. Returns the items
/// that weren't started. Most of the time is spent waiting for the disk, so more threads than cores help.
pub fn in_parallel<T: Send, R: Send>(
    items: Vec<T>,
    stop: &(dyn Fn() -> bool + Sync),
    work: &(dyn Fn(T) -> R + Sync),
    done: &mut dyn FnMut(R),
) -> Vec<T> {
    const MAX_THREADS: usize = 32;
    let threads = items.len().min(MAX_THREADS);
    let left = Mutex::new(VecDeque::from(items));
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        let (send, results) = mpsc::sync_channel(MAX_THREADS);
        for _ in 0..threads {
            let send = send.clone();
            scope.spawn(move || {
                while !stop() {
                    let Some(item) = next() else { break };
                    if send.send(work(item)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        results.into_iter().for_each(done);
    });
    left.into_inner().unwrap_or_else(PoisonError::into_inner).into()
}

/// The memory for the inis that are in work at the same time: as much as the largest ini may take.
pub struct MemoryBudget {
    left: Mutex<u64>,
    released: Condvar,
}

/// A share of the budget, returned when it is dropped.
pub struct Permit<'a> {
    budget: &'a MemoryBudget,
    size: u64,
}

impl MemoryBudget {
    /// Returns the whole budget.
    pub fn new() -> MemoryBudget {
        MemoryBudget { left: Mutex::new(LARGEST_INI), released: Condvar::new() }
    }

    /// Waits until this many bytes are available, and takes them.
    pub fn acquire(&self, size: u64) -> Permit<'_> {
        let size = size.min(LARGEST_INI);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.released.wait_while(left, |left| *left < size);
        *left.unwrap_or_else(PoisonError::into_inner) -= size;
        Permit { budget: self, size }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.budget.left.lock().unwrap_or_else(PoisonError::into_inner) += self.size;
        self.budget.released.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn work_in_progress_fits_into_the_budget() {
        let (budget, used, most) = (MemoryBudget::new(), AtomicU64::new(0), AtomicU64::new(0));
        let sizes = [LARGEST_INI / 3, LARGEST_INI, 2 * LARGEST_INI, 1, LARGEST_INI / 2, LARGEST_INI / 2, 0];
        let sizes: Vec<u64> = sizes.repeat(20);
        let left = in_parallel(
            sizes,
            &|| false,
            &|size| {
                let permit = budget.acquire(size);
                let now = used.fetch_add(permit.size, Ordering::SeqCst) + permit.size;
                most.fetch_max(now, Ordering::SeqCst);
                used.fetch_sub(permit.size, Ordering::SeqCst);
            },
            &mut |()| {},
        );
        assert!(left.is_empty() && most.load(Ordering::SeqCst) <= LARGEST_INI);
        assert_eq!(*budget.left.lock().unwrap(), LARGEST_INI);
    }

    #[test]
    fn items_that_were_not_started_are_returned() {
        let done = AtomicU64::new(0);
        let stop = || done.load(Ordering::SeqCst) >= 3;
        let work = |_: u64| done.fetch_add(1, Ordering::SeqCst);
        let left = in_parallel((0..1000).collect(), &stop, &work, &mut |_| {});
        assert_eq!(left.len() as u64 + done.load(Ordering::SeqCst), 1000);
        assert!(!left.is_empty());
    }
}

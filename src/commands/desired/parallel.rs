//! Work on many inis at the same time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

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

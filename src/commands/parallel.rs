//! Work on many inis at once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError, mpsc};

use super::ini_file::LARGEST_INI;

/// Does a work for each of many, some at once, until all are done or somebody wants it to stop; gives those that were
/// not begun. A disk that is asked for many things at once does more of them.
pub(super) fn in_parallel<T: Send, R: Send>(
    many: Vec<T>,
    stop: &(dyn Fn() -> bool + Sync),
    work: &(dyn Fn(T) -> R + Sync),
    done: &mut dyn FnMut(R),
) -> Vec<T> {
    const MOST_AT_ONCE: usize = 32;
    let at_once = many.len().min(MOST_AT_ONCE);
    let left = Mutex::new(VecDeque::from(many));
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        let (send, results) = mpsc::sync_channel(MOST_AT_ONCE);
        for _ in 0..at_once {
            let send = send.clone();
            scope.spawn(move || {
                while !stop() {
                    let Some(one) = next() else { break };
                    if send.send(work(one)).is_err() {
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

/// How much memory the inis that are worked on at once may take: as much as one may have. Larger ones are worked on
/// alone.
pub(super) struct Room {
    left: Mutex<u64>,
    is_freed: Condvar,
}

/// A part of the room, given back when it is dropped.
pub(super) struct Taken<'a> {
    room: &'a Room,
    size: u64,
}

impl Room {
    pub fn new() -> Room {
        Room { left: Mutex::new(LARGEST_INI), is_freed: Condvar::new() }
    }

    /// Waits until there is room for so many bytes.
    pub fn take(&self, size: u64) -> Taken<'_> {
        let size = size.min(LARGEST_INI);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.is_freed.wait_while(left, |left| *left < size);
        *left.unwrap_or_else(PoisonError::into_inner) -= size;
        Taken { room: self, size }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.left.lock().unwrap_or_else(PoisonError::into_inner) += self.size;
        self.room.is_freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn what_is_worked_on_at_once_fits_into_the_room() {
        let (room, used, most) = (Room::new(), AtomicU64::new(0), AtomicU64::new(0));
        let sizes = [LARGEST_INI / 3, LARGEST_INI, 2 * LARGEST_INI, 1, LARGEST_INI / 2, LARGEST_INI / 2, 0];
        let sizes: Vec<u64> = sizes.repeat(20);
        let left = in_parallel(
            sizes,
            &|| false,
            &|size| {
                let taken = room.take(size);
                let now = used.fetch_add(taken.size, Ordering::SeqCst) + taken.size;
                most.fetch_max(now, Ordering::SeqCst);
                used.fetch_sub(taken.size, Ordering::SeqCst);
            },
            &mut |()| {},
        );
        assert!(left.is_empty() && most.load(Ordering::SeqCst) <= LARGEST_INI);
        assert_eq!(*room.left.lock().unwrap(), LARGEST_INI);
    }

    #[test]
    fn what_was_not_begun_is_given_back() {
        let done = AtomicU64::new(0);
        let stop = || done.load(Ordering::SeqCst) >= 3;
        let work = |_: u64| done.fetch_add(1, Ordering::SeqCst);
        let left = in_parallel((0..1000).collect(), &stop, &work, &mut |_| {});
        assert_eq!(left.len() as u64 + done.load(Ordering::SeqCst), 1000);
        assert!(!left.is_empty());
    }
}

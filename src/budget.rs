//! A budget that threads share: they wait until what they need is available.

use std::sync::{Condvar, Mutex, PoisonError};

/// An amount, such as bytes of memory, of which each thread takes a share for a while.
pub struct Budget {
    total: u64,
    left: Mutex<u64>,
    released: Condvar,
}

/// A share of a budget, returned when it is dropped.
pub struct Permit<'a> {
    budget: &'a Budget,
    size: u64,
}

impl Budget {
    /// Creates a budget of which nothing is taken.
    pub fn new(total: u64) -> Budget {
        Budget { total, left: Mutex::new(total), released: Condvar::new() }
    }

    /// Waits until this much is available, or everything if it is more than the whole budget, and takes it.
    pub fn acquire(&self, size: u64) -> Permit<'_> {
        let size = size.min(self.total);
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
    fn shares_in_use_fit_into_the_budget() {
        const TOTAL: u64 = 12;
        let (budget, used, most) = (Budget::new(TOTAL), AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for size in [TOTAL / 3, TOTAL, 2 * TOTAL, 1, TOTAL / 2, 0].repeat(20) {
                        let permit = budget.acquire(size);
                        most.fetch_max(
                            used.fetch_add(permit.size, Ordering::SeqCst) + permit.size,
                            Ordering::SeqCst,
                        );
                        used.fetch_sub(permit.size, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= TOTAL);
        assert_eq!(*budget.left.lock().unwrap(), TOTAL);
    }
}

//! Phones that run beside each other in tests, and tests that can bear no phone but their own: whoever looks for
//! an ini without naming one finds those of all phones that run.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct Crowd {
    phones: usize,
    is_closed: bool,
}

static CROWD: Mutex<Crowd> = Mutex::new(Crowd { phones: 0, is_closed: false });
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// Whether this thread's test is the one that is alone.
    #[allow(clippy::missing_const_for_thread_local, reason = "it is const; clippy is wrong where threads have no fast locals")]
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

fn wait(until: impl Fn(&mut Crowd) -> bool) -> MutexGuard<'static, Crowd> {
    let crowd = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    CHANGED.wait_while(crowd, |crowd| !until(crowd)).unwrap_or_else(PoisonError::into_inner)
}

/// Held as long as a phone runs.
pub struct Among(bool);

impl Among {
    /// Waits while a test is alone, unless it is this one.
    pub fn others() -> Self {
        let is_alone = ALONE.get();
        if !is_alone {
            wait(|crowd| !crowd.is_closed).phones += 1;
        }
        Among(!is_alone)
    }
}

impl Drop for Among {
    fn drop(&mut self) {
        if self.0 {
            CROWD.lock().unwrap_or_else(PoisonError::into_inner).phones -= 1;
            CHANGED.notify_all();
        }
    }
}

/// Held by a test that can bear no other phones.
pub struct Alone;

impl Alone {
    /// Waits until no other phone runs.
    pub fn now() -> Self {
        wait(|crowd| crowd.phones == 0 && !crowd.is_closed).is_closed = true;
        ALONE.set(true);
        Alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        ALONE.set(false);
        CROWD.lock().unwrap_or_else(PoisonError::into_inner).is_closed = false;
        CHANGED.notify_all();
    }
}

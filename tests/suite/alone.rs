//! Keeps tests apart that would find each other's phones: whoever looks for an ini without naming one finds those of
//! all phones that run.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct State {
    phones: usize,
    is_alone: bool,
}

static STATE: Mutex<State> = Mutex::new(State { phones: 0, is_alone: false });
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// Whether this thread's test is the one that is alone.
    #[allow(clippy::missing_const_for_thread_local, reason = "it is const; clippy is wrong where threads have no fast locals")]
    static IS_ALONE: Cell<bool> = const { Cell::new(false) };
}

fn wait(until: impl Fn(&State) -> bool) -> MutexGuard<'static, State> {
    let state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    CHANGED.wait_while(state, |state| !until(state)).unwrap_or_else(PoisonError::into_inner)
}

/// A guard for as long as a phone runs. Any number can be held at a time.
pub struct Among {
    is_counted: bool,
}

impl Among {
    /// Waits while another test is alone.
    pub fn others() -> Self {
        let is_counted = !IS_ALONE.get();
        if is_counted {
            wait(|state| !state.is_alone).phones += 1;
        }
        Among { is_counted }
    }
}

impl Drop for Among {
    fn drop(&mut self) {
        if self.is_counted {
            STATE.lock().unwrap_or_else(PoisonError::into_inner).phones -= 1;
            CHANGED.notify_all();
        }
    }
}

/// A guard for a test during which no other test may run a phone. Only one is held at a time.
pub struct Alone;

impl Alone {
    /// Waits until no other test runs a phone.
    pub fn now() -> Self {
        wait(|state| state.phones == 0 && !state.is_alone).is_alone = true;
        IS_ALONE.set(true);
        Alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        IS_ALONE.set(false);
        STATE.lock().unwrap_or_else(PoisonError::into_inner).is_alone = false;
        CHANGED.notify_all();
    }
}

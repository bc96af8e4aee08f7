//! What Ctrl-C does. While nothing is being written, it exits at once, after [`report`]; a write stops gracefully.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use dialoguer::console::Term;

use super::terminal::visible;
use crate::platform::TerminalMode;

/// Whether Ctrl-C exits at once.
static EXITS_AT_ONCE: AtomicBool = AtomicBool::new(false);

/// The terminal's mode before the first prompt.
static INITIAL_MODE: Mutex<Option<TerminalMode>> = Mutex::new(None);

/// The ini that the run is about.
static INI: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Whether the run has already changed an ini.
static HAS_CHANGED: AtomicBool = AtomicBool::new(false);

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work`, during which Ctrl-C exits at once or is left to `work`.
pub fn with_exit_at_once<T>(exits_at_once: bool, work: impl FnOnce() -> T) -> T {
    lock(&INITIAL_MODE).get_or_insert_with(TerminalMode::now);
    let outer = EXITS_AT_ONCE.swap(exits_at_once, Ordering::SeqCst);
    let result = work();
    EXITS_AT_ONCE.store(outer, Ordering::SeqCst);
    result
}

/// Returns whether Ctrl-C exits at once.
pub fn exits_at_once() -> bool {
    EXITS_AT_ONCE.load(Ordering::SeqCst)
}

/// Notes the ini that the run is about.
pub fn set_ini(ini: &Path) {
    *lock(&INI) = Some(ini.to_path_buf());
}

/// Notes that the ini was changed.
pub fn set_changed() {
    HAS_CHANGED.store(true, Ordering::SeqCst);
}

/// Restores the terminal's mode and cursor. The caller exits afterwards.
pub fn restore_terminal() {
    static ONCE: Once = Once::new();
    // a second caller waits here, so it can't exit before the terminal is restored
    ONCE.call_once(|| {
        if let Some(mode) = &*lock(&INITIAL_MODE) {
            mode.restore();
        }
        let _ = Term::stderr().show_cursor();
        let _ = Term::stderr().write_line("");
    });
}

/// Restores the terminal, and says what Ctrl-C means for the ini. The caller exits afterwards.
pub fn report() {
    static ONCE: Once = Once::new();
    restore_terminal();
    ONCE.call_once(|| {
        let ini = lock(&INI).as_ref().map(|ini| ini.display().to_string());
        let message = match (ini, HAS_CHANGED.load(Ordering::SeqCst)) {
            (Some(ini), false) => format!("Cancelled. {ini} was not changed."),
            (Some(ini), true) => format!("Cancelled. The changes that were already made to {ini} are kept."),
            (None, _) => "Cancelled. Nothing was changed.".into(),
        };
        let _ = Term::stderr().write_line(&visible(&message));
    });
}

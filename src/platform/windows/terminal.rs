//! The input mode of the console.

/// The input mode of the console, which waiting for a key doesn't change.
#[derive(Debug)]
pub struct TerminalMode;

impl TerminalMode {
    /// Returns the current mode.
    pub fn now() -> TerminalMode {
        TerminalMode
    }

    /// Does nothing: a console passes on each key at once.
    pub fn key_by_key(&self) {}

    /// Does nothing.
    pub fn restore(&self) {}
}

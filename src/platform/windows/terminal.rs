//! How the console treats what is typed.

/// How the terminal treats what is typed: waiting for a key changes nothing of it here.
#[derive(Debug)]
pub struct TerminalMode;

impl TerminalMode {
    /// As it is now.
    pub fn now() -> TerminalMode {
        TerminalMode
    }

    /// A console gives out each key as it is read.
    pub fn key_by_key(&self) {}

    /// Makes it so again.
    pub fn restore(&self) {}
}

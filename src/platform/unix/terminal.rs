//! How the terminal treats what is typed.

use std::io;

/// How the terminal treats what is typed.
#[derive(Debug)]
pub struct TerminalMode(Option<rustix::termios::Termios>);

impl TerminalMode {
    /// As it is now.
    pub fn now() -> TerminalMode {
        TerminalMode(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    /// Gives out each key at once and shows none. Between two keys that are read one by one the terminal would
    /// else edit the line itself, and Backspace would take nothing away.
    pub fn key_by_key(&self) {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr};
        let Some(mut mode) = self.0.clone() else { return };
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
    }

    /// Makes it so again: while a key is waited for, the terminal shows nothing and sends no signals.
    pub fn restore(&self) {
        if let Some(mode) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, mode);
        }
    }
}

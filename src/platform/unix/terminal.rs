//! The input of the terminal, and its mode.

use std::io;

/// Returns `false`: such pipes exist only on Windows.
pub fn input_is_msys_pipe() -> bool {
    false
}

/// Returns `false`: a terminal decides by itself whether it closes.
pub fn console_closes_at_exit() -> bool {
    false
}

/// Whether a pipe into this program may have lost characters.
pub const PIPES_MAY_BE_ASCII: bool = false;

/// The input mode of the terminal.
#[derive(Debug)]
pub struct TerminalMode(Option<rustix::termios::Termios>);

impl TerminalMode {
    /// Returns the current mode.
    pub fn now() -> TerminalMode {
        TerminalMode(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    /// Passes on each key at once and doesn't echo it. Otherwise the terminal would edit the line itself between two
    /// keys that are read one by one, and Backspace would have no effect.
    pub fn key_by_key(&self) {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr};
        let Some(mut mode) = self.0.clone() else { return };
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
    }

    /// Restores this mode: while the program waits for a key, the terminal echoes nothing and sends no signals.
    pub fn restore(&self) {
        if let Some(mode) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, mode);
        }
    }
}

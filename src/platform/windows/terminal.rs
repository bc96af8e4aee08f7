//! The input of the console, and its mode.

use std::io::{self, IsTerminal};
use std::os::windows::io::AsRawHandle;

use windows_sys::Win32::System::Console::{GetConsoleMode, GetConsoleProcessList};

/// Returns whether standard input is a pipe from an msys terminal, such as Git Bash's mintty. std takes it for a
/// terminal because of its name, but no key can be read from it: only a console has a mode (GetConsoleMode).
pub fn input_is_msys_pipe() -> bool {
    let stdin = io::stdin();
    let mut mode = 0;
    // SAFETY: the handle is open as long as this program runs, and `mode` can be written to
    let has_mode = unsafe { GetConsoleMode(stdin.as_raw_handle(), &mut mode) } != 0;
    stdin.is_terminal() && !has_mode
}

/// Returns whether the console closes when this program exits, because no other program uses it
/// (GetConsoleProcessList): it was started from Explorer or the Start menu.
pub fn console_closes_at_exit() -> bool {
    let mut processes = [0; 2];
    // SAFETY: the function gets the length of the array
    unsafe { GetConsoleProcessList(processes.as_mut_ptr(), 2) == 1 }
}

/// Whether a pipe into this program may have lost characters: Windows PowerShell 5.1 writes to pipes in ASCII.
pub const PIPES_MAY_BE_ASCII: bool = true;

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

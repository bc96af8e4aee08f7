//! Runs msipcfg in a terminal and reads what it prints and what the screen shows.

use std::io::{Read, Write};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Pty, open};

use crate::sandbox::{PROGRAM, Sandbox};

pub const ENTER: &str = "\r";
pub const ESC: &str = "\x1b";
pub const TAB: &str = "\t";
pub const SPACE: &str = " ";
pub const DOWN: &str = "\x1b[B";
pub const UP: &str = "\x1b[A";
pub const CTRL_C: &str = "\x03";
pub const CTRL_U: &str = "\x15";

/// A terminal in which msipcfg runs.
pub struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    printed: Receiver<Vec<u8>>,
    /// Everything printed so far.
    raw: Vec<u8>,
    /// Length of the text up to the last expected part.
    seen: usize,
    screen: vt100::Parser,
}

impl Terminal {
    /// Starts msipcfg in a terminal of 80 columns and 24 rows.
    pub fn start(sandbox: &Sandbox, args: &[&str]) -> Terminal {
        Terminal::of_size(sandbox, args, 24, 80)
    }

    /// Starts msipcfg in a terminal of another size.
    pub fn of_size(sandbox: &Sandbox, args: &[&str], rows: u16, columns: u16) -> Terminal {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let mut command = sandbox.command(PROGRAM);
        command.args(args).env("TERM", "xterm-256color").env("WINEPREFIX", sandbox.path("prefix"));
        // a test may put its own `wine` here
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", sandbox.path("bin").display()));
        let child = pty_process::blocking::Command::from(command).spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let (send, printed) = channel();
        let reader = Arc::clone(&pty);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // fails once the other end is closed
            while let Ok(length @ 1..) = (&*reader).read(&mut bytes) {
                if send.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 1000);
        Terminal { child, pty, printed, raw: Vec::new(), seen: 0, screen }
    }

    /// Waits for a text after the one that was expected last.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> &mut Self {
        loop {
            if let Some(at) = self.text()[self.seen..].find(text) {
                self.seen += at + text.len();
                return self;
            }
            assert!(self.receive(), "did not print {text:?}: {}", self.transcript());
        }
    }

    /// Presses keys, one after the other.
    pub fn press(&mut self, keys: &[&str]) -> &mut Self {
        for key in keys {
            (&*self.pty).write_all(key.as_bytes()).unwrap();
        }
        self
    }

    /// Waits for msipcfg to exit. Fails the test on another status or a hidden cursor.
    #[track_caller]
    pub fn ends_with(&mut self, status: i32) -> &mut Self {
        while self.receive() {}
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.code(), Some(status), "{}", self.transcript());
        assert!(!self.screen.screen().hide_cursor(), "the cursor is hidden: {}", self.transcript());
        self
    }

    /// Returns everything printed, without escape sequences.
    pub fn text(&self) -> String {
        let plain = anstream::adapter::strip_bytes(&self.raw).into_vec();
        String::from_utf8_lossy(&plain).into_owned()
    }

    /// Returns everything printed.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Returns the lines on the screen.
    pub fn lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows(0, screen.size().1.get()).map(|line| line.trim_end().to_string()).collect()
    }

    /// Returns the lines on the screen with their colors.
    pub fn colored_lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows_formatted(0, screen.size().1.get()).map(closed).collect()
    }

    /// Receives the next output. Returns `false` at the end of the output.
    #[track_caller]
    fn receive(&mut self) -> bool {
        const TIMEOUT: Duration = Duration::from_secs(60);
        use std::sync::mpsc::RecvTimeoutError;
        match self.printed.recv_timeout(TIMEOUT) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => panic!("no output for a minute: {}", self.transcript()),
        }
    }

    fn transcript(&self) -> String {
        format!("{}\n--- screen\n{}", self.text(), self.lines().join("\n"))
    }
}

/// Ends the colors of a row with it.
fn closed(row: String) -> String {
    if row.is_empty() { row } else { row + "\u{1B}[0m" }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A terminal with msipcfg in it: what it prints is read as it comes, and kept as it stands on the screen.

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

/// One of them.
pub struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    printed: Receiver<Vec<u8>>,
    /// All that was printed.
    raw: Vec<u8>,
    /// How much of the text was expected already.
    seen: usize,
    screen: vt100::Parser,
}

impl Terminal {
    /// Starts msipcfg with these words in a common terminal.
    pub fn start(sandbox: &Sandbox, words: &[&str]) -> Terminal {
        Terminal::of_size(sandbox, words, 24, 80)
    }

    /// The same in a terminal of another size.
    pub fn of_size(sandbox: &Sandbox, words: &[&str], rows: u16, columns: u16) -> Terminal {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let mut command = sandbox.command(PROGRAM);
        command.args(words).env("TERM", "xterm-256color").env("WINEPREFIX", sandbox.path("prefix"));
        // where a test may put a wine of its own
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", sandbox.path("bin").display()));
        let child = pty_process::blocking::Command::from(command).spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let (send, printed) = channel();
        let reader = Arc::clone(&pty);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // it fails when nobody has the other end open any more
            while let Ok(length @ 1..) = (&*reader).read(&mut bytes) {
                if send.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 1000);
        Terminal { child, pty, printed, raw: Vec::new(), seen: 0, screen }
    }

    /// Waits until this stands behind what was expected before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> &mut Self {
        loop {
            if let Some(at) = self.text()[self.seen..].find(text) {
                self.seen += at + text.len();
                return self;
            }
            assert!(self.hear(), "it did not print {text:?}: {}", self.told());
        }
    }

    /// Presses keys, one after the other.
    pub fn press(&mut self, keys: &[&str]) -> &mut Self {
        for key in keys {
            (&*self.pty).write_all(key.as_bytes()).unwrap();
        }
        self
    }

    /// Waits for its end, and fails the test if it has another status or leaves the cursor hidden.
    #[track_caller]
    pub fn ends_with(&mut self, status: i32) -> &mut Self {
        while self.hear() {}
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.code(), Some(status), "{}", self.told());
        assert!(!self.screen.screen().hide_cursor(), "the cursor is hidden: {}", self.told());
        self
    }

    /// What it printed, without colours and the like.
    pub fn text(&self) -> String {
        let plain = anstream::adapter::strip_bytes(&self.raw).into_vec();
        String::from_utf8_lossy(&plain).into_owned()
    }

    /// What it printed, as it came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What stands on the screen, line for line.
    pub fn lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows(0, screen.size().1.get()).map(|line| line.trim_end().to_string()).collect()
    }

    /// The same with their colours.
    pub fn coloured_lines(&self) -> Vec<String> {
        let screen = self.screen.screen();
        screen.rows_formatted(0, screen.size().1.get()).map(closed).collect()
    }

    /// Takes what it prints next. Gives whether there was something before its end.
    #[track_caller]
    fn hear(&mut self) -> bool {
        const LONG: Duration = Duration::from_secs(60);
        use std::sync::mpsc::RecvTimeoutError as Why;
        match self.printed.recv_timeout(LONG) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
                true
            }
            Err(Why::Disconnected) => false,
            Err(Why::Timeout) => panic!("nothing comes any more: {}", self.told()),
        }
    }

    fn told(&self) -> String {
        format!("{}\n--- screen\n{}", self.text(), self.lines().join("\n"))
    }
}

/// A row whose colours end with it.
fn closed(row: String) -> String {
    if row.is_empty() { row } else { row + "\u{1B}[0m" }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

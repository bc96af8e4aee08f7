//! The log that tests read.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;

/// A log file, or none.
pub struct Log {
    file: Option<File>,
}

impl Log {
    /// Opens the file that the environment names.
    pub fn from_environment() -> Self {
        let path = std::env::var_os("STAND_IN_LOG");
        let open = |path| OpenOptions::new().append(true).create(true).open(path).unwrap();
        Log { file: path.map(open) }
    }

    /// Appends one line.
    pub fn say(&self, text: &str) {
        let Some(mut file) = self.file.as_ref() else { return };
        let mut line = format!("{} ", std::process::id());
        for c in text.chars() {
            if c.is_control() {
                write!(line, "{}", c.escape_unicode()).unwrap();
            } else {
                line.push(c);
            }
        }
        line.push('\n');
        // in one write, because several processes share a log
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Quotes a text as JSON.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

//! What programs need that run without a user who looks at them.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::system;

/// How long the computer has been running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootTime {
    /// What distinguishes this start of the computer from others, if that is known.
    pub boot: Option<String>,
    /// The time since then in milliseconds, which no change of the clock affects.
    pub ms: Option<i64>,
}

/// The command line of this program without its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// One text, as Windows passes it on.
    Text(String),
    /// Arguments that are already separate.
    Args(Vec<String>),
}

/// Adds a line to a file that only this user can read. A file that is larger than `limit` is renamed to `old` first.
///
/// # Errors
/// The file can't be written.
pub fn append_line(path: &Path, line: &str, limit: u64, old: &Path) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > limit) {
        std::fs::rename(path, old)?;
    }
    system::create_private_file(path)?;
    // in one write, so that lines of several programs don't mix
    OpenOptions::new().append(true).open(path)?.write_all(format!("{line}\n").as_bytes())
}

/// Gives a file another name, replacing what has it.
///
/// # Errors
/// Another program has it open, or this user may not rename it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

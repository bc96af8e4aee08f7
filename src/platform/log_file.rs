//! A file to which lines are added.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::system;

/// Adds a line to a file that only this user can read. A file that is larger than `limit` is renamed to `old` first.
///
/// # Errors
/// The file can't be written.
pub fn append_to_log(path: &Path, line: &str, limit: u64, old: &Path) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > limit) {
        std::fs::rename(path, old)?;
    }
    system::create_private_file(path)?;
    // in one write, so that lines of several programs don't mix
    OpenOptions::new().append(true).open(path)?.write_all(format!("{line}\n").as_bytes())
}

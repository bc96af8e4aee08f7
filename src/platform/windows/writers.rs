//! Who may change a file, by its access list.

use std::io;
use std::path::Path;

use super::files::open_file;
use super::security::{access_of, access_of_open};
use crate::platform::access::Writers;
use crate::platform::fs::read_all;

/// Returns who may change a file or a folder, links followed.
pub fn writers_of(path: &Path) -> Writers {
    access_of(path).map_or(Writers::Unknown, Writers::List)
}

/// Reads a regular file of at most `limit` bytes, and returns who may change it.
///
/// # Errors
/// It can't be read, is too large, or is a link or something else than a file.
pub fn read_with_writers(path: &Path, limit: u64) -> io::Result<(Vec<u8>, Writers)> {
    let file = open_file(path)?;
    let access = access_of_open(&file)?;
    Ok((read_all(file, limit)?, access.map_or(Writers::Unknown, Writers::List)))
}

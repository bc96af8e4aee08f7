//! Who may change a file, by its mode.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::open_file;
use crate::platform::access::Writers;
use crate::platform::fs::read_all;

/// Returns who may change a file or a folder, links followed.
pub fn writers_of(path: &Path) -> Writers {
    std::fs::metadata(path).map_or(Writers::Unknown, |metadata| writers(&metadata))
}

/// Reads a regular file of at most `limit` bytes, and returns who may change it.
///
/// # Errors
/// It can't be read, is too large, or is a link or something else than a file.
pub fn read_with_writers(path: &Path, limit: u64) -> io::Result<(Vec<u8>, Writers)> {
    let file = open_file(path)?;
    let writers = writers(&file.metadata()?);
    Ok((read_all(file, limit)?, writers))
}

fn writers(metadata: &Metadata) -> Writers {
    let user = metadata.uid();
    let is_trusted = [0, rustix::process::geteuid().as_raw()].contains(&user);
    Writers::Mode { user, is_trusted, group: metadata.gid(), mode: metadata.mode() & 0o7777 }
}

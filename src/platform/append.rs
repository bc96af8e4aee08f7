//! Adding lines to files that other programs read and write too.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::system;

/// Adds a line to the end of a file with one write. A new or empty file gets `header` first, and one without a line
/// end at its end gets that. If the line can't be written whole, the file stays as it was.
///
/// # Errors
/// The file isn't a regular one, can't be written, or another program uses it.
pub fn append_line(path: &Path, header: &[u8], line: &[u8], line_end: &[u8]) -> io::Result<()> {
    let mut file = system::open_to_append(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let before = match length {
        0 => header,
        _ if last_byte(&mut file)? == b'\n' => b"",
        _ => line_end,
    };
    let bytes = [before, line, line_end].concat();
    file.write_all(&bytes).inspect_err(|_| {
        // what can't be removed either stays; the next line starts a new one
        let _ = file.set_len(length);
    })
}

/// Returns the last byte of a file, and leaves the position at its end.
fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

//! The ini file as bytes and as Windows reads it. Nothing here knows MicroSIP, the disk or the system.
//!
//! [`encoding`] turns the bytes of a file into UTF-16LE, [`document`] finds the lines in them without
//! changing any, [`lookup`] answers as the Win32 profile functions do, [`name`] holds names and values that
//! are safe to write, and [`write`] is the one place that makes lines.

pub mod document;
pub mod encoding;
pub mod lookup;
pub mod name;
pub mod write;

/// UTF-16 code units, as Windows counts and cuts text. May hold lone surrogates.
pub type Wide = Vec<u16>;

/// The UTF-16 code units of a text.
pub fn wide(text: &str) -> Wide {
    text.encode_utf16().collect()
}

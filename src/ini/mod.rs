//! The ini file as bytes and as Windows reads it. Nothing here depends on MicroSIP, the file system or the
//! operating system.
//!
//! [`utf16`] views bytes as code units, [`document`] finds lines in them without changing any byte, [`encoding`]
//! converts files of other encodings, [`lookup`] answers as the Win32 profile functions do, [`name`] contains
//! names and values that are safe to write, and [`write`] is the only module that creates lines.

pub mod document;
pub mod encoding;
pub mod lookup;
pub mod name;
pub mod utf16;
pub mod write;

pub use utf16::{Wide, wide};

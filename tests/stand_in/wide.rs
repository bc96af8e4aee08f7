//! UTF-16 texts for Windows functions.

use std::os::windows::ffi::OsStrExt;
use std::path::Path;

/// Converts a text to UTF-16 with a NUL at its end.
pub fn with_nul(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Converts a path to UTF-16 with a NUL at its end.
pub fn path_with_nul(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// Returns the part before the first NUL.
pub fn to_nul(units: &[u16]) -> &[u16] {
    units.split(|&unit| unit == 0).next().unwrap_or_default()
}

/// Converts UTF-16 to text; lone surrogates become replacement characters.
pub fn text_of(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

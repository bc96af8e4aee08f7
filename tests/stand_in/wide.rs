//! Texts as Windows takes and gives them.

use std::os::windows::ffi::OsStrExt;
use std::path::Path;

/// With the NUL that ends it.
pub fn with_nul(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A path with the NUL that ends it.
pub fn path_with_nul(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// What stands before the first NUL.
pub fn to_nul(units: &[u16]) -> &[u16] {
    units.split(|&unit| unit == 0).next().unwrap_or_default()
}

/// As text; half of a pair becomes a replacement character.
pub fn text_of(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

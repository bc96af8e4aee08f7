//! What calls of Win32 functions need: errors, sizes and texts.

use std::ffi::{OsString, c_void};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use windows_sys::Win32::Foundation::{
    NTSTATUS, RtlNtStatusToDosError, STATUS_BUFFER_TOO_SMALL, STATUS_INFO_LENGTH_MISMATCH, UNICODE_STRING,
};
use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;
use windows_sys::core::PWSTR;

/// Returns the error of a function that has just failed, if it returned 0.
pub(super) fn check(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Returns the error of a function of the native API.
pub(super) fn checked_status(status: NTSTATUS) -> io::Result<()> {
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: it takes only a number
    Err(io::Error::from_raw_os_error(unsafe { RtlNtStatusToDosError(status) }.cast_signed()))
}

/// Calls a query of the native API with a buffer that grows until the answer fits. `query` gets the buffer, its size
/// in bytes, and where to write the size that is needed. The buffer is aligned for any structure.
pub(super) fn query_growing(query: impl Fn(*mut c_void, u32, *mut u32) -> NTSTATUS) -> io::Result<Vec<u64>> {
    const FIRST_SIZE: usize = 8 * 1024;
    const LARGEST_SIZE: usize = 256 * 1024 * 1024;
    let mut buffer = vec![0_u64; FIRST_SIZE / 8];
    loop {
        let mut needed = 0;
        let size = u32::try_from(buffer.len() * 8).map_err(io::Error::other)?;
        let status = query(buffer.as_mut_ptr().cast(), size, &mut needed);
        if !matches!(status, STATUS_INFO_LENGTH_MISMATCH | STATUS_BUFFER_TOO_SMALL)
            || buffer.len() * 8 > LARGEST_SIZE
        {
            return checked_status(status).map(|()| buffer);
        }
        // what is described may grow before the next call
        buffer.resize(buffer.len().max(needed as usize / 8) * 2, 0);
    }
}

/// Copies a text of the native API. An empty one may have no buffer.
///
/// # Safety
/// The buffer has the length that the structure names, or is null.
pub(super) unsafe fn text_of_string(string: &UNICODE_STRING) -> String {
    if string.Buffer.is_null() {
        return String::new();
    }
    let units = (0..usize::from(string.Length) / 2).map(|index| {
        // SAFETY: the caller's promise; under Wine, the text may not be aligned
        unsafe { string.Buffer.add(index).read_unaligned() }
    });
    String::from_utf16_lossy(&units.collect::<Vec<u16>>())
}

/// Returns the size of a structure, as Win32 needs it.
#[expect(clippy::cast_possible_truncation, reason = "Win32 structures are small")]
pub(super) const fn size_in_bytes<T>() -> u32 {
    size_of::<T>() as u32
}

/// Copies a text that a function returned.
///
/// # Safety
/// It ends with NUL.
pub(super) unsafe fn text_at(text: PWSTR) -> OsString {
    // SAFETY: it can be read up to the NUL
    let length = (0..).take_while(|&index| unsafe { *text.add(index) } != 0).count();
    // SAFETY: this much was just read
    OsString::from_wide(unsafe { std::slice::from_raw_parts(text, length) })
}

/// Converts a path for Win32. A long one gets the prefix that lifts Windows' limit, as in std.
pub(super) fn wide(path: &Path) -> Vec<u16> {
    /// `MAX_PATH` minus a short file name, which is the limit for folders.
    const MAX_LEN_WITHOUT_PREFIX: usize = 247;
    let plain: Vec<u16> = path.as_os_str().encode_wide().collect();
    if plain.len() <= MAX_LEN_WITHOUT_PREFIX {
        return plain.into_iter().chain([0]).collect();
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let text = absolute.as_os_str().to_os_string();
    let prefixed = match text.to_str() {
        Some(text) if text.starts_with(r"\\?\") => OsString::from(text),
        Some(text) => match text.strip_prefix(r"\\") {
            Some(share) => OsString::from(format!(r"\\?\UNC\{share}")),
            None => OsString::from(format!(r"\\?\{text}")),
        },
        None => text,
    };
    prefixed.encode_wide().chain([0]).collect()
}

/// Replaces the environment variables in a text, such as `%SystemDrive%`.
pub(super) fn expand_variables(text: &str) -> Option<String> {
    // the limit of Windows
    const MAX_LEN: u32 = 32 * 1024;
    let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
    let mut expanded = vec![0_u16; MAX_LEN as usize];
    // SAFETY: `text` ends with NUL, and `expanded` has the given length
    let length = unsafe { ExpandEnvironmentStringsW(text.as_ptr(), expanded.as_mut_ptr(), MAX_LEN) };
    // the length includes the NUL
    let length = (1..=MAX_LEN).contains(&length).then_some(length as usize - 1)?;
    String::from_utf16(&expanded[..length]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(path: &str) -> String {
        let wide = wide(Path::new(path));
        assert_eq!(wide.last(), Some(&0));
        String::from_utf16(&wide[..wide.len() - 1]).unwrap()
    }

    #[test]
    fn long_paths_get_a_prefix() {
        let long = "x".repeat(300);
        assert_eq!(converted(r"C:\a\b"), r"C:\a\b");
        assert_eq!(converted(&format!(r"C:\a/{long}")), format!(r"\\?\C:\a\{long}"));
        assert_eq!(converted(&format!(r"\\server\share\{long}")), format!(r"\\?\UNC\server\share\{long}"));
        assert_eq!(converted(&format!(r"\\?\C:\{long}")), format!(r"\\?\C:\{long}"));
    }
}

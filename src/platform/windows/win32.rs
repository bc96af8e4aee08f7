//! What calls of Win32 functions need: errors, sizes and texts.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;
use windows_sys::core::PWSTR;

/// Returns the error of a function that has just failed, if it returned 0.
pub(super) fn check(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
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

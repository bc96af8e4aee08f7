//! Texts as Win32 functions want and give them.

use std::ffi::OsString;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;
use windows_sys::core::PWSTR;

/// A text that a function gave.
///
/// # Safety
/// A NUL ends it.
pub(super) unsafe fn text_at(text: PWSTR) -> OsString {
    // SAFETY: up to the NUL all of it may be read
    let length = (0..).take_while(|&index| unsafe { *text.add(index) } != 0).count();
    // SAFETY: as much was read just now
    OsString::from_wide(unsafe { std::slice::from_raw_parts(text, length) })
}

/// A path as Win32 wants it. A long one gets the mark by which Windows takes it whole, as std's own functions do.
pub(super) fn wide(path: &Path) -> Vec<u16> {
    /// MAX_PATH less the room that folders leave for a short name.
    const LONGEST_WITHOUT_A_MARK: usize = 247;
    let plain: Vec<u16> = path.as_os_str().encode_wide().collect();
    if plain.len() <= LONGEST_WITHOUT_A_MARK {
        return plain.into_iter().chain([0]).collect();
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let text = whole.as_os_str().to_os_string();
    let marked = match text.to_str() {
        Some(text) if text.starts_with(r"\\?\") => OsString::from(text),
        Some(text) => match text.strip_prefix(r"\\") {
            Some(share) => OsString::from(format!(r"\\?\UNC\{share}")),
            None => OsString::from(format!(r"\\?\{text}")),
        },
        None => text,
    };
    marked.encode_wide().chain([0]).collect()
}

/// A path with the variables of the machine in it, such as %SystemDrive%.
pub(super) fn expanded(path: &str) -> PathBuf {
    const LONGEST: u32 = 32 * 1024;
    let mut room = vec![0_u16; LONGEST as usize];
    // SAFETY: the text ends with NUL, and the room is as large as is said
    let length =
        unsafe { ExpandEnvironmentStringsW(wide(Path::new(path)).as_ptr(), room.as_mut_ptr(), LONGEST) };
    match usize::try_from(length) {
        Ok(length) if (1..=room.len()).contains(&length) => {
            String::from_utf16_lossy(&room[..length - 1]).into()
        }
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> String {
        let wide = wide(Path::new(path));
        assert_eq!(wide.last(), Some(&0));
        String::from_utf16(&wide[..wide.len() - 1]).unwrap()
    }

    #[test]
    fn long_paths_are_marked() {
        let long = "x".repeat(300);
        assert_eq!(told(r"C:\a\b"), r"C:\a\b");
        assert_eq!(told(&format!(r"C:\a/{long}")), format!(r"\\?\C:\a\{long}"));
        assert_eq!(told(&format!(r"\\server\share\{long}")), format!(r"\\?\UNC\server\share\{long}"));
        assert_eq!(told(&format!(r"\\?\C:\{long}")), format!(r"\\?\C:\{long}"));
    }
}

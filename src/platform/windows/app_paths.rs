//! Programs that are registered by name.

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Type};
use windows_sys::Win32::System::Environment::ExpandEnvironmentStringsW;

use crate::platform::AppPaths;

/// Reads the default values of a key of `App Paths`, with variables replaced if their type demands it. 32-bit and
/// 64-bit programs share this key.
pub fn app_paths(key: &str) -> AppPaths {
    AppPaths { user: path_in(CURRENT_USER, key), machine: path_in(LOCAL_MACHINE, key) }
}

fn path_in(root: &Key, key: &str) -> Option<String> {
    let value = root.open(key).ok()?.get_value("").ok()?;
    let is_expanded = value.ty() == Type::ExpandString;
    let text = String::try_from(value).ok()?;
    if is_expanded { expanded(&text) } else { Some(text) }
}

fn expanded(text: &str) -> Option<String> {
    // what Windows allows
    const LONGEST: u32 = 32 * 1024;
    let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
    let mut whole = vec![0_u16; LONGEST as usize];
    // SAFETY: `text` ends with NUL, and `whole` is as long as is said
    let length = unsafe { ExpandEnvironmentStringsW(text.as_ptr(), whole.as_mut_ptr(), LONGEST) };
    // the NUL is counted
    let length = (1..=LONGEST).contains(&length).then_some(length as usize - 1)?;
    String::from_utf16(&whole[..length]).ok()
}

//! Programs that are registered by name.

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Type};

use super::text::expand_variables;
use crate::platform::installs::AppPaths;

/// Reads the default values of a key of `App Paths`, with variables replaced if their type demands it. 32-bit and
/// 64-bit programs share this key.
pub fn app_paths(key: &str) -> AppPaths {
    AppPaths { user: path_in(CURRENT_USER, key), machine: path_in(LOCAL_MACHINE, key) }
}

fn path_in(root: &Key, key: &str) -> Option<String> {
    let value = root.open(key).ok()?.get_value("").ok()?;
    let has_variables = value.ty() == Type::ExpandString;
    let text = String::try_from(value).ok()?;
    if has_variables { expand_variables(&text) } else { Some(text) }
}

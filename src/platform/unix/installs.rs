//! Installs in Wine prefixes.

use std::path::Path;

use super::paths::prefix_in_use;
use crate::platform::env::Env;
use crate::platform::installs::{AppPaths, InstallFacts};
use crate::platform::wine::WinePrefix;

/// What is known of an install for this ini: in the prefix that it lies in, else in the one in use.
pub fn install_facts(env: &Env, key: &str, ini: Option<&Path>) -> InstallFacts {
    ini.and_then(WinePrefix::around)
        .or_else(|| prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref()))
        .map(|prefix| prefix.install_facts(key))
        .unwrap_or_default()
}

/// A registry is found by its prefix here.
pub(in crate::platform) fn app_paths(_key: &str) -> AppPaths {
    AppPaths::default()
}

/// The command lines by which a user's Windows starts MicroSIP: none that could be told here.
pub fn start_commands(_schemes: &[&str]) -> Vec<String> {
    Vec::new()
}

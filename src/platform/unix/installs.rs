//! Installs in Wine prefixes.

use std::path::Path;

use super::paths::active_prefix;
use crate::platform::env::Env;
use crate::platform::installs::{AppPaths, InstallFacts};
use crate::platform::wine::WinePrefix;

/// Returns what is known about the installation for an ini, in the Wine prefix that contains it or else in the active
/// one.
pub fn install_facts(env: &Env, key: &str, ini: Option<&Path>) -> InstallFacts {
    ini.and_then(WinePrefix::around)
        .or_else(|| active_prefix(env.wine_prefix.as_deref(), env.home.as_deref()))
        .map(|prefix| prefix.install_facts(key))
        .unwrap_or_default()
}

/// Returns nothing: a registry is read through its Wine prefix.
pub(in crate::platform) fn app_paths(_key: &str) -> AppPaths {
    AppPaths::default()
}

/// Returns nothing: Wine doesn't start MicroSIP by itself.
pub fn start_commands(_schemes: &[&str]) -> Vec<String> {
    Vec::new()
}

//! What is known from the registry: on Unix only that of Wine prefixes can be read.

use std::path::Path;

use super::paths::active_prefix;
use crate::platform::env::Env;
use crate::platform::installs::InstallFacts;
use crate::platform::profiles::ProfileList;
use crate::platform::registry::ClassRegistry;
use crate::platform::wine::WinePrefix;

/// Returns what is known about the installation for an ini, in the Wine prefix that contains it or else in the active
/// one.
pub fn install_facts(env: &Env, key: &str, ini: Option<&Path>) -> InstallFacts {
    ini.and_then(WinePrefix::around)
        .or_else(|| active_prefix(env))
        .map(|prefix| prefix.install_facts(key))
        .unwrap_or_default()
}

/// Returns nothing: a registry is read through its Wine prefix.
pub(in crate::platform) fn app_paths(_key: &str) -> Vec<String> {
    Vec::new()
}

/// Returns nothing: Wine doesn't start MicroSIP by itself.
pub fn start_commands(_schemes: &[&str]) -> Vec<String> {
    Vec::new()
}

/// Returns `None`: only Windows has a list of user profiles.
pub fn profile_list() -> Option<ProfileList> {
    None
}

/// Returns `None`: only Windows registers programs for links in a registry.
pub fn class_registry() -> Option<Box<dyn ClassRegistry>> {
    None
}

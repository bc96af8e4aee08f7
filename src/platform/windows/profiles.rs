//! User profiles.

use std::path::PathBuf;

use windows_registry::LOCAL_MACHINE;

use super::installs::{PROFILES, app_data_of};
use super::text::expand_variables;
use crate::platform::access::Sid;
use crate::platform::profiles::{ListedProfile, ProfileList};

/// Returns the user profiles in the registry.
pub fn profile_list() -> Option<ProfileList> {
    let list = LOCAL_MACHINE.open(PROFILES).ok()?;
    let expand = |folder: String| PathBuf::from(expand_variables(&folder).unwrap_or(folder));
    let listed = |sid: String| {
        let folder = list.open(&sid).ok()?.get_string("ProfileImagePath").ok()?;
        let app_data = app_data_of(&sid);
        Some(ListedProfile { sid: Sid(sid), folder: expand(folder), app_data })
    };
    Some(ProfileList {
        profiles: list.keys().ok()?.filter_map(listed).collect(),
        default: list.get_string("Default").ok().map(expand),
    })
}

//! User profiles.

use crate::platform::profiles::ProfileList;

/// Returns `None`: only Windows has a list of user profiles.
pub fn profile_list() -> Option<ProfileList> {
    None
}

//! The folders of Windows users, which Unix does not list.

use crate::platform::profiles::ProfileList;

/// The profiles of this machine's users: only Windows has such.
pub fn profile_list() -> Option<ProfileList> {
    None
}

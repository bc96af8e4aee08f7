//! What the registry knows about installations, user profiles and the names of programs.

use std::path::{Path, PathBuf};

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, Type, USERS};
use windows_sys::Win32::System::Registry::{KEY_WOW64_32KEY, KEY_WOW64_64KEY};

use super::win32::expand_variables;
use crate::platform::access::Sid;
use crate::platform::env::Env;
use crate::platform::installs::{InstallFacts, MsiProduct};
use crate::platform::profiles::{ListedProfile, ProfileList};

/// Windows Installer's list of products, by user; `S-1-5-18` means all users.
const MSI_USERS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData";
const MSI_MACHINE: &str = "S-1-5-18";

/// Returns what is known about an installation for this user.
pub fn install_facts(_env: &Env, key: &str, _ini: Option<&Path>) -> InstallFacts {
    install_facts_of(key, None)
}

/// Returns what is known about an installation for a user; this one without a SID.
pub(super) fn install_facts_of(key: &str, sid: Option<&str>) -> InstallFacts {
    let own = own_sid();
    let other = sid.filter(|sid| Some(*sid) != own.as_deref());
    let user = match other {
        Some(sid) => default_of(&USERS.open(format!(r"{sid}\{key}"))),
        None => default_of(&CURRENT_USER.open(key)),
    };
    let mut machine = Vec::new();
    for view in [KEY_WOW64_64KEY, KEY_WOW64_32KEY] {
        let named = default_of(&LOCAL_MACHINE.options().read().access(view).open(key));
        machine.extend(named.filter(|folder| !machine.contains(folder)));
    }
    let owners = [Some(MSI_MACHINE), sid.or(own.as_deref())];
    InstallFacts { user, machine, msi: owners.into_iter().flatten().flat_map(msi_products).collect() }
}

fn own_sid() -> Option<String> {
    super::security::privileges().user.map(|sid| sid.0)
}

fn default_of(key: &windows_registry::Result<Key>) -> Option<String> {
    key.as_ref().ok()?.get_string("").ok().filter(|value| !value.is_empty())
}

fn msi_products(owner: &str) -> Vec<MsiProduct> {
    let products = format!(r"{MSI_USERS}\{owner}\Products");
    let Ok(products) = LOCAL_MACHINE.options().read().access(KEY_WOW64_64KEY).open(products) else {
        return Vec::new();
    };
    let names: Vec<String> = products.keys().map(Iterator::collect).unwrap_or_default();
    let product = |name: &String| {
        let properties = products.open(format!(r"{name}\InstallProperties")).ok()?;
        let location = properties.get_string("InstallLocation").unwrap_or_default();
        Some(MsiProduct { name: properties.get_string("DisplayName").ok()?, location })
    };
    names.iter().filter_map(product).collect()
}

/// Where Windows lists its user profiles.
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

/// Returns the user profiles in the registry.
pub fn profile_list() -> Option<ProfileList> {
    let list = LOCAL_MACHINE.open(PROFILES).ok()?;
    let expand = |folder: String| PathBuf::from(expand_variables(&folder).unwrap_or(folder));
    let listed = |sid: String| {
        let folder = list.open(&sid).ok()?.get_string("ProfileImagePath").ok()?;
        let app_data = app_data_of(&sid);
        let is_loaded = USERS.open(&sid).is_ok();
        let principal = principal_of(&sid);
        Some(ListedProfile { sid: Sid(sid), folder: expand(folder), principal, app_data, is_loaded })
    };
    Some(ProfileList {
        profiles: list.keys().ok()?.filter_map(listed).collect(),
        default: list.get_string("Default").ok().map(expand),
    })
}

/// Returns the user principal name of a user of Entra ID. Windows keeps it where administrators look it up; Microsoft
/// doesn't document the place.
fn principal_of(sid: &str) -> Option<String> {
    const CACHE: &str = r"SOFTWARE\Microsoft\IdentityStore\Cache";
    let key = LOCAL_MACHINE.open(format!(r"{CACHE}\{sid}\IdentityCache\{sid}")).ok()?;
    key.get_string("UserName").ok().filter(|name| name.contains('@'))
}

/// Returns `%APPDATA%` of a user, logged on or not, if this user may know it.
pub(super) fn app_data_of(sid: &str) -> Option<PathBuf> {
    const FOLDERS: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders";
    let profile =
        LOCAL_MACHINE.open(format!(r"{PROFILES}\{sid}")).ok()?.get_string("ProfileImagePath").ok()?;
    let profile = expand_variables(&profile).unwrap_or(profile);
    let folder = USERS.open(format!(r"{sid}\{FOLDERS}")).ok().and_then(|key| key.get_string("AppData").ok());
    let folder = folder.unwrap_or_else(|| r"%USERPROFILE%\AppData\Roaming".into());
    let folder = match folder.get(..USER_PROFILE.len()) {
        Some(start) if start.eq_ignore_ascii_case(USER_PROFILE) => {
            format!("{profile}{}", &folder[USER_PROFILE.len()..])
        }
        _ => folder,
    };
    // other variables of another user aren't known
    (!folder.contains('%')).then(|| PathBuf::from(folder))
}

const USER_PROFILE: &str = "%USERPROFILE%";

/// Returns the command lines with which Windows starts MicroSIP for this user, at logon and for links of these
/// schemes.
pub fn start_commands(schemes: &[&str]) -> Vec<String> {
    const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
    let run = CURRENT_USER.open(RUN).ok().and_then(|key| key.get_string("MicroSIP").ok());
    let handlers = schemes.iter().filter_map(|scheme| {
        default_of(&CURRENT_USER.open(format!(r"Software\Classes\{scheme}\shell\open\command")))
    });
    run.into_iter().chain(handlers).collect()
}

/// Reads the default values of a key of `App Paths`, with variables replaced if their type demands it. 32-bit and
/// 64-bit programs share this key.
pub(in crate::platform) fn app_paths(key: &str) -> Vec<String> {
    let path = |root: &Key| {
        let value = root.open(key).ok()?.get_value("").ok()?;
        let has_variables = value.ty() == Type::ExpandString;
        let text = String::try_from(value).ok()?;
        if has_variables { expand_variables(&text) } else { Some(text) }
    };
    [CURRENT_USER, LOCAL_MACHINE].into_iter().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A product that is removed after the test.
    struct Product(String);

    impl Drop for Product {
        fn drop(&mut self) {
            let _ = LOCAL_MACHINE.remove_tree(&self.0);
        }
    }

    #[test]
    fn windows_installer_products_are_listed_with_their_folders() {
        let name = format!("msipcfg test {}", std::process::id());
        let product = Product(format!(r"{MSI_USERS}\{MSI_MACHINE}\Products\{:032X}", std::process::id()));
        // only an administrator may create one
        let Ok(properties) = LOCAL_MACHINE.create(format!(r"{}\InstallProperties", product.0)) else {
            return;
        };
        properties.set_string("DisplayName", &name).unwrap();
        properties.set_string("InstallLocation", r"C:\Somewhere\").unwrap();
        let found = install_facts_of(r"Software\msipcfg-no-such-key", None);
        let wanted = MsiProduct { name, location: r"C:\Somewhere\".into() };
        assert!(found.msi.contains(&wanted), "{found:?}");
        assert_eq!((found.user, found.machine), (None, Vec::new()));
    }

    #[test]
    fn principal_of_an_unknown_user_is_not_known() {
        assert_eq!(principal_of("S-1-12-1-0-0-0-0"), None);
    }

    #[test]
    fn app_data_of_this_user_is_absolute() {
        let sid = own_sid().unwrap();
        if let Some(folder) = app_data_of(&sid) {
            assert!(folder.is_absolute(), "{}", folder.display());
        }
        assert_eq!(app_data_of("S-1-5-21-0-0-0-0"), None);
    }
}

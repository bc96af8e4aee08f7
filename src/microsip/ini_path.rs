//! Determines which ini a MicroSIP uses from the folder of its exe and the registered installations (settings.cpp
//! Init, 3.14.0 to 3.22.16). Pure: paths are Windows paths as text.

use crate::platform::InstallFacts;

use super::version::Version;

/// The key whose default value is the folder that MicroSIP is installed in.
pub const REGISTRY_KEY: &str = r"Software\MicroSIP";

/// The name of MicroSIP as a product of Windows Installer.
const PRODUCT: &str = "MicroSIP";

/// The place where an exe keeps its ini.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IniPlace {
    /// In `%APPDATA%\MicroSIP`.
    AppData,
    /// Next to the exe.
    NextToExe,
}

/// Returns the folders that the registry names: the user's, or else the computer's, one for each registry view.
fn named_folders(facts: &InstallFacts) -> impl Iterator<Item = &str> {
    let user = facts.user.as_deref().filter(|folder| !folder.is_empty());
    let machine = facts.machine.iter().map(String::as_str).filter(move |_| user.is_none());
    user.into_iter().chain(machine).filter(|folder| !folder.is_empty())
}

/// Returns the folders in which MicroSIP is installed, according to the registry and Windows Installer.
pub fn install_folders(facts: &InstallFacts) -> Vec<&str> {
    let by_msi = products(facts, None).filter(|location| !location.is_empty());
    let mut folders: Vec<&str> = Vec::new();
    for folder in named_folders(facts).chain(by_msi) {
        if !folders.iter().any(|other| is_same_folder(other, folder)) {
            folders.push(folder);
        }
    }
    folders
}

/// Returns the folders of the MicroSIPs that Windows Installer knows. Versions up to 3.20.5 compare the name
/// case-sensitively.
fn products(facts: &InstallFacts, version: Option<Version>) -> impl Iterator<Item = &str> {
    let is_case_sensitive = version.is_some_and(|version| version <= Version(3, 20, 5));
    let is_microsip = move |name: &str| {
        if is_case_sensitive { name == PRODUCT } else { name.eq_ignore_ascii_case(PRODUCT) }
    };
    facts
        .msi
        .iter()
        .filter(move |product| is_microsip(&product.name))
        .map(|product| product.location.as_str())
}

/// Returns where an exe keeps its ini. In a folder that the registry or Windows Installer names it is an installed
/// copy, elsewhere a portable one. If Windows Installer lists MicroSIP without a folder, every copy is installed.
pub fn ini_place(exe_folder: &str, facts: &InstallFacts, version: Option<Version>) -> IniPlace {
    let is_here = |folder: &str| is_same_folder(folder, exe_folder);
    let asks_msi = match version {
        Some(version) if version >= Version(3, 22, 16) || version < Version(3, 19, 0) => false,
        // these ask Windows Installer only if the registry names no folder
        Some(version) if version < Version(3, 21, 4) => named_folders(facts).next().is_none(),
        _ => true,
    };
    let is_installed = named_folders(facts).any(is_here)
        || asks_msi && products(facts, version).any(|location| location.is_empty() || is_here(location));
    if is_installed { IniPlace::AppData } else { IniPlace::NextToExe }
}

/// Returns the stem of an exe's ini: the stem of the exe since 3.19, MicroSIP before.
pub fn ini_stem(exe_stem: &str, version: Option<Version>) -> &str {
    if version.is_some_and(|version| version < Version(3, 19, 0)) { PRODUCT } else { exe_stem }
}

/// Splits the path of an exe into folder and stem: `C:\MicroSIP\microsip.exe` gives `C:\MicroSIP` and `microsip`.
pub fn parts(exe: &str) -> Option<(&str, &str)> {
    let (folder, name) = exe.rsplit_once(['\\', '/'])?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    (!stem.is_empty()).then_some((folder, stem))
}

/// Returns the inis that a command line names with `/i:FILE`. The published sources don't handle this switch, but
/// public pages describe it.
pub fn named_on_command_line<'a>(args: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    args.into_iter()
        .filter_map(|arg| arg.strip_prefix("/i:").or_else(|| arg.strip_prefix("/I:")))
        .map(|file| file.trim_matches('"'))
        .filter(|file| !file.is_empty())
        .collect()
}

/// Compares two Windows paths as text, ignoring letter case and the kind of slashes.
pub fn is_same_folder(a: &str, b: &str) -> bool {
    let plain = |path: &str| path.replace('/', "\\").trim_end_matches('\\').to_lowercase();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::MsiProduct;

    fn facts(user: Option<&str>, machine: &[&str], msi: &[(&str, &str)]) -> InstallFacts {
        let product = |(name, location): &(&str, &str)| MsiProduct {
            name: (*name).to_string(),
            location: (*location).to_string(),
        };
        InstallFacts {
            user: user.map(str::to_string),
            machine: machine.iter().map(|folder| (*folder).to_string()).collect(),
            msi: msi.iter().map(product).collect(),
        }
    }

    #[test]
    fn an_exe_in_the_registered_folder_is_installed_any_other_is_portable() {
        let installed = facts(Some(r"C:\Program Files\MicroSIP"), &[], &[]);
        assert_eq!(ini_place(r"c:\program files\microsip\", &installed, None), IniPlace::AppData);
        assert_eq!(ini_place(r"D:\Phone", &installed, None), IniPlace::NextToExe);
        assert_eq!(ini_place(r"D:\Phone", &facts(None, &[], &[]), None), IniPlace::NextToExe);
    }

    #[test]
    fn the_users_folder_overrides_the_computers_unless_it_is_empty() {
        assert_eq!(ini_place(r"C:\B", &facts(Some(r"C:\A"), &[r"C:\B"], &[]), None), IniPlace::NextToExe);
        assert_eq!(ini_place(r"C:\B", &facts(Some(""), &[r"C:\B"], &[]), None), IniPlace::AppData);
        assert_eq!(ini_place(r"C:\B", &facts(None, &[r"C:\A", r"C:\B"], &[]), None), IniPlace::AppData);
    }

    #[test]
    fn windows_installer_is_asked_if_the_registry_names_another_folder() {
        let both = facts(Some(r"C:\A"), &[], &[("Other", r"C:\X"), ("MICROSIP", r"C:\B\")]);
        assert_eq!(ini_place(r"C:\B", &both, None), IniPlace::AppData);
        assert_eq!(ini_place(r"C:\X", &both, None), IniPlace::NextToExe);
        assert_eq!(
            ini_place(r"C:\B", &both, Some(Version(3, 21, 3))),
            IniPlace::NextToExe,
            "the registry names a folder"
        );
        assert_eq!(
            ini_place(r"C:\B", &both, Some(Version(3, 22, 16))),
            IniPlace::NextToExe,
            "no longer asked"
        );
        let msi_alone = facts(None, &[], &[("MicroSIP", r"C:\B"), ("microsip", r"C:\C")]);
        assert_eq!(ini_place(r"C:\B", &msi_alone, Some(Version(3, 19, 27))), IniPlace::AppData);
        assert_eq!(
            ini_place(r"C:\C", &msi_alone, Some(Version(3, 19, 27))),
            IniPlace::NextToExe,
            "letter case"
        );
        assert_eq!(install_folders(&both), [r"C:\A", r"C:\B\"]);
    }

    #[test]
    fn a_product_without_a_folder_makes_every_copy_installed() {
        let nowhere = facts(Some(r"C:\A"), &[], &[("MicroSIP", "")]);
        assert_eq!(ini_place(r"D:\Phone", &nowhere, None), IniPlace::AppData);
    }

    #[test]
    fn before_3_19_every_ini_has_the_same_name() {
        assert_eq!(ini_stem("phone", Some(Version(3, 14, 0))), "MicroSIP");
        assert_eq!(ini_stem("phone", Some(Version(3, 19, 27))), "phone");
        assert_eq!(ini_stem("phone", None), "phone");
    }

    #[test]
    fn a_path_is_split_into_folder_and_stem() {
        assert_eq!(parts(r"C:\a b\microsip.exe"), Some((r"C:\a b", "microsip")));
        assert_eq!(parts(r"C:\x\phone.v2.exe"), Some((r"C:\x", "phone.v2")));
        assert_eq!(parts("microsip.exe"), None);
    }

    #[test]
    fn an_ini_is_found_on_the_command_line() {
        let args = ["microsip.exe", "/minimized", r#"/i:"C:\x y\a.ini""#, "/i:"];
        assert_eq!(named_on_command_line(args), [r"C:\x y\a.ini"]);
    }
}

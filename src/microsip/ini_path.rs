//! Which ini a MicroSIP uses, from where its exe lies and what the registry says (settings.cpp Init, 3.19.27
//! to 3.22.16). Pure: paths are Windows paths as text.

use crate::platform::RegistryDefaults;

/// The key whose default value names the folder that MicroSIP is installed in.
pub const REGISTRY_KEY: &str = r"Software\MicroSIP";

/// The folder MicroSIP is installed in: what the user's part of the registry says, else the machine's.
pub fn install_folder(defaults: &RegistryDefaults) -> Option<&str> {
    [&defaults.user, &defaults.machine]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .find(|folder| !folder.is_empty())
}

/// Where an exe keeps its ini.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// In `%APPDATA%\MicroSIP`.
    InAppData,
    /// Beside the exe.
    BesideExe,
}

/// The rule: an exe in the folder that the registry names is installed, any other is portable.
pub fn keeps(exe_folder: &str, defaults: &RegistryDefaults) -> Keeps {
    match install_folder(defaults) {
        Some(folder) if same_folder(folder, exe_folder) => Keeps::InAppData,
        _ => Keeps::BesideExe,
    }
}

/// Folder and stem of an exe's path: `C:\MicroSIP\microsip.exe` gives `C:\MicroSIP` and `microsip`.
pub fn parts(exe: &str) -> Option<(&str, &str)> {
    let (folder, name) = exe.rsplit_once(['\\', '/'])?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    (!stem.is_empty()).then_some((folder, stem))
}

/// The inis that a command line adds by `/i:FILE`. No source read handles the switch, public pages name it.
pub fn named_on_command_line<'a>(args: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    args.into_iter()
        .filter_map(|arg| arg.strip_prefix("/i:").or_else(|| arg.strip_prefix("/I:")))
        .map(|file| file.trim_matches('"'))
        .filter(|file| !file.is_empty())
        .collect()
}

fn same_folder(a: &str, b: &str) -> bool {
    let plain = |path: &str| path.replace('/', "\\").trim_end_matches('\\').to_lowercase();
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(user: Option<&str>, machine: Option<&str>) -> RegistryDefaults {
        RegistryDefaults { user: user.map(str::to_string), machine: machine.map(str::to_string) }
    }

    #[test]
    fn an_exe_in_the_named_folder_is_installed_any_other_is_portable() {
        let installed = facts(Some(r"C:\Program Files\MicroSIP"), None);
        assert_eq!(keeps(r"c:\program files\microsip\", &installed), Keeps::InAppData);
        assert_eq!(keeps(r"D:\Phone", &installed), Keeps::BesideExe);
        assert_eq!(keeps(r"D:\Phone", &facts(None, None)), Keeps::BesideExe);
    }

    #[test]
    fn the_users_word_outweighs_the_machines_unless_it_is_empty() {
        assert_eq!(keeps(r"C:\B", &facts(Some(r"C:\A"), Some(r"C:\B"))), Keeps::BesideExe);
        assert_eq!(keeps(r"C:\B", &facts(Some(""), Some(r"C:\B"))), Keeps::InAppData);
    }

    #[test]
    fn an_exe_gives_its_ini_the_name() {
        assert_eq!(parts(r"C:\a b\microsip.exe"), Some((r"C:\a b", "microsip")));
        assert_eq!(parts(r"C:\x\phone.v2.exe"), Some((r"C:\x", "phone.v2")));
        assert_eq!(parts("microsip.exe"), None);
    }

    #[test]
    fn a_named_ini_is_found_on_the_command_line() {
        let args = ["microsip.exe", "/minimized", r#"/i:"C:\x y\a.ini""#, "/i:"];
        assert_eq!(named_on_command_line(args), [r"C:\x y\a.ini"]);
    }
}

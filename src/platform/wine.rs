//! Wine prefixes.

use std::path::{Path, PathBuf};

use super::installs::InstallFacts;
use super::profiles::AppData;

/// A Wine prefix: the folder that contains `drive_c`, which is the disk of programs under Wine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WinePrefix {
    pub(super) root: PathBuf,
}

impl WinePrefix {
    /// Returns the prefix with this root folder, if the folder is one.
    pub fn at(root: &Path) -> Option<WinePrefix> {
        root.join("drive_c").is_dir().then(|| WinePrefix { root: root.to_path_buf() })
    }

    /// Returns the prefix that contains a file, if there is one.
    pub fn around(path: &Path) -> Option<WinePrefix> {
        let drive =
            path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "drive_c"))?;
        WinePrefix::at(drive.parent()?)
    }

    /// Returns whether the prefix contains a path of this machine.
    pub fn contains(&self, path: &Path) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        real(path).starts_with(real(&self.root))
    }

    /// Converts a path of this machine to the path that programs in the prefix use.
    pub fn to_windows(&self, path: &Path) -> Option<String> {
        let root = std::fs::canonicalize(self.root.join("drive_c")).ok()?;
        let real = canonicalize_existing_part(path);
        let (drive, rest) = match real.strip_prefix(&root) {
            Ok(rest) => ("C:", rest),
            Err(_) => ("Z:", real.strip_prefix("/").ok()?),
        };
        let parts: Option<Vec<&str>> = rest.iter().map(|part| part.to_str()).collect();
        Some(format!("{drive}\\{}", parts?.join("\\")))
    }

    /// Converts a full Windows path to a path of this machine, whether or not it exists. The case of names is ignored,
    /// as by Wine.
    pub fn to_host(&self, windows_path: &str) -> Option<PathBuf> {
        let (drive, rest) = windows_path.split_once(':')?;
        let drive = drive.to_ascii_lowercase();
        if drive.len() != 1 || !drive.as_bytes()[0].is_ascii_lowercase() {
            return None;
        }
        let linked = self.root.join("dosdevices").join(format!("{drive}:"));
        let start = match drive.as_str() {
            "c" => self.root.join("drive_c"),
            _ if linked.exists() => linked,
            "z" => PathBuf::from("/"),
            _ => return None,
        };
        let parts = rest.split(['\\', '/']).filter(|part| !part.is_empty() && *part != ".");
        Some(parts.fold(start, |folder, part| join_ignoring_case(&folder, part)))
    }

    /// Returns the settings folders of the prefix's users. Older versions of Wine use other names for them.
    pub fn app_data_folders(&self) -> Vec<AppData> {
        let users =
            std::fs::read_dir(self.root.join("drive_c").join("users")).into_iter().flatten().flatten();
        let mut users: Vec<PathBuf> = users.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        users.sort();
        users.into_iter().filter_map(|user| app_data_of(&user)).collect()
    }

    /// Reads what is known about an installation from the files in which Wine stores the registry, except for the data
    /// of Windows Installer.
    pub fn install_facts(&self, key: &str) -> InstallFacts {
        let key_of_32_bit = key.replacen(r"Software\", r"Software\Wow6432Node\", 1);
        InstallFacts {
            user: self.defaults_in("user.reg", &[key]).pop(),
            machine: self.defaults_in("system.reg", &[key, &key_of_32_bit]),
            msi: Vec::new(),
        }
    }

    /// Reads a key of `App Paths` from the files in which Wine stores the registry.
    pub(super) fn app_paths(&self, key: &str) -> Vec<String> {
        ["user.reg", "system.reg"].into_iter().flat_map(|file| self.defaults_in(file, &[key])).collect()
    }

    /// Reads the default values of keys from a registry file of the prefix.
    fn defaults_in(&self, file: &str, keys: &[&str]) -> Vec<String> {
        let Ok(bytes) = std::fs::read(self.root.join(file)) else { return Vec::new() };
        let text = String::from_utf8_lossy(&bytes);
        keys.iter().filter_map(|key| wine_registry_default(&text, key)).collect()
    }
}

/// Returns the settings folders in a user's folder, if it has any.
fn app_data_of(user: &Path) -> Option<AppData> {
    let [new, old] = [user.join("AppData"), user.join("Application Data")];
    if new.join("Roaming").is_dir() {
        Some(AppData { roaming: new.join("Roaming"), local: Some(new.join("Local")) })
    } else {
        old.is_dir().then_some(AppData { roaming: old, local: None })
    }
}

/// Reads the default value (`@="…"`) of a key (`[Software\\\\Name]`) from the text of a Wine registry file.
fn wine_registry_default(text: &str, key: &str) -> Option<String> {
    let header = format!("[{}]", key.replace('\\', "\\\\")).to_lowercase();
    let mut lines = text.lines().skip_while(|line| !line.to_lowercase().starts_with(&header)).skip(1);
    let value = lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("@=\""))?;
    Some(value.strip_suffix('"')?.replace("\\\\", "\\").replace("\\\"", "\""))
}

/// Follows the links in the part of a path that exists.
fn canonicalize_existing_part(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|part| Some((part, std::fs::canonicalize(part).ok()?)));
    let Some((part, real)) = existing else { return path.to_path_buf() };
    // joining an empty rest would add a separator
    real.iter().chain(path.strip_prefix(part).into_iter().flatten()).collect()
}

/// Returns the path of a name in a folder. If it doesn't exist, a name that differs only in case is used instead.
fn join_ignoring_case(folder: &Path, name: &str) -> PathBuf {
    let exact = folder.join(name);
    if exact.symlink_metadata().is_ok() {
        return exact;
    }
    let lower = name.to_lowercase();
    let found = std::fs::read_dir(folder).ok().and_then(|entries| {
        entries
            .flatten()
            .find(|entry| entry.file_name().to_str().is_some_and(|name| name.to_lowercase() == lower))
    });
    found.map_or(exact, |entry| entry.path())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn windows_paths_are_found_ignoring_case() {
        let folder = tempfile::tempdir().unwrap();
        let hooks = folder.path().join("drive_c").join("Hooks");
        std::fs::create_dir_all(&hooks).unwrap();
        std::fs::write(hooks.join("Ring.exe"), b"MZ").unwrap();
        let prefix = WinePrefix::around(&hooks.join("MicroSIP.ini")).unwrap();
        let found = prefix.to_host(r"c:\hooks\RING.EXE").unwrap();
        assert!(same_file::is_same_file(found, hooks.join("Ring.exe")).unwrap());
        let absent = prefix.to_host(r"C:\hooks\none.exe").unwrap();
        assert_eq!(absent.file_name(), Some(OsStr::new("none.exe")));
        assert_eq!(prefix.to_host(r"Q:\x.exe"), None);
        assert_eq!(prefix.to_host("relative.exe"), None);
        assert_eq!(prefix.to_windows(&hooks.join("Ring.exe")).as_deref(), Some(r"C:\Hooks\Ring.exe"));
        let absent = hooks.join("none/log.ps1");
        assert_eq!(prefix.to_windows(&absent).as_deref(), Some(r"C:\Hooks\none\log.ps1"));
        assert_eq!(WinePrefix::around(Path::new("/nowhere/MicroSIP.ini")), None);
    }

    #[test]
    fn default_values_are_read_from_registry_files() {
        let text = "WINE REGISTRY Version 2\n\n[Software\\\\Mi] 1\n@=\"no\"\n\n[software\\\\MicroSIP] 1700000000\n\
                    #time=1\n\"RunAtSystemStartup\"=dword:1\n@=\"C:\\\\Program Files\\\\MicroSIP\"\n\n\
                    [Software\\\\Z] 1\n@=\"no\"\n";
        let folder = wine_registry_default(text, r"Software\MicroSIP");
        assert_eq!(folder.as_deref(), Some(r"C:\Program Files\MicroSIP"));
        assert_eq!(wine_registry_default(text, r"Software\None"), None);
    }
}

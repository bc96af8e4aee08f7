//! What a Windows system knows of where programs are installed.

/// What a Windows system knows of where a program is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallFacts {
    /// The default value of its registry key under HKEY_CURRENT_USER.
    pub user: Option<String>,
    /// The same under HKEY_LOCAL_MACHINE, in the registry's 64-bit and 32-bit view.
    pub machine: Vec<String>,
    /// What Windows Installer has installed.
    pub msi: Vec<MsiProduct>,
}

/// A product of Windows Installer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MsiProduct {
    /// Its name for people.
    pub name: String,
    /// The folder that it is in; empty if its installer did not say.
    pub location: String,
}

/// The full paths that are registered for a program's name (`App Paths`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppPaths {
    /// By the user.
    pub user: Option<String>,
    /// For everybody on the machine.
    pub machine: Option<String>,
}

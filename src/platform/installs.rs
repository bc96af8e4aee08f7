//! Where Windows says that programs are installed.

/// What Windows knows about the installation of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallFacts {
    /// The default value of the program's registry key under HKEY_CURRENT_USER.
    pub user: Option<String>,
    /// The same under HKEY_LOCAL_MACHINE, in the 64-bit and the 32-bit view of the registry.
    pub machine: Vec<String>,
    /// The products of Windows Installer.
    pub msi: Vec<MsiProduct>,
}

/// A product of Windows Installer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MsiProduct {
    /// Its display name.
    pub name: String,
    /// Its folder; empty if its installer didn't record one.
    pub location: String,
}

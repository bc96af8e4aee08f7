//! Where processes of Windows programs run from.

use std::path::PathBuf;

use super::installs::InstallFacts;
use super::paths::WindowsPaths;

/// Where a process of a Windows program runs from.
#[derive(Clone, Debug)]
pub struct ProcessPlace {
    /// Its exe as a Windows path, if it is known as one, else as a path of this machine.
    pub exe: String,
    /// Its exe on this machine.
    pub exe_on_disk: PathBuf,
    /// `%APPDATA%` of its user, in every form that it may have.
    pub app_data: Vec<PathBuf>,
    /// What its user's registry says of where MicroSIP is installed.
    pub facts: InstallFacts,
    /// Where its Windows paths lead to.
    pub paths: WindowsPaths,
}

//! Processes of Windows programs.

use std::path::PathBuf;

use super::installs::InstallFacts;
use super::paths::WindowsPaths;

/// Where a process of a Windows program runs, and for which user.
#[derive(Clone, Debug)]
pub struct ProcessPlace {
    /// Its exe as a Windows path, or as a path of this machine if the former isn't known.
    pub exe: String,
    /// Its exe as a path of this machine.
    pub exe_on_disk: PathBuf,
    /// The possible folders of `%APPDATA%` of its user.
    pub app_data: Vec<PathBuf>,
    /// What its user's registry says about the installation of MicroSIP.
    pub facts: InstallFacts,
    /// How its Windows paths correspond to paths of this machine.
    pub paths: WindowsPaths,
}

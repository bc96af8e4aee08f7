//! Processes of Windows programs.

use std::path::PathBuf;

use super::installs::InstallFacts;
use super::paths::WindowsPaths;

/// A process in the list of all processes. Listing opens none of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedProcess {
    /// The process number.
    pub pid: u32,
    /// The file name of its program.
    pub name: String,
    /// The Windows session that it runs in.
    pub session: Option<u32>,
    /// When it started, in the unit of the system; 0 if the list doesn't say.
    pub started: u64,
}

/// A user of this machine: a SID on Windows, a number on Unix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(pub String);

/// A user, with administrator rights or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user, if known.
    pub user: Option<UserId>,
    /// Whether it has administrator rights.
    pub is_elevated: bool,
}

/// What this user may know about a process.
#[derive(Clone, Debug, Default)]
pub struct ProcessDetails {
    /// The process.
    pub process: ListedProcess,
    /// The user who runs it, if that is known.
    pub user: Option<UserId>,
    /// Whether the system refused access to it or to its memory. Asking again wouldn't help.
    pub is_refused: bool,
    /// Its arguments, beginning with the program's name; `None` if they can't be read.
    pub arguments: Option<Vec<String>>,
    /// Where it runs, if its exe is known.
    pub place: Option<ProcessPlace>,
}

/// Where a process of a Windows program runs, and for which user.
#[derive(Clone, Debug)]
pub struct ProcessPlace {
    /// Its exe as a Windows path, or as a path of this machine if the former isn't known.
    pub exe: String,
    /// Its exe as a path of this machine.
    pub exe_on_disk: PathBuf,
    /// The possible folders of `%APPDATA%` of its user.
    pub app_data: Vec<PathBuf>,
    /// What its user's registry says about the installation of MicroSIP; `None` if the user isn't known.
    pub facts: Option<InstallFacts>,
    /// How its Windows paths correspond to paths of this machine.
    pub paths: WindowsPaths,
}

//! Processes on Unix: which run a Windows program under Wine, and waiting for their end.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::paths::active_prefix;
use crate::platform::paths::WindowsPaths;
use crate::platform::processes::ProcessPlace;

/// Windows belong to programs under Wine, and are reached by such only.
pub const CAN_REACH_WINDOWS: bool = false;

/// A process under Wine: its exe is Wine's loader, so what it has mapped into memory tells, else its first
/// argument.
pub fn place_of_process(
    key: &str,
    pid: u32,
    _exe: Option<&Path>,
    first_argument: Option<&str>,
    _user: Option<&sysinfo::Uid>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<ProcessPlace> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    let prefix = active_prefix(path("WINEPREFIX").as_deref(), path("HOME").as_deref())?;
    let argument = first_argument?;
    let name = argument.rsplit(['\\', '/']).next().unwrap_or(argument);
    let is_path = argument.contains([':', '/']);
    let by_argument =
        || if argument.starts_with('/') { Some(argument.into()) } else { prefix.to_host(argument) };
    let exe_on_disk = mapped_file(pid, name).or_else(|| by_argument().filter(|_| is_path))?;
    let exe = prefix.to_windows(&exe_on_disk)?;
    // Wine names a user's folder like the user of this machine
    let users: Vec<_> = prefix.app_data_folders().into_iter().map(|folders| folders.roaming).collect();
    let own = variable("USER").or_else(|| variable("LOGNAME")).and_then(|name| {
        let is_own = |folder: &&PathBuf| folder.iter().any(|part| part.to_str() == Some(&name));
        users.iter().find(is_own).cloned()
    });
    Some(ProcessPlace {
        exe,
        exe_on_disk,
        app_data: own.map_or(users, |own| vec![own]),
        facts: prefix.install_facts(key),
        paths: WindowsPaths::Prefix(prefix),
    })
}

/// Whether a process may run under Wine: its loader is Wine's, or it is called like a program for Windows.
pub fn may_be_windows_program(exe: Option<&Path>, first_argument: Option<&str>) -> bool {
    let is_wine = exe.and_then(Path::file_name).is_none_or(|name| name.to_string_lossy().starts_with("wine"));
    is_wine || first_argument.is_some_and(|argument| argument.to_ascii_lowercase().ends_with(".exe"))
}

/// The file of this name that a process has mapped into memory, as Wine does with an exe.
fn mapped_file(pid: u32, name: &str) -> Option<PathBuf> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let name = name.to_lowercase();
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..]));
    let mut names = paths.filter(|path| {
        let file = path.rsplit('/').next().unwrap_or_default().to_lowercase();
        file == name || file.strip_suffix(".exe") == Some(&name)
    });
    names.next().map(PathBuf::from)
}

/// None: a matter of Windows.
pub fn session_of(_process: &sysinfo::Process) -> Option<u32> {
    None
}

/// A window of a program. Those of programs under Wine cannot be reached from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramWindow {
    /// The process that it belongs to.
    pub pid: u32,
    /// Whether it can be seen.
    pub is_visible: bool,
}

/// None: windows under Wine are reached by programs under Wine.
pub fn windows_of_class(_class: &str) -> Vec<ProgramWindow> {
    Vec::new()
}

impl ProgramWindow {
    /// Not from here.
    ///
    /// # Errors
    /// Always.
    pub fn ask_to_close(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Not from here.
    ///
    /// # Errors
    /// Always.
    pub fn send_text(&self, _data: usize, _text: &str, _at_most: Duration) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A process that can be waited for. Its number may be given to another, but this still means the first.
#[derive(Debug)]
pub struct Watched {
    #[cfg(target_os = "linux")]
    descriptor: OwnedFd,
}

#[cfg(target_os = "linux")]
impl Watched {
    /// A process by its number.
    ///
    /// # Errors
    /// It is gone, or this Linux is older than 5.3.
    pub fn open(pid: u32) -> io::Result<Watched> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        Ok(Watched { descriptor: pidfd_open(pid, PidfdFlags::empty())? })
    }
}

#[cfg(not(target_os = "linux"))]
impl Watched {
    /// Not on this system.
    ///
    /// # Errors
    /// Always.
    pub fn open(_pid: u32) -> io::Result<Watched> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Waits until one of them ends. Gives whether one did.
#[cfg(target_os = "linux")]
pub fn wait_for_one(watched: &[&Watched], at_most: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut ends: Vec<PollFd<'_>> =
        watched.iter().map(|watched| PollFd::new(&watched.descriptor, PollFlags::IN)).collect();
    let limit = Timespec::try_from(at_most).ok();
    poll(&mut ends, limit.as_ref()).is_ok_and(|count| count > 0)
}

/// There is nothing to wait for on this system.
#[cfg(not(target_os = "linux"))]
pub fn wait_for_one(_watched: &[&Watched], _at_most: Duration) -> bool {
    false
}

/// The rights of a program under Wine are those of its user.
#[derive(Debug)]
pub struct Rights;

impl Rights {
    /// Not from here.
    ///
    /// # Errors
    /// Always.
    pub fn of(_pid: u32) -> io::Result<Rights> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is no desktop that could be asked.
    pub fn of_desktop() -> Option<Rights> {
        None
    }
}

/// Not from here: it would need the Wine that the prefix belongs to.
///
/// # Errors
/// Always.
pub fn start(_exe: &Path, _argument: Option<&str>, _rights: Option<&Rights>) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

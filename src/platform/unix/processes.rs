//! Processes on Unix: finding Windows programs under Wine, and waiting until a process exits.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::paths::active_prefix;
use crate::platform::env::Env;
use crate::platform::paths::WindowsPaths;
use crate::platform::processes::{Identity, ListedProcess, ProcessDetails, ProcessPlace, UserId};

/// Whether the windows of programs can be found. Those of programs under Wine can be found only by programs under Wine.
pub const CAN_REACH_WINDOWS: bool = false;

/// Returns what is known about a process of a program that may run under Wine; `None` if it doesn't, or has exited.
pub fn inspect_process(listed: &ListedProcess, key: &str) -> Option<ProcessDetails> {
    let pid = Pid::from_u32(listed.pid);
    let details = ProcessRefreshKind::nothing()
        .without_tasks()
        .with_exe(UpdateKind::Always)
        .with_cmd(UpdateKind::Always)
        .with_environ(UpdateKind::Always)
        .with_user(UpdateKind::Always);
    let system = look_up(pid, details)?;
    let process = system.process(pid).filter(|process| process.status() != ProcessStatus::Zombie)?;
    let arguments: Vec<String> =
        process.cmd().iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let first_argument = arguments.first().map(String::as_str);
    let place = first_argument.and_then(|argument| place_of(process, argument, key));
    if place.is_none() && !may_be_windows_program(process.exe(), first_argument) {
        return None;
    }
    let user = process.user_id().map(|user| UserId(user.to_string()));
    let own = own_identity().user;
    Some(ProcessDetails {
        process: ListedProcess { started: process.start_time(), ..listed.clone() },
        is_refused: process.environ().is_empty() && user != own && own != Some(UserId("0".into())),
        user,
        arguments: (!arguments.is_empty()).then_some(arguments),
        place,
    })
}

/// Returns the time at which a process started, in the unit of the system; `None` if it isn't known.
pub fn process_start(started: u64) -> Option<SystemTime> {
    (started > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(started))
}

/// Returns whether a process that was found before is still running.
pub fn is_running(pid: u32, started: u64) -> bool {
    let pid = Pid::from_u32(pid);
    look_up(pid, ProcessRefreshKind::nothing().without_tasks()).is_some_and(|system| {
        let Some(process) = system.process(pid) else { return false };
        process.status() != ProcessStatus::Zombie && process.start_time() == started
    })
}

/// Reads the details of one process, each time anew: sysinfo keeps the name that a number had first.
fn look_up(pid: Pid, details: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, details);
    Some(system)
}

/// Locates a process under Wine. Its exe is Wine's loader, so the program is found among the files that it has mapped
/// into memory, or else by its first argument.
fn place_of(process: &Process, argument: &str, key: &str) -> Option<ProcessPlace> {
    let variable = |name: &str| {
        process.environ().iter().find_map(|entry| {
            let (key, value) = entry.to_str()?.split_once('=')?;
            (key == name).then(|| value.to_string())
        })
    };
    let prefix = active_prefix(&Env::from_variables(|name| variable(name).map(Into::into)))?;
    let name = argument.rsplit(['\\', '/']).next().unwrap_or(argument);
    let is_path = argument.contains([':', '/']);
    let by_argument =
        || if argument.starts_with('/') { Some(argument.into()) } else { prefix.to_host(argument) };
    let mapped = mapped_file(process.pid().as_u32(), name);
    let exe_on_disk = mapped.or_else(|| by_argument().filter(|_| is_path))?;
    let exe = prefix.to_windows(&exe_on_disk)?;
    // Wine gives a user's folder the name of this machine's user
    let users: Vec<_> = prefix.app_data_folders().into_iter().map(|folders| folders.roaming).collect();
    let own = variable("USER").or_else(|| variable("LOGNAME")).and_then(|name| {
        let is_own = |folder: &&PathBuf| folder.iter().any(|part| part.to_str() == Some(&name));
        users.iter().find(is_own).cloned()
    });
    Some(ProcessPlace {
        exe,
        exe_on_disk,
        app_data: own.map_or(users, |own| vec![own]),
        facts: Some(prefix.install_facts(key)),
        paths: WindowsPaths::Prefix(prefix),
    })
}

/// Returns whether a process may run under Wine: its exe is Wine's loader, or it has the name of a Windows program.
fn may_be_windows_program(exe: Option<&Path>, first_argument: Option<&str>) -> bool {
    let is_wine = exe.and_then(Path::file_name).is_none_or(|name| name.to_string_lossy().starts_with("wine"));
    is_wine || first_argument.is_some_and(|argument| argument.to_ascii_lowercase().ends_with(".exe"))
}

/// Returns the file of this name that a process has mapped into memory, as Wine maps an exe.
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

/// Returns the user of this program.
pub fn own_identity() -> Identity {
    Identity { user: Some(UserId(rustix::process::geteuid().as_raw().to_string())), is_elevated: false }
}

/// Returns `None`: only Windows has numbered sessions.
pub fn own_session() -> Option<u32> {
    None
}

/// Returns nothing: a Wine prefix that belongs to this user has no users whose processes can't be read.
pub fn own_app_data() -> Vec<PathBuf> {
    Vec::new()
}

/// Returns the name of a user of this machine.
pub fn user_name(UserId(user): &UserId) -> Option<String> {
    let users = sysinfo::Users::new_with_refreshed_list().ok()?;
    let user = users.iter().find(|listed| listed.id().to_string() == *user)?;
    Some(user.name().to_string())
}

/// A window of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramWindow {
    /// The process that it belongs to.
    pub pid: u32,
    /// Whether it is visible.
    pub is_visible: bool,
}

/// Returns nothing: windows under Wine can be found only by programs under Wine.
pub fn windows_of_class(_class: &str) -> Vec<ProgramWindow> {
    Vec::new()
}

impl ProgramWindow {
    /// Fails: a window under Wine can't be reached from here.
    ///
    /// # Errors
    /// Always.
    pub fn ask_to_close(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Fails: a window under Wine can't be reached from here.
    ///
    /// # Errors
    /// Always.
    pub fn send_text(&self, _data: usize, _text: &str, _at_most: Duration) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A process that can be waited for, even if another process gets the same id later.
#[derive(Debug)]
pub struct WatchedProcess {
    #[cfg(target_os = "linux")]
    descriptor: OwnedFd,
}

#[cfg(target_os = "linux")]
impl WatchedProcess {
    /// Opens a process by its id.
    ///
    /// # Errors
    /// It has exited, or this Linux is older than 5.3.
    pub fn open(pid: u32) -> io::Result<WatchedProcess> {
        use rustix::process::{PidfdFlags, pidfd_open};
        let pid = i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(WatchedProcess { descriptor: pidfd_open(pid, PidfdFlags::empty())? })
    }
}

#[cfg(not(target_os = "linux"))]
impl WatchedProcess {
    /// Fails: this system has no way to wait for a process that isn't a child.
    ///
    /// # Errors
    /// Always.
    pub fn open(_pid: u32) -> io::Result<WatchedProcess> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Waits until one of the processes exits, and returns whether one did.
#[cfg(target_os = "linux")]
pub fn wait_for_any(watched: &[&WatchedProcess], at_most: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut descriptors: Vec<PollFd<'_>> =
        watched.iter().map(|watched| PollFd::new(&watched.descriptor, PollFlags::IN)).collect();
    let limit = Timespec::try_from(at_most).ok();
    poll(&mut descriptors, limit.as_ref()).is_ok_and(|count| count > 0)
}

/// Returns `false`: this system can't wait for processes.
#[cfg(not(target_os = "linux"))]
pub fn wait_for_any(_watched: &[&WatchedProcess], _at_most: Duration) -> bool {
    false
}

/// The rights of a process. Under Wine they are those of its user.
#[derive(Debug)]
pub struct Rights;

impl Rights {
    /// Fails: the rights are those of the user.
    ///
    /// # Errors
    /// Always.
    pub fn of(_pid: u32) -> io::Result<Rights> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns `None`: the desktop isn't Windows'.
    ///
    /// # Errors
    /// None.
    pub fn of_desktop() -> io::Result<Option<Rights>> {
        Ok(None)
    }

    /// Returns the user of this program.
    pub fn identity(&self) -> Identity {
        own_identity()
    }
}

/// Fails: this would need the Wine to which the prefix belongs.
///
/// # Errors
/// Always.
pub fn start(_exe: &Path, _argument: Option<&str>, _as_other: Option<&Rights>) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

//! The system's answers on Linux and other Unixes, where MicroSIP runs under Wine.

mod run;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat};
use rustix::io::Errno;

pub use run::{Runner, Started};

use super::registry::ClassRegistry;
use super::{
    AppData, AppPaths, DriveKind, Env, InstallFacts, Privileges, ProcessPlace, ProfileList, Sid,
    WindowsPaths, WinePrefix,
};

/// None: 8-bit inis of a Windows machine say nothing of its code page here.
pub fn ansi_code_page() -> Option<u16> {
    None
}

/// Lets a write beyond the limit for files fail like one on a full disk, instead of ending the program.
#[allow(unsafe_code, reason = "no safe wrapper ignores a signal")]
pub fn survive_signals() {
    // SAFETY: ignoring a signal runs no code of ours
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// The name of a user of this machine.
pub fn user_name(user: &sysinfo::Uid) -> Option<String> {
    let users = sysinfo::Users::new_with_refreshed_list().ok()?;
    users.get_user_by_id(user).map(|user| user.name().to_string())
}

/// None: a matter of Windows.
pub fn session_of(_process: &sysinfo::Process) -> Option<u32> {
    None
}

/// Through the Wine prefix that the ini lies in.
pub fn windows_paths(ini: &Path) -> WindowsPaths {
    WinePrefix::around(ini).map_or(WindowsPaths::Unknown, WindowsPaths::Prefix)
}

/// Whether that is the user of this program.
pub fn is_own_user(user: &sysinfo::Uid) -> bool {
    **user == rustix::process::geteuid().as_raw()
}

/// Whether a file lies in the Wine prefix in use: other prefixes are other Windows machines.
pub fn is_in_reach(path: &Path, env: &Env) -> bool {
    let prefix = prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref());
    prefix.is_some_and(|prefix| prefix.holds(path))
}

/// Through the Wine prefix in use.
pub fn paths_in_use(env: &Env) -> WindowsPaths {
    prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref())
        .map_or(WindowsPaths::Unknown, WindowsPaths::Prefix)
}

/// Where Windows under Wine looks for a program by name: Wine's own folders, before any other.
pub fn search_folders(_surroundings: &Env) -> Vec<String> {
    [r"C:\windows\system32", r"C:\windows", r"C:\windows\system32\WindowsPowerShell\v1.0"]
        .map(String::from)
        .into()
}

/// Those of the users of the Wine prefix in use.
pub fn app_data_folders(env: &Env) -> Vec<AppData> {
    prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref())
        .map(|prefix| prefix.app_data_folders())
        .unwrap_or_default()
}

/// Where such folders would be looked for: the Wine prefix that is named, else the usual one.
pub fn settings_roots(env: &Env) -> Vec<PathBuf> {
    let usual = env.home.as_ref().map(|home| home.join(".wine"));
    env.wine_prefix.clone().or(usual).into_iter().collect()
}

/// What is known of an install for this ini: in the prefix that it lies in, else in the one in use.
pub fn install_facts(env: &Env, key: &str, ini: Option<&Path>) -> InstallFacts {
    ini.and_then(WinePrefix::around)
        .or_else(|| prefix_in_use(env.wine_prefix.as_deref(), env.home.as_deref()))
        .map(|prefix| prefix.install_facts(key))
        .unwrap_or_default()
}

/// The command lines by which a user's Windows starts MicroSIP: none that could be told here.
pub fn start_commands(_schemes: &[&str]) -> Vec<String> {
    Vec::new()
}

/// Links are a matter of Windows' registry.
pub fn class_registry() -> Option<Box<dyn ClassRegistry>> {
    None
}

/// Under Wine a process is named by whoever started it, or by itself.
pub const PROCESSES_ARE_NAMED_BY_EXE: bool = false;

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
    let prefix = prefix_in_use(path("WINEPREFIX").as_deref(), path("HOME").as_deref())?;
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

/// The prefix that Wine uses: the one that is named, else `~/.wine`.
fn prefix_in_use(named: Option<&Path>, home: Option<&Path>) -> Option<WinePrefix> {
    let usual = home.map(|home| home.join(".wine"));
    WinePrefix::at(named.or(usual.as_deref())?)
}

/// Short names are a matter of Windows' disks.
pub fn short_path(_path: &Path) -> Option<String> {
    None
}

/// Only shares named as such can be told here.
pub fn drive_kind(windows_path: &str) -> DriveKind {
    if windows_path.starts_with(r"\\") { DriveKind::Network } else { DriveKind::Local }
}

/// Whether this user may not write to the file, by its mode and access list.
pub fn is_access_denied_by_mode(path: &Path) -> bool {
    matches!(accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS), Err(Errno::ACCESS))
}

/// A registry is found by its prefix here.
pub(super) fn app_paths(_key: &str) -> AppPaths {
    AppPaths::default()
}

/// Who may change a file in a Wine prefix is told by its mode, which Windows' users have no part in.
pub fn access_of(_path: &Path) -> Option<super::Access> {
    None
}

/// Whether its mode lets more of the others read a file than another.
pub fn has_wider_access(file: &Path, model: &Path) -> bool {
    const OTHERS_READ: u32 = 0o044;
    let readers = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.mode() & OTHERS_READ);
    matches!((readers(file), readers(model)), (Ok(here), Ok(there)) if here & !there != 0)
}

/// Nobody is asked about, for access lists are not.
pub fn privileges() -> Privileges {
    Privileges::default()
}

/// Windows' accounts are not known here.
pub fn account_name(_sid: &Sid) -> Option<String> {
    None
}

/// Wine starts whatever it is told to, wherever that came from.
pub fn mark_of(_path: &Path) -> Option<Vec<u8>> {
    None
}

/// There is none to be removed.
pub fn can_remove_mark(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// There is none to be removed.
pub fn remove_mark(_path: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
}

pub(super) fn adopt(model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
    const NEW_FILE: u32 = 0o666;
    let Some(model) = model else {
        return file.set_permissions(std::fs::Permissions::from_mode(NEW_FILE & !umask().bits()));
    };
    let (wanted, own) = (std::fs::metadata(model)?, file.metadata()?);
    if (wanted.uid(), wanted.gid()) != (own.uid(), own.gid()) {
        fchown(file, Some(wanted.uid()), Some(wanted.gid()))?;
    }
    // access lists and labels; a disk without them has none to keep
    for name in xattr::list(model).into_iter().flatten() {
        if let Ok(Some(value)) = xattr::get(model, &name) {
            match xattr::set(path, &name, &value) {
                // labels that the system gives by itself
                Err(error) if name.to_string_lossy().starts_with("system.") => return Err(error),
                _ => {}
            }
        }
    }
    // a folder may give every new file a list that the model does not have
    let kept: Vec<_> = xattr::list(model).into_iter().flatten().collect();
    for name in xattr::list(path).into_iter().flatten().filter(|name| !kept.contains(name)) {
        xattr::remove(path, name)?;
    }
    // behind the access list, so that nobody has more access for a moment
    file.set_permissions(std::fs::Permissions::from_mode(wanted.mode() & 0o7777))
}

/// The rights that new files do not get.
fn umask() -> Mode {
    static UMASK: OnceLock<Mode> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let told = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        let told = told.and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
        told.map_or_else(
            || {
                // elsewhere it can only be read by setting it, for all threads
                let umask = rustix::process::umask(Mode::empty());
                rustix::process::umask(umask);
                umask
            },
            Mode::from_bits_truncate,
        )
    })
}

/// Gives a file that is there the owner, mode and access list of another.
pub fn copy_access(model: &Path, path: &Path) -> io::Result<()> {
    adopt(Some(model), &super::open_to_lock(path)?, path)
}

/// Nobody keeps others from a file by having it open.
pub fn is_held_by_another(_error: &io::Error) -> bool {
    false
}

pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Windows belong to programs under Wine, and are reached by such only.
pub const CAN_REACH_WINDOWS: bool = false;

/// Whether a program can end with an exit status over 255: of a larger one only the low byte arrives (POSIX).
pub const EXIT_STATUSES_OVER_255: bool = false;

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

/// Waits until one of them ends. Gives whether one did.
#[cfg(target_os = "linux")]
pub fn wait_for_one(watched: &[&Watched], at_most: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut ends: Vec<PollFd<'_>> =
        watched.iter().map(|watched| PollFd::new(&watched.descriptor, PollFlags::IN)).collect();
    let limit = Timespec::try_from(at_most).ok();
    poll(&mut ends, limit.as_ref()).is_ok_and(|count| count > 0)
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

/// How the terminal treats what is typed.
#[derive(Debug)]
pub struct TerminalMode(Option<rustix::termios::Termios>);

impl TerminalMode {
    /// As it is now.
    pub fn now() -> TerminalMode {
        TerminalMode(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    /// Gives out each key at once and shows none. Between two keys that are read one by one the terminal would
    /// else edit the line itself, and Backspace would take nothing away.
    pub fn key_by_key(&self) {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr};
        let Some(mut mode) = self.0.clone() else { return };
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
    }

    /// Makes it so again: while a key is waited for, the terminal shows nothing and sends no signals.
    pub fn restore(&self) {
        if let Some(mode) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, mode);
        }
    }
}

/// A folder that is held open.
#[derive(Debug)]
pub struct Pinned(OwnedFd);

impl Pinned {
    pub(super) fn open(path: &Path) -> io::Result<Pinned> {
        Ok(Pinned(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    pub(super) fn enter(&self, _path: &Path, name: &OsStr) -> io::Result<Pinned> {
        match openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(folder) => Ok(Pinned(folder)),
            // what Linux says of a link depends on the other flags
            Err(Errno::LOOP) => Err(io::ErrorKind::NotADirectory.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A path that leads there whatever becomes of the one by which it was come to.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        path_to(&self.0, path)
    }

    /// Gives it away if it was made just now: it is ours, and nothing is in it.
    pub(super) fn give_to(&self, path: &Path, account: &Account) -> io::Result<()> {
        let metadata = rustix::fs::fstat(&self.0)?;
        let is_empty = std::fs::read_dir(self.path(path))?.next().is_none();
        if is_empty && metadata.st_uid == rustix::process::geteuid().as_raw() {
            give(&self.0, account)
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    }
}

/// The path of what is open; `path` where the system has none.
fn path_to(open: &impl AsRawFd, path: &Path) -> PathBuf {
    let own = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
    // other Unixes have none, and a container may hide it
    if cfg!(target_os = "linux") && own.exists() { own } else { path.to_path_buf() }
}

/// Opens a file, and nothing else: no link, no pipe, no device.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP | Errno::NXIO) => not_a_file(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) }
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or no file")
}

/// The path of an open file.
pub(super) fn path_of_open(file: &File, path: &Path) -> PathBuf {
    path_to(file, path)
}

/// Whether two paths lead to the same file. Neither is opened, for one may be a pipe.
///
/// # Errors
/// One of them is not there, or cannot be looked at.
pub fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let (a, b) = (std::fs::metadata(a)?, std::fs::metadata(b)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// Whether this is the name of an open file, no link followed.
///
/// # Errors
/// There is nothing of that name, or it cannot be looked at.
pub fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let (open, named) = (file.metadata()?, path.symlink_metadata()?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// A user and a group of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    user: u32,
    group: u32,
}

pub(super) fn owner_of(path: &Path) -> Option<Account> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Account { user: metadata.uid(), group: metadata.gid() })
}

pub(super) fn account_of(_sid: Sid) -> Option<Account> {
    None
}

pub(super) fn give_to(file: &File, _path: &Path, account: &Account) -> io::Result<()> {
    give(file, account)
}

fn give(file: &impl AsFd, account: &Account) -> io::Result<()> {
    let present = rustix::fs::fstat(file)?;
    if (present.st_uid, present.st_gid) == (account.user, account.group) {
        return Ok(());
    }
    fchown(file, Some(account.user), Some(account.group))
}

/// The profiles of this machine's users: only Windows has such.
pub fn profile_list() -> Option<ProfileList> {
    None
}

//! The few questions that are asked of the system, and the disk as the transaction uses it. All `unsafe` and
//! all that differs between Windows and others is in this folder.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

mod pinned;
pub mod registry;
mod run;

#[cfg(not(windows))]
mod other;
#[cfg(not(windows))]
use other as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub use pinned::{Owner, PinnedDir, ScopedFs};
pub use run::{Recording, ShellCommand};
pub use system::class_registry;
pub use system::{
    CAN_REACH_WINDOWS, EXIT_STATUSES_OVER_255, PROCESSES_ARE_NAMED_BY_EXE, ProgramWindow, Rights, Runner,
    Started, TerminalMode, Watched, ansi_code_page, app_data_folders, drive_kind, install_facts,
    is_access_denied_by_mode, is_held_by_another, is_in_reach, is_own_user, may_be_windows_program,
    paths_in_use, place_of_process, search_folders, session_of, settings_roots, short_path, start,
    start_commands, survive_signals, user_name, wait_for_one, windows_of_class, windows_paths,
};
pub use system::{
    access_of, account_name, can_remove_mark, copy_access, has_wider_access, mark_of, privileges, remove_mark,
};
pub use system::{is_named, is_same_file, profile_list};

/// What of its surroundings the program uses: taken once, in `main`.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// `%APPDATA%`.
    pub app_data: Option<PathBuf>,
    /// `%LOCALAPPDATA%`.
    pub local_app_data: Option<PathBuf>,
    /// `PATH`.
    pub search_path: Option<OsString>,
    /// `PATHEXT`.
    pub program_endings: Option<String>,
    /// `%SystemRoot%`.
    pub system_root: Option<PathBuf>,
    /// `$WINEPREFIX`.
    pub wine_prefix: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// The folder that this was started in.
    pub current_folder: Option<PathBuf>,
    /// The folder of this program.
    pub own_folder: Option<PathBuf>,
    /// This program.
    pub own_program: Option<PathBuf>,
}

impl Env {
    /// From environment variables.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| variable(name).map(PathBuf::from);
        Env {
            app_data: path("APPDATA"),
            local_app_data: path("LOCALAPPDATA"),
            search_path: variable("PATH"),
            program_endings: variable("PATHEXT").and_then(|endings| endings.into_string().ok()),
            system_root: path("SystemRoot"),
            wine_prefix: path("WINEPREFIX"),
            home: path("HOME"),
            current_folder: None,
            own_folder: None,
            own_program: None,
        }
    }
}

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

/// The folders in which a Windows user's programs keep their settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppData {
    /// `%APPDATA%`.
    pub roaming: PathBuf,
    /// `%LOCALAPPDATA%`.
    pub local: Option<PathBuf>,
}

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

/// Where Windows paths lead to on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowsPaths {
    /// This is Windows.
    Native,
    /// Into a Wine prefix.
    Prefix(WinePrefix),
    /// Nowhere that could be told.
    Unknown,
}

impl WindowsPaths {
    /// Where a full Windows path lies on this machine, whether or not something is there.
    pub fn to_host(&self, windows_path: &str) -> Option<PathBuf> {
        match self {
            WindowsPaths::Native => Some(PathBuf::from(windows_path)),
            WindowsPaths::Prefix(prefix) => prefix.to_host(windows_path),
            WindowsPaths::Unknown => None,
        }
    }

    /// A full path of this machine as Windows' programs see it, whether or not something is there.
    pub fn to_windows(&self, path: &Path) -> Option<String> {
        match self {
            WindowsPaths::Native => path.to_str().map(str::to_string),
            WindowsPaths::Prefix(prefix) => prefix.to_windows(path),
            WindowsPaths::Unknown => None,
        }
    }
}

/// The full paths that are registered for a program's name (`App Paths`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppPaths {
    /// By the user.
    pub user: Option<String>,
    /// For everybody on the machine.
    pub machine: Option<String>,
}

impl WindowsPaths {
    /// What is registered for a program's name, which has its ending.
    pub fn app_paths(&self, exe: &str) -> AppPaths {
        const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\App Paths";
        let key = format!(r"{KEY}\{exe}");
        let found = match self {
            WindowsPaths::Native => system::app_paths(&key),
            WindowsPaths::Prefix(prefix) => prefix.app_paths(&key),
            WindowsPaths::Unknown => AppPaths::default(),
        };
        let unquoted = |path: String| path.trim().trim_matches('"').to_string();
        AppPaths { user: found.user.map(unquoted), machine: found.machine.map(unquoted) }
    }
}

/// The users' folders that Windows knows of (`ProfileList` in its registry).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileList {
    /// Those of users, and of Windows' own services.
    pub profiles: Vec<ListedProfile>,
    /// The one that a new user's is made from.
    pub default: Option<PathBuf>,
}

/// A user's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedProfile {
    /// The name of its entry: the user's SID; Windows lets `.bak` follow that of one that it could not load.
    pub sid: Sid,
    /// The folder.
    pub folder: PathBuf,
    /// `%APPDATA%` of the user, where that is known. It may be on another machine.
    pub app_data: Option<PathBuf>,
}

/// A user or a group of Windows, as text such as S-1-5-18.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(pub String);

impl Sid {
    /// Whether it is a person's: of this machine, a domain, or Entra ID. Windows' own services and groups have others.
    pub fn is_user(&self) -> bool {
        // [MS-DTYP] 2.4.2.4; Entra ID's are not in there
        let has_start = |start: &str| self.0.starts_with(start);
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        (has_start("S-1-5-21-") || has_start("S-1-12-1-")) && self.0[2..].split('-').all(is_number)
    }
}

/// Who may do what to a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub owner: Sid,
    /// Its list, in the order in which Windows goes through it. `None`: it has none, and everybody may do all.
    pub entries: Option<Vec<AccessEntry>>,
}

impl Access {
    /// Whether somebody is let read here who is not let read there.
    pub fn lets_more_read_than(&self, other: &Access) -> bool {
        const READ: u32 = 0x1 | 0x1000_0000 | 0x8000_0000;
        let readers = |access: &Access| -> Option<Vec<Sid>> {
            let may_read = |entry: &&AccessEntry| {
                entry.kind == EntryKind::Allow && !entry.is_inherit_only && entry.mask & READ != 0
            };
            let entries = access.entries.as_ref()?;
            Some(entries.iter().filter(may_read).map(|entry| entry.sid.clone()).collect())
        };
        match (readers(self), readers(other)) {
            // without a list everybody may
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(here), Some(there)) => here.iter().any(|sid| !there.contains(sid)),
        }
    }
}

/// An entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// Whether it allows or denies.
    pub kind: EntryKind,
    /// Whether it is only there for what will be made in the folder.
    pub is_inherit_only: bool,
    /// For whom it is.
    pub sid: Sid,
    /// The rights, as Windows numbers them.
    pub mask: u32,
}

/// What an entry of an access list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// As whom this program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    /// With the rights of an administrator, which a click or a password gave.
    pub is_elevated: bool,
    /// The user, where that can be told.
    pub user: Option<Sid>,
}

/// What a path leads to on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveKind {
    /// A disk of this machine.
    Local,
    /// A share, by name or by drive letter.
    Network,
}

/// What a transaction does to the disk. The real one is [`SystemFs`]; tests put one before it that fails.
pub trait FileSystem {
    /// Reads a whole file: opened for one read and closed at once, for MicroSIP may start meanwhile.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        bytes_of(system::open_to_read(path)?, u64::MAX)
    }

    /// Whether a file holds just these bytes.
    fn holds(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        is_held_in(system::open_to_read(path)?, bytes)
    }

    /// Makes a new file that nobody else can read, never through a link; it goes when it is dropped.
    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(prefix).suffix(suffix).tempfile_in(folder)
    }

    /// Makes a folder and those above it.
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    /// Writes all of it.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Brings a file's bytes to the disk.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// Gives a file the owner, access and attributes of another; without one, those that a new file has.
    fn adopt(&self, model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
        system::adopt(model, file, path)
    }

    /// Gives a file a second name that was free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    /// Puts a file in the place of another in one step.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        system::replace(from, to)
    }

    /// Brings a folder's names to the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        system::sync_folder(folder)
    }

    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()> {
        system::remove(path)
    }
}

/// Gives a temporary file its name, in the place of whatever has it.
///
/// # Errors
/// The disk refuses; the temporary file goes.
pub fn move_to(fs: &dyn FileSystem, mut temp: TempPath, path: &Path) -> io::Result<()> {
    fs.replace(&temp, path)?;
    // the name is gone
    temp.disable_cleanup(true);
    Ok(())
}

/// Writes a file in one step, with the owner and access of `model`. `temp_name` is how its temporary one begins and ends.
///
/// # Errors
/// The disk refuses; what was there is there still.
pub fn put(
    fs: &dyn FileSystem,
    path: &Path,
    bytes: &[u8],
    model: Option<&Path>,
    (prefix, suffix): (&OsStr, &str),
) -> io::Result<()> {
    let mut file = fs.create_temp(path.parent().unwrap_or(Path::new("")), prefix, suffix)?;
    fs.write(file.as_file_mut(), bytes)?;
    fs.adopt(model, file.as_file(), file.path())?;
    fs.sync(file.as_file())?;
    move_to(fs, file.into_temp_path(), path)
}

/// All that a file holds.
fn bytes_of(file: File, most: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    if length > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.try_reserve_exact(room.saturating_add(1)).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // it may grow meanwhile
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file holds just these bytes.
fn is_held_in(mut file: File, bytes: &[u8]) -> io::Result<bool> {
    const PART: usize = 64 * 1024;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut part = vec![0; PART];
    let mut rest = bytes;
    loop {
        let length = file.read(&mut part)?;
        match rest.split_at_checked(length) {
            Some((same, others)) if *same == part[..length] => rest = others,
            _ => return Ok(false),
        }
        if length == 0 {
            return Ok(rest.is_empty());
        }
    }
}

/// The disk of this machine.
pub struct SystemFs;

impl FileSystem for SystemFs {}

/// The names in a folder with this start.
pub fn names_in(folder: &Path, start: &OsStr) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name.as_encoded_bytes().starts_with(start.as_encoded_bytes()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Opens a file that is there, never through a link, to lock it.
pub fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    system::never_follow_links(&mut options);
    options.open(path)
}

/// What stands under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Missing,
    /// A folder.
    Folder,
    /// Something that this user cannot read, or that is no file; the reason for people.
    Unreadable(String),
    /// A file.
    File { length: u64, is_executable_image: bool },
}

/// Looks at what stands under a path, and whether it begins as a Windows program does (MZ, and PE where that
/// points to).
pub fn look(path: &Path) -> Look {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Look::Missing;
        }
        Err(error) => return Look::Unreadable(error.to_string()),
    };
    if metadata.is_dir() {
        return Look::Folder;
    }
    if !metadata.is_file() {
        return Look::Unreadable("it is a device or a pipe".into());
    }
    match File::open(path).and_then(|mut file| is_executable_image(&mut file)) {
        Ok(is_executable_image) => Look::File { length: metadata.len(), is_executable_image },
        Err(error) => Look::Unreadable(error.to_string()),
    }
}

fn is_executable_image(file: &mut File) -> io::Result<bool> {
    const DOS_HEADER: usize = 64;
    let mut header = Vec::new();
    Read::by_ref(file).take(DOS_HEADER as u64).read_to_end(&mut header)?;
    if header.len() < DOS_HEADER || !header.starts_with(b"MZ") {
        return Ok(false);
    }
    let offset = u32::from_le_bytes([header[60], header[61], header[62], header[63]]);
    file.seek(SeekFrom::Start(offset.into()))?;
    let mut signature = Vec::new();
    file.take(4).read_to_end(&mut signature)?;
    Ok(signature == *b"PE\0\0")
}

/// The version that a Windows program says it has, from the fixed part of its version resource
/// (VS_FIXEDFILEINFO): the four numbers of its file version.
pub fn version_of_exe(path: &Path) -> Option<[u16; 4]> {
    /// dwSignature 0xFEEF04BD and dwStrucVersion 1.0
    const START: [u8; 8] = [0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0];
    let mut file = Some(path).filter(|path| path.is_file()).and_then(|path| File::open(path).ok())?;
    let resources = resources_of(&mut file).ok().flatten()?;
    let at = memchr::memmem::find(&resources, &START)? + START.len();
    // dwFileVersionMS, then dwFileVersionLS, each with its high word last
    let words = [2, 0, 6, 4].map(|index| word(&resources, at + index));
    match words {
        [Some(major), Some(minor), Some(patch), Some(build)] => Some([major, minor, patch, build]),
        _ => None,
    }
}

/// The bytes of an executable's section of resources, if it is one and has that.
fn resources_of(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    const SIGNATURE_AND_FILE_HEADER: u64 = 24;
    const SECTION: usize = 40;
    const LARGEST: u64 = 64 * 1024 * 1024;
    if !is_executable_image(file)? {
        return Ok(None);
    }
    let start = u64::from(long(&read_at(file, 60, 4)?, 0).unwrap_or(0));
    let header = read_at(file, start, SIGNATURE_AND_FILE_HEADER)?;
    let (Some(sections), Some(optional_header)) = (word(&header, 6), word(&header, 20)) else {
        return Ok(None);
    };
    let table = start + SIGNATURE_AND_FILE_HEADER + u64::from(optional_header);
    let table = read_at(file, table, u64::from(sections) * SECTION as u64)?;
    let Some(resources) = table.chunks_exact(SECTION).find(|section| section.starts_with(b".rsrc\0")) else {
        return Ok(None);
    };
    match (long(resources, 20), long(resources, 16)) {
        (Some(offset), Some(size)) => read_at(file, offset.into(), u64::from(size).min(LARGEST)).map(Some),
        _ => Ok(None),
    }
}

fn read_at(file: &mut File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// The names of files in a folder, as text; none if it cannot be read.
pub fn file_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// A folder that is a Windows disk to programs under Wine: the one that holds `drive_c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WinePrefix {
    root: PathBuf,
}

impl WinePrefix {
    /// A prefix by its folder, if it is one.
    pub fn at(root: &Path) -> Option<WinePrefix> {
        root.join("drive_c").is_dir().then(|| WinePrefix { root: root.to_path_buf() })
    }

    /// The prefix that a file lies in, if it lies in one.
    pub fn around(path: &Path) -> Option<WinePrefix> {
        let drive =
            path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "drive_c"))?;
        WinePrefix::at(drive.parent()?)
    }

    /// Whether a path of this machine lies in it.
    pub fn holds(&self, path: &Path) -> bool {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        real(path).starts_with(real(&self.root))
    }

    /// A path of this machine as programs in the prefix see it.
    pub fn to_windows(&self, path: &Path) -> Option<String> {
        let root = std::fs::canonicalize(self.root.join("drive_c")).ok()?;
        let real = as_far_as_it_is_there(path);
        let (drive, rest) = match real.strip_prefix(&root) {
            Ok(rest) => ("C:", rest),
            Err(_) => ("Z:", real.strip_prefix("/").ok()?),
        };
        let parts: Option<Vec<&str>> = rest.iter().map(|part| part.to_str()).collect();
        Some(format!("{drive}\\{}", parts?.join("\\")))
    }

    /// Where a full Windows path lies on this machine, whether or not something is there. Names are found in
    /// any letter case, as Wine does.
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
        Some(parts.fold(start, |folder, part| in_any_case(&folder, part)))
    }
}

impl WinePrefix {
    /// The folders of its users' settings. Older Wines have them under other names.
    pub fn app_data_folders(&self) -> Vec<AppData> {
        let users =
            std::fs::read_dir(self.root.join("drive_c").join("users")).into_iter().flatten().flatten();
        let mut users: Vec<PathBuf> = users.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        users.sort();
        users.into_iter().filter_map(|user| app_data_of(&user)).collect()
    }

    /// What is known of an install, from the files that Wine keeps the registry in. Windows Installer's part
    /// of it is not read.
    pub fn install_facts(&self, key: &str) -> InstallFacts {
        let defaults_in = |file: &str, keys: &[&str]| -> Vec<String> {
            let Ok(bytes) = std::fs::read(self.root.join(file)) else { return Vec::new() };
            let text = String::from_utf8_lossy(&bytes);
            keys.iter().filter_map(|key| wine_registry_default(&text, key)).collect()
        };
        let key_of_32_bit = key.replacen(r"Software\", r"Software\Wow6432Node\", 1);
        InstallFacts {
            user: defaults_in("user.reg", &[key]).pop(),
            machine: defaults_in("system.reg", &[key, &key_of_32_bit]),
            msi: Vec::new(),
        }
    }
}

impl WinePrefix {
    /// What its registry says of a program, from the files that Wine keeps it in.
    fn app_paths(&self, key: &str) -> AppPaths {
        let default_in = |file: &str| {
            let bytes = std::fs::read(self.root.join(file)).ok()?;
            wine_registry_default(&String::from_utf8_lossy(&bytes), key)
        };
        AppPaths { user: default_in("user.reg"), machine: default_in("system.reg") }
    }
}

/// The settings folders in a user's folder, if it is one of a person who has any.
fn app_data_of(user: &Path) -> Option<AppData> {
    let [new, old] = [user.join("AppData"), user.join("Application Data")];
    if new.join("Roaming").is_dir() {
        Some(AppData { roaming: new.join("Roaming"), local: Some(new.join("Local")) })
    } else {
        old.is_dir().then_some(AppData { roaming: old, local: None })
    }
}

/// Reads `@="…"` below `[Software\\\\Name]` in the text of a Wine registry file.
fn wine_registry_default(text: &str, key: &str) -> Option<String> {
    let header = format!("[{}]", key.replace('\\', "\\\\")).to_lowercase();
    let mut lines = text.lines().skip_while(|line| !line.to_lowercase().starts_with(&header)).skip(1);
    let value = lines
        .by_ref()
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("@=\""))?;
    Some(value.strip_suffix('"')?.replace("\\\\", "\\").replace("\\\"", "\""))
}

/// A path with the links followed in as much of it as is there.
fn as_far_as_it_is_there(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|part| Some((part, std::fs::canonicalize(part).ok()?)));
    match there {
        Some((part, real)) if part != path => {
            path.strip_prefix(part).map_or(real.clone(), |rest| real.join(rest))
        }
        Some((_, real)) => real,
        None => path.to_path_buf(),
    }
}

/// A name in a folder: as it is, or the one that differs in letter case only.
fn in_any_case(folder: &Path, name: &str) -> PathBuf {
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
    use super::*;

    #[test]
    fn an_access_list_is_wider_if_somebody_else_may_read() {
        let access = |entries: &[(&str, EntryKind, bool, u32)]| {
            let entry = |(sid, kind, is_inherit_only, mask): &(&str, EntryKind, bool, u32)| AccessEntry {
                kind: *kind,
                is_inherit_only: *is_inherit_only,
                sid: Sid((*sid).to_string()),
                mask: *mask,
            };
            let owner = Sid("S-1-5-18".into());
            Access { owner, entries: Some(entries.iter().map(entry).collect()) }
        };
        use EntryKind::{Allow, Deny};
        let ini = access(&[("S-1-5-21-1", Allow, false, 0x001F_01FF)]);
        let everybody = Access { entries: None, ..ini.clone() };
        assert!(access(&[("S-1-1-0", Allow, false, 0x1)]).lets_more_read_than(&ini));
        assert!(everybody.lets_more_read_than(&ini));
        assert!(!ini.lets_more_read_than(&ini) && !ini.lets_more_read_than(&everybody));
        // to delete, to be denied, or only for what comes below is not to read
        for entry in [
            ("S-1-1-0", Allow, false, 0x0001_0000),
            ("S-1-1-0", Deny, false, 0x1),
            ("S-1-1-0", Allow, true, 0x1),
        ] {
            assert!(!access(&[entry]).lets_more_read_than(&ini), "{entry:?}");
        }
    }

    #[test]
    fn a_prefix_finds_windows_paths_in_any_letter_case() {
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

    /// An executable with nothing but a section of resources of this name.
    fn image(section: &[u8; 8], resources: &[u8]) -> Vec<u8> {
        let mut image = vec![0_u8; 64];
        image[..2].copy_from_slice(b"MZ");
        image[60] = 64;
        // signature and file header: one section, an optional header of 4 bytes
        image.extend(b"PE\0\0\x64\x86\x01\0");
        image.extend([0; 12]);
        image.extend([4, 0, 0, 0]);
        image.extend([0; 4]);
        let offset = u32::try_from(image.len() + 40).unwrap();
        image.extend(section);
        image.extend([0; 8]);
        image.extend(u32::try_from(resources.len()).unwrap().to_le_bytes());
        image.extend(offset.to_le_bytes());
        image.extend([0; 16]);
        image.extend(resources);
        image
    }

    #[test]
    fn an_exe_says_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let exe = folder.path().join("MicroSIP.exe");
        let version_of = |bytes: Vec<u8>| {
            std::fs::write(&exe, bytes).unwrap();
            version_of_exe(&exe)
        };
        let resource = [0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0, 22, 0, 3, 0, 7, 0, 3, 0];
        let resources = [b"whatever", &resource[..]].concat();
        assert_eq!(version_of(image(b".rsrc\0\0\0", &resources)), Some([3, 22, 3, 7]));
        assert_eq!(version_of(image(b".rdata\0\0", &resources)), None, "it may stand anywhere else");
        assert_eq!(version_of(image(b".rsrc\0\0\0", &resources[..20])), None, "cut off");
        for length in [0, 2, 63, 64, 70, 90, 120, 150] {
            let whole = image(b".rsrc\0\0\0", &resources);
            assert_eq!(version_of(whole[..length.min(whole.len() - 1)].to_vec()), None, "{length}");
        }
        assert_eq!(version_of_exe(folder.path()), None);
    }

    #[test]
    fn wines_registry_files_are_read() {
        let text = "WINE REGISTRY Version 2\n\n[Software\\\\Mi] 1\n@=\"no\"\n\n[software\\\\MicroSIP] 1700000000\n\
                    #time=1\n\"RunAtSystemStartup\"=dword:1\n@=\"C:\\\\Program Files\\\\MicroSIP\"\n\n[Software\\\\Z] 1\n@=\"no\"\n";
        let folder = wine_registry_default(text, r"Software\MicroSIP");
        assert_eq!(folder.as_deref(), Some(r"C:\Program Files\MicroSIP"));
        assert_eq!(wine_registry_default(text, r"Software\None"), None);
    }
}

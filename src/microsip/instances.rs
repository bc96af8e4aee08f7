//! Finds the running MicroSIPs and the inis that they use.
//!
//! An instance blocks an ini that it uses, whoever runs it. If its ini can't be determined, it blocks every ini.
//! Under Wine, a process's exe is Wine's loader. The program is in its first argument instead: a Windows path in
//! the Wine prefix that the environment of the process names.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::ini_path::{self, IniPlace};
use super::version::Version;
use crate::page::path_text;
use crate::platform::{self, FileSystem, ProcessPlace, ProgramWindow, SystemFs};

/// A running MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The process number. Systems reuse these numbers, so it identifies a process only together with
    /// [`Instance::started`].
    pub pid: u32,
    /// When the process started, in seconds since 1970.
    #[serde(skip)]
    pub started: u64,
    /// The exe, as the process itself calls it.
    pub exe: String,
    /// The path of the exe on this computer, if it is known.
    #[serde(skip)]
    pub exe_on_disk: Option<PathBuf>,
    /// The user who runs it, if that is known.
    pub user: Option<String>,
    /// Whether the current user runs it.
    #[serde(skip)]
    pub is_own: bool,
    /// The Windows session that it runs in.
    pub session: Option<u32>,
    /// The inis that it may use; `None` if they can't be determined.
    #[serde(serialize_with = "serialize_inis")]
    pub inis: Option<Vec<PathBuf>>,
}

fn serialize_inis<S: Serializer>(inis: &Option<Vec<PathBuf>>, serializer: S) -> Result<S::Ok, S::Error> {
    let texts = |inis: &Vec<PathBuf>| inis.iter().map(|ini| path_text(ini)).collect::<Vec<_>>();
    inis.as_ref().map(texts).serialize(serializer)
}

impl std::fmt::Display for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, pid {}", self.exe, self.pid)?;
        match &self.user {
            Some(user) => write!(f, ", user {user}"),
            None => Ok(()),
        }
    }
}

impl Instance {
    /// Returns whether this instance uses, or may use, the ini.
    pub fn blocks(&self, ini: &Path) -> bool {
        self.inis.as_ref().is_none_or(|inis| inis.iter().any(|used| is_same(used, ini)))
    }

    /// Returns whether both values describe the same process.
    pub fn is_same_process(&self, other: &Instance) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }
}

/// The stem of MicroSIP's exe, unless somebody renamed it.
const USUAL_STEM: &str = "microsip";

/// The class of MicroSIP's window (microsip.cpp, 3.19.27 to 3.22.16).
const WINDOW_CLASS: &str = "MicroSIP";

/// Returns the MicroSIP windows on this desktop.
pub fn windows() -> Vec<ProgramWindow> {
    platform::windows_of_class(WINDOW_CLASS)
}

/// Finds running MicroSIPs. Clones share their scans: a caller who asks during a scan gets the result of the next.
#[derive(Clone, Default)]
pub struct Processes(Arc<Mutex<Scanner>>);

#[derive(Default)]
struct Scanner {
    /// The versions of exes, because a run that waits scans often.
    versions: HashMap<PathBuf, Option<Version>>,
    /// Processes that stayed without a name.
    nameless: HashSet<u32>,
    last: Option<Scan>,
}

/// The result of a scan.
struct Scan {
    began: Instant,
    stems: Vec<String>,
    found: Vec<Instance>,
}

impl Processes {
    /// Returns every running program called MicroSIP or like one of these lowercase stems, and every program with
    /// MicroSIP's window.
    pub fn instances(&self, stems: &[&str]) -> Vec<Instance> {
        let asked = Instant::now();
        let mut scanner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scan) = scanner.last.as_ref().filter(|scan| scan.began >= asked && scan.stems == stems) {
            return scan.found.clone();
        }
        let began = Instant::now();
        let found = scanner.scan(stems);
        let stems = stems.iter().map(ToString::to_string).collect();
        scanner.last = Some(Scan { began, stems, found: found.clone() });
        found
    }

    /// Returns whether this instance is still running.
    pub fn is_running(&self, instance: &Instance) -> bool {
        let pid = Pid::from_u32(instance.pid);
        let details = ProcessRefreshKind::nothing().without_tasks();
        look_up(pid, details).is_some_and(|system| {
            let Some(process) = system.process(pid) else { return false };
            process.status() != ProcessStatus::Zombie && process.start_time() == instance.started
        })
    }
}

impl Scanner {
    fn scan(&mut self, stems: &[&str]) -> Vec<Instance> {
        let listed = self.list(stems);
        let with_window: Vec<u32> = windows().iter().map(|window| window.pid).collect();
        let mut instances = Vec::new();
        for (pid, has_wanted_name) in listed {
            let has_window = with_window.contains(&pid);
            if has_wanted_name || has_window {
                instances.extend(self.inspect_until_known(pid, has_window, stems));
            }
        }
        instances.sort_by_key(|instance| instance.pid);
        instances
    }

    /// Lists all other processes, each with whether its name may be MicroSIP's. Only names are read here, because
    /// the details of every process would take most of the time of an edit.
    ///
    /// A process without a name is being started, so the list is made again. A few system processes never get one.
    fn list(&mut self, stems: &[&str]) -> Vec<(u32, bool)> {
        const ATTEMPTS: usize = 10;
        const DELAY: Duration = Duration::from_millis(5);
        let mut attempt = 1;
        loop {
            let (mut listed, mut nameless) = (Vec::new(), HashSet::new());
            // no MicroSIP runs on a system whose processes can't be listed
            let _ = platform::for_each_program(&mut |pid, name| {
                if name.is_empty() {
                    nameless.insert(pid);
                }
                if pid != std::process::id() {
                    listed.push((pid, is_wanted_name(name, stems)));
                }
            });
            if attempt == ATTEMPTS || nameless.is_subset(&self.nameless) {
                self.nameless = nameless;
                return listed;
            }
            attempt += 1;
            std::thread::sleep(DELAY);
        }
    }

    /// Inspects a process, repeatedly if its inis are unknown: they are for a moment when it starts or exits.
    fn inspect_until_known(&mut self, pid: u32, has_window: bool, stems: &[&str]) -> Option<Instance> {
        const ATTEMPTS: usize = 5;
        const DELAY: Duration = Duration::from_millis(5);
        let mut attempt = 1;
        loop {
            let instance = self.inspect(Pid::from_u32(pid), has_window, stems)?;
            if instance.inis.is_some() || attempt == ATTEMPTS {
                return Some(instance);
            }
            attempt += 1;
            std::thread::sleep(DELAY);
        }
    }

    /// Returns a process as an instance, if it is one and still running.
    fn inspect(&mut self, pid: Pid, has_window: bool, stems: &[&str]) -> Option<Instance> {
        let details = ProcessRefreshKind::nothing()
            .without_tasks()
            .with_exe(UpdateKind::Always)
            .with_cmd(UpdateKind::Always)
            .with_environ(UpdateKind::Always)
            .with_user(UpdateKind::Always);
        let name_only = ProcessRefreshKind::nothing().without_tasks();
        let system = within(LONGEST_LOOK_UP, move || look_up(pid, details))
            .unwrap_or_else(|| look_up(pid, name_only))?;
        let process = system.process(pid).filter(|process| process.status() != ProcessStatus::Zombie)?;
        let first_argument = process.cmd().first().map(|argument| argument.to_string_lossy().into_owned());
        let place = place_of(process, first_argument.as_deref());
        if place.is_none() && !platform::may_be_windows_program(process.exe(), first_argument.as_deref()) {
            return None;
        }
        let exe = place.as_ref().map(|place| place.exe.clone()).or(first_argument);
        let exe = exe.unwrap_or_else(|| process.name().to_string_lossy().into_owned());
        let stem = ini_path::parts(&exe).map_or(exe.as_str(), |(_, stem)| stem);
        if !has_window && !is_wanted_name(stem, stems) {
            return None;
        }
        let args: Vec<String> = process.cmd().iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let inis = place.as_ref().and_then(|place| {
            let exe = &place.exe_on_disk;
            let version = *self
                .versions
                .entry(exe.clone())
                .or_insert_with(|| platform::version_of_exe(exe).map(Version::from));
            inis_of(place, version, &args)
        });
        Some(Instance {
            pid: pid.as_u32(),
            started: process.start_time(),
            exe,
            exe_on_disk: place.map(|place| place.exe_on_disk),
            user: process.user_id().and_then(platform::user_name),
            is_own: process.user_id().is_some_and(platform::is_own_user),
            session: platform::session_of(process),
            inis,
        })
    }
}

/// How long reading the details of a process may take. Under Wine 8, asking about the memory of a process that
/// starts or exits may never return (NtQueryVirtualMemory); such a process is known by its name only.
const LONGEST_LOOK_UP: Duration = Duration::from_secs(1);

/// Returns the result of `work`, unless it takes longer than `limit`. In that case its thread is abandoned.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, result) = mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    result.recv_timeout(limit).ok()
}

/// Reads the details of one process, each time anew: sysinfo keeps the name that a number had first.
fn look_up(pid: Pid, details: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, details);
    Some(system)
}

/// Returns whether a program with this file name, or stem, can be a MicroSIP.
fn is_wanted_name(name: &str, stems: &[&str]) -> bool {
    let name = name.to_lowercase();
    let stem = name.strip_suffix(".exe").unwrap_or(&name);
    stem == USUAL_STEM || stems.contains(&stem)
}

/// Returns where the program of a process is, as its environment and its user's registry say.
fn place_of(process: &Process, first_argument: Option<&str>) -> Option<ProcessPlace> {
    let variable = |name: &str| {
        process.environ().iter().find_map(|entry| {
            let (key, value) = entry.to_str()?.split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.to_string())
        })
    };
    platform::place_of_process(
        ini_path::REGISTRY_KEY,
        process.pid().as_u32(),
        process.exe(),
        first_argument,
        process.user_id(),
        &variable,
    )
}

/// Returns the inis that a process may use: the one next to its exe or in AppData, and one named on its command
/// line.
fn inis_of(place: &ProcessPlace, version: Option<Version>, args: &[String]) -> Option<Vec<PathBuf>> {
    let (folder, stem) = ini_path::parts(&place.exe)?;
    let stem = ini_path::ini_stem(stem, version);
    let by_rule = match ini_path::ini_place(folder, &place.facts, version) {
        IniPlace::NextToExe => vec![place.exe_on_disk.with_file_name(format!("{stem}.ini"))],
        IniPlace::AppData if place.app_data.is_empty() => return None,
        IniPlace::AppData => {
            place.app_data.iter().map(|folder| folder.join("MicroSIP").join(format!("{stem}.ini"))).collect()
        }
    };
    let named = ini_path::named_on_command_line(args.iter().skip(1).map(String::as_str));
    let named = named.into_iter().filter_map(|file| place.paths.to_host(file));
    Some(by_rule.into_iter().chain(named).collect())
}

/// Returns whether two paths lead to the same file. Paths to missing or locked files are compared as text.
fn is_same(a: &Path, b: &Path) -> bool {
    SystemFs.is_same_file(a, b).unwrap_or_else(|_| spelling(a) == spelling(b))
}

/// Returns a path in lower case, without the prefix of Windows' long form.
fn spelling(path: &Path) -> String {
    let path = path.to_string_lossy().to_lowercase();
    if let Some(share) = path.strip_prefix(r"\\?\unc\") {
        return format!(r"\\{share}");
    }
    path.strip_prefix(r"\\?\").unwrap_or(&path).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_recognized_by_name_in_any_letter_case() {
        assert!(is_wanted_name("MicroSIP.exe", &[]));
        assert!(is_wanted_name("MICROSIP.EXE", &[]));
        assert!(is_wanted_name("phone.exe", &["phone"]));
        assert!(is_wanted_name("CompanyPhone", &["companyphone"]));
        assert!(is_wanted_name("microsip", &[]));
        assert!(!is_wanted_name("microsip-helper.exe", &[]));
        assert!(!is_wanted_name("phone.exe", &[]));
        assert!(!is_wanted_name("", &["phone"]));
    }

    #[test]
    fn a_process_that_exits_after_it_was_listed_is_no_instance() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "no_such_test"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(Scanner::default().inspect_until_known(pid, true, &[]), None);
    }

    #[test]
    fn work_that_takes_too_long_is_abandoned() {
        let (_held, never) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(1), move || never.recv()), None);
        assert_eq!(within(LONGEST_LOOK_UP, || 1), Some(1));
    }

    #[test]
    fn an_instance_with_an_unknown_ini_blocks_every_ini() {
        let mut instance = Instance {
            pid: 1,
            started: 1,
            exe: "MicroSIP.exe".into(),
            exe_on_disk: None,
            user: None,
            is_own: true,
            session: None,
            inis: None,
        };
        assert!(instance.blocks(Path::new("/x/MicroSIP.ini")));
        instance.inis = Some(vec!["/y/MicroSIP.ini".into()]);
        assert!(!instance.blocks(Path::new("/x/MicroSIP.ini")));
        assert!(instance.blocks(Path::new("/y/microsip.INI")));
        instance.inis = Some(vec![r"C:\Y\MicroSIP.ini".into(), r"\\server\share\MicroSIP.ini".into()]);
        assert!(instance.blocks(Path::new(r"\\?\C:\y\MicroSIP.ini")));
        assert!(instance.blocks(Path::new(r"\\?\UNC\server\share\MicroSIP.ini")));
    }
}

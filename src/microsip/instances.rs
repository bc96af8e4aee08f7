//! Finds the running MicroSIPs.
//!
//! Under Wine, a process's exe is Wine's loader. The program is in its first argument instead: a Windows path in
//! the Wine prefix that the environment of the process names.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::{Serialize, Serializer};

use super::ini_path;
use super::used_inis::{OwnProcess, UsedInis};
use super::version::Version;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::page::path_text;
use crate::platform::{self, ListedProcess, ProcessDetails, ProgramWindow, UserId};

/// A running MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The process number. Systems reuse these numbers, so it identifies a process only together with
    /// [`Instance::started`].
    pub pid: u32,
    /// When the process started, in the unit of the system.
    #[serde(skip)]
    pub started: u64,
    /// The exe, as the process itself calls it.
    pub exe: String,
    /// The path of the exe on this computer, if it is known.
    #[serde(skip)]
    pub exe_on_disk: Option<PathBuf>,
    /// The user who runs it, if that is known.
    #[serde(serialize_with = "serialize_user")]
    pub user: Option<UserId>,
    /// Whether the current user runs it.
    #[serde(skip)]
    pub is_own: bool,
    /// The Windows session that it runs in.
    pub session: Option<u32>,
    /// The inis that it may use.
    #[serde(serialize_with = "serialize_inis")]
    pub inis: UsedInis,
    /// Whether the system refused access to the process.
    #[serde(skip)]
    pub is_refused: bool,
}

fn serialize_inis<S: Serializer>(inis: &UsedInis, serializer: S) -> Result<S::Ok, S::Error> {
    let texts = |inis: &[PathBuf]| inis.iter().map(|ini| path_text(ini)).collect::<Vec<_>>();
    inis.known().map(texts).serialize(serializer)
}

fn serialize_user<S: Serializer>(user: &Option<UserId>, serializer: S) -> Result<S::Ok, S::Error> {
    user.as_ref().map(name_of).serialize(serializer)
}

impl std::fmt::Display for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, pid {}", self.exe, self.pid)?;
        if let Some(user) = self.user_name() {
            write!(f, ", user {user}")?;
        }
        match self.inis.unknown() {
            Some(unknown) => write!(f, ", its ini isn't known because {unknown}"),
            None => Ok(()),
        }
    }
}

impl Instance {
    /// Returns whether this instance uses, or may use, the ini.
    pub fn blocks(&self, ini: &Path) -> bool {
        self.inis.contains(ini)
    }

    /// Returns whether both values describe the same process.
    pub fn is_same_process(&self, other: &Instance) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }

    /// Returns whether this instance is still running.
    pub fn is_running(&self) -> bool {
        platform::is_running(self.pid, self.started)
    }

    /// Returns the time at which it started, if that is known.
    pub fn start_time(&self) -> Option<SystemTime> {
        platform::process_start(self.started)
    }

    /// Returns the name of its user, if the user is known.
    pub fn user_name(&self) -> Option<String> {
        self.user.as_ref().map(name_of)
    }
}

/// Returns the name of a user, or else the user's SID or number. The name is looked up once, and only when it is
/// shown: without a domain controller, each look-up can take seconds.
pub fn name_of(user: &UserId) -> String {
    static NAMES: LazyLock<Mutex<HashMap<UserId, String>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let look_up = || platform::user_name(user).unwrap_or_else(|| user.0.clone());
    names.entry(user.clone()).or_insert_with(look_up).clone()
}

/// The reason why it isn't known which MicroSIPs are running.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    #[error(
        "msipcfg can't tell whether MicroSIP is running, because the running programs can't be listed: {0}"
    )]
    List(String),
    #[error(
        "msipcfg can't tell whether MicroSIP is running, because the list of running programs is incomplete"
    )]
    Incomplete,
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        ScanError::List(error.to_string())
    }
}

impl ToDiagnostic for ScanError {
    fn code(&self) -> Code {
        Code::ProcessesUnreadable
    }

    fn hint(&self) -> Option<String> {
        let place = if platform::CAN_REACH_WINDOWS {
            "check whether security software keeps msipcfg from listing programs"
        } else {
            "check that /proc is mounted and shows msipcfg's own process"
        };
        Some(format!("{place}, then run the command again"))
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

/// What a scan asks the system. Tests have answers of their own.
trait System: Send {
    fn list(&self) -> io::Result<Vec<ListedProcess>>;
    fn pids_with_window(&self) -> Vec<u32>;
    fn inspect(&self, listed: &ListedProcess) -> Option<ProcessDetails>;
    fn own_process(&self) -> OwnProcess;
}

struct Scanner {
    system: Box<dyn System>,
    /// Found at the first scan.
    own: Option<OwnProcess>,
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

impl Default for Scanner {
    fn default() -> Self {
        Scanner::of(ThisComputer)
    }
}

impl Processes {
    /// Returns every running program called MicroSIP or like one of these lowercase stems, and every program with
    /// MicroSIP's window.
    ///
    /// # Errors
    /// The processes can't be listed. Any of them may be a MicroSIP then.
    pub fn instances(&self, stems: &[&str]) -> Result<Vec<Instance>, ScanError> {
        let asked = Instant::now();
        let mut scanner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scan) = scanner.last.as_ref().filter(|scan| scan.began >= asked && scan.stems == stems) {
            return Ok(scan.found.clone());
        }
        let began = Instant::now();
        let found = scanner.scan(stems)?;
        let stems = stems.iter().map(ToString::to_string).collect();
        scanner.last = Some(Scan { began, stems, found: found.clone() });
        Ok(found)
    }
}

impl Scanner {
    fn of(system: impl System + 'static) -> Scanner {
        Scanner {
            system: Box::new(system),
            own: None,
            versions: HashMap::new(),
            nameless: HashSet::new(),
            last: None,
        }
    }

    fn scan(&mut self, stems: &[&str]) -> Result<Vec<Instance>, ScanError> {
        let listed = self.list()?;
        let (own, others): (Vec<_>, Vec<_>) =
            listed.iter().partition(|process| process.pid == std::process::id());
        if own.is_empty() {
            return Err(ScanError::Incomplete);
        }
        let own = self.own.get_or_insert_with(|| self.system.own_process()).clone();
        let with_window = self.system.pids_with_window();
        let mut instances = Vec::new();
        for process in others {
            let has_window = with_window.contains(&process.pid);
            if has_window || is_wanted_name(&process.name, stems) {
                instances.extend(self.inspect_until_known(process, has_window, stems, &own));
            }
        }
        instances.sort_by_key(|instance| instance.pid);
        Ok(instances)
    }

    /// Lists all processes. Only names are read here, because the details of every process would take most of the
    /// time of an edit.
    ///
    /// A process without a name is being started, so the list is made again. A few system processes never get one.
    fn list(&mut self) -> io::Result<Vec<ListedProcess>> {
        const ATTEMPTS: usize = 10;
        const DELAY: Duration = Duration::from_millis(5);
        let mut attempt = 1;
        loop {
            let listed = self.system.list()?;
            let nameless = listed.iter().filter(|process| process.name.is_empty());
            let nameless: HashSet<u32> = nameless.map(|process| process.pid).collect();
            if attempt == ATTEMPTS || nameless.is_subset(&self.nameless) {
                self.nameless = nameless;
                return Ok(listed);
            }
            attempt += 1;
            std::thread::sleep(DELAY);
        }
    }

    /// Inspects a process, repeatedly if its inis are unknown: they are for a moment when it starts or exits. If access
    /// was refused, that won't change.
    fn inspect_until_known(
        &mut self,
        listed: &ListedProcess,
        has_window: bool,
        stems: &[&str],
        own: &OwnProcess,
    ) -> Option<Instance> {
        const ATTEMPTS: usize = 5;
        const DELAY: Duration = Duration::from_millis(5);
        let mut attempt = 1;
        loop {
            let instance = self.inspect(listed, has_window, stems, own)?;
            if instance.inis.known().is_some() || instance.is_refused || attempt == ATTEMPTS {
                return Some(instance);
            }
            attempt += 1;
            std::thread::sleep(DELAY);
        }
    }

    /// Returns a process as an instance, if it is one and still running.
    fn inspect(
        &mut self,
        listed: &ListedProcess,
        has_window: bool,
        stems: &[&str],
        own: &OwnProcess,
    ) -> Option<Instance> {
        let details = self.system.inspect(listed)?;
        let exe = details.place.as_ref().map(|place| place.exe.as_str());
        let exe = exe.or_else(|| details.arguments.as_ref()?.first().map(String::as_str));
        let exe = exe.unwrap_or(&listed.name).to_string();
        let stem = ini_path::parts(&exe).map_or(exe.as_str(), |(_, stem)| stem);
        // the process may have exited since it was listed, and its number belong to another program
        if !has_window && !is_wanted_name(stem, stems) {
            return None;
        }
        let version = details.place.as_ref().and_then(|place| {
            let exe = &place.exe_on_disk;
            let look_up = || platform::version_of_exe(exe).map(Version::from);
            *self.versions.entry(exe.clone()).or_insert_with(look_up)
        });
        Some(Instance {
            pid: listed.pid,
            started: details.process.started,
            exe,
            inis: UsedInis::of(&details, version, own),
            is_own: details.user.is_some() && details.user == own.user,
            is_refused: details.is_refused,
            session: details.process.session,
            user: details.user,
            exe_on_disk: details.place.map(|place| place.exe_on_disk),
        })
    }
}

/// The processes of this computer.
struct ThisComputer;

impl System for ThisComputer {
    fn list(&self) -> io::Result<Vec<ListedProcess>> {
        platform::list_processes()
    }

    fn pids_with_window(&self) -> Vec<u32> {
        windows().iter().map(|window| window.pid).collect()
    }

    fn inspect(&self, listed: &ListedProcess) -> Option<ProcessDetails> {
        platform::inspect_process(listed, ini_path::REGISTRY_KEY)
    }

    fn own_process(&self) -> OwnProcess {
        OwnProcess {
            user: platform::own_identity().user,
            session: platform::own_session(),
            app_data: platform::own_app_data(),
        }
    }
}

/// Returns whether a program with this file name, or stem, can be a MicroSIP.
fn is_wanted_name(name: &str, stems: &[&str]) -> bool {
    let name = name.to_lowercase();
    let stem = name.strip_suffix(".exe").unwrap_or(&name);
    stem == USUAL_STEM || stems.contains(&stem)
}

#[cfg(test)]
mod tests;

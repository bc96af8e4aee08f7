//! The running MicroSIPs, and which of them hold up an ini.
//!
//! One does if the ini that it uses is this file, whoever runs it. One whose ini cannot be told holds up
//! every ini. Under Wine the process's exe is Wine's loader, so that its first argument tells,
//! mapped through the prefix that this process has in its environment.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use super::ini_path::{self, Keeps};
use super::version::Version;
use crate::platform::{self, FileSystem, ProcessPlace, ProgramWindow, SystemFs};

/// A running MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its process number. Numbers are used again, so that it takes [`Instance::started`] to mean one process.
    pub pid: u32,
    /// When it was started, in seconds since 1970.
    pub started: u64,
    /// Its exe, as it calls itself.
    pub exe: String,
    /// Its exe on this machine, where that can be told.
    pub exe_on_disk: Option<PathBuf>,
    /// Who runs it, where that can be told.
    pub user: Option<String>,
    /// Whether that is the user of this program.
    pub is_own: bool,
    /// The Windows session that it runs in.
    pub session: Option<u32>,
    /// The inis that it may use; `None` where that cannot be told.
    pub inis: Option<Vec<PathBuf>>,
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
    /// Whether it uses this ini, or may.
    pub fn blocks(&self, ini: &Path) -> bool {
        self.inis.as_ref().is_none_or(|inis| inis.iter().any(|used| is_same(used, ini)))
    }

    /// Whether both are one process.
    pub fn is(&self, other: &Instance) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }
}

/// The name that every MicroSIP has unless somebody renamed its exe.
const USUAL_STEM: &str = "microsip";

/// The class of MicroSIP's window (microsip.cpp, 3.19.27 to 3.22.16).
const WINDOW_CLASS: &str = "MicroSIP";

/// The windows of the MicroSIPs on this desktop.
pub fn windows() -> Vec<ProgramWindow> {
    platform::windows_of_class(WINDOW_CLASS)
}

/// Looks for running MicroSIPs. Clones look together: who asks while another looks gets what the next look finds.
#[derive(Clone, Default)]
pub struct Processes(Arc<Mutex<Looks>>);

#[derive(Default)]
struct Looks {
    /// The versions of exes, for a waiting run looks often.
    versions: HashMap<PathBuf, Option<Version>>,
    /// Processes that have no name and got none.
    nameless: HashSet<Pid>,
    last: Option<Look>,
}

/// What a look found.
struct Look {
    begun: Instant,
    stems: Vec<String>,
    found: Vec<Instance>,
}

impl Processes {
    /// Every running exe called MicroSIP or like one of these stems, and every program with MicroSIP's window.
    pub fn instances(&self, stems: &[&str]) -> Vec<Instance> {
        let asked = Instant::now();
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // one that began after it was asked is as good as one more
        if let Some(look) = looks.last.as_ref().filter(|look| look.begun >= asked && look.stems == stems) {
            return look.found.clone();
        }
        let begun = Instant::now();
        let found = looks.instances(stems);
        let stems = stems.iter().map(ToString::to_string).collect();
        looks.last = Some(Look { begun, stems, found: found.clone() });
        found
    }

    /// Whether this one is still there.
    pub fn is_there(&self, instance: &Instance) -> bool {
        let pid = Pid::from_u32(instance.pid);
        let look = ProcessRefreshKind::nothing().without_tasks();
        look_up(pid, look).is_some_and(|system| {
            let Some(process) = system.process(pid) else { return false };
            process.status() != ProcessStatus::Zombie && process.start_time() == instance.started
        })
    }
}

impl Looks {
    fn instances(&mut self, stems: &[&str]) -> Vec<Instance> {
        let Some(system) = self.first_look() else { return Vec::new() };
        let own = std::process::id();
        let with_window: Vec<u32> = windows().iter().map(|window| window.pid).collect();
        let has_window = |pid: Pid| with_window.contains(&pid.as_u32());
        let pids: Vec<Pid> = system
            .processes()
            .iter()
            .filter(|(pid, process)| pid.as_u32() != own && process.status() != ProcessStatus::Zombie)
            .filter(|(pid, process)| {
                let argument = process.cmd().first().and_then(|arg| arg.to_str()).unwrap_or_default();
                let by_argument = argument.rsplit(['\\', '/']).next().unwrap_or_default();
                has_window(**pid)
                    || may_be_one(&process.name().to_string_lossy(), stems)
                    || may_be_one(by_argument, stems)
            })
            .map(|(pid, _)| *pid)
            .collect();
        let mut instances: Vec<Instance> = Vec::new();
        for pid in pids {
            // one that starts or ends just now cannot say which ini it uses, for a moment
            const LOOKS: usize = 5;
            const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
            let mut found = None;
            for look in 0..LOOKS {
                if look > 0 {
                    std::thread::sleep(BETWEEN_LOOKS);
                }
                found = self.look_at(pid, has_window(pid), stems);
                if found.as_ref().is_none_or(|instance| instance.inis.is_some()) {
                    break;
                }
            }
            instances.extend(found);
        }
        instances.sort_by_key(|instance| instance.pid);
        instances
    }

    /// All processes by name; nothing on a system that sysinfo does not know: no MicroSIP runs there.
    ///
    /// Each look is a new one, because sysinfo keeps the name that a number had first. One that is being made has
    /// no name for a moment (seen under Wine 8), and is looked at again.
    fn first_look(&mut self) -> Option<System> {
        const LOOKS: usize = 10;
        const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
        // under Wine a process may have named itself anything; its first argument stays
        let arguments =
            if platform::PROCESSES_ARE_NAMED_BY_EXE { UpdateKind::Never } else { UpdateKind::Always };
        let details = ProcessRefreshKind::nothing().without_tasks().with_cmd(arguments);
        let mut looks = 0;
        loop {
            let mut system = System::new().ok()?;
            system.refresh_processes_specifics(ProcessesToUpdate::All, true, details);
            let nameless = |(pid, process): (&Pid, &Process)| process.name().is_empty().then_some(*pid);
            let nameless: HashSet<Pid> = system.processes().iter().filter_map(nameless).collect();
            looks += 1;
            if nameless.is_subset(&self.nameless) {
                return Some(system);
            }
            if looks == LOOKS {
                self.nameless = nameless;
                return Some(system);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// A process as an instance, if it is one and still there.
    fn look_at(&mut self, pid: Pid, has_window: bool, stems: &[&str]) -> Option<Instance> {
        let details = ProcessRefreshKind::nothing()
            .without_tasks()
            .with_exe(UpdateKind::Always)
            .with_cmd(UpdateKind::Always)
            .with_environ(UpdateKind::Always)
            .with_user(UpdateKind::Always);
        let by_name = ProcessRefreshKind::nothing().without_tasks();
        let system =
            within(LONGEST_LOOK, move || look_up(pid, details)).unwrap_or_else(|| look_up(pid, by_name))?;
        let process = system.process(pid).filter(|process| process.status() != ProcessStatus::Zombie)?;
        let first_argument = process.cmd().first().map(|argument| argument.to_string_lossy().into_owned());
        let place = place_of(process, first_argument.as_deref());
        if place.is_none() && !platform::may_be_windows_program(process.exe(), first_argument.as_deref()) {
            return None;
        }
        let exe = place.as_ref().map(|place| place.exe.clone()).or(first_argument);
        let exe = exe.unwrap_or_else(|| process.name().to_string_lossy().into_owned());
        let stem = ini_path::parts(&exe).map_or(exe.as_str(), |(_, stem)| stem).to_lowercase();
        let stem = stem.strip_suffix(".exe").unwrap_or(&stem);
        if !has_window && stem != USUAL_STEM && !stems.contains(&stem) {
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

/// How long a process may take to tell its details. Under Wine 8 one that is being made, or ends, may never answer
/// when it is asked about its memory (NtQueryVirtualMemory of another process); it is told by its name then.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What some work gives, if it ends within this time. Otherwise it is left alone.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, result) = mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    result.recv_timeout(limit).ok()
}

fn look_up(pid: Pid, details: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, details);
    Some(system)
}

/// Whether a process of this name can be a MicroSIP. Linux cuts names at 15 bytes.
fn may_be_one(name: &str, stems: &[&str]) -> bool {
    const LINUX_NAME_LENGTH: usize = 15;
    let name = name.to_lowercase();
    stems.iter().chain([&USUAL_STEM]).any(|stem| {
        let exe = format!("{stem}.exe");
        name == exe || name == *stem || name.len() == LINUX_NAME_LENGTH && exe.starts_with(&name)
    })
}

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

/// The inis that a process may use: the one by the rule, and one that its command line names.
fn inis_of(place: &ProcessPlace, version: Option<Version>, args: &[String]) -> Option<Vec<PathBuf>> {
    let (folder, stem) = ini_path::parts(&place.exe)?;
    let stem = ini_path::ini_stem(stem, version);
    let by_rule = match ini_path::keeps(folder, &place.facts, version) {
        Keeps::BesideExe => vec![place.exe_on_disk.with_file_name(format!("{stem}.ini"))],
        Keeps::InAppData if place.app_data.is_empty() => return None,
        Keeps::InAppData => {
            place.app_data.iter().map(|folder| folder.join("MicroSIP").join(format!("{stem}.ini"))).collect()
        }
    };
    let named = ini_path::named_on_command_line(args.iter().skip(1).map(String::as_str));
    let named = named.into_iter().filter_map(|file| place.paths.to_host(file));
    Some(by_rule.into_iter().chain(named).collect())
}

/// Whether two paths lead to the same file; where one is not there, whether they are spelled alike.
fn is_same(a: &Path, b: &Path) -> bool {
    // one that is not there, or that its MicroSIP shares with nobody, cannot be opened to be compared
    SystemFs.is_same_file(a, b).unwrap_or_else(|_| spelling(a) == spelling(b))
}

/// A path in one letter case, without the marks of Windows' long form.
fn spelling(path: &Path) -> String {
    let path = path.to_string_lossy().to_lowercase();
    match (path.strip_prefix(r"\\?\unc\"), path.strip_prefix(r"\\?\")) {
        (Some(share), _) => format!(r"\\{share}"),
        (None, Some(path)) => path.to_string(),
        (None, None) => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_as_linux_cuts_them() {
        assert!(may_be_one("MicroSIP.exe", &[]));
        assert!(may_be_one("phone.exe", &["phone"]));
        assert!(may_be_one("companyphone.ex", &["companyphone"]));
        assert!(may_be_one("microsip", &[]));
        assert!(!may_be_one("microsip-helper.exe", &[]));
        assert!(!may_be_one("phone.exe", &[]));
    }

    #[test]
    fn work_that_does_not_end_is_left_alone() {
        let (_held, never) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(1), move || never.recv()), None);
        assert_eq!(within(LONGEST_LOOK, || 1), Some(1));
    }

    #[test]
    fn an_instance_whose_ini_cannot_be_told_holds_up_every_ini() {
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

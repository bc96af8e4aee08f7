//! The running MicroSIPs, and which of them hold up an ini.
//!
//! One does if the ini that it uses is this file, whoever runs it. One whose ini cannot be told holds up
//! every ini. Under Wine the process's exe is Wine's loader, so that its first argument tells,
//! mapped through the prefix that this process has in its environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sysinfo::{
    Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind, Users,
};

use super::ini_path::{self, Keeps};
use crate::platform::{self, ProcessPlace};

/// A running MicroSIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its process number.
    pub pid: u32,
    /// Its exe, as it calls itself.
    pub exe: String,
    /// Who runs it, where that can be told.
    pub user: Option<String>,
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
    pub fn holds_up(&self, ini: &Path) -> bool {
        self.inis.as_ref().is_none_or(|inis| inis.iter().any(|used| is_same(used, ini)))
    }
}

/// The name that every MicroSIP has unless somebody renamed its exe.
const USUAL_STEM: &str = "microsip";

/// Looks for running MicroSIPs.
pub struct Processes {
    /// `None` on a system that sysinfo does not know: no MicroSIP runs there, under Wine or not.
    system: Option<System>,
}

impl Default for Processes {
    fn default() -> Self {
        Processes { system: System::new().ok() }
    }
}

impl Processes {
    /// Every running exe called MicroSIP or like one of these stems.
    pub fn instances(&mut self, stems: &[&str]) -> Vec<Instance> {
        let Some(system) = &mut self.system else { return Vec::new() };
        let own = std::process::id();
        // under Wine a process may have named itself anything; its first argument stays
        let arguments =
            if platform::PROCESSES_ARE_NAMED_BY_EXE { UpdateKind::Never } else { UpdateKind::Always };
        let first_look = ProcessRefreshKind::nothing().without_tasks().with_cmd(arguments);
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, first_look);
        let pids: Vec<Pid> = system
            .processes()
            .iter()
            .filter(|(pid, process)| pid.as_u32() != own && process.status() != ProcessStatus::Zombie)
            .filter(|(_, process)| {
                let argument = process.cmd().first().and_then(|arg| arg.to_str()).unwrap_or_default();
                let by_argument = argument.rsplit(['\\', '/']).next().unwrap_or_default();
                may_be_one(&process.name().to_string_lossy(), stems) || may_be_one(by_argument, stems)
            })
            .map(|(pid, _)| *pid)
            .collect();
        if pids.is_empty() {
            return Vec::new();
        }
        let users = platform::user_names();
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
                found = look_at(system, pid, users.as_ref(), stems);
                if found.as_ref().is_none_or(|instance| instance.inis.is_some()) {
                    break;
                }
            }
            instances.extend(found);
        }
        instances.sort_by_key(|instance| instance.pid);
        instances
    }
}

/// A process as an instance, if it is one and still there.
fn look_at(system: &mut System, pid: Pid, users: Option<&Users>, stems: &[&str]) -> Option<Instance> {
    let details = ProcessRefreshKind::nothing()
        .without_tasks()
        .with_exe(UpdateKind::Always)
        .with_cmd(UpdateKind::Always)
        .with_environ(UpdateKind::Always)
        .with_user(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, details);
    let process = system.process(pid).filter(|process| process.status() != ProcessStatus::Zombie)?;
    instance(process, users, stems)
}

/// Who uses an ini, for whoever wants to write it.
pub trait Gate {
    /// The instances that hold up the ini now.
    fn holders(&mut self) -> Vec<Instance>;

    /// Returns after a moment, sooner if one of them ends.
    fn pause(&mut self, holders: &[Instance], at_most: Duration);
}

/// The gate before an ini: the instances that hold it up.
pub struct InstanceGate<'a> {
    /// The ini, links followed.
    pub ini: &'a Path,
    /// Where they are looked for.
    pub processes: &'a mut Processes,
}

impl Gate for InstanceGate<'_> {
    fn holders(&mut self) -> Vec<Instance> {
        let stem = self.ini.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let mut instances = self.processes.instances(&[&stem]);
        instances.retain(|instance| instance.holds_up(self.ini));
        instances
    }

    fn pause(&mut self, _holders: &[Instance], at_most: Duration) {
        const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
        std::thread::sleep(BETWEEN_LOOKS.min(at_most));
    }
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

fn instance(process: &Process, users: Option<&Users>, stems: &[&str]) -> Option<Instance> {
    let args: Vec<String> = process.cmd().iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let user = process.user_id().and_then(|id| users?.get_user_by_id(id)).map(|user| user.name().to_string());
    let variable = |name: &str| {
        process.environ().iter().find_map(|entry| {
            let (key, value) = entry.to_str()?.split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.to_string())
        })
    };
    let place = platform::place_of_process(
        ini_path::REGISTRY_KEY,
        process.pid().as_u32(),
        process.exe(),
        args.first().map(String::as_str),
        &variable,
    );
    if place.is_none() && !platform::may_be_windows_program(process.exe(), args.first().map(String::as_str)) {
        return None;
    }
    let exe = place.as_ref().map(|place| place.exe.clone()).or_else(|| args.first().cloned());
    let exe = exe.unwrap_or_else(|| process.name().to_string_lossy().into_owned());
    let stem = ini_path::parts(&exe).map_or(exe.as_str(), |(_, stem)| stem).to_lowercase();
    let stem = stem.strip_suffix(".exe").unwrap_or(&stem);
    if stem != USUAL_STEM && !stems.contains(&stem) {
        return None;
    }
    let inis = place.and_then(|place| inis_of(&place, &args));
    Some(Instance { pid: process.pid().as_u32(), exe, user, inis })
}

/// The inis that a process may use: the one by the rule, and one that its command line names.
fn inis_of(place: &ProcessPlace, args: &[String]) -> Option<Vec<PathBuf>> {
    let (folder, stem) = ini_path::parts(&place.exe)?;
    let by_rule = match ini_path::keeps(folder, &place.registry) {
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
    same_file::is_same_file(a, b)
        .unwrap_or_else(|_| a.to_string_lossy().to_lowercase() == b.to_string_lossy().to_lowercase())
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
    fn an_instance_whose_ini_cannot_be_told_holds_up_every_ini() {
        let mut instance = Instance { pid: 1, exe: "MicroSIP.exe".into(), user: None, inis: None };
        assert!(instance.holds_up(Path::new("/x/MicroSIP.ini")));
        instance.inis = Some(vec!["/y/MicroSIP.ini".into()]);
        assert!(!instance.holds_up(Path::new("/x/MicroSIP.ini")));
        assert!(instance.holds_up(Path::new("/y/microsip.INI")));
    }
}

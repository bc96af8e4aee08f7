//! Lists the running programs by name, with as little work per process as possible.

use std::io;

use crate::platform::processes::ListedProcess;

/// Lists the running programs, named by the first argument of their command lines.
///
/// The name that the kernel keeps (`comm`) isn't used: under Wine any thread can change it. Processes without a
/// command line are left out. They are the kernel's own, have exited, or are still being started; Wine gives
/// each of its programs one.
///
/// # Errors
/// The processes can't be listed.
#[cfg(target_os = "linux")]
pub fn list_processes() -> io::Result<Vec<ListedProcess>> {
    list_processes_in("/proc")
}

/// The same for any folder that is laid out like `/proc`. Opens one file per process: tests count them.
#[cfg(target_os = "linux")]
fn list_processes_in(proc: &str) -> io::Result<Vec<ListedProcess>> {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader, Read as _};
    /// The kernel's MAX_ARG_STRLEN; only a process that changed its own command line can exceed it.
    const LONGEST_ARGUMENT: u64 = 128 * 1024;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(proc)? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // a process may exit at any time, or belong to somebody who hides it
        let Ok(file) = File::open(entry.path().join("cmdline")) else { continue };
        let mut argument = Vec::new();
        if BufReader::new(file.take(LONGEST_ARGUMENT)).read_until(0, &mut argument).is_ok() {
            let argument = argument.strip_suffix(&[0]).unwrap_or(&argument);
            found.extend(listed(pid, &String::from_utf8_lossy(argument)));
        }
    }
    Ok(found)
}

/// Lists the running programs, named by the first argument of their command lines.
///
/// # Errors
/// The processes can't be listed.
#[cfg(not(target_os = "linux"))]
pub fn list_processes() -> io::Result<Vec<ListedProcess>> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
    let mut system = System::new().map_err(|_| io::ErrorKind::Unsupported)?;
    let details = ProcessRefreshKind::nothing().without_tasks().with_cmd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, details);
    let processes = system.processes().iter();
    let found = processes
        .filter_map(|(pid, process)| listed(pid.as_u32(), &process.cmd().first()?.to_string_lossy()));
    Ok(found.collect())
}

/// Returns a process by the file name in a Windows or Unix path, if it has one.
fn listed(pid: u32, path: &str) -> Option<ListedProcess> {
    let name = path.rsplit(['\\', '/']).next().unwrap_or_default();
    (!name.is_empty()).then(|| ListedProcess { pid, name: name.to_string(), ..ListedProcess::default() })
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::mem::MaybeUninit;
    use std::path::Path;

    use rustix::fs::inotify;

    use super::*;

    fn programs_in(proc: &Path) -> Vec<(u32, String)> {
        let listed = list_processes_in(proc.to_str().unwrap()).unwrap();
        let mut found: Vec<_> = listed.into_iter().map(|process| (process.pid, process.name)).collect();
        found.sort();
        found
    }

    /// A process in a folder like `/proc`, with all the files that could be looked at.
    fn add_process(proc: &Path, pid: u32, command_line: impl AsRef<[u8]>) {
        let folder = proc.join(pid.to_string());
        std::fs::create_dir_all(folder.join("task")).unwrap();
        for name in ["comm", "environ", "maps", "stat", "status"] {
            std::fs::write(folder.join(name), "MicroSIP.exe").unwrap();
        }
        std::fs::write(folder.join("cmdline"), command_line).unwrap();
    }

    #[test]
    fn programs_are_named_by_their_first_argument() {
        let proc = tempfile::tempdir().unwrap();
        let long = "x".repeat(10_000);
        add_process(proc.path(), 1, "/sbin/init\0splash\0");
        add_process(proc.path(), 20, b"C:\\MicroSIP\\MicroSIP.exe\0/i:C:\\x.ini\0");
        add_process(proc.path(), 21, b"MicroSIP.exe");
        add_process(proc.path(), 22, b"C:\\\xFF\\phone.exe\0");
        add_process(proc.path(), 23, format!("Z:\\{long}\\long.exe\0"));
        add_process(proc.path(), 300, "");
        add_process(proc.path(), 301, "\0MicroSIP.exe\0");
        add_process(proc.path(), 302, "C:\\MicroSIP\\\0");
        // what isn't a process
        add_process(proc.path(), 4, "MicroSIP.exe\0");
        std::fs::rename(proc.path().join("4"), proc.path().join("self")).unwrap();
        std::fs::write(proc.path().join("5"), "MicroSIP.exe\0").unwrap();
        // one that exits during the scan
        std::fs::create_dir(proc.path().join("6")).unwrap();
        let expected =
            [(1, "init"), (20, "MicroSIP.exe"), (21, "MicroSIP.exe"), (22, "phone.exe"), (23, "long.exe")];
        assert_eq!(programs_in(proc.path()), expected.map(|(pid, name)| (pid, name.to_string())));
        assert!(list_processes_in(proc.path().join("7").to_str().unwrap()).is_err());
    }

    #[test]
    fn a_scan_opens_one_file_per_process() {
        const PROCESSES: u32 = 50;
        let proc = tempfile::tempdir().unwrap();
        let events = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        let watch = |path: &Path| {
            inotify::add_watch(&events, path, inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS)
                .unwrap()
        };
        let mut pids = HashMap::new();
        for pid in 1..=PROCESSES {
            add_process(proc.path(), pid, format!("C:\\MicroSIP\\MicroSIP{pid}.exe\0/minimized\0"));
            let folder = proc.path().join(pid.to_string());
            pids.insert(watch(&folder), pid);
            watch(&folder.join("task"));
        }
        assert_eq!(programs_in(proc.path()).len(), PROCESSES as usize);

        let mut opened: HashMap<u32, Vec<String>> = HashMap::new();
        let mut read: HashMap<u32, usize> = HashMap::new();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&events, &mut buffer);
        while let Ok(event) = events.next() {
            let pid = *pids.get(&event.wd()).expect("a folder of tasks was opened");
            let file = event.file_name().map(|name| name.to_str().unwrap().to_string());
            if event.events().contains(inotify::ReadFlags::OPEN) {
                opened.entry(pid).or_default().push(file.unwrap_or_default());
            } else {
                *read.entry(pid).or_default() += 1;
            }
        }
        for pid in 1..=PROCESSES {
            assert_eq!(opened[&pid], ["cmdline"], "of process {pid}");
            assert_eq!(read[&pid], 1, "of process {pid}");
        }
    }
}

//! Finds the instances that block an ini, and waits until they exit.

use std::path::Path;
use std::time::Duration;

use super::closing::Closing;
use super::instances::{Instance, Processes, ScanError};
use crate::diagnostic::Diagnostic;
use crate::platform::{self, WatchedProcess};

/// Tells a writer which instances use an ini.
pub trait InstanceGuard {
    /// Returns the instances that block the ini now.
    ///
    /// # Errors
    /// It isn't known which instances run.
    fn blockers(&mut self) -> Result<Vec<Instance>, ScanError>;

    /// Asks the instances to close, if the user wants that. Returns warnings about those that can't be asked.
    fn close(&mut self, _blockers: &[Instance]) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Pauses for a moment, or until one of the instances exits. Returns whether it's time to call
    /// [`InstanceGuard::blockers`] again.
    fn pause(&mut self, blockers: &[Instance], at_most: Duration) -> bool;
}

/// Short enough to react to Ctrl-C and to update the progress.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Instances whose exit is waited for through process handles.
#[derive(Default)]
pub struct Watch {
    watched: Vec<(Instance, WatchedProcess)>,
}

impl Watch {
    /// Pauses for a moment, or until one of the instances exits. Returns whether one did or can't be watched.
    pub fn pause(&mut self, instances: &[Instance], at_most: Duration) -> bool {
        let length = LONGEST_PAUSE.min(at_most);
        if !self.add(instances) {
            std::thread::sleep(length);
            return true;
        }
        let watched: Vec<&WatchedProcess> = self.watched.iter().map(|(_, watched)| watched).collect();
        platform::wait_for_any(&watched, length)
    }

    /// Starts to watch those that aren't watched yet. Returns whether all of them are watched now.
    fn add(&mut self, instances: &[Instance]) -> bool {
        self.watched
            .retain(|(watched, _)| instances.iter().any(|instance| instance.is_same_process(watched)));
        for instance in instances {
            if self.watched.iter().any(|(watched, _)| watched.is_same_process(instance)) {
                continue;
            }
            // check after opening: from then on the system can't give the process number to another process
            let Ok(watched) = WatchedProcess::open(instance.pid) else { return false };
            if !instance.is_running() {
                return false;
            }
            self.watched.push((instance.clone(), watched));
        }
        true
    }
}

/// The guard of an ini that scans the processes of this computer.
pub struct RunningInstances<'a> {
    /// The path of the ini, with links resolved.
    ini: &'a Path,
    processes: &'a Processes,
    /// Closes the instances, if the user wants that.
    closing: Option<&'a mut Closing>,
    watch: Watch,
    pauses_since_scan: u32,
}

impl<'a> RunningInstances<'a> {
    /// Creates a guard without scanning yet.
    pub fn new(ini: &'a Path, processes: &'a Processes, closing: Option<&'a mut Closing>) -> Self {
        RunningInstances { ini, processes, closing, watch: Watch::default(), pauses_since_scan: 0 }
    }
}

impl InstanceGuard for RunningInstances<'_> {
    fn blockers(&mut self) -> Result<Vec<Instance>, ScanError> {
        self.pauses_since_scan = 0;
        let stem = self.ini.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let mut instances = self.processes.instances(&[&stem])?;
        instances.retain(|instance| instance.blocks(self.ini));
        Ok(instances)
    }

    fn close(&mut self, blockers: &[Instance]) -> Vec<Diagnostic> {
        self.closing.as_mut().map_or_else(Vec::new, |closing| closing.ask(blockers))
    }

    fn pause(&mut self, blockers: &[Instance], at_most: Duration) -> bool {
        /// An instance that just started may show only later which ini it uses, and another one may start.
        const PAUSES_PER_SCAN: u32 = 10;
        self.pauses_since_scan += 1;
        self.watch.pause(blockers, at_most) || self.pauses_since_scan >= PAUSES_PER_SCAN
    }
}

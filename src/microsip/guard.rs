//! Who keeps an ini from being written, and waiting until nobody does.

use std::path::Path;
use std::time::Duration;

use super::closing::Closing;
use super::instances::{Instance, Processes};
use crate::diagnostic::Diagnostic;
use crate::platform::{self, Watched};

/// Who uses an ini, for whoever wants to write it.
pub trait InstanceGuard {
    /// The instances that hold up the ini now.
    fn blockers(&mut self) -> Vec<Instance>;

    /// Asks them to close, if that is wanted. Gives what deserves saying.
    fn close(&mut self, _holders: &[Instance]) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Returns after a moment, sooner if one of them ends. Gives whether it is time to look again who holds up
    /// the ini.
    fn pause(&mut self, blockers: &[Instance], at_most: Duration) -> bool;
}

/// So that a wish to stop is heard, and progress is shown.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Instances that are waited for by their handles.
#[derive(Default)]
pub struct Watch {
    watched: Vec<(Instance, Watched)>,
}

impl Watch {
    /// Returns after a moment, sooner if one of them ends. Gives whether one did, or cannot be watched.
    pub fn pause(&mut self, instances: &[Instance], processes: &Processes, at_most: Duration) -> bool {
        let length = LONGEST_PAUSE.min(at_most);
        if !self.add(instances, processes) {
            std::thread::sleep(length);
            return true;
        }
        let watched: Vec<&Watched> = self.watched.iter().map(|(_, watched)| watched).collect();
        platform::wait_for_one(&watched, length)
    }

    /// Watches those that are not watched yet. Gives whether all of them are.
    fn add(&mut self, instances: &[Instance], processes: &Processes) -> bool {
        self.watched.retain(|(watched, _)| instances.iter().any(|instance| instance.is(watched)));
        for instance in instances {
            if self.watched.iter().any(|(watched, _)| watched.is(instance)) {
                continue;
            }
            // behind the handle the number cannot be given to another, so that it is asked after that
            let Ok(watched) = Watched::open(instance.pid) else { return false };
            if !processes.is_there(instance) {
                return false;
            }
            self.watched.push((instance.clone(), watched));
        }
        true
    }
}

/// The gate before an ini: the instances that hold it up.
pub struct RunningInstances<'a> {
    /// The ini, links followed.
    ini: &'a Path,
    /// Where they are looked for.
    processes: &'a Processes,
    /// Closes them, where that is wanted.
    closing: Option<&'a mut Closing>,
    /// Those that are waited for.
    watch: Watch,
    /// How many pauses there were since the last look.
    pauses: u32,
}

impl<'a> RunningInstances<'a> {
    /// A gate through which nobody has looked yet.
    pub fn new(ini: &'a Path, processes: &'a Processes, closing: Option<&'a mut Closing>) -> Self {
        RunningInstances { ini, processes, closing, watch: Watch::default(), pauses: 0 }
    }
}

impl InstanceGuard for RunningInstances<'_> {
    fn blockers(&mut self) -> Vec<Instance> {
        self.pauses = 0;
        let stem = self.ini.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let mut instances = self.processes.instances(&[&stem]);
        instances.retain(|instance| instance.blocks(self.ini));
        instances
    }

    fn close(&mut self, blockers: &[Instance]) -> Vec<Diagnostic> {
        self.closing.as_mut().map_or_else(Vec::new, |closing| closing.ask(blockers))
    }

    fn pause(&mut self, blockers: &[Instance], at_most: Duration) -> bool {
        /// What one that just started uses may show later, and one may come up beside.
        const PAUSES_WITHOUT_A_LOOK: u32 = 10;
        self.pauses += 1;
        self.watch.pause(blockers, self.processes, at_most) || self.pauses >= PAUSES_WITHOUT_A_LOOK
    }
}

//! Who keeps an ini from being written, and waiting until nobody does.

use std::path::Path;
use std::time::Duration;

use super::closing::Closing;
use super::instances::{Instance, Processes};
use crate::platform::{self, Watched};
use crate::problem::Notice;

/// Who uses an ini, for whoever wants to write it.
pub trait Gate {
    /// The instances that hold up the ini now.
    fn holders(&mut self) -> Vec<Instance>;

    /// Asks them to close, if that is wanted. Gives what deserves saying.
    fn close(&mut self, _holders: &[Instance]) -> Vec<Notice> {
        Vec::new()
    }

    /// Returns after a moment, sooner if one of them ends. Gives whether it is time to look again who holds up
    /// the ini.
    fn pause(&mut self, holders: &[Instance], at_most: Duration) -> bool;
}

/// The gate before an ini: the instances that hold it up.
pub struct InstanceGate<'a> {
    /// The ini, links followed.
    pub ini: &'a Path,
    /// Where they are looked for.
    pub processes: &'a mut Processes,
    /// Closes them, where that is wanted.
    pub closing: Option<&'a mut Closing>,
    /// Those that are waited for.
    watched: Vec<(Instance, Watched)>,
    /// How many pauses there were since the last look.
    pauses: u32,
}

impl<'a> InstanceGate<'a> {
    /// A gate through which nobody has looked yet.
    pub fn new(ini: &'a Path, processes: &'a mut Processes, closing: Option<&'a mut Closing>) -> Self {
        InstanceGate { ini, processes, closing, watched: Vec::new(), pauses: 0 }
    }

    /// Watches those that are not watched yet. Gives whether all of them are.
    fn watch(&mut self, holders: &[Instance]) -> bool {
        self.watched.retain(|(watched, _)| holders.iter().any(|holder| holder.is(watched)));
        for holder in holders {
            if self.watched.iter().any(|(watched, _)| watched.is(holder)) {
                continue;
            }
            // behind the handle the number cannot be given to another, so that it is asked after that
            let Ok(watched) = Watched::open(holder.pid) else { return false };
            if !self.processes.is_there(holder) {
                return false;
            }
            self.watched.push((holder.clone(), watched));
        }
        true
    }
}

impl Gate for InstanceGate<'_> {
    fn holders(&mut self) -> Vec<Instance> {
        self.pauses = 0;
        let stem = self.ini.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let mut instances = self.processes.instances(&[&stem]);
        instances.retain(|instance| instance.holds_up(self.ini));
        instances
    }

    fn close(&mut self, holders: &[Instance]) -> Vec<Notice> {
        self.closing.as_mut().map_or_else(Vec::new, |closing| closing.ask(holders))
    }

    fn pause(&mut self, holders: &[Instance], at_most: Duration) -> bool {
        /// So that a wish to stop is heard, and progress is shown.
        const LONGEST: Duration = Duration::from_millis(200);
        /// What one that just started uses may show later, and one may come up beside.
        const PAUSES_WITHOUT_A_LOOK: u32 = 10;
        let length = LONGEST.min(at_most);
        self.pauses += 1;
        if !self.watch(holders) {
            std::thread::sleep(length);
            return true;
        }
        // the handles are one after the other, as the system wants them
        let (instances, watched): (Vec<Instance>, Vec<Watched>) = self.watched.drain(..).unzip();
        let has_ended = platform::wait_for_one(&watched, length);
        self.watched = instances.into_iter().zip(watched).collect();
        has_ended || self.pauses >= PAUSES_WITHOUT_A_LOOK
    }
}

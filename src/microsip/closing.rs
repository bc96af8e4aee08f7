//! Asks MicroSIPs to close, and starts them again as they ran.
//!
//! WM_CLOSE to its own window makes MicroSIP save and exit (mainDlg.cpp OnDestroy); the X in its title bar
//! only hides it. Starting `microsip.exe /exit` instead would run its start-up, which may write the ini.
//! Nothing is ever killed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::instances::{self, Instance, Processes};
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::platform::{self, Rights};

/// The MicroSIPs that were asked to close in one run.
#[derive(Default)]
pub struct Closing {
    asked: Vec<Asked>,
    unreached: Vec<Unreached>,
}

/// One that could not be asked yet.
struct Unreached {
    instance: Instance,
    since: Instant,
    is_said: bool,
}

/// One that was asked to close, with what it takes to start it again.
struct Asked {
    instance: Instance,
    exe: Option<PathBuf>,
    was_visible: bool,
    rights: Option<Rights>,
}

/// A MicroSIP that was started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarted {
    /// Its exe.
    pub exe: PathBuf,
    /// Its process number now.
    pub pid: u32,
}

/// The warning that a MicroSIP could not be closed, or not started again.
#[derive(Debug, thiserror::Error)]
pub enum ClosingWarning {
    #[error("{0} could not be asked to close: {1}")]
    Unreached(Instance, String),
    #[error("{0} was closed and could not be started again: {1}")]
    NotRestarted(Instance, String),
    #[error("{0} was asked to close and has not ended; when it does, it is not started again")]
    StillThere(Instance),
}

impl ToDiagnostic for ClosingWarning {
    fn code(&self) -> Code {
        match self {
            ClosingWarning::Unreached(..) => Code::CloseImpossible,
            ClosingWarning::NotRestarted(..) | ClosingWarning::StillThere(_) => Code::RestartFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                ClosingWarning::Unreached(..) => "exit it by its menu; this goes on waiting until then",
                ClosingWarning::NotRestarted(..) | ClosingWarning::StillThere(_) => "start it by hand",
            }
            .into(),
        )
    }
}

impl Closing {
    /// Asks those that were not asked yet. One that just starts has no window for a moment, and is asked the
    /// next time.
    pub fn ask(&mut self, blockers: &[Instance]) -> Vec<Diagnostic> {
        /// How long a window may take to appear.
        const PATIENCE: Duration = Duration::from_secs(3);
        let mut warnings = Vec::new();
        for holder in blockers {
            if self.asked.iter().any(|asked| asked.instance.is(holder)) {
                continue;
            }
            let window = instances::windows().into_iter().find(|window| window.pid == holder.pid);
            let why_not = match window {
                None => why_no_window(holder, platform::CAN_REACH_WINDOWS),
                Some(window) => {
                    let rights = Rights::of(holder.pid).ok();
                    match window.ask_to_close() {
                        Ok(()) => {
                            let (exe, was_visible) = (holder.exe_on_disk.clone(), window.is_visible);
                            self.asked.push(Asked { instance: holder.clone(), exe, was_visible, rights });
                            continue;
                        }
                        Err(error) => format!("{error}; it may run with more rights than this"),
                    }
                }
            };
            let index = self.unreached.iter().position(|other| other.instance.is(holder));
            let index = index.unwrap_or_else(|| {
                let instance = holder.clone();
                self.unreached.push(Unreached { instance, since: Instant::now(), is_said: false });
                self.unreached.len() - 1
            });
            let unreached = &mut self.unreached[index];
            let can_change = platform::CAN_REACH_WINDOWS && unreached.since.elapsed() < PATIENCE;
            if !unreached.is_said && !can_change {
                unreached.is_said = true;
                warnings.push(Diagnostic::from(&ClosingWarning::Unreached(holder.clone(), why_not)));
            }
        }
        warnings
    }

    /// Those that were asked to close and have ended.
    pub fn closed(&self, processes: &Processes) -> Vec<Instance> {
        let asked = self.asked.iter().map(|asked| &asked.instance);
        asked.filter(|instance| !processes.is_there(instance)).cloned().collect()
    }

    /// Starts again what was closed, each exe once: with no argument, or with `/minimized` if its window was
    /// hidden. Its old arguments may have dialled a number. One that somebody started meanwhile is left alone.
    pub fn restart(self, processes: &Processes) -> (Vec<Restarted>, Vec<Diagnostic>) {
        let (mut restarted, mut warnings): (Vec<Restarted>, _) = (Vec::new(), Vec::new());
        for Asked { instance, exe, was_visible, rights } in self.asked {
            let is_running = |processes: &Processes| {
                let stem = exe.as_ref().and_then(|exe| exe.file_stem()).unwrap_or_default();
                let all = processes.instances(&[&stem.to_string_lossy().to_lowercase()]);
                all.iter().any(|other| other.exe.eq_ignore_ascii_case(&instance.exe))
            };
            if processes.is_there(&instance) {
                warnings.push(Diagnostic::from(&ClosingWarning::StillThere(instance)));
                continue;
            }
            if is_running(processes) {
                continue;
            }
            let argument = (!was_visible).then_some("/minimized");
            let started = exe.ok_or_else(|| "its exe is not known".to_string()).and_then(|exe| {
                let pid = platform::start(&exe, argument, rights.as_ref());
                pid.map(|pid| Restarted { exe, pid }).map_err(|error| error.to_string())
            });
            match started {
                Ok(one) => restarted.push(one),
                Err(why) => warnings.push(Diagnostic::from(&ClosingWarning::NotRestarted(instance, why))),
            }
        }
        (restarted, warnings)
    }
}

fn why_no_window(holder: &Instance, can_reach_windows: bool) -> String {
    match (can_reach_windows, holder.session) {
        (false, _) => "a program under Wine is closed by programs under Wine".into(),
        // services and their children have no desktop of a user's
        (true, Some(0)) => {
            "it runs in Windows session 0, as services do, and has no window that can be reached".into()
        }
        (true, Some(session)) => {
            format!("its window cannot be reached from here; it runs in Windows session {session}")
        }
        (true, None) => "its window cannot be reached from here".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(session: Option<u32>) -> Instance {
        Instance {
            pid: 4,
            started: 1,
            exe: r"C:\MicroSIP\MicroSIP.exe".into(),
            exe_on_disk: None,
            user: Some("ann".into()),
            is_own: false,
            session,
            inis: None,
        }
    }

    #[test]
    fn what_cannot_be_closed_is_told_with_the_reason() {
        for (can_reach, session, reason) in [
            (false, None, "Wine"),
            (true, Some(0), "as services do"),
            (true, Some(3), "Windows session 3"),
            (true, None, "cannot be reached"),
        ] {
            let why = why_no_window(&instance(session), can_reach);
            assert!(why.contains(reason), "{why}");
            let notice = Diagnostic::from(&ClosingWarning::Unreached(instance(session), why));
            assert_eq!(notice.code, Code::CloseImpossible);
            assert!(notice.message.contains("pid 4, user ann"), "{}", notice.message);
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "there one without a window may get it yet, and is waited for")]
    fn one_that_cannot_be_asked_is_told_of_once() {
        let mut closing = Closing::default();
        assert_eq!(closing.ask(&[instance(None)]).len(), 1);
        assert_eq!(closing.ask(&[instance(None)]), []);
        let (restarted, warnings) = closing.restart(&Processes::default());
        assert!(restarted.is_empty() && warnings.is_empty());
    }
}

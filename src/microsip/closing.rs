//! Asks MicroSIP to close, and starts it again the way it ran.
//!
//! WM_CLOSE to MicroSIP's window makes it save and exit (mainDlg.cpp OnDestroy); the X in its title bar only hides
//! it. `microsip.exe /exit` isn't used, because its start-up may write the ini. Nothing is ever killed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::desktop;
use super::instances::{self, Instance, Processes};
use crate::diagnostic::{Code, Diagnostic};
use crate::platform::{self, Rights};

/// The instances that one run asked to close.
#[derive(Default)]
pub struct Closing {
    asked: Vec<Asked>,
    unreachable: Vec<Unreachable>,
}

/// An instance that couldn't be asked yet.
struct Unreachable {
    instance: Instance,
    since: Instant,
    has_warned: bool,
}

/// An instance that was asked to close, with what is needed to start it again.
struct Asked {
    instance: Instance,
    exe: Option<PathBuf>,
    was_visible: bool,
    rights: Option<Rights>,
}

/// A MicroSIP that was started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restarted {
    /// The exe.
    pub exe: PathBuf,
    /// The new process number.
    pub pid: u32,
}

impl Closing {
    /// Asks the instances that weren't asked yet, and returns a warning for each that can't be.
    ///
    /// An instance that is just starting has no window yet. It is asked the next time.
    pub fn ask(&mut self, blockers: &[Instance]) -> Vec<Diagnostic> {
        let mut warnings = Vec::new();
        for blocker in blockers {
            if self.asked.iter().any(|asked| asked.instance.is_same_process(blocker)) {
                continue;
            }
            let window = instances::windows().into_iter().find(|window| window.pid == blocker.pid);
            let reason = match window {
                None => why_no_window(blocker, platform::CAN_REACH_WINDOWS),
                Some(window) => {
                    let rights = Rights::of(blocker.pid).ok();
                    match window.ask_to_close() {
                        Ok(()) => {
                            let (exe, was_visible) = (blocker.exe_on_disk.clone(), window.is_visible);
                            self.asked.push(Asked { instance: blocker.clone(), exe, was_visible, rights });
                            continue;
                        }
                        Err(error) => format!("{error}; it may run with higher privileges than msipcfg"),
                    }
                }
            };
            if self.should_warn(blocker) {
                warnings.push(unreachable(blocker, &reason));
            }
        }
        warnings
    }

    /// Returns whether to warn about an unreachable instance: once, when its window has had time to appear.
    fn should_warn(&mut self, instance: &Instance) -> bool {
        const WINDOW_DELAY: Duration = Duration::from_secs(3);
        let known = self.unreachable.iter().position(|other| other.instance.is_same_process(instance));
        let index = known.unwrap_or_else(|| {
            let since = Instant::now();
            self.unreachable.push(Unreachable { instance: instance.clone(), since, has_warned: false });
            self.unreachable.len() - 1
        });
        let unreachable = &mut self.unreachable[index];
        let may_get_window = platform::CAN_REACH_WINDOWS && unreachable.since.elapsed() < WINDOW_DELAY;
        if unreachable.has_warned || may_get_window {
            return false;
        }
        unreachable.has_warned = true;
        true
    }

    /// Returns the instances that were asked to close and have exited.
    pub fn closed(&self) -> Vec<Instance> {
        let asked = self.asked.iter().map(|asked| &asked.instance);
        asked.filter(|instance| !instance.is_running()).cloned().collect()
    }

    /// Starts each closed exe once, unless somebody started it in the meantime.
    ///
    /// It gets no arguments, or `/minimized` if its window was hidden. Its old arguments may have dialed a number.
    pub fn restart(self, processes: &Processes) -> (Vec<Restarted>, Vec<Diagnostic>) {
        let (mut restarted, mut warnings): (Vec<Restarted>, _) = (Vec::new(), Vec::new());
        for Asked { instance, exe, was_visible, rights } in self.asked {
            if instance.is_running() {
                let message =
                    format!("{instance} was asked to close but is still running, so it won't be restarted");
                let warning = Diagnostic::new(Code::RestartFailed, message)
                    .with_hint("once it has exited, start it yourself");
                warnings.push(warning);
                continue;
            }
            let stem = exe.as_ref().and_then(|exe| exe.file_stem()).unwrap_or_default();
            // whether somebody started it in the meantime matters little: a second start only shows the window
            let running = processes.instances(&[&stem.to_string_lossy().to_lowercase()]).unwrap_or_default();
            if running.iter().any(|other| other.exe.eq_ignore_ascii_case(&instance.exe)) {
                continue;
            }
            let argument = (!was_visible).then_some("/minimized");
            let started = exe.ok_or_else(|| "its exe isn't known".to_string()).and_then(|exe| {
                let pid = desktop::start_like(&exe, argument, rights);
                pid.map(|pid| Restarted { exe, pid }).map_err(|error| error.to_string())
            });
            match started {
                Ok(instance) => restarted.push(instance),
                Err(why) => {
                    let message = format!("{instance} was closed, but can't be started again: {why}");
                    warnings
                        .push(Diagnostic::new(Code::RestartFailed, message).with_hint("start it yourself"));
                }
            }
        }
        (restarted, warnings)
    }
}

fn unreachable(instance: &Instance, reason: &str) -> Diagnostic {
    Diagnostic::new(Code::CloseImpossible, format!("{instance} can't be asked to close: {reason}"))
        .with_hint("exit it from its menu; msipcfg waits for that")
}

/// Returns the reason why an instance has no window that msipcfg can reach.
fn why_no_window(instance: &Instance, can_reach_windows: bool) -> String {
    if !can_reach_windows {
        return "only a Windows program in the same Wine prefix can do that".into();
    }
    match instance.session {
        // services and the programs that they start have no user's desktop
        Some(0) => {
            "it runs in Windows session 0, as services do, and has no window that can be reached".into()
        }
        Some(session) => {
            format!("it runs in Windows session {session}, and its window can't be reached from here")
        }
        None => "its window can't be reached from here".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::used_inis::UsedInis;
    use crate::platform::UserId;

    fn instance(session: Option<u32>) -> Instance {
        Instance {
            pid: 4,
            started: 1,
            exe: r"C:\MicroSIP\MicroSIP.exe".into(),
            exe_on_disk: None,
            user: Some(UserId("ann".into())),
            is_own: false,
            session,
            inis: UsedInis::Known(Vec::new()),
            is_refused: false,
        }
    }

    #[test]
    fn an_unreachable_instance_is_reported_with_the_reason() {
        for (can_reach, session, reason) in [
            (false, None, "Wine"),
            (true, Some(0), "as services do"),
            (true, Some(3), "Windows session 3"),
            (true, None, "can't be reached"),
        ] {
            let why = why_no_window(&instance(session), can_reach);
            assert!(why.contains(reason), "{why}");
            let warning = unreachable(&instance(session), &why);
            assert_eq!(warning.code, Code::CloseImpossible);
            assert!(warning.message.contains("pid 4, user ann"), "{}", warning.message);
        }
    }

    #[test]
    #[cfg_attr(windows, ignore = "on Windows, the window of an instance may still appear")]
    fn an_unreachable_instance_is_reported_once() {
        let mut closing = Closing::default();
        assert_eq!(closing.ask(&[instance(None)]).len(), 1);
        assert_eq!(closing.ask(&[instance(None)]), []);
        let (restarted, warnings) = closing.restart(&Processes::default());
        assert!(restarted.is_empty() && warnings.is_empty());
    }
}

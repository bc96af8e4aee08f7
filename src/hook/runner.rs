//! The runner: the small program that MicroSIP starts instead of another one, so that msipcfg carries out the actions
//! of an event. Pure.

use super::command::HookCommand;
use super::event::Event;

/// The file name of the runner.
pub const NAME: &str = "msipcfg-run.exe";

/// Where the installer puts the runner. It's used where msipcfg can't see the computer that will run it.
pub const INSTALLED: &str = r"C:\Program Files\msipcfg\msipcfg-run.exe";

/// The option that names the ini.
const INI: &str = "--ini";

/// Returns whether a command starts the runner, whatever for.
pub fn is_runner(command: &HookCommand) -> bool {
    let name = command.program.rsplit(['\\', '/']).next();
    name.is_some_and(|name| name.eq_ignore_ascii_case(NAME))
}

/// What the runner is started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerCall {
    /// The ini, if it isn't the usual one of the user who runs it.
    pub ini: Option<String>,
    /// The event.
    pub event: Event,
}

impl RunnerCall {
    /// Returns the command that starts the runner.
    pub fn command(&self, runner: &str) -> HookCommand {
        let ini = self.ini.iter().flat_map(|ini| [INI.to_string(), ini.clone()]);
        let args = ini.chain([self.event.name().to_string()]).collect();
        HookCommand { program: runner.to_string(), args }
    }

    /// Returns what a command starts the runner for; `None` if it starts another program.
    pub fn of(command: &HookCommand) -> Option<RunnerCall> {
        if !is_runner(command) {
            return None;
        }
        match &command.args[..] {
            [event] => Some(RunnerCall { ini: None, event: event.parse().ok()? }),
            [option, ini, event] if option == INI => {
                Some(RunnerCall { ini: Some(ini.clone()), event: event.parse().ok()? })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_recognized_by_its_command() {
        for call in [
            RunnerCall { ini: None, event: Event::Ring },
            RunnerCall { ini: Some(r"D:\My Phone\MicroSIP.ini".into()), event: Event::AnswerVideo },
        ] {
            assert_eq!(RunnerCall::of(&call.command(INSTALLED)), Some(call));
        }
        for (program, args) in [
            (r"C:\x\msipcfg.exe", &["ring"][..]),
            (INSTALLED, &[]),
            (INSTALLED, &["bell"]),
            (INSTALLED, &["ring", "100"]),
        ] {
            let args = args.iter().map(ToString::to_string).collect();
            assert_eq!(RunnerCall::of(&HookCommand { program: program.into(), args }), None, "{program}");
        }
    }
}

//! What an ini starts at an event: the runner or another program, and where the runner is.

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::command::{self, HookCommand};
use crate::hook::event::Event;
use crate::hook::runner::{self, RunnerCall};
use crate::hook::target::TargetContext;
use crate::ini::document::IniDocument;
use crate::platform::{Env, FileSystemExt as _, SystemFs, WindowsPaths};

use super::error::Error;
use super::hook_state::{target_context, text_of};
use super::ini::Ini;

/// Returns the path of the runner in the commands of an ini.
pub fn runner_in(document: &IniDocument) -> Option<String> {
    Event::ALL.iter().find_map(|event| {
        let command = command_of(*event, document)?;
        RunnerCall::of(&command).map(|_| command.program)
    })
}

/// Returns the path of the runner in the commands of an ini, unless that is where msipcfg looks for it.
pub fn unusual_runner(ini: &Ini, document: &IniDocument, env: &Env) -> Option<String> {
    let is_native = target_context(ini, env).paths == WindowsPaths::Native;
    let usual = if is_native { runner_beside(env).ok() } else { Some(runner::INSTALLED.to_string()) };
    let is_usual = |path: &String| usual.is_some_and(|usual| usual.eq_ignore_ascii_case(path));
    runner_in(document).filter(|path| !is_usual(path))
}

/// Returns the runner next to this program.
pub fn runner_beside(env: &Env) -> Result<String, Error> {
    let beside = env.own_folder.as_ref().map(|folder| folder.join(runner::NAME));
    match beside {
        Some(path) if SystemFs.is_file(&path) => Ok(path.to_string_lossy().into_owned()),
        beside => {
            let own = env.own_program.clone().unwrap_or_default();
            let message = format!(
                "{} isn't next to {}, so MicroSIP couldn't start the action",
                beside.unwrap_or_else(|| runner::NAME.into()).display(),
                own.display()
            );
            let hint = "copy both programs from the download into the same folder, or name the runner with --runner PATH";
            Err(Diagnostic::new(Code::RunnerMissing, message).with_hint(hint).into())
        }
    }
}

/// Returns the path that the runner needs for an ini that isn't the usual one of its user.
pub fn unusual_ini(ini: &Ini, targets: &TargetContext, env: &Env) -> Option<String> {
    let shown = ini.file.shown();
    let windows = targets.paths.to_windows(shown).unwrap_or_else(|| shown.to_string_lossy().into_owned());
    let usual_end = r"\AppData\Roaming\MicroSIP\MicroSIP.ini";
    let is_of_env = env.app_data.as_ref().is_some_and(|folder| {
        let usual = folder.join("MicroSIP").join("MicroSIP.ini");
        usual.to_string_lossy().eq_ignore_ascii_case(&shown.to_string_lossy())
    });
    let is_in_profile = targets.paths != WindowsPaths::Native
        && windows.replace('/', "\\").to_ascii_lowercase().ends_with(&usual_end.to_ascii_lowercase());
    (!is_of_env && !is_in_profile).then_some(windows)
}

/// Returns whether an ini starts the runner at an event.
pub fn has_runner(event: Event, document: &IniDocument) -> bool {
    command_of(event, document).is_some_and(|command| RunnerCall::of(&command).is_some())
}

/// Returns the command of an event as MicroSIP reads it.
pub fn command_of(event: Event, document: &IniDocument) -> Option<HookCommand> {
    let (_, text) = text_of(event, document)?;
    let parts = command::command_line_to_argv(&command::read(&text));
    let mut parts = parts.into_iter().map(|part| String::from_utf16_lossy(&part));
    let program = parts.next().filter(|program| !program.is_empty())?;
    Some(HookCommand { program, args: parts.collect() })
}

/// Returns the program of an event, unless that is the runner.
pub fn program_of(event: Event, document: &IniDocument) -> Option<HookCommand> {
    command_of(event, document).filter(|command| RunnerCall::of(command).is_none())
}

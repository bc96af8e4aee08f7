//! Suggests what does what the user intended: another text for a broken command, or another command line.

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::command::{self, Decoded, HookCommand, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::meaning;
use crate::hook::target::{self, Allow, TargetContext, TargetError};
use crate::ini::wide;
use crate::platform::Env;
use crate::quote::command_line;
use crate::request::{HookText, SetHook, WriteOptions};

use super::hook_state::target_context;
use super::ini::Ini;

/// Returns the value to use instead, if the intention is clear and another text fulfills it. `stand_in` is a word
/// in it that stands for any user's name.
pub fn text_for(
    text: &str,
    decoded: &Decoded,
    stand_in: Option<&str>,
    event: Event,
    save_dialect: &SaveDialect,
    targets: &TargetContext,
) -> Option<String> {
    let command = meaning::intended_command(text, decoded)?;
    let suggestion = match stand_in {
        Some(name) => meaning::working_text_for_any_user(&command, name, event, save_dialect),
        None => meaning::working_text(&startable(command, targets)?, event, save_dialect),
    };
    // The same value in other quotes fixes nothing.
    suggestion.filter(|suggestion| command::read(&wide(suggestion)) != wide(&decoded.value))
}

/// Returns a command that MicroSIP can start: a script is started with its interpreter.
fn startable(command: HookCommand, targets: &TargetContext) -> Option<HookCommand> {
    if !target::check(&command, targets).iter().any(TargetError::is_fatal) {
        return Some(command);
    }
    let allow = Allow { missing: true, unsafe_target: true, mark: true };
    target::resolve(&command, targets, allow).ok().map(|(command, _)| command)
}

/// Refuses hooks with a path that isn't quoted, and shows the command that sets them with quotes. Only the first hook
/// is looked at, because all have the same command.
///
/// # Errors
/// If a path isn't quoted.
pub fn refuse_unquoted_path(
    sets: &[SetHook],
    options: WriteOptions,
    save_dialect: &SaveDialect,
    ini: &Ini,
    env: &Env,
) -> Result<(), Diagnostic> {
    let Some(set) = sets.first() else { return Ok(()) };
    let (message, advice, command) = match &set.what {
        HookText::Action(_) => return Ok(()),
        HookText::Command(typed) => {
            if let Some(HookTextError::Url) = command::refused_program(&typed.program) {
                return Err(web_address(typed, sets, ini));
            }
            let Some((command, path)) = target::rejoined(typed, &target_context(ini, env)) else {
                return Ok(());
            };
            let message =
                format!("the path '{path}' contains a space and isn't quoted, so it arrived in pieces");
            (message, "put the path in quotes", command)
        }
        HookText::Raw(text) | HookText::Value(text) => {
            // `set` has the value, which MicroSIP would read between quotes
            let text = match &set.what {
                HookText::Value(value) => &command::save(value, save_dialect.dialect),
                _ => text,
            };
            let decoded = command::decode(&wide(text), set.event, save_dialect);
            let Some(error) = decoded.errors.iter().find(|error| error.unquoted_path().is_some()) else {
                return Ok(());
            };
            let Some(command) = meaning::intended_command(text, &decoded) else { return Ok(()) };
            (error.to_string(), "use set-hook, which adds the quotes that MicroSIP needs", command)
        }
    };
    let events: Vec<&str> = sets.iter().map(|set| set.event.name()).collect();
    let mut args = ["msipcfg", "set-hook", "--ini"].map(String::from).to_vec();
    args.push(ini.path.to_string_lossy().into_owned());
    args.extend(options.dry_run.then(|| "--dry-run".into()));
    args.extend(options.create.then(|| "--create".into()));
    if let Some(version) = set.version {
        args.extend(["--microsip-version".into(), version.to_string()]);
    }
    args.extend(set_hook_args(set, &events.join(","), &command));
    let hint = format!("{advice}:\n{}", command_line(&args));
    Err(Diagnostic::new(Code::HookPathUnquoted, message).with_hint(hint))
}

/// Returns the error that a web address isn't a program, with the command that opens it.
fn web_address(typed: &HookCommand, sets: &[SetHook], ini: &Ini) -> Diagnostic {
    let url = &typed.program;
    // addresses that end like this were written for a number that is appended
    let number = if url.contains('{') || !url.ends_with(['=', '/']) { "" } else { "{number}" };
    let events: Vec<&str> = sets.iter().map(|set| set.event.name()).collect();
    let mut args = ["msipcfg", "set-hook", "--ini"].map(String::from).to_vec();
    args.push(ini.path.to_string_lossy().into_owned());
    args.extend([events.join(","), "--open".into(), format!("{url}{number}")]);
    let hint = format!("to open it in the browser:\n{}", command_line(&args));
    Diagnostic::new(Code::HookUrl, HookTextError::Url.to_string()).with_hint(hint)
}

/// Returns the arguments of `set-hook` that set this command at these events, with the options of a request.
pub fn set_hook_args(set: &SetHook, events: &str, command: &HookCommand) -> Vec<String> {
    let options = [
        (set.add, "--add"),
        (set.direct, "--direct"),
        (set.allow.missing, "--allow-missing"),
        (set.allow.unsafe_target, "--allow-unsafe"),
        (set.allow.mark, "--unblock"),
    ];
    let options = options.iter().filter(|(is_set, _)| *is_set).map(|(_, option)| option.to_string());
    let runner = set.runner.iter().flat_map(|path| ["--runner".to_string(), path.clone()]);
    let mut args: Vec<String> = options.chain(runner).chain([events.to_string()]).collect();
    let parts = || std::iter::once(&command.program).chain(&command.args);
    if parts().any(|part| part.starts_with('-')) {
        args.push("--".into());
    }
    args.extend(parts().cloned());
    args
}

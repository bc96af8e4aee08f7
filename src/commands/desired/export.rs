//! `export`: the state of an ini as a desired-state file.

use std::path::Path;

use crate::commands::context::{Context, RunEvent};
use crate::commands::error::Error;
use crate::commands::hook_actions;
use crate::commands::hook_edit::edit_for;
use crate::commands::hook_state::{self, save_dialect};
use crate::commands::ini::{Ini, reading_warnings};
use crate::commands::outcome::RawText;
use crate::commands::printed_file::print_or_write;
use crate::commands::runner_command::unusual_runner;
use crate::desired::export::ExportedState;
use crate::desired::hooks::{ActionSettings, Hook};
use crate::diagnostic::{Code, Diagnostic};
use crate::hook::action::Actions;
use crate::hook::command;
use crate::hook::event::Event;
use crate::hook::runner::RunnerCall;
use crate::ini::document::IniDocument;
use crate::platform::Env;
use crate::request::{HookText, IniChoice, SetHook};

/// Exports the state of an ini, to standard output or to a file.
///
/// # Errors
/// No ini was found, it can't be read, or the file can't be written.
pub fn export(
    choice: &IniChoice,
    output: Option<&Path>,
    context: &mut Context<'_>,
) -> Result<RawText, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    if output.is_some_and(|output| context.fs.is_same_file(output, &ini.path).unwrap_or(false)) {
        let message =
            format!("{} is the ini itself, so it can't be replaced by its state", ini.path.display());
        return Err(Diagnostic::new(Code::Usage, message).with_hint("use another file with --output").into());
    }
    let (actions, mistake) = hook_actions::read_or_warn(&ini, context.fs);
    let state = state_of(&ini, &decoded.document, &actions, context.env);
    for warning in reading_warnings(&decoded).into_iter().chain(mistake).chain(state.warnings()) {
        (context.report)(RunEvent::Warning(warning));
    }
    print_or_write(state.toml(), output, context)
}

/// Returns the state of an ini, as far as it can be exported.
pub fn state_of(ini: &Ini, document: &IniDocument, actions: &Actions, env: &Env) -> ExportedState {
    let hook = |event: &Event| Some((*event, exported_hook(*event, ini, document, actions, env)?));
    let hooks: Vec<_> = Event::ALL.iter().filter_map(hook).collect();
    let has_actions = hooks.iter().any(|(_, hook)| matches!(hook, Ok(Hook::Actions(_))));
    let default = Actions::default();
    let settings = ActionSettings {
        runner: if has_actions { unusual_runner(ini, document, env) } else { None },
        numbers: Some(&actions.numbers).filter(|numbers| **numbers != default.numbers).cloned(),
        history: Some(actions.history).filter(|history| *history != default.history),
    };
    ExportedState::of(document, hooks, settings)
}

/// Returns the hook of an event, or why it couldn't be set again.
fn exported_hook(
    event: Event,
    ini: &Ini,
    document: &IniDocument,
    actions: &Actions,
    env: &Env,
) -> Option<Result<Hook, String>> {
    let own = actions.of(event);
    let text = hook_state::text_of(event, document).map(|(_, text)| text).unwrap_or_default();
    let save_dialect = save_dialect(None, ini, document, env);
    let decoded = command::decode(&text, event, &save_dialect);
    let Some(command) = decoded.command() else {
        let why = "it has actions, but MicroSIP doesn't start msipcfg-run on it; run 'msipcfg doctor --fix'";
        return (!own.is_empty()).then(|| Err(why.into()));
    };
    if RunnerCall::of(&command).is_some() {
        let mut own = own.to_vec();
        if own.iter_mut().any(|action| action.private_url_mut().is_some()) {
            return Some(Err("the address of an action contains a password".into()));
        }
        return (!own.is_empty()).then_some(Ok(Hook::Actions(own)));
    }
    if let Some(error) = decoded.errors.iter().find(|error| error.is_fatal()) {
        return Some(Err(error.to_string()));
    }
    let what = HookText::Command(command.clone());
    let set = SetHook::new(event, what);
    Some(match edit_for(&set, &save_dialect, ini, env) {
        Ok(_) => Ok(Hook::Program(command)),
        Err(error) => Err(error.to_string()),
    })
}

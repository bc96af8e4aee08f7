//! Problems of the actions: of the file that contains them, and of the events at which MicroSIP starts the runner.

use crate::commands::hook_actions::{ActionsEditor, event_has_program};
use crate::commands::hook_state::save_dialect;
use crate::commands::ini::Ini;
use crate::commands::runner_command::has_runner;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::companion;
use crate::edit::plan::Edit;
use crate::hook::event::Event;
use crate::ini::encoding::Decoded;
use crate::ini::name::KeyPath;
use crate::microsip::keys::setting_path;
use crate::platform::{Env, FileSystem};

use super::finding::{Finding, Fix, Severity};

/// Returns every problem of the actions of an ini.
pub fn check(ini: &Ini, decoded: &Decoded, env: &Env, fs: &dyn FileSystem) -> Vec<Finding> {
    let document = &decoded.document;
    let file = ini.file.shown_for(&companion::path_for(ini.file.to_open()));
    let mut actions = match ActionsEditor::open(ini, env, fs) {
        Ok(actions) => actions,
        Err(error) => return vec![Finding::new(Severity::Error, &error).in_file(file)],
    };
    let save_dialect = save_dialect(None, ini, document, env);
    let needed = actions.needed_events();
    let mut findings = Vec::new();
    for event in Event::ALL.iter().copied() {
        let has_runner = has_runner(event, document);
        let has_program = actions.has_program(event, document);
        let finding = match (needed.contains(&event), has_runner) {
            (true, false) if has_program => {
                Some(Finding::new(Severity::Warning, &event_has_program(event, actions.has_actions(event))))
            }
            (true, false) if save_dialect.supports(event) => {
                let finding = runner_unset(event, actions.has_actions(event));
                Some(match actions.runner_edit(event, document, &save_dialect) {
                    Ok(edit) => finding.fixed_by(Fix::Edit(edit)),
                    Err(error) => match error.hint() {
                        Some(hint) => finding.with_hint(format!("{error}; {hint}")),
                        None => finding.with_hint(error.to_string()),
                    },
                })
            }
            (false, true) => Some(runner_unneeded(event)),
            _ => None,
        };
        findings.extend(finding.map(|finding| finding.of("Settings", event.key())));
    }
    findings
}

/// Fixes the commands whose runner isn't where it was, if it's known where it is now.
pub fn fix_moved_runners(
    findings: &mut [Finding],
    ini: &Ini,
    decoded: &Decoded,
    env: &Env,
    fs: &dyn FileSystem,
) {
    let document = &decoded.document;
    let Ok(mut actions) = ActionsEditor::open(ini, env, fs) else { return };
    let Some(runner) = actions.runner_here() else { return };
    actions.use_runner(runner.clone());
    let save_dialect = save_dialect(None, ini, document, env);
    for event in Event::ALL.iter().copied().filter(|event| has_runner(*event, document)) {
        let key = setting_path("Settings", event.key());
        let is_missing = |finding: &&mut Finding| {
            finding.diagnostic.code == Code::HookTargetMissing && finding.key.as_ref() == Some(&key)
        };
        if let Some(finding) = findings.iter_mut().find(is_missing)
            && let Ok(edit) = actions.runner_edit(event, document, &save_dialect)
        {
            finding.commands.clear();
            finding.diagnostic.message.push_str(&format!("; msipcfg-run is {runner} now"));
            finding.diagnostic.hint = None;
            finding.fix = Some(Fix::Edit(edit));
        }
    }
}

fn runner_unset(event: Event, has_actions: bool) -> Finding {
    let message = if has_actions {
        format!("MicroSIP doesn't start msipcfg-run on {event}, so the actions of {event} don't happen")
    } else {
        format!("MicroSIP doesn't start msipcfg-run on {event}, although the actions of other events need it")
    };
    Finding::error(Code::RunnerUnset, message)
}

fn runner_unneeded(event: Event) -> Finding {
    let message = format!("MicroSIP starts msipcfg-run on {event}, but no action needs it");
    let path = KeyPath::in_settings(event.key()).ok();
    Finding::info(Code::RunnerUnneeded, message).fixed_by(path.map(|path| Fix::Edit(Edit::Unset { path })))
}

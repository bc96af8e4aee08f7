//! `set-hook` and `unset-hook`.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic};
use crate::edit::plan::Edit;
use crate::hook::action::Action;
use crate::hook::command;
use crate::hook::event::Event;
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::platform;
use crate::request::{HookText, IniChoice, SetHook, WriteOptions};

use super::context::Context;
use super::error::Error;
use super::hook_actions::{ActionsEditor, run_with_number};
use super::hook_edit::{dialect_after, edit_for};
use super::hook_state::save_dialect;
use super::ini::Ini;
use super::suggestion;
use super::write::{Draft, write};
use super::written::WriteOutcome;

/// Sets the hooks of events; all succeed or none do.
///
/// # Errors
/// As [`write`], or a hook was refused.
pub fn set(
    choice: &IniChoice,
    sets: &[SetHook],
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    let ini = Ini::choose_or_create(choice, options.create, context)?;
    let (env, fs, secret) = (context.env, context.fs, context.secret);
    let is_dry_run = options.dry_run;
    let mut blocked: Vec<PathBuf> = Vec::new();
    let written = write(&ini, options, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let (mut edits, mut warnings) = (Vec::new(), Vec::new());
        blocked.clear();
        let version = sets.iter().find_map(|set| set.version);
        let dialect = dialect_after(version, sets.iter().map(|set| set.event), &[], ini, &decoded, env)?;
        suggestion::refuse_unquoted_path(sets, options, &dialect, ini, env)?;
        let mut actions = ActionsEditor::open(ini, env, fs)?;
        let (mut with_actions, mut with_programs) = (Vec::new(), Vec::new());
        for set in sets {
            if let Some(action) = action_of(set) {
                actions.set(set, action, &decoded.document, secret)?;
                with_actions.push(set.event);
                continue;
            }
            actions.clear(set.event);
            with_programs.push(set.event);
            let hook = edit_for(set, &dialect, ini, env)?;
            warnings.extend(hook.warnings);
            edits.push(hook.edit);
            // Several events may run the same program.
            for path in hook.marked {
                if !blocked.contains(&path) {
                    warnings.push(unblock_warning(&path, is_dry_run));
                    blocked.push(path);
                }
            }
        }
        edits.extend(actions.runner_edits(&decoded.document, &dialect, &with_actions, &with_programs)?);
        warnings.append(&mut actions.warnings);
        let change = actions.change()?;
        Ok(Draft { actions: change, ..Draft::of_edits(decoded, &edits, warnings)? })
    })?;
    // Last of all: unlike an ini, a mark can't be restored, so an edit that is refused or stopped must leave it.
    // In between, Windows could at worst ask whether to start the program.
    if !is_dry_run {
        for path in blocked {
            platform::remove_download_mark(&path)
                .map_err(|error| not_unblocked(&path, &error, written.changed))?;
        }
    }
    Ok(written)
}

/// Returns the action of a request: a program becomes one if what the event does now stays.
fn action_of(set: &SetHook) -> Option<Action> {
    match &set.what {
        HookText::Action(action) => Some((**action).clone()),
        HookText::Command(command) if set.add => Some(Action::for_everybody(run_with_number(command))),
        _ => None,
    }
}

/// Removes the hooks of events, or one action of an event.
///
/// # Errors
/// As [`write`], or the event has no action with this number.
pub fn unset(
    choice: &IniChoice,
    events: &[Event],
    action: Option<usize>,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    let ini = Ini::choose(choice, context)?;
    let (env, fs) = (context.env, context.fs);
    write(&ini, options, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let mut actions = ActionsEditor::open(ini, env, fs)?;
        let mut edits = Vec::new();
        for event in events {
            if let Some(number) = action {
                actions.remove(*event, number)?;
                continue;
            }
            actions.clear(*event);
            // An empty command runs nothing; its line shows which MicroSIP wrote the ini, so it stays.
            let value = lookup::value(&decoded.document, "Settings", event.key(), command::READ_LIMIT);
            if value.is_some_and(|value| !value.is_empty()) && !actions.has_runner(*event, &decoded.document)
            {
                edits.push(Edit::Unset { path: KeyPath::in_settings(event.key())? });
            }
        }
        let dialect = save_dialect(None, ini, &decoded.document, env);
        edits.extend(actions.runner_edits(&decoded.document, &dialect, &[], &[])?);
        let warnings = std::mem::take(&mut actions.warnings);
        let change = actions.change()?;
        Ok(Draft { actions: change, ..Draft::of_edits(decoded, &edits, warnings)? })
    })
}

fn unblock_warning(path: &Path, is_dry_run: bool) -> Diagnostic {
    let done =
        if is_dry_run { "without --dry-run, the mark would be removed" } else { "the mark was removed" };
    let message = format!("{} has the \"downloaded from the internet\" mark; {done}", path.display());
    Diagnostic::new(Code::HookTargetUnblocked, message)
}

/// Returns the error that the hook was set, but its program couldn't be unblocked.
fn not_unblocked(path: &Path, error: &io::Error, changed: bool) -> Error {
    let path = path.display();
    let message = format!("the \"downloaded from the internet\" mark of {path} couldn't be removed: {error}");
    let diagnostic = Diagnostic::new(Code::FileWrite, message)
        .with_hint("run the command again, or unblock the file in Explorer: Properties > Unblock");
    Error::Plain { diagnostic, changed }
}

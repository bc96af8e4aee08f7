//! `set-hook` and `unset-hook`.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic};
use crate::edit::plan::Edit;
use crate::hook::command::{self, HookCommand};
use crate::hook::event::Event;
use crate::hook::target::{StartedAs, TargetContext};
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::platform;
use crate::request::{HookText, IniChoice, SetHook, WriteOptions};

use super::context::Context;
use super::error::Error;
use super::hook_actions::ActionsEditor;
use super::hook_edit::{dialect_after, edit_for};
use super::hook_state::{save_dialect, target_context};
use super::ini::Ini;
use super::runner_command::has_runner;
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
        let targets = target_context(ini, env);
        let mut actions = ActionsEditor::open(ini, env, fs)?;
        let (mut with_actions, mut with_programs) = (Vec::new(), Vec::new());
        for set in sets {
            match &set.what {
                HookText::Action(action) => {
                    actions.set(set, (**action).clone(), &decoded.document, secret)?;
                    with_actions.push(set.event);
                }
                HookText::Command(command) if becomes_action(set, command, &targets) => {
                    actions.set_program(set, command, &decoded.document, secret)?;
                    with_actions.push(set.event);
                }
                _ => {
                    refuse_runner(set)?;
                    actions.clear(set.event);
                    with_programs.push(set.event);
                    let hook = edit_for(set, &dialect, ini, env)?;
                    warnings.extend(hook.warnings);
                    edits.push(hook.edit);
                    blocked.extend(hook.marked);
                }
            }
        }
        blocked.append(&mut actions.marked);
        // several events may run the same program
        blocked.sort();
        blocked.dedup();
        warnings.extend(blocked.iter().map(|path| unblock_warning(path, is_dry_run)));
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

/// Returns whether a program becomes an action: if what the event does now stays, or if it's a script, which would take
/// the caller's text for options or commands.
fn becomes_action(set: &SetHook, command: &HookCommand, targets: &TargetContext) -> bool {
    set.add || !set.direct && StartedAs::of(&command.program, targets) != StartedAs::Program
}

/// Refuses a runner for what MicroSIP starts itself.
fn refuse_runner(set: &SetHook) -> Result<(), Diagnostic> {
    if set.runner.is_none() {
        return Ok(());
    }
    let message = "--runner is for actions, but MicroSIP starts this program itself";
    let hint = "remove --runner, or use --add, which makes the program an action";
    Err(Diagnostic::new(Code::Usage, message).with_hint(hint))
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
            if value.is_some_and(|value| !value.is_empty()) && !has_runner(*event, &decoded.document) {
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

//! From a checked change to the ini: shows it, asks whether to save it, writes it, and follows up.

use std::time::Duration;

use super::command_line;
use super::dialog::{Dialog, Exit};
use super::ini::ChosenIni;
use super::texts;
use crate::cli::{interrupt, line};
use crate::commands::Error;
use crate::commands::written::WriteOutcome;
use crate::diagnostic::{Code, Diagnostic, ExitStatus, ToDiagnostic as _};
use crate::hook::action::Work;
use crate::hook::event::Event;
use crate::platform::{self, WindowsPaths};
use crate::request::{
    BackupChoice, ControlRequest, EditRequest, HookText, Request, SetHook, TestHook, WhileRunning,
    WriteOptions,
};

/// Said if the answers describe what is set.
pub const IS_SET_ALREADY: &str = "This is already set, so there is nothing to change.\n";

/// Said if no older state differs.
pub const NOTHING_TO_UNDO: &str = "There is nothing to undo.\n";

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    Saved,
    /// It wasn't saved, or there was nothing to change.
    Unchanged,
    /// The user wants to go back to the previous question.
    Back,
}

/// Works out what an edit would change.
///
/// # Errors
/// The edit is refused.
pub fn check(dialog: &Dialog<'_>, ini: &ChosenIni, edit: &EditRequest) -> Result<WriteOutcome, Error> {
    dialog.edit(&ini.choice, edit.clone(), options(ini, true, WhileRunning::Wait)).0
}

/// Prints why an edit was refused.
///
/// # Errors
/// Other answers can't help, because the ini is the problem.
pub fn print_refusal(dialog: &Dialog<'_>, error: &Error) -> Result<(), Exit> {
    match dialog.print_error(error) {
        ExitStatus::Refused | ExitStatus::No => Ok(()),
        status => Err(Exit::With(status)),
    }
}

/// Asks whether to save an edit, and saves it.
pub fn save(dialog: &Dialog<'_>, ini: &mut ChosenIni, edit: &EditRequest) -> Result<Saving, Exit> {
    let mut preview = match check(dialog, ini, edit) {
        Ok(preview) => preview,
        Err(error) if error.code() == Code::NoBackup => {
            dialog.say(NOTHING_TO_UNDO);
            return Ok(Saving::Unchanged);
        }
        Err(error) => return print_refusal(dialog, &error).map(|()| Saving::Unchanged),
    };
    if !preview.changed {
        let is_undo = matches!(edit, EditRequest::Restore(_));
        dialog.say(if is_undo { NOTHING_TO_UNDO } else { IS_SET_ALREADY });
        return Ok(Saving::Unchanged);
    }
    // the question explains this warning better
    let is_running = preview.warnings.iter().any(|warning| warning.code == Code::MicrosipRunning);
    preview.warnings.retain(|warning| warning.code != Code::MicrosipRunning);
    let question = match edit {
        EditRequest::UnsetHooks { .. } => "Remove it?",
        EditRequest::Restore(BackupChoice::Newest) => {
            dialog.say(&texts::sentence_before_undoing(&preview, "This undoes the last change:"));
            "Undo the last change?"
        }
        EditRequest::Restore(_) => {
            dialog.say(&texts::sentence_before_undoing(&preview, "This changes what happens on calls:"));
            "Go back to this state?"
        }
        _ => "Save it?",
    };
    let while_running = match ask(dialog, question, &preview, is_running)? {
        Answer::Save(while_running) => while_running,
        Answer::Back => return Ok(Saving::Back),
        Answer::Cancel => {
            dialog.say("Nothing was changed.\n");
            return Ok(Saving::Unchanged);
        }
    };
    let write = || dialog.edit(&ini.choice, edit.clone(), options(ini, false, while_running));
    let (written, mut reporter) = interrupt::with_exit_at_once(false, write);
    match written {
        Ok(written) => {
            interrupt::set_changed();
            let is_new = |warning: &&Diagnostic| !preview.warnings.contains(warning);
            written.warnings.iter().filter(is_new).for_each(|warning| dialog.output.warn(warning));
            dialog.say(&texts::saved(&written));
        }
        Err(error) => match dialog.output.print_error(&error, reporter.finish()) {
            ExitStatus::Interrupted => return Err(Exit::With(ExitStatus::Interrupted)),
            _ => return Ok(Saving::Unchanged),
        },
    }
    follow_up(dialog, ini, edit, Written { while_running, was_running: is_running })?;
    ini.create = false;
    if dialog.session.is_stopped() {
        return Err(Exit::With(ExitStatus::Interrupted));
    }
    Ok(Saving::Saved)
}

fn options(ini: &ChosenIni, dry_run: bool, while_running: WhileRunning) -> WriteOptions {
    /// Long, because the user is watching and can press Ctrl-C.
    const TIMEOUT: Duration = Duration::from_secs(60 * 60);
    WriteOptions {
        dry_run,
        create: ini.create,
        timeout: TIMEOUT,
        while_running,
        backup: true,
        keep_backups: WriteOptions::DEFAULT_BACKUPS,
        any_ini: false,
    }
}

/// The answer to the question whether to save.
#[derive(Clone, Copy)]
enum Answer {
    Save(WhileRunning),
    Cancel,
    Back,
}

/// Asks whether to save, and what to do about a running MicroSIP. The change itself is shown on request.
fn ask(
    dialog: &Dialog<'_>,
    question: &str,
    preview: &WriteOutcome,
    is_running: bool,
) -> Result<Answer, Exit> {
    preview.warnings.iter().for_each(|warning| dialog.output.warn(warning));
    let mut answers = vec![("Yes", Some(Answer::Save(WhileRunning::Wait)))];
    if is_running {
        dialog
            .say("MicroSIP is running and would undo this change when it exits, so it has to exit first.\n");
        answers[0].0 = "Yes, after I exit MicroSIP myself (its menu > Exit)";
        if platform::CAN_REACH_WINDOWS {
            let close = "Yes, close MicroSIP and start it again (ends any call)";
            answers.insert(0, (close, Some(Answer::Save(WhileRunning::CloseAndRestart))));
        }
    }
    answers.extend([("Show what changes in the files", None), ("No, change nothing", Some(Answer::Cancel))]);
    let labels: Vec<&str> = answers.iter().map(|(label, _)| *label).collect();
    loop {
        match dialog.select(question, &labels, 0)?.map(|index| answers[index].1) {
            Some(Some(answer)) => return Ok(answer),
            None => return Ok(Answer::Back),
            Some(None) => {
                let shown = preview.diff(dialog.output.stderr_styles());
                dialog.say(&shown);
            }
        }
    }
}

/// How an edit was written.
#[derive(Clone, Copy)]
struct Written {
    while_running: WhileRunning,
    was_running: bool,
}

/// After a write: offers to start MicroSIP again and to try what was set, and says how to undo it and how to do the
/// same from a script.
fn follow_up(dialog: &Dialog<'_>, ini: &ChosenIni, edit: &EditRequest, written: Written) -> Result<(), Exit> {
    let Written { while_running, was_running } = written;
    let mut is_exited = was_running && while_running == WhileRunning::Wait;
    if is_exited && platform::CAN_REACH_WINDOWS && dialog.confirm("Start MicroSIP again?")? {
        let control = ControlRequest::Start { minimized: false };
        dialog.run(Request::Control { ini: ini.choice.clone(), control });
        is_exited = false;
    }
    if let EditRequest::SetHooks(hooks) = edit {
        let from_when = if is_exited { "when MicroSIP runs again" } else { "from the next call" };
        dialog.say(&format!("It works {from_when}.\n"));
        offer_test(dialog, ini, hooks)?;
    }
    let mut choice = ini.choice.clone();
    if !ini.needs_option {
        choice.path = None;
    }
    let lines = |edit: EditRequest| {
        command_line::lines(&Request::Write {
            ini: choice.clone(),
            edit,
            options: options(ini, false, while_running),
        })
    };
    if !matches!(edit, EditRequest::Restore(_)) {
        dialog.say("\nTo undo it, choose \"Undo the last change\" below.\n");
    }
    dialog.output.err(&format!("\nTo do this from a script:\n{}\n", lines(edit.clone())));
    Ok(())
}

fn is_log(hook: &SetHook) -> bool {
    matches!(&hook.what, HookText::Action(action) if matches!(action.work, Work::Log { .. }))
}

/// Offers to do what was set as if somebody called, if it can be done here.
fn offer_test(dialog: &Dialog<'_>, ini: &ChosenIni, hooks: &[SetHook]) -> Result<(), Exit> {
    if platform::windows_paths(&ini.path) == WindowsPaths::Unknown {
        return Ok(());
    }
    if hooks.iter().any(is_log) {
        dialog.say("Trying it adds a line to the file.\n");
    }
    // one event of several that do the same
    let events: Vec<Event> = hooks.iter().map(|hook| hook.event).take(1).collect();
    let mut prompt = "Try it now: type a caller's number (Enter skips this)";
    loop {
        let typed = line::ask(dialog.theme, prompt, "", None)?.unwrap_or_default();
        if typed.is_empty() {
            return Ok(());
        }
        let test = TestHook {
            ini: ini.choice.clone(),
            events: events.clone(),
            callers: vec![typed],
            version: None,
            dry_run: false,
            capture: false,
        };
        dialog.run(Request::TestHook(test));
        prompt = "Another number (Enter continues)";
    }
}

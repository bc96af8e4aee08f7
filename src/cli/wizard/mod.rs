//! Sets up what happens on calls by asking questions. Every change is a [`Request`], first as a dry run that checks it.
//! The same request writes it after the last question.
//!
//! [`Request`]: crate::request::Request

mod answers;
mod command_line;
mod dialog;
mod goal;
mod ini;
mod number_place;
mod path_completion;
mod questions;
mod save;
mod texts;

use std::io;

use super::interrupt;
use super::output::Output;
use super::prompt;
use crate::commands::hook_state::Hook;
use crate::diagnostic::{Code, Diagnostic, ExitStatus};
use crate::platform;
use crate::request::{BackupChoice, EditRequest, IniChoice};
use answers::Answers;
use dialog::Exit;
use goal::Goal;
use ini::ChosenIni;
use questions::Questions;
use save::Saving;

pub use dialog::Dialog;

/// Runs the wizard until its user quits.
pub fn run(dialog: Dialog<'_>, choice: IniChoice) -> ExitStatus {
    // a wizard that doesn't print anything would be of no use
    let output = Output { quiet: false, ..dialog.output };
    let dialog = Dialog { output, ..dialog };
    let result = interrupt::with_exit_at_once(true, || {
        dialog.say(texts::WELCOME);
        let ini = ini::choose(&dialog, choice)?;
        Wizard { dialog, ini, answers: None, has_changed: false }.run()
    });
    match result {
        Ok(()) => ExitStatus::Done,
        Err(Exit::With(status)) => status,
        Err(Exit::PromptFailed(error)) if error.kind() == io::ErrorKind::Interrupted => {
            interrupt::report();
            ExitStatus::Interrupted
        }
        Err(Exit::PromptFailed(error)) => {
            interrupt::restore_terminal();
            let message = format!("Can't read your answer: {error}");
            output.print_early_error(&Diagnostic::new(Code::Interrupted, message))
        }
    }
}

struct Wizard<'a> {
    dialog: Dialog<'a>,
    ini: ChosenIni,
    /// What was answered for the last goal, if it wasn't saved.
    answers: Option<Answers>,
    has_changed: bool,
}

/// An item of the main menu.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Set(Goal),
    Remove,
    Undo,
    Quit,
}

impl Task {
    fn all() -> impl Iterator<Item = Task> {
        Goal::ALL.into_iter().map(Task::Set).chain([Task::Remove, Task::Undo, Task::Quit])
    }

    fn label(self) -> &'static str {
        match self {
            Task::Set(goal) => goal.label(),
            Task::Remove => "- Remove something",
            Task::Undo => "- Undo the last change",
            Task::Quit => "- Quit",
        }
    }
}

impl Wizard<'_> {
    fn run(mut self) -> Result<(), Exit> {
        self.show_hooks()?;
        let tasks: Vec<Task> = Task::all().collect();
        let labels: Vec<&str> = tasks.iter().map(|task| task.label()).collect();
        let mut preselected = tasks[0];
        loop {
            let default = tasks.iter().position(|task| *task == preselected).unwrap_or(0);
            let chosen = self.dialog.select("What should happen on a call?", &labels, default)?;
            let task = chosen.map_or(Task::Quit, |index| tasks[index]);
            let saving = match task {
                Task::Set(goal) => self.set(goal)?,
                Task::Remove => self.remove()?,
                Task::Undo => self.undo()?,
                Task::Quit => {
                    let changed =
                        if self.has_changed { "Your changes are saved" } else { "Nothing was changed" };
                    self.dialog.say(&format!("{changed}.\n"));
                    return Ok(());
                }
            };
            preselected = task;
            if saving == Saving::Saved {
                self.has_changed = true;
                self.dialog.say(&texts::overview(&self.hooks()));
                preselected = Task::Quit;
            }
        }
    }

    /// Shows what happens on calls, and what is wrong with it.
    fn show_hooks(&mut self) -> Result<(), Exit> {
        if self.ini.create {
            self.dialog.say(&format!("{} will be created.\n\n", self.ini.path.display()));
            return Ok(());
        }
        let (list, mut reporter) = self.dialog.hooks(&self.ini.choice);
        let list =
            list.map_err(|error| Exit::With(self.dialog.output.print_error(&error, reporter.finish())))?;
        let mut problems: Vec<&Diagnostic> = list.hooks.iter().flat_map(|hook| &hook.problems).collect();
        problems.extend(&list.warnings);
        let mut shown: Vec<&Diagnostic> = Vec::new();
        for problem in problems {
            if !shown.contains(&problem) {
                self.dialog.output.warn(problem);
                shown.push(problem);
            }
        }
        self.dialog.say(&texts::overview(&list.hooks));
        Ok(())
    }

    /// Undoes the last change. If that is undone already, goes back further.
    fn undo(&mut self) -> Result<Saving, Exit> {
        let newest = EditRequest::Restore(BackupChoice::Newest);
        if save::check(&self.dialog, &self.ini, &newest).is_ok_and(|preview| !preview.changed) {
            return self.go_back_further();
        }
        save::save(&self.dialog, &mut self.ini, &newest)
    }

    /// Asks to which of the older states to go back.
    fn go_back_further(&mut self) -> Result<Saving, Exit> {
        let backups = self.dialog.backups_of_edits(&self.ini.choice)?;
        let older = backups.get(1..).unwrap_or_default();
        if older.is_empty() {
            self.dialog.say(save::NOTHING_TO_UNDO);
            return Ok(Saving::Unchanged);
        }
        self.dialog.say("The last change is undone. You can go back further.\n");
        let items: Vec<String> =
            older.iter().map(|backup| format!("Before the change of {}", backup.local_time())).collect();
        let mut default = 0;
        loop {
            let chosen = prompt::select(self.dialog.theme, "To which state?", &items, default)?;
            let Some(index) = chosen else { return Ok(Saving::Back) };
            let edit = EditRequest::Restore(BackupChoice::Name(older[index].name.clone()));
            match save::save(&self.dialog, &mut self.ini, &edit)? {
                Saving::Back => default = index,
                saving => return Ok(saving),
            }
        }
    }

    /// Returns the hooks in the ini; none if it doesn't exist yet.
    fn hooks(&self) -> Vec<Hook> {
        self.dialog.hooks(&self.ini.choice).0.map(|list| list.hooks).unwrap_or_default()
    }

    fn set(&mut self, goal: Goal) -> Result<Saving, Exit> {
        let hooks = self.hooks();
        let answers = match &mut self.answers {
            Some(answers) if answers.goal == goal => answers,
            other => other.insert(Answers::new(goal)),
        };
        answers.country_of_ini = self.dialog.country(&self.ini.path);
        let paths = platform::windows_paths(&self.ini.path);
        let questions = Questions { dialog: &self.dialog, ini: &mut self.ini, answers, hooks, paths };
        let saving = { questions }.ask()?;
        if saving == Saving::Saved {
            self.answers = None;
        }
        Ok(saving)
    }

    fn remove(&mut self) -> Result<Saving, Exit> {
        let hooks = self.hooks();
        let choices = texts::removable(&hooks);
        if choices.is_empty() {
            self.dialog.say("Nothing happens on calls, so there is nothing to remove.\n");
            return Ok(Saving::Unchanged);
        }
        let items: Vec<String> = choices.iter().map(texts::Removable::item).collect();
        let mut default = 0;
        loop {
            let chosen = prompt::select(self.dialog.theme, "What should no longer happen?", &items, default)?;
            let Some(index) = chosen else { return Ok(Saving::Back) };
            let texts::Removable { events, present } = &choices[index];
            self.dialog.say(&texts::sentence_before_removing(&choices[index]));
            let edit = EditRequest::UnsetHooks { events: events.clone(), action: present.action };
            match save::save(&self.dialog, &mut self.ini, &edit)? {
                Saving::Back => default = index,
                saving => return Ok(saving),
            }
        }
    }
}

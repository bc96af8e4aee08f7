//! Sets up hooks by asking questions. Every change is a [`Request`], first as a dry run that checks it and shows the
//! diff. The same request writes it after the last question.

mod command_line;
mod dialog;
mod ini;
mod path_completion;
mod texts;

use std::io;
use std::time::Duration;

use super::args::DEFAULT_CALLER;
use super::interrupt;
use super::output::Output;
use super::prompt::{self, Prefill, TabCompletion};
use super::side_effects::SideEffects;
use crate::commands::Error;
use crate::commands::hook_state::Hook;
use crate::commands::written::WriteOutcome;
use crate::diagnostic::{Code, Diagnostic, ExitStatus, ToDiagnostic};
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::sample::{Sample, WebAddress};
use crate::hook::target::{Allow, TargetError};
use crate::platform::{self, WindowsPaths};
use crate::request::{
    BackupChoice, ControlRequest, EditRequest, HookText, IniChoice, Request, SetHook, TestHook, WhileRunning,
    WriteOptions,
};
use dialog::Exit;
use ini::ChosenIni;
use texts::ProgramChoice;

pub use dialog::Dialog;

/// Runs the wizard until its user quits.
pub fn run(dialog: Dialog<'_>, choice: IniChoice) -> ExitStatus {
    // a wizard that doesn't print anything would be of no use
    let output = Output { quiet: false, ..dialog.output };
    let dialog = Dialog { output, ..dialog };
    let result = interrupt::with_exit_at_once(true, || {
        dialog.say(texts::WELCOME);
        let ini = ini::choose(&dialog, choice)?;
        Wizard { dialog, ini }.run()
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
}

/// An item of the main menu.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Set,
    Remove,
    Undo,
    Quit,
}

impl Task {
    const ALL: [Task; 4] = [Task::Set, Task::Remove, Task::Undo, Task::Quit];

    fn label(self) -> &'static str {
        match self {
            Task::Set => "Set a hook",
            Task::Remove => "Remove a hook",
            Task::Undo => "Undo the last change",
            Task::Quit => "Quit",
        }
    }
}

/// Whether a task changed the ini.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TaskResult {
    Changed,
    Unchanged,
}

/// A ready-made script, and how MicroSIP sees this computer's paths.
#[derive(Clone, Copy)]
struct SampleScript<'a> {
    sample: &'a Sample,
    paths: &'a WindowsPaths,
}

impl Wizard<'_> {
    fn run(mut self) -> Result<(), Exit> {
        self.show_hooks()?;
        let mut preselected = Task::Set;
        loop {
            let labels = Task::ALL.map(Task::label);
            let default = Task::ALL.iter().position(|task| *task == preselected).unwrap_or(0);
            let task = self.dialog.select("What do you want to do?", &labels, default)?;
            let result = match task.map_or(Task::Quit, |index| Task::ALL[index]) {
                Task::Set => self.set_hook()?,
                Task::Remove => self.remove_hook()?,
                Task::Undo => self.edit_if_confirmed(EditRequest::Restore(BackupChoice::Newest))?,
                Task::Quit => return Ok(()),
            };
            if result == TaskResult::Changed {
                preselected = Task::Quit;
            }
        }
    }

    fn show_hooks(&mut self) -> Result<(), Exit> {
        if self.ini.create {
            self.dialog.say(&format!("{} will be created.\n\n", self.ini.path.display()));
            return Ok(());
        }
        self.dialog.print(self.dialog.hooks(&self.ini.choice)).map_err(Exit::With)?;
        self.dialog.say("\n");
        Ok(())
    }

    /// Returns the hooks in the ini; none if it doesn't exist yet.
    fn hooks(&mut self) -> Vec<Hook> {
        self.dialog.hooks(&self.ini.choice).0.map(|list| list.hooks).unwrap_or_default()
    }

    fn set_hook(&mut self) -> Result<TaskResult, Exit> {
        let hooks = self.hooks();
        let Some(events) = self.ask_for_events(&hooks)? else { return Ok(TaskResult::Unchanged) };
        let paths = platform::windows_paths(&self.ini.path);
        // a ready-made script needs a folder that MicroSIP can see
        let choice = if paths == WindowsPaths::Unknown {
            Some(ProgramChoice::Own)
        } else {
            let labels = ProgramChoice::ALL.map(ProgramChoice::label);
            let index = self.dialog.select("What should it run?", &labels, 0)?;
            index.map(|index| ProgramChoice::ALL[index])
        };
        let sample = match choice {
            None => return Ok(TaskResult::Unchanged),
            Some(ProgramChoice::Own) => {
                let current = match &events[..] {
                    [event] => {
                        hooks.into_iter().find(|hook| hook.event == *event).and_then(|hook| hook.command)
                    }
                    _ => None,
                };
                return self.set_own_program(&events, current, &paths);
            }
            Some(ProgramChoice::Log) => Sample::Log,
            Some(ProgramChoice::PopUp) => Sample::PopUp,
            Some(ProgramChoice::WebPage) => return self.set_web_page(&events, &paths),
        };
        let result = self.set_sample(&events, SampleScript { sample: &sample, paths: &paths })?;
        Ok(result.unwrap_or(TaskResult::Unchanged))
    }

    fn ask_for_events(&mut self, hooks: &[Hook]) -> Result<Option<Vec<Event>>, Exit> {
        loop {
            let items = texts::event_items(hooks);
            let prompt = "When should it run? (Space selects, Enter continues)";
            let Some(chosen) = prompt::select_many(self.dialog.theme, prompt, &items)? else {
                return Ok(None);
            };
            let events: Vec<Event> = chosen.into_iter().map(|index| Event::ALL[index]).collect();
            if !events.is_empty() {
                let names: Vec<&str> = events.iter().map(|event| event.name()).collect();
                self.dialog.say(&format!("Runs on: {}\n", names.join(", ")));
                return Ok(Some(events));
            }
            self.dialog.say("Nothing is selected. Press Space to select the line with the >, then Enter.\n");
        }
    }

    /// Sets the user's own program, starting from the `current` hook. Asks again until the program can run.
    fn set_own_program(
        &mut self,
        events: &[Event],
        current: Option<HookCommand>,
        paths: &WindowsPaths,
    ) -> Result<TaskResult, Exit> {
        let current = current.unwrap_or(HookCommand { program: String::new(), args: Vec::new() });
        let mut program = String::new();
        let mut allow = Allow::default();
        loop {
            let initial = if program.is_empty() { current.program.as_str() } else { "" };
            program = self.ask_for_program(Prefill { initial, previous: &program }, paths)?;
            if program.is_empty() {
                return Ok(TaskResult::Unchanged);
            }
            // check the program before asking for its arguments
            let command = HookCommand { program: program.clone(), args: Vec::new() };
            if self.check_own_program(events, command, &mut allow)?.is_none() {
                continue;
            }
            let initial =
                if program == current.program { texts::join_arguments(&current.args) } else { String::new() };
            let prefill = Prefill { initial: &initial, ..Prefill::default() };
            let prompt = "Arguments before the number (Enter for none)";
            let args = texts::split_arguments(&prompt::line(self.dialog.theme, prompt, prefill, None)?);
            let command = HookCommand { program: program.clone(), args };
            if let Some((edit, preview)) = self.check_own_program(events, command, &mut allow)? {
                return self.confirm_and_write(edit, preview, None);
            }
        }
    }

    fn ask_for_program(&self, prefill: Prefill<'_>, paths: &WindowsPaths) -> Result<String, Exit> {
        let candidates = |typed: &str| path_completion::for_windows(typed, paths);
        let completion = TabCompletion::new(&candidates);
        let prompt = "Program (Tab completes, empty to go back)";
        let line = prompt::line(self.dialog.theme, prompt, prefill, Some(&completion))?;
        Ok(line.trim_matches('"').to_string())
    }

    /// Returns the edit and its dry run, or `None` if the program was refused. If only its "downloaded from the
    /// internet" mark is in the way, offers to remove it.
    fn check_own_program(
        &mut self,
        events: &[Event],
        command: HookCommand,
        allow: &mut Allow,
    ) -> Result<Option<(EditRequest, WriteOutcome)>, Exit> {
        loop {
            let edit = set_hooks(events, &HookText::Command(command.clone()), *allow);
            let error = match self.dry_run(&edit) {
                Ok(preview) => return Ok(Some((edit, preview))),
                Err(error) => error,
            };
            let is_marked = matches!(error, Error::Target(TargetError::Blocked { .. })) && !allow.mark;
            self.print_refusal(&error)?;
            let question = "Trust this program and remove the mark when the hook is saved?";
            if !is_marked || !prompt::confirm(self.dialog.theme, question, false)? {
                return Ok(None);
            }
            allow.mark = true;
        }
    }

    fn set_web_page(&mut self, events: &[Event], paths: &WindowsPaths) -> Result<TaskResult, Exit> {
        const SCHEME: &str = "https://";
        let mut typed = String::new();
        loop {
            self.dialog.say(
                "The number is added to the end of the address, for example https://crm.example/find?number=\n",
            );
            let prefill = Prefill { initial: SCHEME, previous: &typed };
            typed = prompt::line(self.dialog.theme, "Address (empty to go back)", prefill, None)?;
            if typed.is_empty() || typed == SCHEME {
                return Ok(TaskResult::Unchanged);
            }
            let Some(address) = WebAddress::new(&typed) else {
                self.dialog.say(
                    "Not a valid address. It needs a host name, then a /, and no spaces: https://crm.example/\n",
                );
                continue;
            };
            let sample = Sample::WebPage { address };
            if let Some(result) = self.set_sample(events, SampleScript { sample: &sample, paths })? {
                return Ok(result);
            }
        }
    }

    /// Sets a ready-made script. Returns `None` if it was refused.
    fn set_sample(&mut self, events: &[Event], script: SampleScript<'_>) -> Result<Option<TaskResult>, Exit> {
        let edit = set_hooks(events, &HookText::Sample(script.sample.clone()), Allow::default());
        match self.dry_run(&edit) {
            Ok(preview) => self.confirm_and_write(edit, preview, Some(script)).map(Some),
            Err(error) => self.print_refusal(&error).map(|()| None),
        }
    }

    fn remove_hook(&mut self) -> Result<TaskResult, Exit> {
        let mut hooks = self.hooks();
        hooks.retain(texts::is_set);
        if hooks.is_empty() {
            self.dialog.say("No hooks are set.\n");
            return Ok(TaskResult::Unchanged);
        }
        let items = texts::hook_items(&hooks);
        match prompt::select(self.dialog.theme, "Which hook do you want to remove?", &items, 0)? {
            Some(index) => self.edit_if_confirmed(EditRequest::UnsetHooks {
                events: vec![hooks[index].event],
                action: None,
            }),
            None => Ok(TaskResult::Unchanged),
        }
    }

    fn edit_if_confirmed(&mut self, edit: EditRequest) -> Result<TaskResult, Exit> {
        match self.dry_run(&edit) {
            Ok(preview) => self.confirm_and_write(edit, preview, None),
            Err(error) if error.code() == Code::NoBackup => {
                self.dialog.say("Nothing to undo.\n");
                Ok(TaskResult::Unchanged)
            }
            Err(error) => self.print_refusal(&error).map(|()| TaskResult::Unchanged),
        }
    }

    // -----------------------------------------------------------------------------------------------------
    // from a dry run to the ini

    fn write_options(&self, dry_run: bool, while_running: WhileRunning) -> WriteOptions {
        /// Long, because the user is watching and can press Ctrl-C.
        const TIMEOUT: Duration = Duration::from_secs(60 * 60);
        WriteOptions {
            dry_run,
            create: self.ini.create,
            timeout: TIMEOUT,
            while_running,
            backup: true,
            keep_backups: WriteOptions::DEFAULT_BACKUPS,
            any_ini: false,
        }
    }

    fn dry_run(&self, edit: &EditRequest) -> Result<WriteOutcome, Error> {
        let options = self.write_options(true, WhileRunning::Wait);
        self.dialog.edit(&self.ini.choice, edit.clone(), options).0
    }

    /// Prints why an edit was refused. Exits if the ini is the problem, because other answers wouldn't help.
    fn print_refusal(&self, error: &Error) -> Result<(), Exit> {
        match self.dialog.print_error(error) {
            ExitStatus::Refused | ExitStatus::No => Ok(()),
            status => Err(Exit::With(status)),
        }
    }

    /// Shows the change, asks once, writes it, and follows up.
    fn confirm_and_write(
        &mut self,
        edit: EditRequest,
        mut preview: WriteOutcome,
        script: Option<SampleScript<'_>>,
    ) -> Result<TaskResult, Exit> {
        // the prompt below explains this warning better
        let is_running = preview.warnings.iter().any(|warning| warning.code == Code::MicrosipRunning);
        preview.warnings.retain(|warning| warning.code != Code::MicrosipRunning);
        self.dialog.output.print(&preview, &SideEffects::default());
        if !preview.changed {
            return Ok(TaskResult::Unchanged);
        }
        if let Some(script) = script {
            self.dialog.say(&texts::about_script(&script.sample.script_path(&self.ini.path)));
        }
        let Some(while_running) = self.ask_to_write(is_running)? else {
            self.dialog.say("Nothing was changed.\n");
            return Ok(TaskResult::Unchanged);
        };
        let options = self.write_options(false, while_running);
        let write = || self.dialog.edit(&self.ini.choice, edit.clone(), options);
        let written = interrupt::with_exit_at_once(false, write);
        match self.dialog.print(written) {
            Ok(()) => interrupt::set_changed(),
            Err(ExitStatus::Interrupted) => return Err(Exit::With(ExitStatus::Interrupted)),
            Err(_) => return Ok(TaskResult::Unchanged),
        }
        self.follow_up(&edit, while_running, is_running, script)?;
        self.ini.create = false;
        if self.dialog.session.is_stopped() {
            return Err(Exit::With(ExitStatus::Interrupted));
        }
        Ok(TaskResult::Changed)
    }

    /// Asks whether to write, and what to do about a running MicroSIP. Returns `None` if not.
    fn ask_to_write(&self, is_running: bool) -> Result<Option<WhileRunning>, Exit> {
        const QUESTION: &str = "Save this change?";
        if !is_running {
            return Ok(self.dialog.confirm(QUESTION)?.then_some(WhileRunning::Wait));
        }
        self.dialog
            .say("MicroSIP is running and would undo this change when it exits, so it has to exit first.\n");
        let mut answers = vec![
            ("Yes, after I exit MicroSIP myself (its menu > Exit)", Some(WhileRunning::Wait)),
            ("No, change nothing", None),
        ];
        if platform::CAN_REACH_WINDOWS {
            let close = "Yes, close MicroSIP and start it again (ends any call)";
            answers.insert(0, (close, Some(WhileRunning::CloseAndRestart)));
        }
        let labels: Vec<&str> = answers.iter().map(|(label, _)| *label).collect();
        let chosen = self.dialog.select(QUESTION, &labels, 0)?;
        Ok(chosen.and_then(|index| answers[index].1))
    }

    /// After a write: offers to start MicroSIP again and to test the hooks, and prints the command that does the same.
    fn follow_up(
        &mut self,
        edit: &EditRequest,
        while_running: WhileRunning,
        was_running: bool,
        script: Option<SampleScript<'_>>,
    ) -> Result<(), Exit> {
        let user_closed_it = was_running && while_running == WhileRunning::Wait;
        if user_closed_it && platform::CAN_REACH_WINDOWS && self.dialog.confirm("Start MicroSIP again?")? {
            let control = ControlRequest::Start { minimized: false };
            self.dialog.run(Request::Control { ini: self.ini.choice.clone(), control });
        }
        if let EditRequest::SetHooks(hooks) = edit {
            self.offer_test(hooks.iter().map(|hook| hook.event).collect())?;
        }
        let edit = match script {
            Some(script) => self.with_script_as_program(edit, script),
            None => edit.clone(),
        };
        let mut ini = self.ini.choice.clone();
        if !self.ini.needs_option {
            ini.path = None;
        }
        let request = Request::Write { ini, edit, options: self.write_options(false, while_running) };
        let lines = command_line::lines(&request);
        self.dialog.output.err(&format!("\nTo do this from a script:\n{lines}\n"));
        Ok(())
    }

    /// Offers to run the hooks that were set, if they can run here.
    fn offer_test(&mut self, events: Vec<Event>) -> Result<(), Exit> {
        let can_run = platform::windows_paths(&self.ini.path) != WindowsPaths::Unknown;
        let question = format!("Test it now, with a call from {DEFAULT_CALLER}?");
        if can_run && self.dialog.confirm(&question)? {
            let test = TestHook {
                ini: self.ini.choice.clone(),
                events,
                callers: vec![DEFAULT_CALLER.to_string()],
                version: None,
                dry_run: false,
                capture: false,
            };
            self.dialog.run(Request::TestHook(test));
        }
        Ok(())
    }

    /// Returns the edit with the script, which exists now, as the program.
    fn with_script_as_program(&self, edit: &EditRequest, script: SampleScript<'_>) -> EditRequest {
        let path = script.paths.to_windows(&script.sample.script_path(&self.ini.path));
        let (EditRequest::SetHooks(hooks), Some(path)) = (edit, path) else { return edit.clone() };
        let with_program = |hook: &SetHook| {
            let what = HookText::Command(script.sample.command(&path, hook.event));
            SetHook { what, direct: true, ..hook.clone() }
        };
        EditRequest::SetHooks(hooks.iter().map(with_program).collect())
    }
}

/// Returns the edit that sets the same hook for each event.
fn set_hooks(events: &[Event], what: &HookText, allow: Allow) -> EditRequest {
    let set = |event: &Event| SetHook { allow, ..SetHook::new(*event, what.clone()) };
    EditRequest::SetHooks(events.iter().map(set).collect())
}

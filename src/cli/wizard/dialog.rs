//! What every part of the wizard needs: prompts, output, and the commands.

use std::io;
use std::path::Path;

use dialoguer::theme::Theme;

use crate::cli::output::Output;
use crate::cli::progress::ProgressReporter;
use crate::cli::prompt;
use crate::cli::session::Session;
use crate::cli::side_effects::SideEffects;
use crate::commands::Error;
use crate::commands::backups::{self, ListedBackup};
use crate::commands::hooks::{self, HookList};
use crate::commands::written::WriteOutcome;
use crate::commands::{self, Context, Outcome, test_hook};
use crate::diagnostic::ExitStatus;
use crate::edit::backup::MadeBy;
use crate::hook::action::Action;
use crate::hook::event::Event;
use crate::request::{EditRequest, IniChoice, Request, WriteOptions};

/// The wizard's conversation with the user.
pub struct Dialog<'a> {
    /// How to print.
    pub output: Output,
    /// How prompts look.
    pub theme: &'a dyn Theme,
    /// Runs commands.
    pub session: &'a Session<'a>,
}

/// Why the wizard exits before the user chooses to.
pub enum Exit {
    /// With this status. The reason is already printed.
    With(ExitStatus),
    /// A prompt failed.
    PromptFailed(io::Error),
}

impl From<io::Error> for Exit {
    fn from(error: io::Error) -> Self {
        Exit::PromptFailed(error)
    }
}

impl Dialog<'_> {
    /// Prints a text that isn't an answer.
    pub fn say(&self, text: &str) {
        let styles = self.output.stderr_styles();
        let lines: Vec<String> = text.split('\n').map(|line| styles.wrap(line, 0, 0)).collect();
        self.output.err(&lines.join("\n"));
    }

    /// Asks a yes-or-no question. Enter means yes.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        prompt::confirm(self.theme, question, true)
    }

    /// Asks for one of `items`. Esc returns `None`.
    pub fn select(&self, prompt: &str, items: &[&str], default: usize) -> io::Result<Option<usize>> {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        prompt::select(self.theme, prompt, &items, default)
    }

    /// Reads the hooks of an ini.
    pub fn hooks(&self, ini: &IniChoice) -> (Result<HookList, Error>, ProgressReporter) {
        let mut reporter = ProgressReporter::new(self.output, None);
        (self.session.with_context(&mut reporter, |context| hooks::list(ini, Event::ALL, context)), reporter)
    }

    /// Returns the backups that edits made, newest first.
    ///
    /// # Errors
    /// With the exit status, if they can't be listed.
    pub fn backups_of_edits(&self, ini: &IniChoice) -> Result<Vec<ListedBackup>, Exit> {
        let mut reporter = ProgressReporter::new(self.output, None);
        let list = self.session.with_context(&mut reporter, |context| backups::list(ini, None, context));
        let mut backups = list.map_err(|error| Exit::With(self.print_error(&error)))?.backups;
        backups.retain(|backup| backup.made_by == MadeBy::Edit);
        Ok(backups)
    }

    /// Edits an ini.
    pub fn edit(
        &self,
        ini: &IniChoice,
        edit: EditRequest,
        options: WriteOptions,
    ) -> (Result<WriteOutcome, Error>, ProgressReporter) {
        let mut reporter = ProgressReporter::new(self.output, None);
        let edit = |context: &mut Context<'_>| commands::edit(ini, edit, options, context);
        (self.session.with_context(&mut reporter, edit), reporter)
    }

    /// Runs a request and prints its outcome.
    pub fn run(&self, request: Request) {
        let mut reporter = ProgressReporter::new(self.output, None);
        match self.session.run(request, &mut reporter) {
            Ok(outcome) => self.output.print(&*outcome, reporter.finish()),
            Err(error) => self.output.print_error(&error, reporter.finish()),
        };
    }

    /// Prints an outcome, or returns the exit status of the error that it prints.
    pub fn print<O: Outcome>(
        &self,
        (result, mut reporter): (Result<O, Error>, ProgressReporter),
    ) -> Result<(), ExitStatus> {
        match result {
            Ok(outcome) => {
                self.output.print(&outcome, reporter.finish());
                Ok(())
            }
            Err(error) => Err(self.output.print_error(&error, reporter.finish())),
        }
    }

    /// Returns the calling code of the country that the actions of an ini have.
    pub fn country(&self, ini: &Path) -> Option<u16> {
        let mut reporter = ProgressReporter::new(self.output, None);
        self.session.with_context(&mut reporter, |context| test_hook::numbers_of(ini, context).country)
    }

    /// Returns what an action would do for a caller, in one or more lines.
    pub fn example(
        &self,
        ini: &Path,
        event: Event,
        action: &Action,
        country: Option<u16>,
        caller: &str,
    ) -> Vec<String> {
        let mut reporter = ProgressReporter::new(self.output, None);
        self.session.with_context(&mut reporter, |context| {
            let preview = test_hook::example(ini, event, action, country, caller, context);
            test_hook::preview_lines(&preview)
        })
    }

    /// Prints an error and returns its exit status.
    pub fn print_error(&self, error: &Error) -> ExitStatus {
        self.output.print_error(error, &SideEffects::default())
    }
}

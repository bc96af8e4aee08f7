//! What every part of the wizard needs: prompts, output, and a way to run requests.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use dialoguer::theme::Theme;

use crate::cli::prompt;
use crate::cli::report::{Output, ProgressReporter, SideEffects};
use crate::commands::{Error, Report};
use crate::diagnostic::ExitStatus;
use crate::platform::Env;
use crate::request::{IniChoice, Query, Request};

/// Runs a request and reports its progress.
pub type RunRequest<'a> = dyn FnMut(Request, &mut ProgressReporter) -> Result<Report, Error> + 'a;

/// One run of the wizard.
pub struct Session<'a> {
    /// How to print.
    pub output: Output,
    /// How prompts look.
    pub theme: &'a dyn Theme,
    /// The environment.
    pub env: &'a Env,
    /// Runs requests.
    pub run_request: &'a mut RunRequest<'a>,
    /// Set by Ctrl-C during a write.
    pub stop: &'a AtomicBool,
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

impl Session<'_> {
    /// Prints a text that isn't an answer.
    pub fn say(&self, text: &str) {
        self.output.err(text);
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

    /// Runs a request and returns what it reported on the way.
    pub fn run(&mut self, request: Request) -> (Result<Report, Error>, ProgressReporter) {
        let mut reporter = ProgressReporter::new(self.output);
        ((self.run_request)(request, &mut reporter), reporter)
    }

    /// Runs a request and prints its result.
    pub fn run_and_print(&mut self, request: Request) -> Result<(), ExitStatus> {
        let (result, mut reporter) = self.run(request);
        match result {
            Ok(report) => {
                self.output.print(&report, reporter.aside());
                Ok(())
            }
            Err(error) => Err(self.output.print_error(&error, reporter.aside())),
        }
    }

    /// Prints an error and returns the exit status.
    pub fn print_error(&self, error: &Error) -> ExitStatus {
        self.output.print_error(error, &SideEffects::default())
    }

    /// Returns whether Ctrl-C was pressed during a write.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Returns the request for the hooks in an ini.
pub fn hooks_request(ini: &IniChoice) -> Request {
    Request::Read { ini: ini.clone(), query: Query::Hooks }
}

//! The only printer: answers on standard output, everything else on standard error.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write as _};

use clap::builder::StyledStr;
use clap::{ColorChoice, ValueEnum};
use dialoguer::console::Term;
use serde_json::{Value, json};

use crate::commands::{Error, Outcome};
use crate::diagnostic::{Diagnostic, ExitStatus, ToDiagnostic};
use crate::page::{Page, Styles, diagnostic_text};

use super::clap_error::{self, RejectedByClap};
use super::side_effects::SideEffects;
use super::terminal::{self, has_color, visible};
use super::trace::{self, Level};

/// How to print.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    /// One JSON object instead of text (`--json`).
    pub json: bool,
    /// Only answers and errors (`--quiet`).
    pub quiet: bool,
    /// Each step (`--verbose`).
    pub verbose: bool,
    /// When to use color.
    pub color: ColorChoice,
    /// Whether to say which ini was chosen, because the user didn't name one.
    pub name_ini: bool,
    /// How much is reported, if DSC is the reader.
    pub dsc: Option<Level>,
}

impl Output {
    /// Prints the answer of a command, and returns the exit status.
    pub fn print(self, outcome: &dyn Outcome, effects: &SideEffects) -> ExitStatus {
        let as_json = self.json && !outcome.is_raw();
        if !as_json && !self.quiet {
            outcome.warnings().iter().for_each(|warning| self.warn(warning));
            if let Some(ini) = outcome.ini().filter(|_| self.name_ini) {
                self.err(&format!("in {}\n", ini.display()));
            }
        }
        let printed = match as_json {
            true => self.out_json(&effects.answer(outcome)),
            false => self.out(&outcome.text(&self.page())),
        };
        let report_error = &effects.report_error;
        let failures = if as_json { Vec::new() } else { outcome.failures() };
        failures.iter().chain(report_error).for_each(|error| self.diagnostic(Level::Error, error));
        let report_status = if report_error.is_some() { ExitStatus::File } else { ExitStatus::Done };
        let mut statuses = [printed, outcome.status(), report_status].into_iter();
        statuses.find(|status| *status != ExitStatus::Done).unwrap_or(ExitStatus::Done)
    }

    /// Prints why a command failed, and returns the exit status.
    pub fn print_error(self, error: &Error, effects: &SideEffects) -> ExitStatus {
        let diagnostic = Diagnostic::from(error);
        if self.json {
            let mut json = json!({"ok": false, "changed": error.changed(), "error": error.json()});
            effects.add_to_failure(&mut json);
            self.out_json(&json);
        } else {
            self.diagnostic(Level::Error, &diagnostic);
        }
        diagnostic.code.exit_status()
    }

    /// Prints an error that shows before a command starts, and returns the exit status.
    pub fn print_early_error<E: ToDiagnostic>(self, error: &E) -> ExitStatus {
        let diagnostic = Diagnostic::from(error);
        if self.json {
            self.out_json(&json!({"ok": false, "changed": false, "error": diagnostic}));
        } else {
            self.diagnostic(Level::Error, &diagnostic);
        }
        diagnostic.code.exit_status()
    }

    /// Returns how to print for arguments that couldn't be parsed.
    pub fn of_args(args: &[OsString]) -> Output {
        let mut texts = args.iter().filter_map(|arg| arg.to_str());
        let color = texts.find_map(|arg| arg.strip_prefix("--color"));
        let color = color.and_then(|joined| joined.strip_prefix('=').or_else(|| texts.next()));
        Output {
            // Everything after -- belongs to a hook.
            json: args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json"),
            color: color.and_then(|when| ColorChoice::from_str(when, true).ok()).unwrap_or_default(),
            ..Output::default()
        }
    }

    /// Prints clap's answer to arguments: a usage error, or the help that was requested.
    pub fn print_usage(self, error: &clap::Error) -> ExitStatus {
        if !error.use_stderr() {
            return self.out(&self.rendered(&error.render(), &io::stdout()));
        }
        if self.json || self.dsc.is_some() {
            return self.print_early_error(&RejectedByClap(error));
        }
        self.print_help(&clap_error::rendered(error));
        ExitStatus::Usage
    }

    /// Prints a help text that wasn't requested on standard error.
    pub fn print_help(self, text: &StyledStr) {
        self.err(&self.rendered(text, &io::stderr()));
    }

    fn rendered(self, text: &StyledStr, stream: &impl anstream::stream::RawStream) -> String {
        if has_color(self.color, stream) { text.ansi().to_string() } else { text.to_string() }
    }

    /// Prints a part of an answer, and returns whether somebody reads it.
    pub fn print_part(self, part: &dyn Outcome) -> bool {
        let text = match self.json && !part.is_raw() {
            true => json_line(&part.json()),
            false => part.text(&self.page()),
        };
        let result = self.try_out(&text);
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.report_unwritten(error);
        }
        result.is_ok()
    }

    fn out_json(self, json: &Value) -> ExitStatus {
        self.out(&json_line(json))
    }

    /// Prints an answer byte for byte, because values can contain anything; a terminal gets no control characters.
    pub fn out(self, text: &str) -> ExitStatus {
        match self.try_out(text) {
            Ok(()) => ExitStatus::Done,
            // The reader of the pipe has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitStatus::Done,
            Err(error) => {
                self.report_unwritten(&error);
                ExitStatus::File
            }
        }
    }

    fn try_out(self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let text = if stdout.is_terminal() { visible(text) } else { text.into() };
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
    }

    fn report_unwritten(self, error: &io::Error) {
        let text = format!("the output couldn't be written: {error}");
        match self.dsc {
            Some(_) => self.log(Level::Error, &text),
            None => self.err(&format!("error: {text}\n")),
        }
    }

    /// Prints a text on standard error.
    pub fn err(self, text: &str) {
        self.log(Level::Info, text);
    }

    /// Prints a text of this level on standard error.
    pub fn log(self, level: Level, text: &str) {
        let line;
        let text = match self.dsc {
            Some(wanted) if level > wanted => return,
            Some(_) => {
                line = level.line(text.trim_end());
                &line
            }
            None => text,
        };
        let mut stderr = io::stderr().lock();
        let text = if stderr.is_terminal() { visible(text) } else { text.into() };
        let _ = stderr.write_all(text.as_bytes());
    }

    /// Prints a warning on standard error.
    pub fn warn(self, warning: &Diagnostic) {
        self.diagnostic(Level::Warn, warning);
    }

    fn diagnostic(self, level: Level, diagnostic: &Diagnostic) {
        if self.dsc.is_some() {
            return self.log(level, &trace::message(diagnostic));
        }
        let styles = self.stderr_styles();
        let (kind, style) = match level {
            Level::Error => ("error", styles.error),
            _ => ("warning", styles.warning),
        };
        self.err(&diagnostic_text(&format!("{style}{kind}{style:#}: "), diagnostic, "", styles));
    }

    /// Returns whether standard error, where questions appear, has color.
    pub fn has_color(self) -> bool {
        has_color(self.color, &io::stderr())
    }

    /// Returns the styles of standard error, and its width.
    pub fn stderr_styles(self) -> Styles {
        terminal::styles(self.color, &io::stderr(), &Term::stderr())
    }

    /// Returns what an answer on standard output needs to know.
    pub fn page(self) -> Page {
        let styles = terminal::styles(self.color, &io::stdout(), &Term::stdout());
        Page { styles, quiet: self.quiet, verbose: self.verbose }
    }
}

/// Returns an answer as a line of JSON. Where no person reads it, it is ASCII: Windows PowerShell 5.1 decodes what a
/// program writes in the code page of the console, whatever it is.
fn json_line(json: &Value) -> String {
    let line = format!("{json}\n");
    if io::stdout().is_terminal() { line } else { terminal::ascii_json(&line).into_owned() }
}

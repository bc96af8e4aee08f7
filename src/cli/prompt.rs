//! Prompts in the terminal. They are written to standard error, so that standard output can be piped.
//!
//! Ctrl-C exits at once. Windows runs the Ctrl-C handler on another thread while the prompt keeps waiting; on other
//! systems the prompt fails with [`io::ErrorKind::Interrupted`].

use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use dialoguer::console::{Style, Term, truncate_str};
use dialoguer::theme::Theme;
use dialoguer::{Confirm, MultiSelect, Select};

use super::args::Common;
use super::interrupt;
use super::output::Output;
use super::side_effects::SideEffects;
use super::terminal::visible;
use crate::commands::{Error, Outcome};
use crate::diagnostic::ExitStatus;
use crate::microsip::locate::{Candidate, LocateError, Why};
use crate::platform::{self, TerminalMode};
use crate::request::{CallsRequest, Purge, Query, Request, UninstallRequest};

/// Returns whether the user can be asked and allows it.
pub fn can_prompt(common: &Common) -> bool {
    /// dialoguer divides by the number of columns, and nobody can read less.
    const MIN_COLUMNS: u16 = 20;
    common.allows_prompts()
        && io::stdin().is_terminal()
        && !platform::input_is_msys_pipe()
        && io::stderr().is_terminal()
        && Term::stderr().size().1 >= MIN_COLUMNS
}

/// Returns whether the user can be asked and sees the output, too.
pub fn is_interactive(common: &Common) -> bool {
    can_prompt(common) && io::stdout().is_terminal()
}

/// Returns the theme of prompts. It is ASCII only, for the fonts of older consoles.
pub fn theme(is_colored: bool) -> Box<dyn Theme> {
    let accent = if is_colored { Style::new().cyan().force_styling(true) } else { Style::new() };
    Box::new(PlainTheme { accent })
}

/// dialoguer's plain theme with an accent color.
struct PlainTheme {
    accent: Style,
}

impl PlainTheme {
    fn item(&self, f: &mut dyn fmt::Write, mark: &str, text: &str, active: bool) -> fmt::Result {
        let line = format!("{} {mark}{text}", if active { '>' } else { ' ' });
        if active { write!(f, "{}", self.accent.apply_to(line)) } else { f.write_str(&line) }
    }
}

/// Returns the punctuation between a prompt and what follows.
fn end_of(prompt: &str) -> &'static str {
    if prompt.ends_with('?') { "" } else { ":" }
}

impl Theme for PlainTheme {
    fn format_prompt(&self, f: &mut dyn fmt::Write, prompt: &str) -> fmt::Result {
        write!(f, "{}{}", self.accent.apply_to(prompt), end_of(prompt))
    }

    fn format_input_prompt_selection(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        selection: &str,
    ) -> fmt::Result {
        write!(f, "{prompt}{} {selection}", end_of(prompt))
    }

    fn format_input_prompt(&self, f: &mut dyn fmt::Write, prompt: &str, _: Option<&str>) -> fmt::Result {
        write!(f, "{}: ", self.accent.apply_to(prompt))
    }

    fn format_select_prompt_item(&self, f: &mut dyn fmt::Write, text: &str, active: bool) -> fmt::Result {
        self.item(f, "", text, active)
    }

    fn format_multi_select_prompt_item(
        &self,
        f: &mut dyn fmt::Write,
        text: &str,
        checked: bool,
        active: bool,
    ) -> fmt::Result {
        self.item(f, if checked { "[x] " } else { "[ ] " }, text, active)
    }
}

fn answer<T>(prompt: impl FnOnce() -> dialoguer::Result<T>) -> io::Result<T> {
    let mode = TerminalMode::now();
    mode.key_by_key();
    let answer = interrupt::with_exit_at_once(true, prompt);
    mode.restore();
    answer.map_err(|dialoguer::Error::IO(error)| error)
}

/// Waits until a key is pressed.
pub fn wait_for_key() {
    // without keys there is nothing to wait for
    let _ = answer(|| Term::stderr().read_key().map_err(dialoguer::Error::IO));
}

/// Asks a yes-or-no question. Enter means `default`, Esc means no.
///
/// # Errors
/// If the answer can't be read; [`io::ErrorKind::Interrupted`] on Ctrl-C.
pub fn confirm(theme: &dyn Theme, question: &str, default: bool) -> io::Result<bool> {
    let prompt = Confirm::with_theme(theme).with_prompt(question).default(default);
    answer(|| prompt.interact_opt()).map(|answer| answer.unwrap_or(false))
}

/// Asks for one of `items`. Esc returns `None`.
///
/// # Errors
/// Like [`confirm`].
pub fn select(
    theme: &dyn Theme,
    prompt: &str,
    items: &[String],
    default: usize,
) -> io::Result<Option<usize>> {
    const MARKER: usize = 2;
    let select =
        Select::with_theme(theme).with_prompt(prompt).items(truncated(items, MARKER)).default(default);
    answer(|| select.interact_opt())
}

/// Asks for any number of `items`, each of which is selected at first or not. Esc returns `None`.
///
/// # Errors
/// Like [`confirm`].
pub fn select_many(
    theme: &dyn Theme,
    prompt: &str,
    items: &[(String, bool)],
) -> io::Result<Option<Vec<usize>>> {
    const MARKER: usize = 6;
    let (items, selected): (Vec<String>, Vec<bool>) = items.iter().cloned().unzip();
    let select = MultiSelect::with_theme(theme).with_prompt(prompt).items(truncated(&items, MARKER));
    // a report would repeat the chosen items in one long line
    let select = select.defaults(&selected).report(false);
    answer(|| select.interact_opt())
}

/// Asks which ini to use. One that a running MicroSIP uses is preselected. Esc returns `None`.
///
/// # Errors
/// Like [`confirm`].
pub fn which_ini(theme: &dyn Theme, found: &[Candidate]) -> io::Result<Option<PathBuf>> {
    const MARKER: usize = 2;
    let is_used = |candidate: &Candidate| candidate.why.iter().any(|why| matches!(why, Why::Running { .. }));
    let line = |candidate: &Candidate| {
        let used = if is_used(candidate) { "  (running)" } else { "" };
        format!("{}{used}", candidate.ini.display())
    };
    let mut items: Vec<String> = found.iter().map(line).collect();
    if truncated(&items, MARKER) != items {
        // truncated paths could look the same, so print them in full above the list
        items = (1..).zip(items).map(|(number, item)| format!("{number}  {item}")).collect();
        items.iter().try_for_each(|item| Term::stderr().write_line(item))?;
    }
    let preselected = found.iter().position(is_used).unwrap_or(0);
    let chosen = select(theme, "Found more than one MicroSIP.ini. Which one?", &items, preselected)?;
    Ok(chosen.and_then(|index| found.get(index)).map(|candidate| candidate.ini.clone()))
}

/// Runs a request and asks what the user has to decide: which ini to use if there are several, and whether to make the
/// changes that `doctor --fix` found, to delete backups or calls, or to uninstall.
///
/// # Errors
/// With the exit status, if the user declines or can't be asked.
pub fn run_with_prompts(
    mut request: Request,
    theme: &dyn Theme,
    output: Output,
    run: &mut dyn FnMut(Request) -> Result<Box<dyn Outcome>, Error>,
) -> Result<Result<Box<dyn Outcome>, Error>, ExitStatus> {
    let mut question = question_before(&request);
    let preview = |request: &Request, question: Option<&Question>| {
        question.map_or_else(|| request.clone(), |question| question.preview.clone())
    };
    let mut result = run(preview(&request, question.as_ref()));
    if let Err(Error::Locate(LocateError::Several { found })) = &result
        && let Some(path) = which_ini(theme, found).map_err(|error| report_failed_prompt(&error, output))?
    {
        request = request.about(path);
        question = question_before(&request);
        result = run(preview(&request, question.as_ref()));
    }
    match (&result, question) {
        (Ok(outcome), Some(question)) => {
            ask(&question, &**outcome, theme, output)?;
            Ok(run(match request {
                Request::Uninstall(request) => Request::Uninstall(request.confirmed()),
                request => request,
            }))
        }
        _ => Ok(result),
    }
}

/// What the user is asked before a request is run.
struct Question {
    /// The dry run that is shown first.
    preview: Request,
    text: &'static str,
    default: bool,
}

fn question_before(request: &Request) -> Option<Question> {
    let (text, default) = match request {
        Request::Doctor { .. } => ("Make these changes?", true),
        Request::Read { query: Query::Backups { purge: Some(Purge::Ask) }, .. } => {
            ("Delete these backups? They can't be restored.", false)
        }
        Request::Calls { calls: CallsRequest::Purge(Purge::Ask), .. } => {
            ("Delete these calls? They can't be restored.", false)
        }
        Request::Uninstall(UninstallRequest { purge: Purge::Ask, .. }) => ("Remove all of this?", false),
        _ => return None,
    };
    Some(Question { preview: request.as_dry_run()?, text, default })
}

/// Shows what would be done and asks whether to do it.
fn ask(
    question: &Question,
    outcome: &dyn Outcome,
    theme: &dyn Theme,
    output: Output,
) -> Result<(), ExitStatus> {
    let status = output.print(outcome, &SideEffects::default());
    if !outcome.changed() {
        return Err(status);
    }
    match confirm(theme, question.text, question.default) {
        Ok(true) => Ok(()),
        Ok(false) => {
            output.err("Nothing was changed.\n");
            Err(status)
        }
        Err(error) => Err(report_failed_prompt(&error, output)),
    }
}

/// Reports why a prompt got no answer, and returns the exit status.
fn report_failed_prompt(error: &io::Error, output: Output) -> ExitStatus {
    if error.kind() == io::ErrorKind::Interrupted {
        interrupt::report();
        return ExitStatus::Interrupted;
    }
    output.err(&format!("error: can't read your answer: {error}. Nothing was changed.\n"));
    ExitStatus::File
}

/// Returns the items, each cut to one line: dialoguer doesn't clear wrapped lines completely.
fn truncated(items: &[String], marker: usize) -> Vec<String> {
    let columns = usize::from(Term::stderr().size().1).saturating_sub(marker + 1);
    items.iter().map(|item| truncate_str(&visible(item), columns, "...").into_owned()).collect()
}

//! Questions to whoever sits at the keyboard. They stand on standard error, so that an answer on standard output
//! can still be piped.
//!
//! Ctrl-C: where nothing is being written the program may end at once, and then it must leave the terminal as
//! it was. Windows tells of Ctrl-C on a thread of its own while the question goes on; elsewhere the question ends
//! with [`io::ErrorKind::Interrupted`]. Both end in [`leave`].

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use dialoguer::console::{Style, Term, measure_text_width};
use dialoguer::theme::Theme;
use dialoguer::{BasicHistory, Completion, Confirm, History, Input, MultiSelect, Select};

use super::args::Common;
use super::output::Output;
use super::side_effects::SideEffects;
use super::terminal::visible;
use crate::commands::{Error, Outcome};
use crate::diagnostic::ExitStatus;
use crate::microsip::locate::{Candidate, LocateError, Why};
use crate::platform::TerminalMode;
use crate::request::Request;

/// Whether somebody can be asked, and wants to be.
pub fn may_ask(common: &Common) -> bool {
    /// What can be read in less is no question, and columns are divided by.
    const NARROWEST: u16 = 20;
    common.allows_questions()
        && io::stdin().is_terminal()
        && io::stderr().is_terminal()
        && Term::stderr().size().1 >= NARROWEST
}

/// Whether somebody can be asked who also reads what is printed.
pub fn may_converse(common: &Common) -> bool {
    may_ask(common) && io::stdout().is_terminal()
}

/// How questions look. Only ASCII: the fonts of older consoles have no more.
pub fn theme(is_coloured: bool) -> Box<dyn Theme> {
    let accent = if is_coloured { Style::new().cyan().force_styling(true) } else { Style::new() };
    Box::new(Look { accent })
}

/// dialoguer's plain theme, with colour where somebody is to look.
struct Look {
    accent: Style,
}

impl Look {
    fn item(&self, f: &mut dyn fmt::Write, mark: &str, text: &str, active: bool) -> fmt::Result {
        let line = format!("{} {mark}{text}", if active { '>' } else { ' ' });
        if active { write!(f, "{}", self.accent.apply_to(line)) } else { f.write_str(&line) }
    }
}

impl Theme for Look {
    fn format_prompt(&self, f: &mut dyn fmt::Write, prompt: &str) -> fmt::Result {
        write!(f, "{}:", self.accent.apply_to(prompt))
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

// ---------------------------------------------------------------------------------------------------------
// Ctrl-C

/// Whether Ctrl-C may end the program at once.
static MAY_LEAVE: AtomicBool = AtomicBool::new(false);

/// How the terminal was before the first question.
static BEFORE: Mutex<Option<TerminalMode>> = Mutex::new(None);

/// Does something during which Ctrl-C may, or may not, end the program at once.
pub fn while_leaving_is<T>(allowed: bool, work: impl FnOnce() -> T) -> T {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    before.get_or_insert_with(TerminalMode::now);
    drop(before);
    let outer = MAY_LEAVE.swap(allowed, Ordering::SeqCst);
    let result = work();
    MAY_LEAVE.store(outer, Ordering::SeqCst);
    result
}

/// Whether Ctrl-C may end the program now.
pub fn may_leave() -> bool {
    MAY_LEAVE.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was, with its cursor. Whoever calls this ends the program.
pub fn leave() {
    static ONCE: Once = Once::new();
    // a second caller waits for the first, and does not end the program before it is done
    ONCE.call_once(|| {
        if let Some(mode) = &*BEFORE.lock().unwrap_or_else(PoisonError::into_inner) {
            mode.restore();
        }
        let _ = Term::stderr().show_cursor();
        let _ = Term::stderr().write_line("");
    });
}

// ---------------------------------------------------------------------------------------------------------
// questions

fn answer<T>(question: impl FnOnce() -> dialoguer::Result<T>) -> io::Result<T> {
    let mode = TerminalMode::now();
    mode.key_by_key();
    let answer = while_leaving_is(true, question);
    mode.restore();
    answer.map_err(|dialoguer::Error::IO(error)| error)
}

/// Asks for yes or no; Enter alone is `default`.
///
/// # Errors
/// When the answer cannot be read; Ctrl-C is [`io::ErrorKind::Interrupted`].
pub fn confirm(theme: &dyn Theme, question: &str, default: bool) -> io::Result<bool> {
    let prompt = Confirm::with_theme(theme).with_prompt(question).default(default);
    // with Esc nobody means yes
    answer(|| prompt.interact_opt()).map(|answer| answer.unwrap_or(false))
}

/// Asks for one of these; `None` if Esc goes back.
///
/// # Errors
/// As [`confirm`].
pub fn select(
    theme: &dyn Theme,
    prompt: &str,
    items: &[String],
    default: usize,
) -> io::Result<Option<usize>> {
    const MARKER: usize = 2;
    let select = Select::with_theme(theme).with_prompt(prompt).items(fitting(items, MARKER)).default(default);
    answer(|| select.interact_opt())
}

/// Asks for some of these; `None` if Esc goes back.
///
/// # Errors
/// As [`confirm`].
pub fn select_many(theme: &dyn Theme, prompt: &str, items: &[String]) -> io::Result<Option<Vec<usize>>> {
    const MARKER: usize = 6;
    // what is marked would be said again as one long line
    let select =
        MultiSelect::with_theme(theme).with_prompt(prompt).items(fitting(items, MARKER)).report(false);
    answer(|| select.interact_opt())
}

/// What a line holds before anybody types.
#[derive(Clone, Copy, Default)]
pub struct Before<'a> {
    /// Stands there, to be gone on with or changed.
    pub stands: &'a str,
    /// Comes with Up: there is no key that takes a whole line away again.
    pub by_up: &'a str,
}

/// Asks for a line, which may be empty.
///
/// # Errors
/// As [`confirm`].
pub fn line(
    theme: &dyn Theme,
    prompt: &str,
    before: Before<'_>,
    completion: Option<&Completing<'_>>,
) -> io::Result<String> {
    let mut history = BasicHistory::new();
    let mut prompt = prompt.to_string();
    if !before.by_up.is_empty() {
        history.write(&before.by_up.to_string());
        prompt += ", Up: as before";
    }
    let input = Input::<String>::with_theme(theme).with_prompt(prompt).allow_empty(true);
    let mut input = input.with_initial_text(before.stands).history_with(&mut history);
    if let Some(completion) = completion {
        input = input.completion_with(completion);
    }
    answer(|| input.interact_text()).map(|line| line.trim().to_string())
}

/// Completes what is typed, on Tab: with the first of the ways in which it can go on, then with the next.
pub struct Completing<'a> {
    ways: &'a dyn Fn(&str) -> Vec<String>,
    given: RefCell<Given>,
}

/// What Tab gave last.
#[derive(Default)]
struct Given {
    ways: Vec<String>,
    index: usize,
}

impl<'a> Completing<'a> {
    /// With the ways in which a text can go on.
    pub fn with(ways: &'a dyn Fn(&str) -> Vec<String>) -> Self {
        Completing { ways, given: RefCell::default() }
    }
}

impl Completion for Completing<'_> {
    fn get(&self, input: &str) -> Option<String> {
        let mut given = self.given.borrow_mut();
        let is_same = given.ways.len() > 1 && given.ways.get(given.index).is_some_and(|way| way == input);
        *given = if is_same {
            let ways = std::mem::take(&mut given.ways);
            Given { index: (given.index + 1) % ways.len(), ways }
        } else {
            Given { ways: (self.ways)(input), index: 0 }
        };
        given.ways.get(given.index).cloned()
    }
}

/// Asks which ini is meant; one that a MicroSIP uses is proposed. `None` if Esc goes back.
///
/// # Errors
/// As [`confirm`].
pub fn which_ini(theme: &dyn Theme, found: &[Candidate]) -> io::Result<Option<PathBuf>> {
    const MARKER: usize = 2;
    let is_used = |candidate: &Candidate| candidate.why.iter().any(|why| matches!(why, Why::Running { .. }));
    let line = |candidate: &Candidate| {
        let used = if is_used(candidate) { "  (running)" } else { "" };
        format!("{}{used}", candidate.ini.display())
    };
    let mut items: Vec<String> = found.iter().map(line).collect();
    if fitting(&items, MARKER) != items {
        // what is cut may be what tells one from the other
        items = (1..).zip(items).map(|(number, item)| format!("{number}  {item}")).collect();
        items.iter().try_for_each(|item| Term::stderr().write_line(item))?;
    }
    let proposed = found.iter().position(is_used).unwrap_or(0);
    let chosen = select(theme, "There are several inis of MicroSIP; which one", &items, proposed)?;
    Ok(chosen.and_then(|index| found.get(index)).map(|candidate| candidate.ini.clone()))
}

/// Carries out a request, and asks before what is for a person to decide: which ini is meant, where there are
/// several; and whether a mend is wanted, which nobody spelled out, once it was shown.
///
/// # Errors
/// With the exit status, where it ends with an answer.
pub fn through(
    mut request: Request,
    theme: &dyn Theme,
    output: Output,
    run: &mut dyn FnMut(Request) -> Result<Box<dyn Outcome>, Error>,
) -> Result<Result<Box<dyn Outcome>, Error>, ExitStatus> {
    let mut preview = preview_of(&request);
    let mut result = run(preview.clone().unwrap_or_else(|| request.clone()));
    if let Err(Error::Locate(LocateError::Several { found })) = &result
        && let Some(path) = which_ini(theme, found).map_err(|error| ended_by(&error, output))?
    {
        request = request.about(path);
        preview = preview_of(&request);
        result = run(preview.clone().unwrap_or_else(|| request.clone()));
    }
    match &result {
        Ok(outcome) if preview.is_some() => {
            agree_to(&**outcome, theme, output)?;
            Ok(run(request))
        }
        _ => Ok(result),
    }
}

/// What is shown before a request is carried out, where that has to be.
fn preview_of(request: &Request) -> Option<Request> {
    match request {
        Request::Doctor { .. } => request.as_dry_run(),
        _ => None,
    }
}

/// Shows what would change and asks whether to go on.
fn agree_to(outcome: &dyn Outcome, theme: &dyn Theme, output: Output) -> Result<(), ExitStatus> {
    let status = output.print(outcome, &SideEffects::default());
    if !outcome.changed() {
        return Err(status);
    }
    match confirm(theme, "Do this?", true) {
        Ok(true) => Ok(()),
        Ok(false) => {
            output.err("Nothing was written\n");
            Err(status)
        }
        Err(error) => Err(ended_by(&error, output)),
    }
}

/// How it ends where a question got no answer.
fn ended_by(error: &io::Error, output: Output) -> ExitStatus {
    if error.kind() == io::ErrorKind::Interrupted {
        leave();
        return ExitStatus::Interrupted;
    }
    output.err(&format!("error: the answer could not be read: {error}; nothing was written\n"));
    ExitStatus::File
}

/// The items of a list, none wider than a line: lines that wrap are not cleared away well.
fn fitting(items: &[String], marker: usize) -> Vec<String> {
    let columns = usize::from(Term::stderr().size().1).saturating_sub(marker + 1);
    items.iter().map(|item| fit(&visible(item), columns)).collect()
}

/// A text in so many columns: of a longer one the middle is left out, for paths differ at their ends.
fn fit(text: &str, columns: usize) -> String {
    if measure_text_width(text) <= columns {
        return text.to_string();
    }
    let room = columns.saturating_sub(3);
    let start = within(text.chars(), room / 3);
    let end: String = within(text.chars().rev(), room - room / 3).chars().rev().collect();
    format!("{start}...{end}")
}

/// As many of the characters as fit in so many columns.
fn within(chars: impl Iterator<Item = char>, columns: usize) -> String {
    let mut width = 0;
    chars
        .take_while(|c| {
            width += measure_text_width(c.encode_utf8(&mut [0; 4]));
            width <= columns
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_goes_through_the_ways() {
        let ways = |typed: &str| match typed {
            "l" => vec!["log".to_string()],
            "log" => vec!["log.ps1".to_string(), "login.exe".to_string()],
            _ => Vec::new(),
        };
        let completing = Completing::with(&ways);
        let mut typed = "l".to_string();
        for wanted in ["log", "log.ps1", "login.exe", "log.ps1"] {
            typed = completing.get(&typed).unwrap();
            assert_eq!(typed, wanted);
        }
        assert_eq!(completing.get("x"), None);
    }

    #[test]
    fn what_is_too_wide_loses_its_middle() {
        assert_eq!(fit("short", 5), "short");
        let path = r"C:\Users\ann\AppData\Roaming\MicroSIP\MicroSIP.ini (used by pid 4)";
        let fitted = fit(path, 40);
        assert_eq!(measure_text_width(&fitted), 40, "{fitted}");
        assert!(fitted.starts_with(r"C:\Users\ann...") && fitted.ends_with("(used by pid 4)"), "{fitted}");
        // characters of two columns
        for columns in 0..30 {
            let fitted = fit("電話電話電話電話電話電話電話電話", columns);
            assert!(measure_text_width(&fitted) <= columns.max(3), "{columns}: {fitted}");
        }
    }
}

//! Asks for a line of text. Unlike in dialoguer's input, Esc goes back, and the usual editing keys work even in a text
//! that is longer than the terminal is wide.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dialoguer::console::strip_ansi_codes;
use dialoguer::theme::Theme;
use rustyline::completion::Completer;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext,
    EventHandler, Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::interrupt;

/// Returns the texts that a typed text could become.
pub type Candidates<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// Asks for a line of text, which may be empty. `initial` is in the line at first. Tab completes what was
/// typed, and a second Tab lists the candidates. Esc returns `None`.
///
/// # Errors
/// If the answer can't be read; [`io::ErrorKind::Interrupted`] on Ctrl-C.
pub fn ask(
    theme: &dyn Theme,
    prompt: &str,
    initial: &str,
    candidates: Option<&Candidates<'_>>,
) -> io::Result<Option<String>> {
    /// How long a key may take that begins like Esc does, in milliseconds.
    const KEY_SEQUENCE: u16 = 50;
    let mut styled = String::new();
    // writing to a string can't fail
    let _ = theme.format_input_prompt(&mut styled, prompt, None);
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor = Editor::<TabCompletion<'_>, DefaultHistory>::with_config(config).map_err(io_error)?;
    editor.set_color_mode(ColorMode::Forced);
    editor.set_keyseq_timeout(Some(KEY_SEQUENCE));
    editor.set_helper(Some(TabCompletion(candidates)));
    let went_back = Arc::new(AtomicBool::new(false));
    let esc = EventHandler::Conditional(Box::new(GoBack(Arc::clone(&went_back))));
    editor.bind_sequence(KeyEvent(KeyCode::Esc, Modifiers::NONE), esc);
    let prompt = (strip_ansi_codes(&styled).into_owned(), styled);
    let answer = interrupt::with_exit_at_once(true, || editor.readline_with_initial(&prompt, (initial, "")));
    match answer {
        Ok(line) => Ok(Some(line.trim().to_string())),
        Err(ReadlineError::Interrupted) if went_back.load(Ordering::Relaxed) => Ok(None),
        Err(error) => Err(io_error(error)),
    }
}

fn io_error(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        ReadlineError::Interrupted => io::ErrorKind::Interrupted.into(),
        ReadlineError::Eof => io::ErrorKind::UnexpectedEof.into(),
        other => io::Error::other(other.to_string()),
    }
}

/// Ends the line as Ctrl-C does, and remembers that it was Esc.
struct GoBack(Arc<AtomicBool>);

impl ConditionalEventHandler for GoBack {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::Interrupt)
    }
}

/// Completes the whole line on Tab.
struct TabCompletion<'a>(Option<&'a Candidates<'a>>);

impl Completer for TabCompletion<'_> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..at).unwrap_or(line);
        Ok((0, self.0.map(|candidates_for| candidates_for(typed)).unwrap_or_default()))
    }
}

impl Helper for TabCompletion<'_> {}
impl Highlighter for TabCompletion<'_> {}
impl Validator for TabCompletion<'_> {}

impl Hinter for TabCompletion<'_> {
    type Hint = String;
}

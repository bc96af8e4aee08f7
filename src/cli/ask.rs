//! Questions to whoever sits at the keyboard. They stand on standard error, so that an answer on standard output
//! can still be piped.

use std::io::{self, IsTerminal};

use dialoguer::Confirm;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

use super::args::Common;

/// Whether somebody can be asked, and wants to be.
pub fn may_ask(common: &Common) -> bool {
    common.allows_questions() && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// How questions look.
pub fn theme(is_coloured: bool) -> Box<dyn Theme> {
    if is_coloured { Box::new(ColorfulTheme::default()) } else { Box::new(SimpleTheme) }
}

/// Asks for yes or no; Enter alone is `default`.
///
/// # Errors
/// When the answer cannot be read; Ctrl-C is [`io::ErrorKind::Interrupted`].
pub fn confirm(theme: &dyn Theme, question: &str, default: bool) -> io::Result<bool> {
    let answer = Confirm::with_theme(theme).with_prompt(question).default(default).interact();
    answer.map_err(|dialoguer::Error::IO(error)| error)
}

//! Questions to whoever sits at the keyboard. They stand on standard error, so that an answer on standard output
//! can still be piped.

use std::io::{self, IsTerminal};

use dialoguer::Confirm;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};

use super::args::Common;
use super::report::{Aside, Output};
use crate::commands::{self, Outside};
use crate::problem::ExitStatus;
use crate::request::Request;

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

/// Shows what a request would change and asks whether to go on.
///
/// # Errors
/// With the exit status, where it ends here: nothing would change, it cannot be done, or the answer is no.
pub fn agree_to(preview: Request, output: Output, outside: &mut Outside<'_>) -> Result<(), ExitStatus> {
    let nothing = Aside::default();
    let report = commands::run(preview, outside).map_err(|error| output.print_error(&error, &nothing))?;
    let status = output.print(&report, &nothing);
    if !report.tells_of_a_change() {
        return Err(status);
    }
    match confirm(&*theme(output.has_coloured_stderr()), "Do this?", true) {
        Ok(true) => Ok(()),
        Ok(false) => {
            output.err("Nothing was written\n");
            Err(status)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(ExitStatus::Interrupted),
        Err(error) => {
            output.err(&format!("error: the answer could not be read: {error}; nothing was written\n"));
            Err(ExitStatus::File)
        }
    }
}

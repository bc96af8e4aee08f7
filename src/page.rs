//! How an answer looks to people: styles, and the few building blocks that several answers share.

use std::fmt::{self, Display, Write as _};
use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::diagnostic::Diagnostic;

/// The styles of a stream; all plain where color is off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Styles {
    /// Errors, and answers that are "no".
    pub error: Style,
    /// Warnings.
    pub warning: Style,
    /// Hints, and text that steps back.
    pub hint: Style,
    /// Added lines, and answers that are "yes".
    pub added: Style,
    /// Removed lines.
    pub removed: Style,
    /// Headings.
    pub heading: Style,
}

impl Styles {
    /// The styles of a terminal with color.
    pub const COLORED: Styles = Styles {
        error: AnsiColor::Red.on_default().bold(),
        warning: AnsiColor::Yellow.on_default().bold(),
        hint: AnsiColor::Cyan.on_default(),
        added: AnsiColor::Green.on_default(),
        removed: AnsiColor::Red.on_default(),
        heading: Style::new().bold(),
    };
}

/// What an answer needs to know to become text for people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// The styles of standard output.
    pub styles: Styles,
    /// Whether only answers and errors are wanted (`--quiet`).
    pub quiet: bool,
    /// Whether details are wanted (`--verbose`).
    pub verbose: bool,
}

/// A number with its noun: `1 user`, `2 users`.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub usize, pub &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Returns a diagnostic and its hint. `start` comes before the message, such as `error: `.
pub fn diagnostic_text(
    start: &str,
    diagnostic: &Diagnostic,
    indent: &str,
    Styles { hint: style, .. }: Styles,
) -> String {
    // Further lines show the place in a file.
    let mut lines = diagnostic.message.lines();
    let message = lines.next().unwrap_or_default();
    let mut text = format!("{indent}{start}{message} [{}]\n", diagnostic.code.name());
    lines.for_each(|line| text.extend([indent, line, "\n"]));
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(text, "{indent}  {style}hint{style:#}: {hint}");
    }
    text
}

/// Returns diagnostics as a list below the thing that they are about.
pub fn problem_list<'a>(
    problems: impl IntoIterator<Item = &'a Diagnostic>,
    indent: &str,
    styles: Styles,
) -> String {
    let start = format!("{0}!{0:#} ", styles.warning);
    problems.into_iter().map(|problem| diagnostic_text(&start, problem, indent, styles)).collect()
}

/// Returns a program and its arguments, one per line. The quotes make spaces and empty arguments visible.
pub fn command_lines(program: &str, args: impl IntoIterator<Item = impl Display>) -> String {
    let mut text = format!("  file         {program}\n");
    for (number, arg) in (1..).zip(args) {
        let _ = writeln!(text, "  argument {number:<3} '{arg}'");
    }
    text
}

/// Indents every line by two spaces.
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Returns a path as text; what isn't Unicode is replaced.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

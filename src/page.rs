//! How an answer looks to people: styles, and the few building blocks that several answers share.

use std::fmt::{self, Display, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};

use crate::diagnostic::{Code, Diagnostic};

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
    let mut text = match diagnostic.code {
        // The user's own decision isn't an error.
        Code::Interrupted => format!("{indent}{message}\n"),
        code => format!("{indent}{start}{message} [{}]\n", code.name()),
    };
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

/// Returns a time as people read it: local, to the second.
pub fn local_time(time: SystemTime) -> String {
    chrono::DateTime::<chrono::Local>::from(time).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns a duration as people say it, to the second: `45 s`, `5 min`, `1 h 30 min`.
pub fn duration_text(duration: Duration) -> String {
    let seconds = (duration + Duration::from_millis(500)).as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".into() } else { parts.join(" ") }
}

/// Returns a path as text; what isn't Unicode is replaced.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_units_that_people_use() {
        for (seconds, text) in
            [(0, "0 s"), (30, "30 s"), (90, "1 min 30 s"), (300, "5 min"), (5400, "1 h 30 min")]
        {
            assert_eq!(duration_text(Duration::from_secs(seconds)), text);
        }
        assert_eq!(duration_text(Duration::from_millis(299_990)), "5 min");
    }
}

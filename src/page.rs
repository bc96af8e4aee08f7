//! How an answer looks to people: styles, wrapped prose, and the few building blocks that several answers share.

use std::fmt::{self, Display, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};
use dialoguer::console::measure_text_width;

use crate::diagnostic::{Code, Diagnostic};

/// The styles of a stream, all plain where color is off, and its width.
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
    /// The columns of the terminal; `None` for a file or another program, for which nothing is wrapped.
    pub width: Option<usize>,
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
        width: None,
    };

    /// Wraps prose at the width of the terminal. `used` columns of the first line are already taken; the other lines
    /// are indented.
    pub fn wrap(self, text: &str, used: usize, indent: usize) -> String {
        let Some(width) = self.width else { return text.to_string() };
        let indent = indent.min(width / 3);
        let (mut wrapped, mut column) = (String::new(), used);
        for word in words(text) {
            let length = measure_text_width(&word);
            if wrapped.is_empty() {
                column += length;
            } else if column + 1 + length <= width {
                wrapped.push(' ');
                column += 1 + length;
            } else {
                wrapped.push('\n');
                wrapped.push_str(&" ".repeat(indent));
                column = indent + length;
            }
            wrapped.push_str(&word);
        }
        wrapped
    }
}

/// Returns the words of a text. A command in quotes is one word, so that it can be pasted.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut is_command) = (Vec::<String>::new(), false);
    for word in text.split(' ') {
        match words.last_mut() {
            Some(command) if is_command => {
                command.push(' ');
                command.push_str(word);
            }
            _ => words.push(word.to_string()),
        }
        is_command =
            (is_command || word.starts_with("'msipcfg")) && !word[1.min(word.len())..].contains('\'');
    }
    words
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
pub fn diagnostic_text(start: &str, diagnostic: &Diagnostic, indent: &str, styles: Styles) -> String {
    // Further lines show the place in a file.
    let mut lines = diagnostic.message.lines();
    let message = lines.next().unwrap_or_default();
    let (start, message) = match diagnostic.code {
        // The user's own decision isn't an error.
        Code::Interrupted => ("", message.to_string()),
        code => (start, format!("{message} [{}]", code.name())),
    };
    let used = indent.len() + measure_text_width(start);
    let mut text = format!("{indent}{start}{}\n", styles.wrap(&message, used, used));
    lines.for_each(|line| text.extend([indent, line, "\n"]));
    if let Some(hint) = &diagnostic.hint {
        let (style, used) = (styles.hint, indent.len() + "  hint: ".len());
        // Further lines are commands, which wrapping would break.
        let mut lines = hint.lines();
        let first = styles.wrap(lines.next().unwrap_or_default(), used, used);
        let _ = writeln!(text, "{indent}  {style}hint{style:#}: {first}");
        lines.for_each(|line| text.extend([indent, "    ", line, "\n"]));
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
    fn prose_is_wrapped_between_words_and_commands_stay_whole() {
        let wrapped = |width, text| Styles { width, ..Styles::default() }.wrap(text, 7, 7);
        let text = "it isn't set; run 'msipcfg doctor --fix', or set the key";
        assert_eq!(wrapped(None, text), text);
        assert_eq!(wrapped(Some(80), text), text);
        let lines = "it isn't set; run\n       'msipcfg doctor --fix', or\n       set the key";
        assert_eq!(wrapped(Some(34), text), lines);
        assert_eq!(
            wrapped(Some(30), "0123456789012345678901234567890123456789 a"),
            "0123456789012345678901234567890123456789\n       a"
        );
    }

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

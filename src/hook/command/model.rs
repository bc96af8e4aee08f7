//! What MicroSIP does with a command.

use std::time::Duration;

use crate::ini::utf16::is_whitespace;
use crate::ini::{Wide, lookup, wide};
use crate::microsip::version::Dialect;

use crate::quote::quote;

/// UTF-16 code units of a command that MicroSIP reads (all versions).
pub const READ_LIMIT: usize = 255;

/// The longest command that msipcfg writes: some readers drop the last unit of a quoted one of 255.
pub const WRITE_LIMIT: usize = READ_LIMIT - 1;

/// How long MicroSIP waits for the program of a hook, from 3.19 (lib/MSIP.cpp RunCmd).
pub const MAX_WAIT: Duration = Duration::from_secs(10);

/// A program and its arguments, as the program should receive them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCommand {
    /// The full path of the program.
    pub program: String,
    /// Its arguments, without the caller's text.
    pub args: Vec<String>,
}

impl std::fmt::Display for HookCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&quote(&self.program))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quote(arg)))
    }
}

/// What MicroSIP does at an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Nothing, because the value is empty.
    Nothing,
    /// It starts its own exe, which would dial the caller: so Windows splits a value of only spaces.
    Itself,
    /// It opens a file with these parameters, to which it appends a space and the caller's text.
    Program { file: Wide, parameters: Wide },
}

/// Returns what MicroSIP does with a value.
pub fn run(value: &[u16], dialect: Dialect) -> Run {
    if value.is_empty() {
        return Run::Nothing;
    }
    if dialect == Dialect::WholeValue {
        return Run::Program { file: value.to_vec(), parameters: Wide::new() };
    }
    let value = trim(value);
    if value.is_empty() {
        return Run::Itself;
    }
    let mut parts = command_line_to_argv(value).into_iter();
    let file = parts.next().unwrap_or_default();
    let parameters = parts.collect::<Vec<_>>().join(&SPACE);
    Run::Program { file, parameters }
}

/// Returns the arguments that a program receives when it is opened with these parameters and the caller's text.
pub fn received(parameters: &[u16], caller: &str) -> Vec<Wide> {
    let mut line = wide("program ");
    line.extend(with_caller(parameters, caller, Dialect::PRESENT));
    command_line_to_argv(&line).split_off(1)
}

/// Appends the caller's text to the parameters, unquoted. MicroSIP appends the space before it even if it is empty.
pub fn with_caller(parameters: &[u16], caller: &str, dialect: Dialect) -> Wide {
    let separator = (dialect != Dialect::WholeValue).then_some(SPACE);
    parameters.iter().copied().chain(separator).chain(wide(caller)).collect()
}

/// Returns the text that MicroSIP writes after `=` for a value.
pub fn save(value: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::WholeValue | Dialect::Raw => value.to_string(),
        Dialect::Quoted => format!("\"{value}\""),
    }
}

/// Returns the value that MicroSIP reads from the text after `=`.
pub fn read(text: &[u16]) -> Wide {
    lookup::read_text(text, READ_LIMIT)
}

/// Returns whether a value is read unchanged after a MicroSIP of this dialect saved it.
pub fn survives_save(value: &str, dialect: Dialect) -> bool {
    read(&wide(&save(value, dialect))) == wide(value)
}

/// Splits a command line as CommandLineToArgvW does. The first part always ends at the next quote or space. In the
/// others, `\"` is a quote, two backslashes before a quote are one, and three quotes in a row are one (observed with
/// shell32 of Wine 8.0).
pub fn command_line_to_argv(line: &[u16]) -> Vec<Wide> {
    let mut units = line.iter().copied().peekable();
    let mut program = Wide::new();
    if units.next_if_eq(&QUOTE).is_some() {
        while let Some(unit) = units.next_if(|&unit| unit != QUOTE) {
            program.push(unit);
        }
        units.next();
    } else {
        while let Some(unit) = units.next_if(|&unit| !is_separator(unit)) {
            program.push(unit);
        }
    }
    let mut parts = vec![program];
    loop {
        while units.next_if(|&unit| is_separator(unit)).is_some() {}
        if units.peek().is_none() {
            return parts;
        }
        parts.push(next_argument(&mut units));
    }
}

/// Takes one argument off a command line.
fn next_argument(units: &mut std::iter::Peekable<impl Iterator<Item = u16>>) -> Wide {
    let mut argument = Wide::new();
    let mut open_quotes = 0;
    let mut backslashes = 0_usize;
    while let Some(unit) = units.next_if(|&unit| open_quotes == 1 || !is_separator(unit)) {
        match unit {
            BACKSLASH => {
                argument.push(unit);
                backslashes += 1;
                continue;
            }
            QUOTE => {
                argument.truncate(argument.len() - backslashes.div_ceil(2));
                if backslashes % 2 == 1 {
                    argument.push(QUOTE);
                } else {
                    open_quotes += 1;
                }
                while units.next_if_eq(&QUOTE).is_some() {
                    open_quotes += 1;
                    if open_quotes == 3 {
                        argument.push(QUOTE);
                        open_quotes = 0;
                    }
                }
                if open_quotes == 2 {
                    open_quotes = 0;
                }
            }
            unit => argument.push(unit),
        }
        backslashes = 0;
    }
    argument
}

const SPACE: u16 = 0x20;
const QUOTE: u16 = 0x22;
const BACKSLASH: u16 = 0x5C;

fn is_separator(unit: u16) -> bool {
    unit == SPACE || unit == 0x09
}

/// Trims a command as MicroSIP does before it splits it.
pub fn trim(value: &[u16]) -> &[u16] {
    let is_trimmed = |unit: &u16| is_whitespace(*unit) || matches!(unit, 0x0A | 0x0D);
    let start = value.iter().position(|unit| !is_trimmed(unit)).unwrap_or(value.len());
    let end = value.iter().rposition(|unit| !is_trimmed(unit)).map_or(start, |last| last + 1);
    &value[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &str) -> Vec<String> {
        command_line_to_argv(&wide(line)).iter().map(|part| String::from_utf16_lossy(part)).collect()
    }

    #[test]
    fn command_lines_are_split_as_windows_does() {
        for (line, parts) in [
            (r#"a b  c"#, &["a", "b", "c"][..]),
            (r#""a b" c"#, &["a b", "c"]),
            (r#""a b"c"#, &["a b", "c"]),
            (r#"C:\a"b c"#, &[r#"C:\a"b"#, "c"]),
            (r#"x "a b" \"c d\""#, &["x", "a b", "\"c", "d\""]),
            (r#"x "a\\" b\\c \\\"d"#, &["x", r"a\", r"b\\c", r#"\"d"#]),
            (r#"x "" y"#, &["x", "", "y"]),
            (r#"x "& ""C:\y.ps1""" z"#, &["x", r#"& "C:\y.ps1""#, "z"]),
            (r#"x """a""" "b"#, &["x", r#""a""#, "b"]),
            ("x\ta\t", &["x", "a"]),
            (r#""a b"#, &["a b"]),
        ] {
            assert_eq!(argv(line), parts, "{line}");
        }
    }
}

//! The inverse of the model: from a program and its arguments to a value.

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::event::Event;
use crate::ini::name::ValueText;
use crate::ini::wide;
use crate::microsip::version::Dialect;

use super::model::{HookCommand, Run, WRITE_LIMIT, received, run, save, survives_save, trim};
use crate::quote::{SPACES, escape_quotes, quote, quote_spaces};

/// A command in the form that it has in an ini.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The value as MicroSIP reads it.
    pub value: String,
    /// Whether it stays the same command in every dialect that supports arguments.
    pub stable_in_all_dialects: bool,
}

impl Encoded {
    /// Returns the text after `=`, as a MicroSIP of that dialect would save it.
    pub fn text(&self, dialect: Dialect) -> String {
        save(&self.value, dialect)
    }
}

/// Why a hook can't be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("the command is {length} characters long, but MicroSIP reliably reads only {WRITE_LIMIT}")]
    TooLong { length: usize },
    #[error("MicroSIP {dialect} would remove the quotes of this command when it saves its settings")]
    Unstable { dialect: Dialect },
    #[error("the command is empty")]
    Empty,
    #[error("MicroSIP before 3.19 treats the whole command as one file, so it can't have arguments")]
    NoArguments,
    #[error("the program's path '{path}' can't be used in a command")]
    Program { path: String },
    #[error("the argument '{arg}' can't reach the program unchanged")]
    Argument { arg: String },
    #[error("{mask} would put the account's password on a command line, where every program can read it")]
    SecretMask { mask: &'static str },
    #[error("MicroSIP {version} doesn't have the event '{event}'")]
    EventUnsupported { event: Event, version: String },
}

impl ToDiagnostic for HookError {
    fn code(&self) -> Code {
        match self {
            HookError::TooLong { .. } => Code::HookTooLong,
            HookError::Empty => Code::HookBlank,
            HookError::Unstable { .. } => Code::HookUnstable,
            HookError::NoArguments | HookError::Argument { .. } => Code::HookArgumentRefused,
            HookError::Program { .. } => Code::HookTargetBadPath,
            HookError::SecretMask { .. } => Code::HookMaskSecret,
            HookError::EventUnsupported { .. } => Code::EventUnsupported,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            HookError::TooLong { .. } => "move the arguments into a script, and set the script as the hook",
            HookError::Unstable { .. } => {
                "move the program to a path without spaces, add an argument without spaces, or update MicroSIP \
                 (if you use another version, specify it with --microsip-version)"
            }
            HookError::Empty => "to remove a hook, run 'msipcfg unset-hook EVENT'",
            HookError::NoArguments => {
                "set a program without arguments; if your MicroSIP is newer, specify its version with --microsip-version"
            }
            HookError::Program { .. } => "use the full path of the program, such as C:\\hooks\\ring.exe",
            HookError::Argument { .. } => "pass it another way, for example in a file next to the program",
            HookError::SecretMask { .. } => {
                "remove the mask, or accept the risk with 'set-hook --allow-unsafe'"
            }
            HookError::EventUnsupported { .. } => {
                "'msipcfg events' lists all events; if you use another version, specify it with --microsip-version"
            }
        };
        Some(hint.into())
    }
}

/// Returns the shortest value for a command that is stable in all dialects, or else in this one.
///
/// # Errors
/// If no value makes the program receive exactly this command, now and after MicroSIP saved it.
pub fn encode(command: &HookCommand, dialect: Dialect) -> Result<Encoded, HookError> {
    let HookCommand { program, args } = command;
    let is_refused = |text: &str| ValueText::new(text).is_err();
    if program.is_empty() || program.contains('"') || is_refused(program) || is_trimmed(program) {
        return Err(HookError::Program { path: program.clone() });
    }
    if let Some(arg) = args.iter().find(|arg| is_refused(arg)) {
        return Err(HookError::Argument { arg: arg.clone() });
    }
    if dialect == Dialect::WholeValue {
        if !args.is_empty() {
            return Err(HookError::NoArguments);
        }
        let stable_in_all_dialects = !program.contains(SPACES);
        let encoded = within_limit(Encoded { value: program.clone(), stable_in_all_dialects })?;
        if !survives_save(program, dialect) {
            return Err(HookError::Program { path: program.clone() });
        }
        return Ok(encoded);
    }

    let candidates = candidates(command)?.into_iter();
    let correct: Vec<String> = candidates.filter(|value| arrives(command, value)).collect();
    let Some(shortest) = correct.first() else {
        return Err(HookError::Argument { arg: args.join(" ") });
    };
    let stable_in = |dialect| correct.iter().find(|value| survives_save(value, dialect));
    // a value that survives a bare save also survives one between quotes
    if let Some(value) = stable_in(Dialect::Raw) {
        return within_limit(Encoded { value: value.clone(), stable_in_all_dialects: true });
    }
    if let Some(value) = stable_in(dialect) {
        return within_limit(Encoded { value: value.clone(), stable_in_all_dialects: false });
    }
    let length = shortest.encode_utf16().count();
    if length > WRITE_LIMIT {
        Err(HookError::TooLong { length })
    } else {
        Err(HookError::Unstable { dialect })
    }
}

/// Returns the values that may make the program receive a command.
fn candidates(command: &HookCommand) -> Result<Vec<String>, HookError> {
    let program = &command.program;
    let mut start = if program.contains(SPACES) { format!("\"{program}\"") } else { program.clone() };
    let Some((last, others)) = command.args.split_last() else { return Ok(vec![start]) };
    for arg in others {
        start.push(' ');
        start.push_str(&argument_forms(arg)?[0]);
    }
    // If the value begins with a quote, it must not end with one: a bare save would lose the pair.
    Ok(argument_forms(last)?.into_iter().map(|form| format!("{start} {form}")).collect())
}

fn within_limit(encoded: Encoded) -> Result<Encoded, HookError> {
    let length = encoded.value.encode_utf16().count();
    if length > WRITE_LIMIT { Err(HookError::TooLong { length }) } else { Ok(encoded) }
}

/// Returns whether MicroSIP would trim this text.
fn is_trimmed(text: &str) -> bool {
    let text = wide(text);
    trim(&text).len() < text.len()
}

/// Returns whether, according to the model, the program receives exactly the command and then the number.
fn arrives(command: &HookCommand, value: &str) -> bool {
    const NUMBER: &str = "100";
    let Run::Program { file, parameters } = run(&wide(value), Dialect::PRESENT) else { return false };
    let wanted = command.args.iter().map(String::as_str).chain([NUMBER]).map(wide);
    file == wide(&command.program) && received(&parameters, NUMBER).into_iter().eq(wanted)
}

/// Returns the texts that bring an argument to the program unchanged: the shortest one, and if that ends with a quote,
/// also the shortest one that doesn't.
fn argument_forms(arg: &str) -> Result<Vec<String>, HookError> {
    let command = HookCommand { program: "x".into(), args: vec![arg.to_string()] };
    // Quoted twice: the inner quotes are for the program's own splitting, the outer ones for MicroSIP's.
    let mut forms: Vec<String> = [quote(arg), quote_spaces(arg)]
        .iter()
        .flat_map(|inner| [escape_quotes(inner), quote(inner), quote_spaces(inner)])
        .filter(|form| arrives(&command, &format!("x {form}")))
        .collect();
    forms.sort_by_key(String::len);
    let without_end_quote = forms.iter().find(|form| !form.ends_with('"')).cloned();
    forms.truncate(1);
    let Some(shortest) = forms.first() else {
        return Err(HookError::Argument { arg: arg.to_string() });
    };
    let other = without_end_quote.filter(|form| form != shortest);
    forms.extend(other);
    Ok(forms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(program: &str, args: &[&str]) -> HookCommand {
        HookCommand { program: program.into(), args: args.iter().map(ToString::to_string).collect() }
    }

    fn value(program: &str, args: &[&str], dialect: Dialect) -> Result<String, HookError> {
        encode(&hook(program, args), dialect).map(|encoded| encoded.value)
    }

    #[test]
    fn plain_commands_are_written_as_typed() {
        assert_eq!(value(r"C:\hooks\ring.exe", &[], Dialect::Quoted).unwrap(), r"C:\hooks\ring.exe");
        let plain = value(r"C:\hooks\ring.exe", &["--to", "crm"], Dialect::Raw).unwrap();
        assert_eq!(plain, r"C:\hooks\ring.exe --to crm");
    }

    #[test]
    fn arguments_with_spaces_survive_rejoining() {
        let path = value(r"C:\a b\x.exe", &["-"], Dialect::Raw).unwrap();
        assert_eq!(path, r#""C:\a b\x.exe" -"#);
        let argument = value(r"C:\x.exe", &["a b"], Dialect::Quoted).unwrap();
        assert_eq!(argument, r#"C:\x.exe \"a b\""#);
        // begins with a quote, so it must not end with one in the bare dialect
        let both = encode(&hook(r"C:\a b\x.exe", &["y z"]), Dialect::Quoted).unwrap();
        assert_eq!((both.value.as_str(), both.stable_in_all_dialects), (r#""C:\a b\x.exe" y\" \"z"#, true));
    }

    #[test]
    fn lone_path_with_spaces_is_stable_only_in_the_quoted_dialect() {
        let lone = hook(r"C:\a b\x.exe", &[]);
        let encoded = encode(&lone, Dialect::Quoted).unwrap();
        assert_eq!(encoded.text(Dialect::Quoted), r#"""C:\a b\x.exe"""#);
        assert!(!encoded.stable_in_all_dialects);
        assert_eq!(encode(&lone, Dialect::Raw), Err(HookError::Unstable { dialect: Dialect::Raw }));
        assert_eq!(encode(&lone, Dialect::WholeValue).unwrap().value, r"C:\a b\x.exe");
        assert_eq!(encode(&hook("C:\\x.exe", &["a"]), Dialect::WholeValue), Err(HookError::NoArguments));
    }

    #[test]
    fn limit_counts_utf16_units() {
        let path = |length: usize| format!("C:\\{}.exe", "x".repeat(length - 7));
        assert!(value(&path(254), &[], Dialect::Quoted).is_ok());
        assert_eq!(value(&path(255), &[], Dialect::Quoted), Err(HookError::TooLong { length: 255 }));
        let emoji = format!("C:\\{}.exe", "😀".repeat(124));
        assert_eq!(value(&emoji, &[], Dialect::Quoted), Err(HookError::TooLong { length: 255 }));
    }

    #[test]
    fn quotes_around_the_program_are_refused() {
        for dialect in [Dialect::WholeValue, Dialect::Raw] {
            assert!(value("'c'", &[], dialect).is_err(), "{dialect}");
        }
    }

    #[test]
    fn line_breaks_are_refused() {
        assert!(matches!(value("C:\\x.exe", &["a\r\nb"], Dialect::Quoted), Err(HookError::Argument { .. })));
        assert!(matches!(value("C:\\x\n.exe", &[], Dialect::Quoted), Err(HookError::Program { .. })));
    }
}

//! From the text in an ini to the program and its arguments, with what its author probably didn't intend.

use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks::{CONSTANT_MASKS, expanded_masks, introduced, masks_in, secret_mask};
use crate::hook::shell;
use crate::ini::{Wide, lookup, wide};
use crate::microsip::version::{Dialect, Version};

use super::foreign::{self, is_web_address};
use super::model::{HookCommand, READ_LIMIT, Run, command_line_to_argv, read, received, run, survives_save};
use super::text_error::HookTextError;
use crate::quote::SPACES;

/// The meaning of the text after `=`, whether msipcfg or a person wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The value as MicroSIP reads it.
    pub value: String,
    /// The program that MicroSIP starts, if any.
    pub program: Option<String>,
    /// What the program receives before the caller's text.
    pub args: Vec<String>,
    /// Where that probably isn't what the author intended.
    pub errors: Vec<HookTextError>,
}

impl Decoded {
    /// Returns the command, if there is one.
    pub fn command(&self) -> Option<HookCommand> {
        self.program.clone().map(|program| HookCommand { program, args: self.args.clone() })
    }
}

/// Returns what MicroSIP makes of the text after `=`, and where its author probably intended something else.
pub fn decode(text: &[u16], event: Event, save_dialect: &SaveDialect) -> Decoded {
    let value = read(text);
    let lossy = String::from_utf16_lossy(&value);
    let mut errors = Vec::new();
    let length = lookup::read_text(text, lookup::NO_LIMIT).len();
    if length > READ_LIMIT {
        errors.push(HookTextError::Cut { length });
    }
    let (program, args) = match run(&value, save_dialect.dialect) {
        Run::Nothing => (None, Vec::new()),
        Run::Itself => {
            errors.push(HookTextError::Blank);
            (None, Vec::new())
        }
        Run::Program { file, parameters } => {
            let program = String::from_utf16_lossy(&file);
            let args = to_strings(&received(&parameters, ""));
            let command = HookCommand { program, args };
            let file = &command.program;
            if save_dialect.dialect != Dialect::WholeValue {
                errors.extend(wrong_splits(text, &lossy, file, &parameters));
            }
            if !survives_save(&lossy, save_dialect.dialect) && length <= READ_LIMIT {
                errors.push(HookTextError::Unstable);
            }
            errors.extend(mask_errors(&lossy, event, save_dialect.version));
            let words = match (errors.iter().find_map(HookTextError::unquoted_path), save_dialect.dialect) {
                (_, Dialect::WholeValue) => "",
                (Some(path), _) => lossy.trim().strip_prefix(path).unwrap_or_default(),
                (None, _) => &lossy,
            };
            errors.extend(foreign::errors(&lossy, words, &command));
            if errors.iter().any(|error| matches!(error, HookTextError::BuiltIn { .. })) {
                // There is no program that its arguments could be wrong for.
                errors.retain(|error| matches!(error, HookTextError::BuiltIn { .. }));
            }
            errors.extend(detached_number(&command.args));
            errors.extend(joined_number(&command, &parameters));
            (Some(command.program), command.args)
        }
    };
    Decoded { value: lossy, program, args, errors }
}

fn to_strings(parts: &[Wide]) -> Vec<String> {
    parts.iter().map(|part| String::from_utf16_lossy(part)).collect()
}

/// Finds quotes and spaces that split the command where its author probably didn't intend it.
fn wrong_splits(text: &[u16], value: &str, file: &str, parameters: &[u16]) -> Vec<HookTextError> {
    let has_lost_outer_quotes = text.len() > value.encode_utf16().count();
    // The quotes are inside out if the first one looks like a closing quote.
    let is_inside_out = value.find('"').is_some_and(|at| {
        let before = value[..at].chars().next_back();
        let after = value[at + 1..].chars().next();
        before.is_some_and(|c| !c.is_whitespace() && c != '\\' && c != '=')
            && after.is_none_or(char::is_whitespace)
    });
    if is_inside_out && has_lost_outer_quotes {
        return vec![HookTextError::QuotesLost { file: file.to_string() }];
    }
    // With one more quote at each end, all of them would pair up.
    let lacks_outer_quotes = value.matches('"').count().is_multiple_of(2) && !value.ends_with('"');
    if is_inside_out && lacks_outer_quotes && value.contains('\\') {
        return vec![HookTextError::Decayed { file: file.to_string() }];
    }
    let mut errors = Vec::new();
    if is_web_address(file) {
        errors.push(HookTextError::Url);
    } else if let Some(path) = unquoted_path(value.trim()) {
        errors.push(HookTextError::PathUnquoted { path, file: file.to_string() });
    }
    let parts = to_strings(&command_line_to_argv(&wide(value.trim())));
    if !shell::reads_whole_command_line(file, &parts) {
        for part in parts[1..].iter().filter(|part| part.is_empty() || part.contains(SPACES)) {
            let pieces = received(&wide(part), "").len();
            // further quotes inside may keep it together when all parts are joined
            if pieces != 1 && !received(parameters, "").contains(&wide(part)) {
                errors.push(HookTextError::ArgumentSplit { arg: part.clone(), pieces });
            }
        }
    }
    errors
}

/// Returns an error if the last argument waits for the caller's number. A script can put an address and the number
/// together itself.
fn detached_number(args: &[String]) -> Option<HookTextError> {
    let argument = args.last()?;
    let is_option = argument.starts_with(['-', '/']) && argument.ends_with('=');
    let is_folder = argument.strip_suffix('/').is_some_and(|start| start.matches('/').count() > 2);
    let is_address = is_web_address(argument) && (argument.ends_with('=') || is_folder);
    let runs_script = args.iter().any(|arg| has_extension(arg, SCRIPT_EXTENSIONS));
    (is_option || is_address && !runs_script)
        .then(|| HookTextError::NumberDetached { argument: argument.clone() })
}

/// Returns an error if the caller's number becomes part of the last argument.
fn joined_number(command: &HookCommand, parameters: &[u16]) -> Option<HookTextError> {
    const NUMBER: &str = "100";
    let last = received(parameters, NUMBER).pop().filter(|last| *last != wide(NUMBER))?;
    let arg = String::from_utf16_lossy(&last);
    let is_read_by_shell = shell::reads_whole_command_line(&command.program, &command.args);
    (!is_read_by_shell).then_some(HookTextError::NumberJoined { arg })
}

/// The extensions of programs, and of scripts that people set as hooks.
const PROGRAM_EXTENSIONS: &[&str] = &[".exe", ".com", ".bat", ".cmd"];
const SCRIPT_EXTENSIONS: &[&str] = &[".ps1", ".vbs", ".js", ".wsf", ".py", ".pyw", ".jar"];

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    extensions.iter().any(|extension| path.ends_with(extension))
}

/// Returns the path at the start of a value if it isn't quoted and contains a space, so that its first piece isn't a
/// program but a longer one is.
fn unquoted_path(value: &str) -> Option<String> {
    let is_program =
        |text: &str| has_extension(text, PROGRAM_EXTENSIONS) || has_extension(text, SCRIPT_EXTENSIONS);
    let first = value.split(SPACES).next()?;
    if value.starts_with('"') || !first.contains('\\') || is_program(first) {
        return None;
    }
    let ends = value.match_indices(SPACES).map(|(at, _)| at).chain([value.len()]);
    ends.map(|end| &value[..end]).find(|path| is_program(path)).map(str::to_string)
}

/// Returns what is wrong with a command whose arguments are passed as they are, with the caller's text after them.
pub fn literal_errors(command: &HookCommand) -> Vec<HookTextError> {
    let value = command.to_string();
    let mut errors = foreign::errors(&value, &value, command);
    errors.extend(detached_number(&command.args));
    errors.extend(ignored_masks(masks_in(&value)));
    errors
}

fn ignored_masks(masks: impl Iterator<Item = &'static str>) -> impl Iterator<Item = HookTextError> {
    masks.filter_map(|mask| Some(HookTextError::MaskIgnored { mask, since: introduced(mask)? }))
}

/// Finds masks that this MicroSIP doesn't replace at the event, that reveal a password or that have no use.
fn mask_errors(value: &str, event: Event, version: Option<Version>) -> Vec<HookTextError> {
    let expanded: Vec<_> = expanded_masks(value, event, version).collect();
    let ignored = ignored_masks(masks_in(value).filter(|mask| !expanded.contains(mask)));
    let secret = secret_mask(value, event, version).map(|mask| HookTextError::SecretMask { mask });
    let constant = CONSTANT_MASKS.iter().filter(|(mask, _)| expanded.contains(mask));
    let constant = constant.map(|(mask, text)| HookTextError::MaskConstant {
        mask,
        text: if text.is_empty() { "empty" } else { text },
    });
    ignored.chain(secret).chain(constant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, ToDiagnostic as _};

    fn save_dialect(dialect: Dialect) -> SaveDialect {
        SaveDialect { dialect, version: None, certain: true }
    }

    fn errors(text: &str, event: Event) -> Vec<HookTextError> {
        decode(&wide(text), event, &save_dialect(Dialect::Quoted)).errors
    }

    #[test]
    fn masks_count_only_where_they_are_expanded() {
        assert_eq!(
            errors(r"C:\x.exe {number}", Event::Ring),
            [HookTextError::MaskIgnored { mask: "{number}", since: Version(3, 21, 3) }]
        );
        assert!(errors(r"C:\x.exe {number}", Event::Outgoing).is_empty());
        assert_eq!(
            errors(r"C:\x.exe {number} {CallId} {duration}", Event::Outgoing),
            [("{callid}", "empty"), ("{duration}", "-1")]
                .map(|(mask, text)| HookTextError::MaskConstant { mask, text })
        );
    }

    #[test]
    fn each_kind_of_error_is_found() {
        let one = |text: &str| {
            let errors = errors(text, Event::Ring);
            assert_eq!(errors.len(), 1, "{text}: {errors:?}");
            errors[0].code()
        };
        assert_eq!(one("\" \""), Code::HookBlank);
        assert_eq!(one("https://crm.example.org/call"), Code::HookUrl);
        assert_eq!(one(r"C:\Program Files\x.exe -a"), Code::HookPathUnquoted);
        assert_eq!(one(r#""C:\Program Files\x.exe""#), Code::HookPathUnquoted);
        assert_eq!(one(r#""C:\Program Files\x.exe" "y z""#), Code::HookQuotesLost);
        assert_eq!(one(r#"C:\x.exe "y z" a"#), Code::HookArgumentSplit);
        assert_eq!(one(r#"C:\x.exe "" a"#), Code::HookArgumentSplit);
        assert_eq!(one(r"C:\x.exe %callerid%"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe %1"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe https://crm.example.org/call/%callerid%"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe tel:%1"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe --cid="), Code::HookNumberDetached);
        assert_eq!(one(r"C:\x.exe https://crm.example.org/?n="), Code::HookNumberDetached);
        assert_eq!(one(r"C:\x.exe https://crm.example.org/call/"), Code::HookNumberDetached);
        assert_eq!(one(r"start C:\x.exe"), Code::HookShellWords);
        assert_eq!(one(r#"start "" "https://crm.example.org/""#), Code::HookShellWords);
        assert_eq!(one(r"@ECHO hello"), Code::HookShellWords);
        assert_eq!(one(r"C:\x.exe >> C:\log.txt"), Code::HookShellWords);
        assert_eq!(one(r"C:\x.exe && C:\y.exe"), Code::HookShellWords);
        assert_eq!(one(r"C:\x.exe ; on call"), Code::HookComment);
        assert_eq!(one(r"C:\x.exe # on call"), Code::HookComment);
        for variable in [r"%APPDATA%\x.exe", r"C:\Users\%USERNAME%\x.exe", r"C:\x.exe %USERNAME%"] {
            assert_eq!(one(variable), Code::HookPlaceholder);
        }
        assert_eq!(one(r#"C:\x.exe \"a"#), Code::HookNumberJoined);
        assert_eq!(one(&format!("C:\\{}.exe", "x".repeat(300))), Code::HookCut);
    }

    #[test]
    fn working_commands_have_no_errors() {
        for text in [
            "",
            r"C:\hooks\ring.bat",
            r#""C:\hooks\ring.exe""#,
            r#"""C:\Program Files\x.exe"""#,
            r#""C:\a b\sendosc.exe" 127.0.0.1 9001 /microsip s"#,
            r#"powershell "& ""C:\Users\me\callback.ps1""" cmdCallRing"#,
            r#""python" "C:\path\call_hook.py" start"#,
            r#""powershell.exe -NoProfile -File C:\x\y.ps1 answered""#,
            r#""C:\x.exe \"y z\"""#,
            r"C:\x.exe https://crm.example.org/a%20b/%C3%A4",
            r"C:\x.exe https://crm.example.org/",
            r"C:\x.exe https://crm.example.org/?a=1&b=2",
            r"C:\x.exe a;b #1",
            r#"C:\x.exe \"a > b\""#,
            r"C:\Windows\System32\cmd.exe /c start %USERNAME% > C:\log.txt & exit",
            r"C:\x.bat %USERNAME% > C:\log.txt",
            r"powershell.exe -NoProfile -File C:\x.ps1 https://crm.example.org/?n=",
            r"C:\echo.exe hello",
        ] {
            assert_eq!(errors(text, Event::Ring), [], "{text}");
        }
    }

    #[test]
    fn outer_quotes_are_unstable_in_the_bare_dialect() {
        let text = wide(r#"""C:\Program Files\x.exe"""#);
        let decoded = decode(&text, Event::Ring, &save_dialect(Dialect::Raw));
        assert_eq!(decoded.program.as_deref(), Some(r"C:\Program Files\x.exe"));
        assert_eq!(decoded.errors, [HookTextError::Unstable]);
    }
}

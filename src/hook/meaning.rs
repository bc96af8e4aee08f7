//! What the author of a command intended, where its text shows that, and a text that does it. Pure.

use crate::ini::wide;

use super::command::{self, Decoded, HookCommand, HookTextError};
use super::dialect::SaveDialect;
use super::event::Event;
use super::shell;

/// Whether the text after `=` does what it says. The greatest of several verdicts counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is no command.
    Empty,
    /// It does what it says.
    Works,
    /// It does, under a condition that a problem names.
    Depends,
    /// Nothing runs, the wrong program runs, or the arguments or the number don't arrive as intended.
    Fails,
}

impl Verdict {
    /// Returns its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Works => "works",
            Verdict::Depends => "depends",
            Verdict::Fails => "fails",
            Verdict::Empty => "empty",
        }
    }
}

/// Returns the command that the author intended, if the text shows it.
pub fn intended_command(text: &str, decoded: &Decoded) -> Option<HookCommand> {
    let mut parts = intended_parts(text, decoded)?;
    // MicroSIP appends the number anyway, so placeholders at the end can be removed.
    let placeholders: Vec<&str> = decoded
        .errors
        .iter()
        .filter_map(|error| match error {
            HookTextError::Placeholder { placeholder } => Some(placeholder.as_str()),
            HookTextError::MaskIgnored { mask, .. } => Some(*mask),
            _ => None,
        })
        .collect();
    while parts.len() > 1
        && parts.last().is_some_and(|last| placeholders.iter().any(|known| last.eq_ignore_ascii_case(known)))
    {
        parts.pop();
    }
    // A shell reads the text as a whole, so other quotes would make it another command.
    if shell::reads_whole_command_line(parts.first()?, &parts) {
        return None;
    }
    let mut parts = parts.into_iter();
    Some(HookCommand { program: parts.next()?, args: parts.collect() })
}

fn intended_parts(text: &str, decoded: &Decoded) -> Option<Vec<String>> {
    let needs_shell =
        |error: &_| matches!(error, HookTextError::BuiltIn { .. } | HookTextError::ShellOperator { .. });
    if decoded.errors.iter().any(needs_shell) {
        return None;
    }
    for error in &decoded.errors {
        match error {
            HookTextError::Blank
            | HookTextError::Url
            | HookTextError::Cut { .. }
            | HookTextError::NumberJoined { .. } => return None,
            HookTextError::Comment { comment } => return parts_of(decoded.value.strip_suffix(comment)?),
            HookTextError::QuotesLost { .. } => return parts_of(text),
            HookTextError::Decayed { .. } => return parts_of(&format!("\"{}\"", decoded.value.trim())),
            HookTextError::PathUnquoted { path, .. } => {
                let rest = decoded.value.trim().strip_prefix(path.as_str())?;
                let args = parts_of(&format!("x{rest}"))?.into_iter().skip(1);
                return Some(std::iter::once(path.clone()).chain(args).collect());
            }
            _ => {}
        }
    }
    parts_of(&decoded.value)
}

/// Returns the program and the arguments that a command line was intended to give. Quotes after a backslash are for the
/// second splitting, by the program itself; returns `None` for a line with both kinds of quotes.
fn parts_of(line: &str) -> Option<Vec<String>> {
    const QUOTE: u16 = b'"' as u16;
    const SPACE: u16 = b' ' as u16;
    let mut args = command::command_line_to_argv(&wide(line.trim()));
    let program = args.remove(0);
    if args.iter().any(|arg| arg.contains(&QUOTE)) {
        if args.iter().any(|arg| arg.contains(&SPACE)) {
            return None;
        }
        args = command::received(&args.join(&SPACE), "");
    }
    let parts = std::iter::once(program).chain(args);
    Some(parts.map(|part| String::from_utf16_lossy(&part)).collect())
}

/// Returns the text after `=` that runs exactly this command, if there is one without any error.
pub fn working_text(command: &HookCommand, event: Event, save_dialect: &SaveDialect) -> Option<String> {
    let text = command::encode(command, save_dialect.dialect).ok()?.text(save_dialect.dialect);
    let decoded = command::decode(&wide(&text), event, save_dialect);
    let works = decoded.errors.is_empty() && decoded.command().as_ref() == Some(command);
    works.then_some(text)
}

/// What guides write where readers should put their own user name.
const STAND_INS: &[&str] = &[
    "name",
    "user",
    "username",
    "user name",
    "yourname",
    "your name",
    "your_name",
    "yourusername",
    "<user>",
];

/// Returns the stand-in for a user's name in a path that isn't quoted. With a real name that contains a space, the
/// command wouldn't work.
pub fn unquoted_stand_in(value: &str) -> Option<&str> {
    const USERS: &str = r"\users\";
    let lower = value.to_ascii_lowercase();
    lower.match_indices(USERS).find_map(|(at, _)| {
        let start = at + USERS.len();
        let rest = value.get(start..)?;
        let name = rest.get(..rest.find('\\')?)?;
        let is_unquoted = value.get(..at)?.matches('"').count() % 2 == 0;
        let is_stand_in = STAND_INS.iter().any(|known| known.eq_ignore_ascii_case(name));
        (is_unquoted && is_stand_in).then_some(name)
    })
}

/// Returns the text for a command that still works when a name with spaces replaces the stand-in.
pub fn working_text_for_any_user(
    command: &HookCommand,
    name: &str,
    event: Event,
    save_dialect: &SaveDialect,
) -> Option<String> {
    // A private-use character, which no path contains, so that the mark can be removed from the text again.
    const SPACE_MARK: &str = " \u{E000}";
    let folder = format!(r"\{name}\");
    let with_space = format!(r"\{name}{SPACE_MARK}\");
    let command_with_space = HookCommand {
        program: command.program.replace(&folder, &with_space),
        args: command.args.iter().map(|arg| arg.replace(&folder, &with_space)).collect(),
    };
    let text = working_text(&command_with_space, event, save_dialect)?.replace(SPACE_MARK, "");
    let decoded = command::decode(&wide(&text), event, save_dialect);
    let works = decoded.errors.is_empty()
        && decoded.command().as_ref() == Some(command)
        && unquoted_stand_in(&decoded.value).is_none();
    works.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::version::Dialect;

    const PRESENT: SaveDialect = SaveDialect { dialect: Dialect::PRESENT, version: None, certain: true };

    fn suggested(text: &str) -> Option<String> {
        let decoded = command::decode(&wide(text), Event::Ring, &PRESENT);
        working_text(&intended_command(text, &decoded)?, Event::Ring, &PRESENT)
    }

    #[test]
    fn suggests_a_text_that_does_what_was_intended() {
        for (text, wanted) in [
            (r"C:\Program Files\x.exe", r#"""C:\Program Files\x.exe"""#),
            (r#""C:\Program Files\x.exe""#, r#"""C:\Program Files\x.exe"""#),
            (r"C:\Program Files\x.exe -a b", r#"""C:\Program Files\x.exe" -a b""#),
            (r#""C:\Program Files\x.exe" "y z""#, r#"""C:\Program Files\x.exe" y\" \"z""#),
            (r#"C:\a b\x.exe" "y z"#, r#"""C:\a b\x.exe" y\" \"z""#),
            (r#"C:\x.exe "y z" a"#, r#""C:\x.exe \"y z\" a""#),
            (r"C:\x.exe %callerid%", r#""C:\x.exe""#),
            (r#"C:\x.exe \"a b\" %1"#, r#""C:\x.exe \"a b\"""#),
            (r#"C:\x y.exe \"a b\""#, r#"""C:\x y.exe" a\" \"b""#),
            (r"C:\x.exe -a ; on call", r#""C:\x.exe -a""#),
            (r"C:\R & D\x.exe -a", r#"""C:\R & D\x.exe" -a""#),
            (r"C:\x.exe --to crm {number}", r#""C:\x.exe --to crm""#),
        ] {
            assert_eq!(suggested(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn suggests_nothing_if_the_intention_is_unclear() {
        for text in [
            "",
            "\" \"",
            r#"C:\x.exe "a b" \"c d\""#,
            "https://crm.example.org/call",
            r"C:\x.exe --cid=",
            r"C:\x.exe --cid=%1 -a",
            r#"C:\x.exe \"a"#,
            r"powershell -Command x.ps1 %1",
            r#"start "" "https://crm.example/""#,
            r"C:\Program Files\x.exe >> C:\log.txt",
            r"C:\Users\%USERNAME%\App Data\hook.exe",
        ] {
            assert_eq!(suggested(text), None, "{text}");
        }
    }

    #[test]
    fn finds_stand_ins_only_outside_of_quotes() {
        assert_eq!(unquoted_stand_in(r"C:\Users\NAME\ring.bat"), Some("NAME"));
        assert_eq!(unquoted_stand_in(r"powershell.exe -File c:\users\user\ring.ps1 a"), Some("user"));
        assert_eq!(unquoted_stand_in(r#""C:\Users\NAME\ring.bat" a"#), None);
        assert_eq!(unquoted_stand_in(r"C:\Users\ann\ring.bat"), None);
        assert_eq!(unquoted_stand_in(r"C:\Users\NAME"), None);
        assert_eq!(unquoted_stand_in("\\users\\ä"), None);
    }

    #[test]
    fn text_with_a_stand_in_works_for_any_name() {
        let hook = |program: &str, args: &[&str]| HookCommand {
            program: program.into(),
            args: args.iter().map(ToString::to_string).collect(),
        };
        let text = |command, name| working_text_for_any_user(&command, name, Event::Ring, &PRESENT);
        let alone = text(hook(r"C:\Users\NAME\ring.bat", &[]), "NAME");
        assert_eq!(alone.as_deref(), Some(r#"""C:\Users\NAME\ring.bat"""#));
        let script = text(hook("powershell.exe", &["-File", r"C:\Users\user\r.ps1", "end"]), "user");
        assert_eq!(script.as_deref(), Some(r#""powershell.exe -File \"C:\Users\user\r.ps1\" end""#));
    }
}

//! What the author of a command meant, where its text tells, and a text that does it. Pure.

use crate::ini::wide;

use super::command::{self, CommandFault, Decoded, HookCommand};
use super::event::Event;
use super::save_dialect::SaveDialect;

/// What becomes of a text behind `=`. Of several the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No command.
    Empty,
    /// It does what it says.
    Works,
    /// It does so if something holds that a problem names.
    Depends,
    /// Nothing runs, or something else, or the number comes another way than was meant.
    Fails,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Works => "works",
            Verdict::Depends => "depends",
            Verdict::Fails => "fails",
            Verdict::Empty => "empty",
        }
    }
}

/// What a fault makes of a command. More fails here than for a hook that is set: the program is started with a
/// placeholder too, but not with the number in its place.
pub fn verdict_of(fault: &CommandFault) -> Verdict {
    match fault {
        CommandFault::SecretMask { .. } | CommandFault::MaskConstant { .. } => Verdict::Depends,
        _ => Verdict::Fails,
    }
}

/// What was meant; `None` where that cannot be told.
pub fn meant(text: &str, decoded: &Decoded) -> Option<HookCommand> {
    let mut parts = parts_meant(text, decoded)?;
    // the number comes by itself, so a placeholder at the end can go
    let left_out: Vec<&str> = decoded
        .faults
        .iter()
        .filter_map(|fault| match fault {
            CommandFault::Placeholder { placeholder } => Some(placeholder.as_str()),
            CommandFault::MaskIgnored { mask, .. } => Some(*mask),
            _ => None,
        })
        .collect();
    while parts.len() > 1
        && parts.last().is_some_and(|last| left_out.iter().any(|word| last.eq_ignore_ascii_case(word)))
    {
        parts.pop();
    }
    // a shell reads the text as a whole: other quotes would be another command
    if command::reads_its_whole_command_line(parts.first()?, &parts) {
        return None;
    }
    let mut parts = parts.into_iter();
    Some(HookCommand { program: parts.next()?, args: parts.collect() })
}

fn parts_meant(text: &str, decoded: &Decoded) -> Option<Vec<String>> {
    for fault in &decoded.faults {
        match fault {
            CommandFault::Blank
            | CommandFault::Url
            | CommandFault::Cut { .. }
            | CommandFault::NumberJoined { .. } => return None,
            CommandFault::QuotesLost { .. } => return parts_of(text),
            CommandFault::Decayed { .. } => return parts_of(&format!("\"{}\"", decoded.value.trim())),
            CommandFault::PathUnquoted { path, .. } => {
                let rest = decoded.value.trim().strip_prefix(path.as_str())?;
                let args = parts_of(&format!("x{rest}"))?.into_iter().skip(1);
                return Some(std::iter::once(path.clone()).chain(args).collect());
            }
            _ => {}
        }
    }
    parts_of(&decoded.value)
}

/// The program and the arguments that a command line was meant to give. Quotes behind a backslash are for the second
/// splitting, which the program does itself; `None` where a line has both kinds.
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

/// The text behind `=` that does this without a fault, if there is one.
pub fn text_for(command: &HookCommand, event: Event, save_dialect: &SaveDialect) -> Option<String> {
    let text = command::encode(command, save_dialect.dialect).ok()?.text(save_dialect.dialect);
    let decoded = command::decode(&wide(&text), event, save_dialect);
    let holds = decoded.faults.is_empty() && decoded.command().as_ref() == Some(command);
    holds.then_some(text)
}

/// What guides write where the reader's own name belongs.
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

/// A stand-in for a user's name in a path without quotes: the command breaks where the real name has a blank.
pub fn bare_stand_in(value: &str) -> Option<&str> {
    const USERS: &str = r"\users\";
    let lower = value.to_ascii_lowercase();
    lower.match_indices(USERS).find_map(|(at, _)| {
        let start = at + USERS.len();
        let rest = value.get(start..)?;
        let name = rest.get(..rest.find('\\')?)?;
        let is_bare = value.get(..at)?.matches('"').count() % 2 == 0;
        let is_stand_in = STAND_INS.iter().any(|word| word.eq_ignore_ascii_case(name));
        (is_bare && is_stand_in).then_some(name)
    })
}

/// The text for a command that stays right when a name with blanks takes the stand-in's place.
pub fn text_for_any_name(
    command: &HookCommand,
    name: &str,
    event: Event,
    save_dialect: &SaveDialect,
) -> Option<String> {
    // no path holds it, so that it can be told from the text when it goes again
    const BLANK_MARK: &str = " \u{E000}";
    let folder = format!(r"\{name}\");
    let with_blank = format!(r"\{name}{BLANK_MARK}\");
    let widened = HookCommand {
        program: command.program.replace(&folder, &with_blank),
        args: command.args.iter().map(|arg| arg.replace(&folder, &with_blank)).collect(),
    };
    let text = text_for(&widened, event, save_dialect)?.replace(BLANK_MARK, "");
    let decoded = command::decode(&wide(&text), event, save_dialect);
    let holds = decoded.faults.is_empty()
        && decoded.command().as_ref() == Some(command)
        && bare_stand_in(&decoded.value).is_none();
    holds.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::version::Dialect;

    const PRESENT: SaveDialect = SaveDialect { dialect: Dialect::PRESENT, version: None, certain: true };

    fn suggested(text: &str) -> Option<String> {
        let decoded = command::decode(&wide(text), Event::Ring, &PRESENT);
        text_for(&meant(text, &decoded)?, Event::Ring, &PRESENT)
    }

    #[test]
    fn what_was_meant_gets_a_text_that_does_it() {
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
            (r"C:\x.exe --to crm {number}", r#""C:\x.exe --to crm""#),
        ] {
            assert_eq!(suggested(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn nothing_is_suggested_where_it_cannot_be_told_what_was_meant() {
        for text in [
            "",
            "\" \"",
            // quotes of both kinds
            r#"C:\x.exe "a b" \"c d\""#,
            "https://crm.example.org/call",
            r"C:\x.exe --cid=",
            r"C:\x.exe --cid=%1 -a",
            r#"C:\x.exe \"a"#,
            r"powershell -Command x.ps1 %1",
        ] {
            assert_eq!(suggested(text), None, "{text}");
        }
    }

    #[test]
    fn a_stand_in_is_told_where_no_quotes_hold_it_together() {
        assert_eq!(bare_stand_in(r"C:\Users\NAME\ring.bat"), Some("NAME"));
        assert_eq!(bare_stand_in(r"powershell.exe -File c:\users\user\ring.ps1 a"), Some("user"));
        assert_eq!(bare_stand_in(r#""C:\Users\NAME\ring.bat" a"#), None);
        assert_eq!(bare_stand_in(r"C:\Users\ann\ring.bat"), None);
        assert_eq!(bare_stand_in(r"C:\Users\NAME"), None);
        assert_eq!(bare_stand_in("\\users\\ä"), None);
    }

    #[test]
    fn with_a_stand_in_the_text_is_made_for_any_name() {
        let hook = |program: &str, args: &[&str]| HookCommand {
            program: program.into(),
            args: args.iter().map(ToString::to_string).collect(),
        };
        let text = |command, name| text_for_any_name(&command, name, Event::Ring, &PRESENT);
        let alone = text(hook(r"C:\Users\NAME\ring.bat", &[]), "NAME");
        assert_eq!(alone.as_deref(), Some(r#"""C:\Users\NAME\ring.bat"""#));
        let script = text(hook("powershell.exe", &["-File", r"C:\Users\user\r.ps1", "end"]), "user");
        assert_eq!(script.as_deref(), Some(r#""powershell.exe -File \"C:\Users\user\r.ps1\" end""#));
    }
}

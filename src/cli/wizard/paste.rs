//! The command line that does what the wizard did, to be pasted.

use crate::hook::command::{HookCommand, between_quotes, escape_quotes};
use crate::request::{EditRequest, HookText, IniChoice, Request, SetHook, WhileRunning, WriteOptions};

/// Who reads the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The command prompt of Windows.
    Cmd,
    /// Windows PowerShell.
    PowerShell,
    /// The shells of other systems.
    Posix,
}

/// The lines that make this request, each for the shells that it says.
pub fn lines(request: &Request) -> String {
    let is_windows = std::path::MAIN_SEPARATOR == '\\';
    let mut text = String::new();
    for words in words(request) {
        let line = |reader| words.iter().map(|word| quoted(word, reader)).collect::<Vec<_>>().join(" ");
        let lines = match (is_windows, line(Reader::Cmd), line(Reader::PowerShell)) {
            (false, ..) => format!("  {}\n", line(Reader::Posix)),
            (true, cmd, powershell) if cmd == powershell => format!("  {cmd}\n"),
            (true, cmd, powershell) => format!("cmd:\n  {cmd}\nPowerShell:\n  {powershell}\n"),
        };
        text.push_str(&lines);
    }
    text
}

/// The words of the command lines that make this request; none if there is no command for it.
fn words(request: &Request) -> Vec<Vec<String>> {
    let Request::Write { ini, edit, options } = request else { return Vec::new() };
    let common = common_options(ini, options);
    let line = |command: &str, more: Vec<String>| {
        let start = ["msipcfg", command].map(String::from).into_iter();
        start.chain(common.iter().cloned()).chain(more).collect::<Vec<String>>()
    };
    match edit {
        EditRequest::SetHooks(sets) => {
            sets.iter().filter_map(hook_words).map(|words| line("set-hook", words)).collect()
        }
        EditRequest::UnsetHooks(events) => {
            vec![line("unset-hook", events.iter().map(|event| event.name().to_string()).collect())]
        }
        EditRequest::Restore(_) => vec![line("restore", Vec::new())],
        EditRequest::Set(_) | EditRequest::Unset(_) | EditRequest::Apply { .. } => Vec::new(),
    }
}

fn common_options(ini: &IniChoice, options: &WriteOptions) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(path) = &ini.path {
        words.extend(["--ini".into(), path.to_string_lossy().into_owned()]);
    }
    if let Some(code_page) = ini.code_page {
        words.extend(["--codepage".into(), code_page.to_string()]);
    }
    words.extend(options.create.then(|| "--create".to_string()));
    words.extend(match options.while_running {
        WhileRunning::Wait => None,
        WhileRunning::Close => Some("--close".into()),
        WhileRunning::CloseAndRestart => Some("--restart".into()),
    });
    words
}

/// A hook with a program that can be named.
fn hook_words(set: &SetHook) -> Option<Vec<String>> {
    let HookText::Command(HookCommand { program, args }) = &set.what else { return None };
    let allowed = [
        (set.allow.missing, "--allow-missing"),
        (set.allow.unsafe_target, "--allow-unsafe"),
        (set.allow.mark, "--unblock"),
    ];
    let mut words: Vec<String> =
        allowed.iter().filter(|(is_so, _)| *is_so).map(|(_, option)| option.to_string()).collect();
    words.push(set.event.name().into());
    if args.iter().chain([program]).any(|word| word.starts_with('-')) {
        words.push("--".into());
    }
    words.push(program.clone());
    words.extend(args.iter().cloned());
    Some(words)
}

/// A word so that the shell gives it to the program as it is.
fn quoted(word: &str, reader: Reader) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || r"-_./\:+=".contains(c);
    // PowerShell parts an unquoted -a.b and -a:b
    let is_parted = word.starts_with('-') && word.contains(['.', ':']);
    if !word.is_empty() && word.chars().all(is_plain) && !is_parted {
        let is_safe = reader != Reader::Posix || !word.contains('\\');
        if is_safe {
            return word.to_string();
        }
    }
    match reader {
        Reader::Posix => format!("'{}'", word.replace('\'', r"'\''")),
        // with a quote inside, carets are the only thing that cmd heeds from there on
        Reader::Cmd if word.contains('"') => {
            let mut text = String::new();
            for c in between_quotes(word).chars() {
                if "\"&|<>^()%!".contains(c) {
                    text.push('^');
                }
                text.push(c);
            }
            text
        }
        Reader::Cmd => between_quotes(word),
        Reader::PowerShell => {
            // PowerShell takes the quotes of books for quotes, too
            const SINGLE: &[char] = &['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
            const READ_IN_DOUBLE: &[char] = &['"', '$', '`', '\u{201C}', '\u{201D}', '\u{201E}'];
            if !word.is_empty() && !word.contains(READ_IN_DOUBLE) {
                return between_quotes(word);
            }
            // Windows PowerShell hands on what is inside as it is, so the quotes in it need their backslash, and
            // an empty word would be left out
            let inner = if word.is_empty() { "\"\"".to_string() } else { escape_quotes(word) };
            let doubled = inner.chars().flat_map(|c| {
                let again = SINGLE.contains(&c).then_some(c);
                std::iter::once(c).chain(again)
            });
            format!("'{}'", doubled.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::args::Cli;
    use crate::hook::event::Event;
    use crate::hook::target::Allow;
    use crate::request::BackupChoice;

    /// How long a command waits unless something else is said.
    const USUAL_WAIT: Duration = Duration::from_secs(300);

    fn write(ini: Option<&str>, edit: EditRequest, create: bool, while_running: WhileRunning) -> Request {
        let options = WriteOptions {
            dry_run: false,
            create,
            timeout: USUAL_WAIT,
            while_running,
            backup: true,
            keep_backups: WriteOptions::DEFAULT_BACKUPS,
        };
        Request::Write { ini: IniChoice { path: ini.map(Into::into), code_page: None }, edit, options }
    }

    fn set(event: Event, program: &str, args: &[&str], mark: bool) -> SetHook {
        let args = args.iter().map(ToString::to_string).collect();
        let what = HookText::Command(HookCommand { program: program.into(), args });
        SetHook { event, what, version: None, allow: Allow { mark, ..Allow::default() } }
    }

    #[test]
    fn a_line_makes_the_request_that_it_was_made_of() {
        let one = |event| set(event, r"C:\ä b\x.ps1", &["--json", "a \"b", ""], true);
        for request in [
            write(None, EditRequest::SetHooks(vec![one(Event::Ring)]), false, WhileRunning::Wait),
            write(
                Some("/p q/x.ini"),
                EditRequest::SetHooks(vec![one(Event::End)]),
                true,
                WhileRunning::Close,
            ),
            write(
                None,
                EditRequest::UnsetHooks(vec![Event::Busy, Event::End]),
                false,
                WhileRunning::CloseAndRestart,
            ),
            write(None, EditRequest::Restore(BackupChoice::Newest), false, WhileRunning::Wait),
        ] {
            let [words] = &words(&request)[..] else { panic!("{request:?}") };
            let raw: Vec<OsString> = words.iter().map(OsString::from).collect();
            let again = Cli::try_parse_from(&raw).unwrap().into_request(&raw).unwrap();
            assert_eq!(format!("{again:?}"), format!("{request:?}"));
        }
        let two = EditRequest::SetHooks(vec![one(Event::Ring), one(Event::End)]);
        assert_eq!(words(&write(None, two, false, WhileRunning::Wait)).len(), 2);
    }

    #[test]
    fn words_are_quoted_for_who_reads_them() {
        for (word, cmd, powershell, posix) in [
            (r"C:\x.exe", r"C:\x.exe", r"C:\x.exe", r"'C:\x.exe'"),
            ("--ini", "--ini", "--ini", "--ini"),
            ("-a.b", "\"-a.b\"", "\"-a.b\"", "'-a.b'"),
            (r"C:\a b\", r#""C:\a b\\""#, r#""C:\a b\\""#, r"'C:\a b\'"),
            (
                "http://x/?a=1&b=%20",
                "\"http://x/?a=1&b=%20\"",
                "\"http://x/?a=1&b=%20\"",
                "'http://x/?a=1&b=%20'",
            ),
            ("a$b", "\"a$b\"", "'a$b'", "'a$b'"),
            ("it's", "\"it's\"", "\"it's\"", r"'it'\''s'"),
            ("it's $1", "\"it's $1\"", "'it''s $1'", r"'it'\''s $1'"),
            (
                "x\u{2019}\u{201C}",
                "\"x\u{2019}\u{201C}\"",
                "'x\u{2019}\u{2019}\u{201C}'",
                "'x\u{2019}\u{201C}'",
            ),
            ("a\"&b", r#"^"a\^"^&b^""#, r#"'a\"&b'"#, "'a\"&b'"),
            ("", "\"\"", "'\"\"'", "''"),
            ("Ünï", "Ünï", "Ünï", "Ünï"),
        ] {
            for (reader, wanted) in
                [(Reader::Cmd, cmd), (Reader::PowerShell, powershell), (Reader::Posix, posix)]
            {
                assert_eq!(quoted(word, reader), wanted, "{word} for {reader:?}");
            }
        }
    }
}

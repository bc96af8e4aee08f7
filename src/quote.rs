//! Quoting of arguments: for CommandLineToArgvW, by which Windows programs split their command line, and for shells.

/// The characters that separate arguments.
pub const SPACES: [char; 2] = [' ', '\t'];

/// Quotes a text if it needs quotes to stay one argument.
pub fn quote(text: &str) -> String {
    if text.is_empty() || text.contains([' ', '\t', '\u{B}']) {
        between_quotes(text)
    } else {
        escape_quotes(text)
    }
}

/// Quotes a text.
pub fn between_quotes(text: &str) -> String {
    let backslashes = text.len() - text.trim_end_matches('\\').len();
    format!("\"{}{}\"", escape_quotes(text), "\\".repeat(backslashes))
}

/// Puts a backslash before each quote, and doubles the backslashes that precede one.
pub fn escape_quotes(text: &str) -> String {
    let mut escaped = String::new();
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '"' {
            escaped.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        escaped.push(c);
    }
    escaped
}

/// Quotes only the spaces in a text, so that it needn't end with a quote.
pub fn quote_spaces(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    let mut quoted = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let plain = &rest[..rest.find(SPACES).unwrap_or(rest.len())];
        quoted.push_str(&escape_quotes(plain));
        rest = &rest[plain.len()..];
        let spaces = &rest[..rest.len() - rest.trim_start_matches(SPACES).len()];
        if !spaces.is_empty() {
            let backslashes = plain.len() - plain.trim_end_matches('\\').len();
            quoted.push_str(&"\\".repeat(backslashes));
            quoted.push('"');
            quoted.push_str(spaces);
            quoted.push('"');
        }
        rest = &rest[spaces.len()..];
    }
    quoted
}

/// A shell that reads a command line.
#[allow(clippy::enum_variant_names, reason = "PowerShell is its name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    /// The Windows command prompt.
    Cmd,
    /// Windows PowerShell.
    PowerShell,
    /// sh and similar shells.
    Posix,
}

/// Returns a command line that can be pasted: one line if the shells of this system agree, otherwise one for each.
pub fn command_line(args: &[impl AsRef<str>]) -> String {
    let line = |shell| {
        let quoted: Option<Vec<String>> = args.iter().map(|arg| for_shell(arg.as_ref(), shell)).collect();
        quoted.map(|quoted| quoted.join(" "))
    };
    if std::path::MAIN_SEPARATOR == '/' {
        return line(Shell::Posix).unwrap_or_default();
    }
    let powershell = line(Shell::PowerShell).unwrap_or_default();
    match line(Shell::Cmd) {
        Some(cmd) if cmd == powershell => cmd,
        Some(cmd) => format!("in cmd:\n{cmd}\nin PowerShell:\n{powershell}"),
        None => format!("in PowerShell:\n{powershell}"),
    }
}

/// Quotes an argument so that the shell passes it to the program unchanged; `None` if the shell has no way to do that.
fn for_shell(argument: &str, shell: Shell) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || r"-_./\:+=".contains(c);
    // PowerShell splits an unquoted -a.b and -a:b
    let is_split = argument.starts_with('-') && argument.contains(['.', ':']);
    let is_escaped = shell == Shell::Posix && argument.contains('\\');
    if !argument.is_empty() && argument.chars().all(is_plain) && !is_split && !is_escaped {
        return Some(argument.to_string());
    }
    Some(match shell {
        // at its prompt, cmd replaces a variable between quotes too, and keeps the carets of one that doesn't exist
        Shell::Cmd if argument.contains('%') => return None,
        Shell::Posix => format!("'{}'", argument.replace('\'', r"'\''")),
        // after a quote in the argument, cmd recognizes only carets
        Shell::Cmd if argument.contains('"') => {
            let mut text = String::new();
            for c in between_quotes(argument).chars() {
                if "\"&|<>^()!".contains(c) {
                    text.push('^');
                }
                text.push(c);
            }
            text
        }
        Shell::Cmd => between_quotes(argument),
        Shell::PowerShell => {
            // PowerShell treats typographic quotes as quotes
            const SINGLE: &[char] = &['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
            const SPECIAL_IN_DOUBLE_QUOTES: &[char] = &['"', '$', '`', '\u{201C}', '\u{201D}', '\u{201E}'];
            // Windows PowerShell passes the text inside on verbatim, between quotes if it contains a space. So
            // quotes in it need a backslash, backslashes before the added quote are doubled, and an empty argument
            // would be dropped.
            let inner = match argument {
                "" => "\"\"".to_string(),
                _ if argument.contains(char::is_whitespace) => {
                    let quoted = between_quotes(argument);
                    quoted[1..quoted.len() - 1].to_string()
                }
                _ => escape_quotes(argument),
            };
            if !inner.contains(SPECIAL_IN_DOUBLE_QUOTES) {
                return Some(format!("\"{inner}\""));
            }
            let doubled = inner.chars().flat_map(|c| {
                let second = SINGLE.contains(&c).then_some(c);
                std::iter::once(c).chain(second)
            });
            format!("'{}'", doubled.collect::<String>())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_each_shell() {
        for (argument, cmd, powershell, posix) in [
            (r"C:\x.exe", r"C:\x.exe", r"C:\x.exe", r"'C:\x.exe'"),
            ("--ini", "--ini", "--ini", "--ini"),
            ("-a.b", "\"-a.b\"", "\"-a.b\"", "'-a.b'"),
            (r"C:\a b\", r#""C:\a b\\""#, r#""C:\a b\\""#, r"'C:\a b\'"),
            ("http://x/?a=1&b=2", "\"http://x/?a=1&b=2\"", "\"http://x/?a=1&b=2\"", "'http://x/?a=1&b=2'"),
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
            for (shell, expected) in
                [(Shell::Cmd, cmd), (Shell::PowerShell, powershell), (Shell::Posix, posix)]
            {
                assert_eq!(for_shell(argument, shell).as_deref(), Some(expected), "{argument} for {shell:?}");
            }
        }
    }

    /// Splits a command line as C programs do.
    fn argv(line: &str) -> Vec<String> {
        let (mut arguments, mut argument, mut is_quoted) = (Vec::new(), None::<String>, false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let mut backslashes = usize::from(c == '\\');
            while backslashes > 0 && chars.next_if_eq(&'\\').is_some() {
                backslashes += 1;
            }
            match c {
                '\\' if chars.peek() == Some(&'"') => {
                    let argument = argument.get_or_insert_default();
                    argument.push_str(&"\\".repeat(backslashes / 2));
                    if backslashes % 2 == 1 {
                        argument.extend(chars.next());
                    }
                }
                '\\' => argument.get_or_insert_default().push_str(&"\\".repeat(backslashes)),
                '"' => {
                    is_quoted = !is_quoted;
                    argument.get_or_insert_default();
                }
                ' ' | '\t' if !is_quoted => arguments.extend(argument.take()),
                _ => argument.get_or_insert_default().push(c),
            }
        }
        arguments.into_iter().chain(argument).collect()
    }

    /// Returns the command line that cmd passes on; `None` if it would do something else.
    fn through_cmd(line: &str) -> Option<String> {
        let (mut passed, mut is_quoted, mut chars) = (String::new(), false, line.chars());
        while let Some(c) = chars.next() {
            match c {
                '%' => return None,
                '^' if !is_quoted => passed.extend(chars.next()),
                '&' | '|' | '<' | '>' | '(' | ')' if !is_quoted => return None,
                _ => {
                    is_quoted ^= c == '"';
                    passed.push(c);
                }
            }
        }
        Some(passed)
    }

    /// Returns the command line that Windows PowerShell passes on; `None` if it would do something else.
    fn through_powershell(argument: &str) -> Option<String> {
        const SINGLE: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201A}', '\u{201B}'];
        const DOUBLE: [char; 4] = ['"', '\u{201C}', '\u{201D}', '\u{201E}'];
        let mut chars = argument.chars();
        let text: String = match chars.next()? {
            '"' => {
                let inner = chars.as_str().strip_suffix('"')?;
                (!inner.contains(DOUBLE) && !inner.contains(['$', '`'])).then(|| inner.to_string())?
            }
            '\'' => {
                let mut inner = chars.as_str().strip_suffix('\'')?.chars();
                let mut text = String::new();
                while let Some(c) = inner.next() {
                    text.push(c);
                    if SINGLE.contains(&c) && !inner.next().is_some_and(|second| SINGLE.contains(&second)) {
                        return None;
                    }
                }
                text
            }
            _ => argument
                .chars()
                .all(|c| c.is_alphanumeric() || r"-_./\:+=".contains(c))
                .then(|| argument.into())?,
        };
        let is_wrapped = text.contains(char::is_whitespace) && !text.starts_with('"');
        Some(if is_wrapped { format!("\"{text}\"") } else { text })
    }

    proptest::proptest! {
        #[test]
        fn shells_pass_quoted_arguments_unchanged(
            argument in proptest::collection::vec(
                proptest::prelude::prop_oneof![
                    8 => proptest::sample::select("\"\\\\ \t'&|^%$`()<>!;,=-.:a\u{2018}\u{201C}ü{}@#".chars().collect::<Vec<_>>()),
                    1 => proptest::char::range(' ', '\u{FFFD}'),
                ],
                0..10,
            ),
        ) {
            let argument = String::from_iter(argument);
            if let Some(cmd) = for_shell(&argument, Shell::Cmd) {
                let passed = through_cmd(&cmd).map(|line| argv(&line));
                proptest::prop_assert_eq!(passed, Some(vec![argument.clone()]), "cmd: {}", cmd);
            } else {
                proptest::prop_assert!(argument.contains('%'));
            }
            let powershell = for_shell(&argument, Shell::PowerShell).unwrap();
            let passed = through_powershell(&powershell).map(|line| argv(&line));
            proptest::prop_assert_eq!(passed, Some(vec![argument.clone()]), "PowerShell: {}", powershell);
            let posix = for_shell(&argument, Shell::Posix).unwrap();
            proptest::prop_assert_eq!(shlex::split(&posix), Some(vec![argument]), "sh: {}", posix);
        }
    }

    #[test]
    fn cmd_has_no_quotes_for_a_percent_sign() {
        assert_eq!(for_shell("%TEMP%", Shell::Cmd), None);
        assert_eq!(for_shell("%TEMP%", Shell::PowerShell).as_deref(), Some("\"%TEMP%\""));
    }
}

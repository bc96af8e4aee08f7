//! Syntax that shells, ini files or other softphones know, but MicroSIP doesn't. It would pass it to the program.

use crate::hook::shell;
use crate::quote::SPACES;

use super::model::HookCommand;
use super::text_error::HookTextError;

/// The commands that cmd.exe carries out itself; no program has these names.
const BUILT_IN: &[&str] = &[
    "assoc", "break", "call", "cd", "chdir", "cls", "color", "copy", "date", "del", "dir", "dpath", "echo",
    "endlocal", "erase", "exit", "for", "ftype", "goto", "if", "md", "mkdir", "mklink", "move", "path",
    "pause", "popd", "prompt", "pushd", "rd", "rem", "ren", "rename", "rmdir", "set", "setlocal", "shift",
    "start", "time", "title", "type", "ver", "verify", "vol",
];

/// The variables that Windows defines for every process.
const VARIABLES: &[&str] = &[
    "allusersprofile",
    "appdata",
    "commonprogramfiles",
    "commonprogramfiles(x86)",
    "computername",
    "comspec",
    "homedrive",
    "homepath",
    "localappdata",
    "onedrive",
    "path",
    "programdata",
    "programfiles",
    "programfiles(x86)",
    "programw6432",
    "public",
    "systemdrive",
    "systemroot",
    "temp",
    "tmp",
    "userdomain",
    "username",
    "userprofile",
    "windir",
];

/// Returns an error if a program's name or path can't be one: it is a command of cmd.exe, a web address, or contains a
/// variable.
pub fn refused_program(program: &str) -> Option<HookTextError> {
    if is_built_in(program) {
        return Some(HookTextError::BuiltIn { name: program.to_string() });
    }
    let address = is_web_address(program).then_some(HookTextError::Url);
    address.or_else(|| variables(program, true).next())
}

/// Finds syntax that MicroSIP doesn't know in a value that starts this command. `words` is the part of the value after
/// a path that isn't quoted, because a folder can be named `R & D`.
pub fn errors(value: &str, words: &str, command: &HookCommand) -> Vec<HookTextError> {
    let HookCommand { program, args } = command;
    if is_built_in(program) {
        return vec![HookTextError::BuiltIn { name: program.clone() }];
    }
    let lower = program.to_ascii_lowercase();
    let is_read_by_cmd = [".bat", ".cmd"].iter().any(|extension| lower.ends_with(extension));
    let is_read_by_shell = shell::reads_whole_command_line(program, args);
    let mut errors = Vec::new();
    if !is_read_by_shell {
        for (at, word) in unquoted_words(words) {
            if is_operator(word) && !is_read_by_cmd {
                errors.push(HookTextError::ShellOperator { operator: word.to_string() });
                break;
            }
            if at > 0 && (word.starts_with(';') || word == "#") {
                errors.push(HookTextError::Comment { comment: words[at..].to_string() });
                break;
            }
        }
    }
    errors.extend(variables(program, true));
    if !is_read_by_shell && !is_read_by_cmd {
        for error in args.iter().flat_map(|arg| variables(arg, false)) {
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    errors.extend(placeholders(value));
    errors
}

/// Returns whether a text is the address of something that isn't a file.
pub fn is_web_address(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(scheme, _)| scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn is_built_in(program: &str) -> bool {
    let name = program.trim_start_matches('@');
    BUILT_IN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Returns whether a word redirects or connects commands in a shell. An `&` inside a word may be part of an address.
fn is_operator(word: &str) -> bool {
    let connects = ["&&", "||"].iter().any(|pair| word.starts_with(pair) || word.ends_with(pair));
    let after_handle = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_short_handle = word.len() - after_handle.len() <= 1;
    connects || matches!(word, "&" | "|") || is_short_handle && after_handle.starts_with(['<', '>'])
}

/// Returns the words of a value that contain no quote and aren't between quotes, with their positions.
fn unquoted_words(value: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let (mut start, mut quotes) = (0, 0);
    for word in value.split(SPACES) {
        let in_word = word.matches('"').count();
        if quotes % 2 == 0 && in_word == 0 && !word.is_empty() {
            words.push((start, word));
        }
        quotes += in_word;
        start += word.len() + 1;
    }
    words
}

/// Finds `%NAME%` in a part of a command. In an address, `%` and two digits encode a character, so outside of a
/// program's path only the variables of Windows count.
fn variables(part: &str, is_program: bool) -> impl Iterator<Item = HookTextError> {
    const SHORTEST: usize = 3;
    let pieces: Vec<&str> = part.split('%').collect();
    // The pieces at both ends aren't between two percent signs.
    let between = pieces.get(1..pieces.len().max(2) - 1).unwrap_or_default();
    between
        .iter()
        .filter(|name| {
            is_windows_variable(name)
                || is_program
                    && name.len() >= SHORTEST
                    && name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && is_name(name)
        })
        .map(|name| HookTextError::Variable { variable: format!("%{name}%") })
        .collect::<Vec<_>>()
        .into_iter()
}

fn is_windows_variable(name: &str) -> bool {
    VARIABLES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_other_name(name: &str) -> bool {
    is_name(name) && !is_windows_variable(name)
}

/// Finds placeholders of other programs, such as `%1` and `%callerid%`.
fn placeholders(value: &str) -> impl Iterator<Item = HookTextError> {
    let is_delimiter = |c: char| c.is_whitespace() || matches!(c, '"' | '=' | '&' | '?' | '/' | ':' | ',');
    let is_digit = |text: &str| text.len() == 1 && text.starts_with(|c: char| c.is_ascii_digit());
    let is_placeholder = move |text: &&str| match text.strip_prefix('%') {
        Some("s" | "d" | "n" | "u") => true,
        Some(rest) => is_digit(rest) || rest.strip_suffix('%').is_some_and(is_other_name),
        None => false,
    };
    let found = value.split(is_delimiter).filter(is_placeholder);
    found.map(|text| HookTextError::Placeholder { placeholder: text.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_outside_of_quotes_are_operators() {
        let found = |value: &str| {
            let words = unquoted_words(value).into_iter().map(|(_, word)| word.to_string());
            words.filter(|word| is_operator(word)).collect::<Vec<_>>()
        };
        for operator in [">", ">>", "<", "2>", "2>&1", ">nul", "|", "||", "&", "&&", "a&&"] {
            assert_eq!(found(&format!("x.exe {operator} b")), [operator]);
        }
        for value in
            ["x.exe a&b", "x.exe https://h/?a=1&b=2", "x.exe 22>1", "x.exe \"a > b\"", r#"x.exe \"a | b\""#]
        {
            assert!(found(value).is_empty(), "{value}");
        }
    }

    #[test]
    fn variables_are_found_anywhere_but_not_in_encoded_addresses() {
        let found = |part: &str, is_program| variables(part, is_program).count();
        for program in
            [r"%APPDATA%\x.exe", r"C:\Users\%username%\x.exe", r"C:\%my_var%.exe", r"%ProgramFiles(x86)%\x"]
        {
            assert_eq!(found(program, true), 1, "{program}");
        }
        assert_eq!(found(r"%SystemDrive%\%USERNAME%\x.exe", true), 2);
        assert_eq!(found(r"/log=%TEMP%\x.log", false), 1);
        for arg in ["https://h/%C3%A4", "%ab%c", "100%", "%", "%%", "%foo%", ""] {
            assert_eq!(found(arg, false), 0, "{arg}");
        }
        assert_eq!(found(r"C:\100%\a%b.exe", true), 0);
    }
}

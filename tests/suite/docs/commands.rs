//! Checks the command lines on the pages, and runs them.
//!
//! The language of a code block says what it contains:
//! - none: command lines of msipcfg, and nothing else. They are parsed and run, with `--dry-run` where it exists.
//! - `sh`: command lines for developers, such as those of cargo. `.ci/run` runs the one of the README.
//! - `powershell` and `batch`: something that needs Windows. The command lines of msipcfg in it are parsed.

use std::ffi::OsString;

use msipcfg::cli::args::Cli;
use regex::Regex;

use super::pages::{pages, prose_of};
use super::{cli, code_blocks, read, split_arguments};

/// Returns the command lines of msipcfg in the blocks with this language.
fn command_lines(page: &str, language: &str) -> Vec<String> {
    let text = read(page);
    let lines = code_blocks(&text, language).into_iter().flat_map(str::lines).map(str::trim);
    // a variable of PowerShell may get the output
    let lines = lines.filter_map(|line| match line.split_once("msipcfg ") {
        Some((start, rest)) if start.is_empty() || start.ends_with("= ") => Some(format!("msipcfg {rest}")),
        _ => None,
    });
    let is_shell = !language.is_empty();
    // what comes after the command line belongs to the shell
    let end = move |line: &str| {
        if is_shell { line.find([';', '|', '>']).unwrap_or(line.len()) } else { line.len() }
    };
    lines.map(|line| line[..end(&line)].trim_end().replace('\'', "\"")).collect()
}

/// Returns the arguments of a command line.
fn arguments_of(line: &str) -> Vec<OsString> {
    // other systems have no such exit statuses
    let option = if cfg!(windows) { "" } else { " --exit-codes windows" };
    split_arguments(&line.replacen(option, "", 1))
}

fn parsed(line: &[OsString]) -> Result<(), String> {
    let cli = Cli::try_from_argv(line).map_err(|error| error.to_string())?;
    if cli.is_for_wizard() {
        return Ok(());
    }
    cli.into_request(line).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn command_lines_are_valid() {
    let mut count = 0;
    for page in pages() {
        for line in
            ["", "powershell", "batch"].into_iter().flat_map(|language| command_lines(&page, language))
        {
            assert_eq!(parsed(&arguments_of(&line)), Ok(()), "{page}: {line}");
            count += 1;
        }
    }
    assert!(count > 50, "only {count} command lines");
}

#[test]
fn command_lines_in_sentences_are_valid() {
    let span = Regex::new(r"`(msipcfg [^`]+)`").unwrap();
    let placeholder = Regex::new(r"\b[A-Z]{3,}\b|…").unwrap();
    let mut count = 0;
    for page in pages() {
        let text = prose_of(&page).replace('\n', " ");
        for line in span.captures_iter(&text).map(|span| span[1].replace(r"\|", "|")) {
            let line = line.split(" | ").next().unwrap();
            // the name of a command, without its arguments
            let name = line.split_once(' ').map_or(line, |(_, name)| name);
            if placeholder.is_match(line) || name == "--version" || cli().find_subcommand(name).is_some() {
                continue;
            }
            assert_eq!(parsed(&arguments_of(line)), Ok(()), "{page}: {line}");
            count += 1;
        }
    }
    assert!(count > 10, "only {count} command lines");
}

/// The pages whose code blocks without a language contain only command lines of msipcfg.
fn pages_for_people() -> impl Iterator<Item = String> {
    pages().into_iter().filter(|page| !page.starts_with("docs/admin/"))
}

#[test]
fn code_blocks_without_a_language_are_command_lines() {
    for page in pages_for_people() {
        let text = read(&page);
        let lines =
            code_blocks(&text, "").into_iter().map(|block| block.trim_end().lines().count()).sum::<usize>();
        assert_eq!(
            command_lines(&page, "").len(),
            lines,
            "{page}: set the language of the other code blocks"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn command_lines_work() {
    use super::pictures::{HOOKS, phone};
    use crate::sandbox::PROGRAM;
    // the command lines in cli.md are the examples of the help, which are for many different computers
    for page in pages_for_people().filter(|page| page != "docs/reference/cli.md") {
        for line in command_lines(&page, "") {
            let sandbox = phone(HOOKS);
            sandbox.write("phone.toml", "[settings]\nVAD = 1\n");
            for program in ["hooks/note.ps1", "windows/system32/WindowsPowerShell/v1.0/powershell.exe"] {
                sandbox.write(&format!("prefix/drive_c/{program}"), crate::sandbox::image());
            }
            let run = |line: &[OsString]| {
                let mut command = sandbox.command(PROGRAM);
                command.args(&line[1..]).env("WINEPREFIX", sandbox.path("prefix")).env("CRM_TOKEN", "x");
                sandbox.finish(command)
            };
            if line == "msipcfg restore" {
                run(&arguments_of("msipcfg set VAD=1")).exits(0);
            }
            let arguments = arguments_of(&line);
            let dry = [&arguments[..2], &["--dry-run".into()], &arguments[2..]].concat();
            let ran = run(if parsed(&dry).is_ok() { &dry } else { &arguments });
            // json.md shows an error
            let code = ran.stderr.split(['[', ']']).nth(1).unwrap_or_default();
            let is_shown = read(&page).contains(&format!(r#""code": "{code}""#));
            // 1 is an answer, such as that doctor found problems
            let works = [0, 1].contains(&ran.status) && (is_shown || !ran.stderr.contains("error:"));
            assert!(works, "{page}: {line}: {}", ran.stderr);
        }
    }
}

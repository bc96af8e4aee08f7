//! The commands that msipcfg prints as advice: each is accepted, and can be pasted where it was printed.

#[cfg(unix)]
use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::error::ErrorKind;
use msipcfg::cli::args::Cli;
use regex::Regex;

/// What users replace in a command, with an example.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("EVENT", "ring"),
    ("PROGRAM", r"C:\x.exe"),
    ("ARGS", "x"),
    ("COMMAND", "set"),
    ("PATH", r"C:\x.ini"),
    ("KEY", "VAD"),
    ("VALUE", "1"),
    ("FILE", "x.toml"),
];

/// The commands that ask a question, or start or close a program.
#[cfg(unix)]
const INTERACTIVE: &[&str] = &["wizard", "start", "exit", "call", "test-hook", "--close", "--restart"];

/// Fails unless msipcfg accepts every command in the output of a session. Returns how many there are.
pub fn assert_accepted(output: &str, session: &str) -> usize {
    let commands = find(output);
    for command in &commands {
        let example = |word: &String| {
            let found = PLACEHOLDERS.iter().find(|(placeholder, _)| word == placeholder);
            OsString::from(found.map_or(word.as_str(), |(_, example)| example))
        };
        let words: Vec<OsString> = split(command, session).iter().map(example).collect();
        if let Err(error) = Cli::try_from_argv(&words) {
            // help isn't an error
            let is_right = is_name(&words, &error) || !error.use_stderr();
            assert!(is_right, "{session}: {command}\n{error}");
        }
    }
    commands.len()
}

/// Returns the commands in an output that can be run as they are, each once.
#[cfg(unix)]
pub fn runnable<'a>(output: &'a str, session: &str) -> BTreeSet<&'a str> {
    let is_runnable = |command: &&str| {
        let words = split(command, session);
        let has = |word: &str| words.iter().any(|other| other == word);
        let is_example = PLACEHOLDERS.iter().any(|(placeholder, _)| has(placeholder));
        let is_interactive = INTERACTIVE.iter().any(|word| has(word));
        let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
        let is_name = Cli::try_from_argv(&argv).is_err_and(|error| is_name(&argv, &error));
        !(is_example || is_interactive || is_name)
    };
    find(output).into_iter().filter(is_runnable).collect()
}

/// Returns the commands in an output.
fn find(output: &str) -> Vec<&str> {
    let between_quotes = Regex::new(r"'(msipcfg(?: [^'\n]*)?)'").unwrap();
    let on_its_own_line = Regex::new(r"(?m)^ *(?:hint: )?(msipcfg -?[a-z].*)$").unwrap();
    let is_prose = Regex::new(r"^msipcfg (on|for|itself|with) ").unwrap();
    let found = between_quotes.captures_iter(output).chain(on_its_own_line.captures_iter(output));
    let commands = found.map(|found| found.get(1).unwrap().as_str());
    commands.filter(|command| !is_prose.is_match(command)).collect()
}

fn split(command: &str, session: &str) -> Vec<String> {
    shlex::split(command).unwrap_or_else(|| panic!("{session}: {command} has an open quote"))
}

/// Returns whether a command is mentioned by its name alone.
fn is_name(words: &[OsString], error: &clap::Error) -> bool {
    words.len() == 2 && error.kind() == ErrorKind::MissingRequiredArgument
}

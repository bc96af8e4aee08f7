//! The commands that msipcfg prints as advice: each is one that it accepts.

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

/// Fails unless msipcfg accepts every command in the output of a session. Returns how many there are.
pub fn assert_accepted(output: &str, session: &str) -> usize {
    let between_quotes = Regex::new(r"'(msipcfg(?: [^'\n]*)?)'").unwrap();
    let on_its_own_line = Regex::new(r"(?m)^ *(?:hint: )?(msipcfg -?[a-z].*)$").unwrap();
    let is_prose = Regex::new(r"^msipcfg (on|for|itself|with) ").unwrap();
    let found = between_quotes.captures_iter(output).chain(on_its_own_line.captures_iter(output));
    let commands: Vec<&str> = found.map(|found| found.get(1).unwrap().as_str()).collect();
    let commands = commands.iter().filter(|command| !is_prose.is_match(command));
    let mut count = 0;
    for command in commands {
        let words = shlex::split(command).unwrap_or_else(|| panic!("{session}: {command} has an open quote"));
        let example = |word: &String| {
            let found = PLACEHOLDERS.iter().find(|(placeholder, _)| word == placeholder);
            OsString::from(found.map_or(word.as_str(), |(_, example)| example))
        };
        let words: Vec<OsString> = words.iter().map(example).collect();
        if let Err(error) = Cli::try_from_argv(&words) {
            // Help isn't an error, and a command can be mentioned by its name alone.
            let is_name = words.len() == 2 && error.kind() == ErrorKind::MissingRequiredArgument;
            assert!(is_name || !error.use_stderr(), "{session}: {command}\n{error}");
        }
        count += 1;
    }
    count
}

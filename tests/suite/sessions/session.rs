//! A session: its command lines, and how one runs.

use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::files::{self, Files};
#[cfg(unix)]
use super::printed;
use super::redact::Redactions;
use crate::alone::Alone;
use crate::sandbox::{PROGRAM, Ran, Sandbox};

/// The folder with the files that the sessions in the same folder, and below it, start with.
pub const START: &str = "in";

const PROMPT: &str = "$ ";
const NAME: &str = "msipcfg";
/// Before a system's name: sessions that differ too much on the other one.
const ONLY_ON: &str = "# only on ";
/// For sessions that look for inis, and would find those of other tests.
const ALONE: &str = "# alone";

/// A file of command lines and what is expected of them.
pub struct Session {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the folder of all sessions, with slashes and without its ending.
    pub name: String,
    /// What it says before the first command line: what it shows, and where it can run.
    heading: String,
    /// The command lines, without the prompt.
    lines: Vec<String>,
    /// Where the files are that it starts with.
    start: Option<PathBuf>,
}

/// A command line, split as a shell would.
#[derive(Default)]
struct Line {
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
    input: Option<String>,
}

impl Session {
    /// Reads a session.
    pub fn read(path: &Path, all: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        let below = path.strip_prefix(all).unwrap().with_extension("");
        let name = below.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/");
        let heading = text.split_inclusive('\n').take_while(|line| !line.starts_with(PROMPT)).collect();
        let lines: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix(PROMPT)).map(String::from).collect();
        assert!(!lines.is_empty(), "{name} has no line that starts with '{PROMPT}'");
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(all));
        let start = folders.map(|folder| folder.join(START)).find(|folder| folder.is_dir());
        Session { path: path.to_path_buf(), name, heading, lines, start }
    }

    /// Returns whether it can run on this system.
    pub fn is_for_this_system(&self) -> bool {
        let system = self.heading.lines().find_map(|line| line.strip_prefix(ONLY_ON));
        system.is_none_or(|system| match system.split([':', ' ']).next() {
            Some("unix") => cfg!(unix),
            Some("windows") => cfg!(windows),
            _ => panic!("{}: '{ONLY_ON}' is followed by unix or windows, and the reason", self.name),
        })
    }

    /// Runs it and returns its text as it should be.
    pub fn run(&self) -> String {
        let _alone = self.heading.lines().any(|line| line.starts_with(ALONE)).then(Alone::now);
        let sandbox = Sandbox::new();
        if let Some(start) = &self.start {
            files::copy(start, &sandbox);
        }
        let mut redactions = Redactions::new(&sandbox);
        let mut text = self.heading.clone();
        let mut before = files::read(&sandbox);
        for (number, line) in self.lines.iter().enumerate() {
            let command = self.command(&sandbox, line);
            let ran = sandbox.finish(command);
            let after = files::read(&sandbox);
            #[cfg(unix)]
            self.run_printed(line, &ran, &sandbox, &after);
            let gap = if number == 0 { "" } else { "\n" };
            let shown = show(&ran, &before, &after, &mut redactions);
            assert!(
                !shown.lines().any(|line| line.starts_with(PROMPT)),
                "{}: a line of this output would be taken for a command line\n{shown}",
                self.name
            );
            write!(text, "{gap}{PROMPT}{line}\n{shown}").unwrap();
            before = after;
        }
        text
    }

    /// Runs the commands that a run printed, in a shell and with a copy of the files, and fails if one can't be used.
    #[cfg(unix)]
    fn run_printed(&self, line: &str, ran: &Ran, sandbox: &Sandbox, files: &Files) {
        let output = format!("{}\n{}", strings(&ran.stdout), ran.stderr);
        for command in printed::runnable(&output, &self.name) {
            let copy = Sandbox::new();
            for (name, bytes) in files {
                copy.write(name, bytes);
            }
            let folder = |sandbox: &Sandbox| sandbox.path("").to_str().unwrap().to_string();
            let mut shell = copy.shell(&command.replace(&folder(sandbox), &folder(&copy)));
            shell.envs(self.split(line).variables);
            let ran = copy.finish(shell);
            assert!(![2, 101, -1].contains(&ran.status), "{}: {line}\nprinted {}", self.name, ran.transcript);
        }
    }

    fn command(&self, sandbox: &Sandbox, line: &str) -> Command {
        let Line { variables, arguments, input } = self.split(line);
        let mut command = sandbox.command(PROGRAM);
        command.args(arguments).envs(variables);
        if let Some(input) = input {
            command.stdin(File::open(sandbox.path(&input)).unwrap());
        }
        command
    }

    fn split(&self, line: &str) -> Line {
        Line::split(line).unwrap_or_else(|| {
            panic!("{}: not of the form [NAME=VALUE]... {NAME} [ARGUMENT]... [< FILE]: {line}", self.name)
        })
    }
}

impl Line {
    /// Splits `[NAME=VALUE]... msipcfg [ARGUMENT]... [< FILE]`.
    fn split(line: &str) -> Option<Self> {
        let mut words = shlex::split(line)?.into_iter();
        let mut split = Line::default();
        loop {
            let word = words.next()?;
            if word == NAME {
                break;
            }
            let (name, value) = word.split_once('=')?;
            split.variables.push((name.into(), value.into()));
        }
        split.arguments = words.collect();
        if let [.., sign, file] = &split.arguments[..]
            && sign == "<"
        {
            split.input = Some(file.clone());
            split.arguments.truncate(split.arguments.len() - 2);
        }
        Some(split)
    }
}

/// Returns everything that a run did: standard output, standard error, exit status, and files.
fn show(ran: &Ran, before: &Files, after: &Files, redactions: &mut Redactions) -> String {
    let mut shown = whole_lines(&readable_json(&redactions.apply(&ran.stdout)));
    if !ran.stderr.is_empty() {
        shown += "==> stderr\n";
        shown += &whole_lines(&redactions.apply(&ran.stderr));
    }
    writeln!(shown, "==> status {}", ran.status).unwrap();
    shown + &redactions.apply(&files::changes(before, after))
}

/// Returns the strings of text that is one JSON object, one per line, and other text as it is.
#[cfg(unix)]
fn strings(text: &str) -> String {
    fn add(json: &Value, strings: &mut String) {
        match json {
            Value::String(string) => *strings += &format!("{string}\n"),
            Value::Array(items) => items.iter().for_each(|item| add(item, strings)),
            Value::Object(fields) => fields.values().for_each(|value| add(value, strings)),
            _ => {}
        }
    }
    let Ok(json) = serde_json::from_str::<Value>(text) else { return text.to_string() };
    let mut strings = String::new();
    add(&json, &mut strings);
    strings
}

/// Returns text that is one JSON object on several lines, so that a diff shows which part changed.
fn readable_json(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(json) if text.starts_with('{') => lay_out(&json, 0) + "\n",
        _ => text.to_string(),
    }
}

/// Returns a JSON value on one line where it fits, otherwise with a line for each of its parts.
fn lay_out(json: &Value, depth: usize) -> String {
    const WIDTH: usize = 100;
    let on_one_line = json.to_string();
    let indent = "  ".repeat(depth);
    let is_short = depth > 0 && indent.len() + on_one_line.chars().count() <= WIDTH;
    let (open, parts, close) = match json {
        Value::Array(items) if !is_short => {
            ('[', items.iter().map(|item| lay_out(item, depth + 1)).collect::<Vec<_>>(), ']')
        }
        Value::Object(fields) if !is_short => {
            let part = |(name, value)| format!("{}: {}", Value::String(name), lay_out(value, depth + 1));
            ('{', fields.iter().map(|(name, value)| (name.clone(), value)).map(part).collect(), '}')
        }
        _ => return on_one_line,
    };
    let parts: Vec<String> = parts.iter().map(|part| format!("\n{indent}  {part}")).collect();
    format!("{open}{}\n{indent}{close}", parts.join(","))
}

/// Returns text with the escape character visible and a line end at its end.
fn whole_lines(text: &str) -> String {
    let text = text.replace('\u{1B}', "^[");
    if text.is_empty() || text.ends_with('\n') { text } else { text + "\n\\ no line end\n" }
}

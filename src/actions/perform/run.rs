//! Starts programs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::job::{Job, Performed};
use super::values::plain;
use crate::hook::action::numbers::NumberForm;
use crate::hook::action::template::{CallFacts, Placeholder, Template, without_controls};
use crate::hook::shell;
use crate::hook::target::{Interpreter, TargetContext};
use crate::platform::{self, Env, FileSystemExt, ProgramStart, SystemFs, WindowsPaths};

/// A program for a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The program: for a script on Windows, the one that runs it.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment variables, in addition to those of this process.
    variables: Vec<(&'static str, String)>,
    folder: PathBuf,
}

/// The placeholders that programs also get in their environment, where no value is taken for an option.
const VARIABLES: [(&str, Placeholder); 8] = [
    ("MICROSIP_NUMBER", Placeholder::Number(NumberForm::Received)),
    ("MICROSIP_NAME", Placeholder::Name),
    ("MICROSIP_EVENT", Placeholder::Event),
    ("MICROSIP_TIME", Placeholder::Time),
    ("MICROSIP_DIRECTION", Placeholder::Direction),
    ("MICROSIP_ANSWERED", Placeholder::Answered),
    ("MICROSIP_DURATION", Placeholder::Duration),
    ("MICROSIP_CALL", Placeholder::Call),
];

/// Where programs are found.
pub struct Programs {
    context: TargetContext,
    /// Whether scripts need the program that runs them. On Unix they name it themselves.
    needs_interpreters: bool,
}

impl Programs {
    /// Returns where the programs of this computer are found.
    pub fn new(env: &Env) -> Programs {
        let paths = platform::windows_paths(Path::new(""));
        let needs_interpreters = paths == WindowsPaths::Native;
        let context = TargetContext {
            paths,
            search_folders: platform::search_folders(env),
            extensions: env.program_endings(),
            ..TargetContext::path_only()
        };
        Programs { context, needs_interpreters }
    }

    /// Returns the program to start, and its arguments before those of the action. A name without a folder is that of a
    /// file next to the ini, or else of a program that the system finds.
    fn find(&self, written: &str, job: Job<'_>) -> (PathBuf, Vec<String>) {
        let in_folder = job.path(written);
        let is_name = !written.contains(['\\', '/', ':']);
        let is_elsewhere = is_name && Interpreter::of(written).is_none() && !SystemFs.is_file(&in_folder);
        let path = match self.context.find_by_name(written) {
            _ if !is_elsewhere => in_folder,
            Some(found) => PathBuf::from(found),
            None => PathBuf::from(written),
        };
        let interpreter = Interpreter::of(written).filter(|_| self.needs_interpreters);
        match interpreter.and_then(|known| Some((known.path(&self.context)?, known.leading_args))) {
            Some((interpreter, leading)) => {
                let script = path.to_string_lossy().into_owned();
                let args = leading.iter().map(ToString::to_string).chain([script]);
                (PathBuf::from(interpreter), args.collect())
            }
            None => (path, Vec::new()),
        }
    }
}

/// Returns the program for a call.
///
/// # Errors
/// It isn't started for this caller.
pub fn prepare(
    program: &str,
    args: &[Template],
    job: Job<'_>,
    programs: &Programs,
) -> Result<Prepared, Performed> {
    let facts = job.facts;
    let (path, leading) = programs.find(program, job);
    let kind = Kind::of(&path, &leading, args, facts);
    if let Some(value) = kind.unsafe_value(args, facts) {
        let message = format!(
            "unsafe-for-batch: {} wasn't started, because {value} contains a character that could run a command",
            path.display()
        );
        return Err(Performed::Failed(message));
    }
    let argument = |template: &Template| {
        let argument = plain(template, facts);
        // what the user wrote may start an option, a value may not
        let is_option = template.literal_start().is_empty() && starts_option(&argument);
        if is_option && kind.reads_options() { String::new() } else { argument }
    };
    Ok(Prepared {
        args: leading.into_iter().chain(args.iter().map(argument)).collect(),
        program: path,
        variables: VARIABLES.map(|(name, placeholder)| (name, value_of(&placeholder, facts))).into(),
        folder: job.folder().to_path_buf(),
    })
}

/// A longer limit would exceed what clocks can represent.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Starts the program. With a timeout, waits until it exits, and ends it and its children if it doesn't.
pub fn run(prepared: &Prepared, timeout: Option<Duration>) -> Performed {
    let program = prepared.program.display();
    let start = ProgramStart {
        program: &prepared.program,
        args: &prepared.args,
        variables: &prepared.variables,
        folder: &prepared.folder,
        is_limited: timeout.is_some(),
    };
    let mut running = match platform::start_program(&start) {
        Ok(running) => running,
        Err(error) => return Performed::Failed(format!("{program} couldn't be started: {error}")),
    };
    let Some(timeout) = timeout else {
        running.leave();
        return Performed::Done(format!("started {program}"));
    };
    match running.wait(timeout.min(LONGEST)) {
        Ok(Some(0)) => Performed::Done(format!("{program} exited with status 0")),
        Ok(Some(status)) => Performed::Failed(format!("{program} exited with status {status}")),
        Ok(None) => {
            let limit = humantime::format_duration(timeout);
            match running.end() {
                Ok(()) => Performed::Failed(format!("{program} didn't exit within {limit} and was ended")),
                Err(error) => Performed::Failed(format!(
                    "{program} didn't exit within {limit} and couldn't be ended: {error}"
                )),
            }
        }
        Err(error) => Performed::Failed(format!("{program} was started, but can't be waited for: {error}")),
    }
}

/// How a program reads its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One by one.
    Plain,
    /// One by one, but it reads some that start like an option as its own.
    Interpreter,
    /// As a command, or as a text in which it looks for commands.
    Shell {
        /// Whether that is also so for the environment variables that a script uses.
        expands_variables: bool,
    },
}

impl Kind {
    fn of(program: &Path, leading: &[String], args: &[Template], facts: &CallFacts) -> Kind {
        /// Without `.exe`.
        const INTERPRETERS: [&str; 9] =
            ["powershell", "pwsh", "wscript", "cscript", "python", "python3", "pythonw", "py", "pyw"];
        let name = program.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        // Windows removes dots and spaces at the end of a name.
        let name = name.trim_end_matches(['.', ' ']);
        let stem = name.strip_suffix(".exe").unwrap_or(name);
        let is_script = |name: &str| Interpreter::of(name).is_some();
        let all: Vec<String> =
            leading.iter().cloned().chain(args.iter().map(|arg| plain(arg, facts))).collect();
        if [".bat", ".cmd"].iter().any(|ending| name.ends_with(ending)) || stem == "cmd" {
            Kind::Shell { expands_variables: true }
        } else if shell::runs_caller_text(name, &all) {
            Kind::Shell { expands_variables: false }
        } else if is_script(name) || !leading.is_empty() || INTERPRETERS.contains(&stem) {
            Kind::Interpreter
        } else {
            Kind::Plain
        }
    }

    fn reads_options(self) -> bool {
        self != Kind::Plain
    }

    /// Returns the name of a value that the program could run as a command.
    fn unsafe_value(self, args: &[Template], facts: &CallFacts) -> Option<String> {
        let Kind::Shell { expands_variables } = self else { return None };
        let variables = VARIABLES.iter().map(|(_, placeholder)| placeholder).filter(|_| expands_variables);
        let mut used = args.iter().flat_map(Template::placeholders).chain(variables);
        let is_unsafe = |placeholder: &&Placeholder| {
            // the others are made here
            let is_of_others = matches!(
                placeholder,
                Placeholder::Number(_) | Placeholder::Name | Placeholder::User | Placeholder::Computer
            );
            is_of_others && !value_of(placeholder, facts).chars().all(is_safe_in_shells)
        };
        used.find(is_unsafe).map(|placeholder| format!("{{{placeholder}}}"))
    }
}

/// Returns whether a character means nothing to cmd.exe and PowerShell, also without quotes.
fn is_safe_in_shells(c: char) -> bool {
    c.is_ascii_alphanumeric() || " +*#.@_-".contains(c)
}

/// Returns whether an interpreter may take an argument for an option. PowerShell also knows the longer dashes.
fn starts_option(argument: &str) -> bool {
    argument.starts_with(['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'])
}

fn value_of(placeholder: &Placeholder, facts: &CallFacts) -> String {
    without_controls(&facts.value(placeholder, &|_| None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::perform::tests::{job, log_to};
    use crate::hook::action::template::tests::facts;

    /// Windows, where scripts need the programs that run them.
    fn windows() -> Programs {
        let context = TargetContext {
            search_folders: vec![r"C:\Windows\System32".into()],
            extensions: vec![".EXE".into(), ".BAT".into()],
            ..TargetContext::path_only()
        };
        Programs { context, needs_interpreters: true }
    }

    fn prepared(program: &str, args: &[&str], facts: &CallFacts) -> Result<Prepared, Performed> {
        let args: Vec<Template> = args.iter().map(|arg| Template::parse(arg).unwrap()).collect();
        prepare(program, &args, job(&log_to("a.txt"), facts, "/ini/MicroSIP.ini".as_ref()), &windows())
    }

    fn args(program: &str, args: &[&str], number: &str) -> Vec<String> {
        prepared(program, args, &facts(number)).unwrap().args
    }

    #[test]
    fn scripts_are_started_with_the_program_that_runs_them() {
        let powershell = prepared("x.ps1", &["{number}"], &facts("1")).unwrap();
        assert!(powershell.program.to_str().unwrap().ends_with("powershell.exe"), "{powershell:?}");
        let script = Path::new("/ini").join("x.ps1").to_str().unwrap().to_string();
        assert_eq!(powershell.args, ["-NoProfile", "-ExecutionPolicy", "Bypass", "-File", &script, "1"]);
        let full = prepared("/tools/x.vbs", &[], &facts("1")).unwrap();
        assert!(full.program.to_str().unwrap().ends_with("wscript.exe"), "{full:?}");
        assert_eq!(full.args[0], "//B");
        assert_eq!(prepared("/tools/x.exe", &[], &facts("1")).unwrap().program, Path::new("/tools/x.exe"));
    }

    #[test]
    fn interpreters_get_no_option_from_a_value() {
        for program in [
            "x.ps1",
            "x.vbs",
            "x.js",
            "x.wsf",
            "x.py",
            "powershell.exe",
            "pwsh",
            "PYTHON.EXE",
            "py",
            "cscript",
        ] {
            let leading =
                if program.contains("p") && !program.contains("x.") { vec!["-File", "x"] } else { vec![] };
            let args_of = |number: &str| {
                let all: Vec<&str> =
                    leading.iter().copied().chain(["-n", "{number}", "{name|number}", "<{number}"]).collect();
                let args = args(program, &all, number);
                args[args.len() - 4..].to_vec()
            };
            for number in ["-x", "/x", "\u{2013}x"] {
                assert_eq!(args_of(number), ["-n", "", "", &format!("<{number}")], "{program}");
            }
            assert_eq!(args_of("+1"), ["-n", "+1", "+1", "<+1"], "{program}");
        }
        assert_eq!(args("x.exe", &["{number}"], "-x"), ["-x"]);
    }

    #[test]
    fn shells_get_only_harmless_values() {
        let harmless = "aZ09 +*#.@_-";
        for (program, args) in [
            ("x.bat", &["{number}"][..]),
            ("X.CMD", &[]),
            ("x.bat ", &[]),
            ("cmd.exe", &["/c", "x.bat"]),
            ("powershell.exe", &["-Command", "Show '{number}'"]),
            ("pwsh", &["x {number}"]),
        ] {
            assert!(prepared(program, args, &facts(harmless)).is_ok(), "{program}");
            for c in "&|<>()^%!\"'`;,=~$\\/:?[]{}ü".chars() {
                let refused = prepared(program, args, &facts(&format!("1{c}2")));
                let Err(Performed::Failed(why)) = refused else { panic!("{program}: {c}: {refused:?}") };
                assert!(why.starts_with("unsafe-for-batch") && why.contains("{number}"), "{why}");
            }
        }
        let named = CallFacts { name: "A & B".into(), ..facts("1") };
        assert!(prepared("x.bat", &[], &named).is_err(), "the name is a variable");
        assert!(prepared("x.exe", &[], &named).is_ok());
        let only_as_a_variable =
            prepared("powershell.exe", &["-Command", "Show $env:MICROSIP_NUMBER"], &facts("1&2"));
        assert!(only_as_a_variable.is_ok(), "PowerShell doesn't read variables as commands");
    }

    #[test]
    fn programs_get_what_is_known_about_the_call() {
        let call = CallFacts { name: "Ann".into(), duration: Some(7), answered: true, ..facts("1\r\n2") };
        let variables = prepared("x.exe", &[], &call).unwrap().variables;
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            variables,
            [
                ("MICROSIP_NUMBER", "12"),
                ("MICROSIP_NAME", "Ann"),
                ("MICROSIP_EVENT", "ring"),
                ("MICROSIP_TIME", "1970-01-01T00:00:00Z"),
                ("MICROSIP_DIRECTION", "incoming"),
                ("MICROSIP_ANSWERED", "true"),
                ("MICROSIP_DURATION", "7"),
                ("MICROSIP_CALL", "c1"),
            ]
        );
    }
}

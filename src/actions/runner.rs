//! The runner: the program that MicroSIP starts and waits for. It stores the event and makes sure that a worker runs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::data_folder::DataFolder;
use super::start_worker::{StartError, start_worker};
use super::store::{NewEvent, Store, StoreError, Use};
use super::{error_log, spool};
use crate::hook::action::template::without_controls;
use crate::hook::event::{Event, UnknownEvent};
use crate::platform::{self, CommandLine, Env, FileSystem, SystemFs};

/// How long the runner waits for the database, because MicroSIP waits for the runner.
pub const PATIENCE: Duration = Duration::from_millis(50);

/// The option before the path of an ini.
const INI_OPTION: &str = "--ini";

/// What went wrong in the runner.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("the event is missing; the command line is [{INI_OPTION} PATH] EVENT")]
    NoEvent,
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    #[error("%APPDATA% isn't set, so it isn't known where MicroSIP.ini is; use {INI_OPTION} PATH")]
    NoIni,
    #[error("the path of the ini contains a control character")]
    IniPath,
    #[error("the event wasn't stored in the database, but in the folder {folder}: {source}")]
    Store { folder: PathBuf, source: Box<StoreError> },
    #[error("the event couldn't be stored in the folder {folder} either: {source}")]
    Spool { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reported {
    ini: Option<String>,
    event: Event,
    caller: String,
}

/// Stores the event of the command line, starts a worker if none is running, and logs what goes wrong. `now` is the
/// wall-clock time in milliseconds since 1970.
pub fn run(command_line: CommandLine, env: &Env, now: i64) {
    let Some(data) = DataFolder::of(env) else { return };
    let log = |error: &RunnerError| error_log::add(&data.error_log(), "msipcfg-run", error);
    let event = match event_of(command_line, env, now) {
        Ok(event) => event,
        Err(error) => {
            // the folder may not exist yet
            let _ = platform::create_private_folder(data.path());
            return log(&error);
        }
    };
    let lost = keep(&event, &data, &SystemFs, &log);
    let started =
        start_worker(&SystemFs, &data, event.session, env.own_folder.as_deref(), lost.then_some(&event));
    if let Err(error) = started {
        log(&error.into());
    }
}

/// Stores an event, in the database or else in a file, and returns whether both failed.
fn keep(event: &NewEvent, data: &DataFolder, fs: &dyn FileSystem, log: &dyn Fn(&RunnerError)) -> bool {
    let stored = Store::open(&data.database(), PATIENCE, Use::Runner).and_then(|store| store.add(event));
    let Err(source) = stored else { return false };
    let folder = data.spool();
    let spooled = spool::write(fs, &folder, event);
    // a database that is in use is nothing unusual
    if !source.is_busy() {
        log(&RunnerError::Store { folder: folder.clone(), source: source.into() });
    }
    spooled.map_err(|source| log(&RunnerError::Spool { folder, source })).is_err()
}

fn event_of(command_line: CommandLine, env: &Env, now: i64) -> Result<NewEvent, RunnerError> {
    let Reported { ini, event, caller } = match command_line {
        CommandLine::Text(text) => parse_text(&text)?,
        CommandLine::Args(args) => parse_args(args)?,
    };
    let ini = match ini {
        Some(ini) => PathBuf::from(ini),
        None => env.app_data.as_ref().ok_or(RunnerError::NoIni)?.join("MicroSIP").join("MicroSIP.ini"),
    };
    Ok(NewEvent {
        time: now,
        boot: platform::boot_time(),
        event,
        caller: without_controls(&caller),
        ini: ini_text(&ini)?,
        session: platform::own_session().unwrap_or(0),
    })
}

/// Returns the full path of an ini as text.
fn ini_text(ini: &Path) -> Result<String, RunnerError> {
    let full = std::path::absolute(ini).unwrap_or_else(|_| ini.to_path_buf());
    let text = full.to_string_lossy().into_owned();
    if text.contains(|c: char| c.is_control()) { Err(RunnerError::IniPath) } else { Ok(text) }
}

/// Reads a Windows command line without the name of the program. Everything after the event and one space is the
/// caller's text, whatever it contains.
fn parse_text(text: &str) -> Result<Reported, RunnerError> {
    let text = text.trim_start_matches(' ');
    let (ini, rest) = match text.strip_prefix(INI_OPTION).and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) => {
            let rest = rest.trim_start_matches(' ');
            let (path, rest) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => rest.split_once(' ').unwrap_or((rest, "")),
            };
            (Some(path.to_string()), rest.trim_start_matches(' '))
        }
        None => (None, text),
    };
    let (event, caller) = rest.split_once(' ').unwrap_or((rest, ""));
    reported(ini, event, caller.to_string())
}

/// Reads arguments. What follows the event is the caller's text.
fn parse_args(args: Vec<String>) -> Result<Reported, RunnerError> {
    let mut args = args.into_iter();
    let first = args.next().ok_or(RunnerError::NoEvent)?;
    let (ini, event) = match first == INI_OPTION {
        true => (Some(args.next().ok_or(RunnerError::NoEvent)?), args.next().ok_or(RunnerError::NoEvent)?),
        false => (None, first),
    };
    reported(ini, &event, args.collect::<Vec<_>>().join(" "))
}

fn reported(ini: Option<String>, event: &str, caller: String) -> Result<Reported, RunnerError> {
    if event.is_empty() {
        return Err(RunnerError::NoEvent);
    }
    Ok(Reported { ini, event: event.parse()?, caller })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::store::Filter;

    fn parsed(text: &str) -> (Option<String>, Event, String) {
        let Reported { ini, event, caller } = parse_text(text).unwrap();
        (ini, event, caller)
    }

    #[test]
    fn everything_after_the_event_and_a_space_is_the_callers_text() {
        for (text, ini, event, caller) in [
            ("ring 100", None, Event::Ring, "100"),
            ("ring ", None, Event::Ring, ""),
            ("ring", None, Event::Ring, ""),
            ("end  100 ", None, Event::End, " 100 "),
            (r#"ring -x " & calc ""#, None, Event::Ring, r#"-x " & calc ""#),
            ("ring --ini C:\\x.ini", None, Event::Ring, "--ini C:\\x.ini"),
            ("ring end", None, Event::Ring, "end"),
            (r"--ini C:\x.ini busy 1", Some(r"C:\x.ini"), Event::Busy, "1"),
            (
                r#"--ini "C:\a b\x.ini" answer-video 7 7 "& x"#,
                Some(r"C:\a b\x.ini"),
                Event::AnswerVideo,
                r#"7 7 "& x"#,
            ),
        ] {
            assert_eq!(parsed(text), (ini.map(str::to_string), event, caller.to_string()), "{text}");
        }
        for text in ["", " ", "--ini x", r#"--ini "x"#, "--ini", "ringg 1", "\"ring\" 1"] {
            assert!(parse_text(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn separate_arguments_are_joined() {
        let args = |args: &[&str]| parse_args(args.iter().map(|arg| (*arg).to_string()).collect());
        let Reported { ini, event, caller } =
            args(&["--ini", "/a b/x.ini", "start", "7", "& calc "]).unwrap();
        assert_eq!((ini.as_deref(), event, &*caller), (Some("/a b/x.ini"), Event::Start, "7 & calc "));
        assert_eq!(args(&["ring"]).unwrap().caller, "");
        for wrong in [&[][..], &["--ini"], &["--ini", "x"], &[""]] {
            assert!(args(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn control_characters_are_removed_and_the_ini_has_a_full_path() {
        let env = Env { app_data: Some("/roaming".into()), ..Env::default() };
        let event = |text: &str, env: &Env| event_of(CommandLine::Text(text.into()), env, 5);
        let found = event("ring 1\r\n2\t3\u{85}4\u{7f}ü", &env).unwrap();
        assert_eq!((&*found.caller, found.time), ("1234ü", 5));
        assert!(
            Path::new(&found.ini).is_absolute() && Path::new(&found.ini).ends_with("MicroSIP/MicroSIP.ini")
        );
        let found = event("--ini x.ini ring", &env).unwrap();
        assert!(Path::new(&found.ini).is_absolute() && found.ini.ends_with("x.ini"), "{}", found.ini);
        assert!(matches!(event("ring", &Env::default()), Err(RunnerError::NoIni)));
        assert!(matches!(event("--ini a\u{1}b ring", &env), Err(RunnerError::IniPath)));
    }

    fn errors_of(data: &DataFolder) -> (bool, Vec<String>) {
        let errors = std::cell::RefCell::new(Vec::new());
        let event = event_of(CommandLine::Text("--ini /x.ini ring 1".into()), &Env::default(), 5).unwrap();
        let lost = keep(&event, data, &SystemFs, &|error| errors.borrow_mut().push(error.to_string()));
        (lost, errors.into_inner())
    }

    #[test]
    fn an_event_is_kept_in_the_database_or_else_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().join("msipcfg"));
        assert_eq!(errors_of(&data), (false, Vec::new()));
        let store = Store::open(&data.database(), PATIENCE, Use::Other).unwrap();
        assert_eq!(store.events(Filter::default()).unwrap().len(), 1);

        let data = DataFolder::at(folder.path().join("damaged"));
        std::fs::create_dir(data.path()).unwrap();
        std::fs::write(data.database(), "not a database".repeat(100)).unwrap();
        let (lost, errors) = errors_of(&data);
        assert!(!lost && errors.len() == 1 && errors[0].contains("calls.db"), "{errors:?}");
        assert_eq!(spool::files(&SystemFs, &data.spool()).unwrap().len(), 1);
    }

    #[test]
    fn an_event_that_nothing_can_keep_is_reported_as_lost() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().join("file"));
        std::fs::write(data.path(), "").unwrap();
        let (lost, errors) = errors_of(&data);
        assert!(lost && errors.len() == 2, "{errors:?}");
    }
}

//! Runs hooks as MicroSIP would, and sees how that goes.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::hook::command::{self, Run};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks;
use crate::ini::{Wide, lookup, wide};
use crate::microsip::version::Dialect;
use crate::platform::{Recording, Runner, ShellCommand, Started};
use crate::request::TestHook;

use super::hooks;
use super::ini_file::{Ini, encoding_notice};
use super::{Context, Error, Report, RunEvent};

/// Hooks that were run.
#[derive(Debug)]
pub struct Tested {
    /// The ini that says what runs.
    pub ini: PathBuf,
    /// Each run, in order.
    pub tests: Vec<HookTest>,
    /// What deserves saying of all of them.
    pub warnings: Vec<Diagnostic>,
}

impl Tested {
    /// Whether one of them failed.
    pub fn has_failed(&self) -> bool {
        self.tests.iter().any(HookTest::has_failed)
    }
}

/// One run of a hook.
#[derive(Debug)]
pub struct HookTest {
    /// Its event.
    pub event: Event,
    /// The number of the other party; `None`: there is none.
    pub caller: Option<String>,
    /// What is started; `None` where MicroSIP would start nothing.
    pub command: Option<ShellCommand>,
    /// How that went.
    pub outcome: Outcome,
    /// Whether MicroSIP waits for it, and is frozen meanwhile. Before 3.19 it does not.
    pub is_waited_for: bool,
    /// What it printed, standard output and standard error, where that was wanted.
    pub printed: Option<[String; 2]>,
    /// What is wrong, or deserves saying.
    pub problems: Vec<Diagnostic>,
}

/// What became of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not tried: MicroSIP would not run it, or it cannot be run here.
    NotTried,
    /// It could not be started.
    NotStarted,
    /// It was started, and there is no process whose end could be waited for.
    Unwatched,
    /// It ended.
    Ended { status: u32, took: Duration },
    /// It ran on after the time that MicroSIP waits.
    RanOn { took: Duration },
}

impl Outcome {
    /// Whether it was started.
    pub fn is_started(self) -> bool {
        !matches!(self, Outcome::NotTried | Outcome::NotStarted)
    }

    /// How long it was waited for, its start included.
    pub fn took(self) -> Option<Duration> {
        match self {
            Outcome::Ended { took, .. } | Outcome::RanOn { took } => Some(took),
            _ => None,
        }
    }
}

impl HookTest {
    /// Whether it did not start, kept MicroSIP for as long as that waits, or says itself that it failed.
    pub fn has_failed(&self) -> bool {
        match self.outcome {
            Outcome::NotTried | Outcome::NotStarted => true,
            Outcome::Unwatched => false,
            Outcome::Ended { status, .. } => status != 0,
            Outcome::RanOn { .. } => self.is_waited_for,
        }
    }
}

/// Why no hook was tested.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error("{}: no hook is set{}", .ini.display(), .event.map_or(String::new(), |event| format!(" for '{event}'")))]
    NotSet { ini: PathBuf, event: Option<Event> },
    #[error("what a hook prints could not be kept: {0}")]
    Recording(io::Error),
    #[error("interrupted; the hook goes on")]
    Stopped,
}

impl ToDiagnostic for TestError {
    fn code(&self) -> Code {
        match self {
            TestError::NotSet { .. } => Code::HookNotSet,
            TestError::Recording(_) => Code::FileWrite,
            TestError::Stopped => Code::Interrupted,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            TestError::NotSet { .. } => {
                Some("'msipcfg hooks' shows what is set, 'msipcfg set-hook EVENT PROGRAM' sets one".into())
            }
            TestError::Recording(_) => Some("check the folder for temporary files".into()),
            TestError::Stopped => None,
        }
    }
}

/// What a run shows of a hook.
#[derive(Debug, thiserror::Error)]
enum Finding {
    #[error("it was not run: {why}")]
    CannotRun { why: String },
    #[error("it could not be started: {why}")]
    NotStarted { why: String },
    #[error("it ended with exit status {}", status_text(*.status))]
    Failed { status: u32, is_captured: bool },
    #[error("it was still running after {} s, when MicroSIP stops waiting; it goes on", .at_most.as_secs())]
    RanOn { at_most: Duration },
    #[error("it took {:.1} s, and MicroSIP is frozen meanwhile", .took.as_secs_f64())]
    Slow { took: Duration },
}

impl ToDiagnostic for Finding {
    fn code(&self) -> Code {
        match self {
            Finding::CannotRun { .. } => Code::WindowsOnly,
            Finding::NotStarted { .. } => Code::HookNotStarted,
            Finding::Failed { .. } => Code::HookFailed,
            Finding::RanOn { .. } => Code::HookTimeout,
            Finding::Slow { .. } => Code::HookSlow,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Finding::CannotRun { .. } => "run msipcfg for Windows where MicroSIP runs",
            Finding::NotStarted { .. } => "MicroSIP would say nothing; check the path and who may run it",
            Finding::Failed { is_captured: true, .. } => {
                "MicroSIP does not look at it; the program says that it did not do its work"
            }
            Finding::Failed { is_captured: false, .. } => {
                "MicroSIP does not look at it; the program says that it did not do its work, and --capture shows what \
                 it prints"
            }
            Finding::RanOn { .. } | Finding::Slow { .. } => "start the real work in the background and end",
        };
        Some(hint.into())
    }
}

/// An exit status for people: Windows' own, such as that of a missing DLL, are known by their hexadecimal form.
pub fn status_text(status: u32) -> String {
    const FIRST_OF_WINDOWS: u32 = 0x8000_0000;
    if status >= FIRST_OF_WINDOWS { format!("{status:#010X}") } else { status.to_string() }
}

/// The remark that this is not quite what MicroSIP does.
#[derive(Debug, thiserror::Error)]
enum StartedOtherwise {
    #[error(
        "so that it shows what is printed, the programs were started as processes; MicroSIP has the shell open them"
    )]
    Captured,
    #[error("the programs were started by this machine's Wine; MicroSIP starts them itself")]
    ThroughWine,
}

impl ToDiagnostic for StartedOtherwise {
    fn code(&self) -> Code {
        Code::HookStartedOtherwise
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                StartedOtherwise::Captured => "without --capture they are started as by MicroSIP",
                StartedOtherwise::ThroughWine => {
                    "run msipcfg for Windows in the prefix to have them started so"
                }
            }
            .into(),
        )
    }
}

/// Runs hooks.
pub fn run(asked: &TestHook, context: &mut Context<'_>) -> Result<Report, Error> {
    let env = context.env;
    let ini = Ini::find(&asked.ini, context)?;
    let decoded = ini.read(context)?;
    let document = &decoded.document;
    let save_dialect = hooks::save_dialect(asked.version, &ini, document, env);
    let places = hooks::places_of(&ini, env);
    let value_of = |event: &Event| {
        let value = lookup::value(document, "Settings", event.key(), command::READ_LIMIT)?;
        (!value.is_empty()).then_some((*event, value))
    };
    let set: Vec<(Event, Wide)> = asked.events.iter().filter_map(value_of).collect();
    if set.is_empty() {
        let event = match asked.events[..] {
            [event] => Some(event),
            _ => None,
        };
        return Err(TestError::NotSet { ini: ini.path, event }.into());
    }
    let runner = Runner::new(&places.paths, env.search_path.as_deref());
    let mut tests = Vec::new();
    for (event, value) in &set {
        let known = hooks::hook_of(*event, document, &save_dialect, &places).problems;
        for caller in &asked.callers {
            let prepared = prepare(value, *event, &save_dialect, caller);
            let mut problems = known.clone();
            problems.extend(prepared.remarks);
            let mut test = HookTest {
                event: *event,
                caller: Some(caller.clone()).filter(|caller| !caller.is_empty()),
                command: prepared.command,
                outcome: Outcome::NotTried,
                is_waited_for: save_dialect.dialect != Dialect::WholeValue,
                printed: None,
                problems,
            };
            if test.command.is_some() && runner.is_ok() {
                (context.report)(RunEvent::Testing { event: *event, caller });
            }
            try_out(&mut test, runner.as_ref(), asked.capture, context.stop)?;
            tests.push(test);
        }
    }
    let mut warnings = encoding_notice(&decoded);
    if tests.iter().any(|test| test.outcome.is_started()) {
        let otherwise = match (Runner::STARTS_LIKE_MICROSIP, asked.capture) {
            (false, _) => Some(StartedOtherwise::ThroughWine),
            (true, true) => Some(StartedOtherwise::Captured),
            (true, false) => None,
        };
        warnings.extend(otherwise.as_ref().map(Diagnostic::from));
    }
    Ok(Report::Tested(Tested { ini: ini.path, tests, warnings }))
}

/// What is to be started.
struct Prepared {
    /// Nothing where MicroSIP would start nothing, or itself.
    command: Option<ShellCommand>,
    remarks: Vec<Diagnostic>,
}

/// What MicroSIP makes of a value when this caller calls.
fn prepare(value: &[u16], event: Event, save_dialect: &SaveDialect, caller: &str) -> Prepared {
    if !save_dialect.supports(event) {
        return Prepared { command: None, remarks: Vec::new() };
    }
    let text = String::from_utf16_lossy(value);
    let expanded = masks::expand(&text, event, save_dialect, caller);
    let remarks = expanded.warnings.iter().map(Diagnostic::from).collect();
    // as text it may have lost what is none
    let value = if expanded.value == text { value.to_vec() } else { wide(&expanded.value) };
    let command = match command::run(&value, save_dialect.dialect) {
        Run::Nothing | Run::Itself => None,
        Run::Program { file, parameters } => Some(ShellCommand {
            file,
            args: command::received(&parameters, caller),
            parameters: command::with_caller(&parameters, caller, save_dialect.dialect),
        }),
    };
    Prepared { command, remarks }
}

/// Runs a hook, waits as long as MicroSIP would, and writes down how it went.
fn try_out(
    test: &mut HookTest,
    runner: Result<&Runner, &io::Error>,
    capture: bool,
    stop: &dyn Fn() -> bool,
) -> Result<(), TestError> {
    let Some(command) = &test.command else { return Ok(()) };
    let runner = match runner {
        Ok(runner) => runner,
        Err(error) => {
            test.problems.push(Diagnostic::from(&Finding::CannotRun { why: error.to_string() }));
            return Ok(());
        }
    };
    let recording = capture.then(Recording::new).transpose().map_err(TestError::Recording)?;
    let begun = Instant::now();
    let started = match &recording {
        Some(recording) => runner.record(command, recording),
        None => runner.open_hidden(command),
    };
    test.outcome = match started {
        Ok(started) => outcome_of(started, begun, stop)?,
        Err(error) => {
            test.problems.push(Diagnostic::from(&Finding::NotStarted { why: error.to_string() }));
            Outcome::NotStarted
        }
    };
    test.problems.extend(findings(test.outcome, test.is_waited_for, capture).iter().map(Diagnostic::from));
    test.printed = recording.map(|recording| recording.text()).transpose().map_err(TestError::Recording)?;
    Ok(())
}

fn outcome_of(mut started: Started, begun: Instant, stop: &dyn Fn() -> bool) -> Result<Outcome, TestError> {
    if !started.has_process() {
        return Ok(Outcome::Unwatched);
    }
    let ended = wait(command::MAX_WAIT, stop, &mut |at_most| started.wait(at_most))?;
    let took = begun.elapsed();
    Ok(match ended {
        Ok(Some(status)) => Outcome::Ended { status, took },
        Ok(None) => Outcome::RanOn { took },
        Err(_) => Outcome::Unwatched,
    })
}

/// Waits for the end of a program, its exit status; `None` if it runs on after that time. In between it looks whether
/// the user wants to stop, which ends nothing but this.
fn wait(
    at_most: Duration,
    stop: &dyn Fn() -> bool,
    end: &mut dyn FnMut(Duration) -> io::Result<Option<u32>>,
) -> Result<io::Result<Option<u32>>, TestError> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
    let until = Instant::now() + at_most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match end(left.min(BETWEEN_LOOKS)) {
            Ok(None) if stop() => return Err(TestError::Stopped),
            Ok(None) if !left.is_zero() => {}
            ended => return Ok(ended),
        }
    }
}

/// What an outcome means for the user.
fn findings(outcome: Outcome, is_waited_for: bool, is_captured: bool) -> Vec<Finding> {
    /// A caller hears the difference.
    const LONG: Duration = Duration::from_secs(1);
    let mut findings = Vec::new();
    match outcome {
        Outcome::RanOn { .. } if is_waited_for => {
            findings.push(Finding::RanOn { at_most: command::MAX_WAIT });
        }
        Outcome::Ended { took, .. } if is_waited_for && took > LONG => findings.push(Finding::Slow { took }),
        _ => {}
    }
    if let Outcome::Ended { status: status @ 1.., .. } = outcome {
        findings.push(Finding::Failed { status, is_captured });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::version::Version;

    const NEVER: &dyn Fn() -> bool = &|| false;

    #[test]
    fn it_waits_until_the_end_the_limit_or_the_users_wish() {
        let mut looks = 0;
        let mut ends_at_the_third_look = |_: Duration| {
            looks += 1;
            Ok((looks == 3).then_some(7))
        };
        let long = Duration::from_secs(3600);
        assert_eq!(wait(long, NEVER, &mut ends_at_the_third_look).unwrap().unwrap(), Some(7));
        assert_eq!(looks, 3);

        let mut runs_on = |_: Duration| Ok(None);
        assert_eq!(wait(Duration::from_millis(5), NEVER, &mut runs_on).unwrap().unwrap(), None);
        assert!(matches!(wait(long, &|| true, &mut runs_on), Err(TestError::Stopped)));

        let mut looks = Vec::new();
        let mut has_no_process = |at_most| {
            looks.push(at_most);
            Err(io::ErrorKind::Unsupported.into())
        };
        assert!(wait(long, NEVER, &mut has_no_process).unwrap().is_err());
        assert!(looks[0] < Duration::from_secs(1), "Ctrl-C would go unheard for {looks:?}");
    }

    fn test(outcome: Outcome, is_waited_for: bool) -> HookTest {
        HookTest {
            event: Event::Ring,
            caller: None,
            command: None,
            outcome,
            is_waited_for,
            printed: None,
            problems: Vec::new(),
        }
    }

    #[test]
    fn what_fails_and_what_is_said_of_it() {
        let ended = |status, seconds| Outcome::Ended { status, took: Duration::from_secs(seconds) };
        let ran_on = Outcome::RanOn { took: Duration::from_secs(10) };
        for (outcome, is_waited_for, fails, codes) in [
            (Outcome::NotTried, true, true, vec![]),
            (Outcome::NotStarted, true, true, vec![]),
            (Outcome::Unwatched, true, false, vec![]),
            (ended(0, 0), true, false, vec![]),
            (ended(0, 3), true, false, vec![Code::HookSlow]),
            (ended(0, 3), false, false, vec![]),
            (ended(3, 0), true, true, vec![Code::HookFailed]),
            (ended(3, 3), true, true, vec![Code::HookSlow, Code::HookFailed]),
            (ran_on, true, true, vec![Code::HookTimeout]),
            (ran_on, false, false, vec![]),
        ] {
            assert_eq!(test(outcome, is_waited_for).has_failed(), fails, "{outcome:?}");
            let findings = findings(outcome, is_waited_for, false);
            assert_eq!(findings.iter().map(ToDiagnostic::code).collect::<Vec<_>>(), codes, "{outcome:?}");
        }
    }

    fn prepared(value: &str, event: Event, version: Version, caller: &str) -> Option<[String; 2]> {
        let save_dialect = SaveDialect::determine(Some(version), None, None);
        let command = prepare(&wide(value), event, &save_dialect, caller).command?;
        Some([command.file, command.parameters].map(|text| String::from_utf16(&text).unwrap()))
    }

    #[test]
    fn what_is_started_is_what_microsip_makes_of_it() {
        const NEW: Version = Version(3, 22, 3);
        const OLD: Version = Version(3, 14, 0);
        for (value, event, version, caller, file, parameters) in [
            (r"C:\x.exe", Event::Ring, NEW, "100", r"C:\x.exe", " 100"),
            (r"C:\x.exe", Event::Ring, NEW, "", r"C:\x.exe", ""),
            (r#""C:\a b\x.exe" "y  z" \"q r\""#, Event::End, NEW, "1", r"C:\a b\x.exe", r#"y  z "q r" 1"#),
            (r"C:\a b\x.exe y", Event::End, NEW, "a&b", r"C:\a", r"b\x.exe y a&b"),
            (r"C:\a b\x.exe y", Event::End, OLD, "1", r"C:\a b\x.exe y", "1"),
            (r"C:\x.exe {number}", Event::Outgoing, NEW, "+1", r"C:\x.exe", "%2B1 +1"),
            (r"C:\x.exe {number}", Event::Ring, NEW, "+1", r"C:\x.exe", "{number} +1"),
        ] {
            let expected = Some([file, parameters].map(String::from));
            assert_eq!(prepared(value, event, version, caller), expected, "{value}");
        }
        assert_eq!(prepared(" ", Event::Ring, NEW, "1"), None, "MicroSIP would start itself");
        assert_eq!(prepared(r"C:\x.exe", Event::Ringing, OLD, "1"), None, "an event that it does not have");
    }

    #[test]
    fn statuses_of_windows_are_hexadecimal() {
        assert_eq!(status_text(3), "3");
        assert_eq!(status_text(0xC000_0135), "0xC0000135");
    }
}

//! `test-hook`: runs hooks as MicroSIP would, and reports how each run went.

mod actions;
mod tested;

use std::io;
use std::time::{Duration, Instant};

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::command::{self, Run};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks;
use crate::hook::target::TargetContext;
use crate::ini::{Wide, lookup, wide};
use crate::microsip::version::Dialect;
use crate::platform::{Recording, Runner, ShellCommand, Started};
use crate::request::TestHook;

use super::context::{Context, RunEvent};
use super::error::Error;
use super::hook_actions;
use super::hook_state::{self, save_dialect, target_context};
use super::ini::{Ini, reading_warnings};
use tested::status_text;

pub use actions::{example, numbers_of, preview_lines};
pub use tested::{HookTest, RunResult, Tested};

/// Runs hooks.
///
/// # Errors
/// No ini was found, it can't be read, no hook is set, or the user stopped.
pub fn run(asked: &TestHook, context: &mut Context<'_>) -> Result<Tested, Error> {
    let env = context.env;
    let ini = Ini::choose(&asked.ini, context)?;
    let decoded = ini.read(context)?;
    let document = &decoded.document;
    let save_dialect = save_dialect(asked.version, &ini, document, env);
    let targets = target_context(&ini, env);
    let value_of = |event: &Event| {
        let value = lookup::value(document, "Settings", event.key(), command::READ_LIMIT)?;
        (!value.is_empty()).then_some((*event, value))
    };
    let set: Vec<(Event, Wide)> = asked.events.iter().filter_map(value_of).collect();
    if set.is_empty() {
        let of_event = match asked.events[..] {
            [event] => format!(" for '{event}'"),
            _ => String::new(),
        };
        let message = format!("{}: no hook is set{of_event}", ini.path.display());
        let hint = "to see what is set, run 'msipcfg hooks'; to set one, see 'msipcfg help set-hook'";
        return Err(Diagnostic::new(Code::HookNotSet, message).with_hint(hint).into());
    }
    let runner = Runner::new(&targets.paths, env.search_path.as_deref());
    let mut tests = Vec::new();
    let (of_file, mistake) = hook_actions::read_or_warn(&ini, context.fs);
    let mut actions = Vec::new();
    for (event, value) in &set {
        if hook_state::hook_of(*event, document, &save_dialect, &targets).is_runner {
            actions.extend(actions::test(*event, &of_file, asked, &ini, context)?);
            continue;
        }
        let known = hook_state::hook_of(*event, document, &save_dialect, &targets).problems;
        for caller in &asked.callers {
            let prepared = prepare(value, *event, &save_dialect, caller);
            let mut problems = known.clone();
            problems.extend(prepared.warnings);
            let mut test = HookTest {
                event: *event,
                caller: Some(caller.clone()).filter(|caller| !caller.is_empty()),
                command: prepared.command,
                result: RunResult::NotRun,
                is_waited_for: save_dialect.dialect != Dialect::WholeValue,
                printed: None,
                problems,
            };
            if test.command.is_some() && runner.is_ok() && !asked.dry_run {
                (context.report)(RunEvent::Testing { event: *event, caller });
            }
            if asked.dry_run {
                test.result = if test.command.is_some() { RunResult::WouldRun } else { RunResult::NotRun };
            } else {
                run_hook(&mut test, runner.as_ref(), &targets, asked.capture, context.stop)?;
            }
            tests.push(test);
        }
    }
    let mut warnings = reading_warnings(&decoded);
    warnings.extend(mistake);
    if tests.iter().any(|test| test.result.is_started()) {
        warnings.extend(start_warning(asked.capture));
    }
    Ok(Tested { ini: ini.path, tests, actions, warnings })
}

/// Returns the warning that the programs weren't started exactly as MicroSIP starts them.
fn start_warning(is_captured: bool) -> Option<Diagnostic> {
    let (message, hint) = if !Runner::STARTS_LIKE_MICROSIP {
        (
            "the programs were started through this computer's Wine; MicroSIP starts them itself",
            "to start them as MicroSIP does, run msipcfg for Windows in the prefix",
        )
    } else if is_captured {
        (
            "to capture their output, msipcfg started the programs directly; MicroSIP lets Windows' shell open them",
            "without --capture, they are started as MicroSIP does",
        )
    } else {
        return None;
    };
    Some(Diagnostic::new(Code::HookStartedOtherwise, message).with_hint(hint))
}

/// What MicroSIP would start.
struct Prepared {
    /// `None` if MicroSIP would start nothing, or itself.
    command: Option<ShellCommand>,
    warnings: Vec<Diagnostic>,
}

/// Returns what MicroSIP would start for a value when this caller calls.
fn prepare(value: &[u16], event: Event, save_dialect: &SaveDialect, caller: &str) -> Prepared {
    if !save_dialect.supports(event) {
        return Prepared { command: None, warnings: Vec::new() };
    }
    let text = String::from_utf16_lossy(value);
    let expanded = masks::expand(&text, event, save_dialect, caller);
    // As text, lone surrogates are lost.
    let value = if expanded.value == text { value.to_vec() } else { wide(&expanded.value) };
    let command = match command::run(&value, save_dialect.dialect) {
        Run::Nothing | Run::Itself => None,
        Run::Program { file, parameters } => Some(ShellCommand {
            file,
            args: command::received(&parameters, caller),
            parameters: command::with_caller(&parameters, caller, save_dialect.dialect),
        }),
    };
    Prepared { command, warnings: expanded.warnings }
}

/// Runs a hook, waits as long as MicroSIP would, and records how it went.
fn run_hook(
    test: &mut HookTest,
    runner: Result<&Runner, &io::Error>,
    targets: &TargetContext,
    capture: bool,
    stop: &dyn Fn() -> bool,
) -> Result<(), Diagnostic> {
    let Some(command) = &test.command else { return Ok(()) };
    let runner = match runner {
        Ok(runner) => runner,
        Err(error) => {
            test.problems.push(
                Diagnostic::new(Code::WindowsOnly, format!("the program wasn't run: {error}"))
                    .with_hint("run msipcfg for Windows where MicroSIP runs"),
            );
            return Ok(());
        }
    };
    let command = &as_64_bit(command, targets);
    let recording = capture.then(Recording::new).transpose().map_err(not_recorded)?;
    let begun = Instant::now();
    let started = match &recording {
        Some(recording) => runner.record(command, recording),
        None => runner.open_hidden(command),
    };
    test.result = match started {
        Ok(started) => result_of(started, begun, stop)?,
        Err(error) => {
            let hint = "MicroSIP wouldn't show an error; check the path, and that you may run the program";
            let message = format!("the program couldn't be started: {error}");
            test.problems.push(Diagnostic::new(Code::HookNotStarted, message).with_hint(hint));
            RunResult::NotStarted
        }
    };
    test.problems.extend(run_problems(test.result, test.is_waited_for, capture));
    test.printed = recording.map(|recording| recording.text()).transpose().map_err(not_recorded)?;
    Ok(())
}

/// Returns the command with which this program, a 64-bit one, starts what MicroSIP starts.
fn as_64_bit(command: &ShellCommand, targets: &TargetContext) -> ShellCommand {
    let file = String::from_utf16(&command.file).ok().and_then(|file| targets.as_64_bit(&file));
    let file = file.map_or(command.file.clone(), |file| wide(&file));
    ShellCommand { file, ..command.clone() }
}

fn not_recorded(error: io::Error) -> Diagnostic {
    Diagnostic::new(Code::FileWrite, format!("the output of a hook couldn't be captured: {error}"))
        .with_hint("check the folder for temporary files")
}

fn result_of(mut started: Started, begun: Instant, stop: &dyn Fn() -> bool) -> Result<RunResult, Diagnostic> {
    if !started.has_process() {
        return Ok(RunResult::Unwatched);
    }
    let exited = wait(command::MAX_WAIT, stop, &mut |at_most| started.wait(at_most))?;
    let took = begun.elapsed();
    Ok(match exited {
        Ok(Some(status)) => RunResult::Exited { status, took },
        Ok(None) => RunResult::StillRunning { took },
        Err(_) => RunResult::Unwatched,
    })
}

/// Waits until a program exits and returns its exit status; `None` if it is still running after that time. If the
/// user stops msipcfg in between, the program keeps running.
fn wait(
    at_most: Duration,
    stop: &dyn Fn() -> bool,
    end: &mut dyn FnMut(Duration) -> io::Result<Option<u32>>,
) -> Result<io::Result<Option<u32>>, Diagnostic> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
    let until = Instant::now() + at_most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match end(left.min(BETWEEN_LOOKS)) {
            Ok(None) if stop() => {
                return Err(Diagnostic::new(Code::Interrupted, "Cancelled. The hook keeps running."));
            }
            Ok(None) if !left.is_zero() => {}
            ended => return Ok(ended),
        }
    }
}

/// Returns what a result means for the user.
fn run_problems(result: RunResult, is_waited_for: bool, is_captured: bool) -> Vec<Diagnostic> {
    /// The other party notices a longer delay.
    const LONG: Duration = Duration::from_secs(1);
    const BE_QUICK: &str = "start the real work in the background and exit";
    let mut problems = Vec::new();
    match result {
        RunResult::StillRunning { .. } if is_waited_for => {
            let seconds = command::MAX_WAIT.as_secs();
            let message = format!(
                "the program was still running after {seconds} s, when MicroSIP stops waiting; it keeps running"
            );
            problems.push(Diagnostic::new(Code::HookTimeout, message).with_hint(BE_QUICK));
        }
        RunResult::Exited { took, .. } if is_waited_for && took > LONG => {
            let message =
                format!("the program took {:.1} s, during which MicroSIP is frozen", took.as_secs_f64());
            problems.push(Diagnostic::new(Code::HookSlow, message).with_hint(BE_QUICK));
        }
        _ => {}
    }
    if let RunResult::Exited { status: status @ 1.., .. } = result {
        let see_output = if is_captured { "" } else { "; to see its output, use --capture" };
        problems.push(
            Diagnostic::new(
                Code::HookFailed,
                format!("the program exited with status {}", status_text(status)),
            )
            .with_hint(format!("MicroSIP ignores the status, but the program reports a failure{see_output}")),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microsip::version::Version;

    const NEVER: &dyn Fn() -> bool = &|| false;

    #[test]
    fn waiting_ends_at_exit_timeout_or_ctrl_c() {
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
        assert_eq!(wait(long, &|| true, &mut runs_on).unwrap_err().code, Code::Interrupted);

        let mut looks = Vec::new();
        let mut has_no_process = |at_most| {
            looks.push(at_most);
            Err(io::ErrorKind::Unsupported.into())
        };
        assert!(wait(long, NEVER, &mut has_no_process).unwrap().is_err());
        assert!(looks[0] < Duration::from_secs(1), "Ctrl-C would be ignored for {looks:?}");
    }

    fn test(result: RunResult, is_waited_for: bool) -> HookTest {
        HookTest {
            event: Event::Ring,
            caller: None,
            command: None,
            result,
            is_waited_for,
            printed: None,
            problems: Vec::new(),
        }
    }

    #[test]
    fn results_decide_what_fails_and_what_is_reported() {
        let exited = |status, seconds| RunResult::Exited { status, took: Duration::from_secs(seconds) };
        let still_running = RunResult::StillRunning { took: Duration::from_secs(10) };
        for (result, is_waited_for, fails, codes) in [
            (RunResult::NotRun, true, true, vec![]),
            (RunResult::NotStarted, true, true, vec![]),
            (RunResult::Unwatched, true, false, vec![]),
            (exited(0, 0), true, false, vec![]),
            (exited(0, 3), true, false, vec![Code::HookSlow]),
            (exited(0, 3), false, false, vec![]),
            (exited(3, 0), true, true, vec![Code::HookFailed]),
            (exited(3, 3), true, true, vec![Code::HookSlow, Code::HookFailed]),
            (still_running, true, true, vec![Code::HookTimeout]),
            (still_running, false, false, vec![]),
        ] {
            assert_eq!(test(result, is_waited_for).has_failed(), fails, "{result:?}");
            let problems = run_problems(result, is_waited_for, false);
            assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), codes, "{result:?}");
        }
    }

    fn prepared(value: &str, event: Event, version: Version, caller: &str) -> Option<[String; 2]> {
        let save_dialect = SaveDialect::determine(Some(version), None, None);
        let command = prepare(&wide(value), event, &save_dialect, caller).command?;
        Some([command.file, command.parameters].map(|text| String::from_utf16(&text).unwrap()))
    }

    #[test]
    fn the_same_command_is_started_as_by_microsip() {
        const NEW: Version = Version(3, 22, 3);
        const OLD: Version = Version(3, 14, 0);
        for (value, event, version, caller, file, parameters) in [
            (r"C:\x.exe", Event::Ring, NEW, "100", r"C:\x.exe", " 100"),
            (r"C:\x.exe", Event::Ring, NEW, "", r"C:\x.exe", " "),
            (r"C:\x.exe a", Event::Ring, NEW, "", r"C:\x.exe", "a "),
            (r"C:\x.exe", Event::Ring, OLD, "", r"C:\x.exe", ""),
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
        assert_eq!(prepared(r"C:\x.exe", Event::Ringing, OLD, "1"), None, "an event that it doesn't have");
    }

    #[test]
    fn exit_statuses_of_windows_are_hexadecimal() {
        assert_eq!(status_text(3), "3");
        assert_eq!(status_text(0xC000_0135), "0xC0000135");
    }
}

//! Hooks that were run: how each run went, for people and for scripts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::actions::{ActionResult, ActionTest, action_json, actions_text};
use crate::commands::outcome::Outcome;
use crate::diagnostic::{Diagnostic, ExitStatus};
use crate::hook::event::Event;
use crate::page::{Page, Styles, command_lines, path_text, problem_list};
use crate::platform::ShellCommand;

/// Hooks that were run.
#[derive(Debug)]
pub struct Tested {
    /// The ini that says what runs.
    pub ini: PathBuf,
    /// Each run of a program, in order.
    pub tests: Vec<HookTest>,
    /// Each action, in order.
    pub actions: Vec<ActionTest>,
    /// Warnings about all of them.
    pub warnings: Vec<Diagnostic>,
}

impl Tested {
    /// Returns whether one of them failed.
    pub fn has_failed(&self) -> bool {
        self.tests.iter().any(HookTest::has_failed) || self.actions.iter().any(ActionTest::has_failed)
    }
}

/// One run of a hook.
#[derive(Debug)]
pub struct HookTest {
    /// Its event.
    pub event: Event,
    /// The caller's text; `None` if it is empty.
    pub caller: Option<String>,
    /// What was started; `None` if MicroSIP would start nothing.
    pub command: Option<ShellCommand>,
    /// How the run went.
    pub result: RunResult,
    /// Whether MicroSIP waits for the program and is frozen until then. Versions before 3.19 don't wait.
    pub is_waited_for: bool,
    /// Its standard output and standard error, if they were captured.
    pub printed: Option<[String; 2]>,
    /// Errors and warnings about it.
    pub problems: Vec<Diagnostic>,
}

/// How a run of a hook went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunResult {
    /// It wasn't run: MicroSIP would not run it, or it can't be run here.
    NotRun,
    /// It would be run.
    WouldRun,
    /// It couldn't be started.
    NotStarted,
    /// It was started, but there is no process to wait for.
    Unwatched,
    /// It exited.
    Exited { status: u32, took: Duration },
    /// It was still running when MicroSIP stops waiting.
    StillRunning { took: Duration },
}

impl RunResult {
    /// Returns whether it was started.
    pub fn is_started(self) -> bool {
        !matches!(self, RunResult::NotRun | RunResult::WouldRun | RunResult::NotStarted)
    }

    /// Returns how long MicroSIP would have waited for it, including its start.
    pub fn took(self) -> Option<Duration> {
        match self {
            RunResult::Exited { took, .. } | RunResult::StillRunning { took } => Some(took),
            _ => None,
        }
    }
}

impl HookTest {
    /// Returns whether it didn't start, ran longer than MicroSIP waits, or reported a failure.
    pub fn has_failed(&self) -> bool {
        match self.result {
            RunResult::NotRun | RunResult::NotStarted => true,
            RunResult::WouldRun | RunResult::Unwatched => false,
            RunResult::Exited { status, .. } => status != 0,
            RunResult::StillRunning { .. } => self.is_waited_for,
        }
    }
}

impl Outcome for Tested {
    fn status(&self) -> ExitStatus {
        if self.has_failed() { ExitStatus::No } else { ExitStatus::Done }
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn ini(&self) -> Option<&Path> {
        Some(&self.ini)
    }

    fn text(&self, page: &Page) -> String {
        let styles = page.styles;
        let heading = styles.heading;
        let mut text = String::new();
        let mut shown: Vec<&Diagnostic> = Vec::new();
        for (index, test) in self.tests.iter().enumerate() {
            let is_of_another_event = index == 0 || self.tests[index - 1].event != test.event;
            if is_of_another_event {
                shown.clear();
            }
            let caller =
                test.caller.as_ref().map_or("no number".into(), |caller| format!("caller '{caller}'"));
            let _ = writeln!(text, "{heading}{}, {caller}{heading:#}", test.event);
            if let Some(ShellCommand { file, args, .. }) = &test.command {
                let args = args.iter().map(|arg| lossy(arg));
                text.push_str(&command_lines(&lossy(file), args));
            }
            let _ = writeln!(text, "  {}", result_text(test, styles));
            for (name, printed) in ["stdout", "stderr"].iter().zip(test.printed.iter().flatten()) {
                printed.lines().for_each(|line| {
                    let _ = writeln!(text, "  {name}  {line}");
                });
            }
            // What holds for every caller is shown once.
            let fresh: Vec<&Diagnostic> =
                test.problems.iter().filter(|problem| !shown.contains(problem)).collect();
            text.push_str(&problem_list(fresh.iter().copied(), "  ", styles));
            shown.extend(fresh);
        }
        text.push_str(&actions_text(&self.actions, styles));
        text
    }

    fn json(&self) -> Json {
        json!({
            "ok": true,
            "ini": path_text(&self.ini),
            "failed": self.has_failed(),
            "ran": self.tests.iter().any(|test| test.result.is_started())
                || self.actions.iter().any(|test| matches!(test.result, ActionResult::Performed { .. })),
            "tests": self.tests.iter().map(test_json).collect::<Vec<_>>(),
            "actions": self.actions.iter().map(action_json).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

fn result_text(test: &HookTest, Styles { error, warning, added, .. }: Styles) -> String {
    let frozen = |took: Duration| {
        if test.is_waited_for {
            format!("MicroSIP would have been frozen for {}", seconds_text(took))
        } else {
            "this MicroSIP doesn't wait for it".into()
        }
    };
    match test.result {
        RunResult::NotRun => format!("{error}not run{error:#}"),
        RunResult::WouldRun => "would be run".into(),
        RunResult::NotStarted => format!("{error}not started{error:#}"),
        RunResult::Unwatched => {
            format!("{warning}started{warning:#}, but there is no process to wait for")
        }
        RunResult::Exited { status, took } => {
            let (style, verdict) = if test.has_failed() { (error, "failed") } else { (added, "ok") };
            format!(
                "{style}{verdict}{style:#}: exit status {} after {}; {}",
                status_text(status),
                seconds_text(took),
                frozen(took)
            )
        }
        RunResult::StillRunning { took } => {
            let style = if test.has_failed() { error } else { warning };
            format!("{style}still running{style:#} after {}; {}", seconds_text(took), frozen(took))
        }
    }
}

/// Shows more digits for short times.
fn seconds_text(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}

fn test_json(test: &HookTest) -> Json {
    let exit_status = match test.result {
        RunResult::Exited { status, .. } => Some(status),
        _ => None,
    };
    let command = test.command.as_ref();
    let args = command.map_or(&[][..], |command| &command.args);
    let [stdout, stderr] = test.printed.as_ref().map_or([None; 2], |printed| printed.each_ref().map(Some));
    // Milliseconds are exact enough.
    let seconds = test.result.took().map(|took| (took.as_secs_f64() * 1000.0).round() / 1000.0);
    json!({
        "event": test.event.name(),
        "key": test.event.key(),
        "caller": test.caller,
        "program": command.map(|command| lossy(&command.file)),
        "args": args.iter().map(|arg| lossy(arg)).collect::<Vec<_>>(),
        "command_line": command.map(|command| lossy(&command.line())),
        "started": test.result.is_started(),
        "exit_status": exit_status,
        "seconds": seconds,
        "timed_out": matches!(test.result, RunResult::StillRunning { .. }),
        "failed": test.has_failed(),
        "stdout": stdout,
        "stderr": stderr,
        "problems": test.problems,
    })
}

fn lossy(text: &[u16]) -> String {
    String::from_utf16_lossy(text)
}

/// Returns an exit status for people. Those of Windows itself, such as of a missing DLL, are hexadecimal.
pub fn status_text(status: u32) -> String {
    const FIRST_OF_WINDOWS: u32 = 0x8000_0000;
    if status >= FIRST_OF_WINDOWS { format!("{status:#010X}") } else { status.to_string() }
}

//! Hooks that were run, for people and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::commands::test_hook::{HookTest, Outcome, Tested, status_text};
use crate::diagnostic::Diagnostic;
use crate::platform::ShellCommand;

use super::text::{command_text, problems_text};
use super::{Styles, text_of};

/// Each run, and how it went.
pub(super) fn text(tested: &Tested, styles: Styles) -> String {
    let Styles { heading, .. } = styles;
    let mut text = String::new();
    let mut said: Vec<&Diagnostic> = Vec::new();
    for (index, test) in tested.tests.iter().enumerate() {
        let is_of_another_event = index == 0 || tested.tests[index - 1].event != test.event;
        if is_of_another_event {
            said.clear();
        }
        let caller = test.caller.as_ref().map_or("no number".into(), |caller| format!("caller {caller}"));
        let _ = writeln!(text, "{heading}{}, {caller}{heading:#}", test.event);
        if let Some(ShellCommand { file, args, .. }) = &test.command {
            let args = args.iter().map(|arg| lossy(arg));
            text.push_str(&command_text(&lossy(file), args));
        }
        let _ = writeln!(text, "  {}", outcome_text(test, styles));
        for (name, printed) in ["stdout", "stderr"].iter().zip(test.printed.iter().flatten()) {
            printed.lines().for_each(|line| {
                let _ = writeln!(text, "  {name}  {line}");
            });
        }
        // what holds for every caller is said once
        let fresh: Vec<&Diagnostic> =
            test.problems.iter().filter(|problem| !said.contains(problem)).collect();
        text.push_str(&problems_text(fresh.iter().copied(), "  ", styles));
        said.extend(fresh);
    }
    text
}

fn outcome_text(test: &HookTest, Styles { error, warning, added, .. }: Styles) -> String {
    let frozen = |took: Duration| {
        if test.is_waited_for {
            format!("MicroSIP would have been frozen for {}", seconds_text(took))
        } else {
            "this MicroSIP does not wait for it".into()
        }
    };
    match test.outcome {
        Outcome::NotTried => format!("{error}not run{error:#}"),
        Outcome::NotStarted => format!("{error}not started{error:#}"),
        Outcome::Unwatched => {
            format!("{warning}started{warning:#}, without a process that could be waited for")
        }
        Outcome::Ended { status, took } => {
            let (style, verdict) = if test.has_failed() { (error, "failed") } else { (added, "ok") };
            format!(
                "{style}{verdict}{style:#}: exit status {} after {}; {}",
                status_text(status),
                seconds_text(took),
                frozen(took)
            )
        }
        Outcome::RanOn { took } => {
            let style = if test.has_failed() { error } else { warning };
            format!("{style}still running{style:#} after {}; {}", seconds_text(took), frozen(took))
        }
    }
}

/// Short times are told apart, too.
fn seconds_text(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}

pub(super) fn json(tested: &Tested) -> Json {
    json!({
        "ok": true,
        "ini": text_of(&tested.ini),
        "failed": tested.has_failed(),
        "ran": tested.tests.iter().any(|test| test.outcome.is_started()),
        "tests": tested.tests.iter().map(test_json).collect::<Vec<_>>(),
        "warnings": tested.warnings,
    })
}

fn test_json(test: &HookTest) -> Json {
    let exit_status = match test.outcome {
        Outcome::Ended { status, .. } => Some(status),
        _ => None,
    };
    let command = test.command.as_ref();
    let args = command.map_or(&[][..], |command| &command.args);
    let [stdout, stderr] = test.printed.as_ref().map_or([None; 2], |printed| printed.each_ref().map(Some));
    // a time in milliseconds is exact enough, and short
    let seconds = test.outcome.took().map(|took| (took.as_secs_f64() * 1000.0).round() / 1000.0);
    json!({
        "event": test.event.name(),
        "key": test.event.key(),
        "caller": test.caller,
        "program": command.map(|command| lossy(&command.file)),
        "args": args.iter().map(|arg| lossy(arg)).collect::<Vec<_>>(),
        "command_line": command.map(|command| lossy(&command.line())),
        "started": test.outcome.is_started(),
        "exit_status": exit_status,
        "seconds": seconds,
        "timed_out": matches!(test.outcome, Outcome::RanOn { .. }),
        "failed": test.has_failed(),
        "stdout": stdout,
        "stderr": stderr,
        "problems": test.problems,
    })
}

fn lossy(text: &[u16]) -> String {
    String::from_utf16_lossy(text)
}

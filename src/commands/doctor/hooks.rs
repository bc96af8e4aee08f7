//! Problems of the commands in an ini: of their text, of their programs, and between them.

use crate::commands::hook_edit::dialect_warning;
use crate::commands::hook_state::{self, Examined};
use crate::commands::suggestion;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::plan::Edit;
use crate::hook::command::{self, HookCommand, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::target::{Allow, StartedAs, TargetContext, TargetError};
use crate::ini::document::{IniDocument, Line};
use crate::ini::name::{KeyPath, ValueText};
use crate::ini::wide;
use crate::microsip::version::{Dialect, Version};
use crate::request::{HookText, SetHook};

use super::finding::{Finding, Fix, Severity};

/// A command in the ini.
struct CommandInIni {
    event: Event,
    line: Line,
    text: String,
    examined: Examined,
}

/// Returns every problem of the commands.
pub fn check(document: &IniDocument, save_dialect: &SaveDialect, targets: &TargetContext) -> Vec<Finding> {
    let commands: Vec<CommandInIni> = Event::ALL
        .iter()
        .filter_map(|event| {
            let (line, text) = hook_state::text_of(*event, document)?;
            let examined = Examined::of(&text, *event, save_dialect, targets);
            let text = String::from_utf16_lossy(&text);
            (!examined.decoded.value.is_empty()).then_some(CommandInIni {
                event: *event,
                line,
                text,
                examined,
            })
        })
        .collect();
    let mut findings: Vec<Finding> = Vec::new();
    for hook in &commands {
        let found = problems_of(hook, save_dialect, targets).into_iter();
        findings
            .extend(found.map(|finding| finding.at(document, &hook.line).of("Settings", hook.event.key())));
    }
    findings.extend(
        between(&commands, save_dialect)
            .map(|(hook, finding)| finding.at(document, &hook.line).of("Settings", hook.event.key())),
    );
    findings.extend(outdated(save_dialect).filter(|_| !commands.is_empty()));
    findings
}

/// Returns the problems of one command. Those that a better text solves are fixed by it.
fn problems_of(hook: &CommandInIni, save_dialect: &SaveDialect, targets: &TargetContext) -> Vec<Finding> {
    let CommandInIni { event, examined, .. } = hook;
    let Examined { decoded, target_errors, unsupported } = examined;
    let mut findings: Vec<Finding> = Vec::new();
    for error in &decoded.errors {
        let severity = if error.is_fatal() { Severity::Error } else { Severity::Warning };
        findings.push(Finding::new(severity, error));
    }
    findings.extend(target_errors.iter().map(|error| of_target(error, decoded.command().as_ref(), *event)));
    findings.extend(unsupported.iter().map(|error| Finding::new(Severity::Error, error)));
    let lasts = command::read(&wide(&decoded.value)) == wide(&decoded.value);
    if !save_dialect.certain && !lasts && findings.iter().all(|finding| finding.severity < Severity::Error) {
        findings.push(Finding::new(Severity::Info, &dialect_warning(save_dialect.dialect)));
    }
    for finding in &mut findings {
        let hint = finding.diagnostic.hint.take();
        finding.diagnostic.hint = hint.map(|hint| hint.replace("EVENT", event.name()));
    }
    if decoded.errors.contains(&HookTextError::Blank) {
        let path = KeyPath::in_settings(event.key()).ok();
        findings.iter_mut().for_each(|finding| {
            finding.fix = path.clone().map(|path| Fix::Edit(Edit::Unset { path }));
        });
    } else if let Some((edit, after)) = fixed(hook, save_dialect, targets) {
        for finding in &mut findings {
            let stays = after.contains(&finding.diagnostic.code);
            finding.fix = (!stays).then(|| Fix::Edit(edit.clone()));
        }
    }
    findings
}

/// Returns the edit that makes a command do what was intended, and the codes of the problems that remain.
fn fixed(
    hook: &CommandInIni,
    save_dialect: &SaveDialect,
    targets: &TargetContext,
) -> Option<(Edit, Vec<Code>)> {
    let CommandInIni { event, text, examined, .. } = hook;
    let is_wrong = !examined.decoded.errors.is_empty()
        || examined.target_errors.iter().any(|error| error.code() == Code::HookTargetNotProgram);
    if !is_wrong {
        return None;
    }
    let text = suggestion::text_for(text, &examined.decoded, None, *event, save_dialect, targets)?;
    let value = String::from_utf16_lossy(&command::read(&wide(&text)));
    let after = Examined::of(&wide(&text), *event, save_dialect, targets);
    let codes = after.decoded.errors.iter().map(ToDiagnostic::code);
    let codes = codes.chain(after.target_errors.iter().map(ToDiagnostic::code));
    let codes = codes.chain(after.unsupported.iter().map(ToDiagnostic::code)).collect();
    let path = KeyPath::in_settings(event.key()).ok()?;
    Some((Edit::Set { path, value, text: ValueText::new(&text).ok()? }, codes))
}

/// Returns a problem of the program, with a hint for a command that is already set.
fn of_target(error: &TargetError, command: Option<&HookCommand>, event: Event) -> Finding {
    let severity = match error {
        error if error.is_fatal() => Severity::Error,
        TargetError::Unchecked { .. } => Severity::Info,
        _ => Severity::Warning,
    };
    let finding = Finding::new(severity, error);
    let set = ["set-hook", event.name(), "PROGRAM"];
    match error {
        TargetError::Missing { nearest: Some(nearest), .. } => {
            finding.with_template(set).with_hint(format!("did you mean {nearest}?"))
        }
        TargetError::Missing { nearest: None, .. } => {
            finding.with_template(set).with_hint("or create the missing file")
        }
        TargetError::Blocked { .. } => {
            let finding = match command {
                Some(command) => {
                    let allow = Allow { mark: true, ..Allow::default() };
                    finding.with_command(set_again(allow, true, event, command))
                }
                None => finding,
            };
            finding.with_hint("only if you trust it; in Explorer: Properties > Unblock")
        }
        TargetError::Batch { .. } => match command {
            Some(command) => {
                let command = set_again(Allow::default(), false, event, command);
                finding
                    .with_command(command)
                    .with_hint("msipcfg then runs it, but never with a text that could be a command")
            }
            None => finding.with_template(set),
        },
        TargetError::Shell { .. } => finding
            .with_template(["set-hook", event.name(), "SCRIPT"])
            .with_hint("the script is then started with -File"),
        _ => finding,
    }
}

/// Returns the command that sets a hook; with `direct`, MicroSIP starts a batch file itself.
fn set_again(
    allow: Allow,
    direct: bool,
    event: Event,
    command: &HookCommand,
) -> impl Iterator<Item = String> {
    let is_program = StartedAs::of(&command.program, &TargetContext::path_only()) == StartedAs::Program;
    let what = HookText::Command(command.clone());
    let set = SetHook { allow, direct: direct && !is_program, ..SetHook::new(event, what) };
    let args = suggestion::set_hook_args(&set, event.name(), command);
    std::iter::once("set-hook".to_string()).chain(args)
}

/// Finds problems between commands.
fn between<'a>(
    commands: &'a [CommandInIni],
    save_dialect: &SaveDialect,
) -> impl Iterator<Item = (&'a CommandInIni, Finding)> + 'a {
    /// Events of the same call.
    const SAME_CALL: &[(Event, Event)] = &[
        (Event::Ring, Event::Ringing),
        (Event::Answer, Event::AnswerVideo),
        (Event::Answer, Event::Start),
        (Event::AnswerVideo, Event::Start),
    ];
    let of = |event: Event| commands.iter().find(|hook| hook.event == event && hook.examined.works());
    let command = |hook: &CommandInIni| hook.examined.decoded.command();
    let twice = SAME_CALL.iter().filter_map(move |&(first, second)| {
        let (hook, other) = (of(first)?, of(second)?);
        if command(hook).is_none() || command(hook) != command(other) {
            return None;
        }
        let message = format!("{first} and {second} run the same command, so it runs twice for one call");
        let finding = Finding::warning(Code::HookTwice, message)
            .with_command(["unset-hook", second.name()])
            .with_hint("or give each its own argument");
        Some((other, finding))
    });
    let no_busy = of(Event::End)
        .filter(|_| {
            commands.iter().all(|hook| hook.event != Event::Busy) && save_dialect.supports(Event::Busy)
        })
        .and_then(|end| {
            let needs_allow = |error: &&TargetError| !matches!(error, TargetError::Batch { .. });
            let errors = end.examined.target_errors.iter().filter(needs_allow);
            let unsafe_target = errors.into_iter().any(TargetError::is_unsafe);
            let allow = Allow { unsafe_target, ..Allow::default() };
            let message = "there is a command for end but none for busy, so nothing runs for a call that was declined or busy";
            let finding = Finding::info(Code::HookBusyMissing, message)
                .with_command(set_again(allow, true, Event::Busy, &command(end)?));
            Some((end, finding))
        });
    twice.chain(no_busy)
}

/// Returns what a MicroSIP before 3.21.6 does wrong with commands.
fn outdated(save_dialect: &SaveDialect) -> Option<Finding> {
    if !save_dialect.certain && save_dialect.version.is_none() {
        return None;
    }
    let why = match (save_dialect.dialect, save_dialect.version) {
        (Dialect::WholeValue, _) => "reads the whole command as one file name, so hooks can't have arguments",
        (Dialect::Raw, Some(version)) if version < Version(3, 20, 5) => {
            "saves commands without their outer quotes, which breaks some, and also runs the busy command for calls that MicroSIP itself rejects"
        }
        (Dialect::Raw, _) => "saves commands without their outer quotes, which breaks some",
        // It isn't known in which of the two versions this changed.
        (Dialect::Quoted, Some(version)) if version < Version(3, 21, 6) => {
            "may save commands without their outer quotes, which breaks some"
        }
        (Dialect::Quoted, _) => return None,
    };
    let version = match save_dialect.version {
        Some(version) => format!("MicroSIP {version}"),
        None => format!("this MicroSIP ({})", save_dialect.dialect),
    };
    Some(
        Finding::info(Code::MicrosipOutdated, format!("{version} {why}"))
            .with_hint("update MicroSIP to 3.21.6 or newer"),
    )
}

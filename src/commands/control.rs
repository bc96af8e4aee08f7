//! `start`, `exit`, `call` and their like: starts MicroSIP, asks it to exit, or controls its calls.

use std::io;
use std::path::Path;
use std::slice;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::dialect::SaveDialect;
use crate::microsip::closing::Closing;
use crate::microsip::control::{self, Message, PhoneCommand, Transport};
use crate::microsip::desktop::{self, StartError};
use crate::microsip::guard::Watch;
use crate::microsip::instances::{self, Instance, Processes};
use crate::microsip::locate;
use crate::microsip::version::{Dialect, Version};
use crate::page::Page;
use crate::platform::{self, FileSystemExt, Rights, WatchedProcess};
use crate::request::{ControlRequest, IniChoice};

use super::context::Context;
use super::error::Error;
use super::ini::Ini;
use super::outcome::Outcome;

/// What MicroSIP did.
#[derive(Debug)]
pub struct ControlOutcome {
    /// The name of the command.
    command: &'static str,
    /// The text that was sent to MicroSIP, if one was.
    sent: Option<String>,
    /// Whether anything was done: a running MicroSIP isn't started again.
    changed: bool,
    instance: Instance,
}

impl Outcome for ControlOutcome {
    fn changed(&self) -> bool {
        self.changed
    }

    fn text(&self, page: &Page) -> String {
        if page.quiet {
            return String::new();
        }
        let ControlOutcome { command, sent, changed, instance } = self;
        match (*command, sent) {
            ("start", _) if !changed => format!("MicroSIP is already running ({instance})\n"),
            ("start", _) => format!("Started {instance}\n"),
            (_, Some(sent)) => format!("Sent {sent} to MicroSIP ({instance})\n"),
            _ => format!("Closed {instance}\n"),
        }
    }

    fn json(&self) -> Json {
        json!({
            "ok": true,
            "changed": self.changed,
            "order": self.command,
            "sent": self.sent,
            "instances": [self.instance],
        })
    }
}

/// Starts MicroSIP, asks it to exit, or controls its calls.
///
/// # Errors
/// This isn't Windows, no instance or several run, or MicroSIP can't be started, reached or controlled.
pub fn run(
    choice: &IniChoice,
    request: &ControlRequest,
    context: &mut Context<'_>,
) -> Result<ControlOutcome, Error> {
    if !platform::CAN_REACH_WINDOWS {
        return Err(Diagnostic::new(Code::WindowsOnly, "this works only on Windows")
            .with_hint("run msipcfg on Windows, or the Windows version of msipcfg under Wine")
            .into());
    }
    let processes = Processes::default();
    let running = running(choice, &processes)?;
    Ok(match request {
        ControlRequest::Start { minimized } => start(choice, running, *minimized, &processes, context)?,
        ControlRequest::Exit { timeout } => exit(only_instance(choice, running)?, *timeout, context)?,
        ControlRequest::Command(command) => {
            send_command(choice, only_instance(choice, running)?, command, context)?
        }
    })
}

/// Returns the running instances, or those of a named ini.
fn running(choice: &IniChoice, processes: &Processes) -> Result<Vec<Instance>, Error> {
    let stem = choice.path.as_ref().and_then(|ini| ini.file_stem());
    let stem = stem.map(|stem| stem.to_string_lossy().to_lowercase());
    let stems: Vec<&str> = stem.as_deref().into_iter().collect();
    let mut running = processes.instances(&stems)?;
    if let Some(ini) = &choice.path {
        running.retain(|instance| instance.inis.known().is_some() && instance.blocks(ini));
    }
    Ok(running)
}

/// Returns the running instance, if there is exactly one.
fn only_instance(choice: &IniChoice, mut running: Vec<Instance>) -> Result<Instance, Error> {
    match running.len() {
        0 => {
            let message = match &choice.path {
                Some(ini) => format!("no running MicroSIP uses {}", ini.display()),
                None => "MicroSIP isn't running".into(),
            };
            Err(Diagnostic::new(Code::MicrosipNotRunning, message)
                .with_hint("to start it, run 'msipcfg start'")
                .into())
        }
        1 => Ok(running.remove(0)),
        _ => {
            let running: Vec<String> = running.iter().map(ToString::to_string).collect();
            let message = format!("more than one MicroSIP is running: {}", running.join("; "));
            Err(Diagnostic::new(Code::InstanceAmbiguous, message)
                .with_hint("choose one by its ini, with --ini PATH")
                .into())
        }
    }
}

/// Starts the MicroSIP of an ini, or the only installed one, and waits until its window exists.
fn start(
    choice: &IniChoice,
    running: Vec<Instance>,
    minimized: bool,
    processes: &Processes,
    context: &Context<'_>,
) -> Result<ControlOutcome, Error> {
    /// Slow disks and virus scanners take seconds.
    const FOR_ITS_WINDOW: Duration = Duration::from_secs(15);
    let exe = match &choice.path {
        Some(ini) => locate::exe_of(ini, context.env),
        None => locate::only_exe(context.env),
    };
    let exe = exe.ok_or_else(|| no_exe(choice.path.as_deref()))?;
    let is_same = |instance: &Instance| {
        instance
            .exe_on_disk
            .as_ref()
            .is_some_and(|other| context.fs.is_same_file(other, &exe).unwrap_or(false))
    };
    if let Some(instance) = running.into_iter().find(is_same) {
        return Ok(ControlOutcome { command: "start", sent: None, changed: false, instance });
    }
    let argument = minimized.then_some("/minimized");
    let pid = desktop::start(&exe, argument).map_err(|error| not_started(&exe, &error))?;
    let until = Instant::now() + FOR_ITS_WINDOW;
    loop {
        let instance = processes.instances(&[])?.into_iter().find(|instance| instance.pid == pid);
        let has_window = instances::windows().iter().any(|window| window.pid == pid);
        match instance {
            Some(instance) if has_window || Instant::now() >= until => {
                return Ok(ControlOutcome { command: "start", sent: None, changed: true, instance });
            }
            None if WatchedProcess::open(pid).is_err() || Instant::now() >= until => {
                return Err(not_started(&exe, &io::Error::other("it exited at once").into()).into());
            }
            _ => pause(context)?,
        }
    }
}

/// Asks an instance to exit and waits until it has.
fn exit(instance: Instance, timeout: Duration, context: &Context<'_>) -> Result<ControlOutcome, Error> {
    let until = Instant::now() + timeout;
    let (mut closing, mut watch) = (Closing::default(), Watch::default());
    loop {
        if let Some(Diagnostic { message, .. }) = closing.ask(slice::from_ref(&instance)).pop() {
            return Err(unreachable(&instance, &message).into());
        }
        if !instance.is_running() {
            return Ok(ControlOutcome { command: "exit", sent: None, changed: true, instance });
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let message = format!("MicroSIP ({instance}) was asked to exit but is still running");
            return Err(Diagnostic::new(Code::MicrosipRunning, message)
                .with_hint("look at its window; it may be asking something")
                .into());
        }
        watch.pause(slice::from_ref(&instance), left);
        check_stop(context)?;
    }
}

/// Sends a command to an instance.
fn send_command(
    choice: &IniChoice,
    instance: Instance,
    command: &PhoneCommand,
    context: &Context<'_>,
) -> Result<ControlOutcome, Error> {
    let message = control::message(command, version_of(choice, &instance, context))?;
    match message.transport {
        Transport::CopyData { data } => send(&instance, data, &message, context)?,
        Transport::StartExe => {
            let exe = instance.exe_on_disk.clone().ok_or_else(|| no_exe(None))?;
            let started = desktop::start_like(&exe, Some(&message.text), Rights::of(instance.pid).ok());
            started.map_err(|error| not_started(&exe, &error))?;
        }
    }
    Ok(ControlOutcome { command: command.name(), sent: Some(message.text), changed: true, instance })
}

/// Sends a message until it is accepted: MicroSIP answers 1 while it can't make calls yet (mainDlg.cpp, onCopyData).
fn send(instance: &Instance, data: usize, message: &Message, context: &Context<'_>) -> Result<(), Error> {
    const UNTIL_READY: Duration = Duration::from_secs(10);
    const FOR_AN_ANSWER: Duration = Duration::from_secs(5);
    const ACCEPTED: usize = 0;
    let until = Instant::now() + UNTIL_READY;
    loop {
        let window = instances::windows().into_iter().find(|window| window.pid == instance.pid);
        let window = window.ok_or_else(|| unreachable(instance, "it has no window on this desktop"))?;
        match window.send_text(data, &message.text, FOR_AN_ANSWER) {
            Ok(ACCEPTED) => return Ok(()),
            Ok(_) if Instant::now() < until => pause(context)?,
            Ok(_) => {
                let message = format!("MicroSIP ({instance}) isn't ready to make calls");
                return Err(Diagnostic::new(Code::MicrosipNotReady, message)
                    .with_hint("wait until its window shows that it is online, then try again")
                    .into());
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let why = "it doesn't respond; it may be waiting for a hook or showing a message";
                return Err(unreachable(instance, why).into());
            }
            Err(error) => return Err(unreachable(instance, &error.to_string()).into()),
        }
    }
}

/// Returns the version of an instance, by its exe or by its ini.
fn version_of(choice: &IniChoice, instance: &Instance, context: &Context<'_>) -> Option<Version> {
    let by_exe = instance.exe_on_disk.as_deref().and_then(platform::version_of_exe).map(Version::from);
    by_exe.or_else(|| {
        let ini = instance.inis.known()?.iter().find(|ini| context.fs.is_file(ini))?;
        let decoded = Ini::at(ini.clone(), choice, context.fs).ok()?.read(context).ok()?;
        let save_dialect = SaveDialect::determine(None, None, Some(&decoded.document));
        // The oldest known version of each dialect supports the least.
        let oldest = match save_dialect.dialect {
            Dialect::WholeValue => Some(Version(3, 14, 0)),
            Dialect::Raw => Some(Version(3, 19, 27)),
            Dialect::Quoted => None,
        };
        save_dialect.version.or(oldest)
    })
}

fn pause(context: &Context<'_>) -> Result<(), Error> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
    std::thread::sleep(BETWEEN_LOOKS);
    check_stop(context)
}

fn check_stop(context: &Context<'_>) -> Result<(), Error> {
    const CANCELLED: &str = "Cancelled. What MicroSIP was already asked to do may still happen.";
    if (context.stop)() { Err(Diagnostic::new(Code::Interrupted, CANCELLED).into()) } else { Ok(()) }
}

fn no_exe(ini: Option<&Path>) -> Diagnostic {
    let of_ini = ini.map_or(String::new(), |ini| format!(" for {}", ini.display()));
    let message = format!("MicroSIP's program{of_ini} wasn't found, or more than one was found");
    Diagnostic::new(Code::MicrosipNotFound, message)
        .with_hint("specify the ini of the copy to start with --ini PATH")
}

fn not_started(exe: &Path, error: &StartError) -> Diagnostic {
    Diagnostic::new(Code::StartFailed, format!("{} couldn't be started: {error}", exe.display()))
        .with_hint(error.hint())
}

fn unreachable(instance: &Instance, why: &str) -> Diagnostic {
    Diagnostic::new(Code::MicrosipUnreachable, format!("MicroSIP ({instance}) can't be controlled: {why}"))
        .with_hint("use MicroSIP's window instead")
}

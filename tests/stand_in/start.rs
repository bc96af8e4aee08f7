//! The start-up of the stand-in, and its main loop.

#![allow(unsafe_code, reason = "the functions take pointers")]

use std::io::{Read, Write};
use std::rc::Rc;

use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_PIPE, GetFileType};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::Environment::GetCommandLineW;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

use crate::commands::When;
use crate::log::{Log, quoted};
use crate::phone::Phone;
use crate::version::Version;
use crate::wide::text_of;
use crate::{instance, window};

/// Runs the stand-in.
pub fn start() {
    // a hook or msipcfg starts it without a pipe
    if std::env::var_os("STAND_IN_ENDS_WITH_INPUT").is_some() && is_pipe(STD_INPUT_HANDLE) {
        std::thread::spawn(exit_with_input);
    }
    let log = Log::from_environment();
    let line = command_line();
    log.say(&format!("start args={}", quoted(&line)));
    // before it looks for another instance: every start of MicroSIP may write to the ini
    let (phone, is_first_run) = Phone::new(log, Version::from_environment());
    match instance::running() {
        Some(instance) => pass_to(&instance, &phone, &line),
        None if ["/exit", "/answer", "/hangupall"].contains(&line.as_str()) => phone.log.say("left alone"),
        None => run(phone, &line, is_first_run),
    }
}

/// Does what a second start does.
fn pass_to(instance: &instance::Instance, phone: &Phone, line: &str) {
    match line {
        "/exit" => {
            instance.close();
            phone.log.say("told to exit");
        }
        "/minimized" => phone.log.say("left alone"),
        _ => {
            instance.pass(line);
            phone.log.say("passed on");
        }
    }
}

fn run(phone: Phone, line: &str, is_first_run: bool) {
    let is_minimized = line == "/minimized";
    let phone = Rc::new(phone);
    let window = window::create(Rc::clone(&phone));
    if !is_minimized || is_first_run {
        window::show(window, true);
    }
    window::exit_later(window);
    phone.log.say("ready");
    notify_parent();
    if !is_minimized && !line.is_empty() {
        phone.handle(window, line, When::Start);
    }
    if let Ok(events) = std::env::var("STAND_IN_EVENTS") {
        for event in events.split(';').filter(|event| !event.is_empty()) {
            let (key, user) = event.split_once('=').unwrap_or((event, ""));
            phone.run_event(key, user);
        }
    }
    window::handle_messages();
    phone.log.say("exit");
}

/// Returns the command line after the exe.
fn command_line() -> String {
    // SAFETY: the text ends with NUL, and exists as long as the process
    let line = unsafe {
        let line = GetCommandLineW();
        let length = (0..).take_while(|&at| *line.add(at) != 0).count();
        text_of(std::slice::from_raw_parts(line, length))
    };
    let rest = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map_or("", |(_, rest)| rest),
        None => line.find([' ', '\t']).map_or("", |end| &line[end..]),
    };
    rest.trim_start().to_string()
}

/// Prints the line for which a test waits.
fn notify_parent() {
    if is_pipe(STD_OUTPUT_HANDLE) {
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(b"ready\n").and_then(|()| stdout.flush());
    }
}

fn is_pipe(handle: STD_HANDLE) -> bool {
    // SAFETY: takes no pointers; an invalid handle has no type
    unsafe { GetFileType(GetStdHandle(handle)) == FILE_TYPE_PIPE }
}

/// Exits when the test does, because that closes the other end of the pipe.
fn exit_with_input() {
    let mut buffer = [0_u8; 64];
    while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
    // SAFETY: the handle is this process's own, and needn't be closed
    unsafe { TerminateProcess(GetCurrentProcess(), 1) };
}

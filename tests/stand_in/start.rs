//! From its start to its end.

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

/// All of it.
pub fn start() {
    // one that a hook or msipcfg started was given no input
    if std::env::var_os("STAND_IN_ENDS_WITH_INPUT").is_some() && is_pipe(STD_INPUT_HANDLE) {
        std::thread::spawn(end_with_input);
    }
    let log = Log::from_environment();
    let line = command_line();
    log.say(&format!("start args={}", quoted(&line)));
    // before it looks for another instance, so that every start may write to the ini
    let (phone, is_first_run) = Phone::new(log, Version::from_environment());
    match instance::running() {
        Some(instance) => leave_to(&instance, &phone, &line),
        None if ["/exit", "/answer", "/hangupall"].contains(&line.as_str()) => phone.log.say("left alone"),
        None => run(phone, &line, is_first_run),
    }
}

/// What a second start does.
fn leave_to(instance: &instance::Instance, phone: &Phone, line: &str) {
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
    let window = window::make(Rc::clone(&phone));
    if !is_minimized || is_first_run {
        window::show(window, true);
    }
    window::exit_later(window);
    phone.log.say("ready");
    tell_parent();
    if !is_minimized && !line.is_empty() {
        phone.hear(window, line, When::Start);
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

/// What stands behind the exe.
fn command_line() -> String {
    // SAFETY: the text ends with NUL and lives as long as the process
    let line = unsafe {
        let line = GetCommandLineW();
        let length = (0..).take_while(|&at| *line.add(at) != 0).count();
        text_of(std::slice::from_raw_parts(line, length))
    };
    let behind = match line.strip_prefix('"') {
        Some(rest) => rest.split_once('"').map_or("", |(_, behind)| behind),
        None => line.find([' ', '\t']).map_or("", |end| &line[end..]),
    };
    behind.trim_start().to_string()
}

/// A test waits for this line, if one reads.
fn tell_parent() {
    if is_pipe(STD_OUTPUT_HANDLE) {
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(b"ready\n").and_then(|()| stdout.flush());
    }
}

fn is_pipe(handle: STD_HANDLE) -> bool {
    // SAFETY: takes no pointers; a handle that is none has no type
    unsafe { GetFileType(GetStdHandle(handle)) == FILE_TYPE_PIPE }
}

/// A test that has died closes its end.
fn end_with_input() {
    let mut buffer = [0_u8; 64];
    while matches!(std::io::stdin().read(&mut buffer), Ok(1..)) {}
    // SAFETY: the handle is of this process and needs no closing
    unsafe { TerminateProcess(GetCurrentProcess(), 1) };
}

//! Runs the command of an event.

#![allow(unsafe_code, reason = "the functions take pointers")]

use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{CloseHandle, LocalFree};
use windows_sys::Win32::System::Threading::WaitForSingleObject;
use windows_sys::Win32::UI::Shell::{
    CommandLineToArgvW, SEE_MASK_FLAG_NO_UI, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW, ShellExecuteExW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::SW_HIDE;

use crate::version::Version;

const LONGEST_WAIT_MS: u32 = 10_000;

/// A program that was started, and whether that worked.
pub struct Ran {
    pub file: Vec<u16>,
    pub parameters: Vec<u16>,
    pub is_started: bool,
    pub took: Duration,
}

/// Runs a command, unless it is empty.
pub fn run(command: &[u16], user: &str, version: Version) -> Option<Ran> {
    if command.is_empty() {
        return None;
    }
    let user: Vec<u16> = user.encode_utf16().collect();
    let (file, parameters) = if version.has_no_arguments() {
        (command.to_vec(), user)
    } else {
        // a value of spaces isn't empty: splitting an empty command line returns this program
        let parts = argv(trimmed(command));
        let (file, others) = parts.split_first().unwrap();
        let mut parameters = others.join(&SPACE);
        parameters.push(SPACE);
        parameters.extend(user);
        (file.clone(), parameters)
    };
    let start = Instant::now();
    let is_started = open(&file, &parameters, !version.has_no_arguments());
    Some(Ran { file, parameters, is_started, took: start.elapsed() })
}

const SPACE: u16 = 0x20;

fn trimmed(command: &[u16]) -> &[u16] {
    let is_white = |unit: &u16| matches!(unit, 0x09..=0x0D | &SPACE);
    let Some(start) = command.iter().position(|unit| !is_white(unit)) else { return &[] };
    let end = command.iter().rposition(|unit| !is_white(unit)).unwrap();
    &command[start..=end]
}

fn argv(line: &[u16]) -> Vec<Vec<u16>> {
    let line = [line, &[0]].concat();
    let mut count = 0;
    // SAFETY: the line ends with NUL; the function returns `count` texts that end with NUL, which are freed after they
    // were copied
    unsafe {
        let list = CommandLineToArgvW(line.as_ptr(), &raw mut count);
        assert!(!list.is_null(), "CommandLineToArgvW failed");
        let parts = (0..usize::try_from(count).unwrap())
            .map(|index| {
                let part = *list.add(index);
                let length = (0..).take_while(|&at| *part.add(at) != 0).count();
                std::slice::from_raw_parts(part, length).to_vec()
            })
            .collect();
        LocalFree(list.cast());
        parts
    }
}

/// Opens a file like the shell does, hidden and without messages, and waits for it if `waits`.
fn open(file: &[u16], parameters: &[u16], waits: bool) -> bool {
    let (file, parameters) = ([file, &[0]].concat(), [parameters, &[0]].concat());
    let mut info = SHELLEXECUTEINFOW {
        cbSize: u32::try_from(size_of::<SHELLEXECUTEINFOW>()).unwrap(),
        fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_FLAG_NO_UI,
        lpFile: file.as_ptr(),
        lpParameters: parameters.as_ptr(),
        nShow: SW_HIDE,
        ..Default::default()
    };
    // SAFETY: the structure contains its size, both texts end with NUL and outlive the call, and the returned handle is
    // closed once
    unsafe {
        let is_started = ShellExecuteExW(&raw mut info) != 0;
        if !info.hProcess.is_null() {
            if waits {
                WaitForSingleObject(info.hProcess, LONGEST_WAIT_MS);
            }
            CloseHandle(info.hProcess);
        }
        is_started
    }
}

//! Programs in the background, and the files that they use.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemTimeOfDayInformation};
use windows_sys::Win32::Foundation::{CloseHandle, ERROR_ACCESS_DENIED};
use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::Environment::GetCommandLineW;
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, CreateProcessW, DETACHED_PROCESS,
    PROCESS_INFORMATION, STARTF_FORCEOFFFEEDBACK, STARTUPINFOW,
};

use super::paths::drive_kind;
use super::win32::{check, checked_status, size_in_bytes, text_at, wide};
use crate::platform::background::{BootTime, CommandLine};
use crate::platform::paths::DriveKind;

/// Creates a folder and its parents, unless it exists. In a user's profile it inherits that only this user can open it.
///
/// # Errors
/// It can't be created.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Creates an empty file, unless it exists. In a user's profile it inherits that only this user can open it.
///
/// # Errors
/// It can't be created.
pub fn create_private_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Returns whether a file or folder is on the disk of another computer.
pub fn is_on_share(path: &Path) -> bool {
    let path = std::path::absolute(path);
    path.is_ok_and(|path| drive_kind(&path.to_string_lossy()) == DriveKind::Network)
}

/// The beginning of SYSTEM_TIMEOFDAY_INFORMATION, as winternl.h and phnt describe it.
#[repr(C)]
#[derive(Default)]
struct TimeOfDay {
    boot_time: i64,
    current_time: i64,
    time_zone_bias: i64,
    time_zone: u32,
    reserved: u32,
    boot_time_bias: u64,
    sleep_time_bias: u64,
}

/// Returns how long the computer has been running, also while it slept.
pub fn boot_time() -> BootTime {
    let mut time = TimeOfDay::default();
    let at = (&raw mut time).cast();
    // SAFETY: the structure has this size and can be written to
    let status = unsafe {
        NtQuerySystemInformation(
            SystemTimeOfDayInformation,
            at,
            size_in_bytes::<TimeOfDay>(),
            ptr::null_mut(),
        )
    };
    // Windows moves both when the clock is set, so their difference stays the same.
    let boot =
        checked_status(status).ok().map(|()| time.boot_time.wrapping_sub_unsigned(time.boot_time_bias));
    // SAFETY: it takes no arguments
    let ms = i64::try_from(unsafe { GetTickCount64() }).ok();
    BootTime { boot: boot.map(|boot| boot.to_string()), ms }
}

/// Returns the command line of this program after its own name.
pub fn command_line() -> CommandLine {
    // SAFETY: the text ends with NUL and exists as long as the process
    let line = unsafe { text_at(GetCommandLineW().cast_mut()) };
    CommandLine::Text(after_program(&line.to_string_lossy()).to_string())
}

/// Returns what follows the name of the program, which ends at the first space outside quotes.
fn after_program(line: &str) -> &str {
    let mut is_quoted = false;
    let end = line.find(|c: char| {
        is_quoted ^= c == '"';
        !is_quoted && (c == ' ' || c == '\t')
    });
    end.map_or("", |end| &line[end + 1..])
}

/// Keeps Windows from showing a box if this program crashes or a disk is missing.
pub fn hide_error_boxes() {
    // SAFETY: it takes only flags
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX) };
}

/// Starts a program that goes on after this one has exited, without a window, a console or inherited handles.
///
/// # Errors
/// It can't be started.
pub fn start_in_background(program: &Path, args: &[OsString]) -> io::Result<()> {
    let file = wide(program);
    let create = |flags| {
        let mut line = line_of(program, args);
        let startup = STARTUPINFOW {
            cb: size_in_bytes::<STARTUPINFOW>(),
            // the mouse pointer doesn't change
            dwFlags: STARTF_FORCEOFFFEEDBACK,
            ..Default::default()
        };
        let mut process = PROCESS_INFORMATION::default();
        // SAFETY: both texts end with NUL, the line can be written to, and the structures have their sizes
        check(unsafe {
            CreateProcessW(
                file.as_ptr(),
                line.as_mut_ptr(),
                ptr::null(),
                ptr::null(),
                0,
                DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | flags,
                ptr::null(),
                ptr::null(),
                &startup,
                &mut process,
            )
        })?;
        // SAFETY: both were just opened and have no other owner
        unsafe {
            CloseHandle(process.hThread);
            CloseHandle(process.hProcess);
        }
        Ok(())
    };
    // a job may end its programs with MicroSIP, and may forbid to leave it
    create(CREATE_BREAKAWAY_FROM_JOB).or_else(|error: io::Error| {
        let is_denied = error.raw_os_error() == Some(ERROR_ACCESS_DENIED.cast_signed());
        if is_denied { create(0) } else { Err(error) }
    })
}

/// Returns the command line that a program splits into these arguments. They contain no quotes.
fn line_of(program: &Path, args: &[OsString]) -> Vec<u16> {
    let quoted = |text: &OsStr| -> Vec<u16> {
        let quote = u16::from(b'"');
        [quote].into_iter().chain(text.encode_wide()).chain([quote]).collect()
    };
    let mut line = quoted(program.as_os_str());
    for arg in args {
        line.push(u16::from(b' '));
        line.extend(quoted(arg));
    }
    line.push(0);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_may_be_quoted() {
        for (line, rest) in [
            (r#""C:\Program Files\msipcfg\msipcfg-run.exe" ring 100"#, "ring 100"),
            (r"C:\msipcfg-run.exe ring  100 ", "ring  100 "),
            (r#""C:\a b\x.exe""#, ""),
            (r"x.exe ", ""),
        ] {
            assert_eq!(after_program(line), rest, "{line}");
        }
    }

    #[test]
    fn the_time_since_boot_grows_and_the_boot_stays_the_same() {
        let (before, after) = (boot_time(), boot_time());
        assert!(before.ms.unwrap() > 0 && after.ms >= before.ms);
        assert_eq!(before.boot.is_some(), after.boot.is_some());
    }
}

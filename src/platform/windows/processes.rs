//! Processes on Windows: their windows, waiting until they exit, and starting a program with the same rights again.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_SUCCESS, ERROR_TIMEOUT, HANDLE, HWND, LPARAM, SetLastError, TRUE, WAIT_FAILED, WPARAM,
};
use windows_sys::Win32::Security::{TOKEN_DUPLICATE, TOKEN_QUERY};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::System::Environment::{CreateEnvironmentBlock, DestroyEnvironmentBlock};
use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_LIMIT_BREAKAWAY_OK, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectExtendedLimitInformation, QueryInformationJobObject,
};
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, CreateProcessWithTokenW,
    PROCESS_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, STARTUPINFOW,
    WaitForMultipleObjects,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GW_OWNER, GetClassNameW, GetShellWindow, GetWindow, GetWindowThreadProcessId,
    IsWindowVisible, PostMessageW, SMTO_ABORTIFHUNG, SendMessageTimeoutW, WM_CLOSE, WM_COPYDATA,
};

use super::process_details::open;
use super::security::Token;
use super::win32::{check, size_in_bytes, wide};
use crate::platform::processes::{Identity, UserId};

/// Whether the windows of programs can be found.
pub const CAN_REACH_WINDOWS: bool = true;

/// A top-level window without an owner window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramWindow {
    /// The process that it belongs to.
    pub pid: u32,
    /// Whether it is visible. MicroSIP's close button only hides its window.
    pub is_visible: bool,
    handle: isize,
}

/// Finds the top-level windows of a class on this desktop that have no owner window.
pub fn windows_of_class(class: &str) -> Vec<ProgramWindow> {
    let mut found: Vec<HWND> = Vec::new();
    // SAFETY: the callback receives the pointer to `found`, which outlives the call
    unsafe { EnumWindows(Some(collect), (&raw mut found) as LPARAM) };
    found.into_iter().filter_map(|window| program_window(window, class)).collect()
}

unsafe extern "system" fn collect(window: HWND, found: LPARAM) -> i32 {
    // SAFETY: `windows_of_class` passes the pointer to its list, and nothing else uses that during the call
    unsafe { &mut *(found as *mut Vec<HWND>) }.push(window);
    TRUE
}

fn program_window(window: HWND, class: &str) -> Option<ProgramWindow> {
    const MAX_CLASS_LEN: i32 = 256;
    let mut name = [0_u16; MAX_CLASS_LEN as usize + 1];
    let mut pid = 0;
    // SAFETY: the functions accept a window that no longer exists, and `name` has the given length
    let (owner, length, is_visible) = unsafe {
        GetWindowThreadProcessId(window, &mut pid);
        let length = GetClassNameW(window, name.as_mut_ptr(), MAX_CLASS_LEN);
        (GetWindow(window, GW_OWNER), length, IsWindowVisible(window) != 0)
    };
    let name = String::from_utf16_lossy(&name[..usize::try_from(length).unwrap_or(0)]);
    let is_wanted = owner.is_null() && name.eq_ignore_ascii_case(class) && pid != 0;
    is_wanted.then_some(ProgramWindow { pid, is_visible, handle: window as isize })
}

impl ProgramWindow {
    /// Asks the program to close, without waiting for a response.
    ///
    /// # Errors
    /// The window no longer exists, or belongs to a program with more rights.
    pub fn ask_to_close(&self) -> io::Result<()> {
        // SAFETY: the function refuses a handle whose window no longer exists
        check(unsafe { PostMessageW(self.handle as HWND, WM_CLOSE, 0, 0) })
    }

    /// Sends a text with WM_COPYDATA, as UTF-16 that ends with NUL, and returns the program's response.
    ///
    /// # Errors
    /// It doesn't respond in time, no longer exists, or has more rights.
    pub fn send_text(&self, data: usize, text: &str, at_most: Duration) -> io::Result<usize> {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let bytes = u32::try_from(size_of_val(&text[..])).map_err(io::Error::other)?;
        let message = COPYDATASTRUCT { dwData: data, cbData: bytes, lpData: text.as_ptr().cast_mut().cast() };
        let limit = u32::try_from(at_most.as_millis()).unwrap_or(u32::MAX);
        let mut answer = 0;
        // some versions of Windows set no error after a timeout
        // SAFETY: it takes only a number
        unsafe { SetLastError(ERROR_SUCCESS) };
        // SAFETY: the message and its text outlive the call, and `answer` can be written to
        let sent = unsafe {
            SendMessageTimeoutW(
                self.handle as HWND,
                WM_COPYDATA,
                0 as WPARAM,
                (&raw const message) as LPARAM,
                SMTO_ABORTIFHUNG,
                limit,
                &mut answer,
            )
        };
        if sent != 0 {
            return Ok(answer);
        }
        let error = io::Error::last_os_error();
        let is_late =
            matches!(error.raw_os_error().map(i32::cast_unsigned), Some(ERROR_SUCCESS | ERROR_TIMEOUT));
        Err(if is_late { io::ErrorKind::TimedOut.into() } else { error })
    }
}

/// A process that can be waited for. No other process gets its id while this value exists.
#[derive(Debug)]
pub struct WatchedProcess(OwnedHandle);

impl WatchedProcess {
    /// Opens a process by its id.
    ///
    /// # Errors
    /// It has exited, or this user may not wait for it.
    pub fn open(pid: u32) -> io::Result<WatchedProcess> {
        open(pid, PROCESS_SYNCHRONIZE).map(WatchedProcess)
    }
}

/// Waits until one of the processes exits, and returns whether one did.
pub fn wait_for_any(watched: &[&WatchedProcess], at_most: Duration) -> bool {
    const MAX_HANDLES: usize = 64;
    let handles: Vec<HANDLE> =
        watched.iter().take(MAX_HANDLES).map(|watched| watched.0.as_raw_handle()).collect();
    let count = u32::try_from(handles.len()).unwrap_or(0);
    let limit = u32::try_from(at_most.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: the handles are open, and the count is right
    let answer = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, limit) };
    answer != WAIT_FAILED && answer < count
}

/// The rights of a process, with which a program can be started.
#[derive(Debug)]
pub struct Rights {
    token: Token,
}

impl Rights {
    /// Returns the rights of a process.
    ///
    /// # Errors
    /// This user may not query them.
    pub fn of(pid: u32) -> io::Result<Rights> {
        let process = open(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
        Token::of(process.as_raw_handle(), TOKEN_QUERY | TOKEN_DUPLICATE).map(|token| Rights { token })
    }

    /// Returns the rights of the shell of this desktop, if there is one. They don't include administrator rights.
    ///
    /// # Errors
    /// This user may not query them, because the desktop is another user's.
    pub fn of_desktop() -> io::Result<Option<Rights>> {
        let mut pid = 0;
        // SAFETY: without a shell there is no window and no process id, which is accepted
        unsafe { GetWindowThreadProcessId(GetShellWindow(), &mut pid) };
        if pid == 0 { Ok(None) } else { Rights::of(pid).map(Some) }
    }

    /// Returns the user, and whether these are administrator rights.
    pub fn identity(&self) -> Identity {
        Identity {
            user: self.token.user().map(|sid| UserId(sid.0)),
            is_elevated: self.token.is_elevated().unwrap_or(false),
        }
    }
}

/// Starts a program that inherits only the environment, and returns its process id. `as_other` are the rights of
/// another user, or this user's without administrator rights.
///
/// # Errors
/// It doesn't exist, or may not be started with these rights.
pub fn start(exe: &Path, argument: Option<&str>, as_other: Option<&Rights>) -> io::Result<u32> {
    let mut line: Vec<u16> = quoted(exe.as_os_str());
    line.extend(argument.iter().flat_map(|argument| [0x20].into_iter().chain(argument.encode_utf16())));
    line.push(0);
    let startup = STARTUPINFOW { cb: size_in_bytes::<STARTUPINFOW>(), ..Default::default() };
    let mut created = PROCESS_INFORMATION::default();
    let (file, folder) = (wide(exe), wide(exe.parent().unwrap_or(exe)));
    match as_other {
        Some(rights) => {
            let token = rights.token.to_primary()?;
            let environment = Environment::of(&token)?;
            // SAFETY: all texts end with NUL, and the token and the environment outlive the call
            check(unsafe {
                CreateProcessWithTokenW(
                    token.as_raw_handle(),
                    0,
                    file.as_ptr(),
                    line.as_mut_ptr(),
                    CREATE_UNICODE_ENVIRONMENT,
                    environment.0,
                    folder.as_ptr(),
                    &startup,
                    &mut created,
                )
            })?;
        }
        None => {
            // no handles are inherited, because otherwise a reader of our output would wait until the program exits
            let mut create = |flags| {
                let line = line.as_mut_ptr();
                // SAFETY: all texts end with NUL, and both structures are initialized
                check(unsafe {
                    CreateProcessW(
                        file.as_ptr(),
                        line,
                        ptr::null(),
                        ptr::null(),
                        0,
                        flags,
                        ptr::null(),
                        folder.as_ptr(),
                        &startup,
                        &mut created,
                    )
                })
            };
            let flags = flags_to_leave(job_limits());
            // an outer job may forbid it
            create(flags).or_else(|error| if flags == 0 { Err(error) } else { create(0) })?;
        }
    }
    for handle in [created.hProcess, created.hThread] {
        // SAFETY: the caller of CreateProcess owns these handles
        drop(unsafe { OwnedHandle::from_raw_handle(handle) });
    }
    Ok(created.dwProcessId)
}

/// Returns the limits of the job that this program is in, if it is in one.
fn job_limits() -> Option<u32> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    let size = size_in_bytes::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>();
    // SAFETY: without a job, the function uses that of this process; this is the structure for this information class
    let known = check(unsafe {
        QueryInformationJobObject(
            ptr::null_mut(),
            JobObjectExtendedLimitInformation,
            (&raw mut limits).cast(),
            size,
            ptr::null_mut(),
        )
    });
    known.ok().map(|()| limits.BasicLimitInformation.LimitFlags)
}

/// Returns the flags with which a new process leaves a job that would kill it at its end, if the job allows that.
fn flags_to_leave(job_limits: Option<u32>) -> u32 {
    const WANTED: u32 = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK;
    if job_limits.unwrap_or(0) & WANTED == WANTED { CREATE_BREAKAWAY_FROM_JOB } else { 0 }
}

/// The environment variables of a user.
struct Environment(*mut core::ffi::c_void);

impl Environment {
    fn of(token: &OwnedHandle) -> io::Result<Environment> {
        let mut block = ptr::null_mut();
        // SAFETY: the token is open, and the pointer can be written to
        check(unsafe { CreateEnvironmentBlock(&mut block, token.as_raw_handle(), 0) })?;
        Ok(Environment(block))
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // SAFETY: CreateEnvironmentBlock created it
        unsafe { DestroyEnvironmentBlock(self.0) };
    }
}

/// Encloses a path in quotes, which it can't contain itself.
fn quoted(path: &OsStr) -> Vec<u16> {
    let quote = u16::from(b'"');
    [quote].into_iter().chain(path.encode_wide()).chain([quote]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_leaves_a_job_that_would_kill_it_and_lets_it_go() {
        const KILL: u32 = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        const LEAVE: u32 = JOB_OBJECT_LIMIT_BREAKAWAY_OK;
        for (limits, expected) in [
            (None, 0),
            (Some(0), 0),
            (Some(KILL), 0),
            (Some(LEAVE), 0),
            (Some(KILL | LEAVE | 1), CREATE_BREAKAWAY_FROM_JOB),
        ] {
            assert_eq!(flags_to_leave(limits), expected, "{limits:?}");
        }
    }

    #[test]
    fn a_program_can_be_started_at_the_desktop_of_a_user() {
        // Wine has no shell if its desktop isn't shown, and no session of services
        let desktop = Rights::of_desktop().unwrap();
        assert!(desktop.is_some() || super::super::own_session() != Some(0), "{desktop:?}");
    }
}

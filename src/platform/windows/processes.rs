//! Processes on Windows: their windows, waiting for their end, starting a program again as it ran.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_TIMEOUT, HANDLE, HWND, LPARAM, TRUE, WAIT_FAILED, WPARAM};
use windows_sys::Win32::Security::{
    DuplicateTokenEx, SecurityImpersonation, TOKEN_ALL_ACCESS, TOKEN_DUPLICATE, TOKEN_QUERY, TokenPrimary,
};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::System::Environment::{CreateEnvironmentBlock, DestroyEnvironmentBlock};
use windows_sys::Win32::System::Threading::{
    CREATE_UNICODE_ENVIRONMENT, CreateProcessW, CreateProcessWithTokenW, OpenProcess, PROCESS_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, STARTUPINFOW, WaitForMultipleObjects,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GW_OWNER, GetClassNameW, GetShellWindow, GetWindow, GetWindowThreadProcessId,
    IsWindowVisible, PostMessageW, SMTO_ABORTIFHUNG, SendMessageTimeoutW, WM_CLOSE, WM_COPYDATA,
};

use super::installs::{app_data_of, install_facts_of};
use super::security::{Token, privileges};
use super::text::wide;
use crate::platform::paths::WindowsPaths;
use crate::platform::processes::ProcessPlace;

/// The windows of other programs can be found and asked.
pub const CAN_REACH_WINDOWS: bool = true;

/// Every program is one for Windows.
pub fn may_be_windows_program(_exe: Option<&Path>, _first_argument: Option<&str>) -> bool {
    true
}

/// The Windows session that a process runs in.
pub fn session_of(process: &sysinfo::Process) -> Option<u32> {
    process.session_id().map(sysinfo::Pid::as_u32)
}

/// A process: by the environment that it has, where that may be read; else by its user's registry.
pub fn place_of_process(
    key: &str,
    _pid: u32,
    exe: Option<&Path>,
    _first_argument: Option<&str>,
    user: Option<&sysinfo::Uid>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<ProcessPlace> {
    let exe_on_disk = exe?.to_path_buf();
    let sid = user.map(|user| user.to_string());
    let by_environment = variable("APPDATA").map(PathBuf::from);
    let by_registry = || sid.as_deref().and_then(app_data_of);
    Some(ProcessPlace {
        exe: exe_on_disk.to_str()?.to_string(),
        exe_on_disk,
        app_data: by_environment.or_else(by_registry).into_iter().collect(),
        facts: install_facts_of(key, sid.as_deref()),
        paths: WindowsPaths::Native,
    })
}

/// A top-level window that belongs to no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramWindow {
    /// The process that it belongs to.
    pub pid: u32,
    /// Whether it can be seen; MicroSIP's X only hides it.
    pub is_visible: bool,
    handle: isize,
}

/// Every top-level window of this class without an owner, on this desktop.
pub fn windows_of_class(class: &str) -> Vec<ProgramWindow> {
    let mut found: Vec<HWND> = Vec::new();
    // SAFETY: the callback gets the pointer to `found`, which outlives the call
    unsafe { EnumWindows(Some(collect), (&raw mut found) as LPARAM) };
    found.into_iter().filter_map(|window| program_window(window, class)).collect()
}

unsafe extern "system" fn collect(window: HWND, found: LPARAM) -> i32 {
    // SAFETY: `windows_of_class` gives the pointer to its list, and nobody else uses that meanwhile
    unsafe { &mut *(found as *mut Vec<HWND>) }.push(window);
    TRUE
}

fn program_window(window: HWND, class: &str) -> Option<ProgramWindow> {
    const LONGEST_CLASS: i32 = 256;
    let mut name = [0_u16; LONGEST_CLASS as usize + 1];
    let mut pid = 0;
    // SAFETY: a window that is gone by now is no fault, and `name` is as long as is said
    let (owner, length, is_visible) = unsafe {
        GetWindowThreadProcessId(window, &mut pid);
        let length = GetClassNameW(window, name.as_mut_ptr(), LONGEST_CLASS);
        (GetWindow(window, GW_OWNER), length, IsWindowVisible(window) != 0)
    };
    let name = String::from_utf16_lossy(&name[..usize::try_from(length).unwrap_or(0)]);
    let is_wanted = owner.is_null() && name.eq_ignore_ascii_case(class) && pid != 0;
    is_wanted.then_some(ProgramWindow { pid, is_visible, handle: window as isize })
}

impl ProgramWindow {
    /// Asks the program to close, without waiting for its answer.
    ///
    /// # Errors
    /// The window is gone, or belongs to a program with more rights.
    pub fn ask_to_close(&self) -> io::Result<()> {
        // SAFETY: a handle that is no window any more is refused by the function
        check(unsafe { PostMessageW(self.handle as HWND, WM_CLOSE, 0, 0) })
    }

    /// Sends a text by WM_COPYDATA: UTF-16 that ends with NUL. Gives what the program answers.
    ///
    /// # Errors
    /// It does not answer in time, is gone, or has more rights.
    pub fn send_text(&self, data: usize, text: &str, at_most: Duration) -> io::Result<usize> {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let bytes = u32::try_from(size_of_val(&text[..])).map_err(io::Error::other)?;
        let message = COPYDATASTRUCT { dwData: data, cbData: bytes, lpData: text.as_ptr().cast_mut().cast() };
        let limit = u32::try_from(at_most.as_millis()).unwrap_or(u32::MAX);
        let mut answer = 0;
        // SAFETY: the message and its text live until the function returns, and `answer` may be written to
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
        // some versions of Windows leave no error where the time ran out
        let is_late = matches!(error.raw_os_error().map(i32::cast_unsigned), Some(0 | ERROR_TIMEOUT));
        Err(if is_late { io::ErrorKind::TimedOut.into() } else { error })
    }
}

/// A process that can be waited for. Its number is not given to another while this is held.
#[derive(Debug)]
pub struct Watched(OwnedHandle);

impl Watched {
    /// A process by its number.
    ///
    /// # Errors
    /// It is gone, or may not be waited for.
    pub fn open(pid: u32) -> io::Result<Watched> {
        open(pid, PROCESS_SYNCHRONIZE).map(Watched)
    }
}

/// Waits until one of them ends. Gives whether one did.
pub fn wait_for_one(watched: &[&Watched], at_most: Duration) -> bool {
    const MOST_HANDLES: usize = 64;
    let handles: Vec<HANDLE> =
        watched.iter().take(MOST_HANDLES).map(|watched| watched.0.as_raw_handle()).collect();
    let count = u32::try_from(handles.len()).unwrap_or(0);
    let limit = u32::try_from(at_most.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: the handles are open, and there are as many as is said
    let answer = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, limit) };
    answer != WAIT_FAILED && answer < count
}

/// The rights that a running program has, to start it again with the same.
#[derive(Debug)]
pub struct Rights {
    token: Token,
}

impl Rights {
    /// Those of a process.
    ///
    /// # Errors
    /// This user may not ask.
    pub fn of(pid: u32) -> io::Result<Rights> {
        let process = open(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
        Token::of(process.as_raw_handle(), TOKEN_QUERY | TOKEN_DUPLICATE).map(|token| Rights { token })
    }

    /// Those of this user's desktop, if there is one: without an administrator's rights.
    pub fn of_desktop() -> Option<Rights> {
        let mut pid = 0;
        // SAFETY: a desktop without a shell gives no window, and then no process either
        unsafe { GetWindowThreadProcessId(GetShellWindow(), &mut pid) };
        Rights::of(pid).ok().filter(|_| pid != 0)
    }
}

/// Starts a program, with nothing of ours but the environment. Gives its number.
///
/// # Errors
/// It is not there, or may not be started with these rights.
pub fn start(exe: &Path, argument: Option<&str>, rights: Option<&Rights>) -> io::Result<u32> {
    let mut line: Vec<u16> = quoted(exe.as_os_str());
    line.extend(argument.iter().flat_map(|argument| [0x20].into_iter().chain(argument.encode_utf16())));
    line.push(0);
    let other_rights = match rights {
        Some(rights) if rights.token.is_elevated() != Some(privileges().is_elevated) => Some(rights),
        _ => None,
    };
    match other_rights {
        Some(rights) => start_with_token(exe, &mut line, &rights.token),
        None => start_with_own_rights(exe, &mut line),
    }
}

fn start_with_own_rights(exe: &Path, line: &mut [u16]) -> io::Result<u32> {
    let startup = startup_info();
    let mut made = PROCESS_INFORMATION::default();
    let (file, folder) = (wide(exe), wide(exe.parent().unwrap_or(exe)));
    // no handles are inherited: whoever reads our output would wait for the end of the program otherwise
    // SAFETY: all texts end with NUL, and both structures are as the function wants them
    check(unsafe {
        CreateProcessW(
            file.as_ptr(),
            line.as_mut_ptr(),
            ptr::null(),
            ptr::null(),
            0,
            0,
            ptr::null(),
            folder.as_ptr(),
            &startup,
            &mut made,
        )
    })?;
    Ok(number_of(made))
}

fn start_with_token(exe: &Path, line: &mut [u16], token: &Token) -> io::Result<u32> {
    let mut primary: HANDLE = ptr::null_mut();
    // SAFETY: the token is open, and the new one may be written to
    check(unsafe {
        DuplicateTokenEx(
            token.handle(),
            TOKEN_ALL_ACCESS,
            ptr::null(),
            SecurityImpersonation,
            TokenPrimary,
            &mut primary,
        )
    })?;
    // SAFETY: it was just made and is nobody else's
    let primary = unsafe { OwnedHandle::from_raw_handle(primary) };
    let environment = Environment::of(&primary)?;
    let startup = startup_info();
    let mut made = PROCESS_INFORMATION::default();
    let (file, folder) = (wide(exe), wide(exe.parent().unwrap_or(exe)));
    // SAFETY: all texts end with NUL, the token and the environment live until the end of this function
    check(unsafe {
        CreateProcessWithTokenW(
            primary.as_raw_handle(),
            0,
            file.as_ptr(),
            line.as_mut_ptr(),
            CREATE_UNICODE_ENVIRONMENT,
            environment.0,
            folder.as_ptr(),
            &startup,
            &mut made,
        )
    })?;
    Ok(number_of(made))
}

/// The environment variables of a user.
struct Environment(*mut core::ffi::c_void);

impl Environment {
    fn of(token: &OwnedHandle) -> io::Result<Environment> {
        let mut block = ptr::null_mut();
        // SAFETY: the token is open, and the pointer may be written to
        check(unsafe { CreateEnvironmentBlock(&mut block, token.as_raw_handle(), 0) })?;
        Ok(Environment(block))
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // SAFETY: CreateEnvironmentBlock made it
        unsafe { DestroyEnvironmentBlock(self.0) };
    }
}

fn startup_info() -> STARTUPINFOW {
    STARTUPINFOW { cb: size_in_bytes::<STARTUPINFOW>(), ..Default::default() }
}

/// The number of a process that was just made; its handles are closed.
fn number_of(made: PROCESS_INFORMATION) -> u32 {
    for handle in [made.hProcess, made.hThread] {
        // SAFETY: the function that made them says that they are ours to close
        drop(unsafe { OwnedHandle::from_raw_handle(handle) });
    }
    made.dwProcessId
}

fn open(pid: u32, access: u32) -> io::Result<OwnedHandle> {
    // SAFETY: takes numbers only
    let handle = unsafe { OpenProcess(access, 0, pid) };
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just made and is nobody else's
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

pub(super) fn check(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The size of a structure, as Win32 wants it.
#[expect(clippy::cast_possible_truncation, reason = "structures of Win32 are small")]
pub(super) const fn size_in_bytes<T>() -> u32 {
    size_of::<T>() as u32
}

/// A path cannot hold quotes.
fn quoted(path: &OsStr) -> Vec<u16> {
    let quote = u16::from(b'"');
    [quote].into_iter().chain(path.encode_wide()).chain([quote]).collect()
}

//! Runs the program of a hook as MicroSIP does, or with its output recorded.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::{Command, Stdio};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS, WAIT_FAILED, WAIT_TIMEOUT};
use windows_sys::Win32::System::Com::{
    COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{
    CREATE_NO_WINDOW, CREATE_SUSPENDED, GetExitCodeProcess, WaitForSingleObject,
};
use windows_sys::Win32::UI::Shell::{
    SEE_MASK_FLAG_NO_UI, SEE_MASK_NOASYNC, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW, ShellExecuteExW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{SW_HIDE, SW_SHOWNORMAL};

use super::win32::{check, checked_status, size_in_bytes};
use crate::platform::paths::WindowsPaths;
use crate::platform::run::{ProgramStart, Recording, ShellCommand};

/// Runs the programs of hooks.
#[derive(Debug)]
pub struct Runner;

impl Runner {
    /// Whether [`Runner::open_hidden`] starts a program exactly as MicroSIP does.
    pub const STARTS_LIKE_MICROSIP: bool = true;

    /// Returns a runner; on Windows nothing else is needed.
    ///
    /// # Errors
    /// None.
    pub fn new(_paths: &WindowsPaths, _search_path: Option<&OsStr>) -> io::Result<Runner> {
        Ok(Runner)
    }

    /// Opens the file with the shell, hidden and without an error box, as MicroSIP does (lib/MSIP.cpp, `RunCmd`).
    ///
    /// # Errors
    /// The shell can't open it.
    pub fn open_hidden(&self, command: &ShellCommand) -> io::Result<Started> {
        let _com = Com::initialize();
        let [file, parameters] = [&command.file, &command.parameters].map(|text| [&text[..], &[0]].concat());
        let mut info = SHELLEXECUTEINFOW {
            cbSize: size_in_bytes::<SHELLEXECUTEINFOW>(),
            // without NOASYNC, a thread without a message loop may exit before the shell is done
            fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_FLAG_NO_UI | SEE_MASK_NOASYNC,
            lpFile: file.as_ptr(),
            lpParameters: parameters.as_ptr(),
            nShow: SW_HIDE,
            ..Default::default()
        };
        // SAFETY: the structure contains its size, and both texts end with NUL and outlive the call
        check(unsafe { ShellExecuteExW(&mut info) })?;
        // SAFETY: with SEE_MASK_NOCLOSEPROCESS the caller closes the handle
        let process =
            (!info.hProcess.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(info.hProcess) });
        Ok(Started { process })
    }

    /// Starts the file as a process with the same command line, and records its output. The shell may replace each `/`
    /// in the file, which the program sees as its own name; here it stays.
    ///
    /// # Errors
    /// It doesn't exist, or isn't a program.
    pub fn record(&self, command: &ShellCommand, recording: &Recording) -> io::Result<Started> {
        let [output, errors] = recording.files()?;
        let mut process = Command::new(OsString::from_wide(&command.file));
        process.stdin(Stdio::null()).stdout(output).stderr(errors).creation_flags(CREATE_NO_WINDOW);
        if !command.parameters.is_empty() {
            process.raw_arg(OsString::from_wide(&command.parameters));
        }
        Ok(Started { process: Some(process.spawn()?.into()) })
    }
}

/// Opens a web page in the user's browser.
///
/// # Errors
/// It isn't a web page, or no browser was found.
pub fn open_page(url: &str) -> io::Result<()> {
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) || url.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it isn't a web page"));
    }
    let _com = Com::initialize();
    let url: Vec<u16> = url.encode_utf16().chain([0]).collect();
    let mut info = SHELLEXECUTEINFOW {
        cbSize: size_in_bytes::<SHELLEXECUTEINFOW>(),
        fMask: SEE_MASK_FLAG_NO_UI | SEE_MASK_NOASYNC,
        lpFile: url.as_ptr(),
        nShow: SW_SHOWNORMAL,
        ..Default::default()
    };
    // SAFETY: the structure contains its size, and the text ends with NUL and outlives the call
    check(unsafe { ShellExecuteExW(&mut info) })
}

/// Starts a program without a console window.
///
/// # Errors
/// It doesn't exist, or isn't a program.
pub fn start_program(start: &ProgramStart<'_>) -> io::Result<RunningProgram> {
    let mut command = start.command();
    if !start.is_limited {
        let child = command.creation_flags(CREATE_NO_WINDOW).spawn()?;
        return Ok(RunningProgram { started: Started { process: Some(child.into()) }, job: None });
    }
    let job = new_job()?;
    // it must not start another program before it is in the job
    let mut child = command.creation_flags(CREATE_NO_WINDOW | CREATE_SUSPENDED).spawn()?;
    // SAFETY: both handles are open
    let added = check(unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) });
    // SAFETY: the handle is open
    let resumed = added.and_then(|()| checked_status(unsafe { NtResumeProcess(child.as_raw_handle()) }));
    if let Err(error) = resumed {
        let _ = child.kill();
        return Err(error);
    }
    Ok(RunningProgram { started: Started { process: Some(child.into()) }, job: Some(job) })
}

fn new_job() -> io::Result<OwnedHandle> {
    // SAFETY: both arguments may be null
    let job = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
    check(i32::from(!job.is_null()))?;
    // SAFETY: the handle was just created, and nobody else closes it
    Ok(unsafe { OwnedHandle::from_raw_handle(job) })
}

// windows-sys doesn't have it; it continues all threads of a process
#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtResumeProcess(process: HANDLE) -> NTSTATUS;
}

/// A program that was started without a shell.
#[derive(Debug)]
pub struct RunningProgram {
    started: Started,
    job: Option<OwnedHandle>,
}

impl RunningProgram {
    /// Waits until it exits and returns its exit status, or `None` if it is still running.
    ///
    /// # Errors
    /// The process can't be waited for.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<Option<u32>> {
        self.started.wait(at_most)
    }

    /// Ends it and the programs that it started.
    ///
    /// # Errors
    /// They can't be ended, or it was started without a limit.
    pub fn end(&mut self) -> io::Result<()> {
        const STATUS: u32 = 1;
        let job = self.job.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        // SAFETY: the handle is open
        check(unsafe { TerminateJobObject(job.as_raw_handle(), STATUS) })
    }

    /// Lets it run.
    pub fn leave(self) {}
}

/// A program that was started.
#[derive(Debug)]
pub struct Started {
    process: Option<OwnedHandle>,
}

impl Started {
    /// Returns whether there is a process to wait for. The shell may also pass a file to a program that is already
    /// running.
    pub fn has_process(&self) -> bool {
        self.process.is_some()
    }

    /// Waits until it exits and returns its exit status, or `None` if it is still running.
    ///
    /// # Errors
    /// There is no process, or it can't be waited for.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<Option<u32>> {
        let process = self.process.as_ref().ok_or(io::ErrorKind::Unsupported)?.as_raw_handle();
        let limit = u32::try_from(at_most.as_millis()).unwrap_or(u32::MAX - 1);
        // SAFETY: the handle is open
        match unsafe { WaitForSingleObject(process, limit) } {
            WAIT_TIMEOUT => return Ok(None),
            WAIT_FAILED => return Err(io::Error::last_os_error()),
            _ => {}
        }
        let mut status = 0;
        // SAFETY: the handle is open, and `status` can be written to
        check(unsafe { GetExitCodeProcess(process, &mut status) })?;
        Ok(Some(status))
    }
}

/// COM on this thread, which parts of the shell need.
struct Com {
    was_initialized: bool,
}

impl Com {
    fn initialize() -> Com {
        let how = (COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE).cast_unsigned();
        // SAFETY: the pointer is reserved and must be null; other threads aren't affected
        let result = unsafe { CoInitializeEx(ptr::null(), how) };
        Com { was_initialized: result >= 0 }
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        if self.was_initialized {
            // SAFETY: it was initialized on this thread, and this value never leaves its function
            unsafe { CoUninitialize() };
        }
    }
}

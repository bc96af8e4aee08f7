//! Runs the program of a hook as MicroSIP does, or so that what it prints can be read.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::{Command, Stdio};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{WAIT_FAILED, WAIT_TIMEOUT};
use windows_sys::Win32::System::Com::{
    COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoInitializeEx, CoUninitialize,
};
use windows_sys::Win32::System::Threading::{CREATE_NO_WINDOW, GetExitCodeProcess, WaitForSingleObject};
use windows_sys::Win32::UI::Shell::{
    SEE_MASK_FLAG_NO_UI, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW, ShellExecuteExW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::SW_HIDE;

use super::processes::{check, size_in_bytes};
use crate::platform::{Recording, ShellCommand, WindowsPaths};

/// Runs programs of hooks.
#[derive(Debug)]
pub struct Runner;

impl Runner {
    /// Whether [`Runner::open_hidden`] starts a program in the way in which MicroSIP does.
    pub const IS_LIKE_MICROSIP: bool = true;

    /// This is Windows.
    ///
    /// # Errors
    /// Never.
    pub fn of(_paths: &WindowsPaths, _search_path: Option<&OsStr>) -> io::Result<Runner> {
        Ok(Runner)
    }

    /// Has the shell open the file, hidden and without an error box, as MicroSIP does (lib/MSIP.cpp RunCmd).
    ///
    /// # Errors
    /// The shell cannot open it.
    pub fn open_hidden(&self, command: &ShellCommand) -> io::Result<Started> {
        let _com = Com::initialised();
        let [file, parameters] = [&command.file, &command.parameters].map(|text| [&text[..], &[0]].concat());
        let mut info = SHELLEXECUTEINFOW {
            cbSize: size_in_bytes::<SHELLEXECUTEINFOW>(),
            fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_FLAG_NO_UI,
            lpFile: file.as_ptr(),
            lpParameters: parameters.as_ptr(),
            nShow: SW_HIDE,
            ..Default::default()
        };
        // SAFETY: the structure has its size in it, and both texts end with NUL and live until after the call
        check(unsafe { ShellExecuteExW(&mut info) })?;
        // SAFETY: by SEE_MASK_NOCLOSEPROCESS the handle is ours to close
        let process =
            (!info.hProcess.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(info.hProcess) });
        Ok(Started { process })
    }

    /// Makes a process of the file with the same command line, which prints into the recording.
    ///
    /// # Errors
    /// It is not there, or no program.
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

/// A program that was started.
#[derive(Debug)]
pub struct Started {
    process: Option<OwnedHandle>,
}

impl Started {
    /// Whether there is a process whose end can be waited for: the shell may also give a file to a program that runs
    /// already.
    pub fn has_process(&self) -> bool {
        self.process.is_some()
    }

    /// Waits for its end, and gives its exit status; `None` if it runs on.
    ///
    /// # Errors
    /// There is no process, or it may not be waited for.
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
        // SAFETY: the handle is open, and `status` may be written to
        check(unsafe { GetExitCodeProcess(process, &mut status) })?;
        Ok(Some(status))
    }
}

/// COM on this thread, which parts of the shell want.
struct Com {
    is_ours: bool,
}

impl Com {
    fn initialised() -> Com {
        let how = (COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE).cast_unsigned();
        // SAFETY: takes nothing but a reserved null pointer; another thread's COM is not touched
        let answer = unsafe { CoInitializeEx(ptr::null(), how) };
        Com { is_ours: answer >= 0 }
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        if self.is_ours {
            // SAFETY: it was initialised on this thread, which the type cannot leave: it is a local of one function
            unsafe { CoUninitialize() };
        }
    }
}

//! What is known about one process: its exe, its user, its arguments.

use std::ffi::c_void;
use std::io;
use std::mem::offset_of;
use std::os::windows::io::{AsRawHandle, HandleOrNull, OwnedHandle};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use windows_sys::Wdk::System::Threading::{
    NtQueryInformationProcess, PROCESSINFOCLASS, ProcessBasicInformation,
};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, FILETIME, LocalFree, STILL_ACTIVE, UNICODE_STRING,
};
use windows_sys::Win32::Security::{SE_DEBUG_NAME, TOKEN_ADJUST_PRIVILEGES, TOKEN_QUERY};
use windows_sys::Win32::Storage::FileSystem::{GetLogicalDrives, QueryDosDeviceW};
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, GetProcessTimes, OpenProcess, PEB, PROCESS_BASIC_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_VM_READ, QueryFullProcessImageNameW,
    RTL_USER_PROCESS_PARAMETERS,
};
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

use super::installs::{app_data_of, install_facts_of};
use super::programs::nt_exe_of;
use super::security::{Token, account_name, privileges};
use super::win32::{check, checked_status, query_growing, size_in_bytes, text_at, text_of_string};
use crate::platform::access::Sid;
use crate::platform::paths::WindowsPaths;
use crate::platform::processes::{Identity, ListedProcess, ProcessDetails, ProcessPlace, UserId};

/// ProcessCommandLineInformation of NtQueryInformationProcess, since Windows 8.1. Wine 10 doesn't have it.
const PROCESS_COMMAND_LINE_INFORMATION: PROCESSINFOCLASS = 60;

/// Returns what is known about a process; `None` if it has exited.
pub fn inspect_process(listed: &ListedProcess, key: &str) -> Option<ProcessDetails> {
    let process = match open(listed.pid, PROCESS_QUERY_LIMITED_INFORMATION) {
        Ok(process) => process,
        Err(error) if has_code(&error, ERROR_INVALID_PARAMETER) => return None,
        Err(error) => {
            return Some(ProcessDetails {
                process: listed.clone(),
                is_refused: has_code(&error, ERROR_ACCESS_DENIED),
                place: nt_exe_of(listed.pid).as_deref().and_then(dos_path).map(place_of_unknown_user),
                ..ProcessDetails::default()
            });
        }
    };
    if has_exited(&process) {
        return None;
    }
    let user = Token::of(process.as_raw_handle(), TOKEN_QUERY).ok().and_then(|token| token.user());
    let parameters = ProcessParameters::of(listed.pid);
    let is_refused = matches!(&parameters, Err(error) if has_code(error, ERROR_ACCESS_DENIED));
    let parameters = parameters.ok();
    let in_memory = || parameters.as_ref().and_then(|parameters| parameters.command_line().ok());
    let line = command_line(&process).ok().or_else(in_memory).filter(|line| !line.is_empty());
    let started = start_of(&process).unwrap_or(listed.started);
    Some(ProcessDetails {
        process: ListedProcess { started, ..listed.clone() },
        is_refused,
        arguments: line.and_then(|line| split_command_line(&line)),
        place: exe_of(&process).map(|exe| place_of(exe, user.as_ref(), key, parameters.as_ref())),
        user: user.map(|sid| UserId(sid.0)),
    })
}

/// Locates a process. Its user's folder comes from its environment if this user may read that, or else from the
/// registry.
fn place_of(
    exe_on_disk: String,
    user: Option<&Sid>,
    key: &str,
    parameters: Option<&ProcessParameters>,
) -> ProcessPlace {
    let sid = user.map(|user| user.0.as_str());
    let by_environment = parameters.and_then(|parameters| parameters.variable("APPDATA"));
    let by_registry = || sid.and_then(app_data_of);
    ProcessPlace {
        exe: parameters.and_then(ProcessParameters::exe).unwrap_or_else(|| exe_on_disk.clone()),
        exe_on_disk: exe_on_disk.into(),
        app_data: by_environment.map(PathBuf::from).or_else(by_registry).into_iter().collect(),
        facts: sid.map(|sid| install_facts_of(key, Some(sid))),
        paths: WindowsPaths::Native,
    }
}

/// Returns the time at which a process started, in the unit of the system; `None` if it isn't known.
pub fn process_start(started: u64) -> Option<SystemTime> {
    /// From 1601 to 1970, in 100 ns.
    const TO_1970: u64 = 116_444_736_000_000_000;
    let nanoseconds = started.checked_sub(TO_1970)?.checked_mul(100)?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds))
}

/// Returns whether a process that was found before is still running. One that can't be opened counts as running.
pub fn is_running(pid: u32, started: u64) -> bool {
    match open(pid, PROCESS_QUERY_LIMITED_INFORMATION) {
        Ok(process) => !has_exited(&process) && start_of(&process).is_none_or(|start| start == started),
        Err(error) => has_code(&error, ERROR_ACCESS_DENIED),
    }
}

/// Returns the user and the rights of this program.
pub fn own_identity() -> Identity {
    let privileges = privileges();
    Identity { user: privileges.user.map(|sid| UserId(sid.0)), is_elevated: privileges.is_elevated }
}

/// Returns the Windows session of this program.
pub fn own_session() -> Option<u32> {
    let mut session = 0;
    // SAFETY: the number can be written to
    check(unsafe { ProcessIdToSessionId(std::process::id(), &mut session) }).ok().map(|()| session)
}

/// Returns the name of a user, with the domain. This can take seconds if no domain controller answers.
pub fn user_name(UserId(user): &UserId) -> Option<String> {
    account_name(&Sid(user.clone()))
}

/// Opens a process. An elevated program may open those of other users once it has enabled the debug privilege, because
/// a process grants access to its own user, but not to administrators.
pub(super) fn open(pid: u32, access: u32) -> io::Result<OwnedHandle> {
    static PRIVILEGE: OnceLock<bool> = OnceLock::new();
    let enable = || {
        let token = Token::of_this_process(TOKEN_ADJUST_PRIVILEGES).ok();
        let token = token.filter(|_| privileges().is_elevated);
        token.map(|token| token.enable(SE_DEBUG_NAME)).is_some()
    };
    match open_once(pid, access) {
        Err(error) if has_code(&error, ERROR_ACCESS_DENIED) && *PRIVILEGE.get_or_init(enable) => {
            open_once(pid, access)
        }
        opened => opened,
    }
}

fn open_once(pid: u32, access: u32) -> io::Result<OwnedHandle> {
    // SAFETY: it takes only numbers, and a new handle has no other owner
    let handle = unsafe { HandleOrNull::from_raw_handle(OpenProcess(access, 0, pid)) };
    OwnedHandle::try_from(handle).map_err(|_| io::Error::last_os_error())
}

fn has_code(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().map(i32::cast_unsigned) == Some(code)
}

fn has_exited(process: &OwnedHandle) -> bool {
    let mut status = 0;
    // SAFETY: the handle is open, and `status` can be written to
    let known = unsafe { GetExitCodeProcess(process.as_raw_handle(), &mut status) } != 0;
    known && status.cast_signed() != STILL_ACTIVE
}

/// Returns when a process started, in 100 ns since 1601.
fn start_of(process: &OwnedHandle) -> Option<u64> {
    let mut times = [FILETIME::default(); 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: the handle is open, and all four can be written to
    check(unsafe { GetProcessTimes(process.as_raw_handle(), created, exited, kernel, user) }).ok()?;
    Some(u64::from(times[0].dwHighDateTime) << 32 | u64::from(times[0].dwLowDateTime))
}

/// Returns the path of the exe.
fn exe_of(process: &OwnedHandle) -> Option<String> {
    // the limit of Windows
    let mut path = vec![0_u16; 32 * 1024];
    let mut length = u32::try_from(path.len()).ok()?;
    // SAFETY: the handle is open, and `path` has this length
    check(unsafe { QueryFullProcessImageNameW(process.as_raw_handle(), 0, path.as_mut_ptr(), &mut length) })
        .ok()?;
    String::from_utf16(path.get(..length as usize)?).ok().filter(|path| !path.is_empty())
}

/// Asks Windows for the command line of a process, for which no right to read its memory is needed.
fn command_line(process: &OwnedHandle) -> io::Result<String> {
    let answer = query_growing(|buffer, size, needed| {
        // SAFETY: the handle is open, `buffer` has this size, and `needed` can be written to
        unsafe {
            NtQueryInformationProcess(
                process.as_raw_handle(),
                PROCESS_COMMAND_LINE_INFORMATION,
                buffer,
                size,
                needed,
            )
        }
    })?;
    // SAFETY: Windows returned a structure, followed by the text that it points to
    Ok(unsafe { text_of_string(&*answer.as_ptr().cast::<UNICODE_STRING>()) })
}

/// The parameters with which a process was started, in its memory (RTL_USER_PROCESS_PARAMETERS). A 32-bit process has
/// 64-bit ones too, which a 64-bit program finds.
struct ProcessParameters {
    process: OwnedHandle,
    at: ParametersLayout,
}

/// The documented part of the structure, and the address of the environment, which follows.
#[repr(C)]
#[derive(Clone, Copy)]
struct ParametersLayout {
    documented: RTL_USER_PROCESS_PARAMETERS,
    environment: *const u16,
}

impl ProcessParameters {
    fn of(pid: u32) -> io::Result<ProcessParameters> {
        let process = open(pid, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ)?;
        let mut basic = PROCESS_BASIC_INFORMATION::default();
        // SAFETY: this is the structure for this information class
        checked_status(unsafe {
            NtQueryInformationProcess(
                process.as_raw_handle(),
                ProcessBasicInformation,
                (&raw mut basic).cast(),
                size_in_bytes::<PROCESS_BASIC_INFORMATION>(),
                std::ptr::null_mut(),
            )
        })?;
        let pointer = basic.PebBaseAddress.wrapping_byte_add(offset_of!(PEB, ProcessParameters));
        // SAFETY: both types consist of numbers and pointers
        let at = unsafe {
            let parameters: *const ParametersLayout = read_one(&process, pointer.cast())?;
            read_one(&process, parameters)?
        };
        Ok(ProcessParameters { process, at })
    }

    fn command_line(&self) -> io::Result<String> {
        self.text(&self.at.documented.CommandLine)
    }

    /// Returns the path of the exe as the process was started with it.
    fn exe(&self) -> Option<String> {
        let exe = self.text(&self.at.documented.ImagePathName).ok()?;
        std::path::Path::new(&exe).is_absolute().then_some(exe)
    }

    fn text(&self, string: &UNICODE_STRING) -> io::Result<String> {
        let length = usize::from(string.Length) / 2;
        // SAFETY: the type is a number
        let text = unsafe { read_memory(&self.process, string.Buffer.cast_const(), length) }?;
        Ok(String::from_utf16_lossy(&text))
    }

    /// Returns the value of an environment variable.
    fn variable(&self, name: &str) -> Option<String> {
        /// A page: memory is readable or not by pages.
        const CHUNK: usize = 4096;
        const LONGEST: usize = 1024 * 1024;
        let (mut block, mut address) = (Vec::new(), self.at.environment);
        // the block ends with an empty entry
        while block.len() < LONGEST && !block.windows(2).any(|units| units == [0, 0]) {
            let length = (CHUNK - address.addr() % CHUNK) / size_of::<u16>();
            // SAFETY: the type is a number
            block.extend(unsafe { read_memory(&self.process, address, length) }.ok()?);
            address = address.wrapping_add(length);
        }
        block.split(|&unit| unit == 0).take_while(|entry| !entry.is_empty()).find_map(|entry| {
            let entry = String::from_utf16(entry).ok()?;
            let (key, value) = entry.split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.to_string())
        })
    }
}

/// Reads a value from the memory of a process.
///
/// # Safety
/// Any bytes are a valid `T`.
unsafe fn read_one<T: Copy>(process: &OwnedHandle, address: *const T) -> io::Result<T> {
    // SAFETY: the caller's promise
    unsafe { read_memory(process, address, 1) }.map(|values| values[0])
}

/// Reads values from the memory of a process.
///
/// # Safety
/// Any bytes are a valid `T`.
unsafe fn read_memory<T: Copy>(process: &OwnedHandle, address: *const T, count: usize) -> io::Result<Vec<T>> {
    let mut values: Vec<T> = Vec::with_capacity(count);
    let (size, mut read) = (count * size_of::<T>(), 0);
    let to: *mut c_void = values.as_mut_ptr().cast();
    // SAFETY: `values` has room for this many bytes; the address is of another process, and Windows checks it
    check(unsafe { ReadProcessMemory(process.as_raw_handle(), address.cast(), to, size, &mut read) })?;
    if read != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // SAFETY: this many were read, and the caller promises that they are valid
    unsafe { values.set_len(count) };
    Ok(values)
}

/// Splits a command line into arguments as programs do.
fn split_command_line(line: &str) -> Option<Vec<String>> {
    let line: Vec<u16> = line.encode_utf16().chain([0]).collect();
    let mut count = 0;
    // SAFETY: the text ends with NUL, and the count can be written to
    let arguments = unsafe { CommandLineToArgvW(line.as_ptr(), &mut count) };
    if arguments.is_null() {
        return None;
    }
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the function returned this many texts that end with NUL
    let texts = unsafe { std::slice::from_raw_parts(arguments, count) };
    // SAFETY: as above
    let texts = texts.iter().map(|&text| unsafe { text_at(text) }.to_string_lossy().into_owned()).collect();
    // SAFETY: CommandLineToArgvW allocated it for this function to free
    unsafe { LocalFree(arguments.cast()) };
    Some(texts)
}

/// Locates a process of which only the exe is known.
fn place_of_unknown_user(exe: String) -> ProcessPlace {
    ProcessPlace {
        exe_on_disk: PathBuf::from(&exe),
        exe,
        app_data: Vec::new(),
        facts: None,
        paths: WindowsPaths::Native,
    }
}

/// Converts an NT path to a path with a drive letter or of a share, if it is on one.
fn dos_path(nt_path: &str) -> Option<String> {
    // SAFETY: it has no arguments
    let present = unsafe { GetLogicalDrives() };
    let letters = (b'A'..=b'Z').enumerate().filter(|(index, _)| present & (1 << index) != 0);
    let drives = letters.filter_map(|(_, letter)| {
        let drive = format!("{}:", char::from(letter));
        Some((device_of(&drive)?, drive))
    });
    dos_path_on(nt_path, &drives.collect::<Vec<_>>())
}

/// Returns the device of a drive, such as `\Device\HarddiskVolume3`.
fn device_of(drive: &str) -> Option<String> {
    let name: Vec<u16> = drive.encode_utf16().chain([0]).collect();
    let mut device = vec![0_u16; 1024];
    // SAFETY: the name ends with NUL, and `device` has this length
    let length =
        unsafe { QueryDosDeviceW(name.as_ptr(), device.as_mut_ptr(), u32::try_from(device.len()).ok()?) };
    // the first of a list of texts is the current one
    let device = device.get(..length as usize)?.split(|&unit| unit == 0).next()?;
    String::from_utf16(device).ok().filter(|device| !device.is_empty())
}

/// Converts an NT path with the devices of drives.
fn dos_path_on(nt_path: &str, drives: &[(String, String)]) -> Option<String> {
    let after = |start: &str| {
        let rest = nt_path.get(start.len()..)?;
        let is_start = nt_path.get(..start.len())?.eq_ignore_ascii_case(start);
        (is_start && rest.starts_with('\\')).then_some(rest)
    };
    let on_drive = drives.iter().find_map(|(device, drive)| Some(format!("{drive}{}", after(device)?)));
    on_drive.or_else(|| {
        // a redirector and the drive of the share may come first, both with a semicolon
        let share =
            after(r"\Device\Mup")?.split('\\').filter(|part| !part.is_empty() && !part.starts_with(';'));
        Some(format!(r"\\{}", share.collect::<Vec<_>>().join("\\")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_details_of_this_process_are_read() {
        let listed = ListedProcess { pid: std::process::id(), ..ListedProcess::default() };
        let details = inspect_process(&listed, r"Software\MicroSIP").unwrap();
        assert!(!details.is_refused);
        assert_eq!(details.arguments.unwrap(), std::env::args().collect::<Vec<_>>());
        assert_eq!(details.user, own_identity().user);
        let exe = std::env::current_exe().unwrap();
        assert!(same_file::is_same_file(details.place.unwrap().exe_on_disk, exe).unwrap());
        assert!(is_running(listed.pid, details.process.started));
        assert!(!is_running(listed.pid, details.process.started + 1));
        let age = process_start(details.process.started).unwrap().elapsed().unwrap();
        assert!(age < Duration::from_secs(24 * 60 * 60), "{age:?}");
    }

    #[test]
    fn the_command_line_in_memory_is_the_one_that_windows_returns() {
        let parameters = ProcessParameters::of(std::process::id()).unwrap();
        let line = parameters.command_line().unwrap();
        assert_eq!(split_command_line(&line).unwrap(), std::env::args().collect::<Vec<_>>());
        // Wine 10 doesn't answer this
        let process = open(std::process::id(), PROCESS_QUERY_LIMITED_INFORMATION).unwrap();
        if let Ok(returned) = command_line(&process) {
            assert_eq!(line, returned);
        }
        assert_eq!(parameters.variable("path"), std::env::var("PATH").ok());
        assert_eq!(parameters.variable("no such variable"), None);
    }

    #[test]
    fn a_process_that_has_exited_isnt_known() {
        // no process has an odd number
        let listed = ListedProcess { pid: 0x7FFF_FFF1, ..ListedProcess::default() };
        assert!(inspect_process(&listed, "").is_none());
        assert!(!is_running(listed.pid, 0));
    }

    #[test]
    fn nt_paths_are_converted_by_drive_and_share() {
        let drive = |device: &str, drive: &str| (device.to_string(), drive.to_string());
        let drives = [drive(r"\Device\HarddiskVolume3", "C:"), drive(r"\Device\HarddiskVolume30", "D:")];
        for (nt_path, expected) in [
            (r"\Device\HarddiskVolume3\MicroSIP\MicroSIP.exe", Some(r"C:\MicroSIP\MicroSIP.exe")),
            (r"\device\harddiskvolume30\x.exe", Some(r"D:\x.exe")),
            (r"\Device\HarddiskVolume4\x.exe", None),
            (r"\Device\Mup\server\share\x.exe", Some(r"\\server\share\x.exe")),
            (
                r"\Device\Mup\;LanmanRedirector\;Z:00000000000a1b2c\server\share\x.exe",
                Some(r"\\server\share\x.exe"),
            ),
            ("", None),
        ] {
            assert_eq!(dos_path_on(nt_path, &drives).as_deref(), expected, "{nt_path}");
        }
    }
}

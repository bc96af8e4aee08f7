//! Lists the running programs by name, without opening any of them.

use std::io;
use std::os::windows::io::{AsRawHandle, HandleOrInvalid, OwnedHandle};

use windows_sys::Win32::Foundation::ERROR_NO_MORE_FILES;
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};

use super::win32::{check, size_in_bytes};

/// Calls `visit` with the process number and the file name of every running program. Under Wine 8, a process
/// that is being started has an empty name for a moment.
///
/// sysinfo's own list isn't used, because it opens every process with the right to read its memory. Security
/// software stops programs that do this to lsass.exe.
///
/// # Errors
/// The processes can't be listed.
pub fn for_each_program(visit: &mut dyn FnMut(u32, &str)) -> io::Result<()> {
    // SAFETY: it takes only numbers, and a new handle has no other owner
    let snapshot =
        unsafe { HandleOrInvalid::from_raw_handle(CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)) };
    let snapshot = OwnedHandle::try_from(snapshot).map_err(|_| io::Error::last_os_error())?;
    let mut entry = PROCESSENTRY32W { dwSize: size_in_bytes::<PROCESSENTRY32W>(), ..Default::default() };
    // SAFETY: the snapshot is open, and `entry` says how large it is
    let mut found = check(unsafe { Process32FirstW(snapshot.as_raw_handle(), &mut entry) });
    while found.is_ok() {
        let name = entry.szExeFile.split(|&unit| unit == 0).next().unwrap_or_default();
        visit(entry.th32ProcessID, &String::from_utf16_lossy(name));
        // SAFETY: as above
        found = check(unsafe { Process32NextW(snapshot.as_raw_handle(), &mut entry) });
    }
    match found {
        Err(error) if error.raw_os_error().map(i32::cast_unsigned) != Some(ERROR_NO_MORE_FILES) => Err(error),
        _ => Ok(()),
    }
}

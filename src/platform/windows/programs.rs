//! Lists the running programs without opening any of them.

use std::ffi::c_void;
use std::io;

use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemProcessInformation};
use windows_sys::Win32::Foundation::UNICODE_STRING;
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_PROCESS_INFORMATION;

use super::win32::{checked_status, query_growing, text_of_string};
use crate::platform::processes::ListedProcess;

/// SystemProcessIdInformation of NtQuerySystemInformation, which isn't documented. It exists since Windows Vista.
const SYSTEM_PROCESS_ID_INFORMATION: i32 = 0x58;

/// Lists the running programs with NtQuerySystemInformation (SystemProcessInformation). Under Wine 8, a process that is
/// being started has an empty name for a moment.
///
/// sysinfo's list isn't used, because it opens every process with the right to read its memory. Security software
/// stops programs that do this to lsass.exe. A Toolhelp snapshot doesn't contain the session of a process, and
/// ProcessIdToSessionId opens the process.
///
/// # Errors
/// The processes can't be listed.
pub fn list_processes() -> io::Result<Vec<ListedProcess>> {
    let list = query_growing(|buffer, size, needed| {
        // SAFETY: `buffer` has this size, and `needed` can be written to
        unsafe { NtQuerySystemInformation(SystemProcessInformation, buffer, size, needed) }
    })?;
    let (mut found, mut offset) = (Vec::new(), 0);
    loop {
        // SAFETY: Windows returned a structure at this offset; Wine doesn't align them
        let process: SYSTEM_PROCESS_INFORMATION =
            unsafe { list.as_ptr().byte_add(offset).cast::<SYSTEM_PROCESS_INFORMATION>().read_unaligned() };
        let pid = u32::try_from(process.UniqueProcessId as usize).unwrap_or(0);
        // number 0 isn't a process, but the time in which the processors do nothing
        if pid != 0 {
            found.push(ListedProcess {
                pid,
                // SAFETY: the text is in the same buffer
                name: unsafe { text_of_string(&process.ImageName) },
                session: Some(process.SessionId),
                started: start_of(&process),
            });
        }
        if process.NextEntryOffset == 0 {
            return Ok(found);
        }
        offset += process.NextEntryOffset as usize;
    }
}

/// Returns the creation time, the last of the reserved fields before the name.
fn start_of(process: &SYSTEM_PROCESS_INFORMATION) -> u64 {
    const CREATE_TIME: usize = 24;
    let bytes = process.Reserved1[CREATE_TIME..][..8].try_into();
    bytes.map_or(0, u64::from_ne_bytes)
}

/// What is asked of SystemProcessIdInformation, and its answer.
#[repr(C)]
struct ProcessIdInformation {
    pid: usize,
    image_name: UNICODE_STRING,
}

/// Returns the exe of a process without opening it, as an NT path such as `\Device\HarddiskVolume3\MicroSIP.exe`.
pub(super) fn nt_exe_of(pid: u32) -> Option<String> {
    // the limit of a UNICODE_STRING
    const MAX_BYTES: u16 = 0xFFFE;
    let mut text = vec![0_u16; MAX_BYTES as usize / 2];
    let mut asked = ProcessIdInformation {
        pid: pid as usize,
        image_name: UNICODE_STRING { Length: 0, MaximumLength: MAX_BYTES, Buffer: text.as_mut_ptr() },
    };
    let size = u32::try_from(size_of::<ProcessIdInformation>()).ok()?;
    let asked_at: *mut c_void = (&raw mut asked).cast();
    // SAFETY: the structure has this size, and its buffer has the length that it names
    let status = unsafe {
        NtQuerySystemInformation(SYSTEM_PROCESS_ID_INFORMATION, asked_at, size, std::ptr::null_mut())
    };
    checked_status(status).ok()?;
    // without a name, the function clears the pointer
    if asked.image_name.Buffer.is_null() {
        return None;
    }
    let length = usize::from(asked.image_name.Length) / 2;
    Some(String::from_utf16_lossy(text.get(..length)?)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_listed_with_its_name() {
        let listed = list_processes().unwrap();
        let own = listed.iter().find(|process| process.pid == std::process::id()).unwrap();
        let exe = std::env::current_exe().unwrap();
        assert_eq!(own.name, exe.file_name().unwrap().to_str().unwrap());
        assert_ne!(own.started, 0);
        assert!(listed.iter().all(|process| process.pid != 0));
    }

    #[test]
    fn the_exe_of_a_process_is_found_without_opening_it() {
        // older versions of Wine don't know the question
        if let Some(exe) = nt_exe_of(std::process::id()) {
            let name = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_lowercase();
            assert!(exe.to_lowercase().ends_with(&name), "{exe}");
        }
        // no process has an odd number
        assert_eq!(nt_exe_of(0xFFFF_FFF1), None);
    }
}

//! Finds another copy that runs from the same exe.

#![allow(unsafe_code, reason = "the functions take pointers")]

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, HWND, LPARAM};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GW_OWNER, GetClassNameW, GetWindow, GetWindowThreadProcessId, PostMessageW, SendMessageW,
    WM_CLOSE, WM_COPYDATA,
};
use windows_sys::core::BOOL;

use crate::wide::{text_of, with_nul};
use crate::window::CLASS;

/// The window of another instance.
pub struct Instance {
    window: HWND,
}

/// Returns the running instance, if there is one.
pub fn running() -> Option<Instance> {
    // SAFETY: takes nothing and can't fail; the handle needn't be closed
    let own_exe = exe_of(unsafe { GetCurrentProcess() }).unwrap();
    let mut search = Search { exe: own_exe, found: None };
    // SAFETY: the search outlives the call, and only the callback uses the pointer
    unsafe { EnumWindows(Some(check_window), (&raw mut search) as LPARAM) };
    search.found.map(|window| Instance { window })
}

impl Instance {
    /// Asks the instance to exit.
    pub fn close(&self) {
        // SAFETY: takes no pointers except the window, which may be gone
        unsafe { PostMessageW(self.window, WM_CLOSE, 0, 0) };
    }

    /// Sends a text, and waits until the instance has handled it.
    pub fn pass(&self, text: &str) {
        let text = with_nul(text);
        let data = COPYDATASTRUCT {
            dwData: 1,
            cbData: u32::try_from(text.len() * 2).unwrap(),
            lpData: text.as_ptr().cast_mut().cast(),
        };
        // SAFETY: the data and the text it points to live until the call returns
        unsafe { SendMessageW(self.window, WM_COPYDATA, 0, (&raw const data) as LPARAM) };
    }
}

struct Search {
    exe: String,
    found: Option<HWND>,
}

/// Checks a window. Returns whether to continue with the next one.
unsafe extern "system" fn check_window(window: HWND, search: LPARAM) -> BOOL {
    // SAFETY: `running` passes this pointer, and waits
    let search = unsafe { &mut *(search as *mut Search) };
    if is_top_of_class(window) && exe_of_window(window).as_ref() == Some(&search.exe) {
        search.found = Some(window);
    }
    BOOL::from(search.found.is_none())
}

fn is_top_of_class(window: HWND) -> bool {
    let mut name = [0_u16; 64];
    // SAFETY: the buffer has the given length; if the window is gone, both functions return that
    let (length, owner) = unsafe {
        let length = GetClassNameW(window, name.as_mut_ptr(), i32::try_from(name.len()).unwrap());
        (length, GetWindow(window, GW_OWNER))
    };
    owner.is_null() && text_of(&name[..usize::try_from(length).unwrap()]) == CLASS
}

fn exe_of_window(window: HWND) -> Option<String> {
    let mut pid = 0;
    // SAFETY: the pointer is to a local; the handle is closed once
    unsafe {
        GetWindowThreadProcessId(window, &raw mut pid);
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if process.is_null() {
            return None;
        }
        let exe = exe_of(process);
        CloseHandle(process);
        exe
    }
}

/// Returns the path of an exe in lower case, for comparison.
fn exe_of(process: HANDLE) -> Option<String> {
    let mut path = vec![0_u16; 32_768];
    let mut length = u32::try_from(path.len()).unwrap();
    // SAFETY: the buffer has the given length
    let is_known = unsafe { QueryFullProcessImageNameW(process, 0, path.as_mut_ptr(), &raw mut length) } != 0;
    path.truncate(usize::try_from(length).unwrap());
    is_known.then(|| text_of(&path).to_lowercase())
}

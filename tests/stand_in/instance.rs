//! Another one that runs from the same exe.

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

/// The instance that runs, if one does.
pub fn running() -> Option<Instance> {
    // SAFETY: takes nothing and cannot fail; the handle needs no closing
    let own_exe = exe_of(unsafe { GetCurrentProcess() }).unwrap();
    let mut search = Search { exe: own_exe, found: None };
    // SAFETY: the search outlives the call, and only the callback uses the pointer
    unsafe { EnumWindows(Some(look_at), (&raw mut search) as LPARAM) };
    search.found.map(|window| Instance { window })
}

impl Instance {
    /// Asks it to exit.
    pub fn close(&self) {
        // SAFETY: takes no pointers but the window, which may be gone
        unsafe { PostMessageW(self.window, WM_CLOSE, 0, 0) };
    }

    /// Gives it a text to handle, and waits until it has.
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

/// Goes on with the next window until the one is found.
unsafe extern "system" fn look_at(window: HWND, search: LPARAM) -> BOOL {
    // SAFETY: `running` gave this pointer, and waits
    let search = unsafe { &mut *(search as *mut Search) };
    if is_top_of_class(window) && exe_of_window(window).as_ref() == Some(&search.exe) {
        search.found = Some(window);
    }
    BOOL::from(search.found.is_none())
}

fn is_top_of_class(window: HWND) -> bool {
    let mut name = [0_u16; 64];
    // SAFETY: the buffer is as long as is said; the window may be gone, which both functions say
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

/// In small letters, to be compared.
fn exe_of(process: HANDLE) -> Option<String> {
    let mut path = vec![0_u16; 32_768];
    let mut length = u32::try_from(path.len()).unwrap();
    // SAFETY: the buffer is as long as is said
    let is_told = unsafe { QueryFullProcessImageNameW(process, 0, path.as_mut_ptr(), &raw mut length) } != 0;
    path.truncate(usize::try_from(length).unwrap());
    is_told.then(|| text_of(&path).to_lowercase())
}

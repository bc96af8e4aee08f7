//! The window and its messages.

#![allow(unsafe_code, reason = "the functions take pointers")]
#![allow(
    clippy::missing_const_for_thread_local,
    reason = "clippy misses the const where threads' keys are Windows'"
)]

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, GetMessageW, IsWindowVisible,
    PostMessageW, PostQuitMessage, RegisterClassW, SC_CLOSE, SW_HIDE, SW_SHOW, SetTimer, ShowWindow, WM_APP,
    WM_CLOSE, WM_COPYDATA, WM_DESTROY, WM_SYSCOMMAND, WM_TIMER, WNDCLASSW, WS_OVERLAPPEDWINDOW,
};

use crate::commands::When;
use crate::phone::Phone;
use crate::wide::{text_of, to_nul, with_nul};

/// The class of MicroSIP's window, by which other programs find it.
pub const CLASS: &str = "MicroSIP";

/// The message that a text is in the queue.
const QUEUED: u32 = WM_APP + 1;

/// The dwData of a text that is handled before the sender continues.
const AT_ONCE: usize = 1;

/// The dwData of a text that is queued. Versions before 3.20.5 don't know it.
const LATER: usize = 2;

thread_local! {
    static PHONE: OnceCell<Rc<Phone>> = const { OnceCell::new() };
}

fn phone() -> Rc<Phone> {
    PHONE.with(|phone| Rc::clone(phone.get().unwrap()))
}

/// Creates the window, hidden.
pub fn create(phone: Rc<Phone>) -> HWND {
    phone.hold_ini();
    assert!(PHONE.with(|own| own.set(phone)).is_ok(), "a second window");
    let class = with_nul(CLASS);
    // SAFETY: the names end with NUL and outlive the calls, and the procedure has the right signature
    let window = unsafe {
        let module = GetModuleHandleW(std::ptr::null());
        let description = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: module,
            lpszClassName: class.as_ptr(),
            ..Default::default()
        };
        assert_ne!(RegisterClassW(&raw const description), 0, "no window class");
        let (none, no_menu) = (std::ptr::null_mut(), std::ptr::null_mut());
        let (name, style) = (class.as_ptr(), WS_OVERLAPPEDWINDOW);
        CreateWindowExW(0, name, name, style, 0, 0, 300, 400, none, no_menu, module, std::ptr::null())
    };
    assert!(!window.is_null(), "no window: {}", std::io::Error::last_os_error());
    window
}

/// Shows or hides the window.
pub fn show(window: HWND, is_shown: bool) {
    // SAFETY: takes no pointers except the window, which belongs to this thread
    unsafe {
        if (IsWindowVisible(window) != 0) != is_shown {
            ShowWindow(window, if is_shown { SW_SHOW } else { SW_HIDE });
            phone().log.say(if is_shown { "window visible" } else { "window hidden" });
        }
    }
}

/// Schedules the exit, if a test wants one.
pub fn exit_later(window: HWND) {
    if let Some(after) = milliseconds("STAND_IN_EXIT_AFTER_MS") {
        // SAFETY: there is no callback
        unsafe { SetTimer(window, 1, after, None) };
    }
}

fn milliseconds(variable: &str) -> Option<u32> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Handles messages until the window is gone.
pub fn handle_messages() {
    let mut message = Default::default();
    // SAFETY: the message is a local
    unsafe {
        while GetMessageW(&raw mut message, std::ptr::null_mut(), 0, 0) > 0 {
            DispatchMessageW(&raw const message);
        }
    }
}

unsafe extern "system" fn procedure(window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM) -> LRESULT {
    // the lowest bits of a system command are reserved
    let is_title_bars_x = message == WM_SYSCOMMAND && wparam & 0xFFF0 == SC_CLOSE as usize;
    match message {
        WM_COPYDATA => {
            // SAFETY: Windows keeps a copy of the sender's data in this process until this returns
            let (how, text) = unsafe { copied(lparam) };
            on_copy_data(window, how, text);
        }
        QUEUED => on_queued(window),
        WM_SYSCOMMAND if is_title_bars_x => show(window, false),
        WM_CLOSE => {
            phone().log.say("close");
            if std::env::var_os("STAND_IN_NEVER_EXITS").is_none() {
                destroy(window);
            }
        }
        WM_TIMER => destroy(window),
        WM_DESTROY => on_destroy(),
        // SAFETY: passes the arguments on
        _ => return unsafe { DefWindowProcW(window, message, wparam, lparam) },
    }
    0
}

/// Returns the dwData and the text of a WM_COPYDATA message. The text ends at its NUL, or at the end of the buffer.
///
/// # Safety
/// `data` must point to a COPYDATASTRUCT.
unsafe fn copied(data: LPARAM) -> (usize, String) {
    // SAFETY: the caller guarantees the structure, whose buffer has the given length and may be null if it is empty
    unsafe {
        let data = &*(data as *const COPYDATASTRUCT);
        let bytes: &[u8] = if data.lpData.is_null() {
            &[]
        } else {
            std::slice::from_raw_parts(data.lpData.cast(), data.cbData as usize)
        };
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        (data.dwData, text_of(to_nul(&units)))
    }
}

fn on_copy_data(window: HWND, how: usize, text: String) {
    let phone = phone();
    phone.log.say(&format!("copydata {how} {text}"));
    match how {
        AT_ONCE => {
            phone.handle(window, &text, When::Running);
            while std::env::var_os("STAND_IN_BLOCKS").is_some() {
                std::thread::park();
            }
        }
        LATER if phone.handles_queued(&text) => {
            phone.queue.borrow_mut().push_back(text);
            // SAFETY: takes no pointers except the window, which belongs to this thread
            unsafe { PostMessageW(window, QUEUED, 0, 0) };
        }
        _ => {}
    }
}

fn on_queued(window: HWND) {
    let phone = phone();
    // not in one expression: the queue must not be borrowed while the text is handled
    let text = phone.queue.borrow_mut().pop_front();
    if let Some(text) = text {
        phone.handle(window, &text, When::Running);
    }
}

fn destroy(window: HWND) {
    // SAFETY: takes no pointers except the window, which belongs to this thread
    unsafe { DestroyWindow(window) };
}

fn on_destroy() {
    if let Some(time) = milliseconds("STAND_IN_SLOW_EXIT_MS") {
        std::thread::sleep(Duration::from_millis(time.into()));
    }
    phone().save();
    // SAFETY: takes no pointers
    unsafe { PostQuitMessage(0) };
}

//! Small windows that show a message in a corner of the screen, above others and without taking the focus.

use std::io;
use std::ptr;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use windows_sys::Win32::Foundation::{ERROR_CLASS_ALREADY_EXISTS, HWND, LPARAM, LRESULT, RECT, WPARAM};
use windows_sys::Win32::Graphics::Gdi::{
    BeginPaint, COLOR_WINDOW, CreateFontIndirectW, DRAW_TEXT_FORMAT, DT_END_ELLIPSIS, DT_NOPREFIX,
    DT_SINGLELINE, DT_WORDBREAK, DeleteObject, DrawTextW, EndPaint, FW_BOLD, HBRUSH, HDC, LOGFONTW,
    PAINTSTRUCT, SelectObject, SetBkMode, TRANSPARENT,
};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CREATESTRUCTW, CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, GWLP_USERDATA,
    GetClientRect, GetMessageW, GetWindowLongPtrW, HCURSOR, IDC_ARROW, IDC_HAND, LoadCursorW, MA_NOACTIVATE,
    MSG, NONCLIENTMETRICSW, PostMessageW, PostQuitMessage, RegisterClassW, SPI_GETNONCLIENTMETRICS,
    SPI_GETWORKAREA, SW_SHOWNOACTIVATE, SetTimer, SetWindowLongPtrW, ShowWindow, SystemParametersInfoW,
    WM_CLOSE, WM_DESTROY, WM_LBUTTONUP, WM_MOUSEACTIVATE, WM_NCCREATE, WM_PAINT, WM_RBUTTONUP, WM_SETCURSOR,
    WM_TIMER, WNDCLASSW, WS_BORDER, WS_EX_NOACTIVATE, WS_EX_TOOLWINDOW, WS_EX_TOPMOST, WS_POPUP,
};

use super::run::open_page;
use super::win32::{check, size_in_bytes};
use crate::platform::message::Message;

/// How many windows are shown at the same time.
pub(super) const MAX_SHOWN: usize = 3;
/// In pixels.
const WIDTH: i32 = 340;
const HEIGHT: i32 = 96;
const MARGIN: i32 = 12;
const TITLE_HEIGHT: i32 = 26;
/// How long a window stays, in milliseconds.
const STAYS_MS: u32 = 10_000;

/// The windows that are shown.
#[derive(Debug, Default)]
pub(super) struct MessageWindows {
    open: Arc<Mutex<Vec<OpenWindow>>>,
}

/// A window, the oldest first in a list.
#[derive(Clone, Copy, Debug)]
struct OpenWindow {
    /// A handle is a pointer, but one that every thread may use.
    handle: isize,
    /// Its place above the corner.
    place: usize,
}

/// What a window shows.
struct Content {
    title: Vec<u16>,
    text: Vec<u16>,
    link: Option<String>,
}

impl MessageWindows {
    /// Shows a message in a window, and closes the oldest window if there are too many.
    pub(super) fn show(&self, message: &Message<'_>) -> io::Result<()> {
        let wide = |text: &str| text.encode_utf16().filter(|unit| *unit != 0).collect();
        let content = Box::new(Content {
            title: wide(message.title),
            text: wide(message.text),
            link: message.link.map(str::to_string),
        });
        let place = self.free_place();
        let (report, shown) = mpsc::sync_channel(1);
        let open = Arc::clone(&self.open);
        // a window belongs to the thread that creates it
        std::thread::Builder::new().spawn(move || run(&content, place, &open, &report))?;
        shown.recv().unwrap_or_else(|_| Err(io::Error::other("the window closed at once")))
    }

    pub(super) fn are_shown(&self) -> bool {
        !self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Returns a place for a new window; if all are taken, that of the oldest one.
    fn free_place(&self) -> usize {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let free = (0..MAX_SHOWN).find(|place| open.iter().all(|window| window.place != *place));
        free.unwrap_or_else(|| {
            let oldest = open.remove(0);
            // SAFETY: the message has no pointers; if the window has closed in between, nothing happens
            unsafe { PostMessageW(oldest.handle as HWND, WM_CLOSE, 0, 0) };
            oldest.place
        })
    }
}

/// Shows a window until it closes.
fn run(content: &Content, place: usize, open: &Mutex<Vec<OpenWindow>>, report: &SyncSender<io::Result<()>>) {
    let handle = match create(content, place) {
        Ok(window) => window as isize,
        Err(error) => {
            let _ = report.send(Err(error));
            return;
        }
    };
    open.lock().unwrap_or_else(PoisonError::into_inner).push(OpenWindow { handle, place });
    let _ = report.send(Ok(()));
    let mut message = MSG::default();
    // SAFETY: the structure can be written to; the window belongs to this thread
    while unsafe { GetMessageW(&mut message, ptr::null_mut(), 0, 0) } > 0 {
        // SAFETY: it was just filled in
        unsafe { DispatchMessageW(&message) };
    }
    open.lock().unwrap_or_else(PoisonError::into_inner).retain(|window| window.handle != handle);
}

fn create(content: &Content, place: usize) -> io::Result<HWND> {
    let class = register_class()?;
    let area = work_area();
    let above = HEIGHT + MARGIN;
    let place = i32::try_from(place).unwrap_or(0) + 1;
    // a screen reader reads the title of the window
    let name = [&content.title[..], &[u16::from(b' ')], &content.text, &[0]].concat();
    // SAFETY: the texts end with NUL, the class is registered, and the content outlives the window
    let window = unsafe {
        CreateWindowExW(
            WS_EX_TOPMOST | WS_EX_NOACTIVATE | WS_EX_TOOLWINDOW,
            class.as_ptr(),
            name.as_ptr(),
            WS_POPUP | WS_BORDER,
            area.right - WIDTH - MARGIN,
            area.bottom - above * place,
            WIDTH,
            HEIGHT,
            ptr::null_mut(),
            ptr::null_mut(),
            GetModuleHandleW(ptr::null()),
            ptr::from_ref(content).cast(),
        )
    };
    check(i32::from(!window.is_null()))?;
    // SAFETY: the window is open
    unsafe {
        SetTimer(window, 1, STAYS_MS, None);
        ShowWindow(window, SW_SHOWNOACTIVATE);
    }
    Ok(window)
}

/// Registers the kind of window, and returns its name.
fn register_class() -> io::Result<Vec<u16>> {
    let name: Vec<u16> = "msipcfg message".encode_utf16().chain([0]).collect();
    let class = WNDCLASSW {
        lpfnWndProc: Some(window_procedure),
        // SAFETY: null means this program
        hInstance: unsafe { GetModuleHandleW(ptr::null()) },
        hCursor: cursor(false),
        // Win32 takes a color's number plus 1 for a brush
        hbrBackground: (COLOR_WINDOW + 1) as usize as HBRUSH,
        lpszClassName: name.as_ptr(),
        ..WNDCLASSW::default()
    };
    // SAFETY: the structure is complete, and the name ends with NUL
    match check(i32::from(unsafe { RegisterClassW(&class) })) {
        Err(error) if error.raw_os_error() != Some(ERROR_CLASS_ALREADY_EXISTS.cast_signed()) => Err(error),
        _ => Ok(name),
    }
}

fn cursor(is_link: bool) -> HCURSOR {
    // SAFETY: both are cursors of the system
    unsafe { LoadCursorW(ptr::null_mut(), if is_link { IDC_HAND } else { IDC_ARROW }) }
}

/// Returns the part of the screen without the taskbar.
fn work_area() -> RECT {
    let mut area = RECT { left: 0, top: 0, right: 800, bottom: 600 };
    // SAFETY: this question is answered with a RECT
    unsafe { SystemParametersInfoW(SPI_GETWORKAREA, 0, (&raw mut area).cast(), 0) };
    area
}

unsafe extern "system" fn window_procedure(window: HWND, message: u32, w: WPARAM, l: LPARAM) -> LRESULT {
    if message == WM_NCCREATE {
        // SAFETY: with this message comes the structure for CreateWindowExW, which contains the content
        let content = unsafe { (*(l as *const CREATESTRUCTW)).lpCreateParams };
        // SAFETY: the window is open
        unsafe { SetWindowLongPtrW(window, GWLP_USERDATA, content as isize) };
    }
    // SAFETY: it is null or the content, which outlives the window
    let content = unsafe { (GetWindowLongPtrW(window, GWLP_USERDATA) as *const Content).as_ref() };
    let Some(content) = content else {
        // SAFETY: the arguments come from Windows
        return unsafe { DefWindowProcW(window, message, w, l) };
    };
    match message {
        WM_MOUSEACTIVATE => return MA_NOACTIVATE as LRESULT,
        WM_PAINT => paint(window, content),
        WM_LBUTTONUP => {
            if let Some(link) = &content.link {
                // nobody is left to whom the error could be reported
                let _ = open_page(link);
            }
            close(window);
        }
        WM_RBUTTONUP | WM_TIMER => close(window),
        // SAFETY: it takes only a number
        WM_DESTROY => unsafe { PostQuitMessage(0) },
        WM_SETCURSOR if content.link.is_some() => {
            // SAFETY: it is a cursor of the system
            unsafe { windows_sys::Win32::UI::WindowsAndMessaging::SetCursor(cursor(true)) };
            return 1;
        }
        // SAFETY: the arguments come from Windows
        _ => return unsafe { DefWindowProcW(window, message, w, l) },
    }
    0
}

fn close(window: HWND) {
    // SAFETY: this thread created the window
    unsafe { DestroyWindow(window) };
}

fn paint(window: HWND, content: &Content) {
    let (mut paint, mut area) = (PAINTSTRUCT::default(), RECT::default());
    // SAFETY: the window is open, and both structures can be written to
    let device = unsafe {
        GetClientRect(window, &mut area);
        BeginPaint(window, &mut paint)
    };
    let left = area.left + MARGIN;
    let right = area.right - MARGIN;
    let middle = area.top + MARGIN / 2 + TITLE_HEIGHT;
    let title = RECT { left, right, top: area.top + MARGIN / 2, bottom: middle };
    let text = RECT { left, right, top: middle, bottom: area.bottom - MARGIN / 2 };
    // SAFETY: the device is open until EndPaint
    unsafe { SetBkMode(device, TRANSPARENT.cast_signed()) };
    draw(device, &content.title, title, true, DT_SINGLELINE);
    draw(device, &content.text, text, false, DT_WORDBREAK);
    // SAFETY: it was filled in by BeginPaint
    unsafe { EndPaint(window, &paint) };
}

/// Draws a text in the font of the system's messages.
fn draw(device: HDC, text: &[u16], mut area: RECT, is_bold: bool, format: DRAW_TEXT_FORMAT) {
    let mut metrics =
        NONCLIENTMETRICSW { cbSize: size_in_bytes::<NONCLIENTMETRICSW>(), ..NONCLIENTMETRICSW::default() };
    let Ok(length) = i32::try_from(text.len()) else { return };
    // SAFETY: the structure contains its size; the font is used only here; DT_NOPREFIX and DT_END_ELLIPSIS alone don't
    // change the text
    unsafe {
        SystemParametersInfoW(SPI_GETNONCLIENTMETRICS, metrics.cbSize, (&raw mut metrics).cast(), 0);
        let mut font: LOGFONTW = metrics.lfMessageFont;
        if is_bold {
            font.lfWeight = FW_BOLD.cast_signed();
        }
        let font = CreateFontIndirectW(&font);
        let before = SelectObject(device, font);
        DrawTextW(device, text.as_ptr(), length, &mut area, format | DT_NOPREFIX | DT_END_ELLIPSIS);
        SelectObject(device, before);
        DeleteObject(font);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use windows_sys::Win32::UI::WindowsAndMessaging::{
        GWL_EXSTYLE, GetForegroundWindow, GetWindowTextW, IsWindow,
    };

    use super::*;

    fn handles(windows: &MessageWindows) -> Vec<isize> {
        windows.open.lock().unwrap().iter().map(|window| window.handle).collect()
    }

    fn wait_until(what: &str, condition: impl Fn() -> bool) {
        const LIMIT: Duration = Duration::from_secs(60);
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < LIMIT, "{what}");
            std::thread::yield_now();
        }
    }

    fn is_open(handle: isize) -> bool {
        // SAFETY: any handle may be asked about
        unsafe { IsWindow(handle as HWND) != 0 }
    }

    #[test]
    fn only_the_newest_messages_stay_and_none_takes_the_focus() {
        let windows = MessageWindows::default();
        // SAFETY: it has no arguments
        let focused = unsafe { GetForegroundWindow() };
        let show = |text: &str| windows.show(&Message { title: "Incoming call", text, link: None }).unwrap();
        for text in ["1", "2", "3"] {
            show(text);
        }
        let first = handles(&windows);
        assert_eq!(first.len(), MAX_SHOWN);
        show("4 & <b>\0x</b>");
        let now = handles(&windows);
        assert_eq!(now.len(), MAX_SHOWN);
        assert_eq!(now[..2], first[1..]);
        wait_until("the oldest window is open", || !is_open(first[0]));

        let newest = now[2] as HWND;
        let mut name = [0; 64];
        // SAFETY: the window is open, and the buffer has this length
        let (length, style) = unsafe {
            let length = GetWindowTextW(newest, name.as_mut_ptr(), 64);
            (length, GetWindowLongPtrW(newest, GWL_EXSTYLE))
        };
        let name = String::from_utf16_lossy(&name[..usize::try_from(length).unwrap()]);
        assert_eq!(name, "Incoming call 4 & <b>x</b>");
        let expected = (WS_EX_TOPMOST | WS_EX_NOACTIVATE) as isize;
        assert_eq!(style & expected, expected);
        // SAFETY: it has no arguments
        assert_eq!(unsafe { GetForegroundWindow() }, focused);

        for handle in now {
            // SAFETY: the message has no pointers
            unsafe { PostMessageW(handle as HWND, WM_LBUTTONUP, 0, 0) };
        }
        wait_until("a window stays after a click", || !windows.are_shown());
    }
}

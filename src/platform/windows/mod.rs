//! Windows.

#![allow(unsafe_code, reason = "Win32 functions that no crate wraps")]

mod background;
mod files;
mod installs;
mod messages;
mod paths;
mod pinned;
mod process_details;
mod processes;
mod programs;
mod registry;
mod run;
mod security;
mod streams;
mod terminal;
mod win32;
mod window;
mod writers;

use windows_sys::Win32::Globalization::GetACP;
use windows_sys::Win32::System::LibraryLoader::{LOAD_LIBRARY_SEARCH_SYSTEM32, SetDefaultDllDirectories};

pub use background::*;
pub use files::*;
pub use installs::*;
pub use messages::*;
pub use paths::*;
pub use pinned::*;
pub use process_details::*;
pub use processes::*;
pub use programs::*;
pub use registry::*;
pub use run::*;
pub use security::*;
pub use streams::*;
pub use terminal::*;
pub use writers::*;

/// Whether a program can exit with a status above 255.
pub const EXIT_STATUSES_OVER_255: bool = true;

/// Whether a line of a text file ends with a carriage return too.
pub const LINES_END_WITH_CR: bool = true;

/// Returns the system's ANSI code page, in which MicroSIP reads 8-bit inis.
pub fn ansi_code_page() -> Option<u16> {
    // SAFETY: it has no arguments and can't fail
    u16::try_from(unsafe { GetACP() }).ok()
}

/// Prepares this process: DLLs that are named without a folder are loaded only from Windows' own folder
/// (SetDefaultDllDirectories). Otherwise one next to a program, such as among downloads, could be loaded instead.
pub fn prepare_process() {
    // SAFETY: it takes only flags
    unsafe { SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32) };
}

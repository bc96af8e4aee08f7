//! Linux and other Unixes, where MicroSIP runs under Wine.

mod background;
mod files;
mod messages;
mod paths;
mod pinned;
mod processes;
mod programs;
mod registry;
mod run;
mod security;
mod terminal;
mod writers;

pub use background::*;
pub use files::*;
pub use messages::*;
pub use paths::*;
pub use pinned::*;
pub use processes::*;
pub use programs::*;
pub use registry::*;
pub use run::*;
pub use security::*;
pub use terminal::*;
pub use writers::*;

/// Whether a program can exit with a status above 255. POSIX passes on only the lowest byte.
pub const EXIT_STATUSES_OVER_255: bool = false;

/// Whether a line of a text file ends with a carriage return too.
pub const LINES_END_WITH_CR: bool = false;

/// Returns `None`: the ANSI code page of a Windows machine isn't known here.
pub fn ansi_code_page() -> Option<u16> {
    None
}

/// Prepares this process: a write above the file size limit fails like one on a full disk. Otherwise a signal would end
/// the program.
#[allow(unsafe_code, reason = "no crate has a safe function for this")]
pub fn prepare_process() {
    // SAFETY: ignoring a signal runs no handler
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

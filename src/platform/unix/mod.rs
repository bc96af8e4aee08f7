//! Linux and other Unixes, where MicroSIP runs under Wine.

mod files;
mod installs;
mod paths;
mod pinned;
mod processes;
mod profiles;
mod programs;
mod registry;
mod run;
mod security;
mod terminal;

pub(super) use files::{
    adopt, is_named, is_same_file, never_follow_links, open_file, open_to_read, remove, replace, sync_folder,
};
pub use files::{
    can_remove_download_mark, download_mark, is_file_in_use, may_be_deletion, remove_download_mark,
};
pub(super) use installs::app_paths;
pub use installs::{install_facts, start_commands};
pub use paths::{
    app_data_folders, default_windows_paths, drive_kind, is_on_this_windows, search_folders, settings_roots,
    short_path, windows_paths,
};
pub use pinned::Pinned;
pub(super) use pinned::path_of_open;
pub use processes::{
    CAN_REACH_WINDOWS, ProgramWindow, Rights, WatchedProcess, may_be_windows_program, place_of_process,
    session_of, start, wait_for_any, windows_of_class,
};
pub use profiles::profile_list;
pub use programs::for_each_program;
pub use registry::class_registry;
pub use run::{Runner, Started};
pub use security::{
    Account, access_of, account_name, copy_access, has_wider_access, is_access_denied_by_mode, is_own_user,
    privileges, user_name,
};
pub(super) use security::{account_of, give_to, owner_of};
pub use terminal::TerminalMode;

/// Whether a program can exit with a status above 255. POSIX passes on only the lowest byte.
pub const EXIT_STATUSES_OVER_255: bool = false;

/// Returns `None`: the ANSI code page of a Windows machine isn't known here.
pub fn ansi_code_page() -> Option<u16> {
    None
}

/// Makes a write above the file size limit fail like one on a full disk. Otherwise a signal would end the program.
#[allow(unsafe_code, reason = "no crate has a safe function for this")]
pub fn ignore_file_size_signal() {
    // SAFETY: ignoring a signal runs no handler
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

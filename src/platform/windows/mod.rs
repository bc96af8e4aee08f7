//! Windows.

#![allow(unsafe_code, reason = "Win32 functions that no crate wraps")]

mod app_paths;
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
mod text;

use windows_sys::Win32::Globalization::GetACP;

pub(super) use app_paths::app_paths;
pub(super) use files::{
    adopt, is_named, is_same_file, never_follow_links, open_file, open_to_read, remove, replace, sync_folder,
};
pub use files::{
    can_remove_download_mark, download_mark, is_file_in_use, may_be_deletion, remove_download_mark,
};
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

/// Whether a program can exit with a status above 255.
pub const EXIT_STATUSES_OVER_255: bool = true;

/// Returns the system's ANSI code page, in which MicroSIP reads 8-bit inis.
pub fn ansi_code_page() -> Option<u16> {
    // SAFETY: it has no arguments and can't fail
    u16::try_from(unsafe { GetACP() }).ok()
}

/// Does nothing: Windows has no such signal.
pub fn ignore_file_size_signal() {}

//! The system's answers on Linux and other Unixes, where MicroSIP runs under Wine.

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
pub use files::{can_remove_mark, is_held_by_another, mark_of, remove_mark};
pub(super) use installs::app_paths;
pub use installs::{install_facts, start_commands};
pub use paths::{
    app_data_folders, drive_kind, is_in_reach, paths_in_use, search_folders, settings_roots, short_path,
    windows_paths,
};
pub use pinned::Pinned;
pub(super) use pinned::path_of_open;
pub use processes::{
    CAN_REACH_WINDOWS, ProgramWindow, Rights, Watched, may_be_windows_program, place_of_process, session_of,
    start, wait_for_one, windows_of_class,
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

/// Whether a program can end with an exit status over 255: of a larger one only the low byte arrives (POSIX).
pub const EXIT_STATUSES_OVER_255: bool = false;

/// None: 8-bit inis of a Windows machine say nothing of its code page here.
pub fn ansi_code_page() -> Option<u16> {
    None
}

/// Lets a write beyond the limit for files fail like one on a full disk, instead of ending the program.
#[allow(unsafe_code, reason = "no safe wrapper ignores a signal")]
pub fn survive_signals() {
    // SAFETY: ignoring a signal runs no code of ours
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

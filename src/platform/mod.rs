//! The few questions that are asked of the system, and the disk. All `unsafe` and all that differs between
//! Windows and other systems is in this folder.

mod access;
mod env;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod fs;
mod installs;
mod paths;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod pe;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod pinned;
mod processes;
mod profiles;
pub mod registry;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod run;
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod wine;

#[cfg(not(windows))]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod unix;
#[cfg(not(windows))]
use unix as system;
#[cfg(windows)]
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]
mod windows;
#[cfg(windows)]
use windows as system;

pub use access::{Access, AccessEntry, EntryKind, Privileges, Sid};
pub use env::Env;
pub use fs::{
    DirEntry, FileKind, FileSystem, LockFile, Metadata, OutputFile, SystemFs, file_names, move_to,
    names_with_prefix, read_text, write_atomically,
};
pub use installs::{AppPaths, InstallFacts, MsiProduct};
pub use paths::{DriveKind, WindowsPaths};
pub use pe::{Look, look, version_of_exe};
pub use pinned::{Owner, PinnedDir, ScopedFs};
pub use processes::ProcessPlace;
pub use profiles::{AppData, ListedProfile, ProfileList};
pub use run::{Recording, ShellCommand};
pub use system::{
    CAN_REACH_WINDOWS, EXIT_STATUSES_OVER_255, ProgramWindow, Rights, Runner, Started, TerminalMode, Watched,
    access_of, account_name, ansi_code_page, app_data_folders, can_remove_mark, class_registry, copy_access,
    drive_kind, for_each_program, has_wider_access, install_facts, is_access_denied_by_mode,
    is_held_by_another, is_in_reach, is_own_user, mark_of, may_be_windows_program, paths_in_use,
    place_of_process, privileges, profile_list, remove_mark, search_folders, session_of, settings_roots,
    short_path, start, start_commands, survive_signals, user_name, wait_for_one, windows_of_class,
    windows_paths,
};
pub use wine::WinePrefix;

//! The operating system and the file system. All `unsafe` code and everything that differs between Windows and other
//! systems is in this folder.

mod access;
mod env;
mod file_path;
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
pub use file_path::FilePath;
pub use fs::{
    DirEntry, FileKind, FileSystem, LockFile, Metadata, OutputFile, SystemFs, file_names, move_to,
    names_with_prefix, read_text, write_atomically,
};
pub use installs::{AppPaths, InstallFacts, MsiProduct};
pub use paths::{DriveKind, WindowsPaths};
pub use pe::{ProgramProbe, probe_program, version_of_exe};
pub use pinned::{Owner, PinnedDir, ScopedFs};
pub use processes::ProcessPlace;
pub use profiles::{AppData, ListedProfile, ProfileList};
pub use run::{Recording, ShellCommand};
pub use system::{
    CAN_REACH_WINDOWS, ProgramWindow, Rights, WatchedProcess, for_each_program, may_be_windows_program,
    place_of_process, session_of, start, wait_for_any, windows_of_class,
};
pub use system::{EXIT_STATUSES_OVER_255, TerminalMode, ansi_code_page, ignore_file_size_signal};
pub use system::{Runner, Started};
pub use system::{
    access_of, account_name, copy_access, has_wider_access, is_access_denied_by_mode, is_own_user,
    privileges, user_name,
};
pub use system::{
    app_data_folders, default_windows_paths, drive_kind, is_on_this_windows, search_folders, settings_roots,
    short_path, windows_paths,
};
pub use system::{
    can_remove_download_mark, download_mark, is_file_in_use, may_be_deletion, remove_download_mark,
};
pub use system::{class_registry, install_facts, profile_list, start_commands};
pub use wine::WinePrefix;

//! The operating system and the file system. All `unsafe` code and everything that differs between Windows and other
//! systems is in this folder.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "only the platform uses the disk")]

mod access;
mod append;
mod background;
mod env;
mod file_id;
mod file_path;
mod fs;
mod installs;
mod log_file;
mod message;
mod paths;
mod pe;
mod pinned;
mod processes;
mod profiles;
mod proxy;
pub mod registry;
mod run;
mod temp_file;
mod wine;

#[cfg(not(windows))]
mod unix;
#[cfg(not(windows))]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

pub use access::{Access, AccessEntry, EntryKind, NewOwner, NotCopied, Privileges, Sid, Writers};
pub use append::append_line;
pub use background::{BootTime, CommandLine};
pub use env::Env;
pub use file_id::FileId;
pub use file_path::FilePath;
pub use fs::{
    FileSystem, FileSystemExt, LockFile, OutputFile, SystemFs, decode_text, file_names, names_with_prefix,
    not_regular, read_at_most, rename, write_atomically, write_temp,
};
pub use installs::{InstallFacts, MsiProduct};
pub use log_file::append_to_log;
pub use message::{Message, NOTIFICATION_ICON, NOTIFICATION_KEY, NOTIFICATION_NAME, Shown};
pub use paths::{DATA_FOLDER, DriveKind, WindowsPaths};
pub use pe::{ProgramProbe, is_32_bit_exe, probe_program, version_of_exe};
pub use pinned::{PinnedDir, ScopedFs};
pub use processes::{Identity, ListedProcess, ProcessDetails, ProcessPlace, UserId};
pub use profiles::{AppData, ListedProfile, ProfileList};
pub use proxy::ProxySetting;
pub use run::{ProgramStart, Recording, ShellCommand};
pub use system::*;
pub use temp_file::TempFile;
pub use wine::WinePrefix;

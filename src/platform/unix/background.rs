//! Programs in the background, and the files that they use.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;

use crate::platform::background::{BootTime, CommandLine};

/// Creates a folder, and its parents, that only this user can open, unless it exists.
///
/// # Errors
/// It can't be created.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Creates an empty file that only this user can open, unless it exists.
///
/// # Errors
/// It can't be created.
pub fn create_private_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    // a pipe would block
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    options.open(path).map(drop)
}

/// Returns whether a file or folder is on the disk of another computer.
#[cfg(target_os = "linux")]
pub fn is_on_share(path: &Path) -> bool {
    // from linux/magic.h: NFS, SMB, SMB2, CIFS, Coda, AFS, Ceph, 9P, and file systems of programs, such as sshfs
    const REMOTE: [u32; 9] = [
        0x6969,
        0x517B,
        0xFE53_4D42,
        0xFF53_4D42,
        0x7375_7245,
        0x5346_414F,
        0x00C3_6400,
        0x0102_1997,
        0x6573_5546,
    ];
    rustix::fs::statfs(path)
        .is_ok_and(|stat| u32::try_from(stat.f_type).is_ok_and(|kind| REMOTE.contains(&kind)))
}

/// Returns `false`: this isn't known here.
#[cfg(not(target_os = "linux"))]
pub fn is_on_share(_path: &Path) -> bool {
    false
}

/// Returns how long the computer has been running, also while it slept.
#[cfg(target_os = "linux")]
pub fn boot_time() -> BootTime {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    BootTime {
        boot: boot.map(|text| text.trim().to_string()),
        ms: Some(now.tv_sec * 1000 + now.tv_nsec / 1_000_000),
    }
}

/// Returns nothing: this isn't known here.
#[cfg(not(target_os = "linux"))]
pub fn boot_time() -> BootTime {
    BootTime::default()
}

/// Returns the arguments of this program.
pub fn command_line() -> CommandLine {
    CommandLine::Args(std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect())
}

/// Does nothing: programs show no error boxes here.
pub fn hide_error_boxes() {}

/// Starts a program that goes on after this one has exited, without a terminal.
///
/// # Errors
/// It can't be started.
pub fn start_in_background(program: &Path, args: &[OsString]) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // a Ctrl-C meant for this program must not reach it
    command.process_group(0).spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_owner_can_open_private_files_and_folders() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        let file = folder.join("file");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        create_private_folder(&folder).unwrap();
        create_private_file(&file).unwrap();
        std::fs::write(&file, "kept").unwrap();
        create_private_file(&file).unwrap();
        assert_eq!((mode(&temp.path().join("a")), mode(&folder), mode(&file)), (0o700, 0o700, 0o600));
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
        assert!(create_private_folder(&file).is_err());
    }

    #[test]
    fn the_time_since_boot_grows_and_the_boot_stays_the_same() {
        let (before, after) = (boot_time(), boot_time());
        assert_eq!(before.boot, after.boot);
        assert!(after.ms >= before.ms);
        assert_eq!(before.ms.is_some(), cfg!(target_os = "linux"));
    }
}

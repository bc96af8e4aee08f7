//! Runs the program of a hook with Wine.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::platform::paths::WindowsPaths;
use crate::platform::run::{ProgramStart, Recording, ShellCommand};
use crate::platform::wine::WinePrefix;

/// Runs the programs of hooks.
#[derive(Debug)]
pub struct Runner {
    wine: PathBuf,
    prefix: WinePrefix,
}

impl Runner {
    /// Whether [`Runner::open_hidden`] starts a program exactly as MicroSIP does.
    pub const STARTS_LIKE_MICROSIP: bool = false;

    /// Finds the Wine that runs the programs of a prefix.
    ///
    /// # Errors
    /// There is no Wine prefix, or Wine isn't installed.
    pub fn new(paths: &WindowsPaths, search_path: Option<&OsStr>) -> io::Result<Runner> {
        let unsupported = |reason: &str| io::Error::new(io::ErrorKind::Unsupported, reason);
        let WindowsPaths::Prefix(prefix) = paths else {
            return Err(unsupported("this isn't Windows, and the ini isn't in a Wine prefix"));
        };
        let wine = find_wine(search_path).ok_or_else(|| unsupported("wine wasn't found on the PATH"))?;
        Ok(Runner { wine, prefix: prefix.clone() })
    }

    /// Starts the file in the prefix, without a terminal.
    ///
    /// # Errors
    /// Wine can't be started. If only the file can't be, Wine's exit status shows that.
    pub fn open_hidden(&self, command: &ShellCommand) -> io::Result<Started> {
        Started::spawn(self.command(command).stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// Does the same, and records the output.
    ///
    /// # Errors
    /// Wine can't be started, or the recording can't be opened.
    pub fn record(&self, command: &ShellCommand, recording: &Recording) -> io::Result<Started> {
        let [output, errors] = recording.files()?;
        Started::spawn(self.command(command).stdout(output).stderr(errors))
    }

    fn command(&self, ShellCommand { file, args, .. }: &ShellCommand) -> Command {
        let mut command = Command::new(&self.wine);
        // in its own process group, so that a Ctrl-C meant for this program doesn't reach it
        command.env("WINEPREFIX", &self.prefix.root).stdin(Stdio::null()).process_group(0);
        // Wine joins them to a text that programs split into the same arguments
        command
            .args([file].into_iter().chain(args).map(|text| OsString::from(String::from_utf16_lossy(text))));
        command
    }
}

/// A program that was started.
#[derive(Debug)]
pub struct Started {
    child: Child,
}

impl Started {
    fn spawn(command: &mut Command) -> io::Result<Started> {
        Ok(Started { child: command.spawn()? })
    }

    /// Returns whether there is a process to wait for.
    pub fn has_process(&self) -> bool {
        true
    }

    /// Waits until it exits and returns its exit status, or `None` if it is still running. After a signal, that is 128
    /// plus the number of the signal, as in a shell.
    ///
    /// # Errors
    /// The process can't be waited for.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<Option<u32>> {
        const POLL_INTERVAL: Duration = Duration::from_millis(2);
        let until = Instant::now() + at_most;
        loop {
            if let Some(status) = self.child.try_wait()? {
                let status = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
                return Ok(status.map(i32::cast_unsigned));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(left.min(POLL_INTERVAL));
        }
    }
}

/// Starts a program in a process group of its own.
///
/// # Errors
/// It doesn't exist, or isn't a program.
pub fn start_program(start: &ProgramStart<'_>) -> io::Result<RunningProgram> {
    Started::spawn(start.command().process_group(0)).map(RunningProgram)
}

/// A program that was started without a shell.
#[derive(Debug)]
pub struct RunningProgram(Started);

impl RunningProgram {
    /// Waits until it exits and returns its exit status, or `None` if it is still running.
    ///
    /// # Errors
    /// The process can't be waited for.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<Option<u32>> {
        self.0.wait(at_most)
    }

    /// Ends it and the programs that it started. Those that left its process group keep running.
    ///
    /// # Errors
    /// It can't be ended.
    pub fn end(&mut self) -> io::Result<()> {
        kill_process_group(Pid::from_child(&self.0.child), Signal::KILL)?;
        self.0.child.wait().map(drop)
    }

    /// Lets it run.
    pub fn leave(mut self) {
        // somebody has to collect its exit status; without that it stays in the list of processes as a zombie
        let _ = std::thread::Builder::new().spawn(move || self.0.child.wait());
    }
}

/// Searches Wine on the PATH, then where Debian installs its 64-bit Wine, which isn't on the PATH.
fn find_wine(search_path: Option<&OsStr>) -> Option<PathBuf> {
    const DEBIAN: &str = "/usr/lib/wine/wine64";
    let folders: Vec<PathBuf> = search_path.into_iter().flat_map(std::env::split_paths).collect();
    let on_path =
        ["wine", "wine64"].into_iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    on_path.chain([Path::new(DEBIAN).to_path_buf()]).find(|path| path.is_file())
}

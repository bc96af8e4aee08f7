//! Runs the program of a hook through Wine.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::platform::{Recording, ShellCommand, WindowsPaths, WinePrefix};

/// Runs programs of hooks.
#[derive(Debug)]
pub struct Runner {
    wine: PathBuf,
    prefix: WinePrefix,
}

impl Runner {
    /// Whether [`Runner::open_hidden`] starts a program in the way in which MicroSIP does.
    pub const IS_LIKE_MICROSIP: bool = false;

    /// The Wine that can run the programs of a prefix.
    ///
    /// # Errors
    /// There is no prefix, or no Wine.
    pub fn of(paths: &WindowsPaths, search_path: Option<&OsStr>) -> io::Result<Runner> {
        let unsupported = |why: &str| io::Error::new(io::ErrorKind::Unsupported, why);
        let WindowsPaths::Prefix(prefix) = paths else {
            return Err(unsupported("this is not Windows, and the ini lies in no Wine prefix"));
        };
        let wine = wine(search_path).ok_or_else(|| unsupported("no wine was found on the PATH"))?;
        Ok(Runner { wine, prefix: prefix.clone() })
    }

    /// Starts the file in the prefix, without a terminal.
    ///
    /// # Errors
    /// Wine could not be started. Whether the file could is told by Wine's exit status.
    pub fn open_hidden(&self, command: &ShellCommand) -> io::Result<Started> {
        Started::by(self.command(command).stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// Does the same, and has it print into the recording.
    ///
    /// # Errors
    /// Wine could not be started, or the recording not be opened.
    pub fn record(&self, command: &ShellCommand, recording: &Recording) -> io::Result<Started> {
        let [output, errors] = recording.files()?;
        Started::by(self.command(command).stdout(output).stderr(errors))
    }

    fn command(&self, ShellCommand { file, args, .. }: &ShellCommand) -> Command {
        let mut command = Command::new(&self.wine);
        // a group of its own, which a Ctrl-C meant for us does not reach
        command.env("WINEPREFIX", &self.prefix.root).stdin(Stdio::null()).process_group(0);
        // Wine makes one text of them again, in which a program finds the same
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
    fn by(command: &mut Command) -> io::Result<Started> {
        Ok(Started { child: command.spawn()? })
    }

    /// Whether there is a process whose end can be waited for.
    pub fn has_process(&self) -> bool {
        true
    }

    /// Waits for its end, and gives its exit status; `None` if it runs on. One that a signal ended has 128 and the
    /// signal's number, as in a shell.
    ///
    /// # Errors
    /// It may not be waited for.
    pub fn wait(&mut self, at_most: Duration) -> io::Result<Option<u32>> {
        const BETWEEN_LOOKS: Duration = Duration::from_millis(2);
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
            std::thread::sleep(left.min(BETWEEN_LOOKS));
        }
    }
}

/// Wine: on the search path, else where Debian keeps the one of 64 bits, which it puts on no path.
fn wine(search_path: Option<&OsStr>) -> Option<PathBuf> {
    const OF_DEBIAN: &str = "/usr/lib/wine/wine64";
    let folders: Vec<PathBuf> = search_path.into_iter().flat_map(std::env::split_paths).collect();
    let on_path =
        ["wine", "wine64"].into_iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    on_path.chain([Path::new(OF_DEBIAN).to_path_buf()]).find(|path| path.is_file())
}

//! The command of a hook and its output, and programs that are started without a shell.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

/// A command for Windows' shell, in UTF-16 without NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellCommand {
    /// The file to open.
    pub file: Vec<u16>,
    /// Everything after the file, as one text.
    pub parameters: Vec<u16>,
    /// The arguments into which a program splits that text.
    pub args: Vec<Vec<u16>>,
}

impl ShellCommand {
    /// Returns the command line with which the shell starts a program.
    pub fn line(&self) -> Vec<u16> {
        let quote = u16::from(b'"');
        let mut line = [&[quote], &self.file[..], &[quote]].concat();
        if !self.parameters.is_empty() {
            line.push(u16::from(b' '));
            line.extend(&self.parameters);
        }
        line
    }
}

/// A program to start without a shell, with its arguments as they are.
#[derive(Clone, Copy, Debug)]
pub struct ProgramStart<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub args: &'a [String],
    /// Its environment variables, in addition to those of this process.
    pub variables: &'a [(&'static str, String)],
    /// The folder in which it starts.
    pub folder: &'a Path,
    /// Whether it may be ended, together with the programs that it starts.
    pub is_limited: bool,
}

impl ProgramStart<'_> {
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.args).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if !self.folder.as_os_str().is_empty() {
            command.current_dir(self.folder);
        }
        command
    }
}

/// The output of a program, recorded in files, because a pipe could be kept open by processes that the program started.
#[derive(Debug)]
pub struct Recording {
    output: NamedTempFile,
    errors: NamedTempFile,
}

impl Recording {
    /// Creates an empty recording.
    ///
    /// # Errors
    /// Temporary files can't be created.
    pub fn new() -> io::Result<Recording> {
        Ok(Recording { output: NamedTempFile::new()?, errors: NamedTempFile::new()? })
    }

    /// Opens the files for a program's standard output and standard error. It may write while others read.
    pub(super) fn files(&self) -> io::Result<[File; 2]> {
        Ok([self.output.reopen()?, self.errors.reopen()?])
    }

    /// Returns what was written so far to standard output and standard error. Invalid UTF-8 is replaced, and very long
    /// output is truncated.
    ///
    /// # Errors
    /// The files can't be read.
    pub fn text(&self) -> io::Result<[String; 2]> {
        let [output, errors] = [&self.output, &self.errors].map(read_text);
        Ok([output?, errors?])
    }
}

fn read_text(file: &NamedTempFile) -> io::Result<String> {
    const MAX_LEN: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    file.reopen()?.take(MAX_LEN).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

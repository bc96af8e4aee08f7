//! What is run for a hook, and what it prints.

use std::fs::File;
use std::io::{self, Read};

use tempfile::NamedTempFile;

/// What Windows' shell is asked to open: UTF-16 without a NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellCommand {
    /// The file.
    pub file: Vec<u16>,
    /// The text behind it, whole.
    pub parameters: Vec<u16>,
    /// The arguments that a program finds in that text.
    pub args: Vec<Vec<u16>>,
}

impl ShellCommand {
    /// The whole command line with which the shell starts a program.
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

/// What a program prints, in files: whatever it starts itself may hold a pipe open for ever.
#[derive(Debug)]
pub struct Recording {
    output: NamedTempFile,
    errors: NamedTempFile,
}

impl Recording {
    /// An empty one.
    ///
    /// # Errors
    /// No temporary file could be made.
    pub fn new() -> io::Result<Recording> {
        Ok(Recording { output: NamedTempFile::new()?, errors: NamedTempFile::new()? })
    }

    /// For standard output and standard error of a program, which may go on writing while others read.
    pub(super) fn files(&self) -> io::Result<[File; 2]> {
        Ok([self.output.reopen()?, self.errors.reopen()?])
    }

    /// What stands in the files by now: standard output and standard error. What is no UTF-8 is replaced, what is very
    /// long is cut.
    ///
    /// # Errors
    /// They could not be read.
    pub fn text(&self) -> io::Result<[String; 2]> {
        let [output, errors] = [&self.output, &self.errors].map(text_in);
        Ok([output?, errors?])
    }
}

fn text_in(file: &NamedTempFile) -> io::Result<String> {
    const LONGEST: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    file.reopen()?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

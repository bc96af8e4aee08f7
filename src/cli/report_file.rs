//! The report of the work on many users.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::diagnostic::{Code, Diagnostic};
use crate::platform::{FileSystem, OutputFile, SystemFs};

/// A file with one line of JSON per user (`--report`).
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    file: BufWriter<OutputFile>,
    failed: Option<io::Error>,
}

fn unwritable(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("the report {} couldn't be written: {error}", path.display());
    Diagnostic::new(Code::ReportUnwritable, message)
        .with_hint("check that the folder exists, that you may write to it, and that the disk isn't full")
}

impl ReportFile {
    /// Opens the file. It is emptied only when there is something to report.
    ///
    /// # Errors
    /// It can't be written to, or is one of the inputs.
    pub fn open(path: &Path, inputs: &[&Path]) -> Result<ReportFile, Diagnostic> {
        let is_input = |input: &&Path| SystemFs.is_same_file(path, input).unwrap_or(false);
        if inputs.iter().any(is_input) {
            let message = format!(
                "{} is an input of this command, so the report can't be written to it",
                path.display()
            );
            return Err(Diagnostic::new(Code::Usage, message).with_hint("use another file with --report"));
        }
        match OutputFile::open(path) {
            Ok(file) => Ok(ReportFile { path: path.to_path_buf(), file: BufWriter::new(file), failed: None }),
            Err(error) => Err(unwritable(path, &error)),
        }
    }

    /// Removes what an earlier run wrote.
    pub fn begin(&mut self) {
        self.failed = self.file.get_ref().clear().err();
    }

    /// Adds a line. An error is reported at the end, because the inis are more important.
    pub fn add(&mut self, line: &Json) {
        if self.failed.is_none() {
            // Each line is written at once, so that a killed run leaves the lines before.
            let added = writeln!(self.file, "{line}").and_then(|()| self.file.flush());
            self.failed = added.err();
        }
    }

    /// Returns the first error, once.
    pub fn take_error(&mut self) -> Option<Diagnostic> {
        self.failed.take().map(|error| unwritable(&self.path, &error))
    }
}

//! The report of the work on many users.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::{FileSystem, OutputFile, SystemFs};

/// A file with one line of JSON per user (`--report`).
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    file: BufWriter<OutputFile>,
    failed: Option<io::Error>,
}

/// Why the report couldn't be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("the report {path} couldn't be written: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is an input of this command, so the report can't be written to it")]
    IsInput { path: PathBuf },
}

impl ToDiagnostic for ReportError {
    fn code(&self) -> Code {
        match self {
            ReportError::Io { .. } => Code::ReportUnwritable,
            ReportError::IsInput { .. } => Code::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                ReportError::Io { .. } => {
                    "check that the folder exists, that you may write to it, and that the disk isn't full"
                }
                ReportError::IsInput { .. } => "use another file with --report",
            }
            .into(),
        )
    }
}

impl ReportFile {
    /// Opens the file. It is emptied only when there is something to report.
    ///
    /// # Errors
    /// It can't be written to, or is one of the inputs.
    pub fn open(path: &Path, inputs: &[&Path]) -> Result<ReportFile, ReportError> {
        let is_input = |input: &&Path| SystemFs.is_same_file(path, input).unwrap_or(false);
        if inputs.iter().any(is_input) {
            return Err(ReportError::IsInput { path: path.to_path_buf() });
        }
        match OutputFile::open(path) {
            Ok(file) => Ok(ReportFile { path: path.to_path_buf(), file: BufWriter::new(file), failed: None }),
            Err(source) => Err(ReportError::Io { path: path.to_path_buf(), source }),
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
    pub fn take_error(&mut self) -> Option<ReportError> {
        self.failed.take().map(|source| ReportError::Io { path: self.path.clone(), source })
    }
}

//! What every command answers with.

use std::path::Path;

use serde_json::Value as Json;

use crate::diagnostic::{Diagnostic, ExitStatus};
use crate::page::Page;

/// The answer of a command: its exit status, and its form for people and for scripts.
pub trait Outcome {
    /// Returns the exit status. An answer can be "no" although the command did its work.
    fn status(&self) -> ExitStatus {
        ExitStatus::Done
    }

    /// Returns whether something changed, or would change in a dry run.
    fn changed(&self) -> bool {
        false
    }

    /// Returns what people are warned about before they see the answer.
    fn warnings(&self) -> &[Diagnostic] {
        &[]
    }

    /// Returns why the work did not end well, if the answer itself doesn't say so.
    fn failures(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Returns the ini that the answer is about, if the text doesn't name it.
    fn ini(&self) -> Option<&Path> {
        None
    }

    /// Returns whether another program reads the text, so that `--json` must not wrap it.
    fn is_raw(&self) -> bool {
        false
    }

    /// Returns the answer for people.
    fn text(&self, page: &Page) -> String;

    /// Returns the answer for scripts.
    fn json(&self) -> Json;
}

/// A text for another program: a script, a schema, a desired-state file.
#[derive(Debug)]
pub struct RawText(pub String);

impl Outcome for RawText {
    fn is_raw(&self) -> bool {
        true
    }

    fn text(&self, _: &Page) -> String {
        self.0.clone()
    }

    fn json(&self) -> Json {
        Json::from(self.0.as_str())
    }
}

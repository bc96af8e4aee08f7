//! What is asked of those who carry out actions, and what they answer.

use std::path::{Path, PathBuf};

use crate::hook::action::Action;
use crate::hook::action::template::CallFacts;
use crate::platform::{self, WindowsPaths};

/// An action and the call for which it happens.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The action.
    pub action: &'a Action,
    /// The call.
    pub facts: &'a CallFacts,
    /// The ini of the hook. Relative paths are relative to its folder.
    pub ini: &'a Path,
    /// What identifies a web request: the same for all its attempts.
    pub webhook_id: &'a str,
    /// Whether this is a test, which requests say.
    pub is_test: bool,
}

impl Job<'_> {
    /// Returns the folder to which relative paths are relative.
    pub fn folder(&self) -> &Path {
        self.ini.parent().unwrap_or(Path::new(""))
    }

    /// Returns the path of a file that an action names. In a Wine prefix, it may be a Windows path.
    pub fn path(&self, written: &str) -> PathBuf {
        let in_prefix = match platform::windows_paths(self.ini) {
            WindowsPaths::Prefix(prefix) => prefix.to_host(written),
            WindowsPaths::Native | WindowsPaths::Unknown => None,
        };
        in_prefix.unwrap_or_else(|| self.folder().join(written))
    }
}

/// How an attempt to carry out an action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performed {
    /// It is done. The text says what was done, without private values.
    Done(String),
    /// It isn't done for this call, and why.
    Skipped(String),
    /// It failed, and why. Another attempt would fail too.
    Failed(String),
    /// It failed, and why. Another attempt may succeed.
    TryAgain(String),
}

/// Carries out actions.
pub trait Perform: Sync {
    /// Makes one attempt.
    fn perform(&self, job: Job<'_>) -> Performed;

    /// Returns whether something is still shown that would disappear with this process.
    fn is_showing(&self) -> bool {
        false
    }
}

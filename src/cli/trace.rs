//! Messages in the form that DSC reads: one line of JSON each, on standard error.

use serde_json::json;

use crate::diagnostic::Diagnostic;

/// How important a message is, and which messages are wanted: the levels of `DSC_TRACE_LEVEL`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Why an operation failed.
    #[default]
    Error,
    /// A warning.
    Warn,
    /// What is done.
    Info,
    /// Each step.
    Debug,
}

impl Level {
    /// Returns the level of this name, in any letter case; errors only for an unknown name.
    pub fn named(name: &str) -> Level {
        match name.to_ascii_lowercase().as_str() {
            "warn" | "warning" => Level::Warn,
            "info" => Level::Info,
            "debug" | "trace" => Level::Debug,
            _ => Level::Error,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }

    /// Returns a message of this level as one line.
    pub fn line(self, text: &str) -> String {
        format!("{}\n", json!({self.name(): text}))
    }
}

/// Returns a diagnostic as one text.
pub fn message(diagnostic: &Diagnostic) -> String {
    let hint = diagnostic.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{} [{}]{hint}", diagnostic.message, diagnostic.code.name())
}

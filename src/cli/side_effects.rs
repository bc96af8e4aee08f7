//! What a run did besides its answer.

use serde_json::{Value as Json, json};

use crate::commands::Outcome;
use crate::diagnostic::Diagnostic;
use crate::microsip::closing::Restarted;
use crate::microsip::instances::Instance;
use crate::page::path_text;

/// What a run did besides its answer.
#[derive(Debug, Default)]
pub struct SideEffects {
    /// The instances that were closed.
    pub closed: Vec<Instance>,
    /// The instances that were started again.
    pub restarted: Vec<Restarted>,
    /// The warnings that were shown before the answer.
    pub warnings: Vec<Diagnostic>,
    /// Why the report couldn't be written, if so.
    pub report_error: Option<Diagnostic>,
}

impl SideEffects {
    /// Returns the JSON of an answer with the side effects.
    pub fn answer(&self, outcome: &dyn Outcome) -> Json {
        let mut json = outcome.json();
        if let Some(warnings) = json.get_mut("warnings").and_then(Json::as_array_mut) {
            warnings.extend(self.warnings.iter().map(|warning| json!(warning)));
        }
        self.add_instances(&mut json);
        json
    }

    /// Adds the side effects to the JSON of a failure.
    pub fn add_to_failure(&self, json: &mut Json) {
        if !self.warnings.is_empty() {
            json["warnings"] = json!(self.warnings);
        }
        self.add_instances(json);
    }

    fn add_instances(&self, json: &mut Json) {
        if !self.closed.is_empty() {
            json["closed"] = json!(self.closed);
        }
        if !self.restarted.is_empty() {
            let restarted = |one: &Restarted| json!({"pid": one.pid, "exe": path_text(&one.exe)});
            json["restarted"] = self.restarted.iter().map(restarted).collect();
        }
    }
}

//! What DSC reads: the state in one line of JSON, then the names of properties in a second line.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::commands::outcome::Outcome;
use crate::commands::written::WriteOutcome;
use crate::desired::instance::{EXIST, INI, InstanceState};
use crate::diagnostic::Diagnostic;
use crate::edit::plan::Change;
use crate::microsip::instances::Instance;
use crate::microsip::keys::setting_path;
use crate::microsip::privacy::{Guarded, Viewer};
use crate::page::{Page, path_text};

/// The answer of a DSC operation.
#[derive(Debug, Default)]
pub struct Answer {
    /// The instances: one, or all that exist for an export.
    pub instances: Vec<InstanceAnswer>,
    /// The properties that differ, or that changed, if DSC expects them.
    pub properties: Option<Vec<&'static str>>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// An instance in an answer.
#[derive(Debug, Default)]
pub struct InstanceAnswer {
    /// The ini; `None` if there is none, and no place for one.
    pub ini: Option<PathBuf>,
    /// Its state; `None` if it doesn't exist.
    pub state: Option<InstanceState>,
    /// Whether it is in the desired state, if DSC asked for that.
    pub is_in_state: Option<bool>,
    /// What a set would do.
    pub what_if: Option<WriteOutcome>,
    /// The instances that must read it again.
    pub restart: Vec<Instance>,
    /// The name that distinguishes it from other exported instances.
    pub name: Option<PathBuf>,
}

impl Outcome for Answer {
    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn is_raw(&self) -> bool {
        true
    }

    fn text(&self, _: &Page) -> String {
        // An export has no names of properties.
        let states: String = self.instances.iter().map(|one| format!("{}\n", instance_json(one))).collect();
        let properties = self.properties.as_ref().map(|names| format!("{}\n", json!(names)));
        states + &properties.unwrap_or_default()
    }

    fn json(&self) -> Json {
        self.instances.iter().map(instance_json).collect()
    }
}

fn instance_json(answer: &InstanceAnswer) -> Json {
    let mut json = json!({});
    if let Some(ini) = &answer.ini {
        json[INI] = json!(path_text(ini));
    }
    json[EXIST] = json!(answer.state.is_some());
    if let Some(Json::Object(state)) = answer.state.as_ref().map(|state| json!(state)) {
        for (name, part) in state {
            json[name] = part;
        }
    }
    if let Some(is_in_state) = answer.is_in_state {
        json["_inDesiredState"] = json!(is_in_state);
    }
    if !answer.restart.is_empty() {
        json["_restartRequired"] = answer.restart.iter().map(restart_json).collect();
    }
    if let Some(written) = &answer.what_if {
        json["_metadata"] = json!({"whatIf": what_if(written, answer.state.is_some())});
    }
    if let Some(name) = &answer.name {
        json["_name"] = json!(path_text(name));
    }
    json
}

fn restart_json(instance: &Instance) -> Json {
    let name = instance.exe.rsplit(['\\', '/']).next().unwrap_or_default();
    json!({"process": {"name": name, "id": instance.pid}})
}

fn what_if(written: &WriteOutcome, will_exist: bool) -> Vec<String> {
    let ini = written.ini.display();
    match (written.changed, will_exist) {
        (false, _) => Vec::new(),
        (true, false) => vec![format!("{ini} would be deleted, and its backup would be kept")],
        (true, true) if written.all_changes().next().is_none() => vec![format!("{ini} would be rewritten")],
        (true, true) => written.all_changes().map(change_text).collect(),
    }
}

fn change_text(change: &Change) -> String {
    let Change { section, key, before, after } = change;
    let shown = |value: &Option<Guarded>| match value {
        None => "nothing".to_string(),
        Some(value) => format!("'{}'", value.reveal(Viewer::Anyone)),
    };
    format!("{}: now {}, would become {}", setting_path(section, key), shown(before), shown(after))
}

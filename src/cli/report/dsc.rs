//! What DSC reads: the state in one line of JSON, the names of properties in a second one, and a line of JSON on the side
//! for each message.

use serde_json::{Value as Json, json};

use crate::commands::Written;
use crate::commands::dsc::{Answer, Told};
use crate::desired::instance::{EXIST, INI};
use crate::diagnostic::Diagnostic;
use crate::edit::plan::Change;
use crate::microsip::instances::Instance;
use crate::microsip::keys::{self, MASK, Privacy};

use super::{place_of, text_of};

/// How much is said on the side, and how much a message weighs: as DSC has it in `DSC_TRACE_LEVEL`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Why an operation failed.
    #[default]
    Error,
    /// What deserves saying.
    Warn,
    /// What is done.
    Info,
    /// Each step.
    Debug,
}

impl Level {
    /// That of this name, in any letter case; errors only, where it is none.
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

    /// A message of this weight in one line.
    pub(super) fn line(self, text: &str) -> String {
        format!("{}\n", json!({self.name(): text}))
    }
}

/// A problem in one text.
pub(super) fn message(notice: &Diagnostic) -> String {
    let hint = notice.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{} [{}]{hint}", notice.message, notice.code.name())
}

pub(super) fn text(answer: &Answer) -> String {
    // an export has no names of properties, and tells its instances apart
    let line = |told: &Told| format!("{}\n", told_json(told));
    let states: String = answer.instances.iter().map(line).collect();
    let properties = answer.properties.as_ref().map(|names| format!("{}\n", json!(names)));
    states + &properties.unwrap_or_default()
}

fn told_json(told: &Told) -> Json {
    let mut json = json!({});
    if let Some(ini) = &told.ini {
        json[INI] = json!(text_of(ini));
    }
    json[EXIST] = json!(told.state.is_some());
    if let Some(Json::Object(state)) = told.state.as_ref().map(|state| json!(state)) {
        for (name, part) in state {
            json[name] = part;
        }
    }
    if let Some(is_in_state) = told.is_in_state {
        json["_inDesiredState"] = json!(is_in_state);
    }
    if !told.restart.is_empty() {
        json["_restartRequired"] = told.restart.iter().map(restart_json).collect();
    }
    if let Some(written) = &told.what_if {
        json["_metadata"] = json!({"whatIf": what_if(written, told.state.is_some())});
    }
    if let Some(name) = &told.name {
        json["_name"] = json!(text_of(name));
    }
    json
}

fn restart_json(instance: &Instance) -> Json {
    let name = instance.exe.rsplit(['\\', '/']).next().unwrap_or_default();
    json!({"process": {"name": name, "id": instance.pid}})
}

fn what_if(written: &Written, is_to_exist: bool) -> Vec<String> {
    let ini = written.ini.display();
    match (written.changed, is_to_exist) {
        (false, _) => Vec::new(),
        (true, false) => vec![format!("{ini} would be removed, and its backup would stay")],
        (true, true) if written.changes.is_empty() => vec![format!("{ini} would be written anew")],
        (true, true) => written.changes.iter().map(change_text).collect(),
    }
}

fn change_text(change: &Change) -> String {
    let Change { section, key, before, after } = change;
    let is_hidden = keys::privacy(section, key) >= Privacy::Private;
    let shown = |value: &Option<String>| match value {
        None => "nothing".to_string(),
        Some(_) if is_hidden => MASK.into(),
        Some(value) => format!("'{value}'"),
    };
    format!("{} would be {}, and is {}", place_of(section, key), shown(after), shown(before))
}

//! What a write did, for people and for scripts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::diagnostic::Diagnostic;
use crate::edit::plan::{Change, LineChange};
use crate::microsip::keys::setting_path;
use crate::microsip::privacy::{Guarded, Viewer};
use crate::page::{Count, Page, Styles, path_text};

use super::outcome::Outcome;

/// What a write did, or would do.
#[derive(Debug)]
pub struct WriteOutcome {
    /// The ini as the user named it.
    pub ini: PathBuf,
    /// Whether the ini or its actions were written, or would be.
    pub changed: bool,
    /// Whether this is a dry run.
    pub dry_run: bool,
    /// The folders and files that a dry run would create.
    pub creates: Vec<PathBuf>,
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// The backup that was made.
    pub backup: Option<PathBuf>,
    /// The name of the backup that was restored.
    pub restored: Option<String>,
    /// What changes in the file with the actions.
    pub actions: Option<ActionsSummary>,
    /// The change of the recorded version of the desired state, if there is one.
    pub state_version: Option<Change>,
    /// Warnings about the edit.
    pub warnings: Vec<Diagnostic>,
}

/// What changes in the file with the actions.
#[derive(Clone, Debug)]
pub struct ActionsSummary {
    /// The file.
    pub file: PathBuf,
    /// The actions that are removed, each with its event, as one line without private values.
    pub removed: Vec<String>,
    /// The actions that are added.
    pub added: Vec<String>,
    /// The scripts that msipcfg runs now because MicroSIP isn't to start them itself.
    pub scripts: Vec<String>,
    /// What differs, as in a desired-state file: the actions of each event, and settings. Empty if the whole
    /// file is replaced.
    pub changes: Vec<Change>,
}

impl ActionsSummary {
    /// Returns what changes from the actions before to those after it. What is in both doesn't change.
    pub fn between(file: PathBuf, mut before: Vec<String>, mut after: Vec<String>) -> ActionsSummary {
        after.retain(|line| match before.iter().position(|other| other == line) {
            Some(index) => {
                before.remove(index);
                false
            }
            None => true,
        });
        ActionsSummary { file, removed: before, added: after, scripts: Vec::new(), changes: Vec::new() }
    }
}

impl Outcome for WriteOutcome {
    fn changed(&self) -> bool {
        self.changed || self.state_version.is_some()
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn text(&self, page: &Page) -> String {
        if self.dry_run {
            return self.diff(page.styles);
        }
        if page.quiet { String::new() } else { self.summary() }
    }

    fn json(&self) -> Json {
        let mut json = json!({
            "ok": true,
            "changed": self.changed(),
            "dry_run": self.dry_run,
            "ini": path_text(&self.ini),
            "changes": self.changes.iter().chain(&self.state_version).map(|change| self.change_json(change)).collect::<Vec<_>>(),
            "backup": self.backup.as_deref().map(path_text),
            "restored": self.restored,
            "warnings": self.warnings,
        });
        if let Some(ActionsSummary { file, removed, added, .. }) = &self.actions {
            json["actions"] = json!({ "file": path_text(file), "removed": removed, "added": added });
        }
        if self.dry_run {
            json["creates"] = self.creates.iter().map(|path| path_text(path)).collect();
        }
        json
    }
}

impl WriteOutcome {
    /// Returns the changes of the ini and of the actions.
    pub fn all_changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().chain(self.actions.iter().flat_map(|actions| &actions.changes))
    }

    /// Returns what was done, one line per value.
    pub fn summary(&self) -> String {
        let mut text = self.state_version_line("Recorded");
        if !self.changed {
            return if text.is_empty() { self.nothing_to_change() } else { text };
        }
        if let Some(name) = &self.restored {
            let _ = writeln!(text, "Restored from {name}, {} changed", Count(self.changes.len(), "value"));
        } else {
            self.changes.iter().for_each(|change| text.push_str(&change_line(change)));
        }
        let mut written = vec![self.ini.display().to_string()];
        if let Some(ActionsSummary { file, removed, added, .. }) = &self.actions {
            let lines = |verb: &str, lines: &[String]| {
                lines.iter().map(|line| format!("{verb} {line}\n")).collect::<String>()
            };
            text.push_str(&lines("Removed", removed));
            text.push_str(&lines("Added", added));
            if self.changes.is_empty() && self.restored.is_none() {
                written.clear();
            }
            written.push(file.display().to_string());
        }
        let backup = self.backup.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
        let backup = backup.map_or(String::new(), |name| format!(" (backup {name})"));
        let _ = writeln!(text, "Wrote {}{backup}", written.join(" and "));
        if let Some(actions) = &self.actions {
            text.push_str(&scripts_note(&actions.scripts));
            if self.changes.is_empty() {
                text.push_str("The change works from the next call.\n");
            }
        }
        text
    }

    /// Returns a diff of the lines that change, without context: the lines around them may be private.
    pub fn diff(&self, styles: Styles) -> String {
        let version = self.state_version_line("Would record");
        if !self.changed {
            return if version.is_empty() { self.nothing_to_change() } else { version };
        }
        let Styles { heading, hint, .. } = styles;
        let ini = self.ini.display();
        let mut text =
            format!("{heading}--- {ini}{heading:#}\n{heading}+++ {ini} (dry run, not written){heading:#}\n");
        for path in &self.creates {
            let _ = writeln!(text, "{hint}would create {}{hint:#}", path.display());
        }
        if self.lines.is_empty() {
            self.changes.iter().for_each(|change| value_diff(&mut text, change, styles));
        } else {
            self.lines.iter().for_each(|change| line_diff(&mut text, change, styles));
        }
        if let Some(actions) = &self.actions {
            actions_diff(&mut text, actions, styles);
        }
        text + &version
    }

    fn nothing_to_change(&self) -> String {
        format!("Nothing to change in {}\n", self.ini.display())
    }

    /// Returns the line about the version of the desired state, or nothing.
    fn state_version_line(&self, recorded: &str) -> String {
        let version = |change: &Change| match &change.after {
            Some(version) => format!("state-version {}", version.reveal(Viewer::Requester)),
            None => "no state-version".into(),
        };
        let ini = self.ini.display();
        self.state_version
            .as_ref()
            .map_or_else(String::new, |change| format!("{recorded} {} for {ini}\n", version(change)))
    }

    /// A restore also masks private data, because nobody asked for it by name.
    fn change_json(&self, change: &Change) -> Json {
        let viewer = if self.restored.is_some() { Viewer::Anyone } else { Viewer::Requester };
        let shown = |value: &Option<Guarded>| value.as_ref().map(|value| value.reveal(viewer).to_string());
        json!({
            "section": change.section,
            "key": change.key,
            "before": shown(&change.before),
            "after": shown(&change.after),
        })
    }
}

fn change_line(change: &Change) -> String {
    let path = setting_path(&change.section, &change.key);
    match (&change.before, &change.after) {
        (_, Some(after)) => format!("Set {path} = {}\n", after.reveal(Viewer::Requester)),
        (Some(before), None) => {
            format!("Removed {path} (was {})\n", before.reveal(Viewer::Requester))
        }
        (None, None) => format!("Removed {path}\n"),
    }
}

fn line_diff(text: &mut String, change: &LineChange, Styles { hint, added, removed, .. }: Styles) {
    let LineChange { path, number, removed: old, added: new } = change;
    let _ = writeln!(text, "{hint}@@ line {number}, [{}] @@{hint:#}", path.section.as_str());
    let shown = |line: &String| match line.split_once('=') {
        Some((key, value)) => {
            let value = Guarded::of_key(path.section.as_str(), path.key.as_str(), value);
            format!("{key}={}", value.reveal(Viewer::Requester))
        }
        None => line.clone(),
    };
    for line in old {
        let _ = writeln!(text, "{removed}-{}{removed:#}", shown(line));
    }
    for line in new {
        let _ = writeln!(text, "{added}+{}{added:#}", shown(line));
    }
}

fn actions_diff(text: &mut String, actions: &ActionsSummary, styles: Styles) {
    let Styles { heading, added, removed, .. } = styles;
    let _ = writeln!(text, "{heading}+++ {} (dry run, not written){heading:#}", actions.file.display());
    for line in &actions.removed {
        let _ = writeln!(text, "{removed}-{line}{removed:#}");
    }
    for line in &actions.added {
        let _ = writeln!(text, "{added}+{line}{added:#}");
    }
    text.push_str(&scripts_note(&actions.scripts));
}

/// Says that msipcfg runs scripts, and how to let MicroSIP start them.
fn scripts_note(scripts: &[String]) -> String {
    match scripts {
        [] => String::new(),
        [script, ..] => format!(
            "Because msipcfg runs {script}, a caller can't give it options or commands.\nTo let MicroSIP start it \
             instead, use --direct.\n"
        ),
    }
}

/// Shows a change by its values, where the whole file is replaced. Nobody asked for these keys by name, so
/// private values are masked too.
fn value_diff(text: &mut String, change: &Change, Styles { added, removed, .. }: Styles) {
    let path = setting_path(&change.section, &change.key);
    if let Some(before) = &change.before {
        let _ = writeln!(text, "{removed}-{path}={}{removed:#}", before.reveal(Viewer::Anyone));
    }
    if let Some(after) = &change.after {
        let _ = writeln!(text, "{added}+{path}={}{added:#}", after.reveal(Viewer::Anyone));
    }
}

//! What became of the inis of many users: told of each as it is done with, and in all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::commands::Error;
use crate::commands::profiles::{Count, Handled, Outcome, Summary};
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::platform::{FileSystem, OutputFile, SystemFs};

use super::json::written_json;
use super::text::diff_text;
use super::{Output, Styles, provision, text_of};

/// What is kept of each while it goes.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Of each, where they are to be in one answer.
    all: Vec<Json>,
    /// The warnings by their kind: the first, whose it is, and of how many others one is told.
    warnings: BTreeMap<&'static str, (Diagnostic, String, usize)>,
}

/// A file with a line of JSON for each.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    file: BufWriter<OutputFile>,
    failed: Option<io::Error>,
}

/// The file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportFault {
    #[error("the report {path} could not be written: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is read by this command, so no report can be written to it")]
    IsInput { path: PathBuf },
}

impl ToDiagnostic for ReportFault {
    fn code(&self) -> Code {
        match self {
            ReportFault::Io { .. } => Code::ReportUnwritable,
            ReportFault::IsInput { .. } => Code::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                ReportFault::Io { .. } => {
                    "check the folder: that it is there, that you may write to it, and that there is room"
                }
                ReportFault::IsInput { .. } => "name another file with --report",
            }
            .into(),
        )
    }
}

impl ReportFile {
    /// The file of this path, which is none of the inputs. What it holds goes only when there is something to report.
    ///
    /// # Errors
    /// It cannot be written to, or is one of them.
    pub fn open(path: &Path, inputs: &[&Path]) -> Result<ReportFile, ReportFault> {
        let is_input = |input: &&Path| SystemFs.is_same_file(path, input).unwrap_or(false);
        if inputs.iter().any(is_input) {
            return Err(ReportFault::IsInput { path: path.to_path_buf() });
        }
        match SystemFs.open_output(path) {
            Ok(file) => Ok(ReportFile { path: path.to_path_buf(), file: BufWriter::new(file), failed: None }),
            Err(source) => Err(ReportFault::Io { path: path.to_path_buf(), source }),
        }
    }

    /// Takes out what an earlier run wrote.
    pub(super) fn begin(&mut self) {
        self.failed = self.file.get_ref().clear().err();
    }

    /// Adds a line. What went wrong is told at the end: the inis are more important.
    pub(super) fn add(&mut self, line: &Json) {
        if self.failed.is_none() {
            // each line at once: who kills this run has the others
            let added = writeln!(self.file, "{line}").and_then(|()| self.file.flush());
            self.failed = added.err();
        }
    }

    /// What went wrong.
    pub(super) fn fault(&mut self) -> Option<ReportFault> {
        self.failed.take().map(|source| ReportFault::Io { path: self.path.clone(), source })
    }
}

impl Told {
    pub(super) fn add(&mut self, handled: &Handled, json: Json, keep: bool) {
        for notice in notices_of(handled) {
            self.warnings
                .entry(notice.code.name())
                .and_modify(|(_, _, others)| *others += 1)
                .or_insert_with(|| (notice.clone(), handled.user.clone(), 0));
        }
        if keep {
            self.all.push(json);
        }
    }

    /// Warns once of each kind.
    pub(super) fn warn(&self, output: Output) {
        for (notice, user, others) in self.warnings.values() {
            let others = if *others > 0 { format!(" (and {others} more such)") } else { String::new() };
            let message = format!("{user}: {}{others}", notice.message);
            output.warn(&Diagnostic { message, ..notice.clone() });
        }
    }
}

fn notices_of(handled: &Handled) -> &[Diagnostic] {
    match &handled.outcome {
        Outcome::Written(written) => &written.warnings,
        Outcome::Checked(checked) => &checked.warnings,
        Outcome::Skipped(_) | Outcome::Failed { .. } => &[],
    }
}

fn status_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Written(written) if written.changed => "changed",
        Outcome::Checked(checked) if !checked.is_in_state => "differs",
        Outcome::Written(_) | Outcome::Checked(_) => "in-state",
        Outcome::Skipped(_) => "skipped",
        Outcome::Failed { .. } => "failed",
    }
}

/// What became of one, for scripts.
pub(super) fn handled_json(handled: &Handled) -> Json {
    let mut json = json!({
        "user": handled.user,
        "folder": text_of(&handled.folder),
        "ini": handled.ini.as_deref().map(text_of),
        "status": status_of(&handled.outcome),
    });
    let parts = match &handled.outcome {
        Outcome::Written(written) => part_of(written_json(written), &["changes", "backup", "warnings"]),
        Outcome::Checked(checked) => part_of(provision::json(checked), &["differences", "warnings"]),
        Outcome::Skipped(skip) => vec![("reason", json!(skip.name())), ("message", json!(skip.meaning()))],
        Outcome::Failed { error, changed } => {
            let mut problem = json!(Diagnostic::from(&**error));
            if let Error::Desired(error) = &**error {
                provision::put_place_in(error, &mut problem);
            }
            vec![("changed", json!(changed)), ("error", problem)]
        }
    };
    for (name, part) in parts {
        json[name] = part;
    }
    json
}

fn part_of(mut json: Json, names: &[&'static str]) -> Vec<(&'static str, Json)> {
    names.iter().map(|name| (*name, json[*name].take())).collect()
}

/// What became of one, for people; nothing where nothing happened.
pub(super) fn handled_text(handled: &Handled, output: Output, styles: Styles) -> String {
    let status = status_of(&handled.outcome);
    let (style, is_news) = match &handled.outcome {
        Outcome::Written(written) => (styles.added, written.changed && !output.quiet),
        Outcome::Checked(checked) if !checked.is_in_state => (styles.error, true),
        Outcome::Checked(_) => (styles.added, false),
        Outcome::Skipped(_) => (styles.hint, false),
        Outcome::Failed { .. } => (styles.error, true),
    };
    if !is_news && !output.verbose {
        return String::new();
    }
    let place = handled.ini.as_deref().unwrap_or(&handled.folder).display();
    let mut text = format!("{style}{status:<8}{style:#} {}: {place}\n", handled.user);
    match &handled.outcome {
        Outcome::Written(written) if written.dry_run => indent(&diff_text(written, styles), &mut text),
        Outcome::Checked(checked) if !checked.is_in_state => {
            text.push_str(&provision::differences_text(checked, styles));
        }
        Outcome::Skipped(skip) => {
            let _ = writeln!(text, "  {}", skip.meaning());
        }
        Outcome::Failed { error, .. } => {
            let notice = Diagnostic::from(&**error);
            indent(&format!("{} [{}]\n", notice.message, notice.code.name()), &mut text);
            if let Some(hint) = notice.hint {
                let _ = writeln!(text, "  {}hint{:#}: {hint}", styles.hint, styles.hint);
            }
        }
        Outcome::Written(_) | Outcome::Checked(_) => {}
    }
    text
}

fn indent(text: &str, into: &mut String) {
    for line in text.lines() {
        let _ = writeln!(into, "  {line}");
    }
}

/// What became of all, for scripts.
pub(super) fn json(summary: &Summary, told: &Told) -> Json {
    let mut json = json!({"ok": summary.fault().is_none()});
    if summary.is_check {
        json["in_state"] = json!(summary.fault().is_none() && summary.differing == 0);
    } else {
        json["changed"] = json!(summary.changed > 0);
        json["dry_run"] = json!(summary.dry_run);
    }
    let mut profiles: Vec<&Json> = told.all.iter().collect();
    profiles.sort_by_key(|profile| profile["folder"].as_str());
    json["profiles"] = json!(profiles);
    json["counts"] = json!({
        "total": summary.total,
        "changed": summary.changed,
        "in_state": summary.in_state,
        "differs": summary.differing,
        "skipped": summary.skipped,
        "failed": summary.failed,
    });
    if let Some(fault) = summary.fault() {
        json["error"] = json!(Diagnostic::from(&fault));
    }
    json
}

/// What became of all, for people.
pub(super) fn text(summary: &Summary) -> String {
    let would_be = if summary.dry_run { "to be changed" } else { "changed" };
    let parts = [
        (summary.changed, would_be),
        (summary.differing, "not in state"),
        (summary.in_state, "in state"),
        (summary.skipped, "skipped"),
        (summary.failed, "failed"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    format!("{}: {}\n", Count(summary.total), parts.join(", "))
}

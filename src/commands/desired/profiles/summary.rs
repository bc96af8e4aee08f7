//! The results of the work on many users, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::commands::desired::apply::CheckOutcome;
use crate::commands::error::Error;
use crate::commands::outcome::Outcome;
use crate::commands::uninstall::removal::Removal;
use crate::commands::written::WriteOutcome;
use crate::diagnostic::{Code, Diagnostic, ExitStatus, ToDiagnostic};
use crate::page::{Count, Page, diagnostic_text, indented, path_text};

/// The result for one user.
#[derive(Debug)]
pub struct UserResult {
    /// The user.
    pub user: String,
    /// The user's folder; `None` for a user in the table who has none.
    pub folder: Option<PathBuf>,
    /// The ini, if it was found.
    pub ini: Option<PathBuf>,
    /// What was done.
    pub state: UserState,
}

/// What was done to the ini of one user.
#[derive(Debug)]
pub enum UserState {
    /// The state was applied, or would be.
    Written(Box<WriteOutcome>),
    /// The ini was compared with the state.
    Checked(CheckOutcome),
    /// What msipcfg had made was removed, or would be. Some of it may have failed.
    Removed(Box<Removal>),
    /// The user was skipped.
    Skipped(Skip),
    /// It failed.
    Failed(Box<Error>),
}

impl UserState {
    /// Returns the state of an ini to which the desired state was applied.
    pub fn written(written: WriteOutcome) -> UserState {
        UserState::Written(Box::new(written))
    }

    /// Returns whether something changed, or would change in a dry run.
    pub fn changed(&self) -> bool {
        match self {
            UserState::Written(written) => written.changed(),
            UserState::Removed(removal) => removal.changed(),
            UserState::Failed(error) => error.changed(),
            UserState::Checked(_) | UserState::Skipped(_) => false,
        }
    }

    /// Returns why it failed, if it did.
    pub fn error(&self) -> Option<&Error> {
        match self {
            UserState::Failed(error) => Some(error),
            UserState::Removed(removal) => removal.error(),
            UserState::Written(_) | UserState::Checked(_) | UserState::Skipped(_) => None,
        }
    }

    /// Adds a warning to what was done.
    pub fn warn(&mut self, warning: Diagnostic) {
        match self {
            UserState::Written(written) => written.warnings.push(warning),
            UserState::Removed(removal) => removal.warnings.push(warning),
            UserState::Checked(_) | UserState::Skipped(_) | UserState::Failed(_) => {}
        }
    }
}

/// Why a user was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    /// The user has no ini, and `--create` wasn't given.
    NoIni,
    /// The folder isn't a user's.
    NoProfile,
    /// The table of users doesn't list the user.
    NotListed,
    /// The state needs a user, and this is the default profile.
    NeedsUser,
    /// An instance uses the ini (`--skip-running`).
    #[serde(rename = "microsip-running")]
    Running,
    /// The run was interrupted before this user.
    Interrupted,
    /// The table of users lists the user, but no folder was found.
    #[serde(rename = "user-without-folder")]
    NoFolder,
}

impl Skip {
    /// Returns the reason for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Skip::NoIni => "MicroSIP.ini doesn't exist; to create it, use --create",
            Skip::NoProfile => "the folder contains no AppData, so it isn't a user's profile",
            Skip::NotListed => "the table of users has no row for this user",
            Skip::NeedsUser => {
                "this folder is the template for new users, and the file has accounts or a user's variables"
            }
            Skip::Running => "MicroSIP is running",
            Skip::Interrupted => "the command was cancelled before this user's turn",
            Skip::NoFolder => "the table of users lists this user, but no folder was found",
        }
    }
}

/// What a run for many users is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Applying a desired state.
    #[default]
    Apply,
    /// Comparing the inis with a desired state.
    Check,
    /// Removing what msipcfg made.
    Uninstall,
}

impl Purpose {
    /// Returns the words for users with changes, and for users without.
    fn words(self, dry_run: bool) -> [&'static str; 2] {
        match (self, dry_run) {
            (Purpose::Uninstall, false) => ["cleaned", "without anything to remove"],
            (Purpose::Uninstall, true) => ["to be cleaned", "without anything to remove"],
            (_, false) => ["changed", "in state"],
            (_, true) => ["to be changed", "in state"],
        }
    }
}

/// The results for all users.
#[derive(Debug, Default)]
pub struct Summary {
    /// What the run was for.
    pub purpose: Purpose,
    /// Whether this is a dry run.
    pub dry_run: bool,
    /// Whether skipping a user is a failure.
    pub fail_on_skipped: bool,
    /// Whether none of the users in the table has a folder.
    pub matched_nobody: bool,
    /// The number of users.
    pub total: usize,
    /// Whether something changed for any user, or would change in a dry run.
    pub is_any_changed: bool,
    /// How many users have changes, or would have, and didn't fail.
    pub changed: usize,
    /// How many inis already were in the desired state.
    pub in_state: usize,
    /// How many compared inis aren't.
    pub differing: usize,
    /// How many users were skipped.
    pub skipped: usize,
    /// How many users failed.
    pub failed: usize,
    /// How many of these failed because MicroSIP was still running.
    pub running: usize,
    /// For how many users the run was interrupted, before or during the work.
    pub interrupted: usize,
    /// Each result for scripts.
    pub(super) results: Vec<Json>,
    /// The users who were skipped.
    pub(super) skips: Vec<UserResult>,
    /// The first warning of each kind, with the user and the number of further ones.
    pub(super) first_warnings: BTreeMap<&'static str, (Diagnostic, String, usize)>,
    /// The warnings that aren't about the ini of one user.
    pub(super) own_warnings: Vec<Diagnostic>,
    /// One warning of each kind about inis, and the others, for people.
    pub(super) warnings: Vec<Diagnostic>,
}

impl Summary {
    /// Returns a summary without results.
    pub fn new(purpose: Purpose, dry_run: bool, fail_on_skipped: bool) -> Summary {
        Summary { purpose, dry_run, fail_on_skipped, ..Summary::default() }
    }

    /// Returns why the work didn't succeed, if it didn't.
    pub fn error(&self) -> Option<Diagnostic> {
        const AGAIN: &str = "run the command again; it continues with the remaining users";
        let (code, message, hint) = if self.interrupted > 0 {
            let (done, total) = (self.total - self.interrupted, self.total);
            let message = format!("Cancelled after {done} of {total} users. Every ini is intact.");
            (Code::Interrupted, message, AGAIN)
        } else if self.failed > self.running {
            let hint = "fix the errors above, then run the command again; finished users stay as they are";
            (Code::SomeFailed, format!("{} failed", Count(self.failed, "user")), hint)
        } else if self.running > 0 {
            let message = format!("MicroSIP was still running for {}", Count(self.running, "user"));
            (Code::MicrosipRunning, message, AGAIN)
        } else if self.fail_on_skipped && self.skipped > 0 {
            let were = if self.skipped == 1 { "was" } else { "were" };
            let message = format!("{} {were} skipped", Count(self.skipped, "user"));
            (
                Code::UsersSkipped,
                message,
                "the results name the reason for each user; without --fail-on-skipped, skipped users aren't an error",
            )
        } else {
            return None;
        };
        Some(Diagnostic::new(code, message).with_hint(hint))
    }

    /// Returns whether nothing was done or compared for any user, or for none that the table lists.
    pub fn is_nobody(&self) -> bool {
        self.matched_nobody || self.skipped == self.total
    }

    /// Returns why nothing was done for anybody.
    pub fn nobody_reason(&self) -> &'static str {
        let lacks_ini =
            |user: &UserResult| matches!(user.state, UserState::Skipped(Skip::NoIni | Skip::NoProfile));
        if self.matched_nobody {
            "no user in the table has a folder here"
        } else if self.skips.iter().all(lacks_ini) {
            "no ini found"
        } else {
            "every user was skipped"
        }
    }

    /// Adds a result.
    pub fn add(&mut self, result: UserResult) {
        self.count(&result.state);
        for warning in result.warnings() {
            self.first_warnings
                .entry(warning.code.name())
                .and_modify(|(_, _, others)| *others += 1)
                .or_insert_with(|| (warning.clone(), result.user.clone(), 0));
        }
        self.results.push(result.json());
        if matches!(result.state, UserState::Skipped(_)) {
            self.skips.push(result);
        }
    }

    /// Completes the summary after the last result.
    pub fn finish(mut self) -> Summary {
        self.results.sort_by(|a, b| a["folder"].as_str().cmp(&b["folder"].as_str()));
        let warning = |(warning, user, others): (Diagnostic, String, usize)| {
            let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
            Diagnostic { message: format!("{user}: {}{others}", warning.message), ..warning }
        };
        self.warnings = std::mem::take(&mut self.first_warnings).into_values().map(warning).collect();
        if self.is_nobody() && self.interrupted == 0 {
            let message = format!("nothing was {} for any user: {}", self.verb(), self.nobody_reason());
            self.warn(vec![Diagnostic::new(Code::UsersSkipped, message)]);
        }
        self
    }

    /// Adds warnings that aren't about the ini of one user.
    pub fn warn(&mut self, warnings: Vec<Diagnostic>) {
        self.warnings.extend(warnings.iter().cloned());
        self.own_warnings.extend(warnings);
    }

    fn verb(&self) -> &'static str {
        if self.purpose == Purpose::Check { "compared" } else { "done" }
    }

    fn count(&mut self, outcome: &UserState) {
        self.is_any_changed |= outcome.changed();
        if let Some(error) = outcome.error() {
            self.failed += 1;
            self.running += usize::from(error.is_about_running());
            self.interrupted += usize::from(error.code() == Code::Interrupted);
            return;
        }
        match outcome {
            state if state.changed() => self.changed += 1,
            UserState::Checked(checked) if !checked.is_in_state => self.differing += 1,
            UserState::Skipped(skip) => {
                self.skipped += 1;
                self.interrupted += usize::from(*skip == Skip::Interrupted);
            }
            _ => self.in_state += 1,
        }
    }
}

impl Outcome for UserResult {
    fn warnings(&self) -> &[Diagnostic] {
        match &self.state {
            UserState::Written(written) => &written.warnings,
            UserState::Checked(checked) => &checked.warnings,
            UserState::Removed(removal) => &removal.warnings,
            UserState::Skipped(_) | UserState::Failed(_) => &[],
        }
    }

    /// Returns nothing if nothing worth a line happened.
    fn text(&self, page: &Page) -> String {
        let styles = page.styles;
        let (style, is_news) = match &self.state {
            UserState::Written(_) | UserState::Removed(_) if self.state.error().is_none() => {
                (styles.added, self.state.changed() && !page.quiet)
            }
            UserState::Checked(checked) if !checked.is_in_state => (styles.error, true),
            UserState::Checked(_) => (styles.added, false),
            UserState::Skipped(skip) => (styles.hint, *skip == Skip::NoFolder),
            _ => (styles.error, true),
        };
        if !is_news && !page.verbose {
            return String::new();
        }
        let name = state_name(&self.state);
        let path = self.ini.as_deref().or(self.folder.as_deref());
        let path = path.map(|path| format!(": {}", path.display())).unwrap_or_default();
        let mut text = format!("{style}{name:<8}{style:#} {}{path}\n", self.user);
        match &self.state {
            UserState::Written(written) if written.dry_run => {
                text.push_str(&indented(&written.diff(styles)));
            }
            UserState::Checked(checked) if !checked.is_in_state => {
                text.push_str(&checked.difference_lines(styles));
            }
            UserState::Skipped(skip) => {
                let _ = writeln!(text, "  {}", skip.meaning());
            }
            UserState::Failed(error) => {
                text.push_str(&diagnostic_text("", &Diagnostic::from(&**error), "  ", styles));
            }
            UserState::Removed(removal) => {
                if !page.quiet {
                    text.push_str(&indented(&removal.lines(styles)));
                }
                for failure in removal.failures() {
                    text.push_str(&diagnostic_text("", &failure, "  ", styles));
                }
            }
            UserState::Written(_) | UserState::Checked(_) => {}
        }
        text
    }

    fn json(&self) -> Json {
        let mut json = json!({
            "user": self.user,
            "folder": self.folder.as_deref().map(path_text),
            "ini": self.ini.as_deref().map(path_text),
            "status": state_name(&self.state),
        });
        let parts = match &self.state {
            UserState::Written(written) => {
                parts_of(written.json(), &["changes", "backup", "creates", "warnings"])
            }
            UserState::Checked(checked) => parts_of(checked.json(), &["differences", "warnings"]),
            UserState::Removed(removal) => {
                let on_failure = &["changed", "error", "errors"][..];
                let names = removal.error().map_or(&[][..], |_| on_failure);
                parts_of(removal.json(), &[names, &["removed", "kept", "warnings"]].concat())
            }
            UserState::Skipped(skip) => {
                vec![("reason", json!(skip)), ("message", json!(skip.meaning()))]
            }
            UserState::Failed(error) => {
                vec![("changed", json!(error.changed())), ("error", error.json())]
            }
        };
        for (name, part) in parts {
            json[name] = part;
        }
        json
    }
}

fn parts_of(mut json: Json, names: &[&'static str]) -> Vec<(&'static str, Json)> {
    let mut take = |name| json.as_object_mut()?.shift_remove(name);
    names.iter().filter_map(|name| Some((*name, take(*name)?))).collect()
}

fn state_name(state: &UserState) -> &'static str {
    match state {
        state if state.error().is_some() => "failed",
        state if state.changed() => "changed",
        UserState::Checked(checked) if !checked.is_in_state => "differs",
        UserState::Skipped(_) => "skipped",
        _ => "in-state",
    }
}

impl Outcome for Summary {
    fn status(&self) -> ExitStatus {
        match self.error() {
            Some(error) => error.code.exit_status(),
            None if self.differing > 0 || (self.purpose == Purpose::Check && self.is_nobody()) => {
                ExitStatus::No
            }
            None => ExitStatus::Done,
        }
    }

    fn changed(&self) -> bool {
        self.is_any_changed
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn failures(&self) -> Vec<Diagnostic> {
        Vec::from_iter(self.error())
    }

    fn text(&self, page: &Page) -> String {
        if page.quiet {
            return String::new();
        }
        let [changed, in_state] = self.purpose.words(self.dry_run);
        let parts = [
            (self.changed, changed),
            (self.differing, "not in state"),
            (self.in_state, in_state),
            (self.skipped, "skipped"),
            (self.failed, "failed"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        // Skipped users aren't worth a line, unless there are no others. With -v, they had one already.
        let is_shown = |user: &&UserResult| self.is_nobody() && user.text(page).is_empty();
        let verbose = Page { verbose: true, ..*page };
        let skips: String = self.skips.iter().filter(is_shown).map(|user| user.text(&verbose)).collect();
        format!("{skips}{}: {}\n", Count(self.total, "user"), parts.join(", "))
    }

    fn json(&self) -> Json {
        let error = self.error();
        let mut json = json!({"ok": error.is_none()});
        if self.purpose == Purpose::Check {
            json["in_state"] = json!(error.is_none() && self.differing == 0 && !self.is_nobody());
        } else {
            json["changed"] = json!(self.changed());
            json["dry_run"] = json!(self.dry_run);
        }
        json["profiles"] = json!(self.results);
        json["counts"] = json!({
            "total": self.total,
            "changed": self.changed,
            "in_state": self.in_state,
            "differs": self.differing,
            "skipped": self.skipped,
            "failed": self.failed,
        });
        // The warnings of a user are in that user's result.
        json["warnings"] = json!(self.own_warnings);
        if let Some(error) = error {
            json["error"] = json!(error);
        }
        json
    }
}

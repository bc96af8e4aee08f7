//! What `uninstall` removes for one user and what it keeps, for people and for scripts.

use std::fmt::Write as _;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::commands::error::Error;
use crate::commands::outcome::Outcome;
use crate::diagnostic::{Code, Diagnostic, ExitStatus, ToDiagnostic as _};
use crate::hook::event::Event;
use crate::page::{Page, Styles, path_text};

/// What was removed for one user, or would be.
#[derive(Debug, Default)]
pub struct Removal {
    /// The inis that were searched for hooks.
    pub inis: Vec<PathBuf>,
    /// What was removed.
    pub removed: Vec<Item>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// Whether this is a dry run.
    pub dry_run: bool,
    /// Warnings about the work.
    pub warnings: Vec<Diagnostic>,
    /// Why something couldn't be removed.
    errors: Vec<Error>,
}

/// Something that can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The hook of an event, and what it runs.
    Hook { ini: PathBuf, event: Event, runs: String },
    /// A file.
    File(PathBuf),
    /// An empty folder.
    Folder(PathBuf),
    /// MicroSIP's registration for a kind of link.
    Link(String),
    /// The name and the icon with which Windows shows notifications.
    NotificationName,
}

/// Something that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is.
    pub item: Item,
    /// Why it stays.
    pub why: &'static str,
}

impl Removal {
    /// Returns a removal that has found nothing yet.
    pub fn new(dry_run: bool) -> Removal {
        Removal { dry_run, ..Removal::default() }
    }

    /// Keeps the error of a step. The other steps are done nevertheless, except after Ctrl-C and while MicroSIP is
    /// running: its hooks would make files again.
    pub fn note(&mut self, step: Result<(), Error>) -> ControlFlow<()> {
        let Err(error) = step else { return ControlFlow::Continue(()) };
        let is_last = error.code() == Code::Interrupted || error.is_about_running();
        let is_known = self.errors.iter().any(|other| Diagnostic::from(other) == Diagnostic::from(&error));
        if !is_known {
            self.errors.push(error);
        }
        if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Adds a file that was removed, or keeps the error.
    pub fn note_file(&mut self, file: &Path, removed: io::Result<()>) {
        match removed {
            Ok(()) => self.removed.push(Item::File(file.to_path_buf())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.errors.push(not_removed(file, &error)),
        }
    }

    /// Returns whether there was nothing to remove, to keep or to report.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.kept.is_empty() && self.errors.is_empty()
    }

    /// Returns the error that says best what to do next.
    pub fn error(&self) -> Option<&Error> {
        let rank = |error: &&Error| match error.code() {
            Code::Interrupted => 0,
            _ if error.is_about_running() => 2,
            _ => 1,
        };
        self.errors.iter().min_by_key(rank)
    }

    /// Returns one line for each thing.
    pub fn lines(&self, Styles { hint, .. }: Styles) -> String {
        let verb = if self.dry_run { "Would remove" } else { "Removed" };
        let mut text = String::new();
        for item in &self.removed {
            let _ = writeln!(text, "{verb} {item}");
        }
        for Kept { item, why } in &self.kept {
            let _ = writeln!(text, "{hint}Kept{hint:#} {item} ({why})");
        }
        text
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Item::Hook { ini, event, runs } => {
                write!(f, "the hook of {event} in {}: {runs}", ini.display())
            }
            Item::File(path) => write!(f, "{}", path.display()),
            Item::Folder(path) => write!(f, "the folder {}", path.display()),
            Item::Link(scheme) => write!(f, "MicroSIP's registration for {scheme}: links"),
            Item::NotificationName => f.write_str("the name and the icon of msipcfg's notifications"),
        }
    }
}

impl Item {
    fn json(&self) -> Json {
        match self {
            Item::Hook { ini, event, runs } => {
                json!({"what": "hook", "ini": path_text(ini), "event": event.name(), "runs": runs})
            }
            Item::File(path) => json!({"what": "file", "path": path_text(path)}),
            Item::Folder(path) => json!({"what": "folder", "path": path_text(path)}),
            Item::Link(scheme) => json!({"what": "link", "scheme": scheme}),
            Item::NotificationName => json!({"what": "notification-name"}),
        }
    }
}

impl Outcome for Removal {
    fn status(&self) -> ExitStatus {
        self.error().map_or(ExitStatus::Done, |error| error.code().exit_status())
    }

    fn changed(&self) -> bool {
        !self.removed.is_empty() || self.errors.iter().any(Error::changed)
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn failures(&self) -> Vec<Diagnostic> {
        self.errors.iter().map(Diagnostic::from).collect()
    }

    fn text(&self, page: &Page) -> String {
        if page.quiet && !self.dry_run {
            return String::new();
        }
        let is_done = self.removed.is_empty() && self.errors.is_empty();
        let nothing = if is_done { "Nothing to remove.\n" } else { "" };
        format!("{nothing}{}", self.lines(page.styles))
    }

    fn json(&self) -> Json {
        let kept = |Kept { item, why }: &Kept| {
            let mut json = item.json();
            json["why"] = json!(why);
            json
        };
        let mut json = json!({
            "ok": self.errors.is_empty(),
            "changed": self.changed(),
            "dry_run": self.dry_run,
            "inis": self.inis.iter().map(|ini| path_text(ini)).collect::<Vec<_>>(),
            "removed": self.removed.iter().map(Item::json).collect::<Vec<_>>(),
            "kept": self.kept.iter().map(kept).collect::<Vec<_>>(),
            "warnings": self.warnings,
        });
        if let Some(error) = self.error() {
            json["error"] = error.json();
            json["errors"] = self.errors.iter().map(Error::json).collect();
        }
        json
    }
}

/// Returns the error that a file can't be removed.
pub fn not_removed(path: &Path, error: &io::Error) -> Error {
    let message = format!("{} couldn't be removed: {error}", path.display());
    Diagnostic::new(Code::FileWrite, message)
        .with_hint(
            "close the programs that have it open, check that you may remove it, then run the command again",
        )
        .into()
}

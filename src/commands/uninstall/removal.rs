//! What `uninstall` removes for one user and what it keeps, for people and for scripts.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::commands::error::Error;
use crate::commands::outcome::Outcome;
use crate::diagnostic::{Code, Diagnostic};
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

    /// Adds to an error whether something was removed before it.
    pub fn note_in(&self, error: Error) -> Error {
        if error.changed() || self.dry_run || self.removed.is_empty() {
            return error;
        }
        Error::Plain { diagnostic: Diagnostic::from(&error), changed: true }
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
    fn changed(&self) -> bool {
        !self.removed.is_empty()
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn text(&self, page: &Page) -> String {
        if page.quiet && !self.dry_run {
            return String::new();
        }
        let nothing = if self.removed.is_empty() { "Nothing to remove.\n" } else { "" };
        format!("{nothing}{}", self.lines(page.styles))
    }

    fn json(&self) -> Json {
        let kept = |Kept { item, why }: &Kept| {
            let mut json = item.json();
            json["why"] = json!(why);
            json
        };
        json!({
            "ok": true,
            "changed": self.changed(),
            "dry_run": self.dry_run,
            "inis": self.inis.iter().map(|ini| path_text(ini)).collect::<Vec<_>>(),
            "removed": self.removed.iter().map(Item::json).collect::<Vec<_>>(),
            "kept": self.kept.iter().map(kept).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
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

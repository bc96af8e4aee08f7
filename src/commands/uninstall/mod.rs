//! `uninstall`: removes the hooks that start the runner, the actions, the backups, the calls database and what is in
//! the registry. Each step can be repeated, so a run that was interrupted is continued by the next one.

mod data;
mod ini;
mod many;
mod registry;
pub mod removal;

use std::io;
use std::path::Path;
use std::time::Instant;

use crate::actions::data_folder::DataFolder;
use crate::diagnostic::{Code, Diagnostic};
use crate::microsip::desktop;
use crate::microsip::instances::Processes;
use crate::microsip::locate::{self, LocateError};
use crate::platform::{self, PinnedDir};
use crate::request::{IniChoice, Purge, UninstallRequest, UninstallUsers};

use super::context::Context;
use super::error::Error;
use super::ini::Ini;
use super::outcome::Outcome;
use data::Data;
use ini::Cleaning;
use removal::{Item, Kept, Removal};

/// Removes what msipcfg made for this user or for many.
///
/// # Errors
/// Nobody was asked, or there are no users. Why something couldn't be removed is in the outcome.
pub fn run(request: &UninstallRequest, context: &mut Context<'_>) -> Result<Box<dyn Outcome>, Error> {
    if request.purge == Purge::Ask {
        let message = "uninstall asks before it removes anything, but it can't ask here";
        return Err(Diagnostic::new(Code::Usage, message)
            .with_hint("add --yes to remove it without a question, or --dry-run to list it")
            .into());
    }
    let processes = Processes::default();
    let cleaning = Cleaning { all_hooks: request.all_hooks, options: request.options, processes: &processes };
    match &request.users {
        UninstallUsers::Own(choice) => {
            let mut removal = Removal::new(request.options.dry_run);
            let cleaned = clean_own(choice, cleaning, &mut removal, context);
            removal.note(cleaned);
            Ok(Box::new(removal))
        }
        UninstallUsers::Many(many) => Ok(Box::new(many::run(many, cleaning, context)?)),
    }
}

/// Removes what msipcfg made for the user who runs it. The hooks come first: without them, nothing is made again.
fn clean_own(
    choice: &IniChoice,
    cleaning: Cleaning<'_>,
    removal: &mut Removal,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    removal.warnings.extend(desktop::other_user_warning());
    let until = Instant::now() + cleaning.options.timeout;
    for ini in inis(choice, context)? {
        let mut cleaning = cleaning;
        cleaning.options.timeout = until.saturating_duration_since(Instant::now());
        cleaning.clean(&ini, removal, context)?;
    }
    if let Some(folder) = DataFolder::of(context.env) {
        let open = || open_own(folder.path());
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => removal.kept.push(Kept {
                item: Item::File(folder.path().to_path_buf()),
                why: "it's a link or a file, and msipcfg follows no links here",
            }),
            Err(error) => return Err(not_opened(folder.path(), &error).into()),
            Ok(None) => {}
            Ok(Some(_)) => {
                let open = || open().map_err(|error| not_opened(folder.path(), &error).into());
                Data { open: &open, owner: None }.clean(removal, context)?;
            }
        }
    }
    if let Some(mut registry) = platform::class_registry() {
        registry::clean(registry.as_mut(), removal)?;
    }
    Ok(())
}

/// Returns the named ini, or all of this user's.
fn inis(choice: &IniChoice, context: &Context<'_>) -> Result<Vec<Ini>, Error> {
    let paths = match &choice.path {
        Some(path) => vec![path.clone()],
        None => match locate::all(context.env) {
            Ok(found) => found.into_iter().map(|candidate| candidate.ini).collect(),
            Err(LocateError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        },
    };
    paths.into_iter().map(|path| Ini::at(path, choice, context.fs)).collect()
}

/// Opens this user's folder without following a link in its place.
fn open_own(path: &Path) -> io::Result<Option<PinnedDir>> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(None);
    };
    match PinnedDir::open(above).and_then(|above| above.enter(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn not_opened(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("{} couldn't be opened: {error}", path.display());
    Diagnostic::new(Code::FileRead, message).with_hint("check that you may read it")
}

//! `uninstall`: removes the hooks that start the runner, the actions, the backups, the calls database and what is in
//! the registry. Each step can be repeated, so a run that was interrupted is continued by the next one.

mod data;
mod ini;
mod many;
mod registry;
pub mod removal;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
        let message = "uninstall asks before it removes anything, but it can't ask without a terminal, with --json or with \
                       --no-input";
        return Err(Diagnostic::new(Code::Usage, message)
            .with_hint("add --yes to remove everything without a question, or --dry-run to list what would be removed")
            .into());
    }
    let processes = Processes::default();
    let cleaning = Cleaning { all_hooks: request.all_hooks, options: request.options, processes: &processes };
    match &request.users {
        UninstallUsers::Own(choice) => {
            let mut removal = Removal::new(request.options.dry_run);
            let _ = clean_own(choice, cleaning, &mut removal, context);
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
) -> ControlFlow<()> {
    removal.warnings.extend(desktop::other_user_warning());
    let until = Instant::now() + cleaning.options.timeout;
    let inis = inis(choice, removal, context)?;
    for ini in inis.iter().filter(|ini| ini.exists) {
        let mut cleaning = cleaning;
        cleaning.options.timeout = until.saturating_duration_since(Instant::now());
        cleaning.remove_hooks(ini, removal, context)?;
    }
    for ini in &inis {
        cleaning.remove_files(ini, removal, context)?;
    }
    if let Some(folder) = DataFolder::of(context.env) {
        let patience = data::patience(cleaning.options.timeout);
        clean_own_data(folder.path(), patience, removal, context)?;
    }
    match platform::class_registry() {
        Some(mut registry) => {
            let step = registry::clean(registry.as_mut(), removal);
            removal.note(step)
        }
        None => ControlFlow::Continue(()),
    }
}

/// Returns the named ini, or all of this user's. Those that don't exist are included: files that msipcfg made may still
/// be next to where they were.
fn inis(choice: &IniChoice, removal: &mut Removal, context: &Context<'_>) -> ControlFlow<(), Vec<Ini>> {
    let mut paths = Vec::from_iter(choice.path.clone());
    if paths.is_empty() {
        match locate::all(context.env) {
            Ok(found) => paths.extend(found.into_iter().map(|candidate| candidate.ini)),
            Err(LocateError::NotFound { .. }) => {}
            Err(error) => removal.note(Err(error.into()))?,
        }
        for place in locate::places(context.env) {
            let is_same = |path: &PathBuf| context.fs.is_same_file(path, &place).unwrap_or(*path == place);
            if !paths.iter().any(is_same) {
                paths.push(place);
            }
        }
    }
    let mut inis = Vec::new();
    for path in paths {
        let missing = Ini::plain(std::path::absolute(&path).unwrap_or_else(|_| path.clone()), None, false);
        inis.push(match Ini::at(path, choice, context.fs) {
            Ok(ini) => ini,
            Err(error @ Error::NotThere { .. }) => {
                removal.warnings.extend(choice.path.as_ref().map(|_| without_ini(&error)));
                missing
            }
            Err(error) => {
                removal.note(Err(error))?;
                missing
            }
        });
    }
    ControlFlow::Continue(inis)
}

/// Returns the warning that the named ini doesn't exist.
fn without_ini(error: &Error) -> Diagnostic {
    let message = format!("{error}, so msipcfg looked only for its own files in that folder, not for hooks");
    Diagnostic::new(Code::IniNotFound, message).with_hint("check the path")
}

/// Removes this user's calls database and what belongs to it, unless a link is in its place.
fn clean_own_data(
    folder: &Path,
    patience: Duration,
    removal: &mut Removal,
    context: &Context<'_>,
) -> ControlFlow<()> {
    let open = || open_own(folder);
    if open().is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory) {
        removal.kept.push(Kept {
            item: Item::File(folder.to_path_buf()),
            why: "it isn't a folder, or it's a link, which msipcfg doesn't follow here",
        });
        return ControlFlow::Continue(());
    }
    let open = || open().map_err(|error| not_opened(folder, &error).into());
    Data { open: &open, owner: None, patience }.clean(removal, context)
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

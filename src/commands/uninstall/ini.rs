//! Removes the hooks from an ini, and the files that msipcfg made next to it.

use std::io;
use std::path::{Path, PathBuf};

use crate::commands::backups::folder_error;
use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::hook_actions;
use crate::commands::ini::Ini;
use crate::commands::record;
use crate::commands::runner_command::command_of;
use crate::commands::write::{Draft, Write};
use crate::diagnostic::Code;
use crate::edit::backup::{self, MadeBy};
use crate::edit::lock::Lock;
use crate::edit::plan::Edit;
use crate::edit::{companion, transaction};
use crate::hook::command;
use crate::hook::event::Event;
use crate::hook::runner;
use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::ini::name::KeyPath;
use crate::microsip::instances::Processes;
use crate::platform::FileSystem;
use crate::request::WriteOptions;

use super::removal::{Item, Kept, Removal, not_removed};

/// How inis are cleaned.
#[derive(Clone, Copy)]
pub struct Cleaning<'a> {
    /// Whether hooks that start other programs than the runner are removed, too.
    pub all_hooks: bool,
    /// How an ini is written.
    pub options: WriteOptions,
    /// Where instances that use an ini are looked for.
    pub processes: &'a Processes,
}

impl Cleaning<'_> {
    /// Removes the hooks and the actions, and then the other files.
    ///
    /// # Errors
    /// As [`Write::run`], or a file can't be removed.
    pub fn clean(&self, ini: &Ini, removal: &mut Removal, context: &mut Context<'_>) -> Result<(), Error> {
        removal.inis.push(ini.path.clone());
        // writing removes them, even if it has nothing to write
        let leftovers = transaction::leftovers(ini.file.to_open(), context.fs);
        self.remove_hooks(ini, removal, context)?;
        let made = if self.options.dry_run {
            made_files(ini, context.fs)?
        } else {
            remove_made_files(ini, context)?
        };
        let files = leftovers.into_iter().chain(made);
        removal.removed.extend(files.map(|path| Item::File(ini.file.shown_for(&path))));
        Ok(())
    }

    /// Removes the hooks, and the file with the actions in the same transaction.
    fn remove_hooks(&self, ini: &Ini, removal: &mut Removal, context: &mut Context<'_>) -> Result<(), Error> {
        let (all_hooks, fs) = (self.all_hooks, context.fs);
        let (mut hooks, mut programs) = (Vec::new(), Vec::new());
        let write = Write { ini, options: self.options, made_by: MadeBy::Edit, processes: self.processes };
        let written = write.run(context, &mut |ini, current| {
            let decoded = ini.decode_or_first_run(current)?;
            let found = hooks_of(ini, &decoded.document);
            let is_removed = |hook: &Hook| hook.is_runner || all_hooks;
            let (removed, kept) = found.into_iter().partition::<Vec<Hook>, _>(is_removed);
            let edit = |hook: &Hook| Ok(Edit::Unset { path: KeyPath::in_settings(hook.event.key())? });
            let edits = removed.iter().map(edit).collect::<Result<Vec<Edit>, Error>>()?;
            let items = |hooks: Vec<Hook>| hooks.into_iter().map(|hook| hook.item).collect();
            (hooks, programs) = (items(removed), items(kept));
            let actions = hook_actions::replaced(ini, None, fs)?;
            // an ini without hooks stays as it is, whatever its encoding
            let draft = if edits.is_empty() {
                Draft::nothing()
            } else {
                Draft::of_edits(decoded, &edits, Vec::new())?
            };
            Ok(Draft { actions, ..draft })
        })?;
        let has_hooks = !hooks.is_empty();
        removal.removed.append(&mut hooks);
        removal.removed.extend(written.actions.map(|actions| Item::File(actions.file)));
        let kept = |item| Kept { item, why: "your own program; --all-hooks removes it" };
        removal.kept.extend(programs.into_iter().map(kept));
        // a MicroSIP makes no difference to an ini without hooks
        let warnings = written.warnings.into_iter();
        removal.warnings.extend(warnings.filter(|one| has_hooks || one.code != Code::MicrosipRunning));
        Ok(())
    }
}

/// A hook in an ini.
struct Hook {
    event: Event,
    /// Whether it starts the runner.
    is_runner: bool,
    item: Item,
}

/// Returns the hooks of an ini. An empty command runs nothing; its line shows which MicroSIP wrote the ini.
fn hooks_of(ini: &Ini, document: &IniDocument) -> Vec<Hook> {
    let hook = |event: &Event| {
        let value = lookup::value(document, "Settings", event.key(), command::READ_LIMIT)?;
        let is_runner = command_of(*event, document).is_some_and(|command| runner::is_runner(&command));
        let runs = String::from_utf16_lossy(&value);
        let item = Item::Hook { ini: ini.path.clone(), event: *event, runs };
        (!value.is_empty()).then_some(Hook { event: *event, is_runner, item })
    };
    Event::ALL.iter().filter_map(hook).collect()
}

/// Returns the files next to an ini that msipcfg made, without the actions and what a killed run left behind.
fn made_files(ini: &Ini, fs: &dyn FileSystem) -> Result<Vec<PathBuf>, Error> {
    let path = ini.file.to_open();
    let mut files = Vec::new();
    for backed_up in [path, &companion::path_for(path)] {
        let backups = backup::list(backed_up, fs).map_err(|error| folder_error(&ini.path, &error))?;
        files.extend(backups.into_iter().map(|backup| backup.path));
    }
    let record = record::path_for(ini).to_open().to_path_buf();
    let is_file = |path: &Path| fs.link_metadata(path).is_ok_and(|metadata| metadata.is_file());
    files.extend(Some(record).filter(|path| is_file(path)));
    Ok(files)
}

fn remove_made_files(ini: &Ini, context: &Context<'_>) -> Result<Vec<PathBuf>, Error> {
    if made_files(ini, context.fs)?.is_empty() {
        return Ok(Vec::new());
    }
    let _lock = Lock::acquire(ini.file.to_open(), context.fs, context.stop)?;
    let files = made_files(ini, context.fs)?;
    for path in &files {
        match context.fs.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(not_removed(&ini.file.shown_for(path), &error));
            }
            _ => {}
        }
    }
    Ok(files)
}

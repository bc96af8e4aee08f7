//! Removes the hooks from an ini, and the files that msipcfg made next to it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::commands::backups::folder_error;
use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::ini::Ini;
use crate::commands::record;
use crate::commands::runner_command::command_of;
use crate::commands::write::{Draft, Write};
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::backup::{self, MadeBy};
use crate::edit::lock::{Lock, LockError};
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

use super::removal::{Item, Kept, Removal};

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
    /// Removes the hooks.
    pub fn remove_hooks(
        &self,
        ini: &Ini,
        removal: &mut Removal,
        context: &mut Context<'_>,
    ) -> ControlFlow<()> {
        removal.inis.push(ini.path.clone());
        // writing removes them, even if it has nothing to write
        let mut leftovers = transaction::leftovers(ini.file.to_open(), context.fs);
        let step = self.write_without_hooks(ini, removal, context);
        leftovers.retain(|path| context.fs.link_metadata(path).is_err());
        removal.removed.extend(leftovers.iter().map(|path| Item::File(ini.file.shown_for(path))));
        removal.note(step)
    }

    /// Removes the files next to an ini that msipcfg made. They are recognized by their names, and what they contain
    /// isn't read.
    pub fn remove_files(&self, ini: &Ini, removal: &mut Removal, context: &Context<'_>) -> ControlFlow<()> {
        let fs = context.fs;
        // listed before the lock is acquired, because they are another run's while that holds it
        let leftovers = transaction::leftovers(ini.file.to_open(), fs);
        let made = match Made::next_to(ini, fs) {
            Ok(made) => made,
            Err(error) => return removal.note(Err(error)),
        };
        removal.kept.extend(
            made.others
                .iter()
                .map(|path| Kept { item: Item::File(ini.file.shown_for(path)), why: "not made by msipcfg" }),
        );
        if self.options.dry_run || (leftovers.is_empty() && made.files.is_empty()) {
            let files = made.files.iter().chain(&leftovers);
            removal.removed.extend(files.map(|path| Item::File(ini.file.shown_for(path))));
            return ControlFlow::Continue(());
        }
        let lock = match Lock::acquire(ini.file.to_open(), fs, context.stop) {
            Ok(lock) => lock,
            // hooks may have been removed before
            Err(LockError::Stopped) => {
                let message = format!("Cancelled while another msipcfg was editing {}", ini.path.display());
                let error = Diagnostic::new(Code::Interrupted, message);
                return removal.note(Err(error.with_hint("run the command again to remove the rest").into()));
            }
            Err(error) => return removal.note(Err(error.into())),
        };
        // listed again, because another run may have edited the ini until now
        let files = Made::next_to(ini, fs).map_or(made.files, |made| made.files);
        let lock_file = lock.path().to_path_buf();
        for path in files.iter().chain(&leftovers).filter(|path| **path != lock_file) {
            removal.note_file(&ini.file.shown_for(path), fs.remove(path));
        }
        drop(lock);
        if leftovers.contains(&lock_file) {
            removal.removed.push(Item::File(ini.file.shown_for(&lock_file)));
        }
        ControlFlow::Continue(())
    }

    fn write_without_hooks(
        &self,
        ini: &Ini,
        removal: &mut Removal,
        context: &mut Context<'_>,
    ) -> Result<(), Error> {
        let all_hooks = self.all_hooks;
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
            // an ini without hooks stays as it is, whatever its encoding
            if edits.is_empty() { Ok(Draft::nothing()) } else { Draft::of_edits(decoded, &edits, Vec::new()) }
        });
        let kept = |item| Kept { item, why: "your own program; --all-hooks removes it" };
        removal.kept.extend(programs.into_iter().map(kept));
        let has_hooks = !hooks.is_empty();
        if written.as_ref().map_or_else(Error::changed, |_| true) {
            removal.removed.append(&mut hooks);
        }
        // a MicroSIP makes no difference to an ini without hooks
        let warnings = written?.warnings.into_iter();
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

/// The files next to an ini with names that msipcfg gives, without what a killed run left behind.
struct Made {
    /// Those that msipcfg made.
    files: Vec<PathBuf>,
    /// What has such a name and is something else.
    others: Vec<PathBuf>,
}

impl Made {
    fn next_to(ini: &Ini, fs: &dyn FileSystem) -> Result<Made, Error> {
        let path = ini.file.to_open();
        let actions = companion::path_for(path);
        let mut made = Made { files: Vec::new(), others: Vec::new() };
        // a link is removed itself, and a folder or a pipe is somebody else's
        match fs.link_metadata(&actions) {
            Ok(metadata) if metadata.is_file() || metadata.is_symlink() => made.files.push(actions.clone()),
            Ok(_) => made.others.push(actions.clone()),
            Err(_) => {}
        }
        for backed_up in [path, &actions] {
            let backups = backup::list(backed_up, fs).map_err(|error| folder_error(&ini.path, &error))?;
            made.files.extend(backups.into_iter().map(|backup| backup.path));
        }
        let record = record::path_for(ini).to_open().to_path_buf();
        let is_file = |path: &Path| fs.link_metadata(path).is_ok_and(|metadata| metadata.is_file());
        made.files.extend(Some(record).filter(|path| is_file(path)));
        Ok(made)
    }
}

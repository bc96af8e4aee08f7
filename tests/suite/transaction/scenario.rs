//! Whole transactions that are run again and again, with something going wrong at a different point each time.

use std::cell::Cell;
use std::fs::File;
use std::path::Path;

use msipcfg::edit::backup::BackupPolicy;
use msipcfg::edit::transaction::Step;
use msipcfg::platform::FileSystem;

use super::actions::OLD_ACTIONS;
use super::faulty_fs::FaultyFs;
use super::harness::TestEdit::SetVad;
use super::harness::{
    BOTH, IniState, Moment, NEW, NO_BACKUP, OLD, ONE_BACKUP, OTHERS, TestEdit, TestResult, TestRun, at,
    write_in_place,
};
use crate::sandbox::Sandbox;

/// A file in the sandbox's home that shows that the other writer has saved its change.
pub(super) const OTHER_WRITER_RAN: &str = "home/other-writer-ran";

/// What happens around a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    /// Nothing happens.
    Plain,
    /// There is no ini yet.
    Create,
    /// No backup is wanted.
    NoBackup,
    /// There are as many backups as are kept.
    ManyBackups,
    /// The file system has no hard links.
    NoLinks,
    /// Another program writes to the ini directly before it is replaced.
    WrittenTo,
    /// The same, and no backup is wanted.
    WrittenToWithoutBackup,
    /// A MicroSIP starts as the ini is replaced, and saves what it had read before.
    MicrosipStarted,
    /// A MicroSIP starts as the ini is replaced, and saves nothing.
    MicrosipStartedAndSavedNothing,
    /// The ini is deleted.
    Delete,
    /// The ini is deleted, and another program writes to it directly before.
    DeleteWrittenTo,
    /// The ini is deleted on a file system without hard links.
    DeleteWithoutLinks,
    /// The file with the actions changes before the ini.
    AddActions,
    /// The same, and another program writes to the ini directly before it is replaced.
    AddActionsWrittenTo,
    /// The file with the actions is removed after the ini has changed.
    RemoveActions,
}

pub(super) const SCENARIOS: [Scenario; 15] = [
    Scenario::Plain,
    Scenario::Create,
    Scenario::NoBackup,
    Scenario::ManyBackups,
    Scenario::NoLinks,
    Scenario::WrittenTo,
    Scenario::WrittenToWithoutBackup,
    Scenario::MicrosipStarted,
    Scenario::MicrosipStartedAndSavedNothing,
    Scenario::Delete,
    Scenario::DeleteWrittenTo,
    Scenario::DeleteWithoutLinks,
    Scenario::AddActions,
    Scenario::AddActionsWrittenTo,
    Scenario::RemoveActions,
];

impl Scenario {
    pub fn by_name(name: &str) -> Scenario {
        SCENARIOS.into_iter().find(|scenario| format!("{scenario:?}") == name).unwrap()
    }

    pub fn sandbox(self) -> Sandbox {
        if self == Scenario::Create {
            return Sandbox::new();
        }
        let sandbox = Sandbox::with_ini(OLD.bytes());
        if matches!(self.edit(), TestEdit::AddActions | TestEdit::RemoveActions) {
            sandbox.write("MicroSIP.hooks.toml", OLD_ACTIONS);
        }
        if self == Scenario::ManyBackups {
            for second in 0..3 {
                let name = format!("MicroSIP.ini.2020010{second}T000000.000Z.bak");
                sandbox.write(&name, OLD.bytes());
            }
        }
        sandbox
    }

    pub fn fs<'a>(self) -> FaultyFs<'a> {
        match self {
            Scenario::NoLinks | Scenario::DeleteWithoutLinks => FaultyFs::without_links(),
            _ => FaultyFs::default(),
        }
    }

    pub fn is_written_to(self) -> bool {
        matches!(
            self,
            Scenario::WrittenTo
                | Scenario::WrittenToWithoutBackup
                | Scenario::DeleteWrittenTo
                | Scenario::AddActionsWrittenTo
        )
    }

    pub fn edit(self) -> TestEdit {
        match self {
            Scenario::AddActions | Scenario::AddActionsWrittenTo => TestEdit::AddActions,
            Scenario::RemoveActions => TestEdit::RemoveActions,
            Scenario::Delete | Scenario::DeleteWrittenTo | Scenario::DeleteWithoutLinks => TestEdit::Delete,
            _ => SetVad,
        }
    }

    pub fn run(
        self,
        ini: &Path,
        fs: &dyn FileSystem,
        stop: &dyn Fn() -> bool,
        on_step: &dyn Fn(Moment),
    ) -> TestResult {
        let is_running = Cell::new(false);
        let save_other_change = || {
            write_in_place(ini, OTHERS);
            File::create(ini.with_file_name(OTHER_WRITER_RAN)).unwrap();
        };
        let does_start = matches!(self, Scenario::MicrosipStarted | Scenario::MicrosipStartedAndSavedNothing);
        TestRun {
            edit: self.edit(),
            fs,
            stop,
            backups: match self {
                Scenario::NoBackup | Scenario::WrittenToWithoutBackup => NO_BACKUP,
                Scenario::ManyBackups => BackupPolicy { keep: 3, ..ONE_BACKUP },
                _ => ONE_BACKUP,
            },
            is_running: &|moment| {
                if does_start && moment == at(Step::LookLast, 1) {
                    is_running.set(true);
                }
                is_running.get()
            },
            while_waiting: &|| {
                is_running.set(false);
                if self == Scenario::MicrosipStarted {
                    save_other_change();
                }
            },
            on_step: &|moment| {
                if self.is_written_to() && moment == at(Step::Replace, 1) {
                    save_other_change();
                }
                on_step(moment);
            },
            ..TestRun::default()
        }
        .run(ini)
    }

    /// Returns whether the ini may have this state at some moment.
    pub fn allows(self, state: Option<IniState>) -> bool {
        match (self, state) {
            (Scenario::Create, state) => state.is_none() || state == Some(NEW),
            (Scenario::DeleteWrittenTo, state) => [None, Some(OLD), Some(OTHERS)].contains(&state),
            (_, state) if self.final_state().is_none() => state.is_none() || state == Some(OLD),
            (_, state) if self.final_state() == Some(BOTH) => state.is_some(),
            (_, state) => state == Some(OLD) || state == Some(NEW),
        }
    }

    /// Returns whether the edit is done in this state.
    pub fn is_done(self, state: Option<IniState>) -> bool {
        match self.edit() {
            TestEdit::Delete => state.is_none(),
            _ => state.is_some_and(|state| state.vad == NEW.vad),
        }
    }

    /// Returns the state after a successful run.
    pub fn final_state(self) -> Option<IniState> {
        match self {
            Scenario::WrittenTo
            | Scenario::WrittenToWithoutBackup
            | Scenario::MicrosipStarted
            | Scenario::AddActionsWrittenTo => Some(BOTH),
            _ if self.edit() == TestEdit::Delete => None,
            _ => Some(NEW),
        }
    }
}

/// Returns whether the change of the other writer is in the ini, or at least in a file next to it.
pub(super) fn is_other_change_kept(sandbox: &Sandbox) -> bool {
    sandbox.names().iter().any(|name| {
        let bytes = std::fs::read(sandbox.path(name)).unwrap();
        String::from_utf8_lossy(&bytes).replace('\0', "").contains("volumeRing=55")
    })
}

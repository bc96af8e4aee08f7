//! The file with the actions, which changes together with the ini.

use std::cell::Cell;
use std::path::Path;

use msipcfg::edit::backup;
use msipcfg::edit::companion::{self, CompanionEdit, Order};
use msipcfg::edit::transaction::{Editor, NewContent, Step};
use msipcfg::ini::encoding::EncodingError;
use msipcfg::platform::SystemFs;

use super::harness::{IniState, NEW, OLD, TestEdit, TestRun, assert_no_unexpected_files};
use crate::sandbox::Sandbox;

/// The actions before and after an edit.
pub(super) const OLD_ACTIONS: &str = "[[ring]]\nopen = 'https://old.example/'\n";
pub(super) const NEW_ACTIONS: &str = "[[ring]]\nopen = 'https://new.example/'\n";

/// An edit of an ini and of its companion.
pub(super) struct EditOfBoth<'a> {
    pub edit: TestEdit,
    pub ini: &'a Path,
}

impl Editor for EditOfBoth<'_> {
    type Error = EncodingError;

    fn edit(&mut self, current: Option<&[u8]>) -> Result<Option<NewContent>, EncodingError> {
        self.edit.edit(current)
    }

    fn companion(&self) -> Option<CompanionEdit> {
        let current = companion::read(self.ini, &SystemFs).unwrap();
        let (new, order) = match self.edit {
            TestEdit::AddActions | TestEdit::OnlyActions => {
                (NewContent::Write(NEW_ACTIONS.into()), Order::BeforeIni)
            }
            TestEdit::RemoveActions => (NewContent::Delete, Order::AfterIni),
            TestEdit::SetVad | TestEdit::Delete => return None,
        };
        (new.bytes() != current.as_deref()).then_some(CompanionEdit { current, new, order })
    }

    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8> {
        self.edit.merge(old, saved, current)
    }
}

/// Returns the actions next to the ini.
pub(super) fn actions(sandbox: &Sandbox) -> Option<String> {
    companion::read(&sandbox.ini(), &SystemFs).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Returns what is wrong with the ini and the actions together: an ini that starts the runner, which is the new one in
/// `AddActions` and the old one in `RemoveActions`, has the actions for it.
pub(super) fn problem_with_actions(edit: TestEdit, sandbox: &Sandbox) -> Option<String> {
    let actions = actions(sandbox);
    let ini = IniState::of(&sandbox.ini());
    let is_consistent = match edit {
        TestEdit::AddActions if ini == Some(NEW) => actions.as_deref() == Some(NEW_ACTIONS),
        TestEdit::RemoveActions if ini == Some(OLD) => actions.as_deref() == Some(OLD_ACTIONS),
        TestEdit::AddActions | TestEdit::OnlyActions => {
            [Some(OLD_ACTIONS), Some(NEW_ACTIONS)].contains(&actions.as_deref())
        }
        TestEdit::RemoveActions => [Some(OLD_ACTIONS), None].contains(&actions.as_deref()),
        TestEdit::SetVad | TestEdit::Delete => actions.is_none(),
    };
    (!is_consistent).then(|| format!("the ini is {ini:?} with the actions {actions:?}"))
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    sandbox.write("MicroSIP.hooks.toml", OLD_ACTIONS);
    sandbox
}

#[test]
fn both_files_change_and_are_backed_up_as_a_pair() {
    for (edit, new) in [(TestEdit::AddActions, Some(NEW_ACTIONS)), (TestEdit::RemoveActions, None)] {
        let sandbox = sandbox();
        let result = TestRun { edit, ..TestRun::default() }.run(&sandbox.ini());
        let saved = result.outcome().backup.clone().unwrap();
        assert_eq!(IniState::of(&sandbox.ini()), Some(NEW));
        assert_eq!(actions(&sandbox).as_deref(), new);
        assert_eq!(IniState::of(&saved), Some(OLD));
        let saved = backup::companion_of(&sandbox.ini(), &saved, &SystemFs).unwrap();
        assert_eq!(saved.as_deref(), Some(OLD_ACTIONS.as_bytes()));
        let steps: Vec<Step> = result.moments.iter().map(|moment| moment.step).collect();
        let position = |step| steps.iter().position(|other| *other == step).unwrap();
        assert_eq!(position(Step::Actions) < position(Step::Replace), edit == TestEdit::AddActions);
    }
}

#[test]
fn a_change_of_the_actions_alone_waits_for_nobody() {
    let sandbox = Sandbox::with_ini(NEW.bytes());
    sandbox.write("MicroSIP.hooks.toml", OLD_ACTIONS);
    let run = TestRun {
        edit: TestEdit::OnlyActions,
        is_running: &|_| true,
        while_waiting: &|| panic!("it waits"),
        ..TestRun::default()
    };
    let result = run.run(&sandbox.ini());
    assert_eq!(actions(&sandbox).as_deref(), Some(NEW_ACTIONS));
    let saved = result.outcome().backup.clone().unwrap();
    assert_eq!(IniState::of(&saved), Some(NEW));
    assert!(!same_file::is_same_file(&saved, sandbox.ini()).unwrap());
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn an_ini_that_must_change_after_all_is_waited_for() {
    let sandbox = sandbox();
    let is_running = Cell::new(true);
    let run = TestRun {
        edit: TestEdit::OnlyActions,
        is_running: &|_| is_running.get(),
        while_waiting: &|| is_running.set(false),
        ..TestRun::default()
    };
    run.run(&sandbox.ini()).outcome();
    assert!(!is_running.get());
    assert_eq!((IniState::of(&sandbox.ini()), actions(&sandbox).as_deref()), (Some(NEW), Some(NEW_ACTIONS)));
}

#[test]
fn actions_that_another_program_changes_in_the_meantime_are_read_again() {
    let sandbox = sandbox();
    let has_written = Cell::new(false);
    let run = TestRun {
        edit: TestEdit::RemoveActions,
        on_step: &|moment| {
            if moment.step == Step::LookAgain && !has_written.replace(true) {
                sandbox.write("MicroSIP.hooks.toml", NEW_ACTIONS);
            }
        },
        ..TestRun::default()
    };
    let result = run.run(&sandbox.ini());
    result.outcome();
    assert_eq!((IniState::of(&sandbox.ini()), actions(&sandbox)), (Some(NEW), None));
}

#[test]
fn pruning_removes_pairs() {
    let sandbox = sandbox();
    for second in 0..3 {
        for name in ["MicroSIP.ini", "MicroSIP.hooks.toml"] {
            let bytes = if name == "MicroSIP.ini" { OLD.bytes() } else { OLD_ACTIONS.into() };
            sandbox.write(&format!("{name}.2020010{second}T000000.000Z.bak"), bytes);
        }
    }
    let backups = backup::BackupPolicy { keep: 2, ..super::harness::ONE_BACKUP };
    TestRun { edit: TestEdit::AddActions, backups, ..TestRun::default() }.run(&sandbox.ini()).outcome();
    let names = sandbox.names();
    let count =
        |start: &str| names.iter().filter(|name| name.starts_with(start) && name.ends_with(".bak")).count();
    assert_eq!((count("MicroSIP.ini."), count("MicroSIP.hooks.toml.")), (2, 2), "{names:?}");
}

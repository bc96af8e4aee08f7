//! File systems in which something fails.

use std::cell::Cell;
use std::io;
use std::path::Path;

use msipcfg::diagnostic::{Code, ExitStatus, ToDiagnostic};
use msipcfg::edit::transaction::TransactionOutcome;
use msipcfg::platform::{FileSystem, SystemFs};

use super::actions::problem_with_actions;
use super::faulty_fs::{Fault, FaultyFs};
use super::harness::{
    IniState, NEW, OLD, TestResult, TestRun, assert_no_unexpected_files, created, unexpected_files,
};
use super::scenario::{OTHER_WRITER_RAN, Scenario, is_other_change_kept};
use crate::sandbox::Sandbox;

const KINDS: [io::ErrorKind; 4] = [
    io::ErrorKind::StorageFull,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::Unsupported,
    io::ErrorKind::NotFound,
];

/// Runs a scenario once for each of its calls, in which that call fails, and checks what is left.
fn fail_everywhere(scenario: Scenario, fault_of: impl Fn(io::ErrorKind) -> Fault) {
    let mut problems = Vec::new();
    for kind in KINDS {
        for number in 1.. {
            let sandbox = scenario.sandbox();
            let fs = FaultyFs { fault: Some((number, fault_of(kind))), ..scenario.fs() };
            let result = scenario.run(&sandbox.ini(), &fs, &|| false, &|_| {});
            let Some(call) = fs.failed_call() else {
                assert!(number > 5, "{scenario:?} makes no calls");
                assert!(result.outcome().changed);
                break;
            };
            let place = format!("{scenario:?}, call {number} ({call}) fails with {kind:?}");
            problems.extend(
                problems_after(scenario, &sandbox, &result, call)
                    .into_iter()
                    .map(|problem| format!("{place}: {problem}; the result was {:?}", result.result)),
            );
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n\n"));
}

fn problems_after(scenario: Scenario, sandbox: &Sandbox, result: &TestResult, call: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let ini = sandbox.ini();
    let left = IniState::of(&ini);
    if !scenario.allows(left) {
        problems.push(format!("the ini is {left:?}"));
    }
    problems.extend(problem_with_actions(scenario.edit(), sandbox));
    let is_new = scenario.is_done(left);
    // without a link, the old file can't be compared after it was replaced, so a late change is lost
    let is_lost = call == "link" && scenario.is_written_to();
    match &result.result {
        Ok(outcome) => {
            if !outcome.changed || !is_new || (left != scenario.final_state() && !is_lost) {
                problems.push(format!("it succeeded, but the ini is {left:?}"));
            }
            if outcome.backup.as_ref().is_some_and(|backup| !backup.exists()) {
                problems.push("the reported backup doesn't exist".into());
            }
        }
        Err(error) => {
            // in this scenario MicroSIP undoes the edit, so both answers are true
            if error.changed != is_new && !(error.changed && scenario == Scenario::MicrosipStarted) {
                problems.push(format!("changed is {}, but the ini is {left:?}", error.changed));
            }
            if error.code().exit_status() != ExitStatus::File {
                problems.push(format!("the code is {}", error.code().name()));
            }
            let folder = ini.parent().unwrap().to_str().unwrap();
            if !error.to_string().contains(folder) || error.hint().is_none() {
                problems.push(format!("the message has no path or no hint: {error}"));
            }
        }
    }
    // a file that can't be removed stays until the next run
    let left_behind = unexpected_files(sandbox);
    if call != "remove" && !left_behind.is_empty() {
        problems.push(format!("these files are left: {left_behind:?}"));
    }
    if sandbox.path(OTHER_WRITER_RAN).exists() && !is_other_change_kept(sandbox) && !is_lost {
        problems.push("the other writer's change is missing".into());
    }
    let next = TestRun::default().run(&ini);
    if next.result.is_err() || IniState::of(&ini).is_none_or(|state| state.vad != NEW.vad) {
        problems.push(format!("the next run fails: {:?}", next.result));
    }
    let left_behind = unexpected_files(sandbox);
    if !left_behind.is_empty() {
        problems.push(format!("after the next run, these files are left: {left_behind:?}"));
    }
    problems
}

#[test]
fn a_failed_edit_leaves_a_complete_ini_and_a_true_result() {
    fail_everywhere(Scenario::Plain, Fault::Fails);
}

#[test]
fn a_file_that_windows_forbids_to_create_ends_the_edit_at_once() {
    // the lock, and the new ini
    for number in [1, 1 + LOCKING.len()] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        // Controlled folder access answers so
        let fault = Some((number, Fault::Fails(io::ErrorKind::NotFound)));
        let fs = FaultyFs { fault, ..FaultyFs::default() };
        let error = TestRun { fs: &fs, ..TestRun::default() }.run(&sandbox.ini()).result.unwrap_err();
        assert_eq!((fs.failed_call(), fs.calls.borrow().len()), (Some("create_temp"), number));
        assert_eq!(error.code(), Code::FileWrite);
        assert!(error.hint().unwrap().contains("Controlled folder access"), "{:?}", error.hint());
        assert_eq!(IniState::of(&sandbox.ini()), Some(OLD));
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn a_failed_edit_never_leaves_an_ini_without_its_actions() {
    for scenario in [Scenario::AddActions, Scenario::AddActionsWrittenTo, Scenario::RemoveActions] {
        fail_everywhere(scenario, Fault::Fails);
    }
}

#[test]
fn a_failed_creation_leaves_no_ini_or_a_complete_one() {
    fail_everywhere(Scenario::Create, Fault::Fails);
}

#[test]
fn a_failed_edit_without_backup_leaves_a_complete_ini() {
    fail_everywhere(Scenario::NoBackup, Fault::Fails);
}

#[test]
fn a_failure_while_pruning_leaves_a_complete_ini() {
    fail_everywhere(Scenario::ManyBackups, Fault::Fails);
}

#[test]
fn a_failed_edit_without_hard_links_leaves_a_complete_ini() {
    fail_everywhere(Scenario::NoLinks, Fault::Fails);
}

#[test]
fn a_failed_edit_keeps_the_other_writers_change() {
    fail_everywhere(Scenario::WrittenTo, Fault::Fails);
}

#[test]
fn a_failed_edit_without_backup_keeps_the_other_writers_change() {
    fail_everywhere(Scenario::WrittenToWithoutBackup, Fault::Fails);
}

#[test]
fn a_failure_after_microsip_undid_the_edit_has_a_true_result() {
    fail_everywhere(Scenario::MicrosipStarted, Fault::Fails);
}

#[test]
fn a_failure_after_microsip_started_has_a_true_result() {
    fail_everywhere(Scenario::MicrosipStartedAndSavedNothing, Fault::Fails);
}

#[test]
fn a_failed_deletion_has_a_true_result() {
    for scenario in [Scenario::Delete, Scenario::DeleteWrittenTo, Scenario::DeleteWithoutLinks] {
        fail_everywhere(scenario, Fault::Fails);
    }
}

#[test]
fn an_incomplete_write_never_reaches_the_ini_or_a_backup() {
    for scenario in [Scenario::Plain, Scenario::Create, Scenario::NoLinks, Scenario::WrittenTo] {
        fail_everywhere(scenario, Fault::FailsHalfway);
    }
}

/// A file system in which reading fails once, as on Windows when another program has the file open.
struct UnreadableFs {
    /// The number of reads until then.
    left: Cell<usize>,
}

impl FileSystem for UnreadableFs {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        if left == Some(0) { Err(io::ErrorKind::PermissionDenied.into()) } else { SystemFs.read(path) }
    }
}

#[test]
fn a_failed_read_leaves_no_leftovers() {
    let mut problems = Vec::new();
    for scenario in [Scenario::Plain, Scenario::NoBackup, Scenario::WrittenTo] {
        for number in 1.. {
            let sandbox = scenario.sandbox();
            let fs = UnreadableFs { left: Cell::new(number) };
            let result = scenario.run(&sandbox.ini(), &fs, &|| false, &|_| {});
            if result.result.is_ok() {
                assert!(number > 3, "{scenario:?}: read {number}");
                break;
            }
            problems.extend(problems_after(scenario, &sandbox, &result, "read").into_iter().map(|problem| {
                format!("{scenario:?}, read {number}: {problem}; the result was {:?}", result.result)
            }));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn without_hard_links_the_backup_is_a_synced_copy() {
    for rejects_link in
        [|_: &Path| true, |to: &Path| to.extension().is_some_and(|extension| extension == "bak")]
    {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let fs = FaultyFs { rejects_link: Some(rejects_link), ..FaultyFs::default() };
        let result = TestRun { fs: &fs, ..TestRun::default() }.run(&sandbox.ini());
        let backup = result.outcome().backup.clone().unwrap();
        assert_eq!(IniState::of(&backup), Some(OLD));
        assert_eq!(IniState::of(&sandbox.ini()), Some(NEW));
        assert_no_unexpected_files(&sandbox);
        let calls = fs.calls.borrow();
        let last = |name: &str| calls.iter().rposition(|call| *call == name).unwrap();
        assert_eq!(calls.iter().filter(|call| **call == "write").count(), 2, "{calls:?}");
        assert!(last("write") < last("sync") && last("sync") < last("replace"), "{calls:?}");
    }
}

#[test]
fn an_ini_is_created_without_hard_links() {
    let sandbox = Sandbox::new();
    let result = TestRun { fs: &FaultyFs::without_links(), ..TestRun::default() }.run(&sandbox.ini());
    assert_eq!(*result.outcome(), TransactionOutcome { changed: true, backup: None });
    assert_eq!(sandbox.ini_bytes(), created());
    assert_no_unexpected_files(&sandbox);
}

/// The calls that create the lock.
pub(super) const LOCKING: &[&str] = &["create_temp", "copy_access", "persist_new"];

#[test]
fn the_new_file_is_synced_before_it_replaces_the_ini() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let fs = FaultyFs::default();
    TestRun { fs: &fs, ..TestRun::default() }.run(&sandbox.ini()).outcome();
    let calls = fs.calls.borrow();
    let calls = calls.strip_prefix(LOCKING).unwrap();
    let place = |name: &str| calls.iter().position(|call| *call == name).unwrap();
    let places =
        ["create_temp", "copy_access", "write", "copy_attributes", "sync", "link", "replace", "sync_folder"]
            .map(place);
    assert!(places.is_sorted(), "{calls:?}");
}

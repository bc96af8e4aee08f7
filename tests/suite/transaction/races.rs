//! Other programs that change, create or delete the ini during a run.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use msipcfg::commands::{self, Context, RunEvent};
use msipcfg::desired::passwords::PasswordHasher;
use msipcfg::diagnostic::{Code, ExitStatus, ToDiagnostic};
use msipcfg::edit::backup;
use msipcfg::edit::transaction::{Progress, Step, TransactionErrorKind, TransactionOutcome};
use msipcfg::platform::{Env, SystemFs};
use msipcfg::request::{EditRequest, IniChoice, Request, ValueSource, WhileRunning, WriteOptions};

use super::harness::{
    BOTH, IniState, Moment, NEW, OLD, OTHERS, TestResult, TestRun, assert_no_unexpected_files, at,
    backup_states, created, write_in_place,
};
use crate::sandbox::{Sandbox, utf16};

/// Runs a transaction while another program writes to the ini at one moment.
fn written_to_at(moment: Moment) -> (Sandbox, TestResult) {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let on_step = |now: Moment| {
        if now == moment {
            let state = IniState::of(&ini).unwrap();
            write_in_place(&ini, IniState { ring: OTHERS.ring, ..state });
        }
    };
    let result = TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini);
    (sandbox, result)
}

#[test]
fn a_change_before_look_again_is_kept() {
    for step in [Step::Plan, Step::Temp, Step::Backup, Step::LookAgain] {
        let (sandbox, result) = written_to_at(at(step, 1));
        assert!(result.outcome().changed);
        assert_eq!(result.redos, 1, "{step:?}");
        assert_eq!(IniState::of(&sandbox.ini()), Some(BOTH), "{step:?}");
        // only the file that was replaced
        assert_eq!(backup_states(&sandbox), [OTHERS], "{step:?}");
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
fn a_change_before_read_needs_no_second_attempt() {
    for step in [Step::Wait, Step::Lock, Step::Read] {
        let (sandbox, result) = written_to_at(at(step, 1));
        assert_eq!(result.redos, 0, "{step:?}");
        assert_eq!(IniState::of(&sandbox.ini()), Some(BOTH), "{step:?}");
        assert_eq!(backup_states(&sandbox), [OTHERS], "{step:?}");
    }
}

#[test]
fn a_save_during_the_last_search_for_microsip_is_never_missing() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    // a MicroSIP that starts, saves and exits while the processes are listed
    let has_saved = Cell::new(false);
    let is_running = |now: Moment| {
        if now == at(Step::LookAgain, 1) && !has_saved.replace(true) {
            write_in_place(&ini, OTHERS);
        }
        false
    };
    let on_step = |_: Moment| {
        if has_saved.get() {
            assert_eq!(IniState::of(&ini).unwrap().ring, OTHERS.ring);
        }
    };
    let result = TestRun { is_running: &is_running, on_step: &on_step, ..TestRun::default() }.run(&ini);
    assert_eq!(result.redos, 1);
    assert_eq!(IniState::of(&ini), Some(BOTH));
    assert_eq!(backup_states(&sandbox), [OTHERS]);
}

#[test]
fn a_change_after_look_again_is_in_the_ini_and_in_the_backup() {
    let (sandbox, result) = written_to_at(at(Step::Replace, 1));
    assert!(result.outcome().changed);
    assert_eq!(result.redos, 1);
    assert_eq!(IniState::of(&sandbox.ini()), Some(BOTH));
    assert_eq!(backup_states(&sandbox), [OTHERS]);
    assert_eq!(
        result.outcome().backup,
        Some(backup::list(&sandbox.ini(), &SystemFs).unwrap()[0].path.clone())
    );
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn a_change_of_the_new_ini_is_kept() {
    for step in [Step::SyncFolder, Step::CompareOld, Step::ReadBack, Step::LookLast, Step::Prune] {
        let (sandbox, result) = written_to_at(at(step, 1));
        assert!(result.outcome().changed, "{step:?}");
        assert_eq!(IniState::of(&sandbox.ini()), Some(BOTH), "{step:?}");
        assert_eq!(backup_states(&sandbox), [OLD], "{step:?}");
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
fn an_edit_that_is_undone_at_once_is_made_again() {
    for step in [Step::SyncFolder, Step::CompareOld, Step::ReadBack] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let on_step = |moment| {
            if moment == at(step, 1) {
                write_in_place(&ini, OTHERS);
            }
        };
        let result = TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini);
        assert!(result.outcome().changed);
        assert_eq!(result.redos, 1, "{step:?}");
        assert_eq!(IniState::of(&ini), Some(BOTH), "{step:?}");
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
fn a_second_change_during_the_second_attempt_is_kept_too() {
    // the writer changes two settings: the volume, and one that it adds later
    let third = "[Settings]\r\nVAD=1\r\nvolumeRing=80\r\n; the end\r\nAGC=1\r\n";
    for step in [Step::Read, Step::Plan, Step::Temp, Step::LookAgain, Step::Replace] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let on_step = |moment| {
            if moment == at(Step::Replace, 1) {
                write_in_place(&ini, OTHERS);
            }
            if moment == at(step, 2) {
                // it wrote the first to the old file and writes this to the new one
                assert_eq!(IniState::of(&ini), Some(NEW));
                std::fs::write(&ini, utf16(third)).unwrap();
            }
        };
        let result = TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini);
        assert!(result.outcome().changed, "{step:?}");
        assert_eq!(sandbox.ini_text(), third.replace("volumeRing=80", "volumeRing=55"), "{step:?}");
        assert_eq!(sandbox.names().len(), 2, "{step:?}: {:?}", sandbox.names());
    }
}

#[test]
fn an_ini_that_keeps_changing_is_given_up_and_left_unchanged() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let on_step = |moment: Moment| {
        if moment.step == Step::LookAgain {
            write_in_place(&ini, if moment.time % 2 == 1 { OTHERS } else { OLD });
        }
    };
    let result = TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini);
    let error = result.error();
    assert!(
        matches!((&error.kind, error.changed), (TransactionErrorKind::KeepsChanging, false)),
        "{error:?}"
    );
    assert_eq!(error.code(), Code::FileWrite);
    assert_eq!(IniState::of(&ini).map(|state| state.vad), Some(0));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn an_ini_created_in_the_meantime_is_edited_and_not_overwritten() {
    for step in [Step::Lock, Step::Read, Step::Plan, Step::Temp, Step::Backup, Step::LookAgain, Step::Replace]
    {
        let sandbox = Sandbox::new();
        let ini = sandbox.ini();
        let on_step = |moment| {
            if moment == at(step, 1) {
                std::fs::write(&ini, OTHERS.bytes()).unwrap();
            }
        };
        let result = TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini);
        assert!(result.outcome().changed, "{step:?}");
        assert_eq!(IniState::of(&ini), Some(BOTH), "{step:?}");
        assert_eq!(backup_states(&sandbox), [OTHERS], "{step:?}");
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
fn an_ini_deleted_in_the_meantime_is_created_again() {
    for step in [Step::Lock, Step::Read, Step::Plan, Step::Temp, Step::LookAgain] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let on_step = |moment| {
            if moment == at(step, 1) {
                std::fs::remove_file(&ini).unwrap();
            }
        };
        let result = TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini);
        assert_eq!(*result.outcome(), TransactionOutcome { changed: true, backup: None }, "{step:?}");
        assert_eq!(sandbox.ini_bytes(), created(), "{step:?}");
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
fn an_ini_deleted_before_replace_leaves_the_new_one_and_a_backup() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let on_step = |moment| {
        if moment == at(Step::Replace, 1) {
            std::fs::remove_file(&ini).unwrap();
        }
    };
    assert!(TestRun { on_step: &on_step, ..TestRun::default() }.run(&ini).outcome().changed);
    assert_eq!(IniState::of(&ini), Some(NEW));
    assert_eq!(backup_states(&sandbox), [OLD]);
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn an_ini_deleted_in_the_meantime_is_only_created_again_with_create() {
    for (create, status) in [(true, None), (false, Some(ExitStatus::NoIni))] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let request = Request::Write {
            ini: IniChoice { path: Some(ini.clone()), code_page: None },
            edit: EditRequest::Set {
                values: vec![("Settings/VAD".parse().unwrap(), ValueSource::Inline("1".into()))],
                allow_unknown: false,
            },
            options: WriteOptions {
                dry_run: false,
                create,
                while_running: WhileRunning::Wait,
                timeout: Duration::from_secs(60),
                backup: true,
                keep_backups: 10,
                any_ini: false,
            },
        };
        let result = commands::run(
            request,
            &mut Context {
                env: &Env::default(),
                fs: &SystemFs,
                now: &SystemTime::now,
                stop: &|| false,
                variable: |_| None,
                secret: &|_| unreachable!(),
                hashes: &PasswordHasher::new(&|| None),
                report: &mut |event| {
                    if let RunEvent::Progress(Progress::Step(Step::Lock)) = event {
                        std::fs::remove_file(&ini).unwrap();
                    }
                },
            },
        );
        let message = result.as_ref().err().map(ToString::to_string);
        assert_eq!(result.err().map(|error| error.code().exit_status()), status, "{message:?}");
        assert_eq!(ini.exists(), create);
    }
}

#[test]
fn a_run_does_not_remove_the_temporary_files_of_another_ini() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let other = sandbox.write("MicroSIP.ini.new", OLD.bytes());
    let on_step = |moment| {
        if moment == at(Step::LookAgain, 1) {
            assert!(TestRun::default().run(&sandbox.ini()).outcome().changed);
        }
    };
    assert!(TestRun { on_step: &on_step, ..TestRun::default() }.run(&other).outcome().changed);
    assert_eq!((IniState::of(&sandbox.ini()), IniState::of(&other)), (Some(NEW), Some(NEW)));
}

//! A MicroSIP that is running or starts during a run.

use std::cell::Cell;
use std::time::Duration;

use msipcfg::diagnostic::{Code, ToDiagnostic};
use msipcfg::edit::transaction::{Step, TransactionErrorKind};
use msipcfg::platform::SystemFs;

use super::harness::{
    BOTH, IniState, Moment, NEW, OLD, OTHERS, TestRun, assert_no_unexpected_files, at, backup_states,
    write_in_place,
};
use super::scenario::{OTHER_WRITER_RAN, Scenario};
use crate::sandbox::Sandbox;

#[test]
fn nothing_is_written_while_microsip_is_running() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let result =
        TestRun { timeout: Duration::ZERO, is_running: &|_| true, ..TestRun::default() }.run(&sandbox.ini());
    let error = result.error();
    assert!(matches!((&error.kind, error.changed), (TransactionErrorKind::Running(_), false)), "{error:?}");
    assert_eq!((error.code(), error.changed), (Code::MicrosipRunning, false));
    assert!(error.to_string().contains("4242"), "{error}");
    assert_eq!(result.moments, [at(Step::Wait, 1)]);
    assert_eq!(IniState::of(&sandbox.ini()), Some(OLD));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn nothing_is_written_if_the_running_programs_cant_be_listed() {
    for (step, changed) in [(Step::Wait, false), (Step::LookAgain, false), (Step::LookLast, true)] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let is_list_refused = |moment: Moment| moment.step == step;
        let result = TestRun { is_list_refused: &is_list_refused, ..TestRun::default() }.run(&sandbox.ini());
        let error = result.error();
        assert_eq!((error.code(), error.changed), (Code::ProcessesUnreadable, changed), "{step:?}: {error}");
        assert!(error.hint().is_some());
        assert_eq!(IniState::of(&sandbox.ini()), Some(if changed { NEW } else { OLD }), "{step:?}");
        assert_no_unexpected_files(&sandbox);
    }
}

#[test]
fn a_run_waits_for_microsip_until_the_timeout() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let pauses = Cell::new(0);
    let pause = || pauses.set(pauses.get() + 1);
    let timeout = Duration::from_millis(20);
    let result = TestRun { timeout, is_running: &|_| true, while_waiting: &pause, ..TestRun::default() }
        .run(&sandbox.ini());
    assert_eq!(result.error().code(), Code::MicrosipRunning);
    assert!(pauses.get() > 0);
    assert_eq!(IniState::of(&sandbox.ini()), Some(OLD));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn a_run_waits_for_microsip_and_edits_what_it_saved() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let is_started = Cell::new(true);
    let pause = || {
        write_in_place(&ini, OTHERS);
        is_started.set(false);
    };
    let result =
        TestRun { is_running: &|_| is_started.get(), while_waiting: &pause, ..TestRun::default() }.run(&ini);
    assert!(result.outcome().changed);
    assert_eq!(result.redos, 0);
    assert_eq!(IniState::of(&ini), Some(BOTH));
    assert_eq!(backup_states(&sandbox), [OTHERS]);
}

#[test]
fn a_run_waits_for_a_microsip_found_by_look_again() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let is_started = Cell::new(false);
    let is_running = |moment| {
        if moment == at(Step::LookAgain, 1) {
            is_started.set(true);
        }
        is_started.get()
    };
    let pause = || {
        assert_eq!(IniState::of(&ini), Some(OLD), "written while it is running");
        assert_eq!(sandbox.names(), ["MicroSIP.ini"], "files left while waiting");
        write_in_place(&ini, OTHERS);
        is_started.set(false);
    };
    let result = TestRun { is_running: &is_running, while_waiting: &pause, ..TestRun::default() }.run(&ini);
    assert!(result.outcome().changed);
    assert_eq!(IniState::of(&ini), Some(BOTH));
    assert_eq!(backup_states(&sandbox), [OTHERS]);
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn a_microsip_that_exits_after_look_again_does_not_prevent_the_edit() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_running = |moment| moment == at(Step::LookAgain, 1);
    let result = TestRun { is_running: &is_running, ..TestRun::default() }.run(&sandbox.ini());
    assert_eq!((result.outcome().changed, IniState::of(&sandbox.ini())), (true, Some(NEW)));
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn a_microsip_that_keeps_running_after_look_again_prevents_the_edit() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_started = Cell::new(false);
    let is_running = |moment: Moment| {
        is_started.set(is_started.get() || moment.step == Step::LookAgain);
        is_started.get()
    };
    let result = TestRun { timeout: Duration::ZERO, is_running: &is_running, ..TestRun::default() }
        .run(&sandbox.ini());
    let error = result.error();
    assert_eq!((error.code(), error.changed), (Code::MicrosipRunning, false));
    assert_eq!(IniState::of(&sandbox.ini()), Some(OLD));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn an_edit_undone_by_a_microsip_that_started_is_made_again() {
    let sandbox = Scenario::MicrosipStarted.sandbox();
    let result = Scenario::MicrosipStarted.run(&sandbox.ini(), &SystemFs, &|| false, &|_| {});
    assert!(sandbox.path(OTHER_WRITER_RAN).exists());
    assert!(result.outcome().changed);
    assert_eq!(IniState::of(&sandbox.ini()), Some(BOTH));
    assert_eq!(result.outcome().backup.as_deref().and_then(IniState::of), Some(OLD));
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn a_microsip_that_started_and_keeps_running_is_reported() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_started = Cell::new(false);
    let is_running = |moment: Moment| {
        is_started.set(is_started.get() || moment.step == Step::LookLast);
        is_started.get()
    };
    let result = TestRun { timeout: Duration::ZERO, is_running: &is_running, ..TestRun::default() }
        .run(&sandbox.ini());
    let error = result.error();
    assert!(matches!((&error.kind, error.changed), (TransactionErrorKind::Running(_), true)), "{error:?}");
    assert_eq!((error.code(), error.changed), (Code::EditMayBeUndone, true));
    assert_eq!(IniState::of(&sandbox.ini()), Some(NEW));
    assert_no_unexpected_files(&sandbox);
}

//! Runs that the user cancels, and runs that wait for the lock.

use std::cell::Cell;

use msipcfg::diagnostic::{Code, ToDiagnostic};
use msipcfg::edit::lock::Lock;
use msipcfg::edit::transaction::{Step, TransactionErrorKind};
use msipcfg::platform::SystemFs;

use super::harness::{
    BOTH, IniState, Moment, OLD, OTHERS, TestRun, assert_no_unexpected_files, at, unexpected_files,
    write_in_place,
};
use super::scenario::{OTHER_WRITER_RAN, SCENARIOS, Scenario, is_other_change_kept};
use crate::sandbox::Sandbox;

#[test]
fn a_cancelled_run_stops_or_finishes_the_edit_at_every_step() {
    let mut problems = Vec::new();
    for scenario in SCENARIOS {
        let sandbox = scenario.sandbox();
        let moments = scenario.run(&sandbox.ini(), &scenario.fs(), &|| false, &|_| {}).moments;
        for moment in moments {
            let sandbox = scenario.sandbox();
            let is_cancelled = Cell::new(false);
            let on_step = |now| is_cancelled.set(is_cancelled.get() || now == moment);
            let result = scenario.run(&sandbox.ini(), &scenario.fs(), &|| is_cancelled.get(), &on_step);
            let mut problem =
                |what: String| problems.push(format!("{scenario:?}, cancelled at {moment:?}: {what}"));
            let left = IniState::of(&sandbox.ini());
            let is_new = scenario.is_done(left);
            match &result.result {
                Ok(outcome) if outcome.changed && left == scenario.final_state() => {}
                Err(error) if error.code() == Code::Interrupted => {
                    if error.changed != is_new && !(error.changed && scenario == Scenario::MicrosipStarted) {
                        problem(format!("changed is {}, but the ini is {left:?}", error.changed));
                    }
                }
                result => problem(format!("{result:?}, and the ini is {left:?}")),
            }
            if !scenario.allows(left) {
                problem(format!("the ini is {left:?}"));
            }
            let left_behind = unexpected_files(&sandbox);
            if !left_behind.is_empty() {
                problem(format!("these files are left: {left_behind:?}"));
            }
            if sandbox.path(OTHER_WRITER_RAN).exists() && !is_other_change_kept(&sandbox) {
                problem("the other writer's change is missing".into());
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n\n"));
}

#[test]
fn a_run_can_be_cancelled_before_anything_is_written() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    for step in [Step::Wait, Step::Lock, Step::Read, Step::Plan, Step::Temp] {
        let is_cancelled = Cell::new(false);
        let on_step = |now| is_cancelled.set(is_cancelled.get() || now == at(step, 1));
        let result = TestRun { stop: &|| is_cancelled.get(), on_step: &on_step, ..TestRun::default() }
            .run(&sandbox.ini());
        assert_eq!((result.error().code(), result.error().changed), (Code::Interrupted, false), "{step:?}");
        assert_eq!(IniState::of(&sandbox.ini()), Some(OLD), "{step:?}");
        assert_eq!(sandbox.names(), ["MicroSIP.ini"], "{step:?}");
    }
}

#[test]
fn a_run_can_be_cancelled_while_waiting_for_microsip() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_cancelled = Cell::new(false);
    let pause = || is_cancelled.set(true);
    let run = TestRun {
        is_running: &|_| true,
        while_waiting: &pause,
        stop: &|| is_cancelled.get(),
        ..TestRun::default()
    };
    assert_eq!(run.run(&sandbox.ini()).error().code(), Code::Interrupted);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    assert_eq!(IniState::of(&sandbox.ini()), Some(OLD));
}

#[test]
fn a_run_can_be_cancelled_once_the_other_writers_change_is_safe() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let on_step = |moment| {
        if moment == at(Step::Replace, 1) {
            write_in_place(&ini, OTHERS);
        }
        if moment == at(Step::Read, 2) {
            // the other writer itself adds its change to the edited ini
            write_in_place(&ini, BOTH);
        }
    };
    let pauses = Cell::new(0);
    let pause = || pauses.set(pauses.get() + 1);
    let is_running = |moment: Moment| moment.step == Step::LookLast || moment.time > 1 && pauses.get() < 3;
    let run = TestRun {
        on_step: &on_step,
        while_waiting: &pause,
        is_running: &is_running,
        stop: &|| pauses.get() > 0,
        ..TestRun::default()
    };
    let result = run.run(&ini);
    let error = result.error();
    assert_eq!((error.code(), error.changed), (Code::Interrupted, true));
    assert_eq!(pauses.get(), 1);
    assert_eq!(IniState::of(&ini), Some(BOTH));
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn a_run_can_be_cancelled_while_waiting_for_the_lock() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let lock = Lock::acquire(&sandbox.ini(), &SystemFs, &|| false).unwrap();
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 5
    };
    let result = TestRun { stop: &stop, ..TestRun::default() }.run(&sandbox.ini());
    let error = result.error();
    assert!(matches!(&error.kind, TransactionErrorKind::Stopped), "{error:?}");
    assert_eq!(error.code(), Code::Interrupted);
    assert_eq!(IniState::of(&sandbox.ini()), Some(OLD));
    drop(lock);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn a_second_run_waits_for_the_first_and_edits_its_result() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let lock = Cell::new(Some(Lock::acquire(&ini, &SystemFs, &|| false).unwrap()));
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        if asked.get() == 5 {
            write_in_place(&ini, OTHERS);
            drop(lock.take());
        }
        false
    };
    assert!(TestRun { stop: &stop, ..TestRun::default() }.run(&ini).outcome().changed);
    assert!(asked.get() >= 5);
    assert_eq!(IniState::of(&ini), Some(BOTH));
    assert_no_unexpected_files(&sandbox);
}

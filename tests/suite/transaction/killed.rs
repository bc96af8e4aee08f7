//! Runs that are killed.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use msipcfg::edit::transaction::Step;

use super::actions::problem_with_actions;
use super::faulty_fs::{Fault, HANGING, hang};
use super::harness::{
    IniState, Moment, NEW, assert_no_unexpected_files, at, backup_states, unexpected_files,
};
use super::scenario::{OTHER_WRITER_RAN, Scenario, is_other_change_kept};
use crate::sandbox::Sandbox;

/// The point at which a run is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    AtStep(Moment),
    AtCall(usize),
}

const CHILD_INI: &str = "MSIPCFG_TEST_INI";
const CHILD_SCENARIO: &str = "MSIPCFG_TEST_SCENARIO";
const CHILD_KILL: &str = "MSIPCFG_TEST_KILL";

/// Runs a scenario up to a point and waits there, in the process that is killed.
#[test]
#[ignore = "started and killed by other tests"]
fn child() {
    let (Ok(scenario), Ok(kill)) = (std::env::var(CHILD_SCENARIO), std::env::var(CHILD_KILL)) else { return };
    let ini = PathBuf::from(std::env::var_os(CHILD_INI).unwrap());
    let scenario = Scenario::by_name(&scenario);
    let (name, number) = kill.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let mut fs = scenario.fs();
    if name == "call" {
        fs.fault = Some((number, Fault::Hangs));
    }
    let result = scenario.run(&ini, &fs, &|| false, &|moment| {
        if moment.step.name() == name && moment.time == number {
            hang();
        }
    });
    panic!("not killed: {:?}", result.result);
}

/// Runs a scenario in another process and kills it at this point.
fn kill(sandbox: &Sandbox, scenario: Scenario, kill: Kill) {
    let point = match kill {
        Kill::AtStep(Moment { step, time }) => format!("{} {time}", step.name()),
        Kill::AtCall(number) => format!("call {number}"),
    };
    let mut child = sandbox
        .command(std::env::current_exe().unwrap())
        .args(["--exact", "transaction::killed::child", "--ignored", "--nocapture"])
        .env(CHILD_INI, sandbox.ini())
        .env(CHILD_SCENARIO, format!("{scenario:?}"))
        .env(CHILD_KILL, point)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_hanging = lines.any(|line| line.unwrap().trim_end().ends_with(HANGING));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_hanging, "{scenario:?} {kill:?}: the process exited by itself");
}

/// Lists every point at which a scenario can be killed.
fn points(scenario: Scenario) -> Vec<Kill> {
    let sandbox = scenario.sandbox();
    let fs = scenario.fs();
    let result = scenario.run(&sandbox.ini(), &fs, &|| false, &|_| {});
    let calls = 1..=fs.calls.borrow().len();
    let mut points: Vec<Kill> = result.moments.into_iter().map(Kill::AtStep).collect();
    if !cfg!(windows) || scenario == Scenario::Plain {
        points.extend(calls.map(Kill::AtCall));
    }
    points
}

/// Kills a scenario at each point, then checks what is left and whether the next run cleans it up.
fn kill_everywhere(scenario: Scenario) {
    let points = points(scenario);
    assert!(points.len() >= Step::ALL.len() - 2, "{points:?}");
    let mut problems = Vec::new();
    for point in points {
        let sandbox = scenario.sandbox();
        kill(&sandbox, scenario, point);
        let mut problem = |what: String| problems.push(format!("{scenario:?}, killed {point:?}: {what}"));
        let left = IniState::of(&sandbox.ini());
        if !scenario.allows(left) {
            problem(format!("the ini is {left:?}"));
        }
        if left.is_none() && scenario != Scenario::Create && backup_states(&sandbox).is_empty() {
            problem(format!("neither the ini nor a backup is in {:?}", sandbox.names()));
        }
        let other_writer_ran = sandbox.path(OTHER_WRITER_RAN).exists();
        if other_writer_ran && !is_other_change_kept(&sandbox) {
            problem(format!("the other writer's change is missing from {:?}", sandbox.names()));
        }

        problem_with_actions(scenario.edit(), &sandbox).into_iter().for_each(&mut problem);

        let next = sandbox.run_on_ini(&["set", "--create", "--json", "updatesInterval=never"]);
        if next.status != 0 || next.json()["changed"] != true {
            problem(format!("the next run fails: {}", next.transcript));
        }
        if !sandbox.ini_text().contains("\r\nupdatesInterval=never") {
            problem(format!("the next run changed nothing: {}", next.transcript));
        }
        let unexpected = unexpected_files(&sandbox);
        if !unexpected.is_empty() {
            problem(format!("after the next run, these are left: {unexpected:?}"));
        }
        if other_writer_ran && !is_other_change_kept(&sandbox) {
            problem("the next run lost the other writer's change".into());
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn a_killed_run_leaves_a_complete_ini_and_the_next_run_works() {
    kill_everywhere(Scenario::Plain);
}

#[test]
fn a_killed_second_attempt_keeps_the_other_writers_change() {
    kill_everywhere(Scenario::WrittenTo);
}

// Starting a process is so slow on Windows, and even more so under Wine, that only some of these tests run there, and
// only the first one with every call to the file system.

#[test]
fn a_killed_run_never_leaves_an_ini_without_its_actions() {
    kill_everywhere(Scenario::AddActions);
}

#[cfg(not(windows))]
#[test]
fn a_killed_removal_of_actions_never_leaves_an_ini_without_them() {
    kill_everywhere(Scenario::RemoveActions);
}

#[cfg(not(windows))]
#[test]
fn a_killed_second_attempt_never_leaves_an_ini_without_its_actions() {
    kill_everywhere(Scenario::AddActionsWrittenTo);
}

#[cfg(not(windows))]
#[test]
fn a_killed_creation_leaves_no_ini_or_a_complete_one() {
    kill_everywhere(Scenario::Create);
}

#[cfg(not(windows))]
#[test]
fn a_killed_run_without_backup_leaves_a_complete_ini() {
    kill_everywhere(Scenario::NoBackup);
}

#[cfg(not(windows))]
#[test]
fn a_run_killed_while_pruning_leaves_a_complete_ini() {
    kill_everywhere(Scenario::ManyBackups);
}

#[cfg(not(windows))]
#[test]
fn a_killed_run_without_hard_links_leaves_a_complete_ini() {
    kill_everywhere(Scenario::NoLinks);
}

#[cfg(not(windows))]
#[test]
fn a_run_killed_after_microsip_started_leaves_a_complete_ini() {
    kill_everywhere(Scenario::MicrosipStarted);
}

#[test]
fn a_killed_deletion_leaves_the_ini_or_its_backup() {
    kill_everywhere(Scenario::Delete);
}

#[cfg(not(windows))]
#[test]
fn a_killed_deletion_without_hard_links_leaves_the_ini_or_its_backup() {
    kill_everywhere(Scenario::DeleteWithoutLinks);
}

#[cfg(not(windows))]
#[test]
fn a_killed_deletion_keeps_the_other_writers_change() {
    kill_everywhere(Scenario::DeleteWrittenTo);
}

#[test]
fn a_run_with_nothing_to_change_removes_leftovers() {
    let sandbox = Scenario::NoBackup.sandbox();
    kill(&sandbox, Scenario::NoBackup, Kill::AtStep(at(Step::SyncFolder, 1)));
    assert_eq!(IniState::of(&sandbox.ini()), Some(NEW));
    assert_ne!(unexpected_files(&sandbox), Vec::<String>::new());
    let again = sandbox.run_on_ini(&["set", "--json", "VAD=1"]).exits(0);
    assert_eq!(again.json()["changed"], false, "{}", again.transcript);
    assert_no_unexpected_files(&sandbox);
}

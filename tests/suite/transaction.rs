//! The transaction when it is killed, fails, is raced or is cancelled at each of its steps.
//!
//! Everything that happens at the same time is tied to a step or to a call to the file system, so that every run of
//! these tests is the same.

#[cfg(unix)]
mod access;
mod actions;
mod backups;
mod cancelled;
mod failing;
mod faulty_fs;
mod harness;
mod killed;
mod races;
mod running;
mod scenario;

use msipcfg::edit::transaction::Step;
use msipcfg::platform::SystemFs;

use harness::{BOTH, IniState, at, unexpected_files};
use scenario::{SCENARIOS, Scenario};

#[test]
fn every_scenario_succeeds() {
    for scenario in SCENARIOS {
        let sandbox = scenario.sandbox();
        let result = scenario.run(&sandbox.ini(), &scenario.fs(), &|| false, &|_| {});
        assert!(result.outcome().changed, "{scenario:?}");
        assert_eq!(IniState::of(&sandbox.ini()), scenario.final_state(), "{scenario:?}");
        assert_eq!(unexpected_files(&sandbox), Vec::<String>::new(), "{scenario:?}");
        let is_second_round = result.moments.contains(&at(Step::Read, 2));
        let has_second_round =
            scenario.final_state() == Some(BOTH) || scenario == Scenario::MicrosipStartedAndSavedNothing;
        assert_eq!(is_second_round, has_second_round, "{scenario:?}: {:?}", result.moments);
    }
}

#[test]
fn the_steps_run_in_order() {
    let steps = |scenario: Scenario| {
        let result = scenario.run(&scenario.sandbox().ini(), &SystemFs, &|| false, &|_| {});
        result.moments.iter().map(|moment| moment.step).collect::<Vec<_>>()
    };
    assert_eq!(steps(Scenario::AddActions), Step::ALL);
    let without_actions: Vec<Step> =
        Step::ALL.iter().copied().filter(|step| *step != Step::Actions).collect();
    assert_eq!(steps(Scenario::Plain), without_actions);
}

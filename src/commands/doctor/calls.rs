//! Problems that the calls database shows: actions that failed, and hooks that MicroSIP hasn't run yet.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::actions::call::system_time;
use crate::actions::store::{Delivery, Filter, State, StoreError, StoredEvent};
use crate::commands::call_history::{self, SHORT_PATIENCE};
use crate::commands::context::Context;
use crate::commands::hook_actions;
use crate::commands::ini::Ini;
use crate::commands::runner_command::has_runner;
use crate::diagnostic::Code;
use crate::edit::companion;
use crate::hook::action::{Actions, History};
use crate::hook::event::Event;
use crate::ini::document::IniDocument;
use crate::microsip::instances::Processes;
use crate::page::{Count, local_time};
use crate::platform;

use super::finding::{Finding, Severity};

/// How long a failure is reported.
const RECENT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Returns every problem of an ini that the calls database shows. A database that doesn't exist isn't created, and one
/// that can't be read is a problem too.
pub fn check(ini: &Ini, document: &IniDocument, context: &Context<'_>) -> Vec<Finding> {
    let actions = hook_actions::read_or_warn(ini, context.fs).0;
    if actions.needed_events().is_empty() {
        return Vec::new();
    }
    match calls(ini, &actions, context) {
        Ok((last, failures)) => {
            let not_fired = not_fired(ini, &actions, document, &last, context);
            failures.into_iter().chain(not_fired).collect()
        }
        Err(error) => {
            let severity = if error.is_busy() { Severity::Info } else { Severity::Warning };
            vec![Finding::new(severity, &error)]
        }
    }
}

/// When MicroSIP last ran a hook of an ini.
enum LastFired {
    /// There is no database. Outside of Windows, this says little: under Wine, the runner has a database of its own.
    NoDatabase,
    Never,
    At(SystemTime),
}

/// Returns when MicroSIP last ran a hook of an ini, and the problem if actions failed.
fn calls(
    ini: &Ini,
    actions: &Actions,
    context: &Context<'_>,
) -> Result<(LastFired, Option<Finding>), StoreError> {
    let Some(store) = call_history::open_within(SHORT_PATIENCE, context)? else {
        return Ok((LastFired::NoDatabase, None));
    };
    let since = call_history::oldest(Some(RECENT), &call_history::now(context));
    let mut deliveries = Vec::new();
    for name in call_history::names_of(&store, &ini.path, context)? {
        deliveries.extend(store.deliveries(Filter { ini: Some(&name), since, ..Filter::default() })?);
    }
    let last = call_history::last_event(&store, &ini.path, context)?;
    let last = last.map_or(LastFired::Never, |event| LastFired::At(system_time(event.event.time)));
    Ok((last, failures(&deliveries, actions)))
}

/// Returns the problem that actions which still exist have failed. It isn't urgent if they have worked since.
fn failures(deliveries: &[(StoredEvent, Delivery)], actions: &Actions) -> Option<Finding> {
    let still_exists = |event: Event, delivery: &Delivery| {
        usize::try_from(delivery.position).is_ok_and(|position| position < actions.of(event).len())
    };
    let has_failed = |delivery: &Delivery| matches!(delivery.state, State::Failed | State::Interrupted);
    let failed: Vec<_> = deliveries
        .iter()
        .filter(|(event, delivery)| has_failed(delivery) && still_exists(event.event.event, delivery))
        .collect();
    let (event, last) = failed.last()?;
    let works_again = |(event, failed): &&(StoredEvent, Delivery)| {
        deliveries.iter().any(|(other, delivery)| {
            delivery.state == State::Done
                && other.row > event.row
                && (other.event.event, delivery.position) == (event.event.event, failed.position)
        })
    };
    let what = last.kind.map_or("action", |kind| kind.name());
    let result = if last.message.is_empty() { last.state.name() } else { &last.message };
    let message = format!(
        "{} failed in the last 7 days; the last one was {what} on {}, {}: {}",
        Count(failed.len(), "action"),
        event.event.event,
        local_time(system_time(event.event.time)),
        call_history::one_line(result)
    );
    let finding = if failed.iter().copied().all(|one| works_again(&one)) {
        Finding::info(Code::ActionFailed, message + "; it has worked since")
    } else {
        Finding::warning(Code::ActionFailed, message)
    };
    Some(finding.with_command(["log", "--failed"]))
}

/// Returns the problem that MicroSIP was running when its hooks were set, and so doesn't know them.
fn not_fired(
    ini: &Ini,
    actions: &Actions,
    document: &IniDocument,
    last: &LastFired,
    context: &Context<'_>,
) -> Option<Finding> {
    let last = match last {
        LastFired::At(time) => Some(*time),
        LastFired::NoDatabase if !platform::CAN_REACH_WINDOWS => return None,
        LastFired::NoDatabase | LastFired::Never => None,
    };
    // without a history, nothing shows what has happened
    let is_shown = actions.history != History::Off
        && actions.needed_events().into_iter().any(|event| has_runner(event, document));
    if !is_shown {
        return None;
    }
    let path = ini.file.to_open();
    let written = |path: &Path| context.fs.metadata(path).ok()?.modified().ok();
    let (ini_written, actions_written) = (written(path)?, written(&companion::path_for(path))?);
    let instances = Processes::default().instances(&[]).ok()?;
    let user = instances.iter().find(|instance| {
        instance.is_own && instance.inis.known().is_some() && instance.inis.contains(path)
    })?;
    let times = Times { ini_written, actions_written, started: user.start_time()?, last };
    let pid = user.pid;
    Some(match times.severity()? {
        Severity::Info => {
            let message = format!("the running MicroSIP, pid {pid}, hasn't run a hook of this ini yet");
            Finding::info(Code::HooksNotFired, message)
                .with_hint("if the next call doesn't run one either, restart MicroSIP")
        }
        _ => {
            let message = format!(
                "MicroSIP, pid {pid}, was already running when the hooks were set, so it doesn't run them"
            );
            Finding::warning(Code::HooksNotFired, message).with_hint("exit MicroSIP and start it again")
        }
    })
}

/// What shows whether a running MicroSIP knows its hooks.
struct Times {
    /// When the ini was last written, by MicroSIP or somebody else.
    ini_written: SystemTime,
    /// When the file with the actions was last written.
    actions_written: SystemTime,
    /// When MicroSIP started.
    started: SystemTime,
    /// When it last ran a hook.
    last: Option<SystemTime>,
}

impl Times {
    /// Returns how bad it is that MicroSIP hasn't run its hooks, if it should have.
    fn severity(&self) -> Option<Severity> {
        /// Start times are exact to the second.
        const TOLERANCE: Duration = Duration::from_secs(2);
        /// Setting a hook writes both files.
        const TOGETHER: Duration = Duration::from_secs(10);
        let set = self.ini_written.min(self.actions_written);
        let was_running = self.started + TOLERANCE < set;
        if !was_running || self.last.is_some_and(|last| last + TOLERANCE >= self.started) {
            return None;
        }
        // If MicroSIP has saved its settings since, it knows the hooks: it would have removed others.
        let latest = self.ini_written.max(self.actions_written);
        if latest.duration_since(set).is_ok_and(|between| between <= TOGETHER) {
            return Some(Severity::Warning);
        }
        self.last.is_none().then_some(Severity::Info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_microsip_that_was_running_when_hooks_were_set_is_restarted() {
        const START: u64 = 1000;
        let severity = |ini, actions, last: Option<u64>| {
            let (ini_written, actions_written) = (at(ini), at(actions));
            Times { ini_written, actions_written, started: at(START), last: last.map(at) }.severity()
        };
        for (ini, actions, last, expected) in [
            (START + 60, START + 60, None, Some(Severity::Warning)),
            (START + 61, START + 60, Some(START - 500), Some(Severity::Warning)),
            // it has run one since it started
            (START + 60, START + 60, Some(START + 30), None),
            // it was started afterwards
            (START - 60, START - 60, None, None),
            (START + 1, START + 1, None, None),
            // only the actions were changed
            (START - 60, START + 60, None, None),
            // it has saved its settings, so it knows the hooks, unless somebody has edited the ini by hand
            (START + 600, START + 60, None, Some(Severity::Info)),
            (START + 600, START + 60, Some(START - 500), None),
        ] {
            assert_eq!(severity(ini, actions, last), expected, "{ini} {actions} {last:?}");
        }
    }
}

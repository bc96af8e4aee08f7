//! Tests of whole actions.

mod hostile;
mod requests;
#[path = "../../../../tests/web_server.rs"]
mod server;

use std::path::Path;

use super::job::Job;
use crate::hook::action::audience::Audience;
use crate::hook::action::template::CallFacts;
use crate::hook::action::{Action, Separator, Work};

/// Returns an action for every caller.
pub(super) fn action(work: Work) -> Action {
    Action { work, audience: Audience::default() }
}

/// Returns an action that adds a line to a file.
pub(super) fn log_to(file: &str) -> Action {
    action(Work::Log { file: file.into(), separator: Separator::Comma })
}

/// Returns an action for a call.
pub(super) fn job<'a>(action: &'a Action, facts: &'a CallFacts, ini: &'a Path) -> Job<'a> {
    Job { action, facts, ini, webhook_id: "msg_1", is_test: false }
}

/// Returns the actions of a hooks.toml that has only `[[ring]]`.
pub(super) fn ring(text: &str) -> Vec<Action> {
    let actions = crate::actions::file::read("MicroSIP.hooks.toml".into(), text.into()).unwrap();
    actions.of(crate::hook::event::Event::Ring).to_vec()
}

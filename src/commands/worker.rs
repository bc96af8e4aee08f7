//! `worker`: carries out the actions of the events that the runner stored. The runner starts it without a window.

use std::sync::Arc;
use std::time::Duration;

use crate::actions::data_folder::DataFolder;
use crate::actions::{event_text, worker};
use crate::diagnostic::{Code, Diagnostic};
use crate::platform;

use super::call_history;
use super::context::Context;
use super::error::Error;
use super::outcome::RawText;

/// How long a worker waits for another event. Starting one takes longer than reporting an event to it.
const IDLE: Duration = Duration::from_secs(3 * 60);

/// Serves the events of this session until there are none for a while.
///
/// # Errors
/// It isn't known where the events are, or the given one isn't an event.
pub fn run(event: Option<&str>, context: &Context<'_>) -> Result<RawText, Error> {
    platform::hide_error_boxes();
    let data = DataFolder::of(context.env).ok_or_else(|| {
        Diagnostic::new(
            Code::FileRead,
            "it isn't known where this user's events are: the environment has no folders",
        )
    })?;
    let invalid = || Diagnostic::new(Code::Usage, "this isn't an event of msipcfg-run");
    let given = event.map(|text| event_text::from_argument(text).ok_or_else(invalid)).transpose()?;
    let worker = worker::context::Context {
        data: &data,
        session: given.as_ref().map_or_else(|| platform::own_session().unwrap_or(0), |event| event.session),
        fs: context.fs,
        perform: Arc::new(context.performer()),
        now: &|| call_history::now(context),
        is_stopped: &|| (context.stop)(),
        idle: IDLE,
        user: context.env.user.clone().unwrap_or_default(),
        computer: context.env.computer.clone().unwrap_or_default(),
    };
    worker::run(&worker, given);
    Ok(RawText(String::new()))
}

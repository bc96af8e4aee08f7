//! The calls that a command is about.

use std::time::Duration;

use crate::actions::call::CallEvent;
use crate::actions::calls::{self, TALK_LIMIT};
use crate::actions::store::{Filter, Store};
use crate::commands::call_history;
use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::request::IniChoice;

use super::list::ListedCall;

/// Which calls are wanted.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub ini: &'a IniChoice,
    pub since: Option<Duration>,
    pub missed: bool,
}

impl Wanted<'_> {
    /// Returns the calls in the order in which they began, without names.
    ///
    /// # Errors
    /// The database can't be read.
    pub fn calls(&self, store: &Store, context: &Context<'_>) -> Result<Vec<ListedCall>, Error> {
        let database = store.id()?;
        let now = call_history::now(context);
        let oldest = call_history::oldest(self.since, &now);
        // A call that began before can have events that are new enough, and would seem to begin with them.
        let longest = i64::try_from(TALK_LIMIT.as_millis()).unwrap_or(i64::MAX);
        let mut listed = Vec::new();
        for ini in call_history::inis(store, self.ini, context)? {
            let filter =
                Filter { ini: Some(&ini), since: oldest.saturating_sub(longest), ..Filter::default() };
            let events: Vec<CallEvent> = store.events(filter)?.into_iter().map(CallEvent::from).collect();
            let calls = calls::join(&events, &now).into_iter();
            let calls =
                calls.filter(|call| call.began.wall_ms >= oldest && (!self.missed || call.is_missed()));
            listed.extend(calls.map(|call| ListedCall {
                id: call.id(&database),
                name: String::new(),
                ini: ini.clone(),
                call,
            }));
        }
        listed.sort_by_key(|listed| listed.call.first_row);
        Ok(listed)
    }
}

//! `calls`: the calls that the calls database knows, sending failed web requests again, and deleting calls.

mod list;
mod retry;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use crate::actions::call::{CallEvent, CallResult};
use crate::actions::calls::{self, TALK_LIMIT};
use crate::actions::contacts;
use crate::actions::data_folder::DataFolder;
use crate::actions::store::{Delivery, Filter, State, Store, Use};
use crate::hook::action::numbers::Numbers;
use crate::page::Page;
use crate::platform::FileSystem;
use crate::request::{CallsRequest, IniChoice, Purge};

use super::call_history::{self, Follow, PATIENCE};
use super::context::Context;
use super::error::Error;
use super::hook_actions;
use super::ini::Ini;
use super::outcome::Outcome;
use super::printed_file::print_or_write;
use list::{Form, ListedCall};

pub use list::CallList;
pub use retry::Retried;

/// Lists or deletes calls, or sends failed web requests again.
///
/// # Errors
/// The database can't be read or written.
pub fn run(
    ini: &IniChoice,
    request: CallsRequest,
    context: &mut Context<'_>,
) -> Result<Box<dyn Outcome>, Error> {
    match request {
        CallsRequest::List { since, missed, csv, output, follow } => {
            let form = if csv { Form::Csv } else { Form::Table };
            let wanted = Wanted { ini, since, missed };
            if follow {
                let mut news = News { wanted, form, shown: HashMap::new(), is_continued: false };
                return call_history::follow(&mut news, context);
            }
            let mut calls = match call_history::open(context)? {
                Some(store) => wanted.calls(&store, context)?,
                None => Vec::new(),
            };
            add_names(&mut calls, context.fs);
            let list = CallList { calls, form, is_continued: false, purge: None, kept: 0 };
            match output {
                Some(file) => {
                    let text = list.text(&Page::default());
                    Ok(Box::new(print_or_write(text, Some(&file), context)?))
                }
                None => Ok(Box::new(list)),
            }
        }
        CallsRequest::Retry { since } => Ok(Box::new(retry::retry(ini, since, context)?)),
        CallsRequest::Purge(purge) => Ok(Box::new(delete(ini, purge, context)?)),
    }
}

/// Which calls are wanted.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    ini: &'a IniChoice,
    since: Option<Duration>,
    missed: bool,
}

impl Wanted<'_> {
    /// Returns the calls in the order in which they began.
    fn calls(&self, store: &Store, context: &Context<'_>) -> Result<Vec<ListedCall>, Error> {
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

/// Looks up the names of the other parties in the contacts next to each ini.
fn add_names(calls: &mut [ListedCall], fs: &dyn FileSystem) {
    let mut numbers = HashMap::new();
    let mut known = HashMap::new();
    for ListedCall { call, name, ini, .. } in calls {
        let numbers = numbers.entry(ini.clone()).or_insert_with(|| numbers_of(Path::new(ini), fs));
        let find = || contacts::name_of(&call.number, numbers, Path::new(ini), fs);
        *name = known.entry((ini.clone(), call.number.clone())).or_insert_with(find).clone();
    }
}

/// Returns how the numbers of an ini are read. If its actions can't be read, the default counts.
fn numbers_of(ini: &Path, fs: &dyn FileSystem) -> Numbers {
    hook_actions::read_or_warn(&Ini::plain(ini.to_path_buf(), None, true), fs).0.numbers
}

/// The calls that are new or have changed.
struct News<'a> {
    wanted: Wanted<'a>,
    form: Form,
    /// The calls that were shown, as they were then.
    shown: HashMap<i64, CallState>,
    is_continued: bool,
}

/// What a call looks like in the list, as far as that can change.
type CallState = (bool, CallResult, Option<Duration>);

impl News<'_> {
    /// Returns whether a call is to be shown, and remembers that.
    fn is_new(&mut self, listed: &ListedCall) -> bool {
        let call = &listed.call;
        // A line of a CSV file can't be changed later.
        let is_ready = self.form == Form::Table || call.result != CallResult::Open;
        let state = (call.answered, call.result, call.duration);
        is_ready && self.shown.insert(call.first_row, state) != Some(state)
    }
}

impl Follow for News<'_> {
    fn news(&mut self, store: &Store, context: &Context<'_>) -> Result<Option<Box<dyn Outcome>>, Error> {
        let mut calls = self.wanted.calls(store, context)?;
        calls.retain(|listed| self.is_new(listed));
        if calls.is_empty() {
            return Ok(None);
        }
        add_names(&mut calls, context.fs);
        let is_continued = std::mem::replace(&mut self.is_continued, true);
        let list = CallList { calls, form: self.form, is_continued, purge: None, kept: 0 };
        Ok(Some(Box::new(list)))
    }

    fn changes_with_time(&self) -> bool {
        true
    }
}

/// Deletes calls, or shows which ones would be deleted. A call stays if it isn't over or something has to be done for
/// it.
fn delete(ini: &IniChoice, purge: Purge, context: &Context<'_>) -> Result<CallList, Error> {
    let wanted = Wanted { ini, since: None, missed: false };
    let list =
        |calls, kept| CallList { calls, form: Form::Table, is_continued: false, purge: Some(purge), kept };
    let Some(store) = call_history::open(context)? else { return Ok(list(Vec::new(), 0)) };
    let all = wanted.calls(&store, context)?;
    let total = all.len();
    let unfinished = unfinished(&store)?;
    let is_over = |listed: &ListedCall| {
        listed.call.result != CallResult::Open && !listed.call.rows.iter().any(|row| unfinished.contains(row))
    };
    let mut calls: Vec<ListedCall> = all.into_iter().filter(is_over).collect();
    drop(store);
    if let Some(folder) = DataFolder::of(context.env).filter(|_| purge != Purge::DryRun) {
        // Opened like this, what is deleted is overwritten.
        let store = Store::open(&folder.database(), PATIENCE, Use::Other)?;
        let mut deleted = Vec::new();
        for listed in calls {
            if store.delete_together(&listed.call.rows)? {
                deleted.push(listed);
            }
        }
        calls = deleted;
        // What was deleted is also in the log.
        store.empty_log()?;
    }
    let kept = total - calls.len();
    Ok(list(calls, kept))
}

/// Returns the events with actions that aren't done.
fn unfinished(store: &Store) -> Result<HashSet<i64>, Error> {
    let is_unfinished = |delivery: &Delivery| matches!(delivery.state, State::Pending | State::Started);
    let all = store.deliveries(Filter { since: i64::MIN, ..Filter::default() })?.into_iter();
    Ok(all.filter(|(_, delivery)| is_unfinished(delivery)).map(|(event, _)| event.row).collect())
}

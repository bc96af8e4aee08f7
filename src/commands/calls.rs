//! `calls`: the calls that the calls database knows, sending failed web requests again, and deleting calls.

mod list;
mod purge;
mod retry;
mod wanted;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use crate::actions::call::CallResult;
use crate::actions::contacts;
use crate::actions::store::Store;
use crate::hook::action::numbers::Numbers;
use crate::page::Page;
use crate::platform::FileSystem;
use crate::request::{CallsRequest, IniChoice};

use super::call_history::{self, Follow};
use super::context::Context;
use super::error::Error;
use super::hook_actions;
use super::ini::Ini;
use super::outcome::Outcome;
use super::printed_file::print_or_write;
use list::{Form, ListedCall};
use wanted::Wanted;

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
            let list = CallList { calls, form, is_continued: false, purged: None };
            match output {
                Some(file) => {
                    let text = list.text(&Page::default());
                    Ok(Box::new(print_or_write(text, Some(&file), context)?))
                }
                None => Ok(Box::new(list)),
            }
        }
        CallsRequest::Retry { since } => Ok(Box::new(retry::retry(ini, since, context)?)),
        CallsRequest::Purge(purge) => Ok(Box::new(purge::purge(ini, purge, context)?)),
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
        let list = CallList { calls, form: self.form, is_continued, purged: None };
        Ok(Some(Box::new(list)))
    }

    fn changes_with_time(&self) -> bool {
        true
    }
}

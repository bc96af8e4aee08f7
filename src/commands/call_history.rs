//! What `calls` and `log` share: the calls database, and following it.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::actions::call::Timestamp;
use crate::actions::data_folder::DataFolder;
use crate::actions::store::{Store, StoreError, StoredEvent};
use crate::diagnostic::Diagnostic;
use crate::platform;
use crate::request::IniChoice;

use super::context::{Context, RunEvent};
use super::error::Error;
use super::outcome::{Outcome, RawText};

/// How long a command waits for another program that writes to the database.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long a command waits that is mostly about something else.
pub const SHORT_PATIENCE: Duration = Duration::from_secs(1);

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        Diagnostic::from(&error).into()
    }
}

/// Opens the calls database of the user who runs the command; `None` if it doesn't exist yet.
///
/// # Errors
/// It can't be read.
pub fn open(context: &Context<'_>) -> Result<Option<Store>, Error> {
    Ok(open_within(PATIENCE, context)?)
}

/// Opens the calls database like [`open`], but waits at most so long for another program.
///
/// # Errors
/// It can't be read.
pub fn open_within(patience: Duration, context: &Context<'_>) -> Result<Option<Store>, StoreError> {
    match DataFolder::of(context.env) {
        Some(folder) => Store::open_existing(&folder.database(), patience),
        None => Ok(None),
    }
}

/// Returns the inis with events that a command is about, in the form in which the database has them.
///
/// # Errors
/// The database can't be read.
pub fn inis(store: &Store, choice: &IniChoice, context: &Context<'_>) -> Result<Vec<String>, StoreError> {
    match &choice.path {
        Some(path) => names_of(store, path, context),
        None => store.inis(),
    }
}

/// Returns the forms in which the database has an ini.
///
/// # Errors
/// The database can't be read.
pub fn names_of(store: &Store, wanted: &Path, context: &Context<'_>) -> Result<Vec<String>, StoreError> {
    let wanted = context
        .env
        .current_folder
        .as_ref()
        .map_or_else(|| wanted.to_path_buf(), |folder| folder.join(wanted));
    let is_wanted = |ini: &String| {
        let ini = Path::new(ini);
        ini == wanted || context.fs.is_same_file(ini, &wanted).unwrap_or(false)
    };
    Ok(store.inis()?.into_iter().filter(is_wanted).collect())
}

/// Returns the last event of an ini.
///
/// # Errors
/// The database can't be read.
pub fn last_event(
    store: &Store,
    ini: &Path,
    context: &Context<'_>,
) -> Result<Option<StoredEvent>, StoreError> {
    let names = names_of(store, ini, context)?;
    let events = names.iter().map(|name| store.last_event(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(events.into_iter().flatten().max_by_key(|event| event.row))
}

/// Returns the current time by both clocks.
pub fn now(context: &Context<'_>) -> Timestamp {
    Timestamp { wall_ms: milliseconds((context.now)()), boot: platform::boot_time() }
}

/// Returns the time before which events are too old, in milliseconds since 1970.
pub fn oldest(since: Option<Duration>, now: &Timestamp) -> i64 {
    let age = since.map(|since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    age.map_or(i64::MIN, |age| now.wall_ms.saturating_sub(age))
}

/// Returns a text without control characters, which would break the line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Returns a time in milliseconds since 1970.
fn milliseconds(time: SystemTime) -> i64 {
    let distance = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => distance(since),
        Err(error) => -distance(error.duration()),
    }
}

/// What is followed.
pub trait Follow {
    /// Returns what is new since the last time; `None` if nothing is.
    ///
    /// # Errors
    /// The database can't be read.
    fn news(&mut self, store: &Store, context: &Context<'_>) -> Result<Option<Box<dyn Outcome>>, Error>;

    /// Returns whether something can be new although the database hasn't changed.
    fn changes_with_time(&self) -> bool;
}

/// Shows what is new until the user stops or nobody reads it any more.
///
/// # Errors
/// The database can't be read.
pub fn follow(what: &mut dyn Follow, context: &mut Context<'_>) -> Result<Box<dyn Outcome>, Error> {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(5);
    let mut store = None;
    let mut seen = None;
    let mut looked_at = Instant::now();
    let is_wanted = Cell::new(true);
    while is_wanted.get() && !(context.stop)() {
        if store.is_none() {
            store = open(context)?;
        }
        if let Some(store) = &store {
            // The number is read first, so that a change while the database is being read isn't missed.
            let version = Some(store.foreign_changes()?);
            if version != seen || what.changes_with_time() && looked_at.elapsed() >= LONGEST {
                seen = version;
                looked_at = Instant::now();
                if let Some(part) = what.news(store, context)? {
                    (context.report)(RunEvent::Part { part: &*part, is_wanted: &is_wanted });
                }
            }
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(Box::new(RawText(String::new())))
}

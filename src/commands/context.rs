//! What a command needs from outside, and what it reports while it works.

use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::time::SystemTime;

use crate::actions::perform::{Limits, SystemPerformer};
use crate::desired::passwords::PasswordHasher;
use crate::diagnostic::Diagnostic;
use crate::edit::transaction::Progress;
use crate::hook::event::Event;
use crate::ini::encoding::Encoding;
use crate::microsip::closing::Restarted;
use crate::microsip::instances::Instance;
use crate::microsip::locate::Candidate;
use crate::platform::{Env, FileSystem};
use crate::request::ValueSource;

use super::outcome::Outcome;

/// What a command needs from outside.
pub struct Context<'a> {
    /// The environment.
    pub env: &'a Env,
    /// The file system.
    pub fs: &'a (dyn FileSystem + Sync),
    /// The clock.
    pub now: &'a (dyn Fn() -> SystemTime + Sync),
    /// Returns whether the user wants to stop.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Returns an environment variable that the user has named.
    pub variable: fn(&str) -> Option<OsString>,
    /// Reads a secret from its source.
    pub secret: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync),
    /// The password hashes of this run.
    pub hashes: &'a PasswordHasher<'a>,
    /// Receives what happens while the command works.
    pub report: &'a mut dyn FnMut(RunEvent<'_>),
}

impl Context<'_> {
    /// Returns what carries out actions.
    pub fn performer(&self) -> SystemPerformer {
        let variable = self.variable;
        let text = move |name: &str| variable(name).and_then(|value| value.into_string().ok());
        SystemPerformer::new(self.env, text, SystemTime::now, Limits::default())
    }
}

/// What happens while a command works.
pub enum RunEvent<'a> {
    /// This ini was chosen.
    Chosen(&'a Candidate),
    /// The ini was read: its size in bytes, and its encoding.
    Read { size: usize, encoding: Encoding },
    /// The transaction made progress.
    Progress(Progress<'a>),
    /// This MicroSIP was asked to close and has exited.
    Closed(Instance),
    /// This MicroSIP was started again.
    Restarted(Restarted),
    /// The hook of this event is started for this caller; an empty caller has no number.
    Testing { event: Event, caller: &'a str },
    /// The work on so many users begins.
    Users { total: usize },
    /// The work on one of them is done.
    UserDone(&'a dyn Outcome),
    /// A part of the answer that shouldn't wait for the rest. `is_wanted` is cleared if nobody reads the answer any
    /// more.
    Part { part: &'a dyn Outcome, is_wanted: &'a Cell<bool> },
    /// A warning that shouldn't wait for the answer.
    Warning(Diagnostic),
}

//! What a worker needs from outside.

use std::sync::Arc;
use std::time::Duration;

use crate::actions::call::Timestamp;
use crate::actions::data_folder::DataFolder;
use crate::actions::error_log;
use crate::actions::perform::Perform;
use crate::platform::FileSystem;

/// What a worker needs from outside.
pub struct Context<'a> {
    /// The folder of the database.
    pub data: &'a DataFolder,
    /// The Windows session whose events it takes.
    pub session: u32,
    /// The file system.
    pub fs: &'a dyn FileSystem,
    /// Carries out actions. Attempts that take too long are left behind when the worker exits.
    pub perform: Arc<dyn Perform + Send + Sync>,
    /// The clocks.
    pub now: &'a dyn Fn() -> Timestamp,
    /// Returns whether the session ends.
    pub is_stopped: &'a dyn Fn() -> bool,
    /// How long to wait for events when nothing is left to do.
    pub idle: Duration,
    /// The name of the user.
    pub user: String,
    /// The name of the computer.
    pub computer: String,
}

impl Context<'_> {
    /// Adds an error to the log.
    pub fn log(&self, error: &dyn std::fmt::Display) {
        error_log::add(&self.data.error_log(), "msipcfg worker", error);
    }
}

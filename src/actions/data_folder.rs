//! The folder in which the runner and the worker keep what happens in calls.

use std::path::{Path, PathBuf};

use crate::platform::{self, Env};

/// The folder `msipcfg` of a user, with the calls database and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// Returns the folder of the user who runs the program; `None` if the environment doesn't show where it is.
    pub fn of(env: &Env) -> Option<DataFolder> {
        platform::data_folder(env).map(DataFolder::at)
    }

    /// Returns the folder at a path.
    pub fn at(path: PathBuf) -> DataFolder {
        DataFolder { path }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the calls database.
    pub fn database(&self) -> PathBuf {
        self.path.join("calls.db")
    }

    /// Returns the folder with the events that couldn't be stored in the database.
    pub fn spool(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// Returns the path of a file that tells workers to exit.
    pub fn stop_file(&self) -> PathBuf {
        self.path.join("stop")
    }

    /// Returns the path of the file with the errors that nobody could be shown.
    pub fn error_log(&self) -> PathBuf {
        self.path.join("error.log")
    }

    /// Returns the path of the file that the worker of a session locks.
    pub fn worker_lock(&self, session: u32) -> PathBuf {
        self.path.join(format!("worker-{session}.lock"))
    }
}

//! The folder in which the runner and the worker keep what happens in calls.

use std::path::{Path, PathBuf};

use crate::platform::{self, Env};

/// The name of the folder with the events that couldn't be stored in the database.
pub const SPOOL: &str = "spool";

/// The name of the file that tells workers to exit.
pub const STOP: &str = "stop";

/// The prefix and suffix of its name while it is written.
pub const STOP_TEMP: (&str, &str) = ("stop-", ".tmp");

/// What SQLite appends to the name of a database for the files that belong to it.
pub const DATABASE_SUFFIXES: [&str; 3] = ["-wal", "-shm", "-journal"];

const DATABASE: &str = "calls.db";
const ERROR_LOG: &str = "error.log";

/// What precedes and follows the session in the names of the files that its worker locks. There are two, so that a
/// worker can start although one of them can't be used: it may be a folder, or this user may not open it.
const LOCK_PREFIX: &str = "worker-";
const LOCK_SUFFIXES: [&str; 2] = [".lock", ".spare.lock"];

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
        self.path.join(DATABASE)
    }

    /// Returns the folder with the events that couldn't be stored in the database.
    pub fn spool(&self) -> PathBuf {
        self.path.join(SPOOL)
    }

    /// Returns the path of a file that tells workers to exit.
    pub fn stop_file(&self) -> PathBuf {
        self.path.join(STOP)
    }

    /// Returns the path of the file with the errors that nobody could be shown.
    pub fn error_log(&self) -> PathBuf {
        self.path.join(ERROR_LOG)
    }

    /// Returns the paths of the files that the worker of a session locks.
    pub fn worker_locks(&self, session: u32) -> [PathBuf; 2] {
        LOCK_SUFFIXES.map(|suffix| self.path.join(format!("{LOCK_PREFIX}{session}{suffix}")))
    }

    /// Returns the new path for a database that is damaged or isn't ours.
    pub fn renamed_database(&self, wall_ms: i64) -> PathBuf {
        self.path.join(format!("calls-{wall_ms}.db"))
    }
}

/// Returns whether a file in the folder has a name that msipcfg gives.
pub fn is_own_name(name: &str) -> bool {
    let (stop, suffix) = STOP_TEMP;
    database_of(name) == DATABASE
        || renamed_database_of(name).is_some()
        || [STOP, ERROR_LOG, "error.old.log"].contains(&name)
        || is_worker_lock(name)
        || name.starts_with(stop) && name.ends_with(suffix)
}

/// Returns the name of the renamed database to which a file in the folder belongs.
pub fn renamed_database_of(name: &str) -> Option<&str> {
    Some(database_of(name)).filter(|database| is_numbered(database, "calls-", ".db"))
}

/// Returns the name of the database to which a file would belong.
fn database_of(name: &str) -> &str {
    DATABASE_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// Returns whether a file in the folder has the name of a worker's lock.
pub fn is_worker_lock(name: &str) -> bool {
    LOCK_SUFFIXES.iter().any(|suffix| is_numbered(name, LOCK_PREFIX, suffix))
}

fn is_numbered(name: &str, prefix: &str, suffix: &str) -> bool {
    let number = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::error_log;

    #[test]
    fn every_file_in_the_folder_has_a_name_of_ours() {
        let data = DataFolder::at(PathBuf::from("data"));
        let log = data.error_log();
        let old_log = error_log::old(&log);
        let named = [data.database(), data.stop_file(), log, old_log, data.renamed_database(9)];
        let locks = data.worker_locks(12);
        let names =
            named.iter().chain(&locks).map(|path| path.file_name().unwrap().to_str().unwrap().to_string());
        let more = ["calls.db-wal", "calls.db-shm", "calls-1.db-journal", "stop-a1b2.tmp"].map(String::from);
        for name in names.chain(more) {
            assert!(is_own_name(&name), "{name}");
        }
        for name in
            ["calls.csv", "calls-.db", "calls-a.db", "calls.db.bak", "worker-1.txt", "error.log.1", "spool"]
        {
            assert!(!is_own_name(name), "{name}");
        }
        assert!(locks.iter().all(|path| is_worker_lock(path.file_name().unwrap().to_str().unwrap())));
        for name in ["calls-9.db", "calls-9.db-wal", "calls-9.db-shm"] {
            assert_eq!(renamed_database_of(name), Some("calls-9.db"));
        }
        assert_eq!(renamed_database_of("calls.db-wal"), None);
        assert!(!is_worker_lock("worker-x.lock") && !is_worker_lock("worker-spare.lock"));
    }
}

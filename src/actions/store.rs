//! The calls database: the events that MicroSIP reported, and what became of their actions.
//!
//! The runner only opens it and adds an event. Everything else is the worker's, or is read by commands.

mod deliveries;
mod history;
mod spooled;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, TransactionBehavior, params};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::event::Event;
use crate::platform::{self, BootTime, FileSystem, FileSystemExt, SystemFs};

pub use deliveries::{Delivery, Ended, NewDelivery, State};

/// The version of the tables, in SQLite's `user_version`.
const VERSION: i64 = 1;

/// How much of the caller's text is stored, in characters.
const MAX_CALLER_LEN: usize = 32 * 1024;

/// Rows are never used again, because the ids of calls contain them. An event with a `spool_file` waits until that file
/// is taken from the spool folder.
const TABLES: &str = "
    CREATE TABLE meta (id TEXT NOT NULL) STRICT;
    CREATE TABLE events (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        boot TEXT,
        since_boot INTEGER,
        event TEXT NOT NULL,
        caller TEXT NOT NULL,
        ini TEXT NOT NULL,
        session INTEGER NOT NULL,
        spool_file TEXT UNIQUE,
        is_planned INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX unplanned_events ON events (session, row) WHERE is_planned = 0;
    CREATE INDEX events_of_ini ON events (ini, time);
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event INTEGER NOT NULL REFERENCES events (row),
        position INTEGER NOT NULL,
        session INTEGER NOT NULL,
        kind TEXT,
        lane TEXT,
        description TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        started INTEGER,
        ended INTEGER,
        took INTEGER,
        next_attempt INTEGER NOT NULL,
        until INTEGER NOT NULL,
        webhook_id TEXT
    ) STRICT;
    CREATE INDEX deliveries_of_event ON deliveries (event, position);
    CREATE INDEX open_deliveries ON deliveries (session, event) WHERE state IN ('pending', 'started');
";

/// The calls database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

/// What went wrong with the calls database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the folder {path} couldn't be created: {source}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("{path} isn't a folder, so the calls database can't be in it")]
    NotAFolder { path: PathBuf },
    #[error("the calls database {path} couldn't be created: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("the calls database {path} can't be used, because a folder has its name")]
    IsFolder { path: PathBuf },
    #[error("the calls database {path} couldn't be used: {source}")]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("the calls database {path} has version {found}, but this msipcfg knows only version {VERSION}")]
    Version { path: PathBuf, found: i64 },
}

impl StoreError {
    /// Returns whether the file isn't a database of ours, so that another one must take its place.
    pub fn needs_new_database(&self) -> bool {
        match self {
            StoreError::Database { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            StoreError::Version { .. } => true,
            _ => false,
        }
    }

    fn is_not_opened(&self) -> bool {
        let StoreError::Database { source, .. } = self else { return false };
        source.sqlite_error_code() == Some(ErrorCode::CannotOpen)
    }

    /// Returns whether another program only used the database for longer than this one wanted to wait.
    pub fn is_busy(&self) -> bool {
        let StoreError::Database { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }
}

impl ToDiagnostic for StoreError {
    fn code(&self) -> Code {
        match self {
            StoreError::Folder { .. } | StoreError::File { .. } => Code::FileWrite,
            _ => Code::FileRead,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                _ if self.is_busy() => "another program is using it; try again",
                StoreError::NotAFolder { .. } | StoreError::IsFolder { .. } => "rename it or remove it",
                StoreError::Version { .. } => "use the newest msipcfg on this computer, or rename the file",
                _ if self.needs_new_database() => {
                    "it is damaged; the next call renames it and starts a new one"
                }
                _ => "check that you may write to its folder and that the disk has free space",
            }
            .into(),
        )
    }
}

type Result<T> = std::result::Result<T, StoreError>;

/// Who opens the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The runner, for which MicroSIP waits: closing the database writes nothing.
    Runner,
    /// Everybody else.
    Other,
}

/// An event that MicroSIP has just reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The wall-clock time in milliseconds since 1970.
    pub time: i64,
    /// The time since the computer was started.
    pub boot: BootTime,
    /// The event.
    pub event: Event,
    /// The text about the other party, chosen by the caller.
    pub caller: String,
    /// The full path of the ini.
    pub ini: String,
    /// The Windows session of the MicroSIP.
    pub session: u32,
}

/// An event in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number: later events have higher ones, whatever the clock says.
    pub row: i64,
    /// The event.
    pub event: NewEvent,
}

/// Which events and deliveries are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Only those of this ini, in the form in which [`Store::inis`] returns it.
    pub ini: Option<&'a str>,
    /// Only those since this time, in milliseconds since 1970.
    pub since: i64,
    /// Only those of events after this row.
    pub after_row: i64,
}

impl Store {
    /// Opens the database, and creates it and its folder if necessary. Waits at most `patience` for another program,
    /// here and in each later operation.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path, patience: Duration, used_by: Use) -> Result<Store> {
        let store = match Store::connect(path, patience) {
            // only then, because MicroSIP waits
            Err(error) if error.is_not_opened() => {
                create_file(path)?;
                Store::connect(path, patience)?
            }
            store => store?,
        };
        let set_up = || -> rusqlite::Result<()> {
            let is_runner = used_by == Use::Runner;
            store.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, is_runner)?;
            // what is deleted is overwritten
            store.connection.pragma_update(None, "secure_delete", !is_runner)
        };
        set_up().map_err(|error| store.error(error))?;
        let version = store.version_with_tables(patience)?;
        store.check_version(version)
    }

    /// Returns the version, after creating the tables of a new database. SQLite doesn't wait for another program while
    /// it turns the write-ahead log on, so this does.
    fn version_with_tables(&self, patience: Duration) -> Result<i64> {
        let begun = Instant::now();
        loop {
            let version = match self.version() {
                Ok(0) => self.create_tables(),
                version => version,
            };
            match version {
                Err(error) if error.is_busy() && begun.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                version => return version,
            }
        }
    }

    /// Opens the database if it exists.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open_existing(path: &Path, patience: Duration) -> Result<Option<Store>> {
        let store = match Store::connect(path, patience) {
            Err(error) if error.is_not_opened() => {
                check_place(path)?;
                let is_missing =
                    SystemFs.metadata(path).is_err_and(|reason| reason.kind() == io::ErrorKind::NotFound);
                return if is_missing { Ok(None) } else { Err(error) };
            }
            store => store?,
        };
        match store.version()? {
            // another program has created the file, but not yet the tables
            0 if store.is_empty()? => Ok(None),
            version => store.check_version(version).map(Some),
        }
    }

    /// Returns a database that exists only as long as this value, for a folder that can't be written to.
    ///
    /// # Errors
    /// There isn't enough memory.
    pub fn in_memory() -> Result<Store> {
        let path = PathBuf::from(":memory:");
        match Connection::open_in_memory() {
            Ok(connection) => {
                let store = Store { connection, path };
                let version = store.create_tables()?;
                store.check_version(version)
            }
            Err(source) => Err(StoreError::Database { path, source }),
        }
    }

    fn connect(path: &Path, patience: Duration) -> Result<Store> {
        // without the flag for URIs: a path may contain a '?'
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(patience)?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            Ok(connection)
        };
        match connect() {
            Ok(connection) => Ok(Store { connection, path: path.to_path_buf() }),
            Err(source) => Err(StoreError::Database { path: path.to_path_buf(), source }),
        }
    }

    fn version(&self) -> Result<i64> {
        self.number("PRAGMA user_version")
    }

    fn is_empty(&self) -> Result<bool> {
        Ok(self.number("SELECT count(*) FROM sqlite_schema")? == 0)
    }

    fn check_version(self, found: i64) -> Result<Store> {
        if found == VERSION { Ok(self) } else { Err(StoreError::Version { path: self.path, found }) }
    }

    /// Creates the tables, unless another program has just done that or the file is somebody else's. Returns the
    /// version.
    fn create_tables(&self) -> Result<i64> {
        // Programs on two computers can't share the memory that a write-ahead log needs. Without one, everything
        // works as well, but slower.
        if !platform::is_on_share(&self.path) && self.is_empty()? {
            self.checked(self.connection.pragma_update(None, "journal_mode", "WAL"))?;
        }
        let create = || -> rusqlite::Result<i64> {
            let tx = rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if version != 0 || tables != 0 {
                return Ok(version);
            }
            tx.execute_batch(TABLES)?;
            tx.execute("INSERT INTO meta (id) VALUES (?1)", [random_id()])?;
            tx.pragma_update(None, "user_version", VERSION)?;
            tx.commit()?;
            Ok(VERSION)
        };
        self.checked(create())
    }

    /// Returns the random id of the database, as hexadecimal digits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn id(&self) -> Result<String> {
        self.checked(self.connection.query_row("SELECT id FROM meta", [], |row| row.get(0)))
    }

    /// Adds an event and returns its row.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn add(&self, event: &NewEvent) -> Result<i64> {
        self.checked(insert_event(&self.connection, event, None))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Returns events in the order of their rows.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn events(&self, filter: Filter<'_>) -> Result<Vec<StoredEvent>> {
        let select = format!("SELECT {EVENT_COLUMNS} FROM events WHERE {FILTER} ORDER BY row");
        self.rows(&select, params![filter.ini, filter.since, filter.after_row], event_at_start)
    }

    /// Returns the last event of an ini, which is in the form in which [`Store::inis`] returns it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn last_event(&self, ini: &str) -> Result<Option<StoredEvent>> {
        let select = format!("SELECT {EVENT_COLUMNS} FROM events WHERE ini = ?1 ORDER BY row DESC LIMIT 1");
        Ok(self.rows(&select, [ini], event_at_start)?.pop())
    }

    /// Returns the paths of all inis that have events.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn inis(&self) -> Result<Vec<String>> {
        self.rows("SELECT DISTINCT ini FROM events ORDER BY ini", [], |row| row.get(0))
    }

    /// Returns a number that changes when another program has changed the database.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn foreign_changes(&self) -> Result<i64> {
        self.number("PRAGMA data_version")
    }

    /// Moves everything from the write-ahead log to the database and empties the log, as far as other programs allow
    /// that.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn empty_log(&self) -> Result<()> {
        self.number("PRAGMA wal_checkpoint(TRUNCATE)").map(drop)
    }

    /// Empties the write-ahead log like [`Store::empty_log`], but doesn't wait for other programs. Returns whether it
    /// is empty.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn try_to_empty_log(&self) -> Result<bool> {
        let patience = u64::try_from(self.number("PRAGMA busy_timeout")?).unwrap_or_default();
        self.checked(self.connection.busy_timeout(Duration::ZERO))?;
        let is_busy = self.number("PRAGMA wal_checkpoint(TRUNCATE)");
        self.checked(self.connection.busy_timeout(Duration::from_millis(patience)))?;
        match is_busy {
            Err(error) if error.is_busy() => Ok(false),
            is_busy => Ok(is_busy? == 0),
        }
    }

    fn number(&self, query: &str) -> Result<i64> {
        self.checked(self.connection.query_row(query, [], |row| row.get(0)))
    }

    fn rows<T>(
        &self,
        query: &str,
        params: impl rusqlite::Params,
        convert: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let rows = || self.connection.prepare(query)?.query_map(params, convert)?.collect();
        let rows: rusqlite::Result<Vec<T>> = rows();
        self.checked(rows)
    }

    /// Does something in one transaction, which waits for other writers before it reads.
    fn in_transaction<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let run = || {
            let tx = rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let result = work(&tx)?;
            tx.commit()?;
            Ok(result)
        };
        self.checked(run())
    }

    fn checked<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| self.error(error))
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Database { path: self.path.clone(), source }
    }
}

/// Creates an empty file for a database, and its folder.
fn create_file(path: &Path) -> Result<()> {
    check_place(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    platform::create_private_folder(folder)
        .map_err(|source| StoreError::Folder { path: folder.to_path_buf(), source })?;
    platform::create_private_file(path)
        .map_err(|source| StoreError::File { path: path.to_path_buf(), source })
}

/// Checks that nothing is in the way of a database. SQLite says only that it can't open it, and on Windows, a path that
/// leads through a file looks like one that doesn't exist.
fn check_place(path: &Path) -> Result<()> {
    if SystemFs.is_dir(path) {
        return Err(StoreError::IsFolder { path: path.to_path_buf() });
    }
    match path.ancestors().skip(1).find(|folder| SystemFs.exists(folder)) {
        Some(folder) if !SystemFs.is_dir(folder) => {
            Err(StoreError::NotAFolder { path: folder.to_path_buf() })
        }
        _ => Ok(()),
    }
}

/// Adds an event, unless there is one that waits for the same file.
fn insert_event(connection: &Connection, event: &NewEvent, spool_file: Option<&str>) -> rusqlite::Result<()> {
    let caller = event.caller.char_indices().nth(MAX_CALLER_LEN);
    let caller = caller.map_or(&*event.caller, |(end, _)| &event.caller[..end]);
    let inserted = connection.execute(
        "INSERT OR IGNORE INTO events (time, boot, since_boot, event, caller, ini, session, spool_file)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            event.time,
            event.boot.boot,
            event.boot.ms,
            event.event.name(),
            caller,
            event.ini,
            event.session,
            spool_file
        ],
    );
    inserted.map(drop)
}

/// The columns that [`event_at_start`] reads.
const EVENT_COLUMNS: &str = "row, time, boot, since_boot, events.event, caller, ini, events.session";

/// The condition of a [`Filter`], whose fields are the first three parameters.
const FILTER: &str = "(?1 IS NULL OR ini = ?1) AND time >= ?2 AND row > ?3";

fn event_at_start(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let name: String = row.get(4)?;
    let event = name.parse().map_err(|error| conversion_error(4, error))?;
    let boot = BootTime { boot: row.get(2)?, ms: row.get(3)? };
    let event = NewEvent {
        time: row.get(1)?,
        boot,
        event,
        caller: row.get(5)?,
        ini: row.get(6)?,
        session: row.get(7)?,
    };
    Ok(StoredEvent { row: row.get(0)?, event })
}

fn conversion_error(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

/// Returns 32 random hexadecimal digits.
fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers, ids of calls and requests repeat in other databases, which does little harm.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;

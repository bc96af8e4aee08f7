//! Events that wait until their files are taken from the spool folder.

use super::{NewEvent, Result, Store, insert_event};

impl Store {
    /// Adds an event that waits for its file, unless it waits already or the file isn't there any more. Until the file
    /// is taken, nothing is done for the event.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn add_spooled(&self, event: &NewEvent, file: &str, is_there: impl FnOnce() -> bool) -> Result<()> {
        // Asked in the transaction: as long as the file is there, an event that another worker has added still waits,
        // so it is found.
        self.in_transaction(|tx| if is_there() { insert_event(tx, event, Some(file)) } else { Ok(()) })
    }

    /// Returns the files for which events wait.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn waiting_files(&self) -> Result<Vec<String>> {
        let select =
            "SELECT spool_file FROM events WHERE is_planned = 0 AND spool_file IS NOT NULL ORDER BY row";
        self.rows(select, [], |row| row.get(0))
    }

    /// Records that a file is taken, so its event doesn't wait any more.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn release(&self, file: &str) -> Result<()> {
        let updated =
            self.connection.execute("UPDATE events SET spool_file = NULL WHERE spool_file = ?1", [file]);
        self.checked(updated.map(drop))
    }

    /// Deletes the event that waits for a file, because somebody else has the file.
    ///
    /// # Errors
    /// See [`StoreError`](super::StoreError).
    pub fn discard(&self, file: &str) -> Result<()> {
        let deleted = self.connection.execute("DELETE FROM events WHERE spool_file = ?1", [file]);
        self.checked(deleted.map(drop))
    }
}

//! Takes events from files to the database, in the steps that [`spool`] describes.

use std::path::Path;

use crate::actions::spool::{self, SpoolError, SpoolFile};
use crate::actions::store::{NewEvent, Store, StoreError};
use crate::platform::FileSystem;

/// Takes the events from the files in a folder, and returns whether there were any. Errors of single files are logged,
/// and those files are left for later.
///
/// # Errors
/// The database can't be used.
pub fn to_database(
    store: &Store,
    fs: &dyn FileSystem,
    folder: &Path,
    log: &mut dyn FnMut(&SpoolError),
) -> Result<bool, StoreError> {
    // Listed before the database is asked: the event of a file that is listed here and doesn't wait then was released.
    let taken = spool::taken(fs, folder).unwrap_or_default();
    for (file, event) in events(fs, folder, log) {
        store.add_spooled(&event, &file.name, || file.is_there(fs))?;
    }
    let waiting = store.waiting_files()?;
    for name in taken.iter().filter(|name| !waiting.contains(name)) {
        spool::remove_taken(fs, folder, name);
    }
    let mut has_taken = false;
    for name in waiting {
        match spool::take(fs, folder, &name) {
            Ok(true) => {
                store.release(&name)?;
                has_taken = true;
                spool::remove_taken(fs, folder, &name);
            }
            Ok(false) => store.discard(&name)?,
            Err(error) => log(&error),
        }
    }
    Ok(has_taken)
}

/// Returns the files in a folder that are events. Those that are something else are removed.
pub fn events(
    fs: &dyn FileSystem,
    folder: &Path,
    log: &mut dyn FnMut(&SpoolError),
) -> Vec<(SpoolFile, NewEvent)> {
    let files = spool::files(fs, folder).unwrap_or_else(|error| {
        log(&error);
        Vec::new()
    });
    let mut events = Vec::new();
    for (file, event) in files {
        match event {
            Ok(event) => events.push((file, event)),
            Err(error) => {
                log(&error);
                if matches!(error, SpoolError::NotAnEvent { .. }) {
                    let _ = file.remove(fs);
                }
            }
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::actions::store::{Filter, Use};
    use crate::hook::event::Event;
    use crate::platform::{BootTime, SystemFs};

    /// A file system on which nothing can be renamed.
    struct NoRenames;

    impl FileSystem for NoRenames {
        fn rename_exclusively(&self, _: &Path, _: &Path) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    fn add_file(folder: &Path, caller: usize) {
        let event = NewEvent {
            time: 5,
            boot: BootTime::default(),
            event: Event::Ring,
            caller: caller.to_string(),
            ini: "/x.ini".into(),
            session: 1,
        };
        spool::write(&SystemFs, folder, &event).unwrap();
    }

    /// Takes what is in a folder, and returns the errors.
    fn take(store: &Store, fs: &dyn FileSystem, folder: &Path) -> Vec<String> {
        let mut errors = Vec::new();
        to_database(store, fs, folder, &mut |error| errors.push(error.to_string())).unwrap();
        errors
    }

    #[test]
    fn a_worker_that_is_killed_after_any_step_loses_and_repeats_nothing() {
        for killed_after in 0..=4 {
            let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory().unwrap());
            let folder = folder.path();
            add_file(folder, 1);
            let (file, event) = events(&SystemFs, folder, &mut |_| {}).remove(0);
            let steps: [&dyn Fn(); 4] = [
                &|| store.add_spooled(&event, &file.name, || true).unwrap(),
                &|| assert!(spool::take(&SystemFs, folder, &file.name).unwrap()),
                &|| store.release(&file.name).unwrap(),
                &|| spool::remove_taken(&SystemFs, folder, &file.name),
            ];
            steps[..killed_after].iter().for_each(|step| step());
            assert_eq!(take(&store, &SystemFs, folder), [] as [&str; 0]);
            assert_eq!(store.unplanned(1).unwrap().len(), 1, "{killed_after}");
            assert_eq!(store.events(Filter::default()).unwrap().len(), 1, "{killed_after}");
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{killed_after}");
        }
    }

    #[test]
    fn an_event_whose_file_cannot_be_renamed_waits() {
        let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory().unwrap());
        add_file(folder.path(), 1);
        for _ in 0..2 {
            let errors = take(&store, &NoRenames, folder.path());
            assert!(errors.len() == 1 && errors[0].contains("its event waits"), "{errors:?}");
            assert_eq!(store.unplanned(1).unwrap(), []);
        }
        // a worker without the database can't have it either
        let (file, _) = events(&NoRenames, folder.path(), &mut |_| {}).remove(0);
        assert!(file.remove(&NoRenames).is_err());
        assert!(take(&store, &SystemFs, folder.path()).is_empty());
        assert_eq!(store.unplanned(1).unwrap().len(), 1);
    }

    #[test]
    fn an_event_that_a_worker_without_the_database_has_is_not_taken() {
        let (folder, store) = (tempfile::tempdir().unwrap(), Store::in_memory().unwrap());
        add_file(folder.path(), 1);
        take(&store, &NoRenames, folder.path());
        events(&SystemFs, folder.path(), &mut |_| {})[0].0.remove(&SystemFs).unwrap();
        assert!(take(&store, &SystemFs, folder.path()).is_empty());
        assert_eq!(store.events(Filter::default()).unwrap(), []);
    }

    #[test]
    fn workers_with_and_without_the_database_take_each_event_once() {
        const FILES: usize = 100;
        let folder = tempfile::tempdir().unwrap();
        let (spool, database) = (&folder.path().join("spool"), &folder.path().join("calls.db"));
        let store = || Store::open(database, Duration::from_secs(60), Use::Other).unwrap();
        store();
        let is_left = || spool::files(&SystemFs, spool).unwrap().iter().any(|(_, event)| event.is_ok());
        (0..FILES).for_each(|caller| add_file(spool, caller));
        let mut callers: Vec<String> = std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let store = store();
                    while is_left() {
                        take(&store, &SystemFs, spool);
                    }
                });
            }
            let without_database = || {
                let mut callers = Vec::new();
                while is_left() {
                    // the last first, so that both get some
                    for (file, event) in events(&SystemFs, spool, &mut |_| {}).into_iter().rev().take(1) {
                        callers.extend(file.remove(&SystemFs).is_ok().then_some(event.caller));
                    }
                }
                callers
            };
            let threads = [scope.spawn(without_database), scope.spawn(without_database)];
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let store = store();
        take(&store, &SystemFs, spool);
        assert_eq!(store.events(Filter::default()).unwrap().len(), store.unplanned(1).unwrap().len());
        callers.extend(store.unplanned(1).unwrap().into_iter().map(|event| event.event.caller));
        assert_eq!(callers.len(), FILES);
        assert_eq!(callers.iter().collect::<HashSet<_>>().len(), FILES);
        assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
    }
}

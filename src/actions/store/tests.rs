use super::history::clock_jumped;
use super::*;
use crate::hook::action::Kind;

const NOW: i64 = 1_800_000_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn event(time: i64, event: Event) -> NewEvent {
    NewEvent {
        time,
        boot: BootTime { boot: Some("b".into()), ms: Some(time - NOW + 1000 * DAY) },
        event,
        caller: "100".into(),
        ini: "/a/MicroSIP.ini".into(),
        session: 1,
    }
}

fn delivery(position: u32, kind: Kind) -> NewDelivery {
    NewDelivery {
        position,
        kind: Some(kind),
        lane: None,
        description: "what".into(),
        state: State::Pending,
        message: String::new(),
        next_attempt: NOW,
        until: NOW,
    }
}

fn open(path: &Path) -> Result<Store> {
    Store::open(path, Duration::from_millis(50), Use::Runner)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("msipcfg").join("calls.db")
    }

    fn store(&self) -> Store {
        Store::open(&self.database(), Duration::from_secs(10), Use::Other).unwrap()
    }
}

/// Adds an event with deliveries and returns its row.
fn planned(store: &Store, new: NewEvent, deliveries: &[NewDelivery]) -> i64 {
    let row = store.add(&new).unwrap();
    store.plan(&StoredEvent { row, event: new }, deliveries).unwrap();
    row
}

fn states(store: &Store) -> Vec<State> {
    store.deliveries(Filter::default()).unwrap().iter().map(|(_, delivery)| delivery.state).collect()
}

#[test]
fn events_are_kept_as_they_were_reported() {
    let folder = Folder::new();
    let mut reported = event(NOW, Event::Ring);
    reported.caller = "7 7 \"& calc ü\u{1F600}'; DROP TABLE events; --".into();
    let row = open(&folder.database()).unwrap().add(&reported).unwrap();
    let store = folder.store();
    assert_eq!(store.events(Filter::default()).unwrap(), [StoredEvent { row, event: reported }]);
    assert_eq!(store.id().unwrap().len(), 32);
    assert_ne!(store.id().unwrap(), Store::in_memory().unwrap().id().unwrap());
}

#[test]
fn a_very_long_text_is_cut() {
    let store = Store::in_memory().unwrap();
    store.add(&NewEvent { caller: "ü".repeat(MAX_CALLER_LEN + 1), ..event(NOW, Event::Ring) }).unwrap();
    let caller = store.events(Filter::default()).unwrap().remove(0).event.caller;
    assert_eq!(caller, "ü".repeat(MAX_CALLER_LEN));
}

#[test]
fn events_are_found_by_ini_time_and_row() {
    let store = Store::in_memory().unwrap();
    let other = NewEvent { ini: "/b/x.ini".into(), ..event(NOW, Event::End) };
    // the clock was set back
    for new in [event(NOW, Event::Ring), event(NOW - 10, Event::Start), other, event(NOW + 10, Event::End)] {
        store.add(&new).unwrap();
    }
    let rows = |filter| store.events(filter).unwrap().iter().map(|event| event.row).collect::<Vec<_>>();
    assert_eq!(store.inis().unwrap(), ["/a/MicroSIP.ini", "/b/x.ini"]);
    assert_eq!(rows(Filter::default()), [1, 2, 3, 4]);
    assert_eq!(rows(Filter { ini: Some("/b/x.ini"), ..Filter::default() }), [3]);
    assert_eq!(rows(Filter { since: NOW, ..Filter::default() }), [1, 3, 4]);
    assert_eq!(rows(Filter { after_row: 2, ..Filter::default() }), [3, 4]);
}

#[test]
fn a_spooled_event_waits_until_its_file_is_taken() {
    let store = Store::in_memory().unwrap();
    for file in ["1", "1", "2", "3"] {
        store.add_spooled(&event(NOW, Event::Ring), file, || file != "3").unwrap();
    }
    assert_eq!(store.waiting_files().unwrap(), ["1", "2"]);
    assert_eq!(store.unplanned(1).unwrap(), []);
    store.release("1").unwrap();
    store.discard("1").unwrap();
    store.discard("2").unwrap();
    assert!(store.waiting_files().unwrap().is_empty());
    let rows = |events: Vec<StoredEvent>| events.iter().map(|event| event.row).collect::<Vec<_>>();
    assert_eq!(rows(store.unplanned(1).unwrap()), [1]);
    assert_eq!(rows(store.events(Filter::default()).unwrap()), [1]);
}

#[test]
fn rows_are_not_used_again() {
    let store = Store::in_memory().unwrap();
    planned(&store, event(NOW, Event::Ring), &[]);
    assert_eq!(store.delete_before("/a/MicroSIP.ini", NOW + 1, i64::MAX).unwrap(), 1);
    assert_eq!(store.add(&event(NOW, Event::End)).unwrap(), 2);
}

#[test]
fn events_that_belong_together_are_deleted_together() {
    let store = Store::in_memory().unwrap();
    let done = planned(&store, event(NOW, Event::Ring), &[]);
    let pending = planned(&store, event(NOW, Event::End), &[delivery(0, Kind::Post)]);
    let unplanned = store.add(&event(NOW, Event::Ring)).unwrap();
    for other in [pending, unplanned] {
        assert!(!store.delete_together(&[done, other]).unwrap());
    }
    assert_eq!(store.events(Filter::default()).unwrap().len(), 3);
    assert!(store.delete_together(&[done]).unwrap());
    assert_eq!(store.events(Filter::default()).unwrap().len(), 2);
    assert_eq!(states(&store), [State::Pending]);
}

#[test]
fn deliveries_are_planned_once_and_start_in_the_order_of_events() {
    let store = Store::in_memory().unwrap();
    let events = [event(NOW, Event::Ring), event(NOW, Event::End)].map(|new| {
        let row = store.add(&new).unwrap();
        StoredEvent { row, event: new }
    });
    assert_eq!(store.unplanned(1).unwrap(), events);
    assert_eq!(store.unplanned(2).unwrap(), []);
    for event in events.iter().rev().chain(&events) {
        store.plan(event, &[delivery(0, Kind::Open), delivery(1, Kind::Post)]).unwrap();
    }
    assert_eq!(store.unplanned(1).unwrap(), []);
    let pending = store.pending(1).unwrap();
    let order: Vec<_> = pending.iter().map(|(event, delivery)| (event.row, delivery.position)).collect();
    assert_eq!(order, [(1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(pending[0].1.webhook_id, None);
    let ids: Vec<_> = [1, 3].iter().map(|&index| pending[index].1.webhook_id.clone().unwrap()).collect();
    assert!(ids[0].starts_with("msg_") && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn only_one_worker_starts_a_delivery() {
    let store = Store::in_memory().unwrap();
    planned(&store, event(NOW, Event::Ring), &[delivery(0, Kind::Post)]);
    assert!(!store.start(1, 2, NOW).unwrap(), "it is another session's");
    assert!(store.start(1, 1, NOW).unwrap());
    assert!(!store.start(1, 1, NOW).unwrap());
    let ended = Ended {
        state: State::Pending,
        message: "503".into(),
        at: NOW + 5,
        took: 5,
        next_attempt: NOW + 1000,
    };
    store.end(1, &ended).unwrap();
    let (_, delivery) = store.pending(1).unwrap().remove(0);
    assert_eq!((delivery.attempts, &*delivery.message, delivery.took), (1, "503", Some(5)));
    assert_eq!(
        (delivery.started, delivery.ended, delivery.next_attempt),
        (Some(NOW), Some(NOW + 5), NOW + 1000)
    );
    store.end(1, &Ended { state: State::Done, ..ended.clone() }).unwrap();
    // what has ended stays as it is
    store.end(1, &Ended { state: State::Failed, ..ended }).unwrap();
    assert_eq!(states(&store), [State::Done]);
    assert_eq!(store.retry(&[1], 1, NOW, NOW).unwrap(), 0);
}

#[test]
fn only_requests_are_repeated_after_a_crash_with_the_same_id() {
    let store = Store::in_memory().unwrap();
    let kinds = [Kind::Run, Kind::Post, Kind::Get, Kind::Log];
    let planned_deliveries: Vec<_> = (0..).zip(kinds).map(|(at, kind)| delivery(at, kind)).collect();
    planned(&store, event(NOW, Event::End), &planned_deliveries);
    let id = store.pending(1).unwrap()[1].1.webhook_id.clone();
    for delivery in 1..=4 {
        assert!(store.start(delivery, 1, NOW).unwrap());
    }
    store.recover(2, "the worker was ended", NOW).unwrap();
    assert_eq!(states(&store), [State::Started; 4]);
    store.recover(1, "the worker was ended", NOW).unwrap();
    assert_eq!(states(&store), [State::Interrupted, State::Pending, State::Pending, State::Interrupted]);
    assert_eq!(store.pending(1).unwrap()[0].1.webhook_id, id);
    assert_eq!(store.retry(&[1, 2, 3, 4], 1, NOW, NOW).unwrap(), 2);
    assert_eq!(states(&store), [State::Pending; 4]);
}

#[test]
fn another_session_adopts_what_is_old_enough() {
    let store = Store::in_memory().unwrap();
    planned(&store, event(NOW - 100, Event::Ring), &[delivery(0, Kind::Post), delivery(1, Kind::Run)]);
    planned(&store, event(NOW, Event::Ring), &[delivery(0, Kind::Post)]);
    store.add(&event(NOW - 100, Event::End)).unwrap();
    store.add(&event(NOW, Event::End)).unwrap();
    assert!(store.start(2, 1, NOW).unwrap());
    assert_eq!(store.other_sessions(2).unwrap(), [1]);
    assert!(store.other_sessions(1).unwrap().is_empty());
    store.adopt(1, 2, NOW, "the worker was ended", NOW).unwrap();
    let ids = |session| store.pending(session).unwrap().iter().map(|(_, one)| one.id).collect::<Vec<_>>();
    assert_eq!((ids(2), ids(1)), (vec![1], vec![3]));
    assert_eq!(states(&store), [State::Pending, State::Interrupted, State::Pending]);
    assert_eq!(store.unplanned(2).unwrap().len(), 1);
    assert_eq!(store.unplanned(1).unwrap().len(), 1);
}

#[test]
fn only_what_is_done_is_deleted() {
    let store = Store::in_memory().unwrap();
    planned(
        &store,
        event(NOW, Event::Ring),
        &[NewDelivery { state: State::Skipped, ..delivery(0, Kind::Open) }],
    );
    planned(&store, event(NOW, Event::Start), &[delivery(0, Kind::Post)]);
    store.add(&event(NOW, Event::End)).unwrap();
    planned(&store, NewEvent { ini: "/b".into(), ..event(NOW, Event::End) }, &[]);
    planned(&store, event(NOW + 1, Event::End), &[]);
    assert_eq!(store.unfinished("/a/MicroSIP.ini").unwrap(), [2, 3]);
    assert_eq!(store.delete_before("/a/MicroSIP.ini", NOW + 1, 1).unwrap(), 0);
    assert_eq!(store.delete_before("/a/MicroSIP.ini", NOW + 1, i64::MAX).unwrap(), 1);
    assert_eq!(store.delete_before("/a/MicroSIP.ini", i64::MAX, 5).unwrap(), 0);
    let rows: Vec<_> = store.events(Filter::default()).unwrap().iter().map(|event| event.row).collect();
    assert_eq!(rows, [2, 3, 4, 5]);
    assert_eq!(states(&store), [State::Pending]);
}

#[test]
fn a_jump_of_the_clock_is_recognized() {
    let at = |time: i64, boot: Option<&str>, ms: i64| {
        (time, BootTime { boot: boot.map(str::to_string), ms: Some(ms) })
    };
    const YEAR: i64 = 365 * DAY;
    for (jumped, moments) in [
        (false, vec![at(NOW, Some("a"), 0), at(NOW + 40 * DAY, Some("a"), 40 * DAY)]),
        (false, vec![at(NOW, Some("a"), 0), at(NOW - 3_600_000, Some("a"), 5)]),
        (true, vec![at(NOW, Some("a"), 0), at(NOW + YEAR, Some("a"), 5)]),
        (true, vec![at(NOW, Some("a"), 0), at(NOW - 2 * DAY, Some("a"), 5)]),
        // switched off in the meantime
        (false, vec![at(NOW, Some("a"), 0), at(NOW + 3 * DAY, Some("b"), 0)]),
        (true, vec![at(NOW, Some("a"), 0), at(NOW + YEAR, Some("b"), 0)]),
        (true, vec![at(NOW, None, 0), at(NOW - 2 * DAY, None, 5)]),
        // the jump isn't the last thing that happened
        (true, vec![at(NOW, Some("a"), 0), at(NOW + YEAR, Some("a"), 5), at(NOW + YEAR, Some("a"), 6)]),
        (false, vec![at(NOW, Some("a"), 0)]),
    ] {
        assert_eq!(clock_jumped(&moments), jumped, "{moments:?}");
    }
    let store = Store::in_memory().unwrap();
    store.add(&event(NOW, Event::Ring)).unwrap();
    let boot = event(NOW + 5, Event::Ring).boot;
    assert!(!store.is_clock_doubtful(NOW + 5, boot.clone()).unwrap());
    assert!(store.is_clock_doubtful(NOW + YEAR, boot).unwrap());
}

#[test]
fn an_unknown_version_and_damage_are_recognized_and_nothing_is_overwritten() {
    let folder = Folder::new();
    let path = folder.database();
    folder.store().connection.pragma_update(None, "user_version", 7).unwrap();
    for opened in [open(&path).map(Some), Store::open_existing(&path, Duration::ZERO)] {
        let error = opened.unwrap_err();
        assert!(
            matches!(error, StoreError::Version { found: 7, .. }) && error.needs_new_database(),
            "{error}"
        );
    }
    // somebody else's tables
    let folder = Folder::new();
    let store = folder.store();
    store.connection.execute_batch("CREATE TABLE theirs (a); PRAGMA user_version = 0").unwrap();
    drop(store);
    assert!(matches!(open(&folder.database()), Err(StoreError::Version { found: 0, .. })));

    let folder = Folder::new();
    let path = folder.database();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "this is not a database, it only has its name. ".repeat(50)).unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.needs_new_database() && !error.is_busy(), "{error}");
    assert!(std::fs::read(&path).unwrap().starts_with(b"this is not"));
}

#[test]
fn reading_creates_nothing() {
    let folder = Folder::new();
    let path = folder.database();
    assert!(Store::open_existing(&path, Duration::ZERO).unwrap().is_none());
    assert!(!path.exists());
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "").unwrap();
    assert!(Store::open_existing(&path, Duration::ZERO).unwrap().is_none());
    folder.store().add(&event(NOW, Event::Ring)).unwrap();
    let store = Store::open_existing(&path, Duration::ZERO).unwrap().unwrap();
    assert_eq!(store.events(Filter::default()).unwrap().len(), 1);
}

#[test]
fn a_program_that_writes_is_not_waited_for_long() {
    let folder = Folder::new();
    let store = folder.store();
    store.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = open(&folder.database()).unwrap().add(&event(NOW, Event::Ring)).unwrap_err();
    assert!(error.is_busy() && !error.needs_new_database(), "{error}");
    store.connection.execute_batch("ROLLBACK").unwrap();
    open(&folder.database()).unwrap().add(&event(NOW, Event::Ring)).unwrap();
}

#[test]
fn other_programs_changes_are_noticed_and_the_log_is_emptied() {
    let folder = Folder::new();
    let store = folder.store();
    let before = store.foreign_changes().unwrap();
    assert_eq!(store.foreign_changes().unwrap(), before);
    open(&folder.database()).unwrap().add(&event(NOW, Event::Ring)).unwrap();
    assert_ne!(store.foreign_changes().unwrap(), before);
    let log = folder.database().with_extension("db-wal");
    assert_ne!(std::fs::metadata(&log).unwrap().len(), 0, "the runner leaves the log to others");
    store.empty_log().unwrap();
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
}

#[test]
fn the_log_is_emptied_without_waiting() {
    let folder = Folder::new();
    let long = Duration::from_secs(60);
    let store = Store::open(&folder.database(), long, Use::Other).unwrap();
    let log = folder.database().with_extension("db-wal");
    let is_empty = || std::fs::metadata(&log).unwrap().len() == 0;
    let other = folder.store();
    for statement in ["BEGIN IMMEDIATE", "BEGIN; SELECT count(*) FROM events"] {
        store.add(&event(NOW, Event::Ring)).unwrap();
        other.connection.execute_batch(statement).unwrap();
        let begun = Instant::now();
        assert!(!store.try_to_empty_log().unwrap() && !is_empty(), "{statement}");
        assert!(begun.elapsed() < long / 2);
        other.connection.execute_batch("ROLLBACK").unwrap();
        assert!(store.try_to_empty_log().unwrap() && is_empty(), "{statement}");
    }
    assert_eq!(store.number("PRAGMA busy_timeout").unwrap(), 60_000);
    assert!(Store::in_memory().unwrap().try_to_empty_log().unwrap());
}

#[test]
fn two_programs_can_create_the_database_at_once() {
    let folder = Folder::new();
    let path = folder.database();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let store = Store::open(&path, Duration::from_secs(10), Use::Other);
                store.and_then(|store| store.add(&event(NOW, Event::Ring))).unwrap();
            });
        }
    });
    assert_eq!(folder.store().events(Filter::default()).unwrap().len(), 8);
}

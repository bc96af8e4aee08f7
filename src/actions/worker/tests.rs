use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::*;
use crate::actions::call::Timestamp;
use crate::actions::data_folder::DataFolder;
use crate::actions::perform::{Job, Perform, Performed};
use crate::actions::start_worker;
use crate::actions::store::{Delivery, Filter, State, StoredEvent};
use crate::hook::action::Work;
use crate::hook::event::Event;
use crate::platform::{BootTime, FileSystem, SystemFs};

const NOW: i64 = 1_800_000_000_000;

/// Answers with what was prepared for an action, or else that it is done.
#[derive(Default)]
struct Fake {
    /// The answers for a text of an action, the last first.
    answers: Mutex<HashMap<String, Vec<Performed>>>,
    /// The texts of the actions, callers and webhook ids that were seen.
    seen: Mutex<Vec<(String, String, String)>>,
}

impl Perform for Fake {
    fn perform(&self, job: Job<'_>) -> Performed {
        let text = match &job.action.work {
            Work::Open { url, .. } => url.template().to_string(),
            Work::Notify { text, .. } => text.to_string(),
            Work::Send(request) => request.url.template().to_string(),
            Work::Log { file, .. } => file.clone(),
            Work::Run { program, .. } => program.clone(),
        };
        let seen = (text.clone(), job.facts.number.clone(), job.webhook_id.to_string());
        self.seen.lock().unwrap().push(seen);
        let answer = self.answers.lock().unwrap().get_mut(&text).and_then(Vec::pop);
        answer.unwrap_or_else(|| Performed::Done("done".into()))
    }
}

/// A file system on which files whose names end so can't be removed or renamed.
struct Stuck(&'static str);

impl Stuck {
    fn check(&self, path: &Path) -> io::Result<()> {
        let is_stuck = path.to_str().unwrap().ends_with(self.0);
        if is_stuck { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }
}

impl FileSystem for Stuck {
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(path).and_then(|()| SystemFs.remove(path))
    }

    fn rename_exclusively(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(from).and_then(|()| SystemFs.rename_exclusively(from, to))
    }
}

struct Harness {
    folder: tempfile::TempDir,
    fs: Box<dyn FileSystem + Sync>,
    fake: Arc<Fake>,
    clock: AtomicI64,
    is_stopped: AtomicBool,
    session: u32,
}

impl Harness {
    fn new(hooks: &str) -> Harness {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("MicroSIP.hooks.toml"), hooks).unwrap();
        Harness {
            folder,
            fs: Box::new(SystemFs),
            fake: Arc::default(),
            clock: AtomicI64::new(NOW),
            is_stopped: AtomicBool::new(false),
            session: 1,
        }
    }

    fn data(&self) -> DataFolder {
        DataFolder::at(self.folder.path().join("data"))
    }

    fn answers(self, text: &str, answers: &[Performed]) -> Harness {
        let answers = answers.iter().rev().cloned().collect();
        self.fake.answers.lock().unwrap().insert(text.into(), answers);
        self
    }

    fn event(&self, event: Event, caller: &str) -> NewEvent {
        let ms = self.clock.fetch_add(10, Ordering::Relaxed);
        NewEvent {
            time: ms,
            boot: BootTime { boot: Some("b".into()), ms: Some(ms) },
            event,
            caller: caller.into(),
            ini: self.folder.path().join("MicroSIP.ini").to_str().unwrap().into(),
            session: 1,
        }
    }

    fn store(&self) -> Store {
        Store::open(&self.data().database(), PATIENCE, Use::Runner).unwrap()
    }

    fn report(&self, event: Event, caller: &str) {
        self.store().add(&self.event(event, caller)).unwrap();
    }

    /// Runs a worker until nothing is left to do. Its clock advances by a second whenever it looks at it.
    fn work(&self, given: Option<NewEvent>) {
        let data = self.data();
        let context = Context {
            data: &data,
            session: self.session,
            fs: &*self.fs,
            perform: self.fake.clone(),
            now: &|| {
                let ms = self.clock.fetch_add(1000, Ordering::Relaxed);
                Timestamp { wall_ms: ms, boot: BootTime { boot: Some("b".into()), ms: Some(ms) } }
            },
            is_stopped: &|| self.is_stopped.load(Ordering::Relaxed),
            idle: Duration::ZERO,
            user: "ann".into(),
            computer: "pc".into(),
        };
        run(&context, given);
    }

    fn seen(&self) -> Vec<String> {
        self.fake.seen.lock().unwrap().iter().map(|(text, ..)| text.clone()).collect()
    }

    fn deliveries(&self) -> Vec<Delivery> {
        let all = self.store().deliveries(Filter::default()).unwrap();
        all.into_iter().map(|(_, delivery)| delivery).collect()
    }

    fn results(&self) -> Vec<(State, String)> {
        self.deliveries().into_iter().map(|one| (one.state, one.message)).collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data().error_log()).unwrap_or_default()
    }
}

fn done() -> (State, String) {
    (State::Done, "done".into())
}

fn again(message: &str) -> Performed {
    Performed::TryAgain(message.into())
}

#[test]
fn each_action_of_an_event_is_carried_out_and_recorded() {
    let harness = Harness::new("[[ring]]\nget = 'http://h/a'\n[[ring]]\nlog = 'f.csv'\n[[end]]\nrun = 'x'")
        .answers("http://h/a", &[Performed::Failed("404".into())])
        .answers("x", &[Performed::Skipped("why".into())]);
    harness.report(Event::Ring, "100");
    harness.report(Event::Start, "100");
    harness.report(Event::End, "100");
    harness.work(None);
    let mut seen = harness.seen();
    seen.sort();
    assert_eq!(seen, ["f.csv", "http://h/a", "x"]);
    assert_eq!(harness.results(), [(State::Failed, "404".into()), done(), (State::Skipped, "why".into())]);
    assert!(harness.deliveries().iter().all(|one| one.attempts == 1 && one.ended >= one.started));
    assert_eq!(harness.store().unplanned(1).unwrap(), []);
    assert_eq!(harness.log(), "");
}

#[test]
fn requests_to_the_same_server_keep_the_order_of_their_events() {
    let harness = Harness::new("[[ring]]\npost = 'http://h/ring'\n[[end]]\npost = 'http://h/end'")
        .answers("http://h/ring", &[again("503"), again("503")]);
    harness.report(Event::Ring, "100");
    harness.report(Event::End, "100");
    harness.work(None);
    assert_eq!(harness.seen(), ["http://h/ring", "http://h/ring", "http://h/ring", "http://h/end"]);
    let ids: Vec<_> = harness.fake.seen.lock().unwrap().iter().map(|(_, _, id)| id.clone()).collect();
    assert!(
        ids[0].starts_with("msg_") && ids[..3].iter().all(|id| *id == ids[0]) && ids[3] != ids[0],
        "{ids:?}"
    );
    assert_eq!(harness.results(), [done(), done()]);
    assert_eq!(harness.deliveries()[0].attempts, 3);
}

#[test]
fn attempts_end_with_the_time() {
    let harness = Harness::new("[[ring]]\nget = 'http://h'\nretry = '1m'\n[[ring]]\nrun = 'x'")
        .answers("http://h", &vec![again("no answer"); 100])
        .answers("x", &[again("not now")]);
    harness.report(Event::Ring, "100");
    harness.work(None);
    assert_eq!(harness.results(), [(State::Failed, "no answer".into()), (State::Failed, "not now".into())]);
    let attempts: Vec<_> = harness.deliveries().iter().map(|one| one.attempts).collect();
    assert!((3..10).contains(&attempts[0]) && attempts[1] == 1, "{attempts:?}");
}

#[test]
fn what_a_killed_worker_had_started_is_repeated_only_if_receivers_notice() {
    let harness = Harness::new("[[end]]\npost = 'http://h'\n[[end]]\nrun = 'x'\n[[end]]\nlog = 'f.csv'");
    harness.report(Event::End, "100");
    {
        // what a worker does until it is killed
        let store = harness.store();
        let event = store.unplanned(1).unwrap().remove(0);
        let actions = actions_cache::read(Path::new(&event.event.ini)).map_err(|error| error.to_string());
        let facts = facts::facts(&store, &event, &actions.as_ref().unwrap().numbers, &context_of(&harness));
        store.plan(&event, &plan::deliveries(&actions, &facts.unwrap(), NOW)).unwrap();
        assert!(store.start(1, 1, NOW).unwrap() && store.start(2, 1, NOW).unwrap());
    }
    let id = harness.deliveries()[0].webhook_id.clone().unwrap();
    harness.work(None);
    let mut seen = harness.fake.seen.lock().unwrap().clone();
    seen.sort();
    assert_eq!(seen, [("f.csv".into(), "100".into(), String::new()), ("http://h".into(), "100".into(), id)]);
    let states: Vec<_> = harness.results().into_iter().map(|(state, _)| state).collect();
    assert_eq!(states, [State::Done, State::Interrupted, State::Done]);
}

fn context_of(harness: &Harness) -> Context<'static> {
    Context {
        data: Box::leak(Box::new(harness.data())),
        session: 1,
        fs: &SystemFs,
        perform: harness.fake.clone(),
        now: &|| Timestamp { wall_ms: NOW, boot: BootTime::default() },
        is_stopped: &|| false,
        idle: Duration::ZERO,
        user: String::new(),
        computer: String::new(),
    }
}

#[test]
fn pages_and_messages_are_not_shown_too_late() {
    let harness = Harness::new("[[ring]]\nopen = 'h/a'\n[[ring]]\nnotify = 'n'\n[[ring]]\nrun = 'x'");
    harness.report(Event::Ring, "100");
    harness.clock.fetch_add(61_000, Ordering::Relaxed);
    harness.work(None);
    assert_eq!(harness.seen(), ["x"]);
    let results = harness.results();
    assert!(results[..2].iter().all(|(state, why)| *state == State::Skipped && why.starts_with("too late")));
    assert_eq!(results[2], done());
}

#[test]
fn a_page_is_not_opened_again_for_the_same_call_or_caller() {
    let page = "https://h/{number}";
    let harness =
        Harness::new(&format!("[[ring]]\nopen = '{page}'\nagain-after = '30m'\n[[answer]]\nopen = '{page}'"));
    let opened = |event, caller| {
        harness.report(event, caller);
        harness.work(None);
        harness.deliveries().last().unwrap().state == State::Done
    };
    assert!(opened(Event::Ring, "100"));
    assert!(!opened(Event::Answer, "100"), "the same call");
    assert!(opened(Event::Ring, "200"));
    harness.report(Event::End, "100");
    assert!(!opened(Event::Ring, "100"), "the same caller");
    harness.clock.fetch_add(31 * 60_000, Ordering::Relaxed);
    assert!(opened(Event::Ring, "100"));
}

#[test]
fn actions_that_changed_or_cannot_be_read_fail_with_a_reason() {
    let harness = Harness::new("[[ring]]\nget = 'http://h'").answers("http://h", &[again("503")]);
    let file = harness.folder.path().join("MicroSIP.hooks.toml");
    std::fs::write(&file, "[[rign]]").unwrap();
    harness.report(Event::Ring, "100");
    harness.work(None);
    let (state, message) = harness.results().remove(0);
    assert!(state == State::Failed && message.contains("unknown event 'rign'"), "{message}");
    assert_eq!(harness.seen(), [] as [&str; 0]);
}

#[test]
fn events_in_files_are_taken_once() {
    let harness = Harness::new("[[ring]]\nrun = 'x'");
    for caller in ["1", "2"] {
        spool::write(&SystemFs, &harness.data().spool(), &harness.event(Event::Ring, caller)).unwrap();
    }
    std::fs::write(harness.data().spool().join("0.event"), "something else").unwrap();
    harness.work(None);
    harness.work(None);
    assert_eq!(harness.results(), [done(), done()]);
    assert_eq!(std::fs::read_dir(harness.data().spool()).unwrap().count(), 0);
    assert!(harness.log().contains("0.event isn't an event of msipcfg-run"), "{}", harness.log());
}

/// Without a history, the database forgets the event as soon as it is done.
#[test]
fn an_event_in_a_file_that_cannot_be_removed_is_done_once() {
    for stuck in [".event", ".taken"] {
        let mut harness = Harness::new("history = 'off'\n[[ring]]\nrun = 'x'");
        harness.fs = Box::new(Stuck(stuck));
        for event in [Event::Ring, Event::End] {
            spool::write(&SystemFs, &harness.data().spool(), &harness.event(event, "1")).unwrap();
        }
        let seen = [0; 3].map(|_| {
            harness.work(None);
            harness.seen().len()
        });
        // one that can't be renamed either waits
        assert_eq!(seen, if stuck == ".event" { [0; 3] } else { [1; 3] });
        harness.fs = Box::new(SystemFs);
        harness.work(None);
        assert_eq!(harness.seen(), ["x"]);
        assert_eq!(std::fs::read_dir(harness.data().spool()).unwrap().count(), 0);
        assert_eq!(harness.store().events(Filter::default()).unwrap(), []);
    }
}

#[test]
fn a_worker_takes_only_the_events_of_its_session_and_what_others_left_behind() {
    let mut harness = Harness::new("[[ring]]\nrun = 'x'\n[[ring]]\nopen = 'h'");
    harness.session = 2;
    harness.report(Event::Ring, "100");
    harness.work(None);
    assert_eq!(harness.seen(), [] as [&str; 0]);
    harness.clock.fetch_add(120_000, Ordering::Relaxed);
    let lock = lock::acquire(&SystemFs, &harness.data().worker_locks(1)).unwrap();
    harness.work(None);
    assert_eq!(harness.seen(), [] as [&str; 0], "the other session has a worker");
    drop(lock);
    harness.work(None);
    assert_eq!(harness.seen(), ["x"]);
    assert_eq!(harness.deliveries()[1].state, State::Skipped);
}

#[test]
fn a_given_event_is_stored_or_else_served_from_memory() {
    let harness = Harness::new("[[ring]]\nrun = 'x'");
    harness.work(Some(harness.event(Event::Ring, "1")));
    assert_eq!(harness.results(), [done()]);
    // another worker is running and takes it
    let lock = lock::acquire(&SystemFs, &harness.data().worker_locks(1)).unwrap();
    harness.work(Some(harness.event(Event::Ring, "2")));
    assert_eq!(harness.store().unplanned(1).unwrap().len(), 1);
    drop(lock);

    let harness = Harness::new("[[ring]]\nrun = 'x'");
    std::fs::write(harness.data().path(), "a file, so the folder can't be created").unwrap();
    harness.work(Some(harness.event(Event::Ring, "3")));
    assert_eq!(*harness.fake.seen.lock().unwrap(), [("x".into(), "3".into(), String::new())]);
}

#[test]
fn a_lock_that_cannot_be_opened_leaves_no_event_behind() {
    let harness = Harness::new("[[ring]]\nrun = 'x'");
    harness.report(Event::Ring, "1");
    std::fs::create_dir(&harness.data().worker_locks(1)[0]).unwrap();
    harness.work(None);
    assert_eq!(harness.results(), [done()]);
    assert_eq!(harness.log(), "");
}

#[test]
fn a_damaged_database_is_renamed_and_events_in_files_are_kept() {
    let harness = Harness::new("[[ring]]\nrun = 'x'");
    let damaged = "not a database".repeat(100);
    std::fs::create_dir(harness.data().path()).unwrap();
    std::fs::write(harness.data().database(), &damaged).unwrap();
    spool::write(&SystemFs, &harness.data().spool(), &harness.event(Event::Ring, "1")).unwrap();
    harness.work(None);
    assert_eq!(harness.results(), [done()]);
    let renamed = std::fs::read_dir(harness.data().path()).unwrap().map(|entry| entry.unwrap().path());
    let renamed: Vec<_> = renamed.filter(|path| path.to_str().unwrap().contains("calls-")).collect();
    assert_eq!(renamed.len(), 1, "{renamed:?}");
    assert_eq!(std::fs::read_to_string(&renamed[0]).unwrap(), damaged);
    assert!(harness.log().contains("it was renamed to"), "{}", harness.log());
}

#[test]
fn a_stop_file_ends_workers_unless_it_was_forgotten() {
    let harness = Harness::new("[[ring]]\nrun = 'x'");
    harness.report(Event::Ring, "1");
    let stop = std::fs::File::create(harness.data().stop_file()).unwrap();
    harness.work(Some(harness.event(Event::Ring, "2")));
    assert_eq!(harness.seen(), [] as [&str; 0]);
    assert_eq!(harness.store().unplanned(1).unwrap().len(), 2);
    stop.set_modified(SystemTime::now() - 2 * stop::MAX_AGE).unwrap();
    drop(stop);
    harness.work(None);
    assert_eq!(harness.seen(), ["x", "x"]);
    assert!(!harness.data().stop_file().exists());
    harness.is_stopped.store(true, Ordering::Relaxed);
    harness.report(Event::Ring, "3");
    harness.work(None);
    assert_eq!(harness.seen(), ["x", "x"]);
}

#[test]
fn a_forgotten_stop_file_disables_no_worker() {
    let now = SystemTime::now();
    for written in [now - 2 * stop::MAX_AGE, now + 2 * stop::MAX_AGE] {
        let mut harness = Harness::new("[[ring]]\nrun = 'x'");
        harness.fs = Box::new(Stuck("stop"));
        harness.report(Event::Ring, "1");
        std::fs::File::create(harness.data().stop_file()).unwrap().set_modified(written).unwrap();
        harness.work(None);
        assert_eq!(harness.seen(), ["x"], "{written:?}");
    }
}

#[test]
fn no_event_is_left_behind_while_workers_come_and_go() {
    const RUNNERS: usize = 4;
    const EVENTS: usize = 20;
    let harness = Harness::new("[[ring]]\nrun = 'x'");
    harness.store();
    std::thread::scope(|scope| {
        for _ in 0..RUNNERS {
            scope.spawn(|| {
                for _ in 0..EVENTS {
                    harness.report(Event::Ring, "100");
                    // what the runner does, with a worker in a thread instead of a process
                    if !start_worker::is_running(&SystemFs, &harness.data(), 1) {
                        scope.spawn(|| harness.work(None));
                    }
                }
            });
        }
    });
    let left: Vec<StoredEvent> = harness.store().unplanned(1).unwrap();
    assert_eq!(left, []);
    assert_eq!(harness.seen().len(), RUNNERS * EVENTS);
    assert_eq!(harness.log(), "");
}

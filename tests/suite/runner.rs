//! The runner and the worker as programs: events are stored and their actions end, whatever goes wrong.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use msipcfg::actions::data_folder::DataFolder;
use msipcfg::actions::store::{Delivery, Filter, NewEvent, State, Store, StoredEvent, Use};
use msipcfg::actions::{spool, start_worker};
use msipcfg::platform::{self, SystemFs};

use crate::sandbox::{PROGRAM, Sandbox, cases, copy_program};

/// The program that MicroSIP starts.
pub const RUNNER: &str = env!("CARGO_BIN_EXE_msipcfg-run");

const LONG: Duration = Duration::from_secs(120);

/// An action that fails at once: nobody listens there.
pub const FAILING: &str = "[[ring]]\nget = 'http://127.0.0.1:1/'\nretry = '0s'\n";

/// A sandbox whose worker is stopped before it is removed.
pub struct Workplace {
    pub sandbox: Sandbox,
}

impl Workplace {
    /// Makes a sandbox with an ini and its actions.
    pub fn new(hooks: &str) -> Workplace {
        let sandbox = Sandbox::with_ini("[Settings]\r\n");
        sandbox.write("MicroSIP.hooks.toml", hooks);
        Workplace { sandbox }
    }

    /// Returns the folder of the database.
    pub fn data(&self) -> DataFolder {
        let folder = if cfg!(windows) { "local" } else { "home/.local/state" };
        DataFolder::at(self.sandbox.path(folder).join("msipcfg"))
    }

    pub fn is_worker_running(&self) -> bool {
        start_worker::is_running(&SystemFs, &self.data(), platform::own_session().unwrap_or(0))
    }

    /// Stops the worker, if one is running, and waits until it has exited.
    pub fn stop_worker(&self) {
        if self.data().path().is_dir() {
            std::fs::write(self.data().stop_file(), "").unwrap();
            wait_until(|| (!self.is_worker_running()).then_some(()));
            std::fs::remove_file(self.data().stop_file()).unwrap();
        }
    }

    fn store(&self) -> Option<Store> {
        Store::open_existing(&self.data().database(), LONG).unwrap_or(None)
    }

    /// Returns the events in the database.
    pub fn events(&self) -> Vec<StoredEvent> {
        self.store().map(|store| store.events(Filter::default()).unwrap()).unwrap_or_default()
    }

    /// Returns the deliveries in the database.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let all = self.store().map(|store| store.deliveries(Filter::default()).unwrap()).unwrap_or_default();
        all.into_iter().map(|(_, delivery)| delivery).collect()
    }

    /// Waits until so many deliveries have ended, and returns all of them.
    #[track_caller]
    pub fn ended(&self, count: usize) -> Vec<Delivery> {
        wait_until(|| {
            let all = self.deliveries();
            let is_open = |one: &Delivery| matches!(one.state, State::Pending | State::Started);
            (all.iter().filter(|one| !is_open(one)).count() >= count).then_some(all)
        })
    }

    /// Starts a program as MicroSIP does, with the caller's text at the end of the command line.
    fn runner(&self, program: impl AsRef<Path>, event: &str, caller: &str) -> Command {
        let mut command = self.sandbox.command(program);
        let ini = self.sandbox.ini();
        #[cfg(windows)]
        std::os::windows::process::CommandExt::raw_arg(
            &mut command,
            format!("--ini \"{}\" {event} {caller}", ini.display()),
        );
        #[cfg(unix)]
        command.arg("--ini").arg(ini).args([event, caller]);
        command
    }

    /// Reports an event, which always succeeds and prints nothing.
    #[track_caller]
    pub fn report(&self, event: &str, caller: &str) {
        self.succeeds(self.runner(RUNNER, event, caller));
    }

    #[track_caller]
    fn succeeds(&self, command: Command) {
        let ran = self.sandbox.finish(command).exits(0);
        assert_eq!((&*ran.stdout, &*ran.stderr), ("", ""));
    }

    /// Writes an event to a file, as a runner does that can't use the database.
    pub fn spool(&self, event: &str, caller: &str) {
        let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
        self.spool_with_time(event, caller, now);
    }

    fn spool_with_time(&self, event: &str, caller: &str, time: i64) {
        let event = NewEvent {
            time,
            boot: platform::boot_time(),
            event: event.parse().unwrap(),
            caller: caller.into(),
            ini: self.sandbox.ini().to_str().unwrap().into(),
            session: platform::own_session().unwrap_or(0),
        };
        spool::write(&SystemFs, &self.data().spool(), &event).unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.data().error_log()).unwrap_or_default()
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop_worker();
        }
    }
}

/// Waits until there is an answer.
#[track_caller]
pub fn wait_until<T>(mut answer: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONG;
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(Instant::now() < end, "waited too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_event_is_stored_and_its_action_ends() {
    let place = Workplace::new(FAILING);
    place.report("ring", "4930123456");
    let event = place.events().remove(0).event;
    assert_eq!((event.event.name(), &*event.caller), ("ring", "4930123456"));
    assert_eq!(PathBuf::from(&event.ini), place.sandbox.ini());
    let delivery = place.ended(1).remove(0);
    assert_eq!((delivery.state, delivery.attempts), (State::Failed, 1), "{delivery:?}");
    // the worker waits for more
    assert!(place.is_worker_running());
    place.report("end", "4930123456");
    place.report("ring", "");
    assert_eq!(place.ended(2).len(), 2);
    assert_eq!(place.log(), "");
}

#[test]
fn the_callers_text_is_data() {
    let place = Workplace::new("");
    let texts = [
        "-x \" & calc \"",
        "--ini other.ini",
        "%PATH% $(id) `id` | & ; > x",
        "'; DROP TABLE events; --",
        "a=b ü",
    ];
    for text in texts {
        place.report("end", text);
    }
    let stored: Vec<String> = place.events().into_iter().map(|event| event.event.caller).collect();
    assert_eq!(stored, texts);
}

#[test]
fn without_a_path_the_ini_is_the_users_own() {
    let place = Workplace::new("");
    let mut command = place.sandbox.command(RUNNER);
    command.args(["start", "100"]);
    place.succeeds(command);
    let own = place.sandbox.path("roaming").join("MicroSIP").join("MicroSIP.ini");
    assert_eq!(PathBuf::from(&place.events()[0].event.ini), own);
}

#[test]
fn a_wrong_command_line_is_logged() {
    let place = Workplace::new("");
    for args in [&[][..], &["rign"], &["--ini"], &["--version"]] {
        let mut command = place.sandbox.command(RUNNER);
        command.args(args);
        place.succeeds(command);
    }
    let log = place.log();
    assert_eq!(log.lines().count(), 4, "{log}");
    assert!(log.contains("unknown event 'rign'"), "{log}");
    assert!(place.events().is_empty() && !place.is_worker_running());
}

#[test]
fn a_database_in_use_delays_nothing_and_loses_nothing() {
    let place = Workplace::new(FAILING);
    let store = Store::open(&place.data().database(), LONG, Use::Other).unwrap();
    let blocking = rusqlite::Connection::open(place.data().database()).unwrap();
    blocking.execute_batch("BEGIN IMMEDIATE").unwrap();
    place.report("ring", "1");
    assert_eq!(std::fs::read_dir(place.data().spool()).unwrap().count(), 1);
    assert!(place.events().is_empty());
    blocking.execute_batch("ROLLBACK").unwrap();
    drop(store);
    assert_eq!(place.ended(1)[0].state, State::Failed);
    wait_until(|| (std::fs::read_dir(place.data().spool()).unwrap().count() == 0).then_some(()));
}

#[test]
fn what_cannot_be_read_blocks_no_event() {
    let place = Workplace::new(FAILING);
    let folder = place.data().spool().join("0000000000000000-x.event");
    std::fs::create_dir_all(&folder).unwrap();
    place.report("ring", "1");
    place.ended(1);
    // taken one after the other, so the worker has seen the folder more than once
    for (caller, taken) in [("2", 2), ("3", 3)] {
        place.spool("ring", caller);
        place.ended(taken);
    }
    assert!(folder.is_dir());
    assert_eq!(place.log().matches("isn't a file").count(), 1, "{}", place.log());
}

#[test]
fn an_event_with_an_impossible_time_stops_nothing() {
    let place = Workplace::new("");
    let file = place.sandbox.path("calls.txt");
    place.sandbox.write("MicroSIP.hooks.toml", format!("[[ring]]\nlog = '{}'\n", file.display()));
    for time in [i64::MAX, i64::MIN, 8_300_000_000_000_000, 253_402_300_800_000, -62_135_596_800_001] {
        place.spool_with_time("ring", "1", time);
    }
    place.report("ring", "2");
    wait_until(|| std::fs::read_to_string(&file).ok().filter(|text| text.lines().count() == 6));
    for args in [&["log"][..], &["log", "--json"], &["calls"], &["calls", "--json"], &["calls", "--csv"]] {
        place.sandbox.run(args).exits(0);
    }
}

#[test]
fn without_the_worker_the_event_is_stored_nevertheless() {
    let place = Workplace::new(FAILING);
    let alone = place.sandbox.path(&format!("alone/msipcfg-run{}", std::env::consts::EXE_SUFFIX));
    std::fs::create_dir(alone.parent().unwrap()).unwrap();
    copy_program(RUNNER, &alone);
    place.succeeds(place.runner(&alone, "ring", "1"));
    assert_eq!(place.events().len(), 1);
    assert!(place.log().contains("the worker "), "{}", place.log());
    assert!(!place.is_worker_running());
    // the next one starts a worker, which finds both
    place.report("ring", "2");
    assert_eq!(place.ended(2).len(), 2);
}

#[test]
fn an_event_that_cannot_be_stored_is_passed_on() {
    let place = Workplace::new("");
    std::fs::create_dir_all(place.data().path().parent().unwrap()).unwrap();
    std::fs::write(place.data().path(), "a file, so the folder can't be created").unwrap();
    place.report("ring", "1");
    assert_eq!(std::fs::read(place.data().path()).unwrap(), b"a file, so the folder can't be created");
}

#[test]
fn the_call_is_logged() {
    let place = Workplace::new("[[end]]\nlog = 'calls.csv'\n");
    for event in ["ring", "start", "end"] {
        place.report(event, "4930123456");
    }
    assert_eq!(place.ended(1)[0].state, State::Done);
    let log = std::fs::read_to_string(place.sandbox.path("calls.csv")).unwrap();
    let line = log.lines().nth(1).unwrap();
    assert!(line.contains(",incoming,4930123456,,true,"), "{log}");
}

#[test]
fn a_stop_file_ends_the_worker_soon() {
    let place = Workplace::new("");
    place.report("ring", "1");
    wait_until(|| place.is_worker_running().then_some(()));
    let asked = Instant::now();
    place.stop_worker();
    // twice the promise, for busy machines
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn two_threads_that_report_events_lose_nothing() {
    let count = cases(10, 100);
    let place = Workplace::new(FAILING);
    std::thread::scope(|scope| {
        for thread in ["1", "2"] {
            let place = &place;
            scope.spawn(move || {
                (0..count).for_each(|number| place.report("ring", &format!("{thread}-{number}")));
            });
        }
    });
    assert_eq!(place.ended(2 * count).len(), 2 * count);
    let callers: Vec<String> = place.events().into_iter().map(|event| event.event.caller).collect();
    let stored: HashSet<&String> = callers.iter().collect();
    assert_eq!(stored.len(), 2 * count);
}

#[test]
fn the_worker_accepts_only_events_of_the_runner() {
    let sandbox = Sandbox::new();
    sandbox.run(&["worker", "--event", "ring", "--json"]).fails(2, "usage");
    assert!(Path::new(PROGRAM).parent() == Path::new(RUNNER).parent());
}

#[cfg(target_os = "linux")]
mod killed;

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_with_actions_that_others_can_write_is_refused() {
        let place = Workplace::new(FAILING);
        let set_mode = |name: &str, mode| {
            let path = place.sandbox.path(name);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set_mode("MicroSIP.hooks.toml", 0o666);
        set_mode("MicroSIP.ini", 0o644);
        place.report("ring", "1");
        let delivery = place.ended(1).remove(0);
        assert_eq!((delivery.state, delivery.attempts), (State::Failed, 0));
        assert!(delivery.message.contains("can change it but not the ini"), "{}", delivery.message);
        // they can change the ini too, and with it start any program
        set_mode("MicroSIP.ini", 0o666);
        place.report("ring", "2");
        assert_eq!(place.ended(2)[1].attempts, 1);
    }

    #[test]
    fn a_pipe_or_a_link_in_place_of_an_event_blocks_nothing() {
        let place = Workplace::new(FAILING);
        let path = |name: &str| place.data().spool().join(name);
        std::fs::create_dir_all(place.data().spool()).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("0000000000000000-a.event")).unwrap();
        let pipe = Command::new("mkfifo").arg(path("0000000000000000-b.event")).status();
        assert!(pipe.unwrap().success());
        place.spool("ring", "1");
        place.report("start", "1");
        place.ended(1);
        assert_eq!(place.log().matches("isn't a file").count(), 2, "{}", place.log());
    }

    #[test]
    fn only_the_user_can_read_what_is_stored() {
        let place = Workplace::new("");
        place.report("ring", "1");
        wait_until(|| place.is_worker_running().then_some(()));
        for entry in std::fs::read_dir(place.data().path())
            .unwrap()
            .chain(std::fs::read_dir(place.data().path().parent().unwrap()).unwrap())
        {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} has the mode {mode:o}", entry.path());
        }
    }
}

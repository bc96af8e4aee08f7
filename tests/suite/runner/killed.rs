//! Workers that are killed, and disks that are full.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use msipcfg::actions::store::{Delivery, State};
use rustix::process::Pid;

use super::{FAILING, RUNNER, Workplace, wait_until};
use crate::sandbox::cases;

/// A server that counts the requests by their ids. It answers only while it is told to.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: impl Fn(usize) -> bool + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let own = Arc::clone(&seen);
        // ends with the process
        std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(id) = read(&stream) else { continue };
                let index = {
                    let mut seen = own.lock().unwrap();
                    seen.push(id);
                    seen.len() - 1
                };
                if answers(index) {
                    let _ = (&stream)
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                } else {
                    unanswered.push(stream);
                }
            }
        });
        Server { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads a GET request, and returns its id.
fn read(stream: &TcpStream) -> Option<String> {
    let mut id = None;
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        if line.is_empty() {
            return id;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("webhook-id:") {
            id = Some(value.trim().to_string());
        }
    }
    None
}

/// Kills the workers of a workplace, and returns whether there was one. There can be two: a runner starts another one
/// while the first doesn't hold the lock yet.
fn kill_worker(place: &Workplace) -> bool {
    let mut is_killed = false;
    wait_until(|| {
        for pid in workers(place) {
            is_killed |= rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok();
        }
        (!place.is_worker_running()).then_some(())
    });
    is_killed
}

/// Returns the process numbers of the workers of a workplace.
fn workers(place: &Workplace) -> Vec<Pid> {
    let home = format!("HOME={}", place.sandbox.path("home").display());
    let is_worker = |process: &Path| -> Option<bool> {
        let line = std::fs::read(process.join("cmdline")).ok()?;
        let environment = std::fs::read(process.join("environ")).ok()?;
        let has_home = environment.split(|byte| *byte == 0).any(|one| one == home.as_bytes());
        Some(has_home && line.split(|byte| *byte == 0).nth(1) == Some(b"worker"))
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| is_worker(&process.path()).unwrap_or(false))
        .filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
        .collect()
}

#[test]
fn a_request_is_repeated_with_the_same_id_but_a_program_is_not() {
    let server = Server::start(|index| index > 0);
    let place = Workplace::new(&format!(
        "[[ring]]\nget = '{}/'\n[[ring]]\nrun = '/bin/sleep'\nargs = ['5']\ntimeout = '1h'\n",
        server.address
    ));
    place.report("ring", "1");
    wait_until(|| {
        let is_started = place.deliveries().iter().filter(|one| one.state == State::Started).count() == 2;
        (is_started && server.seen().len() == 1).then_some(())
    });
    assert!(kill_worker(&place));
    place.report("end", "1");
    let all = place.ended(2);
    assert_eq!((all[0].state, all[0].attempts), (State::Done, 2), "{all:?}");
    assert_eq!((all[1].state, all[1].attempts), (State::Interrupted, 1), "{all:?}");
    let seen = server.seen();
    assert_eq!((seen.len(), &seen[0]), (2, &seen[1]));
    assert_eq!(all[0].webhook_id.as_ref(), Some(&seen[0]));
}

#[test]
fn workers_that_are_killed_at_any_moment_lose_no_request_and_repeat_no_line() {
    check_killed_workers(|place, caller| place.report("ring", caller));
}

#[test]
fn workers_that_are_killed_while_they_take_files_lose_no_request_and_repeat_no_line() {
    check_killed_workers(|place, caller| {
        place.spool("ring", caller);
        // only because it starts a worker
        place.report("start", caller);
    });
}

/// Kills the worker after each event.
fn check_killed_workers(report: impl Fn(&Workplace, &str)) {
    let events = cases(12, 300);
    let server = Server::start(|_| true);
    let place =
        Workplace::new(&format!("[[ring]]\nget = '{}/'\n[[ring]]\nlog = 'calls.csv'\n", server.address));
    let mut killed = 0;
    for event in 0..events {
        report(&place, &format!("10{event}"));
        // the moment depends on how busy the machine is
        killed += usize::from(kill_worker(&place));
    }
    place.report("end", "100");
    let all = place.ended(2 * events);
    assert_eq!(all.len(), 2 * events);
    println!("{killed} workers killed");
    assert!(killed > 0);
    let mut lines: HashMap<String, usize> = HashMap::new();
    let log = std::fs::read_to_string(place.sandbox.path("calls.csv")).unwrap();
    for line in log.lines().skip(1) {
        *lines.entry(line.split(',').nth(2).unwrap().to_string()).or_default() += 1;
    }
    assert!(lines.values().all(|count| *count == 1), "{log}");
    let (requests, logged): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.webhook_id.is_some());
    assert!(requests.iter().all(|one| one.state == State::Done), "{requests:?}");
    let seen = server.seen();
    assert!(requests.iter().all(|one| seen.contains(one.webhook_id.as_ref().unwrap())));
    let done = logged.iter().filter(|one| one.state == State::Done).count();
    assert!(logged.iter().all(|one| [State::Done, State::Interrupted].contains(&one.state)), "{logged:?}");
    assert!(done <= lines.len() && lines.len() <= events, "{done} {lines:?}");
}

/// The later a runner is killed, the likelier it has stored the event.
#[test]
fn runners_that_are_killed_at_any_moment_leave_complete_events() {
    const LONGEST_MS: u64 = 40;
    let runners = cases(12, 300);
    let place = Workplace::new(FAILING);
    for number in 0..runners {
        let mut runner = place.runner(RUNNER, "ring", "1").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(u64::try_from(number).unwrap() * 7 % LONGEST_MS));
        runner.kill().unwrap();
        runner.wait().unwrap();
    }
    place.report("ring", "2");
    wait_until(|| {
        let events = place.events();
        let is_last_stored = events.iter().any(|event| event.event.caller == "2");
        let is_open = |one: &Delivery| matches!(one.state, State::Pending | State::Started);
        let deliveries = place.deliveries();
        (is_last_stored && deliveries.len() == events.len() && !deliveries.iter().any(is_open)).then_some(())
    });
    let events = place.events();
    println!("{} of {runners} runners stored the event", events.len() - 1);
    assert!(events.iter().all(|event| ["1", "2"].contains(&&*event.event.caller)), "{events:?}");
}

#[test]
fn actions_happen_although_the_disk_is_full() {
    let server = Server::start(|_| true);
    let place = Workplace::new(&format!("[[ring]]\nget = '{}/'\n", server.address));
    // a file can't grow, as on a full disk; the worker inherits that
    let mut command = place.sandbox.command("/bin/sh");
    command.args(["-c", "ulimit -f 0; exec \"$@\"", "sh", RUNNER, "--ini"]);
    command.arg(place.sandbox.ini()).args(["ring", "1"]);
    place.succeeds(command);
    wait_until(|| (server.seen().len() == 1).then_some(()));
    assert!(place.events().is_empty());
}

//! `calls` and `log`. What they print for fixed times is in the sessions of `tests/cases/calls`.

use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use msipcfg::actions::store::State;
use msipcfg::hook::event::Event;
use serde_json::{Value, json};

use crate::calls_db::{self, Action};
use crate::runner::{Workplace, wait_until};
use crate::sandbox::{PROGRAM, Sandbox, spawn};

/// Adds an event that happened so long ago.
fn add(sandbox: &Sandbox, age: Duration, event: Event, caller: &str, actions: &[&str]) {
    let actions: Vec<Action> = actions.iter().map(|line| Action::parse(line)).collect();
    let time = calls_db::milliseconds(SystemTime::now() - age);
    calls_db::add_event(sandbox, &calls_db::open(sandbox), time, event, caller, &actions);
}

const MINUTE: Duration = Duration::from_secs(60);

/// A run that follows, and the lines that it prints.
struct Following {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Following {
    fn start(sandbox: &Sandbox, args: &[&str]) -> Following {
        let mut command = sandbox.command(PROGRAM);
        let mut child = spawn(command.args(args).stdout(Stdio::piped()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        Following { child, lines: Box::new(lines) }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap()
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

#[test]
fn looking_creates_no_database() {
    let sandbox = Sandbox::new();
    for args in [&["calls"][..], &["calls", "--retry"], &["calls", "--purge", "--yes"], &["log"]] {
        sandbox.run(args).exits(0);
    }
    assert!(!calls_db::path(&sandbox).parent().unwrap().exists());
}

#[test]
fn a_damaged_database_is_an_error_that_says_what_to_do() {
    let sandbox = Sandbox::new();
    let path = calls_db::path(&sandbox);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "this isn't a database, ".repeat(100)).unwrap();
    let commands: [&[&str]; 5] =
        [&["calls"], &["calls", "-f"], &["calls", "--retry"], &["calls", "--purge", "--yes"], &["log"]];
    for args in commands {
        sandbox.run(args).exits(6).says("calls.db").says("hint: ");
    }
    assert_eq!(std::fs::read(&path).unwrap(), "this isn't a database, ".repeat(100).as_bytes());
}

#[test]
fn a_folder_that_is_a_file_is_an_error() {
    let place = Workplace::new("[[ring]]\nget = 'http://127.0.0.1:1/'\n");
    let sandbox = &place.sandbox;
    let folder = calls_db::path(sandbox).parent().unwrap().to_path_buf();
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    std::fs::write(&folder, "").unwrap();
    let message = format!("{} isn't a folder, so the calls database can't be in it", folder.display());
    let commands: [&[&str]; 5] =
        [&["calls"], &["calls", "-f"], &["calls", "--retry"], &["calls", "--purge", "--yes"], &["log"]];
    for args in commands {
        sandbox.run(args).exits(6).says(&message).says("hint: rename it or remove it");
    }
    let problems = sandbox.run_on_ini(&["doctor", "--json"]).json()["problems"].to_string();
    assert!(problems.contains("so the calls database can't be in it"), "{problems}");
    std::fs::remove_file(&folder).unwrap();
}

#[test]
fn a_database_that_is_a_folder_is_named() {
    let place = Workplace::new("");
    let path = calls_db::path(&place.sandbox);
    std::fs::create_dir_all(&path).unwrap();
    let message =
        format!("the calls database {} can't be used, because a folder has its name", path.display());
    place.sandbox.run(&["calls"]).exits(6).says(&message);
    place.report("ring", "030");
    let log = std::fs::read_to_string(place.data().error_log()).unwrap();
    assert!(log.contains(&message), "{log}");
}

#[test]
fn only_recent_calls_are_listed() {
    let sandbox = Sandbox::new();
    add(&sandbox, 63 * MINUTE, Event::Ring, "1", &[]);
    // This isn't another call that began then.
    add(&sandbox, 59 * MINUTE, Event::Start, "1", &[]);
    add(&sandbox, 34 * MINUTE, Event::Ring, "2", &[]);
    add(&sandbox, 30 * MINUTE, Event::End, "2", &[]);
    let numbers = |args: &[&str]| {
        let json = sandbox.run(args).exits(0).json();
        let calls = json["calls"].as_array().unwrap();
        calls.iter().map(|call| call["number"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&["calls", "--json", "--since", "1h"]), ["2"]);
    assert_eq!(numbers(&["calls", "--json", "--since", "32m"]), [""; 0]);
    assert_eq!(numbers(&["calls", "--json"]), ["1", "2"]);
    let events = sandbox.run(&["log", "--json", "--since", "45m"]).exits(0).json();
    assert_eq!(events["events"].as_array().unwrap().len(), 2);
}

#[test]
fn an_ini_is_recognized_by_any_path() {
    let sandbox = Sandbox::with_ini("[Settings]\n");
    add(&sandbox, MINUTE, Event::Ring, "030", &[]);
    std::fs::create_dir(sandbox.path("folder")).unwrap();
    for ini in ["MicroSIP.ini", "folder/../MicroSIP.ini", sandbox.ini().to_str().unwrap()] {
        sandbox.run(&["calls", "--ini", ini]).exits(0).says("030");
        sandbox.run(&["log", "--ini", ini]).exits(0).says("030");
    }
    sandbox.run(&["calls", "--ini", "folder"]).exits(0).says("No calls");
}

#[test]
fn csv_is_what_excel_expects() {
    let sandbox = Sandbox::new();
    add(&sandbox, MINUTE, Event::Ring, "1;=cmd|'/c calc'!A1", &[]);
    let text = sandbox.run(&["calls", "--csv"]).exits(0).stdout;
    assert!(text.starts_with("\u{FEFF}time,direction,number,name,answered,duration,id,result\r\n"), "{text}");
    sandbox.run(&["calls", "--csv", "-o", "calls.csv"]).exits(0).says("calls.csv");
    assert_eq!(std::fs::read_to_string(sandbox.path("calls.csv")).unwrap(), text);
    assert!(text.ends_with(",incoming,\"1;'=cmd|'/c calc'!A1\",,false,,0badcafe-1,open\r\n"), "{text}");
}

#[test]
fn following_shows_calls_until_nobody_reads() {
    let sandbox = Sandbox::new();
    // It may be started before the first call.
    let mut following = Following::start(&sandbox, &["calls", "-f", "--json"]);
    add(&sandbox, Duration::ZERO, Event::Ring, "030", &[]);
    let result = |json: &Value| (json["calls"][0]["number"].clone(), json["calls"][0]["result"].clone());
    assert_eq!(result(&following.json()), (json!("030"), json!("open")));
    add(&sandbox, Duration::ZERO, Event::Start, "030", &[]);
    assert_eq!(following.json()["calls"][0]["answered"], true);
    add(&sandbox, Duration::ZERO, Event::End, "030", &[]);
    assert_eq!(result(&following.json()), (json!("030"), json!("finished")));
    following.lines = Box::new(std::iter::empty());
    while following.child.try_wait().unwrap().is_none() {
        add(&sandbox, Duration::ZERO, Event::Ring, "031", &[]);
    }
    assert_eq!(following.child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn following_ends_well_on_ctrl_c() {
    let sandbox = Sandbox::new();
    add(
        &sandbox,
        MINUTE,
        Event::Ring,
        "030",
        &["post failed 5 https://crm.example | the server answered 404"],
    );
    for (args, lines) in [(["calls", "-f"], 2), (["log", "-f"], 3)] {
        let mut following = Following::start(&sandbox, &args);
        let shown: Vec<String> = (0..lines).map(|_| following.line()).collect();
        assert!(shown.iter().any(|line| line.contains("030")), "{shown:?}");
        let pid = rustix::process::Pid::from_child(&following.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert_eq!(following.lines.next(), None);
        assert_eq!(following.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn following_the_log_shows_each_result_once() {
    let sandbox = Sandbox::new();
    let mut following = Following::start(&sandbox, &["log", "-f", "--json"]);
    add(&sandbox, Duration::ZERO, Event::Ring, "030", &["post pending 0 https://crm.example"]);
    let states = |json: &Value| {
        let actions = json["events"][0]["actions"].as_array().unwrap();
        actions.iter().map(|action| action["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(states(&following.json()), Vec::<Value>::new());
    let store = calls_db::open(&sandbox);
    let id = store.deliveries(Default::default()).unwrap()[0].1.id;
    for (state, message) in [(State::Pending, "the server didn't answer"), (State::Done, "")] {
        assert!(store.start(id, 1, 0).unwrap());
        let ended = msipcfg::actions::store::Ended {
            state,
            message: message.into(),
            at: 0,
            took: 7,
            next_attempt: 0,
        };
        store.end(id, &ended).unwrap();
        assert_eq!(states(&following.json()), [json!(state.name())]);
    }
    following.child.kill().unwrap();
    following.child.wait().unwrap();
}

/// Returns whether a file in the data folder contains a text.
fn is_in_files(sandbox: &Sandbox, text: &str) -> bool {
    let folder = std::fs::read_dir(calls_db::path(sandbox).parent().unwrap()).unwrap();
    let mut files = folder.filter_map(|entry| std::fs::read(entry.unwrap().path()).ok());
    files.any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[test]
#[cfg_attr(windows, ignore = "the files are locked while a worker uses them")]
fn without_a_history_a_call_is_forgotten_while_the_worker_runs() {
    let place = Workplace::new("history = 'off'\n[[end]]\nlog = 'calls.csv'\n");
    let number = "0309999888777";
    place.report("ring", number);
    assert!(is_in_files(&place.sandbox, number));
    place.report("end", number);
    wait_until(|| place.sandbox.path("calls.csv").exists().then_some(()));
    wait_until(|| (!is_in_files(&place.sandbox, number)).then_some(()));
    assert!(place.is_worker_running());
}

#[test]
fn purging_leaves_nothing_of_a_call_in_the_files() {
    let sandbox = Sandbox::new();
    add(
        &sandbox,
        10 * MINUTE,
        Event::Ring,
        "0309999888777",
        &["open done 1 https://crm.example/0309999888777"],
    );
    let is_in_files = || is_in_files(&sandbox, "0309999888777");
    sandbox.run(&["calls", "--purge", "-n"]).exits(0).says("0309999888777").says("Would delete 1 call");
    assert!(is_in_files());
    sandbox.run(&["calls", "--purge"]).exits(0).says("Deleted 1 call\n");
    assert!(!is_in_files());
    sandbox.run(&["calls"]).exits(0).says("No calls");
    sandbox.run(&["log"]).exits(0).says("No events");
}

#[test]
fn purging_keeps_what_isnt_done_yet() {
    let sandbox = Sandbox::new();
    add(&sandbox, 90 * MINUTE, Event::Ring, "1", &[]);
    add(&sandbox, 89 * MINUTE, Event::End, "1", &["post pending 0 https://crm.example"]);
    add(&sandbox, 30 * MINUTE, Event::Ring, "2", &[]);
    add(&sandbox, MINUTE, Event::Ring, "3", &[]);
    sandbox.run(&["calls", "--purge", "-n"]).exits(0).says("Would delete 1 call, and keep 2 calls");
    let ran = sandbox.run(&["calls", "--purge"]).exits(0);
    assert_eq!(ran.stdout, "Deleted 1 call, and kept 2 calls that aren't over or have unfinished actions\n");
    let calls = sandbox.run(&["calls", "--json"]).exits(0).json()["calls"].clone();
    let results: Vec<_> =
        calls.as_array().unwrap().iter().map(|call| (&call["id"], &call["result"])).collect();
    assert_eq!(results, [(&json!("0badcafe-1"), &json!("missed")), (&json!("0badcafe-4"), &json!("open"))]);
}

#[test]
fn one_call_is_kept() {
    let sandbox = Sandbox::new();
    add(&sandbox, MINUTE, Event::Ring, "1", &[]);
    let ran = sandbox.run(&["calls", "--purge"]).exits(0);
    assert_eq!(ran.stdout, "Deleted 0 calls, and kept 1 call that isn't over or has unfinished actions\n");
}

#[test]
fn purging_deletes_renamed_databases() {
    let sandbox = Sandbox::with_ini("[Settings]\n");
    let folder = calls_db::path(&sandbox).parent().unwrap().to_path_buf();
    std::fs::create_dir_all(&folder).unwrap();
    let renamed = ["calls-17.db", "calls-17.db-wal", "calls-17.db-shm", "calls-18.db-wal"];
    let others = ["calls-x.db", "calls-17.db.bak", "calls-17.csv", "calls-19.db"];
    for name in renamed.iter().chain(&others[..3]) {
        std::fs::write(folder.join(name), "damaged, 0309999888777").unwrap();
    }
    std::fs::create_dir(folder.join(others[3])).unwrap();
    let left = |names: &[&str]| names.iter().filter(|name| folder.join(name).exists()).count();
    let (calls_17, calls_18) = (folder.join("calls-17.db"), folder.join("calls-18.db"));
    sandbox
        .run(&["calls", "--purge", "-n"])
        .exits(0)
        .says(calls_17.to_str().unwrap())
        .says("Would delete 2 renamed calls databases\n");
    let ran = sandbox.run_on_ini(&["calls", "--purge"]).exits(0);
    assert_eq!(
        ran.stdout,
        "No calls\nKept 2 renamed calls databases, because they may contain calls of other inis; \
         to delete them, purge without --ini\n"
    );
    let json = sandbox.run_on_ini(&["calls", "--purge", "--json"]).exits(0).json();
    assert_eq!((&json["databases"], &json["kept_databases"]), (&json!([]), &json!([calls_17, calls_18])));
    assert_eq!(left(&renamed), 4);
    add(&sandbox, 10 * MINUTE, Event::Ring, "030", &[]);
    sandbox.run(&["calls", "--purge"]).exits(0).says("Deleted 1 call and 2 renamed calls databases\n");
    assert_eq!((left(&renamed), left(&others)), (0, 4));
    let json = sandbox.run(&["calls", "--purge", "--json"]).exits(0).json();
    assert_eq!((&json["databases"], &json["kept_databases"]), (&json!([]), &json!([])));
}

#[cfg(unix)]
#[test]
fn purging_follows_no_link() {
    let sandbox = Sandbox::new();
    let folder = calls_db::path(&sandbox).parent().unwrap().to_path_buf();
    std::fs::create_dir_all(&folder).unwrap();
    sandbox.write("mine", "");
    std::os::unix::fs::symlink(sandbox.path("mine"), folder.join("calls-17.db")).unwrap();
    sandbox.run(&["calls", "--purge"]).exits(0).says("No calls");
    assert!(sandbox.path("mine").exists() && folder.join("calls-17.db").is_symlink());
}

/// Answers requests with these statuses, one after the other, and returns the address.
fn server(statuses: &'static [&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = BufReader::new(&stream).lines().map(Result::unwrap);
            assert!(head.any(|line| line.is_empty()));
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    format!("http://{address}/")
}

#[test]
fn failed_web_requests_are_sent_again() {
    let url = server(&["404 Not Found", "403 Forbidden", "204 No Content"]);
    let place = Workplace::new(&format!("[[ring]]\nget = '{url}'\n[[ring]]\nrun = 'no-such-program'\n"));
    place.report("ring", "030");
    place.ended(2);
    place.sandbox.run(&["calls", "--retry", "--since", "0"]).exits(0).says("No web request has failed");
    place.sandbox.run(&["calls", "--retry"]).exits(1).says("Sent 1 web request again").says("403");
    let json = place.sandbox.run(&["calls", "--retry", "--json"]).exits(0).json();
    assert_eq!((&json["retried"], &json["pending"], &json["failed"]), (&json!(1), &json!(0), &json!([])));
    place.sandbox.run(&["calls", "--retry"]).exits(0).says("No web request has failed");
    let states: Vec<State> = place.deliveries().iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [State::Done, State::Failed]);
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn names_are_those_of_the_contacts() {
    let sandbox = Sandbox::with_ini("[Settings]\n");
    sandbox.write("MicroSIP.hooks.toml", "[numbers]\ncountry = '49'\n");
    sandbox.write("Contacts.xml", r#"<contacts><contact name="Ann &lt;3" number="030 1234567"/></contacts>"#);
    add(&sandbox, MINUTE, Event::Ring, "+49301234567", &[]);
    sandbox.run(&["calls"]).exits(0).says("+49301234567  Ann <3");
    assert_eq!(sandbox.run(&["calls", "--json"]).exits(0).json()["calls"][0]["name"], "Ann <3");
}

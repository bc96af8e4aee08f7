//! MicroSIP starts the runner, which doesn't keep it waiting.

use std::ffi::OsString;
use std::net::TcpListener;

use super::Start;
use super::phone::Dumper;
use crate::runner::{FAILING, RUNNER, Workplace, wait_until};
use crate::sandbox::utf16;

/// Makes a workplace whose ini starts the runner on incoming calls.
fn workplace_with(hooks: &str) -> Workplace {
    let place = Workplace::new(hooks);
    let ini = place.sandbox.ini();
    let command = format!(r#""{RUNNER}" --ini \"{}\" ring"#, ini.display());
    let text = format!("[Settings]\r\naccountId=1\r\ncmdIncomingCall={command}\r\n");
    place.sandbox.write("MicroSIP.ini", utf16(&text));
    place
}

fn took(line: &str) -> u64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_callers_text_reaches_the_database() {
    let place = workplace_with(FAILING);
    let phone = Start::portable(&place.sandbox).start();
    let texts = ["4930123456", "7 7 \"& calc ", "-x", ""];
    for text in texts {
        phone.event("cmdIncomingCall", text);
    }
    let stored: Vec<String> = place.events().into_iter().map(|event| event.event.caller).collect();
    assert_eq!(stored, texts);
    place.ended(texts.len());
    phone.close();
}

/// What keeps the worker busy while MicroSIP waits for the runner.
struct Load {
    what: &'static str,
    hooks: String,
    /// Prepares the data folder.
    prepare: fn(&Workplace),
    /// The data folder's parent, if it isn't the usual one.
    local: Option<OsString>,
    /// Whether the database can be used. Otherwise, each worker carries out one event and exits.
    has_database: bool,
}

impl Load {
    fn of_hooks(what: &'static str, hooks: String) -> Load {
        Load { what, hooks, prepare: |_| (), local: None, has_database: true }
    }

    /// Measures how long MicroSIP is blocked, so many times: without a worker, and while one runs.
    fn measure(&self, rounds: usize) -> [Vec<u64>; 2] {
        let place = workplace_with(&self.hooks);
        Dumper::at(place.sandbox.path("slow.exe"));
        (self.prepare)(&place);
        let mut start = Start::portable(&place.sandbox).variable("ARGUMENT_DUMP_TAKES_MS", "30000");
        if let Some(local) = &self.local {
            start = start.variable("LOCALAPPDATA", local.clone());
        }
        let phone = start.start();
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            place.stop_worker();
            times[0].push(took(&phone.event("cmdIncomingCall", "100")));
            if self.has_database {
                // the worker has started and taken the event
                wait_until(|| (place.deliveries().len() >= place.events().len()).then_some(()));
            }
            times[1].push(took(&phone.event("cmdIncomingCall", "100")));
        }
        phone.close();
        times
    }
}

/// Prints for how long MicroSIP was blocked. `MSIPCFG_TEST_BLOCKING` says how often to measure it; otherwise, only that
/// it can be measured is tested. `MSIPCFG_TEST_FULL_FOLDER` can name a folder on a full disk.
#[test]
fn how_long_microsip_is_blocked_is_measured() {
    let rounds = std::env::var("MSIPCFG_TEST_BLOCKING").map_or(1, |rounds| rounds.parse::<usize>().unwrap());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let mut loads = vec![Load::of_hooks("nothing to do", "[[ring]]\nlog = 'x.csv'\nonly = '1'\n".into())];
    if rounds > 1 {
        loads.extend([
            Load::of_hooks("a program of 30 s", "[[ring]]\nrun = 'slow.exe'\ntimeout = '1h'\n".into()),
            Load::of_hooks("a server that never answers", format!("[[ring]]\nget = 'http://{address}/'\n")),
            Load {
                prepare: |place| std::fs::create_dir_all(place.data().database()).unwrap(),
                has_database: false,
                ..Load::of_hooks("a broken database", FAILING.into())
            },
        ]);
        loads.extend(std::env::var_os("MSIPCFG_TEST_FULL_FOLDER").map(|folder| Load {
            local: Some(folder),
            has_database: false,
            ..Load::of_hooks("a full disk", FAILING.into())
        }));
        print_median("a program that does nothing", "", nothing(rounds));
    }
    for load in loads {
        let [first, later] = load.measure(rounds);
        assert_eq!((first.len(), later.len()), (rounds, rounds));
        print_median(load.what, ", first event", first);
        print_median(load.what, ", while a worker runs", later);
    }
}

/// Measures a program that does nothing.
fn nothing(rounds: usize) -> Vec<u64> {
    let place = Workplace::new("");
    let command = r#""C:\windows\system32\rundll32.exe""#;
    let text = format!("[Settings]\r\naccountId=1\r\ncmdIncomingCall={command}\r\n");
    place.sandbox.write("MicroSIP.ini", utf16(&text));
    let phone = Start::portable(&place.sandbox).start();
    let times = (0..rounds).map(|_| took(&phone.event("cmdIncomingCall", "100"))).collect();
    phone.close();
    times
}

fn print_median(what: &str, when: &str, mut times: Vec<u64>) {
    times.sort_unstable();
    println!("{what}{when}: median {} ms of {times:?}", times[times.len() / 2]);
}

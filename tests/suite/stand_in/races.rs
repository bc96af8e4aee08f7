//! A MicroSIP that starts, saves and exits whenever it likes, while edits are made.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use msipcfg::cli::args::Cli;
use msipcfg::commands::{self, Context, Error};
use msipcfg::platform::{Env, SystemFs};

use crate::sandbox::{Sandbox, utf16};

use super::{Phone, Start, wait_until};

const EDITS: usize = 300;

/// A plain generator: what happens when is up to the system anyway.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Starts and exits until it is told to stop; gives how often it started.
fn live(sandbox: &Sandbox, stop: &AtomicBool) -> usize {
    let mut dice = Dice(1);
    let mut starts = 0;
    while !stop.load(Ordering::SeqCst) {
        let life = dice.below(80).to_string();
        let mut phone = Start::portable(sandbox).variable("STAND_IN_EXIT_AFTER_MS", life).spawn();
        starts += 1;
        if dice.below(4) == 0 {
            // one that is killed saves nothing
            std::thread::sleep(Duration::from_millis(dice.below(40)));
            drop(phone);
        } else {
            phone.wait_for_end();
        }
        std::thread::sleep(Duration::from_millis(dice.below(200)));
    }
    starts
}

/// Carries out a command in this process: one that is started for each edit would spend its time on starting.
fn run(ini: &Path, words: &[&str]) -> Result<(), Error> {
    let ini = [OsString::from("--ini"), ini.into()];
    let words: Vec<OsString> =
        std::iter::once("msipcfg".into()).chain(ini).chain(words.iter().map(OsString::from)).collect();
    let request = Cli::try_from_argv(&words).unwrap().into_request(&words).unwrap();
    let mut context = Context {
        env: &Env::default(),
        fs: &SystemFs,
        now: &SystemTime::now,
        stop: &|| false,
        secret: &|_| unreachable!("no secret is set"),
        report: &mut |_| {},
    };
    commands::run(request, &mut context).map(|_| ())
}

fn value(sandbox: &Sandbox, key: &str) -> String {
    sandbox.run_on_ini(&["get", key]).exits(0).stdout.trim().to_string()
}

#[test]
fn no_edit_is_lost_and_nothing_that_it_saved() {
    let ini = "[Settings]\r\naccountId=1\r\nversion=3.22.3\r\nmainX=0\r\n";
    let sandbox = Sandbox::with_ini(utf16(ini));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let phones = scope.spawn(|| live(&sandbox, &stop));
        for n in 1..=EDITS {
            // mainX is a key that it keeps in memory and saves, the other one that it does not know
            let (saved, unknown) = (format!("mainX={n}"), format!("edit{n}={n}"));
            let words = ["set", "--timeout", "100s", "--keep-backups", "2", &saved, &unknown];
            let ran = run(&sandbox.ini(), &words);
            // a phone may be writing to it just now, a line at a time
            let line = format!("mainX={n}");
            let is_there = || sandbox.ini_text().lines().any(|other| other == line).then_some(());
            if ran.is_err() || wait_until(is_there).is_none() {
                stop.store(true, Ordering::SeqCst);
                panic!("edit {n} is lost: {ran:?}\n{}", sandbox.ini_text());
            }
        }
        stop.store(true, Ordering::SeqCst);
        assert!(phones.join().unwrap() > 10, "the phone hardly ran");
    });
    let text = sandbox.ini_text();
    let lines: Vec<&str> = text.lines().collect();
    for n in 1..=EDITS {
        assert!(lines.contains(&&*format!("edit{n}={n}")), "edit {n} is not there: {text}");
    }
    // every save counts one up from what it read: a lost save would leave a gap
    let log = super::whole_log(&sandbox);
    let saves = log.iter().filter(|line| line.ends_with(" saved")).count();
    assert!(saves > 10, "it hardly saved: {saves}");
    assert_eq!(value(&sandbox, "volumeOutput"), saves.to_string(), "{text}");
    assert_eq!(value(&sandbox, "mainX"), EDITS.to_string());
    let own = ["MicroSIP.exe", "MicroSIP.ini"];
    let others: Vec<String> = sandbox.names().into_iter().filter(|name| !own.contains(&&**name)).collect();
    assert!(others.len() == 2 && others.iter().all(|name| name.ends_with(".bak")), "left behind: {others:?}");
}

#[test]
fn an_ini_that_it_keeps_open_is_edited_when_it_has_exited() {
    for how in ["shared", "exclusive"] {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\nVAD=0\r\n"));
        let phone = Start::portable(&sandbox).variable("STAND_IN_HOLDS_INI", how).start();
        let words = ["set", "--json", "--timeout", "0", "VAD=1"];
        sandbox.run_on_ini(&words).fails(5, "microsip-running");
        sandbox.run_on_ini(&["set", "--close", "VAD=1"]).exits(0);
        assert_eq!(value(&sandbox, "VAD"), "1");
        assert_eq!(value(&sandbox, "volumeOutput"), "1", "{how}: {}", sandbox.ini_text());
        drop::<Phone>(phone);
    }
}

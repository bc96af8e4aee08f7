//! Edits while MicroSIP starts, saves and exits at any time.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use msipcfg::cli::args::Cli;
use msipcfg::commands::{self, Context, Error, RunEvent};
use msipcfg::desired::passwords::PasswordHasher;
use msipcfg::edit::transaction::{Progress, Step};
use msipcfg::platform::{Env, SystemFs};

use crate::sandbox::{Sandbox, cases, utf16};

use super::{Phone, Start, wait_until};

/// A simple generator, because the timing is up to the system anyway.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Starts and exits phones until `stop` is set. Returns the number of starts.
fn run_phones(sandbox: &Sandbox, stop: &AtomicBool) -> usize {
    let mut dice = Dice(1);
    let mut starts = 0;
    while !stop.load(Ordering::SeqCst) {
        let lifetime = dice.below(80).to_string();
        let mut phone = Start::portable(sandbox).variable("STAND_IN_EXIT_AFTER_MS", lifetime).spawn();
        starts += 1;
        if dice.below(4) == 0 {
            // a killed phone doesn't save
            std::thread::sleep(Duration::from_millis(dice.below(40)));
            drop(phone);
        } else {
            phone.wait_for_exit();
        }
        std::thread::sleep(Duration::from_millis(dice.below(200)));
    }
    starts
}

/// Runs a command in this process: starting one for each edit would take most of the time. Counts how often the ini was
/// replaced by an edit that had to be made again.
fn run(ini: &Path, args: &[&str], redone: &mut usize) -> Result<(), Error> {
    let ini = [OsString::from("--ini"), ini.into()];
    let args: Vec<OsString> =
        std::iter::once("msipcfg".into()).chain(ini).chain(args.iter().map(OsString::from)).collect();
    let request = Cli::try_from_argv(&args).unwrap().into_request(&args).unwrap();
    let mut last_step = Step::Wait;
    let mut context = Context {
        env: &Env::default(),
        fs: &SystemFs,
        now: &SystemTime::now,
        stop: &|| false,
        variable: |_| None,
        secret: &|_| unreachable!("no secret is set"),
        hashes: &PasswordHasher::new(&|| None),
        report: &mut |event| match event {
            RunEvent::Progress(Progress::Step(step)) => last_step = step,
            RunEvent::Progress(Progress::Redo) => *redone += usize::from(last_step == Step::ReadBack),
            _ => {}
        },
    };
    commands::run(request, &mut context).map(|_| ())
}

fn value(sandbox: &Sandbox, key: &str) -> String {
    sandbox.run_on_ini(&["get", key]).exits(0).stdout.trim().to_string()
}

#[test]
fn no_edit_and_no_save_is_lost() {
    let ini = "[Settings]\r\naccountId=1\r\nversion=3.22.3\r\nmainX=0\r\n";
    let sandbox = Sandbox::with_ini(utf16(ini));
    let stop = AtomicBool::new(false);
    // each takes most of a second under Wine
    let (edits, mut redone) = (cases(60, 300), 0);
    std::thread::scope(|scope| {
        let phones = scope.spawn(|| run_phones(&sandbox, &stop));
        for n in 1..=edits {
            // MicroSIP saves mainX from memory, and doesn't know the other key
            let (saved, unknown) = (format!("mainX={n}"), format!("edit{n}={n}"));
            let args = ["set", "--timeout", "100s", "--keep-backups", "2", &saved, &unknown];
            let ran = run(&sandbox.ini(), &args, &mut redone);
            // a phone may be writing the ini, line by line
            let line = format!("mainX={n}");
            let is_written = || sandbox.ini_text().lines().any(|other| other == line).then_some(());
            if ran.is_err() || wait_until(is_written).is_none() {
                stop.store(true, Ordering::SeqCst);
                panic!("edit {n} is lost: {ran:?}\n{}", sandbox.ini_text());
            }
        }
        stop.store(true, Ordering::SeqCst);
        assert!(phones.join().unwrap() > 10, "too few phones ran");
    });
    let text = sandbox.ini_text();
    let lines: Vec<&str> = text.lines().collect();
    for n in 1..=edits {
        assert!(lines.contains(&&*format!("edit{n}={n}")), "edit {n} is not there: {text}");
    }
    // Every save increments the count that was read, so a lost save leaves a gap. So does a phone that starts between
    // the rename and the merge of a save to the old file: it reads the count from before that save.
    let log = super::whole_log(&sandbox);
    let saves = log.iter().filter(|line| line.ends_with(" saved")).count();
    assert!(saves > 10, "too few saves: {saves}");
    let count: usize = value(&sandbox, "volumeOutput").parse().unwrap();
    assert!((saves - redone..=saves).contains(&count), "{count} of {saves} saves, {redone} redone: {text}");
    assert_eq!(value(&sandbox, "mainX"), edits.to_string());
    let own = ["MicroSIP.exe", "MicroSIP.ini"];
    let others: Vec<String> = sandbox.names().into_iter().filter(|name| !own.contains(&&**name)).collect();
    assert!(
        others.len() == 2 && others.iter().all(|name| name.ends_with(".bak")),
        "unexpected files: {others:?}"
    );
}

#[test]
fn an_ini_that_is_kept_open_is_edited_after_the_exit() {
    for how in ["shared", "exclusive"] {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\naccountId=1\r\nVAD=0\r\n"));
        let phone = Start::portable(&sandbox).variable("STAND_IN_HOLDS_INI", how).start();
        let args = ["set", "--json", "--timeout", "0", "VAD=1"];
        sandbox.run_on_ini(&args).fails(5, "microsip-running");
        sandbox.run_on_ini(&["set", "--close", "VAD=1"]).exits(0);
        assert_eq!(value(&sandbox, "VAD"), "1");
        assert_eq!(value(&sandbox, "volumeOutput"), "1", "{how}: {}", sandbox.ini_text());
        drop::<Phone>(phone);
    }
}

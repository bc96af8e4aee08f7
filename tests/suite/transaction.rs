//! The transaction where it is killed, failed, raced and stopped, at each of its steps in turn.
//!
//! Everything that happens meanwhile happens at a named step or at a call to the disk, so that each run of
//! these tests takes the same turns.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use msipcfg::commands::{self, Context, RunEvent};
use msipcfg::diagnostic::{Code, ExitStatus, ToDiagnostic};
use msipcfg::edit::backup::{self, MadeBy, Policy};
use msipcfg::edit::lock::{Lock, LockError};
use msipcfg::edit::plan::{self, Edit};
use msipcfg::edit::transaction::{
    Cause, Content, Failure, New, Options, Outcome, Progress, Step, Transaction,
};
use msipcfg::ini::encoding::{self, EncodingError};
use msipcfg::ini::name::{SectionName, ValueText};
use msipcfg::ini::write;
use msipcfg::microsip::guard::InstanceGuard;
use msipcfg::microsip::instances::Instance;
use msipcfg::platform::{Env, FileSystem, SystemFs};
use msipcfg::request::{EditRequest, IniChoice, Request, ValueSource, WhileRunning, WriteOptions};
use tempfile::NamedTempFile;

use crate::sandbox::{Sandbox, utf16};

/// What the ini says: the transaction sets `vad`, the other writer sets `ring`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Says {
    vad: u32,
    ring: u32,
}

const OLD: Says = Says { vad: 0, ring: 80 };
const NEW: Says = Says { vad: 1, ring: 80 };
const OTHERS: Says = Says { vad: 0, ring: 55 };
const BOTH: Says = Says { vad: 1, ring: 55 };

impl Says {
    fn bytes(self) -> Vec<u8> {
        utf16(&format!("[Settings]\r\nVAD={}\r\nvolumeRing={}\r\n; the end\r\n", self.vad, self.ring))
    }

    /// What these bytes say, if they are whole.
    fn read(bytes: &[u8]) -> Option<Says> {
        [OLD, NEW, OTHERS, BOTH].into_iter().find(|says| says.bytes() == bytes)
    }

    /// What a file says; `None` where it is not there.
    #[track_caller]
    fn of(path: &Path) -> Option<Says> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            bytes => bytes.unwrap(),
        };
        let says = Says::read(&bytes).or_else(|| (bytes == created()).then_some(NEW));
        Some(says.unwrap_or_else(|| panic!("{} is broken: {bytes:02X?}", path.display())))
    }
}

/// Whether this is what the ini was at some time.
fn is_whole(bytes: &[u8]) -> bool {
    Says::read(bytes).is_some() || bytes == created()
}

/// What an ini is that the transaction made where there was none.
fn created() -> Vec<u8> {
    SetVad.make(None).unwrap().unwrap().bytes().unwrap().to_vec()
}

/// What is done to the ini.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edits {
    /// `VAD=1` is set, by the means that the commands have.
    SetVad,
    /// It goes.
    Remove,
}

use Edits::SetVad;

impl Content for Edits {
    type Error = EncodingError;

    fn make(&mut self, current: Option<&[u8]>) -> Result<Option<New>, EncodingError> {
        if *self == Edits::Remove {
            return Ok(current.map(|_| New::Gone));
        }
        let bytes = match current {
            Some(bytes) => bytes.to_vec(),
            None => write::first_run(&SectionName::new("Settings").unwrap()).into_bytes(),
        };
        let edit = Edit::Set {
            path: "Settings/VAD".parse().unwrap(),
            value: "1".into(),
            text: ValueText::new("1").unwrap(),
        };
        let plan = plan::make(&encoding::decode(bytes, None)?, &[edit]);
        Ok((plan.is_change || current.is_none()).then(|| New::Text(plan.document.into_bytes())))
    }

    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8> {
        let [old, saved, current] =
            [old, saved, current].map(|bytes| encoding::decode(bytes.to_vec(), None).unwrap().document);
        plan::merge(&old, &saved, current).into_bytes()
    }
}

/// A step, and the how manieth time it begins, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    step: Step,
    time: usize,
}

/// A moment, for short.
fn at(step: Step, time: usize) -> Moment {
    Moment { step, time }
}

/// A transaction and what happens while it goes.
struct Play<'a> {
    edits: Edits,
    disk: &'a dyn FileSystem,
    backups: Policy,
    timeout: Duration,
    /// Whether a MicroSIP uses the ini when that is asked.
    is_used: &'a dyn Fn(Moment) -> bool,
    /// What happens while it is waited for MicroSIP.
    pause: &'a dyn Fn(),
    /// What happens when a step begins.
    act: &'a dyn Fn(Moment),
    /// Whether the user wants it to stop.
    stop: &'a dyn Fn() -> bool,
}

const ONE_BACKUP: Policy = Policy { made_by: Some(MadeBy::Edit), keep: 10 };
const NO_BACKUP: Policy = Policy { made_by: None, keep: 10 };

impl Default for Play<'_> {
    fn default() -> Self {
        Play {
            edits: SetVad,
            disk: &SystemFs,
            backups: ONE_BACKUP,
            timeout: Duration::from_secs(60),
            is_used: &|_| false,
            pause: &|| {},
            act: &|_| {},
            stop: &|| false,
        }
    }
}

/// How a transaction went.
struct Played {
    result: Result<Outcome, Failure<EncodingError>>,
    moments: Vec<Moment>,
    redos: usize,
}

impl Played {
    /// The outcome of one that went well.
    #[track_caller]
    fn done(&self) -> &Outcome {
        self.result.as_ref().unwrap_or_else(|error| panic!("{error}, after {:?}", self.moments))
    }

    /// The error of one that did not.
    #[track_caller]
    fn error(&self) -> &Failure<EncodingError> {
        match &self.result {
            Ok(outcome) => panic!("it went well: {outcome:?}, by {:?}", self.moments),
            Err(error) => error,
        }
    }
}

struct ScriptedGate<'a> {
    now: &'a Cell<Moment>,
    is_used: &'a dyn Fn(Moment) -> bool,
    pause: &'a dyn Fn(),
}

impl InstanceGuard for ScriptedGate<'_> {
    fn blockers(&mut self) -> Vec<Instance> {
        let instance = Instance {
            pid: 4242,
            started: 1,
            exe: r"C:\MicroSIP\MicroSIP.exe".into(),
            exe_on_disk: None,
            user: None,
            is_own: true,
            session: None,
            inis: None,
        };
        if (self.is_used)(self.now.get()) { vec![instance] } else { Vec::new() }
    }

    fn pause(&mut self, _holders: &[Instance], _at_most: Duration) -> bool {
        (self.pause)();
        true
    }
}

impl Play<'_> {
    fn run(&self, ini: &Path) -> Played {
        let now = Cell::new(at(Step::Wait, 1));
        let mut moments: Vec<Moment> = Vec::new();
        let mut redos = 0;
        let result = Transaction {
            ini,
            fs: self.disk,
            gate: &mut ScriptedGate { now: &now, is_used: self.is_used, pause: self.pause },
            now: &SystemTime::now,
            stop: self.stop,
            report: &mut |progress| match progress {
                Progress::Step(step) => {
                    let time = 1 + moments.iter().filter(|moment| moment.step == step).count();
                    now.set(at(step, time));
                    moments.push(now.get());
                    (self.act)(now.get());
                }
                Progress::Waiting { blockers, .. } => assert!(!blockers.is_empty()),
                Progress::Redo => redos += 1,
                Progress::Warning(remark) => panic!("{remark:?}"),
            },
            options: Options { until: Instant::now() + self.timeout, backups: self.backups },
            prepared: None,
        }
        .run(&mut { self.edits });
        Played { result, moments, redos }
    }
}

/// Writes into a file as MicroSIP does: in place, so that other names of it show the same.
fn write_in_place(path: &Path, says: Says) {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(&says.bytes()).unwrap();
}

/// What backups of the sandbox's ini say, newest first.
fn backups_say(sandbox: &Sandbox) -> Vec<Says> {
    let backups = backup::list(&sandbox.ini(), &SystemFs).unwrap();
    backups.iter().map(|backup| Says::of(&backup.path).unwrap()).collect()
}

/// What does not belong in the folder: whatever is neither the ini nor a whole backup that is a file of its own.
fn clutter(sandbox: &Sandbox) -> Vec<String> {
    let ini = sandbox.ini();
    let backups = backup::list(&ini, &SystemFs).unwrap();
    let is_backup = |name: &String| backups.iter().any(|backup| backup.name == *name);
    let mut clutter: Vec<String> =
        sandbox.names().into_iter().filter(|name| name != "MicroSIP.ini" && !is_backup(name)).collect();
    for backup in &backups {
        if same_file::is_same_file(&ini, &backup.path).unwrap_or(false) {
            clutter.push(format!("{} is the ini itself", backup.name));
        }
        if !is_whole(&std::fs::read(&backup.path).unwrap()) {
            clutter.push(format!("{} is broken", backup.name));
        }
    }
    clutter
}

#[track_caller]
fn assert_tidy(sandbox: &Sandbox) {
    assert_eq!(clutter(sandbox), Vec::<String>::new());
}

// ---------------------------------------------------------------------------------------------------------
// a disk that fails, or on which everything stops

/// What happens at one call to the disk.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It fails.
    Fails(io::ErrorKind),
    /// A write fails after half of it; any other call fails at once.
    FailsHalfway(io::ErrorKind),
    /// Nothing goes on, a write after half of it.
    Parks,
}

/// The disk of this machine, where one of the calls that change something goes wrong.
#[derive(Default)]
struct FaultyDisk<'a> {
    /// The how manieth call goes wrong, from 1, and how.
    fault: Option<(usize, Fault)>,
    /// Whether a link to this path is refused, as on a disk without hard links.
    refuses_link: Option<fn(&Path) -> bool>,
    /// The calls that were made.
    calls: RefCell<Vec<&'static str>>,
    /// Looks on after each call.
    after: Option<&'a dyn Fn(&'static str)>,
}

impl FaultyDisk<'_> {
    fn without_links() -> Self {
        FaultyDisk { refuses_link: Some(|_| true), ..FaultyDisk::default() }
    }

    fn call<T>(&self, name: &'static str, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.enter(name) {
            Some(Fault::Fails(kind) | Fault::FailsHalfway(kind)) => return Err(kind.into()),
            Some(Fault::Parks) => park(),
            None => {}
        }
        let done = call();
        if let Some(after) = self.after {
            after(name);
        }
        done
    }

    /// Counts a call and says what goes wrong with it.
    fn enter(&self, name: &'static str) -> Option<Fault> {
        let mut calls = self.calls.borrow_mut();
        calls.push(name);
        self.fault.filter(|(number, _)| *number == calls.len()).map(|(_, fault)| fault)
    }

    /// The call that went wrong.
    fn failed_call(&self) -> Option<&'static str> {
        self.calls.borrow().get(self.fault?.0 - 1).copied()
    }
}

impl FileSystem for FaultyDisk<'_> {
    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
        self.call("create_temp", || SystemFs.create_temp(folder, prefix, suffix))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let half = &bytes[..bytes.len() / 2];
        let fault = self.enter("write");
        match fault {
            Some(Fault::Fails(kind)) => return Err(kind.into()),
            Some(Fault::FailsHalfway(kind)) => {
                SystemFs.write(file, half)?;
                return Err(kind.into());
            }
            Some(Fault::Parks) => {
                SystemFs.write(file, half)?;
                park();
            }
            None => SystemFs.write(file, bytes)?,
        }
        if let Some(after) = self.after {
            after("write");
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.call("sync", || SystemFs.sync(file))
    }

    fn adopt(&self, model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
        self.call("adopt", || SystemFs.adopt(model, file, path))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.refuses_link.is_some_and(|refuses| refuses(to)) {
            return self.call("link", || Err(io::ErrorKind::Unsupported.into()));
        }
        self.call("link", || SystemFs.link(from, to))
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call("replace", || SystemFs.replace(from, to))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call("sync_folder", || SystemFs.sync_folder(folder))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call("remove", || SystemFs.remove(path))
    }
}

/// Says so and waits to be killed. Ends by itself if whoever would do that is gone.
fn park() -> ! {
    println!("{PARKED}");
    let _ = io::stdin().read_to_end(&mut Vec::new());
    std::process::abort();
}

const PARKED: &str = "parked, to be killed";

// ---------------------------------------------------------------------------------------------------------
// whole plays, for every point of which there is a run that ends there

/// A file in the sandbox's home that says that the other writer has had its turn.
const OTHERS_TURN: &str = "home/others-turn";

/// What goes on around a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    /// Nothing.
    Plain,
    /// There is no ini yet.
    Create,
    /// No backup is wanted.
    NoBackup,
    /// There are as many backups as are kept.
    ManyBackups,
    /// The disk has no hard links.
    NoLinks,
    /// Something writes to the ini in the last moment before it is replaced.
    WrittenTo,
    /// The same, and no backup is wanted.
    WrittenToWithoutBackup,
    /// A MicroSIP comes up as the ini is replaced, and saves what it had read before.
    CameUp,
    /// A MicroSIP comes up as the ini is replaced, and saves nothing.
    CameUpAndSavedNothing,
    /// The ini is removed.
    Remove,
    /// The ini is removed, and something writes to it in the last moment before.
    RemoveWrittenTo,
    /// The ini is removed on a disk without hard links.
    RemoveWithoutLinks,
}

const SCENARIOS: [Scenario; 12] = [
    Scenario::Plain,
    Scenario::Create,
    Scenario::NoBackup,
    Scenario::ManyBackups,
    Scenario::NoLinks,
    Scenario::WrittenTo,
    Scenario::WrittenToWithoutBackup,
    Scenario::CameUp,
    Scenario::CameUpAndSavedNothing,
    Scenario::Remove,
    Scenario::RemoveWrittenTo,
    Scenario::RemoveWithoutLinks,
];

impl Scenario {
    fn by_name(name: &str) -> Scenario {
        SCENARIOS.into_iter().find(|scenario| format!("{scenario:?}") == name).unwrap()
    }

    fn sandbox(self) -> Sandbox {
        if self == Scenario::Create {
            return Sandbox::new();
        }
        let sandbox = Sandbox::with_ini(OLD.bytes());
        if self == Scenario::ManyBackups {
            for second in 0..3 {
                let name = format!("MicroSIP.ini.2020010{second}T000000.000Z.bak");
                sandbox.write(&name, OLD.bytes());
            }
        }
        sandbox
    }

    fn disk<'a>(self) -> FaultyDisk<'a> {
        match self {
            Scenario::NoLinks | Scenario::RemoveWithoutLinks => FaultyDisk::without_links(),
            _ => FaultyDisk::default(),
        }
    }

    fn is_written_to(self) -> bool {
        matches!(self, Scenario::WrittenTo | Scenario::WrittenToWithoutBackup | Scenario::RemoveWrittenTo)
    }

    fn edits(self) -> Edits {
        match self {
            Scenario::Remove | Scenario::RemoveWrittenTo | Scenario::RemoveWithoutLinks => Edits::Remove,
            _ => SetVad,
        }
    }

    fn play(
        self,
        ini: &Path,
        disk: &dyn FileSystem,
        stop: &dyn Fn() -> bool,
        act: &dyn Fn(Moment),
    ) -> Played {
        let is_there = Cell::new(false);
        let others_turn = || {
            write_in_place(ini, OTHERS);
            File::create(ini.with_file_name(OTHERS_TURN)).unwrap();
        };
        let comes_up = matches!(self, Scenario::CameUp | Scenario::CameUpAndSavedNothing);
        Play {
            edits: self.edits(),
            disk,
            stop,
            backups: match self {
                Scenario::NoBackup | Scenario::WrittenToWithoutBackup => NO_BACKUP,
                Scenario::ManyBackups => Policy { keep: 3, ..ONE_BACKUP },
                _ => ONE_BACKUP,
            },
            is_used: &|moment| {
                if comes_up && moment == at(Step::LookLast, 1) {
                    is_there.set(true);
                }
                is_there.get()
            },
            pause: &|| {
                is_there.set(false);
                if self == Scenario::CameUp {
                    others_turn();
                }
            },
            act: &|moment| {
                if self.is_written_to() && moment == at(Step::Replace, 1) {
                    others_turn();
                }
                act(moment);
            },
            ..Play::default()
        }
        .run(ini)
    }

    /// What the ini may say at any moment.
    fn allows(self, says: Option<Says>) -> bool {
        match (self, says) {
            (Scenario::Create, says) => says.is_none() || says == Some(NEW),
            (Scenario::RemoveWrittenTo, says) => [None, Some(OLD), Some(OTHERS)].contains(&says),
            (_, says) if self.ends_with().is_none() => says.is_none() || says == Some(OLD),
            (_, says) if self.ends_with() == Some(BOTH) => says.is_some(),
            (_, says) => says == Some(OLD) || says == Some(NEW),
        }
    }

    /// Whether an ini that says this is the one that was wanted.
    fn has_come_to(self, says: Option<Says>) -> bool {
        match self.edits() {
            SetVad => says.is_some_and(|says| says.vad == NEW.vad),
            Edits::Remove => says.is_none(),
        }
    }

    /// What the ini says when all is well; `None`: it is not there.
    fn ends_with(self) -> Option<Says> {
        match self {
            Scenario::WrittenTo | Scenario::WrittenToWithoutBackup | Scenario::CameUp => Some(BOTH),
            _ if self.edits() == Edits::Remove => None,
            _ => Some(NEW),
        }
    }
}

#[test]
fn each_scenario_ends_well_if_nothing_goes_wrong() {
    for scenario in SCENARIOS {
        let sandbox = scenario.sandbox();
        let played = scenario.play(&sandbox.ini(), &scenario.disk(), &|| false, &|_| {});
        assert!(played.done().changed, "{scenario:?}");
        assert_eq!(Says::of(&sandbox.ini()), scenario.ends_with(), "{scenario:?}");
        assert_eq!(clutter(&sandbox), Vec::<String>::new(), "{scenario:?}");
        let is_second_round = played.moments.iter().any(|moment| moment.time == 2);
        let has_second_round =
            scenario.ends_with() == Some(BOTH) || scenario == Scenario::CameUpAndSavedNothing;
        assert_eq!(is_second_round, has_second_round, "{scenario:?}: {:?}", played.moments);
    }
}

#[test]
fn the_steps_come_in_the_order_in_which_they_are_listed() {
    let sandbox = Scenario::Plain.sandbox();
    let played = Scenario::Plain.play(&sandbox.ini(), &SystemFs, &|| false, &|_| {});
    let steps: Vec<Step> = played.moments.iter().map(|moment| moment.step).collect();
    assert_eq!(steps, Step::ALL);
}

// ---------------------------------------------------------------------------------------------------------
// killed

/// Where a run is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    AtStep(Moment),
    AtCall(usize),
}

const CHILD_INI: &str = "MSIPCFG_TEST_INI";
const CHILD_SCENARIO: &str = "MSIPCFG_TEST_SCENARIO";
const CHILD_KILL: &str = "MSIPCFG_TEST_KILL";

/// The process that is killed: it plays a scenario up to a point and waits there.
#[test]
#[ignore = "is started, and killed, by other tests"]
fn child() {
    let (Ok(scenario), Ok(kill)) = (std::env::var(CHILD_SCENARIO), std::env::var(CHILD_KILL)) else { return };
    let ini = PathBuf::from(std::env::var_os(CHILD_INI).unwrap());
    let scenario = Scenario::by_name(&scenario);
    let (name, number) = kill.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let mut disk = scenario.disk();
    if name == "call" {
        disk.fault = Some((number, Fault::Parks));
    }
    let played = scenario.play(&ini, &disk, &|| false, &|moment| {
        if moment.step.name() == name && moment.time == number {
            park();
        }
    });
    panic!("not killed: {:?}", played.result);
}

/// Runs a scenario in a process of its own and kills it at this point.
fn kill(sandbox: &Sandbox, scenario: Scenario, kill: Kill) {
    let point = match kill {
        Kill::AtStep(Moment { step, time }) => format!("{} {time}", step.name()),
        Kill::AtCall(number) => format!("call {number}"),
    };
    let mut child = sandbox
        .command(std::env::current_exe().unwrap())
        .args(["--exact", "transaction::child", "--ignored", "--nocapture"])
        .env(CHILD_INI, sandbox.ini())
        .env(CHILD_SCENARIO, format!("{scenario:?}"))
        .env(CHILD_KILL, point)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_there = lines.any(|line| line.unwrap().trim_end().ends_with(PARKED));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_there, "{scenario:?} {kill:?}: the process ended by itself");
}

/// Every point at which a scenario can be killed.
fn points(scenario: Scenario) -> Vec<Kill> {
    let sandbox = scenario.sandbox();
    let disk = scenario.disk();
    let played = scenario.play(&sandbox.ini(), &disk, &|| false, &|_| {});
    let calls = 1..=disk.calls.borrow().len();
    let mut points: Vec<Kill> = played.moments.into_iter().map(Kill::AtStep).collect();
    if !cfg!(windows) || scenario == Scenario::Plain {
        points.extend(calls.map(Kill::AtCall));
    }
    points
}

/// What the other writer saved is in the ini, or at least in a file beside it.
fn is_others_change_kept(sandbox: &Sandbox) -> bool {
    sandbox.names().iter().any(|name| {
        let bytes = std::fs::read(sandbox.path(name)).unwrap();
        String::from_utf8_lossy(&bytes).replace('\0', "").contains("volumeRing=55")
    })
}

/// Kills a scenario at each point, and sees what that leaves and whether the next run mends it.
fn kill_everywhere(scenario: Scenario) {
    let points = points(scenario);
    assert!(points.len() >= Step::ALL.len() - 1, "{points:?}");
    let mut faults = Vec::new();
    for point in points {
        let sandbox = scenario.sandbox();
        kill(&sandbox, scenario, point);
        let mut fault = |what: String| faults.push(format!("{scenario:?}, killed {point:?}: {what}"));
        let left = Says::of(&sandbox.ini());
        if !scenario.allows(left) {
            fault(format!("the ini says {left:?}"));
        }
        if left.is_none() && scenario != Scenario::Create && backups_say(&sandbox).is_empty() {
            fault(format!("neither ini nor backup is in {:?}", sandbox.names()));
        }
        let has_others_change = sandbox.path(OTHERS_TURN).exists();
        if has_others_change && !is_others_change_kept(&sandbox) {
            fault(format!("what the other writer saved is gone from {:?}", sandbox.names()));
        }

        let next = sandbox.run_on_ini(&["set", "--create", "--json", "updatesInterval=never"]);
        if next.status != 0 || next.json()["changed"] != true {
            fault(format!("the next run fails: {}", next.told));
        }
        if !sandbox.ini_text().contains("\r\nupdatesInterval=never") {
            fault(format!("the next run changed nothing: {}", next.told));
        }
        let clutter = clutter(&sandbox);
        if !clutter.is_empty() {
            fault(format!("after the next run there is still {clutter:?}"));
        }
        if has_others_change && !is_others_change_kept(&sandbox) {
            fault("the next run lost what the other writer had saved".into());
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn a_run_that_is_killed_leaves_a_whole_ini_and_the_next_run_works() {
    kill_everywhere(Scenario::Plain);
}

#[test]
fn a_second_round_that_is_killed_leaves_a_whole_ini_and_the_other_writers_change() {
    kill_everywhere(Scenario::WrittenTo);
}

// Starting a process takes so long on Windows, and more so under Wine, that only the two above run there, and
// only the first with every call to the disk.

#[cfg(not(windows))]
#[test]
fn a_run_that_is_killed_while_it_makes_an_ini_leaves_none_or_a_whole_one() {
    kill_everywhere(Scenario::Create);
}

#[cfg(not(windows))]
#[test]
fn a_run_without_backup_that_is_killed_leaves_a_whole_ini() {
    kill_everywhere(Scenario::NoBackup);
}

#[cfg(not(windows))]
#[test]
fn a_run_that_is_killed_while_it_removes_backups_leaves_a_whole_ini() {
    kill_everywhere(Scenario::ManyBackups);
}

#[cfg(not(windows))]
#[test]
fn a_run_that_is_killed_on_a_disk_without_hard_links_leaves_a_whole_ini() {
    kill_everywhere(Scenario::NoLinks);
}

#[cfg(not(windows))]
#[test]
fn a_run_that_is_killed_after_microsip_came_up_leaves_a_whole_ini() {
    kill_everywhere(Scenario::CameUp);
}

#[test]
fn a_removal_that_is_killed_leaves_the_ini_or_its_backup() {
    kill_everywhere(Scenario::Remove);
}

#[cfg(not(windows))]
#[test]
fn a_removal_that_is_killed_on_a_disk_without_hard_links_leaves_the_ini_or_its_backup() {
    kill_everywhere(Scenario::RemoveWithoutLinks);
}

#[cfg(not(windows))]
#[test]
fn a_removal_that_is_killed_leaves_what_another_wrote_in_the_last_moment() {
    kill_everywhere(Scenario::RemoveWrittenTo);
}

#[test]
fn what_a_killed_run_left_goes_also_where_the_next_run_has_nothing_to_change() {
    let sandbox = Scenario::NoBackup.sandbox();
    kill(&sandbox, Scenario::NoBackup, Kill::AtStep(at(Step::SyncFolder, 1)));
    assert_eq!(Says::of(&sandbox.ini()), Some(NEW));
    assert_ne!(clutter(&sandbox), Vec::<String>::new());
    let again = sandbox.run_on_ini(&["set", "--json", "VAD=1"]).exits(0);
    assert_eq!(again.json()["changed"], false, "{}", again.told);
    assert_tidy(&sandbox);
}

// ---------------------------------------------------------------------------------------------------------
// failed

const KINDS: [io::ErrorKind; 4] = [
    io::ErrorKind::StorageFull,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::Unsupported,
    io::ErrorKind::NotFound,
];

/// Fails each call of a scenario in turn, until there are no more, and says what is wrong after it.
fn fail_everywhere(scenario: Scenario, fault_of: impl Fn(io::ErrorKind) -> Fault) {
    let mut faults = Vec::new();
    for kind in KINDS {
        for number in 1.. {
            let sandbox = scenario.sandbox();
            let disk = FaultyDisk { fault: Some((number, fault_of(kind))), ..scenario.disk() };
            let played = scenario.play(&sandbox.ini(), &disk, &|| false, &|_| {});
            let Some(call) = disk.failed_call() else {
                assert!(number > 5, "{scenario:?} makes no calls");
                assert!(played.done().changed);
                break;
            };
            let where_it_was = format!("{scenario:?}, call {number} ({call}) fails with {kind:?}");
            faults.extend(
                faults_after(scenario, &sandbox, &played, call)
                    .into_iter()
                    .map(|fault| format!("{where_it_was}: {fault}; it said {:?}", played.result)),
            );
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
}

fn faults_after(scenario: Scenario, sandbox: &Sandbox, played: &Played, call: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let ini = sandbox.ini();
    let left = Says::of(&ini);
    if !scenario.allows(left) {
        faults.push(format!("the ini says {left:?}"));
    }
    let is_new = scenario.has_come_to(left);
    // without a link the old file cannot be looked at once it is displaced: a change in the last moment is lost
    let is_blind = call == "link" && scenario.is_written_to();
    match &played.result {
        Ok(outcome) => {
            if !outcome.changed || !is_new || (left != scenario.ends_with() && !is_blind) {
                faults.push(format!("said to be done, but the ini says {left:?}"));
            }
            if outcome.backup.as_ref().is_some_and(|backup| !backup.exists()) {
                faults.push("said to have a backup that is not there".into());
            }
        }
        Err(error) => {
            // in the one scenario MicroSIP undoes what was written: then either answer is true
            if error.changed != is_new && !(error.changed && scenario == Scenario::CameUp) {
                faults.push(format!("changed is {}, but the ini says {left:?}", error.changed));
            }
            if error.code().exit_status() != ExitStatus::File {
                faults.push(format!("the code is {}", error.code().name()));
            }
            let folder = ini.parent().unwrap().to_str().unwrap();
            if !error.to_string().contains(folder) || error.hint().is_none() {
                faults.push(format!("the message names no file or has no hint: {error}"));
            }
        }
    }
    // what cannot be removed stays, until the next run
    let left_behind = clutter(sandbox);
    if call != "remove" && !left_behind.is_empty() {
        faults.push(format!("it left {left_behind:?}"));
    }
    if sandbox.path(OTHERS_TURN).exists() && !is_others_change_kept(sandbox) && !is_blind {
        faults.push("what the other writer saved is gone".into());
    }
    let next = Play::default().run(&ini);
    if next.result.is_err() || Says::of(&ini).is_none_or(|says| says.vad != NEW.vad) {
        faults.push(format!("the next run fails: {:?}", next.result));
    }
    let left_behind = clutter(sandbox);
    if !left_behind.is_empty() {
        faults.push(format!("after the next run there is still {left_behind:?}"));
    }
    faults
}

#[test]
fn whatever_fails_the_ini_is_whole_and_the_answer_is_true() {
    fail_everywhere(Scenario::Plain, Fault::Fails);
}

#[test]
fn whatever_fails_while_an_ini_is_made_there_is_none_or_a_whole_one() {
    fail_everywhere(Scenario::Create, Fault::Fails);
}

#[test]
fn whatever_fails_without_a_backup_the_ini_is_whole() {
    fail_everywhere(Scenario::NoBackup, Fault::Fails);
}

#[test]
fn whatever_fails_while_backups_are_removed_the_ini_is_whole() {
    fail_everywhere(Scenario::ManyBackups, Fault::Fails);
}

#[test]
fn whatever_fails_on_a_disk_without_hard_links_the_ini_is_whole() {
    fail_everywhere(Scenario::NoLinks, Fault::Fails);
}

#[test]
fn whatever_fails_while_something_writes_to_the_ini_its_change_is_kept() {
    fail_everywhere(Scenario::WrittenTo, Fault::Fails);
}

#[test]
fn whatever_fails_while_something_writes_to_an_ini_without_backup_its_change_is_kept() {
    fail_everywhere(Scenario::WrittenToWithoutBackup, Fault::Fails);
}

#[test]
fn whatever_fails_after_microsip_undid_the_edit_the_answer_is_true() {
    fail_everywhere(Scenario::CameUp, Fault::Fails);
}

#[test]
fn whatever_fails_after_microsip_came_up_the_answer_is_true() {
    fail_everywhere(Scenario::CameUpAndSavedNothing, Fault::Fails);
}

#[test]
fn whatever_fails_while_an_ini_is_removed_the_answer_is_true() {
    for scenario in [Scenario::Remove, Scenario::RemoveWrittenTo, Scenario::RemoveWithoutLinks] {
        fail_everywhere(scenario, Fault::Fails);
    }
}

#[test]
fn half_a_write_is_never_seen_in_the_ini_or_a_backup() {
    for scenario in [Scenario::Plain, Scenario::Create, Scenario::NoLinks, Scenario::WrittenTo] {
        fail_everywhere(scenario, Fault::FailsHalfway);
    }
}

/// The ini cannot be read any more, as where Windows finds it in use, the `n`-th time it is read.
struct UnreadableDisk {
    left: Cell<usize>,
}

impl FileSystem for UnreadableDisk {
    fn content_equals(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        self.read(path).map(|held| held == bytes)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        if left == Some(0) { Err(io::ErrorKind::PermissionDenied.into()) } else { SystemFs.read(path) }
    }
}

#[test]
fn an_ini_that_cannot_be_read_any_more_leaves_no_leftovers() {
    let mut faults = Vec::new();
    for scenario in [Scenario::Plain, Scenario::NoBackup, Scenario::WrittenTo] {
        for number in 1.. {
            let sandbox = scenario.sandbox();
            let disk = UnreadableDisk { left: Cell::new(number) };
            let played = scenario.play(&sandbox.ini(), &disk, &|| false, &|_| {});
            if played.result.is_ok() {
                assert!(number > 3, "{scenario:?}: read {number}");
                break;
            }
            faults.extend(
                faults_after(scenario, &sandbox, &played, "read").into_iter().map(|fault| {
                    format!("{scenario:?}, read {number}: {fault}; it said {:?}", played.result)
                }),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn without_hard_links_the_backup_is_a_copy_that_is_on_the_disk_before_the_ini_is_replaced() {
    for refuses_link in [|_: &Path| true, |to: &Path| to.extension().is_some_and(|ending| ending == "bak")] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let disk = FaultyDisk { refuses_link: Some(refuses_link), ..FaultyDisk::default() };
        let played = Play { disk: &disk, ..Play::default() }.run(&sandbox.ini());
        let backup = played.done().backup.clone().unwrap();
        assert_eq!(Says::of(&backup), Some(OLD));
        assert_eq!(Says::of(&sandbox.ini()), Some(NEW));
        assert_tidy(&sandbox);
        let calls = disk.calls.borrow();
        let last = |name: &str| calls.iter().rposition(|call| *call == name).unwrap();
        assert_eq!(calls.iter().filter(|call| **call == "write").count(), 2, "{calls:?}");
        assert!(last("write") < last("sync") && last("sync") < last("replace"), "{calls:?}");
    }
}

#[test]
fn an_ini_is_made_where_links_are_refused() {
    let sandbox = Sandbox::new();
    let played = Play { disk: &FaultyDisk::without_links(), ..Play::default() }.run(&sandbox.ini());
    assert_eq!(*played.done(), Outcome { changed: true, backup: None });
    assert_eq!(sandbox.ini_bytes(), created());
    assert_tidy(&sandbox);
}

/// What makes the lock.
const LOCKING: &[&str] = &["create_temp", "adopt", "link"];

#[test]
fn the_new_file_is_on_the_disk_before_it_takes_the_inis_place() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let disk = FaultyDisk::default();
    Play { disk: &disk, ..Play::default() }.run(&sandbox.ini()).done();
    let calls = disk.calls.borrow();
    // behind the calls that make the lock
    let calls = calls.strip_prefix(LOCKING).unwrap();
    let place = |name: &str| calls.iter().position(|call| *call == name).unwrap();
    let places = ["create_temp", "write", "sync", "link", "replace", "sync_folder"].map(place);
    assert!(places.is_sorted(), "{calls:?}");
}

// ---------------------------------------------------------------------------------------------------------
// raced

/// Something writes to the ini at one moment.
fn written_to_at(moment: Moment) -> (Sandbox, Played) {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let act = |now: Moment| {
        if now == moment {
            let says = Says::of(&ini).unwrap();
            write_in_place(&ini, Says { ring: OTHERS.ring, ..says });
        }
    };
    let played = Play { act: &act, ..Play::default() }.run(&ini);
    (sandbox, played)
}

#[test]
fn a_change_before_the_second_look_is_edited_on_top_of() {
    for step in [Step::Plan, Step::Temp, Step::Backup, Step::LookAgain] {
        let (sandbox, played) = written_to_at(at(step, 1));
        assert!(played.done().changed);
        assert_eq!(played.redos, 1, "{step:?}");
        assert_eq!(Says::of(&sandbox.ini()), Some(BOTH), "{step:?}");
        // the file that was displaced, and no other
        assert_eq!(backups_say(&sandbox), [OTHERS], "{step:?}");
        assert_tidy(&sandbox);
    }
}

#[test]
fn a_change_before_the_ini_is_read_needs_no_second_go() {
    for step in [Step::Wait, Step::Lock, Step::Read] {
        let (sandbox, played) = written_to_at(at(step, 1));
        assert_eq!(played.redos, 0, "{step:?}");
        assert_eq!(Says::of(&sandbox.ini()), Some(BOTH), "{step:?}");
        assert_eq!(backups_say(&sandbox), [OTHERS], "{step:?}");
    }
}

#[test]
fn a_change_after_the_second_look_is_in_the_ini_and_in_the_backup() {
    let (sandbox, played) = written_to_at(at(Step::Replace, 1));
    assert!(played.done().changed);
    assert_eq!(played.redos, 1);
    assert_eq!(Says::of(&sandbox.ini()), Some(BOTH));
    assert_eq!(backups_say(&sandbox), [OTHERS]);
    assert_eq!(played.done().backup, Some(backup::list(&sandbox.ini(), &SystemFs).unwrap()[0].path.clone()));
    assert_tidy(&sandbox);
}

#[test]
fn a_change_of_the_new_ini_stays() {
    for step in [Step::SyncFolder, Step::CompareOld, Step::ReadBack, Step::LookLast, Step::Prune] {
        let (sandbox, played) = written_to_at(at(step, 1));
        assert!(played.done().changed, "{step:?}");
        assert_eq!(Says::of(&sandbox.ini()), Some(BOTH), "{step:?}");
        assert_eq!(backups_say(&sandbox), [OLD], "{step:?}");
        assert_tidy(&sandbox);
    }
}

#[test]
fn an_edit_that_is_undone_as_soon_as_it_is_made_is_made_again() {
    for step in [Step::SyncFolder, Step::CompareOld, Step::ReadBack] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let act = |moment| {
            if moment == at(step, 1) {
                write_in_place(&ini, OTHERS);
            }
        };
        let played = Play { act: &act, ..Play::default() }.run(&ini);
        assert!(played.done().changed);
        assert_eq!(played.redos, 1, "{step:?}");
        assert_eq!(Says::of(&ini), Some(BOTH), "{step:?}");
        assert_tidy(&sandbox);
    }
}

#[test]
fn a_second_change_while_the_first_is_edited_again_is_not_lost_either() {
    // the writer has two settings to its name: the volume, and one it adds later
    let third = "[Settings]\r\nVAD=1\r\nvolumeRing=80\r\n; the end\r\nAGC=1\r\n";
    for step in [Step::Read, Step::Plan, Step::Temp, Step::LookAgain, Step::Replace] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let act = |moment| {
            if moment == at(Step::Replace, 1) {
                write_in_place(&ini, OTHERS);
            }
            if moment == at(step, 2) {
                // it wrote the first to the old file; this goes to the new one
                assert_eq!(Says::of(&ini), Some(NEW));
                std::fs::write(&ini, utf16(third)).unwrap();
            }
        };
        let played = Play { act: &act, ..Play::default() }.run(&ini);
        assert!(played.done().changed, "{step:?}");
        assert_eq!(sandbox.ini_text(), third.replace("volumeRing=80", "volumeRing=55"), "{step:?}");
        assert_eq!(sandbox.names().len(), 2, "{step:?}: {:?}", sandbox.names());
    }
}

#[test]
fn an_ini_that_changes_all_the_time_is_given_up_and_left_as_it_is() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let act = |moment: Moment| {
        if moment.step == Step::LookAgain {
            write_in_place(&ini, if moment.time % 2 == 1 { OTHERS } else { OLD });
        }
    };
    let played = Play { act: &act, ..Play::default() }.run(&ini);
    let error = played.error();
    assert!(matches!((&error.cause, error.changed), (Cause::KeepsChanging, false)), "{error:?}");
    assert_eq!(error.code(), Code::FileWrite);
    assert_eq!(Says::of(&ini).map(|says| says.vad), Some(0));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn an_ini_that_is_made_meanwhile_is_edited_and_not_overwritten() {
    for step in [Step::Lock, Step::Read, Step::Plan, Step::Temp, Step::Backup, Step::LookAgain, Step::Replace]
    {
        let sandbox = Sandbox::new();
        let ini = sandbox.ini();
        let act = |moment| {
            if moment == at(step, 1) {
                std::fs::write(&ini, OTHERS.bytes()).unwrap();
            }
        };
        let played = Play { act: &act, ..Play::default() }.run(&ini);
        assert!(played.done().changed, "{step:?}");
        assert_eq!(Says::of(&ini), Some(BOTH), "{step:?}");
        assert_eq!(backups_say(&sandbox), [OTHERS], "{step:?}");
        assert_tidy(&sandbox);
    }
}

#[test]
fn an_ini_that_is_deleted_meanwhile_is_one_that_is_not_there() {
    for step in [Step::Lock, Step::Read, Step::Plan, Step::Temp, Step::LookAgain] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let act = |moment| {
            if moment == at(step, 1) {
                std::fs::remove_file(&ini).unwrap();
            }
        };
        let played = Play { act: &act, ..Play::default() }.run(&ini);
        assert_eq!(*played.done(), Outcome { changed: true, backup: None }, "{step:?}");
        assert_eq!(sandbox.ini_bytes(), created(), "{step:?}");
        assert_tidy(&sandbox);
    }
}

#[test]
fn an_ini_that_is_deleted_in_the_last_moment_leaves_the_new_one_and_a_backup() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let act = |moment| {
        if moment == at(Step::Replace, 1) {
            std::fs::remove_file(&ini).unwrap();
        }
    };
    assert!(Play { act: &act, ..Play::default() }.run(&ini).done().changed);
    assert_eq!(Says::of(&ini), Some(NEW));
    assert_eq!(backups_say(&sandbox), [OLD]);
    assert_tidy(&sandbox);
}

#[test]
fn an_ini_that_is_deleted_meanwhile_is_not_made_anew_unless_that_was_asked_for() {
    for (create, status) in [(true, None), (false, Some(ExitStatus::NoIni))] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let ini = sandbox.ini();
        let request = Request::Write {
            ini: IniChoice { path: Some(ini.clone()), code_page: None },
            edit: EditRequest::Set(vec![("Settings/VAD".parse().unwrap(), ValueSource::Inline("1".into()))]),
            options: WriteOptions {
                dry_run: false,
                create,
                while_running: WhileRunning::Wait,
                timeout: Duration::from_secs(60),
                backup: true,
                keep_backups: 10,
            },
        };
        let result = commands::run(
            request,
            &mut Context {
                env: &Env::default(),
                fs: &SystemFs,
                now: &SystemTime::now,
                stop: &|| false,
                secret: &|_| unreachable!(),
                report: &mut |event| {
                    if let RunEvent::Progress(Progress::Step(Step::Lock)) = event {
                        std::fs::remove_file(&ini).unwrap();
                    }
                },
            },
        );
        let told = result.as_ref().err().map(ToString::to_string);
        assert_eq!(result.err().map(|error| error.code().exit_status()), status, "{told:?}");
        assert_eq!(ini.exists(), create);
    }
}

#[test]
fn a_run_leaves_the_temporary_files_of_another_ini_alone() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let other = sandbox.write("MicroSIP.ini.new", OLD.bytes());
    let act = |moment| {
        if moment == at(Step::LookAgain, 1) {
            assert!(Play::default().run(&sandbox.ini()).done().changed);
        }
    };
    assert!(Play { act: &act, ..Play::default() }.run(&other).done().changed);
    assert_eq!((Says::of(&sandbox.ini()), Says::of(&other)), (Some(NEW), Some(NEW)));
}

// ---------------------------------------------------------------------------------------------------------
// with a MicroSIP that runs

#[test]
fn while_a_microsip_runs_nothing_is_written() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let played = Play { timeout: Duration::ZERO, is_used: &|_| true, ..Play::default() }.run(&sandbox.ini());
    let error = played.error();
    assert!(matches!((&error.cause, error.changed), (Cause::Running(_), false)), "{error:?}");
    assert_eq!((error.code(), error.changed), (Code::MicrosipRunning, false));
    assert!(error.to_string().contains("4242"), "{error}");
    assert_eq!(played.moments, [at(Step::Wait, 1)]);
    assert_eq!(Says::of(&sandbox.ini()), Some(OLD));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn a_microsip_that_never_exits_is_waited_for_until_the_time_is_up() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let pauses = Cell::new(0);
    let pause = || pauses.set(pauses.get() + 1);
    let timeout = Duration::from_millis(20);
    let played = Play { timeout, is_used: &|_| true, pause: &pause, ..Play::default() }.run(&sandbox.ini());
    assert_eq!(played.error().code(), Code::MicrosipRunning);
    assert!(pauses.get() > 0);
    assert_eq!(Says::of(&sandbox.ini()), Some(OLD));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn a_microsip_that_exits_is_waited_for_and_what_it_saved_is_edited() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let is_there = Cell::new(true);
    let pause = || {
        write_in_place(&ini, OTHERS);
        is_there.set(false);
    };
    let played = Play { is_used: &|_| is_there.get(), pause: &pause, ..Play::default() }.run(&ini);
    assert!(played.done().changed);
    assert_eq!(played.redos, 0);
    assert_eq!(Says::of(&ini), Some(BOTH));
    assert_eq!(backups_say(&sandbox), [OTHERS]);
}

#[test]
fn a_microsip_at_the_second_look_is_waited_for_and_the_edit_is_made_then() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let is_there = Cell::new(false);
    let is_used = |moment| {
        if moment == at(Step::LookAgain, 1) {
            is_there.set(true);
        }
        is_there.get()
    };
    let pause = || {
        assert_eq!(Says::of(&ini), Some(OLD), "written while it runs");
        assert_eq!(sandbox.names(), ["MicroSIP.ini"], "while it is waited for");
        write_in_place(&ini, OTHERS);
        is_there.set(false);
    };
    let played = Play { is_used: &is_used, pause: &pause, ..Play::default() }.run(&ini);
    assert!(played.done().changed);
    assert_eq!(Says::of(&ini), Some(BOTH));
    assert_eq!(backups_say(&sandbox), [OTHERS]);
    assert_tidy(&sandbox);
}

#[test]
fn a_microsip_that_is_there_for_the_second_look_only_does_not_keep_the_edit_from_being_made() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_used = |moment| moment == at(Step::LookAgain, 1);
    let played = Play { is_used: &is_used, ..Play::default() }.run(&sandbox.ini());
    assert_eq!((played.done().changed, Says::of(&sandbox.ini())), (true, Some(NEW)));
    assert_tidy(&sandbox);
}

#[test]
fn a_microsip_that_comes_up_at_the_second_look_and_stays_leaves_the_old_ini() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_there = Cell::new(false);
    let is_used = |moment: Moment| {
        is_there.set(is_there.get() || moment.step == Step::LookAgain);
        is_there.get()
    };
    let played = Play { timeout: Duration::ZERO, is_used: &is_used, ..Play::default() }.run(&sandbox.ini());
    let error = played.error();
    assert_eq!((error.code(), error.changed), (Code::MicrosipRunning, false));
    assert_eq!(Says::of(&sandbox.ini()), Some(OLD));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn what_a_microsip_undoes_that_came_up_meanwhile_is_done_again() {
    let sandbox = Scenario::CameUp.sandbox();
    let played = Scenario::CameUp.play(&sandbox.ini(), &SystemFs, &|| false, &|_| {});
    assert!(sandbox.path(OTHERS_TURN).exists());
    assert!(played.done().changed);
    assert_eq!(Says::of(&sandbox.ini()), Some(BOTH));
    assert_eq!(played.done().backup.as_deref().and_then(Says::of), Some(OLD));
    assert_tidy(&sandbox);
}

#[test]
fn a_microsip_that_came_up_meanwhile_and_stays_is_told_of() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_there = Cell::new(false);
    let is_used = |moment: Moment| {
        is_there.set(is_there.get() || moment.step == Step::LookLast);
        is_there.get()
    };
    let played = Play { timeout: Duration::ZERO, is_used: &is_used, ..Play::default() }.run(&sandbox.ini());
    let error = played.error();
    assert!(matches!((&error.cause, error.changed), (Cause::Running(_), true)), "{error:?}");
    assert_eq!((error.code(), error.changed), (Code::EditMayBeUndone, true));
    assert_eq!(Says::of(&sandbox.ini()), Some(NEW));
    assert_tidy(&sandbox);
}

// ---------------------------------------------------------------------------------------------------------
// stopped

#[test]
fn a_wish_to_stop_is_heard_at_any_step_or_the_edit_is_finished() {
    let mut faults = Vec::new();
    for scenario in SCENARIOS {
        let sandbox = scenario.sandbox();
        let moments = scenario.play(&sandbox.ini(), &scenario.disk(), &|| false, &|_| {}).moments;
        for moment in moments {
            let sandbox = scenario.sandbox();
            let is_wished = Cell::new(false);
            let act = |now| is_wished.set(is_wished.get() || now == moment);
            let played = scenario.play(&sandbox.ini(), &scenario.disk(), &|| is_wished.get(), &act);
            let mut fault =
                |what: String| faults.push(format!("{scenario:?}, stopped at {moment:?}: {what}"));
            let left = Says::of(&sandbox.ini());
            let is_new = scenario.has_come_to(left);
            match &played.result {
                Ok(outcome) if outcome.changed && left == scenario.ends_with() => {}
                Err(error) if error.code() == Code::Interrupted => {
                    if error.changed != is_new && !(error.changed && scenario == Scenario::CameUp) {
                        fault(format!("changed is {}, but the ini says {left:?}", error.changed));
                    }
                }
                result => fault(format!("{result:?}, and the ini says {left:?}")),
            }
            if !scenario.allows(left) {
                fault(format!("the ini says {left:?}"));
            }
            let left_behind = clutter(&sandbox);
            if !left_behind.is_empty() {
                fault(format!("it left {left_behind:?}"));
            }
            if sandbox.path(OTHERS_TURN).exists() && !is_others_change_kept(&sandbox) {
                fault("what the other writer saved is gone".into());
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n\n"));
}

#[test]
fn a_wish_to_stop_is_heard_before_anything_is_written() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    for step in [Step::Wait, Step::Lock, Step::Read, Step::Plan, Step::Temp] {
        let is_wished = Cell::new(false);
        let act = |now| is_wished.set(is_wished.get() || now == at(step, 1));
        let played = Play { stop: &|| is_wished.get(), act: &act, ..Play::default() }.run(&sandbox.ini());
        assert_eq!((played.error().code(), played.error().changed), (Code::Interrupted, false), "{step:?}");
        assert_eq!(Says::of(&sandbox.ini()), Some(OLD), "{step:?}");
        assert_eq!(sandbox.names(), ["MicroSIP.ini"], "{step:?}");
    }
}

#[test]
fn a_wish_to_stop_is_heard_while_microsip_is_waited_for() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let is_wished = Cell::new(false);
    let pause = || is_wished.set(true);
    let play = Play { is_used: &|_| true, pause: &pause, stop: &|| is_wished.get(), ..Play::default() };
    assert_eq!(play.run(&sandbox.ini()).error().code(), Code::Interrupted);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    assert_eq!(Says::of(&sandbox.ini()), Some(OLD));
}

#[test]
fn a_wish_to_stop_is_heard_again_once_the_other_writers_change_is_safe() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let act = |moment| {
        if moment == at(Step::Replace, 1) {
            write_in_place(&ini, OTHERS);
        }
        if moment == at(Step::Read, 2) {
            // the writer itself puts its change on top of the edit
            write_in_place(&ini, BOTH);
        }
    };
    let pauses = Cell::new(0);
    let pause = || pauses.set(pauses.get() + 1);
    let is_used = |moment: Moment| moment.step == Step::LookLast || moment.time > 1 && pauses.get() < 3;
    let play =
        Play { act: &act, pause: &pause, is_used: &is_used, stop: &|| pauses.get() > 0, ..Play::default() };
    let played = play.run(&ini);
    let error = played.error();
    assert_eq!((error.code(), error.changed), (Code::Interrupted, true));
    assert_eq!(pauses.get(), 1);
    assert_eq!(Says::of(&ini), Some(BOTH));
    assert_tidy(&sandbox);
}

#[test]
fn a_wish_to_stop_is_heard_while_another_run_holds_the_lock() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let lock = Lock::acquire(&sandbox.ini(), &SystemFs, &|| false).unwrap();
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 5
    };
    let played = Play { stop: &stop, ..Play::default() }.run(&sandbox.ini());
    let error = played.error();
    assert!(matches!(&error.cause, Cause::Lock(LockError::Stopped)), "{error:?}");
    assert_eq!(error.code(), Code::Interrupted);
    assert_eq!(Says::of(&sandbox.ini()), Some(OLD));
    drop(lock);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn a_second_run_waits_for_the_first_and_edits_what_that_wrote() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let ini = sandbox.ini();
    let lock = Cell::new(Some(Lock::acquire(&ini, &SystemFs, &|| false).unwrap()));
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        if asked.get() == 5 {
            write_in_place(&ini, OTHERS);
            drop(lock.take());
        }
        false
    };
    assert!(Play { stop: &stop, ..Play::default() }.run(&ini).done().changed);
    assert!(asked.get() >= 5);
    assert_eq!(Says::of(&ini), Some(BOTH));
    assert_tidy(&sandbox);
}

// ---------------------------------------------------------------------------------------------------------
// backups, owner and access

#[test]
fn the_file_that_is_displaced_is_the_backup() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let displaced = sandbox.path("home/displaced");
    std::fs::hard_link(sandbox.ini(), &displaced).unwrap();
    let played = Play::default().run(&sandbox.ini());
    let backup = played.done().backup.clone().unwrap();
    assert!(same_file::is_same_file(&backup, &displaced).unwrap());
    assert!(!same_file::is_same_file(sandbox.ini(), &displaced).unwrap());
    assert_eq!(std::fs::read(&backup).unwrap(), OLD.bytes());
    let name = backup.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("MicroSIP.ini.2") && name.ends_with("Z.bak"), "{name}");
    assert_tidy(&sandbox);
}

#[test]
fn a_backup_is_made_and_kept_as_the_policy_says() {
    const EARLIER: &str = "MicroSIP.ini.20200101T000000.000Z.bak";
    for (policy, has_earlier, is_earlier_kept, is_new_kept) in [
        (NO_BACKUP, true, true, false),
        (Policy { keep: 0, ..NO_BACKUP }, true, true, false),
        (Policy { keep: 0, ..ONE_BACKUP }, false, false, false),
        (Policy { keep: 1, ..ONE_BACKUP }, false, false, true),
        // the oldest is the one that is kept longest
        (Policy { keep: 1, ..ONE_BACKUP }, true, true, false),
        (Policy { keep: 2, ..ONE_BACKUP }, true, true, true),
        (Policy { made_by: Some(MadeBy::Restore), keep: 2 }, true, true, true),
    ] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        if has_earlier {
            sandbox.write(EARLIER, OLD.bytes());
        }
        let played = Play { backups: policy, ..Play::default() }.run(&sandbox.ini());
        let outcome = played.done();
        assert!(outcome.changed, "{policy:?}");
        assert_eq!(sandbox.path(EARLIER).exists(), is_earlier_kept, "{policy:?}");
        assert_eq!(outcome.backup.is_some(), is_new_kept, "{policy:?}");
        let count = usize::from(is_earlier_kept) + usize::from(is_new_kept);
        assert_eq!(backups_say(&sandbox), vec![OLD; count], "{policy:?}");
        if let Some(backup) = &outcome.backup {
            let is_restore = backup.to_str().unwrap().ends_with(".restore.bak");
            assert_eq!(is_restore, policy.made_by == Some(MadeBy::Restore));
        }
        assert_tidy(&sandbox);
    }
}

#[test]
fn where_nothing_is_to_change_nothing_is_written() {
    let sandbox = Sandbox::with_ini(NEW.bytes());
    let same = sandbox.path("home/same");
    std::fs::hard_link(sandbox.ini(), &same).unwrap();
    let modified = std::fs::metadata(sandbox.ini()).unwrap().modified().unwrap();
    let disk = FaultyDisk::default();
    let played = Play { disk: &disk, ..Play::default() }.run(&sandbox.ini());
    assert_eq!(*played.done(), Outcome { changed: false, backup: None });
    assert!(same_file::is_same_file(sandbox.ini(), &same).unwrap());
    assert_eq!(std::fs::metadata(sandbox.ini()).unwrap().modified().unwrap(), modified);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    // the lock's, and no more
    assert_eq!(*disk.calls.borrow(), LOCKING);
}

#[cfg(unix)]
mod access {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    /// Another owner than the one who runs the tests, where those may give files away.
    const STRANGER: (u32, u32) = (4321, 5432);

    fn am_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Every file beside the ini, and the ini, with its owner, group and mode.
    fn files(sandbox: &Sandbox) -> Vec<(String, u32, u32, u32)> {
        let entry = |name: String| {
            let metadata = std::fs::symlink_metadata(sandbox.path(&name)).ok()?;
            Some((name, metadata.uid(), metadata.gid(), metadata.mode() & 0o7777))
        };
        sandbox.names().into_iter().filter_map(entry).collect()
    }

    fn sandbox_with_mode(mode: u32) -> Sandbox {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        std::fs::set_permissions(sandbox.ini(), std::fs::Permissions::from_mode(mode)).unwrap();
        sandbox
    }

    #[test]
    fn the_new_ini_the_backup_and_the_lock_have_the_inis_owner_and_mode() {
        for (mode, links) in [(0o640, true), (0o664, true), (0o600, true), (0o640, false)] {
            let sandbox = sandbox_with_mode(mode);
            let ini = sandbox.ini();
            if am_root() {
                std::os::unix::fs::chown(&ini, Some(STRANGER.0), Some(STRANGER.1)).unwrap();
            }
            let before = std::fs::metadata(&ini).unwrap();
            let owner = (before.uid(), before.gid());
            let seen = RefCell::new(Vec::new());
            let act = |moment: Moment| {
                // the lock is there from the next step on
                if moment.step != Step::Wait && moment.step != Step::Lock {
                    for (name, uid, gid, file_mode) in files(&sandbox) {
                        assert_eq!(((uid, gid), file_mode), (owner, mode), "{name} at {moment:?}");
                        seen.borrow_mut().push(name);
                    }
                }
            };
            let disk = if links { FaultyDisk::default() } else { FaultyDisk::without_links() };
            Play { act: &act, disk: &disk, ..Play::default() }.run(&ini).done();
            for ending in [".msipcfg-lock", ".msipcfg-tmp", ".bak"] {
                assert!(seen.borrow().iter().any(|name| name.ends_with(ending)), "no {ending}: {seen:?}");
            }
            for (name, uid, gid, file_mode) in files(&sandbox) {
                assert_eq!(((uid, gid), file_mode), (owner, mode), "{name} in the end");
            }
        }
    }

    #[test]
    fn no_file_is_ever_open_to_more_people_than_the_ini() {
        for links in [true, false] {
            for backups in [ONE_BACKUP, NO_BACKUP] {
                let sandbox = sandbox_with_mode(0o600);
                let looks = Cell::new(0);
                let wide = RefCell::new(Vec::new());
                let look = |when: &str| {
                    looks.set(looks.get() + 1);
                    for (name, _, _, mode) in files(&sandbox) {
                        // the lock holds nothing
                        if mode & 0o077 != 0 && !name.ends_with(".msipcfg-lock") {
                            wide.borrow_mut().push(format!("{name} has {mode:o} {when}"));
                        }
                    }
                };
                let after = |call: &str| look(&format!("after {call}"));
                let base = if links { FaultyDisk::default() } else { FaultyDisk::without_links() };
                let disk = FaultyDisk { after: Some(&after), ..base };
                let act = |moment| look(&format!("at {moment:?}"));
                Play { act: &act, disk: &disk, backups, ..Play::default() }.run(&sandbox.ini()).done();
                assert!(looks.get() > Step::ALL.len());
                assert_eq!(*wide.borrow(), Vec::<String>::new(), "links {links}, {backups:?}");
            }
        }
    }

    #[test]
    fn an_ini_that_is_made_is_as_open_as_any_new_file() {
        let sandbox = Sandbox::new();
        Play::default().run(&sandbox.ini()).done();
        let model = sandbox.write("model", b"");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode();
        assert_eq!(mode(&sandbox.ini()), mode(&model));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn extended_attributes_and_access_lists_are_kept() {
        // user::rw-, user:4321:r--, group::---, mask::r--, other::---
        const LIST: [(u16, u16, u32); 5] = [
            (0x01, 6, u32::MAX),
            (0x02, 4, STRANGER.0),
            (0x04, 0, u32::MAX),
            (0x10, 4, u32::MAX),
            (0x20, 0, u32::MAX),
        ];
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, access, id) in LIST {
            list.extend(tag.to_le_bytes());
            list.extend(access.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        for (name, value) in [("user.note", b"mine".to_vec()), ("system.posix_acl_access", list)] {
            let sandbox = sandbox_with_mode(0o600);
            // a disk that has no such thing has none to keep
            if xattr::set(sandbox.ini(), name, &value).is_err() {
                continue;
            }
            let disk = FaultyDisk::without_links();
            let played = Play { disk: &disk, ..Play::default() }.run(&sandbox.ini());
            for path in [sandbox.ini(), played.done().backup.clone().unwrap()] {
                assert_eq!(xattr::get(&path, name).unwrap().as_ref(), Some(&value), "{name} of {path:?}");
            }
            assert_eq!(Says::of(&sandbox.ini()), Some(NEW));
        }
    }

    #[test]
    fn links_that_somebody_planted_are_not_followed() {
        let planted = ["MicroSIP.ini.msipcfg-lock", ".MicroSIP.ini.old.msipcfg-tmp", "MicroSIP.ini.tmp"];
        for name in planted.into_iter().chain([".MicroSIP.ini.msipcfg-lock"]) {
            let sandbox = Sandbox::with_ini(OLD.bytes());
            let victim = sandbox.write("victim", b"not yours");
            let before = std::fs::metadata(&victim).unwrap();
            std::os::unix::fs::symlink(&victim, sandbox.path(name)).unwrap();
            for backups in [ONE_BACKUP, NO_BACKUP] {
                let played = Play { backups, ..Play::default() }.run(&sandbox.ini());
                if let Err(error) = &played.result {
                    assert_eq!(error.code().exit_status(), ExitStatus::File, "{name}: {error}");
                }
            }
            let after = std::fs::metadata(&victim).unwrap();
            assert_eq!(std::fs::read(&victim).unwrap(), b"not yours", "{name}");
            assert_eq!((after.mode(), after.uid()), (before.mode(), before.uid()), "{name}");
            assert!(!sandbox.ini().is_symlink(), "{name}");
        }
    }
}

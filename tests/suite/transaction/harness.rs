//! A transaction whose surroundings are scripted: the ini, the edit, MicroSIP and another writer.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use msipcfg::edit::backup::{self, BackupPolicy, MadeBy};
use msipcfg::edit::plan::{self, Edit};
use msipcfg::edit::transaction::{
    Editor, NewContent, Progress, Step, Transaction, TransactionError, TransactionOptions, TransactionOutcome,
};
use msipcfg::ini::encoding::{self, EncodingError};
use msipcfg::ini::name::{SectionName, ValueText};
use msipcfg::ini::write;
use msipcfg::microsip::guard::InstanceGuard;
use msipcfg::microsip::instances::{Instance, ScanError};
use msipcfg::microsip::used_inis::{Unknown, UsedInis};
use msipcfg::platform::{FileSystem, SystemFs};

use super::actions::EditOfBoth;
use crate::sandbox::{Sandbox, utf16};

/// The values in the ini: the transaction sets `vad`, the other writer sets `ring`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IniState {
    pub vad: u32,
    pub ring: u32,
}

pub(super) const OLD: IniState = IniState { vad: 0, ring: 80 };
pub(super) const NEW: IniState = IniState { vad: 1, ring: 80 };
pub(super) const OTHERS: IniState = IniState { vad: 0, ring: 55 };
pub(super) const BOTH: IniState = IniState { vad: 1, ring: 55 };

impl IniState {
    pub fn bytes(self) -> Vec<u8> {
        utf16(&format!("[Settings]\r\nVAD={}\r\nvolumeRing={}\r\n; the end\r\n", self.vad, self.ring))
    }

    /// Parses a complete ini.
    fn parse(bytes: &[u8]) -> Option<IniState> {
        [OLD, NEW, OTHERS, BOTH].into_iter().find(|state| state.bytes() == bytes)
    }

    /// Reads a file. Returns `None` if it doesn't exist, and panics if it isn't complete.
    #[track_caller]
    pub fn of(path: &Path) -> Option<IniState> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            bytes => bytes.unwrap(),
        };
        let state = IniState::parse(&bytes).or_else(|| (bytes == created()).then_some(NEW));
        Some(state.unwrap_or_else(|| panic!("{} is broken: {bytes:02X?}", path.display())))
    }
}

/// Returns whether these are the bytes of a complete ini.
fn is_complete(bytes: &[u8]) -> bool {
    IniState::parse(bytes).is_some() || bytes == created()
}

/// Returns the ini that the transaction creates if there was none.
pub(super) fn created() -> Vec<u8> {
    SetVad.edit(None).unwrap().unwrap().bytes().unwrap().to_vec()
}

/// The edit under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TestEdit {
    /// Sets `VAD=1`, in the same way as the commands.
    SetVad,
    /// Deletes the ini.
    Delete,
    /// Sets `VAD=1`, and writes the actions before.
    AddActions,
    /// Sets `VAD=1`, and removes the actions after.
    RemoveActions,
    /// Does the same as `AddActions`, for an ini that has `VAD=1` when the transaction begins.
    OnlyActions,
}

pub(super) use TestEdit::SetVad;

impl Editor for TestEdit {
    type Error = EncodingError;

    fn edit(&mut self, current: Option<&[u8]>) -> Result<Option<NewContent>, EncodingError> {
        if *self == TestEdit::Delete {
            return Ok(current.map(|_| NewContent::Delete));
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
        Ok((plan.is_change || current.is_none()).then(|| NewContent::Write(plan.document.into_bytes())))
    }

    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8> {
        let [old, saved, current] =
            [old, saved, current].map(|bytes| encoding::decode(bytes.to_vec(), None).unwrap().document);
        plan::merge(&old, &saved, current).into_bytes()
    }
}

/// A step, and how many times it has begun, starting at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub step: Step,
    pub time: usize,
}

/// Creates a moment.
pub(super) fn at(step: Step, time: usize) -> Moment {
    Moment { step, time }
}

/// A transaction, and what happens while it runs.
pub(super) struct TestRun<'a> {
    pub edit: TestEdit,
    pub fs: &'a dyn FileSystem,
    pub backups: BackupPolicy,
    pub timeout: Duration,
    /// Returns whether a MicroSIP is using the ini.
    pub is_running: &'a dyn Fn(Moment) -> bool,
    /// Returns whether the running programs can't be listed.
    pub is_list_refused: &'a dyn Fn(Moment) -> bool,
    /// Is called while the transaction waits for MicroSIP.
    pub while_waiting: &'a dyn Fn(),
    /// Is called when a step begins.
    pub on_step: &'a dyn Fn(Moment),
    /// Returns whether the user has cancelled.
    pub stop: &'a dyn Fn() -> bool,
}

pub(super) const ONE_BACKUP: BackupPolicy = BackupPolicy { made_by: Some(MadeBy::Edit), keep: 10 };
pub(super) const NO_BACKUP: BackupPolicy = BackupPolicy { made_by: None, keep: 10 };

impl Default for TestRun<'_> {
    fn default() -> Self {
        TestRun {
            edit: SetVad,
            fs: &SystemFs,
            backups: ONE_BACKUP,
            timeout: Duration::from_secs(60),
            is_running: &|_| false,
            is_list_refused: &|_| false,
            while_waiting: &|| {},
            on_step: &|_| {},
            stop: &|| false,
        }
    }
}

/// The result of a transaction, and the steps that it took.
pub(super) struct TestResult {
    pub result: Result<TransactionOutcome, TransactionError<EncodingError>>,
    pub moments: Vec<Moment>,
    pub redos: usize,
}

impl TestResult {
    /// Returns the outcome of a successful transaction.
    #[track_caller]
    pub fn outcome(&self) -> &TransactionOutcome {
        self.result.as_ref().unwrap_or_else(|error| panic!("{error}, after {:?}", self.moments))
    }

    /// Returns the error of a failed transaction.
    #[track_caller]
    pub fn error(&self) -> &TransactionError<EncodingError> {
        match &self.result {
            Ok(outcome) => panic!("it succeeded: {outcome:?}, after {:?}", self.moments),
            Err(error) => error,
        }
    }
}

struct ScriptedGuard<'a> {
    now: &'a Cell<Moment>,
    is_running: &'a dyn Fn(Moment) -> bool,
    is_list_refused: &'a dyn Fn(Moment) -> bool,
    while_waiting: &'a dyn Fn(),
}

impl InstanceGuard for ScriptedGuard<'_> {
    fn blockers(&mut self) -> Result<Vec<Instance>, ScanError> {
        if (self.is_list_refused)(self.now.get()) {
            return Err(ScanError::Incomplete);
        }
        let instance = Instance {
            pid: 4242,
            started: 1,
            exe: r"C:\MicroSIP\MicroSIP.exe".into(),
            exe_on_disk: None,
            user: None,
            is_own: true,
            session: None,
            inis: UsedInis::Any(Unknown::Exe),
            is_refused: false,
        };
        Ok(if (self.is_running)(self.now.get()) { vec![instance] } else { Vec::new() })
    }

    fn pause(&mut self, _blockers: &[Instance], _at_most: Duration) -> bool {
        (self.while_waiting)();
        true
    }
}

impl TestRun<'_> {
    pub fn run(&self, ini: &Path) -> TestResult {
        let now = Cell::new(at(Step::Wait, 1));
        let mut moments: Vec<Moment> = Vec::new();
        let mut redos = 0;
        let result = Transaction {
            ini,
            fs: self.fs,
            guard: &mut ScriptedGuard {
                now: &now,
                is_running: self.is_running,
                is_list_refused: self.is_list_refused,
                while_waiting: self.while_waiting,
            },
            now: &SystemTime::now,
            stop: self.stop,
            report: &mut |progress| match progress {
                Progress::Step(step) => {
                    let time = 1 + moments.iter().filter(|moment| moment.step == step).count();
                    now.set(at(step, time));
                    moments.push(now.get());
                    (self.on_step)(now.get());
                }
                Progress::Waiting { blockers, .. } => assert!(!blockers.is_empty()),
                Progress::Redo => redos += 1,
                Progress::Warning(warning) => panic!("{warning:?}"),
                Progress::OwnerChanged => panic!("the owner changed"),
            },
            options: TransactionOptions { until: Instant::now() + self.timeout, backups: self.backups },
            prepared: None,
            only_companion: self.edit == TestEdit::OnlyActions,
        }
        .run(&mut EditOfBoth { edit: self.edit, ini });
        TestResult { result, moments, redos }
    }
}

/// Writes to a file in place, like MicroSIP, so that its other names show the change too.
pub(super) fn write_in_place(path: &Path, state: IniState) {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(&state.bytes()).unwrap();
}

/// Reads the backups of the sandbox's ini, newest first.
pub(super) fn backup_states(sandbox: &Sandbox) -> Vec<IniState> {
    let backups = backup::list(&sandbox.ini(), &SystemFs).unwrap();
    backups.iter().map(|backup| IniState::of(&backup.path).unwrap()).collect()
}

/// Lists everything in the folder that is neither the ini nor a complete backup in a file of its own.
pub(super) fn unexpected_files(sandbox: &Sandbox) -> Vec<String> {
    const OWN: [&str; 2] = ["MicroSIP.ini", "MicroSIP.hooks.toml"];
    let ini = sandbox.ini();
    let backups = backup::list(&ini, &SystemFs).unwrap();
    let is_backup = |name: &String| {
        let of_actions = name.replace("MicroSIP.hooks.toml.", "MicroSIP.ini.");
        backups.iter().any(|backup| backup.name == *name || backup.name == of_actions)
    };
    let mut found: Vec<String> =
        sandbox.names().into_iter().filter(|name| !OWN.contains(&&**name) && !is_backup(name)).collect();
    for backup in &backups {
        if same_file::is_same_file(&ini, &backup.path).unwrap_or(false) {
            found.push(format!("{} is the ini itself", backup.name));
        }
        if !is_complete(&std::fs::read(&backup.path).unwrap()) {
            found.push(format!("{} is broken", backup.name));
        }
    }
    found
}

#[track_caller]
pub(super) fn assert_no_unexpected_files(sandbox: &Sandbox) {
    assert_eq!(unexpected_files(sandbox), Vec::<String>::new());
}

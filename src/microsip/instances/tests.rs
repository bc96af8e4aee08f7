use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::used_inis::Unknown;
use super::*;
use crate::platform::{InstallFacts, ProcessPlace, WindowsPaths};

const ANN: &str = "S-1-5-21-1-2-3-1001";
const ANNS_SESSION: u32 = 7;

/// A terminal server with 50 users, each in a session of their own with 60 processes, one of them a MicroSIP. msipcfg
/// is run by Ann.
#[derive(Default)]
struct TerminalServer {
    /// What Ann may know about a process, by its number. She may open no other.
    readable: HashMap<u32, Option<ProcessDetails>>,
    /// Whether listing the processes fails, or leaves out msipcfg.
    is_list_refused: bool,
    is_own_missing: bool,
    inspected: Arc<AtomicUsize>,
}

const SESSIONS: u32 = 50;
const PROCESSES_PER_SESSION: u32 = 60;

/// The number of the MicroSIP in a session.
fn microsip_in(session: u32) -> u32 {
    session * 10_000
}

impl TerminalServer {
    fn processes() -> Vec<ListedProcess> {
        let process = |session: u32, index: u32| ListedProcess {
            pid: session * 10_000 + index * 4,
            name: match index {
                0 => "MicroSIP.exe".into(),
                1 => "lsass.exe".into(),
                _ => format!("program{index}.exe"),
            },
            session: Some(session),
            started: u64::from(session * 100 + index),
        };
        let sessions = 1..=SESSIONS;
        sessions
            .flat_map(|session| (0..PROCESSES_PER_SESSION).map(move |index| process(session, index)))
            .collect()
    }

    /// Adds an installed MicroSIP that Ann may read.
    fn with_own(mut self, pid: u32) -> Self {
        let process = Self::processes().into_iter().find(|process| process.pid == pid).unwrap();
        let mut details = refused(&process);
        details.is_refused = false;
        details.user = Some(UserId(ANN.into()));
        details.arguments = Some(vec!["MicroSIP.exe".into()]);
        let place = details.place.as_mut().unwrap();
        place.app_data = vec![r"C:\Users\ann\AppData\Roaming".into()];
        let user = Some(r"C:\Program Files\MicroSIP".into());
        place.facts = Some(InstallFacts { user, ..InstallFacts::default() });
        self.readable.insert(pid, Some(details));
        self
    }
}

/// What is known about a MicroSIP that can't be opened.
fn refused(process: &ListedProcess) -> ProcessDetails {
    let exe = r"C:\Program Files\MicroSIP\MicroSIP.exe";
    let place = ProcessPlace {
        exe: exe.into(),
        exe_on_disk: exe.into(),
        app_data: Vec::new(),
        facts: None,
        paths: WindowsPaths::Native,
    };
    ProcessDetails {
        process: process.clone(),
        is_refused: true,
        place: Some(place),
        ..ProcessDetails::default()
    }
}

impl System for TerminalServer {
    fn list(&self) -> io::Result<Vec<ListedProcess>> {
        if self.is_list_refused {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let own = ListedProcess {
            pid: std::process::id(),
            name: "msipcfg.exe".into(),
            session: Some(ANNS_SESSION),
            started: 1,
        };
        let own = (!self.is_own_missing).then_some(own);
        let others = Self::processes().into_iter().filter(|process| process.pid != std::process::id());
        Ok(others.chain(own).collect())
    }

    fn pids_with_window(&self) -> Vec<u32> {
        vec![microsip_in(ANNS_SESSION)]
    }

    fn inspect(&self, listed: &ListedProcess) -> Option<ProcessDetails> {
        self.inspected.fetch_add(1, Ordering::Relaxed);
        assert_eq!(listed.name, "MicroSIP.exe", "another program was inspected");
        self.readable.get(&listed.pid).cloned().unwrap_or_else(|| Some(refused(listed)))
    }

    fn own_process(&self) -> OwnProcess {
        OwnProcess {
            user: Some(UserId(ANN.into())),
            session: Some(ANNS_SESSION),
            app_data: vec![r"C:\Users\ann\AppData\Roaming".into()],
        }
    }
}

/// Returns the numbers of the instances that block an ini.
fn blockers(system: TerminalServer, ini: &str) -> Vec<u32> {
    let mut found = Scanner::of(system).scan(&["microsip"]).unwrap();
    found.retain(|instance| instance.blocks(Path::new(ini)));
    found.iter().map(|instance| instance.pid).collect()
}

const ANNS_INI: &str = r"C:\Users\ann\AppData\Roaming\MicroSIP\MicroSIP.ini";

#[test]
fn on_a_terminal_server_only_my_own_microsip_blocks_my_ini() {
    let own = microsip_in(ANNS_SESSION);
    assert_eq!(blockers(TerminalServer::default().with_own(own), ANNS_INI), [own]);
    // others may use any ini that isn't in her AppData
    let others = (1..=SESSIONS).map(microsip_in).filter(|&pid| pid != own);
    let system = TerminalServer::default().with_own(own);
    assert_eq!(blockers(system, r"D:\Phone\MicroSIP.ini"), others.collect::<Vec<_>>());
}

#[test]
fn a_microsip_that_cant_be_opened_in_my_session_may_be_my_own_and_elevated() {
    assert_eq!(blockers(TerminalServer::default(), ANNS_INI), [microsip_in(ANNS_SESSION)]);
}

#[test]
fn a_scan_looks_once_at_each_microsip_that_cant_be_opened() {
    let system = TerminalServer::default();
    let inspected = system.inspected.clone();
    assert_eq!(Scanner::of(system).scan(&["microsip"]).unwrap().len(), SESSIONS as usize);
    assert_eq!(inspected.load(Ordering::Relaxed), SESSIONS as usize);
}

#[test]
fn a_process_that_starts_is_looked_at_again() {
    let own = microsip_in(ANNS_SESSION);
    let mut system = TerminalServer::default().with_own(own);
    let details = system.readable.get_mut(&own).unwrap().as_mut().unwrap();
    details.place = None;
    let inspected = system.inspected.clone();
    let found = Scanner::of(system).scan(&["microsip"]).unwrap();
    assert!(inspected.load(Ordering::Relaxed) > SESSIONS as usize);
    let instance = found.iter().find(|instance| instance.pid == own).unwrap();
    assert_eq!(instance.inis, UsedInis::Any(Unknown::Exe));
}

#[test]
fn a_process_that_exits_after_it_was_listed_is_no_instance() {
    let [exited, reused] = [microsip_in(1), microsip_in(2)];
    let mut system = TerminalServer::default();
    system.readable.insert(exited, None);
    // the number now belongs to another program
    let mut other = refused(&ListedProcess { pid: reused, ..ListedProcess::default() });
    other.place.as_mut().unwrap().exe = r"C:\Windows\notepad.exe".into();
    system.readable.insert(reused, Some(other));
    let found = Scanner::of(system).scan(&["microsip"]).unwrap();
    assert!(found.iter().all(|instance| instance.pid != exited && instance.pid != reused));
    assert_eq!(found.len(), SESSIONS as usize - 2);
}

#[test]
fn a_process_is_identified_by_its_number_and_its_start() {
    let own = microsip_in(ANNS_SESSION);
    let before = Scanner::of(TerminalServer::default().with_own(own)).scan(&[]).unwrap().remove(6);
    let mut after = before.clone();
    assert!(before.is_same_process(&after));
    after.started += 1;
    assert!(!before.is_same_process(&after));
}

#[test]
fn a_failed_or_incomplete_list_is_an_error() {
    let failed = TerminalServer { is_list_refused: true, ..TerminalServer::default() };
    let error = Scanner::of(failed).scan(&[]).unwrap_err();
    assert!(matches!(error, ScanError::List(_)), "{error}");
    let incomplete = TerminalServer { is_own_missing: true, ..TerminalServer::default() };
    let error = Scanner::of(incomplete).scan(&[]).unwrap_err();
    assert_eq!(error, ScanError::Incomplete);
    assert_eq!(error.code(), Code::ProcessesUnreadable);
    assert!(error.hint().is_some());
}

#[test]
fn an_instance_says_why_its_ini_isnt_known() {
    let found = Scanner::of(TerminalServer::default()).scan(&[]).unwrap();
    let text = found[0].to_string();
    assert!(text.contains("pid 10000, its ini isn't known because its command line can't be read"), "{text}");
}

#[test]
fn programs_are_recognized_by_name_in_any_letter_case() {
    assert!(is_wanted_name("MicroSIP.exe", &[]));
    assert!(is_wanted_name("MICROSIP.EXE", &[]));
    assert!(is_wanted_name("phone.exe", &["phone"]));
    assert!(is_wanted_name("CompanyPhone", &["companyphone"]));
    assert!(is_wanted_name("microsip", &[]));
    assert!(!is_wanted_name("microsip-helper.exe", &[]));
    assert!(!is_wanted_name("phone.exe", &[]));
    assert!(!is_wanted_name("", &["phone"]));
}

#[test]
fn this_computer_doesnt_know_a_process_that_has_exited() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_such_test"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let listed = ListedProcess { pid: child.id(), name: "MicroSIP.exe".into(), ..ListedProcess::default() };
    child.wait().unwrap();
    assert!(ThisComputer.inspect(&listed).is_none());
}

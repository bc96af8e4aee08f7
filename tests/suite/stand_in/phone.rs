//! Starts the stand-in, sends it texts and waits for it. Each wait has a limit, and no stand-in outlives its test.

#![allow(unsafe_code, reason = "window functions take pointers")]

use std::ffi::OsString;
use std::io::Read;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use windows_registry::CURRENT_USER;
use windows_sys::Win32::Foundation::{HANDLE, HWND, LPARAM, WAIT_OBJECT_0};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::System::Threading::{
    GetExitCodeProcess, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE,
    PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GW_OWNER, GetClassNameW, GetWindow, GetWindowThreadProcessId, IsWindowVisible, PostMessageW,
    SC_CLOSE, SMTO_NORMAL, SendMessageTimeoutW, WM_CLOSE, WM_COPYDATA, WM_SYSCOMMAND,
};
use windows_sys::core::BOOL;

use crate::crowd::Among;
use crate::sandbox::{PROGRAM, Sandbox, spawn};

/// Long enough for the slowest machine.
pub const LONG: Duration = Duration::from_secs(120);

/// How a stand-in is started.
pub struct Start<'a> {
    sandbox: &'a Sandbox,
    exe: PathBuf,
    /// The raw command line after the exe.
    line: String,
    variables: Vec<(&'a str, OsString)>,
}

impl<'a> Start<'a> {
    /// A portable stand-in that uses the ini of the sandbox.
    pub fn portable(sandbox: &'a Sandbox) -> Self {
        Start::at(sandbox, "MicroSIP.exe")
    }

    /// A portable stand-in at this path in the sandbox, with its ini next to it.
    pub fn at(sandbox: &'a Sandbox, exe: &str) -> Self {
        Start { sandbox, exe: sandbox.path(exe), line: String::new(), variables: Vec::new() }
    }

    /// Sets the command line after the exe.
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.line = line.into();
        self
    }

    /// Sets an environment variable. Those of the stand-in start with `STAND_IN_`.
    pub fn variable(mut self, name: &'a str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Sets the version that it imitates.
    pub fn version(self, version: &str) -> Self {
        self.variable("STAND_IN_VERSION", version)
    }

    fn command(&self) -> Command {
        put_stand_in(&self.exe);
        let mut command = self.sandbox.command(&self.exe);
        command
            .raw_arg(&self.line)
            .env("STAND_IN_LOG", log_file(self.sandbox))
            .env("STAND_IN_ENDS_WITH_INPUT", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped());
        command
    }

    /// Starts it without waiting until it is ready.
    pub fn spawn(self) -> Phone {
        let among = Among::others();
        Phone::of_child(self.sandbox, spawn(self.command().stdout(Stdio::null())), among)
    }

    /// Starts it, and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Phone {
        let among = Among::others();
        let mut child = spawn(self.command().stdout(Stdio::piped()));
        let mut stdout = child.stdout.take().unwrap();
        let phone = Phone::of_child(self.sandbox, child, among);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut output = [0; 6];
            let is_ready = stdout.read_exact(&mut output).is_ok() && output == *b"ready\n";
            let _ = sender.send(is_ready);
        });
        let is_ready = receiver.recv_timeout(LONG).unwrap_or(false);
        assert!(is_ready, "the stand-in did not start: {:?}", phone.log());
        phone
    }

    /// Starts it, waits until it exits and returns its log: for a second start, which passes everything on.
    #[track_caller]
    pub fn run(self) -> Vec<String> {
        let mut phone = self.spawn();
        assert_eq!(phone.wait_for_exit(), 0, "{:?}", phone.log());
        phone.log()
    }
}

/// A running stand-in.
pub struct Phone {
    pid: u32,
    process: OwnedHandle,
    stdin: Option<ChildStdin>,
    log: PathBuf,
    /// Dropped last, after it has exited.
    _among: Among,
}

impl Phone {
    fn of_child(sandbox: &Sandbox, mut child: Child, among: Among) -> Self {
        let (pid, stdin) = (child.id(), child.stdin.take());
        Phone { pid, process: child.into(), stdin, log: log_file(sandbox), _among: among }
    }

    /// The process numbers of all stand-ins that were started in this sandbox.
    pub fn pids(sandbox: &Sandbox) -> Vec<u32> {
        let pid_of_start = |line: &String| {
            let (pid, rest) = line.split_once(' ')?;
            rest.starts_with("start ").then(|| pid.parse().unwrap())
        };
        whole_log(sandbox).iter().filter_map(pid_of_start).collect()
    }

    /// Waits until another program has started a new stand-in and it is ready. The other program needs the environment
    /// of a stand-in.
    #[track_caller]
    pub fn started_by_another(sandbox: &Sandbox, known: &[u32]) -> Self {
        let log = log_file(sandbox);
        let start = wait_until(|| Phone::pids(sandbox).into_iter().find(|pid| !known.contains(pid)));
        let pid = start.unwrap_or_else(|| panic!("no stand-in was started: {:?}", lines(&log)));
        let access = PROCESS_SYNCHRONIZE | PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION;
        // SAFETY: nothing else owns the returned handle
        let process = unsafe {
            let process = OpenProcess(access, 0, pid);
            assert!(!process.is_null(), "{pid} has exited: {:?}", lines(&log));
            OwnedHandle::from_raw_handle(process)
        };
        let phone = Phone { pid, process, stdin: None, log, _among: Among::others() };
        phone.waits_for("ready");
        phone
    }

    /// The process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    fn handle(&self) -> HANDLE {
        self.process.as_raw_handle()
    }

    /// Its log so far.
    pub fn log(&self) -> Vec<String> {
        let own = format!("{} ", self.pid());
        lines(&self.log).iter().filter_map(|line| line.strip_prefix(&own)).map(String::from).collect()
    }

    /// The number of lines in its log that start with this text.
    pub fn count(&self, start: &str) -> usize {
        self.log().iter().filter(|line| line.starts_with(start)).count()
    }

    /// Waits for a line in its log that starts with this text, and returns it.
    #[track_caller]
    pub fn waits_for(&self, start: &str) -> String {
        self.waits_for_nth(1, start)
    }

    /// Waits for the nth line in its log that starts with this text, and returns it.
    #[track_caller]
    pub fn waits_for_nth(&self, count: usize, start: &str) -> String {
        let found =
            wait_until(|| self.log().into_iter().filter(|line| line.starts_with(start)).nth(count - 1));
        found.unwrap_or_else(|| panic!("no {count} lines {start:?}: {:?}", self.log()))
    }

    /// Its window, if it has one.
    pub fn window(&self) -> Option<HWND> {
        let mut search = Search { pid: self.pid(), found: None };
        // SAFETY: the search outlives the call, and only the callback uses the pointer
        unsafe { EnumWindows(Some(check_window), (&raw mut search) as LPARAM) };
        search.found
    }

    /// Whether its window is visible.
    pub fn is_visible(&self) -> bool {
        // SAFETY: takes no pointers except the window
        self.window().is_some_and(|window| unsafe { IsWindowVisible(window) } != 0)
    }

    /// Sends it a text that it queues.
    #[track_caller]
    pub fn send(&self, text: &str) {
        self.send_as(2, text);
    }

    /// Sends it a text that it handles at once (1) or queues (2).
    #[track_caller]
    pub fn send_as(&self, how: usize, text: &str) {
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let data = COPYDATASTRUCT {
            dwData: how,
            cbData: u32::try_from(text.len() * 2).unwrap(),
            lpData: text.as_ptr().cast_mut().cast(),
        };
        let limit = u32::try_from(LONG.as_millis()).unwrap();
        let mut answer = 0;
        // SAFETY: the data and its text outlive the call
        let is_sent = unsafe {
            let data = (&raw const data) as LPARAM;
            SendMessageTimeoutW(
                self.window().unwrap(),
                WM_COPYDATA,
                0,
                data,
                SMTO_NORMAL,
                limit,
                &raw mut answer,
            )
        };
        assert_ne!(is_sent, 0, "the text was not accepted: {:?}", self.log());
    }

    /// Has it run the hook of this key, waits until that is done, and returns the line of the log.
    #[track_caller]
    pub fn event(&self, key: &str, user: &str) -> String {
        let start = format!("hook {key} ");
        let before = self.count(&start);
        self.send(&format!("stand-in:event {key} {user}"));
        self.waits_for_nth(before + 1, &start)
    }

    /// Has it save, and waits until that is done.
    #[track_caller]
    pub fn save(&self) {
        let before = self.count("saved");
        self.send("stand-in:save");
        self.waits_for_nth(before + 1, "saved");
    }

    /// Clicks the X of its title bar, and waits until its window is hidden.
    #[track_caller]
    pub fn hide(&self) {
        let before = self.count("window hidden");
        self.post(WM_SYSCOMMAND, SC_CLOSE as usize);
        self.waits_for_nth(before + 1, "window hidden");
    }

    /// Asks it to exit, without waiting.
    pub fn ask_to_exit(&self) {
        self.post(WM_CLOSE, 0);
    }

    fn post(&self, message: u32, wparam: usize) {
        // SAFETY: takes no pointers except the window
        let is_posted = unsafe { PostMessageW(self.window().unwrap(), message, wparam, 0) };
        assert_ne!(is_posted, 0);
    }

    /// Has it save and exit, and returns its whole log.
    #[track_caller]
    pub fn close(mut self) -> Vec<String> {
        self.ask_to_exit();
        let status = self.wait_for_exit();
        let log = self.log();
        assert_eq!(status, 0, "{log:?}");
        assert_eq!(log.last().unwrap(), "exit", "{log:?}");
        log
    }

    /// Closes its input, which also happens when a test dies.
    pub fn close_input(&mut self) {
        drop(self.stdin.take());
    }

    /// Kills it, so that it doesn't save.
    pub fn kill(self) {
        drop(self);
    }

    /// Waits until it has exited, and returns its exit status.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> u32 {
        assert!(self.exits(), "it did not exit: {:?}", self.log());
        let mut status = 0;
        // SAFETY: the handle is open, and the pointer is to a local
        unsafe { GetExitCodeProcess(self.handle(), &raw mut status) };
        status
    }

    fn exits(&self) -> bool {
        let limit = u32::try_from(LONG.as_millis()).unwrap();
        // SAFETY: the handle is open
        unsafe { WaitForSingleObject(self.handle(), limit) == WAIT_OBJECT_0 }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        // SAFETY: the handle is open, also if the process has exited
        unsafe { TerminateProcess(self.handle(), 1) };
        // before that, its exe and ini can't be deleted
        self.exits();
    }
}

struct Search {
    pid: u32,
    found: Option<HWND>,
}

/// Checks a window. Returns whether to continue with the next one.
unsafe extern "system" fn check_window(window: HWND, search: LPARAM) -> BOOL {
    let (mut pid, mut name) = (0, [0_u16; 64]);
    // SAFETY: `window` passes this pointer, and waits; the others are to locals of the given length
    let (search, length, owner) = unsafe {
        GetWindowThreadProcessId(window, &raw mut pid);
        let length = GetClassNameW(window, name.as_mut_ptr(), i32::try_from(name.len()).unwrap());
        (&mut *(search as *mut Search), length, GetWindow(window, GW_OWNER))
    };
    let class = String::from_utf16_lossy(&name[..usize::try_from(length).unwrap()]);
    if pid == search.pid && owner.is_null() && class == "MicroSIP" {
        search.found = Some(window);
    }
    BOOL::from(search.found.is_none())
}

/// While this exists, this user's registry says that MicroSIP is installed in a folder.
pub struct Installed {
    before: Option<String>,
    _alone: MutexGuard<'static, ()>,
}

/// All tests share one registry.
static REGISTRY: Mutex<()> = Mutex::new(());

const REGISTRY_KEY: &str = r"Software\MicroSIP";

impl Installed {
    /// Registers the folder, after other tests that do so.
    pub fn at(folder: &Path) -> Self {
        let alone = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        let key = CURRENT_USER.create(REGISTRY_KEY).unwrap();
        let before = key.get_string("").ok();
        key.set_string("", folder.to_str().unwrap()).unwrap();
        Installed { before, _alone: alone }
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let key = CURRENT_USER.create(REGISTRY_KEY).unwrap();
        match &self.before {
            Some(folder) => key.set_string("", folder).unwrap(),
            None => key.remove_value("").unwrap(),
        }
    }
}

/// A program that records the arguments of each start.
pub struct Dumper {
    pub exe: PathBuf,
}

impl Dumper {
    /// Puts the program there.
    pub fn at(exe: PathBuf) -> Self {
        put_example("argument-dumper.exe", &exe);
        Dumper { exe }
    }

    /// The arguments of each start, unless a variable named another file.
    pub fn received(&self) -> Vec<Vec<String>> {
        let mut file = self.exe.clone().into_os_string();
        file.push(".args");
        lines(Path::new(&file)).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The log of all stand-ins in a sandbox, with their process numbers.
pub fn whole_log(sandbox: &Sandbox) -> Vec<String> {
    lines(&log_file(sandbox))
}

pub fn log_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("home/stand-in.log")
}

/// The complete lines of a file to which others may append.
fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(String::from).collect()
}

/// Puts the stand-in there.
pub fn put_stand_in(exe: &Path) {
    put_example("microsip-stand-in.exe", exe);
}

/// Copies an example, which cargo builds next to the program, unless the copy exists.
fn put_example(name: &str, to: &Path) {
    let built = Path::new(PROGRAM).parent().unwrap().join("examples").join(name);
    assert!(built.exists(), "{} is missing: run `cargo build --examples`", built.display());
    if !to.exists() {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&built, to).unwrap();
    }
}

/// Calls `look` until it returns something, within a limit.
pub fn wait_until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LONG;
    loop {
        let found = look();
        if found.is_some() || Instant::now() > end {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

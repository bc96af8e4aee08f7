//! msipcfg processes that run while the test continues.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::sandbox::{self, PROGRAM, Ran, Sandbox};

/// The message while msipcfg waits.
pub const WAITS: &str = "waiting for MicroSIP to exit";

/// An msipcfg that runs in the background.
pub struct BackgroundRun {
    child: Child,
    stderr: BufReader<ChildStderr>,
    output: String,
}

impl BackgroundRun {
    /// Starts msipcfg with these arguments, without waiting for it.
    pub fn start(sandbox: &Sandbox, args: &[&str]) -> BackgroundRun {
        let mut command = sandbox.command(PROGRAM);
        command.args(args);
        BackgroundRun::spawn(command)
    }

    /// Starts a command, without waiting for it.
    pub fn spawn(mut command: Command) -> BackgroundRun {
        let mut child = sandbox::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        BackgroundRun { child, stderr, output: String::new() }
    }

    /// Returns the process ID.
    #[cfg(unix)]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the signal of Ctrl-C.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Returns whether it has exited.
    #[cfg(unix)]
    pub fn has_exited(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until standard error contains this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        while !self.output.contains(text) {
            let count = self.stderr.read_line(&mut self.output).unwrap();
            assert_ne!(count, 0, "{text:?} is missing in: {}", self.output);
        }
    }

    /// Waits until it exits.
    pub fn wait(mut self) -> Ran {
        self.stderr.read_to_string(&mut self.output).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let transcript = format!("{}: {stdout} {}", output.status, self.output);
        Ran { status: output.status.code().unwrap_or(-1), stdout, stderr: self.output, transcript }
    }
}

/// Waits until a condition is true.
#[cfg(unix)]
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    use std::time::{Duration, Instant};
    const LONG: Duration = Duration::from_secs(120);
    let until = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < until, "the condition didn't become true in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

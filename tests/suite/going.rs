//! Runs of msipcfg that go on while the test does.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::sandbox::{PROGRAM, Ran, Sandbox, spawn};

/// What it says when it waits.
pub const WAITS: &str = "waiting for MicroSIP to exit";

/// One of them.
pub struct Going {
    child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Going {
    /// Starts msipcfg with these words and does not wait for it.
    pub fn start(sandbox: &Sandbox, words: &[&str]) -> Going {
        let mut command = sandbox.command(PROGRAM);
        command.args(words);
        Going::of(command)
    }

    /// Starts a command of msipcfg's and does not wait for it.
    pub fn of(mut command: Command) -> Going {
        let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Going { child, stderr, told: String::new() }
    }

    /// Its process number.
    #[cfg(unix)]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Does what Ctrl-C does.
    #[cfg(unix)]
    pub fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Whether it has ended.
    #[cfg(unix)]
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Returns when it has said this on the side.
    #[track_caller]
    pub fn says(&mut self, text: &str) {
        while !self.told.contains(text) {
            let count = self.stderr.read_line(&mut self.told).unwrap();
            assert_ne!(count, 0, "it did not say {text:?}: {}", self.told);
        }
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        self.stderr.read_to_string(&mut self.told).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let told = format!("{}: {stdout} {}", output.status, self.told);
        Ran { status: output.status.code().unwrap_or(-1), stdout, stderr: self.told, told }
    }
}

/// Waits until something is so.
#[cfg(unix)]
#[track_caller]
pub fn wait_until(mut is_so: impl FnMut() -> bool) {
    use std::time::{Duration, Instant};
    const LONG: Duration = Duration::from_secs(120);
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "it never came about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

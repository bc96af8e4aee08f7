//! Outputs that nobody reads any more.

use std::process::Stdio;

use super::INI;
use crate::sandbox::{PROGRAM, Sandbox, utf16};

/// Runs a command whose standard output or standard error is closed. Returns the exit status and the other output.
fn run_with_closed_output(sandbox: &Sandbox, args: &[&str], is_out: bool) -> (i32, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = sandbox.command(PROGRAM);
    command.args(args);
    let output = if is_out {
        command.stdout(writer).output()
    } else {
        command.stderr(writer).stdout(Stdio::piped()).output()
    };
    let output = output.unwrap();
    let other = if is_out { output.stderr } else { output.stdout };
    (output.status.code().unwrap_or(-1), String::from_utf8(other).unwrap())
}

#[test]
fn a_closed_output_does_not_change_the_exit_status() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    for (args, status) in [
        (&["keys"][..], 0),
        (&["keys", "--json"], 0),
        (&["events"], 0),
        (&["--help"], 0),
        (&["list", "--ini", "MicroSIP.ini"], 0),
        (&["get", "--json", "--ini", "MicroSIP.ini", "none"], 1),
        (&["set", "--ini", "MicroSIP.ini", "VAD=0"], 0),
    ] {
        let (found, stderr) = run_with_closed_output(&sandbox, args, true);
        assert_eq!((found, stderr.as_str()), (status, ""), "{args:?}");
    }
    assert_eq!(sandbox.run_on_ini(&["get", "VAD"]).exits(0).stdout, "0\n", "the edit was made");
    for (args, status) in [
        (&["get", "--ini", "MicroSIP.ini", "none"][..], 1),
        (&["set", "-v", "--ini", "MicroSIP.ini", "VAD=1"], 0),
        (&["no-such-command"], 2),
        (&[], 2),
    ] {
        let (found, _) = run_with_closed_output(&sandbox, args, false);
        assert_eq!(found, status, "{args:?}");
    }
    assert_eq!(sandbox.run_on_ini(&["get", "VAD"]).exits(0).stdout, "1\n", "the edit was made");
}

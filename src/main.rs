//! Takes the process environment, runs msipcfg, and exits with its status.

#![expect(clippy::disallowed_methods, reason = "the environment is taken here, and only here")]

use std::ffi::OsString;
use std::path::Path;

use msipcfg::app::{self, Process};
use msipcfg::platform::{self, Env};

fn main() {
    platform::prepare_process();
    let args: Vec<OsString> = std::env::args_os().collect();
    let own_program = std::env::current_exe().ok();
    let process = Process {
        env: Env {
            current_folder: std::env::current_dir().ok(),
            own_folder: own_program.as_deref().and_then(Path::parent).map(Path::to_path_buf),
            own_program,
            ..Env::from_variables(|name| std::env::var_os(name))
        },
        variable: |name| std::env::var_os(name),
        exit: |status| std::process::exit(status),
    };
    // An ExitCode can't be more than 255, but some exit codes of Windows are.
    std::process::exit(app::run(&args, process));
}

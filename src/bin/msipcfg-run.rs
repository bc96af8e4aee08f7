//! The program that MicroSIP starts on an event: it stores the event and makes sure that a worker runs.
//!
//! MicroSIP waits for it, so it contains nothing else. It always exits with 0 and never shows anything.

// Windows would show a console for a moment.
#![windows_subsystem = "windows"]
#![expect(clippy::disallowed_methods, reason = "the environment is taken here, and only here")]

use std::path::Path;
use std::time::SystemTime;

use msipcfg::actions::runner;
use msipcfg::platform::{self, Env};

fn main() {
    platform::hide_error_boxes();
    platform::prepare_process();
    let own_program = std::env::current_exe().ok();
    let env = Env {
        own_folder: own_program.as_deref().and_then(Path::parent).map(Path::to_path_buf),
        own_program,
        ..Env::from_variables(|name| std::env::var_os(name))
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    runner::run(platform::command_line(), &env, i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
}

//! Gathers the surroundings, runs one request, prints what it has to say.

#![expect(clippy::disallowed_methods, reason = "the environment is taken here, and only here")]

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap_complete::env::CompleteEnv;
use msipcfg::cli::args::{self, Cli, UsageError};
use msipcfg::cli::ask;
use msipcfg::cli::completing;
use msipcfg::cli::mistyped::with_guesses;
use msipcfg::cli::report::{Narrator, Output};
use msipcfg::commands::{self, Outside, completions};
use msipcfg::platform::{self, Surroundings, SystemDisk};
use msipcfg::problem::ExitStatus;
use msipcfg::request::{NewValue, Request};

fn main() -> ExitCode {
    ExitCode::from(run() as u8)
}

fn run() -> ExitStatus {
    platform::survive_signals();
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(status) = complete(&words) {
        return status;
    }
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(error) => return Output::of_words(&words).print_usage(&with_guesses(error)),
    };
    let common = &cli.common;
    let output = Output {
        json: common.json,
        quiet: common.quiet,
        verbose: common.verbose,
        color: common.color,
        name_ini: !common.names_ini(),
    };
    let may_ask = ask::may_ask(common);
    let request = match cli.into_request(&words) {
        Ok(request) => request,
        Err(UsageError::NoCommand) if !output.json => {
            output.print_help(&args::help());
            return ExitStatus::Usage;
        }
        Err(error) => return output.print_problem(&error),
    };
    let stop = Arc::new(AtomicBool::new(false));
    if request.may_write() || matches!(request, Request::Drive { .. } | Request::TestHook(_)) {
        let stop = Arc::clone(&stop);
        // without a handler Ctrl-C ends the program at once, and the next run removes what it left
        let _ = ctrlc::set_handler(move || stop.store(true, Ordering::SeqCst));
    }
    let surroundings = Surroundings {
        current_folder: std::env::current_dir().ok(),
        own_folder: std::env::current_exe().ok().as_deref().and_then(Path::parent).map(Path::to_path_buf),
        ..Surroundings::from_variables(|name| std::env::var_os(name))
    };
    let mut narrator = Narrator::new(output);
    let mut outside = Outside {
        surroundings: &surroundings,
        disk: &SystemDisk,
        now: &SystemTime::now,
        stop: &|| stop.load(Ordering::SeqCst),
        secret: &read_secret,
        tell: &mut |tale| narrator.tell(&tale),
    };
    // a mend was not spelled out by whoever asks for it, so it is shown before
    let preview = match &request {
        Request::Doctor { .. } if may_ask => request.as_dry_run(),
        _ => None,
    };
    if let Some(preview) = preview
        && let Err(status) = ask::agree_to(preview, output, &mut outside)
    {
        return status;
    }
    match commands::run(request, &mut outside) {
        Ok(report) => output.print(&report, narrator.aside()),
        Err(error) => output.print_error(&error, narrator.aside()),
    }
}

/// Answers a shell that asks what can be typed next.
fn complete(words: &[OsString]) -> Option<ExitStatus> {
    let completing =
        CompleteEnv::with_factory(completing::command).var(completions::VARIABLE).shells(completions::SHELLS);
    match completing.try_complete(words, std::env::current_dir().ok().as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitStatus::Done),
        Err(error) => Some(Output::default().print_usage(&error)),
    }
}

/// A password from where it was said to be, without the line end behind it.
fn read_secret(source: &NewValue) -> io::Result<String> {
    let mut text = match source {
        NewValue::Inline(value) => return Ok(value.clone()),
        NewValue::StandardInput => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
        NewValue::File(path) => std::fs::read_to_string(path)?,
        NewValue::Variable(name) => {
            // the error of std would show what the variable holds
            let value = std::env::var_os(name).ok_or(io::Error::from(io::ErrorKind::NotFound))?;
            return value.into_string().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        }
    };
    let line = text.trim_start_matches('\u{FEFF}').trim_end_matches('\n').trim_end_matches('\r').len();
    let start = text.len() - text.trim_start_matches('\u{FEFF}').len();
    text.truncate(start + line);
    Ok(text.split_off(start))
}

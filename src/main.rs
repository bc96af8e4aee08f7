//! Gathers the surroundings, runs one request, prints what it has to say.

#![expect(clippy::disallowed_methods, reason = "the environment is taken here, and only here")]

use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap::Parser;
use msipcfg::cli::args::{self, Cli, UsageError};
use msipcfg::cli::ask;
use msipcfg::cli::report::{Narrator, Output};
use msipcfg::commands::{self, Outside};
use msipcfg::platform::{self, Surroundings, SystemDisk};
use msipcfg::problem::{Code, ExitStatus, Problem};
use msipcfg::request::{NewValue, Request};

fn main() -> ExitCode {
    ExitCode::from(run() as u8)
}

fn run() -> ExitStatus {
    platform::survive_signals();
    let words: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error, words.iter().any(|word| word == "--json")),
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
            output.err(&args::help());
            return ExitStatus::Usage;
        }
        Err(error) => return output.print_problem(&error),
    };
    let stop = Arc::new(AtomicBool::new(false));
    if request.may_write() || matches!(request, Request::Drive { .. }) {
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

/// A command line that clap could not make sense of, or a call for help.
fn print_usage(error: &clap::Error, json: bool) -> ExitStatus {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitStatus::Done;
    }
    if json {
        let output =
            Output { json, quiet: false, verbose: false, color: clap::ColorChoice::Never, name_ini: false };
        return output.print_problem(&Usage(error));
    }
    let _ = error.print();
    ExitStatus::Usage
}

/// What clap has to say, without its decoration.
struct Usage<'a>(&'a clap::Error);

impl std::fmt::Display for Usage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.render().to_string();
        // up to the first blank line: what is missing may stand on lines of its own
        let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = lines.join(" ");
        f.write_str(message.strip_prefix("error: ").unwrap_or(&message))
    }
}

impl Problem for Usage<'_> {
    fn code(&self) -> Code {
        Code::Usage
    }

    fn hint(&self) -> Option<String> {
        let text = self.0.render().to_string();
        if let Some(tip) = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")) {
            return Some(tip.to_string());
        }
        Some("'msipcfg help' shows the commands, 'msipcfg COMMAND --help' one of them".into())
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

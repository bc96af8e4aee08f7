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
use msipcfg::cli::wizard::{self, Tools};
use msipcfg::commands::{self, Error, Outside};
use msipcfg::microsip::locate::LocateError;
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
    let surroundings = Surroundings {
        current_folder: std::env::current_dir().ok(),
        own_folder: std::env::current_exe().ok().as_deref().and_then(Path::parent).map(Path::to_path_buf),
        ..Surroundings::from_variables(|name| std::env::var_os(name))
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut carry_out = |request: Request, narrator: &mut Narrator| {
        let mut outside = Outside {
            surroundings: &surroundings,
            disk: &SystemDisk,
            now: &SystemTime::now,
            stop: &|| stop.load(Ordering::SeqCst),
            secret: &read_secret,
            tell: &mut |tale| narrator.tell(&tale),
        };
        commands::run(request, &mut outside)
    };
    let theme = ask::theme(output.is_coloured());
    if cli.is_for_wizard() && ask::may_converse(&cli.common) {
        hear_interrupts(&stop);
        let tools = Tools {
            output,
            theme: &*theme,
            surroundings: &surroundings,
            carry_out: &mut carry_out,
            stop: &stop,
        };
        return wizard::run(tools, cli.ini_choice());
    }
    let may_ask = ask::may_ask(&cli.common);
    let request = match cli.into_request(&words) {
        Ok(request) => request,
        Err(UsageError::NoCommand) if !output.json => {
            output.err(&args::help());
            return ExitStatus::Usage;
        }
        Err(error) => return output.print_problem(&error),
    };
    // without a handler Ctrl-C ends the program at once, and the next run removes what it left
    let is_stopped_in_order = matches!(request, Request::Write { .. } | Request::Drive { .. });
    if is_stopped_in_order || may_ask {
        hear_interrupts(&stop);
    }
    ask::while_leaving_is(!is_stopped_in_order, || {
        let mut narrator = Narrator::new(output);
        let mut result = carry_out(request.clone(), &mut narrator);
        if let Err(Error::Locate(LocateError::Several { found })) = &result
            && may_ask
        {
            match ask::which_ini(&*theme, found) {
                Ok(Some(path)) => result = carry_out(request.about(path), &mut narrator),
                Ok(None) => {}
                Err(_) => {
                    ask::leave();
                    return ExitStatus::Interrupted;
                }
            }
        }
        match result {
            Ok(report) => output.print(&report, narrator.aside()),
            Err(error) => output.print_error(&error, narrator.aside()),
        }
    })
}

/// Lets Ctrl-C stop a write in order, and end whatever else is done.
fn hear_interrupts(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    let _ = ctrlc::set_handler(move || {
        stop.store(true, Ordering::SeqCst);
        if ask::may_leave() {
            ask::leave();
            std::process::exit(ExitStatus::Interrupted as i32);
        }
    });
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

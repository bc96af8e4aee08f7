//! Gathers the surroundings, runs one request, prints what it has to say.

#![expect(clippy::disallowed_methods, reason = "the environment is taken here, and only here")]

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap_complete::env::CompleteEnv;
use msipcfg::cli::args::{self, Cli, UsageError};
use msipcfg::cli::ask;
use msipcfg::cli::completing;
use msipcfg::cli::mistyped::with_guesses;
use msipcfg::cli::report::{Level, Output, ProgressReporter, ReportFile};
use msipcfg::cli::wizard::{self, Tools};
use msipcfg::commands::{self, Context, completions};
use msipcfg::diagnostic::ExitStatus;
use msipcfg::platform::{self, Env, SystemFs};
use msipcfg::request::{Request, ValueSource};

fn main() {
    // an ExitCode holds no more than 255
    std::process::exit(carried_out());
}

/// The number to end with.
fn carried_out() -> i32 {
    platform::ignore_file_size_signal();
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(status) = complete(&words) {
        return status as i32;
    }
    match Cli::read(&words) {
        Ok(cli) => {
            let codes = cli.exit_codes();
            codes.number(run(cli, &words))
        }
        Err(error) => {
            let dsc = args::are_for_dsc(&words).then(dsc_level);
            if dsc.is_some() && !io::stdin().is_terminal() {
                // whoever writes it would else be told of that, and not of the mistake
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
            }
            Output { dsc, ..Output::of_words(&words) }.print_usage(&with_guesses(error)) as i32
        }
    }
}

fn run(cli: Cli, words: &[OsString]) -> ExitStatus {
    let common = &cli.common;
    let dsc = cli.is_for_dsc().then(dsc_level);
    let output = Output {
        json: common.json && dsc.is_none(),
        quiet: common.quiet,
        verbose: common.verbose || dsc == Some(Level::Debug),
        dsc,
        color: common.color,
        name_ini: !common.names_ini(),
    };
    let own_program = std::env::current_exe().ok();
    let env = Env {
        current_folder: std::env::current_dir().ok(),
        own_folder: own_program.as_deref().and_then(Path::parent).map(Path::to_path_buf),
        own_program,
        ..Env::from_variables(|name| std::env::var_os(name))
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut carry_out = |request: Request, reporter: &mut ProgressReporter| {
        let mut context = Context {
            env: &env,
            fs: &SystemFs,
            now: &SystemTime::now,
            stop: &|| stop.load(Ordering::SeqCst),
            secret: &read_secret,
            report: &mut |event| reporter.report(&event),
        };
        commands::run(request, &mut context)
    };
    let theme = ask::theme(output.is_coloured());
    if cli.is_for_wizard() && ask::may_converse(&cli.common) {
        hear_interrupts(&stop);
        let tools = Tools { output, theme: &*theme, env: &env, carry_out: &mut carry_out, stop: &stop };
        return wizard::run(tools, cli.ini_choice());
    }
    let may_ask = output.dsc.is_none() && ask::may_ask(&cli.common);
    // before anything is touched
    let report = cli.report_file().map(|(path, inputs)| ReportFile::open(path, &inputs)).transpose();
    let request = match cli.into_request(words) {
        Ok(request) => request,
        Err(UsageError::NoCommand) if !output.json => {
            output.print_help(&args::help());
            return ExitStatus::Usage;
        }
        Err(error) => return output.print_problem(&error),
    };
    // without a handler Ctrl-C ends the program at once, and the next run removes what it left
    let is_stopped_in_order =
        request.may_write() || matches!(request, Request::Drive { .. } | Request::TestHook(_));
    if is_stopped_in_order || may_ask {
        hear_interrupts(&stop);
    }
    let report = match report {
        Ok(report) => report,
        Err(fault) => return output.print_problem(&fault),
    };
    ask::while_leaving_is(!is_stopped_in_order, || {
        let mut reporter = ProgressReporter::new(output);
        reporter.report_to(report);
        let mut carry_out = |request| carry_out(request, &mut reporter);
        let result = if may_ask {
            match ask::through(request, &*theme, output, &mut carry_out) {
                Ok(result) => result,
                Err(status) => return status,
            }
        } else {
            carry_out(request)
        };
        match result {
            Ok(report) => output.print(&report, reporter.aside()),
            Err(error) => output.print_error(&error, reporter.aside()),
        }
    })
}

/// Lets Ctrl-C stop a write in order, and end whatever else is done. A second one ends all at once, as a kill would: what
/// waits for a disk that does not answer hears no other.
fn hear_interrupts(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    let _ = ctrlc::set_handler(move || {
        let is_second = stop.swap(true, Ordering::SeqCst);
        if is_second || ask::may_leave() {
            ask::leave();
            std::process::exit(ExitStatus::Interrupted as i32);
        }
    });
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

/// How much DSC wants to hear.
fn dsc_level() -> Level {
    let level = std::env::var_os("DSC_TRACE_LEVEL").unwrap_or_default();
    Level::named(&level.to_string_lossy())
}

/// All of standard input. What is too much is read too, so that whoever writes it is not left with it.
fn standard_input() -> io::Result<String> {
    const MOST: u64 = 16 * 1024 * 1024;
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    stdin.by_ref().take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        io::copy(&mut stdin, &mut io::sink())?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 16 MiB"));
    }
    // the error of std would hold the bytes
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// A password from where it was said to be, without the line end behind it.
fn read_secret(source: &ValueSource) -> io::Result<String> {
    let mut text = match source {
        ValueSource::Inline(value) => return Ok(value.clone()),
        ValueSource::StandardInput => standard_input()?,
        ValueSource::File(path) => platform::read_text(&SystemFs, path)?,
        ValueSource::Variable(name) => {
            // the error of std would show what the variable holds
            let not_set = || io::Error::new(io::ErrorKind::NotFound, "it is not set");
            let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text");
            return std::env::var_os(name).ok_or_else(not_set)?.into_string().map_err(no_text);
        }
    };
    let line = text.trim_start_matches('\u{FEFF}').trim_end_matches('\n').trim_end_matches('\r').len();
    let start = text.len() - text.trim_start_matches('\u{FEFF}').len();
    text.truncate(start + line);
    Ok(text.split_off(start))
}

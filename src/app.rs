//! Runs the wizard, or one request: connects the command line, Ctrl-C and standard input with the commands.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap_complete::env::CompleteEnv;

use crate::cli::args::{self, Cli, Common, UsageError};
use crate::cli::output::Output;
use crate::cli::progress::ProgressReporter;
use crate::cli::prompt;
use crate::cli::report_file::ReportFile;
use crate::cli::session::Session;
use crate::cli::trace::Level;
use crate::cli::wizard::{self, Dialog};
use crate::cli::{clap_error, completion, interrupt};
use crate::commands::{RunEvent, completions};
use crate::diagnostic::{Code, Diagnostic, ExitStatus};
use crate::platform::{self, Env};
use crate::request::{Request, ValueSource};

/// The process: its environment, and how it ends.
pub struct Process {
    /// The environment, taken once.
    pub env: Env,
    /// Returns an environment variable.
    pub variable: fn(&str) -> Option<OsString>,
    /// Exits at once.
    pub exit: fn(i32) -> !,
}

/// Runs msipcfg with its arguments, and returns the exit code.
pub fn run(args: &[OsString], process: Process) -> i32 {
    if let Some(status) = complete(args, &process.env) {
        return status as i32;
    }
    let dsc_level =
        || Level::named(&(process.variable)("DSC_TRACE_LEVEL").unwrap_or_default().to_string_lossy());
    match Cli::try_from_argv(args) {
        Ok(cli) => {
            let dsc = cli.is_run_by_dsc().then(dsc_level);
            let exit_codes = cli.exit_codes();
            exit_codes.number(run_cli(cli, args, dsc, process))
        }
        Err(error) => {
            let dsc = args::is_run_by_dsc(args).then(dsc_level);
            if dsc.is_some() && !io::stdin().is_terminal() {
                // Otherwise the writer of standard input would report a broken pipe instead of this error.
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
            }
            Output { dsc, ..Output::of_args(args) }.print_usage(&clap_error::improved(error, args)) as i32
        }
    }
}

fn run_cli(cli: Cli, args: &[OsString], dsc: Option<Level>, process: Process) -> ExitStatus {
    let output = output_for(&cli.common, dsc);
    let Process { env, variable, exit } = process;
    let lost_characters = AtomicBool::new(false);
    let secret = |source: &ValueSource| {
        let text = read_secret(source, variable)?;
        let is_piped = *source == ValueSource::StandardInput && dsc.is_none();
        lost_characters.fetch_or(is_piped && may_have_lost_characters(&text), Ordering::Relaxed);
        Ok(text)
    };
    let session = Session { env, stop: Arc::new(AtomicBool::new(false)), variable, secret: &secret };
    let theme = prompt::theme(output.has_color());
    if cli.is_for_wizard() && prompt::is_interactive(&cli.common) {
        handle_interrupts(&session.stop, exit);
        let status = wizard::run(Dialog { output, theme: &*theme, session: &session }, cli.ini_choice());
        keep_window(output);
        return status;
    }
    let can_prompt = output.dsc.is_none() && prompt::can_prompt(&cli.common);
    // Opened before anything is written.
    let report = cli.report_file().map(|(path, inputs)| ReportFile::open(path, &inputs)).transpose();
    let request = match cli.into_request(args) {
        Ok(request) => request,
        Err(UsageError::NoCommand) if !output.json => {
            output.print_help(&args::help());
            if platform::input_is_msys_pipe() {
                output.err(&format!("\nThe wizard didn't start: {}.\n", args::MSYS_HINT));
            }
            return ExitStatus::Usage;
        }
        Err(error) => return output.print_early_error(&error),
    };
    // Without a handler, Ctrl-C ends the program at once, and the next run removes what it left.
    let stops_gracefully = request.may_write()
        || request.takes_long()
        || matches!(request, Request::Control { .. } | Request::TestHook(_) | Request::Worker { .. });
    if stops_gracefully || can_prompt {
        handle_interrupts(&session.stop, exit);
    }
    let report = match report {
        Ok(report) => report,
        Err(error) => return output.print_early_error(&error),
    };
    interrupt::with_exit_at_once(!stops_gracefully, || {
        let mut reporter = ProgressReporter::new(output, report);
        let mut run = |request| session.run(request, &mut reporter);
        let result = if can_prompt {
            match prompt::run_with_prompts(request, &*theme, output, &mut run) {
                Ok(result) => result,
                Err(status) => return status,
            }
        } else {
            run(request)
        };
        if lost_characters.load(Ordering::Relaxed) {
            reporter.report(&RunEvent::Warning(lost_characters_warning()));
        }
        match result {
            Ok(outcome) => output.print(&*outcome, reporter.finish()),
            Err(error) => output.print_error(&error, reporter.finish()),
        }
    })
}

/// Keeps the window of a program that was started by a double click, so that its last lines can be read.
fn keep_window(output: Output) {
    if platform::console_closes_at_exit() {
        output.err("\nPress any key to close this window.\n");
        prompt::wait_for_key();
    }
}

fn output_for(common: &Common, dsc: Option<Level>) -> Output {
    Output {
        json: common.json && dsc.is_none(),
        quiet: common.quiet,
        verbose: common.verbose || dsc == Some(Level::Debug),
        dsc,
        color: common.color,
        name_ini: !common.names_ini(),
    }
}

/// Lets Ctrl-C stop a write gracefully, and end everything else. A second Ctrl-C ends the program at once, because a
/// disk that doesn't answer can't be interrupted.
fn handle_interrupts(stop: &Arc<AtomicBool>, exit: fn(i32) -> !) {
    let stop = Arc::clone(stop);
    let _ = ctrlc::set_handler(move || {
        let is_second = stop.swap(true, Ordering::SeqCst);
        let exits_at_once = interrupt::exits_at_once();
        if exits_at_once {
            interrupt::report();
        } else if is_second {
            interrupt::restore_terminal();
        }
        if exits_at_once || is_second {
            exit(ExitStatus::Interrupted as i32);
        }
    });
}

/// Answers a shell that asks for completions.
fn complete(args: &[OsString], env: &Env) -> Option<ExitStatus> {
    let completion =
        CompleteEnv::with_factory(completion::command).var(completions::VARIABLE).shells(completions::SHELLS);
    match completion.try_complete(args, env.current_folder.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitStatus::Done),
        Err(error) => Some(Output::default().print_usage(&error)),
    }
}

/// Reads all of standard input. Input over the limit is read too, so that its writer isn't blocked.
fn read_stdin() -> io::Result<String> {
    const LIMIT: u64 = 16 * 1024 * 1024;
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    stdin.by_ref().take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        io::copy(&mut stdin, &mut io::sink())?;
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 16 MiB"));
    }
    platform::decode_text(bytes)
}

/// Returns whether a text from standard input may have lost characters on its way.
fn may_have_lost_characters(text: &str) -> bool {
    platform::PIPES_MAY_BE_ASCII && text.contains('?')
}

fn lost_characters_warning() -> Diagnostic {
    let message = "standard input contains '?', which Windows PowerShell sends in place of characters that aren't ASCII";
    let hint = "if it should be another character, use a file or an environment variable, or first run '$OutputEncoding = \
                [Text.Encoding]::UTF8' in PowerShell";
    Diagnostic::new(Code::InputLostCharacters, message).with_hint(hint)
}

/// The largest file with a secret, in bytes. A device could go on for ever.
const MAX_SECRET_LEN: u64 = 64 * 1024;

/// Reads a secret from its source, without the line end after it.
fn read_secret(source: &ValueSource, variable: fn(&str) -> Option<OsString>) -> io::Result<String> {
    let text = match source {
        ValueSource::Inline(value) => return Ok(value.clone()),
        ValueSource::StandardInput => read_stdin()?,
        ValueSource::File(path) => platform::decode_text(platform::read_at_most(path, MAX_SECRET_LEN)?)?,
        ValueSource::Variable(name) => {
            // The error of std would contain the value.
            let not_set = || io::Error::new(io::ErrorKind::NotFound, "it isn't set");
            let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it isn't text");
            return variable(name).ok_or_else(not_set)?.into_string().map_err(not_text);
        }
    };
    Ok(text.trim_end_matches('\n').trim_end_matches('\r').to_string())
}

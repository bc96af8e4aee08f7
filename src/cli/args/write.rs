//! The options of the commands that write the ini.

use std::time::Duration;

use clap::Args;
use clap::builder::TypedValueParser;

use crate::diagnostic::ExitStatus;
use crate::platform;
use crate::request::{EditRequest, IniChoice, Request, WhileRunning, WriteOptions};

/// The default of `--timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Args)]
#[command(next_help_heading = "Write options")]
pub(super) struct WriteArgs {
    /// Print the change without writing anything
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    #[command(flatten)]
    running: RunningArgs,

    /// Don't back up the old file
    #[arg(long)]
    no_backup: bool,

    /// Number of backups to keep (the oldest, plus the newest); 0 keeps none
    #[arg(long, value_name = "N", default_value_t = WriteOptions::DEFAULT_BACKUPS, value_parser = count)]
    #[arg(allow_negative_numbers = true, hide_short_help = true)]
    keep_backups: usize,

    /// Edit the ini even if it seems to be another program's
    #[arg(long, hide_short_help = true)]
    any_ini: bool,
}

/// What a command does about a running MicroSIP.
#[derive(Debug, Args)]
#[command(next_help_heading = "Write options")]
pub(super) struct RunningArgs {
    /// How long to wait for a running MicroSIP to exit, for example 90s, 5m or 0
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    #[arg(allow_negative_numbers = true)]
    timeout: Duration,

    /// Ask a running MicroSIP to close (can end a call)
    #[arg(long)]
    close: bool,

    /// Like --close, then start MicroSIP again, even if the edit failed
    #[arg(long)]
    restart: bool,

    /// Exit-code convention to use; windows returns 1618 (try again later) instead of 5, on Windows only
    #[arg(long, value_name = "CONVENTION", default_value = "own", value_parser = exit_codes())]
    #[arg(hide_short_help = true)]
    pub exit_codes: ExitCodes,
}

/// The options of commands that write the ini and can create it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Write options")]
pub(super) struct CreateArgs {
    /// Create the ini if it doesn't exist, as MicroSIP does on its first run
    #[arg(long)]
    create: bool,

    #[command(flatten)]
    pub write: WriteArgs,
}

/// A convention for exit codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ExitCodes {
    /// msipcfg's own
    #[default]
    Own,
    /// Windows Installer's, for deployment tools
    Windows,
}

impl ExitCodes {
    /// ERROR_INSTALL_ALREADY_RUNNING of Windows Installer.
    const TRY_AGAIN_LATER: i32 = 1618;

    /// Returns the exit code for a status. Only one differs: if MicroSIP was running, a later try can succeed.
    pub fn number(self, status: ExitStatus) -> i32 {
        match (self, status) {
            (ExitCodes::Windows, ExitStatus::StillRunning) => ExitCodes::TRY_AGAIN_LATER,
            (_, status) => status as i32,
        }
    }
}

/// Parses a convention. Systems other than Windows would cut 1618 to 82.
fn exit_codes() -> impl TypedValueParser<Value = ExitCodes> {
    clap::builder::EnumValueParser::<ExitCodes>::new().try_map(|codes| {
        let is_possible = codes == ExitCodes::Own || platform::EXIT_STATUSES_OVER_255;
        if is_possible { Ok(codes) } else { Err("exit codes over 255 exist only on Windows") }
    })
}

impl WriteArgs {
    /// Returns the request to make an edit with these options.
    pub fn request(self, ini: IniChoice, edit: EditRequest) -> Request {
        Request::Write { ini, edit, options: self.into() }
    }

    /// Returns whether an option differs from its default.
    pub fn is_given(&self) -> bool {
        self.dry_run
            || self.running.timeout != DEFAULT_TIMEOUT
            || self.running.close
            || self.running.restart
            || self.no_backup
            || self.keep_backups != WriteOptions::DEFAULT_BACKUPS
            || self.any_ini
            || self.running.exit_codes != ExitCodes::Own
    }
}

impl RunningArgs {
    /// Returns the options of a command that removes what msipcfg made, from whichever ini.
    pub fn options_to_remove(&self, dry_run: bool) -> WriteOptions {
        WriteOptions {
            dry_run,
            create: false,
            timeout: self.timeout,
            while_running: self.while_running(),
            backup: false,
            keep_backups: WriteOptions::DEFAULT_BACKUPS,
            any_ini: true,
        }
    }

    fn while_running(&self) -> WhileRunning {
        match (self.close, self.restart) {
            (_, true) => WhileRunning::CloseAndRestart,
            (true, false) => WhileRunning::Close,
            (false, false) => WhileRunning::Wait,
        }
    }
}

impl WriteArgs {
    /// Returns the convention for exit codes.
    pub fn exit_codes(&self) -> ExitCodes {
        self.running.exit_codes
    }
}

impl CreateArgs {
    /// Returns the request to make an edit with these options.
    pub fn request(self, ini: IniChoice, edit: EditRequest) -> Request {
        Request::Write { ini, edit, options: self.into() }
    }
}

impl From<CreateArgs> for WriteOptions {
    fn from(args: CreateArgs) -> Self {
        WriteOptions { create: args.create, ..args.write.into() }
    }
}

impl From<WriteArgs> for WriteOptions {
    fn from(args: WriteArgs) -> Self {
        WriteOptions {
            dry_run: args.dry_run,
            create: false,
            timeout: args.running.timeout,
            while_running: args.running.while_running(),
            backup: !args.no_backup,
            keep_backups: args.keep_backups,
            any_ini: args.any_ini,
        }
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a number, for example 10".to_string())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    // a longer one could overflow a clock
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let duration = humantime::parse_duration(text);
    duration
        .map(|duration| duration.min(LONGEST))
        .map_err(|_| "expected a duration, for example 90s, 5m or 0".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_convention_changes_only_still_running() {
        use ExitStatus::{Done, File, Interrupted, No, NoIni, NotAnIni, Refused, StillRunning, Usage};
        for status in [Done, No, Usage, Refused, NoIni, File, NotAnIni, Interrupted] {
            assert_eq!(ExitCodes::Windows.number(status), status as i32);
        }
        assert_eq!(ExitCodes::Windows.number(StillRunning), 1618);
        assert_eq!(ExitCodes::Own.number(StillRunning), 5);
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("soon").is_err());
    }
}

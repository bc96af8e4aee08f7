//! The options of every command that writes.

use std::time::Duration;

use clap::Args;
use clap::builder::TypedValueParser;

use crate::diagnostic::ExitStatus;
use crate::platform;
use crate::request::{EditRequest, IniChoice, Request, WhileRunning, WriteOptions};

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command that writes")]
pub(super) struct WriteArgs {
    /// Show what would change and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// Make the ini if it is not there, as MicroSIP does on its first run
    #[arg(long)]
    create: bool,

    /// How long to wait for a running MicroSIP to exit: 90s, 5m, 0
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    #[arg(allow_negative_numbers = true)]
    timeout: Duration,

    /// Ask a running MicroSIP to close; that may end a call
    #[arg(long)]
    close: bool,

    /// Ask it to close, and start it again at the end, also when the edit failed
    #[arg(long)]
    restart: bool,

    /// Keep no backup of the old file
    #[arg(long)]
    no_backup: bool,

    /// How many backups to keep: the oldest and the newest others; 0 keeps none
    #[arg(long, value_name = "N", default_value_t = WriteOptions::DEFAULT_BACKUPS, value_parser = count)]
    #[arg(allow_negative_numbers = true)]
    keep_backups: usize,

    /// Whose exit statuses to end with: with windows 1618 (try again later) stands for 5; on Windows only
    #[arg(long, value_name = "WHOSE", default_value = "own", value_parser = exit_codes())]
    pub exit_codes: ExitCodes,
}

/// Whose exit statuses a command ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ExitCodes {
    /// Our own.
    #[default]
    Own,
    /// Those of Windows Installer, which programs that deploy software know.
    Windows,
}

impl ExitCodes {
    /// What Windows Installer calls ERROR_INSTALL_ALREADY_RUNNING: another try later may do.
    const TRY_AGAIN_LATER: i32 = 1618;

    /// The number for a status. Only one has another: MicroSIP may be let alone the next time.
    pub fn number(self, status: ExitStatus) -> i32 {
        match (self, status) {
            (ExitCodes::Windows, ExitStatus::StillRunning) => ExitCodes::TRY_AGAIN_LATER,
            (_, status) => status as i32,
        }
    }
}

/// Other systems would cut 1618 to 82, which says nothing to anybody.
fn exit_codes() -> impl TypedValueParser<Value = ExitCodes> {
    clap::builder::EnumValueParser::<ExitCodes>::new().try_map(|codes| {
        let fits = codes == ExitCodes::Own || platform::EXIT_STATUSES_OVER_255;
        if fits { Ok(codes) } else { Err("there are exit statuses over 255 on Windows only") }
    })
}

impl WriteArgs {
    /// The request to make an edit in this way.
    pub fn request(self, ini: IniChoice, edit: EditRequest) -> Request {
        Request::Write { ini, edit, options: self.into() }
    }

    /// Whether an option was given that only makes sense where something is written.
    pub fn asks_for_a_write(&self) -> bool {
        self.dry_run || self.create || self.close || self.restart || self.no_backup
    }
}

impl From<WriteArgs> for WriteOptions {
    fn from(args: WriteArgs) -> Self {
        WriteOptions {
            dry_run: args.dry_run,
            create: args.create,
            timeout: args.timeout,
            while_running: match (args.close, args.restart) {
                (_, true) => WhileRunning::CloseAndRestart,
                (true, false) => WhileRunning::Close,
                (false, false) => WhileRunning::Wait,
            },
            backup: !args.no_backup,
            keep_backups: args.keep_backups,
        }
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "it is no number of backups; write it like 10 or 0".to_string())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    // longer than anybody waits, and short enough for every clock
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let duration = humantime::parse_duration(text);
    duration
        .map(|duration| duration.min(LONGEST))
        .map_err(|_| "it is no duration; write it like 90s, 5m or 0".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_microsip_that_runs_is_another_number() {
        use ExitStatus::{Done, File, Interrupted, No, NoIni, NotAnIni, Refused, StillRunning, Usage};
        for status in [Done, No, Usage, Refused, NoIni, File, NotAnIni, Interrupted] {
            assert_eq!(ExitCodes::Windows.number(status), status as i32);
        }
        assert_eq!(ExitCodes::Windows.number(StillRunning), 1618);
        assert_eq!(ExitCodes::Own.number(StillRunning), 5);
    }

    #[test]
    fn durations_are_written_as_people_do() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("soon").is_err());
    }
}

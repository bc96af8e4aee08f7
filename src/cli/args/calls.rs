//! The commands about the calls that were made and what msipcfg did for them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Subcommand};

use super::common::path;
use super::write::duration;
use crate::request::{CallsRequest, IniChoice, LogRequest, Purge, Request};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the calls, oldest first
    ///
    /// msipcfg knows only calls whose events have actions. With --ini, only those of that ini count.
    #[command(after_help = examples!(
        r"msipcfg calls --since 7d"
        r"msipcfg calls --missed -f"
        r"msipcfg calls --csv -o calls.csv"
        r"msipcfg calls --retry"
        r"msipcfg calls --purge --dry-run"
    ))]
    Calls {
        /// Only calls that began at most this long ago, for example 90m, 8h or 7d
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        since: Option<Duration>,

        /// Only incoming calls that were neither answered nor declined
        #[arg(long)]
        missed: bool,

        /// Print CSV for spreadsheets, in UTF-8
        #[arg(long, conflicts_with = "json")]
        csv: bool,

        /// Write the CSV to FILE; a shell's > can change the encoding
        #[arg(short, long, value_name = "FILE", value_parser = path(), requires = "csv", conflicts_with = "follow")]
        output: Option<PathBuf>,

        /// Keep showing new calls until Ctrl-C
        #[arg(short, long)]
        follow: bool,

        /// Send failed web requests again; exits with 1 if one fails again
        #[arg(long, conflicts_with_all = ["missed", "csv", "follow"])]
        retry: bool,

        /// Delete the calls and what was done for them; in a terminal, ask first
        #[arg(long, action = ArgAction::SetTrue, conflicts_with_all = ["since", "missed", "csv", "follow", "retry"])]
        purge: bool,

        /// List what would be deleted, and delete nothing
        #[arg(short = 'n', long, requires = "purge")]
        dry_run: bool,

        /// Delete without asking
        #[arg(long, requires = "purge")]
        yes: bool,
    },

    /// Show each call event and what was done for it
    ///
    /// Shows the result of each action, how long it took, and why it failed. With --ini, only the events of that ini
    /// count.
    #[command(after_help = examples!(
        r"msipcfg log --since 1h"
        r"msipcfg log --failed"
        r"msipcfg log -f"
    ))]
    Log {
        /// Only events that happened at most this long ago, for example 90m, 8h or 7d
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        since: Option<Duration>,

        /// Only actions that failed
        #[arg(long)]
        failed: bool,

        /// Keep showing new events until Ctrl-C
        #[arg(short, long)]
        follow: bool,
    },
}

impl Command {
    pub fn into_request(self, ini: IniChoice) -> Request {
        match self {
            Command::Calls { purge: true, dry_run, yes, .. } => {
                Request::Calls { ini, calls: CallsRequest::Purge(Purge::chosen(dry_run, yes)) }
            }
            Command::Calls { retry: true, since, .. } => {
                Request::Calls { ini, calls: CallsRequest::Retry { since } }
            }
            Command::Calls { since, missed, csv, output, follow, .. } => {
                Request::Calls { ini, calls: CallsRequest::List { since, missed, csv, output, follow } }
            }
            Command::Log { since, failed, follow } => {
                Request::Log { ini, log: LogRequest { since, failed, follow } }
            }
        }
    }
}

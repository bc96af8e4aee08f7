//! The commands that look after an ini.

use clap::{ArgAction, Subcommand};

use super::UsageError;
use super::write::WriteArgs;
use crate::request::{BackupChoice, Doctor, EditRequest, IniChoice, Query, Request};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show MicroSIPs, their inis, hooks, accounts and backups on one page
    #[command(after_help = examples!(
        r"msipcfg status"
        r"msipcfg status --json"
    ))]
    Status,

    /// Look for problems: what each means, where it is, and what mends it
    ///
    /// Exits with 1 if there are errors. Without --ini every ini that is found is looked at.
    #[command(after_help = examples!(
        r"msipcfg doctor --strict"
        r"msipcfg doctor --fix --dry-run"
        r"msipcfg doctor --fix --close"
    ))]
    Doctor {
        /// Count warnings as errors
        #[arg(long)]
        strict: bool,

        /// Mend what takes no decision, in one edit; on a terminal it is shown before and asked about
        #[arg(long)]
        fix: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// List the backups of the ini, newest first
    #[command(after_help = examples!(
        r"msipcfg backups"
        r"msipcfg backups --purge"
    ))]
    Backups {
        /// Remove them all
        #[arg(long, action = ArgAction::SetTrue)]
        purge: bool,
    },

    /// Make the ini as it was in a backup; that can be undone too
    #[command(after_help = examples!(
        r"msipcfg restore"
        r"msipcfg restore --dry-run 2"
    ))]
    Restore {
        /// Its name, or its number in the list; otherwise the newest that is not from a restore itself
        backup: Option<String>,

        #[command(flatten)]
        write: WriteArgs,
    },
}

impl Command {
    pub fn write_args(&self) -> Option<&WriteArgs> {
        match self {
            Command::Doctor { write, .. } | Command::Restore { write, .. } => Some(write),
            _ => None,
        }
    }

    pub fn into_request(self, ini: IniChoice) -> Result<Request, UsageError> {
        Ok(match self {
            Command::Status => Request::Status { ini },
            Command::Doctor { strict, fix: true, write } => {
                Request::Doctor { ini, doctor: Doctor { strict, fix: Some(write.into()) } }
            }
            Command::Doctor { write, .. } if write.asks_for_a_write() => {
                return Err(UsageError::NothingToWrite);
            }
            Command::Doctor { strict, .. } => Request::Doctor { ini, doctor: Doctor { strict, fix: None } },
            Command::Backups { purge } => Request::Read { ini, query: Query::Backups { purge } },
            Command::Restore { write, backup } => {
                write.request(ini, EditRequest::Restore(backup.map_or(BackupChoice::Newest, backup_choice)))
            }
        })
    }
}

fn backup_choice(text: String) -> BackupChoice {
    match text.parse() {
        Ok(number) => BackupChoice::Number(number),
        Err(_) => BackupChoice::Name(text),
    }
}

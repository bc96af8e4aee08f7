//! The commands for the health of an ini: status, doctor and backups.

use clap::{ArgAction, Subcommand};

use super::error::UsageError;
use super::write::WriteArgs;
use crate::request::{BackupChoice, Doctor, EditRequest, IniChoice, Purge, Query, Request};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show MicroSIP's installations, inis, hooks, accounts and backups
    #[command(after_help = examples!(
        r"msipcfg status"
        r"msipcfg status --json"
    ))]
    Status,

    /// Find problems: where each one is, what it means and how to fix it
    ///
    /// Checks every ini that it finds, or only the one given with --ini. Exits with 1 if there are errors.
    #[command(after_help = examples!(
        r"msipcfg doctor --strict"
        r"msipcfg doctor --fix --dry-run"
        r"msipcfg doctor --fix --close"
    ))]
    Doctor {
        /// Treat warnings as errors
        #[arg(long)]
        strict: bool,

        /// Fix everything that has only one sensible fix; in a terminal, show the change and ask first
        #[arg(long)]
        fix: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// List the ini's backups, newest first
    #[command(after_help = examples!(
        r"msipcfg backups"
        r"msipcfg backups --purge --dry-run"
        r"msipcfg backups --purge --yes"
    ))]
    Backups {
        /// Delete all of them; in a terminal, ask first
        #[arg(long, action = ArgAction::SetTrue)]
        purge: bool,

        /// List what would be deleted, and delete nothing
        #[arg(short = 'n', long, requires = "purge")]
        dry_run: bool,

        /// Delete without asking
        #[arg(long, requires = "purge")]
        yes: bool,
    },

    /// Restore the ini from a backup (can itself be undone)
    #[command(after_help = examples!(
        r"msipcfg restore"
        r"msipcfg restore --dry-run 2"
    ))]
    Restore {
        /// Backup's name, or its number in the list [default: the newest one that wasn't made by a restore]
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
            Command::Doctor { write, .. } if write.is_given() => {
                return Err(UsageError::WriteOptionWithoutFix);
            }
            Command::Doctor { strict, .. } => Request::Doctor { ini, doctor: Doctor { strict, fix: None } },
            Command::Backups { purge, dry_run, yes } => {
                let how = Purge::chosen(dry_run, yes);
                Request::Read { ini, query: Query::Backups { purge: purge.then_some(how) } }
            }
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

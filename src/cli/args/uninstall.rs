//! The command that removes what msipcfg made.

use std::path::Path;

use clap::Args;

use super::desired::{ManyArgs, WritingManyArgs};
use super::error::UsageError;
use super::write::{ExitCodes, RunningArgs};
use crate::request::{IniChoice, Purge, Request, UninstallMany, UninstallRequest, UninstallUsers};

#[derive(Debug, Args)]
#[command(after_help = examples!(
    r"msipcfg uninstall --dry-run"
    r"msipcfg uninstall --yes --all-hooks"
    r"msipcfg uninstall --yes --all-users --timeout 0"
))]
pub(super) struct UninstallArgs {
    /// Also remove the hooks that start your own programs, which work without msipcfg
    #[arg(long)]
    all_hooks: bool,

    #[command(flatten)]
    many: ManyArgs,

    #[command(flatten)]
    writing: WritingManyArgs,

    /// List what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// Remove without asking
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    running: RunningArgs,
}

impl UninstallArgs {
    /// Returns the convention for exit codes.
    pub fn exit_codes(&self) -> ExitCodes {
        self.running.exit_codes
    }

    /// Returns the file for `--report`.
    pub fn report_file(&self) -> Option<&Path> {
        self.writing.report.path.as_deref()
    }

    /// Returns the request.
    pub fn into_request(self, ini: IniChoice) -> Result<Request, UsageError> {
        let UninstallArgs { all_hooks, many, writing, dry_run, yes, running } = self;
        let users = match many.profiles(ini.path.is_some(), writing.given_option())? {
            Some(profiles) => UninstallUsers::Many(UninstallMany {
                profiles,
                code_page: ini.code_page,
                fail_on_skipped: many.fail_on_skipped,
                skip_running: writing.skip_running,
            }),
            None => UninstallUsers::Own(ini),
        };
        let (purge, options) = (Purge::chosen(dry_run, yes), running.options_to_remove(dry_run));
        Ok(Request::Uninstall(UninstallRequest { users, all_hooks, purge, options }))
    }
}

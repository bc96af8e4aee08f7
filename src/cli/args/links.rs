//! The command for tel:, callto: and sip: links.

use std::path::PathBuf;

use clap::Args;

use super::common;
use crate::request::{LinksAction, LinksRequest, Request};

#[derive(Debug, Args)]
#[command(after_help = examples!(
    r"msipcfg links"
    r"msipcfg links --set"
    r"msipcfg links --set --exe D:\Phone\microsip.exe"
    r"msipcfg links --unset --dry-run"
))]
pub(super) struct LinksArgs {
    /// Register MicroSIP for the links
    #[arg(long, group = "action")]
    set: bool,

    /// Restore what was registered before --set
    #[arg(long, group = "action")]
    unset: bool,

    /// Path of MicroSIP.exe [default: the installed one]
    #[arg(long, value_name = "PATH", value_parser = common::path())]
    exe: Option<PathBuf>,

    /// Print the change without writing anything
    #[arg(short = 'n', long, requires = "action")]
    dry_run: bool,
}

impl LinksArgs {
    /// Returns the request.
    pub fn into_request(self) -> Request {
        let LinksArgs { set, unset, exe, dry_run } = self;
        let action = if set {
            LinksAction::Set
        } else if unset {
            LinksAction::Unset
        } else {
            LinksAction::Show
        };
        Request::Links(LinksRequest { action, exe, dry_run })
    }
}

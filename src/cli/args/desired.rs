//! The commands about desired states.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::UsageError;
use super::write::WriteArgs;
use crate::hook::target::Allow;
use crate::request::{
    DesiredChoice, DetectStyle, EditRequest, IniChoice, Many, ManyOrder, Profiles, Query, Request,
    UsersChoice,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring the ini into the state that a file describes
    ///
    /// Everything in the file is checked before the ini is touched. A second run changes nothing. The form of the file
    /// is told in docs/provisioning.md and by 'msipcfg schema'.
    #[command(after_help = examples!(
        r"msipcfg apply --dry-run phone.toml"
        r"msipcfg apply phone.toml --create --var extension=201"
        r"msipcfg apply phone.json --vars site.toml --restart"
        r"msipcfg apply phone.toml --all-users --users users.csv --create --report done.jsonl"
    ))]
    Apply {
        #[command(flatten)]
        desired: DesiredArgs,

        /// Accept hooks whose program is not there yet
        #[arg(long)]
        allow_missing: bool,

        /// Accept hooks that are unsafe: a batch file, a password on a command line
        #[arg(long)]
        allow_unsafe: bool,

        #[command(flatten)]
        many: ManyArgs,

        #[command(flatten)]
        told: ReportArgs,

        /// Of many users: leave alone whose MicroSIP runs, rather than wait
        #[arg(long)]
        skip_running: bool,

        #[command(flatten)]
        write: WriteArgs,
    },

    /// Tell whether the ini is in the state that a file describes, and what differs
    ///
    /// Exits with 1 if it is not.
    #[command(after_help = examples!(
        r"msipcfg check phone.toml"
        r"msipcfg check phone.toml --var extension=201 --json"
        r"msipcfg check phone.toml --profiles \\server\profiles$ --users users.csv"
    ))]
    Check {
        #[command(flatten)]
        desired: DesiredArgs,

        #[command(flatten)]
        many: ManyArgs,

        #[command(flatten)]
        told: ReportArgs,
    },

    /// Tell Intune or ConfigMgr whether the ini is in the state that a file describes
    ///
    /// What is printed, and the exit status, are what that program wants; --json changes nothing about it. See
    /// docs/detection.md.
    #[command(after_help = examples!(
        r"msipcfg detect phone.toml --style intune-app"
        r"msipcfg detect phone.toml --style configmgr --all-users --users users.csv"
    ))]
    Detect {
        #[command(flatten)]
        desired: DesiredArgs,

        #[command(flatten)]
        many: ManyArgs,

        /// Who asks
        #[arg(long)]
        style: DetectStyle,
    },

    /// Print the state of the ini as a file for 'apply'
    ///
    /// Passwords are left out: a reference to a variable of the environment stands in their place.
    #[command(after_help = examples!(
        r"msipcfg export"
        r"msipcfg export --ini D:\Phone\MicroSIP.ini"
    ))]
    Export,

    /// Print the JSON Schema of the files for 'apply', for editors
    #[command(after_help = examples!(
        r"msipcfg schema"
    ))]
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct DesiredArgs {
    /// What is wanted: TOML, or by its ending .json or .ini
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What ${NAME} stands for in FILE; not for passwords
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,

    /// A file of such variables, TOML or JSON
    #[arg(long = "vars", value_name = "FILE")]
    variable_files: Vec<PathBuf>,

    /// A table of such variables for each user: CSV with a column 'user', or by its ending .toml or .json; - for CSV on
    /// standard input
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ManyArgs {
    /// The ini of each user of this Windows, and of the users to come
    #[arg(long, conflicts_with = "profiles")]
    all_users: bool,

    /// The ini of each user whose folder is in this one
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Of many users: write what became of each to a file, a line of JSON for each
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ReportArgs {
    /// The option, if it was given.
    fn given(&self) -> Option<&'static str> {
        self.report.as_ref().map(|_| "--report")
    }
}

impl ManyArgs {
    /// Where the users' folders are, if it is about many; other options that are only for those were `given`.
    fn profiles(&self, names_ini: bool, given: Option<&'static str>) -> Result<Option<Profiles>, UsageError> {
        let profiles = match (&self.profiles, self.all_users) {
            (Some(folder), _) => Profiles::In(folder.clone()),
            (None, true) => Profiles::OfThisMachine,
            (None, false) => {
                return match given {
                    Some(option) => Err(UsageError::OnlyForMany { option }),
                    None => Ok(None),
                };
            }
        };
        if names_ini { Err(UsageError::OneAndMany) } else { Ok(Some(profiles)) }
    }
}

impl From<DesiredArgs> for DesiredChoice {
    fn from(args: DesiredArgs) -> Self {
        let DesiredArgs { file, variables, variable_files, users } = args;
        let users = users.map(|path| match path.as_os_str() == "-" {
            true => UsersChoice::StandardInput,
            false => UsersChoice::File(path),
        });
        DesiredChoice { file, variables, variable_files, users }
    }
}

impl Command {
    pub fn write_args(&self) -> Option<&WriteArgs> {
        match self {
            Command::Apply { write, .. } => Some(write),
            _ => None,
        }
    }

    /// The file that is to say what became of each user's ini, and those that are read.
    pub fn report_file(&self) -> Option<(&Path, Vec<&Path>)> {
        let (Command::Apply { told, desired, .. } | Command::Check { told, desired, .. }) = self else {
            return None;
        };
        let inputs = [&desired.file].into_iter().chain(&desired.variable_files).chain(&desired.users);
        Some((told.report.as_deref()?, inputs.map(PathBuf::as_path).collect()))
    }

    pub fn into_request(self, ini: IniChoice) -> Result<Request, UsageError> {
        let (names_ini, code_page) = (ini.path.is_some(), ini.code_page);
        let many_of = |profiles: Profiles, desired: DesiredArgs, order: ManyOrder| {
            Request::Many(Many { profiles, code_page, desired: desired.into(), order })
        };
        let query = match self {
            Command::Apply { desired, allow_missing, allow_unsafe, many, told, skip_running, write } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: false };
                let given = skip_running.then_some("--skip-running").or(told.given());
                return Ok(match many.profiles(names_ini, given)? {
                    Some(profiles) => {
                        let order = ManyOrder::Apply { allow, options: write.into(), skip_running };
                        many_of(profiles, desired, order)
                    }
                    None => write.request(ini, EditRequest::Apply { desired: desired.into(), allow }),
                });
            }
            Command::Check { desired, many, told } => match many.profiles(names_ini, told.given())? {
                Some(profiles) => return Ok(many_of(profiles, desired, ManyOrder::Check)),
                None => Query::Check(desired.into()),
            },
            Command::Detect { desired, many, style } => match many.profiles(names_ini, None)? {
                Some(profiles) => return Ok(many_of(profiles, desired, ManyOrder::Detect(style))),
                None => Query::Detect { desired: desired.into(), style },
            },
            Command::Export => Query::Export,
            Command::Schema => return Ok(Request::Schema),
        };
        Ok(Request::Read { ini, query })
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let parted = text.split_once('=').filter(|(name, _)| !name.is_empty() && !name.starts_with("env:"));
    let (name, value) = parted.ok_or("write it like extension=201")?;
    Ok((name.to_string(), value.to_string()))
}

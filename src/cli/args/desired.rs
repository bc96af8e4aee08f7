//! The commands for desired-state files.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use super::common;
use super::error::UsageError;
use super::write::{CreateArgs, WriteArgs};
use crate::hook::target::Allow;
use crate::request::{
    DesiredChoice, DetectStyle, EditRequest, IniChoice, ManyUsers, ManyUsersAction, Profiles, Query, Request,
    UsersChoice,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Apply a desired-state file to the ini
    ///
    /// The file lists the settings, hooks and accounts that the ini should have. It is checked completely before the
    /// ini is changed, and applying it again changes nothing. See docs/admin/provisioning.md and 'msipcfg schema'.
    #[command(after_help = examples!(
        r"msipcfg apply --dry-run phone.toml"
        r"msipcfg apply phone.toml --create --var extension=201"
        r"msipcfg apply phone.json --vars site.toml --restart"
        r"msipcfg apply phone.toml --all-users --users users.csv --report done.jsonl"
    ))]
    Apply {
        #[command(flatten)]
        desired: DesiredArgs,

        /// Accept hooks whose program doesn't exist yet
        #[arg(long)]
        allow_missing: bool,

        /// Accept unsafe hooks: a batch file, a shell, a password in the arguments, a program that other users can
        /// replace
        #[arg(long)]
        allow_unsafe: bool,

        #[command(flatten)]
        many: ManyArgs,

        #[command(flatten)]
        writing: WritingManyArgs,

        #[command(flatten)]
        write: CreateArgs,
    },

    /// Compare the ini with a desired-state file
    ///
    /// Lists the differences, and exits with 1 if there are any.
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
        report: ReportArgs,
    },

    /// Report to Intune or ConfigMgr whether the ini is compliant
    ///
    /// Compares the ini with a desired-state file as 'check' does. The output and the exit status are what that tool
    /// expects; --json has no effect. See docs/admin/detection.md.
    #[command(after_help = examples!(
        r"msipcfg detect phone.toml --style intune-app"
        r"msipcfg detect phone.toml --style configmgr --all-users --users users.csv"
    ))]
    Detect {
        #[command(flatten)]
        desired: DesiredArgs,

        #[command(flatten)]
        many: ManyArgs,

        /// Tool that reads the result
        #[arg(long)]
        style: DetectStyle,
    },

    /// Print the ini's state as a desired-state file
    ///
    /// Passwords are replaced by references to environment variables.
    #[command(after_help = examples!(
        r"msipcfg export"
        r"msipcfg export -o state.toml"
        r"msipcfg export --ini D:\Phone\MicroSIP.ini"
    ))]
    Export(common::OutputArgs),

    /// Print the JSON Schema of desired-state files, for editors
    #[command(after_help = examples!(
        r"msipcfg schema"
        r"msipcfg schema -o phone.schema.json"
    ))]
    Schema(common::OutputArgs),
}

#[derive(Debug, Args)]
pub(super) struct DesiredArgs {
    /// Desired-state file: TOML unless its name ends in .json or .ini
    #[arg(value_name = "FILE", value_parser = common::path())]
    file: PathBuf,

    /// Set the variable ${NAME} in FILE (can be repeated); not for passwords
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,

    /// File with variables, in TOML or JSON (can be repeated)
    #[arg(long = "vars", value_name = "FILE", value_parser = common::path())]
    variable_files: Vec<PathBuf>,

    /// Table with the variables of each user: CSV with a column 'user' unless its name ends in .toml or .json; - reads
    /// CSV from standard input
    #[arg(long, value_name = "FILE", value_parser = common::path())]
    users: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ManyArgs {
    /// Use the ini of every user of this computer, and the defaults for new users
    #[arg(long, conflicts_with = "profiles")]
    all_users: bool,

    /// Use the ini of every user whose profile folder is in DIR
    #[arg(long, value_name = "DIR", value_parser = common::path())]
    profiles: Option<PathBuf>,

    /// With many users: fail if a user is skipped, for example because there is no ini
    #[arg(long)]
    pub fail_on_skipped: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// With many users: write the result for each user to FILE, one JSON object per line
    #[arg(long = "report", value_name = "FILE", value_parser = common::path())]
    pub path: Option<PathBuf>,
}

/// The options of commands that write the inis of many users.
#[derive(Debug, Args)]
pub(super) struct WritingManyArgs {
    #[command(flatten)]
    pub report: ReportArgs,

    /// With many users: skip those with MicroSIP running
    #[arg(long)]
    pub skip_running: bool,
}

impl WritingManyArgs {
    /// Returns the name of an option that was given.
    pub fn given_option(&self) -> Option<&'static str> {
        self.skip_running.then_some("--skip-running").or(self.report.given_option())
    }
}

impl ReportArgs {
    /// Returns the name of the option if it was given.
    pub fn given_option(&self) -> Option<&'static str> {
        self.path.as_ref().map(|_| "--report")
    }
}

impl ManyArgs {
    /// Returns where the users' folders are, or `None` for a single ini. Another option that needs many users may have
    /// been given as `given_option`.
    pub fn profiles(
        &self,
        names_ini: bool,
        given_option: Option<&'static str>,
    ) -> Result<Option<Profiles>, UsageError> {
        let profiles = match (&self.profiles, self.all_users) {
            (Some(folder), _) => Profiles::In(folder.clone()),
            (None, true) => Profiles::OfThisMachine,
            (None, false) => {
                return match given_option.or(self.fail_on_skipped.then_some("--fail-on-skipped")) {
                    Some(option) => Err(UsageError::OnlyWithManyUsers { option }),
                    None => Ok(None),
                };
            }
        };
        if names_ini { Err(UsageError::IniWithManyUsers) } else { Ok(Some(profiles)) }
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
            Command::Apply { write, .. } => Some(&write.write),
            _ => None,
        }
    }

    /// Returns the file for `--report`, and the files that are read.
    pub fn report_file(&self) -> Option<(&Path, Vec<&Path>)> {
        let (report, desired) = match self {
            Command::Apply { writing, desired, .. } => (&writing.report, desired),
            Command::Check { report, desired, .. } => (report, desired),
            _ => return None,
        };
        let inputs = [&desired.file].into_iter().chain(&desired.variable_files).chain(&desired.users);
        Some((report.path.as_deref()?, inputs.map(PathBuf::as_path).collect()))
    }

    pub fn into_request(self, ini: IniChoice) -> Result<Request, UsageError> {
        let (names_ini, code_page) = (ini.path.is_some(), ini.code_page);
        let many_of = |(profiles, fail_on_skipped), desired: DesiredArgs, action: ManyUsersAction| {
            let desired = desired.into();
            Request::ManyUsers(ManyUsers { profiles, code_page, desired, fail_on_skipped, action })
        };
        let query = match self {
            Command::Apply { desired, allow_missing, allow_unsafe, many, writing, write } => {
                let allow = Allow { missing: allow_missing, unsafe_target: allow_unsafe, mark: false };
                return Ok(match many.profiles(names_ini, writing.given_option())? {
                    Some(profiles) => {
                        let action = ManyUsersAction::Apply {
                            allow,
                            options: write.into(),
                            skip_running: writing.skip_running,
                        };
                        many_of((profiles, many.fail_on_skipped), desired, action)
                    }
                    None => write.request(ini, EditRequest::Apply { desired: desired.into(), allow }),
                });
            }
            Command::Check { desired, many, report } => {
                match many.profiles(names_ini, report.given_option())? {
                    Some(profiles) => {
                        let users = (profiles, many.fail_on_skipped);
                        return Ok(many_of(users, desired, ManyUsersAction::Check));
                    }
                    None => Query::Check(desired.into()),
                }
            }
            Command::Detect { desired, many, style } => match many.profiles(names_ini, None)? {
                Some(profiles) => {
                    let users = (profiles, many.fail_on_skipped);
                    return Ok(many_of(users, desired, ManyUsersAction::Detect(style)));
                }
                None => Query::Detect { desired: desired.into(), style },
            },
            Command::Export(args) => Query::Export { output: args.output },
            Command::Schema(args) => return Ok(Request::Schema { output: args.output }),
        };
        Ok(Request::Read { ini, query })
    }
}

impl ValueEnum for DetectStyle {
    fn value_variants<'a>() -> &'a [Self] {
        use DetectStyle::{Configmgr, IntuneApp, IntuneRemediation, Plain};
        &[IntuneApp, IntuneRemediation, Configmgr, Plain]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            DetectStyle::IntuneApp => {
                ("intune-app", "Detection rule of an Intune Win32 app or a ConfigMgr application")
            }
            DetectStyle::IntuneRemediation => {
                ("intune-remediation", "Detection script of an Intune remediation")
            }
            DetectStyle::Configmgr => ("configmgr", "Compliance script of a ConfigMgr configuration item"),
            DetectStyle::Plain => ("plain", "Any other tool, by exit status"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !name.starts_with("env:") => {
            Ok((name.to_string(), value.to_string()))
        }
        _ => Err("expected NAME=VALUE, for example extension=201".to_string()),
    }
}

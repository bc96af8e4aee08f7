//! Applying a desired state to the ini of one user, in one transaction, or comparing them.

use std::path::PathBuf;

use crate::commands::context::Context;
use crate::commands::desired::apply::Application;
use crate::commands::desired::template::{Rows, Secrets, Template};
use crate::commands::error::Error;
use crate::commands::hook_actions::IniUser;
use crate::commands::ini::Ini;
use crate::commands::write::Write;
use crate::commands::written::WriteOutcome;
use crate::desired::error::{DesiredError, DesiredErrorKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::backup::MadeBy;
use crate::ini::encoding::CodePage;
use crate::microsip::instances::Processes;
use crate::microsip::profiles::{self, Found, Place, Profile};
use crate::platform::FileSystemExt as _;
use crate::request::{ManyUsersAction, WriteOptions};

use super::summary::{Skip, UserState};
use super::walk::{UserWork, ini_in, scoped_fs};

/// MicroSIP recognizes its first start by the missing ini.
const FIRST_RUN_SKIPPED: &str =
    "this ini is new, so MicroSIP won't recognize its first start and won't set itself to start with Windows";

/// The desired state for each user, and what is done with it.
pub struct Work<'a> {
    pub template: &'a Template,
    pub secrets: &'a Secrets<'a>,
    pub rows: &'a Rows<'a>,
    pub processes: &'a Processes,
    pub code_page: Option<CodePage>,
    pub user: IniUser,
    pub action: ManyUsersAction,
}

impl UserWork for Work<'_> {
    fn state_of(
        &self,
        profile: &Profile,
        ini: &mut Option<PathBuf>,
        context: &mut Context<'_>,
    ) -> Result<UserState, Error> {
        let desired = match self.template.desired_for_user(profile, self.rows, self.secrets) {
            Ok(Some(desired)) => desired,
            Ok(None) => return Ok(UserState::Skipped(Skip::NotListed)),
            Err(Error::Desired(error)) if profile.is_default && needs_user(&error) => {
                return Ok(UserState::Skipped(Skip::NeedsUser));
            }
            Err(error) => return Err(error),
        };
        let found = profile.find_ini()?;
        match self.action {
            ManyUsersAction::Check | ManyUsersAction::Detect(_) => {
                let place = match found {
                    Found::Ini(place) => place,
                    Found::NoIni(_) => return Ok(UserState::Skipped(Skip::NoIni)),
                    Found::NoAppData => return Ok(UserState::Skipped(Skip::NoProfile)),
                };
                let application =
                    Application { desired: &desired, allow: Application::WHEN_CHECKED, user: self.user };
                let here = ini_in(&place, self.code_page, context.fs);
                *ini = Some(here.path.clone());
                let fs = scoped_fs(&place, profile.owner.as_ref(), context.fs);
                let context = Context { fs: &fs, report: &mut |_| {}, ..*context };
                let decoded = here.read(&context)?;
                application.check(here, &decoded, self.processes, &context).map(UserState::Checked)
            }
            ManyUsersAction::Apply { allow, options, .. } => {
                let application = Application { desired: &desired, allow, user: self.user };
                let options = options.after_waiting();
                match found {
                    Found::Ini(place) => {
                        *ini = Some(place.path());
                        self.apply(&application, profile, &place, options, context).map(UserState::written)
                    }
                    Found::NoIni(app_data) if options.create => {
                        let path = profiles::ini_below(app_data.path());
                        *ini = Some(path.clone());
                        if options.dry_run {
                            let ini = Ini::plain(path, self.code_page, false);
                            let written = application.apply(self.write(&ini, options), context);
                            return with_first_run(written).map(UserState::written);
                        }
                        let was_there = path.parent().is_some_and(|folder| context.fs.is_dir(folder));
                        let place = profile.create_place(app_data)?;
                        let written = self.apply(&application, profile, &place, options, context);
                        if written.is_err() && !was_there {
                            // It was created for nothing.
                            place.folder.remove_if_empty();
                        }
                        with_first_run(written).map(UserState::written)
                    }
                    Found::NoIni(_) => Ok(UserState::Skipped(Skip::NoIni)),
                    Found::NoAppData => Ok(UserState::Skipped(Skip::NoProfile)),
                }
            }
        }
    }
}

impl Work<'_> {
    fn apply(
        &self,
        application: &Application<'_>,
        profile: &Profile,
        place: &Place,
        options: WriteOptions,
        context: &mut Context<'_>,
    ) -> Result<WriteOutcome, Error> {
        let fs = scoped_fs(place, profile.owner.as_ref(), context.fs);
        let mut context = Context { fs: &fs, report: &mut |_| {}, ..*context };
        let ini = ini_in(place, self.code_page, context.fs);
        application.apply(self.write(&ini, options), &mut context)
    }

    fn write<'w>(&'w self, ini: &'w Ini, options: WriteOptions) -> Write<'w> {
        Write { ini, options, made_by: MadeBy::Edit, processes: self.processes }
    }
}

fn with_first_run(written: Result<WriteOutcome, Error>) -> Result<WriteOutcome, Error> {
    written.map(|mut written| {
        written.warnings.push(Diagnostic::new(Code::FirstRunSkipped, FIRST_RUN_SKIPPED));
        written
    })
}

/// Returns whether a state isn't wrong, but needs a user: it has a user's variables, or only accounts.
fn needs_user(error: &DesiredError) -> bool {
    matches!(
        &*error.kind,
        DesiredErrorKind::Empty
            | DesiredErrorKind::UndefinedVariable { .. }
            | DesiredErrorKind::EnvironmentOfCaller { .. }
    )
}

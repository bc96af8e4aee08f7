//! The work on each of many users. Each ini is one transaction, and one failure doesn't stop the others.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::budget::Budget;
use crate::commands::context::{Context, RunEvent};
use crate::commands::desired::apply::Application;
use crate::commands::desired::parallel::in_parallel;
use crate::commands::desired::template::{Rows, Secrets, Template};
use crate::commands::error::Error;
use crate::commands::hook_actions::IniUser;
use crate::commands::ini::{Ini, LARGEST_INI};
use crate::commands::outcome::Outcome as _;
use crate::commands::write::{Write, start_again};
use crate::commands::written::WriteOutcome;
use crate::desired::error::{DesiredError, DesiredErrorKind};
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::edit::transaction::Progress;
use crate::ini::encoding::CodePage;
use crate::microsip::closing::Closing;
use crate::microsip::guard::Watch;
use crate::microsip::instances::{Instance, Processes, ScanError};
use crate::microsip::profiles::{self, Found, Place, Profile};
use crate::platform::{FileSystem, FileSystemExt, Owner, ScopedFs};
use crate::request::{ManyUsersAction, WhileRunning, WriteOptions};

use super::summary::{Skip, Summary, UserResult, UserState, is_about_running};

/// MicroSIP recognizes its first start by the missing ini.
const FIRST_RUN_SKIPPED: &str =
    "this ini is new, so MicroSIP won't recognize its first start and won't set itself to start with Windows";

/// The work on each user.
pub struct Work<'a> {
    pub budget: Budget,
    pub template: &'a Template,
    pub secrets: &'a Secrets<'a>,
    pub rows: &'a Rows<'a>,
    pub processes: Processes,
    pub code_page: Option<CodePage>,
    pub user: IniUser,
    pub action: ManyUsersAction,
}

/// A user whose ini is in use.
struct Blocked {
    profile: Profile,
    result: UserResult,
}

impl Work<'_> {
    /// Works on all users. `lists_missing` adds a result for each user in the table who has no folder.
    pub fn on(
        &self,
        profiles: Vec<Profile>,
        lists_missing: bool,
        fail_on_skipped: bool,
        context: &mut Context<'_>,
    ) -> Summary {
        let dry_run = matches!(self.action, ManyUsersAction::Apply { options, .. } if options.dry_run);
        let is_check = !matches!(self.action, ManyUsersAction::Apply { .. });
        let missing = if lists_missing { &self.rows.without_folder[..] } else { &[] };
        let mut summary = Summary {
            total: profiles.len() + missing.len(),
            is_check,
            dry_run,
            fail_on_skipped,
            matched_nobody: self.rows.match_nobody(),
            ..Summary::default()
        };
        (context.report)(RunEvent::Users { total: summary.total });
        for user in missing {
            let state = UserState::Skipped(Skip::NoFolder);
            let result = UserResult { user: user.to_string(), folder: None, ini: None, state };
            self.finish(result, &mut summary, context);
        }
        let mut blocked = self.pass(profiles, &mut summary, context);
        if let ManyUsersAction::Apply { options, skip_running: false, .. } = self.action {
            blocked = self.wait_for(blocked, options, &mut summary, context);
        }
        for Blocked { result, .. } in blocked {
            self.finish(result, &mut summary, context);
        }
        summary.finish()
    }

    /// Works on every user whose ini isn't in use. Returns the others.
    fn pass(&self, profiles: Vec<Profile>, summary: &mut Summary, context: &mut Context<'_>) -> Vec<Blocked> {
        let mut blocked = Vec::new();
        let Context { env, fs, now, stop, variable, secret, hashes, .. } = *context;
        let work = |profile: Profile| {
            // The steps of a single user would flood the report of many.
            let mut context = Context { env, fs, now, stop, variable, secret, hashes, report: &mut |_| {} };
            let result = self.result_of(&profile, &mut context);
            (profile, result)
        };
        let left = in_parallel(profiles, stop, &work, &mut |(profile, result)| {
            if self.is_blocked(&result) {
                blocked.push(Blocked { profile, result });
            } else {
                self.finish(result, summary, context);
            }
        });
        for Profile { user, folder, .. } in left {
            let state = UserState::Skipped(Skip::Interrupted);
            self.finish(UserResult { user, folder: Some(folder), ini: None, state }, summary, context);
        }
        blocked
    }

    fn finish(&self, mut result: UserResult, summary: &mut Summary, context: &mut Context<'_>) {
        let skips_running = matches!(self.action, ManyUsersAction::Apply { skip_running: true, .. });
        let is_stopped = (context.stop)();
        let skip = match &result.state {
            UserState::Failed(error) if !error.changed() => match error.code() {
                Code::MicrosipRunning if is_stopped => Some(Skip::Interrupted),
                Code::MicrosipRunning if skips_running => Some(Skip::Running),
                Code::Interrupted => Some(Skip::Interrupted),
                _ => None,
            },
            _ => None,
        };
        if let Some(skip) = skip {
            result.state = UserState::Skipped(skip);
        }
        (context.report)(RunEvent::UserDone(&result));
        summary.add(result);
    }

    /// Returns whether an instance must exit before more can be done.
    fn is_blocked(&self, result: &UserResult) -> bool {
        let ManyUsersAction::Apply { options, .. } = self.action else { return false };
        match &result.state {
            UserState::Failed(error) => is_about_running(error),
            // What an instance saves when it closes can only be compared after that.
            UserState::Written(written) => {
                let is_used =
                    || written.warnings.iter().any(|diagnostic| diagnostic.code == Code::MicrosipRunning);
                !options.dry_run && options.while_running != WhileRunning::Wait && is_used()
            }
            _ => false,
        }
    }

    /// Waits until the instances of these users exit, for one timeout in all, and works on each user whose instance has
    /// exited. Returns the users whose instances are still running.
    fn wait_for(
        &self,
        mut blocked: Vec<Blocked>,
        options: WriteOptions,
        summary: &mut Summary,
        context: &mut Context<'_>,
    ) -> Vec<Blocked> {
        let until = Instant::now() + options.timeout;
        let mut closing = (options.while_running != WhileRunning::Wait).then(Closing::default);
        let mut watch = Watch::default();
        while !blocked.is_empty() && !(context.stop)() {
            let blockers = match self.blockers_of(&blocked) {
                Ok(blockers) => blockers,
                Err(error) => {
                    (context.report)(RunEvent::Warning(Diagnostic::from(&error)));
                    break;
                }
            };
            let is_used = |user: &Blocked| uses_any(&blockers, &user.result);
            let (used, free): (Vec<Blocked>, Vec<Blocked>) = blocked.into_iter().partition(is_used);
            blocked = used;
            let free = free.into_iter().map(|user| user.profile).collect();
            blocked.extend(self.pass(free, summary, context));
            let left = until.saturating_duration_since(Instant::now());
            if blocked.is_empty() || left.is_zero() {
                break;
            }
            for diagnostic in closing.iter_mut().flat_map(|closing| closing.ask(&blockers)) {
                (context.report)(RunEvent::Warning(diagnostic));
            }
            (context.report)(RunEvent::Progress(Progress::Waiting { blockers: &blockers, until }));
            watch.pause(&blockers, left);
        }
        if let Some(closing) = closing {
            start_again(closing, options.while_running, &self.processes, context);
        }
        blocked
    }

    /// Returns the instances that use the inis of these users.
    fn blockers_of(&self, blocked: &[Blocked]) -> Result<Vec<Instance>, ScanError> {
        let mut running = self.processes.instances(&["microsip"])?;
        running.retain(|instance| {
            blocked.iter().filter_map(|user| user.result.ini.as_ref()).any(|ini| instance.blocks(ini))
        });
        Ok(running)
    }

    fn result_of(&self, profile: &Profile, context: &mut Context<'_>) -> UserResult {
        let mut ini = None;
        let state = self.state_of(profile, &mut ini, context);
        let mut state = state.unwrap_or_else(|error| UserState::Failed(Box::new(error)));
        if let UserState::Written(written) = &mut state
            && written.changed()
        {
            written.warnings.extend(profile.may_be_moved.then(maybe_moved));
        }
        UserResult { user: profile.user.clone(), folder: Some(profile.folder.clone()), ini, state }
    }

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
        let size = match &found {
            Found::Ini(place) => context.fs.link_metadata(place.file().to_open()).map_or(0, |ini| ini.len()),
            Found::NoIni(_) | Found::NoAppData => 0,
        };
        let _permit = self.budget.acquire(size);
        match self.action {
            ManyUsersAction::Check | ManyUsersAction::Detect(_) => {
                let place = match found {
                    Found::Ini(place) => place,
                    Found::NoIni(_) => return Ok(UserState::Skipped(Skip::NoIni)),
                    Found::NoAppData => return Ok(UserState::Skipped(Skip::NoProfile)),
                };
                let application =
                    Application { desired: &desired, allow: Application::WHEN_CHECKED, user: self.user };
                let here = self.ini_in(&place, context.fs);
                *ini = Some(here.path.clone());
                let fs = scoped_fs(&place, profile.owner.as_ref(), context.fs);
                let context = Context { fs: &fs, report: &mut |_| {}, ..*context };
                let decoded = here.read(&context)?;
                application.check(here, &decoded, &self.processes, &context).map(UserState::Checked)
            }
            ManyUsersAction::Apply { allow, options, .. } => {
                let application = Application { desired: &desired, allow, user: self.user };
                let options =
                    WriteOptions { timeout: Duration::ZERO, while_running: WhileRunning::Wait, ..options };
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
        let ini = self.ini_in(place, context.fs);
        application.apply(self.write(&ini, options), &mut context)
    }

    fn write<'w>(&'w self, ini: &'w Ini, options: WriteOptions) -> Write<'w> {
        Write { ini, options, made_by: MadeBy::Edit, processes: &self.processes }
    }

    /// Returns the ini of a place, opened through its pinned folder.
    fn ini_in(&self, place: &Place, fs: &dyn FileSystem) -> Ini {
        let file = place.file();
        let exists = fs.link_metadata(file.to_open()).is_ok();
        Ini { file, ..Ini::plain(place.path(), self.code_page, exists) }
    }
}

fn uses_any(blockers: &[Instance], result: &UserResult) -> bool {
    result.ini.as_ref().is_some_and(|ini| blockers.iter().any(|instance| instance.blocks(ini)))
}

fn scoped_fs<'a>(
    place: &'a Place,
    owner: Option<&'a Owner>,
    fs: &'a (dyn FileSystem + Sync),
) -> ScopedFs<'a> {
    ScopedFs::new(fs, &place.folder, owner, LARGEST_INI)
}

fn with_first_run(written: Result<WriteOutcome, Error>) -> Result<WriteOutcome, Error> {
    written.map(|mut written| {
        written.warnings.push(Diagnostic::new(Code::FirstRunSkipped, FIRST_RUN_SKIPPED));
        written
    })
}

/// Returns the warning about an ini that was changed, but that MicroSIP may not use.
fn maybe_moved() -> Diagnostic {
    let message = "the user is logged off, so it isn't known whether the AppData folder is redirected; if it is, \
                   MicroSIP uses another ini";
    Diagnostic::new(Code::ProfileMaybeMoved, message)
        .with_hint("where AppData is redirected, run msipcfg on the file server with --profiles")
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

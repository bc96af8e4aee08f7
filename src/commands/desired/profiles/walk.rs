//! The walk through the users' folders: the work on several at the same time, and waiting for those whose MicroSIP is
//! running. One failure doesn't stop the others.

use std::path::PathBuf;
use std::time::Instant;

use crate::budget::Budget;
use crate::commands::context::{Context, RunEvent};
use crate::commands::desired::parallel::in_parallel;
use crate::commands::error::Error;
use crate::commands::ini::{Ini, LARGEST_INI};
use crate::commands::outcome::Outcome as _;
use crate::commands::write::start_again;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::transaction::Progress;
use crate::ini::encoding::CodePage;
use crate::microsip::closing::Closing;
use crate::microsip::guard::Watch;
use crate::microsip::instances::{Instance, Processes, ScanError};
use crate::microsip::profiles::{Place, Profile};
use crate::platform::{FileSystem, Owner, ScopedFs};
use crate::request::{WhileRunning, WriteOptions};

use super::summary::{Skip, Summary, UserResult, UserState};

/// The work on one user.
pub trait UserWork: Sync {
    /// Does the work. `ini` becomes the ini of the user as soon as it is known.
    ///
    /// # Errors
    /// It failed for this user.
    fn state_of(
        &self,
        profile: &Profile,
        ini: &mut Option<PathBuf>,
        context: &mut Context<'_>,
    ) -> Result<UserState, Error>;
}

/// What is done about inis in use.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// How the inis are written. The timeout applies to all of them together.
    pub options: WriteOptions,
    /// Whether inis in use are skipped rather than waited for.
    pub skip_running: bool,
}

/// A walk through the users' folders.
pub struct Walk<'a> {
    work: &'a dyn UserWork,
    processes: &'a Processes,
    waiting: Option<Waiting>,
    /// The memory for inis that are worked on at the same time: what the largest one needs.
    budget: Budget,
}

/// A user whose ini is in use.
struct Blocked {
    profile: Profile,
    result: UserResult,
}

impl<'a> Walk<'a> {
    /// Returns the walk that does this work on each user. `processes` are searched for instances that use the inis, and
    /// `waiting` says what is done about these; `None` if nothing is written.
    pub fn new(work: &'a dyn UserWork, processes: &'a Processes, waiting: Option<Waiting>) -> Walk<'a> {
        Walk { work, processes, waiting, budget: Budget::new(LARGEST_INI) }
    }

    /// Works on all users and adds their results to the summary. The users in `missing` have no folder.
    pub fn on(
        &self,
        profiles: Vec<Profile>,
        missing: &[&str],
        mut summary: Summary,
        context: &mut Context<'_>,
    ) -> Summary {
        summary.total = profiles.len() + missing.len();
        (context.report)(RunEvent::Users { total: summary.total });
        for user in missing {
            let state = UserState::Skipped(Skip::NoFolder);
            let result = UserResult { user: user.to_string(), folder: None, ini: None, state };
            self.finish(result, &mut summary, context);
        }
        let mut blocked = self.pass(profiles, &mut summary, context);
        if let Some(Waiting { options, skip_running: false }) = self.waiting {
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
        let skips_running = self.waiting.is_some_and(|waiting| waiting.skip_running);
        let is_stopped = (context.stop)();
        let skip = match result.state.error() {
            Some(error) if !result.state.changed() => match error.code() {
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
        let Some(Waiting { options, .. }) = self.waiting else { return false };
        if let Some(error) = result.state.error() {
            return error.is_about_running();
        }
        match &result.state {
            // What an instance saves when it closes can only be compared after that.
            UserState::Written(_) | UserState::Removed(_) => {
                let mut codes = result.warnings().iter().map(|diagnostic| diagnostic.code);
                !options.dry_run
                    && options.while_running != WhileRunning::Wait
                    && codes.any(|code| code == Code::MicrosipRunning)
            }
            UserState::Checked(_) | UserState::Skipped(_) | UserState::Failed(_) => false,
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
            start_again(closing, options.while_running, self.processes, context);
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
        let sizes = profile.inis().into_iter().flatten().flatten();
        let sizes =
            sizes.map(|place| context.fs.link_metadata(place.file().to_open()).map_or(0, |ini| ini.len()));
        let _permit = self.budget.acquire(sizes.max().unwrap_or(0));
        let state = self.work.state_of(profile, &mut ini, context);
        let mut state = state.unwrap_or_else(|error| UserState::Failed(Box::new(error)));
        if profile.may_be_moved && state.changed() {
            state.warn(maybe_moved());
        }
        UserResult { user: profile.user.clone(), folder: Some(profile.folder.clone()), ini, state }
    }
}

/// Returns the ini of a place, opened through its pinned folder.
pub fn ini_in(place: &Place, code_page: Option<CodePage>, fs: &dyn FileSystem) -> Ini {
    let file = place.file();
    let exists = fs.link_metadata(file.to_open()).is_ok();
    Ini { file, ..Ini::plain(place.path(), code_page, exists) }
}

fn uses_any(blockers: &[Instance], result: &UserResult) -> bool {
    result.ini.as_ref().is_some_and(|ini| blockers.iter().any(|instance| instance.blocks(ini)))
}

/// Returns the file system of the folder of an ini.
pub fn scoped_fs<'a>(
    place: &'a Place,
    owner: Option<&'a Owner>,
    fs: &'a (dyn FileSystem + Sync),
) -> ScopedFs<'a> {
    ScopedFs::new(fs, &place.folder, owner, LARGEST_INI)
}

/// Returns the warning about an ini that was changed, but that MicroSIP may not use.
fn maybe_moved() -> Diagnostic {
    let message = "the user is logged off, so it isn't known whether the AppData folder is redirected; if it is, \
                   MicroSIP uses another ini";
    Diagnostic::new(Code::ProfileMaybeMoved, message)
        .with_hint("where AppData is redirected, run msipcfg on the file server with --profiles")
}

//! The inis of many users: each is one transaction, and what becomes of one does not stop the others.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::desired::passwords::PasswordHasher;
use crate::desired::{DesiredError, What};
use crate::diagnostic::{Code, Diagnostic, ExitStatus, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::edit::transaction::Progress;
use crate::ini::encoding::CodePage;
use crate::microsip::closing::Closing;
use crate::microsip::guard::Watch;
use crate::microsip::instances::{Instance, Processes};
use crate::microsip::profiles::{self, Found, Place, Profile};
use crate::platform::{self, FileSystem, Owner, ScopedFs};
use crate::request::{Many, ManyOrder, Profiles, WhileRunning, WriteOptions};

use super::ini_file::{Ini, LARGEST_INI};
use super::parallel::{Room, in_parallel};
use super::passwords::new_salt;
use super::provision::{Applying, Checked};
use super::recipe::{Recipe, Secrets};
use super::write::{Writing, start_again};
use super::{Context, Error, RunEvent, Written};

/// What became of the ini of one user.
#[derive(Debug)]
pub struct Handled {
    /// The user.
    pub user: String,
    /// The user's folder.
    pub folder: PathBuf,
    /// The ini, where it was come to.
    pub ini: Option<PathBuf>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an ini.
#[derive(Debug)]
pub enum Outcome {
    /// It was brought into the wanted state, or would be, or was in it.
    Written(Written),
    /// It was compared with the wanted state.
    Checked(Checked),
    /// Nothing was to be done about it.
    Skipped(Skip),
    /// It could not be done.
    Failed {
        /// Why.
        error: Box<Error>,
        /// Whether it was written before that.
        changed: bool,
    },
}

/// Why nothing was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The user has no ini, and none was to be made.
    NoIni,
    /// It is no folder of a user.
    NoProfile,
    /// The table of users does not list the user.
    NotListed,
    /// What is wanted takes a user, and this is what new users' folders are made from.
    NeedsUser,
    /// A MicroSIP uses the ini, and none was to be waited for.
    Running,
    /// It was interrupted before this one.
    Interrupted,
}

impl Skip {
    /// The reason as scripts see it.
    pub fn name(self) -> &'static str {
        match self {
            Skip::NoIni => "no-ini",
            Skip::NoProfile => "no-profile",
            Skip::NotListed => "not-listed",
            Skip::NeedsUser => "needs-user",
            Skip::Running => "microsip-running",
            Skip::Interrupted => "interrupted",
        }
    }

    /// The reason for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Skip::NoIni => "there is no MicroSIP.ini; --create makes one",
            Skip::NoProfile => "it has no AppData folder, so it is no user's",
            Skip::NotListed => "the table of users has no line for this user",
            Skip::NeedsUser => {
                "the file says what takes a user, and this folder is what new users' are made from"
            }
            Skip::Running => "MicroSIP is running",
            Skip::Interrupted => "it was interrupted before this user",
        }
    }
}

/// What became of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Whether they were only compared.
    pub is_check: bool,
    /// Whether this only says what would be.
    pub dry_run: bool,
    /// How many users there are.
    pub total: usize,
    /// How many inis were written, or would be.
    pub changed: usize,
    /// How many are in the wanted state and were so.
    pub in_state: usize,
    /// How many are not, of those that were compared.
    pub differing: usize,
    /// About how many nothing was to be done.
    pub skipped: usize,
    /// How many could not be done.
    pub failed: usize,
    /// How many of those because a MicroSIP was still running.
    pub running: usize,
    /// How many of those because it was interrupted before.
    pub interrupted: usize,
}

/// Why the work on many inis did not end well.
#[derive(Debug, thiserror::Error)]
pub enum SummaryFault {
    #[error("interrupted after {done} of {total} users; every ini is whole")]
    Stopped { done: usize, total: usize },
    #[error("MicroSIP was still running for {0}")]
    Running(Count),
    #[error("{0} could not be done")]
    Failed(Count),
}

/// A number of users, for people.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub usize);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} user{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

impl ToDiagnostic for SummaryFault {
    fn code(&self) -> Code {
        match self {
            SummaryFault::Stopped { .. } => Code::Interrupted,
            SummaryFault::Running(_) => Code::MicrosipRunning,
            SummaryFault::Failed(_) => Code::SomeFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                SummaryFault::Failed(_) => {
                    "mend what was told of them, then run the same command again: what is done stays done"
                }
                _ => "run the same command again: what is done stays done, and the rest is taken up",
            }
            .into(),
        )
    }
}

impl Summary {
    /// Why it did not end well, if it did not.
    pub fn fault(&self) -> Option<SummaryFault> {
        if self.interrupted > 0 {
            Some(SummaryFault::Stopped { done: self.total - self.interrupted, total: self.total })
        } else if self.failed > self.running {
            Some(SummaryFault::Failed(Count(self.failed)))
        } else if self.running > 0 {
            Some(SummaryFault::Running(Count(self.running)))
        } else {
            None
        }
    }

    /// How the program ends with it.
    pub fn status(&self) -> ExitStatus {
        match self.fault() {
            Some(fault) => fault.code().exit_status(),
            None if self.differing > 0 => ExitStatus::No,
            None => ExitStatus::Done,
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Written(written) if written.changed => self.changed += 1,
            Outcome::Checked(checked) if !checked.is_in_state => self.differing += 1,
            Outcome::Written(_) | Outcome::Checked(_) => self.in_state += 1,
            Outcome::Skipped(skip) => {
                self.skipped += 1;
                self.interrupted += usize::from(*skip == Skip::Interrupted);
            }
            Outcome::Failed { error, .. } => {
                self.failed += 1;
                self.running += usize::from(is_about_running(error));
            }
        }
    }
}

fn is_about_running(error: &Error) -> bool {
    matches!(error.code(), Code::MicrosipRunning | Code::EditMayBeUndone)
}

/// The remark that MicroSIP finds an ini at its first start.
#[derive(Debug, thiserror::Error)]
#[error(
    "this ini is new, so MicroSIP will not take its first start for one, and not set itself to start with Windows"
)]
struct FirstRunWarning;

impl ToDiagnostic for FirstRunWarning {
    fn code(&self) -> Code {
        Code::FirstRunSkipped
    }
}

/// Brings the inis of many users into a state, or compares them with it.
pub fn run(many: &Many, context: &mut Context<'_>) -> Result<Summary, Error> {
    let recipe = Recipe::load(&many.desired, context)?;
    let profiles = profiles_of(&many.profiles)?;
    let secrets = Secrets::new(context.secret);
    recipe.check_for(&profiles, &secrets)?;
    tell_of_others(many, &recipe, &profiles, context);
    let code_page = match many.profiles {
        Profiles::OfThisMachine => {
            many.code_page.or_else(|| CodePage::from_number(platform::ansi_code_page()?))
        }
        // another machine's
        Profiles::In(_) => many.code_page,
    };
    let hashes = PasswordHasher::new(&new_salt);
    let work = Work {
        room: Room::new(),
        recipe: &recipe,
        secrets: &secrets,
        hashes: &hashes,
        processes: Processes::default(),
        code_page,
        order: many.order,
    };
    work.on(profiles, context)
}

/// Whoever is listed and has no folder may be misspelt. A table for all PCs lists more than are on this one.
fn tell_of_others(many: &Many, recipe: &Recipe, profiles: &[Profile], context: &mut Context<'_>) {
    let others = recipe.listed_others(profiles);
    let is_usual = many.profiles == Profiles::OfThisMachine;
    if !others.is_empty() && !is_usual {
        const MOST_NAMES: usize = 5;
        let names = others[..others.len().min(MOST_NAMES)].join(", ");
        (context.report)(RunEvent::Warning(Diagnostic::from(&OthersWarning { count: others.len(), names })));
    }
}

/// The remark that the table of users lists some who have no folder.
#[derive(Debug, thiserror::Error)]
#[error("the table of users lists {} without a folder: {names}", Count(*.count))]
struct OthersWarning {
    count: usize,
    names: String,
}

impl ToDiagnostic for OthersWarning {
    fn code(&self) -> Code {
        Code::UserWithoutFolder
    }
}

fn profiles_of(profiles: &Profiles) -> Result<Vec<Profile>, Error> {
    let (found, folder) = match profiles {
        Profiles::OfThisMachine => (profiles::of_this_machine().ok_or(Error::NoUsersHere)?, None),
        Profiles::In(folder) => {
            // the folders in it are told of by full paths, whatever becomes of the current folder
            let path = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            let unreadable = |source| Error::ProfilesUnreadable { folder: folder.clone(), source };
            (profiles::in_folder(&path).map_err(unreadable)?, Some(folder.clone()))
        }
    };
    if found.is_empty() { Err(Error::NoProfiles { folder }) } else { Ok(found) }
}

/// What is done about each.
struct Work<'a> {
    room: Room,
    recipe: &'a Recipe,
    secrets: &'a Secrets<'a>,
    hashes: &'a PasswordHasher<'a>,
    processes: Processes,
    code_page: Option<CodePage>,
    order: ManyOrder,
}

/// A user whose ini a MicroSIP uses.
struct Blocked {
    profile: Profile,
    handled: Handled,
}

impl Work<'_> {
    fn on(&self, profiles: Vec<Profile>, context: &mut Context<'_>) -> Result<Summary, Error> {
        let dry_run = matches!(self.order, ManyOrder::Apply { options, .. } if options.dry_run);
        let is_check = !matches!(self.order, ManyOrder::Apply { .. });
        let mut summary = Summary { is_check, dry_run, total: profiles.len(), ..Summary::default() };
        (context.report)(RunEvent::Profiles { total: profiles.len() });
        let mut held = self.pass(profiles, &mut summary, context);
        if let ManyOrder::Apply { options, skip_running: false, .. } = self.order {
            held = self.wait_for(held, options, &mut summary, context);
        }
        for Blocked { handled, .. } in held {
            self.finish(handled, &mut summary, context);
        }
        Ok(summary)
    }

    /// Does what can be done at once. Gives those whose MicroSIP runs.
    fn pass(&self, profiles: Vec<Profile>, summary: &mut Summary, context: &mut Context<'_>) -> Vec<Blocked> {
        let mut held = Vec::new();
        let Context { env, fs, now, stop, secret, .. } = *context;
        let work = |profile: Profile| {
            // what is told of a single one would be a babel of many
            let mut context = Context { env, fs, now, stop, secret, report: &mut |_| {} };
            let handled = self.handle(&profile, &mut context);
            (profile, handled)
        };
        let left = in_parallel(profiles, stop, &work, &mut |(profile, handled)| {
            if self.is_held(&handled) {
                held.push(Blocked { profile, handled });
            } else {
                self.finish(handled, summary, context);
            }
        });
        for Profile { user, folder, .. } in left {
            let outcome = Outcome::Skipped(Skip::Interrupted);
            self.finish(Handled { user, folder, ini: None, outcome }, summary, context);
        }
        held
    }

    fn finish(&self, mut handled: Handled, summary: &mut Summary, context: &mut Context<'_>) {
        let skips_running = matches!(self.order, ManyOrder::Apply { skip_running: true, .. });
        let is_stopped = (context.stop)();
        let skip = match &handled.outcome {
            Outcome::Failed { error, changed: false } => match error.code() {
                Code::MicrosipRunning if is_stopped => Some(Skip::Interrupted),
                Code::MicrosipRunning if skips_running => Some(Skip::Running),
                Code::Interrupted => Some(Skip::Interrupted),
                _ => None,
            },
            _ => None,
        };
        if let Some(skip) = skip {
            handled.outcome = Outcome::Skipped(skip);
        }
        summary.count(&handled.outcome);
        (context.report)(RunEvent::Handled(&handled));
    }

    /// Whether a MicroSIP has to end before more can be done.
    fn is_held(&self, handled: &Handled) -> bool {
        let ManyOrder::Apply { options, .. } = self.order else { return false };
        match &handled.outcome {
            Outcome::Failed { error, .. } => is_about_running(error),
            // what it saves when it closes is compared then
            Outcome::Written(written) => {
                let is_used = || written.warnings.iter().any(|notice| notice.code == Code::MicrosipRunning);
                !options.dry_run && options.while_running != WhileRunning::Wait && is_used()
            }
            _ => false,
        }
    }

    /// Waits until their MicroSIPs end, all within one time, and goes on with each whose has. Gives those that are left.
    fn wait_for(
        &self,
        mut held: Vec<Blocked>,
        options: WriteOptions,
        summary: &mut Summary,
        context: &mut Context<'_>,
    ) -> Vec<Blocked> {
        let until = Instant::now() + options.timeout;
        let mut closing = (options.while_running != WhileRunning::Wait).then(Closing::default);
        let mut watch = Watch::default();
        while !held.is_empty() && !(context.stop)() {
            let blockers = self.holders_of(&held);
            let is_used = |held: &Blocked| uses_any(&blockers, &held.handled);
            let (used, free): (Vec<Blocked>, Vec<Blocked>) = held.into_iter().partition(is_used);
            held = used;
            let free = free.into_iter().map(|held| held.profile).collect();
            held.extend(self.pass(free, summary, context));
            let left = until.saturating_duration_since(Instant::now());
            if held.is_empty() || left.is_zero() {
                break;
            }
            for notice in closing.iter_mut().flat_map(|closing| closing.ask(&blockers)) {
                (context.report)(RunEvent::Warning(notice));
            }
            (context.report)(RunEvent::Progress(Progress::Waiting { blockers: &blockers, until }));
            watch.pause(&blockers, &self.processes, left);
        }
        if let Some(closing) = closing {
            start_again(closing, options.while_running, &self.processes, context);
        }
        held
    }

    /// Those that use the inis of these users.
    fn holders_of(&self, held: &[Blocked]) -> Vec<Instance> {
        let mut running = self.processes.instances(&["microsip"]);
        running.retain(|instance| {
            held.iter().filter_map(|held| held.handled.ini.as_ref()).any(|ini| instance.blocks(ini))
        });
        running
    }

    fn handle(&self, profile: &Profile, context: &mut Context<'_>) -> Handled {
        let mut ini = None;
        let outcome = self.outcome(profile, &mut ini, context).unwrap_or_else(|error| {
            let changed = error.changed();
            Outcome::Failed { error: Box::new(error), changed }
        });
        Handled { user: profile.user.clone(), folder: profile.folder.clone(), ini, outcome }
    }

    fn outcome(
        &self,
        profile: &Profile,
        ini: &mut Option<PathBuf>,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Error> {
        let desired = match self.recipe.desired_for_user(profile, self.secrets) {
            Ok(Some(desired)) => desired,
            Ok(None) => return Ok(Outcome::Skipped(Skip::NotListed)),
            Err(error) if profile.is_default && is_about_variables(&error) => {
                return Ok(Outcome::Skipped(Skip::NeedsUser));
            }
            Err(error) => return Err(error.into()),
        };
        let found = profile.look()?;
        let size = match &found {
            Found::Ini(place) => {
                context.fs.link_metadata(&place.folder.inside(&place.name)).map_or(0, |ini| ini.len)
            }
            Found::NoIni(_) | Found::NoAppData => 0,
        };
        let _room = self.room.take(size);
        match self.order {
            ManyOrder::Check | ManyOrder::Detect(_) => {
                let place = match found {
                    Found::Ini(place) => place,
                    Found::NoIni(_) => return Ok(Outcome::Skipped(Skip::NoIni)),
                    Found::NoAppData => return Ok(Outcome::Skipped(Skip::NoProfile)),
                };
                let applying =
                    Applying { desired: &desired, allow: Applying::WHEN_CHECKED, hashes: self.hashes };
                let here = self.ini_in(&place);
                *ini = Some(here.path.clone());
                let fs = held_disk(&place, None, context.fs);
                let context = Context { fs: &fs, report: &mut |_| {}, ..*context };
                let decoded = here.read(&context)?;
                applying.check(here, &decoded, &self.processes, &context).map(Outcome::Checked)
            }
            ManyOrder::Apply { allow, options, .. } => {
                let applying = Applying { desired: &desired, allow, hashes: self.hashes };
                let options =
                    WriteOptions { timeout: Duration::ZERO, while_running: WhileRunning::Wait, ..options };
                match found {
                    Found::Ini(place) => {
                        *ini = Some(place.path());
                        self.apply(&applying, profile, &place, options, context).map(Outcome::Written)
                    }
                    Found::NoIni(app_data) if options.create => {
                        let path = profiles::ini_below(app_data.path());
                        *ini = Some(path.clone());
                        if options.dry_run {
                            let ini = self.ini_at(path);
                            let writing = self.writing(&ini, false, options);
                            return with_first_run(applying.apply(writing, context)).map(Outcome::Written);
                        }
                        let was_there = path.parent().is_some_and(|folder| context.fs.is_dir(folder));
                        let place = profile.make_place(app_data)?;
                        let written = self.apply(&applying, profile, &place, options, context);
                        if written.is_err() && !was_there {
                            // what was made for nothing, and only if nothing is in it
                            place.folder.remove_if_empty();
                        }
                        with_first_run(written).map(Outcome::Written)
                    }
                    Found::NoIni(_) => Ok(Outcome::Skipped(Skip::NoIni)),
                    Found::NoAppData => Ok(Outcome::Skipped(Skip::NoProfile)),
                }
            }
        }
    }

    fn apply(
        &self,
        applying: &Applying<'_>,
        profile: &Profile,
        place: &Place,
        options: WriteOptions,
        context: &mut Context<'_>,
    ) -> Result<Written, Error> {
        let fs = held_disk(place, profile.owner.as_ref(), context.fs);
        let mut context = Context { fs: &fs, report: &mut |_| {}, ..*context };
        let ini = self.ini_in(place);
        let is_there = context.fs.link_metadata(&ini.reached).is_ok();
        applying.apply(self.writing(&ini, is_there, options), &mut context)
    }

    fn writing<'w>(&'w self, ini: &'w Ini, is_there: bool, options: WriteOptions) -> Writing<'w> {
        Writing { ini, is_there, options, made_by: MadeBy::Edit, processes: &self.processes }
    }

    fn ini_at(&self, path: PathBuf) -> Ini {
        Ini::plain(path, self.code_page)
    }

    /// One that is opened through its held folder.
    fn ini_in(&self, place: &Place) -> Ini {
        Ini { reached: place.folder.inside(&place.name), ..self.ini_at(place.path()) }
    }
}

fn uses_any(blockers: &[Instance], handled: &Handled) -> bool {
    handled.ini.as_ref().is_some_and(|ini| blockers.iter().any(|holder| holder.blocks(ini)))
}

fn held_disk<'a>(
    place: &'a Place,
    owner: Option<&'a Owner>,
    fs: &'a (dyn FileSystem + Sync),
) -> ScopedFs<'a> {
    ScopedFs { fs, folder: &place.folder, owner, max_len: LARGEST_INI }
}

fn with_first_run(written: Result<Written, Error>) -> Result<Written, Error> {
    written.map(|mut written| {
        written.warnings.push(Diagnostic::from(&FirstRunWarning));
        written
    })
}

fn is_about_variables(error: &DesiredError) -> bool {
    matches!(&*error.what, What::Undefined { .. } | What::EnvironmentOfAnother { .. })
}

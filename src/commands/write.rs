//! Writing an ini: everything is checked first, then a transaction carries out what was drafted.

use std::time::Instant;

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::backup::{MadeBy, Policy};
use crate::edit::plan::{self, Change, Edit, LineChange};
use crate::edit::transaction::{self, Content, New, Options, Outcome, Prepared, Progress, Transaction};
use crate::edit::verify::{self, SecondOpinion};
use crate::ini::encoding::Decoded;
use crate::microsip::closing::Closing;
use crate::microsip::guard::{InstanceGuard, RunningInstances};
use crate::microsip::instances::{Instance, Processes};
use crate::platform;
use crate::request::{IniChoice, WhileRunning, WriteOptions};

use super::ini_file::{Ini, LARGEST_INI};
use super::passwords::Followed;
use super::{Context, Error, Report, RunEvent, Written};

/// An edit as it is worked out for a text.
pub(super) struct Draft {
    /// What was there, given back.
    pub original: Option<Vec<u8>>,
    /// What is to become of the file.
    pub new: New,
    /// Whether that is to be written.
    pub is_change: bool,
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
    /// Whether the second reader had a say.
    pub second_opinion: Option<SecondOpinion>,
    /// The backup that this goes back to.
    pub restored: Option<String>,
}

/// Works out an edit for the bytes that are there, if any.
pub(super) type Drafter<'a> = dyn FnMut(&Ini, Option<Vec<u8>>) -> Result<Draft, Error> + 'a;

/// Writes an ini: checks everything first, waits, and says what was done. `draft` works out the edit for the
/// bytes that are there, if any; it is asked again whenever they changed.
pub(super) fn write(
    choice: &IniChoice,
    options: WriteOptions,
    made_by: MadeBy,
    context: &mut Context<'_>,
    draft: &mut Drafter<'_>,
) -> Result<Report, Error> {
    let (ini, is_there) = Ini::find_or_place(choice, options.create, context)?;
    let processes = Processes::default();
    let writing = Writing { ini: &ini, is_there, options, made_by, processes: &processes };
    writing.run(context, draft).map(Report::Written)
}

/// An ini that is to be written.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    /// The ini.
    pub ini: &'a Ini,
    /// Whether it is there already.
    pub is_there: bool,
    /// How it is written.
    pub options: WriteOptions,
    /// What its backup is told to be from.
    pub made_by: MadeBy,
    /// Where those that use it are looked for.
    pub processes: &'a Processes,
}

impl Writing<'_> {
    /// Writes it.
    pub fn run(self, context: &mut Context<'_>, draft: &mut Drafter<'_>) -> Result<Written, Error> {
        let Writing { ini, is_there, options, made_by, processes } = self;
        let mut content = Drafting {
            ini,
            draft,
            may_create: options.create,
            change: None,
            no_change: None,
            passwords: if options.dry_run { None } else { Followed::of(ini, context.fs) },
        };
        let mut closing = (options.while_running != WhileRunning::Wait).then(Closing::default);
        let mut gate = RunningInstances::new(&ini.target, processes, closing.as_mut());
        let bytes = is_there.then(|| ini.bytes(context)).transpose();
        // what its MicroSIP shares with nobody can only be read after that has exited
        let is_held = matches!(&bytes, Err(Error::Unreadable { source, .. }) if platform::is_file_in_use(source))
            && !options.dry_run
            && !gate.blockers().is_empty();
        let drafted = if is_held { Drafted::default() } else { content.draft(bytes?)? };
        let is_change = is_held || drafted.new.is_some();
        let prepared = drafted.original.filter(|_| is_there).zip(drafted.new);
        let prepared = prepared.map(|(current, new)| Prepared { current, new });
        if !is_change && !options.dry_run {
            transaction::remove_leftovers(&ini.reached, context.fs);
        }
        if !is_change || options.dry_run {
            let blockers = gate.blockers();
            // what it saves when it closes is compared then
            let is_decided =
                options.dry_run || blockers.is_empty() || options.while_running == WhileRunning::Wait;
            if is_decided {
                let remark = if is_change { RunningWarning::DryRun } else { RunningWarning::NothingToChange };
                let mut warnings: Vec<Diagnostic> =
                    blockers.into_iter().take(1).map(|holder| Diagnostic::from(&remark(holder))).collect();
                warnings.extend(content.note_passwords(context));
                let outcome = Outcome { changed: is_change, backup: None };
                return Ok(content.report(outcome, options.dry_run, warnings));
            }
        }
        let transaction = Transaction {
            ini: &ini.reached,
            fs: context.fs,
            gate: &mut gate,
            now: context.now,
            stop: context.stop,
            report: &mut |progress| match progress {
                Progress::Warning(notice) => (context.report)(RunEvent::Warning(notice)),
                progress => (context.report)(RunEvent::Progress(progress)),
            },
            options: Options {
                until: Instant::now() + options.timeout,
                backups: Policy { made_by: options.backup.then_some(made_by), keep: options.keep_backups },
            },
            prepared,
        };
        let outcome = transaction.run(&mut content);
        if let Some(closing) = closing {
            start_again(closing, options.while_running, processes, context);
        }
        let outcome = outcome.map_err(|failure| failure.with_paths(|path| ini.known_as(path)))?;
        if let Some(opinion) = content.change.as_ref().and_then(|draft| draft.second_opinion) {
            (context.report)(RunEvent::SecondOpinion(opinion));
        }
        let warnings = content.note_passwords(context).into_iter().collect();
        Ok(content.report(outcome, false, warnings))
    }
}

/// The warning that a MicroSIP uses an ini that is as it should be, and may change it.
pub(super) fn running_notice(ini: &Ini, processes: &Processes) -> Option<Diagnostic> {
    Some(Diagnostic::from(&RunningWarning::NothingToChange(blockers(ini, processes).into_iter().next()?)))
}

/// The MicroSIPs that use an ini.
pub(super) fn blockers(ini: &Ini, processes: &Processes) -> Vec<Instance> {
    RunningInstances::new(&ini.target, processes, None).blockers()
}

/// Tells who was closed, and starts them again if that is wanted, however the edit went.
pub(super) fn start_again(
    closing: Closing,
    while_running: WhileRunning,
    processes: &Processes,
    context: &mut Context<'_>,
) {
    for instance in closing.closed(processes) {
        (context.report)(RunEvent::Closed(instance));
    }
    if while_running == WhileRunning::CloseAndRestart {
        let (restarted, warnings) = closing.restart(processes);
        restarted.into_iter().for_each(|one| (context.report)(RunEvent::Restarted(one)));
        warnings.into_iter().for_each(|notice| (context.report)(RunEvent::Warning(notice)));
    }
}

/// The edits worked out for a text, and verified.
pub(super) fn draft_of(
    decoded: Decoded,
    edits: &[Edit],
    mut warnings: Vec<Diagnostic>,
) -> Result<Draft, Error> {
    let plan = plan::make(&decoded, edits);
    let second_opinion =
        if plan.is_change { Some(verify::check(&decoded.document, &plan.document, edits)?) } else { None };
    warnings.splice(0..0, plan.warnings);
    Ok(Draft {
        original: Some(decoded.into_original()),
        new: New::Text(plan.document.into_bytes()),
        is_change: plan.is_change,
        changes: plan.changes,
        lines: plan.lines,
        warnings,
        second_opinion,
        restored: None,
    })
}

impl Draft {
    pub fn nothing() -> Draft {
        Draft {
            original: None,
            new: New::Gone,
            is_change: false,
            changes: Vec::new(),
            lines: Vec::new(),
            warnings: Vec::new(),
            second_opinion: None,
            restored: None,
        }
    }
}

/// The text of an ini for the transaction, with what was drafted kept for the report.
struct Drafting<'a> {
    ini: &'a Ini,
    draft: &'a mut Drafter<'a>,
    /// Whether an ini that is not there is made.
    may_create: bool,
    /// The latest draft that changes something.
    change: Option<Draft>,
    /// The latest that does not.
    no_change: Option<Draft>,
    /// What is kept of its passwords, if anything is and may change.
    passwords: Option<Followed>,
}

/// What was there, given back without a copy, and what is to become of it if there is something to change.
#[derive(Default)]
struct Drafted {
    original: Option<Vec<u8>>,
    new: Option<New>,
}

impl Drafting<'_> {
    fn draft(&mut self, current: Option<Vec<u8>>) -> Result<Drafted, Error> {
        let is_there = current.is_some();
        if !is_there && !self.may_create {
            return Err(Error::NotThere { ini: self.ini.path.clone() });
        }
        let mut draft = (self.draft)(self.ini, current)?;
        let original = draft.original.take();
        let new = std::mem::replace(&mut draft.new, New::Gone);
        if new.bytes().is_some_and(|bytes| bytes.len() as u64 > LARGEST_INI) {
            return Err(Error::TooLarge { ini: self.ini.path.clone() });
        }
        let is_made = !is_there && new != New::Gone;
        let is_change = draft.is_change || is_made;
        if let Some(passwords) = &mut self.passwords {
            passwords.see(self.ini, original.as_deref(), is_change.then_some(&new));
        }
        let kept = if is_change { &mut self.change } else { &mut self.no_change };
        *kept = Some(draft);
        Ok(Drafted { original, new: is_change.then_some(new) })
    }

    /// Notes what was seen of passwords; only once the ini is as it was drafted.
    fn note_passwords(&mut self, context: &Context<'_>) -> Option<Diagnostic> {
        self.passwords.take().and_then(|passwords| passwords.note(self.ini, context.fs))
    }

    fn report(self, outcome: Outcome, dry_run: bool, more: Vec<Diagnostic>) -> Written {
        let draft = if outcome.changed { self.change } else { self.no_change };
        let Draft { changes, lines, mut warnings, restored, .. } = draft.unwrap_or_else(Draft::nothing);
        warnings.extend(more);
        // several hooks may run the same program
        let mut said: Vec<Diagnostic> = Vec::new();
        warnings.retain(|notice| {
            !said.contains(notice) && {
                said.push(notice.clone());
                true
            }
        });
        let Outcome { changed, backup } = outcome;
        let backup = backup.map(|backup| self.ini.known_as(&backup));
        let ini = self.ini.path.clone();
        Written { ini, changed, dry_run, changes, lines, backup, restored, warnings }
    }
}

impl Content for Drafting<'_> {
    type Error = Error;

    fn make(&mut self, current: Option<&[u8]>) -> Result<Option<New>, Error> {
        self.draft(current.map(<[u8]>::to_vec)).map(|drafted| drafted.new)
    }

    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8> {
        let texts = [old, saved, current].map(|bytes| self.ini.decode(bytes.to_vec()));
        match texts {
            [Ok(old), Ok(saved), Ok(current)] => {
                plan::merge(&old.document, &saved.document, current.document).into_bytes()
            }
            // what MicroSIP saved is whole in itself
            _ => saved.to_vec(),
        }
    }
}

/// The warning that a MicroSIP uses an ini that did not have to be changed.
#[derive(Debug, thiserror::Error)]
enum RunningWarning {
    #[error("MicroSIP is running ({0}) and may save other values over this when it exits")]
    NothingToChange(Instance),
    #[error("MicroSIP is running ({0}); without --dry-run this would wait until it exits")]
    DryRun(Instance),
}

impl ToDiagnostic for RunningWarning {
    fn code(&self) -> Code {
        Code::MicrosipRunning
    }

    fn hint(&self) -> Option<String> {
        match self {
            RunningWarning::NothingToChange(_) => {
                Some("exit it by its menu and run this again to be certain".into())
            }
            RunningWarning::DryRun(_) => None,
        }
    }
}

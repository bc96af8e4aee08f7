//! Writes an ini: checks everything first, then a transaction carries out the draft.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::desired::passwords::PasswordHasher;
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::backup::{BackupPolicy, MadeBy};
use crate::edit::companion::CompanionEdit;
use crate::edit::plan::{self, Change, Edit, LineChange};
use crate::edit::transaction::{
    self, Editor, NewContent, Prepared, Progress, Transaction, TransactionError, TransactionOptions,
    TransactionOutcome,
};
use crate::edit::verify;
use crate::ini::encoding::Decoded;
use crate::microsip::closing::Closing;
use crate::microsip::guard::{InstanceGuard, RunningInstances};
use crate::microsip::instances::{Instance, Processes, ScanError};
use crate::microsip::recognize;
use crate::platform::{self, FileSystem, FileSystemExt};
use crate::request::{WhileRunning, WriteOptions};

use super::context::{Context, RunEvent};
use super::error::Error;
use super::ini::{Ini, LARGEST_INI, too_large};
use super::record::RecordTracker;
use super::written::{ActionsSummary, WriteOutcome};

/// An edit, worked out for the bytes that the ini has now.
pub struct Draft {
    /// What becomes of the file.
    pub new: NewContent,
    /// Whether that differs from what the file is now.
    pub is_change: bool,
    /// The values that change.
    pub changes: Vec<Change>,
    /// The lines that change.
    pub lines: Vec<LineChange>,
    /// Warnings about the edit.
    pub warnings: Vec<Diagnostic>,
    /// The name of the backup that this restores.
    pub restored: Option<String>,
    /// Whether the ini is MicroSIP's.
    pub is_microsip: bool,
    /// The change of the file with the actions, if there is one.
    pub actions: Option<ActionsChange>,
}

/// A change of the file with the actions.
#[derive(Clone, Debug)]
pub struct ActionsChange {
    /// The change of the file.
    pub edit: CompanionEdit,
    /// What the change does.
    pub summary: ActionsSummary,
}

/// Works out an edit for the bytes of an ini; `None` if the ini doesn't exist.
pub type Drafter<'a> = dyn FnMut(&Ini, Option<Vec<u8>>) -> Result<Draft, Error> + 'a;

/// Writes an ini that was chosen before, and returns what was done. `draft` is called again whenever the bytes
/// of the ini have changed.
///
/// # Errors
/// See [`Error`]; the ini is then unchanged unless [`Error::changed`] says otherwise.
pub fn write(
    ini: &Ini,
    options: WriteOptions,
    context: &mut Context<'_>,
    draft: &mut Drafter<'_>,
) -> Result<WriteOutcome, Error> {
    Write { ini, options, made_by: MadeBy::Edit, processes: &Processes::default() }.run(context, draft)
}

/// A write of one ini.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// The ini.
    pub ini: &'a Ini,
    /// How it is written.
    pub options: WriteOptions,
    /// What its backup records as its origin.
    pub made_by: MadeBy,
    /// Where instances that use the ini are looked for.
    pub processes: &'a Processes,
}

impl Write<'_> {
    /// Carries the write out.
    ///
    /// # Errors
    /// As [`write`].
    pub fn run(self, context: &mut Context<'_>, draft: &mut Drafter<'_>) -> Result<WriteOutcome, Error> {
        let Write { ini, options, processes, .. } = self;
        let mut content = Drafting {
            ini,
            hashes: context.hashes,
            draft,
            may_create: options.create,
            any_ini: options.any_ini,
            creates: Vec::new(),
            change: None,
            no_change: None,
            actions: None,
            companion: None,
            record: if options.dry_run { None } else { RecordTracker::of(ini, context.fs) },
        };
        let mut closing = (options.while_running != WhileRunning::Wait).then(Closing::default);
        let mut guard = RunningInstances::new(ini.file.shown(), processes, closing.as_mut());
        let drafted = self.first_draft(&mut content, &mut guard, context)?;
        let is_ini_change = !matches!(drafted, FirstDraft::NoChange);
        let is_change = is_ini_change || content.companion.is_some();
        let hard_links = if is_ini_change { hard_link_warning(ini, context.fs) } else { None };
        if !is_change && !options.dry_run {
            transaction::remove_leftovers(ini.file.to_open(), context.fs);
        }
        if is_change && options.dry_run {
            self.check_writable(context.fs)?;
            content.creates = content.change.as_ref().map_or_else(Vec::new, |_| missing(ini, context.fs));
        }
        if !is_change || options.dry_run {
            let blockers = guard.blockers()?;
            // What an instance saves when it closes can only be compared after that.
            let is_decided =
                options.dry_run || blockers.is_empty() || options.while_running == WhileRunning::Wait;
            if is_decided {
                let warning = if is_ini_change { dry_run_warning } else { no_change_warning };
                // a MicroSIP makes no difference to a change of the actions alone
                let blocker = blockers.first().filter(|_| is_ini_change || !is_change);
                let mut warnings: Vec<Diagnostic> = blocker.map(warning).into_iter().collect();
                warnings.extend(hard_links);
                warnings.extend(content.note_record(context));
                let outcome = TransactionOutcome { changed: is_change, backup: None };
                return Ok(content.outcome(outcome, options.dry_run, warnings));
            }
        }
        let outcome = self.transaction(&mut content, &mut guard, drafted, context);
        if let Some(closing) = closing {
            start_again(closing, options.while_running, processes, context);
        }
        let outcome = outcome?;
        let warnings = hard_links.into_iter().chain(content.note_record(context)).collect();
        Ok(content.outcome(outcome, false, warnings))
    }

    /// Fails if the write would fail, as far as that can be seen without writing.
    fn check_writable(&self, fs: &dyn FileSystem) -> Result<(), Error> {
        let file = &self.ini.file;
        let failed = |kind| {
            let failure = TransactionError { ini: file.to_open().to_path_buf(), changed: false, kind };
            failure.with_paths(|path| file.shown_for(path)).into()
        };
        transaction::check_writable(file.to_open(), fs).map_err(failed)
    }

    /// Works the edit out before anything is waited for, so that nobody waits for an edit that would fail.
    fn first_draft(
        &self,
        content: &mut Drafting<'_>,
        guard: &mut RunningInstances<'_>,
        context: &Context<'_>,
    ) -> Result<FirstDraft, Error> {
        let bytes = self.ini.exists.then(|| self.ini.bytes(context)).transpose();
        // While an instance holds the file without sharing it, it can only be read after that exits.
        let is_held = matches!(&bytes, Err(Error::Unreadable { source, .. }) if platform::is_file_in_use(source))
            && !self.options.dry_run
            && !guard.blockers()?.is_empty();
        if is_held {
            return Ok(FirstDraft::Unknown);
        }
        let bytes = bytes?;
        let new = content.draft(bytes.as_deref())?;
        Ok(match (bytes, new) {
            (_, None) => FirstDraft::NoChange,
            (Some(current), Some(new)) if self.ini.exists => FirstDraft::Change(Prepared { current, new }),
            _ => FirstDraft::Unknown,
        })
    }

    fn transaction(
        &self,
        content: &mut Drafting<'_>,
        guard: &mut RunningInstances<'_>,
        drafted: FirstDraft,
        context: &mut Context<'_>,
    ) -> Result<TransactionOutcome, Error> {
        let Write { ini, options, made_by, .. } = *self;
        let transaction = Transaction {
            ini: ini.file.to_open(),
            fs: context.fs,
            guard,
            now: context.now,
            stop: context.stop,
            report: &mut |progress| match progress {
                Progress::Warning(warning) => (context.report)(RunEvent::Warning(warning)),
                progress => (context.report)(RunEvent::Progress(progress)),
            },
            options: TransactionOptions {
                until: Instant::now() + options.timeout,
                backups: BackupPolicy {
                    made_by: options.backup.then_some(made_by),
                    keep: options.keep_backups,
                },
            },
            only_companion: matches!(drafted, FirstDraft::NoChange) && content.companion.is_some(),
            prepared: match drafted {
                FirstDraft::Change(prepared) => Some(prepared),
                FirstDraft::NoChange | FirstDraft::Unknown => None,
            },
        };
        Ok(transaction.run(content).map_err(|failure| failure.with_paths(|path| ini.file.shown_for(path)))?)
    }
}

/// What the edit comes to before anything is waited for.
enum FirstDraft {
    /// Nothing to change.
    NoChange,
    /// This change of a file that exists.
    Change(Prepared),
    /// A change that is worked out inside the transaction.
    Unknown,
}

/// Returns the warning that an instance uses an ini that needs no change, and may still change it, or that this isn't
/// known.
pub fn running_warning(ini: &Ini, processes: &Processes) -> Option<Diagnostic> {
    match blockers(ini, processes) {
        Ok(blockers) => blockers.first().map(no_change_warning),
        Err(error) => Some(Diagnostic::from(&error)),
    }
}

/// Returns the warning that a replaced ini is no longer the same file as its other names.
fn hard_link_warning(ini: &Ini, fs: &dyn FileSystem) -> Option<Diagnostic> {
    let count = transaction::other_names(ini.file.to_open(), fs);
    let others = if count == 1 { "another name".to_string() } else { format!("{count} other names") };
    let message = format!("{} has {others} (hard links); an edit changes only this one", ini.path.display());
    let hint = "if all of them must stay the same file, delete the others and link them again after the edit";
    (count > 0).then(|| Diagnostic::new(Code::HardLink, message).with_hint(hint))
}

/// Returns the folders and the file that don't exist yet, in the order in which they are created.
fn missing(ini: &Ini, fs: &dyn FileSystem) -> Vec<PathBuf> {
    let missing = ini.file.shown().ancestors().take_while(|path| !fs.exists(path));
    let mut missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    missing.reverse();
    missing
}

fn no_change_warning(instance: &Instance) -> Diagnostic {
    let message =
        format!("MicroSIP is running ({instance}) and may save other values over this when it exits");
    Diagnostic::new(Code::MicrosipRunning, message)
        .with_hint("exit MicroSIP from its menu, then run the command again to be sure")
}

fn dry_run_warning(instance: &Instance) -> Diagnostic {
    let message =
        format!("MicroSIP is running ({instance}); without --dry-run, msipcfg would wait until it exits");
    Diagnostic::new(Code::MicrosipRunning, message)
}

/// Returns the instances that use an ini.
///
/// # Errors
/// It isn't known which instances run.
pub fn blockers(ini: &Ini, processes: &Processes) -> Result<Vec<Instance>, ScanError> {
    RunningInstances::new(ini.file.shown(), processes, None).blockers()
}

/// Reports the instances that were closed, and starts them again if that is wanted, even if the edit failed.
pub fn start_again(
    closing: Closing,
    while_running: WhileRunning,
    processes: &Processes,
    context: &mut Context<'_>,
) {
    for instance in closing.closed() {
        (context.report)(RunEvent::Closed(instance));
    }
    if while_running == WhileRunning::CloseAndRestart {
        let (restarted, warnings) = closing.restart(processes);
        restarted.into_iter().for_each(|one| (context.report)(RunEvent::Restarted(one)));
        warnings.into_iter().for_each(|warning| (context.report)(RunEvent::Warning(warning)));
    }
}

impl Draft {
    /// Works out and verifies edits of a text.
    ///
    /// # Errors
    /// When a second reading of the new text doesn't show exactly these edits.
    pub fn of_edits(decoded: Decoded, edits: &[Edit], mut warnings: Vec<Diagnostic>) -> Result<Draft, Error> {
        let is_microsip = recognize::is_microsip(&decoded.document);
        let plan = plan::make(&decoded, edits);
        if plan.is_change {
            verify::check(&decoded.document, &plan.document, edits)?;
        }
        warnings.splice(0..0, plan.warnings);
        Ok(Draft {
            new: NewContent::Write(plan.document.into_bytes()),
            is_change: plan.is_change,
            changes: plan.changes,
            lines: plan.lines,
            warnings,
            restored: None,
            is_microsip,
            actions: None,
        })
    }

    /// Returns the draft of a deletion that isn't a change yet; callers set what differs.
    pub fn nothing() -> Draft {
        Draft {
            new: NewContent::Delete,
            is_change: false,
            changes: Vec::new(),
            lines: Vec::new(),
            warnings: Vec::new(),
            restored: None,
            is_microsip: true,
            actions: None,
        }
    }
}

/// The content of an ini for the transaction. The latest draft is kept for the outcome.
struct Drafting<'a> {
    ini: &'a Ini,
    draft: &'a mut Drafter<'a>,
    /// Whether an ini that doesn't exist may be created.
    may_create: bool,
    /// Whether another program's ini may be edited too.
    any_ini: bool,
    /// What a dry run would create.
    creates: Vec<PathBuf>,
    /// The latest draft that changes something.
    change: Option<Draft>,
    /// The latest draft that changes nothing.
    no_change: Option<Draft>,
    /// What the change of the actions does. After a second attempt, that of the first one, which was made then.
    actions: Option<ActionsSummary>,
    /// The change of the file with the actions that belongs to the latest draft.
    companion: Option<CompanionEdit>,
    hashes: &'a PasswordHasher<'a>,
    /// What is remembered about the ini, if anything is and may change.
    record: Option<RecordTracker>,
}

impl Drafting<'_> {
    fn draft(&mut self, current: Option<&[u8]>) -> Result<Option<NewContent>, Error> {
        let exists = current.is_some();
        if !exists && !self.may_create {
            return Err(Error::NotThere { ini: self.ini.path.clone() });
        }
        let mut draft = (self.draft)(self.ini, current.map(<[u8]>::to_vec))?;
        if !draft.is_microsip && !self.any_ini {
            return Err(Error::NotMicrosip { ini: self.ini.path.clone() });
        }
        let new = std::mem::replace(&mut draft.new, NewContent::Delete);
        if new.bytes().is_some_and(|bytes| bytes.len() as u64 > LARGEST_INI) {
            return Err(too_large(&self.ini.path));
        }
        let is_created = !exists && new != NewContent::Delete;
        let is_change = draft.is_change || is_created;
        if let Some(record) = &mut self.record {
            record.observe(self.ini, current, is_change.then_some(&new), self.hashes);
        }
        self.companion = None;
        if let Some(ActionsChange { edit, summary }) = draft.actions.take() {
            self.companion = Some(edit);
            self.actions = Some(summary);
        }
        let is_any_change = is_change || self.companion.is_some();
        let latest = if is_any_change { &mut self.change } else { &mut self.no_change };
        *latest = Some(draft);
        Ok(is_change.then_some(new))
    }

    /// Stores what was seen of passwords; called only when the ini has become what was drafted.
    fn note_record(&mut self, context: &Context<'_>) -> Vec<Diagnostic> {
        self.record.take().map_or_else(Vec::new, |record| record.note(self.ini, context.fs))
    }

    fn outcome(self, outcome: TransactionOutcome, dry_run: bool, more: Vec<Diagnostic>) -> WriteOutcome {
        let actions = self.actions.filter(|_| outcome.changed);
        let draft = if outcome.changed { self.change } else { self.no_change };
        let Draft { changes, lines, warnings: drafted, restored, .. } = draft.unwrap_or_else(Draft::nothing);
        // Several hooks may run the same program.
        let mut warnings: Vec<Diagnostic> = Vec::new();
        for warning in drafted.into_iter().chain(more) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        let TransactionOutcome { changed, backup } = outcome;
        let backup = backup.map(|backup| self.ini.file.shown_for(&backup));
        let ini = self.ini.path.clone();
        WriteOutcome {
            ini,
            changed,
            dry_run,
            creates: self.creates,
            changes,
            lines,
            backup,
            restored,
            actions,
            state_version: None,
            warnings,
        }
    }
}

impl Editor for Drafting<'_> {
    type Error = Error;

    fn edit(&mut self, current: Option<&[u8]>) -> Result<Option<NewContent>, Error> {
        self.draft(current)
    }

    fn companion(&self) -> Option<CompanionEdit> {
        self.companion.clone()
    }

    fn merge(&self, old: &[u8], saved: &[u8], current: &[u8]) -> Vec<u8> {
        let texts = [old, saved, current].map(|bytes| self.ini.decode(bytes.to_vec()));
        match texts {
            [Ok(old), Ok(saved), Ok(current)] => {
                plan::merge(&old.document, &saved.document, current.document).into_bytes()
            }
            // What MicroSIP saved is complete by itself.
            _ => saved.to_vec(),
        }
    }
}

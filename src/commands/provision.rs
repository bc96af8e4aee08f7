//! A wanted state: apply it, check it, and write the present one down.

use std::path::PathBuf;

use crate::desired::export::State;
use crate::desired::passwords::{PasswordHasher, PasswordMatch, PasswordStore};
use crate::desired::state::Desired;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::edit::plan::{self, Edit};
use crate::hook::command::{self, CommandError, HookCommand};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::encoding::Decoded;
use crate::ini::name::KeyPath;
use crate::ini::wide;
use crate::microsip::instances::Processes;
use crate::microsip::privacy::Guarded;
use crate::microsip::version::Version;
use crate::platform::{Env, FileSystem};
use crate::request::{DesiredChoice, HookText, IniChoice, SetHook, WriteOptions};

use super::hooks;
use super::ini_file::Ini;
use super::passwords::{self, Stored};
use super::recipe::{Recipe, Secrets};
use super::write::{Writing, draft_of, running_notice};
use super::{Context, Error, Report, Written};

/// Whether an ini is in a wanted state.
#[derive(Debug)]
pub struct Checked {
    /// The ini as it was named.
    pub ini: PathBuf,
    /// Whether applying the state would change nothing.
    pub is_in_state: bool,
    /// The values that differ.
    pub differences: Vec<Difference>,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
}

/// A value that is not what it should be.
#[derive(Debug)]
pub struct Difference {
    /// Its section; `microsip` for MicroSIP itself.
    pub section: String,
    /// Its key.
    pub key: String,
    /// What it should be; `None`: not there.
    pub wanted: Option<String>,
    /// What MicroSIP reads.
    pub found: Option<String>,
}

/// The MicroSIP that uses an ini is older than a wanted state allows.
#[derive(Debug, thiserror::Error)]
#[error("this MicroSIP is {found}; the file is for {min} or newer")]
pub struct TooOld {
    min: Version,
    found: Version,
}

impl ToDiagnostic for TooOld {
    fn code(&self) -> Code {
        Code::MicrosipTooOld
    }

    fn hint(&self) -> Option<String> {
        Some("update MicroSIP, or lower min-version".into())
    }
}

/// The remark that nobody knows the version.
#[derive(Debug, thiserror::Error)]
#[error("the version of this MicroSIP is not known, so it was not compared with {min}")]
struct VersionWarning {
    min: Version,
}

impl ToDiagnostic for VersionWarning {
    fn code(&self) -> Code {
        Code::MicrosipVersionUnknown
    }
}

/// Brings an ini into a wanted state, in one edit.
pub fn apply(
    choice: &IniChoice,
    desired: &DesiredChoice,
    allow: Allow,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    let recipe = Recipe::load(desired, context)?;
    let (ini, is_there) = Ini::find_or_place(choice, options.create, context)?;
    let desired = recipe.desired_for(&ini.path, &Secrets::new(context.secret))?;
    let (processes, hashes) = (Processes::default(), PasswordHasher::new(&passwords::new_salt));
    let writing = Writing { ini: &ini, is_there, options, made_by: MadeBy::Edit, processes: &processes };
    Applying { desired: &desired, allow, hashes: &hashes }.apply(writing, context).map(Report::Written)
}

/// A wanted state that is to be applied, or compared with what is there.
pub(super) struct Applying<'a> {
    /// The state.
    pub desired: &'a Desired,
    /// What is accepted of its hooks although it would be refused.
    pub allow: Allow,
    /// The hashes of passwords made in this run.
    pub hashes: &'a PasswordHasher<'a>,
}

impl Applying<'_> {
    /// Brings an ini into it.
    pub fn apply(&self, writing: Writing<'_>, context: &mut Context<'_>) -> Result<Written, Error> {
        let (env, fs) = (context.env, context.fs);
        let mut passwords = Vec::new();
        let mut written = writing.run(context, &mut |ini, current| {
            let decoded = ini.decode_or_first_run(current)?;
            let wanted = self.wanted(ini, &decoded.document, env, fs)?;
            if let Some(too_old) = wanted.too_old {
                return Err(too_old.into());
            }
            passwords = wanted.passwords;
            draft_of(decoded, &wanted.edits, wanted.warnings)
        })?;
        if !written.dry_run {
            // only now: until the ini is written, what is noted is still true
            let noted = passwords::note(&passwords, writing.ini, self.hashes, context.fs);
            written.warnings.extend(noted);
        }
        Ok(written)
    }

    /// The text that an ini would have by that.
    pub fn foreseen(
        &self,
        ini: &Ini,
        decoded: &Decoded,
        context: &Context<'_>,
    ) -> Result<IniDocument, Error> {
        let wanted = self.wanted(ini, &decoded.document, context.env, context.fs)?;
        Ok(plan::make(decoded, &wanted.edits).document)
    }

    /// Whether a program is there is another question: it is told, and no answer to this one.
    pub const WHEN_CHECKED: Allow = Allow { missing: true, unsafe_target: true, mark: false };

    /// Compares an ini with it.
    pub fn check(
        &self,
        ini: Ini,
        decoded: &Decoded,
        processes: &Processes,
        context: &Context<'_>,
    ) -> Result<Checked, Error> {
        let wanted = self.wanted(&ini, &decoded.document, context.env, context.fs)?;
        let plan = plan::make(decoded, &wanted.edits);
        let mut differences: Vec<Difference> = plan
            .changes
            .into_iter()
            .map(|change| Difference {
                section: change.section,
                key: change.key,
                wanted: change.after,
                found: change.before,
            })
            .collect();
        differences.extend(wanted.too_old.map(|TooOld { min, found }| Difference {
            section: "microsip".into(),
            key: "min-version".into(),
            wanted: Some(min.to_string()),
            found: Some(found.to_string()),
        }));
        let mut warnings = plan.warnings;
        warnings.extend(wanted.warnings);
        let unconfirmed = wanted.passwords.into_iter().filter(|one| one.found == PasswordMatch::Unconfirmed);
        warnings
            .extend(unconfirmed.map(|one| Diagnostic::from(&UnconfirmedWarning { section: one.section })));
        warnings.extend(running_notice(&ini, processes));
        // a text that MicroSIP would spoil is to be written anew, whatever its values
        let is_in_state = differences.is_empty() && !plan.is_change;
        Ok(Checked { ini: ini.path, is_in_state, differences, warnings })
    }
}

/// The remark that a password is taken for the wanted one.
#[derive(Debug, thiserror::Error)]
#[error("[{section}]: MicroSIP seems to have encrypted the password since it was set")]
struct UnconfirmedWarning {
    section: String,
}

impl ToDiagnostic for UnconfirmedWarning {
    fn code(&self) -> Code {
        Code::PasswordUnconfirmed
    }

    fn hint(&self) -> Option<String> {
        Some("the next command that writes notes it, and every later change is told".into())
    }
}

/// Compares an ini with a wanted state.
pub fn check(
    choice: &IniChoice,
    desired: &DesiredChoice,
    context: &mut Context<'_>,
) -> Result<Checked, Error> {
    let recipe = Recipe::load(desired, context)?;
    let (ini, decoded) = Ini::open(choice, context)?;
    let desired = recipe.desired_for(&ini.path, &Secrets::new(context.secret))?;
    let (processes, hashes) = (Processes::default(), PasswordHasher::new(&passwords::new_salt));
    let applying = Applying { desired: &desired, allow: Applying::WHEN_CHECKED, hashes: &hashes };
    applying.check(ini, &decoded, &processes, context)
}

/// Writes the state of an ini down.
pub fn export(choice: &IniChoice, context: &mut Context<'_>) -> Result<Report, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    Ok(Report::Script(state_of(&ini, &decoded.document, context.env).toml()))
}

/// The state of an ini, as far as it can be written down.
pub(super) fn state_of(ini: &Ini, document: &IniDocument, env: &Env) -> State {
    let hook = |event: &Event| Some((*event, hook_there(*event, ini, document, env)?));
    State::of(document, Event::ALL.iter().filter_map(hook).collect())
}

/// What runs at an event, or why it could not be set again.
fn hook_there(
    event: Event,
    ini: &Ini,
    document: &IniDocument,
    env: &Env,
) -> Option<Result<HookCommand, String>> {
    let (_, text) = hooks::text_of(event, document)?;
    let save_dialect = hooks::save_dialect(None, ini, document, env);
    let decoded = command::decode(&text, event, &save_dialect);
    let command = decoded.command()?;
    if let Some(fault) = decoded.errors.iter().find(|fault| fault.is_fatal()) {
        return Some(Err(fault.to_string()));
    }
    let what = HookText::Command(command.clone());
    let set = SetHook { event, what, version: None, allow: Allow::default() };
    Some(match hooks::edit_for(&set, ini, document, env) {
        Ok(_) => Ok(command),
        Err(error) => Err(error.to_string()),
    })
}

/// What a wanted state comes to for one ini.
struct Wanted {
    edits: Vec<Edit>,
    warnings: Vec<Diagnostic>,
    passwords: Vec<Stored>,
    too_old: Option<TooOld>,
}

impl Applying<'_> {
    fn wanted(
        &self,
        ini: &Ini,
        document: &IniDocument,
        env: &Env,
        fs: &dyn FileSystem,
    ) -> Result<Wanted, Error> {
        let &Applying { desired, allow, hashes } = self;
        let save_dialect = hooks::save_dialect(None, ini, document, env);
        let mut warnings = desired.remarks.clone();
        let too_old = match (desired.min_version, save_dialect.version) {
            (Some(min), Some(found)) if found < min => Some(TooOld { min, found }),
            (Some(min), None) => {
                warnings.push(Diagnostic::from(&VersionWarning { min }));
                None
            }
            _ => None,
        };
        let mut edits = desired.edits(document)?;
        let passwords = passwords_of(&edits, &passwords::kept_of(ini, fs), document, hashes);
        edits.retain(|edit| {
            let is_of = |one: &&Stored| is_password(edit) && edit.path().section.as_str() == one.section;
            let found = passwords.iter().find(is_of).map(|one| one.found);
            !matches!(found, Some(PasswordMatch::Confirmed | PasswordMatch::Unconfirmed))
        });
        for (event, command) in &desired.hooks {
            let Some(command) = command else {
                edits.extend(no_hook(*event, document)?);
                continue;
            };
            let what = HookText::Command(command.clone());
            let set = SetHook { event: *event, what, version: None, allow };
            let hook = hooks::edit_for(&set, ini, document, env)?;
            warnings.extend(hook.warnings);
            if !runs_already(&hook.edit, *event, document, &save_dialect) {
                edits.push(hook.edit);
            }
        }
        Ok(Wanted { edits, warnings, passwords, too_old })
    }
}

fn is_password(edit: &Edit) -> bool {
    edit.path().key.as_str().eq_ignore_ascii_case("password")
}

/// The passwords that are wanted, and what is there. An empty one is none.
fn passwords_of(
    edits: &[Edit],
    kept: &PasswordStore,
    document: &IniDocument,
    hashes: &PasswordHasher<'_>,
) -> Vec<Stored> {
    let wanted = edits.iter().filter(|edit| is_password(edit)).filter_map(|edit| match edit {
        Edit::Set { path, value, .. } if !value.is_empty() => Some((path.section.as_str(), value)),
        _ => None,
    });
    wanted
        .map(|(section, wanted)| {
            let (wanted, stored) = (Guarded::password(wanted), passwords::text_of(document, section));
            let found = kept.compare(section, &wanted, &stored, hashes);
            Stored { section: section.to_string(), wanted, stored, found }
        })
        .collect()
}

/// The edit after which nothing runs. An empty command is none, and says which MicroSIP wrote it.
fn no_hook(event: Event, document: &IniDocument) -> Result<Option<Edit>, Error> {
    let is_set = hooks::text_of(event, document).is_some_and(|(_, text)| !command::read(&text).is_empty());
    Ok(is_set.then(|| KeyPath::in_settings(event.key())).transpose()?.map(|path| Edit::Unset { path }))
}

/// Whether the same runs already: a command has several forms, and which is chosen may have changed with the version.
fn runs_already(edit: &Edit, event: Event, document: &IniDocument, save_dialect: &SaveDialect) -> bool {
    let Edit::Set { text, .. } = edit else { return false };
    let Some((_, present)) = hooks::text_of(event, document) else { return false };
    let command_of = |text: &[u16]| -> Option<HookCommand> {
        let decoded = command::decode(text, event, save_dialect);
        decoded.command().filter(|_| !decoded.errors.iter().any(CommandError::is_fatal))
    };
    let present = command_of(&present);
    present.is_some() && present == command_of(&wide(text.as_str()))
}

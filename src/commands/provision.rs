//! A wanted state: apply it, check it, and write the present one down.

use std::path::PathBuf;

use crate::desired::export::State;
use crate::desired::secrets::{Hashes, Kept, Standing};
use crate::desired::state::Desired;
use crate::edit::backup::MadeBy;
use crate::edit::plan::{self, Edit};
use crate::hook::command::{self, CommandFault, HookCommand};
use crate::hook::event::Event;
use crate::hook::saved_by::SavedBy;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::encoding::Decoded;
use crate::ini::name::KeyPath;
use crate::ini::wide;
use crate::microsip::instances::Processes;
use crate::microsip::version::Version;
use crate::platform::{Disk, Surroundings};
use crate::problem::{Code, Notice, Problem};
use crate::request::{DesiredChoice, HookText, IniChoice, SetHook, WriteOptions};

use super::hooks;
use super::ini_file::Ini;
use super::passwords::{self, Stored};
use super::recipe::{Recipe, Secrets};
use super::write::{Writing, draft_of, running_notice};
use super::{Error, Outside, Report, Written};

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
    pub notices: Vec<Notice>,
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

impl Problem for TooOld {
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
struct VersionRemark {
    min: Version,
}

impl Problem for VersionRemark {
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
    outside: &mut Outside<'_>,
) -> Result<Report, Error> {
    let recipe = Recipe::load(desired, outside)?;
    let (ini, is_there) = Ini::find_or_place(choice, options.create, outside)?;
    let desired = recipe.desired_for(&ini.path, &Secrets::new(outside.secret))?;
    let (processes, hashes) = (Processes::default(), Hashes::new(&passwords::new_salt));
    let writing = Writing { ini: &ini, is_there, options, made_by: MadeBy::Edit, processes: &processes };
    Applying { desired: &desired, allow, hashes: &hashes }.apply(writing, outside).map(Report::Written)
}

/// A wanted state that is to be applied, or compared with what is there.
pub(super) struct Applying<'a> {
    /// The state.
    pub desired: &'a Desired,
    /// What is accepted of its hooks although it would be refused.
    pub allow: Allow,
    /// The hashes of passwords made in this run.
    pub hashes: &'a Hashes<'a>,
}

impl Applying<'_> {
    /// Brings an ini into it.
    pub fn apply(&self, writing: Writing<'_>, outside: &mut Outside<'_>) -> Result<Written, Error> {
        let (surroundings, disk) = (outside.surroundings, outside.disk);
        let mut passwords = Vec::new();
        let mut written = writing.run(outside, &mut |ini, current| {
            let decoded = ini.decode_or_first_run(current)?;
            let wanted = self.wanted(ini, &decoded.document, surroundings, disk)?;
            if let Some(too_old) = wanted.too_old {
                return Err(too_old.into());
            }
            passwords = wanted.passwords;
            draft_of(decoded, &wanted.edits, wanted.notices)
        })?;
        if !written.dry_run {
            // only now: until the ini is written, what is noted is still true
            let noted = passwords::note(&passwords, writing.ini, self.hashes, outside.disk);
            written.notices.extend(noted);
        }
        Ok(written)
    }

    /// The text that an ini would have by that.
    pub fn foreseen(
        &self,
        ini: &Ini,
        decoded: &Decoded,
        outside: &Outside<'_>,
    ) -> Result<IniDocument, Error> {
        let wanted = self.wanted(ini, &decoded.document, outside.surroundings, outside.disk)?;
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
        outside: &Outside<'_>,
    ) -> Result<Checked, Error> {
        let wanted = self.wanted(&ini, &decoded.document, outside.surroundings, outside.disk)?;
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
        let mut notices = plan.notices;
        notices.extend(wanted.notices);
        let unconfirmed = wanted.passwords.into_iter().filter(|one| one.standing == Standing::Unconfirmed);
        notices.extend(unconfirmed.map(|one| Notice::from(&UnconfirmedRemark { section: one.section })));
        notices.extend(running_notice(&ini, processes));
        // a text that MicroSIP would spoil is to be written anew, whatever its values
        let is_in_state = differences.is_empty() && !plan.is_change;
        Ok(Checked { ini: ini.path, is_in_state, differences, notices })
    }
}

/// The remark that a password is taken for the wanted one.
#[derive(Debug, thiserror::Error)]
#[error("[{section}]: MicroSIP seems to have encrypted the password since it was set")]
struct UnconfirmedRemark {
    section: String,
}

impl Problem for UnconfirmedRemark {
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
    outside: &mut Outside<'_>,
) -> Result<Checked, Error> {
    let recipe = Recipe::load(desired, outside)?;
    let (ini, decoded) = Ini::open(choice, outside)?;
    let desired = recipe.desired_for(&ini.path, &Secrets::new(outside.secret))?;
    let (processes, hashes) = (Processes::default(), Hashes::new(&passwords::new_salt));
    let applying = Applying { desired: &desired, allow: Applying::WHEN_CHECKED, hashes: &hashes };
    applying.check(ini, &decoded, &processes, outside)
}

/// Writes the state of an ini down.
pub fn export(choice: &IniChoice, outside: &mut Outside<'_>) -> Result<Report, Error> {
    let (ini, decoded) = Ini::open(choice, outside)?;
    Ok(Report::Script(state_of(&ini, &decoded.document, outside.surroundings).toml()))
}

/// The state of an ini, as far as it can be written down.
pub(super) fn state_of(ini: &Ini, document: &IniDocument, surroundings: &Surroundings) -> State {
    let hook = |event: &Event| Some((*event, hook_there(*event, ini, document, surroundings)?));
    State::of(document, Event::ALL.iter().filter_map(hook).collect())
}

/// What runs at an event, or why it could not be set again.
fn hook_there(
    event: Event,
    ini: &Ini,
    document: &IniDocument,
    surroundings: &Surroundings,
) -> Option<Result<HookCommand, String>> {
    let (_, text) = hooks::text_of(event, document)?;
    let saved_by = hooks::saved_by(None, ini, document, surroundings);
    let decoded = command::decode(&text, event, &saved_by);
    let command = decoded.command()?;
    if let Some(fault) = decoded.faults.iter().find(|fault| fault.is_fatal()) {
        return Some(Err(fault.to_string()));
    }
    let what = HookText::Command(command.clone());
    let set = SetHook { event, what, version: None, allow: Allow::default() };
    Some(match hooks::edit_for(&set, ini, document, surroundings) {
        Ok(_) => Ok(command),
        Err(error) => Err(error.to_string()),
    })
}

/// What a wanted state comes to for one ini.
struct Wanted {
    edits: Vec<Edit>,
    notices: Vec<Notice>,
    passwords: Vec<Stored>,
    too_old: Option<TooOld>,
}

impl Applying<'_> {
    fn wanted(
        &self,
        ini: &Ini,
        document: &IniDocument,
        surroundings: &Surroundings,
        disk: &dyn Disk,
    ) -> Result<Wanted, Error> {
        let &Applying { desired, allow, hashes } = self;
        let saved_by = hooks::saved_by(None, ini, document, surroundings);
        let mut notices = desired.remarks.clone();
        let too_old = match (desired.min_version, saved_by.version) {
            (Some(min), Some(found)) if found < min => Some(TooOld { min, found }),
            (Some(min), None) => {
                notices.push(Notice::from(&VersionRemark { min }));
                None
            }
            _ => None,
        };
        let mut edits = desired.edits(document)?;
        let passwords = passwords_of(&edits, &passwords::kept_of(ini, disk), document, hashes);
        edits.retain(|edit| {
            let is_of = |one: &&Stored| is_password(edit) && edit.path().section.as_str() == one.section;
            let standing = passwords.iter().find(is_of).map(|one| one.standing);
            !matches!(standing, Some(Standing::Confirmed | Standing::Unconfirmed))
        });
        for (event, command) in &desired.hooks {
            let Some(command) = command else {
                edits.extend(no_hook(*event, document)?);
                continue;
            };
            let what = HookText::Command(command.clone());
            let set = SetHook { event: *event, what, version: None, allow };
            let hook = hooks::edit_for(&set, ini, document, surroundings)?;
            notices.extend(hook.notices);
            if !runs_already(&hook.edit, *event, document, &saved_by) {
                edits.push(hook.edit);
            }
        }
        Ok(Wanted { edits, notices, passwords, too_old })
    }
}

fn is_password(edit: &Edit) -> bool {
    edit.path().key.as_str().eq_ignore_ascii_case("password")
}

/// The passwords that are wanted, and what is there. An empty one is none.
fn passwords_of(edits: &[Edit], kept: &Kept, document: &IniDocument, hashes: &Hashes<'_>) -> Vec<Stored> {
    let wanted = edits.iter().filter(|edit| is_password(edit)).filter_map(|edit| match edit {
        Edit::Set { path, value, .. } if !value.is_empty() => Some((path.section.as_str(), value)),
        _ => None,
    });
    wanted
        .map(|(section, wanted)| {
            let stored = passwords::text_of(document, section);
            let standing = kept.standing(section, wanted, &stored, hashes);
            Stored { section: section.to_string(), wanted: wanted.clone(), stored, standing }
        })
        .collect()
}

/// The edit after which nothing runs. An empty command is none, and says which MicroSIP wrote it.
fn no_hook(event: Event, document: &IniDocument) -> Result<Option<Edit>, Error> {
    let is_set = hooks::text_of(event, document).is_some_and(|(_, text)| !command::read(&text).is_empty());
    Ok(is_set.then(|| KeyPath::in_settings(event.key())).transpose()?.map(|path| Edit::Unset { path }))
}

/// Whether the same runs already: a command has several forms, and which is chosen may have changed with the version.
fn runs_already(edit: &Edit, event: Event, document: &IniDocument, saved_by: &SavedBy) -> bool {
    let Edit::Set { text, .. } = edit else { return false };
    let Some((_, present)) = hooks::text_of(event, document) else { return false };
    let command_of = |text: &[u16]| -> Option<HookCommand> {
        let decoded = command::decode(text, event, saved_by);
        decoded.command().filter(|_| !decoded.faults.iter().any(CommandFault::is_fatal))
    };
    let present = command_of(&present);
    present.is_some() && present == command_of(&wide(text.as_str()))
}

//! `apply`, and what a desired state means for one ini: the edits that bring it there, and what differs.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::hook_actions::{ActionsEditor, IniUser, event_has_program};
use crate::commands::hook_edit::{dialect_after, edit_for};
use crate::commands::hook_state::{self, save_dialect};
use crate::commands::ini::Ini;
use crate::commands::outcome::Outcome;
use crate::commands::record::{self, Record, Stored};
use crate::commands::runner_command::has_runner;
use crate::commands::write::{ActionsChange, Draft, Write, running_warning};
use crate::commands::written::WriteOutcome;
use crate::desired::hooks::Hook;
use crate::desired::passwords::{PasswordHasher, PasswordMatch, PasswordStore};
use crate::desired::resolve::Desired;
use crate::desired::schema::STATE_VERSION;
use crate::diagnostic::{Code, Diagnostic, ExitStatus};
use crate::edit::backup::MadeBy;
use crate::edit::plan::{self, Change, Edit};
use crate::hook::action::Actions;
use crate::hook::command::{self, HookCommand, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::runner::RunnerCall;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::encoding::Decoded;
use crate::ini::name::KeyPath;
use crate::ini::wide;
use crate::microsip::instances::Processes;
use crate::microsip::keys::{Privacy, setting_path};
use crate::microsip::privacy::{Guarded, Viewer};
use crate::microsip::recognize::{self, NotMicrosip};
use crate::microsip::version::Version;
use crate::page::{Page, Styles, path_text};
use crate::platform::{Env, FileSystem};
use crate::request::{DesiredChoice, HookText, IniChoice, SetHook, WriteOptions};

use super::template::{Secrets, Template};

/// How an ini differs from a desired state.
#[derive(Debug)]
pub struct CheckOutcome {
    /// The ini as the user named it.
    pub ini: PathBuf,
    /// Whether applying the state would change nothing.
    pub is_in_state: bool,
    /// The values that applying the state would change. The section of MicroSIP's version is `microsip`.
    pub differences: Vec<Change>,
    /// Warnings about the ini and the state.
    pub warnings: Vec<Diagnostic>,
}

impl Outcome for CheckOutcome {
    fn status(&self) -> ExitStatus {
        if self.is_in_state { ExitStatus::Done } else { ExitStatus::No }
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn text(&self, page: &Page) -> String {
        let Styles { error, added, .. } = page.styles;
        let ini = self.ini.display();
        if self.is_in_state {
            return format!("{added}in state{added:#}: {ini}\n");
        }
        format!("{error}not in state{error:#}: {ini}\n{}", self.difference_lines(page.styles))
    }

    fn json(&self) -> Json {
        let difference = |Change { section, key, before, after }: &Change| {
            let (wanted, found) = (shown(after.as_ref()), shown(before.as_ref()));
            json!({"section": section, "key": key, "wanted": wanted, "found": found})
        };
        json!({
            "ok": true,
            "ini": path_text(&self.ini),
            "in_state": self.is_in_state,
            "differences": self.differences.iter().map(difference).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }
}

impl CheckOutcome {
    /// Returns one line per difference.
    pub fn difference_lines(&self, Styles { hint, .. }: Styles) -> String {
        let mut text = String::new();
        for Change { section, key, before, after } in &self.differences {
            let path = setting_path(section, key);
            let quoted = |value: Option<&Guarded>| match shown(value) {
                Some(value) => format!("'{value}'"),
                None => "no value".into(),
            };
            let (wanted, found) = (quoted(after.as_ref()), quoted(before.as_ref()));
            let _ = writeln!(text, "  {path}: {hint}expected{hint:#} {wanted}, {hint}found{hint:#} {found}");
        }
        text
    }
}

/// Returns a value as it may be shown. Nobody asked for private values by name.
fn shown(value: Option<&Guarded>) -> Option<&str> {
    value.map(|value| value.reveal(Viewer::Anyone))
}

/// MicroSIP is older than the desired state allows.
struct TooOld {
    min: Version,
    found: Version,
}

/// Applies a desired state to an ini, in one edit.
///
/// # Errors
/// As [`Write::run`], or the file is wrong.
pub fn apply(
    choice: &IniChoice,
    desired: &DesiredChoice,
    allow: Allow,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    let template = Template::load(desired, context)?;
    let ini = Ini::choose_or_create(choice, options.create, context)?;
    let desired = template.desired_for(&ini.path, &Secrets::new(context.secret))?;
    let processes = Processes::default();
    let write = Write { ini: &ini, options, made_by: MadeBy::Edit, processes: &processes };
    Application { desired: &desired, allow, user: IniUser::Anybody }.apply(write, context)
}

/// Compares an ini with a desired state.
///
/// # Errors
/// No ini was found, it can't be read, or the file is wrong.
pub fn check(
    choice: &IniChoice,
    desired: &DesiredChoice,
    context: &mut Context<'_>,
) -> Result<CheckOutcome, Error> {
    let template = Template::load(desired, context)?;
    let (ini, decoded) = Ini::open(choice, context)?;
    let desired = template.desired_for(&ini.path, &Secrets::new(context.secret))?;
    let application =
        Application { desired: &desired, allow: Application::WHEN_CHECKED, user: IniUser::Anybody };
    application.check(ini, &decoded, &Processes::default(), context)
}

/// A desired state that is applied to inis or compared with them.
pub struct Application<'a> {
    /// The state.
    pub desired: &'a Desired,
    /// What is accepted although it would be refused by default.
    pub allow: Allow,
    /// Who uses the inis.
    pub user: IniUser,
}

impl Application<'_> {
    /// Applies the state to an ini.
    ///
    /// # Errors
    /// As [`Write::run`].
    pub fn apply(&self, write: Write<'_>, context: &mut Context<'_>) -> Result<WriteOutcome, Error> {
        let Context { env, fs, hashes, .. } = *context;
        let (mut passwords, mut version) = (Vec::new(), None);
        let mut written = write.run(context, &mut |ini, current| {
            let decoded = ini.decode_or_first_run(current)?;
            let wanted = self.wanted(ini, &decoded, env, fs, hashes)?;
            if let Some(TooOld { min, found }) = wanted.too_old {
                let message =
                    format!("this MicroSIP is version {found}, but the file requires {min} or newer");
                return Err(Diagnostic::new(Code::MicrosipTooOld, message)
                    .with_hint("update MicroSIP, or lower min-version")
                    .into());
            }
            (passwords, version) = (wanted.passwords, wanted.state_version);
            let draft = Draft::of_edits(decoded, &wanted.edits, wanted.warnings)?;
            Ok(Draft { actions: wanted.change, ..draft })
        })?;
        if !written.dry_run {
            // Only now: until the ini is written, the stored hashes are still right.
            let state_version = self.desired.state_version.as_deref();
            let noted = record::note(&passwords, state_version, write.ini, hashes, fs);
            if noted.iter().any(|warning| warning.code == Code::StateVersionUnnoted) {
                version = None;
            }
            written.warnings.extend(noted);
        }
        written.state_version = version;
        Ok(written)
    }

    /// Returns the text that the ini would have after it is applied, and its actions.
    ///
    /// # Errors
    /// A hook or a value was refused.
    pub fn preview(
        &self,
        ini: &Ini,
        decoded: &Decoded,
        context: &Context<'_>,
    ) -> Result<(IniDocument, Actions), Error> {
        let wanted = self.wanted(ini, decoded, context.env, context.fs, context.hashes)?;
        Ok((plan::make(decoded, &wanted.edits).document, wanted.actions))
    }

    /// A missing or unsafe program is a warning of a check, not a difference.
    pub const WHEN_CHECKED: Allow = Allow { missing: true, unsafe_target: true, mark: false };

    /// Compares an ini with the state.
    ///
    /// # Errors
    /// A hook or a value was refused.
    pub fn check(
        &self,
        ini: Ini,
        decoded: &Decoded,
        processes: &Processes,
        context: &Context<'_>,
    ) -> Result<CheckOutcome, Error> {
        let wanted = self.wanted(&ini, decoded, context.env, context.fs, context.hashes)?;
        let plan = plan::make(decoded, &wanted.edits);
        let mut differences = plan.changes;
        differences.extend(wanted.change.into_iter().flat_map(|change| change.summary.changes));
        differences.extend(wanted.too_old.map(|TooOld { min, found }| Change {
            section: "microsip".into(),
            key: "min-version".into(),
            before: Some(Guarded::new(found.to_string(), Privacy::Open)),
            after: Some(Guarded::new(min.to_string(), Privacy::Open)),
        }));
        differences.extend(wanted.state_version);
        let mut warnings = plan.warnings;
        warnings.extend((!recognize::is_microsip(&decoded.document)).then(|| Diagnostic::from(&NotMicrosip)));
        warnings.extend(wanted.warnings);
        let unconfirmed =
            wanted.passwords.into_iter().filter(|password| password.found == PasswordMatch::Unconfirmed);
        warnings.extend(unconfirmed.map(|password| {
            let message = format!(
                "[{}]: MicroSIP seems to have encrypted the password since it was set",
                password.section
            );
            Diagnostic::new(Code::PasswordUnconfirmed, message)
                .with_hint("the next command that changes the ini also records the encrypted password; after that, every change of it is \
                 reported")
        }));
        warnings.extend(running_warning(&ini, processes));
        // A text that MicroSIP would damage must be written again, whatever its values.
        let is_in_state = differences.is_empty() && !plan.is_change;
        Ok(CheckOutcome { ini: ini.path, is_in_state, differences, warnings })
    }
}

/// What a desired state means for one ini.
struct Wanted {
    edits: Vec<Edit>,
    warnings: Vec<Diagnostic>,
    passwords: Vec<Stored>,
    /// The change of the recorded version of the state, if there is one.
    state_version: Option<Change>,
    /// The actions.
    actions: Actions,
    /// The change of the file with the actions, if there is one.
    change: Option<ActionsChange>,
    too_old: Option<TooOld>,
}

impl Application<'_> {
    fn wanted(
        &self,
        ini: &Ini,
        decoded: &Decoded,
        env: &Env,
        fs: &dyn FileSystem,
        hashes: &PasswordHasher<'_>,
    ) -> Result<Wanted, Error> {
        let desired = self.desired;
        let document = &decoded.document;
        let version = save_dialect(None, ini, document, env).version;
        let mut warnings = desired.warnings.clone();
        let too_old = match (desired.min_version, version) {
            (Some(min), Some(found)) if found < min => Some(TooOld { min, found }),
            (Some(min), None) => {
                let message =
                    format!("this MicroSIP's version isn't known, so it wasn't compared with {min}");
                warnings.push(Diagnostic::new(Code::MicrosipVersionUnknown, message));
                None
            }
            _ => None,
        };
        let mut edits = desired.edits(document)?;
        let record = record::of(ini, fs);
        let passwords = passwords_of(&edits, &record.passwords, document, hashes);
        let state_version = desired.state_version.as_ref().and_then(|wanted| version_change(&record, wanted));
        edits.retain(|edit| {
            let is_of =
                |password: &&Stored| is_password(edit) && edit.path().section.as_str() == password.section;
            let found = passwords.iter().find(is_of).map(|password| password.found);
            !matches!(found, Some(PasswordMatch::Confirmed | PasswordMatch::Unconfirmed))
        });
        let (actions, change) = (Actions::default(), None);
        let mut wanted = Wanted { edits, warnings, passwords, state_version, actions, change, too_old };
        self.add_hooks(ini, decoded, env, fs, &mut wanted)?;
        Ok(wanted)
    }

    /// Adds what the hooks and the settings for actions mean.
    fn add_hooks(
        &self,
        ini: &Ini,
        decoded: &Decoded,
        env: &Env,
        fs: &dyn FileSystem,
        wanted: &mut Wanted,
    ) -> Result<(), Error> {
        let Wanted { edits, warnings, .. } = wanted;
        let document = &decoded.document;
        let editor = self.actions_editor(ini, env, fs)?;
        if let Some(editor) = &editor {
            wanted.actions = editor.wanted()?;
        }
        let needed = wanted.actions.needed_events();
        for event in self.events_with(|hook| *hook == Hook::Nothing) {
            // where the runner isn't needed, it's removed below
            let has_runner = editor.is_some() && has_runner(event, document);
            if !needed.contains(&event) && !has_runner {
                edits.extend(no_hook(event, document)?);
            }
        }
        let programs = self.events_with(|hook| matches!(hook, Hook::Program(_)));
        let events = programs.chain(needed.iter().copied());
        let save_dialect = dialect_after(None, events, edits, ini, decoded, env)?;
        for (event, hook) in &self.desired.hooks {
            let Hook::Program(command) = hook else { continue };
            let what = HookText::Command(command.clone());
            let set = SetHook { allow: self.allow, ..SetHook::new(*event, what) };
            let hook = edit_for(&set, &save_dialect, ini, env)?;
            warnings.extend(hook.warnings);
            if !is_already_set(&hook.edit, *event, document, &save_dialect) {
                edits.push(hook.edit);
            }
        }
        if let Some(mut editor) = editor.filter(|_| wanted.too_old.is_none()) {
            edits.extend(self.runner_edits(&mut editor, &needed, document, &save_dialect)?);
            warnings.append(&mut editor.warnings);
            wanted.change = editor.change()?;
        }
        Ok(())
    }

    /// Returns the edits that start the runner where the actions need it. It replaces other programs only where the
    /// state says so.
    fn runner_edits(
        &self,
        editor: &mut ActionsEditor<'_>,
        needed: &[Event],
        document: &IniDocument,
        save_dialect: &SaveDialect,
    ) -> Result<Vec<Edit>, Error> {
        if self.events_with(|hook| matches!(hook, Hook::Actions(_))).next().is_some() {
            ActionsEditor::check_supported(save_dialect)?;
        }
        let is_other_program = |hook: &Hook| matches!(hook, Hook::Program(_)) && !starts_runner(hook);
        for event in self.events_with(is_other_program).filter(|event| needed.contains(event)) {
            editor.warnings.push(event_has_program(event, false));
        }
        let is_named = |event: &Event| self.events_with(|_| true).any(|named| named == *event);
        let is_set = |event: &&Event| is_named(event) || has_runner(**event, document);
        let set: Vec<Event> = needed.iter().filter(is_set).copied().collect();
        let programs: Vec<Event> = self.events_with(|hook| matches!(hook, Hook::Program(_))).collect();
        editor.runner_edits(document, save_dialect, &set, &programs)
    }

    /// Returns the actions of the ini as the state wants them; `None` if it says nothing about them.
    fn actions_editor<'i>(
        &self,
        ini: &'i Ini,
        env: &'i Env,
        fs: &dyn FileSystem,
    ) -> Result<Option<ActionsEditor<'i>>, Error> {
        let Application { desired, allow, user } = *self;
        if !desired.concerns_actions() {
            return Ok(None);
        }
        let mut editor = ActionsEditor::open(ini, env, fs)?.used_by(user);
        editor.set_settings(&desired.actions);
        for (event, hook) in &desired.hooks {
            match hook {
                Hook::Actions(actions) => editor.set_all(*event, actions, allow)?,
                hook if starts_runner(hook) => {}
                Hook::Program(_) | Hook::Nothing => editor.clear(*event),
            }
        }
        Ok(Some(editor))
    }

    fn events_with(&self, is_wanted: impl Fn(&Hook) -> bool) -> impl Iterator<Item = Event> {
        self.desired.hooks.iter().filter(move |(_, hook)| is_wanted(hook)).map(|(event, _)| *event)
    }
}

/// Returns whether the program of a hook is the runner, as in an `.ini` file. It carries out the actions.
fn starts_runner(hook: &Hook) -> bool {
    matches!(hook, Hook::Program(command) if RunnerCall::of(command).is_some())
}

/// Returns the change of the recorded version of the state. An empty text means none.
fn version_change(record: &Record, wanted: &str) -> Option<Change> {
    let value = |version: &str| (!version.is_empty()).then(|| Guarded::new(version, Privacy::Open));
    (record.state_version != wanted).then(|| Change {
        section: String::new(),
        key: STATE_VERSION.into(),
        before: value(&record.state_version),
        after: value(wanted),
    })
}

fn is_password(edit: &Edit) -> bool {
    edit.path().key.as_str().eq_ignore_ascii_case("password")
}

/// Returns the desired passwords, and what the ini has. An empty password counts as none.
fn passwords_of(
    edits: &[Edit],
    store: &PasswordStore,
    document: &IniDocument,
    hashes: &PasswordHasher<'_>,
) -> Vec<Stored> {
    let wanted = edits.iter().filter(|edit| is_password(edit)).filter_map(|edit| match edit {
        Edit::Set { path, value, .. } if !value.is_empty() => Some((path.section.as_str(), value)),
        _ => None,
    });
    wanted
        .map(|(section, wanted)| {
            let (wanted, stored) = (Guarded::password(wanted), record::text_of(document, section));
            let found = store.compare(section, &wanted, &stored, hashes);
            Stored { section: section.to_string(), wanted, stored, found }
        })
        .collect()
}

/// Returns the edit that removes a hook. An empty command runs nothing, and shows which MicroSIP wrote it.
fn no_hook(event: Event, document: &IniDocument) -> Result<Option<Edit>, Error> {
    let is_set =
        hook_state::text_of(event, document).is_some_and(|(_, text)| !command::read(&text).is_empty());
    Ok(is_set.then(|| KeyPath::in_settings(event.key())).transpose()?.map(|path| Edit::Unset { path }))
}

/// Returns whether the same command is already set: it has several forms, and the version decides which is chosen.
fn is_already_set(edit: &Edit, event: Event, document: &IniDocument, save_dialect: &SaveDialect) -> bool {
    let Edit::Set { text, .. } = edit else { return false };
    let Some((_, present)) = hook_state::text_of(event, document) else { return false };
    let command_of = |text: &[u16]| -> Option<HookCommand> {
        let decoded = command::decode(text, event, save_dialect);
        decoded.command().filter(|_| !decoded.errors.iter().any(HookTextError::is_fatal))
    };
    let present = command_of(&present);
    present.is_some() && present == command_of(&wide(text.as_str()))
}

//! `dsc`: the operations of Microsoft's DSC on one ini. They compare and write as [`apply`](super::apply) does; only
//! the form of input and output differs.

mod answer;
mod manifest;

use std::path::{Path, PathBuf};

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::hook_actions::{self, IniUser};
use crate::commands::hook_state::{self, save_dialect};
use crate::commands::ini::{Ini, reading_warnings, with_ini_nearby};
use crate::commands::runner_command;
use crate::commands::write::{Draft, Write, blockers, running_warning};
use crate::commands::written::WriteOutcome;
use crate::desired::error::{DesiredError, DesiredErrorKind};
use crate::desired::hooks::{ActionSettings, Hook};
use crate::desired::instance::{self, EXIST, INI, Instance, InstanceState, Passwords, Presence};
use crate::desired::resolve::Desired;
use crate::desired::schema::PARTS;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::hook::action::Actions;
use crate::hook::command;
use crate::hook::event::Event;
use crate::hook::runner::RunnerCall;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::encoding::Decoded;
use crate::microsip::accounts;
use crate::microsip::instances::Processes;
use crate::microsip::locate::{self, LocateError};
use crate::microsip::privacy::Guarded;
use crate::microsip::recognize;
use crate::platform::FileSystem;
use crate::request::{DscOperation, IniChoice, ValueSource, WriteOptions};

use super::apply::{Application, CheckOutcome};
use super::export::state_of;
use answer::{Answer, InstanceAnswer};

pub use manifest::manifest;

/// Returns the error that the standard input isn't an instance.
fn wrong_input(error: &DesiredError) -> Diagnostic {
    let place = match &*error.path {
        "" => format!("line {}, column {}", error.line, error.column),
        path => path.to_string(),
    };
    let code = match error.code() {
        Code::DesiredInvalid => Code::InputInvalid,
        code => code,
    };
    let (kind, hint) = match &*error.kind {
        // It may be a password at the wrong key: DSC 3.1 passes secure parameters as plain text.
        DesiredErrorKind::Value(error) if place.starts_with("accounts") => {
            (error.clone().without_value().to_string(), None)
        }
        kind @ DesiredErrorKind::SecretUnreadable { place: ValueSource::Variable(name), .. } => {
            (kind.to_string(), Some(format!("set the variable {name} for the user who runs DSC")))
        }
        kind => (kind.to_string(), error.hint()),
    };
    Diagnostic { code, message: format!("the input, {place}: {kind}"), hint }
}

/// Rewrites the hint of an error or a warning for users who don't write a command line.
fn in_terms_of_dsc(diagnostic: Diagnostic) -> Diagnostic {
    let hint = match (diagnostic.code, &diagnostic.hint) {
        (Code::IniNotFound | Code::IniAmbiguous, _) => {
            Some("set the property 'ini' to the absolute path of the ini".into())
        }
        (Code::SecretUnreadable, Some(hint)) if hint.contains("stdin") => {
            Some("use a secure parameter, { env: NAME } or { file: ABSOLUTE PATH }".into())
        }
        (_, Some(hint)) if hint.contains("--") => {
            Some(format!("{hint}; options belong in the args of set in the manifest"))
        }
        (_, hint) => hint.clone(),
    };
    Diagnostic { hint, ..diagnostic }
}

/// Carries out an operation.
///
/// # Errors
/// The input isn't an instance, or as for [`apply`](super::apply).
pub fn run(choice: &IniChoice, operation: &DscOperation, context: &mut Context<'_>) -> Result<Answer, Error> {
    match run_operation(choice, operation, context) {
        Ok(Answer { warnings, instances, properties }) => {
            let warnings = warnings.into_iter().map(in_terms_of_dsc).collect();
            Ok(Answer { warnings, instances, properties })
        }
        Err(error) => {
            let changed = error.changed();
            let error = with_ini_nearby(error, context.fs);
            Err(Error::Plain { diagnostic: in_terms_of_dsc(Diagnostic::from(&error)), changed })
        }
    }
}

fn run_operation(
    choice: &IniChoice,
    operation: &DscOperation,
    context: &mut Context<'_>,
) -> Result<Answer, Error> {
    let read = |source: &ValueSource| (context.secret)(source).map(Guarded::password);
    // First of all, so that the writer of the input isn't blocked.
    let text = (context.secret)(&ValueSource::StandardInput).map_err(|error| {
        Diagnostic::new(Code::InputInvalid, format!("the input couldn't be read: {error}"))
            .with_hint("pass one JSON object in UTF-8")
    })?;
    let passwords = match operation {
        DscOperation::Test | DscOperation::Set { .. } => Passwords::Read(&read),
        DscOperation::Get | DscOperation::Export => Passwords::Unread,
    };
    let Instance { ini, wanted, is_empty } =
        instance::read(text, passwords).map_err(|error| wrong_input(&error))?;
    if is_empty && matches!(operation, DscOperation::Test | DscOperation::Set { .. }) {
        let message = "the input names no settings, hooks, accounts or shortcuts";
        return Err(Diagnostic::new(Code::DesiredEmpty, message)
            .with_hint("add a property; if the ini only has to exist, add _exist with the value true")
            .into());
    }
    let choice = IniChoice { path: ini.or_else(|| choice.path.clone()), code_page: choice.code_page };
    match operation {
        DscOperation::Get => get(&choice, &wanted, context),
        DscOperation::Test => test(&choice, &wanted, context),
        DscOperation::Set { allow, options } => set(&choice, &wanted, *allow, *options, context),
        DscOperation::Export => export(&choice, context),
    }
}

/// What exists at the path of an ini.
enum Found {
    /// The ini.
    Ini(Ini),
    /// Nothing; where it would be, if that is known.
    NoIni(Option<PathBuf>),
}

impl Found {
    fn at(choice: &IniChoice, context: &mut Context<'_>) -> Result<Found, Error> {
        match Ini::choose(choice, context) {
            Ok(ini) => Ok(Found::Ini(ini)),
            Err(Error::NotThere { ini } | Error::BrokenLink { ini, .. }) => Ok(Found::NoIni(Some(ini))),
            Err(Error::Locate(LocateError::NotFound { .. })) => {
                Ok(Found::NoIni(locate::place_to_create(context.env).ok()))
            }
            Err(error) => Err(error),
        }
    }
}

fn get(choice: &IniChoice, wanted: &Presence, context: &mut Context<'_>) -> Result<Answer, Error> {
    let mut warnings = Vec::new();
    let instance = match Found::at(choice, context)? {
        Found::Ini(ini) => {
            let decoded = ini.read(context)?;
            warnings = reading_warnings(&decoded);
            InstanceAnswer {
                state: Some(state_now(wanted, &ini, &decoded.document, &mut warnings, context)),
                ini: Some(ini.path),
                ..InstanceAnswer::default()
            }
        }
        Found::NoIni(ini) => InstanceAnswer { ini, ..InstanceAnswer::default() },
    };
    Ok(Answer { instances: vec![instance], warnings, ..Answer::default() })
}

/// Returns the state of everything that is desired, with the actions that the ini has now.
fn state_now(
    wanted: &Presence,
    ini: &Ini,
    document: &IniDocument,
    warnings: &mut Vec<Diagnostic>,
    context: &Context<'_>,
) -> InstanceState {
    let (actions, mistake) = hook_actions::read_or_warn(ini, context.fs);
    warnings.extend(mistake);
    state(wanted, ini, document, &actions, warnings, context)
}

/// Returns the state of everything that is desired; if nothing is, of everything.
fn state(
    wanted: &Presence,
    ini: &Ini,
    document: &IniDocument,
    actions: &Actions,
    warnings: &mut Vec<Diagnostic>,
    context: &Context<'_>,
) -> InstanceState {
    match wanted {
        Presence::Absent => InstanceState::default(),
        Presence::Present(desired) if desired.is_empty() => {
            let state = state_of(ini, document, actions, context.env);
            warnings.extend(state.secret_warnings());
            InstanceState::all(state)
        }
        Presence::Present(desired) => {
            let save_dialect = save_dialect(None, ini, document, context.env);
            let runs = |event: Event| {
                let text = hook_state::text_of(event, document).map(|(_, text)| text).unwrap_or_default();
                match command::decode(&text, event, &save_dialect).command() {
                    Some(command) if RunnerCall::of(&command).is_none() => Hook::Program(command),
                    _ if actions.of(event).is_empty() => Hook::Nothing,
                    _ => Hook::Actions(actions.of(event).to_vec()),
                }
            };
            let hooks = desired.hooks.iter().map(|(event, _)| (*event, runs(*event))).collect();
            let named = &desired.actions;
            let settings = ActionSettings {
                runner: named.runner.as_ref().and_then(|_| runner_command::runner_in(document)),
                numbers: named.numbers.as_ref().map(|_| actions.numbers.clone()),
                history: named.history.map(|_| actions.history),
            };
            InstanceState::named(desired, hooks, &settings, save_dialect.version, document)
        }
    }
}

fn test(choice: &IniChoice, wanted: &Presence, context: &mut Context<'_>) -> Result<Answer, Error> {
    let found = Found::at(choice, context)?;
    let (ini, state, is_in_state, differing, warnings) = match (wanted, found) {
        (Presence::Absent, Found::NoIni(ini)) => (ini, None, true, Vec::new(), Vec::new()),
        (Presence::Absent, Found::Ini(ini)) => {
            let warnings = running_warning(&ini, &Processes::default()).into_iter().collect();
            (Some(ini.path), Some(InstanceState::default()), false, vec![EXIST], warnings)
        }
        (Presence::Present(desired), Found::Ini(ini)) => {
            let decoded = ini.read(context)?;
            let mut warnings = Vec::new();
            let state = state_now(wanted, &ini, &decoded.document, &mut warnings, context);
            let checked = compare(desired, ini, &decoded, context)?;
            warnings.extend(checked.warnings);
            let named = checked.differences.iter().map(|one| property(&one.section, &one.key, desired));
            let differing = properties(false, named, !checked.is_in_state);
            (Some(checked.ini), Some(state), checked.is_in_state, differing, warnings)
        }
        (Presence::Present(desired), Found::NoIni(Some(path))) => {
            let (differing, warnings) = missing(desired, &path, context)?;
            (Some(path), None, false, differing, warnings)
        }
        (Presence::Present(_), Found::NoIni(None)) => (None, None, false, vec![EXIST], Vec::new()),
    };
    let is_in_state = Some(is_in_state);
    let instance = InstanceAnswer { ini, state, is_in_state, ..InstanceAnswer::default() };
    Ok(Answer { instances: vec![instance], properties: Some(differing), warnings })
}

fn compare(
    desired: &Desired,
    ini: Ini,
    decoded: &Decoded,
    context: &Context<'_>,
) -> Result<CheckOutcome, Error> {
    let application = Application { desired, allow: Application::WHEN_CHECKED, user: IniUser::Anybody };
    application.check(ini, decoded, &Processes::default(), context)
}

/// Returns what differs from an ini as MicroSIP creates it, if there is no ini.
fn missing(
    desired: &Desired,
    path: &Path,
    context: &Context<'_>,
) -> Result<(Vec<&'static str>, Vec<Diagnostic>), Error> {
    let ini = Ini::plain(path.into(), None, false);
    let decoded = ini.decode_or_first_run(None)?;
    let checked = compare(desired, ini, &decoded, context)?;
    let named = checked.differences.iter().map(|one| property(&one.section, &one.key, desired));
    Ok((properties(true, named, true), checked.warnings))
}

fn set(
    choice: &IniChoice,
    wanted: &Presence,
    allow: Allow,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Answer, Error> {
    let options = WriteOptions { create: true, ..options };
    let found = Found::at(choice, context)?;
    match (wanted, found) {
        (Presence::Absent, Found::Ini(ini)) => remove(&ini, options, context),
        (Presence::Absent, Found::NoIni(ini)) => Ok(Answer {
            instances: vec![InstanceAnswer { ini, ..InstanceAnswer::default() }],
            properties: Some(Vec::new()),
            warnings: Vec::new(),
        }),
        (Presence::Present(desired), found) => {
            let ini = match found {
                Found::Ini(ini) => ini,
                Found::NoIni(_) => Ini::choose_or_create(choice, options.create, context)?,
            };
            let application = Application { desired, allow, user: IniUser::Anybody };
            let mut written = application.apply(write_of(&ini, options, &Processes::default()), context)?;
            let (document, actions) = match options.dry_run {
                true => {
                    let current = ini.exists.then(|| ini.bytes(context)).transpose()?;
                    application.preview(&ini, &ini.decode_or_first_run(current)?, context)?
                }
                false => (ini.read(context)?.document, hook_actions::read_or_warn(&ini, context.fs).0),
            };
            let state = state(wanted, &ini, &document, &actions, &mut written.warnings, context);
            let named = written.all_changes().map(|one| property(&one.section, &one.key, desired));
            let changed = properties(!ini.exists, named, written.changed);
            Ok(answer(Some(state), changed, written, context.fs))
        }
    }
}

/// Removes an ini. Its backup stays.
fn remove(ini: &Ini, options: WriteOptions, context: &mut Context<'_>) -> Result<Answer, Error> {
    let processes = Processes::default();
    let fs = context.fs;
    let written = write_of(ini, options, &processes).run(context, &mut |ini, current| {
        let is_change = current.is_some();
        let is_microsip = recognize::is_microsip(&ini.decode_or_first_run(current)?.document);
        let actions = hook_actions::replaced(ini, None, fs)?;
        Ok(Draft { is_change, is_microsip, actions, ..Draft::nothing() })
    })?;
    let changed = if written.changed { vec![EXIST] } else { Vec::new() };
    Ok(answer(None, changed, written, context.fs))
}

fn write_of<'a>(ini: &'a Ini, options: WriteOptions, processes: &'a Processes) -> Write<'a> {
    Write { ini, options, made_by: MadeBy::Edit, processes }
}

/// Returns the answer of a write after which the ini is in this state, or would be.
fn answer(
    state: Option<InstanceState>,
    changed: Vec<&'static str>,
    mut written: WriteOutcome,
    fs: &dyn FileSystem,
) -> Answer {
    let mut warnings = std::mem::take(&mut written.warnings);
    // While an ini is written, nobody uses it.
    let restart = match Ini::at(written.ini.clone(), &IniChoice::default(), fs) {
        Ok(ini) if written.dry_run || !written.changed => blockers(&ini, &Processes::default()),
        _ => Ok(Vec::new()),
    };
    let restart = restart.unwrap_or_else(|error| {
        warnings.push(Diagnostic::from(&error));
        Vec::new()
    });
    let ini = Some(written.ini.clone());
    let what_if = written.dry_run.then_some(written);
    let instance = InstanceAnswer { ini, state, what_if, restart, ..InstanceAnswer::default() };
    Answer { instances: vec![instance], properties: Some(changed), warnings }
}

fn export(choice: &IniChoice, context: &mut Context<'_>) -> Result<Answer, Error> {
    let everything = Presence::Present(Box::default());
    let mut answer = Answer::default();
    let add = |ini: Ini, document: &IniDocument, answer: &mut Answer, context: &Context<'_>| {
        let state = state_now(&everything, &ini, document, &mut answer.warnings, context);
        let (state, name) = (Some(state), Some(ini.path.clone()));
        answer.instances.push(InstanceAnswer {
            state,
            name,
            ini: Some(ini.path),
            ..InstanceAnswer::default()
        });
    };
    if choice.path.is_some() {
        if let Found::Ini(ini) = Found::at(choice, context)? {
            let decoded = ini.read(context)?;
            answer.warnings = reading_warnings(&decoded);
            add(ini, &decoded.document, &mut answer, context);
        }
        return Ok(answer);
    }
    let search = locate::search(context.env, &Processes::default().instances(&[])?);
    for found in search.found {
        let read = Ini::at(found.ini, choice, context.fs).and_then(|ini| Ok((ini.read(context)?, ini)));
        match read {
            Ok((decoded, ini)) => add(ini, &decoded.document, &mut answer, context),
            Err(error) => answer.warnings.push(Diagnostic::from(&error)),
        }
    }
    Ok(answer)
}

/// Returns the property that a key belongs to.
fn property(section: &str, key: &str, desired: &Desired) -> &'static str {
    let [microsip, settings, hooks, _, numbers, history, _, accounts, shortcuts] = PARTS;
    if section.eq_ignore_ascii_case("Settings") {
        match Event::from_key(key) {
            Some(_) => hooks,
            None if desired.names_setting(key) => settings,
            // The selection of an account belongs to the accounts.
            None => accounts,
        }
    } else if accounts::number_of(section).is_some() {
        accounts
    } else if section.eq_ignore_ascii_case("Shortcuts") {
        shortcuts
    } else if section == hooks {
        hooks
    } else if section == numbers {
        numbers
    } else if key == history {
        history
    } else {
        microsip
    }
}

/// Returns each property once, in the order of the schema. `ini` stands for a difference that isn't in a value:
/// MicroSIP would damage the text.
fn properties(
    is_created: bool,
    named: impl Iterator<Item = &'static str>,
    differs: bool,
) -> Vec<&'static str> {
    let named: Vec<&str> = named.collect();
    let mut all: Vec<&str> = Vec::from_iter(is_created.then_some(EXIST));
    all.extend(PARTS.into_iter().filter(|part| named.contains(part)));
    if all.is_empty() && differs {
        all.push(INI);
    }
    all
}

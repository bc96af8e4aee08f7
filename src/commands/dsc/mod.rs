//! The operations of Microsoft's DSC on one ini. They compare and write as [`provision`](super::provision) does; what is
//! theirs is the form of what comes in and goes out.

mod manifest;

use std::io;
use std::path::{Path, PathBuf};

use crate::desired::DesiredError;
use crate::desired::file::PARTS;
use crate::desired::instance::{self, EXIST, INI, Instance, Passwords, Presence, State};
use crate::desired::passwords::PasswordHasher;
use crate::desired::state::Desired;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::hook::command;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::encoding::Decoded;
use crate::microsip::accounts;
use crate::microsip::instances::{self, Processes};
use crate::microsip::locate::{self, LocateError};
use crate::platform::FileSystem;
use crate::request::{DscOperation, IniChoice, ValueSource, WriteOptions};

use super::ini_file::Ini;
use super::passwords::new_salt;
use super::provision::{self, Applying, Checked};
use super::write::{Draft, Writing, blockers, running_notice};
use super::{Context, Error, Report, Written, hooks};

pub use manifest::manifest;

/// What a DSC operation answers.
#[derive(Debug, Default)]
pub struct Answer {
    /// The instances: one, or of an export all that there are.
    pub instances: Vec<Told>,
    /// The properties that differ, or that changed, where that was asked for.
    pub properties: Option<Vec<&'static str>>,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
}

/// An instance as it is answered.
#[derive(Debug, Default)]
pub struct Told {
    /// The ini; `None` where there is none, and no place for one.
    pub ini: Option<PathBuf>,
    /// Its state; `None`: it is not there.
    pub state: Option<State>,
    /// Whether it is in the wanted state, where that was asked for.
    pub is_in_state: Option<bool>,
    /// What a set would do.
    pub what_if: Option<Written>,
    /// The MicroSIPs that have to read it again.
    pub restart: Vec<instances::Instance>,
    /// The name that tells it from the others of an export.
    pub name: Option<PathBuf>,
}

/// What was given on standard input is no instance.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("the input could not be read: {0}")]
    Unreadable(io::Error),
    #[error("the input, {}: {}", place(.0), .0.what)]
    Wrong(DesiredError),
}

fn place(error: &DesiredError) -> String {
    match &*error.path {
        "" => format!("line {}, column {}", error.line, error.column),
        path => path.to_string(),
    }
}

impl ToDiagnostic for InputError {
    fn code(&self) -> Code {
        match self {
            InputError::Wrong(error) if error.code() != Code::DesiredInvalid => error.code(),
            _ => Code::InputInvalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            InputError::Unreadable(_) => Some("give one JSON object in UTF-8".into()),
            InputError::Wrong(error) => error.hint(),
        }
    }
}

/// Carries out an operation.
pub fn run(choice: &IniChoice, operation: &DscOperation, context: &mut Context<'_>) -> Result<Report, Error> {
    let read = |place: &ValueSource| (context.secret)(place);
    // first of all: whoever writes the input is not left with it
    let text = read(&ValueSource::StandardInput).map_err(InputError::Unreadable)?;
    let passwords = match operation {
        DscOperation::Test | DscOperation::Set { .. } => Passwords::Read(&read),
        DscOperation::Get | DscOperation::Export => Passwords::Unread,
    };
    let Instance { ini, wanted } = instance::read(text, passwords).map_err(InputError::Wrong)?;
    let choice = IniChoice { path: ini.or_else(|| choice.path.clone()), code_page: choice.code_page };
    let answer = match operation {
        DscOperation::Get => get(&choice, &wanted, context)?,
        DscOperation::Test => test(&choice, &wanted, context)?,
        DscOperation::Set { allow, options } => set(&choice, &wanted, *allow, *options, context)?,
        DscOperation::Export => export(&choice, context)?,
    };
    Ok(Report::Dsc(Box::new(answer)))
}

/// What there is under the name of an ini.
enum Found {
    /// The ini.
    There(Ini),
    /// Nothing; where it would be, if that can be told.
    Nothing(Option<PathBuf>),
}

impl Found {
    fn at(choice: &IniChoice, context: &mut Context<'_>) -> Result<Found, Error> {
        match Ini::find(choice, context) {
            Ok(ini) => Ok(Found::There(ini)),
            Err(Error::NotThere { ini } | Error::BrokenLink { ini, .. }) => Ok(Found::Nothing(Some(ini))),
            Err(Error::Locate(LocateError::NotFound { .. })) => {
                Ok(Found::Nothing(locate::place_to_create(context.env).ok()))
            }
            Err(error) => Err(error),
        }
    }
}

fn get(choice: &IniChoice, wanted: &Presence, context: &mut Context<'_>) -> Result<Answer, Error> {
    let told = match Found::at(choice, context)? {
        Found::There(ini) => Told {
            state: Some(state(wanted, &ini, &ini.read(context)?.document, context)),
            ini: Some(ini.path),
            ..Told::default()
        },
        Found::Nothing(ini) => Told { ini, ..Told::default() },
    };
    Ok(Answer { instances: vec![told], ..Answer::default() })
}

/// What an ini has for all that is wanted; where nothing is named, all of it.
fn state(wanted: &Presence, ini: &Ini, document: &IniDocument, context: &Context<'_>) -> State {
    match wanted {
        Presence::Absent => State::default(),
        Presence::Present(desired) if desired.is_empty() => all_of(ini, document, context),
        Presence::Present(desired) => {
            let save_dialect = hooks::save_dialect(None, ini, document, context.env);
            let runs = |event: Event| {
                let (_, text) = hooks::text_of(event, document)?;
                command::decode(&text, event, &save_dialect).command()
            };
            let hooks = desired.hooks.iter().map(|(event, _)| (*event, runs(*event))).collect();
            State::named(desired, hooks, save_dialect.version, document)
        }
    }
}

fn all_of(ini: &Ini, document: &IniDocument, context: &Context<'_>) -> State {
    State::all(document, provision::state_of(ini, document, context.env))
}

fn test(choice: &IniChoice, wanted: &Presence, context: &mut Context<'_>) -> Result<Answer, Error> {
    let found = Found::at(choice, context)?;
    let (told, differing, warnings) = match (wanted, found) {
        (Presence::Absent, Found::Nothing(ini)) => {
            (Told { ini, is_in_state: Some(true), ..Told::default() }, Vec::new(), Vec::new())
        }
        (Presence::Absent, Found::There(ini)) => {
            let warnings = running_notice(&ini, &Processes::default()).into_iter().collect();
            let state = Some(State::default());
            (
                Told { ini: Some(ini.path), state, is_in_state: Some(false), ..Told::default() },
                vec![EXIST],
                warnings,
            )
        }
        (Presence::Present(desired), Found::There(ini)) => {
            let decoded = ini.read(context)?;
            let state = state(wanted, &ini, &decoded.document, context);
            let checked = compare(desired, ini, &decoded, context)?;
            let named = checked.differences.iter().map(|one| property(&one.section, &one.key, desired));
            let differing = properties(false, named, !checked.is_in_state);
            let is_in_state = Some(checked.is_in_state);
            let told = Told { ini: Some(checked.ini), state: Some(state), is_in_state, ..Told::default() };
            (told, differing, checked.warnings)
        }
        (Presence::Present(desired), Found::Nothing(path)) => {
            let (differing, warnings) = match &path {
                Some(path) => missing(desired, path, context)?,
                None => (vec![EXIST], Vec::new()),
            };
            (Told { ini: path, is_in_state: Some(false), ..Told::default() }, differing, warnings)
        }
    };
    Ok(Answer { instances: vec![told], properties: Some(differing), warnings })
}

fn compare(desired: &Desired, ini: Ini, decoded: &Decoded, context: &Context<'_>) -> Result<Checked, Error> {
    let hashes = PasswordHasher::new(&new_salt);
    let applying = Applying { desired, allow: Applying::WHEN_CHECKED, hashes: &hashes };
    applying.check(ini, decoded, &Processes::default(), context)
}

/// What differs where there is no ini: from one as MicroSIP makes it.
fn missing(
    desired: &Desired,
    path: &Path,
    context: &Context<'_>,
) -> Result<(Vec<&'static str>, Vec<Diagnostic>), Error> {
    let ini = Ini::plain(path.into(), None);
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
        (Presence::Absent, Found::There(ini)) => remove(&ini, options, context),
        (Presence::Absent, Found::Nothing(ini)) => Ok(Answer {
            instances: vec![Told { ini, ..Told::default() }],
            properties: Some(Vec::new()),
            warnings: Vec::new(),
        }),
        (Presence::Present(desired), found) => {
            let (ini, is_there) = match found {
                Found::There(ini) => (ini, true),
                Found::Nothing(_) => Ini::find_or_place(choice, options.create, context)?,
            };
            let hashes = PasswordHasher::new(&new_salt);
            let applying = Applying { desired, allow, hashes: &hashes };
            let written = applying.apply(writing(&ini, is_there, options, &Processes::default()), context)?;
            let document = match options.dry_run {
                true => {
                    let current = is_there.then(|| ini.bytes(context)).transpose()?;
                    applying.foreseen(&ini, &ini.decode_or_first_run(current)?, context)?
                }
                false => ini.read(context)?.document,
            };
            let state = state(wanted, &ini, &document, context);
            let named = written.changes.iter().map(|one| property(&one.section, &one.key, desired));
            let changed = properties(!is_there, named, written.changed);
            Ok(answer(Some(state), changed, written, context.fs))
        }
    }
}

/// Takes an ini away. Its backup stays.
fn remove(ini: &Ini, options: WriteOptions, context: &mut Context<'_>) -> Result<Answer, Error> {
    let processes = Processes::default();
    let written = writing(ini, true, options, &processes).run(context, &mut |_, current| {
        Ok(Draft { is_change: current.is_some(), original: current, ..Draft::nothing() })
    })?;
    let changed = if written.changed { vec![EXIST] } else { Vec::new() };
    Ok(answer(None, changed, written, context.fs))
}

fn writing<'a>(ini: &'a Ini, is_there: bool, options: WriteOptions, processes: &'a Processes) -> Writing<'a> {
    Writing { ini, is_there, options, made_by: MadeBy::Edit, processes }
}

/// The answer of a write after which the ini is in this state, or would be.
fn answer(
    state: Option<State>,
    changed: Vec<&'static str>,
    mut written: Written,
    fs: &dyn FileSystem,
) -> Answer {
    let warnings = std::mem::take(&mut written.warnings);
    // what was written was written while nobody used it
    let restart = match Ini::at(written.ini.clone(), &IniChoice::default(), fs) {
        Ok(ini) if written.dry_run || !written.changed => blockers(&ini, &Processes::default()),
        _ => Vec::new(),
    };
    let ini = Some(written.ini.clone());
    let what_if = written.dry_run.then_some(written);
    let told = Told { ini, state, what_if, restart, ..Told::default() };
    Answer { instances: vec![told], properties: Some(changed), warnings }
}

fn export(choice: &IniChoice, context: &mut Context<'_>) -> Result<Answer, Error> {
    let told = |ini: Ini, document: &IniDocument, context: &Context<'_>| Told {
        state: Some(all_of(&ini, document, context)),
        name: Some(ini.path.clone()),
        ini: Some(ini.path),
        ..Told::default()
    };
    let mut answer = Answer::default();
    if choice.path.is_some() {
        if let Found::There(ini) = Found::at(choice, context)? {
            let document = ini.read(context)?.document;
            answer.instances.push(told(ini, &document, context));
        }
        return Ok(answer);
    }
    let search = locate::search(context.env, &Processes::default().instances(&[]));
    for found in search.found {
        let read = Ini::at(found.ini, choice, context.fs).and_then(|ini| Ok((ini.read(context)?, ini)));
        match read {
            Ok((decoded, ini)) => answer.instances.push(told(ini, &decoded.document, context)),
            Err(error) => answer.warnings.push(Diagnostic::from(&error)),
        }
    }
    Ok(answer)
}

/// The property that a key belongs to.
fn property(section: &str, key: &str, desired: &Desired) -> &'static str {
    let [microsip, settings, hooks, _, accounts, shortcuts] = PARTS;
    if section.eq_ignore_ascii_case("Settings") {
        match Event::from_key(key) {
            Some(_) => hooks,
            None if desired.names_setting(key) => settings,
            // which account is used goes with the accounts
            None => accounts,
        }
    } else if accounts::number_of(section).is_some() {
        accounts
    } else if section.eq_ignore_ascii_case("Shortcuts") {
        shortcuts
    } else {
        microsip
    }
}

/// Each property once, in the order of the schema. `ini` where something is not as it should be but no value: its text is
/// one that MicroSIP would spoil.
fn properties(
    is_made: bool,
    named: impl Iterator<Item = &'static str>,
    is_something: bool,
) -> Vec<&'static str> {
    let named: Vec<&str> = named.collect();
    let mut all: Vec<&str> = Vec::from_iter(is_made.then_some(EXIST));
    all.extend(PARTS.into_iter().filter(|part| named.contains(part)));
    if all.is_empty() && is_something {
        all.push(INI);
    }
    all
}

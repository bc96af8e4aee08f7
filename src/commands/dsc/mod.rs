//! The operations of Microsoft's DSC on one ini. They compare and write as [`provision`](super::provision) does; what is
//! theirs is the form of what comes in and goes out.

mod manifest;

use std::io;
use std::path::{Path, PathBuf};

use crate::desired::DesiredError;
use crate::desired::file::PARTS;
use crate::desired::instance::{self, EXIST, INI, Instance, Passwords, Presence, State};
use crate::desired::secrets::Hashes;
use crate::desired::state::Desired;
use crate::edit::backup::MadeBy;
use crate::hook::command;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::ini::document::IniDocument;
use crate::ini::encoding::Decoded;
use crate::microsip::accounts;
use crate::microsip::instances::{self, Processes};
use crate::microsip::locate::{self, LocateError};
use crate::problem::{Code, Notice, Problem};
use crate::request::{DscOperation, IniChoice, NewValue, WriteOptions};

use super::ini_file::Ini;
use super::passwords::new_salt;
use super::provision::{self, Applying, Checked};
use super::write::{Draft, Writing, holders, running_notice};
use super::{Error, Outside, Report, Written, hooks};

pub use manifest::manifest;

/// What a DSC operation answers.
#[derive(Debug, Default)]
pub struct Answer {
    /// The instances: one, or of an export all that there are.
    pub instances: Vec<Told>,
    /// The properties that differ, or that changed, where that was asked for.
    pub properties: Option<Vec<&'static str>>,
    /// What deserves saying.
    pub notices: Vec<Notice>,
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

impl Problem for InputError {
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
pub fn run(choice: &IniChoice, operation: &DscOperation, outside: &mut Outside<'_>) -> Result<Report, Error> {
    let read = |place: &NewValue| (outside.secret)(place);
    // first of all: whoever writes the input is not left with it
    let text = read(&NewValue::StandardInput).map_err(InputError::Unreadable)?;
    let passwords = match operation {
        DscOperation::Test | DscOperation::Set { .. } => Passwords::Read(&read),
        DscOperation::Get | DscOperation::Export => Passwords::Unread,
    };
    let Instance { ini, wanted } = instance::read(text, passwords).map_err(InputError::Wrong)?;
    let choice = IniChoice { path: ini.or_else(|| choice.path.clone()), code_page: choice.code_page };
    let answer = match operation {
        DscOperation::Get => get(&choice, &wanted, outside)?,
        DscOperation::Test => test(&choice, &wanted, outside)?,
        DscOperation::Set { allow, options } => set(&choice, &wanted, *allow, *options, outside)?,
        DscOperation::Export => export(&choice, outside)?,
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
    fn at(choice: &IniChoice, outside: &mut Outside<'_>) -> Result<Found, Error> {
        match Ini::find(choice, outside) {
            Ok(ini) => Ok(Found::There(ini)),
            Err(Error::NotThere { ini } | Error::BrokenLink { ini, .. }) => Ok(Found::Nothing(Some(ini))),
            Err(Error::Locate(LocateError::NotFound { .. })) => {
                Ok(Found::Nothing(locate::place_to_create(outside.surroundings).ok()))
            }
            Err(error) => Err(error),
        }
    }
}

fn get(choice: &IniChoice, wanted: &Presence, outside: &mut Outside<'_>) -> Result<Answer, Error> {
    let told = match Found::at(choice, outside)? {
        Found::There(ini) => Told {
            state: Some(state(wanted, &ini, &ini.read(outside)?.document, outside)),
            ini: Some(ini.path),
            ..Told::default()
        },
        Found::Nothing(ini) => Told { ini, ..Told::default() },
    };
    Ok(Answer { instances: vec![told], ..Answer::default() })
}

/// What an ini has for all that is wanted; where nothing is named, all of it.
fn state(wanted: &Presence, ini: &Ini, document: &IniDocument, outside: &Outside<'_>) -> State {
    match wanted {
        Presence::Absent => State::default(),
        Presence::Present(desired) if desired.is_empty() => all_of(ini, document, outside),
        Presence::Present(desired) => {
            let saved_by = hooks::saved_by(None, ini, document, outside.surroundings);
            let runs = |event: Event| {
                let (_, text) = hooks::text_of(event, document)?;
                command::decode(&text, event, &saved_by).command()
            };
            let hooks = desired.hooks.iter().map(|(event, _)| (*event, runs(*event))).collect();
            State::named(desired, hooks, saved_by.version, document)
        }
    }
}

fn all_of(ini: &Ini, document: &IniDocument, outside: &Outside<'_>) -> State {
    State::all(document, provision::state_of(ini, document, outside.surroundings))
}

fn test(choice: &IniChoice, wanted: &Presence, outside: &mut Outside<'_>) -> Result<Answer, Error> {
    let found = Found::at(choice, outside)?;
    let (told, differing, notices) = match (wanted, found) {
        (Presence::Absent, Found::Nothing(ini)) => {
            (Told { ini, is_in_state: Some(true), ..Told::default() }, Vec::new(), Vec::new())
        }
        (Presence::Absent, Found::There(ini)) => {
            let notices = running_notice(&ini, &Processes::default()).into_iter().collect();
            let state = Some(State::default());
            (
                Told { ini: Some(ini.path), state, is_in_state: Some(false), ..Told::default() },
                vec![EXIST],
                notices,
            )
        }
        (Presence::Present(desired), Found::There(ini)) => {
            let decoded = ini.read(outside)?;
            let state = state(wanted, &ini, &decoded.document, outside);
            let checked = compare(desired, ini, &decoded, outside)?;
            let named = checked.differences.iter().map(|one| property(&one.section, &one.key, desired));
            let differing = properties(false, named, !checked.is_in_state);
            let is_in_state = Some(checked.is_in_state);
            let told = Told { ini: Some(checked.ini), state: Some(state), is_in_state, ..Told::default() };
            (told, differing, checked.notices)
        }
        (Presence::Present(desired), Found::Nothing(path)) => {
            let (differing, notices) = match &path {
                Some(path) => missing(desired, path, outside)?,
                None => (vec![EXIST], Vec::new()),
            };
            (Told { ini: path, is_in_state: Some(false), ..Told::default() }, differing, notices)
        }
    };
    Ok(Answer { instances: vec![told], properties: Some(differing), notices })
}

fn compare(desired: &Desired, ini: Ini, decoded: &Decoded, outside: &Outside<'_>) -> Result<Checked, Error> {
    let hashes = Hashes::new(&new_salt);
    let applying = Applying { desired, allow: Applying::WHEN_CHECKED, hashes: &hashes };
    applying.check(ini, decoded, &Processes::default(), outside)
}

/// What differs where there is no ini: from one as MicroSIP makes it.
fn missing(
    desired: &Desired,
    path: &Path,
    outside: &Outside<'_>,
) -> Result<(Vec<&'static str>, Vec<Notice>), Error> {
    let ini = Ini::plain(path.into(), None);
    let decoded = ini.decode_or_first_run(None)?;
    let checked = compare(desired, ini, &decoded, outside)?;
    let named = checked.differences.iter().map(|one| property(&one.section, &one.key, desired));
    Ok((properties(true, named, true), checked.notices))
}

fn set(
    choice: &IniChoice,
    wanted: &Presence,
    allow: Allow,
    options: WriteOptions,
    outside: &mut Outside<'_>,
) -> Result<Answer, Error> {
    let options = WriteOptions { create: true, ..options };
    let found = Found::at(choice, outside)?;
    match (wanted, found) {
        (Presence::Absent, Found::There(ini)) => remove(&ini, options, outside),
        (Presence::Absent, Found::Nothing(ini)) => Ok(Answer {
            instances: vec![Told { ini, ..Told::default() }],
            properties: Some(Vec::new()),
            notices: Vec::new(),
        }),
        (Presence::Present(desired), found) => {
            let (ini, is_there) = match found {
                Found::There(ini) => (ini, true),
                Found::Nothing(_) => Ini::find_or_place(choice, options.create, outside)?,
            };
            let hashes = Hashes::new(&new_salt);
            let applying = Applying { desired, allow, hashes: &hashes };
            let written = applying.apply(writing(&ini, is_there, options, &Processes::default()), outside)?;
            let document = match options.dry_run {
                true => {
                    let current = is_there.then(|| ini.bytes(outside)).transpose()?;
                    applying.foreseen(&ini, &ini.decode_or_first_run(current)?, outside)?
                }
                false => ini.read(outside)?.document,
            };
            let state = state(wanted, &ini, &document, outside);
            let named = written.changes.iter().map(|one| property(&one.section, &one.key, desired));
            let changed = properties(!is_there, named, written.changed);
            Ok(answer(Some(state), changed, written))
        }
    }
}

/// Takes an ini away. Its backup stays.
fn remove(ini: &Ini, options: WriteOptions, outside: &mut Outside<'_>) -> Result<Answer, Error> {
    let processes = Processes::default();
    let written = writing(ini, true, options, &processes).run(outside, &mut |_, current| {
        Ok(Draft { is_change: current.is_some(), original: current, ..Draft::nothing() })
    })?;
    let changed = if written.changed { vec![EXIST] } else { Vec::new() };
    Ok(answer(None, changed, written))
}

fn writing<'a>(ini: &'a Ini, is_there: bool, options: WriteOptions, processes: &'a Processes) -> Writing<'a> {
    Writing { ini, is_there, options, made_by: MadeBy::Edit, processes }
}

/// The answer of a write after which the ini is in this state, or would be.
fn answer(state: Option<State>, changed: Vec<&'static str>, mut written: Written) -> Answer {
    let notices = std::mem::take(&mut written.notices);
    // what was written was written while nobody used it
    let restart = match Ini::at(written.ini.clone(), &IniChoice::default()) {
        Ok(ini) if written.dry_run || !written.changed => holders(&ini, &Processes::default()),
        _ => Vec::new(),
    };
    let ini = Some(written.ini.clone());
    let what_if = written.dry_run.then_some(written);
    let told = Told { ini, state, what_if, restart, ..Told::default() };
    Answer { instances: vec![told], properties: Some(changed), notices }
}

fn export(choice: &IniChoice, outside: &mut Outside<'_>) -> Result<Answer, Error> {
    let told = |ini: Ini, document: &IniDocument, outside: &Outside<'_>| Told {
        state: Some(all_of(&ini, document, outside)),
        name: Some(ini.path.clone()),
        ini: Some(ini.path),
        ..Told::default()
    };
    let mut answer = Answer::default();
    if choice.path.is_some() {
        if let Found::There(ini) = Found::at(choice, outside)? {
            let document = ini.read(outside)?.document;
            answer.instances.push(told(ini, &document, outside));
        }
        return Ok(answer);
    }
    let search = locate::search(outside.surroundings, &Processes::default().instances(&[]));
    for found in search.found {
        let read = Ini::at(found.ini, choice).and_then(|ini| Ok((ini.read(outside)?, ini)));
        match read {
            Ok((decoded, ini)) => answer.instances.push(told(ini, &decoded.document, outside)),
            Err(error) => answer.notices.push(Notice::from(&error)),
        }
    }
    Ok(answer)
}

/// The property that a key belongs to.
fn property(section: &str, key: &str, desired: &Desired) -> &'static str {
    let [microsip, settings, hooks, _, accounts, shortcuts] = PARTS;
    if section.eq_ignore_ascii_case("Settings") {
        match Event::of_key(key) {
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

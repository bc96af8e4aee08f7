//! What there is: MicroSIPs, their inis, and what runs. Never fails: what cannot be read says so in its place.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::diagnostic::Diagnostic;
use crate::edit::backup;
use crate::ini::encoding::Encoding;
use crate::microsip::accounts::{self, Account};
use crate::microsip::instances::{Instance, Processes};
use crate::microsip::locate::{self, Candidate, Install, Search};
use crate::microsip::version::Version;
use crate::request::IniChoice;

use super::doctor::{self, finding::Finding};
use super::hooks::{self, Hook};
use super::ini_file::Ini;
use super::safety::{self, Listed};
use super::{Context, Error};

/// What there is.
#[derive(Debug)]
pub struct Status {
    /// MicroSIPs on the disk.
    pub installs: Vec<Install>,
    /// Running ones.
    pub instances: Vec<Instance>,
    /// Inis: the one that was named, or all that were found.
    pub inis: Vec<IniStatus>,
    /// Where inis were looked for, if none was named.
    pub looked: Vec<PathBuf>,
}

/// What there is to say of an ini.
#[derive(Debug)]
pub struct IniStatus {
    /// The ini, and why it is one.
    pub found: Candidate,
    /// When it was written last.
    pub modified: Option<SystemTime>,
    /// What is in it, or why it cannot be told.
    pub content: Result<Content, Diagnostic>,
}

/// What is in an ini.
#[derive(Debug)]
pub struct Content {
    /// How it is encoded.
    pub encoding: Encoding,
    /// The version of the MicroSIP that uses it, by its exe or by what it wrote into the ini.
    pub version: Option<Version>,
    /// Every event and what runs.
    pub hooks: Vec<Hook>,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// The number of the one that is used.
    pub selected: Option<u32>,
    /// Its backups, newest first.
    pub backups: Vec<Listed>,
    /// What is wrong with it.
    pub problems: Vec<Finding>,
}

/// What there is.
pub fn status(choice: &IniChoice, context: &Context<'_>) -> Status {
    let instances = Processes::default().instances(&[]);
    let Search { found, looked } = match &choice.path {
        Some(path) => {
            let ini = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Search { found: vec![Candidate { ini, why: Vec::new() }], looked: Vec::new() }
        }
        None => locate::search(context.env, &instances),
    };
    let inis = found.into_iter().map(|found| ini_status(found, choice, context)).collect();
    Status { installs: locate::installs(context.env), instances, inis, looked }
}

fn ini_status(found: Candidate, choice: &IniChoice, context: &Context<'_>) -> IniStatus {
    let metadata = context.fs.metadata(&found.ini).ok();
    IniStatus {
        modified: metadata.and_then(|metadata| metadata.modified),
        content: content(&found, choice, context).map_err(|error| Diagnostic::from(&error)),
        found,
    }
}

fn content(found: &Candidate, choice: &IniChoice, context: &Context<'_>) -> Result<Content, Error> {
    let ini = Ini::at(found.ini.clone(), choice, context.fs)?;
    let decoded = ini.read(context)?;
    let document = &decoded.document;
    Ok(Content {
        encoding: decoded.encoding,
        version: hooks::save_dialect(None, &ini, document, context.env).version,
        hooks: hooks::all(&ini, document, context.env),
        accounts: accounts::all(document),
        selected: accounts::selected(document),
        backups: safety::listed(backup::list(&ini.target, context.fs).unwrap_or_default(), context.fs),
        problems: doctor::examine(&ini, context)?,
    })
}

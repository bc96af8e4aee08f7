//! Determines which inis a running MicroSIP may use, from what this user may know about its process. Pure, except
//! that paths are compared on the disk.
//!
//! `docs/internals/safety.md` has the rules as a table.

use std::path::{Path, PathBuf};

use super::ini_path::{self, IniPlace};
use super::version::Version;
use crate::platform::{FileSystem, ProcessDetails, ProcessPlace, SystemFs, UserId};

/// What msipcfg itself runs as.
#[derive(Clone, Debug, Default)]
pub struct OwnProcess {
    /// The user.
    pub user: Option<UserId>,
    /// The Windows session.
    pub session: Option<u32>,
    /// The user's AppData folders.
    pub app_data: Vec<PathBuf>,
}

/// The inis that an instance may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsedInis {
    /// These and no others.
    Known(Vec<PathBuf>),
    /// Any ini.
    Any(Unknown),
    /// Any ini that isn't in these folders, and those in `certain` wherever they are.
    AnyOutside { folders: Vec<PathBuf>, certain: Vec<PathBuf>, unknown: Unknown },
}

/// What isn't known about an instance, so that its ini isn't known either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Its exe.
    Exe,
    /// Its command line, which could name an ini.
    CommandLine,
    /// The AppData folder of its user.
    AppData,
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unknown::Exe => "the path of its program can't be read",
            Unknown::CommandLine => "its command line can't be read",
            Unknown::AppData => "its user's AppData folder isn't known",
        })
    }
}

impl UsedInis {
    /// Returns the inis of a process.
    pub fn of(details: &ProcessDetails, version: Option<Version>, own: &OwnProcess) -> UsedInis {
        let Some(place) = &details.place else { return UsedInis::Any(Unknown::Exe) };
        let by_rule = by_rule(place, version);
        let arguments = details.arguments.iter().flatten().skip(1).map(String::as_str);
        let named = ini_path::named_on_command_line(arguments);
        let named = named.into_iter().filter_map(|file| place.paths.to_host(file));
        let unknown = match (&by_rule, &details.arguments) {
            (Some(by_rule), Some(_)) => {
                return UsedInis::Known(by_rule.iter().cloned().chain(named).collect());
            }
            (_, None) => Unknown::CommandLine,
            (None, Some(_)) => Unknown::AppData,
        };
        if !is_another_users(details, own) {
            return UsedInis::Any(unknown);
        }
        let next_to_exe = ini_stem(place, version).map(|stem| next_to(place, stem));
        UsedInis::AnyOutside {
            folders: own.app_data.clone(),
            certain: by_rule.into_iter().flatten().chain(next_to_exe).chain(named).collect(),
            unknown,
        }
    }

    /// Returns whether an ini is, or may be, one of them.
    pub fn contains(&self, ini: &Path) -> bool {
        let is_one_of = |inis: &[PathBuf]| inis.iter().any(|used| is_same(used, ini));
        match self {
            UsedInis::Known(inis) => is_one_of(inis),
            UsedInis::Any(_) => true,
            UsedInis::AnyOutside { folders, certain, .. } => {
                !folders.iter().any(|folder| is_in(ini, folder)) || is_one_of(certain)
            }
        }
    }

    /// Returns them if they are known.
    pub fn known(&self) -> Option<&[PathBuf]> {
        match self {
            UsedInis::Known(inis) => Some(inis),
            UsedInis::Any(_) | UsedInis::AnyOutside { .. } => None,
        }
    }

    /// Returns what isn't known, if they aren't.
    pub fn unknown(&self) -> Option<Unknown> {
        match self {
            UsedInis::Known(_) => None,
            UsedInis::Any(unknown) | UsedInis::AnyOutside { unknown, .. } => Some(*unknown),
        }
    }
}

/// Returns whether a process certainly belongs to another user. A process in another session that can't be opened
/// does; one in this session may also be this user's own with higher privileges.
fn is_another_users(details: &ProcessDetails, own: &OwnProcess) -> bool {
    match (&details.user, &own.user) {
        (Some(user), Some(own)) => user != own,
        _ => {
            let sessions = details.process.session.zip(own.session);
            details.is_refused && sessions.is_some_and(|(session, own)| session != own)
        }
    }
}

/// Returns the inis that a process uses by the place of its exe, without those named on its command line.
fn by_rule(place: &ProcessPlace, version: Option<Version>) -> Option<Vec<PathBuf>> {
    let (folder, _) = ini_path::parts(&place.exe)?;
    let stem = ini_stem(place, version)?;
    let in_folder = |folder: &PathBuf| folder.join("MicroSIP").join(format!("{stem}.ini"));
    match ini_path::ini_place(folder, place.facts.as_ref()?, version) {
        IniPlace::NextToExe => Some(vec![next_to(place, stem)]),
        IniPlace::AppData if place.app_data.is_empty() => None,
        IniPlace::AppData => Some(place.app_data.iter().map(in_folder).collect()),
    }
}

fn ini_stem(place: &ProcessPlace, version: Option<Version>) -> Option<&str> {
    ini_path::parts(&place.exe).map(|(_, stem)| ini_path::ini_stem(stem, version))
}

fn next_to(place: &ProcessPlace, stem: &str) -> PathBuf {
    place.exe_on_disk.with_file_name(format!("{stem}.ini"))
}

/// Returns whether two paths lead to the same file. They are compared as text first, because otherwise both files are
/// opened, and missing or locked ones can't be.
fn is_same(a: &Path, b: &Path) -> bool {
    spelling(a) == spelling(b) || SystemFs.is_same_file(a, b).unwrap_or(false)
}

/// Returns whether a path is in a folder, as text.
fn is_in(path: &Path, folder: &Path) -> bool {
    let [path, folder] = [path, folder].map(spelling);
    let rest = path.strip_prefix(folder.trim_end_matches('\\'));
    !folder.is_empty() && rest.is_some_and(|rest| rest.starts_with('\\'))
}

/// Returns a path in lower case, with backslashes and without the prefix of Windows' long form.
fn spelling(path: &Path) -> String {
    let path = path.to_string_lossy().to_lowercase().replace('/', "\\");
    if let Some(share) = path.strip_prefix(r"\\?\unc\") {
        return format!(r"\\{share}");
    }
    path.strip_prefix(r"\\?\").unwrap_or(&path).to_string()
}

#[cfg(test)]
mod tests;

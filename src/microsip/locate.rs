//! Which inis there are: where MicroSIP itself would look, and off Windows the Wine prefixes.

use std::path::{Path, PathBuf};

use crate::platform::{self, AppData, Surroundings};
use crate::problem::{Code, Problem};

use super::ini_path;

/// No ini was found, or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    #[error("no MicroSIP ini was found; looked in {}", paths(.looked))]
    NotFound { looked: Vec<PathBuf> },
    #[error("several MicroSIP inis were found: {}", paths(.found))]
    Several { found: Vec<PathBuf> },
    #[error("MicroSIP is not installed here in one place only, so it is not known where its ini belongs")]
    NoPlaceToCreate,
}

impl Problem for LocateError {
    fn code(&self) -> Code {
        match self {
            LocateError::NotFound { .. } | LocateError::NoPlaceToCreate => Code::IniNotFound,
            LocateError::Several { .. } => Code::IniAmbiguous,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LocateError::NotFound { .. } => {
                    "name it with --ini PATH or MSIPCFG_INI; commands that write make a new one with --create"
                }
                LocateError::Several { .. } => "name the one you mean with --ini PATH or MSIPCFG_INI",
                LocateError::NoPlaceToCreate => "name the ini to make with --ini PATH",
            }
            .into(),
        )
    }
}

/// The one ini there is.
///
/// # Errors
/// When there is none, or more than one.
pub fn the_one(surroundings: &Surroundings) -> Result<PathBuf, LocateError> {
    let mut looked = Vec::new();
    let mut found = Vec::new();
    for AppData { roaming, local } in platform::app_data_folders(surroundings) {
        // MicroSIP takes a local one only where there is none in the roaming folder (3.21.4, settings.cpp)
        for folder in std::iter::once(roaming).chain(local).map(|folder| folder.join("MicroSIP")) {
            let inis = inis_in(&folder);
            looked.push(folder);
            if !inis.is_empty() {
                found.extend(inis);
                break;
            }
        }
    }
    if looked.is_empty() {
        looked = platform::settings_roots(surroundings);
    }
    match found.len() {
        0 => Err(LocateError::NotFound { looked }),
        1 => Ok(found.remove(0)),
        _ => Err(LocateError::Several { found }),
    }
}

/// Where MicroSIP would make its ini at its first run.
///
/// # Errors
/// When that is not one place.
pub fn place_to_create(surroundings: &Surroundings) -> Result<PathBuf, LocateError> {
    let is_installed = platform::registry_defaults(surroundings, ini_path::REGISTRY_KEY)
        .is_some_and(|defaults| ini_path::install_folder(&defaults).is_some());
    let mut folders = platform::app_data_folders(surroundings);
    match (folders.pop(), folders.is_empty()) {
        (Some(AppData { roaming, .. }), true) if is_installed => {
            Ok(roaming.join("MicroSIP").join("MicroSIP.ini"))
        }
        _ => Err(LocateError::NoPlaceToCreate),
    }
}

fn inis_in(folder: &Path) -> Vec<PathBuf> {
    let mut inis: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ini")) && path.is_file()
        })
        .collect();
    inis.sort();
    // one of the usual name is MicroSIP's; without it, those of copies with other names
    let usual = |ini: &&PathBuf| ini.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("MicroSIP"));
    let no_settings =
        |ini: &PathBuf| ini.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("desktop"));
    match inis.iter().find(usual) {
        Some(usual) => vec![usual.clone()],
        None => inis.into_iter().filter(|ini| !no_settings(ini)).collect(),
    }
}

fn paths(found: &[PathBuf]) -> String {
    let shown: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
    if shown.is_empty() {
        "no place: there is no AppData folder and no Wine prefix".into()
    } else {
        shown.join(", ")
    }
}

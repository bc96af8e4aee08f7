//! Problems of the place of an ini, and of the files next to it.

use std::path::{Path, PathBuf};

use crate::commands::backups::folder_error;
use crate::commands::error::Error;
use crate::commands::ini::Ini;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::backup;
use crate::edit::transaction::{self, TransactionError, TransactionErrorKind};
use crate::microsip::locate;
use crate::platform::{self, AppData, Env, FileSystem};

use super::finding::{Finding, Fix, Severity};

/// A problem of a place or a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum PlaceProblem {
    #[error("{} is read-only, so MicroSIP can't save its settings; version 3.22.16 doesn't even start", .ini.display())]
    ReadOnly { ini: PathBuf },
    #[error("msipcfg can't change this ini: {} {what}: {cause}", .path.display())]
    NotWritable { path: PathBuf, what: &'static str, cause: String, hint: Option<String> },
    #[error("MicroSIP doesn't read this ini; it uses {}", .read.display())]
    NotRead { read: PathBuf },
    #[error("{} also exists, but MicroSIP doesn't read it", .stale.display())]
    StaleCopy { stale: PathBuf },
    #[error("this is the ini of the portable copy next to it; the installed MicroSIP uses {}", .other.display())]
    TwoPlaces { other: PathBuf },
    #[error("{} was left behind when msipcfg was killed", .path.display())]
    Leftover { path: PathBuf },
    #[error("{} may contain passwords, and more users can read it than can read the ini", .path.display())]
    Exposed { path: PathBuf },
}

impl ToDiagnostic for PlaceProblem {
    fn code(&self) -> Code {
        match self {
            PlaceProblem::ReadOnly { .. } => Code::FileReadOnly,
            PlaceProblem::NotWritable { .. } => Code::FileWrite,
            PlaceProblem::NotRead { .. } => Code::IniNotRead,
            PlaceProblem::StaleCopy { .. } => Code::IniStaleCopy,
            PlaceProblem::TwoPlaces { .. } => Code::IniTwoPlaces,
            PlaceProblem::Leftover { .. } => Code::Leftover,
            PlaceProblem::Exposed { .. } => Code::BackupExposed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            PlaceProblem::ReadOnly { .. } => {
                Some("remove the read-only attribute, unless nobody should change the settings".into())
            }
            PlaceProblem::NotWritable { hint, .. } => hint.clone(),
            PlaceProblem::NotRead { read } => {
                Some(format!("change {} instead, and delete this one", read.display()))
            }
            PlaceProblem::StaleCopy { stale } => {
                Some(format!("if nobody needs {}, delete it", stale.display()))
            }
            PlaceProblem::TwoPlaces { .. } => {
                Some("make sure that this is the ini that you want to change".into())
            }
            PlaceProblem::Leftover { .. } | PlaceProblem::Exposed { .. } => None,
        }
    }
}

/// Returns every problem of the place of an ini, and of the files next to it.
///
/// # Errors
/// The folder can't be read.
pub fn check(ini: &Ini, env: &Env, fs: &dyn FileSystem) -> Result<Vec<Finding>, Error> {
    let target = ini.file.to_open();
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(not_writable(ini, fs).map(|problem| Finding::new(Severity::Warning, &problem)));
    findings.extend(elsewhere(target, env, fs));
    for path in transaction::leftovers(target, fs) {
        let finding = Finding::new(Severity::Info, &PlaceProblem::Leftover { path: path.clone() });
        findings.push(finding.in_file(path).fixed_by(Fix::Leftover));
    }
    let backups = backup::list(target, fs).map_err(|error| folder_error(&ini.path, &error))?.into_iter();
    for path in backups.map(|backup| backup.path).filter(|path| platform::has_wider_access(path, target)) {
        let finding = Finding::new(Severity::Warning, &PlaceProblem::Exposed { path: path.clone() });
        findings.push(finding.in_file(path.clone()).fixed_by(Fix::Access(path)));
    }
    Ok(findings)
}

/// Returns why the ini can't be changed, as far as that can be seen.
fn not_writable(ini: &Ini, fs: &dyn FileSystem) -> Option<PlaceProblem> {
    let kind: TransactionErrorKind<Error> = transaction::check_writable(ini.file.to_open(), fs).err()?;
    let failure = TransactionError { ini: ini.file.to_open().to_path_buf(), changed: false, kind };
    let failure = failure.with_paths(|path| ini.file.shown_for(path));
    let hint = failure.hint();
    Some(match failure.kind {
        TransactionErrorKind::Io { path, what, source, .. } => {
            PlaceProblem::NotWritable { path, what, cause: source.to_string(), hint }
        }
        _ => PlaceProblem::ReadOnly { ini: ini.path.clone() },
    })
}

/// Finds an ini of the same name where MicroSIP looks, or used to look.
fn elsewhere(ini: &Path, env: &Env, fs: &dyn FileSystem) -> Vec<Finding> {
    let name = ini.file_name().unwrap_or_default();
    let folders: Vec<AppData> = platform::app_data_folders(env);
    let roaming = |folder: &AppData| folder.roaming.join("MicroSIP").join(name);
    let local = |folder: &AppData| folder.local.as_ref().map(|local| local.join("MicroSIP").join(name));
    let is_ini = |path: &Path| fs.is_same_file(path, ini).unwrap_or(false);
    for folder in &folders {
        let (roaming, local) = (roaming(folder), local(folder).filter(|local| fs.is_file(local)));
        match local {
            Some(local) if is_ini(&local) && !is_ini(&roaming) && fs.is_file(&roaming) => {
                return vec![Finding::new(Severity::Error, &PlaceProblem::NotRead { read: roaming })];
            }
            Some(stale) if is_ini(&roaming) && !is_ini(&stale) => {
                let finding = Finding::new(Severity::Info, &PlaceProblem::StaleCopy { stale: stale.clone() });
                return vec![finding.in_file(stale)];
            }
            _ => {}
        }
    }
    if !fs.is_file(&ini.with_extension("exe")) {
        return Vec::new();
    }
    let Some(used) = folders.iter().map(roaming).find(|roaming| fs.is_file(roaming) && !is_ini(roaming))
    else {
        return Vec::new();
    };
    let finding = if locate::is_next_to_installed(ini, env) {
        Finding::new(Severity::Error, &PlaceProblem::NotRead { read: used })
    } else if locate::installed_exe(env).is_some() {
        Finding::new(Severity::Info, &PlaceProblem::TwoPlaces { other: used })
    } else {
        return Vec::new();
    };
    vec![finding]
}

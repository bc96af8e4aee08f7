//! Problems of where an ini lies, and of what lies beside it.

use std::path::{Path, PathBuf};

use crate::commands::backups::BackupError;
use crate::commands::error::Error;
use crate::commands::ini::Ini;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::{backup, transaction};
use crate::microsip::locate;
use crate::platform::{self, AppData, Env, FileSystem};

use super::finding::{Finding, Fix, Severity};

/// What is wrong with a place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Fault {
    #[error("{} is marked read-only, so MicroSIP cannot save its settings; 3.22.16 does not even start", .ini.display())]
    ReadOnly { ini: PathBuf },
    #[error("MicroSIP does not read this ini: it uses {}", .read.display())]
    NotRead { read: PathBuf },
    #[error("{} is there too, and MicroSIP does not read it", .stale.display())]
    StaleCopy { stale: PathBuf },
    #[error("this is the ini of the portable copy beside it; the installed MicroSIP uses {}", .other.display())]
    TwoPlaces { other: PathBuf },
    #[error("{} was left by a run of msipcfg that was killed", .path.display())]
    Leftover { path: PathBuf },
    #[error("others than those of the ini can read {}, which holds passwords as the ini does", .path.display())]
    Exposed { path: PathBuf },
}

impl ToDiagnostic for Fault {
    fn code(&self) -> Code {
        match self {
            Fault::ReadOnly { .. } => Code::FileReadOnly,
            Fault::NotRead { .. } => Code::IniNotRead,
            Fault::StaleCopy { .. } => Code::IniStaleCopy,
            Fault::TwoPlaces { .. } => Code::IniTwoPlaces,
            Fault::Leftover { .. } => Code::Leftover,
            Fault::Exposed { .. } => Code::BackupExposed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Fault::ReadOnly { .. } => {
                Some("take the read-only mark off, unless the settings are to stay".into())
            }
            Fault::NotRead { read } => Some(format!("work on {}, and delete this one", read.display())),
            Fault::StaleCopy { stale } => Some(format!("delete {} if nobody needs it", stale.display())),
            Fault::TwoPlaces { .. } => Some("make sure that it is the one you mean".into()),
            Fault::Leftover { .. } | Fault::Exposed { .. } => None,
        }
    }
}

/// Every problem of the place of an ini, and of the files beside it.
///
/// # Errors
/// When its folder cannot be read.
pub fn check(ini: &Ini, env: &Env, fs: &dyn FileSystem) -> Result<Vec<Finding>, Error> {
    let target = &ini.target;
    let mut findings: Vec<Finding> = Vec::new();
    if fs.metadata(target).is_ok_and(|metadata| metadata.is_readonly) {
        findings.push(Finding::new(Severity::Warning, &Fault::ReadOnly { ini: ini.path.clone() }));
    }
    findings.extend(elsewhere(target, env, fs));
    for path in transaction::left_behind(target, fs) {
        let finding = Finding::new(Severity::Info, &Fault::Leftover { path: path.clone() });
        findings.push(finding.in_file(path).fixed_by(Fix::Leftover));
    }
    let backups = backup::list(target, fs)
        .map_err(|source| BackupError::Folder { ini: ini.path.clone(), source })?
        .into_iter();
    for path in backups.map(|backup| backup.path).filter(|path| platform::has_wider_access(path, target)) {
        let finding = Finding::new(Severity::Warning, &Fault::Exposed { path: path.clone() });
        findings.push(finding.in_file(path.clone()).fixed_by(Fix::Access(path)));
    }
    Ok(findings)
}

/// An ini of the same name where MicroSIP looks, or looked.
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
                return vec![Finding::new(Severity::Error, &Fault::NotRead { read: roaming })];
            }
            Some(stale) if is_ini(&roaming) && !is_ini(&stale) => {
                let finding = Finding::new(Severity::Info, &Fault::StaleCopy { stale: stale.clone() });
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
    let finding = if locate::is_beside_installed(ini, env) {
        Finding::new(Severity::Error, &Fault::NotRead { read: used })
    } else if locate::installed_exe(env).is_some() {
        Finding::new(Severity::Info, &Fault::TwoPlaces { other: used })
    } else {
        return Vec::new();
    };
    vec![finding]
}

//! Problems of the place of an ini, and of the files next to it.

use std::path::Path;

use crate::commands::backups::folder_error;
use crate::commands::error::Error;
use crate::commands::hook_actions::untrusted_file;
use crate::commands::hook_state::target_context;
use crate::commands::ini::Ini;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::transaction::{self, TransactionError, TransactionErrorKind};
use crate::edit::{backup, companion};
use crate::hook::target::TargetContext;
use crate::hook::trust::{self, WeakSpot};
use crate::hook::writers::other_writer;
use crate::microsip::locate;
use crate::platform::{self, AppData, Env, FileSystem, FileSystemExt};

use super::finding::{Finding, Fix, Severity};

/// Returns every problem of the place of an ini, and of the files next to it.
///
/// # Errors
/// The folder can't be read.
pub fn check(ini: &Ini, env: &Env, fs: &dyn FileSystem) -> Result<Vec<Finding>, Error> {
    let target = ini.file.to_open();
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(not_writable(ini, fs));
    findings.extend(writable_by_others(ini, env));
    findings.extend(untrusted_actions(ini));
    findings.extend(elsewhere(target, env, fs));
    for path in transaction::leftovers(target, fs) {
        let message = format!("{} was left behind when msipcfg was killed", path.display());
        let finding = Finding::info(Code::Leftover, message);
        findings.push(finding.in_file(path).fixed_by(Fix::Leftover));
    }
    let backups = backup::list(target, fs).map_err(|error| folder_error(&ini.path, &error))?.into_iter();
    for path in backups.map(|backup| backup.path).filter(|path| platform::has_wider_access(path, target)) {
        let message = format!(
            "{} may contain passwords, and more users can read it than can read the ini",
            path.display()
        );
        let finding = Finding::warning(Code::BackupExposed, message);
        findings.push(finding.in_file(path.clone()).fixed_by(Fix::Access(path)));
    }
    Ok(findings)
}

/// Returns why the ini can't be changed, as far as that can be seen.
fn not_writable(ini: &Ini, fs: &dyn FileSystem) -> Option<Finding> {
    let kind: TransactionErrorKind<Error> = transaction::check_writable(ini.file.to_open(), fs).err()?;
    let failure = TransactionError { ini: ini.file.to_open().to_path_buf(), changed: false, kind };
    let failure = failure.with_paths(|path| ini.file.shown_for(path));
    let hint = failure.hint();
    let TransactionErrorKind::Io { path, what, source, .. } = failure.kind else {
        let ini = ini.path.display();
        let message = format!(
            "{ini} is read-only, so MicroSIP can't save its settings; version 3.22.16 doesn't even start"
        );
        let finding = Finding::warning(Code::FileReadOnly, message)
            .with_hint("remove the read-only attribute, unless nobody should change the settings");
        return Some(finding);
    };
    let message = format!("msipcfg can't change this ini: {} {what}: {source}", path.display());
    let mut finding = Finding::warning(Code::FileWrite, message);
    finding.diagnostic.hint = hint;
    Some(finding)
}

/// Finds somebody besides the ini's owner and administrators who can change it.
fn writable_by_others(ini: &Ini, env: &Env) -> Option<Finding> {
    let path = ini.file.to_open();
    let TargetContext { trust, probe, .. } = target_context(ini, env);
    let (who, place, hint) = match trust::weak_spot(path, &trust, probe.access_of) {
        Some(WeakSpot { path, who, fix }) => {
            let who = platform::account_name(&who).unwrap_or(who.0);
            (who, ini.file.shown_for(&path), fix.map(|fix| format!("fix it: {fix}")))
        }
        None => {
            let folder = platform::writers_of(path.parent()?);
            let who = other_writer(&platform::writers_of(path), &folder)?;
            (who.to_string(), ini.path.clone(), Some("see 'ls -ld' of the ini and its folder".into()))
        }
    };
    let message = format!(
        "other users could change this ini, and with it the programs that MicroSIP runs: {who} may change {}",
        place.display()
    );
    let mut finding = Finding::warning(Code::IniWritable, message);
    finding.diagnostic.hint = hint;
    Some(finding)
}

/// Finds somebody who can change the file with the actions, but not the ini.
fn untrusted_actions(ini: &Ini) -> Option<Finding> {
    let problem = untrusted_file(ini)?;
    let file = ini.file.shown_for(&companion::path_for(ini.file.to_open()));
    Some(Finding::new(Severity::Error, &problem).in_file(file))
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
                return vec![not_read(&roaming)];
            }
            Some(stale) if is_ini(&roaming) && !is_ini(&stale) => {
                let path = stale.display();
                let message = format!("{path} also exists, but MicroSIP doesn't read it");
                let finding = Finding::info(Code::IniStaleCopy, message)
                    .with_hint(format!("if nobody needs {path}, delete it"));
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
        not_read(&used)
    } else if locate::installed_exe(env).is_some() {
        let used = used.display();
        let message =
            format!("this is the ini of the portable copy next to it; the installed MicroSIP uses {used}");
        Finding::info(Code::IniTwoPlaces, message)
            .with_hint("make sure that this is the ini that you want to change")
    } else {
        return Vec::new();
    };
    vec![finding]
}

/// Returns the problem that MicroSIP reads another ini.
fn not_read(read: &Path) -> Finding {
    let read = read.display();
    Finding::error(Code::IniNotRead, format!("MicroSIP doesn't read this ini; it uses {read}"))
        .with_hint(format!("change {read} instead, and delete this one"))
}

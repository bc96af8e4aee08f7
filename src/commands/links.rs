//! Links: which program opens them, and making it MicroSIP.

use std::path::Path;

use crate::diagnostic::Diagnostic;
use crate::microsip::links::{self, LinksError, LinksWarning, Plan};
use crate::microsip::locate;
use crate::platform::registry::ClassRegistry;
use crate::platform::{self, Env, ProgramProbe};
use crate::request::{LinksOrder, LinksRequest};

use super::{Context, Error, Linked, Report};

/// Shows who opens links; registers MicroSIP for them, or gives back what was there before.
pub fn run(request: &LinksRequest, context: &Context<'_>) -> Result<Report, Error> {
    let mut registry = platform::class_registry().ok_or(LinksError::NotWindows)?;
    let exe = exe(request, context.env)?;
    Ok(Report::Linked(carry_out(request, exe.as_deref(), registry.as_mut())?))
}

fn carry_out(
    request: &LinksRequest,
    exe: Option<&str>,
    registry: &mut dyn ClassRegistry,
) -> Result<Linked, LinksError> {
    let plan = match (request.order, exe) {
        (LinksOrder::Show, _) => Plan::default(),
        (LinksOrder::Set, Some(exe)) => links::plan_set(registry, exe)?,
        (LinksOrder::Set, None) => return Err(LinksError::NotInstalled),
        (LinksOrder::Unset, _) => links::plan_unset(registry)?,
    };
    if !request.dry_run {
        links::carry_out(&plan, registry)?;
    }
    let changed = !plan.changes.is_empty();
    let links = links::show(registry, exe)
        .map_err(|source| LinksError::Registry { changed: changed && !request.dry_run, source })?;
    let mut remarks: Vec<LinksWarning> =
        plan.left_alone.iter().map(|scheme| LinksWarning::ChangedSince { scheme }).collect();
    if request.order == LinksOrder::Set {
        remarks.extend(links::remarks_after_set(&links));
    }
    Ok(Linked {
        order: request.order,
        changed,
        dry_run: request.dry_run,
        changes: plan.values,
        links,
        warnings: remarks.iter().map(Diagnostic::from).collect(),
    })
}

/// MicroSIP's exe: the one that was named, else the installed one. It must be there only if it is registered.
fn exe(request: &LinksRequest, env: &Env) -> Result<Option<String>, LinksError> {
    let path = match &request.exe {
        // a link is opened from anywhere
        Some(named) => {
            Some(std::path::absolute(named).map_err(|error| no_program(named, &error.to_string()))?)
        }
        None => locate::installed_exe(env),
    };
    let Some(path) = path else { return Ok(None) };
    if request.order == LinksOrder::Set {
        check(&path)?;
    }
    match path.to_str() {
        Some(text) => Ok(Some(text.to_string())),
        None => Err(no_program(&path, "its path is not text")),
    }
}

fn check(exe: &Path) -> Result<(), LinksError> {
    // Windows puts the link in the place of %1 and the like wherever they stand
    if exe.to_string_lossy().contains(['%', '"']) {
        return Err(no_program(exe, "its path has a % or a quote, and Windows would read it otherwise"));
    }
    match platform::probe_program(exe) {
        ProgramProbe::Missing => Err(LinksError::NotThere { exe: exe.to_path_buf() }),
        ProgramProbe::Folder => Err(no_program(exe, "it is a folder")),
        ProgramProbe::Unreadable(why) => Err(no_program(exe, &why)),
        ProgramProbe::File { is_executable_image: false, .. } => Err(no_program(exe, "it is no program")),
        ProgramProbe::File { .. } => Ok(()),
    }
}

fn no_program(exe: &Path, why: &str) -> LinksError {
    LinksError::NoProgram { exe: exe.to_path_buf(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_whose_path_can_stand_in_a_command_is_registered() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            check(&path).unwrap_err().to_string()
        };
        assert!(refusal("a%1.exe", b"MZ").contains("a % or a quote"));
        assert!(refusal("text.exe", b"hello").contains("no program"));
        assert!(check(folder.path()).unwrap_err().to_string().contains("folder"));
        assert!(matches!(check(&folder.path().join("none.exe")), Err(LinksError::NotThere { .. })));
    }
}

//! `doctor`: every problem of the inis, and how to fix it.
//!
//! `text`, `accounts` and `hooks` find what a text shows by itself; `actions`, `places` and `calls` find the rest; all
//! return [`finding::Finding`]s. `--fix` applies those with only one sensible fix as one edit.

mod accounts;
mod actions;
mod calls;
pub mod examine;
pub mod finding;
mod fix;
mod hooks;
mod places;
mod report;
#[cfg(test)]
mod tests;
mod text;

use crate::microsip::locate;
use crate::page::path_text;
use crate::request::{Doctor, IniChoice};

use super::context::Context;
use super::error::Error;
use super::ini::Ini;
use examine::examine;
use finding::Finding;
use fix::{Fixed, fix};
use report::{DoctorOutcome, Fixes, Problem};

/// Examines the inis, and fixes one if that was requested.
///
/// # Errors
/// No ini was found, or as [`write`](super::write::write).
pub fn run(choice: &IniChoice, doctor: &Doctor, context: &mut Context<'_>) -> Result<DoctorOutcome, Error> {
    let strict = doctor.strict;
    if let Some(options) = doctor.fix {
        let ini = Ini::choose(choice, context)?;
        let Fixed { fixed, remaining, changed, written } = fix(&ini, options, context)?;
        let problems_of = |findings: Vec<Finding>| -> Vec<Problem> {
            findings.into_iter().map(|finding| problem(&ini, choice.path.is_some(), finding)).collect()
        };
        let fixes = Some(Fixes { changed, written, problems: problems_of(fixed) });
        let problems = problems_of(remaining);
        return Ok(DoctorOutcome { inis: vec![ini.path], problems, strict, fixes });
    }
    let paths = match &choice.path {
        Some(path) => vec![path.clone()],
        None => locate::all(context.env)?.into_iter().map(|found| found.ini).collect(),
    };
    let is_named = choice.path.is_some() || paths.len() > 1;
    let (mut inis, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let choice = IniChoice { path: Some(path), code_page: choice.code_page };
        let ini = Ini::choose(&choice, context)?;
        let findings = examine(&ini, context)?.into_iter();
        problems.extend(findings.map(|finding| problem(&ini, is_named, finding)));
        inis.push(ini.path);
    }
    Ok(DoctorOutcome { inis, problems, strict, fixes: None })
}

/// Returns a finding with its fix: `doctor --fix`, or what its hint says. With `is_named`, commands name the ini.
fn problem(ini: &Ini, is_named: bool, finding: Finding) -> Problem {
    let mut finding = finding;
    if finding.fix.is_some() {
        finding.diagnostic.hint = None;
        finding.commands.clear();
        finding = finding.with_command(["doctor", "--fix"]);
    }
    let start = if is_named { vec!["--ini".into(), path_text(&ini.path)] } else { Vec::new() };
    for command in &mut finding.commands {
        command.args.splice(0..0, start.iter().cloned());
    }
    Problem { ini: ini.path.clone(), finding }
}

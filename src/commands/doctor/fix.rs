//! Applies every fix that is the only sensible one: the ini in one transaction, then the backups next to it.

use std::io;

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::ini::Ini;
use crate::commands::write::{Draft, write};
use crate::commands::written::WriteOutcome;
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::plan::Edit;
use crate::platform;
use crate::request::WriteOptions;

use super::examine::{check, examine};
use super::finding::{Finding, Fix, RULES};

/// What was fixed in an ini.
pub struct Fixed {
    /// The problems that were fixed, or would be.
    pub fixed: Vec<Finding>,
    /// The problems that remain.
    pub remaining: Vec<Finding>,
    /// Whether anything changed, in the ini or next to it.
    pub changed: bool,
    /// The edit of the ini.
    pub written: WriteOutcome,
}

/// Fixes an ini and the files next to it.
///
/// # Errors
/// As [`write`], or a backup's access rights can't be changed.
pub fn fix(ini: &Ini, options: WriteOptions, context: &mut Context<'_>) -> Result<Fixed, Error> {
    let (env, fs) = (context.env, context.fs);
    let before = examine(ini, context)?;
    let files = file_fixes(&before);
    let mut in_text: Vec<Finding> = Vec::new();
    let mut written = write(ini, options, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        in_text = check(ini, &decoded, env, fs);
        in_text.retain(|finding| finding.fix.is_some());
        in_text.sort_by_key(|finding| finding.line);
        let edits = edits_of(&in_text);
        Draft::of_edits(decoded, &edits, Vec::new())
    })?;
    // The problems of the ini are reported as such.
    written.warnings.retain(|warning| {
        warning.code == Code::IniEncoding || RULES.iter().all(|rule| rule.code != warning.code)
    });
    if !options.dry_run {
        give_access(ini, &files)?;
    }
    let changed = written.changed || !files.is_empty();
    let remaining = if options.dry_run || !changed { before } else { examine(ini, context)? };
    Ok(Fixed { fixed: [in_text, files].concat(), remaining, changed, written })
}

/// Returns the problems that are fixed next to the ini.
fn file_fixes(findings: &[Finding]) -> Vec<Finding> {
    let is_about_file = |finding: &&Finding| matches!(finding.fix, Some(Fix::Leftover | Fix::Access(_)));
    findings.iter().filter(is_about_file).cloned().collect()
}

/// Gives backups the owner and the access rights of the ini.
fn give_access(ini: &Ini, findings: &[Finding]) -> Result<(), Error> {
    for finding in findings {
        let Some(Fix::Access(path)) = &finding.fix else { continue };
        match platform::copy_access(ini.file.to_open(), path) {
            // The edit may have removed it as an old backup.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            given => given.map_err(|error| {
                let message =
                    format!("{} couldn't be given the access rights of its ini: {error}", path.display());
                Diagnostic::new(Code::BackupFailed, message)
                    .with_hint("run the command as its owner, or delete the file")
            })?,
        }
    }
    Ok(())
}

/// Returns the edits that fix problems, one per key.
pub fn edits_of(findings: &[Finding]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for finding in findings {
        if let Some(Fix::Edit(edit)) = &finding.fix
            && edits.iter().all(|other| other.path() != edit.path())
        {
            edits.push(edit.clone());
        }
    }
    edits
}

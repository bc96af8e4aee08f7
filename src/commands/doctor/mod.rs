//! Every problem of the inis there are, and what mends it.
//!
//! What a text shows by itself is found by `text`, `accounts` and `hooks`, the rest by `places`; all give
//! [`Finding`]s. Those that carry a mend take no decision, and `--fix` carries all of them out as one edit.

mod accounts;
pub mod finding;
mod hooks;
mod places;
mod text;

use std::io;
use std::path::PathBuf;

use crate::edit::backup::MadeBy;
use crate::edit::plan::Edit;
use crate::hook::saved_by::SavedBy;
use crate::ini::encoding::Decoded;
use crate::microsip::locate;
use crate::platform::{self, Surroundings};
use crate::problem::Code;
use crate::request::{Doctor, IniChoice, WriteOptions};

use super::hooks::places_of;
use super::ini_file::Ini;
use super::write::{draft_of, write};
use super::{Error, Outside, Report, Written};

use finding::{Finding, Mend, RULES, Severity};

/// What was found.
#[derive(Debug)]
pub struct Examined {
    /// The inis that were looked at.
    pub inis: Vec<PathBuf>,
    /// What is wrong with them, the worst of each first; after a mend what is still wrong.
    pub problems: Vec<Found>,
    /// Whether warnings count as errors do.
    pub strict: bool,
    /// What was mended, or would be, where that was asked for.
    pub mended: Option<Mended>,
}

impl Examined {
    /// Whether all is well, as far as the exit status goes.
    pub fn is_well(&self) -> bool {
        let worst = if self.strict { Severity::Warning } else { Severity::Error };
        self.problems.iter().all(|found| found.finding.severity < worst)
    }
}

/// A problem of an ini.
#[derive(Clone, Debug)]
pub struct Found {
    /// The ini.
    pub ini: PathBuf,
    /// What is wrong.
    pub finding: Finding,
    /// The command, or a sentence, that mends it.
    pub fix: Option<String>,
}

/// What a mend did, or would do.
#[derive(Debug)]
pub struct Mended {
    /// The edit of the ini.
    pub written: Written,
    /// Whether anything changed, in the ini or beside it.
    pub changed: bool,
    /// The problems that it did away with.
    pub problems: Vec<Found>,
}

/// Looks for problems, and mends them if that is asked for.
pub(super) fn run(choice: &IniChoice, doctor: &Doctor, outside: &mut Outside<'_>) -> Result<Report, Error> {
    let (inis, problems, mended) = match doctor.fix {
        Some(options) => {
            let (ini, problems, mended) = mend(choice, options, outside)?;
            (vec![ini], problems, Some(mended))
        }
        None => {
            let paths = match &choice.path {
                Some(path) => vec![path.clone()],
                None => locate::all(outside.surroundings)?.into_iter().map(|found| found.ini).collect(),
            };
            let is_named = choice.path.is_some() || paths.len() > 1;
            let (mut inis, mut problems) = (Vec::new(), Vec::new());
            for path in paths {
                let choice = IniChoice { path: Some(path), code_page: choice.code_page };
                let ini = Ini::find(&choice, outside)?;
                let findings = examine(&ini, outside)?.into_iter();
                problems.extend(findings.map(|finding| found(&ini, is_named, finding)));
                inis.push(ini.path);
            }
            (inis, problems, None)
        }
    };
    Ok(Report::Examined(Examined { inis, problems, strict: doctor.strict, mended }))
}

/// Mends what takes no decision: the ini in one transaction, then the backups beside it.
fn mend(
    choice: &IniChoice,
    options: WriteOptions,
    outside: &mut Outside<'_>,
) -> Result<(PathBuf, Vec<Found>, Mended), Error> {
    let surroundings = outside.surroundings;
    let (ini, is_there) = Ini::find_or_place(choice, options.create, outside)?;
    let before = if is_there { examine(&ini, outside)? } else { Vec::new() };
    let beside: Vec<Finding> = places_mended(&before);
    let mut in_text: Vec<Finding> = Vec::new();
    let report = write(choice, options, MadeBy::Edit, outside, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        in_text = check(ini, &decoded, surroundings);
        in_text.retain(|finding| finding.mend.is_some());
        let edits = edits_of(&in_text);
        draft_of(decoded, &edits, Vec::new())
    })?;
    let Report::Written(mut written) = report else { return Err(Error::NotThere { ini: ini.path }) };
    // what was wrong with the ini is told as such
    written.notices.retain(|notice| {
        notice.code == Code::IniEncoding || RULES.iter().all(|rule| rule.code != notice.code)
    });
    if !options.dry_run {
        give_access(&ini, &beside, outside)?;
    }
    let is_named = choice.path.is_some();
    let tell = |findings: Vec<Finding>| -> Vec<Found> {
        findings.into_iter().map(|finding| found(&ini, is_named, finding)).collect()
    };
    let changed = written.changed || !beside.is_empty();
    let after = if options.dry_run || !changed { before } else { examine(&ini, outside)? };
    let mended = Mended { changed, written, problems: tell([in_text, beside].concat()) };
    let problems = tell(after);
    Ok((ini.path, problems, mended))
}

/// What is mended beside the ini.
fn places_mended(findings: &[Finding]) -> Vec<Finding> {
    let is_beside = |finding: &&Finding| matches!(finding.mend, Some(Mend::Leftover | Mend::Access(_)));
    findings.iter().filter(is_beside).cloned().collect()
}

/// Gives backups the owner and the access of the ini.
fn give_access(ini: &Ini, findings: &[Finding], outside: &Outside<'_>) -> Result<(), Error> {
    for finding in findings {
        let Some(Mend::Access(path)) = &finding.mend else { continue };
        let opened = platform::open_to_lock(path);
        match opened.and_then(|file| outside.disk.adopt(Some(&ini.target), &file, path)) {
            // the edit may have removed it as surplus
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(|source| Error::BackupAccess { path: path.clone(), source })?,
        }
    }
    Ok(())
}

/// The edits that mend, one a key.
fn edits_of(findings: &[Finding]) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for finding in findings {
        if let Some(Mend::Edit(edit)) = &finding.mend
            && edits.iter().all(|other| other.path() != edit.path())
        {
            edits.push(edit.clone());
        }
    }
    edits
}

/// Every problem of an ini and of what lies beside it, the worst first.
fn examine(ini: &Ini, outside: &Outside<'_>) -> Result<Vec<Finding>, Error> {
    let mut findings = match ini.read(outside) {
        Ok(decoded) => check(ini, &decoded, outside.surroundings),
        Err(error) => vec![Finding::new(Severity::Error, &error)],
    };
    findings.extend(places::check(ini, outside.surroundings)?);
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.line));
    Ok(findings)
}

/// Every problem of the text of an ini, and of the programs that it names.
fn check(ini: &Ini, decoded: &Decoded, surroundings: &Surroundings) -> Vec<Finding> {
    let exe = locate::version_of_user(&ini.target, surroundings);
    let saved_by = SavedBy::tell(None, exe, Some(&decoded.document));
    let places = places_of(ini, surroundings);
    let mut findings = text::check(decoded, &saved_by);
    findings.extend(accounts::check(&decoded.document));
    findings.extend(hooks::check(&decoded.document, &saved_by, &places));
    findings
}

/// A finding with what mends it: `doctor --fix`, or what its hint says. `is_named`: commands must name the ini.
fn found(ini: &Ini, is_named: bool, finding: Finding) -> Found {
    let fix = match &finding.mend {
        Some(_) => Some("msipcfg doctor --fix".to_string()),
        None => finding.notice.hint.clone(),
    };
    let path = ini.path.display().to_string();
    let path = if path.contains(' ') { format!("\"{path}\"") } else { path };
    let name_it = |text: String| text.replace("msipcfg ", &format!("msipcfg --ini {path} "));
    let fix = if is_named { fix.map(name_it) } else { fix };
    Found { ini: ini.path.clone(), finding, fix }
}

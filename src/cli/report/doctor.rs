//! What doctor found.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::commands::doctor::finding::{Finding, Mend, Severity};
use crate::commands::doctor::{Examined, Found, Mended};

use super::json::written_json;
use super::text::{diff_text, written_text};
use super::{Styles, text_of};

/// The answer as JSON. What a mend wrote is told as of any other edit.
pub(super) fn json(examined: &Examined) -> Json {
    let mut json = match &examined.mended {
        None => json!({"ok": true}),
        Some(mended) => {
            let mut json = written_json(&mended.written);
            json["changed"] = json!(mended.changed);
            json["fixed"] = mended.problems.iter().map(found_json).collect();
            json
        }
    };
    if let [ini] = &examined.inis[..] {
        json["ini"] = json!(text_of(ini));
    }
    json["inis"] = examined.inis.iter().map(|ini| text_of(ini)).collect();
    json["problems"] = examined.problems.iter().map(found_json).collect();
    json
}

fn found_json(found: &Found) -> Json {
    let Found { ini, finding, fix } = found;
    json!({
        "code": finding.notice.code,
        "severity": finding.severity.name(),
        "fixable": finding.mend.is_some(),
        "file": text_of(finding.file.as_ref().unwrap_or(ini)),
        "line": finding.line,
        "key": finding.key,
        "message": finding.notice.message,
        "fix": fix,
    })
}

/// The answer for people: what was mended, then what is wrong with each ini.
pub(super) fn text(examined: &Examined, is_quiet: bool, styles: Styles) -> String {
    let mut text = String::new();
    let problems = examined.inis.iter().map(|ini| problems_text(ini, &examined.problems, styles));
    let problems: Vec<String> = problems.collect();
    match &examined.mended {
        Some(mended) if mended.written.dry_run => {
            text.push_str(&problems.concat());
            text.push_str(&mended_text(mended, styles));
        }
        Some(mended) => {
            if !is_quiet {
                text.push_str(&mended_text(mended, styles));
            }
            text.push_str(&problems.concat());
        }
        None => text.push_str(&problems.concat()),
    }
    text
}

fn mended_text(mended: &Mended, styles: Styles) -> String {
    let Mended { written, changed, problems } = mended;
    let mut text = match (written.changed, written.dry_run) {
        (false, _) if *changed => String::new(),
        (_, true) => diff_text(written, styles),
        (_, false) => written_text(written),
    };
    for found in problems {
        let Some(file) = &found.finding.file else { continue };
        let file = file.display();
        let _ = match (&found.finding.mend, written.dry_run) {
            (Some(Mend::Leftover), false) => writeln!(text, "Removed {file}"),
            (Some(Mend::Leftover), true) => writeln!(text, "Would remove {file}"),
            (Some(Mend::Access(_)), false) => writeln!(text, "Gave {file} the access of the ini"),
            (Some(Mend::Access(_)), true) => writeln!(text, "Would give {file} the access of the ini"),
            _ => Ok(()),
        };
    }
    text
}

fn problems_text(ini: &PathBuf, problems: &[Found], styles: Styles) -> String {
    let Styles { error, warning, hint, heading, .. } = styles;
    let own: Vec<&Found> = problems.iter().filter(|found| found.ini == *ini).collect();
    if own.is_empty() {
        return format!("{heading}{}{heading:#}: no problems\n", ini.display());
    }
    let mut text = format!("{heading}{}{heading:#}\n", ini.display());
    for found in &own {
        let finding = &found.finding;
        let style = match finding.severity {
            Severity::Error => error,
            Severity::Warning => warning,
            Severity::Info => hint,
        };
        let place = match (finding.line, &finding.key) {
            // most messages begin with the key, or name it
            (Some(line), Some(key)) if !finding.notice.message.contains(key) => {
                format!("line {line}, {key}: ")
            }
            (Some(line), _) => format!("line {line}: "),
            (None, _) => String::new(),
        };
        let _ = writeln!(
            text,
            "  {style}{:<8}{style:#} {place}{} [{}]",
            finding.severity.name(),
            finding.notice.message,
            finding.notice.code.name()
        );
        if let Some(fix) = &found.fix {
            let _ = writeln!(text, "           {hint}fix{hint:#}: {fix}");
        }
    }
    text.push_str(&counted(own.iter().map(|found| &found.finding)));
    let fixable = own.iter().filter(|found| found.finding.mend.is_some()).count();
    if fixable > 0 {
        let _ = write!(text, "; {fixable} can be mended by doctor --fix");
    }
    text.push('\n');
    text
}

/// `2 errors, 1 warning`; empty where nothing was found.
pub(super) fn counted<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> String {
    let counts = Severity::WORST_FIRST.iter().filter_map(|severity| {
        let count = count(findings.clone(), *severity);
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {}{plural}", severity.name()))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// How many are as bad as this.
pub(super) fn count<'a>(findings: impl Iterator<Item = &'a Finding>, severity: Severity) -> usize {
    findings.filter(|finding| finding.severity == severity).count()
}

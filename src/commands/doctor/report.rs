//! The answer of `doctor`, for people and for scripts.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::commands::outcome::Outcome;
use crate::commands::written::WriteOutcome;
use crate::diagnostic::{Diagnostic, ExitStatus};
use crate::page::{Page, Styles, path_text};
use crate::quote::command_line;

use super::finding::{Finding, Fix, FixCommand, Severity, counted};

/// The problems of inis, and what was fixed.
#[derive(Debug)]
pub struct DoctorOutcome {
    /// The inis that were examined.
    pub inis: Vec<PathBuf>,
    /// Their problems, the worst of each ini first; with `--fix`, those that remain.
    pub problems: Vec<Problem>,
    /// Whether warnings count as errors (`--strict`).
    pub strict: bool,
    /// What was fixed, or would be (`--fix`).
    pub fixes: Option<Fixes>,
}

impl DoctorOutcome {
    /// Returns whether the exit status is 0.
    pub fn has_succeeded(&self) -> bool {
        let worst = if self.strict { Severity::Warning } else { Severity::Error };
        self.problems.iter().all(|found| found.finding.severity < worst)
    }
}

/// A problem of an ini.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The ini.
    pub ini: PathBuf,
    /// What is wrong.
    pub finding: Finding,
}

impl Problem {
    /// Returns the commands that fix it, one per line.
    fn commands(&self) -> Vec<String> {
        let line = |command: &FixCommand| {
            let args: Vec<&str> =
                ["msipcfg"].into_iter().chain(command.args.iter().map(String::as_str)).collect();
            command_line(&args)
        };
        let commands: Vec<String> = self.finding.commands.iter().map(line).collect();
        commands.iter().flat_map(|lines| lines.lines()).map(str::to_string).collect()
    }

    /// Returns how to fix it, one command or sentence per line.
    fn fix(&self) -> Vec<String> {
        self.commands().into_iter().chain(self.finding.diagnostic.hint.clone()).collect()
    }

    /// Returns the arguments of the first command that needs no decision of the user.
    fn fix_args(&self) -> Option<&[String]> {
        let complete = self.finding.commands.iter().find(|command| !command.is_template);
        complete.map(|command| &command.args[..])
    }
}

/// What `--fix` did, or would do.
#[derive(Debug)]
pub struct Fixes {
    /// The edit of the ini.
    pub written: WriteOutcome,
    /// Whether anything changed, in the ini or next to it.
    pub changed: bool,
    /// The problems that were fixed.
    pub problems: Vec<Problem>,
}

impl Outcome for DoctorOutcome {
    fn status(&self) -> ExitStatus {
        if self.has_succeeded() { ExitStatus::Done } else { ExitStatus::No }
    }

    fn changed(&self) -> bool {
        self.fixes.as_ref().is_some_and(|fixes| fixes.changed)
    }

    fn warnings(&self) -> &[Diagnostic] {
        self.fixes.as_ref().map_or(&[], |fixes| &fixes.written.warnings)
    }

    fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        let problems = self.inis.iter().map(|ini| problems_text(ini, &self.problems, page.styles));
        let problems: Vec<String> = problems.collect();
        match &self.fixes {
            Some(fixes) if !fixes.changed => {
                text.push_str(&problems.concat());
                if !self.problems.is_empty() {
                    let ini = fixes.written.ini.display();
                    let _ = writeln!(text, "Nothing can be fixed automatically. {ini} was not changed.");
                }
            }
            Some(fixes) if fixes.written.dry_run => {
                text.push_str(&problems.concat());
                text.push_str(&fixes_text(fixes, page.styles));
            }
            Some(fixes) => {
                if !page.quiet {
                    text.push_str(&fixes_text(fixes, page.styles));
                }
                text.push_str(&problems.concat());
            }
            None => text.push_str(&problems.concat()),
        }
        text
    }

    fn json(&self) -> Json {
        let mut json = match &self.fixes {
            None => json!({"ok": true}),
            Some(fixes) => {
                let mut json = fixes.written.json();
                json["changed"] = json!(fixes.changed);
                json["fixed"] = fixes.problems.iter().map(problem_json).collect();
                json
            }
        };
        if let [ini] = &self.inis[..] {
            json["ini"] = json!(path_text(ini));
        }
        json["inis"] = self.inis.iter().map(|ini| path_text(ini)).collect();
        json["problems"] = self.problems.iter().map(problem_json).collect();
        json
    }
}

fn problem_json(found: &Problem) -> Json {
    let Problem { ini, finding } = found;
    let fix = Some(found.fix().join("\n")).filter(|fix| !fix.is_empty());
    json!({
        "code": finding.diagnostic.code,
        "severity": finding.severity.name(),
        "fixable": finding.fix.is_some(),
        "file": path_text(finding.file.as_ref().unwrap_or(ini)),
        "line": finding.line,
        "key": finding.key,
        "message": finding.diagnostic.message,
        "fix": fix,
        "fix_args": found.fix_args(),
    })
}

fn fixes_text(fixes: &Fixes, styles: Styles) -> String {
    let Fixes { written, changed, problems } = fixes;
    let mut text = match (written.changed, written.dry_run) {
        (false, _) if *changed => String::new(),
        (_, true) => written.diff(styles),
        (_, false) => written.summary(),
    };
    for found in problems {
        let Some(file) = &found.finding.file else { continue };
        let file = file.display();
        let _ = match (&found.finding.fix, written.dry_run) {
            (Some(Fix::Leftover), false) => writeln!(text, "Removed {file}"),
            (Some(Fix::Leftover), true) => writeln!(text, "Would remove {file}"),
            (Some(Fix::Access(_)), false) => writeln!(text, "Gave {file} the access rights of the ini"),
            (Some(Fix::Access(_)), true) => writeln!(text, "Would give {file} the access rights of the ini"),
            _ => Ok(()),
        };
    }
    text
}

fn problems_text(ini: &PathBuf, problems: &[Problem], styles: Styles) -> String {
    let Styles { error, warning, hint, heading, .. } = styles;
    let own: Vec<&Problem> = problems.iter().filter(|found| found.ini == *ini).collect();
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
            // Most messages name the key.
            (Some(line), Some(key)) if !finding.diagnostic.message.contains(key) => {
                format!("line {line}, {key}: ")
            }
            (Some(line), _) => format!("line {line}: "),
            (None, _) => String::new(),
        };
        let Diagnostic { code, message, hint: advice } = &finding.diagnostic;
        let message = styles.wrap(&format!("{place}{message} [{}]", code.name()), 11, 11);
        let _ = writeln!(text, "  {style}{:<8}{style:#} {message}", finding.severity.name());
        let advice = advice.iter().map(|advice| styles.wrap(advice, 17, 17));
        for (index, line) in found.commands().into_iter().chain(advice).enumerate() {
            let start = if index == 0 { format!("{hint}hint{hint:#}: ") } else { " ".repeat(6) };
            let _ = writeln!(text, "           {start}{line}");
        }
    }
    text.push_str(&counted(own.iter().map(|found| &found.finding)));
    let fixable = own.iter().filter(|found| found.finding.fix.is_some()).count();
    if fixable > 0 {
        let _ = write!(text, "; {fixable} can be fixed by 'msipcfg doctor --fix'");
    }
    text.push('\n');
    text
}

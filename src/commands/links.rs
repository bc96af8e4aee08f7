//! `links`: which program opens `tel:`, `callto:` and `sip:` links, and making that MicroSIP.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::diagnostic::{Code, Diagnostic};
use crate::microsip::desktop;
use crate::microsip::links::{self, CLASSES, Link, LinkSource, LinksError, MARK_BEFORE, Plan, ValueChange};
use crate::microsip::locate;
use crate::page::{Page, Styles};
use crate::platform::registry::{ClassRegistry, ClassValue};
use crate::platform::{self, Env, ProgramProbe};
use crate::request::{LinksAction, LinksRequest};

use super::context::Context;
use super::error::Error;
use super::outcome::Outcome;

/// Which program opens links, and what was changed.
#[derive(Debug)]
pub struct LinksOutcome {
    action: LinksAction,
    changed: bool,
    dry_run: bool,
    /// The registry values that change.
    changes: Vec<ValueChange>,
    links: Vec<Link>,
    warnings: Vec<Diagnostic>,
}

impl Outcome for LinksOutcome {
    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn text(&self, page: &Page) -> String {
        if page.quiet && self.action != LinksAction::Show && !self.dry_run {
            return String::new();
        }
        let mut text = String::new();
        if self.dry_run && self.action != LinksAction::Show {
            self.changes.iter().for_each(|change| change_diff(&mut text, change, page.styles));
        }
        text.push_str(match (self.action, self.changed, self.dry_run) {
            (LinksAction::Show, ..) => "",
            (_, false, _) => "Nothing to change\n",
            (_, true, true) => "Dry run, not written. The current state:\n",
            (LinksAction::Set, true, false) => "Registered MicroSIP for links\n",
            (LinksAction::Unset, true, false) => "Restored the previous programs\n",
        });
        self.links.iter().for_each(|link| text.push_str(&link_line(link, page.styles)));
        text
    }

    fn json(&self) -> Json {
        json!({
            "ok": true,
            "changed": self.changed,
            "dry_run": self.dry_run,
            "changes": self.changes.iter().map(change_json).collect::<Vec<_>>(),
            "links": self.links,
            "warnings": self.warnings,
        })
    }
}

fn change_diff(text: &mut String, change: &ValueChange, Styles { hint, added, removed, .. }: Styles) {
    let ValueChange { key, name, before, after } = change;
    let name = if name.is_empty() { "(default)" } else { name };
    let _ = writeln!(text, r"{hint}@@ {CLASSES}\{key}, {name} @@{hint:#}");
    for (sign, value, style) in [('-', before, removed), ('+', after, added)] {
        if let Some(value) = value {
            let _ = writeln!(text, "{style}{sign}{}{style:#}", value_text(value));
        }
    }
}

fn link_line(link: &Link, Styles { added, heading, .. }: Styles) -> String {
    let opener = link.program.as_ref().or(link.command.as_ref()).or(link.class.as_ref());
    let opener = opener.map_or("-", String::as_str);
    let source = match link.source {
        LinkSource::UserChoice => "  (chosen in Windows' settings)",
        LinkSource::User => "  (registered for this user)",
        LinkSource::Machine => "  (registered for this computer)",
        LinkSource::Nobody => "",
    };
    let is_microsip = if link.is_microsip { format!("  {added}MicroSIP{added:#}") } else { String::new() };
    let scheme = format!("{}:", link.scheme);
    format!("{heading}{scheme:<8}{heading:#}{opener}{is_microsip}{source}\n")
}

fn change_json(change: &ValueChange) -> Json {
    let text = |value: &Option<ClassValue>| value.as_ref().map(value_text);
    json!({
        "key": format!(r"{CLASSES}\{}", change.key),
        "value": change.name,
        "before": text(&change.before),
        "after": text(&change.after),
    })
}

/// Returns a registry value for people; one that isn't text only shows its size.
fn value_text(value: &ClassValue) -> String {
    value.text().unwrap_or_else(|| format!("({} bytes that aren't text)", value.bytes.len()))
}

/// Shows which program opens links, registers MicroSIP for them, or restores the previous programs.
///
/// # Errors
/// This isn't Windows, the registry can't be read or written, or MicroSIP wasn't found.
pub fn run(request: &LinksRequest, context: &Context<'_>) -> Result<LinksOutcome, Error> {
    let mut registry = platform::class_registry().ok_or(LinksError::NotWindows)?;
    let exe = exe(request, context.env)?;
    let mut outcome = carry_out(request, exe.as_deref(), registry.as_mut())?;
    outcome.warnings.extend(desktop::other_user_warning());
    Ok(outcome)
}

fn carry_out(
    request: &LinksRequest,
    exe: Option<&str>,
    registry: &mut dyn ClassRegistry,
) -> Result<LinksOutcome, LinksError> {
    let plan = match (request.action, exe) {
        (LinksAction::Show, _) => Plan::default(),
        (LinksAction::Set, Some(exe)) => links::plan_set(registry, exe)?,
        (LinksAction::Set, None) => return Err(LinksError::NotInstalled),
        (LinksAction::Unset, _) => links::plan_unset(registry)?,
    };
    if !request.dry_run {
        links::apply(&plan, registry)?;
    }
    let changed = !plan.changes.is_empty();
    let links = links::show(registry, exe)
        .map_err(|source| LinksError::Registry { changed: changed && !request.dry_run, source })?;
    let mut warnings: Vec<Diagnostic> = plan.skipped.iter().map(|scheme| changed_since(scheme)).collect();
    if request.action == LinksAction::Set {
        warnings.extend(links::warnings_after_set(&links));
    }
    Ok(LinksOutcome {
        action: request.action,
        changed,
        dry_run: request.dry_run,
        changes: plan.values,
        links,
        warnings,
    })
}

/// Returns the warning that the links of a scheme stay as they are.
pub fn changed_since(scheme: &str) -> Diagnostic {
    let message =
        format!("{scheme}: links weren't changed, because another program has registered for them since");
    Diagnostic::new(Code::LinksChangedSince, message)
        .with_hint(format!(r"the previous settings are in the values {MARK_BEFORE} in {CLASSES}\{scheme}"))
}

/// Returns MicroSIP's exe: the named one, else the installed one. It must exist only if it is registered.
fn exe(request: &LinksRequest, env: &Env) -> Result<Option<String>, LinksError> {
    let path = match &request.exe {
        // A link can be opened from any folder.
        Some(named) => {
            Some(std::path::absolute(named).map_err(|error| no_program(named, &error.to_string()))?)
        }
        None => locate::installed_exe(env),
    };
    let Some(path) = path else { return Ok(None) };
    if request.action == LinksAction::Set {
        check(&path)?;
    }
    match path.to_str() {
        Some(text) => Ok(Some(text.to_string())),
        None => Err(no_program(&path, "its path isn't valid text")),
    }
}

fn check(exe: &Path) -> Result<(), LinksError> {
    // Windows replaces %1 and its like anywhere in the command.
    if exe.to_string_lossy().contains(['%', '"']) {
        return Err(no_program(exe, "its path contains a % or a quote, which Windows would misread"));
    }
    match platform::probe_program(exe) {
        ProgramProbe::Missing => Err(LinksError::Missing { exe: exe.to_path_buf() }),
        ProgramProbe::Folder => Err(no_program(exe, "it is a folder")),
        ProgramProbe::Unreadable(why) => Err(no_program(exe, &why)),
        ProgramProbe::File { is_executable_image: false, .. } => Err(no_program(exe, "it isn't a program")),
        ProgramProbe::File { .. } => Ok(()),
    }
}

fn no_program(exe: &Path, why: &str) -> LinksError {
    LinksError::NotExecutable { exe: exe.to_path_buf(), why: why.to_string() }
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
        assert!(refusal("text.exe", b"hello").contains("isn't a program"));
        assert!(check(folder.path()).unwrap_err().to_string().contains("folder"));
        assert!(matches!(check(&folder.path().join("none.exe")), Err(LinksError::Missing { .. })));
    }
}

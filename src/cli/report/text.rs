//! Answers as text, for people.

use std::fmt::Write as _;
use std::path::Path;

use super::{Styles, place_of, registry_text, shown, time_of};
use crate::commands::explain::Explanation;
use crate::commands::hooks::Hook;
use crate::commands::safety::Listed;
use crate::commands::{Driven, Linked, Value, Written};
use crate::diagnostic::Diagnostic;
use crate::edit::backup::MadeBy;
use crate::edit::plan::{Change, LineChange};
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::meaning::Verdict;
use crate::microsip::keys::{self, Key, MASK, Privacy};
use crate::microsip::links::{CLASSES, Link, SaidBy, ValueChange};
use crate::request::LinksOrder;

pub(super) fn driven_text(driven: &Driven) -> String {
    let Driven { order, sent, changed, instance } = driven;
    match (*order, sent) {
        ("start", _) if !changed => format!("MicroSIP runs already ({instance})\n"),
        ("start", _) => format!("Started {instance}\n"),
        (_, Some(sent)) => format!("Sent {sent} to MicroSIP ({instance})\n"),
        _ => format!("Closed {instance}\n"),
    }
}

pub(super) fn written_text(written: &Written) -> String {
    if !written.changed {
        return format!("Nothing to change in {}\n", written.ini.display());
    }
    let mut text = String::new();
    if let Some(name) = &written.restored {
        let count = written.changes.len();
        let values = if count == 1 { "value" } else { "values" };
        let _ = writeln!(text, "Restored from {name}, {count} {values} changed");
    } else {
        for change in &written.changes {
            text.push_str(&change_text(change));
        }
    }
    let backup = written.backup.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    let backup = backup.map_or(String::new(), |name| format!(" (backup {name})"));
    let _ = writeln!(text, "Wrote {}{backup}", written.ini.display());
    text
}

pub(super) fn change_text(change: &Change) -> String {
    let path = place_of(&change.section, &change.key);
    let is_secret = keys::privacy(&change.section, &change.key) == Privacy::Secret;
    let mask = |value: &str| if is_secret { MASK.to_string() } else { value.to_string() };
    match (&change.before, &change.after) {
        (_, Some(after)) => format!("Set {path} = {}\n", mask(after)),
        (Some(before), None) => format!("Removed {path} (was {})\n", mask(before)),
        (None, None) => format!("Removed {path}\n"),
    }
}

/// A diff of the lines that change, and no others: what stands beside them may be private.
pub(super) fn diff_text(written: &Written, styles: Styles) -> String {
    let Styles { hint, added: plus, removed: minus, heading, .. } = styles;
    if !written.changed {
        return format!("Nothing to change in {}\n", written.ini.display());
    }
    let ini = written.ini.display();
    let mut text =
        format!("{heading}--- {ini}{heading:#}\n{heading}+++ {ini} (dry run, not written){heading:#}\n");
    for LineChange { path, number, removed, added } in &written.lines {
        let _ = writeln!(text, "{hint}@@ line {number}, [{}] @@{hint:#}", path.section.as_str());
        let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
        let mask = |line: &String| match line.split_once('=').filter(|_| is_secret) {
            Some((key, _)) => format!("{key}={MASK}"),
            None => line.clone(),
        };
        for line in removed {
            let _ = writeln!(text, "{minus}-{}{minus:#}", mask(line));
        }
        for line in added {
            let _ = writeln!(text, "{plus}+{}{plus:#}", mask(line));
        }
    }
    if written.lines.is_empty() {
        for change in &written.changes {
            // nobody asked for these by name
            let is_masked = keys::privacy(&change.section, &change.key) >= Privacy::Private;
            let mask = |value: &String| if is_masked { MASK.to_string() } else { value.clone() };
            let path = place_of(&change.section, &change.key);
            if let Some(before) = &change.before {
                let _ = writeln!(text, "{minus}-{path}={}{minus:#}", mask(before));
            }
            if let Some(after) = &change.after {
                let _ = writeln!(text, "{plus}+{path}={}{plus:#}", mask(after));
            }
        }
    }
    text
}

pub(super) fn sections_text(values: &[Value], Styles { heading, .. }: Styles) -> String {
    let mut text = String::new();
    let mut section = None;
    for value in values {
        if section != Some(&value.section) {
            if section.is_some() {
                text.push('\n');
            }
            let _ = writeln!(text, "{heading}[{}]{heading:#}", value.section);
            section = Some(&value.section);
        }
        match value.value {
            Some(_) => {
                let _ = writeln!(text, "{}={}", value.key, shown(value, Privacy::Private));
            }
            None => {
                let _ = writeln!(text, "{}", value.key);
            }
        }
    }
    text
}

pub(super) fn hooks_text(ini: &Path, hooks: &[Hook], styles: Styles) -> String {
    let mut text = format!("{0}{1}{0:#}\n", styles.heading, ini.display());
    for hook in hooks {
        text.push_str(&hook_line(hook, styles));
        text.push_str(&problems_text(&hook.problems, "                ", styles));
    }
    text
}

/// Problems below what they are about.
pub(super) fn problems_text<'a>(
    problems: impl IntoIterator<Item = &'a Diagnostic>,
    indent: &str,
    Styles { warning, hint: hint_style, .. }: Styles,
) -> String {
    let mut text = String::new();
    for problem in problems {
        let _ = writeln!(text, "{indent}{warning}!{warning:#} {} [{}]", problem.message, problem.code.name());
        if let Some(hint) = &problem.hint {
            let _ = writeln!(text, "{indent}  {hint_style}hint{hint_style:#}: {hint}");
        }
    }
    text
}

/// An event, what runs, and whether it would.
pub(super) fn hook_line(hook: &Hook, Styles { error, warning, added, .. }: Styles) -> String {
    let runs = match (&hook.command, &hook.value) {
        (Some(command), _) => command.to_string(),
        (None, Some(value)) if !value.is_empty() => format!("{value:?}"),
        _ => "-".into(),
    };
    let verdict = match hook.works {
        Some(true) if !hook.problems.is_empty() => format!("  {warning}runs, but see below{warning:#}"),
        Some(true) => format!("  {added}ok{added:#}"),
        Some(false) => format!("  {error}fails{error:#}"),
        None if hook.command.is_some() => format!("  {warning}not checked{warning:#}"),
        None => String::new(),
    };
    format!("  {:<13} {runs}{verdict}\n", hook.event.name())
}

/// A file and the arguments that it is started with. Blanks and empty arguments would not be seen without quotes; the
/// quotes are no part of them.
pub(super) fn command_text(program: &str, args: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let mut text = format!("  file         {program}\n");
    for (number, arg) in (1..).zip(args) {
        let _ = writeln!(text, "  argument {number:<3} '{arg}'");
    }
    text
}

pub(super) fn explained_text(explanation: &Explanation, styles: Styles) -> String {
    let Styles { error, warning, added, heading, .. } = styles;
    let Explanation { verdict, command, problems, suggestion, .. } = explanation;
    let (style, meaning) = match verdict {
        Verdict::Works => (added, "it does what it says"),
        Verdict::Depends => (warning, "it does so under a condition, see below"),
        Verdict::Fails => (error, "it does not do what was meant, see below"),
        Verdict::Empty => (heading, "no command is run"),
    };
    let mut text = format!("{style}{}{style:#}: {meaning}\n", verdict.name());
    if let Some(HookCommand { program, args }) = command {
        text.push_str(&command_text(program, args));
        if !explanation.takes_number_in {
            let number = args.len() + 1;
            let _ = writeln!(text, "  argument {number:<3} the caller's number; nothing if there is none");
        }
    }
    text.push_str(&problems_text(problems, "  ", styles));
    if let Some(suggestion) = suggestion {
        let _ = writeln!(text, "{heading}This would do it, behind the ={heading:#}:\n{suggestion}");
    }
    text
}

pub(super) fn backups_text(ini: &Path, backups: &[Listed], purged: bool) -> String {
    if backups.is_empty() {
        return format!("{} has no backups\n", ini.display());
    }
    let mut text = String::new();
    for listed in backups {
        let size = listed.size.map_or(String::new(), |size| format!("{size:>9} bytes"));
        let by = if listed.backup.made_by == MadeBy::Restore { "  (made by a restore)" } else { "" };
        let _ = writeln!(text, "{:>3}  {}{size}  {}{by}", listed.number, time_of(listed), listed.backup.name);
    }
    if purged {
        let _ = writeln!(text, "Removed all {}", backups.len());
    }
    text
}

pub(super) fn links_text(linked: &Linked, styles: Styles) -> String {
    let mut text = String::new();
    if linked.dry_run && linked.order != LinksOrder::Show {
        let Styles { hint, added: plus, removed: minus, .. } = styles;
        for ValueChange { key, name, before, after } in &linked.changes {
            let name = if name.is_empty() { "(default)" } else { name };
            let _ = writeln!(text, r"{hint}@@ {CLASSES}\{key}, {name} @@{hint:#}");
            for (sign, value, style) in [('-', before, minus), ('+', after, plus)] {
                if let Some(value) = value {
                    let _ = writeln!(text, "{style}{sign}{}{style:#}", registry_text(value));
                }
            }
        }
    }
    match (linked.order, linked.changed, linked.dry_run) {
        (LinksOrder::Show, ..) => {}
        (_, false, _) => text.push_str("Nothing to change\n"),
        (_, true, true) => text.push_str("Dry run, not written. As it is now:\n"),
        (LinksOrder::Set, true, false) => text.push_str("Registered MicroSIP for links\n"),
        (LinksOrder::Unset, true, false) => text.push_str("Gave back what was there before\n"),
    }
    for link in &linked.links {
        text.push_str(&link_text(link, styles));
    }
    text
}

pub(super) fn link_text(link: &Link, Styles { added, heading, .. }: Styles) -> String {
    let opener = link.program.as_ref().or(link.command.as_ref()).or(link.class.as_ref());
    let opener = opener.map_or("-", String::as_str);
    let said_by = match link.said_by {
        SaidBy::UserChoice => "  (chosen by the user in Windows' settings)",
        SaidBy::User => "  (registered for this user)",
        SaidBy::Machine => "  (registered for this machine)",
        SaidBy::Nobody => "",
    };
    let is_microsip = if link.is_microsip { format!("  {added}MicroSIP{added:#}") } else { String::new() };
    let scheme = format!("{}:", link.scheme);
    format!("{heading}{scheme:<8}{heading:#}{opener}{is_microsip}{said_by}\n")
}

pub(super) fn events_text(events: &[Event], Styles { heading, .. }: Styles) -> String {
    let mut text = String::new();
    for event in events {
        let aliases = event.aliases().join(", ");
        let aliases = if aliases.is_empty() { aliases } else { format!(" (also {aliases})") };
        let _ = writeln!(
            text,
            "{heading}{:<13}{heading:#} {:<18} {}{aliases}",
            event.name(),
            event.key(),
            event.when()
        );
    }
    text
}

pub(super) fn key_text(key: &Key, Styles { heading, .. }: Styles) -> String {
    let default = if key.default.is_empty() { String::new() } else { format!(", default {}", key.default) };
    let versions = match (key.since, key.until) {
        (Some(since), Some(until)) => format!(", {since} to {until}"),
        (Some(since), None) => format!(", from {since}"),
        (None, Some(until)) => format!(", to {until}"),
        (None, None) => String::new(),
    };
    let path = place_of(key.section, key.name);
    format!(
        "{heading}{path}{heading:#}: {}{default}, at most {} characters{versions}\n    {}\n",
        key.kind, key.limit, key.meaning
    )
}

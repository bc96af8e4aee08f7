//! The only printer: what a command has to say, for people and as JSON, and the exit status.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use indicatif::ProgressBar;
use serde_json::{Value as Json, json};

use crate::commands::hooks::Hook;
use crate::commands::safety::Listed;
use crate::commands::{Error, Report, Tale, Value, Written};
use crate::edit::backup::MadeBy;
use crate::edit::plan::{Change, LineChange};
use crate::edit::transaction::Progress;
use crate::edit::verify::SecondOpinion;
use crate::hook::event::Event;
use crate::microsip::instances::Instance;
use crate::microsip::keys::{self, Key, MASK, Privacy, Save};
use crate::problem::{ExitStatus, Notice, Problem};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const HEADING: Style = Style::new().bold();

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// One JSON object instead of lines.
    pub json: bool,
    /// Answers and errors only.
    pub quiet: bool,
    /// Each step.
    pub verbose: bool,
    /// When to use colour.
    pub color: ColorChoice,
}

impl Output {
    /// Prints what a command has to say.
    pub fn print(self, report: &Report) -> ExitStatus {
        if self.json {
            self.out(&format!("{}\n", report_json(report)));
        } else {
            if !self.quiet {
                notices(report).iter().for_each(|notice| self.warn(notice));
            }
            self.out(&self.report_text(report));
        }
        ExitStatus::Done
    }

    /// Prints why a command failed.
    pub fn print_error(self, error: &Error) -> ExitStatus {
        self.print_problem(error, error.changed())
    }

    /// Prints a problem that ends the program.
    pub fn print_problem<P: Problem>(self, problem: &P, changed: bool) -> ExitStatus {
        let notice = Notice::from(problem);
        if self.json {
            self.out(&format!("{}\n", json!({"ok": false, "changed": changed, "error": notice})));
        } else {
            self.problem("error", ERROR, &notice);
        }
        notice.code.exit_status()
    }

    /// Prints a text as it is.
    pub fn out(self, text: &str) {
        let mut stdout = anstream::AutoStream::new(io::stdout(), self.stream_choice());
        // whoever closed the pipe has read enough
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// Prints a text on the side.
    pub fn err(self, text: &str) {
        let mut stderr = anstream::AutoStream::new(io::stderr(), self.stream_choice());
        let _ = stderr.write_all(text.as_bytes());
    }

    fn stream_choice(self) -> anstream::ColorChoice {
        match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
    }

    fn warn(self, notice: &Notice) {
        self.problem("warning", WARNING, notice);
    }

    fn problem(self, kind: &str, style: Style, notice: &Notice) {
        let mut text = format!("{style}{kind}{style:#}: {} [{}]\n", notice.message, notice.code.name());
        if let Some(hint) = &notice.hint {
            let _ = writeln!(text, "  {HINT}hint{HINT:#}: {hint}");
        }
        self.err(&text);
    }

    fn report_text(self, report: &Report) -> String {
        match report {
            Report::Written(written) if written.dry_run => diff_text(written),
            Report::Written(_) if self.quiet => String::new(),
            Report::Written(written) => written_text(written),
            Report::Values { values, .. } => {
                values.iter().map(|value| shown(value, Privacy::Secret) + "\n").collect()
            }
            Report::Sections { values, .. } => sections_text(values),
            Report::Hooks { ini, hooks, .. } => hooks_text(ini, hooks),
            Report::Backups { ini, backups, purged } => backups_text(ini, backups, *purged),
            Report::Events(events) => events_text(events),
            Report::Keys(keys) => keys.iter().map(key_text).collect(),
        }
    }
}

/// Tells how a write goes, while it goes.
pub struct Narrator {
    output: Output,
    begun: Instant,
    waiting_since: Option<Instant>,
    has_said_so: bool,
    spinner: Option<ProgressBar>,
}

impl Narrator {
    /// A narrator for one run.
    pub fn new(output: Output) -> Self {
        Narrator { output, begun: Instant::now(), waiting_since: None, has_said_so: false, spinner: None }
    }

    /// Hears what happens and says what deserves it.
    pub fn tell(&mut self, tale: &Tale<'_>) {
        match tale {
            Tale::Progress(Progress::Waiting { holders, until }) => self.wait(holders, *until),
            Tale::Progress(Progress::Step(step)) => {
                if let Some(spinner) = self.spinner.take() {
                    spinner.finish_and_clear();
                }
                self.verbose(step.name());
            }
            Tale::Progress(Progress::Redo) => self.verbose("the ini changed meanwhile, once more"),
            Tale::SecondOpinion(SecondOpinion::None) => {
                self.verbose("rust-ini reads this section otherwise, so it had no say in verifying the edit");
            }
            Tale::SecondOpinion(SecondOpinion::Agrees) => self.verbose("rust-ini agrees with the edit"),
        }
    }

    fn wait(&mut self, holders: &[Instance], until: Instant) {
        const BEFORE_SAYING_SO: Duration = Duration::from_secs(1);
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        if self.output.json || self.output.quiet || since.elapsed() < BEFORE_SAYING_SO {
            return;
        }
        let names: Vec<_> = holders.iter().map(Instance::to_string).collect();
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        let text = format!("waiting for MicroSIP to exit ({})", names.join(", "));
        if !self.has_said_so {
            self.has_said_so = true;
            self.output.err(&format!(
                "{text}, for {left} s at most.\n  {HINT}hint{HINT:#}: exit it by its menu (the X only hides it), or stop \
                 this with Ctrl-C\n"
            ));
        }
        // hidden by itself where standard error is no terminal
        let spinner = self.spinner.get_or_insert_with(ProgressBar::new_spinner);
        spinner.set_message(format!("{text}, {left} s left"));
        spinner.tick();
    }

    fn verbose(&self, text: &str) {
        if self.output.verbose && !self.output.json {
            self.output.err(&format!("{:8.1} ms  {text}\n", self.begun.elapsed().as_secs_f64() * 1000.0));
        }
    }
}

fn notices(report: &Report) -> &[Notice] {
    match report {
        Report::Written(Written { notices, .. })
        | Report::Values { notices, .. }
        | Report::Sections { notices, .. }
        | Report::Hooks { notices, .. } => notices,
        Report::Backups { .. } | Report::Events(_) | Report::Keys(_) => &[],
    }
}

fn report_json(report: &Report) -> Json {
    match report {
        Report::Written(written) => json!({
            "ok": true,
            "changed": written.changed,
            "dry_run": written.dry_run,
            "ini": text_of(&written.ini),
            "changes": written.changes.iter().map(change_json).collect::<Vec<_>>(),
            "backup": written.backup.as_deref().map(text_of),
            "restored": written.restored,
            "warnings": written.notices,
        }),
        Report::Values { ini, values, notices } | Report::Sections { ini, values, notices } => {
            let hidden =
                if matches!(report, Report::Values { .. }) { Privacy::Secret } else { Privacy::Private };
            let value = |value: &Value| {
                let shown = value.value.as_ref().map(|_| shown(value, hidden));
                json!({"section": value.section, "key": value.key, "value": shown})
            };
            let values: Vec<Json> = values.iter().map(value).collect();
            json!({"ok": true, "ini": text_of(ini), "values": values, "warnings": notices})
        }
        Report::Hooks { ini, hooks, notices } => json!({
            "ok": true,
            "ini": text_of(ini),
            "hooks": hooks.iter().map(hook_json).collect::<Vec<_>>(),
            "warnings": notices,
        }),
        Report::Backups { ini, backups, purged } => json!({
            "ok": true,
            "ini": text_of(ini),
            "purged": purged,
            "backups": backups.iter().map(backup_json).collect::<Vec<_>>(),
        }),
        Report::Events(events) => {
            json!({"ok": true, "events": events.iter().map(event_json).collect::<Vec<_>>()})
        }
        Report::Keys(keys) => json!({"ok": true, "keys": keys.iter().map(key_json).collect::<Vec<_>>()}),
    }
}

fn change_json(change: &Change) -> Json {
    let is_secret = keys::privacy(&change.section, &change.key) == Privacy::Secret;
    let text =
        |value: &Option<String>| value.as_ref().map(|value| if is_secret { MASK } else { value }.to_string());
    json!({
        "section": change.section,
        "key": change.key,
        "before": text(&change.before),
        "after": text(&change.after),
    })
}

fn hook_json(hook: &Hook) -> Json {
    json!({
        "event": hook.event.name(),
        "key": hook.event.key(),
        "value": hook.value,
        "program": hook.command.as_ref().map(|command| &command.program),
        "args": hook.command.as_ref().map(|command| &command.args),
        "works": hook.works,
        "problems": hook.problems,
    })
}

fn backup_json(listed: &Listed) -> Json {
    json!({
        "number": listed.number,
        "name": listed.backup.name,
        "path": text_of(&listed.backup.path),
        "time": time_of(listed),
        "bytes": listed.size,
        "made_by": made_by(listed),
    })
}

fn event_json(event: &Event) -> Json {
    json!({
        "event": event.name(),
        "aliases": event.aliases(),
        "key": event.key(),
        "when": event.when(),
        "since": event.since().to_string(),
    })
}

fn key_json(key: &Key) -> Json {
    json!({
        "section": key.section,
        "key": key.name,
        "allowed": key.kind.to_string(),
        "default": key.default,
        "max_length": key.limit,
        "quoted": key.save == Save::Quoted,
        "since": key.since.map(|version| version.to_string()),
        "until": key.until.map(|version| version.to_string()),
        "rewritten": key.rewritten,
        "meaning": key.meaning,
    })
}

fn written_text(written: &Written) -> String {
    if !written.changed {
        return format!("Nothing to change in {}\n", written.ini.display());
    }
    let mut text = String::new();
    if let Some(name) = &written.restored {
        let _ = writeln!(text, "Restored from {name}, {} values changed", written.changes.len());
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

fn change_text(change: &Change) -> String {
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
fn diff_text(written: &Written) -> String {
    if !written.changed {
        return format!("Nothing to change in {}\n", written.ini.display());
    }
    let ini = written.ini.display();
    let mut text =
        format!("{HEADING}--- {ini}{HEADING:#}\n{HEADING}+++ {ini} (dry run, not written){HEADING:#}\n");
    for LineChange { path, number, removed, added } in &written.lines {
        let _ = writeln!(text, "{HINT}@@ line {number}, [{}] @@{HINT:#}", path.section.as_str());
        let is_secret = keys::privacy(path.section.as_str(), path.key.as_str()) == Privacy::Secret;
        let mask = |line: &String| match line.split_once('=').filter(|_| is_secret) {
            Some((key, _)) => format!("{key}={MASK}"),
            None => line.clone(),
        };
        for line in removed {
            let _ = writeln!(text, "{REMOVED}-{}{REMOVED:#}", mask(line));
        }
        for line in added {
            let _ = writeln!(text, "{ADDED}+{}{ADDED:#}", mask(line));
        }
    }
    if written.lines.is_empty() {
        for change in &written.changes {
            let sign = if change.after.is_some() { '~' } else { '-' };
            let _ = writeln!(text, "{sign}{}", place_of(&change.section, &change.key));
        }
    }
    text
}

fn sections_text(values: &[Value]) -> String {
    let mut text = String::new();
    let mut section = None;
    for value in values {
        if section != Some(&value.section) {
            if section.is_some() {
                text.push('\n');
            }
            let _ = writeln!(text, "{HEADING}[{}]{HEADING:#}", value.section);
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

fn hooks_text(ini: &Path, hooks: &[Hook]) -> String {
    let mut text = format!("{HEADING}{}{HEADING:#}\n", ini.display());
    for hook in hooks {
        let runs = match (&hook.command, &hook.value) {
            (Some(command), _) => command.to_string(),
            (None, Some(value)) if !value.is_empty() => format!("{value:?}"),
            _ => "-".into(),
        };
        let verdict = match hook.works {
            Some(true) => format!("  {ADDED}ok{ADDED:#}"),
            Some(false) => format!("  {ERROR}fails{ERROR:#}"),
            None if hook.command.is_some() => format!("  {WARNING}not checked{WARNING:#}"),
            None => String::new(),
        };
        let _ = writeln!(text, "  {:<13} {runs}{verdict}", hook.event.name());
        for problem in &hook.problems {
            let _ = writeln!(
                text,
                "                {WARNING}!{WARNING:#} {} [{}]",
                problem.message,
                problem.code.name()
            );
            if let Some(hint) = &problem.hint {
                let _ = writeln!(text, "                  {HINT}hint{HINT:#}: {hint}");
            }
        }
    }
    text
}

fn backups_text(ini: &Path, backups: &[Listed], purged: bool) -> String {
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

fn events_text(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let aliases = event.aliases().join(", ");
        let aliases = if aliases.is_empty() { aliases } else { format!(" (also {aliases})") };
        let _ = writeln!(
            text,
            "{HEADING}{:<13}{HEADING:#} {:<18} {}{aliases}",
            event.name(),
            event.key(),
            event.when()
        );
    }
    text
}

fn key_text(key: &Key) -> String {
    let default = if key.default.is_empty() { String::new() } else { format!(", default {}", key.default) };
    let versions = match (key.since, key.until) {
        (Some(since), Some(until)) => format!(", {since} to {until}"),
        (Some(since), None) => format!(", from {since}"),
        (None, Some(until)) => format!(", to {until}"),
        (None, None) => String::new(),
    };
    let path = place_of(key.section, key.name);
    format!(
        "{HEADING}{path}{HEADING:#}: {}{default}, at most {} characters{versions}\n    {}\n",
        key.kind, key.limit, key.meaning
    )
}

/// A value as it may be shown: what is as private as `hidden`, or more, is masked.
fn shown(value: &Value, hidden: Privacy) -> String {
    let is_hidden = match keys::privacy(&value.section, &value.key) {
        Privacy::Open => false,
        Privacy::Private => hidden == Privacy::Private,
        Privacy::Secret => true,
    };
    let text = value.value.clone().unwrap_or_default();
    if is_hidden && !text.is_empty() { MASK.into() } else { text }
}

fn place_of(section: &str, key: &str) -> String {
    if section.eq_ignore_ascii_case("Settings") { key.to_string() } else { format!("{section}/{key}") }
}

fn text_of(path: &Path) -> String {
    PathBuf::from(path).to_string_lossy().into_owned()
}

/// `20260131T235959.123Z` as RFC 3339.
fn time_of(listed: &Listed) -> String {
    let stamp = &listed.backup.stamp;
    match (
        stamp.get(..4),
        stamp.get(4..6),
        stamp.get(6..8),
        stamp.get(9..11),
        stamp.get(11..13),
        stamp.get(13..),
    ) {
        (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(rest)) => {
            format!("{year}-{month}-{day}T{hour}:{minute}:{rest}")
        }
        _ => stamp.clone(),
    }
}

fn made_by(listed: &Listed) -> &'static str {
    match listed.backup.made_by {
        MadeBy::Edit => "edit",
        MadeBy::Restore => "restore",
    }
}

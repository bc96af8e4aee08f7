//! The only printer: what a command has to say, for people and as JSON, and the exit status.

mod detect;
mod doctor;
mod dsc;
mod json;
mod profiles;
mod provision;
mod status;
mod test_hook;
mod text;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use clap::builder::StyledStr;
use clap::{ColorChoice, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value as Json, json};

pub use profiles::ReportFile;

use self::json::{instance_json, report_json};
use self::text::{
    backups_text, diff_text, driven_text, events_text, explained_text, hooks_text, key_text, links_text,
    sections_text, written_text,
};
use super::args::RejectedByClap;
use crate::commands::profiles::{Handled, Summary};
use crate::commands::provision::Checked;
use crate::commands::safety::Listed;
use crate::commands::test_hook::Tested;
use crate::commands::{Error, Linked, Report, RunEvent, Value, Written};
use crate::diagnostic::{Diagnostic, ExitStatus, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::edit::transaction::Progress;
use crate::edit::verify::SecondOpinion;
use crate::microsip::closing::Restarted;
use crate::microsip::instances::Instance;
use crate::microsip::keys::{MASK, Privacy};
use crate::platform::{self, registry::ClassValue};
use crate::request::LinksOrder;

pub use dsc::Level;

/// The colours of a stream; none where it is to have none.
#[derive(Clone, Copy, Default)]
struct Styles {
    error: Style,
    warning: Style,
    hint: Style,
    added: Style,
    removed: Style,
    heading: Style,
}

impl Styles {
    const COLOURED: Styles = Styles {
        error: AnsiColor::Red.on_default().bold(),
        warning: AnsiColor::Yellow.on_default().bold(),
        hint: AnsiColor::Cyan.on_default(),
        added: AnsiColor::Green.on_default(),
        removed: AnsiColor::Red.on_default(),
        heading: Style::new().bold(),
    };
}

/// How to print.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    /// One JSON object instead of lines.
    pub json: bool,
    /// Answers and errors only.
    pub quiet: bool,
    /// Each step.
    pub verbose: bool,
    /// When to use colour.
    pub color: ColorChoice,
    /// Whether to say which ini it is, because nobody named one.
    pub name_ini: bool,
    /// How much is said, where DSC is the one who reads it.
    pub dsc: Option<Level>,
}

impl Output {
    /// Prints what a command has to say.
    pub fn print(self, report: &Report, aside: &SideEffects) -> ExitStatus {
        // whoever asked for a script feeds it to its shell, and programs read detection and DSC
        let is_for_another = matches!(report, Report::Script(_) | Report::Detected(_) | Report::Dsc(_));
        let as_json = self.json && !is_for_another;
        let answer =
            if as_json { format!("{}\n", report_json(report, aside)) } else { self.report_text(report) };
        if !as_json && !self.quiet {
            warnings(report).iter().for_each(|notice| self.warn(notice));
            if let Some(ini) = self.name_ini.then(|| ini_of(report)).flatten() {
                self.err(&format!("in {}\n", ini.display()));
            }
        }
        if let Report::Detected(detected) = report
            && let Some(reason) = detected.why_unknown()
        {
            self.problem(Level::Error, reason);
        }
        let printed = self.out(&answer);
        if let Report::Profiles(summary) = report {
            self.print_faults(summary, aside);
        }
        let unwritten = aside.report_fault.as_ref().map(|_| ExitStatus::File);
        match (printed, report.status()) {
            (ExitStatus::Done, ExitStatus::Done) => unwritten.unwrap_or(ExitStatus::Done),
            (ExitStatus::Done, status) => status,
            (failed, _) => failed,
        }
    }

    /// Says why the work on many inis did not end well.
    fn print_faults(self, summary: &Summary, aside: &SideEffects) {
        if !self.json {
            if !self.quiet {
                aside.told.warn(self);
            }
            if let Some(fault) = summary.fault() {
                self.problem(Level::Error, &Diagnostic::from(&fault));
            }
        }
        if let Some(fault) = &aside.report_fault {
            self.problem(Level::Error, &Diagnostic::from(fault));
        }
    }

    /// Prints why a command failed.
    pub fn print_error(self, error: &Error, aside: &SideEffects) -> ExitStatus {
        let notice = Diagnostic::from(error);
        if !self.json {
            self.problem(Level::Error, &notice);
            return notice.code.exit_status();
        }
        let mut json = json!({"ok": false, "changed": error.changed(), "error": notice});
        if let Error::Desired(error) = error {
            provision::put_place_in(error, &mut json["error"]);
        }
        if !aside.warnings.is_empty() {
            json["warnings"] = json!(aside.warnings);
        }
        aside.put_in(&mut json);
        self.out(&format!("{json}\n"));
        notice.code.exit_status()
    }

    /// Prints a problem that shows before anything is done.
    pub fn print_problem<P: ToDiagnostic>(self, problem: &P) -> ExitStatus {
        let notice = Diagnostic::from(problem);
        if self.json {
            self.out(&format!("{}\n", json!({"ok": false, "changed": false, "error": notice})));
        } else {
            self.problem(Level::Error, &notice);
        }
        notice.code.exit_status()
    }

    /// How to print where the words make no command line, so that nobody could read its options from it.
    pub fn of_words(words: &[OsString]) -> Output {
        let mut texts = words.iter().filter_map(|word| word.to_str());
        let color = texts.find_map(|word| word.strip_prefix("--color"));
        let color = color.and_then(|joined| joined.strip_prefix('=').or_else(|| texts.next()));
        Output {
            // what stands behind -- belongs to a hook
            json: words.iter().take_while(|word| *word != "--").any(|word| word == "--json"),
            color: color.and_then(|when| ColorChoice::from_str(when, true).ok()).unwrap_or_default(),
            ..Output::default()
        }
    }

    /// Prints what clap made of the words: that they are none, or the help they called for.
    pub fn print_usage(self, error: &clap::Error) -> ExitStatus {
        if !error.use_stderr() {
            return self.out(&self.rendered(&error.render(), &io::stdout()));
        }
        if self.json || self.dsc.is_some() {
            return self.print_problem(&RejectedByClap(error));
        }
        self.print_help(&error.render());
        ExitStatus::Usage
    }

    /// Prints a help text on the side, for whoever did not call for it.
    pub fn print_help(self, text: &StyledStr) {
        self.err(&self.rendered(text, &io::stderr()));
    }

    fn rendered(self, text: &StyledStr, stream: &impl anstream::stream::RawStream) -> String {
        if self.colours(stream) { text.ansi().to_string() } else { text.to_string() }
    }

    /// Prints an answer, byte for byte: values may hold anything. A terminal is told what would drive it.
    fn out(self, text: &str) -> ExitStatus {
        let mut stdout = io::stdout().lock();
        let text = if stdout.is_terminal() { visible(text) } else { text.into() };
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => ExitStatus::Done,
            // whoever closed the pipe has read enough
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitStatus::Done,
            Err(error) => {
                let text = format!("the answer could not be written: {error}");
                match self.dsc {
                    Some(_) => self.say(Level::Error, &text),
                    None => self.err(&format!("error: {text}\n")),
                }
                ExitStatus::File
            }
        }
    }

    /// Prints a text on the side.
    pub fn err(self, text: &str) {
        self.say(Level::Info, text);
    }

    /// Prints a text on the side, which is of no more weight than that.
    fn say(self, weight: Level, text: &str) {
        let line;
        let text = match self.dsc {
            Some(level) if weight > level => return,
            Some(_) => {
                line = weight.line(text.trim_end());
                &line
            }
            None => text,
        };
        let mut stderr = io::stderr().lock();
        let text = if stderr.is_terminal() { visible(text) } else { text.into() };
        let _ = stderr.write_all(text.as_bytes());
    }

    /// Whether questions, which stand on the side, have colours.
    pub fn is_coloured(self) -> bool {
        self.colours(&io::stderr())
    }

    fn colours(self, stream: &impl anstream::stream::RawStream) -> bool {
        let choice = match self.color {
            ColorChoice::Auto => anstream::AutoStream::choice(stream),
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        choice != anstream::ColorChoice::Never
    }

    fn styles(self, stream: &impl anstream::stream::RawStream) -> Styles {
        if self.colours(stream) { Styles::COLOURED } else { Styles::default() }
    }

    fn warn(self, notice: &Diagnostic) {
        self.problem(Level::Warn, notice);
    }

    fn problem(self, weight: Level, notice: &Diagnostic) {
        if self.dsc.is_some() {
            return self.say(weight, &dsc::message(notice));
        }
        let styles = self.styles(&io::stderr());
        let (kind, style) = match weight {
            Level::Error => ("error", styles.error),
            _ => ("warning", styles.warning),
        };
        // the place in a file that it is about may stand below
        let (message, place) = notice.message.split_once('\n').unwrap_or((&notice.message, ""));
        let mut text = format!("{style}{kind}{style:#}: {message} [{}]\n", notice.code.name());
        if !place.is_empty() {
            let _ = writeln!(text, "{place}");
        }
        if let Some(hint) = &notice.hint {
            let style = styles.hint;
            let _ = writeln!(text, "  {style}hint{style:#}: {hint}");
        }
        self.err(&text);
    }

    fn report_text(self, report: &Report) -> String {
        let styles = self.styles(&io::stdout());
        match report {
            Report::Written(written) if written.dry_run => diff_text(written, styles),
            Report::Written(_) if self.quiet => String::new(),
            Report::Written(written) => written_text(written),
            Report::Values { values, .. } => {
                values.iter().map(|value| shown(value, Privacy::Secret) + "\n").collect()
            }
            Report::Sections { values, .. } => sections_text(values, styles),
            Report::Hooks { ini, hooks, .. } => hooks_text(ini, hooks, styles),
            Report::Status(status) => status::text(status, styles),
            Report::Explained(explanation) => explained_text(explanation, styles),
            Report::Tested(tested) => test_hook::text(tested, styles),
            Report::Examined(examined) => doctor::text(examined, self.quiet, styles),
            Report::Backups { ini, backups, purged } => backups_text(ini, backups, *purged),
            Report::Checked(checked) => provision::text(checked, styles),
            Report::Dsc(answer) => dsc::text(answer),
            Report::Profiles(_) if self.quiet => String::new(),
            Report::Profiles(summary) => profiles::text(summary),
            Report::Detected(detected) => detect::text(detected),
            Report::Linked(Linked { order: LinksOrder::Set | LinksOrder::Unset, dry_run: false, .. })
                if self.quiet =>
            {
                String::new()
            }
            Report::Linked(linked) => links_text(linked, styles),
            Report::Driven(_) if self.quiet => String::new(),
            Report::Driven(driven) => driven_text(driven),
            Report::Events(events) => events_text(events, styles),
            Report::Keys(keys) => keys.iter().map(|key| key_text(key, styles)).collect(),
            Report::Script(script) => script.clone(),
        }
    }
}

/// What a run did beside its answer.
#[derive(Debug, Default)]
pub struct SideEffects {
    closed: Vec<Instance>,
    restarted: Vec<Restarted>,
    warnings: Vec<Diagnostic>,
    told: profiles::Told,
    report_fault: Option<profiles::ReportFault>,
}

impl SideEffects {
    /// Says in an answer who was closed and started again.
    fn put_in(&self, json: &mut Json) {
        if !self.closed.is_empty() {
            json["closed"] = self.closed.iter().map(instance_json).collect();
        }
        if !self.restarted.is_empty() {
            let restarted = |one: &Restarted| json!({"pid": one.pid, "exe": text_of(&one.exe)});
            json["restarted"] = self.restarted.iter().map(restarted).collect();
        }
    }
}

/// Tells how a write goes, while it goes.
pub struct ProgressReporter {
    output: Output,
    aside: SideEffects,
    begun: Instant,
    waiting_since: Option<Instant>,
    has_said_so: bool,
    spinner: Option<ProgressBar>,
    report: Option<ReportFile>,
}

impl ProgressReporter {
    /// A narrator for one run.
    pub fn new(output: Output) -> Self {
        ProgressReporter {
            output,
            aside: SideEffects::default(),
            begun: Instant::now(),
            waiting_since: None,
            has_said_so: false,
            spinner: None,
            report: None,
        }
    }

    /// Has what became of each of many inis written to a file too.
    pub fn report_to(&mut self, report: Option<ReportFile>) {
        self.report = report;
    }

    /// What was done beside the answer, which comes now.
    pub fn aside(&mut self) -> &SideEffects {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        &self.aside
    }

    /// Hears what happens and says what deserves it.
    pub fn report(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Chosen(chosen) => self.verbose(&format!("the ini is {chosen}")),
            RunEvent::Read { size, encoding } => self.verbose(&format!("read {size} bytes, {encoding}")),
            RunEvent::Progress(Progress::Waiting { blockers, until }) => self.wait(blockers, *until),
            RunEvent::Progress(Progress::Step(step)) => {
                if let Some(spinner) = self.spinner.take() {
                    spinner.finish_and_clear();
                }
                self.verbose(step.name());
            }
            RunEvent::Progress(Progress::Redo) => self.verbose("the ini changed meanwhile, once more"),
            RunEvent::SecondOpinion(SecondOpinion::None) => {
                self.verbose("rust-ini reads this section otherwise, so it had no say in verifying the edit");
            }
            RunEvent::SecondOpinion(SecondOpinion::Agrees) => self.verbose("rust-ini agrees with the edit"),
            RunEvent::Progress(Progress::Warning(notice)) | RunEvent::Warning(notice) => {
                self.say(|output| output.warn(notice));
                self.aside.warnings.push(notice.clone());
            }
            RunEvent::Profiles { total } => {
                if let Some(report) = &mut self.report {
                    report.begin();
                }
                if !self.output.json && !self.output.quiet {
                    self.spinner = Some(bar(*total));
                }
            }
            RunEvent::Handled(handled) => self.handled(handled),
            RunEvent::Testing { event, caller } => {
                let caller = if caller.is_empty() { "no number" } else { caller };
                self.say(|output| output.err(&format!("Running '{event}' for {caller}\n")));
            }
            RunEvent::Closed(instance) => {
                self.say(|output| output.err(&format!("Closed {instance}\n")));
                self.aside.closed.push(instance.clone());
            }
            RunEvent::Restarted(one) => {
                self.say(|output| {
                    output.err(&format!("Started {} again, pid {}\n", one.exe.display(), one.pid));
                });
                self.aside.restarted.push(one.clone());
            }
        }
    }

    fn handled(&mut self, handled: &Handled) {
        let json = profiles::handled_json(handled);
        if let Some(report) = &mut self.report {
            report.add(&json);
            self.aside.report_fault = self.aside.report_fault.take().or_else(|| report.fault());
        }
        self.aside.told.add(handled, json, self.output.json);
        if self.output.json {
            return;
        }
        let styles = self.output.styles(&io::stdout());
        let text = profiles::handled_text(handled, self.output, styles);
        let print = || {
            if !text.is_empty() {
                self.output.out(&text);
            }
        };
        match &self.spinner {
            Some(bar) => {
                bar.suspend(print);
                bar.inc(1);
                if bar.length() == Some(bar.position()) {
                    bar.finish_and_clear();
                }
            }
            None => print(),
        }
    }

    /// Says something to people, past a spinner.
    fn say(&self, print: impl FnOnce(Output)) {
        if self.output.json || self.output.quiet {
            return;
        }
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| print(self.output)),
            None => print(self.output),
        }
    }

    fn wait(&mut self, blockers: &[Instance], until: Instant) {
        const BEFORE_SAYING_SO: Duration = Duration::from_secs(1);
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        if self.output.json || self.output.quiet || since.elapsed() < BEFORE_SAYING_SO {
            return;
        }
        let names: Vec<_> = blockers.iter().map(Instance::to_string).collect();
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        let text = format!("waiting for MicroSIP to exit ({})", names.join(", "));
        if !self.has_said_so {
            self.has_said_so = true;
            let hint = self.output.styles(&io::stderr()).hint;
            let close = if platform::CAN_REACH_WINDOWS { "--close has it asked; " } else { "" };
            let in_all = until.saturating_duration_since(since).as_secs_f64().round();
            self.output.err(&format!(
                "{text}, for {in_all} s at most.\n  {hint}hint{hint:#}: exit it by its menu (the X only hides it); \
                 {close}Ctrl-C ends this\n"
            ));
        }
        if self.output.dsc.is_some() {
            return;
        }
        // hidden by itself where standard error is no terminal
        let spinner = self.spinner.get_or_insert_with(ProgressBar::new_spinner);
        spinner.set_message(format!("{} s left, {}", left, who(blockers)));
        spinner.tick();
    }

    fn verbose(&self, text: &str) {
        if self.output.verbose && !self.output.json {
            let begun = self.begun.elapsed().as_secs_f64() * 1000.0;
            self.output.say(Level::Debug, &format!("{begun:8.1} ms  {text}\n"));
        }
    }
}

/// A text whose control characters can be seen and do nothing: who wrote an ini is not to drive the terminal of whoever
/// looks at it. Line ends, tabs and colours stay.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let drives = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(drives) {
        return text.into();
    }
    let mut shown = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = if c == '\u{1B}' { colour_at(rest) } else { None };
        let length = colour.map_or(c.len_utf8(), str::len);
        match colour {
            Some(colour) => shown.push_str(colour),
            None if drives(c) => shown.extend(c.escape_default()),
            None => shown.push(c),
        }
        rest = &rest[length..];
    }
    shown.into()
}

/// The change of colours that a text begins with (SGR of ECMA-48).
fn colour_at(text: &str) -> Option<&str> {
    let numbers = text.strip_prefix("\u{1B}[")?;
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    numbers[end..].starts_with('m').then(|| &text[..text.len() - numbers.len() + end + 1])
}

/// A bar for so many; hidden where standard error is no terminal.
fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Pids and owners, short enough for one line.
fn who(blockers: &[Instance]) -> String {
    let shown = blockers.iter().map(|holder| match &holder.user {
        Some(user) => format!("pid {} ({user})", holder.pid),
        None => format!("pid {}", holder.pid),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn warnings(report: &Report) -> &[Diagnostic] {
    match report {
        Report::Written(Written { warnings, .. })
        | Report::Values { warnings, .. }
        | Report::Sections { warnings, .. }
        | Report::Hooks { warnings, .. }
        | Report::Linked(Linked { warnings, .. })
        | Report::Checked(Checked { warnings, .. })
        | Report::Tested(Tested { warnings, .. }) => warnings,
        Report::Dsc(answer) => &answer.warnings,
        Report::Examined(examined) => {
            examined.mended.as_ref().map_or(&[][..], |mended| &mended.written.warnings)
        }
        Report::Status(_)
        | Report::Explained(_)
        | Report::Detected(_)
        | Report::Backups { .. }
        | Report::Profiles(_)
        | Report::Driven(_)
        | Report::Events(_)
        | Report::Keys(_)
        | Report::Script(_) => &[],
    }
}

/// The ini that an answer is about, where the answer itself does not say so.
fn ini_of(report: &Report) -> Option<&Path> {
    match report {
        Report::Values { ini, .. }
        | Report::Sections { ini, .. }
        | Report::Backups { ini, .. }
        | Report::Tested(Tested { ini, .. }) => Some(ini),
        Report::Written(_)
        | Report::Checked(_)
        | Report::Dsc(_)
        | Report::Profiles(_)
        | Report::Detected(_)
        | Report::Hooks { .. }
        | Report::Status(_)
        | Report::Explained(_)
        | Report::Examined(_)
        | Report::Linked(_)
        | Report::Driven(_)
        | Report::Events(_)
        | Report::Keys(_)
        | Report::Script(_) => None,
    }
}

/// What a value of the registry says; one that is no text says nothing to people.
fn registry_text(value: &ClassValue) -> String {
    value.text().unwrap_or_else(|| format!("({} bytes that are no text)", value.bytes.len()))
}

/// A value as it may be shown: what is as private as `hidden`, or more, is masked.
fn shown(value: &Value, hidden: Privacy) -> String {
    let is_hidden = value.privacy >= hidden;
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

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn nothing_but_colours_drives_the_terminal() {
        assert_eq!(visible("a\tb\n\u{1B}[1;31mred\u{1B}[0m"), "a\tb\n\u{1B}[1;31mred\u{1B}[0m");
        assert_eq!(visible("\u{1B}[2J\u{7}x\r\u{9B}1m"), r"\u{1b}[2J\u{7}x\r\u{9b}1m");
        assert_eq!(visible("\u{1B}]0;title\u{1B}\\ \u{1B}["), r"\u{1b}]0;title\u{1b}\ \u{1b}[");
    }
}

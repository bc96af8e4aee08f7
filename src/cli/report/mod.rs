//! The only printer: what a command has to say, for people and as JSON, and the exit status.

mod detect;
mod doctor;
mod dsc;
mod profiles;
mod provision;
mod status;
mod test_hook;

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

use super::mistyped::Mistake;
use crate::commands::explain::Explanation;
use crate::commands::hooks::Hook;
use crate::commands::profiles::{Handled, Summary};
use crate::commands::provision::Checked;
use crate::commands::safety::Listed;
use crate::commands::test_hook::Tested;
use crate::commands::{Driven, Error, Linked, Report, Tale, Value, Written};
use crate::edit::backup::MadeBy;
use crate::edit::plan::{Change, LineChange};
use crate::edit::transaction::Progress;
use crate::edit::verify::SecondOpinion;
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::meaning::Verdict;
use crate::microsip::closing::Restarted;
use crate::microsip::instances::Instance;
use crate::microsip::keys::{self, Key, MASK, Privacy, Save};
use crate::microsip::links::{CLASSES, Link, SaidBy, ValueChange};
use crate::platform::{self, registry::ClassValue};
use crate::problem::{ExitStatus, Notice, Problem};
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
    pub fn print(self, report: &Report, aside: &Aside) -> ExitStatus {
        // whoever asked for a script feeds it to its shell, and programs read detection and DSC
        let is_for_another = matches!(report, Report::Script(_) | Report::Detected(_) | Report::Dsc(_));
        let as_json = self.json && !is_for_another;
        let answer =
            if as_json { format!("{}\n", report_json(report, aside)) } else { self.report_text(report) };
        if !as_json && !self.quiet {
            notices(report).iter().for_each(|notice| self.warn(notice));
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
    fn print_faults(self, summary: &Summary, aside: &Aside) {
        if !self.json {
            if !self.quiet {
                aside.told.warn(self);
            }
            if let Some(fault) = summary.fault() {
                self.problem(Level::Error, &Notice::from(&fault));
            }
        }
        if let Some(fault) = &aside.report_fault {
            self.problem(Level::Error, &Notice::from(fault));
        }
    }

    /// Prints why a command failed.
    pub fn print_error(self, error: &Error, aside: &Aside) -> ExitStatus {
        let notice = Notice::from(error);
        if !self.json {
            self.problem(Level::Error, &notice);
            return notice.code.exit_status();
        }
        let mut json = json!({"ok": false, "changed": error.changed(), "error": notice});
        if let Error::Desired(error) = error {
            provision::put_place_in(error, &mut json["error"]);
        }
        if !aside.notices.is_empty() {
            json["warnings"] = json!(aside.notices);
        }
        aside.put_in(&mut json);
        self.out(&format!("{json}\n"));
        notice.code.exit_status()
    }

    /// Prints a problem that shows before anything is done.
    pub fn print_problem<P: Problem>(self, problem: &P) -> ExitStatus {
        let notice = Notice::from(problem);
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
            json: words.iter().any(|word| word == "--json"),
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
            return self.print_problem(&Mistake(error));
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

    fn warn(self, notice: &Notice) {
        self.problem(Level::Warn, notice);
    }

    fn problem(self, weight: Level, notice: &Notice) {
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
pub struct Aside {
    closed: Vec<Instance>,
    restarted: Vec<Restarted>,
    notices: Vec<Notice>,
    told: profiles::Told,
    report_fault: Option<profiles::ReportFault>,
}

impl Aside {
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
pub struct Narrator {
    output: Output,
    aside: Aside,
    begun: Instant,
    waiting_since: Option<Instant>,
    has_said_so: bool,
    spinner: Option<ProgressBar>,
    report: Option<ReportFile>,
}

impl Narrator {
    /// A narrator for one run.
    pub fn new(output: Output) -> Self {
        Narrator {
            output,
            aside: Aside::default(),
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
    pub fn aside(&mut self) -> &Aside {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        &self.aside
    }

    /// Hears what happens and says what deserves it.
    pub fn tell(&mut self, tale: &Tale<'_>) {
        match tale {
            Tale::Chosen(chosen) => self.verbose(&format!("the ini is {chosen}")),
            Tale::Read { size, encoding } => self.verbose(&format!("read {size} bytes, {encoding}")),
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
            Tale::Progress(Progress::Remark(notice)) | Tale::Remark(notice) => {
                self.say(|output| output.warn(notice));
                self.aside.notices.push(notice.clone());
            }
            Tale::Profiles { total } => {
                if let Some(report) = &mut self.report {
                    report.begin();
                }
                if !self.output.json && !self.output.quiet {
                    self.spinner = Some(bar(*total));
                }
            }
            Tale::Handled(handled) => self.handled(handled),
            Tale::Testing { event, caller } => {
                let caller = if caller.is_empty() { "no number" } else { caller };
                self.say(|output| output.err(&format!("Running '{event}' for {caller}\n")));
            }
            Tale::Closed(instance) => {
                self.say(|output| output.err(&format!("Closed {instance}\n")));
                self.aside.closed.push(instance.clone());
            }
            Tale::Restarted(one) => {
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
        spinner.set_message(format!("{} s left, {}", left, who(holders)));
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
fn who(holders: &[Instance]) -> String {
    let shown = holders.iter().map(|holder| match &holder.user {
        Some(user) => format!("pid {} ({user})", holder.pid),
        None => format!("pid {}", holder.pid),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn notices(report: &Report) -> &[Notice] {
    match report {
        Report::Written(Written { notices, .. })
        | Report::Values { notices, .. }
        | Report::Sections { notices, .. }
        | Report::Hooks { notices, .. }
        | Report::Linked(Linked { notices, .. })
        | Report::Checked(Checked { notices, .. })
        | Report::Tested(Tested { notices, .. }) => notices,
        Report::Dsc(answer) => &answer.notices,
        Report::Examined(examined) => {
            examined.mended.as_ref().map_or(&[][..], |mended| &mended.written.notices)
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

fn report_json(report: &Report, aside: &Aside) -> Json {
    match report {
        Report::Written(written) => {
            let mut json = written_json(written);
            put_aside_in(aside, &mut json);
            json
        }
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
        Report::Status(status) => status::json(status),
        Report::Examined(examined) => {
            let mut json = doctor::json(examined);
            put_aside_in(aside, &mut json);
            json
        }
        Report::Explained(explanation) => json!({
            "ok": true,
            "event": explanation.event.map(Event::name),
            "value": explanation.value,
            "verdict": explanation.verdict.name(),
            "program": explanation.command.as_ref().map(|command| &command.program),
            "args": explanation.command.as_ref().map_or(&[][..], |command| &command.args),
            "problems": explanation.problems,
            "suggestion": explanation.suggestion,
        }),
        Report::Tested(tested) => test_hook::json(tested),
        Report::Checked(checked) => provision::json(checked),
        Report::Profiles(summary) => {
            let mut json = profiles::json(summary, &aside.told);
            put_aside_in(aside, &mut json);
            json
        }
        Report::Detected(detected) => Json::from(detect::text(detected)),
        Report::Backups { ini, backups, purged } => json!({
            "ok": true,
            "ini": text_of(ini),
            "purged": purged,
            "backups": backups.iter().map(backup_json).collect::<Vec<_>>(),
        }),
        Report::Linked(linked) => json!({
            "ok": true,
            "changed": linked.changed,
            "dry_run": linked.dry_run,
            "changes": linked.changes.iter().map(value_change_json).collect::<Vec<_>>(),
            "links": linked.links.iter().map(link_json).collect::<Vec<_>>(),
            "warnings": linked.notices,
        }),
        Report::Driven(Driven { order, sent, changed, instance }) => json!({
            "ok": true,
            "changed": changed,
            "order": order,
            "sent": sent,
            "instances": [instance_json(instance)],
        }),
        Report::Events(events) => {
            json!({"ok": true, "events": events.iter().map(event_json).collect::<Vec<_>>()})
        }
        Report::Script(script) => Json::from(script.as_str()),
        Report::Dsc(answer) => Json::from(dsc::text(answer)),
        Report::Keys(keys) => json!({"ok": true, "keys": keys.iter().map(key_json).collect::<Vec<_>>()}),
    }
}

/// Adds to an answer what the run did beside it.
fn put_aside_in(aside: &Aside, json: &mut Json) {
    if let Some(warnings) = json.get_mut("warnings").and_then(Json::as_array_mut) {
        warnings.extend(aside.notices.iter().map(|notice| json!(notice)));
    }
    aside.put_in(json);
}

fn written_json(written: &Written) -> Json {
    json!({
        "ok": true,
        "changed": written.changed,
        "dry_run": written.dry_run,
        "ini": text_of(&written.ini),
        "changes": written
            .changes
            .iter()
            .map(|change| change_json(change, written.restored.is_some()))
            .collect::<Vec<_>>(),
        "backup": written.backup.as_deref().map(text_of),
        "restored": written.restored,
        "warnings": written.notices,
    })
}

/// With `of_restore` private data is masked too: nobody asked for it by name.
fn change_json(change: &Change, of_restore: bool) -> Json {
    let hidden = if of_restore { Privacy::Private } else { Privacy::Secret };
    let is_masked = keys::privacy(&change.section, &change.key) >= hidden;
    let text =
        |value: &Option<String>| value.as_ref().map(|value| if is_masked { MASK } else { value }.to_string());
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

fn instance_json(instance: &Instance) -> Json {
    json!({
        "pid": instance.pid,
        "exe": instance.exe,
        "user": instance.user,
        "session": instance.session,
        "inis": instance.inis.as_ref().map(|inis| inis.iter().map(|ini| text_of(ini)).collect::<Vec<_>>()),
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

fn link_json(link: &Link) -> Json {
    json!({
        "scheme": link.scheme,
        "from": link.said_by.name(),
        "class": link.class,
        "command": link.command,
        "program": link.program,
        "is_microsip": link.is_microsip,
    })
}

fn value_change_json(change: &ValueChange) -> Json {
    let text = |value: &Option<ClassValue>| value.as_ref().map(registry_text);
    json!({
        "key": format!(r"{CLASSES}\{}", change.key),
        "value": change.name,
        "before": text(&change.before),
        "after": text(&change.after),
    })
}

/// What a value of the registry says; one that is no text says nothing to people.
fn registry_text(value: &ClassValue) -> String {
    value.text().unwrap_or_else(|| format!("({} bytes that are no text)", value.bytes.len()))
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

fn driven_text(driven: &Driven) -> String {
    let Driven { order, sent, changed, instance } = driven;
    match (*order, sent) {
        ("start", _) if !changed => format!("MicroSIP runs already ({instance})\n"),
        ("start", _) => format!("Started {instance}\n"),
        (_, Some(sent)) => format!("Sent {sent} to MicroSIP ({instance})\n"),
        _ => format!("Closed {instance}\n"),
    }
}

fn written_text(written: &Written) -> String {
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
fn diff_text(written: &Written, styles: Styles) -> String {
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

fn sections_text(values: &[Value], Styles { heading, .. }: Styles) -> String {
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

fn hooks_text(ini: &Path, hooks: &[Hook], styles: Styles) -> String {
    let mut text = format!("{0}{1}{0:#}\n", styles.heading, ini.display());
    for hook in hooks {
        text.push_str(&hook_line(hook, styles));
        text.push_str(&problems_text(&hook.problems, "                ", styles));
    }
    text
}

/// Problems below what they are about.
fn problems_text<'a>(
    problems: impl IntoIterator<Item = &'a Notice>,
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
fn hook_line(hook: &Hook, Styles { error, warning, added, .. }: Styles) -> String {
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
fn command_text(program: &str, args: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let mut text = format!("  file         {program}\n");
    for (number, arg) in (1..).zip(args) {
        let _ = writeln!(text, "  argument {number:<3} '{arg}'");
    }
    text
}

fn explained_text(explanation: &Explanation, styles: Styles) -> String {
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

fn links_text(linked: &Linked, styles: Styles) -> String {
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

fn link_text(link: &Link, Styles { added, heading, .. }: Styles) -> String {
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

fn events_text(events: &[Event], Styles { heading, .. }: Styles) -> String {
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

fn key_text(key: &Key, Styles { heading, .. }: Styles) -> String {
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

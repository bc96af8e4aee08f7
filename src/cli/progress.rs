//! Reports what happens while a command works.

use std::time::{Duration, Instant};

use crate::commands::{Outcome, RunEvent};
use crate::edit::transaction::Progress;
use crate::microsip::instances::Instance;
use crate::page::duration_text;
use crate::platform;
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt;
use super::output::Output;
use super::report_file::ReportFile;
use super::side_effects::SideEffects;
use super::trace::Level;

/// Reports what happens while a command works, and collects its side effects.
pub struct ProgressReporter {
    output: Output,
    effects: SideEffects,
    started: Instant,
    waiting_since: Option<Instant>,
    has_announced_wait: bool,
    bar: Option<ProgressBar>,
    report: Option<ReportFile>,
}

impl ProgressReporter {
    /// Returns a reporter for one run. Results for many users also go to the report.
    pub fn new(output: Output, report: Option<ReportFile>) -> Self {
        ProgressReporter {
            output,
            effects: SideEffects::default(),
            started: Instant::now(),
            waiting_since: None,
            has_announced_wait: false,
            bar: None,
            report,
        }
    }

    /// Clears the spinner before the answer is printed, and returns the side effects.
    pub fn finish(&mut self) -> &SideEffects {
        self.clear_bar();
        &self.effects
    }

    /// Reports an event.
    pub fn report(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Chosen(chosen) => {
                interrupt::set_ini(&chosen.ini);
                self.verbose(&format!("the ini is {chosen}"));
            }
            RunEvent::Read { size, encoding } => self.verbose(&format!("read {size} bytes, {encoding}")),
            RunEvent::Progress(Progress::Waiting { blockers, until }) => self.wait(blockers, *until),
            RunEvent::Progress(Progress::Step(step)) => {
                self.clear_bar();
                self.verbose(step.name());
            }
            RunEvent::Progress(Progress::Redo) => {
                self.verbose("the ini has changed in the meantime; editing it again");
            }
            RunEvent::Progress(Progress::OwnerChanged) => {
                self.verbose(
                    "only an administrator may give files to the ini's owner, so the new ini belongs to you",
                );
            }
            RunEvent::Progress(Progress::Warning(warning)) | RunEvent::Warning(warning) => {
                self.say(|output| output.warn(warning));
                self.effects.warnings.push(warning.clone());
            }
            RunEvent::Users { total } => {
                if let Some(report) = &mut self.report {
                    report.begin();
                }
                if !self.output.json && !self.output.quiet {
                    self.bar = Some(progress_bar(*total));
                }
            }
            RunEvent::UserDone(result) => self.user_done(*result),
            RunEvent::Part { part, is_wanted } => {
                is_wanted.set(self.output.print_part(*part));
            }
            RunEvent::Testing { event, caller } => {
                let caller = if caller.is_empty() { "no number" } else { caller };
                self.say(|output| output.err(&format!("Running '{event}' for {caller}\n")));
            }
            RunEvent::Closed(instance) => {
                self.say(|output| output.err(&format!("Closed {instance}\n")));
                self.effects.closed.push(instance.clone());
            }
            RunEvent::Restarted(one) => {
                let text = format!("Started {} again, pid {}\n", one.exe.display(), one.pid);
                self.say(|output| output.err(&text));
                self.effects.restarted.push(one.clone());
            }
        }
    }

    fn user_done(&mut self, result: &dyn Outcome) {
        if let Some(report) = &mut self.report {
            report.add(&result.json());
            if self.effects.report_error.is_none() {
                self.effects.report_error = report.take_error();
            }
        }
        if self.output.json {
            return;
        }
        let text = result.text(&self.output.page());
        let print = || {
            if !text.is_empty() {
                self.output.out(&text);
            }
        };
        match &self.bar {
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

    /// Prints something for people without disturbing the spinner.
    fn say(&self, print: impl FnOnce(Output)) {
        if self.output.json || self.output.quiet {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| print(self.output)),
            None => print(self.output),
        }
    }

    fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn wait(&mut self, blockers: &[Instance], until: Instant) {
        const SILENT: Duration = Duration::from_secs(1);
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        if self.output.json || self.output.quiet || since.elapsed() < SILENT {
            return;
        }
        if !self.has_announced_wait {
            self.has_announced_wait = true;
            self.announce_wait(blockers, until.saturating_duration_since(since));
        }
        if self.output.dsc.is_some() {
            return;
        }
        let left = duration_text(until.saturating_duration_since(Instant::now()));
        // The spinner hides itself if standard error isn't a terminal.
        let spinner = self.bar.get_or_insert_with(ProgressBar::new_spinner);
        spinner.set_message(format!("{left} left, {}", pids(blockers)));
        spinner.tick();
    }

    fn announce_wait(&self, blockers: &[Instance], timeout: Duration) {
        let names: Vec<_> = blockers.iter().map(Instance::to_string).collect();
        let names = names.join(", ");
        let timeout = duration_text(timeout);
        let styles = self.output.stderr_styles();
        let hint = styles.hint;
        let close = if platform::CAN_REACH_WINDOWS { "use --close to ask it to; " } else { "" };
        let waiting = format!("waiting for MicroSIP to exit ({names}), for at most {timeout}");
        let waiting = styles.wrap(&waiting, 0, 2);
        let advice = format!("exit it from its menu (the X only hides it); {close}press Ctrl-C to cancel");
        let advice = styles.wrap(&advice, 8, 8);
        self.output.err(&format!("{waiting}\n  {hint}hint{hint:#}: {advice}\n"));
    }

    fn verbose(&self, text: &str) {
        if self.output.verbose && !self.output.json {
            let elapsed = self.started.elapsed().as_secs_f64() * 1000.0;
            self.output.log(Level::Debug, &format!("{elapsed:8.1} ms  {text}\n"));
        }
    }
}

/// Returns a progress bar. It hides itself if standard error isn't a terminal.
fn progress_bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Returns pids and users, short enough for one line.
fn pids(blockers: &[Instance]) -> String {
    let shown = blockers.iter().map(|blocker| match blocker.user_name() {
        Some(user) => format!("pid {} ({user})", blocker.pid),
        None => format!("pid {}", blocker.pid),
    });
    shown.collect::<Vec<_>>().join(", ")
}

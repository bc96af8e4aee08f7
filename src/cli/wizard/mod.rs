//! Sets up hooks by questions. Everything is a [`Request`]: first as a dry run, which checks it and shows what
//! would change, then, after the last question, for real. Nothing is written before that.

mod paste;
mod paths;
mod words;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use dialoguer::theme::Theme;

use super::args::A_CALLER;
use super::ask::{self, Before, Completing};
use super::output::Output;
use super::progress::ProgressReporter;
use super::session::Session;
use super::side_effects::SideEffects;
use crate::commands::hook_state::Hook;
use crate::commands::hooks::{self, HookList};
use crate::commands::written::WriteOutcome;
use crate::commands::{self, Context, Error};
use crate::diagnostic::{Code, ExitStatus, ToDiagnostic};
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::sample::{Sample, WebAddress};
use crate::hook::target::{Allow, TargetError};
use crate::microsip::locate::{self, LocateError};
use crate::platform::{self, FileSystem, SystemFs, WindowsPaths};
use crate::request::{
    BackupChoice, Drive, EditRequest, HookText, IniChoice, Request, SetHook, TestHook, WhileRunning,
    WriteOptions,
};
use words::Program;

/// What the wizard works with.
pub struct Tools<'a> {
    /// How to print.
    pub output: Output,
    /// How questions look.
    pub theme: &'a dyn Theme,
    /// Carries out commands.
    pub session: &'a Session<'a>,
}

/// Asks, and does what was asked for, until there is nothing more.
pub fn run(tools: Tools<'_>, ini: IniChoice) -> ExitStatus {
    // it is there to show things
    let tools = Tools { output: Output { quiet: false, ..tools.output }, ..tools };
    let output = tools.output;
    let ended = ask::while_leaving_is(true, || {
        let mut finder = Finder { tools, is_named: ini.path.is_some() };
        let place = finder.find(ini)?;
        Wizard { tools: finder.tools, place }.serve()
    });
    match ended {
        Ok(()) => ExitStatus::Done,
        Err(Stop::At(status)) => status,
        Err(Stop::Unanswered(error)) if error.kind() == io::ErrorKind::Interrupted => {
            ask::leave();
            ExitStatus::Interrupted
        }
        Err(Stop::Unanswered(error)) => {
            ask::leave();
            output.print_early_error(&Unanswered(error))
        }
    }
}

/// Why the wizard ends before its user says so.
enum Stop {
    /// With this status; what there was to say has been said.
    At(ExitStatus),
    /// A question was not answered.
    Unanswered(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Unanswered(error)
    }
}

/// The terminal went away.
#[derive(Debug, thiserror::Error)]
#[error("the answer could not be read: {0}")]
struct Unanswered(io::Error);

impl ToDiagnostic for Unanswered {
    fn code(&self) -> Code {
        Code::Interrupted
    }
}

/// The ini that the hooks are for.
struct Place {
    /// As requests name it.
    ini: IniChoice,
    /// Its path.
    path: PathBuf,
    /// Whether it is to be made.
    create: bool,
    /// Whether a command has to name it.
    is_named: bool,
}

// ---------------------------------------------------------------------------------------------------------
// the ini

/// Finds the ini, or helps to find it.
struct Finder<'a> {
    tools: Tools<'a>,
    /// Whether a command would have to name it.
    is_named: bool,
}

impl Finder<'_> {
    fn find(&mut self, mut ini: IniChoice) -> Result<Place, Stop> {
        const WELCOME: &str = "This sets up what MicroSIP runs when there is a call.\n\
                               Nothing is written before the last question. In lists Esc goes back; Ctrl-C ends.\n\n";
        let output = self.tools.output;
        output.err(WELCOME);
        loop {
            match self.tools.hooks(&ini).0 {
                Ok(HookList { ini: path, .. }) => return Ok(self.place(ini, path, false)),
                Err(Error::Locate(LocateError::Several { found })) => {
                    self.is_named = true;
                    let chosen = ask::which_ini(self.tools.theme, &found)?;
                    ini.path = Some(chosen.ok_or(Stop::At(ExitStatus::Done))?);
                }
                Err(Error::Locate(error)) => {
                    output.err(&words::sentence(&error.to_string()));
                    if let Ok(path) = locate::place_to_create(&self.tools.session.env)
                        && self.tools.confirm("MicroSIP would make it at its first start. Make it now?")?
                    {
                        return Ok(self.place(ini, path, true));
                    }
                    ini.path = Some(self.ask_for_path("")?);
                }
                Err(Error::NotThere { ini: path }) => {
                    output.err(&format!("{} is not there.\n", path.display()));
                    if self.tools.confirm("Make it?")? {
                        return Ok(self.place(ini, path, true));
                    }
                    ini.path = Some(self.ask_for_path(&path.to_string_lossy())?);
                }
                Err(error) => {
                    let status = output.print_error(&error, &SideEffects::default());
                    let Some(path) = ini.path.take() else { return Err(Stop::At(status)) };
                    ini.path = Some(self.ask_for_path(&path.to_string_lossy())?);
                }
            }
        }
    }

    fn place(&self, ini: IniChoice, path: PathBuf, create: bool) -> Place {
        let ini = IniChoice { path: Some(path.clone()), ..ini };
        Place { ini, path, create, is_named: self.is_named }
    }

    /// Asks where the ini is, or is to be; a folder stands for the usual name in it.
    fn ask_for_path(&mut self, typed: &str) -> Result<PathBuf, Stop> {
        const USUAL_NAME: &str = "MicroSIP.ini";
        self.is_named = true;
        self.tools.output.err("Where is MicroSIP.ini? A portable MicroSIP has it beside its exe.\n");
        let here = self.tools.session.env.current_folder.clone();
        let ways = |typed: &str| paths::ways_here(typed, here.as_deref());
        let prompt = "Path (Tab completes, empty ends)";
        let before = Before { by_up: typed, ..Before::default() };
        let typed = ask::line(self.tools.theme, prompt, before, Some(&Completing::with(&ways)))?;
        if typed.is_empty() {
            return Err(Stop::At(ExitStatus::Done));
        }
        let path = PathBuf::from(typed.trim_matches('"'));
        Ok(if SystemFs.is_dir(&path) { path.join(USUAL_NAME) } else { path })
    }
}

impl Tools<'_> {
    fn confirm(&self, question: &str) -> io::Result<bool> {
        ask::confirm(self.theme, question, true)
    }

    fn select(&self, prompt: &str, items: &[&str], default: usize) -> io::Result<Option<usize>> {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        ask::select(self.theme, prompt, &items, default)
    }

    fn hooks(&self, ini: &IniChoice) -> (Result<HookList, Error>, ProgressReporter) {
        let mut reporter = ProgressReporter::new(self.output, None);
        (self.session.with_context(&mut reporter, |context| hooks::list(ini, context)), reporter)
    }

    fn edit(
        &self,
        ini: &IniChoice,
        edit: EditRequest,
        options: WriteOptions,
    ) -> (Result<WriteOutcome, Error>, ProgressReporter) {
        let mut reporter = ProgressReporter::new(self.output, None);
        let write = |context: &mut Context<'_>| commands::edit(ini, edit, options, context);
        (self.session.with_context(&mut reporter, write), reporter)
    }

    /// Carries out a request and prints its answer.
    fn run(&self, request: Request) {
        let mut reporter = ProgressReporter::new(self.output, None);
        match self.session.run(request, &mut reporter) {
            Ok(outcome) => self.output.print(&*outcome, reporter.finish()),
            Err(error) => self.output.print_error(&error, reporter.finish()),
        };
    }
}

// ---------------------------------------------------------------------------------------------------------
// the hooks

/// Asks what is to be done with the hooks of an ini.
struct Wizard<'a> {
    tools: Tools<'a>,
    place: Place,
}

/// What the main menu offers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Set,
    Remove,
    Undo,
    Quit,
}

impl Task {
    const ALL: [Task; 4] = [Task::Set, Task::Remove, Task::Undo, Task::Quit];

    fn line(self) -> &'static str {
        match self {
            Task::Set => "Set a hook",
            Task::Remove => "Remove a hook",
            Task::Undo => "Undo the last change",
            Task::Quit => "Quit",
        }
    }
}

/// What came of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The ini is as was wanted.
    Done,
    /// Nothing was changed.
    Nothing,
}

impl Wizard<'_> {
    fn serve(mut self) -> Result<(), Stop> {
        self.show()?;
        let mut proposed = Task::Set;
        loop {
            let lines = Task::ALL.map(Task::line);
            let default = Task::ALL.iter().position(|task| *task == proposed).unwrap_or(0);
            let task = self.tools.select("What to do", &lines, default)?;
            let outcome = match task.map_or(Task::Quit, |index| Task::ALL[index]) {
                Task::Set => self.set()?,
                Task::Remove => self.remove()?,
                Task::Undo => self.undo()?,
                Task::Quit => return Ok(()),
            };
            if outcome == Outcome::Done {
                proposed = Task::Quit;
            }
        }
    }

    /// Shows what is set now.
    fn show(&mut self) -> Result<(), Stop> {
        if self.place.create {
            self.say(&format!("{} will be made.\n\n", self.place.path.display()));
            return Ok(());
        }
        let (hooks, mut reporter) = self.tools.hooks(&self.place.ini);
        let output = self.tools.output;
        match hooks {
            Ok(hooks) => {
                output.print(&hooks, reporter.finish());
                output.err("\n");
                Ok(())
            }
            Err(error) => Err(Stop::At(output.print_error(&error, reporter.finish()))),
        }
    }

    /// What is set now; nothing in an ini that is not there.
    fn hooks(&mut self) -> Vec<Hook> {
        self.tools.hooks(&self.place.ini).0.map(|list| list.hooks).unwrap_or_default()
    }

    fn say(&self, text: &str) {
        self.tools.output.err(text);
    }

    fn set(&mut self) -> Result<Outcome, Stop> {
        let hooks = self.hooks();
        let Some(events) = self.ask_for_events(&hooks)? else { return Ok(Outcome::Nothing) };
        let paths = platform::windows_paths(&self.place.path);
        // a script of ours needs a place that MicroSIP can see
        let program = if paths == WindowsPaths::Unknown {
            Some(0)
        } else {
            self.tools.select("What should it run", &Program::ALL.map(Program::line), 0)?
        };
        let sample = match program.map(|index| Program::ALL[index]) {
            None => return Ok(Outcome::Nothing),
            Some(Program::Own) => {
                // what stands there is changed, not typed again
                let set_now = match &events[..] {
                    [event] => {
                        hooks.into_iter().find(|hook| hook.event == *event).and_then(|hook| hook.command)
                    }
                    _ => None,
                };
                return self.set_own(&events, set_now, &paths);
            }
            Some(Program::Log) => Sample::Log,
            Some(Program::PopUp) => Sample::PopUp,
            Some(Program::WebPage) => return self.set_web_page(&events, &paths),
        };
        self.set_sample(&events, &sample, &paths).map(|outcome| outcome.unwrap_or(Outcome::Nothing))
    }

    fn ask_for_events(&mut self, hooks: &[Hook]) -> Result<Option<Vec<Event>>, Stop> {
        loop {
            let items = words::events(hooks);
            let prompt = "When should it run (Space marks, Enter goes on)";
            let Some(chosen) = ask::select_many(self.tools.theme, prompt, &items)? else { return Ok(None) };
            let events: Vec<Event> = chosen.into_iter().map(|index| Event::ALL[index]).collect();
            if !events.is_empty() {
                let names: Vec<&str> = events.iter().map(|event| event.name()).collect();
                self.say(&format!("It runs on: {}\n", names.join(", ")));
                return Ok(Some(events));
            }
            self.say("Nothing is marked: Space marks the line with the >, Enter goes on.\n");
        }
    }

    /// A program of the user's own: asked for again until it can be run.
    fn set_own(
        &mut self,
        events: &[Event],
        set_now: Option<HookCommand>,
        paths: &WindowsPaths,
    ) -> Result<Outcome, Stop> {
        let before = set_now.unwrap_or(HookCommand { program: String::new(), args: Vec::new() });
        let mut typed = String::new();
        let mut allow = Allow::default();
        loop {
            let ways = |typed: &str| paths::ways_on_windows(typed, paths);
            let prompt = "Program (Tab completes, empty goes back)";
            let stands = if typed.is_empty() { before.program.as_str() } else { "" };
            let there = Before { stands, by_up: &typed };
            let line = ask::line(self.tools.theme, prompt, there, Some(&Completing::with(&ways)))?;
            typed = line.trim_matches('"').to_string();
            if typed.is_empty() {
                return Ok(Outcome::Nothing);
            }
            // checked before more is asked
            let command = HookCommand { program: typed.clone(), args: Vec::new() };
            if self.check_own(events, command, &mut allow)?.is_none() {
                continue;
            }
            let args = if typed == before.program { words::text_of(&before.args) } else { String::new() };
            let prompt = "Its arguments before the number (Enter: none)";
            let there = Before { stands: &args, ..Before::default() };
            let args = words::arguments(&ask::line(self.tools.theme, prompt, there, None)?);
            let command = HookCommand { program: typed.clone(), args };
            if let Some((edit, dry)) = self.check_own(events, command, &mut allow)? {
                return self.settle(edit, dry, None);
            }
        }
    }

    /// The edit with its dry run, unless the program was refused. A mark of the web may be taken off.
    fn check_own(
        &mut self,
        events: &[Event],
        command: HookCommand,
        allow: &mut Allow,
    ) -> Result<Option<(EditRequest, WriteOutcome)>, Stop> {
        loop {
            let edit = set_hooks(events, &HookText::Command(command.clone()), *allow);
            let error = match self.dry_run(&edit) {
                Ok(dry) => return Ok(Some((edit, dry))),
                Err(error) => error,
            };
            let is_blocked = matches!(error, Error::Target(TargetError::Blocked { .. })) && !allow.mark;
            self.print_refusal(&error)?;
            let question = "Do you trust it, and is the mark to be taken off when the hook is set?";
            if !is_blocked || !ask::confirm(self.tools.theme, question, false)? {
                return Ok(None);
            }
            allow.mark = true;
        }
    }

    fn set_web_page(&mut self, events: &[Event], paths: &WindowsPaths) -> Result<Outcome, Stop> {
        const SCHEME: &str = "https://";
        let mut typed = String::new();
        loop {
            self.say(
                "The number comes to the end of the address, such as https://crm.example/find?number=\n",
            );
            let there = Before { stands: SCHEME, by_up: &typed };
            typed = ask::line(self.tools.theme, "Address (empty goes back)", there, None)?;
            if typed.is_empty() || typed == SCHEME {
                return Ok(Outcome::Nothing);
            }
            let Some(address) = WebAddress::new(&typed) else {
                self.say("That is no web address such as https://crm.example/ without blanks.\n");
                continue;
            };
            if let Some(outcome) = self.set_sample(events, &Sample::WebPage { address }, paths)? {
                return Ok(outcome);
            }
        }
    }

    /// A script that is brought along. `None` if it was refused.
    fn set_sample(
        &mut self,
        events: &[Event],
        sample: &Sample,
        paths: &WindowsPaths,
    ) -> Result<Option<Outcome>, Stop> {
        let edit = set_hooks(events, &HookText::Sample(sample.clone()), Allow::default());
        match self.dry_run(&edit) {
            Ok(dry) => self.settle(edit, dry, Some((sample, paths))).map(Some),
            Err(error) => self.print_refusal(&error).map(|()| None),
        }
    }

    fn remove(&mut self) -> Result<Outcome, Stop> {
        let hooks = self.hooks();
        let set: Vec<&Hook> = hooks.iter().filter(|hook| words::is_set(hook)).collect();
        if set.is_empty() {
            self.say("No hook is set.\n");
            return Ok(Outcome::Nothing);
        }
        let items = words::hooks(set.iter().copied());
        let Some(index) = ask::select(self.tools.theme, "Which one is to go", &items, 0)? else {
            return Ok(Outcome::Nothing);
        };
        self.try_to(EditRequest::UnsetHooks(vec![set[index].event]))
    }

    fn undo(&mut self) -> Result<Outcome, Stop> {
        self.try_to(EditRequest::Restore(BackupChoice::Newest))
    }

    fn try_to(&mut self, edit: EditRequest) -> Result<Outcome, Stop> {
        match self.dry_run(&edit) {
            Ok(dry) => self.settle(edit, dry, None),
            Err(error) if error.code() == Code::NoBackup => {
                self.say("There is nothing to undo yet.\n");
                Ok(Outcome::Nothing)
            }
            Err(error) => self.print_refusal(&error).map(|()| Outcome::Nothing),
        }
    }

    // -----------------------------------------------------------------------------------------------------
    // from a dry run to the ini

    fn options(&self, dry_run: bool, while_running: WhileRunning) -> WriteOptions {
        /// Somebody looks on, and Ctrl-C ends it.
        const PATIENCE: Duration = Duration::from_secs(60 * 60);
        WriteOptions {
            dry_run,
            create: self.place.create,
            timeout: PATIENCE,
            while_running,
            backup: true,
            keep_backups: WriteOptions::DEFAULT_BACKUPS,
        }
    }

    fn dry_run(&self, edit: &EditRequest) -> Result<WriteOutcome, Error> {
        let options = self.options(true, WhileRunning::Wait);
        self.tools.edit(&self.place.ini, edit.clone(), options).0
    }

    /// Prints why something cannot be; goes on unless the ini itself is what is wrong.
    fn print_refusal(&self, error: &Error) -> Result<(), Stop> {
        let status = self.tools.output.print_error(error, &SideEffects::default());
        match status {
            ExitStatus::Refused | ExitStatus::No => Ok(()),
            status => Err(Stop::At(status)),
        }
    }

    /// Shows what would change, asks once, writes, and says how to do the same by a command.
    fn settle(
        &mut self,
        edit: EditRequest,
        mut dry: WriteOutcome,
        sample: Option<(&Sample, &WindowsPaths)>,
    ) -> Result<Outcome, Stop> {
        // the question says that better than a remark
        let is_running = dry.warnings.iter().any(|warning| warning.code == Code::MicrosipRunning);
        dry.warnings.retain(|warning| warning.code != Code::MicrosipRunning);
        let is_change = dry.changed;
        self.tools.output.print(&dry, &SideEffects::default());
        if !is_change {
            return Ok(Outcome::Nothing);
        }
        if let Some((sample, _)) = sample {
            self.say(&words::about_script(&sample.script_path(&self.place.path)));
        }
        let Some(while_running) = self.ask_to_write(is_running)? else {
            self.say("Nothing was changed.\n");
            return Ok(Outcome::Nothing);
        };
        let options = self.options(false, while_running);
        let (result, mut reporter) =
            ask::while_leaving_is(false, || self.tools.edit(&self.place.ini, edit.clone(), options));
        let output = self.tools.output;
        match result {
            Ok(written) => output.print(&written, reporter.finish()),
            Err(error) => {
                let status = output.print_error(&error, reporter.finish());
                let is_over = status == ExitStatus::Interrupted;
                return if is_over { Err(Stop::At(status)) } else { Ok(Outcome::Nothing) };
            }
        };
        self.afterwards(&edit, while_running, is_running, sample)?;
        // there is no more to be made
        self.place.create = false;
        if self.tools.session.is_stopped() {
            return Err(Stop::At(ExitStatus::Interrupted));
        }
        Ok(Outcome::Done)
    }

    /// The last question: whether, and what is done about a MicroSIP that runs. `None` if it is not to be.
    fn ask_to_write(&self, is_running: bool) -> Result<Option<WhileRunning>, Stop> {
        if !is_running {
            return Ok(self.tools.confirm("Write this?")?.then_some(WhileRunning::Wait));
        }
        self.say("MicroSIP is running, and would undo this when it exits. So it has to exit first.\n");
        let close =
            ("Close it for me, and start it again (ends a call)", Some(WhileRunning::CloseAndRestart));
        let wait = ("Wait until I have closed it: its menu, Exit", Some(WhileRunning::Wait));
        let not_now = ("Not now: write nothing", None);
        let mut ways = vec![wait, not_now];
        if platform::CAN_REACH_WINDOWS {
            ways.insert(0, close);
        }
        let lines: Vec<&str> = ways.iter().map(|(line, _)| *line).collect();
        let chosen = self.tools.select("Write this", &lines, 0)?;
        Ok(chosen.and_then(|index| ways[index].1))
    }

    /// What is offered and said when an edit stands in the ini.
    fn afterwards(
        &mut self,
        edit: &EditRequest,
        while_running: WhileRunning,
        was_running: bool,
        sample: Option<(&Sample, &WindowsPaths)>,
    ) -> Result<(), Stop> {
        let output = self.tools.output;
        let was_closed_by_hand = was_running && while_running == WhileRunning::Wait;
        if was_closed_by_hand && platform::CAN_REACH_WINDOWS && self.tools.confirm("Start MicroSIP again?")? {
            let drive = Drive::Start { minimized: false };
            self.tools.run(Request::Drive { ini: self.place.ini.clone(), drive });
        }
        if let EditRequest::SetHooks(sets) = edit {
            self.offer_a_test(sets.iter().map(|set| set.event).collect())?;
        }
        let named =
            sample.map_or_else(|| edit.clone(), |(sample, paths)| self.by_script(edit, sample, paths));
        let mut ini = self.place.ini.clone();
        ini.path = ini.path.filter(|_| self.place.is_named);
        let same = Request::Write { ini, edit: named, options: self.options(false, while_running) };
        output.err(&format!("\nThe same by a command:\n{}\n", paste::lines(&same)));
        Ok(())
    }

    /// Runs the hooks that were set, if that can be done here and is wanted.
    fn offer_a_test(&mut self, events: Vec<Event>) -> Result<(), Stop> {
        let can_run = platform::windows_paths(&self.place.path) != WindowsPaths::Unknown;
        let question = format!("Test it now, as MicroSIP would run it for a call from {A_CALLER}?");
        if !can_run || !self.tools.confirm(&question)? {
            return Ok(());
        }
        let test = TestHook {
            ini: self.place.ini.clone(),
            events,
            callers: vec![A_CALLER.to_string()],
            version: None,
            capture: false,
        };
        self.tools.run(Request::TestHook(test));
        Ok(())
    }

    /// The same edit with the script of a sample as the program, for that is there now.
    fn by_script(&self, edit: &EditRequest, sample: &Sample, paths: &WindowsPaths) -> EditRequest {
        let script = paths.to_windows(&sample.script_path(&self.place.path));
        match (edit, script) {
            (EditRequest::SetHooks(sets), Some(script)) => {
                let named = |set: &SetHook| SetHook {
                    what: HookText::Command(sample.command(&script, set.event)),
                    ..set.clone()
                };
                EditRequest::SetHooks(sets.iter().map(named).collect())
            }
            _ => edit.clone(),
        }
    }
}

/// The edit that sets the same for each of these events.
fn set_hooks(events: &[Event], what: &HookText, allow: Allow) -> EditRequest {
    let set = |event: &Event| SetHook { event: *event, what: what.clone(), version: None, allow };
    EditRequest::SetHooks(events.iter().map(set).collect())
}

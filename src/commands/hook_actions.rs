//! Works out how the actions of an ini change: the file that contains them, and the events at which MicroSIP starts the
//! runner.

mod problems;

use std::io;
use std::path::{Path, PathBuf};

use crate::actions::edit::HooksFile;
use crate::actions::file;
use crate::desired::hooks::ActionSettings;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::companion::{self, CompanionEdit, Order};
use crate::edit::plan::{Change, Edit};
use crate::edit::transaction::NewContent;
use crate::hook::action::template::Template;
use crate::hook::action::{Action, Actions, Work};
use crate::hook::command::{self, HookCommand, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks;
use crate::hook::runner::{self, RunnerCall};
use crate::hook::target::{self, Allow, StartedAs, TargetContext, TargetError};
use crate::ini::document::IniDocument;
use crate::ini::name::KeyPath;
use crate::microsip::keys::Privacy;
use crate::microsip::privacy::Guarded;
use crate::microsip::version::Dialect;
use crate::platform::{self, Env, FileSystem, FileSystemExt, SystemFs, WindowsPaths};
use crate::request::{HookText, SetHook, ValueSource};

use super::error::Error;
use super::hook_edit::{edit_for, warnings_about_text, warnings_and_marked};
use super::hook_state::target_context;
use super::ini::Ini;
use super::runner_command::{command_of, program_of, runner_beside, runner_in, unusual_ini};
use super::write::ActionsChange;
use super::written::ActionsSummary;
use problems::{actions_unsupported, country_unset, mask_in_runner, mask_needs_program, too_large};

pub use problems::{event_has_program, untrusted_file};

const UTF_8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// The actions of an ini, and how they change.
pub struct ActionsEditor<'a> {
    ini: &'a Ini,
    env: &'a Env,
    /// The path of the file as the user knows it.
    path: PathBuf,
    current: Option<Vec<u8>>,
    before: Actions,
    file: HooksFile,
    user: IniUser,
    /// The runner that the user named.
    runner: Option<String>,
    /// The scripts that become actions because MicroSIP isn't to start them itself.
    scripts: Vec<HookCommand>,
    /// The files of the actions that have the "downloaded from the internet" mark, which is to be removed.
    pub marked: Vec<PathBuf>,
    /// Warnings about the actions.
    pub warnings: Vec<Diagnostic>,
}

/// Who uses the ini.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IniUser {
    /// Whoever it is, MicroSIP uses this very file.
    #[default]
    Anybody,
    /// A user of this computer. It's the ini that MicroSIP finds by itself.
    OfThisComputer,
    /// The same, but the user's programs may be on another computer.
    OfAnyComputer,
}

/// Reads the actions of an ini.
///
/// # Errors
/// The file can't be read, or has a mistake.
fn read(ini: &Ini, fs: &dyn FileSystem) -> Result<ActionsFile, Error> {
    let path = ini.file.shown_for(&companion::path_for(ini.file.to_open()));
    let unreadable = |source| Error::Unreadable { ini: path.clone(), source };
    let bytes = companion::read(ini.file.to_open(), fs).map_err(unreadable)?;
    let text = bytes.clone().map_or(Ok(String::new()), platform::decode_text).map_err(unreadable)?;
    let actions = file::read(path.display().to_string(), text.clone())?;
    Ok(ActionsFile { path, bytes, text, actions })
}

/// The file with the actions of an ini.
struct ActionsFile {
    /// Its path as the user knows it.
    path: PathBuf,
    /// What it contains; `None` if it doesn't exist.
    bytes: Option<Vec<u8>>,
    text: String,
    actions: Actions,
}

/// Reads the actions of an ini for a command that only shows them. A mistake in the file is a warning, and so is
/// somebody else who can change it.
pub fn read_or_warn(ini: &Ini, fs: &dyn FileSystem) -> (Actions, Option<Diagnostic>) {
    match read(ini, fs) {
        Ok(file) => (file.actions, untrusted_file(ini)),
        Err(error) => (Actions::default(), Some(Diagnostic::from(&error))),
    }
}

/// Returns the change that gives the file with the actions this content; `None` to remove it.
///
/// # Errors
/// The file can't be read.
pub fn replaced(
    ini: &Ini,
    wanted: Option<&[u8]>,
    fs: &dyn FileSystem,
) -> Result<Option<ActionsChange>, Error> {
    let path = ini.file.shown_for(&companion::path_for(ini.file.to_open()));
    let current = companion::read(ini.file.to_open(), fs)
        .map_err(|source| Error::Unreadable { ini: path.clone(), source })?;
    if current.as_deref() == wanted {
        return Ok(None);
    }
    let (new, order) = match wanted {
        Some(bytes) => (NewContent::Write(bytes.to_vec()), Order::BeforeIni),
        None => (NewContent::Delete, Order::AfterIni),
    };
    let lines = |bytes: Option<&[u8]>| bytes.map(file::summary).unwrap_or_default();
    let summary = ActionsSummary::between(path, lines(current.as_deref()), lines(wanted));
    Ok(Some(ActionsChange { edit: CompanionEdit { current, new, order }, summary }))
}

impl<'a> ActionsEditor<'a> {
    /// Opens the actions of an ini for editing.
    ///
    /// # Errors
    /// The file can't be read, or has a mistake.
    pub fn open(ini: &'a Ini, env: &'a Env, fs: &dyn FileSystem) -> Result<ActionsEditor<'a>, Error> {
        let ActionsFile { path, bytes: current, text, actions: before } = read(ini, fs)?;
        // it was read before, so it's TOML
        let file = HooksFile::parse(&text).map_err(|error| {
            Diagnostic::new(Code::HooksFileInvalid, format!("{}: {error}", path.display()))
        })?;
        Ok(ActionsEditor {
            ini,
            env,
            path,
            current,
            before,
            file,
            user: IniUser::default(),
            runner: None,
            scripts: Vec::new(),
            marked: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Says who uses the ini.
    pub fn used_by(self, user: IniUser) -> Self {
        ActionsEditor { user, ..self }
    }

    /// Gives an event the action of a hook, in place of what the event does now or after it. A program that stays
    /// becomes the first action.
    ///
    /// # Errors
    /// The program of the action was refused, or the value of a header can't be read.
    pub fn set(
        &mut self,
        set: &SetHook,
        mut action: Action,
        document: &IniDocument,
        secret: &dyn Fn(&ValueSource) -> io::Result<String>,
    ) -> Result<(), Error> {
        self.runner = self.runner.take().or_else(|| set.runner.clone());
        self.set_country(set.country, &action.work);
        if let Work::Send(request) = &mut action.work {
            for (name, source) in &set.headers {
                request.headers.push((name.clone(), header_value(source, secret)?));
            }
        }
        self.find_program(&mut action, set.allow)?;
        if let Work::Log { file, .. } = &mut action.work
            && !is_full_path(file)
        {
            // The worker has another current folder than the user.
            let folder = self.env.current_folder.clone().unwrap_or_default();
            *file = folder.join(&*file).to_string_lossy().into_owned();
        }
        if !set.add {
            self.file.replace(set.event, std::slice::from_ref(&action));
            return Ok(());
        }
        if let Some(program) = program_of(set.event, document) {
            self.file.add(set.event, &Action::for_everybody(run_with_number(&program)));
        }
        self.file.add(set.event, &action);
        Ok(())
    }

    /// Sets the country, or warns if a new action needs one and there is none.
    fn set_country(&mut self, wanted: Option<u16>, work: &Work) {
        match wanted {
            Some(country) if self.before.numbers.country != wanted => self.file.set_country(country),
            Some(_) => {}
            None if work.needs_country() && self.before.numbers.country.is_none() => {
                let warning = country_unset();
                if !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
            None => {}
        }
    }

    /// Gives an event the action that runs a program or a script, as [`ActionsEditor::set`] does.
    ///
    /// # Errors
    /// The program was refused, or its arguments wouldn't do what they seem to do.
    pub fn set_program(
        &mut self,
        set: &SetHook,
        command: &HookCommand,
        document: &IniDocument,
        secret: &dyn Fn(&ValueSource) -> io::Result<String>,
    ) -> Result<(), Error> {
        if set.event.expands_masks()
            && let Some(mask) = masks::masks_in(&command.to_string()).next()
        {
            return Err(mask_needs_program(mask).into());
        }
        let errors = command::literal_errors(command);
        self.warnings.extend(warnings_about_text(errors, HookTextError::is_fatal)?);
        if !set.add {
            self.scripts.push(command.clone());
        }
        self.set(set, Action::for_everybody(run_with_number(command)), document, secret)
    }

    /// Gives an event these actions. The same actions aren't written again, so that comments stay.
    ///
    /// # Errors
    /// The program of an action was refused.
    pub fn set_all(&mut self, event: Event, actions: &[Action], allow: Allow) -> Result<(), Error> {
        let mut actions = actions.to_vec();
        for action in &mut actions {
            self.find_program(action, allow)?;
        }
        if self.before.of(event) != actions {
            self.file.replace(event, &actions);
        }
        Ok(())
    }

    /// Sets how numbers are read and how long calls are remembered, and names the runner.
    pub fn set_settings(&mut self, settings: &ActionSettings) {
        self.runner.clone_from(&settings.runner);
        if let Some(numbers) = settings.numbers.as_ref().filter(|numbers| **numbers != self.before.numbers) {
            self.file.set_numbers(numbers);
        }
        if let Some(history) = settings.history.filter(|history| *history != self.before.history) {
            self.file.set_history(history);
        }
    }

    /// Removes what an event does.
    pub fn clear(&mut self, event: Event) {
        self.file.remove_all(event);
    }

    /// Returns the events at which the runner must be started.
    pub fn needed_events(&self) -> Vec<Event> {
        self.before.needed_events()
    }

    /// Returns whether an event has actions of its own.
    pub fn has_actions(&self, event: Event) -> bool {
        !self.before.of(event).is_empty()
    }

    /// Returns whether the ini starts another program than the runner at an event.
    pub fn has_program(&self, event: Event, document: &IniDocument) -> bool {
        program_of(event, document).is_some()
    }

    /// Removes one action of an event; the first has the number 1.
    ///
    /// # Errors
    /// The event has no action with this number.
    pub fn remove(&mut self, event: Event, number: usize) -> Result<(), Error> {
        let count = self.before.of(event).len();
        if number == 0 || number > count {
            let message = format!("{event} has no action {number} in {}", self.path.display());
            let hint = "to see the actions and their numbers, run 'msipcfg hooks'";
            return Err(Diagnostic::new(Code::ActionNotFound, message).with_hint(hint).into());
        }
        self.file.remove(event, number - 1);
        Ok(())
    }

    /// Returns the edits of the ini that start the runner where the actions need it, and nowhere else. `set` are the
    /// events whose hook is replaced by actions, `programs` those that get a program.
    ///
    /// # Errors
    /// This MicroSIP can't start a runner, or there is none.
    pub fn runner_edits(
        &mut self,
        document: &IniDocument,
        save_dialect: &SaveDialect,
        set: &[Event],
        programs: &[Event],
    ) -> Result<Vec<Edit>, Error> {
        let wanted = self.wanted()?;
        let needed = wanted.needed_events();
        let mut edits = Vec::new();
        for event in Event::ALL.iter().copied().filter(|event| !programs.contains(event)) {
            let command = command_of(event, document);
            let call = command.as_ref().and_then(RunnerCall::of);
            let has_program = command.is_some() && call.is_none();
            let is_right = command.is_some_and(|command| self.is_right_runner(event, &command));
            let is_set = set.contains(&event) && !is_right;
            match (needed.contains(&event), call) {
                (true, None) if has_program && !is_set => {
                    self.warnings.push(event_has_program(event, !wanted.of(event).is_empty()));
                }
                (true, Some(_)) if !is_set => {}
                (true, _) if !is_set && !save_dialect.supports(event) => {}
                (true, _) => {
                    let edit = self.runner_edit(event, document, save_dialect);
                    edits.push(edit.map_err(|error| self.or_direct(error))?);
                }
                (false, Some(_)) => edits.push(Edit::Unset { path: KeyPath::in_settings(event.key())? }),
                (false, None) => {}
            }
        }
        Ok(edits)
    }

    /// Returns whether a command already starts the runner for an event of this ini.
    fn is_right_runner(&self, event: Event, command: &HookCommand) -> bool {
        let targets = target_context(self.ini, self.env);
        let is_it = |path: String| path.eq_ignore_ascii_case(&command.program);
        RunnerCall::of(command) == Some(self.call(event, &targets))
            && match &self.runner {
                Some(runner) => self.named_runner(runner, &targets).is_ok_and(is_it),
                None => !self.is_runner_here(&targets) || runner_beside(self.env).is_ok_and(is_it),
            }
    }

    /// Returns what the runner is started for at an event.
    fn call(&self, event: Event, targets: &TargetContext) -> RunnerCall {
        let is_usual = self.user != IniUser::Anybody;
        RunnerCall { ini: unusual_ini(self.ini, targets, self.env).filter(|_| !is_usual), event }
    }

    /// Returns the runner that can be seen from here: the one next to this program, or in a Wine prefix the installed
    /// one.
    pub fn runner_here(&self) -> Option<String> {
        let targets = target_context(self.ini, self.env);
        if self.is_runner_here(&targets) {
            return runner_beside(self.env).ok();
        }
        let host = targets.to_host(runner::INSTALLED)?;
        SystemFs.is_file(&host).then(|| runner::INSTALLED.to_string())
    }

    /// Uses the runner with this path from now on.
    pub fn use_runner(&mut self, path: String) {
        self.runner = Some(path);
    }

    /// Returns whether MicroSIP runs on this computer, where the runner is next to this program.
    fn is_runner_here(&self, targets: &TargetContext) -> bool {
        targets.paths == WindowsPaths::Native && self.user != IniUser::OfAnyComputer
    }

    fn named_runner(&self, runner: &str, targets: &TargetContext) -> Result<String, TargetError> {
        let allow = Allow { missing: !self.is_runner_here(targets), ..Allow::default() };
        Ok(target::resolve_for_action(runner, targets, allow)?.0)
    }

    /// Returns the change of the file with the actions, if there is one.
    ///
    /// # Errors
    /// The edited file can't be read back.
    pub fn change(self) -> Result<Option<ActionsChange>, Error> {
        if !self.file.is_changed() {
            return Ok(None);
        }
        let wanted = self.wanted()?;
        let new = if self.file.is_empty() { NewContent::Delete } else { NewContent::Write(self.bytes()) };
        match new.bytes() {
            bytes if bytes == self.current.as_deref() => return Ok(None),
            Some(bytes) if bytes.len() as u64 > companion::MAX_LEN => {
                return Err(too_large(&self.path).into());
            }
            // A new file has the access rights of the ini, so its actions would be trusted.
            Some(_) if let Some(problem) = untrusted_file(self.ini) => return Err(problem.into()),
            _ => {}
        }
        let scripts = self.scripts.into_iter().map(|script| script.program).collect();
        let changes = differences(&self.before, &wanted);
        let between = ActionsSummary::between(self.path, file::lines(&self.before), file::lines(&wanted));
        let summary = ActionsSummary { scripts, changes, ..between };
        let order = if summary.added.is_empty() { Order::AfterIni } else { Order::BeforeIni };
        Ok(Some(ActionsChange { edit: CompanionEdit { current: self.current, new, order }, summary }))
    }

    /// Returns the edited file. A UTF-8 BOM stays.
    fn bytes(&self) -> Vec<u8> {
        let bom = self.current.as_deref().and_then(|bytes| bytes.get(..UTF_8_BOM.len()));
        let bom = bom.filter(|bytes| *bytes == UTF_8_BOM).unwrap_or_default();
        [bom, self.file.to_string().as_bytes()].concat()
    }

    /// Returns the actions after the edit, as they will be read.
    ///
    /// # Errors
    /// The edited file can't be read back.
    pub fn wanted(&self) -> Result<Actions, Error> {
        Ok(file::read(self.path.display().to_string(), self.file.to_string())?)
    }

    /// Gives the program of an action its full path.
    fn find_program(&mut self, action: &mut Action, allow: Allow) -> Result<(), Error> {
        if let Work::Run { program, .. } = &mut action.work {
            let targets = target_context(self.ini, self.env);
            let (path, errors) = target::resolve_for_action(program, &targets, allow)?;
            let (warnings, marked) = warnings_and_marked(errors, allow, &targets)?;
            self.warnings.extend(warnings);
            self.marked.extend(marked);
            *program = path;
        }
        Ok(())
    }

    /// Fails if this MicroSIP can't start the runner.
    ///
    /// # Errors
    /// It starts programs without arguments.
    pub fn check_supported(save_dialect: &SaveDialect) -> Result<(), Error> {
        match save_dialect.dialect {
            Dialect::WholeValue => Err(actions_unsupported(save_dialect).into()),
            _ => Ok(()),
        }
    }

    /// Returns the edit that starts the runner at an event.
    ///
    /// # Errors
    /// This MicroSIP can't start a runner, or there is none.
    pub fn runner_edit(
        &mut self,
        event: Event,
        document: &IniDocument,
        save_dialect: &SaveDialect,
    ) -> Result<Edit, Error> {
        ActionsEditor::check_supported(save_dialect)?;
        let targets = target_context(self.ini, self.env);
        let program = self.runner(document, &targets)?;
        let command = self.call(event, &targets).command(&program);
        if let Some(problem) = mask_in_runner(&command.to_string()) {
            return Err(problem.into());
        }
        let set = SetHook {
            version: save_dialect.version,
            allow: Allow { missing: true, ..Allow::default() },
            ..SetHook::new(event, HookText::Command(command))
        };
        let hook = edit_for(&set, save_dialect, self.ini, self.env)?;
        for warning in hook.warnings.into_iter().filter(|warning| warning.code != Code::HookTargetMissing) {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(hook.edit)
    }

    /// Returns the error that the runner can't be set. If MicroSIP could start a script itself, the hint says so.
    fn or_direct(&self, error: Error) -> Error {
        let Some(script) = self.scripts.first() else { return error };
        let started_as = StartedAs::of(&script.program, &target_context(self.ini, self.env));
        let helps = match error.code() {
            Code::RunnerMissing | Code::HookTooLong => true,
            // these versions know no arguments, and an interpreter needs one
            Code::ActionsUnsupported => started_as == StartedAs::BatchFile && script.args.is_empty(),
            _ => false,
        };
        if !helps {
            return error;
        }
        let hint = error.hint().map_or(String::new(), |hint| format!("{hint}; "));
        let hint = format!("{hint}or let MicroSIP start {} itself, with --direct", script.program);
        Diagnostic::from(&error).with_hint(hint).into()
    }

    /// Returns the path of the runner: the named one, the one next to this program, or, for a Windows that can't be
    /// seen from here, the one that the ini already uses, or else that of the installer.
    fn runner(&mut self, document: &IniDocument, targets: &TargetContext) -> Result<String, Error> {
        if let Some(runner) = &self.runner {
            return Ok(self.named_runner(runner, targets)?);
        }
        if self.is_runner_here(targets) {
            return runner_beside(self.env);
        }
        let path = runner_in(document).unwrap_or_else(|| runner::INSTALLED.to_string());
        let is_in_prefix = targets.to_host(&path).is_some_and(|host| SystemFs.is_file(&host));
        let unchecked = Diagnostic::from(&TargetError::Unchecked { path: path.clone() });
        if !is_in_prefix && !self.warnings.contains(&unchecked) {
            self.warnings.push(unchecked);
        }
        Ok(path)
    }
}

/// Returns what differs between actions. Neither values of headers nor secrets are shown.
fn differences(before: &Actions, after: &Actions) -> Vec<Change> {
    let change = |section: &str, key: &str, before: Option<String>, after: Option<String>| Change {
        section: section.into(),
        key: key.into(),
        before: before.map(|text| Guarded::new(text, Privacy::Open)),
        after: after.map(|text| Guarded::new(text, Privacy::Open)),
    };
    let mut changes = Vec::new();
    for event in Event::ALL.iter().filter(|event| before.of(**event) != after.of(**event)) {
        let text = |actions: &[Action]| {
            let texts: Vec<String> = actions.iter().map(ToString::to_string).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        };
        let (mut found, wanted) = (text(before.of(*event)), text(after.of(*event)));
        if found == wanted {
            found = found.map(|text| format!("{text} (with other details)"));
        }
        changes.push(change("hooks", event.name(), found, wanted));
    }
    for ((section, key, found), (.., wanted)) in file::settings(before).into_iter().zip(file::settings(after))
    {
        if found != wanted {
            changes.push(change(section, key, found, wanted));
        }
    }
    changes
}

/// Returns whether this is a full path on Windows or on this computer.
fn is_full_path(path: &str) -> bool {
    target::is_full(&path.replace('/', "\\")) || Path::new(path).is_absolute()
}

/// Returns the value of a header, in which a brace is a brace.
fn header_value(
    source: &ValueSource,
    secret: &dyn Fn(&ValueSource) -> io::Result<String>,
) -> Result<Template, Error> {
    let unreadable = |why: String| {
        Diagnostic::new(
            Code::SecretUnreadable,
            format!("can't read the value of the header from {source}: {why}"),
        )
    };
    let (value, is_literal) = match source {
        ValueSource::Inline(text) => (text.clone(), false),
        source => (secret(source).map_err(|error| unreadable(error.to_string()))?, true),
    };
    if value.is_empty() || value.contains(|c: char| c.is_control()) {
        return Err(unreadable("it is empty or has several lines".into()).into());
    }
    if is_literal {
        return Ok(Template::literal(&value));
    }
    Template::parse_private(&value).map_err(|error| unreadable(error.to_string()).into())
}

/// Returns the action that runs a program as MicroSIP does: with the number as its last argument.
fn run_with_number(command: &HookCommand) -> Work {
    let number = Template::parse("{number}").ok();
    Work::Run {
        program: command.program.clone(),
        args: command.args.iter().map(|text| Template::literal(text)).chain(number).collect(),
        timeout: None,
    }
}

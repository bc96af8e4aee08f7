//! Hooks: set, unset, and what runs.

use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::backup::MadeBy;
use crate::edit::plan::Edit;
use crate::hook::command::{self, CommandError, Decoded, HookCommand, HookError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks;
use crate::hook::target::{self, Allow, FileProbe, TargetContext, TargetError};
use crate::hook::trust::Trust;
use crate::ini::document::{IniDocument, Line};
use crate::ini::lookup;
use crate::ini::name::{KeyPath, ValueText};
use crate::ini::{Wide, wide};
use crate::microsip::locate;
use crate::microsip::version::{Dialect, Version};
use crate::platform::{self, Env};
use crate::request::{HookText, IniChoice, SetHook, WriteOptions};

use super::ini_file::{Ini, encoding_notice};
use super::samples::{self, Placed};
use super::write::{draft_of, write};
use super::{Context, Error, Report};

/// What runs at an event.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The event.
    pub event: Event,
    /// The value as MicroSIP reads it; `None` if the key is missing.
    pub value: Option<String>,
    /// The program and what it receives before the number.
    pub command: Option<HookCommand>,
    /// Whether MicroSIP could start it. `None` where nothing is set, or where it cannot be told here.
    pub works: Option<bool>,
    /// What is wrong, or deserves saying.
    pub problems: Vec<Diagnostic>,
}

/// Sets the hooks of events, all or none.
pub fn set(
    choice: &IniChoice,
    sets: &[SetHook],
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    let brings_scripts = sets.iter().any(|set| matches!(set.what, HookText::Sample(_)));
    let placed = if brings_scripts && !options.dry_run {
        let (ini, _) = Ini::find_or_place(choice, options.create, context)?;
        Placed::beside(&ini, sets, context.fs)?
    } else {
        Placed::default()
    };
    let set = write_hooks(choice, sets, options, context);
    if set.as_ref().is_err_and(|error| !error.changed()) {
        placed.take_away(context.fs);
    }
    set
}

fn write_hooks(
    choice: &IniChoice,
    sets: &[SetHook],
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    let env = context.env;
    let mut marked: Vec<PathBuf> = Vec::new();
    let report = write(choice, options, MadeBy::Edit, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let (mut edits, mut warnings) = (Vec::new(), Vec::new());
        marked.clear();
        for set in sets {
            let hook = edit_for(set, ini, &decoded.document, env)?;
            let is_dry_run = options.dry_run;
            let unmarked = hook
                .marked
                .iter()
                .map(|path| Diagnostic::from(&MarkWarning { path: path.clone(), is_dry_run }));
            // several events may run the same program
            for notice in hook.warnings.into_iter().chain(unmarked) {
                if !warnings.contains(&notice) {
                    warnings.push(notice);
                }
            }
            edits.push(hook.edit);
            let is_new = |path: &PathBuf| !marked.contains(path);
            let new: Vec<PathBuf> = hook.marked.into_iter().filter(is_new).collect();
            marked.extend(new);
        }
        draft_of(decoded, &edits, warnings)
    })?;
    // Last of all: a mark cannot be put back as an ini can, so an edit that is refused, stopped or does not get
    // its turn leaves it. In between MicroSIP could at worst be asked whether to start the program.
    if !options.dry_run {
        let changed = matches!(&report, Report::Written(written) if written.changed);
        for path in marked {
            platform::remove_download_mark(&path).map_err(|source| Error::MarkStays {
                path,
                source,
                changed,
            })?;
        }
    }
    Ok(report)
}

/// Removes the hooks of events.
pub fn unset(
    choice: &IniChoice,
    events: &[Event],
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<Report, Error> {
    write(choice, options, MadeBy::Edit, context, &mut |ini, current| {
        let decoded = ini.decode_or_first_run(current)?;
        let mut edits = Vec::new();
        for event in events {
            // an empty command is none, and says which MicroSIP wrote it
            let value = lookup::value(&decoded.document, "Settings", event.key(), command::READ_LIMIT);
            if value.is_some_and(|value| !value.is_empty()) {
                edits.push(Edit::Unset { path: KeyPath::in_settings(event.key())? });
            }
        }
        draft_of(decoded, &edits, Vec::new())
    })
}

/// Every event and what runs.
pub fn show(choice: &IniChoice, context: &mut Context<'_>) -> Result<Report, Error> {
    let (ini, decoded) = Ini::open(choice, context)?;
    let hooks = all(&ini, &decoded.document, context.env);
    Ok(Report::Hooks { warnings: encoding_notice(&decoded), ini: ini.path, hooks })
}

/// Every event and what runs, in the text of an ini.
pub(super) fn all(ini: &Ini, document: &IniDocument, env: &Env) -> Vec<Hook> {
    let save_dialect = save_dialect(None, ini, document, env);
    let places = places_of(ini, env);
    Event::ALL.iter().map(|event| hook_of(*event, document, &save_dialect, &places)).collect()
}

/// The MicroSIP that reads and saves an ini: the one that was named, else the one there is.
pub(super) fn save_dialect(
    named: Option<Version>,
    ini: &Ini,
    document: &IniDocument,
    env: &Env,
) -> SaveDialect {
    let exe = named.is_none().then(|| locate::version_of_user(&ini.target, env)).flatten();
    SaveDialect::determine(named, exe, Some(document))
}

/// The line of an event's command in the [Settings] that counts, and its text behind `=`.
pub(super) fn text_of(event: Event, document: &IniDocument) -> Option<(Line, Wide)> {
    let section = lookup::section(document, "Settings")?;
    let key = lookup::key_lines(document, &section, event.key()).next()?;
    let text = document.units(key.value?).to_wide();
    Some((key.line, text))
}

/// What becomes of the text of a command.
pub(super) struct Examined {
    pub decoded: Decoded,
    /// What is wrong with the program, where the text names one for sure.
    pub targets: Vec<TargetError>,
    /// That this MicroSIP does not know the event.
    pub unsupported: Option<HookError>,
}

impl Examined {
    /// Looks at a text and at the program that it names.
    pub fn of(text: &[u16], event: Event, save_dialect: &SaveDialect, places: &TargetContext) -> Examined {
        let decoded = command::decode(text, event, save_dialect);
        let is_clear = !decoded.errors.iter().any(CommandError::is_fatal);
        // what is wrong with the text says more than that its first word is no program
        let command = decoded.command().filter(|_| is_clear);
        let targets = command.map(|command| target::check(&command, places)).unwrap_or_default();
        let is_unsupported = decoded.program.is_some() && !save_dialect.supports(event);
        Examined { targets, unsupported: is_unsupported.then(|| unsupported(event, save_dialect)), decoded }
    }

    /// Whether MicroSIP would start it.
    pub fn works(&self) -> bool {
        !self.decoded.errors.iter().any(CommandError::is_fatal)
            && !self.targets.iter().any(TargetError::is_fatal)
            && self.unsupported.is_none()
    }
}

pub(super) fn hook_of(
    event: Event,
    document: &IniDocument,
    save_dialect: &SaveDialect,
    places: &TargetContext,
) -> Hook {
    let Some((_, text)) = text_of(event, document) else {
        return Hook { event, value: None, command: None, works: None, problems: Vec::new() };
    };
    let examined = Examined::of(&text, event, save_dialect, places);
    let works = examined.works();
    let Examined { decoded, targets, unsupported } = examined;
    let mut problems: Vec<Diagnostic> = decoded.errors.iter().map(Diagnostic::from).collect();
    problems.extend(targets.iter().map(Diagnostic::from));
    problems.extend(unsupported.iter().map(Diagnostic::from));
    let is_unchecked = works && problems.iter().any(|problem| problem.code == Code::HookTargetUnchecked);
    let is_told = !decoded.value.is_empty() && !is_unchecked;
    Hook {
        event,
        command: decoded.command(),
        value: Some(decoded.value),
        works: is_told.then_some(works),
        problems,
    }
}

/// The edit that sets a hook in a text.
pub(super) struct HookEdit {
    pub edit: Edit,
    /// What deserves saying.
    pub warnings: Vec<Diagnostic>,
    /// The files whose mark of the web is to be taken off.
    pub marked: Vec<PathBuf>,
}

/// The edit that sets a hook in a text.
pub(super) fn edit_for(
    set: &SetHook,
    ini: &Ini,
    document: &IniDocument,
    env: &Env,
) -> Result<HookEdit, Error> {
    let save_dialect = save_dialect(set.version, ini, document, env);
    if !save_dialect.supports(set.event) {
        return Err(unsupported(set.event, &save_dialect).into());
    }
    let places = places_of(ini, env);
    let Checked { value, text, stable_in_all_dialects, mut warnings, remarks } = match &set.what {
        HookText::Command(typed) => encoded(typed, set, &save_dialect, &places)?,
        HookText::Sample(sample) => {
            let allow = Allow { missing: true, ..set.allow };
            let set = SetHook { allow, ..set.clone() };
            let typed = samples::command(sample, set.event, ini)?;
            let mut checked = encoded(&typed, &set, &save_dialect, &places)?;
            // it is put there when the ini is written
            checked.remarks.retain(|fault| !matches!(fault, TargetError::Missing { .. }));
            checked
        }
        HookText::Raw(text) => checked(text.clone(), set, &save_dialect, &places)?,
        HookText::Value(value) => {
            checked(command::save(value, save_dialect.dialect), set, &save_dialect, &places)?
        }
    };
    if !save_dialect.certain && !stable_in_all_dialects {
        warnings.push(Diagnostic::from(&DialectWarning { dialect: save_dialect.dialect }));
    }
    let mut marked = Vec::new();
    for remark in remarks {
        match (&remark, set.allow.mark) {
            (TargetError::Blocked { path, .. }, true) => {
                let file = places.paths.to_host(path).unwrap_or_else(|| path.into());
                // nobody is to wait for an edit whose other half fails
                (places.probe.can_remove_mark)(&file).map_err(|error| TargetError::StaysBlocked {
                    path: path.clone(),
                    why: error.to_string(),
                })?;
                marked.push(file);
            }
            _ => warnings.push(remark_on(remark)),
        }
    }
    let path = KeyPath::in_settings(set.event.key())?;
    let edit = Edit::Set { path, value, text: ValueText::new(&text)? };
    Ok(HookEdit { edit, warnings, marked })
}

/// A command that MicroSIP would run.
struct Checked {
    value: String,
    text: String,
    stable_in_all_dialects: bool,
    /// What deserves saying of the text.
    warnings: Vec<Diagnostic>,
    /// And of the program.
    remarks: Vec<TargetError>,
}

/// The form for a program and its arguments.
fn encoded(
    typed: &HookCommand,
    set: &SetHook,
    save_dialect: &SaveDialect,
    places: &TargetContext,
) -> Result<Checked, Error> {
    let (command, remarks) = target::resolve(typed, places, set.allow)?;
    refuse_secret_mask(&command.to_string(), set)?;
    if masks::expanded_masks(&command.program, set.event, save_dialect.version).next().is_some() {
        return Err(HookError::Program { path: command.program }.into());
    }
    let encoded = match command::encode(&command, save_dialect.dialect) {
        // a path without blanks has a form that lasts
        Err(HookError::Unstable { dialect }) => {
            let host = places.paths.to_host(&command.program);
            let Some(program) = host.and_then(|host| platform::short_path(&host)) else {
                return Err(HookError::Unstable { dialect }.into());
            };
            command::encode(&HookCommand { program, args: command.args }, save_dialect.dialect)?
        }
        encoded => encoded?,
    };
    let text = encoded.text(save_dialect.dialect);
    let decoded = command::decode(&wide(&text), set.event, save_dialect);
    let warnings = decoded.errors.iter().map(Diagnostic::from).collect();
    let stable_in_all_dialects = encoded.stable_in_all_dialects;
    Ok(Checked { value: encoded.value, text, stable_in_all_dialects, warnings, remarks })
}

/// A text that was given as it is to stand: refused if MicroSIP would not run it, or not for long.
fn checked(
    text: String,
    set: &SetHook,
    save_dialect: &SaveDialect,
    places: &TargetContext,
) -> Result<Checked, Error> {
    ValueText::new(&text)?;
    let decoded = command::decode(&wide(&text), set.event, save_dialect);
    refuse_secret_mask(&decoded.value, set)?;
    // of what is read of a longer one the end is missing
    let length = lookup::read_text(&wide(&text), lookup::NO_LIMIT).len();
    if length > command::WRITE_LIMIT {
        return Err(HookError::TooLong { length }.into());
    }
    let mut warnings = Vec::new();
    for fault in decoded.errors {
        if fault.is_fatal() {
            return Err(fault.into());
        }
        warnings.push(Diagnostic::from(&fault));
    }
    let command = HookCommand { program: decoded.program.ok_or(HookError::Empty)?, args: decoded.args };
    let faults = target::check(&command, places).into_iter();
    let remarks = faults.map(|fault| fault.accept(set.allow)).collect::<Result<_, _>>()?;
    let is_same_when_saved_bare = command::read(&wide(&decoded.value)) == wide(&decoded.value);
    let stable_in_all_dialects = save_dialect.dialect != Dialect::WholeValue && is_same_when_saved_bare;
    Ok(Checked { value: decoded.value, text, stable_in_all_dialects, warnings, remarks })
}

/// What was allowed is said without advising to allow it.
fn remark_on(fault: TargetError) -> Diagnostic {
    let notice = Diagnostic::from(&fault);
    if fault.can_be_allowed() { Diagnostic { hint: None, ..notice } } else { notice }
}

/// A MicroSIP that does not know the mask yet may be updated: then nobody is asked.
fn refuse_secret_mask(text: &str, set: &SetHook) -> Result<(), HookError> {
    match masks::secret_mask(text, set.event, None) {
        Some(mask) if !set.allow.unsafe_target => Err(HookError::SecretMask { mask }),
        _ => Ok(()),
    }
}

pub(super) fn unsupported(event: Event, save_dialect: &SaveDialect) -> HookError {
    let version = match save_dialect.version {
        Some(version) => version.to_string(),
        None => save_dialect.dialect.to_string(),
    };
    HookError::EventUnsupported { event, version }
}

/// Where the programs of an ini's hooks are looked for.
pub(super) fn places_of(ini: &Ini, env: &Env) -> TargetContext {
    const USUAL_ENDINGS: &str = ".COM;.EXE;.BAT;.CMD";
    let endings = env.program_extensions.as_deref().unwrap_or(USUAL_ENDINGS);
    TargetContext {
        paths: platform::windows_paths(&ini.target),
        ini: ini.target.clone(),
        search_folders: platform::search_folders(env),
        extensions: endings.split(';').filter(|ending| ending.starts_with('.')).map(str::to_string).collect(),
        trust: Trust::new(
            platform::privileges(),
            platform::access_of(&ini.target).map(|access| access.owner),
        ),
        probe: FileProbe::SYSTEM,
    }
}

/// The remark that a mark of the web was taken off, or would be.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} was marked as come from the internet; {}",
    .path.display(),
    if *.is_dry_run { "without --dry-run the mark would be taken off" } else { "the mark was taken off" }
)]
struct MarkWarning {
    path: PathBuf,
    is_dry_run: bool,
}

impl ToDiagnostic for MarkWarning {
    fn code(&self) -> Code {
        Code::HookTargetUnblocked
    }
}

/// The warning that an older MicroSIP would not keep this command.
#[derive(Debug, thiserror::Error)]
#[error(
    "the version of MicroSIP is not known for sure; one of 3.19 to 3.21.4 would lose the quotes of this command"
)]
pub(super) struct DialectWarning {
    pub dialect: Dialect,
}

impl ToDiagnostic for DialectWarning {
    fn code(&self) -> Code {
        Code::DialectUncertain
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "{} was taken; one start of a new MicroSIP notes its version, and 'set-hook --microsip-version' names it",
            self.dialect
        ))
    }
}

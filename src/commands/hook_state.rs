//! What is set in an ini: the value of each event, what MicroSIP would run, and whether that would work.

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::action::{Action, Actions};
use crate::hook::command::{self, Decoded, HookCommand, HookError, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::runner::RunnerCall;
use crate::hook::target::{self, FileProbe, Redirection, TargetContext, TargetError};
use crate::hook::trust::Trust;
use crate::ini::Wide;
use crate::ini::document::{IniDocument, Line};
use crate::ini::lookup;
use crate::microsip::locate;
use crate::microsip::version::Version;
use crate::platform::{self, Env, FileSystemExt, SystemFs};

use super::ini::Ini;

/// The hook of an event.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The event.
    pub event: Event,
    /// The value as MicroSIP reads it; `None` if the key is missing.
    pub value: Option<String>,
    /// The program, and the arguments that it receives before the caller's text.
    pub command: Option<HookCommand>,
    /// Whether the program is the runner, which lets msipcfg carry out actions.
    pub is_runner: bool,
    /// The actions of the event.
    pub actions: Vec<Action>,
    /// Whether MicroSIP could start it; `None` if nothing is set, or if it can't be checked here.
    pub works: Option<bool>,
    /// Errors and warnings about it.
    pub problems: Vec<Diagnostic>,
}

/// Returns the hook of every event in the text of an ini with these actions.
pub fn all(ini: &Ini, document: &IniDocument, actions: &Actions, env: &Env) -> Vec<Hook> {
    let save_dialect = save_dialect(None, ini, document, env);
    let targets = target_context(ini, env);
    let hook = |event: &Event| Hook {
        actions: actions.of(*event).to_vec(),
        ..hook_of(*event, document, &save_dialect, &targets)
    };
    Event::ALL.iter().map(hook).collect()
}

/// Returns how the MicroSIP of an ini reads and saves it: of the named version, else of the installed one.
pub fn save_dialect(named: Option<Version>, ini: &Ini, document: &IniDocument, env: &Env) -> SaveDialect {
    let exe = named.is_none().then(|| locate::version_of_user(ini.file.shown(), env)).flatten();
    SaveDialect::determine(named, exe, Some(document))
}

/// Returns the line of an event's key in the first `[Settings]`, and the text after its `=`.
pub fn text_of(event: Event, document: &IniDocument) -> Option<(Line, Wide)> {
    let section = lookup::section(document, "Settings")?;
    let key = lookup::key_lines(document, &section, event.key()).next()?;
    let text = document.units(key.value?).to_wide();
    Some((key.line, text))
}

/// What MicroSIP would do with the text of a command.
pub struct Examined {
    /// The text, decoded.
    pub decoded: Decoded,
    /// Errors and warnings about the program, if the text clearly names one.
    pub target_errors: Vec<TargetError>,
    /// Set if this MicroSIP doesn't know the event.
    pub unsupported: Option<HookError>,
}

impl Examined {
    /// Examines a text and the program that it names.
    pub fn of(text: &[u16], event: Event, save_dialect: &SaveDialect, targets: &TargetContext) -> Examined {
        let decoded = command::decode(text, event, save_dialect);
        let is_clear = !decoded.errors.iter().any(HookTextError::is_fatal);
        // An error in the text explains more than a first word that isn't a program.
        let command = decoded.command().filter(|_| is_clear);
        let target_errors = command.map(|command| target::check(&command, targets)).unwrap_or_default();
        let is_unsupported = decoded.program.is_some() && !save_dialect.supports(event);
        Examined {
            target_errors,
            unsupported: is_unsupported.then(|| unsupported(event, save_dialect)),
            decoded,
        }
    }

    /// Returns whether MicroSIP would start the program.
    pub fn works(&self) -> bool {
        !self.decoded.errors.iter().any(HookTextError::is_fatal)
            && !self.target_errors.iter().any(TargetError::is_fatal)
            && self.unsupported.is_none()
    }
}

/// Returns the hook of one event, without its actions.
pub fn hook_of(
    event: Event,
    document: &IniDocument,
    save_dialect: &SaveDialect,
    targets: &TargetContext,
) -> Hook {
    let Some((_, text)) = text_of(event, document) else {
        return Hook {
            event,
            value: None,
            command: None,
            is_runner: false,
            actions: Vec::new(),
            works: None,
            problems: Vec::new(),
        };
    };
    let examined = Examined::of(&text, event, save_dialect, targets);
    let works = examined.works();
    let Examined { decoded, target_errors, unsupported } = examined;
    let mut problems: Vec<Diagnostic> = decoded.errors.iter().map(Diagnostic::from).collect();
    problems.extend(target_errors.iter().map(Diagnostic::from));
    problems.extend(unsupported.iter().map(Diagnostic::from));
    let is_unchecked = works && problems.iter().any(|problem| problem.code == Code::HookTargetUnchecked);
    let is_known = !decoded.value.is_empty() && !is_unchecked;
    let command = decoded.command();
    Hook {
        event,
        is_runner: command.as_ref().and_then(RunnerCall::of).is_some(),
        actions: Vec::new(),
        command,
        value: Some(decoded.value),
        works: is_known.then_some(works),
        problems,
    }
}

/// Returns the error that this MicroSIP doesn't know an event.
pub fn unsupported(event: Event, save_dialect: &SaveDialect) -> HookError {
    let version = match save_dialect.version {
        Some(version) => version.to_string(),
        None => save_dialect.dialect.to_string(),
    };
    HookError::EventUnsupported { event, version }
}

/// Returns where the programs of an ini's hooks are looked for.
pub fn target_context(ini: &Ini, env: &Env) -> TargetContext {
    let paths = platform::windows_paths(ini.file.shown());
    let has_file = |path: &str| paths.to_host(path).is_some_and(|host| SystemFs.is_file(&host));
    let is_32_bit = locate::exe_of(ini.file.shown(), env).and_then(|exe| platform::is_32_bit_exe(&exe));
    TargetContext {
        redirection: Redirection::of(is_32_bit, &platform::windows_folder(env), has_file),
        paths,
        ini: ini.file.shown().to_path_buf(),
        search_folders: platform::search_folders(env),
        extensions: env.program_endings(),
        trust: Trust::new(
            platform::privileges(),
            platform::access_of(ini.file.shown()).map(|access| access.owner),
        ),
        probe: FileProbe::SYSTEM,
    }
}

//! Works out the edit that sets a hook.

use std::path::PathBuf;

use crate::diagnostic::{Code, Diagnostic};
use crate::edit::plan::{self, Edit};
use crate::hook::command::{self, HookCommand, HookError, HookTextError};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks;
use crate::hook::target::{self, Allow, StartedAs, TargetContext, TargetError};
use crate::ini::encoding::Decoded;
use crate::ini::lookup;
use crate::ini::name::{KeyPath, ValueText};
use crate::ini::wide;
use crate::microsip::version::{Dialect, Version};
use crate::platform::{self, Env};
use crate::request::{HookText, SetHook};

use super::error::Error;
use super::hook_state::{save_dialect, target_context, text_of, unsupported};
use super::ini::Ini;

/// The edit that sets a hook.
pub struct HookEdit {
    /// The edit.
    pub edit: Edit,
    /// Warnings about the command and its program.
    pub warnings: Vec<Diagnostic>,
    /// The files to unblock: they have the "downloaded from the internet" mark.
    pub marked: Vec<PathBuf>,
}

/// Returns how MicroSIP will save an ini in which these hooks have been set and the other edits made. The lines of
/// these events say nothing about it, because they won't be empty. So the hooks work in what 'hooks' will find later.
///
/// # Errors
/// No ini has such a key.
pub fn dialect_after(
    version: Option<Version>,
    events: impl IntoIterator<Item = Event>,
    others: &[Edit],
    ini: &Ini,
    decoded: &Decoded,
    env: &Env,
) -> Result<SaveDialect, Error> {
    let mut edits = others.to_vec();
    for event in events {
        if text_of(event, &decoded.document).is_some_and(|(_, text)| command::read(&text).is_empty()) {
            let text = "-".to_string();
            let path = KeyPath::in_settings(event.key())?;
            edits.push(Edit::Set { path, text: ValueText::new(&text)?, value: text });
        }
    }
    if edits.is_empty() {
        return Ok(save_dialect(version, ini, &decoded.document, env));
    }
    Ok(save_dialect(version, ini, &plan::make(decoded, &edits).document, env))
}

/// Works out the edit that sets a hook in an ini that is saved in this way.
///
/// # Errors
/// MicroSIP would not run the command, or the program was refused.
pub fn edit_for(set: &SetHook, save_dialect: &SaveDialect, ini: &Ini, env: &Env) -> Result<HookEdit, Error> {
    if !save_dialect.supports(set.event) {
        return Err(unsupported(set.event, save_dialect).into());
    }
    let targets = target_context(ini, env);
    let Checked { value, text, stable_in_all_dialects, mut warnings, target_warnings } = match &set.what {
        HookText::Command(typed) => {
            let is_batch_file = StartedAs::of(&typed.program, &targets) == StartedAs::BatchFile;
            let unsafe_target = set.allow.unsafe_target || set.direct && is_batch_file;
            let set = SetHook { allow: Allow { unsafe_target, ..set.allow }, ..set.clone() };
            encoded(typed, &set, save_dialect, &targets)?
        }
        // the runner is set instead
        HookText::Action(_) => return Err(HookError::Empty.into()),
        HookText::Raw(text) => checked(text.clone(), set, save_dialect, &targets)?,
        HookText::Value(value) => {
            checked(command::save(value, save_dialect.dialect), set, save_dialect, &targets)?
        }
    };
    if !save_dialect.certain && !stable_in_all_dialects {
        warnings.push(dialect_warning(save_dialect.dialect));
    }
    let (target_warnings, marked) = warnings_and_marked(target_warnings, set.allow, &targets)?;
    warnings.extend(target_warnings);
    let path = KeyPath::in_settings(set.event.key())?;
    let edit = Edit::Set { path, value, text: ValueText::new(&text)? };
    Ok(HookEdit { edit, warnings, marked })
}

/// A command that MicroSIP would run.
struct Checked {
    value: String,
    text: String,
    stable_in_all_dialects: bool,
    /// Warnings about the text.
    warnings: Vec<Diagnostic>,
    /// Warnings about the program.
    target_warnings: Vec<TargetError>,
}

/// Encodes a program and its arguments.
fn encoded(
    typed: &HookCommand,
    set: &SetHook,
    save_dialect: &SaveDialect,
    targets: &TargetContext,
) -> Result<Checked, Error> {
    // A program that is named like a command of cmd.exe can exist.
    if let Some(error) = command::refused_program(&typed.program)
        && targets.find_by_name(&typed.program).is_none()
    {
        return Err(error.into());
    }
    let (command, target_warnings) = target::resolve(typed, targets, set.allow)?;
    refuse_secret_mask(&command.to_string(), set)?;
    if masks::expanded_masks(&command.program, set.event, save_dialect.version).next().is_some() {
        return Err(HookError::Program { path: command.program }.into());
    }
    let encoded = match command::encode(&command, save_dialect.dialect) {
        // A path without spaces has a stable form.
        Err(HookError::Unstable { dialect }) => {
            let host = targets.to_host(&command.program);
            let Some(program) = host.and_then(|host| platform::short_path(&host)) else {
                return Err(HookError::Unstable { dialect }.into());
            };
            command::encode(&HookCommand { program, args: command.args }, save_dialect.dialect)?
        }
        encoded => encoded?,
    };
    let text = encoded.text(save_dialect.dialect);
    let decoded = command::decode(&wide(&text), set.event, save_dialect);
    let warnings = warnings_about_text(decoded.errors, HookTextError::is_fatal)?;
    let stable_in_all_dialects = encoded.stable_in_all_dialects;
    Ok(Checked { value: encoded.value, text, stable_in_all_dialects, warnings, target_warnings })
}

/// Checks a text that is used verbatim: refuses it if MicroSIP would not run it, or would change it.
fn checked(
    text: String,
    set: &SetHook,
    save_dialect: &SaveDialect,
    targets: &TargetContext,
) -> Result<Checked, Error> {
    ValueText::new(&text)?;
    let decoded = command::decode(&wide(&text), set.event, save_dialect);
    refuse_secret_mask(&decoded.value, set)?;
    // A longer text is cut when it is read.
    let length = lookup::read_text(&wide(&text), lookup::NO_LIMIT).len();
    if length > command::WRITE_LIMIT {
        return Err(HookError::TooLong { length }.into());
    }
    let is_refused = match set.what {
        HookText::Raw(_) => |error: &HookTextError| !error.is_accepted_verbatim(),
        _ => HookTextError::is_fatal,
    };
    let warnings = warnings_about_text(decoded.errors, is_refused)?;
    let command = HookCommand { program: decoded.program.ok_or(HookError::Empty)?, args: decoded.args };
    let errors = target::check(&command, targets).into_iter();
    let target_warnings = errors.map(|error| error.accept(set.allow)).collect::<Result<_, _>>()?;
    let is_same_when_saved_bare = command::read(&wide(&decoded.value)) == wide(&decoded.value);
    let stable_in_all_dialects = save_dialect.dialect != Dialect::WholeValue && is_same_when_saved_bare;
    Ok(Checked { value: decoded.value, text, stable_in_all_dialects, warnings, target_warnings })
}

/// Returns the warnings about a text, or the first error that is refused. So no hook is set that 'hooks' reports as
/// failing.
pub fn warnings_about_text(
    errors: Vec<HookTextError>,
    is_refused: fn(&HookTextError) -> bool,
) -> Result<Vec<Diagnostic>, HookTextError> {
    let warning =
        |error: HookTextError| if is_refused(&error) { Err(error) } else { Ok(Diagnostic::from(&error)) };
    errors.into_iter().map(warning).collect()
}

/// Returns the warnings about a program, and the files whose "downloaded from the internet" mark is to be removed.
///
/// # Errors
/// A mark can't be removed.
pub fn warnings_and_marked(
    errors: Vec<TargetError>,
    allow: Allow,
    targets: &TargetContext,
) -> Result<(Vec<Diagnostic>, Vec<PathBuf>), TargetError> {
    let (mut warnings, mut marked) = (Vec::new(), Vec::new());
    for error in errors {
        match (&error, allow.mark) {
            (TargetError::Blocked { path, .. }, true) => {
                let file = targets.to_host(path).unwrap_or_else(|| path.into());
                // Nobody should wait for an edit whose other half fails.
                (targets.probe.can_remove_mark)(&file).map_err(|error| TargetError::StaysBlocked {
                    path: path.clone(),
                    why: error.to_string(),
                })?;
                marked.push(file);
            }
            _ => warnings.push(warning_about(error)),
        }
    }
    Ok((warnings, marked))
}

/// Returns the warning about something that was allowed, without the advice to allow it.
fn warning_about(error: TargetError) -> Diagnostic {
    let diagnostic = Diagnostic::from(&error);
    if error.can_be_allowed() { Diagnostic { hint: None, ..diagnostic } } else { diagnostic }
}

/// Refuses a mask that stands for a password, whatever the version: MicroSIP may be updated later.
fn refuse_secret_mask(text: &str, set: &SetHook) -> Result<(), HookError> {
    match masks::secret_mask(text, set.event, None) {
        Some(mask) if !set.allow.unsafe_target => Err(HookError::SecretMask { mask }),
        _ => Ok(()),
    }
}

/// Returns the warning that an older MicroSIP would not keep this command; this dialect was assumed.
pub fn dialect_warning(dialect: Dialect) -> Diagnostic {
    let message =
        "MicroSIP's version isn't certain; versions 3.19 to 3.21.4 would remove the quotes of this command";
    Diagnostic::new(Code::DialectUncertain, message).with_hint(format!(
        "assumed {dialect}; start MicroSIP once so that it saves its version, or use 'set-hook --microsip-version'"
    ))
}

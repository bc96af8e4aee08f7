//! The program of a hook: whether MicroSIP could start it, and which risks its location has.
//!
//! MicroSIP starts hooks with ShellExecuteEx, hidden and without an error message if that fails, so msipcfg reports
//! every problem that it can find in advance.

mod error;
mod interpreters;
mod path;
mod probe;
mod redirection;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::platform::{self, DriveKind, ProgramProbe, WindowsPaths};

use super::command::HookCommand;
use super::shell;
use super::trust::{self, WeakSpot};

pub use error::{Allow, Role, TargetError};
pub use interpreters::Interpreter;
pub use path::{defect_of_parts, is_full};
pub use probe::{FileProbe, TargetContext};
pub use redirection::Redirection;

use interpreters::script_of;
use path::{defect, extension, is_name, is_temporary, other_user};
use probe::nearest_in_folder;

/// Returns the command to run for what the user typed: with full paths and backslashes, and scripts with their
/// interpreter. The errors that it also returns count as warnings.
///
/// # Errors
/// With the first error that `allow` doesn't accept.
pub fn resolve(
    typed: &HookCommand,
    context: &TargetContext,
    allow: Allow,
) -> Result<(HookCommand, Vec<TargetError>), TargetError> {
    let path = full_path(&typed.program, context)?;
    let interpreter = Interpreter::of(&path);
    let role = if interpreter.is_some() { Role::Script } else { Role::Program };
    let mut errors = check_path(&path, role, context);
    if shell::runs_caller_text(&path, &typed.args) {
        errors.push(TargetError::Shell { path: path.clone() });
    }
    let command = if let Some(interpreter) = interpreter {
        let script = HookCommand { program: path, args: typed.args.clone() };
        with_interpreter(script, &interpreter, context, &mut errors)
    } else {
        if let Some(script) = script_of(&path, &typed.args) {
            errors.extend(check_path(script, Role::Script, context));
        }
        Ok(HookCommand { program: path, args: typed.args.clone() })
    };
    let mut warnings: Vec<TargetError> =
        errors.into_iter().map(|error| error.accept(allow)).collect::<Result<_, _>>()?;
    let command = command?;
    warnings.extend(read_options(&command));
    Ok((command, warnings))
}

/// Returns the full path of a program or script that an action runs. A batch file is fine: msipcfg doesn't run it with
/// a text that could be a command.
///
/// # Errors
/// With the first error that `allow` doesn't accept.
pub fn resolve_for_action(
    typed: &str,
    context: &TargetContext,
    allow: Allow,
) -> Result<(String, Vec<TargetError>), TargetError> {
    let path = full_path(typed, context)?;
    let interpreter = Interpreter::of(&path);
    let role = if interpreter.is_some() { Role::Script } else { Role::Program };
    let mut errors = check_path(&path, role, context);
    errors.retain(|error| !matches!(error, TargetError::Batch { .. }));
    if let Some(interpreter) = interpreter {
        let script = HookCommand { program: path.clone(), args: Vec::new() };
        if let Err(missing) = with_interpreter(script, &interpreter, context, &mut errors) {
            errors.push(missing);
        }
    }
    let warnings = errors.into_iter().map(|error| error.accept(allow)).collect::<Result<_, _>>()?;
    Ok((path, warnings))
}

/// How Windows starts a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartedAs {
    /// By itself, if it's a program at all.
    Program,
    /// By an interpreter, which gets the file as an argument.
    Script,
    /// By cmd.exe, which can take arguments for commands.
    BatchFile,
}

impl StartedAs {
    /// Returns how the file is started that the user typed.
    pub fn of(typed: &str, context: &TargetContext) -> StartedAs {
        let path = full_path(typed, context).unwrap_or_else(|_| typed.to_string());
        match extension(&path).as_str() {
            "bat" | "cmd" => StartedAs::BatchFile,
            _ if Interpreter::of(&path).is_some() => StartedAs::Script,
            _ => StartedAs::Program,
        }
    }
}

/// Returns the command that the user meant, and its path, if a path was split at its spaces because it wasn't quoted. A
/// file with the joined path proves that. For the program, it's enough that only the joined path can be one.
pub fn rejoined(typed: &HookCommand, context: &TargetContext) -> Option<(HookCommand, String)> {
    let parts: Vec<String> = std::iter::once(&typed.program).chain(&typed.args).cloned().collect();
    let is_file = |path: &str| context.exists(&path.replace('/', "\\"));
    let is_program = |path: &str| {
        let path = path.replace('/', "\\");
        let is_possible = defect(&path).is_none();
        is_possible && !matches!(check_kind(&path, true), Some(TargetError::NotProgram { .. }))
    };
    let is_piece = |part: &String| !part.starts_with(['-', '/']);
    let starts =
        (0..parts.len()).filter(|&at| is_full(&parts[at].replace('/', "\\")) && !is_file(&parts[at]));
    for start in starts {
        let paths = (start + 2..=parts.len()).map(|end| (parts[start..end].join(" "), end));
        let proven = paths.clone().find(|(path, _)| is_file(path));
        let found = proven.or_else(|| {
            let mut pieces = paths.take_while(|(_, end)| is_piece(&parts[end - 1]));
            let can_be_split = start == 0 && !is_program(&typed.program);
            pieces.find(|(path, _)| can_be_split && is_program(path))
        });
        if let Some((path, end)) = found {
            let before = parts[..start].iter().cloned();
            let mut parts = before.chain([path.clone()]).chain(parts[end..].iter().cloned());
            let program = parts.next()?;
            return Some((HookCommand { program, args: parts.collect() }, path));
        }
    }
    None
}

/// Returns the command that runs a script with its interpreter.
fn with_interpreter(
    script: HookCommand,
    interpreter: &Interpreter,
    context: &TargetContext,
    errors: &mut Vec<TargetError>,
) -> Result<HookCommand, TargetError> {
    let missing =
        TargetError::InterpreterMissing { path: script.program.clone(), interpreter: interpreter.names[0] };
    let Some(program) = interpreter.path(context) else { return Err(missing) };
    if context.exists(&program) {
        if let Some(host) = context.to_host(&program) {
            errors.extend(check_origin(&program, &host, Role::Program, context));
        }
    } else if context.paths != WindowsPaths::Unknown {
        errors.push(missing);
    }
    let leading = interpreter.leading_args.iter().map(ToString::to_string);
    let args = leading.chain([script.program]).chain(script.args).collect();
    Ok(HookCommand { program, args })
}

/// Returns a warning if the program reads options from the caller's text.
fn read_options(command: &HookCommand) -> Option<TargetError> {
    let options = shell::caller_options(&command.program, &command.args)?;
    Some(TargetError::CallerOptions { path: command.program.clone(), options })
}

/// Returns what is wrong with the program of a hook that is set, and with the script that it runs.
pub fn check(command: &HookCommand, context: &TargetContext) -> Vec<TargetError> {
    let program = command.program.replace('/', "\\");
    let mut errors = check_program(&program, context);
    if shell::runs_caller_text(&program, &command.args) {
        errors.push(TargetError::Shell { path: program.clone() });
    }
    errors.extend(read_options(command));
    if extension(&program) == "ps1" {
        errors.push(TargetError::NotProgram { path: program.clone(), why: "Windows opens it in an editor" });
    }
    if let Some(script) = script_of(&program, &command.args) {
        let missing = errors.iter_mut().find(|error| matches!(error, TargetError::Missing { .. }));
        let interpreter = Interpreter::of(script).and_then(|interpreter| interpreter.name_of(&program));
        if let (Some(error), Some(interpreter)) = (missing, interpreter) {
            *error = TargetError::InterpreterMissing { path: script.clone(), interpreter };
        }
        errors.extend(check_path(script, Role::Script, context));
    }
    errors
}

fn check_program(program: &str, context: &TargetContext) -> Vec<TargetError> {
    if !is_name(program) {
        return check_path(program, Role::Program, context);
    }
    match context.find_by_name(program) {
        Some(path) => {
            let mut errors = check_path(&path, Role::Program, context);
            errors.push(TargetError::FoundByName { typed: program.to_string(), path: Some(path) });
            errors
        }
        // the PATH of another Windows isn't known
        None if context.paths != WindowsPaths::Native => vec![
            TargetError::FoundByName { typed: program.to_string(), path: None },
            TargetError::Unchecked { path: program.to_string() },
        ],
        None => match context.find_sysnative(program) {
            Some(sysnative) => vec![TargetError::Only64Bit { path: program.to_string(), sysnative }],
            None => vec![TargetError::Missing { path: program.to_string(), nearest: None }],
        },
    }
}

/// Returns the full path of what the user typed, with backslashes. A name without a path is looked up.
fn full_path(typed: &str, context: &TargetContext) -> Result<String, TargetError> {
    const USE_FULL_PATH: &str = "use the full path, such as C:\\hooks\\ring.exe";
    let path = typed.replace('/', "\\");
    if is_full(&path) {
        return Ok(path);
    }
    let advice = if typed.starts_with('/') {
        format!("use the path that MicroSIP sees in Wine, such as Z:{path}")
    } else if !is_name(&path) {
        USE_FULL_PATH.into()
    } else if let Some(found) = context.find_by_name(&path).or_else(|| context.find_sysnative(&path)) {
        return Ok(found);
    } else if context.paths == WindowsPaths::Unknown {
        format!("it can't be looked up by name from this computer; {USE_FULL_PATH}")
    } else {
        format!("no program of this name is in {}; {USE_FULL_PATH}", context.search_folders.join(", "))
    };
    Err(TargetError::Relative { typed: typed.to_string(), advice })
}

/// Returns what is wrong with a file of a hook.
fn check_path(path: &str, role: Role, context: &TargetContext) -> Vec<TargetError> {
    let owned = || path.to_string();
    if !is_full(path) {
        return vec![TargetError::Relative {
            typed: owned(),
            advice: "set it again with its full path".into(),
        }];
    }
    if let Some(why) = defect(path) {
        return vec![TargetError::BadPath { path: owned(), why }];
    }
    let mut errors = Vec::new();
    let mut origin = Vec::new();
    let mut is_image = true;
    match context.to_host(path).map(|host| (platform::probe_program(&host), host)) {
        None => errors.push(TargetError::Unchecked { path: owned() }),
        Some((ProgramProbe::Missing, host)) => errors.push(match context.sysnative_of(path) {
            Some(sysnative) => TargetError::Only64Bit { path: owned(), sysnative },
            None => TargetError::Missing { path: owned(), nearest: nearest_in_folder(path, &host) },
        }),
        Some((ProgramProbe::Folder, _)) => return vec![TargetError::Folder { path: owned() }],
        Some((ProgramProbe::Unreadable(why), _)) => {
            return vec![TargetError::Unreadable { path: owned(), why }];
        }
        Some((ProgramProbe::File { length: 0, .. }, _)) => return vec![TargetError::Empty { path: owned() }],
        Some((ProgramProbe::File { is_executable_image, .. }, host)) => {
            is_image = is_executable_image;
            origin = check_origin(path, &host, role, context);
        }
    }
    errors.extend(check_kind(path, is_image));
    if platform::drive_kind(path) == DriveKind::Network {
        errors.push(TargetError::Network { path: owned() });
    }
    if let Some(user) = other_user(path, &context.ini) {
        errors.push(TargetError::OtherUser { path: owned(), user });
    }
    if is_temporary(path) {
        errors.push(TargetError::Temporary { path: owned() });
    }
    errors.extend(origin);
    errors
}

/// Returns an error if a file of this kind isn't a program, or isn't a safe one.
fn check_kind(path: &str, is_image: bool) -> Option<TargetError> {
    let not_program = |why| Some(TargetError::NotProgram { path: path.to_string(), why });
    match extension(path).as_str() {
        "exe" if !is_image => not_program("its content isn't that of an .exe file"),
        "exe" | "com" => None,
        "bat" | "cmd" => Some(TargetError::Batch { path: path.to_string() }),
        _ if Interpreter::of(path).is_some() => None,
        "" => not_program("it has no extension such as .exe"),
        _ => not_program("Windows would open it in another app"),
    }
}

/// Returns what is wrong with where an existing file came from and with who could replace it.
fn check_origin(path: &str, host: &Path, role: Role, context: &TargetContext) -> Vec<TargetError> {
    let mut errors = Vec::new();
    if (context.probe.mark_of)(host).is_some_and(|mark| trust::is_from_internet(&mark)) {
        errors.push(TargetError::Blocked { path: path.to_string(), role });
    }
    let weak_spot = trust::weak_spot(host, &context.trust, context.probe.access_of);
    if let Some(WeakSpot { path: place, who, fix }) = weak_spot {
        errors.push(TargetError::Writable {
            path: path.to_string(),
            place: place.display().to_string(),
            who: platform::account_name(&who).unwrap_or(who.0),
            fix,
            is_strict: context.trust.is_strict,
        });
    }
    errors
}

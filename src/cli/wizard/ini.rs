//! Chooses the ini that the wizard works on.

use std::path::PathBuf;

use super::dialog::{Dialog, Exit};
use super::path_completion;
use super::texts;
use crate::cli::prompt::{self, Prefill, TabCompletion};
use crate::commands::Error;
use crate::diagnostic::ExitStatus;
use crate::microsip::locate::{self, LocateError};
use crate::platform::{FileSystemExt, SystemFs};
use crate::request::IniChoice;

const INI_NAME: &str = "MicroSIP.ini";

/// The ini that the wizard works on.
pub struct ChosenIni {
    /// For requests.
    pub choice: IniChoice,
    /// Its path.
    pub path: PathBuf,
    /// Whether it doesn't exist yet.
    pub create: bool,
    /// Whether a command has to name it with `--ini`.
    pub needs_option: bool,
}

/// Finds the ini. Asks which one if there are several, and where it is or should be if there is none.
pub fn choose(dialog: &Dialog<'_>, mut choice: IniChoice) -> Result<ChosenIni, Exit> {
    let mut needs_option = choice.path.is_some();
    let chosen = |choice: IniChoice, path: PathBuf, create, needs_option| {
        let choice = IniChoice { path: Some(path.clone()), ..choice };
        ChosenIni { choice, path, create, needs_option }
    };
    loop {
        let error = match dialog.hooks(&choice).0 {
            Ok(hooks) => return Ok(chosen(choice, hooks.ini, false, needs_option)),
            Err(error) => error,
        };
        let previous = match error {
            Error::Locate(LocateError::Several { found }) => {
                needs_option = true;
                let path = prompt::which_ini(dialog.theme, &found)?;
                choice.path = Some(path.ok_or(Exit::With(ExitStatus::Done))?);
                continue;
            }
            Error::Locate(error) => {
                dialog.say(&texts::sentence(&error.to_string()));
                if let Ok(path) = locate::place_to_create(&dialog.session.env)
                    && dialog.confirm("MicroSIP would create it on its first run. Create it now?")?
                {
                    return Ok(chosen(choice, path, true, needs_option));
                }
                PathBuf::new()
            }
            Error::NotThere { ini: path } => {
                dialog.say(&format!("{} doesn't exist.\n", path.display()));
                if dialog.confirm("Create it?")? {
                    return Ok(chosen(choice, path, true, needs_option));
                }
                path
            }
            error => {
                let status = dialog.print_error(&error);
                choice.path.take().ok_or(Exit::With(status))?
            }
        };
        needs_option = true;
        choice.path = Some(ask_for_path(dialog, &previous.to_string_lossy())?);
    }
}

/// Asks where the ini is or should be. If the answer is a folder, returns the usual name in it.
fn ask_for_path(dialog: &Dialog<'_>, previous: &str) -> Result<PathBuf, Exit> {
    dialog.say("Where is MicroSIP.ini? A portable MicroSIP keeps it next to MicroSIP.exe.\n");
    let current_folder = dialog.session.env.current_folder.as_deref();
    let candidates = |typed: &str| path_completion::for_host(typed, current_folder);
    let prefill = Prefill { previous, ..Prefill::default() };
    let completion = TabCompletion::new(&candidates);
    let typed =
        prompt::line(dialog.theme, "Path (Tab completes, empty to quit)", prefill, Some(&completion))?;
    if typed.is_empty() {
        return Err(Exit::With(ExitStatus::Done));
    }
    let path = PathBuf::from(typed.trim_matches('"'));
    Ok(if SystemFs.is_dir(&path) { path.join(INI_NAME) } else { path })
}

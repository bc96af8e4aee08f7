//! Chooses the ini that the wizard works on.

use std::path::PathBuf;

use super::dialog::{Dialog, Exit};
use super::path_completion;
use super::texts;
use crate::cli::{line, prompt};
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
    choice.path = choice.path.map(in_folder);
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
                match ask_what_to_do(dialog)? {
                    NotFound::SearchAgain => continue,
                    NotFound::Create(path) => return Ok(chosen(choice, path, true, needs_option)),
                    NotFound::Name => PathBuf::new(),
                }
            }
            Error::NotThere { ini: path } => {
                dialog.say(&format!(
                    "{} doesn't exist. Only the file that MicroSIP uses has an effect.\n",
                    path.display()
                ));
                if prompt::confirm(dialog.theme, "Create it?", false)? {
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
        // without an answer, it is searched for again
        choice.path = ask_for_path(dialog, &previous.to_string_lossy())?;
    }
}

/// What to do if no ini was found.
enum NotFound {
    Name,
    SearchAgain,
    Create(PathBuf),
}

/// Explains how to find the ini, and asks what to do.
fn ask_what_to_do(dialog: &Dialog<'_>) -> Result<NotFound, Exit> {
    dialog.say(texts::HOW_TO_FIND_THE_INI);
    let mut answers = vec![("Type where it is", NotFound::Name), ("Search again", NotFound::SearchAgain)];
    if let Ok(path) = locate::place_to_create(&dialog.session.env) {
        answers.push(("Create it now, as MicroSIP would on its first run", NotFound::Create(path)));
    }
    let labels: Vec<&str> = answers.iter().map(|(label, _)| *label).chain(["Quit"]).collect();
    let chosen = dialog.select("What do you want to do?", &labels, 0)?;
    let answer = chosen.filter(|index| *index < answers.len()).map(|index| answers.swap_remove(index).1);
    answer.ok_or_else(|| {
        dialog.say("Nothing was changed.\n");
        Exit::With(ExitStatus::Done)
    })
}

/// Asks where the ini is or should be. Esc and an empty line
/// return `None`.
fn ask_for_path(dialog: &Dialog<'_>, previous: &str) -> Result<Option<PathBuf>, Exit> {
    let current_folder = dialog.session.env.current_folder.as_deref();
    let candidates = |typed: &str| path_completion::for_host(typed, current_folder);
    let prompt = "Path of MicroSIP.ini or of its folder (Tab completes)";
    let typed = line::ask(dialog.theme, prompt, previous, Some(&candidates))?;
    let path = typed.filter(|typed| !typed.is_empty()).map(|typed| PathBuf::from(typed.trim_matches('"')));
    Ok(path.map(in_folder))
}

/// Returns the path of the ini, for which its folder may have been given.
fn in_folder(path: PathBuf) -> PathBuf {
    if SystemFs.is_dir(&path) { path.join(INI_NAME) } else { path }
}

//! `apply`, `check` and `detect` for many users (`--all-users`, `--profiles`).

mod summary;
mod work;

use std::io;
use std::path::PathBuf;

use crate::commands::context::{Context, RunEvent};
use crate::commands::error::{CommandError, Error};
use crate::commands::passwords::new_salt;
use crate::desired::passwords::PasswordHasher;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::ini::encoding::CodePage;
use crate::microsip::instances::Processes;
use crate::microsip::profiles::{self, Profile};
use crate::page::Count;
use crate::platform;
use crate::request::{Many, Profiles};

use super::parallel::MemoryBudget;
use super::template::{Secrets, Template};
use work::Work;

pub use summary::Summary;

/// Why there are no users to work on.
#[derive(Debug, thiserror::Error)]
enum ProfilesError {
    #[error("--all-users works only on Windows")]
    NotWindows,
    #[error("no users' folders found{}", .folder.as_ref().map(|folder| format!(" in {}", folder.display())).unwrap_or_default())]
    None { folder: Option<PathBuf> },
    #[error("{folder} couldn't be listed: {source}")]
    Unreadable { folder: PathBuf, source: io::Error },
}

impl ToDiagnostic for ProfilesError {
    fn code(&self) -> Code {
        match self {
            ProfilesError::NotWindows => Code::Usage,
            ProfilesError::None { .. } => Code::ProfilesNone,
            ProfilesError::Unreadable { .. } => Code::FileRead,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            ProfilesError::NotWindows => "use --profiles DIR, where DIR contains the users' folders",
            ProfilesError::None { folder: Some(_) } => {
                "use a folder that contains a folder for each user, such as C:\\Users"
            }
            ProfilesError::None { folder: None } => {
                "use --profiles DIR, where DIR contains the users' folders"
            }
            ProfilesError::Unreadable { .. } => "check the path, and that you may list it",
        };
        Some(hint.into())
    }
}

impl CommandError for ProfilesError {}

/// Applies a desired state to the inis of many users, or compares them with it.
///
/// # Errors
/// The file is wrong for every user, or there are no users. What fails for one user is in the summary.
pub fn run(many: &Many, context: &mut Context<'_>) -> Result<Summary, Error> {
    let template = Template::load(&many.desired, context)?;
    let profiles = profiles_of(&many.profiles)?;
    let secrets = Secrets::new(context.secret);
    template.check_for(&profiles, &secrets)?;
    warn_of_others(many, &template, &profiles, context);
    let code_page = match many.profiles {
        Profiles::OfThisMachine => {
            many.code_page.or_else(|| CodePage::from_number(platform::ansi_code_page()?))
        }
        // These folders may be another computer's.
        Profiles::In(_) => many.code_page,
    };
    let hashes = PasswordHasher::new(&new_salt);
    let work = Work {
        budget: MemoryBudget::new(),
        template: &template,
        secrets: &secrets,
        hashes: &hashes,
        processes: Processes::default(),
        code_page,
        order: many.order,
    };
    Ok(work.on(profiles, context))
}

/// Warns of listed users without a folder, whose names may be misspelled. A table for all PCs lists more users than
/// this PC has, so this is only for a folder of profiles.
fn warn_of_others(many: &Many, template: &Template, profiles: &[Profile], context: &mut Context<'_>) {
    let others = template.listed_others(profiles);
    let is_this_machine = many.profiles == Profiles::OfThisMachine;
    if !others.is_empty() && !is_this_machine {
        const MAX_NAMES: usize = 5;
        let names = others[..others.len().min(MAX_NAMES)].join(", ");
        let count = Count(others.len(), "user");
        let message = format!("the table of users lists {count} without a folder: {names}");
        (context.report)(RunEvent::Warning(Diagnostic::new(Code::UserWithoutFolder, message)));
    }
}

fn profiles_of(profiles: &Profiles) -> Result<Vec<Profile>, Error> {
    let (found, folder) = match profiles {
        Profiles::OfThisMachine => (profiles::of_this_machine().ok_or(ProfilesError::NotWindows)?, None),
        Profiles::In(folder) => {
            // Reports show full paths.
            let path = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            let unreadable = |source| ProfilesError::Unreadable { folder: folder.clone(), source };
            (profiles::in_folder(&path).map_err(unreadable)?, Some(folder.clone()))
        }
    };
    if found.is_empty() { Err(ProfilesError::None { folder }.into()) } else { Ok(found) }
}

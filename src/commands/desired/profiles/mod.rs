//! `apply`, `check` and `detect` for many users (`--all-users`, `--profiles`).

pub mod summary;
pub mod walk;
mod work;

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::hook_actions::IniUser;
use crate::diagnostic::{Code, Diagnostic};
use crate::ini::encoding::CodePage;
use crate::microsip::instances::Processes;
use crate::microsip::profiles::{self, Profile};
use crate::platform;
use crate::request::{ManyUsers, ManyUsersAction, Profiles};

use super::template::{Secrets, Template};
use summary::Purpose;
use walk::{Waiting, Walk};
use work::Work;

pub use summary::Summary;

/// Applies a desired state to the inis of many users, or compares them with it.
///
/// # Errors
/// The file is wrong for every user, or there are no users. What fails for one user is in the summary.
pub fn run(many: &ManyUsers, context: &mut Context<'_>) -> Result<Summary, Error> {
    let template = Template::load(&many.desired, context)?;
    let profiles = profiles_of(&many.profiles)?;
    let secrets = Secrets::new(context.secret);
    let rows = template.rows_of(&profiles);
    template.check_for(&profiles, &rows, &secrets)?;
    let preflight = match many.action {
        ManyUsersAction::Check => template.preflight(&profiles),
        ManyUsersAction::Apply { .. } | ManyUsersAction::Detect(_) => Vec::new(),
    };
    let processes = Processes::default();
    let work = Work {
        template: &template,
        secrets: &secrets,
        rows: &rows,
        processes: &processes,
        code_page: code_page_of(&many.profiles, many.code_page),
        user: match many.profiles {
            Profiles::OfThisMachine => IniUser::OfThisComputer,
            Profiles::In(_) => IniUser::OfAnyComputer,
        },
        action: many.action,
    };
    let (purpose, waiting) = match many.action {
        ManyUsersAction::Apply { options, skip_running, .. } => {
            (Purpose::Apply, Some(Waiting { options, skip_running }))
        }
        ManyUsersAction::Check | ManyUsersAction::Detect(_) => (Purpose::Check, None),
    };
    let dry_run = waiting.is_some_and(|waiting| waiting.options.dry_run);
    let mut summary = Summary::new(purpose, dry_run, many.fail_on_skipped);
    summary.matched_nobody = rows.match_nobody();
    // A table for all PCs lists more users than this one has. In a folder of profiles, a name may be misspelled.
    let missing = if many.profiles == Profiles::OfThisMachine { &[] } else { &rows.without_folder[..] };
    let walk = Walk::new(&work, &processes, waiting);
    let mut summary = walk.on(profiles, missing, summary, context);
    summary.warn(preflight);
    Ok(summary)
}

/// Returns the code page of the users' 8-bit inis: the named one, else that of this computer if they are its users.
pub fn code_page_of(profiles: &Profiles, named: Option<CodePage>) -> Option<CodePage> {
    match profiles {
        Profiles::OfThisMachine => named.or_else(|| CodePage::from_number(platform::ansi_code_page()?)),
        // These folders may be another computer's.
        Profiles::In(_) => named,
    }
}

/// Returns the users, before anything is done in their folders.
///
/// # Errors
/// There are none, or they can't be listed.
pub fn profiles_of(profiles: &Profiles) -> Result<Vec<Profile>, Diagnostic> {
    if platform::privileges().is_elevated {
        platform::refuse_junctions_of_users();
    }
    let (found, place, hint) = match profiles {
        Profiles::OfThisMachine => {
            let found = profiles::of_this_machine().ok_or_else(|| {
                let message = "--all-users works only on Windows";
                Diagnostic::new(Code::Usage, message)
                    .with_hint("use --profiles DIR, where DIR contains the users' folders")
            })?;
            (found, String::new(), "use --profiles DIR, where DIR contains the users' folders")
        }
        Profiles::In(folder) => {
            // Reports show full paths.
            let path = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            let found = profiles::in_folder(&path).map_err(|error| {
                let message = format!("{} couldn't be listed: {error}", folder.display());
                Diagnostic::new(Code::FileRead, message).with_hint("check the path, and that you may list it")
            })?;
            let hint = "use a folder that contains a folder for each user, such as C:\\Users";
            (found, format!(" in {}", folder.display()), hint)
        }
    };
    if found.is_empty() {
        let message = format!("no users' folders found{place}");
        return Err(Diagnostic::new(Code::ProfilesNone, message).with_hint(hint));
    }
    Ok(found)
}

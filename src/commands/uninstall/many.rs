//! `uninstall` for many users (`--all-users`, `--profiles`): files only, because the registries of users who are logged
//! off aren't loaded.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::commands::context::Context;
use crate::commands::desired::profiles::summary::{Purpose, Skip, Summary, UserState};
use crate::commands::desired::profiles::walk::{UserWork, Waiting, Walk, ini_in, scoped_fs};
use crate::commands::desired::profiles::{code_page_of, profiles_of};
use crate::commands::error::Error;
use crate::ini::encoding::CodePage;
use crate::microsip::profiles::{Found, Profile, ProfileError};
use crate::request::UninstallMany;

use super::data::Data;
use super::ini::Cleaning;
use super::removal::Removal;

/// Removes what msipcfg made for each user.
///
/// # Errors
/// There are no users. What fails for one user is in the summary.
pub fn run(
    many: &UninstallMany,
    cleaning: Cleaning<'_>,
    context: &mut Context<'_>,
) -> Result<Summary, Error> {
    let options = cleaning.options;
    let profiles = profiles_of(&many.profiles)?;
    let work = Uninstalling {
        cleaning: Cleaning { options: options.after_waiting(), ..cleaning },
        code_page: code_page_of(&many.profiles, many.code_page),
    };
    let summary = Summary::new(Purpose::Uninstall, options.dry_run, many.fail_on_skipped);
    let waiting = Some(Waiting { options, skip_running: many.skip_running });
    let walk = Walk { work: &work, processes: cleaning.processes, waiting };
    Ok(walk.on(profiles, &[], summary, context))
}

/// The work on each user.
struct Uninstalling<'a> {
    cleaning: Cleaning<'a>,
    code_page: Option<CodePage>,
}

impl UserWork for Uninstalling<'_> {
    fn state_of(
        &self,
        profile: &Profile,
        ini: &mut Option<PathBuf>,
        context: &mut Context<'_>,
    ) -> Result<UserState, Error> {
        let found = profile.find_ini();
        let has_app_data = !matches!(found, Ok(Found::NoAppData));
        if let Ok(Found::Ini(place)) = &found {
            *ini = Some(place.path());
        }
        let mut removal = Removal::new(self.cleaning.options.dry_run);
        let _ = self.clean(profile, found, &mut removal, context);
        if removal.is_empty() && !has_app_data {
            return Ok(UserState::Skipped(Skip::NoProfile));
        }
        Ok(UserState::Removed(Box::new(removal)))
    }
}

impl Uninstalling<'_> {
    fn clean(
        &self,
        profile: &Profile,
        found: Result<Found, ProfileError>,
        removal: &mut Removal,
        context: &Context<'_>,
    ) -> ControlFlow<()> {
        let owner = profile.owner.as_ref();
        match found {
            Ok(Found::Ini(place)) => {
                let fs = scoped_fs(&place, owner, context.fs);
                let ini = ini_in(&place, self.code_page, context.fs);
                let mut context = Context { fs: &fs, report: &mut |_| {}, ..*context };
                self.cleaning.remove_hooks(&ini, removal, &mut context)?;
                self.cleaning.remove_files(&ini, removal, &context)?;
            }
            Ok(Found::NoIni(_) | Found::NoAppData) => {}
            Err(error) => removal.note(Err(error.into()))?,
        }
        let open = || Ok(profile.data_folder()?);
        Data { open: &open, owner }.clean(removal, context)
    }
}

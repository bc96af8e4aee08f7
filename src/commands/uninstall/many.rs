//! `uninstall` for many users (`--all-users`, `--profiles`): hooks and files, but not the registry, because it isn't
//! loaded for users who are logged off.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use crate::commands::context::Context;
use crate::commands::desired::profiles::summary::{Purpose, Skip, Summary, UserState};
use crate::commands::desired::profiles::walk::{UserWork, Waiting, Walk, ini_in, scoped_fs};
use crate::commands::desired::profiles::{code_page_of, profiles_of};
use crate::commands::error::Error;
use crate::commands::ini::Ini;
use crate::ini::encoding::CodePage;
use crate::microsip::profiles::{Found, Place, Profile, ProfileError};
use crate::request::UninstallMany;

use super::data::{self, Data};
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
        patience: data::patience(options.timeout),
    };
    let summary = Summary::new(Purpose::Uninstall, options.dry_run, many.fail_on_skipped);
    let waiting = Some(Waiting { options, skip_running: many.skip_running });
    let walk = Walk::new(&work, cleaning.processes, waiting);
    Ok(walk.on(profiles, &[], summary, context))
}

/// The work on each user.
struct Uninstalling<'a> {
    cleaning: Cleaning<'a>,
    code_page: Option<CodePage>,
    /// How long to wait for a user's workers.
    patience: Duration,
}

impl UserWork for Uninstalling<'_> {
    fn state_of(
        &self,
        profile: &Profile,
        ini: &mut Option<PathBuf>,
        context: &mut Context<'_>,
    ) -> Result<UserState, Error> {
        let mut removal = Removal::new(self.cleaning.options.dry_run);
        let _ = self.clean(profile, ini, &mut removal, context);
        if removal.is_empty() && matches!(profile.find_ini(), Ok(Found::NoAppData)) {
            return Ok(UserState::Skipped(Skip::NoProfile));
        }
        Ok(UserState::Removed(Box::new(removal)))
    }
}

impl Uninstalling<'_> {
    fn clean(
        &self,
        profile: &Profile,
        ini: &mut Option<PathBuf>,
        removal: &mut Removal,
        context: &Context<'_>,
    ) -> ControlFlow<()> {
        let found = profile.find_ini();
        removal.note(found.map(|_| ()).map_err(Error::from))?;
        self.in_places(profile.inis(), profile, removal, context, &mut |place, removal, context| {
            ini.get_or_insert_with(|| place.path.clone());
            self.cleaning.remove_hooks(place, removal, context)
        })?;
        self.in_places(profile.places(), profile, removal, context, &mut |place, removal, context| {
            self.cleaning.remove_files(place, removal, context)
        })?;
        let open = || Ok(profile.data_folder()?);
        let owner = profile.owner.as_ref();
        Data { open: &open, owner, patience: self.patience }.clean(removal, context)
    }

    /// Does a step for each place that exists.
    fn in_places(
        &self,
        places: [Result<Option<Place>, ProfileError>; 2],
        profile: &Profile,
        removal: &mut Removal,
        context: &Context<'_>,
        step: &mut dyn FnMut(&Ini, &mut Removal, &mut Context<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for place in places {
            match place {
                Ok(Some(place)) => {
                    let fs = scoped_fs(&place, profile.owner.as_ref(), context.fs);
                    let ini = ini_in(&place, self.code_page, context.fs);
                    let mut context = Context { fs: &fs, report: &mut |_| {}, ..*context };
                    step(&ini, removal, &mut context)?;
                }
                Ok(None) => {}
                Err(error) => removal.note(Err(error.into()))?,
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::commands::outcome::Outcome as _;
    use crate::desired::passwords::PasswordHasher;
    use crate::diagnostic::Code;
    use crate::microsip::instances::Processes;
    use crate::microsip::profiles;
    use crate::platform::{Env, SystemFs};
    use crate::request::{WhileRunning, WriteOptions};

    #[test]
    fn data_of_a_user_with_a_redirected_app_data_folder_is_removed() {
        let temp = tempfile::tempdir().unwrap();
        let data = temp.path().join("ann/AppData/Local").join(crate::platform::DATA_FOLDER);
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(data.join("calls.db"), "").unwrap();
        let mut profile = profiles::in_folder(temp.path()).unwrap().remove(0);
        profile.moved_app_data = Some("server/ann".into());

        let options = WriteOptions {
            dry_run: false,
            create: false,
            timeout: Duration::ZERO,
            while_running: WhileRunning::Wait,
            backup: false,
            keep_backups: WriteOptions::DEFAULT_BACKUPS,
            any_ini: true,
        };
        let cleaning = Cleaning { all_hooks: false, options, processes: &Processes::default() };
        let work = Uninstalling { cleaning, code_page: None, patience: Duration::ZERO };
        let mut context = Context {
            env: &Env::default(),
            fs: &SystemFs,
            now: &SystemTime::now,
            stop: &|| false,
            variable: |_| None,
            secret: &|_| unreachable!("nothing needs a password"),
            hashes: &PasswordHasher::new(&|| None),
            report: &mut |_| {},
        };
        let state = work.state_of(&profile, &mut None, &mut context).unwrap();
        let UserState::Removed(removal) = state else { panic!("{state:?}") };
        let codes: Vec<Code> = removal.failures().iter().map(|failure| failure.code).collect();
        assert_eq!((codes, removal.removed.len()), (vec![Code::ProfileMoved], 2), "{removal:?}");
        assert!(!data.exists());
    }
}

//! Finds users' folders and the ini in each, on this computer or in a folder such as a share.
//!
//! Users control what is in their folders, and a run that edits all of them has higher privileges than each user. So
//! no links are followed there.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::{
    self, FilePath, FileSystem, FileSystemExt, ListedProfile, Owner, PinnedDir, ProfileList, Sid, SystemFs,
};

/// A user's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The user's name: the name of the account if Windows knows it, else of the folder.
    pub user: String,
    /// Other names by which a table may list the user.
    pub aliases: Vec<String>,
    /// The folder.
    pub folder: PathBuf,
    /// Whether it is the template for new users' folders.
    pub is_default: bool,
    /// Whether Windows lists the folder. An administrator chose its path then, so links in that path are followed.
    pub is_listed: bool,
    /// The owner of the files that are created in it, or `None` if the owner isn't set.
    pub owner: Option<Owner>,
    /// The user's `%APPDATA%`, if it is known to be outside the folder.
    pub moved_app_data: Option<PathBuf>,
    /// Whether that can't be known, because the user is logged off.
    pub may_be_moved: bool,
}

/// The place of an existing or new ini.
#[derive(Debug)]
pub struct Place {
    /// The folder, kept open.
    pub folder: PinnedDir,
    /// The file name.
    pub name: OsString,
}

impl Place {
    /// Returns the ini's path.
    pub fn file(&self) -> FilePath {
        self.folder.file(&self.name)
    }

    /// Returns the path that is shown to users.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }
}

/// Returns the path of the ini in a user's AppData folder.
pub fn ini_below(app_data: &Path) -> PathBuf {
    app_data.join(FOLDER).join(INI)
}

/// What was found in a user's folder.
#[derive(Debug)]
pub enum Found {
    /// An ini.
    Ini(Place),
    /// No ini; this is the AppData folder in which it would be created.
    NoIni(PinnedDir),
    /// No AppData folder, so this isn't a user's folder.
    NoAppData,
}

/// The reason why a user's ini can't be reached.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("{path} isn't a folder or is a link; msipcfg doesn't follow links in users' folders")]
    NotAFolder { path: PathBuf },
    #[error("{path} isn't a file or is a link; msipcfg doesn't follow links in users' folders")]
    NotAFile { path: PathBuf },
    #[error("this user's AppData folder is {path}, which is outside {folder}")]
    Moved { folder: PathBuf, path: PathBuf },
    #[error("can't open {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

const ROAMING: [&str; 2] = ["AppData", "Roaming"];
const LOCAL: [&str; 2] = ["AppData", "Local"];
const FOLDER: &str = "MicroSIP";
const INI: &str = "MicroSIP.ini";

/// Returns the users of this computer, or `None` if the system has no list of them.
pub fn of_this_machine() -> Option<Vec<Profile>> {
    let names = AccountNames::default();
    let look_up = |sid: &Sid| {
        let start = Instant::now();
        (platform::account_name(sid), start.elapsed())
    };
    let name_of = |sid: &Sid| names.get(sid, &look_up);
    Some(of_list(platform::profile_list()?, &name_of, &|folder| SystemFs.is_dir(folder)))
}

/// The names of accounts. Without a domain controller, Windows takes seconds to find out that it can't name one. So
/// after that, no other account of the same domain is looked up.
#[derive(Default)]
struct AccountNames {
    unreachable: RefCell<HashSet<String>>,
}

impl AccountNames {
    fn get(&self, sid: &Sid, look_up: &dyn Fn(&Sid) -> (Option<String>, Duration)) -> Option<String> {
        /// An account that was deleted is found out at once.
        const UNREACHABLE: Duration = Duration::from_secs(1);
        let domain = sid.0.rsplit_once('-').map_or("", |(domain, _)| domain);
        if self.unreachable.borrow().contains(domain) {
            return None;
        }
        let (name, time) = look_up(sid);
        if name.is_none() && time >= UNREACHABLE {
            self.unreachable.borrow_mut().insert(domain.to_string());
        }
        name
    }
}

/// Returns the listed profiles that belong to people. Windows also lists those of its services.
fn of_list(
    list: ProfileList,
    name_of: &dyn Fn(&Sid) -> Option<String>,
    exists: &dyn Fn(&Path) -> bool,
) -> Vec<Profile> {
    let users =
        without_temporary(list.profiles).filter(|listed| listed.sid.is_user() && exists(&listed.folder));
    let mut profiles: Vec<Profile> = users
        .map(|listed| {
            let folder_name = folder_name(&listed.folder);
            let account = name_of(&listed.sid);
            let user = account.as_deref().map(|name| name.rsplit('\\').next().unwrap_or(name).to_string());
            let is_elsewhere = |app_data: &PathBuf| !is_below(app_data, &listed.folder);
            Profile {
                user: user.unwrap_or_else(|| folder_name.clone()),
                aliases: account.into_iter().chain(listed.principal).chain([folder_name]).collect(),
                is_default: false,
                is_listed: true,
                owner: Owner::of_sid(listed.sid),
                moved_app_data: listed.app_data.filter(is_elsewhere),
                may_be_moved: !listed.is_loaded,
                folder: listed.folder,
            }
        })
        .collect();
    profiles.sort_by(|a, b| a.folder.cmp(&b.folder));
    let default = list.default.filter(|folder| exists(folder));
    profiles.extend(default.map(|folder| Profile { is_listed: true, ..found(folder, true) }));
    profiles
}

/// Leaves out the temporary profiles. If Windows can't load a user's profile, it adds `.bak` to the name of its entry
/// and may create one for a temporary profile, whose folder it deletes when the user logs off.
fn without_temporary(profiles: Vec<ListedProfile>) -> impl Iterator<Item = ListedProfile> {
    const SET_ASIDE: &str = ".bak";
    let is_temporary = |folder: &Path| {
        let name = folder_name(folder).to_ascii_lowercase();
        name == "temp" || name.starts_with("temp.")
    };
    let names: Vec<String> = profiles.iter().map(|listed| listed.sid.0.clone()).collect();
    let folders: Vec<PathBuf> = profiles.iter().map(|listed| listed.folder.clone()).collect();
    profiles.into_iter().filter_map(move |listed| {
        let other = |name: &str| names.iter().position(|other| other.eq_ignore_ascii_case(name));
        match listed.sid.0.strip_suffix(SET_ASIDE) {
            Some(sid) if other(sid).is_none_or(|index| is_temporary(&folders[index])) => {
                Some(ListedProfile { sid: Sid(sid.to_string()), ..listed })
            }
            Some(_) => None,
            None => {
                let is_set_aside = || other(&format!("{}{SET_ASIDE}", listed.sid.0)).is_some();
                let is_left_out = is_temporary(&listed.folder) && is_set_aside();
                (!is_left_out).then_some(listed)
            }
        }
    })
}

/// Returns whether a path is in a folder, ignoring letter case as Windows does.
fn is_below(path: &Path, folder: &Path) -> bool {
    let mut parts = path.components();
    folder.components().all(|part| {
        parts.next().is_some_and(|other| other.as_os_str().eq_ignore_ascii_case(part.as_os_str()))
    })
}

/// Returns the users' folders in a folder: each subfolder, except those that Windows creates next to them.
///
/// # Errors
/// The folder can't be listed.
pub fn in_folder(folder: &Path) -> io::Result<Vec<Profile>> {
    let mut profiles = Vec::new();
    for entry in SystemFs.list(folder)? {
        let name = entry.file_name();
        let is_created_by_windows =
            ["Public", "All Users", "Default User"].iter().any(|other| name.eq_ignore_ascii_case(other));
        // links are kept, so that an error is reported for that user
        let is_candidate = entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink());
        if !is_created_by_windows && is_candidate {
            let is_default = name.eq_ignore_ascii_case("Default");
            let owner = Owner::of(&entry.path()).filter(|_| !is_default);
            profiles.push(Profile { owner, ..found(entry.path(), is_default) });
        }
    }
    profiles.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(profiles)
}

fn found(folder: PathBuf, is_default: bool) -> Profile {
    let name = folder_name(&folder);
    Profile {
        user: without_version(&name).to_string(),
        aliases: vec![name],
        folder,
        is_default,
        is_listed: false,
        owner: None,
        moved_app_data: None,
        may_be_moved: false,
    }
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes the Windows version from a folder's name: Windows appends it to folders on shares (`ann.V6`).
fn without_version(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((user, version)) if !user.is_empty() && is_version(version) => user,
        _ => name,
    }
}

fn is_version(text: &str) -> bool {
    let number = text.strip_prefix(['V', 'v']).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

impl ToDiagnostic for ProfileError {
    fn code(&self) -> Code {
        match self {
            ProfileError::NotAFolder { .. } | ProfileError::NotAFile { .. } => Code::ProfileLink,
            ProfileError::Moved { .. } => Code::ProfileMoved,
            ProfileError::Io { .. } => Code::FileRead,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                ProfileError::NotAFolder { .. } | ProfileError::NotAFile { .. } => {
                    "find out who created it; if it's legitimate, edit this ini separately with --ini"
                }
                ProfileError::Moved { .. } => {
                    "run msipcfg as that user, or use --profiles with the folder that contains the redirected profiles"
                }
                ProfileError::Io { .. } => "check that you may read it",
            }
            .into(),
        )
    }
}

impl Profile {
    /// Returns the profile of the user in whose folder the ini is, if it is in one.
    pub fn around(ini: &Path) -> Option<Profile> {
        let folder = ini
            .ancestors()
            .find(|path| path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(ROAMING[0])))?;
        let folder = folder.parent().filter(|folder| folder.file_name().is_some())?;
        Some(found(folder.to_path_buf(), false))
    }

    /// Returns every name of the user.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.user).chain(&self.aliases).map(String::as_str)
    }

    /// Converts a path in the folder to the form that Windows programs see.
    pub fn windows_path(&self, path: &Path) -> String {
        let seen = platform::windows_paths(&self.folder).to_windows(path);
        seen.unwrap_or_else(|| path.display().to_string())
    }

    /// Returns the roaming AppData folder.
    pub fn app_data(&self) -> PathBuf {
        ROAMING.iter().fold(self.folder.clone(), |path, name| path.join(name))
    }

    /// Looks for the ini.
    ///
    /// # Errors
    /// A link is in the path, or something can't be opened.
    pub fn find_ini(&self) -> Result<Found, ProfileError> {
        if let Some(path) = &self.moved_app_data {
            return Err(ProfileError::Moved { folder: self.folder.clone(), path: path.clone() });
        }
        let Some(roaming) = self.folder_at(&ROAMING)? else { return Ok(Found::NoAppData) };
        if let Some(place) = self.ini_in(ROAMING)? {
            return Ok(Found::Ini(place));
        }
        // the next start of MicroSIP moves it from there (3.21.4, settings.cpp)
        let local = self.ini_in(LOCAL)?;
        Ok(local.map_or(Found::NoIni(roaming), Found::Ini))
    }

    /// Opens a folder in the user's folder, if it exists.
    fn folder_at(&self, names: &[&str]) -> Result<Option<PinnedDir>, ProfileError> {
        let mut path = self.folder.clone();
        let opened = match (path.parent(), path.file_name().and_then(OsStr::to_str)) {
            (Some(above), Some(name)) if !self.is_listed => {
                PinnedDir::open(above).and_then(|above| above.enter(name))
            }
            _ => PinnedDir::open(&path),
        };
        let mut folder = match opened {
            Ok(folder) => folder,
            Err(error) => return not_entered(error, path),
        };
        for name in names {
            path.push(name);
            folder = match folder.enter(name) {
                Ok(folder) => folder,
                Err(error) => return not_entered(error, path),
            };
        }
        Ok(Some(folder))
    }

    /// Opens the folder with the user's calls database, if it exists.
    ///
    /// # Errors
    /// A link is in the path, or something can't be opened.
    pub fn data_folder(&self) -> Result<Option<PinnedDir>, ProfileError> {
        let [first, second] = LOCAL;
        self.folder_at(&[first, second, platform::DATA_FOLDER])
    }

    /// Returns where MicroSIP's inis are, or would be, in the folders that exist.
    pub fn places(&self) -> [Result<Option<Place>, ProfileError>; 2] {
        [ROAMING, LOCAL].map(|above| self.place_in(above))
    }

    /// Returns the inis in these places. MicroSIP uses the second one only if the first doesn't exist.
    pub fn inis(&self) -> [Result<Option<Place>, ProfileError>; 2] {
        [ROAMING, LOCAL].map(|above| self.ini_in(above))
    }

    fn place_in(&self, [first, second]: [&str; 2]) -> Result<Option<Place>, ProfileError> {
        let Some(folder) = self.folder_at(&[first, second, FOLDER])? else { return Ok(None) };
        let unreadable = |source| ProfileError::Io { path: folder.path().join(INI), source };
        let name = folder.find(INI).map_err(unreadable)?.unwrap_or_else(|| INI.into());
        Ok(Some(Place { folder, name }))
    }

    fn ini_in(&self, above: [&str; 2]) -> Result<Option<Place>, ProfileError> {
        let Some(place) = self.place_in(above)? else { return Ok(None) };
        match SystemFs.link_metadata(place.file().to_open()) {
            Ok(metadata) if metadata.is_file() => Ok(Some(place)),
            Ok(_) => Err(ProfileError::NotAFile { path: place.path() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ProfileError::Io { path: place.path(), source }),
        }
    }

    /// Creates the folder for a new ini.
    ///
    /// # Errors
    /// A file or link with that name exists, or the folder can't be created.
    pub fn create_place(&self, app_data: PinnedDir) -> Result<Place, ProfileError> {
        let path = app_data.path().join(FOLDER);
        match app_data.enter_or_create(FOLDER, self.owner.as_ref()) {
            Ok(folder) => Ok(Place { folder, name: INI.into() }),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(ProfileError::NotAFolder { path })
            }
            Err(source) => Err(ProfileError::Io { path, source }),
        }
    }
}

fn not_entered<T>(error: io::Error, path: PathBuf) -> Result<Option<T>, ProfileError> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        io::ErrorKind::NotADirectory => Err(ProfileError::NotAFolder { path }),
        _ => Err(ProfileError::Io { path, source: error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_a_persons_sid_and_an_existing_folder() {
        let listed = |sid: &str, folder: &str, app_data: Option<&str>| ListedProfile {
            sid: Sid(sid.into()),
            folder: folder.into(),
            principal: sid.starts_with("S-1-12-").then(|| "ann.miller@example.com".to_string()),
            app_data: app_data.map(PathBuf::from),
            is_loaded: app_data.is_some(),
        };
        let list = ProfileList {
            profiles: vec![
                listed("S-1-5-18", r"C:/Windows/system32/config/systemprofile", None),
                listed("S-1-5-20", r"C:/Windows/ServiceProfiles/NetworkService", None),
                listed("S-1-5-82-1036420768-1-2-3-4", r"C:/Users/DefaultAppPool", None),
                listed("S-1-5-21-1-2-3-1002", r"C:/Users/zoe", Some(r"c:/users/ZOE/AppData/Roaming")),
                listed("S-1-5-21-1-2-3-1001", r"C:/Users/ann.FIRM", Some(r"//srv/redirected/ann")),
                listed("S-1-5-21-1-2-3-1001.bak", r"C:/Users/ann.bak", None),
                listed("S-1-12-1-11-22-33-44", r"C:/Users/Entra", None),
                listed("S-1-5-21-1-2-3-1003", r"C:/Users/gone", None),
            ],
            default: Some(r"C:/Users/Default".into()),
        };
        let name = |sid: &Sid| sid.0.ends_with("-1001").then(|| r"FIRM\ann".to_string());
        let profiles = of_list(list, &name, &|folder| !folder.ends_with("gone"));
        let shown: Vec<_> = profiles
            .iter()
            .map(|profile| (profile.user.as_str(), profile.is_default, profile.moved_app_data.is_some()))
            .collect();
        assert_eq!(
            shown,
            [("Entra", false, false), ("ann", false, true), ("zoe", false, false), ("Default", true, false)]
        );
        assert_eq!(
            profiles.iter().map(|profile| profile.may_be_moved).collect::<Vec<_>>(),
            [true, false, false, false],
            "only the redirection of a user who is logged on is known"
        );
        assert_eq!(profiles[0].names().collect::<Vec<_>>(), ["Entra", "ann.miller@example.com", "Entra"]);
        assert_eq!(profiles[1].names().collect::<Vec<_>>(), ["ann", r"FIRM\ann", "ann.FIRM"]);
    }

    #[test]
    fn no_more_names_are_looked_up_in_a_domain_that_does_not_answer() {
        const SLOW: Duration = Duration::from_secs(5);
        const FAST: Duration = Duration::ZERO;
        let looked_up = RefCell::new(Vec::new());
        let look_up = |sid: &Sid| {
            looked_up.borrow_mut().push(sid.0.clone());
            match &*sid.0 {
                "S-1-5-21-1-1-1-7" => (Some("FIRM\\slow".to_string()), SLOW),
                "S-1-5-21-1-1-1-8" => (None, FAST),
                "S-1-5-21-1-1-1-9" => (None, SLOW),
                _ => (Some("PC\\ann".to_string()), FAST),
            }
        };
        let names = AccountNames::default();
        let get = |sid: &str| names.get(&Sid(sid.into()), &look_up);
        assert_eq!(get("S-1-5-21-1-1-1-7").as_deref(), Some("FIRM\\slow"));
        assert_eq!(get("S-1-5-21-1-1-1-8"), None, "deleted");
        assert_eq!(get("S-1-5-21-1-1-1-9"), None, "the controller doesn't answer");
        assert_eq!(get("S-1-5-21-1-1-1-10"), None);
        assert_eq!(get("S-1-5-21-2-2-2-10").as_deref(), Some("PC\\ann"));
        let expected = ["1-1-1-7", "1-1-1-8", "1-1-1-9", "2-2-2-10"].map(|end| format!("S-1-5-21-{end}"));
        assert_eq!(*looked_up.borrow(), expected);
    }

    #[test]
    fn the_real_profile_is_used_instead_of_a_temporary_one() {
        let users = |entries: &[(&str, &str)]| {
            let listed = |(sid, folder): &(&str, &str)| ListedProfile {
                sid: Sid(format!("S-1-5-21-1-2-3-{sid}")),
                folder: folder.into(),
                principal: None,
                app_data: None,
                is_loaded: false,
            };
            let list = ProfileList { profiles: entries.iter().map(listed).collect(), default: None };
            let profiles = of_list(list, &|_| None, &|_| true);
            profiles.into_iter().map(|profile| profile.folder.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(users(&[("7", "C:/Users/TEMP"), ("7.bak", "C:/Users/ann")]), ["C:/Users/ann"]);
        assert_eq!(users(&[("7", "C:/Users/TEMP.FIRM"), ("7.bak", "C:/Users/ann")]), ["C:/Users/ann"]);
        assert_eq!(users(&[("7.bak", "C:/Users/ann")]), ["C:/Users/ann"]);
        // a new profile, and the entry of the old one is left over
        assert_eq!(users(&[("7", "C:/Users/ann.FIRM"), ("7.bak", "C:/Users/ann")]), ["C:/Users/ann.FIRM"]);
        // a user who is called so
        assert_eq!(users(&[("7", "C:/Users/temp"), ("8.bak", "C:/Users/bob")]).len(), 2);
    }

    #[test]
    fn the_windows_version_isnt_part_of_a_users_name() {
        for (name, user) in [
            ("ann.V6", "ann"),
            ("ann.v2", "ann"),
            ("ann", "ann"),
            ("ann.V", "ann.V"),
            ("ann.smith", "ann.smith"),
            (".V6", ".V6"),
            ("ann.FIRM.V6", "ann.FIRM"),
        ] {
            assert_eq!(without_version(name), user);
        }
    }
}

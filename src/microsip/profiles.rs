//! The folders of Windows users, and the ini in each: those of this machine, or in a folder such as a share.
//!
//! What is in such a folder belongs to its user, and whoever works on all of them has more rights than one. So no link
//! is followed in it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::{self, FileKind, FileSystem, Owner, PinnedDir, ProfileList, SystemFs};

/// A user's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name of the user: of the account where Windows knows it, else of the folder.
    pub user: String,
    /// Other names that the user may be listed by.
    pub aliases: Vec<String>,
    /// The folder.
    pub folder: PathBuf,
    /// Whether it is nobody's, but what a new user's is made from.
    pub is_default: bool,
    /// Whether Windows says where it is: an administrator chose that, and its own path may hold links.
    pub is_listed: bool,
    /// To whom what is made in it is to belong; `None`: to nobody in particular.
    pub owner: Option<Owner>,
    /// `%APPDATA%` where that is known to lie elsewhere.
    pub moved_app_data: Option<PathBuf>,
}

/// Where an ini lies, or is to lie.
#[derive(Debug)]
pub struct Place {
    /// Its folder.
    pub folder: PinnedDir,
    /// Its name.
    pub name: OsString,
}

impl Place {
    /// Its path as people know it.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }
}

/// The path of the ini of whose settings are in this folder.
pub fn ini_below(app_data: &Path) -> PathBuf {
    app_data.join(FOLDER).join(INI)
}

/// What a user's folder holds of MicroSIP.
#[derive(Debug)]
pub enum Found {
    /// An ini.
    Ini(Place),
    /// None; this is the folder that one would be made in.
    NoIni(PinnedDir),
    /// No folder for the settings of programs: it is no user's.
    NoAppData,
}

/// Why the ini of a user cannot be come to.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFault {
    #[error("{path} is a link, or no folder, and in a user's folder none is followed")]
    NoFolder { path: PathBuf },
    #[error("{path} is a link, or no file, and in a user's folder none is followed")]
    NoFile { path: PathBuf },
    #[error("the settings of this user's programs are at {path}, not in {folder}")]
    Moved { folder: PathBuf, path: PathBuf },
    #[error("{path} could not be opened: {source}")]
    Io { path: PathBuf, source: io::Error },
}

const ROAMING: [&str; 2] = ["AppData", "Roaming"];
const LOCAL: [&str; 2] = ["AppData", "Local"];
const FOLDER: &str = "MicroSIP";
const INI: &str = "MicroSIP.ini";

/// The users of this machine; `None` where there is no list of them.
pub fn of_this_machine() -> Option<Vec<Profile>> {
    let own_name = |sid: &platform::Sid| platform::account_name(sid);
    Some(of_list(platform::profile_list()?, &own_name, &|folder| SystemFs.is_dir(folder)))
}

/// The users among those that Windows lists. Its own services have folders too.
fn of_list(
    list: ProfileList,
    name_of: &dyn Fn(&platform::Sid) -> Option<String>,
    is_there: &dyn Fn(&Path) -> bool,
) -> Vec<Profile> {
    let users = list.profiles.into_iter().filter(|listed| listed.sid.is_user() && is_there(&listed.folder));
    let mut profiles: Vec<Profile> = users
        .map(|listed| {
            let folder_name = folder_name(&listed.folder);
            let account = name_of(&listed.sid);
            let user = account.as_deref().map(|name| name.rsplit('\\').next().unwrap_or(name).to_string());
            let is_elsewhere = |app_data: &PathBuf| !is_below(app_data, &listed.folder);
            Profile {
                user: user.unwrap_or_else(|| folder_name.clone()),
                aliases: account.into_iter().chain([folder_name]).collect(),
                is_default: false,
                is_listed: true,
                owner: Owner::of_sid(listed.sid),
                moved_app_data: listed.app_data.filter(is_elsewhere),
                folder: listed.folder,
            }
        })
        .collect();
    profiles.sort_by(|a, b| a.folder.cmp(&b.folder));
    let default = list.default.filter(|folder| is_there(folder));
    profiles.extend(default.map(|folder| Profile { is_listed: true, ..found(folder, true) }));
    profiles
}

/// Windows' paths ignore the case of letters.
fn is_below(path: &Path, folder: &Path) -> bool {
    let mut parts = path.components();
    folder.components().all(|part| {
        parts.next().is_some_and(|other| other.as_os_str().eq_ignore_ascii_case(part.as_os_str()))
    })
}

/// The users' folders in a folder: each folder in it but those that Windows makes beside them.
///
/// # Errors
/// It cannot be listed.
pub fn in_folder(folder: &Path) -> io::Result<Vec<Profile>> {
    let mut profiles = Vec::new();
    for entry in SystemFs.list(folder)? {
        let name = entry.name();
        let is_made_by_windows =
            ["Public", "All Users", "Default User"].iter().any(|made| name.eq_ignore_ascii_case(made));
        // a link is told of where its user would be
        let is_profile = matches!(entry.kind, FileKind::Folder | FileKind::Link);
        if !is_made_by_windows && is_profile {
            let is_default = name.eq_ignore_ascii_case("Default");
            let owner = Owner::of(&entry.path).filter(|_| !is_default);
            profiles.push(Profile { owner, ..found(entry.path, is_default) });
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
    }
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Windows adds its own version to the name of a folder on a share (`ann.V6`).
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

impl ToDiagnostic for ProfileFault {
    fn code(&self) -> Code {
        match self {
            ProfileFault::NoFolder { .. } | ProfileFault::NoFile { .. } => Code::ProfileLink,
            ProfileFault::Moved { .. } => Code::ProfileMoved,
            ProfileFault::Io { .. } => Code::FileRead,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                ProfileFault::NoFolder { .. } | ProfileFault::NoFile { .. } => {
                    "look who made it; where it is right, work on this ini alone with --ini"
                }
                ProfileFault::Moved { .. } => {
                    "run this with --profiles where such folders are, or as that user"
                }
                ProfileFault::Io { .. } => "check that you may read it",
            }
            .into(),
        )
    }
}

impl Profile {
    /// The user in whose folder an ini lies, if it lies in one.
    pub fn around(ini: &Path) -> Option<Profile> {
        let folder = ini
            .ancestors()
            .find(|path| path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(ROAMING[0])))?;
        let folder = folder.parent().filter(|folder| folder.file_name().is_some())?;
        Some(found(folder.to_path_buf(), false))
    }

    /// Every name of the user.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.user).chain(&self.aliases).map(String::as_str)
    }

    /// A path in the folder as Windows' programs see it.
    pub fn windows_path(&self, path: &Path) -> String {
        let seen = platform::windows_paths(&self.folder).to_windows(path);
        seen.unwrap_or_else(|| path.display().to_string())
    }

    /// Where the programs of the user keep their settings.
    pub fn app_data(&self) -> PathBuf {
        ROAMING.iter().fold(self.folder.clone(), |path, name| path.join(name))
    }

    /// Looks for the ini.
    ///
    /// # Errors
    /// A link is in the way, or something may not be opened.
    pub fn look(&self) -> Result<Found, ProfileFault> {
        if let Some(path) = &self.moved_app_data {
            return Err(ProfileFault::Moved { folder: self.folder.clone(), path: path.clone() });
        }
        let Some(roaming) = self.folder_at(&ROAMING)? else { return Ok(Found::NoAppData) };
        if let Some(place) = self.ini_in(&ROAMING)? {
            return Ok(Found::Ini(place));
        }
        // one there is moved by the next start of MicroSIP (3.21.4, settings.cpp)
        let local = self.ini_in(&LOCAL)?;
        Ok(local.map_or(Found::NoIni(roaming), Found::Ini))
    }

    /// A folder in that of the user, if it is there.
    fn folder_at(&self, names: &[&str]) -> Result<Option<PinnedDir>, ProfileFault> {
        let mut path = self.folder.clone();
        let opened = match (path.parent(), path.file_name().and_then(OsStr::to_str)) {
            (Some(above), Some(name)) if !self.is_listed => {
                PinnedDir::open(above).and_then(|above| above.enter(name))
            }
            _ => PinnedDir::open(&path),
        };
        let mut folder = match opened {
            Ok(folder) => folder,
            Err(error) => return why_not_entered(error, path),
        };
        for name in names {
            path.push(name);
            folder = match folder.enter(name) {
                Ok(folder) => folder,
                Err(error) => return why_not_entered(error, path),
            };
        }
        Ok(Some(folder))
    }

    fn ini_in(&self, names: &[&str; 2]) -> Result<Option<Place>, ProfileFault> {
        let [first, second] = names;
        let Some(folder) = self.folder_at(&[first, second, FOLDER])? else { return Ok(None) };
        let path = folder.path().join(INI);
        let unreadable = |source| ProfileFault::Io { path: path.clone(), source };
        let Some(name) = folder.find(INI).map_err(unreadable)? else { return Ok(None) };
        let metadata = SystemFs.link_metadata(&folder.inside(&name)).map_err(unreadable)?;
        if metadata.is_file() { Ok(Some(Place { folder, name })) } else { Err(ProfileFault::NoFile { path }) }
    }

    /// Makes the folder of an ini that is not there yet.
    ///
    /// # Errors
    /// Something is in the way, or it may not be made.
    pub fn make_place(&self, app_data: PinnedDir) -> Result<Place, ProfileFault> {
        let path = app_data.path().join(FOLDER);
        match app_data.enter_or_create(FOLDER, self.owner.as_ref()) {
            Ok(folder) => Ok(Place { folder, name: INI.into() }),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(ProfileFault::NoFolder { path })
            }
            Err(source) => Err(ProfileFault::Io { path, source }),
        }
    }
}

fn why_not_entered<T>(error: io::Error, path: PathBuf) -> Result<Option<T>, ProfileFault> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        io::ErrorKind::NotADirectory => Err(ProfileFault::NoFolder { path }),
        _ => Err(ProfileFault::Io { path, source: error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{ListedProfile, Sid};

    #[test]
    fn users_are_those_with_a_persons_sid_whose_folder_is_there() {
        let listed = |sid: &str, folder: &str, app_data: Option<&str>| ListedProfile {
            sid: Sid(sid.into()),
            folder: folder.into(),
            app_data: app_data.map(PathBuf::from),
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
        assert_eq!(profiles[1].names().collect::<Vec<_>>(), ["ann", r"FIRM\ann", "ann.FIRM"]);
    }

    #[test]
    fn the_version_of_windows_is_no_part_of_a_name() {
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

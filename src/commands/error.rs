//! Why a command failed: what the rooms below say, and what only shows here.

use std::io;
use std::path::PathBuf;

use crate::desired::DesiredError;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::lock::LockError;
use crate::edit::transaction::{Cause, Failure};
use crate::edit::verify::Unverified;
use crate::hook::command::{CommandError, HookError};
use crate::hook::target::TargetError;
use crate::ini::encoding::EncodingError;
use crate::ini::name::{KeyPath, NameError, SectionName};
use crate::microsip::links::LinksError;
use crate::microsip::locate::LocateError;
use crate::microsip::profiles::ProfileError;
use crate::microsip::values::ValueError;
use crate::platform;
use crate::request::ValueSource;

use super::drive::DriveError;
use super::dsc::InputError;
use super::ini_file::LARGEST_INI;
use super::provision::TooOld;
use super::test_hook::TestError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("{ini} is not there")]
    NotThere { ini: PathBuf },
    #[error("{ini} leads nowhere: the link points to {target}, which is not there")]
    BrokenLink { ini: PathBuf, target: PathBuf },
    #[error("{ini} is a {what}, not a file")]
    NotRegular { ini: PathBuf, what: &'static str },
    #[error("{ini} could not be read: {source}")]
    Unreadable { ini: PathBuf, source: io::Error },
    #[error("{ini} is, or would be, larger than {} MiB, so it is no ini of MicroSIP's", LARGEST_INI / 1024 / 1024)]
    TooLarge { ini: PathBuf },
    #[error("{ini}: {source}")]
    Encoding { ini: PathBuf, source: EncodingError },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    Hook(#[from] HookError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{0}")]
    Command(#[from] CommandError),
    #[error("{path}: a password on the command line can be read by other programs")]
    SecretInline { path: KeyPath },
    #[error("{path}: the password could not be read from {}: {source}", named(.place, .source))]
    SecretUnreadable { path: KeyPath, place: ValueSource, source: io::Error },
    #[error("{}: no such key: {}", .ini.display(), .missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NoSuchKey { ini: PathBuf, missing: Vec<KeyPath>, nearest: Option<String> },
    #[error("MicroSIP knows no setting with '{pattern}' in its name or meaning")]
    NoSuchSetting { pattern: String, nearest: Option<String> },
    #[error("{}: no section [{}]", .ini.display(), .section.as_str())]
    NoSuchSection { ini: PathBuf, section: SectionName },
    #[error("{ini} has no backup{which}")]
    NoBackup { ini: PathBuf, which: String },
    #[error("the backups of {ini} could not be listed or removed: {source}")]
    Backups { ini: PathBuf, source: io::Error },
    #[error("{path} could not be given the access of its ini: {source}")]
    BackupAccess { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Unverified(#[from] Unverified),
    #[error("{0}")]
    Transaction(Box<Failure<Error>>),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Links(#[from] LinksError),
    #[error(transparent)]
    Drive(#[from] DriveError),
    #[error(transparent)]
    Test(#[from] TestError),
    #[error("{path} could not be read: {source}")]
    DesiredUnreadable { path: PathBuf, source: io::Error },
    #[error("{path} is neither UTF-8 nor UTF-16LE with BOM")]
    DesiredNotText { path: PathBuf },
    #[error(transparent)]
    Desired(#[from] DesiredError),
    #[error("the table of users has no line for {user}")]
    UserNotListed { user: String },
    #[error("{ini} lies in no user's folder, so no line of the table of users is for it")]
    UserUnknown { ini: PathBuf },
    #[error("this is not Windows, so it has no users with a MicroSIP each")]
    NoUsersHere,
    #[error("there are no users' folders{}", .folder.as_ref().map(|folder| format!(" in {}", folder.display())).unwrap_or_default())]
    NoProfiles { folder: Option<PathBuf> },
    #[error("{folder} could not be listed: {source}")]
    ProfilesUnreadable { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    TooOld(#[from] TooOld),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("{path} could not be written: {source}")]
    ManifestUnwritten { path: PathBuf, source: io::Error },
    #[error("{path} could not be put there: {source}")]
    Sample { path: PathBuf, source: io::Error },
    #[error("the mark of the web could not be taken off {path}: {source}")]
    MarkStays { path: PathBuf, source: io::Error, changed: bool },
}

/// A password may begin with an @, and was then no name of a file, unless one of that name is there.
fn named(place: &ValueSource, error: &io::Error) -> String {
    use io::ErrorKind::{InvalidData, IsADirectory, PermissionDenied};
    match place {
        ValueSource::File(_) if ![InvalidData, IsADirectory, PermissionDenied].contains(&error.kind()) => {
            "a file of the name behind the @".into()
        }
        place => place.to_string(),
    }
}

impl Error {
    /// Whether anything was written before it went wrong.
    pub fn changed(&self) -> bool {
        match self {
            Error::Transaction(failure) => failure.changed,
            Error::Links(error) => error.changed(),
            Error::MarkStays { changed, .. } => *changed,
            _ => false,
        }
    }

    fn inner(&self) -> Option<&dyn ToDiagnostic> {
        Some(match self {
            Error::Locate(error) => error,
            Error::Encoding { source, .. } => source,
            Error::Name(error) => error,
            Error::Value(error) => error,
            Error::Hook(error) => error,
            Error::Target(error) => error,
            Error::Command(error) => error,
            Error::Unverified(error) => error,
            Error::Transaction(failure) => &**failure,
            Error::Lock(error) => error,
            Error::Links(error) => error,
            Error::Drive(error) => error,
            Error::Test(error) => error,
            Error::Desired(error) => error,
            Error::Profile(error) => error,
            Error::TooOld(error) => error,
            Error::Input(error) => error,
            _ => return None,
        })
    }
}

impl ToDiagnostic for Error {
    fn code(&self) -> Code {
        match self {
            Error::NotThere { .. } | Error::BrokenLink { .. } => Code::IniNotFound,
            Error::NotRegular { .. } => Code::FileNotRegular,
            Error::Unreadable { .. } | Error::DesiredUnreadable { .. } => Code::FileRead,
            Error::DesiredNotText { .. } => Code::DesiredInvalid,
            Error::UserNotListed { .. } | Error::UserUnknown { .. } => Code::UserNotListed,
            Error::NoUsersHere => Code::Usage,
            Error::NoProfiles { .. } => Code::ProfilesNone,
            Error::ProfilesUnreadable { .. } => Code::FileRead,
            Error::TooLarge { .. } => Code::NotAnIni,
            Error::SecretInline { .. } => Code::SecretInline,
            Error::SecretUnreadable { .. } => Code::SecretUnreadable,
            Error::NoSuchKey { .. } | Error::NoSuchSection { .. } | Error::NoSuchSetting { .. } => {
                Code::KeyNotFound
            }
            Error::NoBackup { .. } => Code::NoBackup,
            Error::Backups { .. } | Error::BackupAccess { .. } => Code::BackupFailed,
            Error::MarkStays { .. } | Error::Sample { .. } | Error::ManifestUnwritten { .. } => {
                Code::FileWrite
            }
            // the rest are somebody else's
            _ => self.inner().map_or(Code::Usage, ToDiagnostic::code),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Error::NotThere { .. } => "check the path; a command that writes makes it with --create".into(),
            Error::BrokenLink { .. } => "mend the link, or name the ini itself".into(),
            Error::NotRegular { .. } => {
                "name MicroSIP's ini, usually …\\AppData\\Roaming\\MicroSIP\\MicroSIP.ini".into()
            }
            Error::Unreadable { source, .. } if platform::is_file_in_use(source) => {
                "another program has it open; wait until that closes it, then try again".into()
            }
            Error::Unreadable { .. } => "check who may read it".into(),
            Error::TooLarge { .. } => {
                "check the path; as UTF-16, in which it is written, text takes two bytes a letter".into()
            }
            Error::SecretInline { path } => {
                format!("give it by {path}=@env:NAME, {path}=@FILE, or on standard input by {path}=@-")
            }
            Error::DesiredUnreadable { .. } => "check the path, and who may read it".into(),
            Error::DesiredNotText { .. } => "save it as UTF-8".into(),
            Error::UserNotListed { .. } => "add one, or run this without --users".into(),
            Error::UserUnknown { .. } => "give what is in its line by --var or --vars".into(),
            Error::NoProfiles { folder: Some(_) } => {
                "name the folder that holds a folder for each user, such as C:\\Users".into()
            }
            Error::NoUsersHere => "name the folder that holds the users' folders with --profiles DIR".into(),
            Error::NoProfiles { folder: None } => "name the folder that holds them with --profiles".into(),
            Error::ProfilesUnreadable { .. } => "check the path, and that you may list it".into(),
            Error::SecretUnreadable { .. } => {
                "check the name, and that it is UTF-8 text; a password itself cannot stand there".into()
            }
            Error::NoSuchKey { nearest: Some(nearest), .. }
            | Error::NoSuchSetting { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Error::NoSuchSetting { .. } => "'msipcfg keys' lists all".into(),
            Error::NoSuchKey { .. } | Error::NoSuchSection { .. } => {
                "'msipcfg list' shows what is there".into()
            }
            Error::NoBackup { .. } => "'msipcfg backups' lists them".into(),
            Error::Backups { .. } => "check the folder".into(),
            Error::BackupAccess { .. } => "run this as its owner, or remove it".into(),
            Error::Sample { source, .. } if source.kind() == io::ErrorKind::Unsupported => {
                "name an ini that lies in a Wine prefix".into()
            }
            Error::ManifestUnwritten { .. } => "check the folder, and who may write there".into(),
            Error::Sample { .. } => "check who may write there, or set a script of your own".into(),
            Error::MarkStays { .. } => {
                "run this again, or take the mark off in Explorer: Properties > Unblock".into()
            }
            _ => return self.inner().and_then(ToDiagnostic::hint),
        })
    }
}

impl From<Failure<Error>> for Error {
    fn from(failure: Failure<Error>) -> Self {
        match failure {
            Failure { cause: Cause::Make(error), changed: false, .. } => error,
            failure => Error::Transaction(Box::new(failure)),
        }
    }
}

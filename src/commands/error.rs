//! Why a command failed: errors of the modules below, and those that any command can have.

use std::io;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::actions::file::HooksFileError;
use crate::desired::error::DesiredError;
use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::lock::LockError;
use crate::edit::transaction::{TransactionError, TransactionErrorKind};
use crate::edit::verify::VerifyError;
use crate::hook::command::{HookError, HookTextError};
use crate::hook::target::TargetError;
use crate::ini::encoding::EncodingError;
use crate::ini::name::NameError;
use crate::microsip::instances::ScanError;
use crate::microsip::links::LinksError;
use crate::microsip::locate::LocateError;
use crate::microsip::profiles::ProfileError;
use crate::microsip::recognize::NotMicrosip;
use crate::microsip::values::ValueError;
use crate::platform;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("{ini} doesn't exist")]
    NotThere { ini: PathBuf },
    #[error("{ini} is a broken link: {target} doesn't exist")]
    BrokenLink { ini: PathBuf, target: PathBuf },
    #[error("{ini} is a {what}, not a file")]
    NotRegular { ini: PathBuf, what: &'static str },
    #[error("{ini} couldn't be read: {source}")]
    Unreadable { ini: PathBuf, source: io::Error },
    #[error("{ini} is, or would become, larger than {limit} MiB, so it can't be a MicroSIP ini")]
    TooLarge { ini: PathBuf, limit: u64 },
    #[error("{ini}: {source}")]
    Encoding { ini: PathBuf, source: EncodingError },
    #[error("{ini}: {NotMicrosip}")]
    NotMicrosip { ini: PathBuf },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(transparent)]
    HookCommand(#[from] HookError),
    #[error("{0}")]
    HookText(#[from] HookTextError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{0}")]
    Verify(#[from] VerifyError),
    #[error("{0}")]
    Transaction(Box<TransactionError<Error>>),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Desired(#[from] DesiredError),
    #[error(transparent)]
    HooksFile(#[from] HooksFileError),
    #[error(transparent)]
    Links(#[from] LinksError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// An error that only one place reports, so that nothing has to distinguish it. `changed` says whether something
    /// was written before.
    #[error("{diagnostic}")]
    Plain { diagnostic: Diagnostic, changed: bool },
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Error::Plain { diagnostic, changed: false }
    }
}

impl From<TransactionError<Error>> for Error {
    fn from(failure: TransactionError<Error>) -> Self {
        match failure {
            TransactionError { kind: TransactionErrorKind::Edit(error), changed: false, .. } => error,
            failure => Error::Transaction(Box::new(failure)),
        }
    }
}

impl Error {
    /// Returns whether something was written before the command failed.
    pub fn changed(&self) -> bool {
        match self {
            Error::Transaction(failure) => failure.changed,
            Error::Links(error) => error.changed(),
            Error::Plain { changed, .. } => *changed,
            _ => false,
        }
    }

    /// Returns whether it only says that MicroSIP was still running.
    pub fn is_about_running(&self) -> bool {
        matches!(self.code(), Code::MicrosipRunning | Code::EditMayBeUndone)
    }

    /// Returns the error for scripts: code, message, hint, and the place in a desired-state file.
    pub fn json(&self) -> Json {
        let mut json = json!(Diagnostic::from(self));
        if let Error::Desired(error) | Error::HooksFile(HooksFileError(error)) = self {
            json["file"] = json!(error.file);
            json["line"] = json!(error.line);
            json["column"] = json!(error.column);
        }
        json
    }

    /// Returns the error of a module below, if this is one.
    fn inner(&self) -> Option<&dyn ToDiagnostic> {
        Some(match self {
            Error::Locate(error) => error,
            Error::Encoding { source, .. } => source,
            Error::Name(error) => error,
            Error::Value(error) => error,
            Error::HookCommand(error) => error,
            Error::HookText(error) => error,
            Error::Target(error) => error,
            Error::Verify(error) => error,
            Error::Transaction(failure) => &**failure,
            Error::Lock(error) => error,
            Error::Desired(error) => error,
            Error::HooksFile(error) => error,
            Error::Links(error) => error,
            Error::Profile(error) => error,
            Error::Scan(error) => error,
            Error::Plain { diagnostic, .. } => diagnostic,
            Error::NotThere { .. }
            | Error::BrokenLink { .. }
            | Error::NotRegular { .. }
            | Error::Unreadable { .. }
            | Error::TooLarge { .. }
            | Error::NotMicrosip { .. } => return None,
        })
    }
}

impl ToDiagnostic for Error {
    fn code(&self) -> Code {
        match self {
            Error::NotThere { .. } | Error::BrokenLink { .. } => Code::IniNotFound,
            Error::NotRegular { .. } => Code::FileNotRegular,
            Error::Unreadable { .. } => Code::FileRead,
            Error::TooLarge { .. } => Code::NotAnIni,
            Error::NotMicrosip { .. } => Code::NotMicrosip,
            _ => self.inner().map_or(Code::Usage, ToDiagnostic::code),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::NotThere { .. } => {
                "check the path; to create the ini, add --create to set, set-hook or apply"
            }
            Error::BrokenLink { .. } => "fix the link, or use the path of the ini itself",
            Error::NotRegular { .. } => {
                "use MicroSIP's ini, usually …\\AppData\\Roaming\\MicroSIP\\MicroSIP.ini"
            }
            Error::Unreadable { source, .. } if platform::is_file_in_use(source) => {
                "another program has it open; close that program, then try again"
            }
            Error::Unreadable { source, .. } if source.kind() == io::ErrorKind::InvalidInput => {
                "put a regular file in its place, or remove it"
            }
            Error::Unreadable { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                "make it smaller; long values belong into files or environment variables"
            }
            Error::Unreadable { .. } => "check that you may read it",
            Error::TooLarge { .. } => "check the path; an ini is written as UTF-16, two bytes per character",
            Error::NotMicrosip { .. } => "check the path; to edit it anyway, use --any-ini",
            _ => return self.inner().and_then(ToDiagnostic::hint),
        };
        Some(hint.into())
    }
}

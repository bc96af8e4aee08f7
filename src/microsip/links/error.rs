//! Errors about links.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Code, ToDiagnostic};

/// The reason why links can't be shown, or MicroSIP can't be registered for them.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    #[error("the programs that open links are in Windows' registry, so this works only on Windows")]
    NotWindows,
    #[error("no installed MicroSIP was found in the registry")]
    NotInstalled,
    #[error("{exe} doesn't exist")]
    Missing { exe: PathBuf },
    #[error("{exe} can't be registered for links: {why}")]
    NotExecutable { exe: PathBuf, why: String },
    #[error("can't access the registry: {source}")]
    Registry { changed: bool, source: io::Error },
}

impl LinksError {
    /// Returns whether anything was written before the error.
    pub fn changed(&self) -> bool {
        matches!(self, LinksError::Registry { changed: true, .. })
    }
}

impl From<io::Error> for LinksError {
    /// Converts an error of reading the registry.
    fn from(source: io::Error) -> Self {
        LinksError::Registry { changed: false, source }
    }
}

impl ToDiagnostic for LinksError {
    fn code(&self) -> Code {
        match self {
            LinksError::NotWindows => Code::WindowsOnly,
            LinksError::NotInstalled | LinksError::Missing { .. } => Code::MicrosipNotFound,
            LinksError::NotExecutable { .. } => Code::MicrosipRefused,
            LinksError::Registry { .. } => Code::RegistryFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            LinksError::NotWindows => "run msipcfg on Windows, or with wine in the Wine prefix",
            LinksError::NotInstalled | LinksError::Missing { .. } | LinksError::NotExecutable { .. } => {
                "specify MicroSIP's exe with --exe PATH"
            }
            LinksError::Registry { changed: true, .. } => {
                "part of it was written; run the command again, or undo it with 'msipcfg links --unset'"
            }
            LinksError::Registry { .. } => r"check the permissions of HKEY_CURRENT_USER\Software\Classes",
        };
        Some(hint.into())
    }
}

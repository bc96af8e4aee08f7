//! Errors of a transaction, with their codes and hints.

use std::io;
use std::path::{Path, PathBuf};

use super::step::Step;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::edit::lock::{BLOCKED_HINT, LockError};
use crate::microsip::instances::{Instance, ScanError};
use crate::platform;

/// A failed transaction. The ini has either the old bytes or the new ones.
#[derive(Debug)]
pub struct TransactionError<E> {
    /// The ini.
    pub ini: PathBuf,
    /// Whether the ini was changed before the failure.
    pub changed: bool,
    /// What went wrong.
    pub kind: TransactionErrorKind<E>,
}

/// What went wrong in a transaction.
#[derive(Debug)]
pub enum TransactionErrorKind<E> {
    /// A MicroSIP is using the ini.
    Running(Vec<Instance>),
    /// It isn't known whether a MicroSIP is using the ini.
    Scan(ScanError),
    /// The lock wasn't acquired.
    Lock(LockError),
    /// A file system operation failed.
    Io { step: Step, path: PathBuf, what: &'static str, source: io::Error },
    /// The ini is read-only.
    ReadOnly,
    /// Another program keeps writing to the ini.
    KeepsChanging,
    /// The user cancelled.
    Stopped,
    /// The edit couldn't be planned.
    Edit(E),
}

use TransactionErrorKind as Kind;

impl<E> Kind<E> {
    pub(super) fn io(step: Step, path: &Path, what: &'static str, source: io::Error) -> Kind<E> {
        Kind::Io { step, path: path.to_path_buf(), what, source }
    }
}

impl<E> From<ScanError> for Kind<E> {
    fn from(error: ScanError) -> Kind<E> {
        Kind::Scan(error)
    }
}

impl<E> From<LockError> for Kind<E> {
    fn from(error: LockError) -> Kind<E> {
        match error {
            LockError::Stopped => Kind::Stopped,
            error => Kind::Lock(error),
        }
    }
}

impl<E> TransactionError<E> {
    /// Replaces the paths, because the ini can be opened by another path than the one that the user knows.
    pub fn with_paths(mut self, known_as: impl Fn(&Path) -> PathBuf) -> Self {
        self.ini = known_as(&self.ini);
        match &mut self.kind {
            Kind::Io { path, .. }
            | Kind::Lock(LockError::Io { path, .. } | LockError::Busy { ini: path }) => {
                *path = known_as(path);
            }
            _ => {}
        }
        self
    }
}

impl<E: ToDiagnostic> std::fmt::Display for TransactionError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ini = self.ini.display();
        let state = if self.changed { "was changed, but" } else { "wasn't changed:" };
        match &self.kind {
            Kind::Running(blockers) if self.changed => write!(
                f,
                "{ini} was changed, but MicroSIP started in the meantime ({}) and may overwrite it with its old \
                 settings",
                list(blockers)
            ),
            Kind::Running(blockers) => {
                let is_certain = blockers.iter().any(|blocker| blocker.inis.known().is_some());
                let is_using = if is_certain { "is using" } else { "may be using" };
                write!(
                    f,
                    "{ini} wasn't changed: MicroSIP is still running ({}) and {is_using} it",
                    list(blockers)
                )
            }
            Kind::Scan(error) => write!(f, "{ini} {state} {error}"),
            Kind::Lock(error) if self.changed => write!(f, "{ini} {state} {error}"),
            Kind::Lock(error) => write!(f, "{error}"),
            Kind::Io { step, path, what, source } => {
                write!(f, "{ini} {state} {} {what}: {source} (step {})", path.display(), step.name())
            }
            Kind::ReadOnly => write!(f, "{ini} {state} it is read-only"),
            Kind::KeepsChanging => write!(f, "{ini} {state} another program keeps writing to it"),
            Kind::Stopped if self.changed => {
                write!(f, "Cancelled. {ini} was changed, but another program may have overwritten it.")
            }
            Kind::Stopped => write!(f, "Cancelled. {ini} was not changed."),
            Kind::Edit(error) if self.changed => write!(f, "{ini} {state} {error}"),
            Kind::Edit(error) => write!(f, "{error}"),
        }
    }
}

impl<E: ToDiagnostic> ToDiagnostic for TransactionError<E> {
    fn code(&self) -> Code {
        match &self.kind {
            Kind::Running(_) if self.changed => Code::EditMayBeUndone,
            Kind::Running(_) => Code::MicrosipRunning,
            Kind::Scan(error) => error.code(),
            Kind::Lock(error) => error.code(),
            Kind::Io { step: Step::Read, .. } => Code::FileRead,
            Kind::Io { step: Step::Backup | Step::Prune, .. } => Code::BackupFailed,
            Kind::Io { .. } | Kind::KeepsChanging => Code::FileWrite,
            Kind::ReadOnly => Code::FileReadOnly,
            Kind::Stopped => Code::Interrupted,
            Kind::Edit(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match &self.kind {
            Kind::Running(_) if self.changed => {
                "exit MicroSIP with the Exit command of its menu, then run the command again".into()
            }
            Kind::Running(blockers) if blockers.iter().all(|blocker| blocker.is_refused && !blocker.is_own) => {
                "run msipcfg as an administrator to see which ini this MicroSIP uses, ask its user to exit MicroSIP, or \
                 wait longer with --timeout"
                    .into()
            }
            Kind::Running(_) => {
                let close = if platform::CAN_REACH_WINDOWS { "use --close, " } else { "" };
                format!(
                    "exit MicroSIP with the Exit command of its menu (the X only hides its window), {close}or wait \
                     longer with --timeout"
                )
            }
            Kind::Scan(error) => return error.hint(),
            Kind::Lock(error) => return error.hint(),
            Kind::Io { step, source, .. } => io_hint(*step, source, self.changed),
            Kind::KeepsChanging => "close the program that writes to it, then run the command again".into(),
            Kind::ReadOnly => "remove the read-only attribute, then run the command again".into(),
            Kind::Stopped => return None,
            Kind::Edit(error) => return error.hint(),
        })
    }
}

fn io_hint(step: Step, error: &io::Error, changed: bool) -> String {
    let advice = match error.kind() {
        io::ErrorKind::NotFound if matches!(step, Step::Lock | Step::Temp | Step::Backup) => BLOCKED_HINT,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free up space on the disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "check that you may write to this folder and that no other program has the file open, or run msipcfg as the \
             owner of the file"
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "use another path, because part of this one is a file where a folder is needed"
        }
        io::ErrorKind::ResourceBusy => {
            "check whether this file itself is mounted, as in a container; if so, mount its folder instead"
        }
        _ => "check the disk and the folder",
    };
    if changed {
        format!("the new ini is complete; {advice}")
    } else {
        format!("{advice}, then run the command again")
    }
}

fn list(blockers: &[Instance]) -> String {
    let shown: Vec<_> = blockers.iter().map(Instance::to_string).collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::microsip::used_inis::{Unknown, UsedInis};

    fn error(inis: UsedInis, is_refused: bool) -> TransactionError<Diagnostic> {
        let instance = Instance {
            pid: 4,
            started: 1,
            exe: r"C:\MicroSIP\MicroSIP.exe".into(),
            exe_on_disk: None,
            user: None,
            is_own: false,
            session: Some(3),
            inis,
            is_refused,
        };
        let ini = PathBuf::from("MicroSIP.ini");
        TransactionError { ini, changed: false, kind: Kind::Running(vec![instance]) }
    }

    #[test]
    fn a_microsip_that_cant_be_read_only_may_be_using_the_ini() {
        let known = error(UsedInis::Known(vec!["MicroSIP.ini".into()]), false);
        assert!(known.to_string().ends_with("MicroSIP.exe, pid 4) and is using it"), "{known}");
        assert!(known.hint().unwrap().contains("Exit command"));
        let unknown = error(UsedInis::Any(Unknown::CommandLine), true);
        assert!(unknown.to_string().contains("command line can't be read) and may be using it"), "{unknown}");
        assert!(unknown.hint().unwrap().contains("as an administrator"));
        assert_eq!(unknown.code(), Code::MicrosipRunning);
    }
}

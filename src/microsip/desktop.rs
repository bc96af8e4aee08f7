//! Whose desktop msipcfg runs on, and as which user MicroSIP is started there.

use std::io;
use std::path::Path;

use super::instances::name_of;
use crate::diagnostic::{Code, Diagnostic};
use crate::platform::{self, Identity, Rights};

/// Why MicroSIP isn't started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "msipcfg is running without a desktop (as a service, over SSH or over WinRM), so MicroSIP would be invisible"
    )]
    NoDesktop,
    #[error("msipcfg runs as another user, so MicroSIP would start with that user's settings")]
    OtherUser,
    #[error("MicroSIP should run as administrator, and msipcfg doesn't")]
    HigherRights,
    #[error("{0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// Returns what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            StartError::NoDesktop => {
                "run msipcfg as the user who is logged on, for example from a scheduled task that runs only when the \
                 user is logged on"
            }
            StartError::OtherUser => "run msipcfg as the user who is logged on, or start MicroSIP yourself",
            StartError::HigherRights => "run msipcfg as administrator, or start MicroSIP yourself",
            StartError::System(_) => "start it yourself to see what's wrong",
        }
    }
}

/// The process whose user and rights MicroSIP should get.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Model {
    /// One that runs as this user, with these rights.
    Process(Identity),
    /// One that this user may not query.
    Unreadable,
    /// There is none: this desktop has no shell.
    NoShell { session: Option<u32> },
}

/// How MicroSIP is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartAs {
    /// With msipcfg's own user and rights.
    Own,
    /// With those of the model.
    Model,
}

/// Decides how MicroSIP is started.
fn start_as(own: &Identity, model: &Model) -> Result<StartAs, StartError> {
    match model {
        // the session of services, in which nobody sees a window
        Model::NoShell { session: Some(0) } => Err(StartError::NoDesktop),
        Model::NoShell { .. } => Ok(StartAs::Own),
        Model::Unreadable => Err(StartError::OtherUser),
        Model::Process(wanted) if own == wanted => Ok(StartAs::Own),
        // starting a program as another user takes a privilege that only administrators have
        Model::Process(_) if own.is_elevated => Ok(StartAs::Model),
        Model::Process(wanted) if own.user == wanted.user => Err(StartError::HigherRights),
        Model::Process(_) => Err(StartError::OtherUser),
    }
}

/// Starts MicroSIP as the user of this desktop, with the rights that programs have there. With administrator rights, it
/// wouldn't receive links that are clicked elsewhere.
///
/// # Errors
/// There is no desktop, it belongs to another user, or MicroSIP can't be started.
pub fn start(exe: &Path, argument: Option<&str>) -> Result<u32, StartError> {
    start_with(exe, argument, Rights::of_desktop())
}

/// Starts MicroSIP with the user and the rights of a process.
///
/// # Errors
/// `rights` couldn't be read, msipcfg may not use them, or MicroSIP can't be started.
pub fn start_like(exe: &Path, argument: Option<&str>, rights: Option<Rights>) -> Result<u32, StartError> {
    let rights = rights.map(Some).ok_or_else(|| io::ErrorKind::PermissionDenied.into());
    start_with(exe, argument, rights)
}

fn start_with(
    exe: &Path,
    argument: Option<&str>,
    rights: io::Result<Option<Rights>>,
) -> Result<u32, StartError> {
    let model = match &rights {
        Ok(Some(rights)) => Model::Process(rights.identity()),
        Ok(None) => Model::NoShell { session: platform::own_session() },
        Err(_) => Model::Unreadable,
    };
    let as_other = match start_as(&platform::own_identity(), &model)? {
        StartAs::Own => None,
        StartAs::Model => rights?,
    };
    Ok(platform::start(exe, argument, as_other.as_ref())?)
}

/// Returns a warning if another user is logged on at this desktop than the one whose settings msipcfg uses. That
/// happens when a user without administrator rights enters an administrator's password.
pub fn other_user_warning() -> Option<Diagnostic> {
    let desktop = Rights::of_desktop().ok()??.identity();
    other_user(&platform::own_identity(), &desktop)
}

fn other_user(own: &Identity, desktop: &Identity) -> Option<Diagnostic> {
    let (own, desktop) = own.user.as_ref().zip(desktop.user.as_ref())?;
    if own == desktop {
        return None;
    }
    let [own, desktop] = [own, desktop].map(name_of);
    let message = format!("msipcfg runs as {own}, but {desktop} is logged on, so it uses {own}'s settings");
    let hint = format!("to use {desktop}'s settings, run msipcfg as {desktop}, without administrator rights");
    Some(Diagnostic::new(Code::SettingsOfOtherUser, message).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::UserId;

    fn identity(user: &str, is_elevated: bool) -> Identity {
        Identity { user: Some(UserId(user.into())), is_elevated }
    }

    #[test]
    fn microsip_starts_as_the_user_of_the_desktop_or_not_at_all() {
        let of = |user, is_elevated| Model::Process(identity(user, is_elevated));
        let unknown = || Model::Process(Identity { user: None, is_elevated: false });
        for (what, own, model, expected) in [
            ("at my own desktop", identity("ann", false), of("ann", false), Ok(StartAs::Own)),
            ("as administrator", identity("ann", true), of("ann", false), Ok(StartAs::Model)),
            ("without UAC", identity("ann", true), of("ann", true), Ok(StartAs::Own)),
            ("as another administrator", identity("bob", true), of("ann", false), Ok(StartAs::Model)),
            ("as SYSTEM at a desktop", identity("S-1-5-18", true), of("ann", false), Ok(StartAs::Model)),
            ("by runas", identity("bob", false), of("ann", false), Err("another user")),
            ("by runas, refused", identity("bob", false), Model::Unreadable, Err("another user")),
            ("like an elevated one", identity("ann", false), of("ann", true), Err("as administrator")),
            ("like one of an unknown user", identity("ann", false), unknown(), Err("another user")),
            (
                "as a service",
                identity("S-1-5-18", true),
                Model::NoShell { session: Some(0) },
                Err("without a desktop"),
            ),
            (
                "over SSH",
                identity("ann", true),
                Model::NoShell { session: Some(0) },
                Err("without a desktop"),
            ),
            ("as a RemoteApp", identity("ann", false), Model::NoShell { session: Some(3) }, Ok(StartAs::Own)),
        ] {
            match (start_as(&own, &model), expected) {
                (Ok(decided), Ok(expected)) => assert_eq!(decided, expected, "{what}"),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{what}: {error}");
                }
                (decided, _) => panic!("{what}: {decided:?}"),
            }
        }
    }

    #[test]
    fn another_users_desktop_is_reported() {
        let [ann, admin] = [identity("ann", false), identity("admin", true)];
        let warning = other_user(&admin, &ann).unwrap();
        assert_eq!(warning.code, Code::SettingsOfOtherUser);
        assert!(warning.message.contains("it uses admin's settings"), "{warning}");
        assert_eq!(other_user(&identity("ann", true), &ann), None);
        assert_eq!(other_user(&Identity { user: None, ..admin }, &ann), None);
    }
}

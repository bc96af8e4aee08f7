//! What can be wrong with the program of a hook.

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::shell::CallerOptions;

/// Which errors are accepted instead of refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// A program that doesn't exist yet.
    pub missing: bool,
    /// An unsafe program.
    pub unsafe_target: bool,
    /// A program marked as downloaded from the internet, because the mark will be removed.
    pub mark: bool,
}

/// Where programs of hooks should be. A new folder such as C:\hooks can be changed by all users.
const COPY_HINT: &str =
    "copy it to a folder that only administrators may change, such as C:\\Program Files\\Hooks";

/// What a file is to a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// MicroSIP starts it.
    Program,
    /// A program that MicroSIP starts reads it.
    Script,
}

impl Role {
    fn effect_of_mark(self) -> &'static str {
        match self {
            Role::Program => "so Windows asks before it starts it, but nobody sees the question",
            Role::Script => "so the program that runs it may ask or refuse to run it, but nobody sees that",
        }
    }
}

/// Something wrong with the program of a hook, or a risk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("'{typed}' isn't a full Windows path")]
    Relative { typed: String, advice: String },
    #[error("'{typed}' is a name without a folder, so MicroSIP could start another file of that name")]
    FoundByName { typed: String, path: Option<String> },
    #[error("'{path}' can't be started: {why}")]
    BadPath { path: String, why: &'static str },
    #[error("{path} doesn't exist")]
    Missing { path: String, nearest: Option<String> },
    #[error(
        "{path} exists only for 64-bit programs: MicroSIP is a 32-bit program, for which Windows looks in another folder \
         (SysWOW64)"
    )]
    Only64Bit { path: String, sysnative: String },
    #[error("{path} is a folder")]
    Folder { path: String },
    #[error("{path} can't be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("{path} is empty")]
    Empty { path: String },
    #[error("{path} isn't a program: {why}")]
    NotProgram { path: String, why: &'static str },
    #[error(
        "{path} is a batch file: it receives the caller's text unquoted, so a caller who sends an & in it can run \
         commands on this computer"
    )]
    Batch { path: String },
    #[error(
        "{path} reads the caller's text as part of a command, so a caller who sends an & or ; in it can run commands on \
         this computer"
    )]
    Shell { path: String },
    #[error("{path} reads options from the caller's text, so a caller can change what it does")]
    CallerOptions { path: String, options: CallerOptions },
    #[error("{interpreter}, which runs {path}, wasn't found")]
    InterpreterMissing { path: String, interpreter: &'static str },
    #[error("{path} can't be checked from this computer")]
    Unchecked { path: String },
    #[error(
        "{path} is on a network drive: when the drive is slow or unavailable, each call freezes MicroSIP for up to 10 \
         seconds"
    )]
    Network { path: String },
    #[error("{path} is in the folder of another user, {user}")]
    OtherUser { path: String, user: String },
    #[error("{path} is in a folder for temporary files or downloads, where it may be deleted or replaced")]
    Temporary { path: String },
    #[error("{path} is marked as downloaded from the internet, {}", .role.effect_of_mark())]
    Blocked { path: String, role: Role },
    #[error("{path} is marked as downloaded from the internet, and the mark can't be removed: {why}")]
    StaysBlocked { path: String, why: String },
    #[error("other users could replace {path}: {who} may change {place}")]
    Writable { path: String, place: String, who: String, fix: Option<String>, is_strict: bool },
}

impl TargetError {
    /// Returns whether MicroSIP can't start the program.
    pub fn is_fatal(&self) -> bool {
        use TargetError as E;
        !matches!(
            self,
            E::FoundByName { .. }
                | E::Batch { .. }
                | E::Shell { .. }
                | E::CallerOptions { .. }
                | E::Unchecked { .. }
                | E::Network { .. }
                | E::OtherUser { .. }
                | E::Temporary { .. }
                | E::Blocked { role: Role::Script, .. }
                | E::Writable { .. }
        )
    }

    /// Returns whether there is an option that accepts it.
    pub fn can_be_allowed(&self) -> bool {
        self.needs(Allow { missing: true, unsafe_target: true, mark: true })
    }

    /// Returns whether it needs `--allow-unsafe`.
    pub fn is_unsafe(&self) -> bool {
        self.needs(Allow { unsafe_target: true, ..Allow::default() })
    }

    fn needs(&self, allow: Allow) -> bool {
        self.is_refused(Allow::default()) && !self.is_refused(allow)
    }

    /// Returns the error, which then counts as a warning, if it doesn't prevent a hook from being set.
    ///
    /// # Errors
    /// With the error, if it does.
    pub fn accept(self, allow: Allow) -> Result<TargetError, TargetError> {
        if self.is_refused(allow) { Err(self) } else { Ok(self) }
    }

    /// Returns whether it prevents a hook from being set.
    fn is_refused(&self, allow: Allow) -> bool {
        match self {
            TargetError::Missing { .. }
            | TargetError::Only64Bit { .. }
            | TargetError::InterpreterMissing { .. } => !allow.missing,
            TargetError::Batch { .. } | TargetError::Shell { .. } => !allow.unsafe_target,
            TargetError::Writable { is_strict, .. } => *is_strict && !allow.unsafe_target,
            TargetError::Blocked { role: Role::Program, .. } => !allow.mark,
            error => error.is_fatal(),
        }
    }
}

impl ToDiagnostic for TargetError {
    fn code(&self) -> Code {
        match self {
            TargetError::Relative { .. } | TargetError::FoundByName { .. } => Code::HookTargetRelative,
            TargetError::BadPath { .. } => Code::HookTargetBadPath,
            TargetError::Missing { .. } | TargetError::Only64Bit { .. } => Code::HookTargetMissing,
            TargetError::Folder { .. } => Code::HookTargetFolder,
            TargetError::Unreadable { .. } => Code::HookTargetUnreadable,
            TargetError::Empty { .. } => Code::HookTargetEmpty,
            TargetError::NotProgram { .. } => Code::HookTargetNotProgram,
            TargetError::Batch { .. } => Code::HookTargetBatch,
            TargetError::Shell { .. } => Code::HookTargetShell,
            TargetError::CallerOptions { .. } => Code::HookTargetOptions,
            TargetError::InterpreterMissing { .. } => Code::HookInterpreterMissing,
            TargetError::Unchecked { .. } => Code::HookTargetUnchecked,
            TargetError::Network { .. } => Code::HookTargetNetwork,
            TargetError::OtherUser { .. } => Code::HookTargetOtherUser,
            TargetError::Temporary { .. } => Code::HookTargetTemporary,
            TargetError::Blocked { .. } | TargetError::StaysBlocked { .. } => Code::HookTargetBlocked,
            TargetError::Writable { .. } => Code::HookTargetWritable,
        }
    }

    fn hint(&self) -> Option<String> {
        use TargetError as E;
        let hint = match self {
            E::Relative { advice, .. } => return Some(advice.clone()),
            E::FoundByName { path: Some(path), .. } => return Some(format!("use its full path, {path}")),
            E::Only64Bit { sysnative, .. } => return Some(format!("use {sysnative}")),
            E::Missing { nearest: Some(nearest), .. } => {
                return Some(format!(
                    "did you mean {nearest}? To allow a missing program, use --allow-missing"
                ));
            }
            E::InterpreterMissing { interpreter, .. } => {
                return Some(format!(
                    "install {interpreter}, or use its full path as the program and the script as its argument"
                ));
            }
            E::Writable { fix, is_strict, .. } => return Some(hint_for_writable(fix.as_deref(), *is_strict)),
            E::FoundByName { path: None, .. } => "use its full path, such as C:\\hooks\\ring.exe",
            E::BadPath { .. } => "use the full path of the program, such as C:\\hooks\\ring.exe",
            E::Missing { nearest: None, .. } => {
                "check the path; set-hook and apply allow it with --allow-missing"
            }
            E::Folder { .. } => "use the path of a program in it",
            E::Unreadable { .. } => "make sure that MicroSIP's user can read it",
            E::Empty { .. } => "copy the file there again",
            E::NotProgram { .. } => "use a program (.exe) or a script (.ps1 .vbs .js .wsf .py .pyw .jar)",
            E::Batch { .. } => {
                "let msipcfg run it, as 'msipcfg set-hook' does, or accept the risk with 'set-hook --direct'"
            }
            E::Shell { .. } => {
                "use the script itself as the program; msipcfg then runs it. Or accept the risk with 'set-hook --allow-unsafe'"
            }
            E::CallerOptions { options: CallerOptions::Anywhere, .. } => {
                "use the script itself as the program; msipcfg then runs it, without such options"
            }
            E::CallerOptions { options: CallerOptions::BeforeDoubleDash, .. } => {
                "end the hook's arguments with '--', or let a script start it"
            }
            E::Unchecked { .. } => "check it on the Windows computer with 'msipcfg hooks'",
            E::Network { .. } => "copy it to a local disk",
            E::OtherUser { .. } | E::Temporary { .. } => COPY_HINT,
            E::Blocked { .. } => {
                "if you trust it, remove the mark with 'set-hook --unblock', or in Explorer with Properties > Unblock"
            }
            E::StaysBlocked { .. } => {
                "run msipcfg as a user who may change the file, or remove the mark in Explorer with Properties > Unblock"
            }
        };
        Some(hint.into())
    }
}

fn hint_for_writable(fix: Option<&str>, is_strict: bool) -> String {
    let risk = if is_strict { "accept the risk with 'set-hook --allow-unsafe', or " } else { "" };
    match fix {
        // at the end, so that people can copy the rest of the line
        Some(commands) => format!("{risk}fix it: {commands}"),
        None => {
            format!("{risk}{COPY_HINT}")
        }
    }
}

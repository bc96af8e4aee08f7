//! What is wrong with the text of a command.

use crate::diagnostic::{Code, ToDiagnostic};
use crate::microsip::version::Version;

use super::model::READ_LIMIT;

/// Why a command doesn't do what its author probably intended, as far as its text shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookTextError {
    #[error("the value contains only spaces, so MicroSIP would start itself and dial the caller")]
    Blank,
    #[error("a web address isn't a program, so MicroSIP can't add the number to it")]
    Url,
    #[error("the value is {length} characters long; MicroSIP reads only the first {READ_LIMIT}")]
    Cut { length: usize },
    #[error(
        "MicroSIP removes the first and the last quote when it reads the value, so it would start '{file}'"
    )]
    QuotesLost { file: String },
    #[error(
        "the first and the last quote are missing (MicroSIP 3.21.4 and older remove them when they save), so MicroSIP \
         would start '{file}'"
    )]
    Decayed { file: String },
    #[error("the path '{path}' contains a space and isn't quoted, so MicroSIP would start '{file}'")]
    PathUnquoted { path: String, file: String },
    #[error("the argument '{arg}' loses its quotes, so the program receives it in {pieces} pieces")]
    ArgumentSplit { arg: String, pieces: usize },
    #[error("MicroSIP will save this command without its outer quotes and then run a different one")]
    Unstable,
    #[error("'{name}' is a command of cmd.exe, not a program, so MicroSIP can't start it")]
    BuiltIn { name: String },
    #[error("MicroSIP uses no shell, so it passes '{operator}' to the program as an argument")]
    ShellOperator { operator: String },
    #[error("a comment needs its own line in an ini; MicroSIP passes '{comment}' to the program")]
    Comment { comment: String },
    #[error("MicroSIP doesn't expand {variable}")]
    Variable { variable: String },
    #[error("MicroSIP doesn't substitute {placeholder}; it adds the caller's text after the arguments")]
    Placeholder { placeholder: String },
    #[error("{mask} isn't replaced here, only in the outgoing event of MicroSIP {since} and newer")]
    MaskIgnored { mask: &'static str, since: Version },
    #[error("{mask} puts the account's password on a command line, where every program can read it")]
    SecretMask { mask: &'static str },
    #[error("{mask} is useless here: when an outgoing call starts, it is always {text}")]
    MaskConstant { mask: &'static str, text: &'static str },
    #[error("MicroSIP passes the number as a separate argument, so '{argument}' stays incomplete")]
    NumberDetached { argument: String },
    #[error("a quote isn't closed, so the number becomes part of the last argument, such as '{arg}'")]
    NumberJoined { arg: String },
}

impl HookTextError {
    /// Returns the path that lacks quotes.
    pub fn unquoted_path(&self) -> Option<&str> {
        match self {
            HookTextError::PathUnquoted { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Returns whether the wrong program starts, or its arguments or the number don't arrive as intended. Otherwise
    /// this is only a warning.
    pub fn is_fatal(&self) -> bool {
        use HookTextError as E;
        !matches!(self, E::Comment { .. } | E::SecretMask { .. } | E::MaskConstant { .. })
    }

    /// Returns whether the right program starts and receives what the text says. A user who asks for a text verbatim
    /// gets it then.
    pub fn is_accepted_verbatim(&self) -> bool {
        use HookTextError as E;
        let is_literal = matches!(
            self,
            E::Placeholder { .. } | E::MaskIgnored { .. } | E::NumberDetached { .. } | E::NumberJoined { .. }
        );
        is_literal || !self.is_fatal()
    }
}

impl ToDiagnostic for HookTextError {
    fn code(&self) -> Code {
        match self {
            HookTextError::Blank => Code::HookBlank,
            HookTextError::Url => Code::HookUrl,
            HookTextError::Cut { .. } => Code::HookCut,
            HookTextError::QuotesLost { .. } => Code::HookQuotesLost,
            HookTextError::Decayed { .. } => Code::HookDecayed,
            HookTextError::PathUnquoted { .. } => Code::HookPathUnquoted,
            HookTextError::ArgumentSplit { .. } => Code::HookArgumentSplit,
            HookTextError::Unstable => Code::HookUnstable,
            HookTextError::BuiltIn { .. } | HookTextError::ShellOperator { .. } => Code::HookShellWords,
            HookTextError::Comment { .. } => Code::HookComment,
            HookTextError::Variable { .. } | HookTextError::Placeholder { .. } => Code::HookPlaceholder,
            HookTextError::MaskIgnored { .. } => Code::HookMaskIgnored,
            HookTextError::SecretMask { .. } => Code::HookMaskSecret,
            HookTextError::MaskConstant { .. } => Code::HookMaskConstant,
            HookTextError::NumberDetached { .. } => Code::HookNumberDetached,
            HookTextError::NumberJoined { .. } => Code::HookNumberJoined,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            HookTextError::Blank => "to remove it, run 'msipcfg unset-hook EVENT'",
            HookTextError::Url => {
                "to open it with the number in it, run 'msipcfg set-hook EVENT --open URL', with {number} in the URL"
            }
            HookTextError::Cut { .. } => "move the arguments into a script, and set the script as the hook",
            HookTextError::BuiltIn { name } if ["start", "call"].contains(&&*name.to_ascii_lowercase()) => {
                "remove this word; MicroSIP starts the program without it"
            }
            HookTextError::BuiltIn { .. } | HookTextError::ShellOperator { .. } => {
                "move the commands into a script, and set the script as the hook"
            }
            HookTextError::Comment { .. } => "move it to a line of its own that starts with a semicolon",
            HookTextError::Variable { .. } => {
                "use the full path; a desired-state file can use ${user} and ${profile}"
            }
            HookTextError::MaskIgnored { .. } | HookTextError::Placeholder { .. } => {
                "remove it, and let the program read what follows its own arguments"
            }
            HookTextError::SecretMask { .. } => "set the hook again without the mask",
            HookTextError::MaskConstant { .. } => {
                "remove it; the program doesn't receive an argument that is only an empty mask"
            }
            HookTextError::NumberDetached { .. } => {
                "let the program read the number from what follows its own arguments"
            }
            HookTextError::PathUnquoted { .. } => {
                "put the path in quotes; 'msipcfg set-hook EVENT PROGRAM ARGS' adds those that MicroSIP needs"
            }
            HookTextError::QuotesLost { .. }
            | HookTextError::Decayed { .. }
            | HookTextError::ArgumentSplit { .. }
            | HookTextError::NumberJoined { .. } => {
                "set it with 'msipcfg set-hook EVENT PROGRAM ARGS', which adds the right quotes"
            }
            HookTextError::Unstable => {
                "add one more argument, which keeps the quotes: 'msipcfg set-hook EVENT PROGRAM -'"
            }
        };
        Some(hint.into())
    }
}

//! Words that are no command line: clap's errors, with better guesses at what was meant.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Cli;
use crate::diagnostic::{Code, ToDiagnostic};
use crate::guess;

/// What other programs call what a command does.
const ALSO_KNOWN_AS: &[(&str, &[&str])] = &[
    ("hook", &["hooks", "set-hook"]),
    ("add", &["set-hook", "set"]),
    ("add-hook", &["set-hook"]),
    ("remove", &["unset-hook", "unset"]),
    ("remove-hook", &["unset-hook"]),
    ("delete", &["unset-hook", "unset"]),
    ("delete-hook", &["unset-hook"]),
    ("rm", &["unset-hook", "unset"]),
    ("clear", &["unset-hook", "unset"]),
    ("show", &["hooks", "list"]),
    ("ls", &["list", "hooks"]),
    ("print", &["get", "list"]),
    ("config", &["list", "set"]),
    ("settings", &["list", "keys"]),
    ("undo", &["restore"]),
    ("revert", &["restore"]),
    ("rollback", &["restore"]),
    ("run", &["start"]),
    ("open", &["start"]),
    ("quit", &["exit"]),
    ("stop", &["exit"]),
    ("close", &["exit"]),
    ("kill", &["exit"]),
    ("dial", &["call"]),
    ("accept", &["answer"]),
    ("decline", &["hangup"]),
    ("reject", &["hangup"]),
    ("completion", &["completions"]),
];

/// The error with the commands that may have been meant; clap's own guesses name many that were not.
pub fn with_guesses(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) {
        let guesses = guesses(typed);
        error.remove(ContextKind::SuggestedSubcommand);
        if !guesses.is_empty() {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(guesses));
        }
    }
    error
}

fn guesses(typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase().replace('_', "-");
    if let Some((_, commands)) = ALSO_KNOWN_AS.iter().find(|(name, _)| *name == typed) {
        return commands.iter().map(ToString::to_string).collect();
    }
    let command = Cli::command();
    let names = || command.get_subcommands().map(clap::Command::get_name);
    let bare = |name: &str| name.replace('-', "");
    let same = names().find(|name| bare(name) == bare(&typed));
    same.or_else(|| guess::nearest(&typed, names())).map(str::to_string).into_iter().collect()
}

/// What clap has to say, without its decoration.
pub struct Mistake<'a>(pub &'a clap::Error);

impl std::fmt::Display for Mistake<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.render().to_string();
        // up to the first blank line: what is missing may stand on lines of its own
        let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = lines.join(" ");
        f.write_str(message.strip_prefix("error: ").unwrap_or(&message))
    }
}

impl ToDiagnostic for Mistake<'_> {
    fn code(&self) -> Code {
        Code::Usage
    }

    fn hint(&self) -> Option<String> {
        let text = self.0.render().to_string();
        if let Some(tip) = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")) {
            return Some(tip.to_string());
        }
        Some("'msipcfg help' shows the commands, 'msipcfg COMMAND --help' one of them".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_guessed_from_slips_and_from_other_programs_words() {
        for (typed, meant) in [
            ("sethook", &["set-hook"][..]),
            ("set_hook", &["set-hook"]),
            ("SET-HOOK", &["set-hook"]),
            ("unsethook", &["unset-hook"]),
            ("unset-hooks", &["unset-hook"]),
            ("hook", &["hooks", "set-hook"]),
            ("backup", &["backups"]),
            ("evnets", &["events"]),
            ("sett", &["set"]),
            ("lsit", &["list"]),
            ("remove", &["unset-hook", "unset"]),
            ("undo", &["restore"]),
            ("xyzzy", &[]),
        ] {
            assert_eq!(guesses(typed), meant, "{typed}");
        }
    }

    #[test]
    fn what_is_guessed_is_there_and_what_is_there_is_not_guessed_at() {
        let command = Cli::command();
        let is_there = |name: &str| command.get_subcommands().any(|command| command.get_name() == name);
        for (typed, guesses) in ALSO_KNOWN_AS {
            assert!(!is_there(typed) && guesses.iter().all(|guess| is_there(guess)), "{typed}");
        }
    }
}

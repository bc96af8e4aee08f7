//! Suggestions for mistyped commands.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::Cli;
use crate::guess;

/// Names of commands in other programs, with ours.
const SYNONYMS: &[(&str, &[&str])] = &[
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

/// Replaces clap's suggestions for a mistyped command, which include many unrelated ones.
pub fn with_suggestions(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) {
        let suggestions = suggestions(typed);
        error.remove(ContextKind::SuggestedSubcommand);
        if !suggestions.is_empty() {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(suggestions));
        }
    }
    error
}

fn suggestions(typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase().replace('_', "-");
    if let Some((_, commands)) = SYNONYMS.iter().find(|(name, _)| *name == typed) {
        return commands.iter().map(ToString::to_string).collect();
    }
    let command = Cli::command();
    let names = || command.get_subcommands().map(clap::Command::get_name);
    let without_hyphens = |name: &str| name.replace('-', "");
    let same = names().find(|name| without_hyphens(name) == without_hyphens(&typed));
    same.or_else(|| guess::nearest(&typed, names())).map(str::to_string).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_commands_for_typos_and_synonyms() {
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
            assert_eq!(suggestions(typed), meant, "{typed}");
        }
    }

    #[test]
    fn synonyms_lead_to_existing_commands_and_are_none_themselves() {
        let command = Cli::command();
        let exists = |name: &str| command.get_subcommands().any(|command| command.get_name() == name);
        for (synonym, commands) in SYNONYMS {
            assert!(!exists(synonym) && commands.iter().all(|name| exists(name)), "{synonym}");
        }
    }
}

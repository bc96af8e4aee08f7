//! clap's errors in msipcfg's words: suggestions for mistyped commands, the whole usage, and `hint` for `tip`.

use std::ffi::OsString;
use std::fmt;

use clap::builder::{StyledStr, Styles};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args;
use crate::diagnostic::{Code, ToDiagnostic};
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
    ("test", &["test-hook"]),
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

/// Commands of other programs for which ours aren't commands.
const ADVICE: &[(&str, &str)] = &[("version", "to print the version, use 'msipcfg --version'")];

/// Replaces what clap says about the usage of the command, and suggests for a mistyped command. `argv` is the whole
/// command line.
pub fn improved(mut error: clap::Error, argv: &[OsString]) -> clap::Error {
    suggest_command(&mut error);
    suggest_quotes(&mut error, argv);
    keep_near_options(&mut error);
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = whole_usage(&usage.to_string());
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error
}

/// Returns an error or a help text of clap as text.
pub fn rendered(error: &clap::Error) -> StyledStr {
    let valid = *Styles::default().get_valid();
    let text = error.render().ansi().to_string();
    text.replace(&format!("\n  {valid}tip:"), &format!("\n  {valid}hint:")).into()
}

/// Returns the usage of a command. clap's usage in errors has only arguments that were given or are required, and
/// counts variables as given.
fn whole_usage(shown: &str) -> StyledStr {
    let mut command = args::command();
    command.build();
    for word in shown.split_whitespace().skip_while(|word| *word != "msipcfg").skip(1) {
        match command.find_subcommand(word).cloned() {
            Some(subcommand) => command = subcommand,
            None => break,
        }
    }
    command.render_usage()
}

/// Replaces clap's suggestions for a mistyped command, which include many unrelated ones.
fn suggest_command(error: &mut clap::Error) {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else { return };
    let typed = normalized(typed);
    error.remove(ContextKind::SuggestedSubcommand);
    error.remove(ContextKind::Suggested);
    if let Some((_, advice)) = ADVICE.iter().find(|(name, _)| *name == typed) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![(*advice).into()]));
        return;
    }
    let suggestions = suggestions(&typed);
    if !suggestions.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(suggestions));
    }
}

/// Suggests quotes for a text to explain that was split at its spaces.
fn suggest_quotes(error: &mut clap::Error, argv: &[OsString]) {
    let Some(ContextValue::String(second)) = error.get(ContextKind::InvalidArg) else { return };
    let Some(at) = argv.iter().position(|argument| argument == second.as_str()) else { return };
    let is_explain = argv[..at].iter().any(|argument| argument == "explain");
    if error.kind() == ErrorKind::UnknownArgument && is_explain && !second.starts_with('-') {
        let more =
            argv[at..].iter().take_while(|argument| !argument.to_string_lossy().starts_with("--")).count();
        let command = args::joined(argv, at - 1, more + 1);
        let advice = format!("put the text in quotes:\n    {command}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
}

/// Removes clap's suggestions for an unknown option that only begin alike.
fn keep_near_options(error: &mut clap::Error) {
    let context = (error.get(ContextKind::InvalidArg), error.get(ContextKind::SuggestedArg));
    if let (Some(ContextValue::String(typed)), Some(ContextValue::String(suggested))) = context
        && guess::nearest(typed.trim_matches('-'), [suggested.trim_matches('-')]).is_none()
    {
        error.remove(ContextKind::SuggestedArg);
    }
}

fn normalized(typed: &str) -> String {
    typed.to_lowercase().replace('_', "-")
}

/// Returns the commands that may be meant by a normalized name.
fn suggestions(typed: &str) -> Vec<String> {
    if let Some((_, commands)) = SYNONYMS.iter().find(|(name, _)| *name == typed) {
        return commands.iter().map(ToString::to_string).collect();
    }
    let command = args::command();
    let shown = || command.get_subcommands().filter(|command| !command.is_hide_set());
    let names = || shown().map(clap::Command::get_name);
    let without_hyphens = |name: &str| name.replace('-', "");
    let same = names().find(|name| without_hyphens(name) == without_hyphens(typed));
    same.or_else(|| guess::nearest(typed, names())).map(str::to_string).into_iter().collect()
}

/// An error of clap as a diagnostic, for JSON and DSC.
pub struct RejectedByClap<'a>(pub &'a clap::Error);

impl fmt::Display for RejectedByClap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.render().to_string();
        // missing arguments are listed on lines of their own, up to the first empty line
        let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = lines.join(" ");
        f.write_str(message.strip_prefix("error: ").unwrap_or(&message))
    }
}

impl ToDiagnostic for RejectedByClap<'_> {
    fn code(&self) -> Code {
        Code::Usage
    }

    fn hint(&self) -> Option<String> {
        let text = rendered(self.0).to_string();
        let hint = text.split_once("  hint: ").and_then(|(_, rest)| rest.split("\n\n").next());
        let usual = "run 'msipcfg help' for a list of commands, or 'msipcfg COMMAND --help' for one of them";
        Some(hint.unwrap_or(usual).lines().map(str::trim).collect::<Vec<_>>().join("\n"))
    }
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
            assert_eq!(suggestions(&normalized(typed)), meant, "{typed}");
        }
    }

    #[test]
    fn synonyms_lead_to_existing_commands_and_are_none_themselves() {
        let command = args::command();
        let exists = |name: &str| command.get_subcommands().any(|command| command.get_name() == name);
        for (synonym, commands) in SYNONYMS {
            assert!(!exists(synonym) && commands.iter().all(|name| exists(name)), "{synonym}");
        }
        assert!(ADVICE.iter().all(|(name, _)| !exists(name)));
    }
}

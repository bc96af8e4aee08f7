//! Shell completion. clap completes commands and options; this module adds events, keys and values.

use std::ffi::OsStr;

use clap::builder::Str;
use clap::{Arg, ArgAction, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};

use super::args;
use crate::hook::event::Event;
use crate::microsip::keys::{self as catalogue, Key, Kind};

/// Returns the command line with completion of values. The value names in the help decide what is completed, so a new
/// command with an EVENT or a KEY needs nothing else.
pub fn command() -> Command {
    complete_arguments(args::command())
}

fn complete_arguments(command: Command) -> Command {
    let mixed = command.get_positionals().find(|arg| value_names(arg).len() > 1).cloned();
    let command = match mixed {
        Some(mixed) => split_argument(command, &mixed),
        None => command,
    };
    command.mut_args(complete_values).mut_subcommands(complete_arguments)
}

/// Splits an argument whose values differ in kind into several: clap_complete completes all values like the first.
fn split_argument(mut command: Command, mixed: &Arg) -> Command {
    let names = value_names(mixed).to_vec();
    for (index, name) in names.iter().enumerate() {
        let is_last = index + 1 == names.len();
        let values = if is_last { 0..=usize::MAX } else { 1..=1 };
        let set_up = |arg: Arg| arg.value_name(name.clone()).num_args(values).trailing_var_arg(is_last);
        command = if index == 0 {
            // what starts with a hyphen before the first value is an option of msipcfg
            let first = |arg: Arg| set_up(arg.action(ArgAction::Set)).allow_hyphen_values(false);
            command.mut_arg(mixed.get_id(), first)
        } else {
            command.arg(set_up(Arg::new(name.clone())))
        };
    }
    command
}

fn value_names(arg: &Arg) -> &[Str] {
    arg.get_value_names().unwrap_or_default()
}

fn complete_values(arg: Arg) -> Arg {
    match value_names(&arg).first().and_then(|name| ValueKind::from_name(name)) {
        Some(kind) => arg.add(ArgValueCompleter::new(move |typed: &OsStr| kind.candidates(typed))),
        None => arg,
    }
}

/// A kind of value that can be completed.
#[derive(Clone, Copy)]
enum ValueKind {
    Event,
    Key,
    Assignment,
    Section,
    Path,
}

impl ValueKind {
    fn from_name(name: &str) -> Option<ValueKind> {
        Some(match name {
            "EVENT" => ValueKind::Event,
            "[SECTION/]KEY" => ValueKind::Key,
            "[SECTION/]KEY=VALUE" => ValueKind::Assignment,
            "SECTION" => ValueKind::Section,
            "PATH" | "FILE" | "PROGRAM" | "ARGS" => ValueKind::Path,
            _ => return None,
        })
    }

    fn candidates(self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let text = typed.to_str().unwrap_or_default();
        let all = match self {
            ValueKind::Event => events(),
            ValueKind::Key => keys(text, ""),
            ValueKind::Assignment => match text.split_once('=') {
                Some((path, _)) => assignments(path),
                None => keys(text, "="),
            },
            ValueKind::Section => sections("").collect(),
            ValueKind::Path => return PathCompleter::any().complete(typed),
        };
        let starts_with_text = |candidate: &CompletionCandidate| {
            let value = candidate.get_value().to_string_lossy();
            value.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text))
        };
        all.into_iter().filter(starts_with_text).collect()
    }
}

fn candidate(value: String, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_string().into()))
}

/// Returns the names and aliases of events. Their ini keys are accepted too, but would only make the list longer.
fn events() -> Vec<CompletionCandidate> {
    let of_event = |event: &Event| {
        let (names, when) =
            (std::iter::once(event.name()).chain(event.aliases().iter().copied()), event.when());
        names.map(move |name| candidate(name.into(), when))
    };
    Event::ALL.iter().flat_map(of_event).collect()
}

/// Returns the keys of the typed section, each with `suffix`; without a section, the keys of [Settings] and the other
/// sections.
fn keys(typed: &str, suffix: &str) -> Vec<CompletionCandidate> {
    let has_name = |key: &Key| key.name != "#";
    match typed.split_once('/') {
        Some((section, _)) => catalogue::of_section(section)
            .all()
            .filter(has_name)
            .map(|key| candidate(format!("{section}/{}{suffix}", key.name), key.meaning))
            .collect(),
        None => catalogue::of_section("Settings")
            .all()
            .map(|key| candidate(format!("{}{suffix}", key.name), key.meaning))
            .chain(sections("/"))
            .collect(),
    }
}

fn sections(suffix: &str) -> impl Iterator<Item = CompletionCandidate> {
    catalogue::sections().into_iter().map(move |section| {
        // most users have one account
        let name = if section == "AccountN" { "Account1" } else { section };
        CompletionCandidate::new(format!("{name}{suffix}"))
    })
}

fn assignments(path: &str) -> Vec<CompletionCandidate> {
    let (section, name) = path.split_once('/').unwrap_or(("Settings", path));
    let values: Vec<&str> = match catalogue::find(section, name).map(|key| key.kind) {
        Some(Kind::Bool(_)) => vec!["0", "1"],
        Some(Kind::Enum(words)) => words.iter().map(|word| word.text).collect(),
        Some(Kind::Secret) => vec!["@env:", "@-"],
        _ => Vec::new(),
    };
    values.iter().map(|value| CompletionCandidate::new(format!("{path}={value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(arguments: &[&str]) -> Vec<String> {
        let argv: Vec<_> = ["msipcfg"].iter().chain(arguments).map(Into::into).collect();
        let last = argv.len() - 1;
        let candidates = clap_complete::engine::complete(&mut command(), argv, last, None).unwrap();
        let values = candidates.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned());
        values.filter(|value| value.starts_with("--event=") || !value.starts_with('-')).collect()
    }

    #[test]
    fn events_are_offered_wherever_one_is_accepted() {
        for arguments in [
            &["set-hook", "ri"][..],
            &["set-hook", "--dry-run", "ri"],
            &["set-hook", "-n", "ri"],
            &["set-hook", "-qn", "ri"],
            &["unset-hook", "ri"],
            &["unset-hook", "end", "ri"],
            &["explain", "--event", "ri"],
            &["explain", "--event=RI"],
        ] {
            let offered = offered(arguments);
            let events: Vec<_> = offered.iter().map(|value| value.trim_start_matches("--event=")).collect();
            assert_eq!(events, ["ring", "ringing"], "{arguments:?}");
        }
    }

    #[test]
    fn files_are_offered_after_the_event() {
        let folder = tempfile::tempdir().unwrap();
        let [ring, tab] = ["ring.exe", "ring.tab"].map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            path.to_str().unwrap().to_string()
        });
        let start = folder.path().join("ri");
        let start = start.to_str().unwrap();
        for arguments in [
            &["set-hook", "ring", start][..],
            &["set-hook", "ring", "x.exe", start],
            &["set-hook", "ring", "x.exe", "a", start],
            &["get", "--ini", start],
        ] {
            assert_eq!(offered(arguments), [ring.as_str(), &tab], "{arguments:?}");
        }
        assert_eq!(offered(&["set-hook", "ring", "rin"]), [""; 0], "a program, not an event");
    }

    #[test]
    fn keys_are_offered_in_any_letter_case_and_section() {
        assert_eq!(offered(&["get", "CMDINC"]), ["cmdIncomingCall"]);
        assert_eq!(offered(&["get", "VAD", "account7/dom"]), ["account7/domain"]);
        assert_eq!(offered(&["unset", "Acc"]), ["accountId", "Account1/"]);
        assert_eq!(offered(&["set", "volumeR"]), ["volumeRing="]);
        assert_eq!(offered(&["set", "VAD="]), ["VAD=0", "VAD=1"]);
        assert_eq!(
            offered(&["set", "Account1/password="]),
            ["Account1/password=@env:", "Account1/password=@-"]
        );
        assert_eq!(offered(&["list", "Sho"]), ["Shortcuts"]);
        assert_eq!(offered(&["get", "zzz"]), [""; 0]);
    }
}

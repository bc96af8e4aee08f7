//! What a shell offers at Tab: clap knows the commands and options, this the events, keys and values. Nothing of it
//! is worked out unless a shell asks.

use std::ffi::OsStr;

use clap::builder::Str;
use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};

use super::args::Cli;
use crate::hook::event::Event;
use crate::microsip::keys::{self, Key, Kind};

/// The commands and options, with what can stand behind them. It goes by the names of values in the help, so a new
/// command that takes an EVENT or a KEY has it completed.
pub fn command() -> Command {
    complete_arguments(Cli::command())
}

fn complete_arguments(command: Command) -> Command {
    let mixed = command.get_positionals().find(|arg| names(arg).len() > 1).cloned();
    let command = match mixed {
        Some(mixed) => part(command, &mixed),
        None => command,
    };
    command.mut_args(complete_values).mut_subcommands(complete_arguments)
}

/// An argument whose values differ in kind becomes several: clap_complete takes the second value for the first.
fn part(command: Command, mixed: &Arg) -> Command {
    let names = names(mixed).to_vec();
    let is_last = |place: usize| place + 1 == names.len();
    names.iter().enumerate().fold(command, |command, (place, name)| {
        let values = if is_last(place) { 0..=usize::MAX } else { 1..=1 };
        let like = |arg: Arg| arg.value_name(name.clone()).num_args(values).trailing_var_arg(is_last(place));
        match place {
            // before it options are ours
            0 => command
                .mut_arg(mixed.get_id(), |arg| like(arg.action(ArgAction::Set)).allow_hyphen_values(false)),
            _ => command.arg(like(Arg::new(name.clone()))),
        }
    })
}

fn names(arg: &Arg) -> &[Str] {
    arg.get_value_names().unwrap_or_default()
}

fn complete_values(arg: Arg) -> Arg {
    match names(&arg).first().and_then(|name| Values::named(name)) {
        Some(values) => arg.add(ArgValueCompleter::new(move |start: &OsStr| values.for_start(start))),
        None => arg,
    }
}

/// What a value can be.
#[derive(Clone, Copy)]
enum Values {
    Event,
    Key,
    Assignment,
    Section,
    Path,
}

impl Values {
    fn named(name: &str) -> Option<Values> {
        Some(match name {
            "EVENT" => Values::Event,
            "[SECTION/]KEY" => Values::Key,
            "[SECTION/]KEY=VALUE" => Values::Assignment,
            "SECTION" => Values::Section,
            "PATH" | "FILE" | "PROGRAM" | "ARGS" => Values::Path,
            _ => return None,
        })
    }

    fn for_start(self, start: &OsStr) -> Vec<CompletionCandidate> {
        let typed = start.to_str().unwrap_or_default();
        let all = match self {
            Values::Event => events(),
            Values::Key => keys_like(typed, ""),
            Values::Assignment => match typed.split_once('=') {
                Some((path, _)) => assignments(path),
                None => keys_like(typed, "="),
            },
            Values::Section => sections("").collect(),
            Values::Path => return PathCompleter::any().complete(start),
        };
        let is_meant = |candidate: &CompletionCandidate| {
            let candidate = candidate.get_value().to_string_lossy();
            candidate.get(..typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(typed))
        };
        all.into_iter().filter(is_meant).collect()
    }
}

fn candidate(value: String, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_string().into()))
}

/// Names and aliases. The ini keys are left out: nobody who presses Tab wants to see each event twice.
fn events() -> Vec<CompletionCandidate> {
    let names = |event: &Event| [event.name()].into_iter().chain(event.aliases().iter().copied());
    let of_event =
        |event: &Event| names(event).map(|name| candidate(name.into(), event.when())).collect::<Vec<_>>();
    Event::ALL.iter().flat_map(of_event).collect()
}

/// The keys of the section that was typed; those of [Settings] and the other sections where none was.
fn keys_like(typed: &str, end: &str) -> Vec<CompletionCandidate> {
    let named = |key: &Key| key.name != "#";
    match typed.split_once('/') {
        Some((section, _)) => keys::of_section(section)
            .all()
            .filter(named)
            .map(|key| candidate(format!("{section}/{}{end}", key.name), key.meaning))
            .collect(),
        None => keys::of_section("Settings")
            .all()
            .map(|key| candidate(format!("{}{end}", key.name), key.meaning))
            .chain(sections("/"))
            .collect(),
    }
}

fn sections(end: &str) -> impl Iterator<Item = CompletionCandidate> {
    keys::sections().into_iter().map(move |section| {
        // accounts count from 1, and most people have one
        let name = if section == "AccountN" { "Account1" } else { section };
        CompletionCandidate::new(format!("{name}{end}"))
    })
}

fn assignments(path: &str) -> Vec<CompletionCandidate> {
    let (section, name) = path.split_once('/').unwrap_or(("Settings", path));
    let values: Vec<&str> = match keys::find(section, name).map(|key| key.kind) {
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

    fn offered(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = ["msipcfg"].iter().chain(words).map(Into::into).collect();
        let last = words.len() - 1;
        let candidates = clap_complete::engine::complete(&mut command(), words, last, None).unwrap();
        let shown = |one: &CompletionCandidate| one.get_value().to_string_lossy().into_owned();
        let is_wanted = |one: &String| one.starts_with("--event=") || !one.starts_with('-');
        candidates.iter().map(shown).filter(is_wanted).collect()
    }

    #[test]
    fn events_are_offered_wherever_one_is_taken() {
        for words in [
            &["set-hook", "ri"][..],
            &["set-hook", "--dry-run", "ri"],
            &["set-hook", "-n", "ri"],
            &["set-hook", "-qn", "ri"],
            &["unset-hook", "ri"],
            &["unset-hook", "end", "ri"],
            &["explain", "--event", "ri"],
            &["explain", "--event=RI"],
        ] {
            let offered = offered(words);
            let events: Vec<_> = offered.iter().map(|word| word.trim_start_matches("--event=")).collect();
            assert_eq!(events, ["ring", "ringing"], "{words:?}");
        }
    }

    #[test]
    fn behind_the_event_come_files() {
        let folder = tempfile::tempdir().unwrap();
        let [ring, tab] = ["ring.exe", "ring.tab"].map(|name| {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            path.to_str().unwrap().to_string()
        });
        let begin = folder.path().join("ri");
        let begin = begin.to_str().unwrap();
        for words in [
            &["set-hook", "ring", begin][..],
            &["set-hook", "ring", "x.exe", begin],
            &["set-hook", "ring", "x.exe", "a", begin],
            &["get", "--ini", begin],
        ] {
            assert_eq!(offered(words), [ring.as_str(), &tab], "{words:?}");
        }
        assert_eq!(offered(&["set-hook", "ring", "rin"]), [""; 0], "a program, no event");
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

//! Checks that the examples in docs/reference/json.md have the members that the program prints.

use std::collections::BTreeSet;
use std::time::SystemTime;

use msipcfg::hook::event::Event;
use serde_json::Value;

use super::pages::pages;
use super::pictures::{HOOKS, phone};
use super::{cli, code_blocks, read, shown_subcommands, split_arguments};
use crate::calls_db::{self, Action};
use crate::sandbox::{PROGRAM, Ran, Sandbox};

const PAGE: &str = "docs/reference/json.md";

fn run(sandbox: &Sandbox, line: &str) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    command.arg("--json").args(&split_arguments(line)[1..]).env("WINEPREFIX", sandbox.path("prefix"));
    sandbox.finish(command)
}

/// Creates a phone on which each example has something to show.
fn phone_with_history() -> Sandbox {
    let sandbox = phone(HOOKS);
    sandbox.write("phone.toml", "[settings]\nVAD = 1\n");
    let now = calls_db::milliseconds(SystemTime::now());
    let opened = [Action::parse("open done 12 https://crm.example")];
    let store = calls_db::open(&sandbox);
    calls_db::add_event(&sandbox, &store, now - 70_000, Event::Ring, "0301234567", &opened);
    calls_db::add_event(&sandbox, &store, now - 65_000, Event::Start, "0301234567", &[]);
    calls_db::add_event(&sandbox, &store, now, Event::End, "0301234567", &[]);
    sandbox
}

/// Returns the places where an example and the printed JSON have different members. A list in an example may leave out
/// elements.
fn differences(place: &str, example: &Value, printed: &Value) -> Vec<String> {
    match (example, printed) {
        (Value::Object(example), Value::Object(printed)) => {
            let names =
                |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            let mut found: Vec<String> = names(example)
                .symmetric_difference(&names(printed))
                .map(|name| format!("{place}.{name} is only in one of them"))
                .collect();
            for (name, value) in example {
                let other = printed.get(name).unwrap_or(&Value::Null);
                found.extend(differences(&format!("{place}.{name}"), value, other));
            }
            found
        }
        (Value::Array(example), Value::Array(printed)) => {
            let place = format!("{place}[]");
            let has_same =
                |element: &&Value| printed.iter().any(|other| differences(&place, element, other).is_empty());
            let without = example.iter().filter(|element| !has_same(element));
            without.map(|element| format!("{place}: nothing like {element} in {printed:?}")).collect()
        }
        (Value::Null, _) | (_, Value::Null) => Vec::new(),
        _ if std::mem::discriminant(example) == std::mem::discriminant(printed) => Vec::new(),
        _ => vec![format!("{place}: {example} and {printed} are of different kinds")],
    }
}

#[test]
fn examples_have_the_members_that_are_printed() {
    let page = read(PAGE);
    let mut count = 0;
    for part in page.split("\n```\n\n```json\n").collect::<Vec<_>>().windows(2) {
        let (command, example) = (part[0].rsplit_once("```\n"), part[1].split_once("```"));
        let (Some((_, line)), Some((example, _))) = (command, example) else { panic!("{part:?}") };
        // the command line before an example that works only on Windows is in a block with a language
        if line.contains('\n') {
            continue;
        }
        let sandbox = phone_with_history();
        if line == "msipcfg backups" {
            run(&sandbox, "msipcfg set VAD=1").exits(0);
        }
        let example: Value = serde_json::from_str(example).unwrap_or_else(|error| panic!("{line}: {error}"));
        let printed = run(&sandbox, line).json();
        let found = differences("", &example, &printed);
        assert!(found.is_empty(), "{line}: {found:#?}\n{printed}");
        count += 1;
    }
    assert!(count > 15, "only {count} examples");
}

#[test]
fn all_examples_are_json() {
    for page in pages() {
        for block in code_blocks(&read(&page), "json") {
            let json = serde_json::from_str::<Value>(block);
            assert!(json.is_ok(), "{page}: not JSON: {block}");
        }
    }
}

#[test]
fn every_command_with_json_has_a_section() {
    let page = read(PAGE);
    let headings: String = page.lines().filter(|line| line.starts_with("## ")).collect();
    for command in shown_subcommands(&cli()) {
        let name = command.get_name();
        let is_in_text = page.contains(&format!("`{name}`")) || headings.contains(name);
        // the wizard prints no JSON
        assert!(is_in_text || name == "wizard", "{name} isn't in {PAGE}");
    }
}

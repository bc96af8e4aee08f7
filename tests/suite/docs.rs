//! The documentation says what the program does.

use std::path::PathBuf;

use clap::CommandFactory;
use msipcfg::cli::args::Cli;
use msipcfg::commands::doctor::finding::{Fixable, RULES};
use msipcfg::edit::transaction::Step;
use msipcfg::hook::event::Event;
use msipcfg::problem::{Code, ExitStatus};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap().replace("\r\n", "\n")
}

/// Compares the lines between two marks with what they should be; with MSIPCFG_UPDATE_DOCS set, writes them.
#[track_caller]
fn keeps_true(name: &str, mark: &str, wanted: &str) {
    let text = read(name);
    let (before, rest) = text.split_once(&format!("<!-- {mark}: generated")).unwrap();
    let (comment, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once(&format!("<!-- /{mark} -->")).unwrap();
    let fresh = format!("{before}<!-- {mark}: generated{comment}\n{wanted}<!-- /{mark} -->{after}");
    if std::env::var_os("MSIPCFG_UPDATE_DOCS").is_some() {
        std::fs::write(path(name), fresh).unwrap();
    } else {
        assert!(text == fresh, "{name} is out of date: run the tests once with MSIPCFG_UPDATE_DOCS=1");
    }
}

#[test]
fn the_codes_are_documented() {
    let mut table = String::from("| code | status | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let status = match code.exit_status() {
            ExitStatus::Done => String::new(),
            status => (status as u8).to_string(),
        };
        table.push_str(&format!("| `{}` | {status} | {} |\n", code.name(), code.meaning()));
    }
    keeps_true("docs/exit-statuses.md", "codes", &table);
}

#[test]
fn the_problems_of_doctor_are_documented() {
    let mut table = String::from("| code | severity | mended | meaning |\n|---|---|---|---|\n");
    for rule in RULES {
        let severities: Vec<_> = rule.severities.iter().map(|severity| severity.name()).collect();
        let mended = match rule.fixable {
            Fixable::Yes => "yes",
            Fixable::Sometimes => "if it is clear",
            Fixable::No => "",
        };
        let (severities, meaning) = (severities.join(", "), rule.code.meaning());
        table.push_str(&format!("| `{}` | {severities} | {mended} | {meaning} |\n", rule.code.name()));
    }
    keeps_true("docs/doctor.md", "problems", &table);
}

#[test]
fn the_events_are_documented() {
    let mut table = String::from("| event | also | ini key | from | when |\n|---|---|---|---|---|\n");
    for event in Event::ALL {
        let aliases: Vec<_> = event.aliases().iter().map(|alias| format!("`{alias}`")).collect();
        table.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            event.name(),
            aliases.join(" "),
            event.key(),
            event.since(),
            event.when()
        ));
    }
    keeps_true("docs/hooks.md", "events", &table);
}

#[test]
fn every_step_of_the_transaction_is_documented() {
    let text = read("docs/safety.md");
    for step in Step::ALL {
        assert!(text.contains(&format!("| `{}` |", step.name())), "{} is not in docs/safety.md", step.name());
    }
}

#[test]
fn the_readme_names_every_command() {
    let text = read("README.md");
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let is_named = |row: &&str| row.contains(&format!("`{name}`")) || row.contains(&format!("`{name} "));
        assert!(table.iter().any(is_named), "{name} is not in README.md's table");
    }
}

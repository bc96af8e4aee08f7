//! The documentation says what the program does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};
use msipcfg::cli::args::Cli;
use msipcfg::commands::doctor::finding::{Fixable, RULES};
use msipcfg::diagnostic::{Code, ExitStatus};
use msipcfg::edit::transaction::Step;
use msipcfg::hook::event::Event;

mod deployment;
#[cfg(target_os = "linux")]
mod pictures;

pub(crate) fn path(name: &str) -> PathBuf {
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
    keeps_file_true(
        name,
        &format!("{before}<!-- {mark}: generated{comment}\n{wanted}<!-- /{mark} -->{after}"),
    );
}

/// Compares a file with what it should be; with MSIPCFG_UPDATE_DOCS set, writes it.
#[track_caller]
pub(crate) fn keeps_file_true(name: &str, wanted: &str) {
    if is_updating() {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), wanted).unwrap();
    } else {
        let is_true = path(name).is_file() && read(name) == wanted;
        assert!(is_true, "{name} is out of date: run the tests once with MSIPCFG_UPDATE_DOCS=1");
    }
}

/// The same for a folder of generated files: no others are in it.
#[track_caller]
fn keeps_folder_true(folder: &str, wanted: &BTreeMap<String, String>) {
    for (name, text) in wanted {
        keeps_file_true(&format!("{folder}/{name}"), text);
    }
    for entry in std::fs::read_dir(path(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if wanted.contains_key(&name) {
            continue;
        }
        assert!(is_updating(), "{folder}/{name} is of nothing any more: MSIPCFG_UPDATE_DOCS=1 removes it");
        std::fs::remove_file(entry.path()).unwrap();
    }
}

pub(crate) fn is_updating() -> bool {
    std::env::var_os("MSIPCFG_UPDATE_DOCS").is_some()
}

/// Our commands, as they are in the help, without clap's own.
fn cli() -> Command {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    cli
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
    for command in cli().get_subcommands() {
        let name = command.get_name();
        let is_named = |row: &&str| row.contains(&format!("`{name}`")) || row.contains(&format!("`{name} "));
        assert!(table.iter().any(is_named), "{name} is not in README.md's table");
    }
}

/// A command and its own commands.
fn with_those_below(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(with_those_below);
    std::iter::once(command).chain(below).collect()
}

// --- examples

const EXAMPLES: &str = "Examples:\n";

/// What stands at the foot of a command's help, and the examples in it.
fn foot_of(command: &Command) -> (String, Vec<String>) {
    let foot = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (before, examples) = foot.split_once(EXAMPLES).unwrap_or((&foot, ""));
    (before.trim_end().to_string(), examples.lines().map(|line| line.trim().to_string()).collect())
}

/// The words of a line, as the shells of Windows part it: at blanks that are not between double quotes.
fn words_of(line: &str) -> Vec<OsString> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    assert!(!is_quoted, "a quote is open in {line}");
    words.into_iter().map(OsString::from).collect()
}

#[test]
fn the_words_of_an_example_are_parted_as_a_shell_does() {
    assert_eq!(words_of(r#"a "b c\d" e"f g"h"#), ["a", r"b c\d", "ef gh"]);
}

#[test]
fn every_command_has_examples_and_they_can_be_typed() {
    let cli = cli();
    for command in with_those_below(&cli) {
        let (_, examples) = foot_of(command);
        assert!(!examples.is_empty(), "{} has no examples", command.get_name());
        for line in examples {
            // clap's own command makes no request
            if line.starts_with("msipcfg help ") {
                continue;
            }
            let words = words_of(&line);
            let read = Cli::try_from_argv(&words).map_err(|error| error.to_string());
            let told = read.and_then(|cli| match cli.is_for_wizard() {
                true => Ok(()),
                false => cli.into_request(&words).map(|_| ()).map_err(|error| error.to_string()),
            });
            assert_eq!(told, Ok(()), "{line}");
            let name = command.get_bin_name().unwrap();
            assert!(line.starts_with(name), "{line} is no example of {name}");
        }
    }
}

// --- the reference and the manual pages

/// The heading of the options that every command has. They are listed once.
const GLOBAL_OPTIONS: &str = "Global options";

fn shown_arguments<'a>(command: &'a Command, heading: Option<&'a str>) -> impl Iterator<Item = &'a Arg> {
    let is_own = |arg: &Arg| ["help", "version"].contains(&arg.get_id().as_str());
    command
        .get_arguments()
        .filter(move |arg| !arg.is_hide_set() && !is_own(arg) && arg.get_help_heading() == heading)
}

fn shared_headings(command: &Command) -> Vec<&str> {
    let mut headings: Vec<_> = command.get_arguments().filter_map(Arg::get_help_heading).collect();
    headings.sort_unstable();
    headings.dedup();
    headings
}

fn line_of(arg: &Arg) -> String {
    let mut names = arg.to_string();
    if let (Some(short), Some(_)) = (arg.get_short(), arg.get_long()) {
        names = format!("-{short}, {names}");
    }
    let help = arg.get_long_help().or(arg.get_help()).unwrap().to_string();
    let mut more = Vec::new();
    if let Some(variable) = arg.get_env() {
        more.push(format!("or the variable `{}`", variable.display()));
    }
    let defaults = arg.get_default_values().iter().filter(|_| arg.get_action().takes_values());
    more.extend(defaults.map(|value| format!("default `{}`", value.display())));
    let values = arg.get_possible_values().into_iter().filter(|_| arg.get_action().takes_values());
    let values: Vec<_> = values.map(|value| format!("`{}`", value.get_name())).collect();
    if !values.is_empty() {
        more.push(format!("one of {}", values.join(", ")));
    }
    let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
    format!("- `{names}`: {}{more}\n", help.replace("\n\n", " "))
}

fn reference_of(command: &Command) -> String {
    let name = command.get_bin_name().unwrap().strip_prefix("msipcfg ").unwrap();
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap();
    let mut text = format!("\n## {name}\n\n{about}\n\n```\n{usage}\n```\n");
    let own: String = shown_arguments(command, None).map(line_of).collect();
    if !own.is_empty() {
        let _ = write!(text, "\n{own}");
    }
    for heading in shared_headings(command).iter().filter(|heading| **heading != GLOBAL_OPTIONS) {
        let heading = heading.to_lowercase();
        let _ = write!(text, "\nAnd the [{heading}](#{}).\n", heading.replace(' ', "-"));
    }
    let (before, examples) = foot_of(command);
    if !before.is_empty() {
        let (first, lines) = before.split_once('\n').unwrap();
        let _ = write!(text, "\n{first}\n\n```\n{lines}\n```\n");
    }
    let _ = write!(text, "\n```\n{}\n```\n", examples.join("\n"));
    text
}

#[test]
fn the_reference_is_the_help() {
    let cli = cli();
    let mut shared = BTreeMap::new();
    let mut commands = String::new();
    for command in cli.get_subcommands().flat_map(with_those_below) {
        for heading in shared_headings(command) {
            let options = || shown_arguments(command, Some(heading)).map(line_of).collect::<String>();
            shared.entry(heading).or_insert_with(options);
        }
        commands.push_str(&reference_of(command));
    }
    let mut text = String::from(
        "# The command line\n\n\
         Made from the program's own help by a test, which keeps it true. What `--json` answers stands in \
         [exit-statuses.md](exit-statuses.md).\n",
    );
    let statuses = read("docs/exit-statuses.md");
    let table =
        statuses.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| !line.is_empty());
    let _ = write!(text, "\n## Exit status\n\n{}\n", table.collect::<Vec<_>>().join("\n"));
    for (heading, options) in shared {
        let _ = write!(text, "\n## {heading}\n\n{options}");
    }
    text.push_str(&commands);
    keeps_file_true("docs/cli.md", &text);
}

#[test]
fn the_manual_pages_are_the_help() {
    fn add(command: &Command, pages: &mut BTreeMap<String, String>) {
        let page = clap_mangen::Man::new(command.clone()).manual("msipcfg");
        let mut text = Vec::new();
        page.render(&mut text).unwrap();
        // what stands at the foot of a help text has no name of its own for clap_mangen
        let text = String::from_utf8(text).unwrap();
        let text = text.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n");
        let text = text.replace(".SH EXTRA\n", ".SH NOTES\n").replace("\nExamples:\n", "\n.SH EXAMPLES\n");
        pages.insert(page.get_filename(), text);
        command.get_subcommands().for_each(|command| add(command, pages));
    }
    let mut pages = BTreeMap::new();
    add(&cli(), &mut pages);
    keeps_folder_true("docs/man", &pages);
}

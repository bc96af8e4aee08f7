//! Checks the documentation against the program, and generates parts of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory};
use msipcfg::actions::file;
use msipcfg::cli::args::Cli;
use msipcfg::commands::doctor::finding::{Fixable, RULES};
use msipcfg::diagnostic::{Code, ExitStatus};
use msipcfg::edit::transaction::Step;
use msipcfg::hook::action::template::Placeholder;
use msipcfg::hook::event::Event;
use msipcfg::microsip::keys;

mod commands;
mod deployment;
#[cfg(target_os = "linux")]
mod json;
mod pages;
#[cfg(target_os = "linux")]
mod pictures;
#[cfg(unix)]
mod powershell;

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap().replace("\r\n", "\n")
}

/// Checks the lines between two marks of a page. With MSIPCFG_UPDATE_DOCS set, writes them instead.
#[track_caller]
fn assert_generated_part(name: &str, mark: &str, wanted: &str) {
    let text = read(name);
    let (before, rest) = text.split_once(&format!("<!-- {mark}: generated")).unwrap();
    let (comment, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once(&format!("<!-- /{mark} -->")).unwrap();
    assert_generated_file(
        name,
        &format!("{before}<!-- {mark}: generated{comment}\n{wanted}<!-- /{mark} -->{after}"),
    );
}

/// Checks a whole file in the same way.
#[track_caller]
pub(crate) fn assert_generated_file(name: &str, wanted: &str) {
    if is_updating() {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), wanted).unwrap();
    } else {
        let is_current = path(name).is_file() && read(name) == wanted;
        assert!(is_current, "{name} is out of date: run the tests once with MSIPCFG_UPDATE_DOCS=1");
    }
}

/// Checks a folder that contains these generated files and no others.
#[track_caller]
fn assert_generated_folder(folder: &str, wanted: &BTreeMap<String, String>) {
    for (name, text) in wanted {
        assert_generated_file(&format!("{folder}/{name}"), text);
    }
    for entry in std::fs::read_dir(path(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if wanted.contains_key(&name) {
            continue;
        }
        assert!(
            is_updating(),
            "{folder}/{name} isn't generated any more: run the tests once with MSIPCFG_UPDATE_DOCS=1"
        );
        std::fs::remove_file(entry.path()).unwrap();
    }
}

pub(crate) fn is_updating() -> bool {
    std::env::var_os("MSIPCFG_UPDATE_DOCS").is_some()
}

/// Returns the command tree without clap's own `help`.
fn cli() -> Command {
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    cli
}

fn exit_status_table() -> String {
    let mut table = String::from("| status | meaning |\n|---|---|\n");
    for status in ExitStatus::ALL {
        let _ = writeln!(table, "| {} | {} |", *status as u8, status.meaning());
    }
    table
}

#[test]
fn exit_statuses_are_documented() {
    assert_generated_part("docs/reference/exit-statuses.md", "statuses", &exit_status_table());
}

#[test]
fn codes_are_documented() {
    let mut table = String::from("| code | status | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let status = match code.exit_status() {
            ExitStatus::Done => String::new(),
            status => (status as u8).to_string(),
        };
        table.push_str(&format!("| `{}` | {status} | {} |\n", code.name(), code.meaning()));
    }
    assert_generated_part("docs/reference/exit-statuses.md", "codes", &table);
}

#[test]
fn doctor_problems_are_documented() {
    let mut table = String::from("| code | severity | fixed | meaning |\n|---|---|---|---|\n");
    for rule in RULES {
        let severities: Vec<_> = rule.severities.iter().map(|severity| severity.name()).collect();
        let fixed = match rule.fixable {
            Fixable::Yes => "yes",
            Fixable::Sometimes => "sometimes",
            Fixable::No => "",
        };
        let (severities, meaning) = (severities.join(", "), rule.code.meaning());
        table.push_str(&format!("| `{}` | {severities} | {fixed} | {meaning} |\n", rule.code.name()));
    }
    assert_generated_part("docs/guide/doctor.md", "problems", &table);
}

#[test]
fn events_are_documented() {
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
    assert_generated_part("docs/guide/hooks.md", "events", &table);
}

#[test]
fn keys_are_documented() {
    let mut text = String::from(
        "# MicroSIP's settings\n\n\
         This page is for people who change MicroSIP's settings with `msipcfg set` or a\n\
         [desired-state file](../admin/provisioning.md). It is generated from msipcfg's list of keys, which \
         `msipcfg keys`\nshows in a terminal.\n\n\
         ![The output of msipcfg keys volume: each setting with a volume, the values that MicroSIP accepts, the \
         default and\nthe meaning.](../pictures/keys.svg)\n\n\
         A key is written `KEY` if it is in the section `Settings`, and `SECTION/KEY` otherwise. These read one and \
         change\nit:\n\n\
         ```\nmsipcfg get volumeRing\nmsipcfg set volumeRing=80\n```\n\n\
         Without versions, MicroSIP had the key before 3.19 and still has it. If a key isn't in the ini, MicroSIP uses\nthe default.\n",
    );
    let mut section = "";
    for key in keys::all() {
        if key.section != section {
            section = key.section;
            let _ = write!(text, "\n## {section}\n\n| key | allowed | default | versions | meaning |\n");
            text.push_str("|---|---|---|---|---|\n");
        }
        // the oldest version that was looked at
        let since = key.since.filter(|since| since.to_string() != "3.14.0");
        let versions = match (since, key.until) {
            (Some(since), Some(until)) => format!("{since} to {until}"),
            (Some(since), None) => format!("from {since}"),
            (None, Some(until)) => format!("to {until}"),
            (None, None) => String::new(),
        };
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        let facts = [key.kind.to_string(), default, versions, key.meaning.to_string()];
        let facts = facts.map(|fact| fact.replace('|', "\\|").replace('<', "\\<"));
        let _ = writeln!(text, "| `{}` | {} |", key.name, facts.join(" | "));
    }
    assert_generated_file("docs/reference/keys.md", &text);
}

#[test]
fn transaction_steps_are_documented() {
    let text = read("docs/internals/safety.md");
    for step in Step::ALL {
        assert!(
            text.contains(&format!("| `{}` |", step.name())),
            "{} isn't in docs/internals/safety.md",
            step.name()
        );
    }
}

fn shown_subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// Returns a command and all its subcommands.
fn with_subcommands(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(shown_subcommands(command).flat_map(with_subcommands)).collect()
}

// --- examples

const EXAMPLES: &str = "Examples:\n";

/// Returns the text after the options in a command's help: what comes before the examples, and the examples.
fn after_help_of(command: &Command) -> (String, Vec<String>) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (before, examples) = text.split_once(EXAMPLES).unwrap_or((&text, ""));
    (before.trim_end().to_string(), examples.lines().map(|line| line.trim().to_string()).collect())
}

/// Splits a command line as the shells of Windows do: at spaces outside of double quotes.
fn split_arguments(line: &str) -> Vec<OsString> {
    let mut arguments = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => arguments.push(String::new()),
            c => arguments.last_mut().unwrap().push(c),
        }
    }
    assert!(!is_quoted, "unclosed quote: {line}");
    arguments.into_iter().map(OsString::from).collect()
}

#[test]
fn split_arguments_respects_quotes() {
    assert_eq!(split_arguments(r#"a "b c\d" e"f g"h"#), ["a", r"b c\d", "ef gh"]);
}

#[test]
fn every_command_has_valid_examples() {
    let cli = cli();
    for command in with_subcommands(&cli) {
        let (_, examples) = after_help_of(command);
        assert!(!examples.is_empty(), "{} has no examples", command.get_name());
        for line in examples {
            // clap handles this command itself
            if line.starts_with("msipcfg help ") {
                continue;
            }
            let arguments = split_arguments(&line);
            let cli = Cli::try_from_argv(&arguments).unwrap_or_else(|error| panic!("{line}: {error}"));
            if !cli.is_for_wizard() {
                let request = cli.into_request(&arguments);
                assert!(request.is_ok(), "{line}: {}", request.err().unwrap());
            }
            let name = command.get_bin_name().unwrap();
            assert!(line.starts_with(name), "{line} isn't an example of {name}");
        }
    }
}

/// Returns the text of each code block of a page that has this language.
fn code_blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    let blocks = page.split("```").enumerate().filter(|(index, _)| index % 2 == 1);
    let has_language = |block: &&str| format!("```{block}").starts_with(&start);
    blocks.map(|(_, block)| block).filter(has_language).map(|block| &block[language.len() + 1..]).collect()
}

#[test]
fn the_file_with_actions_is_documented() {
    let page = read("docs/guide/actions.md");
    let [example] = code_blocks(&page, "toml")[..] else { panic!("not one file") };
    let actions = file::read("MicroSIP.hooks.toml".into(), example.into()).unwrap();
    assert_eq!(actions.hooks.len(), 3);
    for name in Placeholder::names().map(|name| format!("`{{{name}}}`")) {
        assert!(page.contains(&name), "{name} isn't in docs/guide/actions.md");
    }
}

// --- the reference and the manual pages

/// The heading of the options that every command has. Shared options are listed once.
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
    let mut text = format!("\n## {name}\n\n{about}\n\n```text\n{usage}\n```\n");
    let own: String = shown_arguments(command, None).map(line_of).collect();
    if !own.is_empty() {
        let _ = write!(text, "\n{own}");
    }
    for heading in shared_headings(command).iter().filter(|heading| **heading != GLOBAL_OPTIONS) {
        let heading = heading.to_lowercase();
        let _ = write!(text, "\nPlus the [{heading}](#{}).\n", heading.replace(' ', "-"));
    }
    let (before, examples) = after_help_of(command);
    if !before.is_empty() {
        let (first, lines) = before.split_once('\n').unwrap();
        let _ = write!(text, "\n{first}\n\n```text\n{lines}\n```\n");
    }
    let _ = write!(text, "\n```\n{}\n```\n", examples.join("\n"));
    text
}

#[test]
fn reference_matches_help() {
    let cli = cli();
    let mut shared = BTreeMap::new();
    let mut commands = String::new();
    for command in shown_subcommands(&cli).flat_map(with_subcommands) {
        for heading in shared_headings(command) {
            let options = || shown_arguments(command, Some(heading)).map(line_of).collect::<String>();
            shared.entry(heading).or_insert_with(options);
        }
        commands.push_str(&reference_of(command));
    }
    let mut text = String::from(
        "# The command line\n\n\
         This page is for everybody who types commands or writes scripts. It is generated from the program's help. \
         `msipcfg COMMAND --help` shows the same in a terminal, and the [manual pages](man) show it on Linux. \
         [JSON](json.md) describes the output of `--json`, and [completion](completion.md) saves typing.\n\n\
         ## Commands\n\n| command | what it does |\n|---|---|\n",
    );
    for command in shown_subcommands(&cli) {
        let (name, about) = (command.get_name(), command.get_about().unwrap());
        let _ = writeln!(text, "| [`{name}`](#{name}) | {about} |");
    }
    let _ = write!(text, "\n## Exit status\n\n{}\n", exit_status_table());
    text.push_str("[Exit statuses and codes](exit-statuses.md) has the details.\n");
    for (heading, options) in shared {
        let _ = write!(text, "\n## {heading}\n\n{options}");
    }
    text.push_str(&commands);
    assert_generated_file("docs/reference/cli.md", &text);
}

#[test]
fn manual_pages_match_help() {
    fn add(command: &Command, pages: &mut BTreeMap<String, String>) {
        let page = clap_mangen::Man::new(command.clone()).manual("msipcfg");
        let mut text = Vec::new();
        page.render(&mut text).unwrap();
        // clap_mangen calls everything after the options EXTRA
        let text = String::from_utf8(text).unwrap();
        let text = text.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n");
        let text = text.replace(".SH EXTRA\n", ".SH NOTES\n").replace("\nExamples:\n", "\n.SH EXAMPLES\n");
        pages.insert(page.get_filename(), text);
        shown_subcommands(command).for_each(|command| add(command, pages));
    }
    let mut pages = BTreeMap::new();
    add(&cli(), &mut pages);
    assert_generated_folder("docs/reference/man", &pages);
}

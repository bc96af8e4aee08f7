//! What docs/deployment.md shows is what lies in docs/deployment, can be typed, and does what it says.

use std::ffi::OsString;

use msipcfg::cli::args::Cli;

use super::{keeps_true, path, read, words_of};
use crate::sandbox::{Sandbox, text_of_ini};

const DOCUMENT: &str = "docs/deployment.md";

fn file_names() -> Vec<String> {
    let entries = std::fs::read_dir(path("docs/deployment")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_files_for_deployment_are_shown_as_they_are() {
    let names = file_names();
    for name in &names {
        let ending = name.rsplit('.').next().unwrap();
        let language = match ending {
            "yml" => "yaml",
            "ps1" => "powershell",
            "cmd" => "batch",
            ending => ending,
        };
        let text = read(&format!("docs/deployment/{name}"));
        keeps_true(DOCUMENT, &format!("deployment/{name}"), &format!("```{language}\n{text}```\n"));
    }
    assert_eq!(read(DOCUMENT).matches("<!-- /deployment/").count(), names.len());
}

/// The command lines of a document: in code spans, in scripts, and as lists in a playbook.
fn command_lines(text: &str) -> Vec<Vec<OsString>> {
    let mut found = Vec::new();
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2).chain([line]));
    found.extend(spans.filter(|span| span.starts_with("msipcfg ")).map(words_of));
    for line in text.lines().filter(|line| !line.starts_with("copy ")) {
        let script = ["msipcfg.exe\" ", "msipcfg.exe' "].iter().find_map(|end| line.split_once(end));
        if let Some((_, words)) = script {
            let words = words.split(['>', '`']).next().unwrap_or(words).trim_end().replace('\'', "\"");
            found.push(words_of(&format!("msipcfg {words}")));
        }
    }
    for (_, list) in text.split("argv:\n").skip(1).filter_map(|part| part.split_once("- \"{{ program }}\"\n"))
    {
        let items: Vec<&str> = list.lines().map_while(|line| line.trim().strip_prefix("- ")).collect();
        // one that is chosen by a condition is in turn each of its texts
        for choice in 0..2 {
            let word = |item: &&str| match item.trim_matches('"').split('\'').skip(1).step_by(2).nth(choice) {
                Some(chosen) => chosen.to_string(),
                None => item.trim_matches('"').replace("{{ whose }}", "--all-users"),
            };
            let words = std::iter::once("msipcfg".to_string()).chain(items.iter().map(word));
            found.push(words.map(OsString::from).collect());
        }
    }
    found
}

#[test]
fn command_lines_are_found_wherever_they_stand() {
    let text = "a `msipcfg restore 2` b `x`\n& 'C:\\msipcfg.exe' check 'a b' -q\n\"%TO%\\msipcfg.exe\" keys >>log 2>&1\ncopy msipcfg.exe\" x\n\
                argv:\n  - \"{{ program }}\"\n  - apply\n  - \"{{ 'f' if x else 'g' }}\"\nend\n";
    let wanted: [&[&str]; 5] = [
        &["msipcfg", "restore", "2"],
        &["msipcfg", "check", "a b", "-q"],
        &["msipcfg", "keys"],
        &["msipcfg", "apply", "f"],
        &["msipcfg", "apply", "g"],
    ];
    assert_eq!(command_lines(text), wanted);
}

#[test]
fn every_command_line_for_deployment_can_be_typed() {
    let mut lines = command_lines(&read(DOCUMENT));
    assert!(lines.len() > 15, "{lines:?}");
    for words in &mut lines {
        // there are no such exit statuses elsewhere
        if let Some(at) = words.iter().position(|word| word == "--exit-codes").filter(|_| !cfg!(windows)) {
            words.drain(at..at + 2);
        }
        let request = Cli::try_from_argv(words).map_err(|error| error.to_string());
        let request = request.and_then(|cli| cli.into_request(words).map_err(|error| error.to_string()));
        assert_eq!(request.map(|_| ()), Ok(()), "{words:?}");
    }
}

#[test]
fn the_samples_for_deployment_are_applied_and_taken_back() {
    let sandbox = Sandbox::new();
    for name in file_names() {
        sandbox.write(&name, read(&format!("docs/deployment/{name}")));
    }
    let ini_of = |user: &str| format!("profiles/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini");
    for user in ["ann", "bob"] {
        std::fs::create_dir_all(sandbox.path(&ini_of(user)).ancestors().nth(2).unwrap()).unwrap();
    }
    let many = ["--profiles", "profiles", "--create", "--allow-missing"];
    sandbox
        .run(&[&["apply", "phone.toml", "--users", "users.csv"], &many[..]].concat())
        .exits(0)
        .says("2 changed");
    let ini = sandbox.path(&ini_of("ann"));
    let detect = ["detect", "phone.toml", "--style", "configmgr", "--vars", "ann.toml", "--ini"];
    sandbox.run(&[&detect[..], &[ini.to_str().unwrap()]].concat()).exits(0).says("Compliant\n");
    sandbox
        .run(&[&["apply", "remove.toml", "--keep-backups", "0"], &many[..]].concat())
        .exits(0)
        .says("2 changed");
    assert_eq!(text_of_ini(&ini), "[Settings]\r\naccountId=0\r\n[Account1]");
    // nothing is left that holds a password
    assert_eq!(std::fs::read_dir(ini.parent().unwrap()).unwrap().count(), 1);
}

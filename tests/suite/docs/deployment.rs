//! Checks that docs/admin/deployment.md shows the files in docs/admin/deployment, and that its commands are valid and
//! work.

use std::ffi::OsString;

use msipcfg::cli::args::Cli;

use super::{assert_generated_part, path, read, split_arguments};
use crate::sandbox::{Sandbox, text_of_ini};

const DOCUMENT: &str = "docs/admin/deployment.md";

fn file_names() -> Vec<String> {
    let entries = std::fs::read_dir(path("docs/admin/deployment")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn deployment_page_shows_the_sample_files() {
    let names = file_names();
    for name in &names {
        let ending = name.rsplit('.').next().unwrap();
        let language = match ending {
            "yml" => "yaml",
            "ps1" => "powershell",
            "cmd" => "batch",
            ending => ending,
        };
        let text = read(&format!("docs/admin/deployment/{name}"));
        assert_generated_part(
            DOCUMENT,
            &format!("deployment/{name}"),
            &format!("```{language}\n{text}```\n"),
        );
    }
    assert_eq!(read(DOCUMENT).matches("<!-- /deployment/").count(), names.len());
}

/// Finds the command lines of a document: in code spans, in scripts, and as lists in a playbook.
fn command_lines(text: &str) -> Vec<Vec<OsString>> {
    let mut found = Vec::new();
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2).chain([line]));
    found.extend(spans.filter(|span| span.starts_with("msipcfg ")).map(split_arguments));
    for line in text.lines().filter(|line| !line.starts_with("copy ")) {
        let script = ["msipcfg.exe\" ", "msipcfg.exe' "].iter().find_map(|end| line.split_once(end));
        if let Some((_, arguments)) = script {
            let arguments =
                arguments.split(['>', '`']).next().unwrap_or(arguments).trim_end().replace('\'', "\"");
            found.push(split_arguments(&format!("msipcfg {arguments}")));
        }
    }
    for (_, list) in text.split("argv:\n").skip(1).filter_map(|part| part.split_once("- \"{{ program }}\"\n"))
    {
        let items: Vec<&str> = list.lines().map_while(|line| line.trim().strip_prefix("- ")).collect();
        // an argument with a condition stands for each of its alternatives
        for choice in 0..2 {
            let argument =
                |item: &&str| match item.trim_matches('"').split('\'').skip(1).step_by(2).nth(choice) {
                    Some(chosen) => chosen.to_string(),
                    None => item.trim_matches('"').replace("{{ users_option }}", "--all-users"),
                };
            let arguments = std::iter::once("msipcfg".to_string()).chain(items.iter().map(argument));
            found.push(arguments.map(OsString::from).collect());
        }
    }
    found
}

#[test]
fn command_lines_are_found_in_every_form() {
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
fn deployment_commands_are_valid() {
    let mut lines = command_lines(&read(DOCUMENT));
    assert!(lines.len() > 15, "{lines:?}");
    for arguments in &mut lines {
        // other systems have no such exit statuses
        let option = arguments.iter().position(|argument| argument == "--exit-codes");
        if let Some(at) = option.filter(|_| !cfg!(windows)) {
            arguments.drain(at..at + 2);
        }
        let request = Cli::try_from_argv(arguments).map_err(|error| error.to_string());
        let request = request.and_then(|cli| cli.into_request(arguments).map_err(|error| error.to_string()));
        assert_eq!(request.map(|_| ()), Ok(()), "{arguments:?}");
    }
}

#[test]
fn deployment_samples_can_be_applied_and_removed() {
    let sandbox = Sandbox::new();
    for name in file_names() {
        sandbox.write(&name, read(&format!("docs/admin/deployment/{name}")));
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
    // no file that contains a password is left
    assert_eq!(std::fs::read_dir(ini.parent().unwrap()).unwrap().count(), 1);
}

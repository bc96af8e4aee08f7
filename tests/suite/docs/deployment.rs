//! Checks the pages for administrators: they show the files in docs/admin/deployment, their commands are valid, and
//! those that don't need Windows are run.

use std::ffi::OsString;

use msipcfg::cli::args::Cli;

use super::{assert_generated_part, code_blocks, path, read, split_arguments};
use crate::sandbox::{Sandbox, text_of_ini, utf16};

const DOCUMENT: &str = "docs/admin/deployment.md";

const PAGES: [&str; 5] = [
    DOCUMENT,
    "docs/admin/detection.md",
    "docs/admin/dsc.md",
    "docs/admin/provisioning.md",
    "docs/admin/security-software.md",
];

fn file_names() -> Vec<String> {
    let entries = std::fs::read_dir(path("docs/admin/deployment")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_shows_file(page: &str, name: &str) {
    let language = match name.rsplit('.').next().unwrap() {
        "yml" => "yaml",
        "ps1" => "powershell",
        "cmd" => "batch",
        ending => ending,
    };
    let text = read(&format!("docs/admin/deployment/{name}"));
    assert_generated_part(page, &format!("deployment/{name}"), &format!("```{language}\n{text}```\n"));
}

#[test]
fn deployment_page_shows_the_sample_files() {
    let names = file_names();
    names.iter().for_each(|name| assert_shows_file(DOCUMENT, name));
    assert_eq!(read(DOCUMENT).matches("<!-- /deployment/").count(), names.len());
    for name in ["users.csv", "remove.toml"] {
        assert_shows_file("docs/admin/provisioning.md", name);
    }
}

#[test]
fn pages_for_administrators_say_so() {
    for page in PAGES {
        let text = read(page);
        let first = text.split("\n\n").nth(1).unwrap();
        assert!(first.starts_with("This page is for administrators"), "{page}: {first}");
    }
}

#[test]
fn detection_asks_for_the_version_of_the_installer() {
    let script = read("docs/admin/deployment/detect-app.ps1");
    let line = format!("$wantedProgram = [version]'{}'", env!("CARGO_PKG_VERSION"));
    assert!(script.contains(&line), "{script}");
    let state = read("docs/admin/deployment/phone.toml");
    let version = state.lines().find_map(|line| line.strip_prefix("state-version = ")).unwrap();
    assert!(script.contains(&format!("$wantedState = '{version}'")), "{script}");
}

/// Windows PowerShell prints an error for a missing program, and then exits with 0.
#[test]
fn scripts_look_for_the_program_before_they_start_it() {
    for name in file_names() {
        let script = read(&format!("docs/admin/deployment/{name}"));
        let (guard, start) = match name.rsplit('.').next().unwrap() {
            "ps1" => ("-not (Test-Path -LiteralPath $exe)", "& $exe"),
            "cmd" if name != "install.cmd" => {
                ("if not exist \"%FROM%\\msipcfg.exe\" exit /b", "\"%FROM%\\msipcfg.exe\" apply")
            }
            _ => continue,
        };
        let [guard, start] =
            [guard, start].map(|part| script.find(part).unwrap_or_else(|| panic!("{name}: {part}")));
        assert!(guard < start, "{name}");
    }
}

/// Finds the command lines of a document: in code spans, in scripts, and as lists in a playbook.
fn command_lines(text: &str) -> Vec<Vec<OsString>> {
    let mut found = Vec::new();
    let mut is_code = false;
    let spans = text.lines().flat_map(|line| {
        is_code ^= line.starts_with("```");
        line.split('`').skip(1).step_by(2).chain(is_code.then_some(line))
    });
    found.extend(spans.filter(|span| span.starts_with("msipcfg ")).map(split_arguments));
    let is_other = |line: &&str| line.starts_with("copy ") || line.starts_with("if ");
    for line in text.lines().filter(|line| !is_other(line)) {
        let script =
            ["msipcfg.exe\" ", "msipcfg.exe' ", "& $exe "].iter().find_map(|end| line.split_once(end));
        if let Some((_, arguments)) = script {
            let arguments = arguments.split(['>', '`', '|']).next().unwrap_or(arguments).trim_end();
            let arguments = arguments.trim_end_matches(" 2").replace('\'', "\"");
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

/// Returns whether an argument is a name for what is written there, such as `FILE`.
fn is_name_of_argument(argument: &OsString) -> bool {
    argument.as_encoded_bytes().iter().all(u8::is_ascii_uppercase)
}

/// Returns why a command line is wrong.
fn mistake_in(mut arguments: Vec<OsString>) -> Option<String> {
    // other systems have no such exit statuses
    let option = arguments.iter().position(|argument| argument == "--exit-codes");
    if let Some(at) = option.filter(|_| !cfg!(windows)) {
        arguments.drain(at..at + 2);
    }
    let request = Cli::try_from_argv(&arguments).map_err(|error| error.to_string());
    let request = request.and_then(|cli| cli.into_request(&arguments).map_err(|error| error.to_string()));
    request.err().map(|error| format!("{arguments:?}: {error}"))
}

#[test]
fn commands_for_administrators_are_valid() {
    let (mut count, mut mistakes) = (0, Vec::new());
    for page in PAGES {
        let lines = command_lines(&read(page));
        count += lines.len();
        // `msipcfg dsc` is only the name of a command
        let is_complete = |line: &Vec<OsString>| line.len() > 2 && !line.iter().any(is_name_of_argument);
        mistakes.extend(lines.into_iter().filter(is_complete).filter_map(mistake_in));
    }
    assert_eq!(mistakes, [""; 0]);
    assert!(count > 40, "only {count} commands");
}

/// Runs the blocks that are marked as `sh`, in their order. Those marked as `bat` or `powershell` need Windows. A
/// folder of profiles replaces the users of this computer.
#[test]
fn commands_for_administrators_work() {
    let mut count = 0;
    for page in PAGES {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=0\r\n"));
        for user in ["ann", "bob", "Default"] {
            std::fs::create_dir_all(sandbox.path(&format!("profiles/{user}/AppData/Roaming"))).unwrap();
        }
        for name in file_names() {
            sandbox.write(&name, read(&format!("docs/admin/deployment/{name}")));
        }
        let text = read(page);
        for block in code_blocks(&text, "toml") {
            let name = block.lines().next().and_then(|line| line.strip_prefix("# "));
            if let Some(name) = name.filter(|name| name.ends_with(".toml")) {
                sandbox.write(name, block);
            }
        }
        let mut has_applied = false;
        for line in code_blocks(&text, "sh").into_iter().flat_map(str::lines) {
            let line = line.replace("--all-users", "--profiles profiles");
            let arguments: Vec<String> =
                split_arguments(&line).into_iter().map(|argument| argument.into_string().unwrap()).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            assert_eq!(arguments[0], "msipcfg", "{page}");
            let is_many = arguments.contains(&"--profiles");
            let ran =
                if is_many { sandbox.run(&arguments[1..]) } else { sandbox.run_on_ini(&arguments[1..]) };
            // what was never applied differs
            let is_different = arguments[1] == "check" && !has_applied;
            assert_eq!(ran.status, i32::from(is_different), "{page}: {}", ran.transcript);
            has_applied |= arguments[1] == "apply" && !arguments.contains(&"--dry-run");
            count += 1;
        }
    }
    assert!(count > 8, "only {count} commands");
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

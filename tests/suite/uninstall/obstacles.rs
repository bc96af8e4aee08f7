//! Obstacles that a user can put in the way: each step is done nevertheless, and nothing outside is touched.

use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, mknodat};

use super::{MANY, add_data, add_made_files, all_files, listed};
use crate::many_users::outcomes;
use crate::sandbox::{Sandbox, utf16};

const INI: &str = "MicroSIP.ini";
const ACTIONS: &str = "MicroSIP.hooks.toml";

/// What is put in the place of which file, and what uninstall then reports for the user.
const OBSTACLES: [(&str, &str, &str); 8] = [
    ("text", ACTIONS, "changed"),
    ("fifo", ACTIONS, "changed"),
    ("folder", ACTIONS, "changed"),
    ("link", ACTIONS, "changed"),
    ("text", INI, "failed not-an-ini"),
    ("large", INI, "failed not-an-ini"),
    ("readonly", INI, "failed file-read-only"),
    ("hardlink", INI, "failed file-read"),
];

fn put(kind: &str, path: &Path, outside: &Path) {
    if kind != "readonly" {
        std::fs::remove_file(path).unwrap();
    }
    match kind {
        "text" => std::fs::write(path, "neither TOML nor an ini\n").unwrap(),
        "fifo" => mknodat(CWD, path, FileType::Fifo, 0o600.into(), 0).unwrap(),
        "folder" => std::fs::create_dir(path).unwrap(),
        "link" => symlink(outside, path).unwrap(),
        "large" => std::fs::File::create(path).unwrap().set_len(17 << 20).unwrap(),
        "readonly" => {
            let mut permissions = path.metadata().unwrap().permissions();
            permissions.set_readonly(true);
            std::fs::set_permissions(path, permissions).unwrap();
        }
        _ => std::fs::hard_link(outside, path).unwrap(),
    }
}

#[test]
fn what_one_obstacle_does_not_concern_is_removed() {
    let sandbox = Sandbox::new();
    let outside = sandbox.write("outside/file", "theirs");
    let folder = |number: usize| format!("profiles/user{number}/AppData");
    for (number, (kind, name, _)) in OBSTACLES.iter().enumerate() {
        let settings = format!("{}/Roaming/MicroSIP/", folder(number));
        add_made_files(&sandbox, &settings);
        add_data(&sandbox, &format!("{}/Local/msipcfg", folder(number)));
        put(kind, &sandbox.path(&format!("{settings}{name}")), &outside);
    }
    let ran = sandbox.run(&[&MANY[..], &["--json"]].concat()).fails(8, "some-failed");
    let json = ran.json();
    let found = outcomes(json["profiles"].as_array().unwrap());
    for (number, (kind, name, wanted)) in OBSTACLES.into_iter().enumerate() {
        let user = format!("user{number}");
        let shown = format!("{kind} in place of {name}: {}", ran.transcript);
        assert_eq!(found[&user], wanted, "{shown}");
        let mut left: Vec<String> = all_files(&sandbox.path(&folder(number))).into_keys().collect();
        left.retain(|path| !path.ends_with('/') || path.contains(ACTIONS));
        let mut stays = vec!["Contacts.xml", INI, "MicroSIP.ini.bak"];
        let is_kept = name == ACTIONS && ["fifo", "folder"].contains(&kind);
        stays.extend(is_kept.then_some(if kind == "folder" { "MicroSIP.hooks.toml/" } else { ACTIONS }));
        stays.sort_unstable();
        assert_eq!(
            left,
            stays.iter().map(|name| format!("Roaming/MicroSIP/{name}")).collect::<Vec<_>>(),
            "{shown}"
        );
        let profile = json["profiles"].as_array().unwrap().iter().find(|one| one["user"] == user.as_str());
        assert_eq!(listed(profile.unwrap(), "kept").contains(&format!("file {ACTIONS}")), is_kept, "{shown}");
    }
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "theirs");
}

#[test]
fn a_users_data_is_removed_without_a_roaming_folder() {
    let sandbox = Sandbox::new();
    add_data(&sandbox, "profiles/ann/AppData/Local/msipcfg");
    sandbox.run(&MANY).exits(0).says("1 user: 1 cleaned");
    assert!(!sandbox.path("profiles/ann/AppData/Local/msipcfg").exists());
}

#[test]
fn large_inis_of_many_users_need_no_more_memory_than_that_of_one() {
    const USERS: usize = 12;
    let sandbox = Sandbox::new();
    let text = utf16(&format!("{}[Filler]\r\n{}", super::ini(), "key=value\r\n".repeat(650_000)));
    for number in 0..USERS {
        sandbox.write(&format!("profiles/user{number}/AppData/Roaming/MicroSIP/MicroSIP.ini"), &text);
    }
    let mut command = sandbox.shell("ulimit -v 600000; exec msipcfg uninstall --yes --profiles profiles");
    // otherwise each thread reserves addresses
    command.env("MALLOC_ARENA_MAX", "1");
    sandbox.finish(command).exits(0).says("12 users: 12 cleaned");
}

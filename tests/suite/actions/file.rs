//! The file with the actions: who may change it, what may have its place, and how its text stays as it was.

use crate::sandbox::{Sandbox, utf16};

const FILE: &str = "MicroSIP.hooks.toml";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nversion=3.22.3\r\n"));
    sandbox.run_on_ini(&["set-hook", "ring", "--log", "calls.txt"]).exits(0);
    sandbox
}

fn text(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path(FILE)).unwrap()
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_change_is_neither_edited_nor_carried_out() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let sandbox = sandbox();
    let foreign =
        format!("{}\n[[ring]]\nlog = '{}'\n", text(&sandbox), sandbox.path("foreign.txt").display());
    sandbox.write(FILE, &foreign);
    std::fs::set_permissions(sandbox.path(FILE), std::fs::Permissions::from_mode(0o666)).unwrap();
    for args in [
        &["set-hook", "ring", "--add", "--notify", "hello"][..],
        &["unset-hook", "ring", "--action", "1"],
        &["test-hook", "ring"],
    ] {
        sandbox.run_on_ini(args).exits(3).says("[hooks-file-writable]").says("chmod go-w");
    }
    assert_eq!(text(&sandbox), foreign);
    assert_eq!(sandbox.path(FILE).metadata().unwrap().mode() & 0o777, 0o666);
    assert!(!sandbox.path("calls.txt").exists() && !sandbox.path("foreign.txt").exists());
    for args in [&["hooks"][..], &["export"]] {
        sandbox.run_on_ini(args).exits(0).says("hooks-file-writable");
    }
    // to remove everything makes nothing trusted
    sandbox.run_on_ini(&["unset-hook", "ring"]).exits(0);
    assert!(!sandbox.path(FILE).exists());
}

#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_refused_and_stays() {
    let sandbox = sandbox();
    let path = sandbox.path(FILE);
    let link = |target: &str| std::os::unix::fs::symlink(sandbox.path(target), &path).unwrap();
    let pipe = || {
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
    };
    let original = text(&sandbox);
    sandbox.write("real.toml", &original);
    for (make, remove) in [
        (&pipe as &dyn Fn(), (&|| std::fs::remove_file(&path).unwrap()) as &dyn Fn()),
        (&|| link("real.toml"), &|| std::fs::remove_file(&path).unwrap()),
        (&|| link("missing.toml"), &|| std::fs::remove_file(&path).unwrap()),
        (&|| std::fs::create_dir(&path).unwrap(), &|| std::fs::remove_dir(&path).unwrap()),
    ] {
        std::fs::remove_file(&path).unwrap();
        make();
        let before = std::fs::symlink_metadata(&path).unwrap().file_type();
        sandbox
            .run_on_ini(&["set-hook", "ring", "--add", "--notify", "hello"])
            .exits(6)
            .says("[file-read]")
            .says("not a regular file")
            .says("put a regular file in its place");
        for args in [&["hooks"][..], &["export"]] {
            sandbox.run_on_ini(args).exits(0).says("not a regular file");
        }
        sandbox.run_on_ini(&["doctor"]).exits(1).says("not a regular file");
        sandbox.run_on_ini(&["status"]).exits(0);
        // what has nothing to do with actions goes on
        sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
        sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
        assert_eq!(std::fs::symlink_metadata(&path).unwrap().file_type(), before);
        remove();
        sandbox.write(FILE, &original);
    }
    assert_eq!(std::fs::read_to_string(sandbox.path("real.toml")).unwrap(), original);
}

#[test]
fn a_file_that_could_not_be_read_again_is_not_written() {
    let sandbox = sandbox();
    let start = format!("{}# ", text(&sandbox));
    let file = format!("{start}{}\n", "x".repeat(1024 * 1024 - start.len() - 100));
    sandbox.write(FILE, &file);
    let message = "x".repeat(200);
    sandbox
        .run_on_ini(&["set-hook", "ring", "--add", "--notify", &message])
        .exits(7)
        .says("[hooks-file-invalid]")
        .says("larger than 1 MiB");
    assert!(text(&sandbox) == file);
    sandbox.run_on_ini(&["hooks", "ring"]).exits(0).says("calls.txt");
}

#[cfg(unix)]
#[test]
fn a_value_of_a_header_that_never_ends_is_refused() {
    let sandbox = sandbox();
    let args = ["set-hook", "ring", "--get", "https://h/", "--header", "Authorization=@/dev/zero"];
    sandbox.run_on_ini(&args).exits(6).says("[secret-unreadable]");
}

#[test]
fn line_ends_and_the_bom_stay() {
    let sandbox = sandbox();
    let windows = "\u{FEFF}# mine\r\n[[ring]]\r\nopen = \"https://h/\"\r\n# after\r\n";
    sandbox.write(FILE, windows);
    sandbox.run_on_ini(&["set-hook", "end", "--log", "calls.csv"]).exits(0);
    let edited = text(&sandbox);
    assert!(
        edited.starts_with("\u{FEFF}# mine\r\n[[ring]]\r\n") && edited.contains("# after\r\n"),
        "{edited:?}"
    );
    assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count(), "{edited:?}");
    sandbox.run_on_ini(&["unset-hook", "end"]).exits(0);
    assert_eq!(text(&sandbox), windows);
    // nothing to change
    sandbox.write(FILE, "[[ring]]\r\nopen = \"https://h/\"\n");
    sandbox.run_on_ini(&["set-hook", "ring", "--open", "https://h/"]).exits(0);
}

#[test]
fn microsip_must_not_replace_a_part_of_the_path_of_the_ini() {
    let sandbox = Sandbox::new();
    sandbox.write("{user}/MicroSIP.ini", utf16("[Settings]\r\nversion=3.22.3\r\n"));
    let path = sandbox.path("{user}/MicroSIP.ini").display().to_string();
    let set = |event| sandbox.run(&["set-hook", "--ini", &path, event, "--log", "calls.csv"]);
    for event in ["outgoing", "ring"] {
        set(event).exits(3).says("[hook-mask-ignored]").says("{user}").says("rename the folder");
        assert!(!sandbox.path("{user}/MicroSIP.hooks.toml").exists());
    }
}

#[test]
fn a_password_in_an_address_is_not_exported() {
    let sandbox = sandbox();
    sandbox.write(FILE, "[[ring]]\nopen = 'https://ann:urlpw@h/{number}'\n");
    let exported = sandbox.run_on_ini(&["export"]).exits(0).says("contains a password");
    assert!(!exported.transcript.contains("urlpw"), "{}", exported.transcript);
}

#[test]
fn an_empty_message_is_refused() {
    let sandbox = sandbox();
    let before = text(&sandbox);
    sandbox.run_on_ini(&["set-hook", "ring", "--add", "--notify", " "]).exits(3).says("the message is empty");
    assert_eq!(text(&sandbox), before);
}

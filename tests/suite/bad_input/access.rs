//! Files and folders that the user can't read or write.

use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{INI, READING, WRITING, all_commands, assert_plain, on_ini, refused, with_args};
use crate::sandbox::{PROGRAM, Sandbox, copy_program, utf16};

/// Returns a command that runs the program as an ordinary user, who gets access to the sandbox.
pub fn ordinary_user(sandbox: &Sandbox) -> Command {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return sandbox.command(PROGRAM);
    }
    // the target folder may be accessible for root only
    let program = sandbox.path("home/msipcfg");
    if !program.exists() {
        copy_program(PROGRAM, &program);
        set_mode(&sandbox.path(""), 0o755);
        let mut folders = vec![sandbox.path("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                lchown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                }
            }
            lchown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let mut command = sandbox.command(program);
    command.uid(NOBODY).gid(NOBODY);
    command
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[track_caller]
fn refused_to_user(sandbox: &Sandbox, commands: &[&[&str]], code: &str, file: &Path) {
    ordinary_user(sandbox);
    let program = || ordinary_user(sandbox);
    for args in commands {
        refused(sandbox, &program, &on_ini(&sandbox.ini(), args), 6, code, Some(file));
    }
}

/// Creates an ini in a folder of its own, so that messages about the folder are not about the sandbox.
fn in_folder() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let ini = sandbox.write("folder/MicroSIP.ini", utf16(INI));
    (sandbox, ini)
}

#[test]
fn an_unreadable_ini_is_reported() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    ordinary_user(&sandbox);
    set_mode(&sandbox.ini(), 0o000);
    refused_to_user(&sandbox, READING, "file-read", &sandbox.ini());
    for args in WRITING {
        let ran = sandbox.finish(with_args(ordinary_user(&sandbox), on_ini(&sandbox.ini(), args)));
        assert_eq!(ran.status, 6, "{}", ran.transcript);
        assert_plain(&ran);
    }
    set_mode(&sandbox.ini(), 0o600);
    assert_eq!(sandbox.ini_text(), INI);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn an_inaccessible_folder_is_reported() {
    let (sandbox, ini) = in_folder();
    ordinary_user(&sandbox);
    set_mode(ini.parent().unwrap(), 0o000);
    for args in all_commands() {
        let ran = sandbox.finish(with_args(ordinary_user(&sandbox), on_ini(&ini, args)));
        assert_eq!(ran.status, 6, "{}", ran.transcript);
        assert!(ran.stderr.contains(ini.to_str().unwrap()), "{}", ran.transcript);
        assert_plain(&ran);
    }
    set_mode(ini.parent().unwrap(), 0o755);
}

#[test]
fn a_read_only_ini_is_not_written() {
    for program in
        [&(|sandbox: &Sandbox| sandbox.command(PROGRAM)) as &dyn Fn(&Sandbox) -> Command, &ordinary_user]
    {
        let sandbox = Sandbox::with_ini(utf16(INI));
        program(&sandbox);
        set_mode(&sandbox.ini(), 0o444);
        for args in WRITING {
            let program = || program(&sandbox);
            refused(
                &sandbox,
                &program,
                &on_ini(&sandbox.ini(), args),
                6,
                "file-read-only",
                Some(&sandbox.ini()),
            );
        }
        // a command that changes nothing doesn't write
        let ran = sandbox.finish(with_args(program(&sandbox), on_ini(&sandbox.ini(), &["set", "VAD=1"])));
        assert_eq!(ran.status, 0, "{}", ran.transcript);
        let dry_run = on_ini(&sandbox.ini(), &["set", "-n", "VAD=0"]);
        refused(&sandbox, &|| program(&sandbox), &dry_run, 6, "file-read-only", Some(&sandbox.ini()));
    }
}

#[test]
fn a_read_only_folder_is_not_written() {
    let (sandbox, ini) = in_folder();
    ordinary_user(&sandbox);
    let folder = ini.parent().unwrap();
    set_mode(folder, 0o555);
    let program = || ordinary_user(&sandbox);
    for args in WRITING {
        refused(&sandbox, &program, &on_ini(&ini, args), 6, "file-write", Some(folder));
    }
    let ran = sandbox.finish(with_args(program(), on_ini(&ini, &["get", "VAD"])));
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "1\n"), "{}", ran.transcript);
    let dry_run = on_ini(&ini, &["set", "-n", "VAD=0"]);
    refused(&sandbox, &program, &dry_run, 6, "file-write", Some(folder));
    let ran = sandbox.finish(with_args(program(), on_ini(&ini, &["set", "-n", "VAD=1"])));
    assert_eq!(ran.status, 0, "nothing to change: {}", ran.transcript);
    let ran = sandbox.finish(with_args(program(), on_ini(&ini, &["doctor", "--json"]))).exits(0);
    let problem = &ran.json()["problems"][0];
    assert_eq!(problem["code"], "file-write", "{}", ran.transcript);
    assert!(problem["message"].as_str().unwrap().contains(folder.to_str().unwrap()), "{}", ran.transcript);
    for new in ["New.ini", "a/b/New.ini"] {
        let new = folder.join(new);
        refused(&sandbox, &program, &on_ini(&new, &["set", "--create", "VAD=1"]), 6, "file-write", None);
        let dry_run = on_ini(&new, &["set", "--create", "-n", "VAD=1"]);
        refused(&sandbox, &program, &dry_run, 6, "file-write", Some(folder));
    }
    set_mode(folder, 0o755);
}

#[cfg(target_os = "linux")]
#[test]
fn an_ini_that_is_mounted_by_itself_is_not_written() {
    let (sandbox, ini) = in_folder();
    let script = "mount --bind \"$0\" \"$0\" || exit 99; exec \"$@\"";
    let run = |args: &[&str]| {
        // a mount namespace of its own
        let mut command = sandbox.command("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(&ini).arg(PROGRAM).args(on_ini(&ini, args));
        sandbox.finish(command)
    };
    if matches!(run(&["get", "VAD"]).status, 1 | 99 | 127) {
        return; // only root can mount, and not in every container
    }
    for args in [&["set", "--json", "VAD=0"][..], &["set", "--json", "-n", "VAD=0"]] {
        let ran = run(args).fails(6, "file-write");
        let hint = ran.json()["error"]["hint"].as_str().unwrap().to_string();
        assert!(hint.contains("mount its folder"), "{}", ran.transcript);
    }
    let ran = run(&["doctor", "--json"]).exits(0);
    assert_eq!(ran.json()["problems"][0]["code"], "file-write", "{}", ran.transcript);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(INI));
    assert_eq!(std::fs::read_dir(ini.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn somebody_elses_ini_is_not_written() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can change the owner of a file
    }
    let sandbox = Sandbox::with_ini(utf16(INI));
    ordinary_user(&sandbox);
    std::os::unix::fs::chown(sandbox.ini(), Some(0), Some(0)).unwrap();
    set_mode(&sandbox.ini(), 0o644);
    refused_to_user(&sandbox, &[WRITING[0]], "file-write", &sandbox.ini());
    assert_eq!(sandbox.ini_text(), INI);
}

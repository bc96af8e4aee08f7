//! What is no ini, cannot be read or written, or is not there: the right exit status, one clear message, and
//! nothing left behind.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::crowd::Alone;
use crate::inis::snapshot;
use crate::sandbox::{PROGRAM, Ran, Sandbox, place, utf16};

const INI: &str = "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n";
const LARGEST: u64 = 256 * 1024 * 1024;

/// Commands on an ini of both families: those that read, and those that write.
const READING: &[&[&str]] = &[&["get", "VAD"], &["hooks"]];
const WRITING: &[&[&str]] =
    &[&["set", "VAD=0"], &["set-hook", "--allow-missing", "ring", r"C:\hooks\ring.exe"]];

/// Fails the test if a message is one for programmers.
#[track_caller]
pub fn plain(ran: &Ran) {
    const NOT_FOR_PEOPLE: &[&str] = &[
        "panicked",
        "RUST_BACKTRACE",
        "stack backtrace",
        "unwrap",
        "Os {",
        "Custom {",
        "Error(",
        "Error {",
        "Err(",
        "Ok(",
        "Some(",
        "None)",
        "kind:",
        "::",
        "PathBuf",
        "Utf8Error",
        "\u{FFFD}\u{FFFD}\u{FFFD}",
    ];
    for word in NOT_FOR_PEOPLE {
        assert!(!ran.stdout.contains(word) && !ran.stderr.contains(word), "{word:?} in: {}", ran.told);
    }
}

fn with_words<S: AsRef<OsStr>>(mut command: Command, words: impl IntoIterator<Item = S>) -> Command {
    command.args(words);
    command
}

/// A command with the path of an ini put behind its name.
fn on(ini: &Path, words: &[&str]) -> Vec<OsString> {
    let mut all: Vec<OsString> = words.iter().map(OsString::from).collect();
    all.splice(1..1, ["--ini".into(), ini.into()]);
    all
}

/// Runs these words for people and for scripts: the exit status and the code must be these, the message one,
/// clear, and of this file, and everything must be as it was.
#[track_caller]
fn refused(
    sandbox: &Sandbox,
    program: &dyn Fn() -> Command,
    words: &[OsString],
    status: i32,
    code: &str,
    file: Option<&Path>,
) {
    let before = snapshot(sandbox);
    let people = sandbox.finish(with_words(program(), words));
    let json = vec![words[0].clone(), "--json".into()].into_iter().chain(words[1..].iter().cloned());
    let scripts = sandbox.finish(with_words(program(), json));
    for ran in [&people, &scripts] {
        assert_eq!(ran.status, status, "{}", ran.told);
        plain(ran);
    }
    assert_eq!(people.stdout, "", "an error is no answer: {}", people.told);
    let errors = people.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "one message: {}", people.told);
    let scripts = scripts.fails(status, code);
    assert_eq!(scripts.stderr, "", "{}", scripts.told);
    let json = scripts.json();
    let message = json["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.contains('\n') && !message.ends_with(':'), "{message:?}");
    assert!(people.stderr.contains(message), "two messages: {} {}", people.told, scripts.told);
    if let Some(file) = file {
        let name = file.to_str().unwrap();
        assert!(message.contains(name), "{name} is not named in {message:?}");
    }
    let after = snapshot(sandbox);
    let [before, after] = [before, after].map(|all| {
        // the time of the folder that the outputs were in says nothing
        let home = sandbox.path("home");
        all.into_iter().filter(|(path, _)| *path != home).collect::<Vec<_>>()
    });
    assert!(before == after, "something was left behind: {}", scripts.told);
}

#[track_caller]
fn refused_all(sandbox: &Sandbox, commands: &[&[&str]], ini: &Path, status: i32, code: &str) {
    let program = || sandbox.command(PROGRAM);
    for words in commands {
        refused(sandbox, &program, &on(ini, words), status, code, Some(ini));
    }
}

fn all() -> Vec<&'static [&'static str]> {
    [READING, WRITING].concat()
}

// --- what is no file

#[test]
fn a_folder_in_the_place_of_the_ini() {
    let sandbox = Sandbox::new();
    sandbox.write("MicroSIP.ini/inside", "x");
    refused_all(&sandbox, &all(), &sandbox.ini(), 6, "file-not-regular");
    refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 6, "file-not-regular");
}

#[test]
#[cfg(unix)]
fn a_pipe_in_the_place_of_the_ini_is_not_waited_for() {
    let sandbox = Sandbox::new();
    let made = Command::new("mkfifo").arg(sandbox.ini()).status().unwrap();
    assert!(made.success());
    refused_all(&sandbox, &all(), &sandbox.ini(), 6, "file-not-regular");
    refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 6, "file-not-regular");
}

#[test]
#[cfg(unix)]
fn a_device_in_the_place_of_the_ini() {
    let sandbox = Sandbox::new();
    for device in ["/dev/null", "/dev/zero"] {
        refused_all(&sandbox, &all(), Path::new(device), 6, "file-not-regular");
    }
    std::os::unix::fs::symlink("/dev/zero", sandbox.ini()).unwrap();
    refused_all(&sandbox, &all(), &sandbox.ini(), 6, "file-not-regular");
}

#[test]
#[cfg(windows)]
fn a_device_in_the_place_of_the_ini() {
    let sandbox = Sandbox::new();
    for words in all() {
        for device in ["NUL", r"\\.\NUL"] {
            let ran = sandbox.finish(with_words(sandbox.command(PROGRAM), on(Path::new(device), words)));
            assert_eq!(ran.status, 6, "{}", ran.told);
            plain(&ran);
        }
    }
}

// --- what is no ini

#[test]
fn text_without_a_section_is_no_ini() {
    for bytes in [
        &b"hello\n"[..],
        b"VAD=1\r\nEC=1\r\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF",
        b"{\"VAD\": 1}",
        b" ",
        b"\0",
        b"\xFF\xFEV\0A\0D\0=\x001\0",
        b"\xFE\xFF\0V\0A\0D",
        b"\xEF\xBB\xBFVAD=1",
        b"\xFF",
    ] {
        let sandbox = Sandbox::with_ini(bytes);
        refused_all(&sandbox, &[WRITING[0]], &sandbox.ini(), 7, "not-an-ini");
    }
}

#[test]
fn what_is_no_ini_is_none_for_every_command() {
    let sandbox = Sandbox::with_ini("hello\n");
    let all = [&all()[..], &[&["list"], &["unset", "VAD"], &["unset-hook", "--all"]]].concat();
    refused_all(&sandbox, &all, &sandbox.ini(), 7, "not-an-ini");
}

/// Fewer under Wine, where each takes ten times as long.
const MANY: usize = if cfg!(windows) { 5 } else { 100 };

#[test]
fn many_megabytes_of_nothing_are_no_ini() {
    let sandbox = Sandbox::new();
    File::create(sandbox.ini()).unwrap().set_len((MANY << 20) as u64).unwrap();
    let words = on(&sandbox.ini(), &["get", "--json", "VAD"]);
    let ran = sandbox.finish(with_words(sandbox.command(PROGRAM), words)).fails(7, "not-an-ini");
    plain(&ran);
}

#[test]
fn many_megabytes_of_garbage_are_no_ini() {
    let sandbox = Sandbox::new();
    // a plain generator, so that every run has the same garbage; without [ there is no section in it
    let mut state = 1_u64;
    let mut block = Vec::with_capacity(1 << 20);
    while block.len() < 1 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        block.extend(state.to_le_bytes()[4..].iter().map(|byte| if *byte == b'[' { b'(' } else { *byte }));
    }
    let mut file = File::create(sandbox.ini()).unwrap();
    for _ in 0..MANY {
        file.write_all(&block).unwrap();
    }
    drop(file);
    let before = snapshot(&sandbox);
    let words = on(&sandbox.ini(), &["set", "--json", "VAD=0"]);
    let ran = sandbox.finish(with_words(sandbox.command(PROGRAM), words)).fails(7, "not-an-ini");
    plain(&ran);
    assert_eq!(snapshot(&sandbox).len(), before.len(), "something was left behind: {}", ran.told);
    assert_eq!(std::fs::metadata(sandbox.ini()).unwrap().len(), (MANY << 20) as u64);
}

#[test]
fn a_file_that_is_too_large_is_no_ini() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    File::options().write(true).open(sandbox.ini()).unwrap().set_len(LARGEST + 1).unwrap();
    refused_all(&sandbox, &all(), &sandbox.ini(), 7, "not-an-ini");
    let ran = sandbox.run_on_ini(&["get", "VAD"]);
    assert!(ran.stderr.contains("256 MiB"), "{}", ran.told);
}

// --- what is not there

#[test]
fn an_ini_that_is_not_there() {
    let sandbox = Sandbox::new();
    refused_all(&sandbox, &all(), &sandbox.ini(), 4, "ini-not-found");
    let deep = sandbox.path("no").join("such").join("folder").join("MicroSIP.ini");
    refused_all(&sandbox, &all(), &deep, 4, "ini-not-found");
    let file = sandbox.write("file", "x");
    refused_all(&sandbox, &all(), &file.join("MicroSIP.ini"), 4, "ini-not-found");
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=1"]).exits(4);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("--create"), "{}", ran.told);
}

#[test]
fn an_ini_without_a_name_is_a_wrong_command_line() {
    let sandbox = Sandbox::new();
    for words in all() {
        let ran = sandbox.finish(with_words(sandbox.command(PROGRAM), on(Path::new(""), words)));
        let ran = ran.exits(2);
        plain(&ran);
    }
}

#[test]
fn no_ini_anywhere_lists_the_places_looked_at() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let program = || sandbox.command(PROGRAM);
    for words in all() {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        refused(&sandbox, &program, &words, 4, "ini-not-found", None);
    }
    let place = if cfg!(windows) {
        sandbox.path("roaming").join("MicroSIP")
    } else {
        sandbox.path("home").join(".wine")
    };
    let ran = sandbox.run(&["get", "VAD"]).exits(4);
    assert!(ran.stderr.contains(place.to_str().unwrap()), "{} was looked at: {}", place.display(), ran.told);
}

#[test]
#[cfg(unix)]
fn the_wine_prefix_that_was_looked_at_is_named() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    for users in [&[][..], &["ann", "bob"]] {
        for user in users {
            std::fs::create_dir_all(sandbox.path(&place(user, ""))).unwrap();
        }
        std::fs::create_dir_all(sandbox.path("home/.wine/drive_c/users")).unwrap();
        let ran = sandbox.run(&["get", "--json", "VAD"]).fails(4, "ini-not-found");
        let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
        assert!(message.contains(sandbox.path("home/.wine").to_str().unwrap()), "{message}");
        for user in users {
            assert!(message.contains(user), "no {user} in {message}");
        }
    }
    let mut command = sandbox.command(PROGRAM);
    command.env("WINEPREFIX", sandbox.path("no-such-prefix")).args(["get", "VAD"]);
    let ran = sandbox.finish(command).exits(4);
    assert!(ran.stderr.contains("no-such-prefix"), "{}", ran.told);
}

#[test]
fn the_one_ini_there_is_is_used_and_named() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let ini = sandbox.write(&place("ann", "MicroSIP.ini"), utf16(INI));
    let json = sandbox.run(&["get", "--json", "VAD"]).exits(0).json();
    assert_eq!(json["ini"], ini.to_str().unwrap());
    for words in all() {
        let ran = sandbox.run(words).exits(0);
        let is_named = [&ran.stdout, &ran.stderr].iter().any(|text| text.contains(ini.to_str().unwrap()));
        assert!(is_named, "it does not say which: {}", ran.told);
    }
    // an answer to a script is the answer alone
    sandbox.run(&["set", "EC=1"]).exits(0);
    assert_eq!(sandbox.run(&["get", "EC"]).exits(0).stdout, "1\n");
}

#[test]
fn several_inis_are_listed_and_none_is_taken() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let inis = [place("ann", "Other.ini"), place("bob", "Phone.ini")];
    let inis = inis.map(|name| sandbox.write(&name, utf16(INI)));
    let program = || sandbox.command(PROGRAM);
    for words in all() {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        refused(&sandbox, &program, &words, 4, "ini-ambiguous", Some(&inis[0]));
    }
    let create: Vec<OsString> = ["set", "--create", "VAD=0"].map(OsString::from).into();
    refused(&sandbox, &program, &create, 4, "ini-ambiguous", None);
    let ran = sandbox.run(&["get", "--json", "VAD"]).exits(4);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("--ini"), "{}", ran.told);
    let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
    for ini in inis {
        assert!(message.contains(ini.to_str().unwrap()), "{} is not listed: {message}", ini.display());
    }
}

#[test]
fn a_variable_names_the_ini_and_the_option_outweighs_it() {
    let _alone = Alone::now();
    let sandbox = Sandbox::with_ini(utf16(INI));
    let other = sandbox.write("Other.ini", utf16(&INI.replace("VAD=1", "VAD=0")));
    let with_variable = |words: &[&str]| {
        let mut command = sandbox.command(PROGRAM);
        command.env("MSIPCFG_INI", &other).args(words);
        sandbox.finish(command).exits(0).stdout
    };
    assert_eq!(with_variable(&["get", "VAD"]), "0\n");
    assert_eq!(with_variable(&["get", "--ini", "MicroSIP.ini", "VAD"]), "1\n");
}

#[test]
fn a_variable_that_is_empty_names_no_ini() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    sandbox.write(&place("ann", "MicroSIP.ini"), utf16(INI));
    let mut command = sandbox.command(PROGRAM);
    command.env("MSIPCFG_INI", "").args(["get", "VAD"]);
    assert_eq!(sandbox.finish(command).exits(0).stdout, "1\n");
}

#[test]
#[cfg(unix)]
fn create_makes_the_ini_where_the_installed_microsip_would() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("home/.wine/drive_c/users/ann/AppData/Roaming")).unwrap();
    let installed = "WINE REGISTRY Version 2\n\n[Software\\\\MicroSIP] 1700000000\n@=\"C:\\\\Program Files\\\\MicroSIP\"\n";
    sandbox.write("home/.wine/user.reg", installed);
    let json = sandbox.run(&["set", "--json", "--create", "VAD=1"]).exits(0).json();
    let ini = sandbox.path(&place("ann", "MicroSIP.ini"));
    assert_eq!(json["ini"], ini.to_str().unwrap());
    assert_eq!(std::fs::read(ini).unwrap(), utf16("[Settings]\r\nVAD=1"));
    // for two users it would be two
    std::fs::remove_dir_all(sandbox.path("home/.wine/drive_c/users/ann/AppData/Roaming/MicroSIP")).unwrap();
    std::fs::create_dir_all(sandbox.path("home/.wine/drive_c/users/bob/AppData/Roaming")).unwrap();
    sandbox.run(&["set", "--json", "--create", "VAD=1"]).fails(4, "ini-not-found");
}

#[test]
#[cfg_attr(windows, ignore = "the registry of the machine says whether MicroSIP is installed")]
fn create_without_a_known_place_is_refused() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let program = || sandbox.command(PROGRAM);
    let words: Vec<OsString> = ["set", "--create", "VAD=1"].map(OsString::from).into();
    refused(&sandbox, &program, &words, 4, "ini-not-found", None);
}

// --- links

#[cfg(unix)]
mod links {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_is_followed_and_stays_a_link() {
        let sandbox = Sandbox::new();
        let target = sandbox.write("real/Phone.ini", utf16(INI));
        // a chain, one of them relative
        symlink("real/Phone.ini", sandbox.path("first")).unwrap();
        symlink(sandbox.path("first"), sandbox.ini()).unwrap();
        sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
        assert_eq!(std::fs::read_link(sandbox.ini()).unwrap(), sandbox.path("first"));
        assert_eq!(std::fs::read_link(sandbox.path("first")).unwrap(), Path::new("real/Phone.ini"));
        assert!(target.symlink_metadata().unwrap().is_file());
        assert_eq!(std::fs::read(&target).unwrap(), utf16(&INI.replace("VAD=1", "VAD=0")));
        assert_eq!(sandbox.run_on_ini(&["get", "VAD"]).exits(0).stdout, "0\n");
        sandbox.run_on_ini(&["restore"]).exits(0);
        assert_eq!(std::fs::read(&target).unwrap(), utf16(INI));
        assert!(sandbox.ini().is_symlink());
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told_as_one() {
        let sandbox = Sandbox::new();
        symlink(sandbox.path("gone.ini"), sandbox.ini()).unwrap();
        refused_all(&sandbox, &all(), &sandbox.ini(), 4, "ini-not-found");
        let ran = sandbox.run_on_ini(&["get", "VAD"]).exits(4);
        assert!(ran.stderr.contains("gone.ini"), "{}", ran.told);
        // it is not for us to make something at the other end
        refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 4, "ini-not-found");
    }

    #[test]
    fn links_that_lead_to_each_other_are_no_file() {
        let sandbox = Sandbox::new();
        symlink(sandbox.ini(), sandbox.path("other")).unwrap();
        symlink(sandbox.path("other"), sandbox.ini()).unwrap();
        refused_all(&sandbox, &all(), &sandbox.ini(), 6, "file-read");
        refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 6, "file-read");
        refused_all(&sandbox, &all(), &sandbox.ini().join("MicroSIP.ini"), 6, "file-read");
    }

    #[test]
    fn a_link_to_a_folder_is_a_folder() {
        let sandbox = Sandbox::new();
        symlink(sandbox.path("home"), sandbox.ini()).unwrap();
        refused_all(&sandbox, &all(), &sandbox.ini(), 6, "file-not-regular");
    }
}

// --- what may not be read or written

/// The program, run as somebody who is not root. The sandbox is opened for that user.
#[cfg(unix)]
pub fn ordinary_user(sandbox: &Sandbox) -> Command {
    use std::os::unix::fs::{PermissionsExt, lchown};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return sandbox.command(PROGRAM);
    }
    // the build may lie where only root may go
    let program = sandbox.path("home/msipcfg");
    if !program.exists() {
        std::fs::copy(PROGRAM, &program).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::set_permissions(sandbox.path(""), PermissionsExt::from_mode(0o755)).unwrap();
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

#[cfg(unix)]
mod access {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    #[track_caller]
    fn refused_to_user(sandbox: &Sandbox, commands: &[&[&str]], code: &str, file: &Path) {
        ordinary_user(sandbox);
        let program = || ordinary_user(sandbox);
        for words in commands {
            refused(sandbox, &program, &on(&sandbox.ini(), words), 6, code, Some(file));
        }
    }

    /// In a folder of its own, so that what is told of the folder is not told of the sandbox.
    fn in_folder() -> (Sandbox, std::path::PathBuf) {
        let sandbox = Sandbox::new();
        let ini = sandbox.write("folder/MicroSIP.ini", utf16(INI));
        (sandbox, ini)
    }

    #[test]
    fn an_ini_that_may_not_be_read() {
        let sandbox = Sandbox::with_ini(utf16(INI));
        ordinary_user(&sandbox);
        set_mode(&sandbox.ini(), 0o000);
        refused_to_user(&sandbox, READING, "file-read", &sandbox.ini());
        for words in WRITING {
            let ran = sandbox.finish(with_words(ordinary_user(&sandbox), on(&sandbox.ini(), words)));
            assert_eq!(ran.status, 6, "{}", ran.told);
            plain(&ran);
        }
        set_mode(&sandbox.ini(), 0o600);
        assert_eq!(sandbox.ini_text(), INI);
        assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    }

    #[test]
    fn a_folder_that_may_not_be_entered() {
        let (sandbox, ini) = in_folder();
        ordinary_user(&sandbox);
        set_mode(ini.parent().unwrap(), 0o000);
        for words in all() {
            let ran = sandbox.finish(with_words(ordinary_user(&sandbox), on(&ini, words)));
            assert_eq!(ran.status, 6, "{}", ran.told);
            assert!(ran.stderr.contains(ini.to_str().unwrap()), "{}", ran.told);
            plain(&ran);
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
            for words in WRITING {
                let program = || program(&sandbox);
                refused(
                    &sandbox,
                    &program,
                    &on(&sandbox.ini(), words),
                    6,
                    "file-read-only",
                    Some(&sandbox.ini()),
                );
            }
            // what changes nothing need not write
            let ran = sandbox.finish(with_words(program(&sandbox), on(&sandbox.ini(), &["set", "VAD=1"])));
            assert_eq!(ran.status, 0, "{}", ran.told);
            let ran =
                sandbox.finish(with_words(program(&sandbox), on(&sandbox.ini(), &["set", "-n", "VAD=0"])));
            assert_eq!(ran.status, 0, "{}", ran.told);
        }
    }

    #[test]
    fn a_read_only_folder_is_not_written() {
        let (sandbox, ini) = in_folder();
        ordinary_user(&sandbox);
        let folder = ini.parent().unwrap();
        set_mode(folder, 0o555);
        let program = || ordinary_user(&sandbox);
        for words in WRITING {
            refused(&sandbox, &program, &on(&ini, words), 6, "file-write", Some(folder));
        }
        let ran = sandbox.finish(with_words(program(), on(&ini, &["get", "VAD"])));
        assert_eq!((ran.status, ran.stdout.as_str()), (0, "1\n"), "{}", ran.told);
        let new = folder.join("New.ini");
        refused(&sandbox, &program, &on(&new, &["set", "--create", "VAD=1"]), 6, "file-write", None);
        set_mode(folder, 0o755);
    }

    #[test]
    fn somebody_elses_ini_is_not_written() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can give a file away
        }
        let sandbox = Sandbox::with_ini(utf16(INI));
        ordinary_user(&sandbox);
        std::os::unix::fs::chown(sandbox.ini(), Some(0), Some(0)).unwrap();
        set_mode(&sandbox.ini(), 0o644);
        refused_to_user(&sandbox, &[WRITING[0]], "file-write", &sandbox.ini());
        assert_eq!(sandbox.ini_text(), INI);
    }
}

#[test]
fn an_ini_that_is_marked_read_only_is_not_written() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let mut permissions = std::fs::metadata(sandbox.ini()).unwrap().permissions();
    let writable = permissions.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(sandbox.ini(), permissions).unwrap();
    refused_all(&sandbox, WRITING, &sandbox.ini(), 6, "file-read-only");
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=0"]).exits(6);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("read-only"), "{}", ran.told);
    std::fs::set_permissions(sandbox.ini(), writable).unwrap();
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_ini_as_it_was() {
    let mut text = String::from(INI);
    for number in 0..400 {
        text.push_str(&format!("zz{number}=x\r\n"));
    }
    let sandbox = Sandbox::with_ini(utf16(&text));
    // files may grow to two kilobytes at most, and a write beyond that is an error and no signal
    let small = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    let program = || {
        let mut command = sandbox.command("/bin/sh");
        command.arg("-c").arg(small).arg(PROGRAM);
        command
    };
    for words in WRITING {
        refused(&sandbox, &program, &on(&sandbox.ini(), words), 6, "file-write", Some(&sandbox.ini()));
    }
    let ran = sandbox.finish(with_words(program(), on(&sandbox.ini(), WRITING[0])));
    assert!(ran.stderr.contains("room"), "no way out: {}", ran.told);
    // an ini that is not there does not come to be, whole or in part
    let bytes = ["zz=", &"x".repeat(240)].concat();
    let words: Vec<String> = (0..20).map(|number| format!("zz{number}{bytes}")).collect();
    let words: Vec<&str> = ["set", "--create"].into_iter().chain(words.iter().map(String::as_str)).collect();
    refused(&sandbox, &program, &on(&sandbox.path("New.ini"), &words), 6, "file-write", None);
}

#[test]
fn an_ini_below_a_file_is_not_made() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"mine");
    for path in ["file/MicroSIP.ini", "file/sub/MicroSIP.ini"] {
        let ini = sandbox.path(path);
        let ran = sandbox.run(&["set", "--create", "--ini", ini.to_str().unwrap(), "VAD=1"]).exits(6);
        // Windows does not tell a file in the way of folders further below
        if cfg!(unix) || path == "file/MicroSIP.ini" {
            assert!(ran.stderr.contains("a file is where a folder is to be"), "{}", ran.told);
        }
        assert_eq!(std::fs::read(sandbox.path("file")).unwrap(), b"mine");
    }
}

// --- the command line

#[test]
fn an_unknown_command_or_option_is_a_wrong_command_line() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let program = || sandbox.command(PROGRAM);
    for (words, named) in [
        (&["set-hok", "ring", "x.exe"][..], "set-hok"),
        (&["get", "--bogus", "VAD"], "--bogus"),
        (&["set", "-x", "VAD=1"], "-x"),
        (&["set", "--timeout", "soon", "VAD=1"], "soon"),
        (&["set", "--timeout", "-5", "VAD=1"], "'-5' for '--timeout <DURATION>'"),
        (&["exit", "--timeout", "-5"], "'-5' for '--timeout <DURATION>'"),
        (&["set", "--keep-backups", "many", "VAD=1"], "'many' for '--keep-backups <N>': expected a number"),
        (&["set", "--keep-backups", "-1", "VAD=1"], "'-1' for '--keep-backups <N>'"),
        (&["set-hook", "--dryrun", "ring", "x.exe"], "'--dry-run'"),
        (&["set-hook", "-x", "ring", "x.exe"], "'-x'"),
        (&["set-hook", "ring", "--"], "no program"),
        (&["set-hook", "--raw", "ring", "--"], "no program"),
        (&["get", "--color", "pink", "VAD"], "pink"),
        (&["get", "--codepage", "none", "VAD"], "none"),
        (&["get", "-q", "-v", "VAD"], "--verbose"),
        (&["get", "--dry-run", "VAD"], "--dry-run"),
        (&["events", "surplus"], "surplus"),
        (&["hooks", "ring", "answer"], "ring"),
        (&["list", "Settings", "Account1"], "Account1"),
        (&["restore", "1", "2"], "2"),
        (&["set"], "KEY=VALUE"),
        (&["unset"], "KEY"),
        (&["get"], "KEY"),
        (&["unset-hook"], "EVENT"),
        (&["set-hook", "ring"], "PROGRAM"),
    ] {
        let before = snapshot(&sandbox);
        let people = sandbox.finish(with_words(program(), words)).exits(2);
        assert_eq!(people.stdout, "", "{}", people.told);
        assert!(people.stderr.contains(named), "{named} is not named: {}", people.told);
        plain(&people);
        let scripts = sandbox.finish(with_words(program(), [&words[..1], &["--json"], &words[1..]].concat()));
        let scripts = scripts.fails(2, "usage");
        let error = scripts.json()["error"].to_string();
        assert!(error.contains(named), "{named} is not named: {}", scripts.told);
        plain(&scripts);
        assert_eq!(snapshot(&sandbox).len(), before.len());
    }
}

#[test]
fn a_mistyped_option_is_told_with_the_usage_of_its_command() {
    let ran = Sandbox::new().run(&["set-hook", "--dryrun", "ring", "x.exe"]).exits(2);
    assert!(ran.stderr.contains("Usage: msipcfg set-hook [OPTIONS] EVENT PROGRAM"), "{}", ran.told);
}

#[test]
fn who_names_no_event_hears_of_all() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    for command in ["unset-hook", "test-hook"] {
        let ran = sandbox.run(&[command]).exits(2);
        assert!(ran.stderr.contains("|--all>"), "{}", ran.told);
    }
}

#[test]
fn a_slip_of_the_hand_is_answered_with_what_was_meant() {
    let sandbox = Sandbox::new();
    for (words, meant) in [
        (&["set-hok", "ring", "x.exe"][..], "set-hook"),
        (&["backup"], "backups"),
        (&["set", "--dryrun", "VAD=1"], "--dry-run"),
    ] {
        let ran = sandbox.run(words).exits(2);
        assert!(ran.stderr.contains(meant), "{}", ran.told);
        let ran = sandbox.run(&[&words[..1], &["--json"], &words[1..]].concat()).fails(2, "usage");
        assert!(ran.json()["error"].to_string().contains(meant), "{}", ran.told);
    }
}

/// A word that is no text.
fn no_text() -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(b"VAD=\xFF\xFE".to_vec());
    #[cfg(windows)]
    return std::os::windows::ffi::OsStringExt::from_wide(&[0x56, 0x41, 0x44, 0x3D, 0xD800]);
}

#[test]
fn words_that_are_no_text_are_a_wrong_command_line() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let program = || sandbox.command(PROGRAM);
    let word = |text: &str| OsString::from(text);
    for words in [
        vec![word("set"), no_text()],
        vec![word("get"), no_text()],
        vec![word("unset"), no_text()],
        vec![word("list"), no_text()],
        vec![word("keys"), no_text()],
        vec![word("unset-hook"), no_text()],
        vec![word("restore"), no_text()],
        vec![word("set-hook"), no_text(), word(r"C:\x.exe")],
        vec![word("set-hook"), word("ring"), no_text()],
        vec![word("set-hook"), word("ring"), word(r"C:\x.exe"), no_text()],
        vec![word("set"), word("--codepage"), no_text(), word("VAD=0")],
        vec![word("set"), word("--timeout"), no_text(), word("VAD=0")],
    ] {
        let before = snapshot(&sandbox);
        for json in [&[][..], &[word("--json")]] {
            let all = [&words[..1], json, &words[1..]].concat();
            let ran = sandbox.finish(with_words(program(), all)).exits(2);
            plain(&ran);
            if json.is_empty() {
                assert!(ran.stderr.starts_with("error: "), "{}", ran.told);
            } else {
                ran.fails(2, "usage");
            }
        }
        assert_eq!(snapshot(&sandbox).len(), before.len());
    }
    let ran = sandbox.finish(with_words(program(), [no_text()])).exits(2);
    plain(&ran);
}

#[test]
#[cfg(target_os = "linux")] // other systems' disks take no such name
fn an_ini_whose_name_is_no_text_is_edited_as_any_other() {
    let sandbox = Sandbox::new();
    let ini = sandbox.path("").join(no_text());
    let name_of = |words: &[&str]| on(&ini, words);
    let run = |words: &[&str]| sandbox.finish(with_words(sandbox.command(PROGRAM), name_of(words)));
    let ran = run(&["set", "--json", "VAD=0"]).fails(4, "ini-not-found");
    plain(&ran);
    std::fs::write(&ini, utf16(INI)).unwrap();
    run(&["set", "VAD=0"]).exits(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(&INI.replace("VAD=1", "VAD=0")));
    let json = run(&["backups", "--json"]).exits(0).json();
    assert_eq!(json["backups"].as_array().unwrap().len(), 1, "{json}");
    run(&["restore"]).exits(0);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(INI));
    std::fs::remove_file(&ini).unwrap();
}

// --- those who listen

/// Runs with an output that nobody reads any more.
fn unheard(sandbox: &Sandbox, words: &[&str], is_out: bool) -> (i32, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = sandbox.command(PROGRAM);
    command.args(words);
    let output = if is_out {
        command.stdout(writer).output()
    } else {
        command.stderr(writer).stdout(Stdio::piped()).output()
    };
    let output = output.unwrap();
    let other = if is_out { output.stderr } else { output.stdout };
    (output.status.code().unwrap_or(-1), String::from_utf8(other).unwrap())
}

#[test]
fn an_output_that_nobody_reads_is_no_reason_to_fail() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    for (words, status) in [
        (&["keys"][..], 0),
        (&["keys", "--json"], 0),
        (&["events"], 0),
        (&["--help"], 0),
        (&["list", "--ini", "MicroSIP.ini"], 0),
        (&["get", "--json", "--ini", "MicroSIP.ini", "none"], 1),
        (&["set", "--ini", "MicroSIP.ini", "VAD=0"], 0),
    ] {
        let (found, stderr) = unheard(&sandbox, words, true);
        assert_eq!((found, stderr.as_str()), (status, ""), "{words:?}");
    }
    assert_eq!(sandbox.run_on_ini(&["get", "VAD"]).exits(0).stdout, "0\n", "the edit was made");
    for (words, status) in [
        (&["get", "--ini", "MicroSIP.ini", "none"][..], 1),
        (&["set", "-v", "--ini", "MicroSIP.ini", "VAD=1"], 0),
        (&["no-such-command"], 2),
        (&[], 2),
    ] {
        let (found, _) = unheard(&sandbox, words, false);
        assert_eq!(found, status, "{words:?}");
    }
    assert_eq!(sandbox.run_on_ini(&["get", "VAD"]).exits(0).stdout, "1\n", "the edit was made");
}

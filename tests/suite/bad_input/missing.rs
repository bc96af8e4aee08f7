//! Inis that don't exist, or are several.

use std::ffi::OsString;
use std::path::Path;

use super::{INI, all_commands, assert_plain, on_ini, refused, refused_all, with_args};
use crate::alone::Alone;
use crate::sandbox::{PROGRAM, Sandbox, place, utf16};

#[test]
fn a_missing_ini_is_reported() {
    let sandbox = Sandbox::new();
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 4, "ini-not-found");
    let deep = sandbox.path("no").join("such").join("folder").join("MicroSIP.ini");
    refused_all(&sandbox, &all_commands(), &deep, 4, "ini-not-found");
    let file = sandbox.write("file", "x");
    refused_all(&sandbox, &all_commands(), &file.join("MicroSIP.ini"), 4, "ini-not-found");
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=1"]).exits(4);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("--create"), "{}", ran.transcript);
}

#[test]
fn an_empty_path_is_a_usage_error() {
    let sandbox = Sandbox::new();
    for args in all_commands() {
        let ran = sandbox.finish(with_args(sandbox.command(PROGRAM), on_ini(Path::new(""), args)));
        let ran = ran.exits(2);
        assert_plain(&ran);
    }
}

#[test]
fn the_error_lists_the_places_searched() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let program = || sandbox.command(PROGRAM);
    for args in all_commands() {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        refused(&sandbox, &program, &args, 4, "ini-not-found", None);
    }
    let place = if cfg!(windows) {
        sandbox.path("roaming").join("MicroSIP")
    } else {
        sandbox.path("home").join(".wine")
    };
    let ran = sandbox.run(&["get", "VAD"]).exits(4);
    assert!(
        ran.stderr.contains(place.to_str().unwrap()),
        "{} is missing: {}",
        place.display(),
        ran.transcript
    );
}

#[test]
#[cfg(unix)]
fn the_error_names_the_wine_prefix() {
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
    assert!(ran.stderr.contains("no-such-prefix"), "{}", ran.transcript);
}

#[test]
fn the_only_ini_is_used_and_named() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let ini = sandbox.write(&place("ann", "MicroSIP.ini"), utf16(INI));
    let json = sandbox.run(&["get", "--json", "VAD"]).exits(0).json();
    assert_eq!(json["ini"], ini.to_str().unwrap());
    for args in all_commands() {
        let ran = sandbox.run(args).exits(0);
        let is_named = [&ran.stdout, &ran.stderr].iter().any(|text| text.contains(ini.to_str().unwrap()));
        assert!(is_named, "the path of the ini is missing: {}", ran.transcript);
    }
    // `get` prints only the value, for scripts
    sandbox.run(&["set", "EC=1"]).exits(0);
    assert_eq!(sandbox.run(&["get", "EC"]).exits(0).stdout, "1\n");
}

#[test]
fn several_inis_are_listed_and_none_is_used() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let inis = [place("ann", "Other.ini"), place("bob", "Phone.ini")];
    let inis = inis.map(|name| sandbox.write(&name, utf16(INI)));
    let program = || sandbox.command(PROGRAM);
    for args in all_commands() {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        refused(&sandbox, &program, &args, 4, "ini-ambiguous", Some(&inis[0]));
    }
    let create: Vec<OsString> = ["set", "--create", "VAD=0"].map(OsString::from).into();
    refused(&sandbox, &program, &create, 4, "ini-ambiguous", None);
    let ran = sandbox.run(&["get", "--json", "VAD"]).exits(4);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("--ini"), "{}", ran.transcript);
    let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
    for ini in inis {
        assert!(message.contains(ini.to_str().unwrap()), "{} is not listed: {message}", ini.display());
    }
}

#[test]
fn the_option_overrides_the_variable() {
    let _alone = Alone::now();
    let sandbox = Sandbox::with_ini(utf16(INI));
    let other = sandbox.write("Other.ini", utf16(&INI.replace("VAD=1", "VAD=0")));
    let with_variable = |args: &[&str]| {
        let mut command = sandbox.command(PROGRAM);
        command.env("MSIPCFG_INI", &other).args(args);
        sandbox.finish(command).exits(0).stdout
    };
    assert_eq!(with_variable(&["get", "VAD"]), "0\n");
    assert_eq!(with_variable(&["get", "--ini", "MicroSIP.ini", "VAD"]), "1\n");
}

#[test]
fn an_empty_variable_is_ignored() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    sandbox.write(&place("ann", "MicroSIP.ini"), utf16(INI));
    let mut command = sandbox.command(PROGRAM);
    command.env("MSIPCFG_INI", "").args(["get", "VAD"]);
    assert_eq!(sandbox.finish(command).exits(0).stdout, "1\n");
}

#[test]
#[cfg(unix)]
fn create_makes_the_ini_where_an_installed_microsip_does() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("home/.wine/drive_c/users/ann/AppData/Roaming")).unwrap();
    let installed = "WINE REGISTRY Version 2\n\n[Software\\\\MicroSIP] 1700000000\n@=\"C:\\\\Program Files\\\\MicroSIP\"\n";
    sandbox.write("home/.wine/user.reg", installed);
    let json = sandbox.run(&["set", "--json", "--create", "VAD=1"]).exits(0).json();
    let ini = sandbox.path(&place("ann", "MicroSIP.ini"));
    assert_eq!(json["ini"], ini.to_str().unwrap());
    assert_eq!(std::fs::read(ini).unwrap(), utf16("[Settings]\r\nVAD=1"));
    // with two users, it is unclear whose
    std::fs::remove_dir_all(sandbox.path("home/.wine/drive_c/users/ann/AppData/Roaming/MicroSIP")).unwrap();
    std::fs::create_dir_all(sandbox.path("home/.wine/drive_c/users/bob/AppData/Roaming")).unwrap();
    sandbox.run(&["set", "--json", "--create", "VAD=1"]).fails(4, "ini-not-found");
}

#[test]
#[cfg_attr(windows, ignore = "depends on whether MicroSIP is installed on this computer")]
fn create_without_an_installed_microsip_is_refused() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let program = || sandbox.command(PROGRAM);
    let args: Vec<OsString> = ["set", "--create", "VAD=1"].map(OsString::from).into();
    refused(&sandbox, &program, &args, 4, "ini-not-found", None);
}

//! msipcfg finds the ini that MicroSIP uses.

use crate::alone::Alone;
use crate::sandbox::{PROGRAM, Ran, Sandbox, text_of_ini, utf16};

use super::{Installed, Start};

const INI: &str = "[Settings]\r\naccountId=1\r\nVAD=0\r\n";

fn with_ini<'a>(args: &[&'a str], ini: &'a str) -> Vec<&'a str> {
    [args, &["--json", "--ini", ini]].concat()
}

#[test]
fn an_installed_phone_blocks_only_the_ini_in_appdata() {
    let sandbox = Sandbox::new();
    let installed = sandbox.write("roaming/MicroSIP/MicroSIP.ini", utf16(INI));
    let next_to_exe = sandbox.write("Program/MicroSIP.ini", utf16(INI));
    let _registered = Installed::at(&sandbox.path("Program"));
    let phone = Start::at(&sandbox, "Program/MicroSIP.exe").start();
    let edit = ["set", "--timeout", "0", "VAD=1"];
    sandbox.run(&with_ini(&edit, installed.to_str().unwrap())).fails(5, "microsip-running");
    sandbox.run(&with_ini(&edit, next_to_exe.to_str().unwrap())).exits(0);
    phone.close();
    sandbox.run(&with_ini(&edit, installed.to_str().unwrap())).exits(0);
    let text = text_of_ini(&installed);
    assert!(text.contains("VAD=1") && text.contains("volumeOutput=1"), "{text}");
}

#[test]
fn a_phone_outside_the_registered_folder_is_portable() {
    let sandbox = Sandbox::new();
    let installed = sandbox.write("roaming/MicroSIP/MicroSIP.ini", utf16(INI));
    let next_to_exe = sandbox.write("Phone/MicroSIP.ini", utf16(INI));
    let _registered = Installed::at(&sandbox.path("Elsewhere"));
    let phone = Start::at(&sandbox, "Phone/MicroSIP.exe").start();
    let edit = ["set", "--timeout", "0", "VAD=1"];
    sandbox.run(&with_ini(&edit, next_to_exe.to_str().unwrap())).fails(5, "microsip-running");
    sandbox.run(&with_ini(&edit, installed.to_str().unwrap())).exits(0);
    phone.close();
}

#[test]
fn an_ini_named_by_its_short_path_is_blocked_too() {
    let sandbox = Sandbox::new();
    let ini = sandbox.write("A long name/MicroSIP.ini", utf16(INI));
    let Some(short) = msipcfg::platform::short_path(&ini) else {
        println!("skipped: this disk has no short names");
        return;
    };
    let phone = Start::at(&sandbox, "A long name/MicroSIP.exe").start();
    sandbox.run(&with_ini(&["set", "--timeout", "0", "VAD=1"], &short)).fails(5, "microsip-running");
    phone.close();
    sandbox.run(&with_ini(&["set", "--timeout", "0", "VAD=1"], &short)).exits(0);
}

/// Runs msipcfg in a folder of the sandbox.
fn run_in(sandbox: &Sandbox, folder: &str, args: &[&str]) -> Ran {
    let mut command = sandbox.command(PROGRAM);
    command.args(args).current_dir(sandbox.path(folder));
    sandbox.finish(command)
}

#[test]
fn a_portable_copy_is_found_from_its_own_folder() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    sandbox.write("Phone/MicroSIP.ini", utf16(INI));
    let ini = sandbox.path("Phone").join("MicroSIP.ini");
    super::put_stand_in(&sandbox.path("Phone/MicroSIP.exe"));
    let ran = run_in(&sandbox, "Phone", &["get", "--json", "VAD"]).exits(0);
    assert_eq!(ran.json()["ini"], ini.to_str().unwrap(), "{}", ran.transcript);
}

#[test]
fn an_installed_and_a_portable_copy_are_ambiguous_whichever_runs() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    sandbox.write("roaming/MicroSIP/MicroSIP.ini", utf16(INI));
    sandbox.write("Phone/MicroSIP.ini", utf16(INI));
    super::put_stand_in(&sandbox.path("Phone/MicroSIP.exe"));
    let ran = run_in(&sandbox, "Phone", &["get", "--json", "VAD"]).fails(4, "ini-ambiguous");
    assert!(ran.stdout.contains("next to MicroSIP.exe"), "{}", ran.transcript);
    let phone = Start::at(&sandbox, "Phone/MicroSIP.exe").start();
    let ran = run_in(&sandbox, "Phone", &["get", "--json", "VAD"]).fails(4, "ini-ambiguous");
    assert!(ran.stdout.contains(&format!("used by pid {}", phone.pid())), "{}", ran.transcript);
    phone.close();
}

#[test]
fn a_renamed_phone_is_found_by_its_window() {
    let sandbox = Sandbox::new();
    let ini = sandbox.write("Phone/companyphone.ini", utf16(INI));
    let link = sandbox.path("Phone").join("..").join("Phone").join("companyphone.ini");
    let phone = Start::at(&sandbox, "Phone/companyphone.exe").start();
    let ran = sandbox.run(&with_ini(&["set", "--timeout", "0", "VAD=1"], link.to_str().unwrap()));
    ran.fails(5, "microsip-running");
    sandbox.run(&with_ini(&["answer"], ini.to_str().unwrap())).exits(0);
    phone.waits_for("command /answer");
    phone.close();
}

#[test]
fn a_long_path_in_several_scripts_works() {
    let sandbox = Sandbox::new();
    let folder = format!("Jürgen Ωmega 日本 {}/{}/{}", "a".repeat(90), "b".repeat(90), "c".repeat(60));
    let ini = sandbox.write(&format!("{folder}/MicroSIP.ini"), utf16(INI));
    assert!(ini.as_os_str().len() > 260);
    let ini = ini.to_str().unwrap();
    sandbox.run(&with_ini(&["set", "VAD=1"], ini)).exits(0);
    let ran = sandbox.run(&with_ini(&["get", "VAD"], ini)).exits(0);
    assert_eq!(ran.json()["values"][0]["value"], "1", "{}", ran.transcript);
    sandbox.run(&with_ini(&["restore"], ini)).exits(0);
    assert_eq!(std::fs::read(ini).unwrap(), utf16(INI));
}

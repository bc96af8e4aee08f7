//! Links to the ini.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::{INI, all_commands, refused_all};
use crate::sandbox::{Sandbox, utf16};

#[test]
fn a_link_is_followed_and_stays_a_link() {
    let sandbox = Sandbox::new();
    let target = sandbox.write("real/Phone.ini", utf16(INI));
    // a chain with a relative link
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
fn a_broken_link_is_reported() {
    let sandbox = Sandbox::new();
    symlink(sandbox.path("gone.ini"), sandbox.ini()).unwrap();
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 4, "ini-not-found");
    let ran = sandbox.run_on_ini(&["get", "VAD"]).exits(4);
    assert!(ran.stderr.contains("gone.ini"), "{}", ran.transcript);
    // the target is not created
    refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 4, "ini-not-found");
}

#[test]
fn a_loop_of_links_is_reported() {
    let sandbox = Sandbox::new();
    symlink(sandbox.ini(), sandbox.path("other")).unwrap();
    symlink(sandbox.path("other"), sandbox.ini()).unwrap();
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 6, "file-read");
    refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 6, "file-read");
    refused_all(&sandbox, &all_commands(), &sandbox.ini().join("MicroSIP.ini"), 6, "file-read");
}

#[test]
fn a_link_to_a_folder_is_not_an_ini() {
    let sandbox = Sandbox::new();
    symlink(sandbox.path("home"), sandbox.ini()).unwrap();
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 6, "file-not-regular");
}

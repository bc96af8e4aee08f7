//! Inis that can't be written.

use super::{INI, WRITING, refused_all};
#[cfg(unix)]
use super::{on_ini, refused, with_args};
#[cfg(unix)]
use crate::sandbox::PROGRAM;
use crate::sandbox::{Sandbox, utf16};

#[test]
fn a_read_only_ini_is_not_written() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let mut permissions = std::fs::metadata(sandbox.ini()).unwrap().permissions();
    let writable = permissions.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(sandbox.ini(), permissions).unwrap();
    refused_all(&sandbox, WRITING, &sandbox.ini(), 6, "file-read-only");
    let ran = sandbox.run_on_ini(&["set", "--json", "VAD=0"]).exits(6);
    assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("read-only"), "{}", ran.transcript);
    std::fs::set_permissions(sandbox.ini(), writable).unwrap();
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_ini_unchanged() {
    let mut text = String::from(INI);
    for number in 0..400 {
        text.push_str(&format!("zz{number}=x\r\n"));
    }
    let sandbox = Sandbox::with_ini(utf16(&text));
    // files are limited to two kilobytes, and writing more is an error instead of a signal
    let small = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
    let program = || {
        let mut command = sandbox.command("/bin/sh");
        command.arg("-c").arg(small).arg(PROGRAM);
        command
    };
    for args in WRITING {
        refused(&sandbox, &program, &on_ini(&sandbox.ini(), args), 6, "file-write", Some(&sandbox.ini()));
    }
    let ran = sandbox.finish(with_args(program(), on_ini(&sandbox.ini(), WRITING[0])));
    assert!(ran.stderr.contains("free up space"), "no hint: {}", ran.transcript);
    // a new ini is not created, not even in part
    let bytes = ["zz=", &"x".repeat(240)].concat();
    let args: Vec<String> = (0..20).map(|number| format!("zz{number}{bytes}")).collect();
    let args: Vec<&str> = ["set", "--create"].into_iter().chain(args.iter().map(String::as_str)).collect();
    refused(&sandbox, &program, &on_ini(&sandbox.path("New.ini"), &args), 6, "file-write", None);
}

#[test]
fn an_ini_below_a_file_is_not_created() {
    let sandbox = Sandbox::new();
    sandbox.write("file", b"mine");
    for path in ["file/MicroSIP.ini", "file/sub/MicroSIP.ini"] {
        let ini = sandbox.path(path);
        let ran = sandbox.run(&["set", "--create", "--ini", ini.to_str().unwrap(), "VAD=1"]).exits(6);
        // Windows doesn't report a file in the place of a folder further up
        if cfg!(unix) || path == "file/MicroSIP.ini" {
            assert!(ran.stderr.contains("a file where a folder is needed"), "{}", ran.transcript);
        }
        assert_eq!(std::fs::read(sandbox.path("file")).unwrap(), b"mine");
    }
}

//! Files that aren't inis.

use std::fs::File;
use std::io::Write;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

use super::{INI, WRITING, all_commands, assert_plain, on_ini, refused_all, with_args};
use crate::inis::snapshot;
use crate::sandbox::{PROGRAM, Sandbox, utf16};

#[test]
fn a_folder_is_not_an_ini() {
    let sandbox = Sandbox::new();
    sandbox.write("MicroSIP.ini/inside", "x");
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 6, "file-not-regular");
    refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 6, "file-not-regular");
}

#[test]
#[cfg(unix)]
fn a_pipe_is_not_an_ini() {
    let sandbox = Sandbox::new();
    let made = Command::new("mkfifo").arg(sandbox.ini()).status().unwrap();
    assert!(made.success());
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 6, "file-not-regular");
    refused_all(&sandbox, &[&["set", "--create", "VAD=1"]], &sandbox.ini(), 6, "file-not-regular");
}

#[test]
#[cfg(unix)]
fn a_device_is_not_an_ini() {
    let sandbox = Sandbox::new();
    for device in ["/dev/null", "/dev/zero"] {
        refused_all(&sandbox, &all_commands(), Path::new(device), 6, "file-not-regular");
    }
    std::os::unix::fs::symlink("/dev/zero", sandbox.ini()).unwrap();
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 6, "file-not-regular");
}

#[test]
#[cfg(windows)]
fn a_device_is_not_an_ini() {
    let sandbox = Sandbox::new();
    for args in all_commands() {
        for device in ["NUL", r"\\.\NUL"] {
            let ran = sandbox.finish(with_args(sandbox.command(PROGRAM), on_ini(Path::new(device), args)));
            assert_eq!(ran.status, 6, "{}", ran.transcript);
            assert_plain(&ran);
        }
    }
}

#[test]
fn a_file_without_a_section_is_not_an_ini() {
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
fn every_command_refuses_a_file_that_is_not_an_ini() {
    let sandbox = Sandbox::with_ini("hello\n");
    let all = [&all_commands()[..], &[&["list"], &["unset", "VAD"], &["unset-hook", "--all"]]].concat();
    refused_all(&sandbox, &all, &sandbox.ini(), 7, "not-an-ini");
}

/// The largest file that is read, in MiB.
const LIMIT: usize = 16;

#[test]
fn a_large_file_of_nuls_is_not_an_ini() {
    let sandbox = Sandbox::new();
    File::create(sandbox.ini()).unwrap().set_len((LIMIT << 20) as u64).unwrap();
    let args = on_ini(&sandbox.ini(), &["get", "--json", "VAD"]);
    let ran = sandbox.finish(with_args(sandbox.command(PROGRAM), args)).fails(7, "not-an-ini");
    assert_plain(&ran);
}

#[test]
fn a_large_file_of_garbage_is_not_an_ini() {
    let sandbox = Sandbox::new();
    // a simple generator, so that the garbage is always the same; without [ it has no section
    let mut state = 1_u64;
    let mut block = Vec::with_capacity(1 << 20);
    while block.len() < 1 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        block.extend(state.to_le_bytes()[4..].iter().map(|byte| if *byte == b'[' { b'(' } else { *byte }));
    }
    let mut file = File::create(sandbox.ini()).unwrap();
    for _ in 0..LIMIT {
        file.write_all(&block).unwrap();
    }
    drop(file);
    let before = snapshot(&sandbox);
    let args = on_ini(&sandbox.ini(), &["set", "--json", "VAD=0"]);
    let ran = sandbox.finish(with_args(sandbox.command(PROGRAM), args)).fails(7, "not-an-ini");
    assert_plain(&ran);
    assert_eq!(snapshot(&sandbox).len(), before.len(), "a file changed: {}", ran.transcript);
    assert_eq!(std::fs::metadata(sandbox.ini()).unwrap().len(), (LIMIT << 20) as u64);
}

#[test]
fn a_file_over_the_limit_is_not_an_ini() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    File::options().write(true).open(sandbox.ini()).unwrap().set_len((LIMIT << 20) as u64 + 1).unwrap();
    refused_all(&sandbox, &all_commands(), &sandbox.ini(), 7, "not-an-ini");
    let ran = sandbox.run_on_ini(&["get", "VAD"]);
    assert!(ran.stderr.contains("16 MiB"), "{}", ran.transcript);
}

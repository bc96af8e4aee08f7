//! Many processes that edit one ini at the same time.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use msipcfg::edit::backup;
use msipcfg::edit::lock::Lock;
use msipcfg::platform::SystemFs;

use crate::sandbox::{PROGRAM, Sandbox, spawn, utf16};

const INI: &str = "[Settings]\r\nVAD=1\r\nvolumeRing=80\r\n";

/// Starts msipcfg with the sandbox's ini, without waiting for it.
fn start(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command: Command = sandbox.command(PROGRAM);
    command.arg(args[0]).arg("--ini").arg(sandbox.ini()).args(&args[1..]);
    spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// Waits for all processes and returns the output of those that failed.
fn failures(children: Vec<Child>) -> Vec<String> {
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    let failed = outputs.filter(|output| !output.status.success());
    failed
        .map(|output| {
            let [stdout, stderr] =
                [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
            format!("{}: {stdout} {stderr}", output.status)
        })
        .collect()
}

/// Lists the files that are neither the ini nor its backups.
fn leftovers(sandbox: &Sandbox) -> Vec<String> {
    let backups = backup::list(&sandbox.ini(), &SystemFs).unwrap();
    let is_backup = |name: &String| backups.iter().any(|backup| backup.name == *name);
    sandbox.names().into_iter().filter(|name| name != "MicroSIP.ini" && !is_backup(name)).collect()
}

#[test]
fn no_edit_of_many_processes_is_lost() {
    // under Wine, the last of fifty processes would run into the timeout of the lock
    const COUNT: usize = if cfg!(windows) { 15 } else { 50 };
    let sandbox = Sandbox::with_ini(utf16(INI));
    let children =
        (0..COUNT).map(|n| start(&sandbox, &["set", &format!("Mine/key{n}={n}"), "VAD=0"])).collect();
    assert_eq!(failures(children), Vec::<String>::new());

    let text = sandbox.ini_text();
    let mut lines: Vec<&str> = text.lines().collect();
    let mut keys: Vec<&str> = lines.split_off(4);
    assert_eq!(lines, ["[Settings]", "VAD=0", "volumeRing=80", "[Mine]"]);
    keys.sort_unstable();
    let mut wanted: Vec<String> = (0..COUNT).map(|n| format!("key{n}={n}")).collect();
    wanted.sort_unstable();
    assert_eq!(keys, wanted);

    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    let backups = sandbox.names().len() - 1;
    assert_eq!(backups, 10, "{:?}", sandbox.names());
}

#[test]
fn concurrent_set_and_restore_leave_complete_files() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    sandbox.run_on_ini(&["set", "VAD=0"]).exits(0);
    let args = |n: usize| {
        if n % 5 == 4 { vec!["restore".into()] } else { vec!["set".into(), format!("key{n}={n}")] }
    };
    let children = (0..25)
        .map(|n| {
            let args: Vec<String> = args(n);
            start(&sandbox, &args.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(failures(children), Vec::<String>::new());

    // which keys exist depends on the order, but every file is complete
    for name in sandbox.names() {
        let bytes = std::fs::read(sandbox.path(&name)).unwrap();
        let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units).unwrap();
        let body = text.strip_prefix("\u{FEFF}[Settings]\r\nVAD=").and_then(|text| text.strip_suffix("\r\n"));
        let mut lines = body.unwrap_or_else(|| panic!("{name}: {text}")).split("\r\n");
        assert!(matches!(lines.next(), Some("0" | "1")), "{name}: {text}");
        assert_eq!(lines.next(), Some("volumeRing=80"), "{name}: {text}");
        let mut keys: Vec<&str> = lines.collect();
        let count = keys.len();
        assert!(keys.iter().all(|key| (0..25).any(|n| *key == format!("key{n}={n}"))), "{name}: {text}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "{name}: {text}");
    }
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
}

#[test]
fn two_processes_that_create_the_ini_keep_both_edits() {
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        let create = |value: &str| {
            let ini = sandbox.path("new/folder/MicroSIP.ini");
            let mut command = sandbox.command(PROGRAM);
            command.args(["set", "--create", "--ini"]).arg(ini).arg(value);
            spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
        };
        assert_eq!(failures(vec![create("VAD=0"), create("volumeRing=55")]), Vec::<String>::new());
        let ini = sandbox.path("new/folder/MicroSIP.ini");
        let got = sandbox.run(&["get", "--ini", ini.to_str().unwrap(), "VAD", "volumeRing"]).exits(0);
        assert_eq!(got.stdout.lines().collect::<Vec<_>>(), ["0", "55"]);
        let entries = std::fs::read_dir(sandbox.path("new/folder")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".bak"));
        assert_eq!(names, ["MicroSIP.ini"]);
    }
}

#[test]
fn the_lock_is_exclusive_and_nobody_is_refused() {
    const THREADS: usize = 8;
    // much slower under Wine
    const TIMES: usize = if cfg!(windows) { 20 } else { 500 };
    let sandbox = Sandbox::with_ini(utf16(INI));
    let ini = sandbox.ini();
    let is_held = AtomicBool::new(false);
    let lock_repeatedly = || {
        for _ in 0..TIMES {
            let lock = Lock::acquire(&ini, &SystemFs, &|| false).map_err(|error| error.to_string())?;
            assert!(!is_held.swap(true, Ordering::SeqCst), "two threads hold the lock");
            std::thread::yield_now();
            assert!(is_held.swap(false, Ordering::SeqCst));
            drop(lock);
        }
        Ok(())
    };
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(lock_repeatedly)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results, vec![Ok(()); THREADS]);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

//! The commands `backups` and `restore`.

use serde_json::Value;

use crate::inis::{self, snapshot};
use crate::sandbox::{Sandbox, utf16};

const INI: &str = "[Settings]\r\nvolumeRing=100\r\nversion=3.22.3\r\n";

/// Creates a sandbox in which the volume was 100 and then set to each of these values.
fn edited(volumes: &[u8]) -> Sandbox {
    let sandbox = Sandbox::with_ini(utf16(INI));
    for volume in volumes {
        set_volume(&sandbox, *volume, &[]);
    }
    sandbox
}

fn set_volume(sandbox: &Sandbox, volume: u8, options: &[&str]) -> Value {
    let given = format!("volumeRing={volume}");
    sandbox.run_on_ini(&[&["set", "--json", &given], options].concat()).exits(0).json()
}

fn volume(sandbox: &Sandbox) -> String {
    volume_in(&sandbox.ini())
}

fn volume_in(path: &std::path::Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("volumeRing="));
    line.unwrap_or_else(|| panic!("no volume in {text}")).to_string()
}

/// Returns the names that `backups` lists, newest first.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    let json = sandbox.run_on_ini(&["backups", "--json"]).exits(0).json();
    let backups = json["backups"].as_array().unwrap();
    for (index, backup) in backups.iter().enumerate() {
        assert_eq!(backup["number"], index + 1, "{json}");
    }
    backups.iter().map(|backup| backup["name"].as_str().unwrap().to_string()).collect()
}

/// Returns the volumes in the backups, newest first.
fn volumes(sandbox: &Sandbox) -> Vec<String> {
    listed(sandbox).iter().map(|name| volume_in(&sandbox.path(name))).collect()
}

/// Returns the files of the sandbox that end in `.bak`.
fn on_disk(sandbox: &Sandbox) -> Vec<String> {
    sandbox.names().into_iter().filter(|name| name.ends_with(".bak")).collect()
}

// --- backups

#[test]
fn an_edit_makes_a_backup_named_by_its_time() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let json = set_volume(&sandbox, 5, &[]);
    let names = on_disk(&sandbox);
    let [name] = &names[..] else { panic!("{names:?}") };
    assert_eq!(json["backup"], sandbox.path(name).to_str().unwrap());
    assert_eq!(std::fs::read(sandbox.path(name)).unwrap(), utf16(INI));
    let stamp = name.strip_prefix("MicroSIP.ini.").unwrap().strip_suffix(".bak").unwrap();
    let digits = stamp.chars().filter(char::is_ascii_digit).count();
    assert_eq!(digits, "YYYYMMDDhhmmssmmm".len(), "{stamp}");
    assert!(!stamp.contains([':', ' ', '/']), "{stamp}");
    assert_eq!(sandbox.names(), ["MicroSIP.ini", name.as_str()], "other files are left");
}

#[test]
fn backups_are_listed_newest_first() {
    let sandbox = edited(&[1, 2, 3, 4]);
    assert_eq!(volumes(&sandbox), ["3", "2", "1", "100"]);
    let ran = sandbox.run_on_ini(&["backups"]).exits(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ran.transcript);
    for (line, (number, name)) in lines.iter().zip((1..).zip(listed(&sandbox))) {
        assert!(line.trim_start().starts_with(&number.to_string()) && line.contains(&name), "{line}");
    }
}

#[test]
fn only_backups_of_this_ini_are_listed_and_purged() {
    let sandbox = edited(&[1]);
    let other_files = [
        "MicroSIP.ini.bak",
        "MicroSIP.ini.old.bak",
        "Other.ini.20260101T000000.000Z.bak",
        "MicroSIP.ini.20260101.bak",
    ];
    for name in other_files {
        sandbox.write(name, "mine");
    }
    assert_eq!(listed(&sandbox).len(), 1);
    let json = sandbox.run_on_ini(&["backups", "--purge", "--json"]).exits(0).json();
    assert_eq!(json["ok"], true);
    assert_eq!(listed(&sandbox), [""; 0]);
    let mut left: Vec<&str> = [&other_files[..], &["MicroSIP.ini"]].concat();
    left.sort_unstable();
    assert_eq!(sandbox.names(), left);
    assert_eq!(volume(&sandbox), "1", "the ini changed");
}

#[test]
fn purge_removes_all_and_prints_the_number() {
    let sandbox = edited(&[1, 2, 3]);
    let names = sandbox.names();
    sandbox.run_on_ini(&["backups", "--purge", "-n"]).exits(0).says("Would delete 3 backups");
    let json = sandbox.run_on_ini(&["backups", "--purge", "--yes", "-n", "--json"]).exits(0).json();
    assert_eq!((&json["purged"], json["backups"].as_array().unwrap().len()), (&Value::from(false), 3));
    assert_eq!(sandbox.names(), names);
    let ran = sandbox.run_on_ini(&["backups", "--purge"]).exits(0);
    assert!(ran.stdout.contains('3'), "{}", ran.transcript);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    sandbox.run_on_ini(&["backups", "--purge", "--yes"]).exits(0).says("has no backups");
    sandbox.run_on_ini(&["backups", "-n", "--json"]).fails(2, "usage");
}

#[test]
fn an_ini_without_backups_has_an_empty_list() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    assert_eq!(listed(&sandbox), [""; 0]);
    sandbox.run_on_ini(&["backups"]).exits(0).says("no backups");
    sandbox.run_on_ini(&["restore", "--json"]).fails(1, "no-backup");
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn an_edit_that_changes_nothing_makes_no_backup() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let json = set_volume(&sandbox, 100, &[]);
    assert_eq!((&json["changed"], &json["backup"]), (&Value::from(false), &Value::Null));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn no_backup_makes_none() {
    let sandbox = edited(&[1]);
    let json = set_volume(&sandbox, 2, &["--no-backup"]);
    assert_eq!((&json["changed"], &json["backup"]), (&Value::from(true), &Value::Null));
    assert_eq!(volumes(&sandbox), ["100"], "the old backups changed");
}

#[test]
fn keep_backups_keeps_the_oldest_plus_the_newest() {
    let sandbox = edited(&[1, 2, 3, 4, 5]);
    set_volume(&sandbox, 6, &["--keep-backups", "3"]);
    assert_eq!(volumes(&sandbox), ["5", "4", "100"]);
    set_volume(&sandbox, 7, &["--keep-backups=2"]);
    assert_eq!(volumes(&sandbox), ["6", "100"]);
    set_volume(&sandbox, 8, &["--keep-backups", "1"]);
    assert_eq!(volumes(&sandbox), ["100"]);
    let json = set_volume(&sandbox, 9, &["--keep-backups", "0"]);
    assert_eq!(volumes(&sandbox), [""; 0]);
    assert_eq!(json["backup"], Value::Null, "the reported backup doesn't exist");
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn ten_backups_are_kept_by_default() {
    let sandbox = edited(&(1..=13).collect::<Vec<_>>());
    assert_eq!(volumes(&sandbox), ["12", "11", "10", "9", "8", "7", "6", "5", "4", "100"]);
}

#[test]
fn the_reported_backup_exists() {
    let sandbox = edited(&[1, 2]);
    for keep in ["10", "2", "1", "0"] {
        let volume = keep.parse::<u8>().unwrap() + 50;
        let json = set_volume(&sandbox, volume, &["--keep-backups", keep]);
        if let Some(backup) = json["backup"].as_str() {
            assert!(std::path::Path::new(backup).exists(), "--keep-backups {keep}: {json}");
        }
    }
}

#[test]
fn keep_backups_takes_a_number() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    for number in ["-1", "many", "1.5", ""] {
        let option = format!("--keep-backups={number}");
        sandbox.run_on_ini(&["set", "--json", "volumeRing=5", &option]).fails(2, "usage");
    }
    assert_eq!(volume(&sandbox), "100");
}

#[test]
#[cfg(unix)]
fn a_backup_gives_nobody_more_access_than_the_ini() {
    use std::os::unix::fs::PermissionsExt;
    for mode in [0o600, 0o640, 0o644] {
        let sandbox = Sandbox::with_ini(utf16(INI));
        std::fs::set_permissions(sandbox.ini(), PermissionsExt::from_mode(mode)).unwrap();
        set_volume(&sandbox, 1, &[]);
        sandbox.run_on_ini(&["restore"]).exits(0);
        for name in sandbox.names() {
            let found = std::fs::metadata(sandbox.path(&name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{name}: {found:o}");
        }
    }
}

// --- restore

#[test]
fn restore_uses_the_newest_backup() {
    let sandbox = edited(&[1, 2]);
    let name = listed(&sandbox)[0].clone();
    let json = sandbox.run_on_ini(&["restore", "--json"]).exits(0).json();
    assert_eq!((&json["ok"], &json["changed"]), (&Value::from(true), &Value::from(true)));
    assert_eq!(
        json["changes"],
        serde_json::json!([{"section": "Settings", "key": "volumeRing", "before": "2", "after": "1"}])
    );
    assert_eq!(volume(&sandbox), "1");
    let sandbox = edited(&[1, 2]);
    let ran = sandbox.run_on_ini(&["restore"]).exits(0);
    let reported = listed(&sandbox).into_iter().find(|listed| ran.stdout.contains(listed.as_str()));
    assert!(reported.is_some(), "the name of the backup, such as {name}, is missing: {}", ran.transcript);
}

#[test]
fn restore_accepts_a_number_or_a_name() {
    for (number, expected) in [("1", "3"), ("2", "2"), ("3", "1"), ("4", "100")] {
        let sandbox = edited(&[1, 2, 3, 4]);
        sandbox.run_on_ini(&["restore", number]).exits(0);
        assert_eq!(volume(&sandbox), expected);
        let sandbox = edited(&[1, 2, 3, 4]);
        let name = listed(&sandbox)[number.parse::<usize>().unwrap() - 1].clone();
        sandbox.run_on_ini(&["restore", &name]).exits(0);
        assert_eq!(volume(&sandbox), expected, "{name}");
    }
}

#[test]
fn restore_of_an_unknown_backup_exits_with_1() {
    let sandbox = edited(&[1]);
    sandbox.write("home/MicroSIP.ini.20260101T000000.000Z.bak", utf16("[Settings]\r\nvolumeRing=66\r\n"));
    let names = sandbox.names();
    for which in [
        "0",
        "2",
        "99999999999999999999999",
        "none",
        "MicroSIP.ini",
        "",
        "home/MicroSIP.ini.20260101T000000.000Z.bak",
        "../x",
    ] {
        let ran = sandbox.run_on_ini(&["restore", "--json", which]).fails(1, "no-backup");
        assert!(ran.json()["error"]["hint"].as_str().unwrap().contains("backups"), "{}", ran.transcript);
        assert_eq!((volume(&sandbox).as_str(), sandbox.names()), ("1", names.clone()));
    }
}

#[test]
fn a_restore_can_be_undone() {
    let sandbox = edited(&[1, 2]);
    sandbox.run_on_ini(&["restore"]).exits(0);
    assert_eq!(volume(&sandbox), "1");
    // the replaced ini is the newest backup
    assert_eq!(volumes(&sandbox), ["2", "1", "100"]);
    sandbox.run_on_ini(&["restore", "1"]).exits(0);
    assert_eq!(volume(&sandbox), "2");
}

#[test]
fn restore_skips_backups_made_by_restore() {
    let sandbox = edited(&[1, 2]);
    sandbox.run_on_ini(&["restore"]).exits(0);
    let json = sandbox.run_on_ini(&["restore", "--json"]).exits(0).json();
    assert_eq!(json["changed"], false, "restore used a backup made by restore: {json}");
    assert_eq!(volume(&sandbox), "1");
    let ours = listed(&sandbox)[0].clone();
    sandbox.run_on_ini(&["restore", &ours]).exits(0);
    assert_eq!(volume(&sandbox), "2", "a backup made by restore can be named");
}

#[test]
fn backups_made_by_restore_are_only_restored_by_name() {
    let sandbox = edited(&[1]);
    sandbox.run_on_ini(&["restore"]).exits(0);
    let names = listed(&sandbox);
    std::fs::remove_file(sandbox.path(&names[1])).unwrap();
    sandbox.run_on_ini(&["restore", "--json"]).fails(1, "no-backup");
    sandbox.run_on_ini(&["restore", &names[0]]).exits(0);
    assert_eq!(volume(&sandbox), "1");
}

#[test]
fn a_deleted_ini_can_be_restored() {
    for which in [&[][..], &["1"]] {
        let sandbox = edited(&[1, 2]);
        std::fs::remove_file(sandbox.ini()).unwrap();
        let ran = sandbox.run_on_ini(&[&["restore", "--json"], which].concat()).exits(0);
        assert_eq!(ran.json()["changed"], true, "{}", ran.transcript);
        let changes = ran.json()["changes"].as_array().unwrap().clone();
        let are_all_added =
            changes.iter().all(|change| change["before"].is_null() && change["after"].is_string());
        assert!(!changes.is_empty() && are_all_added, "{}", ran.transcript);
        assert_eq!(volume(&sandbox), "1");
    }
}

#[test]
fn a_broken_ini_can_be_restored() {
    for broken in
        [&b""[..], b"\0\0\0\0\0\0\0\0", b"\x89PNG\r\n\x1a\n no ini at all", b"caf\xE9", &[0xFF, 0xFE]]
    {
        let sandbox = edited(&[1, 2]);
        sandbox.write("MicroSIP.ini", broken);
        let ran = sandbox.run_on_ini(&["restore", "--json"]).exits(0);
        assert_eq!(ran.json()["changed"], true, "{}", ran.transcript);
        assert_eq!(volume(&sandbox), "1");
        // the broken ini is backed up
        let newest = listed(&sandbox)[0].clone();
        assert_eq!(std::fs::read(sandbox.path(&newest)).unwrap(), broken);
    }
}

#[test]
fn a_backup_that_is_not_an_ini_is_not_restored() {
    let sandbox = edited(&[1]);
    let name = listed(&sandbox)[0].clone();
    sandbox.write(&name, "this was never an ini");
    let ran = sandbox.run_on_ini(&["restore", "--json"]).fails(7, "not-an-ini");
    let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
    assert!(message.contains(&name), "another file is named: {message}");
    assert_eq!(volume(&sandbox), "1");
}

#[test]
fn restore_restores_the_bytes_of_every_ini() {
    for (name, bytes) in inis::fixtures() {
        let sandbox = Sandbox::with_ini(&bytes);
        let code_page = inis::code_page_of(&name);
        for volume in ["volumeRing=41", "volumeRing=42"] {
            sandbox.run_on_ini(&["set", "--codepage", code_page, volume]).exits(0);
        }
        let json = sandbox.run_on_ini(&["restore", "--codepage", code_page, "--json", "2"]).exits(0).json();
        assert_eq!(json["changed"], true, "{name}");
        assert_eq!(sandbox.ini_bytes(), bytes, "{name}");
    }
}

#[test]
fn restore_works_without_a_code_page() {
    for (name, bytes) in inis::fixtures() {
        let sandbox = Sandbox::with_ini(&bytes);
        sandbox.run_on_ini(&["set", "--codepage", inis::code_page_of(&name), "volumeRing=41"]).exits(0);
        let ran = sandbox.run_on_ini(&["restore"]).exits(0);
        assert_eq!(sandbox.ini_bytes(), bytes, "{name}: {}", ran.transcript);
    }
}

#[test]
fn a_dry_run_of_restore_shows_the_changes_and_writes_nothing() {
    let sandbox = edited(&[1, 2]);
    let before = snapshot(&sandbox);
    let json = sandbox.run_on_ini(&["restore", "--json", "--dry-run"]).exits(0).json();
    assert_eq!(
        (&json["changed"], &json["dry_run"], &json["backup"]),
        (&true.into(), &true.into(), &Value::Null)
    );
    assert_eq!(json["changes"][0]["after"], "1");
    let ran = sandbox.run_on_ini(&["restore", "-n"]).exits(0);
    assert!(ran.stdout.contains("-volumeRing=2\n+volumeRing=1\n"), "{}", ran.transcript);
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn restore_prunes_backups_as_specified() {
    let sandbox = edited(&[1, 2, 3]);
    sandbox.run_on_ini(&["restore", "--no-backup"]).exits(0);
    assert_eq!((volume(&sandbox).as_str(), listed(&sandbox).len()), ("2", 3));
    let sandbox = edited(&[1, 2, 3]);
    sandbox.run_on_ini(&["restore", "--keep-backups", "2"]).exits(0);
    assert_eq!((volume(&sandbox).as_str(), volumes(&sandbox)), ("2", vec!["3".to_string(), "100".into()]));
}

/// Checks creation time, attributes and streams, if the file system supports them.
#[cfg(windows)]
#[test]
fn an_edit_keeps_creation_time_attributes_and_streams() {
    use std::os::windows::fs::{FileTimesExt, MetadataExt};
    use std::time::{Duration, SystemTime};

    const HIDDEN: u32 = 2;
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=0\r\n"));
    let ini = sandbox.ini();
    let stream = format!("{}:note", ini.display());
    std::fs::write(&stream, "kept").unwrap();
    let attrib = sandbox.command("attrib").arg("+h").arg(&ini).status();
    assert!(attrib.is_ok_and(|status| status.success()));
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    let times = std::fs::FileTimes::new().set_created(long_ago);
    std::fs::File::options().write(true).open(&ini).unwrap().set_times(times).unwrap();
    let metadata_of = || {
        let metadata = std::fs::metadata(&ini).unwrap();
        let created = metadata.created().ok().filter(|time| *time == long_ago);
        (created, metadata.file_attributes() & HIDDEN, std::fs::read_to_string(&stream).ok())
    };
    let before = metadata_of();
    sandbox.run_on_ini(&["set", "VAD=1"]).exits(0);
    assert!(sandbox.ini_text().contains("VAD=1"));
    assert_eq!(metadata_of(), before);
}

#[test]
fn other_names_of_an_ini_are_reported() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let other = sandbox.path("other.ini");
    std::fs::hard_link(sandbox.ini(), &other).unwrap();
    for args in [&["set", "--json", "-n", "volumeRing=5"][..], &["set", "--json", "volumeRing=5"]] {
        let ran = sandbox.run_on_ini(args).exits(0);
        assert_eq!(ran.warnings(), ["hard-link"], "{}", ran.transcript);
    }
    assert_eq!((&*volume(&sandbox), &*volume_in(&other)), ("5", "100"));
    // the ini has only one name now, and a killed run's backup is no other name
    std::fs::hard_link(sandbox.ini(), sandbox.path("MicroSIP.ini.20260131T235959.123Z.bak")).unwrap();
    for args in [&["set", "--json", "volumeRing=5"][..], &["set", "--json", "volumeRing=6"]] {
        let ran = sandbox.run_on_ini(args).exits(0);
        assert!(ran.warnings().is_empty(), "{}", ran.transcript);
    }
}

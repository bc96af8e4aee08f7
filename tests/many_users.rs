//! Profile folders of many users, usable ones and unusable ones, for the suite and the benches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The users that [`make`] made.
pub struct Users {
    /// The inis that `WANTED` changes.
    pub usable: Vec<PathBuf>,
    /// The users whose ini can't or shouldn't be changed: the status with the code of the error or the reason.
    pub others: BTreeMap<String, &'static str>,
    /// What links lead to. Nothing may be changed there.
    outside: PathBuf,
}

impl Users {
    /// Fails unless usable inis were changed, the others were reported with their reasons, and nothing outside changed.
    #[track_caller]
    pub fn assert_done(&self, profiles: &[Value]) {
        let mut found = outcomes(profiles);
        for (user, wanted) in &self.others {
            assert_eq!(found.remove(user).as_deref(), Some(*wanted), "{user}");
        }
        assert_eq!(found.len(), self.usable.len());
        for ini in &self.usable {
            let user = ini.ancestors().nth(4).unwrap().file_name().unwrap().to_str().unwrap();
            assert_eq!(found[user], "changed", "{user}");
            let bytes = std::fs::read(ini).unwrap();
            let units: Vec<u16> =
                bytes.chunks(2).map(|unit| u16::from_le_bytes(unit.try_into().unwrap())).collect();
            let text = String::from_utf16(&units).unwrap();
            let agent = format!("userAgent=Desk of {user}\r\n");
            for part in ["\u{FEFF}[Settings]", "VAD=1\r\n", &agent, "cmdCallEnd=\"C:\\hooks\\log.exe\"\r\n"] {
                assert!(text.contains(part), "{user}: no {part:?} in {text}");
            }
            let labels = ["Büro", "Buero"].map(|label| format!("label={label} {user}\r\n"));
            assert!(labels.iter().any(|label| text.contains(label)), "{text}");
        }
        assert_eq!(contents(&self.outside), outside_files(&self.outside));
    }
}

/// Returns for each user the status, and the reason or the code of the error.
pub fn outcomes(profiles: &[Value]) -> BTreeMap<String, String> {
    let outcome = |profile: &Value| {
        let status = profile["status"].as_str().unwrap();
        let reason = profile["reason"].as_str().or(profile["error"]["code"].as_str());
        reason.map_or(status.to_string(), |reason| format!("{status} {reason}"))
    };
    profiles.iter().map(|profile| (profile["user"].as_str().unwrap().into(), outcome(profile))).collect()
}

/// Returns the bytes of every file below a folder by its path.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    all
}

/// Returns the files that links lead to.
fn outside_files(outside: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let below = outside.join("Roaming").join("MicroSIP").join("MicroSIP.ini");
    [outside.join("MicroSIP.ini"), below].into_iter().map(|path| (path, text(0, "outside"))).collect()
}

/// A desired state that every usable ini differs from.
pub const WANTED: &str =
    "[settings]\nVAD = 1\nuserAgent = 'Desk of ${user}'\n[hooks]\nend = 'C:\\hooks\\log.exe'\n";

/// Makes this many users below `folder`, with inis in four encodings. Of each hundred, one has a file that isn't an
/// ini, one a read-only ini, one no ini, and on Unix one has a link to something outside at one of several places.
pub fn make(folder: &Path, count: usize) -> Users {
    let outside = folder.join("outside");
    for (path, bytes) in outside_files(&outside) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let mut users = Users { usable: Vec::new(), others: BTreeMap::new(), outside };
    for number in 0..count {
        let user = format!("u{number:05}");
        let settings = folder.join("profiles").join(&user).join("AppData").join("Roaming").join("MicroSIP");
        let ini = settings.join("MicroSIP.ini");
        let is_linked = number % 100 == 23 && make_link(&settings, number / 100, &users.outside);
        if is_linked {
            users.others.insert(user, "failed profile-link");
            continue;
        }
        std::fs::create_dir_all(&settings).unwrap();
        match number % 100 {
            7 => {
                std::fs::write(&ini, b"\x89PNG\r\n\x1a\n\0\0").unwrap();
                users.others.insert(user, "failed not-an-ini");
            }
            13 => {
                std::fs::write(&ini, text(number, &user)).unwrap();
                let mut permissions = std::fs::metadata(&ini).unwrap().permissions();
                permissions.set_readonly(true);
                std::fs::set_permissions(&ini, permissions).unwrap();
                users.others.insert(user, "failed file-read-only");
            }
            31 => {
                users.others.insert(user, "skipped no-ini");
            }
            _ => {
                std::fs::write(&ini, text(number, &user)).unwrap();
                users.usable.push(ini);
            }
        }
    }
    users
}

/// Makes a link at one of several places. Returns whether this system has links.
#[cfg(unix)]
fn make_link(settings: &Path, which: usize, outside: &Path) -> bool {
    let roaming = settings.parent().unwrap();
    let (link, to) = match which % 3 {
        0 => (settings.join("MicroSIP.ini"), outside.join("MicroSIP.ini")),
        1 => (settings.to_path_buf(), outside.join("Roaming").join("MicroSIP")),
        _ => (roaming.to_path_buf(), outside.join("Roaming")),
    };
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(to, link).unwrap();
    true
}

/// Makes nothing: on Windows only administrators can make links.
#[cfg(not(unix))]
fn make_link(_settings: &Path, _which: usize, _outside: &Path) -> bool {
    false
}

/// Returns the ini of a user, in one of four encodings.
fn text(number: usize, user: &str) -> Vec<u8> {
    let text = format!(
        "[Settings]\r\nVAD=0\r\nversion=3.22.3\r\naccountId=1\r\nringtone={user}.wav\r\n\
         [Account1]\r\nlabel=Büro {user}\r\ndomain=sip.example.org\r\nusername={user}\r\n"
    );
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    match number % 4 {
        0 => utf16(&format!("\u{FEFF}{text}")),
        1 => text.replace('ü', "ue").into_bytes(),
        2 => format!("\u{FEFF}{text}").into_bytes(),
        _ => utf16(&text),
    }
}

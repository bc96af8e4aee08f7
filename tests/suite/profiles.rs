//! `apply`, `check` and `detect` for many users at once.

#[cfg(target_os = "linux")]
mod redirected;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::many_users::{self, outcomes};
use crate::sandbox::{PROGRAM, Ran, Sandbox, text_of_ini, utf16};

const DESIRED: &str = "[settings]\nVAD = 1\nuserAgent = 'Desk of ${user}'\n";
const OLD: &str = "[Settings]\r\nVAD=0\r\n";

fn ini_of(user: &str) -> String {
    format!("profiles/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini")
}

fn with_users(users: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for user in users {
        sandbox.write(&ini_of(user), utf16(OLD));
    }
    sandbox.write("desired.toml", DESIRED);
    sandbox
}

fn folder(sandbox: &Sandbox, user: &str) -> PathBuf {
    let path = sandbox.path(&format!("profiles/{user}"));
    std::fs::create_dir_all(path.join("AppData").join("Roaming")).unwrap();
    path
}

#[track_caller]
fn assert_outcomes(ran: &Ran, wanted: &[(&str, &str)]) {
    let found = outcomes(ran.json()["profiles"].as_array().unwrap());
    let wanted = wanted.iter().map(|(user, outcome)| (user.to_string(), outcome.to_string())).collect();
    assert_eq!(found, wanted, "{}", ran.transcript);
}

fn apply<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["apply", "desired.toml", "--profiles", "profiles"], more].concat()
}

#[test]
fn each_user_gets_the_desired_state_and_a_second_run_writes_nothing() {
    let sandbox = with_users(&["ann", "zoe.V6"]);
    folder(&sandbox, "new");
    std::fs::create_dir_all(sandbox.path("profiles/no-user")).unwrap();
    std::fs::create_dir_all(sandbox.path("profiles/Public/AppData/Roaming")).unwrap();
    sandbox.write("profiles/desktop.ini", "");
    let rest = [("new", "skipped no-ini"), ("no-user", "skipped no-profile")];

    let ran = sandbox.run(&apply(&["-n", "--json"])).exits(0);
    assert_outcomes(&ran, &[&[("ann", "changed"), ("zoe", "changed")], &rest[..]].concat());
    assert_eq!(std::fs::read(sandbox.path(&ini_of("ann"))).unwrap(), utf16(OLD));

    let ran = sandbox.run(&apply(&["--json", "--report", "done.jsonl"])).exits(0);
    assert_outcomes(&ran, &[&[("ann", "changed"), ("zoe", "changed")], &rest[..]].concat());
    assert_eq!(ran.json()["counts"]["changed"], 2, "{}", ran.transcript);
    assert_eq!(
        text_of_ini(&sandbox.path(&ini_of("ann"))),
        "[Settings]\r\nVAD=1\r\nuserAgent=Desk of ann\r\n"
    );
    assert_eq!(
        text_of_ini(&sandbox.path(&ini_of("zoe.V6"))),
        "[Settings]\r\nVAD=1\r\nuserAgent=Desk of zoe\r\n"
    );
    let report = std::fs::read_to_string(sandbox.path("done.jsonl")).unwrap();
    let lines: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(outcomes(&lines), outcomes(ran.json()["profiles"].as_array().unwrap()));

    let written = std::fs::metadata(sandbox.path(&ini_of("ann"))).unwrap().modified().unwrap();
    let ran = sandbox.run(&apply(&["--json"])).exits(0);
    assert_outcomes(&ran, &[&[("ann", "in-state"), ("zoe", "in-state")], &rest[..]].concat());
    assert_eq!(ran.json()["changed"], false);
    assert_eq!(std::fs::metadata(sandbox.path(&ini_of("ann"))).unwrap().modified().unwrap(), written);

    let check = ["check", "desired.toml", "--profiles", "profiles"];
    sandbox.run(&check).exits(0).says("4 users: 2 in state, 2 skipped");
    sandbox.write(&ini_of("ann"), utf16(OLD));
    let ran = sandbox.run(&check).exits(1).says("differs  ann").says("VAD: expected '1', found '0'");
    assert!(ran.says("4 users: 1 not in state, 1 in state, 2 skipped").stderr.is_empty());
}

#[test]
fn detection_reports_all_users_in_one_line() {
    let sandbox = with_users(&["ann", "zoe"]);
    folder(&sandbox, "new");
    let detect = |style: &str, status: i32, stdout: &str| {
        let words = ["detect", "desired.toml", "--profiles", "profiles", "--style", style];
        let ran = sandbox.run(&words).exits(status);
        assert_eq!(ran.stdout, stdout, "{}", ran.transcript);
        ran.stderr
    };
    assert_eq!(detect("intune-app", 0, ""), "");
    assert_eq!(detect("intune-remediation", 1, "not in state: 2 of 3 users\n"), "");
    sandbox.run(&apply(&[])).exits(0);
    assert_eq!(detect("intune-app", 0, "in state: 2 users\n"), "");
    assert_eq!(detect("configmgr", 0, "Compliant\n"), "");
    // one user can't be checked; then another one differs as well
    sandbox.write(&ini_of("bad"), "no ini");
    assert!(detect("intune-remediation", 8, "").contains("some-failed"));
    sandbox.write(&ini_of("zoe"), utf16(OLD));
    assert_eq!(detect("intune-remediation", 1, "not in state: 1 of 4 users\n"), "");
    // no user has an ini
    std::fs::remove_dir_all(sandbox.path("profiles")).unwrap();
    folder(&sandbox, "new");
    assert_eq!(detect("intune-remediation", 1, "not in state: no ini found\n"), "");
}

#[test]
fn create_makes_missing_inis_and_warns_about_the_skipped_first_run() {
    let sandbox = with_users(&["ann"]);
    folder(&sandbox, "new");
    folder(&sandbox, "other");
    let ran =
        sandbox.run(&apply(&["--create", "-n"])).exits(0).says("to be changed").says("first-run-skipped");
    assert!(!sandbox.path(&ini_of("new")).parent().unwrap().exists(), "{}", ran.transcript);
    let json = sandbox.run(&apply(&["--create", "-n", "--json"])).exits(0).json();
    let creates = |user: &str| {
        let profiles = json["profiles"].as_array().unwrap();
        let profile = profiles.iter().find(|profile| profile["user"] == user).unwrap();
        profile["creates"].as_array().unwrap().len()
    };
    // Its folder and the ini.
    assert_eq!((creates("new"), creates("ann")), (2, 0), "{json}");
    let ran = sandbox.run(&apply(&["--create"])).exits(0).says("3 users: 3 changed");
    assert!(
        ran.stderr.contains("first-run-skipped") && ran.stderr.contains("and 1 more"),
        "{}",
        ran.transcript
    );
    assert_eq!(text_of_ini(&sandbox.path(&ini_of("new"))), "[Settings]\r\nVAD=1\r\nuserAgent=Desk of new");

    // an ini that can't be created leaves nothing behind
    sandbox.write("desired.toml", "[hooks]\nring = 'C:\\gone\\a.bat'\n");
    folder(&sandbox, "third");
    let ran = sandbox.run(&apply(&["--create", "--json"])).fails(8, "some-failed");
    assert_eq!(ran.json()["counts"]["failed"], 4, "{}", ran.transcript);
    assert!(!sandbox.path(&ini_of("third")).parent().unwrap().exists(), "{}", ran.transcript);
}

#[test]
fn variables_come_from_the_table_of_users_and_never_from_the_environment() {
    const SECRET: &str = "S3cret-of-Zoe";
    let sandbox = with_users(&["ann", "zoe", "tim", "Default"]);
    let account = "[[accounts]]\ndomain = '${domain}'\nusername = '${extension}'\npassword = '${password}'\n";
    sandbox.write(
        "desired.toml",
        format!("[settings]\naccountId = 1\nEC = 0\nvolumeRing = '${{ring}}'\n{account}"),
    );
    sandbox.write("site.toml", "domain = 'sip.example.org'\nring = 40\nextension = '0'\n");
    sandbox.write("users.csv", format!("user;extension;password\r\nANN;201;a\r\nzoe;202;{SECRET}\r\n"));
    let users = ["--vars", "site.toml", "--users", "users.csv", "--json"];
    let ran = sandbox.run(&apply(&users)).exits(0);
    let done =
        [("Default", "changed"), ("ann", "changed"), ("tim", "skipped not-listed"), ("zoe", "changed")];
    assert_outcomes(&ran, &done);
    assert!(!ran.transcript.contains(SECRET), "{}", ran.transcript);
    let text = text_of_ini(&sandbox.path(&ini_of("zoe")));
    for part in ["username=202", "domain=sip.example.org", "accountId=1", "volumeRing=40", SECRET] {
        assert!(text.contains(part), "{text}");
    }
    // every user can read the Default folder, so it gets no accounts
    let default = text_of_ini(&sandbox.path(&ini_of("Default")));
    assert_eq!(default, "[Settings]\r\nVAD=0\r\nEC=0\r\nvolumeRing=40\r\n");
    assert!(!sandbox.path(&ini_of("Default")).with_file_name("MicroSIP.ini.msipcfg-state.json").exists());

    // what depends on a user can't be applied to future users
    sandbox.write("desired.toml", format!("[settings]\nuserAgent = '${{profile}}'\n{account}"));
    let ran = sandbox.run(&apply(&users)).exits(0);
    assert_eq!(outcomes(ran.json()["profiles"].as_array().unwrap())["Default"], "skipped needs-user");
    let text = text_of_ini(&sandbox.path(&ini_of("ann")));
    assert!(
        text.contains(&format!("userAgent={}", sandbox.path("profiles").join("ann").display())),
        "{text}"
    );

    // an undefined variable is reported before anything is touched
    let before = std::fs::read(sandbox.path(&ini_of("ann"))).unwrap();
    for (wanted, code) in [
        ("[settings]\nVAD = 1\nuserAgent = '${exten}'\n", "variable-undefined"),
        ("[settings]\nVAD = 1\nuserAgent = '${env:HOME}'\n", "desired-invalid"),
        ("[settings]\nVAD = 1\nringing = 1\n", "desired-invalid"),
    ] {
        sandbox.write("desired.toml", wanted);
        let ran = sandbox.run(&apply(&users)).fails(3, code);
        assert_eq!(ran.json()["error"]["line"], 3, "{}", ran.transcript);
    }
    assert_eq!(std::fs::read(sandbox.path(&ini_of("ann"))).unwrap(), before);

    // a wrong row affects its user only
    sandbox.write("users.csv", "user,extension\nann,201\nzoe,50\n");
    sandbox.write("desired.toml", "[settings]\nvolumeRing = '${extension}'\n");
    let ran = sandbox.run(&apply(&users)).fails(8, "some-failed");
    assert_outcomes(
        &ran,
        &[
            ("Default", "changed"),
            ("ann", "failed value-refused"),
            ("tim", "skipped not-listed"),
            ("zoe", "changed"),
        ],
    );
}

#[test]
fn table_of_users_from_standard_input_excludes_a_password_from_there() {
    let sandbox = with_users(&["ann"]);
    let table = sandbox.write("users.csv", "user,password\nann,S3cret-of-Ann\n");
    let run = |password: &str| {
        let account = format!("[[accounts]]\ndomain = 'sip.example.org'\npassword = {password}\n");
        sandbox.write("desired.toml", account);
        let mut command = sandbox.command(PROGRAM);
        command.args(apply(&["--users", "-", "--json"])).stdin(std::fs::File::open(&table).unwrap());
        sandbox.finish(command)
    };
    let before = std::fs::read(sandbox.path(&ini_of("ann"))).unwrap();
    run("{ stdin = true }").fails(6, "secret-unreadable");
    assert_eq!(std::fs::read(sandbox.path(&ini_of("ann"))).unwrap(), before);
    run("'${password}'").exits(0);
    assert!(text_of_ini(&sandbox.path(&ini_of("ann"))).contains("password=S3cret-of-Ann"));
}

#[test]
fn a_single_ini_gets_the_row_of_the_user_whose_folder_it_is_in() {
    let sandbox = with_users(&["ann"]);
    sandbox.write("users.toml", "[ANN]\nextension = 201\n");
    sandbox.write("desired.toml", "[settings]\nuserAgent = '${user} ${extension}'\n");
    let ini = sandbox.path(&ini_of("ann"));
    let words = |ini: &Path| {
        let words =
            ["apply", "desired.toml", "--users", "users.toml", "--ini", ini.to_str().unwrap(), "--json"];
        words.map(String::from)
    };
    let run = |ini: &Path| sandbox.run(&words(ini).iter().map(String::as_str).collect::<Vec<_>>());
    run(&ini).exits(0);
    assert!(text_of_ini(&ini).contains("userAgent=ann 201"));
    run(&sandbox.write(&ini_of("bob"), utf16(OLD))).fails(3, "user-not-listed");
    run(&sandbox.write("MicroSIP.ini", utf16(OLD))).fails(3, "user-not-listed");
}

#[test]
fn invalid_arguments_are_reported_before_anything_is_touched() {
    let sandbox = with_users(&["ann"]);
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["apply", "desired.toml", "--profiles", "gone"], 6, "file-read"),
        (&["apply", "desired.toml", "--profiles", "empty"], 4, "profiles-none"),
        (&["apply", "desired.toml", "--skip-running"], 2, "usage"),
        (&["check", "desired.toml", "--report", "r"], 2, "usage"),
        (&["apply", "desired.toml", "--profiles", "profiles", "--ini", "MicroSIP.ini"], 2, "usage"),
        (&["apply", "desired.toml", "--profiles", "profiles", "--report", "gone/r"], 6, "report-unwritable"),
        (&["apply", "desired.toml", "--profiles", "profiles", "--users", "gone.csv"], 6, "file-read"),
    ];
    for (words, status, code) in cases.iter().copied() {
        sandbox.run(&[words, &["--json"]].concat()).fails(status, code);
    }
    if !cfg!(windows) {
        sandbox.run(&["apply", "desired.toml", "--all-users", "--json"]).fails(2, "usage");
    }
    assert_eq!(std::fs::read(sandbox.path(&ini_of("ann"))).unwrap(), utf16(OLD));
}

#[test]
fn report_overwrites_no_input_and_no_earlier_report_after_a_mistake() {
    let sandbox = with_users(&["ann"]);
    sandbox.write("users.csv", "user\nann\n");
    sandbox.run(&apply(&["--users", "users.csv", "--report", "users.csv", "--json"])).fails(2, "usage");
    assert_eq!(std::fs::read(sandbox.path("users.csv")).unwrap(), b"user\nann\n");
    sandbox.write("desired.toml", "[settings]\nrubbish = 1\n");
    sandbox.write("done.jsonl", "of yesterday, and long\n");
    sandbox.run(&apply(&["--report", "done.jsonl", "--json"])).fails(3, "desired-invalid");
    assert_eq!(std::fs::read(sandbox.path("done.jsonl")).unwrap(), b"of yesterday, and long\n");
    sandbox.write("desired.toml", DESIRED);
    sandbox.run(&apply(&["--report", "done.jsonl"])).exits(0);
    let report = std::fs::read_to_string(sandbox.path("done.jsonl")).unwrap();
    assert!(report.ends_with("}\n") && report.lines().count() == 1, "{report}");
}

#[test]
fn listed_users_without_a_folder_are_reported() {
    let sandbox = with_users(&["ann", "bob"]);
    sandbox.write("users.csv", "user\nann\nBobb\nzoe\n");
    let ran = sandbox.run(&apply(&["--users", "users.csv"])).exits(0);
    ran.says("skipped  Bobb\n").says("skipped  zoe\n").says("4 users: 1 changed, 3 skipped");
    let ran = sandbox.run(&apply(&["--users", "users.csv", "--json"])).exits(0);
    let missing = "skipped user-without-folder";
    let users = [("ann", "in-state"), ("bob", "skipped not-listed"), ("Bobb", missing), ("zoe", missing)];
    assert_outcomes(&ran, &users);
}

#[test]
#[cfg(target_os = "linux")]
fn unwritable_report_stops_no_edit_and_is_reported() {
    let sandbox = with_users(&["ann"]);
    sandbox.run(&apply(&["--report", "/dev/full"])).exits(6).says("report-unwritable");
    assert!(text_of_ini(&sandbox.path(&ini_of("ann"))).contains("VAD=1"));
}

#[test]
#[cfg(windows)]
fn all_users_finds_the_users_of_this_windows() {
    let sandbox = Sandbox::new();
    sandbox.write("desired.toml", "[settings]\nVAD = 1\n");
    let ran = sandbox.run(&["apply", "desired.toml", "--all-users", "-n", "--json"]);
    let users = ran.json()["profiles"].as_array().unwrap().len();
    assert!(users > 0 && [0, 8].contains(&ran.status), "{}", ran.transcript);
}

#[cfg(unix)]
mod links_and_owners {
    use std::collections::BTreeMap;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    use super::*;

    /// Returns size, time, owner and mode of everything in a folder.
    fn state(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, u32, u32)> {
        let mut all = BTreeMap::new();
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let metadata = path.symlink_metadata().unwrap();
                let facts = (metadata.size(), metadata.mtime_nsec(), metadata.uid(), metadata.mode());
                all.insert(path.clone(), facts);
                folders.extend(metadata.is_dir().then_some(path));
            }
        }
        all
    }

    #[test]
    fn links_are_rejected_at_any_place_and_their_targets_stay() {
        let sandbox = with_users(&["good"]);
        sandbox.write("outside/AppData/Roaming/MicroSIP/MicroSIP.ini", utf16(OLD));
        sandbox.write("outside/MicroSIP.ini", utf16(OLD));
        let outside = sandbox.path("outside");
        let profiles = sandbox.path("profiles");
        symlink(&outside, profiles.join("a")).unwrap();
        for (user, at, to) in [
            ("b", "AppData", "AppData"),
            ("c", "AppData/Roaming", "AppData/Roaming"),
            ("d", "AppData/Roaming/MicroSIP", "AppData/Roaming/MicroSIP"),
            ("e", "AppData/Roaming/MicroSIP/MicroSIP.ini", "MicroSIP.ini"),
            // the target doesn't exist yet
            ("f", "AppData/Roaming/MicroSIP/MicroSIP.ini", "new.ini"),
            ("g", "AppData/Roaming/MicroSIP", "new"),
        ] {
            let link = profiles.join(user).join(at);
            std::fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(outside.join(to), link).unwrap();
        }
        // the other folder in which MicroSIP looks for an ini
        let local = profiles.join("h").join("AppData");
        std::fs::create_dir_all(local.join("Roaming")).unwrap();
        symlink(outside.join("AppData/Roaming"), local.join("Local")).unwrap();
        // next to the ini
        for name in [".MicroSIP.ini.msipcfg-lock", "MicroSIP.ini.msipcfg-state.json"] {
            symlink(outside.join("MicroSIP.ini"), profiles.join("good/AppData/Roaming/MicroSIP").join(name))
                .unwrap();
        }
        sandbox.write("desired.toml", "accounts = [{ domain = 'a', username = '1', password = 'x' }]\n");
        let before = state(&outside);
        let ran = sandbox.run(&apply(&["--create", "--json", "--timeout", "0"])).fails(8, "some-failed");
        assert_eq!(state(&outside), before, "{}", ran.transcript);
        let found = outcomes(ran.json()["profiles"].as_array().unwrap());
        for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert_eq!(found[user], "failed profile-link", "{}", ran.transcript);
        }
    }

    #[test]
    fn hard_links_to_files_outside_are_refused_and_those_inside_are_not() {
        let sandbox = with_users(&["ann", "bob"]);
        sandbox.write("desired.toml", DESIRED);
        let secret = sandbox.write("secret.ini", utf16("[Settings]\r\nVAD=0\r\nsecret=1\r\n"));
        let ini = sandbox.path(&ini_of("ann"));
        std::fs::remove_file(&ini).unwrap();
        std::fs::hard_link(&secret, &ini).unwrap();
        // a run that was killed leaves a second name of the ini itself
        let backup = sandbox.path(&ini_of("bob")).with_file_name("MicroSIP.ini.20260131T235959.123Z.bak");
        std::fs::hard_link(sandbox.path(&ini_of("bob")), &backup).unwrap();
        for words in [&["-n", "--json"][..], &["--json"]] {
            let ran = sandbox.run(&apply(words)).fails(8, "some-failed");
            assert_outcomes(&ran, &[("ann", "failed file-read"), ("bob", "changed")]);
            assert!(ran.stdout.contains("hard link to a file outside"), "{}", ran.transcript);
        }
        let folder = std::fs::read_dir(ini.parent().unwrap()).unwrap();
        assert_eq!(folder.count(), 1, "nothing of the file was copied");
        assert_eq!(std::fs::metadata(&secret).unwrap().nlink(), 2);
    }

    #[test]
    fn inis_of_somebody_else_are_refused() {
        const USER: u32 = 4321;
        let sandbox = with_users(&["ann", "bob", "zoe"]);
        sandbox.write("desired.toml", DESIRED);
        let owners = [("ann", USER), ("bob", USER + 1), ("zoe", 0)];
        for (user, owner) in owners {
            if chown(sandbox.path(&format!("profiles/{user}")), Some(USER), None).is_err() {
                return;
            }
            chown(sandbox.path(&ini_of(user)), Some(owner), None).unwrap();
        }
        let ran = sandbox.run(&apply(&["--json"])).fails(8, "some-failed");
        assert_outcomes(&ran, &[("ann", "changed"), ("bob", "failed file-read"), ("zoe", "changed")]);
        for (user, owner) in owners {
            assert_eq!(std::fs::metadata(sandbox.path(&ini_of(user))).unwrap().uid(), owner, "{user}");
        }
    }

    #[test]
    fn created_files_are_writable_only_by_their_owner() {
        let sandbox = Sandbox::new();
        sandbox.write("desired.toml", DESIRED);
        for number in 0..100 {
            folder(&sandbox, &format!("u{number}"));
        }
        sandbox.run(&apply(&["--create"])).exits(0);
        let profiles = sandbox.path("profiles");
        let writable: Vec<_> =
            state(&profiles).into_iter().filter(|(_, facts)| facts.3 & 0o022 != 0).collect();
        assert!(writable.is_empty(), "{writable:?}");
    }

    #[test]
    fn files_created_by_root_belong_to_the_user() {
        const USER: u32 = 4321;
        let sandbox = with_users(&["ann"]);
        let new = folder(&sandbox, "new");
        if chown(&new, Some(USER), Some(USER)).is_err() {
            // only root can give files away; without root, nobody runs this for other users
            return;
        }
        let accounts = "accounts = [{ domain = 'a', username = '1', password = 'x' }]\n";
        sandbox.write("desired.toml", accounts);
        sandbox.run(&apply(&["--create"])).exits(0);
        let made = new.join("AppData/Roaming/MicroSIP");
        let owners: Vec<_> = state(&made).into_iter().map(|(path, facts)| (path, facts.2)).collect();
        assert!(owners.len() == 2 && owners.iter().all(|(_, owner)| *owner == USER), "{owners:?}");
        assert_eq!(std::fs::metadata(&made).unwrap().uid(), USER);

        // an edit of an existing ini keeps its owner
        let ini = made.join("MicroSIP.ini");
        std::fs::set_permissions(&ini, std::fs::Permissions::from_mode(0o640)).unwrap();
        sandbox.write("desired.toml", "[settings]\nVAD = 1\n");
        sandbox.run(&apply(&[])).exits(0);
        let owners: Vec<_> = state(&made).into_iter().map(|(path, facts)| (path, facts.2)).collect();
        assert!(owners.len() == 3 && owners.iter().all(|(_, owner)| *owner == USER), "{owners:?}");
        assert_eq!(std::fs::metadata(&ini).unwrap().mode() & 0o777, 0o640);
    }
}

#[test]
fn of_many_users_the_valid_are_changed_and_the_others_reported() {
    // the bench does the same with ten thousand
    let count = if cfg!(windows) { 100 } else { 1_000 };
    let sandbox = Sandbox::new();
    sandbox.write("desired.toml", many_users::WANTED);
    let users = many_users::make(&sandbox.path(""), count);
    let words = ["--allow-missing", "--no-backup", "--json"];
    let ran = sandbox.run(&apply(&words)).fails(8, "some-failed");
    users.assert_done(ran.json()["profiles"].as_array().unwrap());

    // a second run finds nothing left to do
    let ran = sandbox.run(&apply(&words)).fails(8, "some-failed");
    assert_eq!(ran.json()["counts"]["in_state"], users.usable.len());
    assert_eq!(ran.json()["changed"], false);
}

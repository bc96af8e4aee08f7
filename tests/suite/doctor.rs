//! doctor: what is wrong, where, and what mends it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::crowd::Alone;
use crate::inis::snapshot;
use crate::sandbox::{Ran, Sandbox, image, text_of_ini, utf16};

/// Two hooks that can be mended, one that cannot, a value that can, and keys of other minds.
const ILL: &str = "[Settings]\r\n\
    ; mine\r\n\
    version=3.22.3\r\n\
    accountId=2\r\n\
    denyIncoming=rdomain\r\n\
    updateInterval=never\r\n\
    cmdIncomingCall=C:\\Program Files\\CRM\\ring.exe %1\r\n\
    cmdCallStart=\" \"\r\n\
    cmdCallEnd=https://crm.example.org/end\r\n\
    [Account1]\r\n\
    domain=example.org\r\n\
    username=5550101\r\n\
    password=c0ffee-secret\r\n\
    keepAlive=0\r\n\
    theme=dark\r\n\
    [Notes]\r\n\
    VAD = 7\r\n";

/// The same after a mend.
const MENDED: &str = "[Settings]\r\n\
    ; mine\r\n\
    version=3.22.3\r\n\
    accountId=2\r\n\
    denyIncoming=remotedomain\r\n\
    updateInterval=never\r\n\
    cmdIncomingCall=\"\"C:\\Program Files\\CRM\\ring.exe\"\"\r\n\
    cmdCallEnd=https://crm.example.org/end\r\n\
    [Account1]\r\n\
    domain=example.org\r\n\
    username=5550101\r\n\
    password=c0ffee-secret\r\n\
    keepAlive=15\r\n\
    theme=dark\r\n\
    [Notes]\r\n\
    VAD = 7\r\n";

const HEALTHY: &str = "[Settings]\r\nversion=3.22.3\r\naccountId=1\r\ncmdCallEnd=\"\"\r\n[Account1]\r\n\
    domain=example.org\r\nusername=5550101\r\npassword=0123456789abcdef\r\n";

fn codes(json: &Value, list: &str) -> Vec<String> {
    let problems = json[list].as_array().unwrap_or_else(|| panic!("no {list}: {json}"));
    problems.iter().map(|problem| problem["code"].as_str().unwrap().to_string()).collect()
}

#[track_caller]
fn problem<'a>(json: &'a Value, code: &str) -> &'a Value {
    let problems = json["problems"].as_array().unwrap();
    let found = problems.iter().find(|problem| problem["code"] == code);
    found.unwrap_or_else(|| panic!("no {code}: {json:#}"))
}

fn doctor(sandbox: &Sandbox, words: &[&str]) -> Ran {
    sandbox.run_on_ini(&[&["doctor"], words].concat())
}

#[test]
fn a_healthy_ini_has_no_problems() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let ran = doctor(&sandbox, &["--strict"]).exits(0);
    assert_eq!(ran.stdout, format!("{}: no problems\n", sandbox.ini().display()));
    assert_eq!(ran.stderr, "");
    let json = doctor(&sandbox, &["--json", "--fix"]).exits(0).json();
    assert_eq!((&json["ok"], &json["changed"]), (&json!(true), &json!(false)));
    assert_eq!((&json["problems"], &json["fixed"]), (&json!([]), &json!([])));
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn people_see_each_problem_its_place_and_its_fix() {
    let sandbox = Sandbox::with_ini(utf16(ILL));
    let before = snapshot(&sandbox);
    let ran = doctor(&sandbox, &[]).exits(1);
    for part in [
        "  error    line 7, cmdIncomingCall: the path 'C:\\Program Files\\CRM\\ring.exe' contains a space",
        "doctor --fix\n",
        "[hook-path-unquoted]",
        "  error    line 4: accountId is 2, but [Account2] doesn't exist",
        "set accountId=1\n",
        "  warning  line 6: updateInterval isn't a MicroSIP setting",
        "updatesInterval",
        "line 13, Account1/password",
        "can be fixed by 'msipcfg doctor --fix'\n",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.told);
    }
    // the worst come first
    let first = |word: &str| ran.stdout.find(word).unwrap();
    assert!(
        first("  error ") < first("  warning ") && first("  warning ") < first("  info "),
        "{}",
        ran.told
    );
    assert!(!ran.told.contains("c0ffee"), "a password: {}", ran.told);
    assert_eq!(snapshot(&sandbox), before, "something was written");
}

#[test]
fn scripts_get_one_object() {
    let sandbox = Sandbox::with_ini(utf16(ILL));
    let json = doctor(&sandbox, &["--json"]).exits(1).json();
    let ini = sandbox.ini().display().to_string();
    assert_eq!((&json["ok"], &json["ini"], &json["inis"]), (&json!(true), &json!(ini), &json!([ini])));
    assert!(json.get("changed").is_none() && json.get("fixed").is_none(), "{json}");
    let old_word = problem(&json, "value-old-word");
    let message = old_word["message"].as_str().unwrap();
    let name = if ini.contains(' ') { format!("\"{ini}\"") } else { ini.clone() };
    assert_eq!(
        *old_word,
        json!({
            "code": "value-old-word", "severity": "warning", "fixable": true, "file": ini, "line": 5,
            "key": "denyIncoming", "message": message, "fix": format!("msipcfg --ini {name} doctor --fix"),
        })
    );
    let keep_alive = problem(&json, "value-unstable");
    assert_eq!((&keep_alive["line"], &keep_alive["key"]), (&json!(14), &json!("Account1/keepAlive")));
    let url = problem(&json, "hook-url");
    assert_eq!((&url["fixable"], &url["severity"]), (&json!(false), &json!("error")));
}

#[test]
fn warnings_count_only_where_strict_is_asked_for() {
    let warned = HEALTHY.replace("0123456789abcdef", "c0ffee-secret");
    let sandbox = Sandbox::with_ini(utf16(&warned));
    doctor(&sandbox, &[]).exits(0).says("[password-plain]");
    doctor(&sandbox, &["--strict"]).exits(1);
    // an info does not count
    let informed = HEALTHY.replace("version", "Language=fr\r\nversion");
    doctor(&Sandbox::with_ini(utf16(&informed)), &["--strict"]).exits(0).says("  info ");
}

#[test]
fn a_mend_is_shown_and_done_once_and_nothing_else_changes() {
    let sandbox = Sandbox::with_ini(utf16(ILL));
    let ran = doctor(&sandbox, &["--fix", "-n"]).exits(1);
    for part in ["-denyIncoming=rdomain\n", "+denyIncoming=remotedomain\n", "-cmdCallStart=\" \"\n"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.told);
    }
    assert_eq!(sandbox.ini_text(), ILL);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);

    // errors that need a decision remain
    let json = doctor(&sandbox, &["--json", "--fix"]).exits(1).json();
    assert_eq!(sandbox.ini_text(), MENDED);
    assert_eq!((&json["changed"], &json["dry_run"]), (&json!(true), &json!(false)));
    let fixed = codes(&json, "fixed");
    for code in ["hook-path-unquoted", "hook-placeholder", "hook-blank", "value-old-word", "value-unstable"] {
        assert!(fixed.iter().any(|fixed| fixed == code), "{code}: {json:#}");
    }
    let problems = json["problems"].as_array().unwrap();
    assert!(problems.iter().all(|problem| problem["fixable"] == false), "{json:#}");
    for code in ["account-missing", "key-unknown", "hook-url", "password-plain"] {
        problem(&json, code);
    }
    assert_eq!(json["changes"].as_array().unwrap().len(), 4, "{json:#}");
    assert!(json["backup"].is_string() && !json.to_string().contains("c0ffee"), "{json:#}");

    let (names, bytes) = (sandbox.names(), sandbox.ini_bytes());
    let ran = doctor(&sandbox, &["--fix"]).exits(1).says("Nothing to change");
    assert!(!ran.stdout.contains("can be mended"), "{}", ran.told);
    assert_eq!((sandbox.names(), sandbox.ini_bytes()), (names, bytes));
}

#[test]
fn an_encoding_that_microsip_would_spoil_is_mended() {
    let sandbox = Sandbox::with_ini(format!("\u{FEFF}{HEALTHY}"));
    let json = doctor(&sandbox, &["--json"]).exits(1).json();
    assert_eq!(codes(&json, "problems"), ["ini-encoding"]);
    doctor(&sandbox, &["--fix"]).exits(0).says("no problems");
    assert_eq!(text_of_ini(&sandbox.ini()), HEALTHY);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_is_not_mended() {
    let sandbox = Sandbox::with_ini(b"[Settings]\r\nuserAgent=caf\xE9\x81\r\n");
    if cfg!(not(windows)) {
        let json = doctor(&sandbox, &["--json"]).exits(1).json();
        assert_eq!(codes(&json, "problems"), ["encoding-unknown"]);
        doctor(&sandbox, &["--json", "--fix"]).fails(7, "encoding-unknown");
    }
    let sandbox = Sandbox::with_ini("no header");
    let json = doctor(&sandbox, &["--json"]).exits(1).json();
    assert_eq!(codes(&json, "problems"), ["not-an-ini"]);
    std::fs::remove_file(sandbox.ini()).unwrap();
    doctor(&sandbox, &["--json"]).fails(4, "ini-not-found");
}

#[test]
#[cfg_attr(windows, ignore = "there the programs are looked for, and are not there")]
fn what_is_proposed_for_busy_is_accepted() {
    for command in [r"C:\hooks\log.exe", r"C:\hooks\log.bat"] {
        let ini = format!("[Settings]\r\nversion=3.22.3\r\ncmdCallEnd={command}\r\n");
        let sandbox = Sandbox::with_ini(utf16(&ini));
        let json = doctor(&sandbox, &["--json"]).json();
        let fix = problem(&json, "hook-busy-missing")["fix"].as_str().unwrap().to_string();
        let words: Vec<&str> = fix.strip_prefix("msipcfg ").unwrap().split(' ').collect();
        sandbox.run(&words).exits(0);
        let busy = sandbox.run_on_ini(&["get", "cmdCallBusy"]).exits(0).stdout;
        assert_eq!(busy.trim_end().trim_matches('"'), command, "{fix}");
    }
}

#[test]
fn options_about_writing_need_a_mend() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    for option in ["--dry-run", "--close", "--create"] {
        doctor(&sandbox, &["--json", option]).fails(2, "usage");
    }
}

// --- beside the ini

#[test]
fn what_a_killed_run_left_is_told_and_removed() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    // what only has a name like it is not ours
    let nearly = [".MicroSIP.ini.old.x.msipcfg-tmp", "MicroSIP.ini.msipcfg-tmp"];
    nearly.iter().for_each(|name| drop(sandbox.write(name, "x")));
    doctor(&sandbox, &["--strict"]).exits(0).says("no problems");
    for name in [".MicroSIP.ini.abc123.msipcfg-tmp", ".MicroSIP.ini.msipcfg-lock"] {
        sandbox.write(name, "x");
    }
    std::fs::hard_link(sandbox.ini(), sandbox.path("MicroSIP.ini.20260131T235959.123Z.bak")).unwrap();
    let json = doctor(&sandbox, &["--json", "--strict"]).exits(0).json();
    assert_eq!(codes(&json, "problems"), ["leftover"; 3], "{json:#}");
    assert!(json["problems"][0]["file"].as_str().unwrap().contains(".MicroSIP.ini.abc123"), "{json:#}");
    let ran = doctor(&sandbox, &["--fix", "-n"]).exits(0);
    assert_eq!(ran.stdout.matches("Would remove ").count(), 3, "{}", ran.told);
    let json = doctor(&sandbox, &["--fix", "--json"]).exits(0).json();
    assert_eq!((&json["changed"], &json["problems"]), (&json!(true), &json!([])), "{json:#}");
    assert_eq!(sandbox.names(), [nearly[0], "MicroSIP.ini", nearly[1]]);
}

#[test]
fn a_lock_that_is_held_is_no_leftover() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let path = sandbox.write(".MicroSIP.ini.msipcfg-lock", "x");
    let lock = std::fs::File::options().read(true).write(true).open(path).unwrap();
    lock.lock().unwrap();
    let json = doctor(&sandbox, &["--json"]).exits(0).json();
    assert_eq!(json["problems"], json!([]), "{json:#}");
}

#[cfg(unix)]
#[test]
fn a_backup_that_others_can_read_gets_the_access_of_the_ini() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set_mode = |path: &PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let exposed = sandbox.write("MicroSIP.ini.20260131T235959.123Z.bak", "x");
    let nearly = sandbox.write("MicroSIP.ini.20260131T235959.124Z.bak", "x");
    set_mode(&sandbox.ini(), 0o600);
    set_mode(&exposed, 0o644);
    set_mode(&nearly, 0o400);
    let json = doctor(&sandbox, &["--json"]).exits(0).json();
    assert_eq!(codes(&json, "problems"), ["backup-exposed"]);
    assert_eq!(json["problems"][0]["file"], exposed.to_str().unwrap());
    doctor(&sandbox, &["--fix"]).exits(0).says("the access rights of the ini").says("no problems");
    assert_eq!((mode(&exposed), mode(&nearly)), (0o600, 0o400));
    assert_eq!(std::fs::read(&exposed).unwrap(), b"x");
}

#[test]
fn a_read_only_ini_is_told() {
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let before = std::fs::metadata(sandbox.ini()).unwrap().permissions();
    let mut permissions = before.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(sandbox.ini(), permissions).unwrap();
    let json = doctor(&sandbox, &["--json"]).exits(0).json();
    std::fs::set_permissions(sandbox.ini(), before).unwrap();
    assert_eq!(codes(&json, "problems"), ["file-read-only"]);
    doctor(&sandbox, &["--strict"]).exits(0);
}

#[cfg(windows)]
#[test]
fn an_ini_that_another_program_has_to_itself_is_told() {
    use std::os::windows::fs::OpenOptionsExt;
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    let held = std::fs::File::options().read(true).share_mode(0).open(sandbox.ini()).unwrap();
    let json = doctor(&sandbox, &["--json"]).exits(1).json();
    assert_eq!(codes(&json, "problems"), ["file-read"]);
    drop(held);
    doctor(&sandbox, &[]).exits(0);
}

#[cfg(unix)]
#[test]
fn an_ini_that_this_user_may_not_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with_ini(utf16(HEALTHY));
    std::fs::set_permissions(sandbox.ini(), std::fs::Permissions::from_mode(0o200)).unwrap();
    // whoever may read everything sees nothing wrong
    let may_read = std::fs::read(sandbox.ini()).is_ok();
    let json = doctor(&sandbox, &["--json"]).exits(i32::from(!may_read)).json();
    assert_eq!(codes(&json, "problems"), if may_read { vec![] } else { vec!["file-read"] });
}

// --- places

/// A file in the settings folder of a user, as the system has it.
fn in_app_data(folder: &str, name: &str) -> String {
    if cfg!(windows) {
        format!(r"{}\MicroSIP\{name}", folder.to_ascii_lowercase())
    } else {
        format!("home/.wine/drive_c/users/ann/AppData/{folder}/MicroSIP/{name}")
    }
}

#[test]
fn an_ini_that_microsip_reads_no_longer_is_told() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let roaming = sandbox.write(&in_app_data("Roaming", "MicroSIP.ini"), utf16(HEALTHY));
    // another program's
    sandbox.write(&in_app_data("Local", "phone.ini"), utf16(HEALTHY));
    sandbox.run(&["doctor", "--strict", "--ini", roaming.to_str().unwrap()]).exits(0).says("no problems");
    let local = sandbox.write(&in_app_data("Local", "MicroSIP.ini"), utf16(HEALTHY));
    let json = sandbox.run(&["doctor", "--json"]).exits(0).json();
    assert_eq!(codes(&json, "problems"), ["ini-stale-copy"], "{json:#}");
    assert_eq!(json["ini"], roaming.to_str().unwrap());
    assert_eq!(json["problems"][0]["file"], local.to_str().unwrap());
    let json = sandbox.run(&["doctor", "--json", "--ini", local.to_str().unwrap()]).exits(1).json();
    assert_eq!(codes(&json, "problems"), ["ini-not-read"], "{json:#}");
}

#[cfg_attr(windows, ignore = "the registry of the machine says whether MicroSIP is installed")]
#[test]
fn a_portable_copy_beside_an_installed_microsip_is_told() {
    const INSTALLED: &str =
        "WINE REGISTRY Version 2\n\n[Software\\\\MicroSIP] 1700000000\n@=\"C:\\\\MicroSIP\"\n";
    let sandbox = Sandbox::new();
    let used = sandbox.write(&in_app_data("Roaming", "MicroSIP.ini"), utf16(HEALTHY));
    let copy = |folder: &str| {
        sandbox.write(&format!("home/.wine/drive_c/{folder}/MicroSIP.exe"), image());
        sandbox.write(&format!("home/.wine/drive_c/{folder}/MicroSIP.ini"), utf16(HEALTHY))
    };
    let (portable, installed) = (copy("Phone"), copy("MicroSIP"));
    let told = |ini: &PathBuf| {
        let ran = sandbox.run(&["doctor", "--json", "--ini", ini.to_str().unwrap()]);
        codes(&ran.json(), "problems")
    };
    // nothing is installed
    assert_eq!(told(&portable), Vec::<String>::new());
    sandbox.write("home/.wine/user.reg", INSTALLED);
    assert_eq!(told(&portable), ["ini-two-places"]);
    assert_eq!(told(&installed), ["ini-not-read"]);
    assert_eq!(told(&used), Vec::<String>::new());
}

#[test]
fn all_inis_are_shown_and_one_must_be_named_to_be_mended() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let healthy = sandbox.write(&in_app_data("Roaming", "MicroSIP.ini"), utf16(HEALTHY));
    // a portable copy in the current folder
    sandbox.write("MicroSIP.exe", image());
    let ill = sandbox.write("MicroSIP.ini", utf16(ILL));
    let ran = sandbox.run(&["doctor"]).exits(1);
    assert!(ran.stdout.contains(&format!("{}: no problems\n", healthy.display())), "{}", ran.told);
    let json = sandbox.run(&["doctor", "--json"]).exits(1).json();
    assert_eq!(json["inis"].as_array().unwrap().len(), 2, "{json:#}");
    assert!(json.get("ini").is_none(), "{json:#}");
    let fix = problem(&json, "value-old-word")["fix"].as_str().unwrap();
    assert!(fix.starts_with("msipcfg --ini ") && fix.ends_with("MicroSIP.ini doctor --fix"), "{fix}");
    sandbox.run(&["doctor", "--fix", "--json"]).fails(4, "ini-ambiguous");
    assert_eq!(text_of_ini(&ill), ILL);
}

//! Encrypted passwords, with `apply` and `check`.

use msipcfg::microsip::values;

use super::Start;
use crate::sandbox::{Ran, Sandbox, utf16};

const WANTED: &str = "T0p-S3cret";

/// The password of this account in the ini.
#[track_caller]
fn password_of(sandbox: &Sandbox, account: &str) -> String {
    let ini = sandbox.ini_text();
    let section = ini.split_once(&format!("[{account}]\r\n")).unwrap_or_else(|| panic!("{ini}")).1;
    let section = section.split_once("\r\n[").map_or(section, |(section, _)| section);
    let found = section.lines().find_map(|line| line.strip_prefix("password="));
    found.unwrap_or_else(|| panic!("{ini}")).to_string()
}

/// Starts MicroSIP and exits it.
fn start_and_exit(sandbox: &Sandbox) {
    Start::portable(sandbox).start().close();
}

#[test]
fn a_start_encrypts_the_passwords_of_loaded_accounts_once() {
    let account = |number: u32, password: &str| {
        format!("[Account{number}]\r\ndomain=example.org\r\nusername=1\r\npassword={password}\r\n")
    };
    for length in [1, 2, 10, 254, 255] {
        let plain = "x".repeat(length);
        let accounts: String = (0..3).map(|number| account(number, &plain)).collect();
        let sandbox = Sandbox::with_ini(utf16(&format!("[Settings]\r\naccountId=2\r\n{accounts}")));
        start_and_exit(&sandbox);
        let encrypted = ["Account0", "Account2"].map(|account| password_of(&sandbox, account));
        assert_eq!(encrypted[0], encrypted[1]);
        // msipcfg computes the same length, for `check`
        assert_eq!(encrypted[0].len(), values::encrypted_length(length));
        assert!(values::is_encrypted(&encrypted[0].encode_utf16().collect::<Vec<_>>()), "{}", encrypted[0]);
        assert_eq!(password_of(&sandbox, "Account1"), plain);
        start_and_exit(&sandbox);
        assert_eq!(password_of(&sandbox, "Account2"), encrypted[0]);
    }
}

#[test]
fn an_applied_password_is_in_state_until_the_user_sets_another() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    sandbox.write("password", WANTED);
    let file =
        "[[accounts]]\ndomain = \"example.org\"\nusername = \"1\"\npassword = { file = \"password\" }\n";
    sandbox.write("phone.toml", file);
    let run = |command: &str| -> Ran { sandbox.run_on_ini(&[command, "phone.toml", "--json"]) };
    let is_unconfirmed = |ran: &Ran| ran.warnings().contains(&"password-unconfirmed".to_string());
    run("apply").exits(0);
    assert_eq!(password_of(&sandbox, "Account1"), WANTED);
    start_and_exit(&sandbox);
    let encrypted = password_of(&sandbox, "Account1");
    assert_ne!(encrypted, WANTED);
    let checked = run("check").exits(0);
    assert!(is_unconfirmed(&checked), "{}", checked.transcript);

    let before = (sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap());
    let applied = run("apply").exits(0);
    assert_eq!(applied.json()["changed"], false, "{}", applied.transcript);
    assert_eq!((sandbox.ini_bytes(), sandbox.ini().metadata().unwrap().modified().unwrap()), before);
    // more starts don't change that
    start_and_exit(&sandbox);
    let checked = run("check").exits(0);
    assert!(!is_unconfirmed(&checked), "{}", checked.transcript);

    // the user types another one of the same length
    let other = sandbox.ini_text().replace(&encrypted, "T0p-S3creT");
    sandbox.write("MicroSIP.ini", utf16(other.trim_start_matches('\u{FEFF}')));
    start_and_exit(&sandbox);
    assert_eq!(password_of(&sandbox, "Account1").len(), encrypted.len());
    let checked = run("check").exits(1);
    assert_eq!(checked.json()["differences"][0]["key"], "password", "{}", checked.transcript);
    let applied = run("apply").exits(0);
    assert_eq!(applied.json()["changed"], true, "{}", applied.transcript);
    start_and_exit(&sandbox);
    assert_eq!(password_of(&sandbox, "Account1"), encrypted);
    run("check").exits(0);
}

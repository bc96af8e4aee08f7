//! Detection for deployment tools.

use crate::sandbox::{Sandbox, utf16};

const SECRET: &str = "T0p-S3cret";

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn each_style_reports_each_result_in_its_form() {
    let sandbox = Sandbox::with_ini(utf16(
        "[Settings]\r\nEC=0\r\naccountId=1\r\n[Account1]\r\ndomain=a.example.org\r\nusername=1\r\n",
    ));
    sandbox.write("same.toml", "[settings]\nEC = 0\n");
    let account = "[[accounts]]\ndomain = \"a.example.org\"\nusername = \"2\"\n";
    sandbox.write("other.toml", format!("[settings]\nEC = 1\n{account}password = \"{SECRET}\"\n"));
    sandbox.write("wrong.toml", format!("[[accounts]]\npasswort = \"{SECRET}\"\n"));
    let ini = sandbox.ini();
    let ini = ini.to_str().unwrap();
    let in_state = format!("in state: {ini}\n");
    let drifted = format!("not in state: {ini}: 3 values differ: EC, Account1/username, Account1/password\n");
    let cases: &[(&str, &str, &str, i32, &str)] = &[
        ("intune-app", "same.toml", ini, 0, &in_state),
        ("intune-app", "other.toml", ini, 0, ""),
        ("intune-app", "same.toml", "none.ini", 0, ""),
        ("intune-app", "wrong.toml", ini, 1, ""),
        ("intune-remediation", "same.toml", ini, 0, &in_state),
        ("intune-remediation", "other.toml", ini, 1, &drifted),
        ("intune-remediation", "same.toml", "none.ini", 1, "not in state: no ini found\n"),
        ("intune-remediation", "wrong.toml", ini, 3, ""),
        ("configmgr", "same.toml", ini, 0, "Compliant\n"),
        ("configmgr", "other.toml", ini, 0, "NonCompliant\n"),
        ("configmgr", "same.toml", "none.ini", 0, "NonCompliant\n"),
        ("configmgr", "wrong.toml", ini, 1, ""),
        ("plain", "same.toml", ini, 0, &in_state),
        ("plain", "other.toml", ini, 1, &drifted),
        ("plain", "same.toml", "none.ini", 4, ""),
        ("plain", "wrong.toml", ini, 3, ""),
    ];
    for (style, file, ini, status, stdout) in cases {
        let ran = sandbox.run(&["detect", file, "--style", style, "--ini", ini, "--json"]).exits(*status);
        assert_eq!(ran.stdout, *stdout, "{}", ran.transcript);
        // output on standard error tells Intune that the app isn't installed
        let has_reason = *file == "wrong.toml" || (*ini == "none.ini" && *style == "plain");
        assert_eq!(!ran.stderr.is_empty(), has_reason, "{}", ran.transcript);
        assert!(!ran.stderr.contains(SECRET), "{}", ran.transcript);
    }
    assert_eq!(sandbox.names(), ["MicroSIP.ini", "other.toml", "same.toml", "wrong.toml"]);
}

#[cfg(not(windows))]
#[test]
fn windows_exit_codes_are_rejected_on_other_systems() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
    let words = ["set", "VAD=1", "--json", "--exit-codes"];
    crate::sandbox::refused(&sandbox, &[&words[..], &["windows"]].concat(), 2, "usage")
        .says("only on Windows");
    sandbox.run_on_ini(&[&words[..], &["own"]].concat()).exits(0);
}

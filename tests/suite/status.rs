//! status without `--ini`. Sessions show the rest.

use serde_json::json;

use crate::alone::Alone;
use crate::calls_db;
use crate::sandbox::{Sandbox, image, place, utf16};

const INI: &str = "[Settings]\r\naccountId=2\r\nversion=3.22.3\r\ncmdIncomingCall=\"C:\\Program Files\\x.exe\"\r\n\
                   cmdCallEnd=\"\"\r\nlastCallNumber=5550199\r\n\
                   [Account1]\r\nlabel=Desk\r\nusername=5550101\r\ndomain=pbx.example.org\r\npassword=c0ffee\r\n\
                   [Account2]\r\nusername=ann\r\ndomain=sip.example.org\r\n[Account3]\r\nlabel=No domain\r\n";

#[test]
fn every_ini_is_shown_or_where_it_was_looked_for() {
    let _alone = Alone::now();
    let sandbox = Sandbox::new();
    let json = sandbox.run(&["status", "--json"]).exits(0).json();
    assert_eq!(json["inis"], json!([]));
    assert_ne!(json["looked"], json!([]));
    sandbox.run(&["status"]).exits(0).says("No ini found");

    let installed = sandbox.write(&place("ann", "MicroSIP.ini"), utf16(INI));
    let exe = sandbox.write("MicroSIP.exe", image());
    sandbox.write("MicroSIP.ini", utf16("[Settings]\r\nversion=3.21.6\r\n"));
    let ran = sandbox.run(&["status"]).exits(0);
    assert!(
        ran.stdout.contains(&format!("  {} of unknown version, portable\n", exe.display())),
        "{}",
        ran.transcript
    );
    let json = sandbox.run(&["status", "--json"]).exits(0).json();
    let found: Vec<&str> =
        json["inis"].as_array().unwrap().iter().map(|ini| ini["ini"].as_str().unwrap()).collect();
    assert_eq!(found, [sandbox.ini().to_str().unwrap(), installed.to_str().unwrap()]);
    assert_eq!(json["installs"][0]["ini"], sandbox.ini().to_str().unwrap());
    assert_eq!(json["inis"][0]["why"], json!(["next to MicroSIP.exe"]));
}

#[test]
fn the_last_event_is_shown_with_its_time() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let last = || sandbox.run_on_ini(&["status", "--json"]).exits(0).json()["inis"][0]["last_event"].clone();
    assert_eq!(last(), json!(null));
    assert!(!sandbox.run_on_ini(&["status"]).exits(0).stdout.contains("last event"));
    assert!(!calls_db::path(&sandbox).exists());

    calls_db::add(&sandbox, "2026-01-31T09:00:00Z end 030123456\n2026-01-31T08:00:00Z ring 030123456\n");
    // that of another ini
    let other = sandbox.write("other/MicroSIP.ini", utf16(INI));
    assert_eq!(last(), json!({ "event": "ring", "time": "2026-01-31T08:00:00Z" }));
    let ran = sandbox.run_on_ini(&["status"]).exits(0).says("last event: ring, 2026-01-31 ");
    assert!(!ran.stdout.contains("030123456"), "{}", ran.transcript);
    let json = sandbox.run(&["status", "--json", "--ini", other.to_str().unwrap()]).exits(0).json();
    assert_eq!(json["inis"][0]["last_event"], json!(null));
}

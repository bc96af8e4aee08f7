//! What there is, on one page.

use serde_json::{Value, json};

use crate::crowd::Alone;
use crate::sandbox::{Sandbox, image, place, utf16};

const INI: &str = "[Settings]\r\naccountId=2\r\nversion=3.22.3\r\ncmdIncomingCall=\"C:\\Program Files\\x.exe\"\r\n\
                   cmdCallEnd=\"\"\r\nlastCallNumber=5550199\r\n\
                   [Account1]\r\nlabel=Desk\r\nusername=5550101\r\ndomain=pbx.example.org\r\npassword=c0ffee\r\n\
                   [Account2]\r\nusername=ann\r\ndomain=sip.example.org\r\n[Account3]\r\nlabel=No domain\r\n";

#[test]
fn a_page_tells_of_the_ini_its_accounts_its_backups_and_its_hooks() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    sandbox.run_on_ini(&["set", "volumeRing=41"]).exits(0);
    let ran = sandbox.run_on_ini(&["status"]).exits(0);
    for told in [
        sandbox.ini().to_str().unwrap(),
        "  MicroSIP 3.22.3, UTF-16LE with BOM, written 20",
        "  accounts: Desk 5550101@pbx.example.org, ann@sip.example.org (in use)\n",
        "  backups: 1, the newest of 20",
        "  problems: 1 error",
        "    ring          C:\\Program Files\\x.exe  fails\n",
        "    end           -\n",
    ] {
        assert!(ran.stdout.contains(told), "no {told:?}: {}", ran.told);
    }
    for hidden in ["c0ffee", "5550199", "No domain"] {
        assert!(!ran.stdout.contains(hidden), "{hidden}: {}", ran.told);
    }
    assert_eq!(ran.stderr, "", "{}", ran.told);
}

#[test]
fn the_object_holds_all_of_it() {
    let sandbox = Sandbox::with_ini(utf16(INI));
    let ran = sandbox.run_on_ini(&["status", "--json"]).exits(0);
    let json = ran.json();
    assert_eq!((&json["ok"], json["inis"].as_array().unwrap().len()), (&Value::Bool(true), 1));
    let ini = &json["inis"][0];
    assert_eq!(ini["ini"], sandbox.ini().to_str().unwrap());
    assert_eq!((&ini["encoding"], &ini["version"]), (&"UTF-16LE with BOM".into(), &"3.22.3".into()));
    assert_eq!(
        ini["accounts"][0],
        json!({"number": 1, "label": "Desk", "username": "5550101", "domain": "pbx.example.org",
               "has_password": true, "selected": false})
    );
    assert_eq!(ini["accounts"][1]["selected"], true);
    assert_eq!((ini["hooks"].as_array().unwrap().len(), &ini["backups"]), (8, &json!([])));
    assert_eq!(ini["used_by"], json!([]));
    assert_eq!(ini["problems"]["error"], 1, "the unquoted path: {}", ran.told);
    assert!(!ran.stdout.contains("c0ffee"), "{}", ran.told);
}

#[test]
fn an_ini_that_cannot_be_read_says_so_in_its_place() {
    let sandbox = Sandbox::with_ini(b"not an ini");
    let ran = sandbox.run_on_ini(&["status"]).exits(0).says("[not-an-ini]");
    assert!(ran.stdout.contains("hint"), "{}", ran.told);
    let json = sandbox.run_on_ini(&["status", "--json"]).exits(0).json();
    assert_eq!((&json["ok"], &json["inis"][0]["error"]["code"]), (&true.into(), &"not-an-ini".into()));
    let missing = Sandbox::new();
    let json = missing.run_on_ini(&["status", "--json"]).exits(0).json();
    assert_eq!(json["inis"][0]["error"]["code"], "ini-not-found");
}

#[test]
fn every_ini_that_is_found_is_shown_and_where_none_is_the_places() {
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
        ran.told
    );
    let json = sandbox.run(&["status", "--json"]).exits(0).json();
    let found: Vec<&str> =
        json["inis"].as_array().unwrap().iter().map(|ini| ini["ini"].as_str().unwrap()).collect();
    assert_eq!(found, [sandbox.ini().to_str().unwrap(), installed.to_str().unwrap()]);
    assert_eq!(json["installs"][0]["ini"], sandbox.ini().to_str().unwrap());
    assert_eq!(json["inis"][0]["why"], json!(["next to MicroSIP.exe"]));
}

//! The command unset-hook.

use super::*;

#[test]
fn unset_hook_undoes_set_hook() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["end", RING]).exits(0);
    let json = sandbox.run_on_ini(&["unset-hook", "--json", "end"]).exits(0).json();
    assert_eq!(json["changed"], true);
    assert_eq!(
        json["changes"],
        serde_json::json!([{"section": "Settings", "key": "cmdCallEnd", "before": RING, "after": null}])
    );
    assert_eq!(sandbox.ini_text(), MODERN);
}

#[test]
fn unset_hook_removes_only_the_named_hooks() {
    let sandbox = Sandbox::with_ini(utf16("[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n"));
    for (event, _, _) in EVENTS {
        set_hook(&sandbox, &[event, RING]).exits(0);
    }
    sandbox.run_on_ini(&["unset-hook", "ring", "CMDCALLEND", "alerting"]).exits(0);
    for (event, _, _) in EVENTS {
        let expected = if ["ring", "end", "ringing"].contains(event) { Value::Null } else { RING.into() };
        assert_eq!(hook(&sandbox, event)["program"], expected, "{event}");
    }
    sandbox.run_on_ini(&["unset-hook", "--all"]).exits(0);
    assert_eq!(sandbox.ini_text(), "[Settings]\r\nVAD=1\r\nversion=3.22.3\r\n");
}

#[test]
fn unset_hook_changes_nothing_if_no_hook_is_set() {
    let sandbox = Sandbox::with_ini(utf16(UNKNOWN));
    for argv in [&["unset-hook", "--json", "end"][..], &["unset-hook", "--json", "--all"]] {
        let json = sandbox.run_on_ini(argv).exits(0).json();
        assert_eq!((&json["changed"], &json["changes"]), (&Value::from(false), &serde_json::json!([])));
    }
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
}

#[test]
fn unset_hook_keeps_empty_commands() {
    for ini in [MODERN, RAW, OLD] {
        let sandbox = Sandbox::with_ini(utf16(ini));
        let json = sandbox.run_on_ini(&["unset-hook", "--json", "--all"]).exits(0).json();
        assert_eq!(json["changed"], false, "{json}");
        assert_eq!(sandbox.ini_text(), ini);
    }
    // the empty commands may be the only hint at the MicroSIP that saves this ini
    let sandbox = Sandbox::with_ini(utf16(RAW));
    set_hook(&sandbox, &["ring", RING]).exits(0);
    sandbox.run_on_ini(&["unset-hook", "--all"]).exits(0);
    set_hook(&sandbox, &["ring", WITH_SPACES]).fails(3, "hook-unstable");
}

#[test]
fn event_named_twice_is_unset_once() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    set_hook(&sandbox, &["ring", RING]).exits(0);
    let json = sandbox.run_on_ini(&["unset-hook", "--json", "ring", "incoming", "ring"]).exits(0).json();
    assert_eq!(json["changes"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(hook(&sandbox, "ring")["program"], Value::Null);
}

#[test]
fn unset_hook_needs_events_or_all() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    refused(&sandbox, &["unset-hook", "--json"], 2, "usage");
    refused(&sandbox, &["unset-hook", "--json", "--all", "ring"], 2, "usage");
}

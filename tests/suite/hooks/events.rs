//! Events and their names.

use serde_json::Value;

use super::*;

#[test]
fn hook_is_written_as_microsip_would_save_it() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    sandbox.run_on_ini(&["set-hook", "--allow-missing", "ring", RING]).exits(0);
    let expected = MODERN.replace("cmdIncomingCall=\"\"", "cmdIncomingCall=\"C:\\hooks\\ring.exe\"");
    assert_eq!(sandbox.ini_text(), expected);
}

#[test]
#[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
fn events_are_accepted_by_name_alias_and_key_in_any_letter_case() {
    for (_, aliases, key) in EVENTS {
        let own = EVENTS.iter().filter(|event| event.2 == *key).map(|event| &event.0);
        let names = aliases.iter().chain(own).chain([key]);
        let mut names: Vec<String> =
            names.flat_map(|name| [name.to_string(), name.to_lowercase(), name.to_uppercase()]).collect();
        names.sort();
        names.dedup();
        for name in &names {
            let sandbox = Sandbox::with_ini(utf16(MODERN));
            let json = set_hook(&sandbox, &[name, RING]).exits(0).json();
            assert_eq!(json["changes"][0]["section"], "Settings", "{name}: {json}");
            assert_eq!(json["changes"][0]["key"], **key, "{name}: {json}");
            assert_eq!(json["changes"][0]["after"], RING, "{name}: {json}");
            assert_eq!(text_of(&sandbox, key), format!("\"{RING}\""));
        }
        let sandbox = Sandbox::with_ini(utf16(&format!("[Settings]\r\n{key}={RING}\r\nVAD=1\r\n")));
        let argv: Vec<&str> = ["unset-hook"].into_iter().chain(names.iter().map(String::as_str)).collect();
        sandbox.run_on_ini(&argv).exits(0);
        assert_eq!(sandbox.ini_text(), UNKNOWN, "{argv:?}");
    }
}

#[test]
fn events_lists_aliases_keys_and_descriptions() {
    let sandbox = Sandbox::new();
    let json = sandbox.run(&["events", "--json"]).exits(0).json();
    let listed = json["events"].as_array().unwrap();
    assert_eq!(listed.len(), EVENTS.len());
    let text = sandbox.run(&["events"]).exits(0).stdout;
    for ((event, aliases, key), listed) in EVENTS.iter().zip(listed) {
        assert_eq!((&listed["event"], &listed["key"]), (&Value::from(*event), &Value::from(*key)));
        assert_eq!(listed["aliases"], Value::from(aliases.to_vec()));
        let when = listed["when"].as_str().unwrap();
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(event)).unwrap();
        for part in aliases.iter().chain([key, &when]) {
            assert!(line.contains(part), "no {part:?} in {line:?}");
        }
    }
}

#[test]
fn unknown_event_suggests_the_nearest_and_lists_all() {
    for (typed, nearest) in
        [("rign", "ring"), ("anwser", "answer"), ("CMDCALLRIGN", "cmdCallRing"), ("incomming", "incoming")]
    {
        for command in [&["set-hook", "--json", typed, RING][..], &["unset-hook", "--json", typed]] {
            let sandbox = Sandbox::with_ini(utf16(MODERN));
            let ran = refused(&sandbox, command, 2, "event-unknown");
            let hint = hint(&ran);
            assert!(hint.contains(&format!("'{nearest}'")), "no {nearest} in {hint}");
            for (event, _, _) in EVENTS {
                assert!(hint.contains(event), "no {event} in {hint}");
            }
        }
    }
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let hint = hint(&refused(&sandbox, &["set-hook", "--json", "xyzzy", RING], 2, "event-unknown"));
    assert!(!hint.contains("did you mean") && hint.contains("outgoing"), "{hint}");
}

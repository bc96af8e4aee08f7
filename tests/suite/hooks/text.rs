//! Masks and raw texts.

use super::*;

#[test]
fn password_masks_are_refused_in_the_outgoing_event() {
    for argv in [
        &["outgoing", RING, "{password}"][..],
        &["cmdOutgoingCall", RING, "--auth={password}", "x"],
        &["--raw", "outgoing", "\"C:\\hooks\\ring.exe {password}\""],
    ] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        let all = [&["set-hook", "--json", "--allow-missing"][..], argv].concat();
        let hint = hint(&refused(&sandbox, &all, 3, "hook-mask-secret"));
        assert!(hint.contains("--allow-unsafe"), "{hint}");
        set_hook(&sandbox, &[&["--allow-unsafe"], argv].concat()).exits(0);
        let hook = hook(&sandbox, "outgoing");
        assert!(codes(&hook["problems"]).contains(&"hook-mask-secret"), "{hook}");
    }
}

#[test]
fn password_masks_are_refused_for_versions_that_do_not_replace_them_yet() {
    for version in ["3.20.5", "3.21.4", "3.22.3"] {
        let sandbox = Sandbox::with_ini(utf16("[Settings]\r\n"));
        let argv = ["--allow-missing", "--microsip-version", version, "outgoing", "C:\\a.exe", "{password}"];
        let set = |more: &[&str]| sandbox.run_on_ini(&[&["set-hook", "--json"], more, &argv[..]].concat());
        set(&[]).fails(3, "hook-mask-secret");
        let set = set(&["--allow-unsafe"]);
        if version == "3.22.3" {
            set.exits(0)
        } else {
            set.fails(3, "hook-mask-ignored")
        };
    }
    let ran = Sandbox::new()
        .run(&["explain", "--microsip-version", "3.21.4", "--event", "outgoing", "C:\\a.exe {md5_password}"])
        .exits(1);
    assert!(
        ran.stdout.contains("only in the outgoing event of MicroSIP 3.21.6 and newer"),
        "{}",
        ran.transcript
    );
}

#[test]
fn other_masks_work_only_in_the_outgoing_event() {
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let masks =
        ["{server}", "{extension}", "{time}", "{number}", "{user}", "{domain}", "{name}", "{callerid}"];
    for mask in masks {
        let ran = set_hook(&sandbox, &["outgoing", RING, mask]).exits(0);
        assert!(!ran.warnings().contains(&"hook-mask-ignored".to_string()), "{}", ran.transcript);
        assert_eq!(hook(&sandbox, "outgoing")["args"][0], mask);
        set_hook(&sandbox, &["ring", RING, mask]).fails(3, "hook-mask-ignored");
    }
    // It isn't expanded there, so it reveals nothing.
    let ran = set_hook(&sandbox, &["--raw", "ring", &format!("{RING} {{password}}")]).exits(0);
    assert!(ran.warnings().contains(&"hook-mask-ignored".to_string()), "{}", ran.transcript);
}

#[test]
fn raw_text_is_written_exactly_as_given() {
    for text in [
        r"C:\hooks\ring.exe",
        r#""C:\hooks\ring.exe""#,
        r#"""C:\Program Files\ring.exe"""#,
        r#""C:\Program Files\ring.exe" -x"#,
        r#"'C:\hooks\ring.exe'"#,
    ] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        set_hook(&sandbox, &["--raw", "ring", text]).exits(0);
        assert_eq!(text_of(&sandbox, "cmdIncomingCall"), text);
        assert_eq!(set_hook(&sandbox, &["--raw", "ring", text]).json()["changed"], false, "{text}");
    }
}

#[test]
fn raw_text_that_would_not_work_is_refused() {
    for (text, code) in [
        (r"C:\Program Files\ring.exe -x", "hook-path-unquoted"),
        (r#""C:\Program Files\ring.exe""#, "hook-path-unquoted"),
        (r#""C:\Program Files\ring.exe" "a b""#, "hook-quotes-lost"),
        (r#"" ""#, "hook-blank"),
        ("https://crm.example.org/call", "hook-url"),
        (r#""C:\hooks\ring.exe "a b" c""#, "hook-argument-split"),
        (r"ring\ring.exe", "hook-target-relative"),
        (r#""C:\hooks\note.txt""#, "hook-target-not-program"),
        (r#""C:\hooks\ring.bat""#, "hook-target-batch"),
    ] {
        let sandbox = Sandbox::with_ini(utf16(MODERN));
        refused(&sandbox, &["set-hook", "--json", "--allow-missing", "--raw", "ring", text], 3, code);
    }
    let sandbox = Sandbox::with_ini(utf16(MODERN));
    let argv = ["set-hook", "--json", "--allow-missing", "--raw", "ring", RING, "argument"];
    refused(&sandbox, &argv, 2, "usage");
    let long = format!("\"C:\\{}.exe\"", "x".repeat(250));
    let ran = sandbox.run_on_ini(&["set-hook", "--json", "--allow-missing", "--raw", "ring", &long]);
    ran.fails(3, "hook-too-long");
}

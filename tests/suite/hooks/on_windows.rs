//! What only Windows has: the internet mark, the registry and access lists.

use std::os::windows::process::CommandExt;

use super::*;
use crate::profile_api::windows::is_wine;
use crate::sandbox::{PROGRAM, image};

const MARK: &str = "[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://example.com/ring.exe\r\n";

impl Programs {
    fn mark_of(&self, name: &str) -> String {
        format!("{}:Zone.Identifier", self.path(name))
    }

    /// Marks a file as Windows does. Returns false if this disk can't store the mark.
    fn mark(&self, name: &str) -> bool {
        let stream = self.mark_of(name);
        let is_kept = std::fs::write(&stream, MARK).is_ok()
            && std::fs::read(&stream).is_ok_and(|read| read == MARK.as_bytes());
        if !is_kept {
            println!("skipped: this disk has no alternate streams");
        }
        is_kept
    }

    fn is_marked(&self, name: &str) -> bool {
        std::fs::read(self.mark_of(name)).is_ok()
    }

    fn ini_bytes(&self) -> Vec<u8> {
        std::fs::read(self.sandbox.path(&self.ini)).unwrap()
    }
}

#[test]
fn marked_program_is_refused_without_unblock() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    if !programs.mark("ring.exe") {
        return;
    }
    let before = programs.ini_bytes();
    let path = programs.path("ring.exe");
    for argv in [&[][..], &["--allow-unsafe", "--allow-missing"], &["--dry-run"]] {
        let ran = programs.set(&[argv, &["ring", &path]].concat()).fails(3, "hook-target-blocked");
        assert!(hint(&ran).contains("--unblock"), "{}", ran.transcript);
    }
    // the mark stays if the hook is refused for another reason, and in a dry run
    programs.set(&["--unblock", "outgoing", &path, "{password}"]).fails(3, "hook-mask-secret");
    let ran = programs.set(&["--unblock", "--dry-run", "ring", &path]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-unblocked".to_string()), "{}", ran.transcript);
    assert!(ran.stdout.contains("mark would be removed"), "{}", ran.transcript);
    assert!(programs.is_marked("ring.exe"), "{}", ran.transcript);
    assert_eq!(programs.ini_bytes(), before);

    let ran = programs.set(&["--unblock", "ring", &path]).exits(0).says("the mark was removed");
    assert!(ran.warnings().contains(&"hook-target-unblocked".to_string()), "{}", ran.transcript);
    assert!(!programs.is_marked("ring.exe"), "{}", ran.transcript);
    assert_eq!(std::fs::read(&path).unwrap(), image(), "the program itself is unchanged");
    assert_eq!(programs.hook("ring")["works"], true);
}

#[test]
fn mark_on_the_program_of_a_set_hook_is_shown_and_can_be_removed() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    let path = programs.path("ring.exe");
    programs.set(&["ring", &path]).exits(0);
    if !programs.mark("ring.exe") {
        return;
    }
    let hook = programs.hook("ring");
    assert_eq!(hook["works"], false, "{hook}");
    assert!(codes(&hook["problems"]).contains(&"hook-target-blocked"), "{hook}");
    let ran = programs.set(&["--unblock", "ring", &path]).exits(0);
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert!(!programs.is_marked("ring.exe"), "{}", ran.transcript);
    assert_eq!(programs.hook("ring")["works"], true);
}

#[test]
fn marked_script_causes_a_warning() {
    let programs = Programs::new(&[("log.vbs", b"x")]);
    let path = programs.path("log.vbs");
    if !programs.mark("log.vbs") {
        return;
    }
    let ran = programs.set(&["--direct", "ring", &path]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-blocked".to_string()), "{}", ran.transcript);
    assert_eq!(programs.hook("ring")["works"], true);
    // also where msipcfg runs it
    let ran = programs.set(&["end", &path]).exits(0);
    assert!(ran.warnings().contains(&"hook-target-blocked".to_string()), "{}", ran.transcript);
    programs.set(&["--unblock", "end", &path]).exits(0);
    assert!(!programs.is_marked("log.vbs"));
    assert!(!codes(&programs.hook("ring")["problems"]).contains(&"hook-target-blocked"));
}

#[test]
fn hook_is_refused_if_the_mark_cannot_be_removed() {
    let programs = Programs::new(&[("ring.exe", &image())]);
    if !programs.mark("ring.exe") {
        return;
    }
    let path = programs.path("ring.exe");
    let set_read_only = |is: bool| {
        let mut permissions = std::fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(is);
        std::fs::set_permissions(&path, permissions).unwrap();
    };
    set_read_only(true);
    let before = programs.ini_bytes();
    let ran = programs.set(&["--unblock", "ring", &path]).fails(3, "hook-target-blocked");
    assert!(ran.stdout.contains("read-only"), "{}", ran.transcript);
    assert_eq!(programs.ini_bytes(), before);
    assert!(programs.is_marked("ring.exe"));
    set_read_only(false);
}

/// A program's name in the user's registry, removed at the end of the test.
struct Registered {
    key: String,
}

impl Registered {
    fn new(exe: &str) -> (Self, windows_registry::Key) {
        let key = format!(r"Software\Microsoft\Windows\CurrentVersion\App Paths\{exe}");
        let open = windows_registry::CURRENT_USER.create(&key).unwrap();
        (Registered { key }, open)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let _ = windows_registry::CURRENT_USER.remove_tree(&self.key);
    }
}

#[test]
fn registered_name_is_written_with_its_path() {
    let programs = Programs::new(&[("my tool.exe", &image())]);
    let path = programs.path("my tool.exe");
    let exe = format!("msipcfg-test-{}.exe", std::process::id());
    let (_registered, key) = Registered::new(&exe);
    // the variable is set only for msipcfg
    let set = |name: &str| {
        let mut command = programs.sandbox.command(PROGRAM);
        command.env("MSIPCFG_TEST_HOOKS", programs.sandbox.path("hooks"));
        let ini = programs.sandbox.path(&programs.ini);
        command.arg("set-hook").arg("--json").arg("--ini").arg(ini).args(["ring", name, "-"]);
        programs.sandbox.finish(command)
    };
    let by_variable = r#""%MSIPCFG_TEST_HOOKS%\my tool.exe""#;
    key.set_string("", by_variable).unwrap();
    set(&exe).fails(3, "hook-target-relative");
    key.set_expand_string("", by_variable).unwrap();
    set(&exe).exits(0);
    assert_eq!(programs.hook("ring")["program"], path);
    key.set_string("", &path).unwrap();
    set(exe.trim_end_matches(".exe")).exits(0);
    assert_eq!(programs.hook("ring")["program"], path);
    key.set_string("", programs.path("gone.exe")).unwrap();
    set(&exe).fails(3, "hook-target-relative");
}

#[test]
fn replaceable_program_is_reported_with_the_command_that_fixes_it() {
    if is_wine() {
        println!("skipped: Wine invents access lists");
        return;
    }
    let code = "hook-target-writable".to_string();
    let programs = Programs::new(&[("ring.exe", &image())]);
    let path = programs.path("ring.exe");
    assert!(!programs.set(&["--dry-run", "ring", &path]).exits(0).warnings().contains(&code));
    let folder = programs.sandbox.path("hooks");
    let icacls = |line: &str| {
        let done = std::process::Command::new("cmd").raw_arg(format!("/c {line}")).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    };
    icacls(&format!("icacls \"{}\" /grant *S-1-1-0:(OI)(CI)F", folder.display()));
    let ran = programs.set(&["ring", &path]);
    // the tests may run elevated; then it is refused
    let diagnostics = match ran.status {
        0 => ran.json()["warnings"].clone(),
        _ => Value::from(vec![ran.fails(3, &code).json()["error"].clone()]),
    };
    let problem = diagnostics.as_array().unwrap().iter().find(|problem| problem["code"] == code).unwrap();
    assert!(problem["message"].as_str().unwrap().contains(folder.to_str().unwrap()), "{problem}");
    let ran = programs.set(&["--allow-unsafe", "ring", &path]).exits(0);
    assert_eq!(programs.hook("ring")["works"], true, "{}", ran.transcript);
    assert!(codes(&programs.hook("ring")["problems"]).contains(&code.as_str()));

    let hint = problem["hint"].as_str().unwrap();
    let line = hint.split("fix it: ").nth(1).unwrap();
    icacls(line);
    assert!(!codes(&programs.hook("ring")["problems"]).contains(&code.as_str()), "{line}");
}

use std::collections::BTreeMap;
use std::io;

use super::registration::wanted;
use super::*;
use crate::platform::registry::{ClassChange, ClassRegistry, ClassValue, Hive};

const EXE: &str = r"C:\Program Files\MicroSIP\MicroSIP.exe";
const COMMAND: &str = r#""C:\Program Files\MicroSIP\MicroSIP.exe" "%1""#;

type Keys = BTreeMap<String, BTreeMap<String, ClassValue>>;

/// A registry in memory. Unlike the real one it is case-sensitive, but these tests use one spelling only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fake {
    user: Keys,
    machine: Keys,
    choices: BTreeMap<String, String>,
    /// The number of changes until one fails.
    changes_left: Option<usize>,
}

impl Fake {
    pub fn with(keys: &[(&str, &str, &str)]) -> Fake {
        let mut fake = Fake::default();
        for (key, name, text) in keys {
            fake.put(key, name, ClassValue::of_text(text));
        }
        fake
    }

    pub fn put(&mut self, key: &str, name: &str, value: ClassValue) {
        for (at, _) in key.match_indices('\\') {
            self.user.entry(key[..at].to_string()).or_default();
        }
        self.user.entry(key.to_string()).or_default().insert(name.to_string(), value);
    }

    fn command(&self, scheme: &str) -> Option<String> {
        self.value(Hive::User, &command_key(scheme), "").unwrap()?.text()
    }

    pub fn set(&mut self, exe: &str) -> Plan {
        let plan = plan_set(self, exe).unwrap();
        apply(&plan, self).unwrap();
        plan
    }

    fn unset(&mut self) -> Plan {
        let plan = plan_unset(self).unwrap();
        apply(&plan, self).unwrap();
        plan
    }
}

impl ClassRegistry for Fake {
    fn user_choice(&self, scheme: &str) -> io::Result<Option<String>> {
        Ok(self.choices.get(scheme).cloned())
    }

    fn value(&self, hive: Hive, key: &str, name: &str) -> io::Result<Option<ClassValue>> {
        let keys = if hive == Hive::User { &self.user } else { &self.machine };
        Ok(keys.get(key).and_then(|values| values.get(name)).cloned())
    }

    fn has_key(&self, key: &str) -> io::Result<bool> {
        Ok(self.user.contains_key(key))
    }

    fn change(&mut self, change: &ClassChange) -> io::Result<()> {
        if let Some(left) = &mut self.changes_left {
            *left = left.checked_sub(1).ok_or(io::ErrorKind::PermissionDenied)?;
        }
        match change {
            ClassChange::Set { key, name, value } => self.put(key, name, value.clone()),
            ClassChange::Remove { key, name } => {
                self.user.get_mut(key).and_then(|values| values.remove(name));
            }
            ClassChange::RemoveWithKey { key, name } => {
                let has_subkey = self.user.keys().any(|other| other.starts_with(&format!(r"{key}\")));
                let values = self.user.get_mut(key).unwrap();
                values.remove(name);
                if values.is_empty() && !has_subkey {
                    self.user.remove(key);
                }
            }
        }
        Ok(())
    }
}

/// Returns registries in different states.
fn found() -> Vec<Fake> {
    let mut with_odd_types = Fake::with(&[("sip", "EditFlags", "x"), (r"sip\shell", "", "open")]);
    let expanding = ClassValue { kind: 2, bytes: b"%\0P\0%\0".into() };
    with_odd_types.put(r"sip\shell\open\command", "", expanding);
    with_odd_types.put("sip", "URL Protocol", ClassValue { kind: 3, bytes: Vec::new() });
    let mut with_empty_key = Fake::with(&[(r"tel\shell", "", "open")]);
    with_empty_key.user.insert("callto".into(), BTreeMap::new());
    vec![
        Fake::default(),
        Fake::with(&[
            ("tel", "", ""),
            ("tel", "URL Protocol", ""),
            (r"tel\shell\open\command", "", "a.exe %1"),
        ]),
        Fake::with(&[("callto", "", "URL:callto"), ("callto", "x", "y"), (r"callto\DefaultIcon", "", "i")]),
        with_odd_types,
        with_empty_key,
    ]
}

#[test]
fn unset_restores_exactly_what_was_there() {
    for before in found() {
        let mut registry = before.clone();
        assert!(!registry.set(EXE).values.is_empty());
        for scheme in SCHEMES {
            assert_eq!(registry.command(scheme).as_deref(), Some(COMMAND), "{before:?}");
            assert_eq!(
                registry.value(Hive::User, scheme, "URL Protocol").unwrap().unwrap().text().as_deref(),
                Some("")
            );
            assert_eq!(
                registry.value(Hive::User, scheme, "").unwrap().unwrap().text(),
                Some(format!("URL:{scheme}"))
            );
        }
        let unset = registry.unset();
        assert_eq!(unset.skipped, [""; 0]);
        assert_eq!(registry, before);
        assert_eq!(registry.unset(), Plan::default());
    }
}

#[test]
fn setting_twice_changes_nothing() {
    for mut registry in found() {
        registry.set(EXE);
        assert_eq!(plan_set(&registry, EXE).unwrap(), Plan::default());
        assert_eq!(plan_set(&registry, &EXE.to_lowercase()).unwrap(), Plan::default());
    }
}

#[test]
fn setting_another_exe_keeps_what_was_there_first() {
    for before in found() {
        let mut registry = before.clone();
        registry.set(EXE);
        registry.set(r"D:\Phone\phone.exe");
        assert_eq!(registry.command("tel").as_deref(), Some(r#""D:\Phone\phone.exe" "%1""#));
        registry.unset();
        assert_eq!(registry, before);
    }
}

#[test]
fn unset_skips_what_another_program_registered_since() {
    let mut registry = Fake::default();
    registry.set(EXE);
    registry.put(r"tel\shell\open\command", "", ClassValue::of_text("other.exe %1"));
    let changed = registry.clone();
    let plan = registry.unset();
    assert_eq!(plan.skipped, ["tel"]);
    assert_eq!(registry.command("tel").as_deref(), Some("other.exe %1"));
    assert!(registry.has_key("tel").unwrap() && !registry.has_key("sip").unwrap());
    // after setting again, the other program is what was there before
    let mut registry = changed;
    registry.set(EXE);
    registry.unset();
    assert_eq!(registry.command("tel").as_deref(), Some("other.exe %1"));
}

#[test]
fn unset_keeps_a_key_that_another_program_uses() {
    let mut registry = Fake::default();
    registry.set(EXE);
    registry.put(r"tel\DefaultIcon", "", ClassValue::of_text("icon"));
    registry.unset();
    let keys: Vec<&str> = registry.user.keys().map(String::as_str).collect();
    assert_eq!(keys, ["tel", r"tel\DefaultIcon"]);
    assert!(registry.user["tel"].is_empty());
}

#[test]
fn unset_ignores_a_key_that_was_removed() {
    let mut registry = Fake::with(&[("tel", "", "mine")]);
    registry.set(EXE);
    registry.user.remove(r"tel\shell\open\command");
    assert_eq!(registry.unset().skipped, [""; 0]);
    assert_eq!(registry, Fake::with(&[("tel", "", "mine")]));
}

#[test]
fn unset_keeps_what_an_installer_registered() {
    let mut registry = Fake::default();
    for (key, name, value) in SCHEMES.into_iter().flat_map(|scheme| wanted(scheme, EXE)) {
        registry.put(&key, name, value);
    }
    let before = registry.clone();
    assert_eq!(registry.set(EXE), Plan::default());
    assert_eq!(registry.unset(), Plan::default());
    assert_eq!(registry, before);
}

#[test]
fn a_run_that_is_interrupted_anywhere_loses_nothing() {
    for before in found() {
        let all = plan_set(&before, EXE).unwrap().changes.len();
        for cut in 0..all {
            let mut registry = Fake { changes_left: Some(cut), ..before.clone() };
            let plan = plan_set(&registry, EXE).unwrap();
            let error = apply(&plan, &mut registry).unwrap_err();
            assert_eq!(error.changed(), cut > 0);
            registry.changes_left = None;
            let mut again = registry.clone();
            registry.unset();
            assert_eq!(registry, before, "undone at once, interrupted after {cut}");
            again.set(EXE);
            assert_eq!(again.command("sip").as_deref(), Some(COMMAND));
            let unset = plan_unset(&again).unwrap().changes.len();
            for cut in 0..unset {
                let mut registry = Fake { changes_left: Some(cut), ..again.clone() };
                let plan = plan_unset(&registry).unwrap();
                assert!(apply(&plan, &mut registry).is_err());
                registry.changes_left = None;
                registry.unset();
                assert_eq!(registry, before, "undone in two runs, interrupted after {cut}");
            }
        }
    }
}

#[test]
fn the_users_choice_overrides_this_user_which_overrides_this_computer() {
    let text = |text: &str| BTreeMap::from([(String::new(), ClassValue::of_text(text))]);
    let mut registry = Fake::default();
    let link = |registry: &Fake| show(registry, None).unwrap().remove(0);
    assert_eq!(link(&registry).source, LinkSource::Nobody);
    registry.machine.insert(command_key("tel"), text(r#""C:\Teams\teams.exe" "%1""#));
    let machine = link(&registry);
    assert_eq!((machine.source, machine.is_microsip), (LinkSource::Machine, false));
    assert_eq!(machine.program.as_deref(), Some(r"C:\Teams\teams.exe"));
    registry.user.insert(command_key("tel"), text(COMMAND));
    let user = link(&registry);
    assert_eq!((user.source, user.is_microsip), (LinkSource::User, true));
    assert_eq!(
        (user.scheme, user.command.as_deref(), user.program.as_deref()),
        ("tel", Some(COMMAND), Some(EXE))
    );
    // the class of a Store app has no command
    registry.choices.insert("tel".into(), "AppXphone".into());
    let chosen = link(&registry);
    assert_eq!((chosen.source, chosen.class.as_deref()), (LinkSource::UserChoice, Some("AppXphone")));
    assert_eq!((chosen.command, chosen.is_microsip), (None, false));
    registry.machine.insert(command_key("AppXphone"), text("phone.exe %1"));
    assert_eq!(link(&registry).program.as_deref(), Some("phone.exe"));
    // choosing MicroSIP when Windows asks selects the scheme's own class
    registry.choices.insert("tel".into(), "tel".into());
    assert!(link(&registry).is_microsip);
}

#[test]
fn a_renamed_microsip_that_msipcfg_registered_is_recognized() {
    let mut registry = Fake::default();
    registry.set(r"D:\Phone\phone.exe");
    assert!(show(&registry, None).unwrap().iter().all(|link| link.is_microsip));
    let other = Fake::with(&[(r"tel\shell\open\command", "", r"D:\Phone\phone.exe %1")]);
    assert!(!show(&other, None).unwrap()[0].is_microsip);
    assert!(show(&other, Some(r"d:\phone\PHONE.exe")).unwrap()[0].is_microsip);
}

#[test]
fn a_choice_of_another_program_is_reported_and_windows_may_ask_for_the_rest() {
    let own = SCHEMES.map(|scheme| (scheme.to_string(), scheme.to_uppercase()));
    let mut registry = Fake { choices: own.into(), ..Fake::default() };
    assert_eq!(warnings_after_set(&show(&registry, None).unwrap()), []);
    registry.choices.clear();
    registry.set(EXE);
    registry.choices.insert("tel".into(), "AppXphone".into());
    registry.choices.insert("sip".into(), "sip".into());
    let warnings = warnings_after_set(&show(&registry, Some(EXE)).unwrap());
    let messages: Vec<&str> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "tel: links still open in AppXphone, because the user chose it in Windows' settings",
            "Windows may ask which program to use for these links: callto"
        ]
    );
}

#[test]
fn the_program_of_a_command_is_found_like_windows_does() {
    assert_eq!(program_of(r#""C:\a b\x.exe" "%1""#), Some(r"C:\a b\x.exe"));
    assert_eq!(program_of(r"C:\a b\x.EXE %1"), Some(r"C:\a b\x.EXE"));
    assert_eq!(program_of("rundll32 url.dll,x %1"), Some("rundll32"));
    assert_eq!(program_of(r#""C:\never closed"#), Some(r"C:\never closed"));
    assert_eq!(program_of("é"), Some("é"));
    assert_eq!(program_of("  "), None);
    assert_eq!(program_of(r#""""#), None);
}

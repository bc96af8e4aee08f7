//! Which program opens `tel:`, `callto:` and `sip:` links, and making it MicroSIP. Pure: the registry is asked
//! through a trait, and a change is worked out as a value before anything is written.
//!
//! MicroSIP itself registers nothing; its installer writes the same class keys (installer of 3.21.4). What
//! stood there is kept in values of our own beside what we write, so that it can be given back exactly:
//!
//! | value | what it says |
//! |---|---|
//! | `msipcfg-set` | what we wrote; what stands there now is ours only if it is this |
//! | `msipcfg-before` | what stood there; if it is missing, nothing did |
//! | `msipcfg-made` | we made this key |
//!
//! For a value with a name, that name stands behind them: `msipcfg-set:URL Protocol`. They are written before
//! what they tell of and go after it was given back, so that a run which is cut off can be made again.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::registry::{ClassChange, ClassRegistry, ClassValue, Hive};

/// Kinds of links that MicroSIP can open.
pub const SCHEMES: [&str; 3] = ["tel", "callto", "sip"];

/// Where registry paths that people read begin.
pub const CLASSES: &str = r"HKEY_CURRENT_USER\Software\Classes";

const MARK_SET: &str = "msipcfg-set";
const MARK_BEFORE: &str = "msipcfg-before";
const MARK_MADE: &str = "msipcfg-made";

/// Who says which program opens a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// The user, in Windows' settings; it outweighs the others.
    UserChoice,
    /// A program, for this user.
    User,
    /// A program, for everybody on this machine.
    Machine,
    /// Nobody.
    Nobody,
}

impl SaidBy {
    /// As scripts see it.
    pub fn name(self) -> &'static str {
        match self {
            SaidBy::UserChoice => "user-choice",
            SaidBy::User => "user",
            SaidBy::Machine => "machine",
            SaidBy::Nobody => "nobody",
        }
    }
}

/// Who opens links of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kind, without its colon.
    pub scheme: &'static str,
    /// Who says so.
    pub said_by: SaidBy,
    /// The class that was chosen. One of a Store app has no command.
    pub class: Option<String>,
    /// What runs; `%1` stands for the link.
    pub command: Option<String>,
    /// Its program.
    pub program: Option<String>,
    /// Whether that is MicroSIP.
    pub is_microsip: bool,
}

/// What is to become of the registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every change, in the order in which it is made.
    pub changes: Vec<ClassChange>,
    /// What changes for Windows: without our marks.
    pub values: Vec<ValueChange>,
    /// The kinds that somebody else registered for since; nothing of them changes.
    pub left_alone: Vec<&'static str>,
}

/// A value that changes; `None` where it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// Its key below `Software\Classes`.
    pub key: String,
    /// Its name; the empty one is the default value.
    pub name: &'static str,
    /// What is there.
    pub before: Option<ClassValue>,
    /// What will be.
    pub after: Option<ClassValue>,
}

/// Who opens links now. `exe` is MicroSIP's, where it is known.
///
/// # Errors
/// When the registry cannot be read.
pub fn show(registry: &dyn ClassRegistry, exe: Option<&str>) -> io::Result<Vec<Link>> {
    SCHEMES.into_iter().map(|scheme| link(registry, scheme, exe)).collect()
}

fn link(registry: &dyn ClassRegistry, scheme: &'static str, exe: Option<&str>) -> io::Result<Link> {
    let choice = registry.user_choice(scheme)?.filter(|class| !class.is_empty());
    let key = command_key(choice.as_deref().unwrap_or(scheme));
    let mut found = None;
    for (hive, said_by) in [(Hive::User, SaidBy::User), (Hive::Machine, SaidBy::Machine)] {
        if let Some(command) = registry.value(hive, &key, "")? {
            // what we registered is MicroSIP, whatever its exe is called
            let is_ours =
                hive == Hive::User && registry.value(hive, &key, MARK_SET)?.as_ref() == Some(&command);
            found = Some((said_by, command.text().unwrap_or_default(), is_ours));
            break;
        }
    }
    let (said_by, command, is_ours) = match found {
        Some((said_by, command, is_ours)) => (said_by, Some(command), is_ours),
        None => (SaidBy::Nobody, None, false),
    };
    let program = command.as_deref().and_then(program_of).map(str::to_string);
    let is_microsip = is_ours || program.as_deref().is_some_and(|program| is_microsip(program, exe));
    let said_by = if choice.is_some() { SaidBy::UserChoice } else { said_by };
    Ok(Link { scheme, said_by, class: choice, command, program, is_microsip })
}

/// What is to be written so that MicroSIP opens the links.
///
/// # Errors
/// When the registry cannot be read.
pub fn plan_set(registry: &dyn ClassRegistry, exe: &str) -> io::Result<Plan> {
    let mut plan = Plan::default();
    for scheme in SCHEMES {
        for key in keys(scheme) {
            if !registry.has_key(&key)? {
                plan.set(&key, MARK_MADE, ClassValue::of_text(""));
            }
        }
        for (key, name, wanted) in wanted(scheme, exe) {
            let now = Now::of(registry, key, name)?;
            if now.value.as_ref().is_some_and(|value| says_the_same(value, &wanted)) {
                continue;
            }
            if !now.is_ours() {
                match &now.value {
                    Some(value) => plan.set(&now.key, &mark(MARK_BEFORE, name), value.clone()),
                    None if now.before.is_some() => plan.remove(&now.key, &mark(MARK_BEFORE, name)),
                    None => {}
                }
            }
            plan.set(&now.key, &mark(MARK_SET, name), wanted.clone());
            plan.make(now, Some(wanted));
        }
    }
    Ok(plan)
}

/// What is to be written so that all is as it was before MicroSIP was registered. A kind of links that somebody
/// else registered for since is left alone as a whole: half of it would open nothing.
///
/// # Errors
/// When the registry cannot be read.
pub fn plan_unset(registry: &dyn ClassRegistry) -> io::Result<Plan> {
    let mut plan = Plan::default();
    for scheme in SCHEMES {
        let mut ours = Vec::new();
        for (key, name, _) in wanted(scheme, "") {
            let now = Now::of(registry, key, name)?;
            match (&now.set, &now.before) {
                (Some(_), _) => ours.push(now),
                // of a run that was cut off before it wrote the value
                (None, Some(_)) => plan.remove(&now.key, &mark(MARK_BEFORE, name)),
                (None, None) => {}
            }
        }
        if !ours.iter().all(|now| now.is_ours() || now.value == now.before) {
            plan.left_alone.push(scheme);
            continue;
        }
        for now in ours {
            let (key, name, before) = (now.key.clone(), now.name, now.before.clone());
            if now.value != before {
                plan.make(now, before.clone());
            }
            plan.remove(&key, &mark(MARK_SET, name));
            if before.is_some() {
                plan.remove(&key, &mark(MARK_BEFORE, name));
            }
        }
        for key in keys(scheme).into_iter().rev() {
            if registry.value(Hive::User, &key, MARK_MADE)?.is_some() {
                plan.changes.push(ClassChange::RemoveWithKey { key, name: MARK_MADE.to_string() });
            }
        }
    }
    Ok(plan)
}

/// Makes the changes of a plan.
///
/// # Errors
/// When the registry cannot be written; the error says whether anything was before.
pub fn carry_out(plan: &Plan, registry: &mut dyn ClassRegistry) -> Result<(), LinksError> {
    for (index, change) in plan.changes.iter().enumerate() {
        let made = registry.change(change);
        made.map_err(|source| LinksError::Registry { changed: index > 0, source })?;
    }
    if !plan.changes.is_empty() {
        registry.announce();
    }
    Ok(())
}

impl Plan {
    fn set(&mut self, key: &str, name: &str, value: ClassValue) {
        self.changes.push(ClassChange::Set { key: key.to_string(), name: name.to_string(), value });
    }

    fn remove(&mut self, key: &str, name: &str) {
        self.changes.push(ClassChange::Remove { key: key.to_string(), name: name.to_string() });
    }

    /// A change that Windows will see.
    fn make(&mut self, now: Now, after: Option<ClassValue>) {
        match &after {
            Some(value) => self.set(&now.key, now.name, value.clone()),
            None => self.remove(&now.key, now.name),
        }
        self.values.push(ValueChange { key: now.key, name: now.name, before: now.value, after });
    }
}

/// A value with what we noted about it.
struct Now {
    key: String,
    name: &'static str,
    value: Option<ClassValue>,
    set: Option<ClassValue>,
    before: Option<ClassValue>,
}

impl Now {
    fn of(registry: &dyn ClassRegistry, key: String, name: &'static str) -> io::Result<Now> {
        let read = |name: &str| registry.value(Hive::User, &key, name);
        let (value, set, before) =
            (read(name)?, read(&mark(MARK_SET, name))?, read(&mark(MARK_BEFORE, name))?);
        Ok(Now { key, name, value, set, before })
    }

    /// Whether what stands there is what we wrote.
    fn is_ours(&self) -> bool {
        self.set.is_some() && self.set == self.value
    }
}

/// What registers a program for a kind of links: key, name and value.
fn wanted(scheme: &str, exe: &str) -> [(String, &'static str, ClassValue); 3] {
    [
        (scheme.to_string(), "", ClassValue::of_text(&format!("URL:{scheme}"))),
        (scheme.to_string(), "URL Protocol", ClassValue::of_text("")),
        (command_key(scheme), "", ClassValue::of_text(&format!("\"{exe}\" \"%1\""))),
    ]
}

/// The keys that are needed, the outer ones first.
fn keys(scheme: &str) -> [String; 4] {
    [scheme.to_string(), format!(r"{scheme}\shell"), format!(r"{scheme}\shell\open"), command_key(scheme)]
}

fn command_key(class: &str) -> String {
    format!(r"{class}\shell\open\command")
}

fn mark(mark: &str, name: &str) -> String {
    if name.is_empty() { mark.to_string() } else { format!("{mark}:{name}") }
}

/// Paths have no letter case, and so neither has a command that only names one.
fn says_the_same(value: &ClassValue, wanted: &ClassValue) -> bool {
    let text = |value: &ClassValue| value.text().map(|text| text.to_lowercase());
    text(value).is_some() && text(value) == text(wanted)
}

/// The program of a command line. Without quotes a path with blanks ends where `.exe` does, as Windows finds
/// it by trying.
pub fn program_of(command: &str) -> Option<&str> {
    let command = command.trim_start();
    let program = match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => {
            let ends = command.match_indices([' ', '\t']).map(|(at, _)| at).chain([command.len()]);
            let is_exe = |end: &usize| has_ending(&command[..*end], ".exe");
            let first_word = ends.clone().next().unwrap_or(command.len());
            &command[..ends.into_iter().find(is_exe).unwrap_or(first_word)]
        }
    };
    (!program.is_empty()).then_some(program)
}

fn has_ending(text: &str, ending: &str) -> bool {
    let start = text.len().saturating_sub(ending.len());
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

fn is_microsip(program: &str, exe: Option<&str>) -> bool {
    let name = program.rsplit(['\\', '/']).next().unwrap_or(program);
    let is_exe = exe.is_some_and(|exe| exe.to_lowercase() == program.to_lowercase());
    name.eq_ignore_ascii_case("microsip.exe") || is_exe
}

/// Why a program cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    #[error("which program opens links is kept in Windows' registry, and this is not Windows")]
    NotWindows,
    #[error("no installed MicroSIP was found in the registry")]
    NotInstalled,
    #[error("{exe} is not there")]
    NotThere { exe: PathBuf },
    #[error("{exe} cannot be registered for links: {why}")]
    NoProgram { exe: PathBuf, why: String },
    #[error("the registry could not be read or written: {source}")]
    Registry { changed: bool, source: io::Error },
}

impl LinksError {
    /// Whether anything was written before it went wrong.
    pub fn changed(&self) -> bool {
        matches!(self, LinksError::Registry { changed: true, .. })
    }
}

impl From<io::Error> for LinksError {
    /// While reading.
    fn from(source: io::Error) -> Self {
        LinksError::Registry { changed: false, source }
    }
}

impl ToDiagnostic for LinksError {
    fn code(&self) -> Code {
        match self {
            LinksError::NotWindows => Code::WindowsOnly,
            LinksError::NotInstalled | LinksError::NotThere { .. } => Code::MicrosipNotFound,
            LinksError::NoProgram { .. } => Code::MicrosipRefused,
            LinksError::Registry { .. } => Code::RegistryFailed,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LinksError::NotWindows => "run it on Windows, or with wine inside the prefix",
                LinksError::NotInstalled => "name its exe with --exe PATH",
                LinksError::NotThere { .. } | LinksError::NoProgram { .. } => {
                    "name MicroSIP's exe with --exe PATH"
                }
                LinksError::Registry { changed: true, .. } => {
                    "some of it was written; run the command again, or undo it with 'msipcfg links --unset'"
                }
                LinksError::Registry { .. } => {
                    "check who may read and write HKEY_CURRENT_USER\\Software\\Classes"
                }
            }
            .into(),
        )
    }
}

/// What deserves saying of links.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinksWarning {
    #[error("{scheme}: links still go to {who}, because the user chose it in Windows' settings")]
    ChosenOtherwise { scheme: &'static str, who: String },
    #[error("Windows may still ask which program is to open such a link: {}", .schemes.join(", "))]
    MayAsk { schemes: Vec<&'static str> },
    #[error("{scheme}: another program registered for these links since, so they were left as they are")]
    ChangedSince { scheme: &'static str },
}

impl ToDiagnostic for LinksWarning {
    fn code(&self) -> Code {
        match self {
            LinksWarning::ChosenOtherwise { .. } => Code::LinksChosen,
            LinksWarning::MayAsk { .. } => Code::LinksMayAsk,
            LinksWarning::ChangedSince { .. } => Code::LinksChangedSince,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            LinksWarning::ChosenOtherwise { scheme, .. } => {
                format!(
                    "change it in Settings > Apps > Default apps, for the link type {}",
                    scheme.to_uppercase()
                )
            }
            LinksWarning::MayAsk { .. } => "choose MicroSIP, once for each kind of link".into(),
            LinksWarning::ChangedSince { scheme } => {
                format!(r"what was there before is in the values {MARK_BEFORE} below {CLASSES}\{scheme}")
            }
        })
    }
}

/// What deserves saying after MicroSIP was registered.
pub fn remarks_after_set(links: &[Link]) -> Vec<LinksWarning> {
    // the scheme's own class is the one that was registered, or in a dry run would be
    let is_other = |link: &&Link| {
        let is_own = link.class.as_ref().is_some_and(|class| class.eq_ignore_ascii_case(link.scheme));
        link.said_by == SaidBy::UserChoice && !link.is_microsip && !is_own
    };
    let chosen_otherwise = links.iter().filter(is_other);
    let mut remarks: Vec<LinksWarning> = chosen_otherwise
        .map(|link| {
            let who = link.program.clone().or_else(|| link.class.clone()).unwrap_or_default();
            LinksWarning::ChosenOtherwise { scheme: link.scheme, who }
        })
        .collect();
    let not_chosen = links.iter().filter(|link| link.said_by != SaidBy::UserChoice);
    let schemes: Vec<_> = not_chosen.map(|link| link.scheme).collect();
    if !schemes.is_empty() {
        remarks.push(LinksWarning::MayAsk { schemes });
    }
    remarks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const EXE: &str = r"C:\Program Files\MicroSIP\MicroSIP.exe";
    const COMMAND: &str = r#""C:\Program Files\MicroSIP\MicroSIP.exe" "%1""#;

    type Keys = BTreeMap<String, BTreeMap<String, ClassValue>>;

    /// A registry in memory. Keys and values have no letter case, but these tests always write them alike.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct Fake {
        user: Keys,
        machine: Keys,
        choices: BTreeMap<String, String>,
        /// How many changes can be made before the next one fails.
        changes_left: Option<usize>,
    }

    impl Fake {
        fn with(keys: &[(&str, &str, &str)]) -> Fake {
            let mut fake = Fake::default();
            for (key, name, text) in keys {
                fake.put(key, name, ClassValue::of_text(text));
            }
            fake
        }

        fn put(&mut self, key: &str, name: &str, value: ClassValue) {
            for (at, _) in key.match_indices('\\') {
                self.user.entry(key[..at].to_string()).or_default();
            }
            self.user.entry(key.to_string()).or_default().insert(name.to_string(), value);
        }

        fn command(&self, scheme: &str) -> Option<String> {
            self.value(Hive::User, &command_key(scheme), "").unwrap()?.text()
        }

        fn set(&mut self, exe: &str) -> Plan {
            let plan = plan_set(self, exe).unwrap();
            carry_out(&plan, self).unwrap();
            plan
        }

        fn unset(&mut self) -> Plan {
            let plan = plan_unset(self).unwrap();
            carry_out(&plan, self).unwrap();
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

    /// Registries as they may be found.
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
            Fake::with(&[
                ("callto", "", "URL:callto"),
                ("callto", "x", "y"),
                (r"callto\DefaultIcon", "", "i"),
            ]),
            with_odd_types,
            with_empty_key,
        ]
    }

    #[test]
    fn what_was_there_is_given_back_exactly() {
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
            assert_eq!(unset.left_alone, [""; 0]);
            assert_eq!(registry, before);
            assert_eq!(registry.unset(), Plan::default());
        }
    }

    #[test]
    fn the_second_time_changes_nothing() {
        for mut registry in found() {
            registry.set(EXE);
            assert_eq!(plan_set(&registry, EXE).unwrap(), Plan::default());
            assert_eq!(plan_set(&registry, &EXE.to_lowercase()).unwrap(), Plan::default());
        }
    }

    #[test]
    fn another_exe_does_not_make_us_forget_what_was_there_first() {
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
    fn what_somebody_else_registered_since_is_left_alone() {
        let mut registry = Fake::default();
        registry.set(EXE);
        registry.put(r"tel\shell\open\command", "", ClassValue::of_text("other.exe %1"));
        let changed = registry.clone();
        let plan = registry.unset();
        assert_eq!(plan.left_alone, ["tel"]);
        assert_eq!(registry.command("tel").as_deref(), Some("other.exe %1"));
        assert!(registry.has_key("tel").unwrap() && !registry.has_key("sip").unwrap());
        // taken over again, theirs is what stood there before
        let mut registry = changed;
        registry.set(EXE);
        registry.unset();
        assert_eq!(registry.command("tel").as_deref(), Some("other.exe %1"));
    }

    #[test]
    fn a_key_that_others_use_meanwhile_stays() {
        let mut registry = Fake::default();
        registry.set(EXE);
        registry.put(r"tel\DefaultIcon", "", ClassValue::of_text("icon"));
        registry.unset();
        let keys: Vec<&str> = registry.user.keys().map(String::as_str).collect();
        assert_eq!(keys, ["tel", r"tel\DefaultIcon"]);
        assert!(registry.user["tel"].is_empty());
    }

    #[test]
    fn a_key_that_went_meanwhile_is_not_missed() {
        let mut registry = Fake::with(&[("tel", "", "mine")]);
        registry.set(EXE);
        registry.user.remove(r"tel\shell\open\command");
        assert_eq!(registry.unset().left_alone, [""; 0]);
        assert_eq!(registry, Fake::with(&[("tel", "", "mine")]));
    }

    #[test]
    fn what_an_installer_registered_is_not_ours_to_take_back() {
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
    fn a_run_that_is_cut_off_anywhere_loses_nothing() {
        for before in found() {
            let all = plan_set(&before, EXE).unwrap().changes.len();
            for cut in 0..all {
                let mut registry = Fake { changes_left: Some(cut), ..before.clone() };
                let plan = plan_set(&registry, EXE).unwrap();
                let error = carry_out(&plan, &mut registry).unwrap_err();
                assert_eq!(error.changed(), cut > 0);
                registry.changes_left = None;
                let mut again = registry.clone();
                registry.unset();
                assert_eq!(registry, before, "undone at once, cut off after {cut}");
                again.set(EXE);
                assert_eq!(again.command("sip").as_deref(), Some(COMMAND));
                let unset = plan_unset(&again).unwrap().changes.len();
                for cut in 0..unset {
                    let mut registry = Fake { changes_left: Some(cut), ..again.clone() };
                    let plan = plan_unset(&registry).unwrap();
                    assert!(carry_out(&plan, &mut registry).is_err());
                    registry.changes_left = None;
                    registry.unset();
                    assert_eq!(registry, before, "undone in two runs, cut off after {cut}");
                }
            }
        }
    }

    #[test]
    fn the_users_choice_outweighs_this_user_and_that_this_machine() {
        let text = |text: &str| BTreeMap::from([(String::new(), ClassValue::of_text(text))]);
        let mut registry = Fake::default();
        let link = |registry: &Fake| show(registry, None).unwrap().remove(0);
        assert_eq!(link(&registry).said_by, SaidBy::Nobody);
        registry.machine.insert(command_key("tel"), text(r#""C:\Teams\teams.exe" "%1""#));
        let machine = link(&registry);
        assert_eq!((machine.said_by, machine.is_microsip), (SaidBy::Machine, false));
        assert_eq!(machine.program.as_deref(), Some(r"C:\Teams\teams.exe"));
        registry.user.insert(command_key("tel"), text(COMMAND));
        let user = link(&registry);
        assert_eq!((user.said_by, user.is_microsip), (SaidBy::User, true));
        assert_eq!(
            (user.scheme, user.command.as_deref(), user.program.as_deref()),
            ("tel", Some(COMMAND), Some(EXE))
        );
        // a class of a Store app has no command
        registry.choices.insert("tel".into(), "AppXphone".into());
        let chosen = link(&registry);
        assert_eq!((chosen.said_by, chosen.class.as_deref()), (SaidBy::UserChoice, Some("AppXphone")));
        assert_eq!((chosen.command, chosen.is_microsip), (None, false));
        registry.machine.insert(command_key("AppXphone"), text("phone.exe %1"));
        assert_eq!(link(&registry).program.as_deref(), Some("phone.exe"));
        // who picks MicroSIP when Windows asks chooses the scheme's own class
        registry.choices.insert("tel".into(), "tel".into());
        assert!(link(&registry).is_microsip);
    }

    #[test]
    fn a_renamed_microsip_that_we_registered_is_known() {
        let mut registry = Fake::default();
        registry.set(r"D:\Phone\phone.exe");
        assert!(show(&registry, None).unwrap().iter().all(|link| link.is_microsip));
        let stranger = Fake::with(&[(r"tel\shell\open\command", "", r"D:\Phone\phone.exe %1")]);
        assert!(!show(&stranger, None).unwrap()[0].is_microsip);
        assert!(show(&stranger, Some(r"d:\phone\PHONE.exe")).unwrap()[0].is_microsip);
    }

    #[test]
    fn a_choice_that_wins_is_told_and_the_rest_may_be_asked_for() {
        let own = SCHEMES.map(|scheme| (scheme.to_string(), scheme.to_uppercase()));
        let mut registry = Fake { choices: own.into(), ..Fake::default() };
        assert_eq!(remarks_after_set(&show(&registry, None).unwrap()), []);
        registry.choices.clear();
        registry.set(EXE);
        registry.choices.insert("tel".into(), "AppXphone".into());
        registry.choices.insert("sip".into(), "sip".into());
        let remarks = remarks_after_set(&show(&registry, Some(EXE)).unwrap());
        assert_eq!(
            remarks,
            [
                LinksWarning::ChosenOtherwise { scheme: "tel", who: "AppXphone".into() },
                LinksWarning::MayAsk { schemes: vec!["callto"] }
            ]
        );
    }

    #[test]
    fn the_program_of_a_command_is_found_as_windows_does() {
        assert_eq!(program_of(r#""C:\a b\x.exe" "%1""#), Some(r"C:\a b\x.exe"));
        assert_eq!(program_of(r"C:\a b\x.EXE %1"), Some(r"C:\a b\x.EXE"));
        assert_eq!(program_of("rundll32 url.dll,x %1"), Some("rundll32"));
        assert_eq!(program_of(r#""C:\never closed"#), Some(r"C:\never closed"));
        assert_eq!(program_of("é"), Some("é"));
        assert_eq!(program_of("  "), None);
        assert_eq!(program_of(r#""""#), None);
    }
}
